/* What an epoch's close does with the rows of all shares: hooks, and ids of new rows.
 *
 * Each worker's tables list what was touched in the order of the first touch, and with several
 * workers a stamp beside it: the place in the one order of everything. So the lists are taken
 * together as one, row by row. No block is in flight meanwhile, and the engine's worker acts for the owner of
 * each row: hooks run one after another, depth first, as the reference order says. */
#include "engine.h"

#include "flow/timer.h"
#include "mem.h"

#include <string.h>

void engine_leave_shares(struct engine *e) {
  e->worker.tables = e->shares[0].tables;
  e->worker.heap = e->shares[0].heap;
}

void engine_enter_share(struct engine *e, uint32_t share) {
  e->worker.tables = e->shares[share].tables;
  e->worker.heap = e->shares[share].heap;
  e->worker.step++;
}

void engine_end_hook(struct engine *e, uint64_t *count) {
  if (++*count % FLOW_BATCH == 0) flow_batch_end(&e->worker);
}

/* -- touched rows of all shares -- */

/* A walk over the touched rows of one state; next[share] is the place in its list. */
struct walk {
  struct engine *engine;
  uint32_t state;
  size_t *next;
};

static struct walk walk_begin(struct engine *e, uint32_t state) {
  size_t size = e->worker_count * sizeof(size_t);
  struct walk walk = {.engine = e, .state = state, .next = flow_sys_must_alloc(e->sys, size)};
  memset(walk.next, 0, size);
  return walk;
}

static bool is_before(const struct flow_table *a, size_t i, const struct flow_table *b, size_t j) {
  const uint32_t *x = flow_table_stamp(a, i), *y = flow_table_stamp(b, j);
  for (uint32_t word = 0; word < a->stamp_words; word++) {
    if (x[word] != y[word]) return x[word] < y[word];
  }
  return false;
}

/* The next touched row that is still there, and whose it is; null: that was all. Rows that are touched
 * meanwhile come, too. */
static struct flow_entry *walk_next(struct walk *walk, uint32_t *share) {
  const struct engine *e = walk->engine;
  const struct flow_table *best = NULL;
  for (uint32_t i = 0; i < e->worker_count; i++) {
    const struct flow_table *t = &e->shares[i].tables[walk->state];
    while (walk->next[i] < t->touched_count && flow_table_touched(t, walk->next[i]) == NULL) {
      walk->next[i]++;
    }
    if (walk->next[i] == t->touched_count) continue;
    if (best != NULL && !is_before(t, walk->next[i], best, walk->next[*share])) continue;
    best = t;
    *share = i;
  }
  return best == NULL ? NULL : flow_table_touched(best, walk->next[*share]++);
}

static void walk_end(struct walk *walk) {
  walk->engine->sys->free(walk->engine->sys, walk->next);
}

/* -- hooks -- */

static void on_epoch(struct engine *e, uint32_t state) {
  struct walk walk = walk_begin(e, state);
  uint32_t share = 0;
  uint64_t count = 0;
  for (struct flow_entry *row; (row = walk_next(&walk, &share)) != NULL;) {
    engine_enter_share(e, share);
    e->program->states[state].on_epoch(&e->worker, row);
    engine_end_hook(e, &count);
  }
  walk_end(&walk);
  engine_leave_shares(e);
}

void engine_on_epoch(struct engine *e) {
  for (uint32_t i = 0; i < e->program->state_count; i++) {
    if (e->program->states[i].on_epoch != NULL) on_epoch(e, i);
  }
}

/* -- ids -- */

/* With several workers, each table counts on from where all of them were when the epoch began. Here the rows
 * get the ids that one table would have given them. */
static void number_rows(struct engine *e, uint32_t state) {
  struct flow_table *first = &e->shares[0].tables[state];
  uint64_t next_id = first->epoch_first;
  bool has_timers = e->program->states[state].due != NULL;
  struct walk walk = walk_begin(e, state);
  uint32_t share = 0;
  for (struct flow_entry *row; (row = walk_next(&walk, &share)) != NULL;) {
    if (row->id < first->epoch_first) continue;
    row->id = next_id++;
    if (has_timers) flow_timer_renumber(&e->shares[share].tables[state], row);
  }
  walk_end(&walk);
  for (uint32_t i = 0; i < e->worker_count; i++) e->shares[i].tables[state].next_id = next_id;
}

void engine_number_rows(struct engine *e) {
  for (uint32_t i = 0; i < e->program->state_count; i++) {
    bool has_new = false;
    for (uint32_t j = 0; j < e->worker_count; j++) {
      const struct flow_table *t = &e->shares[j].tables[i];
      has_new |= t->next_id > t->epoch_first;
    }
    if (e->worker_count > 1 && has_new) number_rows(e, i);
  }
}

/* -- the end -- */

/* The rows of each share in the order of their ids. */
struct sorted {
  struct flow_entry **rows;
  uint32_t count, next;
};

static struct flow_entry *sorted_next(struct sorted *sorted, uint32_t count, uint32_t *share) {
  struct flow_entry *best = NULL;
  for (uint32_t i = 0; i < count; i++) {
    if (sorted[i].next == sorted[i].count) continue;
    struct flow_entry *row = sorted[i].rows[sorted[i].next];
    if (best != NULL && best->id < row->id) continue;
    best = row;
    *share = i;
  }
  if (best != NULL) sorted[*share].next++;
  return best;
}

static void on_end(struct engine *e, uint32_t state) {
  struct sorted *sorted = flow_sys_must_alloc(e->sys, e->worker_count * sizeof *sorted);
  for (uint32_t i = 0; i < e->worker_count; i++) {
    const struct flow_table *t = &e->shares[i].tables[state];
    sorted[i] = (struct sorted){.rows = flow_table_sorted(t), .count = t->row_count};
  }
  uint32_t share = 0;
  uint64_t count = 0;
  for (struct flow_entry *row; (row = sorted_next(sorted, e->worker_count, &share)) != NULL;) {
    engine_enter_share(e, share);
    e->program->states[state].on_end(&e->worker, row);
    engine_end_hook(e, &count);
  }
  for (uint32_t i = 0; i < e->worker_count; i++) {
    flow_table_sorted_free(&e->shares[i].tables[state], sorted[i].rows);
  }
  e->sys->free(e->sys, sorted);
  engine_leave_shares(e);
}

/* State by state, so that what one sends at its end still finds the windows behind it open. */
void engine_on_end(struct engine *e) {
  marks_return_all(&e->marks); /* what fires finds them as they are */
  for (uint32_t i = 0; i < e->program->state_count; i++) {
    const struct flow_state_desc *state = &e->program->states[i];
    if (state->mark_count > 0) engine_flush_marks(e, i);
    if (state->on_end == NULL) continue;
    engine_number_rows(e); /* hooks of the states before may have made rows */
    on_end(e, i);
  }
  marks_settle(&e->marks);
}
