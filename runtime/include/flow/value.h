/* Values: strings, growing buffers and the two kinds of memory that values live in.
 *
 * Transient values live in the input block or in an arena that is emptied after each batch. Values
 * that state keeps live in a heap of size classes and are freed when their slot changes. Both stand
 * behind struct flow_mem, so that one generated copy function serves both.
 *
 * The functions equal, compare, hash, copy and drop of each scalar take pointers, in the form that
 * generated helper functions of records and lists have (back/emit.h), so that they can be named in
 * the same places.
 *
 *   struct flow_str name = flow_str_make(data, length);      borrows `data` when over 12 bytes
 *   struct flow_str kept;
 *   flow_str_copy(w->heap, &kept, &name);                    owns its bytes now
 *   if (flow_str_equal(&kept, &name)) …
 *   flow_str_drop(w->heap, &kept);
 */
#ifndef FLOW_VALUE_H
#define FLOW_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "strings are compared as little-endian words");

/* For functions that get their callbacks as arguments and must become one loop without calls. */
#define FLOW_INLINE static inline __attribute__((always_inline))
/* For what happens at most once per bad record or per growth. */
#define FLOW_COLD                __attribute__((cold, noinline))
#define FLOW_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define FLOW_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* Under AddressSanitizer, memory that was given back is marked, so that a stale pointer into an
 * arena or a heap is found like any other. Program and libflow must then both be built with it. */
#if defined(__SANITIZE_ADDRESS__)
#define FLOW_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FLOW_HAS_ASAN 1
#endif
#endif
#ifdef FLOW_HAS_ASAN
#include <sanitizer/asan_interface.h>
#define FLOW_POISON(memory, size)   ASAN_POISON_MEMORY_REGION(memory, size)
#define FLOW_UNPOISON(memory, size) ASAN_UNPOISON_MEMORY_REGION(memory, size)
#else
#define FLOW_POISON(memory, size)   ((void)0)
#define FLOW_UNPOISON(memory, size) ((void)0)
#endif

/* -- memory ---------------------------------------------------------------------------------- */

/* The part of an arena or heap that inlined code sees: the free room of the arena's current chunk,
 * both ends 16-aligned. A heap has none, so that it always takes the slow path. mem.c has the rest.
 * */
struct flow_mem {
  char *next, *end;
};

void *flow_mem_alloc_slow(struct flow_mem *mem, size_t size);

/* Memory of at least `size` bytes, 16-aligned, uninitialised. Never null: out of memory prints a
 * message and ends the program with exit 70. */
static inline void *flow_mem_alloc(struct flow_mem *mem, size_t size) {
  if (FLOW_LIKELY(size - 1 < (size_t)(mem->end - mem->next))) {
    char *memory = mem->next;
    mem->next += (size + 15) & ~(size_t)15;
    FLOW_UNPOISON(memory, size);
    return memory;
  }
  return flow_mem_alloc_slow(mem, size);
}

/* Moves `old` (of old_size bytes, or null) to new_size >= old_size bytes and returns where it is
 * now. The bytes behind old_size are uninitialised. */
void *flow_mem_grow(struct flow_mem *mem, void *old, size_t old_size, size_t new_size);

/* Gives memory back; null is fine, and nothing happens in an arena. `size` is the size that was
 * asked for. */
void flow_mem_free(struct flow_mem *mem, void *memory, size_t size);

/* Prints a message and ends the program with exit 70. */
FLOW_COLD _Noreturn void flow_out_of_memory(size_t size);

/* -- buffers --------------------------------------------------------------------------------- */

/* A growing byte buffer. `data` has at least `capacity` bytes; length <= capacity. All zero is an
 * empty one on malloc; with `mem` it grows in that memory and is not freed. */
struct flow_buf {
  char *data;
  size_t length, capacity;
  struct flow_mem *mem;
};

/* Makes room for `more` bytes behind the length. Out of memory ends the program with exit 70. */
FLOW_COLD void flow_buf_reserve_slow(struct flow_buf *, size_t more);
void flow_buf_free(struct flow_buf *);

static inline void flow_buf_reserve(struct flow_buf *b, size_t more) {
  if (FLOW_UNLIKELY(b->capacity - b->length < more)) flow_buf_reserve_slow(b, more);
}

static inline void flow_buf_add(struct flow_buf *b, const void *data, size_t length) {
  flow_buf_reserve(b, length);
  if (length > 0) memcpy(b->data + b->length, data, length);
  b->length += length;
}

static inline void flow_buf_add_char(struct flow_buf *b, char c) {
  flow_buf_reserve(b, 1);
  b->data[b->length++] = c;
}

/* Appends a string literal; its length is known at compile time. */
#define flow_buf_add_literal(b, literal) flow_buf_add((b), "" literal, sizeof(literal) - 1)

/* -- hashing --------------------------------------------------------------------------------- */

/* Mixes two words by the halves of their 128-bit product (the idea of Wang Yi's wyhash). The second factor
 * has high bits that are known to spread well, whatever the seed. It is a sum, because gcc would not
 * keep a xor of constants out of a loop over keys. */
static inline uint64_t flow_hash_mix(uint64_t seed, uint64_t a, uint64_t b) {
  const uint64_t spread = UINT64_C(0xd6e8feb86659fd93) + (seed >> 32);
  unsigned __int128 product = (unsigned __int128)(a ^ seed) * (b ^ spread);
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* XXH3 of any bytes. */
uint64_t flow_hash_bytes(uint64_t seed, const void *data, size_t length);

/* -- strings --------------------------------------------------------------------------------- */

#define FLOW_STR_INLINE 12

/* UTF-8 text of up to 4 GiB: up to 12 bytes are kept inline, longer text by pointer with its first
 * four bytes as a prefix. Inline bytes behind the length are zero, so short strings compare by two
 * words. The layout follows the "German strings" of Umbra (Neumann and Freitag, CIDR 2020).
 * Constant initialisers: {.length = 3, .bytes = "abc"} up to 12 bytes, otherwise {.far_length = 14,
 * .prefix = "hell", .pointer = "hello, sailor!"}. All zero is the empty string. */
struct flow_str {
  union {
    struct {
      uint32_t length;
      char bytes[FLOW_STR_INLINE];
    };
    struct {
      uint32_t far_length;
      char prefix[4];
      const char *pointer;
    };
    uint64_t words[2];
  };
};

_Static_assert(sizeof(struct flow_str) == 16, "a string is two words");

/* The unaligned little-endian words at `data`. */
static inline uint64_t flow_load64(const void *data) {
  uint64_t word;
  memcpy(&word, data, sizeof word);
  return word;
}

static inline uint64_t flow_load32(const void *data) {
  uint32_t word;
  memcpy(&word, data, sizeof word);
  return word;
}

/* A string of `length` < 4 GiB bytes. Up to 12 bytes are copied, more are borrowed: `data` must
 * then live as long as the string. */
static inline struct flow_str flow_str_make(const char *data, size_t length) {
  struct flow_str s;
  uint64_t low = 0, high = 0; /* bytes 0 to 7 and 8 to 11; overlapping loads, no loop */
  if (FLOW_UNLIKELY(length > FLOW_STR_INLINE)) {
    s.far_length = (uint32_t)length;
    memcpy(s.prefix, data, sizeof s.prefix);
    s.pointer = data;
    return s;
  }
  if (length >= 8) {
    low = flow_load64(data);
    high = flow_load32(data + length - 4) >> 8 * (12 - length);
  } else if (length >= 4) {
    low = flow_load32(data) | flow_load32(data + length - 4) >> 8 * (8 - length) << 32;
  } else if (length > 0) {
    const unsigned char *bytes = (const unsigned char *)data;
    low = bytes[0] | (uint64_t)bytes[length >> 1] << 8 * (length >> 1) |
          (uint64_t)bytes[length - 1] << 8 * (length - 1);
  }
  s.words[0] = (uint32_t)length | low << 32;
  s.words[1] = low >> 32 | high << 32;
  return s;
}

/* As flow_str_make(), for data behind which at least 12 bytes may be read whatever the length, as
 * it is in an input block. Without branches for short strings. */
static inline struct flow_str flow_str_padded(const char *data, size_t length) {
  struct flow_str s;
  if (FLOW_UNLIKELY(length > FLOW_STR_INLINE)) return flow_str_make(data, length);
  uint64_t low = flow_load64(data), high = flow_load32(data + 8);
  uint64_t low_mask = length >= 8 ? ~UINT64_C(0) : (UINT64_C(1) << 8 * (length & 7)) - 1;
  uint64_t high_mask = length > 8 ? (UINT64_C(1) << 8 * (length - 8)) - 1 : 0;
  low &= low_mask;
  high &= high_mask;
  s.words[0] = (uint32_t)length | low << 32;
  s.words[1] = low >> 32 | high << 32;
  return s;
}

/* The string of a literal, which lives for ever. */
#define flow_str_literal(literal) flow_str_make("" literal, sizeof(literal) - 1)

/* Its bytes, not NUL-terminated. For a short string they lie inside *s. */
static inline const char *flow_str_data(const struct flow_str *s) {
  return s->length <= FLOW_STR_INLINE ? s->bytes : s->pointer;
}

/* Whether two strings of the same length > 12 and with the same prefix are equal. It is a call, because
 * where one string is a short constant, gcc warns of a comparison that never takes place. */
bool flow_str_far_equal(const struct flow_str *, const struct flow_str *);

static inline bool flow_str_equal(const struct flow_str *a, const struct flow_str *b) {
  if (a->words[0] != b->words[0]) return false; /* length and first four bytes */
  if (a->words[1] == b->words[1]) return true;  /* the rest, or the same pointer */
  return a->length > FLOW_STR_INLINE && flow_str_far_equal(a, b);
}

/* True if the string is these bytes; for literals the compiler turns it into word compares. */
static inline bool flow_str_is(const struct flow_str *s, const char *data, size_t length) {
  return s->length == length && memcmp(flow_str_data(s), data, length) == 0;
}

/* Below, equal to or above 0 as `a` is before, equal to or after `b` in byte order. */
int flow_str_compare(const struct flow_str *a, const struct flow_str *b);

static inline uint64_t flow_str_hash(uint64_t seed, const struct flow_str *s) {
  if (FLOW_LIKELY(s->length <= FLOW_STR_INLINE)) {
    return flow_hash_mix(seed, s->words[0], s->words[1]);
  }
  return flow_hash_bytes(seed, s->pointer, s->length);
}

/* A copy that owns its bytes in `mem`. `to` is overwritten, not dropped; it may be `from`. */
static inline void flow_str_copy(struct flow_mem *mem, struct flow_str *to,
                                 const struct flow_str *from) {
  struct flow_str s = *from;
  if (s.length > FLOW_STR_INLINE)
    s.pointer = memcpy(flow_mem_alloc(mem, s.length), s.pointer, s.length);
  *to = s;
}

/* Frees what a copied string owns. */
static inline void flow_str_drop(struct flow_mem *mem, struct flow_str *s) {
  if (s->length > FLOW_STR_INLINE) flow_mem_free(mem, (void *)(uintptr_t)s->pointer, s->length);
}

/* Appends the bytes of the string. */
static inline void flow_print_str(struct flow_buf *b, const struct flow_str *s) {
  flow_buf_reserve(b, s->length > FLOW_STR_INLINE ? s->length : FLOW_STR_INLINE);
  if (s->length <= FLOW_STR_INLINE)
    memcpy(b->data + b->length, s->bytes, FLOW_STR_INLINE);
  else
    memcpy(b->data + b->length, s->pointer, s->length);
  b->length += s->length;
}

/* -- scalars --------------------------------------------------------------------------------- */

/* int, timestamp and duration. */
static inline bool flow_int_equal(const int64_t *a, const int64_t *b) {
  return *a == *b;
}

static inline int flow_int_compare(const int64_t *a, const int64_t *b) {
  return (*a > *b) - (*a < *b);
}

static inline uint64_t flow_int_hash(uint64_t seed, const int64_t *a) {
  return flow_hash_mix(seed, (uint64_t)*a, 0);
}

/* Floats are finite (language rule 17), so order is total; -0.0 equals 0.0 and hashes alike. */
static inline bool flow_float_equal(const double *a, const double *b) {
  return *a == *b;
}

static inline int flow_float_compare(const double *a, const double *b) {
  return (*a > *b) - (*a < *b);
}

static inline uint64_t flow_float_hash(uint64_t seed, const double *a) {
  double value = *a + 0.0; /* turns -0.0 into 0.0 */
  int64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return flow_int_hash(seed, &bits);
}

static inline bool flow_bool_equal(const bool *a, const bool *b) {
  return *a == *b;
}

static inline int flow_bool_compare(const bool *a, const bool *b) {
  return *a - *b;
}

static inline uint64_t flow_bool_hash(uint64_t seed, const bool *a) {
  int64_t value = *a;
  return flow_int_hash(seed, &value);
}

#endif
