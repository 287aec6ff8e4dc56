/* Written by flowcc from filter_map.flow. Edit that file, not this one. */
#include "flow/flow.h"

/* ==== Types ==== */

/* { n: int, half: int } */
struct R_1 {
  int64_t f_n;
  int64_t f_half;
};


/* ==== Places in the program, parameters, prototypes ==== */

static const struct flow_site site_1 = {"source numbers", 2, 8, 7,
  "source numbers: int = stdin(text)", NULL};
static const struct flow_site site_2 = {"sink stdout", 3, 59, 14,
  "numbers |> filter it > 100 |> map { n: it, half: it / 2 } |> into stdout", NULL};

/* ==== The program's own expressions and statements ==== */

#line 3 "filter_map.flow"
static inline bool x_numbers_filter(struct flow_worker *w, const int64_t *it) { (void)w; return ((*it) > 100); }

#line 3 "filter_map.flow"
static inline void x_numbers_map(struct flow_worker *w, const int64_t *it, struct R_1 *out) { (void)w; int64_t t1 = (*it) / 2; struct R_1 t2 = {.f_n = (*it), .f_half = t1}; *out = t2; }

#line 29 "filter_map.c"

/* ==== Reading and writing records ==== */

static enum flow_parse parse_numbers(struct flow_worker *w, struct flow_block *b, int64_t *out) {
  (void)w;
  if (FLOW_LIKELY(flow_line_plain_int(b, out))) return FLOW_PARSED;
  struct flow_line line;
  if (FLOW_UNLIKELY(b->is_too_long)) return flow_line_too_long(b);
  flow_line_at(b, &line);
  if (FLOW_UNLIKELY(!flow_line_int(b, &line, out))) return flow_line_bad(b, &line);
  return flow_line_done(b, &line);
}

static void print_stdout(struct flow_worker *w, struct flow_buf *b, const struct R_1 *x) {
  (void)w;
  const size_t room = 58;
  flow_buf_reserve(b, room);
  char *p = b->data + b->length;
  p = flow_write_fixed(p, "{\"n\": ", 6);
  p = flow_write_number(p, x->f_n);
  p = flow_write_fixed(p, ", \"half\": ", 10);
  p = flow_write_number(p, x->f_half);
  p = flow_write_fixed(p, "}\n", 2);
  b->length = (size_t)(p - b->data);
}


/* ==== Fused stages: the way of a row from its source to its sinks ==== */

static enum flow_run run_numbers(struct flow_worker *w, struct flow_block *block) {
  int64_t rows[FLOW_BATCH];
  while (block->cursor < block->end && block->records < block->budget) {
    enum flow_parse parsed = FLOW_PARSED;
    uint64_t room = block->budget - block->records;
    uint32_t limit = room < FLOW_BATCH ? (uint32_t)room : FLOW_BATCH, count = 0;
    while (count < limit && block->cursor < block->end) {
      parsed = parse_numbers(w, block, &rows[count]);
      if (parsed != FLOW_PARSED) break;
      count++;
    }
    for (uint32_t i = 0; i < count; i++) {
      const int64_t *it = &rows[i];
      /* 3: numbers |> filter it > 100 |> map { n: it, half: it / 2 } |> into stdo … */
      const bool row1 = x_numbers_filter(w, it);
      if (row1) {
        /* 3: numbers |> filter it > 100 |> map { n: it, half: it / 2 } |> into stdo … */
        struct R_1 row2;
        x_numbers_map(w, it, &row2);
        print_stdout(w, flow_sink_row(w, 0), &row2);
      }
      block->records++;
      w->record++;
    }
    if (parsed == FLOW_BAD_RECORD) {
      block->cursor = block->bad.record;
      block->line = block->bad.line;
      flow_batch_end(w);
      return FLOW_RUN_STOP;
    }
    flow_batch_end(w);
  }
  return FLOW_RUN_DONE;
}


/* ==== The program ==== */

static const struct flow_source_desc sources[] = {
  {.name = "numbers", .was = NULL, .site = &site_1,
   .connector = &flow_connector_stdin, .framing = FLOW_FRAMING_LINES,
   .has_header = false, .skips_blank = false,
   .poll_us = INT64_C(0), .item_name = "int", .on_fail = "stop",
   .location = NULL, .run = run_numbers},
};

static const struct flow_sink_desc sinks[] = {
  {.name = "stdout", .was = NULL, .site = &site_2,
   .connector = &flow_connector_stdout, .header = NULL,
   .location = NULL},
};

const struct flow_program flow_program = {
  .abi_version = FLOW_ABI_VERSION,
  .name = "filter_map", .file = "filter_map.flow", .doc = NULL,
  .compiler = "flowcc 0.1.0",
  .sources = sources, .source_count = 1,
  .sinks = sinks, .sink_count = 1,
  .is_boundary_dependent = false,
};

int main(int argc, char **argv) {
  return flow_main(&flow_program, argc, argv);
}
