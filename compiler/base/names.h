/* Interned names: equal names are equal pointers.
 *
 *   const char *a = names_intern(&names, "total", 5);
 *   if (a == names_intern(&names, other, strlen(other))) ...    compares the text
 *
 * A name is NUL-terminated, immutable, and lives as long as the arena. The lookup table lives in
 * the arena too.
 */
#ifndef FLOWCC_BASE_NAMES_H
#define FLOWCC_BASE_NAMES_H

#include <stddef.h>

#include "base/arena.h"

struct names {
  struct arena *arena;
  struct name_slot *slots; /* Open addressing, linear probing. */
  size_t slot_count;       /* A power of two, or 0 before the first name. */
  size_t count;
};

/* Makes an empty table that allocates from `arena`, which must outlive it. */
void names_init(struct names *names, struct arena *arena);

/* Returns the one copy of the `length` bytes at `text`. The bytes are copied at the first call. */
const char *names_intern(struct names *names, const char *text, size_t length);

#endif
