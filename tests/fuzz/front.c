/* The front end as a fuzzer sees it: front.h. */
#include "front.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "back/emit.h"
#include "base/utf8.h"
#include "compiler.h"
#include "front/check.h"
#include "front/import.h"
#include "front/parse.h"
#include "front/partial.h"
#include "middle/graph.h"
#include "middle/plan.h"
#include "tools/drawing.h"
#include "tools/format.h"
#include "tools/growth.h"
#include "tools/guarantee.h"

static pass_fn *const passes[] = {pass_tokens, pass_parse, pass_import, pass_resolve,
                                  pass_check,  pass_lower, pass_fuse,   pass_emit};

static void demand(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "the front end breaks a rule: %s\n", what);
  abort();
}

/* Whatever else the text names lies in a directory that is not there. */
static void begin(struct compiler *c, const uint8_t *data, size_t size, bool is_fused) {
  struct options options = {.is_fuse_disabled = !is_fused};
  compiler_begin(c, &options, "nowhere/fuzz.flow");
  c->source = sources_add_text(&c->sources, c->options.input_path, (const char *)data, size);
}

/* Runs all passes. */
static bool compile(struct compiler *c, const uint8_t *data, size_t size, bool is_fused) {
  begin(c, data, size, is_fused);
  bool is_good = c->source != NULL;
  for (size_t i = 0; is_good && i < sizeof passes / sizeof *passes; i++) {
    is_good = passes[i](c);
    if (!is_good && passes[i] == pass_parse) check_partial(c);
  }
  return is_good;
}

/* Prints the messages in one form and looks at every byte. */
static void check_messages(const struct compiler *c, enum diag_format format) {
  char *text = NULL;
  size_t length = 0;
  FILE *stream = open_memstream(&text, &length);
  demand(stream != NULL, "memory for the messages");
  diags_print(&c->diags, stream, format);
  fclose(stream);
  for (size_t i = 0; i < length;) {
    uint32_t code;
    size_t bytes = utf8_decode(text + i, length - i, &code);
    demand(bytes > 0, "messages are UTF-8");
    bool is_control = code < ' ' || (code >= 0x7f && code < 0xa0);
    demand(!is_control || code == '\n', "messages hold no control character");
    i += bytes;
  }
  free(text);
}

/* What can be parsed can be laid out anew, with the same meaning (format_source() compares), and a
 * second time changes nothing. */
static void check_layout(const uint8_t *data, size_t size) {
  struct compiler first, second;
  struct text once, twice;
  begin(&first, data, size, true);
  if (first.source && pass_tokens(&first) && pass_parse(&first) && !diags_has_errors(&first.diags)) {
    text_init(&once, &first.arena);
    demand(format_source(&first, &once), "the layout keeps the meaning");
    begin(&second, (const uint8_t *)once.data, once.length, true);
    text_init(&twice, &second.arena);
    demand(second.source && pass_tokens(&second) && pass_parse(&second) &&
               format_source(&second, &twice), "what is laid out can be laid out");
    demand(once.length == twice.length && memcmp(once.data, twice.data, once.length) == 0,
           "a second time changes nothing");
    arena_free(&second.arena);
  }
  arena_free(&first.arena);
}

static void check_dumps(struct compiler *c) {
  char *text = NULL;
  size_t length = 0;
  FILE *stream = open_memstream(&text, &length);
  demand(stream != NULL, "memory for the dumps");
  graph_text(c, stream);
  graph_dot(c, stream);
  graph_svg(c, stream);
  guarantee_print(c, stream);
  growth_print(c, stream);
  dump_tokens(c, stream);
  dump_ast(c, stream);
  dump_graph(c, stream);
  dump_plan(c, stream);
  fclose(stream);
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct compiler first;
  check_layout(data, size);
  bool is_good = compile(&first, data, size, true);
  if (first.source) {
    bool has_errors = diags_has_errors(&first.diags);
    demand(is_good != has_errors, is_good ? "what has errors fails" : "what fails has errors");
    demand(is_good || first.diags.list.count > 0, "what fails says why");
    check_messages(&first, DIAG_HUMAN);
    check_messages(&first, DIAG_JSON);
    check_messages(&first, DIAG_SHORT);
  }
  if (is_good) {
    check_dumps(&first);
    struct compiler second, unfused;
    demand(compile(&second, data, size, true), "what compiles once compiles twice");
    demand(second.c_text.length == first.c_text.length &&
               memcmp(second.c_text.data, first.c_text.data, first.c_text.length) == 0,
           "two compilations give the same bytes");
    demand(compile(&unfused, data, size, false), "what compiles fused compiles unfused");
    arena_free(&second.arena);
    arena_free(&unfused.arena);
  }
  arena_free(&first.arena);
  return 0;
}
