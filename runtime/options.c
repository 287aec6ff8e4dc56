#include "options.h"

#include "backup_place.h"
#include "flow/decimal.h"
#include "flow/number.h"
#include "flow/text.h"
#include "flow/time.h"
#include "limits.h"
#include "mem.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum which {
  OPT_STATE_DIR = 256, /* above every character, as getopt_long wants it */
  OPT_INTERVAL,
  OPT_MODE,
  OPT_EPOCH_RECORDS,
  OPT_RESUME_EPOCH,
  OPT_RETAIN,
  OPT_BACKUP,
  OPT_S3_ENDPOINT,
  OPT_WORKERS,
  OPT_AT_END,
  OPT_ONCE,
  OPT_SOURCE,
  OPT_SINK,
  OPT_DROP,
  OPT_SOURCE_RESTART,
  OPT_SOURCE_SKIP,
  OPT_SINK_RESTART,
  OPT_SUMMARY,
  OPT_HELP,
  OPT_VERSION,
  OPT_PARAM, /* and the next ones: the flow's parameters */
};

/* One row per option; rows without a text are other names of the row above. */
static const struct row {
  enum which which;
  char letter; /* 0: none */
  const char *name;
  const char *value; /* null: takes none */
  const char *text;
} table[] = {
    {OPT_STATE_DIR, 'd', "state-dir", "DIR",
     "keep state in DIR and resume from it; without it state is in memory"},
    {OPT_STATE_DIR, 0, "local-state-dir", "DIR", NULL},
    {OPT_INTERVAL, 's', "snapshot-interval", "DUR", "commit at least this often (default 1s)"},
    {OPT_MODE, 0, "snapshot-mode", "MODE",
     "batch: commit at the interval (default) | immediate: after every block"},
    {OPT_EPOCH_RECORDS, 0, "epoch-records", "N", "close an epoch after N input records"},
    {OPT_RESUME_EPOCH, 0, "resume-epoch", "N",
     "go back: state as of the end of epoch N-1, input from epoch N on"},
    {OPT_RETAIN, 0, "retain-epochs", "N",
     "keep at least N past epochs for --resume-epoch (default 0)"},
    {OPT_BACKUP, 'b', "backup", "URL",
     "copy what is committed to file:///DIR or s3://BUCKET/PREFIX, and restore from there"},
    {OPT_S3_ENDPOINT, 0, "s3-endpoint", "URL",
     "the server of s3:// (default: AWS_ENDPOINT_URL, or Amazon's of AWS_REGION)"},
    {OPT_WORKERS, 'w', "workers", "N",
     "threads that run the flow (default: one per processor); the output is the same"},
    {OPT_AT_END, 0, "at-end", "flush|keep",
     "run `on end` hooks at the end of input (default without DIR), or not (with DIR)"},
    {OPT_ONCE, 0, "once", NULL, "read what is there, then end, also for polled directories"},
    {OPT_SOURCE, 0, "source", "NAME=PATH", "read a source from somewhere else; - is stdin"},
    {OPT_SINK, 0, "sink", "NAME=PATH", "write a sink to somewhere else; - is stdout"},
    {OPT_SOURCE_RESTART, 0, "source-restart", "NAME",
     "read the files of a source from their start"},
    {OPT_SOURCE_SKIP, 0, "source-skip", "NAME",
     "files of a source that were changed count as read"},
    {OPT_SINK_RESTART, 0, "sink-restart", "NAME", "write a file sink from the start"},
    {OPT_DROP, 0, "accept-drop", "ID", "forget saved state that no step uses any more"},
    {OPT_SUMMARY, 0, "summary", "text|json|none",
     "what to print on stderr at the end (default: text if it is a terminal)"},
    {OPT_HELP, 'h', "help", NULL, "print this"},
    {OPT_VERSION, 0, "version", NULL, "print which flow this is and what compiled it"},
};
#define ROWS        (sizeof table / sizeof table[0])
#define OPTION_NAME 128 /* bytes of a parameter's option name; longer ones are cut */

/* -- values */

static bool wrong(struct flow_report *report, const char *option, const char *value,
                  const char *why) {
  flow_report_fail(report, FLOW_E_USAGE, "--%s %s: %s", option, value, why);
  return false;
}

static bool read_count(struct flow_report *report, const char *option, const char *value,
                       int64_t least, uint64_t *out) {
  int64_t number;
  const char *why = flow_parse_int(value, strlen(value), &number);
  if (why == NULL && number < least) why = least > 0 ? "expected at least 1" : "expected 0 or more";
  if (why != NULL) return wrong(report, option, value, why);
  *out = (uint64_t)number;
  return true;
}

/* The index of the value among the words, which are separated by `|`; -1 after a report. */
static int read_word(struct flow_report *report, const char *option, const char *value,
                     const char *const *words, int count) {
  for (int i = 0; i < count; i++) {
    if (strcmp(words[i], value) == 0) return i;
  }
  wrong(report, option, value, "expected ");
  for (int i = 0; i < count; i++) {
    flow_report_add(report, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", words[i]);
  }
  return -1;
}

static bool add_place(struct flow_report *report, const char *option, const char *value,
                      struct options_place *list, uint32_t *count) {
  const char *equals = strchr(value, '=');
  if (equals == NULL || equals == value || equals[1] == '\0') {
    return wrong(report, option, value, "expected NAME=PATH");
  }
  list[(*count)++] = (struct options_place){value, (size_t)(equals - value), equals + 1};
  return true;
}

static bool has_source(const struct flow_program *p, const char *name, size_t length) {
  for (uint32_t i = 0; i < p->source_count; i++) {
    const char *known = p->sources[i].name;
    if (strlen(known) == length && memcmp(known, name, length) == 0) return true;
  }
  return false;
}

static bool has_sink(const struct flow_program *p, const char *name, size_t length) {
  for (uint32_t i = 0; i < p->sink_count; i++) {
    const char *known = p->sinks[i].name;
    if (strlen(known) == length && memcmp(known, name, length) == 0) return true;
  }
  return false;
}

/* A name on the command line that the program does not have would be ignored silently. */
static bool check_names(const struct options *o, const struct flow_program *p,
                        struct flow_report *report) {
  for (uint32_t i = 0; i < o->source_count; i++) {
    if (!has_source(p, o->sources[i].name, o->sources[i].name_length)) {
      return wrong(report, "source", o->sources[i].name, "the flow has no such source");
    }
  }
  for (uint32_t i = 0; i < o->sink_count; i++) {
    if (!has_sink(p, o->sinks[i].name, o->sinks[i].name_length)) {
      return wrong(report, "sink", o->sinks[i].name, "the flow has no such sink");
    }
  }
  const char *const *lists[] = {o->source_restarts, o->source_skips, o->sink_restarts};
  const uint32_t counts[] = {o->source_restart_count, o->source_skip_count, o->sink_restart_count};
  const char *const names[] = {"source-restart", "source-skip", "sink-restart"};
  for (int list = 0; list < 3; list++) {
    for (uint32_t i = 0; i < counts[list]; i++) {
      const char *name = lists[list][i];
      bool is_known =
          list < 2 ? has_source(p, name, strlen(name)) : has_sink(p, name, strlen(name));
      if (!is_known) return wrong(report, names[list], name, "the flow has nothing of that name");
    }
  }
  return true;
}

/* -- parameters */

/* `my_p` as --my-p. */
static void option_name(const struct flow_param *param, char name[OPTION_NAME]) {
  snprintf(name, OPTION_NAME, "%s", param->name);
  for (char *p = name; *p != '\0'; p++) {
    if (*p == '_') *p = '-';
  }
}

static const char *read_variant(const struct flow_param *param, const char *text, uint32_t *tag) {
  for (uint32_t i = 0; param->variants[i] != NULL; i++) {
    if (strcmp(param->variants[i], text) != 0) continue;
    *tag = i;
    return NULL;
  }
  return "expected ";
}

/* Null, or why the text is not a value of the parameter. */
static const char *read_param(const struct flow_param *param, const char *text, char *to) {
  size_t length = strlen(text);
  int64_t number;
  double real;
  bool truth;
  uint32_t tag;
  const char *why = NULL;
  switch (param->kind) {
  case FLOW_PARAM_INT:
    if ((why = flow_parse_int(text, length, &number)) == NULL) memcpy(to, &number, sizeof number);
    break;
  case FLOW_PARAM_FLOAT:
    if ((why = flow_parse_float(text, length, &real)) == NULL) memcpy(to, &real, sizeof real);
    break;
  case FLOW_PARAM_DECIMAL:
    why = flow_parse_decimal(text, length, param->scale, &number);
    if (why == NULL) memcpy(to, &number, sizeof number);
    break;
  case FLOW_PARAM_BOOL:
    if ((why = flow_parse_bool(text, length, &truth)) == NULL) memcpy(to, &truth, sizeof truth);
    break;
  case FLOW_PARAM_STRING:
    if (flow_utf8_valid(text, length) != length) return "not UTF-8";
    *(struct flow_str *)(void *)to = flow_str_make(text, length);
    break;
  case FLOW_PARAM_TIMESTAMP:
    why = flow_parse_timestamp(text, length, &number);
    if (why == NULL) memcpy(to, &number, sizeof number);
    break;
  case FLOW_PARAM_DURATION:
    why = flow_parse_duration(text, length, &number);
    if (why == NULL) memcpy(to, &number, sizeof number);
    break;
  case FLOW_PARAM_ENUM:
    if ((why = read_variant(param, text, &tag)) == NULL) memcpy(to, &tag, sizeof tag);
    break;
  }
  return why;
}

static bool set_param(const struct flow_param *param, const char *text, void *params,
                      struct flow_report *report) {
  char name[OPTION_NAME];
  option_name(param, name);
  const char *why = read_param(param, text, (char *)params + param->offset);
  if (why != NULL) {
    wrong(report, name, text, why);
    for (uint32_t i = 0; param->kind == FLOW_PARAM_ENUM && param->variants[i] != NULL; i++) {
      flow_report_add(report, "%s%s", i == 0 ? "" : ", ", param->variants[i]);
    }
    return false;
  }
  if (param->has_offset >= 0) *((bool *)params + param->has_offset) = true;
  return true;
}

/* -- parsing */

static bool set_interval(struct options *o, const char *value, struct flow_report *report) {
  const char *why = flow_parse_duration(value, strlen(value), &o->interval_us);
  if (why == NULL && o->interval_us < 0) why = "expected 0s or more";
  return why == NULL || wrong(report, "snapshot-interval", value, why);
}

static bool set_choice(struct options *o, enum which which, const char *value,
                       struct flow_report *report) {
  static const char *const modes[] = {"batch", "immediate"};
  static const char *const ends[] = {"flush", "keep"};
  static const char *const summaries[] = {"text", "json", "none"};
  int word;
  switch (which) {
  case OPT_MODE:
    word = read_word(report, "snapshot-mode", value, modes, 2);
    o->is_immediate = word == 1;
    return word >= 0;
  case OPT_AT_END:
    word = read_word(report, "at-end", value, ends, 2);
    o->at_end = word == 0 ? AT_END_FLUSH : AT_END_KEEP;
    return word >= 0;
  default:
    word = read_word(report, "summary", value, summaries, 3);
    o->summary = word == 0 ? SUMMARY_TEXT : word == 1 ? SUMMARY_JSON : SUMMARY_NONE;
    return word >= 0;
  }
}

/* Options of this program that are not parameters. */
static bool set_option(struct options *o, enum which which, const char *value,
                       struct flow_report *report) {
  uint64_t number = 0;
  bool ok = true;
  switch (which) {
  case OPT_STATE_DIR: o->state_dir = value; break;
  case OPT_INTERVAL: return set_interval(o, value, report);
  case OPT_MODE:
  case OPT_AT_END:
  case OPT_SUMMARY: return set_choice(o, which, value, report);
  case OPT_EPOCH_RECORDS: return read_count(report, "epoch-records", value, 1, &o->epoch_records);
  case OPT_RESUME_EPOCH:
    ok = read_count(report, "resume-epoch", value, 0, &number);
    o->resume_epoch = (int64_t)number;
    break;
  case OPT_RETAIN: return read_count(report, "retain-epochs", value, 0, &o->retain_epochs);
  case OPT_BACKUP: o->backup = value; return backup_url_is_good(value, report);
  case OPT_S3_ENDPOINT: o->s3_endpoint = value; break;
  case OPT_WORKERS:
    ok = read_count(report, "workers", value, 1, &number);
    if (ok && number > FLOW_WORKERS_MAX) {
      char why[64];
      snprintf(why, sizeof why, "expected at most %d", FLOW_WORKERS_MAX);
      return wrong(report, "workers", value, why);
    }
    o->workers = (uint32_t)number;
    break;
  case OPT_ONCE: o->is_once = true; break;
  case OPT_SOURCE: return add_place(report, "source", value, o->sources, &o->source_count);
  case OPT_SINK: return add_place(report, "sink", value, o->sinks, &o->sink_count);
  case OPT_DROP: o->drops[o->drop_count++] = value; break;
  case OPT_SOURCE_RESTART: o->source_restarts[o->source_restart_count++] = value; break;
  case OPT_SOURCE_SKIP: o->source_skips[o->source_skip_count++] = value; break;
  case OPT_SINK_RESTART: o->sink_restarts[o->sink_restart_count++] = value; break;
  case OPT_HELP:
  case OPT_VERSION:
  case OPT_PARAM: break;
  }
  return ok;
}

/* The number of single edits between two short names; more than `most` is not counted out. */
static size_t distance(const char *a, const char *b) {
  size_t row[64], length = strlen(b);
  if (length >= 64) return SIZE_MAX;
  for (size_t j = 0; j <= length; j++) row[j] = j;
  for (size_t i = 0; a[i] != '\0'; i++) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < length; j++) {
      size_t best = diagonal + (a[i] != b[j]);
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j + 1] + 1 < best) best = row[j + 1] + 1;
      diagonal = row[j + 1];
      row[j + 1] = best;
    }
  }
  return row[length];
}

static void report_unknown(const struct option *options, const char *argument,
                           struct flow_report *report) {
  flow_report_fail(report, FLOW_E_USAGE, "unknown option `%s`", argument);
  flow_report_help(report, "--help lists the options");
  char name[64];
  while (*argument == '-') argument++;
  snprintf(name, sizeof name, "%.*s", (int)strcspn(argument, "="), argument);
  size_t least = strlen(name) / 3 + 1; /* at most one edit in three letters, and one at least */
  if (least < 2) least = 2;
  for (const struct option *o = options; o->name != NULL; o++) {
    size_t d = distance(name, o->name);
    if (d >= least) continue;
    least = d;
    flow_report_help(report, "did you mean `--%s`?  --help lists the options", o->name);
  }
}

static void init_options(struct options *o, int argc) {
  const struct flow_sys *sys = flow_sys_posix();
  size_t most = argc > 0 ? (size_t)argc : 1; /* no list can be longer than the command line */
  *o = (struct options){.interval_us = OPTIONS_INTERVAL_US, .resume_epoch = -1};
  o->sources = flow_sys_must_alloc(sys, most * sizeof *o->sources);
  o->sinks = flow_sys_must_alloc(sys, most * sizeof *o->sinks);
  const char ***lists[] = {&o->drops, &o->source_restarts, &o->source_skips, &o->sink_restarts};
  for (size_t i = 0; i < 4; i++) *lists[i] = flow_sys_must_alloc(sys, most * sizeof **lists[i]);
}

void options_free(struct options *o) {
  const struct flow_sys *sys = flow_sys_posix();
  sys->free(sys, o->sources);
  sys->free(sys, o->sinks);
  sys->free(sys, o->drops);
  sys->free(sys, o->source_restarts);
  sys->free(sys, o->source_skips);
  sys->free(sys, o->sink_restarts);
}

static enum options_result check_required(const struct flow_program *p, const bool *is_set,
                                          struct flow_report *report) {
  for (uint32_t i = 0; i < p->param_count; i++) {
    if (!p->params[i].is_required || is_set[i]) continue;
    char name[OPTION_NAME];
    option_name(&p->params[i], name);
    flow_report_fail(report, FLOW_E_USAGE, "--%s is missing: parameter `%s` has no default", name,
                     p->params[i].name);
    flow_report_help(report, "--help lists the options");
    return OPTIONS_WRONG;
  }
  return OPTIONS_RUN;
}

/* The arrays that getopt_long wants. */
static void list_options(const struct flow_program *p, struct option *list,
                         char (*names)[OPTION_NAME], char *letters) {
  size_t count = 0;
  char *letter = letters;
  *letter++ = ':'; /* a missing value is ':' and not '?' */
  for (size_t i = 0; i < ROWS; i++) {
    int argument = table[i].value != NULL ? required_argument : no_argument;
    list[count++] = (struct option){table[i].name, argument, NULL, (int)table[i].which};
    if (table[i].letter == 0) continue;
    *letter++ = table[i].letter;
    if (table[i].value != NULL) *letter++ = ':';
  }
  *letter = '\0';
  for (uint32_t i = 0; i < p->param_count; i++) {
    option_name(&p->params[i], names[i]);
    list[count++] = (struct option){names[i], required_argument, NULL, OPT_PARAM + (int)i};
  }
  list[count] = (struct option){0};
}

static int which_of_letter(int letter) {
  for (size_t i = 0; i < ROWS; i++) {
    if (table[i].letter != 0 && table[i].letter == letter) return (int)table[i].which;
  }
  return letter;
}

static enum options_result parse_all(struct options *o, const struct flow_program *p, void *params,
                                     int argc, char **argv, const struct option *list,
                                     const char *letters, bool *is_set,
                                     struct flow_report *report) {
  optind = 0; /* glibc: start anew, also in a second call */
  opterr = 0;
  for (;;) {
    int at = optind == 0 ? 1 : optind;
    int got = getopt_long(argc, argv, letters, list, NULL);
    if (got == -1) break;
    if (got == '?') {
      report_unknown(list, argv[at], report);
      return OPTIONS_WRONG;
    }
    if (got == ':') {
      flow_report_fail(report, FLOW_E_USAGE, "option `%s` needs a value", argv[at]);
      return OPTIONS_WRONG;
    }
    int which = which_of_letter(got);
    if (which == OPT_HELP) return OPTIONS_HELP;
    if (which == OPT_VERSION) return OPTIONS_VERSION;
    bool ok;
    if (which >= OPT_PARAM) {
      is_set[which - OPT_PARAM] = true;
      ok = set_param(&p->params[which - OPT_PARAM], optarg, params, report);
    } else {
      ok = set_option(o, (enum which)which, optarg, report);
    }
    if (!ok) return OPTIONS_WRONG;
  }
  if (optind < argc) {
    flow_report_fail(report, FLOW_E_USAGE, "unexpected argument `%s`", argv[optind]);
    flow_report_help(report, "--help lists the options");
    return OPTIONS_WRONG;
  }
  return check_required(p, is_set, report);
}

/* Options that have no meaning without another one. */
static bool check_together(const struct options *o, struct flow_report *report) {
  if (o->state_dir == NULL && (o->resume_epoch >= 0 || o->retain_epochs > 0)) {
    flow_report_fail(report, FLOW_E_USAGE, "--resume-epoch and --retain-epochs need --state-dir");
  } else if (o->state_dir == NULL && o->backup != NULL) {
    flow_report_fail(report, FLOW_E_USAGE, "--backup needs --state-dir: it copies what is kept there");
  } else if (o->s3_endpoint != NULL && (o->backup == NULL || strncmp(o->backup, "s3:", 3) != 0)) {
    flow_report_fail(report, FLOW_E_USAGE, "--s3-endpoint needs --backup s3://BUCKET/PREFIX");
  } else {
    return true;
  }
  return false;
}

enum options_result options_parse(struct options *o, const struct flow_program *p, void *params,
                                  int argc, char **argv, struct flow_report *report) {
  const struct flow_sys *sys = flow_sys_posix();
  init_options(o, argc);
  struct option *list = flow_sys_must_alloc(sys, (ROWS + p->param_count + 1) * sizeof *list);
  char(*names)[OPTION_NAME] = flow_sys_must_alloc(sys, (p->param_count + 1) * sizeof *names);
  bool *is_set = flow_sys_must_alloc(sys, p->param_count + 1);
  memset(is_set, 0, p->param_count + 1);
  char letters[2 * ROWS + 2];
  list_options(p, list, names, letters);
  enum options_result result = parse_all(o, p, params, argc, argv, list, letters, is_set, report);
  sys->free(sys, list);
  sys->free(sys, names);
  sys->free(sys, is_set);
  if (result != OPTIONS_RUN) return result;
  if (!check_names(o, p, report)) return OPTIONS_WRONG;
  return check_together(o, report) ? OPTIONS_RUN : OPTIONS_WRONG;
}

const char *options_place(const struct options_place *list, uint32_t count, const char *name) {
  for (uint32_t i = count; i-- > 0;) { /* the last one on the command line counts */
    if (strlen(name) == list[i].name_length &&
        memcmp(list[i].name, name, list[i].name_length) == 0) {
      return list[i].location;
    }
  }
  return NULL;
}

bool options_has(const char *const *list, uint32_t count, const char *name) {
  for (uint32_t i = 0; i < count; i++) {
    if (strcmp(list[i], name) == 0) return true;
  }
  return false;
}

/* -- help */

static void help_line(struct flow_buf *out, const char *left, const char *right) {
  char line[512];
  int length = strlen(left) < 32 ? snprintf(line, sizeof line, "%-32s %s\n", left, right)
                                 : snprintf(line, sizeof line, "%s\n%33s%s\n", left, "", right);
  flow_buf_add(out, line, length < (int)sizeof line ? (size_t)length : sizeof line - 1);
}

static void help_params(const struct flow_program *p, struct flow_buf *out) {
  static const char *const kinds[] = {
      [FLOW_PARAM_INT] = "INT",         [FLOW_PARAM_FLOAT] = "FLOAT",
      [FLOW_PARAM_BOOL] = "true|false", [FLOW_PARAM_STRING] = "TEXT",
      [FLOW_PARAM_TIMESTAMP] = "TIME",  [FLOW_PARAM_DURATION] = "DURATION",
      [FLOW_PARAM_ENUM] = "NAME",       [FLOW_PARAM_DECIMAL] = "DECIMAL",
  };
  if (p->param_count == 0) return;
  flow_buf_add_literal(out, "\nparameters of the flow:\n");
  for (uint32_t i = 0; i < p->param_count; i++) {
    const struct flow_param *param = &p->params[i];
    char name[OPTION_NAME], left[OPTION_NAME + 32], right[300];
    option_name(param, name);
    snprintf(left, sizeof left, "      --%s %s", name, kinds[param->kind]);
    snprintf(right, sizeof right, "%s%s%s%s%s", param->doc != NULL ? param->doc : "",
             param->default_text != NULL ? " (default " : "",
             param->default_text != NULL ? param->default_text : "",
             param->default_text != NULL ? ")" : "", param->is_required ? " (required)" : "");
    help_line(out, left, right);
  }
}

void options_help(const struct flow_program *p, const char *command, struct flow_buf *out) {
  if (p->doc != NULL) {
    flow_buf_add(out, p->doc, strlen(p->doc));
    flow_buf_add_literal(out, "\n\n");
  }
  flow_buf_add_literal(out, "usage: ");
  flow_buf_add(out, command, strlen(command));
  if (p->param_count > 0) flow_buf_add_literal(out, " [--PARAMETER VALUE]…");
  flow_buf_add_literal(out, " [options]\n");
  help_params(p, out);
  flow_buf_add_literal(out, "\noptions:\n");
  for (size_t i = 0; i < ROWS; i++) {
    char left[64], letter[8] = "   ";
    if (table[i].letter != 0) snprintf(letter, sizeof letter, "-%c,", table[i].letter);
    snprintf(left, sizeof left, "  %s --%s %s", letter, table[i].name,
             table[i].value != NULL ? table[i].value : "");
    help_line(out, left, table[i].text != NULL ? table[i].text : "the same");
  }
  flow_buf_add_literal(
      out, "\nexit codes: 0 done · 64 usage · 65 bad input record · 66 input missing · 70 "
           "fault\n  73 cannot create output · 74 I/O, disk full · 75 state in use · 78 "
           "saved state does not fit\n");
}
