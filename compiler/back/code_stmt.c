/* The user's statements as C. */
#include "back/code.h"

#include "back/program.h"
#include "front/builtin.h"
#include "back/emit_state.h"

#include <string.h>

static void code_stmt(struct code *, const struct stmt *);

void code_block(struct code *c, const struct block *block) {
  vec_each(struct stmt *, stmt, &block->stmts) code_stmt(c, *stmt);
}

/* A block that follows an opening brace, on lines of its own. */
static void inner_block(struct code *c, const struct block *block) {
  c->indent++;
  code_block(c, block);
  code_close(c);
}

/* -- let and assignment ---------------------------------------------------------------------- */

static void let(struct code *c, const struct stmt *stmt) {
  struct local *local = stmt->let.local;
  const struct expr *value = stmt->let.value;
  const char *operand = code_expr(c, value);
  bool is_shared = local->is_mutated && type_has_heap(local->type) && !code_is_fresh(value);
  if (!local->is_mutated) operand = code_keep(c, value, operand);
  const char *name = code_local(c, local);
  if (is_shared) {
    code_put(c, "%s %s; %s" CODE_IF_UNUSED, emit_c_type(c->e, local->type), name,
             code_copy(c->e, local->type, "w->arena", code_printf(c, "&%s", name),
                       code_address(c, operand)),
             name);
  } else {
    code_put(c, "%s%s %s = %s;" CODE_IF_UNUSED, local->is_mutated ? "" : "const ",
             emit_c_type(c->e, local->type), name, operand, name);
  }
}

static void store(struct code *c, const struct expr *place, const struct type *type,
                  const struct expr *value, const char *to, const char *operand) {
  if (!type_has_heap(type)) {
    code_put(c, "%s = %s;", to, operand);
    return;
  }
  const char *owner = code_owner(place);
  const char *temp = operand;
  bool is_arena = strcmp(owner, "w->arena") == 0;
  if (!is_arena || !code_is_fresh(value)) {
    temp = code_temp(c, type, NULL);
    code_put(c, "%s",
             code_copy(c->e, type, owner, code_printf(c, "&%s", temp), code_address(c, operand)));
  }
  if (!is_arena)
    code_put(c, "%s(%s, %s);", emit_helper(c->e, HELPER_DROP, type), owner, code_address(c, to));
  code_put(c, "%s = %s;", to, temp);
}

/* The type of what lies at a place: of `m[k]` and `xs[i]` the element itself. */
static const struct type *place_type(const struct expr *place) {
  if (place->kind != EXPR_INDEX) return place->type;
  return place->index.object->type->elem;
}

static void assign(struct code *c, const struct stmt *stmt) {
  static const enum binary_op ops[] = {[ASSIGN_ADD] = BINARY_ADD,
                                       [ASSIGN_SUB] = BINARY_SUB,
                                       [ASSIGN_MUL] = BINARY_MUL,
                                       [ASSIGN_DIV] = BINARY_DIV};
  const struct expr *place = stmt->assign.place, *value = stmt->assign.value;
  const struct type *type = place_type(place);
  const char *operand = code_expr(c, value);
  const char *to = code_place(c, place);
  if (stmt->assign.op == ASSIGN_SET) {
    store(c, place, type, value, to, operand);
    return;
  }
  if (stmt->assign.op == ASSIGN_CONCAT) {
    const char *joined = code_concat(c, type, to, operand);
    const char *owner = code_owner(place);
    const char *temp = code_temp(c, type, NULL);
    code_put(c, "%s",
             code_copy(c->e, type, owner, code_printf(c, "&%s", temp), code_address(c, joined)));
    code_put(c, "%s(%s, %s); %s = %s;", emit_helper(c->e, HELPER_DROP, type), owner,
             code_address(c, to), to, temp);
    return;
  }
  const char *result = code_arithmetic_op(c, ops[stmt->assign.op], type, value, type, stmt->span,
                                          to, operand);
  code_put(c, "%s = %s;", to, result);
}

/* -- leaving and sending --------------------------------------------------------------------- */

/* What is emitted next has the time `at`. Returns the C variable with the time to go back to. */
static const char *enter_time(struct code *c, const struct expr *at) {
  const char *time = code_expr(c, at);
  const char *before = code_temp(c, at->type, "w->time_us");
  code_put(c, "w->time_us = %s;", time);
  return before;
}

static void emit(struct code *c, const struct stmt *stmt) {
  const struct expr *value = stmt->emit.value;
  /* A text on its way to a text sink need not become a string first. */
  int64_t sink = c->is_held ? -1 : emit_text_sink(c->e, c->node, stmt->emit.output);
  if (sink >= 0 && code_fstring_line(c, value, (uint32_t)sink)) return;
  const char *operand = code_expr(c, value);
  emit_state_use_output(c->e, c->node, stmt->emit.output, c->is_held);
  const char *before = stmt->emit.at != NULL ? enter_time(c, stmt->emit.at) : NULL;
  code_put(c, "%s%u_%s(w, %s%s);", c->emit_prefix, stmt->emit.output, c->node->name,
           code_pointer(c, value->type, operand), c->emit_args);
  if (before != NULL) code_put(c, "w->time_us = %s;", before);
}

static void fail(struct code *c, const struct stmt *stmt) {
  const char *reason = code_keep(c, stmt->expr, code_expr(c, stmt->expr));
  const char *site = emit_site(c->e, stmt->span, c->step);
  code_put(c, "return flow_fail_text(w, &%s, %s);", site, reason);
}

static void leave(struct code *c, const struct stmt *stmt) {
  if (stmt->expr == NULL) {
    code_put(c, "%s", c->leave);
    return;
  }
  const char *operand = code_expr(c, stmt->expr);
  if (!c->is_fallible && code_is_scalar(stmt->expr->type)) {
    code_put(c, "return %s;", operand);
  } else {
    code_put(c, "*out = %s; return%s;", operand, c->is_fallible ? " true" : "");
  }
}

/* -- choices --------------------------------------------------------------------------------- */

static void choose(struct code *c, const struct stmt *stmt) {
  const struct expr *condition = stmt->if_else.condition;
  struct local *binder = stmt->if_else.binder;
  const char *operand = code_expr(c, condition);
  const char *test = binder ? code_member(c, operand, "has") : operand;
  code_put(c, "if (%s) {", code_condition(c, test));
  if (binder) code_bind(c, binder, condition, code_member(c, operand, "value"));
  inner_block(c, stmt->if_else.then_block);
  if (stmt->if_else.else_block == NULL) return;
  code_put(c, "else {");
  inner_block(c, stmt->if_else.else_block);
}

static void match(struct code *c, const struct stmt *stmt) {
  const struct expr *subject = stmt->match.subject;
  const char *operand = code_expr(c, subject);
  if (code_is_scalar(subject->type)) operand = code_temp(c, subject->type, operand);
  for (size_t i = 0; i < stmt->match.arms.count; i++) {
    const struct match_arm *arm = &stmt->match.arms.data[i];
    bool is_last = arm->is_else || i + 1 == stmt->match.arms.count;
    const char *test = is_last ? NULL : code_arm_test(c, arm, subject->type, operand);
    if (i == 0) code_at(c, arm->span);
    if (test != NULL) {
      code_put(c, "%sif (%s) {", i > 0 ? "else " : "", code_condition(c, test));
    } else {
      code_put(c, i > 0 ? "else {" : "{");
    }
    code_bind_pattern(c, arm, subject, operand);
    inner_block(c, arm->body);
    if (is_last) break;
  }
}

/* -- loops ----------------------------------------------------------------------------------- */

static const char *counter(struct code *c) {
  return code_printf(c, "i%u", ++c->temp_count);
}

static bool is_range(const struct expr *expr) {
  return expr->kind == EXPR_CALL && expr->call.kind == CALL_BUILTIN &&
         (expr->call.builtin->id == BUILTIN_RANGE || expr->call.builtin->id == BUILTIN_QUOTED_RANGE);
}

/* A loop variable: its operand is the element itself, or a copy where the body changes it. */
static void loop_variable(struct code *c, struct local *local, const char *element) {
  if (local == NULL) return;
  const char *name = code_local(c, local);
  const char *type = emit_c_type(c->e, local->type);
  if (local->is_mutated && type_has_heap(local->type)) {
    code_put(c, "%s %s; %s", type, name,
             code_copy(c->e, local->type, "w->arena", code_printf(c, "&%s", name),
                       code_address(c, element)));
  } else {
    code_put(c, "%s%s %s = %s;" CODE_IF_UNUSED, local->is_mutated ? "" : "const ", type, name,
             element, name);
  }
}

static void range_loop(struct code *c, const struct stmt *stmt) {
  const struct expr *call = stmt->loop.iterable;
  const struct expr *bounds[2] = {call->call.args.data[0].value, call->call.args.data[1].value};
  const char *operands[2];
  code_exprs(c, bounds, 2, operands);
  const char *from = code_temp(c, bounds[0]->type, operands[0]);
  const char *to = code_temp(c, bounds[1]->type, operands[1]);
  if (call->call.builtin->id == BUILTIN_RANGE)
    code_put(c, "if (%s > %s && (uint64_t)%s - (uint64_t)%s > 1000000) %s", to, from, to, from,
             code_fault(c, call->span, "the range has more than 1,000,000 elements"));
  const char *i = counter(c);
  code_put(c, "for (int64_t %s = %s; %s < %s; %s++) {", i, from, i, to, i);
  loop_variable(c, stmt->loop.first, i);
}

/* Whether the checker refuses a body that changes what the loop walks over (E0430): a path, maybe
 * with a default of its own. */
static bool is_guarded(const struct expr *iterable) {
  while (iterable->kind == EXPR_BINARY && iterable->binary.op == BINARY_COALESCE &&
         code_is_fresh(iterable->binary.right))
    iterable = iterable->binary.left;
  while (iterable->kind == EXPR_FIELD || iterable->kind == EXPR_INDEX)
    iterable = iterable->kind == EXPR_FIELD ? iterable->field.object : iterable->index.object;
  return iterable->kind == EXPR_NAME;
}

static void loop(struct code *c, const struct stmt *stmt) {
  const struct expr *iterable = stmt->loop.iterable;
  const struct type *type = iterable->type;
  if (is_range(iterable)) {
    range_loop(c, stmt);
    inner_block(c, stmt->loop.body);
    return;
  }
  const char *operand = code_expr(c, iterable);
  /* Whatever else shares memory with the state is walked over as a copy. */
  if (!code_is_fresh(iterable) && !is_guarded(iterable)) operand = code_keep(c, iterable, operand);
  const char *all = code_printf(c, "all%u", ++c->temp_count);
  code_put(c, "const %s *%s = %s;", emit_c_type(c->e, type), all, code_address(c, operand));
  const char *i = counter(c);
  if (type->kind == TYPE_LIST) {
    code_put(c, "for (uint32_t %s = 0; %s < %s->length; %s++) {", i, i, all, i);
    /* `for i, x in list` numbers the elements. */
    if (stmt->loop.second != NULL)
      loop_variable(c, stmt->loop.first, code_printf(c, "(int64_t)%s", i));
    loop_variable(c, stmt->loop.second ? stmt->loop.second : stmt->loop.first,
                  code_printf(c, "%s[%s]", emit_list_data(c->e, type, all), i));
  } else {
    const char *entry = emit_entry_type(c->e, type);
    code_put(c, "for (uint32_t %s = flow_map_first(%s); %s != FLOW_MAP_NONE; %s = flow_map_next(%s, %s)) {",
             i, all, i, i, all, i);
    const char *at = code_printf(c, "e%u", ++c->temp_count);
    code_put(c, "const %s *%s = flow_map_at(%s, %s, sizeof(%s));", entry, at, all, i, entry);
    loop_variable(c, stmt->loop.first, code_printf(c, "%s->key", at));
    if (type->kind == TYPE_MAP)
      loop_variable(c, stmt->loop.second, code_printf(c, "%s->value", at));
  }
  inner_block(c, stmt->loop.body);
}

/* An expression for its effect. */
static void evaluate(struct code *c, const struct expr *expr) {
  const char *operand = code_expr(c, expr);
  if (expr->type->kind != TYPE_UNIT) code_put(c, "(void)%s;", operand);
}

static void code_stmt(struct code *c, const struct stmt *stmt) {
  code_at(c, stmt->span);
  switch (stmt->kind) {
  case STMT_LET: let(c, stmt); return;
  case STMT_ASSIGN: assign(c, stmt); return;
  case STMT_EXPR: evaluate(c, stmt->expr); return;
  case STMT_EMIT: emit(c, stmt); return;
  case STMT_FAIL: fail(c, stmt); return;
  case STMT_FORGET: code_put(c, "*is_forgotten = true; %s", c->leave); return;
  case STMT_RETURN: leave(c, stmt); return;
  case STMT_IF: choose(c, stmt); return;
  case STMT_MATCH: match(c, stmt); return;
  case STMT_FOR: loop(c, stmt); return;
  case STMT_ERROR: return;
  }
}
