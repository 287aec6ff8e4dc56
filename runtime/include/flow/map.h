/* Maps and sets that keep the order of insertion.
 *
 * The C type of every map and set is struct flow_map; all zero is the empty one. Its entries are
 * generated structs that begin with the key (in a set the key is all). A small map is an array that
 * is searched from its start; above FLOW_MAP_LINEAR entries an index of hashes joins it. Deleted
 * entries of an indexed map stay as gaps until it is rebuilt, so the order never changes. The hash
 * has a seed that differs from run to run; nothing depends on it, because loops go by position.
 *
 *   struct E { struct flow_str key; int64_t value; };
 *   static bool e_equal(const void *entry, const void *key);      the entry's key is `key`
 *   static uint64_t e_hash(uint64_t seed, const void *key);       of a key; entries begin with one
 *
 *   uint32_t at = flow_map_find(m, &key, sizeof(struct E), e_hash, e_equal);
 *   if (at == FLOW_MAP_NONE) {
 *     at = flow_map_insert(mem, m, &key, sizeof(struct E), e_hash);
 *     struct E *e = flow_map_at(m, at, sizeof(struct E));           uninitialised: key and value
 *     flow_str_copy(mem, &e->key, &key);                            are written now
 *     e->value = 0;
 *   }
 *   for (uint32_t i = flow_map_first(m); i != FLOW_MAP_NONE; i = flow_map_next(m, i)) …
 *
 * The caller drops what an entry owns before it removes it.
 */
#ifndef FLOW_MAP_H
#define FLOW_MAP_H

#include "flow/value.h"

/* Entries up to which a search from the start beats hashing. */
#define FLOW_MAP_LINEAR 8
#define FLOW_MAP_NONE   UINT32_MAX
/* Entries of one map, gaps included. */
#define FLOW_MAP_MAX (UINT32_C(1) << 30)

struct flow_map {
  char *entries;     /* capacity entries; in an indexed map hashes and index lie in front of them */
  uint32_t length;   /* live entries */
  uint32_t used;     /* entries with the gaps; the last one is live */
  uint32_t capacity; /* a power of two; indexed when above FLOW_MAP_LINEAR */
  uint32_t first;    /* the first live entry; 0 if there is none */
};

typedef uint64_t flow_map_hash(uint64_t seed, const void *key);
typedef bool flow_map_equal(const void *entry, const void *key);

/* The seed of this run: where the loader put the program, mixed. */
uint64_t flow_map_seed(void);

static inline void *flow_map_at(const struct flow_map *m, uint32_t at, size_t entry_size) {
  return m->entries + at * entry_size;
}

/* The hash of each entry, never 0; 0 is a gap. Only of an indexed map. */
static inline uint32_t *flow_map_hashes(const struct flow_map *m) {
  return (uint32_t *)(void *)m->entries - m->capacity;
}

/* Twice as many slots as entries: the position of an entry + 1, or 0. Only of an indexed map. */
static inline uint32_t *flow_map_index(const struct flow_map *m) {
  return (uint32_t *)(void *)m->entries - 3 * (size_t)m->capacity;
}

static inline uint32_t flow_map_fold(uint64_t hash) {
  return (uint32_t)(hash >> 32) | 1;
}

/* The position of the key's entry, or FLOW_MAP_NONE. */
FLOW_INLINE uint32_t flow_map_find(const struct flow_map *m, const void *key, size_t entry_size,
                                   flow_map_hash *hash, flow_map_equal *equal) {
  if (m->capacity <= FLOW_MAP_LINEAR) {
    for (uint32_t i = 0; i < m->used; i++) {
      if (equal(flow_map_at(m, i, entry_size), key)) return i;
    }
    return FLOW_MAP_NONE;
  }
  uint32_t folded = flow_map_fold(hash(flow_map_seed(), key)), mask = 2 * m->capacity - 1;
  const uint32_t *hashes = flow_map_hashes(m), *index = flow_map_index(m);
  for (uint32_t slot = folded >> 1 & mask; index[slot] != 0; slot = (slot + 1) & mask) {
    uint32_t at = index[slot] - 1;
    if (hashes[at] == folded && equal(flow_map_at(m, at, entry_size), key)) return at;
  }
  return FLOW_MAP_NONE;
}

/* Makes room for one more entry: closes gaps, or moves to twice the capacity; `hash` is called for
 * entries that have no hash yet. */
FLOW_COLD void flow_map_grow(struct flow_mem *, struct flow_map *, size_t entry_size,
                             flow_map_hash *hash);

/* Adds an entry for a key that is not in the map, behind all others. Returns its position; the
 * caller writes key and value. */
FLOW_INLINE uint32_t flow_map_insert(struct flow_mem *mem, struct flow_map *m, const void *key,
                                     size_t entry_size, flow_map_hash *hash) {
  if (FLOW_UNLIKELY(m->used == m->capacity)) flow_map_grow(mem, m, entry_size, hash);
  uint32_t at = m->used++;
  m->length++;
  if (m->capacity > FLOW_MAP_LINEAR) {
    uint32_t folded = flow_map_fold(hash(flow_map_seed(), key)), mask = 2 * m->capacity - 1;
    uint32_t *index = flow_map_index(m), slot = folded >> 1 & mask;
    while (index[slot] != 0) slot = (slot + 1) & mask;
    flow_map_hashes(m)[at] = folded;
    index[slot] = at + 1;
  }
  return at;
}

/* Takes out the entry at `at`; what it owns has been dropped. Positions may change. A map of which
 * little is left gives memory back. */
void flow_map_remove(struct flow_mem *, struct flow_map *, uint32_t at, size_t entry_size);

/* Makes room for `count` entries of an empty map, for copies and decoders. */
void flow_map_reserve(struct flow_mem *, struct flow_map *, uint32_t count, size_t entry_size);

/* Frees the memory; the map is then the empty one. What the entries own has been dropped. */
void flow_map_free(struct flow_mem *, struct flow_map *, size_t entry_size);

/* The first and the last position in the order of insertion, or FLOW_MAP_NONE. */
static inline uint32_t flow_map_first(const struct flow_map *m) {
  return m->length > 0 ? m->first : FLOW_MAP_NONE;
}

static inline uint32_t flow_map_last(const struct flow_map *m) {
  return m->length > 0 ? m->used - 1 : FLOW_MAP_NONE;
}

/* The position behind `at`, or FLOW_MAP_NONE. */
static inline uint32_t flow_map_next(const struct flow_map *m, uint32_t at) {
  at++;
  if (m->capacity > FLOW_MAP_LINEAR) {
    const uint32_t *hashes = flow_map_hashes(m);
    while (at < m->used && hashes[at] == 0) at++;
  }
  return at < m->used ? at : FLOW_MAP_NONE;
}

#endif
