/* Copies of trees that no pass has annotated yet: a step or a generic function is checked at each use,
 * so each use gets a copy of its own.
 *
 *   struct stage *stage = copy_stage(arena, step->stages.data[i]);
 *
 * Spans and names stay those of the original; types as written are shared, because nothing is written
 * into them. The copies live in the arena. A null pointer is copied as null.
 */
#ifndef FLOWCC_FRONT_COPY_H
#define FLOWCC_FRONT_COPY_H

#include "front/ast.h"

struct expr *copy_expr(struct arena *, const struct expr *);
struct block *copy_block(struct arena *, const struct block *);
struct stage *copy_stage(struct arena *, const struct stage *);

#endif
