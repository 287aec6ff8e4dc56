/* flowcc check --against DB: what a start of the flow with this state directory would do.
 *
 * The flow's ids and types are made into the descriptors that its program would have (ctype.h writes
 * the same into C), and libflow compares them with those in the store, as a start does.
 */
#ifndef FLOWCC_TOOLS_AGAINST_H
#define FLOWCC_TOOLS_AGAINST_H

#include "compiler.h"

#include <stddef.h>

struct against_options {
  const char *dir;
  const char *const *drops; /* --accept-drop */
  size_t drop_count;
  bool is_json;
};

/* Prints on stdout what becomes of each state, source and sink of a flow that has gone through the
 * passes up to `lower`. Returns the exit code: 0, or that of the refused start, with the reason on
 * stderr. Nothing in the directory changes; a run may be using it. */
int against_print(struct compiler *, const struct against_options *);

#endif
