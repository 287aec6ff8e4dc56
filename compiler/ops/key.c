/* key by: gives each row a key, by which the states behind it are kept apart. */
#include "back/emit.h"
#include "front/check.h"
#include "ops/op.h"

static void check_key(struct checker *c, struct stage *stage) {
  (void)c;
  (void)stage;
}

/* The one value that is the key: several expressions make a record. */
static const struct expr *key_value(struct emit *e, const struct stage *stage) {
  if (stage->args.count == 1) return stage->args.data[0];
  struct arena *arena = &e->compiler->arena;
  struct expr *record = arena_new(arena, struct expr);
  *record = (struct expr){.kind = EXPR_RECORD, .span = stage->span, .type = stage->out_key};
  vec_each(struct expr *, arg, &stage->args) {
    vec_push(arena, &record->record.fields, (struct record_field){.value = *arg});
    record->can_fail = record->can_fail || (*arg)->can_fail;
    record->can_fault = record->can_fault || (*arg)->can_fault;
  }
  return record;
}

static void emit_key_functions(struct emit *e, const struct node *node) {
  emit_user_function(e, node, "", key_value(e, node->stage));
}

static void emit_key_row(struct emit *e, const struct node *node, const char *row) {
  const struct expr *value = key_value(e, node->stage);
  emit_push(e, node, 0, row, emit_user_call(e, node, "", value, row));
  emit_user_end(e, node, value);
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
    .emit_functions = emit_key_functions,
    .emit_row = emit_key_row,
};
