/* Reading collections: elements, membership, lengths, copies in another order, sums. */
#include "back/code.h"

#include "front/builtin.h"

#include <string.h>

const char *code_copy(struct emit *e, const struct type *type, const char *memory, const char *to,
                      const char *from) {
  struct arena *arena = &e->compiler->arena;
  if (type_has_heap(type))
    return arena_printf(arena, "%s(%s, %s, %s);", emit_helper(e, HELPER_COPY, type), memory, to,
                        from);
  return arena_printf(arena, "*%s = *%s;", to, from);
}

const char *code_some(struct code *c, const struct type *elem, const char *temp,
                      const char *value) {
  if (elem->kind == TYPE_OPTIONAL) return code_printf(c, "%s = %s;", temp, value);
  return code_printf(c, "{ %s.has = true; %s.value = %s; }", temp, temp, value);
}

static const char *find(struct code *c, const struct type *table, const char *container,
                        const char *key) {
  const struct type *key_type = emit_table_key(table);
  const char *pointer = code_pointer(c, key_type, key);
  const char *at = code_printf(c, "at%u", ++c->temp_count);
  code_put(c, "uint32_t %s = flow_map_find(%s, %s, sizeof(%s), %s, %s);", at,
           code_address(c, container), pointer, emit_entry_type(c->e, table),
           emit_key_hash(c->e, key_type), emit_key_equal(c->e, key_type));
  return at;
}

/* The lvalue of the entry at a position of a set or map. */
static const char *entry_at(struct code *c, const struct type *table, const char *container,
                            const char *at, const char *part) {
  const char *type = emit_entry_type(c->e, table);
  return code_printf(c, "((%s *)flow_map_at(%s, %s, sizeof(%s)))->%s", type,
                     code_address(c, container), at, type, part);
}

/* The address of the elements of a list. */
static const char *data_of(struct code *c, const struct type *list, const char *operand) {
  return emit_list_data(c->e, list, code_address(c, operand));
}

const char *code_element(struct code *c, const struct expr *expr) {
  const struct type *type = expr->index.object->type;
  const char *operands[2];
  code_exprs(c, (const struct expr *[]){expr->index.object, expr->index.index}, 2, operands);
  if (expr->index.is_sure)
    return code_printf(c, "%s[%s]", data_of(c, type, operands[0]), operands[1]);
  const char *temp = code_temp(c, expr->type, "{0}");
  if (type->kind == TYPE_LIST) {
    const char *element =
        code_printf(c, "%s[%s]", data_of(c, type, operands[0]), operands[1]);
    code_put(c, "if ((uint64_t)%s < %s) %s", operands[1], code_member(c, operands[0], "length"),
             code_some(c, type->elem, temp, element));
    return temp;
  }
  const char *at = find(c, type, operands[0], operands[1]);
  code_put(c, "if (%s != FLOW_MAP_NONE) %s", at,
           code_some(c, type->elem, temp, entry_at(c, type, operands[0], at, "value")));
  return temp;
}

/* Writes the function that finds an element of a list and returns its index or the length. */
const char *code_list_find(struct emit *e, const struct type *list) {
  const char *name = arena_printf(&e->compiler->arena, "find_%s", emit_mangle(e, list));
  if (!emit_first_time(e, name)) return name;
  const char *elem = emit_c_type(e, list->elem), *equal = emit_helper(e, HELPER_EQUAL, list->elem);
  text_addf(emit_section(e, SECTION_HELPERS),
            "static inline uint32_t %s(const %s *xs, const %s *x) {\n"
            "  uint32_t i = 0;\n"
            "  while (i < xs->length && !%s(&%s[i], x)) i++;\n"
            "  return i;\n}\n\n",
            name, emit_c_type(e, list), elem, equal, emit_list_data(e, list, "xs"));
  return name;
}

const char *code_contains(struct code *c, const struct type *type, const char *container,
                          const char *value) {
  if (type->kind == TYPE_STRING)
    return code_printf(c, "flow_text_contains(%s, %s)", code_address(c, container),
                       code_address(c, value));
  if (type->kind != TYPE_LIST)
    return code_printf(c, "(%s != FLOW_MAP_NONE)", find(c, type, container, value));
  return code_printf(c, "(%s(%s, %s) < %s)", code_list_find(c->e, type), code_address(c, container),
                     code_pointer(c, type->elem, value), code_member(c, container, "length"));
}

/* -- new collections ------------------------------------------------------------------------- */

static const char *new_list(struct code *c, const struct type *list, const char *length) {
  return code_temp(c, list, code_printf(c, "%s(w->arena, %s)", emit_list_make(c->e, list), length));
}

const char *code_concat(struct code *c, const struct type *type, const char *a, const char *b) {
  if (type->kind == TYPE_STRING || type->kind == TYPE_BYTES) {
    return code_temp(c, type, code_printf(c, "flow_text_concat(w->arena, %s, %s)",
                                          code_address(c, a), code_address(c, b)));
  }
  const char *la = code_member(c, a, "length"), *lb = code_member(c, b, "length");
  const char *list = new_list(c, type, code_printf(c, "%s + %s", la, lb));
  const char *data = data_of(c, type, list);
  code_put(c, "for (uint32_t i = 0; i < %s; i++) %s[i] = %s[i];", la, data, data_of(c, type, a));
  code_put(c, "for (uint32_t i = 0; i < %s; i++) %s[%s + i] = %s[i];", lb, data, la,
           data_of(c, type, b));
  return list;
}

static void insert_key(struct code *c, const struct type *table, const char *map, const char *key,
                       const char *value) {
  const struct type *key_type = emit_table_key(table);
  if (code_is_scalar(key_type)) key = code_temp(c, key_type, key);
  const char *at = find(c, table, map, key);
  code_put(c,
           "if (%s == FLOW_MAP_NONE) { %s = flow_map_insert(w->arena, &%s, %s, sizeof(%s), %s); "
           "%s = %s; }",
           at, at, map, code_address(c, key), emit_entry_type(c->e, table),
           emit_key_hash(c->e, key_type), entry_at(c, table, map, at, "key"), key);
  if (value != NULL) code_put(c, "%s = %s;", entry_at(c, table, map, at, "value"), value);
}

const char *code_set_of(struct code *c, const struct type *type, const char **operands,
                        size_t count) {
  const char *temp = code_temp(c, type, "{0}");
  for (size_t i = 0; i < count; i++) insert_key(c, type, temp, operands[i], NULL);
  return temp;
}

const char *code_map_of(struct code *c, const struct type *type, const char **operands,
                        size_t count) {
  const char *temp = code_temp(c, type, "{0}");
  for (size_t i = 0; i < count; i++)
    insert_key(c, type, temp, operands[2 * i], operands[2 * i + 1]);
  return temp;
}

/* -- functions ------------------------------------------------------------------------------- */

/* A loop over a list or set in order: the element is the returned lvalue. Ends with "}". */
static const char *each(struct code *c, const struct type *type, const char *container) {
  const char *i = code_printf(c, "i%u", ++c->temp_count);
  if (type->kind == TYPE_LIST) {
    code_put(c, "for (uint32_t %s = 0; %s < %s; %s++) {", i, i, code_member(c, container, "length"), i);
    return code_printf(c, "%s[%s]", data_of(c, type, container), i);
  }
  const char *at = code_address(c, container);
  code_put(c, "for (uint32_t %s = flow_map_first(%s); %s != FLOW_MAP_NONE; %s = flow_map_next(%s, %s)) {",
           i, at, i, i, at, i);
  return entry_at(c, type, container, i, "key");
}

static const char *edge_element(struct code *c, const struct expr *call, const char *xs) {
  bool is_first = call->call.builtin->id == BUILTIN_FIRST;
  const struct type *type = call->call.args.data[0].value->type;
  const char *temp = code_temp(c, call->type, "{0}");
  const char *length = code_member(c, xs, "length");
  if (type->kind == TYPE_LIST) {
    const char *at = is_first ? "0" : code_printf(c, "%s - 1", length);
    const char *element = code_printf(c, "%s[%s]", data_of(c, type, xs), at);
    code_put(c, "if (%s > 0) %s", length, code_some(c, type->elem, temp, element));
    return temp;
  }
  const char *at = code_printf(c, "at%u", ++c->temp_count);
  code_put(c, "uint32_t %s = flow_map_%s(%s);", at, is_first ? "first" : "last",
           code_address(c, xs));
  code_put(c, "if (%s != FLOW_MAP_NONE) %s", at,
           code_some(c, type->elem, temp, entry_at(c, type, xs, at, "key")));
  return temp;
}

static const char *copy_list(struct code *c, const struct type *type, const char *xs) {
  const char *length = code_member(c, xs, "length");
  const char *list = new_list(c, type, length);
  code_put(c, "if (%s > 0) memcpy(%s, %s, %s * sizeof *%s.far);", length,
           data_of(c, type, list), data_of(c, type, xs), length, list);
  return list;
}

/* A C expression that compares what the pointers a and b point to; records by their first field. */
static const char *compare_elements(struct code *c, const struct type *elem) {
  if (elem->kind != TYPE_RECORD)
    return code_printf(c, "%s(a, b)", emit_helper(c->e, HELPER_COMPARE, elem));
  const struct type_field *field = &elem->fields.data[0];
  const char *type = emit_c_type(c->e, elem);
  const char *member = emit_member(c->e, field->name);
  return code_printf(c, "%s(&((const %s *)a)->%s, &((const %s *)b)->%s)",
                     emit_helper(c->e, HELPER_COMPARE, field->type), type, member, type, member);
}

static const char *sorted(struct code *c, const struct type *type, const char *xs) {
  struct emit *e = c->e;
  const char *name = arena_printf(&e->compiler->arena, "order_%s", emit_mangle(e, type->elem));
  if (emit_first_time(e, name)) {
    text_addf(emit_section(e, SECTION_HELPERS),
              "static int %s(const void *a, const void *b) {\n  return %s;\n}\n\n", name,
              compare_elements(c, type->elem));
  }
  const char *list = copy_list(c, type, xs);
  code_put(c, "flow_list_sort(w->arena, %s, %s.length, sizeof *%s.far, %s);",
           data_of(c, type, list), list, list, name);
  return list;
}

static const char *reversed(struct code *c, const struct type *type, const char *xs) {
  if (type->kind == TYPE_STRING)
    return code_temp(c, type, code_printf(c, "flow_text_reverse(w->arena, %s)", code_address(c, xs)));
  const char *length = code_member(c, xs, "length");
  const char *list = new_list(c, type, length);
  code_put(c, "for (uint32_t i = 0; i < %s; i++) %s[i] = %s[%s - 1 - i];", length,
           data_of(c, type, list), data_of(c, type, xs), length);
  return list;
}

static const char *index_of(struct code *c, const struct expr *call, const char **args) {
  const struct type *type = call->call.args.data[0].value->type;
  const char *index = code_printf(c, "index%u", ++c->temp_count);
  if (type->kind == TYPE_STRING) {
    code_put(c, "int64_t %s = flow_text_find(%s, %s);", index, code_address(c, args[0]),
             code_address(c, args[1]));
    return code_temp(c, call->type, code_printf(c, "{%s >= 0, %s}", index, index));
  }
  code_put(c, "uint32_t %s = %s(%s, %s);", index, code_list_find(c->e, type),
           code_address(c, args[0]), code_pointer(c, type->elem, args[1]));
  return code_temp(c, call->type, code_printf(c, "{%s < %s, %s}", index,
                                              code_member(c, args[0], "length"), index));
}

static const char *range_list(struct code *c, const struct expr *call, const char **args) {
  code_put(c, "if (%s > %s && (uint64_t)%s - (uint64_t)%s > 1000000) %s", args[1], args[0], args[1],
           args[0], code_fault(c, call->span, "the range has more than 1,000,000 elements"));
  const char *length = code_printf(c, "n%u", ++c->temp_count);
  code_put(c, "uint32_t %s = %s > %s ? (uint32_t)(%s - %s) : 0;", length, args[1], args[0], args[1],
           args[0]);
  const char *list = new_list(c, call->type, length);
  code_put(c, "for (uint32_t i = 0; i < %s; i++) %s[i] = %s + i;", length,
           data_of(c, call->type, list), args[0]);
  return list;
}

static const char *table_part(struct code *c, const struct expr *call, const char *map) {
  const struct type *type = call->call.args.data[0].value->type;
  bool is_keys = call->call.builtin->id == BUILTIN_KEYS;
  const char *list = new_list(c, call->type, code_member(c, map, "length"));
  code_put(c, "%s.length = 0;", list);
  const char *at = code_address(c, map);
  code_put(c,
           "for (uint32_t i = flow_map_first(%s); i != FLOW_MAP_NONE; i = flow_map_next(%s, i)) "
           "%s[%s.length++] = %s;",
           at, at, data_of(c, call->type, list), list, entry_at(c, type, map, "i", is_keys ? "key" : "value"));
  return list;
}

static const char *is_better(struct code *c, const struct type *type, bool is_min, const char *a,
                             const char *b) {
  const char *sign = is_min ? "<" : ">";
  if (code_is_scalar(type)) return code_printf(c, "%s %s %s", a, sign, b);
  return code_printf(c, "%s(%s, %s) %s 0", emit_helper(c->e, HELPER_COMPARE, type),
                     code_address(c, a), code_address(c, b), sign);
}

/* The least or greatest; of equal ones the first. */
static const char *extreme(struct code *c, const struct expr *call, const char **args) {
  bool is_min = call->call.builtin->id == BUILTIN_MIN;
  const struct type *first = call->call.args.data[0].value->type;
  bool is_of_collection = call->call.args.count == 1 && (first->kind == TYPE_LIST || first->kind == TYPE_SET);
  if (is_of_collection) {
    const char *temp = code_temp(c, call->type, "{0}");
    const char *element = each(c, first, args[0]);
    code_put(c, "if (!%s.has || %s) %s }", temp,
             is_better(c, first->elem, is_min, element, code_printf(c, "%s.value", temp)),
             code_some(c, first->elem, temp, element));
    return temp;
  }
  const char *temp = code_temp(c, call->type, args[0]);
  for (size_t i = 1; i < call->call.args.count; i++)
    code_put(c, "if (%s) %s = %s;", is_better(c, call->type, is_min, args[i], temp), temp, args[i]);
  return temp;
}

static const char *sum(struct code *c, const struct expr *call, const char *xs) {
  const struct type *type = call->call.args.data[0].value->type;
  const char *temp = code_temp(c, type->elem, "0");
  const char *element = each(c, type, xs);
  if (type->elem->kind == TYPE_FLOAT) {
    code_put(c, "%s += %s; } if (!__builtin_isfinite(%s)) %s", temp, element, temp,
             code_fault(c, call->span, "the sum is not a finite number"));
  } else {
    code_put(c, "if (__builtin_add_overflow(%s, %s, &%s)) %s }", temp, element, temp,
             code_fault(c, call->span, "the sum overflows"));
  }
  return temp;
}

/* The sum is exact whatever the values are, so the mean never overflows. */
static const char *decimal_average(struct code *c, const struct expr *call, const char *xs) {
  const struct type *type = call->call.args.data[0].value->type;
  const char *total = code_printf(c, "total%u", ++c->temp_count);
  code_put(c, "__int128 %s = 0;", total);
  const char *element = each(c, type, xs);
  code_put(c, "%s += %s; }", total, element);
  const char *length = code_member(c, xs, "length");
  const char *temp = code_temp(c, call->type, "{0}");
  code_put(c, "if (%s > 0) { %s.has = true; %s.value = flow_decimal_mean(%s, %s); }", length, temp,
           temp, total, length);
  return temp;
}

static const char *average(struct code *c, const struct expr *call, const char *xs) {
  const struct type *type = call->call.args.data[0].value->type;
  if (type->elem->kind == TYPE_DECIMAL) return decimal_average(c, call, xs);
  const char *total = code_printf(c, "total%u", ++c->temp_count);
  code_put(c, "double %s = 0;", total);
  const char *element = each(c, type, xs);
  code_put(c, "%s += (double)%s; }", total, element);
  const char *length = code_member(c, xs, "length");
  const char *temp = code_temp(c, call->type, "{0}");
  code_put(c, "if (%s > 0) { %s.has = true; %s.value = %s / %s; }", length, temp, temp, total,
           length);
  code_put(c, "if (!__builtin_isfinite(%s)) %s", total,
           code_fault(c, call->span, "the sum is not a finite number"));
  return temp;
}

static const char *slice(struct code *c, const struct expr *call, const char **args) {
  if (call->type->kind == TYPE_STRING || call->type->kind == TYPE_BYTES)
    return code_temp(c, call->type,
                     code_printf(c, "flow_%s_slice(%s, %s, %s)",
                                 call->type->kind == TYPE_STRING ? "text" : "bytes",
                                 code_address(c, args[0]), args[1], args[2]));
  const char *from = code_printf(c, "from%u", ++c->temp_count);
  const char *to = code_printf(c, "to%u", c->temp_count);
  code_put(c, "int64_t %s = %s, %s = %s; flow_list_clamp(%s, &%s, &%s);", from, args[1], to,
           args[2], code_member(c, args[0], "length"), from, to);
  const char *length = code_printf(c, "(uint32_t)(%s - %s)", to, from);
  const char *list = new_list(c, call->type, length);
  code_put(c, "if (%s > %s) memcpy(%s, %s + %s, %s * sizeof *%s.far);", to, from,
           data_of(c, call->type, list), data_of(c, call->type, args[0]), from, length, list);
  return list;
}

static const char *joined(struct code *c, const struct expr *call, const char **args) {
  return code_temp(c, call->type,
                   code_printf(c, "flow_text_join(w->arena, %s, %s, %s)",
                               data_of(c, call->call.args.data[0].value->type, args[0]),
                               code_member(c, args[0], "length"),
                               code_address(c, args[1])));
}

static const char *length_of(struct code *c, const struct type *type, const char *xs) {
  if (type->kind == TYPE_STRING)
    return code_printf(c, "flow_text_len(%s)", code_address(c, xs));
  return code_printf(c, "((int64_t)%s)", code_member(c, xs, "length"));
}

const char *code_collection(struct code *c, const struct expr *call, const char **args) {
  const struct type *type = call->call.args.data[0].value->type;
  switch (call->call.builtin->id) {
  case BUILTIN_LEN: return length_of(c, type, args[0]);
  case BUILTIN_IS_EMPTY: return code_printf(c, "(%s == 0)", code_member(c, args[0], "length"));
  case BUILTIN_CONTAINS: return code_contains(c, type, args[0], args[1]);
  case BUILTIN_FIRST:
  case BUILTIN_LAST: return edge_element(c, call, args[0]);
  case BUILTIN_SORT: return sorted(c, type, args[0]);
  case BUILTIN_INDEX_OF: return index_of(c, call, args);
  case BUILTIN_REVERSE: return reversed(c, type, args[0]);
  case BUILTIN_RANGE: return range_list(c, call, args);
  case BUILTIN_KEYS:
  case BUILTIN_VALUES: return table_part(c, call, args[0]);
  case BUILTIN_MIN:
  case BUILTIN_MAX: return extreme(c, call, args);
  case BUILTIN_SUM: return sum(c, call, args[0]);
  case BUILTIN_AVG: return average(c, call, args[0]);
  case BUILTIN_JOIN: return joined(c, call, args);
  case BUILTIN_SLICE: return slice(c, call, args);
  default: return "0";
  }
}
