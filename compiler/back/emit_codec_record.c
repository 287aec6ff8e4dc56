/* Readers of records in JSON.
 *
 * The generated code tries the fields in the order of their declaration, by one comparison each. A key
 * that is not the expected one goes through a complete look-up, after which the order is taken up
 * again behind the field that was found, or at the same field when the key was an unknown one.
 */
#include "back/codec.h"
#include "back/ctype.h"

#include <string.h>

static void add_quoted(struct text *out, const char *text) {
  text_add_quoted_c(out, text, strlen(text));
}

/* -- which fields were there ----------------------------------------------------------------- */

void codec_declare_seen(struct text *out, const struct type *record) {
  for (size_t word = 0; word * 64 < record->fields.count; word++) {
    text_addf(out, "  uint64_t seen%zu = 0;\n", word);
  }
}

const char *codec_set_seen(struct emit *e, uint32_t field) {
  return arena_printf(&e->compiler->arena, "seen%u |= UINT64_C(1) << %u;", field / 64, field % 64);
}

bool codec_is_kept(struct emit *e, const struct type *record, uint32_t field) {
  vec_each(struct type_field, other, &record->fields) {
    if (other->where != NULL) return true;
  }
  return emit_is_live(e, record, field);
}

/* What a field that is not there becomes: its default, or none. Null: it must be there. */
static const char *absent_value(struct emit *e, const struct type_field *field) {
  struct text out;
  text_init(&out, &e->compiler->arena);
  text_addf(&out, "x->f_%s = ", field->name);
  if (field->init != NULL) {
    emit_constant(e, &out, field->init, field->type);
  } else if (field->type->kind == TYPE_OPTIONAL) {
    text_addf(&out, "(%s){0}", emit_c_type(e, field->type));
  } else {
    return NULL;
  }
  text_addc(&out, ';');
  return out.data;
}

static void complete_word(struct emit *e, struct text *out, const struct type *record,
                          uint32_t word, const char *missing) {
  uint32_t first = word * 64, end = first + 64;
  if (end > record->fields.count) end = (uint32_t)record->fields.count;
  uint64_t all = end - first == 64 ? UINT64_MAX : (UINT64_C(1) << (end - first)) - 1;
  text_addf(out, "  if (FLOW_UNLIKELY(seen%u != UINT64_C(%#llx))) {\n", word,
            (unsigned long long)all);
  for (uint32_t i = first; i < end; i++) {
    const struct type_field *field = &record->fields.data[i];
    const char *absent = absent_value(e, field);
    text_addf(out, "    if (!(seen%u >> %u & 1)) ", word, i - first);
    if (absent != NULL) {
      text_addf(out, "%s\n", absent);
    } else {
      text_addf(out, "return %s, ", missing);
      add_quoted(out, codec_field_name(field));
      text_add(out, ");\n");
    }
  }
  text_add(out, "  }\n");
}

void codec_complete(struct emit *e, struct text *out, const struct type *record,
                    const char *missing, const char *guard, const char *bad) {
  for (uint32_t word = 0; word * 64 < record->fields.count; word++) {
    complete_word(e, out, record, word, missing);
  }
  codec_check_conditions(e, out, record, guard, bad);
}

void codec_check_conditions(struct emit *e, struct text *out, const struct type *record,
                            const char *guard, const char *bad) {
  for (uint32_t i = 0; i < record->fields.count; i++) {
    const struct type_field *field = &record->fields.data[i];
    if (field->where == NULL) continue;
    struct span span = field->where->span;
    const char *condition = sources_text(&e->compiler->sources, span);
    text_addf(out, "  if (!%s(w, x)) return %sflow_bad_condition(%s, at%u, ",
              emit_where(e, record, i), guard, bad, i);
    add_quoted(out, codec_field_name(field));
    text_add(out, ", ");
    text_add_quoted_c(out, condition, span.length);
    text_add(out, ");\n");
  }
}

/* -- the reader ------------------------------------------------------------------------------ */

/* Where the value of a field with a condition began, for the message. */
static void declare_places(struct text *out, const struct type *record) {
  for (uint32_t i = 0; i < record->fields.count; i++) {
    if (record->fields.data[i].where != NULL)
      text_addf(out, "  const char *at%u = j->cursor;\n", i);
  }
}

/* A value that nothing reads is checked like any other and then forgotten. */
static void read_field(struct emit *e, struct text *out, const struct type *record, uint32_t i) {
  struct arena *arena = &e->compiler->arena;
  const struct type_field *field = &record->fields.data[i];
  const struct type *type = field->type;
  const char *to = arena_printf(arena, "x->f_%s", field->name);
  if (field->where != NULL) text_addf(out, "  at%u = j->cursor;\n", i);
  bool is_kept = codec_is_kept(e, record, i);
  if (!is_kept) {
    to = arena_printf(arena, "unused%u", i);
    text_addf(out, "  {\n  %s %s;\n", emit_c_type(e, type), to);
  }
  if (type->kind == TYPE_OPTIONAL) {
    text_addf(out, "  %s.has = !flow_json_try_null(j);\n", to);
    text_addf(out, "  if (!%s.has) memset(&%s.value, 0, sizeof %s.value);\n  else if (!%s) ", to,
              to, to,
              codec_read(e, type->elem, field->unit_us, arena_printf(arena, "%s.value", to)));
  } else {
    text_addf(out, "  if (!%s) ", codec_read(e, type, field->unit_us, to));
  }
  text_add(out, "return flow_json_in_field(j, ");
  add_quoted(out, codec_field_name(field));
  text_addf(out, ");\n%s  %s\n", is_kept ? "" : "  }\n", codec_set_seen(e, i));
}

/* Whether no field before this one has the same name in the input. */
static bool is_first_of_name(const struct type *record, uint32_t i) {
  for (uint32_t k = 0; k < i; k++) {
    if (strcmp(codec_field_name(&record->fields.data[k]),
               codec_field_name(&record->fields.data[i])) == 0) {
      return false;
    }
  }
  return true;
}

/* The field in the order of declaration, and the label at which a look-up joins in. */
static void expect_field(struct emit *e, struct text *out, const struct type *record, uint32_t i) {
  const char *name = codec_field_name(&record->fields.data[i]);
  struct text quoted;
  text_init(&quoted, &e->compiler->arena);
  text_add_quoted_json(&quoted, name, strlen(name));
  text_addc(&quoted, ':');
  text_addf(out, "try_%u:\n  if (!flow_json_try_quoted(j, ", i);
  text_add_quoted_c(out, quoted.data + 1, quoted.length - 1);
  text_addf(out, ", %zu)) {\n    expected = %u;\n    goto look_up;\n  }\n", quoted.length - 1, i);
  if (is_first_of_name(record, i))
    text_addf(out, "value_%u: /* %s */\n", i, record->fields.data[i].name);
  read_field(e, out, record, i);
  text_add(out, "  if ((next = flow_json_next_member(j)) != FLOW_JSON_MORE) goto done;\n");
}

static bool is_first_of_length(const struct type *record, uint32_t i) {
  size_t length = strlen(codec_field_name(&record->fields.data[i]));
  for (uint32_t k = 0; k < i; k++) {
    if (strlen(codec_field_name(&record->fields.data[k])) == length) return false;
  }
  return true;
}

/* Any key: the field that it names by its length and bytes, or a value to skip. */
static void look_up(struct text *out, const struct type *record) {
  text_add(out, "look_up: {\n"
                "  struct flow_str key;\n"
                "  if (!flow_json_key(j, &key)) return false;\n"
                "  const char *name = flow_str_data(&key);\n"
                "  switch (key.length) {\n");
  for (uint32_t i = 0; i < record->fields.count; i++) {
    if (!is_first_of_length(record, i)) continue;
    size_t length = strlen(codec_field_name(&record->fields.data[i]));
    text_addf(out, "    case %zu:\n", length);
    for (uint32_t k = i; k < record->fields.count; k++) {
      const char *name = codec_field_name(&record->fields.data[k]);
      if (strlen(name) != length || !is_first_of_name(record, k)) continue;
      text_add(out, "      if (memcmp(name, ");
      add_quoted(out, name);
      text_addf(out, ", %zu) == 0) goto value_%u;\n", length, k);
    }
    text_add(out, "      break;\n");
  }
  text_add(out, "    default: break;\n  }\n"
                "  if (!flow_json_skip(j)) return false;\n"
                "  if ((next = flow_json_next_member(j)) != FLOW_JSON_MORE) goto done;\n"
                "  switch (expected) {\n");
  for (uint32_t i = 0; i < record->fields.count; i++) {
    text_addf(out, "    case %u: goto try_%u;\n", i, i);
  }
  text_add(out, "    default: goto look_up;\n  }\n}\n");
}

/* A record without fields: whatever is in the object is skipped. */
static void skip_members(struct text *out) {
  text_add(out, "  x->nothing = 0;\n"
                "  enum flow_json_next next = flow_json_first_member(j);\n"
                "  for (; next == FLOW_JSON_MORE; next = flow_json_next_member(j)) {\n"
                "    struct flow_str key;\n"
                "    if (!flow_json_key(j, &key) || !flow_json_skip(j)) return false;\n"
                "  }\n"
                "  return next == FLOW_JSON_END;\n");
}

void codec_record_body(struct emit *e, struct text *out, const struct type *record) {
  text_add(out, "  if (!flow_json_begin_object(j, ");
  add_quoted(out, codec_phrase(e, record));
  text_add(out, ")) return false;\n");
  if (record->fields.count == 0) {
    skip_members(out);
    return;
  }
  bool is_kept = false;
  for (uint32_t i = 0; i < record->fields.count; i++) is_kept = is_kept || codec_is_kept(e, record, i);
  if (!is_kept) text_add(out, "  (void)x;\n");
  codec_declare_seen(out, record);
  declare_places(out, record);
  text_add(out, "  unsigned expected; /* the field at which the order of declaration was left */\n"
                "  enum flow_json_next next = flow_json_first_member(j);\n"
                "  if (next != FLOW_JSON_MORE) goto done;\n");
  for (uint32_t i = 0; i < record->fields.count; i++) expect_field(e, out, record, i);
  text_addf(out, "  expected = %zu;\n", record->fields.count);
  look_up(out, record);
  text_add(out, "done:\n  if (next == FLOW_JSON_BAD) return false;\n");
  codec_complete(e, out, record, "flow_json_missing(j", "", "j->bad");
  text_add(out, "  return true;\n");
}
