/* state: one value per key, changed by each item, kept across runs and crashes. */
#include <string.h>

#include "front/check.h"
#include "back/emit_state.h"
#include "middle/lower.h"
#include "ops/op.h"

static void check_identity(struct checker *c, struct stage *stage) {
  const char *id = stage->name.text;
  struct clause *clause = check_clause(&stage->clauses, "named");
  const char *name = clause ? check_clause_name(c, clause) : NULL;
  if (name) id = name;
  clause = check_clause(&stage->clauses, "was");
  stage->id = check_state_id(c, stage, id);
  stage->was_id = check_state_was(c, stage, id, clause ? check_clause_string(c, clause) : NULL);
  static const char *const known[] = {"expires", "named", "was", NULL};
  check_unused_clauses(c, &stage->clauses, "a state", known);
}

static void check_state(struct checker *c, struct stage *stage) {
  if (stage->in_key == NULL) {
    check_report_unkeyed(c, stage);
    stage->in_key = check_types(c)->error;
  }
  stage->state_type = check_state_type_syntax(c, stage->type_syntax);
  stage->init = check_state_init(c, stage);
  stage->expires = check_state_expires(c, stage);
  check_identity(c, stage);
  check_state_block(c, stage);
  stage->out_item = stage->emits.data[0].type;
  stage->out_key = stage->out_item ? stage->in_key : NULL;
}

/* Each target of an `emit … into` has a port of its own. */
static void lower_state(struct lower *l, struct stage *stage, struct node *node) {
  for (size_t i = 1; i < stage->emits.count; i++) {
    uint32_t port = lower_add_port(l, node, stage->emits.data[i].type);
    bool is_dropped = strcmp(stage->emits.data[i].into.text, "skip") == 0; /* by the use of a step */
    if (!is_dropped) lower_connect_name(l, node, port, stage->emits.data[i].into);
  }
}

const struct op op_state = {
    .name = "state",
    .syntax = "state NAME: TYPE = INITIAL expires DURATION { … } on HOOK { … } …",
    .summary = "Keeps one value per key and runs the block once per item; `emit` sends rows on. Hooks "
               "are `on epoch`, `on expire`, `on at TIME` and `on end`.",
    .example = "source words: string = stdin(text)\n"
               "words\n"
               "  |> key by it\n"
               "  |> state count: int = 0 { count += 1 }\n"
               "     on end { emit { word: key, count } }\n"
               "  |> into stdout\n",
    .state = OP_STATE_PER_KEY,
    .may_emit_many = true,
    .check = check_state,
    .lower = lower_state,
    .emit_functions = emit_state_functions,
    .emit_state = emit_state_table,
    .emit_row = emit_state_row,
};
