#include "middle/plan.h"

#include <stdlib.h>

uint32_t plan_out_level(const struct plan_stage *stage) {
  return stage->level > stage->fire_level ? stage->level : stage->fire_level;
}

bool plan_is_cut(const struct plan *plan, const struct edge *edge) {
  return plan->stage_of[edge->to->id]->head == edge->to;
}

void dump_plan(struct compiler *c, FILE *out) {
  vec_each(struct plan_stage *, it, &c->plan->stages) {
    const struct plan_stage *stage = *it;
    fprintf(out, "%s:", stage->name);
    if (stage->is_exchange) fprintf(out, " by key, level %u:", stage->level);
    vec_each(struct node *, node, &stage->nodes) fprintf(out, " %s", (*node)->name);
    fputc('\n', out);
    vec_each(struct node *, node, &stage->nodes)
      vec_each(struct port, port, &(*node)->ports)
        vec_each(struct edge *, edge, &port->edges) {
          if (plan_is_cut(c->plan, *edge))
            fprintf(out, "  %s -> %s\n", (*node)->name, c->plan->stage_of[(*edge)->to->id]->name);
        }
  }
}

/* A row's path gets one word more at each exchange, so an exchange stands above all before it. */
static bool is_above(const struct plan *plan, const struct plan_stage *stage) {
  vec_each(struct edge *, edge, &stage->head->inputs) {
    uint32_t before = plan_out_level(plan->stage_of[(*edge)->from->id]);
    if (stage->level < before + (stage->is_exchange ? 1 : 0)) return false;
  }
  return plan_out_level(stage) <= plan->path_length;
}

static void broken(const struct node *node, const char *what) {
  fprintf(stderr, "flowcc: the plan is broken at node %s: %s\n", node->name, what);
  abort();
}

void plan_verify(const struct graph *graph, const struct plan *plan) {
  size_t placed = 0;
  uint32_t last_head = 0;
  vec_each(struct plan_stage *, it, &plan->stages) {
    const struct plan_stage *stage = *it;
    if (stage->nodes.count == 0 || stage->nodes.data[0] != stage->head)
      broken(stage->head, "its stage does not begin with it");
    if (stage->index > 0 && stage->head->id <= last_head)
      broken(stage->head, "stages are not in topological order");
    last_head = stage->head->id;
    if (!is_above(plan, stage)) broken(stage->head, "its level is too low");
    placed += stage->nodes.count;
    for (size_t i = 0; i < stage->nodes.count; i++) {
      const struct node *node = stage->nodes.data[i];
      if (plan->stage_of[node->id] != stage) broken(node, "it is in two stages");
      if (i > 0 && node->inputs.count != 1) broken(node, "rows from several producers meet inside");
      if (i > 0 && plan->stage_of[node->inputs.data[0]->from->id] != stage)
        broken(node, "its producer is in another stage");
    }
  }
  if (placed != graph->nodes.count) broken(graph->nodes.data[0], "a node is in no stage");
}
