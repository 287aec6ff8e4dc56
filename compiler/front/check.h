/* Names and types: turns the parsed tree into a typed one, or reports why it cannot.
 *
 * resolve declares everything that has a name; check types declarations, then pipelines in the
 * order in which streams depend on each other (a cycle is E0420). Both annotate the tree in place
 * and leave behind the table of streams that lowering reads.
 */
#ifndef FLOWCC_FRONT_CHECK_H
#define FLOWCC_FRONT_CHECK_H

#include "compiler.h"
#include "front/ast.h"
#include "front/type.h"

enum stream_kind {
  STREAM_SOURCE,   /* `source x: T = …` */
  STREAM_PIPELINE, /* `stream x = …` */
  STREAM_DERIVED,  /* target of `emit into`, `else into` or a split arm: all its uses are merged */
  STREAM_SINK,     /* `sink x = …`, or stdout */
};

/* Anything that rows can be sent to or taken from by name. */
struct stream {
  enum stream_kind kind;
  struct ident name;
  struct decl *decl;            /* null for DERIVED and for stdout */
  const struct type *item, *key;
  uint32_t read_count, write_count;
};
VEC_OF(stream_list, struct stream *);

bool pass_resolve(struct compiler *);
bool pass_check(struct compiler *);

/* The streams of the checked program, in order of first appearance in the text. */
const struct stream_list *check_streams(const struct compiler *);
struct stream *check_find_stream(const struct compiler *, const char *name);

/* The flow's name: `flow NAME`, else the file's base name without `.flow`. */
const char *check_flow_name(const struct compiler *);

/* -- what an operator's check() may use ----------------------------------------------------- */

struct checker; /* scopes and the item, key and state in scope */

/* Types `expr` in the stage's scope, converting it to `expected` (null: anything). Returns the node
 * to put in its place (perhaps wrapped in EXPR_COERCE); its type is TYPE_ERROR after a diagnostic. */
struct expr *check_expr(struct checker *, struct expr *expr, const struct type *expected);

/* Types a block of statements (state bodies, hooks, functions). */
void check_block(struct checker *, struct block *block);

const struct type *check_type_syntax(struct checker *, const struct type_syntax *syntax);

/* The clause `name` of the list, marked as used, or null. */
struct clause *check_clause(struct clause_list *clauses, const char *name);

/* The stream that `name` (with its span, for messages) refers to, creating a DERIVED one of the
 * given item and key types where `may_create`; reports unequal types. Null after a diagnostic. */
struct stream *check_target(struct checker *, struct ident name, const struct type *item,
                            const struct type *key, bool may_create);

struct compiler *check_compiler(struct checker *);
struct types *check_types(struct checker *);

#endif
