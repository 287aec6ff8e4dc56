/* What is written in a join or lookup, and what is wrong with it. */
#include "front/join.h"

#include <string.h>

#include "front/copy.h"
#include "io/io.h"
#include "ops/op.h"

/* -- names ----------------------------------------------------------------------------------- */

/* Calls `visit` for each name inside the expression, whatever it will mean. */
typedef void (*name_visit)(struct expr *name, void *context);
struct name_walk {
  name_visit visit;
  void *context;
};

static bool visit_names(const struct expr *expr, const void *context) {
  const struct name_walk *walk = context;
  if (expr->kind != EXPR_NAME) return expr_any_child(expr, visit_names, context);
  walk->visit((struct expr *)expr, walk->context);
  return false;
}

static void each_name(struct expr *expr, name_visit visit, void *context) {
  const struct name_walk walk = {visit, context};
  visit_names(expr, &walk);
}

/* Whether a bare name means something of the left item. */
static bool is_of_left(const struct join *j, const char *name) {
  if (j->left.name.text == name || strcmp(name, "it") == 0) return true;
  const struct type *item = j->left.item;
  return !j->stage->instance && item->kind == TYPE_RECORD && type_field_index(item, name) >= 0;
}

struct mention {
  const struct join *join;
  bool has_left, has_right;
};

static void note_mention(struct expr *name, void *context) {
  struct mention *mention = context;
  bool is_right = name->name.text == mention->join->right.name.text;
  mention->has_right = mention->has_right || is_right;
  mention->has_left = mention->has_left || (!is_right && is_of_left(mention->join, name->name.text));
}

static struct mention mention_of(const struct join *j, struct expr *expr) {
  struct mention mention = {.join = j};
  each_name(expr, note_mention, &mention);
  return mention;
}

static const char *intern(const struct join *j, const char *text) {
  return names_intern(&j->c->compiler->names, text, strlen(text));
}

static void name_it(struct expr *name, void *context) {
  const struct join *j = context;
  if (name->name.text == j->left.name.text || name->name.text == j->right.name.text)
    name->name.text = intern(j, "it");
}

/* `field` becomes `$l.field`. */
static void name_pair(struct expr *name, void *context) {
  const struct join *j = context;
  const char *text = name->name.text;
  if (text == j->right.name.text) {
    name->name.text = intern(j, "$r");
    return;
  }
  if (!is_of_left(j, text)) return;
  bool is_whole = text == j->left.name.text || strcmp(text, "it") == 0;
  struct expr *left = arena_new(j->c->arena, struct expr);
  struct expr *item = is_whole ? name : left;
  if (!is_whole) {
    *left = *name;
    name->kind = EXPR_FIELD;
    name->field.object = left;
    name->field.name = (struct ident){text, name->span};
    name->field.is_optional = false;
  }
  item->name.text = intern(j, "$l");
}

/* -- sides ----------------------------------------------------------------------------------- */

/* Whether the items in front of the stage are the pairs of a join in the same pipeline, with nothing but lookups
 * and stages that keep the item in between. */
static bool are_pairs(const struct decl *decl, const struct stage *stage) {
  size_t i = 0;
  while (i < decl->stages.count && decl->stages.data[i] != stage) i++;
  while (i-- > 0) {
    const struct stage *before = decl->stages.data[i];
    const struct stage *whole = before->made_for ? before->made_for : before;
    if (strcmp(whole->verb.text, "join") == 0) return true;
    if (strcmp(whole->verb.text, "lookup") != 0 && !(before->op && before->op->keeps_item)) return false;
  }
  return false;
}

/* What `as` says, or no name. */
static struct ident alias_of(struct checker *c, struct clause_list *clauses) {
  struct clause *clause = check_clause(clauses, "as");
  const char *name = clause ? check_clause_name(c, clause) : NULL;
  return name ? (struct ident){name, clause->value->span} : (struct ident){0};
}

static struct ident left_name(const struct join *j) {
  struct decl *decl = vec_last(&j->c->stack);
  if (j->stage->instance) return (struct ident){intern(j, "left"), j->stage->verb.span};
  if (are_pairs(decl, j->stage)) return (struct ident){0};
  struct ident alias = alias_of(j->c, &decl->clauses);
  if (alias.text) return alias;
  return decl->kind == DECL_SOURCE ? decl->name : decl->start;
}

/* Makes the name of a side visible in `on` and `where`. That of what a lookup is added to may be taken, because
 * its fields are visible too. */
static bool bind_side(const struct join *j, struct join_side *side) {
  if (!side->name.text) return true;
  struct checker *c = j->c;
  bool is_needed = side == &j->right || strcmp(j->stage->verb.text, "join") == 0;
  if (!is_needed && name_is_visible(c, side->name.text)) {
    side->name = (struct ident){0};
    return true;
  }
  if (!name_is_visible(c, side->name.text)) {
    struct local *local = arena_new(c->arena, struct local);
    local->name = side->name;
    bind_local(c, local, side->item);
    return true;
  }
  struct diag *diag = diag_error(c->diags, E0203, j->stage->verb.span,
                                 "the %s side of this %s is called `%s`, and so is something else here",
                                 side == &j->left ? "left" : "right", j->stage->verb.text, side->name.text);
  diag_help(diag, "give it another name:  %s as NAME", side == &j->left ? "… = STREAM" : j->stage->name.text);
  return false;
}

/* A side without an item is an absent one, so items are there; false after a diagnostic. */
static bool check_item(const struct join *j, const struct join_side *side) {
  if (side->item->kind != TYPE_OPTIONAL) return true;
  struct checker *c = j->c;
  bool is_left = side == &j->left;
  struct span span = is_left ? j->stage->verb.span : j->stage->name.span;
  struct diag *diag = diag_error(c->diags, E0408, span, "the items of the %s side may be absent themselves",
                                 is_left ? "left" : "right");
  diag_label(diag, span, "`%s`", type_name(c->types, side->item));
  diag_help(diag, "make records of them:  |> map { value: it }");
  return false;
}

/* Finds out what stands on both sides, and makes their names visible; false after a diagnostic. */
static bool find_sides(struct join *j) {
  struct checker *c = j->c;
  struct stage *stage = j->stage;
  struct ident alias = alias_of(c, &stage->clauses);
  struct scope outer = c->scope;
  const struct stream *stream = check_read(c, stage->names.data[0]);
  c->scope = outer;
  if (!stream || stream->item->kind == TYPE_ERROR) return false;
  j->left = (struct join_side){.name = left_name(j), .item = stage->in_item, .has_time = stage->in_time};
  j->right = (struct join_side){.name = alias.text ? alias : stage->name, .item = stream->item,
                                .has_time = stream->has_time};
  c->scope.key = NULL; /* it is that of one side, and there will be another one */
  if (j->left.name.text == j->right.name.text) {
    struct diag *diag = diag_error(c->diags, E0203, j->right.name.span, "both sides are called `%s`",
                                   j->right.name.text);
    diag_help(diag, "give them names:  %s as a |> %s %s as b on a.… == b.…", j->left.name.text,
              stage->verb.text, stage->name.text);
    return false;
  }
  if (!check_item(j, &j->left) || !check_item(j, &j->right)) return false;
  return bind_side(j, &j->left) && bind_side(j, &j->right);
}

/* -- on -------------------------------------------------------------------------------------- */

static const char *name_or(const struct join_side *side, const char *otherwise) {
  return side->name.text ? side->name.text : otherwise;
}

static struct diag *report_on(const struct join *j, struct span span, const char *problem) {
  struct diag *diag = diag_error(j->c->diags, E0408, span, "%s", problem);
  diag_help(diag, "write  on %s.FIELD == %s.FIELD", name_or(&j->left, "it"), j->right.name.text);
  return diag;
}

/* The parts of the key: equalities joined by `and`. */
struct on_parts {
  struct expr_list left, right;
};

/* Adds the equalities of the expression; false after a diagnostic. */
static bool split_on(const struct join *j, struct expr *on, struct on_parts *parts) {
  if (on->kind == EXPR_BINARY && on->binary.op == BINARY_AND)
    return split_on(j, on->binary.left, parts) && split_on(j, on->binary.right, parts);
  if (on->kind != EXPR_BINARY || on->binary.op != BINARY_EQ) {
    struct diag *diag = report_on(j, on->span, "`on` compares a value of the left side with one of the right");
    bool is_condition = mention_of(j, on).has_left || mention_of(j, on).has_right;
    if (is_condition) diag_help(diag, "other conditions on a pair stand behind `where`");
    return false;
  }
  struct expr *sides[] = {on->binary.left, on->binary.right};
  struct mention mentions[] = {mention_of(j, sides[0]), mention_of(j, sides[1])};
  for (size_t i = 0; i < 2; i++) {
    bool is_both = mentions[i].has_left && mentions[i].has_right;
    if (is_both || (!mentions[i].has_left && !mentions[i].has_right)) {
      struct diag *diag = report_on(j, sides[i]->span, is_both ? "here both sides of the join are mixed"
                                                               : "this is of neither side of the join");
      const char *name = sides[i]->kind == EXPR_NAME ? sides[i]->name.text : NULL;
      const struct type *right = j->right.item;
      if (name && right->kind == TYPE_RECORD && type_field_index(right, name) >= 0)
        diag_help(diag, "the field of the right side is  %s.%s", j->right.name.text, name);
      return false;
    }
  }
  if (mentions[0].has_left == mentions[1].has_left) {
    report_on(j, on->span, arena_printf(j->c->arena, "both values are of the %s side of the join",
                                        mentions[0].has_left ? "left" : "right"));
    return false;
  }
  size_t left = mentions[0].has_left ? 0 : 1;
  vec_push(j->c->arena, &parts->left, sides[left]);
  vec_push(j->c->arena, &parts->right, sides[1 - left]);
  return true;
}

/* Types a copy of an expression. *may_stop is set where it can fail or fault, which the stage's `else` handles. */
static const struct type *type_of(const struct join *j, const struct expr *expr, const struct type *wanted,
                                  bool *may_stop) {
  struct scope *scope = &j->c->scope;
  size_t failures = scope->failures.count;
  uint32_t faults = scope->fault_count;
  const struct type *type = check_expr(j->c, copy_expr(j->c->arena, expr), wanted)->type;
  *may_stop = *may_stop || scope->failures.count > failures || scope->fault_count > faults;
  return type;
}

/* The type that two expressions, which become parts of the key, have in common; null after a diagnostic. */
static const struct type *check_part(struct join *j, const struct expr *left, const struct expr *right) {
  struct checker *c = j->c;
  const struct type *a = type_of(j, left, NULL, &j->left.may_stop);
  const struct type *b = type_of(j, right, NULL, &j->right.may_stop);
  if (a->kind == TYPE_ERROR || b->kind == TYPE_ERROR) return NULL;
  if (a != b) {
    struct diag *diag = diag_error(c->diags, E0408, right->span, "values of different types are never equal");
    diag_label(diag, left->span, "`%s`", type_name(c->types, a));
    diag_label(diag, right->span, "`%s`", type_name(c->types, b));
    if (type_optional(c->types, a) == type_optional(c->types, b))
      diag_help(diag, "say what stands for one that is absent:  … ?? %s",
                example_value(a->kind == TYPE_OPTIONAL ? b : a));
    return NULL;
  }
  if (type_is_key(a)) return a;
  struct diag *diag = diag_error(c->diags, E0402, left->span, "`%s` cannot be a key",
                                 type_name(c->types, a));
  diag_note(diag, "keys have no float, list, set or map inside");
  return NULL;
}

/* What a part of the key is called: after a field on the left, else on the right. */
static struct ident part_name(const struct expr *left, const struct expr *right) {
  if (left->kind == EXPR_FIELD) return left->field.name;
  if (left->kind == EXPR_NAME) return (struct ident){left->name.text, left->span};
  return right->kind == EXPR_FIELD ? right->field.name : (struct ident){0};
}

/* A name of the left side as one of the result, which has a field for it. */
static void name_field(struct expr *name, void *context) {
  struct join *j = context;
  bool is_whole = name->name.text == j->left.name.text;
  bool is_field = !j->left.name.text && is_of_left(j, name->name.text) && strcmp(name->name.text, "it") != 0;
  if (is_whole || is_field) name->name.ref = REF_FIELD;
  else if (is_of_left(j, name->name.text)) j->key_by = NULL;
}

/* Notes what of a pair is its key: the left side of `on`, if that is always there. */
static void note_key_by(struct join *j, struct expr *key) {
  struct clause *emit = check_clause(&j->stage->clauses, "emit");
  bool is_running = emit && emit->value && emit->value->kind == EXPR_NAME &&
                    strcmp(emit->value->name.text, "running") == 0;
  if (j->stage->join_kind == JOIN_FULL || is_running) return;
  j->key_by = key;
  each_name(key, name_field, j);
}

/* The key of a side: its one part, or a record of them. */
static struct expr *key_of(const struct join *j, const struct expr_list *side, const struct ident_list *names) {
  struct arena *arena = j->c->arena;
  struct expr *key = copy_expr(arena, side->data[0]);
  if (side->count > 1) {
    struct expr *record = arena_new(arena, struct expr);
    record->kind = EXPR_RECORD;
    record->span = j->stage->verb.span;
    for (size_t i = 0; i < side->count; i++) {
      struct record_item item = {.name = names->data[i], .value = copy_expr(arena, side->data[i])};
      vec_push(arena, &record->record.items, item);
    }
    key = record;
  }
  return key;
}

static bool check_on(struct join *j) {
  struct checker *c = j->c;
  struct clause *clause = check_clause(&j->stage->clauses, "on");
  if (!clause || !clause->value) {
    report_on(j, clause ? clause->name.span : j->stage->verb.span,
              arena_printf(c->arena, "this %s does not say what belongs together", j->stage->verb.text));
    return false;
  }
  struct on_parts parts = {0};
  struct ident_list names = {0};
  struct type_field_list fields = {0};
  if (!split_on(j, clause->value, &parts)) return false;
  bool is_good = true;
  for (size_t i = 0; i < parts.left.count; i++) {
    const struct type *type = check_part(j, parts.left.data[i], parts.right.data[i]);
    is_good = is_good && type;
    struct ident name = part_name(parts.left.data[i], parts.right.data[i]);
    for (size_t k = 0; k < i && name.text; k++) {
      if (names.data[k].text != name.text) continue;
      const char *numbered = intern(j, arena_printf(c->arena, "%s_%zu", name.text, i + 1));
      name.text = numbered;
    }
    if (!name.text && parts.left.count > 1) {
      struct diag *diag = diag_error(c->diags, E0402, parts.left.data[i]->span, "a part of a key needs a name");
      diag_help(diag, "let one side of each equality be a field");
      return false;
    }
    vec_push(c->arena, &names, name);
    vec_push(c->arena, &fields, (struct type_field){.name = name.text, .type = type});
  }
  if (!is_good) return false;
  j->key = fields.count == 1 ? fields.data[0].type : type_structural(c->types, fields.data, fields.count);
  note_key_by(j, key_of(j, &parts.left, &names));
  j->left.key = key_of(j, &parts.left, &names);
  j->right.key = key_of(j, &parts.right, &names);
  each_name(j->left.key, name_it, j);
  each_name(j->right.key, name_it, j);
  j->key_span = parts.left.count == 1 ? parts.left.data[0]->span : clause->value->span;
  return true;
}

/* -- bounds ---------------------------------------------------------------------------------- */

static struct expr *negative(struct checker *c, struct expr *value) {
  struct expr *expr = arena_new(c->arena, struct expr);
  expr->kind = EXPR_UNARY;
  expr->span = value->span;
  expr->unary.op = UNARY_NEGATE;
  expr->unary.operand = copy_expr(c->arena, value);
  return expr;
}

/* `high - low`, which must not be less than nothing. */
static void check_range(struct join *j, struct span span) {
  struct checker *c = j->c;
  struct expr *length = arena_new(c->arena, struct expr);
  length->kind = EXPR_BINARY;
  length->span = length->binary.op_span = span;
  length->binary.op = BINARY_SUB;
  length->binary.left = copy_expr(c->arena, j->high);
  length->binary.right = copy_expr(c->arena, j->low);
  length = check_constant(c, length, c->types->duration, true);
  const struct bound bound = {.code = E0408, .what = "the length of `within`", .least = 0,
                              .why = "this ends before it begins, so there would be no pairs",
                              .help = "the earlier bound comes first:  within -5m..1h"};
  check_bound(c, length, &bound);
}

static bool check_within(struct join *j, struct clause *clause) {
  struct checker *c = j->c;
  size_t errors = c->diags->error_count;
  if (!clause->value) {
    struct diag *diag = diag_error(c->diags, E0408, clause->name.span, "`within` needs a duration");
    diag_help(diag, "write  within 1h,  or  within -5m..1h");
    return false;
  }
  struct expr *value = check_constant(c, copy_expr(c->arena, clause->value), c->types->duration, true);
  if (clause->high) {
    j->low = clause->value;
    j->high = clause->high;
    check_constant(c, copy_expr(c->arena, clause->high), c->types->duration, true);
    if (c->diags->error_count == errors)
      check_range(j, span_join(clause->value->span, clause->high->span));
  } else {
    j->low = negative(c, clause->value);
    j->high = clause->value;
    const struct bound bound = {
        .code = E0408, .what = "`within`", .least = 0, .why = "nothing is less than no time away",
        .help = "`within 1h` means one hour before or after; for one direction write  within 0s..1h"};
    check_bound(c, value, &bound);
  }
  return c->diags->error_count == errors;
}

static bool check_in_window(struct join *j, struct clause *clause) {
  struct checker *c = j->c;
  size_t errors = c->diags->error_count;
  if (strcmp(clause->name.text, "in window tumbling") != 0) {
    struct diag *diag = diag_error(c->diags, E0408, clause->name.span, "a join goes by tumbling windows only");
    diag_help(diag, "write  in window tumbling 10s,  or  within 10s, which pairs what is less than that apart");
    return false;
  }
  j->size = clause->value;
  if (!clause->value) {
    struct diag *diag = diag_error(c->diags, E0408, clause->name.span, "this window has no size");
    diag_help(diag, "write  in window tumbling 10s");
    return false;
  }
  struct expr *size = check_constant(c, copy_expr(c->arena, j->size), c->types->duration, true);
  const struct bound bound = {.code = E0408, .what = "the size of the window", .least = 1,
                              .why = "nothing can be in a window of no time",
                              .help = "write  in window tumbling 10s"};
  check_bound(c, size, &bound);
  struct clause *origin = check_clause(&j->stage->clauses, "origin");
  j->origin = origin ? origin->value : NULL;
  if (j->origin) check_constant(c, copy_expr(c->arena, j->origin), c->types->timestamp, true);
  return c->diags->error_count == errors;
}

/* One of the words of a clause, or -1 where it is another one, which is reported. */
static int word_of(struct checker *c, const struct clause *clause, const char *const *words) {
  const struct expr *value = clause->value;
  const char *word = value && value->kind == EXPR_NAME ? value->name.text : "";
  struct text list;
  text_init(&list, c->arena);
  for (int i = 0; words[i]; i++) {
    if (strcmp(words[i], word) == 0) return i;
    text_addf(&list, "%s`%s %s`", i ? ", " : "", clause->name.text, words[i]);
  }
  struct diag *diag = diag_error(c->diags, E0408, value ? value->span : clause->name.span, "a join has no `%s%s%s`",
                                 clause->name.text, *word ? " " : "", word);
  diag_note(diag, "there are %s", list.data);
  return -1;
}

/* `expires` or `unbounded`, `keep` and `emit`. */
static bool check_unbounded(struct join *j) {
  struct checker *c = j->c;
  struct stage *stage = j->stage;
  size_t errors = c->diags->error_count;
  struct clause *expires = check_clause(&stage->clauses, "expires");
  if (expires) {
    j->expires = expires->value;
    struct clause copy = *expires;
    copy.value = copy_expr(c->arena, expires->value);
    check_clause_duration(c, &copy, 1, "write  expires 1d");
  }
  static const char *const keeps[] = {"all", "first", "last", NULL};
  static const char *const emits[] = {"complete", "running", "final", NULL};
  struct clause *keep = check_clause(&stage->clauses, "keep"), *emit = check_clause(&stage->clauses, "emit");
  int kept = keep ? word_of(c, keep, keeps) : 0, sent = emit ? word_of(c, emit, emits) : 0;
  j->bound = JOIN_UNBOUNDED;
  j->keep = kept > 0 ? (enum join_keep)kept : JOIN_KEEP_ALL;
  j->emit = keep || emit ? (enum join_emit)(JOIN_EMIT_COMPLETE + (sent > 0 ? sent : 0)) : JOIN_EMIT_PAIRS;
  bool is_outer = stage->join_kind != JOIN_INNER;
  if (is_outer && j->emit != JOIN_EMIT_RUNNING && j->emit != JOIN_EMIT_FINAL && c->diags->error_count == errors) {
    struct diag *diag = diag_error(c->diags, E0408, stage->verb.span,
                                   "a partner may always come, so nothing is ever known to have none");
    diag_help(diag, "bound the join:  within 1h");
    diag_help(diag, "or say when to look:  emit final, at the end,  or  emit running, with each item");
  }
  return c->diags->error_count == errors;
}

static bool report_no_time(const struct join *j, const struct clause *clause) {
  const struct join_side *side = j->left.has_time ? &j->right : &j->left;
  if (side->has_time) return false;
  struct diag *diag = diag_error(j->c->diags, E0408, clause->name.span, "the items of the %s side have no time",
                                 side == &j->left ? "left" : "right");
  diag_help(diag, "give %s one, in front of any `key by`:  %s |> time by … lag 5s",
            side->name.text ? arena_printf(j->c->arena, "`%s`", side->name.text) : "them",
            side == &j->left ? "…" : j->stage->name.text);
  return true;
}

static void report_no_bound(const struct join *j) {
  struct diag *diag = diag_error(j->c->diags, E0409, j->stage->verb.span,
                                 "this join would keep all items for ever");
  if (j->left.has_time && j->right.has_time) {
    diag_help(diag, "pair only what is close in time:  within 1h");
    diag_help(diag, "or forget a key that had no item for long:  expires 1d");
  } else {
    diag_help(diag, "forget a key that had no item for long:  expires 1d");
    diag_help(diag, "or, where both streams have a time, pair only what is close in time:  within 1h");
  }
  diag_help(diag, "or keep everything openly:  unbounded");
}

/* Reports a clause that is there and belongs to another kind of join. */
static bool report_misplaced(const struct join *j, const char *name, const char *why, const char *help) {
  struct clause *clause = check_clause(&j->stage->clauses, name);
  if (!clause) return false;
  struct diag *diag = diag_error(j->c->diags, E0408, clause->name.span, "%s", why);
  diag_help(diag, "%s", help);
  return true;
}

static struct clause *window_clause(struct clause_list *clauses) {
  vec_each(struct clause, clause, clauses)
    if (strncmp(clause->name.text, "in window", strlen("in window")) == 0)
      return check_clause(clauses, clause->name.text);
  return NULL;
}

/* Finds out what bounds the join; false after a diagnostic. */
static bool check_join_bound(struct join *j) {
  struct stage *stage = j->stage;
  struct clause *within = check_clause(&stage->clauses, "within"), *window = window_clause(&stage->clauses);
  struct clause *unbounded = check_clause(&stage->clauses, "unbounded");
  bool is_timed = within || window;
  if (is_timed) {
    static const char *const others[] = {"keep", "emit", "expires", "unbounded"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
      const char *why = arena_printf(j->c->arena, "`%s` is for a join without `%s`", others[i],
                                     within ? "within" : "in window");
      if (report_misplaced(j, others[i], why,
                           "here each pair is sent once, and what can have no partner any more is dropped"))
        return false;
    }
    if (within && window) {
      diag_error(j->c->diags, E0408, window->name.span, "a join has `within` or `in window`");
      return false;
    }
    if (report_no_time(j, within ? within : window)) return false;
    j->bound = within ? JOIN_WITHIN : JOIN_IN_WINDOW;
    return within ? check_within(j, within) : check_in_window(j, window);
  }
  if (!unbounded && !check_clause(&stage->clauses, "expires")) {
    report_no_bound(j);
    return false;
  }
  if (stage->late.text) {
    struct diag *diag = diag_error(j->c->diags, E0408, stage->late.span, "nothing is late here");
    diag_help(diag, "without `within` and `in window` an item may always have a partner");
    return false;
  }
  return check_unbounded(j);
}

/* -- the rest -------------------------------------------------------------------------------- */

static bool check_where(struct join *j) {
  struct checker *c = j->c;
  struct clause *clause = check_clause(&j->stage->clauses, "where");
  if (!clause) return true;
  if (!clause->value) {
    diag_error(c->diags, E0216, clause->name.span, "`where` needs a condition");
    return false;
  }
  const struct type *type = type_of(j, clause->value, c->types->bool_, &j->where_may_stop);
  j->where = copy_expr(c->arena, clause->value);
  each_name(j->where, name_pair, j);
  return type->kind != TYPE_ERROR;
}

/* The result has the fields of both sides; false after a diagnostic. */
static bool check_result(const struct join *j) {
  const struct type *left = j->left.item;
  if (j->left.name.text || left->kind != TYPE_RECORD || type_field_index(left, j->right.name.text) < 0)
    return true;
  struct diag *diag = diag_error(j->c->diags, E0203, j->right.name.span, "the items have a field `%s` already",
                                 j->right.name.text);
  diag_help(diag, "give this side another name:  %s as NAME", j->stage->name.text);
  return false;
}

/* What both verbs have in common; false after a diagnostic. */
static bool begin(struct join *j, struct checker *c, struct stage *stage) {
  *j = (struct join){.c = c, .stage = stage};
  if (!find_sides(j) || !check_on(j) || !check_result(j)) return false;
  j->id = check_stage_id(c, stage);
  return j->id.text != NULL;
}

/* Reports what is left to report; whether all is good. */
static bool finish(struct join *j, const char *const *known, size_t errors) {
  struct checker *c = j->c;
  check_unused_clauses(c, &j->stage->clauses, arena_printf(c->arena, "`%s`", j->stage->verb.text), known);
  if (j->stage->on_fail.kind == ON_FAIL_NONE) report_failures(c);
  j->stage->can_fail = j->left.may_stop || j->right.may_stop || j->where_may_stop;
  check_handler(c, j->stage, errors);
  return c->diags->error_count == errors;
}

size_t join_expand(struct checker *c, struct stage *const *stages, size_t count, struct stage_list *made) {
  (void)count;
  size_t errors = c->diags->error_count;
  struct join j;
  if (!begin(&j, c, stages[0]) || !check_where(&j) || !check_join_bound(&j)) return 0;
  check_clause(&j.stage->clauses, "was");
  static const char *const known[] = {"on",   "as",   "where",   "within", "in window tumbling", "unbounded",
                                      "keep", "emit", "expires", "named",  "late into", "was", NULL};
  if (!finish(&j, known, errors)) return 0;
  *made = join_stages(&j);
  return 1;
}

/* -- lookup ---------------------------------------------------------------------------------- */

/* Whether the stream is one file, or more of them, that are read to their end: a table. */
static bool is_table(struct checker *c, const struct stream *stream) {
  if (stream->kind == STREAM_SOURCE) return stream->decl->io && !stream->decl->io->connector->is_live;
  if (stream->kind != STREAM_PIPELINE) return false;
  const struct stream *start = find_stream(c, stream->decl->start.text);
  return start && start != stream && is_table(c, start);
}

/* The latest row of what? False after a diagnostic. */
static bool check_looked_up(const struct join *j) {
  struct ident name = j->stage->names.data[0];
  const struct stream *stream = find_stream(j->c, name.text);
  if (stream->key || is_table(j->c, stream)) return true;
  struct diag *diag = diag_error(j->c->diags, E0410, name.span,
                                 "`%s` has no key, and is no file that is read to its end", name.text);
  diag_note(diag, "a lookup reads the latest item of each key, or a file that is read before everything else");
  diag_help(diag, "give it a key:  stream latest = %s |> key by …", name.text);
  return false;
}

size_t lookup_expand(struct checker *c, struct stage *const *stages, size_t count, struct stage_list *made) {
  (void)count;
  size_t errors = c->diags->error_count;
  struct join j;
  if (!begin(&j, c, stages[0]) || !check_looked_up(&j)) return 0;
  const struct type *item = j.left.item;
  if (item->kind != TYPE_RECORD || type_field_index(item, j.right.name.text) >= 0) {
    struct diag *diag = item->kind == TYPE_RECORD
        ? diag_error(c->diags, E0203, j.right.name.span, "the items have a field `%s` already", j.right.name.text)
        : diag_error(c->diags, E0410, j.stage->verb.span, "a lookup adds a field, and `%s` has none",
                     type_name(c->types, item));
    if (item->kind == TYPE_RECORD) diag_help(diag, "give it another name:  lookup %s as NAME", j.stage->name.text);
    else diag_help(diag, "make a record of it before:  |> map { NAME: it }");
    return 0;
  }
  if (j.stage->late.text) {
    struct diag *diag = diag_error(c->diags, E0410, j.stage->late.span, "nothing is late for a lookup");
    diag_help(diag, "leave `late into` out");
  }
  check_clause(&j.stage->clauses, "was");
  static const char *const known[] = {"on", "as", "named", "was", NULL};
  if (!finish(&j, known, errors)) return 0;
  *made = lookup_stages(&j);
  return 1;
}
