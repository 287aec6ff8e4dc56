/* A block in flight: its bytes, and everything that its records make until it leaves.
 *
 * Each worker has a lane in it: an arena for all transient values, boxes for rows that cross to other
 * workers, and for each phase the output of each sink. Nothing in a lane is shared while it is being
 * written: the phases of schedule.h say who reads it when. So a row crosses without a lock and without a
 * copy of what it points to, and a block's memory is given back at once when it retires.
 *
 * Order. A row that crosses, and a row of a sink, carries a path (flow/abi.h). Each box, and each
 * output of a phase and a lane, holds rows in rising order of their paths; an inbox, and the merge of
 * a sink, take from several of them the smallest next.
 *
 *   flight_reserve(f, size);                      then the bytes come to f->bytes; block, number
 *   flight_enter(f, &worker, index, 0);           then the source's run function: a parse
 *   flight_enter(f, &worker, index, phase);       then exchange->take(&worker, flight_inbox(f, index, phase))
 *   flight_leave(&worker);
 *   flight_merge(f);                              then f->outputs[sink] has the block's bytes
 *   flight_end(f);                                empty, ready for another block
 */
#ifndef FLOW_FLIGHT_H
#define FLOW_FLIGHT_H

#include "flow/abi.h"
#include "marks.h"
#include "sys.h"

/* What flights of one run have in common. */
struct flight_shape {
  const struct flow_sys *sys;
  const struct flow_exchange *exchanges;
  uint32_t exchange_count, path_length;
  uint32_t worker_count;
  uint32_t sink_count;      /* with one more for `inspect` */
  uint32_t mark_count;
  bool parses_in_order;     /* so the watermarks are known when a block is parsed */
  /* Fires what is due in the state of an exchange, behind the rise; `path` has room for a path. */
  void (*fire)(struct flow_worker *, const struct flow_exchange *, uint32_t rise, uint32_t *path);
  const bool *is_unordered; /* by sink: its rows need no merge */
};

struct flight {
  const struct flight_shape *shape;
  char *bytes;     /* of the block, FLOW_PADDING zeros behind them; owned */
  size_t capacity; /* without the padding */
  struct flow_block block;
  uint32_t number;          /* of the block in its epoch */
  struct lane **lanes;      /* by worker */
  struct flow_buf *outputs; /* by sink: merged */
  uint64_t *rows;           /* by sink: rows in outputs */
  struct flow_buf rises; /* of watermarks: struct mark_rise, in order */
  int64_t *marks;        /* as of the block's first record */
  int64_t *old_marks;    /* as of the end of the block before: the same, unless has_ended */
  bool has_ended;        /* a source that held a watermark back has ended right before the block */
  uint64_t
      limit; /* records of the block that count; UINT64_MAX, as at first: all. Set before the merge */
};

/* Makes room for everything; ends the program if there is no memory. The shape must outlive it. */
void flight_init(struct flight *, const struct flight_shape *);
void flight_free(struct flight *);

/* Makes room for `size` bytes and their padding, without keeping what is there. */
void flight_reserve(struct flight *, size_t size);

/* From here on the worker works for this flight: arena, sinks, lane, order, record and step are set. `phase`
 * 0 is the parse; phase p is exchange p - 1. */
void flight_enter(struct flight *, struct flow_worker *, uint32_t worker, uint32_t phase);
/* The rises of the block, when it was parsed; count through *count. */
const struct mark_rise *flight_rises(const struct flight *, size_t *count);

/* Afterwards the worker has no lane. */
void flight_leave(struct flow_worker *);

/* The rows that have come for the worker in this phase, in order. It is good until the next call for
 * the worker. All earlier phases of the block must be over on all workers. */
struct flow_inbox *flight_inbox(struct flight *, uint32_t worker, uint32_t phase);

/* Puts the rows of every sink in order, and joins them in `outputs`; rows of records from `limit` on are
 * left out. Where only one lane has rows of a sink, its buffer is taken as it is. */
void flight_merge(struct flight *);

/* Empties everything. Memory is kept for the next block, up to FLIGHT_KEEP bytes a buffer. */
void flight_end(struct flight *);
#define FLIGHT_KEEP ((size_t)4 << 20)

/* Compares two paths of `length` words: < 0, 0, > 0. */
int flight_compare_paths(const uint32_t *a, const uint32_t *b, uint32_t length);

/* Bytes of memory that the flight holds, for the limit on what is in flight: when no worker is in it. */
size_t flight_bytes(const struct flight *);

#endif
