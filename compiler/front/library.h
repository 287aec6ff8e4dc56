/* The standard library: the files of stdlib/, as the build has put them into flowcc.
 *
 *   struct library_entries list = library_entries(arena);
 *   vec_each(struct library_entry, entry, &list) …     what its files declare, in their order
 *
 * The files are not parsed for that: a declaration begins at the left edge, and the lines `##` above it
 * are a sentence and, indented, examples (stdlib/README.md).
 */
#ifndef FLOWCC_FRONT_LIBRARY_H
#define FLOWCC_FRONT_LIBRARY_H

#include <stddef.h>

#include "base/vec.h"

struct library_file {
  const char *path; /* "stdlib/lists.flow"; null behind the last one */
  const char *text;
  size_t length;
};

/* Written by the build. */
extern const struct library_file library_files[];

enum library_kind { LIBRARY_FUNCTION, LIBRARY_STEP, LIBRARY_TYPE };

struct library_entry {
  enum library_kind kind;
  const char *name;
  const char *syntax;  /* "limit(count: int)", "any(xs: list[T], holds: fn(T) -> bool) -> bool" */
  const char *summary; /* without a line end; empty where there is none */
  const char *example; /* whole lines; empty where there is none */
  const struct library_file *file;
};
VEC_OF(library_entries, struct library_entry);

/* All declarations of functions, steps and types; they live in the arena. */
struct library_entries library_entries(struct arena *);

#endif
