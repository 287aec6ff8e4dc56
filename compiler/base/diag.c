#include "base/diag.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/utf8.h"

static const struct diag_info infos[] = {
#define DIAG(code, title, explanation) {#code, title, explanation},
#include "base/diag.def"
#undef DIAG
};

void diags_init(struct diags *diags, struct arena *arena, const struct sources *sources) {
  *diags = (struct diags){.arena = arena, .sources = sources};
  diags->surplus = arena_new(arena, struct diag);
  diags->surplus->diags = diags;
}

/* What no source file may make a terminal do: control characters, and marks that turn the direction
 * of writing. `count` is 0 for an invalid byte. */
static bool is_unprintable(size_t count, uint32_t code_point) {
  return count == 0 || code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0) ||
         (code_point >= 0x200E && code_point <= 0x200F) ||
         (code_point >= 0x202A && code_point <= 0x202E) ||
         (code_point >= 0x2066 && code_point <= 0x2069);
}

/* The formatted text, which may quote any bytes of the source: what is unprintable becomes U+FFFD. */
static const char *clean_text(struct arena *arena, const char *format, va_list args) {
  const char *raw = arena_vprintf(arena, format, args);
  struct text out;
  text_init(&out, arena);
  for (size_t length = strlen(raw); length > 0;) {
    uint32_t code_point;
    size_t count = utf8_decode(raw, length, &code_point), used = count ? count : 1;
    bool is_shown = !is_unprintable(count, code_point) || *raw == '\n';
    text_addn(&out, is_shown ? raw : "\xEF\xBF\xBD", is_shown ? used : 3);
    raw += used;
    length -= used;
  }
  return out.data;
}

static struct diag *add(struct diags *diags, bool is_error, enum diag_code code, struct span span,
                        const char *format, va_list args) {
  diags->error_count += is_error;
  if (diags->list.count >= LIMIT_DIAGS_KEPT) return diags->surplus;
  struct diag *diag = arena_new(diags->arena, struct diag);
  diag->diags = diags;
  diag->code = code;
  diag->is_error = is_error;
  diag->span = span;
  diag->message = clean_text(diags->arena, format, args);
  vec_push(diags->arena, &diags->list, diag);
  for (const struct diag_context *at = diags->context; at; at = at->outer) {
    bool is_inside = span.offset >= at->span.offset && span.offset < at->span.offset + at->span.length;
    if (is_inside) break;
    vec_push(diags->arena, &diag->labels, (struct diag_label){at->span, at->what});
  }
  return diag;
}

const struct diag_context *diags_swap_context(struct diags *diags,
                                              const struct diag_context *context) {
  const struct diag_context *before = diags->context;
  diags->context = context;
  return before;
}

struct diag *diag_error(struct diags *diags, enum diag_code code, struct span span,
                        const char *format, ...) {
  va_list args;
  va_start(args, format);
  struct diag *diag = add(diags, true, code, span, format, args);
  va_end(args);
  return diag;
}

struct diag *diag_warning(struct diags *diags, enum diag_code code, struct span span,
                          const char *format, ...) {
  va_list args;
  va_start(args, format);
  struct diag *diag = add(diags, false, code, span, format, args);
  va_end(args);
  return diag;
}

struct diag *diag_label(struct diag *diag, struct span span, const char *format, ...) {
  if (diag == diag->diags->surplus) return diag;
  va_list args;
  va_start(args, format);
  const char *text = clean_text(diag->diags->arena, format, args);
  va_end(args);
  vec_push(diag->diags->arena, &diag->labels, (struct diag_label){span, text});
  return diag;
}

struct diag *diag_underline(struct diag *diag, struct span span) {
  if (diag == diag->diags->surplus) return diag;
  vec_push(diag->diags->arena, &diag->labels, (struct diag_label){span, ""});
  return diag;
}

static struct diag *add_remark(struct diag *diag, bool is_help, const char *format, va_list args) {
  if (diag == diag->diags->surplus) return diag;
  const char *text = clean_text(diag->diags->arena, format, args);
  vec_push(diag->diags->arena, &diag->remarks, (struct diag_remark){is_help, text});
  return diag;
}

struct diag *diag_note(struct diag *diag, const char *format, ...) {
  va_list args;
  va_start(args, format);
  add_remark(diag, false, format, args);
  va_end(args);
  return diag;
}

struct diag *diag_help(struct diag *diag, const char *format, ...) {
  va_list args;
  va_start(args, format);
  add_remark(diag, true, format, args);
  va_end(args);
  return diag;
}

bool diags_has_errors(const struct diags *diags) {
  return diags->error_count > 0;
}

const struct diag_info *diag_info(enum diag_code code) {
  return &infos[code];
}

enum diag_code diag_code_from_name(const char *name) {
  for (size_t i = 0; i < DIAG_CODE_COUNT; i++) {
    if (strcasecmp(name, infos[i].name) == 0) return (enum diag_code)i;
  }
  return DIAG_CODE_COUNT;
}

bool diags_has_error_on_line(const struct diags *diags, uint32_t offset) {
  const struct source *source = sources_at(diags->sources, offset);
  uint32_t line = sources_line(diags->sources, offset);
  vec_each(struct diag *const, it, &diags->list) {
    uint32_t other = (*it)->span.offset;
    if ((*it)->is_error && sources_line(diags->sources, other) == line &&
        sources_at(diags->sources, other) == source)
      return true;
  }
  return false;
}

/* -- order ------------------------------------------------------------------------------------- */

struct numbered {
  struct diag *diag;
  size_t index;
};

static int compare_numbers(size_t a, size_t b) {
  return a < b ? -1 : a > b;
}

/* By place; at one place errors first, then by code, then as reported. */
static int compare_places(const void *left, const void *right) {
  const struct numbered *a = left, *b = right;
  int order = compare_numbers(a->diag->span.offset, b->diag->span.offset);
  if (order == 0) order = (int)b->diag->is_error - (int)a->diag->is_error;
  if (order == 0) order = compare_numbers(a->diag->code, b->diag->code);
  if (order == 0) order = compare_numbers(a->diag->span.length, b->diag->span.length);
  return order ? order : compare_numbers(a->index, b->index);
}

static int compare_severities(const void *left, const void *right) {
  const struct numbered *a = left, *b = right;
  int order = (int)b->diag->is_error - (int)a->diag->is_error;
  return order ? order : compare_places(left, right);
}

/* Returns the reports to show, in order, and stores how many there are. */
static struct numbered *sorted(const struct diags *diags, size_t limit, size_t *count) {
  struct numbered *list = arena_alloc(diags->arena, diags->list.count * sizeof *list);
  for (size_t i = 0; i < diags->list.count; i++)
    list[i] = (struct numbered){diags->list.data[i], i};
  if (diags->list.count > 0) qsort(list, diags->list.count, sizeof *list, compare_places);
  size_t kept = 0;
  for (size_t i = 0; i < diags->list.count; i++) {
    const struct diag *diag = list[i].diag, *last = kept ? list[kept - 1].diag : NULL;
    bool is_repeated = last && last->code == diag->code && last->span.offset == diag->span.offset &&
                       last->span.length == diag->span.length;
    if (!is_repeated) list[kept++] = list[i];
  }
  *count = kept;
  if (kept > limit) {
    qsort(list, kept, sizeof *list, compare_severities);
    qsort(list, limit, sizeof *list, compare_places);
  }
  return list;
}

/* -- the human format -------------------------------------------------------------------------- */

#define TAB_WIDTH    4
#define ANSI_RESET   "\033[0m"
#define ANSI_BOLD    "\033[1m"
#define ANSI_ERROR   "\033[1;31m"
#define ANSI_WARNING "\033[1;33m"
#define ANSI_FRAME   "\033[1;34m"

/* A label placed on its line, in columns of the terminal counted from 0; `end` is exclusive. */
struct mark {
  size_t line, start, end;
  bool is_primary;
  const char *text;
  const struct source *source;
};

VEC_OF(marks, struct mark);

struct renderer {
  const struct diag *diag;
  struct text *out;
  bool is_coloured;
  int gutter; /* Columns of the line numbers. */
};

static void style(struct renderer *r, const char *ansi) {
  if (r->is_coloured) text_add(r->out, ansi);
}

static const char *severity_style(const struct diag *diag) {
  return diag->is_error ? ANSI_ERROR : ANSI_WARNING;
}

/* Reads one character of a source line: its bytes, and its width at this column. */
static size_t next_character(const char *line, size_t length, size_t column, const char **shown,
                             size_t *shown_length, size_t *width) {
  uint32_t code_point;
  size_t count = utf8_decode(line, length, &code_point);
  if (code_point == '\t' && count == 1) {
    *shown = "        ";
    *shown_length = *width = TAB_WIDTH - column % TAB_WIDTH;
    return 1;
  }
  if (count == 3 && code_point == 0xFEFF) {
    *shown_length = *width = 0;
    return 3;
  }
  if (is_unprintable(count, code_point)) {
    *shown = "\xEF\xBF\xBD";
    *shown_length = 3;
    *width = 1;
    return count ? count : 1;
  }
  *shown = line;
  *shown_length = count;
  *width = (size_t)utf8_width(code_point);
  return count;
}

static size_t column_of(const char *line, size_t length, size_t index) {
  size_t column = 0;
  for (size_t at = 0; at < index && at < length;) {
    const char *shown;
    size_t shown_length, width;
    at += next_character(line + at, length - at, column, &shown, &shown_length, &width);
    column += width;
  }
  return column;
}

static struct mark place_mark(const struct diags *diags, struct span span, bool is_primary,
                              const char *text) {
  struct place place = sources_place(diags->sources, span.offset);
  size_t length;
  const char *line = source_line(place.source, place.line, &length);
  size_t index = span.offset - place.source->start - (size_t)(line - place.source->text);
  if (index > length) index = length;
  size_t end_index = index + span.length < length ? index + span.length : length;
  size_t start = column_of(line, length, index), end = column_of(line, length, end_index);
  if (end <= start) end = start + 1;
  return (struct mark){place.line, start, end, is_primary, text, place.source};
}

static int compare_marks(const void *left, const void *right) {
  const struct mark *a = left, *b = right;
  int order = compare_numbers(a->line, b->line);
  if (order == 0) order = compare_numbers(a->start, b->start);
  if (order == 0) order = (int)b->is_primary - (int)a->is_primary;
  return order ? order : strcmp(a->text, b->text);
}

static void add_gutter(struct renderer *r, size_t line) {
  style(r, ANSI_FRAME);
  if (line) {
    text_addf(r->out, "%*zu |", r->gutter, line);
  } else {
    text_addf(r->out, "%*s |", r->gutter, "");
  }
  style(r, ANSI_RESET);
}

static void end_line(struct text *out) {
  while (out->length > 0 && out->data[out->length - 1] == ' ') out->length--;
  text_addc(out, '\n');
}

/* The part of a long line that is shown: columns [from, to). */
struct window {
  size_t from, to;
};

static struct window window_around(const struct mark *marks, size_t count) {
  const struct mark *main_mark = &marks[0];
  for (size_t i = 0; i < count; i++) {
    if (marks[i].is_primary) main_mark = &marks[i];
  }
  size_t last = main_mark->end - main_mark->start > 60 ? main_mark->start + 60 : main_mark->end;
  size_t from =
      last + 20 <= LIMIT_COLUMNS_SHOWN ? 0 : main_mark->start - (main_mark->start > 60 ? 60 : 0);
  return (struct window){from, from + LIMIT_COLUMNS_SHOWN};
}

static void add_source_line(struct renderer *r, const struct mark *mark, struct window window) {
  size_t length, column = 0, at = 0;
  const char *line = source_line(mark->source, (uint32_t)mark->line, &length);
  add_gutter(r, mark->line);
  text_add(r->out, window.from ? " …" : " ");
  while (at < length && column < window.to) {
    const char *shown = "";
    size_t shown_length, width;
    at += next_character(line + at, length - at, column, &shown, &shown_length, &width);
    if (column >= window.from) text_addn(r->out, shown, shown_length);
    column += width;
  }
  if (at < length) text_add(r->out, "…");
  end_line(r->out);
}

/* Moves the marks into the window. A wide character cut at its edge may shift them by one column,
 * which nobody will see. */
static void clip_marks(struct mark *marks, size_t count, struct window window) {
  for (size_t i = 0; i < count; i++) {
    struct mark *mark = &marks[i];
    size_t shift = window.from ? window.from - 1 : 0; /* The "…" takes one column. */
    size_t start = mark->start < window.from ? window.from
                   : mark->start > window.to ? window.to
                                             : mark->start;
    size_t end = mark->end > window.to ? window.to : mark->end;
    mark->start = start - shift;
    mark->end = (end > start ? end : start + 1) - shift;
  }
}

static void go_to(struct text *out, size_t *column, size_t target) {
  if (target <= *column) return;
  text_pad(out, ' ', target - *column);
  *column = target;
}

/* The line with carets and dashes; the text of the last mark stands behind it. */
static void add_underlines(struct renderer *r, const struct mark *marks, size_t count) {
  size_t column = 0;
  add_gutter(r, 0);
  text_addc(r->out, ' ');
  for (size_t i = 0; i < count; i++) {
    size_t start = marks[i].start > column ? marks[i].start : column;
    size_t end = marks[i].end;
    /* A primary mark inside a wider one stays visible. */
    if (i + 1 < count && marks[i + 1].start < end && marks[i + 1].start > marks[i].start)
      end = marks[i + 1].start;
    if (end <= start) continue;
    go_to(r->out, &column, start);
    style(r, marks[i].is_primary ? severity_style(r->diag) : ANSI_FRAME);
    text_pad(r->out, marks[i].is_primary ? '^' : '-', end - start);
    style(r, ANSI_RESET);
    column = end;
  }
  const struct mark *last = &marks[count - 1];
  if (last->text[0]) {
    style(r, last->is_primary ? severity_style(r->diag) : ANSI_FRAME);
    text_addf(r->out, " %s", last->text);
    style(r, ANSI_RESET);
  }
  end_line(r->out);
}

/* The texts of the other marks, from right to left, each under the start of its mark. */
static void add_hanging_texts(struct renderer *r, const struct mark *marks, size_t count) {
  for (size_t i = count - 1; i-- > 0;) {
    if (!marks[i].text[0]) continue;
    size_t column = 0;
    add_gutter(r, 0);
    text_addc(r->out, ' ');
    for (size_t j = 0; j < i; j++) {
      if (!marks[j].text[0] || marks[j].start >= marks[i].start || (j && marks[j].start < column))
        continue;
      go_to(r->out, &column, marks[j].start);
      style(r, marks[j].is_primary ? severity_style(r->diag) : ANSI_FRAME);
      text_addc(r->out, '|');
      style(r, ANSI_RESET);
      column++;
    }
    go_to(r->out, &column, marks[i].start);
    style(r, marks[i].is_primary ? severity_style(r->diag) : ANSI_FRAME);
    text_add(r->out, marks[i].text);
    style(r, ANSI_RESET);
    end_line(r->out);
  }
}

/* Shows the lines of one source that have marks. */
static void add_snippet(struct renderer *r, struct mark *marks, size_t count) {
  for (size_t i = 0; i < count;) {
    size_t end = i + 1;
    while (end < count && marks[end].line == marks[i].line) end++;
    if (i > 0 && marks[i].line > marks[i - 1].line + 1) {
      style(r, ANSI_FRAME);
      text_addf(r->out, "%*s", r->gutter + 2, "...");
      style(r, ANSI_RESET);
      end_line(r->out);
    }
    struct window window = window_around(marks + i, end - i);
    add_source_line(r, &marks[i], window);
    clip_marks(marks + i, end - i, window);
    add_underlines(r, marks + i, end - i);
    add_hanging_texts(r, marks + i, end - i);
    i = end;
  }
}

static bool is_same_span(struct span a, struct span b) {
  return a.offset == b.offset && a.length == b.length;
}

/* All labels as marks; the report's own span is one of them, with the text of the label that has
 * the same span. */
static struct marks collect_marks(const struct diag *diag) {
  const struct diags *diags = diag->diags;
  struct marks marks = {0};
  const char *text = "";
  vec_each(struct diag_label, label, &diag->labels) {
    if (is_same_span(label->span, diag->span)) {
      text = text[0] ? arena_printf(diags->arena, "%s; %s", text, label->text) : label->text;
    } else {
      vec_push(diags->arena, &marks, place_mark(diags, label->span, false, label->text));
    }
  }
  vec_push(diags->arena, &marks, place_mark(diags, diag->span, true, text));
  return marks;
}

static void add_arrow(struct renderer *r, const char *arrow, struct span span) {
  struct place place = sources_place(r->diag->diags->sources, span.offset);
  style(r, ANSI_FRAME);
  text_addf(r->out, "%*s%s", r->gutter, "", arrow);
  style(r, ANSI_RESET);
  text_addf(r->out, " %s:%u:%u\n", place.source->path, place.line, place.column);
}

static void add_snippets(struct renderer *r) {
  const struct diags *diags = r->diag->diags;
  struct marks marks = collect_marks(r->diag);
  size_t last_line = 0;
  vec_each(struct mark, mark, &marks) last_line = mark->line > last_line ? mark->line : last_line;
  r->gutter = 2;
  for (size_t limit = 100; limit <= last_line; limit *= 10) r->gutter++;
  const struct source *main_source = sources_at(diags->sources, r->diag->span.offset);
  add_arrow(r, "-->", r->diag->span);
  for (size_t i = 0; i <= diags->sources->list.count; i++) {
    const struct source *source = i ? diags->sources->list.data[i - 1] : main_source;
    if (i && source == main_source) continue;
    struct marks own = {0};
    vec_each(struct mark, mark, &marks) {
      if (mark->source == source) vec_push(diags->arena, &own, *mark);
    }
    if (own.count == 0) continue;
    qsort(own.data, own.count, sizeof *own.data, compare_marks);
    if (i) {
      vec_each(struct diag_label, label, &r->diag->labels) {
        if (sources_at(diags->sources, label->span.offset) != source) continue;
        add_arrow(r, ":::", label->span);
        break;
      }
    }
    add_snippet(r, own.data, own.count);
  }
}

void diag_render(const struct diag *diag, bool is_coloured, struct text *out) {
  struct renderer r = {.diag = diag, .out = out, .is_coloured = is_coloured, .gutter = 2};
  style(&r, severity_style(diag));
  text_addf(out, "%s[%s]", diag->is_error ? "error" : "warning", diag_info(diag->code)->name);
  style(&r, ANSI_RESET);
  style(&r, ANSI_BOLD);
  text_addf(out, ": %s", diag->message);
  style(&r, ANSI_RESET);
  text_addc(out, '\n');
  if (diag->diags->sources->list.count > 0) add_snippets(&r);
  vec_each(struct diag_remark, remark, &diag->remarks) {
    style(&r, ANSI_FRAME);
    text_addf(out, "%*s =", r.gutter, "");
    style(&r, ANSI_RESET);
    text_addf(out, " %s: %s\n", remark->is_help ? "help" : "note", remark->text);
  }
}

/* -- the other formats ------------------------------------------------------------------------- */

static void add_json_place(const struct diags *diags, struct span span, struct text *out) {
  struct place start = sources_place(diags->sources, span.offset);
  struct place end = sources_place(diags->sources, span.offset + span.length);
  text_add(out, "\"file\": ");
  text_add_quoted_json(out, start.source->path, strlen(start.source->path));
  text_addf(out,
            ", \"line\": %u, \"column\": %u, \"end_line\": %u, \"end_column\": %u, \"offset\": %u, "
            "\"length\": %u",
            start.line, start.column, end.line, end.column, span.offset - start.source->start,
            span.length);
}

static void add_json_remarks(const struct diag *diag, bool is_help, struct text *out) {
  const char *separator = "";
  text_addf(out, ", \"%s\": [", is_help ? "helps" : "notes");
  vec_each(struct diag_remark, remark, &diag->remarks) {
    if (remark->is_help != is_help) continue;
    text_add(out, separator);
    text_add_quoted_json(out, remark->text, strlen(remark->text));
    separator = ", ";
  }
  text_addc(out, ']');
}

static void add_json(const struct diag *diag, struct text *out) {
  const char *separator = "";
  text_addf(out, "{\"severity\": \"%s\", \"code\": \"%s\", \"message\": ",
            diag->is_error ? "error" : "warning", diag_info(diag->code)->name);
  text_add_quoted_json(out, diag->message, strlen(diag->message));
  text_add(out, ", ");
  add_json_place(diag->diags, diag->span, out);
  text_add(out, ", \"labels\": [");
  vec_each(struct diag_label, label, &diag->labels) {
    text_addf(out, "%s{", separator);
    add_json_place(diag->diags, label->span, out);
    text_add(out, ", \"text\": ");
    text_add_quoted_json(out, label->text, strlen(label->text));
    text_addc(out, '}');
    separator = ", ";
  }
  text_addc(out, ']');
  add_json_remarks(diag, false, out);
  add_json_remarks(diag, true, out);
  text_add(out, "}\n");
}

static void add_short(const struct diag *diag, struct text *out) {
  struct place place = sources_place(diag->diags->sources, diag->span.offset);
  text_addf(out, "%s:%u:%u: %s[%s]: %s\n", place.source->path, place.line, place.column,
            diag->is_error ? "error" : "warning", diag_info(diag->code)->name, diag->message);
}

void diags_print(const struct diags *diags, FILE *stream, enum diag_format format) {
  bool is_coloured = format == DIAG_HUMAN && isatty(fileno(stream)) && !getenv("NO_COLOR");
  size_t limit = format == DIAG_JSON ? LIMIT_DIAGS_KEPT : LIMIT_DIAGS_SHOWN, count;
  struct numbered *list = sorted(diags, limit, &count);
  struct text out;
  text_init(&out, diags->arena);
  for (size_t i = 0; i < count && i < limit; i++) {
    switch (format) {
    case DIAG_HUMAN:
      if (i) text_addc(&out, '\n');
      diag_render(list[i].diag, is_coloured, &out);
      break;
    case DIAG_JSON: add_json(list[i].diag, &out); break;
    case DIAG_SHORT: add_short(list[i].diag, &out); break;
    }
  }
  if (count > limit)
    text_addf(&out, "%s… and %zu more\n", format == DIAG_HUMAN ? "\n" : "", count - limit);
  fwrite(out.data, 1, out.length, stream);
}
