#include "back/emit_timer.h"

#include "back/code.h"
#include "back/emit_mark.h"
#include "back/emit_state.h"
#include "back/program.h"

const struct hook *emit_state_find_hook(const struct stage *stage, enum hook_kind kind) {
  vec_each(const struct hook, hook, &stage->hooks)
    if (hook->kind == kind) return hook;
  return NULL;
}

bool emit_timer_is_used(const struct stage *stage) {
  return stage->expires != NULL || emit_state_find_hook(stage, HOOK_AT) != NULL;
}

/* -- the user's expressions ------------------------------------------------------------------- */

/* `on at TIME`: false where there is no time. A fault in it is none, as in a `where`. */
static void emit_at(struct emit *e, const struct node *node, const struct hook *hook) {
  struct code c;
  code_begin(&c, e, emit_step(e, node), false);
  c.is_condition = true;
  c.key = "(*key)";
  c.state = "(*state)";
  c.clock = emit_clock(e, node);
  code_at(&c, hook->at->span);
  const char *time = code_expr(&c, hook->at);
  code_put(&c, "*at_us = %s; return %s;", code_member(&c, time, "value"),
           code_member(&c, time, "has"));
  const char *head = arena_printf(
      &e->compiler->arena,
      "static inline bool at_%s(struct flow_worker *w, const %s *key, %s *state, int64_t *at_us)",
      node->name, emit_c_type(e, node->key), emit_c_type(e, node->stage->state_type));
  code_end(&c, head, hook->at->span);
}

void emit_timer_functions(struct emit *e, const struct node *node) {
  const struct stage *stage = node->stage;
  if (stage->expires != NULL) {
    struct code c;
    code_begin(&c, e, emit_step(e, node), false);
    emit_value_function(e, arena_printf(&e->compiler->arena, "expires_%s", node->name), "",
                        stage->expires, &c);
  }
  const struct hook *at = emit_state_find_hook(stage, HOOK_AT);
  if (at != NULL) emit_at(e, node, at);
}

/* -- rows ------------------------------------------------------------------------------------- */

void emit_timer_members(struct emit *e, const struct node *node) {
  if (!emit_timer_is_used(node->stage)) {
    emit_line(e, "struct flow_entry entry;");
    return;
  }
  emit_line(e, "union {");
  emit_line(e, "struct flow_entry entry;");
  emit_line(e, "struct flow_timed_entry timed;");
  emit_line(e, "};");
  if (node->stage->expires != NULL) emit_line(e, "int64_t seen_us; /* the time of the last item */");
}

/* When `expires` ends the row. By event time, one that was saved without a time has none before its next item. */
static const char *expiry(struct emit *e, const struct node *node) {
  const char *expiry =
      arena_printf(&e->compiler->arena, "flow_timer_after(s->seen_us, expires_%s(w))", node->name);
  if (node->times.count == 0) return expiry;
  return arena_printf(&e->compiler->arena, "(s->seen_us == INT64_MIN ? FLOW_NEVER : %s)", expiry);
}

void emit_timer_due(struct emit *e, const struct node *node) {
  const struct stage *stage = node->stage;
  const char *name = node->name;
  if (!emit_timer_is_used(stage)) return;
  if (node->times.count == 0) e->is_boundary_dependent = true;
  emit_line(e, "static int64_t due_%s(struct flow_worker *w, struct flow_entry *entry) {", name);
  emit_line(e, "struct S_%s *s = (struct S_%s *)entry;", name, name);
  emit_line(e, "int64_t due_us = %s;", stage->expires == NULL ? "FLOW_NEVER" : expiry(e, node));
  if (emit_state_find_hook(stage, HOOK_AT) != NULL) {
    emit_line(e, "int64_t at_us;");
    emit_line(e, "if (at_%s(w, &s->key, &s->value, &at_us) && at_us < due_us) due_us = at_us;", name);
  }
  emit_line(e, "return due_us;");
  emit_line(e, "}");
  emit_line(e, "%s", "");
}

void emit_timer_touch(struct emit *e, const struct node *node, bool is_item) {
  const struct stage *stage = node->stage;
  bool expires = is_item && stage->expires != NULL;
  if (expires && node->times.count > 0)
    emit_line(e, "if (w->time_us > s->seen_us) s->seen_us = w->time_us;");
  else if (expires)
    emit_line(e, "s->seen_us = w->now_us;");
  if (!expires && emit_state_find_hook(stage, HOOK_AT) == NULL) return;
  emit_line(e, "flow_timer_set(&w->tables[%u], &s->entry, due_%s(w, &s->entry));",
            emit_state_index(e, node), node->name);
}

/* -- firing ----------------------------------------------------------------------------------- */

/* `on at` comes first where both have the same time; then the row is looked at again. */
void emit_timer_fire(struct emit *e, const struct node *node) {
  const struct stage *stage = node->stage;
  const char *name = node->name;
  if (!emit_timer_is_used(stage)) return;
  bool has_at = emit_state_find_hook(stage, HOOK_AT) != NULL;
  emit_line(e, "static void fire_%s(struct flow_worker *w, struct flow_entry *entry) {", name);
  if (has_at && stage->expires == NULL) {
    emit_line(e, "%s(w, entry);", emit_state_hook(e, node, HOOK_AT));
  } else if (has_at) {
    emit_line(e, "struct S_%s *s = (struct S_%s *)entry;", name, name);
    emit_line(e, "int64_t at_us;");
    emit_line(e, "bool has_at = at_%s(w, &s->key, &s->value, &at_us);", name);
    emit_line(e, "if (has_at && at_us <= %s) %s(w, entry);", expiry(e, node),
              emit_state_hook(e, node, HOOK_AT));
    emit_line(e, "else %s(w, entry);", emit_state_hook(e, node, HOOK_EXPIRE));
  } else {
    emit_line(e, "%s(w, entry);", emit_state_hook(e, node, HOOK_EXPIRE));
  }
  emit_line(e, "}");
  emit_line(e, "%s", "");
}

const char *emit_timer_desc(struct emit *e, const struct node *node) {
  if (!emit_timer_is_used(node->stage)) return "";
  const struct hook *at = emit_state_find_hook(node->stage, HOOK_AT);
  const char *site = "NULL";
  if (at != NULL) {
    site = arena_printf(&e->compiler->arena, "&%s", emit_site(e, at->at->span, emit_step(e, node)));
  }
  return arena_printf(&e->compiler->arena, ",\n   .due = due_%s, .fire = fire_%s, .at_site = %s",
                      node->name, node->name, site);
}

const char *emit_timer_schema(struct emit *e, const struct node *node) {
  const char *value = emit_helper(e, HELPER_SCHEMA, node->stage->state_type);
  if (node->stage->expires == NULL) return value;
  const char *name = arena_printf(&e->compiler->arena, "timed_%s", node->name);
  text_addf(emit_section(e, SECTION_HELPERS),
            "static const struct flow_type %s = {.kind = FLOW_KIND_TIMED, .element = &%s%s};\n\n", name,
            value, node->times.count > 0 ? ", .by_time = true" : "");
  return name;
}
