/* flowcc graph: as text for Graphviz and for Mermaid. Stages are frames around what is fused. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tools/drawing.h"

/* Writes the text with what its reader would take for its own replaced. */
static void print_escaped(FILE *out, const char *text, bool is_dot) {
  for (; *text != '\0'; text++) {
    if (is_dot && (*text == '"' || *text == '\\')) {
      fprintf(out, "\\%c", *text);
    } else if (!is_dot && strchr("\"&<>#;|{}[]()`", *text)) {
      fprintf(out, "#%d;", *text);
    } else {
      fputc(*text, out);
    }
  }
}

/* Hands out the boxes stage by stage. */
static void each_stage(const struct drawing *drawing, FILE *out,
                       void (*open)(FILE *, uint32_t), void (*print)(FILE *, const struct box *),
                       const char *close) {
  for (uint32_t stage = 1; stage <= drawing->stage_count; stage++) {
    open(out, stage);
    vec_each(struct box *, box, &drawing->boxes)
      if ((*box)->stage == stage) print(out, *box);
    fputs(close, out);
  }
}

/* -- Graphviz ---------------------------------------------------------------------------------- */

static void open_cluster(FILE *out, uint32_t stage) {
  fprintf(out, "  subgraph cluster_%u {\n    label=\"stage %u\"; color=gray;\n", (unsigned)stage,
          (unsigned)stage);
}

static void print_dot_box(FILE *out, const struct box *box) {
  static const char *const shapes[] = {[SHAPE_SOURCE] = "cds", [SHAPE_STEP] = "box",
                                       [SHAPE_STATE] = "cylinder", [SHAPE_STREAM] = "plaintext",
                                       [SHAPE_SINK] = "note"};
  fprintf(out, "    n%u [shape=%s, label=\"", (unsigned)box->id, shapes[box->shape]);
  print_escaped(out, box->title, true);
  if (box->detail) fputs("\\n", out);
  if (box->detail) print_escaped(out, box->detail, true);
  fputs("\"];\n", out);
}

static void print_dot_arrow(FILE *out, const struct arrow *arrow) {
  fprintf(out, "  n%u -> n%u", (unsigned)arrow->from->id, (unsigned)arrow->to->id);
  if (arrow->exchange || arrow->label) {
    fprintf(out, " [label=\"");
    print_escaped(out, arrow->label ? arrow->label : "", true);
    if (arrow->label && arrow->exchange) fputs("\\n", out);
    if (arrow->exchange) fputs("by ", out);
    if (arrow->exchange) print_escaped(out, arrow->exchange, true);
    fprintf(out, "\"%s]", arrow->exchange ? ", style=bold" : "");
  }
  fputs(";\n", out);
}

void graph_dot(struct compiler *compiler, FILE *out) {
  const struct drawing *drawing = drawing_make(compiler);
  fputs("digraph \"", out);
  print_escaped(out, drawing->flow, true);
  fputs("\" {\n  node [fontname=\"monospace\", fontsize=11];\n"
        "  edge [fontname=\"monospace\", fontsize=10];\n", out);
  each_stage(drawing, out, open_cluster, print_dot_box, "  }\n");
  vec_each(struct box *, box, &drawing->boxes)
    vec_each(struct arrow *, arrow, &(*box)->out) print_dot_arrow(out, *arrow);
  fputs("}\n", out);
}

/* -- Mermaid ----------------------------------------------------------------------------------- */

static void open_subgraph(FILE *out, uint32_t stage) {
  fprintf(out, "  subgraph s%u[\"stage %u\"]\n", (unsigned)stage, (unsigned)stage);
}

static void print_mermaid_box(FILE *out, const struct box *box) {
  static const char *const open[] = {[SHAPE_SOURCE] = "([", [SHAPE_STEP] = "[", [SHAPE_STATE] = "[(",
                                     [SHAPE_STREAM] = "(", [SHAPE_SINK] = "[["};
  static const char *const close[] = {[SHAPE_SOURCE] = "])", [SHAPE_STEP] = "]",
                                      [SHAPE_STATE] = ")]", [SHAPE_STREAM] = ")",
                                      [SHAPE_SINK] = "]]"};
  fprintf(out, "    n%u%s\"", (unsigned)box->id, open[box->shape]);
  print_escaped(out, box->title, false);
  if (box->detail) fputs("<br/>", out);
  if (box->detail) print_escaped(out, box->detail, false);
  fprintf(out, "\"%s\n", close[box->shape]);
}

static void print_mermaid_arrow(FILE *out, const struct arrow *arrow) {
  fprintf(out, "  n%u %s", (unsigned)arrow->from->id, arrow->exchange ? "==>" : "-->");
  if (arrow->exchange || arrow->label) {
    fputs("|\"", out);
    print_escaped(out, arrow->label ? arrow->label : "", false);
    if (arrow->label && arrow->exchange) fputs("<br/>", out);
    if (arrow->exchange) fputs("by ", out);
    if (arrow->exchange) print_escaped(out, arrow->exchange, false);
    fputs("\"|", out);
  }
  fprintf(out, " n%u\n", (unsigned)arrow->to->id);
}

void graph_mermaid(struct compiler *compiler, FILE *out) {
  const struct drawing *drawing = drawing_make(compiler);
  fputs("flowchart TD\n", out);
  each_stage(drawing, out, open_subgraph, print_mermaid_box, "  end\n");
  vec_each(struct box *, box, &drawing->boxes)
    vec_each(struct arrow *, arrow, &(*box)->out) print_mermaid_arrow(out, *arrow);
}
