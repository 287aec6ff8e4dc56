/* What a flow needs of its constants and params: the compiler looks at constants, and the program, when it
 * starts, at what params give. */
#include "front/checker.h"

#include <string.h>

void check_at_start(struct checker *c, struct expr *condition, const char *message) {
  const struct start_check check = {.condition = condition, .message = message};
  vec_push(c->arena, &c->compiler->program->start_checks, check);
}

/* -- params in an expression ------------------------------------------------------------------ */

struct params_text {
  struct text *list; /* "`--lag`, `--gap`" */
  struct decl_list *found;
  struct arena *arena;
};

static bool add_params(const struct expr *expr, const void *context) {
  const struct params_text *params = context;
  if (expr->kind != EXPR_NAME) return expr_any_child(expr, add_params, context);
  if (expr->name.ref == REF_CONST) return add_params(expr->name.decl->value, context);
  if (expr->name.ref != REF_PARAM) return false;
  struct decl *param = expr->name.decl;
  vec_each(struct decl *, decl, params->found)
    if (*decl == param) return false;
  vec_push(params->arena, params->found, param);
  text_addf(params->list, "%s`--", params->found->count > 1 ? ", " : "");
  for (const char *p = param->name.text; *p != '\0'; p++)
    text_addc(params->list, *p == '_' ? '-' : *p);
  text_addc(params->list, '`');
  return false;
}

/* The options that give the value, as the user writes them, or "". */
static const char *params_of(struct checker *c, const struct expr *value) {
  struct text list;
  text_init(&list, c->arena);
  struct decl_list found = {0};
  const struct params_text params = {.list = &list, .found = &found, .arena = c->arena};
  add_params(value, &params);
  if (list.length > 0) text_add(&list, ": ");
  return list.data;
}

/* -- bounds ----------------------------------------------------------------------------------- */

/* "logins.flow:3:20", as messages of the program say it: the main file by its name alone. */
static const char *place_text(struct checker *c, struct span span) {
  struct place place = sources_place(&c->compiler->sources, span.offset);
  const char *path = place.source->path, *slash = strrchr(path, '/');
  if (place.source == c->compiler->source && slash) path = slash + 1;
  return arena_printf(c->arena, "%s:%u:%u", path, place.line, place.column);
}

/* `value >= least`, typed. */
static struct expr *at_least(struct checker *c, struct expr *value, int64_t least) {
  struct expr *limit = arena_new(c->arena, struct expr);
  limit->kind = value->type == c->types->duration ? EXPR_DURATION : EXPR_INT;
  limit->span = value->span;
  limit->type = value->type;
  limit->integer = least;
  struct expr *condition = arena_new(c->arena, struct expr);
  condition->kind = EXPR_BINARY;
  condition->span = value->span;
  condition->type = c->types->bool_;
  condition->binary.op = BINARY_GE;
  condition->binary.left = value;
  condition->binary.right = limit;
  return condition;
}

void check_bound(struct checker *c, struct expr *value, const struct bound *bound) {
  if (!value || value->type->kind == TYPE_ERROR) return;
  const struct expr *constant = constant_value(value);
  if (constant && constant->integer >= bound->least) return;
  if (constant) {
    struct diag *diag = diag_error(c->diags, bound->code, value->span, "%s", bound->why);
    diag_help(diag, "%s", bound->help);
    return;
  }
  const char *unit = value->type == c->types->duration ? "s" : "";
  const char *needs = bound->least == 0 ? "0%s or more" : "more than 0%s";
  check_at_start(c, at_least(c, value, bound->least),
                 arena_printf(c->arena, "%s%s must be %s (%s): %s", params_of(c, value), bound->what,
                              arena_printf(c->arena, needs, unit), place_text(c, value->span),
                              bound->why));
}
