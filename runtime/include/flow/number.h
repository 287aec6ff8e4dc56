/* Numbers: text to int and float and back, and arithmetic that notices what cannot be represented.
 *
 * A float is printed as the shortest text that reads back as the same float, in the form of
 * Python's repr: 100.0, 26.666666666666668, 1e+16, 1e-05, -0.0. Floats are finite (language rule
 * 17); reading never gives NaN or an infinity. The locale is never looked at.
 */
#ifndef FLOW_NUMBER_H
#define FLOW_NUMBER_H

#include "flow/value.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Bytes of the longest text of an int ("-9223372036854775808") and of a float. */
#define FLOW_INT_TEXT   20
#define FLOW_FLOAT_TEXT 25

/* -- printing -------------------------------------------------------------------------------- */

/* Writes up to FLOW_INT_TEXT bytes at `out`; returns the end. */
char *flow_write_int(char *out, int64_t value);

/* Writes up to FLOW_FLOAT_TEXT bytes at `out`; returns the end. `value` is finite. */
char *flow_write_float(char *out, double value);

static inline void flow_print_int(struct flow_buf *b, int64_t value) {
  flow_buf_reserve(b, FLOW_INT_TEXT);
  if ((uint64_t)value < 10) {
    b->data[b->length++] = (char)('0' + value);
    return;
  }
  b->length = (size_t)(flow_write_int(b->data + b->length, value) - b->data);
}

static inline void flow_print_float(struct flow_buf *b, double value) {
  flow_buf_reserve(b, FLOW_FLOAT_TEXT);
  b->length = (size_t)(flow_write_float(b->data + b->length, value) - b->data);
}

static inline void flow_print_bool(struct flow_buf *b, bool value) {
  flow_buf_add(b, value ? "true" : "false", value ? 4 : 5);
}

/* -- reading a whole text, as text and CSV sources and parameters do ------------------------- */

/* Reads a text that holds one number and nothing else but ASCII blanks around it; a sign may be '+'
 * or '-', leading zeros are fine. They return null and set *out, or return what is wrong, as words
 * for a message: "expected an int", "this int does not fit into 64 bits". */
const char *flow_parse_int(const char *text, size_t length, int64_t *out);
/* Digits with an optional fraction and exponent; ".5" and "5." are fine, hex, "inf", "nan" are not.
 * Correctly rounded; a value beyond the range of float is an error, one too small becomes 0.0. */
const char *flow_parse_float(const char *text, size_t length, double *out);
/* Leaves ASCII blanks at both ends out, and says whether the rest is a number in the form of a float, which
 * flow_float_of_token() takes. */
bool flow_is_number(const char **text, size_t *length);
/* "true" or "false". */
const char *flow_parse_bool(const char *text, size_t length, bool *out);

/* -- reading a number inside a text, for parsers --------------------------------------------- */

/* The high bit of each byte that is no digit; behind the first one they mean nothing. */
static inline uint64_t flow_no_digits(uint64_t bytes) {
  const uint64_t ones = UINT64_C(0x0101010101010101);
  uint64_t digits = bytes ^ ones * '0';
  return ((digits + ones * (0x7f - 9)) | digits) & ones * 0x80;
}

/* How many digits there are at `p` before another byte, up to 8. */
static inline unsigned flow_count_8_digits(const char *p) {
  uint64_t others = flow_no_digits(flow_load64(p));
  return others == 0 ? 8 : (unsigned)__builtin_ctzll(others) / 8;
}

#ifdef __SSE2__
/* A bit for each of the 16 bytes at `p` that is a digit. */
static inline unsigned flow_digits_of_16(const char *p) {
  /* Digits are moved to the least of the signed bytes. */
  __m128i text = _mm_loadu_si128((const __m128i *)(const void *)p);
  text = _mm_add_epi8(text, _mm_set1_epi8(128 - '0'));
  return (unsigned)_mm_movemask_epi8(_mm_cmplt_epi8(text, _mm_set1_epi8(-128 + 10)));
}
#endif

/* How many digits there are at `p`, up to 16, where 16 bytes must be readable. */
static inline unsigned flow_count_16_digits(const char *p) {
#ifdef __SSE2__
  return (unsigned)__builtin_ctz(~flow_digits_of_16(p));
#else
  unsigned count = flow_count_8_digits(p);
  return count < 8 ? count : 8 + flow_count_8_digits(p + 8);
#endif
}

/* The value of the first `count` of 8 bytes, 1 to 8, which are digits: in pairs, then fours, then eight. */
static inline uint64_t flow_value_of_digits(uint64_t bytes, unsigned count) {
  /* Zeros come in front, as the text is little-endian. */
  uint64_t digits = (bytes << (64 - 8 * count)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
  digits = digits * 10 + (digits >> 8);
  return ((digits & UINT64_C(0x000000ff000000ff)) * (100 + (UINT64_C(1000000) << 32)) +
          (digits >> 16 & UINT64_C(0x000000ff000000ff)) * (1 + (UINT64_C(10000) << 32))) >> 32;
}

/* Up to 8 digits at `p`, where 8 bytes must be readable: how many there are, and their value. All at
 * once, because a loop over few digits mostly mispredicts its end. */
static inline unsigned flow_scan_8_digits(const char *p, uint64_t *value) {
  unsigned count = flow_count_8_digits(p);
  *value = count == 0 ? 0 : flow_value_of_digits(flow_load64(p), count);
  return count;
}

/* 10 to the power of 0 to 8. */
extern const uint32_t flow_tens[9];

/* The value of the 1 to 15 digits at `p`. Whether there are more than 8 is the one thing to predict. */
static inline uint64_t flow_value_of_15_digits(const char *p, unsigned count) {
  if (count <= 8) return flow_value_of_digits(flow_load64(p), count);
  return flow_value_of_digits(flow_load64(p), count - 8) * 100000000 +
         flow_value_of_digits(flow_load64(p + count - 8), 8);
}

/* 1 to 15 digits at `p` and their value: their end, or null where there are none or more. 16 bytes at `p`
 * must be readable. */
static inline const char *flow_scan_15_digits(const char *p, uint64_t *value) {
  unsigned count = flow_count_16_digits(p);
  if (FLOW_UNLIKELY(count - 1 >= 15)) return NULL;
  *value = flow_value_of_15_digits(p, count);
  return p + count;
}

const char *flow_scan_int_slow(const char *p, int64_t *out);

/* An int of up to 18 digits at `p`, with `-` before it or nothing: its end, or null where there is none or
 * a longer one. 24 bytes at `p` must be readable. */
static inline const char *flow_scan_int(const char *p, int64_t *out) {
  uint64_t value;
  const char *end = flow_scan_15_digits(p, &value);
  if (FLOW_UNLIKELY(end == NULL)) return flow_scan_int_slow(p, out);
  *out = (int64_t)value;
  return end;
}

/* The end of what flow_scan_int() would take, or null. */
static inline const char *flow_skip_int(const char *p) {
  unsigned count = flow_count_16_digits(p);
  int64_t value;
  return FLOW_UNLIKELY(count - 1 >= 15) ? flow_scan_int_slow(p, &value) : p + count;
}

/* Several ints one after the other, with a byte between them: where each of them ends is known from one look at
 * 64 bytes, and not only when the one before it has been read. 64 bytes at the first byte of each
 * must be readable.
 *
 *   struct flow_digits digits = flow_digits_at(p);
 *   p = flow_digits_int(&digits, p, &auction);
 *   if (p != NULL && *p == ',') p = flow_digits_skip(&digits, p + 1);
 */
struct flow_digits {
  const char *at;  /* the 64 bytes */
  uint64_t others; /* those that are no digits, from the next int on, as bits; 0: not known */
};

static inline struct flow_digits flow_digits_at(const char *p) {
#ifdef __SSE2__
  uint64_t low = flow_digits_of_16(p) | flow_digits_of_16(p + 16) << 16;
  uint64_t high = flow_digits_of_16(p + 32) | flow_digits_of_16(p + 48) << 16;
  return (struct flow_digits){p, ~(low | high << 32)};
#else
  uint64_t others = 0;
  for (unsigned i = 0; i < 64; i++) others |= (uint64_t)((unsigned char)(p[i] - '0') >= 10) << i;
  return (struct flow_digits){p, others};
#endif
}

/* The 64 bytes from `end` on, where an int has ended. A value, so that it can be kept in registers. */
FLOW_COLD struct flow_digits flow_digits_behind(const char *end);

/* How many digits there are at `p`, behind which the next int comes; not 1 to 15 if that is not known. */
FLOW_INLINE size_t flow_digits_next(struct flow_digits *d, const char *p) {
  if (FLOW_UNLIKELY(d->others == 0)) return 0;
  const char *end = d->at + (unsigned)__builtin_ctzll(d->others);
  d->others &= d->others - 1;
  return (size_t)(end - p);
}

/* Takes an int with a sign or of more than 15 digits, or one that the 64 bytes do not reach. */
FLOW_INLINE const char *flow_digits_slow(struct flow_digits *d, const char *p, int64_t *out) {
  const char *end = flow_scan_int_slow(p, out);
  if (end != NULL) *d = flow_digits_behind(end);
  return end;
}

/* As flow_scan_int() and flow_skip_int(). */

FLOW_INLINE const char *flow_digits_int(struct flow_digits *d, const char *p, int64_t *out) {
  size_t count = flow_digits_next(d, p);
  if (FLOW_UNLIKELY(count - 1 >= 15)) return flow_digits_slow(d, p, out);
  *out = (int64_t)flow_value_of_15_digits(p, (unsigned)count);
  return p + count;
}

FLOW_INLINE const char *flow_digits_skip(struct flow_digits *d, const char *p) {
  size_t count = flow_digits_next(d, p);
  int64_t value;
  return FLOW_UNLIKELY(count - 1 >= 15) ? flow_digits_slow(d, p, &value) : p + count;
}

/* Reads digits at `p` up to the first byte that is none; there must be such a byte. Sets *value and
 * returns the end, or null if the value is above `limit`. No digits: returns `p`, value 0. */
static inline const char *flow_scan_digits(const char *p, uint64_t limit, uint64_t *value) {
  uint64_t n = 0;
  const char *start = p;
  unsigned digit;
  while ((digit = (unsigned char)*p - '0') < 10 && p - start < 18) {
    n = n * 10 + digit;
    p++;
  }
  for (; (digit = (unsigned char)*p - '0') < 10; p++) { /* from here on it could overflow */
    if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, digit, &n)) return NULL;
  }
  *value = n;
  return n <= limit ? p : NULL;
}

/* The float of a number token that has been checked to be [-+]digits[.digits][e[+-]digits], where
 * one of the two runs of digits may be empty; false: beyond the range of float. */
bool flow_float_of_token(const char *token, size_t length, double *out);

/* -- int arithmetic (language rule 16): false means overflow, a fault ------------------------ */

static inline bool flow_int_add(int64_t a, int64_t b, int64_t *out) {
  return !__builtin_add_overflow(a, b, out);
}

static inline bool flow_int_sub(int64_t a, int64_t b, int64_t *out) {
  return !__builtin_sub_overflow(a, b, out);
}

static inline bool flow_int_mul(int64_t a, int64_t b, int64_t *out) {
  return !__builtin_mul_overflow(a, b, out);
}

static inline bool flow_int_neg(int64_t a, int64_t *out) {
  return !__builtin_sub_overflow((int64_t)0, a, out);
}

static inline bool flow_int_abs(int64_t a, int64_t *out) {
  return a >= 0 ? (*out = a, true) : flow_int_neg(a, out);
}

/* Division: b is not 0, which is a failure that the caller has checked. `/` truncates. */
static inline bool flow_int_div(int64_t a, int64_t b, int64_t *out) {
  if (b == -1) return flow_int_neg(a, out);
  *out = a / b;
  return true;
}

/* `%` has the sign of `a`; b is not 0. */
static inline int64_t flow_int_rem(int64_t a, int64_t b) {
  return b == -1 ? 0 : a % b;
}

/* Rounds towards minus infinity; b is not 0. */
static inline bool flow_int_div_floor(int64_t a, int64_t b, int64_t *out) {
  if (b == -1) return flow_int_neg(a, out);
  *out = a / b - (a % b != 0 && (a % b < 0) != (b < 0));
  return true;
}

/* Has the sign of `b`, which is not 0. */
static inline int64_t flow_int_mod(int64_t a, int64_t b) {
  if (b == -1) return 0;
  int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static inline int64_t flow_int_add_wrap(int64_t a, int64_t b) {
  return (int64_t)((uint64_t)a + (uint64_t)b);
}

static inline int64_t flow_int_add_sat(int64_t a, int64_t b) {
  int64_t sum;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return a < 0 ? INT64_MIN : INT64_MAX;
}

/* -- floats ---------------------------------------------------------------------------------- */

/* Whether the result of an operation may be kept; if not, it is a fault. */
static inline bool flow_float_is_finite(double value) {
  return __builtin_isfinite(value);
}

/* float(n): false unless exact. */
static inline bool flow_float_of_int(int64_t value, double *out) {
  *out = (double)value;
  /* 2^63 itself would not convert back; it is not exact either, for no int is 2^63. */
  return *out < 0x1p63 && (int64_t)*out == value;
}

/* int(x): the integer part; false outside the range of int. */
static inline bool flow_int_of_float(double value, int64_t *out) {
  if (!(value >= -0x1p63 && value < 0x1p63)) return false;
  *out = (int64_t)value;
  return true;
}

/* False unless `value` is a whole number in the range of int. */
static inline bool flow_int_of_float_exact(double value, int64_t *out) {
  return flow_int_of_float(value, out) && (double)*out == value;
}

#endif
