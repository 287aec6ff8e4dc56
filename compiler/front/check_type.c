/* Types as written, and the records and enums that a program declares. */
#include "front/instance.h"

#include <string.h>

#include "base/edit.h"
#include "base/limits.h"

/* -- types as written ------------------------------------------------------------------------ */

static const struct type *simple_type(const struct types *t, const char *name) {
  const struct type *const all[] = {t->int_,  t->float_,    t->bool_,   t->string,
                                    t->bytes, t->json, t->timestamp, t->duration};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (strcmp(all[i]->name, name) == 0) return all[i];
  }
  return NULL;
}

static const struct type *report_unknown_type(struct checker *c, struct ident name) {
  if (report_future_word(c, name)) return c->types->error;
  struct diag *diag = diag_error(c->diags, E0209, name.span, "unknown type `%s`", name.text);
  const char *ours = our_type(name.text);
  if (ours) {
    diag_help(diag, "here it is called `%s`", ours);
    return c->types->error;
  }
  if (map_get(&c->symbols->streams, name.text)) {
    diag_note(diag, "`%s` is a stream; a type is declared with  record %s { … }", name.text,
              name.text);
    return c->types->error;
  }
  struct name_list names = {0};
  map_each(entry, &c->symbols->types) vec_push(c->arena, &names, entry->key);
  static const char *const words[] = {"int",   "float",     "decimal",  "bool", "string", "bytes", "json",
                                      "timestamp", "duration", "list", "set",    "map"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) vec_push(c->arena, &names, words[i]);
  if (closest_name(name.text, names.data, names.count)) {
    suggest(diag, name.text, names.data, names.count);
  } else {
    diag_help(diag, "declare it:  record %s { … }", name.text);
  }
  return c->types->error;
}

static const struct type *collection_type(struct checker *c, const struct type_syntax *syntax) {
  const char *name = syntax->name.text;
  bool is_map = strcmp(name, "map") == 0, is_set = strcmp(name, "set") == 0;
  size_t wanted = is_map ? 2 : 1;
  if (syntax->args.count != wanted) {
    struct diag *diag =
        diag_error(c->diags, E0209, syntax->span, "`%s` takes %s", name,
                   is_map ? "the types of its keys and values" : "the type of its elements");
    diag_help(diag, "write  %s", is_map ? "map[string, int]" : is_set ? "set[int]" : "list[int]");
    return c->types->error;
  }
  const struct type *first = check_type_syntax(c, syntax->args.data[0]);
  if (!is_map && !is_set) return type_list(c->types, first);
  if (first->kind != TYPE_ERROR && first->kind != TYPE_RECORD && !type_is_key(first)) {
    diag_error(c->diags, E0402, syntax->args.data[0]->span, "`%s` cannot be %s",
               type_name(c->types, first), is_map ? "a key" : "in a set");
    return c->types->error;
  }
  if (is_set) return type_set(c->types, first);
  return type_map(c->types, first, check_type_syntax(c, syntax->args.data[1]));
}

static const struct type *named_type(struct checker *c, const struct type_syntax *syntax) {
  const char *name = syntax->name.text;
  if (strcmp(name, "list") == 0 || strcmp(name, "set") == 0 || strcmp(name, "map") == 0)
    return collection_type(c, syntax);
  if (strcmp(name, "decimal") == 0) return decimal_of_syntax(c, syntax);
  const struct type *type = simple_type(c->types, name);
  if (!type && c->scope.instance) type = map_get(&c->scope.instance->types, name);
  if (!type) type = find_declared_type(c, name);
  if (!type) return report_unknown_type(c, syntax->name);
  if (syntax->args.count > 0 || syntax->scale) {
    diag_error(c->diags, E0209, syntax->span, "`%s` takes no %s in brackets", name,
               syntax->scale ? "number" : "types");
    return c->types->error;
  }
  return type;
}

static const struct type *record_type(struct checker *c, const struct type_syntax *syntax,
                                      bool may_have_defaults) {
  struct type_field_list fields = {0};
  bool is_good = true;
  vec_each(const struct field_decl, field, &syntax->fields) {
    const struct type *type = check_type_syntax(c, field->type_syntax);
    struct diag *diag = NULL;
    if (field->init && !may_have_defaults)
      diag = diag_error(c->diags, E0216, field->init->span,
                        "a field of a type without a name has no default");
    if (field->clauses.count > 0)
      diag = diag_error(c->diags, E0216, field->clauses.data[0].name.span,
                        "a field of a type without a name has no `%s`",
                        field->clauses.data[0].name.text);
    if (diag) diag_help(diag, "declare the type:  record NAME { … }");
    vec_each(const struct type_field, earlier, &fields) {
      if (strcmp(earlier->name, field->name.text) != 0) continue;
      diag = diag_error(c->diags, E0202, field->name.span, "the field `%s` is declared twice",
                        field->name.text);
      diag_label(diag, earlier->span, "first here");
      is_good = false;
    }
    vec_push(c->arena, &fields,
             (struct type_field){.name = field->name.text, .type = type, .span = field->name.span});
  }
  return is_good ? type_structural(c->types, fields.data, fields.count) : c->types->error;
}

static const struct type *report_function_type(struct checker *c, const struct type_syntax *syntax) {
  struct diag *diag = diag_error(c->diags, E0241, syntax->span, "a function is not a value");
  diag_note(diag, "only a parameter of a `fn` or `step` can be one: by: fn(item) -> int");
  return c->types->error;
}

const struct type *check_type_syntax(struct checker *c, const struct type_syntax *syntax) {
  switch (syntax->kind) {
  case TYPE_SYNTAX_OPTIONAL: return type_optional(c->types, check_type_syntax(c, syntax->inner));
  case TYPE_SYNTAX_RECORD: return record_type(c, syntax, false);
  case TYPE_SYNTAX_FUNCTION: return report_function_type(c, syntax);
  case TYPE_SYNTAX_MADE: return syntax->made;
  default: return named_type(c, syntax);
  }
}

const struct type *check_state_type_syntax(struct checker *c, const struct type_syntax *syntax) {
  if (syntax->kind == TYPE_SYNTAX_RECORD) return record_type(c, syntax, true);
  return check_type_syntax(c, syntax);
}

/* -- fields ---------------------------------------------------------------------------------- */

static int64_t unit_of(struct checker *c, struct clause *clause, const struct type *type) {
  if (type->kind == TYPE_OPTIONAL) type = type->elem;
  if (type->kind != TYPE_TIMESTAMP) {
    if (type->kind != TYPE_ERROR)
      diag_error(c->diags, E0216, clause->name.span, "only a `timestamp` has a `unit`");
    return 0;
  }
  static const struct {
    const char *name;
    int64_t us;
  } units[] = {{"s", 1000000}, {"ms", 1000}, {"us", 1}};
  if (clause->value && clause->value->kind == EXPR_NAME) {
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
      if (strcmp(units[i].name, clause->value->name.text) == 0) return units[i].us;
    }
  }
  diag_error(c->diags, E0216, clause->value ? clause->value->span : clause->name.span,
             "the unit of a timestamp is `s`, `ms` or `us`");
  return 0;
}

static void fill_field(struct checker *c, struct type *record, struct field_decl *decl) {
  struct type_field field = {
      .name = decl->name.text, .from = decl->name.text, .span = decl->name.span};
  field.type = check_type_syntax(c, decl->type_syntax);
  struct clause *clause = check_clause(&decl->clauses, "from");
  const char *text = clause ? check_clause_string(c, clause) : NULL;
  if (text) field.from = text;
  clause = check_clause(&decl->clauses, "was");
  if (clause) field.was = check_clause_string(c, clause);
  clause = check_clause(&decl->clauses, "unit");
  if (clause) field.unit_us = unit_of(c, clause, field.type);
  check_clause(&decl->clauses, "where");
  static const char *const known[] = {"from", "was", "unit", "where", NULL};
  check_unused_clauses(c, &decl->clauses, "a field", known);
  vec_each(const struct type_field, earlier, &record->fields) {
    bool is_same = strcmp(earlier->name, field.name) == 0;
    if (!is_same && strcmp(earlier->from, field.from) != 0) continue;
    struct diag *diag =
        is_same ? diag_error(c->diags, E0202, field.span, "the field `%s` is declared twice",
                             field.name)
                : diag_error(c->diags, E0202, field.span,
                             "two fields are read from \"%s\" of the input", field.from);
    diag_label(diag, earlier->span, is_same ? "first here" : "this one too");
  }
  vec_push(c->arena, &record->fields, field);
}

/* Fields of a variant that are more than names and types make a record type of their own. */
static const struct type *payload_type(struct checker *c, const struct type *enumeration,
                                       struct variant_decl *decl) {
  bool is_plain = true;
  vec_each(const struct field_decl, field, &decl->fields)
    if (field->init || field->clauses.count > 0) is_plain = false;
  if (is_plain) {
    struct type_syntax syntax = {
        .kind = TYPE_SYNTAX_RECORD, .span = decl->name.span, .fields = decl->fields};
    return record_type(c, &syntax, false);
  }
  const char *name = arena_printf(c->arena, "%s.%s", enumeration->name, decl->name.text);
  struct type *record = type_own_record(c->types, name);
  vec_each(struct field_decl, field, &decl->fields) fill_field(c, record, field);
  return record;
}

/* The input has the variant's name and its fields in one object. */
static void check_tag_is_free(struct checker *c, const struct type *type,
                              const struct variant_decl *decl, const struct type *payload) {
  for (size_t i = 0; payload && i < payload->fields.count; i++) {
    const struct type_field *field = &payload->fields.data[i];
    if (strcmp(field->from ? field->from : field->name, type->tag) != 0 &&
        strcmp(field->name, type->tag) != 0)
      continue;
    struct diag *diag =
        diag_error(c->diags, E0202, decl->fields.data[i].name.span,
                   "\"%s\" holds the name of the variant and cannot be a field too", type->tag);
    diag_help(diag, "`match` tells the variants apart; leave the field out");
  }
}

static void fill_variant(struct checker *c, struct type *type, struct variant_decl *decl) {
  struct type_variant variant = {.name = decl->name.text, .from = decl->name.text};
  struct clause *clause = check_clause(&decl->clauses, "from");
  const char *text = clause ? check_clause_string(c, clause) : NULL;
  if (text) variant.from = text;
  clause = check_clause(&decl->clauses, "was");
  if (clause) variant.was = check_clause_string(c, clause);
  static const char *const known[] = {"from", "was", NULL};
  check_unused_clauses(c, &decl->clauses, "a variant", known);
  int earlier = type_variant_index(type, variant.name);
  if (earlier >= 0) {
    struct diag *diag = diag_error(c->diags, E0202, decl->name.span,
                                   "the variant `%s` is declared twice", variant.name);
    diag_label(diag, type->decl->variants.data[earlier].name.span, "first here");
  }
  if (decl->fields.count > 0) variant.payload = payload_type(c, type, decl);
  if (type->tag) check_tag_is_free(c, type, decl, variant.payload);
  vec_push(c->arena, &type->variants, variant);
}

/* `enum Event tagged "type" { … }` */
static void check_tagged(struct checker *c, struct type *type, struct decl *decl) {
  struct clause *clause = check_clause(&decl->clauses, "tagged");
  if (!clause) return;
  type->tag = check_clause_string(c, clause);
  vec_each(const struct variant_decl, variant, &decl->variants)
    if (variant->fields.count > 0) return;
  if (decl->variants.count == 0) return;
  struct diag *diag = diag_error(c->diags, E0216, clause->name.span,
                                 "`tagged` is for variants with fields, and `%s` has none",
                                 type->name);
  diag_help(diag, "leave it out: variants without fields are read from their names");
}

static void fill_nominal(struct checker *c, struct decl *decl) {
  struct type *type = (struct type *)decl->type;
  if (decl->kind == DECL_ENUM) check_tagged(c, type, decl);
  vec_each(struct field_decl, field, &decl->fields) fill_field(c, type, field);
  vec_each(struct variant_decl, variant, &decl->variants) fill_variant(c, type, variant);
  if (decl->kind == DECL_ENUM)
    check_unused_clauses(c, &decl->clauses, "an enum", (const char *const[]){"tagged", NULL});
  else
    check_unused_clauses(c, &decl->clauses, "a record", (const char *const[]){NULL});
  if (decl->kind == DECL_RECORD && decl->fields.count == 0) {
    diag_error(c->diags, E0208, decl->name.span, "the record `%s` has no fields", decl->name.text);
  } else if (decl->kind == DECL_ENUM && decl->variants.count == 0) {
    diag_error(c->diags, E0208, decl->name.span, "the enum `%s` has no variants", decl->name.text);
  }
}

bool check_is_too_large(struct checker *c, const struct type *type, struct span span) {
  if (type_value_count(type) <= LIMIT_VALUES) return false;
  struct diag *diag = diag_error(c->diags, E0109, span, "`%s` has more than %d values side by side",
                                 type->name ? type->name : "this record", LIMIT_VALUES);
  diag_help(diag, "what repeats is a list or a map");
  return true;
}

/* -- circles --------------------------------------------------------------------------------- */

static bool find_circle(struct checker *c, struct type *type);

/* True if the type leads back to a nominal one that is being walked; it was reported then. */
static bool walk(struct checker *c, const struct type *type) {
  if (type->decl) return find_circle(c, (struct type *)type);
  if (type->elem && walk(c, type->elem)) return true;
  if (type->key && walk(c, type->key)) return true;
  vec_each(const struct type_field, field, &type->fields) {
    if (walk(c, field->type)) return true;
  }
  return false;
}

static bool find_circle(struct checker *c, struct type *type) {
  struct decl *decl = type->decl;
  if (decl->is_checked) return false;
  if (decl->is_being_checked) {
    report_circle(c, decl, decl->name.span);
    return true;
  }
  if (check_is_too_deep(c, decl->name.span)) return true;
  decl->is_being_checked = true;
  vec_push(c->arena, &c->stack, decl);
  bool is_circle = false;
  vec_each(struct type_field, field, &type->fields) {
    if (!walk(c, field->type)) continue;
    field->type = c->types->error;
    is_circle = true;
  }
  vec_each(struct type_variant, variant, &type->variants) {
    if (!variant->payload || !walk(c, variant->payload)) continue;
    variant->payload = NULL;
    is_circle = true;
  }
  c->stack.count--;
  decl->is_being_checked = false;
  decl->is_checked = true;
  return is_circle || check_is_too_large(c, type, decl->name.span);
}

/* Keys may be records, whose fields are known only now. */
static void check_keys(struct checker *c) {
  size_t count = c->types->all.count;
  for (size_t i = 0; i < count; i++) {
    const struct type *type = c->types->all.data[i];
    const struct type *key = type->kind == TYPE_SET ? type->elem : type->key;
    if (!key || type_is_key(key) || key->kind != TYPE_RECORD || !key->decl) continue;
    diag_error(c->diags, E0402, key->decl->name.span,
               "`%s` is used as a key of a map or in a set, and cannot be one", key->name);
  }
}

void fill_nominal_types(struct checker *c) {
  struct decl_list *decls = &c->compiler->program->decls;
  vec_each(struct decl *, decl, decls) {
    if ((*decl)->kind == DECL_RECORD || (*decl)->kind == DECL_ENUM) fill_nominal(c, *decl);
  }
  size_t errors = c->diags->error_count;
  vec_each(struct decl *, decl, decls) {
    if ((*decl)->kind == DECL_RECORD || (*decl)->kind == DECL_ENUM)
      find_circle(c, (struct type *)(*decl)->type);
  }
  vec_each(struct decl *, decl, decls) {
    if ((*decl)->kind == DECL_RECORD || (*decl)->kind == DECL_ENUM) (*decl)->is_checked = false;
  }
  if (c->diags->error_count == errors) check_keys(c);
}

/* -- defaults and conditions ----------------------------------------------------------------- */

static void check_defaults(struct checker *c, struct type *record,
                           struct field_decl_list *decls) {
  for (size_t i = 0; i < record->fields.count; i++) {
    struct field_decl *decl = &decls->data[i];
    struct type_field *field = &record->fields.data[i];
    if (decl->init) field->init = decl->init = check_constant(c, decl->init, field->type, false);
  }
}

static void check_conditions(struct checker *c, struct type *record,
                             struct field_decl_list *decls) {
  for (size_t i = 0; i < record->fields.count; i++) {
    struct clause *clause = check_clause(&decls->data[i].clauses, "where");
    if (clause && !clause->value) {
      diag_error(c->diags, E0216, clause->name.span, "`where` needs a condition");
    } else if (clause) {
      clause->value = check_item_expr(c, clause->value, record, c->types->bool_);
      record->fields.data[i].where = clause->value;
    }
  }
}

/* Does it for a record, or for the fields of each variant. */
static void each_record(struct checker *c, const struct type *type,
                        void (*check)(struct checker *, struct type *, struct field_decl_list *)) {
  if (type->kind == TYPE_RECORD) check(c, (struct type *)type, &type->decl->fields);
  for (size_t i = 0; i < type->variants.count; i++) {
    struct type *payload = (struct type *)type->variants.data[i].payload;
    if (payload) check(c, payload, &type->decl->variants.data[i].fields);
  }
}

void check_nominal(struct checker *c, const struct type *type) {
  struct decl *decl = type->decl;
  if (decl->is_checked || decl->is_being_checked) return;
  decl->is_being_checked = true;
  each_record(c, type, check_defaults);
  decl->is_being_checked = false;
  decl->is_checked = true;
  each_record(c, type, check_conditions);
}
