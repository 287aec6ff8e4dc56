/* filter: keeps the rows for which a condition holds. */
#include "front/check.h"
#include "ops/op.h"

static void check_filter(struct checker *c, struct stage *stage) {
  check_arg_count(c, stage, 1);
  stage->args.data[0] = check_expr(c, stage->args.data[0], check_types(c)->bool_);
}

const struct op op_filter = {
    .name = "filter",
    .syntax = "filter CONDITION",
    .summary = "Keeps the items for which CONDITION is true.",
    .example = "source numbers: int = stdin(text)\n"
               "numbers |> filter it > 100 |> into stdout\n",
    .keeps_item = true,
    .check = check_filter,
};
