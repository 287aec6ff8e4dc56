/* The engine: what a run is made of, shared by the engine_*.c files and by nobody else.
 *
 *   engine.c         flow_main(), set-up, the loop, the end
 *   engine_resume.c  opening the store, loading positions, lengths and state
 *   engine_epoch.c   closing and committing epochs
 *   engine_fault.c   stops at a record: bad records, faults, `else stop`; replay
 *   engine_backup.c  the backup: restoring before the store is opened, shipping beside the run
 *   engine_hooks.c   `on epoch`, `on end`, and the ids of new rows: what goes over all shares
 *   engine_timers.c  `expires` and `on at`: what fires when time passes
 *   crew.c           blocks in flight, with several workers
 *   engine_abi.c     the functions that generated code calls
 *
 * Everything is in struct engine. Its `worker` runs blocks, replays and hooks on the thread of
 * flow_main(), one record after another; with several workers it acts for whoever owns a key, and
 * the crew's workers run blocks in flight. A generated function that gives up a record jumps back to
 * engine_run() (`catcher.jump`), and nothing else jumps. With a state directory the committer has a
 * thread, and the store is the committer's but for the times after engine_commit().
 */
#ifndef FLOW_ENGINE_H
#define FLOW_ENGINE_H

#include "backup.h"
#include "committer.h"
#include "epoch.h"
#include "flow/abi.h"
#include "marks.h"
#include "message.h"
#include "options.h"
#include "report.h"
#include "sequencer.h"
#include "sink.h"
#include "source.h"
#include "stop.h"
#include "store.h"

#include <setjmp.h>

enum give_up { GIVE_UP_NONE, GIVE_UP_FAULT, GIVE_UP_STOP };

/* Where a worker's generated code jumps to when it gives up a record, and why it did. The worker's
 * `engine` points to it. */
struct catcher {
  struct engine *engine;
  jmp_buf jump;
  enum give_up gave_up;
  char *reason; /* a copy that outlives the arena */
  const struct flow_site *site;
};

struct totals {
  uint64_t records_in, records_rejected, records_out, records_late, epochs;
};

static inline void tally_add(struct flow_tally *to, const struct flow_tally *from) {
  to->rejected += from->rejected;
  to->late += from->late;
}

/* Tests fix now() with FLOW_CLOCK=START+STEP in the environment: epoch N begins at START + N * STEP,
 * in microseconds, so that a run that was killed and resumed sees the same times. */
struct virtual_clock {
  bool is_used;
  int64_t start_us, step_us;
};

struct engine {
  const struct flow_sys *sys;
  const struct flow_program *program;
  struct options options;
  void *params;
  struct flow_worker worker;
  struct catcher catcher;    /* the worker's */
  struct flow_share *shares; /* of all workers; the worker's own is the first */
  struct crew *crew;         /* null: one worker */
  uint32_t worker_count;
  bool has_on_epoch;             /* some state has such a hook */
  bool has_timers;               /* some state has `expires` or `on at` by the start of the epoch */
  bool has_end;                  /* at the end of the input something may be to be done */
  struct marks marks;
  bool has_marks_ended;          /* some watermark holds nothing back any more, since the last block */
  bool has_begun;                /* a sink was cut back or emptied */
  struct source_settings settings;
  struct source *sources; /* in the order of the program */
  struct sink *sinks;
  struct sequencer_partition *partitions;
  int32_t last_turn;
  struct sequencer_log log; /* of the open epoch; kept with a store only */
  struct epoch epoch;
  struct epoch_policy policy;
  struct stop stop;

  struct flow_store *store;  /* null: state is in memory */
  struct flow_store_id *ids; /* sources, sinks, states, and `on end` if there is one */
  struct flow_type *value_types; /* of the states; what `expires` begins with counts from this run on */
  uint16_t *numbers;
  uint32_t id_count;
  int64_t resumed_at; /* the newest epoch when the run began; -1: none */
  int64_t taken_back; /* the newest epoch before --resume-epoch gave some up; else resumed_at */
  int64_t ended_at;   /* the newest epoch if `on end` has run and no record came since; or less */
  char *migrated;     /* what the store did to old types; null: nothing */
  struct flow_buf given_up; /* rows of sinks with parts before --resume-epoch: id, key, value */

  struct backup *backup;       /* null: none was asked for */
  struct commit_group held;    /* closed epochs, on their way to the committer */
  struct committer *committer; /* null without a store, and while the run is being set up */

  struct flow_block block; /* that is being run */
  struct source *block_source;
  enum flow_status flush_status; /* of the flushes between batches */

  struct flow_tally tally_closed; /* the worker's as of the last closed epoch */
  uint64_t rows_closed;     /* rows of all sinks then */
  int64_t idle_since_us;    /* monotonic; 0: input is flowing */
  int64_t started_us;
  struct virtual_clock clock; /* of tests */
  struct totals totals; /* of closed epochs */
  int exit_code;        /* if a message was printed already */
  struct flow_report report;
};

/* -- engine.c */

/* flow_main() on a system of the caller's choice, which must outlive the call. */
int engine_main(const struct flow_sys *, const struct flow_program *, int argc, char **argv);

/* Records of the source were run in the open epoch. */
void engine_count(struct engine *, const struct source *, uint64_t records, uint64_t rejected);

/* The time, in microseconds since 1970, that an epoch would have as its now() if it began at once. */
int64_t engine_clock(const struct engine *);

/* -- engine_resume.c */

/* Opens the store (if there is a state directory), sources and sinks, and loads what was committed.
 * */
enum flow_status engine_resume(struct engine *);
/* engine_resume() refused the run: takes away the state directory and the sinks' files if this run
 * made them. Sinks that were begun stay as they are. */
void engine_discard(struct engine *);
/* Makes empty tables and heaps for all shares, and frees them. */
void engine_make_state(struct engine *);
void engine_drop_state(struct engine *);
/* Drops the state in memory and loads the newest committed one. */
enum flow_status engine_reload_state(struct engine *);

/* -- engine_epoch.c */

/* Opens an epoch if none is open, and tells the worker. */
void engine_open_epoch(struct engine *);
/* The same before a record: a new epoch begins with the timers that are due. */
enum flow_status engine_begin_epoch(struct engine *);
/* Does what epoch_decide() says after an event. */
enum flow_status engine_settle(struct engine *, enum epoch_event);
/* Closes the open epoch: hooks (with on_end if `ends`), then its changes are packed. FLOW_E_FAULT:
 * a hook failed; the epoch is given up and its message was printed. */
enum flow_status engine_close_epoch(struct engine *, bool ends);
/* Commits the closed epochs, behind their output, and waits until that is done: then the store may
 * be used. */
enum flow_status engine_commit(struct engine *);
/* Looks whether the commit in flight is done; its failure is found here. */
enum flow_status engine_look_at_commit(struct engine *);
enum flow_status engine_flush(struct engine *);
uint64_t engine_rows_out(const struct engine *);

/* -- engine_fault.c */

/* Runs the program's code on the block until its budget is used up. Returns false if a record was
 * given up (gave_up, failure_*). */
bool engine_run(struct engine *, const struct flow_source_desc *, enum flow_run *);
/* Runs the hooks of an epoch that closes in the same way; those of the end, too, if it `ends`. */
bool engine_run_hooks(struct engine *, bool ends);
/* The block ended at a bad record under `else stop`: closes, commits, says so. */
enum flow_status engine_stop_at_bad_record(struct engine *);
/* A record was given up; `from` is where the last run of the block began, `first` the number of
 * records of the epoch before it. Ends the run before that record. */
enum flow_status engine_stop_at_failure(struct engine *, const char *from, uint64_t first);
/* A record of a block in flight was given up: the catcher says why. What comes before has been put
 * out and counted (without a store), or will be run again. The block lies in `block`, as it began;
 * worker.record is the record's number in the epoch, and `record` the one in the block. */
enum flow_status engine_stop_in_flight(struct engine *, uint64_t record);
/* A hook was given up, at the start of the open epoch or at its end: what the epoch did is dropped. */
enum flow_status engine_stop_at_hook(struct engine *, bool is_start);

/* -- engine_backup.c */

/* With --backup: makes the state directory from the backup if there is no state in it. */
enum flow_status engine_restore(struct engine *);
/* Nothing may be folded away until it is known what the backup has. */
void engine_hold_store(struct engine *);
/* Starts shipping, behind the committer. */
enum flow_status engine_start_backup(struct engine *);
/* At the end of a run that was not told to stop: waits until all is shipped. */
enum flow_status engine_finish_backup(struct engine *);

/* -- engine_timers.c, event time */

/* Fires what is due by the watermarks as they are; what flow_mark_fire_due() says holds. */
void engine_fire_marks(struct engine *);
/* At the end of the input: fires all in the state that has a deadline by a watermark, and raises the watermarks
 * so that later items find it done. May jump. */
void engine_flush_marks(struct engine *, uint32_t state);
/* Fires what is due in the state of the exchange, in a lane, behind the rise of a watermark: its path is
 * written to `path`. May jump. */
void engine_fire_in_lane(struct flow_worker *, const struct flow_exchange *, uint32_t rise, uint32_t *path);

/* -- engine_hooks.c */

/* Runs the `on epoch` hooks of all states for the rows that were touched, in the order of their first
 * touch. May jump. */
void engine_on_epoch(struct engine *);
/* The end of the input: for each state, what has a deadline by a watermark fires, and then its hook `on end` runs
 * for all rows, in the order of their creation. May jump. */
void engine_on_end(struct engine *);
/* Gives the rows that were made in this epoch their lasting ids, in the order of their creation. */
void engine_number_rows(struct engine *);
/* The worker acts for the owner of a share; for its own again, also after a jump. */
void engine_enter_share(struct engine *, uint32_t share);
void engine_leave_shares(struct engine *);
/* Behind each hook, `*count` of which have run: nothing transient is alive. */
void engine_end_hook(struct engine *, uint64_t *count);

/* -- engine_timers.c */

/* Fires what is due at now(), at the start of the open epoch. `is_again`: it is run again, and the same streams
 * are idle as the first time. FLOW_E_FAULT: a hook failed; the epoch is given up and its message was printed. */
enum flow_status engine_fire_timers(struct engine *, bool is_again);
/* While there is no input: if something is due, an epoch begins, fires it, and closes. `*wait_us` is how
 * long to wait for the next deadline at most; INT64_MAX: there is none. */
enum flow_status engine_pass_time(struct engine *, int64_t *wait_us);
/* Finds the deadlines of rows that were loaded. */
void engine_load_timers(struct engine *);

/* -- engine_abi.c */

/* Prints what `inspect` collected. */
void engine_flush_inspected(struct engine *);
/* Prints text on stderr. */
void engine_print(struct engine *, const struct flow_buf *text);

/* -- summary.c */
void summary_print(struct engine *, bool flushed_at_end);

#endif
