/* flowcc graph: a picture. Boxes stand in layers, each below all that leads to it. An arrow over
 * several layers gets a place in each of them, so that it passes between boxes, not behind them. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "tools/drawing.h"

/* Pixels. */
enum {
  CHAR_WIDTH = 8,
  LINE_HEIGHT = 18,
  PADDING = 10,
  BOX_GAP = 30,
  LAYER_GAP = 52,
  MARGIN = 20,
  PASS_WIDTH = 12,
};

/* A box, or a place where an arrow passes through a layer. */
struct item {
  const struct box *box;     /* null: the arrow passes */
  const struct arrow *arrow; /* that passes */
  struct item *before;       /* the item of the arrow one layer up */
  uint32_t layer;
  int left, width;
  int pull; /* the middle of what it hangs on */
};
VEC_OF(item_list, struct item *);

struct svg {
  struct arena *arena;
  FILE *out;
  const struct drawing *drawing;
  struct item_list *layers;
  uint32_t layer_count;
  struct item **boxes; /* by id */
  int *tops, *heights; /* by layer */
  int width, height;
};

static int text_width(const char *text) {
  return text ? (int)utf8_columns(text, strlen(text)) * CHAR_WIDTH : 0;
}

static int middle_of(const struct item *item) {
  return item->left + item->width / 2;
}

/* -- layers ------------------------------------------------------------------------------------ */

static struct item *add_item(struct svg *svg, uint32_t layer, int width) {
  struct item *item = arena_new(svg->arena, struct item);
  item->layer = layer;
  item->width = width;
  vec_push(svg->arena, &svg->layers[layer], item);
  return item;
}

static int box_width(const struct box *box) {
  int title = text_width(box->title), detail = text_width(box->detail);
  return (title > detail ? title : detail) + 2 * PADDING;
}

/* Boxes come behind all that lead to them. */
static void place_in_layers(struct svg *svg) {
  size_t count = svg->drawing->boxes.count;
  svg->layers = arena_zalloc(svg->arena, (count + 1) * sizeof *svg->layers);
  svg->boxes = arena_zalloc(svg->arena, (count + 1) * sizeof *svg->boxes);
  vec_each(struct box *, it, &svg->drawing->boxes) {
    const struct box *box = *it;
    uint32_t layer = 0;
    vec_each(struct arrow *, arrow, &box->in) {
      uint32_t above = svg->boxes[(*arrow)->from->id]->layer;
      if (above + 1 > layer) layer = above + 1;
    }
    struct item *item = add_item(svg, layer, box_width(box));
    item->box = box;
    svg->boxes[box->id] = item;
    if (layer + 1 > svg->layer_count) svg->layer_count = layer + 1;
  }
}

static void add_passes(struct svg *svg) {
  vec_each(struct box *, box, &svg->drawing->boxes)
    vec_each(struct arrow *, it, &(*box)->out) {
      struct item *before = svg->boxes[(*it)->from->id];
      uint32_t last = svg->boxes[(*it)->to->id]->layer;
      for (uint32_t layer = before->layer + 1; layer < last; layer++) {
        struct item *item = add_item(svg, layer, PASS_WIDTH);
        item->arrow = *it;
        item->before = before;
        before = item;
      }
    }
}

/* The item of the arrow in the layer above its target. */
static const struct item *last_of(const struct svg *svg, const struct arrow *arrow) {
  uint32_t layer = svg->boxes[arrow->to->id]->layer;
  vec_each(struct item *, item, &svg->layers[layer - 1])
    if ((*item)->arrow == arrow) return *item;
  return svg->boxes[arrow->from->id];
}

/* -- places ------------------------------------------------------------------------------------ */

/* Where the item would like to have its middle. */
static int pull_of(const struct svg *svg, const struct item *item) {
  if (!item->box) return middle_of(item->before);
  int sum = 0, count = 0;
  vec_each(struct arrow *, arrow, &item->box->in) {
    sum += middle_of(last_of(svg, *arrow));
    count++;
  }
  return count > 0 ? sum / count : middle_of(item);
}

/* Sorts by pull; equal ones stay in the order of the text. */
static void sort_layer(struct item_list *layer) {
  for (size_t i = 1; i < layer->count; i++) {
    struct item *item = layer->data[i];
    size_t j = i;
    for (; j > 0 && layer->data[j - 1]->pull > item->pull; j--) layer->data[j] = layer->data[j - 1];
    layer->data[j] = item;
  }
}

static void spread_layer(struct item_list *layer, bool is_pulled) {
  int right = MARGIN + CHAR_WIDTH;
  vec_each(struct item *, it, layer) {
    struct item *item = *it;
    int wanted = is_pulled ? item->pull - item->width / 2 : right;
    item->left = wanted > right ? wanted : right;
    right = item->left + item->width + BOX_GAP;
  }
}

static void place(struct svg *svg) {
  svg->tops = arena_zalloc(svg->arena, (svg->layer_count + 1) * sizeof *svg->tops);
  svg->heights = arena_zalloc(svg->arena, (svg->layer_count + 1) * sizeof *svg->heights);
  int top = MARGIN;
  for (uint32_t i = 0; i < svg->layer_count; i++) {
    struct item_list *layer = &svg->layers[i];
    vec_each(struct item *, item, layer) (*item)->pull = i > 0 ? pull_of(svg, *item) : 0;
    if (i > 0) sort_layer(layer);
    spread_layer(layer, i > 0);
    int lines = 1;
    vec_each(struct item *, item, layer) {
      int right = (*item)->left + (*item)->width + MARGIN;
      if (right > svg->width) svg->width = right;
      if ((*item)->box && (*item)->box->detail) lines = 2;
    }
    svg->tops[i] = top;
    svg->heights[i] = lines * LINE_HEIGHT + PADDING;
    top += svg->heights[i] + LAYER_GAP;
  }
  svg->height = top - LAYER_GAP + MARGIN;
}

/* -- drawing ----------------------------------------------------------------------------------- */

static void print_escaped(FILE *out, const char *text) {
  for (; *text != '\0'; text++) {
    switch (*text) {
    case '<': fputs("&lt;", out); break;
    case '>': fputs("&gt;", out); break;
    case '&': fputs("&amp;", out); break;
    default: fputc(*text, out);
    }
  }
}

static void print_text(FILE *out, int x, int y, const char *class, const char *text) {
  fprintf(out, "  <text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, class);
  print_escaped(out, text);
  fputs("</text>\n", out);
}

static void draw_box(const struct svg *svg, const struct item *item) {
  static const char *const classes[] = {[SHAPE_SOURCE] = "source", [SHAPE_STEP] = "step",
                                        [SHAPE_STATE] = "state", [SHAPE_STREAM] = "stream",
                                        [SHAPE_SINK] = "sink"};
  const struct box *box = item->box;
  int top = svg->tops[item->layer];
  int height = (box->detail ? 2 : 1) * LINE_HEIGHT + PADDING;
  int corner = box->shape == SHAPE_SOURCE || box->shape == SHAPE_SINK ? 14 : 3;
  fprintf(svg->out, "  <rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\" class=\"%s\"/>\n",
          item->left, top, item->width, height, corner, classes[box->shape]);
  print_text(svg->out, middle_of(item), top + LINE_HEIGHT, "title", box->title);
  if (box->detail)
    print_text(svg->out, middle_of(item), top + 2 * LINE_HEIGHT, "detail", box->detail);
  char stage[16];
  snprintf(stage, sizeof stage, "%u", (unsigned)box->stage);
  print_text(svg->out, item->left - 4, top + LINE_HEIGHT, "stage", stage);
}

static int bottom_of(const struct svg *svg, const struct item *item) {
  if (!item->box) return svg->tops[item->layer] + svg->heights[item->layer];
  return svg->tops[item->layer] + (item->box->detail ? 2 : 1) * LINE_HEIGHT + PADDING;
}

/* The path from one item to the next lower one, and through its layer if the arrow only passes. */
static void draw_part(const struct svg *svg, const struct item *from, const struct item *to) {
  int x0 = middle_of(from), y0 = bottom_of(svg, from);
  int x1 = middle_of(to), y1 = svg->tops[to->layer], bend = (y1 - y0) / 2;
  fprintf(svg->out, "M%d %dC%d %d %d %d %d %d", x0, y0, x0, y0 + bend, x1, y1 - bend, x1, y1);
  if (!to->box) fprintf(svg->out, "V%d", bottom_of(svg, to));
}

static void draw_parts(const struct svg *svg, const struct item *from, const struct item *to) {
  if (from->before) draw_parts(svg, from->before, from);
  draw_part(svg, from, to);
}

static void draw_arrow(const struct svg *svg, const struct arrow *arrow) {
  const struct item *from = last_of(svg, arrow), *to = svg->boxes[arrow->to->id];
  fprintf(svg->out, "  <path class=\"%s\" marker-end=\"url(#head)\" d=\"",
          arrow->exchange ? "arrow exchange" : "arrow");
  draw_parts(svg, from, to);
  fputs("\"/>\n", svg->out);
  int x = middle_of(to) + 8, y = svg->tops[to->layer] - 14;
  if (arrow->exchange) {
    struct text text;
    text_init(&text, svg->arena);
    text_addf(&text, "by %s", arrow->exchange);
    print_text(svg->out, x, y, "label", text.data);
    y -= LINE_HEIGHT - 4;
  }
  if (arrow->label) print_text(svg->out, x, y, "label", arrow->label);
}

static void print_head(const struct svg *svg) {
  fprintf(svg->out,
          "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
          "viewBox=\"0 0 %d %d\">\n",
          svg->width, svg->height, svg->width, svg->height);
  fputs("  <title>flow ", svg->out);
  print_escaped(svg->out, svg->drawing->flow);
  fputs("</title>\n"
        "  <style>\n"
        "    text { font: 13px monospace; text-anchor: middle; fill: #222; }\n"
        "    .detail { fill: #666; font-size: 12px; }\n"
        "    .stage { fill: #999; font-size: 11px; text-anchor: end; }\n"
        "    .label { fill: #666; font-size: 11px; text-anchor: start; }\n"
        "    rect { stroke: #555; fill: #fff; }\n"
        "    .source { fill: #e3f2e1; } .sink { fill: #fdeed9; } .state { fill: #e1ecf8; stroke-width: 2; }\n"
        "    .stream { stroke-dasharray: 4 3; }\n"
        "    .arrow { fill: none; stroke: #777; } .exchange { stroke-width: 3; stroke: #3a6ea5; }\n"
        "  </style>\n"
        "  <defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" "
        "markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">"
        "<path d=\"M0 0L8 4L0 8z\" fill=\"#555\"/></marker></defs>\n"
        "  <rect width=\"100%\" height=\"100%\" style=\"stroke: none\"/>\n", svg->out);
}

void graph_svg(struct compiler *compiler, FILE *out) {
  struct svg svg = {.arena = &compiler->arena, .out = out, .drawing = drawing_make(compiler)};
  place_in_layers(&svg);
  add_passes(&svg);
  place(&svg);
  print_head(&svg);
  vec_each(struct box *, box, &svg.drawing->boxes)
    vec_each(struct arrow *, arrow, &(*box)->out) draw_arrow(&svg, *arrow);
  vec_each(struct box *, box, &svg.drawing->boxes) draw_box(&svg, svg.boxes[(*box)->id]);
  fputs("</svg>\n", out);
}
