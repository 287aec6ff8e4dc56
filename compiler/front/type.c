#include "front/type.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"

static struct type *new_type(struct types *types, enum type_kind kind) {
  struct type *type = arena_new(types->arena, struct type);
  type->kind = kind;
  type->id = (uint32_t)types->all.count;
  vec_push(types->arena, &types->all, type);
  return type;
}

static const struct type *new_simple(struct types *types, enum type_kind kind, const char *name) {
  struct type *type = new_type(types, kind);
  type->name = name;
  return type;
}

static void add_field(struct types *types, struct type *record, const char *name,
                      const struct type *type) {
  vec_push(types->arena, &record->fields,
           (struct type_field){.name = name, .type = type, .from = name});
}

static const struct type *new_rejected(struct types *types) {
  const struct type *optional_int = type_optional(types, types->int_);
  struct type *record = type_own_record(types, "Rejected");
  add_field(types, record, "step", types->string);
  add_field(types, record, "reason", types->string);
  add_field(types, record, "raw", types->string);
  add_field(types, record, "source", type_optional(types, types->string));
  add_field(types, record, "line", optional_int);
  add_field(types, record, "position", optional_int);
  add_field(types, record, "at", type_optional(types, types->timestamp));
  return record;
}

void types_init(struct types *types, struct arena *arena) {
  *types = (struct types){.arena = arena};
  types->error = new_simple(types, TYPE_ERROR, "?");
  types->none = new_simple(types, TYPE_NONE, "none");
  types->empty = new_simple(types, TYPE_EMPTY, "[]");
  types->unit = new_simple(types, TYPE_UNIT, "nothing");
  types->int_ = new_simple(types, TYPE_INT, "int");
  types->float_ = new_simple(types, TYPE_FLOAT, "float");
  types->bool_ = new_simple(types, TYPE_BOOL, "bool");
  types->string = new_simple(types, TYPE_STRING, "string");
  types->json = new_simple(types, TYPE_JSON, "json");
  types->bytes = new_simple(types, TYPE_BYTES, "bytes");
  types->timestamp = new_simple(types, TYPE_TIMESTAMP, "timestamp");
  types->duration = new_simple(types, TYPE_DURATION, "duration");
  types->rejected = new_rejected(types);
}

const struct type *type_decimal(struct types *types, uint32_t scale) {
  vec_each(const struct type *, it, &types->all) {
    if ((*it)->kind == TYPE_DECIMAL && (*it)->scale == scale) return *it;
  }
  struct type *type = new_type(types, TYPE_DECIMAL);
  type->name = arena_printf(types->arena, "decimal[%u]", scale);
  type->scale = scale;
  return type;
}

/* The canonical type of this kind with this element and key (null for all but maps). */
static const struct type *find_or_add(struct types *types, enum type_kind kind,
                                      const struct type *key, const struct type *elem) {
  vec_each(const struct type *, it, &types->all) {
    if ((*it)->kind == kind && (*it)->elem == elem && (*it)->key == key) return *it;
  }
  struct type *type = new_type(types, kind);
  type->elem = elem;
  type->key = key;
  return type;
}

const struct type *type_optional(struct types *types, const struct type *elem) {
  if (elem->kind == TYPE_OPTIONAL || elem->kind == TYPE_ERROR || elem->kind == TYPE_NONE)
    return elem;
  return find_or_add(types, TYPE_OPTIONAL, NULL, elem);
}

const struct type *type_list(struct types *types, const struct type *elem) {
  if (elem->kind == TYPE_ERROR) return elem;
  return find_or_add(types, TYPE_LIST, NULL, elem);
}

const struct type *type_set(struct types *types, const struct type *elem) {
  if (elem->kind == TYPE_ERROR) return elem;
  return find_or_add(types, TYPE_SET, NULL, elem);
}

const struct type *type_map(struct types *types, const struct type *key, const struct type *elem) {
  if (key->kind == TYPE_ERROR) return key;
  if (elem->kind == TYPE_ERROR) return elem;
  return find_or_add(types, TYPE_MAP, key, elem);
}

static bool has_fields(const struct type *record, const struct type_field *fields, size_t count) {
  if (record->kind != TYPE_RECORD || record->name || record->fields.count != count) return false;
  for (size_t i = 0; i < count; i++) {
    const struct type_field *field = &record->fields.data[i];
    if (field->type != fields[i].type || strcmp(field->name, fields[i].name) != 0) return false;
  }
  return true;
}

const struct type *type_structural(struct types *types, const struct type_field *fields,
                                   size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (fields[i].type->kind == TYPE_ERROR) return types->error;
  }
  vec_each(const struct type *, it, &types->all) {
    if (has_fields(*it, fields, count)) return *it;
  }
  struct type *record = new_type(types, TYPE_RECORD);
  for (size_t i = 0; i < count; i++) {
    vec_push(types->arena, &record->fields,
             (struct type_field){.name = fields[i].name,
                                 .type = fields[i].type,
                                 .from = fields[i].name,
                                 .span = fields[i].span});
  }
  return record;
}

struct type *type_nominal(struct types *types, enum type_kind kind, struct decl *decl) {
  struct type *type = new_type(types, kind);
  type->decl = decl;
  type->name = decl ? decl->name.text : NULL;
  return type;
}

struct type *type_own_record(struct types *types, const char *name) {
  struct type *type = new_type(types, TYPE_RECORD);
  type->name = name;
  return type;
}

static void write_name(struct text *out, const struct type *type) {
  if (type->name) {
    text_add(out, type->name);
    return;
  }
  switch (type->kind) {
  case TYPE_OPTIONAL:
    write_name(out, type->elem);
    text_addc(out, '?');
    break;
  case TYPE_LIST:
  case TYPE_SET:
    text_add(out, type->kind == TYPE_LIST ? "list[" : "set[");
    write_name(out, type->elem);
    text_addc(out, ']');
    break;
  case TYPE_MAP:
    text_add(out, "map[");
    write_name(out, type->key);
    text_add(out, ", ");
    write_name(out, type->elem);
    text_addc(out, ']');
    break;
  default:
    text_add(out, type->fields.count ? "{ " : "{");
    vec_each(const struct type_field, field, &type->fields) {
      text_addf(out, "%s%s: ", field == type->fields.data ? "" : ", ", field->name);
      write_name(out, field->type);
    }
    text_add(out, type->fields.count ? " }" : "}");
  }
}

const char *type_name(struct types *types, const struct type *type) {
  struct text out;
  text_init(&out, types->arena);
  write_name(&out, type);
  return out.data;
}

bool type_is_structural(const struct type *type) {
  return type->kind == TYPE_RECORD && !type->name;
}

bool type_is_numeric(const struct type *type) {
  return type->kind == TYPE_INT || type->kind == TYPE_FLOAT || type->kind == TYPE_DECIMAL ||
         type->kind == TYPE_DURATION;
}

bool type_is_ordered(const struct type *type) {
  return type_is_numeric(type) || type->kind == TYPE_STRING || type->kind == TYPE_BYTES ||
         type->kind == TYPE_TIMESTAMP;
}

/* True if `test` holds for the type or for anything inside it. Nominal types cannot contain
 * themselves, so the walk ends. */
static bool contains(const struct type *type, bool (*test)(const struct type *)) {
  if (test(type)) return true;
  if (type->elem && contains(type->elem, test)) return true;
  if (type->key && contains(type->key, test)) return true;
  vec_each(const struct type_field, field, &type->fields) {
    if (contains(field->type, test)) return true;
  }
  vec_each(const struct type_variant, variant, &type->variants) {
    if (variant->payload && contains(variant->payload, test)) return true;
  }
  return false;
}

static bool is_no_key(const struct type *type) {
  return type->kind == TYPE_FLOAT || type->kind == TYPE_LIST || type->kind == TYPE_SET ||
         type->kind == TYPE_MAP || type->kind == TYPE_UNIT || type->kind == TYPE_NONE ||
         type->kind == TYPE_EMPTY || type->kind == TYPE_JSON;
}

bool type_is_key(const struct type *type) {
  return !contains(type, is_no_key);
}

static bool is_heap(const struct type *type) {
  return type->kind == TYPE_STRING || type->kind == TYPE_BYTES || type->kind == TYPE_JSON ||
         type->kind == TYPE_LIST ||
         type->kind == TYPE_SET || type->kind == TYPE_MAP;
}

uint32_t type_value_count(const struct type *type) {
  if (type->value_count > 0) return type->value_count;
  uint32_t count = type->kind != TYPE_RECORD, largest = 0;
  if (type->kind == TYPE_OPTIONAL) count += type_value_count(type->elem);
  vec_each(const struct type_field, field, &type->fields) {
    if (count <= LIMIT_VALUES) count += type_value_count(field->type);
  }
  vec_each(const struct type_variant, variant, &type->variants) {
    uint32_t payload = variant->payload ? type_value_count(variant->payload) : 0;
    if (payload > largest) largest = payload;
  }
  count += largest;
  if (count == 0) count = 1; /* a record without fields */
  if (count > LIMIT_VALUES) count = LIMIT_VALUES + 1;
  return ((struct type *)type)->value_count = count;
}

bool type_is_json(const struct type *type) {
  return type->kind == TYPE_JSON || (type->kind == TYPE_OPTIONAL && type->elem->kind == TYPE_JSON);
}

bool type_has_heap(const struct type *type) {
  return contains(type, is_heap);
}

static bool is_unknown(const struct type *type) {
  return type->kind == TYPE_NONE || type->kind == TYPE_EMPTY;
}

bool type_is_concrete(const struct type *type) {
  return !contains(type, is_unknown);
}

bool type_has_payload(const struct type *enumeration) {
  vec_each(struct type_variant, variant, &enumeration->variants) {
    if (variant->payload != NULL) return true;
  }
  return false;
}

bool type_is_scalar(const struct type *type) {
  switch (type->kind) {
  case TYPE_INT:
  case TYPE_FLOAT:
  case TYPE_DECIMAL:
  case TYPE_BOOL:
  case TYPE_STRING:
  case TYPE_BYTES:
  case TYPE_TIMESTAMP:
  case TYPE_DURATION: return true;
  case TYPE_OPTIONAL: return type_is_scalar(type->elem);
  case TYPE_ENUM: return !type_has_payload(type);
  default: return false;
  }
}

int type_field_index(const struct type *record, const char *name) {
  for (size_t i = 0; i < record->fields.count; i++) {
    if (strcmp(record->fields.data[i].name, name) == 0) return (int)i;
  }
  return -1;
}

int type_variant_index(const struct type *enumeration, const char *name) {
  for (size_t i = 0; i < enumeration->variants.count; i++) {
    if (strcmp(enumeration->variants.data[i].name, name) == 0) return (int)i;
  }
  return -1;
}
