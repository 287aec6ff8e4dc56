#include "tools/topics.h"

#include <string.h>

#include "front/accumulator.h"
#include "front/builtin.h"
#include "front/library.h"
#include "io/io.h"
#include "ops/op.h"

const char *topic_kind_name(enum topic_kind kind) {
  static const char *const names[] = {
      [TOPIC_STAGE] = "op",
      [TOPIC_AGGREGATE] = "aggregate",
      [TOPIC_FUNCTION] = "fn",
      [TOPIC_CONNECTOR] = "connector",
      [TOPIC_FORMAT] = "format",
  };
  return names[kind];
}

const char *topic_kind_noun(enum topic_kind kind) {
  static const char *const nouns[] = {
      [TOPIC_STAGE] = "stage",
      [TOPIC_AGGREGATE] = "aggregate",
      [TOPIC_FUNCTION] = "function",
      [TOPIC_CONNECTOR] = "connector",
      [TOPIC_FORMAT] = "format",
  };
  return nouns[kind];
}

const char *topic_kind_heading(enum topic_kind kind) {
  static const char *const headings[] = {[TOPIC_STAGE] = "Stages",
                                         [TOPIC_AGGREGATE] = "Aggregates, in |> aggregate { … }",
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

static void add_aggregates(struct arena *arena, struct topic_list *list) {
  size_t count;
  const struct aggregate *aggregates = aggregate_all(&count);
  for (size_t i = 0; i < count; i++) {
    const struct aggregate *row = &aggregates[i];
    vec_push(arena, list,
             (struct topic){.kind = TOPIC_AGGREGATE,
                            .name = row->name,
                            .syntax = row->syntax,
                            .summary = row->doc,
                            .example = arena_printf(arena, "  %s   # of value 3, 1, 3 and sensor a, b, a → %s\n",
                                                    row->example, row->gives)});
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

/* Of the standard library, what is called like a function or stands like a stage. */
static void add_library(struct arena *arena, struct topic_list *list, enum library_kind kind) {
  struct library_entries entries = library_entries(arena);
  bool is_step = kind == LIBRARY_STEP;
  vec_each(const struct library_entry, entry, &entries) {
    if (entry->kind != kind) continue;
    vec_push(arena, list,
             (struct topic){.kind = is_step ? TOPIC_STAGE : TOPIC_FUNCTION,
                            .name = entry->name,
                            .syntax = arena_printf(arena, "%s%s", is_step ? "|> " : "", entry->syntax),
                            .summary = entry->summary,
                            .example = entry->example});
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
  add_library(arena, &list, LIBRARY_STEP);
  add_aggregates(arena, &list);
  add_functions(arena, &list);
  add_library(arena, &list, LIBRARY_FUNCTION);
  add_connectors(arena, &list);
  add_formats(arena, &list);
  return list;
}
