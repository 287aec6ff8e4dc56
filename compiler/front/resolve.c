/* Declares everything that has a file-wide name. */
#include "front/instance.h"
#include "front/words.h"

#include <string.h>

#include "ops/op.h"

static const char *intern(struct checker *c, const char *text) {
  return names_intern(&c->compiler->names, text, strlen(text));
}

/* -- messages -------------------------------------------------------------------------------- */

static void report_twice(struct checker *c, struct ident name, const char *kind,
                         const struct decl *first) {
  struct diag *diag =
      diag_error(c->diags, E0202, name.span, "%s `%s` is declared twice", kind, name.text);
  if (first) diag_label(diag, first->name.span, "first here");
}

static void report_reserved(struct checker *c, struct ident name, const char *why) {
  struct diag *diag =
      diag_error(c->diags, E0202, name.span, "the name `%s` is taken by the language", name.text);
  diag_note(diag, "%s", why);
}

/* -- namespaces ------------------------------------------------------------------------------ */

static void *find_declared(const struct checker *c, const struct map *program,
                           const struct map *library, const char *name) {
  void *found = c->scope.is_library ? NULL : map_get(program, name);
  return found ? found : map_get(library, name);
}

struct decl *find_function(struct checker *c, const char *name) {
  return find_declared(c, &c->symbols->functions, &c->symbols->library_functions, name);
}

struct type *find_declared_type(struct checker *c, const char *name) {
  struct type *type = find_declared(c, &c->symbols->types, &c->symbols->library_types, name);
  return type || !c->scope.is_library ? type : map_get(&c->symbols->types, name);
}

struct decl *find_value(struct checker *c, const char *name) {
  const struct symbols *symbols = c->symbols;
  return map_get(c->scope.is_library ? &symbols->library_values : &symbols->values, name);
}

/* The program's map or the library's. */
static struct map *map_for(const struct decl *decl, struct map *program, struct map *library) {
  return decl->is_library ? library : program;
}

static bool is_type_word(const char *name) {
  static const char *const words[] = {"int",  "float", "bool",      "string",   "list",
                                      "set",  "map",   "timestamp", "duration", "decimal",
                                      "json", "bytes", "Rejected"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (strcmp(words[i], name) == 0) return true;
  }
  return false;
}

static void declare_type(struct checker *c, struct decl *decl) {
  struct type *type =
      type_nominal(c->types, decl->kind == DECL_ENUM ? TYPE_ENUM : TYPE_RECORD, decl);
  decl->type = type;
  if (is_type_word(decl->name.text)) {
    report_reserved(c, decl->name, "types of the language keep their names");
    return;
  }
  struct map *types = map_for(decl, &c->symbols->types, &c->symbols->library_types);
  struct type *first = map_get(types, decl->name.text);
  if (first) {
    report_twice(c, decl->name, "the type", first->decl);
  } else {
    map_put(types, decl->name.text, type);
  }
}

static void declare_function(struct checker *c, struct decl *decl) {
  const struct builtin *builtin = builtin_find(decl->name.text);
  if (builtin) {
    report_reserved(
        c, decl->name,
        arena_printf(c->arena, "`%s` is built in: %s", builtin->syntax, builtin->doc));
    return;
  }
  struct map *functions = map_for(decl, &c->symbols->functions, &c->symbols->library_functions);
  const struct decl *first = map_get(functions, decl->name.text);
  if (first) {
    report_twice(c, decl->name, "the function", first);
  } else {
    map_put(functions, decl->name.text, decl);
  }
}

static void declare_step(struct checker *c, struct decl *decl) {
  const struct op *op = op_find(decl->name.text);
  if (op) {
    report_reserved(c, decl->name,
                    arena_printf(c->arena, "`%s` is a stage: %s", op->name, op->summary));
    return;
  }
  if (word_find(WORD_VERB, decl->name.text)) {
    report_reserved(c, decl->name, "it is a word of the language behind `|>`");
    return;
  }
  struct map *steps = map_for(decl, &c->symbols->steps, &c->symbols->library_steps);
  const struct decl *first = map_get(steps, decl->name.text);
  if (first) {
    report_twice(c, decl->name, "the step", first);
  } else {
    map_put(steps, decl->name.text, decl);
  }
}

static void declare_value(struct checker *c, struct decl *decl) {
  const char *name = decl->name.text;
  if (strcmp(name, "it") == 0 || strcmp(name, "key") == 0 || strcmp(name, "window") == 0) {
    report_reserved(c, decl->name, "`it`, `key` and `window` have a meaning in every stage");
    return;
  }
  struct map *values = map_for(decl, &c->symbols->values, &c->symbols->library_values);
  const struct decl *first = map_get(values, name);
  if (first) {
    report_twice(c, decl->name, "the name", first);
  } else {
    map_put(values, name, decl);
  }
}

static struct stream *add_stream(struct checker *c, enum stream_kind kind, struct ident name,
                                 struct decl *decl) {
  struct stream *stream = arena_new(c->arena, struct stream);
  stream->kind = kind;
  stream->name = name;
  stream->decl = decl;
  map_put(&c->symbols->streams, name.text, stream);
  vec_push(c->arena, &c->symbols->stream_order, stream);
  return stream;
}

static void declare_stream(struct checker *c, struct decl *decl) {
  if (strcmp(decl->name.text, "stdout") == 0 || strcmp(decl->name.text, "skip") == 0) {
    report_reserved(c, decl->name,
                    decl->name.text[1] == 't' ? "`stdout` is a sink that every flow has"
                                              : "`skip` says that records are dropped");
    return;
  }
  const struct stream *first = map_get(&c->symbols->streams, decl->name.text);
  if (first) {
    report_twice(c, decl->name, "the stream", first->decl);
    return;
  }
  enum stream_kind kind = decl->kind == DECL_SOURCE ? STREAM_SOURCE
                          : decl->kind == DECL_SINK ? STREAM_SINK
                                                    : STREAM_PIPELINE;
  add_stream(c, kind, decl->name, decl);
}

static void declare_flow(struct checker *c, struct decl *decl, const struct decl **first) {
  if (*first) {
    report_twice(c, decl->name, "the flow", *first);
    return;
  }
  *first = decl;
  c->symbols->flow_name = decl->name.text;
  struct clause *clause = check_clause(&decl->clauses, "was");
  if (clause) c->symbols->flow_was = check_clause_string(c, clause);
  check_unused_clauses(c, &decl->clauses, "a flow", (const char *const[]){"was", NULL});
}

/* -- derived streams ------------------------------------------------------------------------- */

/* `name` is sent to by `decl`; the first such place declares it, unless something else does. */
static void add_target(struct checker *c, struct decl *decl, struct ident name, bool is_rejects) {
  if (strcmp(name.text, "skip") == 0) return;
  struct stream *stream = map_get(&c->symbols->streams, name.text);
  if (!stream) stream = add_stream(c, STREAM_DERIVED, name, NULL);
  if (stream->kind != STREAM_DERIVED) return;
  vec_push(c->arena, &stream->writers, (struct stream_writer){decl, name.span, is_rejects});
}

static void find_in_block(struct checker *c, struct decl *decl, const struct block *block);

static void find_in_stmt(struct checker *c, struct decl *decl, const struct stmt *stmt) {
  switch (stmt->kind) {
  case STMT_EMIT:
    if (stmt->emit.into.text) add_target(c, decl, stmt->emit.into, false);
    break;
  case STMT_IF:
    find_in_block(c, decl, stmt->if_else.then_block);
    if (stmt->if_else.else_block) find_in_block(c, decl, stmt->if_else.else_block);
    break;
  case STMT_MATCH:
    vec_each(const struct match_arm, arm, &stmt->match.arms) find_in_block(c, decl, arm->body);
    break;
  case STMT_FOR: find_in_block(c, decl, stmt->loop.body); break;
  default: break;
  }
}

static void find_in_block(struct checker *c, struct decl *decl, const struct block *block) {
  vec_each(struct stmt *, stmt, &block->stmts) find_in_stmt(c, decl, *stmt);
}

static void find_in_stage(struct checker *c, struct decl *decl, struct stage *stage) {
  if (stage->body) find_in_block(c, decl, stage->body);
  vec_each(const struct hook, hook, &stage->hooks) find_in_block(c, decl, hook->body);
  vec_each(struct split_arm, arm, &stage->arms) {
    arm->is_skip = strcmp(arm->target.text, "skip") == 0;
    if (!arm->is_skip) add_target(c, decl, arm->target, false);
  }
  bool has_late = stage->late.text && strcmp(stage->late.text, "skip") != 0;
  if (has_late) add_target(c, decl, stage->late, false);
  if (stage->on_fail.kind == ON_FAIL_INTO) add_target(c, decl, stage->on_fail.into, true);
}

static void find_targets(struct checker *c, struct decl *decl) {
  if (decl->kind == DECL_STEP) return; /* its uses send */
  if (decl->on_fail.kind == ON_FAIL_INTO) add_target(c, decl, decl->on_fail.into, true);
  vec_each(struct stage *, stage, &decl->stages) find_in_stage(c, decl, *stage);
}

/* -- the pass -------------------------------------------------------------------------------- */

static const char *base_name(struct checker *c, const char *path) {
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  size_t length = strlen(name);
  if (length > 5 && strcmp(name + length - 5, ".flow") == 0) length -= 5;
  return names_intern(&c->compiler->names, name, length);
}

static void declare(struct checker *c, struct decl *decl, const struct decl **flow) {
  if (decl->is_library) decl->number = ++c->symbols->number;
  switch (decl->kind) {
  case DECL_FLOW: declare_flow(c, decl, flow); break;
  case DECL_RECORD:
  case DECL_ENUM: declare_type(c, decl); break;
  case DECL_FN: declare_function(c, decl); break;
  case DECL_STEP: declare_step(c, decl); break;
  case DECL_PARAM:
  case DECL_CONST: declare_value(c, decl); break;
  case DECL_SOURCE:
  case DECL_SINK:
  case DECL_STREAM: declare_stream(c, decl); break;
  default: break;
  }
}

/* A function of any type, or of functions, is checked where it is called. */
static void mark_generic(struct checker *c, struct decl *fn) {
  c->scope.is_library = fn->is_library;
  vec_each(const struct field_decl, field, &fn->fields) {
    if (!fn->is_extern && type_is_open(c, field->type_syntax)) fn->is_generic = true;
  }
  c->scope.is_library = false;
}

bool pass_resolve(struct compiler *compiler) {
  struct checker checker = {
      .compiler = compiler, .arena = &compiler->arena, .diags = &compiler->diags};
  struct checker *c = &checker;
  c->types = compiler->types = arena_new(c->arena, struct types);
  c->symbols = compiler->symbols = arena_new(c->arena, struct symbols);
  types_init(c->types, c->arena);
  map_init(&c->symbols->types, c->arena);
  map_init(&c->symbols->functions, c->arena);
  map_init(&c->symbols->values, c->arena);
  map_init(&c->symbols->steps, c->arena);
  map_init(&c->symbols->library_types, c->arena);
  map_init(&c->symbols->library_functions, c->arena);
  map_init(&c->symbols->library_steps, c->arena);
  map_init(&c->symbols->library_values, c->arena);
  map_init(&c->symbols->streams, c->arena);
  c->symbols->flow_name = base_name(c, compiler->source->path);
  map_put(&c->symbols->types, intern(c, "Rejected"), (void *)c->types->rejected);
  add_stream(c, STREAM_SINK, (struct ident){.text = intern(c, "stdout")}, NULL);
  const struct decl *flow = NULL;
  vec_each(struct decl *, decl, &compiler->program->decls) declare(c, *decl, &flow);
  vec_each(struct decl *, decl, &compiler->program->decls) {
    if ((*decl)->kind == DECL_FN) mark_generic(c, *decl);
    if ((*decl)->kind != DECL_STEP) expand_steps(c, *decl);
  }
  vec_each(struct decl *, decl, &compiler->program->decls) find_targets(c, *decl);
  return !diags_has_errors(c->diags);
}
