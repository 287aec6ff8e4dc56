/* Joins: `join`, `left join`, `full join` and `lookup`, as states over two streams.
 *
 * The items of both sides become rows of one type, which holds either a left or a right one; these are merged
 * and keyed by the value of `on`, and a state keeps what may still find a partner:
 *
 *   |> map { $key: o.order_id, $left: it, $right: none }
 *   |> merge payments                        -- through  |> map { $key: p.order_id, $left: none, $right: it }
 *   |> key by it.$key
 *   |> state $s: { left: list[…], right: list[…], next: timestamp? = none } { … } on at $s.next { … }
 *
 * So whatever holds for states holds for joins. join.c looks at what the user has written, and reports what is
 * wrong with it, in the user's words; join_state.c writes the text of the state (front/quote.h).
 *
 * With `within LOW..HIGH` an item of time T may have partners up to T + HIGH (left), or T - LOW (right); that far
 * it reaches, and not less than to its own time. It is kept as long as its reach is not over by the watermark of
 * both sides, it is late if that was so when it came, and the row that says that it had no partner has the time
 * of its reach. With `in window` it reaches to the end of its window.
 */
#ifndef FLOWCC_FRONT_JOIN_H
#define FLOWCC_FRONT_JOIN_H

#include "front/checker.h"
#include "front/quote.h"

/* What bounds a join. */
enum join_bound {
  JOIN_WITHIN,    /* within LOW..HIGH */
  JOIN_IN_WINDOW, /* in window tumbling SIZE */
  JOIN_UNBOUNDED, /* `unbounded`, or `expires` */
};

/* Of an unwindowed join: which items of a key it keeps, and when it sends what they give. */
enum join_keep { JOIN_KEEP_ALL, JOIN_KEEP_FIRST, JOIN_KEEP_LAST };
enum join_emit { JOIN_EMIT_PAIRS /* each once */, JOIN_EMIT_COMPLETE, JOIN_EMIT_RUNNING, JOIN_EMIT_FINAL };

struct join_side {
  struct ident name;       /* in `on`, `where` and the result; absent: the items are pairs of a join before */
  const struct type *item;
  bool has_time;
  struct expr *key;        /* as written, for an item that is `it` */
  bool may_stop;           /* the key can fail or fault */
};

/* A join that was looked at. Expressions are untyped. */
struct join {
  struct checker *c;
  struct stage *stage;
  struct join_side left, right;
  const struct type *key;   /* of the value of `on` */
  struct span key_span;     /* of what says it on the left, or of all equalities */
  const struct expr *key_by; /* the same as it can be said of the result; null: it cannot */
  struct expr *where;       /* over `$l` and `$r`; or null */
  bool where_may_stop;
  struct ident id;          /* under which it saves what it keeps */
  enum join_bound bound;
  struct expr *low, *high;  /* WITHIN */
  struct expr *size, *origin; /* IN_WINDOW; origin may be null */
  struct expr *expires;     /* UNBOUNDED; null: for ever */
  enum join_keep keep;
  enum join_emit emit;
};

/* The stage that stands for others (struct op, expand). Both return 1, or 0 after a diagnostic. */
size_t join_expand(struct checker *, struct stage *const *stages, size_t count, struct stage_list *made);
size_t lookup_expand(struct checker *, struct stage *const *stages, size_t count, struct stage_list *made);

/* -- join_state.c ---------------------------------------------------------------------------- */

/* The stages that a join or lookup consists of. */
struct stage_list join_stages(const struct join *);
struct stage_list lookup_stages(const struct join *);

#endif
