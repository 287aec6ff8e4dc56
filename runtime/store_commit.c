/* Appending epochs, and going back. */
#include "store_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>

int store_put_meta(struct flow_store *store, MDB_txn *txn, const struct store_meta *meta) {
  store->scratch.length = 0;
  store_encode_meta(&store->scratch, meta);
  MDB_val key = {.mv_data = "store", .mv_size = 5};
  MDB_val data = {.mv_data = store->scratch.data, .mv_size = store->scratch.length};
  return mdb_put(txn, store->meta_db, &key, &data, 0);
}

/* -- what a rewind leaves to be done */

static const MDB_val back_key = {.mv_size = 4, .mv_data = "back"};

int store_put_back(struct flow_store *store, MDB_txn *txn, const struct flow_buf *bytes) {
  MDB_val key = back_key, data = {.mv_size = 8 + bytes->length};
  int code = mdb_put(txn, store->meta_db, &key, &data, MDB_RESERVE);
  if (code != 0) return code;
  store_put64(data.mv_data, store_hash(bytes->data, bytes->length, 0));
  memcpy((uint8_t *)data.mv_data + 8, bytes->data, bytes->length);
  store->has_back = true;
  return 0;
}

static int delete_back(struct flow_store *store, MDB_txn *txn) {
  MDB_val key = back_key;
  int code = store->has_back ? mdb_del(txn, store->meta_db, &key, NULL) : 0;
  return code == MDB_NOTFOUND ? 0 : code;
}

enum flow_status flow_store_going_back(struct flow_store *store, struct flow_buf *out,
                                       struct flow_report *report) {
  MDB_val key = back_key, data;
  MDB_txn *txn;
  int code = store_read_begin(store, &txn);
  if (code == 0) {
    code = mdb_get(txn, store->meta_db, &key, &data);
    const uint8_t *bytes = data.mv_data;
    store->has_back = code == 0;
    if (code == 0 && data.mv_size > 8 &&
        store_hash(bytes + 8, data.mv_size - 8, 0) == store_get64(bytes))
      flow_buf_add(out, (const char *)bytes + 8, data.mv_size - 8);
    store_read_end(txn);
  }
  bool is_good = code == 0 || code == MDB_NOTFOUND;
  return is_good ? FLOW_OK : store_fail(store, report, code, "read what a rewind left to be done");
}

/* -- commit */

struct commit {
  const struct flow_store_epoch *epochs;
  size_t count;
  int64_t wall_us;
  uint64_t *weights; /* of each epoch, for afterwards */
  struct store_meta meta;
  uint64_t link;
};

/* Reads the parts of one id of an epoch one behind the other, as if they were one. */
struct part_reader {
  const struct flow_store_epoch *epoch;
  uint16_t id;
  size_t part; /* the next one to look at */
  const char *bytes;
  size_t left; /* of the part before it */
};

static void read_parts(struct part_reader *reader, uint8_t *to, size_t length) {
  while (length > 0) {
    while (reader->left == 0) {
      const struct flow_store_part *part = &reader->epoch->parts[reader->part++];
      if (part->id != reader->id) continue;
      reader->bytes = part->data;
      reader->left = part->length;
    }
    size_t n = length < reader->left ? length : reader->left;
    memcpy(to, reader->bytes, n);
    reader->bytes += n;
    reader->left -= n;
    to += n;
    length -= n;
  }
}

/* Cuts the `total` bytes of an id's parts into chunks. Where a cut falls does not matter: a reader
 * joins what it needs. */
static int put_parts(struct flow_store *store, MDB_txn *txn, const struct flow_store_epoch *epoch,
                     uint16_t id, size_t total, struct store_epoch *record, uint64_t *weight) {
  const size_t room = STORE_CHUNK - STORE_CHUNK_HEADER;
  struct part_reader reader = {.epoch = epoch, .id = id};
  uint32_t version = store_find_id(store, id)->version_count, chunk = 0;
  for (size_t done = 0; done < total; chunk++) {
    size_t length = total - done < room ? total - done : room;
    uint8_t name[STORE_CHUNK_KEY];
    store_chunk_key(name, epoch->number, id, chunk);
    MDB_val key = {.mv_data = name, .mv_size = sizeof name};
    MDB_val data = {.mv_size = STORE_CHUNK_HEADER + length};
    int code = mdb_put(txn, store->delta_db, &key, &data, MDB_RESERVE | MDB_APPEND);
    if (code != 0) return code;
    uint8_t *to = data.mv_data;
    store_put32(to + 8, version);
    read_parts(&reader, to + STORE_CHUNK_HEADER, length);
    store_put64(to, store_chunk_hash(epoch->number, id, chunk, to + 8, length + 4));
    record->chunk_hash = store_hash(to, 8, record->chunk_hash);
    record->chunks++;
    record->info.bytes += length;
    *weight += data.mv_size + STORE_CHUNK_COST;
    done += length;
  }
  return 0;
}

/* The smallest id above `last` that changed, and the bytes of its parts in *total; 0: none is left. */
static uint16_t next_id(const struct flow_store_epoch *epoch, uint16_t last, size_t *total) {
  uint16_t id = 0;
  for (size_t i = 0; i < epoch->part_count; i++) {
    const struct flow_store_part *part = &epoch->parts[i];
    if (part->length == 0 || part->id <= last || (id != 0 && part->id > id)) continue;
    *total = (part->id == id ? *total : 0) + part->length;
    id = part->id;
  }
  return id;
}

static int put_epoch(struct flow_store *store, MDB_txn *txn, struct commit *commit, size_t i) {
  const struct flow_store_epoch *epoch = &commit->epochs[i];
  struct store_epoch record = {
      .info = {.number = epoch->number,
               .timeline = commit->meta.timeline,
               .records_in = epoch->records_in,
               .records_out = epoch->records_out,
               .records_rejected = epoch->records_rejected,
               .now_us = epoch->now_us,
               .wall_us = commit->wall_us},
      .before = commit->link,
  };
  commit->weights[i] = STORE_EPOCH_COST;
  /* In the order of ids, so that all of it is appended at the end of the tree. */
  size_t total = 0;
  for (uint16_t id = 0; (id = next_id(epoch, id, &total)) != 0;) {
    int code = put_parts(store, txn, epoch, id, total, &record, &commit->weights[i]);
    if (code != 0) return code;
  }
  store->scratch.length = 0;
  commit->link = store_encode_epoch(&store->scratch, &record);
  uint8_t name[8];
  store_put64(name, (uint64_t)epoch->number);
  MDB_val key = {.mv_data = name, .mv_size = sizeof name};
  MDB_val data = {.mv_data = store->scratch.data, .mv_size = store->scratch.length};
  return mdb_put(txn, store->epochs_db, &key, &data, MDB_APPEND);
}

static int write_epochs(struct flow_store *store, MDB_txn *txn, void *context,
                        struct flow_report *report) {
  (void)report;
  struct commit *commit = context;
  commit->meta = store->meta;
  commit->link = store->head_link;
  for (size_t i = 0; i < commit->count; i++) {
    int code = put_epoch(store, txn, commit, i);
    if (code != 0) return code;
  }
  commit->meta.head = commit->epochs[commit->count - 1].number;
  int code = delete_back(store, txn);
  if (code != 0) return code;
  return store_put_meta(store, txn, &commit->meta);
}

/* The engine's promises about numbers and ids. */
static enum flow_status check_request(struct flow_store *store,
                                      const struct flow_store_epoch *epochs, size_t count,
                                      struct flow_report *report) {
  for (size_t i = 0; i < count; i++) {
    if (epochs[i].number != store->meta.head + 1 + (int64_t)i)
      return flow_report_fail(report, FLOW_E_BUG, "epoch %" PRId64 " is committed after %" PRId64,
                              epochs[i].number, store->meta.head + (int64_t)i);
    for (size_t k = 0; k < epochs[i].part_count; k++) {
      uint16_t id = epochs[i].parts[k].id;
      const struct store_id *owner = store_find_id(store, id);
      if (owner == NULL || owner->dropped >= 0)
        return flow_report_fail(report, FLOW_E_BUG, "epoch %" PRId64 " has a wrong part: id %u",
                                epochs[i].number, (unsigned)id);
    }
  }
  return FLOW_OK;
}

enum flow_status flow_store_commit(struct flow_store *store, const struct flow_store_epoch *epochs,
                                   size_t count, struct flow_report *report) {
  enum flow_status status = store_usable(store, report);
  if (status != FLOW_OK || count == 0) return status;
  if (store->damaged >= 0) return store_corrupt(store, report, "%s", store->damage);
  status = check_request(store, epochs, count, report);
  if (status != FLOW_OK) return status;
  struct commit commit = {.epochs = epochs, .count = count,
                          .wall_us = store->sys->realtime_us(store->sys)};
  commit.weights = store->sys->alloc(store->sys, count * sizeof *commit.weights);
  char what[64];
  snprintf(what, sizeof what, "save epoch %" PRId64, epochs[count - 1].number);
  if (commit.weights == NULL) return flow_report_errno(report, FLOW_E_MEMORY, -ENOMEM, "%s", what);
  status = store_write(store, write_epochs, &commit, what, report);
  if (status == FLOW_OK) {
    store->meta = commit.meta;
    store->has_back = false;
    store->head_link = commit.link;
    for (size_t i = 0; i < count; i++) {
      if (store_weigh(store, epochs[i].number, commit.weights[i])) continue;
      store->has_failed = true; /* what is committed stays; the run ends */
      status = flow_report_errno(report, FLOW_E_MEMORY, -ENOMEM, "%s", what);
      break;
    }
    if (status == FLOW_OK) store_count_foldable(store);
  }
  store->sys->free(store->sys, commit.weights);
  return status;
}

/* -- rewind */

enum flow_status store_reachable(struct flow_store *store, int64_t epoch,
                                 struct flow_report *report) {
  int64_t oldest = store->meta.fold_to + 1, newest = store->meta.head + 1;
  if (epoch < oldest || epoch > newest) {
    flow_report_fail(report, FLOW_E_RANGE, "cannot go back to epoch %" PRId64 ": ", epoch);
    flow_report_add(report, "--resume-epoch takes %" PRId64 " to %" PRId64 " for the state in %s",
                    oldest, newest, store->dir);
    if (epoch < oldest)
      flow_report_help(report, "--retain-epochs N keeps N past epochs from now on");
    else flow_report_help(report, "`flowcc state epochs %s` lists what is there", store->dir);
    return FLOW_E_RANGE;
  }
  if (store->damaged < 0 || epoch <= store->damaged) return FLOW_OK;
  store_corrupt(store, report, "%s; it is good up to the end of epoch %" PRId64, store->damage,
                store->damaged - 1);
  flow_report_help(report,
                   "--resume-epoch %" PRId64 " goes back to the end of epoch %" PRId64
                   " and reads the input again from there", store->damaged, store->damaged - 1);
  return FLOW_E_CORRUPT;
}

int store_delete_epochs(MDB_txn *txn, unsigned dbi, int64_t from, int64_t to) {
  MDB_cursor *cursor;
  if (to < 0) return 0;
  int code = mdb_cursor_open(txn, dbi, &cursor);
  if (code != 0) return code;
  uint8_t first[8];
  store_put64(first, (uint64_t)(from < 0 ? 0 : from));
  MDB_val key = {.mv_data = first, .mv_size = sizeof first}, data;
  code = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
  while (code == 0 && key.mv_size >= 8 && store_get64(key.mv_data) <= (uint64_t)to) {
    code = mdb_cursor_del(cursor, 0);
    if (code == 0) code = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
  }
  mdb_cursor_close(cursor);
  return code == MDB_NOTFOUND ? 0 : code;
}

/* Ids, versions and drops that count from after the new head never happened. */
static int rewind_ids(struct flow_store *store, MDB_txn *txn, int64_t head) {
  for (size_t i = 0; i < store->id_count; i++) {
    struct store_id id = store->ids[i];
    uint8_t name[6];
    store_put16(name, id.number);
    MDB_val key = {.mv_data = name, .mv_size = sizeof name};
    for (uint32_t v = 1; v <= id.version_count; v++) {
      if (id.versions[v - 1].created <= head) continue;
      store_put32(name + 2, v);
      int code = mdb_del(txn, store->schema_db, &key, NULL);
      if (code != 0) return code;
    }
    store_put32(name + 2, 0);
    int code = 0;
    if (id.created > head) {
      code = mdb_del(txn, store->schema_db, &key, NULL);
    } else if (id.dropped > head) {
      id.dropped = -1;
      store->scratch.length = 0;
      store_encode_id(&store->scratch, &id);
      MDB_val data = {.mv_data = store->scratch.data, .mv_size = store->scratch.length};
      code = mdb_put(txn, store->schema_db, &key, &data, 0);
    }
    if (code != 0) return code;
  }
  return 0;
}

int store_rewind_in(struct flow_store *store, MDB_txn *txn, int64_t epoch,
                    struct store_meta *meta) {
  meta->head = epoch - 1;
  meta->timeline++;
  int code = store_delete_epochs(txn, store->delta_db, epoch, INT64_MAX);
  if (code == 0) code = store_delete_epochs(txn, store->epochs_db, epoch, INT64_MAX);
  if (code == 0) code = rewind_ids(store, txn, epoch - 1);
  return code;
}
