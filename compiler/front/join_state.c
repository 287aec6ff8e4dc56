/* The text of the states that joins are. */
#include "front/join.h"

#include <inttypes.h>
#include <string.h>

enum side { LEFT, RIGHT };

static const char *const lists[] = {[LEFT] = "$s.left", [RIGHT] = "$s.right"};
static const char *const items[] = {[LEFT] = "$l", [RIGHT] = "$r"};     /* an item, in a body */
static const char *const rows[] = {[LEFT] = "$left", [RIGHT] = "$right"}; /* the same in a row of both sides */

/* What is written of a join, and the quote that it becomes. */
struct script {
  const struct join *join;
  struct quote quote;
  struct text out;
  const char *pair;     /* the item of the result: with both sides, with one of them alone */
  const char *alone[2];
  bool shows_alone[2];  /* items of that side come through without a partner */
  bool has_time;        /* pairs have one */
};

#define ADD(s, ...)  text_addf(&(s)->out, __VA_ARGS__)
#define TEXT(s, ...) arena_printf((s)->join->c->arena, __VA_ARGS__)

static const char *intern(const struct script *s, const char *text) {
  return names_intern(&s->join->c->compiler->names, text, strlen(text));
}

/* -- items of the result ----------------------------------------------------------------------- */

/* The fields that a side gives, or which are absent. */
static const char *left_fields(struct script *s, bool is_there) {
  const struct join *j = s->join;
  if (j->left.name.text) {
    quote_name_hole(&s->quote, "$left_name", j->left.name);
    return TEXT(s, "$left_name: %s", is_there ? "$l" : "none");
  }
  struct text list;
  text_init(&list, j->c->arena);
  for (size_t i = 0; i < j->left.item->fields.count; i++) {
    const char *hole = TEXT(s, "$field_%zu", i);
    quote_name_hole(&s->quote, hole, (struct ident){j->left.item->fields.data[i].name, j->stage->verb.span});
    text_addf(&list, "%s%s: ", i ? ", " : "", hole);
    text_addf(&list, is_there ? "$l.%s" : "none", hole);
  }
  return list.data;
}

static void name_results(struct script *s) {
  quote_name_hole(&s->quote, "$right_name", s->join->right.name);
  const char *left = left_fields(s, true);
  s->pair = TEXT(s, "{ %s, $right_name: $r }", left);
  s->alone[LEFT] = TEXT(s, "{ %s, $right_name: none }", left);
  s->alone[RIGHT] = TEXT(s, "{ %s, $right_name: $r }", left_fields(s, false));
}

/* ` at TIME` of an `emit`, where items have a time. */
static const char *at(const struct script *s, const char *time) {
  return s->has_time ? TEXT(s, " at %s", time) : "";
}

/* Opens the condition of a pair `$l`, `$r`; returns what closes it. */
static const char *open_where(struct script *s) {
  if (!s->join->where) return "";
  ADD(s, "if $where {\n");
  return "}\n";
}

/* -- rows of both sides ---------------------------------------------------------------------- */

static struct type_field field(const struct script *s, const char *name, const struct type *type) {
  return (struct type_field){.name = intern(s, name), .type = type};
}

/* `{ $key: KEY, $left: A?, $right: B? }`, in a lookup with the key that its stream has. */
static const struct type *row_type(const struct script *s, const struct type *outer_key) {
  const struct join *j = s->join;
  struct types *types = j->c->types;
  const struct type_field fields[] = {
      field(s, "$key", j->key),
      field(s, "$left", type_optional(types, j->left.item)),
      field(s, "$right", type_optional(types, j->right.item)),
      field(s, "$outer", type_optional(types, outer_key ? outer_key : types->bool_)),
  };
  return type_structural(types, fields, outer_key ? 4 : 3);
}

/* The stages in front of the state. */
static struct stage_list sides(struct script *s, const struct type *outer_key) {
  const struct join *j = s->join;
  const struct type *row = row_type(s, outer_key);
  quote_expr_hole(&s->quote, "$left_key", j->left.key);
  quote_expr_hole(&s->quote, "$right_key", j->right.key);
  quote_name_hole(&s->quote, "$stream", j->stage->names.data[0]);
  struct stage_list stages = quote_stages(
      &s->quote, TEXT(s, "|> map { $key: $left_key, $left: it, $right: none%s } |> merge $stream |> key by it.$key",
                      outer_key ? ", $outer: key" : ""));
  struct stage *merge = stages.data[1];
  merge->side = quote_stages(
      &s->quote, TEXT(s, "|> map { $key: $right_key, $left: none, $right: it%s }", outer_key ? ", $outer: none" : ""));
  merge->is_lookup = strcmp(j->stage->verb.text, "lookup") == 0;
  stages.data[0]->wanted = merge->side.data[0]->wanted = row;
  stages.data[2]->args.data[0]->span = j->key_span;
  if (j->left.may_stop) stages.data[0]->on_fail = j->stage->on_fail;
  if (j->right.may_stop) merge->side.data[0]->on_fail = j->stage->on_fail;
  return stages;
}

/* All stages, of which those of the text that was written are the last. */
static struct stage_list finish(struct script *s, struct stage_list stages) {
  struct stage_list last = quote_stages(&s->quote, s->out.data);
  if (s->join->where_may_stop) last.data[0]->on_fail = s->join->stage->on_fail;
  vec_each(struct stage *, stage, &last) vec_push(s->join->c->arena, &stages, *stage);
  return stages;
}

/* ` named ID was "OLD"` of the state. */
static const char *identity(struct script *s) {
  const struct join *j = s->join;
  struct expr *name = arena_new(j->c->arena, struct expr);
  name->kind = EXPR_NAME;
  name->name.text = j->id.text;
  name->span = j->id.span;
  quote_expr_hole(&s->quote, "$id", name);
  struct clause *was = check_clause(&j->stage->clauses, "was");
  if (was && was->value) quote_expr_hole(&s->quote, "$was", was->value);
  return was && was->value ? "named $id was $was" : "named $id";
}

static void begin(struct script *s, const struct join *j) {
  *s = (struct script){.join = j, .has_time = j->left.has_time && j->right.has_time};
  quote_begin(&s->quote, j->c, j->stage);
  text_init(&s->out, j->c->arena);
  quote_type_hole(&s->quote, "$Left", j->left.item);
  quote_type_hole(&s->quote, "$Right", j->right.item);
  if (j->where) quote_expr_hole(&s->quote, "$where", j->where);
  if (j->low) quote_expr_hole(&s->quote, "$low", j->low);
  if (j->high) quote_expr_hole(&s->quote, "$high", j->high);
  if (j->size) quote_expr_hole(&s->quote, "$size", j->size);
  if (j->origin) quote_expr_hole(&s->quote, "$origin", j->origin);
  if (j->expires) quote_expr_hole(&s->quote, "$expires", j->expires);
  s->shows_alone[LEFT] = j->stage->join_kind != JOIN_INNER;
  s->shows_alone[RIGHT] = j->stage->join_kind == JOIN_FULL;
}

/* -- joins that time bounds -------------------------------------------------------------------- */

/* The window around a time begins here. */
static const char *window_start(const struct script *s, const char *time) {
  return TEXT(s, "$floor(%s, $size, %s)", time, s->join->origin ? "$origin" : "@1970-01-01T00:00:00Z");
}

/* How far an item of a side reaches into the future. */
static const char *reach(enum side side) {
  return side == LEFT ? "max($high, 0s)" : "max(-$low, 0s)";
}

/* When the watermark has passed the reach of an item, so that it can have no partner any more. */
static const char *until(const struct script *s, enum side side, const char *time) {
  if (s->join->bound == JOIN_IN_WINDOW) return TEXT(s, "$later(%s, $size)", window_start(s, time));
  return TEXT(s, "$later(%s, %s + 1us)", time, reach(side));
}

/* In a hook: items of a side that are earlier are over. */
static const char *over(const struct script *s, enum side side) {
  return s->join->bound == JOIN_IN_WINDOW ? "time()" : TEXT(s, "$earlier(time(), %s)", reach(side));
}

/* The time of the first partner of an item of a side that has the time `$at`, and what is behind the last one. */
static const char *first_partner(const struct script *s, enum side side) {
  if (s->join->bound == JOIN_IN_WINDOW) return window_start(s, "$at");
  return side == LEFT ? "$later($at, $low)" : "$earlier($at, $high)";
}

static const char *behind_partners(const struct script *s, enum side side) {
  if (s->join->bound == JOIN_IN_WINDOW) return "$until";
  return side == LEFT ? "$later($at, $high + 1us)" : "$later($at, 1us - $low)";
}

/* A key that has nothing but a late item is not kept. */
static void add_late(struct script *s, enum side side) {
  if (s->join->stage->late.text) {
    quote_name_hole(&s->quote, "$late_items", s->join->stage->late);
    ADD(s, "emit %s into $late_items\n", s->alone[side]);
  } else {
    ADD(s, "$late()\n");
  }
  ADD(s, "if len($s.left) == 0 and len($s.right) == 0 { forget }\n");
}

/* What an item of a side does: it meets those of the other side that are kept, and is kept itself. */
static void add_timed_item(struct script *s, enum side side) {
  enum side other = side == LEFT ? RIGHT : LEFT;
  ADD(s, "if let %s = it.%s {\n", items[side], rows[side]);
  ADD(s, "let $at = time()\nlet $until = %s\n", until(s, side, "$at"));
  ADD(s, "if $until <= $mark() {\n");
  add_late(s, side);
  ADD(s, "} else {\n");
  if (s->shows_alone[side]) ADD(s, "let $met = false\n");
  ADD(s, "for $i in $range($find(%s, %s), $find(%s, %s)) {\n", lists[other], first_partner(s, side), lists[other],
      behind_partners(s, side));
  ADD(s, "let %s = %s[$i].item\n", items[other], lists[other]);
  const char *close = open_where(s);
  ADD(s, "emit %s at max($at, %s[$i].at)\n", s->pair, lists[other]);
  if (s->shows_alone[side]) ADD(s, "$met = true\n");
  if (s->shows_alone[other]) ADD(s, "%s[$i].met = true\n", lists[other]);
  ADD(s, "%s}\n", close);
  ADD(s, "$insert(%s, $find(%s, $later($at, 1us)), { at: $at, item: %s%s })\n", lists[side], lists[side],
      items[side], s->shows_alone[side] ? ", met: $met" : "");
  ADD(s, "if let $next = $s.next { if $until < $next { $s.next = $until } } else { $s.next = $until }\n");
  ADD(s, "}\n}\n");
}

/* What is over goes; what had no partner is sent first. */
static void add_drop(struct script *s, enum side side) {
  ADD(s, "let $over_%d = $find(%s, %s)\n", side, lists[side], over(s, side));
  if (s->shows_alone[side]) {
    ADD(s, "for $i in $range(0, $over_%d) {\n", side);
    ADD(s, "let %s = %s[$i].item\n", items[side], lists[side]);
    ADD(s, "if not %s[$i].met { emit %s at $shown($earlier(time(), 1us)) }\n", lists[side], s->alone[side]);
    ADD(s, "}\n");
  }
  ADD(s, "$drop(%s, $over_%d)\n", lists[side], side);
}

static void add_timed_hook(struct script *s) {
  ADD(s, "on at $s.next {\n");
  add_drop(s, LEFT);
  add_drop(s, RIGHT);
  ADD(s, "if len($s.left) == 0 and len($s.right) == 0 { forget }\n");
  ADD(s, "$s.next = none\n");
  ADD(s, "if len($s.left) > 0 { $s.next = %s }\n", until(s, LEFT, "$s.left[0].at"));
  ADD(s, "if len($s.right) > 0 {\n");
  ADD(s, "let $until = %s\n", until(s, RIGHT, "$s.right[0].at"));
  ADD(s, "if let $next = $s.next { if $until < $next { $s.next = $until } } else { $s.next = $until }\n");
  ADD(s, "}\n}\n");
}

static void add_timed(struct script *s) {
  const char *met[] = {s->shows_alone[LEFT] ? ", met: bool" : "", s->shows_alone[RIGHT] ? ", met: bool" : ""};
  ADD(s, "|> state $s: { left: list[{ at: timestamp, item: $Left%s }] = []\n", met[LEFT]);
  ADD(s, "right: list[{ at: timestamp, item: $Right%s }] = []\n", met[RIGHT]);
  ADD(s, "next: timestamp? = none } %s {\n", identity(s));
  add_timed_item(s, LEFT);
  add_timed_item(s, RIGHT);
  ADD(s, "}\n");
  add_timed_hook(s);
}

/* -- joins that nothing but `expires` bounds --------------------------------------------------- */

/* Each pair once, when its later side comes. */
static void add_meeting(struct script *s, enum side side) {
  enum side other = side == LEFT ? RIGHT : LEFT;
  ADD(s, "for $i in $range(0, len(%s)) {\n", lists[other]);
  ADD(s, "let %s = %s[$i].item\n", items[other], lists[other]);
  const char *close = open_where(s);
  ADD(s, "emit %s%s\n%s}\n", s->pair, at(s, TEXT(s, "max(time(), %s[$i].at)", lists[other])), close);
}

static void add_kept_item(struct script *s, enum side side) {
  const struct join *j = s->join;
  ADD(s, "if let %s = it.%s {\n", items[side], rows[side]);
  if (j->emit == JOIN_EMIT_PAIRS) add_meeting(s, side);
  if (j->keep == JOIN_KEEP_LAST) ADD(s, "%s.clear()\n", lists[side]);
  if (j->keep == JOIN_KEEP_FIRST) ADD(s, "if len(%s) == 0 {\n", lists[side]);
  ADD(s, "%s.push({ %sitem: %s })\n", lists[side], s->has_time ? "at: time(), " : "", items[side]);
  ADD(s, "%s}\n", j->keep == JOIN_KEEP_FIRST ? "}\n" : "");
}

/* What the kept items give: the pairs, and behind each left item without one that item alone; at last the right
 * ones. `note` is what a pair does besides. */
static void add_product(struct script *s, bool shows_left, bool shows_right, const char *note) {
  ADD(s, "for $i in $range(0, len($s.left)) {\nlet $l = $s.left[$i].item\n");
  if (shows_left) ADD(s, "let $met = false\n");
  ADD(s, "for $j in $range(0, len($s.right)) {\nlet $r = $s.right[$j].item\n");
  const char *close = open_where(s);
  ADD(s, "emit %s%s\n%s%s%s}\n", s->pair, at(s, "max($s.left[$i].at, $s.right[$j].at)"), note,
      shows_left ? "$met = true\n" : "", close);
  if (shows_left) ADD(s, "if not $met { emit %s%s }\n", s->alone[LEFT], at(s, "$s.left[$i].at"));
  ADD(s, "}\n");
  if (!shows_right) return;
  ADD(s, "for $j in $range(0, len($s.right)) {\nlet $r = $s.right[$j].item\nlet $met = false\n");
  ADD(s, "for $i in $range(0, len($s.left)) {\nlet $l = $s.left[$i].item\n");
  close = open_where(s);
  ADD(s, "$met = true\n%s}\n", close);
  ADD(s, "if not $met { emit %s%s }\n}\n", s->alone[RIGHT], at(s, "$s.right[$j].at"));
}

static void add_kept(struct script *s) {
  const struct join *j = s->join;
  const char *time = s->has_time ? "at: timestamp, " : "";
  ADD(s, "|> state $s: { left: list[{ %sitem: $Left }] = []\n", time);
  ADD(s, "right: list[{ %sitem: $Right }] = [] } %s %s {\n", time, identity(s), j->expires ? "expires $expires" : "");
  add_kept_item(s, LEFT);
  add_kept_item(s, RIGHT);
  if (j->emit == JOIN_EMIT_COMPLETE) {
    ADD(s, "let $found = false\n");
    add_product(s, false, false, "$found = true\n");
    ADD(s, "if $found { forget }\n");
  }
  if (j->emit == JOIN_EMIT_RUNNING) add_product(s, true, j->stage->join_kind != JOIN_LEFT, "");
  ADD(s, "}\n");
  if (j->emit != JOIN_EMIT_FINAL) return;
  static const char *const hooks[] = {"end", "expire"};
  for (size_t i = 0; i < (j->expires ? 2 : 1); i++) {
    ADD(s, "on %s {\n", hooks[i]);
    add_product(s, s->shows_alone[LEFT], s->shows_alone[RIGHT], "");
    ADD(s, "}\n");
  }
}

/* -- the stages ------------------------------------------------------------------------------ */

struct stage_list join_stages(const struct join *j) {
  struct script s;
  begin(&s, j);
  name_results(&s);
  struct stage_list stages = sides(&s, NULL);
  if (j->bound == JOIN_UNBOUNDED) add_kept(&s);
  else add_timed(&s);
  stages = finish(&s, stages);
  vec_last(&stages)->out_key_by = j->key_by;
  return stages;
}

/* A key that has had no row yet is not kept for those that ask for it. The items get their own key back. */
struct stage_list lookup_stages(const struct join *j) {
  struct script s;
  begin(&s, j);
  quote_name_hole(&s.quote, "$right_name", j->right.name);
  const struct type *outer_key = j->stage->in_key;
  struct stage_list stages = sides(&s, outer_key);
  ADD(&s, "|> state $s: $Right? = none %s {\n", identity(&s));
  ADD(&s, "if let $l = it.$left {\n");
  if (outer_key) ADD(&s, "if let $o = it.$outer { emit { $item: { ..$l, $right_name: $s }, $outer: $o } }\n");
  else ADD(&s, "emit { ..$l, $right_name: $s }\n");
  ADD(&s, "if $s == none { forget }\n}\n");
  ADD(&s, "if let $r = it.$right { $s = $r }\n}\n");
  ADD(&s, outer_key ? "|> key by it.$outer |> map it.$item\n" : "|> key by {}\n");
  stages = finish(&s, stages);
  vec_last(&stages)->out_key_by = j->stage->key_by;
  return stages;
}
