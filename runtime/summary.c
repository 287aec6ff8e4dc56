/* What a run did, at its end, on stderr: for people, or as one line of JSON. */
#include "engine.h"

#include "flow/state.h"
#include "flow/text.h"
#include "mem.h"

#include <stdio.h>
#include <string.h>

/* What the state in memory amounts to. */
struct size {
  uint64_t entries, bytes;
};

static struct size size_of_state(const struct engine *e) {
  struct size size = {0};
  for (uint32_t j = 0; j < e->worker_count; j++) {
    const struct flow_share *share = &e->shares[j];
    size.bytes += flow_mem_bytes(share->heap);
    for (uint32_t i = 0; i < e->program->state_count; i++) {
      size.entries += share->tables[i].row_count;
      size.bytes += flow_table_bytes(&share->tables[i]);
    }
  }
  return size;
}

static bool writes_stdout(const struct engine *e) {
  bool writes = false;
  for (uint32_t i = 0; i < e->program->sink_count; i++) {
    writes |= e->sinks[i].connector->target == CONNECTOR_STDOUT;
  }
  return writes;
}

/* Which epochs --resume-epoch gave up. File sinks were cut back; what stdout got cannot be. */
static void add_taken_back(const struct engine *e, struct flow_buf *out) {
  long long first = (long long)e->resumed_at + 1, last = (long long)e->taken_back;
  message_add(out, "  went back ");
  if (first == 0)
    message_add(out, "to the start: ");
  else
    message_add(out, "behind epoch %lld: ", first - 1);
  if (first == last)
    message_add(out, "epoch %lld runs again", first);
  else
    message_add(out, "epochs %lld to %lld run again", first, last);
  message_add(out, writes_stdout(e) ? ", and stdout gets their lines once more\n" : "\n");
}

static void add_files(struct flow_buf *out, const char *what, uint32_t count,
                      const struct flow_buf *names) {
  if (count == 0) return;
  message_add(out, "    %s: %u, %.*s%s\n", what, count, (int)names->length, names->data,
              count > INPUT_NAMES ? ", …" : "");
}

/* A source that is not where it was: what went on there, and what is read from its start. */
static void add_moved(const struct input *in, struct flow_buf *out) {
  message_add(out, "  source `%s` has moved: it was `%s` and is `%s`\n", in->source, in->came_from,
              in->place);
  if (in->went_on + in->added == 0) message_add(out, "    no file is there yet\n");
  add_files(out, "read on", in->went_on, &in->went_on_names);
  add_files(out, "new", in->added, &in->added_names);
}

/* The same as a member of the JSON object. */
static void add_moved_json(const struct engine *e, struct flow_buf *out) {
  uint32_t moved = 0;
  for (uint32_t i = 0; i < e->program->source_count; i++) {
    const struct input *in = &e->sources[i].input;
    if (in->came_from == NULL) continue;
    message_add(out, moved++ == 0 ? ", \"moved\": {" : ", ");
    flow_print_json_bytes(out, in->source, strlen(in->source));
    message_add(out, ": {\"read_on\": %u, \"new\": %u}", in->went_on, in->added);
  }
  if (moved > 0) message_add(out, "}");
}

static void add_text(struct engine *e, struct flow_buf *out, double seconds, bool flushed) {
  const struct totals *t = &e->totals;
  struct size size = size_of_state(e);
  message_add(out, "%s: %llu in, %llu out, %llu rejected", e->program->name,
              (unsigned long long)t->records_in, (unsigned long long)t->records_out,
              (unsigned long long)t->records_rejected);
  if (e->program->counts_late) message_add(out, ", %llu late", (unsigned long long)t->records_late);
  message_add(out, ", %llu epoch%s, %.3f s\n", (unsigned long long)t->epochs,
              t->epochs == 1 ? "" : "s", seconds);
  if (e->program->state_count > 0) {
    message_add(out, "  state: %llu entries, %llu bytes", (unsigned long long)size.entries,
                (unsigned long long)size.bytes);
    if (e->store == NULL)
      message_add(out, " in memory, not kept");
    else
      message_add(out, ", kept in %s as of epoch %lld", e->options.state_dir,
                  (long long)e->epoch.number - 1);
    message_add(out, "\n");
  }
  if (e->taken_back > e->resumed_at) {
    add_taken_back(e, out);
  } else if (e->resumed_at >= 0) {
    message_add(out, "  resumed behind epoch %lld\n", (long long)e->resumed_at);
  }
  if (e->has_end) {
    message_add(out, "  end of input: %s\n",
                flushed ? "flushed: what waits for its end has come out"
                        : "kept open: what waits for its end is saved");
  }
  if (e->migrated != NULL) message_add(out, "  migrated: %s\n", e->migrated);
  for (uint32_t i = 0; i < e->program->source_count; i++) {
    const struct input *in = &e->sources[i].input;
    if (in->came_from != NULL) add_moved(in, out);
    if (in->renamed > 0)
      message_add(out, "  source `%s`: %u renamed file%s went on\n", in->source, in->renamed,
                  in->renamed == 1 ? "" : "s");
  }
}

static void add_json(struct engine *e, struct flow_buf *out, double seconds, bool flushed) {
  const struct totals *t = &e->totals;
  struct size size = size_of_state(e);
  message_add(out, "{\"flow\": ");
  flow_print_json_bytes(out, e->program->name, strlen(e->program->name));
  message_add(out, ", \"in\": %llu, \"out\": %llu, \"rejected\": %llu, \"late\": %llu, \"epochs\": %llu",
              (unsigned long long)t->records_in, (unsigned long long)t->records_out,
              (unsigned long long)t->records_rejected, (unsigned long long)t->records_late,
              (unsigned long long)t->epochs);
  message_add(
      out, ", \"state_entries\": %llu, \"state_bytes\": %llu, \"seconds\": %.6f, \"flushed\": %s",
      (unsigned long long)size.entries, (unsigned long long)size.bytes, seconds,
      flushed ? "true" : "false");
  if (e->store == NULL) {
    message_add(out, ", \"state_dir\": null}\n");
    return;
  }
  message_add(out, ", \"state_dir\": ");
  flow_print_json_bytes(out, e->options.state_dir, strlen(e->options.state_dir));
  message_add(out, ", \"resumed_epoch\": ");
  if (e->resumed_at >= 0)
    message_add(out, "%lld", (long long)e->resumed_at);
  else
    message_add(out, "null");
  message_add(out, ", \"epochs_taken_back\": %lld", (long long)(e->taken_back - e->resumed_at));
  message_add(out, ", \"epoch\": ");
  if (e->epoch.number > 0)
    message_add(out, "%lld", (long long)e->epoch.number - 1);
  else
    message_add(out, "null");
  add_moved_json(e, out);
  message_add(out, "}\n");
}

void summary_print(struct engine *e, bool flushed_at_end) {
  enum options_summary how = e->options.summary;
  if (how == SUMMARY_AUTO) {
    struct flow_file_info info;
    bool is_terminal = e->sys->fstat(e->sys, 2, &info) == 0 && info.kind == FLOW_FILE_TERMINAL;
    how = is_terminal ? SUMMARY_TEXT : SUMMARY_NONE;
  }
  if (how == SUMMARY_NONE) return;
  double seconds = (double)(e->sys->monotonic_us(e->sys) - e->started_us) / 1e6;
  struct flow_buf text = {0};
  if (how == SUMMARY_TEXT)
    add_text(e, &text, seconds, flushed_at_end);
  else
    add_json(e, &text, seconds, flushed_at_end);
  engine_print(e, &text);
  flow_buf_free(&text);
}
