#include "io/io.h"

#include <string.h>

#include "base/edit.h"
#include "front/check.h"

static const struct connector *const connectors[] = {
#define CONNECTOR(name) &connector_##name,
#include "io/connectors.def"
#undef CONNECTOR
};

static const struct format *const formats[] = {
#define FORMAT(name) &format_##name,
#include "io/formats.def"
#undef FORMAT
};

#define CONNECTOR_COUNT (sizeof connectors / sizeof connectors[0])
#define FORMAT_COUNT    (sizeof formats / sizeof formats[0])

const struct connector *connector_find(const char *name) {
  for (size_t i = 0; i < CONNECTOR_COUNT; i++) {
    if (strcmp(connectors[i]->name, name) == 0) return connectors[i];
  }
  return NULL;
}

const struct format *format_find(const char *name) {
  for (size_t i = 0; i < FORMAT_COUNT; i++) {
    if (strcmp(formats[i]->name, name) == 0) return formats[i];
  }
  return NULL;
}

const struct connector *const *connector_all(size_t *count) {
  *count = CONNECTOR_COUNT;
  return connectors;
}

const struct format *const *format_all(size_t *count) {
  *count = FORMAT_COUNT;
  return formats;
}

/* -- the checker's side ---------------------------------------------------------------------- */

static struct diags *diags_of(struct checker *c) {
  return &check_compiler(c)->diags;
}

static void report_connector(struct checker *c, struct span span, const char *name) {
  struct diag *diag = diag_error(diags_of(c), E0601, span, "there is no connector `%s`", name);
  const char *names[CONNECTOR_COUNT];
  for (size_t i = 0; i < CONNECTOR_COUNT; i++) names[i] = connectors[i]->name;
  const char *near = closest_name(name, names, CONNECTOR_COUNT);
  static const char *const later[] = {"kafka", "http", "socket", "tcp", "s3"};
  for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
    if (strcmp(later[i], name) != 0) continue;
    diag_note(diag, "`%s` is not part of this version of flowcc", name);
    near = NULL;
  }
  if (near) {
    diag_help(diag, "did you mean `%s`?", near);
  } else {
    diag_note(diag, "connectors: file, dir, nexmark, stdin, stdout");
  }
}

static void report_format(struct checker *c, struct span span, const char *name) {
  struct diag *diag = diag_error(diags_of(c), E0601, span, "there is no format `%s`", name);
  if (strcmp(name, "json") == 0 || strcmp(name, "ndjson") == 0 || strcmp(name, "jsonlines") == 0) {
    diag_help(diag, "one JSON value per line is the format  jsonl");
    return;
  }
  if (strcmp(name, "tsv") == 0) {
    diag_help(diag, "write  csv(delimiter: \"\\t\")");
    return;
  }
  if (strcmp(name, "lines") == 0 || strcmp(name, "txt") == 0 || strcmp(name, "plain") == 0) {
    diag_help(diag, "one value per line is the format  text");
    return;
  }
  const char *names[FORMAT_COUNT];
  for (size_t i = 0; i < FORMAT_COUNT; i++) names[i] = formats[i]->name;
  const char *near = closest_name(name, names, FORMAT_COUNT);
  if (near) {
    diag_help(diag, "did you mean `%s`?", near);
  } else {
    diag_note(diag, "formats: text, csv, jsonl");
  }
}

static struct diag *report_option(struct checker *c, struct span span, const char *syntax,
                                  const char *what) {
  struct diag *diag = diag_error(diags_of(c), E0602, span, "%s", what);
  diag_help(diag, "write  %s", syntax);
  return diag;
}

/* -- formats --------------------------------------------------------------------------------- */

static bool check_header(struct checker *c, struct io_spec *io, struct expr *value) {
  if (value->kind != EXPR_BOOL) {
    report_option(c, value->span, io->format->syntax, "`header` is `true` or `false`");
    return false;
  }
  io->has_header = value->boolean;
  return true;
}

static bool check_delimiter(struct checker *c, struct io_spec *io, struct expr *value) {
  bool is_byte = value->kind == EXPR_STRING && value->string.length == 1;
  char byte = is_byte ? value->string.data[0] : '\0';
  bool is_good = is_byte && (byte == '\t' || (byte >= ' ' && byte < 127)) && byte != '"';
  if (!is_good) {
    report_option(c, value->span, io->format->syntax,
                  "the delimiter is one ASCII character other than a quote or a newline");
    return false;
  }
  io->delimiter = byte;
  return true;
}

static bool check_format_option(struct checker *c, struct io_spec *io, struct arg *arg) {
  bool is_csv = strcmp(io->format->name, "csv") == 0;
  if (is_csv && arg->name.text && strcmp(arg->name.text, "header") == 0)
    return check_header(c, io, arg->value);
  if (is_csv && arg->name.text && strcmp(arg->name.text, "delimiter") == 0)
    return check_delimiter(c, io, arg->value);
  struct span span = arg->name.text ? arg->name.span : arg->value->span;
  const char *what = arg->name.text ? "this format has no such option"
                                    : "the options of a format are given by name";
  report_option(c, span, io->format->syntax, what);
  return false;
}

static bool check_format(struct checker *c, struct io_spec *io, struct expr *format) {
  struct ident name;
  if (format->kind == EXPR_NAME) {
    name = (struct ident){format->name.text, format->span};
  } else if (format->kind == EXPR_CALL && !format->call.is_method) {
    name = format->call.name;
  } else {
    diag_note(diag_error(diags_of(c), E0602, format->span, "expected a format"),
              "formats: text, csv, jsonl");
    return false;
  }
  io->format = format_find(name.text);
  if (!io->format) {
    report_format(c, name.span, name.text);
    return false;
  }
  io->has_header = strcmp(io->format->name, "csv") == 0;
  io->delimiter = io->has_header ? ',' : '\0';
  if (format->kind == EXPR_NAME) return true;
  bool is_good = true;
  vec_each(struct arg, arg, &format->call.args) is_good =
      check_format_option(c, io, arg) && is_good;
  return is_good;
}

/* -- connectors ------------------------------------------------------------------------------ */

static bool check_poll(struct checker *c, struct io_spec *io, struct arg *arg) {
  if (!io->connector->has_poll) {
    report_option(c, arg->name.span, io->connector->syntax, "this connector does not poll");
    return false;
  }
  arg->value = check_expr(c, arg->value, check_types(c)->duration);
  if (arg->value->type->kind == TYPE_ERROR) return false;
  if (arg->value->kind != EXPR_DURATION || arg->value->integer <= 0) {
    report_option(c, arg->value->span, io->connector->syntax,
                  "`poll` is a duration above zero, such as 1s");
    return false;
  }
  io->poll_us = arg->value->integer;
  return true;
}

static bool reject_failing(struct checker *c, const struct io_spec *io) {
  if (!io->location->can_fail) return true;
  struct diag *diag = diag_error(diags_of(c), E0602, io->location->span, "a path cannot fail");
  diag_help(diag, "%s", io->has_parts ? "give what can fail a default:  {… ?? \"none\"}"
                                      : io->connector->syntax);
  return false;
}

static bool check_location(struct checker *c, struct io_spec *io, struct expr **location,
                           bool is_read) {
  io->location = *location;
  io->has_parts = !is_read && io->connector->can_have_parts &&
                  (*location)->kind == EXPR_FSTRING && check_names_item(c, *location);
  if (!is_read && io->connector->can_have_parts && (*location)->kind != EXPR_FSTRING &&
      check_names_item(c, *location)) {
    struct diag *diag = diag_error(diags_of(c), E0602, (*location)->span,
                                   "a path that depends on the item is written as an f-string");
    diag_help(diag, "a file for each value of a field:  file(f\"out/{field}.csv\", csv)");
    return false;
  }
  if (io->has_parts) return true; /* typed with the item: io_check_parts() */
  io->location = *location = check_expr(c, *location, check_types(c)->string);
  if ((*location)->type->kind == TYPE_ERROR || !reject_failing(c, io)) return false;
  bool is_empty = (*location)->kind == EXPR_STRING && (*location)->string.length == 0;
  if (!is_empty) return true;
  report_option(c, (*location)->span, io->connector->syntax, "the path is empty");
  return false;
}

static bool check_direction(struct checker *c, struct expr *call, const struct connector *connector,
                            bool is_read) {
  if (is_read ? connector->can_read : connector->can_write) return true;
  struct diag *diag =
      diag_error(diags_of(c), E0603, call->call.name.span,
                 is_read ? "`%s` can only be written" : "`%s` can only be read", connector->name);
  diag_help(diag,
            is_read ? "a source reads from file, dir or stdin" : "a sink writes to file or stdout");
  return false;
}

/* Types `events: INT`. The number goes as text where other sources have their path, so that --source
 * can replace it. */
static bool check_events(struct checker *c, struct io_spec *io, struct expr *call) {
  struct arg *arg = call->call.args.count == 1 ? &call->call.args.data[0] : NULL;
  if (arg == NULL || arg->name.text == NULL || strcmp(arg->name.text, "events") != 0) {
    report_option(c, call->span, io->connector->syntax, "say how many events, and nothing else");
    return false;
  }
  struct expr *count = check_expr(c, arg->value, check_types(c)->int_);
  if (count->type->kind == TYPE_ERROR) return false;
  bool is_negative = count->kind == EXPR_INT && count->integer < 0;
  if (is_negative || count->can_fail) {
    report_option(c, count->span, io->connector->syntax,
                  is_negative ? "this is less than no events" : "the number of events cannot fail");
    return false;
  }
  struct arena *arena = &check_compiler(c)->arena;
  struct expr *text = arena_new(arena, struct expr);
  text->kind = EXPR_FSTRING;
  text->span = count->span;
  text->height = (uint16_t)(count->height + 1);
  vec_push(arena, &text->fstring, (struct fstring_part){.value = count});
  text->type = check_types(c)->string;
  text->can_fault = count->can_fault;
  arg->value = io->location = text;
  io->format = io->connector->format;
  return true;
}

/* Types the arguments: a path where there is one, the format, and options by name. */
static bool check_args(struct checker *c, struct io_spec *io, struct expr *call, bool is_read) {
  if (io->connector->format != NULL) return check_events(c, io, call);
  size_t position = 0, wanted = io->connector->has_location ? 2 : 1;
  bool is_good = true;
  vec_each(struct arg, arg, &call->call.args) {
    if (arg->name.text && strcmp(arg->name.text, "poll") == 0) {
      is_good = check_poll(c, io, arg) && is_good;
    } else if (arg->name.text) {
      report_option(c, arg->name.span, io->connector->syntax, "this connector has no such option");
      is_good = false;
    } else if (++position > wanted) {
      report_option(c, arg->value->span, io->connector->syntax, "this argument is too much");
      is_good = false;
    } else if (position < wanted) {
      is_good = check_location(c, io, &arg->value, is_read) && is_good;
    } else {
      is_good = check_format(c, io, arg->value) && is_good;
    }
  }
  if (position >= wanted) return is_good;
  report_option(c, call->span, io->connector->syntax,
                position + 1 == wanted ? "the format is missing" : "path and format are missing");
  return false;
}

struct io_spec *io_check(struct checker *c, struct expr *call, bool is_read) {
  if (call->kind != EXPR_CALL || call->call.is_method) {
    struct diag *diag = diag_error(diags_of(c), E0601, call->span, "expected a connector");
    if (call->kind == EXPR_STRING) {
      diag_help(diag, "write  file(\"%.*s\", jsonl)", (int)call->string.length, call->string.data);
    } else if (call->kind == EXPR_NAME && connector_find(call->name.text)) {
      bool has_path = connector_find(call->name.text)->has_location;
      bool is_generated = connector_find(call->name.text)->format != NULL;
      diag_help(diag,
                has_path       ? "write  %s(\"x.jsonl\", jsonl)"
                : is_generated ? "write  %s(events: 1000000)"
                               : "write  %s(jsonl)",
                call->name.text);
    } else {
      diag_help(diag,
                is_read ? "write  file(\"in.jsonl\", jsonl)" : "write  file(\"out.jsonl\", jsonl)");
    }
    return NULL;
  }
  struct io_spec *io = arena_new(&check_compiler(c)->arena, struct io_spec);
  io->connector = connector_find(call->call.name.text);
  if (!io->connector) {
    report_connector(c, call->call.name.span, call->call.name.text);
    return NULL;
  }
  call->call.kind = CALL_CONNECTOR;
  bool is_good = check_direction(c, call, io->connector, is_read);
  is_good = check_args(c, io, call, is_read) && is_good;
  return is_good ? io : NULL;
}

/* Whether a value depends on the item. */
static bool is_of_item(const struct expr *expr, const void *context) {
  if (expr->kind == EXPR_NAME && (expr->name.ref == REF_IT || expr->name.ref == REF_FIELD))
    return true;
  return expr_any_child(expr, is_of_item, context);
}

bool io_check_parts(struct checker *c, struct io_spec *io, const struct type *item) {
  if (io->fixed) return io->location->type->kind != TYPE_ERROR;
  struct expr *fixed = arena_new(&check_compiler(c)->arena, struct expr);
  io->fixed = fixed;
  io->location = check_item_expr(c, io->location, item, check_types(c)->string);
  if (io->location->type->kind == TYPE_ERROR) return false;
  *fixed = *io->location;
  size_t count = 0;
  vec_each(const struct fstring_part, part, &io->location->fstring) {
    if (part->value && is_of_item(part->value, NULL)) break;
    count++;
  }
  fixed->fstring.count = count;
  return reject_failing(c, io);
}
