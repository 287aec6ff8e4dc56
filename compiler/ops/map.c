/* map: one row in, one row out. */
#include "back/emit.h"
#include "front/check.h"
#include "ops/op.h"

static void check_map(struct checker *c, struct stage *stage) {
  stage->args.data[0] = check_expr(c, stage->args.data[0], stage->wanted);
  stage->out_item = stage->args.data[0]->type;
}

static void emit_map_functions(struct emit *e, const struct node *node) {
  emit_user_function(e, node, "", node->stage->args.data[0]);
}

static void emit_map_row(struct emit *e, const struct node *node, const char *row) {
  const struct expr *value = node->stage->args.data[0];
  emit_push(e, node, 0, emit_user_call(e, node, "", value, row), e->key);
  emit_user_end(e, node, value);
}

const struct op op_map = {
    .name = "map",
    .syntax = "map VALUE",
    .summary = "Replaces each item by VALUE, in which the fields of the item are in scope by name.",
    .example = "record Order { id: int, price: int, count: int }\n"
               "source orders: Order = stdin(jsonl)\n"
               "orders |> map { id, total: price * count } |> into stdout\n",
    .check = check_map,
    .emit_functions = emit_map_functions,
    .emit_row = emit_map_row,
};
