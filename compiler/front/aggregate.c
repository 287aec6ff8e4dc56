#include "front/aggregate.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "front/accumulator.h"
#include "front/copy.h"
#include "front/instance.h"
#include "front/parse.tab.h"
#include "front/quote.h"

/* One accumulator. Its expressions are as the user has written them: not typed. */
struct kept {
  const char *field; /* its name in the record: the text of the call */
  const struct accumulator *how;
  const struct type *type;
  struct expr *init;
  const struct type *x_type, *y_type; /* null where there is no such argument */
  const struct expr *x, *y, *count, *where;
  bool x_may_miss; /* x is a T? */
  bool y_may_fail; /* so it is evaluated for each item, and not only where it is kept */
  struct span span;
};

/* One call: a result of an accumulator. In the expression a local of this name stands for it. */
struct result {
  struct local local;
  size_t kept;
  const struct expr *part; /* of a quantile */
  const char *text;
  struct span span;
};

struct aggregation {
  struct checker *c;
  struct stage *stage;
  bool by_time, has_window, waits;
  VEC_OF(kept_list, struct kept) kept;
  VEC_OF(result_list, struct result *) results;
  struct local start, end;  /* `window.start`, `window.end` */
  struct expr *expr;        /* with locals in the place of calls, not typed */
  struct local_list bound;  /* what is bound in the expression around the node that is looked at */
  const struct expr *call;  /* the innermost call around it, or null */
  struct type *type;
  bool is_good;
};

static struct diag *report(struct aggregation *a, struct span span, const char *what) {
  a->is_good = false;
  return diag_error(a->c->diags, E0440, span, "%s", what);
}

static const char *intern(struct checker *c, const char *text) {
  return names_intern(&c->compiler->names, text, strlen(text));
}

static struct expr *name_of(struct checker *c, const char *text, struct span span) {
  struct expr *expr = arena_new(c->arena, struct expr);
  expr->kind = EXPR_NAME;
  expr->span = span;
  expr->name.text = intern(c, text);
  return expr;
}

static struct expr *field_of(struct checker *c, const struct expr *object, const char *field,
                             struct span span) {
  struct expr *expr = arena_new(c->arena, struct expr);
  expr->kind = EXPR_FIELD;
  expr->span = span;
  expr->field.object = copy_expr(c->arena, object);
  expr->field.name = (struct ident){field, span};
  return expr;
}

static bool is_name(const struct expr *expr, const char *text) {
  return expr->kind == EXPR_NAME && strcmp(expr->name.text, text) == 0;
}

static bool is_word_char(char c) {
  return isalnum((unsigned char)c) || c == '_';
}

/* The tokens of an expression without what stands between them, as accumulators are saved under them: how a
 * program is laid out makes no other one of it. Words are kept apart, and commas are followed by a blank. */
static void add_tokens(struct checker *c, struct text *out, struct span span) {
  struct sources *sources = &c->compiler->sources, saved = *sources;
  const char *text = arena_strndup(c->arena, sources_text(sources, span), span.length);
  const struct source *source = sources_add_text(sources, "tokens", text, span.length);
  if (!source) return;
  const struct token_list tokens = lex_source(c->compiler, source);
  int before = '(';
  vec_each(const struct token, token, &tokens) {
    if (token->kind == TOKEN_DOC || token->span.length == 0) continue;
    const char *data = text + (token->span.offset - source->start);
    bool are_words = before != '(' && is_word_char(out->data[out->length - 1]) && is_word_char(*data);
    if (before == ',' || are_words) text_addc(out, ' ');
    text_addn(out, data, token->span.length);
    before = token->kind;
  }
  sources->list.count = saved.list.count;
  sources->end = saved.end;
}

/* -- the key ------------------------------------------------------------------------------------- */

static bool is_bound(const struct aggregation *a, const char *name) {
  vec_each(struct local *, local, &a->bound)
    if ((*local)->name.text == name) return true;
  return false;
}

/* The field of the item that the expression, not typed, is; or null. */
static const char *item_field(const struct aggregation *a, const struct expr *expr) {
  if (expr->kind == EXPR_FIELD && !expr->field.is_optional && is_name(expr->field.object, "it"))
    return expr->field.name.text;
  bool is_bare = expr->kind == EXPR_NAME && !a->stage->instance && !is_bound(a, expr->name.text);
  return is_bare ? expr->name.text : NULL;
}

/* Whether an expression as written is the same as one of the key, which is typed. */
static bool is_same(const struct aggregation *a, const struct expr *key, const struct expr *expr);

static bool are_same_args(const struct aggregation *a, const struct expr *key, const struct expr *expr) {
  if (key->call.name.text != expr->call.name.text || key->call.args.count != expr->call.args.count) return false;
  for (size_t i = 0; i < key->call.args.count; i++)
    if (!is_same(a, key->call.args.data[i].value, expr->call.args.data[i].value)) return false;
  return true;
}

static bool is_same(const struct aggregation *a, const struct expr *key, const struct expr *expr) {
  if (key->kind == EXPR_COERCE) return is_same(a, key->coerce.operand, expr);
  bool is_field = key->kind == EXPR_NAME && key->name.ref == REF_FIELD;
  bool is_item_field = key->kind == EXPR_FIELD && !key->field.is_optional &&
                       key->field.object->kind == EXPR_NAME && key->field.object->name.ref == REF_IT;
  const char *field = item_field(a, expr);
  if (is_field) return field == key->name.text;
  if (is_item_field && field) return field == key->field.name.text;
  if (key->kind != expr->kind) return false;
  switch (key->kind) {
  case EXPR_NAME: return key->name.text == expr->name.text && !is_bound(a, expr->name.text);
  case EXPR_INT:
  case EXPR_DURATION: return key->integer == expr->integer;
  case EXPR_FIELD:
    return key->field.name.text == expr->field.name.text &&
           key->field.is_optional == expr->field.is_optional &&
           is_same(a, key->field.object, expr->field.object);
  case EXPR_UNARY:
    return key->unary.op == expr->unary.op && is_same(a, key->unary.operand, expr->unary.operand);
  case EXPR_BINARY:
    return key->binary.op == expr->binary.op && is_same(a, key->binary.left, expr->binary.left) &&
           is_same(a, key->binary.right, expr->binary.right);
  case EXPR_CALL: return are_same_args(a, key, expr);
  default: return false;
  }
}

/* Whether the expression is the name of a part of the key, and of nothing in the item. */
static bool names_part(const struct aggregation *a, const struct record_item *part, const struct expr *expr) {
  const struct type *item = a->stage->in_item;
  bool is_name = expr->kind == EXPR_NAME && expr->name.text == part->name.text && !is_bound(a, expr->name.text);
  bool is_field = item->kind == TYPE_RECORD && type_field_index(item, part->name.text) >= 0;
  return is_name && !is_field && !a->stage->instance;
}

/* Puts the key, or its part, in the place of an expression that it is. */
static bool take_key(struct aggregation *a, struct expr **slot) {
  const struct expr *by = a->stage->key_by;
  bool may_be_key = (*slot)->kind == EXPR_NAME || (*slot)->kind == EXPR_FIELD ||
                    (*slot)->kind == EXPR_CALL || (*slot)->kind == EXPR_BINARY;
  if (!by || !may_be_key) return false;
  struct expr *key = name_of(a->c, "key", (*slot)->span);
  if (is_same(a, by, *slot)) {
    *slot = key;
    return true;
  }
  if (by->kind != EXPR_RECORD) return false;
  vec_each(const struct record_item, item, &by->record.items) {
    if (item->is_spread || !(names_part(a, item, *slot) || is_same(a, item->value, *slot))) continue;
    *slot = field_of(a->c, key, item->name.text, (*slot)->span);
    return true;
  }
  return false;
}

/* -- names outside of aggregates ----------------------------------------------------------------- */

/* Whether something may be called like this that is no aggregate. */
static bool is_function(const struct aggregation *a, const struct expr *call) {
  return builtin_find(call->call.name.text) || find_function(a->c, call->call.name.text);
}

/* A call, which is none of an aggregate, around a field of the item: `median(price)`, `price.max()`. */
static void help_call(struct aggregation *a, struct diag *diag, const char *field) {
  const struct expr *call = a->call;
  if (!call || call->call.args.count == 0 || !is_name(call->call.args.data[0].value, field)) return;
  const char *name = call->call.name.text;
  if (aggregate_find(name))
    diag_help(diag, "or, as an aggregate:  %s(%s)", name, field);
  else if (is_function(a, call))
    diag_help(diag, "or, of a list of all:  %s(collect(%s)%s)", name, field,
              call->call.args.count > 1 ? ", …" : "");
}

static void report_field(struct aggregation *a, const struct expr *expr, const char *field) {
  const char *text = arena_printf(a->c->arena, "`%s` has a value for each item, and is no part of the key", field);
  struct diag *diag = report(a, expr->span, text);
  diag_help(diag, "say which value, or what of all:  first(%s)   max(%s)   collect(%s)", field, field, field);
  help_call(a, diag, field);
  if (!a->stage->in_key)
    diag_help(diag, "or aggregate for each value of it:  |> key by %s", field);
  else if (a->stage->key_by)
    diag_help(diag, "or make it a part of the key:  |> key by …, %s", field);
  else
    diag_note(diag, "what the items were keyed by, before they became others, is `key`");
}

static void check_name(struct aggregation *a, const struct expr *expr) {
  const char *name = expr->name.text;
  if (is_bound(a, name)) return;
  struct diag *diag;
  if (strcmp(name, "it") == 0) {
    diag = report(a, expr->span, "an aggregate is of many items, and `it` would be one of them");
    diag_help(diag, "say which one, or all:  first(it)   max_by(…, it)   collect(it)");
    return;
  }
  if (strcmp(name, "window") == 0) {
    diag = report(a, expr->span, a->has_window ? "a window is no value: it has `window.start` and `window.end`"
                                               : "there is no window of time here");
    if (a->has_window)
      diag_help(diag, "write  window.start  or  window.end");
    else
      diag_help(diag, "put one in front:  |> window tumbling 10s |> aggregate …");
    return;
  }
  const struct type *item = a->stage->in_item;
  bool is_field = !a->stage->instance && item->kind == TYPE_RECORD && type_field_index(item, name) >= 0;
  if (is_field && strcmp(name, "key") != 0) report_field(a, expr, name);
  bool is_bound_of_window = strcmp(name, "window_start") == 0 || strcmp(name, "window_end") == 0;
  if (is_field || !is_bound_of_window) return;
  diag = diag_error(a->c->diags, E0201, expr->span, "unknown name `%s`", name);
  a->is_good = false;
  diag_help(diag, "here it is  window.%s", name + strlen("window_"));
}

static bool take_window(struct aggregation *a, struct expr **slot) {
  const struct expr *expr = *slot;
  if (expr->kind != EXPR_FIELD || !is_name(expr->field.object, "window") || !a->has_window) return false;
  bool is_start = strcmp(expr->field.name.text, "start") == 0;
  if (!is_start && strcmp(expr->field.name.text, "end") != 0) return false;
  *slot = name_of(a->c, is_start ? "$start" : "$end", expr->span);
  return true;
}

/* -- calls --------------------------------------------------------------------------------------- */

static bool gives_list(const struct expr *expr) {
  static const char *const names[] = {"collect", "top", "all_min_by", "all_max_by"};
  for (size_t i = 0; expr->kind == EXPR_CALL && i < sizeof names / sizeof *names; i++)
    if (strcmp(expr->call.name.text, names[i]) == 0) return true;
  return false;
}

/* Whether the expression uses a name that is bound around it: `x` in `xs.map(x => max(x, 0))`. */
static bool uses_bound(const struct expr *expr, const void *context) {
  const struct aggregation *a = context;
  if (expr->kind == EXPR_NAME) return is_bound(a, expr->name.text);
  return expr_any_child(expr, uses_bound, context);
}

/* The aggregate that is called; null: it is another call. `max(a, b)` and `sum(top(3, x))` are functions. */
static const struct aggregate *called(const struct aggregation *a, const struct expr *call) {
  const struct aggregate *row = call->call.is_method ? NULL : aggregate_find(call->call.name.text);
  if (!row) return NULL;
  const struct decl *fn = find_function(a->c, row->name);
  if (fn && !fn->is_library) return NULL;
  const struct arg_list *args = &call->call.args;
  if (args->count > row->max_args && is_function(a, call)) return NULL;
  vec_each(const struct arg, arg, args)
    if (arg->value->kind == EXPR_LAMBDA || uses_bound(arg->value, a)) return NULL;
  bool is_of_list = args->count > 0 && gives_list(args->data[0].value);
  return is_of_list && is_function(a, call) ? NULL : row;
}

struct nested {
  const struct aggregation *a;
  const struct expr **found;
};

/* Finds a call of an aggregate that cannot be one of a function. */
static bool find_nested(const struct expr *expr, const void *context) {
  const struct nested *nested = context;
  const struct type *item = nested->a->stage->in_item;
  if (expr->kind == EXPR_CALL && called(nested->a, expr)) {
    const struct expr *first = expr->call.args.count ? expr->call.args.data[0].value : NULL;
    int field = first && first->kind == EXPR_NAME && item->kind == TYPE_RECORD
                    ? type_field_index(item, first->name.text)
                    : -1;
    const struct type *type = field >= 0 ? item->fields.data[field].type : NULL;
    bool is_of_one = !first || (type && type->kind != TYPE_LIST && type->kind != TYPE_SET);
    if (is_of_one || !is_function(nested->a, expr)) {
      *nested->found = expr;
      return true;
    }
  }
  return expr_any_child(expr, find_nested, context);
}

static bool reject_nested(struct aggregation *a, const struct expr *call, const struct expr *inside) {
  const struct expr *found = NULL;
  struct nested nested = {a, &found};
  if (!inside || !find_nested(inside, &nested)) return true;
  struct diag *diag = report(a, found->call.name.span, "an aggregate inside of another");
  diag_label(diag, call->call.name.span, "it is inside of this one");
  diag_help(diag, "aggregate twice, the inner one first:  |> aggregate { … } |> key by … |> aggregate …");
  return false;
}

static bool check_count(struct aggregation *a, struct expr *call, const struct aggregate *row) {
  size_t given = call->call.args.count;
  if (reject_named_args(a->c, call)) return false;
  if (given >= row->min_args && given <= row->max_args) return true;
  uint32_t wanted = given < row->min_args ? row->min_args : row->max_args;
  struct diag *diag =
      diag_error(a->c->diags, E0214, call->call.name.span, "`%s` takes %s%u argument%s, here %s %zu",
                 row->name, row->min_args == row->max_args ? "" : given < wanted ? "at least " : "at most ", wanted,
                 wanted == 1 ? "" : "s", given == 1 ? "is" : "are", given);
  diag_note(diag, "%s: %s", row->syntax, row->doc);
  return false;
}

static void report_argument(struct aggregation *a, const struct aggregate *row, const struct expr *x) {
  struct checker *c = a->c;
  struct diag *diag = diag_error(c->diags, E0205, x->span, "`%s` works on %s, this is `%s`", row->name,
                                 row->works_on, type_name(c->types, x->type));
  diag_note(diag, "%s: %s", row->syntax, row->doc);
  if (x->type->kind == TYPE_STRING)
    diag_help(diag, "read the text:  %s(parse_int(…) ?? 0)", row->name);
  else if (type_is_json(x->type))
    diag_help(diag, "say what the json is:  %s(int(…) ?? 0)", row->name);
  else if (x->type->kind == TYPE_FLOAT)
    diag_help(diag, "round it to an int:  %s(int(round(…)) ?? 0)", row->name);
  else if (x->type->kind == TYPE_LIST)
    diag_help(diag, "of each list one value:  %s(%s(…) ?? 0)", row->name,
              builtin_find(row->name) ? row->name : "first");
}

/* Types a copy of an argument; null after a diagnostic. */
static struct expr *typed(struct aggregation *a, const struct expr *expr, const struct type *expected) {
  struct expr *copy = check_expr(a->c, copy_expr(a->c->arena, expr), expected);
  return copy->type->kind == TYPE_ERROR ? NULL : copy;
}

/* Whether the value of `top` or `quantile`, as written, is the same for all items. */
static bool is_for_all(struct aggregation *a, const struct expr *value, const char *what, const char *example) {
  if (a->stage->instance || !check_names_item(a->c, value)) return true;
  struct diag *diag = report(a, value->span, arena_printf(a->c->arena, "%s is the same for all items", what));
  diag_help(diag, "write a number or the name of a param:  %s", example);
  return false;
}

/* The 3 of `top(3, x)`: a constant or param. */
static bool check_size(struct aggregation *a, const struct expr *count) {
  if (!is_for_all(a, count, "how many `top` takes", "top(3, …)")) return false;
  struct expr *value = check_constant(a->c, copy_expr(a->c->arena, count), a->c->types->int_, true);
  size_t errors = a->c->diags->error_count;
  check_bound(a->c, value, &(struct bound){.code = E0440,
                                           .what = "how many `top` takes",
                                           .least = 1,
                                           .why = "`top` of nothing would always be empty",
                                           .help = "take one at least:  top(1, …)"});
  return value->type->kind != TYPE_ERROR && a->c->diags->error_count == errors;
}

/* The 0.5 of `quantile(x, 0.5)`: a constant or param. */
static bool check_part(struct aggregation *a, const struct expr *part) {
  struct checker *c = a->c;
  if (!is_for_all(a, part, "the part of a quantile", "quantile(…, 0.95)")) return false;
  struct expr *value = check_constant(c, copy_expr(c->arena, part), c->types->float_, true);
  if (value->type->kind == TYPE_ERROR) return false;
  const struct expr *constant = constant_value(value);
  if (constant && (constant->number < 0 || constant->number > 1)) {
    struct diag *diag = report(a, part->span, "the part of a quantile lies from 0 to 1");
    diag_help(diag, "95 of 100 is  quantile(…, 0.95)");
    return false;
  }
  if (constant) return true;
  struct quote q;
  quote_begin(&q, c, a->stage);
  q.span = part->span;
  quote_expr_hole(&q, "$part", part);
  struct expr *holds = quote_expr(&q, "$part >= 0.0 and $part <= 1.0");
  check_at_start(c, check_constant(c, holds, c->types->bool_, true),
                 arena_printf(c->arena, "%s is the part of a quantile, and lies from 0 to 1",
                              text_of(c, part, "this value")));
  return true;
}

/* Which argument is what: quantile(x, part), top(count, x), top(count, by, x). */
static void place_arguments(const struct aggregate *row, const struct expr *call, struct kept *kept,
                            const struct expr **part) {
  const struct arg *args = call->call.args.data;
  size_t count = call->call.args.count, at = 0;
  if (strcmp(row->name, "top") == 0) kept->count = args[at++].value;
  if (at < count) kept->x = args[at++].value;
  if (strcmp(row->name, "quantile") == 0)
    *part = args[at].value;
  else if (at < count)
    kept->y = args[at].value;
}

/* "max(price) where is_open"; quantiles of the same values share what is kept for them. */
static const char *field_name(struct aggregation *a, const struct expr *call, const struct expr *part) {
  struct text out;
  text_init(&out, a->c->arena);
  text_addf(&out, "%s(", call->call.name.text);
  vec_each(const struct arg, arg, &call->call.args) {
    if (arg->value == part) continue;
    if (arg != call->call.args.data) text_add(&out, ", ");
    add_tokens(a->c, &out, arg->value->span);
  }
  text_addc(&out, ')');
  if (call->call.where) {
    text_add(&out, " where ");
    add_tokens(a->c, &out, call->call.where->span);
  }
  return intern(a->c, out.data);
}

/* Types what an aggregate is given, in the scope of an item; false after a diagnostic. */
static bool check_arguments(struct aggregation *a, const struct aggregate *row, struct kept *kept,
                            const struct expr *part) {
  struct aggregated of = {.by_time = a->by_time};
  bool is_good = !kept->where || typed(a, kept->where, a->c->types->bool_);
  if (kept->count && !check_size(a, kept->count)) is_good = false;
  if (part && !check_part(a, part)) is_good = false;
  struct expr *x = kept->x ? typed(a, kept->x, NULL) : NULL;
  struct expr *y = kept->y ? typed(a, kept->y, NULL) : NULL;
  if (!is_good || (kept->x && !x) || (kept->y && !y)) return false;
  if (y) {
    of.y = kept->y_type = y->type;
    kept->y_may_fail = y->can_fail || y->can_fault;
  }
  if (x) {
    kept->x_may_miss = x->type->kind == TYPE_OPTIONAL;
    of.x = kept->x_type = kept->x_may_miss ? x->type->elem : x->type;
  }
  kept->how = row->choose(&of);
  if (!kept->how) report_argument(a, row, x);
  return kept->how != NULL;
}

static void begin_quote(const struct aggregation *a, struct quote *q, struct span span) {
  quote_begin(q, a->c, a->stage);
  q->span = span;
}

/* The type and the first value of an accumulator. */
static void type_kept(struct aggregation *a, struct kept *kept) {
  struct quote q;
  begin_quote(a, &q, kept->span);
  if (kept->x_type) quote_type_hole(&q, "$X", kept->x_type);
  if (kept->y_type) quote_type_hole(&q, "$Y", kept->y_type);
  const char *text = arena_printf(a->c->arena, "let $acc: %s = %s", kept->how->type, kept->how->init);
  const struct stmt *let = quote_block(&q, text)->stmts.data[0];
  kept->type = check_type_syntax(a->c, let->let.type_syntax);
  kept->init = check_constant(a->c, let->let.value, kept->type, false);
}

/* The result of a call, of the accumulator that `place` is; null: of the local `$acc`. */
static struct expr *value_of(const struct aggregation *a, const struct result *result, const struct expr *place) {
  struct quote q;
  begin_quote(a, &q, result->span);
  if (place) quote_expr_hole(&q, "$acc", place);
  if (result->part) quote_expr_hole(&q, "$part", result->part);
  return quote_expr(&q, result->text);
}

static const struct type *type_of_result(struct aggregation *a, const struct result *result,
                                         const struct kept *kept) {
  struct local local = {.name = {intern(a->c, "$acc"), kept->span}, .type = kept->type};
  vec_push(a->c->arena, &a->c->scope.locals, &local);
  struct expr *value = check_expr(a->c, value_of(a, result, NULL), NULL);
  a->c->scope.locals.count--;
  return value->type;
}

/* The index of the accumulator, which may be another call's too; -1 after a diagnostic. */
static int keep(struct aggregation *a, struct expr *call, const struct aggregate *row,
                const struct expr **part) {
  struct kept kept = {.where = call->call.where, .span = call->span};
  place_arguments(row, call, &kept, part);
  kept.field = field_name(a, call, *part);
  bool is_good = reject_nested(a, call, kept.x) && reject_nested(a, call, kept.y) &&
                 reject_nested(a, call, kept.where) && check_arguments(a, row, &kept, *part);
  if (!is_good) return -1;
  for (size_t i = 0; i < a->kept.count; i++)
    if (a->kept.data[i].field == kept.field) return (int)i;
  type_kept(a, &kept);
  vec_push(a->c->arena, &a->kept, kept);
  return (int)a->kept.count - 1;
}

/* Whether there may be a result though nothing was added. */
static bool may_miss(const struct kept *kept) {
  return kept->where || kept->x_may_miss;
}

static void take_call(struct aggregation *a, struct expr **slot, const struct aggregate *row) {
  struct expr *call = *slot;
  const struct expr *part = NULL;
  bool was_good = a->is_good;
  int index = check_count(a, call, row) ? keep(a, call, row, &part) : -1;
  a->is_good = was_good && index >= 0;
  if (index < 0) return;
  struct result *result = arena_new(a->c->arena, struct result);
  const struct kept *kept = &a->kept.data[index];
  const char *name = arena_printf(a->c->arena, "$r%zu", a->results.count);
  *result = (struct result){.local = {.name = {intern(a->c, name), call->span}},
                            .kept = (size_t)index,
                            .part = part,
                            .span = call->span};
  result->text = may_miss(kept) && kept->how->maybe ? kept->how->maybe : kept->how->value;
  result->local.type = type_of_result(a, result, kept);
  vec_push(a->c->arena, &a->results, result);
  *slot = name_of(a->c, name, call->span);
}

/* -- taking apart -------------------------------------------------------------------------------- */

static void take(struct aggregation *a, struct expr **slot);

static void bind(struct aggregation *a, struct ident name) {
  struct local *local = arena_new(a->c->arena, struct local);
  local->name = name;
  vec_push(a->c->arena, &a->bound, local);
}

static void take_lambda(struct aggregation *a, struct expr *expr) {
  size_t count = a->bound.count;
  vec_each(struct ident, param, &expr->lambda.params) bind(a, *param);
  take(a, &expr->lambda.body);
  a->bound.count = count;
}

static void take_if(struct aggregation *a, struct expr *expr) {
  take(a, &expr->if_else.condition);
  size_t count = a->bound.count;
  if (expr->if_else.binder) bind(a, expr->if_else.binder->name);
  take(a, &expr->if_else.then_value);
  a->bound.count = count;
  take(a, &expr->if_else.else_value);
}

static void take_match(struct aggregation *a, struct expr *expr) {
  take(a, &expr->match.subject);
  vec_each(struct match_arm, arm, &expr->match.arms) {
    size_t count = a->bound.count;
    vec_each(struct pattern, pattern, &arm->patterns)
      if (pattern->binder) bind(a, pattern->binder->name);
    take(a, &arm->value);
    a->bound.count = count;
  }
}

static void take_args(struct aggregation *a, struct expr *call) {
  const struct expr *outer = a->call;
  a->call = call;
  vec_each(struct arg, arg, &call->call.args) take(a, &arg->value);
  a->call = outer;
}

/* `x` and `a.x` name themselves, and must do so before another name takes their place. */
static void take_item(struct aggregation *a, struct record_item *item) {
  const struct expr *value = item->value;
  if (!item->is_spread && !item->name.text) {
    if (value->kind == EXPR_NAME) item->name = (struct ident){value->name.text, value->span};
    if (value->kind == EXPR_FIELD) item->name = value->field.name;
  }
  take(a, &item->value);
}

static void take_parts(struct aggregation *a, struct expr *expr) {
  switch (expr->kind) {
  case EXPR_FSTRING:
    vec_each(struct fstring_part, part, &expr->fstring)
      if (part->value) take(a, &part->value);
    break;
  case EXPR_UNARY: take(a, &expr->unary.operand); break;
  case EXPR_BINARY:
    take(a, &expr->binary.left);
    take(a, &expr->binary.right);
    break;
  case EXPR_FIELD: take(a, &expr->field.object); break;
  case EXPR_INDEX:
    take(a, &expr->index.object);
    take(a, &expr->index.index);
    break;
  case EXPR_CALL: take_args(a, expr); break;
  case EXPR_LIST:
    vec_each(struct expr *, item, &expr->list) take(a, item);
    break;
  case EXPR_MAP:
    vec_each(struct map_pair, pair, &expr->map) {
      take(a, &pair->key);
      take(a, &pair->value);
    }
    break;
  case EXPR_RECORD:
    vec_each(struct record_item, item, &expr->record.items) take_item(a, item);
    break;
  case EXPR_IF: take_if(a, expr); break;
  case EXPR_MATCH: take_match(a, expr); break;
  case EXPR_LAMBDA: take_lambda(a, expr); break;
  default: break; /* literals have nothing inside */
  }
}

/* What users of SQL and of data frames call an aggregate: reports it. */
static bool report_foreign(struct aggregation *a, const struct expr *call) {
  static const char *const names[][2] = {
      {"mean", "avg"},           {"average", "avg"},         {"std", "stddev"},        {"stddev_samp", "stddev"},
      {"nunique", "distinct"},   {"count_distinct", "distinct"}, {"array_agg", "collect"}, {"list_agg", "collect"},
      {"collect_list", "collect"}, {"to_list", "collect"},   {"argmax", "max_by"},     {"arg_max", "max_by"},
      {"argmin", "min_by"},      {"arg_min", "min_by"},      {"any_value", "first"},   {"percentile", "quantile"},
      {"first_value", "first"},  {"last_value", "last"},     {"countif", "count() where"},
  };
  const char *name = call->call.name.text, *ours = NULL;
  if (call->call.is_method || is_function(a, call)) return false;
  size_t count;
  const struct aggregate *rows = aggregate_all(&count);
  for (size_t i = 0; i < count; i++)
    if (strcasecmp(rows[i].name, name) == 0) ours = rows[i].name;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcasecmp(names[i][0], name) == 0) ours = names[i][1];
  if (!ours) return false;
  a->is_good = false;
  struct diag *diag = diag_error(a->c->diags, E0210, call->call.name.span, "unknown function `%s`", name);
  const struct aggregate *row = aggregate_find(ours);
  diag_help(diag, "here it is  %s", row ? row->syntax : "count() where CONDITION");
  return true;
}

/* Takes the aggregates out of an expression, outermost calls first. */
static void take(struct aggregation *a, struct expr **slot) {
  struct expr *expr = *slot;
  if (take_key(a, slot) || take_window(a, slot)) return;
  const struct aggregate *row = expr->kind == EXPR_CALL ? called(a, expr) : NULL;
  if (row) {
    take_call(a, slot, row);
    return;
  }
  if (expr->kind == EXPR_CALL && report_foreign(a, expr)) return;
  if (expr->kind == EXPR_CALL && expr->call.where) {
    struct diag *diag = report(a, expr->call.name.span, "`where` goes with an aggregate");
    diag_label(diag, expr->call.where->span, "this says which items it is of");
  }
  if (expr->kind == EXPR_NAME) check_name(a, expr);
  take_parts(a, expr);
}

/* The record of the accumulators; another one for each stage. */
static void make_type(struct aggregation *a) {
  a->type = type_own_record(a->c->types, "Aggregates");
  vec_each(const struct kept, kept, &a->kept) {
    struct type_field field = {.name = kept->field,
                               .type = kept->type,
                               .init = kept->init,
                               .is_needed = a->waits && kept->how->maybe && !may_miss(kept),
                               .from = kept->field,
                               .span = kept->span};
    vec_push(a->c->arena, &a->type->fields, field);
  }
}

/* Types the expression with its results in place. */
static void type_whole(struct aggregation *a) {
  struct checker *c = a->c;
  c->scope.item = NULL;
  c->scope.place = PLACE_FUNCTION; /* what fails has no item that an `else` could drop */
  vec_each(struct result *, result, &a->results) vec_push(c->arena, &c->scope.locals, &(*result)->local);
  if (a->has_window) {
    a->start = (struct local){.name = {intern(c, "$start"), a->stage->verb.span}, .type = c->types->timestamp};
    a->end = (struct local){.name = {intern(c, "$end"), a->stage->verb.span}, .type = c->types->timestamp};
    vec_push(c->arena, &c->scope.locals, &a->start);
    vec_push(c->arena, &c->scope.locals, &a->end);
  }
  c->scope.failures.count = 0;
  const struct type *result = check_expr(c, copy_expr(c->arena, a->expr), NULL)->type;
  size_t errors = c->diags->error_count;
  report_failures(c);
  a->is_good = result->kind != TYPE_ERROR && c->diags->error_count == errors;
}

struct aggregation *aggregation_of(struct checker *c, struct stage *stage, bool by_time, bool has_window,
                                   bool waits) {
  struct aggregation *a = arena_new(c->arena, struct aggregation);
  *a = (struct aggregation){
      .c = c, .stage = stage, .by_time = by_time, .has_window = has_window, .waits = waits, .is_good = true};
  struct scope outer = c->scope;
  uint32_t local_count = 0;
  c->scope = check_new_scope(PLACE_STAGE, &local_count);
  c->scope.item = stage->in_item;
  c->scope.key = stage->in_key;
  /* In a step, where `key` may stand for a stream without one, what is kept of all items has the key "ALL". */
  if (!stage->in_key && stage->instance) c->scope.key = c->types->string;
  c->scope.stage = stage;
  c->scope.instance = stage->instance;
  c->scope.is_library = outer.is_library;
  a->expr = copy_expr(c->arena, stage->args.data[0]);
  take(a, &a->expr);
  if (a->is_good) type_whole(a);
  if (a->is_good) make_type(a);
  c->scope = outer;
  return a->is_good ? a : NULL;
}

const struct type *aggregation_type(const struct aggregation *a) {
  return a->type;
}

/* -- statements ---------------------------------------------------------------------------------- */

static void append(const struct aggregation *a, struct block *block, const struct block *more) {
  vec_each(struct stmt *, stmt, &more->stmts) vec_push(a->c->arena, &block->stmts, *stmt);
}

static struct block *new_block(const struct aggregation *a) {
  struct block *block = arena_new(a->c->arena, struct block);
  block->span = a->stage->verb.span;
  return block;
}

/* Whether evaluating it twice costs no more than a copy of it would. */
static bool is_path(const struct expr *expr) {
  while (expr->kind == EXPR_FIELD && !expr->field.is_optional) expr = expr->field.object;
  return expr->kind == EXPR_NAME;
}

/* The statements for one accumulator, in the blocks that make locals its own and leave out what is not of it. */
static struct block *add_to(const struct aggregation *a, const struct kept *kept, const struct expr *place) {
  struct quote q;
  begin_quote(a, &q, kept->span);
  struct expr *field = field_of(a->c, place, kept->field, kept->span);
  quote_expr_hole(&q, "$acc", field);
  quote_expr_hole(&q, "$at", quote_expr(&q, "time()"));
  if (kept->count) quote_expr_hole(&q, "$count", kept->count);
  struct text text;
  text_init(&text, a->c->arena);
  int depth = 0;
  if (kept->where) {
    quote_expr_hole(&q, "$where", kept->where);
    text_add(&text, "if $where { ");
    depth++;
  } else if (kept->x_may_miss || (kept->x && !is_path(kept->x)) || kept->y_may_fail ||
             strstr(kept->how->add, "let ")) {
    text_add(&text, "if true { ");
    depth++;
  }
  if (kept->x_may_miss) {
    quote_expr_hole(&q, "$given", kept->x);
    text_add(&text, "if let $x = $given { ");
    depth++;
  } else if (kept->x && is_path(kept->x)) {
    quote_expr_hole(&q, "$x", kept->x);
  } else if (kept->x) {
    quote_expr_hole(&q, "$given", kept->x);
    text_add(&text, "let $x = $given; ");
  }
  if (kept->y && kept->y_may_fail) {
    quote_expr_hole(&q, "$also", kept->y);
    text_add(&text, "let $y = $also; ");
  } else if (kept->y) {
    quote_expr_hole(&q, "$y", kept->y);
  }
  text_add(&text, kept->how->add);
  while (depth-- > 0) text_add(&text, " }");
  return quote_block(&q, text.data);
}

struct block *aggregation_add(const struct aggregation *a, const struct expr *place) {
  struct block *block = new_block(a);
  vec_each(const struct kept, kept, &a->kept) append(a, block, add_to(a, kept, place));
  return block;
}

struct block *aggregation_merge(const struct aggregation *a, const struct expr *into, const struct expr *from) {
  struct block *block = new_block(a);
  vec_each(const struct kept, kept, &a->kept) {
    struct quote q;
    begin_quote(a, &q, kept->span);
    quote_expr_hole(&q, "$acc", field_of(a->c, into, kept->field, kept->span));
    quote_expr_hole(&q, "$from", field_of(a->c, from, kept->field, kept->span));
    if (kept->count) quote_expr_hole(&q, "$count", kept->count);
    append(a, block, quote_block(&q, kept->how->merge));
  }
  return block;
}

struct block *aggregation_emit(const struct aggregation *a, const struct expr *place, const struct expr *start,
                               const struct expr *end, const struct expr *at) {
  struct quote q;
  begin_quote(a, &q, a->stage->verb.span);
  struct text text;
  text_init(&text, a->c->arena);
  text_add(&text, "if true { ");
  if (start) {
    quote_expr_hole(&q, "$from", start);
    quote_expr_hole(&q, "$to", end);
    text_add(&text, "let $start = $from; let $end = $to; ");
  }
  for (size_t i = 0; i < a->results.count; i++) {
    const struct result *result = a->results.data[i];
    const struct kept *kept = &a->kept.data[result->kept];
    const char *value = arena_printf(a->c->arena, "$v%zu", i);
    quote_expr_hole(&q, value, value_of(a, result, field_of(a->c, place, kept->field, kept->span)));
    text_addf(&text, "let %s = %s; ", result->local.name.text, value);
  }
  quote_expr_hole(&q, "$result", a->expr);
  if (at) quote_expr_hole(&q, "$at", at);
  text_addf(&text, "emit $result%s }", at ? " at $at" : "");
  return quote_block(&q, text.data);
}
