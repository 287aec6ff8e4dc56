/* The checker's order of work: types, constants, params, functions, connectors, pipelines, tests. */
#include "front/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/edit.h"
#include "base/limits.h"
#include "front/instance.h"
#include "io/io.h"

struct compiler *check_compiler(struct checker *c) {
  return c->compiler;
}

struct types *check_types(struct checker *c) {
  return c->types;
}

struct scope check_new_scope(enum scope_place place, uint32_t *local_count) {
  return (struct scope){.place = place, .local_count = local_count};
}

/* -- clauses --------------------------------------------------------------------------------- */

struct clause *check_clause(struct clause_list *clauses, const char *name) {
  vec_each(struct clause, clause, clauses) {
    if (strcmp(clause->name.text, name) != 0) continue;
    clause->is_used = true;
    return clause;
  }
  return NULL;
}

const char *check_clause_string(struct checker *c, const struct clause *clause) {
  const struct expr *value = clause->value;
  if (value && value->kind == EXPR_STRING && value->string.length > 0)
    return names_intern(&c->compiler->names, value->string.data, value->string.length);
  struct diag *diag = diag_error(c->diags, E0216, value ? value->span : clause->name.span,
                                 "`%s` is followed by a text", clause->name.text);
  diag_help(diag, "write  %s \"name\"", clause->name.text);
  return NULL;
}

static const char *joined_id(struct checker *c, const char *instance, const char *id) {
  const char *text = arena_printf(c->arena, "%s.%s", instance, id);
  return names_intern(&c->compiler->names, text, strlen(text));
}

const char *check_state_id(struct checker *c, const struct stage *stage, const char *id) {
  const struct instance *use = stage->instance;
  return use ? joined_id(c, use->id, id) : id;
}

const char *check_state_was(struct checker *c, const struct stage *stage, const char *id,
                            const char *was) {
  const struct instance *use = stage->instance;
  if (!use || (!was && !use->was_id)) return was;
  return joined_id(c, use->was_id ? use->was_id : use->id, was ? was : id);
}

struct ident check_stage_id(struct checker *c, struct stage *stage) {
  struct clause *clause = check_clause(&stage->clauses, "named");
  if (clause) {
    const char *name = check_clause_name(c, clause);
    return (struct ident){name, name ? clause->value->span : stage->verb.span};
  }
  if (stage->instance) return (struct ident){stage->verb.text, stage->verb.span};
  const struct decl *decl = vec_last(&c->stack);
  if (decl->name.text)
    return (struct ident){joined_id(c, decl->name.text, stage->verb.text), stage->verb.span};
  struct diag *diag = diag_error(c->diags, E0502, stage->verb.span,
                                 "what this %s keeps needs a name, under which it is saved", stage->verb.text);
  diag_help(diag, "name it:  |> %s … named NAME", stage->verb.text);
  diag_help(diag, "or name the stream:  stream NAME = %s |> …", decl->start.text);
  return (struct ident){0};
}

const char *check_clause_name(struct checker *c, const struct clause *clause) {
  if (clause->value && clause->value->kind == EXPR_NAME) return clause->value->name.text;
  struct diag *diag =
      diag_error(c->diags, E0216, clause->value ? clause->value->span : clause->name.span,
                 "`%s` is followed by a name", clause->name.text);
  diag_help(diag, "write  %s total", clause->name.text);
  return NULL;
}

void check_unused_clauses(struct checker *c, const struct clause_list *clauses, const char *what,
                          const char *const *known) {
  size_t count = 0;
  while (known[count]) count++;
  vec_each(const struct clause, clause, clauses) {
    if (clause->is_used || report_future_word(c, clause->name)) continue;
    struct diag *diag = diag_error(c->diags, E0216, clause->name.span, "%s has no clause `%s`",
                                   what, clause->name.text);
    if (closest_name(clause->name.text, known, count)) {
      suggest(diag, clause->name.text, known, count);
    } else if (our_clause(clause->name.text)) {
      diag_help(diag, "%s", our_clause(clause->name.text));
    } else if (count > 0) {
      struct text list;
      text_init(&list, c->arena);
      for (size_t i = 0; i < count; i++) text_addf(&list, "%s`%s`", i ? ", " : "", known[i]);
      diag_note(diag, "it may have %s", list.data);
    }
  }
}

/* -- circles --------------------------------------------------------------------------------- */

/* "a → b → a": the declarations from `decl` on that are being checked. */
static const char *circle_of_decls(struct checker *c, const struct decl *decl) {
  struct text path;
  text_init(&path, c->arena);
  bool is_inside = false;
  vec_each(struct decl *, item, &c->stack) {
    const struct instance *use = (*item)->is_generic ? (*item)->instance : NULL;
    if (*item == decl || (use && use->decl == decl)) is_inside = true;
    if (is_inside) text_addf(&path, "%s → ", (*item)->name.text);
  }
  text_add(&path, decl->name.text);
  return path.data;
}

/* The same for streams, in the direction in which the rows go: against the order of reading. */
static const char *circle_of_streams(struct checker *c) {
  const char *last = vec_last(&c->reads);
  struct text path;
  text_init(&path, c->arena);
  for (size_t i = c->reads.count; i-- > 0;) {
    bool is_closed = i + 1 < c->reads.count && c->reads.data[i] == last;
    if (is_closed) break;
    text_addf(&path, "%s → ", c->reads.data[i]);
  }
  text_add(&path, last);
  return path.data;
}

void report_circle(struct checker *c, const struct decl *decl, struct span use) {
  struct diag *diag;
  switch (decl->kind) {
  case DECL_FN:
    diag = diag_error(c->diags, E0219, use, "`%s` calls itself", decl->name.text);
    diag_note(diag, "%s", circle_of_decls(c, decl));
    diag_help(diag, "functions always end; repeat something with  for … in range(0, n)");
    break;
  case DECL_RECORD:
  case DECL_ENUM:
    diag = diag_error(c->diags, E0219, use, "`%s` contains itself", decl->name.text);
    diag_note(diag, "%s", circle_of_decls(c, decl));
    diag_help(diag, "refer to another value by its key:  parent_id: int?");
    break;
  case DECL_PARAM:
  case DECL_CONST:
    diag = diag_error(c->diags, E0219, use, "`%s` is defined by itself", decl->name.text);
    diag_note(diag, "%s", circle_of_decls(c, decl));
    break;
  default:
    diag = diag_error(c->diags, E0420, use, "this stream is fed by itself");
    diag_note(diag, "%s", circle_of_streams(c));
    diag_help(diag, "a flow has no circles; keep what must come back in a `state`");
  }
}

bool check_is_too_deep(struct checker *c, struct span use) {
  if (c->stack.count < LIMIT_CHAIN) return false;
  if (!c->is_too_deep)
    diag_error(c->diags, E0109, use, "more than %d declarations use one another here", LIMIT_CHAIN);
  return c->is_too_deep = true;
}

/* -- params and constants -------------------------------------------------------------------- */

static bool is_param_type(const struct type *type) {
  if (type->kind == TYPE_OPTIONAL) type = type->elem;
  if (type->kind == TYPE_BYTES || type->kind == TYPE_OPTIONAL) return false;
  return type->kind == TYPE_ERROR || type_is_scalar(type);
}

/* The options of every generated program (runtime.md), those of later versions too, so that no
 * program breaks by an update. */
static bool is_builtin_option(const char *option) {
  static const char *const options[] = {"state-dir",
                                        "local-state-dir",
                                        "snapshot-interval",
                                        "snapshot-mode",
                                        "epoch-records",
                                        "resume-epoch",
                                        "retain-epochs",
                                        "backup",
                                        "workers",
                                        "at-end",
                                        "follow",
                                        "once",
                                        "source",
                                        "sink",
                                        "source-restart",
                                        "source-skip",
                                        "sink-restart",
                                        "accept-drop",
                                        "http",
                                        "progress",
                                        "summary",
                                        "log-level",
                                        "describe",
                                        "help",
                                        "version",
                                        "max-state"};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    if (strcmp(options[i], option) == 0) return true;
  }
  return false;
}

static void check_param_option(struct checker *c, const struct decl *decl) {
  char *option = arena_strndup(c->arena, decl->name.text, strlen(decl->name.text));
  for (char *at = option; *at; at++) {
    if (*at == '_') *at = '-';
  }
  if (!is_builtin_option(option)) return;
  struct diag *diag = diag_error(c->diags, E0620, decl->name.span,
                                 "the param `%s` clashes with the option --%s of every flow",
                                 decl->name.text, option);
  diag_help(diag, "call it something else, such as `my_%s`", decl->name.text);
}

static void check_param_where(struct checker *c, struct decl *decl) {
  struct clause *clause = check_clause(&decl->clauses, "where");
  check_unused_clauses(c, &decl->clauses, "a param", (const char *const[]){"where", NULL});
  if (!clause) return;
  if (!clause->value) {
    diag_error(c->diags, E0216, clause->name.span, "`where` needs a condition");
    return;
  }
  uint32_t local_count = 0;
  struct scope outer = c->scope;
  c->scope = check_new_scope(PLACE_WHERE, &local_count);
  clause->value = check_expr(c, clause->value, c->types->bool_);
  c->scope = outer;
}

static void check_param(struct checker *c, struct decl *decl) {
  decl->type = check_type_syntax(c, decl->type_syntax);
  if (!is_param_type(decl->type)) {
    diag_error(c->diags, E0205, decl->type_syntax->span,
               "a param is given on the command line and cannot be `%s`",
               type_name(c->types, decl->type));
    decl->type = c->types->error;
  }
  if (decl->value) decl->value = check_constant(c, decl->value, decl->type, false);
  check_param_option(c, decl);
}

void check_value_decl(struct checker *c, struct decl *decl, struct span use) {
  if (decl->is_checked) return;
  if (decl->is_being_checked) {
    report_circle(c, decl, use);
    if (!decl->type) decl->type = c->types->error;
    return;
  }
  if (check_is_too_deep(c, use)) {
    if (!decl->type) decl->type = c->types->error;
    return;
  }
  decl->is_being_checked = true;
  vec_push(c->arena, &c->stack, decl);
  if (decl->kind == DECL_PARAM) {
    check_param(c, decl);
  } else {
    const struct type *type = decl->type_syntax ? check_type_syntax(c, decl->type_syntax) : NULL;
    decl->value = check_constant(c, decl->value, type, false);
    check_count_values(c, decl);
    if (!decl->type) decl->type = type && type->kind != TYPE_ERROR ? type : decl->value->type;
  }
  c->stack.count--;
  decl->is_being_checked = false;
  decl->is_checked = true;
  if (decl->kind == DECL_PARAM) check_param_where(c, decl);
}

/* -- functions ------------------------------------------------------------------------------- */

static void check_parameters(struct checker *c, struct decl *fn) {
  bool needs_default = false;
  for (size_t i = 0; i < fn->fields.count; i++) {
    struct field_decl *field = &fn->fields.data[i];
    const struct type *type = check_type_syntax(c, field->type_syntax);
    vec_push(c->arena, &fn->arg_types, type);
    if (field->init) field->init = check_constant(c, field->init, type, false);
    if (needs_default && !field->init) {
      diag_error(c->diags, E0214, field->name.span,
                 "`%s` needs a default, because the parameter before it has one", field->name.text);
    }
    needs_default = needs_default || field->init;
    for (size_t j = 0; j < i; j++) {
      if (fn->fields.data[j].name.text != field->name.text) continue;
      struct diag *diag = diag_error(c->diags, E0202, field->name.span,
                                     "the parameter `%s` is declared twice", field->name.text);
      diag_label(diag, fn->fields.data[j].name.span, "first here");
    }
    report_clash(c, field->name, "parameter");
  }
}

/* The first type inside that C does not get to see, or null. */
static const struct type *hidden_from_c(const struct type *type) {
  switch (type->kind) {
  case TYPE_ERROR:
  case TYPE_INT:
  case TYPE_FLOAT:
  case TYPE_DECIMAL:
  case TYPE_BOOL:
  case TYPE_STRING:
  case TYPE_BYTES:
  case TYPE_TIMESTAMP:
  case TYPE_DURATION: return NULL;
  case TYPE_OPTIONAL:
  case TYPE_LIST: return hidden_from_c(type->elem);
  case TYPE_RECORD:
    if (type_is_structural(type)) return type;
    vec_each(const struct type_field, field, &type->fields) {
      const struct type *hidden = hidden_from_c(field->type);
      if (hidden) return hidden;
    }
    return NULL;
  case TYPE_ENUM:
    vec_each(const struct type_variant, variant, &type->variants) {
      if (!variant->payload) continue;
      vec_each(const struct type_field, field, &variant->payload->fields) {
        const struct type *hidden = hidden_from_c(field->type);
        if (hidden) return hidden;
      }
    }
    return NULL;
  default: return type;
  }
}

static void check_foreign_type(struct checker *c, const struct type *type, struct span span) {
  const struct type *hidden = hidden_from_c(type);
  if (!hidden) return;
  struct diag *diag = diag_error(c->diags, E0242, span, "a function in C does not get to see `%s`",
                                 type_name(c->types, hidden));
  if (type_is_structural(hidden)) diag_help(diag, "declare the type:  record NAME { … }");
  else diag_help(diag, "it takes simple types, enums, records, and optional values and lists of them");
}

/* `extern fn NAME(…) -> T from "x.c"`. Where the result is no T? the function can fail. */
static void check_extern(struct checker *c, struct decl *fn) {
  for (size_t i = 0; i < fn->fields.count; i++)
    check_foreign_type(c, fn->arg_types.data[i], fn->fields.data[i].type_syntax->span);
  if (fn->type_syntax) {
    fn->type = check_type_syntax(c, fn->type_syntax);
    check_foreign_type(c, fn->type, fn->type_syntax->span);
  } else {
    struct diag *diag = diag_error(c->diags, E0242, fn->name.span, "`%s` does not say what it gives",
                                   fn->name.text);
    diag_help(diag, "write  extern fn %s(…) -> int from \"file.c\"", fn->name.text);
    fn->type = c->types->error;
  }
  fn->is_serial = check_clause(&fn->clauses, "serial") != NULL;
  struct clause *from = check_clause(&fn->clauses, "from");
  check_unused_clauses(c, &fn->clauses, "an `extern fn`", (const char *const[]){"from", "serial", NULL});
  const char *path = from ? check_clause_string(c, from) : NULL;
  if (path) {
    fn->c_path = sources_path_beside(&c->compiler->sources, fn->span, path);
    FILE *file = fopen(fn->c_path, "r");
    if (!file)
      diag_error(c->diags, E0242, from->value->span, "cannot read %s: %s", fn->c_path, strerror(errno));
    else
      fclose(file);
  } else if (!from) {
    struct diag *diag = diag_error(c->diags, E0242, fn->name.span,
                                   "nothing says which C file has `%s`", fn->name.text);
    diag_help(diag, "write  extern fn %s(…) -> … from \"file.c\"", fn->name.text);
  }
  fn->can_fail = fn->type->kind != TYPE_OPTIONAL;
}

static void check_function_block(struct checker *c, struct decl *fn) {
  if (!fn->type) {
    struct diag *diag =
        diag_error(c->diags, E0217, fn->name.span, "a function with a block says what it gives");
    diag_help(diag, "write  fn %s(…) -> int { … }", fn->name.text);
    fn->type = c->types->error;
  }
  check_block(c, fn->body);
  if (block_always_leaves(fn->body)) return;
  struct span end = {fn->body->span.offset + fn->body->span.length - 1, 1};
  struct diag *diag = diag_error(c->diags, E0217, end,
                                 "`%s` can come to its end without a `return`", fn->name.text);
  diag_help(diag, "end with  return VALUE");
}

void check_function(struct checker *c, struct decl *fn, struct span use) {
  if (fn->is_checked) return;
  if (fn->is_being_checked) {
    report_circle(c, fn, use);
    if (!fn->type) fn->type = c->types->error;
    return;
  }
  bool is_too_deep = check_is_too_deep(c, use);
  fn->is_being_checked = true;
  vec_push(c->arena, &c->stack, fn);
  struct scope outer = c->scope;
  c->scope = check_new_scope(PLACE_FUNCTION, &fn->local_count);
  c->scope.instance = fn->instance;
  c->scope.is_library = fn->is_library;
  if (!fn->is_generic) check_parameters(c, fn);
  c->scope.function = fn;
  fn->type = fn->type_syntax && !fn->is_extern ? check_type_syntax(c, fn->type_syntax) : NULL;
  if (is_too_deep) {
    fn->type = c->types->error;
  } else if (fn->is_extern) {
    check_extern(c, fn);
  } else if (fn->value) {
    fn->value = check_expr(c, fn->value, fn->type);
    if (!fn->type) fn->type = fn->value->type;
  } else {
    check_function_block(c, fn);
  }
  if (!fn->is_extern) fn->can_fail = c->scope.failures.count > 0;
  fn->can_fault = c->scope.fault_count > 0;
  fn->sees_epochs = c->scope.sees_epochs;
  c->scope = outer;
  c->stack.count--;
  fn->is_being_checked = false;
  fn->is_checked = true;
}

/* -- identity of what is saved --------------------------------------------------------------- */

struct ids {
  struct map spans; /* to struct span */
};

static void claim_id(struct checker *c, struct ids *ids, const char *id, struct span span,
                     const struct instance *use) {
  if (!id) return;
  struct span *first = map_get(&ids->spans, id);
  if (!first) {
    struct span *copy = arena_new(c->arena, struct span);
    *copy = span;
    map_put(&ids->spans, id, copy);
    return;
  }
  struct diag *diag = diag_error(c->diags, E0501, span,
                                 "`%s` is already the name of something else that is saved", id);
  diag_label(diag, *first, "here");
  if (use)
    diag_help(diag, "tell the uses of the step apart:  |> %s … named NAME", use->decl->name.text);
  else
    diag_help(diag, "rename one of them, or add  named NAME  to a state");
}

/* Where the stage's id is written: behind `named`, else its state's name. */
static struct span id_span(const struct stage *stage) {
  vec_each(const struct clause, clause, &stage->clauses)
    if (strcmp(clause->name.text, "named") == 0 && clause->value) return clause->value->span;
  return stage->name.span;
}

static void claim_stage_ids(struct checker *c, struct ids *ids, const struct decl *decl) {
  vec_each(struct stage *, slot, &decl->stages) {
    const struct stage *stage = *slot;
    const struct instance *use = stage->instance;
    while (use && use->outer) use = use->outer;
    claim_id(c, ids, stage->id, use ? use->span : id_span(stage), use);
  }
}

static void check_ids(struct checker *c) {
  struct ids ids;
  map_init(&ids.spans, c->arena);
  vec_each(struct decl *, item, &c->compiler->program->decls) {
    const struct decl *decl = *item;
    if (decl->kind == DECL_SOURCE || decl->kind == DECL_SINK)
      claim_id(c, &ids, decl->name.text, decl->name.span, NULL);
    claim_stage_ids(c, &ids, decl);
  }
}

/* -- sources and sinks ----------------------------------------------------------------------- */

static void check_was(struct checker *c, struct decl *decl) {
  struct clause *clause = check_clause(&decl->clauses, "was");
  if (clause) decl->was_id = check_clause_string(c, clause);
}

static void check_unordered(struct checker *c, struct decl *decl) {
  struct clause *clause = check_clause(&decl->clauses, "unordered");
  decl->is_unordered = clause != NULL;
  if (clause && clause->value)
    diag_error(c->diags, E0216, clause->value->span, "nothing follows `unordered`");
}

static void check_source(struct checker *c, struct decl *decl) {
  decl->type = c->types->error;
  if (decl->type_syntax) {
    decl->type = check_type_syntax(c, decl->type_syntax);
  } else {
    struct diag *diag = diag_error(c->diags, E0209, decl->name.span,
                                   "nothing says what the records of `%s` are", decl->name.text);
    diag_help(diag, "name their type:  source %s: Event = …", decl->name.text);
  }
  uint32_t local_count = 0;
  c->scope = check_new_scope(PLACE_CONSTANT, &local_count);
  decl->io = io_check(c, decl->value, true);
  if (decl->io && decl->type->kind != TYPE_ERROR && decl->io->format->check_item)
    decl->io->format->check_item(c, decl->type_syntax->span, decl->io, decl->type, true);
  check_was(c, decl);
  check_unused_clauses(c, &decl->clauses, "a source", (const char *const[]){"was", NULL});
}

static void check_sink(struct checker *c, struct decl *decl) {
  uint32_t local_count = 0;
  c->scope = check_new_scope(PLACE_CONSTANT, &local_count);
  decl->io = io_check(c, decl->value, false);
  if (decl->type_syntax) {
    decl->type = check_type_syntax(c, decl->type_syntax);
    if (decl->io && decl->type->kind != TYPE_ERROR && decl->io->format->check_item)
      decl->io->format->check_item(c, decl->type_syntax->span, decl->io, decl->type, false);
  }
  check_was(c, decl);
  check_unordered(c, decl);
  static const char *const known[] = {"was", "unordered", NULL};
  check_unused_clauses(c, &decl->clauses, "a sink", known);
  struct stream *stream = find_stream(c, decl->name.text);
  if (stream && stream->decl == decl) stream->item = decl->type;
}

/* True if both read or write one thing, as far as it is known now. */
static bool is_same_file(const struct decl *a, const struct decl *b) {
  if (!a->io || !b->io) return false;
  if (a->io->connector->format != NULL) return false; /* each makes its own */
  if (!a->io->connector->has_location) return a->io->connector == b->io->connector;
  if (!a->io->location || !b->io->location || a->io->connector->is_live ||
      b->io->connector->is_live)
    return false;
  const struct expr *path = constant_value(a->io->location);
  const struct expr *other = constant_value(b->io->location);
  if (!path || !other || path->kind != EXPR_STRING || other->kind != EXPR_STRING) return false;
  if (a->kind == DECL_SOURCE && b->kind == DECL_SOURCE) return false;
  return path->string.length == other->string.length &&
         memcmp(path->string.data, other->string.data, path->string.length) == 0;
}

static void report_same_file(struct checker *c, const struct decl *decl, const struct decl *other) {
  bool is_file = decl->io->connector->has_location;
  const struct expr *place = is_file ? decl->io->location : decl->value;
  struct diag *diag =
      is_file
          ? diag_error(c->diags, E0611, place->span, "the file of `%s` is also the file of `%s`",
                       decl->name.text, other->name.text)
          : diag_error(c->diags, E0611, place->span, "`%s` and `%s` share one %s", decl->name.text,
                       other->name.text, decl->io->connector->name);
  diag_label(diag, is_file ? other->io->location->span : other->value->span, "here");
  if (decl->kind == DECL_SINK && other->kind == DECL_SINK) {
    diag_help(diag, "several pipelines may end in one sink:  |> into %s", other->name.text);
  } else if (decl->kind == DECL_SOURCE) {
    diag_help(diag, "several pipelines may start at one source:  %s |> …", other->name.text);
  }
}

/* Reports sinks and sources that share a file, standard input or standard output. */
static void check_files(struct checker *c) {
  const struct decl_list *decls = &c->compiler->program->decls;
  const struct stream *output = NULL;
  vec_each(struct stream *, stream, &c->symbols->stream_order) {
    if ((*stream)->kind == STREAM_SINK && !(*stream)->decl && (*stream)->write_count > 0)
      output = *stream;
  }
  for (size_t i = 0; i < decls->count; i++) {
    const struct decl *decl = decls->data[i];
    for (size_t j = 0; j < i; j++) {
      if (!is_same_file(decl, decls->data[j])) continue;
      report_same_file(c, decl, decls->data[j]);
      break;
    }
    if (output && decl->kind == DECL_SINK && decl->io && !decl->io->connector->has_location) {
      struct diag *diag =
          diag_error(c->diags, E0611, decl->value->span,
                     "`%s` and `stdout` share one standard output", decl->name.text);
      diag_help(diag, "write everything into one of them");
    }
  }
}

/* -- the pass -------------------------------------------------------------------------------- */

static void check_decls(struct checker *c, enum decl_kind kind) {
  vec_each(struct decl *, item, &c->compiler->program->decls) {
    struct decl *decl = *item;
    if (decl->kind != kind) continue;
    switch (kind) {
    case DECL_RECORD:
    case DECL_ENUM: check_nominal(c, decl->type); break;
    case DECL_PARAM:
    case DECL_CONST: check_value_decl(c, decl, decl->name.span); break;
    case DECL_FN:
      if (!decl->is_generic && !decl->is_library) check_function(c, decl, decl->name.span);
      break;
    case DECL_SINK: check_sink(c, decl); break;
    case DECL_TEST: check_test(c, decl); break;
    default: break;
    }
  }
}

static void check_pipelines(struct checker *c) {
  vec_each(struct decl *, item, &c->compiler->program->decls) {
    struct decl *decl = *item;
    if (decl->kind == DECL_SOURCE) check_source(c, decl);
  }
  vec_each(struct decl *, item, &c->compiler->program->decls) {
    struct decl *decl = *item;
    if (decl->kind == DECL_SOURCE || decl->kind == DECL_STREAM || decl->kind == DECL_PIPELINE)
      check_pipeline(c, decl, decl->span);
  }
}

bool pass_check(struct compiler *compiler) {
  struct checker checker = {.compiler = compiler,
                            .arena = &compiler->arena,
                            .diags = &compiler->diags,
                            .types = compiler->types,
                            .symbols = compiler->symbols};
  struct checker *c = &checker;
  uint32_t local_count = 0;
  c->scope = check_new_scope(PLACE_CONSTANT, &local_count);
  fill_nominal_types(c);
  check_decls(c, DECL_CONST);
  check_decls(c, DECL_PARAM);
  check_decls(c, DECL_RECORD);
  check_decls(c, DECL_ENUM);
  check_decls(c, DECL_FN);
  check_decls(c, DECL_SINK);
  check_pipelines(c);
  check_decls(c, DECL_TEST);
  check_ids(c);
  check_files(c);
  if (!diags_has_errors(c->diags)) check_stream_use(c);
  return !diags_has_errors(c->diags);
}

/* -- what later passes ask ------------------------------------------------------------------- */

const struct stream_list *check_streams(const struct compiler *compiler) {
  return &compiler->symbols->stream_order;
}

struct stream *check_find_stream(const struct compiler *compiler, const char *name) {
  return map_get(&compiler->symbols->streams, name);
}

const char *check_flow_name(const struct compiler *compiler) {
  return compiler->symbols->flow_name;
}

const char *check_flow_was(const struct compiler *compiler) {
  return compiler->symbols->flow_was;
}
