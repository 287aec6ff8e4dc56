#define _GNU_SOURCE /* memrchr */
#include "framing.h"

#include <string.h>

void framing_start(struct framing *f, enum flow_framing rule, size_t limit) {
  *f = (struct framing){.rule = rule, .limit = limit};
}

/* Takes the line ends of data[from … to), which are all boundaries. A record starts before the
 * limit iff the boundary before it does, so the boundary to stop at is the first at or behind limit
 * - 1. */
static void scan_plain(struct framing *f, const char *data, size_t from, size_t to) {
  size_t stop = f->limit > 0 ? f->limit - 1 : 0;
  if (to <= stop) {
    const char *last = memrchr(data + from, '\n', to - from);
    if (last != NULL) f->end = (size_t)(last - data) + 1;
    return;
  }
  size_t at = from > stop ? from : stop;
  const char *first = memchr(data + at, '\n', to - at);
  if (first != NULL) {
    f->end = (size_t)(first - data) + 1;
    f->is_full = true;
    return;
  }
  const char *last = at > from ? memrchr(data + from, '\n', at - from) : NULL;
  if (last != NULL) f->end = (size_t)(last - data) + 1;
}

void framing_scan(struct framing *f, const char *data, size_t length) {
  size_t at = f->scanned;
  if (f->is_full || at >= length) return;
  f->scanned = length;
  if (f->rule == FLOW_FRAMING_LINES) {
    scan_plain(f, data, at, length);
    return;
  }
  while (at < length && !f->is_full) {
    const char *quote = memchr(data + at, '"', length - at);
    size_t next = quote != NULL ? (size_t)(quote - data) : length;
    if (!f->is_quoted && next > at) scan_plain(f, data, at, next);
    if (quote == NULL) return;
    f->is_quoted = !f->is_quoted;
    at = next + 1;
  }
}

size_t framing_first(enum flow_framing rule, const char *data, size_t length) {
  struct framing f;
  framing_start(&f, rule, 0);
  framing_scan(&f, data, length);
  return f.end;
}

/* Sixteen bytes at a time; a byte of the sum overflows after 255 of them. */
typedef uint8_t bytes16 __attribute__((vector_size(16)));

static uint64_t line_ends_in(const char *data, size_t vectors) {
  bytes16 sum = {0};
  for (size_t i = 0; i < vectors; i++) {
    bytes16 v;
    memcpy(&v, data + i * sizeof v, sizeof v);
    sum -= (bytes16)(v == '\n'); /* true is all ones */
  }
  uint64_t count = 0;
  for (size_t i = 0; i < sizeof sum; i++) count += sum[i];
  return count;
}

uint64_t framing_line_ends(const char *data, size_t length) {
  enum { STEP = 255 * sizeof(bytes16) };
  uint64_t count = 0;
  size_t at = 0;
  for (; length - at >= STEP; at += STEP) count += line_ends_in(data + at, 255);
  size_t vectors = (length - at) / sizeof(bytes16);
  count += line_ends_in(data + at, vectors);
  for (at += vectors * sizeof(bytes16); at < length; at++) count += data[at] == '\n';
  return count;
}
