#include "front/window.h"

#include "base/edit.h"
#include "front/aggregate.h"
#include "front/copy.h"
#include "front/quote.h"

#include <inttypes.h>
#include <string.h>

enum window_kind { WINDOW_TUMBLING, WINDOW_SLIDING, WINDOW_SESSION, WINDOW_COUNT, WINDOW_NONE };

static const char *const kind_names[] = {
    [WINDOW_TUMBLING] = "tumbling",
    [WINDOW_SLIDING] = "sliding",
    [WINDOW_SESSION] = "session gap",
    [WINDOW_COUNT] = "count",
};

#define FORMS "window tumbling 10s,  sliding 10s every 2s,  session gap 5m,  count 100"

/* Windows that one item may be in. Each is emitted by itself, and a range in a loop goes no further. */
#define WINDOWS_MAX 1000000

/* All the years that there are; sums of this and a time can be counted. */
#define LONGEST_US (INT64_C(3652500) * 86400000000)

struct window {
  struct checker *c;
  struct stage *stage, *aggregate;
  enum window_kind kind;
  int64_t size, slide, origin; /* microseconds; slide: of tumbling windows their size; size of count: items */
  const struct expr *allow;    /* not typed; null: nothing is allowed */
  bool emits_changes;
  struct aggregation *aggregation;
  struct quote q;
};

/* -- what the user has written -------------------------------------------------------------------- */

static struct diag *report(struct window *w, struct span span, const char *message) {
  return diag_error(w->c->diags, E0404, span, "%s", message);
}

static enum window_kind find_kind(struct window *w) {
  static const struct {
    const char *word;
    enum window_kind kind;
  } foreign[] = {{"session", WINDOW_SESSION}, {"sessions", WINDOW_SESSION}, {"gap", WINDOW_SESSION},
                 {"hopping", WINDOW_SLIDING}, {"hop", WINDOW_SLIDING},      {"slide", WINDOW_SLIDING},
                 {"fixed", WINDOW_TUMBLING},  {"tumble", WINDOW_TUMBLING},  {"every", WINDOW_TUMBLING},
                 {"rows", WINDOW_COUNT},      {"items", WINDOW_COUNT},      {"last", WINDOW_COUNT}};
  struct ident name = w->stage->name;
  for (int kind = 0; kind < WINDOW_NONE; kind++)
    if (strcmp(name.text, kind_names[kind]) == 0) return (enum window_kind)kind;
  struct diag *diag = diag_error(w->c->diags, E0404, name.span, "there is no window `%s`", name.text);
  const char *ours = closest_name(name.text, kind_names, WINDOW_NONE);
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
    if (strcmp(foreign[i].word, name.text) == 0) ours = kind_names[foreign[i].kind];
  if (ours) diag_help(diag, "did you mean `%s`?", ours);
  diag_note(diag, "windows are  " FORMS);
  return WINDOW_NONE;
}

/* The literal that an expression of constants is, at least `least`; null after a diagnostic. */
static const struct expr *constant(struct window *w, struct expr *written, const struct type *type, int64_t least) {
  struct diag *diag;
  if (!w->stage->instance && check_names_item(w->c, written)) {
    diag = report(w, written->span, "a window is the same for all items, so this cannot come from one of them");
    diag_help(diag, "write  window tumbling 10s,  or  window count 100");
    return NULL;
  }
  struct expr *value = check_constant(w->c, written, type, true);
  if (value->type->kind == TYPE_ERROR) return NULL;
  const struct expr *literal = constant_value(value);
  if (!literal) {
    diag = report(w, written->span, "what a window is must be known to the compiler; a param is not");
    diag_note(diag, "what was saved for one window means nothing to another one");
    diag_help(diag, "make it a constant:  const size = 10s");
    return NULL;
  }
  if (type == w->c->types->duration && literal->integer > LONGEST_US) {
    diag = report(w, written->span, "there are no times that lie so far apart");
    diag_help(diag, "the longest window is  3652500d,  10,000 years");
    return NULL;
  }
  if (literal->integer >= least) return literal;
  bool is_count = type == w->c->types->int_;
  bool is_size = written == w->stage->args.data[0];
  diag = report(w, written->span, is_count  ? "a window of no items never ends"
                                  : is_size ? "a window lasts longer than no time"
                                            : "windows begin some time after each other");
  diag_help(diag, is_count ? "write  window count 100" : "write  10s");
  return NULL;
}

static bool check_size(struct window *w) {
  struct expr *written = w->stage->args.data[0];
  const struct type *type = w->kind == WINDOW_COUNT ? w->c->types->int_ : w->c->types->duration;
  bool is_number = written->kind == EXPR_INT, is_duration = written->kind == EXPR_DURATION;
  if (w->kind == WINDOW_COUNT ? is_duration : is_number) {
    struct diag *diag = report(w, written->span, w->kind == WINDOW_COUNT ? "`window count` counts items, not time"
                                                                         : "this needs a duration, with its unit");
    diag_help(diag, w->kind == WINDOW_COUNT ? "write  window count 100,  or  window tumbling 10s"
                                            : "write  10s,  250ms,  1h30m;  a number of items is  window count 100");
    return false;
  }
  const struct expr *size = constant(w, written, type, 1);
  if (!size) return false;
  w->size = w->slide = size->integer;
  return true;
}

static bool check_every(struct window *w) {
  struct clause *every = check_clause(&w->stage->clauses, "every");
  struct diag *diag;
  if (!every && w->kind != WINDOW_SLIDING) return true;
  if (!every || !every->value) {
    diag = report(w, every ? every->name.span : w->stage->name.span,
                  "a sliding window says how often one begins");
    diag_help(diag, "write  window sliding 10s every 2s;  windows one after the other are  window tumbling 10s");
    return false;
  }
  if (w->kind != WINDOW_SLIDING) {
    diag = report(w, every->name.span, "only sliding windows have an `every`");
    if (w->kind == WINDOW_TUMBLING) {
      diag_note(diag, "a tumbling window begins where the one before ends");
      diag_help(diag, "write  window sliding … every …");
    } else {
      diag_help(diag, "leave it out");
    }
    return false;
  }
  const struct expr *slide = constant(w, every->value, w->c->types->duration, 1);
  if (!slide) return false;
  w->slide = slide->integer;
  if (w->size / w->slide >= WINDOWS_MAX) {
    diag = report(w, every->value->span, "an item would be in more than a million windows");
    diag_help(diag, "let them begin less often");
    return false;
  }
  if (w->slide > w->size) {
    diag = diag_warning(w->c->diags, W0908, every->value->span, "items between two windows are dropped");
    diag_note(diag, "a window begins less often than it lasts; what comes in between is in none");
  }
  return true;
}

/* Windows begin at multiples of the slide away from the origin: less than one slide is as good as any. */
static bool check_origin(struct window *w) {
  struct clause *origin = check_clause(&w->stage->clauses, "origin");
  if (!origin) return true;
  struct diag *diag;
  bool is_duration = origin->value && origin->value->kind == EXPR_DURATION;
  if (!origin->value || is_duration) {
    diag = report(w, is_duration ? origin->value->span : origin->name.span,
                  "`origin` is a time at which a window begins");
    diag_help(diag, "write  origin @2024-01-01T06:00:00Z");
    return false;
  }
  if (w->kind == WINDOW_SESSION) {
    diag = report(w, origin->name.span, "sessions begin with their first item, so they have no `origin`");
    diag_help(diag, "leave it out");
    return false;
  }
  const struct expr *time = constant(w, origin->value, w->c->types->timestamp, INT64_MIN);
  if (time) w->origin = time->integer % w->slide;
  return time != NULL;
}

static bool check_allow(struct window *w) {
  struct clause *allow = check_clause(&w->stage->clauses, "allow");
  if (!allow) return true;
  w->allow = copy_expr(w->c->arena, allow->value);
  size_t errors = w->c->diags->error_count;
  check_clause_duration(w->c, allow, 0, "write  allow 1m");
  return w->c->diags->error_count == errors;
}

static bool check_emit(struct window *w) {
  struct clause *emit = check_clause(&w->stage->clauses, "emit");
  if (!emit) return true;
  const char *word = emit->value && emit->value->kind == EXPR_NAME ? emit->value->name.text : "";
  w->emits_changes = strcmp(word, "on change") == 0;
  if (w->emits_changes || strcmp(word, "final") == 0) return true;
  struct diag *diag = report(w, emit->value ? emit->value->span : emit->name.span,
                             "a window emits its result when it ends, or with every item");
  diag_help(diag, "write  emit final,  which is the default, or  emit on change");
  return false;
}

/* Clauses that are about time. */
static bool check_count(struct window *w) {
  static const char *const words[] = {"origin", "allow"};
  struct span span = w->stage->late.span;
  const char *word = w->stage->late.text ? "late into" : NULL;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    struct clause *clause = check_clause(&w->stage->clauses, words[i]);
    if (!clause) continue;
    word = words[i];
    span = clause->name.span;
  }
  if (!word) return true;
  struct diag *diag = diag_error(w->c->diags, E0404, span,
                                 "a window that counts items knows no time, so it has no `%s`", word);
  diag_help(diag, "leave it out, or write  window tumbling 10s");
  return false;
}

static void report_no_time(struct window *w) {
  struct diag *diag = diag_error(w->c->diags, E0404, w->stage->verb.span,
                                 "`window %s` needs the times of the items, and these have none",
                                 kind_names[w->kind]);
  const struct type *item = w->stage->in_item, *timestamp = w->c->types->timestamp;
  const char *time = "FIELD";
  for (size_t i = item->kind == TYPE_RECORD ? item->fields.count : 0; i-- > 0;)
    if (item->fields.data[i].type == timestamp) time = item->fields.data[i].name;
  diag_help(diag, "give them one, in front of any `key by`:  |> time by %s lag 5s", time);
  diag_help(diag, "or count items:  window count 100");
}

static bool check_aggregate(struct window *w, size_t count) {
  if (count > 1 && strcmp(w->aggregate->verb.text, "aggregate") == 0 &&
      w->aggregate->instance == w->stage->instance) {
    struct clause *emit = NULL;
    vec_each(struct clause, clause, &w->aggregate->clauses)
      if (strcmp(clause->name.text, "emit") == 0) emit = clause;
    if (!emit) return true;
    struct diag *diag = report(w, emit->name.span, "the window says when its result is emitted");
    diag_help(diag, "write  |> window … emit on change |> aggregate …");
    return false;
  }
  struct diag *diag = report(w, w->stage->verb.span, "a window is followed by the `aggregate` of its items");
  diag_help(diag, "|> window … |> aggregate { key, n: count() }");
  diag_help(diag, "all items of a window are  |> aggregate collect(it)");
  return false;
}

/* What is kept has the name of the aggregate. */
static void check_named(struct window *w) {
  struct clause *named = check_clause(&w->stage->clauses, "named");
  if (!named) return;
  struct diag *diag = diag_error(w->c->diags, E0216, named->name.span, "a window has no clause `named`");
  diag_help(diag, "it stands behind the aggregate:  |> aggregate … named NAME");
}

/* Everything that may be wrong; false after a diagnostic. */
static bool check(struct window *w, size_t count) {
  w->kind = find_kind(w);
  bool is_good = w->kind != WINDOW_NONE && check_size(w);
  bool has_time = w->kind == WINDOW_COUNT || w->stage->in_time;
  if (w->kind != WINDOW_NONE && !has_time) report_no_time(w);
  is_good = is_good && check_every(w) && check_emit(w);
  if (w->kind == WINDOW_COUNT)
    is_good = is_good && check_count(w);
  else
    is_good = is_good && check_origin(w) && check_allow(w);
  is_good = check_aggregate(w, count) && is_good && has_time;
  static const char *const known[] = {"every", "origin", "allow", "late into", "emit", NULL};
  size_t errors = w->c->diags->error_count;
  if (is_good) check_named(w);
  if (is_good) check_unused_clauses(w->c, &w->stage->clauses, "a window", known);
  if (w->stage->on_fail.kind != ON_FAIL_NONE && !w->stage->instance) {
    struct diag *diag = diag_warning(w->c->diags, W0907, w->stage->on_fail.span,
                                     "this `else` is never used: nothing in `window` can fail");
    diag_help(diag, "put it behind the `aggregate`");
    if (w->stage->on_fail.kind == ON_FAIL_INTO)
      diag_help(diag, "late items go to a stream by  late into %s", w->stage->on_fail.into.text);
  }
  return is_good && w->c->diags->error_count == errors;
}

/* -- the text: times ------------------------------------------------------------------------------ */

/* Locals begin with `$w_`: what the aggregate puts between these statements has locals of its own. */

/* The start of the last window that has begun at a time, and the end of the first one that ends behind it. */
#define BEGUN(time)       "$floor(" time ", $slide, $origin)"
#define ENDS_BEHIND(time) "$later($floor($later(" time ", $ahead), $slide, $origin), $size)"

/* The end of a session with that last time, and the first moment behind it. */
#define REACH(last)  "$later(" last ", $size)"
#define BEHIND(last) "$later($later(" last ", $size), 1us)"

/* -- the text: tumbling and sliding windows -------------------------------------------------------- */

static const char panes_body[] =
    "|> state $s: { next: timestamp, $panes: list[{ start: timestamp, sums: $Sums }] } =\n"
    "     { next: $never, $panes: [] } named $id {\n"
    "  let $w_t = time()\n"
    "  let $w_begun = " BEGUN("$w_t") "\n"
    "  let $w_last_end = $later($w_begun, $size)\n"
    "  $leave_gap()\n"
    "  if $closing <= $mark() {\n"
    "    $late_item()\n"
    "    $leave()\n"
    "  }\n"
    "  let $w_start = $pane\n"
    "  let $w_i = $find($s.$panes, $w_start)\n"
    "  if $w_i == len($s.$panes) or $s.$panes[$w_i].start != $w_start {\n"
    "    $insert($s.$panes, $w_i, { start: $w_start, sums: {} })\n"
    "  }\n"
    "  $add()\n";

/* A result when the window ends, and never again. Then the earliest pane says when the row is due. */
static const char panes_final[] =
    "  if $w_i == 0 { $s.next = " ENDS_BEHIND("max($w_start, $mark())") " }\n"
    "}\n"
    "on at $s.next {\n"
    "  let $w_end = $s.next\n"
    "  $send()\n"
    "  $drop($s.$panes, $find($s.$panes, $later($w_end, $ahead)))\n"
    "  if is_empty($s.$panes) { forget }\n"
    "  $s.next = " ENDS_BEHIND("max($s.$panes[0].start, $w_end)") "\n"
    "}\n";

/* Panes stay for `allow` longer, so each has two moments: the ends of its windows, and when it goes. */
static const char panes_allowed[] =
    "  $update()\n"
    "  let $w_at = if $closes and $w_last_end > $mark() then " ENDS_BEHIND("max($w_start, $mark())") " else $closing\n"
    "  if len($s.$panes) == 1 or $w_at < $s.next { $s.next = $w_at }\n"
    "}\n"
    "on at $s.next {\n"
    "  let $w_end = $s.next\n"
    "  let $w_i = $find($s.$panes, $earlier($w_end, $size))\n"
    "  let $w_is_end = $closes and " ENDS_BEHIND("$earlier($w_end, 1us)") " == $w_end\n"
    "  if $w_is_end and $w_i < len($s.$panes) and $s.$panes[$w_i].start < $w_end {\n"
    "    $send()\n"
    "  }\n"
    "  $drop($s.$panes, $find($s.$panes, $later(" BEGUN("$earlier($earlier($w_end, $allow), $size)") ", $slide)))\n"
    "  if is_empty($s.$panes) { forget }\n"
    "  $s.next = $never\n"
    "  for $w_p in $s.$panes {\n"
    "    let $w_last_end = $later(" BEGUN("$w_p.start") ", $size)\n"
    "    let $w_next = " ENDS_BEHIND("max($w_p.start, $w_end)") "\n"
    "    let $w_at = if $closes and $w_last_end > $w_end then $w_next else $closing\n"
    "    $s.next = min($s.next, $w_at)\n"
    "  }\n"
    "}\n";

/* The result of the windows of the item that are over, or of all of them. */
static const char panes_update[] =
    "let $w_to = if $closes then min($w_last_end, $mark()) else $w_last_end\n"
    "let $w_end = " ENDS_BEHIND("max($w_t, $earlier($mark(), $allow))") "\n"
    "if $w_end <= $w_to {\n"
    "  for $w_k in range(0, add_wrap(($w_to - $w_end) / $slide, 1)) {\n"
    "    $send()\n"
    "    $w_end = $later($w_end, $slide)\n"
    "  }\n"
    "}\n";

/* Of the panes of the window that ends at `$w_end`; of a pane alone, which `$w_i` or 0 says. */
static const char send_panes[] =
    "let $w_begin = $earlier($w_end, $size)\n"
    "let $w_sum: $Sums = {}\n"
    "for $w_p in $s.$panes {\n"
    "  if $w_begin <= $w_p.start and $w_p.start < $w_end { $merge() }\n"
    "}\n"
    "$emit()\n";

/* -- the text: sessions --------------------------------------------------------------------------- */

static const char sessions_body[] =
    "|> state $s: { next: timestamp, $panes: list[{ start: timestamp, last: timestamp, sums: $Sums }] } =\n"
    "     { next: $never, $panes: [] } named $id {\n"
    "  let $w_t = time()\n"
    "  let $w_j = $find($s.$panes, " BEHIND("$w_t") ")\n"
    "  let $w_a = add_wrap($w_j, -1)\n"
    "  let $w_b = add_wrap($w_j, -2)\n"
    "  let $w_is_one = $w_j > 0 and " REACH("$s.$panes[$w_a].last") " >= $w_t\n"
    "  let $w_are_two = $w_is_one and $w_j > 1 and " REACH("$s.$panes[$w_b].last") " >= $w_t\n"
    "  let $w_i = if $w_are_two then $w_b else if $w_is_one then $w_a else $w_j\n"
    "  if not $w_is_one {\n"
    "    if $later(" REACH("$w_t") ", $allow) < $mark() {\n"
    "      $late_item()\n"
    "      $leave()\n"
    "    }\n"
    "    $insert($s.$panes, $w_i, { start: $w_t, last: $w_t, sums: {} })\n"
    "  }\n"
    "  $add()\n"
    "  if $w_t < $s.$panes[$w_i].start { $s.$panes[$w_i].start = $w_t }\n"
    "  if $w_t > $s.$panes[$w_i].last { $s.$panes[$w_i].last = $w_t }\n"
    "  if $w_are_two {\n"
    "    let $w_more = $s.$panes[$w_a].sums\n"
    "    $merge()\n"
    "    $s.$panes[$w_i].last = $s.$panes[$w_a].last\n"
    "    $s.$panes.remove_at($w_a)\n"
    "  }\n";

static const char sessions_final[] =
    "  if $w_i == 0 { $s.next = " BEHIND("$s.$panes[0].last") " }\n"
    "}\n"
    "on at $s.next {\n"
    "  let $w_i = 0\n"
    "  $send()\n"
    "  $drop($s.$panes, 1)\n"
    "  if is_empty($s.$panes) { forget }\n"
    "  $s.next = " BEHIND("$s.$panes[0].last") "\n"
    "}\n";

/* The first moment at which a session ends or goes, behind `$w_now`. Sessions end in the order in which they stand, and
 * those that begin less than the gap before `$w_now` have not ended; of the others only the last may not have. */
static const char next_session[] =
    "$s.next = $later(" BEHIND("$s.$panes[0].last") ", $allow)\n"
    "let $w_open = $find($s.$panes, $earlier($w_now, $size))\n"
    "let $w_before = add_wrap($w_open, -1)\n"
    "if $w_open > 0 and " BEHIND("$s.$panes[$w_before].last") " > $w_now { $w_open = $w_before }\n"
    "if $closes and $w_open < len($s.$panes) {\n"
    "  $s.next = min($s.next, " BEHIND("$s.$panes[$w_open].last") ")\n"
    "}\n";

static const char sessions_allowed[] =
    "  if not $closes or " REACH("$s.$panes[$w_i].last") " < $mark() {\n"
    "    $send()\n"
    "  }\n"
    "  let $w_now = $mark()\n"
    "  $set_next()\n"
    "}\n"
    "on at $s.next {\n"
    "  let $w_now = $s.next\n"
    "  let $w_i = add_wrap($find($s.$panes, $earlier($w_now, $size)), -1)\n"
    "  if $closes and $w_i >= 0 and " BEHIND("$s.$panes[$w_i].last") " == $w_now {\n"
    "    $send()\n"
    "  }\n"
    "  if $later(" BEHIND("$s.$panes[0].last") ", $allow) <= $w_now { $drop($s.$panes, 1) }\n"
    "  if is_empty($s.$panes) { forget }\n"
    "  $set_next()\n"
    "}\n";

static const char send_session[] =
    "let $w_end = " REACH("$s.$panes[$w_i].last") "\n"
    "$emit()\n";

/* -- the text: a number of items ------------------------------------------------------------------- */

static const char items_head[] =
    "|> state $s: { $panes: int, sums: $Sums } = { $panes: 0, sums: {} } named $id {\n";

/* What the end of the input emits has the time of the last item too. */
static const char items_head_timed[] =
    "|> state $s: { $panes: int, sums: $Sums, last: timestamp } =\n"
    "     { $panes: 0, sums: {}, last: $never } named $id {\n"
    "  $s.last = time()\n";

static const char items_changes[] =
    "  $s.$panes = add_wrap($s.$panes, 1)\n"
    "  $add()\n"
    "  $emit()\n"
    "  if $s.$panes == $size { forget }\n"
    "}\n";

static const char items_final[] =
    "  $s.$panes = add_wrap($s.$panes, 1)\n"
    "  $add()\n"
    "  if $s.$panes == $size {\n"
    "    $emit()\n"
    "    forget\n"
    "  }\n"
    "}\n"
    "on end {\n"
    "  $emit()\n"
    "  forget\n"
    "}\n";

/* -- filling the text ------------------------------------------------------------------------------ */

static struct expr *literal(struct window *w, enum expr_kind kind, int64_t value) {
  struct expr *expr = arena_new(w->c->arena, struct expr);
  expr->kind = kind;
  expr->span = w->stage->verb.span;
  expr->height = 1;
  expr->integer = value;
  return expr;
}

/* The duration as it may be written: "1h30m". */
static void add_duration(struct text *out, int64_t us) {
  static const struct {
    const char *unit;
    int64_t us;
  } units[] = {{"d", INT64_C(86400000000)}, {"h", INT64_C(3600000000)}, {"m", 60000000},
               {"s", 1000000},              {"ms", 1000},               {"us", 1}};
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    if (us / units[i].us > 0) text_addf(out, "%" PRId64 "%s", us / units[i].us, units[i].unit);
    us %= units[i].us;
  }
}

/* "sliding 10s every 2s from 1s allow": what is saved belongs to this window and to no other. When a row is due next
 * means another thing where lateness is allowed, or where nothing is emitted then. */
static struct ident saved_name(struct window *w) {
  struct text name;
  text_init(&name, w->c->arena);
  text_add(&name, kind_names[w->kind]);
  if (w->kind == WINDOW_COUNT) {
    text_addf(&name, " %" PRId64, w->size);
  } else {
    text_addc(&name, ' ');
    add_duration(&name, w->size);
  }
  if (w->kind == WINDOW_SLIDING) {
    text_add(&name, " every ");
    add_duration(&name, w->slide);
  }
  int64_t origin = w->origin < 0 ? w->origin + w->slide : w->origin;
  if (origin != 0) {
    text_add(&name, " from ");
    add_duration(&name, origin);
  }
  if (w->allow) text_add(&name, " allow");
  if (w->emits_changes) text_add(&name, " on change");
  return (struct ident){names_intern(&w->c->compiler->names, name.data, name.length), w->stage->verb.span};
}

static void fill_times(struct window *w) {
  struct quote *q = &w->q;
  int64_t rest = w->size % w->slide;
  bool is_count = w->kind == WINDOW_COUNT;
  quote_expr_hole(q, "$size", literal(w, is_count ? EXPR_INT : EXPR_DURATION, w->size));
  quote_expr_hole(q, "$slide", literal(w, EXPR_DURATION, w->slide));
  quote_expr_hole(q, "$ahead", literal(w, EXPR_DURATION, w->slide - w->size));
  quote_expr_hole(q, "$rest", literal(w, EXPR_DURATION, rest));
  quote_expr_hole(q, "$origin", literal(w, EXPR_TIMESTAMP, w->origin));
  quote_expr_hole(q, "$never", literal(w, EXPR_TIMESTAMP, INT64_MAX - 1)); /* windows may end behind the year 9999 */
  quote_expr_hole(q, "$closes", quote_expr(q, w->emits_changes ? "false" : "true"));
  quote_expr_hole(q, "$allow", w->allow ? w->allow : literal(w, EXPR_DURATION, 0));
  quote_expr_hole(q, "$closing", quote_expr(q, w->allow ? "$later($w_last_end, $allow)" : "$w_last_end"));
  /* An item that is in no window leaves nothing behind, not even a row for its key. */
  quote_block_hole(q, "$leave", quote_block(q, "if is_empty($s.$panes) { forget }\n return"));
  bool has_gaps = w->slide > w->size, has_rest = !has_gaps && rest > 0;
  quote_block_hole(q, "$leave_gap", quote_block(q, has_gaps ? "if $w_t >= $w_last_end { $leave() }" : ""));
  static const char rest_pane[] =
      "if $w_t >= $later($w_begun, $rest) then $later($w_begun, $rest) else $w_begun";
  quote_expr_hole(q, "$pane", quote_expr(q, has_rest ? rest_pane : "$w_begun"));
}

static void fill_late(struct window *w) {
  struct quote *q = &w->q;
  if (w->stage->late.text) quote_name_hole(q, "$w_late_stream", w->stage->late);
  quote_block_hole(q, "$late_item", quote_block(q, w->stage->late.text ? "emit it into $w_late_stream" : "$late()"));
}

/* What is done with accumulators: `place` is that of the item's, in the body; `sent` what a result is made of. */
static void fill_sums(struct window *w, const char *place, const char *sent, const char *start, const char *at) {
  struct quote *q = &w->q;
  const struct aggregation *a = w->aggregation;
  quote_type_hole(q, "$Sums", aggregation_type(a));
  quote_block_hole(q, "$add", aggregation_add(a, quote_expr(q, place)));
  bool has_window = start != NULL;
  const struct expr *from = has_window ? quote_expr(q, start) : NULL;
  const struct expr *to = has_window ? quote_expr(q, "$shown($w_end)") : NULL;
  quote_block_hole(q, "$emit", aggregation_emit(a, quote_expr(q, sent), from, to, at ? quote_expr(q, at) : NULL));
}

static const char *joined(struct window *w, const char *head, const char *rest) {
  return arena_printf(w->c->arena, "%s%s", head, rest);
}

static const char *fill_panes(struct window *w) {
  struct quote *q = &w->q;
  bool is_allowed = w->allow || w->emits_changes, is_merged = w->slide < w->size;
  const char *pane = is_allowed ? "$s.$panes[$w_i].sums" : "$s.$panes[0].sums";
  fill_sums(w, "$s.$panes[$w_i].sums", is_merged ? "$w_sum" : pane, "$shown($earlier($w_end, $size))",
            "$shown($earlier($w_end, 1us))");
  quote_block_hole(q, "$merge", aggregation_merge(w->aggregation, quote_expr(q, "$w_sum"), quote_expr(q, "$w_p.sums")));
  quote_block_hole(q, "$send", quote_block(q, is_merged ? send_panes : "$emit()"));
  quote_block_hole(q, "$update", quote_block(q, is_allowed ? panes_update : ""));
  return joined(w, panes_body, is_allowed ? panes_allowed : panes_final);
}

static const char *fill_sessions(struct window *w) {
  struct quote *q = &w->q;
  fill_sums(w, "$s.$panes[$w_i].sums", "$s.$panes[$w_i].sums", "$shown($s.$panes[$w_i].start)",
            "$shown($earlier($w_end, 1us))");
  quote_block_hole(q, "$merge", aggregation_merge(w->aggregation, quote_expr(q, "$s.$panes[$w_i].sums"),
                                                  quote_expr(q, "$w_more")));
  quote_block_hole(q, "$send", quote_block(q, send_session));
  quote_block_hole(q, "$set_next", quote_block(q, next_session));
  return joined(w, sessions_body, w->allow || w->emits_changes ? sessions_allowed : sessions_final);
}

static const char *fill_items(struct window *w) {
  bool is_timed = w->stage->in_time && !w->emits_changes;
  fill_sums(w, "$s.sums", "$s.sums", NULL, is_timed ? "$s.last" : NULL);
  return joined(w, is_timed ? items_head_timed : items_head, w->emits_changes ? items_changes : items_final);
}

/* -- the stages ------------------------------------------------------------------------------------ */

/* A stream without a key has one row for all items, and has no key behind it either. */
static const char *wrapped(struct window *w, const char *text) {
  if (w->stage->in_key) return text;
  return arena_printf(w->c->arena, "|> key by \"ALL\"\n%s|> key by {}\n", text);
}

static struct expr *name_of(struct window *w, struct ident id) {
  struct expr *name = literal(w, EXPR_NAME, 0);
  name->span = id.span;
  name->name.text = id.text;
  return name;
}

/* What the user has said of the state. */
static void finish_state(struct window *w, struct stage *state) {
  struct clause *was = check_clause(&w->aggregate->clauses, "was");
  if (was) vec_push(w->c->arena, &state->clauses, *was);
  state->on_fail = w->aggregate->on_fail;
  state->hides_key = !w->stage->in_key;
}

size_t window_expand(struct checker *c, struct stage *const *stages, size_t count, struct stage_list *made) {
  struct window window = {.c = c, .stage = stages[0], .aggregate = count > 1 ? stages[1] : NULL}, *w = &window;
  if (!check(w, count)) return 0;
  struct stage *aggregate = w->aggregate;
  aggregate->in_item = w->stage->in_item;
  aggregate->in_key = w->stage->in_key;
  aggregate->key_by = w->stage->key_by;
  aggregate->in_time = w->stage->in_time;
  c->scope.stage = aggregate;
  bool by_time = w->kind != WINDOW_COUNT;
  w->aggregation = aggregation_of(c, aggregate, by_time, by_time, true);
  if (!w->aggregation) return 0;
  struct ident id = check_stage_id(c, aggregate);
  check_clause(&aggregate->clauses, "was");
  static const char *const known[] = {"named", "was", NULL};
  check_unused_clauses(c, &aggregate->clauses, "an `aggregate` behind a window", known);
  if (!id.text) return 0;
  w->stage->span = span_join(w->stage->span, aggregate->span);
  quote_begin(&w->q, c, w->stage);
  quote_name_hole(&w->q, "$panes", saved_name(w));
  quote_expr_hole(&w->q, "$id", name_of(w, id));
  fill_times(w);
  fill_late(w);
  const char *text = w->kind == WINDOW_COUNT     ? fill_items(w)
                     : w->kind == WINDOW_SESSION ? fill_sessions(w)
                                                 : fill_panes(w);
  struct stage_list list = quote_stages(&w->q, wrapped(w, text));
  vec_each(struct stage *, stage, &list) {
    if (strcmp((*stage)->verb.text, "state") == 0) finish_state(w, *stage);
    vec_push(c->arena, made, *stage);
  }
  return 2;
}
