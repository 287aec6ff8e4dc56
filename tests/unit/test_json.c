/* The pieces of JSON parsers: what is accepted, what is refused and where, and what is skipped. */
#include "value_fixture.h"

#include "flow/json.h"
#include "flow/time.h"

static struct counting_sys sys;
static struct flow_mem *arena;
static struct flow_bad_record bad;
static char room[20000];

static int make_arena(void **state) {
  (void)state;
  sys = counting_sys();
  arena = flow_mem_arena_new(&sys.sys);
  return 0;
}

static int drop_arena(void **state) {
  (void)state;
  flow_mem_delete(arena);
  return 0;
}

/* A line as it lies in a block: behind it its newline, another record and the block's padding. */
static struct flow_json open_bytes(const char *data, size_t length) {
  static const char next[] = "\n{\"next\": [1, \"x\"]}";
  assert_true(length + sizeof next + FLOW_PADDING < sizeof room);
  memset(room, 0, length + sizeof next + FLOW_PADDING);
  memcpy(room, data, length);
  memcpy(room + length, next, sizeof next);
  return (struct flow_json){.cursor = room, .end = room + length, .mem = arena, .bad = &bad};
}

static struct flow_json open_line(const char *data) {
  return open_bytes(data, strlen(data));
}

/* -- any value ------------------------------------------------------------------------------- */

static bool skips(struct flow_json *j) {
  return flow_json_skip(j) && flow_json_finish(j);
}

static void well_formed_values_are_skipped(void **state) {
  (void)state;
  static const char *const good[] = {
      "1",
      "-0",
      "0.5",
      "-1.25e+10",
      "1E5",
      "123456789012345678901234567890",
      "1e999",
      "true",
      "false",
      "null",
      "\"\"",
      "\"abc\"",
      "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
      "[]",
      "{}",
      " [ ] ",
      "[1,2 , 3]",
      "{\"a\":1}",
      "{ \"a\" : { \"b\" : [ { } , [ ] ] } , \"c\" : null }\r",
      "\"\\ud83d\\ude00\"",
      "\"\xe2\x82\xac and text that is longer than sixteen bytes\"",
      "[[[[[[[[]]]]]]]]",
      "{\"a\":1,\"a\":2}",
      "\"\\u0000\"",
      "\t1\t",
      "[\"a\",{\"b\":[]},-1]",
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct flow_json j = open_line(good[i]);
    if (!skips(&j)) fail_msg("%s: %s", good[i], bad.reason);
  }
}

static const struct malformed {
  const char *text;
  int at; /* offset of what is wrong */
} malformed[] = {
    {"", 0},
    {" ", 1},
    {"01", 0},
    {"-01", 1},
    {"-", 0},
    {"+1", 0},
    {"1.", 2},
    {".5", 0},
    {"1e", 2},
    {"1e+", 3},
    {"NaN", 0},
    {"Infinity", 0},
    {"-Infinity", 0},
    {"tru", 0},
    {"True", 0},
    {"nul", 0},
    {"truex", 4},
    {"1 2", 2},
    {"'a'", 0},
    {"\"abc", 0},
    {"\"a\tb\"", 2},
    {"\"\\x\"", 1},
    {"\"\\u12g4\"", 1},
    {"\"\\ud800\"", 1},
    {"\"\\ud800x\"", 1},
    {"\"\\udc00\"", 1},
    {"\"\\udc00\\udc00\"", 1},
    {"\"\\ud800\\ud800\"", 1},
    {"\"a\\", 2},
    {"\"\\u12", 1},
    {"\"\xff\"", 1},
    {"\"ab\xc0\x80\"", 3},
    {"\"\xed\xa0\x80\"", 1},
    {"\"0123456789abcdef\x01\"", 17},
    {"[", 1},
    {"[1", 2},
    {"[1,", 3},
    {"[1,]", 3},
    {"[,1]", 1},
    {"[1 2]", 3},
    {"]", 0},
    {"{", 1},
    {"{\"a\"", 4},
    {"{\"a\":", 5},
    {"{\"a\":1", 6},
    {"{\"a\":1,", 7},
    {"{\"a\":1,}", 7},
    {"{a:1}", 1},
    {"{\"a\" 1}", 5},
    {"{1:1}", 1},
    {"{\"a\":1]", 6},
    {"[1}", 2},
    {"[1]]", 3},
    {"{\"a\":\"b\\q\"}", 7},
    {"/* */1", 0},
    {"\xef\xbb\xbf"
     "1",
     0},
    {"[\"\xe2\x82\"]", 2},
    {"\xc3\xa9", 0},
    {"{\"\\ud800\":1}", 2},
};

static void malformed_values_are_refused_at_their_place(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
    struct flow_json j = open_line(malformed[i].text);
    bad = (struct flow_bad_record){0};
    if (skips(&j)) fail_msg("%s accepted", malformed[i].text);
    if (bad.at - room != malformed[i].at) {
      fail_msg("%s: at %d, expected %d: %s", malformed[i].text, (int)(bad.at - room),
               malformed[i].at, bad.reason);
    }
    assert_true(bad.reason[0] != '\0');
    assert_int_equal(flow_utf8_valid(bad.reason, strlen(bad.reason)), strlen(bad.reason));
  }
  struct flow_json j = open_bytes("\"a\0b\"", 5);
  assert_false(skips(&j));
  assert_int_equal(bad.at - room, 2);
}

static void nesting_has_a_limit(void **state) {
  (void)state;
  char deep[2 * FLOW_JSON_DEPTH + 4];
  for (int depth = FLOW_JSON_DEPTH; depth <= FLOW_JSON_DEPTH + 1; depth++) {
    memset(deep, '[', (size_t)depth);
    memset(deep + depth, ']', (size_t)depth);
    struct flow_json j = open_bytes(deep, 2 * (size_t)depth);
    assert_int_equal(skips(&j), depth == FLOW_JSON_DEPTH);
  }
  char mixed[6 * 200 + 1] = "";
  for (int i = 0; i < 200; i++) strcat(mixed, i % 2 == 0 ? "[" : "{\"k\":");
  strcat(mixed, "1");
  for (int i = 199; i >= 0; i--) strcat(mixed, i % 2 == 0 ? "]" : "}");
  struct flow_json j = open_line(mixed);
  assert_true(skips(&j));
  *strrchr(mixed, ']') = '}';
  j = open_line(mixed);
  assert_false(skips(&j));
}

/* Damaged values must be judged without a read out of bounds, whatever the verdict. */
static void damaged_values_do_no_harm(void **state) {
  (void)state;
  static const char whole[] =
      "{\"user_id\": \"a\\u00e9\\ud83d\\ude00\", \"n\": [-1.5e3, 0, {\"x\": null}], "
      "\"long\": \""
      "\xe2\x82\xac"
      "0123456789abcdefghijklmnop\", \"t\": true}";
  struct random r = {3};
  int good = 0;
  for (int i = 0; i < 100000; i++) {
    char data[sizeof whole];
    memcpy(data, whole, sizeof whole);
    size_t length = sizeof whole - 1;
    for (uint64_t k = random_below(&r, 3); k > 0; k--) {
      char c = (char)random_below(&r, 256);
      data[random_below(&r, length)] = c == '\n' ? '"' : c;
    }
    if (random_below(&r, 3) == 0) length = random_below(&r, length);
    char *exact = calloc(1, length + 1 + FLOW_PADDING);
    memcpy(exact, data, length);
    exact[length] = '\n';
    struct flow_json j = {.cursor = exact, .end = exact + length, .mem = arena, .bad = &bad};
    bool is_good = skips(&j);
    good += is_good;
    if (!is_good) assert_true(bad.at >= exact && bad.at <= exact + length);
    free(exact);
    flow_mem_arena_reset(arena);
  }
  assert_true(good > 10000 && good < 90000);
}

/* -- strings --------------------------------------------------------------------------------- */

static void strings_are_sliced_or_decoded(void **state) {
  (void)state;
  static const struct {
    const char *in, *out;
    bool is_borrowed;
  } cases[] = {
      {"\"\"", "", false},
      {"\"abc\"", "abc", false},
      {"\"123456789012\"", "123456789012", false},
      {"\"1234567890123\"", "1234567890123", true},
      {"\"a string of more than sixteen bytes\"", "a string of more than sixteen bytes", true},
      {"\"\xe2\x82\xac\"", "\xe2\x82\xac", false},
      {"\"\xe2\x82\xac"
       "0123456789abcdefg\"",
       "\xe2\x82\xac"
       "0123456789abcdefg",
       true},
      {"\"a\\nb\"", "a\nb", false},
      {"\"\\u20ac\"", "\xe2\x82\xac", false},
      {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", false},
      {"\"\\/\\\\\\\"\"", "/\\\"", false},
      {"\"0123456789abcdef\\t0123456789\"", "0123456789abcdef\t0123456789", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct flow_json j = open_line(cases[i].in);
    struct flow_str s;
    assert_true(flow_json_string(&j, &s));
    assert_text(s, cases[i].out);
    assert_ptr_equal(j.cursor, j.end);
    const char *data = flow_str_data(&s);
    assert_int_equal(data > room && data < room + sizeof room, cases[i].is_borrowed);
  }
  struct flow_json j = open_line("\"a\\u0000b\"");
  struct flow_str s;
  assert_true(flow_json_string(&j, &s));
  assert_int_equal(s.length, 3);
  assert_memory_equal(flow_str_data(&s), "a\0b", 3);
}

/* Whatever is printed reads back. */
static void printed_strings_read_back(void **state) {
  (void)state;
  struct random r = {4};
  struct flow_buf b = {0};
  for (int i = 0; i < 50000; i++) {
    char data[60], *p = data;
    for (uint64_t k = random_below(&r, 14); k > 0; k--) {
      uint32_t code = (uint32_t)(random_next(&r) & 0x1fffff) >> random_below(&r, 21);
      if (code < 0x110000 && (code < 0xd800 || code > 0xdfff)) p = flow_utf8_write(p, code);
    }
    struct flow_str s = flow_str_make(data, (size_t)(p - data)), back;
    b.length = 0;
    flow_print_json_str(&b, &s);
    struct flow_json j = open_bytes(b.data, b.length);
    if (!flow_json_string(&j, &back)) fail_msg("%s", bad.reason);
    assert_true(flow_str_equal(&s, &back));
    j = open_bytes(b.data, b.length);
    assert_true(skips(&j));
    flow_mem_arena_reset(arena);
  }
  flow_buf_free(&b);
}

/* -- numbers and times ----------------------------------------------------------------------- */

static void ints_are_exact_or_refused(void **state) {
  (void)state;
  static const struct {
    const char *in;
    int64_t value;
    bool is_good;
  } cases[] = {
      {"0", 0, true},
      {"-0", 0, true},
      {"42", 42, true},
      {"-7", -7, true},
      {"123456789012345678", 123456789012345678, true},
      {"1234567890123456789", 1234567890123456789, true},
      {"9223372036854775807", INT64_MAX, true},
      {"-9223372036854775808", INT64_MIN, true},
      {"9223372036854775808", 0, false},
      {"-9223372036854775809", 0, false},
      {"99999999999999999999999", 0, false},
      {"01", 0, false},
      {"00", 0, false},
      {"1.0", 0, false},
      {"1e3", 0, false},
      {"-", 0, false},
      {"\"1\"", 0, false},
      {"null", 0, false},
      {"", 0, false},
      {"+1", 0, false},
      {"0123456789012345678", 0, false},
      {"1234567890123456789.5", 0, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct flow_json j = open_line(cases[i].in);
    int64_t value = 99;
    bool is_good = flow_json_int(&j, &value);
    if (is_good != cases[i].is_good)
      fail_msg("%s: %s", cases[i].in, is_good ? "accepted" : bad.reason);
    if (!is_good) continue;
    assert_int_equal(value, cases[i].value);
    assert_ptr_equal(j.cursor, j.end);
  }
}

static void floats_and_bools(void **state) {
  (void)state;
  static const char *const good[] = {"1",      "-0.0",   "26.666666666666668",
                                     "1e-400", "1.5E+3", "12345678901234567890"};
  static const char *const wrong[] = {"1e400", "-1e400", "1.", "\"1\"", "nan", "01.5", "", "null"};
  double value;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct flow_json j = open_line(good[i]);
    assert_true(flow_json_float(&j, &value));
    assert_true(value == strtod(good[i], NULL));
    assert_ptr_equal(j.cursor, j.end);
  }
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct flow_json j = open_line(wrong[i]);
    if (flow_json_float(&j, &value)) fail_msg("%s accepted", wrong[i]);
  }
  bool truth;
  struct flow_json j = open_line("true");
  assert_true(flow_json_bool(&j, &truth) && truth && j.cursor == j.end);
  j = open_line("false");
  assert_true(flow_json_bool(&j, &truth) && !truth && j.cursor == j.end);
  j = open_line("1");
  assert_false(flow_json_bool(&j, &truth));
  assert_string_equal(bad.reason, "expected `true` or `false`, found a number");
}

static void times(void **state) {
  (void)state;
  int64_t us;
  struct flow_json j = open_line("\"2024-01-01T00:00:00Z\"");
  assert_true(flow_json_timestamp(&j, &us) && us == INT64_C(1704067200000000));
  j = open_line("\"2024-01-01\"");
  assert_false(flow_json_timestamp(&j, &us));
  assert_ptr_equal(bad.at, room);
  j = open_line("1704067200000");
  assert_true(flow_json_timestamp_of_unit(&j, 1000, &us) && us == INT64_C(1704067200000000));
  j = open_line("9223372036854775807");
  assert_false(flow_json_timestamp_of_unit(&j, 1000, &us));
  j = open_line("\"1h30m\"");
  assert_true(flow_json_duration(&j, &us) && us == INT64_C(5400000000));
  j = open_line("5");
  assert_false(flow_json_duration(&j, &us));
  assert_string_equal(bad.reason, "expected a duration in quotes, found a number");
}

/* -- a parser like the generated ones -------------------------------------------------------- */

struct event {
  struct flow_str user;
  int64_t order;
  bool has_order;
};

static bool read_inner(struct flow_json *j, int64_t *out) {
  if (!flow_json_begin_object(j, "an Inner")) return false;
  enum flow_json_next next = flow_json_first_member(j);
  bool has_n = false;
  for (; next == FLOW_JSON_MORE; next = flow_json_next_member(j)) {
    struct flow_str key;
    if (!flow_json_key(j, &key)) return false;
    if (flow_str_is(&key, "n", 1)) {
      has_n = true;
      if (!flow_json_int(j, out)) return flow_json_in_field(j, "n");
    } else if (!flow_json_skip(j)) {
      return false;
    }
  }
  if (next == FLOW_JSON_BAD) return false;
  return has_n || flow_json_missing(j, "n");
}

static bool read_event(struct flow_json *j, struct event *out) {
  bool has_user = false;
  *out = (struct event){0};
  if (!flow_json_begin_object(j, "an Event")) return false;
  enum flow_json_next next = flow_json_first_member(j);
  for (; next == FLOW_JSON_MORE; next = flow_json_next_member(j)) {
    struct flow_str key;
    if (!flow_json_key(j, &key)) return false;
    if (flow_str_is(&key, "user", 4)) {
      has_user = true;
      if (!flow_json_string(j, &out->user)) return flow_json_in_field(j, "user");
    } else if (flow_str_is(&key, "inner", 5)) {
      out->has_order = !flow_json_try_null(j);
      if (out->has_order && !read_inner(j, &out->order)) return flow_json_in_field(j, "inner");
    } else if (!flow_json_skip(j)) {
      return false;
    }
  }
  if (next == FLOW_JSON_BAD) return false;
  if (!has_user) return flow_json_missing(j, "user");
  return flow_json_finish(j);
}

static void records_are_read(void **state) {
  (void)state;
  static const struct {
    const char *in, *user;
    int64_t order;
    bool has_order;
  } cases[] = {
      {"{\"user\": \"a\", \"inner\": {\"n\": 5}}", "a", 5, true},
      {"{\"inner\":{\"n\":5,\"m\":[]},\"user\":\"a\"}\r", "a", 5, true},
      {" { \"user\" : \"a\" , \"inner\" : null } ", "a", 0, false},
      {"{\"us\\u0065r\":\"b\",\"user2\":\"c\",\"use\":1}", "b", 0, false},
      {"{\"user\":\"a\",\"user\":\"b\"}", "b", 0, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct flow_json j = open_line(cases[i].in);
    struct event e;
    if (!read_event(&j, &e)) fail_msg("%s: %s", cases[i].in, bad.reason);
    assert_text(e.user, cases[i].user);
    assert_int_equal(e.order, cases[i].order);
    assert_int_equal(e.has_order, cases[i].has_order);
  }
}

static void messages_say_what_and_where(void **state) {
  (void)state;
  static const struct {
    const char *in, *reason;
    int at;
  } cases[] = {
      {"FAIL HERE", "expected `{`, the start of an Event", 0},
      {"{\"inner\": {\"n\": 1}}", "missing field `user`", 18},
      {"{\"user\": 5}", "field `user`: expected a string, found a number", 9},
      {"{\"user\": \"a\", \"inner\": {\"n\": \"x\"}}",
       "field `inner.n`: expected an int, found a string", 29},
      {"{\"user\": \"a\", \"inner\": {\"n\": 1.5}}",
       "field `inner.n`: expected an int, found a float", 29},
      {"{\"user\": \"a\", \"inner\": {}}", "field `inner`: missing field `n`", 24},
      {"{\"user\": \"a\", \"inner\": 7}", "field `inner`: expected `{`, the start of an Inner", 23},
      {"{\"user\": \"a\" \"inner\": 7}", "expected `,` or `}`, found a string", 13},
      {"{\"user\": \"a\"", "expected `,` or `}`, found the end of the record", 12},
      {"{\"user\" \"a\"}", "expected `:`, found a string", 8},
      {"{\"user\": \"a\"} x", "expected the end of the record behind its value", 14},
      {"", "expected `{`, the start of an Event", 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct flow_json j = open_line(cases[i].in);
    struct event e;
    assert_false(read_event(&j, &e));
    assert_string_equal(bad.reason, cases[i].reason);
    assert_int_equal(bad.at - room, cases[i].at);
  }
}

/* -- guesses --------------------------------------------------------------------------------- */

static void a_guess_is_followed_only_if_all_of_it_is_there(void **state) {
  (void)state;
  static const char *const texts[] = {"}", ",\"a\":", "{ \"fifteen\" : ", ",\"sixteen_1\"  : ", "}\t",
                                      ", \"seventeen_12\":", ", \"a_key_of_twenty_two__\": "};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    size_t length = strlen(texts[i]);
    struct flow_guess guess = {.text = {0}};
    struct flow_json j = open_line(texts[i]);
    assert_int_equal(flow_json_follow(&j, &guess), 0);
    assert_ptr_equal(j.cursor, room);
    j.cursor += length;
    flow_json_learn(&j, &guess, room, 7);
    j.cursor = room;
    assert_int_equal(flow_json_follow(&j, &guess), 7);
    assert_ptr_equal(j.cursor, room + length);
    for (size_t at = 0; at < length; at++) { /* each byte counts, and none behind them */
      j = open_line(texts[i]);
      room[at] ^= 1;
      assert_int_equal(flow_json_follow(&j, &guess), 0);
      assert_ptr_equal(j.cursor, room);
    }
    memset(room, 'x', sizeof room);
    memcpy(room, texts[i], length);
    assert_int_equal(flow_json_follow(&j, &guess), 7);
  }
}

static void what_is_too_long_to_remember_is_forgotten(void **state) {
  (void)state;
  struct flow_guess guess = {.text = {0}};
  struct flow_json j = open_line(", \"a_key_of_twenty_three__\": 1");
  const char *first = j.cursor;
  j.cursor += 4;
  flow_json_learn(&j, &guess, first, 3);
  j.cursor = first + FLOW_GUESS_TEXT;
  flow_json_learn(&j, &guess, first, 4);
  j.cursor = first;
  assert_int_equal(flow_json_follow(&j, &guess), 4);
  j.cursor++;
  assert_int_equal(j.cursor - first, FLOW_GUESS_TEXT + 1);
  flow_json_learn(&j, &guess, first, 5);
  j.cursor = first;
  assert_int_equal(flow_json_follow(&j, &guess), 0);
  assert_ptr_equal(j.cursor, first);
}

static void members_are_read_in_every_spelling(void **state) {
  (void)state;
  static const struct {
    const char *in, *name;
    char value;
  } cases[] = {
      {",\"a\":1", "a", '1'},           {", \"a\": 1", "a", '1'},
      {" ,\t \"a\" : 1", "a", '1'},     {",\"\":[", "", '['},
      {", \"fifteen_bytes__\": 1", "fifteen_bytes__", '1'},
      {", \"sixteen_bytes___\": 1", "sixteen_bytes___", '1'},
      {", \"\\u0061\\n\": 1", "a\n", '1'}, {", \"é\": 1", "é", '1'},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct flow_json j = open_line(cases[i].in);
    struct flow_str decoded;
    const char *name;
    size_t length;
    assert_int_equal(flow_json_member(&j, NULL, &decoded, &name, &length), FLOW_JSON_MORE);
    assert_int_equal(length, strlen(cases[i].name));
    assert_memory_equal(name, cases[i].name, length);
    assert_int_equal(flow_json_peek(&j), cases[i].value);
    memmove(room + 1, room, 100); /* the same as the first member of an object */
    room[0] = '{';
    room[strchr(cases[i].in, ',') - cases[i].in + 1] = ' ';
    j.cursor = room;
    j.end++;
    assert_int_equal(flow_json_member(&j, "an Event", &decoded, &name, &length), FLOW_JSON_MORE);
    assert_int_equal(length, strlen(cases[i].name));
    assert_int_equal(flow_json_peek(&j), cases[i].value);
  }
}

static void orders_that_change_all_the_time_are_not_learned(void **state) {
  (void)state;
  struct flow_guess guesses[4] = {{.text = {0}}};
  struct flow_json j = open_line("}");
  j.cursor++;
  for (int i = 0; i < FLOW_JSON_DOUBTS; i++) {
    assert_true(flow_json_learns(guesses));
    flow_json_learn(&j, &guesses[3], room, 2);
    flow_json_doubt(guesses, 4, 16, 8); /* half of them were right: no doubt */
    flow_json_doubt(guesses, 4, 16, 9);
  }
  assert_false(flow_json_learns(guesses));
  assert_int_equal(guesses[3].next, 0);
  int records = 0;
  for (; !flow_json_learns(guesses); records++) flow_json_doubt(guesses, 4, 16, 16);
  assert_int_equal(records, 128);
  j.cursor = room;
  assert_int_equal(flow_json_follow(&j, &guesses[0]), 0); /* the one that counts is no guess */
}

static void arrays_are_read(void **state) {
  (void)state;
  static const struct {
    const char *in;
    int64_t sum;
  } cases[] = {{"[]", 0},    {"[ 1 ]", 1}, {"[1,2,3]", 6}, {"[1, 2 , -3 ]", 0},
               {"[1,]", -1}, {"[1", -1},   {"[1;2]", -1},  {"1", -1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct flow_json j = open_line(cases[i].in);
    int64_t sum = 0, n;
    bool is_good = flow_json_begin_array(&j, "a list");
    enum flow_json_next next = is_good ? flow_json_first_element(&j) : FLOW_JSON_BAD;
    for (; next == FLOW_JSON_MORE; next = flow_json_next_element(&j)) {
      if (!flow_json_int(&j, &n)) {
        next = FLOW_JSON_BAD;
        break;
      }
      sum += n;
    }
    assert_int_equal(next == FLOW_JSON_BAD ? -1 : sum, cases[i].sum);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(well_formed_values_are_skipped),
      cmocka_unit_test(malformed_values_are_refused_at_their_place),
      cmocka_unit_test(nesting_has_a_limit),
      cmocka_unit_test(damaged_values_do_no_harm),
      cmocka_unit_test(strings_are_sliced_or_decoded),
      cmocka_unit_test(printed_strings_read_back),
      cmocka_unit_test(ints_are_exact_or_refused),
      cmocka_unit_test(floats_and_bools),
      cmocka_unit_test(times),
      cmocka_unit_test(records_are_read),
      cmocka_unit_test(messages_say_what_and_where),
      cmocka_unit_test(arrays_are_read),
      cmocka_unit_test(a_guess_is_followed_only_if_all_of_it_is_there),
      cmocka_unit_test(what_is_too_long_to_remember_is_forgotten),
      cmocka_unit_test(members_are_read_in_every_spelling),
      cmocka_unit_test(orders_that_change_all_the_time_are_not_learned),
  };
  return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
