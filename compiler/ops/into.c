/* into: ends a pipeline in a sink. */
#include "front/check.h"
#include "ops/op.h"

static void check_into(struct checker *c, struct stage *stage) {
  (void)c;
  (void)stage;
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
};
