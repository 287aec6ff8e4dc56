/* Imports: declarations of other files, and of the standard library.
 *
 *   import "shared/events.flow"      the path begins at the folder of the file that says so
 *
 * An import brings the records, enums, functions, steps and constants of a file, and of what that file
 * imports. All else (sources, sinks, pipelines, params, tests) stays behind, so that a file can use and
 * test its own steps. A file counts once, however many ways lead to it; a circle is an error.
 *
 * The standard library needs no import. Its files are a part of flowcc (library.h), and one of them is
 * read when the program mentions a name that it declares; so it costs nothing where it is not used.
 */
#ifndef FLOWCC_FRONT_IMPORT_H
#define FLOWCC_FRONT_IMPORT_H

#include "compiler.h"
#include "front/ast.h"

/* Adds what the program imports to compiler->program, behind its own declarations. */
bool pass_import(struct compiler *);

/* What a declaration is called in messages: "source", "pipeline". */
const char *decl_kind_name(const struct decl *decl);

#endif
