/* Blocks in flight: rows that cross, inboxes, and the merge of sinks, against a flow that is run depth
 * first by one thread. */
#include "value_fixture.h"

#include <pthread.h>

#include "flight.h"
#include "schedule.h"

enum { WORKERS_MAX = 8, WINDOW = 3, SINKS = 3, STAGES = 5, KEYS = 37, RECORDS_MAX = 40 };

/* -- a flow whose output shows every mistake in the order ------------------------------------ */

/* Stage 0 is the parse; stage s > 0 begins behind exchange s - 1. */
struct shape {
  uint32_t exchange_count, path_length;
  uint32_t levels[STAGES - 1];  /* by exchange */
  bool reaches[STAGES][STAGES]; /* [stage][later stage] */
};

/* Nothing crosses. */
static const struct shape shape_plain = {.exchange_count = 0};

static const struct shape shape_chain = {
    .exchange_count = 2,
    .path_length = 2,
    .levels = {1, 2},
    .reaches = {{[1] = true}, {[2] = true}},
};

/* Rows of the last stage come over ways of one, two and three exchanges. */
static const struct shape shape_meeting = {
    .exchange_count = 4,
    .path_length = 3,
    .levels = {1, 2, 1, 3},
    .reaches = {{[1] = true, [3] = true, [4] = true},
                {[2] = true, [4] = true},
                {[4] = true},
                {[4] = true}},
};

struct row {
  struct flow_crossing crossing;
  uint32_t more_path[3];
  uint32_t key;
  uint64_t value;
  const uint64_t *note; /* in the arena of the lane that made the row: the value */
};

struct sim {
  const struct shape *shape;
  uint64_t seed;
  uint32_t workers; /* 0: the reference, which runs rows on at once */
  size_t row_size;
  bool is_unordered;
  /* State: each key of a stage belongs to one worker. */
  uint32_t counts[STAGES][KEYS];
  struct flow_worker worker[WORKERS_MAX];
  uint32_t stage[WORKERS_MAX]; /* that the worker is in */
  struct flow_exchange exchanges[STAGES - 1];
  bool is_unordered_sink[SINKS];
  struct flight_shape flight_shape;
  struct flight flights[WINDOW];
  struct schedule schedule;
  uint64_t blocks, limit; /* the limit is that of the last block */
  struct flow_buf outputs[SINKS];
  uint64_t rows[SINKS];
};

static uint64_t mix(uint64_t a, uint64_t b) {
  return flow_hash_mix(UINT64_C(0x9e3779b97f4a7c15), a, b);
}

static void run_stage(struct sim *sim, struct flow_worker *w, uint32_t stage, uint32_t key,
                      uint64_t value);

static void emit(struct sim *sim, struct flow_worker *w, uint32_t sink, const char *line,
                 size_t length) {
  struct flow_buf *out = &sim->outputs[sink];
  if (w != NULL)
    out = flow_sink_row(w, sink);
  else
    sim->rows[sink]++;
  flow_buf_add(out, line, length);
}

static void cross(struct sim *sim, struct flow_worker *w, uint32_t stage, uint32_t key,
                  uint64_t value) {
  if (w == NULL) {
    run_stage(sim, w, stage, key, value);
    return;
  }
  uint64_t *note = flow_mem_alloc(w->arena, sizeof *note);
  *note = value;
  struct row *row = flow_cross(w, stage - 1, mix(key, 99), sim->row_size, sim->shape->path_length);
  assert_int_equal((uintptr_t)row % 8, 0);
  row->key = key;
  row->value = value;
  row->note = note;
}

/* What a stage does with a row depends on how many its key has seen: it writes lines of different
 * lengths, and emits to later stages, in any mixture. */
static void run_stage(struct sim *sim, struct flow_worker *w, uint32_t stage, uint32_t key,
                      uint64_t value) {
  uint32_t later[STAGES], ways = 0;
  for (uint32_t s = stage + 1; s < STAGES; s++) {
    if (sim->shape->reaches[stage][s]) later[ways++] = s;
  }
  uint32_t seen = sim->counts[stage][key];
  if (stage > 0) sim->counts[stage][key]++;
  uint64_t h = mix(mix(sim->seed, value), seen);
  uint64_t emissions = h % 5;
  for (uint64_t i = 0; i < emissions; i++) {
    h = mix(h, i);
    uint64_t choice = h % (SINKS + 2 * ways);
    if (choice >= SINKS) {
      cross(sim, w, later[(choice - SINKS) / 2], (uint32_t)(h >> 32) % KEYS, h);
      continue;
    }
    char line[256];
    int filling = (int)(h >> 40) % (h >> 60 == 0 ? 150 : 20);
    int length = snprintf(line, sizeof line, "%u %u %u %u %0*d\n", stage, key,
                          (unsigned)(value % 10000), seen, filling, (int)i);
    emit(sim, w, (uint32_t)choice, line, (size_t)length);
  }
}

static void take(struct flow_worker *w, struct flow_inbox *inbox) {
  struct sim *sim = w->engine;
  const struct flow_crossing *rows[FLOW_BATCH];
  uint32_t me = (uint32_t)(w - sim->worker);
  for (uint32_t count; (count = flow_inbox_next(inbox, rows)) > 0;) {
    assert_true(count <= FLOW_BATCH);
    for (uint32_t i = 0; i < count; i++) {
      const struct row *row = (const struct row *)rows[i];
      assert_int_equal(flow_owner(row->crossing.hash, sim->workers), me);
      assert_int_equal(*row->note, row->value);
      flow_cross_enter(w, rows[i]);
      run_stage(sim, w, sim->stage[me], row->key, row->value);
    }
  }
}

/* Some blocks have no record, and some a single one. */
static uint64_t records_of(const struct sim *sim, uint64_t block) {
  uint64_t h = mix(sim->seed, block);
  return h % 4 == 0 ? (h >> 8) % 2 : (h >> 8) % (RECORDS_MAX + 1);
}

static uint64_t record_value(uint64_t block, uint64_t record) {
  return mix(block * 1000 + record, 5);
}

static void run_reference(struct sim *sim) {
  for (uint64_t b = 0; b < sim->blocks; b++) {
    for (uint64_t r = 0; r < records_of(sim, b); r++) {
      if (b == sim->blocks - 1 && r >= sim->limit) return;
      run_stage(sim, NULL, 0, 0, record_value(b, r));
    }
  }
}

/* -- the same with workers ------------------------------------------------------------------- */

static void run_task(struct sim *sim, const struct task *task) {
  struct flow_worker *w = &sim->worker[task->worker];
  struct flight *f = &sim->flights[task->block % WINDOW];
  if (task->kind == TASK_MERGE) {
    if (task->block == sim->blocks - 1) f->limit = sim->limit;
    flight_merge(f);
    return;
  }
  flight_enter(f, w, task->worker, task->phase);
  sim->stage[task->worker] = task->phase;
  if (task->kind == TASK_TAKE) {
    sim->exchanges[task->phase - 1].take(w, flight_inbox(f, task->worker, task->phase));
  } else {
    for (uint64_t r = 0; r < records_of(sim, task->block); r++) {
      w->record = r;
      run_stage(sim, w, 0, 0, record_value(task->block, r));
    }
  }
  flight_leave(w);
}

static void admit_and_retire(struct sim *sim) {
  while (schedule_is_head_ready(&sim->schedule)) {
    struct flight *f = &sim->flights[sim->schedule.head % WINDOW];
    for (uint32_t i = 0; i < SINKS; i++) {
      flow_buf_add(&sim->outputs[i], f->outputs[i].data, f->outputs[i].length);
      sim->rows[i] += f->rows[i];
    }
    flight_end(f);
    schedule_retire(&sim->schedule);
  }
  while (sim->schedule.tail < sim->blocks && schedule_has_room(&sim->schedule)) {
    uint64_t number = schedule_admit(&sim->schedule);
    struct flight *f = &sim->flights[number % WINDOW];
    f->number = (uint32_t)number;
  }
}

/* Lets tasks begin and end in a random order; each is run when it ends, that is, as late as possible. */
static void run_shuffled(struct sim *sim) {
  struct random random = {.state = sim->seed * 2 + 1};
  struct task tasks[WORKERS_MAX];
  bool is_busy[WORKERS_MAX] = {false};
  for (admit_and_retire(sim); sim->schedule.head < sim->blocks; admit_and_retire(sim)) {
    uint32_t i = (uint32_t)random_below(&random, sim->workers);
    if (!is_busy[i]) {
      is_busy[i] = schedule_next(&sim->schedule, i, &tasks[i]);
    } else {
      run_task(sim, &tasks[i]);
      schedule_done(&sim->schedule, &tasks[i]);
      is_busy[i] = false;
    }
  }
}

static struct sim *sim_new(const struct shape *shape, uint64_t seed, uint64_t blocks) {
  struct sim *sim = calloc(1, sizeof *sim);
  assert_non_null(sim);
  sim->shape = shape;
  sim->seed = seed;
  sim->blocks = blocks;
  sim->limit = UINT64_MAX;
  return sim;
}

static void sim_start(struct sim *sim, const struct flow_sys *sys, uint32_t workers) {
  sim->workers = workers;
  if (sim->row_size == 0) sim->row_size = sizeof(struct row);
  for (uint32_t i = 0; i < sim->shape->exchange_count; i++) {
    sim->exchanges[i] = (struct flow_exchange){.level = sim->shape->levels[i], .take = take};
  }
  for (uint32_t i = 0; i < SINKS; i++) sim->is_unordered_sink[i] = sim->is_unordered;
  sim->flight_shape = (struct flight_shape){.sys = sys,
                                            .exchanges = sim->exchanges,
                                            .exchange_count = sim->shape->exchange_count,
                                            .path_length = sim->shape->path_length,
                                            .worker_count = workers,
                                            .sink_count = SINKS,
                                            .is_unordered = sim->is_unordered_sink};
  for (uint32_t i = 0; i < WINDOW; i++) flight_init(&sim->flights[i], &sim->flight_shape);
  for (uint32_t i = 0; i < workers; i++) {
    sim->worker[i].engine = sim;
    sim->worker[i].share_count = workers;
  }
  schedule_init(&sim->schedule, sys, workers, sim->shape->exchange_count, WINDOW);
}

static void sim_free(struct sim *sim) {
  for (uint32_t i = 0; i < SINKS; i++) flow_buf_free(&sim->outputs[i]);
  if (sim->workers > 0) {
    for (uint32_t i = 0; i < WINDOW; i++) flight_free(&sim->flights[i]);
    schedule_free(&sim->schedule);
  }
  free(sim);
}

static void assert_same_output(const struct sim *sim, const struct sim *reference) {
  for (uint32_t i = 0; i < SINKS; i++) {
    assert_int_equal(sim->rows[i], reference->rows[i]);
    assert_int_equal(sim->outputs[i].length, reference->outputs[i].length);
    if (sim->outputs[i].length == 0) continue;
    assert_memory_equal(sim->outputs[i].data, reference->outputs[i].data, sim->outputs[i].length);
  }
}

static void check_output(const struct shape *shape, uint64_t seed, uint32_t workers,
                         uint64_t blocks, size_t row_size) {
  struct counting_sys c = counting_sys();
  struct sim *reference = sim_new(shape, seed, blocks), *sim = sim_new(shape, seed, blocks);
  run_reference(reference);
  sim->row_size = row_size;
  sim_start(sim, &c.sys, workers);
  run_shuffled(sim);
  assert_same_output(sim, reference);
  sim_free(reference);
  sim_free(sim);
  assert_int_equal(c.live, 0);
}

static void output_is_that_of_one_thread(void **state) {
  (void)state;
  const struct shape *shapes[] = {&shape_plain, &shape_chain, &shape_meeting};
  for (uint32_t s = 0; s < 3; s++) {
    for (uint32_t workers = 1; workers <= WORKERS_MAX; workers++) {
      for (uint64_t seed = 1; seed <= 6; seed++) check_output(shapes[s], seed, workers, 30, 0);
    }
  }
}

/* Rows so large that a chunk has one or two of them, and sizes that are no multiple of 8. */
static void chunks_may_be_tiny(void **state) {
  (void)state;
  const size_t sizes[] = {40000, 16000, sizeof(struct row) + 1, sizeof(struct row) + 100};
  for (uint32_t i = 0; i < 4; i++) {
    check_output(&shape_chain, 40 + i, 3, 6, sizes[i]);
    check_output(&shape_meeting, 50 + i, 2, 6, sizes[i]);
  }
}

static int compare_lines(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts the lines of the buffer. */
static void sort_lines(struct flow_buf *b, uint64_t rows) {
  char **lines = calloc(rows + 1, sizeof *lines);
  assert_non_null(lines);
  flow_buf_add_char(b, '\0');
  uint64_t count = 0;
  for (char *line = strtok(b->data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    assert_true(count < rows);
    lines[count++] = line;
  }
  assert_int_equal(count, rows);
  qsort(lines, rows, sizeof *lines, compare_lines);
  struct flow_buf sorted = {0};
  for (uint64_t i = 0; i < rows; i++) {
    flow_buf_add(&sorted, lines[i], strlen(lines[i]));
    flow_buf_add_char(&sorted, '\n');
  }
  flow_buf_free(b);
  *b = sorted;
  free(lines);
}

static void a_limit_leaves_out_later_records(void **state) {
  (void)state;
  for (uint64_t limit = 0; limit <= RECORDS_MAX; limit++) {
    for (uint32_t workers = 1; workers <= 3; workers++) {
      struct counting_sys c = counting_sys();
      struct sim *reference = sim_new(&shape_meeting, 7 + limit, 2);
      struct sim *sim = sim_new(&shape_meeting, 7 + limit, 2);
      reference->limit = sim->limit = limit;
      sim->is_unordered = limit % 4 == 0;
      run_reference(reference);
      sim_start(sim, &c.sys, workers);
      run_shuffled(sim);
      for (uint32_t i = 0; i < SINKS && sim->is_unordered; i++) {
        sort_lines(&sim->outputs[i], sim->rows[i]);
        sort_lines(&reference->outputs[i], reference->rows[i]);
      }
      assert_same_output(sim, reference);
      sim_free(reference);
      sim_free(sim);
    }
  }
}

static void unordered_keeps_all_rows(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct sim *reference = sim_new(&shape_meeting, 3, 40), *sim = sim_new(&shape_meeting, 3, 40);
  run_reference(reference);
  sim->is_unordered = true;
  sim_start(sim, &c.sys, 4);
  run_shuffled(sim);
  for (uint32_t i = 0; i < SINKS; i++) {
    assert_int_equal(sim->outputs[i].length, reference->outputs[i].length);
    assert_memory_not_equal(sim->outputs[i].data, reference->outputs[i].data,
                            sim->outputs[i].length); /* nothing was merged */
    sort_lines(&sim->outputs[i], sim->rows[i]);
    sort_lines(&reference->outputs[i], reference->rows[i]);
  }
  assert_same_output(sim, reference);
  sim_free(reference);
  sim_free(sim);
}

/* -- threads --------------------------------------------------------------------------------- */

struct crew {
  struct sim *sim;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  uint32_t joined;
};

static void *work(void *argument) {
  struct crew *crew = argument;
  struct sim *sim = crew->sim;
  pthread_mutex_lock(&crew->lock);
  uint32_t me = crew->joined++;
  while (sim->schedule.head < sim->blocks) {
    struct task task;
    if (!schedule_next(&sim->schedule, me, &task)) {
      pthread_cond_wait(&crew->changed, &crew->lock);
      continue;
    }
    pthread_mutex_unlock(&crew->lock);
    run_task(sim, &task);
    pthread_mutex_lock(&crew->lock);
    schedule_done(&sim->schedule, &task);
    pthread_cond_broadcast(&crew->changed);
  }
  pthread_mutex_unlock(&crew->lock);
  return NULL;
}

static void threads_agree_with_one(void **state) {
  (void)state;
  struct sim *reference = sim_new(&shape_meeting, 11, 400), *sim = sim_new(&shape_meeting, 11, 400);
  run_reference(reference);
  sim_start(sim, flow_sys_posix(), 4);
  struct crew crew = {
      .sim = sim, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, work, &crew), 0);
  pthread_mutex_lock(&crew.lock);
  for (;;) {
    uint64_t head = sim->schedule.head, tail = sim->schedule.tail;
    admit_and_retire(sim);
    if (sim->schedule.head != head || sim->schedule.tail != tail)
      pthread_cond_broadcast(&crew.changed);
    if (sim->schedule.head == sim->blocks) break;
    pthread_cond_wait(&crew.changed, &crew.lock);
  }
  pthread_mutex_unlock(&crew.lock);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  assert_same_output(sim, reference);
  sim_free(reference);
  sim_free(sim);
}

/* -- single rules ---------------------------------------------------------------------------- */

static void paths_are_compared_by_word(void **state) {
  (void)state;
  const uint32_t a[] = {1, 2, 0}, b[] = {1, 2, 1}, c[] = {UINT32_MAX, 0, 0};
  assert_int_equal(flight_compare_paths(a, a, 3), 0);
  assert_int_equal(flight_compare_paths(a, b, 2), 0);
  assert_true(flight_compare_paths(a, b, 3) < 0);
  assert_true(flight_compare_paths(b, a, 3) > 0);
  assert_true(flight_compare_paths(b, c, 3) < 0);
  assert_int_equal(flight_compare_paths(a, c, 0), 0);
}

/* A flight of a flow with a chain of exchanges, of as many levels. */
struct lone {
  struct counting_sys c;
  struct flow_exchange exchanges[3];
  bool is_unordered[2];
  struct flight_shape shape;
  struct flight flight;
  struct flow_worker worker;
};

static void lone_start(struct lone *l, uint32_t exchanges, uint32_t workers) {
  *l = (struct lone){.c = counting_sys()};
  for (uint32_t i = 0; i < exchanges; i++) {
    l->exchanges[i] = (struct flow_exchange){.level = i + 1, .take = take};
  }
  l->shape = (struct flight_shape){.sys = &l->c.sys,
                                   .exchanges = l->exchanges,
                                   .exchange_count = exchanges,
                                   .path_length = exchanges,
                                   .worker_count = workers,
                                   .sink_count = 2,
                                   .is_unordered = l->is_unordered};
  l->worker.share_count = workers;
  flight_init(&l->flight, &l->shape);
}

static void lone_end(struct lone *l) {
  flight_free(&l->flight);
  assert_int_equal(l->c.live, 0);
}

static const uint32_t *path_of(const struct flow_crossing *row) {
  return &row->first;
}

static void a_worker_enters_and_paths_count_up(void **state) {
  (void)state;
  struct lone l;
  lone_start(&l, 2, 1);
  struct flow_worker *w = &l.worker;
  l.flight.number = 8;
  w->record = w->step = 77;
  flight_enter(&l.flight, w, 0, 0);
  assert_non_null(w->lane);
  assert_non_null(w->arena);
  assert_int_equal(w->record, 0);
  assert_int_equal(w->step, 0);
  assert_int_equal(w->order.block, 8);
  assert_int_equal(w->order.level, 0);
  w->record = 5;
  flow_buf_add_literal(flow_sink_row(w, 0), "first\n");
  struct row *row = flow_cross(w, 0, 123, sizeof *row, l.shape.path_length);
  assert_int_equal(row->crossing.hash, 123);
  assert_int_equal(row->crossing.record, 5);
  assert_int_equal(path_of(&row->crossing)[0], 1);
  assert_int_equal(path_of(&row->crossing)[1], 0);
  row = flow_cross(w, 1, 124, sizeof *row, l.shape.path_length); /* past an exchange */
  assert_int_equal(path_of(&row->crossing)[0], 2);
  flow_buf_add_literal(flow_sink_row(w, 0), "fourth\n");
  flight_leave(w);
  assert_null(w->lane);

  flight_enter(&l.flight, w, 0, 1);
  assert_int_equal(w->order.level, 1);
  const struct flow_crossing *rows[FLOW_BATCH];
  struct flow_inbox *inbox = flight_inbox(&l.flight, 0, 1);
  assert_int_equal(flow_inbox_next(inbox, rows), 1);
  flow_cross_enter(w, rows[0]);
  assert_int_equal(w->record, 5);
  flow_buf_add_literal(flow_sink_row(w, 0), "second\n");
  row = flow_cross(w, 1, 125, sizeof *row, l.shape.path_length);
  assert_int_equal(path_of(&row->crossing)[0], 1);
  assert_int_equal(path_of(&row->crossing)[1], 1);
  assert_int_equal(flow_inbox_next(inbox, rows), 0);
  flight_leave(w);

  flight_enter(&l.flight, w, 0, 2);
  inbox = flight_inbox(&l.flight, 0, 2);
  assert_int_equal(flow_inbox_next(inbox, rows), 2);
  assert_int_equal(rows[0]->hash, 125);
  assert_int_equal(rows[1]->hash, 124);
  flow_cross_enter(w, rows[0]);
  flow_buf_add_literal(flow_sink_row(w, 0), "third\n");
  flight_leave(w);
  flight_merge(&l.flight);
  assert_buf(&l.flight.outputs[0], "first\nsecond\nthird\nfourth\n");
  assert_int_equal(l.flight.rows[0], 4);
  assert_int_equal(l.flight.rows[1], 0);
  lone_end(&l);
}

/* Rows with random paths, dealt to all lanes and phases that may send them, come in order. */
static void an_inbox_is_in_order(void **state) {
  (void)state;
  enum { WORKERS = 3, LISTS = 3 * WORKERS, ROWS = 3000 };
  struct random random = {.state = 17};
  for (uint32_t lists = 1; lists <= LISTS; lists++) {
    struct lone l;
    lone_start(&l, 3, WORKERS);
    struct flow_worker workers[LISTS] = {0};
    for (uint32_t i = 0; i < lists; i++) {
      flight_enter(&l.flight, &workers[i], i % WORKERS, i / WORKERS);
      struct flow_worker *w = &workers[i];
      w->share_count = WORKERS;
      uint32_t path[2] = {0, 0};
      w->order = (struct flow_order){.level = 2, .path = path};
      for (uint32_t n = 0, number = 0; n < ROWS / lists; n++) {
        /* Numbers of different lists differ; three in nine share a first or second word. */
        number += 1 + (uint32_t)random_below(&random, n % 50 == 0 ? 200 : 3);
        uint32_t own = number * LISTS + i;
        path[0] = own / 700;
        path[1] = own / 70 % 10;
        w->step = own % 70;
        w->record = own;
        flow_cross(w, 2, UINT64_C(0x123456789), sizeof(struct row), l.shape.path_length);
      }
    }
    uint32_t owner = flow_owner(UINT64_C(0x123456789), WORKERS), got = 0, last = 0;
    for (uint32_t me = 0; me < WORKERS; me++) {
      struct flow_inbox *inbox = flight_inbox(&l.flight, me, 3);
      const struct flow_crossing *rows[FLOW_BATCH];
      for (uint32_t count; (count = flow_inbox_next(inbox, rows)) > 0; got += count) {
        assert_int_equal(me, owner);
        for (uint32_t i = 0; i < count; i++) {
          assert_true(rows[i]->record > last);
          last = rows[i]->record;
        }
        if (got + count < ROWS / lists * lists) assert_int_equal(count, FLOW_BATCH);
      }
      assert_int_equal(flow_inbox_next(inbox, rows), 0);
    }
    assert_int_equal(got, ROWS / lists * lists);
    lone_end(&l);
  }
}

/* Where only one lane wrote, its bytes do not move. */
static void one_list_is_taken_as_it_is(void **state) {
  (void)state;
  struct lone l;
  lone_start(&l, 1, 2);
  for (int round = 0; round < 3; round++) {
    flight_enter(&l.flight, &l.worker, 1, 0);
    struct flow_buf *buf = NULL;
    for (uint32_t r = 0; r < 100; r++) {
      l.worker.record = r;
      buf = flow_sink_row(&l.worker, 1);
      flow_buf_add_literal(buf, "0123456789");
    }
    l.flight.limit = round == 1 ? 42 : UINT64_MAX;
    flight_leave(&l.worker);
    flow_buf_reserve(buf, 1000); /* so that nothing has to be added behind the bytes */
    const char *data = buf->data;
    flight_merge(&l.flight);
    assert_ptr_equal(l.flight.outputs[1].data, data);
    assert_int_equal(l.flight.rows[1], round == 1 ? 42 : 100);
    assert_int_equal(l.flight.outputs[1].length, round == 1 ? 420 : 1000);
    flight_end(&l.flight);
    assert_int_equal(l.flight.outputs[1].length, 0);
  }
  lone_end(&l);
}

/* Fills a flight with `rows` rows of each kind, and merges it. */
static void fill(struct lone *l, uint32_t rows) {
  static const char line[100] = "a line";
  for (uint32_t worker = 0; worker < 2; worker++) {
    flight_enter(&l->flight, &l->worker, worker, 0);
    for (uint32_t r = 0; r < rows; r++) {
      flow_buf_add(flow_sink_row(&l->worker, 0), line, sizeof line);
      flow_cross(&l->worker, 0, r * UINT64_C(0x123456789abcdef), sizeof(struct row),
                 l->shape.path_length);
    }
    flight_leave(&l->worker);
  }
  flight_merge(&l->flight);
}

static void memory_is_kept_to_a_measure(void **state) {
  (void)state;
  struct lone l;
  lone_start(&l, 1, 2);
  size_t calls = 0, bytes = 0;
  for (int round = 0; round < 5; round++) {
    flight_reserve(&l.flight, 256 << 10);
    memset(l.flight.bytes, 'x', (256 << 10) + FLOW_PADDING);
    fill(&l, 2000);
    assert_true(flight_bytes(&l.flight) > (256 << 10) + 2 * 2 * 2000 * 100);
    flight_end(&l.flight);
    if (round == 1) {
      calls = l.c.calls;
      bytes = flight_bytes(&l.flight);
    }
  }
  assert_int_equal(l.c.calls, calls); /* nothing is asked for per block or per row */
  assert_int_equal(flight_bytes(&l.flight), bytes);

  /* A block that made much more than others leaves nothing of it. */
  flight_reserve(&l.flight, 2 * FLIGHT_KEEP);
  fill(&l, 300000);
  assert_true(flight_bytes(&l.flight) > (size_t)100 << 20);
  flight_end(&l.flight);
  assert_int_equal(l.flight.capacity, 0);
  assert_true(flight_bytes(&l.flight) < 2 * (FLOW_ARENA_KEEP + 4096));
  lone_end(&l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(paths_are_compared_by_word),
      cmocka_unit_test(a_worker_enters_and_paths_count_up),
      cmocka_unit_test(an_inbox_is_in_order),
      cmocka_unit_test(output_is_that_of_one_thread),
      cmocka_unit_test(chunks_may_be_tiny),
      cmocka_unit_test(a_limit_leaves_out_later_records),
      cmocka_unit_test(unordered_keeps_all_rows),
      cmocka_unit_test(one_list_is_taken_as_it_is),
      cmocka_unit_test(memory_is_kept_to_a_measure),
      cmocka_unit_test(threads_agree_with_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
