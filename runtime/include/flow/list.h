/* Lists: what the generated functions of each list type share.
 *
 * A list is a generated struct { T *data; uint32_t length, capacity; }; all zero is the empty one.
 * Elements lie in the flow_mem of their owner: the heap for state, the arena otherwise.
 *
 *   if (xs->length == xs->capacity)
 *     xs->data = flow_list_grow(mem, xs->data, xs->length, &xs->capacity, sizeof *xs->data);
 *   xs->data[xs->length++] = value;
 */
#ifndef FLOW_LIST_H
#define FLOW_LIST_H

#include "flow/value.h"

/* Elements of one list. */
#define FLOW_LIST_MAX UINT32_C(0xfffffff0)

/* Makes room for at least one more element: moves the elements, sets *capacity (it grows by half or
 * more, from 16 bytes on), and returns where they are. Over FLOW_LIST_MAX elements the program ends
 * like one that is out of memory. */
FLOW_COLD void *flow_list_grow(struct flow_mem *, void *data, uint32_t length, uint32_t *capacity,
                               size_t element_size);

/* Memory for exactly `count` elements, or null for none; the capacity is then `count`. */
static inline void *flow_list_alloc(struct flow_mem *mem, uint32_t count, size_t element_size) {
  return count == 0 ? NULL : flow_mem_alloc(mem, count * element_size);
}

/* Frees the elements' memory, not what they own. */
static inline void flow_list_free(struct flow_mem *mem, void *data, uint32_t capacity,
                                  size_t element_size) {
  flow_mem_free(mem, data, capacity * element_size);
}

/* Moves the elements from `index` on one place up, into room that must be there. */
static inline void flow_list_open(void *data, uint32_t length, uint32_t index,
                                  size_t element_size) {
  char *at = (char *)data + index * element_size;
  if (length > index) memmove(at + element_size, at, (length - index) * element_size);
}

/* Moves the elements behind `index` < length one place down, over the one at `index`. */
static inline void flow_list_close(void *data, uint32_t length, uint32_t index,
                                   size_t element_size) {
  char *at = (char *)data + index * element_size;
  if (length > index + 1) memmove(at, at + element_size, (length - index - 1) * element_size);
}

/* Sorts stably by `compare` (below 0, 0, above 0) with a merge sort; scratch memory comes from
 * `arena`. */
void flow_list_sort(struct flow_mem *arena, void *data, uint32_t length, size_t element_size,
                    int (*compare)(const void *, const void *));

/* Cuts the half-open range to 0 … length; one that is empty or backwards gets *to == *from. */
static inline void flow_list_clamp(int64_t length, int64_t *from, int64_t *to) {
  *from = *from < 0 ? 0 : *from > length ? length : *from;
  *to = *to < *from ? *from : *to > length ? length : *to;
}

#endif
