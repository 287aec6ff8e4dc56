#include "front/library.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

static const struct {
  const char *word;
  enum library_kind kind;
} words[] = {
    {"fn ", LIBRARY_FUNCTION},
    {"step ", LIBRARY_STEP},
    {"record ", LIBRARY_TYPE},
    {"enum ", LIBRARY_TYPE},
};

/* What the comments above a line have said. */
struct documentation {
  struct text summary, example;
};

static bool starts_with(const char *line, size_t length, const char *start) {
  return length >= strlen(start) && memcmp(line, start, strlen(start)) == 0;
}

static void read_comment(struct documentation *doc, const char *line, size_t length) {
  if (starts_with(line, length, "##  ")) {
    text_addn(&doc->example, line + 2, length - 2);
    text_addc(&doc->example, '\n');
  } else if (length > 3) {
    if (doc->summary.length > 0) text_addc(&doc->summary, ' ');
    text_addn(&doc->summary, line + 3, length - 3);
  }
}

/* How the declaration is used: up to its `=` or `{` outside of brackets. */
static size_t syntax_length(const char *line, size_t length) {
  int depth = 0;
  for (size_t i = 0; i < length; i++) {
    depth += (line[i] == '(' || line[i] == '[') - (line[i] == ')' || line[i] == ']');
    bool is_end = depth == 0 && (line[i] == '{' || line[i] == '=');
    if (is_end && line[i - 1] == ' ') return i - 1;
  }
  return length;
}

static void read_declaration(struct arena *arena, struct library_entries *list,
                             const struct library_file *file, const struct documentation *doc,
                             const char *line, size_t length) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (!starts_with(line, length, words[i].word)) continue;
    const char *name = line + strlen(words[i].word);
    length -= strlen(words[i].word);
    vec_push(arena, list,
             (struct library_entry){
                 .kind = words[i].kind,
                 .name = arena_strndup(arena, name, strspn(name, letters)),
                 .syntax = arena_strndup(arena, name, syntax_length(name, length)),
                 .summary = arena_strndup(arena, doc->summary.data, doc->summary.length),
                 .example = arena_strndup(arena, doc->example.data, doc->example.length),
                 .file = file,
             });
    return;
  }
}

struct library_entries library_entries(struct arena *arena) {
  struct library_entries list = {0};
  for (const struct library_file *file = library_files; file->path; file++) {
    struct documentation doc;
    text_init(&doc.summary, arena);
    text_init(&doc.example, arena);
    const char *end = file->text + file->length;
    for (const char *line = file->text; line < end;) {
      const char *newline = memchr(line, '\n', (size_t)(end - line));
      size_t length = (size_t)((newline ? newline : end) - line);
      if (starts_with(line, length, "##")) {
        read_comment(&doc, line, length);
      } else {
        read_declaration(arena, &list, file, &doc, line, length);
        text_clear(&doc.summary);
        text_clear(&doc.example);
      }
      line += length + 1;
    }
  }
  return list;
}
