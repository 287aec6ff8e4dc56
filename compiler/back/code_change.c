/* Places that statements change, and the mutators of collections.
 *
 * Each mutator is a function of its collection type, written on first use: push_L_int(memory, xs,
 * x). What it stores is a deep copy in the collection's own memory; what it takes out is copied to
 * the arena before its memory is freed, so no pointer into freed memory ever leaves it.
 */
#include "back/code.h"

#include "front/builtin.h"

static const struct expr *root_of(const struct expr *place) {
  while (place->kind == EXPR_FIELD || place->kind == EXPR_INDEX)
    place = place->kind == EXPR_FIELD ? place->field.object : place->index.object;
  return place;
}

const char *code_owner(const struct expr *place) {
  const struct expr *root = root_of(place);
  bool is_state = root->kind == EXPR_NAME && root->name.ref == REF_STATE;
  return is_state ? "w->heap" : "w->arena";
}

/* -- functions written on first use ---------------------------------------------------------- */

struct shape {
  struct emit *e;
  const struct type *type, *elem;
  const char *name;   /* of the function */
  const char *c_type; /* of the collection */
  const char *c_elem;
  struct text out;
};

/* Returns true if the function must be written now. */
static bool begin(struct shape *s, struct emit *e, const char *verb, const struct type *type) {
  const struct type *elem = type->kind == TYPE_LIST ? type->elem : emit_table_key(type);
  *s = (struct shape){.e = e, .type = type, .elem = elem};
  s->name = arena_printf(&e->compiler->arena, "%s_%s", verb, emit_mangle(e, type));
  s->c_type = emit_c_type(e, type);
  s->c_elem = emit_c_type(e, elem);
  text_init(&s->out, &e->compiler->arena);
  return emit_first_time(e, s->name);
}

static void finish(struct shape *s) {
  text_add(&s->out, "}\n\n");
  text_addn(emit_section(s->e, SECTION_HELPERS), s->out.data, s->out.length);
}

static const char *drop(struct emit *e, const struct type *type, const char *pointer) {
  if (!type_has_heap(type)) return "";
  return arena_printf(&e->compiler->arena, "  %s(mem, %s);\n", emit_helper(e, HELPER_DROP, type),
                      pointer);
}

/* A C pointer to the element of the list `xs` at an index. */
static const char *element(const struct shape *s, const char *at) {
  return arena_printf(&s->e->compiler->arena, "&%s[%s]", emit_list_data(s->e, s->type, "xs"), at);
}

/* Closes the gap of an element that is gone, and gives back memory that became too much. */
static void write_close(struct shape *s, const char *at) {
  uint32_t near = emit_list_near(s->type);
  if (near > 0) {
    text_addf(&s->out,
              "  if (FLOW_LIKELY(xs->capacity == 0))\n"
              "    flow_list_close_near(xs->near, %u, %s, sizeof *xs->near);\n"
              "  else\n"
              "    flow_list_close(xs->far, xs->length, %s, sizeof *xs->far);\n",
              near, at, at);
  } else {
    text_addf(&s->out, "  flow_list_close(xs->far, xs->length, %s, sizeof *xs->far);\n", at);
  }
  text_addf(&s->out,
            "  xs->length--;\n"
            "  if (flow_list_is_wide(xs->length, xs->capacity))\n"
            "    flow_list_shrink(mem, xs, xs->length, &xs->capacity, %u, sizeof *xs->far);\n",
            near);
}

static const char *push_function(struct emit *e, const struct type *list) {
  struct shape s;
  if (!begin(&s, e, "push", list)) return s.name;
  text_addf(&s.out,
            "static inline void %s(struct flow_mem *mem, %s *xs, const %s *x) {\n"
            "  %s  %s\n  xs->length++;\n",
            s.name, s.c_type, s.c_elem, emit_list_grow(e, list, "mem"),
            code_copy(e, s.elem, "mem", element(&s, "xs->length"), "x"));
  finish(&s);
  return s.name;
}

static const char *insert_function(struct emit *e, const struct type *list) {
  struct shape s;
  if (!begin(&s, e, "insert", list)) return s.name;
  text_addf(&s.out,
            "static inline bool %s(struct flow_mem *mem, %s *xs, int64_t at, const %s *x) {\n"
            "  if ((uint64_t)at > xs->length) return false;\n"
            "  %s"
            "  flow_list_open(%s, xs->length, (uint32_t)at, sizeof *xs->far);\n"
            "  %s\n  xs->length++;\n  return true;\n",
            s.name, s.c_type, s.c_elem, emit_list_grow(e, list, "mem"),
            emit_list_data(e, list, "xs"), code_copy(e, s.elem, "mem", element(&s, "at"), "x"));
  finish(&s);
  return s.name;
}

/* Takes the element at an index out, as an optional: pop, pop_first and remove_at. */
static const char *take_function(struct emit *e, const struct type *list) {
  struct shape s;
  if (!begin(&s, e, "take", list)) return s.name;
  struct types *types = e->compiler->types;
  const struct type *result = type_optional(types, list->elem);
  bool is_same = result == list->elem;
  if (!is_same) emit_c_type(e, result);
  text_addf(&s.out,
            "static inline %s %s(struct flow_mem *arena, struct flow_mem *mem, %s *xs, int64_t at) {\n"
            "  (void)arena;\n"
            "  %s taken = {0};\n"
            "  if ((uint64_t)at >= xs->length) return taken;\n",
            emit_c_type(e, result), s.name, s.c_type, emit_c_type(e, result));
  if (!is_same) text_add(&s.out, "  taken.has = true;\n");
  text_addf(&s.out, "  %s\n%s",
            code_copy(e, s.elem, "arena", is_same ? "&taken" : "&taken.value", element(&s, "at")),
            drop(e, s.elem, element(&s, "at")));
  write_close(&s, "(uint32_t)at");
  text_add(&s.out, "  return taken;\n");
  finish(&s);
  return s.name;
}

static const char *remove_function(struct emit *e, const struct type *list) {
  struct shape s;
  if (!begin(&s, e, "remove", list)) return s.name;
  const char *find = code_list_find(e, list);
  text_addf(&s.out,
            "static inline bool %s(struct flow_mem *mem, %s *xs, const %s *x) {\n"
            "  uint32_t at = %s(xs, x);\n"
            "  if (at == xs->length) return false;\n"
            "%s",
            s.name, s.c_type, s.c_elem, find, drop(e, s.elem, element(&s, "at")));
  write_close(&s, "at");
  text_add(&s.out, "  return true;\n");
  finish(&s);
  return s.name;
}

static const char *clear_function(struct emit *e, const struct type *type) {
  struct shape s;
  if (!begin(&s, e, "clear", type)) return s.name;
  text_addf(&s.out, "static inline void %s(struct flow_mem *mem, %s *xs) {\n", s.name,
            s.c_type);
  text_addf(&s.out, "  %s(mem, xs);\n  *xs = (%s){.length = 0};\n", emit_helper(e, HELPER_DROP, type),
            s.c_type);
  finish(&s);
  return s.name;
}

/* Takes elements from the beginning away that are there. Of an empty list there is nothing to move from. */
static const char *cut_function(struct emit *e, const struct type *list) {
  struct shape s;
  if (!begin(&s, e, "cut", list)) return s.name;
  text_addf(&s.out,
            "static inline void %s(struct flow_mem *mem, %s *xs, int64_t count) {\n"
            "  if (count == 0) return;\n",
            s.name, s.c_type);
  if (type_has_heap(s.elem))
    text_addf(&s.out, "  for (int64_t i = 0; i < count; i++)\n  %s", drop(e, s.elem, element(&s, "i")));
  text_addf(&s.out,
            "  %s *first = %s;\n"
            "  xs->length -= (uint32_t)count;\n"
            "  memmove(first, first + count, xs->length * sizeof *first);\n"
            "  if (flow_list_is_wide(xs->length, xs->capacity))\n"
            "    flow_list_shrink(mem, xs, xs->length, &xs->capacity, %u, sizeof *xs->far);\n"
            "  (void)mem;\n",
            s.c_elem, emit_list_data(e, list, "xs"), emit_list_near(list));
  finish(&s);
  return s.name;
}

/* The entry of a key, made (with an empty value) where it is missing; *is_new says which. */
static const char *entry_function(struct emit *e, const struct type *table) {
  struct shape s;
  if (!begin(&s, e, "entry", table)) return s.name;
  const char *entry = emit_entry_type(e, table);
  const char *hash = emit_key_hash(e, s.elem), *equal = emit_key_equal(e, s.elem);
  text_addf(&s.out,
            "static inline %s *%s(struct flow_mem *mem, struct flow_map *m, const %s *key, bool *is_new) {\n"
            "  uint32_t at = flow_map_find(m, key, sizeof(%s), %s, %s);\n"
            "  *is_new = at == FLOW_MAP_NONE;\n"
            "  if (!*is_new) return flow_map_at(m, at, sizeof(%s));\n"
            "  at = flow_map_insert(mem, m, key, sizeof(%s), %s);\n"
            "  %s *entry = flow_map_at(m, at, sizeof(%s));\n"
            "  %s\n",
            entry, s.name, s.c_elem, entry, hash, equal, entry, entry, hash, entry, entry,
            code_copy(e, s.elem, "mem", "&entry->key", "key"));
  if (table->kind == TYPE_MAP)
    text_addf(&s.out, "  entry->value = (%s){0};\n", emit_c_type(e, table->elem));
  text_add(&s.out, "  return entry;\n");
  finish(&s);
  return s.name;
}

static const char *put_function(struct emit *e, const struct type *map) {
  struct shape s;
  if (!begin(&s, e, "put", map)) return s.name;
  const char *value = emit_c_type(e, map->elem);
  text_addf(&s.out,
            "static inline void %s(struct flow_mem *mem, struct flow_map *m, const %s *key, "
            "const %s *value) {\n"
            "  bool is_new;\n"
            "  %s copy;\n"
            "  %s\n"
            "  %s *entry = %s(mem, m, key, &is_new);\n",
            s.name, s.c_elem, value, value, code_copy(e, map->elem, "mem", "&copy", "value"),
            emit_entry_type(e, map), entry_function(e, map));
  if (type_has_heap(map->elem))
    text_addf(&s.out, "  if (!is_new) %s(mem, &entry->value);\n",
              emit_helper(e, HELPER_DROP, map->elem));
  text_add(&s.out, "  entry->value = copy;\n");
  finish(&s);
  return s.name;
}

static const char *delete_function(struct emit *e, const struct type *table) {
  struct shape s;
  if (!begin(&s, e, "delete", table)) return s.name;
  const char *entry = emit_entry_type(e, table);
  bool has_value = table->kind == TYPE_MAP && type_has_heap(table->elem);
  text_addf(&s.out,
            "static inline bool %s(struct flow_mem *mem, struct flow_map *m, const %s *key) {\n"
            "  uint32_t at = flow_map_find(m, key, sizeof(%s), %s, %s);\n"
            "  if (at == FLOW_MAP_NONE) return false;\n",
            s.name, s.c_elem, entry, emit_key_hash(e, s.elem), emit_key_equal(e, s.elem));
  if (has_value || type_has_heap(s.elem))
    text_addf(&s.out, "  %s *entry = flow_map_at(m, at, sizeof(%s));\n%s%s", entry, entry,
              drop(e, s.elem, "&entry->key"), has_value ? drop(e, table->elem, "&entry->value") : "");
  text_addf(&s.out, "  flow_map_remove(mem, m, at, sizeof(%s));\n  return true;\n", entry);
  finish(&s);
  return s.name;
}

/* -- places ---------------------------------------------------------------------------------- */

static const char *element_place(struct code *c, const struct expr *place) {
  const struct type *type = place->index.object->type;
  const char *index = code_expr(c, place->index.index);
  if (code_is_scalar(place->index.index->type)) index = code_temp(c, place->index.index->type, index);
  const char *object = code_place(c, place->index.object);
  if (type->kind == TYPE_LIST) {
    if (!place->index.is_sure)
      code_put(c, "if ((uint64_t)%s >= %s) %s", index, code_member(c, object, "length"),
               code_fail(c, place->span, "the index is out of range"));
    return code_printf(c, "%s[%s]", emit_list_data(c->e, type, code_address(c, object)), index);
  }
  const char *is_new = code_printf(c, "is_new%u", ++c->temp_count);
  const char *entry = code_printf(c, "e%u", c->temp_count);
  code_put(c, "bool %s; %s *%s = %s(%s, %s, %s, &%s);", is_new, emit_entry_type(c->e, type), entry,
           entry_function(c->e, type), code_owner(place), code_address(c, object),
           code_address(c, index), is_new);
  return code_printf(c, "%s->value", entry);
}

const char *code_place(struct code *c, const struct expr *place) {
  switch (place->kind) {
  case EXPR_FIELD:
    return code_member(c, code_place(c, place->field.object),
                       emit_member(c->e, place->field.name.text));
  case EXPR_INDEX: return element_place(c, place);
  default: return code_expr(c, place);
  }
}

/* -- calls ----------------------------------------------------------------------------------- */

static const char *list_mutator(struct code *c, const struct expr *call, const struct type *type,
                                const char *xs, const char *owner, const char **args) {
  switch (call->call.builtin->id) {
  case BUILTIN_PUSH:
    code_put(c, "%s(%s, %s, %s);", push_function(c->e, type), owner, xs, args[0]);
    return "0";
  case BUILTIN_INSERT:
    if (!call->can_fail) /* at the start */
      code_put(c, "%s(%s, %s, %s, %s);", insert_function(c->e, type), owner, xs, args[0], args[1]);
    else
      code_put(c, "if (!%s(%s, %s, %s, %s)) %s", insert_function(c->e, type), owner, xs, args[0],
               args[1], code_fail(c, call->span, "the index is out of range"));
    return "0";
  case BUILTIN_QUOTED_INSERT:
    code_put(c, "(void)%s(%s, %s, %s, %s);", insert_function(c->e, type), owner, xs, args[0], args[1]);
    return "0";
  case BUILTIN_QUOTED_DROP:
    code_put(c, "%s(%s, %s, %s);", cut_function(c->e, type), owner, xs, args[0]);
    return "0";
  case BUILTIN_REMOVE:
    return code_temp(c, call->type, code_printf(c, "%s(%s, %s, %s)", remove_function(c->e, type),
                                                owner, xs, args[0]));
  case BUILTIN_POP:
  case BUILTIN_POP_FIRST:
  case BUILTIN_REMOVE_AT: {
    const char *at = call->call.builtin->id == BUILTIN_POP_FIRST ? "0" : args[0];
    if (call->call.builtin->id == BUILTIN_POP)
      at = code_printf(c, "(int64_t)%s - 1", code_member(c, code_deref(c, xs), "length"));
    return code_temp(c, call->type, code_printf(c, "%s(w->arena, %s, %s, %s)",
                                                take_function(c->e, type), owner, xs, at));
  }
  default:
    code_put(c, "%s(%s, %s);", clear_function(c->e, type), owner, xs);
    return "0";
  }
}

static const char *table_mutator(struct code *c, const struct expr *call, const struct type *type,
                                 const char *xs, const char *owner, const char **args) {
  switch (call->call.builtin->id) {
  case BUILTIN_ADD: {
    const char *is_new = code_printf(c, "is_new%u", ++c->temp_count);
    code_put(c, "bool %s; (void)%s(%s, %s, %s, &%s);", is_new, entry_function(c->e, type), owner,
             xs, args[0], is_new);
    return is_new;
  }
  case BUILTIN_DELETE:
    return code_temp(c, call->type, code_printf(c, "%s(%s, %s, %s)", delete_function(c->e, type),
                                                owner, xs, args[0]));
  case BUILTIN_PUT:
    code_put(c, "%s(%s, %s, %s, %s);", put_function(c->e, type), owner, xs,
             args[0], args[1]);
    return "0";
  default:
    code_put(c, "%s(%s, %s);", clear_function(c->e, type), owner, xs);
    return "0";
  }
}

/* The type of the collection at a place: of `m[k]` the value's. */
static const struct type *collection_type(const struct expr *place) {
  if (place->kind != EXPR_INDEX) return place->type;
  return place->index.object->type->elem;
}

const char *code_mutator(struct code *c, const struct expr *call) {
  if (code_aggregate_mutator(c, call)) return "0";
  const struct expr *place = call->call.args.data[0].value;
  const struct type *type = collection_type(place);
  const struct expr *exprs[2] = {NULL, NULL};
  const char *args[2] = {"0", "0"};
  size_t count = call->call.args.count - 1;
  for (size_t i = 0; i < count; i++) exprs[i] = call->call.args.data[i + 1].value;
  code_exprs(c, exprs, count, args);
  /* Pointers, except for an index. */
  enum builtin_id id = call->call.builtin->id;
  bool has_index = id == BUILTIN_INSERT || id == BUILTIN_REMOVE_AT || id == BUILTIN_QUOTED_INSERT ||
                   id == BUILTIN_QUOTED_DROP;
  for (size_t i = has_index; i < count; i++) args[i] = code_pointer(c, exprs[i]->type, args[i]);
  const char *xs = code_address(c, code_place(c, place));
  if (type->kind == TYPE_LIST)
    return list_mutator(c, call, type, xs, code_owner(place), args);
  return table_mutator(c, call, type, xs, code_owner(place), args);
}
