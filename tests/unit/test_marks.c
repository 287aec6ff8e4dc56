/* Watermarks of a run: what is saved of them, and sources that have ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "marks.h"

static const uint32_t first[] = {0}, others[] = {1, 2};
static const uint32_t both[] = {0, 1};
static int64_t ten(struct flow_worker *w) {
  (void)w;
  return 10;
}

static const struct flow_mark_desc descs[] = {
    {.name = "a", .sources = first, .source_count = 1},
    {.name = "bc", .sources = others, .source_count = 2, .idle_us = ten},
    {.name = "a+bc", .parts = both, .part_count = 2}};
static const struct flow_state_desc meets = {.marks = both, .mark_count = 2, .meeting = 2};
static const struct flow_state_desc alone = {.marks = both, .mark_count = 1};

static struct marks start(void) {
  struct marks m;
  marks_init(&m, flow_sys_posix(), descs, 3);
  return m;
}

/* Loads packed rows, as the store would; returns how many there were. */
static int load(struct marks *m, const struct flow_buf *packed) {
  struct flow_reader r = flow_reader_of(packed->data, packed->length);
  struct flow_report report;
  int count = 0;
  static char keys[8][16];
  static size_t lengths[8];
  for (; !flow_reader_done(&r); count++) {
    uint64_t row = flow_get_varint(&r);
    size_t length;
    if ((flow_get_byte(&r) & FLOW_DELTA_KEY) != 0) {
      const void *key = flow_get_bytes(&r, &length);
      memcpy(keys[row], key, length);
      lengths[row] = length;
    }
    const void *value = flow_get_bytes(&r, &length);
    assert_int_equal(marks_load_row(m, row, keys[row], lengths[row], value, length, &report), FLOW_OK);
  }
  return count;
}

static void saved_marks_come_back(void **state) {
  (void)state;
  struct marks m = start(), later = start();
  struct flow_buf packed = {0};
  marks_pack(&m, &packed);
  assert_int_equal(packed.length, 0); /* nothing is known yet */
  m.now[1] = 500;
  marks_pack(&m, &packed);
  assert_int_equal(load(&later, &packed), 1);
  assert_true(later.now[0] == INT64_MIN && later.now[1] == 500);

  /* The next run writes only what is new, and the row that is there keeps its key. */
  packed.length = 0;
  marks_pack(&later, &packed);
  assert_int_equal(packed.length, 0);
  later.now[0] = -7;
  later.now[1] = 501;
  marks_pack(&later, &packed);
  marks_clear(&m);
  m.now[1] = 500;
  assert_int_equal(load(&m, &packed), 3); /* the two, and where they meet */
  assert_true(m.now[0] == -7 && m.now[1] == 501);
  flow_buf_free(&packed);
  marks_free(&m);
  marks_free(&later);
}

static void damaged_rows_are_refused(void **state) {
  (void)state;
  struct marks m = start();
  struct flow_report report;
  assert_int_equal(marks_load_row(&m, 0, "\1a", 2, "", 0, &report), FLOW_E_CORRUPT);
  assert_int_equal(marks_load_row(&m, 0, "\7a", 2, "\2", 1, &report), FLOW_E_CORRUPT);
  assert_int_equal(m.now[0], INT64_MIN);
  marks_free(&m);
}

/* What has ended holds nothing back, and the next run goes on from where it really was. */
static void ended_sources_hold_nothing_back(void **state) {
  (void)state;
  struct marks m = start();
  struct sequencer_partition p[3] = {{.state = PARTITION_READY}, {.state = PARTITION_END}, {.state = PARTITION_IDLE}};
  m.now[0] = 100;
  m.now[1] = 30;
  assert_false(marks_end(&m, p)); /* one of two sources */
  assert_int_equal(marks_clock(&meets, m.now), 30);
  p[2].state = PARTITION_END;
  assert_true(marks_end(&m, p));
  assert_false(marks_end(&m, p)); /* that is known */
  assert_int_equal(marks_clock(&meets, m.now), 100);
  marks_raise(&m, 1, 31); /* a block that was in flight */
  assert_int_equal(marks_real(&m, 1), 31);
  assert_int_equal(marks_clock(&meets, m.now), 100);
  struct flow_buf packed = {0};
  struct marks later = start();
  marks_pack(&m, &packed);
  p[0].state = PARTITION_END;
  assert_true(marks_end(&m, p));
  assert_int_equal(marks_clock(&meets, m.now), FLOW_NEVER); /* nothing can come that would fire */
  assert_int_equal(marks_real(&m, 0), 100);
  marks_pack(&m, &packed);
  load(&later, &packed);
  assert_true(later.now[0] == 100 && later.now[1] == 31);
  assert_int_equal(marks_clock(&meets, later.now), 100); /* what the clock has been is not forgotten */
  assert_int_equal(marks_clock(&alone, later.now), 100);
  flow_buf_free(&packed);
  marks_free(&m);
  marks_free(&later);
}

/* A stream leaves when it waits for input and had none for long; it comes back without taking the clock along. */
static void idle_streams_leave_and_return(void **state) {
  (void)state;
  struct marks m = start(), again = start();
  struct flow_worker w = {0};
  struct flow_buf packed = {0};
  struct sequencer_partition p[3] = {{.state = PARTITION_READY}, {.state = PARTITION_READY}, {.state = PARTITION_IDLE}};
  marks_set_idle(&m, &w);
  marks_set_idle(&again, &w);
  assert_int_equal(marks_next_leave(&m, p), FLOW_NEVER);
  assert_false(marks_leave(&m, p, 5)); /* silence counts from the first epoch */
  p[1].state = PARTITION_IDLE;
  assert_int_equal(marks_next_leave(&m, p), 15);
  m.now[0] = 100;
  m.now[1] = 30;
  marks_see(&m, 2, 7);
  assert_int_equal(marks_next_leave(&m, p), 17);
  assert_false(marks_leave(&m, p, 16));
  marks_pack(&m, &packed);
  p[1].state = PARTITION_READY;
  assert_false(marks_leave(&m, p, 17)); /* it only waits for its turn */
  p[1].state = PARTITION_IDLE;
  assert_true(marks_leave(&m, p, 17));
  assert_int_equal(marks_clock_left(&m, &meets), 100);
  assert_int_equal(marks_clock_left(&m, &alone), FLOW_NEVER); /* nothing has changed for it */
  assert_int_equal(marks_real(&m, 1), 30);
  marks_return(&m, 0); /* that is another stream's source */
  assert_int_equal(marks_clock(&meets, m.now), 100);
  marks_return(&m, 1);
  assert_int_equal(m.now[1], 30);
  assert_int_equal(marks_clock(&meets, m.now), 100);
  m.now[0] = 120;
  m.now[1] = 110;
  assert_int_equal(marks_clock(&meets, m.now), 110);

  /* Again from what is saved: silence goes on counting. */
  load(&again, &packed);
  assert_int_equal(marks_next_leave(&again, p), 17);
  flow_buf_free(&packed);
  marks_free(&m);
  marks_free(&again);
}

/* Where all have left, the clock is the latest that one of them has seen; and a replay leaves in the same way. */
static void all_streams_may_leave(void **state) {
  (void)state;
  struct marks m = start();
  struct flow_worker w = {0};
  struct sequencer_partition p[3] = {{.state = PARTITION_END}, {.state = PARTITION_IDLE}, {.state = PARTITION_IDLE}};
  marks_set_idle(&m, &w);
  for (int i = 0; i < 2; i++) {
    const bool is_replay = i > 0;
    marks_clear(&m);
    m.now[0] = 100;
    m.now[1] = 30;
    m.seen_us[1] = 7;
    marks_end_one(&m, 0);
    assert_int_equal(marks_clock(&meets, m.now), 30);
    assert_true(marks_leave(&m, is_replay ? NULL : p, 17));
    assert_true(marks_clock(&meets, m.now) == FLOW_NEVER);
    assert_int_equal(marks_clock_left(&m, &meets), 100);
  }
  marks_return(&m, 2);
  assert_int_equal(marks_clock(&meets, m.now), 100);
  assert_true(marks_has_ended(&m, 0) && !marks_has_ended(&m, 1));
  marks_free(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(saved_marks_come_back),
      cmocka_unit_test(damaged_rows_are_refused),
      cmocka_unit_test(ended_sources_hold_nothing_back),
      cmocka_unit_test(idle_streams_leave_and_return),
      cmocka_unit_test(all_streams_may_leave),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
