/* Patterns: whether they fit their subject, and whether together they cover it (E0305). */
#include "front/checker.h"

#include <string.h>

/* -- one pattern ----------------------------------------------------------------------------- */

static void report_pattern(struct checker *c, const struct pattern *pattern,
                           const struct type *subject, const char *help) {
  struct diag *diag = diag_error(c->diags, E0220, pattern->span, "this pattern does not fit `%s`",
                                 type_name(c->types, subject));
  if (help) diag_help(diag, "%s", help);
}

/* `Kind.order`: the enum that is written must be the subject's. */
static bool check_pattern_type(struct checker *c, const struct pattern *pattern,
                               const struct type *subject) {
  if (!pattern->type.text || strcmp(pattern->type.text, subject->name) == 0) return true;
  struct diag *diag = diag_error(c->diags, E0220, pattern->type.span,
                                 "this is a pattern of `%s`, and `%s` is matched",
                                 pattern->type.text, subject->name);
  if (type_variant_index(subject, pattern->name.text) >= 0)
    diag_help(diag, "the variant of `%s` is  %s", subject->name, pattern->name.text);
  return false;
}

static bool check_variant_pattern(struct checker *c, struct pattern *pattern,
                                  const struct type *subject) {
  if (subject->kind != TYPE_ENUM) {
    const char *help = NULL;
    if (subject->kind == TYPE_STRING)
      help = arena_printf(c->arena, "texts are written in quotes:  \"%s\"", pattern->name.text);
    if (subject->kind == TYPE_OPTIONAL)
      help = arena_printf(c->arena, "take the value apart first:  some x => …, none => …");
    const char *ours = our_value(pattern->name.text);
    if (ours) help = arena_printf(c->arena, "here it is called `%s`", ours);
    if (strcmp(pattern->name.text, "_") == 0) help = "everything else is written  else => …";
    report_pattern(c, pattern, subject, help);
    return false;
  }
  if (!check_pattern_type(c, pattern, subject)) return false;
  int index = type_variant_index(subject, pattern->name.text);
  if (index < 0) {
    struct diag *diag = report_no_variant(c, subject, pattern->name);
    if (strcmp(pattern->name.text, "_") == 0)
      diag_help(diag, "everything else is written  else => …");
    return false;
  }
  pattern->variant = (uint32_t)index;
  const struct type *payload = subject->variants.data[index].payload;
  if (pattern->binder && !payload) {
    diag_error(c->diags, E0220, pattern->binder->name.span,
               "the variant `%s` has no fields to name", pattern->name.text);
    return false;
  }
  if (pattern->binder) pattern->binder->type = payload;
  return true;
}

static int compare_literals(const struct expr *a, const struct expr *b) {
  if (a->kind == EXPR_FLOAT) return (a->number > b->number) - (a->number < b->number);
  if (a->kind == EXPR_BOOL) return (int)a->boolean - (int)b->boolean;
  if (a->kind != EXPR_STRING) return (a->integer > b->integer) - (a->integer < b->integer);
  size_t shorter = a->string.length < b->string.length ? a->string.length : b->string.length;
  int order = memcmp(a->string.data, b->string.data, shorter);
  if (order) return order;
  return (a->string.length > b->string.length) - (a->string.length < b->string.length);
}

static bool check_range_end(struct checker *c, struct expr **bound, const struct type *subject) {
  *bound = infer(c, *bound, subject);
  if ((*bound)->type->kind == TYPE_ERROR) return false;
  struct expr *converted = try_coerce(c, *bound, subject);
  if (converted && constant_value(converted)) {
    *bound = converted;
    return true;
  }
  if (report_decimal_literal(c, *bound, subject)) return false;
  struct diag *diag =
      diag_error(c->diags, E0220, (*bound)->span, "a pattern of type `%s` does not fit `%s`",
                 type_name(c->types, (*bound)->type), type_name(c->types, subject));
  if (subject->kind == TYPE_ENUM && !help_variant(diag, *bound, subject))
    diag_help(diag, "name a variant:  %s", subject->variants.data[0].name);
  if (subject->kind == TYPE_OPTIONAL)
    diag_help(diag, "take the value apart first:  some x => …, none => …");
  return false;
}

static bool check_literal_pattern(struct checker *c, struct pattern *pattern,
                                  const struct type *subject) {
  if (!check_range_end(c, &pattern->low, subject)) return false;
  if (pattern->kind == PATTERN_LITERAL) return true;
  if (!check_range_end(c, &pattern->high, subject)) return false;
  if (!type_is_ordered(subject)) {
    report_pattern(c, pattern, subject, NULL);
    return false;
  }
  if (compare_literals(pattern->low, pattern->high) > 0) {
    struct diag *diag = diag_error(c->diags, E0220, pattern->span, "this range is empty");
    diag_help(diag, "the smaller end comes first");
    return false;
  }
  return true;
}

static bool check_pattern(struct checker *c, struct pattern *pattern, const struct type *subject) {
  switch (pattern->kind) {
  case PATTERN_LITERAL:
  case PATTERN_RANGE: return check_literal_pattern(c, pattern, subject);
  case PATTERN_NONE:
  case PATTERN_SOME:
    if (subject->kind != TYPE_OPTIONAL) {
      report_pattern(c, pattern, subject, "a value of this type is never absent");
      return false;
    }
    if (pattern->binder) pattern->binder->type = subject->elem;
    return true;
  default: return check_variant_pattern(c, pattern, subject);
  }
}

/* -- coverage -------------------------------------------------------------------------------- */

/* What the arms so far have taken. */
struct coverage {
  const struct type *subject;
  struct pattern_list seen;
  bool has_else;
};

static bool covers(const struct pattern *earlier, const struct pattern *pattern) {
  bool is_earlier_literal = earlier->kind == PATTERN_LITERAL || earlier->kind == PATTERN_RANGE;
  bool is_literal = pattern->kind == PATTERN_LITERAL || pattern->kind == PATTERN_RANGE;
  if (is_literal && is_earlier_literal) {
    const struct expr *low = earlier->low;
    const struct expr *high = earlier->kind == PATTERN_RANGE ? earlier->high : low;
    const struct expr *last = pattern->kind == PATTERN_RANGE ? pattern->high : pattern->low;
    return compare_literals(low, pattern->low) <= 0 && compare_literals(last, high) <= 0;
  }
  if (earlier->kind != pattern->kind) return false;
  return earlier->kind != PATTERN_VARIANT || earlier->variant == pattern->variant;
}

static void add_coverage(struct checker *c, struct coverage *coverage,
                         const struct pattern *pattern) {
  vec_each(const struct pattern, earlier, &coverage->seen) {
    if (!covers(earlier, pattern)) continue;
    struct diag *diag =
        diag_warning(c->diags, W0905, pattern->span, "this pattern is never reached");
    diag_label(diag, earlier->span, "taken here already");
    return;
  }
  vec_push(c->arena, &coverage->seen, *pattern);
}

static bool has_kind(const struct coverage *coverage, enum pattern_kind kind) {
  vec_each(const struct pattern, pattern, &coverage->seen) {
    if (pattern->kind == kind) return true;
  }
  return false;
}

static bool has_variant(const struct coverage *coverage, uint32_t variant) {
  vec_each(const struct pattern, pattern, &coverage->seen) {
    if (pattern->kind == PATTERN_VARIANT && pattern->variant == variant) return true;
  }
  return false;
}

static bool has_boolean(const struct coverage *coverage, bool value) {
  vec_each(const struct pattern, pattern, &coverage->seen) {
    if (pattern->kind == PATTERN_LITERAL && pattern->low->boolean == value) return true;
  }
  return false;
}

/* Writes what is not covered; false if nothing can be listed though not all is covered. */
static bool write_missing(const struct coverage *coverage, struct text *out) {
  const struct type *subject = coverage->subject;
  switch (subject->kind) {
  case TYPE_ENUM:
    for (uint32_t i = 0; i < subject->variants.count; i++) {
      if (!has_variant(coverage, i))
        text_addf(out, "%s`%s`", out->length ? ", " : "", subject->variants.data[i].name);
    }
    return true;
  case TYPE_BOOL:
    if (!has_boolean(coverage, true)) text_add(out, "`true`");
    if (!has_boolean(coverage, false)) text_addf(out, "%s`false`", out->length ? ", " : "");
    return true;
  case TYPE_OPTIONAL:
    if (!has_kind(coverage, PATTERN_NONE)) text_add(out, "`none`");
    if (!has_kind(coverage, PATTERN_SOME)) text_addf(out, "%s`some x`", out->length ? ", " : "");
    return true;
  default: return false;
  }
}

static void report_uncovered(struct checker *c, const struct coverage *coverage,
                             const struct expr *subject) {
  if (coverage->has_else) return;
  struct text missing;
  text_init(&missing, c->arena);
  bool is_listed = write_missing(coverage, &missing);
  if (is_listed && missing.length == 0) return;
  struct diag *diag;
  if (is_listed) {
    diag = diag_error(c->diags, E0305, subject->span, "this match does not cover %s", missing.data);
    diag_help(diag, "add an arm, or  else => …");
  } else {
    diag = diag_error(c->diags, E0305, subject->span, "this match does not cover every `%s`",
                      type_name(c->types, coverage->subject));
    diag_help(diag, "add an arm  else => …");
  }
}

static bool can_be_matched(const struct type *type) {
  return type->kind == TYPE_ENUM || type->kind == TYPE_OPTIONAL || type->kind == TYPE_BOOL ||
         (type_is_ordered(type) && type->kind != TYPE_BYTES);
}

static bool check_arm(struct checker *c, struct match_arm *arm, struct coverage *coverage) {
  bool is_good = true;
  if (coverage->has_else) {
    diag_warning(c->diags, W0905, arm->span, "this arm is never reached, `else` stands above");
  }
  if (arm->is_else) coverage->has_else = true;
  vec_each(struct pattern, pattern, &arm->patterns) {
    if (pattern->binder) pattern->binder->type = c->types->error;
    if (!check_pattern(c, pattern, coverage->subject)) {
      is_good = false;
      continue;
    }
    if (pattern->binder && arm->patterns.count > 1) {
      struct diag *diag = diag_error(c->diags, E0220, pattern->binder->name.span,
                                     "a name in one of several patterns joined by `or`");
      diag_help(diag, "give this pattern an arm of its own");
    }
    add_coverage(c, coverage, pattern);
  }
  return is_good;
}

void check_patterns(struct checker *c, struct expr *subject, struct match_arm_list *arms) {
  struct coverage coverage = {.subject = subject->type};
  if (subject->type->kind == TYPE_ERROR || !can_be_matched(subject->type)) {
    if (subject->type->kind != TYPE_ERROR) {
      struct diag *diag = diag_error(c->diags, E0220, subject->span, "`%s` cannot be matched",
                                     type_name(c->types, subject->type));
      if (type_is_json(subject->type)) help_json(c, diag, subject, c->types->string);
    }
    vec_each(struct match_arm, arm, arms) {
      vec_each(struct pattern, pattern, &arm->patterns) {
        if (pattern->binder) pattern->binder->type = c->types->error;
      }
    }
    return;
  }
  bool is_good = true;
  vec_each(struct match_arm, arm, arms) is_good = check_arm(c, arm, &coverage) && is_good;
  if (is_good) report_uncovered(c, &coverage, subject);
}

void bind_arm(struct checker *c, struct match_arm *arm) {
  vec_each(struct pattern, pattern, &arm->patterns) {
    if (pattern->binder) bind_local(c, pattern->binder, pattern->binder->type);
  }
}
