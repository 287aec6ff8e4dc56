/* time by: gives each item the time at which it happened, and the stream a watermark.
 *
 * The watermark is the largest time so far minus the lag, as of each record in the order of the input, so
 * it follows from the data alone (semantics, rules 20 and 21). runtime/include/flow/mark.h has the run-time
 * side. */
#include "back/emit_mark.h"
#include "front/check.h"
#include "ops/op.h"

/* Why there cannot be a time here; false after a diagnostic. */
static bool check_place(struct checker *c, const struct stage *stage) {
  struct diags *diags = &check_compiler(c)->diags;
  struct diag *diag;
  if (stage->in_time) {
    diag = diag_error(diags, E0407, stage->verb.span, "these items have a time already");
    diag_help(diag, "leave one `time by` out");
    return false;
  }
  if (stage->in_key == NULL) return true;
  diag = diag_error(diags, E0407, stage->verb.span, "`time by` comes in front of `key by`");
  diag_note(diag, "the watermark is that of the whole stream, in the order of its input");
  diag_help(diag, "|> time by … |> key by …");
  return false;
}

static void check_time(struct checker *c, struct stage *stage) {
  bool is_good = check_place(c, stage);
  stage->out_time = true;
  struct types *types = check_types(c);
  struct expr *time = stage->args.data[0] = check_expr(c, stage->args.data[0], NULL);
  if (is_good && time->type != types->timestamp && time->type->kind != TYPE_ERROR) {
    struct diag *diag = diag_error(&check_compiler(c)->diags, E0407, time->span,
                                   "`%s` is no time: a `timestamp` is needed here",
                                   type_name(types, time->type));
    if (time->type == types->int_)
      diag_help(diag, "let the source read it as one:  at: timestamp from \"…\" unit ms");
    else if (time->type->kind == TYPE_OPTIONAL)
      diag_help(diag, "say what holds where there is none:  time by at ?? @1970-01-01T00:00:00Z");
  }
  struct clause *clause = check_clause(&stage->clauses, "lag");
  if (clause != NULL) stage->lag = check_clause_duration(c, clause, 0, "write  lag 5s");
  clause = check_clause(&stage->clauses, "max ahead");
  if (clause != NULL) stage->max_ahead = check_clause_duration(c, clause, 1, "write  max ahead 1d");
  if (clause != NULL)
    check_may_fail(c, clause->name.span, "this guard", "an item whose time is too far ahead fails");
  clause = check_clause(&stage->clauses, "idle after");
  if (clause != NULL) stage->idle = check_clause_duration(c, clause, 1, "write  idle after 30s");
  clause = check_clause(&stage->clauses, "named");
  if (clause != NULL) stage->id = check_clause_name(c, clause);
  static const char *const known[] = {"lag", "max ahead", "idle after", "named", NULL};
  check_unused_clauses(c, &stage->clauses, "`time by`", known);
}

static void emit_time_functions(struct emit *e, const struct node *node) {
  emit_user_function(e, node, "", node->stage->args.data[0]);
  emit_mark_functions(e, node);
}

static void emit_time_row(struct emit *e, const struct node *node, const char *row) {
  const struct expr *value = node->stage->args.data[0];
  const char *time = emit_user_call(e, node, "", value, row);
  emit_mark_pass(e, node, time + 1, row);
  emit_push(e, node, 0, row, e->key);
  emit_mark_end(e, node);
  emit_user_end(e, node, value);
}

const struct op op_time = {
    .name = "time",
    .syntax = "time by TIME lag DURATION max ahead DURATION idle after DURATION",
    .summary = "Gives each item the time at which it happened; the stream gets a watermark.",
    .example = "record Login { user: string, at: timestamp }\n"
               "source logins: Login = stdin(jsonl) |> time by at lag 5s\n"
               "logins\n"
               "  |> key by user\n"
               "  |> state count: int = 0 expires 1h { count += 1 }\n"
               "     on expire { emit { user: key, count } }\n"
               "  |> into stdout\n",
    .keeps_item = true,
    .check = check_time,
    .emit_functions = emit_time_functions,
    .emit_row = emit_time_row,
};
