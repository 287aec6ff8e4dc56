/* A source at run time: one partition of the sequence, made of files or of one stream.
 *
 * source_look() finds out whether a record is ready without waiting for one. source_take() hands
 * out a block of whole records; the engine runs it, in one or more steps, and tells after each how
 * far it came. source_pack() gives the positions to the epoch that closes. After a fault the engine
 * goes back to the last closed epoch and runs the logged pieces again (source_replay()).
 *
 *   source_look(s, now_us, &report);
 *   if (s->state == PARTITION_READY) source_take(s, turn.limit, &block, &report);
 *   … run …; source_advance(s, &block, from, records);
 *   if (block.cursor == block.end) source_done(s, &block, &report);
 */
#ifndef FLOW_SOURCE_H
#define FLOW_SOURCE_H

#include "connector.h"
#include "flow/abi.h"
#include "flow/csv.h"
#include "input.h"
#include "reader.h"
#include "sequencer.h"

/* What the engine decided for all sources. */
struct source_settings {
  size_t block_bytes;
  struct flow_mem *arena; /* for headers */
  bool is_once;           /* --once: polled sources end, too */
  bool is_durable;        /* with a state directory: streams keep what is not committed */
};

struct source {
  const struct flow_sys *sys;
  const struct flow_source_desc *desc;
  const struct flow_connector *connector;
  const struct source_settings *settings;
  char *location;     /* owned; "" if the connector has none */
  uint16_t id;        /* in the store */
  struct input input; /* empty for streams */
  bool is_live;
  enum partition_state state;
  uint64_t consumed; /* bytes of all its files before the next record */
  int64_t wake_us; /* monotonic time to look again; INT64_MAX: only when the descriptor is ready */

  uint32_t file; /* that is being read; INPUT_NO_FILE: none */
  int fd;        /* of that file; -1: none */
  bool owns_fd;
  bool is_stream;     /* cannot be read again or from a position */
  bool takes_open;    /* an unterminated rest of the file is a record */
  bool needs_mark;    /* a byte order mark may be next */
  bool needs_header;  /* the csv header is next */
  uint64_t resume_at; /* where the file goes on behind its header */
  struct reader reader;
  uint64_t block_line;               /* of the block's first record */
  uint64_t line;                     /* of the next record; streams have no input_file for it */
  uint64_t records;                  /* consumed in this run */
  uint64_t closed_records;           /* of them, in closed epochs */
  char *shown;                       /* the file's name in messages; owned */
  int16_t columns[FLOW_CSV_COLUMNS]; /* csv: field of each column */
  uint32_t column_count;
  bool is_in_order; /* the first columns are the fields, in the order of declaration */

  int64_t next_poll_us; /* dir.c's: monotonic */
  uint32_t pass;        /* dir.c's: the next file of this pass */

  struct flow_buf replayed; /* a stream's kept bytes, with padding */
};

/* Prepares a source at `location` (copied; null: none). */
void source_init(struct source *, const struct flow_sys *, const struct flow_source_desc *,
                 const struct flow_connector *, const char *location,
                 const struct source_settings *);
void source_free(struct source *);

/* Looks for a record without waiting; sets state and wake_us. `now_us` is monotonic. */
enum flow_status source_look(struct source *, int64_t now_us, struct flow_report *);

/* Fills a block with the records that start before the partition's offset `limit`. State is READY.
 * */
enum flow_status source_take(struct source *, uint64_t limit, struct flow_block *,
                             struct flow_report *);

/* The block was consumed from `from` up to its cursor, which were `records` records. */
void source_advance(struct source *, const struct flow_block *, const char *from, uint64_t records);

/* The block is consumed whole; a too long record's line is skipped now. *skipped gets the bytes of
 * that line that were not in the block. */
enum flow_status source_done(struct source *, const struct flow_block *, uint64_t *skipped,
                             struct flow_report *);

/* True for a line that is no record to the source's parser, because it is blank. */
bool source_is_blank(const struct source *, const char *line, const char *end);

/* For blocks that were passed with source_advance() before they were run: `records` of the file (its
 * number, or INPUT_NO_FILE) turned out to be in one; or its last `bytes` were not run after all, and
 * the next record begins on `line`. */
void source_count(struct source *, uint32_t file, uint64_t records);
enum flow_status source_take_back(struct source *, uint32_t file, uint64_t bytes, uint64_t line,
                                  struct flow_report *);

/* Appends the store's rows of the positions that changed since the last closed epoch. */
enum flow_status source_pack(struct source *, struct flow_buf *out, struct flow_report *);

/* A stream's bytes up to here are committed or will not be replayed. */
void source_forget(struct source *);

/* True if a stream keeps so many bytes that the epoch should be closed. */
bool source_is_full(const struct source *);

/* Positions go back to the last closed epoch. Then, for each logged piece: source_replay(), and
 * source_replay_block() until *has_block is false; blocks are run, and told with source_advance()
 * and source_done(). Nothing else may be read afterwards. */
void source_rewind(struct source *);
enum flow_status source_replay(struct source *, const struct sequencer_entry *,
                               struct flow_report *);
enum flow_status source_replay_block(struct source *, const struct sequencer_entry *,
                                     struct flow_block *, bool *has_block, struct flow_report *);

/* For connectors: starts on file `number` of the input at its position, or (stream) on `fd`. Reads
 * the header. */
enum flow_status source_switch(struct source *, uint32_t number, bool takes_open,
                               struct flow_report *);
enum flow_status source_stream(struct source *, int fd, bool owns_fd, const char *shown,
                               struct flow_report *);

/* For connectors: the file that is being read is left; its position is complete then. */
enum flow_status source_leave(struct source *, struct flow_report *);

#endif
