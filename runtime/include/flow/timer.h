/* Timers: which row of a table is due next.
 *
 * A row of a state that has `expires` or `on at` may have a deadline: a time in microseconds since
 * 1970, which follows from what is in the row, so it is never saved. The table keeps the rows that have one in
 * the order of (deadline, id). A row is a generated struct whose header is struct flow_timed_entry.
 *
 * A row goes to the end of a queue if its turn is not before that of the last one there, else into a heap; the
 * next one is the first of them all. Windows end at the same times for all keys: those of new keys end in the order
 * in which the keys came, and those that go on are due together again. What expires does so in the order in which
 * it came. So with two queues nearly all rows find one.
 *
 * A deadline that moves away costs one comparison: the table goes on to know the earlier one, and whoever
 * finds the row to be the next one asks the row itself, and moves it. So a key that is touched a thousand times
 * before it expires moves once. A deadline that comes nearer moves the row at once.
 *
 *   struct row { struct flow_timed_entry timed; struct flow_str key; int64_t value; };
 *   flow_timer_begin(&row->timed.entry);                 a new row has none
 *   flow_timer_set(t, &row->timed.entry, deadline_us);   after each change; FLOW_NEVER: none
 *   flow_timer_end(t, &row->timed.entry);                before flow_table_forget()
 *
 *   the engine, when the clock moves:
 *   while ((row = flow_timer_first(t)) != NULL && flow_timer_noted(row) <= clock_us) {
 *     int64_t due_us = … of the row itself …;
 *     if (due_us > flow_timer_noted(row)) flow_timer_note(t, row, due_us); else … it is due …
 *   }
 *
 * Setting costs O(1) where rows queue and O(log n) else, and tables without timers pay nothing.
 */
#ifndef FLOW_TIMER_H
#define FLOW_TIMER_H

#include "flow/state.h"

#include <stdint.h>

/* The deadline of a row that has none. */
#define FLOW_NEVER INT64_MAX

/* A place in a queue: this bit, the queue shifted by FLOW_DUE_QUEUE, and the lower bits of the place's number. */
#define FLOW_DUE_QUEUED UINT32_C(0x80000000)
#define FLOW_DUE_QUEUE  30

/* What a row with a timer begins with. */
struct flow_timed_entry {
  struct flow_entry entry;
  int64_t noted_us; /* the deadline that the table knows, never behind the row's own; FLOW_NEVER: none */
  uint32_t place;   /* in the heap, counted from 1, or as FLOW_DUE_QUEUED says; 0: nowhere */
};

static inline struct flow_timed_entry *flow_timed(struct flow_entry *row) {
  return (struct flow_timed_entry *)row;
}

/* A row that was inserted or loaded has no deadline yet. */
static inline void flow_timer_begin(struct flow_entry *row) {
  flow_timed(row)->noted_us = FLOW_NEVER;
  flow_timed(row)->place = 0;
}

/* Makes the table know exactly this deadline; FLOW_NEVER takes the row out. */
void flow_timer_note(struct flow_table *, struct flow_entry *row, int64_t deadline_us);

/* The row's deadline is this now. */
static inline void flow_timer_set(struct flow_table *t, struct flow_entry *row,
                                  int64_t deadline_us) {
  if (deadline_us < flow_timed(row)->noted_us) flow_timer_note(t, row, deadline_us);
}

/* The row will be forgotten. */
static inline void flow_timer_end(struct flow_table *t, struct flow_entry *row) {
  if (flow_timed(row)->place != 0) flow_timer_note(t, row, FLOW_NEVER);
}

/* The row got another id; the order of the table's rows is the same as before. */
void flow_timer_renumber(struct flow_table *, struct flow_entry *row);

/* The row that the table takes for the next one; null: no row has a deadline. */
static inline struct flow_entry *flow_timer_first(const struct flow_table *t) {
  return t->next_due == NULL ? NULL : &t->next_due->entry;
}

/* The deadline that the table knows. */
static inline int64_t flow_timer_noted(struct flow_entry *row) {
  return flow_timed(row)->noted_us;
}

/* A time and a duration together; at the ends of what can be counted it stays there. */
static inline int64_t flow_timer_after(int64_t time_us, int64_t duration_us) {
  int64_t sum;
  if (!__builtin_add_overflow(time_us, duration_us, &sum)) return sum;
  return duration_us > 0 ? FLOW_NEVER : INT64_MIN;
}

#endif
