/* The text of the source files, and places in it.
 *
 * All sources of a compilation lie behind each other in one virtual space of offsets, so a span is
 * two numbers and names its file without a pointer. Each source takes one offset more than it has
 * bytes: its end is a place of its own.
 *
 *   struct sources sources;
 *   sources_init(&sources, arena);
 *   struct source *source = sources_load(&sources, "x.flow", &why);
 *   struct place place = sources_place(&sources, span.offset);         x.flow:9:26
 */
#ifndef FLOWCC_BASE_SOURCE_H
#define FLOWCC_BASE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/vec.h"

/* A piece of source text: `length` bytes from `offset` of the virtual space. {0, 0} is a valid
 * span. */
struct span {
  uint32_t offset, length;
};

struct source {
  const char *path;      /* As given by the user. */
  const char *text;      /* The bytes of the file, unchanged, and a NUL behind them. */
  uint32_t length;       /* Bytes in `text` without the NUL. */
  uint32_t start;        /* Offset of the first byte in the virtual space. */
  uint32_t *line_starts; /* Index in `text` of the first byte of each line. */
  uint32_t line_count;   /* At least 1. */
  bool is_quoted;        /* Text of the compiler's own, in which names may begin with `$`. */
};

VEC_OF(source_list, struct source *);

struct sources {
  struct arena *arena;
  struct source_list list;
  uint32_t end; /* First offset behind the last source. */
};

/* Where something is, for people: both numbers are counted from 1. */
struct place {
  const struct source *source;
  uint32_t line;
  uint32_t column; /* In code points; an invalid byte is one, a byte order mark none. */
};

/* Makes an empty set of sources that allocates from `arena`. */
void sources_init(struct sources *sources, struct arena *arena);

/* Reads a file. On failure returns NULL and sets `*why` to a sentence for the user without the path
 * (in the arena): the file is missing, unreadable, a directory, or over LIMIT_SOURCE_BYTES. */
struct source *sources_load(struct sources *sources, const char *path, const char **why);

/* Adds a source from memory; both strings are copied. Returns NULL only when LIMIT_SOURCE_BYTES
 * would be exceeded. */
struct source *sources_add_text(struct sources *sources, const char *path, const char *text,
                                size_t length);

/* Returns the source that holds this offset; an offset behind all sources belongs to the last one.
 * There must be one. */
const struct source *sources_at(const struct sources *sources, uint32_t offset);

/* Returns the line of an offset, counted from 1, in its source; cheaper than a place. */
uint32_t sources_line(const struct sources *sources, uint32_t offset);

/* Returns the place of an offset; offsets behind the end count as the end. */
struct place sources_place(const struct sources *sources, uint32_t offset);

/* Returns the bytes of a line (counted from 1) and stores their number; the line end (LF or CRLF)
 * is not among them. */
const char *source_line(const struct source *source, uint32_t line, size_t *length);

/* Returns the bytes under a span (not NUL-terminated); the span must lie inside one source. */
const char *sources_text(const struct sources *sources, struct span span);

/* Returns the path of a file that the source at `span` names by `path`: it begins at the folder of that
 * source, unless it begins with `/`. In the arena, or `path` itself. */
const char *sources_path_beside(const struct sources *sources, struct span span, const char *path);

/* Returns the smallest span that covers both. */
static inline struct span span_join(struct span a, struct span b) {
  uint32_t start = a.offset < b.offset ? a.offset : b.offset;
  uint32_t a_end = a.offset + a.length, b_end = b.offset + b.length;
  return (struct span){start, (a_end > b_end ? a_end : b_end) - start};
}

/* Returns the empty span right behind `span`. */
static inline struct span span_after(struct span span) {
  return (struct span){span.offset + span.length, 0};
}

#endif
