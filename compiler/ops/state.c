/* state: one value per key, changed by each item, kept across runs and crashes. */
#include "front/check.h"
#include "ops/state_emit.h"
#include "ops/op.h"

static void check_state(struct checker *c, struct stage *stage) {
  (void)c;
  (void)stage;
}



const struct op op_state = {
    .name = "state",
    .syntax = "state NAME: TYPE = INITIAL { … } on epoch { … } on end { … }",
    .summary = "Keeps one value per key and runs the block once per item; `emit` sends rows on.",
    .example = "source words: string = stdin(text)\n"
               "words\n"
               "  |> key by it\n"
               "  |> state count: int = 0 { count += 1 }\n"
               "     on end { emit { word: key, count } }\n"
               "  |> into stdout\n",
    .state = OP_STATE_PER_KEY,
    .may_emit_many = true,
    .check = check_state,
    .lower = state_lower,
    .emit_functions = state_emit_functions,
    .emit_state = state_emit_state,
    .emit_row = state_emit_row,
    .emit_epoch_end = state_emit_epoch_end,
    .emit_end = state_emit_end,
};
