/* Copying a store out while it is in use, and making one from a copy.
 *
 * The records of a copy, one behind the other: a byte that names the tree, the id (trees of bases
 * only) and two strings of bytes, key and value. Keys and values are those of the trees, with their
 * checksums; but the number of a chunk of a base is big endian here, whatever the machine's order is. */
#include "store_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <lmdb.h>
#include <string.h>

enum tree { TREE_META = 1, TREE_COUNTS, TREE_SCHEMA, TREE_EPOCHS, TREE_DELTA, TREE_BASE };

struct record {
  enum tree tree;
  uint16_t id;
  const char *key, *value;
  size_t key_length, value_length;
};

static void put_record(struct flow_buf *out, enum tree tree, uint16_t id, const void *key,
                       size_t key_length, const MDB_val *value) {
  flow_put_byte(out, (uint8_t)tree);
  flow_put_varint(out, id);
  flow_put_bytes(out, key, key_length);
  flow_put_bytes(out, value->mv_data, value->mv_size);
}

static struct record get_record(struct flow_reader *r) {
  struct record record = {.tree = (enum tree)flow_get_byte(r)};
  uint64_t id = flow_get_varint(r);
  if (id > UINT16_MAX) flow_reader_fail(r);
  record.id = (uint16_t)id;
  record.key = flow_get_bytes(r, &record.key_length);
  record.value = flow_get_bytes(r, &record.value_length);
  return record;
}

/* -- out: what stays meanwhile */

const uint8_t *flow_store_identity(const struct flow_store *store) {
  return store->meta.store_id;
}

const char *flow_store_flow_name(const struct flow_store *store) {
  return store->meta.flow_name;
}

void flow_store_keep(struct flow_store *store, const struct flow_store_keep *keep) {
  store->keep = *keep;
  if (keep->copied < store->foldable_to) { /* counted already, and to be kept all the same */
    store->foldable_to = store->meta.base;
    store->foldable_bytes = 0;
  }
  store_count_foldable(store);
}

/* -- out: epochs and base */

struct copying {
  struct flow_store *store;
  MDB_txn *txn;
  struct flow_store_copy *copy;
  struct flow_buf *out;
  size_t end; /* length of *out at which this call has enough */
  struct flow_report *report;
};

static bool has_enough(const struct copying *c) {
  return c->out->length >= c->end;
}

static int epoch_is_wrong(const struct copying *c) {
  store_corrupt(c->store, c->report, "the data of epoch %" PRId64 " is wrong", c->copy->epoch);
  return STORE_STOP;
}

/* Copies the record of the epoch that is next, and notes what its chunks have to be. */
static int copy_epoch_record(struct copying *c) {
  struct flow_store_copy *copy = c->copy;
  uint8_t name[8];
  store_put64(name, (uint64_t)copy->epoch);
  MDB_val key = {.mv_data = name, .mv_size = sizeof name}, data;
  struct store_epoch epoch;
  uint64_t link;
  int code = mdb_get(c->txn, c->store->epochs_db, &key, &data);
  if (code == MDB_NOTFOUND) return epoch_is_wrong(c);
  if (code != 0) return code;
  if (!store_decode_epoch(&epoch, copy->epoch, data.mv_data, data.mv_size, &link) ||
      (copy->has_begun && epoch.before != copy->link))
    return epoch_is_wrong(c);
  put_record(c->out, TREE_EPOCHS, 0, name, sizeof name, &data);
  copy->has_begun = copy->has_record = true;
  copy->link = link;
  copy->chunks = epoch.chunks;
  copy->chunk_hash = 0;
  copy->before = epoch.chunk_hash;
  copy->id = 0;
  copy->chunk = 0;
  return 0;
}

/* Copies one chunk of the epoch. */
static int copy_chunk(struct copying *c, const MDB_val *key, const MDB_val *data) {
  struct flow_store_copy *copy = c->copy;
  const uint8_t *name = key->mv_data, *bytes = data->mv_data;
  uint16_t id = store_get16(name + 8);
  uint32_t chunk = store_get32(name + 10);
  if (copy->chunks == 0 || data->mv_size < STORE_CHUNK_HEADER ||
      store_get64(bytes) !=
          store_chunk_hash(copy->epoch, id, chunk, bytes + 8, data->mv_size - 8))
    return epoch_is_wrong(c);
  put_record(c->out, TREE_DELTA, 0, name, key->mv_size, data);
  copy->chunk_hash = store_hash(bytes, 8, copy->chunk_hash);
  copy->chunks--;
  copy->id = id;
  copy->chunk = chunk + 1;
  return 0;
}

/* Copies epochs in order, each one's record and then its chunks. */
static int copy_epochs(struct copying *c) {
  struct flow_store_copy *copy = c->copy;
  MDB_cursor *cursor;
  int code = mdb_cursor_open(c->txn, c->store->delta_db, &cursor);
  if (code != 0) return code;
  while (code == 0 && copy->epoch <= copy->last && !has_enough(c)) {
    if (!copy->has_record) code = copy_epoch_record(c);
    uint8_t name[STORE_CHUNK_KEY];
    store_chunk_key(name, copy->epoch, copy->id, copy->chunk);
    MDB_val key = {.mv_data = name, .mv_size = sizeof name}, data;
    int found = code == 0 ? mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE) : code;
    while (found == 0 && code == 0 && key.mv_size == STORE_CHUNK_KEY &&
           store_get64(key.mv_data) == (uint64_t)copy->epoch) {
      code = copy_chunk(c, &key, &data);
      if (code == 0 && has_enough(c)) break;
      found = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
    }
    if (code == 0 && found != 0 && found != MDB_NOTFOUND) code = found;
    if (code != 0 || copy->chunks > 0) {
      if (code == 0 && !has_enough(c)) code = epoch_is_wrong(c);
      continue;
    }
    if (copy->chunk_hash != copy->before) code = epoch_is_wrong(c);
    copy->has_record = false;
    copy->epoch++;
  }
  mdb_cursor_close(cursor);
  if (code == 0) copy->is_done = copy->epoch > copy->last;
  return code;
}

static int base_is_wrong(const struct copying *c, const struct store_id *id) {
  store_corrupt(c->store, c->report, "rows of `%s` are damaged or missing",
                id->versions[id->version_count - 1].name);
  return STORE_STOP;
}

static int copy_counts(struct copying *c, const struct store_id *id) {
  uint8_t name[6] = "base";
  store_put16(name + 4, id->number);
  MDB_val key = {.mv_data = name, .mv_size = sizeof name}, data;
  int code = mdb_get(c->txn, c->store->meta_db, &key, &data);
  if (code == MDB_NOTFOUND) return 0;
  if (code == 0) put_record(c->out, TREE_COUNTS, 0, name, sizeof name, &data);
  return code;
}

/* Copies the chunks of one id's base from row copy->row on; *is_over: there are no more. */
static int copy_chunks(struct copying *c, const struct store_id *id, bool *is_over) {
  struct flow_store_copy *copy = c->copy;
  MDB_cursor *cursor = NULL;
  unsigned dbi;
  int code = store_base_open(c->txn, id->number, false, &dbi);
  if (code == 0) code = mdb_cursor_open(c->txn, dbi, &cursor);
  MDB_val key = {.mv_data = &copy->row, .mv_size = sizeof copy->row}, data;
  if (code == 0) code = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
  while (code == 0 && !has_enough(c)) {
    uint64_t row;
    uint8_t name[8];
    const uint8_t *chunk = data.mv_data;
    memcpy(&row, key.mv_data, sizeof row);
    if (data.mv_size < STORE_BASE_HEADER ||
        store_get64(chunk) != store_base_hash(id->number, row, chunk + STORE_BASE_HEADER,
                                              data.mv_size - STORE_BASE_HEADER)) {
      code = base_is_wrong(c, id);
      break;
    }
    store_put64(name, row);
    put_record(c->out, TREE_BASE, id->number, name, sizeof name, &data);
    copy->sum += store_get64(chunk);
    copy->row = row + 1;
    code = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
  }
  if (cursor != NULL) mdb_cursor_close(cursor);
  *is_over = code == MDB_NOTFOUND;
  return *is_over ? 0 : code;
}

/* The id with the smallest number from `number` on; null: there is none. */
static const struct store_id *next_id(const struct flow_store *store, uint16_t number) {
  for (size_t i = 0; i < store->id_count; i++)
    if (store->ids[i].number >= number) return &store->ids[i];
  return NULL;
}

/* The base: the record of its epoch, and for each id its counts and its chunks. */
static int copy_base(struct copying *c) {
  struct flow_store_copy *copy = c->copy;
  int code = copy->has_begun ? 0 : copy_epoch_record(c);
  while (code == 0 && !has_enough(c)) {
    const struct store_id *id = next_id(c->store, copy->id);
    copy->is_done = id == NULL;
    if (id == NULL) break;
    bool is_over;
    if (!copy->has_counts) code = copy_counts(c, id);
    copy->has_counts = true;
    if (code == 0) code = copy_chunks(c, id, &is_over);
    if (code != 0 || !is_over) continue;
    if (copy->sum != id->base.sum) code = base_is_wrong(c, id);
    copy->id = (uint16_t)(id->number + 1);
    copy->row = copy->sum = 0;
    copy->has_counts = false;
  }
  return code;
}

enum flow_status flow_store_copy_next(struct flow_store *store, struct flow_store_copy *copy,
                                      size_t limit, struct flow_buf *out,
                                      struct flow_report *report) {
  enum flow_status status = store_usable(store, report);
  if (status != FLOW_OK) return status;
  if (!copy->has_begun) copy->epoch = copy->first;
  int64_t oldest = copy->is_base ? store->meta.base : store->meta.base + 1;
  bool is_there = copy->first >= oldest && copy->last <= store->meta.head && copy->first >= 0 &&
                  (!copy->is_base || copy->last == store->meta.base);
  if (!is_there)
    return flow_report_fail(report, FLOW_E_RANGE,
                            "epochs %" PRId64 " to %" PRId64 " in %s cannot be copied: they are "
                            "gone",
                            copy->first, copy->last, store->dir);
  struct copying c = {.store = store, .copy = copy, .out = out, .end = out->length + limit,
                      .report = report};
  int code = store_read_begin(store, &c.txn);
  if (code == 0) {
    code = copy->is_base ? copy_base(&c) : copy_epochs(&c);
    store_read_end(c.txn);
  }
  return code == 0 ? FLOW_OK : store_fail(store, report, code, "copy the saved state");
}

/* -- out: the head */

static int copy_schema(struct flow_store *store, MDB_txn *txn, struct flow_buf *out) {
  MDB_cursor *cursor;
  int code = mdb_cursor_open(txn, store->schema_db, &cursor);
  if (code != 0) return code;
  MDB_val key, data;
  while ((code = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) == 0)
    put_record(out, TREE_SCHEMA, 0, key.mv_data, key.mv_size, &data);
  mdb_cursor_close(cursor);
  return code == MDB_NOTFOUND ? 0 : code;
}

enum flow_status flow_store_copy_head(struct flow_store *store, int64_t base, int64_t head,
                                      struct flow_buf *out, struct flow_report *report) {
  enum flow_status status = store_usable(store, report);
  if (status != FLOW_OK) return status;
  struct store_meta meta = store->meta;
  meta.base = meta.fold_to = base;
  meta.head = head;
  meta.fold_id = 1;
  meta.fold_row = 0;
  store->scratch.length = 0;
  store_encode_meta(&store->scratch, &meta);
  MDB_val data = {.mv_data = store->scratch.data, .mv_size = store->scratch.length};
  put_record(out, TREE_META, 0, "store", 5, &data);
  MDB_txn *txn;
  int code = store_read_begin(store, &txn);
  if (code == 0) {
    code = copy_schema(store, txn, out);
    store_read_end(txn);
  }
  return code == 0 ? FLOW_OK : store_fail(store, report, code, "copy the saved state");
}

/* True if the head has a schema record with this key. */
static bool head_has(const void *head, size_t length, const struct record *wanted) {
  struct flow_reader r = flow_reader_of(head, length);
  while (r.ok && r.p != r.end) {
    struct record record = get_record(&r);
    if (record.tree == TREE_SCHEMA && record.key_length == wanted->key_length &&
        memcmp(record.key, wanted->key, wanted->key_length) == 0)
      return true;
  }
  return false;
}

bool flow_store_head_covers(const void *later, size_t later_length, const void *earlier,
                            size_t earlier_length) {
  struct flow_reader r = flow_reader_of(earlier, earlier_length);
  while (r.ok && r.p != r.end) {
    struct record record = get_record(&r);
    if (record.tree == TREE_SCHEMA && !head_has(later, later_length, &record)) return false;
  }
  return r.ok;
}

enum flow_status flow_store_link(struct flow_store *store, int64_t epoch, uint64_t *link) {
  if (epoch < 0 || epoch < store->meta.base || epoch > store->meta.head) return FLOW_E_RANGE;
  uint8_t name[8];
  store_put64(name, (uint64_t)epoch);
  MDB_val key = {.mv_data = name, .mv_size = sizeof name}, data;
  struct store_epoch record;
  MDB_txn *txn;
  if (store_read_begin(store, &txn) != 0) return FLOW_E_IO;
  int code = mdb_get(txn, store->epochs_db, &key, &data);
  bool ok = code == 0 && store_decode_epoch(&record, epoch, data.mv_data, data.mv_size, link);
  store_read_end(txn);
  return ok ? FLOW_OK : FLOW_E_CORRUPT;
}

/* -- in */

enum flow_status flow_store_import_begin(const struct flow_sys *sys, const char *dir,
                                         struct flow_store **begun, struct flow_report *report) {
  *begun = NULL;
  struct flow_store *store = store_alloc(sys, dir, report);
  if (store == NULL) return report->status;
  *begun = store;
  enum flow_status status = store_enter(store, true, report);
  if (status != FLOW_OK) return status;
  if (flow_store_is_there(sys, dir)) {
    flow_report_fail(report, FLOW_E_MISMATCH, "there is saved state in %s already", dir);
    flow_report_help(report, "restore into another directory, or move that one away first");
    return FLOW_E_MISMATCH;
  }
  store->made_store = store->is_import = true;
  return store_new_begin(store, report);
}

struct importing {
  const void *data;
  size_t length;
  struct store_meta meta;
};

static int not_a_copy(struct flow_report *report) {
  flow_report_fail(report, FLOW_E_CORRUPT, "the copy of the saved state is damaged");
  return STORE_STOP;
}

static int import_meta(struct importing *in, const struct record *record,
                       struct flow_report *report) {
  if (!store_decode_meta(&in->meta, record->value, record->value_length)) return not_a_copy(report);
  if (in->meta.format == STORE_FORMAT) return 0;
  flow_report_fail(report, FLOW_E_MISMATCH,
                   "the copy of the saved state has format %" PRIu32
                   ", and this program reads format %d", in->meta.format, STORE_FORMAT);
  flow_report_help(report, "compile the flow with the flowcc that wrote the state, or a newer one");
  return STORE_STOP;
}

/* The epoch that a record of epochs or deltas belongs to. */
static int64_t epoch_of(const struct record *record) {
  return record->key_length < 8 ? 0 : (int64_t)store_get64((const uint8_t *)record->key);
}

static int import_record(struct flow_store *store, MDB_txn *txn, struct importing *in,
                         const struct record *record, struct flow_report *report) {
  MDB_val key = {.mv_data = (void *)record->key, .mv_size = record->key_length};
  MDB_val data = {.mv_data = (void *)record->value, .mv_size = record->value_length};
  uint64_t row;
  unsigned dbi, flags = MDB_APPEND;
  int code = 0;
  if (record->key_length == 0 || record->key_length > STORE_CHUNK_KEY) return not_a_copy(report);
  switch (record->tree) {
    case TREE_META: return import_meta(in, record, report);
    case TREE_COUNTS: dbi = store->meta_db; flags = 0; break;
    case TREE_SCHEMA: dbi = store->schema_db; break;
    case TREE_EPOCHS: /* the base's own may come twice, see below */
      dbi = store->epochs_db;
      if (epoch_of(record) == in->meta.base) flags = 0;
      break;
    case TREE_DELTA: dbi = store->delta_db; break;
    case TREE_BASE:
      if (record->key_length != sizeof row) return not_a_copy(report);
      row = store_get64((const uint8_t *)record->key);
      key.mv_data = &row;
      code = store_base_open(txn, record->id, true, &dbi);
      break;
    default: return not_a_copy(report);
  }
  /* A range of epochs may begin in front of the base's end: those are in the base. */
  bool is_folded = (record->tree == TREE_EPOCHS && epoch_of(record) < in->meta.base) ||
                   (record->tree == TREE_DELTA && epoch_of(record) <= in->meta.base);
  if (is_folded) return 0;
  if (code == 0) code = mdb_put(txn, dbi, &key, &data, flags);
  return code == MDB_KEYEXIST ? not_a_copy(report) : code;
}

static int import_records(struct flow_store *store, MDB_txn *txn, void *context,
                          struct flow_report *report) {
  struct importing *in = context;
  in->meta = store->meta;
  int code = store_open_trees(store, txn, MDB_CREATE);
  struct flow_reader r = flow_reader_of(in->data, in->length);
  while (code == 0 && r.p != r.end) {
    struct record record = get_record(&r);
    code = r.ok ? import_record(store, txn, in, &record, report) : not_a_copy(report);
  }
  return code;
}

enum flow_status flow_store_import(struct flow_store *store, const void *data, size_t length,
                                   struct flow_report *report) {
  struct importing in = {.data = data, .length = length};
  enum flow_status status = store_write(store, import_records, &in, "restore the state", report);
  if (status == FLOW_OK) store->meta = in.meta;
  return status;
}

static int import_last(struct flow_store *store, MDB_txn *txn, void *context,
                       struct flow_report *report) {
  (void)report;
  struct store_meta meta = store->meta;
  meta.timeline = *(const uint64_t *)context;
  int code = store_open_trees(store, txn, MDB_CREATE);
  return code == 0 ? store_put_meta(store, txn, &meta) : code;
}

enum flow_status flow_store_import_end(struct flow_store *store, uint64_t timeline,
                                       struct flow_report *report) {
  enum flow_status status = FLOW_OK;
  if (store->meta.format == 0)
    status = flow_report_fail(report, FLOW_E_CORRUPT, "the copy of the saved state has no head");
  if (status == FLOW_OK)
    status = store_write(store, import_last, &timeline, "restore the state", report);
  return store_new_end(store, status, report);
}
