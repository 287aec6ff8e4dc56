#include "front/import.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "front/library.h"
#include "front/parse.h"
#include "front/parse.tab.h"
#include "front/token.h"

/* A file on the way from the program to the one that is being read. */
struct importing {
  const struct importing *outer;
  const char *path; /* resolved: without links and `..` */
  const char *name; /* as messages show it */
};

struct import {
  struct compiler *compiler;
  struct arena *arena;
  struct program *program; /* the main file's */
  struct map files;        /* resolved paths of the files that have been read */
  struct map library;      /* names that the library declares → struct library_file */
  struct map read_library; /* files of the library that have been read */
};

const char *decl_kind_name(const struct decl *decl) {
  static const char *const names[] = {
      [DECL_ERROR] = "declaration", [DECL_FLOW] = "flow",     [DECL_PARAM] = "param",
      [DECL_CONST] = "const",       [DECL_RECORD] = "record", [DECL_ENUM] = "enum",
      [DECL_FN] = "function",       [DECL_SOURCE] = "source", [DECL_SINK] = "sink",
      [DECL_STREAM] = "stream",     [DECL_PIPELINE] = "pipeline", [DECL_TEST] = "test",
      [DECL_STEP] = "step",         [DECL_IMPORT] = "import",
  };
  return names[decl->kind];
}

static const char *intern(struct import *im, const char *text) {
  return names_intern(&im->compiler->names, text, strlen(text));
}

/* Parses a source; the compiler's own file, tokens and program are as before afterwards. Null after
 * a diagnostic; *tokens are those of the file. */
static struct program *parse_file(struct compiler *c, struct source *source,
                                  const struct tokens **tokens) {
  struct source *main_source = c->source;
  struct tokens *main_tokens = c->tokens;
  struct program *main_program = c->program;
  c->source = source;
  bool is_good = pass_tokens(c) && pass_parse(c);
  struct program *program = is_good ? c->program : NULL;
  *tokens = c->tokens;
  c->source = main_source;
  c->tokens = main_tokens;
  c->program = main_program;
  return program;
}

/* -- the standard library -------------------------------------------------------------------- */

static void read_library_for(struct import *im, const struct tokens *tokens);

static void read_library_file(struct import *im, const struct library_file *file, struct span use) {
  const char *path = intern(im, file->path);
  if (map_get(&im->read_library, path)) return;
  map_put(&im->read_library, path, (void *)file);
  struct source *source =
      sources_add_text(&im->compiler->sources, file->path, file->text, file->length);
  if (!source) {
    diag_error(&im->compiler->diags, E0109, use, "with %s, which has this, the sources are larger than %u KiB",
               file->path, LIMIT_SOURCE_BYTES >> 10);
    return;
  }
  const struct tokens *tokens;
  struct program *program = parse_file(im->compiler, source, &tokens);
  if (!program) return;
  vec_each(struct decl *, decl, &program->decls) {
    bool is_example = (*decl)->kind > DECL_FN && (*decl)->kind != DECL_STEP;
    if (is_example || (*decl)->kind == DECL_PARAM || (*decl)->kind == DECL_FLOW) continue;
    (*decl)->is_library = true;
    vec_push(im->arena, &im->program->decls, *decl);
  }
  read_library_for(im, tokens);
}

/* Reads the files that declare a name which these tokens mention; the verb of `|> map` is none. */
static void read_library_for(struct import *im, const struct tokens *tokens) {
  vec_each(const struct token, token, &tokens->list) {
    if (token->kind != TOKEN_NAME) continue;
    const struct library_file *file = map_get(&im->library, token->name);
    if (file) read_library_file(im, file, token->span);
  }
}

/* -- files ----------------------------------------------------------------------------------- */

static const char *resolved(struct import *im, const char *path) {
  char real[PATH_MAX];
  return intern(im, realpath(path, real) ? real : path);
}

static void report_circle(struct import *im, const struct decl *decl,
                          const struct importing *importing, const char *path) {
  struct diag *diag = diag_error(&im->compiler->diags, E0219, decl->name.span,
                                 "`%s` imports itself", decl->name.text);
  const char *way = decl->name.text;
  for (const struct importing *at = importing; at; at = at->outer) {
    way = arena_printf(im->arena, "%s → %s", at->name, way);
    if (at->path == path) break;
  }
  diag_note(diag, "%s", way);
  diag_help(diag, "put what both need into a third file");
}

static void import_decls(struct import *im, const struct program *program,
                         const struct importing *importing, const struct source *from);

/* Takes over what an import brings. */
static void take_decls(struct import *im, const struct program *program) {
  vec_each(struct decl *, decl, &program->decls) {
    switch ((*decl)->kind) {
    case DECL_CONST:
    case DECL_RECORD:
    case DECL_ENUM:
    case DECL_FN:
    case DECL_STEP: vec_push(im->arena, &im->program->decls, *decl); break;
    case DECL_IMPORT: break;
    default: vec_push(im->arena, &im->program->left_behind, *decl);
    }
  }
}

static void import_file(struct import *im, const struct decl *decl,
                        const struct importing *importing, const struct source *from) {
  struct compiler *c = im->compiler;
  const char *path = sources_path_beside(&c->sources, decl->span, decl->name.text);
  const char *real = resolved(im, path);
  for (const struct importing *at = importing; at; at = at->outer) {
    if (at->path != real) continue;
    report_circle(im, decl, importing, real);
    return;
  }
  if (map_get(&im->files, real)) return;
  if (im->files.count == LIMIT_IMPORTS) {
    diag_error(&c->diags, E0240, decl->name.span, "more than %d files are imported", LIMIT_IMPORTS);
    return;
  }
  map_put(&im->files, real, (void *)real);
  const char *why;
  struct source *source = sources_load(&c->sources, path, &why);
  if (!source) {
    struct diag *diag =
        diag_error(&c->diags, E0240, decl->name.span, "cannot read %s: %s", path, why);
    if (from->path != path && decl->name.text[0] != '/' && strchr(from->path, '/'))
      diag_note(diag, "the path begins at the folder of %s", from->path);
    return;
  }
  const struct tokens *tokens;
  struct program *program = parse_file(c, source, &tokens);
  if (!program) return;
  struct importing inner = {importing, real, decl->name.text};
  import_decls(im, program, &inner, source);
  take_decls(im, program);
  read_library_for(im, tokens);
}

static void import_decls(struct import *im, const struct program *program,
                         const struct importing *importing, const struct source *from) {
  for (size_t i = 0; i < program->decls.count; i++) {
    const struct decl *decl = program->decls.data[i];
    if (decl->kind == DECL_IMPORT) import_file(im, decl, importing, from);
  }
}

bool pass_import(struct compiler *c) {
  struct import *im = arena_new(&c->arena, struct import);
  im->compiler = c;
  im->arena = &c->arena;
  im->program = c->program;
  map_init(&im->files, im->arena);
  map_init(&im->library, im->arena);
  map_init(&im->read_library, im->arena);
  struct library_entries entries = library_entries(im->arena);
  vec_each(const struct library_entry, entry, &entries)
      map_put(&im->library, intern(im, entry->name), (void *)entry->file);
  const char *name = c->source->path;
  const char *slash = strrchr(name, '/');
  struct importing importing = {NULL, resolved(im, name), slash ? slash + 1 : name};
  struct program own = *c->program; /* what imports bring is no part of it */
  import_decls(im, &own, &importing, c->source);
  read_library_for(im, c->tokens);
  return !diags_has_errors(&c->diags);
}
