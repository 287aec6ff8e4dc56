/* Which fields of record types are ever read, so that a source decodes only those.
 *
 * The analysis is by type, not by place: a field of a record type is live if any checked expression
 * reads it, and all fields are where a value of the type is used as a whole (printed, stored,
 * compared, passed on as a value). That is less than what is known about each place, but it needs no
 * proof that rows of one type do not mix.
 */
#include "middle/live.h"

#include "front/builtin.h"
#include "ops/op.h"

struct live {
  struct compiler *compiler;
  struct arena *arena;
  bool *is_whole;      /* by type id */
  bool **is_read;      /* by type id, then field; null: none */
  const struct type *item; /* of the stage, for bare field names */
};

static void mark_field(struct live *l, const struct type *record, uint32_t field) {
  if (l->is_read[record->id] == NULL)
    l->is_read[record->id] = arena_zalloc(l->arena, record->fields.count + 1);
  l->is_read[record->id][field] = true;
}

static void mark_whole(struct live *l, const struct type *type) {
  if (type == NULL || l->is_whole[type->id]) return;
  l->is_whole[type->id] = true;
  mark_whole(l, type->elem);
  mark_whole(l, type->key);
  vec_each(struct type_field, field, &type->fields) mark_whole(l, field->type);
  vec_each(struct type_variant, variant, &type->variants) mark_whole(l, variant->payload);
}

static void visit_value(struct live *, const struct expr *);

/* A path to a field reads that field and nothing else of what is before it. */
static void visit_path(struct live *l, const struct expr *expr) {
  if (expr->kind == EXPR_NAME) {
    if (expr->name.ref == REF_FIELD && l->item != NULL) mark_field(l, l->item, expr->name.index);
    return;
  }
  if (expr->kind != EXPR_FIELD) {
    visit_value(l, expr);
    return;
  }
  const struct type *record = expr->field.object->type;
  if (record->kind == TYPE_OPTIONAL) record = record->elem;
  visit_path(l, expr->field.object);
  if (record->kind == TYPE_RECORD) mark_field(l, record, expr->field.index);
}

static void visit_fields(struct live *l, const struct record_field_list *fields,
                         const struct expr_list *spreads) {
  vec_each(struct record_field, field, fields) {
    if (field->value != NULL) {
      visit_value(l, field->value);
      continue;
    }
    const struct type *record = spreads->data[field->spread]->type;
    mark_field(l, record, field->spread_field);
    mark_whole(l, record->fields.data[field->spread_field].type);
  }
  for (size_t i = 0; spreads != NULL && i < spreads->count; i++) visit_path(l, spreads->data[i]);
}

/* A match looks at which variant it is. What an arm reads of its fields, it reads through its binder. */
static void visit_subject(struct live *l, const struct expr *subject) {
  bool is_path = subject->kind == EXPR_NAME || subject->kind == EXPR_FIELD;
  if (is_path && subject->type->kind == TYPE_ENUM)
    visit_path(l, subject);
  else
    visit_value(l, subject);
}

static void visit_patterns(struct live *l, const struct match_arm *arm) {
  vec_each(struct pattern, pattern, &arm->patterns) {
    if (pattern->low != NULL) visit_value(l, pattern->low);
    if (pattern->high != NULL) visit_value(l, pattern->high);
  }
}

static void visit_call(struct live *l, const struct expr *expr) {
  if (expr->call.kind == CALL_RECORD || expr->call.kind == CALL_VARIANT) {
    visit_fields(l, &expr->call.fields, NULL);
    return;
  }
  vec_each(struct arg, arg, &expr->call.args) visit_value(l, arg->value);
}

/* Visits what is inside; that the value itself is used as a whole is marked by the caller. */
static void visit_inside(struct live *l, const struct expr *expr) {
  switch (expr->kind) {
  case EXPR_FSTRING:
    vec_each(struct fstring_part, part, &expr->fstring)
      if (part->value != NULL) visit_value(l, part->value);
    return;
  case EXPR_UNARY: visit_value(l, expr->unary.operand); return;
  case EXPR_BINARY:
    visit_value(l, expr->binary.left);
    visit_value(l, expr->binary.right);
    return;
  case EXPR_INDEX:
    visit_value(l, expr->index.object);
    visit_value(l, expr->index.index);
    return;
  case EXPR_CALL: visit_call(l, expr); return;
  case EXPR_LIST:
    vec_each(struct expr *, element, &expr->list) visit_value(l, *element);
    return;
  case EXPR_MAP:
    vec_each(struct map_pair, pair, &expr->map) {
      visit_value(l, pair->key);
      visit_value(l, pair->value);
    }
    return;
  case EXPR_RECORD: visit_fields(l, &expr->record.fields, &expr->record.spreads); return;
  case EXPR_IF:
    visit_value(l, expr->if_else.condition);
    visit_value(l, expr->if_else.then_value);
    visit_value(l, expr->if_else.else_value);
    return;
  case EXPR_MATCH:
    visit_subject(l, expr->match.subject);
    vec_each(struct match_arm, arm, &expr->match.arms) {
      visit_patterns(l, arm);
      visit_value(l, arm->value);
    }
    return;
  case EXPR_COERCE: visit_value(l, expr->coerce.operand); return;
  default: return;
  }
}

static void visit_value(struct live *l, const struct expr *expr) {
  mark_whole(l, expr->type);
  if (expr->kind == EXPR_NAME || expr->kind == EXPR_FIELD) {
    visit_path(l, expr);
  } else {
    visit_inside(l, expr);
  }
}

static void visit_block(struct live *, const struct block *);

static void visit_stmt(struct live *l, const struct stmt *stmt) {
  switch (stmt->kind) {
  case STMT_LET: visit_value(l, stmt->let.value); return;
  case STMT_ASSIGN:
    visit_value(l, stmt->assign.place);
    visit_value(l, stmt->assign.value);
    return;
  case STMT_EXPR:
  case STMT_FAIL:
  case STMT_RETURN:
    if (stmt->expr != NULL) visit_value(l, stmt->expr);
    return;
  case STMT_EMIT:
    visit_value(l, stmt->emit.value);
    if (stmt->emit.at) visit_value(l, stmt->emit.at);
    return;
  case STMT_IF:
    visit_value(l, stmt->if_else.condition);
    visit_block(l, stmt->if_else.then_block);
    if (stmt->if_else.else_block != NULL) visit_block(l, stmt->if_else.else_block);
    return;
  case STMT_MATCH:
    visit_subject(l, stmt->match.subject);
    vec_each(struct match_arm, arm, &stmt->match.arms) {
      visit_patterns(l, arm);
      visit_block(l, arm->body);
    }
    return;
  case STMT_FOR:
    visit_value(l, stmt->loop.iterable);
    visit_block(l, stmt->loop.body);
    return;
  case STMT_FORGET:
  case STMT_ERROR: return;
  }
}

static void visit_block(struct live *l, const struct block *block) {
  vec_each(struct stmt *, stmt, &block->stmts) visit_stmt(l, *stmt);
}

static void visit_node(struct live *l, const struct node *node) {
  if (node->kind == NODE_SINK) mark_whole(l, node->item);
  if (node->kind != NODE_STAGE) return;
  const struct stage *stage = node->stage;
  l->item = stage->in_item;
  /* A reject shows the item; inspect without a value prints it. */
  if (stage->on_fail.kind == ON_FAIL_INTO || (stage->op->shows_item && stage->args.count == 0))
    mark_whole(l, stage->in_item);
  vec_each(struct expr *, arg, &stage->args) visit_value(l, *arg);
  if (stage->init != NULL) visit_value(l, stage->init);
  mark_whole(l, stage->state_type);
  if (stage->state_type != NULL) mark_whole(l, stage->in_key);
  if (stage->body != NULL) visit_block(l, stage->body);
  vec_each(struct hook, hook, &stage->hooks) visit_block(l, hook->body);
  vec_each(struct split_arm, arm, &stage->arms)
    if (arm->condition != NULL) visit_value(l, arm->condition);
}

/* A function that is written anew for each use, or that nothing uses, has not been checked. */
static void visit_decl(struct live *l, const struct decl *decl) {
  if ((decl->kind != DECL_FN && decl->kind != DECL_CONST) || !decl->is_checked) return;
  if (decl->value != NULL) visit_value(l, decl->value);
  if (decl->body != NULL) visit_block(l, decl->body);
  vec_each(const struct type *, type, &decl->arg_types) mark_whole(l, *type);
}

struct live *live_find(struct compiler *c) {
  struct live *l = arena_new(&c->arena, struct live);
  l->compiler = c;
  l->arena = &c->arena;
  l->is_whole = arena_zalloc(&c->arena, c->types->all.count + 1);
  l->is_read = arena_zalloc(&c->arena, (c->types->all.count + 1) * sizeof *l->is_read);
  vec_each(struct node *, node, &c->graph->nodes) visit_node(l, *node);
  l->item = NULL;
  vec_each(struct decl *, it, &c->program->decls) visit_decl(l, *it);
  vec_each(struct decl *, it, &c->program->instances) visit_decl(l, *it);
  vec_each(const struct type *, type, &c->types->all) {
    l->item = *type;
    vec_each(struct type_field, field, &(*type)->fields)
      if (field->where != NULL) visit_value(l, field->where);
  }
  return l;
}

bool live_has(const struct live *l, const struct type *record, uint32_t field) {
  return l->is_whole[record->id] ||
         (l->is_read[record->id] != NULL && l->is_read[record->id][field]);
}
