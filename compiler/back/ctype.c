/* C names and definitions of the types of a flow. */
#include "back/ctype.h"

#include <ctype.h>
#include <string.h>

static const char *intern(struct emit *e, const char *text) {
  return names_intern(&e->compiler->names, text, strlen(text));
}

static struct arena *arena_of(struct emit *e) {
  return &e->compiler->arena;
}

static struct emit_types *emit_types(struct emit *e) {
  if (e->types == NULL) {
    e->types = arena_new(arena_of(e), struct emit_types);
    map_init(&e->types->taken, arena_of(e));
  }
  return e->types;
}

struct ctype *ctype_entry(struct emit *e, const struct type *type) {
  struct emit_types *types = emit_types(e);
  if (type->id >= types->count) {
    size_t count = type->id + 64;
    types->by_id = arena_grow(arena_of(e), types->by_id, types->count * sizeof *types->by_id,
                              count * sizeof *types->by_id);
    memset(types->by_id + types->count, 0, (count - types->count) * sizeof *types->by_id);
    types->count = count;
  }
  struct ctype **entry = &types->by_id[type->id];
  if (*entry == NULL) *entry = arena_new(arena_of(e), struct ctype);
  return *entry;
}

const char *ctype_unique(struct emit *e, const char *wanted) {
  struct emit_types *types = emit_types(e);
  const char *name = intern(e, wanted);
  for (uint32_t n = 2; map_get(&types->taken, name) != NULL; n++) {
    name = intern(e, arena_printf(arena_of(e), "%s_%u", wanted, n));
  }
  map_put(&types->taken, name, types);
  return name;
}

bool ctype_is_plain(const struct type *type) {
  switch (type->kind) {
  case TYPE_INT:
  case TYPE_FLOAT:
  case TYPE_DECIMAL:
  case TYPE_BOOL:
  case TYPE_TIMESTAMP:
  case TYPE_DURATION: return true;
  case TYPE_ENUM: return !type_has_payload(type);
  default: return false;
  }
}

/* -- names ----------------------------------------------------------------------------------- */

/* The record of a variant is called ENUM.VARIANT. */
static const char *mangle_name(struct arena *arena, const char *name) {
  char *mangled = arena_printf(arena, "T_%s", name);
  for (char *at = mangled; *at != '\0'; at++)
    if (*at == '.') *at = '_';
  return mangled;
}

const char *emit_member(struct emit *e, const char *name) {
  bool is_name = true;
  for (const char *at = name; *at != '\0'; at++) is_name = is_name && (isalnum((unsigned char)*at) || *at == '_');
  if (is_name) return arena_printf(arena_of(e), "f_%s", name);
  struct text member;
  text_init(&member, arena_of(e));
  text_add(&member, "g_");
  for (const char *at = name; *at != '\0'; at++) {
    if (isalnum((unsigned char)*at))
      text_addc(&member, *at);
    else
      text_addf(&member, "_%02x", (unsigned char)*at);
  }
  return member.data;
}

static const char *mangle(struct emit *e, const struct type *type) {
  struct arena *arena = arena_of(e);
  switch (type->kind) {
  case TYPE_INT: return "int";
  case TYPE_FLOAT: return "float";
  case TYPE_DECIMAL: return arena_printf(arena, "decimal_%u", type->scale);
  case TYPE_BOOL: return "bool";
  case TYPE_STRING: return "string";
  case TYPE_JSON: return "json";
  case TYPE_BYTES: return "bytes";
  case TYPE_TIMESTAMP: return "timestamp";
  case TYPE_DURATION: return "duration";
  case TYPE_OPTIONAL: return arena_printf(arena, "O_%s", emit_mangle(e, type->elem));
  case TYPE_LIST: return arena_printf(arena, "L_%s", emit_mangle(e, type->elem));
  case TYPE_SET: return arena_printf(arena, "S_%s", emit_mangle(e, type->elem));
  case TYPE_MAP:
    return arena_printf(arena, "M_%s_%s", emit_mangle(e, type->key), emit_mangle(e, type->elem));
  case TYPE_RECORD:
    if (type->name != NULL) return mangle_name(arena, type->name);
    return arena_printf(arena, "R_%u", ++emit_types(e)->structural_count);
  case TYPE_ENUM: return arena_printf(arena, "T_%s", type->name);
  case TYPE_ERROR:
  case TYPE_NONE:
  case TYPE_EMPTY:
  case TYPE_UNIT: break;
  }
  return "unit"; /* a value without information */
}

const char *emit_mangle(struct emit *e, const struct type *type) {
  struct ctype *entry = ctype_entry(e, type);
  if (entry->mangled == NULL) {
    const char *wanted = mangle(e, type);
    entry->mangled = ctype_unique(e, wanted);
  }
  return entry->mangled;
}

const char *emit_enumerator(struct emit *e, const struct type *type, uint32_t variant) {
  struct ctype *entry = ctype_entry(e, type);
  if (entry->enumerators == NULL) emit_c_type(e, type);
  return arena_printf(arena_of(e), "%s%s", entry->enumerators, type->variants.data[variant].name);
}

/* The prefix of the constants of an enum: one under which none of them meets another enum's. */
static const char *enumerator_prefix(struct emit *e, const struct type *type) {
  struct emit_types *types = emit_types(e);
  const char *prefix = arena_printf(arena_of(e), "K_%s_", type->name);
  for (uint32_t n = 2;; n++) {
    bool is_free = true;
    vec_each(struct type_variant, v, &type->variants) {
      const char *name = intern(e, arena_printf(arena_of(e), "%s%s", prefix, v->name));
      if (map_get(&types->taken, name) != NULL) is_free = false;
    }
    if (is_free) return prefix;
    prefix = arena_printf(arena_of(e), "K%u_%s_", n, type->name);
  }
}

/* -- definitions ----------------------------------------------------------------------------- */

static void define_record(struct emit *e, const struct type *type, struct text *out) {
  text_addf(out, "struct %s {\n", emit_mangle(e, type));
  vec_each(struct type_field, field, &type->fields) {
    text_addf(out, "  %s %s;\n", emit_c_type(e, field->type), emit_member(e, field->name));
  }
  /* C has no empty struct. */
  if (type->fields.count == 0) text_add(out, "  uint8_t nothing;\n");
  text_add(out, "};\n");
}

static void define_enum(struct emit *e, const struct type *type, struct text *out) {
  struct ctype *entry = ctype_entry(e, type);
  entry->enumerators = enumerator_prefix(e, type);
  text_add(out, "enum {");
  for (uint32_t i = 0; i < type->variants.count; i++) {
    const char *name = emit_enumerator(e, type, i);
    ctype_unique(e, name);
    text_addf(out, "%s %s", i == 0 ? "" : ",", name);
  }
  text_addf(out, " };\nstruct %s {\n  uint32_t tag;\n", emit_mangle(e, type));
  if (type_has_payload(type)) {
    text_add(out, "  union {\n");
    vec_each(struct type_variant, v, &type->variants) {
      if (v->payload == NULL) continue;
      text_addf(out, "    %s f_%s;\n", emit_c_type(e, v->payload), v->name);
    }
    text_add(out, "  } as;\n");
  }
  text_add(out, "};\n");
}

static void define(struct emit *e, const struct type *type, struct text *out) {
  const char *name = emit_mangle(e, type);
  switch (type->kind) {
  case TYPE_OPTIONAL:
    text_addf(out, "struct %s {\n  bool has;\n  %s value;\n};\n", name, emit_c_type(e, type->elem));
    return;
  case TYPE_LIST: ctype_define_list(e, type, out); return;
  case TYPE_RECORD: define_record(e, type, out); return;
  case TYPE_ENUM: define_enum(e, type, out); return;
  default: return;
  }
}

const char *emit_c_type(struct emit *e, const struct type *type) {
  switch (type->kind) {
  case TYPE_INT:
  case TYPE_DECIMAL:
  case TYPE_TIMESTAMP:
  case TYPE_DURATION: return "int64_t";
  case TYPE_FLOAT: return "double";
  case TYPE_BOOL: return "bool";
  case TYPE_STRING:
  case TYPE_JSON:
  case TYPE_BYTES: return "struct flow_str";
  case TYPE_SET:
  case TYPE_MAP: return "struct flow_map";
  case TYPE_ERROR:
  case TYPE_NONE:
  case TYPE_EMPTY:
  case TYPE_UNIT: return "uint8_t";
  default: break;
  }
  struct ctype *entry = ctype_entry(e, type);
  if (entry->c_name != NULL) return entry->c_name;
  entry->c_name = arena_printf(arena_of(e), "struct %s", emit_mangle(e, type));
  /* Into a text of its own first: what it needs is written to the section meanwhile. */
  struct text out;
  text_init(&out, arena_of(e));
  const char *title = type_name(e->compiler->types, type);
  if (type->kind == TYPE_RECORD && type->name != NULL)
    text_add(&out, "/* record ");
  else if (type->kind == TYPE_ENUM)
    text_add(&out, "/* enum ");
  else
    text_add(&out, "/* ");
  text_addf(&out, "%s */\n", title);
  define(e, type, &out);
  text_addc(&out, '\n');
  text_addn(emit_section(e, SECTION_TYPES), out.data, out.length);
  return entry->c_name;
}
