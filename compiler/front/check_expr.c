/* Types of expressions. Expected types flow down as hints, so that `none`, `[]`, bare variants and
 * literals find their type; found types flow up; coerce() settles the rest.
 */
#include "front/checker.h"

#include <string.h>

struct expr *check_expr(struct checker *c, struct expr *expr, const struct type *expected) {
  expr = infer(c, expr, expected);
  return expected ? coerce(c, expr, expected) : require_concrete(c, expr);
}

struct expr *check_item_expr(struct checker *c, struct expr *expr, const struct type *item,
                             const struct type *expected) {
  uint32_t local_count = 0;
  struct scope outer = c->scope;
  c->scope = check_new_scope(PLACE_WHERE, &local_count);
  c->scope.item = item;
  expr = check_expr(c, expr, expected);
  c->scope = outer;
  return expr;
}

static bool is_foreign_name(const struct expr *expr, const void *context) {
  const struct checker *c = context;
  if (expr->kind != EXPR_NAME) return expr_any_child(expr, is_foreign_name, context);
  return !map_get(&c->symbols->values, expr->name.text) &&
         !map_get(&c->symbols->types, expr->name.text);
}

bool check_names_item(struct checker *c, const struct expr *expr) {
  return is_foreign_name(expr, c);
}

static struct expr *fail_type(struct checker *c, struct expr *expr) {
  expr->type = c->types->error;
  return expr;
}

static bool is_error(const struct expr *expr) {
  return expr->type->kind == TYPE_ERROR;
}

static const struct type *plain(const struct type *type) {
  return type && type->kind == TYPE_OPTIONAL ? type->elem : type;
}

const char *text_of(struct checker *c, const struct expr *expr, const char *otherwise) {
  if (expr->span.length == 0 || expr->span.length > 30) return otherwise;
  const char *text = sources_text(&c->compiler->sources, expr->span);
  if (memchr(text, '\n', expr->span.length)) return otherwise;
  return arena_printf(c->arena, "`%.*s`", (int)expr->span.length, text);
}

/* -- operators ------------------------------------------------------------------------------- */

static struct expr *infer_unary(struct checker *c, struct expr *expr, const struct type *hint) {
  if (expr->unary.op == UNARY_NOT) {
    expr->unary.operand = check_expr(c, expr->unary.operand, c->types->bool_);
    expr->type = c->types->bool_;
    return expr;
  }
  struct expr *operand = expr->unary.operand = infer(c, expr->unary.operand, hint);
  expr->type = operand->type;
  if (is_error(operand)) return expr;
  if (report_json_operand(c, operand, NULL)) return fail_type(c, expr);
  if (operand->type->kind == TYPE_OPTIONAL) {
    report_absent(c, operand);
    return fail_type(c, expr);
  }
  if (!type_is_numeric(operand->type)) {
    diag_error(c->diags, E0205, expr->span, "`-` needs a number, this is `%s`",
               type_name(c->types, operand->type));
    return fail_type(c, expr);
  }
  if (operand->type->kind != TYPE_FLOAT && !constant_value(operand)) note_fault(c);
  fold_constant(c, expr);
  return expr;
}

static bool is_text_beside_bytes(const struct type *a, const struct type *b) {
  return (a->kind == TYPE_STRING && b->kind == TYPE_BYTES) ||
         (a->kind == TYPE_BYTES && b->kind == TYPE_STRING);
}

static void help_bytes(struct diag *diag) {
  diag_help(diag, "make bytes of the text:  bytes(…)");
}

static void report_operands(struct checker *c, struct expr *expr) {
  struct expr *left = expr->binary.left, *right = expr->binary.right;
  if (report_json_operand(c, left, right) || report_json_operand(c, right, left)) return;
  if (left->type->kind == TYPE_OPTIONAL || right->type->kind == TYPE_OPTIONAL) {
    report_absent(c, left->type->kind == TYPE_OPTIONAL ? left : right);
    return;
  }
  if (report_decimal_literal(c, left, right->type) || report_decimal_literal(c, right, left->type))
    return;
  struct diag *diag = diag_error(c->diags, E0205, expr->binary.op_span,
                                 "`%s` does not work on `%s` and `%s`", binary_op_text(expr->binary.op),
                                 type_name(c->types, left->type), type_name(c->types, right->type));
  diag_label(diag, left->span, "`%s`", type_name(c->types, left->type));
  diag_label(diag, right->span, "`%s`", type_name(c->types, right->type));
  bool has_string = left->type->kind == TYPE_STRING || right->type->kind == TYPE_STRING;
  bool has_int = left->type->kind == TYPE_INT || right->type->kind == TYPE_INT;
  bool has_float = left->type->kind == TYPE_FLOAT || right->type->kind == TYPE_FLOAT;
  bool has_bytes = left->type->kind == TYPE_BYTES || right->type->kind == TYPE_BYTES;
  if (left->type == right->type && has_string && expr->binary.op == BINARY_ADD) {
    diag_help(diag, "strings are joined with `++`");
  } else if (left->type == right->type && has_bytes && expr->binary.op == BINARY_ADD) {
    diag_help(diag, "bytes are joined with `++`");
  } else if (is_text_beside_bytes(left->type, right->type)) {
    help_bytes(diag);
  } else if (help_decimals(c, diag, left, right, expr->binary.op)) {
    return;
  } else if (has_string && (expr->binary.op == BINARY_ADD || expr->binary.op == BINARY_CONCAT)) {
    diag_help(diag, "put the values into a text:  f\"{…}{…}\"");
  } else if (has_int && has_float) {
    const struct expr *integer = left->type->kind == TYPE_INT ? left : right;
    diag_help(diag, "convert the int:  float(%.*s)",
              integer->span.length > 40 ? 1 : (int)integer->span.length,
              integer->span.length > 40 ? "…" : sources_text(&c->compiler->sources, integer->span));
  } else if (left->type->kind == TYPE_LIST && expr->binary.op == BINARY_ADD) {
    diag_help(diag, "lists are joined with `++`");
  } else if (has_int && (left->type->kind == TYPE_DURATION || right->type->kind == TYPE_DURATION)) {
    diag_help(diag, "a duration has a unit:  10s, 1h30m");
  }
}

const struct type *arithmetic_type(struct checker *c, enum binary_op op, const struct type *left,
                                   const struct type *right) {
  struct types *t = c->types;
  enum type_kind a = left->kind, b = right->kind;
  if (a == TYPE_DECIMAL || b == TYPE_DECIMAL) return decimal_result(c, op, left, right);
  if (a == TYPE_INT && b == TYPE_INT) return t->int_;
  if (a == TYPE_FLOAT && b == TYPE_FLOAT) return op == BINARY_MOD ? NULL : t->float_;
  switch (op) {
  case BINARY_ADD:
    if (a == TYPE_DURATION && b == TYPE_DURATION) return t->duration;
    if (a == TYPE_TIMESTAMP && b == TYPE_DURATION) return t->timestamp;
    if (a == TYPE_DURATION && b == TYPE_TIMESTAMP) return t->timestamp;
    return NULL;
  case BINARY_SUB:
    if (a == TYPE_DURATION && b == TYPE_DURATION) return t->duration;
    if (a == TYPE_TIMESTAMP && b == TYPE_DURATION) return t->timestamp;
    if (a == TYPE_TIMESTAMP && b == TYPE_TIMESTAMP) return t->duration;
    return NULL;
  case BINARY_MUL:
    if (a == TYPE_DURATION && b == TYPE_INT) return t->duration;
    if (a == TYPE_INT && b == TYPE_DURATION) return t->duration;
    return NULL;
  case BINARY_DIV:
    if (a == TYPE_DURATION && b == TYPE_INT) return t->duration;
    if (a == TYPE_DURATION && b == TYPE_DURATION) return t->int_;
    return NULL;
  default: return NULL;
  }
}

/* Notes how a division, which is no constant, can go wrong. */
static void note_division(struct checker *c, struct expr *expr) {
  const struct expr *divisor = constant_value(expr->binary.right);
  bool is_float = expr->type->kind == TYPE_FLOAT;
  if (!divisor) {
    const char *name = text_of(c, expr->binary.right, "the divisor");
    note_failure(c, expr, expr->binary.op_span,
                 expr->binary.op == BINARY_MOD ? "this remainder" : "this division",
                 arena_printf(c->arena, "%s may be 0", name));
    note_fault(c);
    return;
  }
  bool is_zero = divisor->kind == EXPR_FLOAT ? divisor->number == 0 : divisor->integer == 0;
  if (is_zero) {
    diag_error(c->diags, E0206, expr->span, "this divides by zero");
    expr->type = c->types->error;
  } else if (is_float || expr->type->kind == TYPE_DECIMAL || divisor->integer == -1) {
    note_fault(c);
  }
}

bool needs_context(struct checker *c, const struct expr *expr) {
  switch (expr->kind) {
  case EXPR_NONE:
  case EXPR_INT:
  case EXPR_FLOAT:
  case EXPR_RECORD: return true;
  case EXPR_UNARY: return expr->unary.op == UNARY_NEGATE && needs_context(c, expr->unary.operand);
  case EXPR_LIST: return expr->list.count == 0 || needs_context(c, expr->list.data[0]);
  case EXPR_NAME: return !name_is_visible(c, expr->name.text);
  case EXPR_CALL:
    return !expr->call.is_method && !find_function(c, expr->call.name.text) &&
           !find_declared_type(c, expr->call.name.text) &&
           !builtin_find(expr->call.name.text);
  default: return false;
  }
}

/* Infers both operands, the one that brings a type first; the other gets that type as its hint. */
static void infer_operands(struct checker *c, struct expr *expr, const struct type *hint) {
  struct expr **left = &expr->binary.left, **right = &expr->binary.right;
  enum binary_op op = expr->binary.op;
  hint = operand_hint(op, hint);
  if (needs_context(c, *left) && !needs_context(c, *right)) {
    *right = infer(c, *right, hint);
    *left = infer(c, *left, operand_hint(op, (*right)->type));
  } else {
    *left = infer(c, *left, hint);
    *right = infer(c, *right, operand_hint(op, (*left)->type));
  }
}

/* A literal int beside a float becomes one; a literal beside a decimal, or where one is wanted, too. */
static void adapt_operands(struct checker *c, struct expr *expr, const struct type *hint) {
  struct expr **left = &expr->binary.left, **right = &expr->binary.right;
  struct expr *converted;
  adapt_decimals(c, expr->binary.op, *left, *right, hint);
  if ((*left)->type->kind == TYPE_FLOAT && (*right)->kind == EXPR_INT) {
    if ((converted = try_coerce(c, *right, (*left)->type))) *right = converted;
  } else if ((*right)->type->kind == TYPE_FLOAT && (*left)->kind == EXPR_INT) {
    if ((converted = try_coerce(c, *left, (*right)->type))) *left = converted;
  }
}

static struct expr *infer_arithmetic(struct checker *c, struct expr *expr,
                                     const struct type *hint) {
  hint = plain(hint);
  infer_operands(c, expr, hint && type_is_numeric(hint) ? hint : NULL);
  struct expr *left = expr->binary.left, *right = expr->binary.right;
  if (is_error(left) || is_error(right)) return fail_type(c, expr);
  adapt_operands(c, expr, hint);
  expr->type = arithmetic_type(c, expr->binary.op, left->type, right->type);
  if (!expr->type) {
    report_operands(c, expr);
    return fail_type(c, expr);
  }
  enum binary_op op = expr->binary.op;
  fold_constant(c, expr);
  if (expr->kind != EXPR_BINARY || is_error(expr)) return expr;
  if (op == BINARY_DIV || op == BINARY_MOD) {
    note_division(c, expr);
  } else {
    note_fault(c);
  }
  return expr;
}

static struct expr *infer_concat(struct checker *c, struct expr *expr, const struct type *hint) {
  infer_operands(c, expr, plain(hint));
  struct expr *left = expr->binary.left, *right = expr->binary.right;
  if (is_error(left) || is_error(right)) return fail_type(c, expr);
  const struct type *type = NULL;
  if (left->type->kind != TYPE_OPTIONAL && right->type->kind != TYPE_OPTIONAL)
    type = join_types(c, left->type, right->type);
  if (!type || (type->kind != TYPE_STRING && type->kind != TYPE_BYTES && type->kind != TYPE_LIST &&
                type->kind != TYPE_EMPTY)) {
    report_operands(c, expr);
    return fail_type(c, expr);
  }
  expr->binary.left = coerce(c, left, type);
  expr->binary.right = coerce(c, right, type);
  expr->type = type;
  if (type->kind == TYPE_STRING || type->kind == TYPE_BYTES) fold_constant(c, expr);
  return expr;
}

static struct expr *infer_logic(struct checker *c, struct expr *expr) {
  expr->binary.left = check_expr(c, expr->binary.left, c->types->bool_);
  expr->binary.right = check_expr(c, expr->binary.right, c->types->bool_);
  expr->type = c->types->bool_;
  return expr;
}

/* `x == none` for an x that is always there. */
static bool report_never_none(struct checker *c, struct expr *expr) {
  const struct expr *left = expr->binary.left, *right = expr->binary.right;
  const struct expr *other = left->kind == EXPR_NONE ? right : left;
  if (left->type->kind != TYPE_NONE && right->type->kind != TYPE_NONE) return false;
  if (other->type->kind == TYPE_OPTIONAL || other->type->kind == TYPE_NONE) return false;
  struct diag *diag =
      diag_error(c->diags, E0205, expr->span, "this is never `none`: it has type `%s`",
                 type_name(c->types, other->type));
  diag_label(diag, other->span, "always there");
  return true;
}

static struct expr *infer_equality(struct checker *c, struct expr *expr) {
  infer_operands(c, expr, NULL);
  struct expr *left = expr->binary.left, *right = expr->binary.right;
  expr->type = c->types->bool_;
  if (is_error(left) || is_error(right)) return expr;
  if (report_never_none(c, expr)) return expr;
  const struct type *type = join_types(c, left->type, right->type);
  struct expr *new_left = type ? try_coerce(c, left, type) : NULL;
  struct expr *new_right = type ? try_coerce(c, right, type) : NULL;
  if (!new_left || !new_right) {
    if (report_decimal_literal(c, left, right->type) ||
        report_decimal_literal(c, right, left->type))
      return expr;
    struct diag *diag =
        diag_error(c->diags, E0205, expr->binary.op_span, "`%s` and `%s` cannot be compared",
                   type_name(c->types, left->type), type_name(c->types, right->type));
    diag_label(diag, left->span, "`%s`", type_name(c->types, left->type));
    diag_label(diag, right->span, "`%s`", type_name(c->types, right->type));
    if (help_decimals(c, diag, left, right, expr->binary.op)) return expr;
    if (type_is_json(left->type) != type_is_json(right->type)) {
      bool is_left = type_is_json(left->type);
      help_json(c, diag, is_left ? left : right, plain(is_left ? right->type : left->type));
      return expr;
    }
    if (!help_variant(diag, left, plain(right->type))) help_variant(diag, right, plain(left->type));
    if (is_text_beside_bytes(left->type, right->type)) help_bytes(diag);
    return expr;
  }
  expr->binary.left = require_concrete(c, new_left);
  expr->binary.right = require_concrete(c, new_right);
  return expr;
}

static struct expr *infer_order(struct checker *c, struct expr *expr) {
  infer_operands(c, expr, NULL);
  struct expr *left = expr->binary.left, *right = expr->binary.right;
  expr->type = c->types->bool_;
  if (is_error(left) || is_error(right)) return expr;
  adapt_operands(c, expr, NULL);
  if (left->type == right->type && type_is_ordered(left->type)) return expr;
  if (report_json_operand(c, left, right) || report_json_operand(c, right, left)) return expr;
  if (left->type->kind == TYPE_OPTIONAL || right->type->kind == TYPE_OPTIONAL) {
    report_absent(c, left->type->kind == TYPE_OPTIONAL ? left : right);
  } else if (left->type == right->type) {
    struct diag *diag =
        diag_error(c->diags, E0205, expr->binary.op_span, "values of type `%s` have no order",
                   type_name(c->types, left->type));
    diag_note(diag, "`<` and `>` work on int, float, decimal, string, bytes, timestamp and duration");
  } else {
    report_operands(c, expr);
  }
  return expr;
}

static struct expr *infer_in(struct checker *c, struct expr *expr) {
  struct expr **left = &expr->binary.left, **right = &expr->binary.right;
  expr->type = c->types->bool_;
  if (needs_context(c, *left)) {
    *right = infer(c, *right, NULL);
  } else {
    *left = infer(c, *left, NULL);
    const struct type *hint = is_error(*left) ? NULL : type_list(c->types, (*left)->type);
    *right = infer(c, *right, hint);
  }
  const struct type *type = (*right)->type;
  const struct type *wanted = type->kind == TYPE_MAP ? type->key : type->elem;
  if (type->kind == TYPE_ERROR) {
    if (!(*left)->type) *left = infer(c, *left, NULL);
    return expr;
  }
  if (type->kind != TYPE_LIST && type->kind != TYPE_SET && type->kind != TYPE_MAP) {
    if (type->kind == TYPE_OPTIONAL) {
      report_absent(c, *right);
      return expr;
    }
    struct diag *diag =
        diag_error(c->diags, E0205, (*right)->span,
                   "`in` looks into a list, a set or the keys of a map, this is `%s`",
                   type_name(c->types, type));
    if (type->kind == TYPE_STRING) diag_help(diag, "for a part of a text:  contains(text, part)");
    if (!(*left)->type) fail_type(c, *left);
    return expr;
  }
  *left = (*left)->type ? coerce(c, *left, wanted) : check_expr(c, *left, wanted);
  return expr;
}

/* The default of `left ?? right` ends both absence and failure of `left`. */
static struct expr *infer_coalesce(struct checker *c, struct expr *expr, const struct type *hint) {
  size_t failures = c->scope.failures.count;
  struct expr *left = expr->binary.left = infer(c, expr->binary.left, hint);
  bool can_fail = c->scope.failures.count > failures;
  c->scope.failures.count = failures;
  const struct type *inner = plain(left->type);
  if (left->kind == EXPR_NONE) {
    diag_warning(c->diags, W0902, left->span,
                 "this is always absent, so the default is always used");
    return infer(c, expr->binary.right, hint);
  }
  struct expr *right = expr->binary.right =
      infer(c, expr->binary.right, is_error(left) ? hint : inner);
  if (is_error(left) || is_error(right)) return fail_type(c, expr);
  if (left->type->kind != TYPE_OPTIONAL && !can_fail) {
    struct diag *diag =
        diag_warning(c->diags, W0902, expr->binary.op_span, "this default is never used");
    diag_label(diag, left->span, "always a value of type `%s`", type_name(c->types, left->type));
  }
  struct expr *converted = NULL;
  if (right->type->kind == TYPE_OPTIONAL || right->type->kind == TYPE_NONE) {
    inner = type_optional(c->types, inner);
    expr->type = inner;
    converted = try_coerce(c, right, inner);
  } else {
    expr->type = inner;
    converted = try_coerce(c, right, inner);
  }
  if (!converted) {
    struct diag *diag =
        diag_error(c->diags, E0205, right->span, "the default is `%s`, the value is `%s`",
                   type_name(c->types, right->type), type_name(c->types, left->type));
    diag_label(diag, left->span, "`%s`", type_name(c->types, left->type));
    return fail_type(c, expr);
  }
  expr->binary.right = converted;
  return expr;
}

static struct expr *infer_binary(struct checker *c, struct expr *expr, const struct type *hint) {
  enum binary_op op = expr->binary.op;
  switch (op) {
  case BINARY_OR:
  case BINARY_AND: return infer_logic(c, expr);
  case BINARY_EQ:
  case BINARY_NE: return infer_equality(c, expr);
  case BINARY_LT:
  case BINARY_LE:
  case BINARY_GT:
  case BINARY_GE: return infer_order(c, expr);
  case BINARY_IN:
  case BINARY_NOT_IN: return infer_in(c, expr);
  case BINARY_COALESCE: return infer_coalesce(c, expr, hint);
  case BINARY_CONCAT: return infer_concat(c, expr, hint);
  default: return infer_arithmetic(c, expr, hint);
  }
}

/* -- parts of values ------------------------------------------------------------------------- */

void report_no_field(struct checker *c, const struct expr *expr, const struct type *type) {
  struct ident name = expr->field.name;
  if (type->kind == TYPE_JSON) {
    struct diag *diag =
        diag_error(c->diags, E0204, name.span, "a part of json cannot be changed in its place");
    diag_help(diag, "make a new one:  json({ %s: … })", name.text);
    return;
  }
  if (type->kind != TYPE_RECORD) {
    struct diag *diag =
        diag_error(c->diags, E0204, name.span, "`%s` has no fields", type_name(c->types, type));
    if (builtin_find(name.text) || find_function(c, name.text)) {
      diag_help(diag, "`%s` is a function: call it with  .%s()", name.text, name.text);
    } else if (builtin_foreign(name.text)) {
      diag_help(diag, "did you mean  .%s()?", builtin_foreign(name.text));
    }
    return;
  }
  struct diag *diag = diag_error(c->diags, E0204, name.span, "`%s` has no field `%s`",
                                 type_name(c->types, type), name.text);
  diag_label(diag, name.span, "unknown field");
  struct name_list names = {0};
  struct text out;
  text_init(&out, c->arena);
  vec_each(const struct type_field, field, &type->fields) {
    text_addf(&out, "%s%s", names.count ? ", " : "", field->name);
    vec_push(c->arena, &names, field->name);
  }
  if (names.count) diag_note(diag, "fields: %s", out.data);
  if (!help_input_name(diag, name.text, type)) suggest(diag, name.text, names.data, names.count);
}

/* `Kind.order` in the form of a field access; null if the object names no enum. */
static struct expr *infer_variant_path(struct checker *c, struct expr *expr) {
  const struct expr *object = expr->field.object;
  if (object->kind != EXPR_NAME || name_is_visible(c, object->name.text)) return NULL;
  const struct type *type = find_declared_type(c, object->name.text);
  if (!type || type->kind != TYPE_ENUM) return NULL;
  struct ident name = expr->field.name;
  if (name_to_variant(c, expr, type, name)) return expr;
  report_no_variant(c, type, name);
  return fail_type(c, expr);
}

static struct expr *infer_field(struct checker *c, struct expr *expr) {
  struct expr *variant = infer_variant_path(c, expr);
  if (variant) return variant;
  struct expr *object = expr->field.object = infer(c, expr->field.object, NULL);
  if (is_error(object)) return fail_type(c, expr);
  const struct type *type = object->type;
  if (expr->field.is_optional && type->kind != TYPE_OPTIONAL) {
    struct diag *diag = diag_error(c->diags, E0205, expr->field.name.span,
                                   "`?.` is for values that may be absent, this is `%s`",
                                   type_name(c->types, type));
    diag_help(diag, "write  .%s", expr->field.name.text);
    return fail_type(c, expr);
  }
  if (type_is_json(type)) return json_part(c, expr);
  if (!expr->field.is_optional && type->kind == TYPE_OPTIONAL) {
    struct diag *diag = diag_error(c->diags, E0211, object->span, "this value may be absent");
    diag_label(diag, object->span, "this is `%s`", type_name(c->types, type));
    diag_help(diag, "write  ?.%s  to get a value that may be absent too", expr->field.name.text);
    return fail_type(c, expr);
  }
  type = plain(type);
  int index = type->kind == TYPE_RECORD ? type_field_index(type, expr->field.name.text) : -1;
  if (index < 0) {
    report_no_field(c, expr, type);
    return fail_type(c, expr);
  }
  expr->field.index = (uint32_t)index;
  expr->type = type->fields.data[index].type;
  if (expr->field.is_optional) expr->type = type_optional(c->types, expr->type);
  return expr;
}

void report_no_index(struct checker *c, const struct expr *object) {
  const struct type *type = object->type;
  if (type_is_json(type)) {
    diag_error(c->diags, E0205, object->span, "a part of json cannot be changed in its place");
    return;
  }
  if (type->kind == TYPE_OPTIONAL) {
    report_absent(c, object);
    return;
  }
  struct diag *diag =
      diag_error(c->diags, E0205, object->span, "`[ ]` looks into a list or a map, this is `%s`",
                 type_name(c->types, type));
  if (type->kind == TYPE_STRING) diag_help(diag, "for a part of a text:  slice(text, from, to)");
  if (type->kind == TYPE_RECORD) diag_help(diag, "a field is written  .name");
  if (type->kind == TYPE_SET) diag_help(diag, "whether it is there:  x in set");
}

/* In other languages -1 is the last element. */
static void warn_negative_index(struct checker *c, const struct expr *index) {
  if (index->kind != EXPR_INT || index->integer >= 0) return;
  struct diag *diag =
      diag_warning(c->diags, W0906, index->span, "no element of a list has a negative index");
  diag_help(diag, "the last one:  last(xs), or xs[len(xs) - 1]");
}

static struct expr *infer_index(struct checker *c, struct expr *expr) {
  struct expr *object = expr->index.object = infer(c, expr->index.object, NULL);
  const struct type *type = object->type;
  if (type->kind == TYPE_LIST || type->kind == TYPE_MAP) {
    const struct type *key = type->kind == TYPE_LIST ? c->types->int_ : type->key;
    if (type->kind == TYPE_LIST) warn_negative_index(c, expr->index.index);
    expr->index.index = check_expr(c, expr->index.index, key);
    expr->index.is_sure = expr->index.is_sure && type->kind == TYPE_LIST;
    expr->type = expr->index.is_sure ? type->elem : type_optional(c->types, type->elem);
    return expr;
  }
  expr->index.index = infer(c, expr->index.index, NULL);
  if (is_error(object)) return fail_type(c, expr);
  if (type_is_json(type)) return json_part(c, expr);
  report_no_index(c, object);
  return fail_type(c, expr);
}

/* -- collections ----------------------------------------------------------------------------- */

static struct expr *infer_list(struct checker *c, struct expr *expr, const struct type *hint) {
  hint = plain(hint);
  bool is_hinted = hint && (hint->kind == TYPE_LIST || hint->kind == TYPE_SET);
  expr->type = c->types->empty;
  if (expr->list.count == 0) return expr;
  const struct type *joined = NULL;
  vec_each(struct expr *, element, &expr->list) {
    *element = infer(c, *element, is_hinted ? hint->elem : joined);
    const struct type *both = join_types(c, joined, (*element)->type);
    if (!both && !is_hinted) {
      struct diag *diag =
          diag_error(c->diags, E0205, (*element)->span, "the elements of a list have one type");
      diag_label(diag, (*element)->span, "`%s`", type_name(c->types, (*element)->type));
      diag_label(diag, expr->list.data[0]->span, "`%s`", type_name(c->types, joined));
      return fail_type(c, expr);
    }
    if (both) joined = both;
  }
  if (is_hinted && type_is_concrete(hint)) joined = hint->elem;
  vec_each(struct expr *, element, &expr->list) {
    *element = coerce(c, *element, joined);
    if (is_error(*element)) return fail_type(c, expr);
  }
  expr->type = is_hinted && hint->kind == TYPE_SET ? type_set(c->types, joined)
                                                   : type_list(c->types, joined);
  return expr;
}

static struct expr *infer_map(struct checker *c, struct expr *expr, const struct type *hint) {
  hint = plain(hint);
  bool is_hinted = hint && hint->kind == TYPE_MAP;
  const struct type *key = NULL, *value = NULL;
  vec_each(struct map_pair, pair, &expr->map) {
    pair->key = infer(c, pair->key, is_hinted ? hint->key : key);
    pair->value = infer(c, pair->value, is_hinted ? hint->elem : value);
    const struct type *keys = join_types(c, key, pair->key->type);
    const struct type *values = join_types(c, value, pair->value->type);
    if ((!keys || !values) && !is_hinted) {
      const struct expr *odd = keys ? pair->value : pair->key;
      struct diag *diag = diag_error(c->diags, E0205, odd->span, "the %s of a map have one type",
                                     keys ? "values" : "keys");
      diag_label(diag, odd->span, "`%s`, above `%s`", type_name(c->types, odd->type),
                 type_name(c->types, keys ? value : key));
      return fail_type(c, expr);
    }
    if (keys) key = keys;
    if (values) value = values;
  }
  if (is_hinted && type_is_concrete(hint)) key = hint->key, value = hint->elem;
  vec_each(struct map_pair, pair, &expr->map) {
    pair->key = coerce(c, pair->key, key);
    pair->value = coerce(c, pair->value, value);
    if (is_error(pair->key) || is_error(pair->value)) return fail_type(c, expr);
  }
  if (!type_is_key(key)) {
    diag_error(c->diags, E0402, expr->span, "`%s` cannot be a key", type_name(c->types, key));
    return fail_type(c, expr);
  }
  expr->type = type_map(c->types, key, value);
  return expr;
}

/* -- choices --------------------------------------------------------------------------------- */

/* Behind `if let`. Failures from the given one on are its own: that it can fail is often why it was written. */
static void report_no_optional(struct checker *c, const struct expr *value, size_t failures) {
  bool can_fail = c->scope.failures.count > failures;
  c->scope.failures.count = failures;
  struct diag *diag = diag_error(c->diags, E0205, value->span,
                                 "`if let` takes a value that may be absent, this is `%s`%s",
                                 type_name(c->types, value->type), can_fail ? " and can fail" : "");
  bool is_short = value->kind == EXPR_CALL && value->span.length > 0 && value->span.length <= 50;
  if (can_fail)
    diag_help(diag, "make a failure an absent value:  %.*s ?? none", is_short ? (int)value->span.length : 5,
              is_short ? sources_text(&c->compiler->sources, value->span) : "(…)");
  else
    diag_help(diag, "a value that is always there is named with `let`");
}

static const struct type *check_condition(struct checker *c, struct expr **condition,
                                          struct local *binder) {
  if (!binder) {
    *condition = check_expr(c, *condition, c->types->bool_);
    return NULL;
  }
  size_t failures = c->scope.failures.count;
  *condition = infer(c, *condition, NULL);
  const struct type *type = (*condition)->type;
  if (type->kind == TYPE_OPTIONAL) return type->elem;
  if (type->kind != TYPE_ERROR) report_no_optional(c, *condition, failures);
  return c->types->error;
}

void check_if_condition(struct checker *c, struct expr **condition, struct local *binder) {
  const struct type *bound = check_condition(c, condition, binder);
  if (binder) bind_local(c, binder, bound);
}

/* Brings the values of all arms to one type. `slots` are the places that hold them. */
static struct expr *join_arms(struct checker *c, struct expr *expr, struct expr ***slots,
                              size_t count, const struct type *hint) {
  const struct type *joined = NULL;
  for (size_t i = 0; i < count; i++) {
    const struct type *both = join_types(c, joined, (*slots[i])->type);
    if (!both) {
      struct diag *diag =
          diag_error(c->diags, E0205, (*slots[i])->span, "the branches have different types");
      diag_label(diag, (*slots[i])->span, "`%s`", type_name(c->types, (*slots[i])->type));
      diag_label(diag, (*slots[0])->span, "`%s`", type_name(c->types, joined));
      return fail_type(c, expr);
    }
    joined = both;
  }
  /* A hint is what would be nice, not what must be: beside a duration stands an int, too. */
  if (hint && type_is_concrete(hint) && join_types(c, joined, hint) == hint) joined = hint;
  for (size_t i = 0; i < count; i++) *slots[i] = coerce(c, *slots[i], joined);
  expr->type = joined;
  return expr;
}

static struct expr *infer_if(struct checker *c, struct expr *expr, const struct type *hint) {
  size_t locals = c->scope.locals.count;
  check_if_condition(c, &expr->if_else.condition, expr->if_else.binder);
  expr->if_else.then_value = infer(c, expr->if_else.then_value, hint);
  c->scope.locals.count = locals;
  const struct type *then_type = expr->if_else.then_value->type;
  bool has_type = then_type->kind != TYPE_ERROR && type_is_concrete(then_type);
  expr->if_else.else_value =
      infer(c, expr->if_else.else_value, hint || !has_type ? hint : then_type);
  struct expr **slots[] = {&expr->if_else.then_value, &expr->if_else.else_value};
  return join_arms(c, expr, slots, 2, hint);
}

static struct expr *infer_match(struct checker *c, struct expr *expr, const struct type *hint) {
  expr->match.subject = check_expr(c, expr->match.subject, NULL);
  check_patterns(c, expr->match.subject, &expr->match.arms);
  size_t count = expr->match.arms.count;
  struct expr ***slots = arena_alloc(c->arena, (count + 1) * sizeof *slots);
  const struct type *first = NULL;
  for (size_t i = 0; i < count; i++) {
    struct match_arm *arm = &expr->match.arms.data[i];
    size_t locals = c->scope.locals.count;
    bind_arm(c, arm);
    arm->value = infer(c, arm->value, hint ? hint : first);
    c->scope.locals.count = locals;
    bool has_type = arm->value->type->kind != TYPE_ERROR && type_is_concrete(arm->value->type);
    if (!first && has_type) first = arm->value->type;
    slots[i] = &arm->value;
  }
  if (count == 0) return fail_type(c, expr);
  return join_arms(c, expr, slots, count, hint);
}

/* -- everything ------------------------------------------------------------------------------ */

static struct expr *infer_fstring(struct checker *c, struct expr *expr) {
  vec_each(struct fstring_part, part, &expr->fstring) {
    if (part->value) part->value = check_expr(c, part->value, NULL);
  }
  expr->type = c->types->string;
  return expr;
}

/* A literal takes the type float or decimal where one is wanted. */
static struct expr *infer_number(struct checker *c, struct expr *expr, const struct type *hint) {
  expr->type = expr->kind == EXPR_INT ? c->types->int_ : c->types->float_;
  hint = plain(hint);
  if (!hint || (hint->kind != TYPE_FLOAT && hint->kind != TYPE_DECIMAL)) return expr;
  struct expr *converted = try_coerce(c, expr, hint);
  return converted ? converted : expr;
}

static struct expr *report_lambda(struct checker *c, struct expr *expr) {
  struct diag *diag =
      diag_error(c->diags, E0241, expr->span, "a function is not a value, and nothing asks for one here");
  diag_note(diag, "it can be an argument of a function that takes one:  xs.filter(x => x > 0)");
  return fail_type(c, expr);
}

static struct expr *infer_kind(struct checker *c, struct expr *expr, const struct type *hint) {
  switch (expr->kind) {
  case EXPR_NAME: return infer_name(c, expr, hint);
  case EXPR_INT:
  case EXPR_FLOAT: return infer_number(c, expr, hint);
  case EXPR_STRING: expr->type = c->types->string; return expr;
  case EXPR_FSTRING: return infer_fstring(c, expr);
  case EXPR_DURATION: expr->type = c->types->duration; return expr;
  case EXPR_TIMESTAMP: expr->type = c->types->timestamp; return expr;
  case EXPR_BOOL: expr->type = c->types->bool_; return expr;
  case EXPR_NONE: expr->type = c->types->none; return expr;
  case EXPR_UNARY: return infer_unary(c, expr, hint);
  case EXPR_BINARY: return infer_binary(c, expr, hint);
  case EXPR_FIELD: return infer_field(c, expr);
  case EXPR_INDEX: return infer_index(c, expr);
  case EXPR_CALL: return infer_call(c, expr, hint);
  case EXPR_LIST: return infer_list(c, expr, hint);
  case EXPR_MAP: return infer_map(c, expr, hint);
  case EXPR_RECORD: return infer_record(c, expr, hint);
  case EXPR_IF: return infer_if(c, expr, hint);
  case EXPR_MATCH: return infer_match(c, expr, hint);
  case EXPR_LAMBDA: return report_lambda(c, expr);
  case EXPR_DECIMAL:
  case EXPR_COERCE: return expr; /* typed already */
  default: return fail_type(c, expr);
  }
}

struct expr *infer(struct checker *c, struct expr *expr, const struct type *hint) {
  if (hint && hint->kind == TYPE_ERROR) hint = NULL;
  size_t failures = c->scope.failures.count;
  uint32_t faults = c->scope.fault_count;
  expr = infer_kind(c, expr, hint);
  expr->can_fail = c->scope.failures.count > failures;
  expr->can_fault = c->scope.fault_count > faults;
  return expr;
}
