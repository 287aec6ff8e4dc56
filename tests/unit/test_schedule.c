/* Who does what next: all interleavings of small cases against the rules, which are written down here a
 * second time; and the same search over broken schedulers, which it must notice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "schedule.h"

enum { WORKERS = 3, PHASES = 2, ADMISSIONS = 4, SEEN_FIRST = 1 << 16 };

/* -- what has been done, as the rules see it ------------------------------------------------- */

enum progress { NOT_YET, RUNNING, OVER };

struct facts {
  uint8_t parse, merge;
  uint8_t take[PHASES][WORKERS];
};

/* The scheduler allocates in `memory`, so a copy of this is a copy of everything. */
struct world {
  struct schedule s;
  char memory[512];
  uint32_t memory_used;
  uint32_t admitted; /* dropped blocks included */
  uint64_t cut;      /* the smallest that was asked for */
  struct facts blocks[ADMISSIONS];
  struct task running[WORKERS];
  bool is_running[WORKERS];
};

/* The scheduler that is searched, which may be broken. */
struct rules {
  bool (*next)(struct schedule *, uint32_t worker, struct task *);
  void (*handed_out)(struct schedule *, const struct task *); /* null: nothing more happens */
  void (*done)(struct schedule *, const struct task *);
  void (*cut)(struct schedule *, uint64_t block);
  bool (*is_head_ready)(const struct schedule *);
  bool wants_order; /* one parse at a time */
  bool is_told;     /* the scheduler knows that */
};

struct search {
  const struct rules *rules;
  uint32_t workers, phases, window, admissions;
  struct world world;  /* where the scheduler's pointers point */
  uint64_t (*seen)[2]; /* hashes of worlds */
  size_t seen_count, seen_capacity;
  const char *violation; /* null: none was found */
};

struct world_sys {
  struct flow_sys sys;
  struct world *world;
};

static void *world_alloc(const struct flow_sys *sys, size_t size) {
  struct world *w = ((const struct world_sys *)sys)->world;
  size = (size + 15) & ~(size_t)15;
  assert_true(w->memory_used + size <= sizeof w->memory);
  void *memory = w->memory + w->memory_used;
  w->memory_used += (uint32_t)size;
  return memory;
}

static void world_free(const struct flow_sys *sys, void *memory) {
  (void)sys;
  (void)memory;
}

/* -- worlds that were seen ------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, uint64_t word) {
  h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  return h ^ h >> 29;
}

static bool seen_insert(uint64_t (*table)[2], size_t capacity, const uint64_t *hash) {
  size_t at = hash[0] & (capacity - 1);
  for (; (table[at][0] | table[at][1]) != 0; at = (at + 1) & (capacity - 1)) {
    if (table[at][0] == hash[0] && table[at][1] == hash[1]) return false;
  }
  memcpy(table[at], hash, sizeof table[at]);
  return true;
}

/* Notes the world. False: it was seen before. */
static bool is_new(struct search *q) {
  uint64_t hash[2] = {1, 2};
  uint64_t words[sizeof q->world / 8];
  memcpy(words, &q->world, sizeof words);
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    hash[0] = mix(hash[0], words[i]);
    hash[1] = mix(hash[1] + 77, words[i] * 3);
  }
  if (2 * q->seen_count >= q->seen_capacity) {
    size_t capacity = q->seen_capacity == 0 ? SEEN_FIRST : 2 * q->seen_capacity;
    uint64_t(*table)[2] = calloc(capacity, sizeof *table);
    assert_non_null(table);
    for (size_t i = 0; i < q->seen_capacity; i++) {
      if ((q->seen[i][0] | q->seen[i][1]) != 0) seen_insert(table, capacity, q->seen[i]);
    }
    free(q->seen);
    q->seen = table;
    q->seen_capacity = capacity;
  }
  if (!seen_insert(q->seen, q->seen_capacity, hash)) return false;
  q->seen_count++;
  return true;
}
_Static_assert(sizeof(struct world) % 8 == 0, "a world is hashed by words");

/* -- the rules, once more -------------------------------------------------------------------- */

static uint8_t *progress_of(struct search *q, const struct task *task) {
  struct facts *block = &q->world.blocks[task->block];
  if (task->kind == TASK_PARSE) return &block->parse;
  if (task->kind == TASK_MERGE) return &block->merge;
  return &block->take[task->phase - 1][task->worker];
}

/* Whether phase `phase` of the block is over on all workers; 0 is the parse. */
static bool is_phase_over(const struct search *q, uint64_t block, uint32_t phase) {
  const struct facts *facts = &q->world.blocks[block];
  if (phase == 0) return facts->parse == OVER;
  for (uint32_t i = 0; i < q->workers; i++) {
    if (facts->take[phase - 1][i] != OVER) return false;
  }
  return true;
}

/* Null if the worker may start the task now, else the rule that forbids it. */
static const char *forbids(struct search *q, const struct task *task) {
  const struct schedule *s = &q->world.s;
  if (task->block < s->head || task->block >= s->tail) return "a block that is not in flight";
  if (task->block > q->world.cut) return "a block behind the cut";
  if (*progress_of(q, task) != NOT_YET) return "a task twice";
  switch (task->kind) {
  case TASK_PARSE:
    if (task->block > 0 && q->world.blocks[task->block - 1].parse == NOT_YET)
      return "a parse before that of the block before";
    if (q->rules->wants_order && task->block > s->head && q->world.blocks[task->block - 1].parse != OVER)
      return "a parse beside that of the block before";
    return NULL;
  case TASK_TAKE:
    if (!is_phase_over(q, task->block, task->phase - 1))
      return "a take before the last phase is over";
    if (task->block > 0 &&
        q->world.blocks[task->block - 1].take[task->phase - 1][task->worker] != OVER)
      return "a take before the same of the block before";
    return NULL;
  case TASK_MERGE:
    return is_phase_over(q, task->block, q->phases) ? NULL
                                                    : "a merge before the last phase is over";
  }
  return "no kind of task";
}

/* Which task the worker has to get: the oldest block's; then takes, merge, parse. */
static bool wanted(struct search *q, uint32_t worker, struct task *task) {
  for (uint64_t b = q->world.s.head; b < q->world.s.tail; b++) {
    *task = (struct task){.kind = TASK_TAKE, .block = b, .worker = worker};
    for (task->phase = 1; task->phase <= q->phases; task->phase++) {
      if (forbids(q, task) == NULL) return true;
    }
    task->phase = 0;
    task->kind = TASK_MERGE;
    if (forbids(q, task) == NULL) return true;
    task->kind = TASK_PARSE;
    if (forbids(q, task) == NULL) return true;
  }
  return false;
}

static bool is_same_task(const struct task *a, const struct task *b) {
  return a->kind == b->kind && a->block == b->block && a->phase == b->phase &&
         a->worker == b->worker;
}

/* -- the search ------------------------------------------------------------------------------ */

static void explore(struct search *q);

/* Goes on from the world as it is now, and then comes back to `before`. */
static void branch(struct search *q, const struct world *before) {
  if (q->violation == NULL) explore(q);
  memcpy(&q->world, before, sizeof *before);
}

static void try_next(struct search *q, const struct world *before, uint32_t worker) {
  struct world *w = &q->world;
  struct task task, right;
  bool has_right = wanted(q, worker, &right);
  if (!q->rules->next(&w->s, worker, &task)) {
    if (has_right) q->violation = "nothing for a worker that could work";
    return;
  }
  const char *why = forbids(q, &task);
  if (why == NULL && (!has_right || !is_same_task(&task, &right))) why = "not the oldest task";
  if (why != NULL) {
    q->violation = why;
    return;
  }
  *progress_of(q, &task) = RUNNING;
  struct task *mine = &w->running[worker]; /* by field, since worlds are compared as bytes */
  mine->kind = task.kind;
  mine->block = task.block;
  mine->phase = task.phase;
  mine->worker = task.worker;
  w->is_running[worker] = true;
  if (q->rules->handed_out != NULL) q->rules->handed_out(&w->s, &task);
  branch(q, before);
}

static void try_done(struct search *q, const struct world *before, uint32_t worker) {
  struct world *w = &q->world;
  struct task task = w->running[worker];
  *progress_of(q, &task) = OVER;
  q->rules->done(&w->s, &task);
  w->is_running[worker] = false;
  memset(&w->running[worker], 0, sizeof task);
  branch(q, before);
}

static void try_retire(struct search *q, const struct world *before) {
  struct world *w = &q->world;
  uint64_t head = w->s.head;
  bool is_due = head < w->s.tail && head <= w->cut && w->blocks[head].merge == OVER;
  bool is_ready = q->rules->is_head_ready(&w->s);
  if (is_ready != is_due) {
    q->violation =
        is_ready ? "a block leaves before it is merged" : "a merged block does not leave";
  }
  if (!is_ready || q->violation != NULL) return;
  schedule_retire(&w->s);
  branch(q, before);
}

/* Cuts behind each block in flight, and behind the last one that has left. */
static void try_cuts(struct search *q, const struct world *before) {
  struct world *w = &q->world;
  uint64_t first = w->s.head > 0 ? w->s.head - 1 : 0;
  for (uint64_t b = first; b < w->s.tail && q->violation == NULL; b++) {
    q->rules->cut(&w->s, b);
    if (b < w->cut) w->cut = b;
    branch(q, before);
  }
}

static void try_drop(struct search *q, const struct world *before) {
  struct world *w = &q->world;
  if (w->cut == UINT64_MAX) return;
  for (uint64_t b = w->s.head; b < w->s.tail; b++) memset(&w->blocks[b], 0, sizeof w->blocks[b]);
  schedule_drop_rest(&w->s);
  w->cut = UINT64_MAX;
  branch(q, before);
}

/* There is no deadlock: when nothing runs, either everything has left, or something can be done. */
static void check_progress(struct search *q, const struct world *before) {
  struct world *w = &q->world;
  bool is_left = w->s.head < w->s.tail && w->s.head <= w->cut, is_running = false;
  for (uint32_t i = 0; i < q->workers; i++) is_running |= w->is_running[i];
  if (schedule_is_quiet(&w->s) != (!is_left && !is_running)) {
    q->violation = "quiet at the wrong time";
    return;
  }
  if (is_running) return;
  if (!is_left) {
    try_drop(q, before);
    return;
  }
  bool can_go_on = q->rules->is_head_ready(&w->s);
  for (uint32_t i = 0; i < q->workers && !can_go_on; i++) {
    struct task task;
    can_go_on = q->rules->next(&w->s, i, &task);
    memcpy(&q->world, before, sizeof *before);
  }
  if (!can_go_on) q->violation = "a deadlock";
}

static void explore(struct search *q) {
  if (!is_new(q)) return;
  struct world before;
  memcpy(&before, &q->world, sizeof before);
  struct world *w = &q->world;
  check_progress(q, &before);
  if (schedule_has_room(&w->s) && q->violation == NULL) {
    if (w->s.tail - w->s.head >= q->window) q->violation = "more in flight than the window";
    if (w->cut != UINT64_MAX) q->violation = "room behind a cut";
    if (w->admitted < q->admissions) {
      w->admitted++;
      if (schedule_admit(&w->s) != before.s.tail) q->violation = "a wrong number";
      branch(q, &before);
    }
  }
  for (uint32_t i = 0; i < q->workers && q->violation == NULL; i++) {
    if (w->is_running[i])
      try_done(q, &before, i);
    else
      try_next(q, &before, i);
  }
  if (q->violation == NULL) try_retire(q, &before);
  if (q->violation == NULL) try_cuts(q, &before);
}

/* Searches one case. Returns the first violation, or null; `worlds` gets the number of those seen. */
static const char *search(const struct rules *rules, uint32_t workers, uint32_t phases,
                          uint32_t window, uint32_t admissions, size_t *worlds) {
  struct search *q = calloc(1, sizeof *q);
  assert_non_null(q);
  q->rules = rules;
  q->workers = workers;
  q->phases = phases;
  q->window = window;
  q->admissions = admissions;
  q->world.cut = UINT64_MAX;
  struct world_sys sys = {.sys = {.alloc = world_alloc, .free = world_free}, .world = &q->world};
  schedule_init(&q->world.s, &sys.sys, workers, phases, window);
  q->world.s.parses_in_order = rules->is_told;
  explore(q);
  const char *violation = q->violation;
  *worlds = q->seen_count;
  schedule_free(&q->world.s);
  free(q->seen);
  free(q);
  return violation;
}

static const struct rules right = {.next = schedule_next,
                                   .done = schedule_done,
                                   .cut = schedule_cut,
                                   .is_head_ready = schedule_is_head_ready};

/* With blocks enough that some are admitted after a cut has dropped others. */
static void search_all(const struct rules *rules) {
  size_t total = 0;
  for (uint32_t workers = 1; workers <= WORKERS; workers++) {
    for (uint32_t phases = 0; phases <= PHASES; phases++) {
      for (uint32_t window = 1; window <= 3; window++) {
        size_t worlds;
        const char *violation = search(rules, workers, phases, window, ADMISSIONS, &worlds);
        if (violation != NULL) fail_msg("%u %u %u: %s", workers, phases, window, violation);
        total += worlds;
      }
    }
  }
  print_message("%zu states\n", total);
  assert_true(total > 100000); /* it did look */
}

static void every_interleaving_keeps_the_rules(void **state) {
  (void)state;
  search_all(&right);
}

static void blocks_can_be_parsed_one_by_one(void **state) {
  (void)state;
  struct rules serial = right;
  serial.wants_order = serial.is_told = true;
  search_all(&serial);
}

/* -- broken schedulers ----------------------------------------------------------------------- */

/* Takes of a worker need not be in block order. */
static bool next_in_any_order(struct schedule *s, uint32_t worker, struct task *task) {
  if (schedule_next(s, worker, task)) return true;
  for (uint64_t b = s->head; b < s->tail; b++) {
    for (uint32_t p = 0; p < s->phases; p++) {
      uint64_t *next = &s->next[worker * s->phases + p], kept = *next;
      if (kept >= b) continue;
      *next = b;
      if (schedule_next(s, worker, task)) return true;
      *next = kept;
    }
  }
  return false;
}

static bool next_behind_the_cut(struct schedule *s, uint32_t worker, struct task *task) {
  uint64_t cut = s->cut;
  s->cut = UINT64_MAX;
  bool has_task = schedule_next(s, worker, task);
  s->cut = cut;
  return has_task;
}

static bool next_youngest(struct schedule *s, uint32_t worker, struct task *task) {
  uint64_t head = s->head;
  for (uint64_t b = s->tail; b-- > head;) {
    s->head = b;
    bool has_task = schedule_next(s, worker, task);
    s->head = head;
    if (has_task) return true;
  }
  return false;
}

static bool next_but_not_for_all(struct schedule *s, uint32_t worker, struct task *task) {
  return worker != 1 && schedule_next(s, worker, task);
}

static bool next_but_no_parse_for_all(struct schedule *s, uint32_t worker, struct task *task) {
  bool is_unparsed = s->running == 0 && s->head < s->tail && s->next[0] <= s->head;
  return !(worker == 1 && is_unparsed) && schedule_next(s, worker, task);
}

static void nothing_done(struct schedule *s, const struct task *task) {
  (void)s;
  (void)task;
}

static void done_but_merges_are_lost(struct schedule *s, const struct task *task) {
  if (task->kind == TASK_MERGE)
    s->running--;
  else
    schedule_done(s, task);
}

static void done_and_handed_out_again(struct schedule *s, const struct task *task) {
  schedule_done(s, task);
  if (task->kind == TASK_TAKE) s->next[task->worker * s->phases + task->phase - 1]--;
}

static void only_the_last_cut(struct schedule *s, uint64_t block) {
  s->cut = block;
}

static bool ready_at_once(const struct schedule *s) {
  return s->head < s->tail && s->head <= s->cut;
}

static void the_search_finds_what_is_wrong(void **state) {
  (void)state;
  struct rules unordered = right, impatient = right, deaf = right, young = right, idle = right;
  struct rules lazy = right, forgetful = right, repeating = right, fickle = right, hasty = right;
  struct rules crowded = right;
  crowded.wants_order = true;
  unordered.next = next_in_any_order;
  impatient.handed_out = schedule_done; /* what is handed out counts as run */
  impatient.done = nothing_done;
  deaf.next = next_behind_the_cut;
  young.next = next_youngest;
  idle.next = next_but_not_for_all;
  lazy.next = next_but_no_parse_for_all;
  forgetful.done = done_but_merges_are_lost;
  repeating.done = done_and_handed_out_again;
  fickle.cut = only_the_last_cut;
  hasty.is_head_ready = ready_at_once;
  const struct {
    const struct rules *rules;
    const char *violation;
  } cases[] = {
      {&unordered, "a take before the same of the block before"},
      {&impatient, "a take before the last phase is over"},
      {&deaf, "a block behind the cut"},
      {&young, "a parse before that of the block before"},
      {&idle, "a deadlock"},
      {&lazy, "nothing for a worker that could work"},
      {&forgetful, "a deadlock"},
      {&repeating, "a task twice"},
      {&fickle, "quiet at the wrong time"},
      {&hasty, "a block leaves before it is merged"},
      {&crowded, "a parse beside that of the block before"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    size_t worlds;
    const char *found = search(cases[i].rules, 2, 2, 3, 3, &worlds);
    if (found == NULL) fail_msg("not found: %s", cases[i].violation);
    assert_string_equal(found, cases[i].violation);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_interleaving_keeps_the_rules),
      cmocka_unit_test(blocks_can_be_parsed_one_by_one),
      cmocka_unit_test(the_search_finds_what_is_wrong),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
