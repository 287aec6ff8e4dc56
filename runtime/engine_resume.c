/* From the command line and the store to a program that can go on: positions, lengths, state. */
#include "engine.h"

#include "flow/state.h"
#include "limits.h"
#include "mem.h"

#include <stdio.h>
#include <string.h>

/* Rows that are loaded between two looks whether a signal came. */
#define ROWS_PER_LOOK 4096

/* -- state */

void engine_make_state(struct engine *e) {
  const struct flow_program *p = e->program;
  for (uint32_t i = 0; i < p->state_count; i++) {
    uint64_t seed;
    if (e->sys->random(e->sys, &seed, sizeof seed) < 0) seed = (uint64_t)(uintptr_t)e;
    for (uint32_t j = 0; j < e->worker_count; j++) {
      struct flow_table *t = &e->shares[j].tables[i];
      flow_table_init(t, e->sys, p->states[i].row_size, seed);
      if (e->worker_count == 1) continue;
      flow_table_keep_order(t, p->path_length);
      t->order = &e->worker.order;
    }
  }
  for (uint32_t j = 0; j < e->worker_count; j++) {
    e->shares[j].heap = flow_mem_heap_new(e->sys);
  }
  engine_leave_shares(e);
}

void engine_drop_state(struct engine *e) {
  for (uint32_t j = 0; j < e->worker_count; j++) {
    for (uint32_t i = 0; i < e->program->state_count; i++) {
      flow_table_free(&e->shares[j].tables[i]);
    }
    flow_mem_delete(e->shares[j].heap);
  }
}

/* Who gets the rows of an id. */
struct load {
  struct engine *engine;
  uint32_t state;
  uint16_t id;
  struct source *source;
  struct sink *sink;
  bool heeds_signals; /* a signal ends the loading: see run() */
};

static enum flow_status load_state_row(void *context, uint64_t row, const void *key,
                                       size_t key_length, const void *value, size_t value_length) {
  struct load *load = context;
  struct engine *e = load->engine;
  const struct flow_state_desc *state = &e->program->states[load->state];
  if (row % ROWS_PER_LOOK == 0) {
    flow_mem_arena_reset(e->worker.arena);
    if (load->heeds_signals && stop_is_asked(&e->stop)) return FLOW_E_LOCKED;
  }
  if (state->load(&e->worker, row, key, key_length, value, value_length)) return FLOW_OK;
  return flow_report_fail(&e->report, FLOW_E_CORRUPT,
                          "row %llu of state `%s` in %s is not a value of its type",
                          (unsigned long long)row, state->name, e->options.state_dir);
}

static enum flow_status load_state(struct engine *e, bool heeds_signals) {
  const struct flow_program *p = e->program;
  const uint16_t *numbers = e->numbers + p->source_count + p->sink_count;
  for (uint32_t i = 0; i < p->state_count; i++) {
    struct load load = {.engine = e, .state = i, .heeds_signals = heeds_signals};
    struct flow_store_loaded loaded;
    enum flow_status status =
        flow_store_load(e->store, numbers[i], load_state_row, &load, &loaded, &e->report);
    if (status != FLOW_OK) return status;
    for (uint32_t j = 0; j < e->worker_count; j++) {
      struct flow_table *t = &e->shares[j].tables[i];
      flow_table_loaded(t, loaded.next_row);
      flow_table_epoch_reset(t);
    }
  }
  engine_load_timers(e);
  return FLOW_OK;
}

static enum flow_status load_end_row(void *context, uint64_t row, const void *key,
                                     size_t key_length, const void *value, size_t value_length) {
  struct engine *e = context;
  (void)row;
  (void)key;
  (void)key_length;
  struct flow_reader r = flow_reader_of(value, value_length);
  e->ended_at = flow_get_int(&r);
  if (flow_reader_done(&r)) return FLOW_OK;
  return flow_report_fail(&e->report, FLOW_E_CORRUPT, "the saved end in %s is damaged",
                          e->options.state_dir);
}

/* When `on end` has run last. */
static enum flow_status load_end(struct engine *e) {
  if (!e->has_end) return FLOW_OK;
  struct flow_store_loaded loaded;
  return flow_store_load(e->store, e->numbers[e->id_count - 1], load_end_row, e, &loaded,
                         &e->report);
}

static enum flow_status load_mark_row(void *context, uint64_t row, const void *key,
                                      size_t key_length, const void *value, size_t value_length) {
  struct engine *e = context;
  return marks_load_row(&e->marks, row, key, key_length, value, value_length, &e->report);
}

static enum flow_status load_marks(struct engine *e) {
  const struct flow_program *p = e->program;
  if (p->mark_count == 0) return FLOW_OK;
  struct flow_store_loaded loaded;
  marks_clear(&e->marks);
  uint16_t number = e->numbers[p->source_count + p->sink_count + p->state_count];
  return flow_store_load(e->store, number, load_mark_row, e, &loaded, &e->report);
}

enum flow_status engine_reload_state(struct engine *e) {
  engine_drop_state(e);
  flow_mem_arena_reset(e->worker.arena);
  engine_make_state(e);
  enum flow_status status = load_marks(e);
  /* a stop at a record is under way, which has to be told */
  return status == FLOW_OK ? load_state(e, false) : status;
}

/* -- the store */

/* Declares what the program keeps: sources, sinks, states, watermarks, `on end`, in this order. */
static void declare(struct engine *e) {
  const struct flow_program *p = e->program;
  static const struct flow_type unit = {.kind = FLOW_KIND_UNIT}, number = {.kind = FLOW_KIND_INT};
  e->id_count = p->source_count + p->sink_count + p->state_count + e->has_end + (p->mark_count > 0);
  e->ids = flow_sys_must_alloc(e->sys, (e->id_count + 1) * sizeof *e->ids);
  e->numbers = flow_sys_must_alloc(e->sys, (e->id_count + 1) * sizeof *e->numbers);
  e->value_types = flow_sys_must_alloc(e->sys, (p->state_count + 1) * sizeof *e->value_types);
  struct flow_store_id *id = e->ids;
  for (uint32_t i = 0; i < p->source_count; i++) {
    const struct flow_source_desc *d = &p->sources[i];
    *id++ = (struct flow_store_id){FLOW_STORE_SOURCE, d->name, d->was, position_key_type(),
                                   position_value_type()};
  }
  for (uint32_t i = 0; i < p->sink_count; i++) {
    const struct flow_sink_desc *d = &p->sinks[i];
    *id++ = (struct flow_store_id){FLOW_STORE_SINK, d->name, d->was, sink_key_type(d),
                                   sink_value_type(d)};
  }
  for (uint32_t i = 0; i < p->state_count; i++) {
    const struct flow_state_desc *d = &p->states[i];
    e->value_types[i] = *d->value_type;
    e->value_types[i].since_us = engine_clock(e);
    *id++ = (struct flow_store_id){FLOW_STORE_STATE, d->name, d->was, d->key_type,
                                   &e->value_types[i]};
  }
  if (p->mark_count > 0) {
    *id++ = (struct flow_store_id){FLOW_STORE_ENGINE, "time", NULL, marks_key_type(),
                                   marks_value_type()};
  }
  if (e->has_end) {
    *id = (struct flow_store_id){FLOW_STORE_ENGINE, "on end", NULL, &unit, &number};
  }
}

static enum flow_status note_given_up_row(void *context, uint64_t row, const void *key,
                                          size_t key_length, const void *value,
                                          size_t value_length) {
  const struct load *load = context;
  struct flow_buf *out = &load->engine->given_up;
  (void)row;
  flow_put_varint(out, load->id);
  flow_put_bytes(out, key, key_length);
  flow_put_bytes(out, value, value_length);
  return FLOW_OK;
}

/* Before epochs are given up, notes which files the sinks with parts have. Where that cannot be read any
 * more, as in a damaged store, files that only those epochs have stay as they are. */
static void note_given_up(struct engine *e) {
  uint16_t id = 0;
  const char *name;
  if (e->options.resume_epoch < 0) return;
  while (flow_store_next_id(e->store, FLOW_STORE_SINK, &id, &name)) {
    for (uint32_t i = 0; i < e->program->sink_count; i++) {
      const struct flow_sink_desc *d = &e->program->sinks[i];
      bool is_it = strcmp(d->name, name) == 0 || (d->was != NULL && strcmp(d->was, name) == 0);
      if (!d->has_parts || !is_it) continue;
      struct load load = {.engine = e, .id = id};
      struct flow_store_loaded loaded;
      struct flow_report ignored = {0};
      flow_store_load(e->store, id, note_given_up_row, &load, &loaded, &ignored);
    }
  }
}

static enum flow_status open_store(struct engine *e) {
  declare(e);
  const struct flow_store_options options = {.dir = e->options.state_dir,
                                             .flow_name = e->program->name,
                                             .flow_was = e->program->was,
                                             .compiler_version = e->program->compiler,
                                             .create = true,
                                             .retain_epochs = e->options.retain_epochs};
  enum flow_status status = engine_restore(e);
  if (status == FLOW_OK) status = flow_store_open(e->sys, &options, &e->store, &e->report);
  if (status != FLOW_OK) return status;
  engine_hold_store(e);
  const struct flow_store_plan plan = {.ids = e->ids,
                                       .id_count = e->id_count,
                                       .drops = e->options.drops,
                                       .drop_count = e->options.drop_count,
                                       .resume_epoch = e->options.resume_epoch,
                                       .going_back = &e->given_up};
  e->taken_back = flow_store_range(e->store).head;
  /* A run that went back may have been killed before it had removed them. */
  status = flow_store_going_back(e->store, &e->given_up, &e->report);
  if (status != FLOW_OK) return status;
  note_given_up(e);
  status = flow_store_prepare(e->store, &plan, e->numbers, &e->report);
  if (status != FLOW_OK) return status;
  if (e->report.message[0] != '\0') {
    e->migrated = input_copy_text(e->sys, e->report.message, strlen(e->report.message));
  }
  e->resumed_at = flow_store_range(e->store).head;
  struct flow_store_epoch_info info = {.now_us = INT64_MIN};
  if (e->resumed_at >= 0) {
    status = flow_store_epoch_info(e->store, e->resumed_at, &info, &e->report);
    if (status != FLOW_OK) return status;
  }
  epoch_init(&e->epoch, e->resumed_at, info.now_us);
  return FLOW_OK;
}

/* -- sources */

static enum flow_status load_position(void *context, uint64_t row, const void *key,
                                      size_t key_length, const void *value, size_t value_length) {
  struct load *load = context;
  return input_load(&load->source->input, row, key, key_length, value, value_length,
                    &load->engine->report);
}

/* Where a source is, in the words that are compared with those of the run before. */
static char *place_of(struct engine *e, const struct source *s) {
  static const char *const framings[] = {"lines", "csv"};
  /* How many events are generated changes none of them. */
  const char *location = s->desc->cycle == NULL ? s->location : "";
  size_t room = strlen(location) + 64;
  char *place = flow_sys_must_alloc(e->sys, room);
  snprintf(place, room, "%s %s %s", s->connector->name, framings[s->desc->framing], location);
  return place;
}

static enum flow_status load_positions(struct engine *e, uint32_t number) {
  struct source *s = &e->sources[number];
  struct load load = {.engine = e, .source = s};
  struct flow_store_loaded loaded = {0};
  enum flow_status status = FLOW_OK;
  if (e->store != NULL) {
    status =
        flow_store_load(e->store, e->numbers[number], load_position, &load, &loaded, &e->report);
    if (status != FLOW_OK) return status;
  }
  char *place = place_of(e, s);
  status = input_loaded(&s->input, loaded.next_row, place, &e->report);
  e->sys->free(e->sys, place);
  const struct options *o = &e->options;
  if (options_has(o->source_restarts, o->source_restart_count, s->desc->name)) {
    input_restart(&s->input);
  }
  s->input.skips_changed = options_has(o->source_skips, o->source_skip_count, s->desc->name);
  return status;
}

/* The location as a zero-ended text; null if there is none. Freed by the caller. */
static char *location_of(struct engine *e, struct flow_str (*location)(const struct flow_worker *),
                         const char *override) {
  if (override == NULL && location == NULL) return NULL;
  struct flow_str text = {0};
  if (override == NULL) text = location(&e->worker);
  const char *from = override == NULL ? flow_str_data(&text) : override;
  size_t length = override == NULL ? text.length : strlen(override);
  char *copy = input_copy_text(e->sys, from, length);
  if (copy == NULL) flow_out_of_memory(length + 1); /* null has a meaning of its own */
  return copy;
}

static void make_source(struct engine *e, uint32_t number) {
  const struct flow_source_desc *desc = &e->program->sources[number];
  const struct flow_connector *connector = desc->connector;
  const char *override = options_place(e->options.sources, e->options.source_count, desc->name);
  if (override != NULL && strcmp(override, "-") == 0 && desc->cycle == NULL) {
    connector = &flow_connector_stdin;
    override = "";
  } else if (override != NULL && connector == &flow_connector_stdin) {
    connector = &flow_connector_file;
  }
  char *location = location_of(e, desc->location, override);
  source_init(&e->sources[number], e->sys, desc, connector, location, &e->settings);
  e->sys->free(e->sys, location);
}

/* -- sinks */

static enum flow_status load_length(void *context, uint64_t row, const void *key, size_t key_length,
                                    const void *value, size_t value_length) {
  struct load *load = context;
  return sink_load(load->sink, row, key, key_length, value, value_length, &load->engine->report);
}

static enum flow_status make_sink(struct engine *e, uint32_t number) {
  const struct flow_sink_desc *desc = &e->program->sinks[number];
  const struct flow_connector *connector = desc->connector;
  const char *override = options_place(e->options.sinks, e->options.sink_count, desc->name);
  if (override != NULL && desc->has_parts) {
    return flow_report_fail(&e->report, FLOW_E_USAGE,
                            "--sink %s: the path of this sink depends on the item, so no other one can "
                            "take its place",
                            desc->name);
  }
  if (override != NULL) {
    bool is_stdout = strcmp(override, "-") == 0;
    connector = is_stdout ? &flow_connector_stdout : &flow_connector_file;
  }
  bool is_named = connector->target == CONNECTOR_FILE;
  char *location = is_named ? location_of(e, desc->location, override) : NULL;
  struct sink *s = &e->sinks[number];
  enum flow_status status = sink_open(s, e->sys, desc, connector, location,
                                      &e->worker.sinks[number], &e->stop, &e->report);
  e->sys->free(e->sys, location);
  if (status != FLOW_OK || e->store == NULL) return status;
  struct load load = {.engine = e, .sink = s};
  struct flow_store_loaded loaded;
  status = flow_store_load(e->store, e->numbers[e->program->source_count + number], load_length,
                           &load, &loaded, &e->report);
  if (status != FLOW_OK) return status;
  sink_loaded(s, loaded.next_row);
  struct flow_reader r = flow_reader_of(e->given_up.data, e->given_up.length);
  uint16_t id = e->numbers[e->program->source_count + number];
  while (flow_reader_left(&r) > 0) {
    size_t key_length, value_length;
    bool is_it = flow_get_varint(&r) == id;
    const char *key = flow_get_bytes(&r, &key_length);
    const char *value = flow_get_bytes(&r, &value_length);
    if (!r.ok) break;
    if (is_it) sink_given_up(s, key, key_length, value, value_length);
  }
  return FLOW_OK;
}

/* True if the sink's file lies in the directory that the source looks at: the flow would read what it
 * writes, without an end. */
static bool is_in_folder(struct engine *e, const struct sink *sink, const struct source *source) {
  if (!source->connector->is_polled) return false;
  const char *slash = strrchr(sink->location, '/');
  size_t length = slash == NULL ? 0 : (size_t)(slash - sink->location) + 1;
  char *folder =
      input_copy_text(e->sys, length == 0 ? "." : sink->location, length == 0 ? 1 : length);
  struct flow_file_info of_sink, of_source;
  bool is_same = e->sys->stat(e->sys, folder, &of_sink) == 0 &&
                 e->sys->stat(e->sys, source->location, &of_source) == 0 &&
                 of_sink.device == of_source.device && of_sink.inode == of_source.inode;
  e->sys->free(e->sys, folder);
  return is_same;
}

/* Rule 12: one file, one writer, and nobody reads what this run writes. */
static enum flow_status check_same_file(struct engine *e) {
  const struct flow_program *p = e->program;
  for (uint32_t i = 0; i < p->sink_count; i++) {
    const struct sink *s = &e->sinks[i];
    if (s->is_stream) continue;
    for (uint32_t j = 0; j < i; j++) {
      const struct sink *other = &e->sinks[j];
      if (s->parts != NULL || other->parts != NULL) continue;
      if (other->is_stream || other->device != s->device || other->inode != s->inode) continue;
      return flow_report_fail(&e->report, FLOW_E_USAGE,
                              "sinks `%s` and `%s` write the same file, %s", other->desc->name,
                              s->desc->name, s->location);
    }
    for (uint32_t j = 0; j < p->source_count; j++) {
      if (is_in_folder(e, s, &e->sources[j])) {
        return flow_report_fail(&e->report, FLOW_E_USAGE,
                                "sink `%s` writes %s into the directory that source `%s` reads",
                                s->desc->name, s->location, p->sources[j].name);
      }
      struct flow_file_info info;
      if (s->parts != NULL) continue;
      if (e->sources[j].fd < 0 || e->sys->fstat(e->sys, e->sources[j].fd, &info) < 0) continue;
      if (info.device != s->device || info.inode != s->inode) continue;
      return flow_report_fail(&e->report, FLOW_E_USAGE,
                              "source `%s` reads the file that sink `%s` writes, %s",
                              p->sources[j].name, s->desc->name, s->location);
    }
  }
  return FLOW_OK;
}

struct former {
  struct engine *engine;
  const char *name;
};

static enum flow_status check_former_row(void *context, uint64_t row, const void *key,
                                         size_t key_length, const void *value,
                                         size_t value_length) {
  struct former *former = context;
  struct engine *e = former->engine;
  (void)row;
  (void)key;
  (void)key_length;
  for (uint32_t i = 0; i < e->program->sink_count; i++) {
    const char *name = e->program->sinks[i].name;
    const struct options *o = &e->options;
    if (e->sinks[i].is_stored || options_has(o->sink_restarts, o->sink_restart_count, name)) continue;
    enum flow_status status =
        sink_check_former(&e->sinks[i], former->name, value, value_length, &e->report);
    if (status != FLOW_OK) return status;
  }
  return FLOW_OK;
}

/* A sink that got a new name without a `was` would empty the file of the old one. */
static enum flow_status check_former_sinks(struct engine *e) {
  struct former former = {.engine = e};
  const uint32_t first = e->program->source_count, count = e->program->sink_count;
  uint16_t id = 0;
  enum flow_status status = FLOW_OK;
  while (status == FLOW_OK && flow_store_next_id(e->store, FLOW_STORE_SINK, &id, &former.name)) {
    bool is_declared = false;
    struct flow_store_loaded loaded;
    for (uint32_t i = 0; i < count; i++) is_declared |= e->numbers[first + i] == id;
    if (is_declared) continue;
    status = flow_store_load(e->store, id, check_former_row, &former, &loaded, &e->report);
  }
  return status;
}

/* Sinks are changed only when nothing can refuse the run any more. */
static enum flow_status prepare_sinks(struct engine *e) {
  const struct flow_program *p = e->program;
  const struct options *o = &e->options;
  enum flow_status status = e->store == NULL ? FLOW_OK : check_former_sinks(e);
  for (uint32_t i = 0; status == FLOW_OK && i < p->sink_count; i++) {
    bool restarts = options_has(o->sink_restarts, o->sink_restart_count, p->sinks[i].name);
    status = sink_check(&e->sinks[i], restarts, &e->report);
  }
  for (uint32_t i = 0; status == FLOW_OK && i < p->sink_count; i++) {
    status = sink_begin(&e->sinks[i], &e->report);
    e->has_begun = true;
  }
  return status;
}

void engine_discard(struct engine *e) {
  if (e->has_begun) return;
  backup_stop(e->backup);
  committer_stop(e->committer);
  e->backup = NULL;
  e->committer = NULL;
  for (uint32_t i = 0; i < e->program->sink_count; i++) {
    if (e->sinks[i].sys != NULL) sink_discard(&e->sinks[i]);
  }
  flow_store_discard(e->store);
  e->store = NULL;
}

enum flow_status engine_resume(struct engine *e) {
  const struct flow_program *p = e->program;
  enum flow_status status = FLOW_OK;
  if (e->options.state_dir != NULL) status = open_store(e);
  for (uint32_t i = 0; status == FLOW_OK && i < p->source_count; i++) {
    make_source(e, i);
    status = load_positions(e, i);
    if (status == FLOW_OK) status = e->sources[i].connector->open(&e->sources[i], &e->report);
  }
  for (uint32_t i = 0; status == FLOW_OK && i < p->sink_count; i++) status = make_sink(e, i);
  if (status == FLOW_OK) status = check_same_file(e);
  for (uint32_t i = 0; status == FLOW_OK && i < p->sink_count; i++) {
    status = sink_lock(&e->sinks[i], &e->report);
  }
  if (status == FLOW_OK && e->store != NULL) status = load_marks(e);
  if (status == FLOW_OK && e->store != NULL) status = load_state(e, true);
  if (status == FLOW_OK && e->store != NULL) status = load_end(e);
  if (status == FLOW_OK && e->store != NULL) {
    status = committer_start(e->sys, e->store, &e->stop, &e->committer, &e->report);
  }
  if (status == FLOW_OK) status = engine_start_backup(e); /* may refuse the run, too */
  return status == FLOW_OK ? prepare_sinks(e) : status;
}
