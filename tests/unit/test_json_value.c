/* Values of type json: canonical form, parts, conversions, equality. Whole records are compared with Python's
 * in tests/oracle/json_oracle.py. */
#include "value_fixture.h"

#include "flow/json_value.h"
#include "sys.h"

static struct flow_mem *mem;

/* Reads the text as the value of a record; false: it is refused. */
static bool read_value(const char *text, struct flow_str *out) {
  static char record[4096 + FLOW_PADDING];
  struct flow_bad_record bad;
  size_t length = strlen(text);
  memset(record, 0, sizeof record);
  memcpy(record, text, length);
  struct flow_json j = {record, record + length, mem, &bad, NULL};
  return flow_json_value(&j, out) && flow_json_finish(&j);
}

static struct flow_str value_of(const char *text) {
  struct flow_str v, kept;
  if (!read_value(text, &v)) fail_msg("refused: %s", text);
  flow_str_copy(mem, &kept, &v);
  return kept;
}

static void values_get_one_form(void **state) {
  (void)state;
  static const char *const pairs[][2] = {
      {"1", "1"},
      {" -0.50e+1 ", "-0.50e+1"},
      {"null", "null"},
      {"[ ]", "[]"},
      {"{ }", "{}"},
      {"[1,2 ,\t3]", "[1, 2, 3]"},
      {"{\"a\":1,\"b\" : [ ]}", "{\"a\": 1, \"b\": []}"},
      {"{\"b\":1,\"a\":2,\"b\":3}", "{\"b\": 1, \"a\": 2, \"b\": 3}"},
      {"\"\\u0041\\/\\u00e9\"", "\"A/é\""},
      {"\"\\u0008\\u000b\\u001F\\n\"", "\"\\b\\u000b\\u001f\\n\""},
      {"\"a, b: c\"", "\"a, b: c\""},
      {"{\"a, b\":\" : \"}", "{\"a, b\": \" : \"}"},
      {"\"\x7f\"", "\"\x7f\""},
  };
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    struct flow_str v = value_of(pairs[i][0]);
    assert_text(v, pairs[i][1]);
    assert_true(flow_json_value_check(flow_str_data(&v), v.length));
    struct flow_str again = value_of(pairs[i][1]);
    assert_true(flow_str_equal(&v, &again));
  }
  struct flow_str v;
  assert_false(read_value("[1,]", &v));
  assert_false(read_value("01", &v));
  assert_false(read_value("{\"a\" 1}", &v));
}

static void other_forms_are_noticed(void **state) {
  (void)state;
  static const char *const texts[] = {
      "", " 1", "1 ", "[1,2]", "[1,  2]", "[1, ]", "[, 1]", "[1", "{\"a\":1}", "{\"a\": }", "{a: 1}", "{\"a\": 1,}",
      "{\"a\": 1", "01", "1.", "1e", "-", "+1", ".5", "tru", "nul", "\"a", "\"", "\"\\\"", "\"\\u0041\"", "\"\\u000a\"",
      "\"\\u001F\"", "\"\\/\"", "\"\\u00\"", "\"\n\"", "\"\xff\"", "[[]", "[]]", "\"\\u0", "\"a\" ", "NaN"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    /* In memory of just that size, so that the sanitizer sees a look behind it. */
    size_t length = strlen(texts[i]);
    char *bytes = malloc(length + 1);
    memcpy(bytes, texts[i], length);
    if (flow_json_value_check(bytes, length)) fail_msg("%s", texts[i]);
    free(bytes);
  }
  char deep[2 * FLOW_JSON_DEPTH + 4];
  memset(deep, '[', FLOW_JSON_DEPTH + 1);
  memset(deep + FLOW_JSON_DEPTH + 1, ']', FLOW_JSON_DEPTH + 1);
  assert_false(flow_json_value_check(deep, 2 * FLOW_JSON_DEPTH + 2));
  assert_true(flow_json_value_check(deep + 1, 2 * FLOW_JSON_DEPTH));
}

/* Damaged canonical text is refused or is another value; nothing is read behind its end. */
static void damage_does_no_harm(void **state) {
  (void)state;
  static const char text[] = "{\"a\": [1.5e3, \"x\\n\\u0001\", {}], \"b\": {\"c\": null, \"d\": [true, false]}}";
  struct random r = {5};
  for (int i = 0; i < 100000; i++) {
    size_t length = random_below(&r, sizeof text);
    char *bytes = malloc(length + 1);
    memcpy(bytes, text, length);
    if (length > 0 && i % 4 != 0) bytes[random_below(&r, length)] = text[random_below(&r, sizeof text - 1)];
    if (flow_json_value_check(bytes, length)) {
      struct flow_str v = flow_str_make(bytes, length), found;
      struct flow_str_list list;
      (void)flow_json_value_member(&v, "\"b\"", 3, &found);
      (void)flow_json_value_elements(mem, &v, &list);
      assert_true(flow_json_value_equal(&v, &v));
    }
    free(bytes);
  }
}

static void parts_are_found(void **state) {
  (void)state;
  struct flow_str v = value_of("{\"a\":{\"b\":[10,null,{\"c\":\"x\"}]},\"a b\":1,\"q\\\"\":2,\"n\":null,\"d\":1,\"d\":2}");
  struct flow_str a, b, part, key = flow_str_literal("q\"");
  assert_true(flow_json_value_member(&v, "\"a\"", 3, &a));
  assert_true(flow_json_value_member(&a, "\"b\"", 3, &b));
  assert_true(flow_json_value_element(&b, 0, &part));
  assert_text(part, "10");
  assert_true(flow_json_value_element(&b, 2, &part));
  assert_text(part, "{\"c\": \"x\"}");
  assert_true(flow_json_value_member(&v, "\"a b\"", 5, &part));
  assert_true(flow_json_value_named(mem, &v, &key, &part));
  assert_text(part, "2");
  assert_true(flow_json_value_member(&v, "\"d\"", 3, &part));
  assert_text(part, "2");
  assert_false(flow_json_value_element(&b, 1, &part)); /* null */
  assert_false(flow_json_value_element(&b, 3, &part));
  assert_false(flow_json_value_element(&b, -1, &part));
  assert_false(flow_json_value_element(&v, 0, &part));
  assert_false(flow_json_value_member(&v, "\"n\"", 3, &part));
  assert_false(flow_json_value_member(&v, "\"x\"", 3, &part));
  assert_false(flow_json_value_member(&b, "\"c\"", 3, &part));
  assert_text(part, "2");
}

static void conversions_say_what_fits(void **state) {
  (void)state;
  struct flow_str text;
  int64_t number;
  double real;
  bool truth;
  struct flow_str v = value_of("12");
  assert_true(flow_json_value_int(&v, &number) && number == 12);
  assert_true(flow_json_value_float(&v, &real) && real == 12.0);
  assert_true(flow_json_value_decimal(&v, 2, &number) && number == 1200);
  assert_false(flow_json_value_bool(&v, &truth));
  assert_false(flow_json_value_string(mem, &v, &text));
  v = value_of("12.50");
  assert_false(flow_json_value_int(&v, &number));
  assert_true(flow_json_value_decimal(&v, 1, &number) && number == 125);
  assert_false(flow_json_value_decimal(&v, 0, &number));
  v = value_of("1e400");
  assert_false(flow_json_value_float(&v, &real));
  v = value_of("9223372036854775808");
  assert_false(flow_json_value_int(&v, &number));
  v = value_of("\"a\\u0001\\n\\\\long enough for a pointer\"");
  assert_true(flow_json_value_string(mem, &v, &text));
  assert_text(text, "a\x01\n\\long enough for a pointer");
  v = value_of("\"12\"");
  assert_false(flow_json_value_int(&v, &number));
  v = value_of("false");
  assert_true(flow_json_value_bool(&v, &truth) && !truth);
  struct flow_str_list list;
  v = value_of("[1,[2,3],null]");
  assert_true(flow_json_value_elements(mem, &v, &list) && list.length == 3);
  assert_text(list.data[1], "[2, 3]");
  assert_true(flow_json_value_is_null(&list.data[2]));
  v = value_of("{}");
  struct flow_json_members members;
  struct flow_str key;
  assert_false(flow_json_value_elements(mem, &v, &list));
  assert_true(flow_json_value_members(&v, &members));
  assert_false(flow_json_next_of(&members, mem, &key, &v));
}

static void equality_is_of_meaning(void **state) {
  (void)state;
  static const struct {
    const char *a, *b;
    bool is_equal;
  } cases[] = {
      {"1", "1.0", true},
      {"1", "100e-2", true},
      {"0", "-0.000e5", true},
      {"120", "1.2E+2", true},
      {"0.05", "5e-2", true},
      {"10", "100", false},
      {"1", "-1", false},
      {"1.05", "1.5", false},
      {"100000000000000000001", "100000000000000000002", false},
      {"1e999999999999999999999", "1", false},
      {"1", "\"1\"", false},
      {"null", "0", false},
      {"[]", "{}", false},
      {"[1, 2]", "[1.0, 2]", true},
      {"[1, 2]", "[2, 1]", false},
      {"[1]", "[1, 1]", false},
      {"[1]", "[]", false},
      {"{\"a\": 1, \"b\": [2]}", "{\"b\":[2.0],\"a\":1}", true},
      {"{\"a\": 1}", "{\"a\": 1, \"b\": null}", false},
      {"{\"a\": 1, \"a\": 2}", "{\"a\": 2}", true},
      {"{\"a\": 1, \"a\": 2}", "{\"a\": 1}", false},
      {"{\"a\": 1}", "{\"b\": 1}", false},
      {"{}", "{ }", true},
      {"\"\\u0041\"", "\"A\"", true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct flow_str a = value_of(cases[i].a), b = value_of(cases[i].b);
    if (flow_json_value_equal(&a, &b) != cases[i].is_equal ||
        flow_json_value_equal(&b, &a) != cases[i].is_equal)
      fail_msg("%s and %s", cases[i].a, cases[i].b);
  }
}

static void texts_are_printed_without_quotes(void **state) {
  (void)state;
  static const char *const pairs[][2] = {
      {"\"a\\nb\"", "a\nb"}, {"\"\"", ""}, {"12", "12"}, {"[\"a\"]", "[\"a\"]"}, {"null", "null"}};
  struct flow_buf b = {0};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    struct flow_str v = value_of(pairs[i][0]);
    b.length = 0;
    flow_buf_reserve(&b, 8);
    char *end = flow_write_json_value(&b, b.data, &v, 8);
    assert_int_equal(end - b.data, strlen(pairs[i][1]));
    assert_memory_equal(b.data, pairs[i][1], strlen(pairs[i][1]));
  }
  flow_buf_free(&b);
}

static int set_up(void **state) {
  (void)state;
  mem = flow_mem_arena_new(flow_sys_posix());
  return mem == NULL;
}

static int tear_down(void **state) {
  (void)state;
  flow_mem_delete(mem);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_get_one_form),
      cmocka_unit_test(other_forms_are_noticed),
      cmocka_unit_test(damage_does_no_harm),
      cmocka_unit_test(parts_are_found),
      cmocka_unit_test(conversions_say_what_fits),
      cmocka_unit_test(equality_is_of_meaning),
      cmocka_unit_test(texts_are_printed_without_quotes),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
