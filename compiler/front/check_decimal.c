/* Decimals: which scale a literal takes, the types of arithmetic (language rule 18), and what to write
 * where two scales, or a decimal and another number, meet.
 */
#include "front/checker.h"

#include <string.h>

#include "front/decimal.h"

static bool is_decimal(const struct type *type) {
  return type && type->kind == TYPE_DECIMAL;
}

/* -- the type as written --------------------------------------------------------------------- */

const struct type *decimal_of_syntax(struct checker *c, const struct type_syntax *syntax) {
  int64_t scale = syntax->scale ? syntax->scale->integer : -1;
  if (scale >= 0 && scale <= DECIMAL_SCALE) return type_decimal(c->types, (uint32_t)scale);
  struct diag *diag;
  if (syntax->scale) {
    diag = diag_error(c->diags, E0209, syntax->scale->span,
                      "a decimal has 0 to %d digits behind the point", DECIMAL_SCALE);
  } else {
    diag = diag_error(c->diags, E0209, syntax->span,
                      "`decimal` takes the number of digits behind the point");
  }
  diag_help(diag, "money with cents is  decimal[2]");
  return c->types->error;
}

/* -- literals -------------------------------------------------------------------------------- */

static const char *literal_text(const struct checker *c, const struct expr *expr) {
  return sources_text(&c->compiler->sources, expr->span);
}

/* Whether the node is a number as it is written, and not the result of arithmetic on floats. */
static bool is_written(const struct checker *c, const struct expr *expr) {
  return expr->kind == EXPR_FLOAT && decimal_digits(literal_text(c, expr), expr->span.length) >= 0;
}

static enum decimal_fit fit(const struct checker *c, const struct expr *expr, uint32_t scale,
                            int64_t *value) {
  if (expr->kind == EXPR_FLOAT)
    return decimal_read(literal_text(c, expr), expr->span.length, scale, value);
  bool is_over = __builtin_mul_overflow(expr->integer, decimal_one(scale), value);
  return is_over ? DECIMAL_TOO_LARGE : DECIMAL_FITS;
}

bool decimal_of_literal(struct checker *c, struct expr *expr, const struct type *type) {
  int64_t value;
  if (expr->kind != EXPR_INT && !is_written(c, expr)) return false;
  if (fit(c, expr, type->scale, &value) != DECIMAL_FITS) return false;
  expr->kind = EXPR_DECIMAL;
  expr->integer = value;
  expr->type = type;
  return true;
}

/* A number with a point becomes a decimal with just the digits that it has. */
static void take_own_digits(struct checker *c, struct expr *expr) {
  if (!is_written(c, expr)) return;
  int digits = decimal_digits(literal_text(c, expr), expr->span.length);
  if (digits <= DECIMAL_SCALE) decimal_of_literal(c, expr, type_decimal(c->types, (uint32_t)digits));
}

bool report_decimal_literal(struct checker *c, const struct expr *expr, const struct type *type) {
  if (type->kind == TYPE_OPTIONAL) type = type->elem;
  if (!is_decimal(type) || (expr->kind != EXPR_INT && !is_written(c, expr))) return false;
  int64_t value;
  switch (fit(c, expr, type->scale, &value)) {
  case DECIMAL_FITS: return false;
  case DECIMAL_TOO_LARGE:
    diag_error(c->diags, E0104, expr->span, "this number is too large for `%s`", type->name);
    return true;
  case DECIMAL_TOO_FINE: break;
  }
  int digits = decimal_digits(literal_text(c, expr), expr->span.length);
  struct diag *diag = diag_error(c->diags, E0104, expr->span,
                                 "this number has %d digit%s behind the point, and `%s` keeps %u",
                                 digits, digits == 1 ? "" : "s", type->name, type->scale);
  if (digits <= DECIMAL_SCALE) diag_help(diag, "a type that keeps all is `decimal[%d]`", digits);
  return true;
}

/* -- arithmetic ------------------------------------------------------------------------------ */

const struct type *operand_hint(enum binary_op op, const struct type *type) {
  bool is_scaled = op == BINARY_MUL || op == BINARY_DIV || op == BINARY_MOD;
  return is_decimal(type) && is_scaled ? NULL : type;
}

void adapt_decimals(struct checker *c, enum binary_op op, struct expr *left, struct expr *right,
                    const struct type *hint) {
  const struct type *decimal = is_decimal(left->type)    ? left->type
                               : is_decimal(right->type) ? right->type
                               : is_decimal(hint)        ? hint
                                                         : NULL;
  if (!decimal) return;
  if (op == BINARY_MUL) {
    take_own_digits(c, left);
    take_own_digits(c, right);
  } else if (op == BINARY_DIV) {
    /* The left side has the scale of the result. */
    if (is_decimal(hint))
      decimal_of_literal(c, left, hint);
    else if (left->kind == EXPR_INT)
      decimal_of_literal(c, left, decimal);
    take_own_digits(c, left);
    take_own_digits(c, right);
  } else {
    if (!is_decimal(left->type)) decimal_of_literal(c, left, decimal);
    if (!is_decimal(right->type)) decimal_of_literal(c, right, decimal);
  }
}

const struct type *decimal_result(struct checker *c, enum binary_op op, const struct type *left,
                                  const struct type *right) {
  bool is_left = is_decimal(left), is_right = is_decimal(right);
  switch (op) {
  case BINARY_ADD:
  case BINARY_SUB: return left == right ? left : NULL;
  case BINARY_MUL:
    if (is_left && is_right) {
      uint32_t scale = left->scale + right->scale;
      return scale <= DECIMAL_SCALE ? type_decimal(c->types, scale) : NULL;
    }
    if (is_left) return right->kind == TYPE_INT ? left : NULL;
    return left->kind == TYPE_INT ? right : NULL;
  case BINARY_DIV: return is_left && (is_right || right->kind == TYPE_INT) ? left : NULL;
  default: return NULL;
  }
}

void fold_decimals(struct checker *c, struct expr *expr, const struct expr *a,
                   const struct expr *b) {
  int64_t value = 0;
  bool overflows = false;
  switch (expr->binary.op) {
  case BINARY_ADD: overflows = __builtin_add_overflow(a->integer, b->integer, &value); break;
  case BINARY_SUB: overflows = __builtin_sub_overflow(a->integer, b->integer, &value); break;
  case BINARY_MUL: overflows = __builtin_mul_overflow(a->integer, b->integer, &value); break;
  case BINARY_DIV:
    if (b->integer == 0) {
      report_overflow(c, expr, "this divides by zero");
      return;
    }
    overflows = !decimal_divide(a->integer, b->integer,
                                b->kind == EXPR_DECIMAL ? decimal_one(b->type->scale) : 1, &value);
    break;
  default: return;
  }
  if (overflows) {
    report_overflow(c, expr, "the value of this constant expression is out of range");
    return;
  }
  expr->kind = EXPR_DECIMAL;
  expr->integer = value;
}

/* -- what to write instead ------------------------------------------------------------------- */

/* The source text of the expression if it is short, else dots. */
static const char *shown(struct checker *c, const struct expr *expr) {
  const char *text = text_of(c, expr, NULL);
  return text ? arena_strndup(c->arena, text + 1, strlen(text) - 2) : "…";
}

const char *decimal_conversion(struct checker *c, const struct type *from, const struct type *to) {
  if (is_decimal(from) && to->kind == TYPE_FLOAT) return "float(…)";
  if (is_decimal(from) && to->kind == TYPE_INT) return "int(…)";
  if (!is_decimal(to)) return NULL;
  uint32_t scale = to->scale;
  switch (from->kind) {
  case TYPE_DECIMAL: return arena_printf(c->arena, "round(…, %u)", scale);
  case TYPE_INT: return arena_printf(c->arena, "decimal(…, %u)", scale);
  case TYPE_FLOAT: return arena_printf(c->arena, "decimal(…, %u) ?? 0", scale);
  case TYPE_STRING: return arena_printf(c->arena, "parse_decimal(…, %u) ?? 0", scale);
  default: return NULL;
  }
}

bool help_decimals(struct checker *c, struct diag *diag, const struct expr *left,
                   const struct expr *right, enum binary_op op) {
  if (!is_decimal(left->type) && !is_decimal(right->type)) return false;
  const struct expr *decimal = is_decimal(left->type) ? left : right;
  const struct expr *other = decimal == left ? right : left;
  uint32_t scale = decimal->type->scale;
  switch (other->type->kind) {
  case TYPE_DECIMAL:
    if (op == BINARY_MUL && left->type->scale + right->type->scale <= DECIMAL_SCALE) {
      diag_help(diag, "the product has more digits behind the point:  %s = round(%s * %s, %u)",
                shown(c, left), shown(c, left), shown(c, right), left->type->scale);
    } else if (op == BINARY_MUL) {
      diag_note(diag, "the product would have %u digits behind the point, and %d is the most",
                left->type->scale + right->type->scale, DECIMAL_SCALE);
      diag_help(diag, "round one of them first:  round(%s, 2)", shown(c, decimal));
    } else if (left->type->scale != right->type->scale) {
      const struct expr *finer = scale > other->type->scale ? decimal : other;
      diag_help(diag, "bring them to one number of digits:  round(%s, %u)", shown(c, finer),
                finer == decimal ? other->type->scale : scale);
    } else {
      diag_note(diag, "decimals are added, subtracted, multiplied and divided");
    }
    return true;
  case TYPE_FLOAT:
    diag_note(diag, "a float is not exact, so the two do not mix by themselves");
    diag_help(diag, "make a decimal of it:  (decimal(%s, %u) ?? 0)", shown(c, other), scale);
    diag_help(diag, "or a float of the other:  float(%s)", shown(c, decimal));
    return true;
  case TYPE_INT:
    diag_help(diag, "convert the int:  decimal(%s, %u)", shown(c, other), scale);
    return true;
  default: return false;
  }
}
