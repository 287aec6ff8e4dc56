/* Writes the C of a `state`: its row, finding and making rows, the body, the hooks.
 *
 * A row is `struct S_<node>`: the entry of the table, the key, the value. The user's body works on a
 * pointer to the value and sends rows on through emit<output>_<node>(), which hold what is fused
 * behind. Where an item may fail too late (emit_state_must_undo), its rows wait in a list and the value is
 * put back from a copy.
 */
#include "back/code.h"
#include "back/program.h"
#include "ops/op.h"
#include "back/emit_state.h"
#include "back/emit_mark.h"
#include "back/emit_timer.h"

#include <string.h>

/* -- the user's functions -------------------------------------------------------------------- */

static const char *format(struct emit *e, const char *pattern, const struct node *node) {
  return arena_printf(&e->compiler->arena, pattern, node->name);
}

static bool is_fallible(const struct stage *stage) {
  return stage->can_fail || stage->can_fault;
}

/* Whether a failing item is handled by the stage's `else`, which then goes on. */
static bool is_guarded(const struct stage *stage) {
  bool goes_on = stage->on_fail.kind == ON_FAIL_SKIP || stage->on_fail.kind == ON_FAIL_INTO;
  return goes_on && is_fallible(stage);
}

/* The parameters behind the worker of a body (with an item) or a hook (without). */
static const char *body_parameters(struct emit *e, const struct node *node,
                                   const struct block *block, bool has_item, bool is_held) {
  const struct stage *stage = node->stage;
  return arena_printf(&e->compiler->arena, "%s%s%s, const %s *key, %s *state%s%s",
                      has_item ? ", const " : "", has_item ? emit_c_type(e, node->item) : "",
                      has_item ? " *it" : "", emit_c_type(e, node->key),
                      emit_c_type(e, stage->state_type),
                      emit_state_forgets(block) ? ", bool *is_forgotten" : "",
                      is_held ? ", struct held *held" : "");
}

static void emit_body(struct emit *e, const struct node *node, const struct block *block,
                      const char *name, bool has_item) {
  bool is_held = has_item && emit_state_must_undo(node->stage);
  struct code c;
  code_begin(&c, e, emit_step(e, node), is_fallible(node->stage));
  if (has_item) c.it = "(*it)";
  c.key = "(*key)";
  c.state = "(*state)";
  c.clock = has_item ? emit_row_clock(e, node) : emit_hook_clock(e, node);
  c.node = node;
  c.is_held = is_held;
  c.emit_prefix = is_held ? "hold" : "emit";
  c.emit_args = is_held ? ", held" : ", key";
  code_block(&c, block);
  if (c.is_fallible) code_put(&c, "return true;");
  const char *head = arena_printf(&e->compiler->arena, "%s %s %s(struct flow_worker *w%s)",
                                  has_item ? "FLOW_INLINE" : "static inline",
                                  c.is_fallible ? "bool" : "void", name,
                                  body_parameters(e, node, block, has_item, is_held));
  code_end(&c, head, has_item ? node->stage->span : block->span);
}

static const char *const hook_names[] = {
    [HOOK_EPOCH] = "epoch", [HOOK_END] = "end", [HOOK_EXPIRE] = "expire", [HOOK_AT] = "at"};

static const char *shared_mark(struct emit *e, const struct node *node, uint32_t output) {
  return arena_printf(&e->compiler->arena, "shared output %u of %s", output, node->name);
}

/* Whether what is fused behind the port ends at an exchange. */
static bool crosses(struct emit *e, const struct port *port) {
  vec_each(struct edge *, edge, &port->edges) {
    const struct node *to = (*edge)->to;
    if (plan_is_cut(e->plan, *edge)) {
      if (e->plan->stage_of[to->id]->is_exchange) return true;
      continue;
    }
    vec_each(struct port, behind, &to->ports)
      if (crosses(e, behind)) return true;
  }
  return false;
}

static const char *emit_head(struct emit *e, const struct node *node, uint32_t output) {
  return arena_printf(&e->compiler->arena,
                      "static void emit%u_%s(struct flow_worker *w, const %s *it, const %s *key)",
                      output, node->name, emit_c_type(e, node->ports.data[output].item),
                      emit_c_type(e, node->key));
}

/* The same for the function itself. With one caller it is to be inlined in both copies of the stage. */
static const char *emit_definition(struct emit *e, const struct node *node, uint32_t output) {
  const char *head = emit_head(e, node, output);
  bool is_shared = emit_is_written(e, shared_mark(e, node, output));
  if (is_shared || crosses(e, &node->ports.data[output])) return head;
  return arena_printf(&e->compiler->arena, "FLOW_INLINE %s", head + strlen("static "));
}

static const char *hold_head(struct emit *e, const struct node *node, uint32_t output) {
  return arena_printf(&e->compiler->arena,
                      "static void hold%u_%s(struct flow_worker *w, const %s *it, struct held *held)",
                      output, node->name, emit_c_type(e, node->ports.data[output].item));
}

static const char *output_mark(struct emit *e, const struct node *node, uint32_t output) {
  return arena_printf(&e->compiler->arena, "output %u of %s", output, node->name);
}

/* Hooks hold nothing back, so an output may have rows that wait, others, or both. */
static const char *hold_mark(struct emit *e, const struct node *node, uint32_t output) {
  return arena_printf(&e->compiler->arena, "held output %u of %s", output, node->name);
}

void emit_state_use_output(struct emit *e, const struct node *node, uint32_t output,
                           bool is_held) {
  struct text *out = emit_section(e, SECTION_DECLARATIONS);
  if (emit_first_time(e, output_mark(e, node, output))) {
    text_addf(out, "%s;\n", emit_head(e, node, output));
  } else {
    emit_first_time(e, shared_mark(e, node, output));
  }
  if (is_held && emit_first_time(e, hold_mark(e, node, output)))
    text_addf(out, "%s;\n", hold_head(e, node, output));
}

static void declare_held(struct emit *e, const struct node *node) {
  struct text *out = emit_section(e, SECTION_DECLARATIONS);
  if (emit_state_must_undo(node->stage) && emit_first_time(e, "struct held"))
    text_add(out, "/* Rows that wait until their item has succeeded. */\n"
                  "struct held_row {\n  struct held_row *next;\n  uint32_t output;\n  int64_t time_us;\n};\n"
                  "struct held {\n  struct held_row *first, *last;\n};\n");
}

void emit_state_functions(struct emit *e, const struct node *node) {
  const struct stage *stage = node->stage;
  declare_held(e, node);
  if (stage->init != NULL) {
    struct code c;
    code_begin(&c, e, emit_step(e, node), false);
    emit_value_function(e, format(e, "initial_%s", node), "", stage->init, &c);
  }
  emit_body(e, node, stage->body, format(e, "x_%s", node), true);
  vec_each(const struct hook, hook, &stage->hooks) {
    emit_body(e, node, hook->body,
              arena_printf(&e->compiler->arena, "on_%s_%s", hook_names[hook->kind], node->name), false);
  }
  emit_timer_functions(e, node);
}

/* -- rows of the table ----------------------------------------------------------------------- */

bool emit_state_has_constant_key(const struct node *node) {
  while (node->inputs.count == 1) {
    node = node->inputs.data[0]->from;
    if (node->kind == NODE_SOURCE || node->kind == NODE_SINK) return false;
    if (node->kind != NODE_STAGE || node->stage->op != &op_key) continue;
    if (node->stage->args.count != 1) return false;
    switch (node->stage->args.data[0]->kind) {
    case EXPR_STRING:
    case EXPR_INT:
    case EXPR_BOOL: return true;
    default: return false;
    }
  }
  return false;
}

const char *emit_state_hash(struct emit *e, const struct node *node, const char *seed,
                            const char *key) {
  if (emit_state_has_constant_key(node)) return "0";
  return arena_printf(&e->compiler->arena, "%s(%s, %s)",
                      emit_helper(e, HELPER_HASH, node->key), seed, key);
}

const char *emit_state_guess(struct emit *e, const struct node *node) {
  if (!emit_state_has_constant_key(node)) return "NULL";
  return arena_printf(&e->compiler->arena, "flow_table_first(&w->tables[%u])",
                      emit_state_index(e, node));
}

static void emit_row_struct(struct emit *e, const struct node *node) {
  const char *name = node->name;
  emit_line(e, "/* state %s: %s = one row per key */", node->stage->name.text,
            type_name(e->compiler->types, node->stage->state_type));
  emit_line(e, "struct S_%s {", name);
  emit_timer_members(e, node);
  emit_line(e, "%s key;", emit_c_type(e, node->key));
  emit_line(e, "%s value;", emit_c_type(e, node->stage->state_type));
  emit_line(e, "};");
  emit_line(e, "%s", "");
  emit_line(e, "static inline bool row_has_key_%s(const struct flow_entry *row, const void *key) {", name);
  emit_line(e, "return %s(&((const struct S_%s *)row)->key, key);",
            emit_helper(e, HELPER_EQUAL, node->key), name);
  emit_line(e, "}");
  emit_line(e, "%s", "");
}

/* The value of a new row, owned by the heap. Without an initial value it is the type's default. */
static void emit_initial(struct emit *e, const struct node *node) {
  const struct type *type = node->stage->state_type;
  if (node->stage->init == NULL) {
    emit_line(e, "s->value = (%s){0};", emit_c_type(e, type));
    return;
  }
  const char *name = format(e, "initial_%s", node);
  if (code_is_scalar(type)) {
    emit_line(e, "s->value = %s(w);", name);
  } else if (!type_has_heap(type)) {
    emit_line(e, "%s(w, &s->value);", name);
  } else {
    emit_line(e, "%s initial;", emit_c_type(e, type));
    emit_line(e, "%s(w, &initial);", name);
    emit_line(e, "%s", code_copy(e, type, "w->heap", "&s->value", "&initial"));
  }
}

/* Whether rows are forgotten, or taken back when their first item fails. */
static bool rows_may_go(const struct node *node) {
  bool goes = emit_state_forgets(node->stage->body) || is_guarded(node->stage) ||
              node->stage->expires != NULL;
  vec_each(struct hook, hook, &node->stage->hooks) goes = goes || emit_state_forgets(hook->body);
  return goes;
}

/* Finds the row of a key, or makes it. The guess of a batch is nearly always right, so only its
 * confirmation is inlined. */
static void emit_find(struct emit *e, const struct node *node) {
  const char *name = node->name;
  const char *key = emit_c_type(e, node->key);
  emit_line(e,
            "static __attribute__((noinline)) struct S_%s *row_seek_%s(struct flow_worker *w, "
            "const %s *key, uint64_t hash, bool *is_new) {",
            name, name, key);
  emit_line(e, "struct flow_table *t = &w->tables[%u];", emit_state_index(e, node));
  emit_line(e, "struct S_%s *s = (struct S_%s *)flow_table_find(t, hash, key, row_has_key_%s);", name,
            name, name);
  emit_line(e, "*is_new = s == NULL;");
  emit_line(e, "if (s != NULL) return s;");
  emit_line(e, "s = (struct S_%s *)flow_table_insert(t, hash);", name);
  emit_line(e, "%s", code_copy(e, node->key, "w->heap", "&s->key", "key"));
  emit_initial(e, node);
  if (emit_timer_is_used(node->stage)) emit_line(e, "flow_timer_begin(&s->entry);");
  if (node->stage->expires != NULL) emit_line(e, "s->seen_us = INT64_MIN;");
  emit_line(e, "return s;");
  emit_line(e, "}");
  emit_line(e, "%s", "");
  emit_line(e,
            "FLOW_INLINE struct S_%s *row_find_%s(struct flow_worker *w, const %s *key, "
            "uint64_t hash, struct flow_entry *guess, bool *is_new) {",
            name, name, key);
  emit_line(e, "if (!flow_table_is_guessed%s(guess, key, row_has_key_%s)) return row_seek_%s(w, key, hash, is_new);",
            rows_may_go(node) ? "" : "_for_ever", name, name);
  emit_line(e, "*is_new = false;");
  emit_line(e, "return (struct S_%s *)guess;", name);
  emit_line(e, "}");
  emit_line(e, "%s", "");
}

/* Frees what a row owns. */
static void emit_drop(struct emit *e, const struct node *node) {
  const struct type *value = node->stage->state_type;
  emit_line(e, "static inline void row_drop_%s(struct flow_worker *w, struct S_%s *s) {", node->name,
            node->name);
  if (type_has_heap(node->key))
    emit_line(e, "%s(w->heap, &s->key);", emit_helper(e, HELPER_DROP, node->key));
  if (type_has_heap(value)) emit_line(e, "%s(w->heap, &s->value);", emit_helper(e, HELPER_DROP, value));
  emit_line(e, "(void)w, (void)s;");
  emit_line(e, "}");
  emit_line(e, "%s", "");
}

static void emit_pack(struct emit *e, const struct node *node) {
  const char *name = node->name;
  const char *const parts[] = {"key", "value"};
  const struct type *const types[] = {node->key, node->stage->state_type};
  for (int i = 0; i < 2; i++) {
    emit_line(e, "static inline void row_%s_pack_%s(struct flow_buf *out, const struct flow_entry *row) {",
              parts[i], name);
    emit_line(e, "%s(out, &((const struct S_%s *)row)->%s);", emit_helper(e, HELPER_ENCODE, types[i]),
              name, parts[i]);
    if (i == 1 && node->stage->expires != NULL)
      emit_line(e, "flow_put_int(out, ((const struct S_%s *)row)->seen_us);", name);
    emit_line(e, "}");
    emit_line(e, "%s", "");
  }
  emit_line(e, "static void row_pack_%s(struct flow_table *t, struct flow_buf *out) {", name);
  emit_line(e, "flow_table_pack(t, out, row_key_pack_%s, row_value_pack_%s);", name, name);
  emit_line(e, "}");
  emit_line(e, "%s", "");
}

/* The key tells whose row it is, and only then it is known which heap must own it. */
static void emit_load_key(struct emit *e, const struct node *node) {
  bool has_heap = type_has_heap(node->key);
  emit_line(e, "%s loaded, *key = &loaded;", emit_c_type(e, node->key));
  if (has_heap) {
    emit_line(e, "const bool is_alone = w->share_count == 1;");
    emit_line(e, "struct flow_mem *memory = is_alone ? w->heap : w->arena;");
  }
  emit_line(e, "struct flow_reader reader = flow_reader_of(key_data, key_length);");
  emit_line(e, "if (!%s(%s, &reader, key) || !flow_reader_done(&reader)) return false;",
            emit_helper(e, HELPER_DECODE, node->key), has_heap ? "memory" : "w->heap");
}

static void emit_load(struct emit *e, const struct node *node) {
  const char *name = node->name;
  uint32_t index = emit_state_index(e, node);
  emit_line(e, "static bool row_load_%s(struct flow_worker *w, uint64_t id,", name);
  emit_line(e, "                    const uint8_t *key_data, size_t key_length,");
  emit_line(e, "                    const uint8_t *value_data, size_t value_length) {");
  emit_load_key(e, node);
  const char *seed = arena_printf(&e->compiler->arena, "w->tables[%u].seed", index);
  emit_line(e, "const uint64_t hash = %s;", emit_state_hash(e, node, seed, "key"));
  emit_line(e, "const struct flow_share mine = flow_share_enter(w, hash);");
  emit_line(e, "%s value;", emit_c_type(e, node->stage->state_type));
  emit_line(e, "reader = flow_reader_of(value_data, value_length);");
  bool expires = node->stage->expires != NULL;
  emit_line(e, "%sbool is_good = %s(w->heap, &reader, &value)%s;", expires ? "" : "const ",
            emit_helper(e, HELPER_DECODE, node->stage->state_type),
            expires ? "" : " && flow_reader_done(&reader)");
  if (expires) {
    emit_line(e, "const int64_t seen_us = flow_get_int(&reader);");
    emit_line(e, "is_good = is_good && flow_reader_done(&reader);");
  }
  emit_line(e, "if (is_good) {");
  emit_line(e, "struct S_%s *s = (struct S_%s *)flow_table_load(&w->tables[%u], hash, id);", name, name,
            index);
  emit_line(e, "s->key = loaded;");
  if (type_has_heap(node->key))
    emit_line(e, "if (!is_alone) %s", code_copy(e, node->key, "w->heap", "&s->key", "key"));
  emit_line(e, "s->value = value;");
  if (expires) emit_line(e, "s->seen_us = seen_us;");
  if (emit_timer_is_used(node->stage)) emit_line(e, "flow_timer_begin(&s->entry);");
  emit_line(e, "}");
  emit_line(e, "flow_share_leave(w, mine);");
  emit_line(e, "return is_good;");
  emit_line(e, "}");
  emit_line(e, "%s", "");
}

static void emit_go(struct emit *e, const struct node *node) {
  if (emit_timer_is_used(node->stage))
    emit_line(e, "flow_timer_end(&w->tables[%u], &s->entry);", emit_state_index(e, node));
  emit_line(e, "row_drop_%s(w, s);", node->name);
  emit_line(e, "flow_table_forget(&w->tables[%u], &s->entry);", emit_state_index(e, node));
}

static void emit_forget(struct emit *e, const struct node *node) {
  emit_line(e, "if (is_forgotten) {");
  emit_go(e, node);
  emit_line(e, "}");
}

/* Every state that expires has this hook, if only to drop the row. */
static bool has_hook(const struct stage *stage, enum hook_kind kind) {
  if (kind == HOOK_EXPIRE) return stage->expires != NULL;
  return emit_state_find_hook(stage, kind) != NULL;
}

const char *emit_state_hook(struct emit *e, const struct node *node, enum hook_kind kind) {
  if (!has_hook(node->stage, kind)) return "NULL";
  return arena_printf(&e->compiler->arena, "on_%s_row_%s", hook_names[kind], node->name);
}

/* The call of the hook's own function; a failure in a hook belongs to no record. */
static void emit_hook_call(struct emit *e, const struct node *node, const struct hook *hook,
                           bool forgets) {
  const char *call =
      arena_printf(&e->compiler->arena, "on_%s_%s(w, &s->key, &s->value%s)",
                   hook_names[hook->kind], node->name, forgets ? ", &is_forgotten" : "");
  if (is_fallible(node->stage)) {
    emit_line(e, "if (!%s) flow_abort_record(w);", call);
  } else {
    emit_line(e, "%s;", call);
  }
}

/* The hook for one row. */
static void emit_hook(struct emit *e, const struct node *node, const struct hook *hook) {
  bool forgets = emit_state_forgets(hook->body), changes = emit_state_changes(hook->body);
  const char *name = node->name;
  emit_line(e, "static void %s(struct flow_worker *w, struct flow_entry *entry) {",
            emit_state_hook(e, node, hook->kind));
  emit_line(e, "struct S_%s *s = (struct S_%s *)entry;", name, name);
  if (forgets) emit_line(e, "bool is_forgotten = false;");
  if (node->times.count > 0 && hook->kind != HOOK_AT) /* no deadline has called it: its time is the watermark */
    emit_line(e, "w->time_us = flow_window_shown(%s);", emit_hook_clock(e, node));
  if (changes)
    emit_line(e, "flow_table_touch(&w->tables[%u], &s->entry);", emit_state_index(e, node));
  emit_hook_call(e, node, hook, forgets);
  if (changes) emit_timer_touch(e, node, false);
  if (forgets) emit_forget(e, node);
  emit_line(e, "}");
  emit_line(e, "%s", "");
}

/* `on expire`, and that the row goes. */
static void emit_expire(struct emit *e, const struct node *node) {
  const char *name = node->name;
  const struct hook *hook = emit_state_find_hook(node->stage, HOOK_EXPIRE);
  bool forgets = hook != NULL && emit_state_forgets(hook->body);
  emit_line(e, "static void %s(struct flow_worker *w, struct flow_entry *entry) {",
            emit_state_hook(e, node, HOOK_EXPIRE));
  emit_line(e, "struct S_%s *s = (struct S_%s *)entry;", name, name);
  if (forgets) emit_line(e, "bool is_forgotten = false;");
  if (hook != NULL) emit_hook_call(e, node, hook, forgets);
  if (forgets) emit_line(e, "(void)is_forgotten;");
  emit_go(e, node);
  emit_line(e, "}");
  emit_line(e, "%s", "");
}

void emit_state_table(struct emit *e, const struct node *node) {
  emit_row_struct(e, node);
  emit_find(e, node);
  if (rows_may_go(node)) emit_drop(e, node);
  emit_pack(e, node);
  emit_load(e, node);
  emit_timer_due(e, node);
  vec_each(struct hook, hook, &node->stage->hooks) {
    if (hook->kind == HOOK_EPOCH) e->is_boundary_dependent = true;
    if (hook->kind != HOOK_EXPIRE) emit_hook(e, node, hook);
  }
  if (node->stage->expires != NULL) emit_expire(e, node);
  emit_timer_fire(e, node);
}

/* -- what is behind the state ---------------------------------------------------------------- */

static void write_output(struct emit *e, const struct node *node, uint32_t output) {
  emit_push(e, node, output, "it", "key");
}

static void write_hold(struct emit *e, const struct node *node, uint32_t output) {
  const struct type *item = node->ports.data[output].item;
  emit_line(e, "struct waiting {");
  emit_line(e, "struct held_row row;");
  emit_line(e, "%s item;", emit_c_type(e, item));
  emit_line(e, "};");
  emit_line(e, "struct waiting *waiting = flow_mem_alloc(w->arena, sizeof *waiting);");
  emit_line(e, "waiting->row = (struct held_row){.next = NULL, .output = %u, .time_us = w->time_us};", output);
  emit_line(e, "%s", code_copy(e, item, "w->arena", "&waiting->item", "it"));
  emit_line(e, "if (held->last != NULL) held->last->next = &waiting->row;");
  emit_line(e, "else held->first = &waiting->row;");
  emit_line(e, "held->last = &waiting->row;");
}

static void write_outputs(struct emit *e, const struct node *node) {
  /* emit_function() sets where lines go. */
  struct text *out = e->out;
  uint32_t indent = e->indent;
  const char *key = e->key;
  for (uint32_t i = 0; i < node->stage->emits.count; i++) {
    if (!emit_is_written(e, output_mark(e, node, i))) continue;
    emit_function(e, SECTION_STAGES, emit_definition(e, node, i), node, i, write_output);
    if (emit_is_written(e, hold_mark(e, node, i)))
      emit_function(e, SECTION_STAGES, hold_head(e, node, i), node, i, write_hold);
  }
  e->out = out;
  e->indent = indent;
  e->key = key;
}

/* -- one item -------------------------------------------------------------------------------- */

static void emit_release(struct emit *e, const struct node *node) {
  emit_line(e, "const int64_t time_us = w->time_us;");
  emit_line(e, "for (struct held_row *row = held.first; row != NULL; row = row->next) {");
  emit_line(e, "w->time_us = row->time_us;");
  for (uint32_t i = 0; i < node->stage->emits.count; i++) {
    if (!emit_is_written(e, hold_mark(e, node, i))) continue;
    emit_line(e, "if (row->output == %u) {", i);
    emit_line(e, "struct waiting {");
    emit_line(e, "struct held_row row;");
    emit_line(e, "%s item;", emit_c_type(e, node->ports.data[i].item));
    emit_line(e, "};");
    emit_line(e, "emit%u_%s(w, &((struct waiting *)row)->item, key);", i, node->name);
    emit_line(e, "}");
  }
  emit_line(e, "}");
  emit_line(e, "w->time_us = time_us;");
}

/* A failed item leaves its key as it was. */
static void emit_undo(struct emit *e, const struct node *node, bool is_restored) {
  const struct type *value = node->stage->state_type;
  emit_line(e, "if (is_new) {");
  emit_line(e, "row_drop_%s(w, s);", node->name);
  emit_line(e, "flow_table_undo_insert(&w->tables[%u], &s->entry);", emit_state_index(e, node));
  if (is_restored) {
    emit_line(e, "} else {");
    if (type_has_heap(value)) emit_line(e, "%s(w->heap, &s->value);", emit_helper(e, HELPER_DROP, value));
    emit_line(e, "%s", code_copy(e, value, "w->heap", "&s->value", "&saved"));
  }
  emit_line(e, "}");
}

static const char *body_call(struct emit *e, const struct node *node, const char *row) {
  bool forgets = emit_state_forgets(node->stage->body);
  return arena_printf(&e->compiler->arena, "x_%s(w, %s, key, &s->value%s%s)", node->name, row,
                      forgets ? ", &is_forgotten" : "", emit_state_must_undo(node->stage) ? ", &held" : "");
}

/* An item whose failure the stage's `else` handles. */
static void emit_guarded(struct emit *e, const struct node *node, const char *row) {
  bool must_undo = emit_state_must_undo(node->stage);
  if (must_undo) {
    const struct type *value = node->stage->state_type;
    emit_line(e, "struct held held = {0};");
    emit_line(e, "%s saved;", emit_c_type(e, value));
    emit_line(e, "%s", code_copy(e, value, "w->arena", "&saved", "&s->value"));
  }
  emit_line(e, "if (%s) {", body_call(e, node, row));
  emit_line(e, "flow_table_touch(&w->tables[%u], &s->entry);", emit_state_index(e, node));
  emit_timer_touch(e, node, true);
  if (must_undo) emit_release(e, node);
  if (emit_state_forgets(node->stage->body)) emit_forget(e, node);
  emit_line(e, "} else {");
  emit_undo(e, node, must_undo);
  emit_reject(e, node, row);
  emit_line(e, "}");
}

void emit_state_row(struct emit *e, const struct node *node, const char *row) {
  const struct stage *stage = node->stage;
  write_outputs(e, node);
  emit_line(e, "bool is_new;");
  emit_line(e, "struct S_%s *s = row_find_%s(w, key, hash, guess, &is_new);", node->name, node->name);
  if (emit_state_forgets(stage->body)) emit_line(e, "bool is_forgotten = false;");
  if (is_guarded(stage)) {
    emit_guarded(e, node, row);
    return;
  }
  emit_line(e, "(void)is_new;");
  emit_line(e, "flow_table_touch(&w->tables[%u], &s->entry);", emit_state_index(e, node));
  if (is_fallible(stage)) {
    emit_line(e, "if (!%s) {", body_call(e, node, row));
    emit_reject(e, node, row);
    emit_line(e, "}");
  } else {
    emit_line(e, "%s;", body_call(e, node, row));
  }
  emit_timer_touch(e, node, true);
  if (emit_state_forgets(stage->body)) emit_forget(e, node);
}
