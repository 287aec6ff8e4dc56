/* Records: structural literals, and `Cart(a: 1)`, `circle(r: 1.0)`. */
#include "front/checker.h"

#include <string.h>

/* -- the items of a literal ------------------------------------------------------------------ */

/* `x` and `a.x` name their field themselves. */
static bool name_item(struct checker *c, struct record_item *item) {
  if (item->is_spread || item->name.text) return true;
  if (item->value->kind == EXPR_NAME) {
    item->name = (struct ident){item->value->name.text, item->value->span};
    return true;
  }
  if (item->value->kind == EXPR_FIELD) {
    item->name = item->value->field.name;
    return true;
  }
  struct diag *diag =
      diag_error(c->diags, E0100, item->value->span, "this value needs a field name");
  diag_help(diag, "write  name: value");
  return false;
}

static struct record_item *find_item(const struct expr *expr, const char *name) {
  vec_each(struct record_item, item, &expr->record.items) {
    if (!item->is_spread && item->name.text && strcmp(item->name.text, name) == 0) return item;
  }
  return NULL;
}

static void report_twice(struct checker *c, const char *name, struct span second,
                         struct span first) {
  struct diag *diag = diag_error(c->diags, E0213, second, "the field `%s` is given twice", name);
  diag_label(diag, first, "here already");
}

/* Types a `..r` item; its fields, or null after a diagnostic. */
static const struct type *infer_spread(struct checker *c, struct record_item *item) {
  item->value = infer(c, item->value, NULL);
  const struct type *type = item->value->type;
  if (type->kind == TYPE_RECORD) return type;
  if (type->kind == TYPE_OPTIONAL && type->elem->kind == TYPE_RECORD) {
    report_absent(c, item->value);
  } else if (type->kind != TYPE_ERROR) {
    struct diag *diag =
        diag_error(c->diags, E0205, item->value->span,
                   "`..` spreads the fields of a record, this is `%s`", type_name(c->types, type));
    if (item->value->kind == EXPR_NAME)
      diag_help(diag, "to add it as a field:  %s", item->value->name.text);
  }
  return NULL;
}

/* A field under construction, with where it came from. */
struct origin {
  struct span span;
  bool is_spread;
};
VEC_OF(origin_list, struct origin);

static bool add_field(struct checker *c, struct type_field_list *fields,
                      struct origin_list *origins, struct type_field field, struct origin origin) {
  for (size_t i = 0; i < fields->count; i++) {
    if (strcmp(fields->data[i].name, field.name) != 0) continue;
    if (origins->data[i].is_spread == origin.is_spread) {
      report_twice(c, field.name, origin.span, origins->data[i].span);
      return false;
    }
    /* An explicit field wins; its place is the first of the two. */
    if (!origin.is_spread) {
      fields->data[i] = field;
      origins->data[i] = origin;
    }
    return true;
  }
  vec_push(c->arena, fields, field);
  vec_push(c->arena, origins, origin);
  return true;
}

static bool add_spread(struct checker *c, struct record_item *item, struct type_field_list *fields,
                       struct origin_list *origins) {
  const struct type *type = infer_spread(c, item);
  if (!type) return false;
  struct origin origin = {item->value->span, true};
  bool is_good = true;
  vec_each(const struct type_field, field, &type->fields) {
    struct type_field copy = {.name = field->name, .type = field->type, .span = item->value->span};
    is_good = add_field(c, fields, origins, copy, origin) && is_good;
  }
  return is_good;
}

static bool add_item(struct checker *c, struct record_item *item, const struct type *hint,
                     struct type_field_list *fields, struct origin_list *origins) {
  const struct type *wanted = NULL;
  if (hint && item->name.text) {
    int index = type_field_index(hint, item->name.text);
    if (index >= 0) wanted = hint->fields.data[index].type;
  }
  item->value = infer(c, item->value, wanted);
  if (item->value->type->kind == TYPE_UNIT) require_concrete(c, item->value);
  if (!item->name.text || item->value->type->kind == TYPE_ERROR) return false;
  struct type_field field = {
      .name = item->name.text, .type = item->value->type, .span = item->name.span};
  return add_field(c, fields, origins, field, (struct origin){item->name.span, false});
}

struct expr *infer_record(struct checker *c, struct expr *expr, const struct type *hint) {
  if (hint && hint->kind == TYPE_OPTIONAL) hint = hint->elem;
  if (hint && hint->kind != TYPE_RECORD) hint = NULL;
  struct type_field_list fields = {0};
  struct origin_list origins = {0};
  bool is_good = true;
  vec_each(struct record_item, item, &expr->record.items) {
    if (!name_item(c, item)) is_good = false;
    if (item->is_spread) {
      is_good = add_spread(c, item, &fields, &origins) && is_good;
    } else {
      is_good = add_item(c, item, hint, &fields, &origins) && is_good;
    }
  }
  expr->type = c->types->error;
  if (!is_good) return expr;
  const struct type *type = type_structural(c->types, fields.data, fields.count);
  if (type->kind == TYPE_ERROR || check_is_too_large(c, type, expr->span)) return expr;
  expr->type = type;
  if (!record_fit(c, expr, type)) expr->type = c->types->error;
  return expr;
}

/* -- laying out ------------------------------------------------------------------------------ */

static void report_missing(struct checker *c, struct span span, const struct type *record,
                           const struct name_list *missing) {
  struct text names;
  text_init(&names, c->arena);
  vec_each(const char *, name, missing)
      text_addf(&names, "%s`%s`", name == missing->data ? "" : ", ", *name);
  struct diag *diag = diag_error(c->diags, E0208, span, "%s of `%s` %s missing", names.data,
                                 type_name(c->types, record), missing->count == 1 ? "is" : "are");
  const struct type *type = record->fields.data[type_field_index(record, missing->data[0])].type;
  if (type->kind == TYPE_OPTIONAL) {
    diag_help(diag, "absence is written openly:  %s: none", missing->data[0]);
  } else if (record->decl) {
    diag_help(diag, "add it, or give the field a default in `%s`", record->name);
  }
}

bool help_input_name(struct diag *diag, const char *name, const struct type *record) {
  vec_each(const struct type_field, field, &record->fields) {
    if (!field->from || strcmp(field->from, name) != 0) continue;
    diag_help(diag, "what the input calls `%s` is the field `%s`", name, field->name);
    return true;
  }
  return false;
}

static void report_extra(struct checker *c, struct ident name, const struct type *record) {
  struct name_list names = {0};
  struct text list;
  text_init(&list, c->arena);
  vec_each(const struct type_field, field, &record->fields) {
    text_addf(&list, "%s%s", names.count ? ", " : "", field->name);
    vec_push(c->arena, &names, field->name);
  }
  struct diag *diag = diag_error(c->diags, E0204, name.span, "`%s` has no field `%s`",
                                 type_name(c->types, record), name.text);
  if (names.count) diag_note(diag, "fields: %s", list.data);
  if (!help_input_name(diag, name.text, record))
    suggest(diag, name.text, names.data, names.count);
}

static void report_spread_field(struct checker *c, const struct expr *spread,
                                const struct type_field *field, const struct type *wanted) {
  if (field->type->kind == TYPE_ERROR || wanted->kind == TYPE_ERROR) return;
  struct diag *diag = diag_error(c->diags, E0205, spread->span,
                                 "expected `%s` for the field `%s`, found `%s`",
                                 type_name(c->types, wanted), field->name,
                                 type_name(c->types, field->type));
  diag_help(diag, "a field that is written out wins over the spread:  %s: …", field->name);
}

/* Takes the field from the spread that has it. 1: taken, 0: none has it, -1: a diagnostic. */
static int fit_spread(struct checker *c, struct expr *expr, const struct type_field *wanted,
                      struct record_field *out) {
  for (uint32_t i = 0; i < expr->record.spreads.count; i++) {
    struct expr *spread = expr->record.spreads.data[i];
    int index = type_field_index(spread->type, wanted->name);
    if (index < 0) continue;
    const struct type_field *field = &spread->type->fields.data[index];
    *out = (struct record_field){.spread = i, .spread_field = (uint32_t)index};
    if (field->type == wanted->type) return 1;
    out->is_some = wanted->type->kind == TYPE_OPTIONAL && wanted->type->elem == field->type;
    if (out->is_some) return 1;
    report_spread_field(c, spread, field, wanted->type);
    return -1;
  }
  return 0;
}

static bool reject_extras(struct checker *c, struct expr *expr, const struct type *record) {
  bool is_good = true;
  vec_each(struct record_item, item, &expr->record.items) {
    if (!item->is_spread) {
      if (type_field_index(record, item->name.text) >= 0) continue;
      report_extra(c, item->name, record);
      is_good = false;
      continue;
    }
    vec_each(const struct type_field, field, &item->value->type->fields) {
      if (type_field_index(record, field->name) >= 0) continue;
      report_extra(c, (struct ident){field->name, item->value->span}, record);
      is_good = false;
      break;
    }
  }
  return is_good;
}

bool record_fit(struct checker *c, struct expr *expr, const struct type *record) {
  if (record->decl) check_nominal(c, record);
  if (!reject_extras(c, expr, record)) return false;
  expr->record.fields.count = 0;
  expr->record.spreads.count = 0;
  vec_each(struct record_item, item, &expr->record.items) {
    if (item->is_spread) vec_push(c->arena, &expr->record.spreads, item->value);
  }
  struct name_list missing = {0};
  bool is_good = true;
  vec_each(const struct type_field, wanted, &record->fields) {
    struct record_field field = {0};
    struct record_item *item = find_item(expr, wanted->name);
    if (item) {
      item->value = field.value = coerce(c, item->value, wanted->type);
      is_good = is_good && field.value->type->kind != TYPE_ERROR;
    } else {
      int found = fit_spread(c, expr, wanted, &field);
      if (found < 0) is_good = false;
      if (found == 0) field.value = wanted->init;
      if (found == 0 && !wanted->init) vec_push(c->arena, &missing, wanted->name);
    }
    vec_push(c->arena, &expr->record.fields, field);
  }
  if (missing.count) report_missing(c, expr->span, record, &missing);
  return is_good && missing.count == 0;
}

/* -- constructors ---------------------------------------------------------------------------- */

static struct arg *find_arg(struct expr *call, size_t first_arg, const char *name) {
  for (size_t i = first_arg; i < call->call.args.count; i++) {
    struct arg *arg = &call->call.args.data[i];
    if (arg->name.text && strcmp(arg->name.text, name) == 0) return arg;
  }
  return NULL;
}

/* Reports arguments without a name, given twice, or unknown. */
static bool check_arg_names(struct checker *c, struct expr *call, const struct type *record,
                            size_t first_arg) {
  bool is_good = true;
  for (size_t i = first_arg; i < call->call.args.count; i++) {
    struct arg *arg = &call->call.args.data[i];
    int index = arg->name.text ? type_field_index(record, arg->name.text) : -1;
    if (!arg->name.text) {
      struct diag *diag = diag_error(c->diags, E0214, arg->value->span,
                                     "the fields of `%s` are given by name", call->call.name.text);
      if (i - first_arg < record->fields.count) {
        diag_help(diag, "write  %s(%s: …)", call->call.name.text,
                  record->fields.data[i - first_arg].name);
      }
      is_good = false;
    } else if (index < 0) {
      report_extra(c, arg->name, record);
      is_good = false;
    } else if (find_arg(call, first_arg, arg->name.text) != arg) {
      report_twice(c, arg->name.text, arg->name.span,
                   find_arg(call, first_arg, arg->name.text)->name.span);
      is_good = false;
    }
    const struct type *wanted = index < 0 ? NULL : record->fields.data[index].type;
    arg->value = wanted ? check_expr(c, arg->value, wanted) : infer(c, arg->value, NULL);
    is_good = is_good && arg->value->type->kind != TYPE_ERROR;
  }
  return is_good;
}

struct expr *infer_constructor(struct checker *c, struct expr *call, const struct type *type,
                               size_t first_arg) {
  if (type->decl) check_nominal(c, type);
  const struct type *record = type;
  if (type->kind == TYPE_ENUM) record = type->variants.data[call->call.variant].payload;
  call->type = c->types->error;
  if (!record) {
    struct diag *diag =
        diag_error(c->diags, E0214, call->span, "`%s` has no fields", call->call.name.text);
    diag_help(diag, "write it without parentheses");
    return call;
  }
  bool is_good = check_arg_names(c, call, record, first_arg);
  struct name_list missing = {0};
  vec_each(const struct type_field, field, &record->fields) {
    struct arg *arg = find_arg(call, first_arg, field->name);
    struct expr *value = arg ? arg->value : field->init;
    if (!value) vec_push(c->arena, &missing, field->name);
    vec_push(c->arena, &call->call.fields, (struct record_field){.value = value});
  }
  if (is_good && missing.count) report_missing(c, call->span, record, &missing);
  if (is_good && !missing.count) call->type = type;
  return call;
}
