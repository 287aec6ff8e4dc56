/* Writing the C of a `state`; ops/state.c names these in its row. */
#ifndef FLOWCC_BACK_EMIT_STATE_H
#define FLOWCC_BACK_EMIT_STATE_H

#include "back/emit.h"

void emit_state_functions(struct emit *, const struct node *);
void emit_state_table(struct emit *, const struct node *);
void emit_state_row(struct emit *, const struct node *, const char *row);

/* The function that runs the hook for one row, or NULL (as C text) if there is none. */
const char *emit_state_hook(struct emit *, const struct node *, enum hook_kind);

/* Declares the function that takes the rows of an output, and the one that lets them wait if they are
 * held; those of an unused output are not written. */
void emit_state_use_output(struct emit *, const struct node *, uint32_t output, bool is_held);

/* The C expression for the hash of the key at a C pointer, with the seed that a C expression has. Where
 * every row that arrives has the same key (`key by "ALL"`), there is nothing to hash. */
const char *emit_state_hash(struct emit *, const struct node *, const char *seed, const char *key);
bool emit_state_has_constant_key(const struct node *);

/* The C expression for the row that such a key most likely has, or for null. */
const char *emit_state_guess(struct emit *, const struct node *);

/* Whether the body, run for an item under `else`, can fail or fault after it has changed the state
 * or emitted something: only then must emissions be held and the value be restored. */
bool emit_state_must_undo(const struct stage *);

/* Whether the block holds a `forget`, or changes the state variable. */
bool emit_state_forgets(const struct block *);
bool emit_state_changes(const struct block *);

#endif
