/* Windows: `window … |> aggregate …` becomes a state with one row per key (front/quote.h).
 *
 * A row keeps accumulators (front/aggregate.h) for pieces of time, sorted, in a list whose name in the saved type is
 * what the window is called in the text, "sliding 10s every 2s": so a program that has another window does not
 * take over what this one has saved.
 *
 * Tumbling and sliding windows keep panes. Every window begins at a multiple of the slide and ends `size` later, so
 * times between two such edges lie in the same windows, and one pane holds them: at most two per slide, whatever
 * size and slide are. An item is added to one pane; a window that ends merges its panes in the order of time.
 *
 * A session keeps its first and last time. An item extends the sessions that it is no more than the gap away
 * from, and makes them one. A session ends when the watermark is behind its last time plus the gap.
 *
 * A row also knows when it is due next: `on at` emits the window that ends then, and drops what no window to come
 * needs. `allow D` keeps that for D longer, and late items emit their windows again; with `emit on change` every
 * item emits its windows, and none does when it ends.
 *
 * The text of all this is in window.c, and times around a time in runtime/include/flow/window.h. */
#ifndef FLOWCC_FRONT_WINDOW_H
#define FLOWCC_FRONT_WINDOW_H

#include "front/ast.h"

struct checker;

/* Checks the `window` stages[0] and the `aggregate` behind it, and appends the stages that they stand for to
 * `made`, as op.h says of `expand`. Returns 2, or 0 after a diagnostic. */
size_t window_expand(struct checker *, struct stage *const *stages, size_t count, struct stage_list *made);

#endif
