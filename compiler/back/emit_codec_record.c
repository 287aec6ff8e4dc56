/* Readers of records in JSON.
 *
 * The values of an object have numbers: 1 to n are the fields in the order of their declaration, n + 1 is
 * what comes before the first value, n + 2 the end, and the numbers behind that are values of keys that
 * the record does not declare, in the order in which they come. For each number the block remembers which
 * text stood between it and the next value, and what that one was (struct flow_guess); where the same
 * text stands there again, the reader goes on with that value. Where it does not, it tries what came
 * behind that value, as if that one were missing now, and then looks the key up and learns it.
 */
#include "back/codec.h"
#include "back/ctype.h"

#include <string.h>

/* Guesses that a block has (FLOW_GUESSES of the runtime, which the C compiler compares). */
#define BLOCK_GUESSES 96

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

/* -- values ---------------------------------------------------------------------------------- */

/* Where the value of a field with a condition began, for the message. */
static void declare_places(struct text *out, const struct type *record) {
  for (uint32_t i = 0; i < record->fields.count; i++) {
    if (record->fields.data[i].where != NULL)
      text_addf(out, "  const char *at%u = j->cursor;\n", i);
  }
}

/* The condition that reads a value that nothing keeps into the lvalue, or steps over it. */
static const char *check_unused(struct emit *e, const struct type *type, int64_t unit_us,
                               const char *to) {
  if (type->kind == TYPE_STRING) return "flow_json_skip_string(j)";
  if (type->kind == TYPE_JSON) return "flow_json_skip(j)";
  if (type->kind == TYPE_INT) return "flow_json_skip_int(j)";
  if (type->kind == TYPE_FLOAT) return "flow_json_skip_float(j)";
  return codec_read(e, type, unit_us, to);
}

/* A value that nothing reads is checked like any other and then forgotten. */
static void read_field(struct emit *e, struct text *out, const struct type *record, uint32_t i) {
  struct arena *arena = &e->compiler->arena;
  const struct type_field *field = &record->fields.data[i];
  const struct type *type = field->type;
  bool is_optional = type->kind == TYPE_OPTIONAL, is_kept = codec_is_kept(e, record, i);
  if (is_optional) type = type->elem;
  if (field->where != NULL) text_addf(out, "  at%u = j->cursor;\n", i);
  if (is_kept) {
    const char *to = arena_printf(arena, "x->f_%s", field->name);
    const char *value = is_optional ? arena_printf(arena, "%s.value", to) : to;
    if (is_optional)
      text_addf(out,
                "  %s.has = !flow_json_try_null(j);\n"
                "  if (!%s.has) memset(&%s, 0, sizeof %s);\n  else ",
                to, to, value, value);
    text_addf(out, "%sif (!%s) ", is_optional ? "" : "  ",
              codec_read(e, type, field->unit_us, value));
  } else {
    const char *unused = arena_printf(arena, "unused%u", i);
    const char *check = check_unused(e, type, field->unit_us, unused);
    if (strstr(check, unused) != NULL)
      text_addf(out, "  %s %s;\n", emit_c_type(e, type), unused);
    text_addf(out, "  if (%s!%s) ", is_optional ? "!flow_json_try_null(j) && " : "", check);
  }
  text_add(out, "return flow_json_in_field(j, ");
  add_quoted(out, codec_field_name(field));
  text_addf(out, ");\n  %s\n", codec_set_seen(e, i));
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

/* -- guesses --------------------------------------------------------------------------------- */

/* Values of undeclared keys that a record remembers by themselves. */
#define REMEMBERED_VALUES 24

/* The numbers of a record's values, and where its guesses are in the block. */
struct numbers {
  uint32_t start, end, others; /* others: how many the guesses know; 0: there are no guesses */
  uint32_t base;
};

/* Gives the record its part of the block's guesses. Guess 0 stands for a value that is not known and is
 * never learned. A record for which not enough are left goes without. */
static struct numbers number_values(struct emit *e, const struct type *record) {
  struct numbers n = {.start = (uint32_t)record->fields.count + 1, .base = e->guess_count};
  n.end = n.start + 1;
  uint32_t left = BLOCK_GUESSES - e->guess_count;
  if (left > n.end + 1) {
    n.others = left - n.end - 1;
    if (n.others > REMEMBERED_VALUES) n.others = REMEMBERED_VALUES;
    e->guess_count += n.end + 1 + n.others;
  }
  return n;
}

/* Behind the value `at`: sets `next`. */
static void follow(struct text *out, const struct numbers *n, const char *at) {
  if (n->others > 0)
    text_addf(out, "  next = flow_json_follow(j, &guesses[%s]);\n", at);
  else
    text_add(out, "  next = 0;\n");
}

/* Whether the reader of the field's value steps over blanks before it, where it is not what is usual. */
static bool skips_blanks(const struct type_field *field) {
  return field->where == NULL && (field->type->kind == TYPE_INT || field->type->kind == TYPE_STRING);
}

/* The field's value, behind which the next field in the order of declaration is the usual one. */
static void expect_field(struct emit *e, struct text *out, const struct type *record, uint32_t i,
                         const struct numbers *n) {
  uint32_t number = i + 1;
  if (is_first_of_name(record, i)) text_addf(out, "value_%u: ", number);
  text_addf(out, "{ /* %s */\n%s", record->fields.data[i].name,
            skips_blanks(&record->fields.data[i]) ? "" : "  flow_json_blanks(j);\n");
  read_field(e, out, record, i);
  follow(out, n, arena_printf(&e->compiler->arena, "%u", number));
  text_addf(out, "  if (FLOW_UNLIKELY(next != %u)) {\n    at = %u;\n    goto other;\n  }\n  }\n",
            i + 1 < record->fields.count ? number + 1 : n->end, number);
}

/* -- looking a key up ------------------------------------------------------------------------ */

static size_t name_length(const struct type *record, uint32_t i) {
  return strlen(codec_field_name(&record->fields.data[i]));
}

/* Names of one length up to which they are simply compared one after the other. */
#define COMPARED_NAMES 3

/* Appends the comparisons with the names of this length that have `byte` at `place` (if it is not 0). */
static void compare_names(struct text *out, const struct type *record, size_t length, size_t place,
                          char byte) {
  for (uint32_t i = 0; i < record->fields.count; i++) {
    const char *name = codec_field_name(&record->fields.data[i]);
    if (name_length(record, i) != length || !is_first_of_name(record, i)) continue;
    if (byte != '\0' && name[place] != byte) continue;
    text_add(out, "      if (memcmp(name, ");
    add_quoted(out, name);
    text_addf(out, ", %zu) == 0) return %u;\n", length, i + 1);
  }
}

/* How many different bytes the names of this length have at `place`; they are noted in `seen`. */
static uint32_t count_bytes(const struct type *record, size_t length, size_t place, bool seen[256]) {
  uint32_t count = 0;
  memset(seen, 0, 256);
  for (uint32_t i = 0; i < record->fields.count; i++) {
    if (name_length(record, i) != length) continue;
    unsigned char byte = (unsigned char)codec_field_name(&record->fields.data[i])[place];
    count += !seen[byte];
    seen[byte] = true;
  }
  return count;
}

/* Many names of one length are told apart by the byte in which they differ most. */
static void choose_name(struct text *out, const struct type *record, size_t length) {
  bool seen[256];
  uint32_t names = 0, most = 0;
  size_t best = 0;
  for (uint32_t i = 0; i < record->fields.count; i++) names += name_length(record, i) == length;
  if (names <= COMPARED_NAMES) {
    compare_names(out, record, length, 0, '\0');
    return;
  }
  for (size_t place = 0; place < length; place++) {
    uint32_t count = count_bytes(record, length, place, seen);
    if (count > most) most = count, best = place;
  }
  count_bytes(record, length, best, seen);
  text_addf(out, "      switch ((unsigned char)name[%zu]) {\n", best);
  for (int byte = 0; byte < 256; byte++) {
    if (!seen[byte]) continue;
    text_addf(out, "      case %d:\n", byte);
    compare_names(out, record, length, best, (char)byte);
    text_add(out, "      return 0;\n");
  }
  text_add(out, "      }\n");
}

/* Writes `static uint32_t NAME(const char *name, size_t length)`: the number of the field's value, or 0. */
static const char *look_up_function(struct emit *e, const struct type *record) {
  const char *function =
      ctype_unique(e, arena_printf(&e->compiler->arena, "field_%s", emit_mangle(e, record)));
  struct text out;
  text_init(&out, &e->compiler->arena);
  text_addf(&out,
            "static inline uint32_t %s(const char *name, size_t length) {\n  switch (length) {\n",
            function);
  for (uint32_t i = 0; i < record->fields.count; i++) {
    size_t length = name_length(record, i);
    bool is_first = true;
    for (uint32_t k = 0; k < i; k++) is_first = is_first && name_length(record, k) != length;
    if (!is_first) continue;
    text_addf(&out, "    case %zu:\n", length);
    choose_name(&out, record, length);
    text_add(&out, "      return 0;\n");
  }
  text_add(&out, "    default: return 0;\n  }\n}\n\n");
  text_addn(emit_section(e, SECTION_CODECS), out.data, out.length);
  return function;
}

/* Behind the value `at`, where the guess was wrong. */
static void look_up(struct emit *e, struct text *out, const struct type *record,
                    const struct numbers *n) {
  const char *field = look_up_function(e, record);
  uint32_t last = n->others > 0 ? n->others - 1 : 0;
  if (n->others > 0)
    text_add(out, "  is_learning = flow_json_learns(guesses);\n"
                  "  if (is_learning && (next = flow_json_follow(j, &guesses[guesses[at].next])) != 0)\n"
                  "    goto other;\n"
                  "  from = j->cursor;\n"
                  "  wrong++;\n");
  text_addf(out, "  more = flow_json_member(j, at == %u ? ", n->start);
  add_quoted(out, codec_phrase(e, record));
  text_addf(out,
            " : NULL, &decoded, &name, &length);\n"
            "  if (more == FLOW_JSON_BAD) return false;\n"
            "  if (more == FLOW_JSON_END) {\n"
            "    next = %u;\n"
            "  } else {\n"
            "    next = %s(name, length);\n"
            "    if (next == 0) next = %u + (others < %u ? others : %u);\n"
            "  }\n",
            n->end, field, n->end + 1, last, last);
  if (n->others > 0)
    text_add(out, "  if (is_learning) flow_json_learn(j, &guesses[at], from, next);\n");
}

/* Goes to the value `next`, which is not the one that comes next in the program. */
static void dispatch(struct emit *e, struct text *out, const struct type *record,
                     const struct numbers *n) {
  text_add(out, "other:\n  switch (next) {\n    case 0: break;\n");
  for (uint32_t i = 0; i < record->fields.count; i++) {
    /* Of fields with one name the first one is read. */
    if (is_first_of_name(record, i)) text_addf(out, "    case %u: goto value_%u;\n", i + 1, i + 1);
  }
  text_addf(out,
            "    case %u: goto done;\n"
            "    default:\n"
            "      flow_json_blanks(j);\n"
            "      if (!flow_json_skip(j)) return false;\n"
            "      others = (at = next) - %u;\n    ",
            n->end, n->end);
  follow(out, n, "at");
  text_add(out, "      goto other;\n  }\n");
  look_up(e, out, record, n);
  text_add(out, "  goto other;\n");
}

/* -- the reader ------------------------------------------------------------------------------ */

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

/* The variables of a reader: `at` and `next` are the values before and behind the cursor, `others` counts
 * the undeclared ones. */
static void declare_variables(struct emit *e, struct text *out, const struct numbers *n) {
  text_addf(out,
            "  uint32_t at = %u, next, others = 0;\n"
            "  enum flow_json_next more;\n"
            "  struct flow_str decoded;\n"
            "  const char *name;\n"
            "  size_t length;\n",
            n->start);
  if (n->others == 0) return;
  text_addf(out,
            "  _Static_assert(FLOW_GUESSES >= %u, \"a block holds these guesses\");\n"
            "  struct flow_guess *guesses = j->guesses + %u;\n"
            "  uint32_t wrong = 0;\n"
            "  bool is_learning;\n"
            "  const char *from;\n",
            e->guess_count, n->base);
}

void codec_record_body(struct emit *e, struct text *out, const struct type *record) {
  if (record->fields.count == 0) {
    text_add(out, "  if (!flow_json_begin_object(j, ");
    add_quoted(out, codec_phrase(e, record));
    text_add(out, ")) return false;\n");
    skip_members(out);
    return;
  }
  struct numbers n = number_values(e, record);
  bool is_kept = false;
  for (uint32_t i = 0; i < record->fields.count; i++) is_kept = is_kept || codec_is_kept(e, record, i);
  if (!is_kept) text_add(out, "  (void)x;\n");
  codec_declare_seen(out, record);
  declare_places(out, record);
  declare_variables(e, out, &n);
  follow(out, &n, "at");
  text_add(out, "  if (FLOW_UNLIKELY(next != 1)) goto other;\n");
  for (uint32_t i = 0; i < record->fields.count; i++) expect_field(e, out, record, i, &n);
  text_add(out, "  goto done;\n");
  dispatch(e, out, record, &n);
  text_add(out, "done:\n");
  if (n.others > 0)
    text_addf(out,
              "  if (FLOW_UNLIKELY(wrong >= FLOW_JSON_WRONG))\n"
              "    flow_json_doubt(guesses, %u, %zu + others, wrong);\n",
              n.end + 1 + n.others, record->fields.count);
  codec_complete(e, out, record, "flow_json_missing(j", "", "j->bad");
  text_add(out, "  return true;\n");
}
