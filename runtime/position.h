/* How far an input file was read, as the store keeps it; and whether a file is still the same one.
 *
 * A source's files are rows of the store under the source's id: the key is the file's name within
 * the source, the value a struct position. Row 0 has the empty name and says only where the source
 * was (`place`), so that a moved source is told from a changed file. In other rows `place` is empty,
 * but for files that were read where the source was then, and have not been seen since it moved.
 *
 * The identity of a file is its content (semantics, rule 38): the hash of its first bytes and the
 * hash of the last bytes before the position. Device, inode and times say nothing.
 *
 *   flow_put_row(out, file->row, name, …) with a value from position_encode()
 *   enum position_match match = position_compare(&stored, &found);
 */
#ifndef FLOW_POSITION_H
#define FLOW_POSITION_H

#include "flow/codec.h"
#include "flow/schema.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes at the head of a file, and before the position, that stand for its content. */
#define POSITION_SAMPLE 4096u

struct position {
  uint64_t length;    /* bytes consumed from the start of the file, a header included */
  uint64_t line;      /* 1-based number of the line at `length` */
  uint64_t records;   /* consumed, rejected ones included */
  uint64_t discovery; /* the file's number in its source: the order in which files are read */
  uint64_t head;      /* hash of the first min(length, POSITION_SAMPLE) bytes */
  uint64_t tail;      /* hash of the last min(length, POSITION_SAMPLE) bytes before `length` */
  bool is_open;       /* the last record had no line end (rule 41) */
};

/* The types of key and value in the store. */
const struct flow_type *position_key_type(void);
const struct flow_type *position_value_type(void);

/* Appends the value of a row. `place`: see above. */
void position_encode(struct flow_buf *out, const struct position *, const char *place,
                     size_t place_length);

/* Reads a value back; `place` then points into `data`. False: the bytes are not a position. */
bool position_decode(const void *data, size_t length, struct position *, const char **place,
                     size_t *place_length);

/* The hash of a sample. */
uint64_t position_hash(const void *data, size_t length);

/* What is found in a file that may be the one of a stored position. */
struct position_found {
  uint64_t size;       /* bytes of the file now */
  uint64_t head, tail; /* hashes of the same ranges; only valid if size >= the stored length */
};

enum position_match {
  POSITION_SAME,      /* nothing new behind the position */
  POSITION_GREW,      /* the same content before the position, and more behind it */
  POSITION_SHORTER,   /* truncated */
  POSITION_DIFFERENT, /* other content */
};

enum position_match position_compare(const struct position *stored, const struct position_found *);

/* What the bytes behind an open position (is_open) mean. */
enum position_joint {
  POSITION_JOINT_NONE,  /* nothing is there yet */
  POSITION_JOINT_ENDED, /* a line end follows: the record was complete */
  POSITION_JOINT_GREW,  /* something else follows: the record grew after it was read */
};

/* Judges the `length` <= 2 bytes behind an open position; *skip gets the bytes of the line end. */
enum position_joint position_joint(const char *bytes, size_t length, size_t *skip);

#endif
