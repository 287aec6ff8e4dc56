/* inspect: prints rows on standard error as they pass. */
#include "back/emit.h"
#include "front/check.h"
#include "ops/op.h"

static void check_inspect(struct checker *c, struct stage *stage) {
  if (stage->args.count > 0) stage->args.data[0] = check_expr(c, stage->args.data[0], NULL);
}

/* Written as text, as an f-string would. */
static void emit_inspect_functions(struct emit *e, const struct node *node) {
  if (node->stage->args.count > 0) emit_user_function(e, node, "", node->stage->args.data[0]);
}

static void emit_inspect_row(struct emit *e, const struct node *node, const char *row) {
  const struct stage *stage = node->stage;
  const struct expr *value = stage->args.count > 0 ? stage->args.data[0] : NULL;
  const struct type *type = value != NULL ? value->type : node->item;
  struct arena *arena = &e->compiler->arena;
  const char *shown = value != NULL ? emit_user_call(e, node, "", value, row) : row;
  const char *text = arena_printf(arena, "text%u", ++e->row_count);
  emit_line(e, "struct flow_buf %s = flow_text_begin(w->arena);", text);
  if (type->kind == TYPE_STRING) {
    emit_line(e, "flow_print_str(&%s, %s);", text, shown);
  } else {
    emit_line(e, "%s(&%s, %s);", emit_helper(e, HELPER_TEXT, type), text, shown);
  }
  emit_line(e, "flow_inspect(w, &%s, flow_text_end(&%s));", emit_site(e, stage->span, "inspect"),
            text);
  emit_push(e, node, 0, row, e->key);
  if (value != NULL) emit_user_end(e, node, value);
}

const struct op op_inspect = {
    .name = "inspect",
    .syntax = "inspect VALUE",
    .summary = "Prints each item, or VALUE, on standard error in input order and sends the item on.",
    .example = "source numbers: int = stdin(text)\n"
               "numbers |> inspect f\"saw {it}\" |> filter it > 0 |> into stdout\n",
    .keeps_item = true,
    .shows_item = true,
    .check = check_inspect,
    .emit_functions = emit_inspect_functions,
    .emit_row = emit_inspect_row,
};
