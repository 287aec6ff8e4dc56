/* The words of the language that are keywords in their place only, and words of other languages. */
#ifndef FLOWCC_FRONT_WORDS_H
#define FLOWCC_FRONT_WORDS_H

#include <stdbool.h>

/* Where a word may be a keyword. */
enum word_place {
  WORD_DECLARATION, /* at the start of a statement of the file */
  WORD_VERB,        /* behind `|>` */
  WORD_TEST,        /* at the start of a line of a test */
};

struct word {
  const char *text;
  int kind; /* of its token */
};

/* The keyword of that text, or null. */
const struct word *word_find(enum word_place place, const char *text);

/* The keyword that a misspelt word most likely means, or null. */
const struct word *word_closest(enum word_place place, const char *text);

/* A word or phrase of another language and what this one has instead. */
struct foreign_word {
  const char *text;
  const char *ours; /* what to write, with its backquotes; null: nothing */
  int kind;         /* token to go on with, or 0: skip the statement */
  const char *help; /* an example, or null */
};

/* Look a word up among those that start a declaration, follow `|>`, start a statement in a block or
 * a line of a test, or stand in an expression. Null where it is not foreign. */
const struct foreign_word *foreign_declaration(const char *text);
const struct foreign_word *foreign_verb(const char *text);
const struct foreign_word *foreign_join(const char *text); /* in front of `join` */
const struct foreign_word *foreign_statement(const char *text);
const struct foreign_word *foreign_step(const char *text);
const struct foreign_word *foreign_value(const char *text);
const struct foreign_word *foreign_operator(const char *text);

#endif
