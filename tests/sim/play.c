#define _GNU_SOURCE
#include "play.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLOWS_MAX = 8, INPUTS = 24, LIVES_MAX = 6 };

/* What an undisturbed life leaves. */
struct reference {
  bool is_known;
  int exit_code;
  uint64_t points, changes, calls;
  char *out, *rows, *sinks[INPUT_SINKS];
  size_t out_length, rows_length, sink_lengths[INPUT_SINKS];
};

struct player {
  struct life *life;
  struct world *world;
  struct reference references[FLOWS_MAX][INPUTS];
};

/* One seed that is being played. */
struct story {
  struct player *player;
  const struct input_flow *flow;
  const struct reference *expected;
  struct play_result *result;
  uint32_t reached; /* bytes of the reference's stdout that have been written */
  bool is_exact;    /* they were committed, so that nothing may be written twice */
  bool has_failed;
};

struct player *player_new(void) {
  struct player *p = calloc(1, sizeof *p);
  if (p == NULL) world_fail("no memory");
  p->life = life_new();
  p->world = p->life->world;
  return p;
}

/* -- plans */

__attribute__((format(printf, 2, 3))) static void add_argument(struct life_plan *plan,
                                                               const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *to = plan->arguments[plan->argument_count++];
  vsnprintf(to, sizeof plan->arguments[0], format, arguments);
  va_end(arguments);
}

static void calm_plan(const struct input_flow *flow, struct life_plan *plan) {
  *plan = (struct life_plan){.fibers = {.choice = FIBER_ORDERLY, .points_max = 2000000},
                             .fold_floor = 4 << 20,
                             .crash_point = LIFE_NEVER,
                             .crash_change = LIFE_NEVER,
                             .fault_call = LIFE_NEVER,
                             .signal_point = LIFE_NEVER,
                             .signal_look = LIFE_NEVER,
                             .second_signal = LIFE_NEVER,
                             .shows_rows = true};
  snprintf(plan->block_bytes, sizeof plan->block_bytes, "65536");
  add_argument(plan, "-d");
  add_argument(plan, "db");
  add_argument(plan, "--summary=text");
  if (flow->sees_epochs) add_argument(plan, "--epoch-records=1");
  if (flow->has_end) add_argument(plan, "--at-end=flush");
}

/* Sometimes a life goes back to an epoch that the one before has left within reach. */
static void go_back(struct story *s, struct life_plan *plan, bool could_show) {
  const struct life *life = s->player->life;
  struct world *w = s->player->world;
  if (!could_show || !life->has_rows || !world_chance(w, 3)) return;
  uint64_t reach = (uint64_t)(life->newest_epoch - life->oldest_epoch) + 1;
  add_argument(plan, "--resume-epoch=%lld",
               (long long)life->oldest_epoch + (long long)world_dice(w, reach));
  s->is_exact = false;
}

/* How the program is run and in which order its threads go on: nothing of that may matter. */
static void vary(struct world *w, const struct input_flow *flow, struct life_plan *plan) {
  static const char *const intervals[] = {"1ms", "3ms", "20ms", "1s"};
  static const uint32_t workers[] = {1, 2, 2, 3, 4};
  static const int64_t steps_us[] = {0, 5, 50};
  plan->fibers.choice = (enum fiber_choice)world_dice(w, 4);
  plan->fibers.step_us = steps_us[world_dice(w, 3)];
  plan->fibers.stall_one_in = world_chance(w, 3) ? 50 : 0;
  plan->fibers.stall_us = 5000;
  plan->fibers.wakes_for_nothing = world_chance(w, 4);
  plan->sync_us = world_chance(w, 2) ? 0 : (int64_t)world_dice(w, 20000);
  plan->short_one_in = world_chance(w, 3) ? 3 : 0;
  plan->blocks_one_in = world_chance(w, 6) ? 20 : 0;
  plan->fold_floor = (uint64_t)256 << world_dice(w, 8);
  plan->map_size = world_chance(w, 3) ? (uint64_t)128 << 10 : 0;
  snprintf(plan->block_bytes, sizeof plan->block_bytes, "%u", 16u << (unsigned)world_dice(w, 9));
  add_argument(plan, "-w%u", (unsigned)workers[world_dice(w, 5)]);
  add_argument(plan, "-s%s", intervals[world_dice(w, 4)]);
  if (world_chance(w, 5)) add_argument(plan, "--snapshot-mode=immediate");
  if (!flow->sees_epochs && world_chance(w, 3)) {
    add_argument(plan, "--epoch-records=%u", (unsigned)(1 + world_dice(w, 20)));
  }
  if (world_chance(w, 4)) add_argument(plan, "--retain-epochs=%u", (unsigned)world_dice(w, 8));
  if (world_chance(w, 4)) w->realtime_us -= (int64_t)world_dice(w, 10000000);
}

static uint64_t some_of(struct world *w, uint64_t count) {
  return 1 + world_dice(w, count + count / 4);
}

/* What goes wrong in a life. */
static void disturb(struct world *w, const struct reference *r, struct life_plan *plan) {
  plan->shows_rows = false;
  uint64_t kind = world_dice(w, 10);
  if (kind < 4)
    plan->crash_point = some_of(w, 2 * r->points);
  else if (kind < 8)
    plan->crash_change = some_of(w, r->changes * 3 / 2);
  plan->loses_power = world_chance(w, 2);
  if (world_chance(w, 4)) {
    plan->fault_call = some_of(w, r->calls);
    plan->fault_one_in = world_chance(w, 3) ? 100 : 0;
  }
  if (world_chance(w, 8)) plan->signal_point = some_of(w, r->points);
  if (world_chance(w, 6)) plan->signal_look = 1 + world_dice(w, 20);
  if (world_chance(w, 2)) plan->second_signal = world_dice(w, 500);
}

/* -- judgements */

__attribute__((format(printf, 2, 3))) static void judge(struct story *s, const char *format, ...) {
  if (s->has_failed) return;
  s->has_failed = true;
  char why[2048];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why, sizeof why, format, arguments);
  va_end(arguments);
  const struct life *life = s->player->life;
  struct play_result *r = s->result;
  int length =
      snprintf(r->failure, sizeof r->failure, "life %u:", (unsigned)s->player->world->life);
  for (int i = 0; i < life->plan.argument_count; i++) {
    length += snprintf(r->failure + length, sizeof r->failure - (size_t)length, " %s",
                       life->plan.arguments[i]);
  }
  snprintf(r->failure + length, sizeof r->failure - (size_t)length,
           ", blocks of %s bytes\n  %s\n%s%.*s", life->plan.block_bytes, why,
           s->player->world->stderr_length > 0 ? "  it says:\n" : "",
           (int)(s->player->world->stderr_length < 1500 ? s->player->world->stderr_length : 1500),
           s->player->world->stderr_text);
}

/* The number of the line that holds byte `at`, and its text. */
static void quote(const char *bytes, size_t length, size_t at, char *line, size_t room) {
  size_t start = at < length ? at : length, number = 1;
  while (start > 0 && bytes[start - 1] != '\n') start--;
  for (size_t i = 0; i < start; i++) number += bytes[i] == '\n';
  size_t end = start;
  while (end < length && bytes[end] != '\n' && end - start < 160) end++;
  snprintf(line, room, "line %zu: %.*s", number, (int)(end - start), bytes + start);
}

static void judge_difference(struct story *s, const char *what, const char *expected,
                             size_t expected_length, const char *found, size_t found_length) {
  char a[256], b[256];
  size_t at = 0;
  while (at < expected_length && at < found_length && expected[at] == found[at]) at++;
  quote(expected, expected_length, at, a, sizeof a);
  quote(found, found_length, at, b, sizeof b);
  judge(
      s,
      "%s has %zu bytes instead of %zu, and differs at byte %zu\n    expected %s\n    found    %s",
      what, found_length, expected_length, at, a, b);
}

static int compare_lines(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Brings the lines of a text, which ends with a zero, into the order of their bytes. */
static char *sort_lines(const char *text, size_t length) {
  char *copy = strndup(text, length), *sorted = calloc(1, length + 2), *end = sorted;
  char **lines = calloc(length + 1, sizeof *lines);
  size_t count = 0;
  for (char *rest = NULL, *line = strtok_r(copy, "\n", &rest); line != NULL;
       line = strtok_r(NULL, "\n", &rest)) {
    lines[count++] = line;
  }
  qsort(lines, count, sizeof *lines, compare_lines);
  for (size_t i = 0; i < count; i++) end += sprintf(end, "%s\n", lines[i]);
  free(copy);
  free(lines);
  return sorted;
}

static const char *sink_bytes(const struct world *w, const char *name, size_t *length) {
  int node = world_find(w, name);
  *length = node < 0 ? 0 : w->nodes[node].size;
  return node < 0 ? "" : (const char *)world_bytes(w, node);
}

/* Files hold what they will hold at last, or the beginning of it. */
static void check_sinks(struct story *s, bool is_last) {
  for (int i = 0; i < INPUT_SINKS && s->flow->sinks[i] != NULL; i++) {
    const char *name = s->flow->sinks[i], *expected = s->expected->sinks[i];
    size_t length, expected_length = s->expected->sink_lengths[i];
    const char *bytes = sink_bytes(s->player->world, name, &length);
    if (!is_last && length < expected_length) expected_length = length;
    if (name == s->flow->unordered) {
      if (!is_last) continue;
      char *a = sort_lines(expected, expected_length), *b = sort_lines(bytes, length);
      if (strcmp(a, b) != 0) judge_difference(s, name, a, strlen(a), b, strlen(b));
      free(a);
      free(b);
    } else if (length != expected_length || memcmp(bytes, expected, length) != 0) {
      judge_difference(s, name, expected, expected_length, bytes, length);
    }
  }
}

/* Standard output goes on at the place that it had reached, or at a line before it after a crash.
 * Lines are numbered, so that each place can be told. `commits`: the life has ended well. */
static void check_out(struct story *s, bool commits) {
  const struct life *life = s->player->life;
  const struct reference *r = s->expected;
  uint32_t length = life->out_length - life->out_begin, from = s->reached;
  if (length == 0) return;
  const char *bytes = (const char *)life->out + life->out_begin;
  for (;; from--) {
    bool fits = from + length <= r->out_length && (from == 0 || r->out[from - 1] == '\n');
    if (fits && memcmp(r->out + from, bytes, length) == 0) break;
    if (from == 0 || s->is_exact) {
      judge_difference(s, "what a life puts out behind what stdout had,", r->out + s->reached,
                       r->out_length - s->reached, bytes, length);
      return;
    }
  }
  if (commits || from + length > s->reached) s->reached = from + length;
  s->is_exact = commits;
}

static bool has_text(const struct world *w, const char *text) {
  return memmem(w->stderr_text, w->stderr_length, text, strlen(text)) != NULL;
}

static void check_exit(struct story *s, bool is_last) {
  const struct life *life = s->player->life;
  int code = life->exit_code, expected = s->expected->exit_code;
  bool is_good = code == expected || (code == 0 && life->was_signalled);
  if (!is_last && s->flow->is_folder && code == 0) is_good = true;
  if (life->faults > 0) {
    is_good |= code == 0 || code == 66 || code == 70 || code == 73 || code == 74;
  }
  if (!is_good) judge(s, "it exits with %d instead of %d", code, expected);
  if (code != 0 && s->player->world->stderr_length == 0)
    judge(s, "it exits with %d silently", code);
}

/* After a good end, files have what the store says, and no more. */
static void check_lengths(struct story *s) {
  const struct life *life = s->player->life;
  for (uint32_t i = 0; life->has_rows && i < life->sink_count; i++) {
    const struct life_sink *sink = &life->sinks[i];
    if (strcmp(sink->place, "stdout") == 0) continue;
    size_t length;
    sink_bytes(s->player->world, sink->place, &length);
    if (length == sink->length) continue;
    judge(s, "%s has %zu bytes, and %llu are committed", sink->place, length,
          (unsigned long long)sink->length);
  }
}

static bool has_all_rows(const struct life *life, const struct reference *r) {
  return life->rows_length == r->rows_length && memcmp(life->rows, r->rows, r->rows_length) == 0;
}

static void check_life(struct story *s, bool is_last) {
  const struct life *life = s->player->life;
  struct play_counts *counts = &s->result->counts;
  counts->lives++;
  counts->kills += life->end == LIFE_CRASHED;
  counts->losses += life->plan.loses_power;
  counts->faults += life->faults;
  counts->signals += life->was_signalled;
  counts->calls += life->points;
  if (life->end == LIFE_FAILED) judge(s, "%s", life->failure);
  if (s->has_failed) return;
  bool gives_up = has_text(s->player->world, "took nothing");
  bool ends_well = life->end == LIFE_ENDED && life->faults == 0 && !gives_up;
  check_out(s, ends_well);
  if (life->end == LIFE_CRASHED) return;
  check_exit(s, is_last);
  /* A signal can come before the program has cut off what a crash left. */
  bool is_through =
      life->faults == 0 && (!life->was_signalled || has_text(s->player->world, " in, "));
  if (!life->plan.loses_power && is_through) check_sinks(s, is_last);
  if (!life->plan.loses_power && is_through && !gives_up) check_lengths(s);
  bool is_done = life->exit_code == 0 && !life->was_signalled && !s->flow->is_folder;
  if (is_done && life->has_rows && !has_all_rows(life, s->expected)) {
    judge(s, "it exits with 0, and not everything is saved");
  }
}

static void check_end(struct story *s) {
  const struct life *life = s->player->life;
  const struct reference *r = s->expected;
  if (s->has_failed) return;
  if (s->reached != r->out_length) {
    judge_difference(s, "stdout", r->out, r->out_length, r->out, s->reached);
  }
  if (!has_all_rows(life, r)) {
    judge_difference(s, "the saved state", r->rows, r->rows_length, life->rows, life->rows_length);
  }
}

/* -- stories */

/* Input comes from dice of its own, so that many seeds have the same. */
static void make_input(struct world *w, const struct input_flow *flow, uint64_t input,
                       uint32_t part, uint32_t parts) {
  uint64_t dice = w->dice;
  w->dice = input * 1000003 + 17;
  flow->make(w, part, parts);
  w->dice = dice;
}

static char *keep(const void *bytes, size_t length) {
  char *copy = malloc(length + 1);
  if (copy == NULL) world_fail("no memory");
  memcpy(copy, bytes, length);
  copy[length] = '\0';
  return copy;
}

static void play_reference(struct player *p, const struct input_flow *flow, uint64_t input,
                           struct reference *r) {
  struct life *life = p->life;
  world_begin(p->world, input);
  make_input(p->world, flow, input, 1, 1);
  calm_plan(flow, &life->plan);
  add_argument(&life->plan, "-w1");
  if (flow->is_folder) add_argument(&life->plan, "--once");
  life->out_length = 0;
  life_run(life, &flow->program);
  if (life->end != LIFE_ENDED) {
    world_fail("the reference of %s fails: %s\n%.*s", flow->program.name, life->failure,
               (int)p->world->stderr_length, p->world->stderr_text);
  }
  *r = (struct reference){.is_known = true,
                          .exit_code = life->exit_code,
                          .points = life->points,
                          .changes = life->changes,
                          .calls = life->calls,
                          .out = keep(life->out, life->out_length),
                          .out_length = life->out_length,
                          .rows = keep(life->rows, life->rows_length),
                          .rows_length = life->rows_length};
  for (int i = 0; i < INPUT_SINKS && flow->sinks[i] != NULL; i++) {
    const char *bytes = sink_bytes(p->world, flow->sinks[i], &r->sink_lengths[i]);
    r->sinks[i] = keep(bytes, r->sink_lengths[i]);
  }
}

static void run_life(struct story *s, bool is_last) {
  struct life *life = s->player->life;
  struct world *w = s->player->world;
  life_run(life, &s->flow->program);
  if (w->is_traced && w->stderr_length > 0) {
    fprintf(stderr, "%.*s", (int)w->stderr_length, w->stderr_text);
  }
  check_life(s, is_last);
}

/* What comes while a life runs: the process of the life has a copy of this. */
static struct {
  struct world *world;
  const struct input_flow *flow;
  uint64_t input;
  uint32_t part, parts;
} live_input;

static bool arrive(void) {
  make_input(live_input.world, live_input.flow, live_input.input, ++live_input.part,
             live_input.parts);
  return live_input.part < live_input.parts;
}

/* A directory is read as it is, or it grows while it is read. */
static void choose_folder(struct story *s, struct life_plan *plan, uint64_t input, bool is_live) {
  if (!s->flow->is_folder) return;
  if (!is_live) {
    add_argument(plan, "--once");
    return;
  }
  live_input.world = s->player->world;
  live_input.flow = s->flow;
  live_input.input = input;
  live_input.part = 0;
  live_input.parts = 1 + (uint32_t)world_dice(s->player->world, 6);
  plan->arrive = arrive;
}

static void play_lives(struct story *s, uint64_t input) {
  struct world *w = s->player->world;
  struct life_plan *plan = &s->player->life->plan;
  uint32_t lives = (uint32_t)world_dice(w, LIVES_MAX + 1);
  for (uint32_t i = 0; i < lives && !s->has_failed; i++) {
    if (s->flow->is_folder)
      make_input(w, s->flow, input, i, lives);
    else if (i == 0)
      make_input(w, s->flow, input, 1, 1);
    calm_plan(s->flow, plan);
    vary(w, s->flow, plan);
    disturb(w, s->expected, plan);
    go_back(s, plan, i > 0);
    choose_folder(s, plan, input, world_chance(w, 3));
    run_life(s, false);
  }
  if (s->flow->is_folder || lives == 0) make_input(w, s->flow, input, 1, 1);
  for (uint32_t more = world_chance(w, 4) ? 2 : 1; more > 0 && !s->has_failed; more--) {
    calm_plan(s->flow, plan);
    vary(w, s->flow, plan);
    choose_folder(s, plan, input, false);
    run_life(s, true);
    check_end(s);
  }
}

struct play_result play(struct player *p, uint64_t seed, bool is_traced) {
  uint32_t number = (uint32_t)(seed % input_flow_count);
  uint64_t input = seed / input_flow_count % INPUTS;
  const struct input_flow *flow = &input_flows[number];
  struct reference *r = &p->references[number][input];
  if (!r->is_known) play_reference(p, flow, input, r);
  struct play_result result = {.flow = flow->program.name};
  struct story s = {.player = p, .flow = flow, .expected = r, .result = &result};
  world_begin(p->world, seed);
  p->world->is_traced = is_traced;
  p->life->out_length = 0;
  play_lives(&s, input);
  p->world->is_traced = false;
  result.is_good = !s.has_failed;
  result.hash = p->world->hash;
  return result;
}
