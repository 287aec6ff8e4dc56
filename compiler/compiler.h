/* One compilation: the data that every pass reads and adds to. main.c owns the order of passes. */
#ifndef FLOWCC_COMPILER_H
#define FLOWCC_COMPILER_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/names.h"
#include "base/source.h"
#include "base/text.h"

#include <stdbool.h>

#ifndef FLOWCC_VERSION
#define FLOWCC_VERSION "0.1.0"
#endif

struct program; /* front/ast.h */
struct types;   /* front/type.h */
struct symbols; /* front/checker.h */
struct graph;   /* middle/graph.h */
struct plan;    /* middle/plan.h */
struct decl_list; /* front/ast.h */

struct options {
  const char *input_path;
  const char *output_path;
  const char *cc;           /* the C compiler's command; null: $CC, else cc */
  const char *optimise;     /* "-O0" to "-O3"; null: -O2 */
  const char *target_cpu;   /* "-march=native"; null: any machine of the kind */
  bool is_debug;            /* -g: keep the generated C beside the binary */
  bool is_fuse_disabled;    /* --disable=fuse: every operator is a stage of its own */
  bool is_warning_error;
  bool is_test;             /* flowcc test: the program has its test blocks in it */
};

struct compiler {
  struct arena arena;
  struct names names;
  struct sources sources;
  struct diags diags;
  struct options options;
  struct source *source;   /* the main file, after it is loaded */

  struct tokens *tokens;   /* tokens (front/token.h) */
  struct program *program; /* parse, annotated by check */
  struct types *types;     /* resolve */
  struct symbols *symbols; /* resolve: names by namespace; see check.h for what others may ask */
  struct graph *graph;     /* lower */
  struct plan *plan;       /* fuse */
  struct text c_text;      /* emit */
  struct decl_list *externs; /* emit: the functions in C that the program calls, or null */
};

/* Begins a compilation of the file at `path`, which nothing is read of yet. All that it makes lies
 * in compiler->arena: arena_free() ends it. */
void compiler_begin(struct compiler *compiler, const struct options *options, const char *path);

/* A pass: false means that diagnostics exist and that nothing further may run. */
typedef bool pass_fn(struct compiler *);

#endif
