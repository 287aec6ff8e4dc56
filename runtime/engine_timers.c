/* Timers: what `expires` and `on at` do when time passes.
 *
 * The clock of a stage is the now() of the epoch, so time passes between two epochs only: at the start of
 * each, before its first record, everything fires whose deadline has come, state by state in the
 * order of the stages, and within a state by (deadline, creation). What fires belongs to the epoch and
 * not to its first record. While the run waits for input, the next deadline ends the wait, and an epoch
 * without a record begins. Nothing fires at the end of the input; `on end` does what is to be done there.
 *
 * Each share has a heap of its own rows (flow/timer.h); the first of all heaps is next. No block is in flight,
 * and the engine's worker acts for the owner of each row, as for the hooks of engine_hooks.c. */
#include "engine.h"

#include "flow/timer.h"
#include "limits.h"
#include "mem.h"

static bool is_sooner(struct flow_entry *a, struct flow_entry *b) {
  int64_t x = flow_timer_noted(a), y = flow_timer_noted(b);
  return x != y ? x < y : a->id < b->id;
}

/* The row that the heaps of all shares take for the next one, and whose it is; null: there is none. */
static struct flow_entry *first_noted(const struct engine *e, uint32_t state, uint32_t *share) {
  struct flow_entry *best = NULL;
  for (uint32_t i = 0; i < e->worker_count; i++) {
    struct flow_entry *row = flow_timer_first(&e->shares[i].tables[state]);
    if (row == NULL || (best != NULL && !is_sooner(row, best))) continue;
    best = row;
    *share = i;
  }
  return best;
}

/* The next row whose own deadline has come at the time of the clock; the worker acts for its owner. Rows
 * of which the heap knows an earlier deadline are put right on the way. */
static struct flow_entry *next_due(struct engine *e, uint32_t state, int64_t clock_us) {
  struct flow_entry *row;
  uint32_t share = 0, count = 0;
  while ((row = first_noted(e, state, &share)) != NULL && flow_timer_noted(row) <= clock_us) {
    if (++count % FLOW_BATCH == 0) flow_mem_arena_reset(e->worker.arena);
    engine_enter_share(e, share);
    int64_t due_us = e->program->states[state].due(&e->worker, row);
    if (due_us <= flow_timer_noted(row)) return row;
    flow_timer_note(&e->worker.tables[state], row, due_us);
  }
  return NULL;
}

/* How often one row has fired in turn without a later deadline. */
struct repeats {
  uint64_t id;
  int64_t due_us;
  uint64_t count;
};

/* A hook that leaves its time where it is would fire for ever. */
static void check_repeats(struct engine *e, uint32_t state, struct repeats *repeats,
                          struct flow_entry *row) {
  bool is_again = repeats->count > 0 && row->id == repeats->id &&
                  flow_timer_noted(row) <= repeats->due_us;
  repeats->count = is_again ? repeats->count + 1 : 1;
  repeats->id = row->id;
  repeats->due_us = flow_timer_noted(row);
  if (repeats->count <= FLOW_TIMER_REPEATS) return;
  flow_set_failure(&e->worker, e->program->states[state].at_site,
                   "the time of `on at` does not move on: " FLOW_TIMER_REPEATS_TEXT " runs for one key",
                   true);
  flow_abort_record(&e->worker);
}

static bool fire_state(struct engine *e, uint32_t state) {
  struct repeats repeats = {0};
  struct flow_entry *row;
  uint64_t count = 0;
  engine_number_rows(e); /* the states before may have made rows */
  while ((row = next_due(e, state, e->worker.now_us)) != NULL) {
    check_repeats(e, state, &repeats, row);
    e->program->states[state].fire(&e->worker, row);
    engine_end_hook(e, &count);
  }
  engine_leave_shares(e);
  return count > 0;
}

/* May jump. */
static bool fire_all(struct engine *e) {
  bool has_fired = false;
  for (uint32_t i = 0; i < e->program->state_count; i++) {
    if (e->program->states[i].due != NULL) has_fired |= fire_state(e, i);
  }
  flow_mem_arena_reset(e->worker.arena);
  return has_fired;
}

enum flow_status engine_fire_timers(struct engine *e) {
  if (!e->has_timers) return FLOW_OK;
  e->catcher.gave_up = GIVE_UP_NONE;
  if (setjmp(e->catcher.jump) != 0) {
    engine_leave_shares(e);
    return engine_stop_at_hook(e, true);
  }
  e->worker.record = 0;
  if (!fire_all(e)) return FLOW_OK;
  epoch_tick(&e->epoch);
  /* The first record, if it is given up, does not take this back. */
  for (uint32_t i = 0; i <= e->program->sink_count; i++) {
    e->worker.sinks[i].mark_record = UINT64_MAX;
  }
  return e->flush_status;
}

/* Whether something is due, whatever the heaps believe. */
static bool is_due(struct engine *e, int64_t clock_us) {
  bool is_any = false;
  for (uint32_t i = 0; i < e->program->state_count && !is_any; i++) {
    if (e->program->states[i].due != NULL) is_any = next_due(e, i, clock_us) != NULL;
  }
  engine_leave_shares(e);
  return is_any;
}

enum flow_status engine_pass_time(struct engine *e, int64_t *wait_us) {
  *wait_us = INT64_MAX;
  if (!e->has_timers || !epoch_is_empty(&e->epoch)) return FLOW_OK;
  int64_t clock_us = engine_clock(e), next_us = FLOW_NEVER;
  if (is_due(e, clock_us)) {
    epoch_discard(&e->epoch);
    enum flow_status status = engine_begin_epoch(e);
    return status == FLOW_OK ? engine_settle(e, EPOCH_QUIET) : status;
  }
  for (uint32_t i = 0; i < e->program->state_count; i++) {
    uint32_t share;
    if (e->program->states[i].due == NULL) continue;
    struct flow_entry *row = first_noted(e, i, &share);
    if (row != NULL && flow_timer_noted(row) < next_us) next_us = flow_timer_noted(row);
  }
  if (next_us == FLOW_NEVER) return FLOW_OK;
  *wait_us = next_us - clock_us < FLOW_CLOCK_LOOK_US ? next_us - clock_us : FLOW_CLOCK_LOOK_US;
  return FLOW_OK;
}

void engine_load_timers(struct engine *e) {
  for (uint32_t i = 0; e->has_timers && i < e->program->state_count; i++) {
    const struct flow_state_desc *state = &e->program->states[i];
    if (state->due == NULL) continue;
    for (uint32_t share = 0; share < e->worker_count; share++) {
      struct flow_table *t = &e->shares[share].tables[i];
      engine_enter_share(e, share);
      for (uint32_t number = 1; number < t->row_end; number++) {
        struct flow_entry *row = flow_table_row(t, number);
        if (row->id != FLOW_ENTRY_FREE) flow_timer_set(t, row, state->due(&e->worker, row));
        if (number % FLOW_BATCH == 0) flow_mem_arena_reset(e->worker.arena);
      }
    }
  }
  engine_leave_shares(e);
}
