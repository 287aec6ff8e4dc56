#define _GNU_SOURCE
#include "fiber.h"

#include "life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { FIBERS = 12, STACK = 256 << 10 };

struct fiber {
  ucontext_t context;
  void (*run)(void *);
  void *argument;
  bool is_done;
  fiber_ready ready; /* null: it can go on */
  void *ready_context;
  int64_t until_us;
  bool is_woken; /* by its condition, and not by the clock */
  uint32_t rank;
  char name[12];
};

static struct {
  struct world *world;
  struct fiber_plan plan;
  fiber_hook hook;
  fiber_event event;
  struct fiber fibers[FIBERS];
  uint32_t count;
  struct fiber *current;
  uint64_t points;
} all;

void fibers_begin(struct world *world, const struct fiber_plan *plan, fiber_hook hook,
                  fiber_event event) {
  memset(&all, 0, sizeof all);
  all.world = world;
  all.plan = *plan;
  all.hook = hook;
  all.event = event;
  all.count = 1;
  all.current = &all.fibers[0];
  all.current->rank = (uint32_t)world_dice(world, 1000);
  snprintf(all.current->name, sizeof all.current->name, "engine");
}

uint64_t fibers_points(void) {
  return all.points;
}

const char *fiber_name(void) {
  return all.current->name;
}

/* -- who goes on */

static bool can_go_on(struct fiber *f) {
  if (f->is_done) return false;
  if (f->ready == NULL && f->until_us <= all.world->clock_us) return true;
  if (f->ready != NULL && f->ready(f->ready_context)) {
    f->is_woken = true;
    return true;
  }
  return f->until_us <= all.world->clock_us;
}

/* All that wait do so for a time, or for something that will not come. */
static void pass_time(void) {
  int64_t next_us = all.event();
  for (uint32_t i = 0; i < all.count; i++) {
    const struct fiber *f = &all.fibers[i];
    if (!f->is_done && f->until_us < next_us) next_us = f->until_us;
  }
  if (next_us == INT64_MAX) life_fail("every thread waits, and nothing will ever end that");
  if (all.world->clock_us < next_us) all.world->clock_us = next_us;
}

static struct fiber *choose(struct fiber **ready, uint32_t count) {
  struct world *w = all.world;
  struct fiber *best = ready[0];
  bool can_stay = false;
  for (uint32_t i = 0; i < count; i++) {
    can_stay |= ready[i] == all.current;
    if (ready[i]->rank > best->rank) best = ready[i];
  }
  switch (all.plan.choice) {
  case FIBER_FAIR: return ready[world_dice(w, count)];
  case FIBER_RARELY:
    return can_stay && !world_chance(w, 20) ? all.current : ready[world_dice(w, count)];
  case FIBER_RANKED:
    if (world_chance(w, 100)) best->rank = (uint32_t)world_dice(w, 1000);
    return best;
  case FIBER_ORDERLY: return can_stay ? all.current : ready[0];
  }
  return best;
}

/* Lets one of those that can go on do so; returns when it is the caller's turn. */
static void switch_fiber(void) {
  struct fiber *ready[FIBERS], *self = all.current;
  uint32_t count = 0;
  for (;;) {
    all.hook();
    for (uint32_t i = 0; i < all.count; i++) {
      if (can_go_on(&all.fibers[i])) ready[count++] = &all.fibers[i];
    }
    if (count > 0) break;
    pass_time();
  }
  struct fiber *next = choose(ready, count);
  if (next == self) return;
  all.current = next;
  swapcontext(&self->context, &next->context);
}

static void count_point(void) {
  struct world *w = all.world;
  if (++all.points > all.plan.points_max) life_fail("the run does not come to an end");
  w->clock_us += all.plan.step_us > 0 ? 1 + (int64_t)world_dice(w, (uint64_t)all.plan.step_us) : 1;
}

void fiber_point(void) {
  count_point();
  struct fiber *f = all.current;
  f->ready = NULL;
  f->until_us = 0;
  if (all.plan.stall_one_in > 0 && world_chance(all.world, all.plan.stall_one_in)) {
    f->until_us = all.world->clock_us + (int64_t)world_dice(all.world, (uint64_t)all.plan.stall_us);
  }
  switch_fiber();
}

bool fiber_wait(fiber_ready ready, void *context, int64_t timeout_us) {
  count_point();
  struct fiber *f = all.current;
  f->ready = ready;
  f->ready_context = context;
  f->is_woken = false;
  f->until_us = timeout_us < 0 ? INT64_MAX : all.world->clock_us + timeout_us;
  switch_fiber();
  return f->is_woken;
}

static bool is_never(void *context) {
  (void)context;
  return false;
}

void fiber_sleep(int64_t duration_us) {
  fiber_wait(is_never, NULL, duration_us);
}

/* -- start and end */

static void fiber_main(void) {
  struct fiber *f = all.current;
  f->run(f->argument);
  f->is_done = true;
  switch_fiber();
}

/* The stack of a fiber. Apart, because a compiler distrusts variables around getcontext(). */
static void make_context(ucontext_t *context) {
  getcontext(context);
  context->uc_stack.ss_size = STACK;
  context->uc_stack.ss_sp = malloc(STACK);
  if (context->uc_stack.ss_sp == NULL) world_fail("no memory for a stack");
  makecontext(context, fiber_main, 0);
}

struct fiber *fiber_start(void (*run)(void *), void *argument) {
  if (all.count == FIBERS) return NULL;
  struct fiber *f = &all.fibers[all.count++];
  f->run = run;
  f->argument = argument;
  f->rank = (uint32_t)world_dice(all.world, 1000);
  snprintf(f->name, sizeof f->name, "thread %u", (unsigned)(all.count - 1));
  make_context(&f->context);
  return f;
}

static bool is_done(void *context) {
  return ((const struct fiber *)context)->is_done;
}

void fiber_join(struct fiber *f) {
  fiber_wait(is_done, f, -1);
}

/* -- monitors */

static bool is_free(void *context) {
  return ((const struct fiber_monitor *)context)->owner == NULL;
}

void fiber_lock(struct fiber_monitor *m) {
  if (m->owner == all.current) life_fail("a thread locks what it has locked");
  fiber_wait(is_free, m, -1);
  m->owner = all.current;
}

void fiber_unlock(struct fiber_monitor *m) {
  if (m->owner != all.current) life_fail("a thread unlocks what it has not locked");
  m->owner = NULL;
  fiber_point();
}

/* What a wait for a wake looks at. */
struct wake {
  const struct fiber_monitor *monitor;
  uint64_t seen;
};

static bool is_woken(void *context) {
  const struct wake *wake = context;
  return wake->monitor->wakes != wake->seen;
}

bool fiber_wait_monitor(struct fiber_monitor *m, int64_t timeout_us) {
  if (m->owner != all.current) life_fail("a thread waits for what it has not locked");
  m->owner = NULL;
  struct wake wake = {m, m->wakes};
  bool is_ended = all.plan.wakes_for_nothing && world_chance(all.world, 8);
  bool was_woken = is_ended || fiber_wait(is_woken, &wake, timeout_us);
  fiber_wait(is_free, m, -1);
  m->owner = all.current;
  return was_woken;
}

void fiber_wake_all(struct fiber_monitor *m) {
  if (m->owner != all.current) life_fail("a thread wakes others without the lock");
  m->wakes++;
}
