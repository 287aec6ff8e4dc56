/* The watermarks of a run, one for each `time by` (flow/mark.h): as of the record that is next, and what of
 * them is saved.
 *
 * A source that has ended must not hold back a state that has others, so its watermark counts as FLOW_NEVER from
 * there on; the real one is kept, for the next run goes on with it.
 *
 * With `idle after D`, a stream that waits for input and has had none for D leaves in the same way, until it has
 * a record again. That is looked at only when an epoch begins, by its now(): so it belongs to the epoch, like what
 * `expires` does without a `time by`. A bounded input that waits for its turn is not idle, whatever the clock says.
 * What happens after an outage is the same: input that is there is read before its stream can be idle.
 *
 *   marks_init(&m, sys, program->marks, program->mark_count);
 *   marks_leave(&m, partitions, now_us);     when an epoch begins
 *   marks_return(&m, partition);             before each block
 *   marks_end(&m, partitions);
 *   … generated code raises m.now[i] …
 *   marks_see(&m, partition, now_us);        behind it
 *   marks_pack(&m, out);                     when an epoch closes
 */
#ifndef FLOW_MARKS_H
#define FLOW_MARKS_H

#include "flow/mark.h"
#include "report.h"
#include "sequencer.h"
#include "sys.h"

/* A rise of a watermark inside a block in flight. */
struct mark_rise {
  uint32_t word;   /* first of its path */
  uint32_t record; /* of the block */
  uint32_t mark;
  int64_t us;
};

struct marks {
  const struct flow_sys *sys;
  const struct flow_mark_desc *descs;
  uint32_t count;
  int64_t *now;    /* INT64_MIN: no record yet; FLOW_NEVER: it holds nothing back, as it has ended or is idle */
  int64_t *row;    /* as rows find them: `now`, except while something fires (flow/mark.h) */
  bool *is_out;    /* it holds nothing back */
  bool *is_idle;   /* for that reason */
  bool *was_idle;  /* when the open epoch began */
  bool *has_left;  /* it has become so then */
  int64_t *real;   /* of those that are out: the real one */
  int64_t *idle_us; /* FLOW_NEVER: never idle */
  int64_t *seen_us; /* with `idle after`: now() of the epoch of its last record; INT64_MIN: not known yet */
  int64_t *saved;  /* as of the last packed epoch: of all marks, then when they were seen */
  int64_t *rows;   /* of the store, for the same; -1: none yet */
  int64_t next_row;
  bool has_idle;   /* some stream can be idle */
};

void marks_init(struct marks *, const struct flow_sys *, const struct flow_mark_desc *, uint32_t count);
void marks_free(struct marks *);

/* Asks the descriptions for `idle after`, by the worker's params. Streams that meet no other are never idle. */
void marks_set_idle(struct marks *, struct flow_worker *);

/* Back to where nothing is known; marks_load_row() follows for each saved one. */
void marks_clear(struct marks *);

/* Takes a row of the store. FLOW_E_CORRUPT if it is none. */
enum flow_status marks_load_row(struct marks *, uint64_t row, const void *key, size_t key_length,
                                const void *value, size_t value_length, struct flow_report *);

/* Appends the rows that changed since the last time. */
void marks_pack(struct marks *, struct flow_buf *out);

/* What had to fire has fired: rows find the watermarks as they are now. */
void marks_settle(struct marks *);

/* The watermark as the next run wants it, out or not. */
int64_t marks_real(const struct marks *, uint32_t mark);

/* Raises a watermark, out or not. */
void marks_raise(struct marks *, uint32_t mark, int64_t us);

/* The input of the stream has ended; and whether that was said. */
void marks_end_one(struct marks *, uint32_t mark);
bool marks_has_ended(const struct marks *, uint32_t mark);

/* Notes whose sources have all ended: those of which all partitions did. True if that is new for one. */
bool marks_end(struct marks *, const struct sequencer_partition *);

/* At the start of an epoch: streams that wait for input and have had none for long leave, by its now(). True if
 * one does: then something may be due. With null for partitions the same streams leave as at the start of the open
 * epoch: it is run again, after marks_clear(). */
bool marks_leave(struct marks *, const struct sequencer_partition *, int64_t now_us);

/* When the next stream that waits for input would leave; FLOW_NEVER: none. */
int64_t marks_next_leave(const struct marks *, const struct sequencer_partition *);

/* The source has a record, in an epoch with this now(). */
void marks_see(struct marks *, uint32_t source, int64_t now_us);

/* A block of the source comes: its streams are idle no longer. */
void marks_return(struct marks *, uint32_t source);

/* The end of the run: no stream is out any longer. */
void marks_return_all(struct marks *);

/* Raises the meetings to the least of their parts, so that they keep it. */
void marks_keep(const struct flow_mark_desc *, uint32_t count, int64_t *marks);

/* The clock of the state; FLOW_NEVER: no stream holds it back. */
int64_t marks_clock(const struct flow_state_desc *, const int64_t *marks);

/* The same behind marks_leave(), for a state that streams have left; FLOW_NEVER for others. Where all are out,
 * the clock is the latest watermark among them. */
int64_t marks_clock_left(const struct marks *, const struct flow_state_desc *);

/* Types of a saved row. */
const struct flow_type *marks_key_type(void);
const struct flow_type *marks_value_type(void);

#endif
