/* nexmark(events: N): the first N events of NEXMark, made as they are read (flow/nexmark.h).
 *
 * To the source it is a file with a byte for each event, so a position is the number of an event, and a run
 * with more events goes on where one with less has ended. The location of the source is N. */
#include "source.h"

#include "flow/number.h"

#include <string.h>

/* The name of its entry among the source's files. No file has it, so a source that was a file is not
 * taken for one that was generated. */
#define ENTRY "nexmark()"

static bool read_count(const char *text, uint64_t *count) {
  int64_t value;
  if (flow_parse_int(text, strlen(text), &value) != NULL || value < 0) return false;
  *count = (uint64_t)value;
  return true;
}

/* Behind the last event that is a record: blanks at the end would be one of their own. */
static uint64_t end_of(const char *cycle, uint64_t count) {
  size_t length = strlen(cycle);
  while (count > 0 && cycle[(count - 1) % length] != '\n') count--;
  return count;
}

static enum flow_status nexmark_open(struct source *s, struct flow_report *report) {
  uint64_t count;
  if (!read_count(s->location, &count)) {
    flow_report_fail(report, FLOW_E_USAGE,
                     "source `%s` generates events, and `%s` is not a number of them",
                     s->desc->name, s->location);
    flow_report_help(report, "say how many:  --source %s=1000000", s->desc->name);
    return report->status;
  }
  uint32_t number;
  input_begin(&s->input);
  enum flow_status status = input_generated(&s->input, ENTRY, &number, report);
  if (status == FLOW_OK) status = input_end(&s->input, report);
  if (status != FLOW_OK) return status;
  s->consumed = s->input.files[number].now.length;
  s->reader.cycle_end = end_of(s->desc->cycle, count);
  return source_switch(s, number, true, report);
}

static enum flow_status nexmark_next(struct source *s, int64_t now_us, struct flow_report *report) {
  (void)now_us;
  s->state = PARTITION_END;
  return source_leave(s, report);
}

const struct flow_connector flow_connector_nexmark = {
    .name = "nexmark",
    .is_readable = true,
    .open = nexmark_open,
    .next = nexmark_next,
};
