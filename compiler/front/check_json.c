/* Values of type json: their parts, conversions out of them, and literals that become one. */
#include "front/checker.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "front/decimal.h"

struct expr *json_part(struct checker *c, struct expr *expr) {
  expr->type = type_optional(c->types, c->types->json);
  if (expr->kind != EXPR_INDEX) return expr;
  struct expr *index = expr->index.index;
  if (index->type->kind == TYPE_INT || index->type->kind == TYPE_STRING ||
      index->type->kind == TYPE_ERROR)
    return expr;
  struct diag *diag = diag_error(c->diags, E0205, index->span,
                                 "`[ ]` of json takes an index or a key, this is `%s`",
                                 type_name(c->types, index->type));
  diag_help(diag, "j[0] is an element of an array, j[\"a b\"] a member of an object");
  expr->type = c->types->error;
  return expr;
}

/* -- literals -------------------------------------------------------------------------------- */

/* Appends the number in the form of JSON. */
static void add_number(struct checker *c, struct text *out, const struct expr *expr) {
  if (expr->kind == EXPR_INT) {
    text_addf(out, "%" PRId64, expr->integer);
    return;
  }
  const char *written = sources_text(&c->compiler->sources, expr->span);
  if (decimal_digits(written, expr->span.length) < 0) {
    text_addf(out, "%.17g", expr->number);
    return;
  }
  for (size_t i = 0; i < expr->span.length; i++) {
    if (written[i] != '_' && written[i] != ' ') text_addc(out, written[i]);
  }
}

bool json_of_literal(struct checker *c, struct expr *expr) {
  struct text text;
  text_init(&text, c->arena);
  switch (expr->kind) {
  case EXPR_STRING:
    if (expr->type->kind != TYPE_STRING) return false;
    text_add_quoted_json(&text, expr->string.data, expr->string.length);
    break;
  case EXPR_INT:
  case EXPR_FLOAT: add_number(c, &text, expr); break;
  case EXPR_BOOL: text_add(&text, expr->boolean ? "true" : "false"); break;
  case EXPR_LIST:
    if (expr->list.count > 0) return false;
    text_add(&text, "[]");
    break;
  default: return false;
  }
  expr->kind = EXPR_STRING;
  expr->string.data = text.data;
  expr->string.length = text.length;
  expr->type = c->types->json;
  return true;
}

/* -- what to write instead ------------------------------------------------------------------- */

const char *json_conversion(struct checker *c, const struct type *from, const struct type *to) {
  if (to->kind == TYPE_JSON) return type_is_json(from) ? NULL : "json(…)";
  if (!type_is_json(from)) return NULL;
  switch (to->kind) {
  case TYPE_INT: return "int(…) ?? 0";
  case TYPE_FLOAT: return "float(…) ?? 0.0";
  case TYPE_DECIMAL: return arena_printf(c->arena, "decimal(…, %u) ?? 0", to->scale);
  case TYPE_BOOL: return "bool(…) ?? false";
  case TYPE_STRING: return "string(…) ?? \"\"";
  case TYPE_LIST: return "elements(…) ?? []";
  case TYPE_MAP: return "members(…) ?? []";
  default: return NULL;
  }
}

void help_json(struct checker *c, struct diag *diag, const struct expr *expr,
               const struct type *wanted) {
  const char *pattern = json_conversion(c, expr->type, wanted);
  if (!pattern) pattern = "int(…) ?? 0";
  const char *text = text_of(c, expr, NULL), *dots = strstr(pattern, "…");
  if (!text) {
    diag_help(diag, "say what it is:  %s", pattern);
    return;
  }
  diag_help(diag, "say what it is:  (%.*s%.*s%s)", (int)(dots - pattern), pattern,
            (int)strlen(text) - 2, text + 1, dots + strlen("…"));
}

bool report_json_operand(struct checker *c, const struct expr *expr, const struct expr *other) {
  if (!type_is_json(expr->type)) return false;
  struct diag *diag = diag_error(c->diags, E0205, expr->span,
                                 "this is `%s`: what it holds is known only when the flow runs",
                                 type_name(c->types, expr->type));
  help_json(c, diag, expr, other ? other->type : c->types->int_);
  return true;
}
