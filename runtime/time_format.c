/* Times by a format. */
#include "flow/time.h"

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};

/* Letters of a short name. */
enum { SHORT = 3 };

/* -- printing -------------------------------------------------------------------------------- */

static void put_digits(struct flow_buf *b, uint32_t value, int digits) {
  char text[10];
  for (int i = digits; i-- > 0; value /= 10) text[i] = (char)('0' + value % 10);
  flow_buf_add(b, text, (size_t)digits);
}

static void put_name(struct flow_buf *b, const char *name, bool is_short) {
  flow_buf_add(b, name, is_short ? SHORT : strlen(name));
}

static uint32_t day_of_year(const struct flow_civil *c) {
  return (uint32_t)(flow_days_of(c->year, c->month, c->day) - flow_days_of(c->year, 1, 1)) + 1;
}

/* Appends what one letter stands for; false: it stands for nothing. */
static bool put_part(struct flow_buf *b, const struct flow_civil *c, char letter) {
  switch (letter) {
  case 'Y': put_digits(b, (uint32_t)c->year, 4); return true;
  case 'm': put_digits(b, c->month, 2); return true;
  case 'd': put_digits(b, c->day, 2); return true;
  case 'H': put_digits(b, c->hour, 2); return true;
  case 'M': put_digits(b, c->minute, 2); return true;
  case 'S': put_digits(b, c->second, 2); return true;
  case 'f': put_digits(b, c->us, 6); return true;
  case 'j': put_digits(b, day_of_year(c), 3); return true;
  case 'u': put_digits(b, c->weekday, 1); return true;
  case 'a':
  case 'A': put_name(b, weekdays[c->weekday - 1], letter == 'a'); return true;
  case 'b':
  case 'B': put_name(b, months[c->month - 1], letter == 'b'); return true;
  case 'z': flow_buf_add_literal(b, "+0000"); return true;
  case '%': flow_buf_add_char(b, '%'); return true;
  default: return false;
  }
}

/* What a letter is short for, or null. */
static const char *longer(char letter) {
  return letter == 'F' ? "%Y-%m-%d" : letter == 'T' ? "%H:%M:%S" : NULL;
}

static bool print(struct flow_buf *b, const struct flow_civil *c, const char *p, const char *end) {
  for (; p != end; p++) {
    if (*p != '%') {
      flow_buf_add_char(b, *p);
      continue;
    }
    if (++p == end) return false;
    const char *more = longer(*p);
    if (more != NULL ? !print(b, c, more, more + strlen(more)) : !put_part(b, c, *p)) return false;
  }
  return true;
}

bool flow_print_time(struct flow_buf *b, int64_t time_us, const char *format, size_t length) {
  struct flow_civil c = flow_civil_of(time_us);
  return print(b, &c, format, format + length);
}

/* -- parsing --------------------------------------------------------------------------------- */

struct parsed {
  const char *p, *end;
  uint32_t year, month, day, hour, minute, second, us, day_of_year;
  int64_t zone_minutes;
};

/* Reads as many digits as there are, at least `least` and up to `most`. */
static bool take_digits(struct parsed *in, int least, int most, uint32_t *out) {
  int count = 0;
  uint32_t value = 0;
  for (; count < most && in->p != in->end && (unsigned char)(*in->p - '0') < 10; count++) {
    value = value * 10 + (uint32_t)(*in->p++ - '0');
  }
  *out = value;
  return count >= least;
}

static bool take_fraction(struct parsed *in) {
  const char *start = in->p;
  if (!take_digits(in, 1, 6, &in->us)) return false;
  for (ptrdiff_t digits = in->p - start; digits < 6; digits++) in->us *= 10;
  return true;
}

static bool is_name(const char *p, const char *name, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if ((p[i] | 0x20) != (name[i] | 0x20)) return false;
  }
  return true;
}

/* Reads one of the names, from 1 on. */
static bool take_name(struct parsed *in, const char *const *names, uint32_t count, bool is_short,
                      uint32_t *out) {
  for (uint32_t i = 0; i < count; i++) {
    size_t length = is_short ? SHORT : strlen(names[i]);
    if ((size_t)(in->end - in->p) < length || !is_name(in->p, names[i], length)) continue;
    in->p += length;
    *out = i + 1;
    return true;
  }
  return false;
}

static bool take_zone(struct parsed *in) {
  if (in->p == in->end) return false;
  char sign = *in->p++;
  if ((sign | 0x20) == 'z') return true;
  uint32_t hour, minute;
  if ((sign != '+' && sign != '-') || !take_digits(in, 2, 2, &hour)) return false;
  if (in->p != in->end && *in->p == ':') in->p++;
  if (!take_digits(in, 2, 2, &minute) || hour > 23 || minute > 59) return false;
  in->zone_minutes = (int64_t)(hour * 60 + minute) * (sign == '-' ? -1 : 1);
  return true;
}

static bool take_letter(struct parsed *in, char letter) {
  if (in->p == in->end || *in->p != letter) return false;
  in->p++;
  return true;
}

static bool take_part(struct parsed *in, char letter) {
  uint32_t unused; /* the date says which day of the week it is */
  switch (letter) {
  case 'Y': return take_digits(in, 4, 4, &in->year);
  case 'm': return take_digits(in, 1, 2, &in->month);
  case 'd': return take_digits(in, 1, 2, &in->day);
  case 'H': return take_digits(in, 1, 2, &in->hour);
  case 'M': return take_digits(in, 1, 2, &in->minute);
  case 'S': return take_digits(in, 1, 2, &in->second);
  case 'f': return take_fraction(in);
  case 'j': return take_digits(in, 1, 3, &in->day_of_year) && in->day_of_year > 0;
  case 'u': return take_digits(in, 1, 1, &unused);
  case 'a':
  case 'A': return take_name(in, weekdays, 7, letter == 'a', &unused);
  case 'b':
  case 'B': return take_name(in, months, 12, letter == 'b', &in->month);
  case 'z': return take_zone(in);
  case '%': return take_letter(in, '%');
  default: return false;
  }
}

static bool take_all(struct parsed *in, const char *p, const char *end) {
  for (; p != end; p++) {
    if (*p != '%') {
      if (!take_letter(in, *p)) return false;
      continue;
    }
    if (++p == end) return false;
    const char *more = longer(*p);
    if (more != NULL ? !take_all(in, more, more + strlen(more)) : !take_part(in, *p)) return false;
  }
  return true;
}

const char *flow_parse_time(const char *text, size_t text_length, const char *format, size_t length,
                            int64_t *out) {
  struct parsed in = {.p = text, .end = text + text_length, .year = 1970, .month = 1, .day = 1};
  if (!take_all(&in, format, format + length) || in.p != in.end) {
    return "the text is not a time of this format";
  }
  if (!flow_is_date(in.year, in.month, in.day) || in.hour > 23 || in.minute > 59 || in.second > 59) {
    return "this date or time does not exist";
  }
  int64_t days = flow_days_of((int32_t)in.year, in.month, in.day);
  if (in.day_of_year > 0) {
    days = flow_days_of((int32_t)in.year, 1, 1) + in.day_of_year - 1;
    bool is_leap = flow_is_date(in.year, 2, 29);
    if (in.day_of_year > 365 + (uint32_t)is_leap) return "this date or time does not exist";
  }
  int64_t minutes = (days * 24 + in.hour) * 60 + in.minute - in.zone_minutes;
  *out = (minutes * 60 + in.second) * FLOW_US_PER_S + in.us;
  return flow_time_is_valid(*out) ? NULL : "this time is not in the years 0001 to 9999";
}
