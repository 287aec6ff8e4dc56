/* key by: gives each row a key, by which the states behind it are kept apart. */
#include "back/emit.h"
#include "front/check.h"
#include "ops/op.h"

/* Several keys become one record, whose fields are named after them. */
static struct expr *record_of_keys(struct checker *c, const struct stage *stage) {
  struct compiler *compiler = check_compiler(c);
  struct expr *record = arena_new(&compiler->arena, struct expr);
  record->kind = EXPR_RECORD;
  record->span = span_join(stage->args.data[0]->span, vec_last(&stage->args)->span);
  vec_each(struct expr *, arg, &stage->args) {
    struct record_item item = {.value = *arg};
    bool has_name = (*arg)->kind == EXPR_NAME || (*arg)->kind == EXPR_FIELD;
    if (!has_name) {
      struct diag *diag = diag_error(&compiler->diags, E0402, (*arg)->span,
                                     "a part of a key needs a name");
      diag_help(diag, "write the key as a record:  key by { name: …, other: … }");
      return NULL;
    }
    vec_push(&compiler->arena, &record->record.items, item);
  }
  return record;
}

/* The empty record, which in a step is the key of a stream without one, takes the key away. */
static bool has_no_parts(const struct type *type) {
  return type->kind == TYPE_RECORD && type_is_structural(type) && type->fields.count == 0;
}

static void check_key(struct checker *c, struct stage *stage) {
  struct compiler *compiler = check_compiler(c);
  stage->out_key = check_types(c)->error;
  if (stage->args.count > 1) {
    struct expr *record = record_of_keys(c, stage);
    if (record == NULL) return;
    stage->args.count = 1;
    stage->args.data[0] = record;
  }
  struct expr *key = stage->args.data[0] = check_expr(c, stage->args.data[0], NULL);
  if (key->type->kind == TYPE_ERROR) return;
  if (has_no_parts(key->type)) {
    stage->out_key = NULL;
    return;
  }
  if (type_is_key(key->type)) {
    stage->out_key = key->type;
    return;
  }
  struct diag *diag = diag_error(&compiler->diags, E0402, key->span, "`%s` cannot be a key",
                                 type_name(check_types(c), key->type));
  if (type_is_json(key->type)) {
    diag_help(diag, "say what it is:  key by string(…) ?? \"\", or int(…) ?? 0");
  } else if (key->type->kind == TYPE_FLOAT) {
    diag_help(diag, "round it to an int:  key by int(…) ?? 0");
  } else {
    diag_note(diag, "keys have no float, list, set or map inside");
  }
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
  if (node->stage->out_key == NULL) return;
  emit_user_function(e, node, "", key_value(e, node->stage));
}

static void emit_key_row(struct emit *e, const struct node *node, const char *row) {
  if (node->stage->out_key == NULL) {
    emit_push(e, node, 0, row, NULL);
    return;
  }
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
