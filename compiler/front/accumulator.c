#include "front/accumulator.h"

#include <string.h>

/* -- numbers ------------------------------------------------------------------------------------- */

static const struct accumulator *choose_count(const struct aggregated *of) {
  static const struct accumulator count = {
      .type = "int",
      .init = "0",
      .add = "$acc = add_wrap($acc, 1)",
      .merge = "$acc = add_wrap($acc, $from)",
      .value = "$acc",
  };
  (void)of;
  return &count;
}

static const struct accumulator *choose_sum(const struct aggregated *of) {
  static const struct accumulator
      number = {.type = "$X", .init = "0", .add = "$acc += $x", .merge = "$acc += $from", .value = "$acc"},
      span = {.type = "$X", .init = "0s", .add = "$acc += $x", .merge = "$acc += $from", .value = "$acc"},
      real = {
          .type = "{ sum: float, rest: float }",
          .init = "{ sum: 0.0, rest: 0.0 }",
          .add = "$add_float($acc, $x)",
          .merge = "$add_float($acc, $from.sum); $acc.rest += $from.rest",
          .value = "$acc.sum + $acc.rest",
      };
  switch (of->x->kind) {
  case TYPE_INT:
  case TYPE_DECIMAL: return &number;
  case TYPE_DURATION: return &span;
  case TYPE_FLOAT: return &real;
  default: return NULL;
  }
}

static const struct accumulator *choose_avg(const struct aggregated *of) {
#define EXACT                                                                                      \
  .add = "$acc.sum += $x; $acc.count = add_wrap($acc.count, 1)",                                   \
  .merge = "$acc.sum += $from.sum; $acc.count = add_wrap($acc.count, $from.count)",                \
  .value = "$mean($acc.sum, $acc.count)",                                                          \
  .maybe = "if $acc.count == 0 then none else $mean($acc.sum, $acc.count)"
  static const struct accumulator
      number = {.type = "{ sum: $X, count: int }", .init = "{ sum: 0, count: 0 }", EXACT},
      span = {.type = "{ sum: $X, count: int }", .init = "{ sum: 0s, count: 0 }", EXACT},
      real = {
          .type = "{ sum: float, rest: float, count: int }",
          .init = "{ sum: 0.0, rest: 0.0, count: 0 }",
          .add = "$add_float($acc, $x); $acc.count = add_wrap($acc.count, 1)",
          .merge = "$add_float($acc, $from.sum); $acc.rest += $from.rest; "
                   "$acc.count = add_wrap($acc.count, $from.count)",
          .value = "$mean($acc.sum + $acc.rest, $acc.count)",
          .maybe = "if $acc.count == 0 then none else $mean($acc.sum + $acc.rest, $acc.count)",
      };
#undef EXACT
  switch (of->x->kind) {
  case TYPE_INT:
  case TYPE_DECIMAL: return &number;
  case TYPE_DURATION: return &span;
  case TYPE_FLOAT: return &real;
  default: return NULL;
  }
}

static const struct accumulator *choose_stddev(const struct aggregated *of) {
  static const struct accumulator moments = {
      .type = "{ count: int, mean: float, squares: float }",
      .init = "{ count: 0, mean: 0.0, squares: 0.0 }",
      .add = "$add_moment($acc, $x)",
      .merge = "$add_moments($acc, $from)",
      .value = "if $acc.count < 2 then none else $deviation($acc)",
  };
  bool fits = of->x->kind == TYPE_INT || of->x->kind == TYPE_FLOAT || of->x->kind == TYPE_DECIMAL;
  return fits ? &moments : NULL;
}

static const struct accumulator *choose_quantile(const struct aggregated *of) {
  static const struct accumulator histogram = {
      .type = "{ counts: map[int, int], low: $X?, high: $X? }",
      .init = "{ counts: [], low: none, high: none }",
      .add = "$acc.counts[$bucket($x)] += 1; "
             "if $acc.low == none or $x < $sure($acc.low) { $acc.low = $x }; "
             "if $acc.high == none or $x > $sure($acc.high) { $acc.high = $x }",
      .merge = "for $bucket, $more in $from.counts { $acc.counts[$bucket] += $more }; "
               "if $from.low != none and ($acc.low == none or $sure($from.low) < $sure($acc.low)) "
               "{ $acc.low = $from.low }; "
               "if $from.high != none and ($acc.high == none or $sure($from.high) > $sure($acc.high)) "
               "{ $acc.high = $from.high }",
      .value = "$quantile($acc, $part)",
      .maybe = "if $acc.low == none then none else $quantile($acc, $part)",
  };
  return type_is_numeric(of->x) ? &histogram : NULL;
}

/* -- one value of all ---------------------------------------------------------------------------- */

/* Of equal ones the first stays. */
#define BEST(BEFORE)                                                                               \
  {                                                                                                \
    .type = "$X?", .init = "none",                                                                 \
    .add = "if $acc == none or $x " BEFORE " $sure($acc) { $acc = $x }",                           \
    .merge = "if $from != none and ($acc == none or $sure($from) " BEFORE " $sure($acc)) "         \
             "{ $acc = $from }",                                                                   \
    .value = "$sure($acc)", .maybe = "$acc",                                                       \
  }

static const struct accumulator *choose_min(const struct aggregated *of) {
  static const struct accumulator best = BEST("<");
  return type_is_ordered(of->x) ? &best : NULL;
}

static const struct accumulator *choose_max(const struct aggregated *of) {
  static const struct accumulator best = BEST(">");
  return type_is_ordered(of->x) ? &best : NULL;
}

#define PLAIN_ONE(ADD, MERGE)                                                                      \
  {                                                                                                \
    .type = "$X?", .init = "none", .add = ADD, .merge = MERGE, .value = "$sure($acc)", .maybe = "$acc", \
  }
#define TIMED_ONE(BEFORE, MERGE)                                                                   \
  {                                                                                                \
    .type = "{ at: timestamp, value: $X }?", .init = "none",                                       \
    .add = "if $acc == none or $at " BEFORE " $sure($acc).at { $acc = { at: $at, value: $x } }",   \
    .merge = MERGE, .value = "$sure($acc).value", .maybe = "$acc?.value",                          \
  }
#define KEEP_EARLIER "if $acc == none { $acc = $from }"
#define TAKE_LATER   "if $from != none { $acc = $from }"

static const struct accumulator *choose_first(const struct aggregated *of) {
  static const struct accumulator plain = PLAIN_ONE("if $acc == none { $acc = $x }", KEEP_EARLIER),
                                  timed = TIMED_ONE("<", KEEP_EARLIER);
  return of->by_time ? &timed : &plain;
}

static const struct accumulator *choose_last(const struct aggregated *of) {
  static const struct accumulator plain = PLAIN_ONE("$acc = $x", TAKE_LATER),
                                  timed = TIMED_ONE(">=", TAKE_LATER);
  return of->by_time ? &timed : &plain;
}

#define PLAIN_BY(BEFORE)                                                                           \
  {                                                                                                \
    .type = "{ by: $X, value: $Y }?", .init = "none",                                              \
    .add = "if $acc == none or $x " BEFORE " $sure($acc).by { $acc = { by: $x, value: $y } }",     \
    .merge = "if $from != none and ($acc == none or $sure($from).by " BEFORE " $sure($acc).by) "   \
             "{ $acc = $from }",                                                                   \
    .value = "$sure($acc).value", .maybe = "$acc?.value",                                          \
  }
#define TIMED_BY(BEFORE)                                                                           \
  {                                                                                                \
    .type = "{ by: $X, at: timestamp, value: $Y }?", .init = "none",                               \
    .add = "if $acc == none or $x " BEFORE " $sure($acc).by or "                                   \
           "($at < $sure($acc).at and $x == $sure($acc).by) "                                      \
           "{ $acc = { by: $x, at: $at, value: $y } }",                                            \
    .merge = "if $from != none and ($acc == none or $sure($from).by " BEFORE " $sure($acc).by) "   \
             "{ $acc = $from }",                                                                   \
    .value = "$sure($acc).value", .maybe = "$acc?.value",                                          \
  }

static const struct accumulator *choose_min_by(const struct aggregated *of) {
  static const struct accumulator plain = PLAIN_BY("<"), timed = TIMED_BY("<");
  if (!type_is_ordered(of->x)) return NULL;
  return of->by_time ? &timed : &plain;
}

static const struct accumulator *choose_max_by(const struct aggregated *of) {
  static const struct accumulator plain = PLAIN_BY(">"), timed = TIMED_BY(">");
  if (!type_is_ordered(of->x)) return NULL;
  return of->by_time ? &timed : &plain;
}

/* -- many values --------------------------------------------------------------------------------- */

static const struct accumulator *choose_distinct(const struct aggregated *of) {
  static const struct accumulator values = {
      .type = "set[$X]",
      .init = "[]",
      .add = "$acc.add($x)",
      .merge = "for $value in $from { $acc.add($value) }",
      .value = "len($acc)",
  };
  return type_is_key(of->x) ? &values : NULL;
}

/* The times of values stand in a list beside them, so that the result is there as it is. */
#define PUSH_TIMES  "for $time in $from.at { $acc.at.push($time) }; "
#define PUSH_VALUES "for $value in $from.values { $acc.values.push($value) }"

static const struct accumulator *choose_collect(const struct aggregated *of) {
  static const struct accumulator
      plain = {
          .type = "list[$X]",
          .init = "[]",
          .add = "$acc.push($x)",
          .merge = "for $value in $from { $acc.push($value) }",
          .value = "$acc",
      },
      timed = {
          .type = "{ at: list[timestamp], values: list[$X] }",
          .init = "{ at: [], values: [] }",
          .add = "let $index = $after($acc.at, $at); "
                 "$acc.at.$insert($index, $at); $acc.values.$insert($index, $x)",
          .merge = PUSH_TIMES PUSH_VALUES,
          .value = "$acc.values",
      };
  return of->by_time ? &timed : &plain;
}

#define ALL_PLAIN(BEFORE)                                                                          \
  {                                                                                                \
    .type = "{ by: $X?, values: list[$Y] }", .init = "{ by: none, values: [] }",                   \
    .add = "if $acc.by == none or $x " BEFORE " $sure($acc.by) { $acc.by = $x; $acc.values.clear() }; " \
           "if $x == $sure($acc.by) { $acc.values.push($y) }",                                     \
    .merge = "if $from.by != none { "                                                              \
             "if $acc.by == none or $sure($from.by) " BEFORE " $sure($acc.by) { $acc = $from } "   \
             "else if $from.by == $acc.by { " PUSH_VALUES " } }",                                  \
    .value = "$acc.values",                                                                        \
  }
#define ALL_TIMED(BEFORE)                                                                          \
  {                                                                                                \
    .type = "{ by: $X?, at: list[timestamp], values: list[$Y] }",                                  \
    .init = "{ by: none, at: [], values: [] }",                                                    \
    .add = "if $acc.by == none or $x " BEFORE " $sure($acc.by) "                                   \
           "{ $acc.by = $x; $acc.at.clear(); $acc.values.clear() }; "                              \
           "if $x == $sure($acc.by) { let $index = $after($acc.at, $at); "                         \
           "$acc.at.$insert($index, $at); $acc.values.$insert($index, $y) }",                      \
    .merge = "if $from.by != none { "                                                              \
             "if $acc.by == none or $sure($from.by) " BEFORE " $sure($acc.by) { $acc = $from } "   \
             "else if $from.by == $acc.by { " PUSH_TIMES PUSH_VALUES " } }",                       \
    .value = "$acc.values",                                                                        \
  }

static const struct accumulator *choose_all_min_by(const struct aggregated *of) {
  static const struct accumulator plain = ALL_PLAIN("<"), timed = ALL_TIMED("<");
  if (!type_is_ordered(of->x)) return NULL;
  return of->by_time ? &timed : &plain;
}

static const struct accumulator *choose_all_max_by(const struct aggregated *of) {
  static const struct accumulator plain = ALL_PLAIN(">"), timed = ALL_TIMED(">");
  if (!type_is_ordered(of->x)) return NULL;
  return of->by_time ? &timed : &plain;
}

/* Lists of at most $count, the largest first; of equal ones earlier ones first. */
static const struct accumulator *choose_top(const struct aggregated *of) {
  static const struct accumulator
      alone = {
          .type = "list[$X]",
          .init = "[]",
          .add = "let $rank = $rank($acc, $x); "
                 "if $rank < $count { $acc.$insert($rank, $x); if len($acc) > $count { $acc.pop() } }",
          .merge = "for $value in $from { let $rank = $rank($acc, $value); "
                   "if $rank < $count { $acc.$insert($rank, $value); "
                   "if len($acc) > $count { $acc.pop() } } }",
          .value = "$acc",
      },
      plain = {
          .type = "{ by: list[$X], values: list[$Y] }",
          .init = "{ by: [], values: [] }",
          .add = "let $rank = $rank($acc.by, $x); "
                 "if $rank < $count { $acc.by.$insert($rank, $x); $acc.values.$insert($rank, $y); "
                 "if len($acc.by) > $count { $acc.by.pop(); $acc.values.pop() } }",
          .merge = "for $index in range(0, len($from.by)) { let $rank = $rank($acc.by, $from.by[$index]); "
                   "if $rank < $count { $acc.by.$insert($rank, $from.by[$index]); "
                   "$acc.values.$insert($rank, $from.values[$index]); "
                   "if len($acc.by) > $count { $acc.by.pop(); $acc.values.pop() } } }",
          .value = "$acc.values",
      },
      timed = {
          .type = "{ by: list[$X], at: list[timestamp], values: list[$Y] }",
          .init = "{ by: [], at: [], values: [] }",
          .add = "let $rank = $rank($acc.by, $x, $acc.at, $at); "
                 "if $rank < $count { $acc.by.$insert($rank, $x); $acc.at.$insert($rank, $at); "
                 "$acc.values.$insert($rank, $y); "
                 "if len($acc.by) > $count { $acc.by.pop(); $acc.at.pop(); $acc.values.pop() } }",
          .merge = "for $index in range(0, len($from.by)) { let $rank = $rank($acc.by, $from.by[$index]); "
                   "if $rank < $count { $acc.by.$insert($rank, $from.by[$index]); "
                   "$acc.at.$insert($rank, $from.at[$index]); "
                   "$acc.values.$insert($rank, $from.values[$index]); "
                   "if len($acc.by) > $count { $acc.by.pop(); $acc.at.pop(); $acc.values.pop() } } }",
          .value = "$acc.values",
      };
  if (!type_is_ordered(of->x)) return NULL;
  if (of->y == NULL) return &alone;
  return of->by_time ? &timed : &plain;
}

/* -- the table ----------------------------------------------------------------------------------- */

static const struct aggregate rows[] = {
#define AGGREGATE(name, least, most, choose, works_on, syntax, doc, example, gives)                \
  {name, least, most, choose, works_on, syntax, doc, example, gives},
#include "front/aggregates.def"
#undef AGGREGATE
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

const struct aggregate *aggregate_find(const char *name) {
  for (size_t i = 0; i < ROW_COUNT; i++) {
    if (strcmp(rows[i].name, name) == 0) return &rows[i];
  }
  return NULL;
}

const struct aggregate *aggregate_all(size_t *count) {
  *count = ROW_COUNT;
  return rows;
}
