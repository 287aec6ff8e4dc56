/* Bids as generate.c writes them, in JSON and CSV. Who makes no use of a field leaves it to the
 * compiler to drop what only that field needs; the checks of its form stay. */
#ifndef BID_H
#define BID_H

#include "hand.h"

#include <emmintrin.h>

struct text {
  const char *bytes;
  size_t length;
};

struct bid {
  int64_t auction, bidder, price, at;
  struct text channel, url, extra;
};

/* Plain ASCII up to `stop`, without quotes, backslashes and control characters. */
ALWAYS_INLINE const char *read_plain(const char *p, char stop, struct text *text) {
  text->bytes = p;
  for (;;) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i special = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                   _mm_cmpeq_epi8(bytes, _mm_set1_epi8(stop == '"' ? '\\' : ',')));
    special = _mm_or_si128(special, _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)));
    int found = _mm_movemask_epi8(special);
    if (LIKELY(found != 0)) {
      p += __builtin_ctz((unsigned)found);
      break;
    }
    p += 16;
  }
  if (UNLIKELY(*p != stop)) give_up("not a plain text", 65);
  text->length = (size_t)(p - text->bytes);
  return p;
}

/* Behind the next `stop`; there is one. */
ALWAYS_INLINE const char *skip_behind(const char *p, char stop) {
  for (;; p += 16) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    int found = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(stop)));
    if (found != 0) return p + __builtin_ctz((unsigned)found) + 1;
  }
}

/* The value of eight digits, each in a byte of its own, the first in the lowest. */
ALWAYS_INLINE uint64_t join_digits(uint64_t digits) {
  digits = digits * 10 + (digits >> 8);
  return ((digits & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
          (digits >> 16 & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >> 32;
}

/* One to sixteen digits. */
ALWAYS_INLINE const char *read_digits(const char *p, int64_t *value) {
  static const uint32_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
  uint64_t high = 0;
  for (const char *first = p;; p += 8) {
    uint64_t digits;
    memcpy(&digits, p, sizeof digits);
    digits ^= UINT64_C(0x3030303030303030);
    uint64_t others = digits | (digits + UINT64_C(0x7676767676767676));
    others &= UINT64_C(0x8080808080808080);
    if (others == 0) {
      if (UNLIKELY(p != first)) give_up("more than 15 digits", 65);
      high = join_digits(digits);
      continue;
    }
    unsigned bits = (unsigned)__builtin_ctzll(others) - 7; /* eight for each digit */
    if (UNLIKELY(bits == 0 && p == first)) give_up("no int", 65);
    uint64_t low = bits == 0 ? 0 : join_digits(digits << (64 - bits));
    *value = (int64_t)(high == 0 ? low : high * powers[bits / 8] + low);
    return p + bits / 8;
  }
}

static inline const char *read_json_bid(const char *p, struct bid *bid) {
  p = read_digits(expect(p, "{\"auction\": "), &bid->auction);
  p = read_digits(expect(p, ", \"bidder\": "), &bid->bidder);
  p = read_digits(expect(p, ", \"price\": "), &bid->price);
  p = read_plain(expect(p, ", \"channel\": \""), '"', &bid->channel);
  p = read_plain(expect(p, "\", \"url\": \""), '"', &bid->url);
  p = read_digits(expect(p, "\", \"dateTime\": "), &bid->at);
  p = read_plain(expect(p, ", \"extra\": \""), '"', &bid->extra);
  return expect(p, "\"}\n");
}

static inline const char *read_csv_bid(const char *p, struct bid *bid) {
  p = expect(read_digits(p, &bid->auction), ",");
  p = expect(read_digits(p, &bid->bidder), ",");
  p = expect(read_digits(p, &bid->price), ",");
  p = expect(read_plain(p, ',', &bid->channel), ",");
  p = expect(read_plain(p, ',', &bid->url), ",");
  p = expect(read_digits(p, &bid->at), ",");
  return expect(read_plain(p, '\n', &bid->extra), "\n");
}

#endif
