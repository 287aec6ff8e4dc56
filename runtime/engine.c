/* A run from its command line to its exit code. */
#include "engine.h"

#include "crew.h"

#include "flow/state.h"
#include "limits.h"
#include "mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a shell reports for a program that died of SIGPIPE, as filters do. */
#define EXIT_BROKEN_PIPE (128 + 13)

/* Descriptors that a wait can watch besides the signals', the committer's and the backup's. */
#define WATCHED 15

/* -- the loop */

void engine_count(struct engine *e, const struct source *s, uint64_t records, uint64_t rejected) {
  epoch_count(&e->epoch, records, rejected);
  if (records > 0) marks_see(&e->marks, (uint32_t)(s - e->sources), e->worker.now_us);
}

/* Adds what the last run of the block consumed to position, epoch and log. */
static enum flow_status account(struct engine *e, const char *from) {
  struct flow_block *b = &e->block;
  struct source *s = e->block_source;
  struct sequencer_entry entry = {.partition = (uint32_t)(s - e->sources),
                                  .file = s->file,
                                  .offset = b->offset + (uint64_t)(from - b->start),
                                  .length = (uint64_t)(b->cursor - from),
                                  .line = s->line,
                                  .records = b->records,
                                  .is_open = b->is_last_open && b->cursor == b->end,
                                  .is_too_long = b->is_too_long};
  source_advance(s, b, from, b->records);
  engine_count(e, s, b->records, b->rejected);
  if (b->cursor == b->end) {
    uint64_t skipped;
    enum flow_status status = source_done(s, b, &skipped, &e->report);
    if (status != FLOW_OK) return status;
    entry.length += skipped;
  }
  if (e->store != NULL && !sequencer_log_add(&e->log, &entry)) {
    return flow_report_fail(&e->report, FLOW_E_MEMORY, "no memory for the log of the epoch");
  }
  return FLOW_OK;
}

/* Runs the block, in as many steps as epochs make of it. */
static enum flow_status run_block(struct engine *e) {
  struct flow_block *b = &e->block;
  while (b->cursor < b->end) {
    enum flow_status status = engine_begin_epoch(e);
    if (status != FLOW_OK) return status;
    const char *from = b->cursor;
    uint64_t first = e->epoch.records;
    b->records = b->rejected = 0;
    b->budget = epoch_budget(&e->epoch, &e->policy);
    e->worker.record = first;
    enum flow_run result = FLOW_RUN_DONE;
    if (!engine_run(e, e->block_source->desc, &result))
      return engine_stop_at_failure(e, from, first);
    status = account(e, from);
    if (status == FLOW_OK) status = e->flush_status;
    if (status != FLOW_OK) return status;
    if (result == FLOW_RUN_STOP) return engine_stop_at_bad_record(e);
    if (b->cursor == from) {
      return flow_report_fail(
          &e->report, FLOW_E_BUG, "source `%s` does not get on at byte %llu of %s",
          e->block_source->desc->name,
          (unsigned long long)(b->offset + (uint64_t)(from - b->start)), b->file);
    }
    status = engine_settle(e, EPOCH_BLOCK);
    if (status == FLOW_OK && source_is_full(e->block_source))
      status = engine_settle(e, EPOCH_PRESSURE);
    if (status != FLOW_OK) return status;
  }
  return FLOW_OK;
}

/* Nothing is ready: writes out what is there, and waits for input, a time, or a signal. Input that
 * stays away long enough closes and commits the epoch; while a commit is in flight, its end is
 * waited for as well, because what came meanwhile has to follow. */
static enum flow_status wait_for_input(struct engine *e) {
  enum flow_status status = engine_flush(e);
  if (status == FLOW_OK) status = engine_look_at_commit(e);
  if (status != FLOW_OK) return status;
  int64_t now_us = e->sys->monotonic_us(e->sys), until_us = INT64_MAX;
  if (e->idle_since_us == 0) e->idle_since_us = now_us;
  int64_t timer_us;
  status = engine_pass_time(e, &timer_us);
  if (status != FLOW_OK || e->idle_since_us == 0) return status; /* time has passed */
  if (timer_us != INT64_MAX) until_us = now_us + timer_us;
  bool has_news = e->epoch.held_count > 0 || !epoch_is_empty(&e->epoch);
  if (has_news && !e->epoch.is_committing) {
    if (e->idle_since_us + FLOW_QUIET_US < until_us) until_us = e->idle_since_us + FLOW_QUIET_US;
    int64_t deadline_us = epoch_deadline(&e->epoch, &e->policy);
    if (deadline_us < until_us) until_us = deadline_us;
    if (now_us >= until_us) return engine_settle(e, EPOCH_QUIET);
  }
  struct flow_wait items[WATCHED + 3];
  size_t count = 0;
  items[count++] = (struct flow_wait){.fd = e->stop.fd, .want = FLOW_WAIT_READ};
  if (e->epoch.is_committing) {
    items[count++] =
        (struct flow_wait){.fd = committer_wake_fd(e->committer), .want = FLOW_WAIT_READ};
  }
  if (e->backup != NULL) {
    items[count++] = (struct flow_wait){.fd = backup_wake_fd(e->backup), .want = FLOW_WAIT_READ};
  }
  for (uint32_t i = 0; i < e->program->source_count; i++) {
    const struct source *s = &e->sources[i];
    if (s->state == PARTITION_END) continue;
    if (s->wake_us < until_us) until_us = s->wake_us;
    if (s->is_stream && count < sizeof items / sizeof items[0]) {
      items[count++] = (struct flow_wait){.fd = s->fd, .want = FLOW_WAIT_READ};
    }
  }
  int64_t timeout_us = until_us == INT64_MAX ? -1 : until_us > now_us ? until_us - now_us : 0;
  int n = e->sys->wait(e->sys, items, count, timeout_us);
  if (n < 0) return flow_report_errno(&e->report, FLOW_E_IO, n, "wait for input");
  return FLOW_OK;
}

/* Looks at all sources; *is_over: none of them will have anything more. */
static enum flow_status look(struct engine *e, bool *is_over) {
  int64_t now_us = e->sys->monotonic_us(e->sys);
  *is_over = true;
  for (uint32_t i = 0; i < e->program->source_count; i++) {
    struct source *s = &e->sources[i];
    if (s->state != PARTITION_END) {
      enum flow_status status = source_look(s, now_us, &e->report);
      if (status != FLOW_OK) return status;
    }
    e->partitions[i] = (struct sequencer_partition){
        s->state, s->is_live, s->consumed, e->program->sources[i].is_first};
    if (s->state != PARTITION_END) *is_over = false;
  }
  return FLOW_OK;
}

/* Closes and commits after an event if it is time to; blocks in flight belong to the epoch. */
static enum flow_status settle_crew(struct engine *e, enum epoch_event event) {
  enum flow_status status = engine_look_at_commit(e);
  int64_t now_us = e->sys->monotonic_us(e->sys);
  if (status != FLOW_OK || epoch_decide(&e->epoch, &e->policy, event, now_us) == EPOCH_GO_ON)
    return status;
  status = crew_drain(e->crew);
  return status == FLOW_OK ? engine_settle(e, event) : status;
}

/* One step with several workers: a block is admitted, or there is other work. `turn` says which
 * source has something. */
static enum flow_status step_crew(struct engine *e, struct sequencer_turn turn) {
  struct crew *c = e->crew;
  if (turn.partition < 0 && !crew_is_busy(c)) return wait_for_input(e);
  if (turn.partition < 0 || !crew_has_room(c)) {
    enum flow_status status = crew_work(c);
    return status == FLOW_OK ? settle_crew(e, EPOCH_BLOCK) : status;
  }
  struct source *s = &e->sources[turn.partition];
  enum flow_status status = crew_admit(c, s, turn.limit);
  if (status == FLOW_OK && crew_epoch_is_full(c)) status = crew_drain(c);
  if (status == FLOW_OK && crew_epoch_is_full(c)) status = engine_settle(e, EPOCH_BLOCK);
  if (status == FLOW_OK && source_is_full(s)) status = settle_crew(e, EPOCH_PRESSURE);
  return status;
}

static enum flow_status step_alone(struct engine *e, struct sequencer_turn turn) {
  if (turn.partition < 0) return wait_for_input(e);
  e->block_source = &e->sources[turn.partition];
  marks_return(&e->marks, (uint32_t)turn.partition);
  e->has_marks_ended |= marks_end(&e->marks, e->partitions);
  enum flow_status status = source_take(e->block_source, turn.limit, &e->block, &e->report);
  return status == FLOW_OK ? run_block(e) : status;
}

/* Admits and runs blocks until the input ends (*is_over) or a signal comes. */
static enum flow_status loop(struct engine *e, bool *is_over) {
  enum flow_status status = FLOW_OK;
  *is_over = false;
  while (status == FLOW_OK && !stop_is_asked(&e->stop)) {
    int32_t last_turn = e->last_turn;
    status = e->backup == NULL ? FLOW_OK : backup_status(e->backup, &e->report);
    if (status == FLOW_OK) status = look(e, is_over);
    if (status != FLOW_OK || *is_over) break;
    struct sequencer_turn turn =
        sequencer_next(e->partitions, e->program->source_count, &e->last_turn);
    bool is_full = e->crew != NULL && !crew_has_room(e->crew);
    if (is_full) e->last_turn = last_turn; /* it is asked again */
    status = e->crew != NULL ? step_crew(e, turn) : step_alone(e, turn);
  }
  return status;
}

/* Sinks that options let begin anew are saved as such before a row is written: after a kill, the
 * next run would take what it finds in the file for somebody else's. */
static enum flow_status begin_sinks(struct engine *e) {
  bool must = false;
  for (uint32_t i = 0; i < e->program->sink_count; i++) must |= sink_must_commit(&e->sinks[i]);
  if (!must || e->store == NULL) return FLOW_OK;
  engine_open_epoch(e);
  enum flow_status status = engine_close_epoch(e, false);
  return status == FLOW_OK ? engine_commit(e) : status;
}

/* -- the end */

/* True if an option moved a position or a file got another name; an epoch has to say so. */
static bool must_commit(const struct engine *e) {
  bool must = false;
  for (uint32_t i = 0; i < e->program->source_count; i++) must |= e->sources[i].input.must_commit;
  return must && e->store != NULL && e->totals.epochs == 0;
}

/* End of input, or SIGTERM: the last epoch closes and commits. */
static enum flow_status end_run(struct engine *e, bool is_end, bool flushes) {
  enum flow_status status = e->crew == NULL ? FLOW_OK : crew_drain(e->crew);
  if (status != FLOW_OK) return status;
  if (e->stop.signal != 0 && e->committer != NULL) committer_hurry(e->committer);
  /* Records whose `on end` was lost with an earlier run, or left to a later one, count too. */
  bool has_run =
      e->totals.records_in > 0 || e->epoch.records > 0 || e->ended_at < e->resumed_at;
  bool runs_hooks = is_end && flushes && has_run && e->has_end;
  if (runs_hooks || must_commit(e)) {
    engine_open_epoch(e);
    status = engine_close_epoch(e, runs_hooks);
    if (status == FLOW_OK) status = engine_commit(e);
  } else {
    status = engine_settle(e, EPOCH_END);
  }
  return status == FLOW_OK ? engine_flush(e) : status;
}

/* Whether the source is to blame: then everything before is good, and is committed. */
static bool is_input_failure(const struct engine *e, enum flow_status status) {
  bool is_input = status == FLOW_E_INPUT || status == FLOW_E_RECORD;
  return is_input && e->exit_code == 0;
}

/* The exit code for a failure that has no message yet. */
static int report_failure(struct engine *e, enum flow_status status) {
  enum flow_status saved = FLOW_OK; /* a commit that was in flight when the run failed */
  if (e->committer != NULL) saved = committer_wait(e->committer, &e->report);
  if (saved != FLOW_OK) status = saved; /* is worse than a reader that is gone */
  for (uint32_t i = 0; saved == FLOW_OK && e->sinks != NULL && i < e->program->sink_count; i++) {
    if (e->sinks[i].is_broken) return EXIT_BROKEN_PIPE;
    if (!e->sinks[i].is_blocked) continue;
    static const char text[] =
        "warning: a reader of the output took nothing for a second after the "
        "signal; the last epoch was given up\n";
    static const char more[] = "  = note: its lines may be printed again by the next run\n";
    flow_sys_write_all(e->sys, 2, text, sizeof text - 1);
    if (e->store != NULL) flow_sys_write_all(e->sys, 2, more, sizeof more - 1);
    return FLOW_EXIT_OK;
  }
  struct flow_buf text = {0};
  message_report(&text, &e->report);
  engine_print(e, &text);
  flow_buf_free(&text);
  return (int)flow_status_exit(status);
}

/* Waits for the backup behind everything else. A run that has ended well, or at a record, with the exit
 * code `code`, has not ended well if its last epochs cannot be shipped. */
static int finish_backup(struct engine *e, int code) {
  enum flow_status status = engine_finish_backup(e);
  if (status == FLOW_OK) return code;
  int failed = report_failure(e, status);
  return code == FLOW_EXIT_OK ? failed : code;
}

static int run(struct engine *e) {
  bool is_over = false;
  enum flow_status status = engine_resume(e);
  if (status != FLOW_OK) engine_discard(e);
  /* A signal while state is loaded or a FIFO waited for: nothing was done, so nothing is lost. */
  if (status != FLOW_OK && e->stop.signal != 0) return FLOW_EXIT_OK;
  if (status != FLOW_OK) return report_failure(e, status);
  status = begin_sinks(e);
  if (status == FLOW_OK) status = loop(e, &is_over);
  bool is_end = status == FLOW_OK && (is_over || e->store == NULL);
  bool flushes = e->options.at_end == AT_END_FLUSH ||
                 (e->options.at_end == AT_END_DEFAULT && e->store == NULL);
  if (is_input_failure(e, status)) {
    struct flow_report first = e->report;
    enum flow_status ended = end_run(e, false, false);
    if (ended == FLOW_OK)
      e->report = first;
    else
      status = ended;
  } else if (status == FLOW_OK) {
    status = end_run(e, is_end, flushes);
  }
  engine_flush_inspected(e);
  int code = status == FLOW_OK ? FLOW_EXIT_OK : e->exit_code;
  if (status != FLOW_OK && code == 0) code = report_failure(e, status);
  else if (e->stop.signal == 0) code = finish_backup(e, code);
  if (code == FLOW_EXIT_OK || e->exit_code != 0) summary_print(e, is_end && flushes);
  return code;
}

/* -- set-up */

/* Bytes of a block; a test makes them small with FLOW_BLOCK_BYTES, to show that they do not matter.
 * */
static size_t block_bytes(uint32_t worker_count) {
  const char *text = getenv("FLOW_BLOCK_BYTES");
  long bytes = text == NULL ? 0 : strtol(text, NULL, 10);
  if (bytes > 0) return (size_t)bytes;
  return worker_count > 1 ? FLOW_FLIGHT_BYTES : FLOW_BLOCK_BYTES;
}

static struct virtual_clock virtual_clock(void) {
  const char *text = getenv("FLOW_CLOCK");
  if (text == NULL) return (struct virtual_clock){0};
  char *step;
  struct virtual_clock clock = {.is_used = true, .start_us = strtoll(text, &step, 10)};
  clock.step_us = strtoll(step, NULL, 10); /* with its `+` */
  return clock;
}

/* Zeroed memory for `count` items. */
static void *make_array(struct engine *e, size_t count, size_t size) {
  void *array = flow_sys_must_alloc(e->sys, (count + 1) * size);
  memset(array, 0, (count + 1) * size);
  return array;
}

static void set_up_shares(struct engine *e) {
  struct flow_worker *w = &e->worker;
  e->worker_count = e->options.workers;
  if (e->worker_count == 0) {
    int cpus = e->sys->cpu_count(e->sys);
    e->worker_count = cpus < FLOW_WORKERS_MAX ? (uint32_t)cpus : FLOW_WORKERS_MAX;
  }
  if (e->program->is_serial) e->worker_count = 1;
  e->shares = make_array(e, e->worker_count, sizeof *e->shares);
  for (uint32_t i = 0; i < e->worker_count; i++) {
    e->shares[i].tables = make_array(e, e->program->state_count, sizeof *e->shares[i].tables);
  }
  w->shares = e->shares;
  w->share_count = e->worker_count;
  w->order = (struct flow_order){.level = 1, .path = &w->step};
  engine_make_state(e);
}

static void set_up(struct engine *e) {
  const struct flow_program *p = e->program;
  struct flow_worker *w = &e->worker;
  e->catcher.engine = e;
  w->engine = &e->catcher;
  w->params = e->params;
  w->arena = flow_mem_arena_new(e->sys);
  w->sinks = make_array(e, p->sink_count, sizeof *w->sinks); /* and one for `inspect` */
  for (uint32_t i = 0; i <= p->sink_count; i++) w->sinks[i].mark_record = UINT64_MAX;
  for (uint32_t i = 0; i < p->state_count; i++) {
    e->has_on_epoch |= p->states[i].on_epoch != NULL;
    e->has_timers |= p->states[i].due != NULL && p->states[i].mark_count == 0;
    e->has_end |= p->states[i].on_end != NULL || p->states[i].mark_count > 0;
  }
  marks_init(&e->marks, e->sys, p->marks, p->mark_count);
  marks_set_idle(&e->marks, w);
  w->marks = e->marks.now;
  w->row_marks = e->marks.row;
  set_up_shares(e);
  e->sources = make_array(e, p->source_count, sizeof *e->sources);
  e->sinks = make_array(e, p->sink_count, sizeof *e->sinks);
  e->partitions = make_array(e, p->source_count, sizeof *e->partitions);
  e->log.sys = e->sys;
  e->last_turn = -1;
  e->settings = (struct source_settings){.block_bytes = block_bytes(e->worker_count),
                                         .arena = w->arena,
                                         .is_once = e->options.is_once,
                                         .is_durable = e->options.state_dir != NULL};
  e->policy = (struct epoch_policy){.records = e->options.epoch_records,
                                    .interval_us = e->options.interval_us,
                                    .is_immediate = e->options.is_immediate};
  e->resumed_at = e->taken_back = e->ended_at = -1;
  epoch_init(&e->epoch, -1, INT64_MIN);
  e->clock = virtual_clock();
  e->started_us = e->sys->monotonic_us(e->sys);
  if (e->worker_count > 1) e->crew = crew_new(e);
}

static void tear_down(struct engine *e) {
  const struct flow_sys *sys = e->sys;
  crew_free(e->crew);
  const struct flow_program *p = e->program;
  backup_stop(e->backup);       /* before the store that it reads is closed */
  committer_stop(e->committer); /* before the files that it syncs are closed */
  for (uint32_t i = 0; i < p->source_count; i++) source_free(&e->sources[i]);
  for (uint32_t i = 0; i < p->sink_count; i++) sink_close(&e->sinks[i]);
  engine_drop_state(e);
  marks_free(&e->marks);
  for (uint32_t i = 0; i < e->worker_count; i++) sys->free(sys, e->shares[i].tables);
  flow_mem_delete(e->worker.arena);
  flow_store_close(e->store);
  sequencer_log_free(&e->log);
  commit_group_free(&e->held, sys);
  flow_buf_free(&e->worker.sinks[p->sink_count].buf);
  flow_buf_free(&e->given_up);
  void *const arrays[] = {e->shares,     e->worker.sinks, e->sources,  e->sinks,
                          e->partitions, e->ids,          e->numbers,  e->migrated,
                          e->catcher.reason, e->value_types};
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) sys->free(sys, arrays[i]);
}

/* --help and --version go to stdout, because they were asked for. */
static int print_about(const struct engine *e, bool is_help, const char *command) {
  const struct flow_program *p = e->program;
  struct flow_buf text = {0};
  if (is_help) {
    options_help(p, command, &text);
  } else {
    char line[512];
    int length = snprintf(line, sizeof line, "%s (from %s, compiled by %s)\n", p->name, p->file,
                          p->compiler);
    flow_buf_add(&text, line, length < (int)sizeof line ? (size_t)length : sizeof line - 1);
  }
  int error = flow_sys_write_all(e->sys, 1, text.data, text.length);
  flow_buf_free(&text);
  return error == 0 ? FLOW_EXIT_OK : FLOW_EXIT_IO;
}

/* True if all `where` conditions of the parameters hold. */
static bool check_params(struct engine *e) {
  const struct flow_program *p = e->program;
  if (p->check_params == NULL) return true;
  struct flow_worker probe = {.params = e->params, .engine = e};
  probe.arena = flow_mem_arena_new(e->sys);
  const char *why = p->check_params(&probe, e->params);
  if (why != NULL) flow_report_fail(&e->report, FLOW_E_USAGE, "%s", why);
  flow_mem_delete(probe.arena);
  return why == NULL;
}

static int start(struct engine *e, int argc, char **argv) {
  const struct flow_program *p = e->program;
  if (p->abi_version != FLOW_ABI_VERSION) {
    return report_failure(e, flow_report_fail(&e->report, FLOW_E_BUG,
                                              "this program and its runtime do not fit together: "
                                              "compile %s again",
                                              p->file));
  }
  /* First of all, because until then a signal kills the process. */
  int error = stop_open(&e->stop, e->sys);
  if (error < 0)
    return report_failure(e, flow_report_errno(&e->report, FLOW_E_IO, error, "wait for signals"));
  e->params = make_array(e, p->params_size, 1);
  if (p->default_params != NULL) p->default_params(e->params);
  enum options_result result = options_parse(&e->options, p, e->params, argc, argv, &e->report);
  int code;
  if (result == OPTIONS_HELP || result == OPTIONS_VERSION) {
    code = print_about(e, result == OPTIONS_HELP, argc > 0 ? argv[0] : p->name);
  } else if (result == OPTIONS_WRONG || !check_params(e)) {
    code = report_failure(e, FLOW_E_USAGE);
  } else {
    set_up(e);
    code = run(e);
    tear_down(e);
  }
  options_free(&e->options);
  e->sys->free(e->sys, e->params);
  return code;
}

int engine_main(const struct flow_sys *sys, const struct flow_program *program, int argc,
                char **argv) {
  struct engine *e = flow_sys_must_alloc(sys, sizeof *e);
  memset(e, 0, sizeof *e);
  e->sys = sys;
  e->program = program;
  int code = start(e, argc, argv);
  sys->free(sys, e);
  return code;
}

int flow_main(const struct flow_program *program, int argc, char **argv) {
  return engine_main(flow_sys_posix(), program, argc, argv);
}
