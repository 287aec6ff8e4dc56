/* What is left of a program with syntax errors: its other statements are checked all the same.
 *
 * A statement that the parser did not understand is taken out, and the passes of the front end run on what
 * remains, so that a misspelt name far below is reported together with a slip above. Nothing is reported that may
 * follow from what is missing: only pipelines, streams, sources, sinks and tests may be broken, since types and
 * functions are used everywhere; and no report is about a stream that a broken statement gives or reads, or about a
 * name alone that it mentions.
 */
#ifndef FLOWCC_FRONT_PARTIAL_H
#define FLOWCC_FRONT_PARTIAL_H

#include "compiler.h"

/* Adds to the reports, after pass_parse() has returned false. The program is of no use afterwards. */
void check_partial(struct compiler *);

#endif
