/* JSON: the pieces from which the parser of a record type is generated.
 *
 * Input is one line: a record of JSON Lines. A struct flow_json walks over it. Every function takes
 * the cursor at the first byte of its token, leaves it behind the token, and returns false (or
 * FLOW_JSON_BAD) after writing into `bad` what is wrong and where; the caller then gives up the
 * record.
 *
 * What is accepted is RFC 8259 and nothing else, checked also in values that are skipped: UTF-8
 * without overlong forms, no lone surrogates, no raw control characters, no leading zeros, no NaN,
 * nesting up to FLOW_JSON_DEPTH. An int that does not fit and a float beyond its range are errors.
 *
 * Memory: a newline before `end`, or `end`, ends the record; `end` must be readable and hold a byte
 * that is not part of JSON (NUL), and FLOW_PADDING bytes behind it must be readable. Blanks are
 * space, tab and CR; a newline is never crossed. Strings without escapes borrow from the input,
 * others are decoded into `mem`.
 *
 *   if (!flow_json_begin_object(j, "an Event")) return false;
 *   enum flow_json_next next = flow_json_first_member(j);
 *   for (; next == FLOW_JSON_MORE; next = flow_json_next_member(j)) {
 *     if (flow_json_try_key(j, "order_id")) {                   the key that is expected next
 *       if (!flow_json_int(j, &out->f_order_id)) return flow_json_in_field(j, "order_id");
 *     } else {
 *       struct flow_str key;
 *       if (!flow_json_key(j, &key)) return false;
 *       if (flow_str_is(&key, "user_id", 7)) …
 *       else if (!flow_json_skip(j)) return false;              unknown fields are ignored
 *     }
 *   }
 *   if (next == FLOW_JSON_BAD) return false;
 *   if (!(seen & 1)) return flow_json_missing(j, "order_id");
 *   return flow_json_finish(j);                                 only behind the outermost value
 */
#ifndef FLOW_JSON_H
#define FLOW_JSON_H

#include "flow/abi.h"
#include "flow/number.h"
#include "flow/text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Arrays and objects inside each other, in values that are skipped. */
#define FLOW_JSON_DEPTH 512

struct flow_json {
  const char *cursor, *end;
  struct flow_mem *mem; /* decoded strings */
  struct flow_bad_record *bad;
};

enum flow_json_next { FLOW_JSON_BAD, FLOW_JSON_END, FLOW_JSON_MORE };

/* -- what is wrong --------------------------------------------------------------------------- */

/* "expected WHAT, found a string"; returns false. */
FLOW_COLD bool flow_json_expected(struct flow_json *, const char *what);

/* Puts "field `NAME`: " before the reason; fields in fields become `a.b`. Returns false. */
FLOW_COLD bool flow_json_in_field(struct flow_json *, const char *name);

/* "missing field `NAME`"; the cursor is behind the object. Returns false. */
FLOW_COLD bool flow_json_missing(struct flow_json *, const char *name);

/* -- structure ------------------------------------------------------------------------------- */

FLOW_COLD void flow_json_skip_blanks(struct flow_json *);

static inline void flow_json_blanks(struct flow_json *j) {
  if (FLOW_UNLIKELY((unsigned char)*j->cursor <= ' ')) flow_json_skip_blanks(j);
}

/* The byte at which the next value begins (after blanks): `"`, `{`, `[`, `-`, a digit, t, f or n if
 * it is well-formed. */
static inline char flow_json_peek(struct flow_json *j) {
  flow_json_blanks(j);
  return *j->cursor;
}

FLOW_COLD bool flow_json_no_object(struct flow_json *, const char *what);
FLOW_COLD bool flow_json_no_array(struct flow_json *, const char *what);

/* Blanks and `{`; `what` is named in the message: "expected `{`, the start of an Event". */
static inline bool flow_json_begin_object(struct flow_json *j, const char *what) {
  if (FLOW_UNLIKELY(flow_json_peek(j) != '{')) return flow_json_no_object(j, what);
  j->cursor++;
  return true;
}

static inline bool flow_json_begin_array(struct flow_json *j, const char *what) {
  if (FLOW_UNLIKELY(flow_json_peek(j) != '[')) return flow_json_no_array(j, what);
  j->cursor++;
  return true;
}

FLOW_COLD enum flow_json_next flow_json_bad_member(struct flow_json *, const char *expected);

/* Behind `{`: MORE with the cursor at the quote of the first key, or END behind the `}`. */
static inline enum flow_json_next flow_json_first_member(struct flow_json *j) {
  char c = flow_json_peek(j);
  if (FLOW_LIKELY(c == '"')) return FLOW_JSON_MORE;
  if (FLOW_UNLIKELY(c != '}')) return flow_json_bad_member(j, "a key in quotes or `}`");
  j->cursor++;
  return FLOW_JSON_END;
}

/* Behind a member's value: MORE with the cursor at the quote of the next key, or END behind `}`. */
static inline enum flow_json_next flow_json_next_member(struct flow_json *j) {
  char c = flow_json_peek(j);
  j->cursor++;
  if (FLOW_LIKELY(c == ',')) {
    if (FLOW_LIKELY(*j->cursor == ' ')) j->cursor++;
    if (FLOW_LIKELY(flow_json_peek(j) == '"')) return FLOW_JSON_MORE;
    return flow_json_bad_member(j, "a key in quotes");
  }
  if (FLOW_LIKELY(c == '}')) return FLOW_JSON_END;
  j->cursor--;
  return flow_json_bad_member(j, "`,` or `}`");
}

/* Behind `[`: MORE with the cursor at the first element, or END behind the `]`. */
static inline enum flow_json_next flow_json_first_element(struct flow_json *j) {
  if (FLOW_LIKELY(flow_json_peek(j) != ']')) return FLOW_JSON_MORE;
  j->cursor++;
  return FLOW_JSON_END;
}

/* Behind an element: MORE with the cursor at the next one, or END behind the `]`. */
static inline enum flow_json_next flow_json_next_element(struct flow_json *j) {
  char c = flow_json_peek(j);
  j->cursor++;
  if (FLOW_LIKELY(c == ',')) {
    flow_json_blanks(j);
    return FLOW_JSON_MORE;
  }
  if (FLOW_LIKELY(c == ']')) return FLOW_JSON_END;
  j->cursor--;
  return flow_json_bad_member(j, "`,` or `]`");
}

FLOW_COLD bool flow_json_trailing(struct flow_json *);

/* Behind the record's value: only blanks may follow, up to a newline or the end. */
static inline bool flow_json_finish(struct flow_json *j) {
  if (FLOW_LIKELY(*j->cursor == '\n')) return true;
  flow_json_blanks(j);
  return *j->cursor == '\n' || j->cursor >= j->end || flow_json_trailing(j);
}

/* -- strings and keys ------------------------------------------------------------------------ */

/* Goes on behind the `plain` bytes after the opening quote that are known to need no care. */
bool flow_json_string_slow(struct flow_json *, size_t plain, struct flow_str *out);

#ifdef __SSE2__
/* Sets the highest bit of each byte of `text` that is `"`, a control character or outside of ASCII. */
static inline __m128i flow_json_stops(__m128i text) {
  /* Flipping 0x02 moves `"` to 0x20 and keeps what is below that there. The subtraction saturates, so as
   * signed bytes these and those outside of ASCII get negative, and no other. */
  return _mm_subs_epi8(_mm_xor_si128(text, _mm_set1_epi8(0x02)), _mm_set1_epi8(0x21));
}

/* Behind `text`, the 16 bytes that follow an opening quote: how many stand for themselves, that is,
 * are neither `"`, `\`, a control character nor outside of ASCII. */
static inline size_t flow_json_plain_vector(__m128i text) {
  __m128i special = _mm_or_si128(flow_json_stops(text), _mm_cmpeq_epi8(text, _mm_set1_epi8('\\')));
  return (size_t)__builtin_ctz((unsigned)_mm_movemask_epi8(special) | 0x10000u);
}

/* Ones in the first `length` <= FLOW_STR_INLINE bytes, zeros behind them. */
static inline __m128i flow_json_window(size_t length) {
  static const unsigned char window[FLOW_STR_INLINE + 16] = {255, 255, 255, 255, 255, 255,
                                                             255, 255, 255, 255, 255, 255};
  const void *first = window + FLOW_STR_INLINE - length;
  return _mm_loadu_si128((const __m128i *)first);
}
#endif

/* The same for the bytes at `p`; at most 16 are looked at. */
static inline size_t flow_json_plain_bytes(const char *p) {
#ifdef __SSE2__
  return flow_json_plain_vector(_mm_loadu_si128((const __m128i *)(const void *)p));
#else
  size_t n = 0;
  while (n < 16 && (signed char)p[n] >= 0x20 && p[n] != '"' && p[n] != '\\') n++;
  return n;
#endif
}

FLOW_INLINE bool flow_json_string(struct flow_json *j, struct flow_str *out) {
  const char *p = j->cursor;
  if (FLOW_UNLIKELY(*p != '"')) return flow_json_expected(j, "a string");
#ifdef __SSE2__
  __m128i text = _mm_loadu_si128((const __m128i *)(const void *)(p + 1));
  size_t plain = flow_json_plain_vector(text);
  if (FLOW_UNLIKELY(p[1 + plain] != '"' || plain > FLOW_STR_INLINE)) {
    return flow_json_string_slow(j, plain, out);
  }
  text = _mm_and_si128(text, flow_json_window(plain));
  text = _mm_or_si128(_mm_slli_si128(text, 4), _mm_cvtsi32_si128((int)plain));
  _mm_storeu_si128((__m128i *)(void *)out, text);
#else
  size_t plain = flow_json_plain_bytes(p + 1);
  if (FLOW_UNLIKELY(p[1 + plain] != '"' || plain == 16))
    return flow_json_string_slow(j, plain, out);
  *out = flow_str_padded(p + 1, plain);
#endif
  j->cursor = p + plain + 2;
  return true;
}

/* True if the value at the cursor is a string that is spelled like this, both quotes included; the
 * cursor is then behind it. Otherwise nothing happens. */
static inline bool flow_json_try_text(struct flow_json *j, const char *quoted, size_t length) {
  if (length >= FLOW_PADDING && (size_t)(j->end - j->cursor) < length) return false;
  if (memcmp(j->cursor, quoted, length) != 0) return false;
  j->cursor += length;
  return true;
}

/* Behind a key: `:` and blanks. */
static inline bool flow_json_colon(struct flow_json *j) {
  if (FLOW_UNLIKELY(flow_json_peek(j) != ':')) return flow_json_expected(j, "`:`");
  j->cursor++;
  if (FLOW_LIKELY(*j->cursor == ' ')) j->cursor++;
  flow_json_blanks(j);
  return true;
}

/* Any key with its colon; the cursor is then at the value. */
static inline bool flow_json_key(struct flow_json *j, struct flow_str *key) {
  return flow_json_string(j, key) && flow_json_colon(j);
}

/* If the member at the cursor has the key whose JSON text, with its closing quote and a colon, is
 * these bytes: goes to the value and returns true. Otherwise nothing happens. The padding behind
 * the input covers short keys. */
static inline bool flow_json_try_quoted(struct flow_json *j, const char *quoted, size_t length) {
  const char *p = j->cursor + 1;
  if (length >= FLOW_PADDING && (size_t)(j->end - p) < length) return false;
  if (memcmp(p, quoted, length) != 0) return false;
  p += length;
  j->cursor = p + (*p == ' ');
  flow_json_blanks(j);
  return true;
}

/* The same for a key that is a C literal and has nothing to escape. */
#define flow_json_try_key(j, name) flow_json_try_quoted((j), name "\":", sizeof(name) + 1)

/* -- scalars --------------------------------------------------------------------------------- */

FLOW_COLD bool flow_json_bad_int(struct flow_json *);

bool flow_json_long_int(struct flow_json *, int64_t *out);

static inline bool flow_json_int(struct flow_json *j, int64_t *out) {
  bool is_negative = *j->cursor == '-';
  const char *digits = j->cursor + is_negative, *p = digits;
  uint64_t value;
  p += flow_scan_8_digits(p, &value);
  for (unsigned digit; FLOW_UNLIKELY((digit = (unsigned char)*p - '0') < 10); p++)
    value = value * 10 + digit;
  /* Up to 18 digits cannot overflow; no digits at all are more than that as well. */
  if (FLOW_UNLIKELY((size_t)(p - digits) - 1 >= 18)) return flow_json_long_int(j, out);
  if (FLOW_UNLIKELY((*digits == '0' && p - digits > 1) || *p == '.' || (*p | 0x20) == 'e')) {
    return flow_json_bad_int(j);
  }
  *out = is_negative ? -(int64_t)value : (int64_t)value;
  j->cursor = p;
  return true;
}

bool flow_json_float(struct flow_json *, double *out);
bool flow_json_bool(struct flow_json *, bool *out);

/* True if the value is `null`, and steps over it. */
static inline bool flow_json_try_null(struct flow_json *j) {
  if (FLOW_LIKELY(*j->cursor != 'n') || j->end - j->cursor < 4 ||
      memcmp(j->cursor, "null", 4) != 0) {
    return false;
  }
  j->cursor += 4;
  return true;
}

/* A string with an RFC 3339 timestamp; an int of `unit_us` microseconds since 1970; a string with a
 * duration such as "1h30m". */
bool flow_json_timestamp(struct flow_json *, int64_t *out);
bool flow_json_timestamp_of_unit(struct flow_json *, int64_t unit_us, int64_t *out);
bool flow_json_duration(struct flow_json *, int64_t *out);

/* Steps over any value, checking it. */
bool flow_json_skip(struct flow_json *);

#endif
