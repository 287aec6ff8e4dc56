/* Memory that is freed all at once.
 *
 * A compilation owns one arena. Everything the compiler builds (names, tree, graph, text) is
 * allocated from it and lives until arena_free; nothing is freed alone. This is the only module of
 * the compiler that calls malloc.
 *
 *   struct arena arena;
 *   arena_init(&arena);
 *   struct node *node = arena_new(&arena, struct node);    zeroed
 *   char *path = arena_printf(&arena, "%s.c", base);
 *   arena_free(&arena);
 *
 * Failure: no call returns NULL. When the system has no memory left, or a size is absurd, a message
 * goes to stderr and the process exits with status 70, because a compiler has nothing better to do
 * without memory.
 */
#ifndef FLOWCC_BASE_ARENA_H
#define FLOWCC_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

struct arena {
  struct arena_block *blocks; /* All blocks, newest first. */
  char *next, *end;           /* The unused bytes of the current block. */
};

/* Makes an empty arena; it owns no memory yet. */
void arena_init(struct arena *arena);

/* Frees everything that was allocated from the arena and leaves it empty and usable. */
void arena_free(struct arena *arena);

/* Returns `size` uninitialised bytes, aligned to 16. A size of 0 gives a valid pointer to no
 * bytes. */
void *arena_alloc(struct arena *arena, size_t size);

/* Returns `size` zero bytes, aligned to 16. */
void *arena_zalloc(struct arena *arena, size_t size);

/* Returns `new_size` bytes that begin with the `old_size` bytes at `old` (which may be NULL when
 * `old_size` is 0). The newest allocation grows in place where its block has room; otherwise the
 * old bytes stay behind, unused. */
void *arena_grow(struct arena *arena, void *old, size_t old_size, size_t new_size);

/* Returns a copy of the `length` bytes at `text` with a NUL after them. */
char *arena_strndup(struct arena *arena, const char *text, size_t length);

/* Return the formatted text, NUL-terminated. */
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Allocates one zeroed object of type T. */
#define arena_new(arena, T) ((T *)arena_zalloc((arena), sizeof(T)))

#endif
