/* text: one item per line (language rule 15). */
#include "back/codec.h"
#include "back/print.h"
#include "front/check.h"
#include "io/io.h"

static bool check_item(struct checker *checker, struct span span, const struct io_spec *io,
                       const struct type *item, bool is_read) {
  (void)io;
  if (item->kind == TYPE_ERROR) return true;
  bool is_fine =
      is_read ? item->kind == TYPE_STRING || item->kind == TYPE_INT || item->kind == TYPE_FLOAT ||
                    item->kind == TYPE_DECIMAL
              : type_is_scalar(item);
  if (is_fine) return true;
  struct compiler *compiler = check_compiler(checker);
  struct diag *diag =
      diag_error(&compiler->diags, E0604, span, "a line of text cannot be %s `%s`",
                 is_read ? "read as" : "written from", type_name(check_types(checker), item));
  diag_note(diag, is_read ? "text reads a `string`, an `int`, a `float` or a decimal per line"
                          : "text writes one scalar per line");
  diag_help(diag, is_read ? "read `jsonl` or `csv`, or read strings and take them apart with `map`"
                          : "write `jsonl`, or make a string of it: `|> map f\"…\"`");
  return false;
}

static void emit_parser(struct emit *e, const struct decl *source, const char *name) {
  const struct type *item = source->type;
  struct text *out = emit_section(e, SECTION_CODECS);
  const char *c_type = emit_c_type(e, item);
  text_addf(out,
            "static enum flow_parse %s(struct flow_worker *w, struct flow_block *b, %s *out) {\n"
            "  (void)w;\n",
            name, c_type);
  if (item->kind == TYPE_INT) {
    text_add(out, "  if (FLOW_LIKELY(flow_line_plain_int(b, out))) return FLOW_PARSED;\n");
  }
  const char *reader = item->kind == TYPE_INT     ? "int(b, &line, out)"
                       : item->kind == TYPE_FLOAT ? "float(b, &line, out)"
                                                  : "string(b, &line, out)";
  if (item->kind == TYPE_DECIMAL)
    reader = arena_printf(&e->compiler->arena, "decimal(b, &line, %u, out)", item->scale);
  text_addf(out,
            "  struct flow_line line;\n"
            "  if (FLOW_UNLIKELY(b->is_too_long)) return flow_line_too_long(b);\n"
            "  flow_line_at(b, &line);\n"
            "  if (FLOW_UNLIKELY(!flow_line_%s)) return flow_line_bad(b, &line);\n"
            "  return flow_line_done(b, &line);\n"
            "}\n\n",
            reader);
}

static void emit_printer(struct emit *e, const struct io_spec *io, const struct type *type,
                         const char *name) {
  (void)io;
  struct printer printer;
  print_begin(&printer, e, "room");
  print_value(&printer, PRINT_TEXT, type, "(*x)");
  print_fixed(&printer, "\n");
  print_sink(&printer, type, name);
}

const struct format format_text = {
    .name = "text",
    .syntax = "text",
    .summary = "one item per line, without quotes",
    .framing = "FLOW_FRAMING_LINES",
    .check_item = check_item,
    .emit_parser = emit_parser,
    .emit_printer = emit_printer,
};
