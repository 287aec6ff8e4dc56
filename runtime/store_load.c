/* Loading an id: its base, overlaid with what changed since, in the program's types. */
#include "store_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <lmdb.h>
#include <string.h>

struct loader {
  struct flow_store *store;
  struct store_id *id;
  flow_store_row row;
  void *context;
  struct flow_store_loaded loaded;
  struct flow_report *report;
  enum flow_status status;  /* of the callback */
  struct store_base found;  /* what the base really holds */
  uintptr_t page;           /* of the base that was visited last */
  struct flow_buf key[2], value[2]; /* two each, for chains of versions */
};

/* The way from each version to the next one, made at the first use. */
static int plan_version(struct loader *load, struct store_version *version) {
  if (version->has_diff) return 0;
  const struct store_version *next = version + 1;
  struct flow_schema_pool *pool = load->store->pool;
  if (!flow_schema_compare(pool, next->name, version->key, next->key, FLOW_SCHEMA_KEY,
                           &version->key_diff) ||
      !flow_schema_compare(pool, next->name, version->value, next->value, 0,
                           &version->value_diff))
    return ENOMEM;
  version->has_diff = true;
  if (version->key_diff.plan != NULL && version->value_diff.plan != NULL) return 0;
  store_corrupt(load->store, load->report, "two types of `%s` do not follow each other",
                next->name);
  return STORE_STOP;
}

/* Rewrites bytes of an older version step by step; *data may point into one of the buffers then. */
static int migrate(struct loader *load, uint32_t from, bool is_key, const uint8_t **data,
                   size_t *length) {
  struct flow_buf *buffers = is_key ? load->key : load->value;
  struct store_id *id = load->id;
  if (from == 0 || from > id->version_count) {
    store_corrupt(load->store, load->report, "a row of `%s` has no type",
                  id->versions[id->version_count - 1].name);
    return STORE_STOP;
  }
  for (uint32_t v = from; v < id->version_count; v++) {
    struct store_version *version = &id->versions[v - 1];
    int code = plan_version(load, version);
    if (code != 0) return code;
    const struct flow_schema_diff *diff = is_key ? &version->key_diff : &version->value_diff;
    if (diff->is_copy) continue;
    struct flow_buf *out = &buffers[v % 2];
    out->length = 0;
    if (!flow_schema_convert(diff->plan, *data, *length, out)) {
      flow_report_fail(load->report, FLOW_E_MISMATCH,
                       "a saved value of `%s` cannot be migrated: it is damaged, or holds an int "
                       "that is not exact as a float", version[1].name);
      flow_report_help(load->report, "keep the old type, or give the state a new name");
      return STORE_STOP;
    }
    *data = (const uint8_t *)out->data;
    *length = out->length;
  }
  return 0;
}

static int hand_out(struct loader *load, struct store_row row) {
  uint32_t newest = load->id->version_count;
  int code = 0;
  if (row.key_version != newest)
    code = migrate(load, row.key_version, true, &row.key, &row.key_length);
  if (code == 0 && row.value_version != newest)
    code = migrate(load, row.value_version, false, &row.value, &row.value_length);
  if (code != 0) return code;
  load->loaded.rows++;
  load->loaded.bytes += row.key_length + row.value_length;
  load->status =
      load->row(load->context, row.row, row.key, row.key_length, row.value, row.value_length);
  if (load->status == FLOW_OK) return 0;
  load->report->status = load->status;
  return STORE_STOP;
}

static int base_is_wrong(struct loader *load) {
  store_corrupt(load->store, load->report, "rows of `%s` are damaged or missing",
                load->id->versions[load->id->version_count - 1].name);
  return STORE_STOP;
}

/* A changed row; `record` is what the base has of it, or null. */
static int hand_out_changed(struct loader *load, struct store_row row,
                            const struct store_record *record) {
  if (row.value == NULL) return 0;
  if (row.key == NULL) {
    if (record == NULL) return base_is_wrong(load);
    row.key = record->key;
    row.key_length = record->key_length;
    row.key_version = record->key_version;
  }
  return hand_out(load, row);
}

static int read_record(struct loader *load, const MDB_val *key, const MDB_val *data, uint64_t *row,
                       struct store_record *record) {
  if (key->mv_size != sizeof *row) return base_is_wrong(load);
  memcpy(row, key->mv_data, sizeof *row);
  store_visit(data->mv_data, &load->page);
  if (!store_decode_record(record, load->id->number, *row, data->mv_data, data->mv_size))
    return base_is_wrong(load);
  load->found.rows++;
  load->found.sum += record->hash;
  load->found.bytes += record->key_length + record->value_length;
  return 0;
}

/* Walks base and changes together, both in row order. */
static int merge(struct loader *load, MDB_cursor *cursor, struct store_rows *rows) {
  MDB_val key, data;
  struct store_row changed;
  bool has_changed = store_rows_next(rows, &changed);
  int code;
  while (cursor != NULL && (code = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) == 0) {
    uint64_t row;
    struct store_record record;
    code = read_record(load, &key, &data, &row, &record);
    while (code == 0 && has_changed && changed.row < row) {
      code = hand_out_changed(load, changed, NULL);
      has_changed = store_rows_next(rows, &changed);
    }
    if (code != 0) return code;
    if (has_changed && changed.row == row) {
      code = hand_out_changed(load, changed, &record);
      has_changed = store_rows_next(rows, &changed);
    } else {
      struct store_row unchanged = {row, record.key, record.value, record.key_length,
                                    record.value_length, record.key_version,
                                    record.value_version};
      code = hand_out(load, unchanged);
    }
    if (code != 0) return code;
  }
  if (cursor != NULL && code != MDB_NOTFOUND) return code;
  for (code = 0; code == 0 && has_changed; has_changed = store_rows_next(rows, &changed))
    code = hand_out_changed(load, changed, NULL);
  return code;
}

static int load_in(struct loader *load, MDB_txn *txn) {
  struct flow_store *store = load->store;
  struct store_id *id = load->id;
  struct store_rows rows;
  MDB_cursor *cursor = NULL;
  unsigned dbi;
  int code = store_collect(store, txn, id->number, store->meta.base + 1, store->meta.head, 0,
                           &rows, load->report);
  if (code != 0) return code;
  uint64_t last = rows.count == 0 ? 0 : rows.refs[rows.count - 1].row + 1;
  load->loaded.next_row = last > id->base.next_row ? last : id->base.next_row;
  code = store_base_open(txn, id->number, false, &dbi);
  if (code == 0) code = mdb_cursor_open(txn, dbi, &cursor);
  if (code == 0 || code == MDB_NOTFOUND) code = merge(load, cursor, &rows);
  if (cursor != NULL) mdb_cursor_close(cursor);
  store_rows_free(store, &rows);
  if (code == 0 && (load->found.rows != id->base.rows || load->found.sum != id->base.sum ||
                    load->found.bytes != id->base.bytes))
    return base_is_wrong(load);
  return code;
}

enum flow_status flow_store_load(struct flow_store *store, uint16_t id, flow_store_row row,
                                 void *context, struct flow_store_loaded *loaded,
                                 struct flow_report *report) {
  enum flow_status status = store_usable(store, report);
  if (status != FLOW_OK) return status;
  if (store->damaged >= 0) return store_reachable(store, store->meta.head + 1, report);
  struct loader load = {.store = store, .id = store_find_id(store, id), .row = row,
                        .context = context, .report = report};
  if (load.id == NULL)
    return flow_report_fail(report, FLOW_E_BUG, "id %u is not known", (unsigned)id);
  MDB_txn *txn;
  int code = store_read_begin(store, &txn);
  if (code == 0) {
    code = load_in(&load, txn);
    store_read_end(txn);
  }
  for (int i = 0; i < 2; i++) {
    flow_buf_free(&load.key[i]);
    flow_buf_free(&load.value[i]);
  }
  *loaded = load.loaded;
  return code == 0 ? FLOW_OK : store_fail(store, report, code, "load the saved state");
}
