/* Written by flowcc from exchanges.flow. Edit that file, not this one. */
#include "flow/flow.h"

/* ==== Types ==== */

/* record Sale */
struct T_Sale {
  struct flow_str f_shop;
  struct flow_str f_item;
  int64_t f_cents;
};

/* { item: string, shops: int } */
struct R_1 {
  struct flow_str f_item;
  int64_t f_shops;
};

/* list[string] */
struct L_string {
  struct flow_str *far;
  uint32_t length, capacity;
};

/* { item: string, totals: int } */
struct R_2 {
  struct flow_str f_item;
  int64_t f_totals;
};


/* ==== What is done with values of these types ==== */

static inline void push_L_string(struct flow_mem *mem, struct L_string *xs, const struct flow_str *x) {
  if (flow_list_is_full(xs->length, xs->capacity, 0))
    xs->far = flow_list_grow(mem, xs->far, xs->length, &xs->capacity, sizeof *xs->far);
  flow_str_copy(mem, &xs->far[xs->length], x);
  xs->length++;
}

static inline void copy_L_string(struct flow_mem *mem, struct L_string *to, const struct L_string *from) {
  struct L_string copy = *from;
  if (from->length > 0) {
    copy.far = flow_mem_alloc(mem, from->length * sizeof *copy.far);
    copy.capacity = from->length;
    for (uint32_t i = 0; i < from->length; i++) flow_str_copy(mem, &copy.far[i], &from->far[i]);
  } else {
    copy.far = NULL;
    copy.capacity = 0;
  }
  *to = copy;
}

static inline void encode_string(struct flow_buf *b, const struct flow_str *x) {
  flow_put_bytes(b, flow_str_data(x), x->length);
}

static inline void encode_L_string(struct flow_buf *b, const struct L_string *x) {
  flow_put_varint(b, x->length);
  for (uint32_t i = 0; i < x->length; i++) encode_string(b, &x->far[i]);
}

static inline bool decode_string(struct flow_mem *mem, struct flow_reader *r, struct flow_str *x) {
  size_t length;
  const char *data = flow_get_bytes(r, &length);
  if (!r->ok || length > UINT32_MAX) return false;
  struct flow_str borrowed = flow_str_make(data, length);
  flow_str_copy(mem, x, &borrowed);
  return r->ok;
}

static inline struct L_string make_L_string(struct flow_mem *mem, uint32_t length) {
  struct L_string xs = {.length = length};
  if (length <= 0) return xs;
  xs.far = flow_mem_alloc(mem, length * sizeof *xs.far);
  xs.capacity = length;
  return xs;
}

static inline bool decode_L_string(struct flow_mem *mem, struct flow_reader *r, struct L_string *x) {
  uint64_t count = flow_get_count(r);
  if (!r->ok || count > FLOW_LIST_MAX) return false;
  *x = make_L_string(mem, (uint32_t)count);
  for (x->length = 0; x->length < count; x->length++) {
    if (!decode_string(mem, r, &x->far[x->length])) return false;
  }
  return true;
}

static inline void encode_int(struct flow_buf *b, const int64_t *x) {
  flow_put_int(b, *x);
}

static inline bool decode_int(struct flow_mem *mem, struct flow_reader *r, int64_t *x) {
  (void)mem;
  *x = flow_get_int(r);
  return r->ok;
}

static inline void copy_R_1(struct flow_mem *mem, struct R_1 *to, const struct R_1 *from) {
  flow_str_copy(mem, &to->f_item, &from->f_item);
  to->f_shops = from->f_shops;
}

static const struct flow_type schema_string = {.kind = FLOW_KIND_STRING};

static const struct flow_type schema_L_string = {.kind = FLOW_KIND_LIST, .element = &schema_string};

static const struct flow_type schema_int = {.kind = FLOW_KIND_INT};


/* ==== Places in the program, parameters, prototypes ==== */

static void stage_2_seen_items_merge(struct flow_worker *w, const struct T_Sale *it);
FLOW_INLINE void stage_3_seen_items_seen(struct flow_worker *w, const struct T_Sale *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess);
static void stage_4_seen_items_merge_2(struct flow_worker *w, const struct R_1 *it);
FLOW_INLINE void stage_5_seen_items_totals(struct flow_worker *w, const struct R_1 *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess);
static void emit0_seen_items_seen(struct flow_worker *w, const struct R_1 *it, const struct flow_str *key);
static void emit1_seen_items_seen(struct flow_worker *w, const struct R_1 *it, const struct flow_str *key);
static const struct flow_site site_1 = {"state totals", 19, 30, 15,
  "  |> state totals: int = 0 { totals += shops; emit { item: key, totals } }", NULL};
static void emit0_seen_items_totals(struct flow_worker *w, const struct R_2 *it, const struct flow_str *key);
static inline void enter_3_seen_items_seen(struct flow_worker *w, const struct T_Sale *it, const struct flow_str *key);
static inline void enter_5_seen_items_totals(struct flow_worker *w, const struct R_1 *it, const struct flow_str *key);
FLOW_INLINE void print_out(struct flow_worker *w, struct flow_buf *b, const struct R_2 *x);
struct X_3 {
  struct flow_crossing crossing;
  uint32_t path[1];
  struct T_Sale it;
  struct flow_str key;
};
static void take_3_seen_items_seen(struct flow_worker *w, struct flow_inbox *inbox);
static __attribute__((noinline)) void apply_3_seen_items_seen(struct flow_worker *w, const struct T_Sale *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess);
static __attribute__((noinline)) void cross_3_seen_items_seen(struct flow_worker *w, const struct T_Sale *it, const struct flow_str *key, uint64_t hash);
struct X_5 {
  struct flow_crossing crossing;
  uint32_t path[1];
  struct R_1 it;
  struct flow_str key;
};
static void take_5_seen_items_totals(struct flow_worker *w, struct flow_inbox *inbox);
static __attribute__((noinline)) void apply_5_seen_items_totals(struct flow_worker *w, const struct R_1 *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess);
static __attribute__((noinline)) void cross_5_seen_items_totals(struct flow_worker *w, const struct R_1 *it, const struct flow_str *key, uint64_t hash);
static const struct flow_site site_2 = {"source sales", 4, 8, 5,
  "source sales: Sale = file(\"sales.jsonl\", jsonl)", NULL};
static const struct flow_site site_3 = {"source late", 5, 8, 4,
  "source late: Sale  = file(\"late.jsonl\", jsonl)", NULL};
static const struct flow_site site_4 = {"state seen", 10, 3, 34,
  "  |> state seen: list[string] = [] {", NULL};
static const struct flow_site site_5 = {"state totals", 19, 3, 72,
  "  |> state totals: int = 0 { totals += shops; emit { item: key, totals } }", NULL};
static const struct flow_site site_6 = {"sink out", 6, 6, 3,
  "sink out           = file(\"out.jsonl\", jsonl) unordered", NULL};

/* ==== The program's own expressions and statements ==== */

#line 9 "exchanges.flow"
static inline void x_seen_items_key(struct flow_worker *w, const struct T_Sale *it, struct flow_str *out) { (void)w; *out = it->f_shop; }

#line 10 "exchanges.flow"
static inline void initial_seen_items_seen(struct flow_worker *w, struct L_string *out) { (void)w; struct L_string t1 = {0}; *out = t1; }

#line 10 "exchanges.flow"
FLOW_INLINE void x_seen_items_seen(struct flow_worker *w, const struct T_Sale *it, const struct flow_str *key, struct L_string *state) {
#line 11 "exchanges.flow"
  push_L_string(w->heap, state, &it->f_item);
  struct R_1 t1 = {.f_item = it->f_item, .f_shops = ((int64_t)state->length)}; emit0_seen_items_seen(w, &t1, key);
  if (it->f_cents < 0) {
#line 13 "exchanges.flow"
    struct R_1 t2 = {.f_item = it->f_item, .f_shops = 0}; emit1_seen_items_seen(w, &t2, key);
  }
}

#line 15 "exchanges.flow"
static inline void on_end_seen_items_seen(struct flow_worker *w, const struct flow_str *key, struct L_string *state) { struct R_1 t1 = {.f_item = (*key), .f_shops = ((int64_t)state->length)}; emit0_seen_items_seen(w, &t1, key); }

#line 18 "exchanges.flow"
static inline void x_seen_items_key_2(struct flow_worker *w, const struct R_1 *it, struct flow_str *out) { (void)w; *out = it->f_item; }

#line 19 "exchanges.flow"
static inline int64_t initial_seen_items_totals(struct flow_worker *w) { (void)w; return 0; }

#line 19 "exchanges.flow"
FLOW_INLINE bool x_seen_items_totals(struct flow_worker *w, const struct R_1 *it, const struct flow_str *key, int64_t *state) {
#line 19 "exchanges.flow"
  int64_t t1; if (__builtin_add_overflow((*state), it->f_shops, &t1)) return flow_fault_at(w, &site_1, "the sum overflows"); (*state) = t1;
#line 19 "exchanges.flow"
  struct R_2 t2 = {.f_item = (*key), .f_totals = (*state)}; emit0_seen_items_totals(w, &t2, key); return true;
}

#line 4 "exchanges.flow"
static inline void x_location_of_source_sales(struct flow_worker *w, struct flow_str *out) { (void)w; *out = (struct flow_str){.length = 11, .bytes = "sales.jsonl"}; }

#line 5 "exchanges.flow"
static inline void x_location_of_source_late(struct flow_worker *w, struct flow_str *out) { (void)w; *out = (struct flow_str){.length = 10, .bytes = "late.jsonl"}; }

#line 6 "exchanges.flow"
static inline void x_location_of_sink_out(struct flow_worker *w, struct flow_str *out) { (void)w; *out = (struct flow_str){.length = 9, .bytes = "out.jsonl"}; }

#line 201 "exchanges.c"

/* ==== Reading and writing records ==== */

static void print_out(struct flow_worker *w, struct flow_buf *b, const struct R_2 *x) {
  (void)w;
  const size_t room = 61;
  flow_buf_reserve(b, room);
  char *p = b->data + b->length;
  p = flow_write_fixed(p, "{\"item\": \"", 10);
  p = flow_write_json_str(b, p, &x->f_item, room);
  p = flow_write_fixed(p, "\", \"totals\": ", 13);
  p = flow_write_number(p, x->f_totals);
  p = flow_write_fixed(p, "}\n", 2);
  b->length = (size_t)(p - b->data);
}

static inline uint32_t field_T_Sale(const char *name, size_t length) {
  switch (length) {
    case 4:
      if (memcmp(name, "shop", 4) == 0) return 1;
      if (memcmp(name, "item", 4) == 0) return 2;
      return 0;
    case 5:
      if (memcmp(name, "cents", 5) == 0) return 3;
      return 0;
    default: return 0;
  }
}

static bool read_T_Sale(struct flow_worker *w, struct flow_json *j, struct T_Sale *x) {
  (void)w;
  uint64_t seen0 = 0;
  uint32_t at = 4, next, others = 0;
  enum flow_json_next more;
  struct flow_str decoded;
  const char *name;
  size_t length;
  _Static_assert(FLOW_GUESSES >= 30, "a block holds these guesses");
  struct flow_guess *guesses = j->guesses + 0;
  uint32_t wrong = 0;
  bool is_learning;
  const char *from;
  next = flow_json_follow(j, &guesses[at]);
  if (FLOW_UNLIKELY(next != 1)) goto other;
value_1: { /* shop */
  if (!flow_json_string(j, &x->f_shop)) return flow_json_in_field(j, "shop");
  seen0 |= UINT64_C(1) << 0;
  next = flow_json_follow(j, &guesses[1]);
  if (FLOW_UNLIKELY(next != 2)) {
    at = 1;
    goto other;
  }
  }
value_2: { /* item */
  if (!flow_json_string(j, &x->f_item)) return flow_json_in_field(j, "item");
  seen0 |= UINT64_C(1) << 1;
  next = flow_json_follow(j, &guesses[2]);
  if (FLOW_UNLIKELY(next != 3)) {
    at = 2;
    goto other;
  }
  }
value_3: { /* cents */
  if (!flow_json_int(j, &x->f_cents)) return flow_json_in_field(j, "cents");
  seen0 |= UINT64_C(1) << 2;
  next = flow_json_follow(j, &guesses[3]);
  if (FLOW_UNLIKELY(next != 5)) {
    at = 3;
    goto other;
  }
  }
  goto done;
other:
  switch (next) {
    case 0: break;
    case 1: goto value_1;
    case 2: goto value_2;
    case 3: goto value_3;
    case 5: goto done;
    default:
      flow_json_blanks(j);
      if (!flow_json_skip(j)) return false;
      others = (at = next) - 5;
      next = flow_json_follow(j, &guesses[at]);
      goto other;
  }
  is_learning = flow_json_learns(guesses);
  if (is_learning && (next = flow_json_follow(j, &guesses[guesses[at].next])) != 0)
    goto other;
  from = j->cursor;
  wrong++;
  more = flow_json_member(j, at == 4 ? "a Sale" : NULL, &decoded, &name, &length);
  if (more == FLOW_JSON_BAD) return false;
  if (more == FLOW_JSON_END) {
    next = 5;
  } else {
    next = field_T_Sale(name, length);
    if (next == 0) next = 6 + (others < 23 ? others : 23);
  }
  if (is_learning) flow_json_learn(j, &guesses[at], from, next);
  goto other;
done:
  if (FLOW_UNLIKELY(wrong >= FLOW_JSON_WRONG))
    flow_json_doubt(guesses, 30, 3 + others, wrong);
  if (FLOW_UNLIKELY(seen0 != UINT64_C(0x7))) {
    if (!(seen0 >> 0 & 1)) return flow_json_missing(j, "shop");
    if (!(seen0 >> 1 & 1)) return flow_json_missing(j, "item");
    if (!(seen0 >> 2 & 1)) return flow_json_missing(j, "cents");
  }
  return true;
}

static enum flow_parse parse_sales(struct flow_worker *w, struct flow_block *b, struct T_Sale *out) {
  struct flow_json json, *j = &json;
  if (FLOW_UNLIKELY(b->is_too_long)) return flow_line_too_long(b);
  if (FLOW_UNLIKELY(!flow_json_begin(w, b, j))) return FLOW_NO_RECORD;
  flow_json_blanks(j);
  if (FLOW_UNLIKELY(!read_T_Sale(w, j, out) || !flow_json_finish(j))) return flow_json_refused(b);
  return flow_json_done(b, j);
}

static enum flow_parse parse_late(struct flow_worker *w, struct flow_block *b, struct T_Sale *out) {
  struct flow_json json, *j = &json;
  if (FLOW_UNLIKELY(b->is_too_long)) return flow_line_too_long(b);
  if (FLOW_UNLIKELY(!flow_json_begin(w, b, j))) return FLOW_NO_RECORD;
  flow_json_blanks(j);
  if (FLOW_UNLIKELY(!read_T_Sale(w, j, out) || !flow_json_finish(j))) return flow_json_refused(b);
  return flow_json_done(b, j);
}


/* ==== Keyed state ==== */

/* state seen: list[string] = one row per key */
struct S_seen_items_seen {
  struct flow_entry entry;
  struct flow_str key;
  struct L_string value;
};

static inline bool row_has_key_seen_items_seen(const struct flow_entry *row, const void *key) {
  return flow_str_equal(&((const struct S_seen_items_seen *)row)->key, key);
}

static __attribute__((noinline)) struct S_seen_items_seen *row_seek_seen_items_seen(struct flow_worker *w, const struct flow_str *key, uint64_t hash, bool *is_new) {
  struct flow_table *t = &w->tables[0];
  struct S_seen_items_seen *s = (struct S_seen_items_seen *)flow_table_find(t, hash, key, row_has_key_seen_items_seen);
  *is_new = s == NULL;
  if (s != NULL) return s;
  s = (struct S_seen_items_seen *)flow_table_insert(t, hash);
  flow_str_copy(w->heap, &s->key, key);
  struct L_string initial;
  initial_seen_items_seen(w, &initial);
  copy_L_string(w->heap, &s->value, &initial);
  return s;
}

FLOW_INLINE struct S_seen_items_seen *row_find_seen_items_seen(struct flow_worker *w, const struct flow_str *key, uint64_t hash, struct flow_entry *guess, bool *is_new) {
  if (!flow_table_is_guessed_for_ever(guess, key, row_has_key_seen_items_seen)) return row_seek_seen_items_seen(w, key, hash, is_new);
  *is_new = false;
  return (struct S_seen_items_seen *)guess;
}

static inline void row_key_pack_seen_items_seen(struct flow_buf *out, const struct flow_entry *row) {
  encode_string(out, &((const struct S_seen_items_seen *)row)->key);
}

static inline void row_value_pack_seen_items_seen(struct flow_buf *out, const struct flow_entry *row) {
  encode_L_string(out, &((const struct S_seen_items_seen *)row)->value);
}

static void row_pack_seen_items_seen(struct flow_table *t, struct flow_buf *out) {
  flow_table_pack(t, out, row_key_pack_seen_items_seen, row_value_pack_seen_items_seen);
}

static bool row_load_seen_items_seen(struct flow_worker *w, uint64_t id,
                    const uint8_t *key_data, size_t key_length,
                    const uint8_t *value_data, size_t value_length) {
  struct flow_str loaded, *key = &loaded;
  const bool is_alone = w->share_count == 1;
  struct flow_mem *memory = is_alone ? w->heap : w->arena;
  struct flow_reader reader = flow_reader_of(key_data, key_length);
  if (!decode_string(memory, &reader, key) || !flow_reader_done(&reader)) return false;
  const uint64_t hash = flow_str_hash(w->tables[0].seed, key);
  const struct flow_share mine = flow_share_enter(w, hash);
  struct L_string value;
  reader = flow_reader_of(value_data, value_length);
  const bool is_good = decode_L_string(w->heap, &reader, &value) && flow_reader_done(&reader);
  if (is_good) {
    struct S_seen_items_seen *s = (struct S_seen_items_seen *)flow_table_load(&w->tables[0], hash, id);
    s->key = loaded;
    if (!is_alone) flow_str_copy(w->heap, &s->key, key);
    s->value = value;
  }
  flow_share_leave(w, mine);
  return is_good;
}

static void on_end_row_seen_items_seen(struct flow_worker *w, struct flow_entry *entry) {
  struct S_seen_items_seen *s = (struct S_seen_items_seen *)entry;
  on_end_seen_items_seen(w, &s->key, &s->value);
}

/* state totals: int = one row per key */
struct S_seen_items_totals {
  struct flow_entry entry;
  struct flow_str key;
  int64_t value;
};

static inline bool row_has_key_seen_items_totals(const struct flow_entry *row, const void *key) {
  return flow_str_equal(&((const struct S_seen_items_totals *)row)->key, key);
}

static __attribute__((noinline)) struct S_seen_items_totals *row_seek_seen_items_totals(struct flow_worker *w, const struct flow_str *key, uint64_t hash, bool *is_new) {
  struct flow_table *t = &w->tables[1];
  struct S_seen_items_totals *s = (struct S_seen_items_totals *)flow_table_find(t, hash, key, row_has_key_seen_items_totals);
  *is_new = s == NULL;
  if (s != NULL) return s;
  s = (struct S_seen_items_totals *)flow_table_insert(t, hash);
  flow_str_copy(w->heap, &s->key, key);
  s->value = initial_seen_items_totals(w);
  return s;
}

FLOW_INLINE struct S_seen_items_totals *row_find_seen_items_totals(struct flow_worker *w, const struct flow_str *key, uint64_t hash, struct flow_entry *guess, bool *is_new) {
  if (!flow_table_is_guessed_for_ever(guess, key, row_has_key_seen_items_totals)) return row_seek_seen_items_totals(w, key, hash, is_new);
  *is_new = false;
  return (struct S_seen_items_totals *)guess;
}

static inline void row_key_pack_seen_items_totals(struct flow_buf *out, const struct flow_entry *row) {
  encode_string(out, &((const struct S_seen_items_totals *)row)->key);
}

static inline void row_value_pack_seen_items_totals(struct flow_buf *out, const struct flow_entry *row) {
  encode_int(out, &((const struct S_seen_items_totals *)row)->value);
}

static void row_pack_seen_items_totals(struct flow_table *t, struct flow_buf *out) {
  flow_table_pack(t, out, row_key_pack_seen_items_totals, row_value_pack_seen_items_totals);
}

static bool row_load_seen_items_totals(struct flow_worker *w, uint64_t id,
                    const uint8_t *key_data, size_t key_length,
                    const uint8_t *value_data, size_t value_length) {
  struct flow_str loaded, *key = &loaded;
  const bool is_alone = w->share_count == 1;
  struct flow_mem *memory = is_alone ? w->heap : w->arena;
  struct flow_reader reader = flow_reader_of(key_data, key_length);
  if (!decode_string(memory, &reader, key) || !flow_reader_done(&reader)) return false;
  const uint64_t hash = flow_str_hash(w->tables[1].seed, key);
  const struct flow_share mine = flow_share_enter(w, hash);
  int64_t value;
  reader = flow_reader_of(value_data, value_length);
  const bool is_good = decode_int(w->heap, &reader, &value) && flow_reader_done(&reader);
  if (is_good) {
    struct S_seen_items_totals *s = (struct S_seen_items_totals *)flow_table_load(&w->tables[1], hash, id);
    s->key = loaded;
    if (!is_alone) flow_str_copy(w->heap, &s->key, key);
    s->value = value;
  }
  flow_share_leave(w, mine);
  return is_good;
}


/* ==== Fused stages: the way of a row from its source to its sinks ==== */

static void stage_2_seen_items_merge(struct flow_worker *w, const struct T_Sale *it) {
  /* 9: |> key by shop */
  struct flow_str row1;
  x_seen_items_key(w, it, &row1);
  enter_3_seen_items_seen(w, it, &row1);
}

static void emit0_seen_items_seen(struct flow_worker *w, const struct R_1 *it, const struct flow_str *key) {
  (void)key;
  stage_4_seen_items_merge_2(w, it);
}

FLOW_INLINE void emit1_seen_items_seen(struct flow_worker *w, const struct R_1 *it, const struct flow_str *key) {
  (void)key;
  stage_4_seen_items_merge_2(w, it);
}

FLOW_INLINE void stage_3_seen_items_seen(struct flow_worker *w, const struct T_Sale *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess) {
  /* 10: |> state seen: list[string] = [] { */
  bool is_new;
  struct S_seen_items_seen *s = row_find_seen_items_seen(w, key, hash, guess, &is_new);
  (void)is_new;
  flow_table_touch(&w->tables[0], &s->entry);
  x_seen_items_seen(w, it, key, &s->value);
}

static void stage_4_seen_items_merge_2(struct flow_worker *w, const struct R_1 *it) {
  /* 18: |> key by item */
  struct flow_str row2;
  x_seen_items_key_2(w, it, &row2);
  enter_5_seen_items_totals(w, it, &row2);
}

FLOW_INLINE void emit0_seen_items_totals(struct flow_worker *w, const struct R_2 *it, const struct flow_str *key) {
  (void)key;
  print_out(w, flow_sink_row(w, 0), it);
}

FLOW_INLINE void stage_5_seen_items_totals(struct flow_worker *w, const struct R_1 *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess) {
  /* 19: |> state totals: int = 0 { totals += shops; emit { item: key, totals } … */
  bool is_new;
  struct S_seen_items_totals *s = row_find_seen_items_totals(w, key, hash, guess, &is_new);
  (void)is_new;
  flow_table_touch(&w->tables[1], &s->entry);
  if (!x_seen_items_totals(w, it, key, &s->value)) {
    flow_abort_record(w);
  }
}

static enum flow_run run_sales(struct flow_worker *w, struct flow_block *block) {
  struct T_Sale rows[FLOW_BATCH];
  while (block->cursor < block->end && block->records < block->budget) {
    enum flow_parse parsed = FLOW_PARSED;
    uint64_t room = block->budget - block->records;
    uint32_t limit = room < FLOW_BATCH ? (uint32_t)room : FLOW_BATCH, count = 0;
    while (count < limit && block->cursor < block->end) {
      parsed = parse_sales(w, block, &rows[count]);
      if (parsed != FLOW_PARSED) break;
      count++;
    }
    for (uint32_t i = 0; i < count; i++) {
      const struct T_Sale *it = &rows[i];
      stage_2_seen_items_merge(w, it);
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

static enum flow_run run_late(struct flow_worker *w, struct flow_block *block) {
  struct T_Sale rows[FLOW_BATCH];
  while (block->cursor < block->end && block->records < block->budget) {
    enum flow_parse parsed = FLOW_PARSED;
    uint64_t room = block->budget - block->records;
    uint32_t limit = room < FLOW_BATCH ? (uint32_t)room : FLOW_BATCH, count = 0;
    while (count < limit && block->cursor < block->end) {
      parsed = parse_late(w, block, &rows[count]);
      if (parsed != FLOW_PARSED) break;
      count++;
    }
    for (uint32_t i = 0; i < count; i++) {
      const struct T_Sale *it = &rows[i];
      stage_2_seen_items_merge(w, it);
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

static void take_3_seen_items_seen(struct flow_worker *w, struct flow_inbox *inbox) {
  const struct flow_crossing *rows[FLOW_BATCH];
  for (uint32_t count; (count = flow_inbox_next(inbox, rows)) > 0;) {
    struct flow_table table = flow_table_view(&w->tables[0], sizeof(struct S_seen_items_seen));
    for (uint32_t i = 0; i < count; i++) flow_table_prefetch(&table, rows[i]->hash);
    struct flow_entry *guesses[FLOW_BATCH];
    for (uint32_t i = 0; i < count; i++) guesses[i] = flow_table_guess(&table, rows[i]->hash);
    for (uint32_t i = 0; table.row_end >= FLOW_TABLE_CACHED && i < count; i++) {
      if (guesses[i] == NULL) continue;
      const struct S_seen_items_seen *s = (struct S_seen_items_seen *)guesses[i];
      __builtin_prefetch(s->value.far);
    }
    for (uint32_t i = 0; i < count; i++) {
      const struct X_3 *row = (const struct X_3 *)rows[i];
      flow_cross_enter(w, rows[i]);
      apply_3_seen_items_seen(w, &row->it, &row->key, rows[i]->hash, guesses[i]);
    }
  }
}

static inline void enter_3_seen_items_seen(struct flow_worker *w, const struct T_Sale *it, const struct flow_str *key) {
  const uint64_t hash = flow_str_hash(w->tables[0].seed, key);
  if (FLOW_LIKELY(w->share_count == 1)) {
    stage_3_seen_items_seen(w, it, key, hash, NULL);
  } else {
    cross_3_seen_items_seen(w, it, key, hash);
  }
}

static __attribute__((noinline)) void cross_3_seen_items_seen(struct flow_worker *w, const struct T_Sale *it, const struct flow_str *key, uint64_t hash) {
  if (w->lane == NULL) {
    const struct flow_share mine = flow_share_enter(w, hash);
    apply_3_seen_items_seen(w, it, key, hash, NULL);
    flow_share_leave(w, mine);
    return;
  }
  struct X_3 *row = flow_cross(w, 0, hash, sizeof *row, 2);
  row->it = *it;
  row->key = *key;
}

static __attribute__((noinline)) void apply_3_seen_items_seen(struct flow_worker *w, const struct T_Sale *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess) {
  stage_3_seen_items_seen(w, it, key, hash, guess);
}

static void take_5_seen_items_totals(struct flow_worker *w, struct flow_inbox *inbox) {
  const struct flow_crossing *rows[FLOW_BATCH];
  for (uint32_t count; (count = flow_inbox_next(inbox, rows)) > 0;) {
    struct flow_table table = flow_table_view(&w->tables[1], sizeof(struct S_seen_items_totals));
    for (uint32_t i = 0; i < count; i++) flow_table_prefetch(&table, rows[i]->hash);
    struct flow_entry *guesses[FLOW_BATCH];
    for (uint32_t i = 0; i < count; i++) guesses[i] = flow_table_guess(&table, rows[i]->hash);
    for (uint32_t i = 0; i < count; i++) {
      const struct X_5 *row = (const struct X_5 *)rows[i];
      flow_cross_enter(w, rows[i]);
      apply_5_seen_items_totals(w, &row->it, &row->key, rows[i]->hash, guesses[i]);
    }
  }
}

static inline void enter_5_seen_items_totals(struct flow_worker *w, const struct R_1 *it, const struct flow_str *key) {
  const uint64_t hash = flow_str_hash(w->tables[1].seed, key);
  if (FLOW_LIKELY(w->share_count == 1)) {
    stage_5_seen_items_totals(w, it, key, hash, NULL);
  } else {
    cross_5_seen_items_totals(w, it, key, hash);
  }
}

static __attribute__((noinline)) void cross_5_seen_items_totals(struct flow_worker *w, const struct R_1 *it, const struct flow_str *key, uint64_t hash) {
  if (w->lane == NULL) {
    const struct flow_share mine = flow_share_enter(w, hash);
    apply_5_seen_items_totals(w, it, key, hash, NULL);
    flow_share_leave(w, mine);
    return;
  }
  struct X_5 *row = flow_cross(w, 1, hash, sizeof *row, 2);
  copy_R_1(w->arena, &row->it, it);
  flow_str_copy(w->arena, &row->key, key);
}

static __attribute__((noinline)) void apply_5_seen_items_totals(struct flow_worker *w, const struct R_1 *it, const struct flow_str *key, uint64_t hash, struct flow_entry *guess) {
  stage_5_seen_items_totals(w, it, key, hash, guess);
}


/* ==== The program ==== */

static const char *const columns_of_sales[] = {"shop", "item", "cents", };
static const bool required_of_sales[] = {true, true, true, };

static struct flow_str location_of_source_sales(const struct flow_worker *worker) {
  struct flow_worker w = *worker;
  struct flow_str location;
  x_location_of_source_sales(&w, &location);
  return location;
}

static const char *const columns_of_late[] = {"shop", "item", "cents", };
static const bool required_of_late[] = {true, true, true, };

static struct flow_str location_of_source_late(const struct flow_worker *worker) {
  struct flow_worker w = *worker;
  struct flow_str location;
  x_location_of_source_late(&w, &location);
  return location;
}

static struct flow_str location_of_sink_out(const struct flow_worker *worker) {
  struct flow_worker w = *worker;
  struct flow_str location;
  x_location_of_sink_out(&w, &location);
  return location;
}

static const struct flow_source_desc sources[] = {
  {.name = "sales", .was = NULL, .site = &site_2,
   .connector = &flow_connector_file, .framing = FLOW_FRAMING_LINES,
   .has_header = false, .skips_blank = true,
   .columns = columns_of_sales, .is_required = required_of_sales, .column_count = 3,
   .poll_us = INT64_C(0), .item_name = "Sale", .on_fail = "stop",
   .location = location_of_source_sales, .run = run_sales},
  {.name = "late", .was = NULL, .site = &site_3,
   .connector = &flow_connector_file, .framing = FLOW_FRAMING_LINES,
   .has_header = false, .skips_blank = true,
   .columns = columns_of_late, .is_required = required_of_late, .column_count = 3,
   .poll_us = INT64_C(0), .item_name = "Sale", .on_fail = "stop",
   .location = location_of_source_late, .run = run_late},
};

static const struct flow_sink_desc sinks[] = {
  {.name = "out", .was = NULL, .site = &site_6,
   .connector = &flow_connector_file, .header = NULL,
   .is_unordered = true,
   .location = location_of_sink_out},
};

static const struct flow_state_desc states[] = {
  {.name = "seen", .was = NULL, .site = &site_4,
   .key_type = &schema_string, .value_type = &schema_L_string,
   .row_size = sizeof(struct S_seen_items_seen), .pack = row_pack_seen_items_seen, .load = row_load_seen_items_seen,
   .on_epoch = NULL, .on_end = on_end_row_seen_items_seen},
  {.name = "totals", .was = NULL, .site = &site_5,
   .key_type = &schema_string, .value_type = &schema_int,
   .row_size = sizeof(struct S_seen_items_totals), .pack = row_pack_seen_items_totals, .load = row_load_seen_items_totals,
   .on_epoch = NULL, .on_end = NULL},
};

static const struct flow_exchange exchanges[] = {
  {.state = 0, .level = 1, .take = take_3_seen_items_seen},
  {.state = 1, .level = 2, .take = take_5_seen_items_totals},
};

const struct flow_program flow_program = {
  .abi_version = FLOW_ABI_VERSION,
  .name = "exchanges", .file = "exchanges.flow", .doc = NULL,
  .compiler = "flowcc 0.1.0",
  .sources = sources, .source_count = 2,
  .sinks = sinks, .sink_count = 1,
  .states = states, .state_count = 2,
  .exchanges = exchanges, .exchange_count = 2, .path_length = 2,
  .is_boundary_dependent = false,
};

int main(int argc, char **argv) {
  return flow_main(&flow_program, argc, argv);
}
