/* Sources: the loop that parses a batch of records, sends them through the fused stage, and does
 * with a bad record what the source's `else` says. */
#include "back/program.h"
#include "ops/op.h"
#include "back/emit_state.h"

#include <assert.h>
#include <string.h>

static bool has_readers(const struct node *node) {
  return node->ports.data[0].edges.count > 0;
}

/* A bad record becomes a Rejected with its text and place. */
static void write_reject(struct emit *e, const struct node *node, uint32_t port) {
  struct arena *arena = &e->compiler->arena;
  struct text step;
  text_init(&step, arena);
  const char *name = emit_step(e, node);
  emit_string(&step, name, strlen(name));
  emit_line(e, "const struct flow_bad_record *bad = &block->bad;");
  emit_line(e, "int64_t position = (int64_t)(block->offset + (uint64_t)(bad->record - block->start));");
  emit_line(e, "struct flow_buf raw = flow_text_begin(w->arena);");
  emit_line(e, "flow_print_lossy(&raw, bad->record, bad->length);");
  emit_line(e, "const struct flow_str reason = flow_str_make(bad->reason, strlen(bad->reason));");
  emit_line(e, "%s rejected = {", emit_c_type(e, e->compiler->types->rejected));
  emit_line(e, ".f_step = %s,", step.data);
  emit_line(e, ".f_raw = flow_text_end(&raw),");
  emit_line(e, ".f_source = {.has = true, .value = flow_str_make(block->file, strlen(block->file))},");
  emit_line(e, ".f_line = {.has = true, .value = (int64_t)bad->line},");
  emit_line(e, ".f_position = {.has = true, .value = position},");
  emit_line(e, "};");
  emit_line(e, "flow_str_copy(w->arena, &rejected.f_reason, &reason); /* it outlives the next bad record */");
  emit_push(e, node, port, "&rejected", NULL);
}

static const char *reject_head(struct emit *e, const struct node *node) {
  return arena_printf(&e->compiler->arena,
                      "static FLOW_COLD void reject_%s(struct flow_worker *w, "
                      "const struct flow_block *block)",
                      node->name);
}

/* What happens to a bad record behind the rows before it. */
static void write_bad_record(struct emit *e, const struct node *node) {
  /* FLOW_NO_RECORD means that only blank lines were left: the loop ends by itself. */
  emit_line(e, "if (parsed == FLOW_BAD_RECORD) {");
  if (node->decl->on_fail.kind == ON_FAIL_SKIP || node->decl->on_fail.kind == ON_FAIL_INTO) {
    if (node->decl->on_fail.kind == ON_FAIL_INTO) emit_line(e, "reject_%s(w, block);", node->name);
    emit_line(e, "flow_count_rejected(w, 1);");
    emit_line(e, "block->rejected++;");
    emit_line(e, "block->records++;");
    emit_line(e, "w->record++;");
  } else {
    emit_line(e, "block->cursor = block->bad.record;");
    emit_line(e, "block->line = block->bad.line;");
    emit_line(e, "flow_batch_end(w);");
    emit_line(e, "return FLOW_RUN_STOP;");
  }
  emit_line(e, "}");
}

/* -- rows in batches ------------------------------------------------------------------------- */

/* The only consumer of the port, or null. */
static const struct node *only_reader(const struct node *node) {
  const struct edge_list *edges = &node->ports.data[0].edges;
  return edges->count == 1 ? edges->data[0]->to : NULL;
}

/* Whether a row may pass the node before earlier rows have passed the whole stage: it has no effect
 * and cannot fail, and the row stays as it is. */
static bool may_run_ahead(const struct node *node) {
  if (node->inputs.count != 1) return false;
  if (node->kind == NODE_STREAM) return true;
  if (node->kind != NODE_STAGE || node->stage->args.count != 1) return false;
  bool is_pure = node->stage->op == &op_key || node->stage->op == &op_filter;
  return is_pure && !emit_is_fallible(node->stage->args.data[0]);
}

/* The keyed state that the rows of the source run into over nothing but keys and filters, or null.
 * With many keys its lookups are cache misses, so they are started for a whole batch at once. */
static const struct node *state_ahead(struct emit *e, const struct node *source) {
  if (e->compiler->options.is_fuse_disabled) return NULL;
  const struct node *node = only_reader(source);
  while (node != NULL && may_run_ahead(node)) node = only_reader(node);
  if (node == NULL || node->kind != NODE_STAGE || node->inputs.count != 1) return NULL;
  bool is_state = node->stage->op->state == OP_STATE_PER_KEY;
  return is_state && !emit_state_has_constant_key(node) ? node : NULL;
}

/* Whether every row that is parsed gets to the state. */
static bool all_arrive(const struct node *source, const struct node *state) {
  for (const struct node *node = only_reader(source); node != state; node = only_reader(node))
    if (node->kind == NODE_STAGE && node->stage->op == &op_filter) return false;
  return true;
}

/* Writes the keys and filters before the state for the row `it`; each filter opens a block. */
static uint32_t write_ahead(struct emit *e, const struct node *node, const struct node *state,
                            const char **key) {
  uint32_t open = 0;
  for (; node != state; node = only_reader(node)) {
    if (node->kind != NODE_STAGE) continue;
    e->key = *key;
    const char *value = emit_user_call(e, node, "", node->stage->args.data[0], "it");
    if (node->stage->op == &op_key) {
      *key = value;
    } else {
      emit_line(e, "if (%s) {", value + 1);
      open++;
    }
  }
  return open;
}

/* The keys and hashes of all rows; of those that filters keep, the places are noted. */
static void write_keys(struct emit *e, const struct node *node, const struct node *state,
                       bool has_places) {
  const char *at = has_places ? "kept" : "i";
  emit_line(e, "/* Keys first, so that the table's memory is on its way when the rows come. */");
  emit_table_view(e, state);
  emit_line(e, "if (w->share_count > 1) table.row_end = 0; /* other workers look up: fetch nothing */");
  emit_line(e, "%s keys[FLOW_BATCH];", emit_c_type(e, state->key));
  emit_line(e, "uint64_t hashes[FLOW_BATCH];");
  if (has_places) {
    emit_line(e, "const uint64_t first = w->record;");
    emit_line(e, "uint32_t places[FLOW_BATCH], kept = 0;");
  }
  emit_line(e, "for (uint32_t i = 0; i < count; i++) {");
  emit_line(e, "const %s *it = &rows[i];", emit_c_type(e, node->decl->type));
  const char *key = NULL;
  uint32_t open = write_ahead(e, only_reader(node), state, &key);
  assert(key != NULL); /* the checker lets no state through without a key ahead of it */
  emit_line(e, "keys[%s] = %s;", at, key + 1);
  emit_line(e, "hashes[%s] = %s;", at,
            emit_state_hash(e, state, "table.seed", arena_printf(&e->compiler->arena, "&keys[%s]", at)));
  emit_line(e, "flow_table_prefetch(&table, hashes[%s]);", at);
  if (has_places) emit_line(e, "places[kept++] = i;");
  for (; open > 0; open--) emit_line(e, "}");
  emit_line(e, "}");
}

static void write_batch(struct emit *e, const struct node *node, const struct node *state) {
  const struct plan_stage *stage = e->plan->stage_of[state->id];
  bool has_places = !all_arrive(node, state);
  const char *kept = has_places ? "kept" : "count", *next_record = has_places ? "" : ", w->record++";
  const char *row = has_places ? "&rows[places[i]]" : "&rows[i]";
  write_keys(e, node, state, has_places);
  emit_line(e, "if (FLOW_LIKELY(w->share_count == 1)) {");
  emit_guesses(e, state, kept, "hashes[i]");
  emit_line(e, "for (uint32_t i = 0; i < %s; i++%s) {", kept, next_record);
  if (has_places) emit_line(e, "w->record = first + places[i];");
  emit_line(e, "%s(w, %s, &keys[i], hashes[i], guesses[i]);", stage->name, row);
  emit_line(e, "}");
  emit_line(e, "} else {");
  emit_line(e, "for (uint32_t i = 0; i < %s; i++%s) {", kept, next_record);
  if (has_places) emit_line(e, "w->record = first + places[i];");
  emit_cross(e, stage, row, "&keys[i]", "hashes[i]");
  emit_line(e, "}");
  emit_line(e, "}");
  if (has_places) emit_line(e, "w->record = first + count;");
  emit_line(e, "block->records += count;");
}

static void write_rows(struct emit *e, const struct node *node) {
  emit_line(e, "for (uint32_t i = 0; i < count; i++) {");
  if (has_readers(node)) {
    emit_line(e, "const %s *it = &rows[i];", emit_c_type(e, node->decl->type));
    emit_push(e, node, 0, "it", NULL);
  }
  emit_line(e, "block->records++;");
  emit_line(e, "w->record++;");
  emit_line(e, "}");
}

static void write_run(struct emit *e, const struct node *node, uint32_t port) {
  (void)port;
  const char *item = emit_c_type(e, node->decl->type);
  emit_line(e, "%s rows[FLOW_BATCH];", item);
  emit_line(e, "while (block->cursor < block->end && block->records < block->budget) {");
  emit_line(e, "enum flow_parse parsed = FLOW_PARSED;");
  emit_line(e, "uint64_t room = block->budget - block->records;");
  emit_line(e, "uint32_t limit = room < FLOW_BATCH ? (uint32_t)room : FLOW_BATCH, count = 0;");
  emit_line(e, "while (count < limit && block->cursor < block->end) {");
  emit_line(e, "parsed = parse_%s(w, block, &rows[count]);", node->name);
  emit_line(e, "if (parsed != FLOW_PARSED) break;");
  emit_line(e, "count++;");
  emit_line(e, "}");
  const struct node *state = state_ahead(e, node);
  if (state != NULL) {
    write_batch(e, node, state);
  } else {
    write_rows(e, node);
  }
  write_bad_record(e, node);
  emit_line(e, "flow_batch_end(w);");
  emit_line(e, "}");
  emit_line(e, "return FLOW_RUN_DONE;");
}

void emit_source(struct emit *e, const struct node *node) {
  struct arena *arena = &e->compiler->arena;
  const char *parser = arena_printf(arena, "parse_%s", node->name);
  node->decl->io->format->emit_parser(e, node->decl, parser);
  if (node->rejects_port >= 0)
    emit_function(e, SECTION_STAGES, reject_head(e, node), node, (uint32_t)node->rejects_port,
                  write_reject);
  emit_function(e, SECTION_STAGES,
                arena_printf(arena,
                             "static enum flow_run run_%s(struct flow_worker *w, "
                             "struct flow_block *block)",
                             node->name),
                node, 0, write_run);
}
