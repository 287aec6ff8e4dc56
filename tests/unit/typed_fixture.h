/* What the tests behind the parser share: programs that are checked, and what to find in them. */
#ifndef TYPED_FIXTURE_H
#define TYPED_FIXTURE_H

#include "front_fixture.h"

#include "front/check.h"
#include "front/type.h"

/* A fresh compiler that has parsed and checked the text; false if that gave errors. */
static inline bool check(struct compiler *c, const char *text) {
  restart(c);
  return parse(c, text) && pass_resolve(c) && pass_check(c);
}

/* Checks text that must be right. */
static inline void check_right(struct compiler *c, const char *text) {
  bool is_right = check(c, text);
  assert_string_equal(codes(c), "");
  assert_true(is_right);
}

/* The declaration of that name. */
static inline struct decl *decl_of(const struct compiler *c, const char *name) {
  vec_each(struct decl *, it, &c->program->decls) {
    if ((*it)->name.text != NULL && strcmp((*it)->name.text, name) == 0) return *it;
  }
  fail_msg("no declaration %s", name);
  return NULL;
}

/* The stage at `index` of the last pipeline. */
static inline struct stage *stage_of(const struct compiler *c, size_t index) {
  const struct decl *last = vec_last(&c->program->decls);
  assert_true(index < last->stages.count);
  return last->stages.data[index];
}

#endif
