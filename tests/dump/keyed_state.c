/* Written by flowcc from keyed_state.flow. Edit that file, not this one. */
#include "flow/flow.h"

/* ==== Types ==== */

/* record Row */
struct T_Row {
  struct flow_str f_word;
};

/* { word: string, count: int } */
struct R_1 {
  struct flow_str f_word;
  int64_t f_count;
};


/* ==== What is done with values of these types ==== */

static inline void encode_string(struct flow_buf *b, const struct flow_str *x) {
  flow_put_bytes(b, flow_str_data(x), x->length);
}

static inline void encode_int(struct flow_buf *b, const int64_t *x) {
  flow_put_int(b, *x);
}

static inline bool decode_string(struct flow_mem *mem, struct flow_reader *r, struct flow_str *x) {
  size_t length;
  const char *data = flow_get_bytes(r, &length);
  if (!r->ok || length > UINT32_MAX) return false;
  struct flow_str borrowed = flow_str_make(data, length);
  flow_str_copy(mem, x, &borrowed);
  return r->ok;
}

static inline bool decode_int(struct flow_mem *mem, struct flow_reader *r, int64_t *x) {
  (void)mem;
  *x = flow_get_int(r);
  return r->ok;
}

static const struct flow_type schema_string = {.kind = FLOW_KIND_STRING};

static const struct flow_type schema_int = {.kind = FLOW_KIND_INT};


/* ==== Places in the program, parameters, prototypes ==== */

FLOW_INLINE void stage_1_rows_count(struct flow_worker *w, const struct T_Row *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess);
static const struct flow_site site_1 = {"state count", 6, 29, 10,
  "  |> state count: int = 0 { count += 1 }", NULL};
static void emit0_rows_count(struct flow_worker *w, const struct R_1 *it, const struct flow_str *key);
FLOW_INLINE void print_stdout(struct flow_worker *w, struct flow_buf *b, const struct R_1 *x);
static __attribute__((noinline)) void cross_1_rows_count(struct flow_worker *w, const struct T_Row *it, const struct flow_str *key, uint64_t hash);
struct X_1 {
  struct flow_crossing crossing;
  struct T_Row it;
  struct flow_str key;
};
static void take_1_rows_count(struct flow_worker *w, struct flow_inbox *inbox);
static __attribute__((noinline)) void apply_1_rows_count(struct flow_worker *w, const struct T_Row *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess);
static const struct flow_site site_2 = {"source rows", 3, 8, 4,
  "source rows: Row = file(\"rows.csv\", csv)", NULL};
static const struct flow_site site_3 = {"state count", 6, 3, 38,
  "  |> state count: int = 0 { count += 1 }", NULL};
static const struct flow_site site_4 = {"sink stdout", 8, 3, 14,
  "  |> into stdout", NULL};

/* ==== The program's own expressions and statements ==== */

#line 5 "keyed_state.flow"
static inline void x_rows_key(struct flow_worker *w, const struct T_Row *it, struct flow_str *out) { (void)w; *out = it->f_word; }

#line 6 "keyed_state.flow"
static inline int64_t initial_rows_count(struct flow_worker *w) { (void)w; return 0; }

#line 6 "keyed_state.flow"
FLOW_INLINE bool x_rows_count(struct flow_worker *w, const struct T_Row *it, const struct flow_str *key, int64_t *state) { (void)it; (void)key; int64_t t1; if (__builtin_add_overflow((*state), 1, &t1)) return flow_fault_at(w, &site_1, "the sum overflows"); (*state) = t1; return true; }

#line 7 "keyed_state.flow"
static inline bool on_epoch_rows_count(struct flow_worker *w, const struct flow_str *key, int64_t *state) { struct R_1 t1 = {.f_word = (*key), .f_count = (*state)}; emit0_rows_count(w, &t1, key); return true; }

#line 3 "keyed_state.flow"
static inline void x_location_of_source_rows(struct flow_worker *w, struct flow_str *out) { (void)w; *out = (struct flow_str){.length = 8, .bytes = "rows.csv"}; }

#line 88 "keyed_state.c"

/* ==== Reading and writing records ==== */

static void print_stdout(struct flow_worker *w, struct flow_buf *b, const struct R_1 *x) {
  (void)w;
  const size_t room = 60;
  flow_buf_reserve(b, room);
  char *p = b->data + b->length;
  p = flow_write_fixed(p, "{\"word\": \"", 10);
  p = flow_write_json_str(b, p, &x->f_word, room);
  p = flow_write_fixed(p, "\", \"count\": ", 12);
  p = flow_write_number(p, x->f_count);
  p = flow_write_fixed(p, "}\n", 2);
  b->length = (size_t)(p - b->data);
}

FLOW_INLINE bool straight_parse_rows(struct flow_worker *w, const struct flow_block *b, struct flow_csv *c, struct T_Row *x) {
  (void)w;
  enum { is_plain = true };
  { /* word */
    struct flow_csv_field f;
    if (!flow_straight_last_cell(c, &f, b->column_count - 1)) return false;
    x->f_word = flow_row_str(&f, is_plain);
  }
  return true;
}

FLOW_INLINE bool row_parse_rows(struct flow_worker *w, const struct flow_block *b, struct flow_csv *c, struct T_Row *x, bool is_plain) {
  (void)w;
  uint64_t seen0 = 0;
  struct flow_csv_field f;
  enum flow_csv_next next;
  uint32_t column = 0;
  const uint32_t column_count = b->column_count;
  for (; (next = flow_row_field(c, &f, is_plain)) == FLOW_CSV_MORE; column++) {
    if (FLOW_UNLIKELY(column >= column_count)) {
      return !is_plain && flow_csv_too_many(c, &f, column_count);
    }
    switch (b->columns[column]) {
      case 0: { /* word */
        x->f_word = flow_row_str(&f, is_plain);
        seen0 |= UINT64_C(1) << 0;
        break;
      }
      default: break;
    }
    if (is_plain && c->end != NULL) break;
  }
  if (next == FLOW_CSV_BAD) return false;
  if (FLOW_UNLIKELY(seen0 != UINT64_C(0x1))) {
    if (!(seen0 >> 0 & 1)) return !is_plain && flow_csv_missing(c, "word");
  }
  return true;
}

static __attribute__((noinline)) enum flow_parse any_parse_rows(struct flow_worker *w, struct flow_block *b, struct T_Row *out) {
  struct flow_line line;
  struct flow_csv csv;
  bool is_bad;
  if (b->is_too_long) return flow_line_too_long(b);
  if (!flow_csv_row(w, b, ',', &line, &csv, &is_bad)) return FLOW_NO_RECORD;
  if (is_bad || !row_parse_rows(w, b, &csv, out, false)) return flow_line_bad(b, &line);
  return flow_line_done(b, &line);
}

static __attribute__((noinline)) enum flow_parse plain_parse_rows(struct flow_worker *w, struct flow_block *b, struct T_Row *out) {
  struct flow_csv csv;
  if (FLOW_LIKELY(flow_csv_begin_plain(b, ',', &csv)) &&
      FLOW_LIKELY(row_parse_rows(w, b, &csv, out, true))) {
    return flow_csv_done(b, &csv);
  }
  return any_parse_rows(w, b, out);
}

static enum flow_parse parse_rows(struct flow_worker *w, struct flow_block *b, struct T_Row *out) {
  if (FLOW_UNLIKELY(!b->is_in_order)) return plain_parse_rows(w, b, out);
  struct flow_csv csv;
  if (FLOW_LIKELY(flow_csv_begin_plain(b, ',', &csv)) &&
      FLOW_LIKELY(straight_parse_rows(w, b, &csv, out))) {
    return flow_csv_done(b, &csv);
  }
  return any_parse_rows(w, b, out);
}


/* ==== Keyed state ==== */

/* state count: int = one row per key */
struct S_rows_count {
  struct flow_entry entry;
  struct flow_str key;
  int64_t value;
};

static inline bool row_has_key_rows_count(const struct flow_entry *row, const void *key) {
  return flow_str_equal(&((const struct S_rows_count *)row)->key, key);
}

static __attribute__((noinline)) struct S_rows_count *row_seek_rows_count(struct flow_worker *w, const struct flow_str *key, uint64_t hash, bool *is_new) {
  struct flow_table *t = &w->tables[0];
  struct S_rows_count *s = (struct S_rows_count *)flow_table_find(t, hash, key, row_has_key_rows_count);
  *is_new = s == NULL;
  if (s != NULL) return s;
  s = (struct S_rows_count *)flow_table_insert(t, hash);
  flow_str_copy(w->heap, &s->key, key);
  s->value = initial_rows_count(w);
  return s;
}

FLOW_INLINE struct S_rows_count *row_find_rows_count(struct flow_worker *w, const struct flow_str *key, uint64_t hash, struct flow_entry *guess, bool *is_new) {
  if (!flow_table_is_guessed_for_ever(guess, key, row_has_key_rows_count)) return row_seek_rows_count(w, key, hash, is_new);
  *is_new = false;
  return (struct S_rows_count *)guess;
}

static inline void row_key_pack_rows_count(struct flow_buf *out, const struct flow_entry *row) {
  encode_string(out, &((const struct S_rows_count *)row)->key);
}

static inline void row_value_pack_rows_count(struct flow_buf *out, const struct flow_entry *row) {
  encode_int(out, &((const struct S_rows_count *)row)->value);
}

static void row_pack_rows_count(struct flow_table *t, struct flow_buf *out) {
  flow_table_pack(t, out, row_key_pack_rows_count, row_value_pack_rows_count);
}

static bool row_load_rows_count(struct flow_worker *w, uint64_t id,
                    const uint8_t *key_data, size_t key_length,
                    const uint8_t *value_data, size_t value_length) {
  struct flow_str loaded, *key = &loaded;
  const bool is_alone = w->share_count == 1;
  struct flow_mem *memory = is_alone ? w->heap : w->arena;
  struct flow_reader reader = flow_reader_of(key_data, key_length);
  if (!decode_string(memory, &reader, key) || !flow_reader_done(&reader)) return false;
  const uint64_t hash = flow_str_hash(w->tables[0].seed, key);
  const struct flow_share mine = flow_share_enter(w, hash);
  int64_t value;
  reader = flow_reader_of(value_data, value_length);
  const bool is_good = decode_int(w->heap, &reader, &value) && flow_reader_done(&reader);
  if (is_good) {
    struct S_rows_count *s = (struct S_rows_count *)flow_table_load(&w->tables[0], hash, id);
    s->key = loaded;
    if (!is_alone) flow_str_copy(w->heap, &s->key, key);
    s->value = value;
  }
  flow_share_leave(w, mine);
  return is_good;
}

static void on_epoch_row_rows_count(struct flow_worker *w, struct flow_entry *entry) {
  struct S_rows_count *s = (struct S_rows_count *)entry;
  if (!on_epoch_rows_count(w, &s->key, &s->value)) flow_abort_record(w);
}


/* ==== Fused stages: the way of a row from its source to its sinks ==== */

FLOW_INLINE void emit0_rows_count(struct flow_worker *w, const struct R_1 *it, const struct flow_str *key) {
  (void)key;
  print_stdout(w, flow_sink_row(w, 0), it);
}

FLOW_INLINE void stage_1_rows_count(struct flow_worker *w, const struct T_Row *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess) {
  /* 6: |> state count: int = 0 { count += 1 } */
  bool is_new;
  struct S_rows_count *s = row_find_rows_count(w, key, hash, guess, &is_new);
  (void)is_new;
  flow_table_touch(&w->tables[0], &s->entry);
  if (!x_rows_count(w, it, key, &s->value)) {
    flow_abort_record(w);
  }
}

static enum flow_run run_rows(struct flow_worker *w, struct flow_block *block) {
  struct T_Row rows[FLOW_BATCH];
  while (block->cursor < block->end && block->records < block->budget) {
    enum flow_parse parsed = FLOW_PARSED;
    uint64_t room = block->budget - block->records;
    uint32_t limit = room < FLOW_BATCH ? (uint32_t)room : FLOW_BATCH, count = 0;
    while (count < limit && block->cursor < block->end) {
      parsed = parse_rows(w, block, &rows[count]);
      if (parsed != FLOW_PARSED) break;
      count++;
    }
    /* Keys first, so that the table's memory is on its way when the rows come. */
    struct flow_table table = flow_table_view(&w->tables[0], sizeof(struct S_rows_count));
    if (w->share_count > 1) table.row_end = 0; /* other workers look up: fetch nothing */
    struct flow_str keys[FLOW_BATCH];
    uint64_t hashes[FLOW_BATCH];
    for (uint32_t i = 0; i < count; i++) {
      const struct T_Row *it = &rows[i];
      struct flow_str row1;
      x_rows_key(w, it, &row1);
      keys[i] = row1;
      hashes[i] = flow_str_hash(table.seed, &keys[i]);
      flow_table_prefetch(&table, hashes[i]);
    }
    if (FLOW_LIKELY(w->share_count == 1)) {
      struct flow_entry *guesses[FLOW_BATCH];
      for (uint32_t i = 0; i < count; i++) guesses[i] = flow_table_guess(&table, hashes[i]);
      for (uint32_t i = 0; i < count; i++, w->record++) {
        stage_1_rows_count(w, &rows[i], &keys[i], hashes[i], guesses[i]);
      }
    } else {
      for (uint32_t i = 0; i < count; i++, w->record++) {
        cross_1_rows_count(w, &rows[i], &keys[i], hashes[i]);
      }
    }
    block->records += count;
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

static void take_1_rows_count(struct flow_worker *w, struct flow_inbox *inbox) {
  const struct flow_crossing *rows[FLOW_BATCH];
  for (uint32_t count; (count = flow_inbox_next(inbox, rows)) > 0;) {
    struct flow_table table = flow_table_view(&w->tables[0], sizeof(struct S_rows_count));
    for (uint32_t i = 0; i < count; i++) flow_table_prefetch(&table, rows[i]->hash);
    struct flow_entry *guesses[FLOW_BATCH];
    for (uint32_t i = 0; i < count; i++) guesses[i] = flow_table_guess(&table, rows[i]->hash);
    for (uint32_t i = 0; i < count; i++) {
      const struct X_1 *row = (const struct X_1 *)rows[i];
      flow_cross_enter(w, rows[i]);
      apply_1_rows_count(w, &row->it, &row->key, rows[i]->hash, guesses[i]);
    }
  }
}

static __attribute__((noinline)) void cross_1_rows_count(struct flow_worker *w, const struct T_Row *it, const struct flow_str *key, uint64_t hash) {
  if (w->lane == NULL) {
    const struct flow_share mine = flow_share_enter(w, hash);
    apply_1_rows_count(w, it, key, hash, NULL);
    flow_share_leave(w, mine);
    return;
  }
  struct X_1 *row = flow_cross(w, 0, hash, sizeof *row, 1);
  row->it = *it;
  row->key = *key;
}

static __attribute__((noinline)) void apply_1_rows_count(struct flow_worker *w, const struct T_Row *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess) {
  stage_1_rows_count(w, it, key, hash, guess);
}


/* ==== The program ==== */

static const char *const columns_of_rows[] = {"word", };
static const bool required_of_rows[] = {true, };

static struct flow_str location_of_source_rows(const struct flow_worker *worker) {
  struct flow_worker w = *worker;
  struct flow_str location;
  x_location_of_source_rows(&w, &location);
  return location;
}

static const struct flow_source_desc sources[] = {
  {.name = "rows", .was = NULL, .site = &site_2,
   .connector = &flow_connector_file, .framing = FLOW_FRAMING_CSV,
   .has_header = true, .skips_blank = true,
   .delimiter = 44,
   .columns = columns_of_rows, .is_required = required_of_rows, .column_count = 1,
   .poll_us = INT64_C(0), .item_name = "Row", .on_fail = "stop",
   .location = location_of_source_rows, .run = run_rows},
};

static const struct flow_sink_desc sinks[] = {
  {.name = "stdout", .was = NULL, .site = &site_4,
   .connector = &flow_connector_stdout, .header = NULL,
   .location = NULL},
};

static const struct flow_state_desc states[] = {
  {.name = "count", .was = NULL, .site = &site_3,
   .key_type = &schema_string, .value_type = &schema_int,
   .row_size = sizeof(struct S_rows_count), .pack = row_pack_rows_count, .load = row_load_rows_count,
   .on_epoch = on_epoch_row_rows_count, .on_end = NULL},
};

static const struct flow_exchange exchanges[] = {
  {.state = 0, .level = 1, .take = take_1_rows_count},
};

const struct flow_program flow_program = {
  .abi_version = FLOW_ABI_VERSION,
  .name = "keyed_state", .file = "keyed_state.flow", .doc = NULL,
  .compiler = "flowcc 0.1.0",
  .sources = sources, .source_count = 1,
  .sinks = sinks, .sink_count = 1,
  .states = states, .state_count = 1,
  .exchanges = exchanges, .exchange_count = 1, .path_length = 1,
  .is_boundary_dependent = true,
};

int main(int argc, char **argv) {
  return flow_main(&flow_program, argc, argv);
}
