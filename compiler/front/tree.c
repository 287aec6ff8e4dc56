#include "front/tree.h"

#include "base/limits.h"
#include "front/parse.tab.h"

#include <string.h>

static struct arena *arena_of(struct parser *parser) {
  return &parser->compiler->arena;
}

static struct diags *diags_of(struct parser *parser) {
  return &parser->compiler->diags;
}

struct ident tree_ident(const struct token *token) {
  return (struct ident){token->name, token->span};
}

/* -- expressions ------------------------------------------------------------------------------- */

struct expr *tree_expr(struct parser *parser, enum expr_kind kind, struct span span) {
  struct expr *expr = arena_new(arena_of(parser), struct expr);
  expr->kind = kind;
  expr->span = span;
  expr->height = 1;
  return expr;
}

static void raise_height(struct expr *expr, const struct expr *child) {
  if (child && child->height >= expr->height) expr->height = child->height + 1;
}

/* Finishes a node whose children have raised its height: a tree that is too high is cut off here,
 * so that no pass can run out of stack on it. */
static struct expr *limited(struct parser *parser, struct expr *expr) {
  if (expr->height <= LIMIT_EXPR_HEIGHT) return expr;
  struct diag *diag = diag_error(diags_of(parser), E0109, expr->span,
                                 "this expression has more than %d levels", LIMIT_EXPR_HEIGHT);
  diag_help(diag, "name parts of it with `let` or a `fn`");
  return tree_expr(parser, EXPR_ERROR, expr->span);
}

struct expr *tree_literal(struct parser *parser, const struct token *token) {
  static const struct {
    int token;
    enum expr_kind kind;
  } kinds[] = {
      {TOKEN_INT, EXPR_INT},
      {TOKEN_FLOAT, EXPR_FLOAT},
      {TOKEN_STRING, EXPR_STRING},
      {TOKEN_DURATION, EXPR_DURATION},
      {TOKEN_TRUE, EXPR_BOOL},
      {TOKEN_FALSE, EXPR_BOOL},
      {TOKEN_TIMESTAMP, EXPR_TIMESTAMP},
      {TOKEN_NONE, EXPR_NONE},
  };
  struct expr *expr = tree_expr(parser, EXPR_ERROR, token->span);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (kinds[i].token == token->kind) expr->kind = kinds[i].kind;
  }
  switch (expr->kind) {
  case EXPR_FLOAT: expr->number = token->number; break;
  case EXPR_BOOL: expr->boolean = token->kind == TOKEN_TRUE; break;
  case EXPR_STRING:
    expr->string.data = token->string.data;
    expr->string.length = token->string.length;
    break;
  default: expr->integer = token->integer; break;
  }
  return expr;
}

struct expr *tree_name(struct parser *parser, const struct token *token) {
  struct expr *expr = tree_expr(parser, EXPR_NAME, token->span);
  expr->name.text = token->name;
  return expr;
}

struct expr *tree_negate(struct parser *parser, struct span span, struct expr *operand) {
  /* A minus is part of a literal, so that the smallest int can be written; the scanner has made
   * INT64_MIN of its digits. */
  bool is_int = operand->kind == EXPR_INT || operand->kind == EXPR_DURATION;
  bool is_positive = operand->integer >= 0 || operand->integer == INT64_MIN;
  if (is_int && !operand->in_parens && is_positive) {
    if (operand->integer != INT64_MIN) operand->integer = -operand->integer;
    operand->span = span;
    return operand;
  }
  if (operand->kind == EXPR_FLOAT && !operand->in_parens) {
    operand->number = -operand->number;
    operand->span = span;
    return operand;
  }
  struct expr *expr = tree_expr(parser, EXPR_UNARY, span);
  expr->unary.op = UNARY_NEGATE;
  expr->unary.operand = operand;
  raise_height(expr, operand);
  return limited(parser, expr);
}

struct expr *tree_not(struct parser *parser, struct span span, struct expr *operand) {
  struct expr *expr = tree_expr(parser, EXPR_UNARY, span);
  expr->unary.op = UNARY_NOT;
  expr->unary.operand = operand;
  raise_height(expr, operand);
  return limited(parser, expr);
}

static bool is_comparison(enum binary_op op) {
  return op >= BINARY_EQ && op <= BINARY_NOT_IN;
}

static bool is_open_binary(const struct expr *expr) {
  return expr->kind == EXPR_BINARY && !expr->in_parens;
}

/* Refuses what the grammar allows and readers would misunderstand. */
static void check_binary(struct parser *parser, const struct expr *expr) {
  const struct expr *left = expr->binary.left, *right = expr->binary.right;
  if (is_comparison(expr->binary.op) && is_open_binary(left) && is_comparison(left->binary.op)) {
    struct diag *diag =
        diag_error(diags_of(parser), E0107, expr->binary.op_span, "comparisons do not chain");
    diag_underline(diag, left->binary.op_span);
    diag_help(diag, "join two comparisons with `and`: a < b and b < c");
  }
  if (expr->binary.op == BINARY_COALESCE && is_open_binary(right) &&
      right->binary.op >= BINARY_ADD) {
    struct diag *diag = diag_error(diags_of(parser), E0108, right->span,
                                   "arithmetic to the right of `??` needs parentheses");
    diag_underline(diag, expr->binary.op_span);
    diag_help(diag,
              "`a ?? 0 + 1` means `a ?? (0 + 1)`; for the other meaning write `(a ?? 0) + 1`");
  }
}

struct expr *tree_binary(struct parser *parser, enum binary_op op, struct span op_span,
                         struct expr *left, struct expr *right) {
  struct expr *expr = tree_expr(parser, EXPR_BINARY, span_join(left->span, right->span));
  expr->binary.op = op;
  expr->binary.op_span = op_span;
  expr->binary.left = left;
  expr->binary.right = right;
  check_binary(parser, expr);
  raise_height(expr, left);
  raise_height(expr, right);
  return limited(parser, expr);
}

struct expr *tree_field(struct parser *parser, struct span span, struct expr *object,
                        const struct token *name, bool is_optional) {
  struct expr *expr = tree_expr(parser, EXPR_FIELD, span);
  expr->field.object = object;
  expr->field.name = tree_ident(name);
  expr->field.is_optional = is_optional;
  raise_height(expr, object);
  return limited(parser, expr);
}

struct expr *tree_index(struct parser *parser, struct span span, struct expr *object,
                        struct expr *index) {
  struct expr *expr = tree_expr(parser, EXPR_INDEX, span);
  expr->index.object = object;
  expr->index.index = index;
  expr->index.is_sure = parser->compiler->source->is_quoted;
  raise_height(expr, object);
  raise_height(expr, index);
  return limited(parser, expr);
}

struct expr *tree_call(struct parser *parser, struct span span, const struct token *name,
                       struct expr *receiver, struct arg_list args) {
  struct expr *expr = tree_expr(parser, EXPR_CALL, span);
  expr->call.name = tree_ident(name);
  expr->call.is_method = receiver != NULL;
  expr->call.is_quoted = parser->compiler->source->is_quoted;
  if (receiver) tree_push(parser, &expr->call.args, (struct arg){.value = receiver});
  vec_each(struct arg, arg, &args) tree_push(parser, &expr->call.args, *arg);
  vec_each(struct arg, arg, &expr->call.args) raise_height(expr, arg->value);
  return limited(parser, expr);
}

struct expr *tree_where(struct parser *parser, struct span span, struct expr *call,
                        struct expr *condition) {
  if (call->kind != EXPR_CALL) return call;
  call->span = span;
  call->call.where = condition;
  raise_height(call, condition);
  return limited(parser, call);
}

struct expr *tree_list(struct parser *parser, struct span span, struct expr_list items) {
  struct expr *expr = tree_expr(parser, EXPR_LIST, span);
  expr->list = items;
  vec_each(struct expr *, item, &items) raise_height(expr, *item);
  return limited(parser, expr);
}

struct expr *tree_map(struct parser *parser, struct span span, struct map_pair_list pairs) {
  struct expr *expr = tree_expr(parser, EXPR_MAP, span);
  expr->map = pairs;
  vec_each(struct map_pair, pair, &pairs) {
    raise_height(expr, pair->key);
    raise_height(expr, pair->value);
  }
  return limited(parser, expr);
}

struct expr *tree_record(struct parser *parser, struct span span, struct record_item_list items) {
  struct expr *expr = tree_expr(parser, EXPR_RECORD, span);
  expr->record.items = items;
  vec_each(struct record_item, item, &items) raise_height(expr, item->value);
  return limited(parser, expr);
}

struct expr *tree_lambda(struct parser *parser, struct span span, struct ident_list params,
                         struct expr *body) {
  struct expr *expr = tree_expr(parser, EXPR_LAMBDA, span);
  expr->lambda.params = params;
  expr->lambda.body = body;
  raise_height(expr, body);
  return limited(parser, expr);
}

struct expr *tree_fstring(struct parser *parser, struct span span, struct fstring_part_list parts) {
  struct expr *expr = tree_expr(parser, EXPR_FSTRING, span);
  expr->fstring = parts;
  vec_each(struct fstring_part, part, &parts) raise_height(expr, part->value);
  return limited(parser, expr);
}

struct expr *tree_if(struct parser *parser, struct span span, struct condition condition,
                     struct expr *then_value, struct expr *else_value) {
  struct expr *expr = tree_expr(parser, EXPR_IF, span);
  expr->if_else.condition = condition.value;
  expr->if_else.binder = condition.binder;
  expr->if_else.then_value = then_value;
  expr->if_else.else_value = else_value;
  raise_height(expr, condition.value);
  raise_height(expr, then_value);
  raise_height(expr, else_value);
  return limited(parser, expr);
}

struct expr *tree_match(struct parser *parser, struct span span, struct expr *subject,
                        struct match_arm_list arms) {
  struct expr *expr = tree_expr(parser, EXPR_MATCH, span);
  expr->match.subject = subject;
  expr->match.arms = arms;
  raise_height(expr, subject);
  vec_each(struct match_arm, arm, &arms) raise_height(expr, arm->value);
  return limited(parser, expr);
}

struct record_item tree_record_item(struct parser *parser, struct expr *value) {
  struct record_item item = {.value = value};
  if (value->kind == EXPR_NAME) {
    item.name = (struct ident){value->name.text, value->span};
  } else if (value->kind == EXPR_FIELD) {
    item.name = value->field.name;
  } else if (value->kind != EXPR_ERROR) {
    struct diag *diag = diag_error(diags_of(parser), E0100, value->span,
                                   "this value needs a field name in front of it");
    diag_help(diag, "write `name: value`; only `x` and `a.x` name themselves");
  }
  return item;
}

/* -- patterns and locals ----------------------------------------------------------------------- */

struct local *tree_local(struct parser *parser, const struct token *name) {
  struct local *local = arena_new(arena_of(parser), struct local);
  local->name = tree_ident(name);
  return local;
}

struct pattern tree_name_pattern(struct parser *parser, const struct token *name,
                                 const struct token *binder) {
  struct pattern pattern = {.kind = PATTERN_VARIANT, .span = name->span, .name = tree_ident(name)};
  if (!binder) return pattern;
  pattern.span = span_join(name->span, binder->span);
  pattern.binder = tree_local(parser, binder);
  if (strcmp(name->name, "some") == 0) pattern.kind = PATTERN_SOME;
  return pattern;
}

struct pattern tree_qualified_pattern(struct parser *parser, const struct token *type,
                                      const struct token *name, const struct token *binder) {
  struct pattern pattern = tree_name_pattern(parser, name, binder);
  pattern.kind = PATTERN_VARIANT;
  pattern.type = tree_ident(type);
  pattern.span = span_join(type->span, pattern.span);
  return pattern;
}

/* -- statements -------------------------------------------------------------------------------- */

struct stmt *tree_stmt(struct parser *parser, enum stmt_kind kind, struct span span) {
  struct stmt *stmt = arena_new(arena_of(parser), struct stmt);
  stmt->kind = kind;
  stmt->span = span;
  return stmt;
}

struct stmt *tree_assign(struct parser *parser, struct span span, enum assign_op op,
                         struct expr *place, struct expr *value) {
  struct stmt *stmt = tree_stmt(parser, STMT_ASSIGN, span);
  stmt->assign.op = op;
  stmt->assign.place = place;
  stmt->assign.value = value;
  if (place->kind == EXPR_CALL) {
    diag_error(diags_of(parser), E0100, place->span, "a call cannot be assigned to");
    stmt->kind = STMT_ERROR;
  }
  return stmt;
}

struct stmt *tree_expr_stmt(struct parser *parser, struct expr *expr) {
  struct stmt *stmt = tree_stmt(parser, STMT_EXPR, expr->span);
  stmt->expr = expr;
  if (expr->kind == EXPR_CALL || expr->kind == EXPR_ERROR) return stmt;
  struct diag *diag =
      diag_error(diags_of(parser), E0113, expr->span, "this stands alone and does nothing");
  diag_help(diag, "use the value: `emit …`, in a function `return …`, or `let x = …`");
  stmt->kind = STMT_ERROR;
  return stmt;
}

struct stmt *tree_emit(struct parser *parser, struct span span, struct expr *value,
                       struct clause_list clauses) {
  struct stmt *stmt = tree_stmt(parser, STMT_EMIT, span);
  stmt->emit.value = value;
  vec_each(struct clause, clause, &clauses) {
    bool is_into = strcmp(clause->name.text, "into") == 0;
    if (is_into && clause->value && clause->value->kind == EXPR_NAME) {
      stmt->emit.into = (struct ident){clause->value->name.text, clause->value->span};
      continue;
    }
    bool is_at = strcmp(clause->name.text, "at") == 0;
    if (is_at && clause->value && parser->compiler->source->is_quoted) {
      stmt->emit.at = clause->value;
      continue;
    }
    struct span place = is_into && clause->value ? clause->value->span : clause->name.span;
    struct diag *diag = diag_error(diags_of(parser), E0100, place,
                                   is_into ? "expected the name of a stream or sink behind `into`"
                                           : "`emit` has no `%s`; only `into` may follow the value",
                                   clause->name.text);
    if (!is_into) diag_help(diag, "write `emit VALUE` or `emit VALUE into NAME`");
  }
  return stmt;
}

struct stmt *tree_if_stmt(struct parser *parser, struct span span, struct condition condition,
                          struct block *then_block, struct block *else_block) {
  struct stmt *stmt = tree_stmt(parser, STMT_IF, span);
  stmt->if_else.condition = condition.value;
  stmt->if_else.binder = condition.binder;
  stmt->if_else.then_block = then_block;
  stmt->if_else.else_block = else_block;
  return stmt;
}

struct block *tree_block(struct parser *parser, struct span span, struct stmt_list stmts) {
  struct block *block = arena_new(arena_of(parser), struct block);
  block->span = span;
  block->stmts = stmts;
  return block;
}

struct block *tree_block_of(struct parser *parser, struct stmt *stmt) {
  struct block *block = tree_block(parser, stmt->span, (struct stmt_list){0});
  tree_push(parser, &block->stmts, stmt);
  return block;
}

/* -- types, clauses, stages, declarations ------------------------------------------------------ */

struct type_syntax *tree_type(struct parser *parser, enum type_syntax_kind kind, struct span span) {
  struct type_syntax *type = arena_new(arena_of(parser), struct type_syntax);
  type->kind = kind;
  type->span = span;
  return type;
}

struct type_syntax *tree_optional_type(struct parser *parser, struct span span,
                                       struct type_syntax *inner) {
  if (inner->kind == TYPE_SYNTAX_OPTIONAL) {
    if (inner->is_doubled) return inner; /* one message is enough */
    inner->is_doubled = true;
    struct diag *diag = diag_error(diags_of(parser), E0209, span, "this type is optional twice");
    diag_help(diag, "a value is there or not: one `?` is enough");
    return inner;
  }
  struct type_syntax *type = tree_type(parser, TYPE_SYNTAX_OPTIONAL, span);
  type->inner = inner;
  return type;
}

void tree_add_clause(struct parser *parser, struct clause_list *clauses, const struct token *name,
                     struct expr *value, struct expr *high) {
  vec_each(struct clause, clause, clauses) {
    if (clause->name.text != name->name) continue;
    struct diag *diag =
        diag_error(diags_of(parser), E0115, name->span, "`%s` is given twice", name->name);
    diag_label(diag, clause->name.span, "first here");
    return;
  }
  if (high && strcmp(name->name, "within") != 0) {
    diag_error(diags_of(parser), E0100, span_join(value->span, high->span), "`%s` takes one value, no range",
               name->name);
    return;
  }
  if (clauses->count == LIMIT_CLAUSES) {
    diag_error(diags_of(parser), E0109, name->span, "more than %d clauses at one place",
               LIMIT_CLAUSES);
    return;
  }
  struct clause clause = {.name = tree_ident(name), .value = value, .high = high};
  tree_push(parser, clauses, clause);
}

void tree_add_hook(struct parser *parser, struct hook_list *hooks, const struct token *name,
                   struct expr *at, struct block *body) {
  vec_each(struct hook, hook, hooks) {
    if (hook->name.text != name->name) continue;
    struct diag *diag =
        diag_error(diags_of(parser), E0115, name->span, "`on %s` is given twice", name->name);
    diag_label(diag, hook->name.span, "first here");
    return;
  }
  if (hooks->count == LIMIT_CLAUSES) {
    diag_error(diags_of(parser), E0109, name->span, "more than %d hooks at one place",
               LIMIT_CLAUSES);
    return;
  }
  struct hook hook = {.name = tree_ident(name), .at = at, .body = body};
  tree_push(parser, hooks, hook);
}

struct on_fail tree_on_fail(struct parser *parser, struct span span, const struct token *word,
                            const struct token *name) {
  struct on_fail on_fail = {.span = span};
  bool is_into = strcmp(word->name, "into") == 0;
  if (strcmp(word->name, "skip") == 0) on_fail.kind = ON_FAIL_SKIP;
  if (strcmp(word->name, "stop") == 0) on_fail.kind = ON_FAIL_STOP;
  if (is_into && name) {
    on_fail.kind = ON_FAIL_INTO;
    on_fail.into = tree_ident(name);
  } else if (is_into) {
    diag_error(diags_of(parser), E0100, span_after(word->span),
               "expected the name of a stream or sink behind `else into`");
  } else if (on_fail.kind == ON_FAIL_NONE) {
    struct diag *diag = diag_error(diags_of(parser), E0100, word->span,
                                   "`else` of a stage or source is followed by `skip`, `stop` or "
                                   "`into NAME`, not `%s`",
                                   word->name);
    if (!name) diag_help(diag, "did you mean `else into %s`?", word->name);
  } else if (name) {
    diag_error(diags_of(parser), E0100, name->span, "nothing can follow `else %s`", word->name);
  }
  return on_fail;
}

void tree_report_too_many(struct parser *parser) {
  size_t last = parser->next > 0 ? parser->next - 1 : 0;
  struct diag *diag = diag_error(diags_of(parser), E0109, parser->tokens->list.data[last].span,
                                 "more than %d items at one place", LIMIT_ITEMS);
  diag_help(diag, "group them into records of their own");
}

struct stage *tree_stage(struct parser *parser, struct span span, const struct token *verb) {
  struct stage *stage = arena_new(arena_of(parser), struct stage);
  stage->verb = tree_ident(verb);
  stage->span = span;
  return stage;
}

void tree_set_clauses(struct parser *parser, struct stage *stage, struct clause_list clauses) {
  vec_each(struct clause, clause, &clauses) {
    if (strcmp(clause->name.text, "late into") != 0) {
      tree_push(parser, &stage->clauses, *clause);
    } else if (clause->value && clause->value->kind == EXPR_NAME) {
      stage->late = (struct ident){clause->value->name.text, clause->value->span};
    } else {
      struct span span = clause->value ? clause->value->span : clause->name.span;
      struct diag *diag = diag_error(diags_of(parser), E0100, span,
                                     "expected the name of a stream or sink behind `late into`");
      diag_help(diag, "write  late into missed,  and read it:  missed |> into stdout");
    }
  }
}

struct stage *tree_join(struct parser *parser, struct span span, const struct token *verb,
                        enum join_kind kind) {
  struct stage *stage = tree_stage(parser, span, verb);
  stage->verb.span = span;
  stage->join_kind = kind;
  return stage;
}

struct decl *tree_decl(struct parser *parser, enum decl_kind kind, struct span span,
                       const struct token *name) {
  struct decl *decl = arena_new(arena_of(parser), struct decl);
  decl->kind = kind;
  decl->span = span;
  decl->doc = tree_decl_doc(parser, span);
  if (name) decl->name = tree_ident(name);
  return decl;
}

/* -- documentation ----------------------------------------------------------------------------- */

/* Index of the first comment that starts at or behind an offset. */
static size_t first_doc(const struct parser *parser, uint32_t offset) {
  const struct doc_list *docs = &parser->tokens->docs;
  size_t low = 0, high = docs->count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (docs->data[middle].span.offset < offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static struct doc *doc_at(const struct parser *parser, size_t index) {
  return index < parser->tokens->docs.count ? &parser->tokens->docs.data[index] : NULL;
}

/* Joins the text of an unclaimed comment to `text`, which may be null. */
static const char *claim(struct parser *parser, struct doc *doc, const char *text) {
  if (doc->is_claimed) return text;
  doc->is_claimed = true;
  return text ? arena_printf(arena_of(parser), "%s\n%s", text, doc->text) : doc->text;
}

const char *tree_doc(struct parser *parser, struct span span) {
  const char *text = NULL;
  uint32_t end = span.offset + span.length;
  size_t index = first_doc(parser, span.offset);
  struct doc *above = index > 0 ? doc_at(parser, index - 1) : NULL;
  if (above && !above->is_trailing && above->anchor == span.offset)
    text = claim(parser, above, text);
  struct doc *behind = doc_at(parser, first_doc(parser, end));
  if (behind && behind->is_trailing && behind->anchor == end) text = claim(parser, behind, text);
  return text;
}

const char *tree_decl_doc(struct parser *parser, struct span span) {
  const char *text = tree_doc(parser, span);
  struct doc *inside = doc_at(parser, first_doc(parser, span.offset));
  const struct sources *sources = &parser->compiler->sources;
  if (inside && inside->is_trailing && !inside->is_claimed &&
      sources_line(sources, inside->span.offset) == sources_line(sources, span.offset))
    text = claim(parser, inside, text);
  return text;
}

void tree_report_unclaimed_docs(struct parser *parser) {
  const struct doc_list *docs = &parser->tokens->docs;
  vec_each(struct doc, doc, docs) {
    if (doc->is_claimed) continue;
    struct diag *diag =
        diag_warning(diags_of(parser), W0901, doc->span, "this `##` documents nothing");
    diag_help(diag, "put it above what it describes, or at the end of its line; `#` is a comment");
  }
}
