#include "flow/csv.h"

#include "flow/decimal.h"
#include "flow/number.h"
#include "flow/text.h"
#include "flow/time.h"

/* -- records --------------------------------------------------------------------------------- */

static size_t without_cr(const char *p, const char *end) {
  return (size_t)(end - p) - (end != p && end[-1] == '\r');
}

size_t flow_csv_record(const char *p, const char *end, size_t *consumed, uint64_t *line_ends) {
  const char *at = p;
  bool is_quoted = false;
  *line_ends = 0;
  for (;; at++) {
    at += flow_csv_plain_bytes(at, end, '\n');
    if (at == end) break;
    if (*at == '"') {
      is_quoted = !is_quoted;
      continue;
    }
    ++*line_ends;
    if (!is_quoted) {
      *consumed = (size_t)(at + 1 - p);
      return without_cr(p, at);
    }
  }
  *consumed = (size_t)(end - p);
  return without_cr(p, end);
}

/* -- fields ---------------------------------------------------------------------------------- */

bool flow_csv_begin(struct flow_csv *c, const char *record, size_t length) {
  c->cursor = record;
  c->end = record + length;
  size_t valid = flow_utf8_valid(record, length);
  return FLOW_LIKELY(valid == length) || flow_bad(c->bad, record + valid, "this is not UTF-8");
}

enum flow_csv_next flow_csv_stray_quote(struct flow_csv *c, const char *at) {
  flow_bad(c->bad, at,
           "a quote inside an unquoted field: put the field in quotes and double this one");
  return FLOW_CSV_BAD;
}

/* Copies [p, end), in which every quote is doubled, with single ones. */
static void undouble(struct flow_csv *c, const char *p, const char *end,
                     struct flow_csv_field *out) {
  char *to = flow_mem_alloc(c->mem, (size_t)(end - p) + FLOW_STR_INLINE);
  out->data = to;
  while (p != end) {
    p += *p == '"';
    *to++ = *p++;
  }
  out->length = (size_t)(to - out->data);
}

enum flow_csv_next flow_csv_quoted_field(struct flow_csv *c, struct flow_csv_field *out) {
  const char *first = c->cursor + 1, *p = first;
  bool has_doubled = false;
  for (;; p += 2, has_doubled = true) {
    p = memchr(p, '"', (size_t)(c->end - p));
    if (p == NULL) {
      flow_bad(c->bad, c->cursor, "this quote is never closed");
      return FLOW_CSV_BAD;
    }
    if (p + 1 == c->end || p[1] != '"') break;
  }
  out->at = c->cursor;
  out->is_quoted = true;
  if (has_doubled) {
    undouble(c, first, p, out);
  } else {
    out->data = first;
    out->length = (size_t)(p - first);
  }
  p++;
  if (p != c->end && *p != c->delimiter) {
    flow_bad(c->bad, p, "expected `%c` or the end of the record behind the closing quote",
             c->delimiter);
    return FLOW_CSV_BAD;
  }
  c->cursor = p == c->end ? NULL : p + 1;
  return FLOW_CSV_MORE;
}

/* -- values ---------------------------------------------------------------------------------- */

/* Bytes of a field that a message shows. */
enum { SHOWN = 40 };

bool flow_csv_bad(struct flow_csv *c, const struct flow_csv_field *field, const char *name,
                  const char *why) {
  size_t shown = field->length;
  if (shown > SHOWN) shown = flow_utf8_valid(field->data, SHOWN); /* not half a character */
  return flow_bad(c->bad, field->at, "column `%s`: %s, found `%.*s%s`", name, why, (int)shown,
                  field->data, shown < field->length ? "..." : "");
}

bool flow_csv_missing(struct flow_csv *c, const char *name) {
  return flow_bad(c->bad, c->end, "missing column `%s`", name);
}

bool flow_csv_int(struct flow_csv *c, const struct flow_csv_field *field, const char *name,
                  int64_t *out) {
  const char *why = flow_parse_int(field->data, field->length, out);
  return FLOW_LIKELY(why == NULL) || flow_csv_bad(c, field, name, why);
}

bool flow_csv_float(struct flow_csv *c, const struct flow_csv_field *field, const char *name,
                    double *out) {
  const char *why = flow_parse_float(field->data, field->length, out);
  return FLOW_LIKELY(why == NULL) || flow_csv_bad(c, field, name, why);
}

bool flow_csv_decimal(struct flow_csv *c, const struct flow_csv_field *field, const char *name,
                      unsigned scale, int64_t *out) {
  const char *why = flow_parse_decimal(field->data, field->length, scale, out);
  return FLOW_LIKELY(why == NULL) || flow_csv_bad(c, field, name, why);
}

bool flow_csv_bool(struct flow_csv *c, const struct flow_csv_field *field, const char *name,
                   bool *out) {
  const char *why = flow_parse_bool(field->data, field->length, out);
  return FLOW_LIKELY(why == NULL) || flow_csv_bad(c, field, name, why);
}

bool flow_csv_timestamp(struct flow_csv *c, const struct flow_csv_field *field, const char *name,
                        int64_t *out) {
  const char *why = flow_parse_timestamp(field->data, field->length, out);
  return FLOW_LIKELY(why == NULL) || flow_csv_bad(c, field, name, why);
}

bool flow_csv_timestamp_of_unit(struct flow_csv *c, const struct flow_csv_field *field,
                                const char *name, int64_t unit_us, int64_t *out) {
  int64_t value;
  if (!flow_csv_int(c, field, name, &value)) return false;
  return FLOW_LIKELY(flow_time_of_unit(value, unit_us, out)) ||
         flow_csv_bad(c, field, name, "expected a timestamp in the years 0001 to 9999");
}

bool flow_csv_duration(struct flow_csv *c, const struct flow_csv_field *field, const char *name,
                       int64_t *out) {
  const char *why = flow_parse_duration(field->data, field->length, out);
  return FLOW_LIKELY(why == NULL) || flow_csv_bad(c, field, name, why);
}

/* -- the header ------------------------------------------------------------------------------ */

/* The index of the first name that equals the field, or -1. */
static int16_t find_name(const struct flow_csv_field *field, const char *const *names,
                         uint32_t name_count) {
  for (uint32_t i = 0; i < name_count; i++) {
    if (strlen(names[i]) == field->length && memcmp(names[i], field->data, field->length) == 0) {
      return (int16_t)i;
    }
  }
  return -1;
}

static bool has_column(const int16_t *columns, uint32_t count, int16_t index) {
  for (uint32_t i = 0; i < count; i++) {
    if (columns[i] == index) return true;
  }
  return false;
}

int32_t flow_csv_bind(const char *record, size_t length, char delimiter, struct flow_mem *mem,
                      const char *const *names, const bool *is_required, uint32_t name_count,
                      int16_t columns[FLOW_CSV_COLUMNS], struct flow_bad_record *bad) {
  if (length >= 3 && memcmp(record, "\xef\xbb\xbf", 3) == 0) {
    record += 3;
    length -= 3;
  }
  struct flow_csv c = {.delimiter = delimiter, .mem = mem, .bad = bad};
  if (!flow_csv_begin(&c, record, length)) return -1;
  uint32_t count = 0;
  struct flow_csv_field field;
  enum flow_csv_next next;
  while ((next = flow_csv_field(&c, &field)) == FLOW_CSV_MORE) {
    if (count == FLOW_CSV_COLUMNS) {
      flow_bad(bad, field.at, "the header has more than %d columns", FLOW_CSV_COLUMNS);
      return -1;
    }
    int16_t index = find_name(&field, names, name_count);
    columns[count] = index >= 0 && has_column(columns, count, index) ? -1 : index;
    count++;
  }
  if (next == FLOW_CSV_BAD) return -1;
  for (uint32_t i = 0; i < name_count; i++) {
    if (is_required[i] && !has_column(columns, count, (int16_t)i)) {
      flow_bad(bad, record, "the header has no column `%s`", names[i]);
      return -1;
    }
  }
  return (int32_t)count;
}

/* -- printing -------------------------------------------------------------------------------- */

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

static bool needs_quotes(const char *data, size_t length, char delimiter) {
  if (length == 0) return false;
  if (is_blank(data[0]) || is_blank(data[length - 1])) return true;
  for (size_t i = 0; i < length; i++) {
    char c = data[i];
    if (c == delimiter || c == '"' || c == '\n' || c == '\r') return true;
  }
  return false;
}

void flow_print_csv_str(struct flow_buf *b, const struct flow_str *s, char delimiter,
                        bool is_optional) {
  const char *p = flow_str_data(s), *end = p + s->length;
  if (!needs_quotes(p, s->length, delimiter)) {
    if (s->length == 0 && is_optional) flow_buf_add_literal(b, "\"\"");
    flow_print_str(b, s);
    return;
  }
  flow_buf_add_char(b, '"');
  while (p != end) {
    const char *quote = memchr(p, '"', (size_t)(end - p));
    const char *stop = quote == NULL ? end : quote + 1;
    flow_buf_add(b, p, (size_t)(stop - p));
    if (quote != NULL) flow_buf_add_char(b, '"');
    p = stop;
  }
  flow_buf_add_char(b, '"');
}
