#include "base/edit.h"

#include <stdint.h>
#include <string.h>

#include "base/limits.h"

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

size_t edit_distance(const char *a, const char *b) {
  size_t a_length = strlen(a), b_length = strlen(b);
  if (a_length > LIMIT_SUGGESTED_NAME || b_length > LIMIT_SUGGESTED_NAME) return SIZE_MAX;
  /* rows[i % 3][j] is the distance between the first i bytes of `a` and the first j of `b`. */
  size_t rows[3][LIMIT_SUGGESTED_NAME + 1];
  for (size_t j = 0; j <= b_length; j++) rows[0][j] = j;
  for (size_t i = 1; i <= a_length; i++) {
    size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b_length; j++) {
      size_t replaced = above[j - 1] + (a[i - 1] != b[j - 1]);
      row[j] = least(replaced, least(above[j], row[j - 1]) + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = least(row[j], above2[j - 2] + 1);
    }
  }
  return rows[a_length % 3][b_length];
}

const char *closest_name(const char *name, const char *const *candidates, size_t count) {
  size_t length = strlen(name);
  size_t limit = length / 3 > 1 ? length / 3 : 1;
  const char *best = NULL;
  for (size_t i = 0; i < count; i++) {
    if (!candidates[i] || strcmp(name, candidates[i]) == 0) continue;
    size_t distance = edit_distance(name, candidates[i]);
    /* A name of which nothing remains is no suggestion: every one-letter name is one edit away from
     * every other. */
    if (distance > limit || distance >= length) continue;
    best = candidates[i];
    limit = distance - 1;
    if (limit == 0) break;
  }
  return best;
}
