/* CSV (RFC 4180): where records end, fields of a record, the header, and printing.
 *
 * Records end at newlines outside of quotes, by the parity of the quotes before them; that is the
 * one rule for splitter and parser (semantics rule 42). Within a record a quote is right only at
 * the start of a field, doubled inside a quoted field, or at its end; any other one is a bad
 * record.
 *
 *   struct flow_csv c = {.delimiter = ',', .mem = w->arena, .bad = &block->bad};
 *   size_t consumed;
 *   uint64_t line_ends;
 *   size_t length = flow_csv_record(block->cursor, block->end, &consumed, &line_ends);
 *   if (!flow_csv_begin(&c, block->cursor, length)) …                      not UTF-8
 *   struct flow_csv_field field;
 *   enum flow_csv_next next;
 *   for (uint32_t column = 0; (next = flow_csv_field(&c, &field)) == FLOW_CSV_MORE; column++) {
 *     switch (column < block->column_count ? block->columns[column] : -1) {
 *       case 0: if (!flow_csv_int(&c, &field, "price", &out->f_price)) return false;
 *     }
 *   }
 */
#ifndef FLOW_CSV_H
#define FLOW_CSV_H

#include "flow/abi.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Columns of a header; a name index is an int16_t. */
#define FLOW_CSV_COLUMNS 4096

struct flow_csv {
  const char *cursor, *end; /* the rest of the record; null: all fields were read */
  char delimiter;
  struct flow_mem *mem; /* fields with doubled quotes */
  struct flow_bad_record *bad;
};

enum flow_csv_next { FLOW_CSV_BAD, FLOW_CSV_END, FLOW_CSV_MORE };

/* A field without its quotes. */
struct flow_csv_field {
  const char *data; /* in the record or in `mem`; 12 bytes behind the data are readable */
  size_t length;
  bool is_quoted; /* an unquoted empty field is `none` for T? */
  const char *at; /* its first byte in the record, for messages */
};

/* -- reading --------------------------------------------------------------------------------- */

/* Length of the record at `p` without its line end (LF or CR LF). *consumed gets the bytes with the
 * line end, *line_ends the newlines among them. A record without a line end reaches to `end`. */
size_t flow_csv_record(const char *p, const char *end, size_t *consumed, uint64_t *line_ends);

/* Starts with the first field of record[0 … length), behind which FLOW_PADDING bytes are readable;
 * false: it is not UTF-8. */
bool flow_csv_begin(struct flow_csv *, const char *record, size_t length);

enum flow_csv_next flow_csv_quoted_field(struct flow_csv *, struct flow_csv_field *out);
FLOW_COLD enum flow_csv_next flow_csv_stray_quote(struct flow_csv *, const char *at);

/* Bytes of [p, end) before the first `stop` or quote. Up to 15 bytes behind `end` are read. */
static inline size_t flow_csv_plain_bytes(const char *p, const char *end, char stop) {
  const char *first = p;
#ifdef __SSE2__
  for (; p < end; p += 16) {
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i special = _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('"')),
                                   _mm_cmpeq_epi8(text, _mm_set1_epi8(stop)));
    unsigned found = (unsigned)_mm_movemask_epi8(special);
    if (FLOW_UNLIKELY(found == 0)) continue;
    p += __builtin_ctz(found);
    break;
  }
  return (size_t)((p < end ? p : end) - first);
#else
  while (p != end && *p != stop && *p != '"') p++;
  return (size_t)(p - first);
#endif
}

/* Reads the next field. A record has one field more than it has delimiters. */
static inline enum flow_csv_next flow_csv_field(struct flow_csv *c, struct flow_csv_field *out) {
  const char *p = c->cursor, *end = c->end;
  if (FLOW_UNLIKELY(p == NULL)) return FLOW_CSV_END;
  if (p != end && *p == '"') return flow_csv_quoted_field(c, out);
  out->data = out->at = p;
  out->length = flow_csv_plain_bytes(p, end, c->delimiter);
  out->is_quoted = false;
  p += out->length;
  if (FLOW_UNLIKELY(p != end && *p == '"')) return flow_csv_stray_quote(c, p);
  c->cursor = p == end ? NULL : p + 1;
  return FLOW_CSV_MORE;
}

/* Whether the field stands for `none` where the type is T?. */
static inline bool flow_csv_is_none(const struct flow_csv_field *field) {
  return field->length == 0 && !field->is_quoted;
}

/* "column `NAME`: WHY"; returns false. */
FLOW_COLD bool flow_csv_bad(struct flow_csv *, const struct flow_csv_field *, const char *name,
                            const char *why);

/* "missing column `NAME`", for a record with too few fields; returns false. */
FLOW_COLD bool flow_csv_missing(struct flow_csv *, const char *name);

/* The field as a value; `name` is the column's, for the message. Numbers may have blanks around
 * them. */
bool flow_csv_int(struct flow_csv *, const struct flow_csv_field *, const char *name, int64_t *out);
bool flow_csv_float(struct flow_csv *, const struct flow_csv_field *, const char *name,
                    double *out);
bool flow_csv_decimal(struct flow_csv *, const struct flow_csv_field *, const char *name,
                      unsigned scale, int64_t *out);
bool flow_csv_bool(struct flow_csv *, const struct flow_csv_field *, const char *name, bool *out);
bool flow_csv_timestamp(struct flow_csv *, const struct flow_csv_field *, const char *name,
                        int64_t *out);
bool flow_csv_timestamp_of_unit(struct flow_csv *, const struct flow_csv_field *, const char *name,
                                int64_t unit_us, int64_t *out);
bool flow_csv_duration(struct flow_csv *, const struct flow_csv_field *, const char *name,
                       int64_t *out);

static inline struct flow_str flow_csv_str(const struct flow_csv_field *field) {
  return flow_str_padded(field->data, field->length);
}

/* -- the header ------------------------------------------------------------------------------ */

/* Finds the columns of the header record[0 … length) (a BOM before it is skipped): columns[i] gets
 * the index in names[0 … name_count) of the i-th column, or -1; of two columns with one name the
 * first counts. Returns the number of columns, at most FLOW_CSV_COLUMNS. Returns -1 after writing
 * the reason to `bad`: a required name is missing, too many columns, a stray quote, not UTF-8.
 * Padding as for flow_csv_begin(). */
int32_t flow_csv_bind(const char *record, size_t length, char delimiter, struct flow_mem *mem,
                      const char *const *names, const bool *is_required, uint32_t name_count,
                      int16_t columns[FLOW_CSV_COLUMNS], struct flow_bad_record *bad);

/* -- printing -------------------------------------------------------------------------------- */

/* Appends the text as a field: in quotes if it holds the delimiter, a quote or a line end, or
 * begins or ends with a blank. With `is_optional` an empty text is `""`, because nothing means
 * none. */
void flow_print_csv_str(struct flow_buf *, const struct flow_str *, char delimiter,
                        bool is_optional);

#endif
