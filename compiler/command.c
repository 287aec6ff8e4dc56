#include "command.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#include "base/edit.h"

enum option_id {
  OPTION_OUTPUT = 'o',
  OPTION_DEBUG = 'g',
  OPTION_OPTIMISE = 'O',
  OPTION_HELP = 'h',
  OPTION_VERSION = 'V',
  OPTION_FILTER = 'k',
  OPTION_DUMP = 256,
  OPTION_STOP_AFTER,
  OPTION_DISABLE,
  OPTION_TIME_PASSES,
  OPTION_CC,
  OPTION_TARGET_CPU,
  OPTION_FORMAT,
  OPTION_DENY_WARNINGS,
  OPTION_GRAPH_FORMAT,
  OPTION_AGAINST,
  OPTION_ACCEPT_DROP,
  OPTION_CRASH_AT,
  OPTION_HEADER,
};

struct option_row {
  enum option_id id;    /* a letter where there is a short form */
  const char *name;     /* long form */
  const char *argument; /* null: none */
  unsigned set;         /* of option_set; 0: every command has it */
  const char *help;
};

/* The one list of options: getopt_long and --help are made from it. */
static const struct option_row option_rows[] = {
    {OPTION_OUTPUT, "output", "BIN", OPTIONS_OUTPUT, "name of the program (default: FILE without .flow)"},
    {OPTION_DEBUG, "debug", NULL, OPTIONS_BUILD, "keep the generated C, debug by lines of the .flow file"},
    {OPTION_OPTIMISE, "optimise", "0|1|2|3", OPTIONS_BUILD, "how hard the C compiler tries (default: 2)"},
    {OPTION_TARGET_CPU, "target-cpu", "CPU", OPTIONS_BUILD,
     "native, x86-64-v2, -v3 or -v4 (default: any of its kind)"},
    {OPTION_CC, "cc", "COMMAND", OPTIONS_BUILD, "C compiler (default: $CC, else cc)"},
    {OPTION_FORMAT, "message-format", "human|json|short", OPTIONS_MESSAGES, "how messages are written"},
    {OPTION_DENY_WARNINGS, "deny-warnings", NULL, OPTIONS_MESSAGES, "a warning makes the compilation fail"},
    {OPTION_DUMP, "dump", "WHAT", OPTIONS_OUTPUT, "print tokens, ast, typed, graph, plan or c, and stop"},
    {OPTION_STOP_AFTER, "stop-after", "PASS", OPTIONS_OUTPUT,
     "stop behind tokens, parse, import, resolve, check, lower, fuse or emit"},
    {OPTION_DISABLE, "disable", "fuse", OPTIONS_PASSES, "keep every stage a function of its own"},
    {OPTION_TIME_PASSES, "time-passes", NULL, OPTIONS_PASSES, "print how long each pass takes"},
    {OPTION_HEADER, "header", NULL, OPTIONS_EMIT, "print what the C files of its `extern fn` may include"},
    {OPTION_GRAPH_FORMAT, "format", "text|dot|mermaid|svg", OPTIONS_GRAPH,
     "a tree (the default), Graphviz, Markdown, a picture"},
    {OPTION_AGAINST, "against", "DB", OPTIONS_AGAINST, "what a start with this state directory would do"},
    {OPTION_ACCEPT_DROP, "accept-drop", "ID", OPTIONS_AGAINST, "if the start had this option"},
    {OPTION_FILTER, "filter", "TEXT", OPTIONS_TEST, "only tests with TEXT in their name"},
    {OPTION_CRASH_AT, "crash-at", "every", OPTIONS_TEST, "then each again with crashes at every epoch"},
    {OPTION_HELP, "help", NULL, 0, "print this"},
    {OPTION_VERSION, "version", NULL, OPTIONS_OUTPUT, "print the version"},
};

#define OPTION_COUNT (sizeof option_rows / sizeof option_rows[0])

static bool is_taken(const struct option_row *row, unsigned sets) {
  return row->set == 0 || (row->set & sets) != 0;
}

/* -- messages -------------------------------------------------------------------------------- */

int command_usage_error(const char *name, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, name ? "flowcc %s: " : "flowcc: ", name);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  return EXIT_USAGE;
}

int command_finish(int code) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return code;
  fprintf(stderr, "flowcc: cannot write to stdout: %s\n", strerror(errno));
  return EXIT_CANNOT_WRITE;
}

static bool report(const struct command *command, const char *what, const char *value) {
  command_usage_error(command->subcommand->name, "%s `%s`; see flowcc --help", what, value);
  return false;
}

/* An option that there is not, or not here. */
static bool report_unknown(const struct command *command, const char *word) {
  const struct subcommand *subcommand = command->subcommand;
  const char *names[OPTION_COUNT] = {NULL}, *name = word + strspn(word, "-");
  char text[64];
  snprintf(text, sizeof text, "%.*s", (int)strcspn(name, "="), name);
  for (size_t i = 0; i < OPTION_COUNT; i++)
    if (is_taken(&option_rows[i], subcommand->options)) names[i] = option_rows[i].name;
  const char *closest = closest_name(text, names, OPTION_COUNT);
  const char *who = subcommand->name ? subcommand->name : "";
  if (closest) {
    command_usage_error(subcommand->name, "there is no option `%s`; did you mean `--%s`?", word,
                        closest);
  } else {
    command_usage_error(subcommand->name, "there is no option `%s`; see flowcc %s%s--help", word,
                        who, who[0] ? " " : "");
  }
  return false;
}

/* -- values ---------------------------------------------------------------------------------- */

/* The row of the value among the names, or -1. */
static int find_value(const char *value, const char *const *names, int count) {
  for (int i = 0; i < count; i++)
    if (strcmp(value, names[i]) == 0) return i;
  return -1;
}

static bool set_format(struct command *command, const char *value) {
  static const char *const names[] = {
      [DIAG_HUMAN] = "human", [DIAG_JSON] = "json", [DIAG_SHORT] = "short"};
  int format = find_value(value, names, 3);
  if (format < 0) return report(command, "no such message format", value);
  command->format = (enum diag_format)format;
  return true;
}

static bool set_optimise(struct command *command, const char *value) {
  static const char *const names[] = {"0", "1", "2", "3"};
  static const char *const flags[] = {"-O0", "-O1", "-O2", "-O3"};
  int level = find_value(value, names, 4);
  if (level < 0) return report(command, "no such level of optimisation", value);
  command->options.optimise = flags[level];
  return true;
}

static bool set_target_cpu(struct command *command, const char *value) {
  static const char *const names[] = {"native", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
  static const char *const flags[] = {"-march=native", "-march=x86-64-v2", "-march=x86-64-v3",
                                      "-march=x86-64-v4"};
  int target = find_value(value, names, 4);
  if (target < 0) return report(command, "no such target", value);
  command->options.target_cpu = flags[target];
  return true;
}

static bool set_option(struct command *command, int id, const char *value) {
  struct options *options = &command->options;
  switch (id) {
  case OPTION_OUTPUT: options->output_path = value; return true;
  case OPTION_DEBUG: options->is_debug = true; return true;
  case OPTION_OPTIMISE: return set_optimise(command, value);
  case OPTION_TARGET_CPU: return set_target_cpu(command, value);
  case OPTION_CC: options->cc = value; return true;
  case OPTION_FORMAT: return set_format(command, value);
  case OPTION_DENY_WARNINGS: options->is_warning_error = true; return true;
  case OPTION_DUMP: command->dumped = value; return true;
  case OPTION_STOP_AFTER: command->last = value; return true;
  case OPTION_DISABLE:
    if (strcmp(value, "fuse") != 0) return report(command, "nothing to disable is called", value);
    options->is_fuse_disabled = true;
    return true;
  case OPTION_GRAPH_FORMAT: command->graph_format = value; return true;
  case OPTION_AGAINST: command->state_dir = value; return true;
  case OPTION_ACCEPT_DROP:
    if (command->drop_count == COMMAND_DROPS) return report(command, "one --accept-drop too many:", value);
    command->drops[command->drop_count++] = value;
    return true;
  case OPTION_HEADER: command->is_header = true; return true;
  case OPTION_TIME_PASSES: command->is_timed = true; return true;
  case OPTION_FILTER: command->filter = value; return true;
  case OPTION_CRASH_AT:
    command->crashes = true;
    return strcmp(value, "every") == 0 || report(command, "tests crash at `every` epoch, not at", value);
  case OPTION_HELP: command->wants_help = true; return true;
  case OPTION_VERSION: command->wants_version = true; return true;
  default: return false;
  }
}

/* -- reading --------------------------------------------------------------------------------- */

/* Takes what stands behind `--` off the words. Returns how many are left. */
static int take_arguments(struct command *command, int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--") != 0) continue;
    command->arguments = argv + i + 1;
    argv[i] = NULL;
    return i;
  }
  return argc;
}

bool command_read(struct command *command, int argc, char **argv) {
  const struct subcommand *subcommand = command->subcommand;
  if (subcommand->has_arguments) argc = take_arguments(command, argc, argv);
  struct option long_options[OPTION_COUNT + 1] = {{0}};
  char letters[2 * OPTION_COUNT + 3];
  size_t length = 0, count = 0;
  if (subcommand->keeps_words) letters[length++] = '+';
  letters[length++] = ':';
  for (size_t i = 0; i < OPTION_COUNT; i++) {
    const struct option_row *row = &option_rows[i];
    if (!is_taken(row, subcommand->options)) continue;
    long_options[count++] = (struct option){.name = row->name,
                                            .has_arg = row->argument ? required_argument : no_argument,
                                            .val = (int)row->id};
    if (row->id >= 256) continue;
    letters[length++] = (char)row->id;
    if (row->argument) letters[length++] = ':';
  }
  letters[length] = '\0';
  opterr = 0;
  for (;;) {
    int at = optind;
    int id = getopt_long(argc, argv, letters, long_options, NULL);
    if (id < 0) break;
    if (id == ':') return report(command, "a value is missing behind", argv[optind - 1]);
    if (id == '?') return report_unknown(command, argv[optind > at ? optind - 1 : at]);
    if (!set_option(command, id, optarg)) return false;
  }
  command->words = argv + optind;
  command->word_count = argc - optind;
  return true;
}

const struct subcommand *command_find(const struct subcommand *table, const char *name) {
  for (; table->summary; table++)
    if (table->name && strcmp(table->name, name) == 0) return table;
  return NULL;
}

/* -- help ------------------------------------------------------------------------------------ */

void command_print_options(FILE *stream, unsigned sets) {
  for (size_t i = 0; i < OPTION_COUNT; i++) {
    const struct option_row *row = &option_rows[i];
    if (!is_taken(row, sets)) continue;
    char text[64];
    int length = row->id < 256 ? snprintf(text, sizeof text, "-%c, ", (int)row->id)
                               : snprintf(text, sizeof text, "    ");
    snprintf(text + length, sizeof text - (size_t)length, "--%s%s%s", row->name,
             row->argument ? " " : "", row->argument ? row->argument : "");
    fprintf(stream, "  %-37s  %s\n", text, row->help);
  }
}

void command_print_usage(const struct subcommand *subcommand, FILE *stream) {
  fprintf(stream, "Usage: flowcc %s%s[OPTION ...] %s\n\n%s%sOptions:\n",
          subcommand->name ? subcommand->name : "", subcommand->name ? " " : "", subcommand->words,
          subcommand->details, subcommand->details[0] ? "\n" : "");
  command_print_options(stream, subcommand->options);
}
