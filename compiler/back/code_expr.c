/* The user's expressions as C: names, literals, records, choices. Numbers, calls of built-in
 * functions and mutators have files of their own. */
#include "back/code.h"

#include "back/program.h"
#include "front/builtin.h"

#include <stdio.h>
#include <string.h>

bool code_is_scalar(const struct type *type) {
  switch (type->kind) {
  case TYPE_INT:
  case TYPE_FLOAT:
  case TYPE_DECIMAL:
  case TYPE_BOOL:
  case TYPE_TIMESTAMP:
  case TYPE_DURATION: return true;
  default: return false;
  }
}

/* -- literals -------------------------------------------------------------------------------- */

const char *code_string(struct code *c, const char *data, size_t length) {
  struct text text;
  text_init(&text, &c->e->compiler->arena);
  emit_string(&text, data, length);
  return text.data;
}

static const char *literal(struct code *c, const struct expr *expr) {
  struct text text;
  text_init(&text, &c->e->compiler->arena);
  emit_constant(c->e, &text, expr, expr->type);
  return text.data;
}

/* -- names ----------------------------------------------------------------------------------- */

static const char *variant_value(struct code *c, const struct type *type, uint32_t variant) {
  return code_printf(c, "(%s){.tag = %s}", emit_c_type(c->e, type),
                     emit_enumerator(c->e, type, variant));
}

static const char *const_value(struct code *c, const struct expr *expr) {
  const struct decl *decl = expr->name.decl;
  /* A fault in a condition must not leave it, as it would leave a function of its own. */
  if (c->is_condition && decl->depends_on_params) return code_expr(c, decl->value);
  if (code_is_scalar(decl->type)) return code_printf(c, "%s(w)", emit_const(c->e, decl));
  const char *temp = code_temp(c, decl->type, NULL);
  code_put(c, "%s(w, &%s);", emit_const(c->e, decl), temp);
  return temp;
}

static const char *param_value(struct code *c, const struct expr *expr) {
  if (emit_first_time(c->e, "params_of"))
    text_add(emit_section(c->e, SECTION_DECLARATIONS),
             "static inline const struct params *params_of(const struct flow_worker *w) {\n"
             "  return w->params;\n}\n\n");
  return code_printf(c, "params_of(w)->p_%s", expr->name.text);
}

static const char *name_value(struct code *c, const struct expr *expr) {
  switch (expr->name.ref) {
  case REF_IT: return c->it;
  case REF_FIELD: return code_member(c, c->it, emit_member(c->e, expr->name.text));
  case REF_KEY: return c->key;
  case REF_STATE: return c->state;
  case REF_LOCAL: return map_get(&c->locals, (const char *)expr->name.local);
  case REF_ARG:
    return code_printf(c, code_is_scalar(expr->type) ? "a_%s" : "(*a_%s)", expr->name.text);
  case REF_PARAM: return param_value(c, expr);
  case REF_CONST: return const_value(c, expr);
  case REF_VARIANT: return variant_value(c, expr->type, expr->name.index);
  case REF_NONE:
  case REF_STREAM: break;
  }
  return "0";
}

/* -- what values hold and change ------------------------------------------------------------- */

typedef bool (*expr_question)(const struct expr *);

static bool ask(const struct expr *child, const void *question) {
  return (*(const expr_question *)question)(child);
}

/* Whether the answer is yes for an expression directly inside `expr`. */
static bool any_child(const struct expr *expr, expr_question question) {
  return expr_any_child(expr, ask, &question);
}

bool code_has_effect(const struct expr *expr) {
  if (expr->kind == EXPR_CALL && expr->call.kind == CALL_BUILTIN && expr->call.builtin->is_mutator)
    return true;
  return any_child(expr, code_has_effect);
}

/* Whether the value may share memory with a place that can change while it is in use. */
static bool is_changeable(const struct expr *expr) {
  if (!type_has_heap(expr->type) || code_is_fresh(expr)) return false;
  if (expr->kind == EXPR_NAME) {
    if (expr->name.ref == REF_STATE) return true;
    return expr->name.ref == REF_LOCAL && expr->name.local->is_mutated;
  }
  return any_child(expr, is_changeable);
}

static bool is_fresh_builtin(const struct expr *call) {
  const struct builtin *builtin = call->call.builtin;
  switch (builtin->id) {
  case BUILTIN_JOIN:
  case BUILTIN_RANGE:
  case BUILTIN_BASE64:
  case BUILTIN_HEX:
  case BUILTIN_PARSE_BASE64:
  case BUILTIN_PARSE_HEX: return true;
  case BUILTIN_STRING: { /* of a string or bytes it is the same memory */
    enum type_kind kind = call->call.args.data[0].value->type->kind;
    return kind != TYPE_STRING && kind != TYPE_BYTES && kind != TYPE_JSON && kind != TYPE_OPTIONAL;
  }
  default: return builtin->is_mutator;
  }
}

static bool is_not_fresh(const struct expr *expr) {
  return !code_is_fresh(expr);
}

bool code_is_fresh(const struct expr *expr) {
  if (!type_has_heap(expr->type)) return true;
  switch (expr->kind) {
  case EXPR_STRING:
  case EXPR_NONE:
  case EXPR_FSTRING: return true;
  case EXPR_BINARY:
    return expr->binary.op == BINARY_CONCAT &&
           (expr->type->kind == TYPE_STRING || expr->type->kind == TYPE_BYTES);
  case EXPR_CALL:
    if (expr->call.kind == CALL_BUILTIN) return is_fresh_builtin(expr);
    return false;
  case EXPR_LIST:
  case EXPR_MAP:
  case EXPR_COERCE: return !any_child(expr, is_not_fresh);
  default: return false;
  }
}

const char *code_keep(struct code *c, const struct expr *expr, const char *operand) {
  if (code_is_fresh(expr)) return code_temp(c, expr->type, operand);
  if (!is_changeable(expr)) return operand;
  const char *temp = code_temp(c, expr->type, NULL);
  code_put(c, "%s(w->arena, &%s, %s);", emit_helper(c->e, HELPER_COPY, expr->type), temp,
           code_address(c, operand));
  return temp;
}

void code_exprs(struct code *c, const struct expr *const *exprs, size_t count,
                const char **operands) {
  size_t last_effect = 0;
  for (size_t i = 0; i < count; i++)
    if (code_has_effect(exprs[i])) last_effect = i;
  for (size_t i = 0; i < count; i++) {
    operands[i] = code_expr(c, exprs[i]);
    if (i < last_effect) operands[i] = code_keep(c, exprs[i], operands[i]);
  }
}

/* -- equality -------------------------------------------------------------------------------- */

static bool is_plain_enum(const struct type *type) {
  if (type->kind != TYPE_ENUM) return false;
  vec_each(struct type_variant, variant, &type->variants)
    if (variant->payload != NULL) return false;
  return true;
}

const char *code_equal(struct code *c, const struct type *type, const char *a, const char *b) {
  if (code_is_scalar(type)) return code_printf(c, "(%s == %s)", a, b);
  if (is_plain_enum(type))
    return code_printf(c, "(%s == %s)", code_member(c, a, "tag"), code_member(c, b, "tag"));
  return code_printf(c, "%s(%s, %s)", emit_helper(c->e, HELPER_EQUAL, type), code_address(c, a),
                     code_address(c, b));
}

static bool is_absent(const struct expr *expr) {
  return expr->kind == EXPR_NONE || (expr->kind == EXPR_COERCE && expr->coerce.kind == COERCE_ABSENT);
}

static const char *equality(struct code *c, const struct expr *expr) {
  const struct expr *left = expr->binary.left, *right = expr->binary.right;
  const char *sign = expr->binary.op == BINARY_NE ? "!" : "";
  if (is_absent(right) || is_absent(left)) {
    const struct expr *value = is_absent(right) ? left : right;
    if (is_absent(value)) return expr->binary.op == BINARY_NE ? "false" : "true";
    sign = expr->binary.op == BINARY_NE ? "" : "!";
    return code_printf(c, "(%s%s)", sign, code_member(c, code_expr(c, value), "has"));
  }
  if (right->kind == EXPR_NAME && right->name.ref == REF_VARIANT && is_plain_enum(right->type)) {
    const char *object = code_expr(c, left);
    return code_printf(c, "(%s %s %s)", code_member(c, object, "tag"),
                       expr->binary.op == BINARY_NE ? "!=" : "==",
                       emit_enumerator(c->e, right->type, right->name.index));
  }
  const char *operands[2];
  code_exprs(c, (const struct expr *[]){left, right}, 2, operands);
  if (expr->binary.op == BINARY_NE && code_is_scalar(left->type))
    return code_printf(c, "(%s != %s)", operands[0], operands[1]);
  const char *equal = code_equal(c, left->type, operands[0], operands[1]);
  return expr->binary.op == BINARY_NE ? code_printf(c, "(!%s)", equal) : equal;
}

static const char *order(struct code *c, const struct expr *expr) {
  static const char *const signs[] = {
      [BINARY_LT] = "<", [BINARY_LE] = "<=", [BINARY_GT] = ">", [BINARY_GE] = ">="};
  const struct type *type = expr->binary.left->type;
  const char *operands[2];
  code_exprs(c, (const struct expr *[]){expr->binary.left, expr->binary.right}, 2, operands);
  const char *sign = signs[expr->binary.op];
  if (code_is_scalar(type)) return code_printf(c, "(%s %s %s)", operands[0], sign, operands[1]);
  return code_printf(c, "(%s(%s, %s) %s 0)", emit_helper(c->e, HELPER_COMPARE, type),
                     code_address(c, operands[0]), code_address(c, operands[1]), sign);
}

/* -- choices --------------------------------------------------------------------------------- */

/* `a and b`, `a or b`: the right side runs only where it decides. */
static const char *short_circuit(struct code *c, const struct expr *expr) {
  bool is_and = expr->binary.op == BINARY_AND;
  const char *left = code_expr(c, expr->binary.left);
  struct capture capture = code_capture(c);
  const char *right = code_expr(c, expr->binary.right);
  const char *statements = code_release(c, capture);
  if (statements[0] == '\0') return code_printf(c, "(%s %s %s)", left, is_and ? "&&" : "||", right);
  const char *temp = code_temp(c, expr->type, left);
  code_put(c, "if (%s%s) { %s %s = %s; }", is_and ? "" : "!", temp, statements, temp, right);
  return temp;
}

/* The statements that evaluate `value` and store it in `temp`. */
static const char *store_into(struct code *c, const struct expr *value, const char *temp) {
  struct capture capture = code_capture(c);
  const char *operand = code_expr(c, value);
  code_put(c, "%s = %s;", temp, operand);
  return code_release(c, capture);
}

static const char *coalesce(struct code *c, const struct expr *expr) {
  const struct expr *left = expr->binary.left, *right = expr->binary.right;
  bool is_optional = left->type->kind == TYPE_OPTIONAL;
  bool is_unwrapped = is_optional && expr->type->kind != TYPE_OPTIONAL;
  const char *temp = code_temp(c, expr->type, NULL);
  const char *outer = c->fail_label;
  const char *otherwise = left->can_fail ? code_label(c) : NULL;
  if (otherwise != NULL) c->fail_label = otherwise;
  const char *operand = code_expr(c, left);
  c->fail_label = outer;
  const char *value = is_unwrapped ? code_member(c, operand, "value") : operand;
  const char *fallback = store_into(c, right, temp);
  if (otherwise == NULL) {
    if (!is_optional) {
      code_put(c, "%s = %s;", temp, value);
    } else {
      code_put(c, "if (%s) { %s = %s; } else { %s }", code_member(c, operand, "has"), temp, value,
               fallback);
    }
    return temp;
  }
  const char *done = code_printf(c, "done%s", strchr(otherwise, '_'));
  if (is_optional) code_put(c, "if (%s) {", code_member(c, operand, "has"));
  code_put(c, "%s = %s; goto %s;", temp, value, done);
  if (is_optional) code_put(c, "}");
  code_put(c, "%s:; %s %s:;", otherwise, fallback, done);
  return temp;
}

const char *code_local(struct code *c, struct local *local) {
  struct names *names = &c->e->compiler->names;
  const char *name = code_printf(c, "v_%s", local->name.text);
  name = names_intern(names, name, strlen(name));
  if (map_get(&c->local_names, name) != NULL) {
    name = code_printf(c, "v%u_%s", local->id, local->name.text);
    name = names_intern(names, name, strlen(name));
  }
  map_put(&c->local_names, name, local);
  map_put(&c->locals, (const char *)local, (void *)name);
  return name;
}

void code_bind(struct code *c, struct local *local, const struct expr *subject,
               const char *operand) {
  const char *name = code_local(c, local);
  const char *type = emit_c_type(c->e, local->type);
  if (!is_changeable(subject) && !local->is_mutated) {
    code_put(c, "const %s %s = %s;" CODE_IF_UNUSED, type, name, operand, name);
    return;
  }
  if (!type_has_heap(local->type)) {
    code_put(c, "%s %s = %s;" CODE_IF_UNUSED, type, name, operand, name);
    return;
  }
  code_put(c, "%s %s; %s(w->arena, &%s, %s);", type, name,
           emit_helper(c->e, HELPER_COPY, local->type), name, code_address(c, operand));
}

static const char *choose(struct code *c, const struct expr *expr) {
  const char *temp = code_temp(c, expr->type, NULL);
  struct local *binder = expr->if_else.binder;
  const char *condition = code_expr(c, expr->if_else.condition);
  const char *test = binder ? code_member(c, condition, "has") : condition;
  struct capture capture = code_capture(c);
  if (binder) code_bind(c, binder, expr->if_else.condition, code_member(c, condition, "value"));
  const char *then_value = code_expr(c, expr->if_else.then_value);
  code_put(c, "%s = %s;", temp, then_value);
  const char *then_text = code_release(c, capture);
  code_put(c, "if (%s) { %s } else { %s }", code_condition(c, test), then_text,
           store_into(c, expr->if_else.else_value, temp));
  return temp;
}

/* -- patterns -------------------------------------------------------------------------------- */

static const char *range_test(struct code *c, const struct pattern *p, const struct type *type,
                              const char *operand) {
  const char *low = code_expr(c, p->low), *high = code_expr(c, p->high);
  if (code_is_scalar(type))
    return code_printf(c, "(%s >= %s && %s <= %s)", operand, low, operand, high);
  const char *compare = emit_helper(c->e, HELPER_COMPARE, type);
  const char *at = code_address(c, operand);
  return code_printf(c, "(%s(%s, &%s) >= 0 && %s(%s, &%s) <= 0)", compare, at, low, compare, at,
                     high);
}

const char *code_pattern(struct code *c, const struct pattern *p, const struct type *type,
                         const char *operand) {
  switch (p->kind) {
  case PATTERN_LITERAL:
    if (type->kind == TYPE_OPTIONAL && p->low->type != type)
      return code_printf(c, "(%s && %s)", code_member(c, operand, "has"),
                         code_equal(c, type->elem, code_member(c, operand, "value"),
                                    code_expr(c, p->low)));
    return code_equal(c, type, operand, code_expr(c, p->low));
  case PATTERN_RANGE: return range_test(c, p, type, operand);
  case PATTERN_NONE: return code_printf(c, "(!%s)", code_member(c, operand, "has"));
  case PATTERN_SOME: return code_member(c, operand, "has");
  case PATTERN_VARIANT:
    return code_printf(c, "(%s == %s)", code_member(c, operand, "tag"),
                       emit_enumerator(c->e, type, p->variant));
  }
  return "false";
}

const char *code_arm_test(struct code *c, const struct match_arm *arm, const struct type *type,
                          const char *operand) {
  const char *test = NULL;
  vec_each(struct pattern, pattern, &arm->patterns) {
    const char *one = code_pattern(c, pattern, type, operand);
    test = test == NULL ? one : code_printf(c, "%s || %s", test, one);
  }
  return arm->patterns.count > 1 ? code_printf(c, "(%s)", test) : test;
}

void code_bind_pattern(struct code *c, const struct match_arm *arm, const struct expr *subject,
                       const char *operand) {
  if (arm->patterns.count != 1 || arm->patterns.data[0].binder == NULL) return;
  const struct pattern *pattern = &arm->patterns.data[0];
  const char *part = code_member(c, operand, "value");
  if (pattern->kind == PATTERN_VARIANT)
    part = code_member(c, operand, code_printf(c, "as.f_%s", pattern->name.text));
  code_bind(c, pattern->binder, subject, part);
}

static const char *match_value(struct code *c, const struct expr *expr) {
  const struct expr *subject = expr->match.subject;
  const char *temp = code_temp(c, expr->type, NULL);
  const char *operand = code_expr(c, subject);
  if (code_is_scalar(subject->type)) operand = code_temp(c, subject->type, operand);
  for (size_t i = 0; i < expr->match.arms.count; i++) {
    const struct match_arm *arm = &expr->match.arms.data[i];
    bool is_last = arm->is_else || i + 1 == expr->match.arms.count;
    const char *test = is_last ? NULL : code_arm_test(c, arm, subject->type, operand);
    struct capture capture = code_capture(c);
    code_bind_pattern(c, arm, subject, operand);
    const char *value = code_expr(c, arm->value);
    code_put(c, "%s = %s;", temp, value);
    const char *text = code_release(c, capture);
    if (test != NULL)
      code_put(c, "%sif (%s) { %s }", i > 0 ? "else " : "", code_condition(c, test), text);
    else
      code_put(c, "%s{ %s }", i > 0 ? "else " : "", text);
    if (is_last) break;
  }
  return temp;
}

/* -- records and collections ----------------------------------------------------------------- */

/* The fields of a record or variant value in the order of the text, which is the order of their
 * evaluation; a spread comes where it stands. */
static const char *fields_value(struct code *c, const struct type *record,
                                const struct record_field_list *fields,
                                const struct expr_list *spreads) {
  size_t count = fields->count + (spreads ? spreads->count : 0);
  struct arena *arena = &c->e->compiler->arena;
  const struct expr **exprs = arena_alloc(arena, (count + 1) * sizeof *exprs);
  const char **operands = arena_alloc(arena, (count + 1) * sizeof *operands);
  size_t used = 0;
  for (size_t i = 0; i < fields->count; i++)
    if (fields->data[i].value != NULL) exprs[used++] = fields->data[i].value;
  for (size_t i = 0; spreads != NULL && i < spreads->count; i++) exprs[used++] = spreads->data[i];
  for (size_t i = 1; i < used; i++) {
    const struct expr *expr = exprs[i];
    size_t at = i;
    for (; at > 0 && exprs[at - 1]->span.offset > expr->span.offset; at--) exprs[at] = exprs[at - 1];
    exprs[at] = expr;
  }
  code_exprs(c, exprs, used, operands);
  struct text text;
  text_init(&text, arena);
  for (size_t i = 0; i < fields->count; i++) {
    const struct record_field *field = &fields->data[i];
    const struct expr *wanted = field->value ? field->value : spreads->data[field->spread];
    size_t at = 0;
    while (exprs[at] != wanted) at++;
    const char *value = operands[at];
    if (field->value == NULL) {
      const char *name = wanted->type->fields.data[field->spread_field].name;
      value = code_member(c, value, emit_member(c->e, name));
      if (field->is_some) value = code_printf(c, "{.has = true, .value = %s}", value);
    }
    const char *member = emit_member(c->e, record->fields.data[i].name);
    text_addf(&text, "%s.%s = %s", i > 0 ? ", " : "", member, value);
  }
  if (fields->count == 0) text_add(&text, "0");
  return text.data;
}

static const char *record_value(struct code *c, const struct type *type,
                                const struct record_field_list *fields,
                                const struct expr_list *spreads) {
  const char *values = fields_value(c, type, fields, spreads);
  return code_temp(c, type, code_printf(c, "{%s}", values));
}

static const char *variant_call(struct code *c, const struct expr *expr) {
  const struct type_variant *variant = &expr->type->variants.data[expr->call.variant];
  if (variant->payload == NULL) return variant_value(c, expr->type, expr->call.variant);
  const char *values = fields_value(c, variant->payload, &expr->call.fields, NULL);
  return code_temp(c, expr->type,
                   code_printf(c, "{.tag = %s, .as = {.f_%s = {%s}}}",
                               emit_enumerator(c->e, expr->type, expr->call.variant),
                               variant->name, values));
}

static const char *list_value(struct code *c, const struct expr *expr) {
  size_t count = expr->list.count;
  if (count == 0) return code_temp(c, expr->type, "{0}");
  const char **operands = arena_alloc(&c->e->compiler->arena, count * sizeof *operands);
  code_exprs(c, (const struct expr *const *)expr->list.data, count, operands);
  if (expr->type->kind == TYPE_SET) return code_set_of(c, expr->type, operands, count);
  const char *temp = code_temp(
      c, expr->type, code_printf(c, "%s(w->arena, %zu)", emit_list_make(c->e, expr->type), count));
  const char *data = emit_list_data(c->e, expr->type, code_address(c, temp));
  for (size_t i = 0; i < count; i++) code_put(c, "%s[%zu] = %s;", data, i, operands[i]);
  return temp;
}

static const char *map_value(struct code *c, const struct expr *expr) {
  size_t count = expr->map.count;
  struct arena *arena = &c->e->compiler->arena;
  const struct expr **exprs = arena_alloc(arena, 2 * (count + 1) * sizeof *exprs);
  const char **operands = arena_alloc(arena, 2 * (count + 1) * sizeof *operands);
  for (size_t i = 0; i < count; i++) {
    exprs[2 * i] = expr->map.data[i].key;
    exprs[2 * i + 1] = expr->map.data[i].value;
  }
  code_exprs(c, exprs, 2 * count, operands);
  return code_map_of(c, expr->type, operands, count);
}

/* -- parts ----------------------------------------------------------------------------------- */

static const char *field_value(struct code *c, const struct expr *expr) {
  if (type_is_json(expr->field.object->type)) return code_json_member(c, expr);
  const char *member = emit_member(c->e, expr->field.name.text);
  const char *object = code_expr(c, expr->field.object);
  if (!expr->field.is_optional) return code_member(c, object, member);
  const struct type *record = expr->field.object->type->elem;
  const struct type *field = record->fields.data[expr->field.index].type;
  const char *value = code_member(c, code_member(c, object, "value"), member);
  const char *temp = code_temp(c, expr->type, "{0}");
  if (field->kind == TYPE_OPTIONAL) {
    code_put(c, "if (%s) %s = %s;", code_member(c, object, "has"), temp, value);
  } else {
    code_put(c, "if (%s) { %s.has = true; %s.value = %s; }", code_member(c, object, "has"), temp,
             temp, value);
  }
  return temp;
}

static const char *coerce_value(struct code *c, const struct expr *expr) {
  if (expr->coerce.kind == COERCE_ABSENT)
    return code_printf(c, "(%s){0}", emit_c_type(c->e, expr->type));
  const char *operand = code_expr(c, expr->coerce.operand);
  return code_temp(c, expr->type, code_printf(c, "{.has = true, .value = %s}", operand));
}

static const char *call_fn(struct code *c, const struct expr *expr) {
  const struct decl *fn = expr->call.decl;
  size_t count = expr->call.args.count;
  struct arena *arena = &c->e->compiler->arena;
  const struct expr **exprs = arena_alloc(arena, (count + 1) * sizeof *exprs);
  const char **operands = arena_alloc(arena, (count + 1) * sizeof *operands);
  for (size_t i = 0; i < count; i++) exprs[i] = expr->call.args.data[i].value;
  code_exprs(c, exprs, count, operands);
  struct text call;
  text_init(&call, arena);
  text_addf(&call, "%s(w", emit_fn(c->e, fn));
  for (size_t i = 0; i < count; i++)
    text_addf(&call, ", %s",
              code_is_scalar(exprs[i]->type) ? operands[i] : code_address(c, operands[i]));
  bool is_fallible = fn->can_fail || fn->can_fault;
  if (!is_fallible && code_is_scalar(fn->type))
    return code_temp(c, fn->type, code_printf(c, "%s)", call.data));
  /* With a value at first: gcc does not always see that a failed call's result is never used. */
  const char *nothing = code_is_scalar(fn->type) ? "0" : "{0}";
  const char *temp = code_temp(c, fn->type, is_fallible ? nothing : NULL);
  if (!is_fallible) {
    code_put(c, "%s, &%s);", call.data, temp);
  } else if (c->fail_label == NULL || c->is_condition) {
    bool may_leave = c->is_fallible || c->is_condition;
    code_put(c, "if (!%s, &%s)) %s", call.data, temp,
             may_leave ? "return false;" : "flow_abort_record(w);");
  } else if (!fn->can_fault) {
    code_put(c, "if (!%s, &%s)) goto %s;", call.data, temp, c->fail_label);
  } else {
    code_put(c, "if (!%s, &%s)) { if (w->failure.is_fault) %s goto %s; }", call.data, temp,
             c->is_fallible ? "return false;" : "flow_abort_record(w);", c->fail_label);
  }
  return temp;
}

static const char *call_value(struct code *c, const struct expr *expr) {
  switch (expr->call.kind) {
  case CALL_BUILTIN:
    return expr->call.builtin->is_mutator ? code_mutator(c, expr) : code_builtin(c, expr);
  case CALL_FN: return call_fn(c, expr);
  case CALL_RECORD: return record_value(c, expr->type, &expr->call.fields, NULL);
  case CALL_VARIANT: return variant_call(c, expr);
  case CALL_UNKNOWN:
  case CALL_CONNECTOR: break;
  }
  return "0";
}

static const char *binary_value(struct code *c, const struct expr *expr) {
  switch (expr->binary.op) {
  case BINARY_OR:
  case BINARY_AND: return short_circuit(c, expr);
  case BINARY_EQ:
  case BINARY_NE: return equality(c, expr);
  case BINARY_LT:
  case BINARY_LE:
  case BINARY_GT:
  case BINARY_GE: return order(c, expr);
  case BINARY_COALESCE: return coalesce(c, expr);
  default: break;
  }
  const char *operands[2];
  code_exprs(c, (const struct expr *[]){expr->binary.left, expr->binary.right}, 2, operands);
  switch (expr->binary.op) {
  case BINARY_IN:
    return code_contains(c, expr->binary.right->type, operands[1], operands[0]);
  case BINARY_NOT_IN:
    return code_printf(c, "(!%s)", code_contains(c, expr->binary.right->type, operands[1], operands[0]));
  case BINARY_CONCAT: return code_concat(c, expr->type, operands[0], operands[1]);
  default: return code_arithmetic(c, expr, operands[0], operands[1]);
  }
}

const char *code_condition(struct code *c, const char *operand) {
  size_t length = strlen(operand);
  if (operand[0] != '(' || operand[length - 1] != ')') return operand;
  int depth = 0;
  for (size_t i = 0; i < length; i++) {
    depth += (operand[i] == '(') - (operand[i] == ')');
    if (depth == 0) return i + 1 == length ? code_printf(c, "%.*s", (int)length - 2, operand + 1) : operand;
  }
  return operand;
}

const char *code_expr(struct code *c, const struct expr *expr) {
  switch (expr->kind) {
  case EXPR_NAME: return name_value(c, expr);
  case EXPR_INT:
  case EXPR_FLOAT:
  case EXPR_DECIMAL:
  case EXPR_STRING:
  case EXPR_DURATION:
  case EXPR_TIMESTAMP:
  case EXPR_BOOL: return literal(c, expr);
  case EXPR_FSTRING: return code_fstring(c, expr);
  case EXPR_UNARY: return code_unary(c, expr);
  case EXPR_BINARY: return binary_value(c, expr);
  case EXPR_FIELD: return field_value(c, expr);
  case EXPR_INDEX:
    return type_is_json(expr->index.object->type) ? code_json_element(c, expr) : code_element(c, expr);
  case EXPR_CALL: return call_value(c, expr);
  case EXPR_LIST: return list_value(c, expr);
  case EXPR_MAP: return map_value(c, expr);
  case EXPR_RECORD:
    return record_value(c, expr->type, &expr->record.fields, &expr->record.spreads);
  case EXPR_IF: return choose(c, expr);
  case EXPR_MATCH: return match_value(c, expr);
  case EXPR_COERCE: return coerce_value(c, expr);
  case EXPR_NONE: return code_printf(c, "(%s){0}", emit_c_type(c->e, expr->type));
  case EXPR_LAMBDA:
  case EXPR_ERROR: break;
  }
  return "0";
}
