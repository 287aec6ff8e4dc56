/* key by: gives each row a key, by which the states behind it are kept apart. */
#include "front/check.h"
#include "ops/op.h"

static void check_key(struct checker *c, struct stage *stage) {
  (void)c;
  (void)stage;
}

const struct op op_key = {
    .name = "key",
    .syntax = "key by EXPR, …",
    .summary = "Gives each item a key; a state behind it keeps one value per key.",
    .example = "record Sale { shop: string, day: int, cents: int }\n"
               "source sales: Sale = stdin(jsonl)\n"
               "sales\n"
               "  |> key by shop, day\n"
               "  |> state total: int = 0 { total += cents; emit { ..key, total } }\n"
               "  |> into stdout\n",
    .keeps_item = true,
    .check = check_key,
};
