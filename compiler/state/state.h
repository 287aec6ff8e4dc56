/* flowcc state: saved state, looked at from outside of the flow that made it.
 *
 * A subcommand is one row of the table in state.c and one function; --help, the options it takes
 * and the number of its words come from the row. The row says whether a view of DIR is opened for
 * it before (flow/store.h, the only header of libflow that the compiler includes). `run` then does
 * the work:
 *
 *   static enum flow_status list(struct state_call *call) {
 *     const struct flow_view_info *info = flow_view_info(call->view);
 *     flow_buf_add_literal(&call->line, "...");
 *     return state_print_line(call) ? FLOW_OK : FLOW_E_IO;
 *   }
 *
 * It returns FLOW_OK, or a status with call->report filled, or sets call->code for an exit code of
 * its own. If a run folds away the epoch that is being read before anything is printed, the call is
 * made anew on the newest epoch.
 */
#ifndef FLOWCC_STATE_STATE_H
#define FLOWCC_STATE_STATE_H

#include "base/arena.h"
#include "flow/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum state_option {
  STATE_EPOCH = 1, /* --epoch N */
  STATE_JSON = 2,  /* --json */
  STATE_ALL = 4,   /* --all */
  STATE_S3 = 8,    /* --s3-endpoint URL */
};

struct state_call {
  const char *dir;
  const char *const *words; /* behind DIR */
  size_t word_count;
  int64_t epoch; /* --epoch, or FLOW_STORE_NEWEST */
  bool is_json, is_all;
  const char *s3_endpoint; /* null: not given */
  struct arena *arena;       /* of the whole command */
  struct flow_view *view;    /* null if the row does not ask for it */
  struct flow_report report;
  struct flow_buf line;      /* what is printed next */
  bool has_printed;
  int code;                  /* the exit code if `run` returns FLOW_OK */
};

typedef enum flow_status state_fn(struct state_call *);

struct state_command {
  const char *name;
  const char *words;   /* of the usage: "DIR STATE [KEY ...]" */
  const char *summary; /* one line */
  const char *details; /* of `flowcc state NAME --help`: whole lines */
  unsigned options;    /* of state_option */
  size_t min_words, max_words; /* DIR included */
  bool has_view;
  state_fn *run;
  /* Completes what the view is opened with from the words; null: DIR and --epoch are all. */
  enum flow_status (*prepare)(struct state_call *, struct flow_view_options *);
};

/* `flowcc state …`: argv[0] is the word behind `state`. Returns the exit code. */
int state_main(int argc, char **argv);
/* `flowcc help state`. */
void state_help(void);

/* Writes call->line with a line end to stdout and empties it; false: it cannot be written. */
bool state_print_line(struct state_call *);

/* Finds an id of the view by its name, among those in the epoch; states come first. Null with a
 * report, which names the nearest one. */
const struct flow_view_id *state_find(struct state_call *, const char *name);

/* The view's states, or with `is_all` everything: states first, each kind in the order of the
 * store. */
const struct flow_view_id *const *state_select(struct state_call *, bool is_all, size_t *count);

/* "state", "source", … */
const char *state_kind(enum flow_store_kind);

/* Reads an epoch's number; false with a report. */
bool state_read_epoch(struct state_call *, const char *word, int64_t *epoch);

/* Appends formatted text, a JSON string, a member `"name": ` (with a comma if it is not the
 * first). */
void state_add(struct flow_buf *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void state_add_json(struct flow_buf *, const char *text);
void state_add_member(struct flow_buf *, const char *name);

/* Appends a value of the view as JSON; false with a report: it is damaged. */
bool state_add_value(struct state_call *, const struct flow_type *, const void *data,
                     size_t length);

/* show.c */
state_fn state_ls, state_get, state_dump;
/* history.c */
state_fn state_epochs, state_diff;
enum flow_status state_prepare_diff(struct state_call *, struct flow_view_options *);
/* keep.c */
state_fn state_verify, state_drop;
/* copy.c */
state_fn state_backup, state_restore;

#endif
