/* Windows: which multiples of a duration lie around a time.
 *
 * A window is a state that the compiler writes in the language itself (compiler/front/window.h). Its times may lie a
 * little outside of the years that a timestamp has: a window of ten days that holds the first of January of the
 * year 1 begins in the year before. So nothing here faults; sums stop at the ends of what can be counted.
 */
#ifndef FLOW_WINDOW_H
#define FLOW_WINDOW_H

#include "flow/time.h"
#include "flow/timer.h"

/* The last time up to `time_us` that is a multiple of `step_us` away from `origin_us`, which is less than one step
 * from 1970; so no difference overflows. */
static inline int64_t flow_window_floor(int64_t time_us, int64_t step_us, int64_t origin_us) {
  const int64_t past_us = (time_us - origin_us) % step_us;
  return time_us - past_us - (past_us < 0 ? step_us : 0);
}

/* The watermark as windows see it. When all streams have ended, only what is flushed still comes, and nothing
 * of that is late. */
static inline int64_t flow_window_mark(int64_t mark_us) {
  return mark_us == FLOW_NEVER ? INT64_MIN : mark_us;
}

/* The time, or the timestamp that is nearest to it. */
static inline int64_t flow_window_shown(int64_t time_us) {
  return time_us < FLOW_TIME_MIN ? FLOW_TIME_MIN : time_us > FLOW_TIME_MAX ? FLOW_TIME_MAX : time_us;
}

#endif
