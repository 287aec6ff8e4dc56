/* From interned names to pointers, in insertion order.
 *
 *   struct map map;
 *   map_init(&map, arena);
 *   if (map_put(&map, name, decl)) report_second_declaration();
 *   map_each(entry, &map) use(entry->key, entry->value);    in insertion order: stable output
 *
 * Keys are compared as pointers: they must come from names.h. Values are borrowed and should not be
 * NULL, because NULL says "absent". Entries are never removed.
 */
#ifndef FLOWCC_BASE_MAP_H
#define FLOWCC_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct map_entry {
  const char *key;
  void *value;
};

struct map {
  struct arena *arena;
  struct map_entry *data; /* In insertion order. */
  size_t count, capacity;
  uint32_t *slots; /* Index into `data` plus 1; 0 is free. Unused while the map is small. */
  size_t slot_count;
};

/* Makes an empty map that allocates from `arena`, which must outlive it. */
void map_init(struct map *map, struct arena *arena);

/* Returns the value of `key`, or NULL when there is none. */
void *map_get(const struct map *map, const char *key);

/* Sets the value of `key`. Returns the value that it replaces (the key keeps its place), or NULL
 * when it is new. */
void *map_put(struct map *map, const char *key, void *value);

#define map_each(entry, map)                                                                       \
  for (struct map_entry *entry = (map)->data,                                                      \
                        *entry##_end = (map)->count ? entry + (map)->count : entry;                \
       entry != entry##_end; entry++)

#endif
