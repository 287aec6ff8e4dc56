/* Tables of keyed state against a simple model: changes, epochs, packed entries, order. */
#include "value_fixture.h"

#include "flow/state.h"

struct row {
  struct flow_entry entry;
  int64_t key, value;
};

static bool row_has_key(const struct flow_entry *entry, const void *key) {
  return ((const struct row *)entry)->key == *(const int64_t *)key;
}

static void encode_key(struct flow_buf *b, const struct flow_entry *entry) {
  flow_put_int(b, ((const struct row *)entry)->key);
}

static void encode_value(struct flow_buf *b, const struct flow_entry *entry) {
  flow_put_int(b, ((const struct row *)entry)->value);
}

static uint64_t hash_of(const struct flow_table *t, int64_t key) {
  /* Few different tags, so that probing and comparing are put to work. */
  return flow_int_hash(t->seed, &key) & ~(UINT64_C(0xffffff) << 32);
}

static struct row *find(const struct flow_table *t, int64_t key) {
  return (struct row *)flow_table_find(t, hash_of(t, key), &key, row_has_key);
}

static struct row *insert(struct flow_table *t, int64_t key, int64_t value) {
  struct row *row = (struct row *)flow_table_insert(t, hash_of(t, key));
  row->key = key;
  row->value = value;
  return row;
}

/* -- the model ------------------------------------------------------------------------------- */

enum { KEYS = 700, IDS = 400000 };

/* What is true of each key, and, for the store's side, of each id. */
struct model {
  bool is_there[KEYS];
  uint64_t id[KEYS];
  int64_t value[KEYS];
  bool is_saved[IDS];
  int64_t saved_key[IDS], saved_value[IDS];
};

static struct model model;

static void check_table(const struct flow_table *t) {
  uint32_t count = 0;
  for (int64_t key = 0; key < KEYS; key++) {
    const struct row *row = find(t, key);
    assert_int_equal(row != NULL, model.is_there[key]);
    if (row == NULL) continue;
    count++;
    assert_int_equal(row->entry.id, model.id[key]);
    assert_int_equal(row->value, model.value[key]);
  }
  assert_int_equal(t->row_count, count);
}

/* Applies packed entries to the saved side, as the store would. */
static void apply(const struct flow_buf *packed) {
  struct flow_reader r = flow_reader_of(packed->data, packed->length);
  while (!flow_reader_done(&r)) {
    uint64_t id = flow_get_varint(&r);
    uint8_t flags = flow_get_byte(&r);
    assert_true(r.ok && id < IDS);
    if ((flags & FLOW_DELTA_TOMBSTONE) != 0) {
      assert_true(model.is_saved[id]);
      model.is_saved[id] = false;
      continue;
    }
    size_t length;
    assert_int_equal((flags & FLOW_DELTA_KEY) != 0, !model.is_saved[id]);
    if ((flags & FLOW_DELTA_KEY) != 0) {
      struct flow_reader key = flow_reader_of(flow_get_bytes(&r, &length), 0);
      key.end = key.p + length;
      model.saved_key[id] = flow_get_int(&key);
      assert_true(flow_reader_done(&key));
    }
    struct flow_reader value = flow_reader_of(flow_get_bytes(&r, &length), 0);
    value.end = value.p + length;
    model.saved_value[id] = flow_get_int(&value);
    assert_true(flow_reader_done(&value));
    model.is_saved[id] = true;
  }
}

static void check_saved(void) {
  uint32_t live = 0, saved = 0;
  for (int64_t key = 0; key < KEYS; key++) {
    if (!model.is_there[key]) continue;
    live++;
    uint64_t id = model.id[key];
    assert_true(model.is_saved[id]);
    assert_int_equal(model.saved_key[id], key);
    assert_int_equal(model.saved_value[id], model.value[key]);
  }
  for (uint64_t id = 0; id < IDS; id++) saved += model.is_saved[id];
  assert_int_equal(saved, live);
}

static void check_order(const struct flow_table *t) {
  struct flow_entry **rows = flow_table_sorted(t);
  for (uint32_t i = 0; i < t->row_count; i++) {
    assert_true(i == 0 || rows[i - 1]->id < rows[i]->id);
    assert_ptr_equal(rows[i], find(t, ((struct row *)rows[i])->key));
  }
  flow_table_sorted_free(t, rows);
}

static void end_epoch(struct flow_table *t) {
  struct flow_buf packed = {0};
  flow_table_pack(t, &packed, encode_key, encode_value);
  apply(&packed);
  flow_buf_free(&packed);
  assert_int_equal(t->touched_count, 0);
  check_saved();
}

static void step(struct flow_table *t, struct random *r, int64_t value) {
  int64_t key = (int64_t)random_below(r, KEYS);
  struct row *row = find(t, key);
  uint64_t what = random_below(r, 100);
  if (row == NULL && what < 15) { /* an item that fails */
    uint64_t next_id = t->next_id;
    flow_table_undo_insert(t, &insert(t, key, value)->entry);
    assert_int_equal(t->next_id, next_id);
  } else if (row == NULL) {
    row = insert(t, key, value);
    model.is_there[key] = true;
    model.id[key] = row->entry.id;
    model.value[key] = value;
  } else if (what < 40) {
    flow_table_forget(t, &row->entry);
    model.is_there[key] = false;
  } else {
    row->value = model.value[key] = value;
    flow_table_touch(t, &row->entry);
  }
}

static void behaves_as_the_model(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_table t;
  flow_table_init(&t, &c.sys, sizeof(struct row), 42);
  struct random r = {77};
  memset(&model, 0, sizeof model);
  for (int64_t i = 1; i <= 200000; i++) {
    step(&t, &r, i);
    if (random_below(&r, 300) == 0) end_epoch(&t);
    if (i % 1000 == 0) {
      check_table(&t);
      check_order(&t);
    }
  }
  end_epoch(&t);
  flow_table_free(&t);
  assert_int_equal(c.live, 0);
}

/* A table loaded from what was saved goes on with the same rows and with greater ids. */
static void loads_what_was_saved(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_table t;
  flow_table_init(&t, &c.sys, sizeof(struct row), 43);
  uint64_t last = 0;
  for (uint64_t id = 0; id < IDS; id++) {
    if (!model.is_saved[id]) continue;
    int64_t key = model.saved_key[id];
    struct row *row = (struct row *)flow_table_load(&t, hash_of(&t, key), id);
    row->key = key;
    row->value = model.saved_value[id];
    last = id;
  }
  flow_table_loaded(&t, last + 100);
  assert_int_equal(t.touched_count, 0);
  check_table(&t);
  check_order(&t);
  struct row *row = insert(&t, KEYS + 1, 5);
  assert_int_equal(row->entry.id, last + 100);
  struct flow_buf packed = {0};
  flow_table_pack(&t, &packed, encode_key, encode_value);
  struct flow_reader reader = flow_reader_of(packed.data, packed.length);
  assert_int_equal(flow_get_varint(&reader), last + 100);
  assert_int_equal(flow_get_byte(&reader), FLOW_DELTA_KEY);
  flow_buf_free(&packed);
  flow_table_clear(&t);
  assert_null(find(&t, KEYS + 1));
  assert_int_equal(insert(&t, 1, 1)->entry.id, 0);
  flow_table_free(&t);
  assert_int_equal(c.live, 0);
}

/* -- single rules ---------------------------------------------------------------------------- */

static void touched_rows_keep_the_order_of_first_touch(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_table t;
  flow_table_init(&t, &c.sys, sizeof(struct row), 1);
  for (int64_t key = 0; key < 6; key++) insert(&t, key, 0);
  flow_table_epoch_reset(&t);
  static const int64_t touches[] = {4, 2, 4, 5, 2, 0};
  for (size_t i = 0; i < 6; i++) flow_table_touch(&t, &find(&t, touches[i])->entry);
  flow_table_forget(&t, &find(&t, 2)->entry); /* touched before: a tombstone in its place */
  flow_table_forget(&t, &find(&t, 1)->entry); /* first touched by this */
  insert(&t, 2, 9);                           /* the same key is a new row */
  insert(&t, 7, 1);
  flow_table_forget(&t, &find(&t, 7)->entry); /* came and went */
  insert(&t, 8, 1);

  static const int64_t left[] = {4, -1, 5, 0, -1, 2, 8};
  assert_int_equal(t.touched_count, 7);
  for (size_t i = 0; i < t.touched_count; i++) {
    const struct row *row = (const struct row *)flow_table_touched(&t, i);
    if (left[i] < 0)
      assert_null(row);
    else
      assert_int_equal(row->key, left[i]);
  }
  struct flow_buf packed = {0};
  flow_table_pack(&t, &packed, encode_key, encode_value);
  struct flow_reader r = flow_reader_of(packed.data, packed.length);
  static const uint64_t ids[] = {4, 2, 5, 0, 1, 6, 8};
  static const uint8_t flags[] = {0, 2, 0, 0, 2, 1, 1};
  for (size_t i = 0; i < 7; i++) {
    size_t length;
    assert_int_equal(flow_get_varint(&r), ids[i]);
    assert_int_equal(flow_get_byte(&r), flags[i]);
    if ((flags[i] & FLOW_DELTA_KEY) != 0) flow_get_bytes(&r, &length);
    if ((flags[i] & FLOW_DELTA_TOMBSTONE) == 0) flow_get_bytes(&r, &length);
  }
  assert_true(flow_reader_done(&r));
  flow_buf_free(&packed);
  flow_table_free(&t);
}

/* Tombstones, then live rows by their numbers; what came and went is not there. */
static void lined_up_rows_are_in_order(void **state) {
  (void)state;
  enum { ROWS = 20000, STEP = 7919 };
  struct counting_sys c = counting_sys();
  struct flow_table t;
  flow_table_init(&t, &c.sys, sizeof(struct row), 1);
  for (int64_t key = 0; key < ROWS; key++) insert(&t, key, 0);
  flow_table_epoch_reset(&t);
  for (int64_t i = 0; i < ROWS; i++) {
    int64_t key = i * STEP % ROWS;
    if (key % 3 != 0) flow_table_touch(&t, &find(&t, key)->entry);
    if (key % 100 == 1) flow_table_forget(&t, &find(&t, key)->entry);
    if (key % 100 == 2) {
      insert(&t, ROWS + key, 1);
      flow_table_forget(&t, &find(&t, ROWS + key)->entry);
    }
  }
  insert(&t, 2 * ROWS, 1);
  flow_table_line_up(&t);

  size_t tombstones = 0;
  for (; flow_table_touched(&t, tombstones) == NULL; tombstones++) continue;
  assert_int_equal(tombstones, ROWS / 100);
  assert_int_equal(t.touched_count, ROWS - (ROWS + 2) / 3 + ROWS / 300 + 1);
  for (size_t i = tombstones + 1; i < t.touched_count; i++) {
    assert_non_null(flow_table_touched(&t, i));
    assert_true(t.touched[i - 1] < t.touched[i]);
  }
  struct flow_buf packed = {0};
  flow_table_pack(&t, &packed, encode_key, encode_value);
  flow_buf_free(&packed);
  assert_int_equal(t.touched_count, 0);
  flow_table_touch(&t, &find(&t, 5)->entry); /* as any row in the next epoch */
  assert_int_equal(t.touched_count, 1);
  flow_table_free(&t);
  assert_int_equal(c.live, 0);
}

static void rows_stay_where_they_are(void **state) {
  (void)state;
  enum { ROWS = 200000 };
  struct counting_sys c = counting_sys();
  struct flow_table t;
  flow_table_init(&t, &c.sys, sizeof(struct row), 99);
  static struct row *rows[ROWS];
  for (int64_t key = 0; key < ROWS; key++) {
    struct row *row = (struct row *)flow_table_insert(&t, flow_int_hash(t.seed, &key));
    rows[key] = row;
    row->key = key;
  }
  for (int64_t key = 0; key < ROWS; key++) {
    uint64_t hash = flow_int_hash(t.seed, &key);
    flow_table_prefetch(&t, hash);
    struct flow_entry *guess = flow_table_guess(&t, hash);
    struct flow_entry *found = flow_table_find(&t, hash, &key, row_has_key);
    assert_ptr_equal(found, rows[key]);
    /* Two of so many keys may have the same upper half of their hashes. */
    assert_true(guess == found ? flow_table_is_guessed(guess, &key, row_has_key)
                               : guess != NULL && !flow_table_is_guessed(guess, &key, row_has_key));
  }
  assert_true(flow_table_bytes(&t) < ROWS * (sizeof(struct row) + 8 + 32));
  flow_table_free(&t);
}

/* A guess that was made before its row was forgotten, or went to another key, is none. */
static void guesses_are_confirmed(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_table t;
  flow_table_init(&t, &c.sys, sizeof(struct row), 11);
  int64_t key = 7, other = 8;
  assert_null(flow_table_first(&t));
  assert_false(flow_table_is_guessed(NULL, &key, row_has_key));
  assert_null(flow_table_guess(&t, hash_of(&t, key)));
  insert(&t, key, 1);
  struct flow_entry *guess = flow_table_guess(&t, hash_of(&t, key));
  assert_ptr_equal(flow_table_first(&t), guess);
  assert_true(flow_table_is_guessed(guess, &key, row_has_key));
  assert_false(flow_table_is_guessed(guess, &other, row_has_key));
  flow_table_forget(&t, guess);
  assert_false(flow_table_is_guessed(guess, &key, row_has_key));
  insert(&t, other, 2);
  assert_ptr_equal(find(&t, other), guess);
  assert_false(flow_table_is_guessed(guess, &key, row_has_key));
  assert_true(flow_table_is_guessed(guess, &other, row_has_key));
  flow_table_free(&t);
}

/* Keys that come and go within one epoch must not fill the memory. */
static void passing_rows_leave_nothing(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_table t;
  flow_table_init(&t, &c.sys, sizeof(struct row), 3);
  insert(&t, 0, 0);
  for (int64_t key = 1; key < 100000; key++) {
    insert(&t, key, key);
    flow_table_forget(&t, &find(&t, key - 1)->entry);
  }
  assert_int_equal(t.row_count, 1);
  assert_true(t.touched_capacity <= 64);
  struct flow_buf packed = {0};
  flow_table_pack(&t, &packed, encode_key, encode_value);
  assert_true(packed.length < 20);
  flow_buf_free(&packed);
  flow_table_free(&t);
}

static void many_rows_are_loaded(void **state) {
  (void)state;
  enum { ROWS = 100000 };
  struct counting_sys c = counting_sys();
  struct flow_table t;
  flow_table_init(&t, &c.sys, sizeof(struct row), 8);
  for (int64_t key = 0; key < ROWS; key++) {
    uint64_t hash = flow_int_hash(t.seed, &key);
    ((struct row *)flow_table_load(&t, hash, (uint64_t)key * 3))->key = key;
  }
  flow_table_loaded(&t, 0);
  assert_int_equal(t.next_id, (ROWS - 1) * 3 + 1);
  for (int64_t key = 0; key < ROWS; key++) {
    const struct row *row =
        (const struct row *)flow_table_find(&t, flow_int_hash(t.seed, &key), &key, row_has_key);
    assert_non_null(row);
    assert_int_equal(row->entry.id, key * 3);
  }
  flow_table_free(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(behaves_as_the_model),
      cmocka_unit_test(loads_what_was_saved), /* what the one before left */
      cmocka_unit_test(touched_rows_keep_the_order_of_first_touch),
      cmocka_unit_test(lined_up_rows_are_in_order),
      cmocka_unit_test(rows_stay_where_they_are),
      cmocka_unit_test(guesses_are_confirmed),
      cmocka_unit_test(passing_rows_leave_nothing),
      cmocka_unit_test(many_rows_are_loaded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
