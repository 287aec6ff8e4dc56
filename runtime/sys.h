/* The operating system, behind one table of functions: clock, files, waiting, signals, threads,
 * memory.
 *
 * The runtime calls the system through a struct flow_sys only, so that a simulator or a fault
 * injector can stand in its place. A replacement embeds the struct as its first member; each
 * function gets the table that it was called on as `sys`. The real one is flow_sys_posix().
 *
 * Calls that can fail return a negative errno (-ENOENT), never -1. Descriptors are close-on-exec.
 * EINTR never reaches the caller: calls are repeated. Reads and writes may be short; the
 * flow_sys_*_all functions below are not. Paths are bytes as the system takes them, zero-ended.
 *
 *   const struct flow_sys *sys = flow_sys_posix();
 *   int fd = sys->open(sys, "out.txt", FLOW_OPEN_WRITE | FLOW_OPEN_CREATE, 0666);
 *   if (fd < 0) return flow_report_errno(report, FLOW_E_CREATE, fd, "create %s", "out.txt");
 *   int error = flow_sys_write_all(sys, fd, data, length);
 *   sys->close(sys, fd);
 */
#ifndef FLOW_SYS_H
#define FLOW_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum flow_open {
  FLOW_OPEN_READ = 1,
  FLOW_OPEN_WRITE = 2, /* with READ: both */
  FLOW_OPEN_CREATE = 4,
  FLOW_OPEN_EXCLUSIVE = 8, /* with CREATE: -EEXIST if it is there */
  FLOW_OPEN_TRUNCATE = 16,
  FLOW_OPEN_APPEND = 32,
  FLOW_OPEN_DIRECTORY = 64, /* -ENOTDIR if it is something else; use with READ */
  FLOW_OPEN_NONBLOCK = 128, /* a FIFO without a writer opens at once */
};

enum flow_file_kind {
  FLOW_FILE_REGULAR,
  FLOW_FILE_DIRECTORY,
  FLOW_FILE_PIPE, /* FIFO, pipe or socket */
  FLOW_FILE_TERMINAL,
  FLOW_FILE_DEVICE, /* any other device */
};

struct flow_file_info {
  uint64_t device, inode; /* together the identity of a file while it exists */
  uint64_t size;          /* bytes; 0 if the kind has no size */
  int64_t mtime_us;       /* microseconds since 1970 */
  enum flow_file_kind kind;
};

struct flow_fs_info {
  bool is_network; /* NFS, SMB and others on which locks and mmap cannot be trusted */
  char name[16];   /* "nfs", or its number in hex */
  uint64_t free_bytes;
};

enum flow_wait_for { FLOW_WAIT_READ = 1, FLOW_WAIT_WRITE = 2 };

struct flow_wait {
  int fd;        /* negative: the item is skipped */
  unsigned want; /* of flow_wait_for */
  unsigned got;  /* set by wait; also set for an end or an error, which the next call shows */
};

/* A thread that was started and has to be joined. */
struct flow_thread;

/* A mutex and one condition. Whoever changes what others may wait for does so under the lock and
 * wakes all; whoever waits looks again after each wake, because a wake says only "look again":
 *
 *   sys->monitor_lock(sys, m);
 *   while (!is_ready) sys->monitor_wait(sys, m, -1);
 *   … take what was waited for …
 *   sys->monitor_unlock(sys, m);
 */
struct flow_monitor;

/* Called for each name of a directory; false ends the listing. */
typedef bool (*flow_list_name)(void *context, const char *name);

struct flow_sys {
  /* -- time */
  /* Microseconds since 1970-01-01 UTC. */
  int64_t (*realtime_us)(const struct flow_sys *sys);
  /* Microseconds since some fixed moment; never goes back. */
  int64_t (*monotonic_us)(const struct flow_sys *sys);

  /* -- waiting and signals */
  /* Waits until one of `count` items is ready; timeout_us < 0: for ever, 0: only looks. Sleeping is
   * waiting for no item. Returns the number of ready items, 0 after the timeout. */
  int (*wait)(const struct flow_sys *sys, struct flow_wait *items, size_t count,
              int64_t timeout_us);
  /* Turns SIGINT and SIGTERM into something to read: they are blocked from here on (also in threads
   * and before any race), and the returned descriptor gets readable when one arrives, so it takes
   * part in wait(). SIGPIPE and SIGXFSZ are ignored: a closed pipe is
   * -EPIPE, a file as large as `ulimit -f` allows is -EFBIG. */
  int (*signals_open)(const struct flow_sys *sys);
  /* Takes one pending signal: its number, or 0 if there is none. Never blocks. */
  int (*signals_take)(const struct flow_sys *sys, int fd);
  /* Gives SIGINT and SIGTERM back their default, so that a second one ends the process at once. */
  int (*signals_release)(const struct flow_sys *sys, int fd);
  /* A descriptor by which one thread ends the wait() of another: readable after wake_send() until
   * wake_take(). Sending twice is like sending once. Closed with close(). */
  int (*wake_open)(const struct flow_sys *sys);
  void (*wake_send)(const struct flow_sys *sys, int fd);
  void (*wake_take)(const struct flow_sys *sys, int fd);

  /* -- threads */
  /* Processors that this process may use; at least 1. */
  int (*cpu_count)(const struct flow_sys *sys);
  /* Starts a thread that calls run(argument); it gets no signal, because all are blocked in it.
   * 0 or a negative errno. What the caller wrote before is visible to the thread. */
  int (*thread_start)(const struct flow_sys *sys, struct flow_thread **thread, void (*run)(void *),
                      void *argument);
  /* Waits until the thread has returned from run(), and frees it. */
  void (*thread_join)(const struct flow_sys *sys, struct flow_thread *thread);
  struct flow_monitor *(*monitor_new)(const struct flow_sys *sys); /* null: no memory */
  /* Nobody may hold it or wait for it. Null is fine. */
  void (*monitor_free)(const struct flow_sys *sys, struct flow_monitor *monitor);
  void (*monitor_lock)(const struct flow_sys *sys, struct flow_monitor *monitor);
  void (*monitor_unlock)(const struct flow_sys *sys, struct flow_monitor *monitor);
  /* With the lock held: gives it up, waits for a wake or until `timeout_us` are over (negative: for
   * ever), and takes it again. False after the timeout; true does not promise a wake. */
  bool (*monitor_wait)(const struct flow_sys *sys, struct flow_monitor *monitor,
                       int64_t timeout_us);
  /* With the lock held: ends all waits for the monitor. */
  void (*monitor_wake_all)(const struct flow_sys *sys, struct flow_monitor *monitor);

  /* -- files */
  int (*open)(const struct flow_sys *sys, const char *path, unsigned flags, unsigned mode);
  int (*close)(const struct flow_sys *sys, int fd);
  /* Bytes that were read or written; read gives 0 at the end. */
  int64_t (*read)(const struct flow_sys *sys, int fd, void *data, size_t size);
  int64_t (*pread)(const struct flow_sys *sys, int fd, void *data, size_t size, uint64_t offset);
  int64_t (*write)(const struct flow_sys *sys, int fd, const void *data, size_t size);
  int64_t (*pwrite)(const struct flow_sys *sys, int fd, const void *data, size_t size,
                    uint64_t offset);
  int (*fdatasync)(const struct flow_sys *sys, int fd);
  int (*ftruncate)(const struct flow_sys *sys, int fd, uint64_t size);
  int (*fstat)(const struct flow_sys *sys, int fd, struct flow_file_info *info);
  int (*stat)(const struct flow_sys *sys, const char *path, struct flow_file_info *info);
  int (*fstatfs)(const struct flow_sys *sys, int fd, struct flow_fs_info *info);
  /* Takes the exclusive lock of the open file without waiting; -EWOULDBLOCK if another holds it.
   * The lock ends with the descriptor, so with the process however it dies. */
  int (*flock_try)(const struct flow_sys *sys, int fd);
  int (*set_cloexec)(const struct flow_sys *sys, int fd);

  /* The first `size` bytes of a file as memory that may be read; null if that cannot be. The file
   * must not become shorter meanwhile. */
  const void *(*map)(const struct flow_sys *sys, int fd, size_t size);
  void (*unmap)(const struct flow_sys *sys, const void *memory, size_t size);

  /* -- names */
  int (*rename)(const struct flow_sys *sys, const char *from, const char *to);
  int (*unlink)(const struct flow_sys *sys, const char *path);
  int (*mkdir)(const struct flow_sys *sys, const char *path, unsigned mode);
  int (*rmdir)(const struct flow_sys *sys, const char *path);
  /* Calls `name` for every name but "." and "..", sorted by bytes. */
  int (*list)(const struct flow_sys *sys, const char *path, flow_list_name name, void *context);
  /* Makes the name `path` durable: fsync of the directory that holds it. */
  int (*sync_parent)(const struct flow_sys *sys, const char *path);

  /* -- memory and the process */
  void *(*alloc)(const struct flow_sys *sys, size_t size); /* null: no memory */
  void *(*realloc)(const struct flow_sys *sys, void *memory, size_t size);
  void (*free)(const struct flow_sys *sys, void *memory); /* null is fine */
  int (*getpid)(const struct flow_sys *sys);
  /* Fills `data` with unpredictable bytes. */
  int (*random)(const struct flow_sys *sys, void *data, size_t size);
};

/* The real system. */
const struct flow_sys *flow_sys_posix(void);

/* Writes all of `size` bytes; 0 or a negative errno (then some of them may have been written). */
int flow_sys_write_all(const struct flow_sys *, int fd, const void *data, size_t size);
int flow_sys_pwrite_all(const struct flow_sys *, int fd, const void *data, size_t size,
                        uint64_t offset);
/* Reads until `size` bytes are there or the file ends: the bytes read, or a negative errno. */
int64_t flow_sys_pread_all(const struct flow_sys *, int fd, void *data, size_t size,
                           uint64_t offset);
/* Sleeps; a negative or zero time returns at once. */
int flow_sys_sleep(const struct flow_sys *, int64_t duration_us);

#endif
