#include "flow/decimal.h"

#include <stdio.h>

/* -- reading --------------------------------------------------------------------------------- */

#define TOO_FINE(n) "this number has more than " #n " digits behind the point"
#define TOO_LARGE(n) "this number is too large for a decimal[" #n "]"
#define ALL_SCALES(SAY)                                                                           \
  SAY(2), SAY(3), SAY(4), SAY(5), SAY(6), SAY(7), SAY(8), SAY(9), SAY(10), SAY(11), SAY(12),      \
      SAY(13), SAY(14), SAY(15), SAY(16), SAY(17), SAY(18)

static const char *const too_fine[FLOW_DECIMAL_SCALE + 1] = {
    "this number has digits behind the point, and a decimal[0] has none",
    "this number has more than 1 digit behind the point",
    ALL_SCALES(TOO_FINE),
};

static const char *const too_large[FLOW_DECIMAL_SCALE + 1] = {
    TOO_LARGE(0),
    TOO_LARGE(1),
    ALL_SCALES(TOO_LARGE),
};

static bool is_digit(char c) {
  return (unsigned char)(c - '0') < 10;
}

/* The exponent behind an `e`; one that is too large to matter is cut. */
static int64_t read_exponent(const char *p, const char *end) {
  bool is_negative = *p == '-';
  int64_t exponent = 0;
  for (p += *p == '-' || *p == '+'; p != end; p++) {
    if (exponent < INT32_MAX) exponent = exponent * 10 + (*p - '0');
  }
  return is_negative ? -exponent : exponent;
}

/* value * 10^exponent with the sign in *out; false if that does not fit. */
static bool scale_up(uint64_t value, int64_t exponent, bool is_negative, int64_t *out) {
  for (; exponent > 0 && value != 0; exponent--) {
    if (__builtin_mul_overflow(value, 10, &value)) return false;
  }
  if (value > (uint64_t)INT64_MAX + is_negative) return false;
  *out = (int64_t)(is_negative ? 0 - value : value);
  return true;
}

const char *flow_decimal_of_token(const char *token, size_t length, unsigned scale, int64_t *out) {
  const char *p = token, *end = token + length;
  bool is_negative = *p == '-';
  if (*p == '-' || *p == '+') p++;
  const char *last = p, *point = NULL;
  for (; last != end && (is_digit(*last) || *last == '.'); last++) {
    if (*last == '.') point = last;
  }
  int64_t exponent = last == end ? 0 : read_exponent(last + 1, end);
  /* Units of 10^-scale that the last digit stands for, as a power of ten. */
  int64_t shift = exponent + (int64_t)scale - (point == NULL ? 0 : last - point - 1);
  int64_t kept = last - p - (point != NULL) + (shift < 0 ? shift : 0);
  uint64_t value = 0;
  bool fits = true;
  for (int64_t i = 0; p != last; p++) {
    if (*p == '.') continue;
    if (i++ < kept) {
      fits = fits && !__builtin_mul_overflow(value, 10, &value) &&
             !__builtin_add_overflow(value, (uint64_t)(*p - '0'), &value);
    } else if (*p != '0') {
      return too_fine[scale];
    }
  }
  return fits && scale_up(value, shift, is_negative, out) ? NULL : too_large[scale];
}

const char *flow_parse_decimal(const char *text, size_t length, unsigned scale, int64_t *out) {
  if (!flow_is_number(&text, &length)) return "expected a decimal";
  return flow_decimal_of_token(text, length, scale, out);
}

/* -- arithmetic ------------------------------------------------------------------------------ */

/* As flow_half_even(), for more bits. */
static unsigned __int128 half_even(unsigned __int128 n, uint64_t d) {
  unsigned __int128 quotient = n / d;
  uint64_t rest = (uint64_t)(n % d), other = d - rest;
  return quotient + (rest > other || (rest == other && (quotient & 1) != 0));
}

bool flow_decimal_div_wide(int64_t a, int64_t b, int64_t one, int64_t *out) {
  /* Below 2^63 * 10^18, which has 123 bits. */
  __int128 n = (__int128)a * one;
  bool is_negative = (n < 0) != (b < 0);
  unsigned __int128 magnitude =
      half_even((unsigned __int128)(n < 0 ? -n : n), b < 0 ? 0 - (uint64_t)b : (uint64_t)b);
  if (magnitude > (uint64_t)INT64_MAX + is_negative) return false;
  *out = (int64_t)(is_negative ? 0 - (uint64_t)magnitude : (uint64_t)magnitude);
  return true;
}

int64_t flow_decimal_mean(__int128 total, uint64_t count) {
  uint64_t magnitude = (uint64_t)half_even((unsigned __int128)(total < 0 ? -total : total), count);
  return (int64_t)(total < 0 ? 0 - magnitude : magnitude);
}

/* -- floats ---------------------------------------------------------------------------------- */

double flow_float_of_decimal(int64_t value, unsigned scale) {
  const int64_t exact = INT64_C(1) << 53;
  /* Both are exact, so the one rounding is right. Powers of ten are exact up to 10^22. */
  if (value >= -exact && value <= exact) return (double)value / (double)flow_decimal_one(scale);
  char text[FLOW_DECIMAL_TEXT];
  double result = 0;
  flow_float_of_token(text, (size_t)(flow_write_decimal(text, value, scale) - text), &result);
  return result;
}

bool flow_decimal_of_float(double value, unsigned scale, int64_t *out) {
  if (!(value > -1e19 && value < 1e19)) return false;
  /* The C library rounds what the float exactly is, and halves to even. */
  char text[64];
  int length = snprintf(text, sizeof text, "%.*f", (int)scale, value);
  uint64_t magnitude = 0;
  bool is_negative = text[0] == '-', fits = true;
  for (int i = 0; i < length; i++) {
    if (!is_digit(text[i])) continue;
    fits = fits && !__builtin_mul_overflow(magnitude, 10, &magnitude) &&
           !__builtin_add_overflow(magnitude, (uint64_t)(text[i] - '0'), &magnitude);
  }
  if (!fits || magnitude > (uint64_t)INT64_MAX + is_negative) return false;
  *out = (int64_t)(is_negative ? 0 - magnitude : magnitude);
  return true;
}
