#include "sys_test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Waits for a time that may pass one after another without anything else: for the end of the epoch,
 * and for one look at a directory. A third one is a program that has nothing to do. */
#define SKIPS 2

static struct sys_test *test_of(const struct flow_sys *sys) {
  return (struct sys_test *)(uintptr_t)sys; /* the table is const to its callers, the test is not */
}

/* -- counted calls */

static void count(struct sys_test *t) {
  t->base->monitor_lock(t->base, t->lock);
  bool is_end = ++t->calls == t->kill_at;
  t->skipped = 0;
  t->base->monitor_unlock(t->base, t->lock);
  if (is_end) raise(SIGKILL);
}

static int64_t test_read(const struct flow_sys *sys, int fd, void *data, size_t size) {
  struct sys_test *t = test_of(sys);
  count(t);
  return t->base->read(t->base, fd, data, size);
}

static int64_t test_pread(const struct flow_sys *sys, int fd, void *data, size_t size,
                          uint64_t offset) {
  struct sys_test *t = test_of(sys);
  count(t);
  return t->base->pread(t->base, fd, data, size, offset);
}

static int64_t test_write(const struct flow_sys *sys, int fd, const void *data, size_t size) {
  struct sys_test *t = test_of(sys);
  count(t);
  return t->base->write(t->base, fd, data, size);
}

static int64_t test_pwrite(const struct flow_sys *sys, int fd, const void *data, size_t size,
                           uint64_t offset) {
  struct sys_test *t = test_of(sys);
  count(t);
  return t->base->pwrite(t->base, fd, data, size, offset);
}

static int test_fdatasync(const struct flow_sys *sys, int fd) {
  (void)fd;
  count(test_of(sys));
  return 0; /* a killed process loses nothing that the system has taken */
}

static int test_ftruncate(const struct flow_sys *sys, int fd, uint64_t size) {
  struct sys_test *t = test_of(sys);
  count(t);
  return t->base->ftruncate(t->base, fd, size);
}

/* -- time */

static int64_t test_realtime_us(const struct flow_sys *sys) {
  return test_of(sys)->realtime_us;
}

static int64_t test_monotonic_us(const struct flow_sys *sys) {
  struct sys_test *t = test_of(sys);
  t->base->monitor_lock(t->base, t->lock);
  int64_t now_us = t->monotonic_us++; /* what measures a time must not find none */
  t->base->monitor_unlock(t->base, t->lock);
  return now_us;
}

static void move_clock(struct sys_test *t, int64_t by_us) {
  t->base->monitor_lock(t->base, t->lock);
  t->monotonic_us += by_us;
  t->base->monitor_unlock(t->base, t->lock);
}

/* -- the driver */

/* The next line of stdin, without its end. */
static void read_command(struct sys_test *t, char *line, size_t size) {
  size_t length = 0;
  for (;;) {
    char byte;
    if (t->base->read(t->base, 0, &byte, 1) <= 0) raise(SIGKILL);
    if (byte == '\n') break;
    if (length + 1 < size) line[length++] = byte;
  }
  line[length] = '\0';
}

/* Tells the driver that there is nothing to do, and does what it says. */
static void be_idle(struct sys_test *t) {
  static const char idle[] = "idle\n";
  char line[64];
  if (flow_sys_write_all(t->base, 1, idle, sizeof idle - 1) < 0) raise(SIGKILL);
  read_command(t, line, sizeof line);
  t->skipped = 0;
  char *rest = line + strcspn(line, " "); /* behind `go` or `advance` */
  t->calls = 0;
  t->kill_at = strtoull(rest, &rest, 10);
  int64_t by_us = strtoll(rest, NULL, 10);
  t->realtime_us += by_us;
  move_clock(t, by_us);
}

static int test_wait(const struct flow_sys *sys, struct flow_wait *items, size_t item_count,
                     int64_t timeout_us) {
  struct sys_test *t = test_of(sys);
  /* The descriptor of the signals is always there. With another one, a commit is waited for. */
  if (item_count > 1) {
    count(t);
    return t->base->wait(t->base, items, item_count, timeout_us);
  }
  for (size_t i = 0; i < item_count; i++) items[i].got = 0;
  if (timeout_us >= 0 && t->skipped < SKIPS) {
    uint32_t skipped = t->skipped + 1;
    count(t);
    t->skipped = skipped;
    move_clock(t, timeout_us);
  } else {
    be_idle(t);
  }
  return 0;
}

/* -- paths */

bool sys_test_place(const char *path, char placed[SYS_TEST_PATH]) {
  bool is_absolute = path[0] == '/';
  int written = snprintf(placed, SYS_TEST_PATH, "%s%s", is_absolute ? SYS_TEST_ROOT : "", path);
  if (written < 0 || written >= SYS_TEST_PATH - 1) return false;
  for (char *part = placed; part != NULL; part = strchr(part, '/')) {
    part += *part == '/';
    bool is_up = strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0');
    if (is_up) memcpy(part, "^^", 2);
  }
  return true;
}

/* Makes the folders above a file. */
static void make_folders(const struct flow_sys *base, char *path) {
  for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    base->mkdir(base, path, 0700); /* what is wrong shows when the file is opened */
    *slash = '/';
  }
}

static int test_open(const struct flow_sys *sys, const char *path, unsigned flags, unsigned mode) {
  const struct flow_sys *base = test_of(sys)->base;
  char placed[SYS_TEST_PATH];
  if (!sys_test_place(path, placed)) return -ENAMETOOLONG;
  if (flags & FLOW_OPEN_CREATE) make_folders(base, placed);
  return base->open(base, placed, flags, mode);
}

static int test_stat(const struct flow_sys *sys, const char *path, struct flow_file_info *info) {
  const struct flow_sys *base = test_of(sys)->base;
  char placed[SYS_TEST_PATH];
  return sys_test_place(path, placed) ? base->stat(base, placed, info) : -ENAMETOOLONG;
}

static int test_list(const struct flow_sys *sys, const char *path, flow_list_name name,
                     void *context) {
  const struct flow_sys *base = test_of(sys)->base;
  char placed[SYS_TEST_PATH];
  return sys_test_place(path, placed) ? base->list(base, placed, name, context) : -ENAMETOOLONG;
}

static int test_unlink(const struct flow_sys *sys, const char *path) {
  const struct flow_sys *base = test_of(sys)->base;
  char placed[SYS_TEST_PATH];
  return sys_test_place(path, placed) ? base->unlink(base, placed) : -ENAMETOOLONG;
}

/* As for fdatasync: nothing is lost that the system has taken. */
static int test_sync_parent(const struct flow_sys *sys, const char *path) {
  (void)sys;
  (void)path;
  return 0;
}

void sys_test_init(struct sys_test *t, int64_t realtime_us, uint64_t kill_at) {
  const struct flow_sys *base = flow_sys_posix();
  *t = (struct sys_test){.sys = *base,
                         .base = base,
                         .lock = base->monitor_new(base),
                         .realtime_us = realtime_us,
                         .monotonic_us = 1,
                         .kill_at = kill_at};
  if (t->lock == NULL) raise(SIGKILL); /* nobody has memory for anything then */
  t->sys.realtime_us = test_realtime_us;
  t->sys.monotonic_us = test_monotonic_us;
  t->sys.wait = test_wait;
  t->sys.read = test_read;
  t->sys.pread = test_pread;
  t->sys.write = test_write;
  t->sys.pwrite = test_pwrite;
  t->sys.fdatasync = test_fdatasync;
  t->sys.ftruncate = test_ftruncate;
  t->sys.open = test_open;
  t->sys.stat = test_stat;
  t->sys.list = test_list;
  t->sys.unlink = test_unlink;
  t->sys.sync_parent = test_sync_parent;
}

void sys_test_free(struct sys_test *t) {
  t->base->monitor_free(t->base, t->lock);
}
