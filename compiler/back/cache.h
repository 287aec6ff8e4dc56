/* The programs of `flowcc run`, kept so that a flow that has not changed starts at once.
 *
 * They lie in $FLOWCC_CACHE, else in flowcc/ of $XDG_CACHE_HOME or ~/.cache, each in a folder that is named
 * by a hash of all that the program depends on: the generated C, the C compiler's command, the
 * options, and the runtime. Those that nobody has run for a month go when another one is built.
 *
 *   bool is_there;
 *   if (!cache_locate(compiler, &is_there)) return false;
 *   if (!is_there && !pass_build(compiler)) return false;
 *   … run compiler->options.output_path …
 */
#ifndef FLOWCC_BACK_CACHE_H
#define FLOWCC_BACK_CACHE_H

#include "compiler.h"

/* To be called behind pass_emit(). Sets options.output_path to the place of the program, whose folder
 * exists then, and *is_there if it has been built before. False: stderr has been told why. */
bool cache_locate(struct compiler *, bool *is_there);

#endif
