/* `flowcc state backup` and `restore` (flow/store.h): the same as a run's, without a run. */
#include "backup.h"

#include "flow/store.h"

#include <stdio.h>

static bool never(void *context) {
  (void)context;
  return false;
}

/* Ships all of the store, as a run does that has nothing to read. */
static enum flow_status ship(const struct flow_sys *sys, struct flow_store *store,
                             const struct backup_settings *settings, struct flow_report *report) {
  static const struct flow_store_keep all = {.copied = -1, .base = -1, .holds_base = true};
  struct committer *committer = NULL;
  struct backup *backup = NULL;
  flow_store_keep(store, &all);
  enum flow_status status = committer_start(sys, store, NULL, &committer, report);
  if (status == FLOW_OK)
    status = backup_start(sys, settings, committer, 0, never, NULL, &backup, report);
  if (status == FLOW_OK) status = backup_finish(backup, never, NULL, report);
  backup_stop(backup);
  committer_stop(committer);
  return status;
}

enum flow_status flow_state_backup(const char *dir, const char *url, const char *s3_endpoint,
                                   int64_t *epoch, struct flow_report *report) {
  const struct flow_sys *sys = flow_sys_posix();
  const struct flow_store_options options = {.dir = dir, .compiler_version = ""};
  struct flow_store *store;
  if (!backup_url_is_good(url, report)) return report->status;
  if (!flow_store_is_there(sys, dir))
    return flow_report_fail(report, FLOW_E_INPUT, "there is no saved state in %s", dir);
  enum flow_status status = flow_store_open(sys, &options, &store, report);
  if (status == FLOW_E_LOCKED)
    flow_report_help(report, "start that run with --backup %s, and it does this itself", url);
  if (status != FLOW_OK) return status;
  const struct flow_store_range range = flow_store_range(store);
  *epoch = range.head;
  if (range.damaged >= 0) {
    flow_report_fail(report, FLOW_E_CORRUPT, "the saved state in %s is damaged in epoch %lld", dir,
                     (long long)range.damaged);
    flow_report_help(report, "`flowcc state verify %.900s` says more", dir);
    status = FLOW_E_CORRUPT;
  }
  const struct backup_settings settings = {.url = url, .s3_endpoint = s3_endpoint,
                                           .flow_name = flow_store_flow_name(store)};
  if (status == FLOW_OK) status = ship(sys, store, &settings, report);
  flow_store_close(store);
  return status;
}

enum flow_status flow_state_restore(const char *url, const char *s3_endpoint, const char *dir,
                                    struct flow_state_restored *restored,
                                    struct flow_report *report) {
  const struct backup_settings settings = {.url = url, .s3_endpoint = s3_endpoint};
  struct backup_restored found;
  enum flow_status status =
      backup_restore(flow_sys_posix(), &settings, dir, never, NULL, &found, report);
  if (status != FLOW_OK) return status;
  if (!found.is_found) return flow_report_fail(report, FLOW_E_INPUT, "there is no backup at %s", url);
  *restored = (struct flow_state_restored){.epoch = found.head, .wall_us = found.wall_us};
  if (found.skipped > 0) snprintf(restored->skipped, sizeof restored->skipped, "%s", found.why);
  return FLOW_OK;
}
