#include "front/literal.h"

#include "base/utf8.h"
#include "compiler.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* -- numbers ----------------------------------------------------------------------------------- */

static int digit_value(char c) {
  if (is_digit(c)) return c - '0';
  return (c | 0x20) - 'a' + 10;
}

int64_t literal_int(struct compiler *compiler, const char *bytes, size_t length, struct span span,
                    bool is_negated) {
  bool is_hex = length > 2 && bytes[0] == '0' && bytes[1] == 'x';
  uint64_t base = is_hex ? 16 : 10, value = 0;
  bool is_over = false;
  for (size_t i = is_hex ? 2 : 0; i < length; i++) {
    if (bytes[i] == '_') continue;
    is_over |= __builtin_mul_overflow(value, base, &value);
    is_over |= __builtin_add_overflow(value, (uint64_t)digit_value(bytes[i]), &value);
  }
  if (!is_over && value <= INT64_MAX) return (int64_t)value;
  if (!is_over && is_negated && value == (uint64_t)INT64_MAX + 1) return INT64_MIN;
  struct diag *diag = diag_error(&compiler->diags, E0104, span, "this number is too large for int");
  diag_note(diag, "an int lies between -9223372036854775808 and 9223372036854775807");
  return INT64_MAX;
}

double literal_float(struct compiler *compiler, const char *bytes, size_t length,
                     struct span span) {
  char *digits = arena_alloc(&compiler->arena, length + 1);
  size_t count = 0;
  for (size_t i = 0; i < length; i++) {
    if (bytes[i] != '_') digits[count++] = bytes[i];
  }
  digits[count] = '\0';
  double value = strtod(digits, NULL);
  if (isfinite(value)) return value;
  struct diag *diag =
      diag_error(&compiler->diags, E0104, span, "this number is too large for float");
  diag_note(diag, "the largest float is about 1.8e308");
  return 0;
}

/* -- durations --------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  int64_t us;
} units[] = {
    {"d", 86400000000}, {"h", 3600000000}, {"m", 60000000}, {"s", 1000000}, {"ms", 1000}, {"us", 1},
};
#define UNIT_COUNT (sizeof units / sizeof *units)

int64_t literal_duration(struct compiler *compiler, const char *bytes, size_t length,
                         struct span span) {
  int64_t total = 0;
  bool is_over = false;
  size_t next_unit = 0;
  for (size_t i = 0; i < length;) {
    int64_t value = 0;
    for (; i < length && (is_digit(bytes[i]) || bytes[i] == '_'); i++) {
      if (bytes[i] == '_') continue;
      is_over |= __builtin_mul_overflow(value, 10, &value);
      is_over |= __builtin_add_overflow(value, bytes[i] - '0', &value);
    }
    size_t start = i, unit = 0;
    while (i < length && !is_digit(bytes[i])) i++;
    while (unit < UNIT_COUNT && (strlen(units[unit].name) != i - start ||
                                 memcmp(units[unit].name, bytes + start, i - start) != 0))
      unit++;
    if (unit == UNIT_COUNT) return 0; /* the scanner lets no other unit through */
    if (unit < next_unit) {
      struct diag *diag = diag_error(&compiler->diags, E0105, span,
                                     "the units of a duration go from large to small, each once");
      diag_help(diag, "the units are d, h, m, s, ms, us: for example 1h30m");
      return 0;
    }
    next_unit = unit + 1;
    is_over |= __builtin_mul_overflow(value, units[unit].us, &value);
    is_over |= __builtin_add_overflow(total, value, &total);
  }
  if (!is_over) return total;
  struct diag *diag = diag_error(&compiler->diags, E0104, span, "this duration is too long");
  diag_note(diag, "a duration has 64 bits of microseconds, about 292,000 years");
  return 0;
}

void literal_report_suffix(struct compiler *compiler, const char *bytes, size_t length,
                           struct span span) {
  static const struct {
    const char *suffix, *unit;
  } known[] = {
      {"sec", "s"}, {"secs", "s"},  {"second", "s"},  {"seconds", "s"}, {"S", "s"},
      {"min", "m"}, {"mins", "m"},  {"minute", "m"},  {"minutes", "m"}, {"M", "m"},
      {"hr", "h"},  {"hrs", "h"},   {"hour", "h"},    {"hours", "h"},   {"H", "h"},
      {"day", "d"}, {"days", "d"},  {"D", "d"},       {"msec", "ms"},   {"millis", "ms"},
      {"MS", "ms"}, {"usec", "us"}, {"micros", "us"},
  };
  size_t digits = 0;
  while (digits < length && !isalpha((unsigned char)bytes[digits])) digits++;
  bool is_float = memchr(bytes, '.', length) != NULL;
  const char *suffix = bytes + digits;
  size_t suffix_length = length - digits;
  struct span place = {span.offset + (uint32_t)digits, (uint32_t)suffix_length};
  if (suffix_length == 0) place = span;
  struct diag *diag =
      diag_error(&compiler->diags, E0103, place, "a number is directly followed by `%.*s`",
                 (int)suffix_length, suffix);
  if (suffix_length == 0) diag->message = "a number ends with a digit, not with `_`";
  if (is_float) diag_help(diag, "a duration has whole numbers: `1500ms`, `1h30m`");
  for (size_t i = 0; i < sizeof known / sizeof *known && !is_float; i++) {
    if (strlen(known[i].suffix) != suffix_length ||
        memcmp(known[i].suffix, suffix, suffix_length) != 0)
      continue;
    diag_help(diag, "did you mean `%.*s%s`?", (int)digits, bytes, known[i].unit);
    return;
  }
  diag_note(diag, "the units of time are us, ms, s, m, h, d; a name does not start with a digit");
}

/* -- timestamps -------------------------------------------------------------------------------- */

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar; the year is at least 0. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day) {
  /* The year starts in March here, so that the leap day is its last. */
  year -= month <= 2;
  int64_t era = year / 400, year_of_era = year - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

static int64_t days_in_month(int64_t year, int64_t month) {
  static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return days[month - 1] + (month == 2 && is_leap);
}

/* Reads exactly `count` digits and moves on; -1 where there are fewer. */
static int64_t take_digits(const char **at, const char *end, int count) {
  int64_t value = 0;
  for (int i = 0; i < count; i++, (*at)++) {
    if (*at == end || !is_digit(**at)) return -1;
    value = value * 10 + (**at - '0');
  }
  return value;
}

static bool take(const char **at, const char *end, char c) {
  if (*at == end || **at != c) return false;
  (*at)++;
  return true;
}

/* Reads "HH:MM", "HH:MM:SS" or "HH:MM:SS.ffffff" and a zone. Returns what is wrong, or null. */
static const char *take_time(const char **at, const char *end, int64_t *us) {
  int64_t hour = take_digits(at, end, 2);
  if (hour < 0 || !take(at, end, ':')) return "a time is written HH:MM:SS";
  int64_t minute = take_digits(at, end, 2), second = 0, fraction = 0;
  if (minute < 0) return "a time is written HH:MM:SS";
  if (take(at, end, ':')) {
    second = take_digits(at, end, 2);
    if (second < 0) return "a time is written HH:MM:SS";
    if (take(at, end, '.')) {
      int count = 0;
      for (; *at < end && is_digit(**at) && count < 6; count++, (*at)++)
        fraction = fraction * 10 + (**at - '0');
      if (count == 0 || (*at < end && is_digit(**at)))
        return "a fraction of a second has one to six digits";
      for (; count < 6; count++) fraction *= 10;
    }
  }
  if (hour > 23 || minute > 59 || second > 59) return "there is no such time of day";
  *us = ((hour * 60 + minute) * 60 + second) * 1000000 + fraction;
  if (take(at, end, 'Z')) return NULL;
  bool is_west = *at < end && **at == '-';
  if (!take(at, end, '+') && !take(at, end, '-'))
    return "a time needs a zone: `Z` for UTC, or such as `+01:00`";
  hour = take_digits(at, end, 2);
  minute = hour >= 0 && take(at, end, ':') ? take_digits(at, end, 2) : -1;
  if (minute < 0 || hour > 23 || minute > 59) return "a zone is written +HH:MM or -HH:MM";
  *us += (hour * 60 + minute) * 60000000 * (is_west ? 1 : -1);
  return NULL;
}

static const char *take_timestamp(const char *at, const char *end, int64_t *us) {
  int64_t year = take_digits(&at, end, 4);
  int64_t month = year >= 0 && take(&at, end, '-') ? take_digits(&at, end, 2) : -1;
  int64_t day = month >= 0 && take(&at, end, '-') ? take_digits(&at, end, 2) : -1;
  if (day < 0) return "a date is written YYYY-MM-DD";
  if (year < 1) return "the years go from 0001 to 9999";
  if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
    return "there is no such day";
  *us = 0;
  const char *problem = NULL;
  if (take(&at, end, 'T')) problem = take_time(&at, end, us);
  if (problem) return problem;
  if (at != end) return "a date is written YYYY-MM-DD";
  *us += days_from_date(year, month, day) * 86400000000;
  bool is_in_range = *us >= days_from_date(1, 1, 1) * 86400000000 &&
                     *us < days_from_date(10000, 1, 1) * 86400000000;
  return is_in_range ? NULL : "the years go from 0001 to 9999";
}

int64_t literal_timestamp(struct compiler *compiler, const char *bytes, size_t length,
                          struct span span) {
  int64_t us = 0;
  const char *problem = take_timestamp(bytes + 1, bytes + length, &us);
  if (!problem) return us;
  struct diag *diag = diag_error(&compiler->diags, E0105, span, "malformed timestamp: %s", problem);
  diag_help(diag, "for example `@2024-01-31` or `@2024-01-31T23:59:59.250Z`");
  return 0;
}

/* -- strings ----------------------------------------------------------------------------------- */

/* Decodes \u{…}; returns its bytes, or 0 where it is malformed. */
static size_t unicode_escape(const char *bytes, size_t length, struct text *out) {
  uint32_t code_point = 0;
  size_t i = 3;
  if (length < 5 || bytes[2] != '{') return 0;
  for (; i < length && isxdigit((unsigned char)bytes[i]); i++) {
    if (i == 9) return 0;
    code_point = code_point * 16 + (uint32_t)digit_value(bytes[i]);
  }
  if (i == 3 || i == length || bytes[i] != '}') return 0;
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) return 0;
  char encoded[4];
  text_addn(out, encoded, utf8_encode(code_point, encoded));
  return i + 1;
}

size_t literal_escape(struct compiler *compiler, const char *bytes, size_t length, struct span span,
                      struct text *out) {
  static const char letters[] = "ntr0\\\"{}", values[] = "\n\t\r\0\\\"{}";
  const char *letter = bytes[1] ? strchr(letters, bytes[1]) : NULL;
  if (letter) {
    text_addc(out, values[letter - letters]);
    return 2;
  }
  size_t count = bytes[1] == 'u' ? unicode_escape(bytes, length, out) : 0;
  if (count > 0) return count;
  uint32_t code_point;
  size_t width = utf8_decode(bytes + 1, length - 1, &code_point);
  if (width == 0) width = 1;
  struct span place = {span.offset, (uint32_t)(1 + width)};
  if (bytes[1] == 'u') {
    struct diag *diag = diag_error(&compiler->diags, E0102, place, "malformed \\u escape");
    diag_help(diag, "write one to six hexadecimal digits in braces: \\u{e9}");
  } else {
    struct diag *diag = diag_error(&compiler->diags, E0102, place, "unknown escape in a string");
    diag_note(diag, "the escapes are \\n \\t \\r \\0 \\\\ \\\" and \\u{…}");
    diag_help(diag, "for a backslash write \\\\, or use a raw string: r\"…\"");
  }
  return 1 + width;
}

void literal_string(struct compiler *compiler, const char *bytes, size_t length, struct span span,
                    struct text *out) {
  for (size_t i = 0; i < length;) {
    const char *backslash = memchr(bytes + i, '\\', length - i);
    size_t plain = backslash ? (size_t)(backslash - bytes) - i : length - i;
    text_addn(out, bytes + i, plain);
    i += plain;
    if (i + 1 >= length) break; /* a lone backslash ends an unterminated string only */
    struct span place = {span.offset + (uint32_t)i, 0};
    i += literal_escape(compiler, bytes + i, length - i, place, out);
  }
}
