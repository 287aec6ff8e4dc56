/* Whose turn it is: a function of the positions, whatever the blocks are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sequencer.h"

#define STRIPE SEQUENCER_STRIPE

static void stripes_take_turns(void **state) {
  (void)state;
  struct sequencer_partition p[2] = {{PARTITION_READY, false, 0, false}, {PARTITION_READY, false, 0, false}};
  int32_t last = -1;
  struct sequencer_turn turn = sequencer_next(p, 2, &last);
  assert_int_equal(turn.partition, 0);
  assert_int_equal(turn.limit, STRIPE);
  p[0].offset = 100; /* the turn goes on after a short block */
  turn = sequencer_next(p, 2, &last);
  assert_int_equal(turn.partition, 0);
  assert_int_equal(turn.limit, STRIPE);
  p[0].offset = STRIPE + 7; /* its last record reached into the next stripe */
  turn = sequencer_next(p, 2, &last);
  assert_int_equal(turn.partition, 1);
  assert_int_equal(turn.limit, STRIPE);
  p[1].offset = 3 * STRIPE; /* one record over two stripes */
  turn = sequencer_next(p, 2, &last);
  assert_int_equal(turn.partition, 0);
  assert_int_equal(turn.limit, 4 * STRIPE);
}

static void what_is_looked_up_comes_first(void **state) {
  (void)state;
  struct sequencer_partition p[4] = {{.state = PARTITION_READY, .is_live = true},
                                     {.state = PARTITION_READY},
                                     {.state = PARTITION_READY, .offset = 5 * STRIPE + 1, .is_first = true},
                                     {.state = PARTITION_READY, .offset = 4 * STRIPE, .is_first = true}};
  int32_t last = 0;
  struct sequencer_turn turn = sequencer_next(p, 4, &last);
  assert_int_equal(turn.partition, 3);
  assert_int_equal(turn.limit, 5 * STRIPE);
  assert_int_equal(last, 0); /* the round of turns goes on where it was */
  p[3].state = PARTITION_END;
  turn = sequencer_next(p, 4, &last);
  assert_int_equal(turn.partition, 2);
  assert_true(turn.limit == UINT64_MAX);
  p[2].state = PARTITION_END;
  assert_int_equal(sequencer_next(p, 4, &last).partition, 1);
  assert_int_equal(sequencer_next(p, 4, &last).partition, 0);
}

static void alone_there_is_no_limit(void **state) {
  (void)state;
  struct sequencer_partition p[2] = {{PARTITION_END, false, 0, false},
                                     {PARTITION_READY, false, 9 * STRIPE, false}};
  int32_t last = -1;
  struct sequencer_turn turn = sequencer_next(p, 2, &last);
  assert_int_equal(turn.partition, 1);
  assert_true(turn.limit == UINT64_MAX);
  p[1].state = PARTITION_END;
  assert_int_equal(sequencer_next(p, 2, &last).partition, -1);
}

/* Fixed records of two partitions, and the order in which they come out. */
#define RECORDS 40
static const uint64_t record_bytes[2] = {STRIPE / 3 + 11, STRIPE / 2 - 5};

static int run_sequence(char order[2 * RECORDS + 1], unsigned seed, bool is_interrupted) {
  uint64_t read[2] = {0, 0};
  int32_t last = -1;
  int count = 0;
  for (;;) {
    struct sequencer_partition p[2];
    for (int i = 0; i < 2; i++) {
      enum partition_state at = read[i] == RECORDS ? PARTITION_END : PARTITION_READY;
      p[i] = (struct sequencer_partition){at, false, read[i] * record_bytes[i], false};
    }
    if (is_interrupted) last = -1; /* a new run remembers positions only */
    struct sequencer_turn turn = sequencer_next(p, 2, &last);
    if (turn.partition < 0) break;
    int i = turn.partition;
    seed = seed * 1103515245 + 12345;
    unsigned block = seed / 65536 % 4 + 1; /* records of this block */
    while (block-- > 0 && read[i] < RECORDS && read[i] * record_bytes[i] < turn.limit) {
      order[count++] = (char)('a' + i);
      read[i]++;
    }
  }
  order[count] = '\0';
  return count;
}

static void sequence_depends_on_positions_only(void **state) {
  (void)state;
  char expected[2 * RECORDS + 1], order[2 * RECORDS + 1];
  assert_int_equal(run_sequence(expected, 0, false), 2 * RECORDS);
  assert_memory_equal(expected, "aaabbbaaabbaaa",
                      14); /* b starts at 0, 32763, 65526 | 98289, 131052 | … */
  for (unsigned seed = 1; seed < 500; seed++) {
    run_sequence(order, seed, seed % 2 == 0);
    assert_string_equal(order, expected);
  }
}

static void live_partitions_do_not_starve(void **state) {
  (void)state;
  struct sequencer_partition p[3] = {
      {PARTITION_READY, true, 0, false}, {PARTITION_READY, false, 0, false}, {PARTITION_READY, true, 0, false}};
  int32_t last = -1;
  int turns[3] = {0};
  for (int i = 0; i < 30; i++) turns[sequencer_next(p, 3, &last).partition]++;
  for (int i = 0; i < 3; i++) assert_int_equal(turns[i], 10);
  p[0].state = PARTITION_IDLE;
  for (int i = 0; i < 30; i++) turns[sequencer_next(p, 3, &last).partition]++;
  assert_int_equal(turns[0], 10);
  assert_int_equal(turns[1], 25);
  p[1].state = p[2].state = PARTITION_IDLE;
  assert_int_equal(sequencer_next(p, 3, &last).partition, -1);
}

static void log_joins_what_follows(void **state) {
  (void)state;
  struct sequencer_log log = {.sys = flow_sys_posix()};
  struct sequencer_entry e = {
      .partition = 1, .file = 2, .offset = 10, .length = 5, .line = 3, .records = 2};
  assert_true(sequencer_log_add(&log, &e));
  e.offset = 15;
  e.records = 1;
  assert_true(sequencer_log_add(&log, &e));
  assert_int_equal(log.count, 1);
  assert_int_equal(log.entries[0].length, 10);
  assert_int_equal(log.entries[0].records, 3);
  assert_int_equal(log.entries[0].line, 3);
  e.offset = 21; /* a gap */
  assert_true(sequencer_log_add(&log, &e));
  assert_int_equal(log.count, 2);
  e.offset = 26;
  e.is_too_long = true; /* replayed on its own */
  assert_true(sequencer_log_add(&log, &e));
  e.offset = 31;
  e.is_too_long = false;
  assert_true(sequencer_log_add(&log, &e));
  assert_int_equal(log.count, 4);
  e.offset = 36;
  e.partition = 0;
  for (int i = 0; i < 1000; i++, e.offset += 100) assert_true(sequencer_log_add(&log, &e));
  assert_int_equal(log.count, 1004);
  sequencer_log_clear(&log);
  assert_int_equal(log.count, 0);
  sequencer_log_free(&log);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stripes_take_turns),
      cmocka_unit_test(what_is_looked_up_comes_first),
      cmocka_unit_test(alone_there_is_no_limit),
      cmocka_unit_test(sequence_depends_on_positions_only),
      cmocka_unit_test(live_partitions_do_not_starve),
      cmocka_unit_test(log_joins_what_follows),
  };
  return cmocka_run_group_tests_name("sequencer", tests, NULL, NULL);
}
