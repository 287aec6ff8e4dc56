#include "ops/op.h"

#include <string.h>

static const struct op *const rows[] = {
#define OP(name) &op_##name,
#include "ops/ops.def"
#undef OP
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

const struct op *op_find(const char *name) {
  for (size_t i = 0; i < ROW_COUNT; i++) {
    if (strcmp(rows[i]->name, name) == 0) return rows[i];
  }
  return NULL;
}

const struct op *const *op_all(size_t *count) {
  *count = ROW_COUNT;
  return rows;
}
