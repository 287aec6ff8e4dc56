/* Builds the graph from the typed tree.
 *
 * Declarations are walked in text order and every edge is appended when its place in the text is
 * reached, so each port lists its consumers, and each stream its producers, in the reference order
 * of semantics.md rule 1. Nodes of streams and sinks are made when first mentioned, because a
 * stream may be read before it is declared; the final numbering is topological.
 */
#include "middle/lower.h"

#include "base/map.h"
#include "front/check.h"
#include "io/io.h"
#include "ops/op.h"

#include <stdio.h>
#include <string.h>

struct lower {
  struct compiler *compiler;
  struct arena *arena;
  struct node_list nodes;   /* in order of creation */
  struct map streams;       /* name of a stream or source → the node whose port 0 carries its rows */
  struct map names;         /* interned node names in use: the highest number behind each */
};

/* -- nodes ----------------------------------------------------------------------------------- */

static const char *unique_name(struct lower *l, const char *wanted) {
  const char *base = names_intern(&l->compiler->names, wanted, strlen(wanted)), *name = base;
  uintptr_t number = (uintptr_t)map_get(&l->names, base);
  while (map_get(&l->names, name) != NULL) {
    const char *next = arena_printf(l->arena, "%s_%zu", wanted, (size_t)++number);
    name = names_intern(&l->compiler->names, next, strlen(next));
  }
  map_put(&l->names, base, (void *)(number ? number : 1));
  if (name != base) map_put(&l->names, name, (void *)1);
  return name;
}

static struct node *add_node(struct lower *l, enum node_kind kind, const char *name,
                             struct span span) {
  struct node *node = arena_new(l->arena, struct node);
  node->kind = kind;
  node->name = unique_name(l, name);
  node->span = span;
  node->rejects_port = -1;
  vec_push(l->arena, &l->nodes, node);
  return node;
}

uint32_t lower_add_port(struct lower *l, struct node *node, const struct type *item) {
  vec_push(l->arena, &node->ports, (struct port){.item = item});
  return (uint32_t)node->ports.count - 1;
}

static void connect(struct lower *l, struct node *from, uint32_t port, struct node *to) {
  struct edge *edge = arena_new(l->arena, struct edge);
  *edge = (struct edge){from, to, port};
  vec_push(l->arena, &from->ports.data[port].edges, edge);
  vec_push(l->arena, &to->inputs, edge);
}

/* The node of a sink for rows of this type: a sink without a declared type takes several. */
static struct node *sink_node(struct lower *l, const struct stream *sink, const struct type *item) {
  for (size_t i = 0; i < l->nodes.count; i++) {
    struct node *node = l->nodes.data[i];
    if (node->kind == NODE_SINK && node->decl == sink->decl && node->item == item) return node;
  }
  struct span span = sink->decl ? sink->decl->name.span : sink->name.span;
  struct node *node = add_node(l, NODE_SINK, sink->name.text, span);
  node->decl = sink->decl;
  node->item = item;
  return node;
}

/* The node whose port 0 carries the rows of a stream or source. */
static struct node *stream_node(struct lower *l, const struct stream *stream) {
  struct node *node = map_get(&l->streams, stream->name.text);
  if (node != NULL) return node;
  node = add_node(l, NODE_STREAM, stream->name.text, stream->name.span);
  node->decl = stream->decl;
  node->item = stream->item;
  node->key = stream->key;
  lower_add_port(l, node, stream->item);
  map_put(&l->streams, stream->name.text, node);
  return node;
}

void lower_connect_name(struct lower *l, struct node *node, uint32_t port, struct ident target) {
  const struct stream *stream = check_find_stream(l->compiler, target.text);
  struct node *to = stream->kind == STREAM_SINK
                        ? sink_node(l, stream, node->ports.data[port].item)
                        : stream_node(l, stream);
  connect(l, node, port, to);
}

static struct node *add_stages(struct lower *, const char *pipeline, const struct stage_list *stages,
                               struct node *before);

void lower_read_name(struct lower *l, struct ident name, const struct stage_list *stages, struct node *node) {
  struct node *stream = stream_node(l, check_find_stream(l->compiler, name.text));
  connect(l, add_stages(l, name.text, stages, stream), 0, node);
}

/* -- declarations ---------------------------------------------------------------------------- */

/* A stage is called after the stream that its pipeline builds, or else reads. */
static struct node *add_stage(struct lower *l, const char *pipeline, struct stage *stage,
                              struct node *before) {
  const char *name = arena_printf(l->arena, "%s_%s", pipeline,
                                  stage->id && stage->name.text ? stage->name.text : stage->op->name);
  struct node *node = add_node(l, NODE_STAGE, name, stage->span);
  node->stage = stage;
  node->item = stage->in_item;
  node->key = stage->in_key;
  lower_add_port(l, node, stage->out_item);
  connect(l, before, 0, node);
  if (stage->op->lower != NULL) stage->op->lower(l, stage, node);
  if (stage->on_fail.kind == ON_FAIL_INTO) {
    node->rejects_port = (int32_t)lower_add_port(l, node, l->compiler->types->rejected);
    lower_connect_name(l, node, (uint32_t)node->rejects_port, stage->on_fail.into);
  }
  return node;
}

static struct node *add_stages(struct lower *l, const char *pipeline, const struct stage_list *stages,
                               struct node *before) {
  for (size_t i = 0; i < stages->count; i++)
    before = add_stage(l, pipeline, stages->data[i], before);
  return before;
}

static void add_source(struct lower *l, struct decl *decl) {
  struct node *node = add_node(l, NODE_SOURCE, decl->name.text, decl->name.span);
  node->decl = decl;
  lower_add_port(l, node, decl->type);
  if (decl->on_fail.kind == ON_FAIL_INTO) {
    node->rejects_port = (int32_t)lower_add_port(l, node, l->compiler->types->rejected);
    lower_connect_name(l, node, (uint32_t)node->rejects_port, decl->on_fail.into);
  }
  struct node *end = add_stages(l, decl->name.text, &decl->stages, node);
  struct node *early = map_get(&l->streams, decl->name.text);
  if (early != NULL) {
    connect(l, end, 0, early);
  } else {
    map_put(&l->streams, decl->name.text, end);
  }
}

static void add_pipeline(struct lower *l, struct decl *decl) {
  const struct stream *start = check_find_stream(l->compiler, decl->start.text);
  const char *name = decl->kind == DECL_STREAM ? decl->name.text : decl->start.text;
  struct node *first = stream_node(l, start);
  struct node *end = add_stages(l, name, &decl->stages, first);
  if (decl->kind != DECL_STREAM) return;
  connect(l, end, 0, stream_node(l, check_find_stream(l->compiler, decl->name.text)));
}

/* -- tests ----------------------------------------------------------------------------------- */

/* A sink of the tests alone, in which the driver finds what came to the stream or sink `name`. */
static struct decl *capture_decl(struct lower *l, struct ident name) {
  struct decl *decl = arena_new(l->arena, struct decl);
  decl->kind = DECL_SINK;
  decl->span = name.span;
  decl->name = (struct ident){lower_capture_name(l->compiler, name.text), name.span};
  decl->io = arena_new(l->arena, struct io_spec);
  *decl->io = (struct io_spec){.connector = &connector_file, .format = &format_capture};
  return decl;
}

static struct node *capture_node(struct lower *l, struct decl *decl, const char *name,
                                 const struct type *item) {
  struct node *node = add_node(l, NODE_SINK, arena_printf(l->arena, "expect_%s", name), decl->span);
  node->decl = decl;
  node->item = item;
  return node;
}

/* Rows of a sink are taken where it gets them, once for each type of row. */
static void capture_sink(struct lower *l, const struct stream *sink, struct decl *decl) {
  for (size_t i = 0, count = l->nodes.count; i < count; i++) {
    struct node *node = l->nodes.data[i];
    if (node->kind != NODE_SINK || node->decl != sink->decl) continue;
    struct node *capture = capture_node(l, decl, sink->name.text, node->item);
    vec_each(struct edge *, edge, &node->inputs) connect(l, (*edge)->from, (*edge)->port, capture);
  }
}

const char *lower_capture_name(struct compiler *compiler, const char *stream) {
  const char *name = arena_printf(&compiler->arena, "expect %s", stream);
  return names_intern(&compiler->names, name, strlen(name));
}

/* Gives each stream and sink that a test expects something of a sink more. */
static void add_captures(struct lower *l) {
  struct map seen;
  map_init(&seen, l->arena);
  vec_each(struct decl *, test, &l->compiler->program->decls) {
    if ((*test)->kind != DECL_TEST) continue;
    vec_each(struct test_step, step, &(*test)->steps) {
      if (step->kind != TEST_EXPECT || step->subject != TEST_ROWS) continue;
      if (map_put(&seen, step->name.text, step) != NULL) continue;
      const struct stream *stream = check_find_stream(l->compiler, step->name.text);
      struct decl *decl = capture_decl(l, step->name);
      if (stream->kind == STREAM_SINK) {
        capture_sink(l, stream, decl);
      } else {
        struct node *from = stream_node(l, stream);
        connect(l, from, 0, capture_node(l, decl, stream->name.text, from->ports.data[0].item));
      }
    }
  }
}

/* Under test a source that makes its records reads those of the tests instead. */
static void feed_generated(struct lower *l) {
  vec_each(struct decl *, it, &l->compiler->program->decls) {
    struct decl *decl = *it;
    if (decl->kind != DECL_SOURCE || decl->io->connector->format == NULL) continue;
    struct expr *location = arena_new(l->arena, struct expr);
    location->kind = EXPR_STRING;
    location->span = decl->value->span;
    location->type = l->compiler->types->string;
    location->string.data = arena_printf(l->arena, "%s.jsonl", decl->name.text);
    location->string.length = strlen(location->string.data);
    decl->io = arena_new(l->arena, struct io_spec);
    *decl->io = (struct io_spec){
        .connector = &connector_file, .format = &format_jsonl, .location = location};
  }
}

/* -- numbering ------------------------------------------------------------------------------- */

/* Kahn's algorithm; of the nodes that may come next the one that was made first, which keeps the
 * numbering close to the text and independent of everything else. */
static void number_nodes(struct lower *l, struct graph *graph) {
  size_t count = l->nodes.count;
  size_t *waiting = arena_alloc(l->arena, (count + 1) * sizeof *waiting);
  bool *is_done = arena_zalloc(l->arena, count + 1);
  for (size_t i = 0; i < count; i++) {
    l->nodes.data[i]->id = (uint32_t)i;
    waiting[i] = l->nodes.data[i]->inputs.count;
  }
  for (size_t placed = 0; placed < count; placed++) {
    size_t next = 0;
    while (next < count && (is_done[next] || waiting[next] > 0)) next++;
    if (next == count) break; /* a cycle: graph_verify() reports it */
    is_done[next] = true;
    vec_push(l->arena, &graph->nodes, l->nodes.data[next]);
    vec_each(struct port, port, &l->nodes.data[next]->ports)
      vec_each(struct edge *, edge, &port->edges) waiting[(*edge)->to->id]--;
  }
  for (size_t i = 0; i < graph->nodes.count; i++) graph->nodes.data[i]->id = (uint32_t)i;
}

/* -- event times ----------------------------------------------------------------------------- */

static void add_time(struct lower *l, struct node *node, struct node *time) {
  vec_each(struct node *, known, &node->times)
    if (*known == time) return;
  vec_push(l->arena, &node->times, time);
}

/* Finds the `time by` stages above each node. Rejects have no time, and what is looked up gives none. */
static void find_times(struct lower *l, struct graph *graph) {
  vec_each(struct node *, it, &graph->nodes) {
    struct node *node = *it;
    bool is_lookup = node->kind == NODE_STAGE && node->stage->is_lookup;
    vec_each(struct edge *, edge, &node->inputs) {
      struct node *from = (*edge)->from;
      if ((int32_t)(*edge)->port == from->rejects_port) continue;
      if (is_lookup && edge != node->inputs.data) continue; /* only the items themselves go on */
      if (from->kind == NODE_STAGE && from->stage->op == &op_time) {
        add_time(l, node, from);
      } else {
        vec_each(struct node *, time, &from->times) add_time(l, node, *time);
      }
    }
  }
}

bool pass_lower(struct compiler *compiler) {
  struct lower lower = {.compiler = compiler, .arena = &compiler->arena};
  map_init(&lower.streams, lower.arena);
  map_init(&lower.names, lower.arena);
  vec_each(struct decl *, decl, &compiler->program->decls) {
    if ((*decl)->kind == DECL_SOURCE) add_source(&lower, *decl);
    if ((*decl)->kind == DECL_STREAM || (*decl)->kind == DECL_PIPELINE)
      add_pipeline(&lower, *decl);
  }
  if (compiler->options.is_test) {
    feed_generated(&lower);
    add_captures(&lower);
  }
  compiler->graph = arena_new(lower.arena, struct graph);
  number_nodes(&lower, compiler->graph);
  find_times(&lower, compiler->graph);
  graph_verify(compiler->graph);
  return true;
}
