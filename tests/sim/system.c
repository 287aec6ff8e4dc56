/* The system table of a life: files of the simulated disk, and threads that are fibers. */
#define _GNU_SOURCE
#include "life.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { FIRST_FD = 100, FILES = 64, STDOUT = 1, STDERR = 2, PIPE_BYTES = 4096 };

static struct {
  struct system_file files[FILES];
  int64_t blocked_until_us; /* the reader of stdout takes nothing before */
} state;

static struct world *world(void) {
  return life_of_process()->world;
}

static const struct life_plan *plan(void) {
  return &life_of_process()->plan;
}

/* -- open files */

struct system_file *system_file(int fd) {
  int index = fd - FIRST_FD;
  if (index < 0 || index >= FILES || state.files[index].kind == SYSTEM_CLOSED) {
    life_fail("descriptor %d is not open", fd);
  }
  return &state.files[index];
}

static int add_file(enum system_kind kind, int node) {
  int index = 0;
  while (index < FILES && state.files[index].kind != SYSTEM_CLOSED) index++;
  if (index == FILES) life_fail("more than %d files are open", FILES);
  state.files[index] = (struct system_file){.kind = kind, .node = node};
  return FIRST_FD + index;
}

static const char *name_of(int fd) {
  if (fd == STDOUT) return "stdout";
  if (fd == STDERR) return "stderr";
  const struct system_file *file = system_file(fd);
  return file->kind == SYSTEM_FILE ? world_path_of(world(), file->node) : "";
}

int system_open(const char *path, bool makes, bool is_exclusive) {
  fiber_point();
  int error = life_fault(CALL_OPEN, path), node = world_find(world(), path);
  if (error < 0) return error;
  if (node >= 0 && is_exclusive) return -EEXIST;
  if (node == -ENOENT && makes) {
    if (world()->is_disk_full) return -ENOSPC;
    if (life_is_change_cut()) life_crash();
    node = world_make(world(), path, false);
    life_note("make", path, node, 0);
  }
  if (node < 0) return node;
  int fd = add_file(SYSTEM_FILE, node);
  life_note("open", path, fd, 0);
  return fd;
}

int system_close(int fd) {
  fiber_point();
  life_note("close", name_of(fd), fd, 0);
  system_file(fd)->kind = SYSTEM_CLOSED;
  return 0;
}

int64_t system_read(int fd, void *data, size_t size, uint64_t offset) {
  fiber_point();
  const struct system_file *file = system_file(fd);
  int error = life_fault(CALL_READ, name_of(fd));
  if (error < 0) return error;
  const struct node *node = &world()->nodes[file->node];
  if (node->is_directory) return -EISDIR;
  uint64_t left = offset < node->size ? node->size - offset : 0;
  if (size > left) size = left;
  memcpy(data, world_bytes(world(), file->node) + offset, size);
  life_note("read", name_of(fd), (int64_t)offset, (int64_t)size);
  return (int64_t)size;
}

int64_t system_write(int fd, const void *data, size_t size, uint64_t offset) {
  fiber_point();
  const struct system_file *file = system_file(fd);
  struct world *w = world();
  int error = life_fault(CALL_WRITE, name_of(fd));
  bool is_cut = life_is_change_cut();
  uint64_t end = w->nodes[file->node].size;
  if (error == -EIO) return error;
  if (w->is_disk_full && offset + size > end) { /* what fits is written */
    size = offset < end ? end - offset : 0;
    if (size == 0) return -ENOSPC;
  }
  if (is_cut) size = world_dice(w, size + 1);
  life_note("write", name_of(fd), (int64_t)offset, (int64_t)size);
  world_write(w, file->node, offset, data, size, file->is_forced && !is_cut);
  if (is_cut) life_crash();
  return (int64_t)size;
}

int system_sync(int fd) {
  const struct system_file *file = system_file(fd);
  if (plan()->sync_us > 0)
    fiber_sleep((int64_t)world_dice(world(), (uint64_t)plan()->sync_us));
  else
    fiber_point();
  int error = life_fault(CALL_SYNC, name_of(fd));
  if (life_is_change_cut()) life_crash();
  life_note("sync", name_of(fd), error, 0);
  if (error < 0)
    world_sync_failed(world(), file->node);
  else
    world_sync(world(), file->node);
  return error;
}

int system_cut(int fd, uint64_t size) {
  fiber_point();
  int error = life_fault(CALL_WRITE, name_of(fd));
  if (error < 0) return error;
  if (life_is_change_cut()) life_crash();
  life_note("truncate", name_of(fd), (int64_t)size, 0);
  world_cut(world(), system_file(fd)->node, size);
  return 0;
}

/* LMDB maps far more than the file has; what lies behind is never touched. */
const void *system_map(int fd, size_t size, bool is_writable) {
  fiber_point();
  if (life_fault(CALL_MEMORY, name_of(fd)) < 0) return NULL;
  off_t at = (off_t)system_file(fd)->node * WORLD_NODE_BYTES;
  int access = PROT_READ | (is_writable ? PROT_WRITE : 0);
  void *memory = mmap64(NULL, size, access, MAP_SHARED | MAP_NORESERVE, world()->fd, at);
  life_note("map", name_of(fd), (int64_t)size, memory != MAP_FAILED);
  return memory == MAP_FAILED ? NULL : memory;
}

int system_pid(void) {
  return (int)(10000 + world()->life);
}

/* -- time, waiting and signals */

static int64_t sim_realtime_us(const struct flow_sys *sys) {
  (void)sys;
  fiber_point();
  return world()->clock_us + world()->realtime_us;
}

static int64_t sim_monotonic_us(const struct flow_sys *sys) {
  (void)sys;
  fiber_point();
  return world()->clock_us;
}

int64_t system_next_event(void) {
  return state.blocked_until_us > world()->clock_us ? state.blocked_until_us : INT64_MAX;
}

struct waiting {
  struct flow_wait *items;
  size_t count;
};

static unsigned ready_for(const struct flow_wait *item) {
  if (item->fd < 0) return 0;
  if (item->fd == STDOUT) {
    return world()->clock_us >= state.blocked_until_us ? item->want & FLOW_WAIT_WRITE : 0;
  }
  const struct system_file *file = system_file(item->fd);
  switch (file->kind) {
  case SYSTEM_SIGNAL: return life_has_signal() ? item->want & FLOW_WAIT_READ : 0;
  case SYSTEM_WAKE: return file->is_woken ? item->want & FLOW_WAIT_READ : 0;
  default: return item->want;
  }
}

static bool is_one_ready(void *context) {
  const struct waiting *waiting = context;
  for (size_t i = 0; i < waiting->count; i++) {
    if (ready_for(&waiting->items[i]) != 0) return true;
  }
  return false;
}

static int sim_wait(const struct flow_sys *sys, struct flow_wait *items, size_t count,
                    int64_t timeout_us) {
  (void)sys;
  struct waiting waiting = {items, count};
  fiber_wait(is_one_ready, &waiting, timeout_us);
  int ready = 0;
  for (size_t i = 0; i < count; i++) {
    items[i].got = ready_for(&items[i]);
    ready += items[i].got != 0;
  }
  life_note("wait", "", ready, timeout_us);
  return ready;
}

static int sim_signals_open(const struct flow_sys *sys) {
  (void)sys;
  fiber_point();
  return add_file(SYSTEM_SIGNAL, -1);
}

static int sim_signals_take(const struct flow_sys *sys, int fd) {
  (void)sys;
  (void)fd;
  fiber_point();
  life_of_process()->looks++;
  if (!life_has_signal()) return 0;
  life_of_process()->was_signalled = true;
  life_note("signal", "", SIGTERM, 0);
  return SIGTERM;
}

static int sim_signals_release(const struct flow_sys *sys, int fd) {
  (void)sys;
  return system_close(fd);
}

static int sim_wake_open(const struct flow_sys *sys) {
  (void)sys;
  fiber_point();
  int error = life_fault(CALL_OPEN, "wake");
  return error < 0 ? error : add_file(SYSTEM_WAKE, -1);
}

static void sim_wake_send(const struct flow_sys *sys, int fd) {
  (void)sys;
  fiber_point();
  system_file(fd)->is_woken = true;
}

static void sim_wake_take(const struct flow_sys *sys, int fd) {
  (void)sys;
  fiber_point();
  system_file(fd)->is_woken = false;
}

/* -- threads */

static int sim_cpu_count(const struct flow_sys *sys) {
  (void)sys;
  return 2;
}

static int sim_thread_start(const struct flow_sys *sys, struct flow_thread **thread,
                            void (*run)(void *), void *argument) {
  (void)sys;
  fiber_point();
  int error = life_fault(CALL_MEMORY, "thread");
  if (error < 0) return -EAGAIN;
  *thread = (struct flow_thread *)fiber_start(run, argument);
  life_note("start", "", *thread != NULL, 0);
  return *thread == NULL ? -EAGAIN : 0;
}

static void sim_thread_join(const struct flow_sys *sys, struct flow_thread *thread) {
  (void)sys;
  fiber_join((struct fiber *)thread);
}

static struct flow_monitor *sim_monitor_new(const struct flow_sys *sys) {
  (void)sys;
  fiber_point();
  if (life_fault(CALL_MEMORY, "monitor") < 0) return NULL;
  return calloc(1, sizeof(struct fiber_monitor));
}

static struct fiber_monitor *monitor_of(struct flow_monitor *monitor) {
  return (struct fiber_monitor *)monitor;
}

static void sim_monitor_free(const struct flow_sys *sys, struct flow_monitor *monitor) {
  (void)sys;
  free(monitor);
}

static void sim_monitor_lock(const struct flow_sys *sys, struct flow_monitor *monitor) {
  (void)sys;
  fiber_lock(monitor_of(monitor));
  life_note("lock", "", 0, 0);
}

static void sim_monitor_unlock(const struct flow_sys *sys, struct flow_monitor *monitor) {
  (void)sys;
  fiber_unlock(monitor_of(monitor));
}

static bool sim_monitor_wait(const struct flow_sys *sys, struct flow_monitor *monitor,
                             int64_t timeout_us) {
  (void)sys;
  life_note("wait for wake", "", timeout_us, 0);
  bool was_woken = fiber_wait_monitor(monitor_of(monitor), timeout_us);
  life_note("woken", "", was_woken, 0);
  return was_woken;
}

static void sim_monitor_wake_all(const struct flow_sys *sys, struct flow_monitor *monitor) {
  (void)sys;
  fiber_wake_all(monitor_of(monitor));
}

/* -- files */

static int sim_open(const struct flow_sys *sys, const char *path, unsigned flags, unsigned mode) {
  (void)sys;
  (void)mode;
  int fd = system_open(path, flags & FLOW_OPEN_CREATE, flags & FLOW_OPEN_EXCLUSIVE);
  if (fd < 0) return fd;
  struct system_file *file = system_file(fd);
  file->appends = flags & FLOW_OPEN_APPEND;
  bool is_directory = world()->nodes[file->node].is_directory;
  if (is_directory != ((flags & FLOW_OPEN_DIRECTORY) != 0)) {
    system_close(fd);
    return is_directory ? -EISDIR : -ENOTDIR;
  }
  if (flags & FLOW_OPEN_TRUNCATE) world_cut(world(), file->node, 0);
  return fd;
}

static int sim_close(const struct flow_sys *sys, int fd) {
  (void)sys;
  return system_close(fd);
}

/* The bytes that the system takes of a read or write. */
static size_t shorten(size_t size) {
  if (plan()->short_one_in == 0 || size < 2 || !world_chance(world(), plan()->short_one_in)) {
    return size;
  }
  return 1 + world_dice(world(), size - 1);
}

static int64_t sim_pread(const struct flow_sys *sys, int fd, void *data, size_t size,
                         uint64_t offset) {
  (void)sys;
  return system_read(fd, data, shorten(size), offset);
}

static int64_t sim_read(const struct flow_sys *sys, int fd, void *data, size_t size) {
  struct system_file *file = system_file(fd);
  int64_t n = sim_pread(sys, fd, data, size, file->at);
  if (n > 0) file->at += (uint64_t)n;
  return n;
}

static int64_t sim_pwrite(const struct flow_sys *sys, int fd, const void *data, size_t size,
                          uint64_t offset) {
  (void)sys;
  return system_write(fd, data, shorten(size), offset);
}

/* A pipe, whose reader is sometimes slow. */
static int64_t write_stdout(const void *data, size_t size) {
  struct life *life = life_of_process();
  fiber_point();
  int error = life_fault(CALL_WRITE, "stdout");
  if (error < 0) return -EIO;
  if (world()->clock_us < state.blocked_until_us) life_fail("a write waits for a pipe");
  size = shorten(size < PIPE_BYTES ? size : PIPE_BYTES);
  if (life->out_length + size > LIFE_OUT_BYTES) life_fail("too much output");
  if (life_is_change_cut()) life_crash();
  memcpy(life->out + life->out_length, data, size);
  life->out_length += (uint32_t)size;
  life_note("write", "stdout", (int64_t)life->out_length, (int64_t)size);
  if (plan()->blocks_one_in > 0 && world_chance(world(), plan()->blocks_one_in)) {
    state.blocked_until_us = world()->clock_us + (int64_t)world_dice(world(), 3000000);
  }
  return (int64_t)size;
}

static int64_t write_stderr(const void *data, size_t size) {
  struct world *w = world();
  size_t room = WORLD_STDERR_BYTES - w->stderr_length, n = size < room ? size : room;
  memcpy(w->stderr_text + w->stderr_length, data, n);
  w->stderr_length += (uint32_t)n;
  return (int64_t)size;
}

static int64_t sim_write(const struct flow_sys *sys, int fd, const void *data, size_t size) {
  if (fd == STDERR) return write_stderr(data, size);
  if (fd == STDOUT) return write_stdout(data, size);
  struct system_file *file = system_file(fd);
  if (file->appends) file->at = world()->nodes[file->node].size;
  int64_t n = sim_pwrite(sys, fd, data, size, file->at);
  if (n > 0) file->at += (uint64_t)n;
  return n;
}

static int sim_fdatasync(const struct flow_sys *sys, int fd) {
  (void)sys;
  return system_sync(fd);
}

static int sim_ftruncate(const struct flow_sys *sys, int fd, uint64_t size) {
  (void)sys;
  return system_cut(fd, size);
}

static void describe(int node, struct flow_file_info *info) {
  const struct node *n = &world()->nodes[node];
  *info =
      (struct flow_file_info){.device = 1,
                              .inode = (uint64_t)node + 1,
                              .size = n->is_directory ? 0 : n->size,
                              .mtime_us = n->mtime_us,
                              .kind = n->is_directory ? FLOW_FILE_DIRECTORY : FLOW_FILE_REGULAR};
}

static int sim_fstat(const struct flow_sys *sys, int fd, struct flow_file_info *info) {
  (void)sys;
  fiber_point();
  int error = life_fault(CALL_LOOK, name_of(fd));
  if (error < 0) return error;
  if (fd <= STDERR)
    *info = (struct flow_file_info){.kind = FLOW_FILE_PIPE};
  else
    describe(system_file(fd)->node, info);
  return 0;
}

static int sim_stat(const struct flow_sys *sys, const char *path, struct flow_file_info *info) {
  (void)sys;
  fiber_point();
  int error = life_fault(CALL_LOOK, path), node = world_find(world(), path);
  if (strcmp(path, ".") == 0) {
    *info = (struct flow_file_info){.device = 1, .kind = FLOW_FILE_DIRECTORY};
    return error;
  }
  if (error < 0 || node < 0) return error < 0 ? error : node;
  describe(node, info);
  return 0;
}

static int sim_fstatfs(const struct flow_sys *sys, int fd, struct flow_fs_info *info) {
  (void)sys;
  fiber_point();
  int error = life_fault(CALL_LOOK, name_of(fd));
  *info = (struct flow_fs_info){.name = "sim", .free_bytes = world()->is_disk_full ? 0 : 1u << 30};
  return error;
}

static int sim_flock_try(const struct flow_sys *sys, int fd) {
  (void)sys;
  fiber_point();
  struct system_file *file = system_file(fd);
  for (int i = 0; i < FILES; i++) {
    const struct system_file *other = &state.files[i];
    bool is_open = other->kind == SYSTEM_FILE && other != file;
    if (is_open && other->node == file->node && other->is_locked) return -EWOULDBLOCK;
  }
  file->is_locked = true;
  return 0;
}

static int sim_set_cloexec(const struct flow_sys *sys, int fd) {
  (void)sys;
  system_file(fd);
  return 0;
}

static const void *sim_map(const struct flow_sys *sys, int fd, size_t size) {
  (void)sys;
  return system_map(fd, size, false);
}

static void sim_unmap(const struct flow_sys *sys, const void *memory, size_t size) {
  (void)sys;
  munmap((void *)(uintptr_t)memory, size);
}

/* -- names */

/* Before a change of names: a negative errno, or 0. */
static int begin_change(const char *path) {
  fiber_point();
  int error = life_fault(CALL_NAME, path);
  if (error == 0 && life_is_change_cut()) life_crash();
  return error;
}

static int sim_rename(const struct flow_sys *sys, const char *from, const char *to) {
  (void)sys;
  int error = begin_change(from);
  if (error == 0) error = world_rename(world(), from, to);
  life_note("rename", to, error, 0);
  return error;
}

static int sim_unlink(const struct flow_sys *sys, const char *path) {
  (void)sys;
  int error = begin_change(path);
  if (error == 0) error = world_remove(world(), path, false);
  life_note("unlink", path, error, 0);
  return error;
}

static int sim_mkdir(const struct flow_sys *sys, const char *path, unsigned mode) {
  (void)sys;
  (void)mode;
  int error = begin_change(path);
  if (error == 0 && world()->is_disk_full) error = -ENOSPC;
  if (error == 0) error = world_make(world(), path, true);
  life_note("mkdir", path, error, 0);
  return error < 0 ? error : 0;
}

static int sim_rmdir(const struct flow_sys *sys, const char *path) {
  (void)sys;
  int error = begin_change(path);
  if (error == 0) error = world_remove(world(), path, true);
  life_note("rmdir", path, error, 0);
  return error;
}

static int sim_list(const struct flow_sys *sys, const char *path, flow_list_name name,
                    void *context) {
  (void)sys;
  fiber_point();
  int error = life_fault(CALL_LOOK, path), node = world_find(world(), path);
  if (error < 0 || node < 0) return error < 0 ? error : node;
  const char *names[WORLD_NAMES];
  uint32_t count = world_list(world(), path, names);
  bool goes_on = true;
  for (uint32_t i = 0; i < count && goes_on; i++) goes_on = name(context, names[i]);
  return 0;
}

static int sim_sync_parent(const struct flow_sys *sys, const char *path) {
  (void)sys;
  fiber_point();
  int error = life_fault(CALL_SYNC, path);
  life_note("sync names", path, error, 0);
  if (error == 0) world_sync_names(world(), path);
  return error;
}

/* -- memory and the process */

static void *sim_alloc(const struct flow_sys *sys, size_t size) {
  (void)sys;
  fiber_point();
  return life_fault(CALL_MEMORY, "memory") < 0 ? NULL : malloc(size);
}

static void *sim_realloc(const struct flow_sys *sys, void *memory, size_t size) {
  (void)sys;
  fiber_point();
  return life_fault(CALL_MEMORY, "memory") < 0 ? NULL : realloc(memory, size);
}

static void sim_free(const struct flow_sys *sys, void *memory) {
  (void)sys;
  free(memory);
}

static int sim_getpid(const struct flow_sys *sys) {
  (void)sys;
  return system_pid();
}

static int sim_random(const struct flow_sys *sys, void *data, size_t size) {
  (void)sys;
  uint8_t *bytes = data;
  for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)world_dice(world(), 256);
  return 0;
}

const struct flow_sys *system_table(void) {
  static const struct flow_sys table = {
      .realtime_us = sim_realtime_us,
      .monotonic_us = sim_monotonic_us,
      .wait = sim_wait,
      .signals_open = sim_signals_open,
      .signals_take = sim_signals_take,
      .signals_release = sim_signals_release,
      .wake_open = sim_wake_open,
      .wake_send = sim_wake_send,
      .wake_take = sim_wake_take,
      .cpu_count = sim_cpu_count,
      .thread_start = sim_thread_start,
      .thread_join = sim_thread_join,
      .monitor_new = sim_monitor_new,
      .monitor_free = sim_monitor_free,
      .monitor_lock = sim_monitor_lock,
      .monitor_unlock = sim_monitor_unlock,
      .monitor_wait = sim_monitor_wait,
      .monitor_wake_all = sim_monitor_wake_all,
      .open = sim_open,
      .close = sim_close,
      .read = sim_read,
      .pread = sim_pread,
      .write = sim_write,
      .pwrite = sim_pwrite,
      .fdatasync = sim_fdatasync,
      .ftruncate = sim_ftruncate,
      .fstat = sim_fstat,
      .stat = sim_stat,
      .fstatfs = sim_fstatfs,
      .flock_try = sim_flock_try,
      .set_cloexec = sim_set_cloexec,
      .map = sim_map,
      .unmap = sim_unmap,
      .rename = sim_rename,
      .unlink = sim_unlink,
      .mkdir = sim_mkdir,
      .rmdir = sim_rmdir,
      .list = sim_list,
      .sync_parent = sim_sync_parent,
      .alloc = sim_alloc,
      .realloc = sim_realloc,
      .free = sim_free,
      .getpid = sim_getpid,
      .random = sim_random,
  };
  return &table;
}
