/* What generated parsers and printers share: lines of a block, rows of a CSV block, messages about
 * records, and writing through a raw pointer.
 *
 * A parser decodes the record at the cursor of a block and moves the cursor behind it, whether it is
 * good or bad:
 *
 *   struct flow_json json;
 *   if (!flow_json_begin(w, b, &json)) return FLOW_NO_RECORD;
 *   if (!read_event(w, &json, out) || !flow_json_finish(&json)) return flow_json_refused(b);
 *   return flow_json_done(b, &json);
 */
#ifndef FLOW_RECORD_H
#define FLOW_RECORD_H

#include "flow/abi.h"
#include "flow/csv.h"
#include "flow/decimal.h"
#include "flow/json.h"
#include "flow/number.h"
#include "flow/text.h"
#include "flow/time.h"

/* -- records of a block ---------------------------------------------------------------------- */

/* A record: its text (without its line end) and where the next one begins. */
struct flow_line {
  const char *text, *end, *next;
  uint64_t line_ends; /* newlines up to `next` */
};

/* Finds the line at the cursor; there is one. */
static inline void flow_line_at(const struct flow_block *b, struct flow_line *line) {
  line->text = b->cursor;
  const char *end = memchr(line->text, '\n', (size_t)(b->end - line->text));
  line->next = end == NULL ? b->end : end + 1;
  line->line_ends = 1;
  line->end = end == NULL ? b->end : end;
  if (line->end > line->text && line->end[-1] == '\r') line->end--;
}

/* The record was decoded: moves the cursor behind it. */
static inline enum flow_parse flow_line_done(struct flow_block *b, const struct flow_line *line) {
  b->cursor = line->next;
  b->line += line->line_ends;
  return FLOW_PARSED;
}

/* The record was refused and b->bad has the reason: completes b->bad and moves the cursor behind the record. */
FLOW_COLD enum flow_parse flow_line_bad(struct flow_block *b, const struct flow_line *line);

/* The block holds the start of a record that is over the limit: refuses it. */
FLOW_COLD enum flow_parse flow_line_too_long(struct flow_block *b);

/* -- text lines ------------------------------------------------------------------------------ */

/* A line as a string; false: it is not UTF-8, and b->bad says so. */
bool flow_line_string(struct flow_block *b, const struct flow_line *line, struct flow_str *out);

/* A line that holds one number and ASCII blanks. */
bool flow_line_int(struct flow_block *b, const struct flow_line *line, int64_t *out);
bool flow_line_float(struct flow_block *b, const struct flow_line *line, double *out);
bool flow_line_decimal(struct flow_block *b, const struct flow_line *line, unsigned scale,
                       int64_t *out);

/* The usual int line: up to 18 digits and a newline, nothing else; so it is not too long either. True:
 * *out is set and the cursor is behind the line. False: nothing has happened. */
static inline bool flow_line_plain_int(struct flow_block *b, int64_t *out) {
  const char *p = flow_scan_int(b->cursor, out);
  if (FLOW_UNLIKELY(p == NULL || *p != '\n')) return false;
  b->cursor = p + 1;
  b->line++;
  return true;
}

/* -- JSON Lines ------------------------------------------------------------------------------ */

/* Steps over lines of spaces and tabs; *text is then the first line that is more. False: there is none. */
bool flow_line_skip_blank(struct flow_block *b, const char **text);

/* Sets `json` at the next line that is not blank; false: none is left, and the cursor is at the
 * block's end. The line's end is not looked for: the parser finds it. */
static inline bool flow_json_begin(struct flow_worker *w, struct flow_block *b,
                                   struct flow_json *json) {
  const char *p = b->cursor;
  if (FLOW_UNLIKELY(*p != '{') && !flow_line_skip_blank(b, &p)) return false;
  *json = (struct flow_json){p, b->end, w->arena, &b->bad, b->guesses};
  return true;
}

/* The value and nothing else was read: moves the block's cursor behind the line. */
static inline enum flow_parse flow_json_done(struct flow_block *b, const struct flow_json *json) {
  b->cursor = json->cursor + (json->cursor != b->end);
  b->line++;
  return FLOW_PARSED;
}

/* The line was refused and b->bad has the reason. */
FLOW_COLD enum flow_parse flow_json_refused(struct flow_block *b);

/* "`refund` is no Kind (order, payment)": `what` is "a Kind (order, payment)". Returns false. */
FLOW_COLD bool flow_json_no_variant(struct flow_json *, const char *at,
                                    const struct flow_str *found, const char *what);

/* An int in the text of a JSON key. */
bool flow_json_int_of_key(struct flow_json *, const char *at, const struct flow_str *key,
                          int64_t *out);

/* "field `price` fails its condition `price >= 0`". Returns false. */
FLOW_COLD bool flow_bad_condition(struct flow_bad_record *, const char *at, const char *field,
                                  const char *condition);

/* -- CSV rows -------------------------------------------------------------------------------- */

/* Rows are read in one of three ways, which give the same rows:
 *
 * - straight, where the file's first columns are the fields in their order: one cell after the other,
 *   without a look at the header;
 * - plain, where they are not: each cell goes to the field that the header says;
 * - by the rules of flow/csv.h, which know quotes and control characters, and say what is wrong.
 *
 * The first two read a row in one pass, without looking for its end first. They give up at whatever they
 * do not know, and make no message, so that nothing of it has to be in memory: the row is then read
 * again in the third way. `is_plain` is a constant in each. */

/* Sets `csv` at the row at the cursor, to read it as a plain one; csv->end is null until its line
 * end has been found, and then behind that. False: it is not plain. */
static inline bool flow_csv_begin_plain(const struct flow_block *b, char delimiter,
                                        struct flow_csv *csv) {
  *csv = (struct flow_csv){.cursor = b->cursor, .delimiter = delimiter};
  return (unsigned char)*b->cursor >= ' ';
}

#ifdef __SSE2__
/* Of the 16 bytes at `p`, which of them end a plain field, as bits. */
static inline unsigned flow_row_special(const char *p, char delimiter) {
  __m128i text = _mm_loadu_si128((const __m128i *)(const void *)p);
  __m128i special = _mm_or_si128(flow_json_stops(text),
                                 _mm_cmpeq_epi8(text, _mm_set1_epi8(delimiter)));
  return (unsigned)_mm_movemask_epi8(special);
}
#endif

/* How many bytes at `p` come before the delimiter, a quote, a control character or a byte outside of
 * ASCII. Up to 15 bytes behind those are read. */
static inline size_t flow_row_plain_bytes(const char *p, char delimiter) {
#ifdef __SSE2__
  unsigned found = flow_row_special(p, delimiter);
  if (FLOW_LIKELY(found != 0)) return (unsigned)__builtin_ctz(found);
  size_t n = 16;
  while ((found = flow_row_special(p + n, delimiter)) == 0) n += 16;
  return n + (unsigned)__builtin_ctz(found);
#else
  size_t n = 0;
  while ((signed char)p[n] >= 0x20 && p[n] != '"' && p[n] != delimiter) n++;
  return n;
#endif
}

/* The end of those bytes, where there may be many. They are taken 64 at a time, because where a loop over a
 * text ends is mostly mispredicted. Up to 63 bytes behind it are read. */
static inline const char *flow_row_plain_end(const char *p, char delimiter) {
#ifdef __SSE2__
  for (;; p += 64) {
    uint64_t low = flow_row_special(p, delimiter) | flow_row_special(p + 16, delimiter) << 16;
    uint64_t high = flow_row_special(p + 32, delimiter) | flow_row_special(p + 48, delimiter) << 16;
    uint64_t found = low | high << 32;
    if (FLOW_LIKELY(found != 0)) return p + (unsigned)__builtin_ctzll(found);
  }
#else
  return p + flow_row_plain_bytes(p, delimiter);
#endif
}

/* The cell at the cursor up to what flow_row_plain_bytes() stops at; the cursor stays. */
FLOW_INLINE void flow_row_cell(struct flow_csv *c, struct flow_csv_field *out) {
  out->data = out->at = c->cursor;
  out->is_quoted = false;
  out->length = flow_row_plain_bytes(c->cursor, c->delimiter);
}

/* Behind the plain bytes of a cell: goes on at `p` while that is UTF-8; the end of the cell. */
const char *flow_row_utf8(const char *p, char delimiter);

/* Not to be called behind the last field, which sets c->end. */
static inline enum flow_csv_next flow_csv_plain_field(struct flow_csv *c,
                                                      struct flow_csv_field *out) {
  flow_row_cell(c, out);
  const char *p = out->data + out->length;
  if (FLOW_UNLIKELY((signed char)*p < 0)) {
    p = flow_row_utf8(p, c->delimiter);
    out->length = (size_t)(p - out->data);
  }
  c->cursor = p + 1;
  if (*p == c->delimiter) return FLOW_CSV_MORE;
  if (FLOW_UNLIKELY(*p != '\n') && (*p != '\r' || *++p != '\n')) return FLOW_CSV_BAD;
  c->end = p + 1;
  return FLOW_CSV_MORE;
}

/* A cell of a straight row ends at `p`. Either another one must follow, at which the cursor is then; or it
 * was the last one that is a field, behind which up to `others` more may come, and c->end is set. */

static inline bool flow_straight_more(struct flow_csv *c, const char *p) {
  c->cursor = p + 1;
  return FLOW_LIKELY(*p == c->delimiter);
}

/* The end of the row, or null. */
const char *flow_straight_rest(const char *p, char delimiter, uint32_t others);

static inline bool flow_straight_end(struct flow_csv *c, const char *p, uint32_t others) {
  c->end = FLOW_LIKELY(*p == '\n') ? p + 1 : flow_straight_rest(p, c->delimiter, others);
  return FLOW_LIKELY(c->end != NULL);
}

/* The cell at the cursor, of one of these two kinds. */

FLOW_INLINE bool flow_straight_cell(struct flow_csv *c, struct flow_csv_field *out) {
  flow_row_cell(c, out);
  const char *p = out->data + out->length;
  if (FLOW_UNLIKELY(*p != c->delimiter)) {
    p = flow_row_utf8(p, c->delimiter);
    out->length = (size_t)(p - out->data);
  }
  return flow_straight_more(c, p);
}

FLOW_INLINE bool flow_straight_last_cell(struct flow_csv *c, struct flow_csv_field *out,
                                           uint32_t others) {
  flow_row_cell(c, out);
  const char *p = out->data + out->length;
  if (FLOW_UNLIKELY(*p != '\n')) {
    p = flow_row_utf8(p, c->delimiter);
    out->length = (size_t)(p - out->data);
  }
  return flow_straight_end(c, p, others);
}

/* The same cells where nothing keeps them: stepped over, and checked all the same. */

FLOW_INLINE bool flow_straight_skip(struct flow_csv *c) {
  const char *p = c->cursor + flow_row_plain_bytes(c->cursor, c->delimiter);
  if (FLOW_UNLIKELY(*p != c->delimiter)) p = flow_row_utf8(p, c->delimiter);
  return flow_straight_more(c, p);
}

FLOW_INLINE bool flow_straight_skip_last(struct flow_csv *c, uint32_t others) {
  const char *p = flow_row_plain_end(c->cursor, c->delimiter);
  if (FLOW_UNLIKELY(*p != '\n')) p = flow_row_utf8(p, c->delimiter);
  return flow_straight_end(c, p, others);
}

/* Whether the int from `p` to `end`, in units of 1 s, 1 ms or 1 µs, has so few digits that it is a timestamp
 * whatever they are: of the year 5138 at most. */
static inline bool flow_time_is_short(const char *p, const char *end, int64_t unit_us) {
  return FLOW_LIKELY(end - p <= (unit_us == 1 ? 17 : unit_us == 1000 ? 14 : 11));
}

/* What follows is inlined into all ways. */

FLOW_INLINE enum flow_csv_next flow_row_field(struct flow_csv *c, struct flow_csv_field *out,
                                              bool is_plain) {
  return is_plain ? flow_csv_plain_field(c, out) : flow_csv_field(c, out);
}

/* A plain field lies in the block, whose padding can be read. */
FLOW_INLINE struct flow_str flow_row_str(const struct flow_csv_field *f, bool is_plain) {
#ifdef __SSE2__
  if (is_plain && FLOW_LIKELY(f->length <= FLOW_STR_INLINE)) {
    struct flow_str s;
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)f->data);
    text = _mm_and_si128(text, flow_json_window(f->length));
    text = _mm_or_si128(_mm_slli_si128(text, 4), _mm_cvtsi32_si128((int)f->length));
    _mm_storeu_si128((__m128i *)(void *)&s, text);
    return s;
  }
#endif
  (void)is_plain;
  return flow_csv_str(f);
}

FLOW_INLINE bool flow_row_int(struct flow_csv *c, const struct flow_csv_field *f, const char *name,
                              int64_t *out, bool is_plain) {
  if (!is_plain) return flow_csv_int(c, f, name, out);
  return flow_scan_int(f->data, out) == f->data + f->length;
}

FLOW_INLINE bool flow_row_float(struct flow_csv *c, const struct flow_csv_field *f,
                                const char *name, double *out, bool is_plain) {
  return is_plain ? flow_parse_float(f->data, f->length, out) == NULL
                  : flow_csv_float(c, f, name, out);
}

FLOW_INLINE bool flow_row_decimal(struct flow_csv *c, const struct flow_csv_field *f,
                                  const char *name, unsigned scale, int64_t *out, bool is_plain) {
  if (!is_plain) return flow_csv_decimal(c, f, name, scale, out);
  return flow_scan_decimal(f->data, scale, out) == f->data + f->length;
}

FLOW_INLINE bool flow_row_bool(struct flow_csv *c, const struct flow_csv_field *f, const char *name,
                               bool *out, bool is_plain) {
  return is_plain ? flow_parse_bool(f->data, f->length, out) == NULL
                  : flow_csv_bool(c, f, name, out);
}

FLOW_INLINE bool flow_row_timestamp(struct flow_csv *c, const struct flow_csv_field *f,
                                    const char *name, int64_t *out, bool is_plain) {
  return is_plain ? flow_parse_timestamp(f->data, f->length, out) == NULL
                  : flow_csv_timestamp(c, f, name, out);
}

FLOW_INLINE bool flow_row_timestamp_of_unit(struct flow_csv *c, const struct flow_csv_field *f,
                                            const char *name, int64_t unit_us, int64_t *out,
                                            bool is_plain) {
  if (!is_plain) return flow_csv_timestamp_of_unit(c, f, name, unit_us, out);
  int64_t value;
  return flow_row_int(c, f, name, &value, true) && flow_time_of_unit(value, unit_us, out);
}

FLOW_INLINE bool flow_row_duration(struct flow_csv *c, const struct flow_csv_field *f,
                                   const char *name, int64_t *out, bool is_plain) {
  return is_plain ? flow_parse_duration(f->data, f->length, out) == NULL
                  : flow_csv_duration(c, f, name, out);
}

/* The plain row was read to its end. */
static inline enum flow_parse flow_csv_done(struct flow_block *b, const struct flow_csv *csv) {
  b->cursor = csv->end;
  b->line++;
  return FLOW_PARSED;
}

/* Finds the next row that is not an empty line and starts with its first field; false: none is left.
 * A row that is not UTF-8 sets *is_bad, and b->bad says where. */
bool flow_csv_row(struct flow_worker *w, struct flow_block *b, char delimiter,
                  struct flow_line *line, struct flow_csv *csv, bool *is_bad);

/* "more fields than columns"; returns false. */
FLOW_COLD bool flow_csv_too_many(struct flow_csv *, const struct flow_csv_field *,
                                 uint32_t column_count);

/* "column `type`: `refund` is no Kind (order, payment)"; returns false. */
FLOW_COLD bool flow_csv_no_variant(struct flow_csv *, const struct flow_csv_field *,
                                   const char *name, const char *what);

/* -- writing through a pointer --------------------------------------------------------------- */

/* Generated printers keep the write position in `p` and b->length behind; these move it. */

/* `p`, moved with the buffer if there were not `more` bytes free at it. */
static inline char *flow_write_room(struct flow_buf *b, char *p, size_t more) {
  if (FLOW_LIKELY((size_t)(b->data + b->capacity - p) >= more)) return p;
  b->length = (size_t)(p - b->data);
  flow_buf_reserve_slow(b, more);
  return b->data + b->length;
}

static inline char *flow_write_fixed(char *p, const char *text, size_t length) {
  memcpy(p, text, length);
  return p + length;
}

/* Room for FLOW_INT_TEXT bytes at `p`. Small numbers are the usual ones. */
static inline char *flow_write_number(char *p, int64_t value) {
  if ((uint64_t)value < 10) {
    *p = (char)('0' + value);
    return p + 1;
  }
  return flow_write_int(p, value);
}

/* Room for 5 bytes at `p`. */
static inline char *flow_write_bool(char *p, bool value) {
  memcpy(p, value ? "true" : "fals", 4);
  p[4] = 'e';
  return p + 4 + !value;
}

char *flow_write_json_slow(struct flow_buf *b, char *p, const struct flow_str *s, size_t room);

/* Bytes at `p` that writing a short string may touch. */
#define FLOW_STR_ROOM 16

/* Writes the string's bytes as they stand between quotes in JSON; the opening quote lies before `p`.
 * Room for FLOW_STR_ROOM bytes and what is to follow at `p`; room for `room` bytes behind it where
 * the string is longer. */
static inline char *flow_write_json_str(struct flow_buf *b, char *p, const struct flow_str *s,
                                        size_t room) {
#ifdef __SSE2__
  if (FLOW_LIKELY(s->length <= FLOW_STR_INLINE)) {
    __m128i text = _mm_srli_si128(_mm_loadu_si128((const __m128i *)(const void *)s), 4);
    /* Flipping 0x02 moves `"` to 0x20 and keeps what is below that there: one comparison for both. */
    __m128i moved = _mm_xor_si128(text, _mm_set1_epi8(0x02));
    __m128i special = _mm_cmpeq_epi8(_mm_min_epu8(moved, _mm_set1_epi8(0x20)), moved);
    special = _mm_or_si128(special, _mm_cmpeq_epi8(text, _mm_set1_epi8('\\')));
    /* The bytes behind the text are 0, so there is always one. */
    uint32_t plain = (uint32_t)__builtin_ctz((unsigned)_mm_movemask_epi8(special));
    if (FLOW_LIKELY(plain == s->length)) {
      _mm_storeu_si128((__m128i *)(void *)p, text);
      return p + plain;
    }
  }
#endif
  return flow_write_json_slow(b, p, s, room);
}

char *flow_write_far(struct flow_buf *b, char *p, const struct flow_str *s, size_t room);
char *flow_write_csv_slow(struct flow_buf *b, char *p, const struct flow_str *s, char delimiter,
                          bool is_optional, size_t room);

/* Writes the string as a CSV field; room as above. Short ones whose bytes are all above the blank and
 * neither the delimiter nor a quote need no quotes. */
static inline char *flow_write_csv_str(struct flow_buf *b, char *p, const struct flow_str *s,
                                       char delimiter, bool is_optional, size_t room) {
#ifdef __SSE2__
  if (FLOW_LIKELY(s->length - 1 < FLOW_STR_INLINE)) {
    __m128i text = _mm_srli_si128(_mm_loadu_si128((const __m128i *)(const void *)s), 4);
    __m128i special = _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('"')),
                                   _mm_cmpeq_epi8(text, _mm_set1_epi8(delimiter)));
    /* As signed bytes, those outside of ASCII are small too; the bytes behind the text are 0. */
    special = _mm_or_si128(special, _mm_cmplt_epi8(text, _mm_set1_epi8(0x21)));
    if (FLOW_LIKELY((uint32_t)__builtin_ctz((unsigned)_mm_movemask_epi8(special)) == s->length)) {
      memcpy(p, s->bytes, FLOW_STR_INLINE);
      return p + s->length;
    }
  }
#endif
  return flow_write_csv_slow(b, p, s, delimiter, is_optional, room);
}

/* Writes the string as it is; room as above. */

static inline char *flow_write_str(struct flow_buf *b, char *p, const struct flow_str *s,
                                   size_t room) {
  if (FLOW_UNLIKELY(s->length > FLOW_STR_INLINE)) return flow_write_far(b, p, s, room);
  memcpy(p, s->bytes, FLOW_STR_INLINE);
  return p + s->length;
}

char *flow_write_timestamp(struct flow_buf *b, char *p, int64_t value, size_t room);
char *flow_write_duration(struct flow_buf *b, char *p, int64_t value, size_t room);

#endif
