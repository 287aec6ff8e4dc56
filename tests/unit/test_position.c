/* Positions: their stored form, whether a file is still the same one, and where records end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "framing.h"
#include "position.h"
#include "schema.h"

static const struct position sample = {.length = 1u << 30,
                                       .line = 77,
                                       .records = 76,
                                       .discovery = 3,
                                       .head = UINT64_MAX,
                                       .tail = 1,
                                       .is_open = true};

static void stored_form_is_of_its_type(void **state) {
  (void)state;
  struct flow_buf out = {0};
  position_encode(&out, &sample, "dir csv in/", 11);
  assert_true(flow_schema_check(position_value_type(), out.data, out.length));
  struct position back;
  const char *place;
  size_t place_length;
  assert_true(position_decode(out.data, out.length, &back, &place, &place_length));
  assert_true(back.length == sample.length && back.line == sample.line);
  assert_true(back.records == sample.records && back.discovery == sample.discovery);
  assert_true(back.head == sample.head && back.tail == sample.tail && back.is_open);
  assert_int_equal(place_length, 11);
  assert_memory_equal(place, "dir csv in/", 11);
  for (size_t cut = 0; cut < out.length; cut++) {
    assert_false(position_decode(out.data, cut, &back, &place, &place_length));
  }
  flow_buf_add_char(&out, 'x');
  assert_false(position_decode(out.data, out.length, &back, &place, &place_length));
  flow_buf_free(&out);
}

static void identity_is_content(void **state) {
  (void)state;
  const struct position stored = {.length = 100, .head = 5, .tail = 6};
  const struct {
    struct position_found found;
    enum position_match match;
  } cases[] = {
      {{100, 5, 6}, POSITION_SAME},      {{101, 5, 6}, POSITION_GREW},
      {{99, 5, 6}, POSITION_SHORTER},    {{0, 0, 0}, POSITION_SHORTER},
      {{100, 4, 6}, POSITION_DIFFERENT}, {{100, 5, 7}, POSITION_DIFFERENT},
      {{500, 4, 6}, POSITION_DIFFERENT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_equal(position_compare(&stored, &cases[i].found), cases[i].match);
  }
}

static void what_follows_an_open_record(void **state) {
  (void)state;
  const struct {
    const char *bytes;
    enum position_joint joint;
    size_t skip;
  } cases[] = {
      {"", POSITION_JOINT_NONE, 0},      {"\n", POSITION_JOINT_ENDED, 1},
      {"\nx", POSITION_JOINT_ENDED, 1},  {"\r", POSITION_JOINT_NONE, 0},
      {"\r\n", POSITION_JOINT_ENDED, 2}, {"\rx", POSITION_JOINT_GREW, 0},
      {"x", POSITION_JOINT_GREW, 0},     {"x\n", POSITION_JOINT_GREW, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    size_t skip = 99;
    enum position_joint joint = position_joint(cases[i].bytes, strlen(cases[i].bytes), &skip);
    assert_int_equal(joint, cases[i].joint);
    assert_int_equal(skip, cases[i].skip);
  }
}

/* The end of the last record that starts before `limit`, one byte at a time, as the rule says it. */
static size_t slow_end(enum flow_framing rule, const char *text, size_t length, size_t limit) {
  size_t start = 0, end = 0;
  bool is_quoted = false;
  for (size_t i = 0; i < length; i++) {
    if (rule == FLOW_FRAMING_CSV && text[i] == '"') is_quoted = !is_quoted;
    if (text[i] != '\n' || is_quoted) continue;
    if (start == 0 || start < limit) end = i + 1;
    start = i + 1;
  }
  return end;
}

/* Every text of up to seven of these characters, every limit, fed in every pair of steps. */
static void framing_agrees_with_the_rule(void **state) {
  (void)state;
  static const char letters[] = "a\n\"";
  char text[8];
  for (size_t length = 0; length <= 7; length++) {
    unsigned total = 1;
    for (size_t i = 0; i < length; i++) total *= 3;
    for (unsigned code = 0; code < total; code++) {
      unsigned rest = code;
      for (size_t i = 0; i < length; i++, rest /= 3) text[i] = letters[rest % 3];
      for (int rule = FLOW_FRAMING_LINES; rule <= FLOW_FRAMING_CSV; rule++) {
        for (size_t limit = 0; limit <= length + 1; limit++) {
          size_t expected = slow_end((enum flow_framing)rule, text, length, limit);
          for (size_t step = 0; step <= length; step++) {
            struct framing f;
            framing_start(&f, (enum flow_framing)rule, limit);
            framing_scan(&f, text, step);
            framing_scan(&f, text, length);
            assert_int_equal(f.end, expected);
          }
        }
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stored_form_is_of_its_type),
      cmocka_unit_test(identity_is_content),
      cmocka_unit_test(what_follows_an_open_record),
      cmocka_unit_test(framing_agrees_with_the_rule),
  };
  return cmocka_run_group_tests_name("position", tests, NULL, NULL);
}
