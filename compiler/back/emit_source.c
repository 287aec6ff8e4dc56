/* Sources: the loop that parses a batch of records, sends them through the fused stage, and does
 * with a bad record what the source's `else` says. */
#include "back/emit_mark.h"
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

static bool is_stage(const struct node *node, const struct op *op) {
  return node->kind == NODE_STAGE && node->stage->op == op;
}

/* Whether a row may pass the node before earlier rows have passed the whole stage: it has no effect
 * and cannot fail, and the row stays as it is. Of a `time by` that holds for what is behind it, which does not
 * look at the time. */
static bool may_run_ahead(const struct node *node) {
  if (node->inputs.count != 1) return false;
  if (node->kind == NODE_STREAM) return true;
  if (node->kind != NODE_STAGE || node->stage->args.count != 1) return false;
  const struct stage *stage = node->stage;
  bool is_time = stage->op == &op_time && stage->max_ahead == NULL;
  bool is_pure = stage->op == &op_key || stage->op == &op_filter;
  return (is_time || (is_pure && !stage->sees_time)) && !emit_is_fallible(stage->args.data[0]);
}

/* What stands between a source and a state, in this order: filters, a `time by`, filters. Of filters there are
 * some on one side of the `time by` only. */
struct way {
  const struct node *state;   /* null: rows do not run ahead */
  const struct node *time;    /* or null */
  bool has_filters, has_late_filters; /* in front of the time, or where there is none; behind it */
};

/* The keyed state that the rows of the source run into over nothing but keys, filters and a time.
 * With many keys its lookups are cache misses, so they are started for a whole batch at once. */
static struct way way_ahead(struct emit *e, const struct node *source) {
  struct way way = {0}, none = {0};
  if (e->compiler->options.is_fuse_disabled) return none;
  const struct node *node = only_reader(source);
  for (; node != NULL && may_run_ahead(node); node = only_reader(node)) {
    if (is_stage(node, &op_time)) way.time = node;
    if (!is_stage(node, &op_filter)) continue;
    *(way.time == NULL ? &way.has_filters : &way.has_late_filters) = true;
  }
  if (node == NULL || node->kind != NODE_STAGE || node->inputs.count != 1) return none;
  bool is_state = node->stage->op->state == OP_STATE_PER_KEY;
  bool is_simple = !way.has_filters || !way.has_late_filters;
  if (!is_state || !is_simple || emit_state_has_constant_key(node)) return none;
  way.state = node;
  return way;
}

/* Writes the keys and filters before the state for the row `it`; each filter opens a block. */
static uint32_t write_ahead(struct emit *e, const struct node *node, const struct node *state,
                            const char **key) {
  uint32_t open = 0;
  for (; node != state; node = only_reader(node)) {
    if (node->kind != NODE_STAGE || node->stage->op == &op_time) continue;
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
                       bool has_places, bool has_first) {
  const char *at = has_places ? "kept" : "i";
  emit_line(e, "/* Keys first, so that the table's memory is on its way when the rows come. */");
  emit_table_view(e, state);
  emit_line(e, "if (w->share_count > 1) table.row_end = 0; /* other workers look up: fetch nothing */");
  emit_line(e, "%s keys[FLOW_BATCH];", emit_c_type(e, state->key));
  emit_line(e, "uint64_t hashes[FLOW_BATCH];");
  if (has_first) emit_line(e, "const uint64_t first = w->record;");
  if (has_places) emit_line(e, "uint32_t places[FLOW_BATCH], kept = 0;");
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

/* A kept row goes into the state, or on its way to the worker that owns its key. */
static void write_arrival(struct emit *e, const struct way *way, bool crosses, const char *row,
                          const char *at) {
  const struct plan_stage *stage = e->plan->stage_of[way->state->id];
  struct arena *arena = &e->compiler->arena;
  const char *key = arena_printf(arena, "&keys[%s]", at), *hash = arena_printf(arena, "hashes[%s]", at);
  if (crosses)
    emit_cross(e, stage, row, key, hash);
  else
    emit_line(e, "%s(w, %s, %s, %s, guesses[%s]);", stage->name, row, key, hash, at);
}

static void write_time(struct emit *e, const struct node *time, const char *row) {
  const struct expr *value = time->stage->args.data[0];
  e->key = NULL;
  emit_mark_pass(e, time, emit_user_call(e, time, "", value, row) + 1, row);
}

/* All rows raise the watermark, and those arrive that the filters behind it keep. */
static void write_late_arrivals(struct emit *e, const struct way *way, bool crosses) {
  emit_line(e, "for (uint32_t i = 0, next = 0; i < count; i++, w->record++) {");
  write_time(e, way->time, "&rows[i]");
  emit_line(e, "if (next == kept || places[next] != i) continue;");
  write_arrival(e, way, crosses, "&rows[i]", "next");
  emit_line(e, "next++;");
  emit_line(e, "}");
}

static void write_arrivals(struct emit *e, const struct way *way, bool crosses) {
  bool has_places = way->has_filters;
  const char *row = has_places ? "&rows[places[i]]" : "&rows[i]";
  if (way->has_late_filters) {
    write_late_arrivals(e, way, crosses);
    return;
  }
  emit_line(e, "for (uint32_t i = 0; i < %s; i++%s) {", has_places ? "kept" : "count",
            has_places ? "" : ", w->record++");
  if (has_places) emit_line(e, "w->record = first + places[i];");
  if (way->time != NULL) write_time(e, way->time, row);
  write_arrival(e, way, crosses, row, "i");
  emit_line(e, "}");
  if (has_places) emit_line(e, "w->record = first + count;");
}

static void write_batch(struct emit *e, const struct node *node, const struct way *way) {
  bool has_places = way->has_filters || way->has_late_filters;
  write_keys(e, node, way->state, has_places, way->has_filters);
  emit_line(e, "if (FLOW_LIKELY(w->share_count == 1)) {");
  emit_guesses(e, way->state, has_places ? "kept" : "count", "hashes[i]");
  write_arrivals(e, way, false);
  emit_line(e, "} else {");
  write_arrivals(e, way, true);
  emit_line(e, "}");
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
  const struct way way = way_ahead(e, node);
  if (way.state != NULL) {
    write_batch(e, node, &way);
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
