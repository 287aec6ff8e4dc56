/* The plan: the graph cut into stages, each of which becomes one C function.
 *
 * A stage begins at a source, behind a `key by` into state (the exchange of a parallel run), and
 * wherever rows from several producers meet; everything else is fused into the stage of its
 * producer. With --disable=fuse every node is a stage: the reference against which fusion is tested.
 */
#ifndef FLOWCC_MIDDLE_PLAN_H
#define FLOWCC_MIDDLE_PLAN_H

#include "middle/graph.h"

struct plan_stage {
  uint32_t index;
  const char *name;       /* C-safe, unique: "stage_2_carts_state" */
  struct node *head;
  struct node_list nodes; /* head first, then in order of depth-first push */
  bool is_exchange;       /* rows arrive across a key: they carry hash and key */
  uint32_t exchange;      /* then: its number, counted in topological order */
  uint32_t level;         /* words in the paths of its rows: one more than on the longest way to it */
  uint32_t fire_level;    /* words in the paths of what a watermark fires in it; 0: nothing */
};
VEC_OF(plan_stage_list, struct plan_stage *);

struct plan {
  struct plan_stage_list stages;    /* in topological order of their heads */
  struct plan_stage **stage_of;     /* by node id: the stage that the node belongs to */
  uint32_t exchange_count;
  uint32_t path_length;             /* the largest level */
};

/* Words in the paths of what comes out of a stage, without the last one, which counts. */
uint32_t plan_out_level(const struct plan_stage *);

/* True if the edge leads into another stage, so that rows cross it by a call. */
bool plan_is_cut(const struct plan *, const struct edge *);

bool pass_fuse(struct compiler *);
void dump_plan(struct compiler *, FILE *);
void plan_verify(const struct graph *, const struct plan *);

#endif
