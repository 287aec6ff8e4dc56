/* What `flowcc test` gets of a stream: the number of the row's type, a blank, and the row as JSON, for
 * rows of several types may come. Programs cannot name it: it is not in formats.def. */
#include "back/print.h"
#include "io/io.h"

static void emit_printer(struct emit *e, const struct io_spec *io, const struct type *type,
                         const char *name) {
  (void)io;
  struct printer printer;
  print_begin(&printer, e, "room");
  print_fixed(&printer, arena_printf(&e->compiler->arena, "%u ", type->id));
  print_value(&printer, PRINT_JSON, type, "(*x)");
  print_fixed(&printer, "\n");
  print_sink(&printer, type, name);
}

const struct format format_capture = {
    .name = "capture",
    .syntax = "",
    .summary = "",
    .framing = "FLOW_FRAMING_LINES",
    .emit_printer = emit_printer,
};
