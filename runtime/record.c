/* Records of a block, messages about them, and the slower halves of the writers: flow/record.h. */
#include "flow/record.h"

#include "flow/time.h"

/* -- records --------------------------------------------------------------------------------- */

enum flow_parse flow_line_bad(struct flow_block *b, const struct flow_line *line) {
  b->bad.record = line->text;
  b->bad.length = (size_t)(line->end - line->text);
  b->bad.line = b->line;
  if (b->bad.at < line->text) b->bad.at = line->text;
  if (b->bad.at > line->end) b->bad.at = line->end;
  b->cursor = line->next;
  b->line += line->line_ends;
  return FLOW_BAD_RECORD;
}

enum flow_parse flow_line_too_long(struct flow_block *b) {
  struct flow_line line = {.text = b->cursor, .end = b->end, .next = b->end};
  for (const char *p = b->cursor; p != b->end; p++) line.line_ends += *p == '\n';
  flow_bad(&b->bad, line.text, "this record is longer than the limit of 16 MiB");
  return flow_line_bad(b, &line);
}

bool flow_line_string(struct flow_block *b, const struct flow_line *line, struct flow_str *out) {
  size_t length = (size_t)(line->end - line->text);
  size_t valid = flow_utf8_valid(line->text, length);
  if (FLOW_UNLIKELY(valid != length)) {
    return flow_bad(&b->bad, line->text + valid, "this is not UTF-8");
  }
  *out = flow_str_padded(line->text, length);
  return true;
}

bool flow_line_int(struct flow_block *b, const struct flow_line *line, int64_t *out) {
  const char *why = flow_parse_int(line->text, (size_t)(line->end - line->text), out);
  return why == NULL || flow_bad(&b->bad, line->text, "%s", why);
}

bool flow_line_float(struct flow_block *b, const struct flow_line *line, double *out) {
  const char *why = flow_parse_float(line->text, (size_t)(line->end - line->text), out);
  return why == NULL || flow_bad(&b->bad, line->text, "%s", why);
}

bool flow_line_decimal(struct flow_block *b, const struct flow_line *line, unsigned scale,
                       int64_t *out) {
  const char *why = flow_parse_decimal(line->text, (size_t)(line->end - line->text), scale, out);
  return why == NULL || flow_bad(&b->bad, line->text, "%s", why);
}

/* -- JSON ------------------------------------------------------------------------------------ */

/* A value as a message quotes it: valid UTF-8 of at most this many bytes. */
#define QUOTED_BYTES 40

static size_t quoted_length(const char *data, size_t length) {
  size_t valid = flow_utf8_valid(data, length < QUOTED_BYTES ? length : QUOTED_BYTES);
  for (size_t i = 0; i < valid; i++) {
    if ((unsigned char)data[i] < 0x20) return i;
  }
  return valid;
}

bool flow_line_skip_blank(struct flow_block *b, const char **text) {
  while (b->cursor != b->end) {
    struct flow_line line;
    flow_line_at(b, &line);
    const char *p = line.text;
    while (p != line.end && (*p == ' ' || *p == '\t' || *p == '\r')) p++;
    *text = line.text;
    if (p != line.end) return true;
    b->cursor = line.next;
    b->line++;
  }
  return false;
}

enum flow_parse flow_json_refused(struct flow_block *b) {
  struct flow_line line;
  flow_line_at(b, &line);
  return flow_line_bad(b, &line);
}

bool flow_json_no_variant(struct flow_json *j, const char *at, const struct flow_str *found,
                          const char *what) {
  const char *data = flow_str_data(found);
  size_t shown = quoted_length(data, found->length);
  return flow_bad(j->bad, at, "expected %s, found `%.*s%s`", what, (int)shown, data,
                  shown < found->length ? "…" : "");
}

bool flow_json_int_of_key(struct flow_json *j, const char *at, const struct flow_str *key,
                          int64_t *out) {
  const char *why = flow_parse_int(flow_str_data(key), key->length, out);
  return why == NULL || flow_bad(j->bad, at, "%s in this key", why);
}

bool flow_bad_condition(struct flow_bad_record *bad, const char *at, const char *field,
                        const char *condition) {
  return flow_bad(bad, at, "field `%s` fails its condition `%s`", field, condition);
}

/* -- CSV ------------------------------------------------------------------------------------- */

bool flow_csv_row(struct flow_worker *w, struct flow_block *b, char delimiter,
                  struct flow_line *line, struct flow_csv *csv, bool *is_bad) {
  size_t length;
  for (;;) {
    if (b->cursor == b->end) return false;
    line->text = b->cursor;
    size_t consumed;
    length = flow_csv_record(line->text, b->end, &consumed, &line->line_ends);
    line->end = line->text + length;
    line->next = line->text + consumed;
    if (length > 0) break;
    b->cursor = line->next;
    b->line += line->line_ends;
  }
  *csv = (struct flow_csv){.delimiter = delimiter, .mem = w->arena, .bad = &b->bad};
  *is_bad = !flow_csv_begin(csv, line->text, length);
  return true;
}

const char *flow_row_utf8(const char *p, char delimiter) {
  while ((signed char)*p < 0) {
    /* The zeros behind the block end a sequence that is cut off. */
    size_t n = flow_utf8_sequence(p, p + FLOW_UTF8_MAX);
    if (n == 0) break;
    p += n;
    p += flow_row_plain_bytes(p, delimiter);
  }
  return p;
}

const char *flow_straight_rest(const char *p, char delimiter, uint32_t others) {
  for (; *p == delimiter; others--) {
    if (others == 0) return NULL;
    p++;
    p = flow_row_utf8(p + flow_row_plain_bytes(p, delimiter), delimiter);
  }
  p += *p == '\r';
  return *p == '\n' ? p + 1 : NULL;
}

bool flow_csv_too_many(struct flow_csv *c, const struct flow_csv_field *field,
                       uint32_t column_count) {
  return flow_bad(c->bad, field->at, "this row has more than %u fields", column_count);
}

bool flow_csv_no_variant(struct flow_csv *c, const struct flow_csv_field *field, const char *name,
                         const char *what) {
  size_t shown = quoted_length(field->data, field->length);
  return flow_bad(c->bad, field->at, "column `%s`: expected %s, found `%.*s%s`", name, what,
                  (int)shown, field->data, shown < field->length ? "…" : "");
}

/* -- writing --------------------------------------------------------------------------------- */

/* Where the buffer's text ends now, with room behind it. */
static char *resume(struct flow_buf *b, size_t room) {
  flow_buf_reserve(b, room);
  return b->data + b->length;
}

/* Bytes that JSON must escape (`"`, `\`, below 0x20): 0 if none of the eight is one. */
static uint64_t escapes_in(uint64_t bytes) {
  const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
  uint64_t quote = bytes ^ ones * '"', backslash = bytes ^ ones * '\\';
  return ((bytes - ones * 0x20) & ~bytes & tops) | ((quote - ones) & ~quote & tops) |
         ((backslash - ones) & ~backslash & tops);
}

char *flow_write_json_slow(struct flow_buf *b, char *p, const struct flow_str *s, size_t room) {
  const char *data = flow_str_data(s);
  size_t length = s->length, plain = 0;
  while (plain + 8 <= length && escapes_in(flow_load64(data + plain)) == 0) plain += 8;
  while (plain < length && (unsigned char)data[plain] >= 0x20 && data[plain] != '"' &&
         data[plain] != '\\') {
    plain++;
  }
  if (FLOW_LIKELY(plain == length)) {
    p = flow_write_room(b, p, length + room);
    memcpy(p, data, length);
    return p + length;
  }
  /* Escapes are written by one function only. It writes both quotes: the first one is the one that
   * the caller has written, the other one is written by the caller. */
  b->length = (size_t)(p - b->data) - 1;
  flow_print_json_bytes(b, data, length);
  b->length--;
  return resume(b, room);
}

char *flow_write_far(struct flow_buf *b, char *p, const struct flow_str *s, size_t room) {
  p = flow_write_room(b, p, s->length + room);
  memcpy(p, flow_str_data(s), s->length);
  return p + s->length;
}

char *flow_write_csv_slow(struct flow_buf *b, char *p, const struct flow_str *s, char delimiter,
                          bool is_optional, size_t room) {
  b->length = (size_t)(p - b->data);
  flow_print_csv_str(b, s, delimiter, is_optional);
  return resume(b, room);
}

char *flow_write_timestamp(struct flow_buf *b, char *p, int64_t value, size_t room) {
  b->length = (size_t)(p - b->data);
  flow_print_timestamp(b, value);
  return resume(b, room);
}

char *flow_write_duration(struct flow_buf *b, char *p, int64_t value, size_t room) {
  b->length = (size_t)(p - b->data);
  flow_print_duration(b, value);
  return resume(b, room);
}
