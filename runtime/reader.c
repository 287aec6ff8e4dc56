#include "reader.h"

#include "mem.h"

#include <string.h>

void reader_init(struct reader *r, const struct flow_sys *sys, size_t block_bytes) {
  *r = (struct reader){.sys = sys, .fd = -1, .block_bytes = block_bytes > 0 ? block_bytes : 1};
}

void reader_free(struct reader *r) {
  r->sys->free(r->sys, r->buffer);
  r->buffer = NULL;
  r->capacity = 0;
}

static void restart_framing(struct reader *r, uint64_t limit) {
  uint64_t ahead = limit > r->offset ? limit - r->offset : 0;
  framing_start(&r->framing, r->rule, ahead > SIZE_MAX ? SIZE_MAX : (size_t)ahead);
  r->framing_limit = limit;
}

void reader_start(struct reader *r, int fd, enum flow_framing rule, bool is_seekable,
                  uint64_t offset) {
  r->fd = fd;
  r->rule = rule;
  r->is_seekable = is_seekable;
  r->at_end = false;
  r->kept = r->start = r->end = r->piece_left = 0;
  r->offset = offset;
  r->cap = UINT64_MAX;
  restart_framing(r, 0);
}

/* Makes room for `more` bytes behind `end`: moves the bytes to the front, then grows. */
static bool make_room(struct reader *r, size_t more) {
  if (r->buffer != NULL && r->capacity - r->end >= more) return true;
  size_t from = r->start - r->kept;
  if (from > 0) {
    memmove(r->buffer, r->buffer + from, r->end - from);
    r->start -= from;
    r->end -= from;
  }
  if (r->buffer != NULL && r->capacity - r->end >= more) return true;
  size_t capacity = r->capacity == 0 ? more : r->capacity;
  while (capacity - r->end < more) capacity *= 2;
  char *buffer = r->sys->realloc(r->sys, r->buffer, capacity + FLOW_PADDING);
  if (buffer == NULL) return false;
  r->buffer = buffer;
  r->capacity = capacity;
  return true;
}

/* Writes what stands at `at` in a file that only repeats the cycle. */
static int64_t repeat(const struct reader *r, char *to, size_t size, uint64_t at) {
  uint64_t left = r->cycle_end > at ? r->cycle_end - at : 0;
  if (size > left) size = (size_t)left;
  size_t length = strlen(r->cycle), from = (size_t)(at % length);
  for (size_t done = 0; done < size; from = 0) {
    size_t n = length - from < size - done ? length - from : size - done;
    memcpy(to + done, r->cycle + from, n);
    done += n;
  }
  return (int64_t)size;
}

enum flow_status reader_fill(struct reader *r, struct flow_report *report) {
  size_t size = r->block_bytes;
  if (!make_room(r, size)) {
    return flow_report_fail(report, FLOW_E_MEMORY, "no memory for an input block of %zu bytes",
                            r->capacity);
  }
  char *to = r->buffer + r->end;
  uint64_t at = r->offset + (r->end - r->start);
  if (size > r->cap - at) size = (size_t)(r->cap - at);
  int64_t n = size == 0          ? 0
              : r->cycle != NULL ? repeat(r, to, size, at)
              : r->is_seekable   ? r->sys->pread(r->sys, r->fd, to, size, at)
                                 : r->sys->read(r->sys, r->fd, to, size);
  if (n < 0) return flow_report_errno(report, FLOW_E_IO, (int)n, "read");
  r->at_end = n == 0;
  r->end += (size_t)n;
  return FLOW_OK;
}

/* Hands out `length` unread bytes, with zeros behind them until they are consumed. */
static enum reader_result give(struct reader *r, size_t length, bool is_open, bool is_too_long,
                               struct piece *piece) {
  char *behind = r->buffer + r->start + length;
  memcpy(r->covered, behind, FLOW_PADDING);
  memset(behind, 0, FLOW_PADDING);
  r->piece_left = length;
  *piece = (struct piece){.data = r->buffer + r->start,
                          .length = length,
                          .offset = r->offset,
                          .is_open = is_open,
                          .is_too_long = is_too_long};
  return READER_PIECE;
}

size_t reader_unread(const struct reader *r) {
  return r->end - r->start;
}

/* Looks for record ends among the unread bytes; returns how many bytes were looked at. Never looks
 * further than a record may reach, so that what is too long does not depend on how much was read.
 * */
static size_t scan(struct reader *r, uint64_t limit) {
  size_t unread = reader_unread(r);
  size_t seen = unread < FLOW_RECORD_BYTES ? unread : FLOW_RECORD_BYTES;
  if (limit != r->framing_limit) restart_framing(r, limit);
  framing_scan(&r->framing, r->buffer + r->start, seen);
  return seen;
}

enum reader_result reader_ready(struct reader *r, bool takes_open) {
  size_t unread = reader_unread(r);
  if (unread == 0) return r->at_end ? READER_END : READER_STARVED;
  size_t seen = scan(r, 0);
  if (r->framing.end > 0 || seen == FLOW_RECORD_BYTES) return READER_PIECE;
  if (!r->at_end) return READER_STARVED;
  return takes_open ? READER_PIECE : READER_END;
}

enum reader_result reader_piece(struct reader *r, uint64_t limit, bool takes_open,
                                struct piece *piece) {
  size_t unread = reader_unread(r);
  if (unread == 0) return r->at_end ? READER_END : READER_STARVED;
  size_t seen = scan(r, limit);
  if (r->framing.end > 0) return give(r, r->framing.end, false, false, piece);
  if (seen == FLOW_RECORD_BYTES) return give(r, FLOW_SHOWN_BYTES, false, true, piece);
  if (!r->at_end) return READER_STARVED;
  return takes_open ? give(r, unread, true, false, piece) : READER_END;
}

void reader_consume(struct reader *r, size_t length) {
  r->piece_left -= length;
  if (r->piece_left == 0) memcpy(r->buffer + r->start + length, r->covered, FLOW_PADDING);
  r->start += length;
  r->offset += length;
  if (r->is_keeping) r->kept += length;
  if (r->piece_left == 0) restart_framing(r, r->framing_limit);
}

void reader_return(struct reader *r) {
  if (r->piece_left == 0) return;
  memcpy(r->buffer + r->start + r->piece_left, r->covered, FLOW_PADDING);
  r->piece_left = 0;
  restart_framing(r, r->framing_limit);
}

void reader_swap(struct reader *r, char **buffer, size_t *capacity) {
  size_t unread = reader_unread(r);
  if (*buffer == NULL || *capacity < r->capacity) {
    r->sys->free(r->sys, *buffer);
    *capacity = r->capacity;
    *buffer = flow_sys_must_alloc(r->sys, *capacity + FLOW_PADDING);
  }
  char *old = r->buffer;
  size_t old_capacity = r->capacity;
  memcpy(*buffer, old + r->start, unread);
  r->buffer = *buffer;
  r->capacity = *capacity;
  r->start = 0;
  r->end = unread;
  *buffer = old;
  *capacity = old_capacity;
}

void reader_drop(struct reader *r, size_t length) {
  r->start += length;
  r->offset += length;
  if (r->is_keeping) r->kept += length;
  restart_framing(r, r->framing_limit);
}

enum flow_status reader_skip_line(struct reader *r, uint64_t *skipped, struct flow_report *report) {
  *skipped = 0;
  for (;;) {
    const char *data = r->buffer + r->start;
    size_t unread = r->end - r->start;
    const char *newline = unread > 0 ? memchr(data, '\n', unread) : NULL;
    size_t length = newline != NULL ? (size_t)(newline - data) + 1 : unread;
    reader_drop(r, length);
    *skipped += length;
    if (newline != NULL || r->at_end) break;
    if (r->is_keeping && r->kept > FLOW_KEPT_BYTES + FLOW_RECORD_BYTES) {
      return flow_report_fail(
          report, FLOW_E_RECORD,
          "a line has no end within %zu MiB, and this input cannot be read again",
          (FLOW_KEPT_BYTES + FLOW_RECORD_BYTES) >> 20);
    }
    enum flow_status status = reader_fill(r, report);
    if (status != FLOW_OK) return status;
  }
  return FLOW_OK;
}

void reader_forget(struct reader *r) {
  r->kept = 0;
}

const char *reader_kept(const struct reader *r, uint64_t offset, uint64_t length) {
  uint64_t from = r->offset - r->kept;
  if (offset < from || offset + length > r->offset + reader_unread(r)) return NULL;
  return r->buffer + r->start - (size_t)(r->offset - offset);
}
