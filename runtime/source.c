#include "source.h"

#include <string.h>

static enum flow_status no_memory(const struct source *s, struct flow_report *report) {
  return flow_report_fail(report, FLOW_E_MEMORY, "no memory for source `%s`", s->desc->name);
}

void source_init(struct source *s, const struct flow_sys *sys, const struct flow_source_desc *desc,
                 const struct flow_connector *connector, const char *location,
                 const struct source_settings *settings) {
  *s = (struct source){.sys = sys,
                       .desc = desc,
                       .connector = connector,
                       .settings = settings,
                       .is_live = connector->is_polled && !settings->is_once,
                       .wake_us = INT64_MAX,
                       .file = INPUT_NO_FILE,
                       .fd = -1,
                       .line = 1,
                       .state = PARTITION_IDLE};
  input_init(&s->input, sys, desc->name);
  size_t block_bytes = settings->block_bytes;
  if (desc->cycle != NULL) block_bytes /= FLOW_EVENT_BYTES;
  reader_init(&s->reader, sys, block_bytes);
  s->reader.cycle = desc->cycle;
  if (location == NULL) location = "";
  s->location = input_copy_text(sys, location, strlen(location));
}

static void close_file(struct source *s) {
  if (s->fd >= 0 && s->owns_fd) s->sys->close(s->sys, s->fd);
  s->fd = -1;
  s->file = INPUT_NO_FILE;
}

void source_free(struct source *s) {
  if (s->sys == NULL) return; /* never initialised: the run ended before */
  close_file(s);
  input_free(&s->input);
  reader_free(&s->reader);
  flow_buf_free(&s->replayed);
  s->sys->free(s->sys, s->location);
  s->sys->free(s->sys, s->shown);
}

/* -- files */

/* The position of the file that is being read; null for streams. */
static struct position *present(struct source *s) {
  return s->file == INPUT_NO_FILE ? NULL : &s->input.files[s->file].now;
}

/* Takes the samples by which the open file is known again, if its position has moved. */
static enum flow_status sample(struct source *s, struct flow_report *report) {
  bool is_known = s->file == INPUT_NO_FILE || !s->input.files[s->file].is_touched;
  if (is_known || s->desc->cycle != NULL) return FLOW_OK;
  return input_sample(&s->input, s->file, s->fd, report);
}

enum flow_status source_leave(struct source *s, struct flow_report *report) {
  enum flow_status status = sample(s, report);
  close_file(s);
  return status;
}

/* Starts reading the open descriptor at `offset`; a header is read first, wherever it goes on. */
static void start_reading(struct source *s, uint64_t offset) {
  s->needs_header = s->desc->framing == FLOW_FRAMING_CSV && s->desc->has_header;
  s->needs_mark = s->needs_header || offset == 0;
  s->resume_at = offset;
  reader_start(&s->reader, s->fd, s->desc->framing, !s->is_stream, s->needs_header ? 0 : offset);
}

enum flow_status source_switch(struct source *s, uint32_t number, bool takes_open,
                               struct flow_report *report) {
  enum flow_status status = source_leave(s, report);
  if (status != FLOW_OK) return status;
  struct input_file *file = &s->input.files[number];
  char *path = input_path(&s->input, file->name);
  if (path == NULL) return no_memory(s, report);
  s->sys->free(s->sys, s->shown);
  s->shown = path;
  if (s->desc->cycle == NULL) {
    int fd = s->sys->open(s->sys, path, FLOW_OPEN_READ, 0);
    if (fd < 0) return flow_report_errno(report, FLOW_E_INPUT, fd, "open %s", path);
    s->fd = fd;
    s->owns_fd = true;
  }
  s->file = number;
  s->takes_open = takes_open;
  s->line = file->now.line;
  s->state = PARTITION_READY;
  start_reading(s, file->now.length);
  return FLOW_OK;
}

enum flow_status source_stream(struct source *s, int fd, bool owns_fd, const char *shown,
                               struct flow_report *report) {
  struct flow_file_info info;
  int error = s->sys->fstat(s->sys, fd, &info);
  if (error < 0) return flow_report_errno(report, FLOW_E_INPUT, error, "read %s", shown);
  s->fd = fd;
  s->owns_fd = owns_fd;
  s->is_stream = true;
  s->is_live = info.kind != FLOW_FILE_REGULAR;
  s->takes_open = true;
  s->shown = input_copy_text(s->sys, shown, strlen(shown));
  start_reading(s, 0);
  s->reader.is_keeping = s->settings->is_durable;
  return FLOW_OK;
}

/* -- the head of a file: byte order mark and csv header */

/* Counts consumed bytes that are not records. */
static void pass_over(struct source *s, size_t length) {
  reader_consume(&s->reader, length);
  struct position *now = present(s);
  if (s->resume_at > 0) return; /* counted in the run that read it */
  s->consumed += length;
  if (now == NULL) return;
  now->length += length;
  now->line = s->line;
  input_touch(&s->input, s->file);
}

/* Drops a byte order mark, once its three bytes are there. False: more bytes are needed. */
static bool pass_mark(struct source *s) {
  static const char mark[3] = "\xef\xbb\xbf";
  size_t unread = reader_unread(&s->reader);
  const char *data = s->reader.buffer + s->reader.start;
  size_t seen = unread < sizeof mark ? unread : sizeof mark;
  if (seen > 0 && memcmp(data, mark, seen) != 0) return true;
  if (seen < sizeof mark) return s->reader.at_end;
  reader_drop(&s->reader, sizeof mark);
  if (s->resume_at > 0) return true;
  s->consumed += sizeof mark;
  struct position *now = present(s);
  if (now != NULL) now->length += sizeof mark;
  return true;
}

/* Whether the first columns are the fields; others may follow. */
static bool are_in_order(const struct source *s) {
  if (s->column_count < s->desc->column_count) return false;
  for (uint32_t i = 0; i < s->desc->column_count; i++)
    if (s->columns[i] != (int16_t)i) return false;
  return true;
}

/* Finds the columns of the header that is the piece. */
static enum flow_status bind_columns(struct source *s, const struct piece *piece,
                                     struct flow_report *report) {
  if (piece->is_too_long) {
    return flow_report_fail(report, FLOW_E_RECORD, "the header of %s is longer than %zu MiB",
                            s->shown, FLOW_RECORD_BYTES >> 20);
  }
  const struct flow_source_desc *d = s->desc;
  struct flow_bad_record bad;
  int32_t count = flow_csv_bind(
      piece->data,
      flow_csv_record(piece->data, piece->data + piece->length, &(size_t){0}, &(uint64_t){0}),
      d->delimiter, s->settings->arena, d->columns, d->is_required, d->column_count, s->columns,
      &bad);
  if (count >= 0) {
    s->column_count = (uint32_t)count;
    s->is_in_order = are_in_order(s);
    return FLOW_OK;
  }
  flow_report_fail(report, FLOW_E_RECORD, "the header of %s does not fit source `%s`: %s", s->shown,
                   d->name, bad.reason);
  flow_report_help(report,
                   "its first line must name the columns of `%s`; if it has no such line: "
                   "csv(header: false)",
                   d->item_name);
  return FLOW_E_RECORD;
}

/* Columns in the order of the fields, for csv(header: false). */
static void bind_in_order(struct source *s) {
  s->column_count = s->desc->column_count;
  for (uint32_t i = 0; i < s->column_count; i++) s->columns[i] = (int16_t)i;
  s->is_in_order = true;
}

/* One step past the head of the file. READER_PIECE: it is behind us. */
static enum reader_result pass_head(struct source *s, enum flow_status *status,
                                    struct flow_report *report) {
  if (s->needs_mark) {
    if (!pass_mark(s)) return READER_STARVED;
    s->needs_mark = false;
  }
  if (!s->needs_header) {
    if (s->desc->framing == FLOW_FRAMING_CSV && !s->desc->has_header) bind_in_order(s);
    return READER_PIECE;
  }
  struct piece piece;
  enum reader_result result = reader_piece(&s->reader, 0, s->takes_open, &piece);
  if (result != READER_PIECE) return result;
  *status = bind_columns(s, &piece, report);
  for (size_t i = 0; i < piece.length; i++) s->line += s->resume_at == 0 && piece.data[i] == '\n';
  pass_over(s, piece.length);
  if (s->resume_at == 0 && piece.is_open && s->file != INPUT_NO_FILE) present(s)->is_open = true;
  s->needs_header = false;
  if (s->resume_at > s->reader.offset) {
    uint64_t cap = s->reader.cap;
    reader_start(&s->reader, s->fd, s->desc->framing, !s->is_stream, s->resume_at);
    s->reader.cap = cap;
  }
  return READER_PIECE;
}

/* -- blocks */

/* Reads once. Without waiting: *is_ready is false if a stream has nothing now. */
static enum flow_status fill(struct source *s, bool *is_ready, struct flow_report *report) {
  if (s->is_stream && s->is_live) {
    struct flow_wait item = {.fd = s->fd, .want = FLOW_WAIT_READ};
    int n = s->sys->wait(s->sys, &item, 1, 0);
    if (n < 0) return flow_report_errno(report, FLOW_E_IO, n, "wait for %s", s->shown);
    *is_ready = n > 0;
    if (n == 0) return FLOW_OK;
  }
  *is_ready = true;
  enum flow_status status = reader_fill(&s->reader, report);
  if (status == FLOW_E_IO) flow_report_add(report, " (%s, source `%s`)", s->shown, s->desc->name);
  return status;
}

/* What can be had from the open file without waiting. */
static enum flow_status look_at_file(struct source *s, enum reader_result *result,
                                     struct flow_report *report) {
  for (;;) {
    enum flow_status status = FLOW_OK;
    *result = pass_head(s, &status, report);
    if (status != FLOW_OK) return status;
    if (*result == READER_PIECE) *result = reader_ready(&s->reader, s->takes_open);
    if (*result != READER_STARVED) return FLOW_OK;
    bool is_ready;
    status = fill(s, &is_ready, report);
    if (status != FLOW_OK || !is_ready) return status;
  }
}

enum flow_status source_look(struct source *s, int64_t now_us, struct flow_report *report) {
  while (s->state != PARTITION_END) {
    if (s->fd >= 0 || s->file != INPUT_NO_FILE) {
      enum reader_result result;
      enum flow_status status = look_at_file(s, &result, report);
      if (status != FLOW_OK) return status;
      s->state = result == READER_PIECE ? PARTITION_READY : PARTITION_IDLE;
      if (result != READER_END) return FLOW_OK;
      if (s->is_stream) {
        s->state = PARTITION_END;
        return FLOW_OK;
      }
    }
    enum flow_status status = s->connector->next(s, now_us, report);
    if (status != FLOW_OK || s->state != PARTITION_READY) return status;
  }
  return FLOW_OK;
}

/* Describes a piece to the source's run function. */
static void describe(struct source *s, const struct piece *piece, struct flow_block *block) {
  s->block_line = s->line;
  *block = (struct flow_block){.cursor = piece->data,
                               .end = piece->data + piece->length,
                               .start = piece->data,
                               .offset = piece->offset,
                               .line = s->line,
                               .columns = s->columns,
                               .column_count = s->column_count,
                               .is_in_order = s->is_in_order,
                               .file = s->shown,
                               .is_last_open = piece->is_open,
                               .is_too_long = piece->is_too_long};
}

enum flow_status source_take(struct source *s, uint64_t limit, struct flow_block *block,
                             struct flow_report *report) {
  bool is_ready = true;
  enum flow_status status;
  while (!s->is_stream && !s->reader.at_end && reader_unread(&s->reader) < s->reader.block_bytes) {
    if ((status = fill(s, &is_ready, report)) != FLOW_OK) return status;
  }
  uint64_t ahead = limit - s->consumed;
  uint64_t file_limit =
      ahead > UINT64_MAX - s->reader.offset ? UINT64_MAX : s->reader.offset + ahead;
  struct piece piece;
  while (reader_piece(&s->reader, file_limit, s->takes_open, &piece) != READER_PIECE) {
    /* source_look() has seen a whole record, so only a file that shrinks meanwhile ends up here. */
    if (s->reader.at_end || !is_ready) {
      return flow_report_fail(report, FLOW_E_BUG, "source `%s` lost a record of %s", s->desc->name,
                              s->shown);
    }
    if ((status = fill(s, &is_ready, report)) != FLOW_OK) return status;
  }
  describe(s, &piece, block);
  return FLOW_OK;
}

void source_advance(struct source *s, const struct flow_block *block, const char *from,
                    uint64_t records) {
  size_t length = (size_t)(block->cursor - from);
  if (s->replayed.length == 0) reader_consume(&s->reader, length);
  s->consumed += length;
  s->records += records;
  bool is_open = block->is_last_open && block->cursor == block->end;
  if (is_open) { /* its line has no end yet, whatever the parser counted */
    for (const char *p = from; (p = memchr(p, '\n', (size_t)(block->cursor - p))) != NULL; p++)
      s->line++;
  } else {
    s->line = block->line;
  }
  struct position *now = present(s);
  if (now == NULL) return;
  now->length += length;
  now->line = s->line;
  now->records += records;
  now->is_open = is_open;
  input_touch(&s->input, s->file);
}

enum flow_status source_done(struct source *s, const struct flow_block *block, uint64_t *skipped,
                             struct flow_report *report) {
  *skipped = 0;
  if (!block->is_too_long || s->replayed.length > 0) return FLOW_OK;
  enum flow_status status = reader_skip_line(&s->reader, skipped, report);
  s->consumed += *skipped;
  s->line = s->block_line + 1;
  struct position *now = present(s);
  if (now != NULL) {
    now->length += *skipped;
    now->line = s->line;
  }
  return status;
}

bool source_is_blank(const struct source *s, const char *line, const char *end) {
  if (!s->desc->skips_blank) return false;
  while (line < end && (*line == ' ' || *line == '\t' || *line == '\r' || *line == '\n')) line++;
  return line == end;
}

void source_count(struct source *s, uint32_t file, uint64_t records) {
  s->records += records;
  if (file != INPUT_NO_FILE) s->input.files[file].now.records += records;
}

enum flow_status source_take_back(struct source *s, uint32_t file, uint64_t bytes, uint64_t line,
                                  struct flow_report *report) {
  s->consumed -= bytes;
  s->line = line;
  if (file == INPUT_NO_FILE) return FLOW_OK;
  struct position *now = &s->input.files[file].now;
  now->length -= bytes;
  now->line = line;
  now->is_open = false;
  input_touch(&s->input, file);
  /* source_pack() takes the samples of the file that is open. */
  if (file == s->file || !s->settings->is_durable || s->desc->cycle != NULL) return FLOW_OK;
  char *path = input_path(&s->input, s->input.files[file].name);
  if (path == NULL) return no_memory(s, report);
  int fd = s->sys->open(s->sys, path, FLOW_OPEN_READ, 0);
  enum flow_status status = fd < 0
                                ? flow_report_errno(report, FLOW_E_IO, fd, "open %s", path)
                                : input_sample(&s->input, file, fd, report);
  if (fd >= 0) s->sys->close(s->sys, fd);
  s->sys->free(s->sys, path);
  return status;
}

/* -- epochs */

enum flow_status source_pack(struct source *s, struct flow_buf *out, struct flow_report *report) {
  enum flow_status status = sample(s, report);
  if (status != FLOW_OK) return status;
  if (s->input.place != NULL) input_pack(&s->input, out);
  return FLOW_OK;
}

void source_forget(struct source *s) {
  s->closed_records = s->records;
  reader_forget(&s->reader);
}

bool source_is_full(const struct source *s) {
  return s->reader.kept >= FLOW_KEPT_BYTES;
}

void source_rewind(struct source *s) {
  if (!s->is_stream) close_file(s);
  s->records = s->closed_records;
  input_rewind(&s->input);
  flow_buf_free(&s->replayed);
}

enum flow_status source_replay(struct source *s, const struct sequencer_entry *entry,
                               struct flow_report *report) {
  s->line = entry->line;
  if (s->is_stream) {
    const char *kept = reader_kept(&s->reader, entry->offset, entry->length);
    if (kept == NULL) {
      return flow_report_fail(report, FLOW_E_BUG, "source `%s` kept too little", s->desc->name);
    }
    static const char padding[FLOW_PADDING];
    s->replayed.length = 0;
    flow_buf_add(&s->replayed, kept, (size_t)entry->length);
    flow_buf_add(&s->replayed, padding, sizeof padding);
    return FLOW_OK;
  }
  enum flow_status status = source_switch(s, entry->file, true, report);
  enum reader_result head = READER_STARVED;
  while (status == FLOW_OK && s->needs_header && head != READER_PIECE) {
    bool is_ready;
    head = pass_head(s, &status, report);
    if (head == READER_STARVED && status == FLOW_OK) status = fill(s, &is_ready, report);
  }
  if (status != FLOW_OK) return status;
  reader_start(&s->reader, s->fd, s->desc->framing, true, entry->offset);
  s->reader.cap = entry->offset + entry->length;
  struct position *now = present(s);
  now->length = entry->offset;
  now->line = s->line = entry->line;
  return FLOW_OK;
}

/* The whole piece of a stream, once. */
static void replay_stream(struct source *s, const struct sequencer_entry *entry,
                          struct flow_block *block, bool *has_block) {
  *has_block = block->start != s->replayed.data;
  if (!*has_block) return;
  size_t length = (size_t)entry->length;
  if (entry->is_too_long && length > FLOW_SHOWN_BYTES) length = FLOW_SHOWN_BYTES;
  struct piece piece = {.data = s->replayed.data,
                        .length = length,
                        .offset = entry->offset,
                        .is_open = entry->is_open,
                        .is_too_long = entry->is_too_long};
  describe(s, &piece, block);
}

enum flow_status source_replay_block(struct source *s, const struct sequencer_entry *entry,
                                     struct flow_block *block, bool *has_block,
                                     struct flow_report *report) {
  if (s->is_stream) {
    replay_stream(s, entry, block, has_block);
    return FLOW_OK;
  }
  *has_block = false;
  struct piece piece;
  for (;;) {
    enum reader_result result = reader_piece(&s->reader, UINT64_MAX, true, &piece);
    if (result == READER_END) return FLOW_OK;
    if (result == READER_PIECE) break;
    bool is_ready;
    enum flow_status status = fill(s, &is_ready, report);
    if (status != FLOW_OK) return status;
  }
  /* The first line of a too long csv record may look whole when it is read alone. */
  piece.is_too_long = entry->is_too_long;
  piece.is_open = piece.is_open && entry->is_open;
  *has_block = true;
  describe(s, &piece, block);
  return FLOW_OK;
}
