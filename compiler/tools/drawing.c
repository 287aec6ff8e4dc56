#include "tools/drawing.h"

#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "front/check.h"
#include "middle/graph.h"
#include "middle/plan.h"
#include "ops/op.h"

/* Columns of a piece of program text; what is longer is cut. */
#define TEXT_COLUMNS 64

struct draw {
  struct compiler *compiler;
  struct arena *arena;
  struct drawing *drawing;
  struct box **boxes; /* by id of the node; null: it is not shown */
};

/* -- text of the program ----------------------------------------------------------------------- */

/* The text as one that every reader takes (a terminal, XML), cut where it becomes too wide. */
static const char *shorten(struct arena *arena, const char *text, size_t length) {
  struct text out;
  text_init(&out, arena);
  bool is_cut = utf8_columns(text, length) > TEXT_COLUMNS;
  size_t most = is_cut ? TEXT_COLUMNS - 2 : TEXT_COLUMNS;
  for (size_t i = 0; i < length && (!is_cut || utf8_columns(out.data, out.length) < most);) {
    uint32_t code_point;
    size_t count = utf8_decode(text + i, length - i, &code_point);
    bool is_control = code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0);
    if (count == 0 || is_control) text_addc(&out, ' ');
    else text_addn(&out, text + i, count);
    i += count > 0 ? count : 1;
  }
  if (is_cut) text_add(&out, " …");
  return out.data;
}

/* The program text under a span on one line; of several lines the first one. */
static const char *text_under(struct draw *d, struct span span) {
  const char *text = sources_text(&d->compiler->sources, span);
  size_t length = 0;
  while (length < span.length && text[length] != '\n') length++;
  bool is_cut = length < span.length;
  while (length > 0 && strchr(" \t\r", text[length - 1])) length--;
  const char *line = shorten(d->arena, text, length);
  if (!is_cut) return line;
  bool is_block = length > 0 && text[length - 1] == '{';
  return arena_printf(d->arena, "%s …%s", line, is_block ? " }" : "");
}

static const char *type_text(struct draw *d, const struct type *type) {
  const char *name = type_name(d->compiler->types, type);
  if (type->kind != TYPE_RECORD || type_is_structural(type)) return name;
  struct text text;
  text_init(&text, d->arena);
  text_addf(&text, "%s {", name);
  vec_each(struct type_field, field, &type->fields)
    text_addf(&text, "%s%s: %s", field == type->fields.data ? " " : ", ", field->name,
              type_name(d->compiler->types, field->type));
  text_add(&text, " }");
  return text.data;
}

static const char *on_fail_text(struct draw *d, const struct on_fail *on_fail) {
  switch (on_fail->kind) {
  case ON_FAIL_NONE: return "";
  case ON_FAIL_SKIP: return " else skip";
  case ON_FAIL_STOP: return " else stop";
  case ON_FAIL_INTO: return arena_printf(d->arena, " else into %s", on_fail->into.text);
  }
  return "";
}

/* -- boxes ------------------------------------------------------------------------------------- */

/* The stage as it is written, without its `|>`. */
static const char *stage_text(struct draw *d, const struct stage *stage) {
  struct span span = stage->span;
  uint32_t skipped = stage->verb.span.offset - span.offset;
  if (skipped < span.length) span = (struct span){span.offset + skipped, span.length - skipped};
  return text_under(d, span);
}

/* A window, an aggregate or a join: the state that it is, by the text that it is made of. */
static void describe_made_state(struct draw *d, struct box *box, const struct stage *stage) {
  box->shape = SHAPE_STATE;
  box->title = stage_text(d, stage->made_for);
  const char *item = stage->out_item ? type_text(d, stage->out_item) : "";
  box->detail = arena_printf(d->arena, "state %s: %s -> %s", stage->id ? stage->id : stage->name.text,
                             type_text(d, stage->in_key), shorten(d->arena, item, strlen(item)));
}

static void describe_state(struct draw *d, struct box *box, const struct stage *stage) {
  struct text text;
  text_init(&text, d->arena);
  text_addf(&text, "state %s", stage->id ? stage->id : stage->name.text);
  vec_each(struct hook, hook, &stage->hooks) text_addf(&text, ", on %s", hook->name.text);
  text_add(&text, on_fail_text(d, &stage->on_fail));
  box->shape = SHAPE_STATE;
  box->title = text.data;
  box->detail = arena_printf(d->arena, "%s -> %s", type_text(d, stage->in_key),
                             type_text(d, stage->state_type));
}

static void describe_stage(struct draw *d, struct box *box, const struct node *node) {
  const struct stage *stage = node->stage;
  if (stage->state_type && stage->name.text) {
    if (stage->made_for)
      describe_made_state(d, box, stage);
    else
      describe_state(d, box, stage);
    return;
  }
  box->title = stage_text(d, stage);
  if (!stage->op->keeps_item && !stage->op->is_terminal && stage->out_item)
    box->detail = shorten(d->arena, type_text(d, stage->out_item),
                          strlen(type_text(d, stage->out_item)));
}

static void describe(struct draw *d, struct box *box, const struct node *node) {
  struct types *types = d->compiler->types;
  const struct decl *decl = node->decl;
  switch (node->kind) {
  case NODE_SOURCE:
    box->shape = SHAPE_SOURCE;
    box->title = arena_printf(d->arena, "source %s: %s", decl->name.text,
                              type_name(types, decl->type));
    box->detail = arena_printf(d->arena, "%s%s", text_under(d, decl->value->span),
                               on_fail_text(d, &decl->on_fail));
    break;
  case NODE_STAGE:
    box->shape = SHAPE_STEP;
    describe_stage(d, box, node);
    break;
  case NODE_STREAM:
    box->shape = SHAPE_STREAM;
    box->title = arena_printf(d->arena, "stream %s: %s", node->name, type_name(types, node->item));
    break;
  case NODE_SINK:
    box->shape = SHAPE_SINK;
    box->title = arena_printf(d->arena, "sink %s", decl ? decl->name.text : "stdout");
    box->detail = decl ? text_under(d, decl->value->span) : NULL;
    break;
  }
}

/* An `into` is the arrow to its sink, and of what nobody has written only the state is shown. */
static bool is_shown(const struct node *node) {
  if (node->kind != NODE_STAGE) return true;
  if (node->stage->made_for != NULL) return node->stage->op->state != OP_STATELESS;
  if (!node->stage->op->is_terminal) return true;
  return node->ports.count != 1 || node->ports.data[0].edges.count != 1 ||
         node->ports.data[0].edges.data[0]->to->kind != NODE_SINK;
}

static void add_box(struct draw *d, const struct node *node) {
  struct box *box = arena_new(d->arena, struct box);
  box->id = (uint32_t)d->drawing->boxes.count;
  box->stage = d->compiler->plan->stage_of[node->id]->index + 1;
  describe(d, box, node);
  d->boxes[node->id] = box;
  vec_push(d->arena, &d->drawing->boxes, box);
}

/* -- arrows ------------------------------------------------------------------------------------ */

/* Which rows leave by a port that is not the main one. */
static const char *label_of(struct draw *d, const struct node *node, uint32_t port,
                            const struct node *to) {
  if ((int32_t)port == node->rejects_port) return arena_printf(d->arena, "else into %s", to->name);
  if (node->kind != NODE_STAGE) return NULL;
  const struct split_arm_list *arms = &node->stage->arms;
  if (arms->count > 0) {
    vec_each(struct split_arm, arm, arms) {
      if (strcmp(arm->target.text, to->name) != 0) continue;
      return arm->condition ? text_under(d, arm->condition->span) : "else";
    }
  }
  return port > 0 ? arena_printf(d->arena, "emit into %s", to->name) : NULL;
}

/* Draws the edge from a box on: behind a node that is not shown, to all that come next. */
static void add_arrow(struct draw *d, struct box *from, const char *label, const struct edge *edge) {
  const struct node *to = edge->to;
  if (label == NULL) label = label_of(d, edge->from, edge->port, to);
  if (d->boxes[to->id] == NULL) {
    vec_each(struct port, port, &to->ports)
      vec_each(struct edge *, next, &port->edges) add_arrow(d, from, label, *next);
    return;
  }
  const struct plan_stage *stage = d->compiler->plan->stage_of[to->id];
  struct arrow *arrow = arena_new(d->arena, struct arrow);
  *arrow = (struct arrow){.label = label, .from = from, .to = d->boxes[to->id]};
  if (stage->is_exchange && stage->head == to)
    arrow->exchange = type_name(d->compiler->types, to->key);
  vec_push(d->arena, &from->out, arrow);
  vec_push(d->arena, &arrow->to->in, arrow);
}

struct drawing *drawing_make(struct compiler *compiler) {
  const struct graph *graph = compiler->graph;
  struct draw d = {.compiler = compiler, .arena = &compiler->arena};
  d.drawing = arena_new(d.arena, struct drawing);
  d.boxes = arena_zalloc(d.arena, (graph->nodes.count + 1) * sizeof *d.boxes);
  d.drawing->flow = check_flow_name(compiler);
  d.drawing->stage_count = (uint32_t)compiler->plan->stages.count;
  d.drawing->exchange_count = compiler->plan->exchange_count;
  vec_each(struct node *, node, &graph->nodes)
    if (is_shown(*node)) add_box(&d, *node);
  vec_each(struct node *, node, &graph->nodes) {
    struct box *box = d.boxes[(*node)->id];
    if (!box) continue;
    vec_each(struct port, port, &(*node)->ports)
      vec_each(struct edge *, edge, &port->edges) add_arrow(&d, box, NULL, *edge);
  }
  return d.drawing;
}
