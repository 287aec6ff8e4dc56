#include "tools/topics.h"

#include <string.h>

#include "front/builtin.h"
#include "io/io.h"
#include "ops/op.h"

const char *topic_kind_name(enum topic_kind kind) {
  static const char *const names[] = {[TOPIC_STAGE] = "op", [TOPIC_FUNCTION] = "fn",
                                      [TOPIC_CONNECTOR] = "connector", [TOPIC_FORMAT] = "format"};
  return names[kind];
}

const char *topic_kind_noun(enum topic_kind kind) {
  static const char *const nouns[] = {[TOPIC_STAGE] = "stage", [TOPIC_FUNCTION] = "function",
                                      [TOPIC_CONNECTOR] = "connector", [TOPIC_FORMAT] = "format"};
  return nouns[kind];
}

const char *topic_kind_heading(enum topic_kind kind) {
  static const char *const headings[] = {[TOPIC_STAGE] = "Stages",
                                         [TOPIC_FUNCTION] = "Functions, f(x, y) or x.f(y)",
                                         [TOPIC_CONNECTOR] = "Connectors, behind a source or sink",
                                         [TOPIC_FORMAT] = "Formats, inside a connector"};
  return headings[kind];
}

static void add_stages(struct arena *arena, struct topic_list *list) {
  size_t count;
  const struct op *const *ops = op_all(&count);
  for (size_t i = 0; i < count; i++) {
    const struct op *op = ops[i];
    /* `key by` is one verb of two words; its row has the first. */
    const char *name = strncmp(op->syntax, "key by ", 7) == 0 ? "key by" : op->name;
    vec_push(arena, list,
             (struct topic){.kind = TOPIC_STAGE,
                            .name = name,
                            .syntax = arena_printf(arena, "|> %s", op->syntax),
                            .summary = op->summary,
                            .example = op->example});
  }
}

static void add_functions(struct arena *arena, struct topic_list *list) {
  size_t count;
  const struct builtin *builtins = builtin_all(&count);
  for (size_t i = 0; i < count; i++) {
    const struct builtin *builtin = &builtins[i];
    vec_push(arena, list,
             (struct topic){.kind = TOPIC_FUNCTION,
                            .name = builtin->name,
                            .syntax = builtin->syntax,
                            .summary = builtin->doc,
                            .example = arena_printf(arena, "  %s\n", builtin->example),
                            .can_fail = builtin->can_fail,
                            .can_fault = builtin->can_fault});
  }
}

static void add_connectors(struct arena *arena, struct topic_list *list) {
  size_t count;
  const struct connector *const *connectors = connector_all(&count);
  for (size_t i = 0; i < count; i++)
    vec_push(arena, list,
             (struct topic){.kind = TOPIC_CONNECTOR,
                            .name = connectors[i]->name,
                            .syntax = connectors[i]->syntax,
                            .summary = connectors[i]->summary});
}

static void add_formats(struct arena *arena, struct topic_list *list) {
  size_t count;
  const struct format *const *formats = format_all(&count);
  for (size_t i = 0; i < count; i++)
    vec_push(arena, list,
             (struct topic){.kind = TOPIC_FORMAT,
                            .name = formats[i]->name,
                            .syntax = formats[i]->syntax,
                            .summary = formats[i]->summary});
}

struct topic_list topics_all(struct arena *arena) {
  struct topic_list list = {0};
  add_stages(arena, &list);
  add_functions(arena, &list);
  add_connectors(arena, &list);
  add_formats(arena, &list);
  return list;
}
