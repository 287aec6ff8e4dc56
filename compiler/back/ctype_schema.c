/* Type descriptors of saved values: `static const struct flow_type` trees (flow/schema.h), with the
 * constant defaults of fields in binary form (flow/codec.h), which migrations of saved state use. */
#include "back/ctype.h"

#include <string.h>

/* -- constants in binary form ---------------------------------------------------------------- */

static void put_varint(struct text *out, uint64_t value) {
  while (value >= 0x80) {
    text_addc(out, (char)(value | 0x80));
    value >>= 7;
  }
  text_addc(out, (char)value);
}

static void put_int(struct text *out, int64_t value) {
  put_varint(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static void put_float(struct text *out, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  for (int i = 0; i < 8; i++) text_addc(out, (char)(bits >> (8 * i)));
}

static const struct expr *constant_behind(const struct expr *value) {
  while (value->kind == EXPR_NAME && value->name.ref == REF_CONST) value = value->name.decl->value;
  return value;
}

/* Arithmetic on constants has been done by the checker: what is left are literals. */
static bool is_integer(const struct expr *value) {
  return value->kind == EXPR_INT || value->kind == EXPR_DECIMAL || value->kind == EXPR_DURATION ||
         value->kind == EXPR_TIMESTAMP;
}

static bool put_fields(struct arena *arena, struct text *out,
                       const struct record_field_list *values, const struct type *record) {
  if (record->fields.count == 0) text_addc(out, 0);
  if (values->count != record->fields.count) return false;
  for (size_t i = 0; i < values->count; i++) {
    const struct expr *value = values->data[i].value;
    if (value == NULL) return false; /* from a spread */
    if (!ctype_put_constant(arena, out, value, record->fields.data[i].type)) return false;
  }
  return true;
}

static bool put_record(struct arena *arena, struct text *out, const struct expr *value,
                       const struct type *type) {
  if (value->kind == EXPR_RECORD) return put_fields(arena, out, &value->record.fields, type);
  if (value->kind == EXPR_CALL && value->call.kind == CALL_RECORD) {
    return put_fields(arena, out, &value->call.fields, type);
  }
  return false;
}

static bool put_enum(struct arena *arena, struct text *out, const struct expr *value,
                     const struct type *type) {
  if (value->kind == EXPR_NAME && value->name.ref == REF_VARIANT) {
    put_varint(out, value->name.index);
    return true;
  }
  if (value->kind != EXPR_CALL || value->call.kind != CALL_VARIANT) return false;
  put_varint(out, value->call.variant);
  const struct type *payload = type->variants.data[value->call.variant].payload;
  return payload == NULL || put_fields(arena, out, &value->call.fields, payload);
}

/* One element of a set or map literal: its key and, in a map, its value, in binary form. */
struct packed {
  struct text key, value;
};
VEC_OF(packed_list, struct packed);

/* Adds an element; one with the key of an earlier element replaces that one's value. */
static void add_packed(struct arena *arena, struct packed_list *list, struct packed item) {
  vec_each(struct packed, known, list) {
    if (known->key.length == item.key.length &&
        memcmp(known->key.data, item.key.data, item.key.length) == 0) {
      known->value = item.value;
      return;
    }
  }
  vec_push(arena, list, item);
}

static bool put_unique(struct arena *arena, struct text *out, const struct expr *value,
                       const struct type *type) {
  struct packed_list list = {0};
  bool is_map = value->kind == EXPR_MAP;
  size_t count = is_map ? value->map.count : value->list.count;
  if (type->kind == TYPE_MAP && !is_map && count != 0) return false;
  for (size_t i = 0; i < count; i++) {
    struct packed item;
    text_init(&item.key, arena);
    text_init(&item.value, arena);
    const struct expr *key = is_map ? value->map.data[i].key : value->list.data[i];
    const struct type *key_type = is_map ? type->key : type->elem;
    if (!ctype_put_constant(arena, &item.key, key, key_type)) return false;
    if (is_map && !ctype_put_constant(arena, &item.value, value->map.data[i].value, type->elem)) {
      return false;
    }
    add_packed(arena, &list, item);
  }
  put_varint(out, list.count);
  vec_each(struct packed, item, &list) {
    text_addn(out, item->key.data, item->key.length);
    text_addn(out, item->value.data, item->value.length);
  }
  return true;
}

static bool put_optional(struct arena *arena, struct text *out, const struct expr *value,
                         const struct type *type) {
  if (value->kind == EXPR_NONE ||
      (value->kind == EXPR_COERCE && value->coerce.kind == COERCE_ABSENT)) {
    text_addc(out, 0);
    return true;
  }
  text_addc(out, 1);
  if (value->kind == EXPR_COERCE) value = value->coerce.operand;
  return ctype_put_constant(arena, out, value, type->elem);
}

static bool put_list(struct arena *arena, struct text *out, const struct expr *value,
                     const struct type *type) {
  if (value->kind != EXPR_LIST) return false;
  put_varint(out, value->list.count);
  vec_each(struct expr *, item, &value->list) {
    if (!ctype_put_constant(arena, out, *item, type->elem)) return false;
  }
  return true;
}

bool ctype_put_constant(struct arena *arena, struct text *out, const struct expr *value,
                        const struct type *type) {
  value = constant_behind(value);
  switch (type->kind) {
  case TYPE_INT:
  case TYPE_DECIMAL:
  case TYPE_TIMESTAMP:
  case TYPE_DURATION:
    if (!is_integer(value)) return false;
    put_int(out, value->integer);
    return true;
  case TYPE_FLOAT:
    if (value->kind != EXPR_FLOAT) return false;
    put_float(out, value->number);
    return true;
  case TYPE_BOOL:
    if (value->kind != EXPR_BOOL) return false;
    text_addc(out, value->boolean ? 1 : 0);
    return true;
  case TYPE_STRING:
  case TYPE_JSON: /* a literal is its canonical text */
  case TYPE_BYTES:
    if (value->kind != EXPR_STRING) return false;
    put_varint(out, value->string.length);
    text_addn(out, value->string.data, value->string.length);
    return true;
  case TYPE_OPTIONAL: return put_optional(arena, out, value, type);
  case TYPE_LIST: return put_list(arena, out, value, type);
  case TYPE_SET:
  case TYPE_MAP:
    if (value->kind != EXPR_LIST && value->kind != EXPR_MAP) return false;
    return put_unique(arena, out, value, type);
  case TYPE_RECORD: return put_record(arena, out, value, type);
  case TYPE_ENUM: return put_enum(arena, out, value, type);
  default: return false;
  }
}

/* -- descriptors ----------------------------------------------------------------------------- */

static void add_quoted_or_null(struct text *out, const char *text) {
  if (text == NULL)
    text_add(out, "NULL");
  else
    text_add_quoted_c(out, text, strlen(text));
}

/* Writes the array NAME_fields of a record or of a variant's payload. */
static void write_fields(struct emit *e, struct text *out, const struct type *record,
                         const char *name) {
  struct arena *arena = &e->compiler->arena;
  text_addf(out, "static const struct flow_field %s[] = {\n", name);
  vec_each(struct type_field, field, &record->fields) {
    text_add(out, "  {");
    add_quoted_or_null(out, field->name);
    text_add(out, ", ");
    add_quoted_or_null(out, field->was);
    text_addf(out, ", &%s, ", emit_helper(e, HELPER_SCHEMA, field->type));
    struct text bytes;
    text_init(&bytes, arena);
    if (field->init != NULL && ctype_put_constant(arena, &bytes, field->init, field->type)) {
      text_add_quoted_c(out, bytes.data, bytes.length);
      text_addf(out, ", %zu", bytes.length);
    } else {
      text_add(out, "NULL, 0");
    }
    text_addf(out, ", %s},\n", field->is_needed ? "true" : "false");
  }
  text_add(out, "};\n");
}

static void write_variants(struct emit *e, struct text *out, const struct type *type,
                           const char *name) {
  for (uint32_t i = 0; i < type->variants.count; i++) {
    const struct type *payload = type->variants.data[i].payload;
    if (payload == NULL || payload->fields.count == 0) continue;
    write_fields(e, out, payload, arena_printf(&e->compiler->arena, "%s_fields_%u", name, i));
  }
  text_addf(out, "static const struct flow_variant %s_variants[] = {\n", name);
  for (uint32_t i = 0; i < type->variants.count; i++) {
    const struct type_variant *variant = &type->variants.data[i];
    text_add(out, "  {");
    add_quoted_or_null(out, variant->name);
    text_add(out, ", ");
    add_quoted_or_null(out, variant->was);
    if (variant->payload == NULL || variant->payload->fields.count == 0) {
      text_add(out, ", NULL, 0},\n");
    } else {
      text_addf(out, ", %s_fields_%u, %zu},\n", name, i, variant->payload->fields.count);
    }
  }
  text_add(out, "};\n");
}

static const char *kind_name(const struct type *type) {
  switch (type->kind) {
  case TYPE_INT: return "INT";
  case TYPE_FLOAT: return "FLOAT";
  case TYPE_DECIMAL: return "DECIMAL";
  case TYPE_BOOL: return "BOOL";
  case TYPE_STRING: return "STRING";
  case TYPE_JSON: return "JSON";
  case TYPE_BYTES: return "BYTES";
  case TYPE_TIMESTAMP: return "TIMESTAMP";
  case TYPE_DURATION: return "DURATION";
  case TYPE_OPTIONAL: return "OPT";
  case TYPE_LIST: return "LIST";
  case TYPE_SET: return "SET";
  case TYPE_MAP: return "MAP";
  case TYPE_RECORD: return "RECORD";
  case TYPE_ENUM: return "ENUM";
  default: return "UNIT";
  }
}

void ctype_write_schema(struct emit *e, const struct type *type, const char *name) {
  struct text out, tail;
  text_init(&out, &e->compiler->arena);
  text_init(&tail, &e->compiler->arena);
  if (type->kind == TYPE_RECORD && type->fields.count > 0) {
    write_fields(e, &out, type, arena_printf(&e->compiler->arena, "%s_fields", name));
    text_addf(&tail, ", .fields = %s_fields, .field_count = %zu", name, type->fields.count);
  }
  if (type->kind == TYPE_ENUM) {
    write_variants(e, &out, type, name);
    text_addf(&tail, ", .variants = %s_variants, .variant_count = %zu", name, type->variants.count);
  }
  if (type->kind == TYPE_DECIMAL) text_addf(&tail, ", .scale = %u", type->scale);
  if (type->kind == TYPE_MAP) {
    text_addf(&tail, ", .key = &%s", emit_helper(e, HELPER_SCHEMA, type->key));
  }
  if (type->elem != NULL) {
    text_addf(&tail, ", .element = &%s", emit_helper(e, HELPER_SCHEMA, type->elem));
  }
  text_addf(&out, "static const struct flow_type %s = {.kind = FLOW_KIND_%s", name,
            kind_name(type));
  if (type->decl != NULL) {
    text_add(&out, ", .name = ");
    text_add_quoted_c(&out, type->name, strlen(type->name));
  }
  text_addn(&out, tail.data, tail.length);
  text_add(&out, "};\n\n");
  text_addn(emit_section(e, SECTION_HELPERS), out.data, out.length);
}
