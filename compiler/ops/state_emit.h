/* The emission part of `state` (ops/state.c has its row and its check). */
#ifndef FLOWCC_OPS_STATE_EMIT_H
#define FLOWCC_OPS_STATE_EMIT_H

#include "back/emit.h"
#include "middle/lower.h"

void state_lower(struct lower *, struct stage *, struct node *);
void state_emit_functions(struct emit *, const struct node *);
void state_emit_state(struct emit *, const struct node *);
void state_emit_row(struct emit *, const struct node *, const char *row);
void state_emit_epoch_end(struct emit *, const struct node *);
void state_emit_end(struct emit *, const struct node *);

/* Declares the functions that take the rows of an output; those of an unused output are not written. */
void state_use_output(struct emit *, const struct node *, uint32_t output);

/* The C expression for the hash of the key at a C pointer. Where every row that arrives has the same
 * key (`key by "ALL"`), there is nothing to hash. */
const char *state_hash(struct emit *, const struct node *, const char *key);
bool state_has_constant_key(const struct node *);

/* Whether the body, run for an item under `else`, can fail or fault after it has changed the state
 * or emitted something: only then must emissions be held and the value be restored. */
bool state_must_undo(const struct stage *);

/* Whether the block holds a `forget`, or changes the state variable. */
bool state_forgets(const struct block *);
bool state_changes(const struct block *);

#endif
