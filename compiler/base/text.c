#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static void reserve(struct text *text, size_t extra) {
  size_t needed = text->length + extra + 1;
  if (needed <= text->capacity) return;
  size_t capacity = text->capacity * 2 < needed ? needed : text->capacity * 2;
  text->data = arena_grow(text->arena, text->data, text->capacity, capacity);
  text->capacity = capacity;
}

void text_init(struct text *text, struct arena *arena) {
  *text = (struct text){.data = arena_alloc(arena, 64), .capacity = 64, .arena = arena};
  text->data[0] = '\0';
}

void text_clear(struct text *text) {
  text->length = 0;
  text->data[0] = '\0';
}

void text_add(struct text *text, const char *string) {
  text_addn(text, string, strlen(string));
}

void text_addn(struct text *text, const char *bytes, size_t length) {
  reserve(text, length);
  if (length > 0) memcpy(text->data + text->length, bytes, length);
  text->length += length;
  text->data[text->length] = '\0';
}

void text_addc(struct text *text, char byte) {
  text_addn(text, &byte, 1);
}

void text_pad(struct text *text, char byte, size_t count) {
  reserve(text, count);
  memset(text->data + text->length, byte, count);
  text->length += count;
  text->data[text->length] = '\0';
}

void text_addf(struct text *text, const char *format, ...) {
  va_list args;
  va_start(args, format);
  text_addv(text, format, args);
  va_end(args);
}

void text_addv(struct text *text, const char *format, va_list args) {
  va_list again;
  va_copy(again, args);
  size_t room = text->capacity - text->length;
  int length = vsnprintf(text->data + text->length, room, format, args);
  if (length > 0 && (size_t)length >= room) {
    reserve(text, (size_t)length);
    vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
  }
  if (length > 0) text->length += (size_t)length;
  va_end(again);
}

void text_add_quoted_c(struct text *text, const char *bytes, size_t length) {
  text_addc(text, '"');
  for (size_t i = 0; i < length; i++) {
    unsigned char byte = (unsigned char)bytes[i];
    if (byte == '"' || byte == '\\' || byte == '?') {
      text_addf(text, "\\%c", byte);
    } else if (byte == '\n') {
      text_add(text, "\\n");
    } else if (byte == '\t') {
      text_add(text, "\\t");
    } else if (byte < 0x20 || byte >= 0x7F) {
      text_addf(text, "\\%03o", byte);
    } else {
      text_addc(text, (char)byte);
    }
  }
  text_addc(text, '"');
}

void text_add_quoted_json(struct text *text, const char *bytes, size_t length) {
  text_addc(text, '"');
  for (size_t i = 0; i < length;) {
    uint32_t code_point;
    size_t count = utf8_decode(bytes + i, length - i, &code_point);
    if (count == 0) {
      text_add(text, "\xEF\xBF\xBD");
      count = 1;
    } else if (code_point == '"' || code_point == '\\') {
      text_addf(text, "\\%c", (char)code_point);
    } else if (code_point >= '\b' && code_point <= '\r' && code_point != '\v') {
      text_addf(text, "\\%c", "btnvfr"[code_point - '\b']);
    } else if (code_point < 0x20) {
      text_addf(text, "\\u%04x", (unsigned)code_point);
    } else {
      text_addn(text, bytes + i, count);
    }
    i += count;
  }
  text_addc(text, '"');
}
