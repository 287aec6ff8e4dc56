/* Written by flowcc from deadlines.flow. Edit that file, not this one. */
#include "flow/flow.h"

/* ==== Types ==== */

/* timestamp? */
struct O_timestamp {
  bool has;
  int64_t value;
};

/* record Seen */
struct T_Seen {
  int64_t f_count;
  struct O_timestamp f_until;
};

/* { key: string, count: int } */
struct R_1 {
  struct flow_str f_key;
  int64_t f_count;
};


/* ==== What is done with values of these types ==== */

static inline void encode_string(struct flow_buf *b, const struct flow_str *x) {
  flow_put_bytes(b, flow_str_data(x), x->length);
}

static inline void encode_int(struct flow_buf *b, const int64_t *x) {
  flow_put_int(b, *x);
}

static inline void encode_timestamp(struct flow_buf *b, const int64_t *x) {
  flow_put_int(b, *x);
}

static inline void encode_O_timestamp(struct flow_buf *b, const struct O_timestamp *x) {
  flow_put_bool(b, x->has);
  if (x->has) encode_timestamp(b, &x->value);
}

static inline void encode_T_Seen(struct flow_buf *b, const struct T_Seen *x) {
  encode_int(b, &x->f_count);
  encode_O_timestamp(b, &x->f_until);
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

static inline bool decode_timestamp(struct flow_mem *mem, struct flow_reader *r, int64_t *x) {
  (void)mem;
  *x = flow_get_int(r);
  return r->ok;
}

static inline bool decode_O_timestamp(struct flow_mem *mem, struct flow_reader *r, struct O_timestamp *x) {
  x->has = flow_get_bool(r);
  if (x->has) return decode_timestamp(mem, r, &x->value);
  memset(&x->value, 0, sizeof x->value);
  return r->ok;
}

static inline bool decode_T_Seen(struct flow_mem *mem, struct flow_reader *r, struct T_Seen *x) {
  return decode_int(mem, r, &x->f_count) &&
         decode_O_timestamp(mem, r, &x->f_until);
}

static const struct flow_type schema_string = {.kind = FLOW_KIND_STRING};

static const struct flow_type schema_int = {.kind = FLOW_KIND_INT};

static const struct flow_type schema_timestamp = {.kind = FLOW_KIND_TIMESTAMP};

static const struct flow_type schema_O_timestamp = {.kind = FLOW_KIND_OPT, .element = &schema_timestamp};

static const struct flow_field schema_T_Seen_fields[] = {
  {"count", NULL, &schema_int, "\000", 1, false},
  {"until", NULL, &schema_O_timestamp, "\000", 1, false},
};
static const struct flow_type schema_T_Seen = {.kind = FLOW_KIND_RECORD, .name = "Seen", .fields = schema_T_Seen_fields, .field_count = 2};

static const struct flow_type timed_words_seen = {.kind = FLOW_KIND_TIMED, .element = &schema_T_Seen};


/* ==== Places in the program, parameters, prototypes ==== */

/* The program's parameters. */
struct params {
  int64_t p_ttl;
};

FLOW_INLINE void stage_1_words_seen(struct flow_worker *w, const struct flow_str *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess);
static const struct flow_site site_1 = {"state seen", 8, 8, 15,
  "       seen.count += 1", NULL};
static const struct flow_site site_2 = {"state seen", 9, 21, 10,
  "       seen.until = now() + 1m", NULL};
static void emit0_words_seen(struct flow_worker *w, const struct R_1 *it, const struct flow_str *key);
static inline const struct params *params_of(const struct flow_worker *w) {
  return w->params;
}

FLOW_INLINE void print_stdout(struct flow_worker *w, struct flow_buf *b, const struct R_1 *x);
static __attribute__((noinline)) void cross_1_words_seen(struct flow_worker *w, const struct flow_str *it, const struct flow_str *key, uint64_t hash);
struct X_1 {
  struct flow_crossing crossing;
  struct flow_str it;
  struct flow_str key;
};
static void take_1_words_seen(struct flow_worker *w, struct flow_inbox *inbox);
static __attribute__((noinline)) void apply_1_words_seen(struct flow_worker *w, const struct flow_str *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess);
static const struct flow_site site_3 = {"source words", 4, 8, 5,
  "source words: string = stdin(text)", NULL};
static const struct flow_site site_4 = {"state seen", 7, 3, 33,
  "  |> state seen: Seen expires ttl {", NULL};
static const struct flow_site site_5 = {"state seen", 11, 12, 10,
  "     on at seen.until {", NULL};
static const struct flow_site site_6 = {"sink stdout", 16, 3, 14,
  "  |> into stdout", NULL};

/* ==== The program's own expressions and statements ==== */

#line 6 "deadlines.flow"
static inline void x_words_key(struct flow_worker *w, const struct flow_str *it, struct flow_str *out) { (void)w; *out = (*it); }

#line 7 "deadlines.flow"
static inline void initial_words_seen(struct flow_worker *w, struct T_Seen *out) { (void)w; struct T_Seen t1 = {.f_count = 0, .f_until = (struct O_timestamp){0}}; *out = t1; }

#line 7 "deadlines.flow"
FLOW_INLINE bool x_words_seen(struct flow_worker *w, const struct flow_str *it, const struct flow_str *key, struct T_Seen *state) { (void)it; (void)key;
#line 8 "deadlines.flow"
  int64_t t1; if (__builtin_add_overflow(state->f_count, 1, &t1)) return flow_fault_at(w, &site_1, "the sum overflows"); state->f_count = t1;
  int64_t t2; if (__builtin_add_overflow(w->now_us, 60000000, &t2) || t2 < FLOW_TIME_MIN || t2 > FLOW_TIME_MAX) return flow_fault_at(w, &site_2, "the time is outside of the years 1 to 9999"); struct O_timestamp t3 = {.has = true, .value = t2}; state->f_until = t3; return true;
}

#line 11 "deadlines.flow"
static inline bool on_at_words_seen(struct flow_worker *w, const struct flow_str *key, struct T_Seen *state) {
#line 12 "deadlines.flow"
  struct R_1 t1 = {.f_key = (*key), .f_count = state->f_count}; emit0_words_seen(w, &t1, key);
  state->f_until = (struct O_timestamp){0}; return true;
}

#line 15 "deadlines.flow"
static inline bool on_expire_words_seen(struct flow_worker *w, const struct flow_str *key, struct T_Seen *state) { (void)state; struct R_1 t1 = {.f_key = (*key), .f_count = 0}; emit0_words_seen(w, &t1, key); return true; }

#line 7 "deadlines.flow"
static inline int64_t expires_words_seen(struct flow_worker *w) { return params_of(w)->p_ttl; }

#line 11 "deadlines.flow"
static inline bool at_words_seen(struct flow_worker *w, const struct flow_str *key, struct T_Seen *state, int64_t *at_us) { (void)w; (void)key; *at_us = state->f_until.value; return state->f_until.has; }

#line 7 "deadlines.flow"
static inline bool holds_0(struct flow_worker *w) { return (params_of(w)->p_ttl >= 1); }

#line 169 "deadlines.c"

/* ==== Reading and writing records ==== */

static void print_stdout(struct flow_worker *w, struct flow_buf *b, const struct R_1 *x) {
  (void)w;
  const size_t room = 59;
  flow_buf_reserve(b, room);
  char *p = b->data + b->length;
  p = flow_write_fixed(p, "{\"key\": \"", 9);
  p = flow_write_json_str(b, p, &x->f_key, room);
  p = flow_write_fixed(p, "\", \"count\": ", 12);
  p = flow_write_number(p, x->f_count);
  p = flow_write_fixed(p, "}\n", 2);
  b->length = (size_t)(p - b->data);
}

static enum flow_parse parse_words(struct flow_worker *w, struct flow_block *b, struct flow_str *out) {
  (void)w;
  struct flow_line line;
  if (FLOW_UNLIKELY(b->is_too_long)) return flow_line_too_long(b);
  flow_line_at(b, &line);
  if (FLOW_UNLIKELY(!flow_line_string(b, &line, out))) return flow_line_bad(b, &line);
  return flow_line_done(b, &line);
}


/* ==== Keyed state ==== */

/* state seen: Seen = one row per key */
struct S_words_seen {
  union {
    struct flow_entry entry;
    struct flow_timed_entry timed;
  };
  int64_t seen_us; /* the time of the last item */
  struct flow_str key;
  struct T_Seen value;
};

static inline bool row_has_key_words_seen(const struct flow_entry *row, const void *key) {
  return flow_str_equal(&((const struct S_words_seen *)row)->key, key);
}

static __attribute__((noinline)) struct S_words_seen *row_seek_words_seen(struct flow_worker *w, const struct flow_str *key, uint64_t hash, bool *is_new) {
  struct flow_table *t = &w->tables[0];
  struct S_words_seen *s = (struct S_words_seen *)flow_table_find(t, hash, key, row_has_key_words_seen);
  *is_new = s == NULL;
  if (s != NULL) return s;
  s = (struct S_words_seen *)flow_table_insert(t, hash);
  flow_str_copy(w->heap, &s->key, key);
  initial_words_seen(w, &s->value);
  flow_timer_begin(&s->entry);
  s->seen_us = INT64_MIN;
  return s;
}

FLOW_INLINE struct S_words_seen *row_find_words_seen(struct flow_worker *w, const struct flow_str *key, uint64_t hash, struct flow_entry *guess, bool *is_new) {
  if (!flow_table_is_guessed(guess, key, row_has_key_words_seen)) return row_seek_words_seen(w, key, hash, is_new);
  *is_new = false;
  return (struct S_words_seen *)guess;
}

static inline void row_drop_words_seen(struct flow_worker *w, struct S_words_seen *s) {
  flow_str_drop(w->heap, &s->key);
  (void)w, (void)s;
}

static inline void row_key_pack_words_seen(struct flow_buf *out, const struct flow_entry *row) {
  encode_string(out, &((const struct S_words_seen *)row)->key);
}

static inline void row_value_pack_words_seen(struct flow_buf *out, const struct flow_entry *row) {
  encode_T_Seen(out, &((const struct S_words_seen *)row)->value);
  flow_put_int(out, ((const struct S_words_seen *)row)->seen_us);
}

static void row_pack_words_seen(struct flow_table *t, struct flow_buf *out) {
  flow_table_pack(t, out, row_key_pack_words_seen, row_value_pack_words_seen);
}

static bool row_load_words_seen(struct flow_worker *w, uint64_t id,
                    const uint8_t *key_data, size_t key_length,
                    const uint8_t *value_data, size_t value_length) {
  struct flow_str loaded, *key = &loaded;
  const bool is_alone = w->share_count == 1;
  struct flow_mem *memory = is_alone ? w->heap : w->arena;
  struct flow_reader reader = flow_reader_of(key_data, key_length);
  if (!decode_string(memory, &reader, key) || !flow_reader_done(&reader)) return false;
  const uint64_t hash = flow_str_hash(w->tables[0].seed, key);
  const struct flow_share mine = flow_share_enter(w, hash);
  struct T_Seen value;
  reader = flow_reader_of(value_data, value_length);
  bool is_good = decode_T_Seen(w->heap, &reader, &value);
  const int64_t seen_us = flow_get_int(&reader);
  is_good = is_good && flow_reader_done(&reader);
  if (is_good) {
    struct S_words_seen *s = (struct S_words_seen *)flow_table_load(&w->tables[0], hash, id);
    s->key = loaded;
    if (!is_alone) flow_str_copy(w->heap, &s->key, key);
    s->value = value;
    s->seen_us = seen_us;
    flow_timer_begin(&s->entry);
  }
  flow_share_leave(w, mine);
  return is_good;
}

static int64_t due_words_seen(struct flow_worker *w, struct flow_entry *entry) {
  struct S_words_seen *s = (struct S_words_seen *)entry;
  int64_t due_us = flow_timer_after(s->seen_us, expires_words_seen(w));
  int64_t at_us;
  if (at_words_seen(w, &s->key, &s->value, &at_us) && at_us < due_us) due_us = at_us;
  return due_us;
}

static void on_at_row_words_seen(struct flow_worker *w, struct flow_entry *entry) {
  struct S_words_seen *s = (struct S_words_seen *)entry;
  flow_table_touch(&w->tables[0], &s->entry);
  if (!on_at_words_seen(w, &s->key, &s->value)) flow_abort_record(w);
  flow_timer_set(&w->tables[0], &s->entry, due_words_seen(w, &s->entry));
}

static void on_expire_row_words_seen(struct flow_worker *w, struct flow_entry *entry) {
  struct S_words_seen *s = (struct S_words_seen *)entry;
  if (!on_expire_words_seen(w, &s->key, &s->value)) flow_abort_record(w);
  flow_timer_end(&w->tables[0], &s->entry);
  row_drop_words_seen(w, s);
  flow_table_forget(&w->tables[0], &s->entry);
}

static void fire_words_seen(struct flow_worker *w, struct flow_entry *entry) {
  struct S_words_seen *s = (struct S_words_seen *)entry;
  int64_t at_us;
  bool has_at = at_words_seen(w, &s->key, &s->value, &at_us);
  if (has_at && at_us <= flow_timer_after(s->seen_us, expires_words_seen(w))) on_at_row_words_seen(w, entry);
  else on_expire_row_words_seen(w, entry);
}


/* ==== Fused stages: the way of a row from its source to its sinks ==== */

static void emit0_words_seen(struct flow_worker *w, const struct R_1 *it, const struct flow_str *key) {
  (void)key;
  print_stdout(w, flow_sink_row(w, 0), it);
}

FLOW_INLINE void stage_1_words_seen(struct flow_worker *w, const struct flow_str *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess) {
  /* 7: |> state seen: Seen expires ttl { */
  bool is_new;
  struct S_words_seen *s = row_find_words_seen(w, key, hash, guess, &is_new);
  (void)is_new;
  flow_table_touch(&w->tables[0], &s->entry);
  if (!x_words_seen(w, it, key, &s->value)) {
    flow_abort_record(w);
  }
  s->seen_us = w->now_us;
  flow_timer_set(&w->tables[0], &s->entry, due_words_seen(w, &s->entry));
}

static enum flow_run run_words(struct flow_worker *w, struct flow_block *block) {
  struct flow_str rows[FLOW_BATCH];
  while (block->cursor < block->end && block->records < block->budget) {
    enum flow_parse parsed = FLOW_PARSED;
    uint64_t room = block->budget - block->records;
    uint32_t limit = room < FLOW_BATCH ? (uint32_t)room : FLOW_BATCH, count = 0;
    while (count < limit && block->cursor < block->end) {
      parsed = parse_words(w, block, &rows[count]);
      if (parsed != FLOW_PARSED) break;
      count++;
    }
    /* Keys first, so that the table's memory is on its way when the rows come. */
    struct flow_table table = flow_table_view(&w->tables[0], sizeof(struct S_words_seen));
    if (w->share_count > 1) table.row_end = 0; /* other workers look up: fetch nothing */
    struct flow_str keys[FLOW_BATCH];
    uint64_t hashes[FLOW_BATCH];
    for (uint32_t i = 0; i < count; i++) {
      const struct flow_str *it = &rows[i];
      struct flow_str row1;
      x_words_key(w, it, &row1);
      keys[i] = row1;
      hashes[i] = flow_str_hash(table.seed, &keys[i]);
      flow_table_prefetch(&table, hashes[i]);
    }
    if (FLOW_LIKELY(w->share_count == 1)) {
      struct flow_entry *guesses[FLOW_BATCH];
      for (uint32_t i = 0; i < count; i++) guesses[i] = flow_table_guess(&table, hashes[i]);
      for (uint32_t i = 0; i < count; i++, w->record++) {
        stage_1_words_seen(w, &rows[i], &keys[i], hashes[i], guesses[i]);
      }
    } else {
      for (uint32_t i = 0; i < count; i++, w->record++) {
        cross_1_words_seen(w, &rows[i], &keys[i], hashes[i]);
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

static void take_1_words_seen(struct flow_worker *w, struct flow_inbox *inbox) {
  const struct flow_crossing *rows[FLOW_BATCH];
  for (uint32_t count; (count = flow_inbox_next(inbox, rows)) > 0;) {
    struct flow_table table = flow_table_view(&w->tables[0], sizeof(struct S_words_seen));
    for (uint32_t i = 0; i < count; i++) flow_table_prefetch(&table, rows[i]->hash);
    struct flow_entry *guesses[FLOW_BATCH];
    for (uint32_t i = 0; i < count; i++) guesses[i] = flow_table_guess(&table, rows[i]->hash);
    for (uint32_t i = 0; i < count; i++) {
      const struct X_1 *row = (const struct X_1 *)rows[i];
      flow_cross_enter(w, rows[i]);
      apply_1_words_seen(w, &row->it, &row->key, rows[i]->hash, guesses[i]);
    }
  }
}

static __attribute__((noinline)) void cross_1_words_seen(struct flow_worker *w, const struct flow_str *it, const struct flow_str *key, uint64_t hash) {
  if (w->lane == NULL) {
    const struct flow_share mine = flow_share_enter(w, hash);
    apply_1_words_seen(w, it, key, hash, NULL);
    flow_share_leave(w, mine);
    return;
  }
  struct X_1 *row = flow_cross(w, 0, hash, sizeof *row, 1);
  row->it = *it;
  row->key = *key;
}

static __attribute__((noinline)) void apply_1_words_seen(struct flow_worker *w, const struct flow_str *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess) {
  stage_1_words_seen(w, it, key, hash, guess);
}


/* ==== The program ==== */

static const struct flow_param params[] = {
  {.name = "ttl", .doc = NULL, .default_text = "10m", .kind = FLOW_PARAM_DURATION,
   .offset = offsetof(struct params, p_ttl), .has_offset = -1, .is_required = false,
   .variants = NULL},
};

static void default_params(void *params_to_fill) {
  struct params *p = params_to_fill;
  *p = (struct params){0};
  p->p_ttl = 600000000;
}

static const char *check_params(const struct flow_worker *worker, const void *values) {
  struct flow_worker copy = *worker, *w = &copy;
  w->params = values;
  if (!holds_0(w)) return "`--ttl`: `expires` must be more than 0s (deadlines.flow:7:31): a key would be dropped at once";
  return NULL;
}

static const struct flow_source_desc sources[] = {
  {.name = "words", .was = NULL, .site = &site_3,
   .connector = &flow_connector_stdin, .framing = FLOW_FRAMING_LINES,
   .has_header = false, .skips_blank = false,
   .poll_us = INT64_C(0), .item_name = "string", .on_fail = "stop",
   .location = NULL, .run = run_words},
};

static const struct flow_sink_desc sinks[] = {
  {.name = "stdout", .was = NULL, .site = &site_6,
   .connector = &flow_connector_stdout, .header = NULL,
   .location = NULL},
};

static const struct flow_state_desc states[] = {
  {.name = "seen", .was = NULL, .site = &site_4,
   .key_type = &schema_string, .value_type = &timed_words_seen,
   .row_size = sizeof(struct S_words_seen), .pack = row_pack_words_seen, .load = row_load_words_seen,
   .on_epoch = NULL, .on_end = NULL,
   .due = due_words_seen, .fire = fire_words_seen, .at_site = &site_5},
};

static const struct flow_exchange exchanges[] = {
  {.state = 0, .level = 1, .take = take_1_words_seen},
};

const struct flow_program flow_program = {
  .abi_version = FLOW_ABI_VERSION,
  .name = "deadlines", .file = "deadlines.flow", .doc = NULL,
  .compiler = "flowcc 0.1.0",
  .params_size = sizeof(struct params), .params = params, .param_count = 1,
  .default_params = default_params,
  .check_params = check_params,
  .sources = sources, .source_count = 1,
  .sinks = sinks, .sink_count = 1,
  .states = states, .state_count = 1,
  .exchanges = exchanges, .exchange_count = 1, .path_length = 1,
  .is_boundary_dependent = true,
};

int main(int argc, char **argv) {
  return flow_main(&flow_program, argc, argv);
}
