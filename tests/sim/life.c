#define _GNU_SOURCE
#include "life.h"

#include "engine.h"
#include "position.h"
#include "sink.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Seconds of real time after which a life that makes no call any more is ended. */
#define PATIENCE_S 60
/* Virtual time behind the last input of a live source, after which the program is told to end. */
#define QUIET_US 5000000

void __real__exit(int code) __attribute__((noreturn));
int sim_flow_main(const struct flow_program *program, int argc, char **argv);
enum flow_status __real_flow_store_open(const struct flow_sys *, const struct flow_store_options *,
                                        struct flow_store **, struct flow_report *);
enum flow_status __wrap_flow_store_open(const struct flow_sys *, const struct flow_store_options *,
                                        struct flow_store **, struct flow_report *);

static struct life *own; /* of the process */
static const struct flow_program *own_program;
static uint64_t second_signal_at = UINT64_MAX;

struct life *life_of_process(void) {
  return own;
}

struct life *life_new(void) {
  struct life *life = mmap(NULL, sizeof *life, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (life == MAP_FAILED) world_fail("no memory for a life");
  life->world = world_new();
  return life;
}

/* -- what a life meets */

static _Noreturn void leave(enum life_end end, const char *what, int code) {
  own->end = end;
  own->exit_code = code;
  own->points = fibers_points();
  life_note(what, "", code, (int64_t)own->points);
  __real__exit(0);
}

void life_exit(int code) {
  leave(LIFE_ENDED, "exits", code);
}

void life_crash(void) {
  leave(LIFE_CRASHED, "is killed", 0);
}

void life_fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(own->failure, sizeof own->failure, format, arguments);
  va_end(arguments);
  leave(LIFE_FAILED, "fails", 0);
}

void life_note(const char *what, const char *object, int64_t a, int64_t b) {
  world_note(own->world, fiber_name(), what, object, a, b);
}

bool life_has_signal(void) {
  bool is_sent = fibers_points() >= own->plan.signal_point || own->looks >= own->plan.signal_look ||
                 own->world->clock_us >= own->quiet_us;
  return is_sent && !own->was_signalled;
}

/* Whenever time has gone on. */
static void hook(void) {
  uint64_t points = fibers_points();
  if (own->was_signalled && second_signal_at == UINT64_MAX &&
      own->plan.second_signal != LIFE_NEVER) {
    second_signal_at = points + own->plan.second_signal;
  }
  if (points >= own->plan.crash_point || points >= second_signal_at) life_crash();
  if (own->world->clock_us >= own->next_arrival_us) {
    if (own->plan.arrive())
      own->next_arrival_us += (int64_t)world_dice(own->world, 3000000);
    else
      own->next_arrival_us = INT64_MAX;
    if (own->next_arrival_us == INT64_MAX) own->quiet_us = own->world->clock_us + QUIET_US;
  }
}

/* The next moment at which something happens outside of the program. */
static int64_t next_event(void) {
  int64_t now_us = own->world->clock_us, next_us = system_next_event();
  if (own->next_arrival_us > now_us && own->next_arrival_us < next_us) {
    next_us = own->next_arrival_us;
  }
  if (own->quiet_us > now_us && own->quiet_us < next_us) next_us = own->quiet_us;
  return next_us;
}

bool life_is_change_cut(void) {
  return ++own->changes == own->plan.crash_change;
}

int life_fault(enum life_call call, const char *object) {
  struct world *w = own->world;
  const struct life_plan *plan = &own->plan;
  uint64_t number = ++own->calls;
  bool is_more = plan->fault_one_in > 0 && number > plan->fault_call;
  if (number != plan->fault_call && !(is_more && world_chance(w, plan->fault_one_in))) return 0;
  own->faults++;
  int error = -EIO;
  bool can_fill = call == CALL_WRITE || call == CALL_SYNC || call == CALL_NAME;
  if (call == CALL_OPEN && world_chance(w, 2)) error = -EMFILE;
  if (call == CALL_MEMORY) error = -ENOMEM;
  if (can_fill && world_chance(w, 2)) {
    error = -ENOSPC;
    w->is_disk_full = true;
  }
  life_note("FAULT", object, call, error);
  return error;
}

/* -- what the store has */

struct listing {
  uint16_t id;
  uint64_t last;
  bool is_sink;
};

static void note_sink(const void *value, size_t length) {
  if (own->sink_count == LIFE_SINKS) life_fail("too many sinks");
  struct life_sink *sink = &own->sinks[own->sink_count++];
  struct flow_reader r = flow_reader_of(value, length);
  size_t place_length;
  sink->length = (uint64_t)flow_get_int(&r);
  flow_get_int(&r);
  const char *place = flow_get_bytes(&r, &place_length);
  snprintf(sink->place, sizeof sink->place, "%.*s", (int)place_length, place);
}

static void add_hex(const void *data, size_t length) {
  const uint8_t *bytes = data;
  for (size_t i = 0; i < length; i++) {
    if (own->rows_length + 4 > LIFE_ROWS_BYTES) life_fail("too many rows");
    own->rows_length += (uint32_t)sprintf(own->rows + own->rows_length, "%02x", bytes[i]);
  }
  own->rows[own->rows_length++] = ' ';
}

static enum flow_status list_row(void *context, uint64_t row, const void *key, size_t key_length,
                                 const void *value, size_t value_length) {
  struct listing *listing = context;
  if (row < listing->last) life_fail("row %llu comes again", (unsigned long long)row);
  listing->last = row + 1;
  if (listing->is_sink) note_sink(value, value_length);
  if (own->rows_length + 32 > LIFE_ROWS_BYTES) life_fail("too many rows");
  own->rows_length += (uint32_t)sprintf(own->rows + own->rows_length, "%u: ", listing->id);
  add_hex(key, key_length);
  add_hex(value, value_length);
  own->rows[own->rows_length - 1] = '\n';
  return FLOW_OK;
}

static size_t declare(const struct flow_program *p, struct flow_store_id *ids) {
  static const struct flow_type unit = {.kind = FLOW_KIND_UNIT}, number = {.kind = FLOW_KIND_INT};
  size_t count = 0;
  bool has_end = false;
  for (uint32_t i = 0; i < p->source_count; i++) {
    ids[count++] = (struct flow_store_id){FLOW_STORE_SOURCE, p->sources[i].name, NULL,
                                          position_key_type(), position_value_type()};
  }
  for (uint32_t i = 0; i < p->sink_count; i++) {
    const struct flow_sink_desc *s = &p->sinks[i];
    ids[count++] = (struct flow_store_id){FLOW_STORE_SINK, s->name, NULL, sink_key_type(s),
                                          sink_value_type(s)};
  }
  for (uint32_t i = 0; i < p->state_count; i++) {
    const struct flow_state_desc *s = &p->states[i];
    ids[count++] =
        (struct flow_store_id){FLOW_STORE_STATE, s->name, NULL, s->key_type, s->value_type};
    has_end |= s->on_end != NULL;
  }
  if (has_end) {
    ids[count++] = (struct flow_store_id){FLOW_STORE_ENGINE, "on end", NULL, &unit, &number};
  }
  return count;
}

/* Loads all that is saved, as a next run would. Row numbers are not listed: they may differ; when
 * the input has ended is not, because it is the number of an epoch. */
static void show_rows(const struct flow_program *p) {
  struct flow_report report = {0};
  struct flow_store *store;
  struct flow_store_id ids[16];
  uint16_t numbers[16];
  const struct flow_store_options options = {
      .dir = "db", .flow_name = p->name, .compiler_version = p->compiler};
  const struct flow_store_plan plan = {
      .ids = ids, .id_count = declare(p, ids), .resume_epoch = FLOW_STORE_NEWEST};
  if (world_find(own->world, "db/data.mdb") < 0) return; /* ended before there was one */
  enum flow_status status = flow_store_open(system_table(), &options, &store, &report);
  if (status == FLOW_OK) status = flow_store_prepare(store, &plan, numbers, &report);
  for (size_t i = 0; status == FLOW_OK && i < plan.id_count; i++) {
    struct listing listing = {.id = (uint16_t)i, .is_sink = ids[i].kind == FLOW_STORE_SINK};
    struct flow_store_loaded loaded;
    if (ids[i].kind == FLOW_STORE_ENGINE) continue;
    status = flow_store_load(store, numbers[i], list_row, &listing, &loaded, &report);
  }
  if (status != FLOW_OK) life_fail("the saved state cannot be read: %s", report.message);
  own->oldest_epoch = flow_store_range(store).oldest;
  own->newest_epoch = flow_store_range(store).newest;
  own->has_rows = true;
  flow_store_close(store);
}

/* -- the process */

/* Small limits, so that little input reaches everything. */
enum flow_status __wrap_flow_store_open(const struct flow_sys *sys,
                                        const struct flow_store_options *options,
                                        struct flow_store **store, struct flow_report *report) {
  struct flow_store_options small = *options;
  small.fold_floor = own->plan.fold_floor;
  small.map_size = own->plan.map_size;
  return __real_flow_store_open(sys, &small, store, report);
}

/* What main() of a generated program calls here. */
int sim_flow_main(const struct flow_program *program, int argc, char **argv) {
  own_program = program;
  return engine_main(system_table(), program, argc, argv);
}

static _Noreturn void live(struct life *life, const struct life_program *program) {
  own = life;
  alarm(PATIENCE_S);
  char *argv[LIFE_ARGUMENTS + 2] = {(char *)(uintptr_t)program->name};
  for (int i = 0; i < life->plan.argument_count; i++) argv[i + 1] = life->plan.arguments[i];
  setenv("FLOW_BLOCK_BYTES", life->plan.block_bytes, 1);
  setenv("FLOW_CLOCK", "1700000000000000+1000000", 1); /* what now() is must not depend on the life */
  own->quiet_us = own->next_arrival_us = INT64_MAX;
  if (own->plan.arrive != NULL) own->next_arrival_us = own->world->clock_us;
  fibers_begin(life->world, &life->plan.fibers, hook, next_event);
  int code = program->main(life->plan.argument_count + 1, argv);
  life->plan.crash_point = life->plan.crash_change = life->plan.fault_call = LIFE_NEVER;
  life->plan.fault_one_in = 0;
  life->world->is_disk_full = false;
  bool is_doubtful = code == 0 && (life->was_signalled || life->faults > 0);
  if (life->plan.shows_rows || is_doubtful) show_rows(own_program);
  life_exit(code);
}

void life_run(struct life *life, const struct life_program *program) {
  struct world *w = life->world;
  w->life++;
  w->stderr_length = 0;
  w->is_disk_full = false;
  life->end = LIFE_FAILED;
  life->exit_code = 0;
  life->points = life->changes = life->calls = 0;
  life->faults = 0;
  life->looks = 0;
  life->was_signalled = false;
  life->out_begin = life->out_length;
  life->rows_length = life->sink_count = 0;
  life->has_rows = false;
  snprintf(life->failure, sizeof life->failure, "the process ended by itself");
  pid_t pid = fork();
  if (pid < 0) world_fail("no process for a life");
  if (pid == 0) live(life, program);
  int status;
  if (waitpid(pid, &status, 0) != pid) world_fail("a life is lost");
  if (WIFSIGNALED(status)) {
    snprintf(life->failure, sizeof life->failure, "the program dies of signal %d (%s)",
             WTERMSIG(status), strsignal(WTERMSIG(status)));
  }
  if (life->plan.loses_power && life->end != LIFE_FAILED) world_lose_power(w);
}
