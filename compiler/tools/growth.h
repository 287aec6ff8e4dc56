/* What the states of a flow hold in memory, and what bounds it: `flowcc check`.
 *
 *   bounded    there is one value, or a fixed number; or a key goes some time behind its last item
 *   depends    `forget` takes keys away, which happens when the program says so
 *   unbounded  one value for each key that has ever come: right where keys are few
 *
 * A list, set, map or text inside of a state that has statements which add to it, and none that takes
 * anything out, is named as well: it grows for as long as its key is there.
 */
#ifndef FLOWCC_TOOLS_GROWTH_H
#define FLOWCC_TOOLS_GROWTH_H

#include "compiler.h"

#include <stdio.h>

/* Print what holds for a flow that has gone through the passes up to `lower`: a line for each state, and one
 * for what only grows in it; or JSON, an object for each state. Nothing without states. */
void growth_print(struct compiler *, FILE *);
void growth_print_json(struct compiler *, FILE *);

#endif
