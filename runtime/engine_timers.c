/* Timers: what `expires` and `on at` do when time passes.
 *
 * The clock of a stage behind a `time by` is its watermark; flow/mark.h says how that goes. The clock of any
 * other is the now() of the epoch, so its time passes between two epochs only: at the start of each, before
 * its first record, everything fires whose deadline has come, state by state in the order of the stages, and
 * within a state by (deadline, creation). What fires belongs to the epoch and not to its first record. While
 * the run waits for input, the next deadline ends the wait, and an epoch without a record begins. Nothing
 * fires at the end of the input; `on end` does what is to be done there. Streams with `idle after` leave at
 * the same moment (marks.h), and what then is due by the watermarks of the others fires first.
 *
 * Each share has a heap of its own rows (flow/timer.h); the first of all heaps is next. No block is in flight,
 * and the engine's worker acts for the owner of each row, as for the hooks of engine_hooks.c. */
#include "engine.h"

#include "flow/timer.h"
#include "flow/mark.h"
#include "limits.h"
#include "mem.h"

#include <string.h>

/* Whether the state's deadlines are compared with the start of the epoch, and not with watermarks. */
static bool is_by_epoch(const struct flow_state_desc *state) {
  return state->due != NULL && state->mark_count == 0;
}

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
static void check_repeats(struct flow_worker *w, const struct flow_state_desc *state,
                          struct repeats *repeats, struct flow_entry *row) {
  bool is_again = repeats->count > 0 && row->id == repeats->id &&
                  flow_timer_noted(row) <= repeats->due_us;
  repeats->count = is_again ? repeats->count + 1 : 1;
  repeats->id = row->id;
  repeats->due_us = flow_timer_noted(row);
  if (repeats->count <= FLOW_TIMER_REPEATS) return;
  flow_set_failure(w, state->at_site,
                   "the time of `on at` does not move on: " FLOW_TIMER_REPEATS_TEXT " runs for one key",
                   true);
  flow_abort_record(w);
}

static bool fire_state(struct engine *e, uint32_t state, int64_t clock_us) {
  struct repeats repeats = {0};
  struct flow_entry *row;
  uint64_t count = 0;
  engine_number_rows(e); /* the states before may have made rows */
  while ((row = next_due(e, state, clock_us)) != NULL) {
    check_repeats(&e->worker, &e->program->states[state], &repeats, row);
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
    if (is_by_epoch(&e->program->states[i])) has_fired |= fire_state(e, i, e->worker.now_us);
  }
  flow_mem_arena_reset(e->worker.arena);
  return has_fired;
}

/* Streams that have become idle hold nothing back any more. May jump. */
static bool fire_left(struct engine *e, bool is_again) {
  bool has_left = marks_leave(&e->marks, is_again ? NULL : e->partitions, e->worker.now_us);
  for (uint32_t i = 0; has_left && i < e->program->state_count; i++)
    flow_mark_fire_due(&e->worker, i, marks_clock_left(&e->marks, &e->program->states[i]));
  marks_settle(&e->marks);
  return has_left;
}

enum flow_status engine_fire_timers(struct engine *e, bool is_again) {
  if (!e->has_timers && !e->marks.has_idle) return FLOW_OK;
  e->catcher.gave_up = GIVE_UP_NONE;
  if (setjmp(e->catcher.jump) != 0) {
    engine_leave_shares(e);
    return engine_stop_at_hook(e, true);
  }
  e->worker.record = 0;
  bool has_left = fire_left(e, is_again);
  if (!fire_all(e) && !has_left) return FLOW_OK;
  epoch_tick(&e->epoch);
  /* The first record, if it is given up, does not take this back. */
  for (uint32_t i = 0; i <= e->program->sink_count; i++) {
    e->worker.sinks[i].mark_record = UINT64_MAX;
  }
  return e->flush_status;
}

/* -- event time --------------------------------------------------------------------------------
 *
 * What fires then is a part of what a record does, so rows of its batch may lie in the arena: it is left alone. */

/* The next row of the table that the worker acts for whose own deadline has come. */
static struct flow_entry *due_in_table(struct flow_worker *w, const struct flow_state_desc *state,
                                       struct flow_table *t, int64_t clock_us) {
  while (t->next_due_us <= clock_us) {
    struct flow_entry *row = flow_timer_first(t);
    int64_t due_us = state->due(w, row);
    if (due_us <= flow_timer_noted(row)) return row;
    flow_timer_note(t, row, due_us);
  }
  return NULL;
}

/* The next one of all shares; the worker acts for its owner. */
static struct flow_entry *due_in_shares(struct engine *e, uint32_t state, int64_t clock_us) {
  struct flow_entry *best = NULL;
  uint32_t share = 0;
  for (uint32_t i = 0; i < e->worker_count; i++) {
    struct flow_table *t = &e->shares[i].tables[state];
    if (t->next_due_us > clock_us) continue;
    engine_enter_share(e, i);
    struct flow_entry *row = due_in_table(&e->worker, &e->program->states[state], t, clock_us);
    if (row == NULL || (best != NULL && !is_sooner(row, best))) continue;
    best = row;
    share = i;
  }
  if (best != NULL) engine_enter_share(e, share);
  return best;
}

static void fire_row(struct flow_worker *w, const struct flow_state_desc *state,
                     struct repeats *repeats, struct flow_entry *row) {
  check_repeats(w, state, repeats, row);
  w->time_us = flow_timer_noted(row);
  state->fire(w, row);
}

void flow_mark_fire_due(struct flow_worker *w, uint32_t state, int64_t clock_us) {
  struct engine *e = ((struct catcher *)w->engine)->engine;
  const struct flow_share mine = {.tables = w->tables, .heap = w->heap};
  struct repeats repeats = {0};
  struct flow_entry *row;
  if (clock_us == FLOW_NEVER) return;
  engine_number_rows(e); /* so that rows of all shares can be compared */
  while ((row = due_in_shares(e, state, clock_us)) != NULL)
    fire_row(w, &e->program->states[state], &repeats, row);
  flow_share_leave(w, mine);
}

int64_t flow_mark_latest(const struct flow_worker *w, const uint32_t *marks, uint32_t count) {
  const struct engine *e = ((const struct catcher *)w->engine)->engine;
  int64_t latest_us = INT64_MIN;
  for (uint32_t i = 0; i < count; i++) latest_us = flow_later(latest_us, marks_real(&e->marks, marks[i]));
  return latest_us;
}

void engine_fire_marks(struct engine *e) {
  for (uint32_t i = 0; i < e->program->state_count; i++) {
    const struct flow_state_desc *state = &e->program->states[i];
    if (state->mark_count > 0) flow_mark_fire_due(&e->worker, i, marks_clock(state, e->worker.marks));
  }
  marks_settle(&e->marks);
}

/* As if time went on for ever. */
void engine_flush_marks(struct engine *e, uint32_t state) {
  const struct flow_state_desc *desc = &e->program->states[state];
  struct repeats repeats = {0};
  struct flow_entry *row;
  uint64_t count = 0;
  int64_t last_us = INT64_MIN;
  engine_number_rows(e);
  while ((row = due_in_shares(e, state, FLOW_NEVER - 1)) != NULL) {
    if (flow_timer_noted(row) > last_us) last_us = flow_timer_noted(row);
    fire_row(&e->worker, desc, &repeats, row);
    engine_end_hook(e, &count);
  }
  engine_leave_shares(e);
  for (uint32_t i = 0; i < desc->mark_count; i++) marks_raise(&e->marks, desc->marks[i], last_us);
}

/* The place in the order of everything of what the rise of a watermark, with the path `rise`, fires in a row. */
static void set_path(const struct flow_exchange *exchange, const struct flow_table *t,
                     struct flow_entry *row, uint32_t rise, uint32_t *path) {
  uint64_t due = (uint64_t)flow_timer_noted(row) ^ UINT64_C(1) << 63;
  memset(path, 0, exchange->fire_level * sizeof *path);
  path[0] = rise;
  path[1] = exchange->state + 1;
  path[2] = (uint32_t)(due >> 32);
  path[3] = (uint32_t)due;
  uint32_t *creation = path + 4;
  if (row->id < t->epoch_first) {
    creation[1] = (uint32_t)(row->id >> 32);
    creation[2] = (uint32_t)row->id;
  } else {
    const uint32_t *stamp = flow_table_stamp(t, row->touched - 1);
    uint32_t words = exchange->fire_level - 4;
    if (words > t->stamp_words) words = t->stamp_words;
    memcpy(creation, stamp, words * sizeof *creation);
    creation[0]++; /* behind all that is older than the epoch */
  }
}

void engine_fire_in_lane(struct flow_worker *w, const struct flow_exchange *exchange, uint32_t rise,
                         uint32_t *path) {
  const struct engine *e = ((struct catcher *)w->engine)->engine;
  const struct flow_state_desc *state = &e->program->states[exchange->state];
  struct flow_table *t = &w->tables[exchange->state];
  if (state->mark_count == 0) return;
  int64_t clock_us = marks_clock(state, w->marks);
  struct repeats repeats = {0};
  struct flow_entry *row;
  if (clock_us == FLOW_NEVER) return;
  while ((row = due_in_table(w, state, t, clock_us)) != NULL) {
    set_path(exchange, t, row, rise, path);
    w->order.level = exchange->fire_level;
    w->order.path = path;
    w->step = 0;
    fire_row(w, state, &repeats, row);
  }
  w->order.level = exchange->level;
}

/* Whether something is due, whatever the heaps believe. */
static bool is_due(struct engine *e, int64_t clock_us) {
  bool is_any = false;
  for (uint32_t i = 0; i < e->program->state_count && !is_any; i++) {
    if (is_by_epoch(&e->program->states[i])) is_any = next_due(e, i, clock_us) != NULL;
  }
  engine_leave_shares(e);
  return is_any;
}

enum flow_status engine_pass_time(struct engine *e, int64_t *wait_us) {
  *wait_us = INT64_MAX;
  bool has_any = e->has_timers || e->marks.has_idle;
  if (!has_any || !epoch_is_empty(&e->epoch)) return FLOW_OK;
  int64_t clock_us = engine_clock(e), next_us = marks_next_leave(&e->marks, e->partitions);
  if (next_us <= clock_us || is_due(e, clock_us)) {
    epoch_discard(&e->epoch);
    enum flow_status status = engine_begin_epoch(e);
    return status == FLOW_OK ? engine_settle(e, EPOCH_QUIET) : status;
  }
  for (uint32_t i = 0; i < e->program->state_count; i++) {
    uint32_t share;
    if (!is_by_epoch(&e->program->states[i])) continue;
    struct flow_entry *row = first_noted(e, i, &share);
    if (row != NULL && flow_timer_noted(row) < next_us) next_us = flow_timer_noted(row);
  }
  if (next_us == FLOW_NEVER) return FLOW_OK;
  *wait_us = next_us - clock_us < FLOW_CLOCK_LOOK_US ? next_us - clock_us : FLOW_CLOCK_LOOK_US;
  return FLOW_OK;
}

void engine_load_timers(struct engine *e) {
  for (uint32_t i = 0; i < e->program->state_count; i++) {
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
