#include "flight.h"

#include "mem.h"

#include <string.h>

/* -- what lies in a lane --------------------------------------------------------------------- */

/* Rows of one box; they follow. Chunks lie in the lane's arena. */
struct chunk {
  struct chunk *next;
  char *end; /* behind its last row; in a box's last chunk the box knows it */
};
_Static_assert(sizeof(struct chunk) == 16, "rows are 16-aligned");

/* Rows that cross from one lane, in one phase, over one exchange, to one worker: in rising order. */
struct box {
  char *next, *end; /* the free room of the last chunk */
  struct chunk *first, *last;
  size_t row_size;
};

/* Rows of the first chunk of a box, since many boxes get few; later chunks double up to this size. */
enum { CHUNK_ROWS = 4 };
#define CHUNK_BYTES_MAX ((size_t)32 << 10)

/* What a lane makes in one phase. */
struct lane_phase {
  struct box *boxes;       /* [exchange * worker_count + destination] */
  struct flow_sink *sinks; /* with their runs */
  bool is_used;
};

/* A run is the note of a row of a sink: words of 32 bits. */
enum { RUN_RECORD, RUN_START, RUN_PATH = RUN_START + 2 };

struct flow_lane {
  struct flow_mem *arena;
  struct box *boxes; /* of the phase that the worker is in */
  uint32_t worker_count, path_length;
  size_t run_bytes;
  struct box *all_boxes;
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

static struct flow_lane *lane_new(const struct flight_shape *shape) {
  uint32_t phases = shape->exchange_count + 1;
  size_t boxes = (size_t)shape->exchange_count * shape->worker_count;
  struct flow_lane *lane = lane_alloc(shape->sys, sizeof *lane + phases * sizeof *lane->phases);
  lane->arena = flow_mem_arena_new(shape->sys);
  lane->worker_count = shape->worker_count;
  lane->path_length = shape->path_length;
  lane->run_bytes = (RUN_PATH + shape->path_length + 1) * sizeof(uint32_t);
  lane->all_boxes = lane_alloc(shape->sys, phases * boxes * sizeof(struct box));
  lane->all_sinks = lane_alloc(shape->sys, phases * shape->sink_count * sizeof(struct flow_sink));
  for (uint32_t p = 0; p < phases; p++) {
    struct lane_phase *phase = &lane->phases[p];
    phase->boxes = lane->all_boxes + p * boxes;
    phase->sinks = lane->all_sinks + p * shape->sink_count;
    sinks_clear(phase->sinks, shape->sink_count);
  }
  return lane;
}

static void lane_clear(struct flow_lane *lane, const struct flight_shape *shape) {
  size_t boxes = (size_t)shape->exchange_count * shape->worker_count;
  for (uint32_t p = 0; p <= shape->exchange_count; p++) {
    struct lane_phase *phase = &lane->phases[p];
    if (!phase->is_used) continue;
    memset(phase->boxes, 0, boxes * sizeof(struct box));
    sinks_clear(phase->sinks, shape->sink_count);
    phase->is_used = false;
  }
  flow_mem_arena_reset(lane->arena);
}

static void lane_delete(struct flow_lane *lane, const struct flight_shape *shape) {
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
  for (uint32_t i = 0; i < shape->worker_count; i++) f->lanes[i] = lane_new(shape);
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

void flight_begin(struct flight *f, const struct flow_block *block) {
  f->block = *block;
  f->limit = UINT64_MAX;
}

void flight_enter(struct flight *f, struct flow_worker *w, uint32_t worker, uint32_t phase) {
  struct flow_lane *lane = f->lanes[worker];
  struct lane_phase *p = &lane->phases[phase];
  p->is_used = true;
  lane->boxes = p->boxes;
  w->arena = lane->arena;
  w->sinks = p->sinks;
  w->lane = lane;
  w->order = (struct flow_order){.block = f->number,
                                 .level = phase == 0 ? 0 : f->shape->exchanges[phase - 1].level};
  w->step = 0;
  w->record = 0;
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
  f->block = (struct flow_block){0};
  f->limit = UINT64_MAX;
}

size_t flight_bytes(const struct flight *f) {
  uint32_t sinks = (f->shape->exchange_count + 1) * f->shape->sink_count;
  size_t bytes = f->bytes != NULL ? f->capacity + FLOW_PADDING : 0;
  for (uint32_t i = 0; i < f->shape->worker_count; i++) {
    const struct flow_lane *lane = f->lanes[i];
    bytes += flow_mem_reserved(lane->arena);
    for (uint32_t k = 0; k < sinks; k++) {
      bytes += lane->all_sinks[k].buf.capacity + lane->all_sinks[k].runs.capacity;
    }
  }
  for (uint32_t i = 0; i < f->shape->sink_count; i++) bytes += f->outputs[i].capacity;
  return bytes;
}

/* -- what generated code calls --------------------------------------------------------------- */

/* Ends the path of what is done now with the next step. */
static inline void put_path(struct flow_worker *w, uint32_t *path, uint32_t length) {
  uint32_t level = w->order.level, i = 0;
  for (; i < level; i++) path[i] = w->order.path[i];
  path[i++] = w->step++;
  for (; i < length; i++) path[i] = 0;
}

static FLOW_COLD void box_grow(struct flow_lane *lane, struct box *box, size_t row_size) {
  size_t room = CHUNK_ROWS * row_size;
  if (box->last != NULL) room = 2 * (size_t)(box->end - (char *)(box->last + 1));
  if (room > CHUNK_BYTES_MAX) room = CHUNK_BYTES_MAX;
  if (room < row_size) room = row_size;
  struct chunk *chunk = flow_mem_alloc(lane->arena, sizeof *chunk + room);
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

void *flow_cross(struct flow_worker *w, uint32_t exchange, uint64_t hash, size_t size) {
  struct flow_lane *lane = w->lane;
  struct box *box =
      &lane->boxes[exchange * lane->worker_count + flow_owner(hash, lane->worker_count)];
  size = (size + 7) & ~(size_t)7; /* the next row is aligned, too */
  if (FLOW_UNLIKELY((size_t)(box->end - box->next) < size)) box_grow(lane, box, size);
  struct flow_crossing *row = (struct flow_crossing *)(void *)box->next;
  box->next += size;
  row->hash = hash;
  row->record = (uint32_t)w->record;
  put_path(w, &row->first, lane->path_length);
  return row;
}

void flow_sink_begin_row(struct flow_worker *w, struct flow_sink *sink) {
  struct flow_lane *lane = w->lane;
  uint64_t start = sink->buf.length;
  flow_buf_reserve(&sink->runs, lane->run_bytes);
  uint32_t *run = (uint32_t *)(void *)(sink->runs.data + sink->runs.length);
  sink->runs.length += lane->run_bytes;
  run[RUN_RECORD] = (uint32_t)w->record;
  memcpy(run + RUN_START, &start, sizeof start);
  put_path(w, run + RUN_PATH, lane->path_length + 1);
}

/* -- the smallest of several lists ----------------------------------------------------------- */

int flight_compare_paths(const uint32_t *a, const uint32_t *b, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

static inline bool is_before(const uint32_t *a, const uint32_t *b, uint32_t length) {
  if (FLOW_LIKELY(a[0] != b[0])) return a[0] < b[0];
  return flight_compare_paths(a + 1, b + 1, length - 1) < 0;
}

/* Where a list of rows is. Heads make a heap: the smallest is the first. No two paths are equal. */
struct head {
  const uint32_t *path; /* of its next row */
  uint32_t list;
};

/* Moves heads[at] down to its place. */
static void heads_sink(struct head *heads, uint32_t count, uint32_t at, uint32_t length) {
  struct head moved = heads[at];
  for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && is_before(heads[child + 1].path, heads[child].path, length)) child++;
    if (is_before(moved.path, heads[child].path, length)) break;
    heads[at] = heads[child];
  }
  heads[at] = moved;
}

static void heads_order(struct head *heads, uint32_t count, uint32_t length) {
  for (uint32_t i = count / 2; i-- > 0;) heads_sink(heads, count, i, length);
}

/* Puts the first head right after its list has gone on to `path`, or (null) is at its end. Returns
 * how many lists are left. */
static uint32_t heads_advance(struct head *heads, uint32_t count, const uint32_t *path,
                              uint32_t length) {
  if (path != NULL)
    heads[0].path = path;
  else
    heads[0] = heads[--count];
  if (count > 1) heads_sink(heads, count, 0, length);
  return count;
}

/* Up to where rows of the first list may be taken at once; null: all of them. */
static const uint32_t *heads_bound(const struct head *heads, uint32_t count, uint32_t length) {
  if (count < 2) return NULL;
  if (count == 2 || is_before(heads[1].path, heads[2].path, length)) return heads[1].path;
  return heads[2].path;
}

/* -- inboxes --------------------------------------------------------------------------------- */

/* The rest of a box. */
struct cursor {
  const char *next, *end; /* of this chunk */
  const struct chunk *chunk;
  const struct box *box;
};

struct flow_inbox {
  uint32_t count; /* of heads: lists that have rows */
  uint32_t path_length;
  struct head *heads;
  struct cursor *cursors; /* by head.list */
};

static bool cursor_enter(struct cursor *c, const struct chunk *chunk) {
  if (chunk == NULL) return false;
  c->chunk = chunk;
  c->next = (const char *)(chunk + 1);
  c->end = chunk == c->box->last ? c->box->next : chunk->end;
  return true;
}

static const uint32_t *path_of(const char *row) {
  return &((const struct flow_crossing *)(const void *)row)->first;
}

struct flow_inbox *flight_inbox(struct flight *f, uint32_t worker, uint32_t phase) {
  uint32_t workers = f->shape->worker_count, lists = phase * workers;
  struct flow_mem *arena = f->lanes[worker]->arena;
  struct flow_inbox *inbox = flow_mem_alloc(arena, sizeof *inbox);
  *inbox = (struct flow_inbox){.path_length = f->shape->path_length};
  inbox->heads = flow_mem_alloc(arena, lists * sizeof *inbox->heads);
  inbox->cursors = flow_mem_alloc(arena, lists * sizeof *inbox->cursors);
  for (uint32_t i = 0; i < lists; i++) {
    const struct lane_phase *made = &f->lanes[i % workers]->phases[i / workers];
    const struct box *box = &made->boxes[(size_t)(phase - 1) * workers + worker];
    struct cursor *c = &inbox->cursors[inbox->count];
    c->box = box;
    if (!cursor_enter(c, box->first)) continue;
    inbox->heads[inbox->count] = (struct head){.path = path_of(c->next), .list = inbox->count};
    inbox->count++;
  }
  heads_order(inbox->heads, inbox->count, inbox->path_length);
  return inbox;
}

/* Takes up to `room` rows from the list while they are before `bound`, if that is not null. */
static uint32_t cursor_take(struct cursor *c, const uint32_t *bound, uint32_t length,
                            const struct flow_crossing **rows, uint32_t room) {
  const char *next = c->next, *end = c->end;
  size_t size = c->box->row_size;
  uint32_t n = 0;
  if (bound == NULL) {
    for (; n < room && next < end; next += size)
      rows[n++] = (const struct flow_crossing *)(const void *)next;
  } else {
    for (; n < room && next < end && is_before(path_of(next), bound, length); next += size)
      rows[n++] = (const struct flow_crossing *)(const void *)next;
  }
  c->next = next;
  return n;
}

uint32_t flow_inbox_next(struct flow_inbox *inbox, const struct flow_crossing **rows) {
  uint32_t n = 0;
  while (n < FLOW_BATCH && inbox->count > 0) {
    struct cursor *c = &inbox->cursors[inbox->heads[0].list];
    const uint32_t *bound = heads_bound(inbox->heads, inbox->count, inbox->path_length);
    n += cursor_take(c, bound, inbox->path_length, rows + n, FLOW_BATCH - n);
    bool is_left = c->next < c->end || cursor_enter(c, c->chunk->next);
    inbox->count = heads_advance(inbox->heads, inbox->count, is_left ? path_of(c->next) : NULL,
                                 inbox->path_length);
  }
  return n;
}

/* -- the merge of a sink --------------------------------------------------------------------- */

/* The rest of what one lane made for the sink in one phase. */
struct part {
  const uint32_t *run, *end; /* of its rows */
  struct flow_sink *sink;
  uint64_t data_end; /* of the bytes of these rows */
};

static uint64_t start_of(const uint32_t *run) {
  uint64_t start;
  memcpy(&start, run + RUN_START, sizeof start);
  return start;
}

/* Leaves out the rows of records from `limit` on: they are the last ones, as records rise with paths. */
static void part_cut(struct part *part, uint64_t limit, size_t stride) {
  size_t low = 0, high = (size_t)(part->end - part->run) / stride;
  if (part->run[(high - 1) * stride + RUN_RECORD] < limit) return;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (part->run[middle * stride + RUN_RECORD] < limit)
      low = middle + 1;
    else
      high = middle;
  }
  part->end = part->run + low * stride;
  part->data_end = start_of(part->end);
}

/* Collects what lanes and phases have made for the sink. Returns the number of parts, of which each
 * has a row that counts. */
static uint32_t parts_collect(struct flight *f, uint32_t sink, struct part *parts) {
  size_t stride = f->lanes[0]->run_bytes / sizeof(uint32_t);
  uint32_t count = 0;
  for (uint32_t p = 0; p <= f->shape->exchange_count; p++) {
    for (uint32_t i = 0; i < f->shape->worker_count; i++) {
      struct flow_sink *made = &f->lanes[i]->phases[p].sinks[sink];
      if (made->runs.length == 0) continue;
      const char *runs = made->runs.data;
      struct part part = {.run = (const uint32_t *)(const void *)runs,
                          .end = (const uint32_t *)(const void *)(runs + made->runs.length),
                          .sink = made,
                          .data_end = made->buf.length};
      part_cut(&part, f->limit, stride);
      if (part.run < part.end) parts[count++] = part;
    }
  }
  return count;
}

/* Takes as many rows from one part as lie before the next row of all others, and copies them at once. */
static void parts_merge(struct part *parts, struct head *heads, uint32_t count, uint32_t length,
                        struct flow_buf *out) {
  size_t stride = RUN_PATH + length;
  char *to = out->data + out->length;
  for (uint32_t i = 0; i < count; i++)
    heads[i] = (struct head){.path = parts[i].run + RUN_PATH, .list = i};
  heads_order(heads, count, length);
  while (count > 0) {
    struct part *part = &parts[heads[0].list];
    const uint32_t *bound = heads_bound(heads, count, length), *run = part->run;
    uint64_t start = start_of(run);
    if (bound == NULL)
      run = part->end;
    else
      do run += stride;
      while (run < part->end && is_before(run + RUN_PATH, bound, length));
    bool is_left = run < part->end;
    size_t size = (size_t)((is_left ? start_of(run) : part->data_end) - start);
    memcpy(to, part->sink->buf.data + start, size);
    to += size;
    part->run = run;
    count = heads_advance(heads, count, is_left ? run + RUN_PATH : NULL, length);
  }
  out->length = (size_t)(to - out->data);
}

static void merge_sink(struct flight *f, uint32_t sink, struct part *parts, struct head *heads) {
  struct flow_buf *out = &f->outputs[sink];
  uint32_t count = parts_collect(f, sink, parts);
  uint32_t length = f->shape->path_length + 1;
  size_t bytes = 0;
  uint64_t rows = 0;
  for (uint32_t i = 0; i < count; i++) {
    rows += (uint64_t)(parts[i].end - parts[i].run) / (RUN_PATH + length);
    bytes += parts[i].data_end;
  }
  f->rows[sink] = rows;
  out->length = 0;
  if (count == 1) {
    struct flow_buf empty = *out;
    *out = parts[0].sink->buf;
    out->length = parts[0].data_end;
    parts[0].sink->buf = empty;
    return;
  }
  if (bytes == 0) return;
  flow_buf_reserve(out, bytes);
  if (!f->shape->is_unordered[sink]) {
    parts_merge(parts, heads, count, length, out);
    return;
  }
  for (uint32_t i = 0; i < count; i++) {
    flow_buf_add(out, parts[i].sink->buf.data, parts[i].data_end);
  }
}

void flight_merge(struct flight *f) {
  /* No worker uses its arena any more. */
  struct flow_mem *arena = f->lanes[0]->arena;
  size_t most = (size_t)(f->shape->exchange_count + 1) * f->shape->worker_count;
  struct part *parts = flow_mem_alloc(arena, most * sizeof *parts);
  struct head *heads = flow_mem_alloc(arena, most * sizeof *heads);
  for (uint32_t i = 0; i < f->shape->sink_count; i++) merge_sink(f, i, parts, heads);
}
