/* Bytes that a program spells as hex or base64, decoded at compile time.
 *
 *   size_t length;
 *   const char *data = bytes_of_hex(arena, "00ff", 4, &length);   two bytes
 */
#ifndef FLOWCC_BASE_BYTES_H
#define FLOWCC_BASE_BYTES_H

#include "base/arena.h"

#include <stddef.h>

/* The bytes, in the arena, and their number; null if the text is malformed. What is malformed is what libflow
 * refuses at run time (flow/bytes.h). */
const char *bytes_of_hex(struct arena *, const char *text, size_t length, size_t *size);
const char *bytes_of_base64(struct arena *, const char *text, size_t length, size_t *size);

#endif
