#include "test/test.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "front/check.h"
#include "io/io.h"
#include "middle/graph.h"
#include "test/scene.h"

/* -- what the program says of itself --------------------------------------------------------- */

/* The next line, cut in two behind its first word. Null at the end. */
static char *next_line(char **at, char **word) {
  if (**at == '\0') return NULL;
  char *line = *at, *end = strchr(line, '\n');
  if (end != NULL) *end = '\0';
  *at = end != NULL ? end + 1 : line + strlen(line);
  *word = line;
  char *blank = strchr(line, ' ');
  if (blank == NULL) return line + strlen(line);
  *blank = '\0';
  return blank + 1;
}

static void load_sources(struct suite *suite, char **at) {
  vec_each(struct node *, node, &suite->compiler->graph->nodes) {
    if ((*node)->kind != NODE_SOURCE) continue;
    char *word, *rest = next_line(at, &word);
    if (rest == NULL) return;
    const char *path = rest + strcspn(rest, " ") + 1; /* behind the number */
    const struct decl *decl = (*node)->decl;
    size_t length = strlen(path);
    bool needs_slash = decl->io->connector->has_poll && length > 0 && path[length - 1] != '/';
    struct test_source source = {decl,
                                 arena_printf(suite->arena, "%s%s", path, needs_slash ? "/" : "")};
    vec_push(suite->arena, &suite->sources, source);
  }
}

/* The values of a step, in the order in which emit_test_main() has written them. */
static void load_values(struct suite *suite, struct test_line *line, char **at) {
  vec_each(struct expr *, item, &line->step->items) {
    char *word, *rest = next_line(at, &word);
    if (rest == NULL) return;
    size_t length = strlen(rest);
    if (strcmp(word, "failure") == 0) {
      line->failure = rest;
    } else if (line->step->is_mixed) {
      vec_push(suite->arena, &line->rows, (struct value){(*item)->type, rest, length});
    } else {
      value_split(suite->arena, (*item)->type, rest, length, &line->rows);
    }
  }
}

static void load_tests(struct suite *suite, char **at) {
  vec_each(struct decl *, decl, &suite->compiler->program->decls) {
    if ((*decl)->kind != DECL_TEST) continue;
    struct test_case test = {.decl = *decl};
    vec_each(struct test_step, step, &(*decl)->steps) {
      struct test_line line = {.step = step};
      load_values(suite, &line, at);
      vec_push(suite->arena, &test.lines, line);
    }
    vec_push(suite->arena, &suite->tests, test);
  }
}

/* Asks the program where its sources are and what the values of its tests are. */
static bool load(struct suite *suite) {
  struct play play;
  struct text out, told;
  text_init(&out, suite->arena);
  text_init(&told, suite->arena);
  if (!play_open(&play, &suite->house, suite->arena, suite->program, suite->options->words))
    return false;
  bool is_good = play_describe(&play, &out);
  play_read_messages(&play, &told);
  play_close(&play);
  if (!is_good) {
    fwrite(told.data, 1, told.length, stderr);
    bool is_param = strstr(told.data, "parameter") != NULL;
    if (is_param)
      fprintf(stderr, "  = help: tests get params behind `--`:  flowcc test %s -- --NAME VALUE\n",
              suite->compiler->options.input_path);
    return false;
  }
  char *at = out.data;
  load_sources(suite, &at);
  load_tests(suite, &at);
  return true;
}

/* -- reporting ------------------------------------------------------------------------------- */

struct verdict {
  const struct test_case *test;
  struct scene scene; /* the one that failed, else the first */
  bool is_passed;
  size_t crashes;
  double ms;
};

static void print_json(const struct suite *suite, const struct verdict *v) {
  struct text out;
  text_init(&out, suite->arena);
  const struct compiler *c = suite->compiler;
  const char *title = v->test->decl->name.text;
  text_add(&out, "{\"file\": ");
  text_add_quoted_json(&out, c->options.input_path, strlen(c->options.input_path));
  text_addf(&out,
            ", \"line\": %u, \"test\": ", sources_line(&c->sources, v->test->decl->span.offset));
  text_add_quoted_json(&out, title, strlen(title));
  text_addf(&out, ", \"passed\": %s, \"crashes\": %zu, \"ms\": %.1f",
            v->is_passed ? "true" : "false", v->crashes, v->ms);
  const struct diag *finding = v->scene.finding;
  if (finding != NULL) {
    text_addf(&out, ", \"code\": \"%s\", \"at\": %u, \"message\": ", diag_info(finding->code)->name,
              sources_line(&c->sources, finding->span.offset));
    text_add_quoted_json(&out, finding->message, strlen(finding->message));
    text_add(&out, ", \"detail\": ");
    text_add_quoted_json(&out, v->scene.detail.data, v->scene.detail.length);
  }
  printf("%s}\n", out.data);
}

static void print_finding(const struct suite *suite, const struct verdict *v) {
  struct text out;
  text_init(&out, suite->arena);
  if (suite->options->format == DIAG_SHORT) {
    const struct diag *diag = v->scene.finding;
    struct place place = sources_place(&suite->compiler->sources, diag->span.offset);
    text_addf(&out, "%s:%u:%u: error[%s]: %s\n", place.source->path, place.line, place.column,
              diag_info(diag->code)->name, diag->message);
  } else {
    bool is_coloured = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
    text_addc(&out, '\n');
    diag_render(v->scene.finding, is_coloured, &out);
    text_addn(&out, v->scene.detail.data, v->scene.detail.length);
    text_addc(&out, '\n');
  }
  printf("%s", out.data);
}

static void print_verdict(struct suite *suite, const struct verdict *v) {
  if (suite->options->format == DIAG_JSON) {
    print_json(suite, v);
  } else {
    if (suite->is_first) printf("%s\n", suite->compiler->options.input_path);
    printf("  %s  %s (%.0f ms", v->is_passed ? "ok  " : "FAIL", v->test->decl->name.text, v->ms);
    if (v->crashes > 0) printf(", %zu crash%s", v->crashes, v->crashes == 1 ? "" : "es");
    printf(")\n");
    if (v->scene.finding != NULL) print_finding(suite, v);
  }
  suite->is_first = false;
  fflush(stdout);
}

/* -- playing --------------------------------------------------------------------------------- */

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Says of a finding that it is there only after a crash. */
static void note_crash(struct suite *suite, struct scene *scene, uint64_t call) {
  const struct test_step *step = scene->crash_step;
  if (scene->finding == NULL || step == NULL) return;
  unsigned line = sources_line(&suite->compiler->sources, step->span.offset);
  if (scene->has_crashed) {
    diag_note(scene->finding,
              "only with a crash in the epoch of line %u (SIGKILL at system call %llu)", line,
              (unsigned long long)call);
  } else {
    diag_note(scene->finding, "only with a crash behind the epoch of line %u", line);
  }
}

/* Calls are tried one by one; where there are hundreds, some are left out. */
static uint64_t next_call(uint64_t call) {
  return call + 1 + call / 16;
}

/* Plays the test with a crash at each call of each of its `moments`, and one behind it. */
static bool play_crashes(struct suite *suite, struct verdict *v, size_t moments) {
  for (size_t moment = 1; moment <= moments; moment++) {
    bool has_crashed = true;
    for (uint64_t call = 1; has_crashed; call = next_call(call)) {
      scene_free(&v->scene);
      bool is_passed = scene_play(&v->scene, suite, v->test, moment, call);
      has_crashed = v->scene.has_crashed;
      v->crashes++;
      if (is_passed) continue;
      note_crash(suite, &v->scene, call);
      return false;
    }
  }
  return true;
}

static void play_test(struct suite *suite, const struct test_case *test,
                      struct test_totals *totals) {
  struct verdict v = {.test = test};
  double start_ms = now_ms();
  v.is_passed = scene_play(&v.scene, suite, test, 0, 0);
  if (v.is_passed && suite->options->crashes)
    v.is_passed = play_crashes(suite, &v, v.scene.moments);
  v.ms = now_ms() - start_ms;
  totals->is_interrupted = v.scene.is_interrupted;
  if (!totals->is_interrupted) {
    if (v.is_passed)
      totals->passed++;
    else
      totals->failed++;
    print_verdict(suite, &v);
  }
  scene_free(&v.scene);
}

static bool is_wanted(const struct suite *suite, const struct test_case *test) {
  const char *filter = suite->options->filter;
  return filter == NULL || strstr(test->decl->name.text, filter) != NULL;
}

bool test_play(struct compiler *compiler, const struct test_options *options,
               struct test_totals *totals) {
  struct suite suite = {
      .compiler = compiler, .arena = &compiler->arena, .options = options, .is_first = true};
  char program[PATH_MAX];
  if (realpath(compiler->options.output_path, program) == NULL) return false;
  suite.program = program;
  if (!play_house_open(&suite.house, suite.arena)) return false;
  bool is_good = load(&suite);
  for (size_t i = 0; is_good && i < suite.tests.count && !totals->is_interrupted; i++)
    if (is_wanted(&suite, &suite.tests.data[i])) play_test(&suite, &suite.tests.data[i], totals);
  play_house_close(&suite.house);
  return is_good;
}
