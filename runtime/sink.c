#include "sink.h"

#include "input.h"
#include "limits.h"

#include <errno.h>
#include <string.h>

static const struct flow_type type_int = {.kind = FLOW_KIND_INT};
static const struct flow_type type_string = {.kind = FLOW_KIND_STRING};
static const struct flow_type type_unit = {.kind = FLOW_KIND_UNIT};

const struct flow_type *sink_key_type(const struct flow_sink_desc *desc) {
  return desc->has_parts ? &type_string : &type_unit;
}

const struct flow_type *sink_value_type(const struct flow_sink_desc *desc) {
  static const struct flow_field fields[] = {
      {.name = "length", .type = &type_int},
      {.name = "check", .type = &type_int},
      {.name = "place", .type = &type_string},
  };
  static const struct flow_type one_file = {
      .kind = FLOW_KIND_RECORD, .name = "Written", .fields = fields, .field_count = 3};
  static const struct flow_type part = {
      .kind = FLOW_KIND_RECORD, .name = "Written", .fields = fields, .field_count = 2};
  return desc->has_parts ? &part : &one_file;
}

/* -- opening */

/* Opens a FIFO or device for writing. A FIFO needs a reader; waiting for one must not outlast a
 * signal. */
static int open_stream(struct sink *s, struct stop *stop) {
  const struct flow_sys *sys = s->sys;
  for (;;) {
    int fd = sys->open(sys, s->location, FLOW_OPEN_WRITE | FLOW_OPEN_NONBLOCK, 0);
    if (fd != -ENXIO) return fd;
    struct flow_wait item = {.fd = stop->fd, .want = FLOW_WAIT_READ};
    int n = sys->wait(sys, &item, 1, FLOW_FIFO_US);
    if (n < 0) return n;
    if (stop_is_asked(stop)) return -EINTR;
  }
}

/* Opens the file, without changing what is in it, and makes it if it is missing. */
static int open_file(struct sink *s, struct stop *stop) {
  struct flow_file_info info;
  const struct flow_sys *sys = s->sys;
  int found = sys->stat(sys, s->location, &info);
  if (found == 0 && info.kind == FLOW_FILE_DIRECTORY) return -EISDIR;
  if (found == 0 && info.kind != FLOW_FILE_REGULAR) {
    return open_stream(s, stop);
  }
  unsigned flags = FLOW_OPEN_READ | FLOW_OPEN_WRITE;
  int fd = sys->open(sys, s->location, flags, 0);
  if (fd != -ENOENT) return fd;
  s->is_created = true;
  fd = sys->open(sys, s->location, flags | FLOW_OPEN_CREATE | FLOW_OPEN_EXCLUSIVE, 0666);
  s->is_new = fd >= 0;
  if (fd != -EEXIST) return fd; /* else another process was faster, or it is a link to nowhere */
  return sys->open(sys, s->location, flags | FLOW_OPEN_CREATE, 0666);
}

enum flow_status sink_open(struct sink *s, const struct flow_sys *sys,
                           const struct flow_sink_desc *desc,
                           const struct flow_connector *connector, const char *location,
                           struct flow_sink *out, struct stop *stop, struct flow_report *report) {
  *s = (struct sink){.sys = sys, .desc = desc, .connector = connector, .out = out, .fd = 1};
  if (location == NULL) location = "stdout";
  s->location = input_copy_text(sys, location, strlen(location));
  if (desc->has_parts) {
    s->fd = -1;
    s->parts = sink_parts_new(sys, desc, location);
    return FLOW_OK;
  }
  bool is_stdout = connector->target == CONNECTOR_STDOUT;
  if (!is_stdout) {
    s->fd = open_file(s, stop);
    s->owns_fd = s->fd >= 0;
  }
  struct flow_file_info info;
  int error = s->fd < 0 ? s->fd : sys->fstat(sys, s->fd, &info);
  if (error < 0) {
    return flow_report_errno(report, FLOW_E_CREATE, error, "write %s (sink `%s`)", s->location,
                             desc->name);
  }
  s->is_stream = is_stdout || info.kind != FLOW_FILE_REGULAR;
  s->is_paced = info.kind == FLOW_FILE_PIPE || info.kind == FLOW_FILE_TERMINAL;
  if (s->is_stream) return FLOW_OK;
  s->device = info.device;
  s->inode = info.inode;
  return FLOW_OK;
}

enum flow_status sink_open_to_look(struct sink *s, const struct flow_sys *sys,
                                   const struct flow_sink_desc *desc, const char *location,
                                   struct flow_sink *out, struct flow_report *report) {
  struct flow_file_info info;
  *s = (struct sink){.sys = sys, .desc = desc, .out = out, .fd = -1};
  s->location = input_copy_text(sys, location, strlen(location));
  if (desc->has_parts) {
    s->parts = sink_parts_new(sys, desc, location);
    return FLOW_OK;
  }
  int error = sys->stat(sys, location, &info);
  s->is_stream = error == 0 && info.kind != FLOW_FILE_REGULAR;
  if (error == -ENOENT || s->is_stream) return FLOW_OK;
  s->fd = error < 0 ? error : sys->open(sys, location, FLOW_OPEN_READ, 0);
  s->owns_fd = s->fd >= 0;
  if (s->owns_fd) return FLOW_OK;
  return flow_report_errno(report, FLOW_E_IO, s->fd, "read %s (sink `%s`)", location, desc->name);
}

enum flow_status sink_lock(struct sink *s, struct flow_report *report) {
  if (s->is_stream || s->parts != NULL) return FLOW_OK;
  int error = s->sys->flock_try(s->sys, s->fd);
  if (error == -EWOULDBLOCK) {
    return flow_report_fail(report, FLOW_E_LOCKED, "another process is writing %s (sink `%s`)",
                            s->location, s->desc->name);
  }
  /* What has no name any more would be written in vain. */
  struct flow_file_info info;
  if (error == 0) error = s->sys->stat(s->sys, s->location, &info);
  if (error < 0 && error != -ENOENT) {
    return flow_report_errno(report, FLOW_E_CREATE, error, "lock %s (sink `%s`)", s->location,
                             s->desc->name);
  }
  if (error == 0 && info.device == s->device && info.inode == s->inode) return FLOW_OK;
  return flow_report_fail(report, FLOW_E_LOCKED,
                          "another process has just removed or replaced %s (sink `%s`)",
                          s->location, s->desc->name);
}

void sink_discard(struct sink *s) {
  struct flow_file_info info;
  if (!s->is_new || s->fd < 0 || s->sys->flock_try(s->sys, s->fd) < 0) return;
  if (s->sys->fstat(s->sys, s->fd, &info) < 0 || info.size != 0) return;
  s->sys->unlink(s->sys, s->location);
}

void sink_close(struct sink *s) {
  if (s->sys == NULL) return;
  if (s->owns_fd) s->sys->close(s->sys, s->fd);
  sink_parts_free(s->parts);
  s->sys->free(s->sys, s->location);
  s->sys->free(s->sys, s->stored_place);
  flow_buf_free(&s->out->buf);
}

/* The row that the store has of a sink. */
struct stored {
  uint64_t length, check;
  const char *place;
  size_t place_length;
};

static bool read_row(struct stored *row, const void *value, size_t length) {
  struct flow_reader r = flow_reader_of(value, length);
  row->length = (uint64_t)flow_get_int(&r);
  row->check = (uint64_t)flow_get_int(&r);
  row->place = flow_get_bytes(&r, &row->place_length);
  return flow_reader_done(&r);
}

enum flow_status sink_load(struct sink *s, uint64_t number, const void *key, size_t key_length,
                           const void *value, size_t length, struct flow_report *report) {
  struct stored row;
  if (s->parts != NULL)
    return sink_parts_load(s->parts, number, key, key_length, value, length, report);
  if (!read_row(&row, value, length)) {
    return flow_report_fail(report, FLOW_E_CORRUPT, "the saved length of sink `%s` is damaged",
                            s->desc->name);
  }
  s->is_stored = true;
  s->stored_length = row.length;
  s->stored_check = row.check;
  s->stored_place = input_copy_text(s->sys, row.place, row.place_length);
  return FLOW_OK;
}

void sink_loaded(struct sink *s, uint64_t next_row) {
  if (s->parts != NULL) sink_parts_loaded(s->parts, next_row);
}

void sink_given_up(struct sink *s, const void *key, size_t key_length, const void *value,
                   size_t value_length) {
  if (s->parts != NULL) sink_parts_given_up(s->parts, key, key_length, value, value_length);
}

/* Reads the last bytes before `length` into the tail: their number, or a negative errno. */
static int64_t read_tail(struct sink *s, uint64_t length) {
  size_t size = length < POSITION_SAMPLE ? (size_t)length : POSITION_SAMPLE;
  int64_t n = flow_sys_pread_all(s->sys, s->fd, s->tail, size, length - size);
  s->tail_length = n < 0 ? 0 : (size_t)n;
  return n;
}

static enum flow_status cut(struct sink *s, uint64_t length, struct flow_report *report) {
  int error = s->sys->ftruncate(s->sys, s->fd, length);
  if (error < 0) return flow_report_errno(report, FLOW_E_IO, error, "truncate %s", s->location);
  s->is_dirty = true;
  return FLOW_OK;
}

/* An empty target. */
static enum flow_status start_afresh(struct sink *s, struct flow_report *report) {
  s->written = s->closed = 0;
  s->tail_length = 0;
  s->is_dirty = s->is_created = true; /* a killed run may have made it: its name was not synced */
  s->must_commit = s->is_stored;
  if (s->desc->header != NULL) {
    flow_buf_add(&s->out->buf, s->desc->header, strlen(s->desc->header));
  }
  return s->is_stream ? FLOW_OK : cut(s, 0, report);
}

static enum flow_status report_edited(struct sink *s, uint64_t size, struct flow_report *report) {
  unsigned long long committed = s->stored_length, found = size;
  flow_report_fail(report, FLOW_E_MISMATCH, "%s is not what sink `%s` has written", s->location,
                   s->desc->name);
  if (size < s->stored_length) {
    flow_report_add(report,
                    "\n  expected: at least %llu bytes\n  found: %llu bytes: it was "
                    "truncated, removed or rotated",
                    committed, found);
  } else {
    flow_report_add(report,
                    "\n  expected: the bytes before byte %llu as they were written\n  found: "
                    "other ones: it was edited or replaced",
                    committed);
  }
  flow_report_help(report,
                   "put the file back; or give up its %llu bytes and write it from the start: "
                   "--sink-restart %s",
                   committed, s->desc->name);
  return FLOW_E_MISMATCH;
}

/* True if the file holds nothing, or just the beginning of a header, which a kill may have left. */
static bool is_unused(struct sink *s, uint64_t size) {
  const char *header = s->desc->header == NULL ? "" : s->desc->header;
  char bytes[POSITION_SAMPLE];
  if (size > strlen(header) || size > sizeof bytes) return false;
  return flow_sys_pread_all(s->sys, s->fd, bytes, (size_t)size, 0) == (int64_t)size &&
         memcmp(bytes, header, (size_t)size) == 0;
}

/* Rows under a header that names other columns would be misread. */
static enum flow_status check_header(struct sink *s, struct flow_report *report) {
  const char *header = s->desc->header == NULL ? "" : s->desc->header;
  char bytes[POSITION_SAMPLE];
  size_t length = strlen(header);
  if (length > sizeof bytes) length = sizeof bytes;
  int64_t n = flow_sys_pread_all(s->sys, s->fd, bytes, length, 0);
  if (n < 0) return flow_report_errno(report, FLOW_E_IO, (int)n, "read %s", s->location);
  if (n == (int64_t)length && memcmp(bytes, header, length) == 0) return FLOW_OK;
  const char *end = memchr(bytes, '\n', (size_t)n);
  flow_report_fail(report, FLOW_E_MISMATCH,
                   "the rows of sink `%s` have other columns than those in %s\n  there:   %.*s\n"
                   "  program: %.*s",
                   s->desc->name, s->location, end == NULL ? (int)n : (int)(end - bytes), bytes,
                   (int)strcspn(header, "\n"), header);
  flow_report_help(report,
                   "write them to another file: --sink %s=PATH; or give up what is in this one: "
                   "--sink-restart %s",
                   s->desc->name, s->desc->name);
  return FLOW_E_MISMATCH;
}

enum flow_status sink_check_former(struct sink *s, const char *name, const void *value,
                                   size_t length, struct flow_report *report) {
  struct stored row;
  struct flow_file_info info;
  if (s->is_stream || s->parts != NULL || !read_row(&row, value, length) || row.length == 0) return FLOW_OK;
  if (s->sys->fstat(s->sys, s->fd, &info) < 0 || info.size < row.length) return FLOW_OK;
  if (read_tail(s, row.length) < 0) return FLOW_OK;
  bool is_its = position_hash(s->tail, s->tail_length) == row.check;
  s->tail_length = 0;
  if (!is_its) return FLOW_OK;
  flow_report_fail(report, FLOW_E_MISMATCH,
                   "%s is what sink `%s` has written, which the program has no more; sink `%s` would "
                   "empty it",
                   s->location, name, s->desc->name);
  flow_report_help(report,
                   "if `%s` is the same sink under a new name, write `was \"%s\"` at its end; if not, "
                   "give it another file, or empty this one: --sink-restart %s",
                   s->desc->name, name, s->desc->name);
  return FLOW_E_MISMATCH;
}

enum flow_status sink_check(struct sink *s, bool restarts, struct flow_report *report) {
  if (s->parts != NULL) return sink_parts_check(s->parts, restarts, report);
  s->starts_afresh = !s->is_stored || restarts;
  if (s->starts_afresh || s->is_stream) return FLOW_OK;
  struct flow_file_info info = {0};
  bool is_missing = s->fd < 0; /* when it is only looked at */
  int error = is_missing ? 0 : s->sys->fstat(s->sys, s->fd, &info);
  int64_t n = error < 0 || is_missing ? error : read_tail(s, s->stored_length);
  if (n < 0) return flow_report_errno(report, FLOW_E_IO, (int)n, "read %s", s->location);
  bool is_ours =
      info.size >= s->stored_length &&
      (s->stored_check == 0 || position_hash(s->tail, s->tail_length) == s->stored_check);
  if (is_ours) return s->stored_length == 0 ? FLOW_OK : check_header(s, report);
  bool is_moved = strcmp(s->stored_place, s->location) != 0;
  s->starts_afresh = is_moved && is_unused(s, info.size);
  return s->starts_afresh ? FLOW_OK : report_edited(s, info.size, report);
}

enum flow_status sink_begin(struct sink *s, struct flow_report *report) {
  if (s->parts != NULL) return sink_parts_begin(s->parts, report);
  if (s->starts_afresh) return start_afresh(s, report);
  s->written = s->closed = s->stored_length;
  if (s->is_stream) return FLOW_OK;
  struct flow_file_info info;
  int error = s->sys->fstat(s->sys, s->fd, &info);
  if (error < 0) return flow_report_errno(report, FLOW_E_IO, error, "examine %s", s->location);
  return info.size > s->stored_length ? cut(s, s->stored_length, report) : FLOW_OK;
}

/* -- writing */

/* Keeps the last bytes that were written. */
static void remember(struct sink *s, const char *data, size_t length) {
  if (s->is_stream) return;
  if (length >= POSITION_SAMPLE) {
    memcpy(s->tail, data + length - POSITION_SAMPLE, POSITION_SAMPLE);
    s->tail_length = POSITION_SAMPLE;
    return;
  }
  size_t stays = POSITION_SAMPLE - length;
  if (stays > s->tail_length) stays = s->tail_length;
  memmove(s->tail, s->tail + s->tail_length - stays, stays);
  memcpy(s->tail + stays, data, length);
  s->tail_length = stays + length;
}

/* Waits until the pipe takes something, the reader is gone, or the deadline of a stop is over. */
static bool wait_until_ready(struct sink *s, struct stop *stop) {
  for (;;) {
    struct flow_wait items[2] = {{.fd = s->fd, .want = FLOW_WAIT_WRITE},
                                 {.fd = stop->fd, .want = FLOW_WAIT_READ}};
    int64_t rest_us = -1;
    if (stop->signal != 0) {
      rest_us = stop->deadline_us - s->sys->monotonic_us(s->sys);
      if (rest_us < 0) rest_us = 0;
    }
    int n = s->sys->wait(s->sys, items, 2, rest_us);
    if (n < 0 || items[0].got != 0) return true; /* the write will tell what is wrong */
    if (n == 0) return false;
    stop_is_asked(stop);
  }
}

/* Writes as much as may be written in one step. */
static int64_t write_some(struct sink *s, const char *data, size_t length, struct stop *stop) {
  if (!s->is_stream) return s->sys->pwrite(s->sys, s->fd, data, length, s->written);
  if (!s->is_paced) return s->sys->write(s->sys, s->fd, data, length);
  if (!wait_until_ready(s, stop)) {
    s->is_blocked = true;
    return -EAGAIN;
  }
  return s->sys->write(s->sys, s->fd, data, length < FLOW_PIPE_BYTES ? length : FLOW_PIPE_BYTES);
}

bool sink_is_full(const struct sink *s) {
  return s->out->buf.length >= (s->parts != NULL ? FLOW_PARTS_BYTES : FLOW_SINK_BYTES);
}

bool sink_must_commit(const struct sink *s) {
  return s->parts != NULL ? sink_parts_must_commit(s->parts) : s->must_commit;
}

uint64_t sink_rows_from(const struct sink *s, size_t at) {
  const struct flow_buf *buf = &s->out->buf;
  if (s->parts != NULL) return sink_parts_count(buf->data + at, buf->length - at);
  uint64_t rows = 0;
  for (; at < buf->length; at++) rows += buf->data[at] == '\n';
  return rows;
}

static enum flow_status flush_parts(struct sink *s, struct flow_report *report) {
  struct flow_buf *buf = &s->out->buf;
  enum flow_status status = sink_parts_write(s->parts, buf->data, buf->length, report);
  buf->length = 0;
  s->out->mark_record = UINT64_MAX;
  return status;
}

enum flow_status sink_flush(struct sink *s, struct stop *stop, struct flow_report *report) {
  struct flow_buf *buf = &s->out->buf;
  if (s->parts != NULL) return flush_parts(s, report);
  size_t done = s->suppressed < buf->length ? (size_t)s->suppressed : buf->length;
  s->suppressed -= done;
  enum flow_status status = FLOW_OK;
  while (done < buf->length) {
    int64_t n = write_some(s, buf->data + done, buf->length - done, stop);
    if (n == -EAGAIN && !s->is_blocked) continue; /* a FIFO that another writer filled meanwhile */
    if (n <= 0) {
      s->is_broken = n == -EPIPE;
      status = flow_report_errno(report, FLOW_E_IO, n == 0 ? -EIO : (int)n, "write %s (sink `%s`)",
                                 s->location, s->desc->name);
      break;
    }
    remember(s, buf->data + done, (size_t)n);
    s->written += (uint64_t)n;
    s->is_dirty = true;
    done += (size_t)n;
  }
  if (done < buf->length) memmove(buf->data, buf->data + done, buf->length - done);
  buf->length -= done;
  s->out->mark_record = UINT64_MAX;
  return status;
}

bool sink_take_sync(struct sink *s, struct commit_sync *sync) {
  if (s->parts != NULL) return sink_parts_take_sync(s->parts, sync);
  if (s->is_stream || !s->is_dirty) return false;
  *sync = (struct commit_sync){s->fd, s->location, s->is_created, 0};
  s->is_dirty = s->is_created = false;
  return true;
}

/* -- epochs */

/* The hash of the last bytes, those in the buffer included. */
static uint64_t check_of(const struct sink *s) {
  if (s->is_stream) return 0;
  const struct flow_buf *buf = &s->out->buf;
  if (buf->length >= POSITION_SAMPLE) {
    return position_hash(buf->data + buf->length - POSITION_SAMPLE, POSITION_SAMPLE);
  }
  char bytes[POSITION_SAMPLE];
  size_t stays = POSITION_SAMPLE - buf->length;
  if (stays > s->tail_length) stays = s->tail_length;
  memcpy(bytes, s->tail + s->tail_length - stays, stays);
  if (buf->length > 0) memcpy(bytes + stays, buf->data, buf->length);
  return position_hash(bytes, stays + buf->length);
}

static enum flow_status pack_parts(struct sink *s, struct flow_buf *out,
                                   struct flow_report *report) {
  s->closed_rows = s->out->rows;
  enum flow_status status = flush_parts(s, report);
  return status == FLOW_OK ? sink_parts_pack(s->parts, out, report) : status;
}

enum flow_status sink_pack(struct sink *s, struct flow_buf *out, struct flow_report *report) {
  if (s->parts != NULL) return pack_parts(s, out, report);
  uint64_t length = s->written + s->out->buf.length - s->suppressed;
  if (s->suppressed > s->out->buf.length) length = s->written;
  s->closed_rows = s->out->rows;
  bool is_same = s->is_stored && !s->must_commit && s->closed == length &&
                 strcmp(s->stored_place, s->location) == 0;
  s->closed = length;
  s->must_commit = false;
  if (is_same) return FLOW_OK;
  flow_put_entry(out, 0, s->is_stored ? 0 : FLOW_DELTA_KEY);
  if (!s->is_stored) {
    size_t key = flow_put_open(out);
    flow_put_byte(out, 0);
    flow_put_close(out, key);
  }
  size_t mark = flow_put_open(out);
  flow_put_int(out, (int64_t)length);
  flow_put_int(out, (int64_t)check_of(s));
  flow_put_bytes(out, s->location, strlen(s->location));
  flow_put_close(out, mark);
  if (!s->is_stored || strcmp(s->stored_place, s->location) != 0) {
    s->sys->free(s->sys, s->stored_place);
    s->stored_place = input_copy_text(s->sys, s->location, strlen(s->location));
  }
  s->is_stored = true;
  return FLOW_OK;
}

enum flow_status sink_rewind(struct sink *s, bool replays, struct flow_report *report) {
  s->out->rows = s->closed_rows;
  s->out->buf.length = 0;
  s->out->mark_record = UINT64_MAX;
  s->suppressed = 0;
  if (s->parts != NULL) return sink_parts_rewind(s->parts, report);
  if (s->is_stream) {
    if (replays) s->suppressed = s->written - s->closed;
    if (replays && s->closed == 0 && s->desc->header != NULL) {
      flow_buf_add(&s->out->buf, s->desc->header, strlen(s->desc->header));
    }
    return FLOW_OK;
  }
  s->written = s->closed;
  enum flow_status status = cut(s, s->closed, report);
  if (status != FLOW_OK) return status;
  int64_t n = read_tail(s, s->closed);
  if (n < 0) return flow_report_errno(report, FLOW_E_IO, (int)n, "read %s", s->location);
  if (s->closed == 0) return start_afresh(s, report);
  return FLOW_OK;
}
