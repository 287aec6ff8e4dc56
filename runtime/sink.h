/* A sink at run time: takes the bytes that generated code appended to its buffer out into the
 * world.
 *
 * A regular file is written at a fixed offset, so a resume can cut it back to what was committed
 * and go on; everything else (stdout, FIFOs, devices) is a stream that is written in order, at
 * least once. The committed length is a row of the store under the sink's id.
 *
 *   sink_open(&sink, &report);              opens; nothing is changed yet
 *   sink_lock(&sink, &report);              nobody else writes it from here on
 *   sink_load(&sink, …)                     the stored row, if there is one
 *   sink_check(&sink, …, &report);          is it what was committed? nothing is changed yet
 *   sink_begin(&sink, &report);             cuts it back, or starts afresh
 *   loop: sink_flush(&sink, &stop, &report);
 *   at a close: sink_pack(&sink, …);        before a commit: sink_flush(), sink_take_sync()
 *
 * A sink whose path depends on the item has many files, which sink_parts.h looks after; the calls are the same.
 *
 * A run checks all its sinks before it begins one: a refused run has changed none of them, and
 * sink_discard() takes away the files that it made.
 */
#ifndef FLOW_SINK_H
#define FLOW_SINK_H

#include "committer.h"
#include "connector.h"
#include "flow/abi.h"
#include "position.h"
#include "report.h"
#include "sink_parts.h"
#include "stop.h"
#include "sys.h"

struct sink {
  const struct flow_sys *sys;
  const struct flow_sink_desc *desc;
  const struct flow_connector *connector;
  struct flow_sink *out; /* the worker's side */
  char *location;        /* owned; "stdout"; with parts, what the paths begin with */
  struct sink_parts *parts; /* null: one file or stream */
  uint16_t id;           /* in the store */
  int fd;
  bool owns_fd, is_stream;
  bool is_created;        /* its name may not be on the disk yet */
  bool is_new;            /* this run made the file */
  bool starts_afresh;     /* what sink_check() found */
  bool is_paced;          /* written in small pieces, because a write may wait for a reader */
  uint64_t device, inode; /* of a regular file */
  uint64_t written;       /* bytes that were accepted, over all runs */
  uint64_t closed; /* bytes up to the last closed epoch, some of them perhaps in the buffer */
  uint64_t closed_rows;
  uint64_t suppressed;        /* a replay's bytes that a stream has had already */
  bool is_dirty;              /* written since a commit last took it over */
  bool is_broken;             /* the reader of the pipe is gone */
  bool is_blocked;            /* took nothing until the deadline after a signal */
  char tail[POSITION_SAMPLE]; /* the last bytes before `written`, of a regular file */
  size_t tail_length;
  bool must_commit; /* begun again: the stored length is wrong until the next commit */
  bool is_stored;   /* the store has the row */
  uint64_t stored_length, stored_check;
  char *stored_place;
};

/* What the store keeps of a sink. */
const struct flow_type *sink_key_type(const struct flow_sink_desc *);
const struct flow_type *sink_value_type(const struct flow_sink_desc *);

/* Opens the target (location is copied; null: stdout). A FIFO is waited for until it has a reader,
 * or until a signal comes: then FLOW_E_CREATE. FLOW_E_CREATE, too, if opening fails. */
enum flow_status sink_open(struct sink *, const struct flow_sys *, const struct flow_sink_desc *,
                           const struct flow_connector *, const char *location,
                           struct flow_sink *out, struct stop *, struct flow_report *);

/* Locks a regular file for the run; FLOW_E_LOCKED if another process writes it, or has just taken
 * its name away. It is apart from opening, because two sinks of one flow on one file are another
 * mistake, which is found between. */
enum flow_status sink_lock(struct sink *, struct flow_report *);

/* Opens the file at `location` for sink_load(), sink_check() and sink_check_former() only: it is not
 * written, made or locked, and one that is missing counts as empty. sink_close() ends it. */
enum flow_status sink_open_to_look(struct sink *, const struct flow_sys *,
                                   const struct flow_sink_desc *, const char *location,
                                   struct flow_sink *out, struct flow_report *);

void sink_close(struct sink *);

/* Takes a row of the store; then, the number of the next row. */
enum flow_status sink_load(struct sink *, uint64_t row, const void *key, size_t key_length,
                           const void *value, size_t length, struct flow_report *);
void sink_loaded(struct sink *, uint64_t next_row);
/* Then a row as it was before epochs were given up; only with parts. */
void sink_given_up(struct sink *, const void *key, size_t key_length, const void *value,
                   size_t value_length);

/* Verifies that the target holds what was committed (rule 10), and the header that its rows would
 * have now, unless it starts afresh: if nothing was committed, or `restarts`. FLOW_E_MISMATCH if it
 * was edited or rotated. */
enum flow_status sink_check(struct sink *, bool restarts, struct flow_report *);

/* For a sink that is new in the program and about to start afresh: refuses with FLOW_E_MISMATCH if its
 * file is what another sink has written, which is not in the program any more. `value` is the stored
 * row of that one, `name` its name. */
enum flow_status sink_check_former(struct sink *, const char *name, const void *value, size_t length,
                                   struct flow_report *);

/* Makes the target what it was at the last commit: cut back, or empty if it starts afresh. */
enum flow_status sink_begin(struct sink *, struct flow_report *);

/* The run is refused before sink_begin(): removes the file if this run made it and nobody has
 * written to it. sink_close() has to follow. */
void sink_discard(struct sink *);

/* Whether the buffer is worth to be written between two batches. */
bool sink_is_full(const struct sink *);

/* The store has to be told of what sink_begin() did. */
bool sink_must_commit(const struct sink *);

/* The rows that the buffer holds from byte `at` on. */
uint64_t sink_rows_from(const struct sink *, size_t at);

/* Writes the buffer out. FLOW_E_IO or FLOW_E_FULL; is_broken and is_blocked tell special cases. */
enum flow_status sink_flush(struct sink *, struct stop *, struct flow_report *);

/* True if bytes or the name of a file are not yet durable; then *sync says what the commit has to
 * make so, and the sink counts it as done: a commit that fails ends the run. To be called until it is false. */
bool sink_take_sync(struct sink *, struct commit_sync *sync);

/* Appends the store's rows for the bytes so far, buffered ones included: an epoch closes here. With parts
 * these are written first. */
enum flow_status sink_pack(struct sink *, struct flow_buf *out, struct flow_report *);

/* Goes back to the last closed epoch, for a replay (`replays`: a stream then drops the bytes that
 * it has written since) or for good. The buffer must have been flushed. */
enum flow_status sink_rewind(struct sink *, bool replays, struct flow_report *);

#endif
