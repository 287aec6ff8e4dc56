/* Timestamps and durations: int64 microseconds, timestamps since 1970-01-01T00:00:00Z.
 *
 * Days have 86,400 s (no leap seconds), years go from 0001 to 9999 in the proleptic Gregorian
 * calendar. Text is RFC 3339; no locale and no time zone of the machine is ever looked at.
 */
#ifndef FLOW_TIME_H
#define FLOW_TIME_H

#include "flow/value.h"

#define FLOW_US_PER_S   INT64_C(1000000)
#define FLOW_US_PER_DAY (86400 * FLOW_US_PER_S)

/* 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z. */
#define FLOW_TIME_MIN INT64_C(-62135596800000000)
#define FLOW_TIME_MAX INT64_C(253402300799999999)

/* Bytes of the longest texts. */
#define FLOW_TIMESTAMP_TEXT 27
#define FLOW_DURATION_TEXT  48

static inline bool flow_time_is_valid(int64_t time_us) {
  return time_us >= FLOW_TIME_MIN && time_us <= FLOW_TIME_MAX;
}

/* A moment on the calendar, UTC. */
struct flow_civil {
  int32_t year;  /* 1 to 9999 */
  uint8_t month; /* 1 to 12 */
  uint8_t day;   /* 1 to 31 */
  uint8_t hour, minute, second;
  uint8_t weekday; /* 1 Monday to 7 Sunday */
  uint32_t us;
};

struct flow_civil flow_civil_of(int64_t time_us);

/* Days from 1970-01-01 to that date, which must exist. */
int64_t flow_days_of(int32_t year, uint32_t month, uint32_t day);

/* Whether that date exists, in the years 1 to 9999. */
bool flow_is_date(uint32_t year, uint32_t month, uint32_t day);

/* Reads a text that is one timestamp: 2024-01-01T00:00:00Z with 0 or more fraction digits (those
 * behind the sixth are dropped) and Z or +hh:mm or -hh:mm; 't', 'z' and a blank instead of 'T' are
 * fine. Returns null and sets *out, or returns what is wrong. Second 60 is refused. */
const char *flow_parse_timestamp(const char *text, size_t length, int64_t *out);

/* Reads a text that is one duration: "1h30m", "250ms", "-2d", "0s": numbers with units d h m s ms
 * us, each unit at most once, larger ones first. Returns null, or what is wrong. */
const char *flow_parse_duration(const char *text, size_t length, int64_t *out);

/* Times by a format, as strftime() writes them, in UTC and English:
 *
 *   %Y year, 4 digits   %m month   %d day   %H hour 00-23   %M minute   %S second   %f microseconds, 6 digits
 *   %j day of the year, 3 digits   %a Mon   %A Monday   %b Jan   %B January   %u weekday, 1 is Monday
 *   %F is %Y-%m-%d   %T is %H:%M:%S   %z +0000   %% a percent sign
 *
 * False: the format has something else behind a `%`. */
bool flow_print_time(struct flow_buf *, int64_t time_us, const char *format, size_t length);

/* Reads a text that is one time by a format; what it does not say is 1970-01-01T00:00:00Z. %f takes 1 to 6
 * digits, %z also Z and +hh:mm; names of months and days in any case. Returns null and sets *out, or returns what
 * is wrong. */
const char *flow_parse_time(const char *text, size_t text_length, const char *format, size_t length,
                            int64_t *out);

/* `value` seconds, milliseconds or microseconds (unit_us: 1000000, 1000, 1) since 1970; false: not
 * in the years 0001 to 9999. */
static inline bool flow_time_of_unit(int64_t value, int64_t unit_us, int64_t *out) {
  return !__builtin_mul_overflow(value, unit_us, out) && flow_time_is_valid(*out);
}

/* timestamp + duration and timestamp - duration; false: out of range, a fault. */
static inline bool flow_time_add(int64_t time_us, int64_t duration_us, int64_t *out) {
  return !__builtin_add_overflow(time_us, duration_us, out) && flow_time_is_valid(*out);
}

static inline bool flow_time_sub(int64_t time_us, int64_t duration_us, int64_t *out) {
  return !__builtin_sub_overflow(time_us, duration_us, out) && flow_time_is_valid(*out);
}

/* Appends 2024-01-01T00:00:00Z, with 3 or 6 fraction digits where they are needed; time_us is
   valid. */
void flow_print_timestamp(struct flow_buf *, int64_t time_us);

/* Appends "1h30m", "1d1h", "1s500ms", "-2m", "0s". */
void flow_print_duration(struct flow_buf *, int64_t duration_us);

#endif
