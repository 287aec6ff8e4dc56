#include "flow/timer.h"

#include "mem.h"
#include "sys.h"

/* A place of the heap. Deadline and id are copies, so that moving a row down compares without reading
 * rows, which would be a cache miss for each. */
struct flow_due {
  int64_t at_us;
  uint64_t id;
  struct flow_timed_entry *row;
};

static inline bool is_before(const struct flow_due *a, const struct flow_due *b) {
  return a->at_us != b->at_us ? a->at_us < b->at_us : a->id < b->id;
}

static inline void put(struct flow_table *t, uint32_t place, struct flow_due due) {
  t->due[place - 1] = due;
  due.row->place = place;
}

/* Puts `due` where it belongs, at `place` or above it. */
static void move_up(struct flow_table *t, uint32_t place, struct flow_due due) {
  while (place > 1 && is_before(&due, &t->due[place / 2 - 1])) {
    put(t, place, t->due[place / 2 - 1]);
    place /= 2;
  }
  put(t, place, due);
}

/* The same at `place` or below it. */
static void move_down(struct flow_table *t, uint32_t place, struct flow_due due) {
  for (uint32_t child; (child = 2 * place) <= t->due_count; place = child) {
    if (child < t->due_count && is_before(&t->due[child], &t->due[child - 1])) child++;
    if (!is_before(&t->due[child - 1], &due)) break;
    put(t, place, t->due[child - 1]);
  }
  put(t, place, due);
}

static void settle(struct flow_table *t, uint32_t place, struct flow_due due) {
  if (place > 1 && is_before(&due, &t->due[place / 2 - 1]))
    move_up(t, place, due);
  else
    move_down(t, place, due);
}

/* Takes a place out of the heap; the last one fills it. */
static void take_out(struct flow_table *t, uint32_t place) {
  struct flow_due last = t->due[--t->due_count];
  if (place <= t->due_count) settle(t, place, last);
}

static void reserve(struct flow_table *t) {
  if (t->due_count < t->due_capacity) return;
  t->due_capacity = t->due_capacity == 0 ? 16 : 2 * t->due_capacity;
  t->due = flow_sys_must_realloc(t->sys, t->due, t->due_capacity * sizeof *t->due);
}

/* Puts the row where its new deadline belongs. */
static void place(struct flow_table *t, struct flow_entry *row, int64_t deadline_us) {
  struct flow_timed_entry *timed = flow_timed(row);
  timed->noted_us = deadline_us;
  if (deadline_us == FLOW_NEVER) {
    uint32_t place = timed->place;
    timed->place = 0;
    if (place != 0) take_out(t, place);
    return;
  }
  if (timed->place != 0) {
    struct flow_due due = t->due[timed->place - 1];
    due.at_us = deadline_us;
    settle(t, timed->place, due);
    return;
  }
  reserve(t);
  struct flow_due due = {.at_us = deadline_us, .id = row->id, .row = timed};
  move_up(t, ++t->due_count, due);
}

void flow_timer_note(struct flow_table *t, struct flow_entry *row, int64_t deadline_us) {
  place(t, row, deadline_us);
  t->next_due_us = t->due_count == 0 ? FLOW_NEVER : t->due[0].at_us;
}

void flow_timer_renumber(struct flow_table *t, struct flow_entry *row) {
  uint32_t place = flow_timed(row)->place;
  if (place != 0) t->due[place - 1].id = row->id;
}

struct flow_entry *flow_timer_first(const struct flow_table *t) {
  return t->due_count == 0 ? NULL : &t->due[0].row->entry;
}
