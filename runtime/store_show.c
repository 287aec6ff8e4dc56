/* flow/store.h: rows, changes and epochs of a view, and the check of all of it.
 *
 * A stream hands out the rows of an id one after the other. It copies some out in a transaction, which then
 * ends, hands those out, and goes on behind the last one in the next transaction.
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
  const struct flow_view_id *id;
  struct store_scan scan;
  struct store_base base; /* as it was in the first transaction */
  bool is_folded_under;   /* a fold has moved since: rows of the base were seen in two forms */
  bool is_done;
  bool is_of_base; /* all that is in the base now; a fold may take the id away */
  struct flow_buf rows;   /* row, key, value of each that was copied out */
  size_t at;              /* the next of them */
  uint64_t next_row;
  int64_t deadline_us;
};

struct stream_row {
  uint64_t row;
  struct flow_view_row data;
};

static enum flow_status keep_row(void *context, uint64_t row, const void *key, size_t key_length,
                                 const void *value, size_t value_length) {
  struct stream *s = context;
  const struct flow_sys *sys = s->view->store->sys;
  flow_put_varint(&s->rows, row);
  flow_put_bytes(&s->rows, key, key_length);
  flow_put_bytes(&s->rows, value, value_length);
  s->next_row = row + 1;
  bool is_full = s->rows.length >= FLOW_VIEW_SLICE_BYTES ||
                 (s->scan.loaded.rows % ROWS_PER_LOOK == 0 &&
                  sys->monotonic_us(sys) >= s->deadline_us);
  return is_full ? FLOW_E_RANGE : FLOW_OK;
}

static struct stream stream_of(struct flow_view *view, const struct flow_view_id *id, int64_t epoch) {
  return (struct stream){.view = view, .id = id,
                         .scan = {.to = epoch, .version = id->version, .row = keep_row}};
}

static void stream_free(struct stream *s) {
  store_scan_free(&s->scan);
  flow_buf_free(&s->rows);
}

static int fill_in(struct stream *s, struct flow_report *report) {
  struct flow_store *store = s->view->store;
  struct store_scan *scan = &s->scan;
  scan->store = store;
  scan->id = store_find_id(store, s->id->number);
  scan->first = s->next_row;
  scan->context = s;
  scan->report = report;
  scan->status = FLOW_OK;
  if (scan->id == NULL) {
    s->is_done = true;
    if (s->is_of_base) return 0;
    store_outrun(s->view, report);
    return STORE_STOP;
  }
  if (s->next_row == 0) s->base = scan->id->base;
  if (memcmp(&s->base, &scan->id->base, sizeof s->base) != 0) s->is_folded_under = true;
  int code = store_scan(scan, s->view->txn);
  if (code == STORE_STOP && scan->status != FLOW_OK) return 0;
  if (code != 0) return code;
  s->is_done = true;
  return s->is_folded_under ? 0 : store_scan_end(scan);
}

static enum flow_status stream_fill(struct stream *s, struct flow_report *report) {
  struct flow_store *store = s->view->store;
  s->at = s->rows.length = 0;
  s->deadline_us = store->sys->monotonic_us(store->sys) + FLOW_VIEW_SLICE_US;
  enum flow_status status = store_view_begin(s->view, report);
  if (status != FLOW_OK) return status;
  int code = fill_in(s, report);
  if (code != 0) status = store_fail(store, report, code, "read the saved state");
  store_view_end(s->view);
  return status;
}

/* Gets the next row; *has_row is false at the end. The bytes live until the next call. */
static enum flow_status stream_next(struct stream *s, struct stream_row *row, bool *has_row,
                                    struct flow_report *report) {
  *has_row = false;
  while (s->at == s->rows.length) {
    if (s->is_done) return FLOW_OK;
    enum flow_status status = stream_fill(s, report);
    if (status != FLOW_OK) return status;
  }
  struct flow_reader r = flow_reader_of(s->rows.data, s->rows.length);
  r.p += s->at;
  row->row = flow_get_varint(&r);
  row->data.key = flow_get_bytes(&r, &row->data.key_length);
  row->data.value = flow_get_bytes(&r, &row->data.value_length);
  s->at = s->rows.length - flow_reader_left(&r);
  *has_row = true;
  return FLOW_OK;
}

/* -- rows */

enum flow_status flow_view_rows(struct flow_view *view, const struct flow_view_id *id,
                                flow_view_visit visit, void *context, struct flow_report *report) {
  struct stream s = stream_of(view, id, view->info.epoch);
  struct stream_row row;
  bool has_row;
  enum flow_status status;
  do status = stream_next(&s, &row, &has_row, report);
  while (status == FLOW_OK && has_row && visit(context, &row.data));
  stream_free(&s);
  return status;
}

struct count {
  uint64_t rows, bytes;
};

static bool count_row(void *context, const struct flow_view_row *row) {
  struct count *count = context;
  count->rows++;
  count->bytes += row->key_length + row->value_length;
  return true;
}

enum flow_status flow_view_count(struct flow_view *view, const struct flow_view_id *id,
                                 uint64_t *rows, uint64_t *bytes, struct flow_report *report) {
  struct count count = {0};
  enum flow_status status = flow_view_rows(view, id, count_row, &count, report);
  *rows = count.rows;
  *bytes = count.bytes;
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
  enum flow_status status = flow_view_rows(view, id, find_row, &find, report);
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
  if (side->stream.id == NULL) return FLOW_OK; /* the id is not in that epoch */
  return stream_next(&side->stream, &side->row, &side->has_row, report);
}

static bool is_equal(const void *a, size_t a_length, const void *b, size_t b_length) {
  return a_length == b_length && memcmp(a, b, a_length) == 0;
}

static bool show(flow_view_visit_change visit, void *context, const struct flow_view_row *before,
                 const struct flow_view_row *after) {
  struct flow_view_change change = {0};
  const struct flow_view_row *any = after != NULL ? after : before;
  change.key = any->key;
  change.key_length = any->key_length;
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

/* Rows come from both sides in the order of their numbers. A number that stands for another key on the
 * other side was given back and used again: one row went, and another one came. */
static enum flow_status compare(struct side *old, struct side *new, flow_view_visit_change visit,
                                void *context, struct flow_report *report) {
  enum flow_status status = next_of(old, report);
  if (status == FLOW_OK) status = next_of(new, report);
  bool goes_on = true;
  while (status == FLOW_OK && goes_on && (old->has_row || new->has_row)) {
    bool is_old = old->has_row && (!new->has_row || old->row.row <= new->row.row);
    bool is_new = new->has_row && (!old->has_row || new->row.row <= old->row.row);
    const struct flow_view_row *before = &old->row.data, *after = &new->row.data;
    if (is_old && is_new &&
        is_equal(before->key, before->key_length, after->key, after->key_length)) {
      if (!is_equal(before->value, before->value_length, after->value, after->value_length))
        goes_on = show(visit, context, before, after);
    } else {
      if (is_old) goes_on = show(visit, context, before, NULL);
      if (goes_on && is_new) goes_on = show(visit, context, NULL, after);
    }
    if (is_old) status = next_of(old, report);
    if (status == FLOW_OK && is_new) status = next_of(new, report);
  }
  return status;
}

enum flow_status flow_view_changes(struct flow_view *view, const struct flow_view_id *id,
                                   flow_view_visit_change visit, void *context,
                                   struct flow_report *report) {
  struct side old = {0}, new = {0};
  if (id->is_in_since) old.stream = stream_of(view, id, view->since);
  if (id->is_in_epoch) new.stream = stream_of(view, id, view->info.epoch);
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

enum flow_status flow_view_epochs(struct flow_view *view, flow_view_visit_epoch visit, void *context,
                                  struct flow_report *report) {
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

/* Checks all rows of the stream, and adds them to the sum. */
static enum flow_status check_rows(struct stream *s, struct flow_view_sum *sum,
                                   struct flow_report *report) {
  const struct flow_view_id *id = s->id;
  uint64_t seed = XXH3_64bits_withSeed(id->name, strlen(id->name), FLOW_STATE_HASH_SEED);
  struct stream_row row;
  bool has_row;
  enum flow_status status;
  while ((status = stream_next(s, &row, &has_row, report)) == FLOW_OK && has_row) {
    const struct flow_view_row *data = &row.data;
    if (!flow_schema_check(id->key, data->key, data->key_length))
      return wrong_value(s->view, id->name, "key", report);
    if (!flow_schema_check(id->value, data->value, data->value_length))
      return wrong_value(s->view, id->name, "value", report);
    uint64_t key = XXH3_64bits_withSeed(data->key, data->key_length, seed);
    sum->hash += XXH3_64bits_withSeed(data->value, data->value_length, key);
    sum->rows++;
    sum->bytes += data->key_length + data->value_length;
  }
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

/* Gets the next id of the store, whether or not the view shows it; *is_last: there is none. */
static enum flow_status next_id(struct flow_view *view, struct flow_schema_pool *pool,
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

/* The rows of the base that later epochs have changed, and those of ids that are dropped, are data that a
 * --resume-epoch may need, so they are checked too. */
static enum flow_status check_base(struct flow_view *view, struct flow_report *report) {
  struct flow_schema_pool *pool = flow_schema_pool_new(view->store->sys);
  if (pool == NULL) return flow_report_fail(report, FLOW_E_MEMORY, "out of memory");
  struct flow_view_id id = {0};
  struct flow_view_sum sum;
  int64_t base;
  bool is_last = false;
  enum flow_status status = FLOW_OK;
  while (status == FLOW_OK && !is_last) {
    status = next_id(view, pool, &id, &base, &is_last, report);
    if (status != FLOW_OK || is_last) break;
    struct stream s = stream_of(view, &id, base);
    s.is_of_base = true;
    status = check_rows(&s, &sum, report);
    stream_free(&s);
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
    struct stream s = stream_of(view, &view->ids[i], view->info.epoch);
    struct flow_view_sum sum = {0};
    status = check_rows(&s, &sum, report);
    stream_free(&s);
    if (status == FLOW_OK) visit(context, &view->ids[i], &sum);
  }
  return status;
}
