/* Threads of which one runs at a time: the dice of the world says which, and time is its own.
 *
 * A fiber is a thread of the program under test, on a stack of its own. It runs until it calls one
 * of the functions below; then another one may go on. Between two calls nothing else happens, so the
 * order of calls is all that there is, and the dice decides it. When every fiber waits, the clock
 * goes on to the first moment for which one of them waits; if there is none, nothing will ever
 * happen again, and the life has failed.
 *
 *   fibers_begin(world, &how);                     the caller becomes the first fiber
 *   struct fiber *f = fiber_start("worker", run, argument);
 *   fiber_point();                                 others may run
 *   fiber_wait(is_ready, context, timeout_us);     until the condition holds
 *   fiber_join(f);
 */
#ifndef SIM_FIBER_H
#define SIM_FIBER_H

#include "world.h"

/* How the next fiber is chosen. */
enum fiber_choice {
  FIBER_FAIR,    /* each time anew, all alike */
  FIBER_RARELY,  /* the one that runs goes on for a while */
  FIBER_RANKED,  /* by a rank, which seldom changes: some starve for long */
  FIBER_ORDERLY, /* the one that runs goes on until it waits; the oldest is next */
};

struct fiber_plan {
  enum fiber_choice choice;
  int64_t step_us;        /* a call takes up to this long */
  uint32_t stall_one_in;  /* calls that take a long time; 0: none */
  int64_t stall_us;       /* up to this long */
  bool wakes_for_nothing; /* waits for a monitor sometimes end without a reason */
  uint64_t points_max;    /* a life of more calls does not end by itself */
};

struct fiber;

/* Called whenever time has gone on, before a fiber goes on; it may end the life. */
typedef void (*fiber_hook)(void);
/* True when a wait is over. Looks only. */
typedef bool (*fiber_ready)(void *context);
/* The earliest moment at which something outside of the program happens; INT64_MAX: none. */
typedef int64_t (*fiber_event)(void);

void fibers_begin(struct world *, const struct fiber_plan *, fiber_hook, fiber_event);
/* Calls so far. */
uint64_t fibers_points(void);
/* Name of the one that runs. */
const char *fiber_name(void);

/* Null: there is no room for more. */
struct fiber *fiber_start(void (*run)(void *), void *argument);
/* Waits until it has returned. */
void fiber_join(struct fiber *);

/* A call that takes a little time; then others may run. */
void fiber_point(void);
/* Waits until the condition holds: true; or `timeout_us` (negative: for ever) are over: false. */
bool fiber_wait(fiber_ready, void *context, int64_t timeout_us);
void fiber_sleep(int64_t duration_us);

/* Monitors, as sys.h says. */
struct fiber_monitor {
  const struct fiber *owner;
  uint64_t wakes;
};
void fiber_lock(struct fiber_monitor *);
void fiber_unlock(struct fiber_monitor *);
bool fiber_wait_monitor(struct fiber_monitor *, int64_t timeout_us);
void fiber_wake_all(struct fiber_monitor *);

#endif
