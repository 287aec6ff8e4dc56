/* Failures as effects: what can fail is noted where it stands, `??` takes it back, and what is left
 * at the end of a stage without `else` is an error.
 */
#include "front/instance.h"

#include <string.h>

void note_failure(struct checker *c, const struct expr *expr, struct span span, const char *what,
                  const char *label) {
  vec_push(c->arena, &c->scope.failures,
           (struct failure){.span = span, .expr = expr, .what = what, .label = label});
}

void check_may_fail(struct checker *c, struct span span, const char *what, const char *label) {
  note_failure(c, NULL, span, what, label);
}

void note_fault(struct checker *c) {
  c->scope.fault_count++;
}

static void help_default(struct checker *c, struct diag *diag, const struct expr *expr) {
  const char *value = example_value(expr->type);
  if (expr->span.length > 0 && expr->span.length <= 50) {
    const char *text = arena_strndup(c->arena, sources_text(&c->compiler->sources, expr->span), expr->span.length);
    bool is_open = strstr(text, " where ") != NULL; /* of an aggregate, whose condition would take the `??` */
    diag_help(diag, "give a default:  %s%s%s ?? %s", is_open ? "(" : "", text, is_open ? ")" : "", value);
  } else {
    diag_help(diag, "give a default:  … ?? %s", value);
  }
}

/* `or` follows a first way out. */
static void help_else(struct checker *c, struct diag *diag, const char * or) {
  switch (c->scope.place) {
  case PLACE_STAGE:
  case PLACE_STATE: {
    const struct instance *use = c->scope.instance;
    while (use && use->outer) use = use->outer;
    const char *word = use ? use->place->verb.text : c->scope.stage->verb.text;
    bool has_by = strcmp(word, "key") == 0 || strcmp(word, "time") == 0;
    const char *verb = has_by ? arena_printf(c->arena, "%s by", word) : word;
    diag_help(diag, "%sdrop the record:  |> %s … else skip", or, verb);
    diag_help(diag, "or keep it for a look:  |> %s … else into rejects", verb);
    break;
  }
  case PLACE_HOOK:
  case PLACE_TIME:
    diag_note(diag, "a hook has no record that an `else` of the stage could drop");
    break;
  default: break;
  }
}

void report_failures(struct checker *c) {
  vec_each(const struct failure, failure, &c->scope.failures) {
    struct diag *diag =
        failure->what ? diag_error(c->diags, E0301, failure->span,
                                   "%s can fail and nothing handles it", failure->what)
                      : diag_error(c->diags, E0301, failure->span, "nothing handles this `fail`");
    if (failure->label) diag_label(diag, failure->span, "%s", failure->label);
    bool has_value = failure->expr && failure->expr->type->kind != TYPE_UNIT;
    if (has_value) help_default(c, diag, failure->expr);
    help_else(c, diag, has_value ? "or " : "");
  }
  c->scope.failures.count = 0;
}
