/* The operators: what may follow `|>`. One operator is one file here and one row of ops.def.
 *
 * Checker, lowering, fuser, emitter, `flowcc help op NAME` and the docs read this table; nothing
 * else in the compiler switches over operators.
 */
#ifndef FLOWCC_OPS_OP_H
#define FLOWCC_OPS_OP_H

#include "front/ast.h"

struct checker; /* front/check.h */
struct emit;    /* back/emit.h */
struct node;    /* middle/graph.h */
struct lower;   /* middle/lower.h */

enum op_state { OP_STATELESS, OP_STATE_PER_KEY };

struct op {
  const char *name;
  const char *syntax;  /* "filter CONDITION" */
  const char *summary; /* one sentence */
  const char *example; /* a complete program that compiles; shown by help and run by the tests */
  enum op_state state;
  bool is_terminal;      /* ends its pipeline: into, split */
  bool keeps_item;       /* the item leaves as it came: filter, inspect, key by */
  bool shows_item;       /* without an argument it reads the whole item: inspect */
  bool may_emit_many;    /* more than one row out per row in: flat_map, state */

  /* Types the stage: sets out_item and out_key from in_item and in_key; reports misuse. Null: it has `expand`. */
  void (*check)(struct checker *, struct stage *);

  /* A stage that stands for others (window, aggregate, join): appends them (front/quote.h) to `made` and returns
   * how many stages of the pipeline, from stages[0] on, they take the place of; 0 after a diagnostic. The first
   * one has its in_item, in_key, in_time and key_by, and is the stage of the scope. */
  size_t (*expand)(struct checker *, struct stage *const *stages, size_t count, struct stage_list *made);

  /* Adds the stage's edges to named targets (split arms, emit … into, into) to the graph; null for
   * an operator with just one input and one output. */
  void (*lower)(struct lower *, struct stage *, struct node *);

  /* Writes the user's expressions as functions in the `#line` zone. Null: it has none. */
  void (*emit_functions)(struct emit *, const struct node *);

  /* Writes the types, tables and hooks of the operator's state. Null for a stateless operator. */
  void (*emit_state)(struct emit *, const struct node *);

  /* Writes the code for one row, held in the C variable `row` (a pointer), inside a fused stage;
   * calls emit_push() for each row that leaves. */
  void (*emit_row)(struct emit *, const struct node *, const char *row);
};

#define OP(name) extern const struct op op_##name;
#include "ops/ops.def"
#undef OP

/* The operator of that name, or null. `key by` has the name "key". */
const struct op *op_find(const char *name);

/* All operators in the order of ops.def; count through *count. */
const struct op *const *op_all(size_t *count);

#endif
