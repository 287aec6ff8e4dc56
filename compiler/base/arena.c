#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Large enough that a typical flow needs a handful of blocks. */
#define BLOCK_SIZE ((size_t)64 << 10)
#define ALIGNMENT  ((size_t)16)

struct arena_block {
  struct arena_block *next;
  size_t size; /* Also keeps the bytes behind this header aligned to 16. */
};

static _Noreturn void out_of_memory(void) {
  fputs("flowcc: out of memory\n", stderr);
  exit(70);
}

static size_t round_up(size_t size) {
  if (size > SIZE_MAX / 2) out_of_memory();
  return (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

void arena_init(struct arena *arena) {
  *arena = (struct arena){0};
}

void arena_free(struct arena *arena) {
  for (struct arena_block *block = arena->blocks; block;) {
    struct arena_block *next = block->next;
    free(block);
    block = next;
  }
  *arena = (struct arena){0};
}

static struct arena_block *add_block(struct arena *arena, size_t size) {
  struct arena_block *block = malloc(sizeof *block + size);
  if (!block) out_of_memory();
  block->next = arena->blocks;
  block->size = size;
  arena->blocks = block;
  return block;
}

void *arena_alloc(struct arena *arena, size_t size) {
  size = round_up(size);
  if (size > BLOCK_SIZE / 4) return add_block(arena, size) + 1;
  if ((size_t)(arena->end - arena->next) < size || !arena->next) {
    struct arena_block *block = add_block(arena, BLOCK_SIZE);
    arena->next = (char *)(block + 1);
    arena->end = arena->next + BLOCK_SIZE;
  }
  void *result = arena->next;
  arena->next += size;
  return result;
}

void *arena_zalloc(struct arena *arena, size_t size) {
  return memset(arena_alloc(arena, size), 0, size);
}

void *arena_grow(struct arena *arena, void *old, size_t old_size, size_t new_size) {
  size_t old_room = round_up(old_size), new_room = round_up(new_size);
  if (old && new_room <= old_room) return old;
  if (old && old_room > 0 && (char *)old + old_room == arena->next &&
      (size_t)(arena->end - (char *)old) >= new_room) {
    arena->next = (char *)old + new_room;
    return old;
  }
  void *result = arena_alloc(arena, new_size);
  if (old_size > 0) memcpy(result, old, old_size);
  return result;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length) {
  char *copy = arena_alloc(arena, length + 1);
  if (length > 0) memcpy(copy, text, length);
  copy[length] = '\0';
  return copy;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args) {
  va_list again;
  va_copy(again, args);
  int length = vsnprintf(NULL, 0, format, args);
  if (length < 0) out_of_memory();
  char *text = arena_alloc(arena, (size_t)length + 1);
  vsnprintf(text, (size_t)length + 1, format, again);
  va_end(again);
  return text;
}

char *arena_printf(struct arena *arena, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *text = arena_vprintf(arena, format, args);
  va_end(args);
  return text;
}
