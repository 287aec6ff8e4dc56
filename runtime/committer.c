#include "committer.h"

#include "limits.h"
#include "mem.h"
#include "stop.h"

#include <string.h>

/* Time for one turn of folding; a group that comes meanwhile waits for its end. */
#define FOLD_TURN_US 5000

struct committer {
  const struct flow_sys *sys;
  struct flow_store *store;
  struct stop *stop; /* the engine's; null: nothing stops the run */
  struct flow_thread *thread;
  int wake_fd;
  struct flow_monitor *monitor; /* over the fields down to `report` */
  bool has_group;               /* submitted and not yet done */
  bool owes_fold;  /* each commit is followed by one turn of folding, or as many as the store needs */
  bool is_hurried; /* the run is told to stop: the next one folds */
  bool is_folding;
  bool is_saving;
  bool is_awaited; /* the engine wants the store: nothing is begun until the next group */
  bool is_engines; /* and has it */
  bool is_lent;    /* somebody else has it */
  bool is_stopping;
  enum flow_status status; /* of the first failure */
  struct flow_report report;
  void (*committed)(void *context); /* null: nobody wants to know */
  void *committed_context;
  /* The thread's while has_group is set, and nobody's otherwise. */
  struct commit_group group;
  struct flow_store_epoch *epochs; /* the group as the store wants it */
  size_t epoch_capacity;
  struct flow_store_part *parts;
  size_t part_capacity;
};

/* -- groups */

/* Makes room for one more of `count` items. */
static void *grow(const struct flow_sys *sys, void *items, size_t count, size_t *capacity,
                  size_t size) {
  if (count < *capacity) return items;
  *capacity = *capacity == 0 ? 64 : 2 * *capacity;
  return flow_sys_must_realloc(sys, items, *capacity * size);
}

struct commit_epoch *commit_group_open(struct commit_group *g, const struct flow_sys *sys,
                                       const struct commit_epoch *epoch) {
  g->epochs = grow(sys, g->epochs, g->epoch_count, &g->epoch_capacity, sizeof *g->epochs);
  struct commit_epoch *opened = &g->epochs[g->epoch_count++];
  *opened = *epoch;
  opened->first = g->part_count;
  opened->count = 0;
  return opened;
}

void commit_group_open_part(struct commit_group *g, const struct flow_sys *sys, uint16_t id) {
  g->parts = grow(sys, g->parts, g->part_count, &g->part_capacity, sizeof *g->parts);
  g->parts[g->part_count] = (struct commit_part){.id = id, .at = g->data.length};
}

void commit_group_close_part(struct commit_group *g) {
  struct commit_part *part = &g->parts[g->part_count];
  part->length = g->data.length - part->at;
  if (part->length == 0) return;
  g->part_count++;
  g->epochs[g->epoch_count - 1].count++;
}

void commit_group_reserve_shares(struct commit_group *g, const struct flow_sys *sys,
                                 uint32_t count) {
  if (count <= g->share_count) return;
  g->shares = flow_sys_must_realloc(sys, g->shares, count * sizeof *g->shares);
  while (g->share_count < count) g->shares[g->share_count++] = (struct flow_buf){0};
}

void commit_group_add_part(struct commit_group *g, const struct flow_sys *sys,
                           const struct commit_part *part) {
  if (part->length == 0) return;
  g->parts = grow(sys, g->parts, g->part_count, &g->part_capacity, sizeof *g->parts);
  g->parts[g->part_count++] = *part;
  g->epochs[g->epoch_count - 1].count++;
}

size_t commit_group_bytes(const struct commit_group *g) {
  size_t bytes = g->data.length;
  for (uint32_t i = 0; i < g->share_count; i++) bytes += g->shares[i].length;
  return bytes;
}

void commit_group_add_sync(struct commit_group *g, const struct flow_sys *sys,
                           const struct commit_sync *sync) {
  g->syncs = grow(sys, g->syncs, g->sync_count, &g->sync_capacity, sizeof *g->syncs);
  g->syncs[g->sync_count++] = *sync;
}

void commit_group_clear(struct commit_group *g) {
  g->epoch_count = g->part_count = g->sync_count = 0;
  g->data.length = 0;
  for (uint32_t i = 0; i < g->share_count; i++) g->shares[i].length = 0;
}

void commit_group_free(struct commit_group *g, const struct flow_sys *sys) {
  sys->free(sys, g->epochs);
  sys->free(sys, g->parts);
  sys->free(sys, g->syncs);
  flow_buf_free(&g->data);
  for (uint32_t i = 0; i < g->share_count; i++) flow_buf_free(&g->shares[i]);
  sys->free(sys, g->shares);
  *g = (struct commit_group){0};
}

/* -- the thread's work, without the lock */

/* Makes the name durable, and those of the directories that may have been made for it. */
static int sync_names(const struct flow_sys *sys, const struct commit_sync *sync) {
  int error = sys->sync_parent(sys, sync->location);
  if (sync->fd >= 0) return error;
  size_t length = strlen(sync->location);
  char *path = flow_sys_must_alloc(sys, length + 1);
  memcpy(path, sync->location, length + 1);
  for (char *slash = strrchr(path, '/'); error == 0 && slash != NULL; slash = strrchr(path, '/')) {
    if ((size_t)(slash - path) < sync->fixed_length) break;
    *slash = '\0';
    error = sys->sync_parent(sys, path);
  }
  sys->free(sys, path);
  return error;
}

static int sync_file(const struct flow_sys *sys, const struct commit_sync *sync) {
  int fd = sync->fd;
  if (fd < 0) fd = sys->open(sys, sync->location, FLOW_OPEN_READ | FLOW_OPEN_WRITE, 0);
  if (fd < 0) return fd;
  int error = sys->fdatasync(sys, fd);
  if (sync->fd < 0) sys->close(sys, fd);
  return error == 0 && sync->is_created ? sync_names(sys, sync) : error;
}

static enum flow_status sync_files(struct committer *c, struct flow_report *report) {
  const struct flow_sys *sys = c->sys;
  for (size_t i = 0; i < c->group.sync_count; i++) {
    const struct commit_sync *sync = &c->group.syncs[i];
    int error = sync_file(sys, sync);
    if (error < 0) return flow_report_errno(report, FLOW_E_IO, error, "sync %s", sync->location);
  }
  return FLOW_OK;
}

/* Turns the group into what the store takes. */
static void describe_group(struct committer *c) {
  const struct commit_group *g = &c->group;
  if (g->part_count > c->part_capacity) {
    c->part_capacity = g->part_capacity;
    c->parts = flow_sys_must_realloc(c->sys, c->parts, c->part_capacity * sizeof *c->parts);
  }
  if (g->epoch_count > c->epoch_capacity) {
    c->epoch_capacity = g->epoch_capacity;
    c->epochs = flow_sys_must_realloc(c->sys, c->epochs, c->epoch_capacity * sizeof *c->epochs);
  }
  for (size_t i = 0; i < g->part_count; i++) {
    const struct commit_part *part = &g->parts[i];
    const struct flow_buf *buffer = part->share == 0 ? &g->data : &g->shares[part->share - 1];
    c->parts[i] = (struct flow_store_part){part->id, buffer->data + part->at, part->length};
  }
  for (size_t i = 0; i < g->epoch_count; i++) {
    const struct commit_epoch *epoch = &g->epochs[i];
    c->epochs[i] = (struct flow_store_epoch){.number = epoch->number,
                                             .records_in = epoch->records_in,
                                             .records_out = epoch->records_out,
                                             .records_rejected = epoch->records_rejected,
                                             .now_us = epoch->now_us,
                                             .parts = c->parts + epoch->first,
                                             .part_count = epoch->count};
  }
}

static enum flow_status save_group(struct committer *c, struct flow_report *report) {
  enum flow_status status = sync_files(c, report);
  if (status != FLOW_OK) return status;
  describe_group(c);
  return flow_store_commit(c->store, c->epochs, c->group.epoch_count, report);
}

/* -- the thread, with the lock */

/* Notes how a piece of work ended, and wakes the engine, wherever it waits. */
static void note(struct committer *c, enum flow_status status, const struct flow_report *report) {
  if (c->status == FLOW_OK && status != FLOW_OK) {
    c->status = status;
    c->report = *report;
  }
  c->sys->monitor_wake_all(c->sys, c->monitor);
}

static bool may_fold(const struct committer *c) {
  if (c->status != FLOW_OK) return false;
  return !c->is_awaited && !c->is_hurried && !c->is_stopping && flow_store_can_fold(c->store);
}

static void fold(struct committer *c, struct flow_report *report) {
  const struct flow_sys *sys = c->sys;
  c->is_folding = true;
  sys->monitor_unlock(sys, c->monitor);
  enum flow_status status = flow_store_fold(c->store, FOLD_TURN_US, report);
  bool must_go_on = flow_store_must_fold(c->store);
  sys->monitor_lock(sys, c->monitor);
  c->is_folding = false;
  c->owes_fold = c->owes_fold && must_go_on && !c->is_hurried;
  note(c, status, report);
}

static void run(void *argument) {
  struct committer *c = argument;
  const struct flow_sys *sys = c->sys;
  struct flow_report report;
  sys->monitor_lock(sys, c->monitor);
  while (c->has_group || !c->is_stopping) {
    if (c->is_lent) {
      sys->monitor_wait(sys, c->monitor, -1);
    } else if (c->owes_fold && c->status == FLOW_OK) {
      fold(c, &report);
    } else if (c->has_group) {
      void (*committed)(void *context) = c->committed;
      c->is_saving = true;
      sys->monitor_unlock(sys, c->monitor);
      enum flow_status status = save_group(c, &report);
      if (status == FLOW_OK && committed != NULL) committed(c->committed_context);
      sys->monitor_lock(sys, c->monitor);
      c->has_group = c->is_saving = false;
      c->owes_fold = status == FLOW_OK && !c->is_hurried;
      sys->wake_send(sys, c->wake_fd);
      note(c, status, &report);
    } else if (may_fold(c)) {
      fold(c, &report);
    } else {
      sys->monitor_wait(sys, c->monitor, -1);
    }
  }
  sys->monitor_unlock(sys, c->monitor);
}

/* -- the engine's side */

enum flow_status committer_start(const struct flow_sys *sys, struct flow_store *store,
                                 struct stop *stop, struct committer **started,
                                 struct flow_report *report) {
  struct committer *c = flow_sys_must_alloc(sys, sizeof *c);
  *c = (struct committer){.sys = sys, .store = store, .stop = stop, .is_awaited = true};
  *started = c;
  c->monitor = sys->monitor_new(sys);
  if (c->monitor == NULL) flow_out_of_memory(sizeof *c);
  c->wake_fd = sys->wake_open(sys);
  int error = c->wake_fd;
  if (error >= 0) error = sys->thread_start(sys, &c->thread, run, c);
  if (error == 0) return FLOW_OK;
  committer_stop(c);
  *started = NULL;
  return flow_report_errno(report, FLOW_E_IO, error, "start a thread for the saved state");
}

/* With the lock held. */
static enum flow_status result(const struct committer *c, struct flow_report *report) {
  if (c->status != FLOW_OK) *report = c->report;
  return c->status;
}

/* Waits for the thread, with the lock held, and drops the folds that are still due once a signal is there. */
static void await(struct committer *c) {
  if (c->sys->monitor_wait(c->sys, c->monitor, FLOW_STOP_LOOK_US)) return;
  if (c->stop == NULL || !stop_is_asked(c->stop)) return;
  c->is_hurried = true;
  c->owes_fold = false;
}

enum flow_status committer_submit(struct committer *c, struct commit_group *group,
                                  struct flow_report *report) {
  const struct flow_sys *sys = c->sys;
  sys->monitor_lock(sys, c->monitor);
  while (c->has_group) await(c);
  enum flow_status status = result(c, report);
  if (status == FLOW_OK) {
    struct commit_group empty = c->group;
    c->group = *group;
    *group = empty;
    commit_group_clear(group);
    c->has_group = true;
    c->is_awaited = c->is_engines = false;
    sys->wake_take(sys, c->wake_fd);
    sys->monitor_wake_all(sys, c->monitor);
  }
  sys->monitor_unlock(sys, c->monitor);
  return status;
}

bool committer_is_done(struct committer *c) {
  const struct flow_sys *sys = c->sys;
  sys->monitor_lock(sys, c->monitor);
  bool is_done = !c->has_group;
  if (is_done) sys->wake_take(sys, c->wake_fd);
  sys->monitor_unlock(sys, c->monitor);
  return is_done;
}

enum flow_status committer_status(struct committer *c, struct flow_report *report) {
  c->sys->monitor_lock(c->sys, c->monitor);
  enum flow_status status = result(c, report);
  c->sys->monitor_unlock(c->sys, c->monitor);
  return status;
}

int committer_wake_fd(const struct committer *c) {
  return c->wake_fd;
}

enum flow_status committer_wait(struct committer *c, struct flow_report *report) {
  const struct flow_sys *sys = c->sys;
  sys->monitor_lock(sys, c->monitor);
  c->is_awaited = true;
  while (c->has_group || c->is_folding || c->is_lent ||
         (c->owes_fold && c->status == FLOW_OK))
    await(c);
  c->is_engines = true;
  enum flow_status status = result(c, report);
  sys->monitor_unlock(sys, c->monitor);
  return status;
}

void committer_release(struct committer *c) {
  c->sys->monitor_lock(c->sys, c->monitor);
  c->is_engines = false;
  c->sys->monitor_wake_all(c->sys, c->monitor);
  c->sys->monitor_unlock(c->sys, c->monitor);
}

struct flow_store *committer_borrow(struct committer *c) {
  const struct flow_sys *sys = c->sys;
  sys->monitor_lock(sys, c->monitor);
  while (c->is_saving || c->is_folding || c->is_engines || c->is_lent)
    sys->monitor_wait(sys, c->monitor, -1);
  c->is_lent = c->status == FLOW_OK;
  struct flow_store *store = c->is_lent ? c->store : NULL;
  sys->monitor_unlock(sys, c->monitor);
  return store;
}

void committer_give_back(struct committer *c) {
  c->sys->monitor_lock(c->sys, c->monitor);
  c->is_lent = false;
  c->sys->monitor_wake_all(c->sys, c->monitor);
  c->sys->monitor_unlock(c->sys, c->monitor);
}

void committer_watch(struct committer *c, void (*committed)(void *context), void *context) {
  c->sys->monitor_lock(c->sys, c->monitor);
  c->committed = committed;
  c->committed_context = context;
  c->sys->monitor_unlock(c->sys, c->monitor);
}

void committer_hurry(struct committer *c) {
  c->sys->monitor_lock(c->sys, c->monitor);
  c->is_hurried = true;
  c->owes_fold = false;
  c->sys->monitor_unlock(c->sys, c->monitor);
}

void committer_stop(struct committer *c) {
  if (c == NULL) return;
  const struct flow_sys *sys = c->sys;
  if (c->thread != NULL) {
    sys->monitor_lock(sys, c->monitor);
    c->is_stopping = true;
    sys->monitor_wake_all(sys, c->monitor);
    sys->monitor_unlock(sys, c->monitor);
    sys->thread_join(sys, c->thread);
  }
  if (c->wake_fd >= 0) sys->close(sys, c->wake_fd);
  sys->monitor_free(sys, c->monitor);
  commit_group_free(&c->group, sys);
  sys->free(sys, c->epochs);
  sys->free(sys, c->parts);
  sys->free(sys, c);
}
