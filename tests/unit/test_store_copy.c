/* Copies of a store: out of one that is in use, into a new one, with damage on the way. */
#include "store_fixture.h"

#define ROWS 40

struct copies {
  struct flow_buf head, base, epochs;
  int64_t base_epoch, last;
};

static void copy_piece(struct fixture *f, bool is_base, int64_t first, int64_t last, size_t limit,
                       struct flow_buf *out) {
  struct flow_store_copy copy = {.first = first, .last = last, .is_base = is_base};
  while (!copy.is_done) {
    size_t before = out->length;
    must(f, flow_store_copy_next(f->store, &copy, limit, out, &f->report));
    assert_true(copy.is_done || out->length > before);
  }
  uint64_t link;
  assert_int_equal(flow_store_link(f->store, last, &link), FLOW_OK);
  assert_true(link == copy.link);
}

/* Copies all there is, `limit` bytes at a time. */
static struct copies copy_all(struct fixture *f, size_t limit) {
  struct flow_store_range range = flow_store_range(f->store);
  struct copies c = {.base_epoch = range.base, .last = range.head};
  must(f, flow_store_copy_head(f->store, range.base, range.head, &c.head, &f->report));
  if (range.base >= 0) copy_piece(f, true, range.base, range.base, limit, &c.base);
  if (range.head > range.base)
    copy_piece(f, false, range.base + 1, range.head, limit, &c.epochs);
  return c;
}

static void copies_free(struct copies *c) {
  flow_buf_free(&c->head);
  flow_buf_free(&c->base);
  flow_buf_free(&c->epochs);
}

/* Makes a store from the copies in the directory of `to`, which is empty. */
static enum flow_status import(struct fixture *to, const struct copies *c) {
  struct flow_store *store;
  const struct flow_sys *sys = flow_sys_posix();
  const struct flow_buf *const pieces[] = {&c->head, &c->base, &c->epochs};
  enum flow_status status = flow_store_import_begin(sys, to->dir, &store, &to->report);
  for (int i = 0; status == FLOW_OK && i < 3; i++)
    status = flow_store_import(store, pieces[i]->data, pieces[i]->length, &to->report);
  if (status == FLOW_OK) status = flow_store_import_end(store, 5, &to->report);
  if (status == FLOW_OK) flow_store_close(store);
  else flow_store_discard(store);
  return status;
}

/* All rows of the only id as text; what fails comes back. */
static enum flow_status rows_of(struct fixture *f, struct flow_buf *shown) {
  const struct flow_store_id id = {.kind = FLOW_STORE_STATE, .name = "count", .key = &type_string,
                                   .value = &type_bytes};
  uint16_t number = 0;
  struct flow_store_loaded loaded;
  shown->length = 0;
  enum flow_status status = open_it(f);
  if (status == FLOW_OK) status = prepare_ids(f, &id, 1, NULL, FLOW_STORE_NEWEST, &number);
  if (status == FLOW_OK)
    status = flow_store_load(f->store, number, show_row, shown, &loaded, &f->report);
  flow_buf_add(shown, "", 1);
  return status;
}

/* Rows, some of them changed later on, some folded. */
static void fill(struct fixture *f, bool folds) {
  f->options.fold_floor = 1;
  uint16_t id = open_one(f);
  char key[16], value[64];
  for (uint64_t i = 0; i < ROWS; i++) {
    snprintf(key, sizeof key, "k%d", (int)i);
    snprintf(value, sizeof value, "%0*d", (int)i, 1);
    commit_row(f, id, i, key, value);
  }
  while (folds && flow_store_can_fold(f->store))
    must(f, flow_store_fold(f->store, 100000, &f->report));
  for (uint64_t i = 0; i < ROWS; i += 3) commit_row(f, id, i, NULL, "new");
}

static struct fixture *other_fixture(void) {
  void *other = NULL;
  assert_int_equal(set_up(&other), 0);
  return other;
}

static void free_fixture(struct fixture *f) {
  void *state = f;
  tear_down(&state);
}

static void test_a_copy_has_the_same_rows(void **state) {
  struct fixture *f = *state;
  static const size_t limits[] = {1, 100, 1000000};
  fill(f, true);
  assert_true(flow_store_range(f->store).base >= 0);
  struct flow_buf rows = {0}, found = {0};
  must(f, rows_of(f, &rows));
  for (int i = 0; i < 3; i++) {
    struct fixture *other = other_fixture();
    struct copies c = copy_all(f, limits[i]);
    must(other, import(other, &c));
    must(other, rows_of(other, &found));
    assert_string_equal(found.data, rows.data);
    assert_int_equal(flow_store_range(other->store).timeline, 5);
    assert_memory_equal(flow_store_identity(other->store), flow_store_identity(f->store), 16);
    commit_row(other, 1, ROWS, "more", "1"); /* and it goes on */
    must(other, rows_of(other, &found));
    copies_free(&c);
    free_fixture(other);
  }
  flow_buf_free(&rows);
  flow_buf_free(&found);
}

/* The checksums of the records find what changes on the way: a store is refused, or as it should be. */
static void test_a_damaged_copy_is_never_used(void **state) {
  struct fixture *f = *state;
  fill(f, true);
  struct flow_buf rows = {0}, found = {0};
  must(f, rows_of(f, &rows));
  struct copies c = copy_all(f, 1000000);
  struct flow_buf *const pieces[] = {&c.head, &c.base, &c.epochs};
  int refused = 0, tries = 0;
  for (int k = 0; k < 3; k++) {
    for (size_t at = 0; at < pieces[k]->length; at += 1 + pieces[k]->length / 150) {
      struct fixture *other = other_fixture();
      pieces[k]->data[at] ^= 0x10;
      enum flow_status status = import(other, &c);
      if (status == FLOW_OK) status = rows_of(other, &found);
      if (status == FLOW_OK) assert_string_equal(found.data, rows.data);
      pieces[k]->data[at] ^= 0x10;
      refused += status != FLOW_OK;
      tries++;
      free_fixture(other);
    }
  }
  assert_true(refused > tries * 9 / 10);
  copies_free(&c);
  flow_buf_free(&rows);
  flow_buf_free(&found);
}

/* What is kept for a copy is not folded; what was copied is. */
static void test_folds_wait_for_the_copy(void **state) {
  struct fixture *f = *state;
  fill(f, false);
  struct flow_store_keep keep = {.copied = -1, .base = -1};
  flow_store_keep(f->store, &keep);
  assert_false(flow_store_can_fold(f->store));
  keep.copied = 10;
  flow_store_keep(f->store, &keep);
  assert_true(flow_store_can_fold(f->store));
  keep.holds_base = true;
  flow_store_keep(f->store, &keep);
  assert_false(flow_store_can_fold(f->store));
  must(f, flow_store_fold(f->store, 1000000, &f->report));
  assert_int_equal(flow_store_range(f->store).base, -1);
  keep.holds_base = false;
  flow_store_keep(f->store, &keep);
  must(f, flow_store_fold(f->store, 1000000, &f->report));
  assert_int_equal(flow_store_range(f->store).base, 10);
  struct flow_store_copy gone = {.first = 10, .last = 12};
  struct flow_buf out = {0};
  assert_int_equal(flow_store_copy_next(f->store, &gone, 1, &out, &f->report), FLOW_E_RANGE);
  flow_buf_free(&out);
}

/* Epochs in front of the base are passed over; what is there already is not overwritten. */
static void test_a_range_that_begins_in_the_base(void **state) {
  struct fixture *f = *state;
  fill(f, false);
  struct copies c = copy_all(f, 1000000);
  struct flow_store_keep keep = {.copied = 20, .base = INT64_MAX};
  flow_store_keep(f->store, &keep);
  must(f, flow_store_fold(f->store, 1000000, &f->report));
  assert_int_equal(flow_store_range(f->store).base, 20);
  c.head.length = 0;
  must(f, flow_store_copy_head(f->store, 20, c.last, &c.head, &f->report));
  copy_piece(f, true, 20, 20, 1000, &c.base);
  struct flow_buf rows = {0}, found = {0};
  must(f, rows_of(f, &rows));
  struct fixture *other = other_fixture();
  must(other, import(other, &c));
  must(other, rows_of(other, &found));
  assert_string_equal(found.data, rows.data);
  assert_int_equal(flow_store_range(other->store).base, 20);
  flow_store_close(other->store);
  other->store = NULL;
  assert_int_equal(import(other, &c), FLOW_E_MISMATCH);
  must(other, rows_of(other, &found));
  assert_string_equal(found.data, rows.data);
  free_fixture(other);
  copies_free(&c);
  flow_buf_free(&rows);
  flow_buf_free(&found);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_a_copy_has_the_same_rows, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_damaged_copy_is_never_used, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_folds_wait_for_the_copy, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_range_that_begins_in_the_base, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
