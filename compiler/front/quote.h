/* Pieces of the language as text: what windows, aggregates and joins are made of.
 *
 * A stage that stands for others is replaced by them while its pipeline is checked. Their text is written
 * here in the language itself and goes through the ordinary parser; names that begin with `$`, which no
 * program can write, are holes, or names of its own that clash with none:
 *
 *   struct quote q;
 *   quote_begin(&q, c, stage);
 *   quote_expr_hole(&q, "$size", size);
 *   quote_type_hole(&q, "$Sums", type);
 *   quote_block_hole(&q, "$add", add);
 *   struct stage_list stages = quote_stages(&q,
 *       "|> state $s: $Sums { $add() }"
 *       "   on at $s.start + $size { forget }");
 *
 * Everything that is made has the place of the user's stage in messages, and belongs to the same use of a
 * step. What fills a hole keeps its own place, and is copied for each time that the hole stands in the text.
 * In quoted text `emit VALUE at TIME` gives the item a time of its own, `xs[i]` is an element of a list that is
 * known to be there (a T, not a T?), and functions may be called whose names begin with `$` (builtin.def).
 */
#ifndef FLOWCC_FRONT_QUOTE_H
#define FLOWCC_FRONT_QUOTE_H

#include "front/checker.h"

struct quote {
  struct checker *c;
  const struct stage *stage; /* as it is written */
  struct span span;          /* of everything that is made */
  struct instance *instance; /* the use of a step that the stage belongs to, or null */
  struct map exprs;          /* to struct expr, untyped */
  struct map types;          /* to struct type */
  struct map blocks;         /* to struct block, untyped */
  struct map names;          /* to struct ident */
};

/* Begins a quote in the place of `stage`. All that is made lies in the compilation's arena. */
void quote_begin(struct quote *, struct checker *, const struct stage *stage);

/* From now on the name (`$size`, a literal) stands for this. An expression stands where a value or a place
 * does, a type where a type is written, a block in the place of the statement `$name()`, and a name where
 * something is named: a field, a state, the NAME of `emit … into NAME`. */
void quote_expr_hole(struct quote *, const char *name, const struct expr *value);
void quote_type_hole(struct quote *, const char *name, const struct type *type);
void quote_block_hole(struct quote *, const char *name, const struct block *block);
void quote_name_hole(struct quote *, const char *name, struct ident ident);

/* An expression, some statements, and stages that begin with `|>`. Text that does not parse is a mistake of
 * the compiler: it says so and aborts. */
struct expr *quote_expr(struct quote *, const char *text);
struct block *quote_block(struct quote *, const char *text);
struct stage_list quote_stages(struct quote *, const char *text);

#endif
