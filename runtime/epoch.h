/* When epochs close and when they are committed: rules over plain data, without clock or I/O.
 *
 * An epoch is a run of consecutive blocks. It is open from its first record on, closes when one of
 * the reasons below holds, and is committed alone or together with others. The engine tells what
 * happened (an event and the time), and does what the answer says: nothing, close, or close and
 * commit. `struct epoch` holds the counters of the open epoch and of the closed ones that wait.
 *
 * Commits run beside the input, one at a time. While one is in flight, neither the interval nor a
 * quiet source asks for another: epochs and groups become longer instead, as long as the disk
 * needs. Only what must not grow without a bound asks all the same, and then waits for the disk.
 *
 *   struct epoch epoch;
 *   epoch_init(&epoch, last_committed_number, last_now_us);
 *   epoch_open(&epoch, realtime_us, monotonic_us);
 *   block.budget = epoch_budget(&epoch, &policy);
 *   … run the block …
 *   epoch_count(&epoch, records, rejected);
 *   unsigned todo = epoch_decide(&epoch, &policy, EPOCH_BLOCK, monotonic_us);
 *   if (todo & EPOCH_CLOSE) { … pack … epoch_closed(&epoch, packed_bytes); }
 *   if (todo & EPOCH_COMMIT) { … hand over … epoch_submitted(&epoch, monotonic_us); }
 *   when the commit is done: epoch_committed(&epoch);
 */
#ifndef FLOW_EPOCH_H
#define FLOW_EPOCH_H

#include <stdbool.h>
#include <stdint.h>

/* Packed bytes of closed epochs that wait for their group's commit. With an epoch per record, a second
 * of input could hold gigabytes. So beyond EPOCH_READY_BYTES the group commits as soon as no commit
 * is under way: what the newest group takes on the disk stays small beside the state. Beyond
 * EPOCH_HELD_BYTES it commits at any rate, and waits for the one before. */
#define EPOCH_READY_BYTES ((uint64_t)8 << 20)
#define EPOCH_HELD_BYTES ((uint64_t)64 << 20)

/* Closed epochs in one group. Each has a record of its own, and one transaction holds them all. */
#define EPOCH_HELD_COUNT 8192

/* What the options say. */
struct epoch_policy {
  uint64_t records;    /* --epoch-records: an epoch closes with its Nth record; 0: no such limit */
  int64_t interval_us; /* --snapshot-interval: commit at least this often while there is input */
  bool is_immediate;   /* --snapshot-mode immediate: close and commit as soon as anything is new */
};

enum epoch_event {
  EPOCH_BLOCK,    /* a block, or the part of it that the budget allowed, was run */
  EPOCH_QUIET,    /* a live source has had nothing new for a while, or time passes without input */
  EPOCH_PRESSURE, /* a source holds as many raw bytes of the open epoch as it may */
  EPOCH_END,      /* end of input, a stop at a record, SIGTERM: nothing follows */
};

enum epoch_todo {
  EPOCH_GO_ON = 0,
  EPOCH_CLOSE = 1,  /* something has happened in the open epoch: close it */
  EPOCH_COMMIT = 2, /* then commit all closed ones, behind the commit in flight if there is one */
  EPOCH_WAIT = 4,   /* then wait until nothing is in flight */
};

struct epoch {
  int64_t number;   /* of the open epoch, or of the next one if none is open */
  int64_t now_us;   /* its now(); of the last one if none is open */
  bool is_open;     /* has seen a block, or time has passed in it */
  bool has_ticked;  /* timers have fired at its start: it closes also without a record */
  uint64_t records; /* source records in it, rejected ones included */
  uint64_t rejected;
  uint64_t held_count; /* closed, their commit has not begun */
  uint64_t held_bytes;
  bool is_committing;    /* a group is in flight */
  int64_t interval_from; /* monotonic: the last commit began, or something new came after it */
};

/* `last_number` is the newest committed epoch (-1: none), `last_now_us` its now(), in microseconds
 * since 1970: now() never goes back, also over runs. */
void epoch_init(struct epoch *, int64_t last_number, int64_t last_now_us);

/* Before a block is run: opens an epoch if none is open, and chooses its now(). Times are the
 * clock's (microseconds since 1970) and the monotonic one. */
void epoch_open(struct epoch *, int64_t realtime_us, int64_t monotonic_us);

/* Records that may be run before epoch_decide() has to be asked again; at least 1. */
uint64_t epoch_budget(const struct epoch *, const struct epoch_policy *);

/* Timers have fired at the start of the open epoch. */
void epoch_tick(struct epoch *);

/* True if nothing has happened in the open epoch, or none is open: the next now() may be chosen. */
bool epoch_is_empty(const struct epoch *);

/* Adds what a block consumed. */
void epoch_count(struct epoch *, uint64_t records, uint64_t rejected);

/* What is to be done after an event at monotonic time `now_us`: a set of enum epoch_todo. CLOSE is
 * only asked for if the open epoch has records or timers fired in it (an empty one takes no number). */
unsigned epoch_decide(const struct epoch *, const struct epoch_policy *, enum epoch_event,
                      int64_t now_us);

/* Monotonic time at which EPOCH_QUIET has to be reported if no input comes before, so that the
 * interval is kept; INT64_MAX if nothing waits for a commit, or only for the one in flight. */
int64_t epoch_deadline(const struct epoch *, const struct epoch_policy *);

/* The open epoch was closed, and `bytes` of it are held until the commit. */
void epoch_closed(struct epoch *, uint64_t bytes);

/* The commit of all closed epochs has begun; none was in flight. */
void epoch_submitted(struct epoch *, int64_t monotonic_us);

/* The commit in flight is done. */
void epoch_committed(struct epoch *);

/* The open epoch is given up; its number will be used again. Its now() stays, for a replay. */
void epoch_discard(struct epoch *);

#endif
