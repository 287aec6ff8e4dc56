/* Names of values: fields of the item, `it`, `key`, state, locals, parameters, params, constants.
 * They share one namespace and never shadow each other.
 */
#include "front/instance.h"

#include <string.h>

/* What a bare name means here. */
struct meaning {
  enum ref_kind ref;
  const struct type *type;
  uint32_t index;
  struct local *local;
  struct decl *decl;
  struct decl *also; /* a param or const of the same name as a field */
  bool is_outer;     /* found where the lambda is written that this is inside of */
};

static struct meaning find_local(struct checker *c, const char *name) {
  for (size_t i = c->scope.locals.count; i-- > 0;) {
    struct local *local = c->scope.locals.data[i];
    if (local->name.text == name)
      return (struct meaning){.ref = REF_LOCAL, .type = local->type, .local = local};
  }
  return (struct meaning){0};
}

static struct meaning find_declared(struct checker *c, const char *name) {
  const struct instance *use = c->scope.instance;
  struct decl *decl = use ? map_get(&use->values, name) : NULL;
  if (!decl) decl = find_value(c, name);
  if (!decl) return (struct meaning){0};
  return (struct meaning){.ref = decl->kind == DECL_PARAM ? REF_PARAM : REF_CONST, .decl = decl};
}

static bool is_item_word(const char *name) {
  return strcmp(name, "it") == 0 || strcmp(name, "key") == 0 || strcmp(name, "window") == 0;
}

static int field_of_item(const struct type *item, const char *name) {
  if (!item || item->kind != TYPE_RECORD || is_item_word(name)) return -1;
  return type_field_index(item, name);
}

/* The field that a bare name is. In a step, whose items may be of any type, there is none: its names
 * would change their meaning with the place of use. */
static int bare_field(const struct scope *scope, const char *name) {
  return scope->instance ? -1 : field_of_item(scope->item, name);
}

static struct meaning find_meaning(struct checker *c, const char *name);

static struct meaning find_outer(struct checker *c, const char *name) {
  struct scope inner = c->scope;
  c->scope = *inner.outer;
  struct meaning meaning = find_meaning(c, name);
  c->scope = inner;
  meaning.is_outer = meaning.ref != REF_PARAM && meaning.ref != REF_CONST;
  return meaning;
}

static struct meaning find_meaning(struct checker *c, const char *name) {
  struct scope *scope = &c->scope;
  struct meaning meaning = find_local(c, name);
  if (meaning.ref) return meaning;
  if (scope->item && strcmp(name, "it") == 0)
    return (struct meaning){.ref = REF_IT, .type = scope->item};
  if (scope->key && strcmp(name, "key") == 0)
    return (struct meaning){.ref = REF_KEY, .type = scope->key};
  if (scope->has_state && scope->stage->name.text == name)
    return (struct meaning){.ref = REF_STATE, .type = scope->stage->state_type};
  if (scope->function) {
    for (size_t i = 0; i < scope->function->fields.count; i++) {
      if (scope->function->fields.data[i].name.text != name) continue;
      const struct type *type = scope->function->arg_types.data[i];
      return (struct meaning){.ref = REF_ARG, .type = type, .index = (uint32_t)i};
    }
  }
  if (scope->outer) return find_outer(c, name);
  int field = bare_field(scope, name);
  if (field >= 0) {
    return (struct meaning){.ref = REF_FIELD,
                            .type = scope->item->fields.data[field].type,
                            .index = (uint32_t)field,
                            .also = find_value(c, name)};
  }
  return find_declared(c, name);
}

bool name_is_visible(struct checker *c, const char *name) {
  return find_meaning(c, name).ref != REF_NONE;
}

/* -- declaring ------------------------------------------------------------------------------- */

bool report_clash(struct checker *c, struct ident name, const char *what) {
  struct meaning meaning = find_meaning(c, name.text);
  if (!meaning.ref && !is_item_word(name.text)) return false;
  struct diag *diag =
      diag_error(c->diags, E0203, name.span, "the name `%s` is already taken", name.text);
  switch (meaning.ref) {
  case REF_FIELD:
    diag_label(diag, name.span, "the item has a field `%s`", name.text);
    diag_help(diag, "call the %s something else; the field keeps its name", what);
    return true;
  case REF_LOCAL: diag_label(diag, meaning.local->name.span, "already a local here"); break;
  case REF_STATE: diag_label(diag, c->scope.stage->name.span, "already the state"); break;
  case REF_PARAM:
  case REF_CONST:
    diag_label(diag, meaning.decl->name.span, "already a %s",
               meaning.ref == REF_PARAM ? "param" : "const");
    break;
  case REF_ARG:
    diag_label(diag, c->scope.function->fields.data[meaning.index].name.span,
               "already a parameter");
    break;
  default: diag_note(diag, "`it`, `key` and `window` have a meaning in every stage"); break;
  }
  diag_help(diag, "call the %s something else", what);
  return true;
}

void bind_local(struct checker *c, struct local *local, const struct type *type) {
  report_clash(c, local->name, "local variable");
  local->type = type;
  local->id = (*c->scope.local_count)++;
  vec_push(c->arena, &c->scope.locals, local);
}

/* -- unknown names --------------------------------------------------------------------------- */

static void add_names(struct checker *c, struct name_list *names) {
  const struct scope *scope = &c->scope;
  vec_each(struct local *, local, &scope->locals) vec_push(c->arena, names, (*local)->name.text);
  if (scope->has_state) vec_push(c->arena, names, scope->stage->name.text);
  if (scope->item && scope->item->kind == TYPE_RECORD && !scope->instance) {
    vec_each(const struct type_field, field, &scope->item->fields)
        vec_push(c->arena, names, field->name);
  }
  if (scope->function) {
    vec_each(const struct field_decl, field, &scope->function->fields)
        if (field->name.text[0] != '0') vec_push(c->arena, names, field->name.text);
  }
  if (scope->instance) {
    map_each(entry, &scope->instance->values) vec_push(c->arena, names, entry->key);
  }
  if (scope->outer) {
    struct scope inner = c->scope;
    c->scope = *inner.outer;
    add_names(c, names);
    c->scope = inner;
    return;
  }
  map_each(entry, &c->symbols->values) vec_push(c->arena, names, entry->key);
  if (scope->item) vec_push(c->arena, names, "it");
  if (scope->key) vec_push(c->arena, names, "key");
}

static void note_fields(struct diag *diag, const struct type *item, struct arena *arena) {
  if (!item || item->kind != TYPE_RECORD || item->fields.count == 0) return;
  struct text out;
  text_init(&out, arena);
  vec_each(const struct type_field, field, &item->fields)
      text_addf(&out, "%s%s", field == item->fields.data ? "" : ", ", field->name);
  diag_note(diag, "fields of the item: %s", out.data);
}

/* Words with a meaning that they do not have at this place. True if one was reported. */
static bool report_misplaced(struct checker *c, struct ident name) {
  const struct scope *scope = &c->scope;
  struct diag *diag;
  if (scope->instance && scope->item && field_of_item(scope->item, name.text) >= 0) {
    diag = diag_error(c->diags, E0201, name.span, "unknown name `%s`", name.text);
    diag_help(diag, "inside a step the fields of the item are written  it.%s", name.text);
    return true;
  }
  if ((scope->place == PLACE_HOOK || scope->place == PLACE_TIME) &&
      (strcmp(name.text, "it") == 0 || field_of_item(scope->stage->in_item, name.text) >= 0)) {
    diag =
        diag_error(c->diags, E0201, name.span, "there is no item in a hook, so no `%s`", name.text);
    diag_help(diag, "a hook has `key` and the state `%s`", scope->stage->name.text);
    return true;
  }
  if (strcmp(name.text, "key") == 0 && scope->stage) {
    diag = diag_error(c->diags, E0201, name.span, "the stream has no key here");
    if (scope->item && scope->item->kind == TYPE_RECORD &&
        type_field_index(scope->item, "key") >= 0)
      diag_help(diag, "the field is written `it.key`");
    else
      diag_help(diag, "give it one:  |> key by …");
    return true;
  }
  if (strcmp(name.text, "window") == 0) {
    diag = diag_error(c->diags, E0201, name.span, "there is no window here");
    diag_help(diag, "the `aggregate` behind one knows it:  |> window … |> aggregate { n: count(), window.end }");
    if (scope->item && scope->item->kind == TYPE_RECORD &&
        type_field_index(scope->item, "window") >= 0)
      diag_help(diag, "the field is written `it.window`");
    return true;
  }
  if (strcmp(name.text, "it") == 0) {
    diag = diag_error(c->diags, E0201, name.span, "there is no item here");
    diag_note(diag, "`it` is the item of a stage; a function gets what it needs as parameters");
    return true;
  }
  if (scope->stage && scope->place == PLACE_CONSTANT && scope->stage->name.text &&
      (name.text == scope->stage->name.text ||
       field_of_item(scope->stage->in_item, name.text) >= 0)) {
    diag = diag_error(c->diags, E0201, name.span, "`%s` is not known when the state begins",
                      name.text);
    diag_note(diag, "the initial value of a state may use constants and params only");
    return true;
  }
  return false;
}

/* Another kind of thing has this name. True if it was reported. */
static bool report_other_kind(struct checker *c, struct ident name) {
  const char *kind = NULL, *help = NULL;
  if (map_get(&c->symbols->streams, name.text)) {
    kind = "a stream";
    help = "streams stand at the start of a pipeline, and in `merge`, `split` and `into`";
  } else if (find_function(c, name.text) || builtin_find(name.text)) {
    kind = "a function";
    help = arena_printf(c->arena, "call it:  %s(…)", name.text);
  } else if (find_declared_type(c, name.text)) {
    kind = "a type";
  }
  if (!kind) return false;
  struct diag *diag =
      diag_error(c->diags, E0201, name.span, "`%s` is %s, not a value", name.text, kind);
  if (help) diag_help(diag, "%s", help);
  return true;
}

/* An enum that has this variant, if just one has. */
static const struct type *enum_with_variant(struct checker *c, const char *name) {
  const struct type *found = NULL;
  map_each(entry, &c->symbols->types) {
    const struct type *type = entry->value;
    if (type->kind != TYPE_ENUM || type_variant_index(type, name) < 0) continue;
    if (found) return NULL;
    found = type;
  }
  return found;
}

struct diag *report_no_variant(struct checker *c, const struct type *enumeration,
                               struct ident name) {
  struct name_list names = {0};
  struct text out;
  text_init(&out, c->arena);
  vec_each(const struct type_variant, variant, &enumeration->variants) {
    text_addf(&out, "%s%s", names.count ? ", " : "", variant->name);
    vec_push(c->arena, &names, variant->name);
  }
  struct diag *diag = diag_error(c->diags, E0226, name.span, "`%s` has no variant `%s`",
                                 enumeration->name, name.text);
  diag_note(diag, "variants: %s", out.data);
  vec_each(const struct type_variant, variant, &enumeration->variants) {
    if (!variant->from || strcmp(variant->from, name.text) != 0) continue;
    return diag_help(diag, "what the input calls `%s` is the variant `%s`", name.text, variant->name);
  }
  if (c->scope.place != PLACE_TEST) add_names(c, &names);
  return suggest(diag, name.text, names.data, names.count);
}

static void report_unknown(struct checker *c, struct ident name, const struct type *hint) {
  if (report_misplaced(c, name)) return;
  const char *ours = our_value(name.text);
  if (ours && (c->scope.item || strcmp(ours, "it") != 0)) {
    struct diag *diag = diag_error(c->diags, E0201, name.span, "unknown name `%s`", name.text);
    diag_help(diag, "here it is called `%s`", ours);
    return;
  }
  if (report_other_kind(c, name)) return;
  if (hint && hint->kind == TYPE_OPTIONAL) hint = hint->elem;
  if (hint && hint->kind == TYPE_ENUM) {
    report_no_variant(c, hint, name);
    return;
  }
  struct diag *diag = diag_error(c->diags, E0201, name.span, "unknown name `%s`", name.text);
  if (note_left_behind(c, diag, name.text)) return;
  const struct type *enumeration = enum_with_variant(c, name.text);
  if (enumeration) {
    diag_help(diag, "did you mean the variant `%s.%s`?", enumeration->name, name.text);
    return;
  }
  note_fields(diag, c->scope.item, c->arena);
  struct name_list names = {0};
  add_names(c, &names);
  suggest(diag, name.text, names.data, names.count);
}

/* -- using ----------------------------------------------------------------------------------- */

bool name_to_variant(struct checker *c, struct expr *expr, const struct type *enumeration,
                     struct ident name) {
  int index = type_variant_index(enumeration, name.text);
  if (index < 0) return false;
  const struct type *payload = enumeration->variants.data[index].payload;
  expr->type = enumeration;
  if (payload) {
    struct diag *diag =
        diag_error(c->diags, E0214, name.span, "`%s` has fields, and they are missing", name.text);
    bool has_fields = payload->fields.count > 0; /* not where their types are wrong */
    if (has_fields)
      diag_help(diag, "give them:  %s(%s: …)", name.text, payload->fields.data[0].name);
    expr->type = c->types->error;
  }
  expr->kind = EXPR_NAME;
  expr->name.text = name.text;
  expr->name.ref = REF_VARIANT;
  expr->name.index = (uint32_t)index;
  return true;
}

static void report_ambiguous(struct checker *c, const struct expr *expr, const struct decl *decl) {
  const char *name = expr->name.text;
  struct diag *diag =
      diag_error(c->diags, E0203, expr->span, "`%s` is both a field of the item and a %s", name,
                 decl->kind == DECL_PARAM ? "param" : "const");
  diag_label(diag, decl->name.span, "declared here");
  diag_help(diag, "the field is `it.%s`; to use the other, rename it", name);
}

/* A lambda takes along what it uses of the place where it is written: as a hidden parameter, whose value
 * the call passes. */
static struct expr *capture(struct checker *c, struct expr *expr) {
  struct decl *fn = c->scope.function;
  const char *text = arena_printf(c->arena, "0%s", expr->name.text);
  const char *hidden = names_intern(&c->compiler->names, text, strlen(text));
  size_t index = 0;
  while (index < fn->fields.count && fn->fields.data[index].name.text != hidden) index++;
  if (index == fn->fields.count) {
    struct expr *outside = arena_new(c->arena, struct expr);
    outside->kind = EXPR_NAME;
    outside->span = expr->span;
    outside->name.text = expr->name.text;
    struct scope inner = c->scope;
    c->scope = *inner.outer;
    outside = infer_name(c, outside, NULL);
    *inner.outer = c->scope;
    c->scope = inner;
    vec_push(c->arena, &fn->captures, outside);
    vec_push(c->arena, &fn->fields, (struct field_decl){.name = {hidden, expr->span}});
    vec_push(c->arena, &fn->arg_types, outside->type);
  }
  expr->type = fn->arg_types.data[index];
  expr->name.text = hidden;
  expr->name.ref = REF_ARG;
  expr->name.index = (uint32_t)index;
  return expr;
}

/* In a step the key of a stream without a key is the empty record, so that steps need not know. */
static struct expr *no_key(struct checker *c, struct expr *expr) {
  expr->kind = EXPR_RECORD;
  memset(&expr->record, 0, sizeof expr->record);
  expr->type = type_structural(c->types, NULL, 0);
  return expr;
}

struct expr *infer_name(struct checker *c, struct expr *expr, const struct type *hint) {
  struct ident name = {expr->name.text, expr->span};
  struct meaning meaning = find_meaning(c, name.text);
  expr->type = c->types->error;
  bool is_key = strcmp(name.text, "key") == 0;
  bool is_in_stage = c->scope.outer || c->scope.place != PLACE_CONSTANT;
  if (is_key && !meaning.ref && c->scope.instance && is_in_stage) return no_key(c, expr);
  if (!meaning.ref) {
    const struct type *wanted = hint && hint->kind == TYPE_OPTIONAL ? hint->elem : hint;
    if (wanted && wanted->kind == TYPE_ENUM && name_to_variant(c, expr, wanted, name)) return expr;
    report_unknown(c, name, hint);
    return expr;
  }
  if (meaning.also) {
    report_ambiguous(c, expr, meaning.also);
    return expr;
  }
  if (meaning.is_outer && meaning.ref) return capture(c, expr);
  if (meaning.decl) {
    check_value_decl(c, meaning.decl, expr->span);
    meaning.type = meaning.decl->type;
  }
  expr->name.ref = meaning.ref;
  expr->name.index = meaning.index;
  expr->name.local = meaning.local;
  expr->name.decl = meaning.decl;
  expr->type = meaning.type;
  return expr;
}
