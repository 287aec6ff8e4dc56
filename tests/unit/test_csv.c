/* CSV: where records end, fields, headers, and that what is printed reads back. */
#include "value_fixture.h"

#include "flow/csv.h"

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

/* The text as it lies in a block: with zeros behind it. */
static const char *lay(const char *data, size_t length) {
  assert_true(length + FLOW_PADDING < sizeof room);
  memset(room, 0, length + FLOW_PADDING);
  memcpy(room, data, length);
  return room;
}

/* -- records --------------------------------------------------------------------------------- */

static void records_end_outside_of_quotes(void **state) {
  (void)state;
  static const struct {
    const char *in;
    size_t length, consumed;
    uint64_t line_ends;
  } cases[] = {
      {"a,b\nc", 3, 4, 1},
      {"a,b\r\nc", 3, 5, 1},
      {"a,b", 3, 3, 0},
      {"a,b\r", 3, 4, 0},
      {"\n\n", 0, 1, 1},
      {"\"a\nb\",c\nd", 7, 8, 2},
      {"\"a\"\"\n\"\"\n\"\nx", 9, 10, 3},
      {"\"open\nnever\n", 12, 12, 2},
      {"", 0, 0, 0},
      {"0123456789abcdef0123456789abcdef\nx", 32, 33, 1},
      {"0123456789abcde\"0123456789abcdef\n\"\nx", 34, 35, 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t length = strlen(cases[i].in), consumed;
    const char *p = lay(cases[i].in, length);
    uint64_t line_ends;
    assert_int_equal(flow_csv_record(p, p + length, &consumed, &line_ends), cases[i].length);
    assert_int_equal(consumed, cases[i].consumed);
    assert_int_equal(line_ends, cases[i].line_ends);
  }
}

static void random_records_end_by_parity(void **state) {
  (void)state;
  struct random r = {1};
  for (int i = 0; i < 100000; i++) {
    char data[100];
    size_t length = random_below(&r, sizeof data), at = 0;
    for (size_t k = 0; k < length; k++)
      data[k] = "a,\"\n\rbcdefghi"[random_below(&r, i % 2 == 0 ? 13 : 5)];
    bool is_quoted = false;
    uint64_t expected_line_ends = 0, line_ends;
    for (; at < length && (data[at] != '\n' || is_quoted); at++) {
      is_quoted ^= data[at] == '"';
      expected_line_ends += data[at] == '\n';
    }
    const char *p = lay(data, length);
    size_t consumed, got = flow_csv_record(p, p + length, &consumed, &line_ends);
    assert_int_equal(got, at - (at > 0 && data[at - 1] == '\r'));
    assert_int_equal(consumed, at + (at < length));
    assert_int_equal(line_ends, expected_line_ends + (at < length));
  }
}

/* -- fields ---------------------------------------------------------------------------------- */

/* The fields joined by '|', quoted ones in (). False: the record is bad. */
static bool fields_of(const char *record, size_t length, char delimiter, struct flow_buf *out) {
  struct flow_csv c = {.delimiter = delimiter, .mem = arena, .bad = &bad};
  struct flow_csv_field field;
  enum flow_csv_next next;
  out->length = 0;
  if (!flow_csv_begin(&c, lay(record, length), length)) return false;
  while ((next = flow_csv_field(&c, &field)) == FLOW_CSV_MORE) {
    if (out->length > 0) flow_buf_add_char(out, '|');
    struct flow_str s = flow_csv_str(&field);
    if (field.is_quoted) flow_buf_add_char(out, '(');
    flow_print_str(out, &s);
    if (field.is_quoted) flow_buf_add_char(out, ')');
  }
  return next == FLOW_CSV_END;
}

static void fields_are_split(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"a,b,c", "a|b|c"},
      {"a", "a"},
      {"a,", "a|"},
      {"a,,c", "a||c"},
      {"\"\"", "()"},
      {"a,\"b\"", "a|(b)"},
      {"\"a,b\",c", "(a,b)|c"},
      {"\"a\"\"b\",c", "(a\"b)|c"},
      {"\"a\nb\"", "(a\nb)"},
      {"\"\"\"\"", "(\")"},
      {"\"\"\"\"\"\"", "(\"\")"},
      {" a , b ", " a | b "},
      {"a field of more than sixteen bytes,\"and another one, which is quoted\"",
       "a field of more than sixteen bytes|(and another one, which is quoted)"},
      {"\"a long one with a \"\"quote\"\" in it\"", "(a long one with a \"quote\" in it)"},
      {"\xe2\x82\xac,\xc3\xa9", "\xe2\x82\xac|\xc3\xa9"},
  };
  struct flow_buf b = {0};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (!fields_of(cases[i][0], strlen(cases[i][0]), ',', &b))
      fail_msg("%s: %s", cases[i][0], bad.reason);
    assert_buf(&b, cases[i][1]);
  }
  assert_true(fields_of("a;\"b;c\";d,e", 11, ';', &b));
  assert_buf(&b, "a|(b;c)|d,e");
  assert_true(fields_of("a\tb", 3, '\t', &b));
  assert_buf(&b, "a|b");
  assert_true(fields_of("", 0, ',', &b)); /* one field, which is empty */
  assert_int_equal(b.length, 0);
  flow_buf_free(&b);
}

static void bad_records_are_refused_at_their_place(void **state) {
  (void)state;
  static const struct {
    const char *in, *reason;
    int at;
  } cases[] = {
      {"a\"b", "a quote inside an unquoted field: put the field in quotes and double this one", 1},
      {"x,ab\"\"", "a quote inside an unquoted field: put the field in quotes and double this one",
       4},
      {"x,\"abc", "this quote is never closed", 2},
      {"\"a\"b,c", "expected `,` or the end of the record behind the closing quote", 3},
      {"\"a\" ,c", "expected `,` or the end of the record behind the closing quote", 3},
      {"\"a\"\"", "this quote is never closed", 0},
      {"ab,\xff", "this is not UTF-8", 3},
  };
  struct flow_buf b = {0};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_false(fields_of(cases[i].in, strlen(cases[i].in), ',', &b));
    assert_string_equal(bad.reason, cases[i].reason);
    assert_int_equal(bad.at - room, cases[i].at);
  }
  flow_buf_free(&b);
}

static void values_are_checked(void **state) {
  (void)state;
  static const char record[] = " 42 "
                               ",x,1.5,true,2024-01-01T00:00:00Z,1704067200,1h,,\"\","
                               "99999999999999999999999999999999999999999999";
  struct flow_csv c = {.delimiter = ',', .mem = arena, .bad = &bad};
  assert_true(flow_csv_begin(&c, lay(record, sizeof record - 1), sizeof record - 1));
  struct flow_csv_field f;
  int64_t n = 0;
  double x = 0;
  bool is_true = false;
  assert_true(flow_csv_field(&c, &f) == FLOW_CSV_MORE && flow_csv_int(&c, &f, "n", &n) && n == 42);
  assert_true(flow_csv_field(&c, &f) == FLOW_CSV_MORE && !flow_csv_int(&c, &f, "n", &n));
  assert_string_equal(bad.reason, "column `n`: expected an int, found `x`");
  assert_int_equal(bad.at - room, 5);
  assert_true(flow_csv_field(&c, &f) == FLOW_CSV_MORE && flow_csv_float(&c, &f, "x", &x) &&
              x == 1.5);
  assert_true(flow_csv_field(&c, &f) == FLOW_CSV_MORE && flow_csv_bool(&c, &f, "b", &is_true) &&
              is_true);
  assert_true(flow_csv_field(&c, &f) == FLOW_CSV_MORE && flow_csv_timestamp(&c, &f, "t", &n));
  assert_int_equal(n, INT64_C(1704067200000000));
  assert_true(flow_csv_field(&c, &f) == FLOW_CSV_MORE &&
              flow_csv_timestamp_of_unit(&c, &f, "t", 1000000, &n));
  assert_int_equal(n, INT64_C(1704067200000000));
  assert_true(flow_csv_field(&c, &f) == FLOW_CSV_MORE && flow_csv_duration(&c, &f, "d", &n));
  assert_int_equal(n, INT64_C(3600000000));
  assert_true(flow_csv_field(&c, &f) == FLOW_CSV_MORE && flow_csv_is_none(&f));
  assert_true(flow_csv_field(&c, &f) == FLOW_CSV_MORE && !flow_csv_is_none(&f) && f.length == 0);
  assert_true(flow_csv_field(&c, &f) == FLOW_CSV_MORE && !flow_csv_int(&c, &f, "big", &n));
  assert_string_equal(bad.reason, "column `big`: this int does not fit into 64 bits, found "
                                  "`9999999999999999999999999999999999999999...`");
  assert_true(flow_csv_field(&c, &f) == FLOW_CSV_END);
  assert_true(flow_csv_field(&c, &f) == FLOW_CSV_END);
  assert_false(flow_csv_missing(&c, "z"));
  assert_string_equal(bad.reason, "missing column `z`");
}

/* -- the header ------------------------------------------------------------------------------ */

static int32_t bind(const char *header, int16_t *columns) {
  static const char *const names[] = {"word", "count", "note"};
  static const bool is_required[] = {true, true, false};
  size_t length = strlen(header);
  return flow_csv_bind(lay(header, length), length, ',', arena, names, is_required, 3, columns,
                       &bad);
}

static void headers_are_bound_by_name(void **state) {
  (void)state;
  static int16_t columns[FLOW_CSV_COLUMNS];
  assert_int_equal(bind("count,extra,word", columns), 3);
  assert_int_equal(columns[0], 1);
  assert_int_equal(columns[1], -1);
  assert_int_equal(columns[2], 0);
  assert_int_equal(bind("\xef\xbb\xbfword,\"count\",note,word", columns), 4);
  assert_int_equal(columns[0], 0);
  assert_int_equal(columns[1], 1);
  assert_int_equal(columns[2], 2);
  assert_int_equal(columns[3], -1);
  assert_int_equal(bind("word,Count", columns), -1);
  assert_string_equal(bad.reason, "the header has no column `count`");
  assert_int_equal(bind("word,count\"", columns), -1);
  assert_int_equal(bind("word,count,\xff", columns), -1);
  assert_int_equal(bind("", columns), -1);
  char many[FLOW_CSV_COLUMNS + 32] = "word,count,";
  memset(many + 11, ',', FLOW_CSV_COLUMNS - 3);
  assert_int_equal(bind(many, columns), FLOW_CSV_COLUMNS);
  strcat(many, ",");
  assert_int_equal(bind(many, columns), -1);
  assert_string_equal(bad.reason, "the header has more than 4096 columns");
}

/* -- printing -------------------------------------------------------------------------------- */

static void quotes_only_where_needed(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"abc", "abc"},
      {"a,b", "\"a,b\""},
      {"a\"b", "\"a\"\"b\""},
      {"a\nb", "\"a\nb\""},
      {"a\rb", "\"a\rb\""},
      {" a", "\" a\""},
      {"a ", "\"a \""},
      {"a b", "a b"},
      {"", ""},
      {"a;b", "a;b"},
      {"\"", "\"\"\"\""},
      {"a text of more than twelve bytes", "a text of more than twelve bytes"},
  };
  struct flow_buf b = {0};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct flow_str s = text(cases[i][0]);
    b.length = 0;
    flow_print_csv_str(&b, &s, ',', false);
    assert_buf(&b, cases[i][1]);
  }
  struct flow_str empty = {0}, semicolon = text("a;b");
  b.length = 0;
  flow_print_csv_str(&b, &empty, ',', true);
  flow_print_csv_str(&b, &semicolon, ';', true);
  assert_buf(&b, "\"\"\"a;b\"");
  flow_buf_free(&b);
}

static void printed_rows_read_back(void **state) {
  (void)state;
  struct random r = {6};
  struct flow_buf row = {0};
  for (int i = 0; i < 30000; i++) {
    enum { FIELDS = 4 };
    char data[FIELDS][40];
    struct flow_str fields[FIELDS];
    row.length = 0;
    for (int k = 0; k < FIELDS; k++) {
      size_t length = random_below(&r, sizeof data[k]);
      for (size_t n = 0; n < length; n++) data[k][n] = "ab,\"\n\r cdefghijkl"[random_below(&r, 17)];
      fields[k] = flow_str_make(data[k], length);
      if (k > 0) flow_buf_add_char(&row, ',');
      flow_print_csv_str(&row, &fields[k], ',', true);
    }
    flow_buf_add_char(&row, '\n');
    const char *p = lay(row.data, row.length);
    size_t consumed;
    uint64_t line_ends;
    size_t length = flow_csv_record(p, p + row.length, &consumed, &line_ends);
    assert_int_equal(consumed, row.length);
    struct flow_csv c = {.delimiter = ',', .mem = arena, .bad = &bad};
    assert_true(flow_csv_begin(&c, p, length));
    for (int k = 0; k < FIELDS; k++) {
      struct flow_csv_field f;
      assert_true(flow_csv_field(&c, &f) == FLOW_CSV_MORE && !flow_csv_is_none(&f));
      struct flow_str s = flow_csv_str(&f);
      assert_true(flow_str_equal(&s, &fields[k]));
    }
    struct flow_csv_field f;
    assert_true(flow_csv_field(&c, &f) == FLOW_CSV_END);
    flow_mem_arena_reset(arena);
  }
  flow_buf_free(&row);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(records_end_outside_of_quotes),
      cmocka_unit_test(random_records_end_by_parity),
      cmocka_unit_test(fields_are_split),
      cmocka_unit_test(bad_records_are_refused_at_their_place),
      cmocka_unit_test(values_are_checked),
      cmocka_unit_test(headers_are_bound_by_name),
      cmocka_unit_test(quotes_only_where_needed),
      cmocka_unit_test(printed_rows_read_back),
  };
  return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
