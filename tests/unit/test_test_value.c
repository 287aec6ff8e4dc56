/* Rows as text: what a program has printed, as it is shown, compared, and fed. */
#include "test/value.h"

#include "test/diff.h"
#include "typed_fixture.h"

static const char program[] =
    "enum Kind { order, payment from \"PAY\", refund(cents: int, why: string?) }\n"
    "enum Event tagged \"type\" { opened(id: int, at: timestamp from \"openedMs\" unit ms) from \"OPEN\"\n ping }\n"
    "record Row { word: string, n: int?, at: timestamp from \"when\" unit s, kind: Kind }\n"
    "record Bag { counts: map[string, int], codes: map[int, bool], seen: set[string], part: float }\n"
    "source rows: Row = file(\"a\", jsonl)\n"
    "source events: Event = file(\"b\", jsonl)\n"
    "source bags: Bag = file(\"c\", jsonl)\n";

static int check_program(void **state) {
  set_up(state);
  assert_true(check(*state, program)); /* but for lints: nothing reads the sources */
  return 0;
}

static const struct type *type_of(struct compiler *c, const char *source) {
  return decl_of(c, source)->type;
}

static void check_form(struct compiler *c, enum value_form form, const char *source, const char *json,
                       const char *wanted) {
  struct text out;
  text_init(&out, &c->arena);
  value_write(form, type_of(c, source), json, strlen(json), &out);
  assert_string_equal(out.data, wanted);
}

#define ROW                                                                                        \
  "{\"word\": \"a\\n\\\"b\\u0001\", \"n\": null, \"at\": \"1969-12-31T23:59:59Z\", "               \
  "\"kind\": {\"refund\": {\"cents\": 5, \"why\": null}}}"

static void rows_are_shown_as_the_language_writes_them(void **state) {
  struct compiler *c = *state;
  check_form(c, VALUE_SHOWN, "rows", ROW,
             "{ word: \"a\\n\\\"b\\u{1}\", n: none, at: @1969-12-31T23:59:59Z, "
             "kind: refund(cents: 5, why: none) }");
  check_form(c, VALUE_SHOWN, "events", "{\"type\": \"OPEN\", \"id\": 1, \"at\": \"2024-02-29T00:00:00.250Z\"}",
             "opened(id: 1, at: @2024-02-29T00:00:00.250Z)");
  check_form(c, VALUE_SHOWN, "events", "{\"type\": \"ping\"}", "ping");
  check_form(c, VALUE_SHOWN, "bags", "{\"counts\": {\"b\": 2}, \"codes\": {}, \"seen\": [\"z\"], \"part\": -0.0}",
             "{ counts: [\"b\": 2], codes: [], seen: [\"z\"], part: -0.0 }");
}

static void rows_are_fed_by_the_names_and_units_of_the_input(void **state) {
  struct compiler *c = *state;
  check_form(c, VALUE_FED, "rows", ROW,
             "{\"word\": \"a\\n\\\"b\\u0001\", \"n\": null, \"when\": -1, "
             "\"kind\": {\"refund\": {\"cents\": 5, \"why\": null}}}");
  check_form(c, VALUE_FED, "events", "{\"type\": \"OPEN\", \"id\": 1, \"at\": \"2024-02-29T00:00:00.250Z\"}",
             "{\"type\": \"OPEN\", \"id\": 1, \"openedMs\": 1709164800250}");
  check_form(c, VALUE_FED, "events", "{\"type\": \"ping\"}", "{\"type\": \"ping\"}");
}

static void timestamps_become_numbers_in_all_years(void **state) {
  struct compiler *c = *state;
  static const struct {
    const char *text, *seconds;
  } times[] = {{"0001-01-01T00:00:00Z", "-62135596800"}, {"1970-01-01T00:00:00Z", "0"},
               {"2000-02-29T12:00:00Z", "951825600"},   {"9999-12-31T23:59:59Z", "253402300799"}};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    const char *json = arena_printf(&c->arena, "{\"at\": \"%s\"}", times[i].text);
    check_form(c, VALUE_FED, "rows", json, arena_printf(&c->arena, "{\"when\": %s}", times[i].seconds));
  }
}

static void equal_values_compare_equal(void **state) {
  struct compiler *c = *state;
  struct text one, other;
  text_init(&one, &c->arena);
  text_init(&other, &c->arena);
  const char *a = "{\"counts\": {\"b\": 2, \"a\": 1}, \"codes\": {\"10\": true, \"2\": false}, "
                  "\"seen\": [\"z\", \"y\"], \"part\": -0.0}";
  const char *b = "{\"counts\": {\"a\": 1, \"b\": 2}, \"codes\": {\"2\": false, \"10\": true}, "
                  "\"seen\": [\"y\", \"z\"], \"part\": 0.0}";
  value_write(VALUE_COMPARED, type_of(c, "bags"), a, strlen(a), &one);
  value_write(VALUE_COMPARED, type_of(c, "bags"), b, strlen(b), &other);
  assert_string_equal(one.data, other.data);
  text_clear(&other);
  const char *d = "{\"counts\": {\"a\": 2, \"b\": 1}, \"codes\": {\"2\": false, \"10\": true}, "
                  "\"seen\": [\"y\", \"z\"], \"part\": 0.0}";
  value_write(VALUE_COMPARED, type_of(c, "bags"), d, strlen(d), &other);
  assert_string_not_equal(one.data, other.data);
}

static void rows_of_csv_follow_the_header(void **state) {
  struct compiler *c = *state;
  const char *json = "{\"word\": \"a,\\\"b\\\"\", \"n\": null, \"at\": \"1970-01-01T00:00:01Z\", \"kind\": \"PAY\"}";
  struct value row = {type_of(c, "rows"), json, strlen(json)};
  struct text out;
  text_init(&out, &c->arena);
  value_write_row(&row, ',', NULL, 0, &out);
  assert_string_equal(out.data, "\"a,\"\"b\"\"\",,1,PAY\n");
  const char *columns[] = {"kind", "more", "when", "word"};
  text_clear(&out);
  value_write_row(&row, ';', columns, 4, &out);
  assert_string_equal(out.data, "PAY;;1;\"a,\"\"b\"\"\"\n");
  json = "{\"type\": \"OPEN\", \"id\": 1, \"at\": \"1970-01-01T00:00:01Z\"}";
  row = (struct value){type_of(c, "events"), json, strlen(json)};
  text_clear(&out);
  value_write_row(&row, ',', NULL, 0, &out);
  assert_string_equal(out.data, "OPEN,1,1000\n");
}

static void lists_are_taken_apart(void **state) {
  struct compiler *c = *state;
  const struct type *list = type_list(c->types, type_of(c, "rows"));
  struct value_list items = {0};
  const char *json = "[{\"word\": \"],[\"}, {\"word\": \"\\\"\"}]";
  value_split(&c->arena, list, json, strlen(json), &items);
  assert_int_equal(items.count, 2);
  assert_memory_equal(items.data[1].json, "{\"word\": \"\\\"\"}", items.data[1].length);
  value_split(&c->arena, list, "[]", 2, &items);
  assert_int_equal(items.count, 2);
}

/* -- differences ----------------------------------------------------------------------------- */

static struct diff_rows rows_of(struct arena *arena, const char *letters) {
  struct diff_rows rows = {0};
  for (; *letters; letters++) {
    const char *text = arena_strndup(arena, letters, 1);
    vec_push(arena, &rows, (struct diff_row){text, text});
  }
  return rows;
}

static void check_diff(struct arena *arena, const char *expected, const char *got, const char *wanted) {
  struct diff_rows a = rows_of(arena, expected), b = rows_of(arena, got);
  struct text out;
  text_init(&out, arena);
  assert_int_equal(diff_is_empty(&a, &b), strcmp(expected, got) == 0);
  diff_write(&a, &b, "", &out);
  assert_string_equal(out.data, wanted);
}

static void differences_are_aligned(void **state) {
  struct compiler *c = *state;
  check_diff(&c->arena, "abc", "abc", "        … 3 equal\n");
  check_diff(&c->arena, "abc", "axc",
             "    1   a\n  - 2   b\n  + 2   x\n        ^ the first difference\n    3   c\n");
  check_diff(&c->arena, "", "x", "  + 1   x\n        ^ this is not expected\n");
  check_diff(&c->arena, "abcdefgh", "abcefgh", /* the first row is shown: to leave it out takes a line, too */
             "    1   a\n    2   b\n    3   c\n  - 4   d\n        ^ this is missing\n"
             "    4   e\n    5   f\n        … 2 equal\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_shown_as_the_language_writes_them),
      cmocka_unit_test(rows_are_fed_by_the_names_and_units_of_the_input),
      cmocka_unit_test(timestamps_become_numbers_in_all_years),
      cmocka_unit_test(equal_values_compare_equal),
      cmocka_unit_test(rows_of_csv_follow_the_header),
      cmocka_unit_test(lists_are_taken_apart),
      cmocka_unit_test(differences_are_aligned),
  };
  return cmocka_run_group_tests(tests, check_program, tear_down);
}
