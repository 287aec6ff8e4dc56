/* Closing and committing epochs: the answers of epoch.c put into effect. */
#include "engine.h"

#include "flow/state.h"
#include "mem.h"

#include <string.h>

/* Time that a commit spends on folding old epochs into the base. */
#define FOLD_BUDGET_US 5000

void engine_open_epoch(struct engine *e) {
  if (!e->epoch.is_open) {
    epoch_open(&e->epoch, e->sys->realtime_us(e->sys), e->sys->monotonic_us(e->sys));
    e->worker.now_us = e->epoch.now_us;
    e->worker.epoch = e->epoch.number;
    e->worker.record = 0;
  }
  e->idle_since_us = 0;
}

uint64_t engine_rows_out(const struct engine *e) {
  uint64_t rows = 0;
  for (uint32_t i = 0; i < e->program->sink_count; i++) rows += e->worker.sinks[i].rows;
  return rows;
}

/* -- packing */

/* Begins a part: what is appended to held_data from here on belongs to it. */
static void begin_part(struct engine *e, uint16_t id) {
  if (e->part_count == e->part_capacity) {
    e->part_capacity = e->part_capacity == 0 ? 64 : e->part_capacity * 2;
    e->parts = flow_sys_must_realloc(e->sys, e->parts, e->part_capacity * sizeof *e->parts);
  }
  e->parts[e->part_count] = (struct held_part){.id = id, .at = e->held_data.length};
}

/* Ends it; a part without changes is dropped. */
static void end_part(struct engine *e) {
  struct held_part *part = &e->parts[e->part_count];
  part->length = e->held_data.length - part->at;
  if (part->length > 0) e->part_count++;
}

/* Packs that `on end` has run in this epoch, or that nothing came since it ran. A run that is
 * killed between its last record and its hooks must not lose them, and a later one must not repeat
 * them. */
static void pack_end(struct engine *e, const struct held_epoch *held, bool ends) {
  if (!ends && (held->records_in > 0 || e->ended_at != held->number - 1)) return;
  bool is_new = e->ended_at < 0;
  flow_put_entry(&e->held_data, 0, is_new ? FLOW_DELTA_KEY : 0);
  size_t mark = flow_put_open(&e->held_data);
  if (is_new) {
    flow_put_byte(&e->held_data, 0);
    flow_put_close(&e->held_data, mark);
    mark = flow_put_open(&e->held_data);
  }
  flow_put_int(&e->held_data, held->number);
  flow_put_close(&e->held_data, mark);
  e->ended_at = held->number;
}

/* Packs everything that the epoch changed. */
static enum flow_status pack_epoch(struct engine *e, struct held_epoch *held, bool ends) {
  const struct flow_program *p = e->program;
  const uint16_t *number = e->numbers;
  held->first = e->part_count;
  for (uint32_t i = 0; i < p->source_count; i++) {
    begin_part(e, *number++);
    enum flow_status status = source_pack(&e->sources[i], &e->held_data, &e->report);
    if (status != FLOW_OK) return status;
    end_part(e);
  }
  for (uint32_t i = 0; i < p->sink_count; i++) {
    begin_part(e, *number++);
    sink_pack(&e->sinks[i], &e->held_data);
    end_part(e);
  }
  for (uint32_t i = 0; i < p->state_count; i++, number++) {
    begin_part(e, *number);
    for (uint32_t j = 0; j < e->worker_count; j++) {
      p->states[i].pack(&e->shares[j].tables[i], &e->held_data);
    }
    end_part(e);
  }
  if (e->has_on_end) {
    begin_part(e, *number);
    pack_end(e, held, ends);
    end_part(e);
  }
  held->count = e->part_count - held->first;
  return FLOW_OK;
}

/* The counters that a replay goes back to. */
static void mark_closed(struct engine *e) {
  e->rejected_closed = e->worker.rejected;
  e->rows_closed = engine_rows_out(e);
}

enum flow_status engine_close_epoch(struct engine *e, bool ends) {
  const struct flow_program *p = e->program;
  e->worker.record = e->epoch.records;
  if (!engine_run_hooks(e, ends)) return engine_stop_at_hook(e);
  engine_number_rows(e);
  struct held_epoch *held = &e->held[e->epoch.held_count];
  size_t bytes_before = e->held_data.length;
  *held = (struct held_epoch){.number = e->epoch.number,
                              .now_us = e->epoch.now_us,
                              .records_in = e->epoch.records,
                              .records_out = engine_rows_out(e) - e->rows_closed,
                              .records_rejected = e->worker.rejected - e->rejected_closed};
  if (e->store != NULL) {
    enum flow_status status = pack_epoch(e, held, ends);
    if (status != FLOW_OK) return status;
  }
  for (uint32_t i = 0; i < p->state_count; i++) {
    for (uint32_t j = 0; j < e->worker_count; j++) flow_table_epoch_reset(&e->shares[j].tables[i]);
  }
  for (uint32_t i = 0; i < p->source_count; i++) source_forget(&e->sources[i]);
  for (uint32_t i = 0; i < p->sink_count; i++) e->worker.sinks[i].mark_record = UINT64_MAX;
  sequencer_log_clear(&e->log);
  e->totals.records_in += held->records_in;
  e->totals.records_out += held->records_out;
  e->totals.records_rejected += held->records_rejected;
  e->totals.epochs++;
  mark_closed(e);
  epoch_closed(&e->epoch, e->held_data.length - bytes_before);
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

/* Turns the held epochs into what the store takes. */
static void describe_held(struct engine *e, size_t count) {
  if (e->part_count > e->commit_capacity) {
    e->commit_capacity = e->part_capacity;
    e->commit_parts = flow_sys_must_realloc(e->sys, e->commit_parts,
                                            e->commit_capacity * sizeof *e->commit_parts);
  }
  for (size_t i = 0; i < e->part_count; i++) {
    const struct held_part *part = &e->parts[i];
    e->commit_parts[i] =
        (struct flow_store_part){part->id, e->held_data.data + part->at, part->length};
  }
  for (size_t i = 0; i < count; i++) {
    const struct held_epoch *held = &e->held[i];
    e->commit_epochs[i] = (struct flow_store_epoch){.number = held->number,
                                                    .records_in = held->records_in,
                                                    .records_out = held->records_out,
                                                    .records_rejected = held->records_rejected,
                                                    .now_us = held->now_us,
                                                    .parts = e->commit_parts + held->first,
                                                    .part_count = held->count};
  }
}

enum flow_status engine_commit(struct engine *e) {
  enum flow_status status = engine_flush(e);
  if (status != FLOW_OK) return status;
  size_t count = (size_t)e->epoch.held_count;
  if (e->store != NULL && count > 0) {
    for (uint32_t i = 0; i < e->program->sink_count; i++) {
      status = sink_sync(&e->sinks[i], &e->report);
      if (status != FLOW_OK) return status;
    }
    describe_held(e, count);
    status = flow_store_commit(e->store, e->commit_epochs, count, &e->report);
    if (status == FLOW_OK) status = flow_store_fold(e->store, FOLD_BUDGET_US, &e->report);
    if (status != FLOW_OK) return status;
  }
  e->held_data.length = 0;
  e->part_count = 0;
  epoch_committed(&e->epoch, e->sys->monotonic_us(e->sys));
  return FLOW_OK;
}

enum flow_status engine_settle(struct engine *e, enum epoch_event event) {
  unsigned todo = epoch_decide(&e->epoch, &e->policy, event, e->sys->monotonic_us(e->sys));
  enum flow_status status = FLOW_OK;
  if (todo & EPOCH_CLOSE) status = engine_close_epoch(e, false);
  if (status == FLOW_OK && (todo & EPOCH_COMMIT)) status = engine_commit(e);
  return status;
}
