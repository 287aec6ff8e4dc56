#include "flight.h"

#include "mem.h"

#include <string.h>

/* -- what lies in a lane --------------------------------------------------------------------- */

/* Rows of one box; they follow. Chunks lie in the lane's arena. */
struct flow_chunk {
  struct flow_chunk *next;
  char *end; /* behind its last row; in a box's last chunk the box knows it */
};
_Static_assert(sizeof(struct flow_chunk) == 16, "rows are 16-aligned");

/* Rows of the first chunk of a box, since many boxes get few; later chunks double up to this size. */
enum { CHUNK_ROWS = 4 };
#define CHUNK_BYTES_MAX ((size_t)32 << 10)

/* What a lane makes in one phase. */
struct lane_phase {
  struct flow_box *boxes;  /* [exchange * worker_count + destination] */
  struct flow_sink *sinks; /* with their runs */
  bool is_used;
};

/* A run is the note of a row of a sink: words of 32 bits. */
enum { RUN_RECORD, RUN_START, RUN_PATH = RUN_START + 2 };

struct lane {
  struct flow_lane head;
  struct flight *flight;
  struct flow_mem *arena;
  uint32_t worker_count, path_length;
  size_t run_bytes;
  struct flow_box *all_boxes;
  struct flow_sink *all_sinks;
  struct lane_phase phases[];
};

/* Bytes behind what a lane writes often, so that no two lanes share a line of the cache. */
enum { CACHE_LINE = 64 };

static void *lane_alloc(const struct flow_sys *sys, size_t size) {
  void *memory = flow_sys_must_alloc(sys, size + CACHE_LINE);
  memset(memory, 0, size);
  return memory;
}

static void sinks_clear(struct flow_sink *sinks, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    struct flow_sink *sink = &sinks[i];
    if (sink->buf.capacity > FLIGHT_KEEP) flow_buf_free(&sink->buf);
    if (sink->runs.capacity > FLIGHT_KEEP) flow_buf_free(&sink->runs);
    sink->buf.length = sink->runs.length = 0;
    sink->mark_record = UINT64_MAX;
    sink->mark = 0;
    sink->rows = 0;
  }
}

static struct lane *lane_new(const struct flight_shape *shape) {
  uint32_t phases = shape->exchange_count + 1;
  size_t boxes = (size_t)shape->exchange_count * shape->worker_count;
  struct lane *lane = lane_alloc(shape->sys, sizeof *lane + phases * sizeof *lane->phases);
  lane->arena = flow_mem_arena_new(shape->sys);
  lane->worker_count = shape->worker_count;
  lane->path_length = shape->path_length;
  lane->run_bytes = (RUN_PATH + shape->path_length + 1) * sizeof(uint32_t);
  lane->all_boxes = lane_alloc(shape->sys, phases * boxes * sizeof(struct flow_box));
  lane->all_sinks = lane_alloc(shape->sys, phases * shape->sink_count * sizeof(struct flow_sink));
  for (uint32_t p = 0; p < phases; p++) {
    struct lane_phase *phase = &lane->phases[p];
    phase->boxes = lane->all_boxes + p * boxes;
    phase->sinks = lane->all_sinks + p * shape->sink_count;
    sinks_clear(phase->sinks, shape->sink_count);
  }
  return lane;
}

static void lane_clear(struct lane *lane, const struct flight_shape *shape) {
  size_t boxes = (size_t)shape->exchange_count * shape->worker_count;
  for (uint32_t p = 0; p <= shape->exchange_count; p++) {
    struct lane_phase *phase = &lane->phases[p];
    if (!phase->is_used) continue;
    memset(phase->boxes, 0, boxes * sizeof(struct flow_box));
    sinks_clear(phase->sinks, shape->sink_count);
    phase->is_used = false;
  }
  flow_mem_arena_reset(lane->arena);
}

static void lane_delete(struct lane *lane, const struct flight_shape *shape) {
  uint32_t sinks = (shape->exchange_count + 1) * shape->sink_count;
  for (uint32_t i = 0; i < sinks; i++) {
    flow_buf_free(&lane->all_sinks[i].buf);
    flow_buf_free(&lane->all_sinks[i].runs);
  }
  flow_mem_delete(lane->arena);
  shape->sys->free(shape->sys, lane->all_boxes);
  shape->sys->free(shape->sys, lane->all_sinks);
  shape->sys->free(shape->sys, lane);
}

/* -- the flight ------------------------------------------------------------------------------ */

void flight_init(struct flight *f, const struct flight_shape *shape) {
  const struct flow_sys *sys = shape->sys;
  *f = (struct flight){.shape = shape, .limit = UINT64_MAX};
  f->lanes = flow_sys_must_alloc(sys, shape->worker_count * sizeof *f->lanes);
  for (uint32_t i = 0; i < shape->worker_count; i++) {
    f->lanes[i] = lane_new(shape);
    f->lanes[i]->flight = f;
  }
  f->marks = flow_sys_must_alloc(sys, (shape->mark_count + 1) * sizeof *f->marks);
  f->old_marks = flow_sys_must_alloc(sys, (shape->mark_count + 1) * sizeof *f->old_marks);
  f->outputs = flow_sys_must_alloc(sys, (shape->sink_count + 1) * sizeof *f->outputs);
  f->rows = flow_sys_must_alloc(sys, (shape->sink_count + 1) * sizeof *f->rows);
  for (uint32_t i = 0; i < shape->sink_count; i++) {
    f->outputs[i] = (struct flow_buf){0};
    f->rows[i] = 0;
  }
}

void flight_free(struct flight *f) {
  const struct flow_sys *sys = f->shape->sys;
  for (uint32_t i = 0; i < f->shape->worker_count; i++) lane_delete(f->lanes[i], f->shape);
  for (uint32_t i = 0; i < f->shape->sink_count; i++) flow_buf_free(&f->outputs[i]);
  sys->free(sys, f->lanes);
  sys->free(sys, f->outputs);
  sys->free(sys, f->rows);
  sys->free(sys, f->marks);
  sys->free(sys, f->old_marks);
  flow_buf_free(&f->rises);
  sys->free(sys, f->bytes);
  *f = (struct flight){0};
}

void flight_reserve(struct flight *f, size_t size) {
  const struct flow_sys *sys = f->shape->sys;
  if (f->bytes != NULL && f->capacity >= size) return;
  if (size > SIZE_MAX - FLOW_PADDING) flow_out_of_memory(size);
  sys->free(sys, f->bytes);
  f->bytes = flow_sys_must_alloc(sys, size + FLOW_PADDING);
  f->capacity = size;
}

void flight_enter(struct flight *f, struct flow_worker *w, uint32_t worker, uint32_t phase) {
  struct lane *lane = f->lanes[worker];
  struct lane_phase *p = &lane->phases[phase];
  p->is_used = true;
  lane->head.boxes = p->boxes;
  w->arena = lane->arena;
  w->sinks = p->sinks;
  w->lane = &lane->head;
  w->order = (struct flow_order){.block = f->number,
                                 .level = phase == 0 ? 0 : f->shape->exchanges[phase - 1].level};
  /* Word 0 is that of what the block begins with: time that has passed before it. */
  w->step = phase == 0 && f->shape->mark_count > 0 ? 1 : 0;
  w->record = 0;
  w->next_rise = 0;
  const int64_t *marks = phase == 0 ? f->marks : f->old_marks;
  for (uint32_t i = 0; i < f->shape->mark_count; i++)
    w->marks[i] = w->row_marks[i] = phase == 0 && !f->shape->parses_in_order ? INT64_MIN : marks[i];
}

const struct mark_rise *flight_rises(const struct flight *f, size_t *count) {
  *count = f->rises.length / sizeof(struct mark_rise);
  return (const struct mark_rise *)(const void *)f->rises.data;
}

void flow_mark_note(struct flow_worker *w, uint32_t mark) {
  struct flow_buf *rises = &((struct lane *)w->lane)->flight->rises;
  const struct mark_rise rise = {
      .word = w->step++, .record = (uint32_t)w->record, .mark = mark, .us = w->marks[mark]};
  flow_buf_add(rises, (const char *)&rise, sizeof rise);
}

void flight_leave(struct flow_worker *w) {
  w->lane = NULL;
}

void flight_end(struct flight *f) {
  const struct flow_sys *sys = f->shape->sys;
  for (uint32_t i = 0; i < f->shape->worker_count; i++) lane_clear(f->lanes[i], f->shape);
  for (uint32_t i = 0; i < f->shape->sink_count; i++) {
    if (f->outputs[i].capacity > FLIGHT_KEEP) flow_buf_free(&f->outputs[i]);
    f->outputs[i].length = 0;
    f->rows[i] = 0;
  }
  if (f->capacity > FLIGHT_KEEP) {
    sys->free(sys, f->bytes);
    f->bytes = NULL;
    f->capacity = 0;
  }
  if (f->rises.capacity > FLIGHT_KEEP) flow_buf_free(&f->rises);
  f->rises.length = 0;
  f->block = (struct flow_block){0};
  f->limit = UINT64_MAX;
}

size_t flight_bytes(const struct flight *f) {
  uint32_t sinks = (f->shape->exchange_count + 1) * f->shape->sink_count;
  size_t bytes = f->bytes != NULL ? f->capacity + FLOW_PADDING : 0;
  for (uint32_t i = 0; i < f->shape->worker_count; i++) {
    const struct lane *lane = f->lanes[i];
    bytes += flow_mem_reserved(lane->arena);
    for (uint32_t k = 0; k < sinks; k++) {
      bytes += lane->all_sinks[k].buf.capacity + lane->all_sinks[k].runs.capacity;
    }
  }
  for (uint32_t i = 0; i < f->shape->sink_count; i++) bytes += f->outputs[i].capacity;
  return bytes;
}

/* -- what generated code calls --------------------------------------------------------------- */

void flow_box_grow(struct flow_lane *head, struct flow_box *box, size_t row_size) {
  struct lane *lane = (struct lane *)head;
  size_t room = CHUNK_ROWS * row_size;
  if (box->last != NULL) room = 2 * (size_t)(box->end - (char *)(box->last + 1));
  if (room > CHUNK_BYTES_MAX) room = CHUNK_BYTES_MAX;
  if (room < row_size) room = row_size;
  struct flow_chunk *chunk = flow_mem_alloc(lane->arena, sizeof *chunk + room);
  chunk->next = NULL;
  if (box->last == NULL) {
    box->first = chunk;
    box->row_size = row_size;
  } else {
    box->last->next = chunk;
    box->last->end = box->next;
  }
  box->last = chunk;
  box->next = (char *)(chunk + 1);
  box->end = box->next + room;
}

/* The next path behind a block's own rows, and behind rows that crossed once: nearly all are of this kind. */
static inline void next_short_path(struct flow_worker *w, uint32_t *path) {
  bool is_parse = w->order.level == 0;
  path[0] = is_parse ? w->step : w->order.path[0];
  path[1] = is_parse ? 0 : w->step;
  w->step++;
}

void flow_sink_begin_row(struct flow_worker *w, struct flow_sink *sink) {
  struct lane *lane = (struct lane *)w->lane;
  uint64_t start = sink->buf.length;
  flow_buf_reserve(&sink->runs, lane->run_bytes);
  uint32_t *run = (uint32_t *)(void *)(sink->runs.data + sink->runs.length);
  sink->runs.length += lane->run_bytes;
  run[RUN_RECORD] = (uint32_t)w->record;
  memcpy(run + RUN_START, &start, sizeof start);
  if (FLOW_LIKELY(lane->path_length == 1))
    next_short_path(w, run + RUN_PATH);
  else
    flow_next_path(w, run + RUN_PATH, lane->path_length + 1);
}

/* -- the smallest of several lists ----------------------------------------------------------- */

int flight_compare_paths(const uint32_t *a, const uint32_t *b, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

/* The first two words of a path as one number, which decides nearly always. It is never RACE_OVER, as
 * no block makes 2^32 - 1 rows. */
static inline uint64_t key_of(const uint32_t *path, uint32_t length) {
  return (uint64_t)path[0] << 32 | (length > 1 ? path[1] : 0);
}

/* A tournament of lists, of which each shows its next row: the smallest wins, and after it has gone
 * on, only the matches on its way are played again. Which list wins cannot be foretold, so nothing
 * jumps on it. */
struct racer {
  uint64_t key;         /* RACE_OVER: the list has no more rows */
  const uint32_t *path; /* of its next row */
};
#define RACE_OVER UINT64_MAX

struct race {
  uint32_t places; /* for lists: a power of two; those without a list are over from the start */
  uint32_t length; /* of paths */
  uint32_t winner;
  uint32_t
      *losers; /* by match: 1 is the last one, to which the winners of 2 and 3 come, and so on */
  struct racer *racers;
};

static inline bool is_first(const struct race *race, uint32_t a, uint32_t b) {
  const struct racer *x = &race->racers[a], *y = &race->racers[b];
  if (FLOW_LIKELY(x->key != y->key) || x->key == RACE_OVER) return x->key < y->key;
  return flight_compare_paths(x->path, y->path, race->length) < 0;
}

/* Makes room for `lists` that have no rows yet. */
static void race_init(struct race *race, struct flow_mem *arena, uint32_t lists, uint32_t length) {
  *race = (struct race){.places = 1, .length = length};
  while (race->places < lists) race->places *= 2;
  race->losers = flow_mem_alloc(arena, 2 * race->places * sizeof *race->losers);
  race->racers = flow_mem_alloc(arena, race->places * sizeof *race->racers);
  for (uint32_t i = 0; i < race->places; i++) race->racers[i].key = RACE_OVER;
}

/* The next row of a list; null: it was the last one. */
static inline void race_show(struct race *race, uint32_t list, const uint32_t *path) {
  race->racers[list].path = path;
  race->racers[list].key = path == NULL ? RACE_OVER : key_of(path, race->length);
}

/* Plays all matches, after every list has shown its first row. */
static void race_start(struct race *race) {
  uint32_t *winners = race->losers, places = race->places;
  for (uint32_t i = 0; i < places; i++) winners[places + i] = i;
  for (uint32_t match = places - 1; match > 0; match--) {
    uint32_t a = winners[2 * match], b = winners[2 * match + 1];
    winners[match] = is_first(race, b, a) ? b : a;
  }
  race->winner = winners[1];
  for (uint32_t match = 1; match < places; match++) {
    race->losers[match] = winners[2 * match] ^ winners[2 * match + 1] ^ winners[match];
  }
}

/* Plays the matches of the last winner again, after it has shown its next row. */
static inline void race_again(struct race *race) {
  uint32_t winner = race->winner;
  for (uint32_t match = (winner + race->places) / 2; match > 0; match /= 2) {
    uint32_t loser = race->losers[match];
    uint32_t change = (winner ^ loser) & -(uint32_t)is_first(race, loser, winner);
    winner ^= change;
    race->losers[match] = loser ^ change;
  }
  race->winner = winner;
}

/* -- inboxes --------------------------------------------------------------------------------- */

/* The rest of a box. */
struct cursor {
  const char *next, *end; /* of this chunk */
  const struct flow_chunk *chunk;
  const struct flow_box *box;
};

struct flow_inbox {
  const struct flow_exchange *exchange;
  void (*fire)(struct flow_worker *, const struct flow_exchange *, uint32_t rise, uint32_t *path);
  const struct mark_rise *rises; /* that are not met yet, up to rises_end */
  const struct mark_rise *rises_end;
  bool must_begin;  /* with what became due right before the block */
  uint32_t *path;   /* of what fires */
  uint32_t count;         /* of boxes with rows at the beginning */
  struct cursor *cursors; /* of these */
  struct race race;       /* if there are several */
};

/* Goes on to the chunk; false: there is none. */
static bool cursor_enter(struct cursor *c, const struct flow_chunk *chunk) {
  if (chunk == NULL) return false;
  c->chunk = chunk;
  c->next = (const char *)(chunk + 1);
  c->end = chunk == c->box->last ? c->box->next : chunk->end;
  return true;
}

/* Whether the list has a row left, which is at c->next. */
static bool cursor_has_row(struct cursor *c) {
  return FLOW_LIKELY(c->next < c->end) || cursor_enter(c, c->chunk->next);
}

static const struct flow_crossing *row_at(const char *next) {
  return (const struct flow_crossing *)(const void *)next;
}

struct flow_inbox *flight_inbox(struct flight *f, uint32_t worker, uint32_t phase) {
  uint32_t workers = f->shape->worker_count, lists = phase * workers;
  struct flow_mem *arena = f->lanes[worker]->arena;
  struct flow_inbox *inbox = flow_mem_alloc(arena, sizeof *inbox);
  *inbox = (struct flow_inbox){.cursors = flow_mem_alloc(arena, lists * sizeof *inbox->cursors)};
  if (f->shape->mark_count > 0) {
    size_t rises;
    inbox->exchange = &f->shape->exchanges[phase - 1];
    inbox->fire = f->shape->fire;
    inbox->must_begin = f->has_ended;
    inbox->rises = flight_rises(f, &rises);
    inbox->rises_end = inbox->rises + rises;
    inbox->path = flow_mem_alloc(arena, (f->shape->path_length + 1) * sizeof *inbox->path);
  }
  for (uint32_t i = 0; i < lists; i++) {
    const struct lane_phase *made = &f->lanes[i % workers]->phases[i / workers];
    struct cursor *c = &inbox->cursors[inbox->count];
    c->box = &made->boxes[(size_t)(phase - 1) * workers + worker];
    if (cursor_enter(c, c->box->first)) inbox->count++;
  }
  if (inbox->count < 2) return inbox;
  race_init(&inbox->race, arena, inbox->count, f->shape->path_length);
  for (uint32_t i = 0; i < inbox->count; i++) {
    race_show(&inbox->race, i, &row_at(inbox->cursors[i].next)->first);
  }
  race_start(&inbox->race);
  return inbox;
}

static uint32_t next_of_one(struct cursor *c, const struct flow_crossing **rows) {
  uint32_t n = 0;
  size_t size = c->box->row_size;
  while (n < FLOW_BATCH && cursor_has_row(c)) {
    const char *next = c->next, *end = c->end;
    for (; n < FLOW_BATCH && next < end; next += size) rows[n++] = row_at(next);
    c->next = next;
  }
  return n;
}

uint32_t flow_inbox_next(struct flow_inbox *inbox, const struct flow_crossing **rows) {
  if (inbox->count == 0) return 0;
  if (inbox->count == 1) return next_of_one(inbox->cursors, rows);
  struct race *race = &inbox->race;
  uint32_t n = 0;
  while (n < FLOW_BATCH && race->racers[race->winner].key != RACE_OVER) {
    struct cursor *c = &inbox->cursors[race->winner];
    rows[n++] = row_at(c->next);
    c->next += c->box->row_size;
    race_show(race, race->winner, cursor_has_row(c) ? &row_at(c->next)->first : NULL);
    race_again(race);
  }
  return n;
}

void flow_mark_meet(struct flow_worker *w, struct flow_inbox *inbox, uint32_t first) {
  if (inbox->must_begin) {
    inbox->must_begin = false;
    w->record = 0;
    const struct flight *f = ((struct lane *)w->lane)->flight;
    memcpy(w->marks, f->marks, f->shape->mark_count * sizeof *w->marks);
    inbox->fire(w, inbox->exchange, 0, inbox->path);
    memcpy(w->row_marks, f->marks, f->shape->mark_count * sizeof *w->row_marks);
  }
  for (; inbox->rises < inbox->rises_end && inbox->rises->word < first; inbox->rises++) {
    const struct mark_rise *rise = inbox->rises;
    if (rise->us <= w->marks[rise->mark]) continue;
    w->marks[rise->mark] = rise->us;
    w->record = rise->record;
    inbox->fire(w, inbox->exchange, rise->word, inbox->path);
    w->row_marks[rise->mark] = rise->us;
  }
  w->next_rise = inbox->rises < inbox->rises_end ? inbox->rises->word : UINT32_MAX;
}

/* -- the merge of a sink --------------------------------------------------------------------- */

/* What one lane made for the sink in one phase. Behind the runs of its rows stands a last one, which is
 * behind all others and begins where the bytes end, so that loops over rows need not look for the end. */
struct part {
  struct flow_sink *sink;
  const char *data;
  const uint32_t *run; /* of the next row */
  size_t rows;
  uint64_t bytes;
};

static uint64_t start_of(const uint32_t *run) {
  uint64_t start;
  memcpy(&start, run + RUN_START, sizeof start);
  return start;
}

/* How many of the rows are of records before `limit`: the first ones, as records rise with paths. */
static size_t rows_before(const uint32_t *runs, size_t rows, size_t stride, uint64_t limit) {
  if (rows == 0 || runs[(rows - 1) * stride + RUN_RECORD] < limit) return rows;
  size_t low = 0, high = rows;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (runs[middle * stride + RUN_RECORD] < limit)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Copies are made in pieces of this size, so that up to one less is read and written behind a row. */
enum { PIECE = 32 };

static struct part part_of(struct flow_sink *made, size_t stride, uint64_t limit) {
  struct part part = {.sink = made, .bytes = made->buf.length};
  size_t run_bytes = stride * sizeof(uint32_t), all = made->runs.length / run_bytes;
  flow_buf_reserve(&made->runs, run_bytes);
  flow_buf_reserve(&made->buf, PIECE);
  uint32_t *runs = (uint32_t *)(void *)made->runs.data;
  part.data = made->buf.data;
  part.run = runs;
  part.rows = rows_before(runs, all, stride, limit);
  if (part.rows < all) part.bytes = start_of(runs + part.rows * stride);
  uint32_t *last = runs + part.rows * stride;
  memcpy(last + RUN_START, &part.bytes, sizeof part.bytes);
  memset(last + RUN_PATH, 0xff, run_bytes - RUN_PATH * sizeof *last);
  return part;
}

static inline char *copy_row(char *to, const char *data, const uint32_t *run, size_t stride) {
  uint64_t start = start_of(run);
  size_t size = (size_t)(start_of(run + stride) - start);
  const char *from = data + start;
  for (size_t i = 0; i < size; i += PIECE) memcpy(to + i, from + i, PIECE);
  return to + size;
}

/* Two parts, row by row. Which one is next cannot be foretold, so the choice is made by arithmetic. */
static void merge_two(const struct part *parts, size_t stride, char *to) {
  uintptr_t a = (uintptr_t)parts[0].run, b = (uintptr_t)parts[1].run;
  uintptr_t a_data = (uintptr_t)parts[0].data, b_data = (uintptr_t)parts[1].data;
  uintptr_t step = stride * sizeof(uint32_t);
  uint32_t length = (uint32_t)(stride - RUN_PATH);
  for (size_t rows = parts[0].rows + parts[1].rows; rows > 0; rows--) {
    const uint32_t *x = (const uint32_t *)a + RUN_PATH, *y = (const uint32_t *)b + RUN_PATH;
    bool is_a = x[0] < y[0];
    if (FLOW_UNLIKELY(x[0] == y[0])) is_a = flight_compare_paths(x, y, length) < 0;
    uintptr_t mask = -(uintptr_t)is_a;
    const uint32_t *run = (const uint32_t *)(b + ((a - b) & mask));
    to = copy_row(to, (const char *)(b_data + ((a_data - b_data) & mask)), run, stride);
    a += step & mask;
    b += step & ~mask;
  }
}

/* Any number of parts, row by row. */
static void merge_many(struct part *parts, uint32_t count, size_t stride, struct flow_mem *arena,
                       char *to) {
  struct race race;
  size_t rows = 0;
  race_init(&race, arena, count, (uint32_t)(stride - RUN_PATH));
  for (uint32_t i = 0; i < count; i++) {
    race_show(&race, i, parts[i].run + RUN_PATH);
    rows += parts[i].rows;
  }
  race_start(&race);
  for (; rows > 0; rows--) {
    struct part *part = &parts[race.winner];
    to = copy_row(to, part->data, part->run, stride);
    part->run += stride;
    race_show(&race, race.winner, part->run + RUN_PATH);
    race_again(&race);
  }
}

static void merge_sink(struct flight *f, uint32_t sink, struct part *parts) {
  struct flow_buf *out = &f->outputs[sink];
  uint32_t count = 0;
  size_t stride = f->lanes[0]->run_bytes / sizeof(uint32_t), bytes = 0;
  f->rows[sink] = 0;
  out->length = 0;
  for (uint32_t p = 0; p <= f->shape->exchange_count; p++) {
    for (uint32_t i = 0; i < f->shape->worker_count; i++) {
      struct flow_sink *made = &f->lanes[i]->phases[p].sinks[sink];
      if (made->runs.length == 0) continue;
      parts[count] = part_of(made, stride, f->limit);
      f->rows[sink] += parts[count].rows;
      bytes += parts[count].bytes;
      if (parts[count].rows > 0) count++;
    }
  }
  if (count == 1) {
    struct flow_buf empty = *out;
    *out = parts[0].sink->buf;
    parts[0].sink->buf = empty;
  } else if (count > 1) {
    flow_buf_reserve(out, bytes + PIECE);
    if (f->shape->is_unordered[sink]) {
      for (uint32_t i = 0; i < count; i++) flow_buf_add(out, parts[i].data, parts[i].bytes);
    } else if (count == 2) {
      merge_two(parts, stride, out->data);
    } else {
      merge_many(parts, count, stride, f->lanes[0]->arena, out->data);
    }
  }
  out->length = bytes;
}

void flight_merge(struct flight *f) {
  /* No worker uses its arena any more. */
  struct flow_mem *arena = f->lanes[0]->arena;
  size_t most = (size_t)(f->shape->exchange_count + 1) * f->shape->worker_count;
  struct part *parts = flow_mem_alloc(arena, most * sizeof *parts);
  for (uint32_t i = 0; i < f->shape->sink_count; i++) merge_sink(f, i, parts);
}
