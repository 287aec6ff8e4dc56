/* Types as text, and values of a type. schema_diff.c compares types and rewrites values. */
#include "schema.h"

#include "flow/decimal.h"
#include "flow/json_value.h"

#include <stdio.h>
#include <string.h>

/* -- the pool: blocks that are freed together */

#define POOL_BLOCK ((size_t)8192)

struct pool_block {
  struct pool_block *next;
  size_t used, size;
  _Alignas(16) char data[];
};

struct flow_schema_pool {
  const struct flow_sys *sys;
  struct pool_block *blocks;
  bool is_short; /* of memory: something was refused */
};

struct flow_schema_pool *flow_schema_pool_new(const struct flow_sys *sys) {
  struct flow_schema_pool *pool = sys->alloc(sys, sizeof *pool);
  if (pool != NULL) *pool = (struct flow_schema_pool){.sys = sys};
  return pool;
}

void flow_schema_pool_free(struct flow_schema_pool *pool) {
  if (pool == NULL) return;
  struct pool_block *next;
  for (struct pool_block *block = pool->blocks; block != NULL; block = next) {
    next = block->next;
    pool->sys->free(pool->sys, block);
  }
  pool->sys->free(pool->sys, pool);
}

void *flow_schema_alloc(struct flow_schema_pool *pool, size_t size) {
  size = (size + 15) & ~(size_t)15;
  struct pool_block *block = pool->blocks;
  if (block == NULL || block->size - block->used < size) {
    size_t room = size > POOL_BLOCK ? size : POOL_BLOCK;
    block = pool->sys->alloc(pool->sys, sizeof *block + room);
    if (block == NULL) {
      pool->is_short = true;
      return NULL;
    }
    block->next = pool->blocks;
    block->used = 0;
    block->size = room;
    pool->blocks = block;
  }
  void *memory = block->data + block->used;
  block->used += size;
  return memset(memory, 0, size);
}

bool flow_schema_pool_is_short(const struct flow_schema_pool *pool) {
  return pool->is_short;
}

/* -- printing */

static const char *const kind_names[] = {
    [FLOW_KIND_UNIT] = "unit",       [FLOW_KIND_INT] = "int",
    [FLOW_KIND_FLOAT] = "float",     [FLOW_KIND_BOOL] = "bool",
    [FLOW_KIND_DECIMAL] = "decimal", [FLOW_KIND_JSON] = "json",
    [FLOW_KIND_STRING] = "string",   [FLOW_KIND_BYTES] = "bytes",
    [FLOW_KIND_TIMESTAMP] = "timestamp", [FLOW_KIND_DURATION] = "duration",
    [FLOW_KIND_OPT] = "?",           [FLOW_KIND_LIST] = "list",
    [FLOW_KIND_SET] = "set",         [FLOW_KIND_MAP] = "map",
    [FLOW_KIND_RECORD] = "record",   [FLOW_KIND_ENUM] = "enum",
    [FLOW_KIND_TIMED] = "timed",
};

static void add_text(struct flow_buf *out, const char *text) {
  flow_buf_add(out, text, strlen(text));
}

static void print_type(struct flow_buf *out, const struct flow_type *type, int depth, bool is_full);

static bool is_in_word(char c) {
  return (unsigned char)c > ' ' && strchr("{}[],:=?\"`", c) == NULL;
}

/* A name that is no word, as fields of made states have them, stands in backquotes; those inside are doubled. */
static void print_name(struct flow_buf *out, const char *name, const char *was) {
  bool is_word = name[0] != '\0';
  for (const char *p = name; *p != '\0'; p++) is_word = is_word && is_in_word(*p);
  if (is_word) add_text(out, name);
  if (!is_word) flow_buf_add(out, "`", 1);
  for (const char *p = name; *p != '\0' && !is_word; p++) flow_buf_add(out, *p == '`' ? "``" : p, *p == '`' ? 2 : 1);
  if (!is_word) flow_buf_add(out, "`", 1);
  if (was == NULL) return;
  add_text(out, " was \"");
  add_text(out, was);
  add_text(out, "\"");
}

static void print_fields(struct flow_buf *out, const struct flow_field *fields, uint32_t count,
                         int depth, bool is_full) {
  add_text(out, "{");
  for (uint32_t i = 0; i < count; i++) {
    add_text(out, i == 0 ? " " : ", ");
    print_name(out, fields[i].name, fields[i].was);
    add_text(out, ": ");
    print_type(out, fields[i].type, depth, is_full);
    if (fields[i].default_bytes == NULL || !is_full) continue;
    add_text(out, " = 0x");
    for (size_t k = 0; k < fields[i].default_length; k++) {
      char hex[3];
      snprintf(hex, sizeof hex, "%02x", (unsigned)(unsigned char)fields[i].default_bytes[k]);
      add_text(out, hex);
    }
  }
  add_text(out, count == 0 ? "}" : " }");
}

static void print_variants(struct flow_buf *out, const struct flow_type *type, int depth,
                           bool is_full) {
  add_text(out, "{");
  for (uint32_t i = 0; i < type->variant_count; i++) {
    const struct flow_variant *variant = &type->variants[i];
    add_text(out, i == 0 ? " " : ", ");
    print_name(out, variant->name, variant->was);
    if (variant->field_count == 0) continue;
    add_text(out, " ");
    print_fields(out, variant->fields, variant->field_count, depth, is_full);
  }
  add_text(out, type->variant_count == 0 ? "}" : " }");
}

static void print_timed(struct flow_buf *out, const struct flow_type *type, int depth, bool is_full) {
  char since[40];
  if (is_full) add_text(out, "timed[");
  print_type(out, type->element, depth + 1, is_full);
  snprintf(since, sizeof since, "] since %lld", (long long)type->since_us);
  if (is_full)
    add_text(out, type->by_time ? "] by time" : since);
  else
    add_text(out, type->by_time ? " expires by event time" : " expires");
}

static void print_type(struct flow_buf *out, const struct flow_type *type, int depth, bool is_full) {
  if (depth >= FLOW_SCHEMA_DEPTH) { /* not a type that parse reads back, so nobody can store it */
    add_text(out, "...");
    return;
  }
  switch (type->kind) {
    case FLOW_KIND_OPT:
      print_type(out, type->element, depth + 1, is_full);
      add_text(out, "?");
      return;
    case FLOW_KIND_LIST:
    case FLOW_KIND_SET:
    case FLOW_KIND_MAP:
      add_text(out, kind_names[type->kind]);
      add_text(out, "[");
      if (type->kind == FLOW_KIND_MAP) {
        print_type(out, type->key, depth + 1, is_full);
        add_text(out, ", ");
      }
      print_type(out, type->element, depth + 1, is_full);
      add_text(out, "]");
      return;
    case FLOW_KIND_RECORD:
    case FLOW_KIND_ENUM:
      add_text(out, kind_names[type->kind]);
      add_text(out, " ");
      if (type->name != NULL) {
        add_text(out, type->name);
        add_text(out, " ");
      }
      if (type->kind == FLOW_KIND_RECORD)
        print_fields(out, type->fields, type->field_count, depth + 1, is_full);
      else
        print_variants(out, type, depth + 1, is_full);
      return;
    case FLOW_KIND_TIMED: print_timed(out, type, depth, is_full); return;
    case FLOW_KIND_DECIMAL:
      add_text(out, "decimal[");
      flow_print_int(out, type->scale);
      add_text(out, "]");
      return;
    default: add_text(out, kind_names[type->kind]); return;
  }
}

void flow_schema_print(struct flow_buf *out, const struct flow_type *type) {
  print_type(out, type, 0, true);
}

void flow_schema_show(struct flow_buf *out, const struct flow_type *type) {
  print_type(out, type, 0, false);
}

/* -- parsing: recursive descent over exactly the form above */

struct parser {
  struct flow_schema_pool *pool;
  const char *p, *end;
};

static const struct flow_type *parse_type(struct parser *in, int depth);

static bool accept(struct parser *in, const char *text) {
  size_t length = strlen(text);
  if ((size_t)(in->end - in->p) < length || memcmp(in->p, text, length) != 0) return false;
  in->p += length;
  return true;
}

/* What stands between backquotes; null where that is a word, which is printed without. */
static const char *parse_quoted(struct parser *in) {
  const char *start = ++in->p;
  size_t quotes = 0;
  bool is_word = true;
  for (; in->p != in->end && *in->p != '\0'; in->p++) {
    is_word = is_word && (*in->p == '`' || is_in_word(*in->p));
    if (*in->p != '`') continue;
    if (in->p + 1 == in->end || in->p[1] != '`') break;
    in->p++;
    quotes++;
  }
  size_t length = (size_t)(in->p - start) - quotes;
  is_word = is_word && quotes == 0 && length > 0;
  char *name = is_word || !accept(in, "`") ? NULL : flow_schema_alloc(in->pool, length + 1);
  for (size_t i = 0; name != NULL && i < length; i++, start++) {
    if (*start == '`') start++;
    name[i] = *start;
  }
  return name;
}

/* A word ends where the punctuation of the text begins. */
static const char *parse_name(struct parser *in) {
  const char *start = in->p;
  if (in->p != in->end && *in->p == '`') return parse_quoted(in);
  while (in->p != in->end && is_in_word(*in->p)) in->p++;
  size_t length = (size_t)(in->p - start);
  if (length == 0) return NULL;
  char *name = flow_schema_alloc(in->pool, length + 1);
  if (name != NULL) memcpy(name, start, length);
  return name;
}

static bool parse_was(struct parser *in, const char **was) {
  if (!accept(in, " was \"")) return true;
  *was = parse_name(in);
  return *was != NULL && accept(in, "\"");
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

static bool parse_default(struct parser *in, struct flow_field *field) {
  if (!accept(in, " = 0x")) return true;
  const char *start = in->p;
  while (in->p != in->end && hex_digit(*in->p) >= 0) in->p++;
  size_t digits = (size_t)(in->p - start);
  if (digits % 2 != 0) return false;
  char *bytes = flow_schema_alloc(in->pool, digits / 2 + 1);
  if (bytes == NULL) return false;
  for (size_t i = 0; i < digits / 2; i++)
    bytes[i] = (char)(hex_digit(start[2 * i]) * 16 + hex_digit(start[2 * i + 1]));
  field->default_bytes = bytes;
  field->default_length = digits / 2;
  return flow_schema_check(field->type, bytes, digits / 2);
}

/* An array in the pool that grows by doubling; the old one stays behind until the pool is freed. */
static void *grown(struct parser *in, void *items, uint32_t count, uint32_t *capacity,
                   size_t size) {
  if (count < *capacity) return items;
  uint32_t wanted = *capacity == 0 ? 8 : *capacity * 2;
  void *moved = flow_schema_alloc(in->pool, wanted * size);
  if (moved == NULL) return NULL;
  if (count != 0) memcpy(moved, items, count * size);
  *capacity = wanted;
  return moved;
}

static bool parse_fields(struct parser *in, const struct flow_field **fields, uint32_t *count,
                         int depth) {
  struct flow_field *items = NULL;
  uint32_t used = 0, capacity = 0;
  if (!accept(in, "{")) return false;
  while (accept(in, used == 0 ? " " : ", ")) {
    items = grown(in, items, used, &capacity, sizeof *items);
    if (items == NULL) return false;
    struct flow_field *field = &items[used++];
    field->name = parse_name(in);
    if (field->name == NULL || !parse_was(in, &field->was) || !accept(in, ": ")) return false;
    field->type = parse_type(in, depth);
    if (field->type == NULL || !parse_default(in, field)) return false;
  }
  *fields = items;
  *count = used;
  return accept(in, used == 0 ? "}" : " }");
}

static bool parse_variants(struct parser *in, struct flow_type *type, int depth) {
  struct flow_variant *items = NULL;
  uint32_t used = 0, capacity = 0;
  if (!accept(in, "{")) return false;
  while (accept(in, used == 0 ? " " : ", ")) {
    items = grown(in, items, used, &capacity, sizeof *items);
    if (items == NULL) return false;
    struct flow_variant *variant = &items[used++];
    variant->name = parse_name(in);
    if (variant->name == NULL || !parse_was(in, &variant->was)) return false;
    const char *mark = in->p;
    if (accept(in, " {")) {
      in->p = mark + 1;
      if (!parse_fields(in, &variant->fields, &variant->field_count, depth)) return false;
      if (variant->field_count == 0) return false;
    }
  }
  type->variants = items;
  type->variant_count = used;
  return accept(in, used == 0 ? "}" : " }");
}

static bool parse_timed(struct parser *in, struct flow_type *type, int depth) {
  if (!accept(in, "[")) return false;
  type->element = parse_type(in, depth + 1);
  if (type->element == NULL) return false;
  type->by_time = accept(in, "] by time");
  if (type->by_time) return true;
  if (!accept(in, "] since ")) return false;
  bool is_negative = accept(in, "-");
  uint64_t number = 0;
  const char *start = in->p;
  for (; in->p != in->end && *in->p >= '0' && *in->p <= '9'; in->p++) {
    if (number > INT64_MAX / 10 - 1) return false; /* beyond all times that there are */
    number = 10 * number + (uint64_t)(*in->p - '0');
  }
  type->since_us = is_negative ? -(int64_t)number : (int64_t)number;
  return in->p != start;
}

/* "[2]", spelt as it is printed. */
static bool parse_scale(struct parser *in, uint32_t *scale) {
  if (!accept(in, "[")) return false;
  const char *start = in->p;
  *scale = 0;
  while (in->p != in->end && *in->p >= '0' && *in->p <= '9' && in->p - start < 2)
    *scale = *scale * 10 + (uint32_t)(*in->p++ - '0');
  bool is_spelt_so = in->p != start && (*start != '0' || in->p - start == 1);
  return is_spelt_so && *scale <= FLOW_DECIMAL_SCALE && accept(in, "]");
}

static bool parse_body(struct parser *in, struct flow_type *type, int depth) {
  switch (type->kind) {
    case FLOW_KIND_MAP:
    case FLOW_KIND_LIST:
    case FLOW_KIND_SET:
      if (!accept(in, "[")) return false;
      if (type->kind == FLOW_KIND_MAP) {
        type->key = parse_type(in, depth + 1);
        if (type->key == NULL || !accept(in, ", ")) return false;
      }
      type->element = parse_type(in, depth + 1);
      return type->element != NULL && accept(in, "]");
    case FLOW_KIND_DECIMAL: return parse_scale(in, &type->scale);
    case FLOW_KIND_RECORD:
    case FLOW_KIND_ENUM:
      if (!accept(in, " ")) return false;
      if (in->p != in->end && *in->p != '{') {
        type->name = parse_name(in);
        if (type->name == NULL || !accept(in, " ")) return false;
      }
      if (type->kind == FLOW_KIND_ENUM) return parse_variants(in, type, depth + 1);
      return parse_fields(in, &type->fields, &type->field_count, depth + 1);
    case FLOW_KIND_TIMED: return parse_timed(in, type, depth);
    default: return true;
  }
}

static const struct flow_type *parse_type(struct parser *in, int depth) {
  if (depth >= FLOW_SCHEMA_DEPTH) return NULL;
  struct flow_type *type = flow_schema_alloc(in->pool, sizeof *type);
  if (type == NULL) return NULL;
  const char *start = in->p;
  while (in->p != in->end && *in->p >= 'a' && *in->p <= 'z') in->p++;
  size_t length = (size_t)(in->p - start), kind = 0, kinds = sizeof kind_names / sizeof *kind_names;
  while (kind < kinds &&
         (strlen(kind_names[kind]) != length || memcmp(kind_names[kind], start, length) != 0))
    kind++;
  if (kind == kinds) return NULL;
  type->kind = (enum flow_kind)kind;
  if (!parse_body(in, type, depth)) return NULL;
  while (accept(in, "?")) {
    struct flow_type *outer = flow_schema_alloc(in->pool, sizeof *outer);
    if (outer == NULL || ++depth >= FLOW_SCHEMA_DEPTH) return NULL;
    outer->kind = FLOW_KIND_OPT;
    outer->element = type;
    type = outer;
  }
  return type;
}

const struct flow_type *flow_schema_parse(struct flow_schema_pool *pool, const char *text,
                                          size_t length) {
  struct parser in = {.pool = pool, .p = text, .end = text + length};
  const struct flow_type *type = parse_type(&in, 0);
  return in.p == in.end ? type : NULL;
}

/* -- values */

static void skip_fields(struct flow_reader *r, const struct flow_field *fields, uint32_t count) {
  for (uint32_t i = 0; i < count && r->ok; i++) flow_schema_skip(r, fields[i].type);
}

void flow_schema_skip(struct flow_reader *r, const struct flow_type *type) {
  size_t length;
  switch (type->kind) {
    case FLOW_KIND_UNIT:
      if (flow_get_byte(r) != 0) flow_reader_fail(r);
      return;
    case FLOW_KIND_INT:
    case FLOW_KIND_DECIMAL:
    case FLOW_KIND_TIMESTAMP:
    case FLOW_KIND_DURATION: flow_get_int(r); return;
    case FLOW_KIND_FLOAT: flow_get_float(r); return;
    case FLOW_KIND_BOOL: flow_get_bool(r); return;
    case FLOW_KIND_STRING:
    case FLOW_KIND_BYTES: flow_get_bytes(r, &length); return;
    case FLOW_KIND_JSON: {
      const char *text = flow_get_bytes(r, &length);
      if (r->ok && !flow_json_value_check(text, length)) flow_reader_fail(r);
      return;
    }
    case FLOW_KIND_OPT:
      if (flow_get_bool(r)) flow_schema_skip(r, type->element);
      return;
    case FLOW_KIND_LIST:
    case FLOW_KIND_SET:
    case FLOW_KIND_MAP:
      for (uint64_t n = flow_get_count(r); n > 0 && r->ok; n--) {
        if (type->kind == FLOW_KIND_MAP) flow_schema_skip(r, type->key);
        flow_schema_skip(r, type->element);
      }
      return;
    case FLOW_KIND_RECORD:
      if (type->field_count == 0 && flow_get_byte(r) != 0) flow_reader_fail(r);
      skip_fields(r, type->fields, type->field_count);
      return;
    case FLOW_KIND_ENUM: {
      uint32_t variant = flow_get_variant(r, type->variant_count);
      if (r->ok) skip_fields(r, type->variants[variant].fields, type->variants[variant].field_count);
      return;
    }
    case FLOW_KIND_TIMED:
      flow_schema_skip(r, type->element);
      flow_get_int(r);
      return;
  }
}

bool flow_schema_check(const struct flow_type *type, const void *data, size_t length) {
  struct flow_reader r = flow_reader_of(data, length);
  flow_schema_skip(&r, type);
  return flow_reader_done(&r);
}
