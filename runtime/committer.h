/* Commits beside the run: a thread of its own, the store thread, makes closed epochs durable.
 *
 * The engine packs closed epochs into a group and hands the group over; it gets an empty one back,
 * with the memory of the group before, and goes on at once. The thread syncs the files of the
 * sinks, commits the group in one transaction, and folds old epochs while it has nothing else to
 * do. One group is in flight: the next submission waits for it, so whoever does not want to wait
 * looks first and lets the epoch become longer.
 *
 *   committer_start(sys, store, &committer, &report);     from here on the thread has the store
 *   struct commit_group group = {0};
 *   loop: commit_group_open(&group, sys, info);           an epoch closes
 *         commit_group_open_part(&group, sys, id);        its changes, id by id
 *         … append entries to group.data …
 *         commit_group_close_part(&group);
 *         committer_submit(committer, &group, &report);   and on with the input
 *         committer_is_done(committer)                    may the next group go?
 *   committer_wait(committer, &report);                   the store is the caller's again,
 *   flow_store_load(store, …);                            until the next submission
 *   committer_stop(committer);
 *
 * A third thread may read the store between two pieces of work: committer_borrow() and
 * committer_give_back(), some milliseconds later.
 *
 * A failed sync, commit or fold is for ever: the next call that returns a status returns it, with
 * its message, and nothing more is committed. All other functions are for one thread, the engine's.
 */
#ifndef FLOW_COMMITTER_H
#define FLOW_COMMITTER_H

#include "flow/value.h"
#include "report.h"
#include "store.h"
#include "sys.h"

/* A closed epoch. Its parts are parts[first … first + count) of the group. */
struct commit_epoch {
  int64_t number, now_us;
  uint64_t records_in, records_out, records_rejected;
  size_t first, count;
};

/* The changed rows of one id: bytes [at, at + length) of the group's data, or of a share's. */
struct commit_part {
  uint16_t id;
  uint32_t share; /* 0: of `data`; k: of shares[k - 1] */
  size_t at, length;
};

/* A file that has to be durable before the epochs that speak of it. */
struct commit_sync {
  int fd;               /* -1: it is opened for this, because the sink has many files */
  const char *location; /* of the sink, which outlives the commit */
  bool is_created;      /* its name has to be durable, too */
  size_t fixed_length;  /* and those of the directories behind so many bytes of it; with an fd: none */
};

/* Closed epochs that are committed together. All zeros is an empty group. */
struct commit_group {
  struct commit_epoch *epochs;
  size_t epoch_count, epoch_capacity;
  struct commit_part *parts;
  size_t part_count, part_capacity;
  struct commit_sync *syncs;
  size_t sync_count, sync_capacity;
  struct flow_buf data;
  struct flow_buf *shares; /* what several workers pack at the same time, each into its own */
  uint32_t share_count;
};

/* Adds an epoch without parts. The pointer is good until the next epoch is added. */
struct commit_epoch *commit_group_open(struct commit_group *, const struct flow_sys *,
                                       const struct commit_epoch *);
/* Begins a part of the newest epoch: what is appended to `data` from here on belongs to it. */
void commit_group_open_part(struct commit_group *, const struct flow_sys *, uint16_t id);
/* Ends it; a part without changes is dropped. */
void commit_group_close_part(struct commit_group *);
/* Makes sure that there are buffers of `count` shares. */
void commit_group_reserve_shares(struct commit_group *, const struct flow_sys *, uint32_t count);
/* Adds a part that was appended to the buffer of a share at `at`, and is its end now; nothing if it is empty. */
void commit_group_add_part(struct commit_group *, const struct flow_sys *,
                           const struct commit_part *);
/* Bytes of all buffers. */
size_t commit_group_bytes(const struct commit_group *);
void commit_group_add_sync(struct commit_group *, const struct flow_sys *,
                           const struct commit_sync *);
/* Empties it and keeps its memory. */
void commit_group_clear(struct commit_group *);
void commit_group_free(struct commit_group *, const struct flow_sys *);

struct committer;
struct stop;

/* Starts the thread. The store must outlive it, and is the thread's until committer_wait(). While a call
 * waits for the thread, it looks at `stop` (null: at nothing): a run that shall stop does not wait for
 * a fold. FLOW_E_MEMORY or FLOW_E_IO if the system refuses a thread. */
enum flow_status committer_start(const struct flow_sys *, struct flow_store *, struct stop *stop,
                                 struct committer **, struct flow_report *);

/* Hands over a group of at least one epoch, and gives back an empty one in its place. Waits while
 * another one is in flight. What the epochs' sinks had to write must have been written. */
enum flow_status committer_submit(struct committer *, struct commit_group *, struct flow_report *);

/* True if no group is in flight: it was committed, or failed. */
bool committer_is_done(struct committer *);

/* The failure, if there was one. */
enum flow_status committer_status(struct committer *, struct flow_report *);

/* Becomes readable when the group in flight is done, and stays so until committer_is_done() was
 * asked: for wait() of the system table. */
int committer_wake_fd(const struct committer *);

/* Waits until the thread does nothing more. The caller may use the store until it submits or
 * releases it. */
enum flow_status committer_wait(struct committer *, struct flow_report *);

/* The engine does not use the store for now, so others may borrow it; nothing is folded either. */
void committer_release(struct committer *);

/* Takes the store for a short time: commits wait meanwhile. Waits until nobody else uses it. Null after a
 * failure, without anything to give back. */
struct flow_store *committer_borrow(struct committer *);
void committer_give_back(struct committer *);

/* `committed` is called on the store thread after each commit, from now on. */
void committer_watch(struct committer *, void (*committed)(void *context), void *context);

/* From here on nothing is folded behind a commit: the run is to end soon, and the next one folds. */
void committer_hurry(struct committer *);

/* Finishes the group in flight, ends the thread and frees all. Null is fine. */
void committer_stop(struct committer *);

#endif
