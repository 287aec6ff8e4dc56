/* Writing the C of event time: watermarks, and what happens when one rises (flow/mark.h).
 *
 * With one worker, a record that raises a watermark runs advance_N(), which lets everything fire that is
 * due behind it, before the record itself goes on. With several, the rise is noted in the block, and the
 * workers meet it between the rows that come to them (emit_exchange.c).
 */
#ifndef FLOWCC_BACK_EMIT_MARK_H
#define FLOWCC_BACK_EMIT_MARK_H

#include "back/emit.h"

/* Index of a `time by` in flow_program.marks. */
uint32_t emit_mark_index(struct emit *, const struct node *time);

/* Whether deadlines of the state are compared with watermarks, and not with the start of the epoch. */
bool emit_mark_moves(const struct node *state);

/* A C expression of the clock of a node: the least of its watermarks, or the start of the epoch. */
const char *emit_clock(struct emit *, const struct node *);

/* The same as the row that runs finds it (flow/mark.h). */
const char *emit_row_clock(struct emit *, const struct node *);

/* The same for a hook. */
const char *emit_hook_clock(struct emit *, const struct node *);

/* Write the functions of a `time by`: its lag and guard, advance_N(). */
void emit_mark_functions(struct emit *, const struct node *);

/* Writes what a row does whose time is the C operand `time`, up to a block in which it goes on; and the end
 * of that block. */
void emit_mark_pass(struct emit *, const struct node *, const char *time, const char *row);
void emit_mark_end(struct emit *, const struct node *);

/* Adds the row of flow_program.marks. */
void emit_mark_desc(struct emit *, struct text *rows, const struct node *);

/* Adds the rows of the meetings behind them; returns how many there are. */
uint32_t emit_meetings(struct emit *, struct text *rows);

/* Whether a block must wait for the one before it to be parsed: some `time by` has a `max ahead`, or a stage
 * that is run with the parse asks for the watermark. */
bool emit_mark_is_serial(const struct emit *);

/* ", .marks = …" of a state's description, or nothing. */
const char *emit_mark_list(struct emit *, const struct node *state);

#endif
