/* What the body of a `state` does: whether it forgets, changes its value, or can fail too late. */
#include "back/code.h"
#include "front/builtin.h"
#include "back/emit_state.h"

/* -- blocks ---------------------------------------------------------------------------------- */

/* Whether `test` is true of any statement, at any depth. */
static bool any_stmt(const struct block *block, bool (*test)(const struct stmt *)) {
  if (block == NULL) return false;
  vec_each(struct stmt *, it, &block->stmts) {
    const struct stmt *stmt = *it;
    if (test(stmt)) return true;
    if (stmt->kind == STMT_IF && (any_stmt(stmt->if_else.then_block, test) ||
                                  any_stmt(stmt->if_else.else_block, test)))
      return true;
    if (stmt->kind == STMT_FOR && any_stmt(stmt->loop.body, test)) return true;
    if (stmt->kind != STMT_MATCH) continue;
    vec_each(struct match_arm, arm, &stmt->match.arms)
      if (any_stmt(arm->body, test)) return true;
  }
  return false;
}

static bool is_forget(const struct stmt *stmt) {
  return stmt->kind == STMT_FORGET;
}

bool emit_state_forgets(const struct block *block) {
  return any_stmt(block, is_forget);
}

/* The expression that a statement evaluates itself, or null. */
static const struct expr *expr_of(const struct stmt *stmt) {
  switch (stmt->kind) {
  case STMT_LET: return stmt->let.value;
  case STMT_EMIT: return stmt->emit.value;
  case STMT_IF: return stmt->if_else.condition;
  case STMT_MATCH: return stmt->match.subject;
  case STMT_FOR: return stmt->loop.iterable;
  case STMT_EXPR:
  case STMT_FAIL:
  case STMT_RETURN: return stmt->expr;
  default: return NULL;
  }
}

/* An assignment, or a mutator at any depth: the few that change only locals do no harm here. */
static bool is_change(const struct stmt *stmt) {
  const struct expr *expr = expr_of(stmt);
  return stmt->kind == STMT_ASSIGN || (expr != NULL && code_has_effect(expr));
}

bool emit_state_changes(const struct block *block) {
  return any_stmt(block, is_change);
}

/* -- failing too late ------------------------------------------------------------------------ */

static bool can_leave(const struct expr *expr) {
  return expr != NULL && (expr->can_fail || expr->can_fault);
}

/* Whether reaching a place can fail: `xs[i]` does where the list is shorter. */
static bool place_can_fail(const struct expr *place) {
  for (; place->kind == EXPR_FIELD || place->kind == EXPR_INDEX;
       place = place->kind == EXPR_FIELD ? place->field.object : place->index.object) {
    if (place->kind != EXPR_INDEX) continue;
    bool may_miss = place->index.object->type->kind == TYPE_LIST && !place->index.is_sure;
    if (may_miss || can_leave(place->index.index)) return true;
  }
  return false;
}

/* Whether reaching a place may add an entry: `m[k]` does where there is none. */
static bool place_makes_entry(const struct expr *place) {
  for (; place->kind == EXPR_FIELD || place->kind == EXPR_INDEX;
       place = place->kind == EXPR_FIELD ? place->field.object : place->index.object)
    if (place->kind == EXPR_INDEX && place->index.object->type->kind == TYPE_MAP) return true;
  return false;
}

/* A mutator whose arguments change nothing: `xs.insert(i, x)` fails before it changes anything,
 * unless `m[k]` has made an entry for it. */
static bool is_lone_mutator(const struct expr *expr) {
  if (expr->kind != EXPR_CALL || expr->call.kind != CALL_BUILTIN) return false;
  if (!expr->call.builtin->is_mutator) return false;
  vec_each(struct arg, arg, &expr->call.args)
    if (code_has_effect(arg->value)) return false;
  const struct expr *place = expr->call.args.data[0].value;
  bool can_fail = expr->can_fail || place_can_fail(place);
  return !(can_fail && place_makes_entry(place));
}

/* Walks in the order of execution; *is_changed is set once something was changed or emitted on some
 * path. Returns true at the first expression behind that which can fail. */
static bool fails_late(const struct block *block, bool *is_changed);

static bool expr_fails_late(const struct expr *expr, bool *is_changed) {
  if (expr == NULL) return false;
  bool was_changed = *is_changed;
  *is_changed = was_changed || code_has_effect(expr);
  /* A mutator inside the expression may come before what fails in it. */
  return can_leave(expr) && (is_lone_mutator(expr) ? was_changed : *is_changed);
}

/* First the value is evaluated, then the place, then comes the change. */
static bool assign_fails_late(const struct stmt *stmt, bool *is_changed) {
  const struct expr *place = stmt->assign.place, *value = stmt->assign.value;
  bool can_fail = stmt->assign.op != ASSIGN_SET && stmt->assign.op != ASSIGN_CONCAT;
  can_fail = can_fail || place_can_fail(place);
  bool was_changed = *is_changed || code_has_effect(value) || code_has_effect(place);
  *is_changed = true;
  if (can_fail && place_makes_entry(place)) return true;
  return was_changed && (can_fail || can_leave(value));
}

static bool stmt_fails_late(const struct stmt *stmt, bool *is_changed) {
  switch (stmt->kind) {
  case STMT_LET: return expr_fails_late(stmt->let.value, is_changed);
  case STMT_ASSIGN: return assign_fails_late(stmt, is_changed);
  case STMT_EXPR: return expr_fails_late(stmt->expr, is_changed);
  case STMT_RETURN: return expr_fails_late(stmt->expr, is_changed);
  case STMT_FAIL: return *is_changed || code_has_effect(stmt->expr);
  case STMT_EMIT: {
    bool is_late = expr_fails_late(stmt->emit.value, is_changed);
    if (stmt->emit.at != NULL) is_late = expr_fails_late(stmt->emit.at, is_changed) || is_late;
    *is_changed = true;
    return is_late;
  }
  case STMT_IF: {
    if (expr_fails_late(stmt->if_else.condition, is_changed)) return true;
    bool in_else = *is_changed;
    bool is_late = fails_late(stmt->if_else.then_block, is_changed) ||
                   (stmt->if_else.else_block && fails_late(stmt->if_else.else_block, &in_else));
    *is_changed = *is_changed || in_else;
    return is_late;
  }
  case STMT_MATCH: {
    if (expr_fails_late(stmt->match.subject, is_changed)) return true;
    bool after = *is_changed;
    vec_each(struct match_arm, arm, &stmt->match.arms) {
      bool in_arm = *is_changed;
      if (fails_late(arm->body, &in_arm)) return true;
      after = after || in_arm;
    }
    *is_changed = after;
    return false;
  }
  case STMT_FOR:
    if (expr_fails_late(stmt->loop.iterable, is_changed)) return true;
    /* The second turn comes behind the first. */
    return fails_late(stmt->loop.body, is_changed) || fails_late(stmt->loop.body, is_changed);
  case STMT_FORGET:
  case STMT_ERROR: return false;
  }
  return false;
}

static bool fails_late(const struct block *block, bool *is_changed) {
  vec_each(struct stmt *, stmt, &block->stmts)
    if (stmt_fails_late(*stmt, is_changed)) return true;
  return false;
}

bool emit_state_must_undo(const struct stage *stage) {
  bool is_handled = stage->on_fail.kind == ON_FAIL_SKIP || stage->on_fail.kind == ON_FAIL_INTO;
  if (!is_handled || !(stage->can_fail || stage->can_fault)) return false;
  bool is_changed = false;
  return fails_late(stage->body, &is_changed);
}
