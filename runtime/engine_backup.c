/* The backup of a run: what is lost is restored first, and what is committed is shipped beside
 * it. */
#include "engine.h"

#include "flow/time.h"

#include <string.h>

static bool is_stopped(void *context) {
  struct engine *e = context;
  return stop_is_asked(&e->stop);
}

static struct backup_settings settings_of(const struct engine *e) {
  return (struct backup_settings){.url = e->options.backup,
                                  .s3_endpoint = e->options.s3_endpoint,
                                  .flow_name = e->program->name,
                                  .flow_was = e->program->was};
}

/* Says on stderr what the run begins with: nobody should find out later that state was lost. */
static void tell(struct engine *e, const struct backup_restored *restored) {
  struct flow_buf text = {0}, when = {0};
  if (restored->skipped > 0) {
    message_add(&text, "warning: the newest state in the backup cannot be used: %s\n",
                restored->why);
  }
  flow_print_timestamp(&when, restored->wall_us / 1000000 * 1000000);
  message_add(&text, "restored %s from %s", e->options.state_dir, e->options.backup);
  if (restored->head < 0) message_add(&text, ": nothing was done yet");
  else message_add(&text, ": epoch %lld", (long long)restored->head);
  message_add(&text, ", saved %.*s\n", (int)when.length, when.data);
  engine_print(e, &text);
  flow_buf_free(&text);
  flow_buf_free(&when);
}

enum flow_status engine_restore(struct engine *e) {
  if (e->options.backup == NULL || flow_store_is_there(e->sys, e->options.state_dir))
    return FLOW_OK;
  const struct backup_settings settings = settings_of(e);
  struct backup_restored restored;
  enum flow_status status = backup_restore(e->sys, &settings, e->options.state_dir, is_stopped, e,
                                           &restored, &e->report);
  if (status == FLOW_OK && restored.is_found) tell(e, &restored);
  if (status == FLOW_E_IO && restored.bytes == 0) {
    flow_report_add(&e->report, "\n  there is no state in %s, and whether the backup has some "
                    "cannot be told; nothing was changed", e->options.state_dir);
  }
  return status;
}

void engine_hold_store(struct engine *e) {
  static const struct flow_store_keep all = {.copied = -1, .base = -1, .holds_base = true};
  if (e->options.backup != NULL) flow_store_keep(e->store, &all);
}

enum flow_status engine_start_backup(struct engine *e) {
  if (e->options.backup == NULL) return FLOW_OK;
  const struct backup_settings settings = settings_of(e);
  return backup_start(e->sys, &settings, e->committer, e->options.interval_us, is_stopped, e,
                      &e->backup, &e->report);
}

enum flow_status engine_finish_backup(struct engine *e) {
  if (e->backup == NULL) return FLOW_OK;
  return backup_finish(e->backup, is_stopped, e, &e->report);
}
