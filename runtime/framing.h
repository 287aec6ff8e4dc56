/* Where records end: by lines, or by lines outside of CSV quotes. The same rule that parsers use.
 *
 * A scanner goes once over the bytes of a piece of input as they arrive and remembers the end of
 * the last whole record. Quotes are counted by parity (semantics, rule 42), so a quoted line end is
 * no boundary.
 *
 *   struct framing f;
 *   framing_start(&f, FLOW_FRAMING_CSV, limit);
 *   framing_scan(&f, data, length);       again with more bytes: only the new ones are looked at
 *   if (f.end > 0) data[0 … f.end) are whole records
 */
#ifndef FLOW_FRAMING_H
#define FLOW_FRAMING_H

#include "flow/abi.h"

#include <stdbool.h>
#include <stddef.h>

struct framing {
  enum flow_framing rule;
  size_t limit;   /* records that start at or behind it do not count; 0: only the first one */
  size_t scanned; /* bytes looked at */
  size_t end;     /* behind the last whole record that starts before `limit` */
  bool is_quoted; /* at `scanned` */
  bool is_full;   /* `limit` is reached: more bytes change nothing */
};

/* Starts at a record's first byte. */
void framing_start(struct framing *, enum flow_framing rule, size_t limit);

/* Looks at data[scanned … length). */
void framing_scan(struct framing *, const char *data, size_t length);

/* Length of the first record with its line end, 0 if it does not end within `length` bytes. */
size_t framing_first(enum flow_framing rule, const char *data, size_t length);

/* The number of line ends, of whatever rule. Fast: a quarter of an instruction per byte. */
uint64_t framing_line_ends(const char *data, size_t length);

#endif
