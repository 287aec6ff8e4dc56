/* Calls of the functions that aggregates are made of: the text of front/accumulator.c. */
#include "back/code.h"
#include "front/builtin.h"

static const struct expr *arg(const struct expr *call, size_t index) {
  return call->call.args.data[index].value;
}

/* -- places in sorted lists ---------------------------------------------------------------------- */

/* A C condition: whether `a` comes before `b`, both of the type. */
static const char *is_less(struct code *c, const struct type *type, const char *a, const char *b) {
  if (code_is_scalar(type)) return code_printf(c, "%s < %s", a, b);
  return code_printf(c, "%s(%s, %s) < 0", emit_helper(c->e, HELPER_COMPARE, type), code_address(c, a),
                     code_address(c, b));
}

/* The operand of the last element in front of the index `at`. */
static const char *element_before(struct code *c, const struct type *list, const char *operand,
                                  const char *at) {
  return code_printf(c, "%s[%s - 1]", emit_list_data(c->e, list, code_address(c, operand)), at);
}

/* Walks from the end, where most values belong, to behind the last element that the new one does not precede. */
static const char *search(struct code *c, const struct expr *call, const char **args) {
  const struct type *list = arg(call, 0)->type;
  const char *at = code_temp(c, call->type, code_printf(c, "%s", code_member(c, args[0], "length")));
  const char *before = element_before(c, list, args[0], at);
  const char *precedes;
  if (call->call.builtin->id == BUILTIN_QUOTED_AFTER) {
    precedes = is_less(c, list->elem, args[1], before);
  } else {
    precedes = is_less(c, list->elem, before, args[1]);
    if (call->call.args.count == 4)
      precedes = code_printf(c, "(%s || (!(%s) && %s > %s))", precedes,
                             is_less(c, list->elem, args[1], before),
                             element_before(c, arg(call, 2)->type, args[2], at), args[3]);
  }
  code_put(c, "while (%s > 0 && %s) %s--;", at, precedes, at);
  return at;
}

/* -- numbers ------------------------------------------------------------------------------------- */

/* The C expression of a double for a number of any type: an int beyond 2^53 is rounded. */
static const char *as_double(struct code *c, const struct type *type, const char *operand) {
  if (type->kind == TYPE_DECIMAL)
    return code_printf(c, "flow_float_of_decimal(%s, %u)", operand, type->scale);
  return type->kind == TYPE_FLOAT ? operand : code_printf(c, "(double)%s", operand);
}

static const char *mean(struct code *c, const struct expr *call, const char **args) {
  switch (arg(call, 0)->type->kind) {
  case TYPE_INT: return code_printf(c, "flow_mean_int(%s, %s)", args[0], args[1]);
  case TYPE_FLOAT: return code_printf(c, "(%s / (double)%s)", args[0], args[1]);
  default: return code_printf(c, "flow_decimal_mean(%s, (uint64_t)%s)", args[0], args[1]);
  }
}

static const char *deviation(struct code *c, const char *moments) {
  return code_printf(c, "__builtin_sqrt(%s / (double)(%s - 1))", code_member(c, moments, "f_squares"),
                     code_member(c, moments, "f_count"));
}

static const char *bucket(struct code *c, const struct expr *call, const char *number) {
  bool is_float = arg(call, 0)->type->kind == TYPE_FLOAT;
  return code_printf(c, "flow_bucket_%s(%s)", is_float ? "float" : "int", number);
}

static const char *quantile(struct code *c, const struct expr *call, const char **args) {
  const char *value = code_printf(
      c, "flow_quantile_%s(w->arena, &%s, %s, %s, %s)", call->type->kind == TYPE_FLOAT ? "float" : "int",
      code_member(c, args[0], "f_counts"), args[1], code_member(c, args[0], "f_low.value"),
      code_member(c, args[0], "f_high.value"));
  return code_temp(c, call->type, value);
}

const char *code_aggregate(struct code *c, const struct expr *call, const char **args) {
  switch (call->call.builtin->id) {
  case BUILTIN_QUOTED_AFTER:
  case BUILTIN_QUOTED_RANK: return search(c, call, args);
  case BUILTIN_QUOTED_MEAN: return mean(c, call, args);
  case BUILTIN_QUOTED_DEVIATION: return deviation(c, args[0]);
  case BUILTIN_QUOTED_BUCKET: return bucket(c, call, args[0]);
  case BUILTIN_QUOTED_QUANTILE: return quantile(c, call, args);
  default: return NULL;
  }
}

/* -- changes ------------------------------------------------------------------------------------- */

/* The addresses of the fields of a place, as arguments. */
static const char *addresses(struct code *c, const char *place, const char *const *fields, size_t count) {
  const char *all = "";
  for (size_t i = 0; i < count; i++)
    all = code_printf(c, "%s&%s, ", all, code_member(c, place, fields[i]));
  return all;
}

bool code_aggregate_mutator(struct code *c, const struct expr *call) {
  static const char *const sum[] = {"f_sum", "f_rest"}, *const moments[] = {"f_count", "f_mean", "f_squares"};
  enum builtin_id id = call->call.builtin->id;
  bool is_ours = id == BUILTIN_QUOTED_ADD_FLOAT || id == BUILTIN_QUOTED_ADD_MOMENT ||
                 id == BUILTIN_QUOTED_ADD_MOMENTS;
  if (!is_ours) return false;
  const char *value = code_expr(c, arg(call, 1));
  const char *place = code_place(c, arg(call, 0));
  const char *reason = id == BUILTIN_QUOTED_ADD_FLOAT ? "the sum is not a finite number"
                                               : "the deviation is not a finite number";
  const char *call_text;
  if (id == BUILTIN_QUOTED_ADD_FLOAT)
    call_text = code_printf(c, "flow_sum_add(%s%s)", addresses(c, place, sum, 2), value);
  else if (id == BUILTIN_QUOTED_ADD_MOMENT)
    call_text = code_printf(c, "flow_moments_add(%s%s)", addresses(c, place, moments, 3),
                            as_double(c, arg(call, 1)->type, value));
  else
    call_text = code_printf(c, "flow_moments_merge(%s%s, %s, %s)", addresses(c, place, moments, 3),
                            code_member(c, value, moments[0]), code_member(c, value, moments[1]),
                            code_member(c, value, moments[2]));
  code_put(c, "if (!%s) %s", call_text, code_fault(c, call->span, reason));
  return true;
}
