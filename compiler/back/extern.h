/* Functions in C: what `extern fn` declares.
 *
 *   struct text out;
 *   text_init(&out, arena);
 *   extern_header(compiler, &out);       what the C files may include: types and prototypes
 *
 * compiler->externs, set by pass_emit(), are those that the program calls; build.c compiles their files.
 */
#ifndef FLOWCC_BACK_EXTERN_H
#define FLOWCC_BACK_EXTERN_H

#include "compiler.h"
#include "front/ast.h"

#include <stdio.h>

/* Appends the header for all functions in C that the checked program declares. */
void extern_header(struct compiler *, struct text *out);

/* The same for `flowcc emit --header`. */
void dump_header(struct compiler *, FILE *);

/* The C files that the program needs, each once; a list of paths. */
VEC_OF(extern_files, const char *);
struct extern_files extern_files(struct compiler *);

#endif
