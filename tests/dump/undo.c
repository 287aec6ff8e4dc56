/* Written by flowcc from undo.flow. Edit that file, not this one. */
#include "flow/flow.h"

/* ==== Types ==== */

/* list[int] */
struct L_int {
  union {
    int64_t near[4];
    int64_t *far;
  };
  uint32_t length, capacity;
};

/* string? */
struct O_string {
  bool has;
  struct flow_str value;
};

/* int? */
struct O_int {
  bool has;
  int64_t value;
};

/* timestamp? */
struct O_timestamp {
  bool has;
  int64_t value;
};

/* record Rejected */
struct T_Rejected {
  struct flow_str f_step;
  struct flow_str f_reason;
  struct flow_str f_raw;
  struct O_string f_source;
  struct O_int f_line;
  struct O_int f_position;
  struct O_timestamp f_at;
};


/* ==== What is done with values of these types ==== */

static inline int64_t *data_L_int(const struct L_int *xs) {
  return xs->capacity > 0 ? xs->far : (int64_t *)(uintptr_t)xs->near;
}

static inline void push_L_int(struct flow_mem *mem, struct L_int *xs, const int64_t *x) {
  if (flow_list_is_full(xs->length, xs->capacity, 4))
    xs->far = flow_list_grow(mem, data_L_int(xs), xs->length, &xs->capacity, sizeof *xs->far);
  *&data_L_int(xs)[xs->length] = *x;
  xs->length++;
}

static inline void copy_L_int(struct flow_mem *mem, struct L_int *to, const struct L_int *from) {
  struct L_int copy = *from;
  if (from->length > 4) {
    copy.far = flow_mem_alloc(mem, from->length * sizeof *copy.far);
    copy.capacity = from->length;
    memcpy(copy.far, from->far, from->length * sizeof *copy.far);
  } else if (from->capacity > 0) {
    memcpy(copy.near, from->far, from->length * sizeof *copy.near);
    copy.capacity = 0;
  }
  *to = copy;
}

static inline void drop_L_int(struct flow_mem *mem, struct L_int *x) {
  flow_list_free(mem, x->far, x->capacity, sizeof *x->far);
}

static inline void encode_string(struct flow_buf *b, const struct flow_str *x) {
  flow_put_bytes(b, flow_str_data(x), x->length);
}

static inline void encode_int(struct flow_buf *b, const int64_t *x) {
  flow_put_int(b, *x);
}

static inline void encode_L_int(struct flow_buf *b, const struct L_int *x) {
  flow_put_varint(b, x->length);
  for (uint32_t i = 0; i < x->length; i++) encode_int(b, &data_L_int(x)[i]);
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

static inline struct L_int make_L_int(struct flow_mem *mem, uint32_t length) {
  struct L_int xs = {.length = length};
  if (length <= 4) return xs;
  xs.far = flow_mem_alloc(mem, length * sizeof *xs.far);
  xs.capacity = length;
  return xs;
}

static inline bool decode_L_int(struct flow_mem *mem, struct flow_reader *r, struct L_int *x) {
  uint64_t count = flow_get_count(r);
  if (!r->ok || count > FLOW_LIST_MAX) return false;
  *x = make_L_int(mem, (uint32_t)count);
  for (x->length = 0; x->length < count; x->length++) {
    if (!decode_int(mem, r, &data_L_int(x)[x->length])) return false;
  }
  return true;
}

static inline void format_1(struct flow_buf *b, const int64_t *x1) {
  const size_t room = 25;
  flow_buf_reserve(b, room);
  char *p = b->data + b->length;
  p = flow_write_number(p, (*x1));
  p = flow_write_fixed(p, " seen", 5);
  b->length = (size_t)(p - b->data);
}

static inline void format_2(struct flow_buf *b, const int64_t *x1) {
  const size_t room = 26;
  flow_buf_reserve(b, room);
  char *p = b->data + b->length;
  p = flow_write_fixed(p, "share ", 6);
  p = flow_write_number(p, (*x1));
  b->length = (size_t)(p - b->data);
}

static inline void json_int(struct flow_buf *b, const int64_t *x) {
  const size_t room = 20;
  flow_buf_reserve(b, room);
  char *p = b->data + b->length;
  p = flow_write_number(p, (*x));
  b->length = (size_t)(p - b->data);
}

static const struct flow_type schema_string = {.kind = FLOW_KIND_STRING};

static const struct flow_type schema_int = {.kind = FLOW_KIND_INT};

static const struct flow_type schema_L_int = {.kind = FLOW_KIND_LIST, .element = &schema_int};


/* ==== Places in the program, parameters, prototypes ==== */

FLOW_INLINE void stage_1_numbers_seen(struct flow_worker *w, const int64_t *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess);
static void stage_2_stdout(struct flow_worker *w, const struct flow_str *it);
static FLOW_COLD void reject_numbers_seen(struct flow_worker *w, const int64_t *it);
/* Rows that wait until their item has succeeded. */
struct held_row {
  struct held_row *next;
  uint32_t output;
  int64_t time_us;
};
struct held {
  struct held_row *first, *last;
};
static void emit0_numbers_seen(struct flow_worker *w, const struct L_int *it, const struct flow_str *key);
static void hold0_numbers_seen(struct flow_worker *w, const struct L_int *it, struct held *held);
static const struct flow_site site_1 = {"state seen", 8, 13, 8,
  "       emit 100 / it into shares", NULL};
static void emit1_numbers_seen(struct flow_worker *w, const int64_t *it, const struct flow_str *key);
static void hold1_numbers_seen(struct flow_worker *w, const int64_t *it, struct held *held);
FLOW_INLINE void print_stdout_2(struct flow_worker *w, struct flow_buf *b, const struct T_Rejected *x);
static inline void enter_1_numbers_seen(struct flow_worker *w, const int64_t *it, const struct flow_str *key);
struct X_1 {
  struct flow_crossing crossing;
  int64_t it;
  struct flow_str key;
};
static void take_1_numbers_seen(struct flow_worker *w, struct flow_inbox *inbox);
static __attribute__((noinline)) void apply_1_numbers_seen(struct flow_worker *w, const int64_t *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess);
static __attribute__((noinline)) void cross_1_numbers_seen(struct flow_worker *w, const int64_t *it, const struct flow_str *key, uint64_t hash);
static const struct flow_site site_2 = {"source numbers", 2, 8, 7,
  "source numbers: int = stdin(text)", NULL};
static const struct flow_site site_3 = {"state seen", 5, 3, 31,
  "  |> state seen: list[int] = [] {", NULL};
static const struct flow_site site_4 = {"sink stdout", 10, 28, 14,
  "  |> map f\"{len(it)} seen\" |> into stdout", NULL};

/* ==== The program's own expressions and statements ==== */

#line 4 "undo.flow"
static inline void x_numbers_key(struct flow_worker *w, const int64_t *it, struct flow_str *out) { (void)w; (void)it; *out = (struct flow_str){.length = 3, .bytes = "ALL"}; }

#line 5 "undo.flow"
static inline void initial_numbers_seen(struct flow_worker *w, struct L_int *out) { (void)w; struct L_int t1 = {0}; *out = t1; }

#line 5 "undo.flow"
FLOW_INLINE bool x_numbers_seen(struct flow_worker *w, const int64_t *it, const struct flow_str *key, struct L_int *state, struct held *held) { (void)key;
#line 6 "undo.flow"
  push_L_int(w->heap, state, it);
  hold0_numbers_seen(w, state, held);
  if ((*it) == 0) return flow_fail(w, &site_1, "division by zero"); int64_t t1 = 100 / (*it); hold1_numbers_seen(w, &t1, held); return true;
}

#line 10 "undo.flow"
static inline void x_numbers_map(struct flow_worker *w, const struct L_int *it, const struct flow_str *key, struct flow_str *out) { (void)key; int64_t t1 = ((int64_t)it->length); struct flow_buf b2 = flow_text_begin(w->arena); format_1(&b2, &t1); struct flow_str t3 = flow_text_end(&b2); *out = t3; }

#line 11 "undo.flow"
static inline void x_shares_map(struct flow_worker *w, const int64_t *it, const struct flow_str *key, struct flow_str *out) { (void)key; struct flow_buf b1 = flow_text_begin(w->arena); format_2(&b1, it); struct flow_str t2 = flow_text_end(&b1); *out = t2; }

#line 214 "undo.c"

/* ==== Reading and writing records ==== */

static void print_stdout_2(struct flow_worker *w, struct flow_buf *b, const struct T_Rejected *x) {
  (void)w;
  const size_t room = 206;
  flow_buf_reserve(b, room);
  char *p = b->data + b->length;
  p = flow_write_fixed(p, "{\"step\": \"", 10);
  p = flow_write_json_str(b, p, &x->f_step, room);
  p = flow_write_fixed(p, "\", \"reason\": \"", 14);
  p = flow_write_json_str(b, p, &x->f_reason, room);
  p = flow_write_fixed(p, "\", \"raw\": \"", 11);
  p = flow_write_json_str(b, p, &x->f_raw, room);
  p = flow_write_fixed(p, "\", \"source\": ", 13);
  if (x->f_source.has) {
    p = flow_write_fixed(p, "\"", 1);
    p = flow_write_json_str(b, p, &x->f_source.value, room);
    p = flow_write_fixed(p, "\"", 1);
  } else {
    p = flow_write_fixed(p, "null", 4);
  }
  p = flow_write_fixed(p, ", \"line\": ", 10);
  if (x->f_line.has) {
    p = flow_write_number(p, x->f_line.value);
  } else {
    p = flow_write_fixed(p, "null", 4);
  }
  p = flow_write_fixed(p, ", \"position\": ", 14);
  if (x->f_position.has) {
    p = flow_write_number(p, x->f_position.value);
  } else {
    p = flow_write_fixed(p, "null", 4);
  }
  p = flow_write_fixed(p, ", \"at\": ", 8);
  if (x->f_at.has) {
    p = flow_write_fixed(p, "\"", 1);
    p = flow_write_timestamp(b, p, x->f_at.value, room);
    p = flow_write_fixed(p, "\"", 1);
  } else {
    p = flow_write_fixed(p, "null", 4);
  }
  p = flow_write_fixed(p, "}\n", 2);
  b->length = (size_t)(p - b->data);
}

static void print_stdout(struct flow_worker *w, struct flow_buf *b, const struct flow_str *x) {
  (void)w;
  const size_t room = 17;
  flow_buf_reserve(b, room);
  char *p = b->data + b->length;
  p = flow_write_str(b, p, x, room);
  p = flow_write_fixed(p, "\n", 1);
  b->length = (size_t)(p - b->data);
}

static enum flow_parse parse_numbers(struct flow_worker *w, struct flow_block *b, int64_t *out) {
  (void)w;
  if (FLOW_LIKELY(flow_line_plain_int(b, out))) return FLOW_PARSED;
  struct flow_line line;
  if (FLOW_UNLIKELY(b->is_too_long)) return flow_line_too_long(b);
  flow_line_at(b, &line);
  if (FLOW_UNLIKELY(!flow_line_int(b, &line, out))) return flow_line_bad(b, &line);
  return flow_line_done(b, &line);
}


/* ==== Keyed state ==== */

/* state seen: list[int] = one row per key */
struct S_numbers_seen {
  struct flow_entry entry;
  struct flow_str key;
  struct L_int value;
};

static inline bool row_has_key_numbers_seen(const struct flow_entry *row, const void *key) {
  return flow_str_equal(&((const struct S_numbers_seen *)row)->key, key);
}

static __attribute__((noinline)) struct S_numbers_seen *row_seek_numbers_seen(struct flow_worker *w, const struct flow_str *key, uint64_t hash, bool *is_new) {
  struct flow_table *t = &w->tables[0];
  struct S_numbers_seen *s = (struct S_numbers_seen *)flow_table_find(t, hash, key, row_has_key_numbers_seen);
  *is_new = s == NULL;
  if (s != NULL) return s;
  s = (struct S_numbers_seen *)flow_table_insert(t, hash);
  flow_str_copy(w->heap, &s->key, key);
  struct L_int initial;
  initial_numbers_seen(w, &initial);
  copy_L_int(w->heap, &s->value, &initial);
  return s;
}

FLOW_INLINE struct S_numbers_seen *row_find_numbers_seen(struct flow_worker *w, const struct flow_str *key, uint64_t hash, struct flow_entry *guess, bool *is_new) {
  if (!flow_table_is_guessed(guess, key, row_has_key_numbers_seen)) return row_seek_numbers_seen(w, key, hash, is_new);
  *is_new = false;
  return (struct S_numbers_seen *)guess;
}

static inline void row_drop_numbers_seen(struct flow_worker *w, struct S_numbers_seen *s) {
  flow_str_drop(w->heap, &s->key);
  drop_L_int(w->heap, &s->value);
  (void)w, (void)s;
}

static inline void row_key_pack_numbers_seen(struct flow_buf *out, const struct flow_entry *row) {
  encode_string(out, &((const struct S_numbers_seen *)row)->key);
}

static inline void row_value_pack_numbers_seen(struct flow_buf *out, const struct flow_entry *row) {
  encode_L_int(out, &((const struct S_numbers_seen *)row)->value);
}

static void row_pack_numbers_seen(struct flow_table *t, struct flow_buf *out) {
  flow_table_pack(t, out, row_key_pack_numbers_seen, row_value_pack_numbers_seen);
}

static bool row_load_numbers_seen(struct flow_worker *w, uint64_t id,
                    const uint8_t *key_data, size_t key_length,
                    const uint8_t *value_data, size_t value_length) {
  struct flow_str loaded, *key = &loaded;
  const bool is_alone = w->share_count == 1;
  struct flow_mem *memory = is_alone ? w->heap : w->arena;
  struct flow_reader reader = flow_reader_of(key_data, key_length);
  if (!decode_string(memory, &reader, key) || !flow_reader_done(&reader)) return false;
  const uint64_t hash = 0;
  const struct flow_share mine = flow_share_enter(w, hash);
  struct L_int value;
  reader = flow_reader_of(value_data, value_length);
  const bool is_good = decode_L_int(w->heap, &reader, &value) && flow_reader_done(&reader);
  if (is_good) {
    struct S_numbers_seen *s = (struct S_numbers_seen *)flow_table_load(&w->tables[0], hash, id);
    s->key = loaded;
    if (!is_alone) flow_str_copy(w->heap, &s->key, key);
    s->value = value;
  }
  flow_share_leave(w, mine);
  return is_good;
}


/* ==== Fused stages: the way of a row from its source to its sinks ==== */

static FLOW_COLD void reject_numbers_seen(struct flow_worker *w, const int64_t *it) {
  flow_count_rejected(w, 1);
  struct flow_buf raw = flow_text_begin(w->arena);
  json_int(&raw, it);
  struct T_Rejected rejected = {.f_step = (struct flow_str){.length = 10, .bytes = "state seen"},
      .f_reason = w->failure.reason, .f_raw = flow_text_end(&raw)};
  print_stdout_2(w, flow_sink_row(w, 0), &rejected);
}

FLOW_INLINE void emit0_numbers_seen(struct flow_worker *w, const struct L_int *it, const struct flow_str *key) {
  /* 10: |> map f"{len(it)} seen" |> into stdout */
  struct flow_str row1;
  x_numbers_map(w, it, key, &row1);
  stage_2_stdout(w, &row1);
}

static void hold0_numbers_seen(struct flow_worker *w, const struct L_int *it, struct held *held) {
  struct waiting {
    struct held_row row;
    struct L_int item;
  };
  struct waiting *waiting = flow_mem_alloc(w->arena, sizeof *waiting);
  waiting->row = (struct held_row){.next = NULL, .output = 0, .time_us = w->time_us};
  copy_L_int(w->arena, &waiting->item, it);
  if (held->last != NULL) held->last->next = &waiting->row;
  else held->first = &waiting->row;
  held->last = &waiting->row;
}

FLOW_INLINE void emit1_numbers_seen(struct flow_worker *w, const int64_t *it, const struct flow_str *key) {
  /* 11: shares |> map f"share {it}" |> into stdout */
  struct flow_str row2;
  x_shares_map(w, it, key, &row2);
  stage_2_stdout(w, &row2);
}

static void hold1_numbers_seen(struct flow_worker *w, const int64_t *it, struct held *held) {
  struct waiting {
    struct held_row row;
    int64_t item;
  };
  struct waiting *waiting = flow_mem_alloc(w->arena, sizeof *waiting);
  waiting->row = (struct held_row){.next = NULL, .output = 1, .time_us = w->time_us};
  *&waiting->item = *it;
  if (held->last != NULL) held->last->next = &waiting->row;
  else held->first = &waiting->row;
  held->last = &waiting->row;
}

FLOW_INLINE void stage_1_numbers_seen(struct flow_worker *w, const int64_t *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess) {
  /* 5: |> state seen: list[int] = [] { */
  bool is_new;
  struct S_numbers_seen *s = row_find_numbers_seen(w, key, hash, guess, &is_new);
  struct held held = {0};
  struct L_int saved;
  copy_L_int(w->arena, &saved, &s->value);
  if (x_numbers_seen(w, it, key, &s->value, &held)) {
    flow_table_touch(&w->tables[0], &s->entry);
    const int64_t time_us = w->time_us;
    for (struct held_row *row = held.first; row != NULL; row = row->next) {
      w->time_us = row->time_us;
      if (row->output == 0) {
        struct waiting {
          struct held_row row;
          struct L_int item;
        };
        emit0_numbers_seen(w, &((struct waiting *)row)->item, key);
      }
      if (row->output == 1) {
        struct waiting {
          struct held_row row;
          int64_t item;
        };
        emit1_numbers_seen(w, &((struct waiting *)row)->item, key);
      }
    }
    w->time_us = time_us;
  } else {
    if (is_new) {
      row_drop_numbers_seen(w, s);
      flow_table_undo_insert(&w->tables[0], &s->entry);
    } else {
      drop_L_int(w->heap, &s->value);
      copy_L_int(w->heap, &s->value, &saved);
    }
    reject_numbers_seen(w, it);
  }
}

static void stage_2_stdout(struct flow_worker *w, const struct flow_str *it) {
  print_stdout(w, flow_sink_row(w, 0), it);
}

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
      /* 4: |> key by "ALL" */
      struct flow_str row3;
      x_numbers_key(w, it, &row3);
      enter_1_numbers_seen(w, it, &row3);
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

static void take_1_numbers_seen(struct flow_worker *w, struct flow_inbox *inbox) {
  const struct flow_crossing *rows[FLOW_BATCH];
  for (uint32_t count; (count = flow_inbox_next(inbox, rows)) > 0;) {
    for (uint32_t i = 0; i < count; i++) {
      const struct X_1 *row = (const struct X_1 *)rows[i];
      flow_cross_enter(w, rows[i]);
      apply_1_numbers_seen(w, &row->it, &row->key, rows[i]->hash, flow_table_first(&w->tables[0]));
    }
  }
}

static inline void enter_1_numbers_seen(struct flow_worker *w, const int64_t *it, const struct flow_str *key) {
  const uint64_t hash = 0;
  if (FLOW_LIKELY(w->share_count == 1)) {
    stage_1_numbers_seen(w, it, key, hash, flow_table_first(&w->tables[0]));
  } else {
    cross_1_numbers_seen(w, it, key, hash);
  }
}

static __attribute__((noinline)) void cross_1_numbers_seen(struct flow_worker *w, const int64_t *it, const struct flow_str *key, uint64_t hash) {
  if (w->lane == NULL) {
    const struct flow_share mine = flow_share_enter(w, hash);
    apply_1_numbers_seen(w, it, key, hash, flow_table_first(&w->tables[0]));
    flow_share_leave(w, mine);
    return;
  }
  struct X_1 *row = flow_cross(w, 0, hash, sizeof *row, 1);
  row->it = *it;
  row->key = *key;
}

static __attribute__((noinline)) void apply_1_numbers_seen(struct flow_worker *w, const int64_t *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess) {
  stage_1_numbers_seen(w, it, key, hash, guess);
}


/* ==== The program ==== */

static const struct flow_source_desc sources[] = {
  {.name = "numbers", .was = NULL, .site = &site_2,
   .connector = &flow_connector_stdin, .framing = FLOW_FRAMING_LINES,
   .has_header = false, .skips_blank = false,
   .poll_us = INT64_C(0), .item_name = "int", .on_fail = "stop",
   .location = NULL, .run = run_numbers},
};

static const struct flow_sink_desc sinks[] = {
  {.name = "stdout", .was = NULL, .site = &site_4,
   .connector = &flow_connector_stdout, .header = NULL,
   .location = NULL},
};

static const struct flow_state_desc states[] = {
  {.name = "seen", .was = NULL, .site = &site_3,
   .key_type = &schema_string, .value_type = &schema_L_int,
   .row_size = sizeof(struct S_numbers_seen), .pack = row_pack_numbers_seen, .load = row_load_numbers_seen,
   .on_epoch = NULL, .on_end = NULL},
};

static const struct flow_exchange exchanges[] = {
  {.state = 0, .level = 1, .take = take_1_numbers_seen},
};

const struct flow_program flow_program = {
  .abi_version = FLOW_ABI_VERSION,
  .name = "undo", .file = "undo.flow", .doc = NULL,
  .compiler = "flowcc 0.1.0",
  .sources = sources, .source_count = 1,
  .sinks = sinks, .sink_count = 1,
  .states = states, .state_count = 1,
  .exchanges = exchanges, .exchange_count = 1, .path_length = 1,
  .is_boundary_dependent = false,
};

int main(int argc, char **argv) {
  return flow_main(&flow_program, argc, argv);
}
