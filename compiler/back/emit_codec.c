/* Readers of values in JSON: see codec.h. */
#include "back/codec.h"
#include "back/ctype.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* -- words for messages ---------------------------------------------------------------------- */

/* Enums with more variants than this are named without the list of their variants. */
#define LISTED_VARIANTS 8
/* Variants that a reader compares one after the other before it takes the string apart. */
#define TRIED_VARIANTS 8

const char *codec_field_name(const struct type_field *field) {
  return field->from != NULL ? field->from : field->name;
}

const char *codec_variant_name(const struct type_variant *variant) {
  return variant->from != NULL ? variant->from : variant->name;
}

/* By how it sounds: a Unit, a User, a Euro, and an Update. */
static bool begins_with_vowel(const char *noun) {
  static const char *const consonants[] = {"uni", "us", "ut", "uu", "url", "eu", "one"};
  for (size_t i = 0; i < sizeof consonants / sizeof *consonants; i++)
    if (strncasecmp(noun, consonants[i], strlen(consonants[i])) == 0) return false;
  return strchr("aeiouAEIOU", noun[0]) != NULL;
}

static const char *with_article(struct emit *e, const char *noun) {
  const char *article = begins_with_vowel(noun) ? "an" : "a";
  return arena_printf(&e->compiler->arena, "%s %s", article, noun);
}

const char *codec_phrase(struct emit *e, const struct type *type) {
  switch (type->kind) {
  case TYPE_RECORD: return type->name != NULL ? with_article(e, type->name) : "a record";
  case TYPE_LIST: return "a list";
  case TYPE_SET: return "a set";
  case TYPE_MAP: return "a map";
  case TYPE_ENUM: break;
  default: return with_article(e, type_name(e->compiler->types, type));
  }
  struct text out;
  text_init(&out, &e->compiler->arena);
  text_add(&out, with_article(e, type->name));
  for (uint32_t i = 0; i < type->variants.count && i < LISTED_VARIANTS; i++) {
    text_addf(&out, "%s%s", i == 0 ? " (" : ", ", codec_variant_name(&type->variants.data[i]));
  }
  text_add(&out, type->variants.count > LISTED_VARIANTS ? ", …)" : ")");
  return out.data;
}

static void add_quoted(struct text *out, const char *text) {
  text_add_quoted_c(out, text, strlen(text));
}

/* -- enums ----------------------------------------------------------------------------------- */

/* Appends `switch (length) { case 5: if (memcmp(text, "order", 5) == 0) { … } … }` over the variants:
 * `format` is the statement for one, with its C constant. */
static void switch_variants(struct emit *e, struct text *out, const struct type *type,
                            bool (*is_wanted)(const struct type_variant *), const char *before,
                            const char *behind) {
  text_add(out, "  switch (length) {\n");
  for (uint32_t i = 0; i < type->variants.count; i++) {
    size_t length = strlen(codec_variant_name(&type->variants.data[i]));
    bool is_first = true;
    for (uint32_t k = 0; k < i; k++) {
      if (is_wanted(&type->variants.data[k]) &&
          strlen(codec_variant_name(&type->variants.data[k])) == length) {
        is_first = false;
      }
    }
    if (!is_wanted(&type->variants.data[i]) || !is_first) continue;
    text_addf(out, "    case %zu:\n", length);
    for (uint32_t k = i; k < type->variants.count; k++) {
      const struct type_variant *variant = &type->variants.data[k];
      const char *name = codec_variant_name(variant);
      if (!is_wanted(variant) || strlen(name) != length) continue;
      text_add(out, "      if (memcmp(text, ");
      add_quoted(out, name);
      text_addf(out, ", %zu) == 0) {\n        %s%s%s\n      }\n", length, before,
                emit_enumerator(e, type, k), behind);
    }
    text_add(out, "      break;\n");
  }
  text_add(out, "    default: break;\n  }\n");
}

static bool is_bare(const struct type_variant *variant) {
  return variant->payload == NULL;
}
static bool has_payload(const struct type_variant *variant) {
  return variant->payload != NULL;
}
static bool is_any(const struct type_variant *variant) {
  (void)variant;
  return true;
}

const char *codec_match(struct emit *e, const struct type *type) {
  struct ctype *entry = ctype_entry(e, type);
  if (entry->match != NULL) return entry->match;
  const char *c_type = emit_c_type(e, type);
  entry->match =
      ctype_unique(e, arena_printf(&e->compiler->arena, "match_%s", emit_mangle(e, type)));
  struct text out;
  text_init(&out, &e->compiler->arena);
  text_addf(&out, "static inline bool %s(const char *text, size_t length, %s *x) {\n", entry->match,
            c_type);
  bool (*is_named)(const struct type_variant *) = type->tag != NULL ? is_any : is_bare;
  bool is_any_named = false;
  vec_each(struct type_variant, v, &type->variants) is_any_named = is_any_named || is_named(v);
  if (is_any_named)
    switch_variants(e, &out, type, is_named, "x->tag = ", ";\n        return true;");
  else
    text_add(&out, "  (void)text, (void)length, (void)x;\n");
  text_add(&out, "  return false;\n}\n\n");
  text_addn(emit_section(e, SECTION_CODECS), out.data, out.length);
  return entry->match;
}

/* The name of a variant in quotes: all there is of one without fields, or the tag of any. The usual
 * spelling is tried first. */
static void read_variant_name(struct emit *e, struct text *out, const struct type *type) {
  const char *phrase = codec_phrase(e, type);
  struct text quoted;
  text_init(&quoted, &e->compiler->arena);
  for (uint32_t i = 0; i < type->variants.count && i < TRIED_VARIANTS; i++) {
    const char *name = codec_variant_name(&type->variants.data[i]);
    if (type->tag == NULL && !is_bare(&type->variants.data[i])) continue;
    text_clear(&quoted);
    text_add_quoted_json(&quoted, name, strlen(name));
    text_add(out, "  if (flow_json_try_text(j, ");
    text_add_quoted_c(out, quoted.data, quoted.length);
    text_addf(out, ", %zu)) {\n    x->tag = %s;\n    return true;\n  }\n", quoted.length,
              emit_enumerator(e, type, i));
  }
  text_addf(out, "  const char *at = j->cursor;\n"
                 "  struct flow_str name;\n"
                 "  if (FLOW_UNLIKELY(*at != '\"')) return flow_json_expected(j, ");
  add_quoted(out, phrase);
  text_addf(out,
            ");\n  if (!flow_json_string(j, &name)) return false;\n"
            "  if (%s(flow_str_data(&name), name.length, x)) return true;\n"
            "  return flow_json_no_variant(j, at, &name, ",
            codec_match(e, type));
  add_quoted(out, phrase);
  text_add(out, ");\n");
}

/* A variant with fields is an object with its name as the only key and the fields as its value. */
static void read_payload_variant(struct emit *e, struct text *out, const struct type *type) {
  const char *phrase = codec_phrase(e, type);
  text_add(
      out,
      "  if (*j->cursor == '{') {\n    const char *at = ++j->cursor;\n"
      "    struct flow_str key;\n"
      "    if (flow_json_first_member(j) != FLOW_JSON_MORE) {\n"
      "      return flow_bad(j->bad, at, \"%s\", \"expected the name of a variant in quotes\");\n"
      "    }\n    if (!flow_json_key(j, &key)) return false;\n"
      "    const char *text = flow_str_data(&key);\n    size_t length = key.length;\n"
      "    bool is_known = false;\n");
  switch_variants(e, out, type, has_payload, "is_known = true, x->tag = ", ";");
  text_add(out, "    if (!is_known) return flow_json_no_variant(j, at, &key, ");
  add_quoted(out, phrase);
  text_add(out, ");\n    switch (x->tag) {\n");
  for (uint32_t i = 0; i < type->variants.count; i++) {
    const struct type_variant *variant = &type->variants.data[i];
    if (variant->payload == NULL) continue;
    const char *to = arena_printf(&e->compiler->arena, "x->as.f_%s", variant->name);
    text_addf(out, "      case %s:\n        if (!%s) return flow_json_in_field(j, ",
              emit_enumerator(e, type, i), codec_read(e, variant->payload, 0, to));
    add_quoted(out, codec_variant_name(variant));
    text_add(out, ");\n        break;\n");
  }
  text_add(out,
           "      default: break;\n    }\n"
           "    enum flow_json_next next = flow_json_next_member(j);\n"
           "    if (next == FLOW_JSON_END) return true;\n"
           "    if (next == FLOW_JSON_BAD) return false;\n"
           "    return flow_bad(j->bad, j->cursor, \"%s\", \"expected `}` behind the variant\");\n"
           "  }\n");
  read_variant_name(e, out, type);
}

/* Writes `static bool tag_X(struct flow_json *j, X *x)`, which reads the tag at the cursor. */
static const char *tag_function(struct emit *e, const struct type *type) {
  const char *name =
      ctype_unique(e, arena_printf(&e->compiler->arena, "tag_%s", emit_mangle(e, type)));
  struct text body;
  text_init(&body, &e->compiler->arena);
  read_variant_name(e, &body, type);
  text_addf(emit_section(e, SECTION_CODECS),
            "static inline bool %s(struct flow_json *j, %s *x) {\n%s}\n\n", name,
            emit_c_type(e, type), body.data);
  return name;
}

/* A tagged variant is an object in which one member says which it is; the others are its fields. So the tag is
 * looked for first, and then the object is read as a record to which the tag is unknown. */
static void read_tagged_variant(struct emit *e, struct text *out, const struct type *type) {
  struct text key;
  text_init(&key, &e->compiler->arena);
  text_add_quoted_json(&key, type->tag, strlen(type->tag));
  text_addc(&key, ':');
  text_add(out, "  const char *start = j->cursor;\n  if (!flow_json_tag(j, ");
  text_add_quoted_c(out, key.data, key.length);
  text_addf(out, ", %zu, ", key.length);
  add_quoted(out, type->tag);
  text_add(out, ", ");
  add_quoted(out, codec_phrase(e, type));
  text_addf(out, ")) return false;\n  if (!%s(j, x)) return flow_json_in_field(j, ",
            tag_function(e, type));
  add_quoted(out, type->tag);
  text_add(out, ");\n  j->cursor = start;\n  switch (x->tag) {\n");
  for (uint32_t i = 0; i < type->variants.count; i++) {
    const struct type_variant *variant = &type->variants.data[i];
    if (variant->payload == NULL) continue;
    const char *to = arena_printf(&e->compiler->arena, "x->as.f_%s", variant->name);
    text_addf(out, "    case %s: return %s;\n", emit_enumerator(e, type, i),
              codec_read(e, variant->payload, 0, to));
  }
  text_add(out, "    default: return flow_json_skip(j);\n  }\n");
}

/* -- collections ----------------------------------------------------------------------------- */

/* The initialiser of a local; compilers do not see that a reader that fails is followed by a return. */
static const char *zero(const struct type *type) {
  return ctype_is_plain(type) && type->kind != TYPE_ENUM ? "0" : "{0}";
}

static void read_list(struct emit *e, struct text *out, const struct type *type) {
  const char *data = emit_list_data(e, type, "x");
  text_addf(
      out,
      "  *x = (%s){0};\n"
      "  if (!flow_json_begin_array(j, \"a list\")) return false;\n"
      "  enum flow_json_next next = flow_json_first_element(j);\n"
      "  for (; next == FLOW_JSON_MORE; next = flow_json_next_element(j)) {\n"
      "    if (flow_list_is_full(x->length, x->capacity, %u)) {\n"
      "      x->far = flow_list_grow(j->mem, %s, x->length, &x->capacity, sizeof *x->far);\n"
      "    }\n"
      "    if (!%s) return false;\n"
      "    x->length++;\n"
      "  }\n"
      "  return next == FLOW_JSON_END;\n",
      emit_c_type(e, type), emit_list_near(type), data,
      codec_read(e, type->elem, 0, arena_printf(&e->compiler->arena, "%s[x->length]", data)));
}

/* Appends the statements that find or make the entry of `key`. */
static void find_entry(struct emit *e, struct text *out, const struct type *table) {
  const struct type *key = emit_table_key(table);
  const char *entry = emit_entry_type(e, table), *hash = emit_key_hash(e, key);
  text_addf(out,
            "    uint32_t at = flow_map_find(x, &key, sizeof(%s), %s, %s);\n"
            "    if (at == FLOW_MAP_NONE) {\n"
            "      at = flow_map_insert(j->mem, x, &key, sizeof(%s), %s);\n"
            "      ((%s *)flow_map_at(x, at, sizeof(%s)))->key = key;\n"
            "    }\n",
            entry, hash, emit_key_equal(e, key), entry, hash, entry, entry);
}

static void read_set(struct emit *e, struct text *out, const struct type *type) {
  text_addf(out,
            "  *x = (struct flow_map){0};\n"
            "  if (!flow_json_begin_array(j, \"a list\")) return false;\n"
            "  enum flow_json_next next = flow_json_first_element(j);\n"
            "  for (; next == FLOW_JSON_MORE; next = flow_json_next_element(j)) {\n"
            "    %s key = %s;\n"
            "    if (!%s) return false;\n",
            emit_c_type(e, type->elem), zero(type->elem), codec_read(e, type->elem, 0, "key"));
  find_entry(e, out, type);
  text_add(out, "  }\n  return next == FLOW_JSON_END;\n");
}

/* The key of a map that is an object: the text of a string, int or variant. */
static void read_object_key(struct emit *e, struct text *out, const struct type *key) {
  if (key->kind == TYPE_STRING) {
    text_add(out, "    struct flow_str key;\n    if (!flow_json_key(j, &key)) return false;\n");
    return;
  }
  text_addf(out,
            "    const char *key_at = j->cursor;\n"
            "    struct flow_str text;\n"
            "    %s key = %s;\n"
            "    if (!flow_json_key(j, &text)) return false;\n",
            emit_c_type(e, key), zero(key));
  if (key->kind == TYPE_INT) {
    text_add(out, "    if (!flow_json_int_of_key(j, key_at, &text, &key)) return false;\n");
    return;
  }
  text_addf(out,
            "    if (!%s(flow_str_data(&text), text.length, &key)) {\n"
            "      return flow_json_no_variant(j, key_at, &text, ",
            codec_match(e, key));
  add_quoted(out, codec_phrase(e, key));
  text_add(out, ");\n    }\n");
}

/* Reads the value behind the key into its entry; of equal keys the last value counts. */
static void read_entry_value(struct emit *e, struct text *out, const struct type *type) {
  const char *entry = emit_entry_type(e, type);
  text_addf(out, "    %s value = %s;\n    if (!%s) return false;\n", emit_c_type(e, type->elem),
            zero(type->elem), codec_read(e, type->elem, 0, "value"));
  find_entry(e, out, type);
  text_addf(out, "    ((%s *)flow_map_at(x, at, sizeof(%s)))->value = value;\n", entry, entry);
}

static void read_object_map(struct emit *e, struct text *out, const struct type *type) {
  text_add(out, "  *x = (struct flow_map){0};\n"
                "  if (!flow_json_begin_object(j, \"a map\")) return false;\n"
                "  enum flow_json_next next = flow_json_first_member(j);\n"
                "  for (; next == FLOW_JSON_MORE; next = flow_json_next_member(j)) {\n");
  read_object_key(e, out, type->key);
  read_entry_value(e, out, type);
  text_add(out, "  }\n  return next == FLOW_JSON_END;\n");
}

/* Other keys: a list of pairs. */
static void read_pairs_map(struct emit *e, struct text *out, const struct type *type) {
  text_addf(out,
            "  *x = (struct flow_map){0};\n"
            "  if (!flow_json_begin_array(j, \"a list of pairs\")) return false;\n"
            "  enum flow_json_next next = flow_json_first_element(j);\n"
            "  for (; next == FLOW_JSON_MORE; next = flow_json_next_element(j)) {\n"
            "    %s key = %s;\n"
            "    if (!flow_json_begin_array(j, \"a pair of key and value\")) return false;\n"
            "    flow_json_blanks(j);\n"
            "    if (!%s) return false;\n"
            "    next = flow_json_next_element(j);\n"
            "    if (next == FLOW_JSON_BAD) return false;\n"
            "    if (next == FLOW_JSON_END) return flow_bad(j->bad, j->cursor, \"this pair has no "
            "value\");\n",
            emit_c_type(e, type->key), zero(type->key), codec_read(e, type->key, 0, "key"));
  read_entry_value(e, out, type);
  text_add(out, "    next = flow_json_next_element(j);\n"
                "    if (next == FLOW_JSON_BAD) return false;\n"
                "    if (next == FLOW_JSON_MORE) return flow_bad(j->bad, j->cursor, \"expected `]` "
                "behind a pair\");\n"
                "  }\n  return next == FLOW_JSON_END;\n");
}

static void read_map(struct emit *e, struct text *out, const struct type *type) {
  const struct type *key = type->key;
  bool is_object = key->kind == TYPE_STRING || key->kind == TYPE_INT ||
                   (key->kind == TYPE_ENUM && !type_has_payload(key));
  if (is_object)
    read_object_map(e, out, type);
  else
    read_pairs_map(e, out, type);
}

/* -- readers --------------------------------------------------------------------------------- */

static void reader_body(struct emit *e, struct text *out, const struct type *type) {
  switch (type->kind) {
  case TYPE_OPTIONAL:
    text_addf(out,
              "  x->has = !flow_json_try_null(j);\n"
              "  if (x->has) return %s;\n"
              "  memset(&x->value, 0, sizeof x->value);\n  return true;\n",
              codec_read(e, type->elem, 0, "x->value"));
    return;
  case TYPE_LIST: read_list(e, out, type); return;
  case TYPE_SET: read_set(e, out, type); return;
  case TYPE_MAP: read_map(e, out, type); return;
  case TYPE_RECORD: codec_record_body(e, out, type); return;
  case TYPE_ENUM:
    if (type->tag != NULL)
      read_tagged_variant(e, out, type);
    else if (type_has_payload(type))
      read_payload_variant(e, out, type);
    else
      read_variant_name(e, out, type);
    return;
  default: text_add(out, "  (void)x;\n  return flow_json_skip(j);\n"); return;
  }
}

/* The reader of a type that is more than a scalar. */
static const char *reader(struct emit *e, const struct type *type) {
  struct ctype *entry = ctype_entry(e, type);
  if (entry->reader != NULL) return entry->reader;
  const char *c_type = emit_c_type(e, type);
  entry->reader =
      ctype_unique(e, arena_printf(&e->compiler->arena, "read_%s", emit_mangle(e, type)));
  struct text body;
  text_init(&body, &e->compiler->arena);
  reader_body(e, &body, type);
  bool uses_worker = strstr(body.data, "(w, ") != NULL;
  text_addf(emit_section(e, SECTION_CODECS),
            "static bool %s(struct flow_worker *w, struct flow_json *j, %s *x) {\n%s%s}\n\n",
            entry->reader, c_type, uses_worker ? "" : "  (void)w;\n", body.data);
  return entry->reader;
}

const char *codec_read(struct emit *e, const struct type *type, int64_t unit_us, const char *to) {
  struct arena *arena = &e->compiler->arena;
  to = arena_printf(arena, "&%s", to);
  if (strncmp(to, "&(*", 3) == 0) to = arena_strndup(arena, to + 3, strlen(to) - 4); /* &(*out) */
  switch (type->kind) {
  case TYPE_INT: return arena_printf(arena, "flow_json_int(j, %s)", to);
  case TYPE_FLOAT: return arena_printf(arena, "flow_json_float(j, %s)", to);
  case TYPE_DECIMAL:
    return arena_printf(arena, "flow_json_decimal(j, %u, %s)", type->scale, to);
  case TYPE_BOOL: return arena_printf(arena, "flow_json_bool(j, %s)", to);
  case TYPE_STRING: return arena_printf(arena, "flow_json_string(j, %s)", to);
  case TYPE_JSON: return arena_printf(arena, "flow_json_value(j, %s)", to);
  case TYPE_BYTES: return arena_printf(arena, "flow_json_bytes(j, %s)", to);
  case TYPE_DURATION: return arena_printf(arena, "flow_json_duration(j, %s)", to);
  case TYPE_TIMESTAMP:
    if (unit_us == 0) return arena_printf(arena, "flow_json_timestamp(j, %s)", to);
    return arena_printf(arena, "flow_json_timestamp_of_unit(j, %" PRId64 ", %s)", unit_us, to);
  default: return arena_printf(arena, "%s(w, j, %s)", reader(e, type), to);
  }
}
