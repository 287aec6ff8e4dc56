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

/* A declaration whose pipeline sends rows to a derived stream. */
struct stream_writer {
  struct decl *decl;
  struct span span;
  bool is_rejects; /* by `else into` */
};
VEC_OF(stream_writer_list, struct stream_writer);

/* Anything that rows can be sent to or taken from by name. */
struct stream {
  enum stream_kind kind;
  struct ident name;
  struct decl *decl; /* null for DERIVED and for stdout */
  const struct type *item, *key; /* item of a SINK: declared, else the first that is written */
  const struct expr *key_by;     /* what of an item is its key, as in struct stage; or null */
  bool has_time;                 /* its items have an event time */
  bool has_many_types;           /* SINK without a declared type: items of several types come */
  uint32_t read_count, write_count;
  const struct stage *writer;        /* DERIVED: the first stage that writes it */
  struct stream_writer_list writers; /* DERIVED: for the checker's order of work */
};
VEC_OF(stream_list, struct stream *);

bool pass_resolve(struct compiler *);
bool pass_check(struct compiler *);

/* What the emitters may rely on when pass_check has returned true (besides ast.h):
 *
 * - Every expression's type is concrete: no TYPE_ERROR, TYPE_NONE or TYPE_EMPTY is left, except on
 *   the operand of a COERCE_ABSENT. A mutator call that stands alone may be TYPE_UNIT.
 * - T becomes T? only through EXPR_COERCE, and through record_field.is_some for a field of a spread.
 *   An int literal that is used as a float is an EXPR_FLOAT.
 * - Arithmetic on constants is folded: EXPR_INT, FLOAT, DURATION, TIMESTAMP may stand for a longer
 *   text; `++` on constant strings too. A divisor that is a literal or a `const` is not zero.
 * - EXPR_LIST may have a list, set or (when empty) map type. EXPR_RECORD and constructor calls have
 *   `fields` for each field of their type, in its order; defaults are shared nodes.
 * - `Kind.order` has become EXPR_NAME with REF_VARIANT; in `Kind.circle(r: 1.0)` args[0] is the
 *   enum's name and means nothing: use call.fields.
 * - Calls of functions have all arguments; defaults are filled in.
 * - In a place (the left side of an assignment, args[0] of a mutator) EXPR_INDEX has the element's
 *   type, not its T?. A list element out of range is a failure; a missing map key starts as 0, as
 *   an empty text or collection where it is updated or changed inside, and is inserted. The nodes of
 *   a place do not carry can_fail; its index expressions do.
 * - A place's root is REF_STATE or REF_LOCAL. While a `for` walks over a place (also through a `??`
 *   behind it), nothing that overlaps it changes.
 * - expr->can_fail and can_fault speak of what leaves the expression: `??` takes can_fail back. A
 *   statement's failure (`fail`, `xs[i] = v`, `/=`) is in stage->can_fail or decl->can_fail only.
 * - Hooks cannot fail; they can fault. The TIME of `on at` cannot fail, and a fault in it is none. The
 *   initial value of a state is an expression of constants and params that cannot fail, with locals of
 *   its own; `where` that fails counts as false.
 * - local->id counts from 0 per stage and per fn (local_count), and none is given twice; locals in an
 *   initial value or a `where` count from 0 by themselves.
 * - `key by` has one argument: several have become one EXPR_RECORD.
 * - The checked `where` of a param is the value of that clause.
 */

/* The streams of the checked program, in order of first appearance in the text. */
const struct stream_list *check_streams(const struct compiler *);
struct stream *check_find_stream(const struct compiler *, const char *name);

/* The flow's name: `flow NAME`, else the file's base name without `.flow`. */
const char *check_flow_name(const struct compiler *);
/* Its former name, by which its saved state is known; null: it has none. */
const char *check_flow_was(const struct compiler *);

/* -- what an operator's check() may use ----------------------------------------------------- */

struct checker; /* scopes and the item, key and state in scope */

/* Types `expr` in the stage's scope, converting it to `expected` (null: anything). Returns the node
 * to put in its place (perhaps wrapped in EXPR_COERCE); its type is TYPE_ERROR after a diagnostic. */
struct expr *check_expr(struct checker *, struct expr *expr, const struct type *expected);

/* The same for an expression of an item alone, outside of any stage. */
struct expr *check_item_expr(struct checker *, struct expr *expr, const struct type *item,
                             const struct type *expected);

/* Whether an expression that is not typed yet has a name that is no const or param, so that it must be
 * one of an item. */
bool check_names_item(struct checker *, const struct expr *expr);

/* Types a block of statements (state bodies, hooks, functions). */
void check_block(struct checker *, struct block *block);

/* The type that is written, or types->error after a diagnostic. */
const struct type *check_type_syntax(struct checker *, const struct type_syntax *syntax);

/* As check_type_syntax; a structural record may have defaults, which check_state_init() reads. */
const struct type *check_state_type_syntax(struct checker *, const struct type_syntax *syntax);

/* The clause `name` of the list, marked as used, or null. */
struct clause *check_clause(struct clause_list *clauses, const char *name);

/* Reports every clause of the list that nothing has asked for. `what` is what bears the clauses
 * ("a state"), `known` the names that it knows, null at the end. */
void check_unused_clauses(struct checker *, const struct clause_list *, const char *what,
                          const char *const *known);

/* The stream that `name` (with its span, for messages) is sent to: a sink, or a DERIVED one, which
 * takes the given item and key types (item null: nothing is known after an earlier diagnostic);
 * reports unequal types. Null after a diagnostic. With may_create false only sinks will do. */
struct stream *check_target(struct checker *, struct ident name, const struct type *item,
                            const struct type *key, bool may_create);

/* The stream or source of that name as something to read, checked completely, or null after a
 * diagnostic. */
struct stream *check_read(struct checker *, struct ident name);

/* Types the stages through which the items of the stream come to a `merge`, if there are any; the type of
 * what comes. */
const struct type *check_side(struct checker *, struct stage *merge, const struct stream *);

/* Types the parts of a `state` (ops/state.c): makes its variable visible under stage->name with
 * stage->state_type, types the block and the hooks, and settles what each `emit` sends. */
void check_state_block(struct checker *, struct stage *stage);

/* The initial value of a state: `init` or, where it is null, a record of which every field has a
 * default. Constants and params only. */
struct expr *check_state_init(struct checker *, struct stage *stage);

/* The duration of the state's clause `expires`, of constants and params; null without one, or after a
 * diagnostic. */
struct expr *check_state_expires(struct checker *, struct stage *stage);

/* The name that a clause such as `named total` gives, or null after a diagnostic. */
const char *check_clause_name(struct checker *, const struct clause *clause);

/* The id of a state that is called `id` where it is written: in a step the use comes first,
 * "hourly.total". The former id, for a state that was called `was` (null: it has always been `id`). */
const char *check_state_id(struct checker *, const struct stage *, const char *id);
const char *check_state_was(struct checker *, const struct stage *, const char *id, const char *was);

/* The id of what a stage such as `join` keeps, from its clause `named`, or STREAM.join in a named stream; its
 * text is null after a diagnostic (E0502). */
struct ident check_stage_id(struct checker *, struct stage *);

/* The text of a clause such as `was "old"`, or null after a diagnostic. */
const char *check_clause_string(struct checker *, const struct clause *clause);

/* The duration that a clause gives, of constants and params; null after a diagnostic (E0407, with `help` as
 * the way out). Less than `least` (0 or 1) microseconds is refused, here or, where params give it, when
 * the program starts. */
struct expr *check_clause_duration(struct checker *, const struct clause *, int64_t least,
                                   const char *help);

/* Notes that something in the stage's own doing can fail, which an `else` has to handle: `what` is the
 * subject of "… can fail". */
void check_may_fail(struct checker *, struct span span, const char *what, const char *label);

/* Reports that the stage `is` missing a key, with the way out (E0401). */
void check_report_unkeyed(struct checker *, const struct stage *stage);

struct compiler *check_compiler(struct checker *);
struct types *check_types(struct checker *);

#endif
