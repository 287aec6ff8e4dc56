/* The thread that ships epochs. */
#include "backup.h"

#include "backup_format.h"
#include "limits.h"
#include "mem.h"
#include "message.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Bytes that are copied out of the store while a commit may have to wait. */
#define SLICE_BYTES ((size_t)1 << 20)
/* Time for a step of a fold that the first base has to wait for. */
#define FOLD_US ((int64_t)5000)
/* Pauses between two tries, doubling from the first to the last. */
#define PAUSE_FIRST_US ((int64_t)200000)
#define PAUSE_LAST_US  ((int64_t)30000000)
/* Tries in a row that may fail after the end of input. */
#define LAST_TRIES 5
/* How often a wait at the end looks whether it was told to stop. */
#define LOOK_US ((int64_t)50000)

struct backup {
  const struct flow_sys *sys;
  struct backup_settings settings;
  struct committer *committer;
  struct backup_place *place;
  struct flow_thread *thread;
  int64_t interval_us;
  int wake_fd;

  struct flow_monitor *monitor; /* over the fields down to `last_trouble` */
  bool has_news;                /* something was committed since the thread looked */
  bool is_finishing, is_cancelled;
  bool is_settled;    /* the first try is over */
  bool has_ended;     /* the thread does nothing more */
  bool has_all;       /* everything was shipped when it ended */
  int64_t shipped, committed;     /* epochs, as far as the thread knows */
  enum flow_status status;        /* why the run has to end */
  struct flow_report report;      /* its message */
  struct flow_report last_trouble;

  /* The thread's own. */
  bool is_failing;
  unsigned last_tries;            /* that failed in a row since the end of input */
  uint64_t newest;                /* number of the newest manifest of all */
  uint8_t run_id[16];
  struct backup_manifest current; /* what was published last; all zeros: nothing was */
  struct backup_manifest before;  /* and before that */
  struct backup_manifest next;    /* what is shipped and not yet published: pieces, base */
  bool needs_base;                /* nothing can be published before a base is shipped */
  bool ships_base;
  struct flow_store_copy base_copy;
  struct backup_manifest base; /* its only piece: the base as far as it was shipped */
  int64_t next_us;             /* monotonic: the next shipment may begin */
  struct flow_buf buffer;
};

/* -- talking */

static void say(struct backup *b, const struct flow_buf *text) {
  flow_sys_write_all(b->sys, 2, text->data, text->length);
}

/* Notes why the run has to end. */
static void end_run(struct backup *b, const struct flow_report *report) {
  b->sys->monitor_lock(b->sys, b->monitor);
  if (b->status == FLOW_OK) {
    b->status = report->status;
    b->report = *report;
  }
  b->sys->wake_send(b->sys, b->wake_fd);
  b->sys->monitor_unlock(b->sys, b->monitor);
}

static bool is_cancelled(void *context) {
  struct backup *b = context;
  b->sys->monitor_lock(b->sys, b->monitor);
  bool is = b->is_cancelled;
  b->sys->monitor_unlock(b->sys, b->monitor);
  return is;
}

/* -- requests that are repeated until they succeed */

struct request {
  enum { PUT, PUT_NEW, GET, LIST } what;
  const char *name;
  const struct flow_buf *data; /* to be put */
  struct flow_buf *out;        /* got */
  place_name list;
  void *context;
};

static enum place_result ask(struct backup *b, const struct request *r,
                             struct flow_report *report) {
  struct backup_place *p = b->place;
  switch (r->what) {
    case PUT: return p->put(p, r->name, r->data->data, r->data->length, false, report);
    case PUT_NEW: return p->put(p, r->name, r->data->data, r->data->length, true, report);
    case GET: return p->get(p, r->name, r->out, report);
    case LIST: return p->list(p, r->name, r->list, r->context, report);
  }
  return PLACE_CANCELLED;
}

static void note_success(struct backup *b) {
  b->last_tries = 0;
  if (!b->is_failing) return;
  b->is_failing = false;
  struct flow_buf text = {0};
  message_add(&text, "note: the backup to %s works again\n", b->settings.url);
  say(b, &text);
  flow_buf_free(&text);
}

/* Notes a failure, warns of the first one in a row, and decides whether to try again. */
static bool note_failure(struct backup *b, bool is_lasting, const struct flow_report *report) {
  b->sys->monitor_lock(b->sys, b->monitor);
  bool is_first_try = !b->is_settled, is_finishing = b->is_finishing;
  b->last_trouble = *report;
  b->sys->monitor_unlock(b->sys, b->monitor);
  if (is_first_try && is_lasting) {
    end_run(b, report);
    return false;
  }
  if (is_finishing && (++b->last_tries >= LAST_TRIES || is_lasting)) return false;
  if (b->is_failing || is_finishing) return true;
  b->is_failing = true;
  struct flow_buf text = {0};
  message_add(&text, "warning: the backup does not get on: %s\n", report->message);
  if (report->help[0] != '\0') message_add(&text, "  = help: %s\n", report->help);
  message_add(&text, "  = note: the run goes on; it is tried again and again\n");
  say(b, &text);
  flow_buf_free(&text);
  return true;
}

/* Lets backup_start() return. */
static void settle(struct backup *b) {
  b->sys->monitor_lock(b->sys, b->monitor);
  b->is_settled = true;
  b->sys->monitor_wake_all(b->sys, b->monitor);
  b->sys->monitor_unlock(b->sys, b->monitor);
}

/* Waits before the next try; false: cancelled. The end of input cuts the wait short, once. */
static bool rest(struct backup *b, int64_t pause_us) {
  const struct flow_sys *sys = b->sys;
  int64_t until = sys->monotonic_us(sys) + pause_us, now;
  sys->monitor_lock(sys, b->monitor);
  bool was_finishing = b->is_finishing;
  while (!b->is_cancelled && b->is_finishing == was_finishing &&
         (now = sys->monotonic_us(sys)) < until)
    sys->monitor_wait(sys, b->monitor, until - now);
  bool goes_on = !b->is_cancelled;
  sys->monitor_unlock(sys, b->monitor);
  return goes_on;
}

/* OK, MISSING, EXISTS; or CANCELLED: the thread has to end. */
static enum place_result insist(struct backup *b, const struct request *request) {
  for (int64_t pause_us = PAUSE_FIRST_US;;) {
    struct flow_report report = {0};
    enum place_result result = ask(b, request, &report);
    if (result == PLACE_OK || result == PLACE_MISSING || result == PLACE_EXISTS) {
      note_success(b);
      return result;
    }
    if (result == PLACE_CANCELLED) return result;
    if (!note_failure(b, result == PLACE_REFUSED, &report)) return PLACE_CANCELLED;
    settle(b);
    if (b->last_tries == 1) pause_us = PAUSE_FIRST_US;
    if (!rest(b, pause_us)) return PLACE_CANCELLED;
    pause_us = pause_us * 2 < PAUSE_LAST_US ? pause_us * 2 : PAUSE_LAST_US;
  }
}

/* -- the store */

static struct flow_store_range range_of(struct backup *b, bool *is_there) {
  struct flow_store *store = committer_borrow(b->committer);
  *is_there = store != NULL;
  if (store == NULL) return (struct flow_store_range){0};
  struct flow_store_range range = flow_store_range(store);
  committer_give_back(b->committer);
  b->sys->monitor_lock(b->sys, b->monitor);
  b->committed = range.head;
  b->sys->monitor_unlock(b->sys, b->monitor);
  return range;
}

static bool is_folding(const struct flow_store_range *range) {
  return range->oldest > range->base + 1;
}

/* The newest epoch that the next manifest may name. */
static int64_t reached(const struct backup_manifest *m) {
  return m->piece_count == 0 ? -1 : m->pieces[m->piece_count - 1].last;
}

/* Tells the store what it may fold: what was published. */
static bool keep(struct backup *b) {
  struct flow_store *store = committer_borrow(b->committer);
  if (store == NULL) return false;
  bool has_copy = b->current.number != 0;
  const struct flow_store_keep kept = {.copied = has_copy ? b->current.head : -1,
                                       .base = has_copy ? b->current.base : -1,
                                       .holds_base = b->ships_base || b->needs_base};
  flow_store_keep(store, &kept);
  committer_give_back(b->committer);
  return true;
}

/* -- publishing a manifest */

struct sweep {
  struct backup *b;
  struct flow_buf names; /* zero-ended, one behind the other */
};

static bool is_named(const struct backup *b, const char *name) {
  uint64_t number;
  if (backup_manifest_number(name, &number))
    return number == b->current.number || number == b->before.number;
  return backup_names(&b->current, name) || backup_names(&b->before, name);
}

/* Removes an object. If that fails it stays until the next run sweeps. */
static void discard(struct backup *b, const char *name) {
  struct flow_report report;
  if (!is_named(b, name)) b->place->remove(b->place, name, &report);
}

/* Removes a manifest and what only it named; the manifest first, so that none is left that names
 * what is gone. */
static void discard_all(struct backup *b, const struct backup_manifest *old) {
  char name[BACKUP_NAME];
  if (old->number == 0) return;
  backup_manifest_name(old->number, name);
  discard(b, name);
  for (uint32_t i = 0; i < old->piece_count; i++) {
    for (uint32_t k = 0; k < old->pieces[i].part_count; k++) {
      backup_part_name(old, &old->pieces[i], k, name);
      discard(b, name);
    }
  }
}

static void lose(struct backup *b) {
  struct flow_report report;
  flow_report_fail(&report, FLOW_E_LOCKED, "another run has taken over the backup at %s",
                   b->settings.url);
  flow_report_help(&report, "a flow has one run at a time, and each backup belongs to one flow: "
                   "stop the other run, or give this one another --backup");
  end_run(b, &report);
}

/* Puts a manifest under the next number. False: the thread has to end. Takes the manifest. */
static bool publish(struct backup *b, struct backup_manifest *m) {
  char name[BACKUP_NAME];
  m->number = b->newest + 1;
  m->wall_us = b->sys->realtime_us(b->sys);
  memcpy(m->run_id, b->run_id, sizeof m->run_id);
  backup_manifest_name(m->number, name);
  b->buffer.length = 0;
  backup_encode(&b->buffer, m);
  const struct request put = {.what = PUT_NEW, .name = name, .data = &b->buffer};
  enum place_result result = insist(b, &put);
  if (result == PLACE_EXISTS) { /* our own, if the answer to an earlier try was lost */
    struct flow_buf found = {0};
    const struct request get = {.what = GET, .name = name, .out = &found};
    result = insist(b, &get);
    bool is_ours = result == PLACE_OK && found.length == b->buffer.length &&
                   memcmp(found.data, b->buffer.data, found.length) == 0;
    if (result != PLACE_CANCELLED && !is_ours) lose(b);
    if (!is_ours) result = PLACE_CANCELLED;
    flow_buf_free(&found);
  }
  if (result != PLACE_OK) {
    backup_manifest_free(m);
    return false;
  }
  struct backup_manifest old = b->before;
  b->before = b->current;
  b->current = *m;
  b->newest = m->number;
  b->sys->monitor_lock(b->sys, b->monitor);
  b->shipped = b->current.head;
  b->sys->monitor_unlock(b->sys, b->monitor);
  discard_all(b, &old);
  backup_manifest_free(&old);
  return keep(b);
}

/* Publishes what was shipped. */
static bool publish_next(struct backup *b) {
  struct backup_manifest m = backup_manifest_copy(&b->next);
  m.head = reached(&m);
  struct flow_report report;
  struct flow_store *store = committer_borrow(b->committer);
  enum flow_status status = FLOW_E_BUG;
  if (store != NULL) {
    m.timeline = flow_store_range(store).timeline;
    status = flow_store_copy_head(store, m.base, m.head, &m.store_head, &report);
    committer_give_back(b->committer);
    if (status != FLOW_OK) end_run(b, &report);
  }
  if (status == FLOW_OK) return publish(b, &m);
  backup_manifest_free(&m);
  return false;
}

/* -- shipping */

/* Copies records until a part is full or there are no more. */
static bool fill_part(struct backup *b, struct flow_store_copy *copy) {
  b->buffer.length = 0;
  while (!copy->is_done && b->buffer.length < BACKUP_PART) {
    size_t room = BACKUP_PART - b->buffer.length;
    struct flow_report report;
    struct flow_store *store = committer_borrow(b->committer);
    if (store == NULL) return false;
    enum flow_status status = flow_store_copy_next(
        store, copy, room < SLICE_BYTES ? room : SLICE_BYTES, &b->buffer, &report);
    committer_give_back(b->committer);
    if (status != FLOW_OK) end_run(b, &report);
    if (status != FLOW_OK || is_cancelled(b)) return false;
  }
  return true;
}

/* Ships one part of the manifest's last piece. */
static bool ship_part(struct backup *b, struct backup_manifest *m, struct flow_store_copy *copy) {
  struct backup_piece *piece = &m->pieces[m->piece_count - 1];
  char name[BACKUP_NAME];
  if (!fill_part(b, copy)) return false;
  backup_part_name(m, piece, piece->part_count, name);
  const struct request put = {.what = PUT, .name = name, .data = &b->buffer};
  if (insist(b, &put) != PLACE_OK) return false;
  backup_add_part(piece, (struct backup_part){b->buffer.length,
                                              backup_hash(b->buffer.data, b->buffer.length)});
  piece->link = copy->link;
  return true;
}

/* Ships the epochs up to the store's head, with smaller ranges before them. */
static bool ship_epochs(struct backup *b, const struct flow_store_range *range) {
  uint32_t from = backup_join_from(&b->next, range->base);
  int64_t first = from < b->next.piece_count ? b->next.pieces[from].first : reached(&b->next) + 1;
  struct flow_store_copy copy = {.first = first, .last = range->head};
  const struct backup_piece piece = {.timeline = range->timeline, .first = first,
                                     .last = range->head};
  uint32_t count = b->next.piece_count;
  backup_add_piece(&b->next, &piece);
  bool ok = true;
  while (ok && !copy.is_done) ok = ship_part(b, &b->next, &copy);
  if (!ok) return false;
  backup_cut_pieces(&b->next, from, count - from);
  return publish_next(b);
}

/* Begins to ship the base, if the store has a newer one than the backup. */
static bool begin_base(struct backup *b, const struct flow_store_range *range) {
  if (b->ships_base || range->base <= b->next.base) return true;
  if (is_folding(range)) {
    if (!b->needs_base) return true; /* a later look will find the next base */
    struct flow_report report;
    struct flow_store *store = committer_borrow(b->committer);
    if (store == NULL) return false;
    enum flow_status status = flow_store_fold(store, FOLD_US, &report);
    committer_give_back(b->committer);
    if (status != FLOW_OK) end_run(b, &report);
    return status == FLOW_OK && rest(b, FOLD_US); /* a fold may have to pause, too */
  }
  b->ships_base = true;
  b->base_copy = (struct flow_store_copy){.first = range->base, .last = range->base,
                                          .is_base = true};
  backup_manifest_free(&b->base);
  memcpy(b->base.store_id, b->next.store_id, sizeof b->base.store_id);
  const struct backup_piece piece = {.is_base = true, .timeline = range->timeline,
                                     .first = range->base, .last = range->base};
  backup_add_piece(&b->base, &piece);
  return keep(b);
}

/* Ships one part of the base; behind the last one, the base takes the place of what it contains. */
static bool ship_base(struct backup *b) {
  if (!ship_part(b, &b->base, &b->base_copy)) return false;
  if (!b->base_copy.is_done) return true;
  const struct backup_manifest old = b->next;
  struct backup_manifest next = b->base;
  next.base = b->base_copy.last;
  memcpy(next.flow_name, old.flow_name, sizeof next.flow_name);
  b->base = (struct backup_manifest){0};
  for (uint32_t i = 0; i < old.piece_count; i++) {
    const struct backup_piece *piece = &old.pieces[i];
    if (piece->is_base || piece->last <= next.base) continue;
    struct backup_piece *kept = backup_add_piece(&next, piece);
    for (uint32_t k = 0; k < piece->part_count; k++) backup_add_part(kept, piece->parts[k]);
  }
  backup_manifest_free(&b->next);
  b->next = next;
  b->ships_base = b->needs_base = false;
  return publish_next(b);
}

/* -- taking over */

struct numbers {
  uint64_t newest[64]; /* the highest ones, falling */
  size_t count;
};

static bool note_number(void *context, const char *name) {
  struct numbers *n = context;
  uint64_t number;
  if (!backup_manifest_number(name, &number)) return true;
  size_t limit = sizeof n->newest / sizeof n->newest[0];
  size_t at = n->count < limit ? n->count++ : limit - 1;
  if (at == limit - 1 && n->count == limit && n->newest[at] > number) return true;
  for (; at > 0 && n->newest[at - 1] < number; at--) n->newest[at] = n->newest[at - 1];
  n->newest[at] = number;
  return true;
}

/* Finds the newest manifest that can be read; false: the thread has to end. */
static bool read_current(struct backup *b) {
  struct numbers n = {0};
  struct flow_buf bytes = {0};
  const struct request list = {.what = LIST, .name = "manifest/", .list = note_number,
                               .context = &n};
  bool ok = insist(b, &list) == PLACE_OK;
  for (size_t i = 0; ok && i < n.count && b->current.number == 0; i++) {
    char name[BACKUP_NAME];
    backup_manifest_name(n.newest[i], name);
    const struct request get = {.what = GET, .name = name, .out = &bytes};
    enum place_result result = insist(b, &get);
    ok = result != PLACE_CANCELLED;
    bool is_good = result == PLACE_OK && backup_decode(&b->current, bytes.data, bytes.length) &&
                   b->current.number == n.newest[i];
    if (result == PLACE_OK && !is_good) backup_manifest_free(&b->current);
  }
  flow_buf_free(&bytes);
  b->newest = n.count > 0 ? n.newest[0] : 0;
  if (!ok || n.count == 0 || b->current.number != 0) return ok;
  struct flow_report report;
  flow_report_fail(&report, FLOW_E_CORRUPT, "the backup at %s is damaged: no manifest can be read",
                   b->settings.url);
  flow_report_help(&report, "give another --backup; the state in the state directory is not "
                   "concerned");
  end_run(b, &report);
  return false;
}

/* Refuses the backup of another flow or store, and one that is ahead of the store. */
static bool check_owner(struct backup *b, const struct flow_store_range *range,
                        const uint8_t *store_id) {
  const struct backup_manifest *m = &b->current;
  struct flow_report report;
  if (m->number == 0) return true;
  bool is_ahead = m->timeline > range->timeline ||
                  (m->timeline == range->timeline && m->head > range->head);
  if (!backup_is_of(m, b->settings.flow_name, b->settings.flow_was)) {
    flow_report_fail(&report, FLOW_E_MISMATCH,
                     "the backup at %s belongs to the flow `%s`, and this is `%s`", b->settings.url,
                     m->flow_name, b->settings.flow_name);
    flow_report_help(&report, "give this flow another --backup");
  } else if (memcmp(m->store_id, store_id, sizeof m->store_id) != 0) {
    flow_report_fail(&report, FLOW_E_MISMATCH, "the backup at %s is of another state directory",
                     b->settings.url);
    flow_report_help(&report, "give this run another --backup; or move the state directory away, "
                     "and the run restores the one of the backup");
  } else if (is_ahead) {
    flow_report_fail(&report, FLOW_E_MISMATCH,
                     "the backup at %s is newer than the state directory: it reaches to epoch "
                     "%" PRId64 ", the directory to %" PRId64, b->settings.url, m->head,
                     range->head);
    flow_report_help(&report, "the directory is an older copy: move it away, and the run restores "
                     "the one of the backup; or give another --backup");
  } else {
    return true;
  }
  end_run(b, &report);
  return false;
}

static bool link_of(void *context, int64_t epoch, uint64_t *link) {
  return flow_store_link(context, epoch, link) == FLOW_OK;
}

/* Finds out what of the backup is this store's past, and whether that can be continued. */
static void compare(struct backup *b, struct flow_store *store, bool *has_parted) {
  struct flow_store_range range = flow_store_range(store);
  b->next = backup_manifest_copy(&b->current);
  memcpy(b->next.store_id, flow_store_identity(store), sizeof b->next.store_id);
  snprintf(b->next.flow_name, sizeof b->next.flow_name, "%s", b->settings.flow_name);
  b->next.store_head.length = 0;
  if (b->current.number == 0) b->next.base = b->next.head = -1;
  uint32_t shared =
      backup_shared_pieces(&b->next, range.base, range.head, link_of, store);
  *has_parted = shared < b->next.piece_count && b->current.timeline == range.timeline;
  backup_cut_pieces(&b->next, shared, b->next.piece_count - shared);
  if (shared == 0) b->next.base = -1;
  b->needs_base = reached(&b->next) < range.base;
  if (!b->needs_base && b->next.base != range.base) {
    /* Ids that were dropped may be gone from the store, and still be in the older base. */
    struct flow_report report;
    struct flow_buf head = {0};
    if (flow_store_copy_head(store, b->next.base, reached(&b->next), &head, &report) == FLOW_OK)
      b->needs_base = !flow_store_head_covers(head.data, head.length, b->current.store_head.data,
                                              b->current.store_head.length);
    flow_buf_free(&head);
  }
  if (!b->needs_base) return;
  backup_cut_pieces(&b->next, 0, b->next.piece_count);
  b->next.base = -1;
}

static bool collect(void *context, const char *name) {
  struct sweep *sweep = context;
  if (!is_named(sweep->b, name)) flow_buf_add(&sweep->names, name, strlen(name) + 1);
  return true;
}

/* Removes what runs that were killed have left. */
static bool tidy_up(struct backup *b) {
  char folder[BACKUP_NAME];
  backup_store_folder(&b->current, folder);
  struct sweep sweep = {.b = b};
  const struct request manifests = {.what = LIST, .name = "manifest/", .list = collect,
                                    .context = &sweep};
  const struct request parts = {.what = LIST, .name = folder, .list = collect, .context = &sweep};
  bool ok = insist(b, &manifests) == PLACE_OK && insist(b, &parts) == PLACE_OK;
  for (size_t at = 0; ok && at < sweep.names.length; at += strlen(sweep.names.data + at) + 1) {
    discard(b, sweep.names.data + at);
    ok = !is_cancelled(b);
  }
  flow_buf_free(&sweep.names);
  return ok;
}

/* Takes the backup over: from here on an older run finds that it is not alone. */
static bool take_over(struct backup *b) {
  if (!read_current(b)) return false;
  struct flow_store *store = committer_borrow(b->committer);
  if (store == NULL) return false;
  bool has_parted = false;
  struct flow_store_range range = flow_store_range(store);
  bool ok = check_owner(b, &range, flow_store_identity(store));
  if (ok) compare(b, store, &has_parted);
  committer_give_back(b->committer);
  if (!ok) return false;
  if (has_parted) {
    struct flow_report report;
    flow_report_fail(&report, FLOW_E_MISMATCH, "the backup at %s and the state directory have gone "
                     "different ways: they are of two copies of one state", b->settings.url);
    flow_report_help(&report, "give this run another --backup; or move the state directory away, "
                     "and the run restores the one of the backup");
    end_run(b, &report);
    return false;
  }
  if (b->current.number == 0) return keep(b);
  if (b->needs_base) {
    struct backup_manifest same = backup_manifest_copy(&b->current);
    ok = publish(b, &same);
  } else {
    ok = publish_next(b);
  }
  return ok && tidy_up(b);
}

/* -- the thread */

/* Waits until there is something to do; false: cancelled. */
static bool wait_for_work(struct backup *b, bool has_work, bool *is_finishing) {
  const struct flow_sys *sys = b->sys;
  sys->monitor_lock(sys, b->monitor);
  while (!has_work && !b->is_cancelled && !b->is_finishing) {
    int64_t rest_us = b->next_us - sys->monotonic_us(sys);
    if (b->has_news && rest_us <= 0) break;
    sys->monitor_wait(sys, b->monitor, b->has_news ? rest_us : -1);
  }
  bool goes_on = !b->is_cancelled;
  *is_finishing = b->is_finishing;
  b->has_news = false;
  sys->monitor_unlock(sys, b->monitor);
  return goes_on;
}

/* Ships until cancelled or finished; true: everything is shipped. */
static bool ship(struct backup *b) {
  bool is_finishing, is_there, has_work = true;
  while (wait_for_work(b, has_work, &is_finishing)) {
    struct flow_store_range range = range_of(b, &is_there);
    if (!is_there || !begin_base(b, &range)) return false;
    int64_t now_us = b->sys->monotonic_us(b->sys);
    bool has_epochs = !b->needs_base && range.head > reached(&b->next);
    bool is_due = is_finishing || now_us >= b->next_us;
    has_work = true;
    if (has_epochs && is_due) {
      b->next_us = now_us + b->interval_us;
      if (!ship_epochs(b, &range)) return false;
    } else if (b->ships_base) {
      if (!ship_base(b)) return false;
    } else if (!b->needs_base) {
      if (is_finishing) return true;
      has_work = false;
      if (!has_epochs) continue;
      b->sys->monitor_lock(b->sys, b->monitor);
      b->has_news = true; /* not yet due */
      b->sys->monitor_unlock(b->sys, b->monitor);
    }
  }
  return false;
}

static void run(void *argument) {
  struct backup *b = argument;
  bool has_all = take_over(b);
  settle(b);
  if (has_all) has_all = ship(b);
  b->sys->monitor_lock(b->sys, b->monitor);
  b->has_all = has_all;
  b->has_ended = true;
  b->sys->monitor_wake_all(b->sys, b->monitor);
  b->sys->monitor_unlock(b->sys, b->monitor);
}

/* Called on the store thread. */
static void note_commit(void *context) {
  struct backup *b = context;
  b->sys->monitor_lock(b->sys, b->monitor);
  b->has_news = true;
  b->sys->monitor_wake_all(b->sys, b->monitor);
  b->sys->monitor_unlock(b->sys, b->monitor);
}

/* -- the engine's side */

enum flow_status backup_start(const struct flow_sys *sys, const struct backup_settings *settings,
                              struct committer *committer, int64_t interval_us,
                              bool (*is_stopped)(void *context), void *context,
                              struct backup **started, struct flow_report *report) {
  struct backup *b = flow_sys_must_alloc(sys, sizeof *b);
  *b = (struct backup){.sys = sys, .settings = *settings, .committer = committer,
                       .interval_us = interval_us, .shipped = -1, .committed = -1};
  *started = b;
  b->monitor = sys->monitor_new(sys);
  if (b->monitor == NULL) flow_out_of_memory(sizeof *b);
  b->wake_fd = sys->wake_open(sys);
  if (b->wake_fd < 0)
    return flow_report_errno(report, FLOW_E_IO, b->wake_fd, "start the backup");
  const struct backup_place_settings where = {.url = settings->url,
                                              .s3_endpoint = settings->s3_endpoint,
                                              .is_cancelled = is_cancelled,
                                              .context = b};
  enum flow_status status = backup_place_open(sys, &where, &b->place, report);
  if (status != FLOW_OK) return status;
  int error = sys->random(sys, b->run_id, sizeof b->run_id);
  if (error == 0) error = sys->thread_start(sys, &b->thread, run, b);
  if (error < 0) return flow_report_errno(report, FLOW_E_IO, error, "start the backup");
  committer_watch(committer, note_commit, b);
  sys->monitor_lock(sys, b->monitor);
  while (!b->is_settled && !is_stopped(context)) sys->monitor_wait(sys, b->monitor, LOOK_US);
  bool is_settled = b->is_settled;
  sys->monitor_unlock(sys, b->monitor);
  return is_settled ? backup_status(b, report) : FLOW_E_LOCKED;
}

enum flow_status backup_status(struct backup *b, struct flow_report *report) {
  b->sys->monitor_lock(b->sys, b->monitor);
  enum flow_status status = b->status;
  if (status != FLOW_OK) *report = b->report;
  b->sys->monitor_unlock(b->sys, b->monitor);
  return status;
}

int backup_wake_fd(const struct backup *b) {
  return b->wake_fd;
}

/* With the lock held. */
static enum flow_status report_behind(const struct backup *b, struct flow_report *report) {
  flow_report_fail(report, FLOW_E_IO, "the backup at %s is behind: ", b->settings.url);
  if (b->shipped < 0) flow_report_add(report, "it has no epoch");
  else flow_report_add(report, "it reaches to epoch %" PRId64, b->shipped);
  if (b->committed >= 0) flow_report_add(report, ", and %" PRId64 " is saved here", b->committed);
  if (b->last_trouble.message[0] != '\0')
    flow_report_add(report, "\n  %s", b->last_trouble.message);
  flow_report_help(report, "nothing is lost while the state directory is there; the next run ships "
                   "the rest");
  return FLOW_E_IO;
}

enum flow_status backup_finish(struct backup *b, bool (*is_stopped)(void *context), void *context,
                               struct flow_report *report) {
  const struct flow_sys *sys = b->sys;
  committer_release(b->committer);
  bool has_no_time = false;
  sys->monitor_lock(sys, b->monitor);
  b->is_finishing = true;
  sys->monitor_wake_all(sys, b->monitor);
  while (!b->has_ended && !(has_no_time = is_stopped(context)))
    sys->monitor_wait(sys, b->monitor, LOOK_US);
  enum flow_status status = b->status;
  if (status != FLOW_OK) *report = b->report;
  else if (!b->has_all && !has_no_time) status = report_behind(b, report);
  sys->monitor_unlock(sys, b->monitor);
  return status;
}

void backup_stop(struct backup *b) {
  if (b == NULL) return;
  const struct flow_sys *sys = b->sys;
  if (b->thread != NULL) {
    committer_watch(b->committer, NULL, NULL);
    committer_release(b->committer);
    sys->monitor_lock(sys, b->monitor);
    b->is_cancelled = true;
    sys->monitor_wake_all(sys, b->monitor);
    sys->monitor_unlock(sys, b->monitor);
    sys->thread_join(sys, b->thread);
  }
  if (b->place != NULL) b->place->close(b->place);
  if (b->wake_fd >= 0) sys->close(sys, b->wake_fd);
  sys->monitor_free(sys, b->monitor);
  backup_manifest_free(&b->current);
  backup_manifest_free(&b->before);
  backup_manifest_free(&b->next);
  backup_manifest_free(&b->base);
  flow_buf_free(&b->buffer);
  sys->free(sys, b);
}
