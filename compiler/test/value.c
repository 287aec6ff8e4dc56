#include "test/value.h"

#include <stdlib.h>
#include <string.h>

/* What is read, and where it goes. */
struct writer {
  enum value_form form;
  const char *at, *end;
  struct text *out;
};

static void write_value(struct writer *w, const struct type *type, int64_t unit_us);

/* -- JSON ------------------------------------------------------------------------------------ */

static void skip_blanks(struct writer *w) {
  while (w->at < w->end && (*w->at == ' ' || *w->at == ',' || *w->at == ':')) w->at++;
}

/* Whether the next character that counts is this one. */
static bool is_next(struct writer *w, char byte) {
  skip_blanks(w);
  return w->at < w->end && *w->at == byte;
}

static bool take(struct writer *w, char byte) {
  if (!is_next(w, byte)) return false;
  w->at++;
  return true;
}

/* Moves behind the next string, number, word, object or array. */
static void skip_value(struct writer *w) {
  skip_blanks(w);
  int depth = 0;
  bool is_text = false;
  for (; w->at < w->end; w->at++) {
    char byte = *w->at;
    if (is_text && byte == '\\') {
      w->at++;
    } else if (byte == '"') {
      is_text = !is_text;
      if (!is_text && depth == 0) {
        w->at++;
        return;
      }
    } else if (!is_text && (byte == '{' || byte == '[')) {
      depth++;
    } else if (!is_text && (byte == '}' || byte == ']')) {
      if (depth == 0) return; /* the end of what encloses a number or word */
      if (--depth == 0) {
        w->at++;
        return;
      }
    } else if (!is_text && depth == 0 && (byte == ',' || byte == ' ' || byte == ':')) {
      return;
    }
  }
  w->at = w->end; /* an escape may have gone one too far */
}

static struct value next_value(struct writer *w, const struct type *type) {
  skip_blanks(w);
  const char *start = w->at;
  skip_value(w);
  return (struct value){type, start, (size_t)(w->at - start)};
}

static void copy_value(struct writer *w) {
  struct value value = next_value(w, NULL);
  text_addn(w->out, value.json, value.length);
}

static unsigned hex_digits(const char *digits) {
  unsigned number = 0;
  for (int i = 0; i < 4; i++) {
    char digit = digits[i];
    number = number * 16 + (unsigned)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
  }
  return number;
}

/* The text of a JSON string. Ours escape control characters only, so there are no surrogates. */
static void unescape(const struct value *value, struct text *out) {
  static const char letters[] = "bfnrt", bytes[] = "\b\f\n\r\t";
  for (size_t i = 1; i + 1 < value->length; i++) {
    char byte = value->json[i];
    if (byte != '\\') {
      text_addc(out, byte);
      continue;
    }
    byte = value->json[++i];
    const char *letter = strchr(letters, byte);
    if (byte == 'u' && i + 4 < value->length) {
      text_addc(out, (char)hex_digits(value->json + i + 1));
      i += 4;
    } else {
      text_addc(out, letter != NULL ? bytes[letter - letters] : byte);
    }
  }
}

static bool is_text(const struct value *value) {
  return value->length >= 2 && value->json[0] == '"';
}

static struct text text_of(struct arena *arena, const struct value *value) {
  struct text text;
  text_init(&text, arena);
  if (is_text(value)) {
    unescape(value, &text);
  } else {
    text_addn(&text, value->json, value->length);
  }
  return text;
}

/* -- scalars --------------------------------------------------------------------------------- */

/* A string literal of the language. */
static void show_string(struct writer *w, const struct value *value) {
  struct text text = text_of(w->out->arena, value);
  text_addc(w->out, '"');
  for (size_t i = 0; i < text.length; i++) {
    unsigned char byte = (unsigned char)text.data[i];
    const char *escape = byte == '\n'   ? "\\n"
                         : byte == '\t' ? "\\t"
                         : byte == '\r' ? "\\r"
                         : byte == '"'  ? "\\\""
                         : byte == '\\' ? "\\\\"
                                        : NULL;
    if (escape != NULL) {
      text_add(w->out, escape);
    } else if (byte < 0x20) {
      text_addf(w->out, "\\u{%x}", byte);
    } else {
      text_addc(w->out, (char)byte);
    }
  }
  text_addc(w->out, '"');
}

/* The number between two separators of a timestamp. */
static int64_t digits(const char **at, int count) {
  int64_t number = 0;
  for (; count > 0 && **at >= '0' && **at <= '9'; count--) number = number * 10 + *(*at)++ - '0';
  return number;
}

/* Days from 1970-01-01 to a day of the proleptic Gregorian calendar: years begin in March, so that
 * the leap day is the last. */
static int64_t days_from(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "2024-01-01T00:00:00.25Z", as programs print it, in microseconds since 1970. */
static int64_t timestamp_us(const char *at) {
  int64_t part[6];
  for (int i = 0; i < 6; i++) {
    part[i] = digits(&at, i == 0 ? 4 : 2);
    if (i < 5) at++;
  }
  int64_t fraction = 0;
  if (*at == '.') {
    at++;
    for (int64_t place = 100000; *at >= '0' && *at <= '9'; place /= 10)
      fraction += (*at++ - '0') * place;
  }
  int64_t seconds =
      days_from(part[0], part[1], part[2]) * 86400 + part[3] * 3600 + part[4] * 60 + part[5];
  return seconds * 1000000 + fraction;
}

static void write_timestamp(struct writer *w, const struct value *value, int64_t unit_us) {
  struct text text = text_of(w->out->arena, value);
  if (w->form == VALUE_SHOWN) {
    text_addf(w->out, "@%s", text.data);
  } else if (w->form == VALUE_FED && unit_us > 0) {
    text_addf(w->out, "%lld", (long long)(timestamp_us(text.data) / unit_us));
  } else {
    text_addn(w->out, value->json, value->length);
  }
}

/* Bytes, which come in base64: the language writes them in hexadecimal digits. */
static void show_bytes(struct writer *w, const struct value *value) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  unsigned bits = 0, count = 0;
  text_add(w->out, "parse_hex(\"");
  for (size_t i = 1; i + 1 < value->length && value->json[i] != '='; i++) {
    const char *letter = strchr(alphabet, value->json[i]);
    bits = (bits << 6 | (unsigned)(letter - alphabet)) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    text_addf(w->out, "%02x", bits >> count & 0xff);
  }
  text_add(w->out, "\")");
}

static void write_scalar(struct writer *w, const struct type *type, int64_t unit_us) {
  struct value value = next_value(w, type);
  if (type->kind == TYPE_STRING && w->form == VALUE_SHOWN) {
    show_string(w, &value);
  } else if (type->kind == TYPE_BYTES && w->form == VALUE_SHOWN) {
    show_bytes(w, &value);
  } else if (type->kind == TYPE_TIMESTAMP) {
    write_timestamp(w, &value, unit_us);
  } else if (type->kind == TYPE_DURATION && w->form == VALUE_SHOWN) {
    unescape(&value, w->out);
  } else if (type->kind == TYPE_FLOAT && w->form == VALUE_COMPARED && value.length == 4 &&
             memcmp(value.json, "-0.0", 4) == 0) {
    text_add(w->out, "0.0"); /* they are equal */
  } else if (type->kind == TYPE_DECIMAL && w->form == VALUE_COMPARED) {
    /* Decimals have one scale where they are compared, unless the row may be of any type: then the
     * literal that stands for one was taken for a float. */
    size_t length = value.length;
    while (length > 2 && value.json[length - 1] == '0' && value.json[length - 2] != '.') length--;
    text_addn(w->out, value.json, memchr(value.json, '.', length) ? length : value.length);
  } else {
    text_addn(w->out, value.json, value.length);
  }
}

/* -- collections ----------------------------------------------------------------------------- */

VEC_OF(texts, const char *);

static int compare_texts(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void write_joined(struct writer *w, struct texts *parts, bool is_sorted) {
  if (is_sorted && parts->count > 1)
    qsort(parts->data, parts->count, sizeof *parts->data, compare_texts);
  text_addc(w->out, '[');
  for (size_t i = 0; i < parts->count; i++) {
    if (i > 0) text_add(w->out, ", ");
    text_add(w->out, parts->data[i]);
  }
  text_addc(w->out, ']');
}

/* The next value in the writer's form, as a text of its own. */
static const char *next_text(struct writer *w, const struct type *type) {
  struct text text;
  text_init(&text, w->out->arena);
  struct writer inner = {w->form, w->at, w->end, &text};
  write_value(&inner, type, 0);
  w->at = inner.at;
  return text.data;
}

static void write_list(struct writer *w, const struct type *type) {
  struct texts parts = {0};
  take(w, '[');
  while (w->at < w->end && !take(w, ']')) vec_push(w->out->arena, &parts, next_text(w, type->elem));
  write_joined(w, &parts, type->kind == TYPE_SET && w->form == VALUE_COMPARED);
}

/* The key of a map that was printed as an object: a text that spells an int, or stands for itself. */
static const char *object_key(struct writer *w, const struct type *type) {
  struct value key = next_value(w, type);
  if (type->kind == TYPE_INT) return text_of(w->out->arena, &key).data;
  struct writer inner = {w->form, key.json, key.json + key.length, w->out};
  return next_text(&inner, type);
}

static void write_map(struct writer *w, const struct type *type) {
  if (w->form == VALUE_FED) {
    copy_value(w);
    return;
  }
  struct arena *arena = w->out->arena;
  struct texts parts = {0};
  bool is_object = take(w, '{');
  if (!is_object) take(w, '[');
  while (w->at < w->end && !take(w, is_object ? '}' : ']')) {
    if (!is_object) take(w, '[');
    const char *key = is_object ? object_key(w, type->key) : next_text(w, type->key);
    const char *value = next_text(w, type->elem);
    if (!is_object) take(w, ']');
    vec_push(arena, &parts, arena_printf(arena, "%s: %s", key, value));
  }
  write_joined(w, &parts, w->form == VALUE_COMPARED);
}

/* -- records and variants -------------------------------------------------------------------- */

static bool is_named(const struct value *name, const char *wanted) {
  return name->length == strlen(wanted) + 2 &&
         memcmp(name->json + 1, wanted, name->length - 2) == 0;
}

static const struct type_field *find_field(const struct type *record, const struct value *name) {
  vec_each(struct type_field, field, &record->fields) if (is_named(name, field->name)) return field;
  return NULL;
}

static void write_name(struct writer *w, const struct type_field *field, const struct value *name) {
  if (w->form == VALUE_SHOWN && field != NULL) {
    text_add(w->out, field->name);
  } else if (w->form == VALUE_FED && field != NULL && field->from != NULL) {
    text_add_quoted_json(w->out, field->from, strlen(field->from));
  } else {
    text_addn(w->out, name->json, name->length);
  }
  text_add(w->out, ": ");
}

/* Fields up to the closing brace. */
static void write_fields(struct writer *w, const struct type *record, bool is_first) {
  for (; w->at < w->end && !take(w, '}'); is_first = false) {
    struct value name = next_value(w, NULL);
    const struct type_field *field = find_field(record, &name);
    if (!is_first) text_add(w->out, ", ");
    write_name(w, field, &name);
    if (field != NULL) {
      write_value(w, field->type, field->unit_us);
    } else {
      copy_value(w);
    }
  }
}

static void write_record(struct writer *w, const struct type *type) {
  take(w, '{');
  bool is_padded = w->form == VALUE_SHOWN && !is_next(w, '}');
  text_add(w->out, is_padded ? "{ " : "{");
  write_fields(w, type, true);
  text_add(w->out, is_padded ? " }" : "}");
}

static const struct type_variant *find_variant(const struct type *type, const struct value *name) {
  vec_each(struct type_variant, variant,
           &type->variants) if (is_named(name, variant->from != NULL
                                                   ? variant->from
                                                   : variant->name)) return variant;
  return NULL;
}

/* `"order"`, or `{"circle": {"r": 1.0}}`. */
static void write_variant(struct writer *w, const struct type *type) {
  bool is_object = is_next(w, '{');
  struct writer ahead = *w;
  if (is_object) take(&ahead, '{');
  struct value name = next_value(&ahead, NULL);
  const struct type_variant *variant = find_variant(type, &name);
  bool is_known = variant != NULL && (!is_object || variant->payload != NULL);
  if (!is_known || (w->form != VALUE_SHOWN && !is_object)) {
    copy_value(w);
    return;
  }
  w->at = ahead.at;
  if (w->form == VALUE_SHOWN) {
    text_add(w->out, variant->name);
    if (!is_object) return;
    take(w, '{');
    text_addc(w->out, '(');
    write_fields(w, variant->payload, true);
    text_addc(w->out, ')');
  } else {
    text_addf(w->out, "{%.*s: ", (int)name.length, name.json);
    write_record(w, variant->payload);
    text_addc(w->out, '}');
  }
  take(w, '}');
}

/* `{"type": "circle", "r": 1.0}`; a variant without fields has the tag only. */
static void write_tagged(struct writer *w, const struct type *type) {
  struct writer ahead = *w;
  take(&ahead, '{');
  struct value tag = next_value(&ahead, NULL), name = next_value(&ahead, NULL);
  const struct type_variant *variant = find_variant(type, &name);
  if (variant == NULL || variant->payload == NULL) {
    if (variant != NULL && w->form == VALUE_SHOWN) {
      text_add(w->out, variant->name);
      skip_value(w);
    } else {
      copy_value(w);
    }
    return;
  }
  bool is_shown = w->form == VALUE_SHOWN;
  w->at = ahead.at;
  if (is_shown) {
    text_addf(w->out, "%s(", variant->name);
  } else {
    text_addf(w->out, "{%.*s: %.*s", (int)tag.length, tag.json, (int)name.length, name.json);
  }
  write_fields(w, variant->payload, is_shown);
  text_addc(w->out, is_shown ? ')' : '}');
}

static void write_value(struct writer *w, const struct type *type, int64_t unit_us) {
  bool is_null = is_next(w, 'n') && w->end - w->at >= 4 && memcmp(w->at, "null", 4) == 0;
  if (type->kind == TYPE_OPTIONAL && is_null) {
    w->at += 4;
    text_add(w->out, w->form == VALUE_SHOWN ? "none" : "null");
    return;
  }
  switch (type->kind) {
  case TYPE_OPTIONAL: write_value(w, type->elem, unit_us); return;
  case TYPE_LIST:
  case TYPE_SET: write_list(w, type); return;
  case TYPE_MAP: write_map(w, type); return;
  case TYPE_RECORD: write_record(w, type); return;
  case TYPE_ENUM:
    if (type->tag != NULL)
      write_tagged(w, type);
    else
      write_variant(w, type);
    return;
  default: write_scalar(w, type, unit_us); return;
  }
}

void value_write(enum value_form form, const struct type *type, const char *json, size_t length,
                 struct text *out) {
  struct writer w = {form, json, json + length, out};
  write_value(&w, type, 0);
}

void value_split(struct arena *arena, const struct type *list, const char *json, size_t length,
                 struct value_list *items) {
  struct writer w = {VALUE_COMPARED, json, json + length, NULL};
  take(&w, '[');
  while (w.at < w.end && !take(&w, ']')) vec_push(arena, items, next_value(&w, list->elem));
}

/* -- lines and cells ------------------------------------------------------------------------- */

void value_write_line(const struct value *value, struct text *out) {
  struct text text = text_of(out->arena, value);
  text_addn(out, text.data, text.length);
}

/* A cell, in quotes where they are needed; an empty text has them, because nothing means `none`. */
static void write_cell(const struct type_field *field, const struct value *value, char delimiter,
                       struct text *out) {
  bool is_absent = value->length == 4 && memcmp(value->json, "null", 4) == 0;
  if (is_absent && field->type->kind == TYPE_OPTIONAL) return;
  struct text fed;
  text_init(&fed, out->arena);
  struct writer w = {VALUE_FED, value->json, value->json + value->length, &fed};
  write_value(&w, field->type, field->unit_us);
  const struct value as_fed = {field->type, fed.data, fed.length};
  struct text text = text_of(out->arena, &as_fed);
  bool is_quoted = text.length == 0;
  for (size_t i = 0; i < text.length; i++) {
    char byte = text.data[i];
    is_quoted |= byte == delimiter || byte == '"' || byte == '\n' || byte == '\r';
  }
  if (is_quoted) text_addc(out, '"');
  for (size_t i = 0; i < text.length; i++) {
    if (text.data[i] == '"') text_addc(out, '"');
    text_addc(out, text.data[i]);
  }
  if (is_quoted) text_addc(out, '"');
}

/* The field that belongs into a column. */
static size_t field_of_column(const struct type *record, const char *const *columns,
                              size_t column) {
  if (columns == NULL) return column;
  for (size_t i = 0; i < record->fields.count; i++) {
    const struct type_field *field = &record->fields.data[i];
    if (strcmp(field->from != NULL ? field->from : field->name, columns[column]) == 0) return i;
  }
  return record->fields.count;
}

void value_write_row(const struct value *value, char delimiter, const char *const *columns,
                     size_t column_count, struct text *out) {
  const struct type *record = value->type;
  struct value_list cells = {0};
  struct writer w = {VALUE_FED, value->json, value->json + value->length, NULL};
  take(&w, '{');
  if (record->kind == TYPE_ENUM) { /* the tag is the first column, before the variant's fields */
    next_value(&w, NULL);
    struct value name = next_value(&w, NULL);
    const struct type_variant *variant = find_variant(record, &name);
    record = variant != NULL ? variant->payload : NULL;
    struct text text = text_of(out->arena, &name);
    text_addn(out, text.data, text.length);
    if (record != NULL) text_addc(out, delimiter);
  }
  while (w.at < w.end && !take(&w, '}')) {
    next_value(&w, NULL); /* the name: fields come in their order */
    vec_push(out->arena, &cells, next_value(&w, NULL));
  }
  size_t count = columns != NULL ? column_count : cells.count;
  for (size_t i = 0; record != NULL && i < count; i++) {
    if (i > 0) text_addc(out, delimiter);
    size_t field = field_of_column(record, columns, i);
    if (field < cells.count && field < record->fields.count)
      write_cell(&record->fields.data[field], &cells.data[field], delimiter, out);
  }
  text_addc(out, '\n');
}
