/* Values: strings, growing buffers and the two kinds of memory that values live in.
 *
 * Transient values live in the input block or in an arena that is emptied after each batch. Values
 * that state keeps live in a heap of size classes and are freed when their slot changes. Both stand
 * behind struct flow_mem, so that one generated copy function serves both.
 */
#ifndef FLOW_VALUE_H
#define FLOW_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct flow_mem; /* mem.h of the runtime; an arena or a heap */

/* Memory of at least `size` bytes, 16-aligned, uninitialised. */
void *flow_mem_alloc(struct flow_mem *, size_t size);
/* Moves `old` (of old_size bytes, or null) to `new_size` bytes. */
void *flow_mem_grow(struct flow_mem *, void *old, size_t old_size, size_t new_size);
/* Gives memory back; nothing happens in an arena. `size` is the size that was asked for. */
void flow_mem_free(struct flow_mem *, void *memory, size_t size);

/* UTF-8 text of up to 4 GiB: up to 12 bytes are kept inline, longer text by pointer with its first
 * four bytes as a prefix. Inline bytes behind the length are zero, so short strings compare by
 * two words. The layout follows the "German strings" of Umbra (Neumann and Freitag, CIDR 2020). */
struct flow_str {
  uint32_t length;
  union {
    char bytes[12];
    struct {
      char prefix[4];
      char pointer[8]; /* const char *, copied in and out so that the struct stays 16 bytes */
    } far;
  } as;
};

#define FLOW_STR_INLINE 12

/* A growing byte buffer. `data` has at least `capacity` bytes; length <= capacity. */
struct flow_buf {
  char *data;
  size_t length, capacity;
};

/* Makes room for `more` bytes behind the length. Out of memory ends the program with exit 70. */
void flow_buf_reserve_slow(struct flow_buf *, size_t more);
void flow_buf_free(struct flow_buf *);

static inline void flow_buf_reserve(struct flow_buf *b, size_t more) {
  if (__builtin_expect(b->capacity - b->length < more, 0)) flow_buf_reserve_slow(b, more);
}

static inline void flow_buf_add(struct flow_buf *b, const void *data, size_t length) {
  flow_buf_reserve(b, length);
  memcpy(b->data + b->length, data, length);
  b->length += length;
}

#endif
