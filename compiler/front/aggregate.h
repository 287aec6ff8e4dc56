/* What `aggregate EXPR` computes, taken apart.
 *
 * The expression of an `aggregate` may be any; calls of aggregates (aggregates.def) are taken out of it, and each
 * becomes an accumulator: a field of one record, which whoever makes a state of the stage keeps where it likes:
 *
 *   struct aggregation *a = aggregation_of(c, stage, true, true);
 *   if (!a) return …;                          // a mistake of the user's, reported
 *   quote_type_hole(&q, "$Sums", aggregation_type(a));
 *   quote_block_hole(&q, "$add", aggregation_add(a, quote_expr(&q, "$s.sums")));
 *   quote_block_hole(&q, "$send", aggregation_emit(a, quote_expr(&q, "$s.sums"), NULL, NULL, NULL));
 *   stages = quote_stages(&q, "|> state $s: { sums: $Sums } = { sums: {} } { $add(); $send() }");
 *
 * Every field of the record has a default, so that `{}` is one to which nothing was added. A field has the text
 * of its call as its name, "max(price)": so another aggregate may join a running program, and one that was
 * changed is another.
 *
 * Outside of the calls stand constants, params, what the stream is keyed by, and `window.start`, `window.end`.
 */
#ifndef FLOWCC_FRONT_AGGREGATE_H
#define FLOWCC_FRONT_AGGREGATE_H

#include "front/checker.h"

struct aggregation;

/* Types the expression of the stage, whose in_item, in_key, in_time and key_by say what comes, and reports misuse.
 * by_time: what depends on the order of items goes by (event time, order of the input), else by the latter
 * alone. has_window: `window.start` and `window.end` are known. waits: a result may be sent long after its last
 * item, so that an aggregate which is added to saved ones and has no value of nothing is refused by the store.
 * Null after a diagnostic. */
struct aggregation *aggregation_of(struct checker *, struct stage *aggregate, bool by_time, bool has_window,
                                   bool waits);

/* The record of the accumulators. */
const struct type *aggregation_type(const struct aggregation *);

/* Statements that add the item of the body to the accumulators at a place of the state: `$s.sums`. */
struct block *aggregation_add(const struct aggregation *, const struct expr *place);

/* Statements that add the accumulators `from`, whose items lie behind all those of `into` in time. */
struct block *aggregation_merge(const struct aggregation *, const struct expr *into, const struct expr *from);

/* The statement `emit RESULT at AT`; `start` and `end` are those of the window, or null without one. `at`
 * null: the time of what is emitted is that of the item or hook. */
struct block *aggregation_emit(const struct aggregation *, const struct expr *place, const struct expr *start,
                               const struct expr *end, const struct expr *at);

#endif
