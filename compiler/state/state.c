#include "state/state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/edit.h"

/* How often a call is made anew that a run has overtaken. */
#define TRIES 20

#define STATE_EXIT_USAGE 64

static const struct state_command commands[] = {
    {"ls", "DIR", "what is saved: states, sources, sinks, with rows, bytes and types", "",
     STATE_EPOCH | STATE_JSON, 1, 1, true, state_ls, NULL},
    {"get", "DIR STATE [KEY ...]", "the value of one key, as JSON",
     "KEY is plain text or JSON. A key of several fields is a word for each, or one JSON object.\n"
     "Behind `--` every word is part of the key, also if it begins with `-`.\n"
     "STATE may be a source or sink as well. Exit code 1: there is no such key.\n",
     STATE_EPOCH | STATE_JSON, 2, SIZE_MAX, true, state_get, NULL},
    {"dump", "DIR [STATE]", "all keys and values, as JSON lines",
     "Without STATE: of all states; --all adds how far sources are read and sinks are written.\n",
     STATE_EPOCH | STATE_JSON | STATE_ALL, 1, 2, true, state_dump, NULL},
    {"diff", "DIR A [B]", "what changed between the ends of epochs A and B (default: the newest)",
     "+ was added, - went away, ~ changed. --all adds sources and sinks. The exit code is 0.\n",
     STATE_JSON | STATE_ALL, 2, 3, true, state_diff, state_prepare_diff},
    {"epochs", "DIR", "the epochs that can be shown, and gone back to",
     "`records` are those that were read in the epoch, rejected ones included.\n",
     STATE_JSON, 1, 1, true, state_epochs, NULL},
    {"verify", "DIR", "check every byte and every value; print the hash of the state",
     "Exit code 78: something is damaged; the message says up to which epoch all is good.\n",
     STATE_EPOCH | STATE_JSON, 1, 1, false, state_verify, NULL},
    {"drop", "DIR NAME", "forget a state or source that no program uses",
     "Like --accept-drop NAME at the start of a program that does not have it any more. It can be\n"
     "had back: by a program that has it, as long as no epoch is committed, and then by\n"
     "--resume-epoch as long as the epochs are kept that have it. Refused while a run uses DIR.\n",
     STATE_JSON, 2, 2, false, state_drop, NULL},
    {"backup", "DIR URL", "copy the state to file:///DIR or s3://BUCKET/PREFIX, as --backup does",
     "What is there already is not copied again. Refused while a run uses DIR.\n",
     STATE_JSON | STATE_S3, 2, 2, false, state_backup, NULL},
    {"restore", "URL DIR", "make the state in DIR, which must have none, from a backup",
     "The newest state of which every byte is there. A run with --backup does this by itself.\n",
     STATE_JSON | STATE_S3, 2, 2, false, state_restore, NULL},
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

/* -- help ------------------------------------------------------------------------------------ */

void state_help(void) {
  printf("Usage: flowcc state COMMAND DIR ...     look at the saved state of a flow\n\n"
         "DIR is the --state-dir of its runs. A run may use it at the same time and is not\n"
         "disturbed. The program is not needed.\n\nCommands:\n");
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    char text[64];
    snprintf(text, sizeof text, "%s %s", commands[i].name, commands[i].words);
    printf("  %-24s  %s\n", text, commands[i].summary);
  }
  printf("\nOptions:\n"
         "  --epoch N                 the state at the end of epoch N, not of the newest one\n"
         "  --json                    JSON, one value per line\n"
         "  --all                     sources and sinks as well as states\n"
         "  --s3-endpoint URL         the server of s3://, if it is not Amazon's\n"
         "  --help                    print this; behind a command: more about it\n"
         "\nExit codes: 0 done, 1 no such key, 64 usage, 66 no saved state, 74 it cannot be read,\n"
         "75 a run uses it, 78 damaged, of another format, or the epoch cannot be reached\n");
}

static void print_command_help(const struct state_command *command) {
  printf("Usage: flowcc state %s %s", command->name, command->words);
  if (command->options & STATE_EPOCH) printf(" [--epoch N]");
  if (command->options & STATE_JSON) printf(" [--json]");
  if (command->options & STATE_ALL) printf(" [--all]");
  if (command->options & STATE_S3) printf(" [--s3-endpoint URL]");
  printf("\n\n%s\n", command->summary);
  if (command->details[0] != '\0') printf("\n%s", command->details);
}

__attribute__((format(printf, 1, 2))) static int usage_error(const char *format, ...) {
  fprintf(stderr, "flowcc state: ");
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  return STATE_EXIT_USAGE;
}

/* -- what the commands share ------------------------------------------------------------------ */

bool state_print_line(struct state_call *call) {
  flow_buf_add_char(&call->line, '\n');
  bool ok = fwrite(call->line.data, 1, call->line.length, stdout) == call->line.length;
  call->line.length = 0;
  call->has_printed = true;
  return ok;
}

const char *state_kind(enum flow_store_kind kind) {
  static const char *const names[] = {[FLOW_STORE_STATE] = "state", [FLOW_STORE_SOURCE] = "source",
                                      [FLOW_STORE_SINK] = "sink", [FLOW_STORE_ENGINE] = "run"};
  return names[kind];
}

const struct flow_view_id *state_find(struct state_call *call, const char *name) {
  size_t count;
  const struct flow_view_id *ids = flow_view_ids(call->view, &count), *found = NULL;
  const char **names = arena_alloc(call->arena, (count + 1) * sizeof *names);
  for (size_t i = 0; i < count; i++) {
    names[i] = ids[i].is_in_epoch ? ids[i].name : NULL;
    if (names[i] == NULL || strcmp(name, names[i]) != 0) continue;
    if (found == NULL || ids[i].kind < found->kind) found = &ids[i];
  }
  if (found != NULL) return found;
  const char *closest = closest_name(name, names, count);
  struct flow_report *report = &call->report;
  report->status = FLOW_E_USAGE;
  snprintf(report->message, sizeof report->message, "nothing called `%.200s` is saved in %.2000s",
           name, call->dir);
  snprintf(report->help, sizeof report->help,
           closest != NULL ? "did you mean `%.255s`?" : "`flowcc state ls %.900s` lists what is",
           closest != NULL ? closest : call->dir);
  return NULL;
}

const struct flow_view_id *const *state_select(struct state_call *call, bool is_all,
                                               size_t *count) {
  size_t all;
  const struct flow_view_id *ids = flow_view_ids(call->view, &all);
  const struct flow_view_id **selected = arena_alloc(call->arena, (all + 1) * sizeof *selected);
  int last = is_all ? FLOW_STORE_ENGINE : FLOW_STORE_STATE;
  *count = 0;
  for (int kind = FLOW_STORE_STATE; kind <= last; kind++)
    for (size_t i = 0; i < all; i++)
      if ((int)ids[i].kind == kind) selected[(*count)++] = &ids[i];
  return selected;
}

bool state_read_epoch(struct state_call *call, const char *word, int64_t *epoch) {
  char *end;
  errno = 0;
  long long number = strtoll(word, &end, 10);
  *epoch = number;
  if (word[0] >= '0' && word[0] <= '9' && *end == '\0' && errno == 0) return true;
  call->report.status = FLOW_E_USAGE;
  snprintf(call->report.message, sizeof call->report.message, "`%.200s` is no number of an epoch",
           word);
  snprintf(call->report.help, sizeof call->report.help, "`flowcc state epochs %.900s` lists them",
           call->dir);
  return false;
}

void state_add(struct flow_buf *out, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (length > 0) flow_buf_add(out, text, strlen(text));
}

void state_add_json(struct flow_buf *out, const char *text) {
  flow_print_json_bytes(out, text, strlen(text));
}

void state_add_member(struct flow_buf *out, const char *name) {
  char last = out->length == 0 ? '{' : out->data[out->length - 1];
  if (last != '{') flow_buf_add_literal(out, ", ");
  state_add_json(out, name);
  flow_buf_add_literal(out, ": ");
}

bool state_add_value(struct state_call *call, const struct flow_type *type, const void *data,
                     size_t length) {
  if (flow_view_print(&call->line, type, data, length)) return true;
  call->report.status = FLOW_E_CORRUPT;
  snprintf(call->report.message, sizeof call->report.message,
           "the saved state in %.2000s is damaged: a value is not of its type", call->dir);
  snprintf(call->report.help, sizeof call->report.help, "`flowcc state verify %.900s` says more",
           call->dir);
  return false;
}

/* -- running one ----------------------------------------------------------------------------- */

static enum flow_status run_once(const struct state_command *command, struct state_call *call,
                                 bool *is_outrun) {
  struct flow_view_options options = {.dir = call->dir, .epoch = call->epoch,
                                      .since = FLOW_STORE_NEWEST};
  enum flow_status status = FLOW_OK;
  *is_outrun = false;
  call->line.length = 0;
  if (command->prepare != NULL) status = command->prepare(call, &options);
  if (status == FLOW_OK && command->has_view)
    status = flow_view_open(&options, &call->view, &call->report);
  if (status == FLOW_OK) status = command->run(call);
  if (call->view != NULL) *is_outrun = flow_view_is_outrun(call->view);
  flow_view_close(call->view);
  call->view = NULL;
  return status;
}

static int run_command(const struct state_command *command, struct state_call *call) {
  enum flow_status status = FLOW_OK;
  bool is_outrun = true;
  for (int i = 0; i < TRIES && is_outrun; i++) {
    status = run_once(command, call, &is_outrun);
    if (call->has_printed || call->epoch >= 0) break;
  }
  flow_buf_free(&call->line);
  bool is_written = fflush(stdout) == 0 && !ferror(stdout);
  if (!is_written && errno == EPIPE) return 141; /* as if SIGPIPE were not ignored */
  if (!is_written) {
    fprintf(stderr, "flowcc state: cannot write to stdout: %s\n", strerror(errno));
    return FLOW_EXIT_IO;
  }
  if (status == FLOW_OK) return call->code;
  fprintf(stderr, "flowcc state: %s\n", call->report.message);
  if (call->report.help[0] != '\0') fprintf(stderr, "  = help: %s\n", call->report.help);
  return (int)flow_status_exit(status);
}

/* -- the command line ------------------------------------------------------------------------ */

struct words {
  const char **data;
  size_t count;
  bool wants_help;
};

/* If the word is the option `name`, with its value behind `=` or in the next word: the value, ""
 * if there is none. Else null. */
static const char *value_of(const char *name, char **argv, int argc, int *at) {
  const char *word = argv[*at];
  size_t length = strlen(name);
  if (strncmp(word, name, length) != 0) return NULL;
  if (word[length] == '=') return word + length + 1;
  if (word[length] != '\0') return NULL;
  return *at + 1 < argc ? argv[++*at] : "";
}

/* Options may stand anywhere; behind `--` all is a word, so that a key may begin with `-`. A
 * negative number is a word as well. Returns 0, or the exit code. */
static int read_words(const struct state_command *command, int argc, char **argv,
                      struct state_call *call, struct words *words) {
  bool are_words = false;
  for (int i = 1; i < argc; i++) {
    const char *word = argv[i], *value;
    bool is_option = word[0] == '-' && word[1] != '\0' && (word[1] < '0' || word[1] > '9');
    if (are_words || !is_option) {
      words->data[words->count++] = word;
    } else if (strcmp(word, "--") == 0) {
      are_words = true;
    } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
      words->wants_help = true;
    } else if (strcmp(word, "--json") == 0 && (command->options & STATE_JSON)) {
      call->is_json = true;
    } else if (strcmp(word, "--all") == 0 && (command->options & STATE_ALL)) {
      call->is_all = true;
    } else if ((command->options & STATE_S3) &&
               (value = value_of("--s3-endpoint", argv, argc, &i)) != NULL) {
      if (value[0] == '\0') return usage_error("--s3-endpoint takes the URL of a server");
      call->s3_endpoint = value;
    } else if ((command->options & STATE_EPOCH) &&
               (value = value_of("--epoch", argv, argc, &i)) != NULL) {
      char *end;
      errno = 0;
      call->epoch = strtoll(value, &end, 10);
      if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0)
        return usage_error("--epoch takes the number of an epoch, and not `%s`", value);
    } else {
      return usage_error("`%s` has no option `%s`; see flowcc state %s --help", command->name, word,
                         command->name);
    }
  }
  return 0;
}

static const struct state_command *find_command(const char *name) {
  for (size_t i = 0; i < COMMAND_COUNT; i++)
    if (strcmp(commands[i].name, name) == 0) return &commands[i];
  return NULL;
}

static int no_command(const char *name) {
  const char *names[COMMAND_COUNT];
  for (size_t i = 0; i < COMMAND_COUNT; i++) names[i] = commands[i].name;
  const char *closest = closest_name(name, names, COMMAND_COUNT);
  if (closest != NULL)
    return usage_error("there is no command `%s`; did you mean `%s`?", name, closest);
  return usage_error("there is no command `%s`; flowcc state --help lists them", name);
}

static int run_words(const struct state_command *command, int argc, char **argv,
                     struct arena *arena) {
  struct state_call call = {.epoch = FLOW_STORE_NEWEST, .arena = arena};
  struct words words = {.data = arena_alloc(arena, ((size_t)argc + 1) * sizeof *words.data)};
  int code = read_words(command, argc, argv, &call, &words);
  if (code != 0) return code;
  if (words.wants_help) {
    print_command_help(command);
    return 0;
  }
  if (words.count < command->min_words || words.count > command->max_words)
    return usage_error("write `flowcc state %s %s`; see flowcc state %s --help", command->name,
                       command->words, command->name);
  call.dir = words.data[0];
  call.words = words.data + 1;
  call.word_count = words.count - 1;
  return run_command(command, &call);
}

int state_main(int argc, char **argv) {
  if (argc == 0) {
    usage_error("which command? flowcc state --help lists them");
    return STATE_EXIT_USAGE;
  }
  if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 ||
      strcmp(argv[0], "help") == 0) {
    state_help();
    return 0;
  }
  const struct state_command *command = find_command(argv[0]);
  if (command == NULL) return no_command(argv[0]);
  struct arena arena;
  arena_init(&arena);
  int code = run_words(command, argc, argv, &arena);
  arena_free(&arena);
  return code;
}
