/* `flowcc test`: plays the test blocks of a program that has been compiled with them.
 *
 * The program is the one that would run: same generated code, same runtime, real epochs, commits and
 * kills. What differs is around it: its files lie in a folder that is made for the test, the clock is
 * moved by the test, and each stream of which something is expected has one sink more. Values that are
 * fed are printed as the source's format has them, so they take the way of any input.
 *
 *   struct test_totals totals = {0};
 *   if (!test_play(&compiler, &options, &totals)) …          no test could be played
 */
#ifndef FLOWCC_TEST_TEST_H
#define FLOWCC_TEST_TEST_H

#include "compiler.h"

struct test_options {
  const char *filter;      /* only tests with this in their name; null: all */
  bool crashes;            /* play each again with crashes at every epoch */
  enum diag_format format; /* of the report, which goes to stdout */
  char **words;            /* arguments of the program, for its params; null at the end, or null */
};

struct test_totals {
  size_t passed, failed;
  bool is_interrupted; /* a signal came: the caller should end */
};

/* Plays the tests of the program at options.output_path, and adds to the totals. False if that could not
 * be done; stderr has been told. */
bool test_play(struct compiler *, const struct test_options *, struct test_totals *);

#endif
