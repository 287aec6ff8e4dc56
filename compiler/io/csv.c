/* csv: rows of a header's columns (RFC 4180, language rule 14). */
#include "back/codec.h"
#include "back/print.h"
#include "front/check.h"
#include "io/io.h"

#include <inttypes.h>
#include <string.h>

/* -- what a row can hold --------------------------------------------------------------------- */

static bool is_column_type(const struct type *type) {
  if (type->kind == TYPE_OPTIONAL) type = type->elem;
  switch (type->kind) {
  case TYPE_ERROR:
  case TYPE_INT:
  case TYPE_FLOAT:
  case TYPE_BOOL:
  case TYPE_STRING:
  case TYPE_TIMESTAMP:
  case TYPE_DURATION: return true;
  case TYPE_ENUM: return !type_has_payload(type);
  default: return false;
  }
}

static bool check_item(struct checker *checker, struct span span, const struct type *item,
                       bool is_read) {
  struct compiler *compiler = check_compiler(checker);
  struct types *types = check_types(checker);
  if (item->kind == TYPE_ERROR) return true;
  if (item->kind != TYPE_RECORD || item->fields.count == 0) {
    struct diag *diag = diag_error(&compiler->diags, E0604, span, "a CSV row cannot be %s `%s`",
                                   is_read ? "read as" : "written from", type_name(types, item));
    diag_help(diag, is_read ? "declare a record with a field for each column"
                            : "give the columns names first: `|> map { value: it }`");
    return false;
  }
  vec_each(struct type_field, field, &item->fields) {
    if (is_column_type(field->type)) continue;
    struct diag *diag = diag_error(&compiler->diags, E0610, span,
                                   "a CSV column cannot hold field `%s`, which is `%s`",
                                   field->name, type_name(types, field->type));
    diag_help(diag, is_read ? "read `jsonl`, or declare the field as a string"
                            : "write `jsonl`, or `map` the rows to scalars first");
    return false;
  }
  return true;
}

/* -- parser ---------------------------------------------------------------------------------- */

static void add_quoted(struct text *out, const char *text) {
  text_add_quoted_c(out, text, strlen(text));
}

/* A C character constant. */
static const char *character(struct emit *e, char c) {
  if (c == '\t') return "'\\t'";
  bool is_special = c == '\'' || c == '\\';
  return arena_printf(&e->compiler->arena, is_special ? "'\\%c'" : "'%c'", c);
}

/* Appends the statement that reads the field `f` into the lvalue, or returns false. */
static void read_scalar(struct emit *e, struct text *out, const struct type_field *field,
                        const struct type *type, const char *to) {
  static const char *const readers[] = {
      [TYPE_INT] = "int",           [TYPE_FLOAT] = "float",         [TYPE_BOOL] = "bool",
      [TYPE_DURATION] = "duration", [TYPE_TIMESTAMP] = "timestamp",
  };
  const char *name = codec_field_name(field);
  if (type->kind == TYPE_STRING) {
    text_addf(out, "%s = flow_row_str(&f, is_plain);\n", to);
    return;
  }
  if (type->kind == TYPE_ENUM) {
    text_addf(out,
              "if (!%s(f.data, f.length, &%s)) return !is_plain && flow_csv_no_variant(c, &f, ",
              codec_match(e, type), to);
    add_quoted(out, name);
    text_add(out, ", ");
    add_quoted(out, codec_phrase(e, type));
    text_add(out, ");\n");
    return;
  }
  bool has_unit = type->kind == TYPE_TIMESTAMP && field->unit_us != 0;
  text_addf(out, "if (!flow_row_%s%s(c, &f, ", readers[type->kind], has_unit ? "_of_unit" : "");
  add_quoted(out, name);
  if (has_unit) text_addf(out, ", %" PRId64, field->unit_us);
  text_addf(out, ", &%s, is_plain)) return false;\n", to);
}

static void read_column(struct emit *e, struct text *out, const struct type *record, uint32_t i) {
  struct arena *arena = &e->compiler->arena;
  const struct type_field *field = &record->fields.data[i];
  const char *to = arena_printf(arena, "x->f_%s", field->name);
  text_addf(out, "      case %u: {\n", i);
  if (field->where != NULL) text_addf(out, "        at%u = f.at;\n", i);
  if (!codec_is_kept(e, record, i)) {
    to = arena_printf(arena, "unused%u", i);
    text_addf(out, "        %s %s;\n", emit_c_type(e, field->type), to);
  }
  if (field->type->kind == TYPE_OPTIONAL) {
    text_addf(out,
              "        %s.has = !flow_csv_is_none(&f);\n"
              "        if (!%s.has) {\n          memset(&%s.value, 0, sizeof %s.value);\n"
              "        } else {\n          ",
              to, to, to, to);
    read_scalar(e, out, field, field->type->elem, arena_printf(arena, "%s.value", to));
    text_add(out, "        }\n");
  } else {
    text_add(out, "        ");
    read_scalar(e, out, field, field->type, to);
  }
  if (!codec_is_kept(e, record, i)) text_addf(out, "        (void)%s;\n", to);
  text_addf(out, "        %s\n        break;\n      }\n", codec_set_seen(e, i));
}

/* Writes the function that reads the fields of a row whose first field the cursor of `c` is at. */
static void emit_row(struct emit *e, const struct decl *source, const char *name) {
  const struct type *record = source->type;
  struct text out;
  text_init(&out, &e->compiler->arena);
  codec_declare_seen(&out, record);
  for (uint32_t i = 0; i < record->fields.count; i++) {
    if (record->fields.data[i].where != NULL)
      text_addf(&out, "  const char *at%u = c->cursor;\n", i);
  }
  text_addf(&out,
            "  struct flow_csv_field f;\n  enum flow_csv_next next;\n  uint32_t column = 0;\n"
            "  const uint32_t column_count = %s;\n"
            "  for (; (next = flow_row_field(c, &f, is_plain)) == FLOW_CSV_MORE; column++) {\n"
            "    if (FLOW_UNLIKELY(column >= column_count)) {\n"
            "      return !is_plain && flow_csv_too_many(c, &f, column_count);\n"
            "    }\n"
            "    switch (%s) {\n",
            source->io->has_header ? "b->column_count"
                                   : arena_printf(&e->compiler->arena, "%zu", record->fields.count),
            source->io->has_header ? "b->columns[column]" : "column");
  for (uint32_t i = 0; i < record->fields.count; i++) read_column(e, &out, record, i);
  text_add(&out, "      default: break;\n    }\n"
                 "    if (is_plain && c->end != NULL) break;\n  }\n  if (next == FLOW_CSV_BAD) return false;\n");
  codec_complete(e, &out, record, "!is_plain && flow_csv_missing(c", "!is_plain && ", "c->bad");
  text_add(&out, "  return true;\n");
  bool uses_worker = strstr(out.data, "(w, ") != NULL;
  text_addf(emit_section(e, SECTION_CODECS),
            "FLOW_INLINE bool row_%s(struct flow_worker *w, const struct flow_block *b, "
            "struct flow_csv *c, %s *x, bool is_plain) {\n%s%s%s}\n\n",
            name, emit_c_type(e, record), uses_worker ? "" : "  (void)w;\n",
            source->io->has_header ? "" : "  (void)b;\n", out.data);
}

/* The usual row is a plain one; any other is read by a function of its own. So is the start of a row that
 * is too long: without quotes, no line end follows. */
static void emit_parser(struct emit *e, const struct decl *source, const char *name) {
  const char *c_type = emit_c_type(e, source->type);
  const char *delimiter = character(e, source->io->delimiter);
  emit_row(e, source, name);
  struct text *out = emit_section(e, SECTION_CODECS);
  text_addf(out,
            "static __attribute__((noinline)) enum flow_parse any_%s(struct flow_worker *w, "
            "struct flow_block *b, %s *out) {\n"
            "  struct flow_line line;\n"
            "  struct flow_csv csv;\n"
            "  bool is_bad;\n"
            "  if (b->is_too_long) return flow_line_too_long(b);\n"
            "  if (!flow_csv_row(w, b, %s, &line, &csv, &is_bad)) return FLOW_NO_RECORD;\n"
            "  if (is_bad || !row_%s(w, b, &csv, out, false)) return flow_line_bad(b, &line);\n"
            "  return flow_line_done(b, &line);\n"
            "}\n\n",
            name, c_type, delimiter, name);
  text_addf(out,
            "static enum flow_parse %s(struct flow_worker *w, struct flow_block *b, %s *out) {\n"
            "  struct flow_csv csv;\n"
            "  if (FLOW_LIKELY(flow_csv_begin_plain(b, %s, &csv)) &&\n"
            "      FLOW_LIKELY(row_%s(w, b, &csv, out, true))) {\n"
            "    return flow_csv_done(b, &csv);\n"
            "  }\n"
            "  return any_%s(w, b, out);\n"
            "}\n\n",
            name, c_type, delimiter, name, name);
}

/* -- printer --------------------------------------------------------------------------------- */

static void emit_printer(struct emit *e, const struct io_spec *io, const struct type *type,
                         const char *name) {
  struct printer printer;
  print_begin(&printer, e, "room");
  printer.delimiter = io->delimiter;
  /* A row of one empty string must not look like an empty line, which is no row. */
  printer.quotes_empty = type->fields.count == 1;
  char between[2] = {io->delimiter, '\0'};
  for (size_t i = 0; i < type->fields.count; i++) {
    const struct type_field *field = &type->fields.data[i];
    if (i > 0) print_fixed(&printer, between);
    print_value(&printer, PRINT_CSV, field->type,
                arena_printf(&e->compiler->arena, "x->f_%s", field->name));
  }
  print_fixed(&printer, "\n");
  print_sink(&printer, type, name);
}

const struct format format_csv = {
    .name = "csv",
    .syntax = "csv(header: BOOL, delimiter: STRING)",
    .summary = "rows with a header line, as RFC 4180 says",
    .framing = "FLOW_FRAMING_CSV",
    .check_item = check_item,
    .emit_parser = emit_parser,
    .emit_printer = emit_printer,
};
