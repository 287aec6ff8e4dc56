#include "crew.h"

#include "flight.h"
#include "flow/state.h"
#include "framing.h"
#include "limits.h"
#include "mem.h"
#include "schedule.h"

#include <string.h>

/* A record that a task gave up. */
struct failure {
  uint64_t record; /* of the block; UINT64_MAX: none failed */
  uint32_t *path;  /* path_length + 1 words, as a row would have that it had put out instead */
  enum give_up how;
  char *reason;
  const struct flow_site *site;
};

/* A block on its way, with what the engine has to know when it leaves. */
struct trip {
  struct flight flight;
  struct source *source;
  uint32_t file;    /* of the source */
  uint64_t line;    /* of the first byte */
  uint64_t skipped; /* bytes behind the block that belong to its last record, which was too long */
  uint64_t counted; /* records, if the epoch's size is limited */
  struct flow_tally tally; /* of its tasks */
  bool is_stopped;  /* it ends at a bad record under `else stop` */
  bool is_parsed;
  bool *is_out;     /* by watermark: it holds nothing back from the block on (marks.h) */
  bool *was_out;    /* the same, for the block before */
  struct failure failure;
  char *name; /* of the file, for messages */
  size_t name_room;
  int16_t columns[FLOW_CSV_COLUMNS];
};

struct runner {
  struct flow_worker worker;
  struct catcher catcher;
  struct crew *crew;
  uint32_t index;
  struct flow_thread *thread; /* null: none was started */
};

struct crew {
  struct engine *engine;
  const struct flow_sys *sys;
  struct flight_shape shape;
  struct runner *runners;
  struct trip *trips; /* block b is at b % window */
  uint32_t number;    /* of the next block in its epoch */
  uint64_t counted;   /* records in flight, if the epoch's size is limited */
  bool is_entered;    /* the tables belong to the runners */
  uint64_t known;     /* the block of which the watermarks are known, and of all before it */
  int64_t *marks;     /* the real ones, as of that block */
  bool has_threads;
  bool *is_unordered;
  struct flow_monitor *monitor; /* guards what follows, and the failures of trips */
  struct schedule schedule;
  struct call {
    void (*function)(void *context, uint32_t worker);
    void *context;
    uint32_t next, left; /* numbers that were not taken; calls that have not returned */
  } call;
  bool is_over;
};

static struct trip *trip_of(struct crew *c, uint64_t block) {
  return &c->trips[block % c->schedule.window];
}

/* -- tasks ----------------------------------------------------------------------------------- */

/* Notes that the runner has given up a record of the trip; the first one in the order counts. */
static void note_failure(struct crew *c, struct trip *trip, struct runner *r) {
  const struct flow_worker *w = &r->worker;
  struct failure *f = &trip->failure;
  uint32_t length = c->shape.path_length + 1, path[length];
  memset(path, 0, sizeof path);
  if (w->order.level > 0) memcpy(path, w->order.path, w->order.level * sizeof *path);
  path[w->order.level] = w->step;
  if (w->record > f->record) return;
  if (w->record == f->record && flight_compare_paths(f->path, path, length) < 0) return;
  f->record = trip->flight.limit = w->record;
  memcpy(f->path, path, sizeof path);
  f->how = r->catcher.gave_up;
  f->site = r->catcher.site;
  c->sys->free(c->sys, f->reason);
  f->reason = r->catcher.reason;
  r->catcher.reason = NULL;
}

/* Runs generated code for the trip. False: a record was given up. */
static bool run_generated(struct crew *c, struct runner *r, struct trip *trip, uint32_t phase) {
  r->catcher.gave_up = GIVE_UP_NONE;
  if (setjmp(r->catcher.jump) != 0) return false;
  if (phase == 0) {
    enum flow_run result = trip->source->desc->run(&r->worker, &trip->flight.block);
    trip->is_stopped = result == FLOW_RUN_STOP;
  } else {
    const struct flow_exchange *exchange = &c->shape.exchanges[phase - 1];
    exchange->take(&r->worker, flight_inbox(&trip->flight, r->index, phase));
  }
  return true;
}

/* -- watermarks -- */

/* The block begins with the watermarks that are known now. What comes back with it does so in front of it. */
static void begin_marks(struct crew *c, struct trip *trip) {
  int64_t *marks = trip->flight.marks, *old = trip->flight.old_marks;
  uint32_t count = c->shape.mark_count;
  for (uint32_t i = 0; i < count; i++) marks[i] = trip->was_out[i] ? FLOW_NEVER : c->marks[i];
  marks_keep(c->engine->program->marks, count, marks);
  for (uint32_t i = 0; i < count; i++) {
    if (!trip->was_out[i]) c->marks[i] = marks[i]; /* of meetings */
    marks[i] = trip->is_out[i] ? FLOW_NEVER : c->marks[i];
    old[i] = trip->is_out[i] && trip->was_out[i] ? FLOW_NEVER : c->marks[i];
  }
}

/* Blocks are parsed in any order, and each one's watermarks follow from all before it. With the lock held. A
 * worker takes rows of a block only when it is done with the block before, which was parsed then. */
static void follow_marks(struct crew *c) {
  while (c->known < c->schedule.tail && trip_of(c, c->known)->is_parsed) {
    size_t count;
    const struct mark_rise *rises = flight_rises(&trip_of(c, c->known)->flight, &count);
    for (size_t i = 0; i < count; i++)
      if (rises[i].us > c->marks[rises[i].mark]) c->marks[rises[i].mark] = rises[i].us;
    if (++c->known < c->schedule.tail) begin_marks(c, trip_of(c, c->known));
  }
}

/* The block has left: its watermarks are the engine's. */
static void pass_marks(struct crew *c, struct trip *trip) {
  size_t count;
  const struct mark_rise *rises = flight_rises(&trip->flight, &count);
  struct marks *marks = &c->engine->marks;
  for (uint32_t i = 0; i < marks->count; i++)
    if (marks->descs[i].part_count > 0) marks_raise(marks, i, trip->flight.marks[i]);
  for (size_t i = 0; i < count; i++) marks_raise(marks, rises[i].mark, rises[i].us);
  marks_settle(marks);
}

/* Runs the task without the lock, which is held before and after. */
static void run_task(struct crew *c, const struct task *task) {
  struct trip *trip = trip_of(c, task->block);
  struct runner *r = &c->runners[task->worker];
  bool is_good = true;
  c->sys->monitor_unlock(c->sys, c->monitor);
  if (task->kind == TASK_MERGE) {
    flight_merge(&trip->flight);
  } else {
    flight_enter(&trip->flight, &r->worker, task->worker, task->phase);
    is_good = run_generated(c, r, trip, task->phase);
  }
  c->sys->monitor_lock(c->sys, c->monitor);
  if (!is_good) note_failure(c, trip, r);
  if (task->kind != TASK_MERGE) flight_leave(&r->worker);
  tally_add(&trip->tally, &r->worker.tally);
  r->worker.tally = (struct flow_tally){0};
  if (task->kind == TASK_PARSE) {
    trip->is_parsed = true;
    follow_marks(c);
  }
  bool is_last = task->kind == TASK_PARSE && trip->is_stopped;
  if (!is_good || is_last) schedule_cut(&c->schedule, task->block);
  schedule_done(&c->schedule, task);
  c->sys->monitor_wake_all(c->sys, c->monitor);
}

/* Takes part in a call on all workers. False: nothing of it is left to be taken. */
static bool run_call(struct crew *c) {
  if (c->call.next == 0) return false;
  uint32_t number = --c->call.next;
  c->sys->monitor_unlock(c->sys, c->monitor);
  c->call.function(c->call.context, number);
  c->sys->monitor_lock(c->sys, c->monitor);
  if (--c->call.left == 0) c->sys->monitor_wake_all(c->sys, c->monitor);
  return true;
}

/* -- threads --------------------------------------------------------------------------------- */

static void work_as(void *argument) {
  struct runner *r = argument;
  struct crew *c = r->crew;
  c->sys->monitor_lock(c->sys, c->monitor);
  while (!c->is_over) {
    struct task task;
    if (schedule_next(&c->schedule, r->index, &task)) {
      run_task(c, &task);
    } else if (!run_call(c)) {
      c->sys->monitor_wait(c->sys, c->monitor, -1);
    }
  }
  c->sys->monitor_unlock(c->sys, c->monitor);
}

static enum flow_status start_threads(struct crew *c) {
  c->has_threads = true;
  for (uint32_t i = 1; i < c->engine->worker_count; i++) {
    struct runner *r = &c->runners[i];
    int error = c->sys->thread_start(c->sys, &r->thread, work_as, r);
    if (error < 0) {
      return flow_report_errno(&c->engine->report, FLOW_E_IO, error, "start worker %u of %u", i + 1,
                               c->engine->worker_count);
    }
  }
  return FLOW_OK;
}

static void stop_threads(struct crew *c) {
  c->sys->monitor_lock(c->sys, c->monitor);
  c->is_over = true;
  c->sys->monitor_wake_all(c->sys, c->monitor);
  c->sys->monitor_unlock(c->sys, c->monitor);
  for (uint32_t i = 1; i < c->engine->worker_count; i++) {
    if (c->runners[i].thread != NULL) c->sys->thread_join(c->sys, c->runners[i].thread);
  }
}

/* -- whose the tables are -------------------------------------------------------------------- */

/* Says by whose order rows are stamped that a share's tables touch. */
static void set_order(struct crew *c, uint32_t share, const struct flow_order *order) {
  struct engine *e = c->engine;
  for (uint32_t i = 0; i < e->program->state_count; i++) e->shares[share].tables[i].order = order;
}

/* Before the first block of a stretch: each runner has its share, and the epoch. */
static void enter(struct crew *c) {
  struct engine *e = c->engine;
  if (e->epoch.records == 0) c->number = 1; /* timers have fired before */
  for (uint32_t i = 0; i < e->worker_count; i++) {
    struct flow_worker *w = &c->runners[i].worker;
    w->tables = e->shares[i].tables;
    w->heap = e->shares[i].heap;
    w->now_us = e->worker.now_us;
    w->epoch = e->worker.epoch;
    set_order(c, i, &w->order);
  }
  c->known = c->schedule.tail;
  for (uint32_t i = 0; i < c->shape.mark_count; i++) c->marks[i] = marks_real(&e->marks, i);
  c->is_entered = true;
}

/* No block is in flight any more: the engine's worker acts for all. */
static void leave(struct crew *c) {
  struct engine *e = c->engine;
  for (uint32_t i = 0; i < e->worker_count; i++) set_order(c, i, &e->worker.order);
  e->worker.order.block = c->number;
  c->counted = 0;
  c->is_entered = false;
}

/* -- admission ------------------------------------------------------------------------------- */

bool crew_has_room(const struct crew *c) {
  /* In immediate mode every block closes an epoch. */
  uint64_t in_flight = c->schedule.tail - c->schedule.head;
  if (c->engine->policy.is_immediate && in_flight > 0) return false;
  c->sys->monitor_lock(c->sys, c->monitor); /* any worker may cut */
  bool has_room = schedule_has_room(&c->schedule);
  c->sys->monitor_unlock(c->sys, c->monitor);
  return has_room;
}

bool crew_is_busy(const struct crew *c) {
  return c->schedule.head < c->schedule.tail;
}

bool crew_epoch_is_full(const struct crew *c) {
  const struct engine *e = c->engine;
  return e->policy.records > 0 && e->epoch.is_open &&
         e->epoch.records + c->counted >= e->policy.records;
}

/* Cuts the block behind `most` records, and counts them. */
static uint64_t cut_block(const struct source *s, struct flow_block *b, uint64_t most) {
  const char *p = b->start;
  uint64_t count = 0;
  while (p < b->end && count < most) {
    size_t length = framing_first(s->desc->framing, p, (size_t)(b->end - p));
    if (length == 0) length = (size_t)(b->end - p);
    count += !source_is_blank(s, p, p + length);
    p += length;
  }
  if (p < b->end) b->is_last_open = false;
  b->end = p;
  return count;
}

/* Whether the source can rather give its buffer away than have the block copied out of it. */
static bool gives_buffer(const struct source *s, const struct flow_block *b) {
  size_t length = (size_t)(b->end - b->start), behind = reader_unread(&s->reader) - length;
  return !s->reader.is_keeping && !b->is_too_long && behind < length / 4;
}

/* The block gets bytes of its own, because the source goes on. */
static void copy_bytes(struct flight *f, struct flow_block *b) {
  size_t length = (size_t)(b->end - b->start);
  flight_reserve(f, length);
  memcpy(f->bytes, b->start, length);
  memset(f->bytes + length, 0, FLOW_PADDING);
  b->start = f->bytes;
  b->end = f->bytes + length;
}

/* It gets names and columns of its own, too. */
static void board(struct trip *trip, const struct flow_sys *sys, const struct flow_block *b) {
  struct flight *f = &trip->flight;
  size_t name = strlen(b->file) + 1;
  if (name > trip->name_room) {
    trip->name = flow_sys_must_realloc(sys, trip->name, name);
    trip->name_room = name;
  }
  memcpy(trip->name, b->file, name);
  memcpy(trip->columns, b->columns, b->column_count * sizeof *trip->columns);
  f->block = *b;
  f->block.cursor = b->start;
  f->block.file = trip->name;
  f->block.columns = trip->columns;
  f->block.budget = UINT64_MAX;
}

/* The source's position moves behind the block at once; records are counted when it retires. A failure
 * is one of what follows the block. */
static enum flow_status pass_source(struct crew *c, struct trip *trip, struct flow_block *b) {
  struct engine *e = c->engine;
  struct source *s = trip->source;
  struct sequencer_entry entry = {.partition = (uint32_t)(s - e->sources),
                                  .file = s->file,
                                  .offset = b->offset,
                                  .length = (uint64_t)(b->end - b->start),
                                  .line = s->line,
                                  .is_open = b->is_last_open,
                                  .is_too_long = b->is_too_long};
  trip->file = s->file;
  trip->line = b->line;
  b->cursor = b->end;
  b->line += framing_line_ends(b->start, (size_t)(b->end - b->start));
  source_advance(s, b, b->start, 0);
  reader_return(&s->reader); /* what cut_block() left */
  enum flow_status status = source_done(s, b, &trip->skipped, &e->report);
  entry.length += trip->skipped;
  if (e->store != NULL && !sequencer_log_add(&e->log, &entry)) flow_out_of_memory(sizeof entry);
  return status;
}

enum flow_status crew_admit(struct crew *c, struct source *s, uint64_t limit) {
  struct engine *e = c->engine;
  struct flow_block b;
  enum flow_status status = source_take(s, limit, &b, &e->report);
  if (status != FLOW_OK) return status;
  status = engine_begin_epoch(e);
  if (status != FLOW_OK) return status;
  if (!c->is_entered) enter(c);
  if (crew_is_busy(c) && !c->has_threads) status = start_threads(c);
  if (status != FLOW_OK) return status;
  struct trip *trip = trip_of(c, c->schedule.tail);
  trip->source = s;
  trip->counted = 0;
  if (e->policy.records > 0) {
    trip->counted = cut_block(s, &b, e->policy.records - e->epoch.records - c->counted);
    c->counted += trip->counted;
  }
  board(trip, e->sys, &b);
  struct flow_block *own = &trip->flight.block;
  bool gives = gives_buffer(s, &b);
  if (!gives) copy_bytes(&trip->flight, own);
  own->cursor = own->start;
  status = pass_source(c, trip, &b);
  if (gives) {
    reader_swap(&s->reader, &trip->flight.bytes, &trip->flight.capacity);
    memset(trip->flight.bytes + (own->end - trip->flight.bytes), 0, FLOW_PADDING);
  }
  trip->is_stopped = trip->is_parsed = false;
  trip->tally = (struct flow_tally){0};
  memcpy(trip->was_out, e->marks.is_out, c->shape.mark_count * sizeof *trip->was_out);
  marks_return(&e->marks, (uint32_t)(s - e->sources));
  trip->flight.has_ended = marks_end(&e->marks, e->partitions);
  memcpy(trip->is_out, e->marks.is_out, c->shape.mark_count * sizeof *trip->is_out);
  trip->failure.record = UINT64_MAX;
  trip->flight.limit = UINT64_MAX;
  trip->flight.number = c->number++;
  c->sys->monitor_lock(c->sys, c->monitor);
  if (c->known == c->schedule.tail) begin_marks(c, trip);
  schedule_admit(&c->schedule);
  c->sys->monitor_wake_all(c->sys, c->monitor);
  c->sys->monitor_unlock(c->sys, c->monitor);
  return status;
}

/* -- retiring -------------------------------------------------------------------------------- */

/* Hands the merged output to the sinks. */
static enum flow_status put_out(struct crew *c, struct trip *trip) {
  struct engine *e = c->engine;
  uint32_t count = e->program->sink_count;
  for (uint32_t i = 0; i <= count; i++) {
    struct flow_sink *sink = &e->worker.sinks[i];
    struct flow_buf *merged = &trip->flight.outputs[i];
    sink->rows += trip->flight.rows[i];
    if (sink->buf.length > 0) {
      flow_buf_add(&sink->buf, merged->data, merged->length);
    } else {
      struct flow_buf empty = sink->buf;
      sink->buf = *merged;
      *merged = empty;
    }
    if (i == count) {
      engine_flush_inspected(e);
    } else if (sink_is_full(&e->sinks[i])) {
      enum flow_status status = sink_flush(&e->sinks[i], &e->stop, &e->report);
      if (status != FLOW_OK) return status;
    }
  }
  return FLOW_OK;
}

/* Counts what the block was. */
static void count_in(struct crew *c, struct trip *trip, uint64_t records, uint64_t rejected) {
  engine_count(c->engine, trip->source, records, rejected);
  tally_add(&c->engine->worker.tally, &trip->tally);
  source_count(trip->source, trip->file, records);
  c->counted -= trip->counted;
}

/* Waits until no task is running: blocks behind the cut may still be in work. */
static void wait_for_tasks(struct crew *c) {
  c->sys->monitor_lock(c->sys, c->monitor);
  while (c->schedule.running > 0) c->sys->monitor_wait(c->sys, c->monitor, -1);
  c->sys->monitor_unlock(c->sys, c->monitor);
}

/* Ends all flights behind the head, which is the cut; then none is in flight. */
static void drop_rest(struct crew *c) {
  for (uint64_t block = c->schedule.head + 1; block < c->schedule.tail; block++) {
    flight_end(&trip_of(c, block)->flight);
  }
  c->sys->monitor_lock(c->sys, c->monitor); /* idle workers still ask for tasks */
  schedule_retire(&c->schedule);
  schedule_drop_rest(&c->schedule);
  c->sys->monitor_unlock(c->sys, c->monitor);
  leave(c);
}

/* What was admitted behind the bad record goes back to its source. */
static enum flow_status take_back(struct crew *c) {
  for (uint64_t block = c->schedule.tail; block-- > c->schedule.head;) {
    struct trip *trip = trip_of(c, block);
    struct flow_block *b = &trip->flight.block;
    bool is_head = block == c->schedule.head;
    const char *from = is_head ? b->cursor : b->start;
    enum flow_status status =
        source_take_back(trip->source, trip->file, (uint64_t)(b->end - from) + trip->skipped,
                         is_head ? b->line : trip->line, &c->engine->report);
    if (status != FLOW_OK) return status;
  }
  return FLOW_OK;
}

static enum flow_status stop_at_bad_record(struct crew *c, struct trip *trip) {
  struct engine *e = c->engine;
  wait_for_tasks(c);
  enum flow_status status = put_out(c, trip);
  if (status != FLOW_OK) return status;
  count_in(c, trip, trip->flight.block.records, trip->flight.block.rejected);
  pass_marks(c, trip);
  status = take_back(c);
  if (status != FLOW_OK) return status;
  e->block = trip->flight.block;
  e->block_source = trip->source;
  drop_rest(c);
  return engine_stop_at_bad_record(e);
}

static enum flow_status stop_at_failure(struct crew *c, struct trip *trip) {
  struct engine *e = c->engine;
  wait_for_tasks(c);
  enum flow_status status = e->store == NULL ? put_out(c, trip) : FLOW_OK;
  if (status != FLOW_OK) return status;
  struct failure *f = &trip->failure;
  e->block = trip->flight.block;
  e->block_source = trip->source;
  e->catcher.gave_up = f->how;
  e->catcher.site = f->site;
  c->sys->free(c->sys, e->catcher.reason);
  e->catcher.reason = f->reason;
  f->reason = NULL;
  e->block.line = trip->line;
  e->worker.record = e->epoch.records + f->record;
  if (e->store == NULL) count_in(c, trip, f->record, 0);
  drop_rest(c);
  return engine_stop_in_flight(e, f->record);
}

/* The oldest block leaves. */
static enum flow_status retire(struct crew *c) {
  struct engine *e = c->engine;
  struct trip *trip = trip_of(c, c->schedule.head);
  if (trip->failure.record != UINT64_MAX) return stop_at_failure(c, trip);
  if (trip->is_stopped) return stop_at_bad_record(c, trip);
  enum flow_status status = put_out(c, trip);
  if (status != FLOW_OK) return status;
  count_in(c, trip, trip->flight.block.records, trip->flight.block.rejected);
  pass_marks(c, trip);
  flight_end(&trip->flight);
  c->sys->monitor_lock(c->sys, c->monitor);
  schedule_retire(&c->schedule);
  c->sys->monitor_unlock(c->sys, c->monitor);
  if (!crew_is_busy(c)) leave(c);
  e->idle_since_us = 0;
  return FLOW_OK;
}

/* -- the engine's thread --------------------------------------------------------------------- */

/* A task for the engine's thread; without threads it does everybody's. */
static bool next_task(struct crew *c, struct task *task) {
  uint32_t count = c->has_threads ? 1 : c->engine->worker_count;
  for (uint32_t i = 0; i < count; i++) {
    if (schedule_next(&c->schedule, i, task)) return true;
  }
  return false;
}

enum flow_status crew_work(struct crew *c) {
  struct task task;
  c->sys->monitor_lock(c->sys, c->monitor);
  bool is_ready = schedule_is_head_ready(&c->schedule);
  if (!is_ready) {
    if (next_task(c, &task)) {
      run_task(c, &task);
    } else {
      c->sys->monitor_wait(c->sys, c->monitor, -1);
    }
  }
  c->sys->monitor_unlock(c->sys, c->monitor);
  return is_ready ? retire(c) : FLOW_OK;
}

enum flow_status crew_drain(struct crew *c) {
  enum flow_status status = FLOW_OK;
  while (status == FLOW_OK && crew_is_busy(c)) status = crew_work(c);
  return status;
}

void crew_call(struct crew *c, void (*function)(void *, uint32_t), void *context) {
  uint32_t count = c->engine->worker_count;
  c->sys->monitor_lock(c->sys, c->monitor);
  c->call = (struct call){function, context, count, count};
  c->sys->monitor_wake_all(c->sys, c->monitor);
  while (run_call(c)) continue;
  while (c->call.left > 0) c->sys->monitor_wait(c->sys, c->monitor, -1);
  c->sys->monitor_unlock(c->sys, c->monitor);
}

/* -- set-up ---------------------------------------------------------------------------------- */

static void *make_array(const struct flow_sys *sys, size_t count, size_t size) {
  void *array = flow_sys_must_alloc(sys, count * size);
  memset(array, 0, count * size);
  return array;
}

static void init_runner(struct crew *c, uint32_t index) {
  struct runner *r = &c->runners[index];
  struct engine *e = c->engine;
  uint32_t count = e->program->mark_count;
  int64_t *marks = make_array(e->sys, 2 * (size_t)count, sizeof *marks);
  r->crew = c;
  r->index = index;
  r->catcher.engine = e;
  r->worker = (struct flow_worker){.params = e->params,
                                   .shares = e->shares,
                                   .share_count = e->worker_count,
                                   .marks = marks,
                                   .row_marks = marks + count,
                                   .engine = &r->catcher};
}

struct crew *crew_new(struct engine *e) {
  const struct flow_program *p = e->program;
  struct crew *c = make_array(e->sys, 1, sizeof *c);
  c->engine = e;
  c->sys = e->sys;
  c->monitor = e->sys->monitor_new(e->sys);
  if (c->monitor == NULL) flow_out_of_memory(sizeof *c);
  c->is_unordered = make_array(e->sys, p->sink_count + 1, sizeof *c->is_unordered);
  for (uint32_t i = 0; i < p->sink_count; i++) c->is_unordered[i] = p->sinks[i].is_unordered;
  c->shape = (struct flight_shape){.sys = e->sys,
                                   .exchanges = p->exchanges,
                                   .exchange_count = p->exchange_count,
                                   .path_length = p->path_length,
                                   .worker_count = e->worker_count,
                                   .sink_count = p->sink_count + 1,
                                   .is_unordered = c->is_unordered,
                                   .mark_count = p->mark_count,
                                   .parses_in_order = p->parses_in_order,
                                   .fire = engine_fire_in_lane};
  c->marks = make_array(e->sys, p->mark_count, sizeof *c->marks);
  uint32_t window = FLOW_FLIGHTS_PER_WORKER * e->worker_count;
  schedule_init(&c->schedule, e->sys, e->worker_count, p->exchange_count, window);
  c->schedule.parses_in_order = p->parses_in_order;
  c->runners = make_array(e->sys, e->worker_count, sizeof *c->runners);
  for (uint32_t i = 0; i < e->worker_count; i++) init_runner(c, i);
  c->trips = make_array(e->sys, window, sizeof *c->trips);
  for (uint32_t i = 0; i < window; i++) {
    flight_init(&c->trips[i].flight, &c->shape);
    c->trips[i].failure.path = make_array(e->sys, p->path_length + 1, sizeof(uint32_t));
    c->trips[i].is_out = make_array(e->sys, p->mark_count, sizeof(bool));
    c->trips[i].was_out = make_array(e->sys, p->mark_count, sizeof(bool));
  }
  return c;
}

void crew_free(struct crew *c) {
  if (c == NULL) return;
  stop_threads(c);
  const struct flow_sys *sys = c->sys;
  for (uint32_t i = 0; i < c->schedule.window; i++) {
    flight_free(&c->trips[i].flight);
    sys->free(sys, c->trips[i].failure.path);
    sys->free(sys, c->trips[i].is_out);
    sys->free(sys, c->trips[i].was_out);
    sys->free(sys, c->trips[i].failure.reason);
    sys->free(sys, c->trips[i].name);
  }
  for (uint32_t i = 0; i < c->engine->worker_count; i++) {
    sys->free(sys, c->runners[i].catcher.reason);
    sys->free(sys, c->runners[i].worker.marks);
  }
  schedule_free(&c->schedule);
  sys->monitor_free(sys, c->monitor);
  sys->free(sys, c->runners);
  sys->free(sys, c->trips);
  sys->free(sys, c->is_unordered);
  sys->free(sys, c->marks);
  sys->free(sys, c);
}
