/* flowcc: the order of the passes, the options, the subcommands. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "back/cache.h"
#include "back/emit.h"
#include "compiler.h"
#include "front/builtin.h"
#include "front/check.h"
#include "front/parse.h"
#include "io/io.h"
#include "middle/graph.h"
#include "middle/plan.h"
#include "ops/op.h"
#include "state/state.h"

#ifndef FLOWCC_VERSION
#define FLOWCC_VERSION "0.1.0"
#endif

enum exit_code {
  EXIT_OK = 0,
  EXIT_DIAGNOSED = 1,
  EXIT_USAGE = 64,
  EXIT_NO_INPUT = 66,
  EXIT_BUG = 70
};

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

/* The straight line. `check` ends behind the pass of that name, `emit` behind emit. */
static const struct pass passes[] = {
    {"tokens", pass_tokens, "tokens", dump_tokens_of},
    {"parse", pass_parse, "ast", dump_ast_of},
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

/* -- options --------------------------------------------------------------------------------- */

/* What the command line asks for. */
struct command {
  struct options options;
  enum diag_format format;
  const struct pass *last;   /* stop behind this pass; null: go to the end */
  const struct pass *dumped; /* write its result to stdout and stop */
  bool is_timed;
  bool wants_help, wants_version;
  bool is_run; /* flowcc run: the program is kept in the cache, and run */
};

enum option_id {
  OPTION_OUTPUT = 'o',
  OPTION_DEBUG = 'g',
  OPTION_OPTIMISE = 'O',
  OPTION_HELP = 'h',
  OPTION_VERSION = 'V',
  OPTION_DUMP = 256,
  OPTION_STOP_AFTER,
  OPTION_DISABLE,
  OPTION_TIME_PASSES,
  OPTION_CC,
  OPTION_TARGET_CPU,
  OPTION_FORMAT,
  OPTION_DENY_WARNINGS,
};

struct option_row {
  enum option_id id;    /* a letter where there is a short form */
  const char *name;     /* long form, or null */
  const char *argument; /* null: none */
  const char *help;
};

/* The one list of options: getopt_long and --help are made from it. */
static const struct option_row option_rows[] = {
    {OPTION_OUTPUT, "output", "BIN", "name of the program (default: FILE without .flow)"},
    {OPTION_DEBUG, "debug", NULL, "keep the generated C, debug by lines of the .flow file"},
    {OPTION_OPTIMISE, "optimise", "0|1|2|3", "how hard the C compiler tries (default: 2)"},
    {OPTION_TARGET_CPU, "target-cpu", "CPU", "native, x86-64-v2, -v3 or -v4 (default: any of its kind)"},
    {OPTION_CC, "cc", "COMMAND", "C compiler (default: $CC, else cc)"},
    {OPTION_FORMAT, "message-format", "human|json|short", "how messages are written"},
    {OPTION_DENY_WARNINGS, "deny-warnings", NULL, "a warning makes the compilation fail"},
    {OPTION_DUMP, "dump", "WHAT", "print tokens, ast, typed, graph, plan or c, and stop"},
    {OPTION_STOP_AFTER, "stop-after", "PASS", "stop behind a pass"},
    {OPTION_DISABLE, "disable", "fuse", "keep every stage a function of its own"},
    {OPTION_TIME_PASSES, "time-passes", NULL, "print how long each pass takes"},
    {OPTION_HELP, "help", NULL, "print this"},
    {OPTION_VERSION, "version", NULL, "print the version"},
};

#define OPTION_COUNT (sizeof option_rows / sizeof option_rows[0])

static void print_usage(FILE *stream) {
  fprintf(stream, "Usage: flowcc FILE [-o BIN]     compile a flow to a program\n"
                  "       flowcc run FILE [ARG …]  compile it if it has changed, and run it with ARG …\n"
                  "       flowcc check FILE        report errors, write nothing\n"
                  "       flowcc emit FILE         print the generated C\n"
                  "       flowcc explain CODE      what a message such as E0301 means\n"
                  "       flowcc state COMMAND DIR look at the saved state of a flow\n"
                  "       flowcc help [op NAME]    stages, functions, connectors; one of them\n"
                  "\n"
                  "Options:\n");
  for (size_t i = 0; i < OPTION_COUNT; i++) {
    const struct option_row *row = &option_rows[i];
    char text[64];
    int length = row->id < 256 ? snprintf(text, sizeof text, "-%c, ", (int)row->id)
                               : snprintf(text, sizeof text, "    ");
    snprintf(text + length, sizeof text - (size_t)length, "--%s%s%s", row->name,
             row->argument ? " " : "", row->argument ? row->argument : "");
    fprintf(stream, "  %-36s %s\n", text, row->help);
  }
  fprintf(stream, "\nPasses:");
  for (size_t i = 0; i < PASS_COUNT; i++) fprintf(stream, " %s", passes[i].name);
  fprintf(stream, "\nExit codes: 0 done, 1 errors in the flow, 64 usage, 66 no such file, 70 the C "
                  "compiler or flowcc failed\n");
}

static bool report_usage(const char *what, const char *value) {
  fprintf(stderr, "flowcc: %s `%s`; see flowcc --help\n", what, value);
  return false;
}

static bool set_format(struct command *command, const char *value) {
  if (strcmp(value, "human") == 0) {
    command->format = DIAG_HUMAN;
  } else if (strcmp(value, "json") == 0) {
    command->format = DIAG_JSON;
  } else if (strcmp(value, "short") == 0) {
    command->format = DIAG_SHORT;
  } else {
    return report_usage("no such message format", value);
  }
  return true;
}

static bool set_optimise(struct command *command, const char *value) {
  static const char *const levels[] = {"-O0", "-O1", "-O2", "-O3"};
  for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
    if (strcmp(value, levels[i] + 2) != 0) continue;
    command->options.optimise = levels[i];
    return true;
  }
  return report_usage("no such level of optimisation", value);
}

static bool set_target_cpu(struct command *command, const char *value) {
  static const char *const flags[] = {"-march=native", "-march=x86-64-v2", "-march=x86-64-v3",
                                      "-march=x86-64-v4"};
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
    if (strcmp(value, flags[i] + strlen("-march=")) != 0) continue;
    command->options.target_cpu = flags[i];
    return true;
  }
  return report_usage("no such target", value);
}

static bool set_option(struct command *command, int id, const char *value) {
  switch (id) {
  case OPTION_OUTPUT: command->options.output_path = value; return true;
  case OPTION_DEBUG: command->options.is_debug = true; return true;
  case OPTION_OPTIMISE: return set_optimise(command, value);
  case OPTION_TARGET_CPU: return set_target_cpu(command, value);
  case OPTION_CC: command->options.cc = value; return true;
  case OPTION_FORMAT: return set_format(command, value);
  case OPTION_DENY_WARNINGS: command->options.is_warning_error = true; return true;
  case OPTION_DUMP:
    command->dumped = find_pass(value, true);
    return command->dumped || report_usage("nothing to dump is called", value);
  case OPTION_STOP_AFTER:
    command->last = find_pass(value, false);
    return command->last || report_usage("no pass is called", value);
  case OPTION_DISABLE:
    if (strcmp(value, "fuse") != 0) return report_usage("nothing to disable is called", value);
    command->options.is_fuse_disabled = true;
    return true;
  case OPTION_TIME_PASSES: command->is_timed = true; return true;
  case OPTION_HELP: command->wants_help = true; return true;
  case OPTION_VERSION: command->wants_version = true; return true;
  default: return false; /* getopt_long has said what is wrong */
  }
}

/* Reads the options; the other words are left behind optind. False: a usage error was reported. For
 * `flowcc run`, what follows the first other word is not ours. */
static bool read_options(struct command *command, int argc, char **argv) {
  struct option long_options[OPTION_COUNT + 1] = {{0}};
  char letters[2 * OPTION_COUNT + 2];
  size_t length = 0;
  if (command->is_run) letters[length++] = '+';
  for (size_t i = 0; i < OPTION_COUNT; i++) {
    const struct option_row *row = &option_rows[i];
    long_options[i] = (struct option){.name = row->name,
                                      .has_arg = row->argument ? required_argument : no_argument,
                                      .val = (int)row->id};
    if (row->id >= 256) continue;
    letters[length++] = (char)row->id;
    if (row->argument) letters[length++] = ':';
  }
  letters[length] = '\0';
  for (;;) {
    int id = getopt_long(argc, argv, letters, long_options, NULL);
    if (id < 0) return true;
    if (!set_option(command, id, optarg)) return false;
  }
}

/* -- compiling ------------------------------------------------------------------------------- */

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* Runs the passes up to the last one that is wanted; false if one has failed. */
static bool run_passes(struct compiler *compiler, const struct command *command) {
  for (size_t i = 0; i < PASS_COUNT; i++) {
    const struct pass *pass = &passes[i];
    double start = now_ms();
    bool is_good = pass->run(compiler);
    if (command->is_timed) fprintf(stderr, "%-8s %8.3f ms\n", pass->name, now_ms() - start);
    if (!is_good) return false;
    if (pass == command->dumped) {
      pass->dump(compiler, stdout);
      return true;
    }
    if (pass == command->last) return true;
  }
  return true;
}

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

static int load_and_run(struct compiler *compiler, const struct command *command) {
  const char *why;
  compiler->source = sources_load(&compiler->sources, compiler->options.input_path, &why);
  if (!compiler->source) {
    fprintf(stderr, "flowcc: %s: %s\n", compiler->options.input_path, why);
    return EXIT_NO_INPUT;
  }
  bool is_good = run_passes(compiler, command);
  diags_print(&compiler->diags, stderr, command->format);
  if (diags_has_errors(&compiler->diags)) return EXIT_DIAGNOSED;
  if (!is_good) return EXIT_BUG;
  bool is_warned = compiler->diags.list.count > 0;
  if (fflush(stdout) != 0 || ferror(stdout)) {
    fprintf(stderr, "flowcc: cannot write to stdout: %s\n", strerror(errno));
    return EXIT_BUG;
  }
  return is_warned && compiler->options.is_warning_error ? EXIT_DIAGNOSED : EXIT_OK;
}

static void begin(struct compiler *compiler, const struct command *command, const char *path) {
  *compiler = (struct compiler){.options = command->options};
  compiler->options.input_path = path;
  arena_init(&compiler->arena);
  names_init(&compiler->names, &compiler->arena);
  sources_init(&compiler->sources, &compiler->arena);
  diags_init(&compiler->diags, &compiler->arena, &compiler->sources);
  text_init(&compiler->c_text, &compiler->arena);
}

static int compile(const struct command *command, const char *path) {
  struct compiler compiler;
  begin(&compiler, command, path);
  bool is_built = !command->last && !command->dumped;
  int code = is_built && !set_output(&compiler) ? EXIT_USAGE : load_and_run(&compiler, command);
  arena_free(&compiler.arena);
  return code;
}

/* Runs the program of the flow words[0], with these words as its own. Comes back only if that fails. */
static int compile_and_run(struct command *command, char **words) {
  struct compiler compiler;
  begin(&compiler, command, words[0]);
  command->last = find_pass("emit", false);
  bool is_there = false;
  int code = load_and_run(&compiler, command);
  if (code == EXIT_OK) {
    bool is_good = cache_locate(&compiler, &is_there) && (is_there || pass_build(&compiler));
    if (is_good) {
      const char *program = compiler.options.output_path;
      execv(program, words);
      fprintf(stderr, "flowcc: cannot run %s: %s\n", program, strerror(errno));
    }
    code = EXIT_BUG;
  }
  arena_free(&compiler.arena);
  return code;
}

/* -- help ------------------------------------------------------------------------------------ */

static int explain(const char *name) {
  enum diag_code code = diag_code_from_name(name);
  if (code == DIAG_CODE_COUNT) {
    fprintf(stderr, "flowcc: there is no message `%s`; codes look like E0301\n", name);
    return EXIT_USAGE;
  }
  const struct diag_info *info = diag_info(code);
  printf("%s: %s\n\n%s", info->name, info->title, info->explanation);
  return EXIT_OK;
}

static void list_topics(void) {
  size_t count;
  printf("\nStages, behind |> :\n");
  const struct op *const *ops = op_all(&count);
  for (size_t i = 0; i < count; i++) printf("  %-14s %s\n", ops[i]->name, ops[i]->summary);
  printf("\nConnectors:\n");
  const struct connector *const *connectors = connector_all(&count);
  for (size_t i = 0; i < count; i++)
    printf("  %-40s %s\n", connectors[i]->syntax, connectors[i]->summary);
  printf("\nFormats:\n");
  const struct format *const *formats = format_all(&count);
  for (size_t i = 0; i < count; i++)
    printf("  %-40s %s\n", formats[i]->syntax, formats[i]->summary);
  printf("\nFunctions, f(x, y) or x.f(y):\n");
  const struct builtin *builtins = builtin_all(&count);
  for (size_t i = 0; i < count; i++)
    printf("  %-34s %s\n", builtins[i].syntax, builtins[i].doc);
}

static int help_stage(const char *name) {
  const struct op *op = op_find(strcmp(name, "key by") == 0 ? "key" : name);
  if (!op) {
    fprintf(stderr, "flowcc: there is no stage `%s`; flowcc help lists them\n", name);
    return EXIT_USAGE;
  }
  printf("|> %s\n\n%s\n\n%s", op->syntax, op->summary, op->example);
  return EXIT_OK;
}

static int help(int argc, char **argv) {
  if (argc == 0) {
    print_usage(stdout);
    list_topics();
    return EXIT_OK;
  }
  if (strcmp(argv[0], "state") == 0 && argc == 1) {
    state_help();
    return EXIT_OK;
  }
  if (strcmp(argv[0], "op") == 0 && argc == 2) return help_stage(argv[1]);
  const struct builtin *builtin = builtin_find(argv[0]);
  if (argc == 1 && builtin) {
    printf("%s: %s\n", builtin->syntax, builtin->doc);
    if (builtin->can_fail) printf("It can fail: write  … ?? default, or an `else` at the stage.\n");
    if (builtin->can_fault) printf("It can fault: an `else` at the stage keeps the run going.\n");
    printf("\n  %s\n", builtin->example);
    return EXIT_OK;
  }
  if (argc == 1) return help_stage(argv[0]);
  fprintf(stderr, "flowcc: write `flowcc help` or `flowcc help op NAME`\n");
  return EXIT_USAGE;
}

/* -- subcommands ----------------------------------------------------------------------------- */

static int usage_error(const char *why) {
  fprintf(stderr, "flowcc: %s\n", why);
  print_usage(stderr);
  return EXIT_USAGE;
}

static int run_command(struct command *command, int argc, char **argv) {
  if (command->wants_help) {
    print_usage(stdout);
    return EXIT_OK;
  }
  if (command->wants_version) {
    printf("flowcc %s\n", FLOWCC_VERSION);
    return EXIT_OK;
  }
  if (argc == 0) return usage_error("no file is given");
  if (command->is_run) return compile_and_run(command, argv);
  const char *word = argv[0];
  if (strcmp(word, "help") == 0) return help(argc - 1, argv + 1);
  if (strcmp(word, "explain") == 0)
    return argc == 2 ? explain(argv[1]) : usage_error("write `flowcc explain CODE`");
  bool is_check = strcmp(word, "check") == 0, is_emit = strcmp(word, "emit") == 0;
  if (is_check && !command->last) command->last = find_pass("check", false);
  if (is_emit) command->dumped = find_pass("c", true);
  if (is_check || is_emit) argc--, argv++;
  if (argc == 0) return usage_error("no file is given");
  if (argc > 1) return usage_error("one file is compiled at a time");
  return compile(command, argv[0]);
}

int main(int argc, char **argv) {
  struct command command = {0};
  /* Its options are its own, and come behind its words. */
  if (argc > 1 && strcmp(argv[1], "state") == 0) return state_main(argc - 2, argv + 2);
  command.is_run = argc > 1 && strcmp(argv[1], "run") == 0;
  if (command.is_run) argc--, argv++; /* getopt takes the word for the name of the program */
  if (!read_options(&command, argc, argv)) return EXIT_USAGE;
  return run_command(&command, argc - optind, argv + optind);
}
