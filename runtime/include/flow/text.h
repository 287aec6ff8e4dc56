/* Strings: UTF-8, and the functions of the language over strings.
 *
 * Every struct flow_str holds valid UTF-8, because sources check it; only the functions of the
 * first part look at bytes that may not be. Positions and lengths are in code points, out of range
 * ones are cut (language rule 20). Results borrow from their arguments where they are a part of
 * them, and lie in `mem` (the worker's arena) where they are new. Lower and upper case are those of
 * ASCII letters; other letters stay as they are.
 */
#ifndef FLOW_TEXT_H
#define FLOW_TEXT_H

#include "flow/value.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* -- UTF-8 ----------------------------------------------------------------------------------- */

/* Length of the longest valid prefix; == length if all of it is UTF-8 (no overlong forms,
 * surrogates or values above U+10FFFF). */
size_t flow_utf8_valid(const char *data, size_t length);

/* Bytes of the longest sequence. */
#define FLOW_UTF8_MAX 4

/* Bytes of the valid sequence at `p`, 0 if there is none before `end`. */
size_t flow_utf8_sequence(const char *p, const char *end);

/* Writes a code point (not a surrogate) as UTF-8, up to 4 bytes; returns the end. */
char *flow_utf8_write(char *out, uint32_t code_point);

/* Appends the text with U+FFFD for each part that is not UTF-8: one for a truncated sequence, else
   one a byte. */
void flow_print_lossy(struct flow_buf *, const char *data, size_t length);

/* -- building a string ----------------------------------------------------------------------- */

/* An f-string is printed into a buffer that grows in `mem`, and becomes a string of it:
 *
 *   struct flow_buf b = flow_text_begin(w->arena);
 *   flow_buf_add_literal(&b, "total: ");
 *   flow_print_int(&b, total);
 *   struct flow_str s = flow_text_end(&b);
 */
static inline struct flow_buf flow_text_begin(struct flow_mem *mem) {
  struct flow_buf b = {.mem = mem};
  /* An arena lends a piece of what it has left, so that a usual text needs no call. */
  enum { ROOM = 256 };
  if (FLOW_LIKELY(mem->end - mem->next >= ROOM)) {
    b.data = mem->next;
    b.capacity = ROOM;
    mem->next += ROOM;
    FLOW_UNPOISON(b.data, ROOM);
  }
  return b;
}

/* The buffer's bytes as a string; the buffer must not be used afterwards. Over 4 GiB the program
 * ends like one that is out of memory. */
static inline struct flow_str flow_text_end(struct flow_buf *b) {
  if (FLOW_UNLIKELY(b->length > UINT32_MAX)) flow_out_of_memory(b->length);
  struct flow_str s = flow_str_make(b->data, b->length);
  struct flow_mem *mem = b->mem;
  if (FLOW_LIKELY(b->data != NULL && b->data + b->capacity == mem->next)) { /* takes back the rest */
    size_t kept = b->length <= FLOW_STR_INLINE ? 0 : (b->length + 15) & ~(size_t)15;
    mem->next = b->data + kept;
    FLOW_POISON(b->data + kept, b->capacity - kept);
  }
  return s;
}

/* A ++ B. */
struct flow_str flow_text_concat(struct flow_mem *, const struct flow_str *,
                                 const struct flow_str *);

/* -- printing -------------------------------------------------------------------------------- */

/* Appends the string in quotes; `"`, `\` and control characters are escaped. */
void flow_print_json_bytes(struct flow_buf *, const char *data, size_t length);

static inline void flow_print_json_str(struct flow_buf *b, const struct flow_str *s) {
#ifdef __SSE2__
  if (FLOW_LIKELY(s->length <= FLOW_STR_INLINE)) {
    /* The whole string is one register: 4 bytes of length, then the bytes. */
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)s);
    __m128i special = _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('"')),
                                   _mm_cmpeq_epi8(text, _mm_set1_epi8('\\')));
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(text, _mm_set1_epi8(0x1f)), text);
    unsigned found = (unsigned)_mm_movemask_epi8(_mm_or_si128(special, control)) >> 4;
    if (FLOW_LIKELY((found & ((1u << s->length) - 1)) == 0)) {
      flow_buf_reserve(b, FLOW_STR_INLINE + 2);
      char *out = b->data + b->length;
      out[0] = '"';
      memcpy(out + 1, s->bytes, FLOW_STR_INLINE);
      out[1 + s->length] = '"';
      b->length += s->length + 2;
      return;
    }
  }
#endif
  flow_print_json_bytes(b, flow_str_data(s), s->length);
}

/* -- the language's functions ---------------------------------------------------------------- */

/* Code points. */
int64_t flow_text_len(const struct flow_str *);

/* The code points from `from` up to and without `to`; borrows from `s`. */
struct flow_str flow_text_slice(const struct flow_str *s, int64_t from, int64_t to);

bool flow_text_contains(const struct flow_str *, const struct flow_str *part);
bool flow_text_starts_with(const struct flow_str *, const struct flow_str *prefix);
bool flow_text_ends_with(const struct flow_str *, const struct flow_str *suffix);

/* Without white space (blank, \t \n \v \f \r) at both ends, at the start, at the end; borrows. */
struct flow_str flow_text_trim(const struct flow_str *);
struct flow_str flow_text_trim_start(const struct flow_str *);
struct flow_str flow_text_trim_end(const struct flow_str *);

/* Code points before the first occurrence of `part`; -1: there is none. */
int64_t flow_text_find(const struct flow_str *, const struct flow_str *part);

/* Whether the whole string is as the pattern says, as in SQL: `%` is any text, `_` any code point, and
 * `\` takes the next one as it is. */
bool flow_text_like(const struct flow_str *, const struct flow_str *pattern);

/* The code points from last to first. */
struct flow_str flow_text_reverse(struct flow_mem *, const struct flow_str *);

/* Percent-encoding, as for a part of a URL: letters, digits and - . _ ~ stay. Decoding leaves `+` as it
 * is; it returns null and sets *out, or returns what is wrong. */
struct flow_str flow_text_url_encode(struct flow_mem *, const struct flow_str *);
const char *flow_text_url_decode(struct flow_mem *, const struct flow_str *, struct flow_str *out);

struct flow_str flow_text_lower(struct flow_mem *, const struct flow_str *);
struct flow_str flow_text_upper(struct flow_mem *, const struct flow_str *);

/* Every occurrence of `what`, from the left, replaced; an empty `what` occurs nowhere. */
struct flow_str flow_text_replace(struct flow_mem *, const struct flow_str *,
                                  const struct flow_str *what, const struct flow_str *with);

/* A list[string]; generated code has a type of its own with this layout. */
struct flow_str_list {
  struct flow_str *data;
  uint32_t length, capacity;
};

/* The parts between separators, one more than there are separators; `separator` is not empty. */
void flow_text_split(struct flow_mem *, const struct flow_str *, const struct flow_str *separator,
                     struct flow_str_list *out);
/* A string for each code point. */
void flow_text_chars(struct flow_mem *, const struct flow_str *, struct flow_str_list *out);
/* The longest parts without white space; none of an empty text. */
void flow_text_words(struct flow_mem *, const struct flow_str *, struct flow_str_list *out);
/* The lines without their \n or \r\n; a line end at the end of the text begins no further line. */
void flow_text_lines(struct flow_mem *, const struct flow_str *, struct flow_str_list *out);
/* The strings one behind the other with `separator` between them. */
struct flow_str flow_text_join(struct flow_mem *, const struct flow_str *data, uint32_t count,
                               const struct flow_str *separator);

#endif
