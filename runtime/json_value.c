#include "flow/json_value.h"

#include "flow/list.h"

#include <stdlib.h>

/* -- walking over canonical text ------------------------------------------------------------- */

/* Goes over bytes of a string that stand for themselves, 16 at a time as long as so many are left; what
 * it stops at may be one of them as well. */
static const char *over_plain(const char *p, const char *end) {
  size_t plain = 16;
  while (plain == 16 && end - p >= 16) p += plain = flow_json_plain_bytes(p);
  return p;
}

/* Behind the string at `p`, which ends before `end`. */
static const char *string_end(const char *p, const char *end) {
  for (p = over_plain(p + 1, end); *p != '"'; p = over_plain(p, end)) p += 1 + (*p == '\\');
  return p + 1;
}

/* The next quote or bracket at `p` or behind it. */
static const char *next_mark(const char *p, const char *end) {
#ifdef __SSE2__
  for (; end - p >= 16; p += 16) {
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i low = _mm_or_si128(text, _mm_set1_epi8(0x20)); /* makes braces of brackets */
    __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('"')),
                                 _mm_or_si128(_mm_cmpeq_epi8(low, _mm_set1_epi8('{')),
                                              _mm_cmpeq_epi8(low, _mm_set1_epi8('}'))));
    unsigned found = (unsigned)_mm_movemask_epi8(marks);
    if (found != 0) return p + __builtin_ctz(found);
  }
#endif
  while (p != end && *p != '"' && (*p | 0x20) != '{' && (*p | 0x20) != '}') p++;
  return p;
}

/* Behind the value at `p`, which ends before `end` or at it. */
static const char *value_end(const char *p, const char *end) {
  if (*p == '"') return string_end(p, end);
  if (*p != '{' && *p != '[') {
    while (p != end && *p != ',' && *p != ']' && *p != '}') p++;
    return p;
  }
  for (uint32_t depth = 0;;) {
    p = next_mark(p, end);
    if (*p == '"') {
      p = string_end(p, end);
      continue;
    }
    depth += (*p | 0x20) == '{' ? 1 : UINT32_MAX;
    p++;
    if (depth == 0) return p;
  }
}

/* The first member or element of a value that begins with `bracket`; null: there is none, or it is
 * another value. */
static const char *first_part(const struct flow_str *v, char bracket, const char **end) {
  const char *p = flow_str_data(v);
  *end = p + v->length;
  return *p == bracket && v->length > 2 ? p + 1 : NULL;
}

/* Behind the part that ends at `p`: the next one, or null. */
static const char *next_part(const char *p) {
  return *p == ',' ? p + 2 : NULL;
}

/* A member: where its key and its value are. */
struct member {
  const char *key, *value;
  uint32_t key_length, value_length;
};

/* Takes the member at `p` apart and returns the next one, or null. */
static const char *take_member(const char *p, const char *end, struct member *member) {
  const char *key_end = string_end(p, end), *stop = value_end(key_end + 2, end);
  *member = (struct member){p, key_end + 2, (uint32_t)(key_end - p), (uint32_t)(stop - key_end - 2)};
  return next_part(stop);
}

/* -- checking -------------------------------------------------------------------------------- */

static bool is_digit(char c) {
  return (unsigned char)(c - '0') < 10;
}

static const char *check_digits(const char *p, const char *end) {
  const char *first = p;
  while (p != end && is_digit(*p)) p++;
  return p == first ? NULL : p;
}

static const char *check_number(const char *p, const char *end) {
  p += *p == '-';
  if (p == end) return NULL;
  if (*p == '0') p++;
  else if ((p = check_digits(p, end)) == NULL) return NULL;
  if (p != end && *p == '.' && (p = check_digits(p + 1, end)) == NULL) return NULL;
  if (p == end || (*p | 0x20) != 'e') return p;
  p++;
  if (p != end && (*p == '-' || *p == '+')) p++;
  return check_digits(p, end);
}

/* Behind the escape at `p`, which must be the one that flow_print_json_bytes() writes. */
static const char *check_escape(const char *p, const char *end) {
  if (end - p >= 2 && strchr("\"\\btnfr", p[1]) != NULL && p[1] != '\0') return p + 2;
  if (end - p < 6 || memcmp(p, "\\u00", 4) != 0 || (p[4] != '0' && p[4] != '1')) return NULL;
  const char *hex = "0123456789abcdef", *digit = p[5] == '\0' ? NULL : strchr(hex, p[5]);
  if (digit == NULL) return NULL;
  unsigned byte = (unsigned)(p[4] - '0') * 16 + (unsigned)(digit - hex);
  bool has_short = byte >= '\b' && byte <= '\r' && byte != '\v';
  return has_short ? NULL : p + 6;
}

static const char *check_string(const char *p, const char *end) {
  if (p == end || *p != '"') return NULL;
  for (p = over_plain(p + 1, end); p != end && *p != '"'; p = over_plain(p, end)) {
    if ((unsigned char)*p < 0x20) return NULL;
    p = *p == '\\' ? check_escape(p, end) : p + 1;
    if (p == NULL) return NULL;
  }
  return p == end ? NULL : p + 1;
}

static const char *check_word(const char *p, const char *end, const char *word, size_t length) {
  return (size_t)(end - p) >= length && memcmp(p, word, length) == 0 ? p + length : NULL;
}

static const char *check_value(const char *p, const char *end, uint32_t depth);

static const char *check_nested(const char *p, const char *end, uint32_t depth) {
  bool is_object = *p == '{';
  char closing = is_object ? '}' : ']';
  if (depth == FLOW_JSON_DEPTH || ++p == end) return NULL;
  if (*p == closing) return p + 1;
  for (;;) {
    if (is_object) {
      p = check_string(p, end);
      if (p == NULL || (p = check_word(p, end, ": ", 2)) == NULL) return NULL;
    }
    p = check_value(p, end, depth + 1);
    if (p == NULL || p == end) return NULL;
    if (*p == closing) return p + 1;
    p = check_word(p, end, ", ", 2);
    if (p == NULL) return NULL;
  }
}

/* Behind the value at `p`, or null: it is not in canonical form. That it is UTF-8 is known. */
static const char *check_value(const char *p, const char *end, uint32_t depth) {
  if (p == end) return NULL;
  switch (*p) {
  case '"': return check_string(p, end);
  case '{':
  case '[': return check_nested(p, end, depth);
  case 't': return check_word(p, end, "true", 4);
  case 'f': return check_word(p, end, "false", 5);
  case 'n': return check_word(p, end, "null", 4);
  default: return check_number(p, end);
  }
}

bool flow_json_value_check(const char *data, size_t length) {
  const char *end = data + length;
  return flow_utf8_valid(data, length) == length && check_value(data, end, 0) == end;
}

/* -- reading --------------------------------------------------------------------------------- */

/* Whether a value that has been read has the canonical form and no escapes: then its blanks are all that
 * is left to look at. */
static bool is_canonical(const char *p, const char *end) {
  while (p != end) {
    if (*p == '"') {
      for (p = over_plain(p + 1, end); *p != '"'; p = over_plain(p + 1, end))
        if (*p == '\\') return false;
      p++;
    } else if (*p == ',' || *p == ':') {
      if (p[1] != ' ' || (unsigned char)p[2] <= ' ') return false;
      p += 2;
    } else if ((unsigned char)*p <= ' ') {
      return false;
    } else {
      p++;
    }
  }
  return true;
}

/* Prints the value in [p, end), which has been read, in canonical form. */
static struct flow_str canonical(struct flow_json *j, const char *p, const char *end) {
  struct flow_buf out = flow_text_begin(j->mem);
  struct flow_json inner = *j;
  for (; p != end; p++) {
    switch (*p) {
    case ' ':
    case '\t':
    case '\r': break;
    case ',': flow_buf_add_literal(&out, ", "); break;
    case ':': flow_buf_add_literal(&out, ": "); break;
    case '"': {
      struct flow_str text;
      inner.cursor = p;
      flow_json_string(&inner, &text);
      flow_print_json_bytes(&out, flow_str_data(&text), text.length);
      p = inner.cursor - 1;
      break;
    }
    default: flow_buf_add_char(&out, *p);
    }
  }
  return flow_text_end(&out);
}

bool flow_json_value(struct flow_json *j, struct flow_str *out) {
  flow_json_blanks(j);
  const char *p = j->cursor;
  if (!flow_json_skip(j)) return false;
  *out = is_canonical(p, j->cursor) ? flow_str_padded(p, (size_t)(j->cursor - p))
                                    : canonical(j, p, j->cursor);
  return true;
}

/* -- parts ----------------------------------------------------------------------------------- */

static bool part(const char *p, size_t length, struct flow_str *out) {
  if (length == 4 && *p == 'n') return false;
  *out = flow_str_make(p, length);
  return true;
}

bool flow_json_value_member(const struct flow_str *v, const char *quoted, size_t length,
                            struct flow_str *out) {
  const char *end, *p = first_part(v, '{', &end);
  struct member member, found = {0};
  while (p != NULL) {
    p = take_member(p, end, &member);
    if (member.key_length == length && memcmp(member.key, quoted, length) == 0) found = member;
  }
  return found.value != NULL && part(found.value, found.value_length, out);
}

bool flow_json_value_named(struct flow_mem *mem, const struct flow_str *v,
                           const struct flow_str *key, struct flow_str *out) {
  struct flow_buf quoted = flow_text_begin(mem);
  flow_print_json_bytes(&quoted, flow_str_data(key), key->length);
  struct flow_str text = flow_text_end(&quoted);
  return flow_json_value_member(v, flow_str_data(&text), text.length, out);
}

bool flow_json_value_element(const struct flow_str *v, int64_t index, struct flow_str *out) {
  const char *end, *p = first_part(v, '[', &end);
  for (; p != NULL && index >= 0; index--) {
    const char *stop = value_end(p, end);
    if (index == 0) return part(p, (size_t)(stop - p), out);
    p = next_part(stop);
  }
  return false;
}

/* -- conversions ----------------------------------------------------------------------------- */

/* Whether it is a number; then *text are its bytes. */
static bool number_text(const struct flow_str *v, const char **text) {
  *text = flow_str_data(v);
  return **text == '-' || is_digit(**text);
}

bool flow_json_value_int(const struct flow_str *v, int64_t *out) {
  const char *text;
  return number_text(v, &text) && flow_parse_int(text, v->length, out) == NULL;
}

bool flow_json_value_float(const struct flow_str *v, double *out) {
  const char *text;
  return number_text(v, &text) && flow_float_of_token(text, v->length, out);
}

bool flow_json_value_decimal(const struct flow_str *v, unsigned scale, int64_t *out) {
  const char *text;
  return number_text(v, &text) && flow_decimal_of_token(text, v->length, scale, out) == NULL;
}

bool flow_json_value_bool(const struct flow_str *v, bool *out) {
  *out = flow_str_is(v, "true", 4);
  return *out || flow_str_is(v, "false", 5);
}

static char unescaped(char c) {
  switch (c) {
  case 'b': return '\b';
  case 't': return '\t';
  case 'n': return '\n';
  case 'f': return '\f';
  case 'r': return '\r';
  default: return c;
  }
}

/* Writes the text between the quotes at both ends of [p, end), which is never longer; returns its end. */
static char *write_text(char *to, const char *p, const char *end) {
  for (p++, end--; p != end;) {
    if (*p != '\\') {
      *to++ = *p++;
    } else if (p[1] != 'u') {
      *to++ = unescaped(p[1]);
      p += 2;
    } else { /* \u00XX, of a control character */
      *to++ = (char)((p[4] - '0') * 16 + (p[5] <= '9' ? p[5] - '0' : p[5] - 'a' + 10));
      p += 6;
    }
  }
  return to;
}

static struct flow_str text_between(struct flow_mem *mem, const char *p, const char *end) {
  size_t length = (size_t)(end - p) - 2;
  if (memchr(p, '\\', length + 2) == NULL) return flow_str_make(p + 1, length);
  char *text = flow_mem_alloc(mem, length);
  return flow_str_make(text, (size_t)(write_text(text, p, end) - text));
}

bool flow_json_value_string(struct flow_mem *mem, const struct flow_str *v, struct flow_str *out) {
  const char *p = flow_str_data(v);
  if (*p != '"') return false;
  *out = text_between(mem, p, p + v->length);
  return true;
}

bool flow_json_value_elements(struct flow_mem *mem, const struct flow_str *v,
                              struct flow_str_list *out) {
  *out = (struct flow_str_list){0};
  if (flow_str_data(v)[0] != '[') return false;
  const char *end, *p = first_part(v, '[', &end);
  while (p != NULL) {
    const char *stop = value_end(p, end);
    if (out->length == out->capacity)
      out->data = flow_list_grow(mem, out->data, out->length, &out->capacity, sizeof *out->data);
    out->data[out->length++] = flow_str_make(p, (size_t)(stop - p));
    p = next_part(stop);
  }
  return true;
}

bool flow_json_value_members(const struct flow_str *v, struct flow_json_members *members) {
  if (flow_str_data(v)[0] != '{') return false;
  members->at = first_part(v, '{', &members->end);
  return true;
}

bool flow_json_next_of(struct flow_json_members *members, struct flow_mem *mem,
                       struct flow_str *key, struct flow_str *value) {
  if (members->at == NULL) return false;
  struct member member;
  members->at = take_member(members->at, members->end, &member);
  *key = text_between(mem, member.key, member.key + member.key_length);
  *value = flow_str_make(member.value, member.value_length);
  return true;
}

/* -- numbers by value ------------------------------------------------------------------------ */

/* 0.DIGITS * 10^point: the digits are those from `first` on, with a point and zeros among them. */
struct number {
  bool is_negative;
  const char *first, *end; /* from the first digit that is not zero to behind the last one */
  int64_t point;
};

/* Beyond this all exponents count as one. */
#define EXPONENT_MAX INT64_C(100000000000000000)

static struct number number_of(const char *p, const char *end) {
  struct number n = {.is_negative = *p == '-'};
  bool is_fraction = false;
  for (p += n.is_negative; p != end && (*p | 0x20) != 'e'; p++) {
    if (*p == '.') {
      is_fraction = true;
      continue;
    }
    if (n.first == NULL && *p == '0') {
      n.point -= is_fraction;
      continue;
    }
    if (n.first == NULL) n.first = p;
    n.point += !is_fraction;
    if (*p != '0') n.end = p + 1;
  }
  if (n.first == NULL) return (struct number){0};
  if (p == end) return n;
  p++;
  bool is_down = *p == '-';
  p += *p == '-' || *p == '+';
  int64_t exponent = 0;
  for (; p != end; p++) exponent = exponent < EXPONENT_MAX ? exponent * 10 + (*p - '0') : EXPONENT_MAX;
  n.point += is_down ? -exponent : exponent;
  return n;
}

static bool same_number(const char *a, const char *a_end, const char *b, const char *b_end) {
  struct number x = number_of(a, a_end), y = number_of(b, b_end);
  if (x.first == NULL || y.first == NULL) return x.first == y.first;
  if (x.is_negative != y.is_negative || x.point != y.point) return false;
  const char *p = x.first, *q = y.first;
  while (p != x.end && q != y.end) {
    if (*p == '.') p++;
    if (*q == '.') q++;
    if (*p++ != *q++) return false;
  }
  return p == x.end && q == y.end;
}

/* -- equality -------------------------------------------------------------------------------- */

static bool same_value(const char *a, const char *a_end, const char *b, const char *b_end);

static int compare_members(const void *a, const void *b) {
  const struct member *x = a, *y = b;
  uint32_t common = x->key_length < y->key_length ? x->key_length : y->key_length;
  int order = memcmp(x->key, y->key, common);
  if (order == 0 && x->key_length != y->key_length)
    order = x->key_length < y->key_length ? -1 : 1;
  return order != 0 ? order : (x->key > y->key) - (x->key < y->key);
}

static bool has_same_key(const struct member *a, const struct member *b) {
  return a->key_length == b->key_length && memcmp(a->key, b->key, a->key_length) == 0;
}

/* The members in the order of their keys, of equal keys only the last; how many there are. The buffer
 * holds them. */
static size_t sorted_members(const char *p, const char *end, struct flow_buf *buffer) {
  for (const char *next = *++p == '}' ? NULL : p; next != NULL;) {
    struct member member;
    next = take_member(next, end, &member);
    flow_buf_add(buffer, &member, sizeof member);
  }
  struct member *members = (struct member *)(void *)buffer->data;
  size_t count = buffer->length / sizeof *members, kept = 0;
  if (count > 1) qsort(members, count, sizeof *members, compare_members);
  for (size_t i = 0; i < count; i++) {
    if (i + 1 < count && has_same_key(&members[i], &members[i + 1])) continue;
    members[kept++] = members[i];
  }
  return kept;
}

static bool same_objects(const char *a, const char *a_end, const char *b, const char *b_end) {
  struct flow_buf left = {0}, right = {0};
  size_t count = sorted_members(a, a_end, &left);
  bool is_same = sorted_members(b, b_end, &right) == count;
  const struct member *x = (const struct member *)(void *)left.data;
  const struct member *y = (const struct member *)(void *)right.data;
  for (size_t i = 0; is_same && i < count; i++) {
    is_same = has_same_key(&x[i], &y[i]) &&
              same_value(x[i].value, x[i].value + x[i].value_length, y[i].value,
                         y[i].value + y[i].value_length);
  }
  flow_buf_free(&left);
  flow_buf_free(&right);
  return is_same;
}

static bool same_arrays(const char *a, const char *a_end, const char *b, const char *b_end) {
  a = a_end - a > 2 ? a + 1 : NULL;
  b = b_end - b > 2 ? b + 1 : NULL;
  while (a != NULL && b != NULL) {
    const char *a_stop = value_end(a, a_end), *b_stop = value_end(b, b_end);
    if (!same_value(a, a_stop, b, b_stop)) return false;
    a = next_part(a_stop);
    b = next_part(b_stop);
  }
  return a == b;
}

/* Values are nested FLOW_JSON_DEPTH deep at most. */
static bool same_value(const char *a, const char *a_end, const char *b, const char *b_end) {
  if (a_end - a == b_end - b && memcmp(a, b, (size_t)(a_end - a)) == 0) return true;
  if (*a == '{' && *b == '{') return same_objects(a, a_end, b, b_end);
  if (*a == '[' && *b == '[') return same_arrays(a, a_end, b, b_end);
  bool are_numbers = (*a == '-' || is_digit(*a)) && (*b == '-' || is_digit(*b));
  return are_numbers && same_number(a, a_end, b, b_end);
}

bool flow_json_value_equal(const struct flow_str *a, const struct flow_str *b) {
  if (flow_str_equal(a, b)) return true;
  const char *p = flow_str_data(a), *q = flow_str_data(b);
  return same_value(p, p + a->length, q, q + b->length);
}

/* -- printing -------------------------------------------------------------------------------- */

char *flow_write_json_value(struct flow_buf *b, char *p, const struct flow_str *v, size_t room) {
  const char *data = flow_str_data(v), *end = data + v->length;
  b->length = (size_t)(p - b->data);
  flow_buf_reserve(b, v->length + room);
  p = b->data + b->length;
  if (*data == '"') return write_text(p, data, end);
  memcpy(p, data, v->length);
  return p + v->length;
}
