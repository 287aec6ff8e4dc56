/* Values of type json: their parts, and conversions from and to them (flow/json_value.h). */
#include "back/code.h"

#include "front/builtin.h"

#include <string.h>

static bool is_optional(const struct type *type) {
  return type->kind == TYPE_OPTIONAL;
}

/* The address of the json in an operand of type json or json?, and, for the latter, "x.has && ". */
static const char *json_at(struct code *c, const struct type *type, const char *operand,
                           const char **if_there) {
  *if_there = "";
  if (!is_optional(type)) return code_address(c, operand);
  *if_there = code_printf(c, "%s && ", code_member(c, operand, "has"));
  return code_address(c, code_member(c, operand, "value"));
}

const char *code_json_member(struct code *c, const struct expr *expr) {
  const char *object = code_expr(c, expr->field.object), *if_there;
  const char *at = json_at(c, expr->field.object->type, object, &if_there);
  const char *temp = code_temp(c, expr->type, "{0}");
  struct text key, quoted;
  text_init(&key, &c->e->compiler->arena);
  text_init(&quoted, &c->e->compiler->arena);
  text_add_quoted_json(&key, expr->field.name.text, strlen(expr->field.name.text));
  text_add_quoted_c(&quoted, key.data, key.length);
  code_put(c, "%s.has = %sflow_json_value_member(%s, %s, %zu, &%s.value);", temp, if_there, at,
           quoted.data, key.length, temp);
  return temp;
}

const char *code_json_element(struct code *c, const struct expr *expr) {
  const struct expr *object = expr->index.object, *index = expr->index.index;
  const char *operands[2], *if_there;
  code_exprs(c, (const struct expr *[]){object, index}, 2, operands);
  const char *at = json_at(c, object->type, operands[0], &if_there);
  const char *temp = code_temp(c, expr->type, "{0}");
  if (index->type->kind == TYPE_INT)
    code_put(c, "%s.has = %sflow_json_value_element(%s, %s, &%s.value);", temp, if_there, at,
             operands[1], temp);
  else
    code_put(c, "%s.has = %sflow_json_value_named(w->arena, %s, %s, &%s.value);", temp, if_there, at,
             code_address(c, operands[1]), temp);
  return temp;
}

/* -- conversions ----------------------------------------------------------------------------- */

/* Writes the function that makes a map of the members of an object; of equal keys the last counts. */
static const char *members_function(struct emit *e, const struct type *map) {
  const char *name = arena_printf(&e->compiler->arena, "members_%s", emit_mangle(e, map));
  if (!emit_first_time(e, name)) return name;
  const char *entry = emit_entry_type(e, map), *hash = emit_key_hash(e, map->key);
  const char *equal = emit_key_equal(e, map->key);
  text_addf(emit_section(e, SECTION_HELPERS),
            "static inline bool %s(struct flow_mem *mem, const struct flow_str *v, "
            "struct flow_map *out) {\n"
            "  struct flow_json_members members;\n"
            "  struct flow_str key, value;\n"
            "  *out = (struct flow_map){0};\n"
            "  if (!flow_json_value_members(v, &members)) return false;\n"
            "  while (flow_json_next_of(&members, mem, &key, &value)) {\n"
            "    uint32_t at = flow_map_find(out, &key, sizeof(%s), %s, %s);\n"
            "    if (at == FLOW_MAP_NONE) at = flow_map_insert(mem, out, &key, sizeof(%s), %s);\n"
            "    *(%s *)flow_map_at(out, at, sizeof(%s)) = (%s){key, value};\n"
            "  }\n  return true;\n}\n\n",
            name, entry, hash, equal, entry, hash, entry, entry, entry);
  return name;
}

/* The call that converts the json at `at` into the variable `to`: false if it is something else. */
static const char *conversion(struct code *c, const struct expr *call, const char *at,
                              const char *to) {
  switch (call->call.builtin->id) {
  case BUILTIN_INT: return code_printf(c, "flow_json_value_int(%s, &%s)", at, to);
  case BUILTIN_FLOAT: return code_printf(c, "flow_json_value_float(%s, &%s)", at, to);
  case BUILTIN_BOOL: return code_printf(c, "flow_json_value_bool(%s, &%s)", at, to);
  case BUILTIN_STRING: return code_printf(c, "flow_json_value_string(w->arena, %s, &%s)", at, to);
  case BUILTIN_DECIMAL:
    return code_printf(c, "flow_json_value_decimal(%s, %u, &%s)", at, call->type->scale, to);
  case BUILTIN_ELEMENTS:
    return code_printf(c, "flow_json_value_elements(w->arena, %s, &%s)", at, to);
  default:
    return code_printf(c, "%s(w->arena, %s, &%s)", members_function(c->e, call->type), at, to);
  }
}

static const char *what(const struct expr *call) {
  switch (call->call.builtin->id) {
  case BUILTIN_INT: return "the json is not an int";
  case BUILTIN_FLOAT: return "the json is not a number in the range of float";
  case BUILTIN_BOOL: return "the json is not a bool";
  case BUILTIN_STRING: return "the json is not a string";
  case BUILTIN_DECIMAL: return "the json is not such a decimal";
  case BUILTIN_ELEMENTS: return "the json is not an array";
  default: return "the json is not an object";
  }
}

const char *code_json_convert(struct code *c, const struct expr *call, const char *operand) {
  const struct type *type = call->call.args.data[0].value->type;
  const char *if_there, *at = json_at(c, type, operand, &if_there);
  bool is_list = call->call.builtin->id == BUILTIN_ELEMENTS;
  const char *to = is_list ? code_printf(c, "parts%u", ++c->temp_count) : code_temp(c, call->type, NULL);
  if (is_list) code_put(c, "struct flow_str_list %s;", to);
  code_put(c, "if (!(%s%s)) %s", if_there, conversion(c, call, at, to),
           code_fail(c, call->span, what(call)));
  if (!is_list) return to;
  return code_temp(c, call->type, code_printf(c, "{%s.data, %s.length, %s.capacity}", to, to, to));
}

const char *code_json_of(struct code *c, const struct type *type, const char *operand) {
  if (type->kind == TYPE_JSON) return operand;
  const char *buffer = code_text_begin(c);
  code_put(c, "%s(&%s, %s);", emit_helper(c->e, HELPER_JSON, type), buffer,
           code_pointer(c, type, operand));
  return code_text_end(c, buffer);
}

const char *code_json_is_null(struct code *c, const struct type *type, const char *operand) {
  const char *if_there, *at = json_at(c, type, operand, &if_there);
  const char *test = code_printf(c, "flow_json_value_is_null(%s)", at);
  return is_optional(type) ? code_printf(c, "(!%s || %s)", code_member(c, operand, "has"), test) : test;
}
