/* The base of an id: all its rows as of one epoch, in chunks that are sorted by row.
 *
 * The tree base.N has a chunk under the least row that may be in it; the next chunk's key ends its
 * range. So each row has one place, and what is between two chunks belongs to the first. A chunk:
 *
 *   checksum (8 bytes), then for each row
 *   varint gap, varint key version, varint value version, key and value with their lengths
 *
 * The gap is the row's number less the one that would come next: the row before plus one, or the
 * chunk's key. A chunk can thus be cut between any two rows without a change to its bytes.
 *
 * A full chunk takes exactly one page of LMDB with its header. LMDB gives such values pages of their
 * own, so the tree itself is small, and what it costs to change a chunk does not depend on its
 * neighbours. A row that is larger is a chunk by itself. With a tree entry for each row instead, a
 * base of small rows took twice the space, and five times as long to fold.
 */
#include "store_impl.h"

#include <errno.h>
#include <lmdb.h>
#include <string.h>

/* Bytes of rows in a chunk. */
#define ROOM (STORE_BASE_CHUNK - STORE_BASE_HEADER)
#define NO_CHUNK UINT64_MAX

/* -- the bytes of a chunk */

static bool get_key(const MDB_val *key, uint64_t *row) {
  if (key->mv_size != sizeof *row) return false;
  memcpy(row, key->mv_data, sizeof *row);
  return true;
}

/* False: it is damaged. */
static bool open_chunk(struct store_chunk *chunk, uint16_t id, uint64_t key, const MDB_val *data,
                       uint64_t *sum) {
  const uint8_t *bytes = data->mv_data;
  if (data->mv_size <= STORE_BASE_HEADER) return false;
  size_t length = data->mv_size - STORE_BASE_HEADER;
  *sum = store_base_hash(id, key, bytes + STORE_BASE_HEADER, length);
  *chunk = (struct store_chunk){.next = key, .left = flow_reader_of(bytes + STORE_BASE_HEADER, length)};
  return store_get64(bytes) == *sum;
}

static bool is_read(const struct store_chunk *chunk) {
  return chunk->left.p == chunk->left.end;
}

/* Reads the next row; false: it is damaged. */
static bool read_row(struct store_chunk *chunk, uint64_t *row, struct store_record *record) {
  struct flow_reader *r = &chunk->left;
  uint64_t gap = flow_get_varint(r);
  *row = chunk->next + gap;
  record->key_version = (uint32_t)flow_get_varint(r);
  record->value_version = (uint32_t)flow_get_varint(r);
  record->key = (const uint8_t *)flow_get_bytes(r, &record->key_length);
  record->value = (const uint8_t *)flow_get_bytes(r, &record->value_length);
  bool is_next = *row >= chunk->next && *row != NO_CHUNK;
  chunk->next = *row + 1;
  return r->ok && is_next;
}

static void put_row(struct flow_buf *out, uint64_t gap, const struct store_record *record) {
  flow_put_varint(out, gap);
  flow_put_varint(out, record->key_version);
  flow_put_varint(out, record->value_version);
  flow_put_bytes(out, record->key, record->key_length);
  flow_put_bytes(out, record->value, record->value_length);
}

/* -- reading all rows */

/* The cursor goes to the chunk that has the row in its range; MDB_NOTFOUND: there is none. */
static int find_chunk(MDB_cursor *tree, uint64_t row, uint64_t *found, MDB_val *data) {
  MDB_val key = {.mv_data = &row, .mv_size = sizeof row};
  int code = mdb_cursor_get(tree, &key, data, MDB_SET_RANGE);
  if (code == 0 && !get_key(&key, found)) return MDB_CORRUPTED;
  if (code == 0 && *found != row) code = mdb_cursor_get(tree, &key, data, MDB_PREV);
  else if (code == MDB_NOTFOUND) code = mdb_cursor_get(tree, &key, data, MDB_LAST);
  if (code == 0 && !get_key(&key, found)) return MDB_CORRUPTED;
  return code;
}

int store_walk_open(struct store_walk *walk, MDB_txn *txn, uint16_t id, uint64_t first) {
  *walk = (struct store_walk){.id = id, .first = first};
  unsigned dbi;
  int code = store_base_open(txn, id, false, &dbi);
  if (code == MDB_NOTFOUND) return 0;
  return code == 0 ? mdb_cursor_open(txn, dbi, &walk->tree) : code;
}

static int next_chunk(struct store_walk *walk) {
  MDB_val key, data;
  uint64_t row;
  int code = walk->has_begun ? MDB_NOTFOUND : find_chunk(walk->tree, walk->first, &row, &data);
  if (code == MDB_NOTFOUND) {
    code = mdb_cursor_get(walk->tree, &key, &data, walk->has_begun ? MDB_NEXT : MDB_FIRST);
    if (code == 0 && !get_key(&key, &row)) return MDB_CORRUPTED;
  }
  if (code != 0) return code;
  walk->has_begun = true;
  return open_chunk(&walk->chunk, walk->id, row, &data, &walk->sum) ? 0 : MDB_CORRUPTED;
}

int store_walk_next(struct store_walk *walk, uint64_t *row, struct store_record *record) {
  if (walk->tree == NULL) return MDB_NOTFOUND;
  do {
    int code = is_read(&walk->chunk) ? next_chunk(walk) : 0;
    if (code != 0) return code;
    if (!read_row(&walk->chunk, row, record)) return MDB_CORRUPTED;
    record->sum = walk->sum;
    walk->sum = 0;
  } while (*row < walk->first);
  return 0;
}

void store_walk_close(struct store_walk *walk) {
  if (walk->tree != NULL) mdb_cursor_close(walk->tree);
  walk->tree = NULL;
}

/* -- changing rows
 *
 * Rows come in order. The old chunk in whose range they lie is read beside them, and both go to `out`,
 * from which full chunks are put. Where the next row lies in the next chunk, too, its rows
 * follow in the same `out`; so a fold of all rows leaves full chunks, whatever they were. */

int store_writer_open(struct store_writer *w, struct flow_store *store, MDB_txn *txn, uint16_t id,
                      const struct store_base *base) {
  *w = (struct store_writer){.id = id, .base = *base, .row = NO_CHUNK,
                             .old = &store->fold.old, .out = &store->fold.out};
  w->out->length = 0;
  unsigned dbi;
  int code = store_base_open(txn, id, true, &dbi);
  return code == 0 ? mdb_cursor_open(txn, dbi, &w->tree) : code;
}

static int put_chunk(struct store_writer *w, size_t length, uint64_t next) {
  MDB_val key = {.mv_data = &w->key, .mv_size = sizeof w->key};
  MDB_val data = {.mv_size = STORE_BASE_HEADER + length};
  int code = mdb_cursor_put(w->tree, &key, &data, MDB_RESERVE);
  if (code != 0) return code;
  uint64_t sum = store_base_hash(w->id, w->key, w->out->data, length);
  store_put64(data.mv_data, sum);
  memcpy((uint8_t *)data.mv_data + STORE_BASE_HEADER, w->out->data, length);
  w->base.sum += sum;
  if (w->has_stale && w->stale == w->key) w->has_stale = false;
  w->key = next;
  w->out->length -= length;
  memmove(w->out->data, w->out->data + length, w->out->length);
  return 0;
}

/* Puts the first `wanted` bytes and what belongs to their last row, but not more than fit, and at
 * least one row. */
static int cut(struct store_writer *w, size_t wanted) {
  struct store_chunk chunk = {.next = w->key, .left = flow_reader_of(w->out->data, w->out->length)};
  struct store_record record;
  uint64_t row, next = w->key;
  size_t length = 0;
  while (length < wanted && !is_read(&chunk)) {
    if (!read_row(&chunk, &row, &record)) return MDB_CORRUPTED;
    size_t end = w->out->length - flow_reader_left(&chunk.left);
    if (length != 0 && end > ROOM) break;
    length = end;
    next = chunk.next;
  }
  return put_chunk(w, length, next);
}

/* A row to `out`. */
static int pass(struct store_writer *w, uint64_t row, const struct store_record *record) {
  put_row(w->out, row - w->end, record);
  w->end = row + 1;
  int code = 0;
  while (code == 0 && w->out->length > 2 * ROOM) code = cut(w, ROOM);
  return code;
}

/* The next row of the old chunk to w->record; `row` is NO_CHUNK behind the last one. */
static int next_old(struct store_writer *w) {
  w->row = NO_CHUNK;
  if (is_read(&w->rows)) return 0;
  return read_row(&w->rows, &w->row, &w->record) ? 0 : MDB_CORRUPTED;
}

static int pass_old_below(struct store_writer *w, uint64_t row) {
  int code = 0;
  while (code == 0 && w->row < row) {
    code = pass(w, w->row, &w->record);
    if (code == 0) code = next_old(w);
  }
  return code;
}

/* Deletes the old chunk, unless a new one will take, or has taken, its place. */
static int drop_stale(struct store_writer *w) {
  if (!w->has_stale || (w->stale == w->key && w->out->length > 0)) return 0;
  w->has_stale = false;
  MDB_val key = {.mv_data = &w->stale, .mv_size = sizeof w->stale}, data;
  int code = mdb_cursor_get(w->tree, &key, &data, MDB_SET);
  return code == 0 ? mdb_cursor_del(w->tree, 0) : code;
}

/* Takes a copy of the chunk under the cursor, because LMDB may use its page again when chunks are put; and
 * looks where the next one begins. */
static int take_chunk(struct store_writer *w, uint64_t key, const MDB_val *data) {
  w->old->length = 0;
  flow_buf_add(w->old, data->mv_data, data->mv_size);
  MDB_val copy = {.mv_data = w->old->data, .mv_size = w->old->length}, next, ignored;
  uint64_t sum;
  if (!open_chunk(&w->rows, w->id, key, &copy, &sum)) return MDB_CORRUPTED;
  w->base.sum -= sum;
  int code = mdb_cursor_get(w->tree, &next, &ignored, MDB_NEXT);
  w->limit = NO_CHUNK;
  if (code == 0 && !get_key(&next, &w->limit)) return MDB_CORRUPTED;
  w->limit_size = code == 0 ? ignored.mv_size : 0;
  if (code != 0 && code != MDB_NOTFOUND) return code;
  code = drop_stale(w);
  if (code != 0) return code;
  if (w->out->length == 0) w->key = w->end = key;
  w->stale = key;
  w->has_stale = true;
  return next_old(w);
}

/* Passes what is left of the old chunk, and puts all that waits. A chunk that would be less than half
 * full is joined with the next one, so that many small changes do not leave many small chunks. */
static int settle(struct store_writer *w) {
  int code = pass_old_below(w, NO_CHUNK);
  bool is_small = w->out->length > 0 && w->out->length < ROOM / 2;
  if (code == 0 && is_small && w->limit_size > 0 && w->limit_size <= STORE_BASE_CHUNK) {
    MDB_val data;
    uint64_t key;
    code = find_chunk(w->tree, w->limit, &key, &data);
    if (code == 0) code = take_chunk(w, key, &data);
    if (code == 0) code = pass_old_below(w, NO_CHUNK);
  }
  if (code == 0 && w->out->length > ROOM) code = cut(w, w->out->length / 2);
  while (code == 0 && w->out->length > 0) code = cut(w, ROOM);
  return code == 0 ? drop_stale(w) : code;
}

/* Goes on to the chunk in whose range the row lies. */
static int seek(struct store_writer *w, uint64_t row) {
  MDB_val data;
  uint64_t key;
  int code = pass_old_below(w, NO_CHUNK);
  if (code == 0) code = find_chunk(w->tree, row, &key, &data);
  bool has_chunk = code == 0;
  if (code != 0 && code != MDB_NOTFOUND) return code;
  if (!has_chunk || key != w->limit) {
    code = settle(w);
    if (code != 0) return code;
    if (has_chunk) code = find_chunk(w->tree, row, &key, &data);
    if (code != 0) return code;
  }
  if (has_chunk) return take_chunk(w, key, &data);
  /* The row is below all chunks, or there is none yet. */
  MDB_val next;
  w->key = w->end = 0;
  w->row = w->limit = NO_CHUNK;
  w->limit_size = 0;
  code = mdb_cursor_get(w->tree, &next, &data, MDB_FIRST);
  if (code == MDB_NOTFOUND) return 0;
  if (code == 0 && !get_key(&next, &w->limit)) return MDB_CORRUPTED;
  w->limit_size = data.mv_size;
  return code;
}

int store_writer_put(struct store_writer *w, uint64_t row, struct store_record *record) {
  int code = row >= w->limit ? seek(w, row) : 0;
  if (code == 0) code = pass_old_below(w, row);
  if (code != 0) return code;
  bool had = w->row == row;
  if (had) {
    w->base.rows--;
    w->base.bytes -= w->record.key_length + w->record.value_length;
  }
  if (record != NULL) {
    if (record->key == NULL) {
      if (!had) return MDB_CORRUPTED;
      record->key = w->record.key;
      record->key_length = w->record.key_length;
      record->key_version = w->record.key_version;
    }
    w->base.rows++;
    w->base.bytes += record->key_length + record->value_length;
    code = pass(w, row, record);
  }
  if (row >= w->base.next_row) w->base.next_row = row + 1;
  return code == 0 && had ? next_old(w) : code;
}

int store_writer_end(struct store_writer *w) {
  int code = settle(w);
  mdb_cursor_close(w->tree);
  return code;
}
