/* A library that is loaded before the C library (LD_PRELOAD) and writes down, in order, what a
 * program changes in the file system, and what it makes durable. harness/disk.py reads the trace and
 * tells from it what may be left of the files after a power loss.
 *
 *   TRACE_FILE=F   records are appended to F; nothing is traced if it is not set
 *
 * A record is a struct record, then `name_length` bytes of a name, then `data_length` bytes of data.
 * Files and directories are known by their inodes, names by the inode of their directory. Calls
 * happen one at a time, each together with its record, so that the order of the records is the order
 * of the calls. Calls that fail leave no record.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
  WRITE = 'w',    /* data at `offset` of a file */
  DURABLE = 'd',  /* the same through a descriptor with O_DSYNC */
  PRINT = 'p',    /* data to standard output */
  TRUNCATE = 't', /* a file gets the length `offset` */
  SYNC = 's',     /* fsync or fdatasync of a file or directory */
  CREATE = 'c',   /* `inode` gets the name in the directory `other` */
  MKDIR = 'm',    /* the same for a directory */
  UNLINK = 'u',   /* the name in the directory `other` goes; rmdir too */
  RENAME = 'r',   /* the name in the directory `other` goes, and `inode` gets the name, behind a
                     zero, in the directory `offset` */
};

struct record {
  uint64_t kind, inode, other, offset;
  uint32_t name_length, data_length;
};

static int trace_fd = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void set_up(void) {
  const char *path = getenv("TRACE_FILE");
  if (path == NULL) return;
  long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) abort();
  trace_fd = (int)fd;
}

/* In one system call, so that a kill leaves whole records. */
static void put(struct record record, const char *name, const struct iovec *data, int count) {
  struct iovec pieces[2 + 64];
  if (count > 64) abort(); /* LMDB gathers up to 64 pieces */
  record.name_length = (uint32_t)(name == NULL ? 0 : strlen(name));
  if (record.kind == RENAME) record.name_length += 1 + (uint32_t)strlen(name + strlen(name) + 1);
  pieces[0] = (struct iovec){&record, sizeof record};
  pieces[1] = (struct iovec){(void *)(uintptr_t)name, record.name_length};
  size_t all = sizeof record + record.name_length;
  for (int i = 0; i < count; i++) {
    pieces[2 + i] = data[i];
    record.data_length += (uint32_t)data[i].iov_len;
    all += data[i].iov_len;
  }
  if (syscall(SYS_writev, trace_fd, pieces, 2 + count) != (long)all) abort();
}

/* Waits for the end of the call that is traced right now, and lets no other begin. crashpoint.c calls
 * it before it kills the process: else a change could be made and not be written down. */
void trace_hold(void);
void trace_hold(void) {
  pthread_mutex_lock(&lock);
}

/* -- names */

static uint64_t inode_of(const char *path) {
  struct stat info;
  return lstat(path, &info) == 0 ? (uint64_t)info.st_ino : 0;
}

/* The directory that holds the path, and where its last name begins. */
static uint64_t parent_of(const char *path, const char **name) {
  char parent[4096];
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/') length--;
  while (length > 0 && path[length - 1] != '/') length--;
  *name = path + length;
  if (length == 0) return inode_of(".");
  if (length >= sizeof parent) abort();
  memcpy(parent, path, length);
  parent[length] = '\0';
  return inode_of(parent);
}

static void put_name(enum kind kind, uint64_t inode, const char *path) {
  const char *start;
  char name[256] = {0};
  uint64_t parent = parent_of(path, &start);
  size_t length = strcspn(start, "/");
  memcpy(name, start, length < sizeof name ? length : sizeof name - 1);
  put((struct record){.kind = kind, .inode = inode, .other = parent}, name, NULL, 0);
}

static int open_traced(int (*next)(const char *, int, ...), const char *path, int flags,
                       mode_t mode) {
  if (trace_fd < 0 || !(flags & (O_CREAT | O_TRUNC))) return next(path, flags, mode);
  pthread_mutex_lock(&lock);
  bool was_there = inode_of(path) != 0;
  int fd = next(path, flags, mode);
  if (fd >= 0 && !was_there) put_name(CREATE, inode_of(path), path);
  if (fd >= 0 && was_there && flags & O_TRUNC)
    put((struct record){.kind = TRUNCATE, .inode = inode_of(path)}, NULL, NULL, 0);
  pthread_mutex_unlock(&lock);
  return fd;
}

int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open_traced(NEXT(open), path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open_traced(NEXT(open64), path, flags, mode);
}

int mkdir(const char *path, mode_t mode) {
  if (trace_fd < 0) return NEXT(mkdir)(path, mode);
  pthread_mutex_lock(&lock);
  int result = NEXT(mkdir)(path, mode);
  if (result == 0) put_name(MKDIR, inode_of(path), path);
  pthread_mutex_unlock(&lock);
  return result;
}

static int remove_traced(int (*next)(const char *), const char *path) {
  if (trace_fd < 0) return next(path);
  pthread_mutex_lock(&lock);
  uint64_t inode = inode_of(path);
  int result = next(path);
  if (result == 0) put_name(UNLINK, inode, path);
  pthread_mutex_unlock(&lock);
  return result;
}

int unlink(const char *path) {
  return remove_traced(NEXT(unlink), path);
}

int rmdir(const char *path) {
  return remove_traced(NEXT(rmdir), path);
}

int rename(const char *from, const char *to) {
  if (trace_fd < 0) return NEXT(rename)(from, to);
  pthread_mutex_lock(&lock);
  uint64_t inode = inode_of(from);
  int result = NEXT(rename)(from, to);
  if (result == 0) {
    const char *old_name, *new_name;
    struct record record = {.kind = RENAME, .inode = inode};
    record.other = parent_of(from, &old_name);
    record.offset = parent_of(to, &new_name);
    char names[512];
    size_t length = strlen(old_name) + 1;
    if (length + strlen(new_name) >= sizeof names) abort();
    memcpy(names, old_name, length);
    memcpy(names + length, new_name, strlen(new_name) + 1);
    put(record, names, NULL, 0);
  }
  pthread_mutex_unlock(&lock);
  return result;
}

/* -- data */

/* Notes the first `size` bytes of what was written. */
static void put_write(int fd, const struct iovec *pieces, int count, uint64_t offset, size_t size) {
  struct stat info;
  if (fd == 2 || fstat(fd, &info) != 0) return;
  struct record record = {.inode = (uint64_t)info.st_ino, .offset = offset};
  int flags = fcntl(fd, F_GETFL);
  if (!S_ISREG(info.st_mode) && fd != 1) return;
  record.kind = !S_ISREG(info.st_mode) ? PRINT : flags & O_DSYNC ? DURABLE : WRITE;
  if (flags & O_APPEND) record.offset = (uint64_t)info.st_size - size;
  struct iovec written[64];
  int used = 0;
  for (; used < count && size > 0; used++) {
    written[used] = pieces[used];
    if (written[used].iov_len > size) written[used].iov_len = size;
    size -= written[used].iov_len;
  }
  put(record, NULL, written, used);
}

/* The place at which a call without an offset writes; a pipe has none. */
static uint64_t place_of(int fd) {
  off_t offset = lseek(fd, 0, SEEK_CUR);
  return offset < 0 ? 0 : (uint64_t)offset;
}

ssize_t write(int fd, const void *data, size_t size) {
  if (trace_fd < 0) return NEXT(write)(fd, data, size);
  pthread_mutex_lock(&lock);
  uint64_t offset = place_of(fd);
  ssize_t n = NEXT(write)(fd, data, size);
  struct iovec piece = {(void *)(uintptr_t)data, size};
  if (n > 0) put_write(fd, &piece, 1, offset, (size_t)n);
  pthread_mutex_unlock(&lock);
  return n;
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
  if (trace_fd < 0) return NEXT(writev)(fd, pieces, count);
  pthread_mutex_lock(&lock);
  uint64_t offset = place_of(fd);
  ssize_t n = NEXT(writev)(fd, pieces, count);
  if (n > 0) put_write(fd, pieces, count, offset, (size_t)n);
  pthread_mutex_unlock(&lock);
  return n;
}

static ssize_t pwrite_traced(ssize_t (*next)(int, const void *, size_t, off64_t), int fd,
                             const void *data, size_t size, off64_t offset) {
  if (trace_fd < 0) return next(fd, data, size, offset);
  pthread_mutex_lock(&lock);
  ssize_t n = next(fd, data, size, offset);
  struct iovec piece = {(void *)(uintptr_t)data, size};
  if (n > 0) put_write(fd, &piece, 1, (uint64_t)offset, (size_t)n);
  pthread_mutex_unlock(&lock);
  return n;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  return pwrite_traced(NEXT(pwrite), fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
  return pwrite_traced(NEXT(pwrite64), fd, data, size, offset);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset) {
  if (trace_fd < 0) return NEXT(pwritev)(fd, pieces, count, offset);
  pthread_mutex_lock(&lock);
  ssize_t n = NEXT(pwritev)(fd, pieces, count, offset);
  if (n > 0) put_write(fd, pieces, count, (uint64_t)offset, (size_t)n);
  pthread_mutex_unlock(&lock);
  return n;
}

static int truncate_traced(int (*next)(int, off64_t), int fd, off64_t size) {
  if (trace_fd < 0) return next(fd, size);
  struct stat info;
  pthread_mutex_lock(&lock);
  int result = next(fd, size);
  if (result == 0 && fstat(fd, &info) == 0)
    put((struct record){.kind = TRUNCATE, .inode = (uint64_t)info.st_ino, .offset = (uint64_t)size},
        NULL, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}

int ftruncate(int fd, off_t size) {
  return truncate_traced(NEXT(ftruncate), fd, size);
}

int ftruncate64(int fd, off64_t size) {
  return truncate_traced(NEXT(ftruncate64), fd, size);
}

static int sync_traced(int (*next)(int), int fd) {
  if (trace_fd < 0) return next(fd);
  struct stat info;
  pthread_mutex_lock(&lock);
  int result = next(fd);
  if (result == 0 && fstat(fd, &info) == 0)
    put((struct record){.kind = SYNC, .inode = (uint64_t)info.st_ino}, NULL, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}

int fsync(int fd) {
  return sync_traced(NEXT(fsync), fd);
}

int fdatasync(int fd) {
  return sync_traced(NEXT(fdatasync), fd);
}
