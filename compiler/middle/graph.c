#include "middle/graph.h"

#include "io/io.h"
#include "ops/op.h"

#include <stdlib.h>

static const char *node_kind_name(const struct node *node) {
  switch (node->kind) {
  case NODE_SOURCE: return "source";
  case NODE_STAGE: return node->stage->op->name;
  case NODE_STREAM: return "stream";
  case NODE_SINK: return "sink";
  }
  return "?";
}

static void dump_port(struct compiler *c, FILE *out, const struct node *node, uint32_t index) {
  const struct port *port = &node->ports.data[index];
  if (port->item == NULL) return;
  fprintf(out, "  %s %u: %s ->", (int32_t)index == node->rejects_port ? "rejects" : "port", index,
          type_name(c->types, port->item));
  for (size_t i = 0; i < port->edges.count; i++)
    fprintf(out, "%s %s", i > 0 ? "," : "", port->edges.data[i]->to->name);
  fprintf(out, "%s\n", port->edges.count == 0 ? " nobody" : "");
}

/* Whether the rows that go along the edge end as what a `lookup` finds. Sinks of tests do not count. */
static bool is_looked_up(const struct edge *edge) {
  const struct node *to = edge->to;
  if (to->kind == NODE_SINK) return to->decl && to->decl->io->format == &format_capture;
  bool is_lookup = to->kind == NODE_STAGE && to->stage->is_lookup;
  if (is_lookup && edge != to->inputs.data[0]) return true;
  return graph_is_looked_up(to);
}

bool graph_is_looked_up(const struct node *source) {
  size_t count = 0;
  for (size_t i = 0; i < source->ports.count; i++) {
    if ((int32_t)i == source->rejects_port) continue;
    vec_each(struct edge *, edge, &source->ports.data[i].edges) {
      if (!is_looked_up(*edge)) return false;
      count += (*edge)->to->kind != NODE_SINK;
    }
  }
  return count > 0;
}

void dump_graph(struct compiler *c, FILE *out) {
  vec_each(struct node *, it, &c->graph->nodes) {
    const struct node *node = *it;
    fprintf(out, "%u %s: %s", node->id, node->name, node_kind_name(node));
    if (node->item != NULL) fprintf(out, " of %s", type_name(c->types, node->item));
    if (node->key != NULL) fprintf(out, " by %s", type_name(c->types, node->key));
    if (node->kind == NODE_STAGE && node->stage->id != NULL) {
      fprintf(out, " id %s", node->stage->id);
      if (node->stage->was_id != NULL) fprintf(out, " was %s", node->stage->was_id);
    }
    if (node->kind == NODE_STAGE && node->stage->on_fail.kind == ON_FAIL_SKIP)
      fprintf(out, " else skip");
    if (node->kind == NODE_STAGE && node->stage->on_fail.kind == ON_FAIL_STOP)
      fprintf(out, " else stop");
    fputc('\n', out);
    for (uint32_t i = 0; i < node->ports.count; i++) dump_port(c, out, node, i);
  }
}

static void broken(const struct node *node, const char *what) {
  fprintf(stderr, "flowcc: the graph is broken at node %s: %s\n", node->name, what);
  abort();
}

static void verify_node(const struct graph *graph, const struct node *node, uint32_t id) {
  if (node->id != id) broken(node, "its id is not its place");
  if ((node->kind == NODE_SOURCE) != (node->item == NULL)) broken(node, "item of a source");
  if (node->kind == NODE_SOURCE && node->inputs.count > 0) broken(node, "a source has inputs");
  if (node->kind != NODE_SOURCE && node->inputs.count == 0) broken(node, "nothing arrives");
  if (node->kind == NODE_SINK && node->ports.count > 0) broken(node, "a sink has outputs");
  if (node->rejects_port >= (int32_t)node->ports.count) broken(node, "no such rejects port");
  for (uint32_t p = 0; p < node->ports.count; p++) {
    const struct port *port = &node->ports.data[p];
    if (port->item == NULL && port->edges.count > 0) broken(node, "rows leave an untyped port");
    vec_each(struct edge *, edge, &port->edges) {
      const struct node *to = (*edge)->to;
      if ((*edge)->from != node || (*edge)->port != p) broken(node, "an edge of somebody else");
      if (to->id <= id || to->id >= graph->nodes.count) broken(node, "an edge goes backwards");
      if (to->item != port->item) broken(to, "rows of another type arrive");
    }
  }
}

void graph_verify(const struct graph *graph) {
  for (size_t i = 0; i < graph->nodes.count; i++)
    verify_node(graph, graph->nodes.data[i], (uint32_t)i);
}
