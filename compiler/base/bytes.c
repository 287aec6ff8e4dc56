#include "base/bytes.h"

#include <stdint.h>
#include <string.h>

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The index of the character among the digits, or -1. */
static int digit_of(const char *digits, char c) {
  const char *found = c == '\0' ? NULL : strchr(digits, c);
  return found ? (int)(found - digits) : -1;
}

const char *bytes_of_hex(struct arena *arena, const char *text, size_t length, size_t *size) {
  if (length % 2 != 0) return NULL;
  char *data = arena_alloc(arena, length / 2 + 1);
  *size = length / 2;
  for (size_t i = 0; i < length; i++) {
    char small = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] + ('a' - 'A')) : text[i];
    int digit = digit_of("0123456789abcdef", small);
    if (digit < 0) return NULL;
    data[i / 2] = (char)(i % 2 == 0 ? digit << 4 : data[i / 2] | digit);
  }
  data[*size] = '\0';
  return data;
}

const char *bytes_of_base64(struct arena *arena, const char *text, size_t length, size_t *size) {
  if (length % 4 != 0) return NULL;
  size_t digits = length;
  while (digits > 0 && length - digits < 2 && text[digits - 1] == '=') digits--;
  char *data = arena_alloc(arena, digits + 1);
  uint32_t bits = 0, bit_count = 0;
  *size = 0;
  for (size_t i = 0; i < digits; i++) {
    int digit = digit_of(base64_digits, text[i]);
    if (digit < 0) return NULL;
    bits = bits << 6 | (uint32_t)digit;
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    data[(*size)++] = (char)(bits >> bit_count);
    bits &= (1u << bit_count) - 1;
  }
  data[*size] = '\0';
  return bits == 0 ? data : NULL; /* bits behind the last byte */
}
