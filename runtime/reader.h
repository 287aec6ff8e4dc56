/* A reader turns the bytes of one open file into pieces of whole records.
 *
 * It owns one buffer. A piece lies in it until it is consumed, with FLOW_PADDING zero bytes behind
 * it for as long. Files that can be read again are read by position; of the others (stdin, FIFOs)
 * the reader can keep what was consumed since reader_forget(), so that an epoch can be run again.
 *
 *   reader_init(&r, sys, FLOW_BLOCK_BYTES);
 *   reader_start(&r, fd, FLOW_FRAMING_LINES, true, offset);
 *   while (reader_piece(&r, UINT64_MAX, true, &piece) == READER_STARVED) reader_fill(&r, &report);
 *   … run piece.data … ; reader_consume(&r, piece.length);
 *   reader_free(&r);
 */
#ifndef FLOW_READER_H
#define FLOW_READER_H

#include "flow/abi.h"
#include "framing.h"
#include "limits.h"
#include "report.h"
#include "sys.h"

struct reader {
  const struct flow_sys *sys;
  size_t block_bytes; /* read at once */
  int fd;             /* borrowed; -1: none */
  bool is_seekable;   /* read by position */
  bool is_keeping;    /* consumed bytes stay until reader_forget() */
  bool at_end;        /* the last read found the end of the file */
  const char *cycle;  /* the file is not there: it would hold this text again and again, … */
  uint64_t cycle_end; /* … up to here. Null: it is there */
  enum flow_framing rule;
  char *buffer;
  size_t capacity;        /* without the padding behind it */
  size_t kept;            /* bytes before `start` that stay */
  size_t start, end;      /* unread bytes */
  uint64_t offset;        /* of buffer[start] in the file */
  uint64_t cap;           /* the file is read up to here only */
  struct framing framing; /* of the unread bytes */
  uint64_t framing_limit;
  size_t piece_left;          /* of the piece that is being consumed */
  char covered[FLOW_PADDING]; /* the bytes under the padding of that piece */
};

/* Whole records: data[0 … length). */
struct piece {
  const char *data;
  size_t length;
  uint64_t offset;  /* of `data` in the file */
  bool is_open;     /* the last record has no line end */
  bool is_too_long; /* the start of one record over the limit; its line has to be skipped */
};

enum reader_result {
  READER_PIECE,
  READER_STARVED, /* more bytes are needed: reader_fill() */
  READER_END,     /* nothing is left, or (without takes_open) only an unterminated record */
};

/* Empties the struct. `block_bytes` is how much is read at once, at least 1. */
void reader_init(struct reader *, const struct flow_sys *, size_t block_bytes);
void reader_free(struct reader *);

/* Starts on a file at `offset`, at the first byte of a record; the buffer is kept, its content not.
 * The caller keeps the descriptor. */
void reader_start(struct reader *, int fd, enum flow_framing rule, bool is_seekable,
                  uint64_t offset);

/* Reads once. FLOW_E_IO if that fails; the message does not name the file. */
enum flow_status reader_fill(struct reader *, struct flow_report *);

/* As reader_piece() for the first record, but only looks. */
enum reader_result reader_ready(struct reader *, bool takes_open);

/* Bytes that were read and not consumed. */
size_t reader_unread(const struct reader *);

/* Finds the whole records that start before file offset `limit` among the bytes that were read;
 * with `limit` 0, the first record. `takes_open`: at the end of the file an unterminated record
 * counts. The piece before must be consumed. */
enum reader_result reader_piece(struct reader *, uint64_t limit, bool takes_open, struct piece *);

/* The first `length` bytes of the piece are done. */
void reader_consume(struct reader *, size_t length);

/* What is left of the piece was not run: it is part of the next one. */
void reader_return(struct reader *);

/* Gives the buffer away, with all bytes that were consumed, and takes the caller's (null: none) of
 * `*capacity` bytes and FLOW_PADDING for the unread ones. Nothing may be kept. */
void reader_swap(struct reader *, char **buffer, size_t *capacity);

/* Passes over unread bytes at the start, outside of a piece. */
void reader_drop(struct reader *, size_t length);

/* After a too long piece: skips to behind the first line end, or to the end of the file. Returns
 * how many bytes were skipped, the piece included, in *skipped. */
enum flow_status reader_skip_line(struct reader *, uint64_t *skipped, struct flow_report *);

/* Consumed bytes before the present offset need not be kept any more. */
void reader_forget(struct reader *);

/* Where kept or unread bytes at a file offset lie, or null. Valid until the next fill. */
const char *reader_kept(const struct reader *, uint64_t offset, uint64_t length);

#endif
