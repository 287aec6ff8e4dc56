#include "schedule.h"

#include "mem.h"

#include <string.h>

/* A block in flight goes from phase to phase: 0 is its parse, then come the takes; behind them come
 * the merge, and at last the wait for its leaving. */
struct schedule_block {
  uint32_t phase;
  uint32_t due; /* takes: workers that are not done; parse and merge: 1 until it is handed out */
};

static struct schedule_block *block_at(const struct schedule *s, uint64_t block) {
  return &s->blocks[block % s->window];
}

static bool is_take(const struct schedule *s, uint32_t phase) {
  return phase >= 1 && phase <= s->phases;
}

static uint64_t *next_of(const struct schedule *s, uint32_t worker, uint32_t phase) {
  return &s->next[(size_t)worker * s->phases + phase - 1];
}

void schedule_init(struct schedule *s, const struct flow_sys *sys, uint32_t workers,
                   uint32_t phases, uint32_t window) {
  size_t next_size = (size_t)workers * phases * sizeof *s->next;
  *s = (struct schedule){
      .sys = sys, .workers = workers, .phases = phases, .window = window, .cut = UINT64_MAX};
  s->blocks = flow_sys_must_alloc(sys, window * sizeof *s->blocks);
  if (next_size == 0) return;
  s->next = flow_sys_must_alloc(sys, next_size);
  memset(s->next, 0, next_size);
}

void schedule_free(struct schedule *s) {
  s->sys->free(s->sys, s->next);
  s->sys->free(s->sys, s->blocks);
  s->next = NULL;
  s->blocks = NULL;
}

bool schedule_has_room(const struct schedule *s) {
  return s->cut == UINT64_MAX && s->tail - s->head < s->window;
}

uint64_t schedule_admit(struct schedule *s) {
  *block_at(s, s->tail) = (struct schedule_block){.phase = 0, .due = 1};
  return s->tail++;
}

/* Whether the block has a task for the worker. It has one at most: the takes of two phases are never
 * open together, and parse and merge are alone. */
static bool task_of(const struct schedule *s, uint64_t number, uint32_t worker, struct task *task) {
  const struct schedule_block *block = block_at(s, number);
  *task = (struct task){.block = number, .worker = worker};
  if (is_take(s, block->phase)) {
    task->kind = TASK_TAKE;
    task->phase = block->phase;
    return *next_of(s, worker, block->phase) == number;
  }
  task->kind = block->phase == 0 ? TASK_PARSE : TASK_MERGE;
  bool waits = s->parses_in_order && block->phase == 0 && number > s->head;
  if (waits && block_at(s, number - 1)->phase == 0) return false;
  return block->phase <= s->phases + 1 && block->due == 1;
}

bool schedule_next(struct schedule *s, uint32_t worker, struct task *task) {
  /* Oldest first: this is also what makes the parses start in block order. */
  for (uint64_t number = s->head; number < s->tail && number <= s->cut; number++) {
    if (!task_of(s, number, worker, task)) continue;
    if (task->kind != TASK_TAKE) block_at(s, number)->due = 0;
    s->running++;
    return true;
  }
  return false;
}

void schedule_done(struct schedule *s, const struct task *task) {
  struct schedule_block *block = block_at(s, task->block);
  s->running--;
  if (task->kind == TASK_TAKE) {
    ++*next_of(s, task->worker, task->phase);
    if (--block->due > 0) return;
  }
  block->phase++;
  block->due = is_take(s, block->phase) ? s->workers : 1;
}

void schedule_cut(struct schedule *s, uint64_t block) {
  if (block < s->cut) s->cut = block;
}

bool schedule_is_head_ready(const struct schedule *s) {
  return s->head < s->tail && s->head <= s->cut && block_at(s, s->head)->phase == s->phases + 2;
}

void schedule_retire(struct schedule *s) {
  s->head++;
}

void schedule_drop_rest(struct schedule *s) {
  s->tail = s->head;
  s->cut = UINT64_MAX;
  /* Some workers were ahead in blocks that are forgotten. */
  for (size_t i = 0; i < (size_t)s->workers * s->phases; i++) s->next[i] = s->head;
}

bool schedule_is_quiet(const struct schedule *s) {
  return s->running == 0 && (s->head == s->tail || s->head > s->cut);
}
