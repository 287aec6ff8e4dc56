#include "base/map.h"

#include "base/vec.h"

/* Up to this many entries a scan is faster than a hash and needs no table. */
#define SCAN_LIMIT 8

static size_t slot_of(const struct map *map, const char *key) {
  uint64_t hash = (uint64_t)(uintptr_t)key * UINT64_C(0x9E3779B97F4A7C15);
  return (size_t)(hash >> 32) & (map->slot_count - 1);
}

void map_init(struct map *map, struct arena *arena) {
  *map = (struct map){.arena = arena};
}

static struct map_entry *find(const struct map *map, const char *key) {
  if (!map->slot_count) {
    for (size_t i = 0; i < map->count; i++) {
      if (map->data[i].key == key) return &map->data[i];
    }
    return NULL;
  }
  for (size_t at = slot_of(map, key); map->slots[at]; at = (at + 1) & (map->slot_count - 1)) {
    if (map->data[map->slots[at] - 1].key == key) return &map->data[map->slots[at] - 1];
  }
  return NULL;
}

static void index_entry(struct map *map, size_t index) {
  size_t at = slot_of(map, map->data[index].key);
  while (map->slots[at]) at = (at + 1) & (map->slot_count - 1);
  map->slots[at] = (uint32_t)index + 1;
}

void *map_get(const struct map *map, const char *key) {
  struct map_entry *entry = find(map, key);
  return entry ? entry->value : NULL;
}

void *map_put(struct map *map, const char *key, void *value) {
  struct map_entry *entry = find(map, key);
  if (entry) {
    void *old = entry->value;
    entry->value = value;
    return old;
  }
  vec_push(map->arena, map, (struct map_entry){key, value});
  if (map->count <= SCAN_LIMIT) return NULL;
  if (map->count * 2 <= map->slot_count) {
    index_entry(map, map->count - 1);
    return NULL;
  }
  map->slot_count = map->slot_count ? map->slot_count * 2 : SCAN_LIMIT * 4;
  map->slots = arena_zalloc(map->arena, map->slot_count * sizeof *map->slots);
  for (size_t i = 0; i < map->count; i++) index_entry(map, i);
  return NULL;
}
