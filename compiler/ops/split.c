/* split: each row goes to the first arm whose condition holds. */
#include "back/emit.h"
#include "front/check.h"
#include "middle/lower.h"
#include "ops/op.h"

/* The first arm without a condition takes what is left; there must be one, at the end. */
static void check_else(struct checker *c, const struct stage *stage) {
  struct diags *diags = &check_compiler(c)->diags;
  const struct split_arm *otherwise = NULL;
  vec_each(const struct split_arm, arm, &stage->arms) {
    if (otherwise != NULL) {
      struct diag *diag =
          diag_warning(diags, W0905, arm->target.span, "this arm is never reached");
      diag_label(diag, otherwise->target.span, "takes everything");
    } else if (arm->condition == NULL) {
      otherwise = arm;
    }
  }
  if (otherwise != NULL) return;
  struct diag *diag =
      diag_error(diags, E0305, stage->verb.span, "this split does not say what becomes of the rest");
  diag_help(diag, "add an arm  else => NAME  or  else => skip");
}

static void check_split(struct checker *c, struct stage *stage) {
  stage->out_item = NULL;
  stage->out_key = NULL;
  vec_each(struct split_arm, arm, &stage->arms) {
    if (arm->condition != NULL)
      arm->condition = check_expr(c, arm->condition, check_types(c)->bool_);
    if (!arm->is_skip) check_target(c, arm->target, stage->in_item, stage->in_key, true);
  }
  check_else(c, stage);
}

/* Arms of one target share a stream, each through a port of its own; port 0 stays unused. */
static void lower_split(struct lower *l, struct stage *stage, struct node *node) {
  vec_each(struct split_arm, arm, &stage->arms) {
    uint32_t port = lower_add_port(l, node, arm->is_skip ? NULL : stage->in_item);
    if (!arm->is_skip) lower_connect_name(l, node, port, arm->target);
  }
}

static const char *arm_name(struct emit *e, size_t arm) {
  return arena_printf(&e->compiler->arena, "%zu", arm + 1);
}

static void emit_split_functions(struct emit *e, const struct node *node) {
  const struct split_arm_list *arms = &node->stage->arms;
  for (size_t i = 0; i < arms->count; i++)
    if (arms->data[i].condition != NULL)
      emit_user_function(e, node, arm_name(e, i), arms->data[i].condition);
}

/* Conditions are nested, because each one is evaluated only where those before it do not hold. */
static void emit_arm(struct emit *e, const struct node *node, const char *row, size_t index) {
  const struct split_arm_list *arms = &node->stage->arms;
  if (index == arms->count) return;
  const struct split_arm *arm = &arms->data[index];
  if (arm->condition == NULL) {
    emit_push(e, node, (uint32_t)index + 1, row, e->key);
    return;
  }
  const char *holds = emit_user_call(e, node, arm_name(e, index), arm->condition, row);
  emit_line(e, "if (%s) {", holds + 1);
  emit_push(e, node, (uint32_t)index + 1, row, e->key);
  emit_line(e, "} else {");
  emit_arm(e, node, row, index + 1);
  emit_line(e, "}");
  emit_user_end(e, node, arm->condition);
}

static void emit_split_row(struct emit *e, const struct node *node, const char *row) {
  emit_arm(e, node, row, 0);
}

const struct op op_split = {
    .name = "split",
    .syntax = "split { CONDITION => STREAM, else => STREAM or skip }",
    .summary = "Sends each item to the stream of the first arm whose condition holds.",
    .example = "source numbers: int = stdin(text)\n"
               "numbers |> split { it < 0 => negative, else => others }\n"
               "negative |> map -it |> into stdout\n"
               "others |> into stdout\n",
    .is_terminal = true,
    .check = check_split,
    .lower = lower_split,
    .emit_functions = emit_split_functions,
    .emit_row = emit_split_row,
};
