#include "front/builtin.h"

#include <string.h>

#include "base/bytes.h"
#include "front/checker.h"
#include "front/decimal.h"

/* -- typing arguments ------------------------------------------------------------------------ */

static struct expr **arg_at(struct expr *call, size_t index) {
  return &call->call.args.data[index].value;
}

static const char *name_of(const struct expr *call) {
  return call->call.builtin->name;
}

/* Types argument `index` as `type`; false after a diagnostic. */
static bool want(struct checker *c, struct expr *call, size_t index, const struct type *type) {
  struct expr **arg = arg_at(call, index);
  *arg = check_expr(c, *arg, type);
  return (*arg)->type->kind != TYPE_ERROR;
}

static bool want_all(struct checker *c, struct expr *call, const struct type *type) {
  bool is_good = true;
  for (size_t i = 0; i < call->call.args.count; i++) is_good = want(c, call, i, type) && is_good;
  return is_good;
}

/* Reports that argument `index` is not what the function works on. */
static const struct type *report_arg(struct checker *c, struct expr *call, size_t index,
                                     const char *wanted) {
  const struct expr *arg = *arg_at(call, index);
  if (arg->type->kind == TYPE_ERROR) return c->types->error;
  if (arg->type->kind == TYPE_OPTIONAL && !type_is_json(arg->type)) {
    report_absent(c, arg);
    return c->types->error;
  }
  struct diag *diag = diag_error(c->diags, E0205, arg->span, "`%s` works on %s, this is `%s`",
                                 name_of(call), wanted, type_name(c->types, arg->type));
  if (type_is_json(arg->type)) {
    diag_help(diag, "say what the json is first, with string(…), elements(…), int(…)");
    return c->types->error;
  }
  diag_note(diag, "%s: %s", call->call.builtin->syntax, call->call.builtin->doc);
  const char *aggregate = our_aggregate(name_of(call));
  if (aggregate && arg->type->kind <= TYPE_FLOAT) diag_help(diag, "%s", aggregate);
  return c->types->error;
}

/* Types the other arguments after the first one was wrong, for their own diagnostics. */
static const struct type *rest_error(struct checker *c, struct expr *call) {
  for (size_t i = 1; i < call->call.args.count; i++)
    *arg_at(call, i) = infer(c, *arg_at(call, i), NULL);
  return c->types->error;
}

/* Types the first argument without an expectation. */
static const struct type *first_type(struct checker *c, struct expr *call,
                                     const struct type *hint) {
  *arg_at(call, 0) = infer(c, *arg_at(call, 0), hint);
  return (*arg_at(call, 0))->type;
}

static const struct type *optional(struct checker *c, const struct type *type) {
  return type_optional(c->types, type);
}

static void fails(struct checker *c, struct expr *call, const char *label) {
  note_failure(c, call, call->call.name.span, "this call", label);
}

/* -- mutators -------------------------------------------------------------------------------- */

static void hint_other_mutator(struct checker *c, struct expr *call, const struct type *type) {
  static const struct {
    enum builtin_id id;
    enum type_kind kind;
    const char *instead;
  } rows[] = {
      {BUILTIN_PUSH, TYPE_SET, ".add(value)"},        {BUILTIN_INSERT, TYPE_SET, ".add(value)"},
      {BUILTIN_ADD, TYPE_LIST, ".push(value)"},       {BUILTIN_DELETE, TYPE_LIST, ".remove(value)"},
      {BUILTIN_REMOVE, TYPE_SET, ".delete(value)"},   {BUILTIN_REMOVE, TYPE_MAP, ".delete(key)"},
      {BUILTIN_INSERT, TYPE_MAP, ".put(key, value)"}, {BUILTIN_ADD, TYPE_MAP, ".put(key, value)"},
      {BUILTIN_PUSH, TYPE_MAP, ".put(key, value)"},
  };
  struct diag *diag = diag_error(c->diags, E0205, call->call.name.span, "`%s` has no `%s`",
                                 type_name(c->types, type), name_of(call));
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (rows[i].id == call->call.builtin->id && rows[i].kind == type->kind)
      diag_help(diag, "write  %s", rows[i].instead);
  }
}

/* The collection that a mutator changes, or null after a diagnostic. */
static const struct type *receiver(struct checker *c, struct expr *call, enum type_kind kind,
                                   enum type_kind other, enum type_kind third) {
  struct expr *place = *arg_at(call, 0);
  bool is_good = check_place(c, place, true);
  const struct type *type = place->type;
  is_good = is_good && type->kind != TYPE_ERROR;
  if (is_good && type->kind != kind && type->kind != other && type->kind != third) {
    if (type->kind == TYPE_OPTIONAL) {
      report_absent(c, place);
    } else {
      hint_other_mutator(c, call, type);
    }
    is_good = false;
  }
  if (is_good) return type;
  rest_error(c, call);
  return NULL;
}

static const struct type *check_list_value(struct checker *c, struct expr *call,
                                           const struct type *hint) {
  (void)hint;
  const struct type *type = receiver(c, call, TYPE_LIST, TYPE_LIST, TYPE_LIST);
  if (!type || !want(c, call, 1, type->elem)) return c->types->error;
  return call->call.builtin->id == BUILTIN_REMOVE ? c->types->bool_ : c->types->unit;
}

static const struct type *check_pop(struct checker *c, struct expr *call, const struct type *hint) {
  (void)hint;
  const struct type *type = receiver(c, call, TYPE_LIST, TYPE_LIST, TYPE_LIST);
  return type ? optional(c, type->elem) : c->types->error;
}

static const struct type *check_remove_at(struct checker *c, struct expr *call,
                                          const struct type *hint) {
  (void)hint;
  const struct type *type = receiver(c, call, TYPE_LIST, TYPE_LIST, TYPE_LIST);
  if (!type || !want(c, call, 1, c->types->int_)) return c->types->error;
  return optional(c, type->elem);
}

static const struct type *check_insert(struct checker *c, struct expr *call,
                                       const struct type *hint) {
  (void)hint;
  const struct type *type = receiver(c, call, TYPE_LIST, TYPE_LIST, TYPE_LIST);
  if (!type) return c->types->error;
  bool is_good = want(c, call, 1, c->types->int_);
  if (!want(c, call, 2, type->elem) || !is_good) return c->types->error;
  const struct expr *index = constant_value(*arg_at(call, 1));
  if (index && index->integer < 0) {
    struct diag *diag =
        diag_error(c->diags, E0205, index->span, "no list has a place before its start");
    diag_help(diag, "at the start:  .insert(0, …)   at the end:  .push(…)");
    return c->types->error;
  }
  if (!index || index->integer > 0) fails(c, call, "the index may lie outside of the list");
  return c->types->unit;
}

static const struct type *check_clear(struct checker *c, struct expr *call,
                                      const struct type *hint) {
  (void)hint;
  return receiver(c, call, TYPE_LIST, TYPE_SET, TYPE_MAP) ? c->types->unit : c->types->error;
}

static const struct type *check_add(struct checker *c, struct expr *call, const struct type *hint) {
  (void)hint;
  const struct type *type = receiver(c, call, TYPE_SET, TYPE_SET, TYPE_SET);
  if (!type || !want(c, call, 1, type->elem)) return c->types->error;
  return c->types->bool_;
}

static const struct type *check_delete(struct checker *c, struct expr *call,
                                       const struct type *hint) {
  (void)hint;
  const struct type *type = receiver(c, call, TYPE_SET, TYPE_MAP, TYPE_MAP);
  if (!type) return c->types->error;
  const struct type *wanted = type->kind == TYPE_MAP ? type->key : type->elem;
  return want(c, call, 1, wanted) ? c->types->bool_ : c->types->error;
}

static const struct type *check_put(struct checker *c, struct expr *call, const struct type *hint) {
  (void)hint;
  const struct type *type = receiver(c, call, TYPE_MAP, TYPE_MAP, TYPE_MAP);
  if (!type) return c->types->error;
  bool is_good = want(c, call, 1, type->key);
  return want(c, call, 2, type->elem) && is_good ? c->types->unit : c->types->error;
}

/* -- collections ----------------------------------------------------------------------------- */

static bool is_collection(const struct type *type) {
  return type->kind == TYPE_LIST || type->kind == TYPE_SET || type->kind == TYPE_MAP;
}

/* len, is_empty */
static const struct type *check_size(struct checker *c, struct expr *call,
                                     const struct type *hint) {
  (void)hint;
  const struct type *type = first_type(c, call, NULL);
  if (!is_collection(type) && type->kind != TYPE_STRING && type->kind != TYPE_BYTES)
    return report_arg(c, call, 0, "strings, bytes, lists, sets and maps");
  return call->call.builtin->id == BUILTIN_LEN ? c->types->int_ : c->types->bool_;
}

static const struct type *check_contains(struct checker *c, struct expr *call,
                                         const struct type *hint) {
  (void)hint;
  const struct type *type = first_type(c, call, NULL);
  if (!is_collection(type) && type->kind != TYPE_STRING) {
    report_arg(c, call, 0, "strings, lists, sets and maps");
    return rest_error(c, call);
  }
  const struct type *part = type->kind == TYPE_STRING ? type
                            : type->kind == TYPE_MAP  ? type->key
                                                      : type->elem;
  return want(c, call, 1, part) ? c->types->bool_ : c->types->error;
}

/* first, last */
static const struct type *check_end(struct checker *c, struct expr *call, const struct type *hint) {
  (void)hint;
  const struct type *type = first_type(c, call, NULL);
  if (type->kind != TYPE_LIST && type->kind != TYPE_SET)
    return report_arg(c, call, 0, "lists and sets");
  return optional(c, type->elem);
}

/* The library sorts records by their first field: that is how it sorts by what a function gives. */
static bool has_order(const struct checker *c, const struct type *elem) {
  bool is_entry = c->scope.is_library && type_is_structural(elem) && elem->fields.count > 0;
  return type_is_ordered(is_entry ? elem->fields.data[0].type : elem);
}

static const struct type *check_index_of(struct checker *c, struct expr *call,
                                         const struct type *hint) {
  (void)hint;
  const struct type *type = first_type(c, call, NULL);
  if (type->kind != TYPE_STRING && type->kind != TYPE_LIST) {
    report_arg(c, call, 0, "strings and lists");
    return rest_error(c, call);
  }
  const struct type *part = type->kind == TYPE_STRING ? type : type->elem;
  return want(c, call, 1, part) ? optional(c, c->types->int_) : c->types->error;
}

/* sort, reverse */
static const struct type *check_reorder(struct checker *c, struct expr *call,
                                        const struct type *hint) {
  const struct type *type = first_type(c, call, hint);
  bool is_sort = call->call.builtin->id == BUILTIN_SORT;
  if (!is_sort && type->kind == TYPE_STRING) return type;
  if (type->kind != TYPE_LIST || (is_sort && !has_order(c, type->elem)))
    return report_arg(c, call, 0, is_sort ? "lists of values that have an order" : "lists and strings");
  return type;
}

static const struct type *check_range(struct checker *c, struct expr *call,
                                      const struct type *hint) {
  (void)hint;
  if (!want_all(c, call, c->types->int_)) return c->types->error;
  const struct expr *from = constant_value(*arg_at(call, 0));
  const struct expr *to = constant_value(*arg_at(call, 1));
  bool is_short =
      from && to &&
      (to->integer <= from->integer || (uint64_t)to->integer - (uint64_t)from->integer <= 1000000);
  if (!is_short) note_fault(c);
  return type_list(c->types, c->types->int_);
}

static const struct type *check_map_part(struct checker *c, struct expr *call,
                                         const struct type *hint) {
  (void)hint;
  const struct type *type = first_type(c, call, NULL);
  if (type->kind != TYPE_MAP) return report_arg(c, call, 0, "maps");
  return type_list(c->types, call->call.builtin->id == BUILTIN_KEYS ? type->key : type->elem);
}

/* -- numbers --------------------------------------------------------------------------------- */

/* min, max: of a collection, or of two and more values */
static const struct type *check_extreme(struct checker *c, struct expr *call,
                                        const struct type *hint) {
  if (call->call.args.count == 1) {
    const struct type *type = first_type(c, call, NULL);
    if ((type->kind != TYPE_LIST && type->kind != TYPE_SET) || !type_is_ordered(type->elem))
      return report_arg(c, call, 0, "two or more values, or a list or set of ordered values");
    return optional(c, type->elem);
  }
  if (hint && hint->kind == TYPE_OPTIONAL) hint = hint->elem;
  const struct type *joined = NULL;
  for (size_t i = 0; i < call->call.args.count; i++) {
    *arg_at(call, i) = infer(c, *arg_at(call, i), joined ? joined : hint);
    const struct type *type = (*arg_at(call, i))->type;
    if (type->kind == TYPE_ERROR) return rest_error(c, call);
    const struct type *both = join_types(c, joined, type);
    if (!both || !type_is_ordered(both)) {
      if (type_is_ordered(type) && joined) {
        report_type(c, *arg_at(call, i), joined);
        return c->types->error;
      }
      return report_arg(c, call, i, "int, float, decimal, string, timestamp and duration");
    }
    joined = both;
  }
  return want_all(c, call, joined) ? joined : c->types->error;
}

static const struct type *check_abs(struct checker *c, struct expr *call, const struct type *hint) {
  const struct type *type = first_type(c, call, hint);
  if (!type_is_numeric(type)) return report_arg(c, call, 0, "int, float, decimal and duration");
  if (type->kind != TYPE_FLOAT) note_fault(c);
  return type;
}

/* sum, avg */
static const struct type *check_total(struct checker *c, struct expr *call,
                                      const struct type *hint) {
  (void)hint;
  const struct type *type = first_type(c, call, NULL);
  bool is_avg = call->call.builtin->id == BUILTIN_AVG;
  bool fits = (type->kind == TYPE_LIST || type->kind == TYPE_SET) && type_is_numeric(type->elem) &&
              (!is_avg || type->elem->kind != TYPE_DURATION);
  if (!fits)
    return report_arg(c, call, 0,
                      is_avg ? "lists and sets of int, float or decimal"
                             : "lists and sets of int, float, decimal or duration");
  if (!is_avg) return type->elem;
  return optional(c, type->elem->kind == TYPE_DECIMAL ? type->elem : c->types->float_);
}

/* The scale that argument 1 says, or -1 after a diagnostic. */
static int want_scale(struct checker *c, struct expr *call) {
  if (!want(c, call, 1, c->types->int_)) return -1;
  const struct expr *scale = constant_value(*arg_at(call, 1));
  if (scale && scale->integer >= 0 && scale->integer <= DECIMAL_SCALE) return (int)scale->integer;
  struct diag *diag =
      diag_error(c->diags, scale ? E0205 : E0207, (*arg_at(call, 1))->span,
                 "the digits behind the point are a constant from 0 to %d", DECIMAL_SCALE);
  diag_help(diag, "for example  %s(…, 2)", name_of(call));
  return -1;
}

/* round: a decimal to another scale, or a float to a whole one */
static const struct type *check_round(struct checker *c, struct expr *call,
                                      const struct type *hint) {
  const struct type *type = first_type(c, call, hint && hint->kind == TYPE_FLOAT ? hint : NULL);
  bool has_scale = call->call.args.count > 1;
  if (type->kind == TYPE_FLOAT && !has_scale) return type;
  if (type->kind != TYPE_DECIMAL || !has_scale) {
    if (type->kind == TYPE_FLOAT) {
      diag_help(diag_error(c->diags, E0205, call->span, "a float has no digits of its own"),
                "a number with 2 digits behind the point is a decimal:  decimal(…, 2) ?? 0");
    } else if (type->kind == TYPE_DECIMAL) {
      diag_help(diag_error(c->diags, E0214, call->call.name.span,
                           "`round` of a decimal takes the number of digits to keep"),
                "write  round(…, 2)");
    } else {
      report_arg(c, call, 0, "floats and decimals");
    }
    return rest_error(c, call);
  }
  int scale = want_scale(c, call);
  if (scale < 0) return c->types->error;
  if ((uint32_t)scale > type->scale) note_fault(c);
  return type_decimal(c->types, (uint32_t)scale);
}

/* decimal: of an int, float or text; parse_decimal: of a text */
static const struct type *check_decimal(struct checker *c, struct expr *call,
                                        const struct type *hint) {
  (void)hint;
  const struct type *type = first_type(c, call, NULL);
  bool is_parse = call->call.builtin->id == BUILTIN_PARSE_DECIMAL;
  bool fits = is_parse ? type->kind == TYPE_STRING
                       : type->kind == TYPE_INT || type->kind == TYPE_FLOAT || type_is_json(type);
  if (!fits) {
    if (!is_parse && type->kind == TYPE_STRING) {
      struct diag *diag = diag_error(c->diags, E0205, call->call.name.span,
                                     "`decimal` converts a number, this is a `string`");
      diag_help(diag, "read a text with  parse_decimal(…, 2) ?? 0");
    } else if (!is_parse && type->kind == TYPE_DECIMAL) {
      struct diag *diag =
          diag_error(c->diags, E0205, call->call.name.span, "this is a decimal already");
      diag_help(diag, "another number of digits behind the point:  round(…, 2)");
    } else {
      report_arg(c, call, 0, is_parse ? "strings" : "int, float and json");
    }
    return rest_error(c, call);
  }
  int scale = want_scale(c, call);
  if (scale < 0) return c->types->error;
  if (is_parse) fails(c, call, "the text may be no such decimal");
  if (type->kind == TYPE_FLOAT) fails(c, call, "the float may be too large");
  if (type->kind == TYPE_INT) note_fault(c);
  if (type_is_json(type)) fails(c, call, "the json may hold something else");
  return type_decimal(c->types, (uint32_t)scale);
}

/* floor, ceil, sqrt */
static const struct type *check_rounding(struct checker *c, struct expr *call,
                                         const struct type *hint) {
  (void)hint;
  if (!want(c, call, 0, c->types->float_)) return c->types->error;
  if (call->call.builtin->id == BUILTIN_SQRT) fails(c, call, "the argument may be negative");
  return c->types->float_;
}

/* pow, exp, logarithms, sines and the like */
static const struct type *check_float_function(struct checker *c, struct expr *call,
                                               const struct type *hint) {
  (void)hint;
  if (!want_all(c, call, c->types->float_)) return c->types->error;
  switch (call->call.builtin->id) {
  case BUILTIN_POW: fails(c, call, "the power may not be a finite number"); break;
  case BUILTIN_LOG:
  case BUILTIN_LOG2:
  case BUILTIN_LOG10: fails(c, call, "the argument may be 0 or negative"); break;
  case BUILTIN_ASIN:
  case BUILTIN_ACOS: fails(c, call, "the argument may lie outside of -1 to 1"); break;
  case BUILTIN_EXP: note_fault(c); break;
  default: break;
  }
  return c->types->float_;
}

/* shift_left, shift_right */
static const struct type *check_shift(struct checker *c, struct expr *call,
                                      const struct type *hint) {
  (void)hint;
  if (!want_all(c, call, c->types->int_)) return c->types->error;
  const struct expr *bits = constant_value(*arg_at(call, 1));
  if (bits && (bits->integer < 0 || bits->integer > 63)) {
    diag_error(c->diags, E0206, bits->span, "an int has 64 bits: it is shifted by 0 to 63");
    return c->types->error;
  }
  if (!bits) fails(c, call, "it may be shifted by less than 0 or more than 63 bits");
  return c->types->int_;
}

/* div_floor, mod, add_wrap, add_sat, bit_and, bit_or, bit_xor */
static const struct type *check_int_pair(struct checker *c, struct expr *call,
                                         const struct type *hint) {
  (void)hint;
  if (!want_all(c, call, c->types->int_)) return c->types->error;
  enum builtin_id id = call->call.builtin->id;
  if (id != BUILTIN_DIV_FLOOR && id != BUILTIN_MOD) return c->types->int_;
  const struct expr *divisor = constant_value(*arg_at(call, 1));
  if (divisor && divisor->integer == 0) {
    diag_error(c->diags, E0206, call->span, "this divides by zero");
    return c->types->error;
  }
  if (!divisor) fails(c, call, "the divisor may be 0");
  if (id == BUILTIN_DIV_FLOOR && (!divisor || divisor->integer == -1)) note_fault(c);
  return c->types->int_;
}

/* -- strings --------------------------------------------------------------------------------- */

/* Functions whose arguments are all strings. */
static const struct type *check_strings(struct checker *c, struct expr *call,
                                        const struct type *hint) {
  (void)hint;
  if (!want_all(c, call, c->types->string)) return c->types->error;
  switch (call->call.builtin->id) {
  case BUILTIN_BYTE_LEN: return c->types->int_;
  case BUILTIN_STARTS_WITH:
  case BUILTIN_ENDS_WITH:
  case BUILTIN_LIKE: return c->types->bool_;
  case BUILTIN_CHARS:
  case BUILTIN_WORDS:
  case BUILTIN_LINES: return type_list(c->types, c->types->string);
  case BUILTIN_PARSE_INT: fails(c, call, "the text may be no int"); return c->types->int_;
  case BUILTIN_PARSE_FLOAT: fails(c, call, "the text may be no float"); return c->types->float_;
  case BUILTIN_PARSE_TIMESTAMP:
    fails(c, call, "the text may be no timestamp");
    return c->types->timestamp;
  case BUILTIN_PARSE_DURATION:
    fails(c, call, "the text may be no duration");
    return c->types->duration;
  case BUILTIN_URL_DECODE: fails(c, call, "the text may not be encoded"); return c->types->string;
  default: return c->types->string;
  }
}

/* Reports what stands for nothing behind a `%` of a constant format; true if all is good. */
static bool check_format(struct checker *c, const struct expr *format) {
  const char *p = format->string.data, *end = p + format->string.length;
  for (; p != end; p++) {
    if (*p != '%') continue;
    if (++p != end && *p != '\0' && strchr("YmdHMSfjaAbBuFTz%", *p)) continue;
    const char *part = arena_strndup(c->arena, p - 1, p == end ? 1 : 2);
    struct diag *diag = diag_error(c->diags, E0205, format->span,
                                   "`%s` stands for nothing in a format of times", part);
    diag_note(diag, "it may have %%Y %%m %%d %%H %%M %%S %%f %%j %%a %%A %%b %%B %%u %%F %%T %%z %%%%");
    return false;
  }
  return true;
}

static const struct type *check_format_time(struct checker *c, struct expr *call,
                                            const struct type *hint) {
  (void)hint;
  bool is_good = want(c, call, 0, c->types->timestamp);
  if (!want(c, call, 1, c->types->string) || !is_good) return c->types->error;
  const struct expr *format = constant_value(*arg_at(call, 1));
  if (!format) fails(c, call, "the format may be none");
  return !format || check_format(c, format) ? c->types->string : c->types->error;
}

static const struct type *check_parse_time(struct checker *c, struct expr *call,
                                           const struct type *hint) {
  (void)hint;
  if (!want_all(c, call, c->types->string)) return c->types->error;
  const struct expr *format = constant_value(*arg_at(call, 1));
  fails(c, call, "the text may be no time of this format");
  return !format || check_format(c, format) ? c->types->timestamp : c->types->error;
}

static const struct type *check_split(struct checker *c, struct expr *call,
                                      const struct type *hint) {
  (void)hint;
  if (!want_all(c, call, c->types->string)) return c->types->error;
  const struct expr *separator = constant_value(*arg_at(call, 1));
  if (!separator) {
    fails(c, call, "the separator may be empty");
  } else if (separator->string.length == 0) {
    struct diag *diag =
        diag_error(c->diags, E0205, separator->span, "the separator of `split` is empty");
    diag_help(diag, "`words` separates a text at white space");
    return c->types->error;
  }
  return type_list(c->types, c->types->string);
}

static const struct type *check_join(struct checker *c, struct expr *call,
                                     const struct type *hint) {
  (void)hint;
  bool is_good = want(c, call, 0, type_list(c->types, c->types->string));
  return want(c, call, 1, c->types->string) && is_good ? c->types->string : c->types->error;
}

static const struct type *check_slice(struct checker *c, struct expr *call,
                                      const struct type *hint) {
  const struct type *type = first_type(c, call, hint);
  if (type->kind != TYPE_STRING && type->kind != TYPE_BYTES && type->kind != TYPE_LIST) {
    report_arg(c, call, 0, "strings, bytes and lists");
    return rest_error(c, call);
  }
  bool is_good = want(c, call, 1, c->types->int_);
  return want(c, call, 2, c->types->int_) && is_good ? type : c->types->error;
}

/* -- conversions ----------------------------------------------------------------------------- */

/* A conversion of json, which fails if it is something else. */
static const struct type *of_json(struct checker *c, struct expr *call,
                                  const struct type *result) {
  fails(c, call, "the json may hold something else");
  return result;
}

/* bool, elements, members, is_null */
static const struct type *check_json_part(struct checker *c, struct expr *call,
                                          const struct type *hint) {
  (void)hint;
  const struct type *type = first_type(c, call, NULL), *result = c->types->bool_;
  if (!type_is_json(type)) return report_arg(c, call, 0, "json");
  if (call->call.builtin->id == BUILTIN_IS_NULL) return result;
  if (call->call.builtin->id == BUILTIN_ELEMENTS) result = type_list(c->types, c->types->json);
  if (call->call.builtin->id == BUILTIN_MEMBERS)
    result = type_map(c->types, c->types->string, c->types->json);
  return of_json(c, call, result);
}

static const struct type *check_json(struct checker *c, struct expr *call,
                                     const struct type *hint) {
  (void)hint;
  *arg_at(call, 0) = check_expr(c, *arg_at(call, 0), NULL);
  bool is_error = (*arg_at(call, 0))->type->kind == TYPE_ERROR;
  return is_error ? c->types->error : c->types->json;
}

static const struct type *check_int(struct checker *c, struct expr *call, const struct type *hint) {
  (void)hint;
  const struct type *type = first_type(c, call, NULL);
  if (type->kind == TYPE_STRING) {
    struct diag *diag = diag_error(c->diags, E0205, call->call.name.span,
                                   "`int` converts a number, this is a `string`");
    diag_help(diag, "read a text with  parse_int(…) ?? 0");
    return c->types->error;
  }
  if (type_is_json(type)) return of_json(c, call, c->types->int_);
  if (type->kind == TYPE_DECIMAL) return c->types->int_;
  if (type->kind != TYPE_FLOAT) return report_arg(c, call, 0, "float, decimal and json");
  fails(c, call, "the float may be too large for an int");
  return c->types->int_;
}

static const struct type *check_float(struct checker *c, struct expr *call,
                                      const struct type *hint) {
  (void)hint;
  const struct type *type = first_type(c, call, NULL);
  if (type->kind == TYPE_STRING) {
    struct diag *diag = diag_error(c->diags, E0205, call->call.name.span,
                                   "`float` converts a number, this is a `string`");
    diag_help(diag, "read a text with  parse_float(…) ?? 0.0");
    return c->types->error;
  }
  if (type_is_json(type)) return of_json(c, call, c->types->float_);
  if (type->kind == TYPE_INT) note_fault(c);
  bool fits = type->kind == TYPE_INT || type->kind == TYPE_DECIMAL;
  return fits ? c->types->float_ : report_arg(c, call, 0, "int, decimal and json");
}

static const struct type *check_string(struct checker *c, struct expr *call,
                                       const struct type *hint) {
  (void)hint;
  *arg_at(call, 0) = check_expr(c, *arg_at(call, 0), NULL);
  const struct type *type = (*arg_at(call, 0))->type;
  if (type->kind == TYPE_ERROR) return type;
  if (type->kind == TYPE_BYTES) fails(c, call, "the bytes may be no UTF-8");
  if (type_is_json(type)) return of_json(c, call, c->types->string);
  return c->types->string;
}

/* Puts constant bytes in the place of the call. */
static const struct type *become_bytes(struct checker *c, struct expr *call, const char *data,
                                       size_t length) {
  call->kind = EXPR_STRING;
  call->string.data = data;
  call->string.length = length;
  return c->types->bytes;
}

static const struct type *check_bytes(struct checker *c, struct expr *call,
                                      const struct type *hint) {
  (void)hint;
  if (!want(c, call, 0, c->types->string)) return c->types->error;
  const struct expr *text = constant_value(*arg_at(call, 0));
  if (!text) return c->types->bytes;
  return become_bytes(c, call, text->string.data, text->string.length);
}

/* parse_hex, parse_base64: of a constant they are how bytes are written. */
static const struct type *check_parse_bytes(struct checker *c, struct expr *call,
                                            const struct type *hint) {
  (void)hint;
  if (!want(c, call, 0, c->types->string)) return c->types->error;
  const struct expr *text = constant_value(*arg_at(call, 0));
  bool is_hex = call->call.builtin->id == BUILTIN_PARSE_HEX;
  if (!text) {
    fails(c, call, is_hex ? "the text may be no hex" : "the text may be no base64");
    return c->types->bytes;
  }
  size_t length;
  const char *data = is_hex
                         ? bytes_of_hex(c->arena, text->string.data, text->string.length, &length)
                         : bytes_of_base64(c->arena, text->string.data, text->string.length, &length);
  if (data) return become_bytes(c, call, data, length);
  struct diag *diag = diag_error(c->diags, E0206, (*arg_at(call, 0))->span,
                                 is_hex ? "this text is not hex" : "this text is not base64");
  diag_help(diag, is_hex ? "hex is pairs of the digits 0-9 and a-f:  parse_hex(\"00ff\")"
                         : "base64 is groups of 4 of A-Z, a-z, 0-9, + and /, filled up with =:  "
                           "parse_base64(\"AP8=\")");
  return c->types->error;
}

/* hex, base64 */
static const struct type *check_encode(struct checker *c, struct expr *call,
                                       const struct type *hint) {
  (void)hint;
  const struct type *type = first_type(c, call, NULL);
  if (type->kind == TYPE_BYTES) return c->types->string;
  if (type->kind != TYPE_STRING) return report_arg(c, call, 0, "bytes");
  struct diag *diag = diag_error(c->diags, E0205, (*arg_at(call, 0))->span,
                                 "`%s` works on bytes, this is `string`", name_of(call));
  const char *text = text_of(c, *arg_at(call, 0), "`…`");
  diag_help(diag, "make bytes of the text:  %s(bytes(%.*s))", name_of(call), (int)strlen(text) - 2,
            text + 1);
  return c->types->error;
}

/* epoch, now: not in what must be the same for every run */
static const struct type *check_run(struct checker *c, struct expr *call, const struct type *hint) {
  (void)hint;
  if (c->scope.place == PLACE_CONSTANT || c->scope.place == PLACE_WHERE) {
    diag_error(c->diags, E0207, call->span, "`%s()` is known only when the flow runs",
               name_of(call));
    return c->types->error;
  }
  if (c->scope.place == PLACE_TIME) {
    struct diag *diag = diag_error(c->diags, E0403, call->span,
                                   "the time of `on at` would move with `%s()`", name_of(call));
    diag_help(diag, "keep the time in the state:  %s.until = now() + 1h", c->scope.stage->name.text);
    return c->types->error;
  }
  c->scope.sees_epochs = true;
  return call->call.builtin->id == BUILTIN_NOW ? c->types->timestamp : c->types->int_;
}

/* time, watermark: of a stage behind a `time by` */
static const struct type *check_time(struct checker *c, struct expr *call,
                                     const struct type *hint) {
  (void)hint;
  if (!c->scope.stage || !c->scope.stage->in_time) {
    struct diag *diag = diag_error(c->diags, E0407, call->span, "there is no event time here");
    diag_help(diag, c->scope.stage ? "give the stream one:  |> time by FIELD lag 5s"
                                   : "pass it as an argument from a stage behind a `time by`");
    return c->types->error;
  }
  const struct type *timestamp = c->types->timestamp;
  bool is_time = call->call.builtin->id == BUILTIN_TIME;
  c->scope.stage->sees_time = true;
  if (!is_time) c->scope.stage->sees_watermark = true;
  return is_time ? timestamp : type_optional(c->types, timestamp);
}

/* clock: becomes time() where the items have one, else now(). */
static const struct type *check_clock(struct checker *c, struct expr *call,
                                      const struct type *hint) {
  bool has_time = c->scope.stage && c->scope.stage->in_time;
  call->call.builtin = builtin_find(has_time ? "time" : "now");
  return call->call.builtin->check(c, call, hint);
}

/* -- the table ------------------------------------------------------------------------------- */

#define MANY 1000

enum effect { PURE = 0, MUTATES = 1, FAILS = 2, FAULTS = 4 };

static const struct builtin rows[] = {
#define BUILTIN(name, id, syntax, doc, example, min, max, effects, check)                          \
  {name,                                                                                           \
   BUILTIN_##id,                                                                                   \
   syntax,                                                                                         \
   doc,                                                                                            \
   example,                                                                                        \
   min,                                                                                            \
   max,                                                                                            \
   ((effects)&MUTATES) != 0,                                                                       \
   ((effects)&FAILS) != 0,                                                                         \
   ((effects)&FAULTS) != 0,                                                                        \
   check},
#include "front/builtin.def"
#undef BUILTIN
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

const struct builtin *builtin_find(const char *name) {
  for (size_t i = 0; i < ROW_COUNT; i++) {
    if (strcmp(rows[i].name, name) == 0) return &rows[i];
  }
  return NULL;
}

const struct builtin *builtin_all(size_t *count) {
  *count = 0;
  while (*count < ROW_COUNT && rows[*count].name[0] != '$') ++*count;
  return rows;
}

/* What users of other languages call a function, and its name here. */
static const char *const foreign[][2] = {
    {"length", "len"},
    {"size", "len"},
    {"count", "len"},
    {"append", "push"},
    {"push_back", "push"},
    {"shift", "pop_first"},
    {"popleft", "pop_first"},
    {"pop_front", "pop_first"},
    {"discard", "delete"},
    {"includes", "contains"},
    {"has", "contains"},
    {"contains_key", "contains"},
    {"sorted", "sort"},
    {"reversed", "reverse"},
    {"toLowerCase", "lower"},
    {"lowercase", "lower"},
    {"to_lowercase", "lower"},
    {"LOWER", "lower"},
    {"toUpperCase", "upper"},
    {"uppercase", "upper"},
    {"to_uppercase", "upper"},
    {"UPPER", "upper"},
    {"strip", "trim"},
    {"substring", "slice"},
    {"substr", "slice"},
    {"startswith", "starts_with"},
    {"startsWith", "starts_with"},
    {"endswith", "ends_with"},
    {"endsWith", "ends_with"},
    {"str", "string"},
    {"toString", "string"},
    {"to_string", "string"},
    {"parseInt", "parse_int"},
    {"atoi", "parse_int"},
    {"to_int", "parse_int"},
    {"parseFloat", "parse_float"},
    {"to_json", "json"},
    {"JSON", "json"},
    {"stringify", "json"},
    {"dumps", "json"},
    {"entries", "members"},
    {"isNull", "is_null"},
    {"to_decimal", "parse_decimal"},
    {"Decimal", "parse_decimal"},
    {"average", "avg"},
    {"mean", "avg"},
    {"AVG", "avg"},
    {"SUM", "sum"},
    {"MIN", "min"},
    {"MAX", "max"},
    {"b64encode", "base64"},
    {"base64_encode", "base64"},
    {"to_base64", "base64"},
    {"encode_base64", "base64"},
    {"b64decode", "parse_base64"},
    {"base64_decode", "parse_base64"},
    {"from_base64", "parse_base64"},
    {"decode_base64", "parse_base64"},
    {"hexlify", "hex"},
    {"to_hex", "hex"},
    {"hex_encode", "hex"},
    {"unhexlify", "parse_hex"},
    {"unhex", "parse_hex"},
    {"from_hex", "parse_hex"},
    {"fromhex", "parse_hex"},
    {"hex_decode", "parse_hex"},
    {"to_bytes", "bytes"},
    {"encode", "bytes"},
    {"decode", "string"},
    {"isEmpty", "is_empty"},
    {"empty", "is_empty"},
    {"len_bytes", "byte_len"},
    {"set", "put"},
    {"update", "put"},
    {"unshift", "insert"},
    {"current_timestamp", "now"},
    {"indexOf", "index_of"},
    {"position", "index_of"},
    {"lstrip", "trim_start"},
    {"ltrim", "trim_start"},
    {"rstrip", "trim_end"},
    {"rtrim", "trim_end"},
    {"lpad", "pad_left"},
    {"rjust", "pad_left"},
    {"zfill", "pad_left"},
    {"rpad", "pad_right"},
    {"ljust", "pad_right"},
    {"charAt", "char_at"},
    {"strftime", "format_time"},
    {"date_format", "format_time"},
    {"to_char", "format_time"},
    {"strptime", "parse_time"},
    {"to_timestamp", "parse_time"},
    {"date_trunc", "truncate"},
    {"extract", "year"},
    {"unique", "distinct"},
    {"dedup", "distinct"},
    {"ln", "log"},
    {"std", "stddev"},
    {"var", "variance"},
    {"quantile", "percentile"},
    {"initcap", "title"},
    {"partition", "split_once"},
};

const char *builtin_foreign(const char *name) {
  for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
    if (strcmp(foreign[i][0], name) == 0) return foreign[i][1];
  }
  return NULL;
}
