/* The parts of the C file that pass_emit() puts together. */
#ifndef FLOWCC_BACK_PROGRAM_H
#define FLOWCC_BACK_PROGRAM_H

#include "back/emit.h"

/* -- emit_program.c */

void emit_params(struct emit *);
void emit_program(struct emit *);

/* Write the declaration as a function on first use and return its C name. */
const char *emit_const(struct emit *, const struct decl *);
const char *emit_fn(struct emit *, const struct decl *);

/* -- emit_stage.c */

void emit_stages(struct emit *);

/* Name of the C function that a stage of the plan becomes. */
const char *emit_step(struct emit *, const struct node *); /* "state total", "map" */

/* The format that a sink writes rows of a type with; fills in stdout's. */
struct io_spec emit_sink_io(const struct node *sink);

/* Index of a sink in flow_program.sinks; sinks that no row can reach are not there. */
uint32_t emit_sink_index(struct emit *, const struct node *sink);
uint32_t emit_state_index(struct emit *, const struct node *state);

/* -- emit_source.c */

void emit_source(struct emit *, const struct node *source);

/* Writes the code that does what a stage's `else` says with the failed row `row` (a C pointer, null
 * in a hook); not for stages without one. */
void emit_reject(struct emit *, const struct node *node, const char *row);

#endif
