/* What `flowcc graph` draws: the graph with what a reader wants to see at each node, and the stages
 * of the plan that nodes are fused into. One drawing, four forms:
 *
 *   graph_text    a tree with lines, for a terminal
 *   graph_dot     for Graphviz
 *   graph_mermaid for Markdown
 *   graph_svg     a picture that needs nothing else
 *
 * An `into` is not a box of its own: its rows go straight to the sink.
 */
#ifndef FLOWCC_TOOLS_DRAWING_H
#define FLOWCC_TOOLS_DRAWING_H

#include "compiler.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum shape { SHAPE_SOURCE, SHAPE_STEP, SHAPE_STATE, SHAPE_STREAM, SHAPE_SINK };

struct arrow;
VEC_OF(arrow_list, struct arrow *);

struct box {
  enum shape shape;
  uint32_t id;         /* index in the drawing; arrows lead to higher ones */
  uint32_t stage;      /* counted from 1: boxes with one number are one loop of the program */
  const char *title;   /* "source events: Event", "key by user_id" */
  const char *detail;  /* "file(\"x.jsonl\", jsonl)", "string -> int"; or null */
  struct arrow_list out, in; /* `out` in the order in which a row takes them */
};
VEC_OF(box_list, struct box *);

struct arrow {
  struct box *from, *to;
  const char *label;    /* which rows: "else into rejects", "it < 0"; or null */
  const char *exchange; /* the type of the key by which rows go to other workers; or null */
};

struct drawing {
  const char *flow;
  struct box_list boxes;
  uint32_t stage_count, exchange_count;
};

/* Makes the drawing of a flow that has gone through the passes up to `fuse`, in its arena. */
struct drawing *drawing_make(struct compiler *);

void graph_text(struct compiler *, FILE *);
void graph_dot(struct compiler *, FILE *);
void graph_mermaid(struct compiler *, FILE *);
void graph_svg(struct compiler *, FILE *);

#endif
