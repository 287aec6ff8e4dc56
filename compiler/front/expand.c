/* Steps: each use in a pipeline is replaced by a copy of the step's stages, before anything is typed. */
#include "front/instance.h"

#include <string.h>

#include "base/limits.h"
#include "front/copy.h"
#include "ops/op.h"

/* How the names of parameters reach the stages of one use. */
struct expansion {
  struct checker *c;
  struct stage_list *out;
  struct decl *pipeline;
};

static struct decl *find_step(struct checker *c, const char *name, bool is_library) {
  if (op_find(name)) return NULL;
  struct decl *step = is_library ? NULL : map_get(&c->symbols->steps, name);
  return step ? step : map_get(&c->symbols->library_steps, name);
}

static bool is_stream_parameter(const struct field_decl *field) {
  const struct type_syntax *type = field->type_syntax;
  return type->kind == TYPE_SYNTAX_NAME && strcmp(type->name.text, "stream") == 0 &&
         type->args.count == 0;
}

/* -- streams --------------------------------------------------------------------------------- */

/* Replaces the name of a stream by what the use says; reports a name that is no parameter. */
static void replace_stream(struct checker *c, const struct instance *use, struct ident *name) {
  if (!name->text || strcmp(name->text, "skip") == 0) return;
  const struct ident *target = map_get(&use->streams, name->text);
  if (target) {
    *name = *target;
    return;
  }
  struct diag *diag = diag_error(c->diags, E0243, name->span,
                                 "a step knows no streams but those that it is given, and no `%s`",
                                 name->text);
  diag_label(diag, use->decl->name.span, "this step");
  diag_help(diag, "make it a parameter:  step %s(%s: stream, …) = …", use->decl->name.text,
            name->text);
  diag_help(diag, "and name a stream or sink at each use:  |> %s(%s: late)", use->decl->name.text,
            name->text);
}

static void replace_in_block(struct checker *, const struct instance *, struct block *);

static void replace_in_stmt(struct checker *c, const struct instance *use, struct stmt *stmt) {
  switch (stmt->kind) {
  case STMT_EMIT: replace_stream(c, use, &stmt->emit.into); break;
  case STMT_IF:
    replace_in_block(c, use, stmt->if_else.then_block);
    replace_in_block(c, use, stmt->if_else.else_block);
    break;
  case STMT_MATCH:
    vec_each(struct match_arm, arm, &stmt->match.arms) replace_in_block(c, use, arm->body);
    break;
  case STMT_FOR: replace_in_block(c, use, stmt->loop.body); break;
  default: break;
  }
}

static void replace_in_block(struct checker *c, const struct instance *use, struct block *block) {
  if (!block) return;
  vec_each(struct stmt *, stmt, &block->stmts) replace_in_stmt(c, use, *stmt);
}

static void replace_in_stage(struct checker *c, const struct instance *use, struct stage *stage) {
  replace_in_block(c, use, stage->body);
  vec_each(struct hook, hook, &stage->hooks) replace_in_block(c, use, hook->body);
  vec_each(struct split_arm, arm, &stage->arms) replace_stream(c, use, &arm->target);
  vec_each(struct ident, name, &stage->names) replace_stream(c, use, name);
  replace_stream(c, use, &stage->late);
  if (strcmp(stage->verb.text, "into") == 0 && stage->args.count == 1 &&
      stage->args.data[0]->kind == EXPR_NAME) {
    struct ident name = {stage->args.data[0]->name.text, stage->args.data[0]->span};
    replace_stream(c, use, &name);
    stage->args.data[0]->name.text = name.text;
    stage->args.data[0]->span = name.span;
  }
  if (stage->on_fail.kind == ON_FAIL_INTO) {
    replace_stream(c, use, &stage->on_fail.into);
    if (strcmp(stage->on_fail.into.text, "skip") == 0) stage->on_fail.kind = ON_FAIL_SKIP;
  } else if (stage->on_fail.kind == ON_FAIL_NONE) {
    stage->on_fail = use->place->on_fail;
  }
}

/* -- arguments ------------------------------------------------------------------------------- */

static const char *step_syntax(struct checker *c, const struct decl *step) {
  struct text out;
  text_init(&out, c->arena);
  text_addf(&out, "%s(", step->name.text);
  vec_each(const struct field_decl, field, &step->fields)
      text_addf(&out, "%s%s%s", field == step->fields.data ? "" : ", ", field->name.text,
                field->init ? " = …" : "");
  text_addc(&out, ')');
  return out.data;
}

/* The parameter that an argument is for; -1 after a diagnostic. */
static int parameter_of(struct checker *c, const struct decl *step, const struct arg *arg,
                        size_t position) {
  if (!arg->name.text) {
    if (position < step->fields.count) return (int)position;
    struct diag *diag = diag_error(c->diags, E0214, arg->value->span,
                                   "`%s` takes %zu argument%s, here are more", step->name.text,
                                   step->fields.count, step->fields.count == 1 ? "" : "s");
    diag_note(diag, "it is declared as  %s", step_syntax(c, step));
    return -1;
  }
  struct name_list names = {0};
  for (size_t i = 0; i < step->fields.count; i++) {
    if (step->fields.data[i].name.text == arg->name.text) return (int)i;
    vec_push(c->arena, &names, step->fields.data[i].name.text);
  }
  struct diag *diag = diag_error(c->diags, E0214, arg->name.span, "`%s` has no parameter `%s`",
                                 step->name.text, arg->name.text);
  diag_note(diag, "it is declared as  %s", step_syntax(c, step));
  suggest(diag, arg->name.text, names.data, names.count);
  return -1;
}

static void bind_stream(struct checker *c, struct instance *use, const struct field_decl *field,
                        const struct expr *value) {
  struct ident *target = arena_new(c->arena, struct ident);
  if (value->kind != EXPR_NAME) {
    struct diag *diag = diag_error(c->diags, E0243, value->span,
                                   "`%s` of `%s` is the name of a stream or sink",
                                   field->name.text, use->decl->name.text);
    diag_help(diag, "write  %s: NAME,  or  %s: skip", field->name.text, field->name.text);
    *target = (struct ident){"skip", value->span};
  } else {
    *target = (struct ident){value->name.text, value->span};
    if (use->outer) replace_stream(c, use->outer, target);
  }
  map_put(&use->streams, field->name.text, target);
}

/* False after a diagnostic. */
static bool bind_args(struct checker *c, struct instance *use) {
  const struct decl *step = use->decl;
  const struct stage *place = use->place;
  for (size_t i = 0; i < step->fields.count; i++) vec_push(c->arena, &use->args, NULL);
  for (size_t i = 0; i < place->named_args.count; i++) {
    const struct arg *arg = &place->named_args.data[i];
    int index = parameter_of(c, step, arg, i);
    if (index < 0) return false;
    if (use->args.data[index]) {
      diag_error(c->diags, E0214, arg->value->span, "`%s` is given twice",
                 step->fields.data[index].name.text);
      return false;
    }
    use->args.data[index] = arg->value;
  }
  for (size_t i = 0; i < step->fields.count; i++) {
    const struct field_decl *field = &step->fields.data[i];
    const struct expr *value = use->args.data[i] ? use->args.data[i] : field->init;
    if (!value) {
      struct diag *diag = diag_error(c->diags, E0214, place->verb.span, "`%s` needs its `%s`",
                                     step->name.text, field->name.text);
      diag_note(diag, "it is declared as  %s", step_syntax(c, step));
      return false;
    }
    if (!is_stream_parameter(field)) continue;
    bind_stream(c, use, field, value);
    use->args.data[i] = NULL;
  }
  return true;
}

static void bind_id(struct checker *c, struct instance *use) {
  struct stage *place = use->place;
  const char *id = place->verb.text;
  struct clause *clause = check_clause(&place->clauses, "named");
  const char *name = clause ? check_clause_name(c, clause) : NULL;
  if (name) id = name;
  clause = check_clause(&place->clauses, "was");
  const char *was = clause ? check_clause_string(c, clause) : NULL;
  const struct instance *outer = use->outer;
  if (outer && (was || outer->was_id))
    was = arena_printf(c->arena, "%s.%s", outer->was_id ? outer->was_id : outer->id, was ? was : id);
  use->id = outer ? arena_printf(c->arena, "%s.%s", outer->id, id) : id;
  use->was_id = was;
  static const char *const known[] = {"named", "was", NULL};
  check_unused_clauses(c, &place->clauses, arena_printf(c->arena, "`%s`", place->verb.text), known);
}

/* -- stages ---------------------------------------------------------------------------------- */

static size_t depth_of(const struct instance *use) {
  size_t depth = 0;
  for (; use; use = use->outer) depth++;
  return depth;
}

static bool report_step_circle(struct checker *c, const struct decl *step, struct stage *place,
                               const struct instance *outer) {
  const struct instance *first = outer;
  while (first && first->decl != step) first = first->outer;
  if (!first) return false;
  const char *path = step->name.text;
  for (const struct instance *use = outer; use; use = use->outer) {
    path = arena_printf(c->arena, "%s → %s", use->decl->name.text, path);
    if (use == first) break;
  }
  struct diag *diag =
      diag_error(c->diags, E0219, place->verb.span, "`%s` is a part of itself", step->name.text);
  diag_note(diag, "%s", path);
  return true;
}

static void expand_stage(struct expansion *x, struct stage *stage, struct instance *outer) {
  struct checker *c = x->c;
  stage->instance = outer;
  bool is_library = outer ? outer->decl->is_library : x->pipeline->is_library;
  struct decl *step = find_step(c, stage->verb.text, is_library);
  if (!step) {
    vec_push(c->arena, x->out, stage);
    return;
  }
  if (report_step_circle(c, step, stage, outer)) return;
  if (depth_of(outer) == LIMIT_STEP_DEPTH) {
    diag_error(c->diags, E0109, stage->verb.span, "more than %d steps inside each other",
               LIMIT_STEP_DEPTH);
    return;
  }
  if (x->out->count >= LIMIT_STAGES) {
    if (x->out->count == LIMIT_STAGES)
      diag_error(c->diags, E0109, stage->verb.span,
                 "the steps of this pipeline have more than %d stages", LIMIT_STAGES);
    vec_push(c->arena, x->out, stage);
    return;
  }
  struct instance *use = instance_new(c, step, stage->verb.span, outer);
  use->place = stage;
  use->context.what = arena_printf(c->arena, "in this use of `%s`", step->name.text);
  bind_id(c, use);
  if (!bind_args(c, use)) return;
  vec_each(struct stage *, slot, &step->stages) {
    struct stage *copy = copy_stage(c->arena, *slot);
    const struct diag_context *context = diags_swap_context(c->diags, &use->context);
    replace_in_stage(c, use, copy);
    diags_swap_context(c->diags, context);
    expand_stage(x, copy, use);
  }
}

void expand_steps(struct checker *c, struct decl *pipeline) {
  bool has_step = false;
  vec_each(struct stage *, stage, &pipeline->stages) has_step =
      has_step || find_step(c, (*stage)->verb.text, pipeline->is_library);
  if (!has_step) return;
  struct stage_list stages = {0};
  struct expansion x = {.c = c, .out = &stages, .pipeline = pipeline};
  vec_each(struct stage *, stage, &pipeline->stages) expand_stage(&x, *stage, NULL);
  pipeline->stages = stages;
}
