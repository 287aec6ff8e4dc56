/* into: ends a pipeline in a sink. */
#include "back/emit.h"
#include "front/check.h"
#include "middle/lower.h"
#include "ops/op.h"

static void check_into(struct checker *c, struct stage *stage) {
  struct expr *target = stage->args.data[0];
  stage->out_item = NULL;
  stage->out_key = NULL;
  if (target->kind != EXPR_NAME) {
    struct diag *diag = diag_error(&check_compiler(c)->diags, E0223, target->span,
                                   "`into` takes the name of a sink");
    if (target->kind == EXPR_CALL)
      diag_help(diag, "declare it:  sink NAME = %s(…)", target->call.name.text);
    return;
  }
  struct stream *sink = check_target(
      c, (struct ident){target->name.text, target->span}, stage->in_item, NULL, false);
  target->name.ref = REF_STREAM;
  target->name.decl = sink ? sink->decl : NULL;
}

static void lower_into(struct lower *l, struct stage *stage, struct node *node) {
  const struct expr *target = stage->args.data[0];
  node->ports.data[0].item = stage->in_item;
  lower_connect_name(l, node, 0, (struct ident){target->name.text, target->span});
}

static void emit_into_row(struct emit *e, const struct node *node, const char *row) {
  emit_push(e, node, 0, row, e->key);
}

const struct op op_into = {
    .name = "into",
    .syntax = "into SINK",
    .summary = "Writes each item to a sink, or to stdout, and ends the pipeline.",
    .example = "source numbers: int = stdin(text)\n"
               "sink copy = file(\"copy.jsonl\", jsonl)\n"
               "numbers |> into copy\n",
    .is_terminal = true,
    .check = check_into,
    .lower = lower_into,
    .emit_row = emit_into_row,
};
