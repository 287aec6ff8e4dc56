/* Calls: of functions, built-in functions, records and variants. */
#include "front/instance.h"
#include "front/library.h"

#include <string.h>

static struct expr *fail_call(struct checker *c, struct expr *expr) {
  expr->type = c->types->error;
  return expr;
}

/* Types the arguments of a call that is wrong anyway, for their own diagnostics. */
struct expr *infer_args_only(struct checker *c, struct expr *expr, size_t from) {
  for (size_t i = from; i < expr->call.args.count; i++) {
    struct expr **value = &expr->call.args.data[i].value;
    if ((*value)->kind == EXPR_LAMBDA) fail_call(c, *value); /* of what, nothing says */
    else *value = infer(c, *value, NULL);
  }
  return fail_call(c, expr);
}

bool reject_named_args(struct checker *c, struct expr *expr) {
  vec_each(const struct arg, arg, &expr->call.args) {
    if (!arg->name.text) continue;
    struct diag *diag =
        diag_error(c->diags, E0214, arg->name.span, "the arguments of `%s` are given by position",
                   expr->call.name.text);
    diag_help(diag, "leave out  %s:", arg->name.text);
    return true;
  }
  return false;
}

/* -- functions ------------------------------------------------------------------------------- */

static const char *fn_syntax(struct checker *c, const struct decl *fn) {
  struct text out;
  text_init(&out, c->arena);
  text_addf(&out, "%s(", fn->name.text);
  for (size_t i = 0; i < fn->fields.count; i++) {
    const struct field_decl *field = &fn->fields.data[i];
    struct span type = field->type_syntax->span;
    text_addf(&out, "%s%s: %.*s", i ? ", " : "", field->name.text, (int)type.length,
              sources_text(&c->compiler->sources, type));
    if (field->init) text_add(&out, " = …");
  }
  text_addc(&out, ')');
  return out.data;
}

/* Fills in the defaults of parameters that the call leaves out. */
static void fill_defaults(struct checker *c, struct expr *expr, const struct decl *fn) {
  for (size_t i = expr->call.args.count; i < fn->fields.count; i++)
    vec_push(c->arena, &expr->call.args, (struct arg){.value = fn->fields.data[i].init});
}

/* Reports too few or too many arguments; of a method the receiver is not counted, because it does
 * not stand between the parentheses. */
static struct diag *report_count(struct checker *c, const struct expr *call, size_t fewest,
                                 size_t most) {
  size_t given = call->call.args.count;
  bool is_short = given < fewest;
  size_t wanted = is_short ? fewest : most;
  size_t receiver = call->call.is_method && wanted > 0 ? 1 : 0;
  wanted -= receiver;
  given -= receiver;
  const char *bound = fewest == most ? "" : is_short ? "at least " : "at most ";
  return diag_error(c->diags, E0214, call->call.name.span,
                    "`%s` takes %s%zu argument%s, here %s %zu", call->call.name.text, bound, wanted,
                    wanted == 1 ? "" : "s", given == 1 ? "is" : "are", given);
}

bool check_argument_count(struct checker *c, struct expr *expr, const struct decl *fn) {
  size_t given = expr->call.args.count, required = 0;
  while (required < fn->fields.count && !fn->fields.data[required].init) required++;
  if (given >= required && given <= fn->fields.count) return true;
  struct diag *diag = report_count(c, expr, required, fn->fields.count);
  diag_note(diag, "it is declared as  %s", fn_syntax(c, fn));
  return false;
}

struct expr *finish_fn_call(struct checker *c, struct expr *expr, struct decl *fn, bool is_good) {
  expr->call.kind = CALL_FN;
  expr->call.decl = fn;
  expr->type = fn->type ? fn->type : c->types->error;
  if (!is_good) return fail_call(c, expr);
  if (fn->can_fail) {
    note_failure(c, expr, expr->call.name.span, "this call",
                 arena_printf(c->arena, "`%s` can fail", expr->call.name.text));
  }
  if (fn->can_fault) note_fault(c);
  if (fn->sees_epochs) c->scope.sees_epochs = true;
  return expr;
}

static struct expr *infer_fn_call(struct checker *c, struct expr *expr, struct decl *fn,
                                  const struct type *hint) {
  if (fn->is_generic) return infer_generic_call(c, expr, fn, hint);
  check_function(c, fn, expr->call.name.span);
  if (reject_named_args(c, expr) || !check_argument_count(c, expr, fn))
    return infer_args_only(c, expr, 0);
  bool is_good = true;
  for (size_t i = 0; i < expr->call.args.count; i++) {
    struct arg *arg = &expr->call.args.data[i];
    arg->value = check_expr(c, arg->value, fn->arg_types.data[i]);
    is_good = is_good && arg->value->type->kind != TYPE_ERROR;
  }
  fill_defaults(c, expr, fn);
  return finish_fn_call(c, expr, fn, is_good);
}

/* -- built-in functions ---------------------------------------------------------------------- */

static struct expr *infer_builtin(struct checker *c, struct expr *expr,
                                  const struct builtin *builtin, const struct type *hint) {
  if (reject_named_args(c, expr)) return infer_args_only(c, expr, 0);
  size_t given = expr->call.args.count;
  if (given < builtin->min_args || given > builtin->max_args) {
    struct diag *diag = report_count(c, expr, builtin->min_args, builtin->max_args);
    diag_note(diag, "%s: %s", builtin->syntax, builtin->doc);
    return infer_args_only(c, expr, 0);
  }
  expr->call.kind = CALL_BUILTIN;
  expr->call.builtin = builtin;
  expr->type = builtin->check(c, expr, hint);
  if (expr->type->kind == TYPE_ERROR) return expr;
  if (builtin->can_fault) note_fault(c);
  return expr;
}

/* -- records and variants -------------------------------------------------------------------- */

/* `Kind.circle(r: 1.0)`: the receiver of the method call names an enum. Null if it does not. */
static struct expr *infer_qualified_variant(struct checker *c, struct expr *expr) {
  if (!expr->call.is_method || expr->call.args.count == 0) return NULL;
  const struct expr *object = expr->call.args.data[0].value;
  if (object->kind != EXPR_NAME || name_is_visible(c, object->name.text)) return NULL;
  const struct type *type = find_declared_type(c, object->name.text);
  if (!type || type->kind != TYPE_ENUM) return NULL;
  check_nominal(c, type);
  int index = type_variant_index(type, expr->call.name.text);
  if (index < 0) {
    report_no_variant(c, type, expr->call.name);
    return infer_args_only(c, expr, 1);
  }
  expr->call.kind = CALL_VARIANT;
  expr->call.variant = (uint32_t)index;
  return infer_constructor(c, expr, type, 1);
}

static struct expr *infer_hinted_variant(struct checker *c, struct expr *expr,
                                         const struct type *hint) {
  if (hint && hint->kind == TYPE_OPTIONAL) hint = hint->elem;
  if (!hint || hint->kind != TYPE_ENUM || expr->call.is_method) return NULL;
  int index = type_variant_index(hint, expr->call.name.text);
  if (index < 0) return NULL;
  expr->call.kind = CALL_VARIANT;
  expr->call.variant = (uint32_t)index;
  return infer_constructor(c, expr, hint, 0);
}

/* -- unknown functions ----------------------------------------------------------------------- */

static const struct type *enum_of_variant(struct checker *c, const char *name) {
  map_each(entry, &c->symbols->types) {
    const struct type *type = entry->value;
    if (type->kind == TYPE_ENUM && type_variant_index(type, name) >= 0) return type;
  }
  return NULL;
}

/* Says what does here what a function of another language does. */
static bool help_foreign(struct diag *diag, const char *name) {
  const char *phrase = our_phrase(name), *ours = builtin_foreign(name);
  if (phrase) {
    diag_help(diag, "%s", phrase);
  } else if (ours) {
    diag_help(diag, "here it is called `%s`", ours);
  }
  return phrase || ours;
}

static void report_unknown_function(struct checker *c, const struct expr *expr) {
  struct ident name = expr->call.name;
  struct diag *diag = diag_error(c->diags, E0210, name.span, "unknown function `%s`", name.text);
  if (!expr->call.is_method && our_aggregate(name.text)) {
    diag_help(diag, "%s", our_aggregate(name.text));
    return;
  }
  if (help_foreign(diag, name.text)) return;
  if (name_is_visible(c, name.text)) {
    diag_note(diag, "`%s` is a value and cannot be called", name.text);
    return;
  }
  const struct type *type = enum_of_variant(c, name.text);
  if (type) {
    diag_help(diag, "for the variant write  %s.%s(…)", type->name, name.text);
    return;
  }
  struct name_list names = {0};
  map_each(entry, &c->symbols->functions) vec_push(c->arena, &names, entry->key);
  map_each(entry, &c->symbols->types) {
    const struct type *record = entry->value;
    if (record->kind == TYPE_RECORD) vec_push(c->arena, &names, entry->key);
  }
  size_t count;
  const struct builtin *all = builtin_all(&count);
  for (size_t i = 0; i < count; i++) vec_push(c->arena, &names, all[i].name);
  struct library_entries library = library_entries(c->arena);
  vec_each(const struct library_entry, entry, &library)
      if (entry->kind == LIBRARY_FUNCTION) vec_push(c->arena, &names, entry->name);
  suggest(diag, name.text, names.data, names.count);
}

struct expr *infer_call(struct checker *c, struct expr *expr, const struct type *hint) {
  struct ident name = expr->call.name;
  /* Typed before, when its functions have become others with further arguments. */
  if (expr->call.kind == CALL_FN && expr->call.decl->is_made)
    return finish_fn_call(c, expr, expr->call.decl, true);
  struct expr *variant = infer_qualified_variant(c, expr);
  if (variant) return variant;
  const struct function_arg *parameter =
      c->scope.instance ? map_get(&c->scope.instance->functions, name.text) : NULL;
  if (parameter) return infer_parameter_call(c, expr, parameter);
  struct decl *fn = expr->call.is_quoted ? NULL : find_function(c, name.text);
  const struct builtin *builtin = fn && !fn->is_library ? NULL : builtin_find(name.text);
  if (builtin) return infer_builtin(c, expr, builtin, hint);
  if (fn) return infer_fn_call(c, expr, fn, hint);
  const struct type *type = find_declared_type(c, name.text);
  if (type && type->kind == TYPE_RECORD && !expr->call.is_method) {
    expr->call.kind = CALL_RECORD;
    return infer_constructor(c, expr, type, 0);
  }
  variant = infer_hinted_variant(c, expr, hint);
  if (variant) return variant;
  report_unknown_function(c, expr);
  return infer_args_only(c, expr, 0);
}
