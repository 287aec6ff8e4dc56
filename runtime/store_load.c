/* Reading an id: its base, overlaid with what changed since, in the types of one version. */
#include "store_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <lmdb.h>
#include <string.h>

/* The way from each version to the next one, made at the first use. */
static int plan_version(struct store_scan *scan, struct store_version *version) {
  if (version->has_diff) return 0;
  const struct store_version *next = version + 1;
  struct flow_schema_pool *pool = scan->store->pool;
  if (!flow_schema_compare(pool, next->name, version->key, next->key, FLOW_SCHEMA_KEY,
                           &version->key_diff) ||
      !flow_schema_compare(pool, next->name, version->value, next->value, 0,
                           &version->value_diff))
    return ENOMEM;
  version->has_diff = true;
  if (version->key_diff.plan != NULL && version->value_diff.plan != NULL) return 0;
  store_corrupt(scan->store, scan->report, "two types of `%s` do not follow each other",
                next->name);
  return STORE_STOP;
}

enum flow_status store_report_inexact(const char *name, struct flow_report *report) {
  flow_report_fail(report, FLOW_E_MISMATCH,
                   "a saved value of `%s` cannot be migrated: it is damaged, or holds an int that is "
                   "not exact as a float", name);
  flow_report_help(report, "keep the old type, or give the state a new name");
  return FLOW_E_MISMATCH;
}

/* Rewrites bytes of an older version step by step; *data may point into one of the buffers then. */
static int migrate(struct store_scan *scan, uint32_t from, bool is_key, const uint8_t **data,
                   size_t *length) {
  struct flow_buf *buffers = is_key ? scan->key : scan->value;
  struct store_id *id = scan->id;
  if (from == 0 || from > scan->version) {
    store_corrupt(scan->store, scan->report, "a row of `%s` has no type",
                  id->versions[id->version_count - 1].name);
    return STORE_STOP;
  }
  for (uint32_t v = from; v < scan->version; v++) {
    struct store_version *version = &id->versions[v - 1];
    int code = plan_version(scan, version);
    if (code != 0) return code;
    const struct flow_schema_diff *diff = is_key ? &version->key_diff : &version->value_diff;
    if (diff->is_copy) continue;
    struct flow_buf *out = &buffers[v % 2];
    out->length = 0;
    if (!flow_schema_convert(diff->plan, *data, *length, out)) {
      store_report_inexact(version[1].name, scan->report);
      return STORE_STOP;
    }
    *data = (const uint8_t *)out->data;
    *length = out->length;
  }
  return 0;
}

static int hand_out(struct store_scan *scan, struct store_row row) {
  int code = 0;
  if (row.key_version != scan->version)
    code = migrate(scan, row.key_version, true, &row.key, &row.key_length);
  if (code == 0 && row.value_version != scan->version)
    code = migrate(scan, row.value_version, false, &row.value, &row.value_length);
  if (code != 0) return code;
  scan->loaded.rows++;
  scan->loaded.bytes += row.key_length + row.value_length;
  scan->status =
      scan->row(scan->context, row.row, row.key, row.key_length, row.value, row.value_length);
  if (scan->status == FLOW_OK) return 0;
  scan->report->status = scan->status;
  return STORE_STOP;
}

static int base_is_wrong(struct store_scan *scan) {
  store_corrupt(scan->store, scan->report, "rows of `%s` are damaged or missing",
                scan->id->versions[scan->id->version_count - 1].name);
  return STORE_STOP;
}

/* A changed row; `record` is what the base has of it, or null. */
static int hand_out_changed(struct store_scan *scan, struct store_row row,
                            const struct store_record *record) {
  if (row.value == NULL) return 0;
  if (row.key == NULL) {
    if (record == NULL) return base_is_wrong(scan);
    row.key = record->key;
    row.key_length = record->key_length;
    row.key_version = record->key_version;
  }
  return hand_out(scan, row);
}

static void count_record(struct store_scan *scan, const struct store_record *record) {
  scan->found.rows++;
  scan->found.sum += record->sum;
  scan->found.bytes += record->key_length + record->value_length;
}

/* Walks base and changes together, both in row order. A walk that the callback ends has counted the
 * records of the base up to the row that was handed out last, and no others. */
static int merge(struct store_scan *scan, struct store_walk *base, struct store_rows *rows) {
  struct store_row changed;
  struct store_record record;
  uint64_t row;
  bool has_changed = store_rows_next(rows, &changed);
  int code;
  while ((code = store_walk_next(base, &row, &record)) == 0) {
    while (code == 0 && has_changed && changed.row < row) {
      code = hand_out_changed(scan, changed, NULL);
      has_changed = store_rows_next(rows, &changed);
    }
    if (code != 0) return code;
    count_record(scan, &record);
    if (has_changed && changed.row == row) {
      code = hand_out_changed(scan, changed, &record);
      has_changed = store_rows_next(rows, &changed);
    } else {
      struct store_row unchanged = {row, record.key, record.value, record.key_length,
                                    record.value_length, record.key_version,
                                    record.value_version};
      code = hand_out(scan, unchanged);
    }
    if (code != 0) return code;
  }
  if (code != MDB_NOTFOUND) return code == MDB_CORRUPTED ? base_is_wrong(scan) : code;
  for (code = 0; code == 0 && has_changed; has_changed = store_rows_next(rows, &changed))
    code = hand_out_changed(scan, changed, NULL);
  return code;
}

int store_scan(struct store_scan *scan, MDB_txn *txn) {
  struct flow_store *store = scan->store;
  struct store_id *id = scan->id;
  struct store_rows rows;
  struct store_walk base;
  int code = store_collect(store, txn, id->number, store->meta.base + 1, scan->to, scan->first,
                           &rows, scan->report);
  if (code != 0) return code;
  uint64_t last = rows.count == 0 ? 0 : rows.refs[rows.count - 1].row + 1;
  scan->loaded.next_row = last > id->base.next_row ? last : id->base.next_row;
  code = store_walk_open(&base, txn, id->number, scan->first);
  if (code == 0) code = merge(scan, &base, &rows);
  store_walk_close(&base);
  store_rows_free(store, &rows);
  return code;
}

int store_scan_end(struct store_scan *scan) {
  const struct store_base *base = &scan->id->base;
  bool is_whole = scan->found.rows == base->rows && scan->found.sum == base->sum &&
                  scan->found.bytes == base->bytes;
  return is_whole ? 0 : base_is_wrong(scan);
}

void store_scan_free(struct store_scan *scan) {
  for (int i = 0; i < 2; i++) {
    flow_buf_free(&scan->key[i]);
    flow_buf_free(&scan->value[i]);
    scan->key[i] = scan->value[i] = (struct flow_buf){0};
  }
}

enum flow_status flow_store_load(struct flow_store *store, uint16_t id, flow_store_row row,
                                 void *context, struct flow_store_loaded *loaded,
                                 struct flow_report *report) {
  enum flow_status status = store_usable(store, report);
  if (status != FLOW_OK) return status;
  if (store->damaged >= 0) return store_reachable(store, store->meta.head + 1, report);
  struct store_scan scan = {.store = store, .id = store_find_id(store, id), .to = store->meta.head,
                            .row = row, .context = context, .report = report};
  if (scan.id == NULL)
    return flow_report_fail(report, FLOW_E_BUG, "id %u is not known", (unsigned)id);
  scan.version = scan.id->version_count;
  MDB_txn *txn;
  int code = store_read_begin(store, &txn);
  if (code == 0) {
    code = store_scan(&scan, txn);
    if (code == 0) code = store_scan_end(&scan);
    store_read_end(txn);
  }
  store_scan_free(&scan);
  *loaded = scan.loaded;
  return code == 0 ? FLOW_OK : store_fail(store, report, code, "load the saved state");
}
