/* flowcc state backup, restore. */
#include <inttypes.h>
#include <stdio.h>

#include "state/state.h"

enum flow_status state_backup(struct state_call *call) {
  const char *url = call->words[0];
  int64_t epoch;
  enum flow_status status = flow_state_backup(call->dir, url, call->s3_endpoint, &epoch, &call->report);
  if (status != FLOW_OK) return status;
  if (call->is_json) state_add(&call->line, "{\"epoch\": %" PRId64 "}", epoch);
  else state_add(&call->line, "%.200s is in the backup up to epoch %" PRId64, call->dir, epoch);
  state_print_line(call);
  return FLOW_OK;
}

/* Here the first word is the URL, and the directory is the second. */
enum flow_status state_restore(struct state_call *call) {
  const char *url = call->dir, *dir = call->words[0];
  struct flow_state_restored restored;
  enum flow_status status =
      flow_state_restore(url, call->s3_endpoint, dir, &restored, &call->report);
  if (status != FLOW_OK) return status;
  if (restored.skipped[0] != '\0')
    fprintf(stderr, "flowcc state: the newest state in the backup cannot be used: %s\n",
            restored.skipped);
  struct flow_buf *out = &call->line;
  if (call->is_json) {
    state_add(out, "{\"epoch\": %" PRId64 ", \"saved\": \"", restored.epoch);
    flow_print_timestamp(out, restored.wall_us);
    flow_buf_add_literal(out, "\"}");
  } else {
    state_add(out, "%.200s has the state of epoch %" PRId64 ", saved ", dir, restored.epoch);
    flow_print_timestamp(out, restored.wall_us);
  }
  state_print_line(call);
  return FLOW_OK;
}
