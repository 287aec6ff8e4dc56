/* jsonl: one JSON value per line (JSON Lines). Lines of blanks only are no records. */
#include "back/codec.h"
#include "back/print.h"
#include "front/check.h"
#include "io/io.h"

/* Every type has a form in JSON (language rule 12). */
static bool check_item(struct checker *checker, struct span span, const struct io_spec *io,
                       const struct type *item, bool is_read) {
  (void)checker, (void)span, (void)io, (void)item, (void)is_read;
  return true;
}

static void emit_parser(struct emit *e, const struct decl *source, const char *name) {
  const struct type *item = source->type;
  const char *c_type = emit_c_type(e, item);
  const char *read = codec_read(e, item, 0, "(*out)");
  text_addf(emit_section(e, SECTION_CODECS),
            "static enum flow_parse %s(struct flow_worker *w, struct flow_block *b, %s *out) {\n"
            "  struct flow_json json, *j = &json;\n"
            "  if (FLOW_UNLIKELY(b->is_too_long)) return flow_line_too_long(b);\n"
            "  if (FLOW_UNLIKELY(!flow_json_begin(w, b, j))) return FLOW_NO_RECORD;\n"
            "  flow_json_blanks(j);\n"
            "  if (FLOW_UNLIKELY(!%s || !flow_json_finish(j))) return flow_json_refused(b);\n"
            "  return flow_json_done(b, j);\n"
            "}\n\n",
            name, c_type, read);
}

static void emit_printer(struct emit *e, const struct io_spec *io, const struct type *type,
                         const char *name) {
  (void)io;
  struct printer printer;
  print_begin(&printer, e, "room");
  print_value(&printer, PRINT_JSON, type, "(*x)");
  print_fixed(&printer, "\n");
  print_sink(&printer, type, name);
}

const struct format format_jsonl = {
    .name = "jsonl",
    .syntax = "jsonl",
    .summary = "one JSON value per line",
    .framing = "FLOW_FRAMING_LINES",
    .skips_blank = true,
    .check_item = check_item,
    .emit_parser = emit_parser,
    .emit_printer = emit_printer,
};
