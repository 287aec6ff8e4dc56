/* What the files resolve.c and check*.c share. Nothing outside of front/ includes this; operators
 * and connectors use check.h.
 */
#ifndef FLOWCC_FRONT_CHECKER_H
#define FLOWCC_FRONT_CHECKER_H

#include "base/map.h"
#include "front/builtin.h"
#include "front/check.h"

struct instance; /* front/instance.h */

/* Everything that has a file-wide name, by namespace. compiler->symbols points to it. */
struct symbols {
  struct map types;                /* to struct type */
  struct map functions;            /* to struct decl (fn) */
  struct map steps;                /* to struct decl (step) */
  struct map values;               /* to struct decl (param, const) */
  struct map streams;              /* to struct stream */
  struct stream_list stream_order; /* by first appearance in the text */
  /* The standard library's, of which a program sees what it does not declare itself. */
  struct map library_types, library_functions, library_steps, library_values;
  uint32_t number;                 /* the last decl.number that was given */
  const char *flow_name, *flow_was; /* the latter null without a clause `was` */
};

/* What encloses the expressions that are being typed. */
enum scope_place {
  PLACE_CONSTANT, /* consts, params, defaults */
  PLACE_WHERE,    /* the condition of a field or param */
  PLACE_FUNCTION,
  PLACE_STAGE,
  PLACE_STATE, /* the body of a state: a stage that may emit and change its state */
  PLACE_HOOK,  /* `on epoch`, `on end`: as a state's body, but there is no item */
  PLACE_TIME,  /* the TIME of `on at TIME`: as a hook, but nothing changes */
  PLACE_TEST,
};

/* Something that can fail and that nothing has handled yet. */
struct failure {
  struct span span;        /* the caret */
  const struct expr *expr; /* what a `??` behind it would catch */
  const char *what;        /* "this division"; null: a `fail` statement */
  const char *label;       /* at the caret: "`total` may be 0" */
};
VEC_OF(failure_list, struct failure);
VEC_OF(name_list, const char *);

/* A collection that a `for` walks over: its path, if it is a place. */
VEC_OF(loop_list, const struct expr *);
VEC_OF(local_list, struct local *);

VEC_OF(emit_stmt_list, struct stmt *);

struct scope {
  enum scope_place place;
  const struct type *item; /* null: there is none */
  const struct type *key;
  struct stage *stage; /* null outside of pipelines */
  bool has_state;      /* the stage's state variable is visible */
  struct decl *function;
  struct instance *instance; /* the use of a step or generic function that this is the inside of */
  struct scope *outer;       /* of a lambda: where it is written */
  bool is_library;           /* inside the standard library */
  struct local_list locals; /* visible ones, innermost last */
  struct loop_list loops;
  uint32_t *local_count;
  struct failure_list failures;
  uint32_t fault_count; /* operations seen so far that can fault */
  uint32_t change_count; /* statements seen so far that change or forget the state */
  bool sees_epochs;     /* something asks for epoch() or now() */
};

struct checker {
  struct compiler *compiler;
  struct arena *arena;
  struct diags *diags;
  struct types *types;
  struct symbols *symbols;
  struct scope scope;
  struct emit_stmt_list emits; /* of the state that is being checked, in text order */
  struct decl_list stack;         /* declarations that are being checked, for circles */
  struct name_list reads;         /* streams that are being read for that, outermost first */
  bool is_too_deep;               /* and that there are too many of them was reported */
};

/* -- resolve.c ------------------------------------------------------------------------------- */

/* What a name means in the current scope: inside the library only what the library has, else what the
 * program has, then the library. Null: nothing. Library constants are the library's own. */
struct decl *find_function(struct checker *, const char *name);
struct type *find_declared_type(struct checker *, const char *name);
struct decl *find_value(struct checker *, const char *name);

/* -- check.c --------------------------------------------------------------------------------- */

/* A scope with nothing but the file-wide names. The counter numbers the locals. */
struct scope check_new_scope(enum scope_place place, uint32_t *local_count);

/* Types a fn, param or const when first used; reports a circle. */
void check_function(struct checker *, struct decl *fn, struct span use);
void check_value_decl(struct checker *, struct decl *decl, struct span use);

/* Reports (E0219 or E0420) that `decl`, which is being checked, is needed to check itself. */
void report_circle(struct checker *, const struct decl *decl, struct span use);

/* Limits (base/limits.h): each reports E0109 and is true where one is passed. The first is asked
 * before the declaration that is used here is checked. */
bool check_is_too_deep(struct checker *, struct span use);
bool check_is_too_large(struct checker *, const struct type *, struct span);

/* Counts the values of a checked constant; over the limit its type becomes an error. */
void check_count_values(struct checker *, struct decl *);

/* Types defaults and conditions of a nominal type's fields when first needed. */
void check_nominal(struct checker *, const struct type *type);

/* -- check_type.c ---------------------------------------------------------------------------- */

/* Fills in the fields and variants of all declared records and enums. */
void fill_nominal_types(struct checker *);

/* -- check_expr.c ---------------------------------------------------------------------------- */

/* Types an expression; `hint` is what the context would like, or null. */
struct expr *infer(struct checker *, struct expr *expr, const struct type *hint);

/* Types the condition of an `if`; with a binder (`if let`) makes it visible, and the caller restores
 * scope.locals.count behind the branch. */
void check_if_condition(struct checker *, struct expr **condition, struct local *binder);

/* The expression in backquotes as written, for messages, if it is short; else `otherwise`. */
const char *text_of(struct checker *, const struct expr *expr, const char *otherwise);

/* The type of `left op right` for + - * / %, or null. */
const struct type *arithmetic_type(struct checker *, enum binary_op op, const struct type *left,
                                   const struct type *right);

/* Report that a field access has no such field, that `[ ]` does not apply. */
void report_no_field(struct checker *, const struct expr *expr, const struct type *type);
void report_no_index(struct checker *, const struct expr *object);

/* True if the node means nothing definite before it meets a type. */
bool needs_context(struct checker *, const struct expr *expr);

/* -- check_convert.c ------------------------------------------------------------------------- */

/* Converts a typed expression to a type where the language does so by itself: T to T?, literals.
 * Reports a misfit; the node's type is then TYPE_ERROR. */
struct expr *coerce(struct checker *, struct expr *expr, const struct type *type);

/* As coerce, but returns null instead of reporting a misfit of the whole. */
struct expr *try_coerce(struct checker *, struct expr *expr, const struct type *type);

/* The type that two expressions of one list, if or match have in common, or null. `a` may be null:
 * then it is b's type. */
const struct type *join_types(struct checker *, const struct type *a, const struct type *b);

/* Reports a literal whose type nothing determines. */
struct expr *require_concrete(struct checker *, struct expr *expr);

/* Reports that `expr` is not of type `expected`. */
void report_type(struct checker *, const struct expr *expr, const struct type *expected);

/* Says so where a text literal spells a variant of the enum that is wanted. */
bool help_variant(struct diag *, const struct expr *expr, const struct type *wanted);

/* Reports (E0226) that the enum has no such variant. Returns the report, for more help. */
struct diag *report_no_variant(struct checker *, const struct type *enumeration, struct ident name);

/* Reports that a value is used that may be absent (E0211). */
void report_absent(struct checker *, const struct expr *expr);

/* -- check_decimal.c ------------------------------------------------------------------------- */

/* The type that `decimal[2]` names; types->error after a diagnostic. */
const struct type *decimal_of_syntax(struct checker *, const struct type_syntax *syntax);

/* Makes a decimal of this type of a number that is written out, or of a constant int. False, with nothing
 * changed: it is none, or does not fit. */
bool decimal_of_literal(struct checker *, struct expr *expr, const struct type *type);

/* Reports (E0104) a literal that does not fit the decimal. False: it is none, or fits. */
bool report_decimal_literal(struct checker *, const struct expr *expr, const struct type *type);

/* What one operand may tell a literal beside it: not the scale, where scales add up. */
const struct type *operand_hint(enum binary_op op, const struct type *type);

/* Gives literals beside a decimal, or where one is wanted (`hint`), their scale. */
void adapt_decimals(struct checker *, enum binary_op op, struct expr *left, struct expr *right,
                    const struct type *hint);

/* The type of `left op right` for + - * /, where one is a decimal; null: they do not fit. */
const struct type *decimal_result(struct checker *, enum binary_op op, const struct type *left,
                                  const struct type *right);

/* Folds `expr`, whose operands are these constants, of which one is a decimal. */
void fold_decimals(struct checker *, struct expr *expr, const struct expr *a,
                   const struct expr *b);

/* The text to paste for a conversion from or to a decimal, or null. */
const char *decimal_conversion(struct checker *, const struct type *from, const struct type *to);

/* Says how two operands come together of which one is a decimal; false: none is. */
bool help_decimals(struct checker *, struct diag *diag, const struct expr *left,
                   const struct expr *right, enum binary_op op);

/* -- check_json.c ---------------------------------------------------------------------------- */

/* The type of a field or index of json, json?, whose parts are typed. */
struct expr *json_part(struct checker *, struct expr *expr);

/* Makes json of a literal number, text, bool or `[]`; false: it is none. */
bool json_of_literal(struct checker *, struct expr *expr);

/* The text to paste for a conversion from or to json, or null. */
const char *json_conversion(struct checker *, const struct type *from, const struct type *to);

/* Adds the conversion that makes of `expr`, which is json, what is wanted. */
void help_json(struct checker *, struct diag *diag, const struct expr *expr,
               const struct type *wanted);

/* Reports that an operand beside `other` (or null) is json; false: it is not. */
bool report_json_operand(struct checker *, const struct expr *expr, const struct expr *other);

/* -- check_record.c -------------------------------------------------------------------------- */

struct expr *infer_record(struct checker *, struct expr *expr, const struct type *hint);

/* Lays the items of a typed record literal out in the order of `record`'s fields. False after a
 * diagnostic. */
bool record_fit(struct checker *, struct expr *expr, const struct type *record);

/* Says so where an unknown field has the name that a field of the record has in the input (`from`). */
bool help_input_name(struct diag *, const char *name, const struct type *record);

/* `Cart(a: 1)` and `circle(r: 1.0)`: types the arguments from `first_arg` on against the fields. */
struct expr *infer_constructor(struct checker *, struct expr *call, const struct type *type,
                               size_t first_arg);

/* -- check_call.c ---------------------------------------------------------------------------- */

struct expr *infer_call(struct checker *, struct expr *expr, const struct type *hint);

/* -- check_match.c --------------------------------------------------------------------------- */

/* Types the patterns of the arms against the subject's type and reports what is not covered. */
void check_patterns(struct checker *, struct expr *subject, struct match_arm_list *arms);

/* Opens the arm's binders; the caller restores scope.locals.count. */
void bind_arm(struct checker *, struct match_arm *arm);

/* -- check_name.c ---------------------------------------------------------------------------- */

struct expr *infer_name(struct checker *, struct expr *expr, const struct type *hint);

/* True if the bare name means something without a hint. */
bool name_is_visible(struct checker *, const char *name);

/* Makes a local visible, after reporting a clash (E0203). */
void bind_local(struct checker *, struct local *local, const struct type *type);

/* Reports (E0203) that the name is taken by something visible; `what` is "state", "local". */
bool report_clash(struct checker *, struct ident name, const char *what);

/* The variant of the enum as an expression of that type, or null. */
bool name_to_variant(struct checker *, struct expr *expr, const struct type *enumeration,
                     struct ident name);

/* -- check_const.c --------------------------------------------------------------------------- */

/* Folds constant arithmetic in place; reports overflow (E0206). */
void fold_constant(struct checker *, struct expr *expr);

/* Reports (E0206) what is wrong with a constant expression, which then has no type. */
void report_overflow(struct checker *, struct expr *expr, const char *why);

/* The constant's literal node, looking through `const` names, or null. */
const struct expr *constant_value(const struct expr *expr);

/* Types an expression that must be a constant and reports (E0207) what is not one. */
struct expr *check_constant(struct checker *, struct expr *expr, const struct type *expected,
                            bool may_use_params);

/* -- builtin_quoted.c: rows of builtin.def for quoted text ------------------------------------ */

const struct type *quoted_unit(struct checker *, struct expr *call, const struct type *hint);
const struct type *quoted_sure(struct checker *, struct expr *call, const struct type *hint);
const struct type *quoted_time(struct checker *, struct expr *call, const struct type *hint);
const struct type *quoted_range(struct checker *, struct expr *call, const struct type *hint);
const struct type *quoted_find(struct checker *, struct expr *call, const struct type *hint);
const struct type *quoted_change(struct checker *, struct expr *call, const struct type *hint);
const struct type *quoted_count(struct checker *, struct expr *call, const struct type *hint);
const struct type *quoted_gather(struct checker *, struct expr *call, const struct type *hint);
const struct type *quoted_mean(struct checker *, struct expr *call, const struct type *hint);
const struct type *quoted_quantile(struct checker *, struct expr *call, const struct type *hint);

/* -- check_bound.c --------------------------------------------------------------------------- */

/* What a duration or count of constants and params must be at least, and what to say if it is less. */
struct bound {
  enum diag_code code; /* of the report of a constant */
  const char *what;    /* what it is, as the user knows it: "`lag`", "the size of a window" */
  int64_t least;       /* in microseconds, or a count: 0 or 1 */
  const char *why;     /* what would be wrong: "time does not run backwards" */
  const char *help;    /* what to write instead: "write  lag 5s" */
};

/* Makes sure of it for a value that check_constant() has typed, a duration or an int (null, or with the type
 * of an error: there was a report already): for a constant now, for what depends on params when the program
 * starts, which then ends with exit code 64 and names the params, `what`, and the place of the value.
 *
 *   struct expr *size = check_constant(c, stage->args.data[0], c->types->duration, true);
 *   check_bound(c, size, &(struct bound){.code = E0404, .what = "the size of a window", .least = 1,
 *                                        .why = "nothing can be in a window of no time",
 *                                        .help = "write  window tumbling 5m"});
 *
 * check_clause_duration() of check.h does that already. */
void check_bound(struct checker *, struct expr *value, const struct bound *);

/* The same for any condition, a typed bool of constants and params that is not known before the start: if it
 * is false then, or fails, the program says `message` and ends with exit code 64. */
void check_at_start(struct checker *, struct expr *condition, const char *message);

/* -- check_stmt.c ---------------------------------------------------------------------------- */

/* Types a place that a statement changes: a path from the state or a local. `is_mutator`: a call
 * changes it in place. False after a diagnostic. */
bool check_place(struct checker *, struct expr *place, bool is_mutator);

/* Brings all emits of the state to one type per target, when its block and hooks are typed. */
void finish_emits(struct checker *, struct stage *stage);

/* True if no path through the block comes to its end. */
bool block_always_leaves(const struct block *block);

/* -- check_fail.c ---------------------------------------------------------------------------- */

/* Notes that `expr` can fail, with the caret at `span`; `expr` null: a statement. */
void note_failure(struct checker *, const struct expr *expr, struct span span, const char *what,
                  const char *label);

/* Notes that what is being typed can fault. */
void note_fault(struct checker *);

/* Reports every noted failure (E0301) and forgets them. */
void report_failures(struct checker *);

/* -- check_pipeline.c ------------------------------------------------------------------------ */

/* Types the source, stream or pipeline and everything that it reads. */
void check_pipeline(struct checker *, struct decl *decl, struct span use);
struct stream *find_stream(struct checker *, const char *name);

/* Warns (W0907) of an `else` behind a stage in which nothing can go wrong, unless there are more errors than
 * `errors`. */
void check_handler(struct checker *, const struct stage *, size_t errors);

/* Lints about streams, sinks and rejects that nothing reads or writes. */
void check_stream_use(struct checker *);

/* -- check_words.c (the rest is below) */

/* Adds what the name is in a file that is imported, if it is something that imports do not bring. */
bool note_left_behind(struct checker *, struct diag *, const char *name);

/* -- check_test.c ---------------------------------------------------------------------------- */

void check_test(struct checker *, struct decl *test);

/* -- check_words.c ---------------------------------------------------------------------------- */

/* A word of a later version of the language: reports it (E0114) and returns true. */
bool report_future_word(struct checker *, struct ident word);

/* What a word of another language is called here, or null. */
const char *our_value(const char *word);
const char *our_stage(const char *word);
const char *our_clause(const char *word);
/* What to write instead of a call, and instead of a stage that aggregates: a sentence, or null. */
const char *our_phrase(const char *function);
const char *our_aggregate(const char *stage);
const char *our_type(const char *word);

/* A value of the type to paste, or "…". */
const char *example_value(const struct type *type);

/* Adds "did you mean `x`?" for the nearest of the names, if there is one. */
struct diag *suggest(struct diag *, const char *name, const char *const *names, size_t count);

#endif
