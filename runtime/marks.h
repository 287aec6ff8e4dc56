/* The watermarks of a run, one for each `time by` (flow/mark.h): as of the record that is next, and what of
 * them is saved.
 *
 * A source that has ended must not hold back a state that has others, so its watermark counts as FLOW_NEVER from
 * there on; the real one is kept, for the next run goes on with it.
 *
 *   marks_init(&m, sys, program->marks, program->mark_count);
 *   marks_end(&m, partitions);               before each block
 *   … generated code raises m.now[i] …
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
  int64_t *now;    /* INT64_MIN: no record yet; FLOW_NEVER: all its sources have ended */
  int64_t *row;    /* as rows find them: `now`, except while something fires (flow/mark.h) */
  bool *is_ended;
  int64_t *at_end; /* of the ended ones: the last real one */
  int64_t *saved;  /* as of the last packed epoch */
  int64_t *rows;   /* of the store; -1: none yet */
  int64_t next_row;
};

void marks_init(struct marks *, const struct flow_sys *, const struct flow_mark_desc *, uint32_t count);
void marks_free(struct marks *);

/* Back to where nothing is known; marks_load_row() follows for each saved one. */
void marks_clear(struct marks *);

/* Takes a row of the store. FLOW_E_CORRUPT if it is none. */
enum flow_status marks_load_row(struct marks *, uint64_t row, const void *key, size_t key_length,
                                const void *value, size_t value_length, struct flow_report *);

/* Appends the rows that changed since the last time. */
void marks_pack(struct marks *, struct flow_buf *out);

/* What had to fire has fired: rows find the watermarks as they are now. */
void marks_settle(struct marks *);

/* The watermark as the next run wants it, ended or not. */
int64_t marks_real(const struct marks *, uint32_t mark);

/* Raises a watermark, ended or not. */
void marks_raise(struct marks *, uint32_t mark, int64_t us);

/* The watermark holds nothing back any more. */
void marks_end_one(struct marks *, uint32_t mark);

/* Notes whose sources have all ended: those of which all partitions did. True if that is new for one. */
bool marks_end(struct marks *, const struct sequencer_partition *);

/* The least watermark of the state. */
int64_t marks_clock(const struct flow_state_desc *, const int64_t *marks);

/* Types of a saved row. */
const struct flow_type *marks_key_type(void);
const struct flow_type *marks_value_type(void);

#endif
