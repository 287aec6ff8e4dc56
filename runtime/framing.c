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
