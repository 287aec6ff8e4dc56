/* Failures as effects: what can fail is noted where it stands, `??` takes it back, and what is left
 * at the end of a stage without `else` is an error.
 */
#include "front/checker.h"

void note_failure(struct checker *c, const struct expr *expr, struct span span, const char *what,
                  const char *label) {
  vec_push(c->arena, &c->scope.failures,
           (struct failure){.span = span, .expr = expr, .what = what, .label = label});
}

void note_fault(struct checker *c) {
  c->scope.fault_count++;
}

static const char *example_value(const struct type *type) {
  switch (type->kind) {
  case TYPE_INT: return "0";
  case TYPE_FLOAT: return "0.0";
  case TYPE_STRING: return "\"\"";
  case TYPE_DURATION: return "0s";
  case TYPE_LIST: return "[]";
  case TYPE_BOOL: return "false";
  default: return "…";
  }
}

static void help_default(struct checker *c, struct diag *diag, const struct expr *expr) {
  const char *value = example_value(expr->type);
  if (expr->span.length > 0 && expr->span.length <= 50) {
    const char *text = sources_text(&c->compiler->sources, expr->span);
    diag_help(diag, "give a default:  %.*s ?? %s", (int)expr->span.length, text, value);
  } else {
    diag_help(diag, "give a default:  … ?? %s", value);
  }
}

static void help_else(struct checker *c, struct diag *diag) {
  switch (c->scope.place) {
  case PLACE_STAGE:
  case PLACE_STATE: {
    const char *verb = c->scope.stage->verb.text;
    diag_help(diag, "or drop the record:  |> %s … else skip", verb);
    diag_help(diag, "or keep it for a look:  |> %s … else into rejects", verb);
    break;
  }
  case PLACE_HOOK:
    diag_note(diag, "a hook has no record that an `else` of the stage could drop");
    break;
  default: break;
  }
}

void report_failures(struct checker *c) {
  vec_each (const struct failure, failure, &c->scope.failures) {
    struct diag *diag =
        failure->what
            ? diag_error(c->diags, E0301, failure->span, "%s can fail and nothing handles it",
                         failure->what)
            : diag_error(c->diags, E0301, failure->span, "nothing handles this `fail`");
    if (failure->label) diag_label(diag, failure->span, "%s", failure->label);
    if (failure->expr) help_default(c, diag, failure->expr);
    help_else(c, diag);
  }
  c->scope.failures.count = 0;
}
