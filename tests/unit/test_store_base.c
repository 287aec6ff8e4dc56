/* The chunks of a base: random changes against a model, in all sizes of rows, and how full chunks are. */
#include "store_fixture.h"

#include "store_impl.h"

#include <lmdb.h>

#define ROWS 4000

struct base_model {
  struct fixture *f;
  uint16_t id;
  uint64_t seed;
  struct store_base counts;
  uint32_t length[ROWS]; /* of each row's value and key, plus 1; 0: there is no such row */
  uint8_t stamp[ROWS];   /* the byte of the value */
};

static uint64_t pick(struct base_model *m, uint64_t limit) {
  return next_random(&m->seed) % limit;
}

static void must_be(int code, int expected) {
  if (code != expected) fail_msg("%d: %s", code, mdb_strerror(code));
}

static MDB_txn *begin(struct base_model *m, unsigned flags) {
  MDB_txn *txn;
  must_be(mdb_txn_begin(m->f->store->env, NULL, flags, &txn), 0);
  return txn;
}

/* The key of a row is its number in two bytes; it stays when the row changes. */
static void change_row(struct base_model *m, struct store_writer *w, uint64_t row,
                       uint32_t max_length) {
  static uint8_t value[20000];
  uint8_t key[2] = {(uint8_t)(row >> 8), (uint8_t)row};
  bool had = m->length[row] != 0;
  if (pick(m, had ? 5 : 20) == 0) {
    m->length[row] = 0;
    must_be(store_writer_put(w, row, NULL), 0);
    return;
  }
  m->length[row] = 1 + (uint32_t)pick(m, max_length);
  m->stamp[row]++;
  memset(value, m->stamp[row], m->length[row]);
  struct store_record record = {.key_version = 1, .value_version = 200, .value = value,
                                .value_length = m->length[row] - 1};
  if (!had || pick(m, 2) == 0) {
    record.key = key;
    record.key_length = sizeof key;
  } else {
    record.key_version = 7; /* not used: the key and its version are those of the base */
  }
  must_be(store_writer_put(w, row, &record), 0);
}

/* One transaction that changes every step-th row of a range. */
static void change(struct base_model *m, uint64_t from, uint64_t to, uint64_t step,
                   uint32_t max_length) {
  MDB_txn *txn = begin(m, 0);
  struct store_writer w;
  must_be(store_writer_open(&w, m->f->store, txn, m->id, &m->counts), 0);
  for (uint64_t row = from; row < to; row += 1 + pick(m, step)) change_row(m, &w, row, max_length);
  must_be(store_writer_end(&w), 0);
  m->counts = w.base;
  must_be(mdb_txn_commit(txn), 0);
}

static void check_row(const struct base_model *m, uint64_t row, const struct store_record *record) {
  assert_int_equal(record->key_length, 2);
  assert_int_equal(record->key[0] << 8 | record->key[1], row);
  assert_int_equal(record->key_version, 1);
  assert_int_equal(record->value_version, 200);
  assert_int_equal(record->value_length, m->length[row] - 1);
  for (size_t i = 0; i < record->value_length; i++)
    assert_int_equal(record->value[i], m->stamp[row]);
}

/* All rows from `first` on are there, and no others. */
static void compare(struct base_model *m, uint64_t first) {
  MDB_txn *txn = begin(m, MDB_RDONLY);
  struct store_walk walk;
  struct store_record record;
  struct store_base found = {0};
  uint64_t row, expected = first;
  int code;
  must_be(store_walk_open(&walk, txn, m->id, first), 0);
  while ((code = store_walk_next(&walk, &row, &record)) == 0) {
    while (expected < ROWS && m->length[expected] == 0) expected++;
    assert_int_equal(row, expected++);
    check_row(m, row, &record);
    found.rows++;
    found.sum += record.sum;
    found.bytes += record.key_length + record.value_length;
  }
  must_be(code, MDB_NOTFOUND);
  while (expected < ROWS && m->length[expected] == 0) expected++;
  assert_int_equal(expected, ROWS);
  if (first == 0) {
    assert_int_equal(found.rows, m->counts.rows);
    assert_int_equal(found.bytes, m->counts.bytes);
    assert_int_equal(found.sum, m->counts.sum);
  }
  store_walk_close(&walk);
  mdb_txn_abort(txn);
}

static size_t count_chunks(struct base_model *m) {
  MDB_txn *txn = begin(m, MDB_RDONLY);
  unsigned tree;
  MDB_stat stat;
  must_be(store_base_open(txn, m->id, false, &tree), 0);
  must_be(mdb_stat(txn, tree, &stat), 0);
  mdb_txn_abort(txn);
  return stat.ms_entries;
}

static struct base_model *new_model(struct fixture *f, uint64_t seed) {
  struct base_model *m = calloc(1, sizeof *m);
  m->f = f;
  m->seed = seed;
  m->id = open_one(f);
  /* The tree is opened in a transaction that commits, so that its handle stays. */
  MDB_txn *txn = begin(m, 0);
  unsigned tree;
  must_be(store_base_open(txn, m->id, true, &tree), 0);
  must_be(mdb_txn_commit(txn), 0);
  return m;
}

static void behaves_as_the_model(void **state) {
  struct base_model *m = new_model(*state, 42);
  static const uint32_t lengths[] = {1, 10, 60, 500, 3000, 6000, 20000};
  for (int round = 0; round < 400; round++) {
    uint64_t from = pick(m, ROWS), to = from + 1 + pick(m, pick(m, 4) == 0 ? ROWS : 60);
    bool is_large = pick(m, 30) == 0;
    change(m, from, to < ROWS ? to : ROWS, pick(m, 2) == 0 ? 1 : 1 + pick(m, 50),
           lengths[is_large ? 4 + pick(m, 3) : pick(m, 4)]);
    compare(m, round % 4 == 0 ? 0 : pick(m, ROWS));
  }
  free(m);
}

static void chunks_stay_full(void **state) {
  struct base_model *m = new_model(*state, 7);
  const size_t room = STORE_BASE_CHUNK - STORE_BASE_HEADER, overhead = 5;
  change(m, 0, ROWS, 1, 40);
  size_t bytes = m->counts.bytes + overhead * m->counts.rows;
  assert_in_range(count_chunks(m), bytes / room, bytes / room * 21 / 20 + 1);
  for (int round = 0; round < 300; round++) { /* few rows here and there; they grow */
    uint64_t from = pick(m, ROWS);
    change(m, from, from + 200 < ROWS ? from + 200 : ROWS, 40, 40 + (uint32_t)round);
  }
  bytes = m->counts.bytes + overhead * m->counts.rows;
  assert_in_range(count_chunks(m), bytes / room, bytes / room * 2 + 2);
  compare(m, 0);
  for (uint64_t row = 0; row < ROWS; row++) m->stamp[row] = 1;
  change(m, 0, ROWS, 1, 40); /* all anew: full again */
  bytes = m->counts.bytes + overhead * m->counts.rows;
  assert_in_range(count_chunks(m), bytes / room, bytes / room * 21 / 20 + 1);
  compare(m, 0);
  free(m);
}

static void an_empty_base_has_no_chunks(void **state) {
  struct base_model *m = new_model(*state, 3);
  compare(m, 0);
  change(m, 0, ROWS, 1, 100);
  MDB_txn *txn = begin(m, 0);
  struct store_writer w;
  must_be(store_writer_open(&w, m->f->store, txn, m->id, &m->counts), 0);
  for (uint64_t row = 0; row < ROWS; row++) {
    m->length[row] = 0;
    must_be(store_writer_put(&w, row, NULL), 0);
  }
  must_be(store_writer_end(&w), 0);
  m->counts = w.base;
  must_be(mdb_txn_commit(txn), 0);
  compare(m, 0);
  assert_int_equal(count_chunks(m), 0);
  assert_int_equal(m->counts.sum, 0);
  free(m);
}

static void a_key_that_is_missing_is_damage(void **state) {
  struct base_model *m = new_model(*state, 5);
  MDB_txn *txn = begin(m, 0);
  struct store_writer w;
  struct store_record record = {.key_version = 1, .value_version = 1, .value = (uint8_t *)"x",
                                .value_length = 1};
  must_be(store_writer_open(&w, m->f->store, txn, m->id, &m->counts), 0);
  must_be(store_writer_put(&w, 3, &record), MDB_CORRUPTED);
  mdb_txn_abort(txn);
  free(m);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(behaves_as_the_model),
      CASE(chunks_stay_full),
      CASE(an_empty_base_has_no_chunks),
      CASE(a_key_that_is_missing_is_damage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
