/* edit.h — "did you mean": the nearest of a set of names. */
#ifndef FLOWCC_BASE_EDIT_H
#define FLOWCC_BASE_EDIT_H

#include <stddef.h>

/* Returns how many insertions, deletions, replacements and swaps of neighbours turn `a` into `b`;
 * strings longer than LIMIT_SUGGESTED_NAME are infinitely far apart (SIZE_MAX). */
size_t edit_distance(const char *a, const char *b);

/* Returns the candidate nearest to `name`, or NULL when none is within max(1, length of name / 3)
 * edits. Of equally near ones the first wins, so the answer is stable. Candidates may be NULL
 * (skipped); `name` itself is never returned. */
const char *closest_name(const char *name, const char *const *candidates, size_t count);

#endif
