/* The rows of an id that changed in a range of epochs: read from the deltas, sorted, one each. */
#include "store_impl.h"

#include <errno.h>
#include <lmdb.h>
#include <string.h>

/* A copy of chunks that an entry reaches over; entries point into it, so it never moves. */
struct store_block {
  struct store_block *next;
  size_t used, size;
  uint8_t data[];
};

/* A row's number and where its entry is among the items, for sorting. */
struct sort_item {
  uint64_t row;
  size_t at;
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
  store->sys->free(store->sys, rows->items);
  *rows = (struct store_rows){0};
}

static int add_entry(struct collector *c, const struct store_entry *entry, uint32_t version) {
  struct store_rows *rows = c->rows;
  if (entry->row < c->first_row) return 0;
  if (rows->count == rows->capacity) {
    size_t capacity = rows->capacity == 0 ? 256 : rows->capacity * 2;
    const struct flow_sys *sys = c->store->sys;
    struct store_row *grown = sys->realloc(sys, rows->items, capacity * sizeof *grown);
    if (grown == NULL) return ENOMEM;
    rows->items = grown;
    rows->capacity = capacity;
  }
  rows->items[rows->count++] = (struct store_row){
      .row = entry->row,
      .key = entry->key,
      .value = entry->value,
      .key_length = entry->key_length,
      .value_length = entry->value_length,
      .key_version = version,
      .value_version = version,
  };
  return 0;
}

static int damaged_entry(struct collector *c, int64_t epoch) {
  store_corrupt(c->store, c->report, "an entry of epoch %lld cannot be read", (long long)epoch);
  return STORE_STOP;
}

/* Joins the rest of the chunks before with this one, in a block that lives as long as the rows.
 * The block has room for the whole entry, so the chunks of a large value are appended and each
 * is copied only once. */
static int join_rest(struct collector *c, const uint8_t **data, size_t *length) {
  const struct flow_sys *sys = c->store->sys;
  struct store_block *block = c->rows->blocks;
  bool is_open = block != NULL && c->rest + c->rest_length == block->data + block->used;
  if (!is_open || block->size - block->used < *length) {
    size_t size = c->rest_length > c->rest_wanted ? c->rest_length : c->rest_wanted;
    size += *length;
    block = sys->alloc(sys, sizeof *block + size);
    if (block == NULL) return ENOMEM;
    *block = (struct store_block){.next = c->rows->blocks, .used = c->rest_length, .size = size};
    memcpy(block->data, c->rest, c->rest_length);
    c->rows->blocks = block;
  }
  memcpy(block->data + block->used, *data, *length);
  block->used += *length;
  *length += c->rest_length;
  *data = block->data + block->used - *length;
  return 0;
}

static int add_entries(struct collector *c, int64_t epoch, const uint8_t *data, size_t length,
                       uint32_t version) {
  if (c->rest_length != 0) {
    if (version != c->rest_version) return damaged_entry(c, epoch);
    int code = join_rest(c, &data, &length);
    if (code != 0) return code;
  }
  const uint8_t *p = data, *end = data + length;
  struct store_entry entry = {0};
  while (p != end) {
    enum store_parse parsed = store_parse_entry(&p, end, &entry);
    if (parsed == STORE_BAD) return damaged_entry(c, epoch);
    if (parsed == STORE_PARTIAL) break;
    int code = add_entry(c, &entry, version);
    if (code != 0) return code;
  }
  c->rest = p;
  c->rest_length = (size_t)(end - p);
  c->rest_wanted = entry.key_length + entry.value_length + 4 * FLOW_VARINT_MAX;
  c->rest_version = version;
  return 0;
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

static void sort_pass(const struct sort_item *from, struct sort_item *to, size_t count,
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

/* Returns the sorted one of the two arrays. */
static struct sort_item *sort_items(struct sort_item *items, struct sort_item *spare,
                                    size_t count, uint64_t largest) {
  for (unsigned shift = 0; shift < 64 && largest >> shift != 0; shift += SORT_BITS) {
    sort_pass(items, spare, count, shift);
    struct sort_item *sorted = spare;
    spare = items;
    items = sorted;
  }
  return items;
}

/* The entries of one row in the order of epochs, made one: the last value, and the key if the row
 * began here. A row that is gone and comes again has its key with it. */
static struct store_row merge_row(const struct store_row *items, const struct sort_item *group,
                                  size_t count) {
  struct store_row merged = items[group[0].at];
  for (size_t i = 1; i < count; i++) {
    struct store_row next = items[group[i].at];
    if (next.key == NULL && merged.value != NULL) {
      next.key = merged.key;
      next.key_length = merged.key_length;
      next.key_version = merged.key_version;
    }
    merged = next;
  }
  return merged;
}

static int sort_rows(struct flow_store *store, struct store_rows *rows) {
  const struct flow_sys *sys = store->sys;
  size_t count = rows->count;
  uint64_t largest = 0;
  bool is_sorted = true;
  for (size_t i = 0; i < count; i++) {
    if (rows->items[i].row > largest) largest = rows->items[i].row;
    if (i > 0 && rows->items[i].row <= rows->items[i - 1].row) is_sorted = false;
  }
  if (is_sorted) return 0;
  struct sort_item *items = sys->alloc(sys, 2 * count * sizeof *items);
  struct store_row *merged = sys->alloc(sys, count * sizeof *merged);
  if (items == NULL || merged == NULL) {
    sys->free(sys, items);
    sys->free(sys, merged);
    return ENOMEM;
  }
  for (size_t i = 0; i < count; i++) items[i] = (struct sort_item){rows->items[i].row, i};
  struct sort_item *sorted = sort_items(items, items + count, count, largest);
  size_t used = 0;
  for (size_t i = 0, n; i < count; i += n) {
    for (n = 1; i + n < count && sorted[i + n].row == sorted[i].row;) n++;
    merged[used++] = merge_row(rows->items, sorted + i, n);
  }
  sys->free(sys, items);
  sys->free(sys, rows->items);
  *rows = (struct store_rows){.items = merged, .count = used, .capacity = count,
                              .blocks = rows->blocks};
  return 0;
}

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
