/* The rows of an id that changed in a range of epochs: read from the deltas, sorted, one each. */
#include "store_impl.h"

#include <errno.h>
#include <lmdb.h>
#include <string.h>

/* A copy of an entry that reaches over several chunks; it never moves. */
struct store_block {
  struct store_block *next;
  size_t used, size;
  uint8_t data[];
};

struct collector {
  struct flow_store *store;
  struct flow_report *report;
  struct store_rows *rows;
  uint64_t first_row;
  const uint8_t *rest; /* an entry that the last chunk did not end */
  size_t rest_length;
  size_t rest_wanted; /* bytes of that entry, as far as they are known */
  uint32_t rest_version;
};

void store_rows_free(struct flow_store *store, struct store_rows *rows) {
  struct store_block *next;
  for (struct store_block *block = rows->blocks; block != NULL; block = next) {
    next = block->next;
    store->sys->free(store->sys, block);
  }
  store->sys->free(store->sys, rows->refs);
  store->sys->free(store->sys, rows->pieces);
  *rows = (struct store_rows){0};
}

/* Makes room for one more of `count` items; false: no memory. */
static bool grow(const struct flow_sys *sys, void **items, size_t count, size_t *capacity,
                 size_t size) {
  if (count < *capacity) return true;
  size_t larger = *capacity == 0 ? 256 : *capacity * 2;
  void *grown = sys->realloc(sys, *items, larger * size);
  if (grown == NULL) return false;
  *items = grown;
  *capacity = larger;
  return true;
}

static int add_piece(struct collector *c, const uint8_t *data, size_t length, uint32_t version) {
  struct store_rows *rows = c->rows;
  void *pieces = rows->pieces;
  if (!grow(c->store->sys, &pieces, rows->piece_count, &rows->piece_capacity,
            sizeof *rows->pieces))
    return ENOMEM;
  rows->pieces = pieces;
  rows->pieces[rows->piece_count++] = (struct store_piece){data, length, version};
  return 0;
}

/* Adds the entry that begins at `offset` of the newest piece. */
static int add_ref(struct collector *c, uint64_t row, size_t offset) {
  struct store_rows *rows = c->rows;
  if (row < c->first_row) return 0;
  void *refs = rows->refs;
  if (!grow(c->store->sys, &refs, rows->count, &rows->capacity, sizeof *rows->refs)) return ENOMEM;
  rows->refs = refs;
  rows->refs[rows->count++] =
      (struct store_ref){row, (uint32_t)(rows->piece_count - 1), (uint32_t)offset};
  return 0;
}

static int damaged_entry(struct collector *c, int64_t epoch) {
  store_corrupt(c->store, c->report, "an entry of epoch %lld cannot be read", (long long)epoch);
  return STORE_STOP;
}

/* Appends `length` bytes to the rest, in a block that lives as long as the rows and has room for all
 * of the entry, as far as its size is known: so each byte of a large value is copied once. */
static int extend_rest(struct collector *c, const uint8_t *data, size_t length) {
  const struct flow_sys *sys = c->store->sys;
  struct store_block *block = c->rows->blocks;
  bool is_open = block != NULL && c->rest + c->rest_length == block->data + block->used;
  if (!is_open || block->size - block->used < length) {
    size_t size = c->rest_length > c->rest_wanted ? c->rest_length : c->rest_wanted;
    size += length;
    block = sys->alloc(sys, sizeof *block + size);
    if (block == NULL) return ENOMEM;
    *block = (struct store_block){.next = c->rows->blocks, .used = c->rest_length, .size = size};
    memcpy(block->data, c->rest, c->rest_length);
    c->rows->blocks = block;
  }
  memcpy(block->data + block->used, data, length);
  block->used += length;
  c->rest_length += length;
  c->rest = block->data + block->used - c->rest_length;
  return 0;
}

/* What is known of an entry that does not end here: an upper bound of its bytes. */
static void note_rest(struct collector *c, const uint8_t *p, size_t length,
                      const struct store_entry *entry) {
  c->rest = p;
  c->rest_length = length;
  c->rest_wanted = entry->key_length + entry->value_length + 4 * FLOW_VARINT_MAX;
}

/* Takes from a chunk what the entry lacks that the chunks before did not end. */
static int end_rest(struct collector *c, int64_t epoch, const uint8_t **data, size_t *length) {
  while (c->rest_length != 0 && *length != 0) {
    size_t lacks = c->rest_wanted > c->rest_length ? c->rest_wanted - c->rest_length : 1;
    if (lacks > *length) lacks = *length;
    int code = extend_rest(c, *data, lacks);
    if (code != 0) return code;
    *data += lacks;
    *length -= lacks;
    struct store_entry entry = {0};
    const uint8_t *p = c->rest, *end = p + c->rest_length;
    enum store_parse parsed = store_parse_entry(&p, end, &entry);
    if (parsed == STORE_BAD) return damaged_entry(c, epoch);
    if (parsed == STORE_PARTIAL) {
      note_rest(c, c->rest, c->rest_length, &entry);
      continue;
    }
    *data -= end - p; /* these belong to the next one */
    *length += (size_t)(end - p);
    code = add_piece(c, c->rest, (size_t)(p - c->rest), c->rest_version);
    if (code == 0) code = add_ref(c, entry.row, 0);
    if (code != 0) return code;
    c->rest_length = 0;
  }
  return 0;
}

static int add_entries(struct collector *c, int64_t epoch, const uint8_t *data, size_t length,
                       uint32_t version) {
  if (c->rest_length != 0 && version != c->rest_version) return damaged_entry(c, epoch);
  c->rest_version = version;
  int code = end_rest(c, epoch, &data, &length);
  if (code != 0 || c->rest_length != 0) return code;
  const uint8_t *p = data, *end = data + length, *start = p;
  struct store_entry entry = {0};
  code = add_piece(c, data, length, version);
  for (; code == 0 && p != end; start = p) {
    enum store_parse parsed = store_parse_entry(&p, end, &entry);
    if (parsed == STORE_BAD) return damaged_entry(c, epoch);
    if (parsed == STORE_PARTIAL) break;
    code = add_ref(c, entry.row, (size_t)(start - data));
  }
  if (p != end) note_rest(c, p, (size_t)(end - p), &entry);
  return code;
}

/* Reads all chunks of one id and epoch. */
static int add_epoch(struct collector *c, MDB_cursor *cursor, uint16_t id, int64_t epoch) {
  uint8_t name[STORE_CHUNK_KEY];
  store_chunk_key(name, epoch, id, 0);
  MDB_val key = {.mv_data = name, .mv_size = sizeof name}, data;
  int code = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
  c->rest_length = 0;
  while (code == 0 && key.mv_size == STORE_CHUNK_KEY && memcmp(key.mv_data, name, 10) == 0) {
    const uint8_t *bytes = data.mv_data;
    if (data.mv_size < STORE_CHUNK_HEADER) return damaged_entry(c, epoch);
    code = add_entries(c, epoch, bytes + STORE_CHUNK_HEADER, data.mv_size - STORE_CHUNK_HEADER,
                       store_get32(bytes + 8));
    if (code == 0) code = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
  }
  if (code != 0 && code != MDB_NOTFOUND) return code;
  return c->rest_length == 0 ? 0 : damaged_entry(c, epoch);
}

/* -- sorting: stable, by 11 bits at a time, as rows are small dense numbers */

#define SORT_BITS 11

static void sort_pass(const struct store_ref *from, struct store_ref *to, size_t count,
                      unsigned shift) {
  const uint64_t mask = (1u << SORT_BITS) - 1;
  size_t starts[1u << SORT_BITS] = {0}, sum = 0;
  for (size_t i = 0; i < count; i++) starts[from[i].row >> shift & mask]++;
  for (size_t k = 0; k <= mask; k++) {
    size_t next = sum + starts[k];
    starts[k] = sum;
    sum = next;
  }
  for (size_t i = 0; i < count; i++) to[starts[from[i].row >> shift & mask]++] = from[i];
}

static int sort_rows(struct flow_store *store, struct store_rows *rows) {
  const struct flow_sys *sys = store->sys;
  struct store_ref *refs = rows->refs;
  size_t count = rows->count;
  uint64_t largest = 0;
  bool is_sorted = true;
  for (size_t i = 0; i < count; i++) {
    if (refs[i].row > largest) largest = refs[i].row;
    if (i > 0 && refs[i].row < refs[i - 1].row) is_sorted = false;
  }
  if (is_sorted) return 0;
  struct store_ref *spare = sys->alloc(sys, count * sizeof *spare);
  if (spare == NULL) return ENOMEM;
  for (unsigned shift = 0; shift < 64 && largest >> shift != 0; shift += SORT_BITS) {
    sort_pass(refs, spare, count, shift);
    struct store_ref *sorted = spare;
    spare = refs;
    refs = sorted;
  }
  sys->free(sys, spare);
  rows->refs = refs;
  rows->capacity = count;
  return 0;
}

/* -- handing out */

static const uint8_t *entry_at(const struct store_rows *rows, size_t at) {
  const struct store_ref *ref = &rows->refs[at];
  return rows->pieces[ref->piece].data + ref->offset;
}

/* The entry was parsed before, so it is whole. */
struct store_row store_rows_at(const struct store_rows *rows, size_t at) {
  const struct store_piece *piece = &rows->pieces[rows->refs[at].piece];
  const uint8_t *p = entry_at(rows, at);
  struct store_entry entry = {0};
  store_parse_entry(&p, piece->data + piece->length, &entry);
  return (struct store_row){
      .row = entry.row,
      .key = entry.key,
      .value = entry.value,
      .key_length = entry.key_length,
      .value_length = entry.value_length,
      .key_version = piece->version,
      .value_version = piece->version,
  };
}

/* The next entry. They may lie in the order in which rows were touched, and then each one is another cache
 * miss, unless it was asked for some entries before. */
static struct store_row take(struct store_rows *rows) {
  enum { AHEAD = 16 };
  if (rows->at + AHEAD < rows->count) {
    const uint8_t *later = entry_at(rows, rows->at + AHEAD);
    __builtin_prefetch(later);
    __builtin_prefetch(later + 63); /* if it lies on two lines */
  }
  return store_rows_at(rows, rows->at++);
}

/* The entries of one row in the order of epochs are made one: the last value, and the key if the
 * row began here. A row that is gone and comes again has its key with it. */
bool store_rows_next(struct store_rows *rows, struct store_row *merged) {
  if (rows->at == rows->count) return false;
  *merged = take(rows);
  while (rows->at < rows->count && rows->refs[rows->at].row == merged->row) {
    struct store_row next = take(rows);
    if (next.key == NULL && merged->value != NULL) {
      next.key = merged->key;
      next.key_length = merged->key_length;
      next.key_version = merged->key_version;
    }
    *merged = next;
  }
  return true;
}

/* -- collecting */

int store_collect(struct flow_store *store, MDB_txn *txn, uint16_t id, int64_t from, int64_t to,
                  uint64_t first_row, struct store_rows *rows, struct flow_report *report) {
  struct collector c = {.store = store, .report = report, .rows = rows, .first_row = first_row};
  *rows = (struct store_rows){0};
  MDB_cursor *cursor;
  int code = mdb_cursor_open(txn, store->delta_db, &cursor);
  if (code != 0) return code;
  for (int64_t epoch = from; code == 0 && epoch <= to; epoch++)
    code = add_epoch(&c, cursor, id, epoch);
  mdb_cursor_close(cursor);
  if (code == 0) code = sort_rows(store, rows);
  if (code != 0) store_rows_free(store, rows);
  return code;
}
