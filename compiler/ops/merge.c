/* merge: the rows of several streams, in the order in which they come to be. */
#include "front/check.h"
#include "ops/op.h"

static void check_merge(struct checker *c, struct stage *stage) {
  (void)c;
  (void)stage;
}

const struct op op_merge = {
    .name = "merge",
    .syntax = "merge STREAM, …",
    .summary = "Adds the items of other streams of the same type; the result has no key.",
    .example = "source old: int = file(\"old.txt\", text)\n"
               "source new: int = file(\"new.txt\", text)\n"
               "old |> merge new |> into stdout\n",
    .keeps_item = true,
    .check = check_merge,
};
