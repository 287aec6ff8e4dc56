/* The rules of epochs, over every small combination of options and events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "epoch.h"

static const struct epoch_policy by_interval = {.interval_us = 100};

static void empty_epochs_are_never_closed(void **state) {
  (void)state;
  for (int event = EPOCH_BLOCK; event <= EPOCH_END; event++) {
    for (int is_open = 0; is_open <= 1; is_open++) {
      struct epoch e;
      epoch_init(&e, 4, 0);
      if (is_open) epoch_open(&e, 1000, 0);
      assert_int_equal(epoch_decide(&e, &by_interval, (enum epoch_event)event, 1000000),
                       EPOCH_GO_ON);
      assert_int_equal(e.number, 5);
    }
  }
}

static void closes_with_its_nth_record(void **state) {
  (void)state;
  for (uint64_t limit = 1; limit <= 5; limit++) {
    const struct epoch_policy policy = {.records = limit, .interval_us = 1000};
    struct epoch e;
    epoch_init(&e, -1, 0);
    epoch_open(&e, 0, 0);
    for (uint64_t records = 1; records <= limit; records++) {
      assert_int_equal(epoch_budget(&e, &policy), limit - records + 1);
      epoch_count(&e, 1, records & 1);
      unsigned todo = epoch_decide(&e, &policy, EPOCH_BLOCK, 10);
      assert_int_equal(todo, records == limit ? EPOCH_CLOSE : EPOCH_GO_ON);
    }
    epoch_closed(&e, 10);
    assert_int_equal(e.number, 1);
    assert_int_equal(e.records, 0);
    assert_false(e.is_open);
  }
}

static void without_a_limit_the_budget_is_endless(void **state) {
  (void)state;
  struct epoch e;
  epoch_init(&e, -1, 0);
  epoch_open(&e, 0, 0);
  epoch_count(&e, 1000000, 0);
  assert_true(epoch_budget(&e, &by_interval) == UINT64_MAX);
}

static void interval_counts_from_the_first_uncommitted_record(void **state) {
  (void)state;
  struct epoch e;
  epoch_init(&e, -1, 0);
  epoch_open(&e, 0, 5000); /* an hour after the start: no commit at once */
  epoch_count(&e, 1, 0);
  assert_int_equal(epoch_decide(&e, &by_interval, EPOCH_BLOCK, 5099), EPOCH_GO_ON);
  assert_int_equal(epoch_decide(&e, &by_interval, EPOCH_BLOCK, 5100), EPOCH_CLOSE | EPOCH_COMMIT);
  assert_int_equal(epoch_deadline(&e, &by_interval), 5100);
  epoch_closed(&e, 1);
  epoch_committed(&e, 5105);
  assert_true(epoch_deadline(&e, &by_interval) == INT64_MAX);
  epoch_open(&e, 0, 9000);
  epoch_count(&e, 1, 0);
  assert_int_equal(epoch_deadline(&e, &by_interval), 9100);
}

static void closed_epochs_wait_for_their_group(void **state) {
  (void)state;
  const struct epoch_policy policy = {.records = 1, .interval_us = 100};
  struct epoch e;
  epoch_init(&e, -1, 0);
  for (int i = 0; i < 7; i++) {
    epoch_open(&e, i, i);
    epoch_count(&e, 1, 0);
    assert_int_equal(epoch_decide(&e, &policy, EPOCH_BLOCK, i), EPOCH_CLOSE);
    epoch_closed(&e, 3);
  }
  assert_int_equal(e.held_count, 7);
  assert_int_equal(e.held_bytes, 21);
  assert_int_equal(epoch_decide(&e, &policy, EPOCH_QUIET, 8), EPOCH_COMMIT);
  epoch_open(&e, 100, 100);
  epoch_count(&e, 1, 0);
  assert_int_equal(epoch_decide(&e, &policy, EPOCH_BLOCK, 100), EPOCH_CLOSE | EPOCH_COMMIT);
  epoch_closed(&e, 3);
  epoch_committed(&e, 101);
  assert_int_equal(e.held_count, 0);
  assert_int_equal(e.held_bytes, 0);
  assert_int_equal(e.number, 8);
}

static void a_group_is_bounded(void **state) {
  (void)state;
  const struct epoch_policy policy = {.records = 1, .interval_us = INT64_MAX};
  struct epoch e;
  epoch_init(&e, -1, 0);
  epoch_open(&e, 0, 0);
  epoch_count(&e, 1, 0);
  epoch_closed(&e, EPOCH_HELD_BYTES);
  assert_int_equal(epoch_decide(&e, &policy, EPOCH_BLOCK, 1), EPOCH_COMMIT);
  epoch_committed(&e, 1);
  e.held_count = EPOCH_HELD_COUNT - 1;
  epoch_open(&e, 0, 2);
  epoch_count(&e, 1, 0);
  assert_int_equal(epoch_decide(&e, &policy, EPOCH_BLOCK, 2), EPOCH_CLOSE | EPOCH_COMMIT);
}

static void immediate_commits_every_block(void **state) {
  (void)state;
  const struct epoch_policy policy = {.interval_us = 1000000, .is_immediate = true};
  struct epoch e;
  epoch_init(&e, -1, 0);
  epoch_open(&e, 0, 0);
  assert_int_equal(epoch_decide(&e, &policy, EPOCH_BLOCK, 0), EPOCH_GO_ON);
  epoch_count(&e, 1, 1);
  assert_int_equal(epoch_decide(&e, &policy, EPOCH_BLOCK, 0), EPOCH_CLOSE | EPOCH_COMMIT);
}

static void now_never_goes_back(void **state) {
  (void)state;
  struct epoch e;
  epoch_init(&e, 7, 500);
  epoch_open(&e, 400, 0); /* the clock was set back between two runs */
  assert_int_equal(e.now_us, 500);
  assert_int_equal(e.number, 8);
  epoch_open(&e, 900, 1); /* it is open: nothing changes */
  assert_int_equal(e.now_us, 500);
  epoch_count(&e, 1, 0);
  epoch_closed(&e, 1);
  epoch_open(&e, 901, 2);
  assert_int_equal(e.now_us, 901);
}

static void a_discarded_epoch_gives_its_number_back(void **state) {
  (void)state;
  struct epoch e;
  epoch_init(&e, 2, 0);
  epoch_open(&e, 50, 0);
  epoch_count(&e, 9, 3);
  epoch_discard(&e);
  assert_int_equal(e.number, 3);
  assert_int_equal(e.records, 0);
  assert_int_equal(e.rejected, 0);
  assert_int_equal(e.now_us, 50);
}

/* Every sequence of up to six events, under every small policy: what holds whatever happens. */
static void check_sequence(const struct epoch_policy *policy, unsigned code) {
  struct epoch e;
  int64_t now = 0, next_number = 0;
  uint64_t records = 0, closed_records = 0, uncommitted = 0;
  epoch_init(&e, -1, 0);
  for (int step = 0; step < 6; step++, code /= 5) {
    enum epoch_event event = (enum epoch_event)(code % 5 % 4);
    now += code % 5 == 4 ? 60 : 10;
    if (event == EPOCH_BLOCK) {
      epoch_open(&e, now, now);
      uint64_t budget = epoch_budget(&e, policy);
      assert_true(budget >= 1);
      uint64_t n = budget < 3 ? budget : 3;
      epoch_count(&e, n, 0);
      records += n;
      if (policy->records != 0) assert_true(e.records <= policy->records);
    }
    unsigned todo = epoch_decide(&e, policy, event, now);
    if (todo & EPOCH_CLOSE) {
      assert_true(e.is_open && e.records > 0);
      closed_records += e.records;
      assert_int_equal(e.number, next_number++);
      epoch_closed(&e, 1);
      uncommitted++;
    }
    assert_int_equal(e.held_count, uncommitted);
    if (todo & EPOCH_COMMIT) {
      assert_true(uncommitted > 0);
      uncommitted = 0;
      epoch_committed(&e, now);
    }
    if (event != EPOCH_BLOCK) { /* nothing may be left behind */
      assert_int_equal(uncommitted, 0);
      assert_int_equal(closed_records, records);
    } else if (policy->records != 0) {
      assert_true(e.records < policy->records);
    }
    if (policy->is_immediate) assert_int_equal(closed_records, records);
    if (event == EPOCH_BLOCK && (todo & EPOCH_COMMIT) == 0) {
      assert_true(now < epoch_deadline(&e, policy)); /* the interval is kept */
    }
  }
}

static void invariants_hold_for_all_short_runs(void **state) {
  (void)state;
  for (uint64_t limit = 0; limit <= 4; limit++) {
    for (int64_t interval = 0; interval <= 100; interval += 25) {
      for (int immediate = 0; immediate <= 1; immediate++) {
        const struct epoch_policy policy = {limit, interval, immediate == 1};
        for (unsigned code = 0; code < 15625; code++) check_sequence(&policy, code);
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(empty_epochs_are_never_closed),
      cmocka_unit_test(closes_with_its_nth_record),
      cmocka_unit_test(without_a_limit_the_budget_is_endless),
      cmocka_unit_test(interval_counts_from_the_first_uncommitted_record),
      cmocka_unit_test(closed_epochs_wait_for_their_group),
      cmocka_unit_test(a_group_is_bounded),
      cmocka_unit_test(immediate_commits_every_block),
      cmocka_unit_test(now_never_goes_back),
      cmocka_unit_test(a_discarded_epoch_gives_its_number_back),
      cmocka_unit_test(invariants_hold_for_all_short_runs),
  };
  return cmocka_run_group_tests_name("epoch", tests, NULL, NULL);
}
