#include "flow/timer.h"

#include "mem.h"
#include "sys.h"

/* A place of the heap or the queue. Deadline and id are copies, so that moving a row down compares without
 * reading rows, which would be a cache miss for each. */
struct flow_due {
  int64_t at_us;
  uint64_t id;
  struct flow_timed_entry *row; /* null: a place of the queue that a row has left */
};

enum { START_PLACES = 16 };

static inline bool is_before(const struct flow_due *a, const struct flow_due *b) {
  return a->at_us != b->at_us ? a->at_us < b->at_us : a->id < b->id;
}

/* -- heap ------------------------------------------------------------------------------------ */

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

static void enter_heap(struct flow_table *t, struct flow_due due) {
  if (t->due_count == t->due_capacity) {
    t->due_capacity = t->due_capacity == 0 ? START_PLACES : 2 * t->due_capacity;
    t->due = flow_sys_must_realloc(t->sys, t->due, t->due_capacity * sizeof *t->due);
  }
  move_up(t, ++t->due_count, due);
}

/* -- queues ---------------------------------------------------------------------------------- */

static inline struct flow_due *place_of(const struct flow_due_queue *q, uint32_t number) {
  return &q->places[number & (q->capacity - 1)];
}

static inline struct flow_due *last_of(const struct flow_due_queue *q) {
  return place_of(q, q->first + q->span - 1);
}

static inline uint32_t place_word(uint32_t queue, uint32_t number) {
  return FLOW_DUE_QUEUED | queue << FLOW_DUE_QUEUE | (number & ((UINT32_C(1) << FLOW_DUE_QUEUE) - 1));
}

static inline uint32_t queue_of(uint32_t place) {
  return (place & ~FLOW_DUE_QUEUED) >> FLOW_DUE_QUEUE;
}

/* Moves all rows to places without gaps; there are twice as many places if there were no gaps to speak of. */
static void make_room(struct flow_table *t, uint32_t queue) {
  struct flow_due_queue *q = &t->queues[queue];
  uint32_t capacity = q->capacity, count = 0;
  if (q->count >= capacity / 2) capacity = capacity == 0 ? START_PLACES : 2 * capacity;
  struct flow_due *places = flow_sys_must_alloc(t->sys, capacity * sizeof *places);
  for (uint32_t i = 0; i < q->span; i++) {
    struct flow_due *due = place_of(q, q->first + i);
    if (due->row == NULL) continue;
    due->row->place = place_word(queue, count);
    places[count++] = *due;
  }
  t->sys->free(t->sys, q->places);
  *q = (struct flow_due_queue){.places = places, .span = count, .count = count, .capacity = capacity};
}

static void append(struct flow_table *t, uint32_t queue, struct flow_due due) {
  struct flow_due_queue *q = &t->queues[queue];
  if (q->span == q->capacity) make_room(t, queue);
  due.row->place = place_word(queue, q->first + q->span);
  q->span++;
  q->count++;
  *last_of(q) = due;
}

/* Puts `due` behind the rows of a queue whose turn comes before it: of two such queues that with the later end, so
 * that the other one can take what is earlier. False: there is none. */
static bool enter_queue(struct flow_table *t, struct flow_due due) {
  uint32_t best = FLOW_DUE_QUEUES;
  for (uint32_t i = 0; i < FLOW_DUE_QUEUES; i++) {
    const struct flow_due_queue *q = &t->queues[i];
    bool is_fit = q->span == 0 || is_before(last_of(q), &due);
    if (!is_fit) continue;
    bool is_better = best == FLOW_DUE_QUEUES || t->queues[best].span == 0 ||
                     (q->span > 0 && is_before(last_of(&t->queues[best]), last_of(q)));
    if (is_better) best = i;
  }
  if (best == FLOW_DUE_QUEUES) return false;
  append(t, best, due);
  return true;
}

/* Takes a place out; the first and the last one are always in use. */
static void leave_queue(struct flow_due_queue *q, uint32_t place) {
  place_of(q, place)->row = NULL;
  q->count--;
  for (; q->span > 0 && place_of(q, q->first)->row == NULL; q->span--) q->first++;
  while (q->span > 0 && last_of(q)->row == NULL) q->span--;
}

/* -- both ------------------------------------------------------------------------------------ */

static const struct flow_due *first_of(const struct flow_table *t) {
  const struct flow_due *best = t->due_count == 0 ? NULL : &t->due[0];
  for (int i = 0; i < FLOW_DUE_QUEUES; i++) {
    const struct flow_due_queue *q = &t->queues[i];
    if (q->span == 0) continue;
    const struct flow_due *due = place_of(q, q->first);
    if (best == NULL || is_before(due, best)) best = due;
  }
  return best;
}

static void leave(struct flow_table *t, struct flow_timed_entry *row) {
  uint32_t place = row->place;
  if ((place & FLOW_DUE_QUEUED) != 0)
    leave_queue(&t->queues[queue_of(place)], place);
  else if (place != 0)
    take_out(t, place);
  row->place = 0;
}

void flow_timer_note(struct flow_table *t, struct flow_entry *row, int64_t deadline_us) {
  struct flow_timed_entry *timed = flow_timed(row);
  struct flow_due due = {.at_us = deadline_us, .id = row->id, .row = timed};
  leave(t, timed);
  timed->noted_us = deadline_us;
  if (deadline_us != FLOW_NEVER && !enter_queue(t, due)) enter_heap(t, due);
  const struct flow_due *next = first_of(t);
  t->next_due_us = next == NULL ? FLOW_NEVER : next->at_us;
  t->next_due = next == NULL ? NULL : next->row;
}

void flow_timer_renumber(struct flow_table *t, struct flow_entry *row) {
  uint32_t place = flow_timed(row)->place;
  if ((place & FLOW_DUE_QUEUED) != 0)
    place_of(&t->queues[queue_of(place)], place)->id = row->id;
  else if (place != 0)
    t->due[place - 1].id = row->id;
}
