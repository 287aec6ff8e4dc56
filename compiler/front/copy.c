#include "front/copy.h"

/* A list of `from` with each item copied by `copy`, in place of the shared one. */
#define COPY_LIST(arena, list, T, copy)                                                            \
  do {                                                                                             \
    __typeof__(*(list)) copied = {0};                                                              \
    vec_each(T, item, (list)) vec_push((arena), &copied, copy((arena), item));                     \
    *(list) = copied;                                                                              \
  } while (0)

static struct local *copy_local(struct arena *arena, const struct local *local) {
  if (!local) return NULL;
  struct local *copy = arena_new(arena, struct local);
  copy->name = local->name;
  return copy;
}

static struct expr *copy_item(struct arena *arena, struct expr *const *item) {
  return copy_expr(arena, *item);
}

static struct arg copy_arg(struct arena *arena, const struct arg *arg) {
  return (struct arg){arg->name, copy_expr(arena, arg->value)};
}

static struct fstring_part copy_part(struct arena *arena, const struct fstring_part *part) {
  return (struct fstring_part){part->text, part->length, copy_expr(arena, part->value)};
}

static struct map_pair copy_pair(struct arena *arena, const struct map_pair *pair) {
  return (struct map_pair){copy_expr(arena, pair->key), copy_expr(arena, pair->value)};
}

static struct record_item copy_record_item(struct arena *arena, const struct record_item *item) {
  return (struct record_item){item->name, copy_expr(arena, item->value), item->is_spread};
}

static struct pattern copy_pattern(struct arena *arena, const struct pattern *pattern) {
  struct pattern copy = *pattern;
  copy.low = copy_expr(arena, pattern->low);
  copy.high = copy_expr(arena, pattern->high);
  copy.binder = copy_local(arena, pattern->binder);
  return copy;
}

static struct match_arm copy_arm(struct arena *arena, const struct match_arm *arm) {
  struct match_arm copy = *arm;
  COPY_LIST(arena, &copy.patterns, struct pattern, copy_pattern);
  copy.value = copy_expr(arena, arm->value);
  copy.body = copy_block(arena, arm->body);
  return copy;
}

struct expr *copy_expr(struct arena *arena, const struct expr *expr) {
  if (!expr) return NULL;
  struct expr *copy = arena_new(arena, struct expr);
  *copy = *expr;
  switch (expr->kind) {
  case EXPR_FSTRING: COPY_LIST(arena, &copy->fstring, struct fstring_part, copy_part); break;
  case EXPR_UNARY: copy->unary.operand = copy_expr(arena, expr->unary.operand); break;
  case EXPR_BINARY:
    copy->binary.left = copy_expr(arena, expr->binary.left);
    copy->binary.right = copy_expr(arena, expr->binary.right);
    break;
  case EXPR_FIELD: copy->field.object = copy_expr(arena, expr->field.object); break;
  case EXPR_INDEX:
    copy->index.object = copy_expr(arena, expr->index.object);
    copy->index.index = copy_expr(arena, expr->index.index);
    break;
  case EXPR_CALL:
    COPY_LIST(arena, &copy->call.args, struct arg, copy_arg);
    copy->call.where = copy_expr(arena, expr->call.where);
    break;
  case EXPR_LIST: COPY_LIST(arena, &copy->list, struct expr *, copy_item); break;
  case EXPR_MAP: COPY_LIST(arena, &copy->map, struct map_pair, copy_pair); break;
  case EXPR_RECORD:
    COPY_LIST(arena, &copy->record.items, struct record_item, copy_record_item);
    break;
  case EXPR_IF:
    copy->if_else.condition = copy_expr(arena, expr->if_else.condition);
    copy->if_else.binder = copy_local(arena, expr->if_else.binder);
    copy->if_else.then_value = copy_expr(arena, expr->if_else.then_value);
    copy->if_else.else_value = copy_expr(arena, expr->if_else.else_value);
    break;
  case EXPR_MATCH:
    copy->match.subject = copy_expr(arena, expr->match.subject);
    COPY_LIST(arena, &copy->match.arms, struct match_arm, copy_arm);
    break;
  case EXPR_LAMBDA: copy->lambda.body = copy_expr(arena, expr->lambda.body); break;
  default: break; /* literals and names have nothing inside */
  }
  return copy;
}

static struct stmt *copy_stmt(struct arena *arena, struct stmt *const *slot) {
  const struct stmt *stmt = *slot;
  struct stmt *copy = arena_new(arena, struct stmt);
  *copy = *stmt;
  switch (stmt->kind) {
  case STMT_LET:
    copy->let.local = copy_local(arena, stmt->let.local);
    copy->let.value = copy_expr(arena, stmt->let.value);
    break;
  case STMT_ASSIGN:
    copy->assign.place = copy_expr(arena, stmt->assign.place);
    copy->assign.value = copy_expr(arena, stmt->assign.value);
    break;
  case STMT_EXPR:
  case STMT_FAIL:
  case STMT_RETURN: copy->expr = copy_expr(arena, stmt->expr); break;
  case STMT_EMIT:
    copy->emit.value = copy_expr(arena, stmt->emit.value);
    copy->emit.at = copy_expr(arena, stmt->emit.at);
    break;
  case STMT_IF:
    copy->if_else.condition = copy_expr(arena, stmt->if_else.condition);
    copy->if_else.binder = copy_local(arena, stmt->if_else.binder);
    copy->if_else.then_block = copy_block(arena, stmt->if_else.then_block);
    copy->if_else.else_block = copy_block(arena, stmt->if_else.else_block);
    break;
  case STMT_MATCH:
    copy->match.subject = copy_expr(arena, stmt->match.subject);
    COPY_LIST(arena, &copy->match.arms, struct match_arm, copy_arm);
    break;
  case STMT_FOR:
    copy->loop.first = copy_local(arena, stmt->loop.first);
    copy->loop.second = copy_local(arena, stmt->loop.second);
    copy->loop.iterable = copy_expr(arena, stmt->loop.iterable);
    copy->loop.body = copy_block(arena, stmt->loop.body);
    break;
  case STMT_FORGET:
  case STMT_ERROR: break;
  }
  return copy;
}

struct block *copy_block(struct arena *arena, const struct block *block) {
  if (!block) return NULL;
  struct block *copy = arena_new(arena, struct block);
  *copy = *block;
  COPY_LIST(arena, &copy->stmts, struct stmt *, copy_stmt);
  return copy;
}

static struct clause copy_clause(struct arena *arena, const struct clause *clause) {
  struct clause copy = *clause;
  copy.value = copy_expr(arena, clause->value);
  copy.high = copy_expr(arena, clause->high);
  return copy;
}

static struct hook copy_hook(struct arena *arena, const struct hook *hook) {
  struct hook copy = *hook;
  copy.at = copy_expr(arena, hook->at);
  copy.body = copy_block(arena, hook->body);
  return copy;
}

static struct split_arm copy_split_arm(struct arena *arena, const struct split_arm *arm) {
  struct split_arm copy = *arm;
  copy.condition = copy_expr(arena, arm->condition);
  return copy;
}

static struct ident copy_ident(struct arena *arena, const struct ident *ident) {
  (void)arena;
  return *ident;
}

static struct field_decl copy_field(struct arena *arena, const struct field_decl *field) {
  struct field_decl copy = *field;
  copy.init = copy_expr(arena, field->init);
  return copy;
}

/* The defaults of a structural record are expressions. */
static struct type_syntax *copy_type(struct arena *arena, struct type_syntax *type) {
  if (!type || type->kind != TYPE_SYNTAX_RECORD) return type;
  struct type_syntax *copy = arena_new(arena, struct type_syntax);
  *copy = *type;
  COPY_LIST(arena, &copy->fields, struct field_decl, copy_field);
  return copy;
}

struct stage *copy_stage(struct arena *arena, const struct stage *stage) {
  struct stage *copy = arena_new(arena, struct stage);
  *copy = *stage;
  COPY_LIST(arena, &copy->args, struct expr *, copy_item);
  COPY_LIST(arena, &copy->named_args, struct arg, copy_arg);
  COPY_LIST(arena, &copy->names, struct ident, copy_ident);
  copy->type_syntax = copy_type(arena, stage->type_syntax);
  copy->init = copy_expr(arena, stage->init);
  COPY_LIST(arena, &copy->clauses, struct clause, copy_clause);
  copy->body = copy_block(arena, stage->body);
  COPY_LIST(arena, &copy->hooks, struct hook, copy_hook);
  COPY_LIST(arena, &copy->arms, struct split_arm, copy_split_arm);
  return copy;
}
