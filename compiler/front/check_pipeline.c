/* Pipelines: in which order they are typed, what they read, and where their rows go. */
#include "front/instance.h"
#include "front/library.h"

#include <string.h>

#include "io/io.h"
#include "ops/op.h"

struct stream *find_stream(struct checker *c, const char *name) {
  return map_get(&c->symbols->streams, name);
}

/* -- reading --------------------------------------------------------------------------------- */

static void report_unknown_stream(struct checker *c, struct ident name, bool is_sink) {
  struct diag *diag = diag_error(c->diags, E0223, name.span, "there is no %s `%s`",
                                 is_sink ? "sink" : "stream", name.text);
  if (note_left_behind(c, diag, name.text)) return;
  struct name_list names = {0};
  vec_each(struct stream *, stream, &c->symbols->stream_order) {
    if (((*stream)->kind == STREAM_SINK) == is_sink)
      vec_push(c->arena, &names, (*stream)->name.text);
  }
  size_t before = diag->remarks.count;
  suggest(diag, name.text, names.data, names.count);
  if (diag->remarks.count > before) return;
  if (is_sink) {
    diag_help(diag, "declare it:  sink %s = file(\"%s.jsonl\", jsonl)", name.text, name.text);
  } else {
    diag_help(diag,
              "a stream comes from  source NAME: TYPE = …,  stream NAME = …,  or an `into NAME`");
  }
}

struct stream *check_read(struct checker *c, struct ident name) {
  struct stream *stream = find_stream(c, name.text);
  if (!stream) {
    report_unknown_stream(c, name, false);
    return NULL;
  }
  if (stream->kind == STREAM_SINK) {
    struct diag *diag =
        diag_error(c->diags, E0223, name.span, "`%s` is a sink and cannot be read", name.text);
    if (stream->decl) diag_label(diag, stream->decl->name.span, "declared here");
    diag_help(diag, "name what goes into it:  stream x = …   x |> into %s", name.text);
    return NULL;
  }
  stream->read_count++;
  vec_push(c->arena, &c->reads, name.text);
  if (stream->decl) check_pipeline(c, stream->decl, name.span);
  vec_each(const struct stream_writer, writer, &stream->writers)
      check_pipeline(c, writer->decl, name.span);
  c->reads.count--;
  if (!stream->item) stream->item = c->types->error;
  return stream;
}

/* -- writing --------------------------------------------------------------------------------- */

static void report_unequal(struct checker *c, struct ident name, const struct stream *stream,
                           const struct type *item) {
  struct diag *diag = diag_error(c->diags, E0225, name.span,
                                 "`%s` takes items of one type, this is another", name.text);
  diag_label(diag, name.span, "`%s`", type_name(c->types, item));
  if (stream->kind == STREAM_SINK && stream->decl && stream->decl->type_syntax) {
    diag_label(diag, stream->decl->type_syntax->span, "`%s`", type_name(c->types, stream->item));
  } else if (stream->name.span.length > 0 && stream->kind == STREAM_DERIVED) {
    diag_label(diag, stream->name.span, "`%s`", type_name(c->types, stream->item));
  } else {
    diag_note(diag, "it takes `%s` elsewhere", type_name(c->types, stream->item));
  }
  if (stream->item->kind == TYPE_RECORD && stream->item->name && type_is_structural(item))
    diag_help(diag, "make one before:  |> map %s(field: value, …)", stream->item->name);
  else
    diag_help(diag, "bring it to that type before:  |> map { … }");
}

/* A sink without a declared type takes items of several types, except in csv, where the header
 * names the columns of all rows. */
static struct stream *write_sink(struct checker *c, struct ident name, struct stream *sink,
                                 const struct type *item) {
  sink->write_count++;
  if (!item || item->kind == TYPE_ERROR) return sink;
  struct io_spec *io = sink->decl ? sink->decl->io : NULL;
  bool is_typed = sink->decl && sink->decl->type_syntax;
  bool has_parts = io && io->has_parts;
  if (!is_typed && io && io->format->check_item &&
      !io->format->check_item(c, name.span, io, item, false))
    return NULL;
  if (has_parts && !io_check_parts(c, io, sink->item ? sink->item : item)) return NULL;
  bool has_one_type = is_typed || has_parts || (io && strcmp(io->format->name, "csv") == 0);
  if (!sink->item) sink->item = item;
  if (sink->item == item || sink->item->kind == TYPE_ERROR) return sink;
  if (has_one_type) {
    report_unequal(c, name, sink, item);
    return NULL;
  }
  sink->has_many_types = true;
  return sink;
}

/* Whether what the stage writes to a name has an event time. Rejects tell theirs as a field. */
static bool writes_time(const struct checker *c, const struct type *item) {
  return c->scope.stage && c->scope.stage->in_time && item != c->types->rejected;
}

/* What the items of the stage are keyed by, if they go to an arm of a `split` as they are. */
static const struct expr *split_by(const struct stage *stage) {
  return stage && strcmp(stage->verb.text, "split") == 0 ? stage->key_by : NULL;
}

static struct stream *write_derived(struct checker *c, struct ident name, struct stream *stream,
                                    const struct type *item, const struct type *key) {
  stream->write_count++;
  if (!item) return stream;
  if (!stream->item || stream->item->kind == TYPE_ERROR) {
    stream->item = item;
    stream->key = key;
    stream->key_by = split_by(c->scope.stage);
    stream->has_time = writes_time(c, item);
    stream->writer = c->scope.stage;
    return stream;
  }
  stream->has_time = stream->has_time && writes_time(c, item);
  /* Keys of different stages need not mean the same. */
  if (stream->writer != c->scope.stage) stream->key = NULL, stream->key_by = NULL;
  if (item->kind == TYPE_ERROR || stream->item == item) return stream;
  report_unequal(c, name, stream, item);
  return NULL;
}

struct stream *check_target(struct checker *c, struct ident name, const struct type *item,
                            const struct type *key, bool may_create) {
  struct stream *stream = find_stream(c, name.text);
  if (!stream || (stream->kind == STREAM_DERIVED && !may_create)) {
    if (!stream) {
      report_unknown_stream(c, name, true);
      return NULL;
    }
    struct diag *diag =
        diag_error(c->diags, E0223, name.span, "`%s` is a stream, not a sink", name.text);
    diag_help(diag, "write it to a sink:  %s |> into stdout", name.text);
    return NULL;
  }
  if (stream->kind == STREAM_SINK) return write_sink(c, name, stream, item);
  if (stream->kind == STREAM_DERIVED) return write_derived(c, name, stream, item, key);
  struct diag *diag =
      diag_error(c->diags, E0223, name.span, "`%s` is a %s and takes no other items", name.text,
                 stream->kind == STREAM_SOURCE ? "source" : "stream");
  diag_label(diag, stream->decl->name.span, "declared here");
  diag_help(diag, "send them to a name of their own, and  merge  the two where both are wanted");
  return NULL;
}

/* -- stages ---------------------------------------------------------------------------------- */

void check_report_unkeyed(struct checker *c, const struct stage *stage) {
  struct diag *diag = diag_error(c->diags, E0401, stage->verb.span,
                                 "a `state` needs a key, and the stream has none");
  diag_help(diag, "one value for all records:  |> key by \"ALL\"");
  const struct type *item = stage->in_item;
  if (item->kind == TYPE_RECORD && item->fields.count > 0) {
    vec_each(const struct type_field, field, &item->fields) {
      if (!type_is_key(field->type)) continue;
      diag_help(diag, "one value per key:  |> key by %s", field->name);
      break;
    }
  } else if (type_is_key(item)) {
    diag_help(diag, "one value per item:  |> key by it");
  }
}

static void report_unknown_stage(struct checker *c, const struct stage *stage) {
  struct ident verb = stage->verb;
  if (report_future_word(c, verb)) return;
  struct diag *diag = diag_error(c->diags, E0221, verb.span, "there is no stage `%s`", verb.text);
  const char *ours = our_stage(verb.text);
  if (ours) {
    diag_help(diag, "here it is called `%s`", ours);
    return;
  }
  if (our_aggregate(verb.text)) {
    diag_help(diag, "%s", our_aggregate(verb.text));
    return;
  }
  size_t count;
  const struct op *const *ops = op_all(&count);
  struct name_list names = {0};
  struct text list;
  text_init(&list, c->arena);
  for (size_t i = 0; i < count; i++) {
    vec_push(c->arena, &names, ops[i]->name);
    text_addf(&list, "%s%s", i ? ", " : "",
              strcmp(ops[i]->name, "key") == 0    ? "key by"
              : strcmp(ops[i]->name, "time") == 0 ? "time by"
                                                  : ops[i]->name);
  }
  size_t before = diag->remarks.count;
  bool is_function = find_function(c, verb.text) || builtin_find(verb.text);
  map_each(entry, &c->symbols->steps) vec_push(c->arena, &names, entry->key);
  struct library_entries library = library_entries(c->arena);
  vec_each(const struct library_entry, entry, &library)
      if (entry->kind == LIBRARY_STEP) vec_push(c->arena, &names, entry->name);
  if (is_function) {
    diag_help(diag, "to call the function for each item:  |> map %s(it)", verb.text);
    return;
  }
  suggest(diag, verb.text, names.data, names.count);
  if (diag->remarks.count == before) diag_note(diag, "stages: %s", list.data);
}

void check_handler(struct checker *c, const struct stage *stage, size_t errors) {
  bool is_asked = stage->on_fail.kind != ON_FAIL_NONE && !stage->instance;
  if (!is_asked || stage->can_fail || stage->can_fault || c->diags->error_count > errors) return;
  struct diag *diag = diag_warning(c->diags, W0907, stage->on_fail.span,
                                   "this `else` is never used: nothing in `%.*s` can fail",
                                   (int)stage->verb.span.length,
                                   sources_text(&c->compiler->sources, stage->verb.span));
  diag_help(diag, "leave it out");
}

/* What flows between two stages. */
struct flow {
  const struct type *item; /* null: nothing, the pipeline has ended */
  const struct type *key;
  const struct expr *key_by; /* as in struct stage */
  bool has_time;
};

/* Makes the stage known what comes to it. */
static void enter_stage(struct checker *c, struct stage *stage, struct flow in) {
  stage->in_item = in.item;
  stage->in_time = stage->out_time = in.has_time;
  stage->in_key = stage->out_key = in.key;
  stage->key_by = in.key_by;
  stage->out_item = c->types->error;
  stage->op = op_find(stage->verb.text);
  c->scope = check_new_scope(PLACE_STAGE, &stage->local_count);
  c->scope.item = in.item;
  c->scope.key = in.key;
  c->scope.stage = stage;
  c->scope.instance = stage->instance;
  c->scope.is_library = stage->instance && stage->instance->decl->is_library;
}

static void check_stage(struct checker *c, struct stage *stage) {
  const struct type *item = stage->in_item;
  size_t errors = c->diags->error_count;
  if (!stage->op) {
    report_unknown_stage(c, stage);
    return;
  }
  if (stage->op->keeps_item) stage->out_item = item;
  stage->op->check(c, stage);
  if (c->scope.failures.count > 0) stage->can_fail = true;
  if (c->scope.fault_count > 0) stage->can_fault = true;
  if (c->scope.sees_epochs) stage->sees_epochs = true;
  if (stage->on_fail.kind == ON_FAIL_NONE) report_failures(c);
  if (stage->on_fail.kind == ON_FAIL_INTO)
    check_target(c, stage->on_fail.into, c->types->rejected, NULL, true);
  static const char *const no_clauses[] = {NULL};
  check_unused_clauses(c, &stage->clauses, arena_printf(c->arena, "`%s`", stage->verb.text),
                       no_clauses);
  if (item->kind != TYPE_ERROR) check_handler(c, stage, errors);
}

/* -- pipelines ------------------------------------------------------------------------------- */

/* The word and the place of a stage in the pipeline: of a stage of a step, those of its use. */
static struct ident written_as(const struct stage *stage) {
  const struct instance *use = stage->instance;
  while (use && use->outer) use = use->outer;
  return use ? use->place->verb : stage->verb;
}

static void report_behind_end(struct checker *c, const struct stage *stage,
                              const struct stage *last) {
  struct diag *diag = diag_error(c->diags, E0222, written_as(stage).span,
                                 "nothing can follow here: the pipeline has ended");
  diag_label(diag, written_as(last).span, "here");
  if (strcmp(last->verb.text, "into") == 0) {
    diag_help(diag, "to use the rows twice, name them:  stream x = …   x |> into …   x |> …");
  } else if (strcmp(last->verb.text, "state") == 0) {
    diag_help(diag, "the state emits nothing; send rows on with  emit …");
  } else {
    diag_help(diag, "each arm names a stream, which a pipeline of its own may read");
  }
}

static void check_end(struct checker *c, const struct decl *decl, const struct type *item) {
  const struct stage *last = decl->stages.count ? vec_last(&decl->stages) : NULL;
  if (decl->kind == DECL_PIPELINE && item) {
    if (item->kind == TYPE_ERROR) return;
    struct span span = last ? written_as(last).span : decl->start.span;
    struct diag *diag =
        diag_error(c->diags, E0222, span, "the rows behind the last stage go nowhere");
    diag_help(diag, "write them:  |> into stdout");
    diag_help(diag, "or name them:  stream NAME = %s …", decl->start.text);
  } else if (decl->kind != DECL_PIPELINE && !item) {
    struct diag *diag = diag_error(c->diags, E0222, written_as(last).span,
                                   "`%s` would have no items: nothing comes out of `%s`",
                                   decl->name.text, written_as(last).text);
    if (strcmp(last->verb.text, "into") == 0)
      diag_help(diag, "leave  `|> into …`  out here and write:  %s |> into …", decl->name.text);
  }
}

/* A stage that nobody has written: it gives items the key `key`. */
static struct stage *made_key(struct checker *c, const struct stage *beside, struct expr *key) {
  struct stage *stage = arena_new(c->arena, struct stage);
  stage->verb = (struct ident){names_intern(&c->compiler->names, "key", 3), beside->verb.span};
  stage->span = beside->instance->span;
  stage->instance = beside->instance;
  stage->made_for = beside;
  vec_push(c->arena, &stage->args, key);
  return stage;
}

/* In a step, a `state` on a stream without a key keeps one value for all items, and the stream has no key
 * behind it: so a step works per key where there is one, and on the whole stream where there is none. */
static void key_for_state(struct checker *c, struct decl *decl, size_t index) {
  struct stage *stage = decl->stages.data[index];
  stage->hides_key = true;
  struct expr *all = arena_new(c->arena, struct expr), *none = arena_new(c->arena, struct expr);
  all->kind = EXPR_STRING;
  all->string.data = "ALL";
  all->string.length = 3;
  none->kind = EXPR_RECORD;
  all->span = none->span = stage->verb.span;
  struct stage_list stages = {0};
  for (size_t i = 0; i < decl->stages.count; i++) {
    if (i == index) vec_push(c->arena, &stages, made_key(c, stage, all));
    vec_push(c->arena, &stages, decl->stages.data[i]);
    bool is_last = i + 1 == decl->stages.count && decl->kind == DECL_PIPELINE;
    if (i == index && !is_last) vec_push(c->arena, &stages, made_key(c, stage, none));
  }
  decl->stages = stages;
}

/* Types the arguments of the steps that begin with the stage, the outermost first. */
static void enter_steps(struct checker *c, struct instance *use, const struct type *item) {
  if (!use || use->is_entered) return;
  enter_steps(c, use->outer, item);
  enter_instance(c, use, item);
}

/* Puts what the stage stands for in its place; false after a diagnostic. */
static bool expand_stage(struct checker *c, struct decl *decl, size_t index) {
  struct stage *const *rest = decl->stages.data + index;
  struct stage_list made = {0}, all = {0};
  size_t count = decl->stages.count - index;
  size_t replaced = (*rest)->op->expand(c, rest, count, &made);
  if (replaced == 0) return false;
  for (size_t i = 0; i < index; i++) vec_push(c->arena, &all, decl->stages.data[i]);
  vec_each(struct stage *, stage, &made) vec_push(c->arena, &all, *stage);
  for (size_t i = replaced; i < count; i++) vec_push(c->arena, &all, rest[i]);
  decl->stages = all;
  return true;
}

/* Types the stage at the index, or the first one that it stands for; what leaves it. */
static struct flow check_next(struct checker *c, struct decl *decl, size_t index, struct flow in) {
  struct stage *stage = decl->stages.data[index];
  enter_steps(c, stage->instance, in.item);
  if (stage->instance && !in.key && strcmp(stage->verb.text, "state") == 0) {
    key_for_state(c, decl, index);
    stage = decl->stages.data[index];
  }
  const struct diag_context *context =
      stage->instance ? diags_swap_context(c->diags, &stage->instance->context) : c->diags->context;
  enter_stage(c, stage, in);
  bool is_good = true;
  while (is_good && stage->op && stage->op->expand) {
    is_good = expand_stage(c, decl, index);
    stage = decl->stages.data[index];
    enter_stage(c, stage, in);
  }
  if (is_good) check_stage(c, stage);
  diags_swap_context(c->diags, context);
  bool is_key = strcmp(stage->verb.text, "key") == 0;
  bool keeps_key = stage->out_key && stage->op && stage->op->keeps_item;
  return (struct flow){
      .item = stage->out_item,
      .key = stage->out_key,
      .key_by = stage->out_key_by ? stage->out_key_by
                : !keeps_key      ? NULL
                : is_key          ? stage->args.data[0]
                                  : stage->key_by,
      .has_time = stage->out_time,
  };
}

const struct type *check_side(struct checker *c, struct stage *merge, const struct stream *stream) {
  struct scope outer = c->scope;
  const struct type *item = stream->item;
  vec_each(struct stage *, slot, &merge->side) {
    struct stage *stage = *slot;
    enter_stage(c, stage, (struct flow){.item = item, .key = stream->key, .has_time = stream->has_time});
    check_stage(c, stage);
    item = stage->out_item;
  }
  c->scope = outer;
  return item;
}

static void check_stages(struct checker *c, struct decl *decl, struct flow flow) {
  const struct stage *last = NULL;
  for (size_t i = 0; i < decl->stages.count; i++) {
    if (!flow.item && decl->stages.data[i]->made_for) continue;
    if (!flow.item) {
      report_behind_end(c, decl->stages.data[i], last);
      flow.item = c->types->error;
      break;
    }
    if (flow.item->kind == TYPE_ERROR) break;
    flow = check_next(c, decl, i, flow);
    last = decl->stages.data[i];
  }
  const struct type *item = flow.item;
  check_end(c, decl, item);
  if (!item) item = c->types->error;
  struct stream *stream = decl->name.text ? find_stream(c, decl->name.text) : NULL;
  bool is_own = stream && stream->decl == decl;
  if (decl->kind == DECL_STREAM && decl->type_syntax) {
    const struct type *wanted = check_type_syntax(c, decl->type_syntax);
    bool is_known = item->kind != TYPE_ERROR && wanted->kind != TYPE_ERROR;
    if (is_known && wanted != item) {
      struct diag *diag = diag_error(c->diags, E0225, decl->type_syntax->span,
                                     "`%s` is declared as `%s` and has items of another type",
                                     decl->name.text, type_name(c->types, wanted));
      diag_note(diag, "its items are `%s`", type_name(c->types, item));
    }
    item = wanted;
  }
  if (decl->kind == DECL_STREAM) decl->type = item;
  decl->key_type = flow.key;
  if (!is_own) return;
  stream->item = item;
  stream->key = flow.key;
  stream->key_by = flow.key_by;
  stream->has_time = flow.has_time;
}

/* What the pipeline starts with. */
static struct flow start_flow(struct checker *c, struct decl *decl) {
  if (decl->kind == DECL_SOURCE) return (struct flow){.item = decl->type};
  check_clause(&decl->clauses, "as"); /* a join asks for it */
  check_unused_clauses(c, &decl->clauses, "a pipeline", (const char *const[]){"as", NULL});
  struct stream *stream = check_read(c, decl->start);
  if (!stream) return (struct flow){.item = c->types->error};
  return (struct flow){stream->item, stream->key, stream->key_by, stream->has_time};
}

void check_pipeline(struct checker *c, struct decl *decl, struct span use) {
  if (decl->is_checked) return;
  if (decl->is_being_checked) {
    report_circle(c, decl, use);
    return;
  }
  if (check_is_too_deep(c, use)) return;
  decl->is_being_checked = true;
  vec_push(c->arena, &c->stack, decl);
  struct scope outer = c->scope;
  struct emit_stmt_list emits = c->emits;
  c->emits = (struct emit_stmt_list){0};
  c->scope = (struct scope){0};
  struct flow flow = start_flow(c, decl);
  c->scope.stage = NULL;
  if (decl->on_fail.kind == ON_FAIL_INTO)
    check_target(c, decl->on_fail.into, c->types->rejected, NULL, true);
  check_stages(c, decl, flow);
  c->scope = outer;
  c->emits = emits;
  c->stack.count--;
  decl->is_being_checked = false;
  decl->is_checked = true;
}

/* -- what nothing reads ---------------------------------------------------------------------- */

static void check_derived_use(struct checker *c, const struct stream *stream) {
  bool is_rejects = true;
  vec_each(const struct stream_writer, writer, &stream->writers) is_rejects =
      is_rejects && writer->is_rejects;
  if (!is_rejects) {
    diag_warning(c->diags, W0903, stream->name.span, "nothing reads the stream `%s`",
                 stream->name.text);
    return;
  }
  struct diag *diag =
      diag_error(c->diags, E0421, stream->name.span,
                 "nothing reads the rejects in `%s`, so they would be lost", stream->name.text);
  diag_help(diag, "write them somewhere:  %s |> into stdout", stream->name.text);
  diag_help(diag, "or drop them openly:  else skip");
}

void check_stream_use(struct checker *c) {
  vec_each(struct stream *, item, &c->symbols->stream_order) {
    const struct stream *stream = *item;
    if (stream->kind == STREAM_SINK) {
      if (stream->decl && stream->write_count == 0)
        diag_warning(c->diags, W0904, stream->name.span, "nothing is written into `%s`",
                     stream->name.text);
      continue;
    }
    if (stream->read_count > 0) continue;
    if (stream->kind == STREAM_DERIVED) {
      check_derived_use(c, stream);
    } else {
      diag_warning(c->diags, W0903, stream->name.span, "nothing reads the %s `%s`",
                   stream->kind == STREAM_SOURCE ? "source" : "stream", stream->name.text);
    }
  }
}
