/* Messages for the user: collected, sorted, printed with the source line.
 *
 * A pass reports a problem and goes on; nothing is printed before the end.
 *
 *   struct diag *d = diag_error(diags, E0204, span, "`%s` has no field `%s`", type, field);
 *   diag_label(d, span, "unknown field");    the text at the caret: same span as the message
 *   diag_label(d, other, "declared here");   a second place, underlined with dashes
 *   diag_note(d, "fields: %s", list);
 *   diag_help(d, "did you mean `%s`?", name);
 *
 * prints
 *
 *   error[E0204]: `Event` has no field `usr_id`
 *     --> cart.flow:12:13
 *   12 |   |> key by usr_id
 *      |             ^^^^^^ unknown field
 *      = note: fields: user_id, type, order_id
 *      = help: did you mean `user_id`?
 *
 * Codes are rows of diag.def: E01 syntax, E02 names and types, E03 failures, E04 keys, state and
 * time, E05 identity, E06 connectors, W09 lints, R1 run time. A code is never used again for
 * something else. Memory belongs to the arena.
 */
#ifndef FLOWCC_BASE_DIAG_H
#define FLOWCC_BASE_DIAG_H

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/source.h"
#include "base/text.h"
#include "base/vec.h"

enum diag_code {
#define DIAG(code, title, explanation) code,
#include "base/diag.def"
#undef DIAG
  DIAG_CODE_COUNT
};

struct diag_info {
  const char *name;        /* "E0301" */
  const char *title;       /* A few words, no final stop. */
  const char *explanation; /* Several lines with an example and the way out; ends with a newline. */
};

struct diag_label {
  struct span span;
  const char *text; /* May be empty: then the place is only underlined. */
};

struct diag_remark {
  bool is_help; /* Otherwise a note. */
  const char *text;
};

VEC_OF(diag_labels, struct diag_label);
VEC_OF(diag_remarks, struct diag_remark);

struct diag {
  struct diags *diags;
  enum diag_code code;
  bool is_error; /* Otherwise a warning. */
  struct span span;
  const char *message;
  struct diag_labels labels;
  struct diag_remarks remarks;
};

VEC_OF(diag_list, struct diag *);

/* A place that explains what is being looked at: the use of a step, while its stages are checked. A report
 * outside of its span gets a label there, and one for each place around it. */
struct diag_context {
  const struct diag_context *outer;
  struct span span;
  const char *what; /* "in this use of `limit`" */
};

struct diags {
  struct arena *arena;
  const struct sources *sources;
  struct diag_list list; /* In the order of reporting. */
  size_t error_count;
  const struct diag_context *context; /* What new reports are about, or null. */
  struct diag *surplus; /* Stands for every report beyond LIMIT_DIAGS_KEPT: nobody sees it. */
};

enum diag_format {
  DIAG_HUMAN, /* As above; at most LIMIT_DIAGS_SHOWN, then "… and N more". */
  DIAG_JSON,  /* One JSON object per line, all of them. */
  DIAG_SHORT, /* path:line:column: error[E0204]: message; the same limit as DIAG_HUMAN. */
};

/* Makes an empty collection; the arena and the sources must outlive it. */
void diags_init(struct diags *diags, struct arena *arena, const struct sources *sources);

/* Report an error or a warning at a place and return it, so that labels, notes and helps can be
 * added; never NULL. A message is one line without a final stop, with names in backquotes. A second
 * report with the same code and span as an earlier one is accepted and not shown. */
struct diag *diag_error(struct diags *diags, enum diag_code code, struct span span,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));
struct diag *diag_warning(struct diags *diags, enum diag_code code, struct span span,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Add to a report and return it. A label whose span is the report's own is the text at the caret;
 * an empty format underlines a place without text. A help says what to do, if possible as text to
 * paste. */
struct diag *diag_label(struct diag *diag, struct span span, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
struct diag *diag_note(struct diag *diag, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct diag *diag_help(struct diag *diag, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Underlines a second place without a text and returns the report. */
struct diag *diag_underline(struct diag *diag, struct span span);

/* Sets the context of the reports to come, null for none, and returns the one before. */
const struct diag_context *diags_swap_context(struct diags *diags,
                                              const struct diag_context *context);

/* Whether an error (not only warnings) was reported. */
bool diags_has_errors(const struct diags *diags);

/* Whether an error was reported whose place starts on the line of this offset: what comes next on
 * that line is often the same mistake. */
bool diags_has_error_on_line(const struct diags *diags, uint32_t offset);

/* Prints everything sorted by position (over the limit, warnings go first). Colours are used in
 * DIAG_HUMAN when the stream is a terminal and NO_COLOR is not set in the environment. */
void diags_print(const struct diags *diags, FILE *stream, enum diag_format format);

/* Appends one report to `out` in the human format, with or without colours. */
void diag_render(const struct diag *diag, bool is_coloured, struct text *out);

/* Returns what is known about a code. */
const struct diag_info *diag_info(enum diag_code code);

/* Returns the code with this name ("E0301", letter case ignored), or DIAG_CODE_COUNT when there is
 * none. */
enum diag_code diag_code_from_name(const char *name);

#endif
