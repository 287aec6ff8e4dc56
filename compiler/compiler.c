#include "compiler.h"

void compiler_begin(struct compiler *compiler, const struct options *options, const char *path) {
  *compiler = (struct compiler){.options = *options};
  compiler->options.input_path = path;
  arena_init(&compiler->arena);
  names_init(&compiler->names, &compiler->arena);
  sources_init(&compiler->sources, &compiler->arena);
  diags_init(&compiler->diags, &compiler->arena, &compiler->sources);
  text_init(&compiler->c_text, &compiler->arena);
}
