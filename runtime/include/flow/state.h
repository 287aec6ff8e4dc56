/* Keyed state: a hash table of rows with stable addresses, and the list of rows that this epoch
 * touched.
 *
 * A row is a generated struct that begins with struct flow_entry; key and value follow, inline. The
 * table knows neither: it is given a hash, and a function that compares a row with a key. Rows have
 * dense ids in the order of their creation, never used again; only ids reach the disk. The hash has
 * a seed that differs from run to run, and nothing that a user can see depends on it.
 *
 *   struct row { struct flow_entry entry; struct flow_str key; int64_t value; };
 *   static bool row_has_key(const struct flow_entry *e, const void *key) {
 *     return flow_str_equal(&((const struct row *)e)->key, key);
 *   }
 *   uint64_t hash = flow_str_hash(t->seed, &key);
 *   struct row *row = (struct row *)flow_table_find(t, hash, &key, row_has_key);
 *   if (row == NULL) {
 *     row = (struct row *)flow_table_insert(t, hash);
 *     flow_str_copy(w->heap, &row->key, &key);
 *     row->value = 0;
 *   }
 *   row->value += 1;
 *   flow_table_touch(t, &row->entry);
 *
 * With many rows a lookup is two cache misses. A stage that has the hashes of a whole batch calls
 * flow_table_prefetch() for all, then flow_table_guess() for all, then does the work with the
 * guesses that flow_table_is_guessed() confirms.
 *
 * The table owns its rows, not what keys and values own: the caller drops those before
 * flow_table_forget(), and frees the whole heap when it gives up the table.
 */
#ifndef FLOW_STATE_H
#define FLOW_STATE_H

#include "flow/codec.h"
#include "flow/value.h"

struct flow_due; /* flow/timer.h */
struct flow_slab;
struct flow_sys;
struct flow_order; /* flow/abi.h */

/* Rows of one table. Row numbers are 31 bits wide; 0 is no row. */
#define FLOW_TABLE_ROWS_MAX (UINT32_C(0x80000000) / 8 * 5)
/* The id of a row that is not in use. */
#define FLOW_ENTRY_FREE UINT64_MAX

/* In the list of touched rows: this one is gone. */
#define FLOW_TOUCHED_GONE UINT32_C(0x80000000)

/* What every row begins with. */
struct flow_entry {
  uint64_t id;      /* creation order; FLOW_ENTRY_FREE if the row is free */
  uint32_t tag;     /* upper half of the key's hash */
  uint32_t touched; /* its place in the list of touched rows, counted from 1; 0: not in it */
};

/* Rows in the order of their deadlines (flow/timer.h). */
struct flow_due_queue {
  struct flow_due *places;
  uint32_t first;       /* the number of the first place; a number modulo the capacity is where it lies */
  uint32_t span, count; /* how many places there are, and how many of them are in use */
  uint32_t capacity;    /* a power of two */
};

enum { FLOW_DUE_QUEUES = 2 };

/* The index has 2^n slots, n <= 31, with linear probing from the upper n bits of the tag. A slot
 * holds the other bits of the tag above the n bits of the row's number, 0 for none: there are always
 * fewer rows than slots. So an index of four bytes per slot compares whole tags, or nearly so. */
struct flow_table {
  uint32_t *slots;
  uint32_t shift;       /* 32 - n */
  uint32_t row_size;    /* bytes; a multiple of 8 */
  uint32_t chunk_shift; /* log2 of the rows of a chunk */
  uint32_t chunk_count;
  char **chunks;
  uint64_t seed; /* of the hashes that the caller computes */
  uint64_t next_id;
  uint64_t epoch_first; /* ids from here on were created in this epoch */
  uint32_t row_count;   /* live rows */
  uint32_t row_end;     /* rows that were ever handed out; the free ones included */
  uint32_t row_limit;   /* live rows at which the index grows */
  uint32_t free_row;    /* head of the list of free rows; the next one is in `touched` */
  uint32_t chunk_capacity;
  uint32_t slab_chunks;    /* that the newest slab has left, at slab_rest */
  struct flow_slab *slabs; /* what the chunks are cut from */
  char *slab_rest;
  bool is_in_order; /* the ids of the rows rise with their numbers */
  /* In the order of the first touch: a row's number, or FLOW_TOUCHED_GONE | the place in `gone` of
   * the id of a row that existed before this epoch and was forgotten in it, or 0 for one that came
   * and went. */
  uint32_t *touched;
  uint64_t *gone;
  size_t touched_count, touched_capacity, hole_count;
  uint32_t gone_count, gone_capacity;
  /* Rows with a deadline: queues of those that came in their order, a heap of the others (flow/timer.h). */
  int64_t next_due_us; /* the earliest deadline that they know; INT64_MAX: none */
  struct flow_timed_entry *next_due; /* whose it is; null: none */
  struct flow_due *due;
  uint32_t due_count, due_capacity;
  struct flow_due_queue queues[FLOW_DUE_QUEUES];
  /* With several workers: when each row of the list was touched first, `stamp_words` words each. */
  uint32_t *stamps;
  uint32_t stamp_words;
  const struct flow_order *order; /* of what touches rows now */
  const struct flow_sys *sys;
};

/* An empty table for rows of `row_size` bytes. `sys` must outlive it. */
void flow_table_init(struct flow_table *, const struct flow_sys *sys, uint32_t row_size,
                     uint64_t seed);
void flow_table_free(struct flow_table *);

/* Back to an empty table whose first row will have the id 0; keeps the seed and some memory. */
void flow_table_clear(struct flow_table *);

/* From here on the order of the first touches is kept, with paths of `path_length` words, so that the
 * lists of several workers' tables can be put in one order. No row may be touched. */
void flow_table_keep_order(struct flow_table *, uint32_t path_length);

/* Bytes that the table takes: index, rows, list of touched ones. */
size_t flow_table_bytes(const struct flow_table *);

/* True if the row's key is `key`. */
typedef bool flow_table_equal(const struct flow_entry *row, const void *key);

/* -- finding --------------------------------------------------------------------------------- */

/* Rows up to which a table stays in the cache by itself, so that there is nothing to fetch. */
#define FLOW_TABLE_CACHED 8192

/* Bytes that a chunk of rows has at most, unless one row is larger: enough that the addresses of
 * the chunks of ten million rows stay in the cache. What is not used of it is never touched. */
#define FLOW_TABLE_CHUNK (UINT32_C(256) << 10)

/* The table's row_size and chunk_shift for rows of `size` bytes. */
static inline uint32_t flow_table_row_size(uint32_t size) {
  return (size + 7) & ~7u;
}

static inline uint32_t flow_table_chunk_shift(uint32_t size) {
  uint32_t rows = FLOW_TABLE_CHUNK / flow_table_row_size(size);
  return rows > 1 ? 31 - (uint32_t)__builtin_clz(rows) : 0;
}

/* A copy of the table's head to find rows with, until the table changes: it can stay in registers, and
 * the C compiler knows how large rows are. `row_size` is that of flow_table_init(). */
FLOW_INLINE struct flow_table flow_table_view(const struct flow_table *t, uint32_t row_size) {
  struct flow_table view = *t;
  view.row_size = flow_table_row_size(row_size);
  view.chunk_shift = flow_table_chunk_shift(row_size);
  return view;
}

/* Starts to fetch the part of the index where the hash belongs. Functions that only fetch are always
 * inlined: gcc takes a call of one for a call without effect, and drops it. */
FLOW_INLINE void flow_table_prefetch(const struct flow_table *t, uint64_t hash) {
  if (t->row_end < FLOW_TABLE_CACHED) return;
  __builtin_prefetch(&t->slots[(uint32_t)(hash >> 32) >> t->shift]);
}

static inline struct flow_entry *flow_table_row(const struct flow_table *t, uint32_t row) {
  size_t mask = ((size_t)1 << t->chunk_shift) - 1;
  return (struct flow_entry *)(t->chunks[row >> t->chunk_shift] + (row & mask) * t->row_size);
}

/* Where a search for the tag begins, and what it looks for: slots that are `wanted` above `mask`. */
struct flow_probe {
  uint32_t at, mask, wanted;
};

static inline struct flow_probe flow_table_probe(const struct flow_table *t, uint32_t tag) {
  return (struct flow_probe){.at = tag >> t->shift,
                             .mask = UINT32_MAX >> t->shift,
                             .wanted = tag << (32 - t->shift)};
}

/* The row of the slot, if that may be the row of the key; otherwise something that is not in 1 … mask, the rows that
 * there are: where the tags differ it is larger, and an empty slot gives 0 or something larger. */
static inline uint32_t flow_probe_row(const struct flow_probe *p, uint32_t slot) {
  return slot ^ p->wanted;
}

static inline bool flow_probe_fits(const struct flow_probe *p, uint32_t row) {
  return row - 1 < p->mask;
}

/* Starts to fetch the row: its lines of the cache, up to three. One of 64 bytes, or of a part of that,
 * never lies in two. */
FLOW_INLINE void flow_table_fetch(const struct flow_table *t, const struct flow_entry *row) {
  __builtin_prefetch(row);
  if (t->row_size > 64) __builtin_prefetch((const char *)row + 64);
  if (64 % t->row_size != 0) __builtin_prefetch((const char *)row + t->row_size - 1);
}

/* The row to which the hash most likely leads, or null; starts to fetch it, and does not read it. */
static inline struct flow_entry *flow_table_guess(const struct flow_table *t, uint64_t hash) {
  struct flow_probe p = flow_table_probe(t, (uint32_t)(hash >> 32));
  uint32_t slot = t->slots[p.at];
  while (FLOW_UNLIKELY(!flow_probe_fits(&p, flow_probe_row(&p, slot)))) {
    if (slot == 0) return NULL;
    p.at = (p.at + 1) & p.mask;
    slot = t->slots[p.at];
  }
  struct flow_entry *row = flow_table_row(t, flow_probe_row(&p, slot));
  flow_table_fetch(t, row);
  return row;
}

/* The row that was made first, which is a good guess where only one key is expected; or null. */
static inline struct flow_entry *flow_table_first(const struct flow_table *t) {
  return t->row_end > 1 ? flow_table_row(t, 1) : NULL;
}

/* Whether the guess is the row with that key. It may have been made before the table changed, even if
 * its row was forgotten and given to another key since. */
FLOW_INLINE bool flow_table_is_guessed(const struct flow_entry *guess, const void *key,
                                       flow_table_equal *equal) {
  return guess != NULL && guess->id != FLOW_ENTRY_FREE && FLOW_LIKELY(equal(guess, key));
}

/* The same for a table from which no row ever goes. */
FLOW_INLINE bool flow_table_is_guessed_for_ever(const struct flow_entry *guess, const void *key,
                                                flow_table_equal *equal) {
  return guess != NULL && FLOW_LIKELY(equal(guess, key));
}

/* The row with that key, or null. */
FLOW_INLINE struct flow_entry *flow_table_find(const struct flow_table *t, uint64_t hash,
                                               const void *key, flow_table_equal *equal) {
  struct flow_probe p = flow_table_probe(t, (uint32_t)(hash >> 32));
  for (;; p.at = (p.at + 1) & p.mask) {
    uint32_t slot = t->slots[p.at], number = flow_probe_row(&p, slot);
    if (flow_probe_fits(&p, number)) {
      struct flow_entry *row = flow_table_row(t, number);
      if (FLOW_LIKELY(equal(row, key))) return row;
    } else if (slot == 0) {
      return NULL;
    }
  }
}

/* -- changing -------------------------------------------------------------------------------- */

/* A new row for a key that is not in the table, with the next id, touched. Bytes behind the header
 * are uninitialised. The address stays good until the row is forgotten. */
struct flow_entry *flow_table_insert(struct flow_table *, uint64_t hash);

/* A row that comes from the store, untouched; each id and each key once, into a table into which
 * nothing has been inserted yet. It is found only after flow_table_loaded(). */
struct flow_entry *flow_table_load(struct flow_table *, uint64_t hash, uint64_t id);

/* Ends loading. Later rows get ids from `next_id` on, which flow_store_load() tells: ids of rows that
 * were forgotten stay used. */
void flow_table_loaded(struct flow_table *, uint64_t next_id);

void flow_table_touch_slow(struct flow_table *, struct flow_entry *);

/* Notes that the row was changed in this epoch. For an item that may fail: when it has succeeded.
   */
static inline void flow_table_touch(struct flow_table *t, struct flow_entry *row) {
  if (FLOW_UNLIKELY(row->touched == 0)) flow_table_touch_slow(t, row);
}

/* Takes the row out of the table. In the list of touched rows a row that is older than this epoch
 * leaves a tombstone at the place of its first touch, a newer one leaves nothing. */
void flow_table_forget(struct flow_table *, struct flow_entry *);

/* Takes back the flow_table_insert() that made the row, which must have been the last one: as if it
 * had never been, its id included. For an item that failed. */
void flow_table_undo_insert(struct flow_table *, struct flow_entry *);

/* -- epochs ---------------------------------------------------------------------------------- */

/* The touched row at `index` < touched_count, or null if that one was forgotten. A loop over them
 * may change and forget rows; rows that it touches first are appended. */
static inline struct flow_entry *flow_table_touched(const struct flow_table *t, size_t index) {
  uint32_t word = t->touched[index];
  return word == 0 || (word & FLOW_TOUCHED_GONE) != 0 ? NULL : flow_table_row(t, word);
}

/* Starts to fetch the touched row at `index`, if there is one. */
FLOW_INLINE void flow_table_fetch_touched(const struct flow_table *t, size_t index) {
  if (index >= t->touched_count) return;
  const struct flow_entry *row = flow_table_touched(t, index);
  if (row != NULL) flow_table_fetch(t, row);
}

/* The stamp of the touched row at `index`: the block and the path, to be compared word by word. */
static inline const uint32_t *flow_table_stamp(const struct flow_table *t, size_t index) {
  return t->stamps + index * t->stamp_words;
}

/* Begins the next epoch: nothing is touched. flow_table_pack() does so, too. */
void flow_table_epoch_reset(struct flow_table *);

/* Puts the list of touched rows in the order in which they lie in memory: tombstones, then rows by
 * their numbers. Packing many rows is then reading memory from one end to the other. The order of the first
 * touches and the stamps are lost, so hooks and ids must be done with; what follows is flow_table_pack(). */
void flow_table_line_up(struct flow_table *);

/* Writes what this epoch changed as the entries of a delta (codec.h), in the order of the list, and begins
 * the next epoch: in one pass, since each row may be a cache miss. `key` and `value` append the encoded key and
 * value of a row. */
FLOW_INLINE void flow_table_pack(struct flow_table *t, struct flow_buf *out,
                                 void (*key)(struct flow_buf *, const struct flow_entry *),
                                 void (*value)(struct flow_buf *, const struct flow_entry *)) {
  enum { AHEAD = 16 };
  for (size_t i = 0; i < t->touched_count; i++) {
    flow_table_fetch_touched(t, i + AHEAD);
    uint32_t word = t->touched[i];
    if ((word & FLOW_TOUCHED_GONE) != 0) {
      flow_put_tombstone(out, t->gone[word & ~FLOW_TOUCHED_GONE]);
    } else if (word != 0) {
      struct flow_entry *row = flow_table_row(t, word);
      bool is_new = row->id >= t->epoch_first;
      row->touched = 0;
      flow_put_entry(out, row->id, is_new ? FLOW_DELTA_KEY : 0);
      size_t mark;
      if (is_new) {
        mark = flow_put_open(out);
        key(out, row);
        flow_put_close(out, mark);
      }
      mark = flow_put_open(out);
      value(out, row);
      flow_put_close(out, mark);
    }
  }
  t->touched_count = 0;
  flow_table_epoch_reset(t);
}

/* -- all rows -------------------------------------------------------------------------------- */

/* All live rows in the order of their ids, as an array of row_count addresses that the caller gives
 * back with flow_table_sorted_free(). Null if there are none. */
struct flow_entry **flow_table_sorted(const struct flow_table *);
void flow_table_sorted_free(const struct flow_table *, struct flow_entry **rows);

#endif
