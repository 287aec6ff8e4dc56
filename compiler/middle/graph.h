/* The dataflow graph: what runs, in what order rows go through it, independent of C.
 *
 * Nodes are sources, stages, named streams, and sinks (one per sink and item type, since an untyped
 * sink takes rows of any type). Edges are kept
 * at their producer in program-text order: that order is the reference order of semantics.md rule 1
 * (each row goes through all consumers of an edge list before the next row is produced).
 */
#ifndef FLOWCC_MIDDLE_GRAPH_H
#define FLOWCC_MIDDLE_GRAPH_H

#include "compiler.h"
#include "front/ast.h"
#include "front/type.h"

#include <stdio.h>

enum node_kind {
  NODE_SOURCE, /* decl */
  NODE_STAGE,  /* stage */
  NODE_STREAM, /* a named stream: rows arrive from its producers and go to its readers */
  NODE_SINK,   /* decl, or null for stdout */
};

/* One output port of a node and where its rows go. Port 0 is the main output; a state has one more
 * per `emit … into`, a split one per arm, and a node with `else into` has its rejects port last. */
struct edge {
  struct node *from, *to;
  uint32_t port;
};
VEC_OF(edge_list, struct edge *);

struct port {
  const struct type *item; /* null: nothing ever leaves here */
  struct edge_list edges;  /* in program-text order */
};
VEC_OF(port_list, struct port);

struct node;
VEC_OF(node_list, struct node *);
struct node {
  enum node_kind kind;
  uint32_t id;              /* topological: every edge goes from a lower to a higher id */
  const char *name;         /* stable and unique, for dumps and C names: "events", "carts_2_state" */
  struct span span;
  struct decl *decl;
  struct stage *stage;
  const struct type *item;  /* of arriving rows; null for a source */
  const struct type *key;   /* of arriving rows, or null */
  struct port_list ports;
  struct edge_list inputs;
  int32_t rejects_port;     /* port of `else into`, or -1 */
  struct node_list times;   /* the `time by` stages that give arriving rows their time; none: they have none */
};

struct graph {
  struct node_list nodes; /* by id */
};

bool pass_lower(struct compiler *);
void dump_graph(struct compiler *, FILE *);

/* Whether all rows of the source end as what a `lookup` finds, so that they come before all others if they
 * are bounded (semantics, rule 43). */
bool graph_is_looked_up(const struct node *source);

/* Checks the invariants above; prints the first broken one and aborts. Debug builds run it after
 * every pass that touches the graph. */
void graph_verify(const struct graph *);

#endif
