#include "flow/json.h"

#include "flow/decimal.h"
#include "flow/time.h"

#include <stdio.h>

/* -- what is wrong --------------------------------------------------------------------------- */

/* What stands at the cursor, in words; a single character is put into `scratch`. */
static const char *found(const struct flow_json *j, char scratch[8]) {
  const char *p = j->cursor;
  if (p >= j->end || *p == '\n') return "the end of the record";
  switch (*p) {
  case '"': return "a string";
  case '{': return "an object";
  case '[': return "an array";
  case 't':
  case 'f': return "a bool";
  case 'n': return "null";
  default: break;
  }
  if (*p == '-' || (*p >= '0' && *p <= '9')) return "a number";
  if ((unsigned char)*p < 0x20 || *p == 0x7f) return "a control character";
  size_t n = flow_utf8_sequence(p, j->end);
  if (n == 0) return "a byte that is not UTF-8";
  scratch[0] = '`';
  memcpy(scratch + 1, p, n);
  memcpy(scratch + 1 + n, "`", 2);
  return scratch;
}

bool flow_json_expected(struct flow_json *j, const char *what) {
  char scratch[8];
  return flow_bad(j->bad, j->cursor, "expected %s, found %s", what, found(j, scratch));
}

bool flow_json_in_field(struct flow_json *j, const char *name) {
  static const char prefix[] = "field `";
  size_t length = sizeof prefix - 1;
  char rest[sizeof j->bad->reason];
  memcpy(rest, j->bad->reason, sizeof rest);
  bool is_nested = strncmp(rest, prefix, length) == 0;
  return flow_bad(j->bad, j->bad->at, "field `%s%s%s", name,
                  is_nested ? "." : "`: ", is_nested ? rest + length : rest);
}

bool flow_json_missing(struct flow_json *j, const char *name) {
  return flow_bad(j->bad, j->cursor - 1, "missing field `%s`", name);
}

bool flow_json_no_object(struct flow_json *j, const char *what) {
  return flow_bad(j->bad, j->cursor, "expected `{`, the start of %s", what);
}

bool flow_json_no_array(struct flow_json *j, const char *what) {
  return flow_bad(j->bad, j->cursor, "expected `[`, the start of %s", what);
}

enum flow_json_next flow_json_bad_member(struct flow_json *j, const char *expected) {
  flow_json_expected(j, expected);
  return FLOW_JSON_BAD;
}

void flow_json_skip_blanks(struct flow_json *j) {
  while (*j->cursor == ' ' || *j->cursor == '\t' || *j->cursor == '\r') j->cursor++;
}

bool flow_json_trailing(struct flow_json *j) {
  return flow_bad(j->bad, j->cursor, "expected the end of the record behind its value");
}

/* -- strings --------------------------------------------------------------------------------- */

static bool bad_at(struct flow_json *j, const char *at, const char *reason) {
  return flow_bad(j->bad, at, "%s", reason);
}

/* Steps over everything that stands for itself, checking it; returns the place of a quote, a
 * backslash, or of what is wrong. */
static const char *plain_end(const struct flow_json *j, const char *p) {
  for (;;) {
    size_t n = flow_json_plain_bytes(p);
    p += n;
    if (n == 16) continue;
    if ((signed char)*p >= 0) return p;
    n = flow_utf8_sequence(p, j->end);
    if (n == 0) return p;
    p += n;
  }
}

/* Explains why a string cannot go on at `p`. */
FLOW_COLD static bool bad_string(struct flow_json *j, const char *p) {
  if (p >= j->end || *p == '\n') return bad_at(j, j->cursor, "this string is not closed");
  if ((signed char)*p < 0) return bad_at(j, p, "this is not UTF-8");
  return bad_at(j, p, "a control character in a string must be escaped");
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  char lower = (char)(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The four hex digits at `p`, or -1. What ends the record is no hex digit, so it is never passed. */
static int32_t hex_word(const char *p) {
  int32_t word = 0;
  for (int i = 0; i < 4; i++) {
    int digit = hex_value(p[i]);
    if (digit < 0) return -1;
    word = word * 16 + digit;
  }
  return word;
}

/* Reads \uXXXX, or two of them, at the backslash `p`; returns the end, or null after a message. */
static const char *unicode_escape(struct flow_json *j, const char *p, uint32_t *code_point) {
  int32_t high = hex_word(p + 2);
  if (high < 0) return bad_at(j, p, "expected four hex digits behind \\u"), NULL;
  if (high < 0xd800 || high > 0xdfff) {
    *code_point = (uint32_t)high;
    return p + 6;
  }
  int32_t low = high < 0xdc00 && p[6] == '\\' && p[7] == 'u' ? hex_word(p + 8) : -1;
  if (low < 0xdc00 || low > 0xdfff) return bad_at(j, p, "this is half of a surrogate pair"), NULL;
  *code_point = 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
  return p + 12;
}

/* Reads the escape at the backslash `p`; returns the end, or null after a message. */
static const char *read_escape(struct flow_json *j, const char *p, uint32_t *code_point) {
  switch (p[1]) {
  case '"':
  case '\\':
  case '/': *code_point = (unsigned char)p[1]; break;
  case 'b': *code_point = '\b'; break;
  case 'f': *code_point = '\f'; break;
  case 'n': *code_point = '\n'; break;
  case 'r': *code_point = '\r'; break;
  case 't': *code_point = '\t'; break;
  case 'u': return unicode_escape(j, p, code_point);
  default: return bad_at(j, p, "this escape does not exist in JSON"), NULL;
  }
  return p + 2;
}

/* Goes on inside a string from `p` to behind its closing quote; appends its text to `decoded`,
 * unless that is null. */
static bool string_rest(struct flow_json *j, const char *p, struct flow_buf *decoded) {
  for (;;) {
    const char *first = p;
    p = plain_end(j, p);
    if (decoded != NULL) flow_buf_add(decoded, first, (size_t)(p - first));
    if (*p == '"') {
      j->cursor = p + 1;
      return true;
    }
    uint32_t code_point;
    if (*p != '\\') return bad_string(j, p);
    p = read_escape(j, p, &code_point);
    if (p == NULL) return false;
    if (decoded != NULL) {
      char text[4];
      flow_buf_add(decoded, text, (size_t)(flow_utf8_write(text, code_point) - text));
    }
  }
}

bool flow_json_string_slow(struct flow_json *j, size_t plain, struct flow_str *out) {
  if (FLOW_UNLIKELY(*j->cursor != '"')) {
    flow_json_blanks(j);
    if (*j->cursor != '"') return flow_json_expected(j, "a string");
    plain = 0;
  }
  const char *first = j->cursor + 1, *p = plain_end(j, first + plain);
  if (FLOW_LIKELY(*p == '"')) {
    *out = flow_str_padded(first, (size_t)(p - first));
    j->cursor = p + 1;
    return true;
  }
  if (*p != '\\') return bad_string(j, p);
  struct flow_buf decoded = flow_text_begin(j->mem);
  flow_buf_add(&decoded, first, (size_t)(p - first));
  if (!string_rest(j, p, &decoded)) return false;
  *out = flow_text_end(&decoded);
  return true;
}

enum flow_json_next flow_json_member_slow(struct flow_json *j, const char *what,
                                          struct flow_str *decoded, const char **name,
                                          size_t *length) {
  *name = NULL;
  *length = 0;
  if (what != NULL && !flow_json_begin_object(j, what)) return FLOW_JSON_BAD;
  enum flow_json_next next = what != NULL ? flow_json_first_member(j) : flow_json_next_member(j);
  if (next != FLOW_JSON_MORE) return next;
  if (!flow_json_key(j, decoded)) return FLOW_JSON_BAD;
  *name = flow_str_data(decoded);
  *length = decoded->length;
  return FLOW_JSON_MORE;
}

bool flow_json_tag_slow(struct flow_json *j, const char *name, const char *what) {
  size_t wanted = strlen(name), length;
  struct flow_str decoded;
  const char *key, *object = what;
  enum flow_json_next next;
  while ((next = flow_json_member(j, object, &decoded, &key, &length)) == FLOW_JSON_MORE) {
    flow_json_blanks(j);
    if (length == wanted && memcmp(key, name, length) == 0) return true;
    if (!flow_json_skip(j)) return false;
    object = NULL; /* the first member has been read */
  }
  if (next == FLOW_JSON_BAD) return false;
  return flow_bad(j->bad, j->cursor - 1, "missing field `%s` of %s", name, what);
}

/* Records without learning before the order gets another chance. */
enum { DOUBTFUL_RECORDS = 128 };

void flow_json_doubt(struct flow_guess *guesses, uint32_t guess_count, uint32_t members,
                     uint32_t wrong) {
  unsigned doubts = (unsigned char)guesses[0].text[0];
  if (doubts < FLOW_JSON_DOUBTS && wrong <= members / 2) return;
  doubts++;
  if (doubts == FLOW_JSON_DOUBTS) memset(guesses + 1, 0, (guess_count - 1) * sizeof *guesses);
  if (doubts == FLOW_JSON_DOUBTS + DOUBTFUL_RECORDS) doubts = 0;
  guesses[0].text[0] = (char)doubts;
}

/* -- numbers and literals -------------------------------------------------------------------- */

static const char *skip_digits(const char *p) {
  for (;; p += 8) {
    uint64_t others = flow_no_digits(flow_load64(p));
    if (FLOW_LIKELY(others != 0)) return p + __builtin_ctzll(others) / 8;
  }
}

/* The end of the number at the cursor, or null after a message: `what` was expected. */
static inline const char *number_end(struct flow_json *j, const char *what, bool *has_exponent) {
  const char *p = j->cursor + (*j->cursor == '-'), *digits = p;
  p = skip_digits(p);
  if (p == digits) return flow_json_expected(j, what), NULL;
  if (*digits == '0' && p - digits > 1) {
    return bad_at(j, digits, "a number must not begin with a zero"), NULL;
  }
  if (*p == '.') {
    digits = ++p;
    p = skip_digits(p);
    if (p == digits) return bad_at(j, p, "expected a digit behind the point"), NULL;
  }
  *has_exponent = (*p | 0x20) == 'e';
  if (FLOW_UNLIKELY(*has_exponent)) {
    p++;
    if (*p == '+' || *p == '-') p++;
    digits = p;
    p = skip_digits(p);
    if (p == digits) return bad_at(j, p, "expected a digit in the exponent"), NULL;
  }
  return p;
}

/* Says why the number at the cursor is no int. */
FLOW_COLD static bool bad_int(struct flow_json *j) {
  bool has_exponent;
  const char *end = number_end(j, "an int", &has_exponent);
  if (end == NULL) return false;
  for (const char *p = j->cursor; p != end; p++) {
    if (*p == '.' || (*p | 0x20) == 'e')
      return bad_at(j, j->cursor, "expected an int, found a float");
  }
  return bad_at(j, j->cursor, "this int does not fit into 64 bits");
}

bool flow_json_int_slow(struct flow_json *j, int64_t *out) {
  flow_json_blanks(j);
  const char *digits = j->cursor + (*j->cursor == '-'), *p = flow_scan_int(j->cursor, out);
  if (FLOW_UNLIKELY(p == NULL)) { /* none, or more than 18 digits */
    uint64_t value;
    p = flow_scan_digits(digits, (uint64_t)INT64_MAX + (digits != j->cursor), &value);
    if (p == NULL || p == digits) return bad_int(j);
    *out = (int64_t)(digits != j->cursor ? 0 - value : value);
  }
  if (FLOW_UNLIKELY((*digits == '0' && p - digits > 1) || *p == '.' || (*p | 0x20) == 'e'))
    return bad_int(j);
  j->cursor = p;
  return true;
}

bool flow_json_float(struct flow_json *j, double *out) {
  bool has_exponent;
  const char *end = number_end(j, "a float", &has_exponent);
  if (FLOW_UNLIKELY(end == NULL)) return false;
  if (FLOW_UNLIKELY(!flow_float_of_token(j->cursor, (size_t)(end - j->cursor), out))) {
    return bad_at(j, j->cursor, "this float is beyond the range of float");
  }
  j->cursor = end;
  return true;
}

bool flow_json_decimal_slow(struct flow_json *j, unsigned scale, int64_t *out) {
  bool has_exponent;
  flow_json_blanks(j);
  const char *end = number_end(j, "a decimal", &has_exponent);
  if (FLOW_UNLIKELY(end == NULL)) return false;
  const char *why = flow_decimal_of_token(j->cursor, (size_t)(end - j->cursor), scale, out);
  if (FLOW_UNLIKELY(why != NULL)) return bad_at(j, j->cursor, why);
  j->cursor = end;
  return true;
}

/* Digits that a float has at most if it has no exponent and is certainly in range. */
enum { SAFE_DIGITS = 300 };

bool flow_json_skip_float(struct flow_json *j) {
  bool has_exponent;
  const char *end = number_end(j, "a float", &has_exponent);
  if (FLOW_UNLIKELY(end == NULL)) return false;
  double value;
  if (FLOW_UNLIKELY(has_exponent || end - j->cursor > SAFE_DIGITS)) return flow_json_float(j, &value);
  j->cursor = end;
  return true;
}

bool flow_json_bad_bool(struct flow_json *j) {
  return flow_json_expected(j, "`true` or `false`");
}

/* -- times ----------------------------------------------------------------------------------- */

static bool parsed_string(struct flow_json *j, const char *what,
                          const char *(*parse)(const char *, size_t, int64_t *), int64_t *out) {
  const char *at = j->cursor;
  struct flow_str text;
  if (*at != '"') return flow_json_expected(j, what);
  if (!flow_json_string(j, &text)) return false;
  const char *reason = parse(flow_str_data(&text), text.length, out);
  return reason == NULL || bad_at(j, at, reason);
}

bool flow_json_timestamp(struct flow_json *j, int64_t *out) {
  return parsed_string(j, "a timestamp in quotes", flow_parse_timestamp, out);
}

bool flow_json_duration(struct flow_json *j, int64_t *out) {
  return parsed_string(j, "a duration in quotes", flow_parse_duration, out);
}

bool flow_json_timestamp_of_unit(struct flow_json *j, int64_t unit_us, int64_t *out) {
  const char *at = j->cursor;
  int64_t value = 0;
  if (!flow_json_int(j, &value)) return false;
  return flow_time_of_unit(value, unit_us, out) ||
         bad_at(j, at, "this timestamp is not in the years 0001 to 9999");
}

/* -- skipping -------------------------------------------------------------------------------- */

bool flow_json_skip_string_slow(struct flow_json *j, const char *p) {
  if (p != j->cursor) return string_rest(j, p, NULL);
  flow_json_blanks(j);
  p = j->cursor;
  return *p == '"' ? string_rest(j, p + 1, NULL) : flow_json_expected(j, "a string");
}

static bool skip_literal(struct flow_json *j, const char *literal, size_t length) {
  if (memcmp(j->cursor, literal, length) != 0) return bad_at(j, j->cursor, "expected a value");
  j->cursor += length;
  return true;
}

static inline bool skip_scalar(struct flow_json *j) {
  char c = *j->cursor;
  if (c == '"') return flow_json_skip_rest(j, j->cursor + 1);
  if (c == 't') return skip_literal(j, "true", 4);
  if (c == 'f') return skip_literal(j, "false", 5);
  if (c == 'n') return skip_literal(j, "null", 4);
  bool has_exponent;
  const char *end = number_end(j, "a value", &has_exponent);
  if (end == NULL) return false;
  j->cursor = end;
  return true;
}

/* Behind MORE in an object: the key and its colon. */
static bool skip_key(struct flow_json *j) {
  return flow_json_skip_rest(j, j->cursor + 1) && flow_json_colon(j);
}

/* An array or an object. */
static __attribute__((noinline)) bool skip_nested(struct flow_json *j) {
  uint64_t is_object[FLOW_JSON_DEPTH / 64] = {0}; /* one bit for each level that is open */
  uint32_t depth = 0;
  for (;;) {
    char c = flow_json_peek(j);
    enum flow_json_next next = FLOW_JSON_END;
    if (c == '{' || c == '[') {
      if (depth == FLOW_JSON_DEPTH) return bad_at(j, j->cursor, "this is nested too deeply");
      j->cursor++;
      uint64_t bit = UINT64_C(1) << depth % 64;
      if (c == '{')
        is_object[depth / 64] |= bit;
      else
        is_object[depth / 64] &= ~bit;
      depth++;
      next = c == '{' ? flow_json_first_member(j) : flow_json_first_element(j);
      if (next == FLOW_JSON_END) depth--;
    } else if (!skip_scalar(j)) {
      return false;
    }
    /* Behind a value: close what ends here. */
    while (next == FLOW_JSON_END && depth > 0) {
      bool in_object = (is_object[(depth - 1) / 64] >> (depth - 1) % 64 & 1) != 0;
      next = in_object ? flow_json_next_member(j) : flow_json_next_element(j);
      if (next == FLOW_JSON_END) depth--;
    }
    if (next == FLOW_JSON_BAD) return false;
    if (next == FLOW_JSON_END) return true;
    bool in_object = (is_object[(depth - 1) / 64] >> (depth - 1) % 64 & 1) != 0;
    if (in_object && !skip_key(j)) return false;
  }
}

bool flow_json_skip_slow(struct flow_json *j) {
  char c = flow_json_peek(j);
  return c == '{' || c == '[' ? skip_nested(j) : skip_scalar(j);
}
