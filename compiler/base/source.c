#include "base/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

void sources_init(struct sources *sources, struct arena *arena) {
  *sources = (struct sources){.arena = arena};
}

static void find_lines(struct source *source, struct arena *arena) {
  uint32_t count = 1;
  for (uint32_t i = 0; i < source->length; i++) count += source->text[i] == '\n';
  source->line_starts = arena_alloc(arena, count * sizeof *source->line_starts);
  source->line_starts[0] = 0;
  source->line_count = 1;
  for (uint32_t i = 0; i < source->length; i++) {
    if (source->text[i] == '\n') source->line_starts[source->line_count++] = i + 1;
  }
}

/* Takes over `text`, which must live in the arena. */
static struct source *add_source(struct sources *sources, const char *path, const char *text,
                                 size_t length) {
  if (length >= LIMIT_SOURCE_BYTES || sources->end + length >= LIMIT_SOURCE_BYTES) return NULL;
  struct source *source = arena_new(sources->arena, struct source);
  source->path = arena_strndup(sources->arena, path, strlen(path));
  source->text = text;
  source->length = (uint32_t)length;
  source->start = sources->end;
  sources->end += (uint32_t)length + 1;
  find_lines(source, sources->arena);
  vec_push(sources->arena, &sources->list, source);
  return source;
}

struct source *sources_load(struct sources *sources, const char *path, const char **why) {
  errno = 0;
  FILE *file = fopen(path, "rb");
  if (!file) {
    *why = arena_printf(sources->arena, "%s", strerror(errno));
    return NULL;
  }
  char *text = NULL;
  size_t length = 0, capacity = 0;
  for (size_t got = 1; got > 0 && length < LIMIT_SOURCE_BYTES;) {
    size_t wanted = capacity ? capacity * 2 : (size_t)16 << 10;
    text = arena_grow(sources->arena, text, capacity, wanted);
    capacity = wanted;
    got = fread(text + length, 1, capacity - 1 - length, file);
    length += got;
  }
  int error = ferror(file) ? errno : 0;
  fclose(file);
  if (error) {
    *why = arena_printf(sources->arena, "%s", strerror(error));
    return NULL;
  }
  text[length] = '\0';
  struct source *source = add_source(sources, path, text, length);
  if (!source)
    *why = arena_printf(sources->arena, "the sources are larger than %u MiB",
                        LIMIT_SOURCE_BYTES >> 20);
  return source;
}

struct source *sources_add_text(struct sources *sources, const char *path, const char *text,
                                size_t length) {
  return add_source(sources, path, arena_strndup(sources->arena, text, length), length);
}

const struct source *sources_at(const struct sources *sources, uint32_t offset) {
  size_t low = 0, high = sources->list.count - 1;
  while (low < high) {
    size_t middle = (low + high + 1) / 2;
    if (sources->list.data[middle]->start <= offset) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return sources->list.data[low];
}

static uint32_t line_of(const struct source *source, uint32_t index) {
  uint32_t low = 0, high = source->line_count - 1;
  while (low < high) {
    uint32_t middle = (low + high + 1) / 2;
    if (source->line_starts[middle] <= index) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low + 1;
}

uint32_t sources_line(const struct sources *sources, uint32_t offset) {
  const struct source *source = sources_at(sources, offset);
  return line_of(source, offset - source->start);
}

struct place sources_place(const struct sources *sources, uint32_t offset) {
  const struct source *source = sources_at(sources, offset);
  uint32_t index = offset - source->start;
  if (index > source->length) index = source->length;
  uint32_t line = line_of(source, index);
  uint32_t column = 1, at = source->line_starts[line - 1];
  if (at == 0 && strncmp(source->text, BYTE_ORDER_MARK, 3) == 0) at = 3;
  while (at < index) {
    uint32_t code_point;
    size_t count = utf8_decode(source->text + at, source->length - at, &code_point);
    at += count ? (uint32_t)count : 1;
    if (at <= index) column++;
  }
  return (struct place){source, line, column};
}

const char *source_line(const struct source *source, uint32_t line, size_t *length) {
  const char *start = source->text + source->line_starts[line - 1];
  const char *end = line < source->line_count ? source->text + source->line_starts[line] - 1
                                              : source->text + source->length;
  if (end > start && end[-1] == '\r') end--;
  *length = (size_t)(end - start);
  return start;
}

const char *sources_text(const struct sources *sources, struct span span) {
  const struct source *source = sources_at(sources, span.offset);
  return source->text + (span.offset - source->start);
}

const char *sources_path_beside(const struct sources *sources, struct span span, const char *path) {
  const char *from = sources_at(sources, span.offset)->path, *slash = strrchr(from, '/');
  if (path[0] == '/' || !slash) return path;
  return arena_printf(sources->arena, "%.*s%s", (int)(slash + 1 - from), from, path);
}
