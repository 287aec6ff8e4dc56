/* Decimals: exact numbers with a fixed number of digits behind the point, for money above all.
 *
 * A decimal[S] with S from 0 to 18 is an int64_t that counts units of 10^-S: 3.50 as a decimal[2] is 350.
 * So equality, order, hash, sums and differences are those of ints, and only text, division and changes
 * of the scale need more. Where digits get lost, the result is the nearest one, and of two that are equally
 * near the one whose last digit is even (language rule 18). The scale is a constant in generated code.
 *
 *   int64_t price;
 *   const char *why = flow_parse_decimal("3.5", 3, 2, &price);         null; price is 350
 *   if (!flow_decimal_div(price, 3, 1, &price)) …overflow…             117, that is 1.17
 *   flow_print_decimal(&buffer, price, 2);                             "1.17"
 */
#ifndef FLOW_DECIMAL_H
#define FLOW_DECIMAL_H

#include "flow/json.h"
#include "flow/number.h"

/* The largest scale: 10^18 is the largest power of ten of an int64_t. */
#define FLOW_DECIMAL_SCALE 18
/* Bytes that writing a decimal may touch: a sign, 19 digits, a zero before the point, the point, and
 * what flow_write_int() may spoil. */
#define FLOW_DECIMAL_TEXT 26

/* 1 as a decimal of this scale: 10^scale. */
static inline int64_t flow_decimal_one(unsigned scale) {
  static const int64_t ones[FLOW_DECIMAL_SCALE + 1] = {
      INT64_C(1),
      INT64_C(10),
      INT64_C(100),
      INT64_C(1000),
      INT64_C(10000),
      INT64_C(100000),
      INT64_C(1000000),
      INT64_C(10000000),
      INT64_C(100000000),
      INT64_C(1000000000),
      INT64_C(10000000000),
      INT64_C(100000000000),
      INT64_C(1000000000000),
      INT64_C(10000000000000),
      INT64_C(100000000000000),
      INT64_C(1000000000000000),
      INT64_C(10000000000000000),
      INT64_C(100000000000000000),
      INT64_C(1000000000000000000),
  };
  return ones[scale];
}

/* -- printing -------------------------------------------------------------------------------- */

/* Writes "-1.50" with exactly `scale` digits behind the point, up to FLOW_DECIMAL_TEXT bytes; returns
 * the end. */
static inline char *flow_write_decimal(char *out, int64_t value, unsigned scale) {
  if (scale == 0) return flow_write_int(out, value);
  uint64_t one = (uint64_t)flow_decimal_one(scale), magnitude = (uint64_t)value;
  if (value < 0) {
    *out++ = '-';
    magnitude = 0 - magnitude;
  }
  out = flow_write_int(out, (int64_t)(magnitude / one));
  *out = '.';
  uint64_t rest = magnitude % one;
  for (unsigned i = scale; i > 0; i--, rest /= 10) out[i] = (char)('0' + rest % 10);
  return out + 1 + scale;
}

static inline void flow_print_decimal(struct flow_buf *b, int64_t value, unsigned scale) {
  flow_buf_reserve(b, FLOW_DECIMAL_TEXT);
  b->length = (size_t)(flow_write_decimal(b->data + b->length, value, scale) - b->data);
}

/* -- reading --------------------------------------------------------------------------------- */

/* Reads a text that holds one number and nothing else but ASCII blanks around it, in the form that
 * flow_parse_float() reads. Returns null and sets *out, or returns what is wrong as words for a message:
 * it is no number, it does not fit, or it has more digits behind the point that are not zero. */
const char *flow_parse_decimal(const char *text, size_t length, unsigned scale, int64_t *out);

/* The same for a token that has been checked to be [-+]digits[.digits][e[+-]digits]. */
const char *flow_decimal_of_token(const char *token, size_t length, unsigned scale, int64_t *out);

/* The usual decimal at `p`: an optional `-`, 1 to 15 digits, and perhaps a point and 1 to 7 digits. Its end,
 * or null where there is anything else, or it does not fit. What must be readable is as for
 * flow_scan_int(). */
static inline const char *flow_scan_decimal(const char *p, unsigned scale, int64_t *out) {
  uint64_t digits, more = 0;
  bool is_negative = *p == '-';
  const char *end = flow_scan_15_digits(p + is_negative, &digits);
  if (FLOW_UNLIKELY(end == NULL)) return NULL;
  unsigned count = 0;
  if (FLOW_LIKELY(*end == '.')) {
    count = flow_scan_8_digits(end + 1, &more);
    if (FLOW_UNLIKELY(count - 1 >= 7 || count > scale)) return NULL;
    end += count + 1;
  }
  int64_t value = (int64_t)digits; /* below 10^15, so it may be made a thousand times as large */
  if (scale <= 3)
    value *= flow_decimal_one(scale);
  else if (__builtin_mul_overflow(value, flow_decimal_one(scale), &value))
    return NULL;
  int64_t fraction = (int64_t)more * flow_decimal_one(scale - count);
  if (__builtin_add_overflow(value, fraction, &value)) return NULL;
  *out = is_negative ? -value : value;
  return end;
}

bool flow_json_decimal_slow(struct flow_json *, unsigned scale, int64_t *out);

/* A JSON number as a decimal; false after saying what is wrong, as all readers of flow/json.h. */
static inline bool flow_json_decimal(struct flow_json *j, unsigned scale, int64_t *out) {
  const char *p = j->cursor, *end = flow_scan_decimal(p, scale, out);
  const char *first = p + (*p == '-');
  bool has_leading_zero = *first == '0' && (unsigned char)(first[1] - '0') < 10;
  if (FLOW_UNLIKELY(end == NULL || (*end != ',' && *end != '}') || has_leading_zero))
    return flow_json_decimal_slow(j, scale, out);
  j->cursor = end;
  return true;
}

/* -- arithmetic: false means overflow, a fault ----------------------------------------------- */

/* n / d, where both are not negative and d > 0, rounded to the nearest, and to even between two. */
static inline uint64_t flow_half_even(uint64_t n, uint64_t d) {
  uint64_t quotient = n / d, rest = n % d, other = d - rest;
  return quotient + (rest > other || (rest == other && (quotient & 1) != 0));
}

bool flow_decimal_div_wide(int64_t a, int64_t b, int64_t one, int64_t *out);

/* a / b in the scale of a; b is not 0, and `one` is 1 as a decimal of b's scale (1 for an int). */
static inline bool flow_decimal_div(int64_t a, int64_t b, int64_t one, int64_t *out) {
  int64_t n;
  if (FLOW_UNLIKELY(__builtin_mul_overflow(a, one, &n))) return flow_decimal_div_wide(a, b, one, out);
  bool is_negative = (n < 0) != (b < 0);
  uint64_t magnitude = flow_half_even(n < 0 ? 0 - (uint64_t)n : (uint64_t)n,
                                      b < 0 ? 0 - (uint64_t)b : (uint64_t)b);
  *out = (int64_t)(is_negative ? 0 - magnitude : magnitude);
  return magnitude <= (uint64_t)INT64_MAX + is_negative;
}

/* The value with fewer digits behind the point: `step` is the power of ten between the scales. */
static inline int64_t flow_decimal_round(int64_t value, int64_t step) {
  uint64_t magnitude =
      flow_half_even(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, (uint64_t)step);
  return (int64_t)(value < 0 ? 0 - magnitude : magnitude);
}

/* The mean of `count` > 0 values with this sum. */
int64_t flow_decimal_mean(__int128 total, uint64_t count);

/* -- floats ---------------------------------------------------------------------------------- */

/* The float that is nearest. */
double flow_float_of_decimal(int64_t value, unsigned scale);

/* The decimal that is nearest to what the float exactly is; false if it does not fit. */
bool flow_decimal_of_float(double value, unsigned scale, int64_t *out);

#endif
