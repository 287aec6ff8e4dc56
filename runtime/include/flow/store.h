/* Saved state, looked at from outside: what `flowcc state` uses. It needs no program, because a
 * store has its types inside.
 *
 * A view is opened on a state directory, whether or not a run uses it. It never waits for the run
 * and never keeps it waiting: it does not take the run's lock, and its read transactions are short.
 * In the first one the file is checked; each later one ends after FLOW_VIEW_SLICE_US, whatever has
 * been read. Rows are copied out first and handed out afterwards, so a slow reader of the output
 * holds nothing. A view shows one epoch, the same from beginning to end. If the run folds that
 * epoch away meanwhile, the call fails with FLOW_E_RANGE and flow_view_is_outrun() is true: open
 * another view, or keep more epochs (--retain-epochs).
 *
 *   struct flow_view_options options = {.dir = "db", .epoch = FLOW_STORE_NEWEST,
 *                                       .since = FLOW_STORE_NEWEST};
 *   if (flow_view_open(&options, &view, &report) != FLOW_OK) … report.message, report.help
 *   const struct flow_view_id *ids = flow_view_ids(view, &count);
 *   flow_view_rows(view, wanted, wanted_count, print_row, context, &report);
 *   flow_view_close(view);
 *
 * A process must not open a directory twice at the same time (LMDB's rule), nor use a view from
 * several threads or behind fork(). Out of memory ends the process with exit 70.
 */
#ifndef FLOW_STORE_VIEW_H
#define FLOW_STORE_VIEW_H

#include "flow/report.h"
#include "flow/schema.h"
#include "flow/text.h"
#include "flow/time.h"
#include "flow/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "No epoch": the newest committed one is meant. */
#define FLOW_STORE_NEWEST (-1)
/* Microseconds of a read transaction, after which it ends at the next row; LMDB cannot use pages
 * again while one is open, and folding pauses. */
#define FLOW_VIEW_SLICE_US ((int64_t)1500000)
/* Bytes of rows that are copied out in one transaction. What fits in one cannot be folded away
 * while it is handed out, so this is more than the states of most flows. */
#define FLOW_VIEW_SLICE_BYTES ((size_t)256 << 20)

enum flow_store_kind {
  FLOW_STORE_STATE = 1,
  FLOW_STORE_SOURCE = 2,
  FLOW_STORE_SINK = 3,   /* may leave the program without being asked; its rows stay */
  FLOW_STORE_ENGINE = 4, /* the runtime's own, like a sink in this respect */
};

/* The record of an epoch. */
struct flow_store_epoch_info {
  int64_t number;
  uint64_t timeline;
  uint64_t records_in, records_out, records_rejected;
  int64_t now_us;    /* now() in that epoch */
  int64_t wall_us;   /* when it was committed */
  uint64_t bytes;    /* of its packed entries */
};

/* -- opening ---------------------------------------------------------------------------------- */

struct flow_view;

struct flow_view_options {
  const char *dir;
  int64_t epoch;     /* show the state at the end of this epoch, or FLOW_STORE_NEWEST */
  int64_t since;     /* for flow_view_changes(): what to compare with; FLOW_STORE_NEWEST: none */
  bool is_good_enough; /* the newest epoch is damaged: show the newest good one before it */
  uint64_t map_size; /* first size of the memory map; 0: as large as the file asks for */
};

/* Opens the store in options->dir for reading; the texts in the options are copied. Checks the
 * structure of the file and the data of all epochs, so it takes about as long as reading the file.
 *
 * FLOW_E_INPUT: there is no such directory, or no state in it. FLOW_E_MISMATCH: it is no state of a
 * flow, or its format is another one. FLOW_E_CORRUPT: damage from which no epoch is left, or the
 * epoch that was asked for is damaged. FLOW_E_RANGE: that epoch cannot be reached; the message
 * names the range. FLOW_E_IO: it may not be read. On success *view is owned by the caller. */
enum flow_status flow_view_open(const struct flow_view_options *, struct flow_view **view,
                                struct flow_report *);
void flow_view_close(struct flow_view *); /* null is fine */

/* True if the last failure came from a run that folded the view's epoch away or went back behind
 * it. */
bool flow_view_is_outrun(const struct flow_view *);

struct flow_view_info {
  const char *flow_name, *compiler; /* "flowcc 0.1.0": of the program that wrote last */
  uint32_t format;
  uint64_t timeline; /* counts rewinds; (timeline, epoch) names an epoch for ever */
  int64_t head;      /* newest committed epoch; -1: none yet */
  int64_t oldest;    /* state can be shown as of the ends of oldest … newest; none if newest is */
  int64_t newest;    /* less. --resume-epoch may name the same numbers plus one, */
  bool can_restart;  /* and 0, which starts afresh: nothing was folded yet */
  int64_t damaged;   /* the first epoch whose data is damaged, or -1 */
  const char *damage; /* what is wrong with it; else empty */
  int64_t epoch;      /* the one that is shown; -1: there is none, and all states are empty */
  uint64_t file_bytes; /* of data.mdb */
  uint64_t base_bytes, epoch_bytes; /* of folded rows; of the epochs beside them */
};

/* Lives as long as the view. */
const struct flow_view_info *flow_view_info(const struct flow_view *);

/* -- what is saved ---------------------------------------------------------------------------- */

struct flow_view_id {
  enum flow_store_kind kind;
  const char *name;
  const struct flow_type *key, *value;
  bool is_in_epoch, is_in_since; /* saved at the end of the epoch; of the one to compare with */
  uint16_t number;
  uint32_t version; /* of its types, at the later of the two epochs that have it */
};

/* The ids in the order in which they came into the store. The array lives as long as the view;
 * without `since`, all of them are in the epoch. */
const struct flow_view_id *flow_view_ids(const struct flow_view *, size_t *count);

struct flow_view_row {
  const struct flow_view_id *id;
  const void *key, *value; /* in the binary form of the id's types (codec.h) */
  size_t key_length, value_length;
};

/* Gets one row; what it points to lives until it returns. False ends the calls. */
typedef bool (*flow_view_visit)(void *context, const struct flow_view_row *);

/* Hands out every row of the ids at the end of the epoch: id by id, each in the order of row
 * numbers, which is about the order in which they were made. FLOW_OK also when the visitor ended
 * it. FLOW_E_CORRUPT: rows are damaged or missing. */
enum flow_status flow_view_rows(struct flow_view *, const struct flow_view_id *const *ids,
                                size_t count, flow_view_visit, void *context, struct flow_report *);

/* Appends the value of the row with that key to `value`; *found says whether there is one. */
enum flow_status flow_view_find(struct flow_view *, const struct flow_view_id *, const void *key,
                                size_t key_length, struct flow_buf *value, bool *found,
                                struct flow_report *);

/* A row that is not the same at the ends of two epochs; the missing side has a null value. */
struct flow_view_change {
  const struct flow_view_id *id;
  const void *key, *before, *after;
  size_t key_length, before_length, after_length;
};

typedef bool (*flow_view_visit_change)(void *context, const struct flow_view_change *);

/* Hands out what is not the same at the end of `since` and at the end of the epoch, id by id, in
 * the types of the later of the two. */
enum flow_status flow_view_changes(struct flow_view *, const struct flow_view_id *const *ids,
                                   size_t count, flow_view_visit_change, void *context,
                                   struct flow_report *);

/* Hands out the records of all epochs that can be reached, oldest first. */
typedef bool (*flow_view_visit_epoch)(void *context, const struct flow_store_epoch_info *);
enum flow_status flow_view_epochs(struct flow_view *, flow_view_visit_epoch, void *context,
                                  struct flow_report *);

/* -- checking --------------------------------------------------------------------------------- */

/* The hash of a state is the sum (of u64) over its rows of
 *
 *   XXH3(value, seed = XXH3(key, seed = XXH3(name of the state, seed = FLOW_STATE_HASH_SEED)))
 *
 * over the bytes of their binary form in the newest types; the hash of a store is the sum over its
 * states. The order of rows, their numbers, sources and sinks do not count. */
#define FLOW_STATE_HASH_SEED UINT64_C(0x666c6f7773746174)

struct flow_view_sum {
  uint64_t rows, bytes, hash;
};
typedef void (*flow_view_visit_sum)(void *context, const struct flow_view_id *,
                                    const struct flow_view_sum *);

/* Checks every row that is kept, of the base and of each epoch, against its type, and hands out
 * what each id holds at the end of the view's epoch. FLOW_E_CORRUPT says what is wrong. The view
 * must have been opened without `since`. */
enum flow_status flow_view_verify(struct flow_view *, flow_view_visit_sum, void *context,
                                  struct flow_report *);

/* -- a program against what is saved ----------------------------------------------------------- */

/* Something that a program saves. */
struct flow_store_id {
  enum flow_store_kind kind;
  const char *name;
  const char *was; /* its former name, or null */
  const struct flow_type *key, *value;
};

/* The target of a sink, for the case that its file holds what does not fit. */
struct flow_view_target {
  const char *path;   /* null: no file, or not known before the start */
  const char *header; /* of csv: the first line, with its newline; null: none */
  bool has_parts;     /* a file for each path; `path` is what all of them begin with */
};

struct flow_view_program {
  const char *flow_name, *flow_was; /* the latter null without `was` */
  /* The types of sources and sinks are the runtime's own and may be null. */
  const struct flow_store_id *ids;
  const struct flow_view_target *targets; /* of the same number; read for sinks */
  size_t id_count;
  const char *const *drops; /* --accept-drop */
  size_t drop_count;
};

/* What becomes of something when a program starts. */
enum flow_fate {
  FLOW_FATE_SAME,    /* goes on as it is */
  FLOW_FATE_CARRIED, /* goes on in another form or under another name */
  FLOW_FATE_NEW,     /* begins empty */
  FLOW_FATE_LEFT,    /* a sink that is not in the program: its length is kept */
  FLOW_FATE_DROPPED, /* is forgotten, as --accept-drop says */
  FLOW_FATE_REFUSED, /* does not fit: the run is refused */
};

/* `text` says more, one change a line; empty if there is nothing to say. */
typedef void (*flow_view_tell)(void *context, enum flow_store_kind, const char *name,
                               enum flow_fate, const char *text);

/* Compares the program with what is saved, as a start of it with this state directory does, and
 * changes nothing. The view must show the newest epoch. `tell` (or null) gets each id of the
 * program, then what only the store has. Types are compared, values converted to their new ones,
 * and the files of sinks looked at; inputs are not. FLOW_OK: the program would go on.
 * FLOW_E_MISMATCH: it would be refused, with the same report. */
enum flow_status flow_view_compare(struct flow_view *, const struct flow_view_program *,
                                   flow_view_tell, void *context, struct flow_report *);

/* -- values as text --------------------------------------------------------------------------- */

/* Appends a value as JSON, as a sink of format jsonl prints it; enums by the names of their
 * variants, bytes in hex. False, with a part of it appended: the bytes are no value of the type. */
bool flow_view_print(struct flow_buf *, const struct flow_type *, const void *data, size_t length);

/* Appends a type as programs write it: `{ user: string, day: int }`. */
void flow_view_print_type(struct flow_buf *, const struct flow_type *);

/* Appends the binary form of a key that a person wrote in `count` words: one word as plain text or
 * JSON; or, for a key that is a record, one word for each field. FLOW_E_USAGE: the message says
 * what is wrong with which part, the help what would be right. */
enum flow_status flow_view_parse_key(const struct flow_type *, const char *const *words,
                                     size_t count, struct flow_buf *key, struct flow_report *);

/* -- changing --------------------------------------------------------------------------------- */

/* Forgets a state or source, like --accept-drop of a program that does not have it, and commits
 * that. Takes the run's lock for it: FLOW_E_LOCKED if a run has it. No view of the directory may be
 * open. The epochs that are kept still have it. FLOW_E_INPUT: nothing of that name is saved. */
enum flow_status flow_state_drop(const char *dir, enum flow_store_kind, const char *name,
                                 struct flow_report *);

/* -- copying ---------------------------------------------------------------------------------- */

/* Copies the state in `dir` to file:///DIR or s3://BUCKET/PREFIX, as a run with --backup does;
 * *epoch is the newest one. Takes the run's lock: FLOW_E_LOCKED if a run has it. FLOW_E_INPUT:
 * nothing is saved there. `s3_endpoint` is the server, or null: as the environment says.
 * Warnings go to stderr. */
enum flow_status flow_state_backup(const char *dir, const char *url, const char *s3_endpoint,
                                   int64_t *epoch, struct flow_report *);

struct flow_state_restored {
  int64_t epoch, wall_us; /* the newest one, and when it was copied */
  char skipped[512];      /* why a newer state could not be used; empty: there was none */
};

/* Makes the state in `dir`, which must have none, from a backup. FLOW_E_INPUT: there is no backup;
 * FLOW_E_CORRUPT: none that is whole. */
enum flow_status flow_state_restore(const char *url, const char *s3_endpoint, const char *dir,
                                    struct flow_state_restored *, struct flow_report *);

#endif
