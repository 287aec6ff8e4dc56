/* The store thread: what is durable when, failures, and who may use the store. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>

#include "committer.h"
#include "stop.h"
#include "store_fixture.h"

/* A system whose fdatasync is under control: it can be held up, and fail. */
struct slow_sys {
  struct flow_sys sys;
  struct flow_monitor *monitor;
  struct flow_store *store;
  bool is_held, is_inside;
  int error, syncs, synced_names;
  int64_t head; /* of the store when a file was synced last */
};

static int slow_fdatasync(const struct flow_sys *sys, int fd) {
  struct slow_sys *slow = (struct slow_sys *)(uintptr_t)sys;
  const struct flow_sys *real = flow_sys_posix();
  (void)fd;
  real->monitor_lock(real, slow->monitor);
  slow->syncs++;
  slow->head = flow_store_range(slow->store).head;
  slow->is_inside = true;
  real->monitor_wake_all(real, slow->monitor);
  while (slow->is_held) real->monitor_wait(real, slow->monitor, -1);
  slow->is_inside = false;
  int error = slow->error;
  real->monitor_unlock(real, slow->monitor);
  return error;
}

static int slow_sync_parent(const struct flow_sys *sys, const char *path) {
  struct slow_sys *slow = (struct slow_sys *)(uintptr_t)sys;
  assert_string_equal(path, "out.txt");
  slow->synced_names++;
  return 0;
}

static void hold(struct slow_sys *slow, bool is_held) {
  const struct flow_sys *real = flow_sys_posix();
  real->monitor_lock(real, slow->monitor);
  slow->is_held = is_held;
  real->monitor_wake_all(real, slow->monitor);
  real->monitor_unlock(real, slow->monitor);
}

static void wait_until_inside(struct slow_sys *slow) {
  const struct flow_sys *real = flow_sys_posix();
  real->monitor_lock(real, slow->monitor);
  while (!slow->is_inside) real->monitor_wait(real, slow->monitor, -1);
  real->monitor_unlock(real, slow->monitor);
}

/* A committer over the fixture's store. */
struct bench {
  struct fixture *f;
  struct slow_sys slow;
  struct stop stop;
  struct committer *committer;
  struct commit_group group;
  uint16_t id;
  int64_t next;
};

static void begin(struct bench *b, void **state) {
  *b = (struct bench){.f = *state};
  b->id = open_one(b->f);
  b->slow = (struct slow_sys){.sys = *flow_sys_posix(), .store = b->f->store, .head = -2};
  b->stop = (struct stop){.sys = &b->slow.sys, .fd = -1};
  b->slow.sys.fdatasync = slow_fdatasync;
  b->slow.sys.sync_parent = slow_sync_parent;
  b->slow.monitor = b->slow.sys.monitor_new(&b->slow.sys);
  must(b->f, committer_start(&b->slow.sys, b->f->store, &b->stop, &b->committer, &b->f->report));
}

static void end(struct bench *b) {
  committer_stop(b->committer);
  commit_group_free(&b->group, &b->slow.sys);
  b->slow.sys.monitor_free(&b->slow.sys, b->slow.monitor);
}

/* Closes an epoch in which one row gets a value, in one part or in two. */
static void close_epoch(struct bench *b, uint64_t row, const char *value, bool in_two_parts) {
  struct flow_buf k = {0}, v = {0};
  const struct commit_epoch epoch = {.number = b->next++, .records_in = 1};
  commit_group_open(&b->group, &b->slow.sys, &epoch);
  commit_group_open_part(&b->group, &b->slow.sys, b->id); /* without a change: dropped */
  commit_group_close_part(&b->group);
  commit_group_open_part(&b->group, &b->slow.sys, b->id);
  put_text(&k, "k");
  put_text(&v, value);
  flow_put_row(&b->group.data, row, k.data, k.length, v.data, v.length);
  if (in_two_parts) {
    commit_group_close_part(&b->group);
    commit_group_open_part(&b->group, &b->slow.sys, b->id);
    flow_put_row(&b->group.data, row + 100, k.data, k.length, v.data, v.length);
  }
  commit_group_close_part(&b->group);
  assert_int_equal(b->group.epochs[b->group.epoch_count - 1].count, in_two_parts ? 2 : 1);
  flow_buf_free(&k);
  flow_buf_free(&v);
}

static enum flow_status submit(struct bench *b) {
  return committer_submit(b->committer, &b->group, &b->f->report);
}

static void commits_groups(void **state) {
  struct bench b;
  begin(&b, state);
  for (uint64_t i = 0; i < 50; i++) {
    for (uint64_t k = 0; k <= i % 3; k++) close_epoch(&b, i % 7, i % 2 ? "odd" : "even", false);
    must(b.f, submit(&b));
    assert_int_equal(b.group.epoch_count + b.group.part_count + b.group.data.length, 0);
  }
  must(b.f, committer_wait(b.committer, &b.f->report));
  assert_int_equal(flow_store_range(b.f->store).head, b.next - 1);
  expect_rows(b.f, b.id, "0:k=odd;1:k=odd;2:k=even;3:k=odd;4:k=even;5:k=odd;6:k=even;");
  close_epoch(&b, 3, "last", true); /* and the thread goes on behind a wait */
  must(b.f, submit(&b));
  must(b.f, committer_wait(b.committer, &b.f->report));
  assert_true(committer_is_done(b.committer));
  expect_rows(b.f, b.id,
              "0:k=odd;1:k=odd;2:k=even;3:k=last;4:k=even;5:k=odd;6:k=even;103:k=last;");
  end(&b);
}

static void files_are_synced_before_the_commit(void **state) {
  struct bench b;
  begin(&b, state);
  const struct commit_sync sync = {.fd = 0, .location = "out.txt", .is_created = true};
  for (int64_t i = 0; i < 3; i++) {
    close_epoch(&b, 1, "v", false);
    commit_group_add_sync(&b.group, &b.slow.sys, &sync);
    must(b.f, submit(&b));
    must(b.f, committer_wait(b.committer, &b.f->report));
    assert_int_equal(b.slow.head, i - 1);
    assert_int_equal(b.slow.synced_names, i + 1);
  }
  end(&b);
}

static void one_group_is_in_flight(void **state) {
  struct bench b;
  begin(&b, state);
  const struct flow_sys *sys = &b.slow.sys;
  struct flow_wait item = {.fd = committer_wake_fd(b.committer), .want = FLOW_WAIT_READ};
  const struct commit_sync sync = {.fd = 0, .location = "out.txt"};
  hold(&b.slow, true);
  close_epoch(&b, 1, "one", false);
  commit_group_add_sync(&b.group, sys, &sync);
  must(b.f, submit(&b));
  wait_until_inside(&b.slow);
  assert_false(committer_is_done(b.committer));
  assert_int_equal(sys->wait(sys, &item, 1, 0), 0);
  close_epoch(&b, 2, "two", false); /* the engine goes on */
  hold(&b.slow, false);
  assert_int_equal(sys->wait(sys, &item, 1, -1), 1);
  assert_true(committer_is_done(b.committer));
  assert_int_equal(sys->wait(sys, &item, 1, 0), 0);
  must(b.f, submit(&b));
  close_epoch(&b, 3, "three", false);
  must(b.f, submit(&b)); /* waits */
  must(b.f, committer_wait(b.committer, &b.f->report));
  expect_rows(b.f, b.id, "1:k=one;2:k=two;3:k=three;");
  assert_int_equal(b.slow.syncs, 1);
  end(&b);
}

static void a_failure_is_for_ever(void **state) {
  struct bench b;
  begin(&b, state);
  const struct commit_sync sync = {.fd = 0, .location = "out.txt"};
  b.slow.error = -ENOSPC;
  close_epoch(&b, 1, "lost", false);
  commit_group_add_sync(&b.group, &b.slow.sys, &sync);
  must(b.f, submit(&b));
  for (int i = 0; i < 3; i++) {
    memset(&b.f->report, 0, sizeof b.f->report);
    enum flow_status status;
    if (i == 0) status = committer_wait(b.committer, &b.f->report);
    else if (i == 1) status = committer_status(b.committer, &b.f->report);
    else status = submit(&b);
    assert_int_equal(status, FLOW_E_FULL);
    assert_string_equal(b.f->report.message, "cannot sync out.txt: No space left on device");
  }
  assert_true(committer_is_done(b.committer));
  assert_int_equal(flow_store_range(b.f->store).head, -1);
  end(&b);
}

/* Nothing waits for a group that is in flight when the run fails, but it gets done. */
static void stopping_finishes_the_group(void **state) {
  struct bench b;
  begin(&b, state);
  close_epoch(&b, 1, "v", false);
  must(b.f, submit(&b));
  committer_stop(b.committer);
  b.committer = NULL;
  expect_rows(b.f, b.id, "1:k=v;");
  end(&b);
}

/* The thread folds what a turn leaves, and nothing once the store is wanted. */
static void folds_between_commits(void **state) {
  struct fixture *f = *state;
  f->options.fold_floor = 20000;
  struct bench b;
  begin(&b, state);
  static char value[8000];
  memset(value, 'x', sizeof value - 1);
  for (uint64_t i = 0; i < 200; i++) {
    close_epoch(&b, i % 5, value, false);
    must(b.f, submit(&b));
    while (i % 50 == 49 && !committer_is_done(b.committer)) flow_sys_sleep(flow_sys_posix(), 100);
  }
  must(b.f, committer_wait(b.committer, &b.f->report));
  struct flow_store_stats stats = flow_store_stats(b.f->store);
  assert_true(stats.folds > 0);
  assert_int_equal(stats.base_rows, 5);
  flow_sys_sleep(flow_sys_posix(), 5000);
  struct flow_store_stats later = flow_store_stats(b.f->store);
  assert_int_equal(stats.file_bytes, later.file_bytes);
  assert_int_equal(stats.folds, later.folds);
  assert_int_equal(stats.base_bytes, later.base_bytes);
  end(&b);
}

/* Commits so much that the base would have to be folded several times. */
static void commit_much(struct bench *b) {
  static char value[8000];
  memset(value, 'x', sizeof value - 1);
  for (uint64_t i = 0; i < 50; i++) {
    close_epoch(b, i % 5, value, false);
    must(b->f, submit(b));
  }
  must(b->f, committer_wait(b->committer, &b->f->report));
}

static void expect_no_folds(struct bench *b) {
  struct flow_store_stats stats = flow_store_stats(b->f->store);
  assert_true(stats.folds == 0 && !stats.is_folding);
  assert_true(flow_store_must_fold(b->f->store));
}

/* A signal has come: what the base grows by is the next run's business. */
static void a_run_in_a_hurry_does_not_fold(void **state) {
  struct fixture *f = *state;
  f->options.fold_floor = 20000;
  struct bench b;
  begin(&b, state);
  committer_hurry(b.committer);
  commit_much(&b);
  expect_no_folds(&b);
  end(&b);
}

/* Whoever looks finds a signal, and the disk goes on. */
static int signal_comes(const struct flow_sys *sys, int fd) {
  (void)fd;
  hold((struct slow_sys *)(uintptr_t)sys, false);
  return SIGTERM;
}

static int signals_stay(const struct flow_sys *sys, int fd) {
  (void)sys, (void)fd;
  return 0;
}

/* The engine does not look for signals while it waits for a slow disk; so the wait does. */
static void a_signal_is_seen_while_a_commit_is_waited_for(void **state) {
  struct fixture *f = *state;
  f->options.fold_floor = 20000;
  struct bench b;
  begin(&b, state);
  b.slow.sys.signals_take = signal_comes;
  b.slow.sys.signals_release = signals_stay;
  b.stop.fd = 0;
  const struct commit_sync sync = {.fd = 0, .location = "out.txt"};
  hold(&b.slow, true);
  close_epoch(&b, 1, "one", false);
  commit_group_add_sync(&b.group, &b.slow.sys, &sync);
  must(b.f, submit(&b));
  close_epoch(&b, 2, "two", false);
  must(b.f, submit(&b)); /* waits for the signal */
  assert_int_equal(b.stop.signal, SIGTERM);
  commit_much(&b);
  expect_no_folds(&b);
  end(&b);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(commits_groups),
      CASE(files_are_synced_before_the_commit),
      CASE(one_group_is_in_flight),
      CASE(a_failure_is_for_ever),
      CASE(stopping_finishes_the_group),
      CASE(folds_between_commits),
      CASE(a_run_in_a_hurry_does_not_fold),
      CASE(a_signal_is_seen_while_a_commit_is_waited_for),
  };
  return cmocka_run_group_tests_name("committer", tests, NULL, NULL);
}
