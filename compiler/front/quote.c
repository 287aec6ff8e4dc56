#include "front/quote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "front/copy.h"
#include "front/parse.h"

void quote_begin(struct quote *q, struct checker *c, const struct stage *stage) {
  *q = (struct quote){.c = c, .stage = stage, .span = stage->verb.span, .instance = stage->instance};
  map_init(&q->exprs, c->arena);
  map_init(&q->types, c->arena);
  map_init(&q->blocks, c->arena);
  map_init(&q->names, c->arena);
}

static const char *intern(struct quote *q, const char *name) {
  return names_intern(&q->c->compiler->names, name, strlen(name));
}

void quote_expr_hole(struct quote *q, const char *name, const struct expr *value) {
  map_put(&q->exprs, intern(q, name), (void *)value);
}

void quote_type_hole(struct quote *q, const char *name, const struct type *type) {
  map_put(&q->types, intern(q, name), (void *)type);
}

void quote_block_hole(struct quote *q, const char *name, const struct block *block) {
  map_put(&q->blocks, intern(q, name), (void *)block);
}

void quote_name_hole(struct quote *q, const char *name, struct ident ident) {
  struct ident *copy = arena_new(q->c->arena, struct ident);
  *copy = ident;
  map_put(&q->names, intern(q, name), copy);
}

/* -- filling holes: a tree that was just parsed is changed in place ------------------------------ */

static void fill_expr(struct quote *q, struct expr **slot);
static void fill_block(struct quote *q, struct block *block);

static void fill_name(struct quote *q, struct ident *name) {
  const struct ident *ident = name->text ? map_get(&q->names, name->text) : NULL;
  if (ident)
    *name = *ident;
  else
    name->span = q->span;
}

static void fill_local(struct quote *q, struct local *local) {
  if (local) local->name.span = q->span;
}

static void fill_type(struct quote *q, struct type_syntax *type) {
  if (!type) return;
  type->span = type->name.span = q->span;
  const struct type *made = type->name.text ? map_get(&q->types, type->name.text) : NULL;
  if (made) {
    type->kind = TYPE_SYNTAX_MADE;
    type->made = made;
  }
  vec_each(struct type_syntax *, arg, &type->args) fill_type(q, *arg);
  fill_type(q, type->inner);
  vec_each(struct field_decl, field, &type->fields) {
    fill_name(q, &field->name);
    fill_type(q, field->type_syntax);
    fill_expr(q, &field->init);
  }
}

static void fill_arms(struct quote *q, struct match_arm_list *arms) {
  vec_each(struct match_arm, arm, arms) {
    arm->span = q->span;
    vec_each(struct pattern, pattern, &arm->patterns) {
      pattern->span = pattern->name.span = pattern->type.span = q->span;
      fill_expr(q, &pattern->low);
      fill_expr(q, &pattern->high);
      fill_local(q, pattern->binder);
    }
    fill_expr(q, &arm->value);
    fill_block(q, arm->body);
  }
}

static void fill_parts(struct quote *q, struct expr *expr) {
  switch (expr->kind) {
  case EXPR_FSTRING:
    vec_each(struct fstring_part, part, &expr->fstring) fill_expr(q, &part->value);
    break;
  case EXPR_UNARY: fill_expr(q, &expr->unary.operand); break;
  case EXPR_BINARY:
    expr->binary.op_span = q->span;
    fill_expr(q, &expr->binary.left);
    fill_expr(q, &expr->binary.right);
    break;
  case EXPR_FIELD:
    fill_expr(q, &expr->field.object);
    fill_name(q, &expr->field.name);
    break;
  case EXPR_INDEX:
    fill_expr(q, &expr->index.object);
    fill_expr(q, &expr->index.index);
    break;
  case EXPR_CALL:
    expr->call.name.span = q->span;
    vec_each(struct arg, arg, &expr->call.args) {
      arg->name.span = q->span;
      fill_expr(q, &arg->value);
    }
    break;
  case EXPR_LIST:
    vec_each(struct expr *, item, &expr->list) fill_expr(q, item);
    break;
  case EXPR_MAP:
    vec_each(struct map_pair, pair, &expr->map) {
      fill_expr(q, &pair->key);
      fill_expr(q, &pair->value);
    }
    break;
  case EXPR_RECORD:
    vec_each(struct record_item, item, &expr->record.items) {
      fill_name(q, &item->name);
      fill_expr(q, &item->value);
    }
    break;
  case EXPR_IF:
    fill_expr(q, &expr->if_else.condition);
    fill_local(q, expr->if_else.binder);
    fill_expr(q, &expr->if_else.then_value);
    fill_expr(q, &expr->if_else.else_value);
    break;
  case EXPR_MATCH:
    fill_expr(q, &expr->match.subject);
    fill_arms(q, &expr->match.arms);
    break;
  case EXPR_LAMBDA: fill_expr(q, &expr->lambda.body); break;
  default: break; /* literals and names have nothing inside */
  }
}

static void fill_expr(struct quote *q, struct expr **slot) {
  struct expr *expr = *slot;
  if (!expr) return;
  const struct expr *value = expr->kind == EXPR_NAME ? map_get(&q->exprs, expr->name.text) : NULL;
  if (value) {
    *slot = copy_expr(q->c->arena, value);
    return;
  }
  expr->span = q->span;
  fill_parts(q, expr);
}

/* The block that the statement `$name()` stands for, or null. */
static const struct block *block_of(struct quote *q, const struct stmt *stmt) {
  bool is_call = stmt->kind == STMT_EXPR && stmt->expr->kind == EXPR_CALL;
  return is_call ? map_get(&q->blocks, stmt->expr->call.name.text) : NULL;
}

static void fill_stmt(struct quote *q, struct stmt *stmt) {
  stmt->span = q->span;
  switch (stmt->kind) {
  case STMT_LET:
    fill_local(q, stmt->let.local);
    fill_type(q, stmt->let.type_syntax);
    fill_expr(q, &stmt->let.value);
    break;
  case STMT_ASSIGN:
    fill_expr(q, &stmt->assign.place);
    fill_expr(q, &stmt->assign.value);
    break;
  case STMT_EXPR:
  case STMT_FAIL:
  case STMT_RETURN: fill_expr(q, &stmt->expr); break;
  case STMT_EMIT:
    fill_expr(q, &stmt->emit.value);
    fill_expr(q, &stmt->emit.at);
    fill_name(q, &stmt->emit.into);
    break;
  case STMT_IF:
    fill_expr(q, &stmt->if_else.condition);
    fill_local(q, stmt->if_else.binder);
    fill_block(q, stmt->if_else.then_block);
    fill_block(q, stmt->if_else.else_block);
    break;
  case STMT_MATCH:
    fill_expr(q, &stmt->match.subject);
    fill_arms(q, &stmt->match.arms);
    break;
  case STMT_FOR:
    fill_local(q, stmt->loop.first);
    fill_local(q, stmt->loop.second);
    fill_expr(q, &stmt->loop.iterable);
    fill_block(q, stmt->loop.body);
    break;
  case STMT_FORGET:
  case STMT_ERROR: break;
  }
}

static void fill_block(struct quote *q, struct block *block) {
  if (!block) return;
  struct stmt_list stmts = {0};
  vec_each(struct stmt *, slot, &block->stmts) {
    const struct block *inner = block_of(q, *slot);
    if (!inner) {
      fill_stmt(q, *slot);
      vec_push(q->c->arena, &stmts, *slot);
      continue;
    }
    const struct block *copy = copy_block(q->c->arena, inner);
    vec_each(struct stmt *, stmt, &copy->stmts) vec_push(q->c->arena, &stmts, *stmt);
  }
  block->span = q->span;
  block->stmts = stmts;
}

static void fill_stage(struct quote *q, struct stage *stage) {
  stage->span = stage->verb.span = q->span;
  stage->instance = q->instance;
  stage->made_for = q->stage;
  fill_name(q, &stage->name);
  vec_each(struct expr *, arg, &stage->args) fill_expr(q, arg);
  vec_each(struct arg, arg, &stage->named_args) fill_expr(q, &arg->value);
  vec_each(struct ident, name, &stage->names) fill_name(q, name);
  fill_type(q, stage->type_syntax);
  fill_expr(q, &stage->init);
  vec_each(struct clause, clause, &stage->clauses) {
    clause->name.span = q->span;
    fill_expr(q, &clause->value);
  }
  fill_block(q, stage->body);
  vec_each(struct hook, hook, &stage->hooks) {
    hook->name.span = q->span;
    fill_expr(q, &hook->at);
    fill_block(q, hook->body);
  }
}

/* -- parsing ------------------------------------------------------------------------------------- */

/* The declaration that is the text between `before` and `after`. The compiler's own source, tokens and
 * program are as before afterwards, and the text takes no place among the sources. */
static struct decl *parse_quoted(struct quote *q, const char *before, const char *text, const char *after) {
  struct compiler *c = q->c->compiler;
  struct source *source = c->source;
  struct tokens *tokens = c->tokens;
  struct program *program = c->program;
  const struct sources sources = c->sources;
  const char *whole = arena_printf(q->c->arena, "%s%s%s", before, text, after);
  c->source = sources_add_text(&c->sources, "quoted", whole, strlen(whole));
  size_t errors = c->diags.error_count;
  if (c->source) {
    c->source->is_quoted = true;
    if (pass_tokens(c)) pass_parse(c);
  }
  if (!c->source || c->diags.error_count > errors || c->program->decls.count != 1) {
    fprintf(stderr, "flowcc: internal error: quoted text does not parse:\n%s\n", whole);
    abort();
  }
  struct decl *decl = c->program->decls.data[0];
  c->source = source;
  c->tokens = tokens;
  c->program = program;
  c->sources.list.count = sources.list.count;
  c->sources.end = sources.end;
  return decl;
}

struct expr *quote_expr(struct quote *q, const char *text) {
  struct decl *decl = parse_quoted(q, "const $quote = ", text, "\n");
  fill_expr(q, &decl->value);
  return decl->value;
}

struct block *quote_block(struct quote *q, const char *text) {
  struct decl *decl = parse_quoted(q, "step $quote() = |> state $quote: int = 0 { ", text, " }\n");
  struct block *block = decl->stages.data[0]->body;
  fill_block(q, block);
  return block;
}

struct stage_list quote_stages(struct quote *q, const char *text) {
  struct decl *decl = parse_quoted(q, "step $quote() = ", text, "\n");
  vec_each(struct stage *, stage, &decl->stages) fill_stage(q, *stage);
  return decl->stages;
}
