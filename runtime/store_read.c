/* Reading the store into memory when it is opened: meta, ids, epochs; and what it is made of. */
#include "store_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>

struct store_id *store_find_id(struct flow_store *store, uint16_t number) {
  for (size_t i = 0; i < store->id_count; i++)
    if (store->ids[i].number == number) return &store->ids[i];
  return NULL;
}

/* -- how much each epoch weighs, for the decision to fold */

void store_count_foldable(struct flow_store *store) {
  int64_t newest = store->meta.head - (int64_t)store->retain;
  if (store->retain > (uint64_t)INT64_MAX) newest = -1;
  if (newest > store->keep.copied) newest = store->keep.copied;
  while (store->foldable_to < newest)
    store->foldable_bytes += store->weights[store->foldable_to++ - store->meta.base];
}

bool store_weigh(struct flow_store *store, int64_t epoch, uint64_t bytes) {
  size_t i = (size_t)(epoch - store->meta.base - 1);
  if (i >= store->weight_capacity) {
    size_t capacity = store->weight_capacity == 0 ? 1024 : store->weight_capacity * 2;
    uint64_t *grown = store->sys->realloc(store->sys, store->weights, capacity * sizeof *grown);
    if (grown == NULL) return false;
    store->weights = grown;
    store->weight_capacity = capacity;
  }
  store->weights[i] = bytes;
  store->delta_bytes += bytes;
  return true;
}

void store_reweigh(struct flow_store *store, int64_t old_base) {
  int64_t base = store->meta.base, head = store->meta.head;
  if (base != old_base && head > base)
    memmove(store->weights, store->weights + (base - old_base),
            (size_t)(head - base) * sizeof *store->weights);
  store->delta_bytes = 0;
  for (int64_t i = 0; i < head - base; i++) store->delta_bytes += store->weights[i];
  store->foldable_to = base;
  store->foldable_bytes = 0;
  store_count_foldable(store);
}

/* -- meta */

static int read_meta(struct flow_store *store, MDB_txn *txn, struct flow_report *report) {
  MDB_val key = {.mv_data = "store", .mv_size = 5}, data;
  int code = mdb_get(txn, store->meta_db, &key, &data);
  if (code != 0) return code;
  if (!store_decode_meta(&store->meta, data.mv_data, data.mv_size)) {
    store_corrupt(store, report, "its first record is wrong");
    return STORE_STOP;
  }
  if (store->meta.format == STORE_FORMAT) return 0;
  flow_report_fail(report, FLOW_E_MISMATCH,
                   "the state in %s has format %" PRIu32 ", and this program reads format %d",
                   store->dir, store->meta.format, STORE_FORMAT);
  flow_report_help(report, "compile the flow with the flowcc that wrote the state, or a newer one");
  return STORE_STOP;
}

/* -- ids */

static int read_base(struct flow_store *store, MDB_txn *txn, struct store_id *id,
                     struct flow_report *report) {
  uint8_t name[6] = "base";
  store_put16(name + 4, id->number);
  MDB_val key = {.mv_data = name, .mv_size = sizeof name}, data;
  int code = mdb_get(txn, store->meta_db, &key, &data);
  if (code == MDB_NOTFOUND) {
    id->base = (struct store_base){0};
    return 0;
  }
  if (code != 0) return code;
  if (!store_decode_base(&id->base, id->number, data.mv_data, data.mv_size)) {
    store_corrupt(store, report, "the counts of id %u are wrong", (unsigned)id->number);
    return STORE_STOP;
  }
  unsigned dbi;
  MDB_stat stat;
  code = store_base_open(txn, id->number, false, &dbi);
  if (code == MDB_NOTFOUND) return 0; /* if it should not be empty, loading it finds that */
  if (code == 0) code = mdb_stat(txn, dbi, &stat);
  if (code != 0) return code;
  size_t pages = stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
  id->base_size = (pages > 0 ? pages - 1 : 0) * stat.ms_psize; /* one page is next to nothing */
  return 0;
}

static bool add_version(struct flow_store *store, struct store_id *id, uint32_t number,
                        const MDB_val *data) {
  /* The array doubles at each power of two; old ones stay in the pool. */
  uint32_t count = id->version_count;
  if (number != count + 1) return false;
  if ((count & (count - 1)) == 0) {
    uint32_t capacity = count == 0 ? 1 : count * 2;
    struct store_version *grown = flow_schema_alloc(store->pool, capacity * sizeof *grown);
    if (grown == NULL) return false;
    if (count != 0) memcpy(grown, id->versions, count * sizeof *grown);
    id->versions = grown;
  }
  id->version_count++;
  return store_decode_version(store->pool, &id->versions[count], id->number, number, data->mv_data,
                              data->mv_size);
}

static bool add_schema_record(struct flow_store *store, const MDB_val *key, const MDB_val *data) {
  if (key->mv_size != 6) return false;
  const uint8_t *bytes = key->mv_data;
  uint16_t number = store_get16(bytes);
  uint32_t version = store_get32(bytes + 2);
  if (version != 0) {
    struct store_id *last = store->id_count == 0 ? NULL : &store->ids[store->id_count - 1];
    return last != NULL && last->number == number && add_version(store, last, version, data);
  }
  if (store->id_count == FLOW_STORE_IDS || number == 0 || number >= store->meta.next_id)
    return false;
  struct store_id *id = &store->ids[store->id_count++];
  return store_decode_id(id, number, data->mv_data, data->mv_size);
}

/* Ids come from the disk anew: after opening and after each change of the schema. */
static int read_ids(struct flow_store *store, MDB_txn *txn, struct flow_report *report) {
  flow_schema_pool_free(store->pool);
  store->id_count = 0;
  store->pool = flow_schema_pool_new(store->sys);
  store->ids = store->pool == NULL
                   ? NULL
                   : flow_schema_alloc(store->pool, FLOW_STORE_IDS * sizeof *store->ids);
  if (store->ids == NULL) return ENOMEM;
  MDB_cursor *cursor;
  int code = mdb_cursor_open(txn, store->schema_db, &cursor);
  if (code != 0) return code;
  MDB_val key, data;
  bool ok = true;
  while (ok && (code = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) == 0)
    ok = add_schema_record(store, &key, &data);
  mdb_cursor_close(cursor);
  if (ok && code != MDB_NOTFOUND) return code;
  for (size_t i = 0; ok && i < store->id_count; i++) {
    ok = store->ids[i].version_count != 0;
    if (ok && (code = read_base(store, txn, &store->ids[i], report)) != 0) return code;
  }
  if (ok) return 0;
  if (flow_schema_pool_is_short(store->pool)) return ENOMEM;
  store_corrupt(store, report, "the types of its values cannot be read");
  return STORE_STOP;
}

/* -- epochs */

struct epoch_check {
  MDB_cursor *epochs, *deltas;
  MDB_val key, data; /* the chunk that the cursor is at */
  bool has_chunk;
  uint64_t link;
};

static int next_chunk(struct epoch_check *check, MDB_cursor_op op) {
  int code = mdb_cursor_get(check->deltas, &check->key, &check->data, op);
  check->has_chunk = code == 0;
  return code == MDB_NOTFOUND ? 0 : code;
}

/* Checks the chunk under the cursor, which belongs to `epoch`. */
static bool check_chunk(struct flow_store *store, struct epoch_check *check, int64_t epoch,
                        uint16_t *id, uint32_t *chunk, uint64_t *hash) {
  const uint8_t *key = check->key.mv_data, *data = check->data.mv_data;
  if (check->data.mv_size < STORE_CHUNK_HEADER) return false;
  uint16_t number = store_get16(key + 8);
  *chunk = number == *id ? *chunk + 1 : 0;
  *id = number;
  uint64_t own = store_get64(data);
  const struct store_id *owner = store_find_id(store, number);
  uint32_t version = store_get32(data + 8);
  if (store_get32(key + 10) != *chunk || owner == NULL || version == 0 ||
      version > owner->version_count ||
      own != store_chunk_hash(epoch, number, *chunk, data + 8, check->data.mv_size - 8))
    return false;
  *hash = store_hash(data, 8, *hash);
  return true;
}

static int check_epoch(struct flow_store *store, struct epoch_check *check, int64_t number,
                       bool *ok) {
  uint8_t name[8];
  store_put64(name, (uint64_t)number);
  MDB_val key = {.mv_data = name, .mv_size = sizeof name}, data;
  struct store_epoch epoch;
  uint64_t link, chunks = 0, hash = 0, weight = STORE_EPOCH_COST;
  int code = mdb_cursor_get(check->epochs, &key, &data, MDB_SET_KEY);
  *ok = code == 0 && store_decode_epoch(&epoch, number, data.mv_data, data.mv_size, &link) &&
        (number == 0 || epoch.before == check->link);
  if (code != 0 || !*ok) return code == MDB_NOTFOUND ? 0 : code;
  uint16_t id = 0;
  uint32_t chunk = 0;
  while (*ok && check->has_chunk) {
    if (check->key.mv_size != STORE_CHUNK_KEY) return MDB_CORRUPTED;
    if (store_get64(check->key.mv_data) != (uint64_t)number) break;
    *ok = check_chunk(store, check, number, &id, &chunk, &hash);
    weight += check->data.mv_size + STORE_CHUNK_COST;
    chunks++;
    code = next_chunk(check, MDB_NEXT);
    if (code != 0) return code;
  }
  if (chunks != epoch.chunks || hash != epoch.chunk_hash) *ok = false;
  check->link = link;
  return *ok && !store_weigh(store, number, weight) ? ENOMEM : 0;
}

/* The record of the base's own epoch is kept: it starts the chain. */
static int check_anchor(struct flow_store *store, struct epoch_check *check,
                        struct flow_report *report) {
  if (store->meta.base < 0) return 0;
  uint8_t name[8];
  store_put64(name, (uint64_t)store->meta.base);
  MDB_val key = {.mv_data = name, .mv_size = sizeof name}, data;
  struct store_epoch epoch;
  int code = mdb_cursor_get(check->epochs, &key, &data, MDB_SET_KEY);
  if (code != 0 && code != MDB_NOTFOUND) return code;
  if (code == 0 && store_decode_epoch(&epoch, store->meta.base, data.mv_data, data.mv_size,
                                      &check->link))
    return 0;
  store_corrupt(store, report, "the record of epoch %lld is wrong", (long long)store->meta.base);
  return STORE_STOP;
}

static int check_epochs(struct flow_store *store, struct epoch_check *check,
                        struct flow_report *report) {
  uint8_t first[STORE_CHUNK_KEY];
  store_chunk_key(first, store->meta.base + 1, 0, 0);
  check->key = (MDB_val){.mv_data = first, .mv_size = sizeof first};
  store->damaged = -1;
  store->delta_bytes = store->foldable_bytes = 0;
  store->foldable_to = store->meta.base;
  int code = check_anchor(store, check, report);
  if (code == 0) code = next_chunk(check, MDB_SET_RANGE);
  for (int64_t i = store->meta.base + 1; code == 0 && i <= store->meta.head; i++) {
    bool ok;
    code = check_epoch(store, check, i, &ok);
    if (code != 0 || ok) continue;
    store->damaged = i;
    snprintf(store->damage, sizeof store->damage, "the data of epoch %lld is wrong", (long long)i);
    break;
  }
  store->head_link = check->link;
  if (code == 0 && store->damaged < 0) store_count_foldable(store);
  if (code != 0 || store->damaged < 0 || store->damaged > store->meta.fold_to) return code;
  store_corrupt(store, report, "%s, and no epoch before it can be reached", store->damage);
  return STORE_STOP;
}

static int read_epochs(struct flow_store *store, MDB_txn *txn, struct flow_report *report) {
  struct epoch_check check = {0};
  int code = mdb_cursor_open(txn, store->epochs_db, &check.epochs);
  if (code == 0) code = mdb_cursor_open(txn, store->delta_db, &check.deltas);
  if (code == 0) code = check_epochs(store, &check, report);
  if (check.deltas != NULL) mdb_cursor_close(check.deltas);
  if (check.epochs != NULL) mdb_cursor_close(check.epochs);
  return code;
}

int store_read_in(struct flow_store *store, MDB_txn *txn, bool with_epochs,
                  struct flow_report *report) {
  int code = read_meta(store, txn, report);
  if (code == 0) code = read_ids(store, txn, report);
  if (code == 0 && with_epochs) code = read_epochs(store, txn, report);
  return code;
}

enum flow_status store_read(struct flow_store *store, bool with_epochs,
                            struct flow_report *report) {
  MDB_txn *txn;
  int code = store_read_begin(store, &txn);
  if (code == 0) {
    code = store_read_in(store, txn, with_epochs, report);
    store_read_end(txn);
  }
  return code == 0 ? FLOW_OK : store_fail(store, report, code, "read the saved state");
}

/* -- what the engine asks */

struct flow_store_range flow_store_range(const struct flow_store *store) {
  return (struct flow_store_range){
      .head = store->meta.head,
      .base = store->meta.base,
      .oldest = store->meta.fold_to + 1,
      .newest = store->meta.head + 1,
      .damaged = store->damaged,
      .timeline = store->meta.timeline,
  };
}

enum flow_status flow_store_epoch_info(struct flow_store *store, int64_t number,
                                       struct flow_store_epoch_info *info,
                                       struct flow_report *report) {
  if (number < 0 || number < store->meta.base || number > store->meta.head)
    return flow_report_fail(report, FLOW_E_RANGE, "epoch %" PRId64 " is not kept in %s", number,
                            store->dir);
  uint8_t name[8];
  store_put64(name, (uint64_t)number);
  MDB_val key = {.mv_data = name, .mv_size = sizeof name}, data;
  struct store_epoch epoch;
  uint64_t link;
  MDB_txn *txn;
  int code = store_read_begin(store, &txn);
  if (code == 0) {
    code = mdb_get(txn, store->epochs_db, &key, &data);
    if (code == 0 && !store_decode_epoch(&epoch, number, data.mv_data, data.mv_size, &link))
      code = MDB_CORRUPTED;
    store_read_end(txn);
  }
  if (code != 0) return store_fail(store, report, code, "read the record of an epoch");
  *info = epoch.info;
  return FLOW_OK;
}

struct flow_store_stats flow_store_stats(const struct flow_store *store) {
  struct flow_store_stats stats = {
      .delta_bytes = store->delta_bytes,
      .epochs = (uint64_t)(store->meta.head - store->meta.base),
      .folds = store->fold.finished,
      .is_folding = store->meta.fold_to > store->meta.base,
  };
  for (size_t i = 0; i < store->id_count; i++) {
    stats.base_bytes += store->ids[i].base.bytes;
    stats.base_rows += store->ids[i].base.rows;
  }
  MDB_envinfo info;
  MDB_stat stat;
  if (mdb_env_info(store->env, &info) == 0 && mdb_env_stat(store->env, &stat) == 0)
    stats.file_bytes = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
  return stats;
}
