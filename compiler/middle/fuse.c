/* Cuts the graph into stages. A pure function of the graph and one option. */
#include "middle/plan.h"

#include "base/limits.h"
#include "ops/op.h"

#include <stdio.h>

static bool is_exchange(const struct node *node) {
  return node->kind == NODE_STAGE && node->stage->op->state == OP_STATE_PER_KEY;
}

/* By node id: how many nodes stand before it in its stage. Where that is 0, a stage begins. */
static uint32_t *find_depths(struct compiler *c) {
  uint32_t *depths = arena_zalloc(&c->arena, (c->graph->nodes.count + 1) * sizeof *depths);
  vec_each(struct node *, it, &c->graph->nodes) {
    const struct node *node = *it;
    bool is_head = c->options.is_fuse_disabled || node->inputs.count != 1 || is_exchange(node);
    if (is_head) continue;
    uint32_t before = depths[node->inputs.data[0]->from->id] + 1;
    depths[node->id] = before < LIMIT_FUSED ? before : 0;
  }
  return depths;
}

static struct plan_stage *add_stage(struct compiler *c, struct plan *plan, struct node *head) {
  struct plan_stage *stage = arena_new(&c->arena, struct plan_stage);
  stage->index = (uint32_t)plan->stages.count;
  stage->name = arena_printf(&c->arena, "stage_%u_%s", stage->index, head->name);
  stage->head = head;
  stage->is_exchange = is_exchange(head);
  if (stage->is_exchange) stage->exchange = plan->exchange_count++;
  vec_push(&c->arena, &plan->stages, stage);
  return stage;
}

/* Adds the node and, depth first in push order, everything that is fused behind it. */
static void gather(struct compiler *c, struct plan *plan, const uint32_t *depths,
                   struct plan_stage *stage, struct node *node) {
  vec_push(&c->arena, &stage->nodes, node);
  plan->stage_of[node->id] = stage;
  vec_each(struct port, port, &node->ports)
    vec_each(struct edge *, edge, &port->edges) {
      if (depths[(*edge)->to->id] > 0) gather(c, plan, depths, stage, (*edge)->to);
    }
}

/* What a rise of a watermark fires in a state has its place behind the rise, then by state, deadline and
 * creation (flow/mark.h): one word, one, two, and one more than either an id or the path of a row takes. */
static uint32_t fire_level(const struct plan_stage *stage) {
  const struct stage *state = stage->head->stage;
  bool has_deadlines = state->expires != NULL;
  vec_each(const struct hook, hook, &state->hooks)
    has_deadlines = has_deadlines || hook->kind == HOOK_AT;
  if (!has_deadlines || stage->head->times.count == 0) return 0;
  return 4 + 1 + (stage->level > 2 ? stage->level : 2);
}

/* Stages come behind all that lead to them, and where rows meet inside of none. */
static void set_levels(struct plan *plan) {
  vec_each(struct plan_stage *, it, &plan->stages) {
    struct plan_stage *stage = *it;
    vec_each(struct edge *, edge, &stage->head->inputs) {
      uint32_t level = plan_out_level(plan->stage_of[(*edge)->from->id]);
      if (level > stage->level) stage->level = level;
    }
    if (stage->is_exchange) {
      stage->level++;
      stage->fire_level = fire_level(stage);
    }
    uint32_t level = plan_out_level(stage);
    if (level > plan->path_length) plan->path_length = level;
  }
}

bool pass_fuse(struct compiler *c) {
  struct plan *plan = arena_new(&c->arena, struct plan);
  size_t count = c->graph->nodes.count;
  plan->stage_of = arena_zalloc(&c->arena, (count + 1) * sizeof(struct plan_stage *));
  const uint32_t *depths = find_depths(c);
  vec_each(struct node *, node, &c->graph->nodes) {
    if (depths[(*node)->id] == 0) gather(c, plan, depths, add_stage(c, plan, *node), *node);
  }
  set_levels(plan);
  c->plan = plan;
  plan_verify(c->graph, plan);
  return true;
}
