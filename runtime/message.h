/* What a running program says on stderr: errors with their place, the line, and a way out.
 *
 * The functions append text to a buffer; nothing is printed here.
 */
#ifndef FLOW_MESSAGE_H
#define FLOW_MESSAGE_H

#include "flow/abi.h"
#include "report.h"

/* A place in an input. */
struct message_place {
  const char *file, *source;
  uint64_t line;      /* 1-based, of the record */
  uint64_t offset;    /* of the record in the file */
  const char *record; /* without its line end */
  size_t length;
  size_t at; /* byte in the record that is meant */
  bool is_generated; /* the record is the event of number offset + length, and has no text */
};

/* Appends formatted text; of a piece over 2 KiB the beginning. */
__attribute__((format(printf, 2, 3))) void message_add(struct flow_buf *, const char *format, ...);

/* "error: MESSAGE", and the help. */
void message_report(struct flow_buf *, const struct flow_report *);

/* R1001: a bad record at a source with `else stop`. `done` is a note's text, see message_done(). */
void message_bad_record(struct flow_buf *, const struct flow_program *,
                        const struct flow_source_desc *, const struct message_place *,
                        const char *reason, const char *done);

/* R1002, a fault, or R1003, a stage's `else stop`: the place in the program, and that of the record
 * (null: none, it happened in a hook). */
void message_failure(struct flow_buf *, const struct flow_program *, const struct flow_site *,
                     bool is_stop, const char *reason, const struct message_place *,
                     const char *done);

#endif
