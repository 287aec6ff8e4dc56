/* A source as a list of pieces: its tokens and its comments, each with the line breaks before it.
 * F-strings are one piece. This is what format.c lays out anew, and how it compares the result with
 * what it was given. */
#ifndef FLOWCC_TOOLS_PIECES_H
#define FLOWCC_TOOLS_PIECES_H

#include "compiler.h"

#include <stdbool.h>

struct piece {
  int kind;            /* of the token behind the layout filter; TOKEN_DOC for every comment */
  const char *text;    /* in the source, not ended by NUL; comments without trailing blanks */
  size_t length;
  uint32_t column;     /* bytes in front of it on its line */
  uint32_t breaks;     /* line breaks between the piece before and this one */
  bool starts;         /* a token that begins a statement or an item: the filter put an NL there */
};
VEC_OF(piece_list, struct piece);

/* The pieces of a source that pass_tokens has read without an error, in text order. The list ends
 * with a piece of kind TOKEN_END. Everything lives in the arena of the compiler. */
struct piece_list pieces_of(struct compiler *compiler);

/* True if both lists have the same tokens and comments, and statements begin at the same ones. */
bool pieces_are_equal(const struct piece_list *a, const struct piece_list *b);

#endif
