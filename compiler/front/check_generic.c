/* Functions that are arguments, and what is checked once for each use: generic functions and steps. */
#include "front/instance.h"

#include <ctype.h>
#include <string.h>

#include "base/limits.h"
#include "front/copy.h"

/* -- types that stand for any type ----------------------------------------------------------- */

/* `T`, `K2`: a capital letter and digits, unless something declares a type of that name. */
static bool is_type_variable(struct checker *c, const struct type_syntax *syntax) {
  const char *name = syntax->name.text;
  if (syntax->kind != TYPE_SYNTAX_NAME || syntax->args.count > 0) return false;
  if (name[0] < 'A' || name[0] > 'Z' || name[1 + strspn(name + 1, "0123456789")] != '\0')
    return false;
  return !find_declared_type(c, name);
}

bool type_is_open(struct checker *c, const struct type_syntax *syntax) {
  if (!syntax) return false;
  if (syntax->kind == TYPE_SYNTAX_FUNCTION || is_type_variable(c, syntax)) return true;
  vec_each(struct type_syntax *, arg, &syntax->args) {
    if (type_is_open(c, *arg)) return true;
  }
  vec_each(struct field_decl, field, &syntax->fields) {
    if (type_is_open(c, field->type_syntax)) return true;
  }
  return type_is_open(c, syntax->inner);
}

struct instance *instance_new(struct checker *c, struct decl *decl, struct span use,
                              struct instance *outer) {
  struct instance *instance = arena_new(c->arena, struct instance);
  instance->decl = decl;
  instance->span = use;
  instance->outer = outer;
  instance->context.span = use;
  instance->context.outer = outer ? &outer->context : c->diags->context;
  map_init(&instance->types, c->arena);
  map_init(&instance->values, c->arena);
  map_init(&instance->functions, c->arena);
  map_init(&instance->streams, c->arena);
  return instance;
}

/* Gives the variables in `syntax` that have no type yet the one that `type` has in their place. */
static void bind_types(struct checker *c, struct instance *instance,
                       const struct type_syntax *syntax, const struct type *type) {
  if (type->kind == TYPE_ERROR || !type_is_concrete(type)) return;
  if (is_type_variable(c, syntax)) {
    if (!map_get(&instance->types, syntax->name.text))
      map_put(&instance->types, syntax->name.text, (void *)type);
    return;
  }
  if (syntax->kind == TYPE_SYNTAX_OPTIONAL) {
    bind_types(c, instance, syntax->inner, type->kind == TYPE_OPTIONAL ? type->elem : type);
    return;
  }
  if (syntax->kind == TYPE_SYNTAX_RECORD) {
    vec_each(struct field_decl, field, &syntax->fields) {
      int index = type->kind == TYPE_RECORD ? type_field_index(type, field->name.text) : -1;
      if (index >= 0) bind_types(c, instance, field->type_syntax, type->fields.data[index].type);
    }
    return;
  }
  if (type->kind == TYPE_MAP && syntax->args.count == 2) {
    bind_types(c, instance, syntax->args.data[0], type->key);
    bind_types(c, instance, syntax->args.data[1], type->elem);
  } else if ((type->kind == TYPE_LIST || type->kind == TYPE_SET) && syntax->args.count == 1) {
    bind_types(c, instance, syntax->args.data[0], type->elem);
  }
}

static bool is_bound(struct checker *c, const struct instance *instance,
                     const struct type_syntax *syntax) {
  if (!syntax) return true;
  if (is_type_variable(c, syntax)) return map_get(&instance->types, syntax->name.text) != NULL;
  vec_each(struct type_syntax *, arg, &syntax->args) {
    if (!is_bound(c, instance, *arg)) return false;
  }
  vec_each(struct field_decl, field, &syntax->fields) {
    if (!is_bound(c, instance, field->type_syntax)) return false;
  }
  return is_bound(c, instance, syntax->inner);
}

/* The type as written, in the terms of the instance. */
static const struct type *type_inside(struct checker *c, struct instance *instance,
                                      const struct type_syntax *syntax) {
  struct instance *before = c->scope.instance;
  bool was_library = c->scope.is_library;
  c->scope.instance = instance;
  c->scope.is_library = instance->decl->is_library;
  const struct type *type = check_type_syntax(c, syntax);
  c->scope.instance = before;
  c->scope.is_library = was_library;
  return type;
}

/* -- functions that are arguments ------------------------------------------------------------ */

/* The name of a function stands for `x => name(x)`. */
static struct expr *lambda_of_name(struct checker *c, const struct expr *name, size_t count) {
  struct expr *call = arena_new(c->arena, struct expr), *lambda = arena_new(c->arena, struct expr);
  call->kind = EXPR_CALL;
  call->span = name->span;
  call->call.name = (struct ident){name->name.text, name->span};
  lambda->kind = EXPR_LAMBDA;
  lambda->span = name->span;
  lambda->lambda.body = call;
  for (size_t i = 0; i < count; i++) {
    /* A digit in front: no name of the program is the same. */
    const char *text = arena_printf(c->arena, "0%zu", i);
    struct ident param = {names_intern(&c->compiler->names, text, strlen(text)), name->span};
    struct expr *arg = arena_new(c->arena, struct expr);
    arg->kind = EXPR_NAME;
    arg->span = name->span;
    arg->name.text = param.text;
    vec_push(c->arena, &lambda->lambda.params, param);
    vec_push(c->arena, &call->call.args, (struct arg){.value = arg});
  }
  return lambda;
}

static bool is_function_name(struct checker *c, const struct expr *value) {
  if (value->kind != EXPR_NAME || name_is_visible(c, value->name.text)) return false;
  const char *name = value->name.text;
  if (c->scope.instance && map_get(&c->scope.instance->functions, name)) return true;
  return find_function(c, name) || builtin_find(name);
}

static void report_no_lambda(struct checker *c, const struct expr *value, const char *parameter,
                             const struct type_syntax *wanted) {
  struct diag *diag =
      diag_error(c->diags, E0241, value->span, "`%s` is a function that says what to do with %s",
                 parameter, wanted->args.count == 1 ? "each value" : "the values");
  diag_help(diag, wanted->args.count == 1 ? "write  x => …" : "write  (a, b) => …");
}

/* What the context of the call would like a function to give, or null: `let xs: list[Kind] = ys.map(y => order)`. */
static const struct type *wanted_result(struct checker *c, struct instance *user,
                                        const struct type_syntax *result) {
  if (!user->hint || !user->decl->type_syntax) return NULL;
  struct instance *wish = instance_new(c, user->decl, user->span, user->outer);
  map_each(entry, &user->types) map_put(&wish->types, entry->key, entry->value);
  bool is_unwrapped = user->hint->kind == TYPE_OPTIONAL && user->decl->type_syntax->kind != TYPE_SYNTAX_OPTIONAL;
  bind_types(c, wish, user->decl->type_syntax, is_unwrapped ? user->hint->elem : user->hint);
  return is_bound(c, wish, result) ? type_inside(c, wish, result) : NULL;
}

/* Types the body of a function: as `result`, or where that is null as `wish` if it fits. */
static struct expr *check_body(struct checker *c, struct expr *body, const struct type *result,
                               const struct type *wish) {
  if (result || !wish) return check_expr(c, body, result);
  body = infer(c, body, wish);
  struct expr *fitting = try_coerce(c, body, wish);
  return require_concrete(c, fitting ? fitting : body);
}

/* Types `value`, a lambda or the name of a function, as an argument of the type that is written; the
 * types of its parameters are known. It sees the current scope, and takes along what it uses of it. Null
 * after a diagnostic. */
static struct decl *declare_lambda(struct checker *c, struct expr *value, const char *parameter,
                                   const struct type_syntax *wanted, struct instance *user) {
  if (is_function_name(c, value)) value = lambda_of_name(c, value, wanted->args.count);
  if (value->kind != EXPR_LAMBDA) {
    report_no_lambda(c, value, parameter, wanted);
    return NULL;
  }
  const struct ident_list *params = &value->lambda.params;
  if (params->count != wanted->args.count) {
    struct diag *diag = diag_error(c->diags, E0214, value->span,
                                   "this function gets %zu value%s, and names %zu",
                                   wanted->args.count, wanted->args.count == 1 ? "" : "s", params->count);
    diag_help(diag, wanted->args.count == 1 ? "write  x => …" : "write  (a, b) => …");
    return NULL;
  }
  struct decl *fn = arena_new(c->arena, struct decl);
  fn->kind = DECL_FN;
  fn->name = (struct ident){parameter, value->span};
  fn->span = value->span;
  fn->is_made = true;
  fn->number = ++c->symbols->number;
  fn->instance = c->scope.instance;
  fn->is_library = c->scope.is_library;
  for (size_t i = 0; i < params->count; i++) {
    if (params->data[i].text[0] != '0') report_clash(c, params->data[i], "parameter");
    vec_push(c->arena, &fn->fields, (struct field_decl){.name = params->data[i]});
    vec_push(c->arena, &fn->arg_types, type_inside(c, user, wanted->args.data[i]));
  }
  const struct type *result =
      is_bound(c, user, wanted->inner) ? type_inside(c, user, wanted->inner) : NULL;
  const struct type *wish = result ? NULL : wanted_result(c, user, wanted->inner);
  struct scope outer = c->scope;
  c->scope = check_new_scope(PLACE_FUNCTION, &fn->local_count);
  c->scope.function = fn;
  c->scope.instance = outer.instance;
  c->scope.is_library = outer.is_library;
  c->scope.outer = &outer;
  fn->value = check_body(c, value->lambda.body, result, wish);
  fn->type = fn->value->type;
  fn->can_fail = c->scope.failures.count > 0;
  fn->can_fault = c->scope.fault_count > 0;
  c->scope = outer;
  fn->is_checked = true;
  vec_push(c->arena, &c->compiler->program->instances, fn);
  if (fn->type->kind == TYPE_ERROR) return NULL;
  bind_types(c, user, wanted->inner, fn->type);
  return fn;
}

struct expr *infer_parameter_call(struct checker *c, struct expr *call,
                                  const struct function_arg *parameter) {
  struct decl *fn = parameter->function;
  if (!fn) return infer_args_only(c, call, 0); /* reported where it is written */
  size_t count = fn->fields.count - fn->captures.count;
  if (reject_named_args(c, call)) return infer_args_only(c, call, 0);
  if (call->call.args.count != count) {
    diag_error(c->diags, E0214, call->call.name.span, "`%s` takes %zu argument%s, here are %zu",
               call->call.name.text, count, count == 1 ? "" : "s", call->call.args.count);
    return infer_args_only(c, call, 0);
  }
  bool is_good = true;
  for (size_t i = 0; i < count; i++) {
    struct arg *arg = &call->call.args.data[i];
    arg->value = check_expr(c, arg->value, fn->arg_types.data[i]);
    is_good = is_good && arg->value->type->kind != TYPE_ERROR;
  }
  vec_each(const char *, hidden, &parameter->hidden) {
    struct expr *name = arena_new(c->arena, struct expr);
    name->kind = EXPR_NAME;
    name->span = call->call.name.span;
    name->name.text = *hidden;
    vec_push(c->arena, &call->call.args, (struct arg){.value = infer_name(c, name, NULL)});
  }
  return finish_fn_call(c, call, fn, is_good);
}

/* -- generic functions ----------------------------------------------------------------------- */

static bool is_function_type(const struct field_decl *field) {
  return field->type_syntax->kind == TYPE_SYNTAX_FUNCTION;
}

/* Reports that an argument has not the shape of its parameter: no list where there is a list[T]. */
static void report_shape(struct checker *c, const struct expr *value, const struct field_decl *field) {
  if (value->type->kind == TYPE_OPTIONAL && field->type_syntax->kind != TYPE_SYNTAX_OPTIONAL) {
    report_absent(c, value);
    return;
  }
  struct span span = field->type_syntax->span;
  struct diag *diag =
      diag_error(c->diags, E0205, value->span, "`%s` is `%.*s`, this is `%s`", field->name.text,
                 (int)span.length, sources_text(&c->compiler->sources, span),
                 type_name(c->types, value->type));
  diag_label(diag, field->name.span, "this parameter");
}

/* Types the arguments that are values; false after a diagnostic. */
static bool check_values(struct checker *c, struct instance *use, struct expr *call) {
  bool is_good = true;
  for (size_t i = 0; i < use->decl->fields.count; i++) {
    const struct field_decl *field = &use->decl->fields.data[i];
    if (is_function_type(field)) continue;
    struct expr **value = &call->call.args.data[i].value;
    const struct type *hint =
        is_bound(c, use, field->type_syntax) ? type_inside(c, use, field->type_syntax) : NULL;
    *value = infer(c, *value, hint);
    bind_types(c, use, field->type_syntax, (*value)->type);
    if (!is_bound(c, use, field->type_syntax)) {
      *value = require_concrete(c, *value);
      if ((*value)->type->kind != TYPE_ERROR) report_shape(c, *value, field);
      is_good = false;
      continue;
    }
    *value = coerce(c, *value, type_inside(c, use, field->type_syntax));
    is_good = is_good && (*value)->type->kind != TYPE_ERROR;
  }
  return is_good;
}

/* Declares the arguments that are functions; false after a diagnostic. */
static bool check_functions(struct checker *c, struct instance *use, struct expr *call) {
  bool is_good = true;
  for (size_t i = 0; i < use->decl->fields.count; i++) {
    const struct field_decl *field = &use->decl->fields.data[i];
    if (!is_function_type(field)) continue;
    struct expr *value = call->call.args.data[i].value;
    struct function_arg *arg = arena_new(c->arena, struct function_arg);
    arg->function = declare_lambda(c, value, field->name.text, field->type_syntax, use);
    map_put(&use->functions, field->name.text, arg);
    is_good = is_good && arg->function;
  }
  return is_good;
}

/* The function that was written for the same function and types, or null. */
static struct decl *find_instance(struct checker *c, const struct decl *fn,
                                  const struct decl_type_list *types) {
  vec_each(struct decl *, it, &c->compiler->program->instances) {
    struct decl *instance = *it;
    if (!instance->instance || instance->instance->decl != fn || !instance->is_generic ||
        instance->instance->functions.count > 0)
      continue;
    size_t same = 0;
    while (same < types->count && instance->arg_types.data[same] == types->data[same]) same++;
    if (same == types->count) return instance;
  }
  return NULL;
}

/* Hidden parameters carry what the function arguments have captured; the call passes it on. */
static void add_captures(struct checker *c, struct instance *use, struct decl *fn,
                         struct arg_list *args) {
  map_each(entry, &use->functions) {
    struct function_arg *arg = entry->value;
    vec_each(struct expr *, captured, &arg->function->captures) {
      const char *text = arena_printf(c->arena, "0%zu", fn->fields.count);
      const char *name = names_intern(&c->compiler->names, text, strlen(text));
      vec_push(c->arena, &arg->hidden, name);
      vec_push(c->arena, &fn->fields, (struct field_decl){.name = {name, (*captured)->span}});
      vec_push(c->arena, &fn->arg_types, (*captured)->type);
      vec_push(c->arena, args, (struct arg){.value = *captured});
    }
  }
}

static struct decl *declare_instance(struct checker *c, struct instance *use) {
  struct decl *fn = arena_new(c->arena, struct decl);
  *fn = *use->decl;
  fn->is_made = true;
  fn->instance = use;
  fn->number = ++c->symbols->number;
  fn->value = copy_expr(c->arena, use->decl->value);
  fn->body = copy_block(c->arena, use->decl->body);
  fn->fields = (struct field_decl_list){0};
  return fn;
}

static struct expr *call_instance(struct checker *c, struct instance *use, struct expr *call) {
  struct decl *fn = declare_instance(c, use);
  struct arg_list args = {0};
  for (size_t i = 0; i < use->decl->fields.count; i++) {
    const struct field_decl *field = &use->decl->fields.data[i];
    if (is_function_type(field)) continue;
    vec_push(c->arena, &fn->fields, (struct field_decl){.name = field->name});
    vec_push(c->arena, &fn->arg_types, type_inside(c, use, field->type_syntax));
    vec_push(c->arena, &args, call->call.args.data[i]);
  }
  struct decl *known = use->functions.count == 0 ? find_instance(c, use->decl, &fn->arg_types) : NULL;
  add_captures(c, use, fn, &args);
  call->call.args = args;
  if (known) return finish_fn_call(c, call, known, true);
  vec_push(c->arena, &c->compiler->program->instances, fn);
  const struct diag_context *context = diags_swap_context(c->diags, &use->context);
  check_function(c, fn, use->span);
  diags_swap_context(c->diags, context);
  return finish_fn_call(c, call, fn, true);
}

/* Whether an instance of the function is being checked. */
static bool is_inside(const struct checker *c, const struct decl *fn) {
  vec_each(struct decl *, decl, &c->stack) {
    if ((*decl)->instance && (*decl)->instance->decl == fn) return true;
  }
  return false;
}

struct expr *infer_generic_call(struct checker *c, struct expr *call, struct decl *fn,
                                const struct type *hint) {
  if (reject_named_args(c, call) || !check_argument_count(c, call, fn))
    return infer_args_only(c, call, 0);
  if (c->compiler->program->instances.count >= LIMIT_INSTANCES) {
    diag_error(c->diags, E0109, call->call.name.span,
               "more than %d functions are written for calls of generic ones", LIMIT_INSTANCES);
    return infer_args_only(c, call, 0);
  }
  if (is_inside(c, fn)) {
    report_circle(c, fn, call->call.name.span);
    return infer_args_only(c, call, 0);
  }
  struct instance *use = instance_new(c, fn, call->call.name.span, c->scope.instance);
  use->context.what = arena_printf(c->arena, "in this call of `%s`", fn->name.text);
  use->hint = hint;
  for (size_t i = call->call.args.count; i < fn->fields.count; i++)
    vec_push(c->arena, &call->call.args,
             (struct arg){.value = copy_expr(c->arena, fn->fields.data[i].init)});
  bool is_good = check_values(c, use, call);
  if (!is_good || !check_functions(c, use, call)) {
    call->type = c->types->error;
    return call;
  }
  return call_instance(c, use, call);
}

/* -- steps ----------------------------------------------------------------------------------- */

/* A scope in which the arguments of a use are typed: only what is declared is visible there. */
static struct scope argument_scope(struct instance *inside, bool is_library, uint32_t *local_count) {
  struct scope scope = check_new_scope(PLACE_CONSTANT, local_count);
  scope.instance = inside;
  scope.is_library = is_library;
  return scope;
}

static void enter_constant(struct checker *c, struct instance *use, const struct field_decl *field,
                           struct expr *value) {
  struct decl *decl = arena_new(c->arena, struct decl);
  decl->kind = DECL_CONST;
  decl->name = (struct ident){field->name.text, value->span};
  decl->span = value->span;
  decl->number = ++c->symbols->number;
  const struct type *type = NULL;
  if (is_bound(c, use, field->type_syntax)) type = type_inside(c, use, field->type_syntax);
  decl->value = check_constant(c, value, type, true);
  check_count_values(c, decl);
  bind_types(c, use, field->type_syntax, decl->value->type);
  decl->type = decl->value->type;
  decl->is_checked = true;
  map_put(&use->values, field->name.text, decl);
}

void enter_instance(struct checker *c, struct instance *use, const struct type *item) {
  if (use->is_entered) return;
  use->is_entered = true;
  map_put(&use->types, names_intern(&c->compiler->names, "item", 4), (void *)item);
  struct scope before = c->scope;
  for (size_t i = 0; i < use->decl->fields.count; i++) {
    struct field_decl *field = &use->decl->fields.data[i];
    if (map_get(&use->streams, field->name.text)) continue;
    struct expr *given = use->args.data[i];
    struct expr *value = given ? given : copy_expr(c->arena, field->init);
    uint32_t local_count = 0;
    bool is_library = given && use->outer ? use->outer->decl->is_library
                      : given             ? false
                                          : use->decl->is_library;
    c->scope = argument_scope(given ? use->outer : use, is_library, &local_count);
    const struct diag_context *context =
        diags_swap_context(c->diags, given ? use->context.outer : &use->context);
    if (is_function_type(field)) {
      struct function_arg *arg = arena_new(c->arena, struct function_arg);
      arg->function = declare_lambda(c, value, field->name.text, field->type_syntax, use);
      map_put(&use->functions, field->name.text, arg);
    } else {
      enter_constant(c, use, field, value);
    }
    diags_swap_context(c->diags, context);
  }
  c->scope = before;
}
