/* The system calls that LMDB makes itself. The linker sends them here (--wrap, see flags in the
 * Makefile), whoever makes them; outside of a life they go on to the real ones. */
#define _GNU_SOURCE
#include "life.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Declares the real function and its stand-in. */
#define WRAP(type, name, ...)                                                                      \
  type __real_##name(__VA_ARGS__);                                                                 \
  type __wrap_##name(__VA_ARGS__)

/* Descriptors of the simulation are larger than the real ones. */
static bool is_ours(int fd) {
  return life_of_process() != NULL && fd >= 100;
}

/* What a system call returns for a negative errno. */
static int64_t answer(int64_t result) {
  if (result >= 0) return result;
  errno = (int)-result;
  return -1;
}

WRAP(int, open, const char *path, int flags, ...);
WRAP(int, close, int fd);
WRAP(ssize_t, pread, int fd, void *data, size_t size, off_t offset);
WRAP(ssize_t, pwrite, int fd, const void *data, size_t size, off_t offset);
WRAP(ssize_t, write, int fd, const void *data, size_t size);
WRAP(ssize_t, writev, int fd, const struct iovec *parts, int count);
WRAP(off_t, lseek, int fd, off_t offset, int whence);
WRAP(int, fcntl, int fd, int command, ...);
WRAP(int, __fxstat, int version, int fd, struct stat *info);
WRAP(int, fstatfs, int fd, struct statfs *info);
WRAP(int, fsync, int fd);
WRAP(int, fdatasync, int fd);
WRAP(int, ftruncate, int fd, off_t size);
WRAP(void *, mmap, void *at, size_t size, int access, int flags, int fd, off_t offset);
WRAP(pid_t, getpid, void);
WRAP(void, _exit, int code) __attribute__((noreturn));

int __wrap_open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (life_of_process() == NULL) return __real_open(path, flags, mode);
  int fd = system_open(path, flags & O_CREAT, flags & O_EXCL);
  if (fd >= 0) system_file(fd)->is_forced = (flags & O_DSYNC) != 0;
  return (int)answer(fd);
}

int __wrap_close(int fd) {
  return is_ours(fd) ? system_close(fd) : __real_close(fd);
}

ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset) {
  if (!is_ours(fd)) return __real_pread(fd, data, size, offset);
  return answer(system_read(fd, data, size, (uint64_t)offset));
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset) {
  if (!is_ours(fd)) return __real_pwrite(fd, data, size, offset);
  return answer(system_write(fd, data, size, (uint64_t)offset));
}

ssize_t __wrap_write(int fd, const void *data, size_t size) {
  if (life_of_process() == NULL) return __real_write(fd, data, size);
  const struct flow_sys *sys = system_table();
  return answer(sys->write(sys, fd, data, size));
}

ssize_t __wrap_writev(int fd, const struct iovec *parts, int count) {
  if (!is_ours(fd)) return __real_writev(fd, parts, count);
  struct system_file *file = system_file(fd);
  ssize_t done = 0;
  for (int i = 0; i < count; i++) {
    int64_t n = system_write(fd, parts[i].iov_base, parts[i].iov_len, file->at);
    if (n < 0) return done > 0 ? done : answer(n);
    file->at += (uint64_t)n;
    done += n;
    if ((size_t)n < parts[i].iov_len) break;
  }
  return done;
}

off_t __wrap_lseek(int fd, off_t offset, int whence) {
  if (!is_ours(fd)) return __real_lseek(fd, offset, whence);
  struct system_file *file = system_file(fd);
  uint64_t from = 0;
  if (whence == SEEK_CUR) from = file->at;
  if (whence == SEEK_END) from = life_of_process()->world->nodes[file->node].size;
  file->at = from + (uint64_t)offset;
  return (off_t)file->at;
}

/* Locks are always free: nobody else is there. */
int __wrap_fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  if (!is_ours(fd)) return __real_fcntl(fd, command, argument);
  if (command == F_GETLK) ((struct flock *)argument)->l_type = F_UNLCK;
  return 0;
}

int __wrap___fxstat(int version, int fd, struct stat *info) {
  if (!is_ours(fd)) return __real___fxstat(version, fd, info);
  memset(info, 0, sizeof *info);
  int node = system_file(fd)->node;
  info->st_dev = 1;
  info->st_ino = (ino_t)node + 1;
  info->st_mode = S_IFREG | 0600;
  info->st_size = (off_t)life_of_process()->world->nodes[node].size;
  return 0;
}

int __wrap_fstatfs(int fd, struct statfs *info) {
  if (!is_ours(fd)) return __real_fstatfs(fd, info);
  memset(info, 0, sizeof *info);
  info->f_bsize = 4096;
  return 0;
}

int __wrap_fsync(int fd) {
  return is_ours(fd) ? (int)answer(system_sync(fd)) : __real_fsync(fd);
}

int __wrap_fdatasync(int fd) {
  return is_ours(fd) ? (int)answer(system_sync(fd)) : __real_fdatasync(fd);
}

int __wrap_ftruncate(int fd, off_t size) {
  if (!is_ours(fd)) return __real_ftruncate(fd, size);
  return (int)answer(system_cut(fd, (uint64_t)size));
}

void *__wrap_mmap(void *at, size_t size, int access, int flags, int fd, off_t offset) {
  if (!is_ours(fd)) return __real_mmap(at, size, access, flags, fd, offset);
  const void *memory = system_map(fd, size, access & PROT_WRITE);
  if (memory != NULL) return (void *)(uintptr_t)memory;
  errno = ENOMEM;
  return MAP_FAILED;
}

pid_t __wrap_getpid(void) {
  return life_of_process() == NULL ? __real_getpid() : system_pid();
}

void __wrap__exit(int code) {
  if (life_of_process() == NULL) __real__exit(code);
  life_exit(code);
}
