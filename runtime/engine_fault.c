/* Stops at a record (semantics, rules 14 to 16): everything before it counts, nothing of it does.
 *
 * A bad record under `else stop` needs no undoing: the block simply ends before it. A fault, or a
 * stage's `else stop`, comes when the record has changed state already. With a state directory the
 * engine drops its memory, loads the last closed epoch and runs the logged input again, up to the
 * record. Without one the run just ends there, and only the output is taken back. */
#include "engine.h"

#include "framing.h"
#include "mem.h"

#include <stdio.h>
#include <string.h>

bool engine_run(struct engine *e, const struct flow_source_desc *source, enum flow_run *result) {
  e->catcher.gave_up = GIVE_UP_NONE;
  if (setjmp(e->catcher.jump) != 0) {
    engine_leave_shares(e);
    return false;
  }
  if (e->has_marks_ended) engine_fire_marks(e);
  e->has_marks_ended = false;
  *result = source->run(&e->worker, &e->block);
  return true;
}

bool engine_run_hooks(struct engine *e, bool ends) {
  e->catcher.gave_up = GIVE_UP_NONE;
  if (setjmp(e->catcher.jump) != 0) {
    engine_leave_shares(e);
    return false;
  }
  engine_on_epoch(e);
  if (ends) engine_on_end(e);
  flow_mem_arena_reset(e->worker.arena);
  return true;
}

/* -- messages */

/* What became of the records before the stop. */
static void describe_done(const struct engine *e, const struct source *s, char *text, size_t room) {
  uint64_t records = s->is_stream ? s->records : 0;
  for (uint32_t i = 0; i < s->input.count; i++) records += s->input.files[i].now.records;
  const char *plural = records == 1 ? " is" : "s are";
  unsigned long long count = records;
  if (e->store == NULL) {
    snprintf(text, room, "%llu record%s done; nothing is kept for the next run without --state-dir",
             count, plural);
  } else if (e->epoch.number == 0) {
    snprintf(text, room, "no record is done yet, and nothing is saved in %s", e->options.state_dir);
  } else {
    snprintf(text, room, "%llu record%s done and saved in %s (epoch %lld)", count, plural,
             e->options.state_dir, (long long)(e->epoch.number - 1));
  }
}

/* Prints a message, behind all output, and sets how the run ends. */
static enum flow_status finish(struct engine *e, struct flow_buf *text, enum flow_status status) {
  engine_print(e, text);
  flow_buf_free(text);
  e->exit_code = (int)flow_status_exit(status);
  return status;
}

/* The first record at or behind `p`, which is on line `line`. False: the block ends before. */
static bool record_at(const struct engine *e, const struct source *s, const char *p, uint64_t line,
                      struct message_place *place) {
  const struct flow_block *b = &e->block;
  while (p < b->end) {
    size_t length = framing_first(s->desc->framing, p, (size_t)(b->end - p));
    if (length == 0) length = (size_t)(b->end - p);
    if (!source_is_blank(s, p, p + length)) {
      size_t text = length;
      while (text > 0 && (p[text - 1] == '\n' || p[text - 1] == '\r')) text--;
      *place = (struct message_place){.file = b->file,
                                      .source = s->desc->name,
                                      .line = line,
                                      .offset = b->offset + (uint64_t)(p - b->start),
                                      .record = p,
                                      .length = text,
                                      .is_generated = s->desc->cycle != NULL};
      return true;
    }
    p += length;
    line++;
  }
  return false;
}

/* -- a bad record at a source */

static enum flow_status close_and_commit(struct engine *e) {
  enum flow_status status = engine_settle(e, EPOCH_END);
  return status == FLOW_OK ? engine_flush(e) : status;
}

enum flow_status engine_stop_at_bad_record(struct engine *e) {
  const struct flow_block *b = &e->block;
  const struct flow_bad_record *bad = &b->bad;
  struct message_place place = {.file = b->file,
                                .source = e->block_source->desc->name,
                                .line = bad->line,
                                .offset = b->offset + (uint64_t)(bad->record - b->start),
                                .record = bad->record,
                                .length = bad->length,
                                .at = (size_t)(bad->at - bad->record)};
  enum flow_status status = close_and_commit(e);
  if (status != FLOW_OK) return status;
  char done[400];
  describe_done(e, e->block_source, done, sizeof done);
  struct flow_buf text = {0};
  message_bad_record(&text, e->program, e->block_source->desc, &place, bad->reason, done);
  return finish(e, &text, FLOW_E_RECORD);
}

/* -- a record that is given up */

/* Takes back what the failing record has put out. */
static void cut_output(struct engine *e) {
  struct flow_worker *w = &e->worker;
  for (uint32_t i = 0; i < e->program->sink_count; i++) {
    struct flow_sink *s = &w->sinks[i];
    if (s->mark_record != w->record) continue;
    s->rows -= sink_rows_from(&e->sinks[i], s->mark);
    s->buf.length = s->mark;
  }
  struct flow_sink *inspected = &w->sinks[e->program->sink_count];
  if (inspected->mark_record == w->record) inspected->buf.length = inspected->mark;
  engine_flush_inspected(e);
}

/* Goes back to the last closed epoch, in memory and in the sinks. */
static enum flow_status go_back(struct engine *e) {
  enum flow_status status = engine_reload_state(e);
  for (uint32_t i = 0; status == FLOW_OK && i < e->program->sink_count; i++) {
    status = sink_rewind(&e->sinks[i], true, &e->report);
  }
  for (uint32_t i = 0; i < e->program->source_count; i++) source_rewind(&e->sources[i]);
  e->worker.tally = e->tally_closed;
  e->epoch.records = 0;
  return status;
}

/* Runs a block again, at most up to the limit. False: an earlier record was given up. */
static bool run_again(struct engine *e, struct source *s, uint64_t limit) {
  struct flow_block *b = &e->block;
  while (b->cursor < b->end && e->epoch.records < limit) {
    const char *from = b->cursor;
    b->records = b->rejected = 0;
    b->budget = limit - e->epoch.records;
    e->worker.record = e->epoch.records;
    enum flow_run result;
    if (!engine_run(e, s->desc, &result)) return false;
    source_advance(s, b, from, b->records);
    engine_count(e, s, b->records, b->rejected);
    if (result == FLOW_RUN_STOP) break;
  }
  return true;
}

/* The rest of the block has no record; without this it would come again and again. */
static void pass_blank_lines(struct engine *e, struct source *s) {
  struct flow_block *b = &e->block;
  const char *from = b->cursor;
  b->line += framing_line_ends(from, (size_t)(b->end - from));
  b->cursor = b->end;
  source_advance(s, b, from, 0);
}

/* Runs one logged piece again. *is_done: the record at the limit was found (*place). */
static enum flow_status replay_piece(struct engine *e, const struct sequencer_entry *entry,
                                     uint64_t limit, bool *is_done, struct message_place *place) {
  struct source *s = &e->sources[entry->partition];
  e->block = (struct flow_block){0};
  e->block_source = s;
  enum flow_status status = source_replay(s, entry, &e->report);
  while (status == FLOW_OK) {
    bool has_block;
    status = source_replay_block(s, entry, &e->block, &has_block, &e->report);
    if (status != FLOW_OK || !has_block) return status;
    if (!run_again(e, s, limit)) return FLOW_OK;
    *is_done = e->epoch.records == limit && record_at(e, s, e->block.cursor, e->block.line, place);
    if (*is_done) return FLOW_OK;
    if (e->block.cursor < e->block.end) pass_blank_lines(e, s);
    uint64_t skipped;
    status = source_done(s, &e->block, &skipped, &e->report);
  }
  return status;
}

/* Which sources had ended is not in the log: those that have by now, from behind their last piece on. */
static void end_marks(struct engine *e, const bool *has_ended, size_t next) {
  for (uint32_t i = 0; i < e->marks.count; i++) {
    const struct flow_mark_desc *mark = &e->program->marks[i];
    bool is_over = has_ended[i] && !marks_has_ended(&e->marks, i);
    for (size_t k = next; k < e->log.count && is_over; k++)
      for (uint32_t j = 0; j < mark->source_count; j++)
        is_over = is_over && e->log.entries[k].partition != mark->sources[j];
    if (!is_over) continue;
    marks_end_one(&e->marks, i);
    e->has_marks_ended = true;
  }
}

/* Runs the open epoch again, up to the record `limit`; a lower one if that fails this time. */
static enum flow_status replay(struct engine *e, uint64_t limit, struct message_place *place) {
  enum flow_status status;
  bool has_ended[e->marks.count + 1];
  for (uint32_t i = 0; i < e->marks.count; i++) has_ended[i] = marks_has_ended(&e->marks, i);
  do {
    status = go_back(e);
    bool begins = e->epoch.has_ticked || e->marks.has_idle;
    if (status == FLOW_OK && begins) status = engine_fire_timers(e, true);
    e->catcher.gave_up = GIVE_UP_NONE;
    bool is_done = false;
    for (size_t i = 0; status == FLOW_OK && i < e->log.count && !is_done; i++) {
      marks_return(&e->marks, e->log.entries[i].partition);
      end_marks(e, has_ended, i);
      status = replay_piece(e, &e->log.entries[i], limit, &is_done, place);
      if (e->catcher.gave_up != GIVE_UP_NONE) break;
    }
    if (e->catcher.gave_up != GIVE_UP_NONE) {
      limit = e->worker.record;
      cut_output(e);
      if (status == FLOW_OK) status = engine_flush(e);
    }
  } while (status == FLOW_OK && e->catcher.gave_up != GIVE_UP_NONE);
  return status;
}

static void log_rest_of_block(struct engine *e, const char *from) {
  const struct flow_block *b = &e->block;
  const struct source *s = e->block_source;
  const struct sequencer_entry entry = {.partition = (uint32_t)(s - e->sources),
                                        .file = s->file,
                                        .offset = b->offset + (uint64_t)(from - b->start),
                                        .length = (uint64_t)(b->end - from),
                                        .line = s->line,
                                        .is_open = b->is_last_open,
                                        .is_too_long = b->is_too_long};
  if (!sequencer_log_add(&e->log, &entry)) flow_out_of_memory(sizeof entry);
}

/* With a state directory: afterwards everything before the record is committed. */
static enum flow_status commit_up_to_failure(struct engine *e, struct message_place *place) {
  uint64_t limit = e->worker.record;
  enum flow_status status = engine_commit(e); /* the closed epochs; their rows are packed already */
  if (status == FLOW_OK) status = replay(e, limit, place);
  if (status != FLOW_OK) return status;
  if (epoch_is_empty(&e->epoch)) epoch_discard(&e->epoch);
  return close_and_commit(e);
}

/* Finds the record that has `before` ones in front of it from `from`, which is on line `line`. */
static void find_record(const struct engine *e, const char *from, uint64_t line, uint64_t before,
                        struct message_place *place) {
  const struct source *s = e->block_source;
  const char *p = from;
  while (record_at(e, s, p, line, place) && before > 0) {
    p = place->record +
        framing_first(s->desc->framing, place->record, (size_t)(e->block.end - place->record));
    for (const char *q = place->record; q < p; q++) place->line += *q == '\n';
    line = place->line;
    before--;
  }
}

/* The output before the record is there, or is made now; then the message. */
static enum flow_status end_before_record(struct engine *e, struct message_place *place) {
  bool is_stop = e->catcher.gave_up == GIVE_UP_STOP;
  enum flow_status status;
  if (e->store == NULL) {
    e->totals.records_in += e->epoch.records;
    e->totals.records_out += engine_rows_out(e) - e->rows_closed;
    e->totals.records_rejected += e->worker.tally.rejected - e->tally_closed.rejected;
    e->totals.records_late += e->worker.tally.late - e->tally_closed.late;
    status = engine_flush(e);
  } else {
    status = commit_up_to_failure(e, place);
  }
  if (status != FLOW_OK) return status;
  char done[400];
  describe_done(e, e->block_source, done, sizeof done);
  struct flow_buf text = {0};
  message_failure(&text, e->program, e->catcher.site, is_stop, e->catcher.reason,
                  place->record == NULL ? NULL : place, done);
  return finish(e, &text, is_stop ? FLOW_E_RECORD : FLOW_E_FAULT);
}

enum flow_status engine_stop_at_failure(struct engine *e, const char *from, uint64_t first) {
  struct message_place place = {0};
  struct source *s = e->block_source;
  uint64_t before = e->worker.record - first;
  cut_output(e);
  if (e->store == NULL) {
    find_record(e, from, s->line, before, &place);
    source_count(s, s->file, before);
    epoch_count(&e->epoch, before, 0);
  } else {
    log_rest_of_block(e, from);
  }
  return end_before_record(e, &place);
}

enum flow_status engine_stop_in_flight(struct engine *e, uint64_t record) {
  struct message_place place = {0};
  if (e->store == NULL) find_record(e, e->block.start, e->block.line, record, &place);
  return end_before_record(e, &place);
}

/* -- a hook that is given up */

/* Drops the output of the open epoch, as far as it can be taken back. */
static enum flow_status drop_output(struct engine *e) {
  enum flow_status status = FLOW_OK;
  for (uint32_t i = 0; i < e->program->sink_count; i++) {
    struct sink *s = &e->sinks[i];
    uint64_t keeps = s->closed > s->written ? s->closed - s->written : 0;
    if (keeps < s->out->buf.length) s->out->buf.length = (size_t)keeps;
  }
  status = engine_commit(e);
  for (uint32_t i = 0; status == FLOW_OK && i < e->program->sink_count; i++) {
    status = sink_rewind(&e->sinks[i], false, &e->report);
  }
  return status;
}

enum flow_status engine_stop_at_hook(struct engine *e, bool is_start) {
  bool is_stop = e->catcher.gave_up == GIVE_UP_STOP;
  uint64_t lost = e->epoch.records;
  cut_output(e);
  epoch_discard(&e->epoch);
  enum flow_status status = e->store == NULL ? engine_flush(e) : drop_output(e);
  if (status != FLOW_OK) return status;
  char done[400];
  if (e->store == NULL) {
    snprintf(done, sizeof done,
             "it happened at the %s of epoch %lld; nothing is kept for the next "
             "run without --state-dir",
             is_start ? "start" : "end", (long long)e->epoch.number);
  } else if (is_start) {
    snprintf(done, sizeof done,
             "it happened at the start of epoch %lld, before its first record; %s has everything before",
             (long long)e->epoch.number, e->options.state_dir);
  } else {
    snprintf(
        done, sizeof done,
        "it happened at the end of epoch %lld, which is given up: its %llu record%s will be read "
        "again; %s has everything before",
        (long long)e->epoch.number, (unsigned long long)lost, lost == 1 ? "" : "s",
        e->options.state_dir);
  }
  struct flow_buf text = {0};
  message_failure(&text, e->program, e->catcher.site, is_stop, e->catcher.reason, NULL, done);
  return finish(e, &text, is_stop ? FLOW_E_RECORD : FLOW_E_FAULT);
}
