/* flat_map: one row in, one row out per element of a list. */
#include "front/check.h"
#include "ops/op.h"

static void check_flat_map(struct checker *c, struct stage *stage) {
  (void)c;
  (void)stage;
}

const struct op op_flat_map = {
    .name = "flat_map",
    .syntax = "flat_map LIST",
    .summary = "Sends on each element of LIST as an item of its own, in order.",
    .example = "source lines: string = stdin(text)\n"
               "lines |> flat_map words(lower(it)) |> into stdout\n",
    .may_emit_many = true,
    .check = check_flat_map,
};
