/* The main of a program that `flowcc test` has built. */
#include "engine.h"
#include "flow/test.h"
#include "mem.h"
#include "message.h"
#include "sys_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- the program, with its sources and sinks in the test's folder */

struct redirected {
  struct flow_program program;
  struct flow_source_desc *sources;
  char **args; /* of the run; texts of our own begin at `first_text` */
  int arg_count, first_text;
};

static struct flow_str stdin_location(const struct flow_worker *w) {
  (void)w;
  return flow_str_literal("stdin");
}

/* Files are followed instead of read to their end, and stdin is a file like them: so the program
 * waits for what the test feeds next, and a restart finds what was fed before. */
static void redirect_sources(struct redirected *r, const struct flow_sys *sys) {
  struct flow_program *p = &r->program;
  r->sources = flow_sys_must_alloc(sys, (p->source_count + 1) * sizeof *r->sources);
  for (uint32_t i = 0; i < p->source_count; i++) {
    struct flow_source_desc *s = &r->sources[i];
    *s = p->sources[i];
    if (s->connector == &flow_connector_stdin) s->location = stdin_location;
    if (s->connector != &flow_connector_dir) s->connector = &flow_connector_followed;
  }
  p->sources = r->sources;
}

/* The command line of the run: the state in the test's folder, and a file there for each sink that
 * is no file. An epoch ends with what was fed, never because of the time. */
static void make_args(struct redirected *r, const struct flow_sys *sys, int argc, char **argv) {
  static char *const fixed[] = {
      "-d", SYS_TEST_FOLDER "state", "--snapshot-interval", "10000d", "--summary", "none"};
  const struct flow_program *p = &r->program;
  size_t count = sizeof fixed / sizeof fixed[0], most = (size_t)argc + count + p->sink_count + 2;
  r->args = flow_sys_must_alloc(sys, most * sizeof *r->args);
  r->args[r->arg_count++] = argv[0];
  for (size_t i = 0; i < count; i++) r->args[r->arg_count++] = fixed[i];
  for (int i = 1; i < argc; i++) r->args[r->arg_count++] = argv[i];
  r->first_text = r->arg_count;
  for (uint32_t i = 0; i < p->sink_count; i++) {
    const char *name = p->sinks[i].name;
    if (p->sinks[i].location != NULL) continue;
    size_t size = 2 * strlen(name) + 32;
    char *text = flow_sys_must_alloc(sys, size);
    snprintf(text, size, "--sink=%s=%s%s", name, SYS_TEST_FOLDER, name);
    r->args[r->arg_count++] = text;
  }
  r->args[r->arg_count] = NULL;
}

static void free_redirected(struct redirected *r, const struct flow_sys *sys) {
  for (int i = r->first_text; i < r->arg_count; i++) sys->free(sys, r->args[i]);
  sys->free(sys, r->args);
  sys->free(sys, r->sources);
}

/* -- describing */

static void add_line(struct flow_buf *out, const char *word, const char *text, size_t length) {
  flow_buf_add(out, word, strlen(word));
  flow_buf_add_char(out, ' ');
  flow_buf_add(out, text, length);
  flow_buf_add_char(out, '\n');
}

static void describe_sources(const struct flow_program *p, const struct flow_worker *w,
                             struct flow_buf *out) {
  for (uint32_t i = 0; i < p->source_count; i++) {
    struct flow_str location = p->sources[i].location(w);
    char path[SYS_TEST_PATH], placed[SYS_TEST_PATH], word[64];
    snprintf(path, sizeof path, "%.*s", (int)location.length, flow_str_data(&location));
    if (!sys_test_place(path, placed)) placed[0] = '\0'; /* the run will say so */
    snprintf(word, sizeof word, "source %u", i);
    add_line(out, word, placed, strlen(placed));
  }
}

static void describe_values(const flow_test_print *values, uint32_t count, struct flow_worker *w,
                            struct flow_buf *out) {
  struct flow_buf text = {0};
  for (uint32_t i = 0; i < count; i++) {
    text.length = 0;
    if (values[i](w, &text)) {
      add_line(out, "value", text.data, text.length);
    } else {
      const struct flow_str *reason = &w->failure.reason;
      add_line(out, "failure", flow_str_data(reason), reason->length);
    }
  }
  flow_buf_free(&text);
}

static int describe(const struct flow_program *p, const flow_test_print *values, uint32_t count,
                    const struct redirected *r, int64_t clock_us) {
  const struct flow_sys *sys = flow_sys_posix();
  struct options options;
  struct flow_report report = {0};
  struct flow_buf out = {0};
  struct flow_worker w = {.arena = flow_mem_arena_new(sys), .heap = flow_mem_heap_new(sys)};
  w.now_us = clock_us;
  void *params = flow_sys_must_alloc(sys, p->params_size + 1);
  memset(params, 0, p->params_size + 1);
  if (p->default_params != NULL) p->default_params(params);
  w.params = params;
  enum options_result result = options_parse(&options, p, params, r->arg_count, r->args, &report);
  const char *why = NULL;
  if (result == OPTIONS_RUN && p->check_params != NULL) why = p->check_params(&w, params);
  if (why != NULL) flow_report_fail(&report, FLOW_E_USAGE, "%s", why);
  bool is_good = result == OPTIONS_RUN && why == NULL;
  if (is_good) {
    describe_sources(p, &w, &out);
    describe_values(values, count, &w, &out);
  } else {
    message_report(&out, &report);
  }
  int error = flow_sys_write_all(sys, is_good ? 1 : 2, out.data, out.length);
  flow_buf_free(&out);
  options_free(&options);
  sys->free(sys, params);
  flow_mem_delete(w.heap);
  flow_mem_delete(w.arena);
  return !is_good ? FLOW_EXIT_USAGE : error < 0 ? FLOW_EXIT_IO : FLOW_EXIT_OK;
}

/* -- the two ways */

int flow_test_main(const struct flow_program *program, const flow_test_print *values,
                   uint32_t value_count, int argc, char **argv) {
  const struct flow_sys *sys = flow_sys_posix();
  const int words = 3; /* before the program's own arguments */
  if (argc <= words) return FLOW_EXIT_USAGE;
  bool is_run = strcmp(argv[1], "run") == 0;
  int64_t clock_us = strtoll(argv[2], NULL, 10);
  uint64_t kill_at = strtoull(argv[3], NULL, 10);
  struct redirected r = {.program = *program};
  redirect_sources(&r, sys);
  argv[words] = argv[0];
  make_args(&r, sys, argc - words, argv + words);
  int code;
  if (is_run) {
    struct sys_test system;
    sys_test_init(&system, clock_us, kill_at);
    code = engine_main(&system.sys, &r.program, r.arg_count, r.args);
    sys_test_free(&system);
  } else {
    code = describe(&r.program, values, value_count, &r, clock_us);
  }
  free_redirected(&r, sys);
  return code;
}
