/* What the hand-written programs share: blocks of whole lines, an output buffer, ints as text, and an
 * index of keys that are kept in rows. They are written for the inputs of the benchmark: a line that
 * does not have the expected form, or a key of more than 15 bytes, ends them with exit 65.
 */
#ifndef HAND_H
#define HAND_H

#define _GNU_SOURCE /* memrchr */

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define ALWAYS_INLINE       __attribute__((always_inline)) static inline

static inline _Noreturn void give_up(const char *why, int code) {
  fprintf(stderr, "%s\n", why);
  exit(code);
}

/* -- input ----------------------------------------------------------------------------------- */

enum { BLOCK_BYTES = 256 << 10, PADDING = 64, OUTPUT_BYTES = 256 << 10, ROW_BYTES = 4096 };

struct input {
  int file;
  size_t length; /* bytes in `data` */
  char *next;    /* of the line that the last block ended in front of */
  char data[2 * BLOCK_BYTES + PADDING];
};

static inline void open_input(struct input *in, const char *path) {
  in->file = open(path, O_RDONLY);
  if (in->file < 0) give_up("no input", 66);
  in->length = 0;
  in->next = in->data;
}

/* The next lines as *begin up to *end, which lies behind a newline; false at the end of the input. */
static inline bool next_block(struct input *in, const char **begin, const char **end) {
  size_t kept = (size_t)(in->data + in->length - in->next);
  memmove(in->data, in->next, kept);
  ssize_t got = read(in->file, in->data + kept, BLOCK_BYTES);
  if (got < 0) give_up("cannot read", 74);
  in->length = kept + (size_t)got;
  char *last = memrchr(in->data, '\n', in->length);
  if (last == NULL) {
    if (in->length > 0) give_up("a line that does not end", 65);
    return false;
  }
  memset(in->data + in->length, 0, PADDING);
  in->next = last + 1;
  *begin = in->data;
  *end = in->next;
  return true;
}

#define DIFFERENCE(type, p, text, at)              \
  do {                                             \
    type left, right;                              \
    memcpy(&left, (p) + (at), sizeof left);        \
    memcpy(&right, (text) + (at), sizeof right);   \
    difference |= left ^ right;                    \
  } while (0)

/* Behind `text`, which must be what lies at `p`. The compiler calls memcmp for more than a word, so
 * words are compared here, of which two may overlap. */
ALWAYS_INLINE const char *skip_expected(const char *p, const char *text, size_t length) {
  uint64_t difference = 0;
  if (length >= 8) {
    for (size_t at = 0; at + 8 <= length; at += 8) DIFFERENCE(uint64_t, p, text, at);
    DIFFERENCE(uint64_t, p, text, length - 8);
  } else if (length >= 4) {
    DIFFERENCE(uint32_t, p, text, 0);
    DIFFERENCE(uint32_t, p, text, length - 4);
  } else if (length >= 2) {
    DIFFERENCE(uint16_t, p, text, 0);
    DIFFERENCE(uint16_t, p, text, length - 2);
  } else {
    DIFFERENCE(uint8_t, p, text, 0);
  }
  if (UNLIKELY(difference != 0)) give_up(text, 65);
  return p + length;
}

#define expect(p, text) skip_expected(p, text, sizeof(text) - 1)

/* -- output ---------------------------------------------------------------------------------- */

struct output {
  char *next;
  char data[OUTPUT_BYTES + ROW_BYTES];
};

static inline void flush_output(struct output *out) {
  for (char *from = out->data; from < out->next;) {
    ssize_t written = write(STDOUT_FILENO, from, (size_t)(out->next - from));
    if (written < 0) give_up("cannot write", 74);
    from += written;
  }
  out->next = out->data;
}

/* Room for a row of ROW_BYTES. */
static inline char *begin_row(struct output *out) {
  if (UNLIKELY(out->next >= out->data + OUTPUT_BYTES)) flush_output(out);
  return out->next;
}

#define put_literal(p, text) ((char *)memcpy(p, text, sizeof(text) - 1) + sizeof(text) - 1)

/* The decimal digits of 0 … 99, two each. */
static const char digit_pairs[200] =
    "0001020304050607080910111213141516171819"
    "2021222324252627282930313233343536373839"
    "4041424344454647484950515253545556575859"
    "6061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

static inline unsigned count_digits(uint64_t value) {
  static const uint64_t powers[20] = {
      0, UINT64_C(10), UINT64_C(100), UINT64_C(1000), UINT64_C(10000), UINT64_C(100000),
      UINT64_C(1000000), UINT64_C(10000000), UINT64_C(100000000), UINT64_C(1000000000),
      UINT64_C(10000000000), UINT64_C(100000000000), UINT64_C(1000000000000),
      UINT64_C(10000000000000), UINT64_C(100000000000000), UINT64_C(1000000000000000),
      UINT64_C(10000000000000000), UINT64_C(100000000000000000), UINT64_C(1000000000000000000),
      UINT64_C(10000000000000000000)};
  unsigned low = (64 - (unsigned)__builtin_clzll(value | 1)) * 1233 >> 12; /* log10, or one less */
  return low + (value >= powers[low]);
}

static inline char *put_int(char *p, int64_t value) {
  uint64_t rest = (uint64_t)value;
  if (value < 0) {
    *p++ = '-';
    rest = -rest;
  }
  char *end = p + count_digits(rest), *first = end;
  while (rest >= 100) {
    first -= 2;
    memcpy(first, digit_pairs + 2 * (rest % 100), 2);
    rest /= 100;
  }
  if (rest >= 10) {
    memcpy(first - 2, digit_pairs + 2 * rest, 2);
  } else {
    first[-1] = (char)('0' + rest);
  }
  return end;
}

/* -- keys ------------------------------------------------------------------------------------ */

/* Up to 15 bytes, and zeros. */
struct key {
  uint64_t words[2];
};

/* 16 bytes can be read at `text`. */
static inline struct key make_key(const char *text, size_t length) {
  struct key key;
  if (UNLIKELY(length > 15)) give_up("a key of more than 15 bytes", 65);
  memcpy(&key, text, sizeof key);
  uint64_t mask = (UINT64_C(1) << 8 * (length & 7)) - 1;
  key.words[0] &= length < 8 ? mask : UINT64_MAX;
  key.words[1] &= length < 8 ? 0 : mask;
  return key;
}

static inline bool is_same_key(struct key a, struct key b) {
  return a.words[0] == b.words[0] && a.words[1] == b.words[1];
}

/* Room for 16 bytes at `p`. */
static inline char *put_key(char *p, const struct key *key) {
  memcpy(p, key, sizeof *key);
  bool is_short = key->words[1] == 0;
  uint64_t last = is_short ? key->words[0] : key->words[1];
  return p + (is_short ? 0 : 8) + (last == 0 ? 0 : 8 - __builtin_clzll(last) / 8);
}

static inline uint64_t hash_key(struct key key) {
  unsigned __int128 product = (unsigned __int128)(key.words[0] ^ UINT64_C(0x9e3779b97f4a7c15)) *
                              (key.words[1] ^ UINT64_C(0xd6e8feb86659fd93));
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* -- index ----------------------------------------------------------------------------------- */

/* Slots of `upper half of the hash << 32 | row number from 1`, 0 where empty; at most half of them are
 * in use, and a key lies at or behind the slot of its hash's upper bits. */
struct index {
  uint64_t *slots;
  uint32_t shift, count;
};

static inline void make_index(struct index *index, uint32_t bits) {
  index->shift = 32 - bits;
  index->count = 0;
  index->slots = calloc((size_t)1 << bits, sizeof *index->slots);
  if (index->slots == NULL) give_up("no memory", 70);
}

static inline uint32_t next_slot(const struct index *index, uint32_t at) {
  return (at + 1) & (UINT32_MAX >> index->shift);
}

static inline uint32_t first_slot(const struct index *index, uint64_t hash) {
  return (uint32_t)(hash >> 32) >> index->shift;
}

static inline void insert_slot(struct index *index, uint64_t slot) {
  uint32_t at = first_slot(index, slot);
  while (index->slots[at] != 0) at = next_slot(index, at);
  index->slots[at] = slot;
}

/* Adds the row with the number `count` (from 0). */
static inline void add_to_index(struct index *index, uint64_t hash) {
  uint32_t slot_count = UINT32_MAX >> index->shift;
  if (index->count > slot_count / 2) {
    struct index larger;
    make_index(&larger, 33 - index->shift);
    for (uint32_t i = 0; i <= slot_count; i++)
      if (index->slots[i] != 0) insert_slot(&larger, index->slots[i]);
    larger.count = index->count;
    free(index->slots);
    *index = larger;
  }
  insert_slot(index, (hash & ~(uint64_t)UINT32_MAX) | ++index->count);
}

#endif
