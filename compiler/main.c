/* flowcc: the order of the passes, and the subcommands. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "back/cache.h"
#include "back/emit.h"
#include "back/extern.h"
#include "base/edit.h"
#include "command.h"
#include "front/check.h"
#include "front/import.h"
#include "front/parse.h"
#include "front/partial.h"
#include "middle/graph.h"
#include "middle/plan.h"
#include "state/state.h"
#include "tools/drawing.h"
#include "test/test.h"
#include "tools/against.h"
#include "tools/growth.h"
#include "tools/guarantee.h"
#include "tools/help.h"
#include "tools/tools.h"

/* -- the passes ------------------------------------------------------------------------------ */

static void dump_tokens_of(struct compiler *compiler, FILE *stream) {
  dump_tokens(compiler, stream);
}

static void dump_ast_of(struct compiler *compiler, FILE *stream) {
  dump_ast(compiler, stream);
}

struct pass {
  const char *name;
  pass_fn *run;
  const char *dump_name; /* of --dump=…, or null */
  void (*dump)(struct compiler *, FILE *);
};

/* The straight line. */
static const struct pass passes[] = {
    {"tokens", pass_tokens, "tokens", dump_tokens_of},
    {"parse", pass_parse, "ast", dump_ast_of},
    {"import", pass_import, NULL, NULL},
    {"resolve", pass_resolve, NULL, NULL},
    {"check", pass_check, "typed", dump_ast_of},
    {"lower", pass_lower, "graph", dump_graph},
    {"fuse", pass_fuse, "plan", dump_plan},
    {"emit", pass_emit, "c", dump_c},
    {"build", pass_build, NULL, NULL},
};

#define PASS_COUNT (sizeof passes / sizeof passes[0])

static const struct pass *find_pass(const char *name, bool is_dump) {
  for (size_t i = 0; i < PASS_COUNT; i++) {
    const char *candidate = is_dump ? passes[i].dump_name : passes[i].name;
    if (candidate && strcmp(candidate, name) == 0) return &passes[i];
  }
  return NULL;
}

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* Runs the passes up to the last one that is wanted (null: all); false if one has failed. */
static bool run_passes(struct compiler *compiler, const struct pass *last, bool is_timed) {
  double front_ms = 0;
  for (size_t i = 0; i < PASS_COUNT; i++) {
    double start = now_ms();
    bool is_good = passes[i].run(compiler);
    if (!is_good && passes[i].run == pass_parse) check_partial(compiler);
    double pass_ms = now_ms() - start;
    bool is_last = &passes[i] == last || i + 1 == PASS_COUNT || !is_good;
    if (is_timed) fprintf(stderr, "%-8s %9.3f ms\n", passes[i].name, pass_ms);
    if (passes[i].run != pass_build) front_ms += pass_ms;
    if (is_timed && is_last) fprintf(stderr, "%-8s %9.3f ms without the C compiler\n", "all", front_ms);
    if (is_last) return is_good;
  }
  return true;
}

/* -- compiling ------------------------------------------------------------------------------- */

static bool set_output(struct compiler *compiler) {
  struct options *options = &compiler->options;
  if (!options->output_path) {
    const char *slash = strrchr(options->input_path, '/');
    const char *name = slash ? slash + 1 : options->input_path;
    size_t length = strlen(name);
    if (length > 5 && strcmp(name + length - 5, ".flow") == 0) {
      length -= 5;
    } else {
      fprintf(stderr, "flowcc: `%s` does not end with .flow: name the program with -o BIN\n", name);
      return false;
    }
    options->output_path = arena_strndup(&compiler->arena, name, length);
  }
  if (strcmp(options->output_path, options->input_path) != 0) return true;
  fprintf(stderr, "flowcc: `%s` would be overwritten by the program\n", options->input_path);
  return false;
}

/* What is made of the flow behind the last pass; or null: nothing. */
typedef void use_fn(struct compiler *, FILE *);

/* Loads the flow, runs the passes up to `last` (null: all) and prints what they report. Returns the
 * exit code. */
static int load_and_run(struct compiler *compiler, const struct command *command,
                        const struct pass *last, use_fn *use) {
  const char *why;
  compiler->source = sources_load(&compiler->sources, compiler->options.input_path, &why);
  if (!compiler->source) {
    fprintf(stderr, "flowcc: %s: %s\n", compiler->options.input_path, why);
    return EXIT_NO_INPUT;
  }
  bool is_good = run_passes(compiler, last, command->is_timed);
  if (is_good && use) use(compiler, stdout);
  diags_print(&compiler->diags, stderr, command->format);
  if (diags_has_errors(&compiler->diags)) return EXIT_DIAGNOSED;
  if (!is_good) return EXIT_BUG;
  bool is_warned = compiler->diags.list.count > 0;
  return is_warned && compiler->options.is_warning_error ? EXIT_DIAGNOSED : EXIT_OK;
}

static bool has_one_file(const struct command *command) {
  const char *name = command->subcommand->name;
  if (command->word_count == 1) return true;
  if (command->word_count == 0) {
    command_usage_error(name, "no file is given; see flowcc --help");
  } else {
    command_usage_error(name, "one file is compiled at a time, and `%s` is a second one",
                        command->words[1]);
  }
  return false;
}

/* Runs the passes up to the one of that name over the one file that is named. */
static int compile_to(struct command *command, const char *last_name, use_fn *use) {
  if (!has_one_file(command)) return EXIT_USAGE;
  struct compiler compiler;
  compiler_begin(&compiler, &command->options, command->words[0]);
  int code = load_and_run(&compiler, command, find_pass(last_name, false), use);
  arena_free(&compiler.arena);
  return command_finish(code);
}

/* -- subcommands ----------------------------------------------------------------------------- */

static int dump(struct command *command) {
  const struct pass *pass = find_pass(command->dumped, true);
  if (pass) return compile_to(command, pass->name, pass->dump);
  return command_usage_error(NULL, "nothing to dump is called `%s`; see flowcc --help",
                             command->dumped);
}

static int compile(struct command *command) {
  if (command->wants_version) {
    printf("flowcc %s\n", FLOWCC_VERSION);
    return EXIT_OK;
  }
  if (command->dumped) return dump(command);
  if (command->last && !find_pass(command->last, false))
    return command_usage_error(NULL, "no pass is called `%s`; see flowcc --help", command->last);
  if (command->last) return compile_to(command, command->last, NULL);
  if (!has_one_file(command)) return EXIT_USAGE;
  struct compiler compiler;
  compiler_begin(&compiler, &command->options, command->words[0]);
  int code = set_output(&compiler) ? load_and_run(&compiler, command, NULL, NULL) : EXIT_USAGE;
  arena_free(&compiler.arena);
  return code;
}

/* Comes back only if the program cannot be run. */
static int run(struct command *command) {
  if (command->word_count == 0) return has_one_file(command) ? EXIT_OK : EXIT_USAGE;
  struct compiler compiler;
  compiler_begin(&compiler, &command->options, command->words[0]);
  bool is_there = false;
  int code = load_and_run(&compiler, command, find_pass("emit", false), NULL);
  if (code == EXIT_OK) {
    bool is_good = cache_locate(&compiler, &is_there) && (is_there || pass_build(&compiler));
    if (is_good) {
      const char *program = compiler.options.output_path;
      bool has_dashes = command->word_count > 1 && strcmp(command->words[1], "--") == 0;
      if (has_dashes) command->words[1] = command->words[0]; /* `run FILE -- ARG …` is the same */
      execv(program, command->words + has_dashes);
      fprintf(stderr, "flowcc: cannot run %s: %s\n", program, strerror(errno));
    }
    code = EXIT_BUG;
  }
  arena_free(&compiler.arena);
  return code;
}

/* Compiles the flow with its tests, into the cache, and plays them. Returns the exit code. */
static int test_file(struct command *command, const char *path, struct test_totals *totals) {
  struct compiler compiler;
  compiler_begin(&compiler, &command->options, path);
  compiler.options.is_test = true;
  /* Compiling is most of the time that a test takes; the runtime is the optimised one. */
  if (!compiler.options.optimise) compiler.options.optimise = "-O0";
  bool is_there = false;
  int code = load_and_run(&compiler, command, find_pass("emit", false), NULL);
  const struct test_options options = {command->filter, command->crashes, command->format,
                                       command->arguments};
  if (code == EXIT_OK) {
    bool is_built = cache_locate(&compiler, &is_there) && (is_there || pass_build(&compiler));
    if (!is_built) code = EXIT_BUG;
    else if (!test_play(&compiler, &options, totals)) code = EXIT_USAGE;
  }
  arena_free(&compiler.arena);
  return code;
}

/* The worst exit code of all files; a test that failed counts as a mistake, and so does no test at all. */
static int test(struct command *command) {
  if (command->word_count == 0) return command_usage_error("test", "no file is given");
  struct test_totals totals = {0};
  int worst = EXIT_OK;
  double start_ms = now_ms();
  for (int i = 0; i < command->word_count && !totals.is_interrupted; i++) {
    int code = test_file(command, command->words[i], &totals);
    if (code > worst) worst = code;
  }
  size_t count = totals.passed + totals.failed;
  if (command->format == DIAG_HUMAN && count > 0)
    printf("%zu passed, %zu failed (%.1f s)\n", totals.passed, totals.failed, (now_ms() - start_ms) / 1e3);
  if (worst == EXIT_OK && count == 0 && command->filter)
    fprintf(stderr, "flowcc test: no test has `%s` in its name\n", command->filter);
  else if (worst == EXIT_OK && count == 0)
    fprintf(stderr, "flowcc test: there is no `test` block in %s\n",
            command->word_count == 1 ? command->words[0] : "these files");
  return command_finish(worst == EXIT_OK && (count == 0 || totals.failed > 0) ? EXIT_DIAGNOSED : worst);
}

static void print_check(struct compiler *compiler, FILE *out) {
  guarantee_print(compiler, out);
  growth_print(compiler, out);
}

static void print_check_json(struct compiler *compiler, FILE *out) {
  guarantee_print_json(compiler, out);
  growth_print_json(compiler, out);
}

static int check(struct command *command) {
  if (!has_one_file(command)) return EXIT_USAGE;
  if (command->drop_count > 0 && !command->state_dir)
    return command_usage_error("check", "--accept-drop needs --against DB");
  struct compiler compiler;
  bool is_json = command->format == DIAG_JSON;
  compiler_begin(&compiler, &command->options, command->words[0]);
  int code = load_and_run(&compiler, command, find_pass("fuse", false),
                          is_json ? print_check_json : print_check);
  if (code == EXIT_OK && command->state_dir) {
    const struct against_options options = {command->state_dir, command->drops, command->drop_count,
                                            is_json};
    code = against_print(&compiler, &options);
  }
  arena_free(&compiler.arena);
  return command_finish(code);
}

static int emit(struct command *command) {
  if (command->is_header) return compile_to(command, "check", dump_header);
  return compile_to(command, "emit", dump_c);
}

static int graph(struct command *command) {
  static const struct {
    const char *name;
    use_fn *draw;
  } formats[] = {
      {"text", graph_text}, {"dot", graph_dot}, {"mermaid", graph_mermaid}, {"svg", graph_svg}};
  const char *name = command->graph_format ? command->graph_format : formats[0].name;
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (strcmp(formats[i].name, name) == 0) return compile_to(command, "fuse", formats[i].draw);
  return command_usage_error("graph", "there is no format `%s`; text, dot, mermaid and svg are",
                             name);
}

static int help(int argc, char **argv);

static const struct subcommand subcommands[] = {
    {.words = "FILE [-o BIN]", .summary = "compile a flow to a program", .details = "",
     .options = OPTIONS_MESSAGES | OPTIONS_PASSES | OPTIONS_BUILD | OPTIONS_OUTPUT, .run = compile},
    {.name = "init", .words = "[TEMPLATE [DIR]]", .summary = "write a small flow with input, to begin with",
     .main = init_main},
    {.name = "run", .words = "FILE [ARG ...]", .summary = "compile it if it has changed, and run it",
     .details = "What stands behind FILE belongs to the program, with or without `--`: flowcc run x.flow --help\n",
     .options = OPTIONS_MESSAGES | OPTIONS_PASSES | OPTIONS_BUILD, .keeps_words = true, .run = run},
    {.name = "check", .words = "FILE [--against DB]", .summary = "report mistakes; what a crash may cost",
     .details = "For each way from a source to a sink: whether a record comes out exactly once, at least once\n"
                "or at most once if a run crashes, and why. For each state: what bounds its memory. --against says\n"
                "what becomes of saved state; nothing is changed.\n",
     .options = OPTIONS_MESSAGES | OPTIONS_PASSES | OPTIONS_AGAINST, .run = check},
    {.name = "test", .words = "FILE ... [-- ARG ...]", .summary = "run the test blocks of flows",
     .details = "Each test plays in a folder and at a time of its own, with real commits and kills; ARG ... are\n"
                "params of the flow. docs/testing.md says what tests can do.\n",
     .options = OPTIONS_MESSAGES | OPTIONS_PASSES | OPTIONS_BUILD | OPTIONS_TEST, .has_arguments = true,
     .run = test},
    {.name = "fmt", .words = "[--check] FILE ...", .summary = "lay flows out in the one way", .main = fmt_main},
    {.name = "graph", .words = "FILE [--format=F]", .summary = "draw streams, stages, state",
     .details = "Text is a tree of the way of a row. A number in front is the stage: what is fused into one loop has\n"
                "the same. `==` marks an exchange, where rows go to the worker of their key.\n",
     .options = OPTIONS_MESSAGES | OPTIONS_PASSES | OPTIONS_GRAPH, .run = graph},
    {.name = "emit", .words = "FILE", .summary = "print the generated C", .details = "",
     .options = OPTIONS_MESSAGES | OPTIONS_PASSES | OPTIONS_EMIT, .run = emit},
    {.name = "state", .words = "COMMAND DIR ...", .summary = "look at the saved state of a flow", .main = state_main},
    {.name = "explain", .words = "CODE", .summary = "what a message such as E0301 means", .main = explain_main},
    {.name = "help", .words = "[TOPIC]", .summary = "stages, functions, connectors; one of them", .main = help},
    {0},
};

static int help(int argc, char **argv) {
  return help_main(subcommands, argc, argv);
}

/* What commands of other tools are called here. */
static const char *foreign_subcommand(const char *word) {
  static const struct {
    const char *word, *ours;
  } rows[] = {
      {"compile", "flowcc FILE"}, {"build", "flowcc FILE"},     {"version", "flowcc --version"},
      {"format", "flowcc fmt"},   {"lint", "flowcc check"},     {"plan", "flowcc graph"},
      {"draw", "flowcc graph"},   {"new", "flowcc init"},       {"create", "flowcc init"},
      {"start", "flowcc run"},    {"exec", "flowcc run"},       {"doc", "flowcc help"},
      {"docs", "flowcc help"},    {"list", "flowcc help list"}, {"man", "flowcc help"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].word, word) == 0) return rows[i].ours;
  return NULL;
}

/* A first word that is no subcommand and no file. Returns the exit code; EXIT_OK: it is neither. */
static int report_word(const char *word) {
  const char *names[sizeof subcommands / sizeof *subcommands] = {NULL};
  for (size_t i = 0; subcommands[i].summary; i++) names[i] = subcommands[i].name;
  if (word[0] == '-' || strpbrk(word, "./") || access(word, F_OK) == 0) return EXIT_OK;
  const char *ours = foreign_subcommand(word);
  if (ours) return command_usage_error(NULL, "there is no command `%s`; write `%s`", word, ours);
  const char *closest = closest_name(word, names, sizeof names / sizeof *names);
  if (closest)
    return command_usage_error(NULL, "there is no command `%s`; did you mean `%s`?", word, closest);
  return command_usage_error(NULL, "there is no command and no file `%s`; see flowcc --help", word);
}

int main(int argc, char **argv) {
  struct command command = {.subcommand = subcommands};
  if (argc > 1) {
    const struct subcommand *subcommand = command_find(subcommands, argv[1]);
    if (subcommand && subcommand->main) return subcommand->main(argc - 2, argv + 2);
    int code = subcommand ? EXIT_OK : report_word(argv[1]);
    if (code != EXIT_OK) return code;
    if (subcommand) {
      command.subcommand = subcommand;
      argc--, argv++; /* getopt takes the word for the name of the program */
    }
  }
  if (!command_read(&command, argc, argv)) return EXIT_USAGE;
  if (command.wants_help && !command.subcommand->name) return help(0, NULL);
  if (command.wants_help) {
    command_print_usage(command.subcommand, stdout);
    return EXIT_OK;
  }
  return command.subcommand->run(&command);
}
