/* Calls of built-in functions on numbers and text, and of those that ask about the run. Functions
 * of collections are in code_collect.c, mutators in code_change.c. */
#include "back/code.h"
#include "back/print.h"
#include "front/builtin.h"

/* -- text under construction ----------------------------------------------------------------- */

const char *code_text_begin(struct code *c) {
  const char *buffer = code_printf(c, "b%u", ++c->temp_count);
  code_put(c, "struct flow_buf %s = flow_text_begin(w->arena);", buffer);
  return buffer;
}

void code_text_add(struct code *c, const char *buffer, const struct type *type,
                   const char *operand) {
  if (type->kind == TYPE_STRING) {
    code_put(c, "flow_print_str(&%s, %s);", buffer, code_address(c, operand));
    return;
  }
  code_put(c, "%s(&%s, %s);", emit_helper(c->e, HELPER_TEXT, type), buffer,
           code_pointer(c, type, operand));
}

const char *code_text_end(struct code *c, const char *buffer) {
  const char *temp = code_printf(c, "t%u", ++c->temp_count);
  code_put(c, "struct flow_str %s = flow_text_end(&%s);", temp, buffer);
  return temp;
}

/* Writes the function that prints the parts of an f-string: `format_N(b, x1, x2, …)`. Room for all
 * that has a limit is made once. */
static const char *format_function(struct code *c, const struct fstring_part_list *parts,
                                   const char *end) {
  struct emit *e = c->e;
  const char *name = code_printf(c, "format_%u", ++e->format_count);
  struct text head;
  text_init(&head, &e->compiler->arena);
  text_addf(&head, "static inline void %s(struct flow_buf *b", name);
  struct printer printer;
  print_begin(&printer, e, "room");
  uint32_t count = 0;
  vec_each(struct fstring_part, part, parts) {
    if (part->value == NULL) {
      text_addn(&printer.fixed, part->text, part->length);
      continue;
    }
    text_addf(&head, ", const %s *x%u", emit_c_type(e, part->value->type), ++count);
    print_value(&printer, PRINT_TEXT, part->value->type, code_printf(c, "(*x%u)", count));
  }
  text_addc(&head, ')');
  print_fixed(&printer, end);
  print_function(&printer, SECTION_HELPERS, head.data);
  return name;
}

/* Evaluates the values of an f-string; returns them as further arguments: ", &t1, key". */
static const char *format_args(struct code *c, const struct fstring_part_list *parts) {
  struct arena *arena = &c->e->compiler->arena;
  const struct expr **exprs = arena_alloc(arena, (parts->count + 1) * sizeof *exprs);
  const char **operands = arena_alloc(arena, (parts->count + 1) * sizeof *operands);
  size_t count = 0;
  vec_each(struct fstring_part, part, parts)
    if (part->value != NULL) exprs[count++] = part->value;
  code_exprs(c, exprs, count, operands);
  struct text args;
  text_init(&args, arena);
  for (size_t i = 0; i < count; i++)
    text_addf(&args, ", %s", code_pointer(c, exprs[i]->type, operands[i]));
  return args.data;
}

static bool has_values(const struct fstring_part_list *parts) {
  vec_each(struct fstring_part, part, parts)
    if (part->value != NULL) return true;
  return false;
}

const char *code_fstring(struct code *c, const struct expr *expr) {
  const struct fstring_part_list *parts = &expr->fstring;
  if (!has_values(parts)) {
    struct text plain;
    text_init(&plain, &c->e->compiler->arena);
    vec_each(struct fstring_part, part, parts) text_addn(&plain, part->text, part->length);
    return code_string(c, plain.data, plain.length);
  }
  const char *args = format_args(c, parts);
  const char *buffer = code_text_begin(c);
  code_put(c, "%s(&%s%s);", format_function(c, parts, ""), buffer, args);
  return code_text_end(c, buffer);
}

bool code_fstring_line(struct code *c, const struct expr *expr, uint32_t sink) {
  if (expr->kind != EXPR_FSTRING || !has_values(&expr->fstring)) return false;
  const char *args = format_args(c, &expr->fstring);
  code_put(c, "%s(flow_sink_row(w, %u)%s);", format_function(c, &expr->fstring, "\n"), sink, args);
  return true;
}

/* -- numbers --------------------------------------------------------------------------------- */

static const char *divide(struct code *c, const struct expr *call, const char **args) {
  bool is_mod = call->call.builtin->id == BUILTIN_MOD;
  const char *a = args[0], *b = args[1];
  code_put(c, "if (%s == 0) %s", b, code_fail(c, call->span, "division by zero"));
  if (is_mod) {
    const char *rest = code_temp(c, call->type, code_printf(c, "%s == -1 ? 0 : %s %% %s", b, a, b));
    code_put(c, "if (%s != 0 && (%s < 0) != (%s < 0)) %s += %s;", rest, rest, b, rest, b);
    return rest;
  }
  code_put(c, "if (%s == -1 && %s == INT64_MIN) %s", b, a,
           code_fault(c, call->span, "the division overflows"));
  const char *quotient = code_temp(c, call->type, code_printf(c, "%s / %s", a, b));
  code_put(c, "if (%s %% %s != 0 && (%s < 0) != (%s < 0)) %s--;", a, b, a, b, quotient);
  return quotient;
}

static const char *absolute(struct code *c, const struct expr *call, const char *value) {
  if (call->type->kind == TYPE_FLOAT) return code_printf(c, "__builtin_fabs(%s)", value);
  code_put(c, "if (%s == INT64_MIN) %s", value,
           code_fault(c, call->span, "the absolute value overflows"));
  return code_temp(c, call->type, code_printf(c, "%s < 0 ? -%s : %s", value, value, value));
}

static const char *saturating_sum(struct code *c, const struct expr *call, const char **args) {
  const char *temp = code_temp(c, call->type, NULL);
  code_put(c, "if (__builtin_add_overflow(%s, %s, &%s)) %s = %s < 0 ? INT64_MIN : INT64_MAX;",
           args[0], args[1], temp, temp, args[0]);
  return temp;
}

static const char *root(struct code *c, const struct expr *call, const char *value) {
  code_put(c, "if (%s < 0) %s", value, code_fail(c, call->span, "the square root of a negative number"));
  return code_temp(c, call->type, code_printf(c, "__builtin_sqrt(%s)", value));
}

static const struct type *first_type(const struct expr *call) {
  return call->call.args.data[0].value->type;
}

static const char *to_int(struct code *c, const struct expr *call, const char *value) {
  if (first_type(call)->kind == TYPE_DECIMAL)
    return code_printf(c, "(%s / flow_decimal_one(%u))", value, first_type(call)->scale);
  code_put(c, "if (!(%s >= -0x1p63 && %s < 0x1p63)) %s", value, value,
           code_fail(c, call->span, "the number is outside of the range of int"));
  return code_printf(c, "((int64_t)%s)", value);
}

static const char *to_float(struct code *c, const struct expr *call, const char *value) {
  if (first_type(call)->kind == TYPE_DECIMAL)
    return code_printf(c, "flow_float_of_decimal(%s, %u)", value, first_type(call)->scale);
  const char *temp = code_temp(c, call->type, code_printf(c, "(double)%s", value));
  code_put(c, "if (%s >= 0x1p63 || (int64_t)%s != %s) %s", temp, temp, value,
           code_fault(c, call->span, "a float cannot hold this int exactly"));
  return temp;
}

/* A decimal, or an int as one of scale 0, in another scale. */
static const char *rescale(struct code *c, const struct expr *call, uint32_t from,
                           const char *value) {
  uint32_t to = call->type->scale;
  if (to == from) return value;
  if (to < from)
    return code_temp(c, call->type,
                     code_printf(c, "flow_decimal_round(%s, flow_decimal_one(%u))", value, from - to));
  const char *temp = code_temp(c, call->type, NULL);
  code_put(c, "if (__builtin_mul_overflow(%s, flow_decimal_one(%u), &%s)) %s", value, to - from, temp,
           code_fault(c, call->span, "the number is too large for so many digits behind the point"));
  return temp;
}

static const char *to_decimal(struct code *c, const struct expr *call, const char *value) {
  if (first_type(call)->kind == TYPE_INT) return rescale(c, call, 0, value);
  const char *temp = code_temp(c, call->type, NULL);
  code_put(c, "if (!flow_decimal_of_float(%s, %u, &%s)) %s", value, call->type->scale, temp,
           code_fail(c, call->span, "the number is too large for the decimal"));
  return temp;
}

static const char *rounded(struct code *c, const struct expr *call, const char *value) {
  if (first_type(call)->kind == TYPE_DECIMAL) return rescale(c, call, first_type(call)->scale, value);
  return code_printf(c, "__builtin_round(%s)", value);
}

static const char *shift(struct code *c, const struct expr *call, const char **args) {
  bool is_left = call->call.builtin->id == BUILTIN_SHIFT_LEFT;
  code_put(c, "if (%s < 0 || %s > 63) %s", args[1], args[1],
           code_fail(c, call->span, "an int is shifted by 0 to 63 bits"));
  if (!is_left) return code_printf(c, "(%s >> %s)", args[0], args[1]);
  return code_printf(c, "((int64_t)((uint64_t)%s << %s))", args[0], args[1]);
}

/* A function of the C library over floats. Arguments are finite, and so must be what it gives. */
static const char *float_function(struct code *c, const struct expr *call, const char **args) {
  const char *x = args[0];
  enum builtin_id id = call->call.builtin->id;
  if (id == BUILTIN_LOG || id == BUILTIN_LOG2 || id == BUILTIN_LOG10)
    code_put(c, "if (%s <= 0) %s", x, code_fail(c, call->span, "the logarithm of a number that is not positive"));
  if (id == BUILTIN_ASIN || id == BUILTIN_ACOS)
    code_put(c, "if (%s < -1 || %s > 1) %s", x, x, code_fail(c, call->span, "the number is not from -1 to 1"));
  const char *value =
      code_temp(c, call->type, code_printf(c, "__builtin_%s(%s%s%s)", call->call.builtin->name, x,
                                           call->call.args.count > 1 ? ", " : "",
                                           call->call.args.count > 1 ? args[1] : ""));
  if (id == BUILTIN_POW)
    code_put(c, "if (!__builtin_isfinite(%s)) %s", value,
             code_fail(c, call->span, "the power is not a finite number"));
  if (id == BUILTIN_EXP)
    code_put(c, "if (!__builtin_isfinite(%s)) %s", value, code_fault(c, call->span, "the power overflows"));
  return value;
}

static const char *number_call(struct code *c, const struct expr *call, const char **args) {
  switch (call->call.builtin->id) {
  case BUILTIN_ABS: return absolute(c, call, args[0]);
  case BUILTIN_FLOOR: return code_printf(c, "__builtin_floor(%s)", args[0]);
  case BUILTIN_CEIL: return code_printf(c, "__builtin_ceil(%s)", args[0]);
  case BUILTIN_ROUND: return rounded(c, call, args[0]);
  case BUILTIN_SQRT: return root(c, call, args[0]);
  case BUILTIN_DIV_FLOOR:
  case BUILTIN_MOD: return divide(c, call, args);
  case BUILTIN_ADD_WRAP:
    return code_printf(c, "((int64_t)((uint64_t)%s + (uint64_t)%s))", args[0], args[1]);
  case BUILTIN_ADD_SAT: return saturating_sum(c, call, args);
  case BUILTIN_BIT_AND: return code_printf(c, "(%s & %s)", args[0], args[1]);
  case BUILTIN_BIT_OR: return code_printf(c, "(%s | %s)", args[0], args[1]);
  case BUILTIN_BIT_XOR: return code_printf(c, "(%s ^ %s)", args[0], args[1]);
  case BUILTIN_SHIFT_LEFT:
  case BUILTIN_SHIFT_RIGHT: return shift(c, call, args);
  case BUILTIN_POW:
  case BUILTIN_EXP:
  case BUILTIN_LOG:
  case BUILTIN_LOG2:
  case BUILTIN_LOG10:
  case BUILTIN_SIN:
  case BUILTIN_COS:
  case BUILTIN_TAN:
  case BUILTIN_ASIN:
  case BUILTIN_ACOS:
  case BUILTIN_ATAN:
  case BUILTIN_ATAN2: return float_function(c, call, args);
  case BUILTIN_INT: return to_int(c, call, args[0]);
  case BUILTIN_FLOAT: return to_float(c, call, args[0]);
  case BUILTIN_DECIMAL: return to_decimal(c, call, args[0]);
  default: return NULL;
  }
}

/* -- text ------------------------------------------------------------------------------------ */

static const char *parse(struct code *c, const struct expr *call, const char *text) {
  const char *type = type_name(c->e->compiler->types, call->type);
  const char *temp = code_temp(c, call->type, NULL);
  code_put(c, "if (flow_parse_%s(flow_str_data(%s), %s, &%s) != NULL) %s", type,
           code_address(c, text), code_member(c, text, "length"), temp,
           code_fail(c, call->span,
                     code_printf(c, "the text is not %s %s", type[0] == 'i' ? "an" : "a", type)));
  return temp;
}

static const char *url_decode(struct code *c, const struct expr *call, const char *text) {
  const char *temp = code_temp(c, call->type, NULL);
  code_put(c, "if (flow_text_url_decode(w->arena, %s, &%s) != NULL) %s", code_address(c, text), temp,
           code_fail(c, call->span, "the text is not URL-encoded UTF-8"));
  return temp;
}

static const char *format_time(struct code *c, const struct expr *call, const char **args) {
  const char *buffer = code_text_begin(c);
  code_put(c, "if (!flow_print_time(&%s, %s, flow_str_data(%s), %s)) %s", buffer, args[0],
           code_address(c, args[1]), code_member(c, args[1], "length"),
           code_fail(c, call->span, "the format of the time is none"));
  return code_text_end(c, buffer);
}

static const char *parse_time(struct code *c, const struct expr *call, const char **args) {
  const char *temp = code_temp(c, call->type, NULL);
  code_put(c, "if (flow_parse_time(flow_str_data(%s), %s, flow_str_data(%s), %s, &%s) != NULL) %s",
           code_address(c, args[0]), code_member(c, args[0], "length"), code_address(c, args[1]),
           code_member(c, args[1], "length"), temp,
           code_fail(c, call->span, "the text is not a time of this format"));
  return temp;
}

static const char *parse_decimal(struct code *c, const struct expr *call, const char *text) {
  const char *temp = code_temp(c, call->type, NULL);
  code_put(c, "if (flow_parse_decimal(flow_str_data(%s), %s, %u, &%s) != NULL) %s",
           code_address(c, text), code_member(c, text, "length"), call->type->scale, temp,
           code_fail(c, call->span, "the text is not such a decimal"));
  return temp;
}

/* A function of flow/text.h that returns a string; `memory` is "w->arena, " where it makes one. */
static const char *text_function(struct code *c, const struct expr *call, const char *name,
                                 const char *memory, const char **args, size_t count) {
  struct text out;
  text_init(&out, &c->e->compiler->arena);
  text_addf(&out, "flow_text_%s(%s", name, memory);
  for (size_t i = 0; i < count; i++) {
    const struct type *type = call->call.args.data[i].value->type;
    text_addf(&out, "%s%s", i > 0 ? ", " : "",
              code_is_scalar(type) ? args[i] : code_address(c, args[i]));
  }
  text_add(&out, ")");
  return code_temp(c, call->type, out.data);
}

/* A function of flow/text.h that returns strings. */
static const char *split_function(struct code *c, const struct expr *call, const char *name,
                                  const char **args, size_t count) {
  if (count > 1)
    code_put(c, "if (%s == 0) %s", code_member(c, args[1], "length"),
             code_fail(c, call->span, "the separator is empty"));
  const char *parts = code_printf(c, "parts%u", ++c->temp_count);
  code_put(c, "struct flow_str_list %s; flow_text_%s(w->arena, %s%s%s, &%s);", parts, name,
           code_address(c, args[0]), count > 1 ? ", " : "",
           count > 1 ? code_address(c, args[1]) : "", parts);
  return code_temp(c, call->type,
                   code_printf(c, "{%s.data, %s.length, %s.capacity}", parts, parts, parts));
}

static const char *text_call(struct code *c, const struct expr *call, const char **args) {
  switch (call->call.builtin->id) {
  case BUILTIN_BYTE_LEN: return code_printf(c, "((int64_t)%s)", code_member(c, args[0], "length"));
  case BUILTIN_SPLIT: return split_function(c, call, "split", args, 2);
  case BUILTIN_CHARS: return split_function(c, call, "chars", args, 1);
  case BUILTIN_WORDS: return split_function(c, call, "words", args, 1);
  case BUILTIN_LINES: return split_function(c, call, "lines", args, 1);
  case BUILTIN_LOWER: return text_function(c, call, "lower", "w->arena, ", args, 1);
  case BUILTIN_UPPER: return text_function(c, call, "upper", "w->arena, ", args, 1);
  case BUILTIN_TRIM: return text_function(c, call, "trim", "", args, 1);
  case BUILTIN_TRIM_START: return text_function(c, call, "trim_start", "", args, 1);
  case BUILTIN_TRIM_END: return text_function(c, call, "trim_end", "", args, 1);
  case BUILTIN_LIKE: return text_function(c, call, "like", "", args, 2);
  case BUILTIN_URL_ENCODE: return text_function(c, call, "url_encode", "w->arena, ", args, 1);
  case BUILTIN_URL_DECODE: return url_decode(c, call, args[0]);
  case BUILTIN_FORMAT_TIME: return format_time(c, call, args);
  case BUILTIN_PARSE_TIME: return parse_time(c, call, args);
  case BUILTIN_STARTS_WITH: return text_function(c, call, "starts_with", "", args, 2);
  case BUILTIN_ENDS_WITH: return text_function(c, call, "ends_with", "", args, 2);
  case BUILTIN_REPLACE: return text_function(c, call, "replace", "w->arena, ", args, 3);
  case BUILTIN_PARSE_INT:
  case BUILTIN_PARSE_TIMESTAMP:
  case BUILTIN_PARSE_DURATION:
  case BUILTIN_PARSE_FLOAT: return parse(c, call, args[0]);
  case BUILTIN_PARSE_DECIMAL: return parse_decimal(c, call, args[0]);
  default: return NULL;
  }
}

/* -- bytes ----------------------------------------------------------------------------------- */

static const char *parse_bytes(struct code *c, const struct expr *call, const char *text) {
  bool is_hex = call->call.builtin->id == BUILTIN_PARSE_HEX;
  const char *temp = code_temp(c, call->type, NULL);
  code_put(c, "if (flow_%s_decode(w->arena, flow_str_data(%s), %s, &%s) != NULL) %s",
           is_hex ? "hex" : "base64", code_address(c, text), code_member(c, text, "length"), temp,
           code_fail(c, call->span, is_hex ? "the text is not hex" : "the text is not base64"));
  return temp;
}

/* Bytes as a string: the same, once it is known that they are UTF-8. */
static const char *text_of_bytes(struct code *c, const struct expr *call, const char *bytes) {
  code_put(c, "if (!flow_bytes_are_text(%s)) %s", code_address(c, bytes),
           code_fail(c, call->span, "the bytes are not UTF-8"));
  return bytes;
}

static const char *bytes_call(struct code *c, const struct expr *call, const char **args) {
  switch (call->call.builtin->id) {
  case BUILTIN_BYTES: return args[0];
  case BUILTIN_PARSE_BASE64:
  case BUILTIN_PARSE_HEX: return parse_bytes(c, call, args[0]);
  case BUILTIN_BASE64:
  case BUILTIN_HEX:
    return code_temp(c, call->type,
                     code_printf(c, "flow_bytes_%s(w->arena, %s)", call->call.builtin->name,
                                 code_address(c, args[0])));
  default: return NULL;
  }
}

/* Functions that take json, some of them other things too. */
static bool converts_json(enum builtin_id id) {
  switch (id) {
  case BUILTIN_INT:
  case BUILTIN_FLOAT:
  case BUILTIN_DECIMAL:
  case BUILTIN_STRING:
  case BUILTIN_BOOL:
  case BUILTIN_ELEMENTS:
  case BUILTIN_MEMBERS: return true;
  default: return false;
  }
}

/* -- all ------------------------------------------------------------------------------------- */

const char *code_builtin(struct code *c, const struct expr *call) {
  size_t count = call->call.args.count;
  struct arena *arena = &c->e->compiler->arena;
  const struct expr **exprs = arena_alloc(arena, (count + 1) * sizeof *exprs);
  const char **args = arena_alloc(arena, (count + 1) * sizeof *args);
  for (size_t i = 0; i < count; i++) exprs[i] = call->call.args.data[i].value;
  code_exprs(c, exprs, count, args);
  const struct type *first = count > 0 ? exprs[0]->type : NULL;
  if (first != NULL && type_is_json(first) && converts_json(call->call.builtin->id))
    return code_json_convert(c, call, args[0]);
  switch (call->call.builtin->id) {
  case BUILTIN_JSON: return code_json_of(c, first, args[0]);
  case BUILTIN_IS_NULL: return code_json_is_null(c, first, args[0]);
  case BUILTIN_EPOCH: c->e->is_boundary_dependent = true; return "w->epoch";
  case BUILTIN_NOW: c->e->is_boundary_dependent = true; return "w->now_us";
  case BUILTIN_TIME: return "w->time_us";
  case BUILTIN_WATERMARK: {
    const char *mark = code_temp(c, call->type, NULL);
    code_put(c, "%s = (%s){.has = %s != INT64_MIN, .value = %s};", mark,
             emit_c_type(c->e, call->type), c->clock, c->clock);
    return mark;
  }
  case BUILTIN_STRING: {
    if (exprs[0]->type->kind == TYPE_STRING) return args[0];
    if (exprs[0]->type->kind == TYPE_BYTES) return text_of_bytes(c, call, args[0]);
    const char *mark = code_text_begin(c);
    code_text_add(c, mark, exprs[0]->type, args[0]);
    return code_text_end(c, mark);
  }
  default: break;
  }
  const char *value = code_quoted(c, call, args);
  if (value == NULL) value = number_call(c, call, args);
  if (value == NULL) value = text_call(c, call, args);
  if (value == NULL) value = bytes_call(c, call, args);
  return value != NULL ? value : code_collection(c, call, args);
}
