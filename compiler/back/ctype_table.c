/* Sets and maps: their entries, the callbacks of flow/map.h, and the helpers over them.
 *
 * The C type of every set and map is struct flow_map; what differs is the entry, a struct E_… with
 * the key first and, in a map, the value behind it.
 */
#include "back/ctype.h"

const char *emit_entry_type(struct emit *e, const struct type *table) {
  struct ctype *entry = ctype_entry(e, table);
  if (entry->entry_type != NULL) return entry->entry_type;
  const struct type *key = emit_table_key(table);
  struct text out;
  text_init(&out, &e->compiler->arena);
  const char *name =
      ctype_unique(e, arena_printf(&e->compiler->arena, "E_%s", emit_mangle(e, table)));
  entry->entry_type = arena_printf(&e->compiler->arena, "struct %s", name);
  text_addf(&out, "/* an entry of %s */\n%s {\n  %s key;\n", type_name(e->compiler->types, table),
            entry->entry_type, emit_c_type(e, key));
  if (table->kind == TYPE_MAP) text_addf(&out, "  %s value;\n", emit_c_type(e, table->elem));
  text_add(&out, "};\n\n");
  text_addn(emit_section(e, SECTION_TYPES), out.data, out.length);
  return entry->entry_type;
}

const struct type *emit_table_key(const struct type *table) {
  return table->kind == TYPE_MAP ? table->key : table->elem;
}

const char *emit_key_equal(struct emit *e, const struct type *key) {
  struct ctype *entry = ctype_entry(e, key);
  if (entry->key_equal != NULL) return entry->key_equal;
  entry->key_equal =
      ctype_unique(e, arena_printf(&e->compiler->arena, "key_equal_%s", emit_mangle(e, key)));
  const char *equal = emit_helper(e, HELPER_EQUAL, key);
  text_addf(emit_section(e, SECTION_HELPERS),
            "static inline bool %s(const void *entry, const void *key) {\n"
            "  return %s(entry, key);\n}\n\n",
            entry->key_equal, equal);
  return entry->key_equal;
}

const char *emit_key_hash(struct emit *e, const struct type *key) {
  struct ctype *entry = ctype_entry(e, key);
  if (entry->key_hash != NULL) return entry->key_hash;
  entry->key_hash =
      ctype_unique(e, arena_printf(&e->compiler->arena, "key_hash_%s", emit_mangle(e, key)));
  const char *hash = emit_helper(e, HELPER_HASH, key);
  text_addf(emit_section(e, SECTION_HELPERS),
            "static inline uint64_t %s(uint64_t seed, const void *key) {\n"
            "  return %s(seed, key);\n}\n\n",
            entry->key_hash, hash);
  return entry->key_hash;
}

/* Writes the head of a loop over the entries of `table`, at which the C variable `x` points; the
 * entry is `entry`. */
void ctype_table_loop(struct emit *e, struct text *out, const struct type *table, const char *x) {
  const char *entry = emit_entry_type(e, table);
  text_addf(
      out,
      "  for (uint32_t i = flow_map_first(%s); i != FLOW_MAP_NONE; i = flow_map_next(%s, i)) {\n"
      "    %s *entry = flow_map_at(%s, i, sizeof(%s));\n",
      x, x, entry, x, entry);
}

void ctype_table_equal(struct emit *e, struct text *out, const struct type *table) {
  const struct type *key = emit_table_key(table);
  const char *entry = emit_entry_type(e, table);
  text_add(out, "  if (a->length != b->length) return false;\n");
  ctype_table_loop(e, out, table, "a");
  text_addf(out,
            "    uint32_t at = flow_map_find(b, &entry->key, sizeof(%s), %s, %s);\n"
            "    if (at == FLOW_MAP_NONE) return false;\n",
            entry, emit_key_hash(e, key), emit_key_equal(e, key));
  if (table->kind == TYPE_MAP) {
    text_addf(out,
              "    %s *other = flow_map_at(b, at, sizeof(%s));\n"
              "    if (!%s(&entry->value, &other->value)) return false;\n",
              entry, entry, emit_helper(e, HELPER_EQUAL, table->elem));
  }
  text_add(out, "  }\n  return true;\n");
}

/* Writes the copy of the lvalue `from` into `to`: by the type's helper where memory is inside. */
static void copy_part(struct emit *e, struct text *out, const struct type *type, const char *to,
                      const char *from) {
  if (type_has_heap(type)) {
    text_addf(out, "    %s(mem, &%s, &%s);\n", emit_helper(e, HELPER_COPY, type), to, from);
  } else {
    text_addf(out, "    %s = %s;\n", to, from);
  }
}

void ctype_table_copy(struct emit *e, struct text *out, const struct type *table) {
  const struct type *key = emit_table_key(table);
  const char *entry = emit_entry_type(e, table);
  text_addf(out,
            "  struct flow_map copy = {0};\n"
            "  flow_map_reserve(mem, &copy, from->length, sizeof(%s));\n",
            entry);
  ctype_table_loop(e, out, table, "from");
  text_addf(out,
            "    uint32_t at = flow_map_insert(mem, &copy, &entry->key, sizeof(%s), %s);\n"
            "    %s *made = flow_map_at(&copy, at, sizeof(%s));\n",
            entry, emit_key_hash(e, key), entry, entry);
  copy_part(e, out, key, "made->key", "entry->key");
  if (table->kind == TYPE_MAP) copy_part(e, out, table->elem, "made->value", "entry->value");
  text_add(out, "  }\n  *to = copy;\n");
}

void ctype_table_drop(struct emit *e, struct text *out, const struct type *table) {
  const struct type *key = emit_table_key(table);
  bool has_heap_value = table->kind == TYPE_MAP && type_has_heap(table->elem);
  if (type_has_heap(key) || has_heap_value) {
    ctype_table_loop(e, out, table, "x");
    if (type_has_heap(key)) {
      text_addf(out, "    %s(mem, &entry->key);\n", emit_helper(e, HELPER_DROP, key));
    }
    if (has_heap_value) {
      text_addf(out, "    %s(mem, &entry->value);\n", emit_helper(e, HELPER_DROP, table->elem));
    }
    text_add(out, "  }\n");
  }
  text_addf(out, "  flow_map_free(mem, x, sizeof(%s));\n", emit_entry_type(e, table));
}

void ctype_table_encode(struct emit *e, struct text *out, const struct type *table) {
  text_add(out, "  flow_put_varint(b, x->length);\n");
  ctype_table_loop(e, out, table, "x");
  text_addf(out, "    %s(b, &entry->key);\n", emit_helper(e, HELPER_ENCODE, emit_table_key(table)));
  if (table->kind == TYPE_MAP) {
    text_addf(out, "    %s(b, &entry->value);\n", emit_helper(e, HELPER_ENCODE, table->elem));
  }
  text_add(out, "  }\n");
}

/* A key that comes twice means that the bytes are not what an encoder wrote. */
void ctype_table_decode(struct emit *e, struct text *out, const struct type *table) {
  const struct type *key = emit_table_key(table);
  const char *entry = emit_entry_type(e, table);
  const char *hash = emit_key_hash(e, key), *equal = emit_key_equal(e, key);
  text_addf(out,
            "  uint64_t count = flow_get_count(r);\n"
            "  *x = (struct flow_map){0};\n"
            "  if (!r->ok || count > FLOW_MAP_MAX) return false;\n"
            "  flow_map_reserve(mem, x, (uint32_t)count, sizeof(%s));\n"
            "  for (uint64_t i = 0; i < count; i++) {\n"
            "    %s key;\n"
            "    if (!%s(mem, r, &key)) return false;\n"
            "    if (flow_map_find(x, &key, sizeof(%s), %s, %s) != FLOW_MAP_NONE) return false;\n"
            "    uint32_t at = flow_map_insert(mem, x, &key, sizeof(%s), %s);\n"
            "    %s *entry = flow_map_at(x, at, sizeof(%s));\n"
            "    entry->key = key;\n",
            entry, emit_c_type(e, key), emit_helper(e, HELPER_DECODE, key), entry, hash, equal,
            entry, hash, entry, entry);
  if (table->kind == TYPE_MAP) {
    text_addf(out, "    if (!%s(mem, r, &entry->value)) return false;\n",
              emit_helper(e, HELPER_DECODE, table->elem));
  }
  text_add(out, "  }\n  return r->ok;\n");
}
