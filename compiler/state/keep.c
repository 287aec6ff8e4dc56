/* flowcc state verify, drop. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "state/state.h"

/* -- verify ---------------------------------------------------------------------------------- */

struct verdict {
  struct state_call *call;
  struct flow_buf states; /* a line, or in JSON an element, for each */
  uint64_t rows, bytes, hash;
};

static void add_sum(void *context, const struct flow_view_id *id, const struct flow_view_sum *sum) {
  struct verdict *verdict = context;
  struct flow_buf *out = &verdict->states;
  if (id->kind != FLOW_STORE_STATE) return;
  verdict->rows += sum->rows;
  verdict->bytes += sum->bytes;
  verdict->hash += sum->hash;
  if (!verdict->call->is_json) {
    state_add(out, "%016" PRIx64 "  %s: %" PRIu64 " rows, %" PRIu64 " bytes\n", sum->hash, id->name,
              sum->rows, sum->bytes);
    return;
  }
  if (out->length > 0) flow_buf_add_literal(out, ", ");
  flow_buf_add_literal(out, "{\"name\": ");
  state_add_json(out, id->name);
  state_add(out, ", \"rows\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"hash\": \"%016" PRIx64 "\"}",
            sum->rows, sum->bytes, sum->hash);
}

static void print_verdict(struct verdict *verdict, const struct flow_view_info *info) {
  struct state_call *call = verdict->call;
  struct flow_buf *out = &call->line;
  if (!call->is_json) {
    flow_buf_add(out, verdict->states.data, verdict->states.length);
    state_add(out, "%016" PRIx64 "  all states at the end of epoch %" PRId64 ": %" PRIu64
              " rows, %" PRIu64 " bytes\n", verdict->hash, info->epoch, verdict->rows,
              verdict->bytes);
    state_add(out, info->damaged < 0 ? "good" : "damaged behind epoch %" PRId64, info->newest);
    state_print_line(call);
    return;
  }
  state_add(out,
            "{\"good\": %s, \"epoch\": %" PRId64 ", \"timeline\": %" PRIu64
            ", \"rows\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"hash\": \"%016" PRIx64
            "\", \"states\": [",
            info->damaged < 0 ? "true" : "false", info->epoch, info->timeline, verdict->rows,
            verdict->bytes, verdict->hash);
  flow_buf_add(out, verdict->states.data, verdict->states.length);
  flow_buf_add_literal(out, "]");
  if (info->damaged >= 0) {
    state_add_member(out, "why");
    state_add_json(out, info->damage);
    state_add(out, ", \"resume_epoch\": %" PRId64, info->damaged);
  }
  flow_buf_add_literal(out, "}");
  state_print_line(call);
}

/* The data of some epoch is damaged, and what comes before it is good. */
static enum flow_status report_damage(struct state_call *call, const struct flow_view_info *info) {
  struct flow_report *report = &call->report;
  report->status = FLOW_E_CORRUPT;
  snprintf(report->message, sizeof report->message,
           "the saved state in %.2000s is damaged: %s; it is good up to the end of epoch %" PRId64,
           call->dir, info->damage, info->newest);
  snprintf(report->help, sizeof report->help,
           "run the flow with --resume-epoch %" PRId64 ": it goes back there and reads its input "
           "again from that point", info->damaged);
  return FLOW_E_CORRUPT;
}

/* Nothing can be shown, or what is shown is damaged. */
static void print_failure(struct state_call *call) {
  flow_buf_add_literal(&call->line, "{\"good\": false, \"epoch\": null, \"why\": ");
  state_add_json(&call->line, call->report.message);
  flow_buf_add_literal(&call->line, "}");
  state_print_line(call);
}

/* What is good is checked even if the newest epochs are damaged. */
enum flow_status state_verify(struct state_call *call) {
  struct flow_view_options options = {.dir = call->dir, .epoch = call->epoch,
                                      .since = FLOW_STORE_NEWEST, .is_good_enough = true};
  struct verdict verdict = {.call = call};
  enum flow_status status = flow_view_open(&options, &call->view, &call->report);
  if (status == FLOW_OK)
    status = flow_view_verify(call->view, add_sum, &verdict, &call->report);
  if (status == FLOW_OK) {
    const struct flow_view_info *info = flow_view_info(call->view);
    print_verdict(&verdict, info);
    if (info->damaged >= 0) status = report_damage(call, info);
  } else if (status == FLOW_E_CORRUPT && call->is_json) {
    print_failure(call);
  }
  flow_buf_free(&verdict.states);
  return status;
}

/* -- drop ------------------------------------------------------------------------------------ */

/* Looks the name up, so that a mistake is told from the lock of a run. */
static enum flow_status find_droppable(struct state_call *call, enum flow_store_kind *kind) {
  struct flow_view_options options = {.dir = call->dir, .epoch = FLOW_STORE_NEWEST,
                                      .since = FLOW_STORE_NEWEST};
  enum flow_status status = flow_view_open(&options, &call->view, &call->report);
  if (status != FLOW_OK) return status;
  const struct flow_view_id *id = state_find(call, call->words[0]);
  status = id == NULL ? FLOW_E_USAGE : FLOW_OK;
  if (id != NULL) *kind = id->kind;
  flow_view_close(call->view);
  call->view = NULL;
  if (id == NULL || *kind == FLOW_STORE_STATE || *kind == FLOW_STORE_SOURCE) return status;
  call->report.status = FLOW_E_USAGE;
  snprintf(call->report.message, sizeof call->report.message,
           "`%.200s` is no state or source, and stands in nobody's way", call->words[0]);
  return FLOW_E_USAGE;
}

enum flow_status state_drop(struct state_call *call) {
  enum flow_store_kind kind;
  enum flow_status status = find_droppable(call, &kind);
  if (status == FLOW_OK) status = flow_state_drop(call->dir, kind, call->words[0], &call->report);
  if (status != FLOW_OK) return status;
  if (call->is_json) {
    flow_buf_add_literal(&call->line, "{\"dropped\": ");
    state_add_json(&call->line, call->words[0]);
    flow_buf_add_char(&call->line, '}');
  } else {
    state_add(&call->line, "the %s `%.255s` is forgotten", state_kind(kind), call->words[0]);
  }
  state_print_line(call);
  return FLOW_OK;
}
