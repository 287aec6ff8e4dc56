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
 *     struct flow_str key;
 *     if (!flow_json_key(j, &key)) return false;
 *     if (flow_str_is(&key, "order_id", 8)) {
 *       if (!flow_json_int(j, &out->f_order_id)) return flow_json_in_field(j, "order_id");
 *     } else if (!flow_json_skip(j)) {                              unknown fields are ignored
 *       return false;
 *     }
 *   }
 *   if (next == FLOW_JSON_BAD) return false;
 *   if (!(seen & 1)) return flow_json_missing(j, "order_id");
 *   return flow_json_finish(j);                                     only behind the outermost value
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
  struct flow_guess *guesses; /* of the block */
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

/* Goes on behind the `plain` bytes after the opening quote that are known to need no care; if there is no
 * quote, behind blanks. */
bool flow_json_string_slow(struct flow_json *, size_t plain, struct flow_str *out);

#ifdef __SSE2__
/* Sets the highest bit of each byte of `text` that is `"`, a control character or outside of ASCII. */
static inline __m128i flow_json_stops(__m128i text) {
  /* Flipping 0x02 moves `"` to 0x20 and keeps what is below that there. The subtraction saturates, so as
   * signed bytes these and those outside of ASCII get negative, and no other. */
  return _mm_subs_epi8(_mm_xor_si128(text, _mm_set1_epi8(0x02)), _mm_set1_epi8(0x21));
}

/* A bit for each of 16 bytes of a string that does not stand for itself: `"`, `\`, a control character, or
 * outside of ASCII. */
static inline unsigned flow_json_special(__m128i text) {
  __m128i special = _mm_or_si128(flow_json_stops(text), _mm_cmpeq_epi8(text, _mm_set1_epi8('\\')));
  return (unsigned)_mm_movemask_epi8(special);
}

/* How many of the 16 bytes behind an opening quote come before the first of those. */
static inline size_t flow_json_plain_vector(__m128i text) {
  return (size_t)__builtin_ctz(flow_json_special(text) | 0x10000u);
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
#ifdef __SSE2__
  __m128i text = _mm_loadu_si128((const __m128i *)(const void *)(p + 1));
  size_t plain = flow_json_plain_vector(text);
  if (FLOW_UNLIKELY(*p != '"' || p[1 + plain] != '"' || plain > FLOW_STR_INLINE)) {
    return flow_json_string_slow(j, plain, out);
  }
  text = _mm_and_si128(text, flow_json_window(plain));
  text = _mm_or_si128(_mm_slli_si128(text, 4), _mm_cvtsi32_si128((int)plain));
  _mm_storeu_si128((__m128i *)(void *)out, text);
#else
  size_t plain = flow_json_plain_bytes(p + 1);
  if (FLOW_UNLIKELY(*p != '"' || p[1 + plain] != '"' || plain == 16))
    return flow_json_string_slow(j, plain, out);
  *out = flow_str_padded(p + 1, plain);
#endif
  j->cursor = p + plain + 2;
  return true;
}

/* Whether this text stands at `p`, which lies in the record. */
static inline bool flow_json_is_text(const struct flow_json *j, const char *p, const char *text,
                                     size_t length) {
  if (length >= FLOW_PADDING && (size_t)(j->end - p) < length) return false;
  return memcmp(p, text, length) == 0;
}

/* True if the value at the cursor is a string that is spelled like this, both quotes included; the
 * cursor is then behind it. Otherwise nothing happens. */
static inline bool flow_json_try_text(struct flow_json *j, const char *quoted, size_t length) {
  if (!flow_json_is_text(j, j->cursor, quoted, length)) return false;
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

/* -- tags -------------------------------------------------------------------------------------- */

bool flow_json_tag_slow(struct flow_json *, const char *name, const char *what);

/* The cursor is at an object, which messages call `what`: goes to the value of its first member with the
 * key `name`, past all others. `quoted` is how that key is usually spelled, `"type":`, as the first one. */
static inline bool flow_json_tag(struct flow_json *j, const char *quoted, size_t length,
                                 const char *name, const char *what) {
  const char *p = j->cursor;
  if (FLOW_UNLIKELY(*p++ != '{' || !flow_json_is_text(j, p, quoted, length)))
    return flow_json_tag_slow(j, name, what);
  j->cursor = p + length + (p[length] == ' ');
  flow_json_blanks(j);
  return true;
}

/* -- members in the order of the record before ----------------------------------------------- */

/* Records of one source mostly have the same keys in the same order, spelled in the same way. So what
 * stands between two values is compared with what stood there the last time, which is right for the same
 * reason as then: the key, its colon, comma and blanks are checked once. Where it is something else, the
 * member is read and looked up, and takes the guess's place. Guesses never change what is accepted. */

#ifdef __SSE2__
/* A bit for each of 16 bytes that is the same at `a` and `b`. */
static inline unsigned flow_json_same(const char *a, const char *b) {
  __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)a),
                                _mm_loadu_si128((const __m128i *)(const void *)b));
  return (unsigned)_mm_movemask_epi8(same);
}
#endif

/* Where the text at the cursor is what the guess says: goes behind it, and returns which value is next.
 * Otherwise nothing happens, and it returns 0. Blanks may come before the value. */
static inline uint32_t flow_json_follow(struct flow_json *j, const struct flow_guess *guess) {
  const char *p = j->cursor;
#ifdef __SSE2__
  if (FLOW_UNLIKELY((flow_json_same(p, guess->text) | guess->unused) != 0xffff)) return 0;
  if (guess->length > 16) { /* the last 16 bytes, of which the first ones are compared again */
    size_t rest = guess->length - 16u;
    if (FLOW_UNLIKELY(flow_json_same(p + rest, guess->text + rest) != 0xffff)) return 0;
  }
#else
  if (memcmp(p, guess->text, guess->length) != 0) return 0;
#endif
  j->cursor = p + guess->length;
  return guess->next;
}

enum flow_json_next flow_json_member_slow(struct flow_json *, const char *what,
                                          struct flow_str *decoded, const char **name,
                                          size_t *length);

/* Reads the next member's key and colon; the cursor is then at its value, before which blanks may come. The
 * key's text may lie in `decoded`. END and BAD as of flow_json_next_member(). With `what` not null, the
 * cursor is at an object, which messages call that, and not behind a value of it. */
static inline enum flow_json_next flow_json_member(struct flow_json *j, const char *what,
                                                   struct flow_str *decoded, const char **name,
                                                   size_t *length) {
  const char *p = j->cursor;
  if (FLOW_LIKELY(*p == (what != NULL ? '{' : ','))) {
    p += 1 + (p[1] == ' ');
    size_t plain = flow_json_plain_bytes(p + 1);
    const char *end = p + 1 + plain;
    if (FLOW_LIKELY(*p == '"' && plain < 16 && end[0] == '"' && end[1] == ':')) {
      *name = p + 1;
      *length = plain;
      j->cursor = end + 2 + (end[2] == ' ');
      return FLOW_JSON_MORE;
    }
  } else if (what == NULL && *p == '}') {
    j->cursor = p + 1;
    return FLOW_JSON_END;
  }
  const char *slow_name;
  size_t slow_length;
  enum flow_json_next next = flow_json_member_slow(j, what, decoded, &slow_name, &slow_length);
  *name = slow_name;
  *length = slow_length;
  return next;
}

/* Where the order is another one in each record, guesses cost more than they save. So the first guess of a
 * record's type, which stands for no value and is never learned, counts records that were mostly guessed
 * wrong; after FLOW_JSON_DOUBTS of them nothing is learned for a while. In records with fewer than
 * FLOW_JSON_WRONG wrong guesses a guess is right by chance often enough. */
#define FLOW_JSON_DOUBTS 16
#define FLOW_JSON_WRONG  8

static inline bool flow_json_learns(const struct flow_guess *guesses) {
  return (unsigned char)guesses[0].text[0] < FLOW_JSON_DOUBTS;
}

/* To be called behind a record with so many members and FLOW_JSON_WRONG or more wrong guesses. */
void flow_json_doubt(struct flow_guess *guesses, uint32_t guess_count, uint32_t members,
                     uint32_t wrong);

/* The text from `from` to the cursor came before the value `next`. */
static inline void flow_json_learn(const struct flow_json *j, struct flow_guess *guess,
                                   const char *from, uint32_t next) {
  size_t length = (size_t)(j->cursor - from);
  if (FLOW_UNLIKELY(length > FLOW_GUESS_TEXT)) { /* too long to be remembered */
    guess->length = guess->next = 0;
    return;
  }
  memcpy(guess->text, from, FLOW_GUESS_TEXT);
  guess->unused = (uint16_t)(length < 16 ? 0xffffu << length : 0);
  guess->length = (uint8_t)length;
  guess->next = (uint8_t)next;
}

/* -- scalars --------------------------------------------------------------------------------- */

bool flow_json_int_slow(struct flow_json *, int64_t *out);

/* Whether the digits from `p` to `end` are all of an int: the usual one has no sign. */
static inline bool flow_json_is_plain_int(const char *p, const char *end) {
  return (*end == ',' || *end == '}') && (*p != '0' || end - p == 1);
}

static inline bool flow_json_int(struct flow_json *j, int64_t *out) {
  uint64_t value;
  const char *p = j->cursor, *end = flow_scan_15_digits(p, &value);
  if (FLOW_UNLIKELY(end == NULL || !flow_json_is_plain_int(p, end)))
    return flow_json_int_slow(j, out);
  *out = (int64_t)value;
  j->cursor = end;
  return true;
}

bool flow_json_float(struct flow_json *, double *out);

FLOW_COLD bool flow_json_bad_bool(struct flow_json *);

static inline bool flow_json_bool(struct flow_json *j, bool *out) {
  const char *p = j->cursor;
  bool is_true = memcmp(p, "true", 4) == 0;
  *out = is_true;
  if (FLOW_UNLIKELY(!is_true && memcmp(p, "false", 5) != 0)) return flow_json_bad_bool(j);
  j->cursor = p + 5 - is_true;
  return true;
}

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

/* Step over any value, a string, an int or a float, checking it. */

bool flow_json_skip_slow(struct flow_json *);
bool flow_json_skip_string_slow(struct flow_json *, const char *p);
bool flow_json_skip_float(struct flow_json *);

/* Goes on in a string at `p`, up to its end. */
static inline bool flow_json_skip_rest(struct flow_json *j, const char *p) {
#ifdef __SSE2__
  unsigned found;
  while ((found = flow_json_special(_mm_loadu_si128((const __m128i *)(const void *)p))) == 0) p += 16;
  p += __builtin_ctz(found);
#else
  size_t plain;
  while ((plain = flow_json_plain_bytes(p)) == 16) p += 16;
  p += plain;
#endif
  if (FLOW_UNLIKELY(*p != '"')) return flow_json_skip_string_slow(j, p);
  j->cursor = p + 1;
  return true;
}

static inline bool flow_json_skip(struct flow_json *j) {
  const char *p = j->cursor;
  return *p == '"' ? flow_json_skip_rest(j, p + 1) : flow_json_skip_slow(j);
}

static inline bool flow_json_skip_string(struct flow_json *j) {
  const char *p = j->cursor;
  return FLOW_LIKELY(*p == '"') ? flow_json_skip_rest(j, p + 1) : flow_json_skip_string_slow(j, p);
}

static inline bool flow_json_skip_int(struct flow_json *j) {
  const char *p = j->cursor, *end = p + flow_count_8_digits(p);
  int64_t value;
  if (FLOW_UNLIKELY(end == p || !flow_json_is_plain_int(p, end))) return flow_json_int_slow(j, &value);
  j->cursor = end;
  return true;
}

#endif
