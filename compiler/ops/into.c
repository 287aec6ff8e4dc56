/* into: ends a pipeline in a sink. */
#include "back/emit.h"
#include "front/check.h"
#include "middle/lower.h"
#include "ops/op.h"

static void check_into(struct checker *c, struct stage *stage) {
  (void)c;
  (void)stage;
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
