/* flowcc state epochs, diff. */
#include <inttypes.h>
#include <stdio.h>

#include "state/state.h"

/* -- epochs ---------------------------------------------------------------------------------- */

static void add_time(struct flow_buf *out, int64_t time_us) {
  if (flow_time_is_valid(time_us)) flow_print_timestamp(out, time_us);
  else flow_buf_add_char(out, '-');
}

/* The first epoch that --resume-epoch may name. The state at the end of the base's own epoch can be
 * shown, but what that epoch began with is gone. */
static int64_t first_to_resume(const struct flow_view_info *info) {
  return info->can_restart ? 0 : info->oldest + 1;
}

static bool print_epoch_json(struct state_call *call, const struct flow_store_epoch_info *epoch) {
  struct flow_buf *out = &call->line;
  state_add(out, "{\"epoch\": %" PRId64 ", \"timeline\": %" PRIu64 ", \"committed\": \"",
            epoch->number, epoch->timeline);
  add_time(out, epoch->wall_us);
  state_add(out,
            "\", \"records\": %" PRIu64 ", \"rejected\": %" PRIu64 ", \"out\": %" PRIu64
            ", \"bytes\": %" PRIu64 ", \"can_resume\": %s}",
            epoch->records_in, epoch->records_rejected, epoch->records_out, epoch->bytes,
            epoch->number >= first_to_resume(flow_view_info(call->view)) ? "true" : "false");
  return state_print_line(call);
}

static bool print_epoch(void *context, const struct flow_store_epoch_info *epoch) {
  struct state_call *call = context;
  if (call->is_json) return print_epoch_json(call, epoch);
  struct flow_buf *out = &call->line;
  state_add(out, "%8" PRId64 "  ", epoch->number);
  size_t start = out->length;
  add_time(out, epoch->wall_us);
  state_add(out, "%*s  %10" PRIu64 "  %10" PRIu64 "  %10" PRIu64 "  %12" PRIu64 "  %8" PRIu64,
            (int)(out->length - start < 27 ? 27 - (out->length - start) : 0), "", epoch->records_in,
            epoch->records_rejected, epoch->records_out, epoch->bytes, epoch->timeline);
  return state_print_line(call);
}

/* What the past costs, and which --resume-epoch are possible. */
static void print_range(struct state_call *call) {
  const struct flow_view_info *info = flow_view_info(call->view);
  int64_t first = first_to_resume(info);
  state_add(&call->line, "%" PRIu64 " bytes in epochs, beside %" PRIu64 " bytes of folded rows",
            info->epoch_bytes, info->base_bytes);
  state_print_line(call);
  state_add(&call->line, "--resume-epoch takes %" PRId64 " to %" PRId64 ": ", first,
            info->newest + 1);
  if (first > info->newest) state_add(&call->line, "there is nothing to go back to");
  else state_add(&call->line, "N forgets epoch N and all behind it");
  state_print_line(call);
}

enum flow_status state_epochs(struct state_call *call) {
  const struct flow_view_info *info = flow_view_info(call->view);
  if (!call->is_json) {
    state_add(&call->line, "%8s  %-27s  %10s  %10s  %10s  %12s  %8s", "epoch", "committed",
              "records", "rejected", "out", "bytes", "timeline");
    if (info->newest >= info->oldest && !state_print_line(call)) return FLOW_OK;
    call->line.length = 0;
  }
  enum flow_status status = flow_view_epochs(call->view, print_epoch, call, &call->report);
  if (status == FLOW_OK && !call->is_json && !ferror(stdout)) print_range(call);
  if (status == FLOW_OK && info->damaged >= 0)
    fprintf(stderr, "flowcc state: %s; `flowcc state verify` says more\n", info->damage);
  return status;
}

/* -- diff ------------------------------------------------------------------------------------ */

enum flow_status state_prepare_diff(struct state_call *call, struct flow_view_options *options) {
  if (!state_read_epoch(call, call->words[0], &options->since)) return FLOW_E_USAGE;
  if (call->word_count == 2 && !state_read_epoch(call, call->words[1], &options->epoch))
    return FLOW_E_USAGE;
  return FLOW_OK;
}

struct diff {
  struct state_call *call;
  enum flow_status status;
};

/* {"state": "cart", "key": "a", "change": "changed", "old": …, "new": …} */
static bool add_change_json(struct diff *diff, const struct flow_view_change *change) {
  struct flow_buf *out = &diff->call->line;
  const char *what = change->before == NULL  ? "added"
                     : change->after == NULL ? "removed"
                                             : "changed";
  flow_buf_add_char(out, '{');
  state_add_member(out, state_kind(change->id->kind));
  state_add_json(out, change->id->name);
  state_add_member(out, "change");
  state_add_json(out, what);
  state_add_member(out, "key");
  if (!state_add_value(diff->call, change->id->key, change->key, change->key_length)) return false;
  if (change->before != NULL) {
    state_add_member(out, "old");
    if (!state_add_value(diff->call, change->id->value, change->before, change->before_length))
      return false;
  }
  if (change->after != NULL) {
    state_add_member(out, "new");
    if (!state_add_value(diff->call, change->id->value, change->after, change->after_length))
      return false;
  }
  flow_buf_add_char(out, '}');
  return true;
}

/* ~ cart "a": old value -> new value */
static bool add_change(struct diff *diff, const struct flow_view_change *change) {
  struct state_call *call = diff->call;
  const struct flow_view_id *id = change->id;
  char mark = change->before == NULL ? '+' : change->after == NULL ? '-' : '~';
  state_add(&call->line, "%c %s ", mark, id->name);
  if (!state_add_value(call, id->key, change->key, change->key_length)) return false;
  flow_buf_add_literal(&call->line, ": ");
  if (change->before != NULL &&
      !state_add_value(call, id->value, change->before, change->before_length))
    return false;
  if (mark == '~') flow_buf_add_literal(&call->line, " -> ");
  return change->after == NULL ||
         state_add_value(call, id->value, change->after, change->after_length);
}

static bool print_change(void *context, const struct flow_view_change *change) {
  struct diff *diff = context;
  bool ok = diff->call->is_json ? add_change_json(diff, change) : add_change(diff, change);
  diff->status = ok ? FLOW_OK : FLOW_E_CORRUPT;
  return ok && state_print_line(diff->call);
}

enum flow_status state_diff(struct state_call *call) {
  size_t count;
  const struct flow_view_id *const *ids = state_select(call, call->is_all, &count);
  struct diff diff = {.call = call};
  enum flow_status status =
      flow_view_changes(call->view, ids, count, print_change, &diff, &call->report);
  return status != FLOW_OK ? status : diff.status;
}
