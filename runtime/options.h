/* The command line of a generated program: one table makes the parser and --help.
 *
 * Every parameter of the flow is an option, too (`my_p` is --my-p) and is written into the
 * program's parameter struct. Lists point into argv.
 *
 *   struct options options;
 *   enum options_result r = options_parse(&options, program, params, argc, argv, &report);
 *   if (r == OPTIONS_HELP) { options_help(program, argv[0], &text); … }
 */
#ifndef FLOW_OPTIONS_H
#define FLOW_OPTIONS_H

#include "flow/abi.h"
#include "report.h"

#include <stdbool.h>
#include <stdint.h>

/* --snapshot-interval that holds if none is given, in microseconds. */
#define OPTIONS_INTERVAL_US ((int64_t)1000000)

enum options_at_end { AT_END_DEFAULT, AT_END_FLUSH, AT_END_KEEP };
enum options_summary { SUMMARY_AUTO, SUMMARY_TEXT, SUMMARY_JSON, SUMMARY_NONE };
enum options_result { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_WRONG };

/* NAME=LOCATION, in argv. */
struct options_place {
  const char *name;
  size_t name_length;
  const char *location;
};

struct options {
  const char *state_dir; /* null: state is in memory */
  int64_t interval_us;
  bool is_immediate;
  uint64_t epoch_records; /* 0: no limit */
  int64_t resume_epoch;   /* -1: the newest */
  uint64_t retain_epochs;
  const char *backup, *s3_endpoint; /* URLs; null: none is given */
  uint32_t workers; /* 0: one per processor */
  enum options_at_end at_end;
  enum options_summary summary;
  bool is_once;
  struct options_place *sources, *sinks; /* owned, like the lists below */
  const char **drops, **source_restarts, **source_skips, **sink_restarts;
  uint32_t source_count, sink_count, drop_count, source_restart_count, source_skip_count,
      sink_restart_count;
};

/* Reads the command line. `params` has the defaults and gets the parameters. OPTIONS_WRONG: the
 * report says why (FLOW_E_USAGE). Free with options_free() in any case. */
enum options_result options_parse(struct options *, const struct flow_program *, void *params,
                                  int argc, char **argv, struct flow_report *);
void options_free(struct options *);

/* Where a source or sink is, if the command line says so; else null. */
const char *options_place(const struct options_place *, uint32_t count, const char *name);

/* True if the list has the name. */
bool options_has(const char *const *list, uint32_t count, const char *name);

/* Appends the text of --help. */
void options_help(const struct flow_program *, const char *command, struct flow_buf *out);

#endif
