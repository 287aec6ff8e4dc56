/* memmem(), whose time is linear whatever is searched. */
#define _GNU_SOURCE

#include "flow/text.h"

#include "flow/list.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* -- UTF-8 ----------------------------------------------------------------------------------- */

/* Looks at the sequence at p < end, which is not ASCII: returns the bytes of it that are right so
 * far, at least 1, and whether it is complete. */
static size_t utf8_look(const unsigned char *p, const unsigned char *end, bool *is_whole) {
  *is_whole = false;
  size_t length = p[0] >= 0xc2 && p[0] < 0xe0   ? 2
                  : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
                  : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                                : 0;
  if (length == 0 || end - p < 2) return 1;
  /* The second byte excludes overlong forms, surrogates and what is above U+10FFFF. */
  unsigned char least = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
  unsigned char most = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
  if (p[1] < least || p[1] > most) return 1;
  size_t n = 2;
  while (n < length && end - p > (ptrdiff_t)n && (p[n] & 0xc0) == 0x80) n++;
  *is_whole = n == length;
  return n;
}

size_t flow_utf8_sequence(const char *p, const char *end) {
  if (p >= end) return 0;
  if ((signed char)*p >= 0) return 1;
  bool is_whole;
  size_t n = utf8_look((const unsigned char *)p, (const unsigned char *)end, &is_whole);
  return is_whole ? n : 0;
}

size_t flow_utf8_valid(const char *data, size_t length) {
  const char *p = data, *end = data + length;
  for (;;) {
    while (end - p >= 16 && ((flow_load64(p) | flow_load64(p + 8)) & HIGH_BITS) == 0) p += 16;
    if (end - p >= 8 && (flow_load64(p) & HIGH_BITS) == 0) p += 8;
    while (p != end && (signed char)*p >= 0) p++;
    while (p != end && (signed char)*p < 0) { /* text that is not ASCII mostly goes on like that */
      size_t n = flow_utf8_sequence(p, end);
      if (n == 0) return (size_t)(p - data);
      p += n;
    }
    if (p == end) return length;
  }
}

char *flow_utf8_write(char *out, uint32_t code_point) {
  if (code_point < 0x80) {
    *out++ = (char)code_point;
    return out;
  }
  if (code_point < 0x800) {
    *out++ = (char)(0xc0 | code_point >> 6);
  } else {
    if (code_point < 0x10000) {
      *out++ = (char)(0xe0 | code_point >> 12);
    } else {
      *out++ = (char)(0xf0 | code_point >> 18);
      *out++ = (char)(0x80 | (code_point >> 12 & 0x3f));
    }
    *out++ = (char)(0x80 | (code_point >> 6 & 0x3f));
  }
  *out++ = (char)(0x80 | (code_point & 0x3f));
  return out;
}

void flow_print_lossy(struct flow_buf *b, const char *data, size_t length) {
  const char *end = data + length;
  while (data != end) {
    size_t valid = flow_utf8_valid(data, (size_t)(end - data));
    flow_buf_add(b, data, valid);
    data += valid;
    if (data == end) return;
    bool is_whole;
    data += utf8_look((const unsigned char *)data, (const unsigned char *)end, &is_whole);
    flow_buf_add_literal(b, "\xef\xbf\xbd");
  }
}

/* -- building -------------------------------------------------------------------------------- */

struct flow_str flow_text_concat(struct flow_mem *mem, const struct flow_str *a,
                                 const struct flow_str *b) {
  struct flow_str both[] = {*a, *b}, none = {0};
  return flow_text_join(mem, both, 2, &none);
}

/* -- printing -------------------------------------------------------------------------------- */

static bool needs_escape(char c) {
  return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

/* Writes an escape of up to 6 bytes. */
static char *write_escape(char *out, char c) {
  static const char shorts[] = "btnvfr"; /* from 8 on; JSON has no \v */
  static const char hex[] = "0123456789abcdef";
  *out++ = '\\';
  if (c == '"' || c == '\\') {
    *out++ = c;
  } else if (c >= '\b' && c <= '\r' && c != '\v') {
    *out++ = shorts[c - '\b'];
  } else {
    memcpy(out, "u00", 3);
    out[3] = hex[(unsigned char)c >> 4];
    out[4] = hex[c & 15];
    out += 5;
  }
  return out;
}

/* Copies 16 bytes and returns how many of them need no escape. */
static size_t copy_16(char *out, const char *p) {
#ifdef __SSE2__
  __m128i text = _mm_loadu_si128((const __m128i *)(const void *)p);
  _mm_storeu_si128((__m128i *)(void *)out, text);
  __m128i special = _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('"')),
                                 _mm_cmpeq_epi8(text, _mm_set1_epi8('\\')));
  __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(text, _mm_set1_epi8(0x1f)), text);
  special = _mm_or_si128(special, control);
  return (size_t)__builtin_ctz((unsigned)_mm_movemask_epi8(special) | 0x10000u);
#else
  size_t n = 0;
  memcpy(out, p, 16);
  while (n < 16 && !needs_escape(p[n])) n++;
  return n;
#endif
}

void flow_print_json_bytes(struct flow_buf *b, const char *data, size_t length) {
  const char *p = data, *end = data + length;
  flow_buf_reserve(b, length + 2);
  char *out = b->data + b->length;
  *out++ = '"';
  for (;;) {
    size_t plain = 0;
    while (end - p >= 16 && (plain = copy_16(out, p)) == 16) {
      p += 16;
      out += 16;
    }
    if (end - p >= 16) {
      p += plain;
      out += plain;
    } else {
      while (p != end && !needs_escape(*p)) *out++ = *p++;
    }
    if (p == end) break;
    b->length = (size_t)(out - b->data);
    flow_buf_reserve(b, (size_t)(end - p) + 6); /* an escape is up to 5 bytes longer */
    out = write_escape(b->data + b->length, *p++);
  }
  *out++ = '"';
  b->length = (size_t)(out - b->data);
}

/* -- functions of the language --------------------------------------------------------------- */

int64_t flow_text_len(const struct flow_str *s) {
  const char *p = flow_str_data(s), *end = p + s->length;
  int64_t count = s->length;
  for (; end - p >= 8; p += 8) { /* continuation bytes, 10xxxxxx, do not count */
    uint64_t word = flow_load64(p);
    count -= __builtin_popcountll(word & ~(word << 1) & HIGH_BITS);
  }
  for (; p != end; p++) count -= ((unsigned char)*p & 0xc0) == 0x80;
  return count;
}

/* The place `count` code points behind `p`, at most `end`. */
static const char *advance(const char *p, const char *end, int64_t count) {
  for (; count > 0 && p != end; count--) {
    p++;
    while (p != end && ((unsigned char)*p & 0xc0) == 0x80) p++;
  }
  return p;
}

struct flow_str flow_text_slice(const struct flow_str *s, int64_t from, int64_t to) {
  if (from < 0) from = 0;
  if (to <= from) return (struct flow_str){0};
  const char *data = flow_str_data(s), *end = data + s->length;
  const char *first = advance(data, end, from);
  return flow_str_make(first, (size_t)(advance(first, end, to - from) - first));
}

bool flow_text_contains(const struct flow_str *s, const struct flow_str *part) {
  return memmem(flow_str_data(s), s->length, flow_str_data(part), part->length) != NULL;
}

bool flow_text_starts_with(const struct flow_str *s, const struct flow_str *prefix) {
  return s->length >= prefix->length &&
         memcmp(flow_str_data(s), flow_str_data(prefix), prefix->length) == 0;
}

bool flow_text_ends_with(const struct flow_str *s, const struct flow_str *suffix) {
  return s->length >= suffix->length && memcmp(flow_str_data(s) + s->length - suffix->length,
                                               flow_str_data(suffix), suffix->length) == 0;
}

static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

struct flow_str flow_text_trim_start(const struct flow_str *s) {
  const char *p = flow_str_data(s), *end = p + s->length;
  while (p != end && is_space(*p)) p++;
  return flow_str_make(p, (size_t)(end - p));
}

struct flow_str flow_text_trim_end(const struct flow_str *s) {
  const char *p = flow_str_data(s), *end = p + s->length;
  while (p != end && is_space(end[-1])) end--;
  return flow_str_make(p, (size_t)(end - p));
}

struct flow_str flow_text_trim(const struct flow_str *s) {
  struct flow_str rest = flow_text_trim_end(s);
  return flow_text_trim_start(&rest);
}

int64_t flow_text_find(const struct flow_str *s, const struct flow_str *part) {
  const char *data = flow_str_data(s);
  const char *found = memmem(data, s->length, flow_str_data(part), part->length);
  if (found == NULL) return -1;
  struct flow_str before = flow_str_make(data, (size_t)(found - data));
  return flow_text_len(&before);
}

/* Whether one code point of the pattern, at *q, takes the one at *p; both go on behind it. */
static bool take_like(const char **p, const char *end, const char **q, const char *pattern_end) {
  bool is_any = **q == '_';
  if (**q == '\\' && *q + 1 != pattern_end) ++*q;
  const char *next = advance(*p, end, 1), *pattern_next = advance(*q, pattern_end, 1);
  size_t length = (size_t)(next - *p);
  bool is_same = length == (size_t)(pattern_next - *q) && memcmp(*p, *q, length) == 0;
  *p = next;
  *q = pattern_next;
  return is_any || is_same;
}

/* Only the last `%` has to be tried again: what an earlier one takes less, the last one can take more. */
bool flow_text_like(const struct flow_str *s, const struct flow_str *pattern) {
  const char *p = flow_str_data(s), *end = p + s->length;
  const char *q = flow_str_data(pattern), *pattern_end = q + pattern->length;
  const char *again = NULL, *again_pattern = NULL;
  while (p != end || q != pattern_end) {
    if (q != pattern_end && *q == '%') {
      again = p;
      again_pattern = ++q;
    } else if (p == end || q == pattern_end || !take_like(&p, end, &q, pattern_end)) {
      if (again == NULL || again == end) return false;
      p = again = advance(again, end, 1);
      q = again_pattern;
    }
  }
  return true;
}

/* Where the bytes of a new string of that length are written: those of a short one in `scratch`,
 * because it will hold them inline. */
static char *make_room(struct flow_mem *mem, size_t length, char scratch[FLOW_STR_INLINE]) {
  return length <= FLOW_STR_INLINE ? scratch : flow_mem_alloc(mem, length);
}

struct flow_str flow_text_reverse(struct flow_mem *mem, const struct flow_str *s) {
  char scratch[FLOW_STR_INLINE], *start = make_room(mem, s->length, scratch);
  char *out = start + s->length;
  const char *p = flow_str_data(s), *end = p + s->length;
  while (p != end) {
    const char *next = advance(p, end, 1);
    out -= next - p;
    memcpy(out, p, (size_t)(next - p));
    p = next;
  }
  return flow_str_make(start, s->length);
}

static bool is_unreserved(char c) {
  return (unsigned char)((c | 0x20) - 'a') < 26 || (unsigned char)(c - '0') < 10 || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

struct flow_str flow_text_url_encode(struct flow_mem *mem, const struct flow_str *s) {
  static const char hex[] = "0123456789ABCDEF";
  struct flow_buf b = flow_text_begin(mem);
  const char *data = flow_str_data(s);
  for (size_t i = 0; i < s->length; i++) {
    unsigned char byte = (unsigned char)data[i];
    char code[3] = {'%', hex[byte >> 4], hex[byte & 15]};
    bool is_plain = is_unreserved(data[i]);
    flow_buf_add(&b, is_plain ? data + i : code, is_plain ? 1 : sizeof code);
  }
  return flow_text_end(&b);
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  char letter = (char)(c | 0x20);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

const char *flow_text_url_decode(struct flow_mem *mem, const struct flow_str *s,
                                 struct flow_str *out) {
  struct flow_buf b = flow_text_begin(mem);
  const char *data = flow_str_data(s);
  for (size_t i = 0; i < s->length; i++) {
    char byte = data[i];
    if (byte == '%') {
      if (s->length - i < 3) return "there are two digits behind a `%`";
      int high = hex_value(data[i + 1]), low = hex_value(data[i + 2]);
      if (high < 0 || low < 0) return "there are two hexadecimal digits behind a `%`";
      byte = (char)(high << 4 | low);
      i += 2;
    }
    flow_buf_add_char(&b, byte);
  }
  *out = flow_text_end(&b);
  bool is_text = flow_utf8_valid(flow_str_data(out), out->length) == out->length;
  return is_text ? NULL : "this is not UTF-8";
}

/* Changes the letters from `first` to `first` + 25 into those of the other case. */
static struct flow_str change_case(struct flow_mem *mem, const struct flow_str *s, char first) {
  char scratch[FLOW_STR_INLINE], *out = make_room(mem, s->length, scratch);
  const char *data = flow_str_data(s);
  for (size_t i = 0; i < s->length; i++) {
    bool is_letter = (unsigned char)(data[i] - first) < 26;
    out[i] = (char)(data[i] ^ is_letter << 5);
  }
  return flow_str_make(out, s->length);
}

struct flow_str flow_text_lower(struct flow_mem *mem, const struct flow_str *s) {
  return change_case(mem, s, 'A');
}

struct flow_str flow_text_upper(struct flow_mem *mem, const struct flow_str *s) {
  return change_case(mem, s, 'a');
}

struct flow_str flow_text_replace(struct flow_mem *mem, const struct flow_str *s,
                                  const struct flow_str *what, const struct flow_str *with) {
  const char *p = flow_str_data(s), *end = p + s->length, *found;
  if (what->length == 0) return *s;
  struct flow_buf b = flow_text_begin(mem);
  while ((found = memmem(p, (size_t)(end - p), flow_str_data(what), what->length)) != NULL) {
    flow_buf_add(&b, p, (size_t)(found - p));
    flow_buf_add(&b, flow_str_data(with), with->length);
    p = found + what->length;
  }
  if (p == flow_str_data(s)) return *s;
  flow_buf_add(&b, p, (size_t)(end - p));
  return flow_text_end(&b);
}

static void append(struct flow_mem *mem, struct flow_str_list *out, const char *from,
                   const char *to) {
  if (out->length == out->capacity) {
    out->data = flow_list_grow(mem, out->data, out->length, &out->capacity, sizeof *out->data);
  }
  out->data[out->length++] = flow_str_make(from, (size_t)(to - from));
}

void flow_text_split(struct flow_mem *mem, const struct flow_str *s,
                     const struct flow_str *separator, struct flow_str_list *out) {
  const char *p = flow_str_data(s), *end = p + s->length, *found;
  *out = (struct flow_str_list){0};
  while ((found = memmem(p, (size_t)(end - p), flow_str_data(separator), separator->length)) !=
         NULL) {
    append(mem, out, p, found);
    p = found + separator->length;
  }
  append(mem, out, p, end);
}

void flow_text_chars(struct flow_mem *mem, const struct flow_str *s, struct flow_str_list *out) {
  const char *p = flow_str_data(s), *end = p + s->length;
  *out = (struct flow_str_list){0};
  while (p != end) {
    const char *next = advance(p, end, 1);
    append(mem, out, p, next);
    p = next;
  }
}

void flow_text_words(struct flow_mem *mem, const struct flow_str *s, struct flow_str_list *out) {
  const char *p = flow_str_data(s), *end = p + s->length;
  *out = (struct flow_str_list){0};
  for (;;) {
    while (p != end && is_space(*p)) p++;
    if (p == end) return;
    const char *first = p;
    while (p != end && !is_space(*p)) p++;
    append(mem, out, first, p);
  }
}

void flow_text_lines(struct flow_mem *mem, const struct flow_str *s, struct flow_str_list *out) {
  const char *p = flow_str_data(s), *end = p + s->length;
  *out = (struct flow_str_list){0};
  while (p != end) {
    const char *newline = memchr(p, '\n', (size_t)(end - p));
    const char *line_end = newline == NULL ? end : newline;
    const char *next = newline == NULL ? end : newline + 1;
    if (newline != NULL && line_end != p && line_end[-1] == '\r') line_end--;
    append(mem, out, p, line_end);
    p = next;
  }
}

struct flow_str flow_text_join(struct flow_mem *mem, const struct flow_str *data, uint32_t count,
                               const struct flow_str *separator) {
  uint64_t length = count > 1 ? (uint64_t)(count - 1) * separator->length : 0;
  for (uint32_t i = 0; i < count; i++) length += data[i].length;
  if (length > UINT32_MAX) flow_out_of_memory(length);
  char scratch[FLOW_STR_INLINE], *start = make_room(mem, length, scratch), *out = start;
  for (uint32_t i = 0; i < count; i++) {
    if (i > 0) {
      memcpy(out, flow_str_data(separator), separator->length);
      out += separator->length;
    }
    memcpy(out, flow_str_data(&data[i]), data[i].length);
    out += data[i].length;
  }
  return flow_str_make(start, length);
}
