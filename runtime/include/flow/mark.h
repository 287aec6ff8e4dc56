/* Event time: watermarks of streams, as of each record.
 *
 * A `time by` gives a row its time, and raises the watermark of its stream to the largest time so far minus
 * the lag. What is due in states behind it fires then, state by state in the order of the stages and within
 * a state by (deadline, creation of the row), before the row itself goes on (semantics, rules 20 to 23). So what
 * fires depends on the records alone, and not on clocks, blocks, epochs or workers.
 *
 * With one worker that happens at once: flow_mark_pass() calls the generated function that looks at the heaps
 * of the states. With several, a block is parsed before its rows reach the states' owners. The parse notes
 * each rise among its rows, with a word of the path of its own, and every owner meets the rises between the
 * rows that have come to it: flow_mark_reach(). What fires has the path
 *
 *   rise, state + 1, deadline (2 words), 0 and the row's id (2 words), or 1 + block and path of its creation
 *
 * so that outputs of several workers merge into the order that one would have had.
 *
 * Where several streams meet, the clock is the least of their watermarks. A stream that has ended, or is idle,
 * does not hold it back: its mark is FLOW_NEVER meanwhile. When it comes back, in a later run or with its
 * next record, its own watermark may be behind what the clock has been. So each set of streams that meet
 * somewhere has one more mark, their meeting, below which the clock never goes.
 *
 * A rise goes down the stream behind what it fires (rule 21): a row that comes from something that fires, such
 * as a closed window, finds the watermarks of before, w->row_marks, and so is not late for the next window. In
 * a lane its place in the order is in front of where the rise is met.
 */
#ifndef FLOW_MARK_H
#define FLOW_MARK_H

#include "flow/abi.h"
#include "flow/timer.h"

static inline int64_t flow_earlier(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static inline int64_t flow_later(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/* In a lane: notes among the rows of the block that the watermark rises. */
void flow_mark_note(struct flow_worker *, uint32_t mark);

/* The row's time is `time_us`, which makes the watermark `mark_us`, unless it was that large before. `advance`
 * is called after a rise when rows run on at once. */
FLOW_INLINE void flow_mark_pass(struct flow_worker *w, uint32_t mark, int64_t time_us, int64_t mark_us,
                                void (*advance)(struct flow_worker *)) {
  if (mark_us > w->marks[mark]) {
    w->marks[mark] = mark_us;
    if (w->lane == NULL)
      advance(w);
    else
      flow_mark_note(w, mark);
    w->row_marks[mark] = mark_us;
  }
  w->time_us = time_us;
}

/* Whether a time is within `ahead_us` of the largest so far, or, if it is the first, of the years 1970 to 2199. */
static inline bool flow_mark_is_near(const struct flow_worker *w, uint32_t mark, int64_t time_us,
                                     int64_t lag_us, int64_t ahead_us) {
  const int64_t first_us = 0, last_us = INT64_C(7258118399999999);
  if (w->marks[mark] == INT64_MIN) return time_us >= first_us && time_us <= last_us;
  return time_us <= flow_timer_after(flow_timer_after(w->marks[mark], lag_us), ahead_us);
}

/* The latest of the watermarks, ended or not. */
int64_t flow_mark_latest(const struct flow_worker *, const uint32_t *marks, uint32_t count);

/* What watermark() is in a hook, whose clock is `clock_us`: hooks may run when all streams have ended. */
static inline int64_t flow_mark_shown(const struct flow_worker *w, int64_t clock_us, const uint32_t *marks,
                                      uint32_t count) {
  return clock_us != FLOW_NEVER ? clock_us : flow_mark_latest(w, marks, count);
}

/* Fires what is due in a state, in all shares; nothing at FLOW_NEVER, when all its streams have ended. Not in
 * a lane. May jump. */
void flow_mark_fire_due(struct flow_worker *, uint32_t state, int64_t clock_us);

FLOW_INLINE void flow_mark_fire(struct flow_worker *w, uint32_t state, int64_t clock_us) {
  if (w->share_count > 1 || FLOW_UNLIKELY(w->tables[state].next_due_us <= clock_us))
    flow_mark_fire_due(w, state, clock_us);
}

/* In a lane: all rises before the row with this first word of its path have come, and fire what is due in the
 * state of the inbox; UINT32_MAX: all of the block. May jump. */
void flow_mark_meet(struct flow_worker *, struct flow_inbox *, uint32_t first);

static inline void flow_mark_reach(struct flow_worker *w, struct flow_inbox *inbox, uint32_t first) {
  if (FLOW_UNLIKELY(w->next_rise < first)) flow_mark_meet(w, inbox, first);
}

#endif
