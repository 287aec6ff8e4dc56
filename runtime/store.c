/* Opening and closing the store, its lock, its transactions, its messages. */
#include "store_impl.h"

#include <errno.h>
#include <lmdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LMDB_LOCK_FILE "lock.mdb"
#define LOCK_FILE "flow.lock"
/* A store is made here and then moved to its place, so that a data.mdb is always a whole store. */
#define NEW_DIR "new"
#define COMPACT_FILE "data.mdb.compact"

/* The map is address space, not memory: as large as the machine allows, so that it is full never or
 * late. Each halving is one more attempt, down to what holds a small state. */
#define MAP_FIRST ((uint64_t)1 << 38)
#define MAP_LAST ((uint64_t)1 << 20)
#define MAP_MAX ((uint64_t)1 << 46)

/* Less than this on a disk on which a write was cut short is a full disk. */
#define DISK_FULL ((uint64_t)1 << 20)

/* -- messages */

enum flow_status store_corrupt(struct flow_store *store, struct flow_report *report,
                               const char *format, ...) {
  char why[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why, sizeof why, format, arguments);
  va_end(arguments);
  flow_report_fail(report, FLOW_E_CORRUPT, "the saved state in %s is damaged: %s", store->dir, why);
  flow_report_help(report,
                   "no epoch of it can be reached any more: restore the directory from a backup, or "
                   "move it away to start afresh from the beginning of the input");
  return FLOW_E_CORRUPT;
}

/* A write that a full disk cuts short is EIO to LMDB, which does not ask for the reason. */
static bool is_disk_full(struct flow_store *store) {
  const struct flow_sys *sys = store->sys;
  struct flow_fs_info info;
  int fd = sys->open(sys, store->dir, FLOW_OPEN_READ | FLOW_OPEN_DIRECTORY, 0);
  if (fd < 0) return false;
  bool is_full = sys->fstatfs(sys, fd, &info) == 0 && info.free_bytes < DISK_FULL;
  sys->close(sys, fd);
  return is_full;
}

enum flow_status store_fail(struct flow_store *store, struct flow_report *report, int code,
                            const char *what) {
  if (code == STORE_STOP) return report->status;
  if (code == EIO && is_disk_full(store)) code = ENOSPC;
  if (code > 0) return flow_report_errno(report, FLOW_E_IO, -code, "%s in %s", what, store->dir);
  switch (code) {
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_PANIC:
    case MDB_NOTFOUND:
      return store_corrupt(store, report, "%s: %s", what, mdb_strerror(code));
    case MDB_TXN_FULL:
      return flow_report_fail(report, FLOW_E_FAULT, "cannot %s in %s: too much changed at once",
                              what, store->dir);
    case MDB_MAP_FULL:
      return flow_report_fail(report, FLOW_E_MEMORY,
                              "cannot %s in %s: no address space for more than %llu bytes", what,
                              store->dir, (unsigned long long)store->map_size);
    default:
      return flow_report_fail(report, FLOW_E_BUG, "cannot %s in %s: %s", what, store->dir,
                              mdb_strerror(code));
  }
}

enum flow_status store_usable(struct flow_store *store, struct flow_report *report) {
  if (store->has_failed)
    return flow_report_fail(report, FLOW_E_BUG,
                            "the state in %s is used after a failure; run again to go on from the "
                            "last commit", store->dir);
  if (store->sys->getpid(store->sys) != store->pid)
    return flow_report_fail(report, FLOW_E_BUG, "the state in %s is used by a child process",
                            store->dir);
  return FLOW_OK;
}

/* -- transactions */

int store_read_begin(struct flow_store *store, MDB_txn **txn) {
  return mdb_txn_begin(store->env, NULL, MDB_RDONLY, txn);
}

void store_read_end(MDB_txn *txn) {
  mdb_txn_commit(txn); /* an abort would close the trees that were opened in it */
}

int store_base_open(MDB_txn *txn, uint16_t id, bool create, unsigned *dbi) {
  char name[16];
  snprintf(name, sizeof name, "base.%u", (unsigned)id);
  return mdb_dbi_open(txn, name, MDB_INTEGERKEY | (create ? MDB_CREATE : 0), dbi);
}

/* Doubles the map. No transaction of this process may be alive: its pages would move. */
static int grow_map(struct flow_store *store) {
  if (store->map_size >= MAP_MAX) return MDB_MAP_FULL;
  int code = mdb_env_set_mapsize(store->env, (size_t)store->map_size * 2);
  if (code == 0) store->map_size *= 2;
  return code == ENOMEM ? MDB_MAP_FULL : code;
}

enum flow_status store_write(struct flow_store *store, store_work work, void *context,
                             const char *what, struct flow_report *report) {
  int code;
  do {
    MDB_txn *txn;
    code = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (code == 0) {
      code = work(store, txn, context, report);
      if (code == 0) code = mdb_txn_commit(txn);
      else mdb_txn_abort(txn);
    }
    if (code != MDB_MAP_FULL) break;
    code = grow_map(store);
  } while (code == 0);
  if (code == 0) return FLOW_OK;
  store->has_failed = true;
  return store_fail(store, report, code, what);
}

/* -- the lock */

bool store_path(const struct flow_store *store, const char *name, char path[STORE_PATH + 32]) {
  int length = snprintf(path, STORE_PATH + 32, "%s/%s", store->dir, name);
  return length > 0 && length < STORE_PATH + 32;
}

static enum flow_status report_locked(struct flow_store *store, struct flow_report *report) {
  char text[24] = {0};
  const struct flow_sys *sys = store->sys;
  int64_t length = flow_sys_pread_all(sys, store->lock_fd, text, sizeof text - 1, 0);
  long pid = length > 0 ? strtol(text, NULL, 10) : 0;
  if (pid <= 0) {
    flow_report_fail(report, FLOW_E_LOCKED, "the state in %s is in use by another process",
                     store->dir);
    flow_report_help(report, "wait until it ends, or give this run another --state-dir");
    return FLOW_E_LOCKED;
  }
  flow_report_fail(report, FLOW_E_LOCKED, "the state in %s is in use by process %ld", store->dir,
                   pid);
  flow_report_help(report, "wait until it ends or stop it (kill %ld), or give this run another "
                   "--state-dir", pid);
  return FLOW_E_LOCKED;
}

/* -EWOULDBLOCK: the lock file was removed between our opening it and locking it, so that another
 * process may lock another file of its name. */
static int check_name(const struct flow_store *store, const char *path) {
  const struct flow_sys *sys = store->sys;
  struct flow_file_info opened, named;
  int error = sys->fstat(sys, store->lock_fd, &opened);
  if (error == 0) error = sys->stat(sys, path, &named);
  if (error < 0) return error == -ENOENT ? -EWOULDBLOCK : error;
  bool is_same = opened.device == named.device && opened.inode == named.inode;
  return is_same ? 0 : -EWOULDBLOCK;
}

static enum flow_status take_lock(struct flow_store *store, struct flow_report *report) {
  const struct flow_sys *sys = store->sys;
  char path[STORE_PATH + 32], text[24];
  store_path(store, LOCK_FILE, path);
  store->lock_fd = sys->open(sys, path, FLOW_OPEN_READ | FLOW_OPEN_WRITE | FLOW_OPEN_CREATE, 0600);
  if (store->lock_fd < 0)
    return flow_report_errno(report, FLOW_E_IO, store->lock_fd, "open %s", path);
  int error = sys->flock_try(sys, store->lock_fd);
  if (error == 0) error = check_name(store, path);
  if (error == -EWOULDBLOCK) return report_locked(store, report);
  store->is_locked = error == 0;
  if (error == 0) error = sys->ftruncate(sys, store->lock_fd, 0);
  snprintf(text, sizeof text, "%d\n", store->pid);
  if (error == 0) error = flow_sys_pwrite_all(sys, store->lock_fd, text, strlen(text), 0);
  return error == 0 ? FLOW_OK : flow_report_errno(report, FLOW_E_IO, error, "lock %s", path);
}

/* -- the directory */

/* Opens the directory, or makes it; refuses what a store cannot live in. */
static enum flow_status enter_dir(struct flow_store *store, bool create,
                                  struct flow_report *report) {
  const struct flow_sys *sys = store->sys;
  unsigned flags = FLOW_OPEN_READ | FLOW_OPEN_DIRECTORY;
  int fd = sys->open(sys, store->dir, flags, 0);
  if (fd == -ENOENT && !create) {
    flow_report_fail(report, FLOW_E_MISMATCH, "there is no saved state: no directory %s",
                     store->dir);
    return FLOW_E_MISMATCH;
  }
  if (fd == -ENOENT) {
    int error = sys->mkdir(sys, store->dir, 0700);
    store->made_dir = error == 0;
    if (error == 0) error = sys->sync_parent(sys, store->dir);
    if (error < 0) {
      flow_report_errno(report, FLOW_E_CREATE, error, "make the state directory %s", store->dir);
      if (error == -ENOENT) flow_report_help(report, "make the directories above it first");
      return report->status;
    }
    fd = sys->open(sys, store->dir, flags, 0);
  }
  if (fd == -ENOTDIR) {
    flow_report_fail(report, FLOW_E_CREATE, "the state directory %s is not a directory",
                     store->dir);
    flow_report_help(report, "give another --state-dir, or move that file away");
    return FLOW_E_CREATE;
  }
  if (fd < 0)
    return flow_report_errno(report, FLOW_E_IO, fd, "open the state directory %s", store->dir);
  struct flow_fs_info info;
  int error = sys->fstatfs(sys, fd, &info);
  sys->close(sys, fd);
  if (error < 0)
    return flow_report_errno(report, FLOW_E_IO, error, "examine the state directory %s",
                             store->dir);
  if (!info.is_network) return FLOW_OK;
  flow_report_fail(report, FLOW_E_MISMATCH,
                   "the state directory %s is on a network file system (%s), where locks and "
                   "memory maps cannot be trusted", store->dir, info.name);
  flow_report_help(report, "give a --state-dir on a local disk");
  return FLOW_E_MISMATCH;
}

/* Removes what a crash can leave behind: half a new store, half a compact copy. */
static void remove_leftovers(struct flow_store *store) {
  static const char *const files[] = {NEW_DIR "/" STORE_DATA_FILE, NEW_DIR "/" LMDB_LOCK_FILE,
                                      COMPACT_FILE};
  const struct flow_sys *sys = store->sys;
  char path[STORE_PATH + 32];
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    store_path(store, files[i], path);
    sys->unlink(sys, path);
  }
  store_path(store, NEW_DIR, path);
  sys->rmdir(sys, path);
}

/* -- LMDB's environment */

static int try_env(struct flow_store *store, const char *dir, uint64_t map_size) {
  int code = mdb_env_create(&store->env);
  if (code != 0) {
    store->env = NULL;
    return code;
  }
  code = mdb_env_set_maxdbs(store->env, FLOW_STORE_IDS + 4);
  if (code == 0) code = mdb_env_set_mapsize(store->env, (size_t)map_size);
  /* NOTLS: a reader belongs to its transaction and not to a thread. */
  if (code == 0) code = mdb_env_open(store->env, dir, MDB_NOTLS, 0600);
  if (code == 0) return 0;
  mdb_env_close(store->env);
  store->env = NULL;
  return code;
}

static int open_env(struct flow_store *store, const char *dir, uint64_t map_size) {
  int code;
  for (;; map_size /= 2) {
    code = try_env(store, dir, map_size);
    if (code != ENOMEM || map_size <= MAP_LAST) break;
  }
  if (code != 0) return code;
  MDB_envinfo info;
  mdb_env_info(store->env, &info);
  store->map_size = info.me_mapsize;
  mdb_filehandle_t fd;
  code = mdb_env_get_fd(store->env, &fd);
  if (code == 0) code = -store->sys->set_cloexec(store->sys, fd); /* LMDB does not */
  return code;
}

static void close_env(struct flow_store *store) {
  if (store->env != NULL) mdb_env_close(store->env);
  store->env = NULL;
}

int store_open_trees(struct flow_store *store, MDB_txn *txn, unsigned flags) {
  int code = mdb_dbi_open(txn, "meta", flags, &store->meta_db);
  if (code == 0) code = mdb_dbi_open(txn, "schema", flags, &store->schema_db);
  if (code == 0) code = mdb_dbi_open(txn, "epochs", flags, &store->epochs_db);
  if (code == 0) code = mdb_dbi_open(txn, "delta", flags, &store->delta_db);
  return code;
}

enum flow_status store_foreign(const char *path, struct flow_report *report) {
  flow_report_fail(report, FLOW_E_MISMATCH, "%s is an LMDB database, but not one of a flow", path);
  flow_report_help(report, "give another --state-dir");
  return FLOW_E_MISMATCH;
}

static int write_first(struct flow_store *store, MDB_txn *txn, void *context,
                       struct flow_report *report) {
  (void)report;
  int code = store_open_trees(store, txn, MDB_CREATE);
  return code == 0 ? store_put_meta(store, txn, context) : code;
}

/* -- making a store */

enum flow_status store_new_begin(struct flow_store *store, struct flow_report *report) {
  const struct flow_sys *sys = store->sys;
  char dir[STORE_PATH + 32];
  store_path(store, NEW_DIR, dir);
  int error = sys->mkdir(sys, dir, 0700);
  if (error < 0) return flow_report_errno(report, FLOW_E_CREATE, error, "make %s", dir);
  int code = open_env(store, dir, MAP_LAST);
  return code == 0 ? FLOW_OK : store_fail(store, report, code, "make a new store");
}

enum flow_status store_new_end(struct flow_store *store, enum flow_status status,
                               struct flow_report *report) {
  const struct flow_sys *sys = store->sys;
  char from[STORE_PATH + 32], to[STORE_PATH + 32];
  store_path(store, NEW_DIR "/" STORE_DATA_FILE, from);
  store_path(store, STORE_DATA_FILE, to);
  close_env(store);
  if (status == FLOW_OK) {
    int error = sys->rename(sys, from, to);
    if (error == 0) error = sys->sync_parent(sys, to);
    if (error < 0) status = flow_report_errno(report, FLOW_E_CREATE, error, "make %s", to);
  }
  remove_leftovers(store);
  return status;
}

static enum flow_status make_store(struct flow_store *store,
                                   const struct flow_store_options *options,
                                   struct flow_report *report) {
  const struct flow_sys *sys = store->sys;
  struct store_meta meta = {.format = STORE_FORMAT, .head = -1, .base = -1, .fold_to = -1,
                            .next_id = 1, .stripe = STORE_STRIPE,
                            .created_us = sys->realtime_us(sys)};
  snprintf(meta.flow_name, sizeof meta.flow_name, "%s", options->flow_name);
  snprintf(meta.compiler, sizeof meta.compiler, "%s", options->compiler_version);
  int error = sys->random(sys, meta.store_id, sizeof meta.store_id);
  if (error < 0)
    return flow_report_errno(report, FLOW_E_CREATE, error, "name a new store in %s", store->dir);
  enum flow_status status = store_new_begin(store, report);
  if (status == FLOW_OK)
    status = store_write(store, write_first, &meta, "make a new store", report);
  return store_new_end(store, status, report);
}

/* -- opening a store */

static enum flow_status check_pages(struct flow_store *store, const char *path,
                                    struct store_pages *pages, struct flow_report *report) {
  const struct flow_sys *sys = store->sys;
  char why[200] = "";
  int fd = sys->open(sys, path, FLOW_OPEN_READ | FLOW_OPEN_WRITE, 0), error;
  if (fd < 0) return flow_report_errno(report, FLOW_E_IO, fd, "open %s", path);
  bool ok = store_check_pages(sys, fd, 0, pages, why, sizeof why, &error);
  sys->close(sys, fd);
  if (error < 0) return flow_report_errno(report, FLOW_E_IO, error, "read %s", path);
  return ok ? FLOW_OK : store_corrupt(store, report, "%s: %s", STORE_DATA_FILE, why);
}

/* Puts the copy in the file's place. The copy has its own commit numbers, so LMDB's lock file starts
 * anew with it; a process that still reads the old file keeps that one and its lock file. A view that
 * is just opening the two holds a lock on the file (store_view.c), so that it never gets one of the old
 * and one of the new: then the copy is given up. */
static bool replace_data(struct flow_store *store, const char *copy, const char *data_path) {
  const struct flow_sys *sys = store->sys;
  char lock[STORE_PATH + 32];
  store_path(store, LMDB_LOCK_FILE, lock);
  int fd = sys->open(sys, data_path, FLOW_OPEN_READ, 0);
  if (fd < 0) return false;
  bool ok = sys->flock_try(sys, fd) == 0;
  if (ok) {
    close_env(store);
    sys->unlink(sys, lock);
    ok = sys->rename(sys, copy, data_path) == 0;
  }
  sys->close(sys, fd);
  return ok;
}

/* Writes a copy without free pages and puts it in the file's place. A failure leaves the store as it
 * is. */
static void make_compact(struct flow_store *store, const char *data_path) {
  const struct flow_sys *sys = store->sys;
  char copy[STORE_PATH + 32];
  store_path(store, COMPACT_FILE, copy);
  int fd = sys->open(sys, copy, FLOW_OPEN_WRITE | FLOW_OPEN_CREATE | FLOW_OPEN_EXCLUSIVE, 0600);
  if (fd < 0) return;
  bool ok = mdb_env_copyfd2(store->env, fd, MDB_CP_COMPACT) == 0 && sys->fdatasync(sys, fd) == 0;
  sys->close(sys, fd);
  if (ok && replace_data(store, copy, data_path)) sys->sync_parent(sys, data_path);
  else sys->unlink(sys, copy);
}

static enum flow_status open_data(struct flow_store *store,
                                  const struct flow_store_options *options,
                                  struct flow_report *report) {
  char path[STORE_PATH + 32];
  struct store_pages pages;
  store_path(store, STORE_DATA_FILE, path);
  enum flow_status status = check_pages(store, path, &pages, report);
  if (status != FLOW_OK) return status;
  uint64_t map_size = options->map_size != 0 ? options->map_size : MAP_FIRST;
  int code = open_env(store, store->dir, map_size);
  if (code == 0 && pages.free > pages.all / 2 && pages.all * pages.size >= STORE_COMPACT_FLOOR) {
    make_compact(store, path);
    if (store->env == NULL) code = open_env(store, store->dir, map_size);
  }
  if (code != 0) return store_fail(store, report, code, "open the saved state");
  MDB_txn *txn;
  code = store_read_begin(store, &txn);
  if (code == 0) {
    code = store_open_trees(store, txn, 0);
    store_read_end(txn);
  }
  if (code == MDB_NOTFOUND) return store_foreign(path, report);
  if (code != 0) return store_fail(store, report, code, "open the saved state");
  return store_read(store, true, report);
}

/* LMDB makes its own lock file when a store is opened, after the data file has got its name, so that one
 * without the other means that a store was here. */
enum flow_status store_check_absence(struct flow_store *store, struct flow_report *report) {
  char path[STORE_PATH + 32];
  struct flow_file_info info;
  store_path(store, LMDB_LOCK_FILE, path);
  int error = store->sys->stat(store->sys, path, &info);
  if (error == -ENOENT) return FLOW_OK;
  if (error < 0) return flow_report_errno(report, FLOW_E_IO, error, "look for %s", path);
  flow_report_fail(report, FLOW_E_CORRUPT,
                   "the saved state in %s is gone: there is no %s, but %s tells that there was one",
                   store->dir, STORE_DATA_FILE, LMDB_LOCK_FILE);
  flow_report_help(report,
                   "put %s back, or restore the directory from a backup; to start afresh from the "
                   "beginning of the input, remove %s as well", STORE_DATA_FILE, path);
  return FLOW_E_CORRUPT;
}

/* A killed run may have made a name that is not on the disk yet. No commit may rely on it, and neither may
 * the name of LMDB's lock file. */
static enum flow_status sync_name(struct flow_store *store, const char *path,
                                  struct flow_report *report) {
  int error = store->sys->sync_parent(store->sys, path);
  if (error == 0) return FLOW_OK;
  return flow_report_errno(report, FLOW_E_IO, error, "sync %s", path);
}

enum flow_status store_check_owner(const struct flow_store *store, const char *flow_name,
                                   const char *flow_was, struct flow_report *report) {
  if (flow_name == NULL || strcmp(store->meta.flow_name, flow_name) == 0) return FLOW_OK;
  if (flow_was != NULL && strcmp(store->meta.flow_name, flow_was) == 0) return FLOW_OK;
  flow_report_fail(report, FLOW_E_MISMATCH,
                   "the state in %s belongs to the flow `%s`, and this is `%s`", store->dir,
                   store->meta.flow_name, flow_name);
  flow_report_help(report, "give this flow another --state-dir; if it is the same flow under a new "
                   "name, write `flow %s was \"%s\"` at the top of the program", flow_name,
                   store->meta.flow_name);
  return FLOW_E_MISMATCH;
}

enum flow_status store_enter(struct flow_store *store, bool create, struct flow_report *report) {
  enum flow_status status = enter_dir(store, create, report);
  if (status == FLOW_OK) status = take_lock(store, report);
  if (status == FLOW_OK) remove_leftovers(store);
  return status;
}

static enum flow_status open_store(struct flow_store *store,
                                   const struct flow_store_options *options,
                                   struct flow_report *report) {
  const struct flow_sys *sys = store->sys;
  enum flow_status status = store_enter(store, options->create, report);
  if (status != FLOW_OK) return status;
  char path[STORE_PATH + 32];
  struct flow_file_info info;
  store_path(store, STORE_DATA_FILE, path);
  int error = sys->stat(sys, path, &info);
  if (error == -ENOENT && !options->create)
    return flow_report_fail(report, FLOW_E_MISMATCH, "there is no saved state in %s", store->dir);
  if (error == -ENOENT) status = store_check_absence(store, report);
  if (error == -ENOENT && status == FLOW_OK) {
    store->made_store = true;
    status = make_store(store, options, report);
  }
  if (error == 0) status = sync_name(store, path, report);
  if (error < 0 && error != -ENOENT)
    status = flow_report_errno(report, FLOW_E_IO, error, "open %s", path);
  if (status == FLOW_OK) status = open_data(store, options, report);
  if (status == FLOW_OK) status = store_check_owner(store, options->flow_name, options->flow_was, report);
  if (status == FLOW_OK && store->meta.head < 0) status = sync_name(store, store->dir, report);
  return status;
}

bool flow_store_is_there(const struct flow_sys *sys, const char *dir) {
  char path[STORE_PATH + 32];
  struct flow_file_info info;
  int length = snprintf(path, sizeof path, "%s/" STORE_DATA_FILE, dir);
  return length > 0 && (size_t)length < sizeof path && sys->stat(sys, path, &info) != -ENOENT;
}

struct flow_store *store_alloc(const struct flow_sys *sys, const char *dir,
                               struct flow_report *report) {
  if (strlen(dir) == 0 || strlen(dir) >= STORE_PATH) {
    flow_report_fail(report, FLOW_E_USAGE, "the path of the state directory is %s",
                     dir[0] == '\0' ? "empty" : "too long");
    return NULL;
  }
  struct flow_store *store = sys->alloc(sys, sizeof *store);
  if (store == NULL) {
    flow_report_fail(report, FLOW_E_MEMORY, "out of memory");
    return NULL;
  }
  *store = (struct flow_store){.sys = sys, .lock_fd = -1, .damaged = -1, .meta.head = -1,
                               .fold_floor = FLOW_STORE_FOLD_FLOOR, .pid = sys->getpid(sys),
                               .keep = {.copied = INT64_MAX, .base = INT64_MAX}};
  snprintf(store->dir, sizeof store->dir, "%s", dir);
  return store;
}

enum flow_status flow_store_open(const struct flow_sys *sys,
                                 const struct flow_store_options *options,
                                 struct flow_store **opened, struct flow_report *report) {
  *opened = NULL;
  const char *flow_name = options->flow_name == NULL ? "" : options->flow_name;
  if (strlen(flow_name) > FLOW_STORE_NAME ||
      strlen(options->compiler_version) > FLOW_STORE_NAME)
    return flow_report_fail(report, FLOW_E_USAGE, "the name of the flow is too long");
  struct flow_store *store = store_alloc(sys, options->dir, report);
  if (store == NULL) return report->status;
  store->retain = options->retain_epochs;
  if (options->fold_floor != 0) store->fold_floor = options->fold_floor;
  snprintf(store->flow_name, sizeof store->flow_name, "%s", flow_name);
  snprintf(store->compiler, sizeof store->compiler, "%s", options->compiler_version);
  enum flow_status status = open_store(store, options, report);
  if (status == FLOW_OK) *opened = store;
  else flow_store_discard(store);
  return status;
}

void flow_store_discard(struct flow_store *store) {
  if (store == NULL) return;
  const struct flow_sys *sys = store->sys;
  char path[STORE_PATH + 32];
  close_env(store);
  if (store->is_locked && store->made_store && (store->meta.head < 0 || store->is_import)) {
    /* LMDB's lock file first: alone, it would tell of a lost store. Ours last: it guards the rest. */
    static const char *const files[] = {LMDB_LOCK_FILE, STORE_DATA_FILE, LOCK_FILE};
    remove_leftovers(store);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
      store_path(store, files[i], path);
      sys->unlink(sys, path);
    }
  }
  if (store->made_dir) sys->rmdir(sys, store->dir); /* fails if anything is in it */
  flow_store_close(store);
}

void flow_store_close(struct flow_store *store) {
  if (store == NULL) return;
  const struct flow_sys *sys = store->sys;
  close_env(store);
  store_fold_forget(store);
  flow_buf_free(&store->fold.old);
  flow_buf_free(&store->fold.out);
  flow_buf_free(&store->scratch);
  flow_schema_pool_free(store->pool);
  sys->free(sys, store->weights);
  if (store->lock_fd >= 0) sys->close(sys, store->lock_fd);
  sys->free(sys, store);
}
