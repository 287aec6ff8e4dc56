/* One playing of one test: from an empty folder through all steps, perhaps with a crash on the way. */
#ifndef FLOWCC_TEST_SCENE_H
#define FLOWCC_TEST_SCENE_H

#include "base/map.h"
#include "test/diff.h"
#include "test/play.h"
#include "test/test.h"
#include "test/value.h"

#include "front/ast.h"

/* A step with the values that the program has computed for it. */
struct test_line {
  const struct test_step *step;
  struct value_list rows;
  const char *failure; /* why they cannot be computed, or null */
};
VEC_OF(test_lines, struct test_line);

struct test_case {
  const struct decl *decl;
  struct test_lines lines;
};
VEC_OF(test_cases, struct test_case);

/* Where a source reads, in the folder of a play. */
struct test_source {
  const struct decl *decl;
  const char *path; /* of a directory: ends with a slash */
};
VEC_OF(test_sources, struct test_source);

/* What all tests of a program share. */
struct suite {
  struct compiler *compiler;
  struct arena *arena;
  const struct test_options *options;
  struct play_house house;
  const char *program;
  struct test_sources sources;
  struct test_cases tests;
  bool is_first; /* no verdict was printed yet */
};

/* What was fed to a source so far. */
struct fed {
  size_t bytes;
  unsigned feeds;
  const char **columns; /* of a header that the test has fed as text; null: none */
  size_t column_count;
};

struct scene {
  struct arena arena; /* of everything below */
  struct suite *suite;
  const struct test_case *test;
  /* When the program is killed: the step, counted from 1 among those that let it work, and the number
   * of its call there; 0: never. */
  size_t crash_moment;
  uint64_t crash_call;

  /* What came of it. */
  struct play play;
  size_t moments;      /* of the steps so far */
  bool has_crashed;    /* at that call; if not, the step has fewer, and it was killed behind them */
  bool is_interrupted; /* flowcc should end */
  const struct test_step *crash_step; /* that was the moment of the crash */
  const struct test_step *end_step;   /* an end that nobody has expected yet, or null */
  struct fed *fed; /* one per source; of several that read one file, the first one's counts */
  struct map read; /* name of a stream → bytes of its sink that were compared, a size_t */
  struct diags findings;
  struct diag *finding; /* what is wrong; null: nothing */
  struct text detail;   /* lines to show below it */
};

/* Plays the test. True if it passed; otherwise there is a finding, or it was interrupted. The scene
 * is good for reports until scene_free(). */
bool scene_play(struct scene *, struct suite *, const struct test_case *, size_t crash_moment,
                uint64_t crash_call);
void scene_free(struct scene *);

#endif
