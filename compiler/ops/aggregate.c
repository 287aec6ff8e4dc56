/* aggregate: one row of many items. Without a window it becomes a `state` that keeps accumulators and emits their
 * results for each item, once per epoch, or at the end. */
#include <string.h>

#include "front/aggregate.h"
#include "front/quote.h"
#include "ops/op.h"

/* When results are sent, as hooks of the state; null after a diagnostic. */
static const char *check_emit(struct checker *c, struct stage *stage, bool *is_final) {
  static const struct {
    const char *when, *text;
  } forms[] = {
      {"item", "$add(); $send() }"},
      {"on epoch", "$add() } on epoch { $send() }"},
      {"final", "$add() } on end { $send() }"},
  };
  struct clause *clause = check_clause(&stage->clauses, "emit");
  *is_final = false;
  if (!clause) return forms[0].text;
  const struct expr *when = clause->value;
  bool is_name = when && when->kind == EXPR_NAME;
  for (size_t i = 1; is_name && i < sizeof forms / sizeof *forms; i++)
    if (strcmp(when->name.text, forms[i].when) == 0) {
      *is_final = strcmp(forms[i].when, "final") == 0;
      return forms[i].text;
    }
  struct diag *diag = diag_error(c->diags, E0440, when ? when->span : clause->name.span,
                                 "`emit` says when a result is sent");
  diag_help(diag, "write  emit on epoch  or  emit final;  without it there is one for each item");
  if (is_name && strcmp(when->name.text, "on change") == 0)
    diag_note(diag, "`emit on change` is for windows, which without it tell their end only");
  return NULL;
}

/* The clause `was` for the state, with a blank in front, or "". */
static const char *was_clause(struct checker *c, struct stage *stage, struct quote *q) {
  struct clause *clause = check_clause(&stage->clauses, "was");
  if (!clause || !check_clause_string(c, clause)) return "";
  quote_expr_hole(q, "$was", clause->value);
  return " was $was";
}

/* `having`, which SQL puts here. */
static void check_having(struct checker *c, struct stage *stage) {
  struct clause *clause = check_clause(&stage->clauses, "having");
  if (!clause) return;
  struct diag *diag = diag_error(c->diags, E0216, clause->name.span, "an `aggregate` has no clause `having`");
  diag_help(diag, "filter what comes out of it:  |> aggregate { n: count() } |> filter n > 3");
}

static size_t expand_aggregate(struct checker *c, struct stage *const *stages, size_t count,
                               struct stage_list *made) {
  (void)count;
  struct stage *stage = *stages;
  bool is_final;
  const char *send = check_emit(c, stage, &is_final);
  struct ident id = check_stage_id(c, stage);
  struct quote q;
  quote_begin(&q, c, stage);
  const char *was = was_clause(c, stage, &q);
  check_having(c, stage);
  static const char *const known[] = {"emit", "named", "was", NULL};
  check_unused_clauses(c, &stage->clauses, "an `aggregate` without a window", known);
  struct aggregation *a = aggregation_of(c, stage, false, false, is_final);
  if (!a || !send || !id.text) return 0;
  struct expr *place = quote_expr(&q, "$kept"), *name = quote_expr(&q, "$id");
  name->name.text = id.text;
  name->span = id.span;
  quote_expr_hole(&q, "$id", name);
  quote_type_hole(&q, "$Kept", aggregation_type(a));
  quote_block_hole(&q, "$add", aggregation_add(a, place));
  quote_block_hole(&q, "$send", aggregation_emit(a, place, NULL, NULL, NULL));
  bool has_key = stage->in_key != NULL;
  const char *text = arena_printf(c->arena, "%s|> state $kept: $Kept = {} named $id%s { %s%s",
                                  has_key ? "" : "|> key by \"ALL\" ", was, send,
                                  has_key ? "" : " |> key by {}");
  *made = quote_stages(&q, text);
  made->data[!has_key]->on_fail = stage->on_fail;
  return 1;
}

const struct op op_aggregate = {
    .name = "aggregate",
    .syntax = "aggregate EXPR emit on epoch|final named NAME",
    .summary = "Makes one row of many items, with aggregates such as `count()` and `max(price)`: of all with one "
               "key, or of all.",
    .example = "record Sale { shop: string, cents: int }\n"
               "source sales: Sale = stdin(jsonl)\n"
               "sales\n"
               "  |> key by shop\n"
               "  |> aggregate { shop, sales: count(), most: max(cents) } emit final named totals\n"
               "  |> into stdout\n",
    .expand = expand_aggregate,
};
