/* UTF-8 and the functions over strings. */
#include "value_fixture.h"

#include "flow/text.h"

#define EURO        "\xe2\x82\xac"
#define SMILE       "\xf0\x9f\x98\x80"
#define U_UMLAUT    "\xc3\xbc"
#define REPLACEMENT "\xef\xbf\xbd"

/* -- UTF-8 ----------------------------------------------------------------------------------- */

/* The definition: the one code point of 1 to 4 bytes, decoded and judged; 0 if there is none. */
static size_t plain_sequence(const unsigned char *p, size_t left) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (left == 0) return 0;
  if (p[0] < 0x80) return 1;
  size_t length = p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
  if (length == 0 || left < length) return 0;
  uint32_t code = p[0] & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; i++) {
    if (p[i] >> 6 != 2) return 0;
    code = code << 6 | (p[i] & 0x3f);
  }
  if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return 0;
  return length;
}

static size_t plain_valid(const char *data, size_t length) {
  size_t at = 0, n;
  while ((n = plain_sequence((const unsigned char *)data + at, length - at)) != 0) at += n;
  return at;
}

static void check_utf8(const char *data, size_t length) {
  assert_int_equal(flow_utf8_valid(data, length), plain_valid(data, length));
  assert_int_equal(flow_utf8_sequence(data, data + length),
                   plain_sequence((const unsigned char *)data, length));
}

static void every_short_sequence_is_judged_right(void **state) {
  (void)state;
  unsigned char bytes[4];
  for (uint32_t a = 0; a < 256; a++) {
    for (uint32_t b = 0; b < 256; b++) {
      bytes[0] = (unsigned char)a;
      bytes[1] = (unsigned char)b;
      check_utf8((char *)bytes, 1);
      check_utf8((char *)bytes, 2);
      static const unsigned char third[] = {0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff};
      for (size_t c = 0; c < 36; c++) {
        bytes[2] = third[c / 6];
        bytes[3] = third[c % 6];
        check_utf8((char *)bytes, 3);
        check_utf8((char *)bytes, 4);
      }
    }
  }
}

static void every_code_point_is_written_right(void **state) {
  (void)state;
  for (uint32_t code = 0; code < 0x110000; code++) {
    if (code >= 0xd800 && code < 0xe000) continue;
    char bytes[4];
    size_t length = (size_t)(flow_utf8_write(bytes, code) - bytes);
    assert_int_equal(plain_sequence((unsigned char *)bytes, length), length);
    uint32_t back =
        length == 1 ? (unsigned char)bytes[0] : (unsigned char)bytes[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) back = back << 6 | (bytes[i] & 0x3f);
    assert_int_equal(back, code);
  }
}

static void long_texts_are_judged_right(void **state) {
  (void)state;
  struct random r = {1};
  static const char *const pieces[] = {
      "a",    "0123456789abcdef", EURO,       SMILE,     U_UMLAUT, "\x80",
      "\xff", "\xed\xa0\x80",     "\xc0\x80", "\xf0\x9f"};
  for (int i = 0; i < 50000; i++) {
    char data[200] = "";
    uint64_t count = random_below(&r, 10), good = random_below(&r, 4) == 0 ? 10 : 5;
    for (uint64_t k = 0; k < count; k++) strcat(data, pieces[random_below(&r, good)]);
    size_t length = strlen(data);
    char *exact = malloc(length + 1); /* a read behind the end is seen by the sanitizer */
    memcpy(exact + 1, data, length);
    check_utf8(exact + 1, length);
    free(exact);
  }
}

static void lossy_text_is_valid(void **state) {
  (void)state;
  static const struct {
    const char *in, *out;
  } cases[] = {
      {"abc", "abc"},
      {"a\xff"
       "b",
       "a" REPLACEMENT "b"},
      {"\xe2\x82", REPLACEMENT},
      {"\xe2\x82"
       "x",
       REPLACEMENT "x"},
      {"\xf0\x9f\x98", REPLACEMENT},
      {"\xc0\x80", REPLACEMENT REPLACEMENT},
      {"\xed\xa0\x80", REPLACEMENT REPLACEMENT REPLACEMENT},
      {EURO "\x82" SMILE, EURO REPLACEMENT SMILE},
      {"", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct flow_buf b = {0};
    flow_print_lossy(&b, cases[i].in, strlen(cases[i].in));
    assert_buf(&b, cases[i].out);
    flow_buf_free(&b);
  }
}

/* -- JSON ------------------------------------------------------------------------------------ */

/* The rule itself, byte by byte. */
static void plain_json(struct flow_buf *b, const char *data, size_t length) {
  static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
  flow_buf_add_char(b, '"');
  for (size_t i = 0; i < length; i++) {
    const char *found = memchr(escaped, data[i], sizeof escaped - 1);
    char escape[8];
    if (found != NULL) {
      flow_buf_add_char(b, '\\');
      flow_buf_add_char(b, letters[found - escaped]);
    } else if ((unsigned char)data[i] < 0x20) {
      flow_buf_add(b, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", data[i]));
    } else {
      flow_buf_add_char(b, data[i]);
    }
  }
  flow_buf_add_char(b, '"');
}

static void json_escapes_what_it_must(void **state) {
  (void)state;
  struct random r = {2};
  struct flow_buf got = {0}, expected = {0};
  for (int i = 0; i < 100000; i++) {
    char data[80];
    size_t length = random_below(&r, 70);
    for (size_t k = 0; k < length; k++) {
      uint64_t what = random_below(&r, 40);
      data[k] = (char)(what == 0   ? random_below(&r, 32)
                       : what == 1 ? '"'
                       : what == 2 ? '\\'
                                   : 'a' + what);
    }
    if (i < 128) data[0] = (char)i, length = 1;
    struct flow_str s = flow_str_make(data, length);
    got.length = expected.length = 0;
    flow_print_json_str(&got, &s);
    plain_json(&expected, data, length);
    assert_int_equal(got.length, expected.length);
    assert_memory_equal(got.data, expected.data, got.length);
  }
  got.length = 0;
  struct flow_str s = text("\"\\\b\f\n\r\t\x01\x7f" EURO);
  flow_print_json_str(&got, &s);
  assert_buf(&got, "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7f" EURO "\"");
  flow_buf_free(&got);
  flow_buf_free(&expected);
}

/* Escapes make a text longer than was reserved at first; seen by the sanitizer. */
static void escapes_make_room(void **state) {
  (void)state;
  char data[200];
  memset(data, 1, sizeof data);
  for (size_t length = 0; length <= sizeof data; length++) {
    struct flow_buf b = {0};
    flow_print_json_bytes(&b, data, length);
    assert_int_equal(b.length, 6 * length + 2);
    assert_true(b.data[0] == '"' && b.data[b.length - 1] == '"');
    flow_buf_free(&b);
  }
}

/* -- functions ------------------------------------------------------------------------------- */

static struct counting_sys sys;
static struct flow_mem *arena;

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

static void lengths_and_slices_count_code_points(void **state) {
  (void)state;
  struct flow_str s = text("gr" U_UMLAUT EURO SMILE "n, and some more text of one byte each");
  assert_int_equal(flow_text_len(&s), 5 + 38);
  assert_text(flow_text_slice(&s, 0, 3), "gr" U_UMLAUT);
  assert_text(flow_text_slice(&s, 3, 5), EURO SMILE);
  assert_text(flow_text_slice(&s, -5, 1), "g");
  assert_text(flow_text_slice(&s, 39, 99), "each");
  assert_text(flow_text_slice(&s, 4, 4), "");
  assert_text(flow_text_slice(&s, 5, 2), "");
  assert_text(flow_text_slice(&s, 100, 200), "");
  assert_text(flow_text_slice(&s, INT64_MIN, INT64_MAX),
              "gr" U_UMLAUT EURO SMILE "n, and some more text of one byte each");
  struct flow_str empty = {0};
  assert_int_equal(flow_text_len(&empty), 0);
  assert_text(flow_text_slice(&empty, 0, 5), "");
}

static void searching(void **state) {
  (void)state;
  struct flow_str s = text("hello, sailor!"), empty = {0},
                  long_one = text("hello, sailor! and more");
  struct flow_str hello = text("hello"), sailor = text("sailor!"), no = text("Sailor");
  assert_true(flow_text_contains(&s, &sailor));
  assert_true(flow_text_contains(&s, &empty));
  assert_false(flow_text_contains(&s, &no));
  assert_false(flow_text_contains(&s, &long_one));
  assert_true(flow_text_starts_with(&s, &hello));
  assert_false(flow_text_starts_with(&s, &sailor));
  assert_false(flow_text_starts_with(&s, &long_one));
  assert_true(flow_text_ends_with(&s, &sailor));
  assert_false(flow_text_ends_with(&s, &hello));
  assert_true(flow_text_ends_with(&s, &empty));
}

static void trimming_and_case(void **state) {
  (void)state;
  struct flow_str s = text(" \t\r\n word \v\f "), blank = text("   "),
                  mixed = text("ABC xyz [`{@ \xc3\x9c 0123456789");
  assert_text(flow_text_trim(&s), "word");
  assert_text(flow_text_trim(&blank), "");
  assert_text(flow_text_lower(arena, &mixed), "abc xyz [`{@ \xc3\x9c 0123456789");
  assert_text(flow_text_upper(arena, &mixed), "ABC XYZ [`{@ \xc3\x9c 0123456789");
  struct flow_str brief = text("aBc");
  assert_text(flow_text_upper(arena, &brief), "ABC");
}

static void replacing(void **state) {
  (void)state;
  static const char *const cases[][4] = {
      {"a-b-c", "-", "+", "a+b+c"},
      {"a-b-c", "-", "", "abc"},
      {"aaaa", "aa", "b", "bb"},
      {"aaa", "aa", "b", "ba"},
      {"abc", "x", "y", "abc"},
      {"abc", "", "y", "abc"},
      {"", "x", "y", ""},
      {"x", "x", "", ""},
      {"one two one", "one", "a rather long replacement",
       "a rather long replacement two a rather long replacement"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct flow_str s = text(cases[i][0]), what = text(cases[i][1]), with = text(cases[i][2]);
    assert_text(flow_text_replace(arena, &s, &what, &with), cases[i][3]);
  }
}

/* The parts joined by '|'. */
static void assert_parts(const struct flow_str_list *parts, const char *expected) {
  struct flow_str bar = text("|");
  struct flow_str joined = flow_text_join(arena, parts->data, parts->length, &bar);
  assert_text(joined, expected);
}

static void splitting(void **state) {
  (void)state;
  static const char *const splits[][3] = {
      {"a,b,c", ",", "a|b|c"},
      {",a,", ",", "|a|"},
      {"", ",", ""},
      {"abc", ",", "abc"},
      {"a::b:c", "::", "a|b:c"},
      {"part one of it, part two of it", ", ", "part one of it|part two of it"},
  };
  struct flow_str_list parts;
  for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
    struct flow_str s = text(splits[i][0]), separator = text(splits[i][1]);
    flow_text_split(arena, &s, &separator, &parts);
    assert_parts(&parts, splits[i][2]);
  }
  struct flow_str s = text(""), comma = text(",");
  flow_text_split(arena, &s, &comma, &parts);
  assert_int_equal(parts.length, 1);

  static const char *const words[][2] = {
      {"one two", "one|two"}, {"  one\t\ntwo  ", "one|two"}, {"", ""}, {"   ", ""}, {"one", "one"}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    s = text(words[i][0]);
    flow_text_words(arena, &s, &parts);
    assert_parts(&parts, words[i][1]);
  }
  s = text(" ");
  flow_text_words(arena, &s, &parts);
  assert_int_equal(parts.length, 0);

  static const char *const lines[][2] = {
      {"a\nb", "a|b"}, {"a\nb\n", "a|b"}, {"a\r\nb\r\n", "a|b"}, {"\n\na", "||a"}, {"a\r", "a\r"}};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    s = text(lines[i][0]);
    flow_text_lines(arena, &s, &parts);
    assert_parts(&parts, lines[i][1]);
  }
  s = text("");
  flow_text_lines(arena, &s, &parts);
  assert_int_equal(parts.length, 0);
}

static void joining(void **state) {
  (void)state;
  struct flow_str parts[] = {text("a"), text(""), text("a part that is not short")},
                  comma = text(", "), empty = {0};
  assert_text(flow_text_join(arena, parts, 3, &comma), "a, , a part that is not short");
  assert_text(flow_text_join(arena, parts, 2, &comma), "a, ");
  assert_text(flow_text_join(arena, NULL, 0, &comma), "");
  assert_text(flow_text_concat(arena, &parts[0], &parts[2]), "aa part that is not short");
  assert_text(flow_text_concat(arena, &parts[0], &empty), "a");
}

static void building_gives_back_what_it_did_not_use(void **state) {
  (void)state;
  flow_mem_arena_reset(arena);
  struct flow_buf b = flow_text_begin(arena);
  flow_buf_add_literal(&b, "short");
  assert_text(flow_text_end(&b), "short");
  assert_int_equal(flow_mem_bytes(arena), 0);
  b = flow_text_begin(arena);
  for (int i = 0; i < 50; i++) flow_buf_add_literal(&b, "0123456789");
  struct flow_str s = flow_text_end(&b);
  assert_int_equal(s.length, 500);
  assert_int_equal(flow_mem_bytes(arena), 512);
  b = flow_text_begin(arena);
  assert_text(flow_text_end(&b), "");
}

static void searches_and_patterns(void **state) {
  (void)state;
  struct flow_str s = text("café au lait"), none = text(""), part = text("lait");
  assert_int_equal(flow_text_find(&s, &part), 8);
  assert_int_equal(flow_text_find(&s, &none), 0);
  assert_int_equal(flow_text_find(&part, &s), -1);
  static const struct {
    const char *text, *pattern;
    bool is_like;
  } rows[] = {
      {"", "", true},          {"", "%", true},           {"", "_", false},
      {"café", "caf_", true}, {"café", "caf__", false}, {"a%b", "a\\%b", true},
      {"axb", "a\\%b", false}, {"aaab", "%a%b", true},    {"aaab", "%a%c", false},
      {"a\\", "a\\", true},    {"ab", "a", false},         {"mississippi", "m%iss%i_p%", true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct flow_str t = text(rows[i].text), p = text(rows[i].pattern);
    if (flow_text_like(&t, &p) != rows[i].is_like) fail_msg("%s like %s", rows[i].text, rows[i].pattern);
  }
}

static void percent_encoding(void **state) {
  (void)state;
  struct flow_str out, s = text("a b/é~");
  assert_text(flow_text_url_encode(arena, &s), "a%20b%2F%C3%A9~");
  static const char *const wrong[] = {"%", "%2", "%zz", "%2g", "%ff", "%C3"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    s = text(wrong[i]);
    assert_non_null(flow_text_url_decode(arena, &s, &out));
  }
  s = text("a%20b%2f%c3%A9+");
  assert_null(flow_text_url_decode(arena, &s, &out));
  assert_text(out, "a b/é+");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(searches_and_patterns),
      cmocka_unit_test(percent_encoding),
      cmocka_unit_test(every_short_sequence_is_judged_right),
      cmocka_unit_test(every_code_point_is_written_right),
      cmocka_unit_test(long_texts_are_judged_right),
      cmocka_unit_test(lossy_text_is_valid),
      cmocka_unit_test(json_escapes_what_it_must),
      cmocka_unit_test(escapes_make_room),
      cmocka_unit_test(lengths_and_slices_count_code_points),
      cmocka_unit_test(searching),
      cmocka_unit_test(trimming_and_case),
      cmocka_unit_test(replacing),
      cmocka_unit_test(splitting),
      cmocka_unit_test(joining),
      cmocka_unit_test(building_gives_back_what_it_did_not_use),
  };
  return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
