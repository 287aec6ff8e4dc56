/* Rows that were expected beside rows that came: what is missing, what is too much, what is different.
 *
 *       1   { word: "a", count: 1 }
 *     - 2   { word: "b", count: 2 }
 *     + 2   { word: "b", count: 1 }
 *                               ^ the first difference
 */
#ifndef FLOWCC_TEST_DIFF_H
#define FLOWCC_TEST_DIFF_H

#include "base/text.h"
#include "base/vec.h"

#include <stdbool.h>

struct diff_row {
  const char *shown;    /* as it is printed */
  const char *compared; /* equal rows have equal texts here */
};
VEC_OF(diff_rows, struct diff_row);

/* Whether the same rows came in the same order. */
bool diff_is_empty(const struct diff_rows *expected, const struct diff_rows *got);

/* Appends the differences, with some rows before and behind them, as lines that begin with `margin`. */
void diff_write(const struct diff_rows *expected, const struct diff_rows *got, const char *margin,
                struct text *out);

#endif
