#include "message.h"

#include "flow/number.h"
#include "flow/text.h"
#include "limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void message_add(struct flow_buf *out, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char text[2048];
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (length < 0) return;
  flow_buf_add(out, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

void message_report(struct flow_buf *out, const struct flow_report *report) {
  flow_buf_add_literal(out, "error: ");
  flow_buf_add(out, report->message, strlen(report->message));
  if (report->help[0] != '\0') {
    flow_buf_add_literal(out, "\n  = help: ");
    flow_buf_add(out, report->help, strlen(report->help));
  }
  flow_buf_add_char(out, '\n');
}

/* Appends bytes so that one column of a terminal stands for one code point: what is not UTF-8 and
 * control characters become U+FFFD, tabs blanks. Returns the number of columns. */
static size_t add_shown(struct flow_buf *out, const char *data, size_t length) {
  size_t columns = 0;
  for (const char *p = data, *end = data + length; p < end; columns++) {
    size_t size = flow_utf8_sequence(p, end);
    unsigned char byte = (unsigned char)*p;
    if (byte == '\t')
      flow_buf_add_char(out, ' ');
    else if (size == 0 || byte < 0x20 || byte == 0x7f)
      flow_buf_add_literal(out, "\xef\xbf\xbd");
    else
      flow_buf_add(out, p, size);
    p += size == 0 ? 1 : size;
  }
  return columns;
}

/* The width of a line number. */
static int width_of(uint64_t line) {
  int width = 1;
  for (; line >= 10; line /= 10) width++;
  return width;
}

/* " 6 | FAIL HERE" and the carets under it. Long lines are cut around the place. */
static void add_line(struct flow_buf *out, uint64_t line, const char *text, size_t length,
                     size_t at, size_t carets, const char *what) {
  size_t from = 0;
  if (at > length) at = length;
  if (length > FLOW_SHOWN_BYTES && at > FLOW_SHOWN_BYTES / 2) {
    from = at - FLOW_SHOWN_BYTES / 2;
    while (from < at && ((unsigned char)text[from] & 0xc0) == 0x80) from++;
  }
  size_t shown = length - from;
  bool is_cut = shown > FLOW_SHOWN_BYTES;
  if (is_cut) {
    shown = FLOW_SHOWN_BYTES;
    while (shown > 0 && ((unsigned char)text[from + shown] & 0xc0) == 0x80) shown--;
  }
  message_add(out, " %llu | %s", (unsigned long long)line, from > 0 ? "…" : "");
  size_t columns = from > 0 ? 1 : 0;
  columns += add_shown(out, text + from, at - from);
  size_t under = add_shown(out, text + at, from + shown - at);
  message_add(out, "%s\n %*s | %*s", is_cut ? "…" : "", width_of(line), "", (int)columns, "");
  if (carets > under) carets = under;
  if (carets == 0) carets = 1;
  while (carets-- > 0) flow_buf_add_char(out, '^');
  message_add(out, " %s\n", what);
}

/* Code points of a text. */
static size_t columns_of(const char *data, size_t length) {
  size_t columns = 0;
  for (size_t i = 0; i < length; i++) columns += ((unsigned char)data[i] & 0xc0) != 0x80;
  return columns;
}

/* The line of a record of several lines that the place is in. */
struct shown_line {
  uint64_t number;
  const char *text;
  size_t length, at;
};

static struct shown_line line_of(const struct message_place *place) {
  struct shown_line line = {.number = place->line};
  size_t at = place->at < place->length ? place->at : place->length, start = 0;
  for (size_t i = 0; i < at; i++) {
    if (place->record[i] != '\n') continue;
    line.number++;
    start = i + 1;
  }
  line.text = place->record + start;
  line.at = at - start;
  const char *newline = memchr(line.text, '\n', place->length - start);
  line.length = newline != NULL ? (size_t)(newline - line.text) : place->length - start;
  if (line.length > 0 && line.text[line.length - 1] == '\r') line.length--;
  return line;
}

void message_bad_record(struct flow_buf *out, const struct flow_program *program,
                        const struct flow_source_desc *source, const struct message_place *place,
                        const char *reason, const char *done) {
  struct shown_line line = line_of(place);
  message_add(out, "error[R1001]: malformed record, stopped by `else stop` (the default)\n");
  message_add(out, "  --> %s:%llu:%zu   (source `%s`, byte %llu)\n", place->file,
              (unsigned long long)line.number, columns_of(line.text, line.at) + 1, source->name,
              (unsigned long long)(place->offset + place->at));
  add_line(out, line.number, line.text, line.length, line.at, 1, reason);
  int pad = width_of(line.number);
  message_add(out, " %*s = note: %s\n", pad, "", done);
  message_add(
      out,
      " %*s = help: repair the line, or add `else skip` / `else into rejects` to the source at "
      "%s:%u, "
      "rebuild, run again\n",
      pad, "", program->file, source->site->line);
}

void message_failure(struct flow_buf *out, const struct flow_program *program,
                     const struct flow_site *site, bool is_stop, const char *reason,
                     const struct message_place *place, const char *done) {
  bool is_sink = strncmp(site->step, "sink ", 5) == 0; /* it has no `else` */
  if (is_stop)
    message_add(out, "error[R1003]: stopped by `else stop`: %s\n", reason);
  else
    message_add(out, "error[R1002]: %s%s\n", reason, is_sink ? "" : ", and nothing handles it");
  message_add(out, "  --> %s:%u:%u   (%s)\n", site->file != NULL ? site->file : program->file, site->line,
              site->column, site->step);
  size_t length = strlen(site->text), at = 0;
  for (uint32_t column = 1; column < site->column && at < length; column++) {
    at++;
    while (at < length && ((unsigned char)site->text[at] & 0xc0) == 0x80) at++;
  }
  add_line(out, site->line, site->text, length, at, site->length, reason);
  int pad = width_of(site->line);
  bool is_generated = place != NULL && place->is_generated;
  if (is_generated) {
    message_add(out, " %*s = note: it happened at event %llu of source `%s`\n", pad, "",
                (unsigned long long)(place->offset + place->length), place->source);
  } else if (place != NULL) {
    struct flow_buf shown = {0};
    size_t cut = place->length < FLOW_SHOWN_BYTES ? place->length : FLOW_SHOWN_BYTES;
    add_shown(&shown, place->record, cut);
    message_add(out, " %*s = note: it happened at %s:%llu   (source `%s`, byte %llu): %.*s%s\n",
                pad, "", place->file, (unsigned long long)place->line, place->source,
                (unsigned long long)place->offset, (int)shown.length,
                shown.data == NULL ? "" : shown.data, cut < place->length ? "…" : "");
    flow_buf_free(&shown);
  }
  message_add(out, " %*s = note: %s\n", pad, "", done);
  const char *what = place == NULL ? "change what the hook computes"
                     : is_generated
                         ? "change the step, or write `else skip` / `else into rejects` behind it"
                     : is_sink     ? "repair the record, or leave it out with `filter` ahead of the sink"
                     : is_stop     ? "repair the record, or write `else skip` / `else into rejects`"
                               : "repair the record, or add `else skip` / `else into rejects` to "
                                 "the step";
  message_add(out, " %*s = help: %s, rebuild, run again\n", pad, "", what);
}
