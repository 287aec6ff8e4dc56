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
                       event == EPOCH_END ? EPOCH_WAIT : EPOCH_GO_ON);
      assert_int_equal(e.number, 5);
    }
  }
}

static void an_epoch_in_which_time_passed_closes_without_a_record(void **state) {
  (void)state;
  struct epoch e;
  epoch_init(&e, 4, 0);
  epoch_open(&e, 1000, 0);
  assert_true(epoch_is_empty(&e));
  epoch_tick(&e);
  assert_false(epoch_is_empty(&e));
  assert_int_equal(epoch_decide(&e, &by_interval, EPOCH_QUIET, 1), EPOCH_CLOSE | EPOCH_COMMIT);
  assert_int_equal(epoch_deadline(&e, &by_interval), 100);
  epoch_closed(&e, 10);
  assert_true(epoch_is_empty(&e));
  epoch_open(&e, 2000, 10);
  epoch_tick(&e);
  epoch_discard(&e);
  assert_true(epoch_is_empty(&e));
  assert_int_equal(e.number, 6);
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
  epoch_submitted(&e, 5105);
  epoch_committed(&e);
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
  epoch_submitted(&e, 101);
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
  epoch_submitted(&e, 1);
  for (int in_flight = 1; in_flight >= 0; in_flight--) { /* even if the disk has to be waited for */
    epoch_open(&e, 0, 2);
    epoch_count(&e, 1, 0);
    e.held_count = EPOCH_HELD_COUNT - 2;
    assert_int_equal(epoch_decide(&e, &policy, EPOCH_BLOCK, 2), EPOCH_CLOSE);
    e.held_count = EPOCH_HELD_COUNT - 1;
    assert_int_equal(epoch_decide(&e, &policy, EPOCH_BLOCK, 2), EPOCH_CLOSE | EPOCH_COMMIT);
    e.held_count = 1;
    e.held_bytes = EPOCH_READY_BYTES;
    assert_int_equal(epoch_decide(&e, &policy, EPOCH_BLOCK, 2),
                     in_flight ? EPOCH_CLOSE : EPOCH_CLOSE | EPOCH_COMMIT);
    e.held_bytes = EPOCH_HELD_BYTES;
    assert_int_equal(epoch_decide(&e, &policy, EPOCH_BLOCK, 2), EPOCH_CLOSE | EPOCH_COMMIT);
    e.held_bytes = 0;
    epoch_committed(&e);
  }
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
  epoch_closed(&e, 1);
  epoch_submitted(&e, 0);
  epoch_open(&e, 1, 1);
  epoch_count(&e, 1, 0);
  assert_int_equal(epoch_decide(&e, &policy, EPOCH_BLOCK, 1), EPOCH_GO_ON);
  assert_true(epoch_deadline(&e, &policy) == INT64_MAX);
  epoch_committed(&e); /* what came meanwhile does not wait for the source to be quiet */
  assert_true(epoch_deadline(&e, &policy) <= 1);
  assert_int_equal(epoch_decide(&e, &policy, EPOCH_QUIET, 1), EPOCH_CLOSE | EPOCH_COMMIT);
}

static void a_commit_in_flight_makes_epochs_longer(void **state) {
  (void)state;
  struct epoch e;
  epoch_init(&e, -1, 0);
  epoch_open(&e, 0, 0);
  epoch_count(&e, 1, 0);
  epoch_closed(&e, 1);
  epoch_submitted(&e, 100);
  epoch_open(&e, 0, 101);
  epoch_count(&e, 1, 0);
  assert_int_equal(epoch_decide(&e, &by_interval, EPOCH_BLOCK, 100000), EPOCH_GO_ON);
  assert_int_equal(epoch_decide(&e, &by_interval, EPOCH_QUIET, 100000), EPOCH_GO_ON);
  assert_true(epoch_deadline(&e, &by_interval) == INT64_MAX);
  assert_int_equal(epoch_decide(&e, &by_interval, EPOCH_PRESSURE, 100000),
                   EPOCH_CLOSE | EPOCH_COMMIT);
  assert_int_equal(epoch_decide(&e, &by_interval, EPOCH_END, 100000),
                   EPOCH_CLOSE | EPOCH_COMMIT | EPOCH_WAIT);
  epoch_committed(&e);
  assert_int_equal(epoch_deadline(&e, &by_interval), 201);
  assert_int_equal(epoch_decide(&e, &by_interval, EPOCH_BLOCK, 200), EPOCH_GO_ON);
  assert_int_equal(epoch_decide(&e, &by_interval, EPOCH_BLOCK, 201), EPOCH_CLOSE | EPOCH_COMMIT);
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

/* Every sequence of up to six events, under every small policy: what holds whatever happens. An
 * event may also be that the commit in flight is done, or that it takes long until the next one. */
enum { STEPS = 6, DONE = 4, LONG_BLOCK = 5, EVENTS = 6 };

struct run {
  const struct epoch_policy *policy;
  struct epoch e;
  int64_t now, next_number;
  uint64_t records, closed_records, uncommitted;
};

static void run_block(struct run *r) {
  struct epoch *e = &r->e;
  epoch_open(e, r->now, r->now);
  uint64_t budget = epoch_budget(e, r->policy);
  assert_true(budget >= 1);
  uint64_t n = budget < 3 ? budget : 3;
  epoch_count(e, n, 0);
  r->records += n;
  if (r->policy->records != 0) assert_true(e->records <= r->policy->records);
}

static void check_event(struct run *r, enum epoch_event event) {
  struct epoch *e = &r->e;
  bool was_committing = e->is_committing, must = event == EPOCH_PRESSURE || event == EPOCH_END;
  if (event == EPOCH_BLOCK) run_block(r);
  unsigned todo = epoch_decide(e, r->policy, event, r->now);
  assert_int_equal((todo & EPOCH_WAIT) != 0, event == EPOCH_END);
  if (todo & EPOCH_CLOSE) {
    assert_true(e->is_open && e->records > 0);
    r->closed_records += e->records;
    assert_int_equal(e->number, r->next_number++);
    epoch_closed(e, 1);
    r->uncommitted++;
  }
  assert_int_equal(e->held_count, r->uncommitted);
  if (todo & EPOCH_COMMIT) {
    assert_true(r->uncommitted > 0);
    assert_true(must || !was_committing); /* only what has to wait does */
    r->uncommitted = 0;
    epoch_committed(e);
    epoch_submitted(e, r->now);
  }
  if (todo & EPOCH_WAIT) epoch_committed(e);
  bool is_free = must || !was_committing;
  if (event != EPOCH_BLOCK && is_free) { /* nothing may be left behind */
    assert_int_equal(r->uncommitted, 0);
    assert_int_equal(r->closed_records, r->records);
  } else if (r->policy->records != 0) {
    assert_true(e->records < r->policy->records);
  }
  if (r->policy->is_immediate && is_free) assert_int_equal(r->closed_records, r->records);
  bool waits = r->uncommitted > 0 || r->closed_records < r->records;
  assert_int_equal(epoch_deadline(e, r->policy) != INT64_MAX, waits && !e->is_committing);
  if (event == EPOCH_BLOCK && (todo & EPOCH_COMMIT) == 0) {
    assert_true(r->now < epoch_deadline(e, r->policy)); /* the interval is kept */
  }
}

static void check_sequence(const struct epoch_policy *policy, unsigned code) {
  struct run r = {.policy = policy};
  epoch_init(&r.e, -1, 0);
  for (int step = 0; step < STEPS; step++, code /= EVENTS) {
    unsigned what = code % EVENTS;
    r.now += what == LONG_BLOCK ? 60 : 10;
    if (what == DONE) epoch_committed(&r.e);
    else check_event(&r, what == LONG_BLOCK ? EPOCH_BLOCK : (enum epoch_event)what);
  }
}

static void invariants_hold_for_all_short_runs(void **state) {
  (void)state;
  for (uint64_t limit = 0; limit <= 4; limit++) {
    for (int64_t interval = 0; interval <= 100; interval += 25) {
      for (int immediate = 0; immediate <= 1; immediate++) {
        const struct epoch_policy policy = {limit, interval, immediate == 1};
        unsigned codes = 1;
        for (int step = 0; step < STEPS; step++) codes *= EVENTS;
        for (unsigned code = 0; code < codes; code++) check_sequence(&policy, code);
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(empty_epochs_are_never_closed),
      cmocka_unit_test(an_epoch_in_which_time_passed_closes_without_a_record),
      cmocka_unit_test(closes_with_its_nth_record),
      cmocka_unit_test(without_a_limit_the_budget_is_endless),
      cmocka_unit_test(interval_counts_from_the_first_uncommitted_record),
      cmocka_unit_test(closed_epochs_wait_for_their_group),
      cmocka_unit_test(a_group_is_bounded),
      cmocka_unit_test(immediate_commits_every_block),
      cmocka_unit_test(a_commit_in_flight_makes_epochs_longer),
      cmocka_unit_test(now_never_goes_back),
      cmocka_unit_test(a_discarded_epoch_gives_its_number_back),
      cmocka_unit_test(invariants_hold_for_all_short_runs),
  };
  return cmocka_run_group_tests_name("epoch", tests, NULL, NULL);
}
