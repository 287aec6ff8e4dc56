/* The parts of a `state` stage that need the checker's scopes. */
#include "front/checker.h"

#include <string.h>

/* A record literal of defaults: what a state without `= …` starts with. */
static struct expr *default_value(struct checker *c, const struct stage *stage) {
  struct expr *value = arena_new(c->arena, struct expr);
  value->kind = EXPR_RECORD;
  value->span = stage->name.span;
  if (stage->type_syntax->kind == TYPE_SYNTAX_RECORD) {
    vec_each(const struct field_decl, field, &stage->type_syntax->fields) {
      if (!field->init) continue;
      struct record_item item = {.name = field->name, .value = field->init};
      vec_push(c->arena, &value->record.items, item);
    }
  }
  return value;
}

static const char *example_init(const struct type *type) {
  switch (type->kind) {
  case TYPE_INT: return "0";
  case TYPE_FLOAT: return "0.0";
  case TYPE_BOOL: return "false";
  case TYPE_STRING: return "\"\"";
  case TYPE_OPTIONAL: return "none";
  case TYPE_LIST:
  case TYPE_SET:
  case TYPE_MAP: return "[]";
  case TYPE_DURATION: return "0s";
  default: return "…";
  }
}

struct expr *check_state_init(struct checker *c, struct stage *stage) {
  const struct type *type = stage->state_type;
  if (!stage->init && type->kind != TYPE_RECORD) {
    if (type->kind != TYPE_ERROR) {
      struct diag *diag = diag_error(c->diags, E0208, stage->name.span,
                                     "the state `%s` has no initial value", stage->name.text);
      diag_help(diag, "write  %s: %s = %s", stage->name.text, type_name(c->types, type),
                example_init(type));
    }
    return NULL;
  }
  struct expr *init = stage->init ? stage->init : default_value(c, stage);
  return check_constant(c, init, type, true);
}

static void check_hook(struct checker *c, struct stage *stage, struct hook *hook) {
  if (strcmp(hook->name.text, "epoch") == 0) {
    hook->kind = HOOK_EPOCH;
  } else if (strcmp(hook->name.text, "end") == 0) {
    hook->kind = HOOK_END;
  } else {
    if (report_future_word(c, hook->name)) return;
    struct diag *diag =
        diag_error(c->diags, E0216, hook->name.span, "there is no hook `on %s`", hook->name.text);
    diag_help(diag, "hooks are  on epoch { … }  and  on end { … }");
    return;
  }
  struct failure_list outer = c->scope.failures;
  c->scope.failures = (struct failure_list){0};
  c->scope.place = PLACE_HOOK;
  c->scope.item = NULL;
  check_block(c, hook->body);
  report_failures(c);
  c->scope.failures = outer;
  c->scope.place = PLACE_STATE;
  c->scope.item = stage->in_item;
}

void check_state_block(struct checker *c, struct stage *stage) {
  report_clash(c, stage->name, "state");
  c->scope.has_state = true;
  c->scope.place = PLACE_STATE;
  check_block(c, stage->body);
  vec_each(struct hook, hook, &stage->hooks) check_hook(c, stage, hook);
  c->scope.place = PLACE_STATE;
  finish_emits(c, stage);
}
