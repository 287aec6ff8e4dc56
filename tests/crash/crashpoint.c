/* A library that is loaded before the C library (LD_PRELOAD) and lets calls go wrong.
 *
 * It counts calls, whoever makes them, libraries too. Counting begins at 1. Calls on descriptor 2 do
 * not count, so that a program may tell what it does.
 *
 *   CRASHPOINT_COUNT=changes  what counts: calls that change something outside of the process (write,
 *                             pwrite, writev, pwritev, fdatasync, fsync, msync, ftruncate, rename,
 *                             unlink, mkdir, rmdir); that is what counts if nothing is said
 *   CRASHPOINT_COUNT=looks    calls that look at it: open, read, pread, fstatfs, flock, fdopendir,
 *                             ppoll, signalfd, eventfd
 *   CRASHPOINT_COUNT=memory   calls that want memory or a thread: malloc, calloc, realloc,
 *                             posix_memalign, mmap, pthread_create
 *   CRASHPOINT_AT=N           SIGKILL instead of the N-th call; 0 or nothing: never
 *   CRASHPOINT_HALF=1         if that call writes, it first writes half of its bytes
 *   CRASHPOINT_FAIL=N,ERRNO   the N-th call fails with ERRNO: a name (ENOSPC, EIO, EINTR) or a number
 *   CRASHPOINT_FAIL=N+,ERRNO  so do all calls after it
 *   CRASHPOINT_SHORT=N        the N-th call, if it reads or writes, does so with half of the bytes; but
 *                             a read within a sector of a disk is never short
 *   CRASHPOINT_SHORT=N+       so do all calls after it
 *   CRASHPOINT_TERM=N         SIGTERM comes before the N-th call
 *   CRASHPOINT_TERM=N,M       and a second one before the M-th
 *   CRASHPOINT_SLOW=MS        each fdatasync takes so many milliseconds longer, as on a slow disk
 *   CRASHPOINT_COUNT_FILE=F   at exit the number of counted calls is written to F
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define SECTOR 512

enum group { CHANGES, LOOKS, MEMORY };

/* A number of a call, or of it and all behind it; 0: none. */
struct place {
  long at;
  bool goes_on;
};

static struct {
  atomic_long calls;
  enum group group;
  long kill_at, slow_ms, term_at, term_again_at;
  struct place fail, cut;
  int fail_errno;
  bool halves, is_ready;
  const char *count_file;
} point;

static int errno_named(const char *name) {
  static const struct {
    const char *name;
    int code;
  } known[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},       {"EINTR", EINTR},   {"EDQUOT", EDQUOT},
               {"EROFS", EROFS},   {"ENOMEM", ENOMEM}, {"EACCES", EACCES}, {"EMFILE", EMFILE},
               {"EAGAIN", EAGAIN}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strcmp(known[i].name, name) == 0) return known[i].code;
  return atoi(name);
}

static long number_of(const char *name) {
  const char *text = getenv(name);
  return text != NULL ? atol(text) : 0;
}

/* Reads "N" or "N+", and what stands behind a comma into *rest (null: nothing). */
static struct place place_of(const char *name, const char **rest) {
  const char *text = getenv(name);
  *rest = NULL;
  if (text == NULL) return (struct place){0};
  char *end;
  struct place place = {.at = strtol(text, &end, 10)};
  place.goes_on = *end == '+';
  const char *comma = strchr(end, ',');
  if (comma != NULL) *rest = comma + 1;
  return place;
}

__attribute__((constructor)) static void set_up(void) {
  const char *half = getenv("CRASHPOINT_HALF"), *count = getenv("CRASHPOINT_COUNT"), *rest;
  if (count != NULL && strcmp(count, "looks") == 0) point.group = LOOKS;
  if (count != NULL && strcmp(count, "memory") == 0) point.group = MEMORY;
  point.kill_at = number_of("CRASHPOINT_AT");
  point.slow_ms = number_of("CRASHPOINT_SLOW");
  point.halves = half != NULL && strcmp(half, "1") == 0;
  point.count_file = getenv("CRASHPOINT_COUNT_FILE");
  point.cut = place_of("CRASHPOINT_SHORT", &rest);
  point.term_at = place_of("CRASHPOINT_TERM", &rest).at;
  point.term_again_at = rest != NULL ? atol(rest) : 0;
  point.fail = place_of("CRASHPOINT_FAIL", &rest);
  point.fail_errno = rest != NULL ? errno_named(rest) : EIO;
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

static bool is_at(struct place place, long number) {
  return place.at > 0 && (number == place.at || (place.goes_on && number > place.at));
}

/* Counts a call. `half` does the first half of it, if it has halves. True: the call is to fail, and
 * errno says how. A call that reads or writes gives its size, which may become smaller. */
static bool step(enum group group, size_t *size, bool (*half)(const void *), const void *call) {
  if (!point.is_ready || group != point.group) return false;
  long number = atomic_fetch_add(&point.calls, 1) + 1;
  if (number == point.kill_at) {
    if (point.halves && half != NULL) half(call);
    void (*hold)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "trace_hold"); /* trace.c */
    if (hold != NULL) hold();
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;) syscall(SYS_pause);
  }
  if (number == point.term_at || number == point.term_again_at)
    syscall(SYS_kill, syscall(SYS_getpid), SIGTERM);
  bool can_be_short = size != NULL && *size > (group == LOOKS ? SECTOR : 1);
  if (is_at(point.cut, number) && can_be_short) *size /= 2;
  if (!is_at(point.fail, number)) return false;
  errno = point.fail_errno;
  return true;
}

static bool step_plain(enum group group) {
  return step(group, NULL, NULL, NULL);
}

/* Looks up the call behind ours. */
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* -- calls that write */

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

ssize_t write(int fd, const void *data, size_t size) {
  struct write_call call = {.fd = fd, .data = data, .size = size};
  if (fd != 2 && step(CHANGES, &size, half_write, &call)) return -1;
  return NEXT(write)(fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  struct write_call call = {fd, data, size, true, offset};
  if (fd != 2 && step(CHANGES, &size, half_write, &call)) return -1;
  return NEXT(pwrite)(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
  struct write_call call = {fd, data, size, true, offset};
  if (fd != 2 && step(CHANGES, &size, half_write, &call)) return -1;
  return NEXT(pwrite64)(fd, data, size, offset);
}

/* A gathered write that is to be short loses the second half of its pieces. */
ssize_t writev(int fd, const struct iovec *pieces, int count) {
  struct gather_call call = {.fd = fd, .count = count, .pieces = pieces};
  size_t size = (size_t)count;
  if (fd != 2 && step(CHANGES, &size, half_gather, &call)) return -1;
  return NEXT(writev)(fd, pieces, (int)size);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset) {
  struct gather_call call = {fd, count, pieces, true, offset};
  size_t size = (size_t)count;
  if (fd != 2 && step(CHANGES, &size, half_gather, &call)) return -1;
  return NEXT(pwritev)(fd, pieces, (int)size, offset);
}

/* -- other calls that change something */

int fdatasync(int fd) {
  struct timespec time = {point.slow_ms / 1000, point.slow_ms % 1000 * 1000000};
  if (point.slow_ms > 0) nanosleep(&time, NULL);
  return step_plain(CHANGES) ? -1 : NEXT(fdatasync)(fd);
}

int fsync(int fd) {
  return step_plain(CHANGES) ? -1 : NEXT(fsync)(fd);
}

int msync(void *start, size_t size, int flags) {
  return step_plain(CHANGES) ? -1 : NEXT(msync)(start, size, flags);
}

int ftruncate(int fd, off_t size) {
  return step_plain(CHANGES) ? -1 : NEXT(ftruncate)(fd, size);
}

int ftruncate64(int fd, off64_t size) {
  return step_plain(CHANGES) ? -1 : NEXT(ftruncate64)(fd, size);
}

int rename(const char *from, const char *to) {
  return step_plain(CHANGES) ? -1 : NEXT(rename)(from, to);
}

int unlink(const char *path) {
  return step_plain(CHANGES) ? -1 : NEXT(unlink)(path);
}

int mkdir(const char *path, mode_t mode) {
  return step_plain(CHANGES) ? -1 : NEXT(mkdir)(path, mode);
}

int rmdir(const char *path) {
  return step_plain(CHANGES) ? -1 : NEXT(rmdir)(path);
}

/* -- calls that look */

static mode_t mode_of(int flags, va_list arguments) {
  return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return step_plain(LOOKS) ? -1 : NEXT(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return step_plain(LOOKS) ? -1 : NEXT(open64)(path, flags, mode);
}

ssize_t read(int fd, void *data, size_t size) {
  return step(LOOKS, &size, NULL, NULL) ? -1 : NEXT(read)(fd, data, size);
}

ssize_t pread(int fd, void *data, size_t size, off_t offset) {
  return step(LOOKS, &size, NULL, NULL) ? -1 : NEXT(pread)(fd, data, size, offset);
}

ssize_t pread64(int fd, void *data, size_t size, off64_t offset) {
  return step(LOOKS, &size, NULL, NULL) ? -1 : NEXT(pread64)(fd, data, size, offset);
}

int fstatfs(int fd, struct statfs *info) {
  return step_plain(LOOKS) ? -1 : NEXT(fstatfs)(fd, info);
}

int flock(int fd, int operation) {
  return step_plain(LOOKS) ? -1 : NEXT(flock)(fd, operation);
}

DIR *fdopendir(int fd) {
  return step_plain(LOOKS) ? NULL : NEXT(fdopendir)(fd);
}

int ppoll(struct pollfd *items, nfds_t count, const struct timespec *timeout,
          const sigset_t *mask) {
  return step_plain(LOOKS) ? -1 : NEXT(ppoll)(items, count, timeout, mask);
}

int signalfd(int fd, const sigset_t *mask, int flags) {
  return step_plain(LOOKS) ? -1 : NEXT(signalfd)(fd, mask, flags);
}

int eventfd(unsigned count, int flags) {
  return step_plain(LOOKS) ? -1 : NEXT(eventfd)(count, flags);
}

/* -- memory: the C library's own names, because looking a name up may itself want memory */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
  return step_plain(MEMORY) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  return step_plain(MEMORY) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
  return step_plain(MEMORY) ? NULL : __libc_realloc(memory, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  if (step_plain(MEMORY)) return errno;
  *memory = __libc_memalign(alignment, size);
  return *memory == NULL ? ENOMEM : 0;
}

void *mmap(void *start, size_t size, int protection, int flags, int fd, off_t offset) {
  if (step_plain(MEMORY)) return MAP_FAILED;
  return NEXT(mmap)(start, size, protection, flags, fd, offset);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *argument) {
  if (step_plain(MEMORY)) return errno == ENOMEM ? EAGAIN : errno;
  return NEXT(pthread_create)(thread, attributes, run, argument);
}
