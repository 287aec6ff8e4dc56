/* From a backup to a store. */
#include "backup.h"

#include "backup_format.h"
#include "mem.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tries in a row for one object, and the pause behind the first of them, which doubles. */
#define TRIES 5
#define PAUSE_US ((int64_t)200000)

struct restoring {
  const struct flow_sys *sys;
  const struct backup_settings *settings;
  const char *dir;
  struct backup_place *place;
  bool (*is_stopped)(void *context);
  void *context;
  uint64_t timeline; /* the largest of all manifests */
  struct flow_buf bytes;
  struct backup_restored *restored;
  struct flow_report *report;
};

/* How it went with one manifest. */
enum outcome { RESTORED, UNUSABLE, HOPELESS };

/* Sleeps, but not longer than until the run is told to stop. */
static void pause_for(struct restoring *r, int64_t pause_us) {
  const int64_t step_us = 20000;
  for (int64_t slept = 0; slept < pause_us && !r->is_stopped(r->context); slept += step_us)
    flow_sys_sleep(r->sys, step_us);
}

/* Gets an object into r->bytes, or lists names if `name` is a folder; tries again what may pass. */
static enum place_result fetch(struct restoring *r, const char *name, place_name list,
                               void *context) {
  int64_t pause_us = PAUSE_US;
  for (int tries = 1;; tries++, pause_us *= 2) {
    enum place_result result = list != NULL
                                   ? r->place->list(r->place, name, list, context, r->report)
                                   : r->place->get(r->place, name, &r->bytes, r->report);
    if (result != PLACE_FAILED || tries == TRIES) return result;
    pause_for(r, pause_us);
  }
}

/* -- one manifest */

/* Notes why a manifest cannot be used; the first reason is told. */
__attribute__((format(printf, 2, 3))) static enum outcome unusable(struct restoring *r,
                                                                   const char *format, ...) {
  if (r->restored->skipped++ > 0) return UNUSABLE;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(r->restored->why, sizeof r->restored->why, format, arguments);
  va_end(arguments);
  return UNUSABLE;
}

static enum outcome failed(struct restoring *r, enum place_result result) {
  if (result == PLACE_CANCELLED) flow_report_fail(r->report, FLOW_E_LOCKED, "stopped");
  return HOPELESS;
}

/* Gets one part and puts what is in it into the new store. */
static enum outcome restore_part(struct restoring *r, struct flow_store *store,
                                 const struct backup_manifest *m, const struct backup_piece *piece,
                                 uint32_t part) {
  char name[BACKUP_NAME];
  backup_part_name(m, piece, part, name);
  enum place_result result = fetch(r, name, NULL, NULL);
  if (result == PLACE_MISSING) return unusable(r, "object %s is missing", name);
  if (result != PLACE_OK) return failed(r, result);
  if (r->bytes.length != piece->parts[part].size)
    return unusable(r, "object %s has %zu bytes instead of %" PRIu64, name, r->bytes.length,
                    piece->parts[part].size);
  if (backup_hash(r->bytes.data, r->bytes.length) != piece->parts[part].hash)
    return unusable(r, "object %s has other bytes than it was put with", name);
  r->restored->bytes += r->bytes.length;
  enum flow_status status = flow_store_import(store, r->bytes.data, r->bytes.length, r->report);
  if (status == FLOW_E_CORRUPT) return unusable(r, "object %s: %s", name, r->report->message);
  return status == FLOW_OK ? RESTORED : HOPELESS;
}

/* Opens what was made, which verifies the chain of its epochs. */
static enum outcome verify(struct restoring *r, const struct backup_manifest *m) {
  const struct flow_store_options options = {
      .dir = r->dir, .flow_name = m->flow_name, .compiler_version = ""};
  struct flow_store *store;
  enum flow_status status = flow_store_open(r->sys, &options, &store, r->report);
  if (status != FLOW_OK) return HOPELESS;
  struct flow_store_range range = flow_store_range(store);
  flow_store_close(store);
  if (range.damaged < 0 && range.head == m->head) return RESTORED;
  flow_report_fail(r->report, FLOW_E_CORRUPT, "the state restored in %s from %s is damaged", r->dir,
                   r->settings->url);
  return HOPELESS;
}

static enum outcome restore_manifest(struct restoring *r, const struct backup_manifest *m) {
  struct flow_store *store;
  enum outcome outcome = RESTORED;
  enum flow_status status = flow_store_import_begin(r->sys, r->dir, &store, r->report);
  if (status == FLOW_OK)
    status = flow_store_import(store, m->store_head.data, m->store_head.length, r->report);
  if (status == FLOW_E_CORRUPT) outcome = unusable(r, "manifest %" PRIu64 " is damaged", m->number);
  else if (status != FLOW_OK) outcome = HOPELESS;
  for (uint32_t i = 0; outcome == RESTORED && i < m->piece_count; i++) {
    for (uint32_t k = 0; outcome == RESTORED && k < m->pieces[i].part_count; k++)
      outcome = restore_part(r, store, m, &m->pieces[i], k);
  }
  if (outcome == RESTORED &&
      flow_store_import_end(store, r->timeline + r->restored->skipped + 1, r->report) != FLOW_OK)
    outcome = HOPELESS;
  if (outcome != RESTORED) {
    flow_store_discard(store);
    return outcome;
  }
  flow_store_close(store);
  return verify(r, m);
}

/* -- all manifests */

struct numbers {
  const struct flow_sys *sys;
  uint64_t *all;
  size_t count, capacity;
};

static bool note_number(void *context, const char *name) {
  struct numbers *n = context;
  uint64_t number;
  if (!backup_manifest_number(name, &number)) return true;
  if (n->count == n->capacity) {
    n->capacity = n->capacity == 0 ? 16 : 2 * n->capacity;
    n->all = flow_sys_must_realloc(n->sys, n->all, n->capacity * sizeof *n->all);
  }
  n->all[n->count++] = number;
  return true;
}

static int compare_numbers(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? 1 : x > y ? -1 : 0;
}

/* Gets manifest `number` of `count` and tries to restore it. */
static enum outcome try_number(struct restoring *r, uint64_t number) {
  char name[BACKUP_NAME];
  struct backup_manifest m;
  backup_manifest_name(number, name);
  enum place_result result = fetch(r, name, NULL, NULL);
  if (result == PLACE_MISSING) return unusable(r, "object %s is missing", name);
  if (result != PLACE_OK) return failed(r, result);
  bool is_good = backup_decode(&m, r->bytes.data, r->bytes.length) && m.number == number;
  enum outcome outcome = HOPELESS;
  if (is_good && m.timeline > r->timeline) r->timeline = m.timeline;
  if (!is_good) {
    outcome = unusable(r, "manifest %" PRIu64 " is damaged, or of a newer flowcc", number);
  } else if (r->settings->flow_name != NULL &&
             !backup_is_of(&m, r->settings->flow_name, r->settings->flow_was)) {
    flow_report_fail(r->report, FLOW_E_MISMATCH,
                     "the backup at %s belongs to the flow `%s`, and this is `%s`",
                     r->settings->url, m.flow_name, r->settings->flow_name);
    flow_report_help(r->report, "give this flow another --backup");
  } else {
    outcome = restore_manifest(r, &m);
    r->restored->head = m.head;
    r->restored->wall_us = m.wall_us;
  }
  backup_manifest_free(&m);
  return outcome;
}

static enum flow_status restore(struct restoring *r) {
  struct numbers n = {.sys = r->sys};
  enum place_result result = fetch(r, "manifest/", note_number, &n);
  enum outcome outcome = result == PLACE_OK ? UNUSABLE : failed(r, result);
  if (n.count > 0) qsort(n.all, n.count, sizeof *n.all, compare_numbers);
  for (size_t i = 0; outcome == UNUSABLE && i < n.count; i++) outcome = try_number(r, n.all[i]);
  bool has_any = n.count > 0;
  r->sys->free(r->sys, n.all);
  if (outcome == HOPELESS) return r->report->status;
  r->restored->is_found = outcome == RESTORED;
  if (outcome == RESTORED || !has_any) return FLOW_OK;
  flow_report_fail(r->report, FLOW_E_CORRUPT, "the backup at %s cannot be restored: %s",
                   r->settings->url, r->restored->why);
  flow_report_help(r->report, "bring back what is missing there; or give another --backup to start "
                   "afresh from the beginning of the input");
  return FLOW_E_CORRUPT;
}

enum flow_status backup_restore(const struct flow_sys *sys, const struct backup_settings *settings,
                                const char *dir, bool (*is_stopped)(void *context), void *context,
                                struct backup_restored *restored, struct flow_report *report) {
  *restored = (struct backup_restored){.head = -1};
  struct restoring r = {.sys = sys, .settings = settings, .dir = dir, .is_stopped = is_stopped,
                        .context = context, .restored = restored, .report = report};
  const struct backup_place_settings where = {.url = settings->url,
                                              .s3_endpoint = settings->s3_endpoint,
                                              .is_cancelled = is_stopped,
                                              .context = context};
  enum flow_status status = backup_place_open(sys, &where, &r.place, report);
  if (status != FLOW_OK) return status;
  status = restore(&r);
  r.place->close(r.place);
  flow_buf_free(&r.bytes);
  return status;
}
