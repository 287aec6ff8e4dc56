/* Arithmetic: every overflow is a fault, every possible division by zero a failure, floats stay
 * finite (language rules 16, 17 and 19). */
#include "back/code.h"

static bool is_nonzero(const struct expr *expr) {
  switch (expr->kind) {
  case EXPR_INT:
  case EXPR_DECIMAL:
  case EXPR_DURATION: return expr->integer != 0;
  case EXPR_FLOAT: return expr->number != 0;
  default: return false;
  }
}

static const char *float_result(struct code *c, const char *temp, struct span span) {
  code_put(c, "if (!__builtin_isfinite(%s)) %s", temp,
           code_fault(c, span, "the result is not a finite number"));
  return temp;
}

static const char *float_op(struct code *c, enum binary_op op, const struct type *type,
                            const struct expr *divisor, struct span span, const char *a,
                            const char *b) {
  static const char signs[] = {[BINARY_ADD] = '+', [BINARY_SUB] = '-', [BINARY_MUL] = '*',
                               [BINARY_DIV] = '/'};
  if (op == BINARY_DIV && !is_nonzero(divisor))
    code_put(c, "if (%s == 0) %s", b, code_fail(c, span, "division by zero"));
  if (op == BINARY_MOD) {
    if (!is_nonzero(divisor))
      code_put(c, "if (%s == 0) %s", b, code_fail(c, span, "division by zero"));
    return code_temp(c, type, code_printf(c, "__builtin_fmod(%s, %s)", a, b));
  }
  return float_result(c, code_temp(c, type, code_printf(c, "%s %c %s", a, signs[op], b)), span);
}

/* `/` truncates and `%` has the dividend's sign, as in C; C leaves MIN / -1 undefined. */
static const char *int_division(struct code *c, enum binary_op op, const struct type *type,
                                const struct expr *divisor, struct span span, const char *a,
                                const char *b) {
  bool is_safe = is_nonzero(divisor);
  bool is_minus_one = is_safe && divisor->integer == -1;
  if (!is_safe) code_put(c, "if (%s == 0) %s", b, code_fail(c, span, "division by zero"));
  if (op == BINARY_MOD) {
    if (is_minus_one) return "0";
    if (is_safe) return code_temp(c, type, code_printf(c, "%s %% %s", a, b));
    return code_temp(c, type, code_printf(c, "%s == -1 ? 0 : %s %% %s", b, a, b));
  }
  bool may_be_min = a[0] < '0' || a[0] > '9'; /* a literal is not */
  if (may_be_min && (!is_safe || is_minus_one)) {
    const char *fault = code_fault(c, span, "the division overflows");
    code_put(c, "if (%s == -1 && %s == INT64_MIN) %s", b, a, fault);
  }
  return code_temp(c, type, code_printf(c, "%s / %s", a, b));
}

/* To the nearest in the scale of the left side, halves to even (language rule 18). */
static const char *decimal_division(struct code *c, const struct type *type,
                                    const struct expr *divisor, struct span span, const char *a,
                                    const char *b) {
  if (!is_nonzero(divisor))
    code_put(c, "if (%s == 0) %s", b, code_fail(c, span, "division by zero"));
  const char *temp = code_temp(c, type, NULL);
  uint32_t scale = divisor->type->kind == TYPE_DECIMAL ? divisor->type->scale : 0;
  code_put(c, "if (!flow_decimal_div(%s, %s, flow_decimal_one(%u), &%s)) %s", a, b, scale, temp,
           code_fault(c, span, "the division overflows"));
  return temp;
}

static const char *int_op(struct code *c, enum binary_op op, const struct type *type,
                          struct span span, const char *a, const char *b) {
  static const char *const words[] = {
      [BINARY_ADD] = "add", [BINARY_SUB] = "sub", [BINARY_MUL] = "mul"};
  static const char *const reasons[] = {[BINARY_ADD] = "the sum overflows",
                                        [BINARY_SUB] = "the difference overflows",
                                        [BINARY_MUL] = "the product overflows"};
  const char *temp = code_temp(c, type, NULL);
  const char *limit = "";
  const char *reason = reasons[op];
  if (type->kind == TYPE_TIMESTAMP) {
    limit = code_printf(c, " || %s < FLOW_TIME_MIN || %s > FLOW_TIME_MAX", temp, temp);
    reason = "the time is outside of the years 1 to 9999";
  }
  code_put(c, "if (__builtin_%s_overflow(%s, %s, &%s)%s) %s", words[op], a, b, temp, limit,
           code_fault(c, span, reason));
  return temp;
}

const char *code_arithmetic_op(struct code *c, enum binary_op op, const struct type *left,
                               const struct expr *divisor, const struct type *result,
                               struct span span, const char *a, const char *b) {
  if (left->kind == TYPE_FLOAT) return float_op(c, op, result, divisor, span, a, b);
  if (op == BINARY_DIV && left->kind == TYPE_DECIMAL)
    return decimal_division(c, result, divisor, span, a, b);
  if (op == BINARY_DIV || op == BINARY_MOD)
    return int_division(c, op, result, divisor, span, a, b);
  return int_op(c, op, result, span, a, b);
}

const char *code_arithmetic(struct code *c, const struct expr *expr, const char *a,
                            const char *b) {
  return code_arithmetic_op(c, expr->binary.op, expr->binary.left->type, expr->binary.right,
                            expr->type, expr->span, a, b);
}

const char *code_unary(struct code *c, const struct expr *expr) {
  const struct expr *operand = expr->unary.operand;
  const char *value = code_expr(c, operand);
  if (expr->unary.op == UNARY_NOT) return code_printf(c, "(!%s)", value);
  if (expr->type->kind == TYPE_FLOAT) return code_printf(c, "(-%s)", value);
  if (operand->kind == EXPR_INT || operand->kind == EXPR_DECIMAL || operand->kind == EXPR_DURATION)
    return code_printf(c, "(-%s)", value);
  return int_op(c, BINARY_SUB, expr->type, expr->span, "(int64_t)0", value);
}
