#include "front/ast.h"

bool expr_any_child(const struct expr *expr, expr_visit visit, const void *context) {
  switch (expr->kind) {
  case EXPR_FSTRING:
    vec_each(struct fstring_part, part, &expr->fstring)
      if (part->value != NULL && visit(part->value, context)) return true;
    return false;
  case EXPR_UNARY: return visit(expr->unary.operand, context);
  case EXPR_BINARY: return visit(expr->binary.left, context) || visit(expr->binary.right, context);
  case EXPR_FIELD: return visit(expr->field.object, context);
  case EXPR_INDEX: return visit(expr->index.object, context) || visit(expr->index.index, context);
  case EXPR_CALL:
    if (expr->call.where != NULL && visit(expr->call.where, context)) return true;
    /* The arguments of a constructor may begin with the name of an enum, which is no value. */
    vec_each(struct record_field, field, &expr->call.fields)
      if (field->value != NULL && visit(field->value, context)) return true;
    if (expr->call.kind == CALL_RECORD || expr->call.kind == CALL_VARIANT) return false;
    vec_each(struct arg, arg, &expr->call.args) if (visit(arg->value, context)) return true;
    return false;
  case EXPR_LIST:
    vec_each(struct expr *, element, &expr->list) if (visit(*element, context)) return true;
    return false;
  case EXPR_MAP:
    vec_each(struct map_pair, pair, &expr->map)
      if (visit(pair->key, context) || visit(pair->value, context)) return true;
    return false;
  case EXPR_RECORD:
    vec_each(struct record_item, item, &expr->record.items) if (visit(item->value, context)) return true;
    return false;
  case EXPR_IF:
    return visit(expr->if_else.condition, context) || visit(expr->if_else.then_value, context) ||
           visit(expr->if_else.else_value, context);
  case EXPR_MATCH:
    if (visit(expr->match.subject, context)) return true;
    vec_each(struct match_arm, arm, &expr->match.arms) if (visit(arm->value, context)) return true;
    return false;
  case EXPR_COERCE: return visit(expr->coerce.operand, context);
  default: return false;
  }
}
