/* inspect: prints rows on standard error as they pass. */
#include "front/check.h"
#include "ops/op.h"

static void check_inspect(struct checker *c, struct stage *stage) {
  (void)c;
  (void)stage;
}

const struct op op_inspect = {
    .name = "inspect",
    .syntax = "inspect VALUE",
    .summary = "Prints each item, or VALUE, on standard error in input order and sends the item on.",
    .example = "source numbers: int = stdin(text)\n"
               "numbers |> inspect f\"saw {it}\" |> filter it > 0 |> into stdout\n",
    .keeps_item = true,
    .check = check_inspect,
};
