/* stdin: a stream. It has no positions: a new run reads what its stdin has. */
#include "source.h"

static enum flow_status stdin_open(struct source *s, struct flow_report *report) {
  return source_stream(s, 0, false, "stdin", report);
}

static enum flow_status stdin_next(struct source *s, int64_t now_us, struct flow_report *report) {
  (void)now_us;
  (void)report;
  s->state = PARTITION_END;
  return FLOW_OK;
}

const struct flow_connector flow_connector_stdin = {
    .name = "stdin",
    .is_readable = true,
    .open = stdin_open,
    .next = stdin_next,
};
