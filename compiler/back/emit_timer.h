/* Writing the C of a state's `expires` and `on at`: deadlines of rows, and what fires.
 *
 * A row of such a state begins with struct flow_timed_entry (flow/timer.h); with `expires`, the time of its last
 * item follows. due_N() computes a row's deadline from the row, and whatever may change it calls
 * flow_timer_set(). fire_N() runs what is due.
 */
#ifndef FLOWCC_BACK_EMIT_TIMER_H
#define FLOWCC_BACK_EMIT_TIMER_H

#include "back/emit.h"

/* Whether rows of the state have deadlines. */
bool emit_timer_is_used(const struct stage *);

/* The hook of that kind, or null. */
const struct hook *emit_state_find_hook(const struct stage *, enum hook_kind);

/* Writes the user's expressions: the duration of `expires`, the TIME of `on at`. */
void emit_timer_functions(struct emit *, const struct node *);

/* Writes the members that come before the key in the struct of a row. */
void emit_timer_members(struct emit *, const struct node *);

/* Writes due_N(); then fire_N(), which calls the hooks' functions for a row. */
void emit_timer_due(struct emit *, const struct node *);
void emit_timer_fire(struct emit *, const struct node *);

/* Writes what follows when a row `s` had an item, or may have another time. */
void emit_timer_touch(struct emit *, const struct node *, bool is_item);

/* The row of flow_state_desc: ", .due = …", or nothing. */
const char *emit_timer_desc(struct emit *, const struct node *);

/* The name of the C type descriptor of the state's saved values. */
const char *emit_timer_schema(struct emit *, const struct node *);

#endif
