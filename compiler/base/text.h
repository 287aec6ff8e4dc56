/* Growing text for everything that the compiler writes.
 *
 *   struct text out;
 *   text_init(&out, arena);
 *   text_addf(&out, "int %s = ", name);
 *   text_add_quoted_c(&out, value, value_length);
 *   fwrite(out.data, 1, out.length, file);
 *
 * `data` is NUL-terminated at all times (also when empty) and belongs to the arena. Nothing here
 * fails.
 */
#ifndef FLOWCC_BASE_TEXT_H
#define FLOWCC_BASE_TEXT_H

#include <stdarg.h>
#include <stddef.h>

#include "base/arena.h"

struct text {
  char *data;
  size_t length;   /* Bytes without the final NUL. */
  size_t capacity; /* Bytes of room, the NUL included. */
  struct arena *arena;
};

/* Makes an empty text that grows in `arena`. */
void text_init(struct text *text, struct arena *arena);

/* Forgets the contents and keeps the room. */
void text_clear(struct text *text);

/* Append a C string, `length` bytes, one byte, `count` times one byte, formatted text. */
void text_add(struct text *text, const char *string);
void text_addn(struct text *text, const char *bytes, size_t length);
void text_addc(struct text *text, char byte);
void text_pad(struct text *text, char byte, size_t count);
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_addv(struct text *text, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Appends a C string literal with its quotes that denotes exactly these bytes: everything but plain
 * ASCII is an octal escape of three digits (which cannot run into a digit behind it), and `?` is
 * escaped, so there are no trigraphs. */
void text_add_quoted_c(struct text *text, const char *bytes, size_t length);

/* Appends a JSON string with its quotes. The bytes should be UTF-8; an invalid byte becomes
 * U+FFFD. */
void text_add_quoted_json(struct text *text, const char *bytes, size_t length);

#endif
