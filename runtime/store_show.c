/* flow/store.h: rows, changes and epochs of a view, and the check of all of it.
 *
 * A stream hands out the rows of some ids one after the other. It copies some out in a transaction,
 * which then ends, hands those out, and goes on behind the last one in the next transaction.
 */
#include "store_impl.h"

#include <lmdb.h>
#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Rows between two looks at the clock. */
#define ROWS_PER_LOOK 256
/* Records of epochs that are copied out at a time. */
#define EPOCHS_PER_SLICE 1024

/* -- streams */

struct stream {
  struct flow_view *view;
  const struct flow_view_id *const *ids;
  size_t count;
  int64_t epoch;
  size_t at_id;           /* the id that is being read; the ids before it are done */
  struct store_scan scan; /* of that id, if has_scan */
  bool has_scan;
  struct store_base base; /* of that id, as it was at first */
  bool is_folded_under;   /* a fold has moved since: rows of the base were seen in two forms */
  bool is_of_base;        /* all that is in the base now; a fold may take the id away */
  uint64_t next_row;
  bool is_full;
  int64_t deadline_us;
  struct flow_buf rows; /* what was copied out: number of the id, row, key, value */
  size_t at;            /* the next of them */
};

struct stream_row {
  size_t number; /* of the id among those of the stream */
  uint64_t row;
  struct flow_view_row data;
};

static enum flow_status keep_row(void *context, uint64_t row, const void *key, size_t key_length,
                                 const void *value, size_t value_length) {
  struct stream *s = context;
  const struct flow_sys *sys = s->view->store->sys;
  flow_put_varint(&s->rows, s->at_id);
  flow_put_varint(&s->rows, row);
  flow_put_bytes(&s->rows, key, key_length);
  flow_put_bytes(&s->rows, value, value_length);
  s->next_row = row + 1;
  s->is_full = s->rows.length >= FLOW_VIEW_SLICE_BYTES ||
               (s->scan.loaded.rows % ROWS_PER_LOOK == 0 &&
                sys->monotonic_us(sys) >= s->deadline_us);
  return s->is_full ? FLOW_E_RANGE : FLOW_OK;
}

static struct stream stream_of(struct flow_view *view, const struct flow_view_id *const *ids,
                               size_t count, int64_t epoch) {
  return (struct stream){.view = view, .ids = ids, .count = count, .epoch = epoch};
}

static void stream_free(struct stream *s) {
  store_scan_free(&s->scan);
  flow_buf_free(&s->rows);
}

static void next_id(struct stream *s) {
  store_scan_free(&s->scan);
  s->has_scan = false;
  s->at_id++;
}

/* True if the stream's epoch has the id. */
static bool has_id(const struct stream *s, const struct flow_view_id *id) {
  if (s->is_of_base) return true;
  return s->epoch == s->view->since ? id->is_in_since : id->is_in_epoch;
}

/* Goes on with the present id, in the transaction. */
static int fill_id(struct stream *s, struct flow_report *report) {
  struct flow_store *store = s->view->store;
  struct store_scan *scan = &s->scan;
  const struct flow_view_id *id = s->ids[s->at_id];
  struct store_id *found = has_id(s, id) ? store_find_id(store, id->number) : NULL;
  if (found == NULL && has_id(s, id) && !s->is_of_base) {
    store_outrun(s->view, report);
    return STORE_STOP;
  }
  if (found == NULL) {
    next_id(s);
    return 0;
  }
  if (!s->has_scan) {
    *scan = (struct store_scan){.to = s->epoch, .version = id->version, .row = keep_row};
    s->base = found->base;
    s->next_row = 0;
    s->has_scan = true;
    s->is_folded_under = false;
  }
  if (memcmp(&s->base, &found->base, sizeof s->base) != 0) s->is_folded_under = true;
  scan->store = store;
  scan->id = found;
  scan->first = s->next_row;
  scan->context = s;
  scan->report = report;
  int code = store_scan(scan, s->view->txn);
  if (code == STORE_STOP && s->is_full) return 0;
  if (code == 0 && !s->is_folded_under) code = store_scan_end(scan);
  if (code == 0) next_id(s);
  return code;
}

static enum flow_status stream_fill(struct stream *s, struct flow_report *report) {
  struct flow_store *store = s->view->store;
  s->at = s->rows.length = 0;
  s->is_full = false;
  enum flow_status status = store_view_begin(s->view, report);
  if (status != FLOW_OK) return status;
  s->deadline_us = store->sys->monotonic_us(store->sys) + FLOW_VIEW_SLICE_US;
  int code = 0;
  while (code == 0 && !s->is_full && s->at_id < s->count) code = fill_id(s, report);
  if (code != 0) status = store_fail(store, report, code, "read the saved state");
  store_view_end(s->view);
  return status;
}

/* Gets the next row; *has_row is false at the end. The bytes live until the next call. */
static enum flow_status stream_next(struct stream *s, struct stream_row *row, bool *has_row,
                                    struct flow_report *report) {
  *has_row = false;
  while (s->at == s->rows.length) {
    if (s->at_id == s->count) return FLOW_OK;
    enum flow_status status = stream_fill(s, report);
    if (status != FLOW_OK) return status;
  }
  struct flow_reader r = flow_reader_of(s->rows.data, s->rows.length);
  r.p += s->at;
  row->number = (size_t)flow_get_varint(&r);
  row->row = flow_get_varint(&r);
  row->data.id = s->ids[row->number];
  row->data.key = flow_get_bytes(&r, &row->data.key_length);
  row->data.value = flow_get_bytes(&r, &row->data.value_length);
  s->at = s->rows.length - flow_reader_left(&r);
  *has_row = true;
  return FLOW_OK;
}

/* -- rows */

enum flow_status flow_view_rows(struct flow_view *view, const struct flow_view_id *const *ids,
                                size_t count, flow_view_visit visit, void *context,
                                struct flow_report *report) {
  struct stream s = stream_of(view, ids, count, view->info.epoch);
  struct stream_row row;
  bool has_row;
  enum flow_status status;
  do status = stream_next(&s, &row, &has_row, report);
  while (status == FLOW_OK && has_row && visit(context, &row.data));
  stream_free(&s);
  return status;
}

struct find {
  const void *key;
  size_t key_length;
  struct flow_buf *value;
  bool found;
};

static bool find_row(void *context, const struct flow_view_row *row) {
  struct find *find = context;
  if (row->key_length != find->key_length || memcmp(row->key, find->key, row->key_length) != 0)
    return true;
  flow_buf_add(find->value, row->value, row->value_length);
  find->found = true;
  return false;
}

enum flow_status flow_view_find(struct flow_view *view, const struct flow_view_id *id,
                                const void *key, size_t key_length, struct flow_buf *value,
                                bool *found, struct flow_report *report) {
  struct find find = {.key = key, .key_length = key_length, .value = value};
  enum flow_status status = flow_view_rows(view, &id, 1, find_row, &find, report);
  *found = find.found;
  return status;
}

/* -- changes */

/* One side of a comparison. */
struct side {
  struct stream stream;
  struct stream_row row;
  bool has_row;
};

static enum flow_status next_of(struct side *side, struct flow_report *report) {
  return stream_next(&side->stream, &side->row, &side->has_row, report);
}

static bool is_equal(const void *a, size_t a_length, const void *b, size_t b_length) {
  return a_length == b_length && memcmp(a, b, a_length) == 0;
}

/* Negative: the row of `a` comes first. A side without a row comes last. */
static int compare_places(const struct side *a, const struct side *b) {
  if (!a->has_row || !b->has_row) return (int)b->has_row - (int)a->has_row;
  if (a->row.number != b->row.number) return a->row.number < b->row.number ? -1 : 1;
  return a->row.row < b->row.row ? -1 : a->row.row > b->row.row;
}

static bool show(flow_view_visit_change visit, void *context, const struct flow_view_row *before,
                 const struct flow_view_row *after) {
  const struct flow_view_row *any = after != NULL ? after : before;
  struct flow_view_change change = {.id = any->id, .key = any->key, .key_length = any->key_length};
  if (before != NULL) {
    change.before = before->value;
    change.before_length = before->value_length;
  }
  if (after != NULL) {
    change.after = after->value;
    change.after_length = after->value_length;
  }
  return visit(context, &change);
}

/* Rows come from both sides in the order of their numbers. A number that stands for another key on
 * the other side was given back and used again: one row went, and another one came. */
static bool show_difference(const struct flow_view_row *before, const struct flow_view_row *after,
                            flow_view_visit_change visit, void *context) {
  if (before != NULL && after != NULL &&
      is_equal(before->key, before->key_length, after->key, after->key_length)) {
    if (is_equal(before->value, before->value_length, after->value, after->value_length))
      return true;
    return show(visit, context, before, after);
  }
  if (before != NULL && !show(visit, context, before, NULL)) return false;
  return after == NULL || show(visit, context, NULL, after);
}

static enum flow_status compare(struct side *old, struct side *new, flow_view_visit_change visit,
                                void *context, struct flow_report *report) {
  enum flow_status status = next_of(old, report);
  if (status == FLOW_OK) status = next_of(new, report);
  while (status == FLOW_OK && (old->has_row || new->has_row)) {
    int order = compare_places(old, new);
    if (!show_difference(order <= 0 ? &old->row.data : NULL, order >= 0 ? &new->row.data : NULL,
                         visit, context))
      return FLOW_OK;
    if (order <= 0) status = next_of(old, report);
    if (status == FLOW_OK && order >= 0) status = next_of(new, report);
  }
  return status;
}

enum flow_status flow_view_changes(struct flow_view *view, const struct flow_view_id *const *ids,
                                   size_t count, flow_view_visit_change visit, void *context,
                                   struct flow_report *report) {
  struct side old = {.stream = stream_of(view, ids, count, view->since)};
  struct side new = {.stream = stream_of(view, ids, count, view->info.epoch)};
  enum flow_status status = compare(&old, &new, visit, context, report);
  stream_free(&old.stream);
  stream_free(&new.stream);
  return status;
}

/* -- epochs */

static enum flow_status copy_epochs(struct flow_view *view, int64_t from,
                                    struct flow_store_epoch_info *infos, size_t *count,
                                    struct flow_report *report) {
  struct flow_store *store = view->store;
  enum flow_status status = store_view_begin(view, report);
  if (status != FLOW_OK) return status;
  for (*count = 0; *count < EPOCHS_PER_SLICE && from <= view->info.newest; from++) {
    uint8_t name[8];
    store_put64(name, (uint64_t)from);
    MDB_val key = {.mv_data = name, .mv_size = sizeof name}, data;
    struct store_epoch epoch;
    uint64_t link;
    if (mdb_get(view->txn, store->epochs_db, &key, &data) != 0 ||
        !store_decode_epoch(&epoch, from, data.mv_data, data.mv_size, &link)) {
      status = store_corrupt(store, report, "the record of epoch %lld is wrong", (long long)from);
      break;
    }
    infos[(*count)++] = epoch.info;
  }
  store_view_end(view);
  return status;
}

enum flow_status flow_view_epochs(struct flow_view *view, flow_view_visit_epoch visit,
                                  void *context, struct flow_report *report) {
  struct flow_store_epoch_info infos[EPOCHS_PER_SLICE];
  int64_t from = view->info.oldest;
  while (from <= view->info.newest) {
    size_t count;
    enum flow_status status = copy_epochs(view, from, infos, &count, report);
    if (status != FLOW_OK) return status;
    for (size_t i = 0; i < count; i++)
      if (!visit(context, &infos[i])) return FLOW_OK;
    from += (int64_t)count;
  }
  return FLOW_OK;
}

/* -- the check */

static enum flow_status wrong_value(struct flow_view *view, const char *name, const char *what,
                                    struct flow_report *report) {
  return store_corrupt(view->store, report, "a %s of `%s` is not of its type", what, name);
}

/* Checks all rows of one id, and adds them up. */
static enum flow_status check_rows(struct stream *s, struct flow_view_sum *sum,
                                   struct flow_report *report) {
  const struct flow_view_id *id = s->ids[0];
  uint64_t seed = XXH3_64bits_withSeed(id->name, strlen(id->name), FLOW_STATE_HASH_SEED);
  struct stream_row row;
  bool has_row;
  enum flow_status status;
  *sum = (struct flow_view_sum){0};
  while ((status = stream_next(s, &row, &has_row, report)) == FLOW_OK && has_row) {
    const struct flow_view_row *data = &row.data;
    const char *what = NULL;
    if (!flow_schema_check(id->key, data->key, data->key_length)) what = "key";
    else if (!flow_schema_check(id->value, data->value, data->value_length)) what = "value";
    if (what != NULL) {
      status = wrong_value(s->view, id->name, what, report);
      break;
    }
    uint64_t key = XXH3_64bits_withSeed(data->key, data->key_length, seed);
    sum->hash += XXH3_64bits_withSeed(data->value, data->value_length, key);
    sum->rows++;
    sum->bytes += data->key_length + data->value_length;
  }
  stream_free(s);
  return status;
}

static int check_entries(struct flow_view *view, const struct store_id *id, int64_t epoch,
                         struct flow_report *report) {
  struct store_rows rows;
  int code = store_collect(view->store, view->txn, id->number, epoch, epoch, 0, &rows, report);
  if (code != 0) return code;
  for (size_t i = 0; code == 0 && i < rows.count; i++) {
    struct store_row row = store_rows_at(&rows, i);
    const struct store_version *version = &id->versions[row.key_version - 1];
    const char *what = NULL;
    if (row.key != NULL && !flow_schema_check(version->key, row.key, row.key_length)) what = "key";
    if (row.value != NULL && !flow_schema_check(version->value, row.value, row.value_length))
      what = "value";
    if (what == NULL) continue;
    wrong_value(view, version->name, what, report);
    code = STORE_STOP;
  }
  store_rows_free(view->store, &rows);
  return code;
}

/* Checks all entries of the epochs from *epoch on, as far as the time goes. */
static enum flow_status check_epochs(struct flow_view *view, int64_t *epoch,
                                     struct flow_report *report) {
  struct flow_store *store = view->store;
  int64_t deadline_us = store->sys->monotonic_us(store->sys) + FLOW_VIEW_SLICE_US;
  enum flow_status status = store_view_begin(view, report);
  if (status != FLOW_OK) return status;
  int code = 0;
  if (*epoch <= store->meta.base) *epoch = store->meta.base + 1;
  while (code == 0 && *epoch <= view->info.newest) {
    for (size_t i = 0; code == 0 && i < store->id_count; i++)
      code = check_entries(view, &store->ids[i], *epoch, report);
    ++*epoch;
    if (store->sys->monotonic_us(store->sys) >= deadline_us) break;
  }
  if (code != 0) status = store_fail(store, report, code, "read the saved state");
  store_view_end(view);
  return status;
}

/* Describes the next id of the store, whether or not the view shows it; *is_last: there is none. */
static enum flow_status describe_next(struct flow_view *view, struct flow_schema_pool *pool,
                                      struct flow_view_id *id, int64_t *base, bool *is_last,
                                      struct flow_report *report) {
  struct flow_store *store = view->store;
  enum flow_status status = store_view_begin(view, report);
  if (status != FLOW_OK) return status;
  const struct store_id *found = NULL;
  for (size_t i = 0; found == NULL && i < store->id_count; i++)
    if (store->ids[i].number > id->number) found = &store->ids[i];
  *is_last = found == NULL;
  *base = store->meta.base;
  if (found != NULL && !store_describe(pool, found, found->version_count, id))
    status = flow_report_fail(report, FLOW_E_MEMORY, "out of memory");
  store_view_end(view);
  return status;
}

/* The rows of the base that later epochs have changed, and those of ids that are dropped, are data
 * that a
 * --resume-epoch may need, so they are checked too. */
static enum flow_status check_base(struct flow_view *view, struct flow_report *report) {
  struct flow_schema_pool *pool = flow_schema_pool_new(view->store->sys);
  if (pool == NULL) return flow_report_fail(report, FLOW_E_MEMORY, "out of memory");
  struct flow_view_id id = {0};
  const struct flow_view_id *only = &id;
  struct flow_view_sum sum;
  int64_t base;
  bool is_last = false;
  enum flow_status status = FLOW_OK;
  while (status == FLOW_OK && !is_last) {
    status = describe_next(view, pool, &id, &base, &is_last, report);
    if (status != FLOW_OK || is_last) break;
    struct stream s = stream_of(view, &only, 1, base);
    s.is_of_base = true;
    status = check_rows(&s, &sum, report);
  }
  flow_schema_pool_free(pool);
  return status;
}

enum flow_status flow_view_verify(struct flow_view *view, flow_view_visit_sum visit, void *context,
                                  struct flow_report *report) {
  enum flow_status status = check_base(view, report);
  int64_t epoch = 0;
  while (status == FLOW_OK && epoch <= view->info.newest)
    status = check_epochs(view, &epoch, report);
  for (size_t i = 0; status == FLOW_OK && i < view->id_count; i++) {
    const struct flow_view_id *id = &view->ids[i];
    struct stream s = stream_of(view, &id, 1, view->info.epoch);
    struct flow_view_sum sum;
    status = check_rows(&s, &sum, report);
    if (status == FLOW_OK) visit(context, id, &sum);
  }
  return status;
}
