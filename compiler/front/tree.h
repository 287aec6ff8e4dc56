/* What the grammar's actions call to build the tree, and where they report what the grammar itself
 * cannot express. Private to the parser.
 *
 * Every function returns a node, never null; where it reports an error the node is one that later
 * passes accept. Spans are those of the whole construct. */
#ifndef FLOWCC_FRONT_TREE_H
#define FLOWCC_FRONT_TREE_H

#include "compiler.h"
#include "front/ast.h"
#include "front/token.h"

/* The state of one run of the parser. */
struct parser {
  struct compiler *compiler;
  const struct tokens *tokens;
  size_t next;        /* index of the token behind the parser's look-ahead */
  bool is_recovering; /* between a syntax error and the place where parsing goes on */
  struct program *program;
};

/* Appends to a list of the tree in the parser's arena. */
#define tree_push(parser, list, ...) vec_push(&(parser)->compiler->arena, (list), __VA_ARGS__)

struct ident tree_ident(const struct token *token);

/* -- expressions -- */
struct expr *tree_expr(struct parser *, enum expr_kind kind, struct span span);
struct expr *tree_literal(struct parser *, const struct token *token);
struct expr *tree_name(struct parser *, const struct token *token);
struct expr *tree_negate(struct parser *, struct span span, struct expr *operand);
struct expr *tree_not(struct parser *, struct span span, struct expr *operand);
struct expr *tree_binary(struct parser *, enum binary_op op, struct span op_span, struct expr *left,
                         struct expr *right);
struct expr *tree_field(struct parser *, struct span span, struct expr *object,
                        const struct token *name, bool is_optional);
struct expr *tree_index(struct parser *, struct span span, struct expr *object, struct expr *index);
/* `receiver` is null for a plain call. */
struct expr *tree_call(struct parser *, struct span span, const struct token *name,
                       struct expr *receiver, struct arg_list args);
/* The call of an aggregate that takes only the items for which the condition holds. */
struct expr *tree_where(struct parser *, struct span span, struct expr *call,
                        struct expr *condition);
struct expr *tree_list(struct parser *, struct span span, struct expr_list items);
struct expr *tree_map(struct parser *, struct span span, struct map_pair_list pairs);
struct expr *tree_record(struct parser *, struct span span, struct record_item_list items);
struct expr *tree_lambda(struct parser *, struct span span, struct ident_list params,
                         struct expr *body);
struct expr *tree_fstring(struct parser *, struct span span, struct fstring_part_list parts);

/* The condition of an `if`: an optional and the name that its value gets, or a bool. */
struct condition {
  struct expr *value;
  struct local *binder;
};
struct expr *tree_if(struct parser *, struct span span, struct condition condition,
                     struct expr *then_value, struct expr *else_value);
struct expr *tree_match(struct parser *, struct span span, struct expr *subject,
                        struct match_arm_list arms);

/* An item of a record literal without a name of its own: `x`, `a.x`, or an error. */
struct record_item tree_record_item(struct parser *, struct expr *value);

/* -- patterns and locals -- */
struct local *tree_local(struct parser *, const struct token *name);
struct pattern tree_name_pattern(struct parser *, const struct token *name,
                                 const struct token *binder);
/* `Kind.order`, `Shape.circle c`. */
struct pattern tree_qualified_pattern(struct parser *, const struct token *type,
                                      const struct token *name, const struct token *binder);

/* -- statements -- */
struct stmt *tree_stmt(struct parser *, enum stmt_kind kind, struct span span);
struct stmt *tree_assign(struct parser *, struct span span, enum assign_op op, struct expr *place,
                         struct expr *value);
/* A place that stands alone: a call, or E0113. */
struct stmt *tree_expr_stmt(struct parser *, struct expr *expr);
struct stmt *tree_emit(struct parser *, struct span span, struct expr *value,
                       struct clause_list clauses);
struct stmt *tree_if_stmt(struct parser *, struct span span, struct condition condition,
                          struct block *then_block, struct block *else_block);
struct block *tree_block(struct parser *, struct span span, struct stmt_list stmts);
/* A block of one statement: what `else if` and an arm without braces are. */
struct block *tree_block_of(struct parser *, struct stmt *stmt);

/* -- types, clauses, stages, declarations -- */
struct type_syntax *tree_type(struct parser *, enum type_syntax_kind kind, struct span span);
struct type_syntax *tree_optional_type(struct parser *, struct span span,
                                       struct type_syntax *inner);
/* Appends a clause; E0115 where the list has one of that name. `value` is null for a bare word, `high` null
 * but for a range. */
void tree_add_clause(struct parser *, struct clause_list *clauses, const struct token *name,
                     struct expr *value, struct expr *high);
/* `at` is the TIME of `on at TIME`, else null. */
void tree_add_hook(struct parser *, struct hook_list *hooks, const struct token *name,
                   struct expr *at, struct block *body);
/* `else WORD` or `else WORD NAME` (`name` null for the former). */
struct on_fail tree_on_fail(struct parser *, struct span span, const struct token *word,
                            const struct token *name);
struct stage *tree_stage(struct parser *, struct span span, const struct token *verb);
/* Gives the stage its clauses; `late into NAME`, which is the name of a stream, stands apart. */
void tree_set_clauses(struct parser *, struct stage *stage, struct clause_list clauses);
/* A stage that looks at another stream: `verb` is its last word, `span` that of all of them. */
struct stage *tree_join(struct parser *, struct span span, const struct token *verb,
                        enum join_kind kind);
struct decl *tree_decl(struct parser *, enum decl_kind kind, struct span span,
                       const struct token *name);
/* The documentation of a node with this span, or null; each comment is given out once. */
const char *tree_doc(struct parser *, struct span span);
/* The same for a declaration, which also owns a comment at the end of its first line. */
const char *tree_decl_doc(struct parser *, struct span span);
/* W0901 for every comment that nobody has asked for. */
void tree_report_unclaimed_docs(struct parser *);

/* E0109 at the last token read, for a list that has reached LIMIT_ITEMS. */
void tree_report_too_many(struct parser *);

/* -- syntax errors (syntax_error.c) -- */

/* Reports the token `unexpected`, where one of `expected` (kinds; all of them) could stand. */
void syntax_error(struct parser *, const struct token *unexpected, const int *expected,
                  size_t expected_count);

#endif
