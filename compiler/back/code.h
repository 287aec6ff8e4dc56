/* Writing one C function from the user's expressions and statements.
 *
 * A struct code collects the body of one function. Everything that one statement of the .flow file
 * becomes stands on one line of C under that statement's line number, so that debuggers and gcov
 * speak of the .flow file (two-zone #line, architecture.md).
 *
 *   struct code c;
 *   code_begin(&c, e, "map", true);
 *   c.it = "(*it)";
 *   const char *value = code_expr(&c, expr);     // may write statements, returns a C operand
 *   code_put(&c, "*out = %s;", value);
 *   code_end(&c, head, span);                    // the function, into SECTION_EXPRESSIONS
 *
 * Operands. An operand of a scalar type (int, float, decimal, bool, timestamp, duration) is a C expression
 * without side effects. Any other operand is an lvalue, so that its address may be taken. It is
 * good until the place that it names changes; whatever must outlive a change goes through
 * code_keep() first. Operands are evaluated from left to right.
 */
#ifndef FLOWCC_BACK_CODE_H
#define FLOWCC_BACK_CODE_H

#include "back/emit.h"

struct code {
  struct emit *e;
  struct text body;
  const char *step;        /* for sites: "state total" */
  bool is_fallible;        /* the function returns bool: false after a failure or fault */
  bool is_condition;       /* a `where`: every failure and fault is `return false` */
  const char *fail_label;  /* inside the left side of `??`: where failures go, else null */
  const char *leave;       /* statement that leaves the body early with success: "return true;" */

  /* What names stand for: C operands, or null where the name is not in scope. */
  const char *it, *key, *state;
  const char *clock;        /* the watermark of the stage */
  const struct node *node;  /* of the enclosing `state`, for emit and forget */
  const char *emit_prefix;  /* "emit" or "hold"; the output's number and the node follow */
  bool is_held;             /* emissions wait until the item has succeeded */
  const char *emit_args;    /* ", key" and the like, behind the row */
  struct map locals;        /* struct local * → C operand */
  struct map local_names;   /* C names of locals in use */

  uint32_t temp_count, label_count;
  uint32_t indent;
  uint32_t line;            /* .flow line of the current C line; 0: not known yet */
  const struct source *source; /* of that line */
  bool is_line_open;        /* something stands on the current C line already */
  bool is_captured;         /* the text is a piece of a line: no line breaks */
};

/* In the text of a body: `(void)NAME;` if nothing else mentions the variable. Settled by code_end(), or
 * by code_settle_marks() for the body of any other function. */
#define CODE_IF_UNUSED "\1%s\1"
void code_settle_marks(struct text *body);

/* Starts a function's body. `step` is for messages. */
void code_begin(struct code *, struct emit *, const char *step, bool is_fallible);

/* Writes the function: `head` is all before the `{`. Parameters that the body does not use (w, it,
 * key, state) are marked so. */
void code_end(struct code *, const char *head, struct span span);

/* Appends a C statement to the current line. */
void code_put(struct code *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Begins a new C line for the .flow text at `span`. */
void code_at(struct code *, struct span span);

/* Begins a new C line that ends a block: the closing brace. */
void code_close(struct code *);

/* While captured, statements go into a text of their own, which code_release() returns. */
struct capture {
  struct text body;
  bool is_line_open, is_captured;
};
struct capture code_capture(struct code *);
const char *code_release(struct code *, struct capture);

/* Formatted text in the compilation's arena. */
const char *code_printf(struct code *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A new variable: declared with the operand as its value, or declared only (value null). */
const char *code_temp(struct code *, const struct type *type, const char *value);
const char *code_label(struct code *);

/* A C statement for a failure or fault at `span`. */
const char *code_fail(struct code *, struct span span, const char *reason);
const char *code_fault(struct code *, struct span span, const char *reason);

/* -- code_expr.c */

bool code_is_scalar(const struct type *);
const char *code_expr(struct code *, const struct expr *);

/* Evaluates several expressions, left to right; operands stay good although later ones change
 * places that earlier ones read. */
void code_exprs(struct code *, const struct expr *const *exprs, size_t count, const char **operands);

/* An operand that stays good whatever changes: a deep copy, unless `expr` is a fresh value. */
const char *code_keep(struct code *, const struct expr *expr, const char *operand);

/* Whether the value is made by the expression itself, so that nobody else holds its memory. */
bool code_is_fresh(const struct expr *);

/* Whether evaluating the expression changes state or a local. */
bool code_has_effect(const struct expr *);

/* The operand of a string literal. */
const char *code_string(struct code *, const char *data, size_t length);

/* `(*x)` and `x->y` for a C pointer `x`; `&x` and `x` for an lvalue. */
const char *code_deref(struct code *, const char *pointer);
const char *code_address(struct code *, const char *operand);

/* A C pointer to an operand of the type; a scalar that lies nowhere gets a variable. */
const char *code_pointer(struct code *, const struct type *, const char *operand);
const char *code_member(struct code *, const char *object, const char *member);

/* A C expression: whether the two operands of this type are equal. */
const char *code_equal(struct code *, const struct type *, const char *a, const char *b);

/* An operand without its outer parentheses, for `if (…)`. */
const char *code_condition(struct code *, const char *operand);

/* The condition under which an arm of a match takes the operand, and the declaration of its binder. */
const char *code_pattern(struct code *, const struct pattern *, const struct type *, const char *operand);
const char *code_arm_test(struct code *, const struct match_arm *, const struct type *,
                          const char *operand);
void code_bind_pattern(struct code *, const struct match_arm *, const struct expr *subject,
                       const char *operand);

/* Declares the binder of a pattern or `if let` for its operand inside the subject. */
void code_bind(struct code *, struct local *, const struct expr *subject, const char *operand);

/* Gives a local of the program a C name, which is its operand from then on. */
const char *code_local(struct code *, struct local *);

/* A copy of a value into memory that is not initialised: C pointers `to` and `from`. */
const char *code_copy(struct emit *, const struct type *, const char *memory, const char *to,
                      const char *from);

/* -- code_number.c */

const char *code_unary(struct code *, const struct expr *);
const char *code_arithmetic(struct code *, const struct expr *, const char *a, const char *b);

/* Arithmetic without a tree, for `x += e`. `divisor` is the right side; `result` the type of x. */
const char *code_arithmetic_op(struct code *, enum binary_op, const struct type *left,
                               const struct expr *divisor, const struct type *result,
                               struct span, const char *a, const char *b);

/* -- code_builtin.c: functions without effects; code_collect.c: collections and text */

const char *code_builtin(struct code *, const struct expr *call);
const char *code_collection(struct code *, const struct expr *call, const char **args);

/* `x in xs` for a list, set, map or string. */
const char *code_contains(struct code *, const struct type *, const char *container,
                          const char *value);
const char *code_concat(struct code *, const struct type *, const char *a, const char *b);
const char *code_element(struct code *, const struct expr *index);

/* Stores a value of type `elem` at the C pointer `from` in the optional `temp` of type elem?. */
const char *code_some(struct code *, const struct type *elem, const char *temp, const char *value);

/* Name of the function that finds an element of a list: its index, or the length. */
const char *code_list_find(struct emit *, const struct type *list);

/* A set of these elements; a map of these keys and values in turn. In the arena. */
const char *code_set_of(struct code *, const struct type *, const char **operands, size_t count);
const char *code_map_of(struct code *, const struct type *, const char **operands, size_t count);

/* Text under construction: begin returns the buffer's name, end the operand of the string. */
const char *code_text_begin(struct code *);
void code_text_add(struct code *, const char *buffer, const struct type *, const char *operand);
const char *code_text_end(struct code *, const char *buffer);
const char *code_fstring(struct code *, const struct expr *);

/* If the expression is an f-string, prints it as a line straight into the sink and returns true. */
bool code_fstring_line(struct code *, const struct expr *, uint32_t sink);

/* -- code_quoted.c: a function that only quoted text can call; null: it is another one */

const char *code_quoted(struct code *, const struct expr *call, const char **args);

/* -- code_aggregate.c: those of them that aggregates are made of (front/accumulator.c) */

/* The value of the call, or null: it is another one. */
const char *code_aggregate(struct code *, const struct expr *call, const char **args);

/* Evaluates the call if it is one that changes its first argument, and is no mutator of collections; false: it is
 * another one. */
bool code_aggregate_mutator(struct code *, const struct expr *call);

/* -- code_json.c */

/* `j.a`; `j[0]` and `j["a b"]`. */
const char *code_json_member(struct code *, const struct expr *field);
const char *code_json_element(struct code *, const struct expr *index);

/* A call that makes an int, string, list… of json or json?. */
const char *code_json_convert(struct code *, const struct expr *call, const char *operand);

/* A value of any type as json; whether json or json? is null. */
const char *code_json_of(struct code *, const struct type *, const char *operand);
const char *code_json_is_null(struct code *, const struct type *, const char *operand);

/* -- code_change.c: places and mutators */

const char *code_mutator(struct code *, const struct expr *call);

/* The memory that owns what lies at a place: the heap for state, the arena for locals. */
const char *code_owner(const struct expr *place);

/* The lvalue of a place that may be changed: state, a local, a field of one, `xs[i]`, `m[k]` (which
 * is created empty where it is missing). */
const char *code_place(struct code *, const struct expr *place);

/* -- code_stmt.c */

void code_block(struct code *, const struct block *);

#endif
