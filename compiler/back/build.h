/* Building a program with the C compiler; the pass itself, pass_build(), is declared in emit.h. */
#ifndef FLOWCC_BACK_BUILD_H
#define FLOWCC_BACK_BUILD_H

#include "compiler.h"

/* The folder with libflow.a and include/: beside flowcc, or $FLOWCC_LIB. The text lives in the
 * compilation's arena. Null: there is none, and stderr has been told. */
const char *build_runtime(struct compiler *);

/* The command of the C compiler, words with blanks between: --cc, $CC or "cc". */
const char *build_compiler(const struct compiler *);

#endif
