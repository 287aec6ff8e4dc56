/* Lists: what the generated functions of each list type share.
 *
 * A list is a generated struct; all zero is the empty one:
 *
 *   struct L_int { union { int64_t near[4]; int64_t *far; }; uint32_t length, capacity; };
 *   struct L_string { struct flow_str *far; uint32_t length, capacity; };
 *
 * Where the capacity is 0 the elements lie in the list itself, up to `near_count` of them, which is 0 for
 * types of elements that are never kept there. Otherwise they lie at `far`, in the flow_mem of the list's
 * owner: the heap for state, the arena otherwise. Nothing in a list points into it, so it may be
 * assigned as a struct.
 *
 *   if (flow_list_is_full(xs->length, xs->capacity, 4))
 *     xs->far = flow_list_grow(mem, elements, xs->length, &xs->capacity, sizeof *xs->far);
 */
#ifndef FLOW_LIST_H
#define FLOW_LIST_H

#include "flow/value.h"

/* Elements of one list. */
#define FLOW_LIST_MAX UINT32_C(0xfffffff0)

/* Whether there is no room for another element. */
static inline bool flow_list_is_full(uint32_t length, uint32_t capacity, uint32_t near_count) {
  return FLOW_UNLIKELY(length == (capacity > 0 ? capacity : near_count));
}

/* Makes room for at least one more element: moves them away from `elements`, sets *capacity (it
 * grows by three quarters or more, from 16 bytes on), and returns where they are. Over FLOW_LIST_MAX
 * elements the program ends like one that is out of memory. */
FLOW_COLD void *flow_list_grow(struct flow_mem *, void *elements, uint32_t length,
                               uint32_t *capacity, size_t element_size);

/* Whether so much room is unused that the list should shrink. Afterwards it is at most half full, so
 * that it neither grows nor shrinks again soon. */
static inline bool flow_list_is_wide(uint32_t length, uint32_t capacity) {
  return FLOW_UNLIKELY(length < capacity / 4);
}

/* Gives back memory of a wide list: moves its elements into it if they fit, else to half the capacity. */
FLOW_COLD void flow_list_shrink(struct flow_mem *, void *list, uint32_t length, uint32_t *capacity,
                                uint32_t near_count, size_t element_size);

/* Frees the elements' memory, if they lie outside of the list; not what they own. */
static inline void flow_list_free(struct flow_mem *mem, void *data, uint32_t capacity,
                                  size_t element_size) {
  if (capacity > 0) flow_mem_free(mem, data, capacity * element_size);
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

/* The same for elements that lie in the list itself: every place behind `index` is written, however
 * long the list is, so that nothing is called and no loop is left. */
FLOW_INLINE void flow_list_close_near(void *near, uint32_t near_count, uint32_t index,
                                      size_t element_size) {
  char *at = (char *)near;
#pragma GCC unroll 8
  for (uint32_t i = 0; i + 1 < near_count; i++) {
    if (i >= index) memcpy(at + i * element_size, at + (i + 1) * element_size, element_size);
  }
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
