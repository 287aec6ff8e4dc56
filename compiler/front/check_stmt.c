/* Statements: what a block does, what it may change, and how it ends. */
#include "front/checker.h"

#include <string.h>

#include "base/limits.h"

static bool is_state_place(const struct checker *c) {
  return c->scope.place == PLACE_STATE || c->scope.place == PLACE_HOOK;
}

/* -- places ---------------------------------------------------------------------------------- */

static const struct expr *root_of(const struct expr *place) {
  for (;;) {
    if (place->kind == EXPR_FIELD)
      place = place->field.object;
    else if (place->kind == EXPR_INDEX)
      place = place->index.object;
    else
      return place;
  }
}

static void report_unchangeable(struct checker *c, const struct expr *place) {
  const struct expr *root = root_of(place);
  struct diag *diag;
  if (root->kind != EXPR_NAME) {
    diag = diag_error(c->diags, E0215, place->span, "only the state and local variables change");
    diag_help(diag, "name the value first:  let x = …");
    return;
  }
  const char *name = root->name.text;
  switch (root->name.ref) {
  case REF_IT:
  case REF_FIELD:
    diag = diag_error(c->diags, E0215, place->span, "items never change");
    diag_label(diag, root->span, "this is %s",
               root->name.ref == REF_IT ? "the item" : "a field of the item");
    diag_help(diag, "change a copy:  let x = %s", name);
    break;
  case REF_KEY: diag_error(c->diags, E0215, place->span, "a key never changes"); break;
  case REF_STATE:
    diag = diag_error(c->diags, E0215, place->span, "the time of `on at` changes nothing");
    diag_help(diag, "look at the state here, and change it in the block of the hook");
    break;
  case REF_ARG:
    if (name[0] == '0') { /* captured by a lambda */
      diag = diag_error(c->diags, E0215, place->span, "a function changes nothing");
      diag_help(diag, "walk over the values instead:  for x in … { … }");
      break;
    }
    diag = diag_error(c->diags, E0215, place->span, "the parameter `%s` never changes", name);
    diag_help(diag, "change a copy:  let x = %s", name);
    break;
  case REF_PARAM:
  case REF_CONST:
    diag = diag_error(c->diags, E0215, place->span, "`%s` never changes", name);
    diag_label(diag, root->name.decl->name.span, "a %s",
               root->name.ref == REF_PARAM ? "param" : "const");
    break;
  default: diag_error(c->diags, E0215, place->span, "`%s` never changes", name);
  }
}

/* True if both places may overlap: one path is the start of the other. */
static bool overlaps(const struct expr *a, const struct expr *b) {
  const struct expr *path_a[LIMIT_NESTING], *path_b[LIMIT_NESTING];
  size_t count_a = 0, count_b = 0;
  for (; count_a < LIMIT_NESTING && a->kind != EXPR_NAME; count_a++) {
    path_a[count_a] = a;
    a = a->kind == EXPR_FIELD ? a->field.object : a->index.object;
  }
  for (; count_b < LIMIT_NESTING && b->kind != EXPR_NAME; count_b++) {
    path_b[count_b] = b;
    b = b->kind == EXPR_FIELD ? b->field.object : b->index.object;
  }
  if (a->kind != EXPR_NAME || b->kind != EXPR_NAME) return true; /* too deep to tell */
  if (a->name.ref != b->name.ref || a->name.local != b->name.local) return false;
  while (count_a > 0 && count_b > 0) {
    const struct expr *step_a = path_a[--count_a], *step_b = path_b[--count_b];
    bool are_fields = step_a->kind == EXPR_FIELD && step_b->kind == EXPR_FIELD;
    if (are_fields && step_a->field.index != step_b->field.index) return false;
  }
  return true;
}

static bool report_iterated(struct checker *c, const struct expr *place) {
  vec_each(const struct expr *, iterable, &c->scope.loops) {
    if (!*iterable || !overlaps(*iterable, place)) continue;
    struct diag *diag =
        diag_error(c->diags, E0430, place->span, "this changes what the `for` walks over");
    diag_label(diag, (*iterable)->span, "walked over here");
    diag_help(diag, "walk over a copy:  let all = %.*s   for %s in all { … }",
              (int)(*iterable)->span.length, sources_text(&c->compiler->sources, (*iterable)->span),
              (*iterable)->type->kind == TYPE_MAP ? "k, v" : "x");
    return true;
  }
  return false;
}

static bool place_part(struct checker *c, struct expr *place, bool is_whole, bool is_mutator);

static bool fail_place(struct checker *c, struct expr *place) {
  place->type = c->types->error;
  return false;
}

static bool place_field(struct checker *c, struct expr *place, bool is_mutator) {
  struct expr *object = place->field.object;
  if (!place_part(c, object, false, is_mutator)) return fail_place(c, place);
  const struct type *type = object->type;
  if (type->kind == TYPE_OPTIONAL) {
    report_absent(c, object);
    return fail_place(c, place);
  }
  int index = type->kind == TYPE_RECORD ? type_field_index(type, place->field.name.text) : -1;
  if (index < 0) {
    report_no_field(c, place, type);
    return fail_place(c, place);
  }
  place->field.index = (uint32_t)index;
  place->type = type->fields.data[index].type;
  return true;
}

static bool is_collection(const struct type *type) {
  return type->kind == TYPE_LIST || type->kind == TYPE_SET || type->kind == TYPE_MAP;
}

/* `xs[i]` and `m[k]` as places have the element's type, without the `?` that they have as values.
 * What is changed inside of a missing `m[k]` starts as an empty collection. */
static bool place_index(struct checker *c, struct expr *place, bool is_whole, bool is_mutator) {
  struct expr *object = place->index.object;
  bool is_good = place_part(c, object, false, is_mutator);
  const struct type *type = object->type;
  if (is_good && type->kind != TYPE_LIST && type->kind != TYPE_MAP) {
    report_no_index(c, object);
    is_good = false;
  }
  if (!is_good) {
    place->index.index = infer(c, place->index.index, NULL);
    return fail_place(c, place);
  }
  bool is_list = type->kind == TYPE_LIST;
  place->index.index = check_expr(c, place->index.index, is_list ? c->types->int_ : type->key);
  if (place->index.index->type->kind == TYPE_ERROR) return fail_place(c, place);
  place->type = type->elem;
  place->index.is_sure = place->index.is_sure && is_list;
  if (place->index.is_sure) return true;
  if (is_list) {
    note_failure(c, NULL, place->span, "changing an element", "the list may be shorter");
  } else if ((!is_whole || is_mutator) && !is_collection(type->elem)) {
    struct diag *diag =
        diag_error(c->diags, E0211, place->span, "there may be no value for this key");
    diag_help(diag, "set the whole value:  %.*s = …", (int)place->span.length,
              sources_text(&c->compiler->sources, place->span));
    return fail_place(c, place);
  }
  return true;
}

static bool place_part(struct checker *c, struct expr *place, bool is_whole, bool is_mutator) {
  switch (place->kind) {
  case EXPR_NAME: infer(c, place, NULL); break;
  case EXPR_FIELD:
    if (!place->field.is_optional) return place_field(c, place, is_mutator);
    infer(c, place, NULL);
    break;
  case EXPR_INDEX: return place_index(c, place, is_whole, is_mutator);
  default: infer(c, place, NULL); break;
  }
  return place->type->kind != TYPE_ERROR;
}

bool check_place(struct checker *c, struct expr *place, bool is_mutator) {
  if (!place_part(c, place, true, is_mutator)) return fail_place(c, place);
  const struct expr *root = root_of(place);
  bool is_state = root->kind == EXPR_NAME && root->name.ref == REF_STATE;
  bool is_local = root->kind == EXPR_NAME && root->name.ref == REF_LOCAL;
  bool is_changeable = is_local || (is_state && c->scope.place != PLACE_TIME);
  c->scope.change_count += is_state;
  if (!is_changeable) {
    report_unchangeable(c, place);
    return fail_place(c, place);
  }
  if (is_local) root->name.local->is_mutated = true;
  return report_iterated(c, place) ? fail_place(c, place) : true;
}

/* -- assignments ----------------------------------------------------------------------------- */

static const char *assign_text(enum assign_op op) {
  static const char *const texts[] = {
      [ASSIGN_SET] = "=",  [ASSIGN_ADD] = "+=", [ASSIGN_SUB] = "-=",
      [ASSIGN_MUL] = "*=", [ASSIGN_DIV] = "/=", [ASSIGN_CONCAT] = "++="};
  return texts[op];
}

/* The operator of `+= -= *= /=`. */
static enum binary_op update_op(enum assign_op op) {
  static const enum binary_op ops[] = {[ASSIGN_ADD] = BINARY_ADD,
                                       [ASSIGN_SUB] = BINARY_SUB,
                                       [ASSIGN_MUL] = BINARY_MUL,
                                       [ASSIGN_DIV] = BINARY_DIV,
                                       [ASSIGN_CONCAT] = BINARY_CONCAT};
  return ops[op];
}

static void report_assign(struct checker *c, const struct stmt *stmt) {
  const struct expr *place = stmt->assign.place, *value = stmt->assign.value;
  if (place->type->kind == TYPE_OPTIONAL) {
    struct diag *diag = diag_error(c->diags, E0211, place->span, "this value may be absent");
    diag_label(diag, place->span, "this is `%s`", type_name(c->types, place->type));
    diag_help(diag, "start from a default:  %.*s = (%.*s ?? …) …", (int)place->span.length,
              sources_text(&c->compiler->sources, place->span), (int)place->span.length,
              sources_text(&c->compiler->sources, place->span));
    return;
  }
  if (value->type->kind == TYPE_OPTIONAL) {
    report_absent(c, value);
    return;
  }
  if (report_decimal_literal(c, value, place->type)) return;
  if (report_json_operand(c, value, place)) return;
  struct diag *diag = diag_error(c->diags, E0205, stmt->span, "`%s` does not work on `%s` and `%s`",
                                 assign_text(stmt->assign.op), type_name(c->types, place->type),
                                 type_name(c->types, value->type));
  if (place->type->kind == TYPE_STRING && stmt->assign.op == ASSIGN_ADD)
    diag_help(diag, "strings are joined with `++=`");
  if (place->type->kind == TYPE_LIST)
    diag_help(diag, "add one value with  .push(value), several with  ++= [a, b]");
  if (place->type->kind == TYPE_SET) diag_help(diag, "add a value with  .add(value)");
  if (help_decimals(c, diag, place, value, update_op(stmt->assign.op))) return;
  if (place->type->kind == TYPE_FLOAT && value->type->kind == TYPE_INT)
    diag_help(diag, "convert the int:  float(…)");
  if (place->type->kind == TYPE_INT && value->type->kind == TYPE_FLOAT)
    diag_help(diag, "convert the float:  int(…) ?? 0, or let the state be a float");
  if (place->type->kind == TYPE_INT && value->type->kind == TYPE_STRING)
    diag_help(diag, "read the text:  parse_int(…) ?? 0");
}

static void note_assign_effects(struct checker *c, const struct stmt *stmt) {
  const struct expr *value = stmt->assign.value;
  if (stmt->assign.op != ASSIGN_DIV) {
    note_fault(c);
    return;
  }
  const struct expr *divisor = constant_value(value);
  if (!divisor) {
    note_failure(c, NULL, stmt->span, "this division",
                 arena_printf(c->arena, "%s may be 0", text_of(c, value, "the divisor")));
  } else if (divisor->kind == EXPR_FLOAT ? divisor->number == 0 : divisor->integer == 0) {
    diag_error(c->diags, E0206, stmt->span, "this divides by zero");
  }
  note_fault(c);
}

static void check_update(struct checker *c, struct stmt *stmt) {
  enum binary_op op = update_op(stmt->assign.op);
  const struct type *type = stmt->assign.place->type;
  struct expr *value = stmt->assign.value = infer(c, stmt->assign.value, operand_hint(op, type));
  if (value->type->kind == TYPE_ERROR || type->kind == TYPE_ERROR) return;
  adapt_decimals(c, op, stmt->assign.place, value, NULL);
  bool fits;
  if (stmt->assign.op == ASSIGN_CONCAT) {
    struct expr *converted = try_coerce(c, value, type);
    fits = converted && (type->kind == TYPE_STRING || type->kind == TYPE_BYTES ||
                         type->kind == TYPE_LIST);
    if (fits) stmt->assign.value = converted;
  } else {
    fits = arithmetic_type(c, op, type, value->type) == type;
  }
  /* A missing entry of a map begins at 0, and there is no timestamp 0. */
  const struct expr *place = stmt->assign.place;
  bool is_missing_zero = fits && place->kind == EXPR_INDEX && type->kind == TYPE_TIMESTAMP &&
                         place->index.object->type->kind == TYPE_MAP;
  if (!fits || is_missing_zero) {
    report_assign(c, stmt);
  } else if (stmt->assign.op != ASSIGN_CONCAT) {
    note_assign_effects(c, stmt);
  }
}

static void check_assign(struct checker *c, struct stmt *stmt) {
  bool is_good = check_place(c, stmt->assign.place, false);
  if (stmt->assign.op != ASSIGN_SET && is_good) {
    check_update(c, stmt);
    return;
  }
  stmt->assign.value = check_expr(c, stmt->assign.value, is_good ? stmt->assign.place->type : NULL);
}

/* -- emits ----------------------------------------------------------------------------------- */

static uint32_t emit_output(struct checker *c, struct stage *stage, struct ident into) {
  if (stage->emits.count == 0) vec_push(c->arena, &stage->emits, (struct emit_target){0});
  if (!into.text) return 0;
  for (uint32_t i = 1; i < stage->emits.count; i++) {
    if (stage->emits.data[i].into.text == into.text) return i;
  }
  vec_push(c->arena, &stage->emits, (struct emit_target){.into = into});
  return (uint32_t)stage->emits.count - 1;
}

/* The type that the target or an earlier emit asks for, or null. */
static const struct type *emit_hint(struct checker *c, const struct stage *stage, uint32_t output) {
  if (output > 0) {
    struct stream *stream = find_stream(c, stage->emits.data[output].into.text);
    if (stream && stream->kind == STREAM_SINK && stream->item) return stream->item;
  }
  vec_each(struct stmt *, emit, &c->emits) {
    if ((*emit)->emit.output == output && (*emit)->emit.value->type->kind != TYPE_ERROR)
      return (*emit)->emit.value->type;
  }
  return NULL;
}

static void check_emit(struct checker *c, struct stmt *stmt) {
  if (!is_state_place(c)) {
    diag_error(c->diags, E0224, stmt->span, "only a `state` can emit");
    stmt->emit.value = infer(c, stmt->emit.value, NULL);
    return;
  }
  struct stage *stage = c->scope.stage;
  stmt->emit.output = emit_output(c, stage, stmt->emit.into);
  stmt->emit.value = infer(c, stmt->emit.value, emit_hint(c, stage, stmt->emit.output));
  if (stmt->emit.at) stmt->emit.at = check_expr(c, stmt->emit.at, c->types->timestamp);
  vec_push(c->arena, &c->emits, stmt);
}

static void report_emits(struct checker *c, const struct stmt *first, const struct type *first_type,
                         const struct stmt *other, const struct type *other_type) {
  struct diag *diag = diag_error(c->diags, E0212, other->emit.value->span,
                                 "this emit has another type than the first one");
  diag_label(diag, other->emit.value->span, "`%s`", type_name(c->types, other_type));
  diag_label(diag, first->emit.value->span, "`%s`", type_name(c->types, first_type));
  if (other->emit.into.text) {
    diag_help(diag, "emit them into streams of different names");
  } else {
    diag_help(diag, "send one of them elsewhere:  emit … into NAME");
  }
}

/* The common type of an output, or null after a diagnostic or where nothing is emitted. */
static const struct type *join_emits(struct checker *c, uint32_t output) {
  const struct type *joined = NULL;
  const struct stmt *first = NULL;
  bool is_good = true;
  vec_each(struct stmt *, emit, &c->emits) {
    if ((*emit)->emit.output != output) continue;
    const struct type *type = (*emit)->emit.value->type;
    if (type->kind == TYPE_ERROR) {
      is_good = false;
      continue;
    }
    const struct type *both = join_types(c, joined, type);
    if (!both) {
      report_emits(c, first, joined, *emit, type);
      is_good = false;
      continue;
    }
    joined = both;
    if (!first) first = *emit;
  }
  return is_good ? joined : NULL;
}

static bool convert_emits(struct checker *c, uint32_t output, const struct type *type) {
  const struct stmt *first = NULL;
  const struct type *first_type = NULL;
  bool is_good = true;
  vec_each(struct stmt *, emit, &c->emits) {
    if ((*emit)->emit.output != output) continue;
    struct expr **value = &(*emit)->emit.value;
    const struct type *own = (*value)->type;
    struct expr *converted = try_coerce(c, *value, type);
    if (converted) {
      *value = require_concrete(c, converted);
      if ((*value)->type->kind == TYPE_ERROR) is_good = false;
    } else {
      if (first)
        report_emits(c, first, first_type, *emit, own);
      else
        report_type(c, *value, type);
      is_good = false;
    }
    if (!first) first = *emit, first_type = own;
  }
  return is_good;
}

void finish_emits(struct checker *c, struct stage *stage) {
  emit_output(c, stage, (struct ident){0});
  for (uint32_t i = 0; i < stage->emits.count; i++) {
    struct emit_target *target = &stage->emits.data[i];
    const struct type *wanted = NULL;
    struct stream *stream = target->into.text ? find_stream(c, target->into.text) : NULL;
    if (stream && stream->kind == STREAM_SINK && stream->decl && stream->decl->type_syntax)
      wanted = stream->item;
    const struct type *joined = join_emits(c, i);
    if (joined && wanted && wanted->kind != TYPE_ERROR) joined = wanted;
    bool is_good = joined && convert_emits(c, i, joined);
    bool is_used = false;
    vec_each(struct stmt *, emit, &c->emits) is_used = is_used || (*emit)->emit.output == i;
    target->type = is_good ? joined : is_used ? c->types->error : NULL;
    if (target->into.text && strcmp(target->into.text, "skip") != 0)
      check_target(c, target->into, target->type, stage->hides_key ? NULL : stage->in_key, true);
  }
  c->emits.count = 0;
}

/* -- the other statements -------------------------------------------------------------------- */

static void check_let(struct checker *c, struct stmt *stmt) {
  const struct type *type = NULL;
  if (stmt->let.type_syntax) type = check_type_syntax(c, stmt->let.type_syntax);
  stmt->let.value = check_expr(c, stmt->let.value, type);
  bind_local(c, stmt->let.local, type ? type : stmt->let.value->type);
}

/* The place that an iterable is, or borrows from; null if it is a value of its own. */
static const struct expr *iterated_place(const struct expr *iterable) {
  while (iterable->kind == EXPR_BINARY && iterable->binary.op == BINARY_COALESCE)
    iterable = iterable->binary.left;
  const struct expr *root = root_of(iterable);
  bool is_place =
      root->kind == EXPR_NAME && (root->name.ref == REF_STATE || root->name.ref == REF_LOCAL);
  return is_place ? iterable : NULL;
}

static void report_iterable(struct checker *c, const struct stmt *stmt) {
  const struct expr *iterable = stmt->loop.iterable;
  const struct type *type = iterable->type;
  if (type->kind == TYPE_ERROR) return;
  struct diag *diag;
  if (type_is_json(type)) {
    diag = diag_error(c->diags, E0205, iterable->span,
                      "`for` walks over a list, a set or a map, this is `%s`",
                      type_name(c->types, type));
    help_json(c, diag, iterable,
              stmt->loop.second ? type_map(c->types, c->types->string, c->types->json)
                                : type_list(c->types, c->types->json));
    return;
  }
  if (type->kind == TYPE_OPTIONAL) {
    report_absent(c, iterable);
    return;
  }
  if (type->kind == TYPE_MAP) {
    diag = diag_error(c->diags, E0205, stmt->loop.first->name.span,
                      "a `for` over a map names key and value");
    diag_help(diag, "write  for k, v in …  or  for k in keys(…)");
    return;
  }
  if (stmt->loop.second && (type->kind == TYPE_LIST || type->kind == TYPE_SET)) {
    diag = diag_error(c->diags, E0205, stmt->loop.second->name.span,
                      "two names are for maps, this is `%s`", type_name(c->types, type));
    diag_help(diag, "write  for x in …; for positions:  for i in range(0, len(xs))");
    return;
  }
  diag = diag_error(c->diags, E0205, iterable->span,
                    "`for` walks over a list, a set or a map, this is `%s`",
                    type_name(c->types, type));
  if (type->kind == TYPE_INT) diag_help(diag, "count with  range(0, …)");
  if (type->kind == TYPE_STRING)
    diag_help(diag, "take a text apart with  words(…)  or  split(…, \",\")");
}

static void check_for(struct checker *c, struct stmt *stmt) {
  struct expr *iterable = stmt->loop.iterable = check_expr(c, stmt->loop.iterable, NULL);
  const struct type *type = iterable->type;
  bool is_map = type->kind == TYPE_MAP;
  bool is_list = type->kind == TYPE_LIST || type->kind == TYPE_SET;
  bool is_good = stmt->loop.second ? is_map : is_list;
  if (!is_good) report_iterable(c, stmt);
  size_t locals = c->scope.locals.count, loops = c->scope.loops.count;
  const struct type *error = c->types->error;
  bind_local(c, stmt->loop.first, !is_good ? error : is_map ? type->key : type->elem);
  if (stmt->loop.second) bind_local(c, stmt->loop.second, is_good ? type->elem : error);
  if (is_good) vec_push(c->arena, &c->scope.loops, iterated_place(iterable));
  check_block(c, stmt->loop.body);
  c->scope.loops.count = loops;
  c->scope.locals.count = locals;
}

static void check_if(struct checker *c, struct stmt *stmt) {
  size_t locals = c->scope.locals.count;
  check_if_condition(c, &stmt->if_else.condition, stmt->if_else.binder);
  check_block(c, stmt->if_else.then_block);
  c->scope.locals.count = locals;
  if (stmt->if_else.else_block) check_block(c, stmt->if_else.else_block);
}

static void check_match(struct checker *c, struct stmt *stmt) {
  stmt->match.subject = check_expr(c, stmt->match.subject, NULL);
  check_patterns(c, stmt->match.subject, &stmt->match.arms);
  vec_each(struct match_arm, arm, &stmt->match.arms) {
    size_t locals = c->scope.locals.count;
    bind_arm(c, arm);
    check_block(c, arm->body);
    c->scope.locals.count = locals;
  }
}

/* A call may stand alone if it changes something. */
static void check_call_stmt(struct checker *c, struct stmt *stmt) {
  stmt->expr = infer(c, stmt->expr, NULL);
  const struct expr *call = stmt->expr;
  if (call->type->kind == TYPE_ERROR || call->kind != EXPR_CALL) return;
  if (call->call.kind == CALL_BUILTIN && (call->call.builtin->is_mutator || call->type == c->types->unit)) return;
  struct diag *diag = diag_error(c->diags, E0113, call->span,
                                 "`%s` gives a value and changes nothing", call->call.name.text);
  bool is_method = call->call.is_method && call->call.args.count > 0 &&
                   call->call.args.data[0].value->type == call->type;
  if (is_method) {
    const struct expr *receiver = call->call.args.data[0].value;
    diag_help(diag, "keep the value:  %.*s = %.*s", (int)receiver->span.length,
              sources_text(&c->compiler->sources, receiver->span), (int)call->span.length,
              sources_text(&c->compiler->sources, call->span));
  } else {
    diag_help(diag, "use the value:  let x = …, or  emit …");
  }
}

static void check_return(struct checker *c, struct stmt *stmt) {
  struct decl *fn = c->scope.function;
  if (!fn) {
    if (!stmt->expr) return;
    struct diag *diag =
        diag_error(c->diags, E0217, stmt->expr->span, "`return` in a state gives no value");
    diag_help(diag, "send it on:  emit …");
    stmt->expr = infer(c, stmt->expr, NULL);
    return;
  }
  if (!stmt->expr) {
    diag_error(c->diags, E0217, stmt->span, "`return` in a function gives a value");
    return;
  }
  stmt->expr = check_expr(c, stmt->expr, fn->type);
}

static void check_fail(struct checker *c, struct stmt *stmt) {
  stmt->expr = check_expr(c, stmt->expr, c->types->string);
  note_failure(c, NULL, stmt->span, NULL, NULL);
}

static void check_forget(struct checker *c, const struct stmt *stmt) {
  c->scope.change_count++;
  if (is_state_place(c)) return;
  diag_error(c->diags, E0224, stmt->span, "only a `state` has something to forget");
}

static void check_stmt(struct checker *c, struct stmt *stmt) {
  switch (stmt->kind) {
  case STMT_LET: check_let(c, stmt); break;
  case STMT_ASSIGN: check_assign(c, stmt); break;
  case STMT_EXPR: check_call_stmt(c, stmt); break;
  case STMT_EMIT: check_emit(c, stmt); break;
  case STMT_FAIL: check_fail(c, stmt); break;
  case STMT_FORGET: check_forget(c, stmt); break;
  case STMT_RETURN: check_return(c, stmt); break;
  case STMT_IF: check_if(c, stmt); break;
  case STMT_MATCH: check_match(c, stmt); break;
  case STMT_FOR: check_for(c, stmt); break;
  case STMT_ERROR: break;
  }
}

static bool stmt_always_leaves(const struct stmt *stmt) {
  switch (stmt->kind) {
  case STMT_RETURN:
  case STMT_FAIL:
  case STMT_FORGET: return true;
  case STMT_IF:
    return stmt->if_else.else_block && block_always_leaves(stmt->if_else.then_block) &&
           block_always_leaves(stmt->if_else.else_block);
  case STMT_MATCH:
    vec_each(const struct match_arm, arm, &stmt->match.arms) {
      if (!block_always_leaves(arm->body)) return false;
    }
    return stmt->match.arms.count > 0;
  default: return false;
  }
}

bool block_always_leaves(const struct block *block) {
  vec_each(struct stmt *, stmt, &block->stmts) {
    if (stmt_always_leaves(*stmt)) return true;
  }
  return false;
}

void check_block(struct checker *c, struct block *block) {
  size_t locals = c->scope.locals.count;
  bool is_left = false, is_reported = false;
  vec_each(struct stmt *, stmt, &block->stmts) {
    if (is_left && !is_reported) {
      diag_warning(c->diags, W0905, (*stmt)->span, "this is never reached");
      is_reported = true;
    }
    check_stmt(c, *stmt);
    is_left = is_left || stmt_always_leaves(*stmt);
  }
  c->scope.locals.count = locals;
}
