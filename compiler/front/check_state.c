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

struct expr *check_clause_duration(struct checker *c, const struct clause *clause, int64_t least,
                                   const char *help) {
  struct diag *diag;
  if (!clause->value) {
    diag = diag_error(c->diags, E0407, clause->name.span, "`%s` needs a duration",
                      clause->name.text);
    diag_help(diag, "%s", help);
    return NULL;
  }
  struct expr *value = check_constant(c, clause->value, c->types->duration, true);
  const struct bound bound = {
      .code = E0407,
      .what = arena_printf(c->arena, "`%s`", clause->name.text),
      .least = least,
      .why = least == 0 ? "time does not run backwards" : "nothing can be within no time",
      .help = help};
  check_bound(c, value, &bound);
  return value;
}

struct expr *check_state_expires(struct checker *c, struct stage *stage) {
  struct clause *clause = check_clause(&stage->clauses, "expires");
  if (!clause) return NULL;
  if (!clause->value) {
    struct diag *diag = diag_error(c->diags, E0403, clause->name.span,
                                   "`expires` says after how long without an item a key is dropped");
    diag_help(diag, "write  expires 30d");
    return NULL;
  }
  struct expr *value = check_constant(c, clause->value, c->types->duration, true);
  const struct bound bound = {.code = E0403,
                              .what = "`expires`",
                              .least = 1,
                              .why = "a key would be dropped at once",
                              .help = "give it some time:  expires 30d"};
  check_bound(c, value, &bound);
  return value;
}

/* Sets the kind of the hook; false after a diagnostic. */
static bool find_hook_kind(struct checker *c, const struct stage *stage, struct hook *hook) {
  static const char *const names[] = {
      [HOOK_EPOCH] = "epoch", [HOOK_END] = "end", [HOOK_EXPIRE] = "expire", [HOOK_AT] = "at"};
  enum { COUNT = sizeof names / sizeof *names };
  int kind = 0;
  while (kind < COUNT && strcmp(hook->name.text, names[kind]) != 0) kind++;
  struct diag *diag;
  if (kind == COUNT) {
    diag = diag_error(c->diags, E0216, hook->name.span, "there is no hook `on %s`",
                      hook->name.text);
    diag_help(diag, "hooks are  on epoch { … }   on expire { … }   on at TIME { … }   on end { … }");
    return false;
  }
  hook->kind = (enum hook_kind)kind;
  if (kind == HOOK_AT && !hook->at) {
    diag = diag_error(c->diags, E0403, hook->name.span, "`on at` has no time");
    diag_help(diag, "say when, by the state:  on at %s.until { … }", stage->name.text);
    return false;
  }
  bool expires = false;
  vec_each(const struct clause, clause, &stage->clauses) expires =
      expires || strcmp(clause->name.text, "expires") == 0;
  if (kind != HOOK_EXPIRE || expires) return true;
  diag = diag_error(c->diags, E0403, hook->name.span, "the state `%s` never expires",
                    stage->name.text);
  diag_help(diag, "say when, in front of the block:  expires 30d { … } on expire { … }");
  return false;
}

/* Types the TIME of `on at TIME`. That it may fault does not make the stage one that may. */
static void check_time(struct checker *c, struct hook *hook) {
  uint32_t faults = c->scope.fault_count;
  c->scope.place = PLACE_TIME;
  hook->at = check_expr(c, hook->at, type_optional(c->types, c->types->timestamp));
  report_failures(c);
  c->scope.fault_count = faults;
}

static void check_hook(struct checker *c, struct stage *stage, struct hook *hook) {
  if (!find_hook_kind(c, stage, hook)) return;
  struct failure_list outer = c->scope.failures;
  c->scope.failures = (struct failure_list){0};
  c->scope.item = NULL;
  size_t errors = c->diags->error_count;
  if (hook->at) check_time(c, hook);
  c->scope.place = PLACE_HOOK;
  uint32_t changes = c->scope.change_count;
  check_block(c, hook->body);
  report_failures(c);
  if (hook->at && c->scope.change_count == changes && c->diags->error_count == errors) {
    struct diag *diag = diag_error(c->diags, E0403, hook->name.span, "this would run for ever");
    diag_label(diag, hook->at->span, "the block leaves this time as it is");
    diag_help(diag, "`forget` the key in the block, or change the state so that the time is later or none");
  }
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
