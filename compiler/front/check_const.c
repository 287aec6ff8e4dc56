/* Constants: arithmetic on literals and `const` names is done here, so that an overflow is an error
 * of the program and not of its run, and so that later passes see literals only.
 */
#include "front/checker.h"

#include <math.h>
#include <string.h>

#include "base/limits.h"

const struct expr *constant_value(const struct expr *expr) {
  while (expr && expr->kind == EXPR_NAME && expr->name.ref == REF_CONST)
    expr = expr->name.decl->value;
  if (!expr || !expr->type) return NULL;
  switch (expr->kind) {
  case EXPR_INT:
  case EXPR_FLOAT:
  case EXPR_DECIMAL:
  case EXPR_STRING:
  case EXPR_BOOL:
  case EXPR_DURATION:
  case EXPR_TIMESTAMP: return expr;
  default: return NULL;
  }
}

/* -- folding --------------------------------------------------------------------------------- */

void report_overflow(struct checker *c, struct expr *expr, const char *why) {
  diag_error(c->diags, E0206, expr->span, "%s", why);
  expr->type = c->types->error;
}

static void become_integer(struct checker *c, struct expr *expr, int64_t value) {
  if (expr->type == c->types->duration) {
    expr->kind = EXPR_DURATION;
  } else {
    expr->kind = expr->type->kind == TYPE_DECIMAL      ? EXPR_DECIMAL
                 : expr->type == c->types->timestamp ? EXPR_TIMESTAMP
                                                     : EXPR_INT;
  }
  expr->integer = value;
}

/* 0001-01-01T00:00:00Z and the last microsecond of the year 9999. */
#define TIMESTAMP_MIN INT64_C(-62135596800000000)
#define TIMESTAMP_MAX INT64_C(253402300799999999)

static void fold_integers(struct checker *c, struct expr *expr, int64_t a, int64_t b) {
  int64_t value = 0;
  bool overflows = false;
  switch (expr->binary.op) {
  case BINARY_ADD: overflows = __builtin_add_overflow(a, b, &value); break;
  case BINARY_SUB: overflows = __builtin_sub_overflow(a, b, &value); break;
  case BINARY_MUL: overflows = __builtin_mul_overflow(a, b, &value); break;
  case BINARY_DIV:
  case BINARY_MOD:
    if (b == 0) {
      report_overflow(c, expr, "this divides by zero");
      return;
    }
    if (b == -1) {
      overflows = __builtin_sub_overflow((int64_t)0, a, &value);
      if (expr->binary.op == BINARY_MOD) value = 0, overflows = false;
    } else {
      value = expr->binary.op == BINARY_DIV ? a / b : a % b;
    }
    break;
  default: return;
  }
  if (expr->type == c->types->timestamp)
    overflows = overflows || value < TIMESTAMP_MIN || value > TIMESTAMP_MAX;
  if (overflows) {
    report_overflow(c, expr,
                    expr->type == c->types->timestamp
                        ? "this timestamp lies outside the years 0001 to 9999"
                        : "the value of this constant expression is out of range");
  } else {
    become_integer(c, expr, value);
  }
}

static void fold_floats(struct checker *c, struct expr *expr, double a, double b) {
  double value;
  switch (expr->binary.op) {
  case BINARY_ADD: value = a + b; break;
  case BINARY_SUB: value = a - b; break;
  case BINARY_MUL: value = a * b; break;
  case BINARY_DIV:
    if (b == 0) {
      report_overflow(c, expr, "this divides by zero");
      return;
    }
    value = a / b;
    break;
  default: return;
  }
  if (!isfinite(value)) {
    report_overflow(c, expr, "the value of this constant expression is out of range");
    return;
  }
  expr->kind = EXPR_FLOAT;
  expr->number = value;
}

static void fold_strings(struct checker *c, struct expr *expr, const struct expr *a,
                         const struct expr *b) {
  if (expr->binary.op != BINARY_CONCAT) return;
  size_t length = a->string.length + b->string.length;
  if (length > LIMIT_TEXT_BYTES) {
    diag_error(c->diags, E0109, expr->span, "this text has more than %u bytes", LIMIT_TEXT_BYTES);
    expr->type = c->types->error;
    return;
  }
  char *data = arena_alloc(c->arena, length + 1);
  memcpy(data, a->string.data, a->string.length);
  memcpy(data + a->string.length, b->string.data, b->string.length);
  data[length] = '\0';
  expr->kind = EXPR_STRING;
  expr->string.data = data;
  expr->string.length = length;
}

static bool is_integer(const struct expr *expr) {
  return expr->kind == EXPR_INT || expr->kind == EXPR_DURATION || expr->kind == EXPR_TIMESTAMP;
}

static void fold_unary(struct checker *c, struct expr *expr) {
  const struct expr *operand = constant_value(expr->unary.operand);
  if (!operand || expr->unary.op != UNARY_NEGATE) return;
  int64_t value;
  if (operand->kind == EXPR_FLOAT) {
    double number = -operand->number;
    expr->kind = EXPR_FLOAT;
    expr->number = number;
  } else if (__builtin_sub_overflow((int64_t)0, operand->integer, &value)) {
    report_overflow(c, expr, "the value of this constant expression is out of range");
  } else {
    become_integer(c, expr, value);
  }
}

void fold_constant(struct checker *c, struct expr *expr) {
  if (expr->type->kind == TYPE_ERROR) return;
  if (expr->kind == EXPR_UNARY) {
    fold_unary(c, expr);
    return;
  }
  const struct expr *a = constant_value(expr->binary.left);
  const struct expr *b = constant_value(expr->binary.right);
  if (!a || !b) return;
  if (is_integer(a) && is_integer(b)) {
    fold_integers(c, expr, a->integer, b->integer);
  } else if (a->kind == EXPR_DECIMAL || b->kind == EXPR_DECIMAL) {
    fold_decimals(c, expr, a, b);
  } else if (a->kind == EXPR_FLOAT && b->kind == EXPR_FLOAT) {
    fold_floats(c, expr, a->number, b->number);
  } else if (a->kind == EXPR_STRING && b->kind == EXPR_STRING) {
    fold_strings(c, expr, a, b);
  }
}

/* -- what is a constant ---------------------------------------------------------------------- */

/* The first part of the expression that is no constant, or null. */
static const struct expr *first_variable(const struct expr *expr);

static const struct expr *first_variable_field(const struct record_field_list *fields,
                                               const struct expr *whole) {
  vec_each(const struct record_field, field, fields) {
    const struct expr *found = field->value ? first_variable(field->value) : whole;
    if (found) return found;
  }
  return NULL;
}

static const struct expr *first_variable(const struct expr *expr) {
  if (expr->type->kind == TYPE_ERROR || constant_value(expr)) return NULL;
  const struct expr *found = NULL;
  switch (expr->kind) {
  case EXPR_NONE: return NULL;
  case EXPR_NAME:
    if (expr->name.ref == REF_VARIANT) return NULL;
    return expr->name.ref == REF_CONST && !expr->name.decl->depends_on_params ? NULL : expr;
  case EXPR_COERCE: return first_variable(expr->coerce.operand);
  case EXPR_LIST:
    vec_each(struct expr *, element, &expr->list) {
      if ((found = first_variable(*element))) return found;
    }
    return NULL;
  case EXPR_MAP:
    vec_each(const struct map_pair, pair, &expr->map) {
      if ((found = first_variable(pair->key)) || (found = first_variable(pair->value)))
        return found;
    }
    return NULL;
  case EXPR_RECORD: return first_variable_field(&expr->record.fields, expr);
  case EXPR_CALL:
    if (expr->call.kind != CALL_RECORD && expr->call.kind != CALL_VARIANT) return expr;
    return first_variable_field(&expr->call.fields, expr);
  default: return expr;
  }
}

/* How many values a checked expression consists of, at most LIMIT_VALUES + 1. */
static uint32_t count_values(const struct expr *expr) {
  uint32_t count = 1;
  const struct record_field_list *fields = NULL;
#define ADD(value) count = count > LIMIT_VALUES ? count : count + count_values(value)
  switch (expr->kind) {
  case EXPR_NAME:
    if (expr->name.ref == REF_CONST) count += expr->name.decl->value_count;
    break;
  case EXPR_COERCE: return count_values(expr->coerce.operand);
  case EXPR_LIST:
    vec_each(struct expr *const, element, &expr->list) ADD(*element);
    break;
  case EXPR_MAP:
    vec_each(const struct map_pair, pair, &expr->map) {
      ADD(pair->key);
      ADD(pair->value);
    }
    break;
  case EXPR_RECORD: fields = &expr->record.fields; break;
  case EXPR_CALL: fields = &expr->call.fields; break;
  default: break;
  }
  for (size_t i = 0; fields && i < fields->count; i++) {
    if (fields->data[i].value) ADD(fields->data[i].value);
  }
#undef ADD
  return count > LIMIT_VALUES ? LIMIT_VALUES + 1 : count;
}

void check_count_values(struct checker *c, struct decl *decl) {
  if (decl->value->type->kind == TYPE_ERROR) return;
  decl->depends_on_params = first_variable(decl->value) != NULL;
  decl->value_count = count_values(decl->value);
  if (decl->value_count <= LIMIT_VALUES) return;
  diag_error(c->diags, E0109, decl->value->span, "this constant has more than %d values",
             LIMIT_VALUES);
  decl->value->type = c->types->error;
}

struct expr *check_constant(struct checker *c, struct expr *expr, const struct type *expected,
                            bool may_use_params) {
  struct scope outer = c->scope;
  uint32_t local_count = 0;
  c->scope = check_new_scope(PLACE_CONSTANT, &local_count);
  c->scope.stage = outer.stage;
  c->scope.instance = outer.instance;
  c->scope.is_library = outer.is_library;
  expr = check_expr(c, expr, expected);
  if (expr->type->kind != TYPE_ERROR) report_failures(c);
  const struct expr *variable = may_use_params ? NULL : first_variable(expr);
  if (variable) {
    struct diag *diag = diag_error(c->diags, E0207, variable->span, "this is not a constant");
    diag_note(diag, "literals, `const` names, arithmetic on them, and lists, maps and records of "
                    "them are constants");
    expr->type = c->types->error;
  }
  c->scope = outer;
  return expr;
}
