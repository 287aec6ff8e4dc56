/* Closing and committing epochs: the answers of epoch.c put into effect. */
#include "engine.h"

#include "crew.h"
#include "flow/state.h"
#include "mem.h"

#include <string.h>

int64_t engine_clock(const struct engine *e) {
  const struct virtual_clock *clock = &e->clock;
  return clock->is_used ? clock->start_us + e->epoch.number * clock->step_us
                        : e->sys->realtime_us(e->sys);
}

void engine_open_epoch(struct engine *e) {
  if (!e->epoch.is_open) {
    epoch_open(&e->epoch, engine_clock(e), e->sys->monotonic_us(e->sys));
    e->worker.now_us = e->epoch.now_us;
    e->worker.epoch = e->epoch.number;
    e->worker.record = 0;
    e->worker.step = 0;
    e->worker.order.block = 0; /* before the first one */
  }
  e->idle_since_us = 0;
}

enum flow_status engine_begin_epoch(struct engine *e) {
  bool is_new = !e->epoch.is_open;
  engine_open_epoch(e);
  return is_new ? engine_fire_timers(e, false) : FLOW_OK;
}

uint64_t engine_rows_out(const struct engine *e) {
  uint64_t rows = 0;
  for (uint32_t i = 0; i < e->program->sink_count; i++) rows += e->worker.sinks[i].rows;
  return rows;
}

/* -- packing */

/* Packs that `on end` has run in this epoch, or that nothing came since it ran. A run that is
 * killed between its last record and its hooks must not lose them, and a later one must not repeat
 * them. */
static void pack_end(struct engine *e, const struct commit_epoch *closed, bool ends) {
  if (!ends && (closed->records_in > 0 || e->ended_at != closed->number - 1)) return;
  struct flow_buf *out = &e->held.data;
  bool is_new = e->ended_at < 0;
  flow_put_entry(out, 0, is_new ? FLOW_DELTA_KEY : 0);
  size_t mark = flow_put_open(out);
  if (is_new) {
    flow_put_byte(out, 0);
    flow_put_close(out, mark);
    mark = flow_put_open(out);
  }
  flow_put_int(out, closed->number);
  flow_put_close(out, mark);
  e->ended_at = closed->number;
}

/* The tables of all shares, closed by all workers at the same time. */
struct closing {
  struct engine *engine;
  size_t *ends; /* [share * state_count + state]: where the part ends in the share's buffer */
};

/* Packs what the epoch changed in a share, if there is a store, and begins its next epoch. */
static void close_share(void *context, uint32_t share) {
  const struct closing *closing = context;
  struct engine *e = closing->engine;
  for (uint32_t i = 0; i < e->program->state_count; i++) {
    struct flow_table *t = &e->shares[share].tables[i];
    if (e->store != NULL) {
      struct flow_buf *out = &e->held.shares[share];
      flow_table_line_up(t);
      e->program->states[i].pack(t, out);
      closing->ends[share * e->program->state_count + i] = out->length;
    } else {
      flow_table_epoch_reset(t);
    }
  }
}

/* Rows that are not worth waking threads for. */
#define FEW_ROWS 1024

static void close_shares(struct engine *e) {
  uint32_t states = e->program->state_count, count = e->worker_count;
  struct closing closing = {.engine = e};
  size_t touched = 0;
  for (uint32_t i = 0; i < count * states; i++) {
    touched += e->shares[i / states].tables[i % states].touched_count;
  }
  closing.ends = flow_sys_must_alloc(e->sys, (count * states + 1) * sizeof *closing.ends);
  size_t *starts = flow_sys_must_alloc(e->sys, count * sizeof *starts);
  commit_group_reserve_shares(&e->held, e->sys, count);
  for (uint32_t i = 0; i < count; i++) starts[i] = e->held.shares[i].length;
  if (e->crew != NULL && touched > FEW_ROWS) {
    crew_call(e->crew, close_share, &closing);
  } else {
    for (uint32_t i = 0; i < count; i++) close_share(&closing, i);
  }
  const uint16_t *numbers = e->numbers + e->program->source_count + e->program->sink_count;
  for (uint32_t i = 0; e->store != NULL && i < states; i++) {
    for (uint32_t share = 0; share < count; share++) {
      size_t end = closing.ends[share * states + i];
      const struct commit_part part = {numbers[i], share + 1, starts[share], end - starts[share]};
      commit_group_add_part(&e->held, e->sys, &part);
      starts[share] = end;
    }
  }
  e->sys->free(e->sys, starts);
  e->sys->free(e->sys, closing.ends);
}

/* Packs what the epoch changed, but for the states. */
static enum flow_status pack_epoch(struct engine *e, const struct commit_epoch *closed, bool ends) {
  const struct flow_program *p = e->program;
  struct commit_group *held = &e->held;
  const uint16_t *number = e->numbers;
  commit_group_open(held, e->sys, closed);
  for (uint32_t i = 0; i < p->source_count; i++) {
    commit_group_open_part(held, e->sys, *number++);
    enum flow_status status = source_pack(&e->sources[i], &held->data, &e->report);
    if (status != FLOW_OK) return status;
    commit_group_close_part(held);
  }
  for (uint32_t i = 0; i < p->sink_count; i++) {
    commit_group_open_part(held, e->sys, *number++);
    enum flow_status status = sink_pack(&e->sinks[i], &held->data, &e->report);
    if (status != FLOW_OK) return status;
    commit_group_close_part(held);
  }
  number += p->state_count;
  if (p->mark_count > 0) {
    commit_group_open_part(held, e->sys, *number++);
    marks_pack(&e->marks, &held->data);
    commit_group_close_part(held);
  }
  if (e->has_end) {
    commit_group_open_part(held, e->sys, *number);
    pack_end(e, closed, ends);
    commit_group_close_part(held);
  }
  return FLOW_OK;
}

/* The counters that a replay goes back to. */
static void mark_closed(struct engine *e) {
  e->tally_closed = e->worker.tally;
  e->rows_closed = engine_rows_out(e);
}

enum flow_status engine_close_epoch(struct engine *e, bool ends) {
  const struct flow_program *p = e->program;
  e->worker.record = e->epoch.records;
  if (!engine_run_hooks(e, ends)) return engine_stop_at_hook(e, false);
  engine_number_rows(e);
  size_t bytes_before = commit_group_bytes(&e->held);
  const struct commit_epoch closed = {.number = e->epoch.number,
                                      .now_us = e->epoch.now_us,
                                      .records_in = e->epoch.records,
                                      .records_out = engine_rows_out(e) - e->rows_closed,
                                      .records_rejected = e->worker.tally.rejected - e->tally_closed.rejected};
  if (e->store != NULL) {
    enum flow_status status = pack_epoch(e, &closed, ends);
    if (status != FLOW_OK) return status;
  }
  close_shares(e);
  for (uint32_t i = 0; i < p->source_count; i++) source_forget(&e->sources[i]);
  for (uint32_t i = 0; i < p->sink_count; i++) e->worker.sinks[i].mark_record = UINT64_MAX;
  sequencer_log_clear(&e->log);
  e->totals.records_in += closed.records_in;
  e->totals.records_out += closed.records_out;
  e->totals.records_rejected += closed.records_rejected;
  e->totals.records_late += e->worker.tally.late - e->tally_closed.late;
  e->totals.epochs++;
  mark_closed(e);
  epoch_closed(&e->epoch, commit_group_bytes(&e->held) - bytes_before);
  return FLOW_OK;
}

/* -- committing */

enum flow_status engine_flush(struct engine *e) {
  for (uint32_t i = 0; i < e->program->sink_count; i++) {
    enum flow_status status = sink_flush(&e->sinks[i], &e->stop, &e->report);
    if (status != FLOW_OK) return status;
  }
  return FLOW_OK;
}

enum flow_status engine_look_at_commit(struct engine *e) {
  if (!e->epoch.is_committing || !committer_is_done(e->committer)) return FLOW_OK;
  epoch_committed(&e->epoch);
  return committer_status(e->committer, &e->report);
}

/* Hands the closed epochs to the committer, which is waited for if it is busy. Without a store
 * there is nothing to do but to write the output. */
static enum flow_status submit(struct engine *e) {
  enum flow_status status = engine_flush(e);
  if (status != FLOW_OK || e->epoch.held_count == 0) return status;
  if (e->store != NULL) {
    struct commit_sync sync;
    for (uint32_t i = 0; i < e->program->sink_count; i++) {
      while (sink_take_sync(&e->sinks[i], &sync)) commit_group_add_sync(&e->held, e->sys, &sync);
    }
    status = committer_submit(e->committer, &e->held, &e->report);
    if (status != FLOW_OK) return status;
  }
  epoch_submitted(&e->epoch, e->sys->monotonic_us(e->sys));
  if (e->store == NULL) epoch_committed(&e->epoch);
  return FLOW_OK;
}

enum flow_status engine_commit(struct engine *e) {
  enum flow_status status = submit(e);
  if (status != FLOW_OK || e->store == NULL) return status;
  epoch_committed(&e->epoch);
  return committer_wait(e->committer, &e->report);
}

enum flow_status engine_settle(struct engine *e, enum epoch_event event) {
  enum flow_status status = engine_look_at_commit(e);
  if (status != FLOW_OK) return status;
  unsigned todo = epoch_decide(&e->epoch, &e->policy, event, e->sys->monotonic_us(e->sys));
  if (todo & EPOCH_CLOSE) status = engine_close_epoch(e, false);
  if (status != FLOW_OK || (todo & (EPOCH_COMMIT | EPOCH_WAIT)) == 0) return status;
  return todo & EPOCH_WAIT ? engine_commit(e) : submit(e);
}
