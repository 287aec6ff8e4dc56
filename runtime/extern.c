#include "flow/extern.h"

#include "flow/flow.h"

void *flow_extern_alloc(struct flow_worker *ctx, size_t size) {
  return flow_mem_alloc(ctx->arena, size > 0 ? size : 1);
}

bool flow_extern_string(struct flow_worker *ctx, const char *bytes, size_t length,
                        struct flow_str *out) {
  if (length > UINT32_MAX || flow_utf8_valid(bytes, length) != length) return false;
  struct flow_str borrowed = flow_str_make(bytes, length);
  flow_str_copy(ctx->arena, out, &borrowed);
  return true;
}
