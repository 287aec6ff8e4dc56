/* The programs that are played, and inputs for them. */
#ifndef SIM_INPUTS_H
#define SIM_INPUTS_H

#include "life.h"

enum { INPUT_SINKS = 4 };

struct input_flow {
  struct life_program program;
  const char *sinks[INPUT_SINKS]; /* files that it writes; null: no more */
  const char *unordered;          /* one of them, whose lines may come in any order; or null */
  bool sees_epochs;               /* its output depends on them: each record has one of its own */
  bool is_folder;                 /* it reads a directory */
  bool has_end;                   /* it has something to say when the input has ended */
  /* Makes input from the dice: all of it, or of a directory the files up to `part` of `parts`. */
  void (*make)(struct world *, uint32_t part, uint32_t parts);
};

extern const struct input_flow input_flows[];
extern const uint32_t input_flow_count;

#endif
