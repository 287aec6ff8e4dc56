/* The real system: Linux. The only file of the runtime that includes unistd.h and its kind. */
#define _GNU_SOURCE
#include "sys.h"

#include "flow/value.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* Inputs, the signal descriptor, a wake and a sink or two are waited for at once; never close to
 * this. */
#define WAIT_ITEMS 32

static int result(int value) {
  return value < 0 ? -errno : value;
}

static int64_t clock_us(clockid_t clock) {
  struct timespec now;
  if (clock_gettime(clock, &now) != 0) abort(); /* both clocks exist on every Linux */
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t posix_realtime_us(const struct flow_sys *sys) {
  (void)sys;
  return clock_us(CLOCK_REALTIME);
}

static int64_t posix_monotonic_us(const struct flow_sys *sys) {
  (void)sys;
  return clock_us(CLOCK_MONOTONIC);
}

/* -- waiting and signals */

static int posix_wait(const struct flow_sys *sys, struct flow_wait *items, size_t count,
                      int64_t timeout_us) {
  if (count > WAIT_ITEMS) return -EINVAL;
  struct pollfd polled[WAIT_ITEMS];
  for (size_t i = 0; i < count; i++) {
    polled[i].fd = items[i].fd;
    polled[i].events = (short)(((items[i].want & FLOW_WAIT_READ) ? POLLIN : 0) |
                               ((items[i].want & FLOW_WAIT_WRITE) ? POLLOUT : 0));
    polled[i].revents = 0;
    items[i].got = 0;
  }
  int64_t deadline = timeout_us < 0 ? 0 : posix_monotonic_us(sys) + timeout_us;
  for (;;) {
    struct timespec rest = {.tv_sec = timeout_us / 1000000, .tv_nsec = timeout_us % 1000000 * 1000};
    int n = ppoll(polled, count, timeout_us < 0 ? NULL : &rest, NULL);
    if (n >= 0) {
      for (size_t i = 0; i < count; i++) {
        short got = polled[i].revents;
        if (got & (POLLIN | POLLHUP | POLLERR | POLLNVAL)) items[i].got |= FLOW_WAIT_READ;
        if (got & (POLLOUT | POLLERR | POLLNVAL)) items[i].got |= FLOW_WAIT_WRITE;
      }
      return n;
    }
    if (errno != EINTR) return -errno;
    if (timeout_us >= 0) {
      timeout_us = deadline - posix_monotonic_us(sys);
      if (timeout_us < 0) timeout_us = 0;
    }
  }
}

static void stop_signals(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGTERM);
}

static int posix_signals_open(const struct flow_sys *sys) {
  (void)sys;
  sigset_t set;
  stop_signals(&set);
  int error = pthread_sigmask(SIG_BLOCK, &set, NULL);
  if (error != 0) return -error;
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigemptyset(&ignore.sa_mask);
  if (sigaction(SIGPIPE, &ignore, NULL) != 0 || sigaction(SIGXFSZ, &ignore, NULL) != 0)
    return -errno;
  return result(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

static int posix_signals_take(const struct flow_sys *sys, int fd) {
  (void)sys;
  struct signalfd_siginfo info;
  ssize_t n = read(fd, &info, sizeof info);
  return n == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

static int posix_signals_release(const struct flow_sys *sys, int fd) {
  (void)sys;
  sigset_t set;
  stop_signals(&set);
  close(fd);
  struct sigaction normal = {.sa_handler = SIG_DFL};
  sigemptyset(&normal.sa_mask);
  sigaction(SIGINT, &normal, NULL);
  sigaction(SIGTERM, &normal, NULL);
  return -pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static int posix_wake_open(const struct flow_sys *sys) {
  (void)sys;
  return result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

static void posix_wake_send(const struct flow_sys *sys, int fd) {
  (void)sys;
  eventfd_write(fd, 1); /* fails only when the counter is full, and then it is readable already */
}

static void posix_wake_take(const struct flow_sys *sys, int fd) {
  (void)sys;
  eventfd_t count;
  eventfd_read(fd, &count); /* fails if nothing was sent */
}

/* -- threads */

static int posix_cpu_count(const struct flow_sys *sys) {
  (void)sys;
  cpu_set_t set;
  /* A machine with more processors than the set has room for refuses it: count what is online. */
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online < 1 ? 1 : (int)online;
}

struct flow_thread {
  pthread_t id;
  void (*run)(void *);
  void *argument;
};

static void *thread_main(void *context) {
  const struct flow_thread *thread = context;
  thread->run(thread->argument);
  return NULL;
}

static int posix_thread_start(const struct flow_sys *sys, struct flow_thread **started,
                              void (*run)(void *), void *argument) {
  (void)sys;
  *started = NULL;
  struct flow_thread *thread = malloc(sizeof *thread);
  if (thread == NULL) return -ENOMEM;
  thread->run = run;
  thread->argument = argument;
  sigset_t all, before;
  sigfillset(&all);
  int error = pthread_sigmask(SIG_SETMASK, &all, &before); /* which the new thread inherits */
  if (error == 0) {
    error = pthread_create(&thread->id, NULL, thread_main, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  if (error != 0) {
    free(thread);
    return -error;
  }
  *started = thread;
  return 0;
}

static void posix_thread_join(const struct flow_sys *sys, struct flow_thread *thread) {
  (void)sys;
  if (pthread_join(thread->id, NULL) != 0) abort(); /* it was joined before, or joins itself */
  free(thread);
}

struct flow_monitor {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
};

static struct flow_monitor *posix_monitor_new(const struct flow_sys *sys) {
  (void)sys;
  struct flow_monitor *monitor = malloc(sizeof *monitor);
  if (monitor == NULL) return NULL;
  pthread_condattr_t attributes;
  bool ok = pthread_condattr_init(&attributes) == 0 &&
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
            pthread_cond_init(&monitor->changed, &attributes) == 0 &&
            pthread_mutex_init(&monitor->mutex, NULL) == 0;
  if (!ok) abort(); /* on Linux none of these can fail */
  pthread_condattr_destroy(&attributes);
  return monitor;
}

static void posix_monitor_free(const struct flow_sys *sys, struct flow_monitor *monitor) {
  (void)sys;
  if (monitor == NULL) return;
  pthread_cond_destroy(&monitor->changed);
  pthread_mutex_destroy(&monitor->mutex);
  free(monitor);
}

static void posix_monitor_lock(const struct flow_sys *sys, struct flow_monitor *monitor) {
  (void)sys;
  if (pthread_mutex_lock(&monitor->mutex) != 0) abort();
}

static void posix_monitor_unlock(const struct flow_sys *sys, struct flow_monitor *monitor) {
  (void)sys;
  if (pthread_mutex_unlock(&monitor->mutex) != 0) abort();
}

static bool posix_monitor_wait(const struct flow_sys *sys, struct flow_monitor *monitor,
                               int64_t timeout_us) {
  int error;
  if (timeout_us < 0) {
    error = pthread_cond_wait(&monitor->changed, &monitor->mutex);
  } else {
    int64_t now_us = posix_monotonic_us(sys);
    int64_t until_us = now_us > INT64_MAX - timeout_us ? INT64_MAX : now_us + timeout_us;
    struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    error = pthread_cond_timedwait(&monitor->changed, &monitor->mutex, &until);
  }
  if (error != 0 && error != ETIMEDOUT) abort(); /* the lock was not held */
  return error == 0;
}

static void posix_monitor_wake_all(const struct flow_sys *sys, struct flow_monitor *monitor) {
  (void)sys;
  pthread_cond_broadcast(&monitor->changed);
}

/* -- files */

static int posix_open(const struct flow_sys *sys, const char *path, unsigned flags, unsigned mode) {
  (void)sys;
  bool reads = flags & FLOW_OPEN_READ, writes = flags & FLOW_OPEN_WRITE;
  int native = O_CLOEXEC | O_NOCTTY;
  native |= reads && writes ? O_RDWR : writes ? O_WRONLY : O_RDONLY;
  if (flags & FLOW_OPEN_CREATE) native |= O_CREAT;
  if (flags & FLOW_OPEN_EXCLUSIVE) native |= O_EXCL;
  if (flags & FLOW_OPEN_TRUNCATE) native |= O_TRUNC;
  if (flags & FLOW_OPEN_APPEND) native |= O_APPEND;
  if (flags & FLOW_OPEN_DIRECTORY) native |= O_DIRECTORY;
  if (flags & FLOW_OPEN_NONBLOCK) native |= O_NONBLOCK;
  int fd;
  do fd = open(path, native, (mode_t)mode);
  while (fd < 0 && errno == EINTR);
  return result(fd);
}

static int posix_close(const struct flow_sys *sys, int fd) {
  (void)sys;
  /* On Linux the descriptor is gone after EINTR too; closing again could hit another file. */
  if (close(fd) == 0 || errno == EINTR) return 0;
  return -errno;
}

static int64_t posix_read(const struct flow_sys *sys, int fd, void *data, size_t size) {
  (void)sys;
  ssize_t n;
  do n = read(fd, data, size);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

static int64_t posix_pread(const struct flow_sys *sys, int fd, void *data, size_t size,
                           uint64_t offset) {
  (void)sys;
  ssize_t n;
  do n = pread(fd, data, size, (off_t)offset);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

static int64_t posix_write(const struct flow_sys *sys, int fd, const void *data, size_t size) {
  (void)sys;
  ssize_t n;
  do n = write(fd, data, size);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

static int64_t posix_pwrite(const struct flow_sys *sys, int fd, const void *data, size_t size,
                            uint64_t offset) {
  (void)sys;
  ssize_t n;
  do n = pwrite(fd, data, size, (off_t)offset);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

static int posix_fdatasync(const struct flow_sys *sys, int fd) {
  (void)sys;
  int error;
  do error = fdatasync(fd);
  while (error < 0 && errno == EINTR);
  return result(error);
}

static int posix_ftruncate(const struct flow_sys *sys, int fd, uint64_t size) {
  (void)sys;
  int error;
  do error = ftruncate(fd, (off_t)size);
  while (error < 0 && errno == EINTR);
  return result(error);
}

static void fill_info(const struct stat *from, struct flow_file_info *info) {
  info->device = (uint64_t)from->st_dev;
  info->inode = (uint64_t)from->st_ino;
  info->size = S_ISREG(from->st_mode) ? (uint64_t)from->st_size : 0;
  info->mtime_us = (int64_t)from->st_mtim.tv_sec * 1000000 + from->st_mtim.tv_nsec / 1000;
  if (S_ISREG(from->st_mode)) info->kind = FLOW_FILE_REGULAR;
  else if (S_ISDIR(from->st_mode)) info->kind = FLOW_FILE_DIRECTORY;
  else if (S_ISFIFO(from->st_mode) || S_ISSOCK(from->st_mode)) info->kind = FLOW_FILE_PIPE;
  else info->kind = FLOW_FILE_DEVICE;
}

static int posix_fstat(const struct flow_sys *sys, int fd, struct flow_file_info *info) {
  (void)sys;
  struct stat found;
  if (fstat(fd, &found) != 0) return -errno;
  fill_info(&found, info);
  if (info->kind == FLOW_FILE_DEVICE && isatty(fd)) info->kind = FLOW_FILE_TERMINAL;
  return 0;
}

static int posix_stat(const struct flow_sys *sys, const char *path, struct flow_file_info *info) {
  (void)sys;
  struct stat found;
  if (stat(path, &found) != 0) return -errno;
  fill_info(&found, info);
  return 0;
}

static int posix_fstatfs(const struct flow_sys *sys, int fd, struct flow_fs_info *info) {
  /* Magic numbers of linux/magic.h and of out-of-tree file systems, whose headers may be missing. */
  static const struct {
    uint32_t magic;
    const char *name;
  } network[] = {
      {0x6969, "nfs"},       {0x517b, "smb"},         {0xff534d42, "cifs"}, {0xfe534d42, "smb2"},
      {0x01021997, "9p"},    {0x5346414f, "afs"},     {0x6b414653, "kafs"}, {0x00c36400, "ceph"},
      {0x73757245, "coda"},  {0x564c, "ncp"},         {0x0bd00bd0, "lustre"},
      {0x01161970, "gfs2"},  {0x7461636f, "ocfs2"},   {0x47504653, "gpfs"}, {0x19830326, "fhgfs"},
  };
  (void)sys;
  struct statfs found;
  if (fstatfs(fd, &found) != 0) return -errno;
  uint32_t magic = (uint32_t)found.f_type;
  snprintf(info->name, sizeof info->name, "%x", magic);
  info->is_network = false;
  info->free_bytes = (uint64_t)found.f_bavail * (uint64_t)found.f_bsize;
  for (size_t i = 0; i < sizeof network / sizeof network[0]; i++) {
    if (network[i].magic != magic) continue;
    info->is_network = true;
    snprintf(info->name, sizeof info->name, "%s", network[i].name);
  }
  return 0;
}

static int posix_flock_try(const struct flow_sys *sys, int fd) {
  (void)sys;
  int error;
  do error = flock(fd, LOCK_EX | LOCK_NB);
  while (error < 0 && errno == EINTR);
  return result(error);
}

static int posix_set_cloexec(const struct flow_sys *sys, int fd) {
  (void)sys;
  return result(fcntl(fd, F_SETFD, FD_CLOEXEC));
}

static const void *posix_map(const struct flow_sys *sys, int fd, size_t size) {
  (void)sys;
  void *memory = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

static void posix_unmap(const struct flow_sys *sys, const void *memory, size_t size) {
  (void)sys;
  munmap((void *)(uintptr_t)memory, size);
}

/* -- names */

static int posix_rename(const struct flow_sys *sys, const char *from, const char *to) {
  (void)sys;
  return result(rename(from, to));
}

static int posix_unlink(const struct flow_sys *sys, const char *path) {
  (void)sys;
  return result(unlink(path));
}

static int posix_mkdir(const struct flow_sys *sys, const char *path, unsigned mode) {
  (void)sys;
  return result(mkdir(path, (mode_t)mode));
}

static int posix_rmdir(const struct flow_sys *sys, const char *path) {
  (void)sys;
  return result(rmdir(path));
}

/* strcmp and not alphasort, which obeys the locale. */
static int compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
  char **items;
  size_t count, capacity;
};

static int collect_names(DIR *dir, struct names *names) {
  for (;;) {
    errno = 0;
    struct dirent *entry = readdir(dir);
    if (entry == NULL) return -errno;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (names->count == names->capacity) {
      size_t capacity = names->capacity == 0 ? 64 : names->capacity * 2;
      char **items = realloc(names->items, capacity * sizeof *items);
      if (items == NULL) return -ENOMEM;
      names->items = items;
      names->capacity = capacity;
    }
    char *name = strdup(entry->d_name);
    if (name == NULL) return -ENOMEM;
    names->items[names->count++] = name;
  }
}

static int posix_list(const struct flow_sys *sys, const char *path, flow_list_name name,
                      void *context) {
  (void)sys;
  int fd = posix_open(sys, path, FLOW_OPEN_READ | FLOW_OPEN_DIRECTORY, 0);
  if (fd < 0) return fd;
  DIR *dir = fdopendir(fd);
  if (dir == NULL) {
    int error = -errno;
    close(fd);
    return error;
  }
  struct names names = {0};
  int error = collect_names(dir, &names);
  closedir(dir);
  if (names.count > 1) qsort(names.items, names.count, sizeof *names.items, compare_names);
  bool goes_on = error == 0;
  for (size_t i = 0; i < names.count; i++) {
    if (goes_on) goes_on = name(context, names.items[i]);
    free(names.items[i]);
  }
  free(names.items);
  return error;
}

static int posix_sync_parent(const struct flow_sys *sys, const char *path) {
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/') length--;
  while (length > 0 && path[length - 1] != '/') length--;
  char *parent = length == 0 ? strdup(".") : strndup(path, length);
  if (parent == NULL) return -ENOMEM;
  int fd = posix_open(sys, parent, FLOW_OPEN_READ | FLOW_OPEN_DIRECTORY, 0);
  free(parent);
  if (fd < 0) return fd;
  int error = result(fsync(fd));
  close(fd);
  return error == -EINVAL ? 0 : error; /* some file systems have nothing to sync in a directory */
}

/* -- memory and the process */

static void *posix_alloc(const struct flow_sys *sys, size_t size) {
  (void)sys;
  return malloc(size);
}

static void *posix_realloc(const struct flow_sys *sys, void *memory, size_t size) {
  (void)sys;
  return realloc(memory, size);
}

static void posix_free(const struct flow_sys *sys, void *memory) {
  (void)sys;
  free(memory);
}

static int posix_getpid(const struct flow_sys *sys) {
  (void)sys;
  return (int)getpid();
}

static int posix_random(const struct flow_sys *sys, void *data, size_t size) {
  (void)sys;
  char *p = data;
  while (size > 0) {
    ssize_t n = getrandom(p, size, 0);
    if (n < 0 && errno != EINTR) return -errno;
    if (n < 0) continue;
    p += n;
    size -= (size_t)n;
  }
  return 0;
}

/* Ends the process as a crash would: what was committed is safe, and nothing is freed or flushed. */
_Noreturn void flow_out_of_memory(size_t size) {
  char message[80];
  int length = snprintf(message, sizeof message,
                        "error: out of memory: the system refused %zu bytes\n", size);
  if (write(STDERR_FILENO, message, (size_t)length) < 0) _exit(70);
  _exit(70);
}

const struct flow_sys *flow_sys_posix(void) {
  static const struct flow_sys posix = {
      .realtime_us = posix_realtime_us,
      .monotonic_us = posix_monotonic_us,
      .wait = posix_wait,
      .signals_open = posix_signals_open,
      .signals_take = posix_signals_take,
      .signals_release = posix_signals_release,
      .wake_open = posix_wake_open,
      .wake_send = posix_wake_send,
      .wake_take = posix_wake_take,
      .cpu_count = posix_cpu_count,
      .thread_start = posix_thread_start,
      .thread_join = posix_thread_join,
      .monitor_new = posix_monitor_new,
      .monitor_free = posix_monitor_free,
      .monitor_lock = posix_monitor_lock,
      .monitor_unlock = posix_monitor_unlock,
      .monitor_wait = posix_monitor_wait,
      .monitor_wake_all = posix_monitor_wake_all,
      .open = posix_open,
      .close = posix_close,
      .read = posix_read,
      .pread = posix_pread,
      .write = posix_write,
      .pwrite = posix_pwrite,
      .fdatasync = posix_fdatasync,
      .ftruncate = posix_ftruncate,
      .fstat = posix_fstat,
      .stat = posix_stat,
      .fstatfs = posix_fstatfs,
      .flock_try = posix_flock_try,
      .set_cloexec = posix_set_cloexec,
      .map = posix_map,
      .unmap = posix_unmap,
      .rename = posix_rename,
      .unlink = posix_unlink,
      .mkdir = posix_mkdir,
      .rmdir = posix_rmdir,
      .list = posix_list,
      .sync_parent = posix_sync_parent,
      .alloc = posix_alloc,
      .realloc = posix_realloc,
      .free = posix_free,
      .getpid = posix_getpid,
      .random = posix_random,
  };
  return &posix;
}
