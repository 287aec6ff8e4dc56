#include "epoch.h"

void epoch_init(struct epoch *e, int64_t last_number, int64_t last_now_us) {
  *e = (struct epoch){.number = last_number + 1, .now_us = last_now_us};
}

void epoch_open(struct epoch *e, int64_t realtime_us, int64_t monotonic_us) {
  if (e->is_open) return;
  e->is_open = true;
  if (e->now_us < realtime_us) e->now_us = realtime_us;
  /* The interval counts from the first uncommitted record, not from a commit long ago: otherwise a
   * source that wakes up after an hour would cause a commit after its first block. */
  if (e->held_count == 0) e->interval_from = monotonic_us;
}

uint64_t epoch_budget(const struct epoch *e, const struct epoch_policy *policy) {
  if (policy->records == 0) return UINT64_MAX;
  return e->records < policy->records ? policy->records - e->records : 1;
}

void epoch_tick(struct epoch *e) {
  e->has_ticked = true;
}

bool epoch_is_empty(const struct epoch *e) {
  return !e->is_open || (e->records == 0 && !e->has_ticked);
}

void epoch_count(struct epoch *e, uint64_t records, uint64_t rejected) {
  e->records += records;
  e->rejected += rejected;
}

unsigned epoch_decide(const struct epoch *e, const struct epoch_policy *policy,
                      enum epoch_event event, int64_t now_us) {
  bool may_commit = !e->is_committing;
  bool closes = false, commits = false;
  switch (event) {
  case EPOCH_BLOCK:
    commits = may_commit && (policy->is_immediate || e->held_bytes >= EPOCH_READY_BYTES ||
                             now_us - e->interval_from >= policy->interval_us);
    closes = commits || (policy->records != 0 && e->records >= policy->records);
    break;
  case EPOCH_QUIET: closes = commits = may_commit; break;
  case EPOCH_PRESSURE:
  case EPOCH_END: closes = commits = true; break;
  }
  closes = closes && !epoch_is_empty(e);
  uint64_t held = e->held_count + (closes ? 1 : 0);
  if (e->held_bytes >= EPOCH_HELD_BYTES || held >= EPOCH_HELD_COUNT) commits = true;
  if (held == 0) commits = false;
  return (closes ? EPOCH_CLOSE : 0u) | (commits ? EPOCH_COMMIT : 0u) |
         (event == EPOCH_END ? EPOCH_WAIT : 0u);
}

int64_t epoch_deadline(const struct epoch *e, const struct epoch_policy *policy) {
  bool is_new = e->held_count > 0 || !epoch_is_empty(e);
  if (!is_new || e->is_committing) return INT64_MAX;
  int64_t interval_us = policy->is_immediate ? 0 : policy->interval_us;
  return e->interval_from > INT64_MAX - interval_us ? INT64_MAX : e->interval_from + interval_us;
}

void epoch_closed(struct epoch *e, uint64_t bytes) {
  e->number++;
  e->is_open = e->has_ticked = false;
  e->records = 0;
  e->rejected = 0;
  e->held_count++;
  e->held_bytes += bytes;
}

void epoch_submitted(struct epoch *e, int64_t monotonic_us) {
  e->held_count = 0;
  e->held_bytes = 0;
  e->is_committing = true;
  e->interval_from = monotonic_us;
}

void epoch_committed(struct epoch *e) {
  e->is_committing = false;
}

void epoch_discard(struct epoch *e) {
  e->is_open = e->has_ticked = false;
  e->records = 0;
  e->rejected = 0;
}
