/* Tokens: what the scanner makes of the text, and what the layout filter hands to the parser.
 *
 * The scanner (lex.l) knows characters only. The layout filter (layout.h) then pairs brackets, puts
 * in the newlines that end statements, turns names into keywords where they are ones, and takes the
 * documentation comments out. `kind` is an `enum parse_tokentype` of the generated parse.tab.h, so
 * the grammar owns the list of kinds.
 */
#ifndef FLOWCC_FRONT_TOKEN_H
#define FLOWCC_FRONT_TOKEN_H

#include "base/source.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct compiler;

struct token {
  int kind;
  struct span span;
  uint32_t column;  /* bytes between the start of the line and the token */
  bool is_first;    /* nothing but blanks stands before it on its line */
  bool is_quoted;   /* a NAME in backquotes, which is never a keyword */
  bool is_indented; /* an NL of the file before a line that is indented deeper than the statement
                          which it ends */
  uint32_t partner; /* an opening bracket: index of its closing one in the filtered list */
  union {
    const char *name; /* NAME and every keyword: the interned word */
    int64_t integer;  /* INT; DURATION and TIMESTAMP in microseconds */
    double number;    /* FLOAT */
    struct {
      const char *data;
      size_t length;
    } string; /* STRING, FSTRING_TEXT, DOC: decoded, in the arena, NUL-terminated */
  };
};
VEC_OF(token_list, struct token);

/* A run of `##` lines, or one `##` at the end of a line. */
struct doc {
  struct span span;
  const char *text; /* lines joined by newlines, without the marks */
  bool is_trailing;
  uint32_t anchor; /* trailing: where the token before it ends (a comma aside); else: where the
                          token below it starts */
  bool is_claimed; /* some declaration, field or variant has taken it */
};
VEC_OF(doc_list, struct doc);

VEC_OF(span_list, struct span);

struct tokens {
  struct token_list list;  /* ends with END */
  struct doc_list docs;    /* in text order */
  struct span_list broken; /* from a `(` or `[` without its partner to where that was put in: what
                              the parser does not understand there is the same mistake */
};

struct source;

/* Scans a source. Returns the raw tokens, DOC among them and no newlines, ended by END. Reports
 * what is malformed and goes on with the nearest well-formed token, so that one slip is one
 * message. */
struct token_list lex_source(struct compiler *compiler, const struct source *source);

/* The name of a kind for messages and dumps: "name", "|>", "end of line". */
const char *token_kind_name(int kind);

/* True for the kinds whose `name` is set: NAME and the keywords. */
bool token_is_word(const struct token *token);

#endif
