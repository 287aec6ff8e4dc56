/* What a flow promises about each way from a source to a sink when a run crashes: `flowcc check`.
 *
 *   exactly once   the input can be read again, and the sink can be cut back to the last commit
 *   at least once  stdout cannot be cut back: lines of epochs that were not committed come again
 *   at most once   stdin cannot be read again: what was not committed is lost
 *
 * Where steps on the way look at epochs (`on epoch`, epoch(), now()) or live sources meet, what is
 * written depends on where epochs end; that is said as well.
 */
#ifndef FLOWCC_TOOLS_GUARANTEE_H
#define FLOWCC_TOOLS_GUARANTEE_H

#include "compiler.h"

#include <stdio.h>

/* Print what holds for a flow that has gone through the passes up to `lower`: a line or two for each
 * source and sink between which there is a way; or JSON, an object for each. */
void guarantee_print(struct compiler *, FILE *);
void guarantee_print_json(struct compiler *, FILE *);

#endif
