#include "flow/bytes.h"

#include "flow/text.h"

/* -- base64 ---------------------------------------------------------------------------------- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of a base64 digit; 64: it is none. */
static uint32_t value_of(char c) {
  if (c >= 'A' && c <= 'Z') return (uint32_t)(c - 'A');
  if (c >= 'a' && c <= 'z') return (uint32_t)(c - 'a') + 26;
  if (c >= '0' && c <= '9') return (uint32_t)(c - '0') + 52;
  return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* The 24 bits of four digits; with a bit above them if one of them is none. */
static uint32_t group_of(const char *text) {
  uint32_t a = value_of(text[0]), b = value_of(text[1]), c = value_of(text[2]), d = value_of(text[3]);
  return a << 18 | b << 12 | c << 6 | d | ((a | b | c | d) & 64) << 18;
}

/* Room for `size` bytes, and for those that making a short string reads behind them. */
static char *room_for(struct flow_mem *mem, size_t size) {
  return flow_mem_alloc(mem, size < FLOW_STR_INLINE ? FLOW_STR_INLINE : size);
}

const char *flow_base64_decode(struct flow_mem *mem, const char *text, size_t length,
                               struct flow_str *out) {
  if (length % 4 != 0) return "expected base64, whose length is a multiple of 4";
  size_t padding = 0;
  if (length > 0) padding = (text[length - 1] == '=') + (text[length - 1] == '=' && text[length - 2] == '=');
  size_t size = length / 4 * 3 - padding, full = padding == 0 ? length : length - 4;
  char *data = room_for(mem, size), *to = data;
  uint32_t group = 0, wrong = 0;
  for (size_t i = 0; i < full; i += 4, to += 3) {
    group = group_of(text + i);
    wrong |= group;
    to[0] = (char)(group >> 16);
    to[1] = (char)(group >> 8);
    to[2] = (char)group;
  }
  if (padding > 0) {
    const char last[4] = {text[full], text[full + 1], padding == 1 ? text[full + 2] : 'A', 'A'};
    group = group_of(last);
    wrong |= group;
    to[0] = (char)(group >> 16);
    if (padding == 1) to[1] = (char)(group >> 8);
    group &= padding == 1 ? 0xff : 0xffff;
  } else {
    group = 0;
  }
  if (wrong >> 24 != 0) return "expected base64: A-Z, a-z, 0-9, + and /, then = to fill up";
  if (group != 0) return "expected base64, which has no bits behind its last byte";
  *out = flow_str_make(data, size);
  return NULL;
}

/* Writes `length` bytes as base64; returns the end. */
static char *encode(char *p, const unsigned char *data, size_t length) {
  for (; length >= 3; length -= 3, data += 3, p += 4) {
    uint32_t group = (uint32_t)data[0] << 16 | (uint32_t)data[1] << 8 | data[2];
    p[0] = digits[group >> 18];
    p[1] = digits[group >> 12 & 63];
    p[2] = digits[group >> 6 & 63];
    p[3] = digits[group & 63];
  }
  if (length == 0) return p;
  uint32_t group = (uint32_t)data[0] << 16 | (length == 2 ? (uint32_t)data[1] << 8 : 0);
  p[0] = digits[group >> 18];
  p[1] = digits[group >> 12 & 63];
  p[2] = length == 2 ? digits[group >> 6 & 63] : '=';
  p[3] = '=';
  return p + 4;
}

static size_t encoded_size(size_t length) {
  return (length + 2) / 3 * 4;
}

void flow_print_base64(struct flow_buf *b, const void *data, size_t length) {
  flow_buf_reserve(b, encoded_size(length) + 1);
  b->length = (size_t)(encode(b->data + b->length, data, length) - b->data);
}

char *flow_write_base64(struct flow_buf *b, char *p, const struct flow_str *s, size_t room) {
  b->length = (size_t)(p - b->data);
  flow_buf_reserve(b, encoded_size(s->length) + room);
  const void *data = flow_str_data(s);
  return encode(b->data + b->length, data, s->length);
}

struct flow_str flow_bytes_base64(struct flow_mem *mem, const struct flow_str *s) {
  struct flow_buf b = flow_text_begin(mem);
  flow_print_base64(&b, flow_str_data(s), s->length);
  return flow_text_end(&b);
}

/* -- hex ------------------------------------------------------------------------------------- */

/* The value of a hex digit; 16: it is none. */
static uint32_t hex_value(char c) {
  if (c >= '0' && c <= '9') return (uint32_t)(c - '0');
  char small = (char)(c | 0x20);
  return small >= 'a' && small <= 'f' ? (uint32_t)(small - 'a') + 10 : 16;
}

const char *flow_hex_decode(struct flow_mem *mem, const char *text, size_t length,
                            struct flow_str *out) {
  if (length % 2 != 0) return "expected pairs of hex digits";
  char *data = room_for(mem, length / 2);
  for (size_t i = 0; i < length / 2; i++) {
    uint32_t high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
    if (((high | low) & 16) != 0) return "expected hex digits: 0-9, a-f";
    data[i] = (char)(high << 4 | low);
  }
  *out = flow_str_make(data, length / 2);
  return NULL;
}

struct flow_str flow_bytes_hex(struct flow_mem *mem, const struct flow_str *s) {
  static const char hex[] = "0123456789abcdef";
  struct flow_buf b = flow_text_begin(mem);
  const char *data = flow_str_data(s);
  flow_buf_reserve(&b, (size_t)s->length * 2 + 1);
  for (uint32_t i = 0; i < s->length; i++) {
    b.data[b.length++] = hex[(unsigned char)data[i] >> 4];
    b.data[b.length++] = hex[data[i] & 15];
  }
  return flow_text_end(&b);
}

/* -- parts ----------------------------------------------------------------------------------- */

struct flow_str flow_bytes_slice(const struct flow_str *s, int64_t from, int64_t to) {
  if (to > s->length) to = s->length;
  if (from < 0) from = 0;
  if (from >= to) return (struct flow_str){0};
  return flow_str_make(flow_str_data(s) + from, (size_t)(to - from));
}

bool flow_bytes_are_text(const struct flow_str *s) {
  return flow_utf8_valid(flow_str_data(s), s->length) == s->length;
}

/* -- input ----------------------------------------------------------------------------------- */

bool flow_json_bytes(struct flow_json *j, struct flow_str *out) {
  struct flow_str text;
  flow_json_blanks(j);
  const char *at = j->cursor;
  if (*at != '"') return flow_json_expected(j, "base64 in quotes");
  if (!flow_json_string(j, &text)) return false;
  const char *why = flow_base64_decode(j->mem, flow_str_data(&text), text.length, out);
  return why == NULL || flow_bad(j->bad, at, "%s", why);
}

bool flow_csv_bytes(struct flow_csv *c, const struct flow_csv_field *field, const char *name,
                    struct flow_mem *mem, struct flow_str *out, bool is_plain) {
  const char *why = flow_base64_decode(mem, field->data, field->length, out);
  return why == NULL || (!is_plain && flow_csv_bad(c, field, name, why));
}
