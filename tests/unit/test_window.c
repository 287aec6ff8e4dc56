/* Times around a time: windows begin at multiples of a step, before 1970 and at both ends of all years as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/window.h"

static void multiples_of_a_step(void **state) {
  (void)state;
  assert_int_equal(flow_window_floor(0, 10, 0), 0);
  assert_int_equal(flow_window_floor(9, 10, 0), 0);
  assert_int_equal(flow_window_floor(10, 10, 0), 10);
  assert_int_equal(flow_window_floor(-1, 10, 0), -10);
  assert_int_equal(flow_window_floor(-10, 10, 0), -10);
  assert_int_equal(flow_window_floor(-11, 10, 0), -20);
}

static void an_origin_moves_them(void **state) {
  (void)state;
  for (int64_t step = 1; step < 9; step++) {
    for (int64_t origin = 1 - step; origin < step; origin++) {
      for (int64_t time = -30; time < 30; time++) {
        int64_t start = flow_window_floor(time, step, origin);
        assert_true(start <= time && time < start + step);
        assert_int_equal((start - origin) % step, 0);
      }
    }
  }
}

static void the_ends_of_time(void **state) {
  (void)state;
  const int64_t year_us = 365 * FLOW_US_PER_DAY;
  const int64_t first = flow_window_floor(FLOW_TIME_MIN, 10000 * year_us, 9999 * year_us);
  assert_true(first < FLOW_TIME_MIN && first > FLOW_TIME_MIN - 10000 * year_us);
  assert_true(flow_window_shown(first) == FLOW_TIME_MIN);
  assert_true(flow_window_shown(FLOW_TIME_MAX + 1) == FLOW_TIME_MAX);
  assert_true(flow_window_shown(7) == 7);
  assert_true(flow_window_floor(FLOW_TIME_MAX, 1, 0) == FLOW_TIME_MAX);
}

static void when_all_have_ended_nothing_is_late(void **state) {
  (void)state;
  assert_true(flow_window_mark(5) == 5);
  assert_true(flow_window_mark(INT64_MIN) == INT64_MIN);
  assert_true(flow_window_mark(FLOW_NEVER) == INT64_MIN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(multiples_of_a_step),
      cmocka_unit_test(an_origin_moves_them),
      cmocka_unit_test(the_ends_of_time),
      cmocka_unit_test(when_all_have_ended_nothing_is_late),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
