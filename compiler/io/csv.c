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
  case TYPE_DECIMAL:
  case TYPE_BOOL:
  case TYPE_STRING:
  case TYPE_BYTES:
  case TYPE_TIMESTAMP:
  case TYPE_DURATION: return true;
  case TYPE_ENUM: return !type_has_payload(type);
  default: return false;
  }
}

static bool check_columns(struct checker *checker, struct span span, const struct type *record,
                          bool is_read) {
  struct compiler *compiler = check_compiler(checker);
  vec_each(struct type_field, field, &record->fields) {
    if (is_column_type(field->type)) continue;
    struct diag *diag = diag_error(&compiler->diags, E0610, span,
                                   "a CSV column cannot hold field `%s`, which is `%s`",
                                   field->name, type_name(check_types(checker), field->type));
    diag_help(diag, is_read ? "read `jsonl`, or declare the field as a string"
                            : "write `jsonl`, or `map` the rows to scalars first");
    return false;
  }
  return true;
}

/* A tagged enum has its tag in the first column, and then the fields of the variant. */
static bool check_tagged(struct checker *checker, struct span span, const struct io_spec *io,
                         const struct type *item, bool is_read) {
  if (io->has_header) {
    struct diag *diag = diag_error(&check_compiler(checker)->diags, E0604, span,
                                   "rows of the tagged enum `%s` have no common columns to name",
                                   item->name);
    diag_help(diag, "leave the header out:  csv(header: false)");
    diag_note(diag, "the first column is then the tag, and the others are the fields by position");
    return false;
  }
  vec_each(struct type_variant, variant, &item->variants)
    if (variant->payload && !check_columns(checker, span, variant->payload, is_read)) return false;
  return true;
}

static bool check_item(struct checker *checker, struct span span, const struct io_spec *io,
                       const struct type *item, bool is_read) {
  struct compiler *compiler = check_compiler(checker);
  if (item->kind == TYPE_ERROR) return true;
  if (item->kind == TYPE_ENUM && item->tag)
    return check_tagged(checker, span, io, item, is_read);
  if (item->kind == TYPE_RECORD && item->fields.count > 0)
    return check_columns(checker, span, item, is_read);
  struct diag *diag =
      diag_error(&compiler->diags, E0604, span, "a CSV row cannot be %s `%s`",
                 is_read ? "read as" : "written from", type_name(check_types(checker), item));
  if (item->kind == TYPE_ENUM && type_has_payload(item))
    diag_help(diag, "with the variant in the first column:  enum %s tagged \"type\" { … }  and  "
                    "csv(header: false)",
              item->name);
  else
    diag_help(diag, is_read ? "declare a record with a field for each column"
                            : "give the columns names first: `|> map { value: it }`");
  return false;
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

/* Appends the statement that reads the cell `f` into the lvalue, or returns false. */
static void read_scalar(struct emit *e, struct text *out, const struct type_field *field,
                        const struct type *type, const char *to) {
  static const char *const readers[] = {
      [TYPE_INT] = "int",           [TYPE_FLOAT] = "float",         [TYPE_BOOL] = "bool",
      [TYPE_DURATION] = "duration", [TYPE_TIMESTAMP] = "timestamp", [TYPE_DECIMAL] = "decimal",
  };
  const char *name = codec_field_name(field);
  if (type->kind == TYPE_STRING) {
    text_addf(out, "%s = flow_row_str(&f, is_plain);\n", to);
    return;
  }
  if (type->kind == TYPE_BYTES) {
    text_add(out, "if (!flow_csv_bytes(c, &f, ");
    add_quoted(out, name);
    text_addf(out, ", w->arena, &%s, is_plain)) return false;\n", to);
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
  if (type->kind == TYPE_DECIMAL) text_addf(out, ", %u", type->scale);
  text_addf(out, ", &%s, is_plain)) return false;\n", to);
}

/* Appends the statements that read the cell `f` into the lvalue of its field, behind `indent`. */
static void read_cell(struct emit *e, struct text *out, const struct type_field *field,
                      const char *to, const char *indent) {
  text_add(out, indent);
  if (field->type->kind != TYPE_OPTIONAL) {
    read_scalar(e, out, field, field->type, to);
    return;
  }
  text_addf(out,
            "%s.has = !flow_csv_is_none(&f);\n"
            "%sif (!%s.has) {\n"
            "%s  memset(&%s.value, 0, sizeof %s.value);\n"
            "%s} else {\n%s  ",
            to, indent, to, indent, to, to, indent, indent);
  read_scalar(e, out, field, field->type->elem, arena_printf(&e->compiler->arena, "%s.value", to));
  text_addf(out, "%s}\n", indent);
}

/* The lvalue that the field is read into, which is declared if nothing keeps the field. */
static const char *field_target(struct emit *e, struct text *out, const struct type *record,
                                uint32_t i, const char *indent) {
  const struct type_field *field = &record->fields.data[i];
  if (codec_is_kept(e, record, i))
    return arena_printf(&e->compiler->arena, "x->f_%s", field->name);
  text_addf(out, "%s%s unused%u;\n", indent, emit_c_type(e, field->type), i);
  return arena_printf(&e->compiler->arena, "unused%u", i);
}

static void forget_unused(struct emit *e, struct text *out, const struct type *record, uint32_t i,
                          const char *indent) {
  if (!codec_is_kept(e, record, i)) text_addf(out, "%s(void)unused%u;\n", indent, i);
}

static void declare_places(struct text *out, const struct type *record) {
  for (uint32_t i = 0; i < record->fields.count; i++) {
    if (record->fields.data[i].where != NULL)
      text_addf(out, "  const char *at%u = c->cursor;\n", i);
  }
}

static void add_row_function(struct emit *e, const char *kind, const char *name,
                             const struct type *record, const char *way, const struct text *body) {
  struct text *out = emit_section(e, SECTION_CODECS);
  text_addf(out,
            "FLOW_INLINE bool %s_%s(struct flow_worker *w, const struct flow_block *b, "
            "struct flow_csv *c, %s *x%s) {\n",
            kind, name, emit_c_type(e, record), way);
  if (strstr(body->data, "(w, ") == NULL && strstr(body->data, "w->") == NULL) text_add(out, "  (void)w;\n");
  if (strstr(body->data, "b->") == NULL) text_add(out, "  (void)b;\n");
  if (strstr(body->data, "x->") == NULL && strstr(body->data, ", x)") == NULL)
    text_add(out, "  (void)x;\n");
  text_addf(out, "%s}\n\n", body->data);
}

/* The rows that hold a record. */
struct row {
  const struct type *record;
  const char *name;    /* of their functions: of the parser or, for variant 2, v2_PARSER */
  const char *columns; /* a C expression: how many cells may follow the cursor */
  bool has_header;
  bool has_tag;        /* behind the tag of a variant */
};

/* -- straight rows: one cell after the other ------------------------------------------------- */

/* A cell of a straight row. */
struct cell {
  const struct type_field *field;
  const char *others; /* of the last one: how many more may follow; else null */
  bool is_in_run;     /* of numbers, which look for their ends together */
};

static bool has_unit(const struct type_field *field) {
  return field->type->kind == TYPE_TIMESTAMP && field->unit_us != 0;
}

/* Whether the cell is an int, whose digits tell themselves where they end. */
static bool is_number(const struct type *record, uint32_t i) {
  if (i >= record->fields.count) return false;
  const struct type_field *field = &record->fields.data[i];
  return field->type->kind == TYPE_INT || has_unit(field);
}

/* Whether the number has two others beside it, so that looking for all their ends at once is worth it. */
static bool is_in_run(const struct type *record, uint32_t i) {
  uint32_t first = i, end = i;
  while (first > 0 && is_number(record, first - 1)) first--;
  while (is_number(record, end)) end++;
  return end - first >= 3;
}

/* Appends what finds the `end` of a number, and the check of what is behind it; `to`: its lvalue, or null. */
static void read_number(struct text *out, const struct cell *cell, const char *to) {
  const char *run = cell->is_in_run ? "&digits, " : "";
  if (to == NULL)
    text_addf(out, "    const char *end = flow_%s(%sc->cursor);\n",
              cell->is_in_run ? "digits_skip" : "skip_int", run);
  else
    text_addf(out, "    const char *end = flow_%s(%sc->cursor, &%s);\n",
              cell->is_in_run ? "digits_int" : "scan_int", run, to);
  text_add(out, "    if (FLOW_UNLIKELY(end == NULL) || ");
  if (to == NULL && has_unit(cell->field))
    text_addf(out, "!flow_time_is_short(c->cursor, end, %" PRId64 ") || ", cell->field->unit_us);
  if (cell->others != NULL)
    text_addf(out, "!flow_straight_end(c, end, %s)) return false;\n", cell->others);
  else
    text_add(out, "!flow_straight_more(c, end)) return false;\n");
}

/* Appends what reads the cell of a field that nothing keeps, if that is quicker than to read its value. */
static bool skip_straight(struct text *out, const struct cell *cell) {
  const struct type *type = cell->field->type;
  if (type->kind == TYPE_OPTIONAL && type->elem->kind == TYPE_STRING) type = type->elem;
  if (type->kind == TYPE_INT || has_unit(cell->field)) {
    read_number(out, cell, NULL);
  } else if (type->kind != TYPE_STRING) {
    return false;
  } else if (cell->others != NULL) {
    text_addf(out, "    if (!flow_straight_skip_last(c, %s)) return false;\n", cell->others);
  } else {
    text_add(out, "    if (!flow_straight_skip(c)) return false;\n");
  }
  return true;
}

/* Appends what reads the cell of a field into the lvalue. */
static void keep_straight(struct emit *e, struct text *out, const struct cell *cell, const char *to) {
  const struct type_field *field = cell->field;
  if (field->type->kind == TYPE_INT) {
    read_number(out, cell, to);
  } else if (has_unit(field)) {
    text_add(out, "    int64_t units;\n");
    read_number(out, cell, "units");
    text_addf(out, "    if (!flow_time_of_unit(units, %" PRId64 ", &%s)) return false;\n",
              field->unit_us, to);
  } else {
    text_add(out, "    struct flow_csv_field f;\n");
    if (cell->others != NULL)
      text_addf(out, "    if (!flow_straight_last_cell(c, &f, %s)) return false;\n", cell->others);
    else
      text_add(out, "    if (!flow_straight_cell(c, &f)) return false;\n");
    read_cell(e, out, field, to, "    ");
  }
}

static void read_straight(struct emit *e, struct text *out, const struct row *row, uint32_t i) {
  const struct type *record = row->record;
  struct cell cell = {.field = &record->fields.data[i], .is_in_run = is_in_run(record, i)};
  if (i + 1 == record->fields.count)
    cell.others = arena_printf(&e->compiler->arena, "%s - %zu", row->columns, record->fields.count);
  text_addf(out, "  { /* %s */\n", cell.field->name);
  if (cell.field->where != NULL) text_addf(out, "    at%u = c->cursor;\n", i);
  if (cell.is_in_run && (i == 0 || !is_number(record, i - 1)))
    text_add(out, "    digits = flow_digits_at(c->cursor);\n");
  if (codec_is_kept(e, record, i) || !skip_straight(out, &cell)) {
    keep_straight(e, out, &cell, field_target(e, out, record, i, "    "));
    forget_unused(e, out, record, i, "    ");
  }
  text_add(out, "  }\n");
}

static void emit_straight(struct emit *e, const struct row *row) {
  const struct type *record = row->record;
  struct text out;
  text_init(&out, &e->compiler->arena);
  text_add(&out, "  enum { is_plain = true };\n");
  declare_places(&out, record);
  for (uint32_t i = 0, has_run = 0; i < record->fields.count && !has_run; i++) {
    has_run = is_in_run(record, i);
    if (has_run) text_add(&out, "  struct flow_digits digits;\n");
  }
  for (uint32_t i = 0; i < record->fields.count; i++) read_straight(e, &out, row, i);
  codec_check_conditions(e, &out, record, "!is_plain && ", "c->bad");
  text_add(&out, "  return true;\n");
  add_row_function(e, "straight", row->name, record, "", &out);
}

/* -- other rows: the header says what a cell is ---------------------------------------------- */

static void read_column(struct emit *e, struct text *out, const struct type *record, uint32_t i) {
  static const char indent[] = "        ";
  const struct type_field *field = &record->fields.data[i];
  text_addf(out, "      case %u: { /* %s */\n", i, field->name);
  if (field->where != NULL) text_addf(out, "        at%u = f.at;\n", i);
  const char *to = field_target(e, out, record, i, indent);
  read_cell(e, out, field, to, indent);
  forget_unused(e, out, record, i, indent);
  text_addf(out, "        %s\n        break;\n      }\n", codec_set_seen(e, i));
}

/* Writes the function that reads the cells of a row whose first cell the cursor of `c` is at. */
static void emit_row(struct emit *e, const struct row *row) {
  const struct type *record = row->record;
  struct text out;
  text_init(&out, &e->compiler->arena);
  codec_declare_seen(&out, record);
  declare_places(&out, record);
  text_addf(&out,
            "  struct flow_csv_field f;\n  enum flow_csv_next next;\n  uint32_t column = 0;\n"
            "  const uint32_t column_count = %s;\n"
            "  for (; (next = flow_row_field(c, &f, is_plain)) == FLOW_CSV_MORE; column++) {\n"
            "    if (FLOW_UNLIKELY(column >= column_count)) {\n"
            "      return !is_plain && flow_csv_too_many(c, &f, column_count%s);\n"
            "    }\n"
            "    switch (%s) {\n",
            row->columns, row->has_tag ? " + 1" : "",
            row->has_header ? "b->columns[column]" : "column");
  for (uint32_t i = 0; i < record->fields.count; i++) read_column(e, &out, record, i);
  text_add(&out, "      default: break;\n    }\n"
                 "    if (is_plain && c->end != NULL) break;\n  }\n"
                 "  if (next == FLOW_CSV_BAD) return false;\n");
  codec_complete(e, &out, record, "!is_plain && flow_csv_missing(c", "!is_plain && ", "c->bad");
  text_add(&out, "  return true;\n");
  add_row_function(e, "row", row->name, record, ", bool is_plain", &out);
}

/* -- rows that begin with the tag of a variant ----------------------------------------------- */

/* Appends `switch (x->tag)` to the function `kind` of each variant with fields; `more` are its last arguments. */
static void choose_variant(struct emit *e, struct text *out, const struct type *item,
                           const char *kind, const char *name, const char *more) {
  text_add(out, "  switch (x->tag) {\n");
  for (uint32_t i = 0; i < item->variants.count; i++) {
    const struct type_variant *variant = &item->variants.data[i];
    if (variant->payload == NULL) continue;
    text_addf(out, "    case %s: return %s_v%u_%s(w, b, c, &x->as.f_%s%s);\n",
              emit_enumerator(e, item, i), kind, i, name, variant->name, more);
  }
  text_add(out, "    default: break;\n  }\n");
}

static void emit_variants(struct emit *e, const struct decl *source, const char *name) {
  struct arena *arena = &e->compiler->arena;
  for (uint32_t i = 0; i < source->type->variants.count; i++) {
    const struct type *payload = source->type->variants.data[i].payload;
    if (payload == NULL) continue;
    struct row row = {.record = payload,
                      .name = arena_printf(arena, "v%u_%s", i, name),
                      .columns = arena_printf(arena, "%zuu", payload->fields.count),
                      .has_tag = true};
    emit_straight(e, &row);
    emit_row(e, &row);
  }
}

/* Tags may be as long as this; longer ones could reach over the end of what may be read behind a block. */
enum { TAG_BYTES = 63 };

/* Appends what finds the variant of a straight row by the bytes of its tag and the delimiter, unless it
 * can stand in quotes only. */
static void find_straight(struct text *out, struct emit *e, const struct decl *source, const char *name) {
  const struct type *item = source->type;
  for (uint32_t i = 0; i < item->variants.count; i++) {
    const struct type_variant *variant = &item->variants.data[i];
    const char *tag = codec_variant_name(variant);
    size_t length = strlen(tag);
    bool is_plain = length < TAG_BYTES && strchr(tag, source->io->delimiter) == NULL &&
                    strpbrk(tag, "\"\r\n") == NULL;
    if (variant->payload == NULL || !is_plain) continue;
    text_add(out, "  if (memcmp(c->cursor, ");
    add_quoted(out, arena_printf(&e->compiler->arena, "%s%c", tag, source->io->delimiter));
    text_addf(out,
              ", %zu) == 0) {\n"
              "    c->cursor += %zu;\n"
              "    x->tag = %s;\n"
              "    return straight_v%u_%s(w, b, c, &x->as.f_%s);\n"
              "  }\n",
              length + 1, length + 1, emit_enumerator(e, item, i), i, name, variant->name);
  }
}

static void emit_tagged(struct emit *e, const struct decl *source, const char *name) {
  const struct type *item = source->type;
  const char *match = codec_match(e, item);
  struct text out;
  emit_variants(e, source, name);
  text_init(&out, &e->compiler->arena);
  find_straight(&out, e, source, name);
  text_add(&out, "  return false; /* another tag, or one without fields: such a row has one cell */\n");
  add_row_function(e, "straight", name, item, "", &out);

  text_clear(&out);
  text_addf(&out,
            "  struct flow_csv_field f;\n"
            "  if (flow_row_field(c, &f, is_plain) != FLOW_CSV_MORE) return false;\n"
            "  if (!%s(f.data, f.length, x)) return !is_plain && flow_csv_no_variant(c, &f, ",
            match);
  add_quoted(&out, item->tag);
  text_add(&out, ", ");
  add_quoted(&out, codec_phrase(e, item));
  text_add(&out, ");\n");
  choose_variant(e, &out, item, "row", name, ", is_plain");
  text_add(&out, "  enum flow_csv_next next = flow_row_field(c, &f, is_plain);\n"
                 "  if (next == FLOW_CSV_MORE) return !is_plain && flow_csv_too_many(c, &f, 1);\n"
                 "  return next == FLOW_CSV_END;\n");
  add_row_function(e, "row", name, item, ", bool is_plain", &out);
}

/* The function that reads rows of files whose columns are in another order. */
static void emit_plain(struct emit *e, const struct decl *source, const char *name) {
  text_addf(emit_section(e, SECTION_CODECS),
            "static __attribute__((noinline)) enum flow_parse plain_%s(struct flow_worker *w, "
            "struct flow_block *b, %s *out) {\n"
            "  struct flow_csv csv;\n"
            "  if (FLOW_LIKELY(flow_csv_begin_plain(b, %s, &csv)) &&\n"
            "      FLOW_LIKELY(row_%s(w, b, &csv, out, true))) {\n"
            "    return flow_csv_done(b, &csv);\n"
            "  }\n"
            "  return any_%s(w, b, out);\n"
            "}\n\n",
            name, emit_c_type(e, source->type), character(e, source->io->delimiter), name, name);
}

/* The function that reads any row: also the start of one that is too long, because without quotes no
 * line end follows that. */
static void emit_any(struct emit *e, const struct decl *source, const char *name) {
  text_addf(emit_section(e, SECTION_CODECS),
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
            name, emit_c_type(e, source->type), character(e, source->io->delimiter), name);
}

/* The usual row is straight. What reads others is not inlined, as it would take the registers. */
static void emit_parser(struct emit *e, const struct decl *source, const char *name) {
  if (source->type->kind == TYPE_ENUM) {
    emit_tagged(e, source, name);
  } else {
    struct row row = {.record = source->type,
                      .name = name,
                      .columns = "b->column_count",
                      .has_header = source->io->has_header};
    emit_straight(e, &row);
    emit_row(e, &row);
  }
  emit_any(e, source, name);
  if (source->io->has_header) emit_plain(e, source, name);
  struct text *out = emit_section(e, SECTION_CODECS);
  text_addf(out,
            "static enum flow_parse %s(struct flow_worker *w, struct flow_block *b, %s *out) {\n",
            name, emit_c_type(e, source->type));
  if (source->io->has_header)
    text_addf(out, "  if (FLOW_UNLIKELY(!b->is_in_order)) return plain_%s(w, b, out);\n", name);
  text_addf(out,
            "  struct flow_csv csv;\n"
            "  if (FLOW_LIKELY(flow_csv_begin_plain(b, %s, &csv)) &&\n"
            "      FLOW_LIKELY(straight_%s(w, b, &csv, out))) {\n"
            "    return flow_csv_done(b, &csv);\n"
            "  }\n"
            "  return any_%s(w, b, out);\n"
            "}\n\n",
            character(e, source->io->delimiter), name, name);
}

/* -- printer --------------------------------------------------------------------------------- */

/* Appends the cells of a record's fields, each behind `between`; for the first one that is `first`. */
static void print_cells(struct printer *printer, const struct type *record, const char *lvalue,
                        const char *first, const char *between) {
  for (size_t i = 0; i < record->fields.count; i++) {
    const struct type_field *field = &record->fields.data[i];
    print_fixed(printer, i == 0 ? first : between);
    print_value(printer, PRINT_CSV, field->type,
                arena_printf(&printer->e->compiler->arena, "%sf_%s", lvalue, field->name));
  }
}

/* The tag, in quotes where it needs them. */
static void print_tag(struct printer *printer, const char *tag, char delimiter) {
  bool needs_quotes = tag[0] == '\0' || tag[0] == ' ' || tag[strlen(tag) - 1] == ' ' ||
                      strchr(tag, delimiter) != NULL || strpbrk(tag, "\"\r\n\t") != NULL;
  if (needs_quotes) print_fixed(printer, "\"");
  for (const char *at = tag; *at != '\0'; at++) {
    if (*at == '"') print_fixed(printer, "\"");
    print_fixed(printer, (const char[]){*at, '\0'});
  }
  if (needs_quotes) print_fixed(printer, "\"");
}

static void emit_printer(struct emit *e, const struct io_spec *io, const struct type *type,
                         const char *name) {
  struct printer printer;
  const char between[2] = {io->delimiter, '\0'};
  print_begin(&printer, e, "room");
  printer.delimiter = io->delimiter;
  if (type->kind == TYPE_ENUM) {
    for (uint32_t i = 0; i < type->variants.count; i++) {
      const struct type_variant *variant = &type->variants.data[i];
      const char *fields = arena_printf(&e->compiler->arena, "x->as.f_%s.", variant->name);
      print_case(&printer, "x->tag", i, emit_enumerator(e, type, i));
      print_tag(&printer, codec_variant_name(variant), io->delimiter);
      if (variant->payload != NULL)
        print_cells(&printer, variant->payload, fields, between, between);
    }
    print_case_end(&printer);
  } else {
    /* A row of one empty string must not look like an empty line, which is no row. */
    printer.quotes_empty = type->fields.count == 1;
    print_cells(&printer, type, "x->", "", between);
  }
  print_fixed(&printer, "\n");
  print_sink(&printer, type, name);
}

const struct format format_csv = {
    .name = "csv",
    .syntax = "csv(header: BOOL, delimiter: STRING)",
    .summary = "rows with a header line, as RFC 4180 says",
    .framing = "FLOW_FRAMING_CSV",
    .skips_blank = true,
    .check_item = check_item,
    .emit_parser = emit_parser,
    .emit_printer = emit_printer,
};
