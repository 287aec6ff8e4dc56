/* The command line: exit codes, the table of subcommands, and the options of those that compile.
 *
 *   static const struct subcommand table[] = {{.name = "check", …}, …};      in main.c
 *   struct command command = {.subcommand = &table[0]};
 *   if (!command_read(&command, argc, argv)) return EXIT_USAGE;
 *   … command.options, command.words
 */
#ifndef FLOWCC_COMMAND_H
#define FLOWCC_COMMAND_H

#include "compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Ids that can be named by --accept-drop. */
#define COMMAND_DROPS 64

enum exit_code {
  EXIT_OK = 0,
  EXIT_DIAGNOSED = 1,
  EXIT_USAGE = 64,
  EXIT_NO_INPUT = 66,
  EXIT_BUG = 70,
  EXIT_CANNOT_WRITE = 74,
};

struct command;

/* A row has either `main` or `run`. */
struct subcommand {
  const char *name;    /* null: flowcc FILE */
  const char *words;   /* "FILE [ARG ...]" */
  const char *summary; /* a few words for `flowcc --help` */
  const char *details; /* of `flowcc NAME --help`: whole lines, or empty */
  unsigned options;    /* of option_set: which it takes */
  bool keeps_words;    /* what follows FILE is not ours */
  bool has_arguments;  /* what follows `--` is the program's */

  /* Has a command line of its own; gets the words behind the name. */
  int (*main)(int argc, char **argv);
  /* Gets the command when its options are read; `words` holds FILE and what follows it. */
  int (*run)(struct command *);
};

/* The rows; one of null ends them. */
const struct subcommand *command_find(const struct subcommand *table, const char *name);

enum option_set {
  OPTIONS_MESSAGES = 1, /* how messages are written */
  OPTIONS_PASSES = 2,   /* what the compiler itself does */
  OPTIONS_BUILD = 4,    /* what the C compiler makes */
  OPTIONS_OUTPUT = 8,   /* where that goes, and looking between the passes */
  OPTIONS_GRAPH = 16,
  OPTIONS_AGAINST = 32,
  OPTIONS_TEST = 64,    /* which tests are played, and how */
  OPTIONS_EMIT = 128,
};

/* What the command line asks for. */
struct command {
  const struct subcommand *subcommand;
  struct options options;
  enum diag_format format;
  const char *last;   /* --stop-after: a pass, or null */
  const char *dumped; /* --dump: what, or null */
  const char *graph_format; /* --format, or null */
  const char *state_dir;    /* --against, or null */
  const char *drops[COMMAND_DROPS]; /* --accept-drop */
  size_t drop_count;
  bool is_header;      /* --header */
  bool is_timed;
  bool wants_help, wants_version;
  const char *filter;   /* --filter: only tests with this in their name, or null */
  bool crashes;         /* --crash-at=every */
  char **words;
  int word_count;
  char **arguments;     /* behind `--`, null at the end; or null */
};

/* Reads the options of command->subcommand from argv, of which the first word is left out. False: a
 * usage error was reported. */
bool command_read(struct command *, int argc, char **argv);

/* Prints what `flowcc NAME --help` says. */
void command_print_usage(const struct subcommand *, FILE *);

/* Prints the options of these sets. */
void command_print_options(FILE *, unsigned sets);

/* Reports a usage error: "flowcc check: …". Returns EXIT_USAGE. */
int command_usage_error(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Ends a command that has written to stdout: `code`, or EXIT_CANNOT_WRITE with a message. */
int command_finish(int code);

#endif
