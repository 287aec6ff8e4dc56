/* Test blocks: what is fed and expected is typed by the source, stream or sink that it is for. */
#include "front/checker.h"

#include <string.h>

/* Types a constant and keeps its value. False after a diagnostic. */
static bool check_number(struct checker *c, struct test_step *step, struct expr **value,
                         const struct type *type) {
  *value = check_constant(c, *value, type, false);
  if ((*value)->type->kind == TYPE_ERROR) return false;
  const struct expr *literal = constant_value(*value);
  if (!literal) {
    diag_error(c->diags, E0207, (*value)->span, "this is not a constant");
    return false;
  }
  step->number = literal->integer;
  return true;
}

/* Types the rows of a step: a list. One row is a common slip. */
static struct expr *check_list(struct checker *c, struct expr *value, const struct type *list) {
  value = infer(c, value, list);
  enum type_kind kind = value->type->kind;
  if (kind == TYPE_LIST || kind == TYPE_EMPTY || kind == TYPE_ERROR) return coerce(c, value, list);
  struct diag *diag =
      diag_error(c->diags, E0205, value->span, "expected a list of rows, `%s`, found `%s`",
                 type_name(c->types, list), type_name(c->types, value->type));
  const char *text = sources_text(&c->compiler->sources, value->span);
  bool is_short = value->span.length < 60 && !memchr(text, '\n', value->span.length);
  if (is_short && kind != TYPE_UNIT)
    diag_help(diag, "one row stands in brackets, too:  [%.*s]", (int)value->span.length, text);
  value->type = c->types->error;
  return value;
}

/* -- feed ------------------------------------------------------------------------------------ */

static void report_no_source(struct checker *c, const struct test_step *step) {
  struct name_list names = {0};
  vec_each(struct stream *, it, &c->symbols->stream_order) {
    if ((*it)->kind == STREAM_SOURCE) vec_push(c->arena, &names, (*it)->name.text);
  }
  struct diag *diag =
      diag_error(c->diags, E0223, step->name.span, "there is no source `%s`", step->name.text);
  suggest(diag, step->name.text, names.data, names.count);
  if (find_stream(c, step->name.text))
    diag_note(diag, "only sources are fed; `%s` gets its rows from the program", step->name.text);
}

static void check_feed(struct checker *c, struct test_step *step) {
  struct stream *stream = find_stream(c, step->name.text);
  if (!stream || stream->kind != STREAM_SOURCE) {
    report_no_source(c, step);
    step->value = infer(c, step->value, NULL);
    return;
  }
  if (step->value->kind == EXPR_STRING) {
    step->value = check_expr(c, step->value, c->types->string);
    step->subject = TEST_TEXT;
    return;
  }
  step->value = check_list(c, step->value, type_list(c->types, stream->decl->type));
  vec_push(c->arena, &step->items, step->value);
}

/* -- expect ---------------------------------------------------------------------------------- */

static void check_exit(struct checker *c, struct test_step *step) {
  struct expr **code = &step->value->binary.right;
  step->subject = TEST_EXIT;
  if (!check_number(c, step, code, c->types->int_) || (step->number >= 0 && step->number <= 255))
    return;
  diag_note(diag_error(c->diags, E0224, (*code)->span, "an exit code is between 0 and 255"),
            "0 done, 65 a bad record, 70 a fault");
}

/* Rows of several types, or of a type that nothing tells: each item says its own. */
static void check_mixed(struct checker *c, struct test_step *step, struct expr **list) {
  step->is_mixed = true;
  if ((*list)->kind != EXPR_LIST) {
    struct diag *diag = diag_error(c->diags, E0224, (*list)->span,
                                   "rows of several types come in `%s`", step->name.text);
    diag_help(diag, "write the list itself:  expect %s == [ … ]", step->name.text);
    return;
  }
  vec_each(struct expr *, item, &(*list)->list) {
    *item = check_expr(c, *item, NULL);
    vec_push(c->arena, &step->items, *item);
  }
  (*list)->type = c->types->error;
}

static void check_rows(struct checker *c, struct test_step *step, const struct stream *stream) {
  struct expr **list = &step->value->binary.right;
  if (!stream->item && diags_has_errors(c->diags)) { /* what writes there may be wrong */
    *list = infer(c, *list, NULL);
    return;
  }
  if (!stream->item || stream->has_many_types) {
    check_mixed(c, step, list);
    return;
  }
  const struct type *type = type_list(c->types, stream->item);
  if (type->kind == TYPE_ERROR) { /* it has a message of its own */
    *list = infer(c, *list, NULL);
    return;
  }
  step->value->binary.left->type = type;
  *list = check_list(c, *list, type);
  vec_push(c->arena, &step->items, *list);
}

static void report_no_stream(struct checker *c, struct test_step *step) {
  struct name_list names = {0};
  vec_each(struct stream *, it, &c->symbols->stream_order)
      vec_push(c->arena, &names, (*it)->name.text);
  struct diag *diag = diag_error(c->diags, E0223, step->name.span,
                                 "there is no stream or sink `%s`", step->name.text);
  suggest(diag, step->name.text, names.data, names.count);
  step->value->binary.right = infer(c, step->value->binary.right, NULL);
}

/* `X == [ … ]`: everything that X has got since the last look. `exit == N`: how the run has ended. */
static void check_expect(struct checker *c, struct test_step *step) {
  struct expr *value = step->value;
  bool is_comparison = value->kind == EXPR_BINARY && value->binary.op == BINARY_EQ &&
                       value->binary.left->kind == EXPR_NAME;
  if (!is_comparison) {
    struct diag *diag =
        diag_error(c->diags, E0224, value->span, "`expect` compares a stream with a list");
    diag_help(diag, "write  expect stdout == [ … ]");
    diag_note(diag, "all rows since the last look are compared, in their order");
    return;
  }
  struct expr *name = value->binary.left;
  step->name = (struct ident){name->name.text, name->span};
  struct stream *stream = find_stream(c, step->name.text);
  value->type = c->types->bool_;
  name->type = c->types->error;
  if (!stream && strcmp(step->name.text, "exit") == 0) {
    check_exit(c, step);
    return;
  }
  if (!stream) {
    report_no_stream(c, step);
    return;
  }
  name->name.ref = REF_STREAM;
  name->name.decl = stream->decl;
  check_rows(c, step, stream);
}

/* -- the block ------------------------------------------------------------------------------- */

static void check_advance(struct checker *c, struct test_step *step) {
  if (check_number(c, step, &step->value, c->types->duration) && step->number < 0)
    diag_error(c->diags, E0224, step->value->span, "the clock does not go back");
}

void check_test(struct checker *c, struct decl *test) {
  c->scope = check_new_scope(PLACE_TEST, &test->local_count);
  vec_each(struct test_step, step, &test->steps) {
    switch (step->kind) {
    case TEST_FEED: check_feed(c, step); break;
    case TEST_EXPECT: check_expect(c, step); break;
    case TEST_ADVANCE: check_advance(c, step); break;
    case TEST_END:
    case TEST_RESTART: break;
    }
  }
}
