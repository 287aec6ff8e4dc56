/* Who does what next, when several workers run blocks: rules over plain data, without threads or
 * clock.
 *
 * A block goes through phases. Phase 0 is its parse: any worker runs the source's stage on it, and
 * puts the rows that cross a `key by` on their way to their owners. Phases 1 … `phases` are the
 * exchanges in topological order: every worker runs the rows that have come for it. Then any worker
 * merges the output, and the engine's own thread retires blocks in their order. The rules:
 *
 * - Parses start in block order; several blocks are parsed at the same time.
 * - A worker runs phase p of block b when phase p - 1 of b is over on all workers, and its own phase
 *   p of b - 1 is over. So each key sees its rows in block order, and the rows of a block that come
 *   from several workers are all there and can be put in order.
 * - Block b is merged when its last phase is over on all workers. Retiring follows block order.
 * - Nothing waits inside a task. The one thing that is held back is the admission of new blocks: at
 *   most `window` are in flight. The oldest block in flight always has a task that is running or can run,
 *   so there is no deadlock; tests/unit/test_schedule.c goes through all interleavings of small cases.
 * - After schedule_cut(b), nothing behind block b is handed out: the run ends inside b.
 *
 *   schedule_admit(&s);                                    one more block
 *   if (schedule_next(&s, worker, &task)) { … run it, without the lock … ; schedule_done(&s, &task); }
 *   while (schedule_is_head_ready(&s)) { … write its output … ; schedule_retire(&s); }
 *
 * The caller holds one lock around all calls.
 */
#ifndef FLOW_SCHEDULE_H
#define FLOW_SCHEDULE_H

#include "sys.h"

#include <stdbool.h>
#include <stdint.h>

enum task_kind { TASK_PARSE, TASK_TAKE, TASK_MERGE };

struct task {
  enum task_kind kind;
  uint64_t block;  /* number: blocks are counted from 0 over the run */
  uint32_t phase;  /* TASK_TAKE: 1 … phases; otherwise 0 */
  uint32_t worker; /* that runs it */
};

struct schedule_block; /* schedule.c's */

struct schedule {
  const struct flow_sys *sys;
  uint32_t workers, phases, window;
  uint64_t head, tail;    /* blocks in flight: head … tail - 1 */
  uint64_t cut;           /* the last block that counts; UINT64_MAX: all do */
  uint64_t *next;         /* [worker * phases + phase - 1]: the next block of that phase */
  struct schedule_block *blocks; /* block b is at b % window */
  uint32_t running;       /* tasks that were handed out and are not done */
  bool parses_in_order;   /* one block at a time: what a parse does follows from the blocks before */
};

/* For `workers` >= 1, `phases` >= 0, `window` >= 1. Ends the program if there is no memory. */
void schedule_init(struct schedule *, const struct flow_sys *, uint32_t workers, uint32_t phases,
                   uint32_t window);
void schedule_free(struct schedule *);

/* Whether one more block may be admitted (none behind a cut), and its admission: returns its number. */
bool schedule_has_room(const struct schedule *);
uint64_t schedule_admit(struct schedule *);

/* Hands out a task for the worker, which runs none: of the oldest block that has one. False: nothing
 * to do now. */
bool schedule_next(struct schedule *, uint32_t worker, struct task *);

/* The task was run. */
void schedule_done(struct schedule *, const struct task *);

/* Nothing behind `block` counts from now on; the smallest cut holds. */
void schedule_cut(struct schedule *, uint64_t block);

/* Whether the oldest block in flight is through all phases and merged, and its leaving. */
bool schedule_is_head_ready(const struct schedule *);
void schedule_retire(struct schedule *);

/* Forgets the blocks behind the cut, and the cut: only when it is quiet. Blocks that are admitted
 * afterwards get the numbers of the forgotten ones. */
void schedule_drop_rest(struct schedule *);

/* True if no block up to the cut is in flight and no task is running. */
bool schedule_is_quiet(const struct schedule *);

#endif
