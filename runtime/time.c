#include "flow/time.h"

#include "flow/number.h"

/* -- the calendar ---------------------------------------------------------------------------- */

/* Days are counted from 0000-03-01, so that the leap day is the last of its year and the lengths of
 * the months follow one linear rule (Howard Hinnant, "chrono-compatible low-level date
 * algorithms"). The calendar repeats every 400 years. */
enum { DAYS_OF_ERA = 146097, DAYS_TO_1970 = 719468 };

int64_t flow_days_of(int32_t year, uint32_t month, uint32_t day) {
  uint32_t march_year = (uint32_t)year - (month <= 2); /* years from March on; >= 0 from year 1 */
  uint32_t march_month = month > 2 ? month - 3 : month + 9;
  uint32_t era = march_year / 400, year_of_era = march_year % 400;
  uint32_t day_of_year = (153 * march_month + 2) / 5 + day - 1;
  uint32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return (int64_t)era * DAYS_OF_ERA + day_of_era - DAYS_TO_1970;
}

struct flow_civil flow_civil_of(int64_t time_us) {
  int64_t days = time_us / FLOW_US_PER_DAY, rest = time_us % FLOW_US_PER_DAY;
  if (rest < 0) {
    rest += FLOW_US_PER_DAY;
    days--;
  }
  uint32_t count = (uint32_t)(days + DAYS_TO_1970); /* never negative from year 1 on */
  uint32_t era = count / DAYS_OF_ERA, day_of_era = count % DAYS_OF_ERA;
  uint32_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  uint32_t march_month = (5 * day_of_year + 2) / 153;
  uint32_t month = march_month < 10 ? march_month + 3 : march_month - 9;
  uint32_t seconds = (uint32_t)(rest / FLOW_US_PER_S);
  return (struct flow_civil){
      .year = (int32_t)(era * 400 + year_of_era + (month <= 2)),
      .month = (uint8_t)month,
      .day = (uint8_t)(day_of_year - (153 * march_month + 2) / 5 + 1),
      .hour = (uint8_t)(seconds / 3600),
      .minute = (uint8_t)(seconds / 60 % 60),
      .second = (uint8_t)(seconds % 60),
      .weekday = (uint8_t)((count + 2) % 7 + 1), /* 0000-03-01 was a Wednesday */
      .us = (uint32_t)(rest % FLOW_US_PER_S),
  };
}

static uint32_t days_in_month(uint32_t year, uint32_t month) {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

bool flow_is_date(uint32_t year, uint32_t month, uint32_t day) {
  return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
         day <= days_in_month(year, month);
}

/* -- timestamps ------------------------------------------------------------------------------ */

#define NO_TIMESTAMP "expected a timestamp such as 2024-01-01T00:00:00Z"

/* Reads exactly `count` digits; false: there is something else. */
static bool take_number(const char *p, uint32_t count, uint32_t *out) {
  uint32_t value = 0;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t digit = (unsigned char)p[i] - '0';
    if (digit > 9) return false;
    value = value * 10 + digit;
  }
  *out = value;
  return true;
}

/* The zone at `p`: its distance from UTC in minutes. */
static bool take_zone(const char *p, const char *end, int64_t *minutes) {
  if (end - p == 1 && (*p | 0x20) == 'z') {
    *minutes = 0;
    return true;
  }
  uint32_t hour, minute;
  if (end - p != 6 || (*p != '+' && *p != '-') || p[3] != ':') return false;
  if (!take_number(p + 1, 2, &hour) || !take_number(p + 4, 2, &minute)) return false;
  if (hour > 23 || minute > 59) return false;
  *minutes = (int64_t)(hour * 60 + minute) * (*p == '-' ? -1 : 1);
  return true;
}

const char *flow_parse_timestamp(const char *text, size_t length, int64_t *out) {
  const char *p = text, *end = text + length;
  uint32_t year, month, day, hour, minute, second;
  if (length < 20 || !take_number(p, 4, &year) || p[4] != '-' || !take_number(p + 5, 2, &month) ||
      p[7] != '-' || !take_number(p + 8, 2, &day) || ((p[10] | 0x20) != 't' && p[10] != ' ') ||
      !take_number(p + 11, 2, &hour) || p[13] != ':' || !take_number(p + 14, 2, &minute) ||
      p[16] != ':' || !take_number(p + 17, 2, &second)) {
    return NO_TIMESTAMP;
  }
  p += 19;
  int64_t us = 0;
  if (*p == '.') {
    const char *digits = ++p;
    for (int64_t unit = FLOW_US_PER_S / 10; p != end && (unsigned char)(*p - '0') < 10; p++) {
      us += (*p - '0') * unit;
      unit /= 10;
    }
    if (p == digits) return NO_TIMESTAMP;
  }
  int64_t zone_minutes;
  if (p == end) return "this timestamp has no zone: add Z or an offset such as +02:00";
  if (!take_zone(p, end, &zone_minutes)) return NO_TIMESTAMP;
  if (second == 60) return "leap seconds cannot be represented";
  if (!flow_is_date(year, month, day) || hour > 23 || minute > 59 || second > 59) {
    return "this date or time does not exist";
  }
  int64_t minutes = (flow_days_of((int32_t)year, month, day) * 24 + hour) * 60 + minute;
  int64_t time_us = ((minutes - zone_minutes) * 60 + second) * FLOW_US_PER_S + us;
  if (!flow_time_is_valid(time_us)) return "this timestamp is not in the years 0001 to 9999";
  *out = time_us;
  return NULL;
}

static char *put_two(char *out, uint32_t value) {
  out[0] = (char)('0' + value / 10);
  out[1] = (char)('0' + value % 10);
  return out + 2;
}

void flow_print_timestamp(struct flow_buf *b, int64_t time_us) {
  flow_buf_reserve(b, FLOW_TIMESTAMP_TEXT);
  struct flow_civil c = flow_civil_of(time_us);
  char *out = b->data + b->length;
  out = put_two(put_two(out, (uint32_t)c.year / 100), (uint32_t)c.year % 100);
  *out++ = '-';
  out = put_two(out, c.month);
  *out++ = '-';
  out = put_two(out, c.day);
  *out++ = 'T';
  out = put_two(out, c.hour);
  *out++ = ':';
  out = put_two(out, c.minute);
  *out++ = ':';
  out = put_two(out, c.second);
  if (c.us != 0) {
    *out++ = '.';
    out = put_two(out, c.us / 10000);
    *out++ = (char)('0' + c.us / 1000 % 10);
    if (c.us % 1000 != 0) {
      *out++ = (char)('0' + c.us / 100 % 10);
      out = put_two(out, c.us % 100);
    }
  }
  *out++ = 'Z';
  b->length = (size_t)(out - b->data);
}

/* -- durations ------------------------------------------------------------------------------- */

static const struct unit {
  char name[3];
  uint64_t us;
} units[] = {
    {"d", UINT64_C(86400000000)},
    {"h", UINT64_C(3600000000)},
    {"m", 60000000},
    {"s", 1000000},
    {"ms", 1000},
    {"us", 1},
};
enum { UNIT_COUNT = sizeof units / sizeof units[0] };

#define NO_DURATION "expected a duration such as 1h30m or 250ms"

const char *flow_parse_duration(const char *text, size_t length, int64_t *out) {
  const char *p = text, *end = text + length;
  bool is_negative = p != end && *p == '-';
  p += is_negative;
  if (p == end) return NO_DURATION;
  uint64_t total = 0;
  bool fits = true;
  for (size_t next_unit = 0; p != end;) {
    const char *digits = p;
    uint64_t number = 0;
    for (; p != end && (unsigned char)(*p - '0') < 10; p++) {
      fits &= !__builtin_mul_overflow(number, 10, &number) &&
              !__builtin_add_overflow(number, (uint64_t)(*p - '0'), &number);
    }
    const char *name = p;
    while (p != end && *p >= 'a' && *p <= 'z') p++;
    size_t name_length = (size_t)(p - name), unit = next_unit;
    while (unit < UNIT_COUNT && (strlen(units[unit].name) != name_length ||
                                 memcmp(units[unit].name, name, name_length) != 0)) {
      unit++;
    }
    if (name == digits || unit == UNIT_COUNT) return NO_DURATION;
    next_unit = unit + 1;
    fits &= !__builtin_mul_overflow(number, units[unit].us, &number) &&
            !__builtin_add_overflow(total, number, &total);
  }
  if (!fits || total > (uint64_t)INT64_MAX + is_negative) return "this duration is too long";
  *out = (int64_t)(is_negative ? 0 - total : total);
  return NULL;
}

void flow_print_duration(struct flow_buf *b, int64_t duration_us) {
  uint64_t rest = (uint64_t)duration_us;
  if (duration_us < 0) {
    flow_buf_add_char(b, '-');
    rest = 0 - rest;
  }
  if (rest == 0) flow_buf_add_literal(b, "0s");
  for (size_t i = 0; i < UNIT_COUNT; i++) {
    uint64_t count = rest / units[i].us;
    rest %= units[i].us;
    if (count == 0) continue;
    flow_print_int(b, (int64_t)count);
    flow_buf_add(b, units[i].name, strlen(units[i].name));
  }
}
