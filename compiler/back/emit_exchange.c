/* Exchanges: the ways on which rows reach a keyed state.
 *
 * With one worker a row that passes a `key by` runs through the state's stage at once. With several,
 * it belongs to the worker that owns its key: while a block is in flight the row waits for that worker
 * in a struct X_<stage>, which has its place in the order of everything; and where nothing else runs
 * (hooks, replay) the stage runs at once, but in the owner's share. So an exchange has up to four
 * functions beside its stage: enter_ (inline, at each crossing), cross_ (with several workers), take_
 * (runs the rows that have come), and apply_, which is the stage for the last two: so there are two copies
 * of the stage, and the one for a single worker is inlined where it always was. Only what is called is
 * written.
 */
#include "back/code.h"
#include "back/emit_state.h"
#include "back/program.h"

static const struct plan_stage *stage_of(struct emit *e, const struct node *node) {
  return e->plan->stage_of[node->id];
}

/* "cross_2_carts_state" */
static const char *function(struct emit *e, const char *verb, const struct plan_stage *stage) {
  return arena_printf(&e->compiler->arena, "%s_%u_%s", verb, stage->index, stage->head->name);
}

static const char *head(struct emit *e, const char *qualifier, const char *verb,
                        const struct plan_stage *stage, const char *parameters) {
  return arena_printf(&e->compiler->arena, "static %s %s(struct flow_worker *w%s)", qualifier,
                      function(e, verb, stage), parameters);
}

static const char *enter_head(struct emit *e, const struct plan_stage *stage) {
  return head(e, "inline void", "enter", stage, emit_row_parameters(e, stage->head));
}

static const char *cross_head(struct emit *e, const struct plan_stage *stage) {
  const char *row = emit_row_parameters(e, stage->head);
  return head(e, "__attribute__((noinline)) void", "cross", stage,
              arena_printf(&e->compiler->arena, "%s, uint64_t hash", row));
}

static const char *apply_head(struct emit *e, const struct plan_stage *stage) {
  const char *row = emit_row_parameters(e, stage->head);
  return head(e, "__attribute__((noinline)) void", "apply", stage,
              arena_printf(&e->compiler->arena, "%s, uint64_t hash, struct flow_entry *guess", row));
}

static const char *take_head(struct emit *e, const struct plan_stage *stage) {
  return head(e, "void", "take", stage, ", struct flow_inbox *inbox");
}

/* -- use ------------------------------------------------------------------------------------- */

/* The name of the function, which is declared on first use. */
static const char *use(struct emit *e, const char *verb, const struct plan_stage *stage,
                       const char *(*head_of)(struct emit *, const struct plan_stage *)) {
  const char *name = function(e, verb, stage);
  if (emit_first_time(e, name))
    text_addf(emit_section(e, SECTION_DECLARATIONS), "%s;\n", head_of(e, stage));
  return name;
}

/* Without fusion the stage is a function by itself. */
static const char *use_stage(struct emit *e, const struct plan_stage *stage) {
  if (e->compiler->options.is_fuse_disabled) return stage->name;
  return use(e, "apply", stage, apply_head);
}

const char *emit_take(struct emit *e, const struct plan_stage *stage) {
  return use(e, "take", stage, take_head);
}

void emit_enter(struct emit *e, const struct plan_stage *stage, const char *row, const char *key) {
  emit_line(e, "%s(w, %s, %s);", use(e, "enter", stage, enter_head), row, key);
}

void emit_cross(struct emit *e, const struct plan_stage *stage, const char *row, const char *key,
                const char *hash) {
  emit_line(e, "%s(w, %s, %s, %s);", use(e, "cross", stage, cross_head), row, key, hash);
}

/* -- crossing -------------------------------------------------------------------------------- */

static void write_enter(struct emit *e, const struct node *node, uint32_t port) {
  (void)port;
  const char *seed =
      arena_printf(&e->compiler->arena, "w->tables[%u].seed", emit_state_index(e, node));
  emit_line(e, "const uint64_t hash = %s;", emit_state_hash(e, node, seed, "key"));
  emit_line(e, "if (FLOW_LIKELY(w->share_count == 1)) {");
  emit_line(e, "%s(w, it, key, hash, %s);", stage_of(e, node)->name, emit_state_guess(e, node));
  emit_line(e, "} else {");
  emit_cross(e, stage_of(e, node), "it", "key", "hash");
  emit_line(e, "}");
}

/* What the row points to must live until its block has left. A source's rows point into the block and
 * the lane's arena, which do. Behind a state they may point into its values, which may have changed
 * when the row is taken. */
static void write_copies(struct emit *e, const struct plan_stage *stage) {
  const struct node *node = stage->head;
  if (node->times.count > 0) emit_line(e, "row->time_us = w->time_us;");
  if (stage->level == 1) {
    emit_line(e, "row->it = *it;");
    emit_line(e, "row->key = *key;");
  } else {
    emit_line(e, "%s", code_copy(e, node->item, "w->arena", "&row->it", "it"));
    emit_line(e, "%s", code_copy(e, node->key, "w->arena", "&row->key", "key"));
  }
}

static void write_cross(struct emit *e, const struct node *node, uint32_t port) {
  (void)port;
  const struct plan_stage *stage = stage_of(e, node);
  emit_line(e, "if (w->lane == NULL) {");
  emit_line(e, "const struct flow_share mine = flow_share_enter(w, hash);");
  emit_line(e, "%s(w, it, key, hash, %s);", use_stage(e, stage), emit_state_guess(e, node));
  emit_line(e, "flow_share_leave(w, mine);");
  emit_line(e, "return;");
  emit_line(e, "}");
  emit_line(e, "struct X_%u *row = flow_cross(w, %u, hash, sizeof *row, %u);", stage->index,
            stage->exchange, e->plan->path_length);
  write_copies(e, stage);
}

static void write_row_struct(struct emit *e, const struct plan_stage *stage) {
  const char *item = emit_c_type(e, stage->head->item), *key = emit_c_type(e, stage->head->key);
  struct text *out = emit_section(e, SECTION_DECLARATIONS);
  text_addf(out, "struct X_%u {\n  struct flow_crossing crossing;\n", stage->index);
  if (e->plan->path_length > 1) text_addf(out, "  uint32_t path[%u];\n", e->plan->path_length - 1);
  if (stage->head->times.count > 0) text_add(out, "  int64_t time_us;\n");
  text_addf(out, "  %s it;\n  %s key;\n};\n", item, key);
}

/* -- taking ---------------------------------------------------------------------------------- */

/* Starts to fetch the elements of a list, which may lie outside of the row. */
static void write_fetch_list(struct emit *e, const struct type *type, const char *value) {
  if (type->kind != TYPE_LIST) return;
  const char *pointer = arena_printf(&e->compiler->arena, "&%s", value);
  emit_line(e, "__builtin_prefetch(%s);", emit_list_data(e, type, pointer));
}

/* For large tables that is another cache miss per list. Also, the rows themselves then come together,
 * because none of these loads waits for another. */
static void write_fetch_lists(struct emit *e, const struct node *state, const char *count) {
  const struct type *type = state->stage->state_type;
  bool has_list = type->kind == TYPE_LIST;
  if (type->kind == TYPE_RECORD)
    vec_each(struct type_field, field, &type->fields) has_list |= field->type->kind == TYPE_LIST;
  if (!has_list) return;
  emit_line(e, "for (uint32_t i = 0; table.row_end >= FLOW_TABLE_CACHED && i < %s; i++) {", count);
  emit_line(e, "if (guesses[i] == NULL) continue;");
  emit_line(e, "const struct S_%s *s = (struct S_%s *)guesses[i];", state->name, state->name);
  write_fetch_list(e, type, "s->value");
  if (type->kind == TYPE_RECORD) {
    vec_each(struct type_field, field, &type->fields)
      write_fetch_list(e, field->type, arena_printf(&e->compiler->arena, "s->value.%s", emit_member(e, field->name)));
  }
  emit_line(e, "}");
}

void emit_guesses(struct emit *e, const struct node *state, const char *count, const char *hash) {
  emit_line(e, "struct flow_entry *guesses[FLOW_BATCH];");
  emit_line(e, "for (uint32_t i = 0; i < %s; i++) guesses[i] = flow_table_guess(&table, %s);", count, hash);
  write_fetch_lists(e, state, count);
}

void emit_table_view(struct emit *e, const struct node *state) {
  emit_line(e, "struct flow_table table = flow_table_view(&w->tables[%u], sizeof(struct S_%s));",
            emit_state_index(e, state), state->name);
}

static void write_take(struct emit *e, const struct node *node, uint32_t port) {
  (void)port;
  const struct plan_stage *stage = stage_of(e, node);
  bool is_looked_up = !emit_state_has_constant_key(node);
  emit_line(e, "const struct flow_crossing *rows[FLOW_BATCH];");
  emit_line(e, "for (uint32_t count; (count = flow_inbox_next(inbox, rows)) > 0;) {");
  if (is_looked_up) {
    emit_table_view(e, node);
    emit_line(e, "for (uint32_t i = 0; i < count; i++) flow_table_prefetch(&table, rows[i]->hash);");
    emit_guesses(e, node, "count", "rows[i]->hash");
  }
  emit_line(e, "for (uint32_t i = 0; i < count; i++) {");
  emit_line(e, "const struct X_%u *row = (const struct X_%u *)rows[i];", stage->index, stage->index);
  bool has_time = node->times.count > 0;
  if (has_time) emit_line(e, "flow_mark_reach(w, inbox, rows[i]->first);");
  emit_line(e, "flow_cross_enter(w, rows[i]);");
  if (has_time) emit_line(e, "w->time_us = row->time_us;");
  emit_line(e, "%s(w, &row->it, &row->key, rows[i]->hash, %s);", use_stage(e, stage),
            is_looked_up ? "guesses[i]" : emit_state_guess(e, node));
  emit_line(e, "}");
  emit_line(e, "}");
  if (has_time) emit_line(e, "flow_mark_meet(w, inbox, UINT32_MAX);");
}

static void write_apply(struct emit *e, const struct node *node, uint32_t port) {
  (void)port;
  emit_line(e, "%s(w, it, key, hash, guess);", stage_of(e, node)->name);
}

/* -- the whole ------------------------------------------------------------------------------- */

void emit_exchange(struct emit *e, const struct plan_stage *stage) {
  write_row_struct(e, stage);
  emit_take(e, stage);
  emit_function(e, SECTION_STAGES, take_head(e, stage), stage->head, 0, write_take);
  if (emit_is_written(e, function(e, "enter", stage)))
    emit_function(e, SECTION_STAGES, enter_head(e, stage), stage->head, 0, write_enter);
  if (emit_is_written(e, function(e, "cross", stage)))
    emit_function(e, SECTION_STAGES, cross_head(e, stage), stage->head, 0, write_cross);
  if (emit_is_written(e, function(e, "apply", stage)))
    emit_function(e, SECTION_STAGES, apply_head(e, stage), stage->head, 0, write_apply);
}
