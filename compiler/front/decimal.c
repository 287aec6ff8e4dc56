#include "front/decimal.h"

#include <string.h>

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int64_t decimal_one(uint32_t scale) {
  int64_t one = 1;
  while (scale-- > 0) one *= 10;
  return one;
}

int decimal_digits(const char *text, size_t length) {
  int digits = 0, points = 0;
  for (size_t i = 0; i < length; i++) {
    bool is_sign = text[i] == '-' && i == 0, is_blank = text[i] == ' ' && i > 0 && digits == 0;
    if (is_sign || is_blank || text[i] == '_') continue;
    if (text[i] == '.') {
      points++;
      continue;
    }
    if (!is_digit(text[i])) return -1;
    digits += points;
  }
  return points > 1 ? -1 : digits;
}

enum decimal_fit decimal_read(const char *text, size_t length, uint32_t scale, int64_t *value) {
  bool is_negative = length > 0 && text[0] == '-', is_behind = false, fits = true;
  uint64_t magnitude = 0;
  uint32_t missing = scale; /* digits behind the point that are still to come */
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '.') is_behind = true;
    if (!is_digit(text[i])) continue;
    if (is_behind && missing == 0) {
      if (text[i] != '0') return DECIMAL_TOO_FINE;
      continue;
    }
    missing -= is_behind;
    fits = fits && !__builtin_mul_overflow(magnitude, 10, &magnitude) &&
           !__builtin_add_overflow(magnitude, (uint64_t)(text[i] - '0'), &magnitude);
  }
  fits = fits && !__builtin_mul_overflow(magnitude, (uint64_t)decimal_one(missing), &magnitude);
  if (!fits || magnitude > (uint64_t)INT64_MAX + is_negative) return DECIMAL_TOO_LARGE;
  *value = (int64_t)(is_negative ? 0 - magnitude : magnitude);
  return DECIMAL_FITS;
}

bool decimal_divide(int64_t a, int64_t b, int64_t one, int64_t *value) {
  __int128 n = (__int128)a * one, d = b;
  bool is_negative = (n < 0) != (d < 0);
  if (n < 0) n = -n;
  if (d < 0) d = -d;
  __int128 quotient = n / d, rest = n % d;
  quotient += rest > d - rest || (rest == d - rest && quotient % 2 != 0);
  if (is_negative) quotient = -quotient;
  *value = (int64_t)quotient;
  return *value == quotient;
}
