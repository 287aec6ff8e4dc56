#include "flow/number.h"

#include <stdio.h>
#include <stdlib.h>

/* -- printing ints --------------------------------------------------------------------------- */

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

/* Writes exactly four digits of a value below 10,000. */
static char *write_4_digits(char *out, uint32_t value) {
  memcpy(out, digit_pairs + 2 * (value / 100), 2);
  memcpy(out + 2, digit_pairs + 2 * (value % 100), 2);
  return out + 4;
}

/* Writes a value below 10,000 without leading zeros; up to four bytes behind it are spoilt. */
static char *write_up_to_4_digits(char *out, uint32_t value) {
  uint16_t high, low;
  memcpy(&high, digit_pairs + 2 * (value / 100), 2);
  memcpy(&low, digit_pairs + 2 * (value % 100), 2);
  uint32_t digits = high | (uint32_t)low << 16;
  /* The bits of the zeros in front; the last digit stays even if it is one. */
  uint32_t zeros = (uint32_t)__builtin_ctz((digits ^ 0x30303030) | 1u << 24) & ~7u;
  digits >>= zeros;
  memcpy(out, &digits, sizeof digits);
  return out + 4 - zeros / 8;
}

/* Exactly eight digits of a value below 10^8. */
static char *write_8_digits(char *out, uint32_t value) {
  return write_4_digits(write_4_digits(out, value / 10000), value % 10000);
}

static char *write_below_1e8(char *out, uint32_t value) {
  if (value < 10000) return write_up_to_4_digits(out, value);
  return write_4_digits(write_up_to_4_digits(out, value / 10000), value % 10000);
}

static char *write_unsigned(char *out, uint64_t value) {
  const uint64_t e8 = 100000000;
  if (FLOW_LIKELY(value < e8)) return write_below_1e8(out, (uint32_t)value);
  if (value < e8 * e8) {
    return write_8_digits(write_below_1e8(out, (uint32_t)(value / e8)), (uint32_t)(value % e8));
  }
  out = write_below_1e8(out, (uint32_t)(value / (e8 * e8)));
  return write_8_digits(write_8_digits(out, (uint32_t)(value / e8 % e8)), (uint32_t)(value % e8));
}

char *flow_write_int(char *out, int64_t value) {
  uint64_t magnitude = (uint64_t)value;
  if (magnitude < 10000) return write_up_to_4_digits(out, (uint32_t)value); /* most numbers */
  if (value < 0) {
    *out++ = '-';
    magnitude = 0 - magnitude;
  }
  return write_unsigned(out, magnitude);
}

static uint32_t count_digits(uint64_t value) {
  uint32_t count = 1;
  for (; value >= 10000; value /= 10000) count += 4;
  return count + (value >= 10) + (value >= 100) + (value >= 1000);
}

/* Writes exactly `count` digits at `out`; returns the end. */
static char *write_digits(char *out, uint64_t value, uint32_t count) {
  char *p = out + count;
  for (; value >= 100; value /= 100) {
    p -= 2;
    memcpy(p, digit_pairs + 2 * (value % 100), 2);
  }
  if (value >= 10 || p == out + 2)
    memcpy(p - 2, digit_pairs + 2 * value, 2);
  else
    p[-1] = (char)('0' + value);
  return out + count;
}

/* -- printing floats ------------------------------------------------------------------------- */

/* A decimal number: digits * 10^exponent. */
struct decimal {
  uint64_t digits;
  int exponent;
};

static uint64_t float_bits(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/* 5^k for k <= 27, the last one that fits. */
static uint64_t power_of_5(int k) {
  uint64_t power = 1, base = 5;
  for (; k > 0; k >>= 1, base *= base) {
    if ((k & 1) != 0) power *= base;
  }
  return power;
}

/* The bounds of the exact fast path: below, 5^k times the mantissa needs more than 128 bits; above,
 * the scaled value is no whole number of bits. */
#define EXACT_MIN 1e-14
#define EXACT_MAX 1e16

/* Among the decimal numbers that read back as `value`, the shortest, and among those the nearest.
 *
 * value = m * 2^e. With k so that value * 10^k has 17 digits, the numbers v - half and v + half
 * between which everything reads back as `value` are computed exactly in 128 bits, in units of
 * 10^-k and with `shift` binary places. Every multiple of 10^j between them is a candidate; the
 * largest such j gives the fewest digits. Seventeen digits always suffice, so j = 0 never fails. */
static struct decimal shortest_exact(double value) {
  uint64_t bits = float_bits(value);
  int e = (int)(bits >> 52) - 1075;
  uint64_t m = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
  /* floor(log10(2^(e + 52))) is the decimal exponent or one less. */
  int k = 16 - (((e + 52) * 78913) >> 18);
  unsigned __int128 unit, exact;
  int shift;
  for (;; k--) {
    unit = (unsigned __int128)power_of_5(k < 27 ? k : 27) * power_of_5(k < 27 ? 0 : k - 27);
    exact = unit * (4 * m);
    shift = 2 - e - k;
    if (exact >> shift < UINT64_C(100000000000000000)) break;
  }
  bool is_even = (m & 1) == 0;
  unsigned __int128 one = (unsigned __int128)1 << shift;
  unsigned __int128 low = exact - (m == UINT64_C(1) << 52 ? unit : 2 * unit);
  unsigned __int128 high = exact + 2 * unit;
  /* Ties go to the even mantissa, so the ends belong to an even one. */
  uint64_t least = (uint64_t)(is_even ? (low + one - 1) >> shift : (low >> shift) + 1);
  uint64_t most = (uint64_t)(is_even ? high >> shift : (high - 1) >> shift);
  uint64_t whole = (uint64_t)(exact >> shift);
  unsigned __int128 fraction = exact & (one - 1);

  uint64_t step = 10;
  int j = 0;
  for (; most / step * step >= least; step *= 10) j++;
  step /= 10;
  uint64_t below = whole / step, rest = whole % step;
  bool is_odd = (below & 1) != 0, goes_up;
  if (step > 1)
    goes_up = rest > step / 2 || (rest == step / 2 && (fraction > 0 || is_odd));
  else
    goes_up = 2 * fraction > one || (2 * fraction == one && is_odd);
  uint64_t digits = below + goes_up;
  if (digits * step > most) digits--;
  if (digits * step < least) digits++;
  return (struct decimal){.digits = digits, .exponent = j - k};
}

static bool reads_back(struct decimal d, double value) {
  char text[48];
  snprintf(text, sizeof text, "%llue%d", (unsigned long long)d.digits, d.exponent);
  return strtod(text, NULL) == value;
}

/* The decimal number with `precision` digits behind the first that is nearest to `value`. */
static struct decimal nearest(double value, int precision) {
  char text[40];
  snprintf(text, sizeof text, "%.*e", precision, value);
  struct decimal d = {0};
  const char *p = text;
  for (; *p != 'e'; p++) {
    if (*p >= '0' && *p <= '9') d.digits = d.digits * 10 + (uint64_t)(*p - '0');
  }
  d.exponent = (int)strtol(p + 1, NULL, 10) - precision;
  return d;
}

/* The same for very small and very large values, with the C library. A normal value that has a text
 * of fewer than 15 digits is found among those with 15, for there is only one of them. */
static struct decimal shortest_slow(double value) {
  bool is_power_of_2 = (float_bits(value) & ((UINT64_C(1) << 52) - 1)) == 0;
  for (int precision = value < 0x1p-1022 ? 0 : 14; precision < 16; precision++) {
    struct decimal d = nearest(value, precision);
    if (reads_back(d, value)) return d;
    /* Below a power of two the floats are denser, so the nearest number, lying below, may read back
     * as another float while the next one above does not. */
    d.digits++;
    if (is_power_of_2 && reads_back(d, value)) return d;
  }
  return nearest(value, 16);
}

static struct decimal strip_zeros(struct decimal d) {
  while (d.digits != 0 && d.digits % 10 == 0) {
    d.digits /= 10;
    d.exponent++;
  }
  return d;
}

static struct decimal shortest(double value) {
  /* Prices and the like: exact quotients of two exact numbers, in at most 15 digits. */
  double hundredfold = value * 100;
  if (hundredfold < 1e15 && hundredfold == (double)(int64_t)hundredfold &&
      hundredfold / 100 == value) {
    return strip_zeros((struct decimal){.digits = (uint64_t)hundredfold, .exponent = -2});
  }
  if (value >= EXACT_MIN && value < EXACT_MAX) return shortest_exact(value);
  return strip_zeros(shortest_slow(value));
}

static char *write_exponent(char *out, int exponent) {
  *out++ = 'e';
  *out++ = exponent < 0 ? '-' : '+';
  uint64_t magnitude = (uint64_t)(exponent < 0 ? -exponent : exponent);
  return write_digits(out, magnitude, magnitude < 100 ? 2 : 3);
}

char *flow_write_float(char *out, double value) {
  if (__builtin_signbit(value)) {
    *out++ = '-';
    value = -value;
  }
  if (value < 1e15 && value == (double)(int64_t)value) {
    out = flow_write_int(out, (int64_t)value);
    memcpy(out, ".0", 2);
    return out + 2;
  }
  struct decimal d = shortest(value);
  int count = (int)count_digits(d.digits);
  int point = count + d.exponent; /* value = 0.DIGITS * 10^point */
  if (point > -4 && point <= 0) {
    memcpy(out, "0.0000", 6);
    return write_digits(out + 2 - point, d.digits, (uint32_t)count);
  }
  char digits[24];
  write_digits(digits, d.digits, (uint32_t)count);
  if (point > 0 && point <= 16) {
    int whole = point < count ? point : count;
    memcpy(out, digits, (size_t)whole);
    out += whole;
    for (; whole < point; whole++) *out++ = '0';
    *out++ = '.';
    if (point >= count)
      *out++ = '0';
    else
      memcpy(out, digits + point, (size_t)(count - point));
    return out + (point < count ? count - point : 0);
  }
  *out++ = digits[0];
  if (count > 1) {
    *out++ = '.';
    memcpy(out, digits + 1, (size_t)count - 1);
    out += count - 1;
  }
  return write_exponent(out, point - 1);
}

/* -- reading --------------------------------------------------------------------------------- */

static bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static void trim(const char **text, size_t *length) {
  while (*length > 0 && is_blank((*text)[*length - 1])) --*length;
  while (*length > 0 && is_blank(**text)) ++*text, --*length;
}

static bool is_digit(char c) {
  return (unsigned char)(c - '0') < 10;
}

const uint32_t flow_tens[9] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

/* A sign, or more than 15 digits. */
const char *flow_scan_int_slow(const char *p, int64_t *out) {
  bool is_negative = *p == '-';
  const char *digits = p + is_negative;
  uint64_t value = 0;
  p = digits;
  for (unsigned count = 8; count == 8;) {
    uint64_t more;
    count = flow_scan_8_digits(p, &more);
    p += count;
    /* Up to 18 digits cannot overflow; no digits at all are more than that as well. */
    if ((size_t)(p - digits) - 1 >= 18) return NULL;
    value = value * flow_tens[count] + more;
  }
  *out = is_negative ? -(int64_t)value : (int64_t)value;
  return p;
}

struct flow_digits flow_digits_behind(const char *end) {
  struct flow_digits d = flow_digits_at(end);
  d.others &= d.others - 1;
  return d;
}

const char *flow_parse_int(const char *text, size_t length, int64_t *out) {
  trim(&text, &length);
  const char *p = text, *end = text + length;
  bool is_negative = p != end && *p == '-';
  if (p != end && (*p == '-' || *p == '+')) p++;
  if (p == end) return "expected an int";
  uint64_t value = 0;
  bool fits = true;
  for (; p != end; p++) {
    if (!is_digit(*p)) return "expected an int";
    fits &= !__builtin_mul_overflow(value, 10, &value) &&
            !__builtin_add_overflow(value, (uint64_t)(*p - '0'), &value);
  }
  if (!fits || value > (uint64_t)INT64_MAX + is_negative) {
    return "this int does not fit into 64 bits";
  }
  *out = (int64_t)(is_negative ? 0 - value : value);
  return NULL;
}

/* The powers of ten that are exact as a double. */
static const double exact_tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Significant digits behind this one only matter as "more than nothing": no double and no middle
 * between two has more than 767. */
enum { SIGNIFICANT = 800 };

/* A token taken apart: its significant digits are `first …` (with a point among them). */
struct float_token {
  const char *first, *end; /* from the first nonzero digit to the end of the digits */
  uint64_t mantissa;       /* the first up to 19 significant digits */
  int64_t exponent;        /* of the mantissa */
  size_t count;            /* significant digits, trailing zeros included */
  bool is_negative;
};

static const char *take_digits(struct float_token *t, const char *p, const char *end,
                               bool is_fraction) {
  for (; p != end && is_digit(*p); p++) {
    if (t->count == 0 && *p == '0') {
      t->exponent -= is_fraction;
      continue;
    }
    if (t->count == 0) t->first = p;
    if (t->count < 19) {
      t->mantissa = t->mantissa * 10 + (uint64_t)(*p - '0');
      t->exponent -= is_fraction;
    } else {
      t->exponent += !is_fraction;
    }
    t->count++;
  }
  return p;
}

static void take_apart(struct float_token *t, const char *p, const char *end) {
  *t = (struct float_token){.first = end};
  t->is_negative = p != end && *p == '-';
  if (p != end && (*p == '-' || *p == '+')) p++;
  p = take_digits(t, p, end, false);
  if (p != end && *p == '.') p = take_digits(t, p + 1, end, true);
  t->end = p;
  if (p == end) return;
  p++; /* 'e' */
  bool is_negative = *p == '-';
  if (*p == '-' || *p == '+') p++;
  int64_t exponent = 0;
  for (; p != end; p++) {
    if (exponent < INT32_MAX) exponent = exponent * 10 + (*p - '0');
  }
  t->exponent += is_negative ? -exponent : exponent;
}

/* Through the C library, from a copy without a point: digits, perhaps a 1 for what was cut, and an
 * exponent. */
static double float_slow(const struct float_token *t) {
  char text[SIGNIFICANT + 32];
  size_t length = 0;
  bool is_cut = false;
  for (const char *p = t->first; p != t->end; p++) {
    if (*p == '.') continue;
    if (length < SIGNIFICANT)
      text[length++] = *p;
    else
      is_cut |= *p != '0';
  }
  /* `exponent` belongs to the first 19 digits. */
  int64_t exponent = t->exponent + (t->count < 19 ? (int64_t)t->count : 19) - (int64_t)length;
  if (is_cut) {
    text[length++] = '1';
    exponent--;
  }
  if (exponent > 100000) exponent = 100000;
  if (exponent < -100000) exponent = -100000;
  snprintf(text + length, sizeof text - length, "e%d", (int)exponent);
  return strtod(text, NULL);
}

bool flow_float_of_token(const char *token, size_t length, double *out) {
  struct float_token t;
  take_apart(&t, token, token + length);
  double value;
  if (t.count <= 19 && t.mantissa <= UINT64_C(1) << 53 && t.exponent >= -22 && t.exponent <= 22) {
    /* Both operands are exact, so the one rounding is right (Clinger 1990). */
    value = (double)t.mantissa;
    if (t.exponent < 0)
      value /= exact_tens[-t.exponent];
    else
      value *= exact_tens[t.exponent];
  } else if (t.count == 0) {
    value = 0;
  } else {
    value = float_slow(&t);
    if (!__builtin_isfinite(value)) return false;
  }
  *out = t.is_negative ? -value : value;
  return true;
}

static const char *skip_digits(const char *p, const char *end) {
  while (p != end && is_digit(*p)) p++;
  return p;
}

bool flow_is_number(const char **text, size_t *length) {
  trim(text, length);
  const char *p = *text, *end = p + *length;
  if (p != end && (*p == '-' || *p == '+')) p++;
  const char *digits = p;
  p = skip_digits(p, end);
  size_t digit_count = (size_t)(p - digits);
  if (p != end && *p == '.') {
    digits = ++p;
    p = skip_digits(p, end);
    digit_count += (size_t)(p - digits);
  }
  if (digit_count == 0) return false;
  if (p != end && (*p == 'e' || *p == 'E')) {
    p++;
    if (p != end && (*p == '-' || *p == '+')) p++;
    if (p == end || !is_digit(*p)) return false;
    p = skip_digits(p, end);
  }
  return p == end;
}

const char *flow_parse_float(const char *text, size_t length, double *out) {
  if (!flow_is_number(&text, &length)) return "expected a float";
  if (!flow_float_of_token(text, length, out)) return "this float is beyond the range of float";
  return NULL;
}

const char *flow_parse_bool(const char *text, size_t length, bool *out) {
  trim(&text, &length);
  bool is_true = length == 4 && memcmp(text, "true", 4) == 0;
  if (!is_true && !(length == 5 && memcmp(text, "false", 5) == 0)) {
    return "expected `true` or `false`";
  }
  *out = is_true;
  return NULL;
}
