#include "flow/abi.h"
#include "flow/state.h"

#include "mem.h"
#include "sys.h"

#include <stdlib.h>

/* Slots of the smallest index, as a power of two. */
enum { SLOTS_MIN_LOG = 4 };

static size_t slot_count(const struct flow_table *t) {
  return (size_t)1 << (32 - t->shift);
}

/* Five eighths: there a lookup looks at 1.8 slots on average, at three quarters at 2.5. */
static uint32_t limit_of(size_t slots) {
  size_t limit = slots / 8 * 5;
  return limit < FLOW_TABLE_ROWS_MAX ? (uint32_t)limit : FLOW_TABLE_ROWS_MAX;
}

static uint32_t *slots_new(const struct flow_sys *sys, size_t count) {
  uint32_t *slots = flow_sys_must_alloc(sys, count * sizeof *slots);
  memset(slots, 0, count * sizeof *slots);
  return slots;
}

void flow_table_init(struct flow_table *t, const struct flow_sys *sys, uint32_t row_size,
                     uint64_t seed) {
  *t = (struct flow_table){.sys = sys,
                           .row_size = flow_table_row_size(row_size),
                           .chunk_shift = flow_table_chunk_shift(row_size),
                           .seed = seed,
                           .shift = 32 - SLOTS_MIN_LOG,
                           .is_in_order = true,
                           .next_due_us = INT64_MAX,
                           .row_end = 1}; /* row 0 is no row */
  t->slots = slots_new(sys, slot_count(t));
  t->row_limit = limit_of(slot_count(t));
}

/* Chunks are cut from slabs, because what comes from the system singly wastes a part of a page each
 * time. Rows begin at a cache line, so that one of 64 bytes is one line. */
struct flow_slab {
  struct flow_slab *next;
};

enum { CACHE_LINE = 64, SLAB_CHUNKS_MAX = 16 };

static size_t chunk_bytes(const struct flow_table *t) {
  size_t size = (size_t)t->row_size << t->chunk_shift;
  return (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

static void slab_new(struct flow_table *t) {
  uint32_t count = t->chunk_count / 8;
  count = count < 1 ? 1 : count > SLAB_CHUNKS_MAX ? SLAB_CHUNKS_MAX : count;
  struct flow_slab *slab =
      flow_sys_must_alloc(t->sys, sizeof *slab + CACHE_LINE + count * chunk_bytes(t));
  slab->next = t->slabs;
  t->slabs = slab;
  t->slab_rest = (char *)(slab + 1);
  t->slab_rest += (0 - (uintptr_t)t->slab_rest) % CACHE_LINE;
  t->slab_chunks = count;
}

static char *chunk_new(struct flow_table *t) {
  if (t->slab_chunks == 0) slab_new(t);
  char *rows = t->slab_rest;
  t->slab_rest += chunk_bytes(t);
  t->slab_chunks--;
  return rows;
}

void flow_table_free(struct flow_table *t) {
  if (t->sys == NULL) return;
  for (struct flow_slab *slab = t->slabs, *next; slab != NULL; slab = next) {
    next = slab->next;
    t->sys->free(t->sys, slab);
  }
  t->sys->free(t->sys, t->chunks);
  t->sys->free(t->sys, t->slots);
  t->sys->free(t->sys, t->touched);
  t->sys->free(t->sys, t->stamps);
  t->sys->free(t->sys, t->gone);
  t->sys->free(t->sys, t->due);
  for (int i = 0; i < FLOW_DUE_QUEUES; i++) t->sys->free(t->sys, t->queues[i].places);
  *t = (struct flow_table){0};
}

void flow_table_clear(struct flow_table *t) {
  memset(t->slots, 0, slot_count(t) * sizeof *t->slots);
  t->row_count = t->free_row = 0;
  t->row_end = 1;
  t->next_id = t->epoch_first = 0;
  t->touched_count = t->hole_count = t->gone_count = 0;
  t->due_count = 0;
  for (int i = 0; i < FLOW_DUE_QUEUES; i++) t->queues[i].span = t->queues[i].count = 0;
  t->next_due_us = INT64_MAX;
  t->next_due = NULL;
  t->is_in_order = true;
}

void flow_table_keep_order(struct flow_table *t, uint32_t path_length) {
  t->stamp_words = 1 + path_length;
}

static size_t stamp_bytes(const struct flow_table *t, size_t count) {
  return count * t->stamp_words * sizeof *t->stamps;
}

size_t flow_table_bytes(const struct flow_table *t) {
  return slot_count(t) * sizeof *t->slots + t->touched_capacity * sizeof *t->touched +
         t->gone_capacity * sizeof *t->gone + stamp_bytes(t, t->touched_capacity) +
         t->chunk_count * chunk_bytes(t) +
         t->chunk_capacity * sizeof *t->chunks;
}

/* -- the index ------------------------------------------------------------------------------- */

static void index_put(struct flow_table *t, uint32_t tag, uint32_t row) {
  struct flow_probe p = flow_table_probe(t, tag);
  while (t->slots[p.at] != 0) p.at = (p.at + 1) & p.mask;
  t->slots[p.at] = p.wanted | row;
}

/* Puts all rows into an index that has none, fetching ahead, which one row alone could not. Rows are read
 * in the order in which they lie; the index is where the cache misses are. */
static void index_fill(struct flow_table *t) {
  enum { AHEAD = 16 };
  for (uint32_t number = 1; number < t->row_end; number++) {
    if (number + AHEAD < t->row_end) {
      uint32_t tag = flow_table_row(t, number + AHEAD)->tag;
      __builtin_prefetch(&t->slots[tag >> t->shift], 1);
    }
    const struct flow_entry *row = flow_table_row(t, number);
    if (row->id != FLOW_ENTRY_FREE) index_put(t, row->tag, number);
  }
}

/* Makes the index anew, of 2^log slots. The old one is given back first: nothing in it is needed. */
static void index_resize(struct flow_table *t, uint32_t log) {
  t->sys->free(t->sys, t->slots);
  t->shift = 32 - log;
  t->slots = slots_new(t->sys, slot_count(t));
  t->row_limit = limit_of(slot_count(t));
  index_fill(t);
}

static void index_grow(struct flow_table *t) {
  if (t->shift <= 1) flow_out_of_memory((size_t)t->row_count * t->row_size);
  index_resize(t, 33 - t->shift);
}

/* The slot of a row that is in the index. */
static uint32_t index_slot_of(const struct flow_table *t, const struct flow_entry *row) {
  struct flow_probe p = flow_table_probe(t, row->tag);
  for (;; p.at = (p.at + 1) & p.mask) {
    uint32_t number = flow_probe_row(&p, t->slots[p.at]);
    if (flow_probe_fits(&p, number) && flow_table_row(t, number) == row) return p.at;
  }
}

static uint32_t number_of(const struct flow_table *t, const struct flow_entry *row) {
  return t->slots[index_slot_of(t, row)] & UINT32_MAX >> t->shift;
}

/* The place of the slot's row if there were no others. Its row says so; to compute it here, the tag
 * that the slot does not hold in full would be needed. */
static uint32_t index_home(const struct flow_table *t, uint32_t slot) {
  return flow_table_row(t, slot & UINT32_MAX >> t->shift)->tag >> t->shift;
}

/* Empties a slot and moves the ones behind it back, so that no probe meets a hole. */
static void index_remove(struct flow_table *t, uint32_t hole) {
  uint32_t mask = UINT32_MAX >> t->shift;
  for (uint32_t at = (hole + 1) & mask; t->slots[at] != 0; at = (at + 1) & mask) {
    uint32_t home = index_home(t, t->slots[at]);
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    t->slots[hole] = t->slots[at];
    hole = at;
  }
  t->slots[hole] = 0;
}

/* -- rows ------------------------------------------------------------------------------------ */

static void add_chunk(struct flow_table *t) {
  if (t->chunk_count == t->chunk_capacity) {
    t->chunk_capacity = t->chunk_capacity == 0 ? 8 : 2 * t->chunk_capacity;
    t->chunks = flow_sys_must_realloc(t->sys, t->chunks, t->chunk_capacity * sizeof *t->chunks);
  }
  t->chunks[t->chunk_count++] = chunk_new(t);
}

/* A row with its header, not yet in the index; its number through *number. */
static struct flow_entry *row_new(struct flow_table *t, uint64_t hash, uint64_t id,
                                  uint32_t *number) {
  struct flow_entry *row;
  *number = t->free_row;
  if (*number != 0) {
    row = flow_table_row(t, *number);
    t->free_row = row->touched;
    t->is_in_order = false;
  } else {
    *number = t->row_end++;
    if (FLOW_UNLIKELY(*number >> t->chunk_shift >= t->chunk_count)) add_chunk(t);
    row = flow_table_row(t, *number);
  }
  *row = (struct flow_entry){.id = id, .tag = (uint32_t)(hash >> 32)};
  t->row_count++;
  return row;
}

static void row_free(struct flow_table *t, struct flow_entry *row) {
  uint32_t slot = index_slot_of(t, row), number = t->slots[slot] & UINT32_MAX >> t->shift;
  index_remove(t, slot);
  row->id = FLOW_ENTRY_FREE;
  row->touched = t->free_row;
  t->free_row = number;
  t->row_count--;
}

/* Closes the holes that rows left which came and went within this epoch. */
static void close_holes(struct flow_table *t) {
  size_t to = 0;
  for (size_t i = 0; i < t->touched_count; i++) {
    if (t->touched[i] == 0) continue;
    if (t->stamp_words > 0) {
      memmove(t->stamps + to * t->stamp_words, flow_table_stamp(t, i), stamp_bytes(t, 1));
    }
    t->touched[to++] = t->touched[i];
    struct flow_entry *row = flow_table_touched(t, i);
    if (row != NULL) row->touched = (uint32_t)to;
  }
  t->touched_count = to;
  t->hole_count = 0;
}

/* Notes the order of what is being done as that of the newest touch. */
static void stamp(struct flow_table *t) {
  uint32_t *words = t->stamps + (t->touched_count - 1) * t->stamp_words;
  *words++ = t->order->block;
  for (uint32_t i = 0; i < t->stamp_words - 1; i++) {
    words[i] = i < t->order->level ? t->order->path[i] : 0;
  }
}

/* Appends a row to the list of touched ones. */
static void touch(struct flow_table *t, struct flow_entry *row, uint32_t number) {
  if (t->touched_count == t->touched_capacity && t->hole_count > t->touched_count / 2) {
    close_holes(t);
  }
  if (t->touched_count == t->touched_capacity) {
    t->touched_capacity = t->touched_capacity == 0 ? 16 : 2 * t->touched_capacity;
    t->touched =
        flow_sys_must_realloc(t->sys, t->touched, t->touched_capacity * sizeof *t->touched);
    if (t->stamp_words > 0) {
      t->stamps = flow_sys_must_realloc(t->sys, t->stamps, stamp_bytes(t, t->touched_capacity));
    }
  }
  t->touched[t->touched_count++] = number;
  if (t->stamp_words > 0) stamp(t);
  row->touched = (uint32_t)t->touched_count;
}

struct flow_entry *flow_table_insert(struct flow_table *t, uint64_t hash) {
  if (FLOW_UNLIKELY(t->row_count >= t->row_limit)) index_grow(t);
  uint32_t number;
  struct flow_entry *row = row_new(t, hash, t->next_id++, &number);
  index_put(t, row->tag, number);
  touch(t, row, number);
  return row;
}

struct flow_entry *flow_table_load(struct flow_table *t, uint64_t hash, uint64_t id) {
  uint32_t number;
  if (id < t->next_id)
    t->is_in_order = false;
  else
    t->next_id = id + 1;
  return row_new(t, hash, id, &number);
}

/* The index is made at once, in its final size. */
void flow_table_loaded(struct flow_table *t, uint64_t next_id) {
  if (next_id > t->next_id) t->next_id = next_id;
  t->epoch_first = t->next_id;
  uint32_t log = 32 - t->shift;
  while (log < 31 && limit_of((size_t)1 << log) <= t->row_count) log++;
  if (log > 32 - t->shift)
    index_resize(t, log);
  else
    index_fill(t);
}

void flow_table_touch_slow(struct flow_table *t, struct flow_entry *row) {
  touch(t, row, number_of(t, row));
}

/* Takes a row that did not exist before this epoch out of the list. */
static void untouch(struct flow_table *t, const struct flow_entry *row) {
  if (row->touched == t->touched_count) {
    t->touched_count--;
  } else {
    t->touched[row->touched - 1] = 0;
    t->hole_count++;
  }
}

/* Turns the place of a row in the list into a tombstone. */
static void bury(struct flow_table *t, const struct flow_entry *row) {
  if (t->gone_count == t->gone_capacity) {
    t->gone_capacity = t->gone_capacity == 0 ? 16 : 2 * t->gone_capacity;
    t->gone = flow_sys_must_realloc(t->sys, t->gone, t->gone_capacity * sizeof *t->gone);
  }
  t->touched[row->touched - 1] = FLOW_TOUCHED_GONE | t->gone_count;
  t->gone[t->gone_count++] = row->id;
}

void flow_table_forget(struct flow_table *t, struct flow_entry *row) {
  if (row->id < t->epoch_first) {
    flow_table_touch(t, row);
    bury(t, row);
  } else {
    untouch(t, row);
  }
  row_free(t, row);
}

void flow_table_undo_insert(struct flow_table *t, struct flow_entry *row) {
  t->next_id = row->id;
  untouch(t, row);
  row_free(t, row);
}

void flow_table_epoch_reset(struct flow_table *t) {
  enum { AHEAD = 8 };
  for (size_t i = 0; i < t->touched_count; i++) {
    if (i + AHEAD < t->touched_count) {
      __builtin_prefetch(flow_table_touched(t, i + AHEAD), 1);
    }
    struct flow_entry *row = flow_table_touched(t, i);
    if (row != NULL) row->touched = 0;
  }
  t->touched_count = t->hole_count = t->gone_count = 0;
  t->epoch_first = t->next_id;
}

/* Rows in a list below which the caches hold what it leads to anyway. */
enum { LINE_UP_MIN = 4096 };

/* Sorts by a set of bits, one for each row that was ever handed out: an eighth of a byte per row, and
 * two passes without a comparison. Not worth it where nearly all bits would be 0. */
void flow_table_line_up(struct flow_table *t) {
  size_t words = ((size_t)t->row_end + 63) / 64;
  if (t->touched_count < LINE_UP_MIN || t->touched_count < words / 8) return;
  uint64_t *set = flow_sys_must_alloc(t->sys, words * sizeof *set);
  memset(set, 0, words * sizeof *set);
  size_t to = 0;
  for (size_t i = 0; i < t->touched_count; i++) {
    uint32_t word = t->touched[i];
    if ((word & FLOW_TOUCHED_GONE) != 0)
      t->touched[to++] = word;
    else
      set[word / 64] |= UINT64_C(1) << word % 64; /* for a hole, that of row 0, which is no row */
  }
  set[0] &= ~UINT64_C(1);
  for (size_t i = 0; i < words; i++) {
    for (uint64_t rest = set[i]; rest != 0; rest &= rest - 1) {
      t->touched[to++] = (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(rest);
    }
  }
  t->touched_count = to;
  t->hole_count = 0;
  t->sys->free(t->sys, set);
}

/* -- all rows -------------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b) {
  uint64_t x = (*(struct flow_entry *const *)a)->id, y = (*(struct flow_entry *const *)b)->id;
  return (x > y) - (x < y);
}

/* Live rows in the order of their numbers. */
static uint32_t gather(const struct flow_table *t, struct flow_entry **rows) {
  uint32_t count = 0;
  for (uint32_t number = 1; number < t->row_end; number++) {
    struct flow_entry *row = flow_table_row(t, number);
    if (row->id != FLOW_ENTRY_FREE) rows[count++] = row;
  }
  return count;
}

/* Where most ids are in use: each row at the place of its id, then the empty places closed. */
static void gather_by_id(const struct flow_table *t, struct flow_entry **rows) {
  memset(rows, 0, t->next_id * sizeof *rows);
  for (uint32_t number = 1; number < t->row_end; number++) {
    struct flow_entry *row = flow_table_row(t, number);
    if (row->id != FLOW_ENTRY_FREE) rows[row->id] = row;
  }
  uint32_t count = 0;
  for (uint64_t id = 0; id < t->next_id; id++) {
    if (rows[id] != NULL) rows[count++] = rows[id];
  }
}

struct flow_entry **flow_table_sorted(const struct flow_table *t) {
  if (t->row_count == 0) return NULL;
  bool is_dense = !t->is_in_order && t->next_id / 4 < t->row_count;
  struct flow_entry **rows =
      flow_sys_must_alloc(t->sys, (is_dense ? t->next_id : t->row_count) * sizeof *rows);
  if (is_dense) {
    gather_by_id(t, rows);
  } else {
    uint32_t count = gather(t, rows);
    if (!t->is_in_order) qsort(rows, count, sizeof *rows, compare_ids);
  }
  return rows;
}

void flow_table_sorted_free(const struct flow_table *t, struct flow_entry **rows) {
  t->sys->free(t->sys, rows);
}
