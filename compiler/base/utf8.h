/* Reading UTF-8 one code point at a time. */
#ifndef FLOWCC_BASE_UTF8_H
#define FLOWCC_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT 0xFFFDu

/* Decodes the code point at the start of `bytes` (`length` > 0 bytes are readable). Stores it and
 * returns how many bytes it has (1–4). Returns 0 for an invalid or cut sequence, an overlong form
 * or a surrogate: the caller should then take one byte as U+FFFD. */
size_t utf8_decode(const char *bytes, size_t length, uint32_t *code_point);

/* Writes the 1–4 bytes of a code point (at most 0x10FFFF) to `bytes` and returns how many there
 * are. */
size_t utf8_encode(uint32_t code_point, char bytes[4]);

/* Columns of a terminal that a code point fills: 0 for combining marks, 2 for East Asian wide
 * characters and emoji, else
 * 1. It knows the large ranges only, which is enough to put a caret under the right character. */
int utf8_width(uint32_t code_point);

/* The columns of a whole text; an invalid byte fills one. */
size_t utf8_columns(const char *bytes, size_t length);

#endif
