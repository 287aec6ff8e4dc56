/* split: each row goes to the first arm whose condition holds. */
#include "front/check.h"
#include "ops/op.h"

static void check_split(struct checker *c, struct stage *stage) {
  (void)c;
  (void)stage;
}

const struct op op_split = {
    .name = "split",
    .syntax = "split { CONDITION => STREAM, else => STREAM or skip }",
    .summary = "Sends each item to the stream of the first arm whose condition holds.",
    .example = "source numbers: int = stdin(text)\n"
               "numbers |> split { it < 0 => negative, else => others }\n"
               "negative |> map -it |> into stdout\n"
               "others |> into stdout\n",
    .is_terminal = true,
    .check = check_split,
};
