/* Constant values as C initialisers, and the program's consts, functions and conditions. */
#include "back/code.h"
#include "back/program.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* -- literals -------------------------------------------------------------------------------- */

/* Up to 12 bytes lie inside the string, longer text stays where the C compiler puts it. */
void emit_string(struct text *out, const char *data, size_t length) {
  if (length <= 12) {
    text_addf(out, "(struct flow_str){.length = %zu, .bytes = ", length);
    text_add_quoted_c(out, data, length);
  } else {
    text_addf(out, "(struct flow_str){.far_length = %zu, .prefix = ", length);
    text_add_quoted_c(out, data, 4);
    text_add(out, ", .pointer = ");
    text_add_quoted_c(out, data, length);
  }
  text_addc(out, '}');
}

static void emit_integer(struct text *out, int64_t value) {
  if (value == INT64_MIN) {
    text_add(out, "INT64_MIN");
  } else if (value < -INT32_MAX || value > INT32_MAX) {
    text_addf(out, value < 0 ? "(-INT64_C(%" PRId64 "))" : "INT64_C(%" PRId64 ")",
              value < 0 ? -value : value);
  } else {
    text_addf(out, value < 0 ? "(%" PRId64 ")" : "%" PRId64, value);
  }
}

static void emit_float(struct text *out, double value) {
  char digits[40];
  snprintf(digits, sizeof digits, "%.17g", value);
  bool is_plain = strpbrk(digits, ".e") == NULL;
  text_addf(out, signbit(value) ? "(%s%s)" : "%s%s", digits, is_plain ? ".0" : "");
}

/* -- values of types ------------------------------------------------------------------------- */

static const char *constant_array(struct emit *e, const char *c_type, const char *elements) {
  const char *name = arena_printf(&e->compiler->arena, "constant_%u", ++e->constant_count);
  text_addf(emit_section(e, SECTION_DECLARATIONS), "static %s %s[] = {%s};\n", c_type, name,
            elements);
  return name;
}

/* A map that claims a small capacity is searched from its start, however many entries it has. */
static void emit_static_map(struct text *out, const char *entries, size_t count) {
  text_addf(out,
            "(struct flow_map){.entries = (char *)%s, .length = %zu, .used = %zu, "
            ".capacity = FLOW_MAP_LINEAR}",
            entries, count, count);
}

/* The elements stay in a static array: nothing changes a constant, because state and locals copy
 * what they take. */
static void emit_list_constant(struct emit *e, struct text *out, const struct expr *value,
                               const struct type *type) {
  struct text elements;
  text_init(&elements, &e->compiler->arena);
  for (size_t i = 0; i < value->list.count; i++) {
    if (i > 0) text_add(&elements, ", ");
    if (type->kind == TYPE_SET) text_add(&elements, "{");
    emit_constant(e, &elements, value->list.data[i], type->elem);
    if (type->kind == TYPE_SET) text_add(&elements, "}");
  }
  size_t count = value->list.count;
  if (type->kind == TYPE_LIST && count <= emit_list_near(type)) {
    text_addf(out, "(%s){.near = {%s}, .length = %zu}", emit_c_type(e, type),
              count == 0 ? "0" : elements.data, count);
    return;
  }
  if (type->kind == TYPE_SET) {
    const char *name = constant_array(e, emit_entry_type(e, type), elements.data);
    emit_static_map(out, name, count);
    return;
  }
  const char *name = constant_array(e, emit_c_type(e, type->elem), elements.data);
  text_addf(out, "(%s){.far = %s, .length = %zu, .capacity = %zu}", emit_c_type(e, type), name, count,
            count);
}

static void emit_map_constant(struct emit *e, struct text *out, const struct expr *value,
                              const struct type *type) {
  struct text entries;
  text_init(&entries, &e->compiler->arena);
  for (size_t i = 0; i < value->map.count; i++) {
    text_add(&entries, i > 0 ? ", {" : "{");
    emit_constant(e, &entries, value->map.data[i].key, type->key);
    text_add(&entries, ", ");
    emit_constant(e, &entries, value->map.data[i].value, type->elem);
    text_add(&entries, "}");
  }
  const char *name = constant_array(e, emit_entry_type(e, type), entries.data);
  emit_static_map(out, name, value->map.count);
}

static void emit_fields_constant(struct emit *e, struct text *out, const struct type *record,
                                 const struct record_field_list *fields) {
  text_add(out, fields->count == 0 ? "{0" : "{");
  for (size_t i = 0; i < fields->count; i++) {
    const struct type_field *field = &record->fields.data[i];
    text_addf(out, "%s.%s = ", i > 0 ? ", " : "", emit_member(e, field->name));
    emit_constant(e, out, fields->data[i].value, field->type);
  }
  text_add(out, "}");
}

static void emit_variant_constant(struct emit *e, struct text *out, const struct type *type,
                                  uint32_t index, const struct record_field_list *fields) {
  const struct type_variant *variant = &type->variants.data[index];
  text_addf(out, "(%s){.tag = %s", emit_c_type(e, type), emit_enumerator(e, type, index));
  if (variant->payload != NULL) {
    text_addf(out, ", .as = {.f_%s = ", variant->name);
    emit_fields_constant(e, out, variant->payload, fields);
    text_add(out, "}");
  }
  text_add(out, "}");
}

static void emit_call_constant(struct emit *e, struct text *out, const struct expr *value) {
  if (value->call.kind == CALL_VARIANT) {
    emit_variant_constant(e, out, value->type, value->call.variant, &value->call.fields);
    return;
  }
  text_addf(out, "(%s)", emit_c_type(e, value->type));
  emit_fields_constant(e, out, value->type, &value->call.fields);
}

static void emit_name_constant(struct emit *e, struct text *out, const struct expr *value,
                               const struct type *type) {
  if (value->name.ref == REF_CONST) {
    emit_constant(e, out, value->name.decl->value, type);
  } else {
    emit_variant_constant(e, out, type, value->name.index, NULL);
  }
}

void emit_constant(struct emit *e, struct text *out, const struct expr *value,
                   const struct type *type) {
  switch (value->kind) {
  case EXPR_INT:
  case EXPR_DECIMAL:
  case EXPR_DURATION:
  case EXPR_TIMESTAMP: emit_integer(out, value->integer); return;
  case EXPR_FLOAT: emit_float(out, value->number); return;
  case EXPR_BOOL: text_add(out, value->boolean ? "true" : "false"); return;
  case EXPR_STRING: emit_string(out, value->string.data, value->string.length); return;
  case EXPR_NAME: emit_name_constant(e, out, value, type); return;
  case EXPR_UNARY:
    text_add(out, value->unary.op == UNARY_NOT ? "(!" : "(-");
    emit_constant(e, out, value->unary.operand, type);
    text_add(out, ")");
    return;
  case EXPR_COERCE:
    if (value->coerce.kind == COERCE_ABSENT) break;
    text_addf(out, "(%s){.has = true, .value = ", emit_c_type(e, type));
    emit_constant(e, out, value->coerce.operand, type->elem);
    text_add(out, "}");
    return;
  case EXPR_LIST:
    if (value->list.count == 0) break;
    emit_list_constant(e, out, value, type);
    return;
  case EXPR_MAP:
    if (value->map.count == 0) break;
    emit_map_constant(e, out, value, type);
    return;
  case EXPR_RECORD:
    text_addf(out, "(%s)", emit_c_type(e, type));
    emit_fields_constant(e, out, type, &value->record.fields);
    return;
  case EXPR_CALL: emit_call_constant(e, out, value); return;
  default: break;
  }
  text_addf(out, "(%s){0}", emit_c_type(e, type)); /* none, and empty collections */
}

/* -- functions ------------------------------------------------------------------------------- */

/* Writes `*out = value;` or `return value;` by the shape of the function. */
static void code_result(struct code *c, const struct expr *value) {
  const char *operand = code_expr(c, value);
  if (!c->is_fallible && code_is_scalar(value->type)) {
    code_put(c, "return %s;", operand);
  } else {
    code_put(c, "*out = %s;%s", operand, c->is_fallible ? " return true;" : "");
  }
}

/* The head of a function with a result of this type: "static inline int64_t NAME(PARAMETERS". */
static const char *head(struct emit *e, const struct type *type, bool is_fallible, const char *name,
                        const char *parameters) {
  const char *c_type = emit_c_type(e, type);
  bool is_direct = !is_fallible && code_is_scalar(type);
  const char *result = is_fallible ? "bool" : is_direct ? c_type : "void";
  return arena_printf(&e->compiler->arena, "static inline %s %s(struct flow_worker *w%s%s%s%s)",
                      result, name, parameters, is_direct ? "" : ", ", is_direct ? "" : c_type,
                      is_direct ? "" : " *out");
}

void emit_value_function(struct emit *e, const char *name, const char *parameters,
                         const struct expr *value, struct code *c) {
  code_at(c, value->span);
  code_result(c, value);
  code_end(c, head(e, value->type, c->is_fallible, name, parameters), value->span);
}

/* The C name of a const or fn; a number tells those apart that share a name. */
static const char *declared_name(struct emit *e, const char *prefix, const struct decl *decl) {
  struct arena *arena = &e->compiler->arena;
  if (decl->number == 0) return arena_printf(arena, "%s_%s", prefix, decl->name.text);
  return arena_printf(arena, "%s%u_%s", prefix, decl->number, decl->name.text);
}

const char *emit_const(struct emit *e, const struct decl *decl) {
  const char *name = declared_name(e, "c", decl);
  if (!emit_first_time(e, name)) return name;
  struct code c;
  code_begin(&c, e, arena_printf(&e->compiler->arena, "const %s", decl->name.text), false);
  emit_value_function(e, name, "", decl->value, &c);
  return name;
}

const char *emit_fn(struct emit *e, const struct decl *fn) {
  if (fn->is_extern) return emit_extern(e, fn);
  struct arena *arena = &e->compiler->arena;
  const char *name = declared_name(e, "fn", fn);
  if (!emit_first_time(e, name)) return name;
  struct code c;
  code_begin(&c, e, arena_printf(arena, "fn %s", fn->name.text), fn->can_fail || fn->can_fault);
  struct text parameters;
  text_init(&parameters, arena);
  for (size_t i = 0; i < fn->fields.count; i++) {
    const struct field_decl *field = &fn->fields.data[i];
    const struct type *type = fn->arg_types.data[i];
    text_addf(&parameters, code_is_scalar(type) ? ", %s a_%s" : ", const %s *a_%s",
              emit_c_type(e, type), field->name.text);
  }
  if (fn->value != NULL) {
    emit_value_function(e, name, parameters.data, fn->value, &c);
    return name;
  }
  code_block(&c, fn->body);
  code_end(&c, head(e, fn->type, c.is_fallible, name, parameters.data), fn->span);
  return name;
}

const char *emit_where(struct emit *e, const struct type *record, uint32_t field) {
  const struct type_field *of = &record->fields.data[field];
  const char *name = arena_printf(&e->compiler->arena, "where%u_%s", field, emit_mangle(e, record));
  if (!emit_first_time(e, name)) return name;
  struct code c;
  code_begin(&c, e, "where", false);
  c.is_condition = true;
  c.it = "(*it)";
  emit_value_function(e, name, arena_printf(&e->compiler->arena, ", const %s *it", emit_c_type(e, record)),
                      of->where, &c);
  return name;
}
