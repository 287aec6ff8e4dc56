/* What is kept for the call of an aggregate, and how it is computed: flow text for front/quote.h.
 *
 * In the text stand $acc for the place of the accumulator, $x and $y for the arguments, $count and $part for the
 * constant ones of `top` and `quantile`, $at for the time of the item, $from for another accumulator whose items
 * lie behind those of $acc in time; $X and $Y for the types of the arguments. Other names are locals.
 */
#ifndef FLOWCC_FRONT_ACCUMULATOR_H
#define FLOWCC_FRONT_ACCUMULATOR_H

#include "front/type.h"

struct accumulator {
  const char *type;  /* what is kept */
  const char *init;  /* before anything was added */
  const char *add;   /* statements */
  const char *merge; /* statements: adds $from */
  const char *value; /* the result where something was added, or of nothing too */
  const char *maybe; /* the same as a T?, for where nothing may have been added; null: `value` does */
};

/* What a call is given: `y` null where there is one argument. A value that may be absent comes as its T, and
 * only where it is present. */
struct aggregated {
  const struct type *x, *y;
  bool by_time; /* the order of items is that of their times */
};

/* A row of aggregates.def. */
struct aggregate {
  const char *name;
  uint32_t min_args, max_args;
  const struct accumulator *(*choose)(const struct aggregated *); /* null: of these types there is none */
  const char *works_on;
  const char *syntax, *doc, *example, *gives;
};

/* The aggregate of that name, or null. */
const struct aggregate *aggregate_find(const char *name);

/* All of them, in the order of the table; the number of them through *count. */
const struct aggregate *aggregate_all(size_t *count);

#endif
