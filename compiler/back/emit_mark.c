#include "back/emit_mark.h"

#include "back/code.h"
#include "back/emit_state.h"
#include "back/emit_timer.h"
#include "back/program.h"
#include "ops/op.h"

static bool is_time(const struct node *node) {
  return node->kind == NODE_STAGE && node->stage->op == &op_time;
}

uint32_t emit_mark_index(struct emit *e, const struct node *time) {
  uint32_t index = 0;
  vec_each(struct node *, node, &e->graph->nodes) {
    if (*node == time) break;
    if (is_time(*node)) index++;
  }
  return index;
}

bool emit_mark_moves(const struct node *state) {
  bool is_state = state->kind == NODE_STAGE && state->stage->op->state == OP_STATE_PER_KEY;
  return is_state && state->times.count > 0 && emit_timer_is_used(state->stage);
}

/* -- meetings ----------------------------------------------------------------------------------
 *
 * Nodes that the same several `time by`s lie above have one meeting, which stands behind all `time by`s. */

static bool meet_alike(const struct node *a, const struct node *b) {
  if (a->times.count != b->times.count) return false;
  vec_each(struct node *, time, &a->times) {
    bool is_there = false;
    vec_each(struct node *, other, &b->times) is_there = is_there || *time == *other;
    if (!is_there) return false;
  }
  return true;
}

/* The place of the node's meeting in the list; its length: it is not in there yet. */
static size_t find_meeting(const struct emit *e, const struct node *node) {
  size_t i = 0;
  while (i < e->meetings.count && !meet_alike(e->meetings.data[i], node)) i++;
  return i;
}

/* The first node of each meeting, which stands for it. */
static const struct node_list *meetings(struct emit *e) {
  if (e->has_meetings) return &e->meetings;
  e->has_meetings = true;
  vec_each(struct node *, node, &e->graph->nodes) {
    bool is_new = (*node)->times.count > 1 && find_meeting(e, *node) == e->meetings.count;
    if (is_new) vec_push(&e->compiler->arena, &e->meetings, *node);
  }
  return &e->meetings;
}

static uint32_t meeting_index(struct emit *e, const struct node *node) {
  meetings(e);
  uint32_t times = 0;
  vec_each(struct node *, other, &e->graph->nodes) times += is_time(*other);
  return times + (uint32_t)find_meeting(e, node);
}

/* The indices of the `time by`s above a node, with commas. */
static const char *mark_indices(struct emit *e, const struct node *node) {
  struct text list;
  text_init(&list, &e->compiler->arena);
  vec_each(struct node *, time, &node->times)
    text_addf(&list, "%s%u", list.length > 0 ? ", " : "", emit_mark_index(e, *time));
  return list.data;
}

static const char *mark_name(const struct node *time) {
  return time->stage->id != NULL ? time->stage->id : time->name;
}

uint32_t emit_meetings(struct emit *e, struct text *rows) {
  vec_each(struct node *, node, meetings(e)) {
    text_add(rows, "  {.name = \"");
    const char *between = "";
    vec_each(struct node *, time, &e->graph->nodes) { /* in this order, so that the name lasts */
      bool is_part = false;
      vec_each(struct node *, part, &(*node)->times) is_part = is_part || *part == *time;
      if (!is_part) continue;
      if ((*time)->stage->idle != NULL) e->is_boundary_dependent = true;
      text_addf(rows, "%s%s", between, mark_name(*time));
      between = "+";
    }
    text_addf(rows, "\", .parts = (const uint32_t[]){%s}, .part_count = %zu},\n",
              mark_indices(e, *node), (*node)->times.count);
  }
  return (uint32_t)meetings(e)->count;
}

/* -- clocks ------------------------------------------------------------------------------------- */

static const char *least_mark(struct emit *e, const struct node *node, const char *marks) {
  if (node->times.count == 0) return "w->now_us";
  const char *clock = NULL;
  vec_each(struct node *, time, &node->times) {
    const char *mark =
        arena_printf(&e->compiler->arena, "w->%s[%u]", marks, emit_mark_index(e, *time));
    clock = clock == NULL ? mark : arena_printf(&e->compiler->arena, "flow_earlier(%s, %s)", clock, mark);
  }
  if (node->times.count == 1) return clock;
  return arena_printf(&e->compiler->arena, "flow_later(%s, w->%s[%u])", clock, marks,
                      meeting_index(e, node));
}

const char *emit_clock(struct emit *e, const struct node *node) {
  return least_mark(e, node, "marks");
}

const char *emit_row_clock(struct emit *e, const struct node *node) {
  return least_mark(e, node, "row_marks");
}

const char *emit_hook_clock(struct emit *e, const struct node *node) {
  const char *clock = emit_clock(e, node);
  if (node->times.count == 0) return clock;
  return arena_printf(&e->compiler->arena, "flow_mark_shown(w, %s, (const uint32_t[]){%s}, %zu)", clock,
                      mark_indices(e, node), node->times.count);
}

static bool is_moved_by(const struct node *state, const struct node *time) {
  if (!emit_mark_moves(state)) return false;
  vec_each(struct node *, mark, &state->times)
    if (*mark == time) return true;
  return false;
}

/* -- a duration of constants and params -------------------------------------------------------- */

static void emit_duration(struct emit *e, const struct node *node, const char *verb,
                          const struct expr *value) {
  if (value == NULL) return;
  struct code c;
  code_begin(&c, e, emit_step(e, node), false);
  emit_value_function(e, arena_printf(&e->compiler->arena, "%s_%s", verb, node->name), "", value, &c);
}

static const char *duration(struct emit *e, const struct node *node, const char *verb,
                            const struct expr *value) {
  return value == NULL ? "0" : arena_printf(&e->compiler->arena, "%s_%s(w)", verb, node->name);
}

/* -- what a rise of the watermark sets off ------------------------------------------------------ */

static const char *advance_head(struct emit *e, const struct node *node) {
  return arena_printf(&e->compiler->arena, "static void advance_%s(struct flow_worker *w)", node->name);
}

static void write_advance(struct emit *e, const struct node *time, uint32_t port) {
  (void)port;
  vec_each(struct node *, it, &e->graph->nodes) {
    const struct node *state = *it;
    if (!is_moved_by(state, time)) continue;
    uint32_t index = emit_state_index(e, state);
    emit_line(e, "flow_mark_fire(w, %u, %s);", index, emit_clock(e, state));
  }
}

void emit_mark_functions(struct emit *e, const struct node *node) {
  emit_duration(e, node, "lag", node->stage->lag);
  emit_duration(e, node, "ahead", node->stage->max_ahead);
  emit_duration(e, node, "idle", node->stage->idle);
  text_addf(emit_section(e, SECTION_DECLARATIONS), "%s;\n", advance_head(e, node));
  emit_function(e, SECTION_STATE, advance_head(e, node), node, 0, write_advance);
}

/* -- a row -------------------------------------------------------------------------------------- */

void emit_mark_pass(struct emit *e, const struct node *node, const char *time, const char *row) {
  const struct stage *stage = node->stage;
  const char *lag = duration(e, node, "lag", stage->lag);
  if (stage->max_ahead != NULL) {
    emit_line(e, "if (FLOW_UNLIKELY(!flow_mark_is_near(w, %u, %s, %s, %s))) {", emit_mark_index(e, node),
              time, lag, duration(e, node, "ahead", stage->max_ahead));
    emit_line(e, "flow_set_failure(w, &%s, \"the time is too far ahead of all before\", false);",
              emit_site(e, stage->args.data[0]->span, emit_step(e, node)));
    emit_reject(e, node, row);
    emit_line(e, "} else {");
  }
  emit_line(e, "flow_mark_pass(w, %u, %s, flow_timer_after(%s, -%s), advance_%s);",
            emit_mark_index(e, node), time, time, lag, node->name);
}

void emit_mark_end(struct emit *e, const struct node *node) {
  if (node->stage->max_ahead != NULL) emit_line(e, "}");
}

/* -- descriptions ------------------------------------------------------------------------------- */

/* Adds the indices of the sources above the node. */
static void add_sources(struct emit *e, struct text *out, const struct node *node, struct map *seen) {
  if (map_get(seen, node->name) != NULL) return;
  map_put(seen, node->name, (void *)node);
  if (node->kind == NODE_SOURCE) {
    uint32_t index = 0;
    vec_each(struct node *, other, &e->graph->nodes) {
      if (*other == node) break;
      if ((*other)->kind == NODE_SOURCE) index++;
    }
    text_addf(out, "%s%u", out->length > 0 ? ", " : "", index);
  }
  vec_each(struct edge *, edge, &node->inputs) add_sources(e, out, (*edge)->from, seen);
}

void emit_mark_desc(struct emit *e, struct text *rows, const struct node *node) {
  struct text sources;
  struct map seen;
  text_init(&sources, &e->compiler->arena);
  map_init(&seen, &e->compiler->arena);
  add_sources(e, &sources, node, &seen);
  uint32_t count = 1;
  for (const char *p = sources.data; *p != '\0'; p++) count += *p == ',';
  text_addf(rows, "  {.name = \"%s\", .sources = (const uint32_t[]){%s}, .source_count = %u", mark_name(node),
            sources.data, count);
  if (node->stage->idle != NULL) text_addf(rows, ", .idle_us = idle_%s", node->name);
  text_add(rows, "},\n");
}

bool emit_mark_is_serial(const struct emit *e) {
  vec_each(struct node *, it, &e->graph->nodes) {
    const struct node *node = *it;
    if (is_time(node) && node->stage->max_ahead != NULL) return true;
    bool is_parsed = e->plan->stage_of[node->id]->level == 0;
    if (is_parsed && node->kind == NODE_STAGE && node->stage->sees_watermark) return true;
  }
  return false;
}

const char *emit_mark_list(struct emit *e, const struct node *state) {
  if (!emit_mark_moves(state)) return "";
  struct arena *arena = &e->compiler->arena;
  size_t count = state->times.count;
  return arena_printf(arena, ",\n   .marks = (const uint32_t[]){%s}, .mark_count = %zu%s",
                      mark_indices(e, state), count,
                      count > 1 ? arena_printf(arena, ", .meeting = %u", meeting_index(e, state)) : "");
}
