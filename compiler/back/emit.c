/* The C file as a whole: its sections, their order, and what every writer shares. */
#include "back/emit.h"

#include "back/program.h"
#include "front/check.h"
#include "middle/live.h"

#include <stdio.h>
#include <string.h>

struct text *emit_section(struct emit *e, enum section section) {
  return &e->sections[section];
}

void emit_line(struct emit *e, const char *format, ...) {
  char small[512];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(small, sizeof small, format, args);
  va_end(args);
  const char *line = small;
  if ((size_t)length >= sizeof small) {
    va_start(args, format);
    line = arena_vprintf(&e->compiler->arena, format, args);
    va_end(args);
  }
  if (line[0] == '}' && e->indent > 0) e->indent--;
  if (length > 0) text_pad(e->out, ' ', 2 * (size_t)e->indent);
  text_addn(e->out, line, (size_t)length);
  text_addc(e->out, '\n');
  if (length > 0 && line[length - 1] == '{') e->indent++;
}

bool emit_first_time(struct emit *e, const char *name) {
  const char *interned = names_intern(&e->compiler->names, name, strlen(name));
  return map_put(&e->written, interned, (void *)interned) == NULL;
}

bool emit_is_written(struct emit *e, const char *name) {
  return map_get(&e->written, names_intern(&e->compiler->names, name, strlen(name))) != NULL;
}

const char *emit_site(struct emit *e, struct span span, const char *step) {
  struct arena *arena = &e->compiler->arena;
  const char *wanted = arena_printf(arena, "site %u %u %s", span.offset, span.length, step);
  const char *key = names_intern(&e->compiler->names, wanted, strlen(wanted));
  const char *known = map_get(&e->written, key);
  if (known != NULL) return known;
  const char *name = arena_printf(arena, "site_%u", ++e->site_count);
  map_put(&e->written, key, (void *)name);

  struct place place = sources_place(&e->compiler->sources, span.offset);
  size_t length;
  const char *line = source_line(place.source, place.line, &length);
  /* A span may go over several lines; the caret cannot. */
  size_t behind = (size_t)(line - place.source->text) + length + place.source->start;
  size_t shown = span.offset + span.length > behind ? behind - span.offset : span.length;
  struct text *out = emit_section(e, SECTION_DECLARATIONS);
  text_addf(out, "static const struct flow_site %s = {", name);
  text_add_quoted_c(out, step, strlen(step));
  text_addf(out, ", %u, %u, %zu,\n  ", place.line, place.column, shown == 0 ? 1 : shown);
  text_add_quoted_c(out, line, length);
  text_add(out, ", ");
  if (place.source == e->compiler->source) text_add(out, "NULL");
  else text_add_quoted_c(out, place.source->path, strlen(place.source->path));
  text_add(out, "};\n");
  return name;
}

bool emit_is_live(struct emit *e, const struct type *record, uint32_t field) {
  return live_has(e->live, record, field);
}

/* -- joining --------------------------------------------------------------------------------- */

static const char *const titles[SECTION_COUNT] = {
    [SECTION_TYPES] = "Types",
    [SECTION_HELPERS] = "What is done with values of these types",
    [SECTION_DECLARATIONS] = "Places in the program, parameters, prototypes",
    [SECTION_EXPRESSIONS] = "The program's own expressions and statements",
    [SECTION_CODECS] = "Reading and writing records",
    [SECTION_STATE] = "Keyed state",
    [SECTION_STAGES] = "Fused stages: the way of a row from its source to its sinks",
    [SECTION_PROGRAM] = "The program",
};

static size_t count_lines(const struct text *text) {
  size_t lines = 0;
  for (size_t i = 0; i < text->length; i++) lines += text->data[i] == '\n';
  return lines;
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

/* The name of the C file for #line: the .flow file's base name with .c behind its stem. */
static const char *c_file_name(struct compiler *c) {
  const char *base = base_name(c->source->path);
  const char *dot = strrchr(base, '.');
  int stem = (int)(dot != NULL && dot != base ? (size_t)(dot - base) : strlen(base));
  return arena_printf(&c->arena, "%.*s.c", stem, base);
}

static void join(struct emit *e) {
  struct compiler *c = e->compiler;
  struct text *out = &c->c_text;
  text_init(out, &c->arena);
  text_addf(out, "/* Written by flowcc from %s. Edit that file, not this one. */\n",
            base_name(c->source->path));
  text_add(out, "#include \"flow/flow.h\"\n");
  if (c->options.is_test) text_add(out, "#include \"flow/test.h\"\n");
  for (int i = 0; i < SECTION_COUNT; i++) {
    const struct text *section = &e->sections[i];
    if (section->length == 0) continue;
    text_addf(out, "\n/* ==== %s ==== */\n\n", titles[i]);
    text_addn(out, section->data, section->length);
    if (i != SECTION_EXPRESSIONS) continue;
    text_addf(out, "#line %zu ", count_lines(out) + 2);
    const char *file = c_file_name(c);
    text_add_quoted_c(out, file, strlen(file));
    text_addc(out, '\n');
  }
}

struct emit *emit_new(struct compiler *c) {
  struct emit *e = arena_new(&c->arena, struct emit);
  e->compiler = c;
  e->graph = c->graph;
  e->plan = c->plan;
  map_init(&e->written, &c->arena);
  for (int i = 0; i < SECTION_COUNT; i++) text_init(&e->sections[i], &c->arena);
  return e;
}

bool pass_emit(struct compiler *c) {
  struct emit *e = emit_new(c);
  e->live = live_find(c);
  emit_params(e);
  emit_stages(e);
  emit_program(e);
  join(e);
  return true;
}

void dump_c(struct compiler *c, FILE *out) {
  fwrite(c->c_text.data, 1, c->c_text.length, out);
}
