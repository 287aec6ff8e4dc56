/* flowcc graph: a tree with lines. A number in front of a line is the stage that the step is fused
 * into; rows that meet are shown once, where the first of them arrive. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tools/drawing.h"

struct tree {
  FILE *out;
  struct text prefix; /* the lines of the branches around */
  bool *is_drawn;     /* by id of the box */
};

static void print_line(const struct tree *tree, uint32_t stage, const char *branch) {
  if (stage > 0) fprintf(tree->out, "%3u  ", (unsigned)stage);
  else fprintf(tree->out, "     ");
  fprintf(tree->out, "%s%s", tree->prefix.data, branch);
}

static void print_box(struct tree *tree, const struct box *box, const char *branch) {
  print_line(tree, box->stage, branch);
  fprintf(tree->out, "%s", box->title);
  if (box->detail) fprintf(tree->out, "  %s", box->detail);
  fputc('\n', tree->out);
}

static void print_from(struct tree *, const struct box *);

static void cut(struct text *text, size_t length) {
  text->length = length;
  text->data[length] = '\0';
}

/* The rows of one arrow, and all that becomes of them. `branch` and `below` are what stands in front
 * of its first line and of the others; both are empty where nothing branches. */
static void print_arrow(struct tree *tree, const struct arrow *arrow, const char *branch,
                        const char *below) {
  size_t length = tree->prefix.length;
  const char *first = branch;
  if (arrow->label) {
    print_line(tree, arrow->from->stage, first);
    fprintf(tree->out, "%s:\n", arrow->label);
    first = below;
  }
  if (arrow->exchange) {
    print_line(tree, 0, first);
    fprintf(tree->out, "══ to the worker of the key, %s ══\n", arrow->exchange);
    first = below;
  }
  if (tree->is_drawn[arrow->to->id]) {
    print_line(tree, arrow->to->stage, first);
    fprintf(tree->out, "→ %s, above\n", arrow->to->title);
    return;
  }
  print_box(tree, arrow->to, first);
  text_add(&tree->prefix, below);
  print_from(tree, arrow->to);
  cut(&tree->prefix, length);
}

/* What comes behind a box. */
static void print_from(struct tree *tree, const struct box *box) {
  tree->is_drawn[box->id] = true;
  for (size_t i = 0; i < box->out.count; i++) {
    bool is_alone = box->out.count == 1, is_last = i + 1 == box->out.count;
    const char *branch = is_alone ? "" : is_last ? "└─ " : "├─ ";
    const char *below = is_alone ? "" : is_last ? "   " : "│  ";
    print_arrow(tree, box->out.data[i], branch, below);
  }
}

static const char *plural(uint32_t count) {
  return count == 1 ? "" : "s";
}

void graph_text(struct compiler *compiler, FILE *out) {
  const struct drawing *drawing = drawing_make(compiler);
  struct tree tree = {.out = out};
  text_init(&tree.prefix, &compiler->arena);
  tree.is_drawn = arena_zalloc(&compiler->arena, drawing->boxes.count + 1);
  fprintf(out, "flow %s: %u fused stage%s, %u exchange%s\n", drawing->flow,
          (unsigned)drawing->stage_count, plural(drawing->stage_count),
          (unsigned)drawing->exchange_count, plural(drawing->exchange_count));
  vec_each(struct box *, box, &drawing->boxes) {
    if ((*box)->in.count > 0) continue;
    fputc('\n', out);
    print_box(&tree, *box, "");
    print_from(&tree, *box);
  }
}
