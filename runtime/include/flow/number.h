/* Numbers: text to int and float and back, and arithmetic that notices what cannot be represented.
 *
 * A float is printed as the shortest text that reads back as the same float, in the form of
 * Python's repr: 100.0, 26.666666666666668, 1e+16, 1e-05, -0.0. Floats are finite (language rule
 * 17); reading never gives NaN or an infinity. The locale is never looked at.
 */
#ifndef FLOW_NUMBER_H
#define FLOW_NUMBER_H

#include "flow/value.h"

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

/* Up to 8 digits at `p`, where 8 bytes must be readable: how many there are, and their value. All at
 * once (in pairs, then fours, then eight), because a loop over few digits mostly mispredicts its end. */
static inline unsigned flow_scan_8_digits(const char *p, uint64_t *value) {
  const uint64_t ones = UINT64_C(0x0101010101010101);
  uint64_t bytes = flow_load64(p), digits = bytes ^ ones * '0', others = flow_no_digits(bytes);
  unsigned bits = others == 0 ? 64 : (unsigned)__builtin_ctzll(others) - 7;
  digits = bits == 0 ? 0 : digits << (64 - bits); /* zeros in front, as the text is little-endian */
  digits = digits * 10 + (digits >> 8);
  digits = ((digits & UINT64_C(0x000000ff000000ff)) * (100 + (UINT64_C(1000000) << 32)) +
            (digits >> 16 & UINT64_C(0x000000ff000000ff)) * (1 + (UINT64_C(10000) << 32))) >> 32;
  *value = digits;
  return bits / 8;
}

/* How many digits there are at `p` before another byte, up to 8. */
static inline unsigned flow_count_8_digits(const char *p) {
  uint64_t others = flow_no_digits(flow_load64(p));
  return others == 0 ? 8 : (unsigned)__builtin_ctzll(others) / 8;
}

/* 10 to the power of 0 to 8. */
extern const uint32_t flow_tens[9];

/* 1 to 15 digits at `p` and their value: their end, or null where there are none or more. 8 bytes behind any digit
 * must be readable, and a byte that is no digit must follow. */
static inline const char *flow_scan_15_digits(const char *p, uint64_t *value) {
  unsigned count = flow_scan_8_digits(p, value);
  const char *end = p + count;
  if (count == 8) {
    uint64_t more;
    count = flow_scan_8_digits(end, &more);
    *value = *value * flow_tens[count] + more;
    end += count;
  }
  return FLOW_UNLIKELY(end == p || count == 8) ? NULL : end;
}

const char *flow_scan_int_slow(const char *p, int64_t *out);

/* An int of up to 18 digits at `p`, with `-` before it or nothing: its end, or null where there is none or
 * a longer one. What must be readable is as above. */
static inline const char *flow_scan_int(const char *p, int64_t *out) {
  uint64_t value;
  const char *end = flow_scan_15_digits(p, &value);
  if (FLOW_UNLIKELY(end == NULL)) return flow_scan_int_slow(p, out);
  *out = (int64_t)value;
  return end;
}

/* The end of what flow_scan_int() would take, or null. */
static inline const char *flow_skip_int(const char *p) {
  unsigned count = flow_count_8_digits(p);
  const char *end = p + count;
  if (count == 8) {
    count = flow_count_8_digits(end);
    end += count;
  }
  int64_t value;
  return FLOW_UNLIKELY(end == p || count == 8) ? flow_scan_int_slow(p, &value) : end;
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
