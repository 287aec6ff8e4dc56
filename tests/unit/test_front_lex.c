/* Characters to tokens: values of literals, f-strings, what is malformed. */
#include "front_fixture.h"

/* Scans a text that must be one token without an error, and returns it. */
static struct token only(struct compiler *c, const char *text) {
  restart(c);
  struct token_list list = scan(c, text, strlen(text));
  assert_string_equal(codes(c), "");
  assert_int_equal(list.count, 2);
  assert_int_equal(list.data[1].kind, TOKEN_END);
  assert_int_equal(list.data[0].span.length, strlen(text));
  return list.data[0];
}

/* Scans a text and returns its codes; the tokens must still be `kind` and END. */
static const char *refused(struct compiler *c, const char *text, int kind) {
  restart(c);
  struct token_list list = scan(c, text, strlen(text));
  assert_int_equal(list.count, 2);
  assert_int_equal(list.data[0].kind, kind);
  return codes(c);
}

static void integers(void **state) {
  struct compiler *c = *state;
  assert_int_equal(only(c, "0").integer, 0);
  assert_int_equal(only(c, "1_000").integer, 1000);
  assert_int_equal(only(c, "0xFF_ff").integer, 0xFFFF);
  assert_int_equal(only(c, "9223372036854775807").integer, INT64_MAX);
  assert_int_equal(only(c, "0x7FFFFFFFFFFFFFFF").integer, INT64_MAX);
  assert_string_equal(refused(c, "9223372036854775808", TOKEN_INT), "E0104");
  assert_string_equal(refused(c, "99999999999999999999999", TOKEN_INT), "E0104");
  assert_string_equal(refused(c, "1_", TOKEN_INT), "E0103");
  assert_string_equal(refused(c, "1__0", TOKEN_INT), "E0103");
  assert_string_equal(refused(c, "12abc", TOKEN_INT), "E0103");
  assert_string_equal(refused(c, "0x", TOKEN_INT), "E0103");
  assert_string_equal(refused(c, "10sec", TOKEN_INT), "E0103");
}

static void the_smallest_int_needs_its_sign(void **state) {
  struct compiler *c = *state;
  struct token_list list = scan(c, "-9223372036854775808", 20);
  assert_string_equal(codes(c), "");
  assert_true(list.data[1].integer == INT64_MIN);
  restart(c);
  scan(c, "x -9223372036854775808", 22);
  assert_string_equal(codes(c), "E0104");
}

static void floats(void **state) {
  struct compiler *c = *state;
  assert_true(only(c, "1.5").number == 1.5);
  assert_true(only(c, "1_0.2_5").number == 10.25);
  assert_true(only(c, "1e3").number == 1000);
  assert_true(only(c, "2.5e-1").number == 0.25);
  assert_string_equal(refused(c, "1e400", TOKEN_FLOAT), "E0104");
  assert_string_equal(refused(c, "1.5s", TOKEN_INT), "E0103");
  restart(c);
  assert_int_equal(scan(c, "1..5", 4).count, 4); /* a range, not two floats */
}

static void durations(void **state) {
  struct compiler *c = *state;
  assert_int_equal(only(c, "1us").integer, 1);
  assert_int_equal(only(c, "10ms").integer, 10000);
  assert_int_equal(only(c, "1h30m").integer, INT64_C(5400000000));
  assert_int_equal(only(c, "1d2h3m4s5ms6us").integer, INT64_C(93784005006));
  assert_int_equal(only(c, "1_000s").integer, 1000000000);
  assert_string_equal(refused(c, "5m1h", TOKEN_DURATION), "E0105");
  assert_string_equal(refused(c, "1s1s", TOKEN_DURATION), "E0105");
  assert_string_equal(refused(c, "999999999999d", TOKEN_DURATION), "E0104");
}

static void timestamps(void **state) {
  struct compiler *c = *state;
  assert_true(only(c, "@1970-01-01").integer == 0);
  assert_true(only(c, "@1970-01-02T00:00:01Z").integer == INT64_C(86401000000));
  assert_true(only(c, "@2024-02-29T12:30:00.25+01:00").integer == INT64_C(1709206200250000));
  assert_true(only(c, "@1969-12-31T23:59:59.999999Z").integer == -1);
  assert_true(only(c, "@0001-01-01").integer == INT64_C(-62135596800000000));
  assert_true(only(c, "@9999-12-31T23:59:59.999999Z").integer == INT64_C(253402300799999999));
  static const char *const bad[] = {
      "@2023-02-29",
      "@2024-13-01",
      "@2024-00-10",
      "@2024-01-32",
      "@0000-01-01",
      "@2024-1-1",
      "@2024",
      "@2024-01-01T25:00:00Z",
      "@2024-01-01T10:00:00",
      "@2024-01-01T10:60:00Z",
      "@2024-01-01T10:00:00.1234567Z",
      "@0001-01-01T00:00:00+01:00",
      "@9999-12-31T23:59:59-00:01",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_string_equal(refused(c, bad[i], TOKEN_TIMESTAMP), "E0105");
  }
}

static void assert_string(struct compiler *c, const char *text, const char *value, size_t length) {
  struct token token = only(c, text);
  assert_int_equal(token.kind, TOKEN_STRING);
  assert_int_equal(token.string.length, length);
  assert_memory_equal(token.string.data, value, length + 1);
}

static void strings(void **state) {
  struct compiler *c = *state;
  assert_string(c, "\"\"", "", 0);
  assert_string(c, "\"a b\"", "a b", 3);
  assert_string(c, "\"\\n\\t\\r\\0\\\\\\\"\"", "\n\t\r\0\\\"", 6);
  assert_string(c, "\"\\u{e9}\\u{1F600}\"", "\xC3\xA9\xF0\x9F\x98\x80", 6);
  assert_string(c, "r\"a\\n\"", "a\\n", 3);
  assert_string_equal(refused(c, "\"abc", TOKEN_STRING), "E0102");
  assert_string_equal(refused(c, "\"abc\\", TOKEN_STRING), "E0102");
  assert_string_equal(refused(c, "r\"abc", TOKEN_STRING), "E0102");
  assert_string_equal(refused(c, "\"a\\qb\"", TOKEN_STRING), "E0102");
  assert_string_equal(refused(c, "\"\\u{110000}\"", TOKEN_STRING), "E0102");
  assert_string_equal(refused(c, "\"\\u{D800}\"", TOKEN_STRING), "E0102");
  assert_string_equal(refused(c, "\"\\u{}\"", TOKEN_STRING), "E0102");
  assert_string_equal(refused(c, "'abc'", TOKEN_STRING), "E0106");
}

/* The kinds of the tokens of a text, by name. */
static const char *kinds(struct compiler *c, const char *text) {
  restart(c);
  struct token_list list = scan(c, text, strlen(text));
  struct text out;
  text_init(&out, &c->arena);
  vec_each(struct token, token, &list) {
    text_addf(&out, "%s%s", out.length ? " " : "", token_kind_name(token->kind));
  }
  return out.data;
}

#define OPEN  "`{` in an f-string"
#define CLOSE "`}` of the f-string"
#define END   "end of the f-string end of file"

static void fstrings_nest(void **state) {
  struct compiler *c = *state;
  assert_string_equal(kinds(c, "f\"\""), "f-string " END);
  assert_string_equal(kinds(c, "f\"a{{b}}\""), "f-string text " END);
  assert_string_equal(kinds(c, "f\"{x}b\""), "f-string " OPEN " name " CLOSE " text " END);
  assert_string_equal(kinds(c, "f\"{m[\"}\"]}\""),
                      "f-string " OPEN " name [ string ] " CLOSE " " END);
  assert_string_equal(kinds(c, "f\"{ {a: f\"{b}\"} }\""),
                      "f-string " OPEN " { name : f-string " OPEN " name " CLOSE
                      " end of the f-string } " CLOSE " " END);
  struct token_list list = scan(c, "f\"a\\n{{\\u{e9}{x}\"", 17);
  assert_int_equal(list.data[1].kind, TOKEN_FSTRING_TEXT);
  assert_string_equal(list.data[1].string.data, "a\n{\xC3\xA9");
  assert_int_equal(list.data[1].span.offset, list.data[0].span.offset + 2);
  assert_string_equal(codes(c), "");
}

static void broken_fstrings_end_with_their_line(void **state) {
  struct compiler *c = *state;
  assert_string_equal(kinds(c, "f\"a\nx"), "f-string end of the f-string name end of file");
  assert_string_equal(codes(c), "E0110");
  assert_string_equal(kinds(c, "f\"{a\nx"),
                      "f-string " OPEN " name " CLOSE " end of the f-string name end of file");
  assert_int_equal(c->diags.list.data[0]->code, E0110);
  assert_string_equal(kinds(c, "f\"{a\"\nx"),
                      "f-string " OPEN " name " CLOSE " end of the f-string name end of file");
  assert_string_equal(codes(c), "E0110");
  kinds(c, "f\"a}b\"");
  assert_string_equal(codes(c), "E0110");
  kinds(c, "f\"{f\"{f\"{");
  assert_int_equal(c->diags.list.data[0]->code, E0110);
}

static void words(void **state) {
  struct compiler *c = *state;
  assert_string_equal(kinds(c, "and or not if then else match let for in emit return fail forget"),
                      "and or not if then else match let for in emit return fail forget "
                      "end of file");
  assert_string_equal(kinds(c, "source state `in` Andy r f"), "name name name name name name "
                                                              "end of file");
  struct token_list list = scan(c, "`in`", 4);
  assert_string_equal(list.data[0].name, "in");
  assert_true(list.data[0].is_quoted);
  assert_string_equal(refused(c, "`a b`", TOKEN_NAME), "E0100");
}

static void foreign_tokens_are_replaced(void **state) {
  struct compiler *c = *state;
  assert_string_equal(kinds(c, "a && b || !c"), "name and name or not name end of file");
  assert_string_equal(codes(c), "E0106 E0106 E0106");
  assert_string_equal(kinds(c, "a === b // c\nd"), "name == name name end of file");
  assert_string_equal(codes(c), "E0106 E0106");
  assert_string_equal(kinds(c, "a /* x\n y */ b"), "name name end of file");
  assert_string_equal(codes(c), "E0106");
  assert_string_equal(kinds(c, "a /* x"), "name end of file");
}

static void odd_characters_are_one_message_each(void **state) {
  struct compiler *c = *state;
  kinds(c, "a \x01 \xE2\x80\x9Cx\xE2\x80\x9D");
  assert_string_equal(codes(c), "E0101 E0101 E0101");
  assert_string_equal(kinds(c, "gr\xC3\xB6\xC3\x9F"
                               "e \xC3\xA9"),
                      "name name end of file");
  assert_string_equal(codes(c), "E0101 E0101");
  assert_string_equal(kinds(c, "ab\xC2\xA0"
                               "cd"),
                      "name name end of file");
  assert_string_equal(codes(c), "E0101");
  kinds(c, "a \xFF \xFE # \xFD");
  assert_string_equal(codes(c), "E0101"); /* one for the encoding of the whole file */
  restart(c);
  struct token_list list = scan(c, "a\0b", 3);
  assert_string_equal(codes(c), "E0101");
  assert_int_equal(list.count, 3);
}

static void lines_and_columns_are_noted(void **state) {
  struct compiler *c = *state;
  const char *text = "\xEF\xBB\xBF# c\r\n  a b\r\n\tc ## doc \r\n### no doc\n##\n";
  struct token_list list = scan(c, text, strlen(text));
  assert_string_equal(codes(c), "");
  assert_int_equal(list.count, 6);
  assert_true(list.data[0].is_first);
  assert_int_equal(list.data[0].column, 2);
  assert_false(list.data[1].is_first);
  assert_int_equal(list.data[2].column, 1);
  assert_int_equal(list.data[3].kind, TOKEN_DOC);
  assert_string_equal(list.data[3].string.data, "doc");
  assert_false(list.data[3].is_first);
  assert_string_equal(list.data[4].string.data, "");
  assert_true(list.data[4].is_first);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(integers),
      TEST(the_smallest_int_needs_its_sign),
      TEST(floats),
      TEST(durations),
      TEST(timestamps),
      TEST(strings),
      TEST(fstrings_nest),
      TEST(broken_fstrings_end_with_their_line),
      TEST(words),
      TEST(foreign_tokens_are_replaced),
      TEST(odd_characters_are_one_message_each),
      TEST(lines_and_columns_are_noted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
