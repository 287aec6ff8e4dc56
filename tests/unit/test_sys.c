/* The real system behind sys.h: files, names, waiting, signals, locks; and reports. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"
#include "sys.h"

static const struct flow_sys *sys;

static int set_up(void **state) {
  char dir[] = "/tmp/flow-sys-XXXXXX";
  sys = flow_sys_posix();
  if (mkdtemp(dir) == NULL || chdir(dir) != 0) return -1;
  *state = strdup(dir);
  return 0;
}

static int tear_down(void **state) {
  char command[64];
  snprintf(command, sizeof command, "rm -rf %s", (char *)*state);
  free(*state);
  return chdir("/") != 0 || system(command) != 0;
}

#define BOTH (FLOW_OPEN_READ | FLOW_OPEN_WRITE)

static void writes_and_reads(void **state) {
  (void)state;
  int fd = sys->open(sys, "a", BOTH | FLOW_OPEN_CREATE | FLOW_OPEN_EXCLUSIVE, 0640);
  assert_true(fd >= 0);
  assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
  assert_int_equal(flow_sys_write_all(sys, fd, "0123456789", 10), 0);
  assert_int_equal(flow_sys_pwrite_all(sys, fd, "ab", 2, 3), 0);
  char data[16] = {0};
  assert_int_equal(flow_sys_pread_all(sys, fd, data, sizeof data, 1), 9);
  assert_string_equal(data, "12ab56789");
  const char *mapped = sys->map(sys, fd, 10);
  assert_memory_equal(mapped, "012ab56789", 10);
  sys->unmap(sys, mapped, 10);
  assert_null(sys->map(sys, -1, 10));
  assert_int_equal(sys->ftruncate(sys, fd, 4), 0);
  assert_int_equal(sys->fdatasync(sys, fd), 0);
  struct flow_file_info info, same;
  assert_int_equal(sys->fstat(sys, fd, &info), 0);
  assert_int_equal(info.size, 4);
  assert_int_equal(info.kind, FLOW_FILE_REGULAR);
  assert_true(llabs(info.mtime_us - sys->realtime_us(sys)) < 100000000);
  assert_int_equal(sys->stat(sys, "a", &same), 0);
  assert_true(same.inode == info.inode && same.device == info.device);
  assert_int_equal(sys->close(sys, fd), 0);
  assert_int_equal(sys->open(sys, "a", BOTH | FLOW_OPEN_CREATE | FLOW_OPEN_EXCLUSIVE, 0600),
                   -EEXIST);
  fd = sys->open(sys, "a", FLOW_OPEN_WRITE | FLOW_OPEN_TRUNCATE, 0);
  assert_int_equal(sys->fstat(sys, fd, &info), 0);
  assert_int_equal(info.size, 0);
  assert_int_equal(sys->read(sys, fd, data, 1), -EBADF);
  sys->close(sys, fd);
}

static void gives_negative_errnos(void **state) {
  (void)state;
  struct flow_file_info info;
  assert_int_equal(sys->open(sys, "missing", FLOW_OPEN_READ, 0), -ENOENT);
  assert_int_equal(sys->stat(sys, "missing", &info), -ENOENT);
  assert_int_equal(sys->unlink(sys, "missing"), -ENOENT);
  assert_int_equal(sys->rename(sys, "missing", "b"), -ENOENT);
  assert_int_equal(sys->rmdir(sys, "missing"), -ENOENT);
  assert_int_equal(sys->mkdir(sys, "missing/a", 0700), -ENOENT);
  assert_int_equal(sys->open(sys, "/dev/null", FLOW_OPEN_READ | FLOW_OPEN_DIRECTORY, 0), -ENOTDIR);
  assert_int_equal(sys->fdatasync(sys, -1), -EBADF);
  assert_int_equal(sys->pread(sys, -1, &info, 1, 0), -EBADF);
  int full = sys->open(sys, "/dev/full", FLOW_OPEN_WRITE, 0);
  assert_int_equal(flow_sys_write_all(sys, full, "x", 1), -ENOSPC);
  sys->close(sys, full);
}

static bool add_name(void *context, const char *name) {
  strcat(strcat(context, name), " ");
  return strcmp(name, "stop") != 0;
}

static void lists_by_bytes(void **state) {
  (void)state;
  static const char *const names[] = {"b", "a", "B", "a.csv", "10", "9", ".hidden", "\xc3\xa4"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    sys->close(sys, sys->open(sys, names[i], FLOW_OPEN_WRITE | FLOW_OPEN_CREATE, 0600));
  char found[200] = "";
  assert_int_equal(sys->list(sys, ".", add_name, found), 0);
  assert_string_equal(found, ".hidden 10 9 B a a.csv b \xc3\xa4 ");
  assert_int_equal(sys->mkdir(sys, "stop", 0700), 0);
  assert_int_equal(sys->sync_parent(sys, "stop"), 0);
  assert_int_equal(sys->sync_parent(sys, "./stop/"), 0);
  found[0] = '\0';
  assert_int_equal(sys->list(sys, ".", add_name, found), 0);
  assert_string_equal(found, ".hidden 10 9 B a a.csv b stop ");
  assert_int_equal(sys->list(sys, "nowhere", add_name, found), -ENOENT);
  assert_int_equal(sys->sync_parent(sys, "nowhere/x"), -ENOENT);
}

static void tells_kinds(void **state) {
  (void)state;
  struct flow_file_info info;
  assert_int_equal(mkfifo("fifo", 0600), 0);
  assert_int_equal(sys->stat(sys, "fifo", &info), 0);
  assert_int_equal(info.kind, FLOW_FILE_PIPE);
  assert_int_equal(sys->stat(sys, ".", &info), 0);
  assert_int_equal(info.kind, FLOW_FILE_DIRECTORY);
  assert_int_equal(sys->stat(sys, "/dev/null", &info), 0);
  assert_int_equal(info.kind, FLOW_FILE_DEVICE);
  int fd = sys->open(sys, "fifo", FLOW_OPEN_READ | FLOW_OPEN_NONBLOCK, 0);
  assert_true(fd >= 0); /* and does not wait for a writer */
  sys->close(sys, fd);
  struct flow_fs_info fs;
  fd = sys->open(sys, ".", FLOW_OPEN_READ | FLOW_OPEN_DIRECTORY, 0);
  assert_int_equal(sys->fstatfs(sys, fd, &fs), 0);
  assert_false(fs.is_network);
  assert_true(fs.free_bytes > 0);
  sys->close(sys, fd);
}

static void locks_between_descriptors(void **state) {
  (void)state;
  int one = sys->open(sys, "lock", BOTH | FLOW_OPEN_CREATE, 0600);
  int two = sys->open(sys, "lock", BOTH, 0);
  assert_int_equal(sys->flock_try(sys, one), 0);
  assert_int_equal(sys->flock_try(sys, two), -EWOULDBLOCK);
  sys->close(sys, one);
  assert_int_equal(sys->flock_try(sys, two), 0);
  sys->close(sys, two);
}

static void waits(void **state) {
  (void)state;
  int fds[2];
  assert_int_equal(pipe(fds), 0);
  struct flow_wait items[] = {{.fd = fds[0], .want = FLOW_WAIT_READ}, {.fd = -1, .want = 3}};
  int64_t start = sys->monotonic_us(sys);
  assert_int_equal(sys->wait(sys, items, 2, 30000), 0);
  assert_true(sys->monotonic_us(sys) - start >= 30000);
  assert_int_equal(write(fds[1], "x", 1), 1);
  assert_int_equal(sys->wait(sys, items, 2, -1), 1);
  assert_int_equal(items[0].got, FLOW_WAIT_READ);
  assert_int_equal(items[1].got, 0);
  struct flow_wait out = {.fd = fds[1], .want = FLOW_WAIT_WRITE};
  assert_int_equal(sys->wait(sys, &out, 1, 0), 1);
  close(fds[1]);
  assert_int_equal(sys->wait(sys, items, 1, 0), 1); /* the end is something to read */
  start = sys->monotonic_us(sys);
  assert_int_equal(flow_sys_sleep(sys, 20000), 0);
  assert_int_equal(flow_sys_sleep(sys, -1), 0);
  int64_t slept = sys->monotonic_us(sys) - start;
  assert_true(slept >= 20000 && slept < 5000000);
  close(fds[0]);
}

/* -- interrupts: SIGALRM every millisecond, without SA_RESTART */

static void on_alarm(int number) {
  (void)number;
}

static void is_not_interrupted(void **state) {
  (void)state;
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval timer = {{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &timer, NULL);
  int fds[2];
  assert_int_equal(pipe(fds), 0);
  static char data[1 << 20], read_back[1 << 20];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (char)(i * 31);
  pid_t child = fork(); /* a slow reader, which makes writes short */
  if (child == 0) {
    close(fds[1]);
    for (size_t done = 0; done < sizeof data;) {
      int64_t n = sys->read(sys, fds[0], read_back + done, 30000);
      if (n <= 0) _exit(1);
      done += (size_t)n;
      usleep(500);
    }
    _exit(memcmp(data, read_back, sizeof data) == 0 ? 0 : 2);
  }
  close(fds[0]);
  assert_int_equal(flow_sys_write_all(sys, fds[1], data, sizeof data), 0);
  int64_t start = sys->monotonic_us(sys);
  assert_int_equal(flow_sys_sleep(sys, 50000), 0);
  assert_true(sys->monotonic_us(sys) - start >= 50000);
  int code;
  while (waitpid(child, &code, 0) < 0) assert_int_equal(errno, EINTR);
  memset(&timer, 0, sizeof timer);
  setitimer(ITIMER_REAL, &timer, NULL);
  assert_int_equal(code, 0);
  close(fds[1]);
}

static void turns_signals_into_input(void **state) {
  (void)state;
  pid_t child = fork(); /* signal masks are for ever */
  if (child == 0) {
    int fd = sys->signals_open(sys);
    struct flow_wait item = {.fd = fd, .want = FLOW_WAIT_READ};
    if (fd < 0 || sys->signals_take(sys, fd) != 0) _exit(1);
    kill(getpid(), SIGTERM);
    if (sys->wait(sys, &item, 1, 1000000) != 1) _exit(2);
    if (sys->signals_take(sys, fd) != SIGTERM || sys->signals_take(sys, fd) != 0) _exit(3);
    int fds[2];
    if (pipe(fds) != 0 || close(fds[0]) != 0) _exit(4);
    if (flow_sys_write_all(sys, fds[1], "x", 1) != -EPIPE) _exit(5);
    if (sys->signals_release(sys, fd) != 0) _exit(6);
    kill(getpid(), SIGTERM);
    _exit(7);
  }
  int code;
  waitpid(child, &code, 0);
  assert_true(WIFSIGNALED(code));
  assert_int_equal(WTERMSIG(code), SIGTERM);
}

/* -- threads */

struct relay {
  struct flow_monitor *monitor;
  int turn, rounds, signals_blocked;
  int wake_fd;
};

/* Takes each odd turn, and tells whether a signal could reach this thread. */
static void take_odd_turns(void *argument) {
  struct relay *relay = argument;
  sigset_t blocked;
  pthread_sigmask(SIG_BLOCK, NULL, &blocked);
  sys->monitor_lock(sys, relay->monitor);
  relay->signals_blocked = sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGALRM);
  while (relay->turn < relay->rounds) {
    if (relay->turn % 2 == 1) {
      relay->turn++;
      sys->monitor_wake_all(sys, relay->monitor);
    } else {
      sys->monitor_wait(sys, relay->monitor, -1);
    }
  }
  sys->monitor_unlock(sys, relay->monitor);
  if (relay->wake_fd >= 0) {
    sys->wake_send(sys, relay->wake_fd);
    sys->wake_send(sys, relay->wake_fd);
  }
}

static void threads_take_turns(void **state) {
  (void)state;
  struct relay relay = {.monitor = sys->monitor_new(sys), .rounds = 2000, .wake_fd = -1};
  struct flow_thread *threads[3];
  for (int i = 0; i < 3; i++)
    assert_int_equal(sys->thread_start(sys, &threads[i], take_odd_turns, &relay), 0);
  sys->monitor_lock(sys, relay.monitor);
  while (relay.turn < relay.rounds) {
    if (relay.turn % 2 == 0) {
      relay.turn++;
      sys->monitor_wake_all(sys, relay.monitor);
    } else {
      sys->monitor_wait(sys, relay.monitor, -1);
    }
  }
  sys->monitor_unlock(sys, relay.monitor);
  for (int i = 0; i < 3; i++) sys->thread_join(sys, threads[i]);
  assert_int_equal(relay.turn, relay.rounds);
  assert_true(relay.signals_blocked);
  sigset_t blocked; /* and the caller's own mask is as before */
  pthread_sigmask(SIG_BLOCK, NULL, &blocked);
  assert_false(sigismember(&blocked, SIGTERM));
  sys->monitor_free(sys, relay.monitor);
  sys->monitor_free(sys, NULL);
  assert_in_range(sys->cpu_count(sys), 1, 65536);
}

static void monitor_waits_time_out(void **state) {
  (void)state;
  struct flow_monitor *monitor = sys->monitor_new(sys);
  sys->monitor_lock(sys, monitor);
  int64_t start = sys->monotonic_us(sys), rest = 20000;
  while (sys->monitor_wait(sys, monitor, rest)) rest = start + 20000 - sys->monotonic_us(sys);
  assert_true(sys->monotonic_us(sys) - start >= 20000);
  assert_false(sys->monitor_wait(sys, monitor, 0));
  sys->monitor_unlock(sys, monitor);
  sys->monitor_free(sys, monitor);
}

static void a_wake_ends_a_wait(void **state) {
  (void)state;
  struct relay relay = {.monitor = sys->monitor_new(sys), .wake_fd = sys->wake_open(sys)};
  struct flow_wait item = {.fd = relay.wake_fd, .want = FLOW_WAIT_READ};
  assert_true(relay.wake_fd >= 0);
  assert_int_equal(sys->wait(sys, &item, 1, 0), 0);
  sys->wake_take(sys, relay.wake_fd); /* nothing was sent: it does not wait */
  struct flow_thread *thread;
  assert_int_equal(sys->thread_start(sys, &thread, take_odd_turns, &relay), 0);
  assert_int_equal(sys->wait(sys, &item, 1, -1), 1);
  sys->thread_join(sys, thread);
  sys->wake_take(sys, relay.wake_fd); /* both wakes, as one */
  assert_int_equal(sys->wait(sys, &item, 1, 0), 0);
  sys->close(sys, relay.wake_fd);
  sys->monitor_free(sys, relay.monitor);
}

static void has_a_process(void **state) {
  (void)state;
  char one[16] = {0}, two[16] = {0};
  assert_int_equal(sys->getpid(sys), getpid());
  assert_int_equal(sys->random(sys, one, sizeof one), 0);
  assert_int_equal(sys->random(sys, two, sizeof two), 0);
  assert_memory_not_equal(one, two, sizeof one);
  char *memory = sys->alloc(sys, 10);
  memcpy(memory, "123456789", 10);
  memory = sys->realloc(sys, memory, 100000);
  assert_string_equal(memory, "123456789");
  sys->free(sys, memory);
  sys->free(sys, NULL);
}

static void reports(void **state) {
  (void)state;
  struct flow_report report = {0};
  assert_int_equal(flow_report_errno(&report, FLOW_E_IO, -ENOSPC, "write %s", "x"), FLOW_E_FULL);
  assert_string_equal(report.message, "cannot write x: No space left on device");
  assert_non_null(strstr(report.help, "make room"));
  assert_int_equal(flow_status_exit(report.status), 74);
  assert_int_equal(flow_report_errno(&report, FLOW_E_CREATE, -EACCES, "x"), FLOW_E_CREATE);
  assert_int_equal(flow_status_exit(report.status), 73);
  assert_int_equal(flow_report_fail(&report, FLOW_E_LOCKED, "%s", "in use"), FLOW_E_LOCKED);
  assert_string_equal(report.help, "");
  for (int i = 0; i < 2000; i++) flow_report_add(&report, "abc%d", i);
  assert_int_equal(strlen(report.message), FLOW_REPORT_MESSAGE - 1);
  assert_string_equal(report.message + FLOW_REPORT_MESSAGE - 4, "...");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(writes_and_reads),   CASE(gives_negative_errnos),     CASE(lists_by_bytes),
      CASE(tells_kinds),        CASE(locks_between_descriptors), CASE(waits),
      CASE(is_not_interrupted), CASE(turns_signals_into_input),  CASE(threads_take_turns),
      CASE(a_wake_ends_a_wait), CASE(monitor_waits_time_out),    CASE(has_a_process),
      CASE(reports),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
