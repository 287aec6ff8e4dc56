/* flat_map: one row in, one row out per element of a list. */
#include "back/emit.h"
#include "front/check.h"
#include "ops/op.h"

static void check_flat_map(struct checker *c, struct stage *stage) {
  struct types *types = check_types(c);
  struct expr *list = stage->args.data[0] = check_expr(c, stage->args.data[0], NULL);
  if (list->type->kind == TYPE_LIST || list->type->kind == TYPE_SET) {
    stage->out_item = list->type->elem;
  } else if (list->type->kind != TYPE_ERROR) {
    struct diag *diag = diag_error(&check_compiler(c)->diags, E0205, list->span,
                                   "`flat_map` takes a list, this is `%s`",
                                   type_name(types, list->type));
    if (list->type->kind == TYPE_STRING) diag_help(diag, "take the text apart:  words(…)");
    else if (type_is_json(list->type)) diag_help(diag, "take its elements:  elements(…) ?? []");
    else if (list->type->kind == TYPE_OPTIONAL) diag_help(diag, "give a default:  … ?? []");
    else diag_help(diag, "for one value per item there is  map");
  }
}

static void emit_flat_map_functions(struct emit *e, const struct node *node) {
  emit_user_function(e, node, "", node->stage->args.data[0]);
}

static void emit_flat_map_row(struct emit *e, const struct node *node, const char *row) {
  const struct expr *list = node->stage->args.data[0];
  struct arena *arena = &e->compiler->arena;
  const char *pointer = emit_user_call(e, node, "", list, row), *rows = pointer + 1;
  const char *i = arena_printf(arena, "i%u", ++e->row_count);
  emit_line(e, "for (uint32_t %s = 0; %s < %s.length; %s++) {", i, i, rows, i);
  emit_push(e, node, 0, arena_printf(arena, "&%s[%s]", emit_list_data(e, list->type, pointer), i),
            e->key);
  emit_line(e, "}");
  emit_user_end(e, node, list);
}

const struct op op_flat_map = {
    .name = "flat_map",
    .syntax = "flat_map LIST",
    .summary = "Sends on each element of LIST as an item of its own, in order.",
    .example = "source lines: string = stdin(text)\n"
               "lines |> flat_map words(lower(it)) |> into stdout\n",
    .may_emit_many = true,
    .check = check_flat_map,
    .emit_functions = emit_flat_map_functions,
    .emit_row = emit_flat_map_row,
};
