/* Values and types as people read and write them: flow_view_print(), flow_view_parse_key(). JSON is
 * that of the format jsonl, which generated code prints for types that it knows; here the type is
 * data. */
#include "flow/bytes.h"
#include "flow/decimal.h"
#include "flow/json.h"
#include "flow/number.h"
#include "flow/store.h"
#include "flow/text.h"
#include "flow/time.h"
#include "mem.h"
#include "report.h"
#include "schema.h"

#include <stdio.h>
#include <string.h>

static void add_text(struct flow_buf *out, const char *text) {
  flow_buf_add(out, text, strlen(text));
}

/* -- values as JSON: an element's type bounds the depth, and the type came through
 * flow_schema_parse() */

static void print_value(struct flow_buf *out, struct flow_reader *r, const struct flow_type *type);

static void print_bytes(struct flow_buf *out, struct flow_reader *r) {
  size_t length;
  const char *bytes = flow_get_bytes(r, &length);
  if (!r->ok) return;
  flow_buf_add_char(out, '"');
  flow_print_base64(out, bytes, length);
  flow_buf_add_char(out, '"');
}

static void print_time(struct flow_buf *out, struct flow_reader *r, const struct flow_type *type) {
  int64_t value = flow_get_int(r);
  flow_buf_add_char(out, '"');
  if (type->kind == FLOW_KIND_DURATION) flow_print_duration(out, value);
  else if (flow_time_is_valid(value)) flow_print_timestamp(out, value);
  else flow_reader_fail(r);
  flow_buf_add_char(out, '"');
}

static void print_fields(struct flow_buf *out, struct flow_reader *r,
                         const struct flow_field *fields, uint32_t count) {
  flow_buf_add_char(out, '{');
  for (uint32_t i = 0; i < count && r->ok; i++) {
    if (i > 0) add_text(out, ", ");
    flow_print_json_bytes(out, fields[i].name, strlen(fields[i].name));
    add_text(out, ": ");
    print_value(out, r, fields[i].type);
  }
  flow_buf_add_char(out, '}');
}

/* Maps with such keys are objects. */
static bool is_object_key(const struct flow_type *key) {
  if (key->kind == FLOW_KIND_STRING || key->kind == FLOW_KIND_INT) return true;
  if (key->kind != FLOW_KIND_ENUM) return false;
  for (uint32_t i = 0; i < key->variant_count; i++)
    if (key->variants[i].field_count != 0) return false;
  return true;
}

static void print_entry(struct flow_buf *out, struct flow_reader *r, const struct flow_type *map) {
  bool is_object = is_object_key(map->key), is_int = map->key->kind == FLOW_KIND_INT;
  if (!is_object) flow_buf_add_char(out, '[');
  if (is_int) flow_buf_add_char(out, '"');
  print_value(out, r, map->key);
  if (is_int) flow_buf_add_char(out, '"');
  add_text(out, is_object ? ": " : ", ");
  print_value(out, r, map->element);
  if (!is_object) flow_buf_add_char(out, ']');
}

static void print_elements(struct flow_buf *out, struct flow_reader *r,
                           const struct flow_type *type) {
  bool is_object = type->kind == FLOW_KIND_MAP && is_object_key(type->key);
  uint64_t count = flow_get_count(r);
  flow_buf_add_char(out, is_object ? '{' : '[');
  for (uint64_t i = 0; i < count && r->ok; i++) {
    if (i > 0) add_text(out, ", ");
    if (type->kind == FLOW_KIND_MAP) print_entry(out, r, type);
    else print_value(out, r, type->element);
  }
  flow_buf_add_char(out, is_object ? '}' : ']');
}

static void print_variant(struct flow_buf *out, struct flow_reader *r,
                          const struct flow_type *type) {
  uint32_t number = flow_get_variant(r, type->variant_count);
  if (!r->ok) return;
  const struct flow_variant *variant = &type->variants[number];
  if (variant->field_count != 0) flow_buf_add_char(out, '{');
  flow_print_json_bytes(out, variant->name, strlen(variant->name));
  if (variant->field_count == 0) return;
  add_text(out, ": ");
  print_fields(out, r, variant->fields, variant->field_count);
  flow_buf_add_char(out, '}');
}

static void print_value(struct flow_buf *out, struct flow_reader *r, const struct flow_type *type) {
  size_t length;
  const char *bytes;
  switch (type->kind) {
    case FLOW_KIND_UNIT:
      flow_get_byte(r);
      add_text(out, "null");
      return;
    case FLOW_KIND_INT: flow_print_int(out, flow_get_int(r)); return;
    case FLOW_KIND_FLOAT: flow_print_float(out, flow_get_float(r)); return;
    case FLOW_KIND_DECIMAL: flow_print_decimal(out, flow_get_int(r), type->scale); return;
    case FLOW_KIND_BOOL: flow_print_bool(out, flow_get_bool(r)); return;
    case FLOW_KIND_STRING:
      bytes = flow_get_bytes(r, &length);
      flow_print_json_bytes(out, bytes, length);
      return;
    case FLOW_KIND_JSON:
      bytes = flow_get_bytes(r, &length);
      flow_buf_add(out, bytes, length);
      return;
    case FLOW_KIND_BYTES: print_bytes(out, r); return;
    case FLOW_KIND_TIMESTAMP:
    case FLOW_KIND_DURATION: print_time(out, r, type); return;
    case FLOW_KIND_OPT:
      if (flow_get_bool(r)) print_value(out, r, type->element);
      else add_text(out, "null");
      return;
    case FLOW_KIND_LIST:
    case FLOW_KIND_SET:
    case FLOW_KIND_MAP: print_elements(out, r, type); return;
    case FLOW_KIND_RECORD:
      if (type->field_count == 0) flow_get_byte(r);
      print_fields(out, r, type->fields, type->field_count);
      return;
    case FLOW_KIND_ENUM: print_variant(out, r, type); return;
    case FLOW_KIND_TIMED:
      print_value(out, r, type->element);
      flow_get_int(r);
      return;
  }
}

bool flow_view_print(struct flow_buf *out, const struct flow_type *type, const void *data,
                     size_t length) {
  struct flow_reader r = flow_reader_of(data, length);
  print_value(out, &r, type);
  return flow_reader_done(&r);
}

/* -- types */

static void print_type_fields(struct flow_buf *out, const struct flow_field *fields,
                              uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (i > 0) add_text(out, ", ");
    add_text(out, fields[i].name);
    add_text(out, ": ");
    flow_view_print_type(out, fields[i].type);
  }
}

static void print_type_variants(struct flow_buf *out, const struct flow_type *type) {
  add_text(out, "enum {");
  for (uint32_t i = 0; i < type->variant_count; i++) {
    const struct flow_variant *variant = &type->variants[i];
    add_text(out, i == 0 ? " " : ", ");
    add_text(out, variant->name);
    if (variant->field_count == 0) continue;
    add_text(out, "(");
    print_type_fields(out, variant->fields, variant->field_count);
    add_text(out, ")");
  }
  add_text(out, " }");
}

void flow_view_print_type(struct flow_buf *out, const struct flow_type *type) {
  switch (type->kind) {
    case FLOW_KIND_OPT:
      flow_view_print_type(out, type->element);
      add_text(out, "?");
      return;
    case FLOW_KIND_LIST:
    case FLOW_KIND_SET:
    case FLOW_KIND_MAP:
      add_text(out, type->kind == FLOW_KIND_LIST  ? "list["
                    : type->kind == FLOW_KIND_SET ? "set["
                                                  : "map[");
      if (type->kind == FLOW_KIND_MAP) {
        flow_view_print_type(out, type->key);
        add_text(out, ", ");
      }
      flow_view_print_type(out, type->element);
      add_text(out, "]");
      return;
    case FLOW_KIND_RECORD:
      add_text(out, "{ ");
      print_type_fields(out, type->fields, type->field_count);
      add_text(out, type->field_count == 0 ? "}" : " }");
      return;
    case FLOW_KIND_ENUM: print_type_variants(out, type); return;
    case FLOW_KIND_TIMED:
      flow_view_print_type(out, type->element);
      add_text(out, type->by_time ? " expires by event time" : " expires");
      return;
    default: flow_schema_print(out, type); return;
  }
}

/* -- keys */

struct key_parser {
  struct flow_json json;
  struct flow_bad_record bad;
};

static bool read_value(struct flow_json *j, const struct flow_type *type, struct flow_buf *out);

/* Reads an object into the fields, in the order of the type. */
static bool read_fields(struct flow_json *j, const struct flow_field *fields, uint32_t count,
                        struct flow_buf *out) {
  struct flow_buf *values = flow_mem_alloc(j->mem, (count + 1) * sizeof *values);
  memset(values, 0, (count + 1) * sizeof *values);
  if (!flow_json_begin_object(j, "an object")) return false;
  enum flow_json_next next = flow_json_first_member(j);
  for (; next == FLOW_JSON_MORE; next = flow_json_next_member(j)) {
    struct flow_str name;
    const char *at = j->cursor;
    uint32_t i = 0;
    if (!flow_json_key(j, &name)) return false;
    while (i < count && !flow_str_is(&name, fields[i].name, strlen(fields[i].name))) i++;
    if (i == count)
      return flow_bad(j->bad, at, "the key has no field `%.*s`", (int)name.length,
                      flow_str_data(&name));
    values[i] = (struct flow_buf){.mem = j->mem};
    if (!read_value(j, fields[i].type, &values[i])) return flow_json_in_field(j, fields[i].name);
  }
  if (next == FLOW_JSON_BAD) return false;
  for (uint32_t i = 0; i < count; i++) {
    if (values[i].data == NULL) return flow_json_missing(j, fields[i].name);
    flow_buf_add(out, values[i].data, values[i].length);
  }
  return true;
}

static bool read_elements(struct flow_json *j, const struct flow_type *type, struct flow_buf *out) {
  struct flow_buf elements = {.mem = j->mem};
  uint64_t count = 0;
  if (!flow_json_begin_array(j, "a list")) return false;
  enum flow_json_next next = flow_json_first_element(j);
  for (; next == FLOW_JSON_MORE; next = flow_json_next_element(j), count++)
    if (!read_value(j, type->element, &elements)) return false;
  flow_put_varint(out, count);
  flow_buf_add(out, elements.data, elements.length);
  return next == FLOW_JSON_END;
}

static uint32_t find_variant(const struct flow_type *type, const char *name, size_t length) {
  uint32_t i = 0;
  while (i < type->variant_count && (strlen(type->variants[i].name) != length ||
                                     memcmp(type->variants[i].name, name, length) != 0))
    i++;
  return i;
}

static bool no_variant(struct flow_json *j, const char *at, const struct flow_type *type) {
  struct flow_buf names = {.mem = j->mem};
  for (uint32_t i = 0; i < type->variant_count; i++) {
    if (i > 0) add_text(&names, ", ");
    add_text(&names, type->variants[i].name);
  }
  return flow_bad(j->bad, at, "expected one of: %.*s", (int)names.length, names.data);
}

static bool read_variant(struct flow_json *j, const struct flow_type *type, struct flow_buf *out) {
  bool has_fields = flow_json_peek(j) == '{';
  if (has_fields) j->cursor++;
  flow_json_blanks(j);
  const char *at = j->cursor;
  struct flow_str name;
  if (!flow_json_string(j, &name)) return false;
  uint32_t i = find_variant(type, flow_str_data(&name), name.length);
  if (i == type->variant_count || (type->variants[i].field_count != 0) != has_fields)
    return no_variant(j, at, type);
  flow_put_varint(out, i);
  if (!has_fields) return true;
  if (!flow_json_colon(j) ||
      !read_fields(j, type->variants[i].fields, type->variants[i].field_count, out))
    return false;
  return flow_json_next_member(j) == FLOW_JSON_END;
}

static bool read_string(struct flow_json *j, const struct flow_type *type, struct flow_buf *out) {
  struct flow_str text;
  flow_json_blanks(j);
  if (type->kind == FLOW_KIND_BYTES ? !flow_json_bytes(j, &text) : !flow_json_string(j, &text))
    return false;
  flow_put_bytes(out, flow_str_data(&text), text.length);
  return true;
}

/* Reads one value of the type as JSON and appends its binary form. */
static bool read_value(struct flow_json *j, const struct flow_type *type, struct flow_buf *out) {
  int64_t number;
  double real;
  bool truth;
  flow_json_blanks(j);
  switch (type->kind) {
    case FLOW_KIND_UNIT:
      flow_put_byte(out, 0);
      return flow_json_try_null(j) || flow_json_expected(j, "null");
    case FLOW_KIND_INT:
      if (!flow_json_int(j, &number)) return false;
      flow_put_int(out, number);
      return true;
    case FLOW_KIND_FLOAT:
      if (!flow_json_float(j, &real)) return false;
      flow_put_float(out, real);
      return true;
    case FLOW_KIND_DECIMAL:
      if (!flow_json_decimal(j, type->scale, &number)) return false;
      flow_put_int(out, number);
      return true;
    case FLOW_KIND_BOOL:
      if (!flow_json_bool(j, &truth)) return false;
      flow_put_bool(out, truth);
      return true;
    case FLOW_KIND_STRING:
    case FLOW_KIND_BYTES: return read_string(j, type, out);
    case FLOW_KIND_TIMESTAMP:
    case FLOW_KIND_DURATION:
      if (type->kind == FLOW_KIND_TIMESTAMP ? !flow_json_timestamp(j, &number)
                                            : !flow_json_duration(j, &number))
        return false;
      flow_put_int(out, number);
      return true;
    case FLOW_KIND_OPT: {
      bool is_absent = flow_json_try_null(j);
      flow_put_bool(out, !is_absent);
      return is_absent || read_value(j, type->element, out);
    }
    case FLOW_KIND_LIST:
    case FLOW_KIND_SET: return read_elements(j, type, out);
    case FLOW_KIND_RECORD:
      if (type->field_count == 0) flow_put_byte(out, 0);
      return read_fields(j, type->fields, type->field_count, out);
    case FLOW_KIND_ENUM: return read_variant(j, type, out);
    default: return flow_bad(j->bad, j->cursor, "keys of this type cannot be written");
  }
}

static bool read_json(struct key_parser *p, const struct flow_type *type, const char *word,
                      struct flow_buf *out) {
  struct flow_json *j = &p->json;
  size_t length = strlen(word);
  char *padded = flow_mem_alloc(j->mem, length + FLOW_PADDING + 1);
  memcpy(padded, word, length);
  memset(padded + length, 0, FLOW_PADDING + 1);
  j->cursor = p->bad.record = padded;
  j->end = padded + length;
  j->bad = &p->bad;
  p->bad.length = length;
  return read_value(j, type, out) && flow_json_finish(j);
}

/* Text without quotes for a value that is a string in JSON. Returns null, or what is wrong. */
static const char *read_plain(struct flow_mem *mem, const struct flow_type *type, const char *word,
                              struct flow_buf *out) {
  struct flow_str bytes;
  size_t length = strlen(word);
  int64_t time;
  const char *why = NULL;
  switch (type->kind) {
    case FLOW_KIND_STRING:
      if (flow_utf8_valid(word, length) != length) return "this is not UTF-8";
      flow_put_bytes(out, word, length);
      return NULL;
    case FLOW_KIND_BYTES:
      why = flow_base64_decode(mem, word, length, &bytes);
      if (why == NULL) flow_put_bytes(out, flow_str_data(&bytes), bytes.length);
      return why;
    case FLOW_KIND_TIMESTAMP:
    case FLOW_KIND_DURATION:
      why = type->kind == FLOW_KIND_TIMESTAMP ? flow_parse_timestamp(word, length, &time)
                                              : flow_parse_duration(word, length, &time);
      if (why == NULL) flow_put_int(out, time);
      return why;
    case FLOW_KIND_ENUM: {
      uint32_t i = find_variant(type, word, length);
      if (i == type->variant_count || type->variants[i].field_count != 0) return "no such variant";
      flow_put_varint(out, i);
      return NULL;
    }
    default: return "";
  }
}

/* One word: JSON if it is that, else plain text. Returns false with the reason in p->bad. */
static bool read_word(struct key_parser *p, const struct flow_type *type, const char *word,
                      struct flow_buf *out) {
  size_t start = out->length;
  if (type->kind == FLOW_KIND_OPT && strcmp(word, "none") != 0 && strcmp(word, "null") != 0) {
    flow_put_bool(out, true);
    if (read_word(p, type->element, word, out)) return true;
    out->length = start;
    return false;
  }
  if (type->kind == FLOW_KIND_OPT) word = "null";
  if (read_json(p, type, word, out)) return true;
  out->length = start;
  bool is_quoted = word[0] == '"' && type->kind != FLOW_KIND_STRING;
  const char *why = is_quoted ? "" : read_plain(p->json.mem, type, word, out);
  if (why == NULL) return true;
  out->length = start;
  if (why[0] != '\0' && word[0] != '{' && word[0] != '[' && type->kind != FLOW_KIND_ENUM)
    snprintf(p->bad.reason, sizeof p->bad.reason, "%s", why);
  else if (type->kind == FLOW_KIND_ENUM && word[0] != '"' && word[0] != '{')
    no_variant(&p->json, word, type);
  return false;
}

static enum flow_status wrong_key(const struct flow_type *type, struct flow_report *report) {
  struct flow_buf text = {0};
  flow_view_print_type(&text, type);
  bool is_record = type->kind == FLOW_KIND_RECORD;
  int length = text.length > 600 ? 600 : (int)text.length;
  flow_report_help(report, "keys are of type %.*s: %s", length, text.data,
                   is_record ? "give each field a word of its own, or all as one JSON object"
                             : "give one word, as plain text or JSON");
  flow_buf_free(&text);
  return FLOW_E_USAGE;
}

static bool read_words(struct key_parser *p, const struct flow_type *type,
                       const char *const *words, size_t count, struct flow_buf *key,
                       struct flow_report *report) {
  bool is_parts = type->kind == FLOW_KIND_RECORD && !(count == 1 && words[0][0] == '{');
  size_t wanted = is_parts ? type->field_count : 1;
  if (count != wanted) {
    flow_report_fail(report, FLOW_E_USAGE, "a key is %zu word%s here, and %zu %s given", wanted,
                     wanted == 1 ? "" : "s", count, count == 1 ? "is" : "are");
    return false;
  }
  for (size_t i = 0; i < count; i++) {
    const struct flow_type *part = is_parts ? type->fields[i].type : type;
    if (read_word(p, part, words[i], key)) continue;
    flow_report_fail(report, FLOW_E_USAGE, "`%.200s` is no key: %s%s%s%s", words[i],
                     is_parts ? "field `" : "", is_parts ? type->fields[i].name : "",
                     is_parts ? "`: " : "", p->bad.reason);
    return false;
  }
  return true;
}

enum flow_status flow_view_parse_key(const struct flow_type *type, const char *const *words,
                                     size_t count, struct flow_buf *key,
                                     struct flow_report *report) {
  static const char *const nothing = "null";
  if (count == 0 && type->kind == FLOW_KIND_UNIT) {
    words = &nothing;
    count = 1;
  }
  if (count == 0) {
    flow_report_fail(report, FLOW_E_USAGE, "no key is given");
    return wrong_key(type, report);
  }
  struct key_parser p = {.json = {.mem = flow_mem_arena_new(flow_sys_posix())}};
  bool ok = read_words(&p, type, words, count, key, report);
  flow_mem_delete(p.json.mem);
  return ok ? FLOW_OK : wrong_key(type, report);
}
