/* The parts of the C file that pass_emit() puts together. */
#ifndef FLOWCC_BACK_PROGRAM_H
#define FLOWCC_BACK_PROGRAM_H

#include "back/emit.h"
#include "io/io.h"

/* -- emit_program.c */

void emit_params(struct emit *);
void emit_program(struct emit *);

/* -- emit_test.c */

/* Writes the values of the program's tests and the main() of a program under test. */
void emit_test_main(struct emit *);

/* -- emit_const.c */

/* Write the declaration as a function on first use and return its C name. */
const char *emit_const(struct emit *, const struct decl *);
const char *emit_fn(struct emit *, const struct decl *);

/* Writes a function that evaluates `value` in the code `c`, whose names are set. `parameters` stand
 * behind the worker: ", const X *it". The result is returned, or by `*out` if it is no scalar or the
 * function can fail. */
struct code;
void emit_value_function(struct emit *, const char *name, const char *parameters,
                         const struct expr *value, struct code *c);

/* -- emit_extern.c: functions in C (back/extern.h has what others than the emitter need) */

/* Declares the function on first use and returns its name in the program. */
const char *emit_extern(struct emit *, const struct decl *);

/* -- emit_stage.c */

void emit_stages(struct emit *);

/* The step as messages show it: "state total", "map", "source events". */
const char *emit_step(struct emit *, const struct node *);

/* Whether a failure or fault can leave the expression. */
bool emit_is_fallible(const struct expr *);

/* The parameters ", const ITEM *it, const KEY *key" of a function of the stage. */
const char *emit_row_parameters(struct emit *, const struct node *);

/* Writes everything behind the head of a function: `{`, what `write` adds, `}`. Parameters row and
 * key that the body does not use are marked so. */
void emit_function(struct emit *, enum section section, const char *head, const struct node *node,
                   uint32_t port, void (*write)(struct emit *, const struct node *, uint32_t port));

/* The format that a sink writes rows of a type with; fills in stdout's. */
struct io_spec emit_sink_io(const struct node *sink);

/* The header line of a sink whose format has one, with its newline; else null. */
const char *emit_sink_header(struct compiler *, const struct node *sink);

/* Index of a sink in flow_program.sinks; sinks that no row can reach are not there. */
uint32_t emit_sink_index(struct emit *, const struct node *sink);

/* The sink that the rows of a port go to as lines of text and nowhere else, with nothing on the way;
 * -1: there is none. */
int64_t emit_text_sink(struct emit *, const struct node *node, uint32_t port);

uint32_t emit_state_index(struct emit *, const struct node *state);

/* -- emit_exchange.c: rows on their way to the worker that owns their key */

/* Write the calls that send a row across an exchange: `row` and `key` are C pointers. emit_cross() is for
 * several workers, where the hash is known already. */
void emit_enter(struct emit *, const struct plan_stage *, const char *row, const char *key);
void emit_cross(struct emit *, const struct plan_stage *, const char *row, const char *key,
                const char *hash);

/* The name of the function that runs the rows which have come; flow_exchange.take. */
const char *emit_take(struct emit *, const struct plan_stage *);

/* Write the C variable `table`, a view of the state's table, and with it `guesses`, an array of `count`
 * rows to which the hashes most likely lead; `hash` is the C operand of the hash at `i`. */
void emit_table_view(struct emit *, const struct node *state);
void emit_guesses(struct emit *, const struct node *state, const char *count, const char *hash);

/* Writes the functions of an exchange; behind everything that may call them. */
void emit_exchange(struct emit *, const struct plan_stage *);

/* -- emit_source.c */

void emit_source(struct emit *, const struct node *source);

/* Writes the code that does what a stage's `else` says with the failed row `row` (a C pointer, null
 * in a hook); not for stages without one. */
void emit_reject(struct emit *, const struct node *node, const char *row);

#endif
