/* The functions over values of a type: equality, order, hash, copy and drop.
 *
 * Scalars have theirs in flow/value.h; for every other type one static inline function is written
 * here on first use. Each is collected in a text of its own, because what it calls is written to
 * the section meanwhile.
 */
#include "back/ctype.h"

#include <string.h>

/* -- names and signatures -------------------------------------------------------------------- */

static const char *scalar_word(const struct type *type) {
  switch (type->kind) {
  case TYPE_INT:
  case TYPE_DECIMAL:
  case TYPE_TIMESTAMP:
  case TYPE_DURATION: return "int";
  case TYPE_FLOAT: return "float";
  case TYPE_BOOL: return "bool";
  case TYPE_STRING:
  case TYPE_BYTES: return "str"; /* whose functions look at bytes */
  default: return NULL;
  }
}

/* The function of flow/value.h that serves a scalar type, or null. */
static const char *runtime_helper(struct emit *e, enum helper helper, const struct type *type) {
  if (type->kind == TYPE_JSON) {
    return helper == HELPER_EQUAL  ? "flow_json_value_equal"
           : helper == HELPER_COPY ? "flow_str_copy"
           : helper == HELPER_DROP ? "flow_str_drop"
                                   : NULL;
  }
  const char *word = scalar_word(type);
  if (word == NULL) return NULL;
  switch (helper) {
  case HELPER_EQUAL: return arena_printf(&e->compiler->arena, "flow_%s_equal", word);
  case HELPER_COMPARE: return arena_printf(&e->compiler->arena, "flow_%s_compare", word);
  case HELPER_HASH: return arena_printf(&e->compiler->arena, "flow_%s_hash", word);
  case HELPER_COPY: return type_has_heap(type) ? "flow_str_copy" : NULL;
  case HELPER_DROP: return type_has_heap(type) ? "flow_str_drop" : NULL;
  default: return NULL;
  }
}

/* `@` stands for the C type. */
struct helper_shape {
  const char *prefix, *result, *parameters;
};

static const struct helper_shape shapes[HELPER_COUNT] = {
    [HELPER_EQUAL] = {"equal", "bool", "const @ *a, const @ *b"},
    [HELPER_COMPARE] = {"compare", "int", "const @ *a, const @ *b"},
    [HELPER_HASH] = {"hash", "uint64_t", "uint64_t seed, const @ *x"},
    [HELPER_COPY] = {"copy", "void", "struct flow_mem *mem, @ *to, const @ *from"},
    [HELPER_DROP] = {"drop", "void", "struct flow_mem *mem, @ *x"},
    [HELPER_ENCODE] = {"encode", "void", "struct flow_buf *b, const @ *x"},
    [HELPER_DECODE] = {"decode", "bool", "struct flow_mem *mem, struct flow_reader *r, @ *x"},
    [HELPER_JSON] = {"json", "void", "struct flow_buf *b, const @ *x"},
    [HELPER_TEXT] = {"text", "void", "struct flow_buf *b, const @ *x"},
    [HELPER_SCHEMA] = {"schema", NULL, NULL},
};

void ctype_begin(struct emit *e, struct text *out, enum helper helper, const struct type *type,
                 const char *name) {
  const char *c_type = emit_c_type(e, type);
  text_addf(out, "static inline %s %s(", shapes[helper].result, name);
  for (const char *p = shapes[helper].parameters; *p != '\0'; p++) {
    if (*p == '@')
      text_add(out, c_type);
    else
      text_addc(out, *p);
  }
  text_add(out, ") {\n");
}

void ctype_end(struct emit *e, struct text *out) {
  text_add(out, "}\n\n");
  text_addn(emit_section(e, SECTION_HELPERS), out->data, out->length);
}

const char *emit_helper(struct emit *e, enum helper helper, const struct type *type) {
  struct ctype *entry = ctype_entry(e, type);
  if (entry->helpers[helper] != NULL) return entry->helpers[helper];
  const char *name = runtime_helper(e, helper, type);
  if (name != NULL) return entry->helpers[helper] = name;
  emit_c_type(e, type);
  name = arena_printf(&e->compiler->arena, "%s_%s", shapes[helper].prefix, emit_mangle(e, type));
  name = ctype_unique(e, name);
  entry->helpers[helper] = name;
  switch (helper) {
  case HELPER_ENCODE: ctype_write_encode(e, type, name); break;
  case HELPER_DECODE: ctype_write_decode(e, type, name); break;
  case HELPER_JSON: ctype_write_json(e, type, name); break;
  case HELPER_TEXT: ctype_write_text(e, type, name); break;
  case HELPER_SCHEMA: ctype_write_schema(e, type, name); break;
  default: ctype_write_basic(e, helper, type, name); break;
  }
  return name;
}

/* -- equality -------------------------------------------------------------------------------- */

/* An expression that compares two lvalues; simple ones without a call, for readers of the C. */
static const char *equal_term(struct emit *e, const struct type *type, const char *a,
                              const char *b) {
  struct arena *arena = &e->compiler->arena;
  if (type->kind == TYPE_ENUM && !type_has_payload(type)) {
    return arena_printf(arena, "%s.tag == %s.tag", a, b);
  }
  if (ctype_is_plain(type)) return arena_printf(arena, "%s == %s", a, b);
  return arena_printf(arena, "%s(&%s, &%s)", emit_helper(e, HELPER_EQUAL, type), a, b);
}

static const char *path(struct emit *e, const char *format_start, const char *name) {
  return arena_printf(&e->compiler->arena, "%s%s", format_start, name);
}

static void write_equal_record(struct emit *e, struct text *out, const struct type *type) {
  if (type->fields.count == 0) {
    text_add(out, "  (void)a, (void)b;\n  return true;\n");
    return;
  }
  text_add(out, "  return ");
  for (size_t i = 0; i < type->fields.count; i++) {
    const struct type_field *field = &type->fields.data[i];
    if (i > 0) text_add(out, " &&\n         ");
    text_add(out, equal_term(e, field->type, path(e, "a->", emit_member(e, field->name)),
                             path(e, "b->", emit_member(e, field->name))));
  }
  text_add(out, ";\n");
}

static void write_equal_enum(struct emit *e, struct text *out, const struct type *type) {
  if (!type_has_payload(type)) {
    text_add(out, "  return a->tag == b->tag;\n");
    return;
  }
  text_add(out, "  if (a->tag != b->tag) return false;\n  switch (a->tag) {\n");
  for (uint32_t i = 0; i < type->variants.count; i++) {
    const struct type_variant *v = &type->variants.data[i];
    if (v->payload == NULL) continue;
    text_addf(
        out, "    case %s: return %s;\n", emit_enumerator(e, type, i),
        equal_term(e, v->payload, path(e, "a->as.f_", v->name), path(e, "b->as.f_", v->name)));
  }
  text_add(out, "    default: return true;\n  }\n");
}

static void write_equal(struct emit *e, struct text *out, const struct type *type) {
  switch (type->kind) {
  case TYPE_OPTIONAL:
    text_addf(out, "  return a->has == b->has && (!a->has || %s);\n",
              equal_term(e, type->elem, "a->value", "b->value"));
    return;
  case TYPE_LIST:
    text_addf(out,
              "  if (a->length != b->length) return false;\n"
              "  for (uint32_t i = 0; i < a->length; i++) {\n"
              "    if (!(%s)) return false;\n"
              "  }\n  return true;\n",
              equal_term(e, type->elem, path(e, emit_list_data(e, type, "a"), "[i]"),
                         path(e, emit_list_data(e, type, "b"), "[i]")));
    return;
  case TYPE_SET:
  case TYPE_MAP: ctype_table_equal(e, out, type); return;
  case TYPE_RECORD: write_equal_record(e, out, type); return;
  case TYPE_ENUM: write_equal_enum(e, out, type); return;
  default: text_add(out, "  (void)a, (void)b;\n  return true;\n"); return;
  }
}

/* -- hash of keys ---------------------------------------------------------------------------- */

static void write_hash_enum(struct emit *e, struct text *out, const struct type *type) {
  text_add(out, "  int64_t tag = x->tag;\n");
  if (!type_has_payload(type)) {
    text_add(out, "  return flow_int_hash(seed, &tag);\n");
    return;
  }
  text_add(out, "  seed = flow_int_hash(seed, &tag);\n  switch (x->tag) {\n");
  for (uint32_t i = 0; i < type->variants.count; i++) {
    const struct type_variant *v = &type->variants.data[i];
    if (v->payload == NULL) continue;
    text_addf(out, "    case %s: return %s(seed, &x->as.f_%s);\n", emit_enumerator(e, type, i),
              emit_helper(e, HELPER_HASH, v->payload), v->name);
  }
  text_add(out, "    default: return seed;\n  }\n");
}

static void write_hash(struct emit *e, struct text *out, const struct type *type) {
  switch (type->kind) {
  case TYPE_OPTIONAL:
    text_addf(out,
              "  seed = flow_bool_hash(seed, &x->has);\n"
              "  return x->has ? %s(seed, &x->value) : seed;\n",
              emit_helper(e, HELPER_HASH, type->elem));
    return;
  case TYPE_LIST:
    text_addf(out,
              "  int64_t length = x->length;\n"
              "  seed = flow_int_hash(seed, &length);\n"
              "  for (uint32_t i = 0; i < x->length; i++) seed = %s(seed, &%s[i]);\n"
              "  return seed;\n",
              emit_helper(e, HELPER_HASH, type->elem), emit_list_data(e, type, "x"));
    return;
  case TYPE_RECORD:
    if (type->fields.count == 0) text_add(out, "  (void)x;\n");
    vec_each(struct type_field, field, &type->fields) {
      text_addf(out, "  seed = %s(seed, &x->%s);\n", emit_helper(e, HELPER_HASH, field->type),
                emit_member(e, field->name));
    }
    text_add(out, "  return seed;\n");
    return;
  case TYPE_ENUM: write_hash_enum(e, out, type); return;
  default: text_add(out, "  (void)x;\n  return seed;\n"); return;
  }
}

/* -- copy and drop --------------------------------------------------------------------------- */

static void write_copy_enum(struct emit *e, struct text *out, const struct type *type) {
  text_add(out, "  *to = *from;\n  switch (from->tag) {\n");
  for (uint32_t i = 0; i < type->variants.count; i++) {
    const struct type_variant *v = &type->variants.data[i];
    if (v->payload == NULL || !type_has_heap(v->payload)) continue;
    text_addf(out, "    case %s: %s(mem, &to->as.f_%s, &from->as.f_%s); break;\n",
              emit_enumerator(e, type, i), emit_helper(e, HELPER_COPY, v->payload), v->name,
              v->name);
  }
  text_add(out, "    default: break;\n  }\n");
}

static void write_copy(struct emit *e, struct text *out, const struct type *type) {
  if (!type_has_heap(type)) {
    text_add(out, "  (void)mem;\n  *to = *from;\n");
    return;
  }
  switch (type->kind) {
  case TYPE_OPTIONAL:
    text_addf(out, "  *to = *from;\n  if (from->has) %s(mem, &to->value, &from->value);\n",
              emit_helper(e, HELPER_COPY, type->elem));
    return;
  case TYPE_LIST: ctype_list_copy(e, out, type); return;
  case TYPE_SET:
  case TYPE_MAP: ctype_table_copy(e, out, type); return;
  case TYPE_RECORD:
    vec_each(struct type_field, field, &type->fields) {
      const char *member = emit_member(e, field->name);
      if (type_has_heap(field->type)) {
        text_addf(out, "  %s(mem, &to->%s, &from->%s);\n", emit_helper(e, HELPER_COPY, field->type),
                  member, member);
      } else {
        text_addf(out, "  to->%s = from->%s;\n", member, member);
      }
    }
    return;
  default: write_copy_enum(e, out, type); return;
  }
}

static void write_drop_enum(struct emit *e, struct text *out, const struct type *type) {
  text_add(out, "  switch (x->tag) {\n");
  for (uint32_t i = 0; i < type->variants.count; i++) {
    const struct type_variant *v = &type->variants.data[i];
    if (v->payload == NULL || !type_has_heap(v->payload)) continue;
    text_addf(out, "    case %s: %s(mem, &x->as.f_%s); break;\n", emit_enumerator(e, type, i),
              emit_helper(e, HELPER_DROP, v->payload), v->name);
  }
  text_add(out, "    default: break;\n  }\n");
}

static void write_drop(struct emit *e, struct text *out, const struct type *type) {
  if (!type_has_heap(type)) {
    text_add(out, "  (void)mem, (void)x;\n");
    return;
  }
  switch (type->kind) {
  case TYPE_OPTIONAL:
    text_addf(out, "  if (x->has) %s(mem, &x->value);\n", emit_helper(e, HELPER_DROP, type->elem));
    return;
  case TYPE_LIST: ctype_list_drop(e, out, type); return;
  case TYPE_SET:
  case TYPE_MAP: ctype_table_drop(e, out, type); return;
  case TYPE_RECORD:
    vec_each(struct type_field, field, &type->fields) {
      if (!type_has_heap(field->type)) continue;
      text_addf(out, "  %s(mem, &x->%s);\n", emit_helper(e, HELPER_DROP, field->type),
                emit_member(e, field->name));
    }
    return;
  default: write_drop_enum(e, out, type); return;
  }
}

void ctype_write_basic(struct emit *e, enum helper helper, const struct type *type,
                       const char *name) {
  struct text out;
  text_init(&out, &e->compiler->arena);
  ctype_begin(e, &out, helper, type, name);
  if (helper == HELPER_EQUAL)
    write_equal(e, &out, type);
  else if (helper == HELPER_HASH)
    write_hash(e, &out, type);
  else if (helper == HELPER_COPY)
    write_copy(e, &out, type);
  else
    write_drop(e, &out, type);
  ctype_end(e, &out);
}
