/* Functions in C: how the program calls them, and the header that their files include. */
#include "back/extern.h"

#include <ctype.h>
#include <string.h>

#include "back/code.h"
#include "back/program.h"

/* -- in the program -------------------------------------------------------------------------- */

/* The parameters behind the worker: ", const struct flow_str *a_ip, int64_t a_n". */
static void add_parameters(struct emit *e, struct text *out, const struct decl *fn, const char *prefix) {
  for (size_t i = 0; i < fn->fields.count; i++) {
    const struct type *type = fn->arg_types.data[i];
    text_addf(out, code_is_scalar(type) ? ", %s %s%s" : ", const %s *%s%s", emit_c_type(e, type), prefix,
              fn->fields.data[i].name.text);
  }
}

/* The name under which the C compiler knows it: no header can have that one. */
static const char *foreign_name(struct emit *e, const struct decl *fn) {
  return arena_printf(&e->compiler->arena, "extern_%s", fn->name.text);
}

static void declare(struct emit *e, const struct decl *fn) {
  const char *result = emit_c_type(e, fn->type);
  struct text *out = emit_section(e, SECTION_DECLARATIONS), parameters;
  text_init(&parameters, &e->compiler->arena);
  add_parameters(e, &parameters, fn, "");
  text_addf(out, "bool %s(struct flow_worker *ctx%s, %s *out) __asm__(\"%s\");\n", foreign_name(e, fn),
            parameters.data, result, fn->name.text);
}

/* Whether the result holds; a float that is not finite would be one that no input can have. */
static const char *condition(struct emit *e, const struct decl *fn, const char *arguments) {
  struct arena *arena = &e->compiler->arena;
  const char *call = arena_printf(arena, "%s(w%s, out)", foreign_name(e, fn), arguments);
  if (fn->type->kind == TYPE_FLOAT) return arena_printf(arena, "%s && __builtin_isfinite(*out)", call);
  bool is_float = fn->type->kind == TYPE_OPTIONAL && fn->type->elem->kind == TYPE_FLOAT;
  if (is_float) return arena_printf(arena, "%s && __builtin_isfinite(out->value)", call);
  return call;
}

const char *emit_extern(struct emit *e, const struct decl *fn) {
  struct arena *arena = &e->compiler->arena;
  const char *name = arena_printf(arena, "fn_%s", fn->name.text);
  if (!emit_first_time(e, name)) return name;
  if (e->compiler->externs == NULL) e->compiler->externs = arena_new(arena, struct decl_list);
  vec_push(arena, e->compiler->externs, (struct decl *)fn);
  declare(e, fn);
  const char *result = emit_c_type(e, fn->type);
  struct text arguments, *out = emit_section(e, SECTION_DECLARATIONS), parameters;
  text_init(&arguments, arena);
  text_init(&parameters, arena);
  add_parameters(e, &parameters, fn, "a_");
  vec_each(const struct field_decl, field, &fn->fields) text_addf(&arguments, ", a_%s", field->name.text);
  const char *holds = condition(e, fn, arguments.data);
  const char *nothing = code_is_scalar(fn->type) ? "0" : arena_printf(arena, "(%s){0}", result);
  if (fn->type->kind == TYPE_OPTIONAL) {
    text_addf(out,
              "static inline void %s(struct flow_worker *w%s, %s *out) {\n"
              "  *out = %s;\n  if (!(%s)) *out = %s;\n}\n\n",
              name, parameters.data, result, nothing, holds, nothing);
    return name;
  }
  const char *site = emit_site(e, fn->name.span, arena_printf(arena, "fn %s", fn->name.text));
  text_addf(out,
            "static inline bool %s(struct flow_worker *w%s, %s *out) {\n"
            "  *out = %s;\n  if (%s) return true;\n"
            "  return flow_fail(w, &%s, \"`%s` has failed\");\n}\n\n",
            name, parameters.data, result, nothing, holds, site, fn->name.text);
  return name;
}

/* -- the header ------------------------------------------------------------------------------ */

/* How C gets at the elements of a list, and makes one. */
static void add_list(struct emit *e, struct text *out, const struct type *list) {
  const char *name = arena_printf(&e->compiler->arena, "of_%s", emit_mangle(e, list));
  if (!emit_first_time(e, name)) return;
  const char *type = emit_c_type(e, list), *elem = emit_c_type(e, list->elem), *word = emit_mangle(e, list);
  uint32_t near = emit_list_near(list);
  text_addf(out, "#ifndef FLOW_HAS_%s_data\n#define FLOW_HAS_%s_data\n", word, word);
  text_addf(out,
            "/* The elements of the list, list->length of them. */\n"
            "static inline const %s *%s_data(const %s *list) {\n  return %s;\n}\n\n",
            elem, word, type, near > 0 ? "list->capacity > 0 ? list->far : list->near" : "list->far");
  text_addf(out,
            "/* Makes it a list of that length, and returns its elements, to be filled in. */\n"
            "static inline %s *%s_make(struct flow_worker *ctx, %s *list, uint32_t length) {\n"
            "  *list = (%s){.length = length};\n",
            elem, word, type, type);
  if (near > 0) text_addf(out, "  if (length <= %u) return list->near;\n", near);
  text_add(out, "  list->far = (void *)flow_extern_alloc(ctx, length * sizeof *list->far);\n"
                "  list->capacity = length;\n  return list->far;\n}\n#endif\n\n");
}

/* Adds what is needed for the lists inside of a type. */
static void add_lists(struct emit *e, struct text *out, const struct type *type) {
  if (type->kind == TYPE_LIST) add_list(e, out, type);
  if (type->elem != NULL) add_lists(e, out, type->elem);
  vec_each(struct type_field, field, &type->fields) add_lists(e, out, field->type);
  vec_each(struct type_variant, variant, &type->variants)
    if (variant->payload != NULL) add_lists(e, out, variant->payload);
}

/* The types, each behind a guard of its own: a C file may have functions for several flows, and then sees the
 * headers of all of them. Types without a name carry that of the flow. */
static void add_types(struct emit *e, struct text *out, const char *flow) {
  const struct text *types = emit_section(e, SECTION_TYPES);
  for (const char *at = types->data; *at != '\0';) {
    const char *end = strstr(at, "\n\n");
    end = end != NULL ? end + 2 : at + strlen(at);
    const char *name = strstr(at, "\nstruct ");
    name = name != NULL ? name + strlen("\nstruct ") : at;
    const char *owner = strncmp(name, "R_", 2) == 0 ? flow : "";
    int length = (int)strcspn(name, " ");
    text_addf(out, "#ifndef FLOW_HAS_%s%.*s\n#define FLOW_HAS_%s%.*s\n", owner, length, name, owner,
              length, name);
    while (at < end) {
      const char *structural = strstr(at, "struct R_");
      bool is_here = structural != NULL && structural < end;
      const char *next = is_here ? structural + strlen("struct R_") : end;
      text_addn(out, at, (size_t)(next - at));
      if (is_here) text_addf(out, "%s_", flow);
      at = next;
    }
    while (out->length > 1 && out->data[out->length - 2] == '\n') out->length--;
    text_add(out, "#endif\n\n");
  }
}

static void add_prototype(struct emit *e, struct text *lists, struct text *out, const struct decl *fn) {
  struct place place = sources_place(&e->compiler->sources, fn->span.offset);
  const char *slash = strrchr(place.source->path, '/');
  text_addf(out, "/* %s:%u: %.*s */\n", slash != NULL ? slash + 1 : place.source->path, place.line,
            (int)strcspn(sources_text(&e->compiler->sources, fn->span), "\n"),
            sources_text(&e->compiler->sources, fn->span));
  const char *result = emit_c_type(e, fn->type);
  text_addf(out, "bool %s(struct flow_worker *ctx", fn->name.text);
  add_parameters(e, out, fn, "");
  text_addf(out, ", %s *out);\n", result);
  add_lists(e, lists, fn->type);
  vec_each(const struct type *, type, &fn->arg_types) add_lists(e, lists, *type);
}

/* The name of the file as a part of C names: "cart_join_flow". */
static const char *word_of(struct compiler *c) {
  const char *slash = strrchr(c->source->path, '/');
  char *word = arena_printf(&c->arena, "%s", slash != NULL ? slash + 1 : c->source->path);
  for (char *at = word; *at != '\0'; at++)
    if (!isalnum((unsigned char)*at)) *at = '_';
  return word;
}

void extern_header(struct compiler *c, struct text *out) {
  struct emit *e = emit_new(c);
  struct text lists, prototypes;
  text_init(&lists, &c->arena);
  text_init(&prototypes, &c->arena);
  vec_each(struct decl *, decl, &c->program->decls)
    if ((*decl)->is_extern) add_prototype(e, &lists, &prototypes, *decl);
  const char *word = word_of(c), *slash = strrchr(c->source->path, '/');
  text_addf(out, "/* Written by flowcc emit --header from %s: the functions in C that it declares.\n"
                 " * flow/extern.h says what they may do. */\n#ifndef FLOW_HEADER_%s\n#define FLOW_HEADER_%s\n\n",
            slash != NULL ? slash + 1 : c->source->path, word, word);
  text_add(out, "#include \"flow/extern.h\"\n\n");
  add_types(e, out, word);
  text_addn(out, lists.data, lists.length);
  text_addn(out, prototypes.data, prototypes.length);
  text_add(out, "\n#endif\n");
}

void dump_header(struct compiler *c, FILE *out) {
  struct text text;
  text_init(&text, &c->arena);
  extern_header(c, &text);
  fwrite(text.data, 1, text.length, out);
}

/* -- files ----------------------------------------------------------------------------------- */

struct extern_files extern_files(struct compiler *c) {
  struct extern_files files = {0};
  if (c->externs == NULL) return files;
  vec_each(struct decl *, fn, c->externs) {
    bool is_known = false;
    vec_each(const char *, file, &files) is_known = is_known || strcmp(*file, (*fn)->c_path) == 0;
    if (!is_known) vec_push(&c->arena, &files, (*fn)->c_path);
  }
  return files;
}
