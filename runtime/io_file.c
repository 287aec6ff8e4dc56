/* file(PATH): one file, read to its end; as a sink, one file that is written.
 *
 * A FIFO, a terminal or another device under the name is read as a stream, like stdin: it has no
 * positions. */
#include "source.h"

#include <errno.h>
#include <string.h>

static enum flow_status open_named_stream(struct source *s, struct flow_report *report) {
  /* Without waiting for a writer: a signal must be able to end the wait, so poll() does it. */
  int fd = s->sys->open(s->sys, s->location, FLOW_OPEN_READ | FLOW_OPEN_NONBLOCK, 0);
  if (fd < 0) {
    return flow_report_errno(report, FLOW_E_INPUT, fd, "open %s (source `%s`)", s->location,
                             s->desc->name);
  }
  return source_stream(s, fd, true, s->location, report);
}

/* The name within the source is what follows the last slash; the rest is where it lies. */
static const char *split_location(struct source *s) {
  const char *slash = strrchr(s->location, '/');
  const char *name = slash == NULL ? s->location : slash + 1;
  s->input.folder = input_copy_text(s->sys, s->location, (size_t)(name - s->location));
  return name;
}

/* A file that is missing and was there in an earlier run: how much of it was read. */
static void report_read_before(const struct source *s, struct flow_report *report) {
  const char *slash = strrchr(s->location, '/');
  uint32_t number = input_find(&s->input, slash == NULL ? s->location : slash + 1);
  if (number == INPUT_NO_FILE || s->input.is_moved) return;
  const struct position *p = &s->input.files[number].now;
  if (p->length == 0) return;
  flow_report_add(report, "\n  expected: the file of which %llu bytes (%llu record%s) were read before",
                  (unsigned long long)p->length, (unsigned long long)p->records,
                  p->records == 1 ? "" : "s");
}

static enum flow_status file_open(struct source *s, struct flow_report *report) {
  struct flow_file_info info;
  int error = s->sys->stat(s->sys, s->location, &info);
  if (error == 0 && info.kind == FLOW_FILE_DIRECTORY) error = -EISDIR;
  if (error < 0) {
    flow_report_errno(report, FLOW_E_INPUT, error, "read %s (source `%s`)", s->location,
                      s->desc->name);
    report_read_before(s, report);
    if (error == -EISDIR) flow_report_help(report, "dir(\"%s\", …) reads a directory", s->location);
    if (error == -ENOENT) {
      flow_report_help(report, "%s, or read another one: --source %s=PATH",
                       s->input.count > 0 ? "put it back" : "create it", s->desc->name);
    }
    return report->status;
  }
  if (info.kind != FLOW_FILE_REGULAR) return open_named_stream(s, report);
  int fd = s->sys->open(s->sys, s->location, FLOW_OPEN_READ, 0);
  if (fd < 0) {
    return flow_report_errno(report, FLOW_E_INPUT, fd, "read %s (source `%s`)", s->location,
                             s->desc->name);
  }
  s->sys->close(s->sys, fd);
  const char *name = split_location(s);
  enum flow_status status;
  uint32_t number = INPUT_NO_FILE;
  s->input.is_single = true;
  input_begin(&s->input);
  for (enum input_round round = INPUT_KNOWN; round < INPUT_ROUNDS; round++) {
    if (number != INPUT_NO_FILE || !input_wants(&s->input, name, round)) continue;
    status = input_match(&s->input, name, &info, round, &number, report);
    if (status != FLOW_OK) return status;
  }
  status = input_end(&s->input, report);
  if (status != FLOW_OK) return status;
  s->consumed = s->input.files[number].now.length;
  return source_switch(s, number, true, report);
}

static enum flow_status file_next(struct source *s, int64_t now_us, struct flow_report *report) {
  (void)now_us;
  s->state = PARTITION_END;
  return source_leave(s, report);
}

/* Nothing more for now: looks whether the file has grown. */
static enum flow_status followed_next(struct source *s, int64_t now_us, struct flow_report *report) {
  if (!s->is_live) return file_next(s, now_us, report);
  s->state = PARTITION_IDLE;
  enum flow_status status = source_leave(s, report);
  if (status != FLOW_OK) return status;
  struct flow_file_info info;
  int error = s->sys->stat(s->sys, s->location, &info);
  if (error < 0) return flow_report_errno(report, FLOW_E_INPUT, error, "read %s", s->location);
  const char *slash = strrchr(s->location, '/');
  uint32_t number = input_find(&s->input, slash == NULL ? s->location : slash + 1);
  if (info.size <= s->input.files[number].now.length) return FLOW_OK;
  return source_switch(s, number, true, report);
}

const struct flow_connector flow_connector_file = {
    .name = "file",
    .is_readable = true,
    .target = CONNECTOR_FILE,
    .open = file_open,
    .next = file_next,
};

/* A file that is read on when it has grown, whenever the run looks. It has no wish to be looked at:
 * the driver of a test says when. */
const struct flow_connector flow_connector_followed = {
    .name = "file",
    .is_readable = true,
    .is_polled = true,
    .open = file_open,
    .next = followed_next,
};
