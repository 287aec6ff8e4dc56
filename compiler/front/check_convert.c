/* Conversions that the language makes by itself: T to T?, and literals to the type that is wanted.
 * Everything else is a misfit with a message that says how to convert.
 */
#include "front/checker.h"

#include <string.h>

/* -- messages -------------------------------------------------------------------------------- */

static bool is_in_statements(const struct checker *c) {
  return c->scope.place == PLACE_STATE || c->scope.place == PLACE_HOOK ||
         (c->scope.function && c->scope.function->body);
}

void report_absent(struct checker *c, const struct expr *expr) {
  struct diag *diag = diag_error(c->diags, E0211, expr->span, "this value may be absent");
  diag_label(diag, expr->span, "this is `%s`", type_name(c->types, expr->type));
  bool is_short = expr->span.length > 0 && expr->span.length <= 40;
  const char *text = is_short
                         ? arena_strndup(c->arena, sources_text(&c->compiler->sources, expr->span),
                                         expr->span.length)
                         : "…";
  if (c->scope.place == PLACE_TIME) { /* a default would be due at once */
    diag_help(diag, "without it there is no time:  if let x = %s then … else none", text);
    return;
  }
  diag_help(diag, "give a default:  (%s ?? %s)", text, example_value(expr->type->elem));
  diag_help(diag,
            is_in_statements(c) ? "or use it only where it is there:  if let x = %s { … }"
                                : "or ask:  if let x = %s then … else …",
            text);
}

/* The text to paste for a conversion from one type to another, or null. */
static const char *conversion(struct checker *c, const struct type *from, const struct type *to) {
  const char *other = decimal_conversion(c, from, to);
  if (!other) other = json_conversion(c, from, to);
  if (other) return other;
  if (to->kind == TYPE_FLOAT && from->kind == TYPE_INT) return "float(…)";
  if (to->kind == TYPE_INT && from->kind == TYPE_FLOAT) return "int(…) ?? 0";
  if (to->kind == TYPE_INT && from->kind == TYPE_STRING) return "parse_int(…) ?? 0";
  if (to->kind == TYPE_FLOAT && from->kind == TYPE_STRING) return "parse_float(…) ?? 0.0";
  if (to->kind == TYPE_STRING && from->kind == TYPE_BYTES) return "string(…) ?? \"\"";
  if (to->kind == TYPE_STRING && type_is_scalar(from)) return "string(…)";
  if (to->kind == TYPE_BYTES && from->kind == TYPE_STRING) return "bytes(…)";
  return NULL;
}

/* A condition that is no bool: what was probably meant. */
static void help_condition(struct checker *c, struct diag *diag, const struct expr *expr) {
  const char *text = text_of(c, expr, NULL);
  if (!text) text = "`…`";
  int length = (int)strlen(text) - 2;
  switch (expr->type->kind) {
  case TYPE_INT: diag_help(diag, "compare it:  %.*s != 0", length, text + 1); break;
  case TYPE_STRING:
  case TYPE_LIST:
  case TYPE_SET:
  case TYPE_MAP:
    diag_help(diag, "ask whether something is in it:  not is_empty(%.*s)", length, text + 1);
    break;
  case TYPE_OPTIONAL:
    diag_help(diag, "ask whether it is there:  %.*s != none", length, text + 1);
    break;
  default: diag_help(diag, "compare it with something");
  }
}

/* Whether the text spells a number of the type, or nearly. */
static bool is_number(const struct expr *expr, const struct type *type) {
  for (size_t i = 0; i < expr->string.length; i++) {
    char c = expr->string.data[i];
    if ((c < '0' || c > '9') && (c != '.' || type->kind == TYPE_INT)) return false;
  }
  return expr->string.length > 0;
}

/* Times as other languages write them: texts and numbers. */
static void help_time(struct diag *diag, const struct expr *expr, const struct type *wanted) {
  bool is_text = expr->kind == EXPR_STRING;
  if (wanted->kind == TYPE_DURATION) {
    diag_help(diag, "a duration has a unit%s:  10s, 1h30m", is_text ? ", and no quotes" : "");
  } else if (is_text && expr->string.length > 10 && expr->string.data[4] == '-') {
    diag_help(diag, "a timestamp has an @ instead of quotes:  @%.*s", (int)expr->string.length,
              expr->string.data);
  } else {
    diag_help(diag, "a timestamp is written  @2024-01-01T00:00:00Z");
  }
}

/* A literal is written otherwise, and not converted. */
static void help_literal(struct checker *c, struct diag *diag, const struct expr *expr,
                         const struct type *wanted) {
  const char *text = sources_text(&c->compiler->sources, expr->span);
  if (wanted->kind == TYPE_TIMESTAMP || wanted->kind == TYPE_DURATION) {
    help_time(diag, expr, wanted);
  } else if (expr->kind == EXPR_STRING) {
    bool is_wanted = wanted->kind == TYPE_INT || wanted->kind == TYPE_FLOAT ||
                     wanted->kind == TYPE_DECIMAL;
    if (wanted->kind == TYPE_BYTES)
      diag_help(diag, "as bytes:  bytes(%.*s)", (int)expr->span.length, text);
    if (is_wanted && is_number(expr, wanted)) diag_help(diag, "without quotes it is a number");
  } else if (wanted->kind == TYPE_STRING) {
    diag_help(diag, "as a text:  \"%.*s\"", (int)expr->span.length, text);
  } else if (wanted->kind == TYPE_DECIMAL) {
    diag_help(diag, "a decimal is written out, without an exponent:  1000.00");
  }
}

static void help_conversion(struct checker *c, struct diag *diag, const struct expr *expr,
                            const struct type *wanted) {
  const struct type *type = expr->type;
  if (wanted->kind == TYPE_OPTIONAL) wanted = wanted->elem;
  const char *pattern = conversion(c, type, wanted);
  if (expr->kind == EXPR_INT || expr->kind == EXPR_FLOAT || expr->kind == EXPR_STRING) {
    help_literal(c, diag, expr, wanted);
  } else if (expr->kind == EXPR_BINARY && type->kind == TYPE_INT && wanted->kind == TYPE_FLOAT) {
    diag_help(diag, "convert what is calculated with:  float(…)");
  } else if (pattern && expr->span.length > 0 && expr->span.length <= 40) {
    const char *dots = strstr(pattern, "…");
    diag_help(diag, "convert it:  %.*s%.*s%s", (int)(dots - pattern), pattern,
              (int)expr->span.length, sources_text(&c->compiler->sources, expr->span),
              dots + strlen("…"));
  } else if (pattern) {
    diag_help(diag, "convert it:  %s", pattern);
  } else if (type_is_structural(type) && wanted->kind == TYPE_RECORD && wanted->name) {
    diag_help(diag, "make one:  %s(field: value, …), or write the fields in `{ }` here",
              wanted->name);
  }
}

bool help_variant(struct diag *diag, const struct expr *expr, const struct type *wanted) {
  if (wanted->kind == TYPE_OPTIONAL) wanted = wanted->elem;
  if (wanted->kind != TYPE_ENUM || expr->kind != EXPR_STRING) return false;
  vec_each(const struct type_variant, variant, &wanted->variants) {
    if (strlen(variant->name) == expr->string.length &&
        memcmp(variant->name, expr->string.data, expr->string.length) == 0) {
      diag_help(diag, "variants are written without quotes:  %s", variant->name);
      return true;
    }
  }
  return false;
}

void report_type(struct checker *c, const struct expr *expr, const struct type *expected) {
  const struct type *type = expr->type;
  if (type->kind == TYPE_ERROR || expected->kind == TYPE_ERROR) return;
  if (report_decimal_literal(c, expr, expected)) return;
  if (type->kind == TYPE_OPTIONAL && type->elem == expected && !type_is_json(type)) {
    report_absent(c, expr);
    return;
  }
  if (type->kind == TYPE_NONE) {
    struct diag *diag =
        diag_error(c->diags, E0205, expr->span, "`%s` is never absent, so `none` does not fit",
                   type_name(c->types, expected));
    diag_help(diag, "a type that allows absence is written `%s?`", type_name(c->types, expected));
    return;
  }
  struct diag *diag = diag_error(c->diags, E0205, expr->span, "expected `%s`, found `%s`",
                                 type_name(c->types, expected), type_name(c->types, type));
  bool is_collection =
      expected->kind == TYPE_LIST || expected->kind == TYPE_SET || expected->kind == TYPE_MAP;
  if (is_collection && expr->kind == EXPR_RECORD && expr->record.items.count == 0) {
    diag_help(diag, "an empty one is written `[]`");
  } else if (expected->kind == TYPE_MAP && expr->kind == EXPR_RECORD) {
    diag_help(diag, "a map is written in square brackets:  [\"a\": 1, \"b\": 2]");
  } else if (expected->kind == TYPE_BOOL && type_is_json(type)) {
    help_json(c, diag, expr, expected);
  } else if (expected->kind == TYPE_BOOL) {
    help_condition(c, diag, expr);
  } else if (!help_variant(diag, expr, expected)) {
    help_conversion(c, diag, expr, expected);
  }
}

/* -- literals -------------------------------------------------------------------------------- */

static struct expr *wrap(struct checker *c, struct expr *expr, enum coercion kind,
                         const struct type *type) {
  struct expr *node = arena_new(c->arena, struct expr);
  node->kind = EXPR_COERCE;
  node->span = expr->span;
  node->type = type;
  node->can_fail = expr->can_fail;
  node->can_fault = expr->can_fault;
  node->in_parens = expr->in_parens;
  node->coerce.kind = kind;
  node->coerce.operand = expr;
  return node;
}

/* An int literal takes the type float if a float can hold it exactly. */
static bool int_to_float(struct expr *expr, const struct type *type) {
  const int64_t largest = INT64_C(1) << 53;
  if (expr->integer < -largest || expr->integer > largest) return false;
  double number = (double)expr->integer;
  expr->kind = EXPR_FLOAT;
  expr->number = number;
  expr->type = type;
  return true;
}

/* The innermost place that does not fit. */
struct misfit {
  struct expr *at;
  const struct type *expected;
  bool is_reported;
};

static struct expr *convert(struct checker *c, struct expr *expr, const struct type *type,
                            struct misfit *misfit);

static bool convert_in_place(struct checker *c, struct expr **slot, const struct type *type,
                             struct misfit *misfit) {
  struct expr *converted = convert(c, *slot, type, misfit);
  if (converted) *slot = converted;
  return converted != NULL;
}

static bool convert_elements(struct checker *c, struct expr *expr, const struct type *type,
                             struct misfit *misfit) {
  if (type->kind == TYPE_MAP && expr->list.count > 0) return false;
  if (type->kind != TYPE_LIST && type->kind != TYPE_SET && type->kind != TYPE_MAP) return false;
  vec_each(struct expr *, element, &expr->list) {
    if (!convert_in_place(c, element, type->elem, misfit)) return false;
  }
  return true;
}

static bool convert_pairs(struct checker *c, struct expr *expr, const struct type *type,
                          struct misfit *misfit) {
  if (type->kind != TYPE_MAP) return false;
  vec_each(struct map_pair, pair, &expr->map) {
    if (!convert_in_place(c, &pair->key, type->key, misfit)) return false;
    if (!convert_in_place(c, &pair->value, type->elem, misfit)) return false;
  }
  return true;
}

static bool convert_arms(struct checker *c, struct expr *expr, const struct type *type,
                         struct misfit *misfit) {
  vec_each(struct match_arm, arm, &expr->match.arms) {
    if (!convert_in_place(c, &arm->value, type, misfit)) return false;
  }
  return true;
}

/* Converts what a literal (or a choice between literals) consists of. */
static bool convert_inside(struct checker *c, struct expr *expr, const struct type *type,
                           struct misfit *misfit) {
  if (type->kind == TYPE_JSON && json_of_literal(c, expr)) return true;
  switch (expr->kind) {
  case EXPR_INT:
  case EXPR_FLOAT:
    if (type->kind == TYPE_DECIMAL) return decimal_of_literal(c, expr, type);
    return expr->kind == EXPR_INT && type->kind == TYPE_FLOAT && int_to_float(expr, type);
  case EXPR_LIST: return convert_elements(c, expr, type, misfit);
  case EXPR_MAP: return convert_pairs(c, expr, type, misfit);
  case EXPR_IF:
    return convert_in_place(c, &expr->if_else.then_value, type, misfit) &&
           convert_in_place(c, &expr->if_else.else_value, type, misfit);
  case EXPR_MATCH: return convert_arms(c, expr, type, misfit);
  case EXPR_RECORD:
    if (type->kind != TYPE_RECORD) return false;
    misfit->is_reported = !record_fit(c, expr, type);
    return !misfit->is_reported;
  case EXPR_COERCE:
    if (type->kind != TYPE_OPTIONAL) return false;
    return expr->coerce.kind == COERCE_ABSENT ||
           convert_in_place(c, &expr->coerce.operand, type->elem, misfit);
  default: return false;
  }
}

/* The expression as a value of the type, or null with the misfit filled in. */
static struct expr *convert(struct checker *c, struct expr *expr, const struct type *type,
                            struct misfit *misfit) {
  if (expr->type == type || expr->type->kind == TYPE_ERROR || type->kind == TYPE_ERROR) return expr;
  if (type->kind == TYPE_OPTIONAL) {
    if (expr->kind == EXPR_NONE) return wrap(c, expr, COERCE_ABSENT, type);
    if (expr->type == type->elem) return wrap(c, expr, COERCE_SOME, type);
    bool is_optional = expr->type->kind == TYPE_OPTIONAL || expr->type->kind == TYPE_NONE;
    if (!is_optional) {
      struct expr *inner = convert(c, expr, type->elem, misfit);
      return inner ? wrap(c, inner, COERCE_SOME, type) : NULL;
    }
  }
  if (convert_inside(c, expr, type, misfit)) {
    expr->type = type;
    return expr;
  }
  if (!misfit->at) *misfit = (struct misfit){expr, type, misfit->is_reported};
  return NULL;
}

struct expr *try_coerce(struct checker *c, struct expr *expr, const struct type *type) {
  struct misfit misfit = {0};
  struct expr *converted = convert(c, expr, type, &misfit);
  if (!converted && misfit.is_reported) {
    expr->type = c->types->error;
    return expr;
  }
  return converted;
}

struct expr *coerce(struct checker *c, struct expr *expr, const struct type *type) {
  struct misfit misfit = {0};
  struct expr *converted = convert(c, expr, type, &misfit);
  if (converted) return converted;
  if (!misfit.is_reported) report_type(c, misfit.at, misfit.expected);
  expr->type = c->types->error;
  return expr;
}

/* -- joins ----------------------------------------------------------------------------------- */

static const struct type *join_fields(struct checker *c, const struct type *a,
                                      const struct type *b) {
  if (a->kind != TYPE_RECORD || b->kind != TYPE_RECORD || a->fields.count != b->fields.count)
    return NULL;
  if (!type_is_structural(a) || !type_is_structural(b)) return NULL;
  struct type_field_list fields = {0};
  vec_each(const struct type_field, field, &a->fields) {
    int other = type_field_index(b, field->name);
    if (other < 0) return NULL;
    const struct type *joined = join_types(c, field->type, b->fields.data[other].type);
    if (!joined) return NULL;
    vec_push(c->arena, &fields,
             (struct type_field){.name = field->name, .type = joined, .span = field->span});
  }
  return type_structural(c->types, fields.data, fields.count);
}

static const struct type *join_collections(struct checker *c, const struct type *a,
                                           const struct type *b) {
  const struct type *elem = join_types(c, a->elem, b->elem);
  if (!elem) return NULL;
  if (a->kind == TYPE_LIST) return type_list(c->types, elem);
  if (a->kind == TYPE_SET) return type_set(c->types, elem);
  const struct type *key = join_types(c, a->key, b->key);
  return key ? type_map(c->types, key, elem) : NULL;
}

/* Of literals that may become json. */
static bool is_literal_type(const struct type *type) {
  return type->kind == TYPE_INT || type->kind == TYPE_FLOAT || type->kind == TYPE_STRING ||
         type->kind == TYPE_BOOL || type->kind == TYPE_EMPTY;
}

const struct type *join_types(struct checker *c, const struct type *a, const struct type *b) {
  if (!a || a == b || b->kind == TYPE_ERROR) return b;
  if (a->kind == TYPE_ERROR) return a;
  if (a->kind == TYPE_NONE) return type_optional(c->types, b);
  if (b->kind == TYPE_NONE) return type_optional(c->types, a);
  if (a->kind == TYPE_OPTIONAL || b->kind == TYPE_OPTIONAL) {
    const struct type *inner = join_types(c, a->kind == TYPE_OPTIONAL ? a->elem : a,
                                          b->kind == TYPE_OPTIONAL ? b->elem : b);
    return inner ? type_optional(c->types, inner) : NULL;
  }
  bool a_holds = a->kind == TYPE_LIST || a->kind == TYPE_SET || a->kind == TYPE_MAP;
  bool b_holds = b->kind == TYPE_LIST || b->kind == TYPE_SET || b->kind == TYPE_MAP;
  if (a->kind == TYPE_EMPTY && b_holds) return b;
  if (b->kind == TYPE_EMPTY && a_holds) return a;
  if (a_holds && a->kind == b->kind) return join_collections(c, a, b);
  /* An int literal may become a float; coerce() refuses any other int. */
  if (a->kind == TYPE_INT && b->kind == TYPE_FLOAT) return b;
  if (a->kind == TYPE_FLOAT && b->kind == TYPE_INT) return a;
  /* And so may both become a decimal. */
  if (b->kind == TYPE_DECIMAL && (a->kind == TYPE_INT || a->kind == TYPE_FLOAT)) return b;
  if (a->kind == TYPE_DECIMAL && (b->kind == TYPE_INT || b->kind == TYPE_FLOAT)) return a;
  if (a->kind == TYPE_JSON && is_literal_type(b)) return a;
  if (b->kind == TYPE_JSON && is_literal_type(a)) return b;
  if (a->kind == TYPE_RECORD && a->name && type_is_structural(b)) return a;
  if (b->kind == TYPE_RECORD && b->name && type_is_structural(a)) return b;
  return join_fields(c, a, b);
}

/* -- what is left open ----------------------------------------------------------------------- */

/* The innermost literal whose type is open, with the field that it is the value of. */
static const struct expr *first_open(const struct expr *expr, const char **field) {
  const struct expr *found = expr;
  if (expr->kind == EXPR_RECORD) {
    vec_each(const struct record_item, item, &expr->record.items) {
      if (item->is_spread || type_is_concrete(item->value->type)) continue;
      *field = item->name.text;
      return first_open(item->value, field);
    }
  } else if (expr->kind == EXPR_LIST) {
    vec_each(struct expr *, element, &expr->list) {
      if (!type_is_concrete((*element)->type)) return first_open(*element, field);
    }
  }
  return found;
}

struct expr *require_concrete(struct checker *c, struct expr *expr) {
  if (expr->type->kind == TYPE_UNIT) {
    diag_error(c->diags, E0205, expr->span, "this call has no value");
    expr->type = c->types->error;
  }
  if (type_is_concrete(expr->type)) return expr;
  const char *field = NULL;
  const struct expr *open = first_open(expr, &field);
  bool is_none = open->type->kind == TYPE_NONE;
  struct diag *diag = is_none
                          ? diag_error(c->diags, E0218, open->span,
                                       "nothing says of which type this `none` is an absent value")
                          : diag_error(c->diags, E0218, open->span,
                                       "nothing says of which type the elements of this are");
  if (field && c->scope.place != PLACE_CONSTANT) {
    diag_help(diag, "declare a record with the field and make one:  Row(%s: %s, …)", field,
              is_none ? "none" : "[]");
  } else {
    diag_help(diag, "name the type:  %s: %s",
              c->scope.place == PLACE_CONSTANT ? "const x" : "let x",
              is_none ? "int? = none" : "list[int] = []");
  }
  expr->type = c->types->error;
  return expr;
}
