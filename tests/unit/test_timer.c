/* Timers against a list: whatever is set, moved and ended, the next one is the smallest. */
#include "value_fixture.h"

#include "flow/timer.h"

struct row {
  struct flow_timed_entry timed;
  int64_t due_us; /* what is true; FLOW_NEVER: none */
};

enum { ROWS = 300 };

static uint64_t hash_of(int64_t key) {
  return flow_int_hash(7, &key);
}

/* The row that is due first: by deadline, then by id; null: none is. */
static struct row *first_of(struct row **rows) {
  struct row *best = NULL;
  for (int i = 0; i < ROWS; i++) {
    struct row *row = rows[i];
    if (row == NULL || row->due_us == FLOW_NEVER) continue;
    if (best == NULL || row->due_us < best->due_us ||
        (row->due_us == best->due_us && row->timed.entry.id < best->timed.entry.id))
      best = row;
  }
  return best;
}

/* The same from the heap, which may have to be put right. */
static struct row *first_in(struct flow_table *t) {
  struct flow_entry *entry;
  while ((entry = flow_timer_first(t)) != NULL) {
    struct row *row = (struct row *)entry;
    assert_true(flow_timer_noted(entry) <= row->due_us);
    if (flow_timer_noted(entry) == row->due_us) return row;
    flow_timer_note(t, entry, row->due_us);
  }
  return NULL;
}

static struct row *add(struct flow_table *t, int64_t key) {
  struct row *row = (struct row *)flow_table_insert(t, hash_of(key));
  flow_timer_begin(&row->timed.entry);
  row->due_us = FLOW_NEVER;
  return row;
}

static void the_next_one_is_the_smallest(void **state) {
  (void)state;
  struct random random = {11};
  struct counting_sys sys = counting_sys();
  struct flow_table t;
  struct row *rows[ROWS] = {NULL};
  flow_table_init(&t, &sys.sys, sizeof(struct row), 7);
  for (int step = 0; step < 30000; step++) {
    int64_t key = (int64_t)random_below(&random, ROWS);
    struct row *row = rows[key];
    uint64_t choice = random_below(&random, 8);
    if (row == NULL) {
      rows[key] = add(&t, key);
    } else if (choice == 0) {
      flow_timer_end(&t, &row->timed.entry);
      flow_table_forget(&t, &row->timed.entry);
      rows[key] = NULL;
    } else {
      row->due_us = choice == 1 ? FLOW_NEVER : (int64_t)random_below(&random, 50) - 10;
      flow_timer_set(&t, &row->timed.entry, row->due_us);
    }
    if (step % 7 == 0) assert_ptr_equal(first_in(&t), first_of(rows));
    if (step % 1000 == 0) flow_table_epoch_reset(&t);
  }
  flow_table_free(&t);
  assert_int_equal(sys.live, 0);
}

/* As windows have it: all rows that are due are due together, and again at the next end, or gone; others are
 * forgotten in between. None of them needs the heap. */
static void those_of_windows_queue(void **state) {
  (void)state;
  struct random random = {12};
  struct counting_sys sys = counting_sys();
  struct flow_table t;
  struct row *rows[ROWS] = {NULL};
  flow_table_init(&t, &sys.sys, sizeof(struct row), 7);
  for (int64_t end_us = 10; end_us < 4000; end_us += 10) {
    for (int i = 0; i < 40; i++) {
      int64_t key = (int64_t)random_below(&random, ROWS);
      if (rows[key] == NULL) {
        rows[key] = add(&t, key);
        int64_t first_us = end_us + 10 * (int64_t)random_below(&random, 2) * (i > 20);
        flow_timer_set(&t, &rows[key]->timed.entry, rows[key]->due_us = first_us);
      } else if (random_below(&random, 4) == 0) {
        flow_timer_end(&t, &rows[key]->timed.entry);
        flow_table_forget(&t, &rows[key]->timed.entry);
        rows[key] = NULL;
      }
    }
    for (struct row *row; (row = first_in(&t)) != NULL && row->due_us <= end_us;) {
      assert_ptr_equal(row, first_of(rows));
      row->due_us = end_us + 10;
    }
    assert_true(t.next_due_us == end_us + 10);
    flow_table_epoch_reset(&t);
  }
  assert_int_equal(t.due_count, 0);
  for (int i = 0; i < FLOW_DUE_QUEUES; i++) assert_true(t.queues[i].capacity <= 4 * ROWS);
  flow_table_free(&t);
  assert_int_equal(sys.live, 0);
}

/* A deadline that moves away is a comparison, however often. */
static void later_is_free(void **state) {
  (void)state;
  struct counting_sys sys = counting_sys();
  struct flow_table t;
  flow_table_init(&t, &sys.sys, sizeof(struct row), 7);
  struct row *a = add(&t, 1), *b = add(&t, 2);
  flow_timer_set(&t, &a->timed.entry, a->due_us = 5);
  flow_timer_set(&t, &b->timed.entry, b->due_us = 6);
  size_t calls = sys.calls;
  for (int64_t due_us = 5; due_us < 100000; due_us++) {
    flow_timer_set(&t, &a->timed.entry, a->due_us = due_us);
    assert_true(flow_timer_noted(&a->timed.entry) == 5);
  }
  assert_ptr_equal(first_in(&t), b);
  assert_true(flow_timer_noted(&a->timed.entry) == 99999);
  assert_int_equal(sys.calls, calls);
  flow_table_free(&t);
}

static void new_ids_keep_the_order(void **state) {
  (void)state;
  struct counting_sys sys = counting_sys();
  struct flow_table t;
  struct row *rows[100];
  flow_table_init(&t, &sys.sys, sizeof(struct row), 7);
  for (int i = 0; i < 100; i++) {
    rows[i] = add(&t, i);
    flow_timer_set(&t, &rows[i]->timed.entry, rows[i]->due_us = 1000);
  }
  for (int i = 0; i < 100; i++) { /* as if other workers had rows in between */
    rows[i]->timed.entry.id += (uint64_t)i * 3;
    flow_timer_renumber(&t, &rows[i]->timed.entry);
  }
  flow_timer_note(&t, &rows[10]->timed.entry, 2000);
  flow_timer_note(&t, &rows[10]->timed.entry, 1000);
  for (int i = 0; i < 100; i++) {
    assert_ptr_equal(flow_timer_first(&t), rows[i]);
    flow_timer_end(&t, &rows[i]->timed.entry);
  }
  assert_null(flow_timer_first(&t));
  flow_table_free(&t);
}

static void times_end_at_their_ends(void **state) {
  (void)state;
  assert_true(flow_timer_after(5, 7) == 12);
  assert_true(flow_timer_after(INT64_MAX - 5, 7) == FLOW_NEVER);
  assert_true(flow_timer_after(INT64_MIN + 5, -7) == INT64_MIN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_next_one_is_the_smallest),
      cmocka_unit_test(those_of_windows_queue),
      cmocka_unit_test(later_is_free),
      cmocka_unit_test(new_ids_keep_the_order),
      cmocka_unit_test(times_end_at_their_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
