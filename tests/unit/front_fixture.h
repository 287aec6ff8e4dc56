/* What the tests of scanner, layout filter and parser share: a compiler, and its answers as text. */
#ifndef FRONT_FIXTURE_H
#define FRONT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "compiler.h"
#include "front/ast.h"
#include "front/layout.h"
#include "front/parse.h"
#include "front/parse.tab.h"
#include "front/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void start_compiler(struct compiler *c) {
  *c = (struct compiler){0};
  arena_init(&c->arena);
  names_init(&c->names, &c->arena);
  sources_init(&c->sources, &c->arena);
  diags_init(&c->diags, &c->arena, &c->sources);
}

static inline int set_up(void **state) {
  static struct compiler compiler;
  start_compiler(&compiler);
  *state = &compiler;
  return 0;
}

static inline int tear_down(void **state) {
  arena_free(&((struct compiler *)*state)->arena);
  return 0;
}

/* A fresh compiler in the place of the one before, for tests with several programs. */
static inline void restart(struct compiler *c) {
  arena_free(&c->arena);
  start_compiler(c);
}

static inline struct token_list scan(struct compiler *c, const char *text, size_t length) {
  c->source = sources_add_text(&c->sources, "x.flow", text, length);
  return lex_source(c, c->source);
}

/* The codes of all reports in order of reporting: "E0100 E0107", or "" where there are none. */
static inline const char *codes(struct compiler *c) {
  struct text out;
  text_init(&out, &c->arena);
  vec_each(struct diag *, diag, &c->diags.list) {
    text_addf(&out, "%s%s", out.length ? " " : "", diag_info((*diag)->code)->name);
  }
  return out.data;
}

/* What a printer writes, in the arena. */
static inline const char *listing(struct compiler *c,
                                  void (*print)(const struct compiler *, FILE *)) {
  char *bytes = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&bytes, &size);
  print(c, stream);
  fclose(stream);
  const char *copy = arena_strndup(&c->arena, bytes, size);
  free(bytes);
  return copy;
}

static inline bool parse(struct compiler *c, const char *text) {
  return parse_text(c, "x.flow", text, strlen(text));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
