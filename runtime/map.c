#include "flow/map.h"

/* A fixed address of the program; the loader of every hardened system chooses it anew per run. */
static const char anchor;

uint64_t flow_map_seed(void) {
  return flow_hash_mix((uint64_t)(uintptr_t)&anchor, UINT64_C(0x9e3779b97f4a7c15), 0);
}

/* Hashes and index of an indexed map stand in front of its entries: 3 words of 4 bytes for each. */
static size_t front_bytes(uint32_t capacity) {
  return capacity > FLOW_MAP_LINEAR ? (size_t)capacity * 3 * sizeof(uint32_t) : 0;
}

static size_t map_bytes(uint32_t capacity, size_t entry_size) {
  return front_bytes(capacity) + capacity * entry_size;
}

static void index_rebuild(struct flow_map *m) {
  uint32_t *index = flow_map_index(m), mask = 2 * m->capacity - 1;
  const uint32_t *hashes = flow_map_hashes(m);
  memset(index, 0, 2 * (size_t)m->capacity * sizeof *index);
  for (uint32_t at = 0; at < m->used; at++) {
    uint32_t slot = hashes[at] >> 1 & mask;
    while (index[slot] != 0) slot = (slot + 1) & mask;
    index[slot] = at + 1;
  }
}

/* Moves the live entries and their hashes to the front, in order. */
static void close_gaps(struct flow_map *m, size_t entry_size) {
  uint32_t *hashes = flow_map_hashes(m), to = 0;
  for (uint32_t at = 0; at < m->used; at++) {
    if (hashes[at] == 0) continue;
    if (to != at) {
      hashes[to] = hashes[at];
      memcpy(m->entries + to * entry_size, m->entries + at * entry_size, entry_size);
    }
    to++;
  }
  m->used = to;
  m->first = 0;
}

static void move_to_capacity(struct flow_mem *mem, struct flow_map *m, uint32_t capacity,
                             size_t entry_size, flow_map_hash *hash) {
  struct flow_map old = *m;
  char *block = flow_mem_alloc(mem, map_bytes(capacity, entry_size));
  m->entries = block + front_bytes(capacity);
  m->capacity = capacity;
  if (old.used > 0) memcpy(m->entries, old.entries, old.used * entry_size);
  if (capacity > FLOW_MAP_LINEAR) {
    uint32_t *hashes = flow_map_hashes(m);
    for (uint32_t at = 0; at < m->used; at++) {
      hashes[at] = old.capacity > FLOW_MAP_LINEAR
                       ? flow_map_hashes(&old)[at]
                       : flow_map_fold(hash(flow_map_seed(), m->entries + at * entry_size));
    }
    index_rebuild(m);
  }
  if (old.entries != NULL) {
    flow_mem_free(mem, old.entries - front_bytes(old.capacity),
                  map_bytes(old.capacity, entry_size));
  }
}

void flow_map_grow(struct flow_mem *mem, struct flow_map *m, size_t entry_size,
                   flow_map_hash *hash) {
  if (m->capacity > FLOW_MAP_LINEAR) {
    bool is_sparse = m->length < m->capacity - m->capacity / 4;
    close_gaps(m, entry_size);
    if (is_sparse) {
      index_rebuild(m);
      return;
    }
  }
  if (m->capacity >= FLOW_MAP_MAX) flow_out_of_memory(map_bytes(m->capacity, entry_size));
  move_to_capacity(mem, m, m->capacity == 0 ? 2 : 2 * m->capacity, entry_size, hash);
}

void flow_map_reserve(struct flow_mem *mem, struct flow_map *m, uint32_t count, size_t entry_size) {
  uint32_t capacity = 2;
  if (count > FLOW_MAP_MAX) flow_out_of_memory(map_bytes(FLOW_MAP_MAX, entry_size));
  while (capacity < count) capacity *= 2;
  /* Without entries there is nothing to hash. */
  if (count > m->capacity) move_to_capacity(mem, m, capacity, entry_size, NULL);
}

/* Empties the slot of the entry at `at` and closes the hole, so that no gap is in the index. */
static void index_remove(struct flow_map *m, uint32_t at) {
  uint32_t *index = flow_map_index(m), mask = 2 * m->capacity - 1;
  const uint32_t *hashes = flow_map_hashes(m);
  uint32_t hole = hashes[at] >> 1 & mask;
  while (index[hole] != at + 1) hole = (hole + 1) & mask;
  for (uint32_t slot = (hole + 1) & mask; index[slot] != 0; slot = (slot + 1) & mask) {
    uint32_t home = hashes[index[slot] - 1] >> 1 & mask;
    if (((slot - home) & mask) < ((slot - hole) & mask)) continue; /* already at or behind home */
    index[hole] = index[slot];
    hole = slot;
  }
  index[hole] = 0;
}

/* Of a map from which much was taken, less than a quarter of its places is in use. */
static void shrink(struct flow_mem *mem, struct flow_map *m, size_t entry_size) {
  close_gaps(m, entry_size);
  /* All entries have hashes. */
  move_to_capacity(mem, m, m->capacity / 2, entry_size, NULL);
}

void flow_map_remove(struct flow_mem *mem, struct flow_map *m, uint32_t at, size_t entry_size) {
  m->length--;
  if (m->capacity <= FLOW_MAP_LINEAR) {
    char *entry = m->entries + at * entry_size;
    memmove(entry, entry + entry_size, (m->used - at - 1) * entry_size);
    m->used--;
    return;
  }
  index_remove(m, at);
  uint32_t *hashes = flow_map_hashes(m);
  hashes[at] = 0;
  /* Gaps at either end vanish, so that a queue or a stack never searches for its end. */
  while (m->used > 0 && hashes[m->used - 1] == 0) m->used--;
  while (m->first < m->used && hashes[m->first] == 0) m->first++;
  if (m->length == 0) m->first = 0;
  if (FLOW_UNLIKELY(m->length < m->capacity / 4)) shrink(mem, m, entry_size);
}

void flow_map_free(struct flow_mem *mem, struct flow_map *m, size_t entry_size) {
  if (m->entries != NULL) {
    flow_mem_free(mem, m->entries - front_bytes(m->capacity), map_bytes(m->capacity, entry_size));
  }
  *m = (struct flow_map){0};
}
