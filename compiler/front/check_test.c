/* Test blocks: typed here, run by a later version. */
#include "front/checker.h"

static void check_feed(struct checker *c, struct test_step *step) {
  struct stream *stream = find_stream(c, step->name.text);
  if (!stream || stream->kind != STREAM_SOURCE) {
    struct name_list names = {0};
    vec_each(struct stream *, it, &c->symbols->stream_order) {
      if ((*it)->kind == STREAM_SOURCE) vec_push(c->arena, &names, (*it)->name.text);
    }
    struct diag *diag =
        diag_error(c->diags, E0223, step->name.span, "there is no source `%s`", step->name.text);
    suggest(diag, step->name.text, names.data, names.count);
    step->value = infer(c, step->value, NULL);
    return;
  }
  if (step->value->kind == EXPR_STRING) {
    step->value = check_expr(c, step->value, c->types->string);
    return;
  }
  step->value = check_expr(c, step->value, type_list(c->types, stream->decl->type));
}

/* `X == [ … ]`: everything that X has got since the last look. */
static void check_expect(struct checker *c, struct test_step *step) {
  struct expr *value = step->value;
  bool is_comparison = value->kind == EXPR_BINARY && value->binary.op == BINARY_EQ &&
                       value->binary.left->kind == EXPR_NAME;
  if (!is_comparison) {
    struct diag *diag =
        diag_error(c->diags, E0224, value->span, "`expect` compares a stream with a list");
    diag_help(diag, "write  expect stdout == [ … ]");
    return;
  }
  struct expr *name = value->binary.left;
  struct stream *stream = find_stream(c, name->name.text);
  value->type = c->types->bool_;
  name->type = c->types->error;
  if (!stream) {
    struct name_list names = {0};
    vec_each(struct stream *, it, &c->symbols->stream_order)
        vec_push(c->arena, &names, (*it)->name.text);
    struct diag *diag =
        diag_error(c->diags, E0223, name->span, "there is no stream or sink `%s`", name->name.text);
    suggest(diag, name->name.text, names.data, names.count);
    value->binary.right = infer(c, value->binary.right, NULL);
    return;
  }
  name->name.ref = REF_STREAM;
  name->name.decl = stream->decl;
  bool is_known = stream->item && !stream->has_many_types;
  const struct type *item = is_known ? stream->item : c->types->error;
  const struct type *list = type_list(c->types, item);
  if (list->kind == TYPE_ERROR) {
    value->binary.right = infer(c, value->binary.right, NULL);
    return;
  }
  name->type = list;
  value->binary.right = check_expr(c, value->binary.right, list);
}

void check_test(struct checker *c, struct decl *test) {
  c->scope = check_new_scope(PLACE_TEST, &test->local_count);
  vec_each(struct test_step, step, &test->steps) {
    switch (step->kind) {
    case TEST_FEED: check_feed(c, step); break;
    case TEST_EXPECT: check_expect(c, step); break;
    case TEST_ADVANCE: step->value = check_expr(c, step->value, c->types->duration); break;
    case TEST_RESTART: break;
    }
  }
}
