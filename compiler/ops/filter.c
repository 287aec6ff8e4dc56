/* filter: keeps the rows for which a condition holds. */
#include "back/emit.h"
#include "front/check.h"
#include "ops/op.h"

static void check_filter(struct checker *c, struct stage *stage) {
  stage->args.data[0] = check_expr(c, stage->args.data[0], check_types(c)->bool_);
}

static void emit_filter_functions(struct emit *e, const struct node *node) {
  emit_user_function(e, node, "", node->stage->args.data[0]);
}

static void emit_filter_row(struct emit *e, const struct node *node, const char *row) {
  const struct expr *condition = node->stage->args.data[0];
  const char *is_kept = emit_user_call(e, node, "", condition, row);
  emit_line(e, "if (%s) {", is_kept + 1);
  emit_push(e, node, 0, row, e->key);
  emit_line(e, "}");
  emit_user_end(e, node, condition);
}

const struct op op_filter = {
    .name = "filter",
    .syntax = "filter CONDITION",
    .summary = "Keeps the items for which CONDITION is true.",
    .example = "source numbers: int = stdin(text)\n"
               "numbers |> filter it > 100 |> into stdout\n",
    .keeps_item = true,
    .check = check_filter,
    .emit_functions = emit_filter_functions,
    .emit_row = emit_filter_row,
};
