/* Types the functions that only quoted text can call (front/quote.h). Their arguments are ours, so there is
 * nothing to report: what would not fit is a mistake of the compiler, and ends in an error of the C compiler. */
#include "front/checker.h"

static struct expr **arg_at(struct expr *call, size_t index) {
  return &call->call.args.data[index].value;
}

static void type_arg(struct checker *c, struct expr *call, size_t index, const struct type *type) {
  *arg_at(call, index) = check_expr(c, *arg_at(call, index), type);
}

/* $late */
const struct type *quoted_unit(struct checker *c, struct expr *call, const struct type *hint) {
  (void)call, (void)hint;
  return c->types->unit;
}

/* $sure: a value that may be absent elsewhere */
const struct type *quoted_sure(struct checker *c, struct expr *call, const struct type *hint) {
  *arg_at(call, 0) = infer(c, *arg_at(call, 0), hint);
  const struct type *type = (*arg_at(call, 0))->type;
  return type->kind == TYPE_OPTIONAL ? type->elem : type;
}

/* $mark, $later, $floor: a time, and durations and times behind it */
const struct type *quoted_time(struct checker *c, struct expr *call, const struct type *hint) {
  (void)hint;
  for (size_t i = 0; i < call->call.args.count; i++)
    type_arg(c, call, i, i == 1 ? c->types->duration : c->types->timestamp);
  return c->types->timestamp;
}

/* $range: two ints */
const struct type *quoted_range(struct checker *c, struct expr *call, const struct type *hint) {
  (void)hint;
  type_arg(c, call, 0, c->types->int_);
  type_arg(c, call, 1, c->types->int_);
  return type_list(c->types, c->types->int_);
}

/* $find: a list of records, and a time */
const struct type *quoted_find(struct checker *c, struct expr *call, const struct type *hint) {
  (void)hint;
  *arg_at(call, 0) = infer(c, *arg_at(call, 0), NULL);
  type_arg(c, call, 1, c->types->timestamp);
  return c->types->int_;
}

/* $insert, $drop: a list that changes, and an index and an element, or a number of them */
const struct type *quoted_change(struct checker *c, struct expr *call, const struct type *hint) {
  (void)hint;
  if (!check_place(c, *arg_at(call, 0), true)) return c->types->error;
  const struct type *list = (*arg_at(call, 0))->type;
  type_arg(c, call, 1, c->types->int_);
  if (call->call.args.count > 2) type_arg(c, call, 2, list->elem);
  return c->types->unit;
}

/* -- of aggregates (accumulator.c) --------------------------------------------------------------- */

/* Types all arguments from the one at `from` on; the type of the first one. */
static const struct type *type_args(struct checker *c, struct expr *call, size_t from) {
  for (size_t i = from; i < call->call.args.count; i++) *arg_at(call, i) = infer(c, *arg_at(call, i), NULL);
  return (*arg_at(call, 0))->type;
}

/* $after, $rank, $bucket */
const struct type *quoted_count(struct checker *c, struct expr *call, const struct type *hint) {
  (void)hint;
  type_args(c, call, 0);
  return c->types->int_;
}

/* $add_float, $add_moment, $add_moments: a place that changes, and what is added */
const struct type *quoted_gather(struct checker *c, struct expr *call, const struct type *hint) {
  (void)hint;
  if (!check_place(c, *arg_at(call, 0), true)) return c->types->error;
  type_args(c, call, 1);
  return c->types->unit;
}

/* $mean: a sum and a count; $deviation: moments */
const struct type *quoted_mean(struct checker *c, struct expr *call, const struct type *hint) {
  (void)hint;
  const struct type *type = type_args(c, call, 0);
  bool is_float = type->kind == TYPE_INT || type->kind == TYPE_RECORD;
  return is_float ? c->types->float_ : type;
}

/* $quantile: a histogram of values, and a part of them */
const struct type *quoted_quantile(struct checker *c, struct expr *call, const struct type *hint) {
  (void)hint;
  const struct type *histogram = type_args(c, call, 0);
  return histogram->fields.data[type_field_index(histogram, "low")].type->elem;
}
