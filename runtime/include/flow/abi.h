/* The contract between a generated program and libflow: what a program describes and what the
 * engine calls. Generated code includes flow/flow.h, which includes this.
 *
 * A generated file defines one `const struct flow_program` and a main that hands it to flow_main().
 * The engine opens sources and sinks, loads state, cuts the input into blocks, calls the run
 * function of a block's source, and closes and commits epochs. Everything that happens to a row
 * between its source and its sinks is generated code.
 */
#ifndef FLOW_ABI_H
#define FLOW_ABI_H

#include "flow/schema.h"
#include "flow/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOW_ABI_VERSION 4

/* Rows that a source stage parses before it runs them. */
#define FLOW_BATCH 64
/* Bytes behind a block's end that may be read (and are never a newline, quote or digit: zeros). */
#define FLOW_PADDING 64

struct flow_worker;
struct flow_table;
struct flow_entry;
struct flow_lane;
struct flow_inbox; /* runtime/flight.h: rows that have come for a worker */
struct flow_connector; /* runtime/connector.h; generated code only takes addresses of these */
extern const struct flow_connector flow_connector_file, flow_connector_dir, flow_connector_nexmark,
    flow_connector_stdin, flow_connector_stdout;

/* A place in the .flow file, for run-time messages. Line and column are 1-based. */
struct flow_site {
  const char *step;   /* "state total", "map", "source events" */
  uint32_t line, column, length;
  const char *text;   /* the whole line, without its newline */
  const char *file;   /* null: that of the program */
};

/* Why the current row failed. Set by flow_fail() just before a generated function returns false. */
struct flow_failure {
  const struct flow_site *site;
  struct flow_str reason; /* in the worker's arena or static */
  bool is_fault;          /* overflow or limit, not a failure of the user's making */
};

/* -- blocks ---------------------------------------------------------------------------------- */

/* Why a record could not be decoded. `at` points into the record, for line, column and caret. */
struct flow_bad_record {
  const char *record; /* start of the record in the block */
  size_t length;      /* without its line end */
  uint64_t line;      /* of the record's first byte */
  const char *at;
  char reason[200];   /* "expected `{`, the start of an Event" */
};

/* Says what is wrong with a record, and where; a reason that is too long is cut. Returns false. */
__attribute__((cold, noinline, format(printf, 3, 4))) bool flow_bad(struct flow_bad_record *,
                                                                    const char *at,
                                                                    const char *format, ...);

/* What came behind a value of an object the last time: the text up to the next value (its key with all that
 * stands around it), and which value that was. All zero: nothing is known. */
#define FLOW_GUESS_TEXT 28
struct flow_guess {
  char text[FLOW_GUESS_TEXT];
  uint16_t unused; /* a bit for each of the first 16 bytes that is behind the text */
  uint8_t length;  /* of the text */
  uint8_t next;    /* as the generated reader of the record numbers its values; 0: not known */
};

/* Guesses that a source has for the records of all its types. */
#define FLOW_GUESSES 96

/* A run of whole records of one file. The engine fills it; the source's run function consumes it. */
struct flow_block {
  const char *cursor, *end; /* the rest; `end` is behind the last record's line end */
  const char *start;        /* first byte of the block */
  uint64_t offset;          /* of `start` in the file */
  uint64_t line;            /* 1-based line number at `cursor` */
  uint64_t budget;          /* records that may be consumed before run must return */
  uint64_t records;         /* consumed so far in this block, rejected ones included */
  uint64_t rejected;
  const int16_t *columns;   /* csv: field index (declaration order) of each column, or -1 */
  uint32_t column_count;
  bool is_in_order;         /* csv: the first columns are the fields, in the order of declaration */
  const char *file;         /* its name as messages show it */
  bool is_last_open;        /* the last record has no line end */
  bool is_too_long;         /* the block is only the start of one record that is longer than the limit
                             * (16 MiB): the parser rejects it, whatever it holds, and goes to `end` */
  struct flow_bad_record bad;
  struct flow_guess guesses[FLOW_GUESSES]; /* what the parser learns from the block's records */
};

enum flow_parse {
  FLOW_PARSED,
  FLOW_BAD_RECORD,
  FLOW_NO_RECORD, /* only blank lines, which are no records, were left: the cursor is at `end` */
};

enum flow_run {
  FLOW_RUN_DONE, /* the block is consumed or its budget is used up */
  FLOW_RUN_STOP, /* a bad record under `else stop`: `cursor` is at it, `bad` says why */
};

/* -- the worker ------------------------------------------------------------------------------ */

/* Output of one sink, on its way out. The engine flushes it between batches only, so that a failing
 * record's bytes can be taken back: `mark` is the length before the row `mark_record`. */
struct flow_sink {
  struct flow_buf buf;
  struct flow_buf runs; /* in a lane: where each row begins, and its order (runtime/flight.h) */
  uint64_t mark_record; /* UINT64_MAX: none; in a lane it stays so */
  size_t mark;
  uint64_t rows; /* appended in this run */
};

/* The keys that one worker owns: their tables, and the memory that their values lie in. */
struct flow_share {
  struct flow_table *tables; /* one per state, in the order of flow_program.states */
  struct flow_mem *heap;
};

/* The place of what is being done in the one order of everything (semantics, rule 1): the number of
 * the block in its epoch, then a path of `level` words. What a row causes gets the row's path and one
 * word more, which counts up. Paths are compared word by word, as if zeros followed. */
struct flow_order {
  uint32_t block;
  uint32_t level;
  const uint32_t *path;
};

/* What the summary tells about items that went nowhere. */
struct flow_tally {
  uint64_t rejected, late;
};

/* What generated code sees of a worker. */
struct flow_worker {
  struct flow_mem *arena;   /* transient values; emptied between batches */
  struct flow_mem *heap;    /* values owned by state: that of the share */
  const void *params;       /* the program's parameter struct */
  struct flow_table *tables; /* those of the share */
  struct flow_sink *sinks;  /* one per sink, in the order of flow_program.sinks; `inspect` behind them */
  int64_t now_us;           /* start of the epoch */
  int64_t epoch;            /* its number */
  uint64_t record;          /* source records before the current one: of the epoch; in a lane, of the block */
  struct flow_tally tally;
  struct flow_failure failure;
  const struct flow_share *shares; /* of all workers */
  uint32_t share_count;     /* 1: every row runs through all stages at once */
  struct flow_lane *lane;   /* with several workers: where rows and output wait that a block makes;
                             * null: rows run on at once, in the share of their key */
  struct flow_order order;
  uint32_t step;            /* the last word of the next path */
  int64_t time_us;          /* event time of the row, or of what fires; only behind a `time by` */
  int64_t *marks;           /* watermark of each `time by` (flow/mark.h) */
  int64_t *row_marks;       /* the same as the running row finds them: behind what a rise fires */
  uint32_t next_rise;       /* in a lane: the path of the next rise of a watermark; UINT32_MAX: none */
  void *engine;             /* the engine's own */
};

/* Records why a row fails; the reason is static, or lies in the worker's arena. */
FLOW_COLD void flow_set_failure(struct flow_worker *, const struct flow_site *, const char *reason,
                                bool is_fault);
FLOW_COLD void flow_set_failure_text(struct flow_worker *, const struct flow_site *,
                                     const struct flow_str *reason);

/* The same, for `return flow_fail(…)` in generated code. They are inline, so that the C compiler
 * knows that they return false and does not take the result of the failed function for used. */
static inline bool flow_fail(struct flow_worker *w, const struct flow_site *site,
                             const char *reason) {
  flow_set_failure(w, site, reason, false);
  return false;
}

static inline bool flow_fail_text(struct flow_worker *w, const struct flow_site *site,
                                  struct flow_str reason) {
  flow_set_failure_text(w, site, &reason);
  return false;
}

static inline bool flow_fault_at(struct flow_worker *w, const struct flow_site *site,
                                 const char *reason) {
  flow_set_failure(w, site, reason, true);
  return false;
}

/* Ends the run before the current source record, with the worker's failure as the message: exit 70
 * for an unhandled fault or failure, 65 for `else stop`. Does not return. */
_Noreturn void flow_abort_record(struct flow_worker *);
_Noreturn void flow_stop_record(struct flow_worker *);

/* Called by a source's run function: before a batch is run; after it (resets the arena, flushes
 * large sink buffers). */
void flow_batch_end(struct flow_worker *);

/* Notes in a lane that a row of the sink begins, and its place in the order. */
void flow_sink_begin_row(struct flow_worker *, struct flow_sink *);

/* The buffer to which the next row of a sink is appended. */
static inline struct flow_buf *flow_sink_row(struct flow_worker *w, uint32_t sink) {
  struct flow_sink *s = &w->sinks[sink];
  if (s->mark_record != w->record) {
    if (w->lane != NULL) {
      flow_sink_begin_row(w, s);
    } else {
      s->mark_record = w->record;
      s->mark = s->buf.length;
    }
  }
  s->rows++;
  return &s->buf;
}

/* Counts rejects, for the summary. */
static inline void flow_count_rejected(struct flow_worker *w, uint64_t count) {
  w->tally.rejected += count;
}

/* Counts an item that came too late for a window or join and goes nowhere. */
static inline void flow_count_late(struct flow_worker *w) {
  w->tally.late++;
}

/* `inspect`: an ordered line on stderr. */
void flow_inspect(struct flow_worker *, const struct flow_site *, struct flow_str line);

/* -- rows that cross to the worker that owns their key --------------------------------------- */

/* With several workers, the rows that a block's records make are put on their way to the workers that
 * own their keys, and run on there, block after block, in the order of their paths. A generated
 * struct begins with this header; behind the first word of the path come flow_program.path_length - 1
 * more of them, then item and key:
 *
 *   struct X_2 { struct flow_crossing crossing; uint32_t path[1]; struct R_1 it; struct flow_str key; };
 */
struct flow_crossing {
  uint64_t hash;   /* of the key, with the seed of the state's tables */
  uint32_t record; /* source records of the block before the one that caused the row */
  uint32_t first;  /* first word of the path */
};

/* The worker, of `count`, that owns the keys of a hash. Tables use the upper half of the hash as it
 * is, so the half is mixed anew here, lest a worker's keys crowd in a part of its tables. */
static inline uint32_t flow_owner(uint64_t hash, uint32_t count) {
  uint64_t mixed = (hash * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
  return (uint32_t)(mixed * count >> 32);
}

/* Rows that cross from one lane to one worker over one exchange: the free room of their last chunk. */
struct flow_box {
  char *next, *end;
  struct flow_chunk *first, *last;
  size_t row_size;
};

/* What a worker makes of a block in flight; runtime/flight.c has more of it behind this. */
struct flow_lane {
  struct flow_box *boxes; /* of the phase that it is in: [exchange * share_count + owner] */
};

/* Makes room for a row. */
FLOW_COLD void flow_box_grow(struct flow_lane *, struct flow_box *, size_t row_size);

/* Writes the path of what happens next. */
FLOW_INLINE void flow_next_path(struct flow_worker *w, uint32_t *path, uint32_t length) {
  uint32_t level = w->order.level;
  for (uint32_t i = 0; i < length; i++) {
    path[i] = i < level ? w->order.path[i] : i == level ? w->step : 0;
  }
  w->step++;
}

/* Puts a row of `size` bytes on its way; its header is filled in, the rest is for the caller to fill
 * in. It lives, as everything in the lane's arena does, until its block has left. Only with a lane.
 * `exchange` is an index of flow_program.exchanges, and every row of it has the same size.
 * `path_length` is the program's: a constant, so that no loop is left of the path. */
FLOW_INLINE void *flow_cross(struct flow_worker *w, uint32_t exchange, uint64_t hash, size_t size,
                             uint32_t path_length) {
  struct flow_box *box = &w->lane->boxes[exchange * w->share_count + flow_owner(hash, w->share_count)];
  size = (size + 7) & ~(size_t)7; /* the next row is aligned, too */
  if (FLOW_UNLIKELY((size_t)(box->end - box->next) < size)) flow_box_grow(w->lane, box, size);
  struct flow_crossing *row = (struct flow_crossing *)(void *)box->next;
  box->next += size;
  row->hash = hash;
  row->record = (uint32_t)w->record;
  flow_next_path(w, &row->first, path_length);
  return row;
}

/* The next rows that have come for this worker, in order, FLOW_BATCH at most; 0: that was all. */
uint32_t flow_inbox_next(struct flow_inbox *, const struct flow_crossing **rows);

/* What is done next is caused by this row. */
static inline void flow_cross_enter(struct flow_worker *w, const struct flow_crossing *row) {
  w->record = row->record;
  w->order.path = &row->first;
}

/* Without a lane: the worker acts for the owner of the hash until flow_share_leave() gets back what
 * this returns. Failures that jump away leave it to the engine to put things right. */
static inline struct flow_share flow_share_enter(struct flow_worker *w, uint64_t hash) {
  struct flow_share mine = {.tables = w->tables, .heap = w->heap};
  const struct flow_share *owner = &w->shares[flow_owner(hash, w->share_count)];
  w->tables = owner->tables;
  w->heap = owner->heap;
  w->step++; /* the path, when rows run on at once */
  return mine;
}

static inline void flow_share_leave(struct flow_worker *w, struct flow_share mine) {
  w->tables = mine.tables;
  w->heap = mine.heap;
}

/* -- the program ----------------------------------------------------------------------------- */

enum flow_param_kind {
  FLOW_PARAM_INT, FLOW_PARAM_FLOAT, FLOW_PARAM_BOOL, FLOW_PARAM_STRING, FLOW_PARAM_TIMESTAMP,
  FLOW_PARAM_DURATION, FLOW_PARAM_ENUM, FLOW_PARAM_DECIMAL,
};

struct flow_param {
  const char *name;    /* as declared: my_p is --my-p */
  const char *doc;     /* or null */
  const char *default_text; /* for --help; null: required, or absent if optional */
  enum flow_param_kind kind;
  uint32_t scale;      /* DECIMAL: digits behind the point */
  size_t offset;       /* of the value in the parameter struct */
  ptrdiff_t has_offset; /* of the optional's `has` flag, or -1 */
  bool is_required;
  const char *const *variants; /* ENUM: names by tag, null at the end */
};

enum flow_framing { FLOW_FRAMING_LINES, FLOW_FRAMING_CSV };

struct flow_source_desc {
  const char *name, *was;     /* durable id */
  const struct flow_site *site;
  const struct flow_connector *connector;
  enum flow_framing framing;
  char delimiter;
  bool has_header;
  bool skips_blank;           /* lines of blanks are no records */
  const char *const *columns; /* csv: column name of each field, in declaration order */
  const bool *is_required;    /* csv: its absence from the header is an error */
  uint32_t column_count;
  /* A generated source reads these bytes over and over, as if from a file with a byte for each event: a
   * line end for one that is a record, a blank for one that is not. Null: it reads something real. */
  const char *cycle;
  int64_t poll_us;
  bool is_first;              /* only looked up: where it is bounded, it is read before all others */
  const char *item_name;      /* "Event", for messages */
  const char *on_fail;        /* "stop", "skip" or "into NAME", for messages */
  struct flow_str (*location)(const struct flow_worker *); /* null: the connector has none */
  enum flow_run (*run)(struct flow_worker *, struct flow_block *);
};

struct flow_sink_desc {
  const char *name, *was; /* durable id; "stdout" for stdout */
  const struct flow_site *site;
  const struct flow_connector *connector;
  const char *header;     /* csv: written once when the file is empty; null: none */
  bool is_unordered;      /* rows of different keys may be written in any order */
  bool has_parts;         /* the path depends on the item: rows come in frames (flow/parts.h) */
  struct flow_str (*location)(const struct flow_worker *); /* with parts: what all paths begin with */
};

/* Keyed state as the engine sees it: a table of rows that begin with struct flow_entry. */
struct flow_state_desc {
  const char *name, *was; /* durable id */
  const struct flow_site *site;
  const struct flow_type *key_type, *value_type;
  uint32_t row_size;      /* bytes of the generated row struct */

  /* Packs every touched entry into `out` with flow_table_pack() (flow/state.h), which begins the next epoch. */
  void (*pack)(struct flow_table *, struct flow_buf *out);

  /* Inserts a loaded entry into the share of its owner (flow_share_enter()); false: the bytes are
   * not a value of the current types. May use the arena. */
  bool (*load)(struct flow_worker *, uint64_t id, const uint8_t *key, size_t key_length,
               const uint8_t *value, size_t value_length);

  /* The hooks, for one row of the table, which is one of w->tables; null: there is none. The row may
   * be changed and forgotten by it. The engine calls them in the order that the semantics say. */
  void (*on_epoch)(struct flow_worker *, struct flow_entry *);
  void (*on_end)(struct flow_worker *, struct flow_entry *);

  /* With `expires` or `on at` (flow/timer.h; else both null): the row's deadline, which follows from the
   * row alone and never fails; and what happens when it has come. */
  int64_t (*due)(struct flow_worker *, struct flow_entry *);
  void (*fire)(struct flow_worker *, struct flow_entry *);
  const struct flow_site *at_site; /* of `on at`, or null */
  /* The `time by`s of which the least watermark is the clock of the deadlines; none: the clock is the start of
   * the epoch. */
  const uint32_t *marks;
  uint32_t mark_count;
  uint32_t meeting; /* of several marks: the one that stands for them all */
};

/* A stage that rows reach over `key by`, in topological order of the stages. */
struct flow_exchange {
  uint32_t state; /* index of the state that the stage begins with */
  uint32_t level; /* words in the paths of its rows, at most */
  uint32_t fire_level; /* words in the paths of what a watermark fires in its state; 0: nothing */
  /* Runs all rows of the inbox. w->lane is set, and w->order.level is the exchange's level. */
  void (*take)(struct flow_worker *, struct flow_inbox *);
};

/* A `time by`, or the meeting of several (flow/mark.h). Meetings stand behind all `time by`s. */
struct flow_mark_desc {
  const char *name;        /* durable id */
  const uint32_t *sources; /* that its records come from; of a meeting none */
  uint32_t source_count;
  const uint32_t *parts;   /* of a meeting: the `time by`s, two or more */
  uint32_t part_count;
  int64_t (*idle_us)(struct flow_worker *); /* `idle after`, by the params; null: never idle */
};

struct flow_program {
  uint32_t abi_version;
  const char *name;        /* of the flow */
  const char *was;         /* its former name, or null */
  const char *file;        /* "cart_join.flow" */
  const char *doc;         /* text of `##` above the flow, or null */
  const char *compiler;    /* "flowcc 0.1.0" */
  size_t params_size;
  const struct flow_param *params;
  const struct flow_source_desc *sources;
  const struct flow_sink_desc *sinks;
  const struct flow_state_desc *states; /* in topological order */
  const struct flow_exchange *exchanges;
  const struct flow_mark_desc *marks;
  uint32_t param_count, source_count, sink_count, state_count, exchange_count, mark_count;
  uint32_t path_length; /* words of the path in a crossing: the largest level there is; 0: none */
  bool parses_in_order;       /* what a parse does depends on all before it: `max ahead`, watermark() */
  bool is_boundary_dependent; /* uses on epoch, epoch() or now() */
  bool counts_late;           /* has windows or joins that drop late items */
  bool is_serial;          /* one worker only: it calls what no two threads may */

  void (*default_params)(void *params);
  /* Null if all holds that params must keep (`where`, durations that make sense), else what does not and why. */
  const char *(*check_params)(const struct flow_worker *, const void *params);
};

/* Runs the program: options, resume, the epoch loop, the summary. Returns the exit code. */
int flow_main(const struct flow_program *, int argc, char **argv);

#endif
