/* The listing of the tree for --dump=ast: one node per line, children indented below it. What the
 * checker has found out (types, what a name stands for) is shown where it is set. */
#include "front/ast.h"

#include "front/parse.h"
#include "front/type.h"

#include <inttypes.h>
#include <string.h>

struct dump {
  const struct compiler *compiler;
  struct text *out;
  int depth;
};

static void dump_expr(struct dump *d, const struct expr *expr);
static void dump_block(struct dump *d, const char *label, const struct block *block);
static void dump_type(struct dump *d, const struct type_syntax *type);

/* -- lines ------------------------------------------------------------------------------------- */

static void start(struct dump *d, const char *word) {
  text_pad(d->out, ' ', (size_t)d->depth * 2);
  text_add(d->out, word);
}

static void end(struct dump *d) {
  text_addc(d->out, '\n');
}

static void add_quoted(struct dump *d, const char *bytes, size_t length) {
  text_addc(d->out, ' ');
  text_add_quoted_json(d->out, bytes, length);
}

static void add_ident(struct dump *d, struct ident ident) {
  if (ident.text) text_addf(d->out, " %s", ident.text);
}

static void add_type(struct dump *d, const struct type *type) {
  if (type) text_addf(d->out, " : %s", type_name(d->compiler->types, type));
}

static void add_doc(struct dump *d, const char *doc) {
  if (!doc) return;
  text_add(d->out, " ##");
  add_quoted(d, doc, strlen(doc));
}

/* A line with a word and an optional name, and its children one level deeper. */
static void line(struct dump *d, const char *word, struct ident ident) {
  start(d, word);
  add_ident(d, ident);
  end(d);
}

static void labelled_expr(struct dump *d, const char *label, const struct expr *expr) {
  if (!expr) return;
  line(d, label, (struct ident){0});
  d->depth++;
  dump_expr(d, expr);
  d->depth--;
}

/* -- types and clauses ------------------------------------------------------------------------- */

static void dump_clauses(struct dump *d, const struct clause_list *clauses) {
  vec_each(struct clause, clause, clauses) {
    line(d, "clause", clause->name);
    d->depth++;
    if (clause->value) dump_expr(d, clause->value);
    labelled_expr(d, "to", clause->high);
    d->depth--;
  }
}

static void dump_fields(struct dump *d, const char *word, const struct field_decl_list *fields) {
  vec_each(struct field_decl, field, fields) {
    start(d, word);
    add_ident(d, field->name);
    add_doc(d, field->doc);
    end(d);
    d->depth++;
    dump_type(d, field->type_syntax);
    labelled_expr(d, "default", field->init);
    dump_clauses(d, &field->clauses);
    d->depth--;
  }
}

static void dump_type(struct dump *d, const struct type_syntax *type) {
  if (!type) return;
  switch (type->kind) {
  case TYPE_SYNTAX_NAME: line(d, "type", type->name); break;
  case TYPE_SYNTAX_OPTIONAL: line(d, "optional", (struct ident){0}); break;
  case TYPE_SYNTAX_RECORD: line(d, "record", (struct ident){0}); break;
  case TYPE_SYNTAX_FUNCTION: line(d, "function", (struct ident){0}); break;
  case TYPE_SYNTAX_MADE: line(d, "made", (struct ident){0}); break;
  }
  d->depth++;
  vec_each(struct type_syntax *, arg, &type->args) dump_type(d, *arg);
  if (type->scale) dump_expr(d, type->scale);
  dump_type(d, type->inner);
  dump_fields(d, "field", &type->fields);
  d->depth--;
}

/* -- expressions ------------------------------------------------------------------------------- */

const char *binary_op_text(enum binary_op op) {
  static const char *const texts[] = {
      [BINARY_OR] = "or",         [BINARY_AND] = "and",     [BINARY_EQ] = "==",
      [BINARY_NE] = "!=",         [BINARY_LT] = "<",        [BINARY_LE] = "<=",
      [BINARY_GT] = ">",          [BINARY_GE] = ">=",       [BINARY_IN] = "in",
      [BINARY_NOT_IN] = "not in", [BINARY_COALESCE] = "??", [BINARY_CONCAT] = "++",
      [BINARY_ADD] = "+",         [BINARY_SUB] = "-",       [BINARY_MUL] = "*",
      [BINARY_DIV] = "/",         [BINARY_MOD] = "%",
  };
  return texts[op];
}

static const char *const ref_names[] = {
    [REF_NONE] = "",
    [REF_IT] = " (it)",
    [REF_FIELD] = " (field)",
    [REF_KEY] = " (key)",
    [REF_STATE] = " (state)",
    [REF_LOCAL] = " (local)",
    [REF_ARG] = " (arg)",
    [REF_PARAM] = " (param)",
    [REF_CONST] = " (const)",
    [REF_VARIANT] = " (variant)",
    [REF_STREAM] = " (stream)",
};

/* The line of an expression, without its type. */
static void add_head(struct dump *d, const struct expr *expr) {
  switch (expr->kind) {
  case EXPR_ERROR: start(d, "error"); break;
  case EXPR_NAME:
    start(d, "name ");
    text_addf(d->out, "%s%s", expr->name.text, ref_names[expr->name.ref]);
    break;
  case EXPR_INT: start(d, "int "); break;
  case EXPR_FLOAT: start(d, "float "); break;
  case EXPR_DECIMAL: start(d, "decimal "); break;
  case EXPR_STRING: start(d, "string"); break;
  case EXPR_FSTRING: start(d, "fstring"); break;
  case EXPR_DURATION: start(d, "duration "); break;
  case EXPR_TIMESTAMP: start(d, "timestamp "); break;
  case EXPR_BOOL: start(d, expr->boolean ? "true" : "false"); break;
  case EXPR_NONE: start(d, "none"); break;
  case EXPR_UNARY: start(d, expr->unary.op == UNARY_NOT ? "not" : "negate"); break;
  case EXPR_BINARY: start(d, binary_op_text(expr->binary.op)); break;
  case EXPR_FIELD: start(d, expr->field.is_optional ? "field?" : "field"); break;
  case EXPR_INDEX: start(d, "index"); break;
  case EXPR_CALL: start(d, expr->call.is_method ? "call ." : "call "); break;
  case EXPR_LIST: start(d, "list"); break;
  case EXPR_MAP: start(d, "map"); break;
  case EXPR_RECORD: start(d, "record"); break;
  case EXPR_IF: start(d, "if"); break;
  case EXPR_MATCH: start(d, "match"); break;
  case EXPR_LAMBDA:
    start(d, "lambda");
    vec_each(struct ident, param, &expr->lambda.params) add_ident(d, *param);
    break;
  case EXPR_COERCE: start(d, expr->coerce.kind == COERCE_SOME ? "some" : "absent"); break;
  }
  bool is_integer =
      expr->kind == EXPR_INT || expr->kind == EXPR_DURATION || expr->kind == EXPR_TIMESTAMP;
  if (is_integer || expr->kind == EXPR_DECIMAL) text_addf(d->out, "%" PRId64, expr->integer);
  if (expr->kind == EXPR_DURATION || expr->kind == EXPR_TIMESTAMP) text_add(d->out, "us");
  if (expr->kind == EXPR_FLOAT) text_addf(d->out, "%.17g", expr->number);
  if (expr->kind == EXPR_STRING) add_quoted(d, expr->string.data, expr->string.length);
  if (expr->kind == EXPR_FIELD) add_ident(d, expr->field.name);
  if (expr->kind == EXPR_CALL) text_add(d->out, expr->call.name.text);
}

static void dump_arg(struct dump *d, const struct arg *arg) {
  if (arg->name.text) {
    line(d, "named", arg->name);
    d->depth++;
  }
  dump_expr(d, arg->value);
  if (arg->name.text) d->depth--;
}

static void dump_record_item(struct dump *d, const struct record_item *item) {
  line(d, item->is_spread ? "spread" : "field", item->name);
  d->depth++;
  dump_expr(d, item->value);
  d->depth--;
}

static void dump_binder(struct dump *d, const struct local *binder) {
  if (!binder) return;
  start(d, "binder");
  add_ident(d, binder->name);
  add_type(d, binder->type);
  end(d);
}

static void dump_pattern(struct dump *d, const struct pattern *pattern) {
  static const char *const names[] = {
      [PATTERN_LITERAL] = "pattern",         [PATTERN_RANGE] = "pattern range",
      [PATTERN_NONE] = "pattern none",       [PATTERN_SOME] = "pattern some",
      [PATTERN_VARIANT] = "pattern variant",
  };
  line(d, names[pattern->kind],
       pattern->kind == PATTERN_VARIANT ? pattern->name : (struct ident){0});
  d->depth++;
  if (pattern->low) dump_expr(d, pattern->low);
  if (pattern->high) dump_expr(d, pattern->high);
  dump_binder(d, pattern->binder);
  d->depth--;
}

static void dump_arms(struct dump *d, const struct match_arm_list *arms) {
  vec_each(struct match_arm, arm, arms) {
    line(d, arm->is_else ? "arm else" : "arm", (struct ident){0});
    d->depth++;
    vec_each(struct pattern, pattern, &arm->patterns) dump_pattern(d, pattern);
    if (arm->value) dump_expr(d, arm->value);
    if (arm->body) dump_block(d, "block", arm->body);
    d->depth--;
  }
}

static void dump_children(struct dump *d, const struct expr *expr) {
  switch (expr->kind) {
  case EXPR_FSTRING:
    vec_each(struct fstring_part, part, &expr->fstring) {
      if (part->value) {
        dump_expr(d, part->value);
        continue;
      }
      start(d, "text");
      add_quoted(d, part->text, part->length);
      end(d);
    }
    break;
  case EXPR_UNARY: dump_expr(d, expr->unary.operand); break;
  case EXPR_BINARY:
    dump_expr(d, expr->binary.left);
    dump_expr(d, expr->binary.right);
    break;
  case EXPR_FIELD: dump_expr(d, expr->field.object); break;
  case EXPR_INDEX:
    dump_expr(d, expr->index.object);
    dump_expr(d, expr->index.index);
    break;
  case EXPR_CALL:
    vec_each(struct arg, arg, &expr->call.args) dump_arg(d, arg);
    labelled_expr(d, "where", expr->call.where);
    break;
  case EXPR_LIST: vec_each(struct expr *, item, &expr->list) dump_expr(d, *item); break;
  case EXPR_MAP:
    vec_each(struct map_pair, pair, &expr->map) {
      labelled_expr(d, "key", pair->key);
      labelled_expr(d, "value", pair->value);
    }
    break;
  case EXPR_RECORD:
    vec_each(struct record_item, item, &expr->record.items) dump_record_item(d, item);
    break;
  case EXPR_IF:
    labelled_expr(d, "condition", expr->if_else.condition);
    dump_binder(d, expr->if_else.binder);
    labelled_expr(d, "then", expr->if_else.then_value);
    labelled_expr(d, "else", expr->if_else.else_value);
    break;
  case EXPR_MATCH:
    dump_expr(d, expr->match.subject);
    dump_arms(d, &expr->match.arms);
    break;
  case EXPR_LAMBDA: dump_expr(d, expr->lambda.body); break;
  case EXPR_COERCE:
    if (expr->coerce.operand) dump_expr(d, expr->coerce.operand);
    break;
  default: break;
  }
}

static void dump_expr(struct dump *d, const struct expr *expr) {
  add_head(d, expr);
  add_type(d, expr->type);
  end(d);
  d->depth++;
  dump_children(d, expr);
  d->depth--;
}

/* -- statements -------------------------------------------------------------------------------- */

static const char *const assign_names[] = {
    [ASSIGN_SET] = "assign =",  [ASSIGN_ADD] = "assign +=", [ASSIGN_SUB] = "assign -=",
    [ASSIGN_MUL] = "assign *=", [ASSIGN_DIV] = "assign /=", [ASSIGN_CONCAT] = "assign ++=",
};

static void dump_let(struct dump *d, const struct stmt *stmt) {
  start(d, "let");
  add_ident(d, stmt->let.local->name);
  add_type(d, stmt->let.local->type);
  end(d);
  d->depth++;
  dump_type(d, stmt->let.type_syntax);
  dump_expr(d, stmt->let.value);
  d->depth--;
}

static void dump_if(struct dump *d, const struct stmt *stmt) {
  line(d, "if", (struct ident){0});
  d->depth++;
  labelled_expr(d, "condition", stmt->if_else.condition);
  dump_binder(d, stmt->if_else.binder);
  dump_block(d, "then", stmt->if_else.then_block);
  if (stmt->if_else.else_block) dump_block(d, "else", stmt->if_else.else_block);
  d->depth--;
}

static void dump_for(struct dump *d, const struct stmt *stmt) {
  line(d, "for", (struct ident){0});
  d->depth++;
  dump_binder(d, stmt->loop.first);
  dump_binder(d, stmt->loop.second);
  dump_expr(d, stmt->loop.iterable);
  dump_block(d, "block", stmt->loop.body);
  d->depth--;
}

/* A line with a word and the expressions below it; either may be null. */
static void dump_simple(struct dump *d, const char *word, struct ident ident,
                        const struct expr *first, const struct expr *second) {
  line(d, word, ident);
  d->depth++;
  if (first) dump_expr(d, first);
  if (second) dump_expr(d, second);
  d->depth--;
}

static void dump_stmt(struct dump *d, const struct stmt *stmt) {
  struct ident none = {0};
  switch (stmt->kind) {
  case STMT_ERROR: line(d, "error", none); break;
  case STMT_LET: dump_let(d, stmt); break;
  case STMT_ASSIGN:
    dump_simple(d, assign_names[stmt->assign.op], none, stmt->assign.place, stmt->assign.value);
    break;
  case STMT_EXPR: dump_simple(d, "do", none, stmt->expr, NULL); break;
  case STMT_EMIT:
    dump_simple(d, stmt->emit.into.text ? "emit into" : "emit", stmt->emit.into, stmt->emit.value,
                stmt->emit.at);
    break;
  case STMT_FAIL: dump_simple(d, "fail", none, stmt->expr, NULL); break;
  case STMT_FORGET: line(d, "forget", none); break;
  case STMT_RETURN: dump_simple(d, "return", none, stmt->expr, NULL); break;
  case STMT_IF: dump_if(d, stmt); break;
  case STMT_MATCH:
    dump_simple(d, "match", none, stmt->match.subject, NULL);
    d->depth++;
    dump_arms(d, &stmt->match.arms);
    d->depth--;
    break;
  case STMT_FOR: dump_for(d, stmt); break;
  }
}

static void dump_block(struct dump *d, const char *label, const struct block *block) {
  line(d, label, (struct ident){0});
  d->depth++;
  vec_each(struct stmt *, stmt, &block->stmts) dump_stmt(d, *stmt);
  d->depth--;
}

/* -- pipelines and declarations ---------------------------------------------------------------- */

static void dump_on_fail(struct dump *d, struct on_fail on_fail) {
  static const char *const names[] = {
      [ON_FAIL_NONE] = "",
      [ON_FAIL_SKIP] = "else skip",
      [ON_FAIL_STOP] = "else stop",
      [ON_FAIL_INTO] = "else into",
  };
  if (on_fail.kind != ON_FAIL_NONE) line(d, names[on_fail.kind], on_fail.into);
}

static void dump_stage(struct dump *d, const struct stage *stage) {
  static const char *const heads[] = {
      [JOIN_INNER] = "|>", [JOIN_LEFT] = "|> left", [JOIN_FULL] = "|> full"};
  start(d, heads[stage->join_kind]);
  add_ident(d, stage->verb);
  add_ident(d, stage->name);
  add_type(d, stage->out_item);
  end(d);
  d->depth++;
  vec_each(struct expr *, expr, &stage->args) dump_expr(d, *expr);
  vec_each(struct arg, arg, &stage->named_args) dump_arg(d, arg);
  vec_each(struct ident, name, &stage->names) line(d, "stream", *name);
  dump_type(d, stage->type_syntax);
  labelled_expr(d, "initial", stage->init);
  dump_clauses(d, &stage->clauses);
  if (stage->late.text) line(d, "late into", stage->late);
  if (stage->body) dump_block(d, "block", stage->body);
  vec_each(struct hook, hook, &stage->hooks) {
    const char *head = arena_printf(d->out->arena, "on %s", hook->name.text);
    labelled_expr(d, head, hook->at);
    dump_block(d, head, hook->body);
  }
  vec_each(struct split_arm, arm, &stage->arms) {
    line(d, arm->condition ? "arm" : "arm else", arm->target);
    d->depth++;
    if (arm->condition) dump_expr(d, arm->condition);
    d->depth--;
  }
  dump_on_fail(d, stage->on_fail);
  d->depth--;
}

static void dump_variants(struct dump *d, const struct variant_decl_list *variants) {
  vec_each(struct variant_decl, variant, variants) {
    start(d, "variant");
    add_ident(d, variant->name);
    add_doc(d, variant->doc);
    end(d);
    d->depth++;
    dump_fields(d, "field", &variant->fields);
    dump_clauses(d, &variant->clauses);
    d->depth--;
  }
}

static void dump_steps(struct dump *d, const struct test_step_list *steps) {
  static const char *const names[] = {
      [TEST_FEED] = "feed",
      [TEST_EXPECT] = "expect",
      [TEST_RESTART] = "restart",
      [TEST_END] = "end",
      [TEST_ADVANCE] = "advance",
  };
  vec_each(struct test_step, step, steps) {
    dump_simple(d, names[step->kind], step->name, step->value, NULL);
  }
}

static void dump_decl(struct dump *d, const struct decl *decl) {
  static const char *const names[] = {
      [DECL_ERROR] = "error",   [DECL_FLOW] = "flow",         [DECL_PARAM] = "param",
      [DECL_CONST] = "const",   [DECL_RECORD] = "record",     [DECL_ENUM] = "enum",
      [DECL_FN] = "fn",         [DECL_SOURCE] = "source",     [DECL_SINK] = "sink",
      [DECL_STREAM] = "stream", [DECL_PIPELINE] = "pipeline", [DECL_TEST] = "test",
      [DECL_STEP] = "step",     [DECL_IMPORT] = "import",
  };
  start(d, names[decl->kind]);
  add_ident(d, decl->name);
  add_type(d, decl->type);
  add_doc(d, decl->doc);
  end(d);
  d->depth++;
  bool has_parameters = decl->kind == DECL_FN || decl->kind == DECL_STEP;
  dump_fields(d, has_parameters ? "parameter" : "field", &decl->fields);
  dump_variants(d, &decl->variants);
  dump_type(d, decl->type_syntax);
  if (decl->start.text) line(d, "from", decl->start);
  if (decl->value) dump_expr(d, decl->value);
  dump_clauses(d, &decl->clauses);
  dump_on_fail(d, decl->on_fail);
  if (decl->body) dump_block(d, "block", decl->body);
  vec_each(struct stage *, stage, &decl->stages) dump_stage(d, *stage);
  dump_steps(d, &decl->steps);
  d->depth--;
}

void dump_ast(const struct compiler *compiler, FILE *stream) {
  struct arena scratch;
  struct text out;
  arena_init(&scratch);
  text_init(&out, &scratch);
  struct dump d = {.compiler = compiler, .out = &out};
  vec_each(struct decl *, decl, &compiler->program->decls) dump_decl(&d, *decl);
  fwrite(out.data, 1, out.length, stream);
  arena_free(&scratch);
}
