/* Writing printers: C code that appends the text of a value to a struct flow_buf.
 *
 * A printer makes room once for everything whose length has a limit that is known here, and then
 * writes through a raw pointer `p`; fixed text is merged into as few pieces as possible. What has no
 * such limit (long strings, lists, nested values) makes its own room, and behind it leaves the room
 * that the printer needs for the rest, so the promise holds to the end.
 *
 *   struct printer printer;
 *   print_begin(&printer, e, "room");
 *   print_fixed(&printer, "{\"n\": ");
 *   print_value(&printer, PRINT_JSON, type, "x->f_n");
 *   print_fixed(&printer, "}\n");
 *   print_function(&printer, …);
 */
#ifndef FLOWCC_BACK_PRINT_H
#define FLOWCC_BACK_PRINT_H

#include "back/emit.h"

enum print_form {
  PRINT_JSON, /* language rule 12 */
  PRINT_TEXT, /* rule 13: a string without quotes at the top; what is nested is JSON */
  PRINT_CSV,  /* rule 14: scalars only, in quotes where needed */
};

struct printer {
  struct emit *e;
  struct text body;  /* finished statements; they use `b`, a struct flow_buf *, and `p` */
  struct text fixed; /* text that is not in a statement yet */
  const char *room;  /* C variable: room to leave behind whatever has no limit */
  size_t bound;      /* bytes of everything that has one */
  uint32_t indent, depth;
  char delimiter;       /* PRINT_CSV */
  bool quotes_empty;    /* PRINT_CSV: an empty string is `""`, because nothing would mean none */
  const char *prologue; /* statements before all others, or null */
};

/* Starts a printer's statements. `room` is the C variable that holds what must be free at `p` when
 * they start: at least printer.bound bytes and what the caller needs behind them. */
void print_begin(struct printer *, struct emit *, const char *room);

void print_fixed(struct printer *, const char *text);

/* Prints the value of a C lvalue. */
void print_value(struct printer *, enum print_form, const struct type *, const char *lvalue);

/* Begins what is printed where the C expression `tag` has the value `constant`; `index` counts the cases of
 * one switch from 0. The last case ends with print_case_end(). */
void print_case(struct printer *, const char *tag, uint32_t index, const char *constant);
void print_case_end(struct printer *);

/* Writes the function `head {` around the statements into the section; `head` names its parameters
 * `b` and `x`. The function leaves b->length behind what it wrote. */
void print_function(struct printer *, enum section section, const char *head);

/* The same for a sink: `static void NAME(struct flow_worker *, struct flow_buf *, const X *)`. */
void print_sink(struct printer *, const struct type *item, const char *name);

#endif
