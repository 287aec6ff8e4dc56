/* merge: the rows of several streams, in the order in which they come to be. */
#include "back/emit.h"
#include "front/check.h"
#include "middle/lower.h"
#include "ops/op.h"

static void check_merge(struct checker *c, struct stage *stage) {
  struct types *types = check_types(c);
  stage->out_key = NULL;
  vec_each(const struct ident, name, &stage->names) {
    const struct stream *stream = check_read(c, *name);
    if (stream == NULL || stream->item->kind == TYPE_ERROR) continue;
    stage->out_time = stage->out_time && (stream->has_time || stage->is_lookup);
    if (check_side(c, stage, stream) == stage->in_item) continue;
    struct diag *diag = diag_error(&check_compiler(c)->diags, E0225, name->span,
                                   "only streams of one type can be merged");
    diag_label(diag, name->span, "`%s`", type_name(types, stream->item));
    diag_note(diag, "the items so far are `%s`", type_name(types, stage->in_item));
    diag_help(diag, "bring one of them to the type of the other:  |> map { … }");
  }
}

static void lower_merge(struct lower *l, struct stage *stage, struct node *node) {
  node->key = NULL;
  vec_each(struct ident, name, &stage->names) lower_read_name(l, *name, &stage->side, node);
}

static void emit_merge_row(struct emit *e, const struct node *node, const char *row) {
  emit_push(e, node, 0, row, NULL);
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
    .lower = lower_merge,
    .emit_row = emit_merge_row,
};
