/* Growing arrays, typed, in an arena.
 *
 *   VEC_OF(fields, struct field *);    declares struct fields with data, count and capacity
 *   struct fields list = {0};          a zeroed vector is empty and valid
 *   vec_push(arena, &list, field);
 *   vec_each(struct field *, it, &list) visit(*it);
 *
 * A vector never shrinks and is never freed: its memory belongs to the arena. Pushing may move the
 * items, so a pointer to an item is good until the next push only.
 */
#ifndef FLOWCC_BASE_VEC_H
#define FLOWCC_BASE_VEC_H

#include <stddef.h>

#include "base/arena.h"

#define VEC_OF(name, T)                                                                            \
  struct name {                                                                                    \
    T *data;                                                                                       \
    size_t count;                                                                                  \
    size_t capacity;                                                                               \
  }

/* Appends an item (given last, so that a compound literal with commas may be one). */
#define vec_push(arena, vec, ...)                                                                  \
  do {                                                                                             \
    if ((vec)->count == (vec)->capacity)                                                           \
      (vec)->data =                                                                                \
          vec_grow((arena), (vec)->data, (vec)->count, &(vec)->capacity, sizeof *(vec)->data);     \
    (vec)->data[(vec)->count++] = (__VA_ARGS__);                                                   \
  } while (0)

/* The last item, an lvalue. The vector must not be empty. */
#define vec_last(vec) ((vec)->data[(vec)->count - 1])

/* Runs the statement behind it with `it`, a `T *`, at each item from first to last. The statement
 * must not push. */
#define vec_each(T, it, vec)                                                                       \
  for (__typeof__(T *) it = (vec)->data, it##_end = (vec)->count ? it + (vec)->count : it;         \
       it != it##_end; it++)

/* For vec_push only: returns room for at least one more item and stores the new capacity. */
void *vec_grow(struct arena *arena, void *data, size_t count, size_t *capacity, size_t item_size);

#endif
