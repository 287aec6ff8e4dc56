#include "sequencer.h"

static uint64_t stripe_of(const struct sequencer_partition *p) {
  return p->offset / SEQUENCER_STRIPE;
}

/* Whether `p` goes before `other`, of two that are ready and bounded, in the order of declaration. */
static bool is_before(const struct sequencer_partition *p, const struct sequencer_partition *other) {
  if (p->is_first != other->is_first) return p->is_first;
  return stripe_of(p) < stripe_of(other);
}

/* The bounded partition whose turn it is, leaving out index `except`; -1 if all are at their end.
 * */
static int32_t first_bounded(const struct sequencer_partition *partitions, uint32_t count,
                             int32_t except) {
  int32_t best = -1;
  for (uint32_t i = 0; i < count; i++) {
    const struct sequencer_partition *p = &partitions[i];
    if (p->is_live || p->state != PARTITION_READY || (int32_t)i == except) continue;
    if (best < 0 || is_before(p, &partitions[best])) best = (int32_t)i;
  }
  return best;
}

/* Up to which offset bounded partition `chosen` may go before another one has its turn. */
static uint64_t turn_limit(const struct sequencer_partition *partitions, uint32_t count,
                           int32_t chosen) {
  int32_t next = first_bounded(partitions, count, chosen);
  if (next < 0 || partitions[chosen].is_first != partitions[next].is_first) return UINT64_MAX;
  uint64_t stripe = stripe_of(&partitions[next]) + (chosen < next ? 1 : 0);
  return stripe * SEQUENCER_STRIPE;
}

struct sequencer_turn sequencer_next(const struct sequencer_partition *partitions, uint32_t count,
                                     int32_t *last) {
  int32_t bounded = first_bounded(partitions, count, -1);
  if (bounded >= 0 && partitions[bounded].is_first)
    return (struct sequencer_turn){bounded, turn_limit(partitions, count, bounded)};
  /* All bounded partitions share the place behind the last index in the round of turns. */
  for (uint32_t step = 1; step <= count + 1; step++) {
    int32_t place = (int32_t)(((uint32_t)(*last + 1) + step - 1) % (count + 1));
    if (place == (int32_t)count) {
      if (bounded < 0) continue;
      *last = place;
      return (struct sequencer_turn){bounded, turn_limit(partitions, count, bounded)};
    }
    const struct sequencer_partition *p = &partitions[place];
    if (!p->is_live || p->state != PARTITION_READY) continue;
    *last = place;
    return (struct sequencer_turn){place, UINT64_MAX};
  }
  return (struct sequencer_turn){-1, 0};
}

bool sequencer_log_add(struct sequencer_log *log, const struct sequencer_entry *entry) {
  if (entry->length == 0 && entry->records == 0) return true;
  struct sequencer_entry *end = log->count > 0 ? &log->entries[log->count - 1] : NULL;
  if (end != NULL && end->partition == entry->partition && end->file == entry->file &&
      end->offset + end->length == entry->offset && !end->is_open && !end->is_too_long &&
      !entry->is_too_long) {
    end->length += entry->length;
    end->records += entry->records;
    end->is_open = entry->is_open;
    return true;
  }
  if (log->count == log->capacity) {
    size_t capacity = log->capacity == 0 ? 64 : log->capacity * 2;
    struct sequencer_entry *entries =
        log->sys->realloc(log->sys, log->entries, capacity * sizeof *entries);
    if (entries == NULL) return false;
    log->entries = entries;
    log->capacity = capacity;
  }
  log->entries[log->count++] = *entry;
  return true;
}

void sequencer_log_clear(struct sequencer_log *log) {
  log->count = 0;
}

void sequencer_log_free(struct sequencer_log *log) {
  log->sys->free(log->sys, log->entries);
  log->entries = NULL;
  log->count = log->capacity = 0;
}
