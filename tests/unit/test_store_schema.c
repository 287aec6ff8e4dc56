/* A program that changes over its saved state: migrations, names, drops, going back before them. */
#include "store_fixture.h"

#include "schema.h"

static struct flow_schema_pool *pool;

static int set_up_types(void **state) {
  pool = flow_schema_pool_new(flow_sys_posix());
  return set_up(state);
}

static int tear_down_types(void **state) {
  flow_schema_pool_free(pool);
  return tear_down(state);
}

static const struct flow_type *type_of(const char *text) {
  const struct flow_type *type = flow_schema_parse(pool, text, strlen(text));
  if (type == NULL) fail_msg("not a type: %s", text);
  return type;
}

/* One state from int keys; opens the store anew. */
static enum flow_status declare_at(struct fixture *f, const char *name, const char *was,
                                   const char *value, const char *drop, int64_t resume,
                                   uint16_t *number) {
  const struct flow_store_id id = {FLOW_STORE_STATE, name, was, &type_int, type_of(value)};
  must(f, open_it(f));
  return prepare_ids(f, &id, 1, drop, resume, number);
}

static enum flow_status declare(struct fixture *f, const char *name, const char *was,
                                const char *value, const char *drop, uint16_t *number) {
  return declare_at(f, name, was, value, drop, FLOW_STORE_NEWEST, number);
}

static void commit_hex(struct fixture *f, uint16_t id, uint64_t row, bool is_new,
                       const char *hex) {
  struct flow_buf packed = {0}, value = {0};
  for (size_t i = 0; i < strlen(hex) / 2; i++) {
    unsigned byte;
    assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
    flow_put_byte(&value, (uint8_t)byte);
  }
  flow_put_row(&packed, row, is_new ? "\2" : NULL, 1, value.data, value.length);
  must(f, commit_part(f, id, &packed));
  flow_buf_free(&packed);
  flow_buf_free(&value);
}

static enum flow_status show_hex(void *context, uint64_t row, const void *key, size_t key_length,
                                 const void *value, size_t value_length) {
  struct flow_buf *out = context;
  char text[32];
  flow_buf_add(out, text, (size_t)snprintf(text, sizeof text, "%llu=", (unsigned long long)row));
  for (size_t i = 0; i < value_length; i++)
    flow_buf_add(out, text, (size_t)snprintf(text, sizeof text, "%02x",
                                             ((const unsigned char *)value)[i]));
  flow_buf_add(out, ";", 1);
  return key_length == 1 && *(const char *)key == 2 ? FLOW_OK : FLOW_E_BUG;
}

static void expect_hex(struct fixture *f, uint16_t id, const char *expected) {
  struct flow_buf shown = {0};
  struct flow_store_loaded loaded;
  must(f, flow_store_load(f->store, id, show_hex, &shown, &loaded, &f->report));
  flow_buf_add(&shown, "", 1);
  assert_string_equal(shown.data, expected);
  flow_buf_free(&shown);
}

static void expect_message(struct fixture *f, const char *text) {
  if (strstr(f->report.message, text) == NULL && strstr(f->report.help, text) == NULL)
    fail_msg("no \"%s\" in: %s (%s)", text, f->report.message, f->report.help);
}

static void migrates_in_chains(void **state) {
  struct fixture *f = *state;
  f->options.retain_epochs = 100;
  uint16_t id, again;
  must(f, declare(f, "cart", NULL, "record { a: int }", NULL, &id));
  commit_hex(f, id, 0, true, "02");
  commit_hex(f, id, 1, true, "04");
  must(f, declare(f, "cart", NULL, "record { b was \"a\": int }", NULL, &again));
  expect_message(f, "`cart.b` has a new name");
  assert_int_equal(again, id);
  commit_hex(f, id, 1, false, "06");
  must(f, declare(f, "cart", NULL, "record { b: float, n: int = 0x0e }", NULL, &again));
  expect_message(f, "`cart.n` is new, with its default");
  commit_hex(f, id, 2, true, "0000000000000000" "02");
  /* The first row goes through three types, the second through two. */
  expect_hex(f, id, "0=000000000000f03f0e;1=00000000000008400e;2=000000000000000002;");
  must(f, declare(f, "cart", NULL, "record { b: float, n: int = 0x0e }", NULL, &again));
  assert_string_equal(f->report.message, "");
  expect_hex(f, id, "0=000000000000f03f0e;1=00000000000008400e;2=000000000000000002;");
  /* Back before the migrations, with the program of that time: its type is the newest again. */
  must(f, declare_at(f, "cart", NULL, "record { a: int }", NULL, 2, &again));
  expect_hex(f, id, "0=02;1=04;");
  must(f, declare(f, "cart", NULL, "record { a: int }", NULL, &again));
  assert_string_equal(f->report.message, "");
}

static void migrates_what_is_folded(void **state) {
  struct fixture *f = *state;
  f->options.fold_floor = 1;
  uint16_t id;
  must(f, declare(f, "cart", NULL, "record { a: int }", NULL, &id));
  commit_hex(f, id, 0, true, "02");
  commit_hex(f, id, 1, true, "04");
  must(f, flow_store_fold(f->store, 1000000, &f->report));
  must(f, declare(f, "cart", NULL, "record { a: int, b: bool = 0x01 }", NULL, &id));
  commit_hex(f, id, 1, false, "0800");
  expect_hex(f, id, "0=0201;1=0800;");
  for (int i = 0; i < 3; i++) must(f, flow_store_fold(f->store, 1000000, &f->report));
  assert_int_equal(flow_store_stats(f->store).epochs, 0);
  must(f, declare(f, "cart", NULL, "record { b: bool, a: int? }", NULL, &id));
  expect_hex(f, id, "0=010102;1=000108;");
}

static void refuses_and_touches_nothing(void **state) {
  struct fixture *f = *state;
  uint16_t id, number = 99;
  must(f, declare(f, "cart", NULL, "record { a: int, b: int }", NULL, &id));
  commit_hex(f, id, 0, true, "0204");
  static const struct {
    const char *name, *value, *message;
  } wrong[] = {
      {"cart", "record { a: string, b: int }", "`cart.a` has another type"},
      {"cart", "record { a: string, b: int }", "saved:   int"},
      {"cart", "record { a: int }", "`cart.b` has saved values and is gone"},
      {"cart", "record { a: int }", "--accept-drop cart.b"},
      {"basket", "record { a: int, b: int }", "the state `cart` is saved"},
      {"basket", "record { a: int, b: int }", "was \"cart\""},
      {"cart", "record { a: int, b: int, c: int }", "`cart.c` is a new field without a default"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    assert_int_equal(declare(f, wrong[i].name, NULL, wrong[i].value, NULL, &number),
                     FLOW_E_MISMATCH);
    assert_int_equal(flow_status_exit(f->report.status), 78);
    expect_message(f, wrong[i].message);
    assert_int_equal(number, 99);
  }
  must(f, declare(f, "cart", NULL, "record { a: int, b: int }", NULL, &number));
  assert_string_equal(f->report.message, "");
  assert_int_equal(number, id);
  expect_hex(f, id, "0=0204;");
}

static void tells_all_that_is_wrong(void **state) {
  struct fixture *f = *state;
  const struct flow_store_id ids[] = {{FLOW_STORE_STATE, "a", NULL, &type_int, &type_int},
                                      {FLOW_STORE_STATE, "b", NULL, &type_int, &type_int},
                                      {FLOW_STORE_SOURCE, "c", NULL, &type_int, &type_int}};
  const struct flow_store_id changed[] = {{FLOW_STORE_STATE, "a", NULL, &type_string, &type_int},
                                          {FLOW_STORE_STATE, "b", NULL, &type_int, &type_string}};
  uint16_t numbers[3];
  must(f, open_it(f));
  must(f, prepare_ids(f, ids, 3, NULL, FLOW_STORE_NEWEST, numbers));
  commit_hex(f, numbers[0], 0, true, "02");
  must(f, open_it(f));
  assert_int_equal(prepare_ids(f, changed, 2, NULL, FLOW_STORE_NEWEST, numbers), FLOW_E_MISMATCH);
  expect_message(f, "key of `a` has another type");
  expect_message(f, "`b` has another type");
  expect_message(f, "the source `c` is saved");
}

static void drops_what_is_accepted(void **state) {
  struct fixture *f = *state;
  uint16_t id, other;
  must(f, declare(f, "cart", NULL, "record { a: int, b: int }", NULL, &id));
  commit_hex(f, id, 0, true, "0204");
  assert_int_equal(declare(f, "cart", NULL, "record { a: int }", "cart.c", &id), FLOW_E_MISMATCH);
  must(f, declare(f, "cart", NULL, "record { a: int }", "cart.b", &id));
  expect_message(f, "`cart.b` is forgotten");
  expect_hex(f, id, "0=02;");
  must(f, declare(f, "cart", NULL, "record { a: int }", NULL, &id)); /* accepted once is enough */
  expect_hex(f, id, "0=02;");
  commit_hex(f, id, 0, false, "06");
  must(f, declare(f, "cart", NULL, "record {}", "cart", &id));
  expect_hex(f, id, "0=00;");
  must(f, declare(f, "other", NULL, "int", "cart", &other));
  expect_message(f, "`cart` is forgotten");
  assert_int_not_equal(id, other);
  commit_hex(f, other, 0, true, "02");
  must(f, declare(f, "other", NULL, "int", NULL, &other));
  /* The name may come back, with any type, and begins empty. */
  const struct flow_store_id ids[] = {{FLOW_STORE_STATE, "other", NULL, &type_int, &type_int},
                                      {FLOW_STORE_STATE, "cart", NULL, &type_int, &type_string}};
  uint16_t numbers[2];
  must(f, open_it(f));
  must(f, prepare_ids(f, ids, 2, NULL, FLOW_STORE_NEWEST, numbers));
  assert_true(numbers[1] > numbers[0]);
  expect_hex(f, numbers[1], "");
}

/* Until an epoch is committed, the program of before may come back, and has lost nothing. */
static void takes_back_a_drop(void **state) {
  struct fixture *f = *state;
  uint16_t id, other, again;
  must(f, declare(f, "cart", NULL, "int", NULL, &id));
  commit_hex(f, id, 0, true, "02");
  must(f, declare(f, "other", NULL, "int", "cart", &other));
  must(f, declare(f, "other", NULL, "int", NULL, &other)); /* accepted once is enough */
  must(f, declare(f, "cart", NULL, "int", NULL, &again));
  expect_message(f, "`cart` is not forgotten after all");
  assert_int_equal(again, id);
  expect_hex(f, id, "0=02;");
  must(f, declare(f, "cart", NULL, "int", NULL, &again));
  assert_string_equal(f->report.message, "");
  must(f, declare(f, "other", NULL, "int", "cart", &other));
  must(f, declare(f, "cart", NULL, "string", NULL, &again)); /* another type: another state */
  assert_int_not_equal(again, id);
  expect_hex(f, again, "");
  must(f, declare(f, "other", NULL, "int", NULL, &other));
  commit_hex(f, other, 0, true, "02");
  must(f, declare(f, "cart", NULL, "int", "other", &again));
  assert_int_not_equal(again, id);
}

static void takes_new_names(void **state) {
  struct fixture *f = *state;
  uint16_t id, again;
  must(f, declare(f, "cart", NULL, "int", NULL, &id));
  commit_hex(f, id, 0, true, "02");
  must(f, declare(f, "basket", "cart", "int", NULL, &again));
  expect_message(f, "`cart` is now `basket`");
  assert_int_equal(again, id);
  commit_hex(f, id, 0, false, "04");
  must(f, declare(f, "basket", "cart", "int", NULL, &again));
  assert_string_equal(f->report.message, "");
  expect_hex(f, id, "0=04;");
  must(f, declare(f, "basket", NULL, "int", NULL, &again));
  assert_int_equal(again, id);
}

static void forgets_what_was_never_used(void **state) {
  struct fixture *f = *state;
  uint16_t id, first;
  must(f, declare(f, "cart", NULL, "int", NULL, &first));
  for (int i = 0; i < 3; i++) { /* nothing is committed, so any type is fine */
    must(f, declare(f, "cart", NULL, i % 2 == 0 ? "string" : "bool", NULL, &id));
    assert_string_equal(f->report.message, "");
    assert_int_equal(id, first);
  }
  must(f, declare(f, "basket", NULL, "int", NULL, &id));
  assert_string_equal(f->report.message, "");
  commit_hex(f, id, 0, true, "02");
  must(f, declare(f, "basket", NULL, "float", NULL, &id));
  must(f, declare(f, "basket", NULL, "int", NULL, &id)); /* thought better of it */
  expect_hex(f, id, "0=02;");
}

static void keeps_sinks_that_are_away(void **state) {
  struct fixture *f = *state;
  const struct flow_store_id ids[] = {{FLOW_STORE_STATE, "count", NULL, &type_int, &type_int},
                                      {FLOW_STORE_SINK, "dead", NULL, &type_int, &type_int}};
  uint16_t numbers[2], sink;
  must(f, open_it(f));
  must(f, prepare_ids(f, ids, 2, NULL, FLOW_STORE_NEWEST, numbers));
  sink = numbers[1];
  commit_hex(f, sink, 0, true, "2a");
  must(f, open_it(f));
  must(f, prepare_ids(f, ids, 1, NULL, FLOW_STORE_NEWEST, numbers));
  commit_hex(f, numbers[0], 0, true, "02");
  must(f, open_it(f));
  must(f, prepare_ids(f, ids, 2, NULL, FLOW_STORE_NEWEST, numbers));
  assert_int_equal(numbers[1], sink);
  expect_hex(f, sink, "0=2a;");
}

static void goes_back_before_a_drop(void **state) {
  struct fixture *f = *state;
  f->options.retain_epochs = 100;
  uint16_t id, other, again;
  must(f, declare(f, "cart", NULL, "int", NULL, &id));
  commit_hex(f, id, 0, true, "02");
  must(f, declare(f, "other", NULL, "int", "cart", &other));
  commit_hex(f, other, 0, true, "04");
  must(f, declare_at(f, "cart", NULL, "int", NULL, 1, &again));
  expect_hex(f, again, "0=02;");
  assert_int_equal(again, id);
  must(f, declare_at(f, "cart", NULL, "string", NULL, 0, &again)); /* before all of it */
  expect_hex(f, again, "");
}

static void deletes_what_was_dropped(void **state) {
  struct fixture *f = *state;
  f->options.fold_floor = 1;
  uint16_t id, other;
  must(f, declare(f, "cart", NULL, "int", NULL, &id));
  commit_hex(f, id, 0, true, "02");
  must(f, flow_store_fold(f->store, 1000000, &f->report));
  assert_int_equal(flow_store_stats(f->store).base_rows, 1);
  must(f, declare(f, "other", NULL, "int", "cart", &other));
  for (int i = 0; i < 3; i++) {
    commit_hex(f, other, 0, i == 0, "04");
    must(f, flow_store_fold(f->store, 1000000, &f->report));
  }
  assert_int_equal(flow_store_stats(f->store).base_rows, 1); /* that of `other` */
  struct flow_store_loaded loaded;
  struct flow_buf shown = {0};
  assert_int_equal(flow_store_load(f->store, id, show_hex, &shown, &loaded, &f->report),
                   FLOW_E_BUG);
  must(f, declare(f, "other", NULL, "int", NULL, &other));
  expect_hex(f, other, "0=04;");
}

static void counts_rows_that_are_gone(void **state) {
  struct fixture *f = *state;
  f->options.fold_floor = 1;
  uint16_t id;
  must(f, declare(f, "cart", NULL, "int", NULL, &id));
  for (uint64_t row = 0; row < 5; row++) commit_hex(f, id, row, true, "02");
  struct flow_buf packed = {0};
  for (uint64_t row = 1; row < 5; row++) flow_put_tombstone(&packed, row);
  must(f, commit_part(f, id, &packed));
  flow_buf_free(&packed);
  for (int i = 0; i < 3; i++) must(f, flow_store_fold(f->store, 1000000, &f->report));
  must(f, declare(f, "cart", NULL, "int", NULL, &id));
  struct flow_store_loaded loaded;
  struct flow_buf shown = {0};
  must(f, flow_store_load(f->store, id, show_hex, &shown, &loaded, &f->report));
  assert_int_equal(loaded.rows, 1);
  assert_int_equal(loaded.next_row, 5); /* numbers are never used again */
  flow_buf_free(&shown);
}

static void says_which_int_is_not_exact(void **state) {
  struct fixture *f = *state;
  uint16_t id;
  must(f, declare(f, "cart", NULL, "int", NULL, &id));
  commit_hex(f, id, 0, true, "feffffffffffffffff01"); /* 2^63 - 1 */
  must(f, declare(f, "cart", NULL, "float", NULL, &id));
  struct flow_store_loaded loaded;
  struct flow_buf shown = {0};
  assert_int_equal(flow_store_load(f->store, id, show_hex, &shown, &loaded, &f->report),
                   FLOW_E_MISMATCH);
  expect_message(f, "`cart` cannot be migrated");
  must(f, declare(f, "cart", NULL, "int", NULL, &id)); /* the way back is open */
  expect_hex(f, id, "0=feffffffffffffffff01;");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up_types, tear_down_types)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(migrates_in_chains),        CASE(migrates_what_is_folded),
      CASE(refuses_and_touches_nothing), CASE(tells_all_that_is_wrong),
      CASE(drops_what_is_accepted),    CASE(takes_new_names),     CASE(takes_back_a_drop),
      CASE(forgets_what_was_never_used), CASE(keeps_sinks_that_are_away),
      CASE(goes_back_before_a_drop),   CASE(deletes_what_was_dropped),
      CASE(counts_rows_that_are_gone), CASE(says_which_int_is_not_exact),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
