/* Syntax errors in words: what was found, what could stand there, and, for the common slips, what
 * was probably meant. */
#include "front/tree.h"

#include "base/limits.h"
#include "front/parse.tab.h"

#include <string.h>
#include <strings.h>

/* The kinds that could stand where the error is; the ones that are described already are 0. */
struct expected {
  int kinds[512];
  size_t count;
};

static bool has(const struct expected *expected, int kind) {
  for (size_t i = 0; i < expected->count; i++) {
    if (expected->kinds[i] == kind) return true;
  }
  return false;
}

static void drop(struct expected *expected, int kind) {
  size_t kept = 0;
  for (size_t i = 0; i < expected->count; i++) {
    if (expected->kinds[i] != kind) expected->kinds[kept++] = expected->kinds[i];
  }
  expected->count = kept;
}

/* Drops a list of kinds that ends with -1. */
static void drop_all(struct expected *expected, const int *kinds) {
  for (; *kinds >= 0; kinds++) drop(expected, *kinds);
}

static const int literals[] = {TOKEN_INT,      TOKEN_FLOAT,     TOKEN_STRING,
                               TOKEN_DURATION, TOKEN_TIMESTAMP, TOKEN_TRUE,
                               TOKEN_FALSE,    TOKEN_NONE,      -1};
static const int starters[] = {
    TOKEN_NAME, TOKEN_FSTRING_BEGIN, TOKEN_NOT, TOKEN_IF, TOKEN_MATCH, '(', '[', '{', '-', -1};
static const int operators[] = {'+',
                                '-',
                                '*',
                                '/',
                                '%',
                                '<',
                                '>',
                                TOKEN_EQ,
                                TOKEN_NE,
                                TOKEN_LE,
                                TOKEN_GE,
                                TOKEN_IN,
                                TOKEN_OR,
                                TOKEN_AND,
                                TOKEN_NOT_IN,
                                TOKEN_COALESCE,
                                '.',
                                TOKEN_CONCAT,
                                TOKEN_QUESTION_DOT,
                                TOKEN_DOT_DOT, /* of a clause */
                                '(',
                                '[',
                                '?',
                                TOKEN_WHERE,
                                -1};
static const int statements[] = {TOKEN_LET,    TOKEN_NAME, TOKEN_EMIT,  TOKEN_FAIL, TOKEN_FORGET,
                                 TOKEN_RETURN, TOKEN_IF,   TOKEN_MATCH, TOKEN_FOR,  -1};
static const int declarations[] = {TOKEN_FLOW, TOKEN_PARAM,  TOKEN_CONST, TOKEN_RECORD, TOKEN_ENUM,
                                   TOKEN_FN,   TOKEN_SOURCE, TOKEN_SINK,  TOKEN_STREAM, TOKEN_TEST,
                                   TOKEN_STEP, TOKEN_IMPORT, TOKEN_EXTERN,
                                   TOKEN_NAME, TOKEN_END,    -1};
static const int verbs[] = {TOKEN_MAP,   TOKEN_FILTER, TOKEN_FLAT_MAP, TOKEN_KEY,     TOKEN_STATE,
                            TOKEN_MERGE, TOKEN_SPLIT,  TOKEN_INTO,     TOKEN_INSPECT, TOKEN_TIME,    TOKEN_NAME,
                            TOKEN_WINDOW, TOKEN_AGGREGATE, TOKEN_JOIN, TOKEN_LEFT, TOKEN_FULL, TOKEN_LOOKUP,
                            -1};
static const int assignments[] = {TOKEN_ADD_ASSIGN, TOKEN_SUB_ASSIGN,    TOKEN_MUL_ASSIGN,
                                  TOKEN_DIV_ASSIGN, TOKEN_CONCAT_ASSIGN, -1};

/* Takes the kinds that together are one notion out of the set and returns its name, or null when no
 * further notion is complete. */
static const char *take_notion(struct expected *expected) {
  if (has(expected, TOKEN_LET) && has(expected, TOKEN_FORGET)) {
    drop_all(expected, statements);
    return "a statement";
  }
  if (has(expected, TOKEN_SOURCE) && has(expected, TOKEN_SINK)) {
    drop_all(expected, declarations);
    return "a declaration or a pipeline";
  }
  if (has(expected, TOKEN_MAP) && has(expected, TOKEN_FILTER)) {
    drop_all(expected, verbs);
    return "a stage such as `map` or `filter`";
  }
  if (has(expected, TOKEN_INT) && has(expected, '(')) {
    drop_all(expected, literals);
    drop_all(expected, starters);
    drop(expected, TOKEN_LET); /* of `if let` */
    return "an expression";
  }
  if (has(expected, TOKEN_INT)) {
    bool is_number = !has(expected, TOKEN_STRING);
    drop_all(expected, literals);
    drop(expected, '-');
    drop(expected, TOKEN_NAME);
    return is_number ? "a number" : "a pattern";
  }
  if (expected->count == 2 && has(expected, TOKEN_NAME) && has(expected, '{')) {
    expected->count = 0;
    return "a type";
  }
  return NULL;
}

static const char *describe_kind(struct arena *arena, int kind) {
  switch (kind) {
  case TOKEN_NAME: return "a name";
  case TOKEN_STRING: return "a string";
  case TOKEN_NL: return "the end of the line";
  case TOKEN_END: return "the end of the file";
  case TOKEN_FSTRING_END: return "the end of the f-string";
  case TOKEN_FSTRING_CLOSE: return "the `}` of the f-string";
  default: return arena_printf(arena, "`%s`", token_kind_name(kind));
  }
}

/* "an expression", "`=` or a type", "`,`, `}` or the end of the line". */
static const char *describe_expected(struct arena *arena, struct expected *expected) {
  const char *parts[8];
  size_t count = 0;
  bool is_complete = true,
       is_behind_value = has(expected, '+') || has(expected, '.') || has(expected, TOKEN_PIPE);
  for (const char *notion; count < 2 && (notion = take_notion(expected));) parts[count++] = notion;
  drop(expected, TOKEN_UNBOUNDED); /* it stands in for all clauses without a value */
  if (is_behind_value) {
    drop_all(expected, operators);
    drop(expected, TOKEN_NAME); /* of a clause */
  }
  if (has(expected, '[') && has(expected, '?')) { /* behind a type: its parameters, its clauses */
    drop(expected, '[');
    drop(expected, '?');
    drop(expected, TOKEN_NAME);
  }
  if (has(expected, '=')) drop_all(expected, assignments);
  if (has(expected, TOKEN_NL)) {
    drop(expected, TOKEN_END);
    drop(expected, ';');
  }
  for (size_t i = 0; i < expected->count; i++) {
    if (count == sizeof parts / sizeof *parts) {
      is_complete = false;
      break;
    }
    parts[count++] = describe_kind(arena, expected->kinds[i]);
  }
  if (count == 0) return is_behind_value ? "an operator" : NULL;
  struct text out;
  text_init(&out, arena);
  for (size_t i = 0; i < count; i++) {
    bool is_last = i + 1 == count;
    text_addf(&out, "%s%s", i == 0 ? "" : is_last && is_complete ? " or " : ", ", parts[i]);
  }
  if (!is_complete) text_add(&out, ", …");
  return out.data;
}

static const char *describe_found(struct arena *arena, const struct token *token) {
  switch (token->kind) {
  case TOKEN_NL: return "the end of the line";
  case TOKEN_END: return "the end of the file";
  case TOKEN_INT:
  case TOKEN_FLOAT: return "a number";
  case TOKEN_STRING: return "a string";
  case TOKEN_DURATION: return "a duration";
  case TOKEN_TIMESTAMP: return "a timestamp";
  case TOKEN_FSTRING_BEGIN: return "an f-string";
  case TOKEN_FSTRING_CLOSE: return "`}`";
  default:
    if (token_is_word(token)) return arena_printf(arena, "`%s`", token->name);
    return arena_printf(arena, "`%s`", token_kind_name(token->kind));
  }
}

/* Whether what the parser stumbles over is most likely a mistake that was reported already: on the
 * same line, on the line above which this one continues, or in brackets that are not closed. */
static bool is_reported(struct parser *parser, const struct token *token,
                        const struct token *before) {
  const struct diags *diags = &parser->compiler->diags;
  vec_each(const struct span, span, &parser->tokens->broken) {
    if (token->span.offset - span->offset <= span->length) return true;
  }
  if (diags_has_error_on_line(diags, token->span.offset)) return true;
  bool is_continued = before && token->is_first && before->kind != TOKEN_NL;
  return is_continued && diags_has_error_on_line(diags, before->span.offset);
}

static bool is_reserved(const struct token *token) {
  return token->kind >= TOKEN_AND && token->kind <= TOKEN_FORGET && token->kind != TOKEN_NOT_IN;
}

static bool is_value_word(const struct token *token) {
  return token->kind == TOKEN_TRUE || token->kind == TOKEN_FALSE || token->kind == TOKEN_NONE;
}

/* The line above ends, and this one starts with what could also go on with it. */
static bool report_no_continuation(struct parser *parser, const struct token *token,
                                   const struct token *before) {
  const struct token *first = token->is_first ? token : before;
  if (!first || !first->is_first) return false;
  if (first->kind != '-' && first->kind != '(' && first->kind != '[') return false;
  const char *text = token_kind_name(first->kind);
  struct diag *diag =
      diag_error(&parser->compiler->diags, E0112, first->span,
                 "a line that starts with `%s` does not continue the one above", text);
  if (first->kind == '-') {
    diag_help(diag, "put the `-` at the end of the line above");
  } else {
    diag_help(diag, "put the `%s` on the line above, behind the value", text);
  }
  return true;
}

/* Whether a value stands directly behind the name of a stage. */
static bool is_argument(const struct parser *parser, const struct token *token) {
  if (token - parser->tokens->list.data < 2) return false;
  return token[-1].kind == TOKEN_NAME && token[-2].kind == TOKEN_PIPE &&
         token->kind >= TOKEN_NAME && token->kind <= TOKEN_NONE;
}

/* Whether the token after this one continues a value, as in `c ? a : b`. */
static bool is_value_next(const struct token *token) {
  int next = token[1].kind;
  return token_is_word(token + 1) || (next >= TOKEN_INT && next <= TOKEN_TIMESTAMP) ||
         next == '(' || next == '[' || next == '-' || next == TOKEN_FSTRING_BEGIN;
}

/* What a word of this language, at a place that is not its own, was meant for; null: unknown. */
static const char *help_with_word(const struct parser *parser, const struct token *token,
                                  const struct expected *expected) {
  bool is_behind_value = has(expected, '+');
  if (is_behind_value && token->kind == TOKEN_IF)
    return "a choice is written: if CONDITION then A else B";
  if (is_behind_value && token->kind == TOKEN_FOR)
    return "a list is made from another by  xs.map(x => x * 2)  and  xs.filter(x => x > 0)";
  if (is_behind_value && token->kind == TOKEN_NAME && strcmp(token->name, "as") == 0)
    return "a value is converted by a function: int(x), float(x), string(x)";
  if (!is_reserved(token) && !is_value_word(token)) return NULL;
  if (has(expected, TOKEN_SOURCE) && token->kind == TOKEN_LET)
    return "a value for the whole file is a `const`: const limit = 10";
  if (has(expected, TOKEN_SOURCE))
    return "statements stand in the block of a `state` or a `fn`; each item goes through a "
           "pipeline: "
           "orders |> filter … |> map … |> into stdout";
  if (!has(expected, TOKEN_NAME) || is_behind_value || has(expected, TOKEN_PIPE)) return NULL;
  return arena_printf(&parser->compiler->arena,
                      "`%s` is a reserved word; to use it as a name, put it into backquotes",
                      token->name);
}

/* Whether the text is that of a clause, as in `from "N"`. */
static bool is_clause_value(const struct token *text) {
  if (!text || text->kind != TOKEN_STRING || text[-1].kind != TOKEN_NAME) return false;
  return strcmp(text[-1].name, "from") == 0 || strcmp(text[-1].name, "was") == 0;
}

/* What an operator or bracket behind a value was meant for; null: unknown. */
static const char *help_behind_value(const struct token *token, const struct token *before,
                                     const struct expected *expected) {
  int last = before ? before->kind : TOKEN_NL;
  bool is_list = has(expected, ']');
  switch (token->kind) {
  case '(':
    if (last != TOKEN_NAME || before[-1].kind != TOKEN_QUESTION_DOT) return NULL;
    return "`?.` is for fields; to call something with a value that may be absent: "
           "if let x = … then f(x) else none";
  case '?':
    if (token[1].kind == '[')
      return "an element of a value that may be absent: if let xs = … then xs[0] else none";
    if (is_value_next(token)) return "a choice is written: if CONDITION then A else B";
    return "a value instead of an absence or a failure: … ?? 0; the stage may have an `else` for "
           "it";
  case '=':
    if (is_clause_value(before)) return "the default stands in front: n: int = 0 from \"N\"";
    return has(expected, TOKEN_EQ) ? "`==` compares" : NULL;
  case ':':
    if (is_list) return "a part of a list or a text: slice(xs, from, to)";
    return last == TOKEN_STRING ? "names of fields stand without quotes: { user: … }" : NULL;
  case ',':
    if (has(expected, ')')) return "several values are a list [a, b], or a record { a, b }";
    return has(expected, TOKEN_PIPE) ? "several values are one record: { a, b }" : NULL;
  case TOKEN_FAT_ARROW:
    if (last != TOKEN_NAME) return NULL;
    return "a function without a name is an argument: xs.map(x => x + 1); a stage says: |> map it + 1";
  default: return NULL;
  }
}

static bool is_decimal(const struct token *token) {
  return token && token->kind == TOKEN_NAME &&
         (strcasecmp(token->name, "decimal") == 0 || strcasecmp(token->name, "numeric") == 0);
}

/* What was meant where a value, a type or a pattern should begin or end; null: unknown. */
static const char *help_at_place(const struct parser *parser, const struct token *token,
                                 const struct token *before, const struct expected *expected) {
  int last = before ? before->kind : TOKEN_NL;
  bool has_block = has(expected, '{');
  if (last == TOKEN_WINDOW || (last == TOKEN_NAME && before[-1].kind == TOKEN_WINDOW))
    return "windows are  window tumbling 10s,  sliding 10s every 2s,  session gap 5m,  count 100";
  if (token->kind == '.' && has(expected, TOKEN_PIPE))
    return "stages follow one another with `|>`: events |> filter … |> map …";
  if (token->kind == ':' && has(expected, TOKEN_ARROW))
    return "the type of the result stands behind an arrow: fn f(n: int) -> int = …";
  if (token->kind == ':' && has_block) return "a block stands in braces: { … }";
  if (token->kind == TOKEN_DOT_DOT && has_block) return "a range is a list: range(0, 10)";
  if (token->kind == TOKEN_ARROW && has(expected, TOKEN_FAT_ARROW) && has(expected, ')'))
    return "a function without a name is written with `=>`: xs.map(x => x + 1)";
  if (token->kind == TOKEN_ARROW && has(expected, TOKEN_FAT_ARROW))
    return "an arm is written with `=>`";
  if (token->kind == '(' && has(expected, TOKEN_FAT_ARROW))
    return "what is inside gets a name behind a blank: some x, circle c";
  if (token->kind == '<' && has(expected, '['))
    return "what a type consists of stands in brackets: list[int]; a T that may be absent is T?";
  bool is_behind_type = has(expected, '[') && has(expected, '?');
  if (token->kind == '(' && is_behind_type && is_decimal(before))
    return "an exact number with two digits behind the point: decimal[2]";
  if (token->kind == '(' && is_behind_type)
    return "types of texts and numbers have no length: string, int";
  if (token->kind == '*' && last == '(')
    return "to count all: |> aggregate count()";
  bool is_distinct = before && before->kind == TOKEN_NAME &&
                     (strcmp(before->name, "distinct") == 0 || strcmp(before->name, "DISTINCT") == 0);
  if (token->kind == TOKEN_NAME && is_distinct) return "different values are counted by  distinct(x)";
  if (token->kind == '*' && last == '*') return "there is no operator for powers: x * x";
  if (token->kind == TOKEN_CONCAT && has(expected, '=')) return "to add one write `x += 1`";
  if (has(expected, '=') && has(expected, TOKEN_ADD_ASSIGN) && has(expected, TOKEN_NL))
    return "a statement is an assignment or a call; `emit` sends a value on";
  if (is_argument(parser, token))
    return arena_printf(&parser->compiler->arena,
                        "the arguments of a stage stand in parentheses: %s(…)", before->name);
  if (last == TOKEN_CONCAT && (token->kind == TOKEN_NL || token->kind == '}'))
    return "`++` joins texts and lists; to add one write `x += 1`";
  if (token->kind == '{' && has(expected, TOKEN_THEN))
    return "where a value is expected, write: if CONDITION then A else B";
  if (token->kind == TOKEN_THEN && has_block)
    return "as a statement, write: if CONDITION { … } else { … }";
  if (token->kind == TOKEN_FSTRING_CLOSE && last == TOKEN_FSTRING_OPEN)
    return "put an expression between the braces, or write {{ and }} for braces";
  return NULL;
}

/* Adds what was probably meant. */
static void add_help(const struct parser *parser, struct diag *diag, const struct token *token,
                     const struct token *before, const struct expected *expected) {
  const char *help = help_with_word(parser, token, expected);
  if (!help && has(expected, '+')) help = help_behind_value(token, before, expected);
  if (!help) help = help_at_place(parser, token, before, expected);
  if (!help && has(expected, TOKEN_NL) && has(expected, ';') && has(expected, '}'))
    help = "a new line or `;` stands between two statements";
  if (help) diag_help(diag, "%s", help);
}

void syntax_error(struct parser *parser, const struct token *token, const int *kinds,
                  size_t count) {
  struct compiler *compiler = parser->compiler;
  const struct token *before = token > parser->tokens->list.data ? token - 1 : NULL;
  if (is_reported(parser, token, before)) {
    compiler->diags.error_count++; /* nothing that was not understood may pass as a success */
    return;
  }
  if (report_no_continuation(parser, token, before)) return;
  struct expected expected = {.count = count < 512 ? count : 512};
  memcpy(expected.kinds, kinds, expected.count * sizeof *kinds);
  struct expected all = expected;
  const char *wanted = describe_expected(&compiler->arena, &expected);
  const char *found = describe_found(&compiler->arena, token);
  bool is_fstring = token->kind == TOKEN_FSTRING_CLOSE;
  struct span span = token->span;
  struct diag *diag = wanted ? diag_error(&compiler->diags, is_fstring ? E0110 : E0100, span,
                                          "expected %s, found %s", wanted, found)
                             : diag_error(&compiler->diags, is_fstring ? E0110 : E0100, span,
                                          "%s cannot stand here", found);
  add_help(parser, diag, token, before, &all);
}
