#include "base/vec.h"

void *vec_grow(struct arena *arena, void *data, size_t count, size_t *capacity, size_t item_size) {
  *capacity = count < 4 ? 4 : count * 2;
  return arena_grow(arena, data, count * item_size, *capacity * item_size);
}
