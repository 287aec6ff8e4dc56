/* Folding old epochs into the base.
 *
 * Deltas hold absolute values, so base and kept deltas together are right at every moment of a
 * fold. It goes id by id: the rows that changed are collected and copied into an image in row order, and
 * slices of it are put into base.N, one transaction each, which also moves the cursor in meta. The
 * last transaction deletes the epochs. After a crash the image is made again from the cursor on.
 *
 *   begin   meta.fold_to = newest epoch that may go; epochs before it are out of reach from now on
 *   slices  rows of fold_id from fold_row on; then the next id
 *   end     base = fold_to; its epochs are deleted, and ids that were dropped before its end
 */
#include "store_impl.h"

#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>

/* Rows between two looks at the clock. */
#define ROWS_PER_LOOK 32
/* Time for the rows of one slice. Pages that a slice frees serve the next but one, so the file
 * grows by about two slices: measured on a base of 63 MB, it was 2.2 times the base with 50 ms,
 * 1.7 with 5. */
#define SLICE_US 5000
/* Bytes that a slice puts at most, so that large values do not fill the memory with dirty pages. */
#define SLICE_BYTES ((size_t)32 << 20)

/* -- the image: row, flags (FLOW_DELTA_*), versions, [key], [value] for each row, in row order */

struct image_row {
  uint64_t row;
  uint8_t flags;
  struct store_record record;
};

static void put_image_row(struct flow_buf *image, const struct store_row *row) {
  uint8_t flags = (uint8_t)((row->key != NULL ? FLOW_DELTA_KEY : 0) |
                            (row->value == NULL ? FLOW_DELTA_TOMBSTONE : 0));
  flow_put_entry(image, row->row, flags);
  if (row->key != NULL) {
    flow_put_varint(image, row->key_version);
    flow_put_bytes(image, row->key, row->key_length);
  }
  if (row->value != NULL) {
    flow_put_varint(image, row->value_version);
    flow_put_bytes(image, row->value, row->value_length);
  }
}

/* The image is our own memory, so reading it cannot fail. */
static struct image_row get_image_row(struct flow_reader *image) {
  struct image_row row = {.row = flow_get_varint(image)};
  row.flags = flow_get_byte(image);
  if (row.flags & FLOW_DELTA_KEY) {
    row.record.key_version = (uint32_t)flow_get_varint(image);
    row.record.key = (const uint8_t *)flow_get_bytes(image, &row.record.key_length);
  }
  if (!(row.flags & FLOW_DELTA_TOMBSTONE)) {
    row.record.value_version = (uint32_t)flow_get_varint(image);
    row.record.value = (const uint8_t *)flow_get_bytes(image, &row.record.value_length);
  }
  return row;
}

void store_fold_forget(struct flow_store *store) {
  flow_buf_free(&store->fold.image);
  store->fold.image = (struct flow_buf){0};
  store->fold.cursor = 0;
  store->fold.has_image = false;
}

/* The first id that the running fold has not done; null: all are. */
static struct store_id *fold_target(struct flow_store *store) {
  for (size_t i = 0; i < store->id_count; i++) {
    struct store_id *id = &store->ids[i];
    bool is_gone = id->dropped >= 0 && id->dropped <= store->meta.fold_to + 1;
    if (id->number >= store->meta.fold_id && !is_gone) return id;
  }
  return NULL;
}

static enum flow_status make_image(struct flow_store *store, const struct store_id *id,
                                   struct flow_report *report) {
  store_fold_forget(store);
  struct store_rows rows;
  MDB_txn *txn;
  int code = store_read_begin(store, &txn);
  if (code == 0) {
    code = store_collect(store, txn, id->number, store->meta.base + 1, store->meta.fold_to,
                         store->meta.fold_row, &rows, report);
    if (code == 0) {
      struct store_row row;
      while (store_rows_next(&rows, &row)) put_image_row(&store->fold.image, &row);
      store_rows_free(store, &rows);
      store->fold.has_image = true;
    }
    store_read_end(txn);
  }
  if (code == 0) return FLOW_OK;
  store->has_failed = true;
  return store_fail(store, report, code, "fold old epochs");
}

/* -- a slice */

struct slice {
  struct store_id *id;
  int64_t deadline_us;
  struct store_meta meta;
  struct store_base base;
  size_t cursor;
};

static int fold_rows(struct flow_store *store, struct slice *slice, struct store_writer *writer) {
  const struct flow_buf *image = &store->fold.image;
  struct flow_reader r = flow_reader_of(image->data, image->length);
  r.p += slice->cursor;
  const uint8_t *start = r.p;
  for (unsigned count = 1; r.p != r.end; count++) {
    struct image_row row = get_image_row(&r);
    if (!r.ok) return MDB_CORRUPTED;
    bool is_gone = row.flags & FLOW_DELTA_TOMBSTONE;
    int code = store_writer_put(writer, row.row, is_gone ? NULL : &row.record);
    if (code != 0) return code;
    slice->meta.fold_row = row.row + 1;
    if ((size_t)(r.p - start) > SLICE_BYTES) break;
    if (count % ROWS_PER_LOOK == 0 &&
        store->sys->monotonic_us(store->sys) >= slice->deadline_us)
      break;
  }
  slice->cursor = image->length - flow_reader_left(&r);
  if (r.p != r.end) return 0;
  slice->meta.fold_id = (uint16_t)(slice->id->number + 1);
  slice->meta.fold_row = 0;
  return 0;
}

static int put_base(struct flow_store *store, MDB_txn *txn, uint16_t id,
                    const struct store_base *base) {
  uint8_t name[6] = "base";
  store_put16(name + 4, id);
  store->scratch.length = 0;
  store_encode_base(&store->scratch, id, base);
  MDB_val key = {.mv_data = name, .mv_size = sizeof name};
  MDB_val data = {.mv_data = store->scratch.data, .mv_size = store->scratch.length};
  return mdb_put(txn, store->meta_db, &key, &data, 0);
}

static int write_slice(struct flow_store *store, MDB_txn *txn, void *context,
                       struct flow_report *report) {
  (void)report;
  struct slice *slice = context;
  slice->meta = store->meta;
  slice->cursor = store->fold.cursor;
  struct store_writer writer;
  int code = store_writer_open(&writer, store, txn, slice->id->number, &slice->id->base);
  if (code == 0) code = fold_rows(store, slice, &writer);
  if (code == 0) code = store_writer_end(&writer);
  if (code != 0) return code;
  slice->base = writer.base;
  code = put_base(store, txn, slice->id->number, &slice->base);
  return code == 0 ? store_put_meta(store, txn, &slice->meta) : code;
}

static enum flow_status fold_slice(struct flow_store *store, struct store_id *id,
                                   int64_t deadline_us, struct flow_report *report) {
  struct slice slice = {.id = id, .deadline_us = deadline_us};
  enum flow_status status = store_write(store, write_slice, &slice, "fold old epochs", report);
  if (status != FLOW_OK) return status;
  store->meta = slice.meta;
  id->base = slice.base;
  store->fold.cursor = slice.cursor;
  if (store->meta.fold_id > id->number) store_fold_forget(store);
  return FLOW_OK;
}

/* -- begin and end */

static int write_begin(struct flow_store *store, MDB_txn *txn, void *context,
                       struct flow_report *report) {
  (void)report;
  struct store_meta *meta = context;
  *meta = store->meta;
  meta->fold_to = store->foldable_to;
  meta->fold_id = 1;
  meta->fold_row = 0;
  return store_put_meta(store, txn, meta);
}

/* Deletes an id that was dropped before the new base, so that nothing of it can be asked for. */
static int delete_id(struct flow_store *store, MDB_txn *txn, const struct store_id *id) {
  uint8_t name[6] = "base";
  store_put16(name + 4, id->number);
  MDB_val key = {.mv_data = name, .mv_size = sizeof name};
  unsigned dbi;
  int code = mdb_del(txn, store->meta_db, &key, NULL);
  if (code != 0 && code != MDB_NOTFOUND) return code;
  code = store_base_open(txn, id->number, false, &dbi);
  if (code == 0) code = mdb_drop(txn, dbi, 1);
  if (code != 0 && code != MDB_NOTFOUND) return code;
  store_put16(name, id->number);
  for (uint32_t v = 0; v <= id->version_count; v++) {
    store_put32(name + 2, v);
    code = mdb_del(txn, store->schema_db, &key, NULL);
    if (code != 0) return code;
  }
  return 0;
}

static int write_end(struct flow_store *store, MDB_txn *txn, void *context,
                     struct flow_report *report) {
  (void)report;
  struct store_meta *meta = context;
  *meta = store->meta;
  int code = store_delete_epochs(txn, store->delta_db, meta->base + 1, meta->fold_to);
  if (code == 0) /* the record of fold_to stays, as the start of the chain of epochs */
    code = store_delete_epochs(txn, store->epochs_db, meta->base, meta->fold_to - 1);
  int64_t oldest = meta->fold_to < store->keep.base ? meta->fold_to : store->keep.base;
  for (size_t i = 0; code == 0 && i < store->id_count; i++) {
    const struct store_id *id = &store->ids[i];
    if (id->dropped >= 0 && id->dropped <= oldest + 1) code = delete_id(store, txn, id);
  }
  meta->base = meta->fold_to;
  return code == 0 ? store_put_meta(store, txn, meta) : code;
}

static enum flow_status end_fold(struct flow_store *store, struct flow_report *report) {
  struct store_meta meta;
  int64_t old_base = store->meta.base;
  enum flow_status status = store_write(store, write_end, &meta, "fold old epochs", report);
  if (status != FLOW_OK) return status;
  store->meta = meta;
  store->fold.finished++;
  store_reweigh(store, old_base);
  return store_read(store, false, report);
}

/* -- when */

struct reader_look {
  int own_pid;
  unsigned long long newest;
  bool is_old;
};

static int look_at_reader(const char *line, void *context) {
  struct reader_look *look = context;
  int pid;
  unsigned long long thread, txn;
  if (sscanf(line, "%d %llx %llu", &pid, &thread, &txn) == 3 && pid != look->own_pid &&
      txn < look->newest)
    look->is_old = true;
  return 0;
}

/* An old reader of another process keeps LMDB from using free pages again: the file would grow. */
static bool has_old_reader(struct flow_store *store) {
  MDB_envinfo info;
  int dead;
  if (mdb_reader_check(store->env, &dead) != 0 || mdb_env_info(store->env, &info) != 0)
    return false;
  struct reader_look look = {.own_pid = store->pid, .newest = info.me_last_txnid};
  mdb_reader_list(store->env, look_at_reader, &look);
  return look.is_old;
}

/* Bytes of old epochs that are worth a fold: three quarters of the base. A fold reads and writes as
 * much as changed, so the rarer it is, the cheaper; but the file is the base, the epochs beside it
 * and what a slice or two copy, and that shall stay below twice the base and the last epoch. */
static uint64_t fold_threshold(const struct flow_store *store) {
  uint64_t size = 0;
  for (size_t i = 0; i < store->id_count; i++) size += store->ids[i].base_size;
  return size / 4 * 3 > store->fold_floor ? size / 4 * 3 : store->fold_floor;
}

/* One step of the running fold: an image and a slice of it, or the end. */
static enum flow_status fold_step(struct flow_store *store, int64_t slice_us,
                                  struct flow_report *report) {
  struct store_id *id = fold_target(store);
  if (id == NULL) return end_fold(store, report);
  if (!store->fold.has_image) {
    enum flow_status status = make_image(store, id, report);
    if (status != FLOW_OK) return status;
  }
  if (store->fold.image.length == 0) {
    /* Nothing of it changed. That the cursor moves need not be on the disk. */
    store_fold_forget(store);
    store->meta.fold_id = (uint16_t)(id->number + 1);
    store->meta.fold_row = 0;
    return FLOW_OK;
  }
  return fold_slice(store, id, store->sys->monotonic_us(store->sys) + slice_us, report);
}

static bool is_folding(const struct flow_store *store) {
  return store->meta.fold_to > store->meta.base;
}

/* True if a fold runs or should begin. */
static bool has_to_fold(const struct flow_store *store) {
  if (is_folding(store)) return true;
  return !store->keep.holds_base && store->foldable_bytes >= fold_threshold(store);
}

static bool is_urgent(const struct flow_store *store) {
  uint64_t threshold = fold_threshold(store);
  return store->foldable_bytes >= threshold + threshold / 3; /* the whole base */
}

bool flow_store_can_fold(const struct flow_store *store) {
  return !store->fold.is_paused && !store->has_failed && store->damaged < 0 && has_to_fold(store);
}

bool flow_store_must_fold(const struct flow_store *store) {
  return flow_store_can_fold(store) && is_urgent(store);
}

enum flow_status flow_store_fold(struct flow_store *store, int64_t budget_us,
                                 struct flow_report *report) {
  enum flow_status status = store_usable(store, report);
  if (status != FLOW_OK || store->damaged >= 0) return status;
  if (!has_to_fold(store)) return FLOW_OK;
  store->fold.is_paused = has_old_reader(store);
  if (store->fold.is_paused) return FLOW_OK;
  int64_t slice_us = budget_us > SLICE_US ? SLICE_US : budget_us;
  int64_t deadline = store->sys->monotonic_us(store->sys) + budget_us;
  if (!is_folding(store)) {
    struct store_meta meta;
    status = store_write(store, write_begin, &meta, "fold old epochs", report);
    if (status == FLOW_OK) store->meta = meta;
  }
  while (status == FLOW_OK && is_folding(store)) {
    status = fold_step(store, slice_us, report);
    if (store->sys->monotonic_us(store->sys) >= deadline) break;
  }
  return status;
}
