/* The binary form of values in the store: writers on a struct flow_buf, checked readers.
 *
 * Generated encoders and decoders use these; schema.c uses the same, so that it can rewrite values
 * whose type has changed. The form of each kind (FLOW_KIND_* of schema.h):
 *
 *   int, decimal, timestamp, duration   zigzag, then varint
 *   float                      its 8 bytes, little endian
 *   bool                       one byte, 0 or 1
 *   string, bytes              varint length, the bytes
 *   json                       as a string: its canonical text (json_value.h)
 *   opt                        one byte, 0 or 1; after 1 the value
 *   list, set                  varint count, the elements
 *   map                        varint count, then key, value for each entry
 *   record                     its fields in the order of the type; without fields: as unit
 *   enum                       varint index of the variant in the type, then its fields
 *   unit                       one byte, 0
 *   timed                      the value, then the time as a timestamp
 *
 * A varint is LEB128: 7 bits a byte, low bits first, the high bit says that more follow; at most 10
 * bytes and never longer than needed. Every value takes at least one byte, so a count can never be
 * larger than the bytes behind it: a reader refuses such a count before anything is allocated.
 *
 * Readers never read behind `end`. The first failure clears `ok` and empties the reader; what
 * follows returns zeros. So a decoder checks `ok` once at the end (and before it allocates).
 */
#ifndef FLOW_CODEC_H
#define FLOW_CODEC_H

#include "flow/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FLOW_VARINT_MAX 10 /* bytes of the longest varint */

/* -- writing */

static inline void flow_put_byte(struct flow_buf *b, uint8_t byte) {
  flow_buf_reserve(b, 1);
  b->data[b->length++] = (char)byte;
}

static inline void flow_put_varint(struct flow_buf *b, uint64_t value) {
  flow_buf_reserve(b, FLOW_VARINT_MAX);
  uint8_t *p = (uint8_t *)b->data + b->length;
  while (value >= 0x80) {
    *p++ = (uint8_t)(value | 0x80);
    value >>= 7;
  }
  *p++ = (uint8_t)value;
  b->length = (size_t)(p - (uint8_t *)b->data);
}

static inline void flow_put_int(struct flow_buf *b, int64_t value) {
  flow_put_varint(b, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static inline void flow_put_float(struct flow_buf *b, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  flow_buf_reserve(b, 8);
  for (int i = 0; i < 8; i++) b->data[b->length++] = (char)(bits >> (8 * i));
}

static inline void flow_put_bool(struct flow_buf *b, bool value) {
  flow_put_byte(b, value ? 1 : 0);
}

/* A string or bytes. */
static inline void flow_put_bytes(struct flow_buf *b, const void *data, size_t length) {
  flow_put_varint(b, length);
  if (length != 0) flow_buf_add(b, data, length);
}

/* Bytes whose length is known only after they were written: everything appended between open and
 * close becomes one length-prefixed piece. Pieces may be nested.
 *
 *   size_t mark = flow_put_open(b);
 *   encode_cart(b, cart);
 *   flow_put_close(b, mark);
 */
static inline size_t flow_put_open(struct flow_buf *b) {
  flow_put_byte(b, 0); /* pieces below 128 bytes, the usual ones, are never moved */
  return b->length;
}

static inline void flow_put_close(struct flow_buf *b, size_t mark) {
  size_t length = b->length - mark;
  if (__builtin_expect(length < 0x80, 1)) {
    b->data[mark - 1] = (char)length;
    return;
  }
  size_t extra = 0;
  for (uint64_t rest = length >> 7; rest != 0; rest >>= 7) extra++;
  flow_buf_reserve(b, extra);
  memmove(b->data + mark + extra, b->data + mark, length);
  b->length = mark - 1;
  flow_put_varint(b, length);
  b->length += length;
}

/* -- reading */

struct flow_reader {
  const uint8_t *p, *end;
  bool ok;
};

static inline struct flow_reader flow_reader_of(const void *data, size_t length) {
  const uint8_t *p = data;
  return (struct flow_reader){.p = p, .end = p == NULL ? p : p + length, .ok = true};
}

static inline void flow_reader_fail(struct flow_reader *r) {
  r->ok = false;
  r->p = r->end;
}

static inline size_t flow_reader_left(const struct flow_reader *r) {
  return (size_t)(r->end - r->p);
}

/* True if nothing failed and nothing is left: the bytes were exactly one value. */
static inline bool flow_reader_done(const struct flow_reader *r) {
  return r->ok && r->p == r->end;
}

static inline uint8_t flow_get_byte(struct flow_reader *r) {
  if (r->p == r->end) {
    flow_reader_fail(r);
    return 0;
  }
  return *r->p++;
}

static inline uint64_t flow_get_varint(struct flow_reader *r) {
  const uint8_t *p = r->p;
  if (p != r->end && *p < 0x80) {
    r->p = p + 1;
    return *p;
  }
  uint64_t value = 0;
  for (unsigned shift = 0; p != r->end && shift < 64; shift += 7) {
    uint8_t byte = *p++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) {
      /* The tenth byte holds one bit only; a zero last byte is a longer form than needed. */
      if (byte == 0 || (shift == 63 && byte > 1)) break;
      r->p = p;
      return value;
    }
  }
  flow_reader_fail(r);
  return 0;
}

static inline int64_t flow_get_int(struct flow_reader *r) {
  uint64_t zigzag = flow_get_varint(r);
  return (int64_t)((zigzag >> 1) ^ (0 - (zigzag & 1)));
}

static inline double flow_get_float(struct flow_reader *r) {
  if (flow_reader_left(r) < 8) {
    flow_reader_fail(r);
    return 0;
  }
  uint64_t bits = 0;
  for (int i = 0; i < 8; i++) bits |= (uint64_t)r->p[i] << (8 * i);
  r->p += 8;
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline bool flow_get_bool(struct flow_reader *r) {
  uint8_t byte = flow_get_byte(r);
  if (byte > 1) flow_reader_fail(r);
  return byte == 1;
}

/* A string or bytes: where they are (in the reader's memory, not copied) and their length. After a
 * failure the length is 0. */
static inline const char *flow_get_bytes(struct flow_reader *r, size_t *length) {
  uint64_t n = flow_get_varint(r);
  if (n > flow_reader_left(r)) {
    flow_reader_fail(r);
    n = 0;
  }
  const char *data = (const char *)r->p;
  r->p += n;
  *length = (size_t)n;
  return data;
}

/* The count of a list, set or map: at most one element for each byte that is left. */
static inline uint64_t flow_get_count(struct flow_reader *r) {
  uint64_t n = flow_get_varint(r);
  if (n > flow_reader_left(r)) {
    flow_reader_fail(r);
    n = 0;
  }
  return n;
}

/* The variant of an enum with `count` of them. */
static inline uint32_t flow_get_variant(struct flow_reader *r, uint32_t count) {
  uint64_t n = flow_get_varint(r);
  if (n >= count) {
    flow_reader_fail(r);
    n = 0;
  }
  return (uint32_t)n;
}

/* -- entries of a delta: the rows of one id that changed in one epoch
 *
 *   varint row, byte flags, [varint length, key], [varint length, value]
 *
 * The key is there when the row is new (FLOW_DELTA_KEY), the value unless the row is gone. A packer
 * writes entries one behind the other, any number of them, each row at most once in an epoch:
 *
 *   flow_put_entry(b, row, FLOW_DELTA_KEY);
 *   size_t mark = flow_put_open(b);  encode_key(b, …);    flow_put_close(b, mark);
 *   mark = flow_put_open(b);         encode_value(b, …);  flow_put_close(b, mark);
 */
enum flow_delta_flags {
  FLOW_DELTA_KEY = 1,       /* a key follows: always for a row that is new since the last commit */
  FLOW_DELTA_TOMBSTONE = 2, /* the row is gone; no value follows */
  FLOW_DELTA_PATCH = 4,     /* reserved: a part of a value; this version refuses it */
};

static inline void flow_put_entry(struct flow_buf *b, uint64_t row, uint8_t flags) {
  flow_put_varint(b, row);
  flow_put_byte(b, flags);
}

/* A whole entry with a value, from encoded bytes; a null key means that the row is not new. */
static inline void flow_put_row(struct flow_buf *b, uint64_t row, const void *key,
                                size_t key_length, const void *value, size_t value_length) {
  flow_put_entry(b, row, key != NULL ? FLOW_DELTA_KEY : 0);
  if (key != NULL) flow_put_bytes(b, key, key_length);
  flow_put_bytes(b, value, value_length);
}

/* A whole entry that says that the row is gone. */
static inline void flow_put_tombstone(struct flow_buf *b, uint64_t row) {
  flow_put_entry(b, row, FLOW_DELTA_TOMBSTONE);
}

#endif
