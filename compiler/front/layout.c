#include "front/layout.h"

#include "base/edit.h"
#include "base/limits.h"
#include "compiler.h"
#include "front/words.h"
#include "front/parse.tab.h"

#include <string.h>

/* An open bracket. */
struct bracket {
  int kind;
  struct span span;
  uint32_t index;       /* in the filtered list */
  uint32_t line_column; /* of the first token of its line */
  bool is_test;         /* the `{` of a test */
};

struct layout {
  struct compiler *compiler;
  const struct token_list *raw;
  size_t at; /* the next raw token */
  struct tokens *out;
  struct bracket open[LIMIT_NESTING];
  size_t depth;
  uint32_t line_column;      /* of the first token of the current line */
  uint32_t statement_column; /* of the first token of the current statement of the file */
  bool is_pipeline;          /* the current statement of the file has a `|>` outside brackets */
  bool is_aggregate;         /* inside the stage `aggregate` */
  bool is_test_header;       /* the next `{` opens a test */
  bool is_too_deep;
  bool is_between;                   /* a foreign `BETWEEN` waits for its `AND` */
  const struct token *reported_none; /* a `NULL` that was reported together with its `IS` */
  uint32_t last_end; /* where the last raw token ended, commas and comments aside */

  /* The first pair whose closing bracket stands further left than the line of its opening one: the
   * likely place of a missing bracket. */
  bool has_suspect;
  struct span suspect_open, suspect_close;
};

/* -- looking ----------------------------------------------------------------------------------- */

/* The raw token `ahead` places behind the current one, comments left out. */
static const struct token *look(const struct layout *l, size_t ahead) {
  size_t last = l->raw->count - 1;
  size_t i = l->at;
  for (;; i++) {
    if (i >= last) return &l->raw->data[last];
    if (l->raw->data[i].kind == TOKEN_DOC) continue;
    if (ahead-- == 0) return &l->raw->data[i];
  }
}

/* Kind of the last filtered token; NL at the start. */
static int last_kind(const struct layout *l) {
  return l->out->list.count ? vec_last(&l->out->list).kind : TOKEN_NL;
}

static bool is_name(const struct token *token, const char *text) {
  return token->kind == TOKEN_NAME && !token->is_quoted && strcmp(token->name, text) == 0;
}

bool token_is_word(const struct token *token) {
  int kind = token->kind;
  return kind == TOKEN_NAME || (kind >= TOKEN_TRUE && kind <= TOKEN_NONE) ||
         (kind >= TOKEN_AND && kind <= TOKEN_ADVANCE);
}

static bool is_one_of(int kind, const int *kinds, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (kinds[i] == kind) return true;
  }
  return false;
}

/* Whether a statement can end with this token. */
static bool can_end(int kind) {
  static const int kinds[] = {
      TOKEN_NAME,
      TOKEN_INT,
      TOKEN_FLOAT,
      TOKEN_STRING,
      TOKEN_DURATION,
      TOKEN_TIMESTAMP,
      TOKEN_FSTRING_END,
      TOKEN_TRUE,
      TOKEN_FALSE,
      TOKEN_NONE,
      TOKEN_RETURN,
      TOKEN_FORGET,
      TOKEN_INSPECT,
      TOKEN_UNBOUNDED,
      TOKEN_RESTART,
      TOKEN_END_INPUT,
      ')',
      ']',
      '}',
      '?',
  };
  return is_one_of(kind, kinds, sizeof kinds / sizeof *kinds);
}

/* Whether the line that starts with the current raw token goes on with the statement above. */
static bool continues(const struct layout *l) {
  static const int kinds[] = {
      TOKEN_END,
      TOKEN_PIPE,
      TOKEN_QUESTION_DOT,
      TOKEN_AND,
      TOKEN_OR,
      TOKEN_COALESCE,
      TOKEN_CONCAT,
      TOKEN_EQ,
      TOKEN_NE,
      TOKEN_LE,
      TOKEN_GE,
      TOKEN_THEN,
      TOKEN_IN,
      TOKEN_ARROW,
      TOKEN_FAT_ARROW,
      TOKEN_ADD_ASSIGN,
      TOKEN_SUB_ASSIGN,
      TOKEN_MUL_ASSIGN,
      TOKEN_DIV_ASSIGN,
      '.',
      ')',
      TOKEN_CONCAT_ASSIGN,
      ']',
      '}',
      '{',
      ',',
      '+',
      '*',
      '/',
      '%',
      '<',
      '>',
      '=',
      ':',
      '?',
      TOKEN_FSTRING_CLOSE,
  };
  const struct token *first = look(l, 0);
  if (first->kind == TOKEN_ELSE) return look(l, 1)->kind != TOKEN_FAT_ARROW;
  if (first->kind == TOKEN_NOT) return look(l, 1)->kind == TOKEN_IN;
  if (is_name(first, "on")) {
    const struct token *hook = look(l, 1);
    return hook->kind == TOKEN_NAME && (is_name(hook, "at") || look(l, 2)->kind == '{');
  }
  return is_one_of(first->kind, kinds, sizeof kinds / sizeof *kinds);
}

/* -- writing ----------------------------------------------------------------------------------- */

static struct diags *diags_of(const struct layout *l) {
  return &l->compiler->diags;
}

static void add(struct layout *l, struct token token) {
  vec_push(&l->compiler->arena, &l->out->list, token);
}

/* A token that is not in the text; it stands where the last real one ended. */
static void add_virtual(struct layout *l, int kind) {
  struct span span = {look(l, 0)->span.offset, 0};
  if (l->out->list.count) span = span_after(vec_last(&l->out->list).span);
  add(l, (struct token){.kind = kind, .span = span});
}

static void add_newline(struct layout *l) {
  if (last_kind(l) != TOKEN_NL) add_virtual(l, TOKEN_NL);
}

/* -- brackets ---------------------------------------------------------------------------------- */

static int closer_of(int kind) {
  switch (kind) {
  case '(': return ')';
  case '[': return ']';
  case '{': return '}';
  case TOKEN_FSTRING_OPEN: return TOKEN_FSTRING_CLOSE;
  default: return 0;
  }
}

static bool is_closer(int kind) {
  return kind == ')' || kind == ']' || kind == '}' || kind == TOKEN_FSTRING_CLOSE;
}

static const char *bracket_text(int kind) {
  return kind == TOKEN_FSTRING_OPEN ? "{" : token_kind_name(kind);
}

static void open_bracket(struct layout *l, const struct token *token) {
  if (l->depth == LIMIT_NESTING) {
    if (!l->is_too_deep) {
      struct diag *diag = diag_error(diags_of(l), E0109, token->span,
                                     "more than %d brackets are open here", LIMIT_NESTING);
      diag_help(diag, "name parts of it with `let` or a `fn`");
    }
    l->is_too_deep = true;
    return;
  }
  l->open[l->depth++] = (struct bracket){
      .kind = token->kind,
      .span = token->span,
      .index = (uint32_t)l->out->list.count,
      .line_column = l->line_column,
      .is_test = token->kind == '{' && l->is_test_header,
  };
  if (token->kind == '{') l->is_test_header = false;
}

/* Takes the innermost bracket off; its partner is the token that is written next. */
static void pop_bracket(struct layout *l) {
  const struct bracket *bracket = &l->open[--l->depth];
  l->out->list.data[bracket->index].partner = (uint32_t)l->out->list.count;
}

static void close_virtually(struct layout *l) {
  const struct bracket *bracket = &l->open[l->depth - 1];
  int kind = closer_of(bracket->kind);
  if (kind != '}') {
    struct span span = span_join(bracket->span, vec_last(&l->out->list).span);
    vec_push(&l->compiler->arena, &l->out->broken, span);
  }
  pop_bracket(l);
  add_virtual(l, kind);
}

/* Starts the report of a bracket; null where its line has an error already, because a malformed
 * string may have swallowed the partner. */
static struct diag *report_bracket(struct layout *l, struct span span, const char *bracket,
                                   const char *problem) {
  if (diags_has_error_on_line(diags_of(l), span.offset)) return NULL;
  return diag_error(diags_of(l), E0111, span, "this `%s` %s", bracket, problem);
}

/* Reports brackets that are still open where a declaration starts or the file ends. */
static void report_unclosed(struct layout *l) {
  const struct bracket *bracket = &l->open[0];
  struct span span = l->has_suspect ? l->suspect_open : bracket->span;
  struct diag *diag = report_bracket(l, span, l->has_suspect ? "{" : bracket_text(bracket->kind),
                                     "is never closed");
  if (!diag) return;
  if (l->has_suspect) {
    diag_label(diag, l->suspect_close, "this one closes it, although it stands further left");
    diag_help(diag, "put a `}` in front of that line");
  } else {
    diag_help(diag, "put a `%s` where it ends", bracket_text(closer_of(bracket->kind)));
  }
}

static void close_all(struct layout *l) {
  if (l->depth == 0) return;
  report_unclosed(l);
  while (l->depth > 0) close_virtually(l);
}

/* Whether an open bracket waits for this closing one; f-strings keep what is inside them apart. */
static bool has_partner(const struct layout *l, int kind) {
  for (size_t i = l->depth; i-- > 0;) {
    if (closer_of(l->open[i].kind) == kind) return true;
    if (l->open[i].kind == TOKEN_FSTRING_OPEN) return false;
  }
  return false;
}

static void close_bracket(struct layout *l, const struct token *token) {
  if (!has_partner(l, token->kind)) {
    report_bracket(l, token->span,
                   token->kind == TOKEN_FSTRING_CLOSE ? "}" : token_kind_name(token->kind),
                   "closes nothing");
    return;
  }
  while (closer_of(l->open[l->depth - 1].kind) != token->kind) {
    const struct bracket *bracket = &l->open[l->depth - 1];
    struct diag *diag =
        report_bracket(l, bracket->span, bracket_text(bracket->kind), "is not closed");
    const char *closer = bracket_text(closer_of(bracket->kind));
    if (diag) diag_label(diag, token->span, "`%s` expected before this", closer);
    close_virtually(l);
  }
  const struct bracket *bracket = &l->open[l->depth - 1];
  if (token->is_first && token->column < bracket->line_column && token->kind == '}' &&
      !l->has_suspect) {
    l->has_suspect = true;
    l->suspect_open = bracket->span;
    l->suspect_close = token->span;
  }
  pop_bracket(l);
  add(l, *token);
}

/* Whether the current token, inside brackets, most likely starts a declaration, because a closing
 * bracket above is missing: at the left edge, a name before `|>`, or a keyword that is followed by
 * a name and what follows the name of a declaration. */
static bool starts_declaration(const struct layout *l) {
  const struct token *token = look(l, 0);
  if (!token->is_first || token->column > l->statement_column) return false;
  if (token->kind != TOKEN_NAME || token->is_quoted) return false;
  int second = look(l, 1)->kind, third = look(l, 2)->kind;
  if (second == TOKEN_PIPE) return true;
  if (!word_find(WORD_DECLARATION, token->name)) return false;
  if (second == TOKEN_STRING) return third == '{';
  return second == TOKEN_NAME && (third == ':' || third == '=' || third == '{' || third == '(');
}

/* -- newlines ---------------------------------------------------------------------------------- */

/* Puts in the newline before the current token, which is the first of its line, if it counts. */
static void end_line(struct layout *l) {
  const struct token *token = look(l, 0);
  int innermost = l->depth ? l->open[l->depth - 1].kind : 0;
  if (innermost != 0 && innermost != '{') return;
  /* `tags: Vec<string>` in the form of another language: the next line is a field of its own. */
  bool is_field = last_kind(l) == '>' && token->kind == TOKEN_NAME && look(l, 1)->kind == ':';
  if ((!can_end(last_kind(l)) && !is_field) || continues(l)) return;
  bool is_ambiguous = token->kind == '-' || token->kind == '(' || token->kind == '[';
  if (l->depth == 0 && l->is_pipeline && token->column > l->statement_column && !is_ambiguous)
    return;
  add_newline(l);
  vec_last(&l->out->list).is_indented = l->depth == 0 && token->column > l->statement_column;
}

static void start_statement(struct layout *l, const struct token *token) {
  /* A line that is indented for no reason leaves the left edge where it was. */
  const struct token_list *list = &l->out->list;
  if (!list->count || !vec_last(list).is_indented) l->statement_column = token->column;
  l->is_pipeline = l->is_aggregate = false;
  l->is_test_header = false;
  l->has_suspect = false;
}

/* -- comments that document -------------------------------------------------------------------- */

/* Joins the DOC tokens that stand on lines of their own from the current place on. */
static void take_doc_lines(struct layout *l) {
  struct arena *arena = &l->compiler->arena;
  struct doc doc = {.span = l->raw->data[l->at].span};
  struct text lines;
  text_init(&lines, arena);
  for (; l->raw->data[l->at].kind == TOKEN_DOC; l->at++) {
    const struct token *token = &l->raw->data[l->at];
    if (lines.length > 0) text_addc(&lines, '\n');
    text_add(&lines, token->string.data);
    doc.span = span_join(doc.span, token->span);
  }
  doc.text = lines.data;
  doc.anchor = l->raw->data[l->at].span.offset;
  vec_push(arena, &l->out->docs, doc);
}

/* Takes the DOC tokens at the current place: at most one behind what its line holds, then lines. */
static void take_docs(struct layout *l) {
  const struct token *token = &l->raw->data[l->at];
  if (token->kind == TOKEN_DOC && !token->is_first) {
    struct doc doc = {
        .span = token->span,
        .text = token->string.data,
        .is_trailing = true,
        .anchor = l->last_end,
    };
    vec_push(&l->compiler->arena, &l->out->docs, doc);
    l->at++;
  }
  if (l->raw->data[l->at].kind == TOKEN_DOC) take_doc_lines(l);
}

/* -- keywords ---------------------------------------------------------------------------------- */

static void report_foreign(struct layout *l, const struct token *token,
                           const struct foreign_word *word) {
  struct diag *diag = diag_error(diags_of(l), E0106, token->span, "`%s` is written %s here",
                                 word->text, word->ours);
  if (word->ours[0] == '`') diag_label(diag, token->span, "write %s", word->ours);
  if (word->help) diag_help(diag, "%s", word->help);
}

/* Skips what remains of the statement, lines that are indented deeper included. */
static void skip_statement(struct layout *l) {
  for (l->at++; look(l, 0)->kind != TOKEN_END; l->at++) {
    const struct token *token = look(l, 0);
    if (token->is_first && token->column <= l->statement_column && !is_closer(token->kind) &&
        !continues(l))
      return;
  }
}

/* Skips what remains of a stage; a stage of its own stands in for it. */
static void skip_stage(struct layout *l, struct token token) {
  size_t depth = 0;
  for (l->at++; look(l, 0)->kind != TOKEN_END; l->at++) {
    const struct token *next = look(l, 0);
    if (depth == 0 && (next->kind == TOKEN_PIPE || is_closer(next->kind))) break;
    if (depth == 0 && next->is_first && next->column <= l->statement_column) break;
    if (closer_of(next->kind)) depth++;
    if (is_closer(next->kind)) depth--;
  }
  token.kind = TOKEN_INSPECT;
  add(l, token);
}

/* The first word of a statement of the file. True: the statement was refused and skipped. */
static bool declaration_word(struct layout *l, struct token *token) {
  const struct token *next = look(l, 1);
  const struct word *word = word_find(WORD_DECLARATION, token->name);
  if (next->kind == TOKEN_PIPE) return false;
  if (word && word->kind == TOKEN_IMPORT && next->kind == TOKEN_NAME && !next->is_first) {
    struct diag *diag =
        diag_error(diags_of(l), E0100, next->span, "an import names a file, in quotes");
    diag_help(diag, "write  import \"%s.flow\"", next->name);
    skip_statement(l);
    return true;
  }
  if (word) {
    token->kind = word->kind;
    l->is_test_header = word->kind == TOKEN_TEST;
    return false;
  }
  int third = look(l, 2)->kind;
  const struct foreign_word *foreign = foreign_declaration(token->name);
  bool is_statement = next->kind == TOKEN_NAME || next->kind == TOKEN_STRING || next->kind == '*' ||
                      next->kind == '(';
  if (foreign && is_statement && !foreign->ours) {
    diag_error(diags_of(l), E0106, token->span, "`%s` is not needed", token->name);
    l->at++;
    return true;
  }
  if (foreign && is_statement) {
    report_foreign(l, token, foreign);
    skip_statement(l);
    return true;
  }
  bool is_declaration = (next->kind == TOKEN_NAME &&
                         (third == ':' || third == '=' || third == '{' || third == '(')) ||
                        (next->kind == TOKEN_STRING && third == '{');
  const struct word *closest = is_declaration ? word_closest(WORD_DECLARATION, token->name) : NULL;
  if (closest) {
    struct diag *diag =
        diag_error(diags_of(l), E0100, token->span, "no declaration starts with `%s`", token->name);
    diag_help(diag, "did you mean `%s`?", closest->text);
    token->kind = closest->kind;
    l->is_test_header = closest->kind == TOKEN_TEST;
  }
  return false;
}

/* The word behind `|>`. True: the stage was refused and skipped. */
static bool verb_word(struct layout *l, struct token *token) {
  const struct word *word = word_find(WORD_VERB, token->name);
  int next = look(l, 1)->kind;
  if (word) {
    token->kind = word->kind;
    return false;
  }
  const struct foreign_word *foreign = foreign_verb(token->name);
  bool is_join = is_name(look(l, 1), "join") || is_name(look(l, 1), "outer");
  if (!foreign && is_join) foreign = foreign_join(token->name);
  if (foreign) {
    report_foreign(l, token, foreign);
    if (!foreign->kind) {
      skip_stage(l, *token);
      return true;
    }
    token->kind = foreign->kind;
    bool has_by = is_name(look(l, 1), "by") || is_name(look(l, 1), "BY");
    if (foreign->kind != TOKEN_KEY || has_by) return false;
    add(l, *token);
    token->kind = TOKEN_BY;
    return false;
  }
  const struct word *closest = word_closest(WORD_VERB, token->name);
  bool is_alone = next == '(' || next == TOKEN_PIPE || next == TOKEN_END || look(l, 1)->is_first;
  if (closest && !is_alone) {
    struct diag *diag =
        diag_error(diags_of(l), E0100, token->span, "there is no stage `%s`", token->name);
    diag_help(diag, "did you mean `%s`?", closest->text);
    token->kind = closest->kind;
  }
  return false;
}

/* The first word of a statement in a block. */
static void statement_word(struct layout *l, struct token *token) {
  const struct token *next = look(l, 1);
  const struct foreign_word *foreign = foreign_statement(token->name);
  bool is_else = foreign && foreign->kind == TOKEN_ELSE;
  bool is_after_block = last_kind(l) == '}' || last_kind(l) == TOKEN_NL;
  bool has_operand = next->kind == TOKEN_NAME || next->kind == TOKEN_INT ||
                     next->kind == TOKEN_STRING || next->kind == TOKEN_NOT ||
                     next->kind == TOKEN_FSTRING_BEGIN || next->kind == TOKEN_TRUE ||
                     (next->kind == '(' && foreign && foreign->kind == TOKEN_IF);
  if (!foreign || !has_operand || next->is_first || (is_else && !is_after_block)) return;
  if (look(l, 2)->kind == TOKEN_FAT_ARROW) return; /* a pattern: a variant and its binder */
  report_foreign(l, token, foreign);
  token->kind = foreign->kind;
  if (!is_else) return;
  if (last_kind(l) == TOKEN_NL) l->out->list.count--;
  add(l, *token);
  token->kind = TOKEN_IF;
}

/* Whether a token is the `null` of another language. */
static bool is_foreign_none(const struct token *token) {
  if (token->kind != TOKEN_NAME || token->is_quoted || token->is_first) return false;
  const struct foreign_word *word = foreign_value(token->name);
  return word && word->kind == TOKEN_NONE;
}

/* Reports `IS NOT NULL` and its parts: `negation` and `none` may be null. */
static void report_is(struct layout *l, const struct token *is, const struct token *negation,
                      const struct token *none) {
  struct span span = is->span;
  if (negation) span = span_join(span, negation->span);
  if (none) span = span_join(span, none->span);
  const char *ours = negation ? "!=" : "==", *rest = none ? " none" : "";
  struct diag *diag = diag_error(diags_of(l), E0106, span, "`%s%s%s%s%s` is written `%s%s` here",
                                 is->name, negation ? " " : "", negation ? negation->name : "",
                                 none ? " " : "", none ? none->name : "", ours, rest);
  diag_label(diag, span, "write `%s%s`", ours, rest);
  if (none) l->reported_none = none;
}

/* A word of another language that stands between two values. True: it was one. */
static bool operator_word(struct layout *l, struct token *token) {
  const struct token *next = look(l, 1);
  int last = last_kind(l), kind = next->kind;
  const struct foreign_word *foreign = foreign_operator(token->name);
  bool has_operand = kind == '(' || kind == TOKEN_NOT || kind == TOKEN_NAME ||
                     (kind >= TOKEN_INT && kind <= TOKEN_NONE);
  if (!foreign || !has_operand || token->is_first || next->is_first) return false;
  if (!can_end(last) || last == TOKEN_RETURN) return false;
  if (foreign->kind == TOKEN_AND && l->is_between) {
    l->is_between = false; /* it belongs to the `BETWEEN` that was reported */
    token->kind = TOKEN_AND;
    return true;
  }
  l->is_between = foreign->kind == TOKEN_GE;
  token->kind = foreign->kind;
  bool is_negated = foreign->kind == TOKEN_EQ && (kind == TOKEN_NOT || is_name(next, "NOT"));
  const struct token *value = look(l, is_negated ? 2 : 1);
  bool is_none = foreign->kind == TOKEN_EQ && is_foreign_none(value);
  if (is_negated || is_none) {
    report_is(l, token, is_negated ? next : NULL, is_none ? value : NULL);
    if (is_negated) token->kind = TOKEN_NE;
    if (is_negated) l->at++;
  } else {
    report_foreign(l, token, foreign);
  }
  return true;
}

/* Words of another language that nothing stands for here. True: they were refused and skipped. */
static bool phrase(struct layout *l, const struct token *token) {
  const struct token *next = look(l, 1);
  if (last_kind(l) == TOKEN_LET && is_name(token, "mut") && next->kind == TOKEN_NAME) {
    struct diag *diag =
        diag_error(diags_of(l), E0106, token->span, "`let mut` is written `let` here");
    diag_help(diag, "every local variable may change: let %s = …", next->name);
    l->at++;
    return true;
  }
  if (is_name(token, "NOT") && is_name(next, "NULL") && can_end(last_kind(l))) {
    struct diag *diag = diag_error(diags_of(l), E0106, span_join(token->span, next->span),
                                   "`NOT NULL` is not needed");
    diag_help(diag, "a field is always there, unless its type ends in `?`");
    l->at += 2;
    return true;
  }
  if (can_end(last_kind(l)) || !is_name(token, "lambda")) return false;
  size_t colon = 1;
  while (look(l, colon)->kind == TOKEN_NAME || look(l, colon)->kind == ',') colon++;
  if (look(l, colon)->kind != ':') return false;
  if (last_kind(l) == '(' || last_kind(l) == ',') {
    struct diag *diag = diag_error(diags_of(l), E0106, token->span,
                                   "a function without a name is written with `=>` here");
    diag_help(diag, "xs.map(x => x * 2)");
  } else {
    struct diag *diag = diag_error(diags_of(l), E0106, token->span,
                                   "`lambda` is not needed, because the item is `it`");
    diag_help(diag, "write  |> map it.user  or the name of the field alone:  |> map user");
  }
  while (look(l, 0)->kind != ':') l->at++;
  l->at++;
  return true;
}

/* `CASE WHEN c THEN a ELSE b END`. True: it was refused, skipped, and a value stands in for it. */
static bool case_phrase(struct layout *l, struct token token) {
  size_t end = 1;
  if (can_end(last_kind(l)) || !(is_name(&token, "CASE") || is_name(&token, "case"))) return false;
  if (!is_name(look(l, 1), "WHEN") && !is_name(look(l, 1), "when")) return false;
  for (; !is_name(look(l, end), "END") && !is_name(look(l, end), "end"); end++) {
    if (look(l, end)->kind == TOKEN_END || look(l, end)->kind == TOKEN_PIPE || end > LIMIT_ITEMS)
      return false;
  }
  struct diag *diag = diag_error(diags_of(l), E0106, token.span,
                                 "`%s` is written as `if … then … else …` here", token.name);
  diag_help(diag, "if amount > 15 then \"big\" else \"small\"");
  token.kind = TOKEN_NONE;
  add(l, token);
  const struct token *last = look(l, end);
  while (look(l, 0) != last) l->at++;
  l->at++;
  return true;
}

/* A misspelt `else` in front of `skip`, `stop` or `into NAME`. True: it was one. */
static bool else_word(struct layout *l, struct token *token) {
  static const char *const words[] = {"else"};
  const struct token *next = look(l, 1);
  bool is_target = is_name(next, "skip") || is_name(next, "stop") || is_name(next, "into");
  if (!is_target || !can_end(last_kind(l)) || !closest_name(token->name, words, 1)) return false;
  struct diag *diag = diag_error(diags_of(l), E0100, token->span, "`%s` means nothing here", token->name);
  diag_help(diag, "did you mean `else`?");
  token->kind = TOKEN_ELSE;
  return true;
}

/* Turns a name into the keyword that it is at its place. True: it was refused and skipped. */
static bool take_word(struct layout *l, struct token *token) {
  int last = last_kind(l);
  const struct bracket *bracket = l->depth ? &l->open[l->depth - 1] : NULL;
  bool is_line_start = last == TOKEN_NL || last == '{' || last == ';';
  const struct token *next = look(l, 1);
  if (l->depth == 0 && last == TOKEN_NL) return declaration_word(l, token);
  if (last == TOKEN_PIPE) return verb_word(l, token);
  if (l->is_aggregate && last == ')' && is_name(token, "where")) {
    token->kind = TOKEN_WHERE;
    return false;
  }
  bool is_fn = is_name(token, "fn");
  if (is_fn && (next->kind == '(' || last == TOKEN_EXTERN)) { /* a type: fn(int) -> bool */
    token->kind = TOKEN_FN;
  } else if ((last == TOKEN_KEY || last == TOKEN_TIME) && (is_name(token, "by") || is_name(token, "BY"))) {
    token->kind = TOKEN_BY;
  } else if ((last == TOKEN_LEFT || last == TOKEN_FULL) && is_name(token, "join")) {
    token->kind = TOKEN_JOIN;
  } else if (last == '}' && is_name(token, "on") && next->kind == TOKEN_NAME) {
    token->kind = TOKEN_ON;
  } else if (last == TOKEN_ON && is_name(token, "at") && next->kind != '{') {
    token->kind = TOKEN_AT; /* without a time it is a hook of that name, which is not known */
  } else if (bracket && bracket->is_test && is_line_start) {
    const struct word *word = word_find(WORD_TEST, token->name);
    const struct foreign_word *foreign = word ? NULL : foreign_step(token->name);
    if (foreign) {
      report_foreign(l, token, foreign);
      token->kind = foreign->kind;
      return false;
    }
    if (!word) word = word_closest(WORD_TEST, token->name);
    if (word && strcmp(word->text, token->name) != 0) {
      struct diag *diag = diag_error(diags_of(l), E0100, token->span,
                                     "no line of a test starts with `%s`", token->name);
      diag_help(diag, "did you mean `%s`?", word->text);
    }
    if (word) token->kind = word->kind;
  } else if (bracket && bracket->kind == '{' && (is_line_start || last == '}')) {
    statement_word(l, token);
  } else if (phrase(l, token) || case_phrase(l, *token)) {
    return true;
  } else if (operator_word(l, token) || else_word(l, token)) {
    return false;
  }
  const struct foreign_word *value = foreign_value(token->name);
  if (token->kind == TOKEN_NAME && value && last != '.' && last != TOKEN_QUESTION_DOT &&
      next->kind != ':' && (value->kind == TOKEN_NONE || !can_end(last))) {
    if (look(l, 0) != l->reported_none) report_foreign(l, token, value);
    token->kind = value->kind;
  }
  return false;
}

/* The word of a name, or of the reserved `in`; else "". */
static const char *word_of(const struct token *token) {
  bool is_word = token->kind == TOKEN_IN || (token->kind == TOKEN_NAME && !token->is_quoted);
  return is_word ? token->name : "";
}

/* How many tokens from the current one on are the words of the phrase; 0: it is another one. */
static size_t phrase_length(const struct layout *l, const char *phrase) {
  size_t count = 0;
  for (; *phrase != '\0'; count++) {
    const char *word = word_of(look(l, count));
    size_t length = strlen(word);
    bool is_next = length > 0 && strncmp(phrase, word, length) == 0;
    if (!is_next || (phrase[length] != ' ' && phrase[length] != '\0')) return 0;
    phrase += length + (phrase[length] == ' ');
  }
  return count;
}

/* Clauses of a stage of several words, and those that begin with a word that is reserved for statements. */
static void clause_words(struct layout *l, struct token *token) {
  static const char *const phrases[] = {
      "max ahead", "idle after", "late into", "session gap", "on change", "on epoch", "in window tumbling",
      "in window sliding", "in window session gap"};
  int last = last_kind(l);
  if (token->kind == TOKEN_PIPE) l->is_aggregate = false;
  if (last == TOKEN_PIPE && token->kind == TOKEN_AGGREGATE) l->is_aggregate = true;
  if (token->kind == TOKEN_EMIT && can_end(last)) token->kind = TOKEN_NAME;
  if (is_name(token, "unbounded") && can_end(last)) token->kind = TOKEN_UNBOUNDED;
  if (word_of(token)[0] == '\0' || token->kind != look(l, 0)->kind) return;
  for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
    size_t count = phrase_length(l, phrases[i]);
    if (count == 0) continue;
    /* A hook otherwise. */
    if (is_name(token, "on") && !is_name(&vec_last(&l->out->list), "emit")) continue;
    const struct token *end = look(l, count - 1);
    while (look(l, 0) != end) l->at++;
    token->kind = TOKEN_NAME;
    token->name = names_intern(&l->compiler->names, phrases[i], strlen(phrases[i]));
    token->span = span_join(token->span, end->span);
    return;
  }
}

/* -- the filter -------------------------------------------------------------------------------- */

/* `;` separates statements in a block; elsewhere it is what other languages end lines with. */
static void take_semicolon(struct layout *l, const struct token *token) {
  const struct bracket *bracket = l->depth ? &l->open[l->depth - 1] : NULL;
  if (bracket && bracket->kind == '{') {
    if (last_kind(l) != ';' && last_kind(l) != '{') add(l, *token);
    return;
  }
  struct diag *diag =
      diag_error(diags_of(l), E0106, token->span, "a statement ends with its line, without `;`");
  diag_help(diag, "remove the `;`");
  l->at++;
  if (l->depth == 0 && !look(l, 0)->is_first && look(l, 0)->kind != TOKEN_END) {
    add_newline(l);
    start_statement(l, look(l, 0));
  }
  l->at--;
}

static void take_token(struct layout *l) {
  struct token token = *look(l, 0);
  if (token.kind == TOKEN_NAME && !token.is_quoted && take_word(l, &token)) return;
  if (token.kind == TOKEN_NOT && look(l, 1)->kind == TOKEN_IN) {
    token.kind = TOKEN_NOT_IN;
    l->at++;
    token.span = span_join(token.span, look(l, 0)->span);
  }
  if (l->is_pipeline && l->depth == 0) clause_words(l, &token);
  if (token.kind == TOKEN_PIPE && l->depth == 0) l->is_pipeline = true;
  if (token.kind == ';') {
    take_semicolon(l, &token);
  } else if (is_closer(token.kind)) {
    close_bracket(l, &token);
  } else {
    if (closer_of(token.kind)) open_bracket(l, &token);
    add(l, token);
  }
  if (token.kind != ',') l->last_end = token.span.offset + token.span.length;
  l->at++;
}

struct tokens *layout_filter(struct compiler *compiler, const struct token_list *raw) {
  struct layout *l = arena_new(&compiler->arena, struct layout);
  l->compiler = compiler;
  l->raw = raw;
  l->out = arena_new(&compiler->arena, struct tokens);
  for (;;) {
    take_docs(l);
    const struct token *token = look(l, 0);
    if (token->kind == TOKEN_END || l->is_too_deep) break;
    if (token->is_first) {
      l->line_column = token->column;
      if (l->depth > 0 && starts_declaration(l)) {
        close_all(l);
        add_newline(l);
      }
      end_line(l);
    }
    if (l->depth == 0 && last_kind(l) == TOKEN_NL) start_statement(l, token);
    take_token(l);
  }
  if (l->is_too_deep) return NULL;
  struct token end = *look(l, 0);
  close_all(l);
  if (l->out->list.count && last_kind(l) == TOKEN_NL) l->out->list.count--;
  add(l, end);
  return l->out;
}
