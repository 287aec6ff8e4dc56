/* The one sequence of a run: which partition gives the next block, and the log of what was
 * admitted.
 *
 * Rule 2 of the semantics. A bounded partition is cut into stripes at multiples of 64 KiB of its
 * own byte offsets; a record belongs to the stripe in which it starts. Partitions take turns by
 * stripe, then by declaration order of their sources. So the next partition is a function of the
 * positions alone: block sizes, stops and resumes do not change the sequence. Live partitions join
 * in the order in which their input is there; the log then says what the order was. Bounded ones that
 * are only looked up (rule 43) come before all others, as long as they have something.
 *
 * The log of the open epoch lists the admitted pieces. With it the engine replays an epoch up to a
 * record (faults, rule 15) without asking sources for "more", and later it is what workers read.
 *
 *   struct sequencer_turn turn = sequencer_next(partitions, count, &state);
 *   if (turn.partition >= 0) … take records that start before turn.limit …
 *   flow_status status = sequencer_log_add(&log, &admitted);
 */
#ifndef FLOW_SEQUENCER_H
#define FLOW_SEQUENCER_H

#include "sys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A language constant: it decides the order of records of several inputs, so it never changes. */
#define SEQUENCER_STRIPE 65536u

enum partition_state {
  PARTITION_READY, /* at least one record can be taken without waiting */
  PARTITION_IDLE,  /* live: nothing now, perhaps later */
  PARTITION_END,   /* no more records in this run */
};

struct sequencer_partition {
  enum partition_state state;
  bool is_live;
  uint64_t offset; /* bounded: bytes of the partition before its next record */
  bool is_first;   /* bounded: what it has comes before the others */
};

struct sequencer_turn {
  int32_t partition; /* index, or -1: nothing is ready */
  uint64_t limit;    /* records that start before this offset belong to the turn */
};

/* Chooses the partition of the next block. Partitions are in the order of declaration. `last` is
 * the sequencer's memory between calls (start with -1): ready live partitions and the bounded ones
 * as a whole take turns, so that none starves. */
struct sequencer_turn sequencer_next(const struct sequencer_partition *, uint32_t count,
                                     int32_t *last);

/* A piece of input that was run: whole records of one file. */
struct sequencer_entry {
  uint32_t partition;
  uint32_t file;   /* number of the file in its source */
  uint64_t offset; /* of its first byte in the file */
  uint64_t length; /* bytes */
  uint64_t line;   /* 1-based, of its first byte */
  uint64_t records;
  bool is_open;     /* its last record has no line end */
  bool is_too_long; /* it is one record over the limit; the rest of its line is part of length */
};

struct sequencer_log {
  const struct flow_sys *sys;
  struct sequencer_entry *entries;
  size_t count, capacity;
};

/* Appends an entry; pieces of a file that follow each other become one. False: no memory. */
bool sequencer_log_add(struct sequencer_log *, const struct sequencer_entry *);

/* Forgets all entries: an epoch was closed. */
void sequencer_log_clear(struct sequencer_log *);

/* Gives the memory back. */
void sequencer_log_free(struct sequencer_log *);

#endif
