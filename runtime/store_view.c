/* flow/store.h: opening a store beside a run that may use it, in short transactions. store_show.c
 * reads in them.
 *
 * LMDB lets a reader of another process in at any time: it sees the last commit, and the pages of
 * that commit stay as they are until its transaction ends. Two things need care. LMDB trusts the
 * pages of the file, so their structure is checked first, in the same transaction, while nothing of
 * that commit can change. And a run that starts may put a smaller copy in the place of the file,
 * with a lock file of its own: so while a view opens the two, it holds a lock on the data file that
 * such a run asks for.
 */
#include "store_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>

/* How often something is tried that a run can disturb each time, though not for long. */
#define TRIES 200
/* Between two tries to get the lock on the data file, which others hold for about a millisecond. */
#define TRY_US 5000
/* The map for a file of this size and twice that, so that a run may go on for a while. */
#define MAP_MIN ((uint64_t)1 << 20)

static enum flow_status no_memory(struct flow_report *report) {
  return flow_report_errno(report, FLOW_E_MEMORY, -ENOMEM, "read the saved state");
}

/* -- opening */

static enum flow_status find_data(struct flow_store *store, char path[STORE_PATH + 32],
                                  struct flow_report *report) {
  const struct flow_sys *sys = store->sys;
  struct flow_file_info info;
  store_path(store, STORE_DATA_FILE, path);
  int error = sys->stat(sys, store->dir, &info);
  if (error == -ENOENT)
    return flow_report_fail(report, FLOW_E_INPUT, "there is no directory %s", store->dir);
  if (error == 0 && info.kind != FLOW_FILE_DIRECTORY) {
    flow_report_fail(report, FLOW_E_INPUT, "%s is not a directory", store->dir);
    flow_report_help(report, "name the directory that runs have as their --state-dir");
    return FLOW_E_INPUT;
  }
  if (error == 0) error = sys->stat(sys, path, &info);
  if (error == -ENOENT) {
    if (store_check_absence(store, report) != FLOW_OK) return report->status;
    flow_report_fail(report, FLOW_E_INPUT, "there is no saved state in %s", store->dir);
    flow_report_help(report, "name the directory that runs have as their --state-dir");
    return FLOW_E_INPUT;
  }
  return error == 0 ? FLOW_OK : flow_report_errno(report, FLOW_E_IO, error, "examine %s", path);
}

static bool is_same_file(const struct flow_sys *sys, int fd, const char *path) {
  struct flow_file_info opened, named;
  return sys->fstat(sys, fd, &opened) == 0 && sys->stat(sys, path, &named) == 0 &&
         opened.device == named.device && opened.inode == named.inode;
}

/* Opens and locks the data file that has the name now: its descriptor, or a negative errno. */
static int hold_data(struct flow_store *store, const char *path) {
  const struct flow_sys *sys = store->sys;
  int error = -EAGAIN;
  for (int i = 0; i < TRIES && error == -EAGAIN; i++) {
    if (i > 0) flow_sys_sleep(sys, TRY_US);
    int fd = sys->open(sys, path, FLOW_OPEN_READ, 0);
    if (fd < 0) return fd;
    error = sys->flock_try(sys, fd);
    if (error == 0 && is_same_file(sys, fd, path)) return fd;
    sys->close(sys, fd);
    if (error == 0) error = -EAGAIN;
  }
  return error;
}

static int open_env(struct flow_store *store, uint64_t map_size) {
  int code = mdb_env_create(&store->env);
  if (code != 0) {
    store->env = NULL;
    return code;
  }
  code = mdb_env_set_maxdbs(store->env, FLOW_STORE_IDS + 4);
  if (code == 0) code = mdb_env_set_mapsize(store->env, (size_t)map_size);
  if (code == 0) code = mdb_env_open(store->env, store->dir, MDB_RDONLY | MDB_NOTLS, 0600);
  mdb_filehandle_t fd;
  if (code == 0) code = mdb_env_get_fd(store->env, &fd);
  if (code == 0) code = -store->sys->set_cloexec(store->sys, fd);
  return code;
}

static enum flow_status open_held(struct flow_store *store, int fd, uint64_t map_size,
                                  struct flow_report *report) {
  const struct flow_sys *sys = store->sys;
  char why[200] = "";
  struct flow_file_info info = {0};
  int error;
  bool ok = store_check_head(sys, fd, why, sizeof why, &error);
  if (error == 0) error = sys->fstat(sys, fd, &info);
  if (error < 0)
    return flow_report_errno(report, FLOW_E_IO, error, "read the saved state in %s", store->dir);
  if (!ok) return store_corrupt(store, report, "%s: %s", STORE_DATA_FILE, why);
  if (map_size == 0) map_size = 2 * (info.size > MAP_MIN ? info.size : MAP_MIN);
  int code = open_env(store, map_size);
  if (code == 0) return FLOW_OK;
  store_fail(store, report, code, "open the saved state");
  if (code == EACCES)
    flow_report_help(report, "LMDB registers readers in lock.mdb: reading needs the right to write "
                     "there");
  return report->status;
}

static enum flow_status open_data(struct flow_store *store, uint64_t map_size,
                                  struct flow_report *report) {
  char path[STORE_PATH + 32];
  enum flow_status status = find_data(store, path, report);
  if (status != FLOW_OK) return status;
  int fd = hold_data(store, path);
  if (fd < 0) return flow_report_errno(report, FLOW_E_IO, fd, "open %s", path);
  status = open_held(store, fd, map_size, report);
  store->sys->close(store->sys, fd);
  return status;
}

/* -- transactions */

/* A run has made the file larger than our map. */
static int grow_map(struct flow_store *store) {
  mdb_filehandle_t fd;
  struct flow_file_info info = {0};
  int code = mdb_env_get_fd(store->env, &fd);
  if (code == 0) code = -store->sys->fstat(store->sys, fd, &info);
  return code == 0 ? mdb_env_set_mapsize(store->env, (size_t)info.size * 2) : code;
}

static int begin_txn(struct flow_view *view) {
  int code = 0;
  for (int i = 0; i < TRIES; i++) {
    code = mdb_txn_begin(view->store->env, NULL, MDB_RDONLY, &view->txn);
    if (code != MDB_MAP_RESIZED) break;
    code = grow_map(view->store);
    if (code != 0) break;
  }
  if (code != 0) view->txn = NULL;
  return code;
}

/* Checks the pages of the transaction's commit. *is_late: there have been two more commits
 * meanwhile, so that the page that says where it begins was written over. */
static enum flow_status check_pages(struct flow_view *view, bool *is_late,
                                    struct flow_report *report) {
  struct flow_store *store = view->store;
  mdb_filehandle_t fd;
  struct store_pages pages;
  char why[200] = "";
  int error;
  int code = mdb_env_get_fd(store->env, &fd);
  if (code != 0) return store_fail(store, report, code, "read the saved state");
  uint64_t txn = mdb_txn_id(view->txn);
  bool ok = store_check_pages(store->sys, fd, txn, &pages, why, sizeof why, &error);
  MDB_envinfo info;
  *is_late = !ok && mdb_env_info(store->env, &info) == 0 && info.me_last_txnid != txn;
  if (error == -ENOMEM) return no_memory(report);
  return ok ? FLOW_OK : store_corrupt(store, report, "%s: %s", STORE_DATA_FILE, why);
}

/* The first transaction: everything is checked in it. */
static enum flow_status begin_first(struct flow_view *view, struct flow_report *report) {
  struct flow_store *store = view->store;
  enum flow_status status = FLOW_E_CORRUPT;
  bool is_late = true;
  for (int i = 0; is_late && i < TRIES; i++) {
    if (view->txn != NULL) mdb_txn_abort(view->txn);
    int code = begin_txn(view);
    if (code != 0) return store_fail(store, report, code, "read the saved state");
    status = check_pages(view, &is_late, report);
  }
  if (status != FLOW_OK) return status;
  int code = store_open_trees(store, view->txn, 0);
  if (code == MDB_NOTFOUND) {
    char path[STORE_PATH + 32];
    store_path(store, STORE_DATA_FILE, path);
    return store_foreign(path, report);
  }
  if (code == 0) code = store_read_in(store, view->txn, true, report);
  return code == 0 ? FLOW_OK : store_fail(store, report, code, "read the saved state");
}

static bool shows(const struct flow_view *view, int64_t epoch) {
  const struct store_meta *meta = &view->store->meta;
  return epoch < 0 || (epoch >= meta->fold_to && epoch <= meta->head);
}

enum flow_status store_outrun(struct flow_view *view, struct flow_report *report) {
  view->is_outrun = true;
  flow_report_fail(report, FLOW_E_RANGE,
                   "the run that uses %s went on and folded the epoch away that was being read",
                   view->store->dir);
  flow_report_help(report, "try again; a run with --retain-epochs keeps past epochs for longer");
  return FLOW_E_RANGE;
}

/* A later transaction: the run may have gone on since. */
static enum flow_status begin_next(struct flow_view *view, struct flow_report *report) {
  struct flow_store *store = view->store;
  int code = begin_txn(view);
  if (code != 0) return store_fail(store, report, code, "read the saved state");
  if (mdb_txn_id(view->txn) == view->txn_id) return FLOW_OK;
  code = store_read_in(store, view->txn, false, report);
  if (code != 0) return store_fail(store, report, code, "read the saved state");
  bool is_here = store->meta.timeline == view->info.timeline && shows(view, view->info.epoch) &&
                 shows(view, view->since);
  return is_here ? FLOW_OK : store_outrun(view, report);
}

enum flow_status store_view_begin(struct flow_view *view, struct flow_report *report) {
  enum flow_status status =
      view->txn_id == 0 ? begin_first(view, report) : begin_next(view, report);
  if (status == FLOW_OK) view->txn_id = mdb_txn_id(view->txn);
  else store_view_end(view);
  return status;
}

void store_view_end(struct flow_view *view) {
  if (view->txn != NULL) store_read_end(view->txn);
  view->txn = NULL;
}

/* -- the epoch that is shown */

static void set_info(struct flow_view *view) {
  const struct flow_store *store = view->store;
  const struct store_meta *meta = &store->meta;
  struct flow_view_info *info = &view->info;
  info->flow_name = meta->flow_name;
  info->compiler = meta->compiler;
  info->format = meta->format;
  info->timeline = meta->timeline;
  info->head = meta->head;
  info->oldest = meta->fold_to < 0 ? 0 : meta->fold_to;
  info->newest = store->damaged >= 0 ? store->damaged - 1 : meta->head;
  info->can_restart = meta->fold_to < 0;
  info->damaged = store->damaged;
  info->damage = store->damage;
  struct flow_store_stats stats = flow_store_stats(store);
  info->file_bytes = stats.file_bytes;
  info->base_bytes = stats.base_bytes;
  info->epoch_bytes = stats.delta_bytes;
}

static enum flow_status check_epoch(struct flow_view *view, int64_t epoch,
                                    struct flow_report *report) {
  const struct flow_view_info *info = &view->info;
  const char *dir = view->store->dir;
  if (info->newest < info->oldest)
    return flow_report_fail(report, FLOW_E_RANGE,
                            "epoch %" PRId64 " cannot be shown: the state in %s has no epoch yet",
                            epoch, dir);
  if (epoch >= info->oldest && epoch <= info->newest) return FLOW_OK;
  if (info->damaged >= 0 && epoch > info->newest && epoch <= info->head)
    return store_reachable(view->store, epoch + 1, report);
  flow_report_fail(report, FLOW_E_RANGE,
                   "epoch %" PRId64 " cannot be shown: the state in %s has epochs %" PRId64
                   " to %" PRId64, epoch, dir, info->oldest, info->newest);
  flow_report_help(report, "`flowcc state epochs %s` lists them; a run with --retain-epochs N "
                   "keeps N past ones", dir);
  return FLOW_E_RANGE;
}

static enum flow_status choose_epoch(struct flow_view *view,
                                     const struct flow_view_options *options,
                                     struct flow_report *report) {
  struct flow_view_info *info = &view->info;
  enum flow_status status = FLOW_OK;
  info->epoch = options->epoch;
  view->since = options->since;
  view->is_newest = options->epoch < 0 && info->damaged < 0;
  if (options->epoch >= 0) status = check_epoch(view, options->epoch, report);
  else if (info->damaged < 0 || options->is_good_enough) info->epoch = info->newest;
  else status = store_reachable(view->store, info->head + 1, report);
  if (status == FLOW_OK && options->since >= 0) status = check_epoch(view, options->since, report);
  return status;
}

/* -- what it holds */

/* How many versions of the id's types there are at the end of an epoch. */
static uint32_t versions_at(const struct store_id *id, int64_t epoch) {
  uint32_t count = id->version_count;
  while (count > 0 && id->versions[count - 1].created > epoch) count--;
  return count;
}

static bool is_there(const struct store_id *id, int64_t epoch) {
  return epoch >= 0 && id->created <= epoch && (id->dropped < 0 || id->dropped > epoch) &&
         versions_at(id, epoch) != 0;
}

static char *copy_text(struct flow_schema_pool *pool, const char *text) {
  char *copy = flow_schema_alloc(pool, strlen(text) + 1);
  return copy == NULL ? NULL : strcpy(copy, text);
}

bool store_describe(struct flow_schema_pool *pool, const struct store_id *id, uint32_t number,
                    struct flow_view_id *shown) {
  const struct store_version *version = &id->versions[number - 1];
  *shown = (struct flow_view_id){
      .kind = id->kind,
      .name = copy_text(pool, version->name),
      .key = flow_schema_parse(pool, version->key_text, strlen(version->key_text)),
      .value = flow_schema_parse(pool, version->value_text, strlen(version->value_text)),
      .number = id->number,
      .version = number,
  };
  return shown->name != NULL && shown->key != NULL && shown->value != NULL;
}

static bool add_id(struct flow_view *view, const struct store_id *id) {
  bool is_forgotten = view->is_newest && id->dropped >= 0;
  bool is_in_epoch = !is_forgotten && is_there(id, view->info.epoch);
  bool is_in_since = is_there(id, view->since);
  if (!is_in_epoch && !is_in_since) return true;
  int64_t later = view->info.epoch;
  if (!is_in_epoch || (is_in_since && view->since > later)) later = view->since;
  struct flow_view_id *shown = &view->ids[view->id_count++];
  bool ok = store_describe(view->pool, id, versions_at(id, later), shown);
  shown->is_in_epoch = is_in_epoch;
  shown->is_in_since = is_in_since;
  return ok;
}

/* Copies what outlives the transaction: the store's own memory changes with each. */
static enum flow_status keep_ids(struct flow_view *view, struct flow_report *report) {
  const struct flow_store *store = view->store;
  view->pool = flow_schema_pool_new(store->sys);
  if (view->pool == NULL) return no_memory(report);
  view->ids = flow_schema_alloc(view->pool, (store->id_count + 1) * sizeof *view->ids);
  view->info.flow_name = copy_text(view->pool, store->meta.flow_name);
  view->info.compiler = copy_text(view->pool, store->meta.compiler);
  view->info.damage = copy_text(view->pool, store->damage);
  bool ok = view->ids != NULL && view->info.flow_name != NULL && view->info.compiler != NULL &&
            view->info.damage != NULL;
  for (size_t i = 0; ok && i < store->id_count; i++) ok = add_id(view, &store->ids[i]);
  return ok ? FLOW_OK : no_memory(report);
}

static enum flow_status open_view(struct flow_view *view, const struct flow_view_options *options,
                                  struct flow_report *report) {
  enum flow_status status = open_data(view->store, options->map_size, report);
  if (status == FLOW_OK) status = store_view_begin(view, report);
  if (status != FLOW_OK) return status;
  set_info(view);
  status = choose_epoch(view, options, report);
  if (status == FLOW_OK) status = keep_ids(view, report);
  store_view_end(view);
  return status;
}

enum flow_status flow_view_open(const struct flow_view_options *options, struct flow_view **opened,
                                struct flow_report *report) {
  const struct flow_sys *sys = flow_sys_posix();
  *opened = NULL;
  if (options->dir[0] == '\0' || strlen(options->dir) >= STORE_PATH)
    return flow_report_fail(report, FLOW_E_USAGE, "the path of the state directory is %s",
                            options->dir[0] == '\0' ? "empty" : "too long");
  struct flow_view *view = sys->alloc(sys, sizeof *view);
  struct flow_store *store = sys->alloc(sys, sizeof *store);
  if (view == NULL || store == NULL) {
    sys->free(sys, view);
    sys->free(sys, store);
    return no_memory(report);
  }
  *store = (struct flow_store){.sys = sys, .lock_fd = -1, .damaged = -1, .pid = sys->getpid(sys)};
  *view = (struct flow_view){.store = store};
  snprintf(store->dir, sizeof store->dir, "%s", options->dir);
  enum flow_status status = open_view(view, options, report);
  if (status == FLOW_OK) *opened = view;
  else flow_view_close(view);
  return status;
}

void flow_view_close(struct flow_view *view) {
  if (view == NULL) return;
  const struct flow_sys *sys = view->store->sys;
  store_view_end(view);
  flow_schema_pool_free(view->pool);
  flow_store_close(view->store);
  sys->free(sys, view);
}

bool flow_view_is_outrun(const struct flow_view *view) {
  return view->is_outrun;
}

const struct flow_view_info *flow_view_info(const struct flow_view *view) {
  return &view->info;
}

const struct flow_view_id *flow_view_ids(const struct flow_view *view, size_t *count) {
  *count = view->id_count;
  return view->ids;
}
