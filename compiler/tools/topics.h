/* Everything of the language that has a name and a description: stages, aggregates, functions, connectors,
 * formats. One view of the tables that checker and emitter use, so help cannot say anything else
 * than they do. */
#ifndef FLOWCC_TOOLS_TOPICS_H
#define FLOWCC_TOOLS_TOPICS_H

#include "base/arena.h"
#include "base/vec.h"

#include <stdbool.h>

enum topic_kind {
  TOPIC_STAGE,
  TOPIC_AGGREGATE,
  TOPIC_FUNCTION,
  TOPIC_CONNECTOR,
  TOPIC_FORMAT,
  TOPIC_KINDS,
};

struct topic {
  enum topic_kind kind;
  const char *name;
  const char *syntax;  /* "insert(list, index, value)", "|> filter CONDITION" */
  const char *summary; /* one sentence */
  const char *example; /* whole lines: a program, or expressions that are true; or null */
  bool can_fail, can_fault;
};
VEC_OF(topic_list, struct topic);

/* All of them, kind by kind, in the order of their tables; the list lives in the arena. */
struct topic_list topics_all(struct arena *);

/* "op", "fn", …: how the command line and JSON name a kind; "stage", "function", …; and its heading
 * in a list. */
const char *topic_kind_name(enum topic_kind);
const char *topic_kind_noun(enum topic_kind);
const char *topic_kind_heading(enum topic_kind);

#endif
