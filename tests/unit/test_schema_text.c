/* Keys that people write, and how keys and types are printed. */
#include "store_fixture.h"

#include "schema.h"

#define PAIR "record { shop: string, item: int }"
#define SHAPE "enum { point, circle { r: float } }"

struct row {
  const char *type;
  const char *words[4]; /* ends at the first null */
  const char *expected; /* as JSON; null: refused */
  const char *why;      /* a part of the message */
};

static const struct row rows[] = {
    {"string", {"a b"}, "\"a b\"", NULL},
    {"string", {""}, "\"\"", NULL},
    {"string", {"\"a\\u00e9\""}, "\"a\xc3\xa9\"", NULL},
    {"string", {"\"half"}, "\"\\\"half\"", NULL},
    {"string", {"5"}, "\"5\"", NULL},
    {"string", {"null"}, "\"null\"", NULL},
    {"string", {"\xff"}, NULL, "UTF-8"},
    {"int", {"-7"}, "-7", NULL},
    {"int", {"9223372036854775807"}, "9223372036854775807", NULL},
    {"int", {"9223372036854775808"}, NULL, "64"},
    {"int", {"seven"}, NULL, "expected an int"},
    {"int", {"7 8"}, NULL, ""},
    {"int", {""}, NULL, ""},
    {"float", {"0.1"}, "0.1", NULL},
    {"decimal[2]", {"3.5"}, "3.50", NULL},
    {"decimal[2]", {"-0.01"}, "-0.01", NULL},
    {"decimal[0]", {"7"}, "7", NULL},
    {"decimal[2]", {"3.555"}, NULL, "more than 2 digits behind the point"},
    {"decimal[2]", {"x"}, NULL, "expected a decimal"},
    {"bool", {"true"}, "true", NULL},
    {"bool", {"yes"}, NULL, "true"},
    {"timestamp", {"2024-01-01T02:00:00+02:00"}, "\"2024-01-01T00:00:00Z\"", NULL},
    {"timestamp", {"\"2024-01-01T00:00:00Z\""}, "\"2024-01-01T00:00:00Z\"", NULL},
    {"timestamp", {"yesterday"}, NULL, "timestamp"},
    {"duration", {"90m"}, "\"1h30m\"", NULL},
    {"duration", {"90"}, NULL, "duration"},
    {"enum { low, high }", {"low"}, "\"low\"", NULL},
    {"enum { low, high }", {"\"high\""}, "\"high\"", NULL},
    {"enum { low, high }", {"medium"}, NULL, "low, high"},
    {"enum { low, high }", {"\"medium\""}, NULL, "low, high"},
    {SHAPE, {"point"}, "\"point\"", NULL},
    {SHAPE, {"{\"circle\": {\"r\": 2}}"}, "{\"circle\": {\"r\": 2.0}}", NULL},
    {SHAPE, {"circle"}, NULL, "point, circle"},
    {SHAPE, {"{\"circle\": {\"r\": 2}, \"x\": 1}"}, NULL, ""},
    {"string?", {"none"}, "null", NULL},
    {"string?", {"null"}, "null", NULL},
    {"string?", {"\"none\""}, "\"none\"", NULL},
    {"int?", {"5"}, "5", NULL},
    {"int?", {"x"}, NULL, "expected an int"},
    {"unit", {NULL}, "null", NULL},
    {"list[int]", {"[1, 2]"}, "[1, 2]", NULL},
    {"list[int]", {"[1, 2"}, NULL, "]"},
    {"list[string?]", {"[\"a\", null]"}, "[\"a\", null]", NULL},
    {PAIR, {"x", "-1"}, "{\"shop\": \"x\", \"item\": -1}", NULL},
    {PAIR, {"{\"item\": 1, \"shop\": \"{\"}"}, "{\"shop\": \"{\", \"item\": 1}", NULL},
    {PAIR, {"{", "1"}, "{\"shop\": \"{\", \"item\": 1}", NULL},
    {PAIR, {"x"}, NULL, "2 words here, and 1 is given"},
    {PAIR, {"x", "1", "2"}, NULL, "3 are given"},
    {PAIR, {"x", "y"}, NULL, "field `item`: expected an int"},
    {PAIR, {"{\"item\": 1}"}, NULL, "missing field `shop`"},
    {PAIR, {"{\"item\": \"1\", \"shop\": \"x\"}"}, NULL, "field `item`: expected an int"},
    {PAIR, {"{\"item\": 1, \"shop\": \"x\", \"n\": 1}"}, NULL, "no field `n`"},
    {PAIR, {NULL}, NULL, "no key"},
    {"string", {"a", "b"}, NULL, "1 word here, and 2 are given"},
    {"record { at: " PAIR ", ok: bool }", {"{\"shop\": \"x\", \"item\": 1}", "true"},
     "{\"at\": {\"shop\": \"x\", \"item\": 1}, \"ok\": true}", NULL},
};

static void reads_keys_as_people_write_them(void **state) {
  (void)state;
  struct flow_schema_pool *pool = flow_schema_pool_new(flow_sys_posix());
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct row *row = &rows[i];
    const struct flow_type *type = flow_schema_parse(pool, row->type, strlen(row->type));
    assert_non_null(type);
    size_t count = 0;
    while (count < 4 && row->words[count] != NULL) count++;
    struct flow_buf key = {0}, text = {0};
    struct flow_report report = {0};
    enum flow_status status = flow_view_parse_key(type, row->words, count, &key, &report);
    if (row->expected == NULL) {
      if (status != FLOW_E_USAGE || strstr(report.message, row->why) == NULL)
        fail_msg("row %zu: status %d, %s", i, status, report.message);
      assert_non_null(strstr(report.help, "keys are of type"));
    } else {
      if (status != FLOW_OK) fail_msg("row %zu: %s", i, report.message);
      assert_true(flow_view_print(&text, type, key.data, key.length));
      flow_buf_add(&text, "", 1);
      assert_string_equal(text.data, row->expected);
      text.length = 0; /* a part of it is no value */
      if (key.length > 1) assert_false(flow_view_print(&text, type, key.data, key.length - 1));
    }
    flow_buf_free(&key);
    flow_buf_free(&text);
  }
  flow_schema_pool_free(pool);
}

/* Bytes of each kind, as codec.h has them, and their text. */
static void prints_values_of_every_kind(void **state) {
  (void)state;
  static const struct {
    const char *type, *bytes;
    size_t length;
    const char *expected;
  } values[] = {
      {"bytes", "\2\x01\xff", 3, "\"Af8=\""},
      {"map[string, int]", "\2\1a\2\1b\4", 7, "{\"a\": 1, \"b\": 2}"},
      {"map[int, bool]", "\1\3\1", 3, "{\"-2\": true}"},
      {"map[enum { x, y }, unit]", "\1\1\0", 3, "{\"y\": null}"},
      {"map[bool, int]", "\1\1\2", 3, "[[true, 1]]"},
      {"set[string]", "\1\2\"\n", 4, "[\"\\\"\\n\"]"},
      {"record {}", "\0", 1, "{}"},
      {"record { a: list[record { b: int? }] }", "\2\0\1\2", 4, "{\"a\": [{\"b\": null}, {\"b\": 1}]}"},
      {"map[string, int]", "\0", 1, "{}"},
      {"decimal[2]", "\x03", 1, "-0.02"},
      {"json", "\x0a{\"a\": [1]}", 11, "{\"a\": [1]}"},
      {"timestamp", "\0", 1, "\"1970-01-01T00:00:00Z\""},
  };
  struct flow_schema_pool *pool = flow_schema_pool_new(flow_sys_posix());
  struct flow_buf text = {0};
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
    const struct flow_type *type = flow_schema_parse(pool, values[i].type, strlen(values[i].type));
    text.length = 0;
    assert_true(flow_view_print(&text, type, values[i].bytes, values[i].length));
    flow_buf_add(&text, "", 1);
    assert_string_equal(text.data, values[i].expected);
  }
  static const char *const types[][2] = {
      {"record { a: list[int] = 0x00, b was \"c\": string? }", "{ a: list[int], b: string? }"},
      {"map[string, set[bool]]", "map[string, set[bool]]"},
      {"record Cart {}", "{ }"},
      {SHAPE, "enum { point, circle(r: float) }"},
  };
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    const struct flow_type *type = flow_schema_parse(pool, types[i][0], strlen(types[i][0]));
    text.length = 0;
    flow_view_print_type(&text, type);
    flow_buf_add(&text, "", 1);
    assert_string_equal(text.data, types[i][1]);
  }
  flow_buf_free(&text);
  flow_schema_pool_free(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_keys_as_people_write_them),
      cmocka_unit_test(prints_values_of_every_kind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
