/* Lists: their C types, and how other code gets at the elements (flow/list.h).
 *
 * Elements that are plain and small lie inside the list while they are few, so that a row of state
 * with short lists is one piece of memory. All others lie outside, by pointer.
 */
#include "back/ctype.h"

uint32_t emit_list_near(const struct type *list) {
  if (!ctype_is_plain(list->elem)) return 0;
  /* Four, as the limits in the benchmarks have them; of bools as many as fit the pointer's place. */
  return list->elem->kind == TYPE_BOOL ? 8 : 4;
}

void ctype_define_list(struct emit *e, const struct type *list, struct text *out) {
  uint32_t near = emit_list_near(list);
  const char *elem = emit_c_type(e, list->elem);
  text_addf(out, "struct %s {\n", emit_mangle(e, list));
  if (near > 0)
    text_addf(out, "  union {\n    %s near[%u];\n    %s *far;\n  };\n", elem, near, elem);
  else
    text_addf(out, "  %s *far;\n", elem);
  text_add(out, "  uint32_t length, capacity;\n};\n");
}

const char *emit_list_data(struct emit *e, const struct type *list, const char *pointer) {
  struct arena *arena = &e->compiler->arena;
  if (emit_list_near(list) == 0) {
    return pointer[0] == '&' ? arena_printf(arena, "%s.far", pointer + 1)
                             : arena_printf(arena, "%s->far", pointer);
  }
  const char *name = arena_printf(arena, "data_%s", emit_mangle(e, list));
  if (emit_first_time(e, name)) {
    const char *c_type = emit_c_type(e, list), *elem = emit_c_type(e, list->elem);
    text_addf(emit_section(e, SECTION_HELPERS),
              "static inline %s *%s(const %s *xs) {\n"
              "  return xs->capacity > 0 ? xs->far : (%s *)(uintptr_t)xs->near;\n}\n\n",
              elem, name, c_type, elem);
  }
  return arena_printf(arena, "%s(%s)", name, pointer);
}

const char *emit_list_make(struct emit *e, const struct type *list) {
  const char *name = arena_printf(&e->compiler->arena, "make_%s", emit_mangle(e, list));
  if (!emit_first_time(e, name)) return name;
  const char *c_type = emit_c_type(e, list);
  text_addf(emit_section(e, SECTION_HELPERS),
            "static inline %s %s(struct flow_mem *mem, uint32_t length) {\n"
            "  %s xs = {.length = length};\n"
            "  if (length <= %u) return xs;\n"
            "  xs.far = flow_mem_alloc(mem, length * sizeof *xs.far);\n"
            "  xs.capacity = length;\n"
            "  return xs;\n}\n\n",
            c_type, name, c_type, emit_list_near(list));
  return name;
}

const char *emit_list_grow(struct emit *e, const struct type *list, const char *memory) {
  return arena_printf(&e->compiler->arena,
                      "if (flow_list_is_full(xs->length, xs->capacity, %u))\n"
                      "    xs->far = flow_list_grow(%s, %s, xs->length, &xs->capacity, sizeof *xs->far);\n",
                      emit_list_near(list), memory, emit_list_data(e, list, "xs"));
}

void ctype_list_copy(struct emit *e, struct text *out, const struct type *list) {
  uint32_t near = emit_list_near(list);
  text_addf(out,
            "  %s copy = *from;\n"
            "  if (from->length > %u) {\n"
            "    copy.far = flow_mem_alloc(mem, from->length * sizeof *copy.far);\n"
            "    copy.capacity = from->length;\n",
            emit_c_type(e, list), near);
  if (type_has_heap(list->elem))
    text_addf(out,
              "    for (uint32_t i = 0; i < from->length; i++) %s(mem, &copy.far[i], "
              "&from->far[i]);\n",
              emit_helper(e, HELPER_COPY, list->elem));
  else
    text_add(out, "    memcpy(copy.far, from->far, from->length * sizeof *copy.far);\n");
  if (near > 0)
    text_add(out, "  } else if (from->capacity > 0) {\n"
                  "    memcpy(copy.near, from->far, from->length * sizeof *copy.near);\n"
                  "    copy.capacity = 0;\n  }\n");
  else
    text_add(out, "  } else {\n    copy.far = NULL;\n    copy.capacity = 0;\n  }\n");
  text_add(out, "  *to = copy;\n");
}

void ctype_list_drop(struct emit *e, struct text *out, const struct type *list) {
  if (type_has_heap(list->elem))
    text_addf(out, "  for (uint32_t i = 0; i < x->length; i++) %s(mem, &x->far[i]);\n",
              emit_helper(e, HELPER_DROP, list->elem));
  text_add(out, "  flow_list_free(mem, x->far, x->capacity, sizeof *x->far);\n");
}

void ctype_list_decode(struct emit *e, struct text *out, const struct type *list) {
  text_addf(out,
            "  uint64_t count = flow_get_count(r);\n"
            "  if (!r->ok || count > FLOW_LIST_MAX) return false;\n"
            "  *x = %s(mem, (uint32_t)count);\n"
            "  for (x->length = 0; x->length < count; x->length++) {\n"
            "    if (!%s(mem, r, &%s[x->length])) return false;\n"
            "  }\n  return true;\n",
            emit_list_make(e, list), emit_helper(e, HELPER_DECODE, list->elem),
            emit_list_data(e, list, "x"));
}
