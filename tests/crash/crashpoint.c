/* A library that is loaded before the C library (LD_PRELOAD) and lets calls go wrong.
 *
 * It counts the calls that change something outside the process: write, pwrite, writev, pwritev,
 * fdatasync, fsync, msync, ftruncate, rename, unlink; whoever makes them, libraries too. Calls on
 * descriptor 2 do not count, so that a program may tell what it does. Counting begins at 1.
 *
 *   CRASHPOINT_AT=N          SIGKILL instead of the N-th call; 0 or nothing: never
 *   CRASHPOINT_HALF=1        if that call writes, it first writes half of its bytes
 *   CRASHPOINT_FAIL=N,ERRNO  the N-th call fails with ERRNO: a name (ENOSPC, EIO, EINTR) or a number
 *   CRASHPOINT_FAIL=N+,ERRNO so do all calls after it
 *   CRASHPOINT_SLOW=MS       each fdatasync takes so many milliseconds longer, as on a slow disk
 *   CRASHPOINT_COUNT_FILE=F  at exit the number of counted calls is written to F
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static struct {
  atomic_long calls;
  long kill_at, fail_at, slow_ms;
  int fail_errno;
  bool fails_on, halves, is_ready;
  const char *count_file;
} point;

static int errno_named(const char *name) {
  static const struct {
    const char *name;
    int code;
  } known[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EINTR", EINTR}, {"EDQUOT", EDQUOT},
               {"EROFS", EROFS},   {"ENOMEM", ENOMEM}, {"EACCES", EACCES}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strcmp(known[i].name, name) == 0) return known[i].code;
  return atoi(name);
}

__attribute__((constructor)) static void set_up(void) {
  const char *at = getenv("CRASHPOINT_AT"), *half = getenv("CRASHPOINT_HALF");
  const char *fail = getenv("CRASHPOINT_FAIL"), *slow = getenv("CRASHPOINT_SLOW");
  point.kill_at = at != NULL ? atol(at) : 0;
  point.slow_ms = slow != NULL ? atol(slow) : 0;
  point.halves = half != NULL && strcmp(half, "1") == 0;
  point.count_file = getenv("CRASHPOINT_COUNT_FILE");
  if (fail != NULL) {
    char *rest;
    point.fail_at = strtol(fail, &rest, 10);
    point.fails_on = *rest == '+';
    const char *comma = strchr(rest, ',');
    point.fail_errno = comma != NULL ? errno_named(comma + 1) : EIO;
  }
  point.is_ready = true;
}

__attribute__((destructor)) static void write_count(void) {
  if (point.count_file == NULL) return;
  char text[32];
  int length = snprintf(text, sizeof text, "%ld\n", atomic_load(&point.calls));
  long fd = syscall(SYS_openat, AT_FDCWD, point.count_file, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (fd < 0) return;
  if (syscall(SYS_write, fd, text, (size_t)length) < 0) syscall(SYS_unlink, point.count_file);
  syscall(SYS_close, fd);
}

/* Counts a call. `half` does the first half of it, if it has halves. True: the call is to fail, and
 * errno says how. */
static bool step(bool (*half)(const void *), const void *call) {
  if (!point.is_ready) return false;
  long number = atomic_fetch_add(&point.calls, 1) + 1;
  if (number == point.kill_at) {
    if (point.halves && half != NULL) half(call);
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;) syscall(SYS_pause);
  }
  if (point.fail_at > 0 &&
      (number == point.fail_at || (point.fails_on && number > point.fail_at))) {
    errno = point.fail_errno;
    return true;
  }
  return false;
}

struct write_call {
  int fd;
  const void *data;
  size_t size;
  bool has_offset;
  off_t offset;
};

static bool half_write(const void *context) {
  const struct write_call *call = context;
  if (call->has_offset)
    return syscall(SYS_pwrite64, call->fd, call->data, call->size / 2, call->offset) >= 0;
  return syscall(SYS_write, call->fd, call->data, call->size / 2) >= 0;
}

/* Half of a gathered write is its first half of pieces. */
struct gather_call {
  int fd, count;
  const struct iovec *pieces;
  bool has_offset;
  off_t offset;
};

static bool half_gather(const void *context) {
  const struct gather_call *call = context;
  off_t offset = call->offset;
  for (int i = 0; i < (call->count + 1) / 2; i++) {
    size_t size = call->count == 1 ? call->pieces[0].iov_len / 2 : call->pieces[i].iov_len;
    struct write_call piece = {call->fd, call->pieces[i].iov_base, size * 2, call->has_offset,
                               offset};
    half_write(&piece);
    offset += (off_t)size;
  }
  return true;
}

/* Looks up the call behind ours. */
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t size) {
  struct write_call call = {.fd = fd, .data = data, .size = size};
  if (fd != 2 && step(half_write, &call)) return -1;
  return NEXT(write)(fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  struct write_call call = {fd, data, size, true, offset};
  if (fd != 2 && step(half_write, &call)) return -1;
  return NEXT(pwrite)(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
  struct write_call call = {fd, data, size, true, offset};
  if (fd != 2 && step(half_write, &call)) return -1;
  return NEXT(pwrite64)(fd, data, size, offset);
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
  struct gather_call call = {.fd = fd, .count = count, .pieces = pieces};
  if (fd != 2 && step(half_gather, &call)) return -1;
  return NEXT(writev)(fd, pieces, count);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset) {
  struct gather_call call = {fd, count, pieces, true, offset};
  if (fd != 2 && step(half_gather, &call)) return -1;
  return NEXT(pwritev)(fd, pieces, count, offset);
}

int fdatasync(int fd) {
  struct timespec time = {point.slow_ms / 1000, point.slow_ms % 1000 * 1000000};
  if (point.slow_ms > 0) nanosleep(&time, NULL);
  return step(NULL, NULL) ? -1 : NEXT(fdatasync)(fd);
}

int fsync(int fd) {
  return step(NULL, NULL) ? -1 : NEXT(fsync)(fd);
}

int msync(void *start, size_t size, int flags) {
  return step(NULL, NULL) ? -1 : NEXT(msync)(start, size, flags);
}

int ftruncate(int fd, off_t size) {
  return step(NULL, NULL) ? -1 : NEXT(ftruncate)(fd, size);
}

int ftruncate64(int fd, off64_t size) {
  return step(NULL, NULL) ? -1 : NEXT(ftruncate64)(fd, size);
}

int rename(const char *from, const char *to) {
  return step(NULL, NULL) ? -1 : NEXT(rename)(from, to);
}

int unlink(const char *path) {
  return step(NULL, NULL) ? -1 : NEXT(unlink)(path);
}
