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

/* Reports what keeps the record from starting with its defaults; true if something does. */
static bool report_no_defaults(struct checker *c, const struct stage *stage,
                               const struct expr *value) {
  const struct type *type = stage->state_type;
  if (type->decl) check_nominal(c, type);
  struct text missing;
  text_init(&missing, c->arena);
  vec_each(const struct type_field, field, &type->fields) {
    bool is_given = field->init != NULL;
    vec_each(const struct record_item, item, &value->record.items) is_given =
        is_given || item->name.text == field->name;
    if (!is_given) text_addf(&missing, "%s`%s`", missing.length ? ", " : "", field->name);
  }
  if (missing.length == 0) return false;
  struct diag *diag = diag_error(c->diags, E0208, stage->name.span,
                                 "the state `%s` has no initial value", stage->name.text);
  diag_note(diag, "these fields have no default: %s", missing.data);
  diag_help(diag, "write  %s: %s = …, or give all fields a default", stage->name.text,
            type->name ? type->name : "{ … }");
  return true;
}

struct expr *check_state_init(struct checker *c, struct stage *stage) {
  const struct type *type = stage->state_type;
  if (!stage->init && type->kind != TYPE_RECORD) {
    if (type->kind != TYPE_ERROR) {
      struct diag *diag = diag_error(c->diags, E0208, stage->name.span,
                                     "the state `%s` has no initial value", stage->name.text);
      diag_help(diag, "write  %s: %s = %s", stage->name.text, type_name(c->types, type),
                example_value(type));
    }
    return NULL;
  }
  struct expr *init = stage->init ? stage->init : default_value(c, stage);
  if (!stage->init && report_no_defaults(c, stage, init)) return NULL;
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
  size_t errors = c->diags->error_count;
  report_clash(c, stage->name, "state");
  c->scope.has_state = true;
  c->scope.place = PLACE_STATE;
  check_block(c, stage->body);
  vec_each(struct hook, hook, &stage->hooks) check_hook(c, stage, hook);
  c->scope.place = PLACE_STATE;
  finish_emits(c, stage);
  /* With a mistake inside, it is not known that nothing is emitted. */
  struct emit_target *plain = &stage->emits.data[0];
  if (!plain->type && c->diags->error_count > errors) plain->type = c->types->error;
}
