/* Numbers: text and back against the C library, arithmetic against 128 bits. */
#include "value_fixture.h"

#include "flow/number.h"

#include <errno.h>
#include <math.h>

/* Numbers of all sizes: as many with few bits as with many. */
static int64_t random_int(struct random *r) {
  return (int64_t)random_next(r) >> random_below(r, 64);
}

static double random_float(struct random *r) {
  for (;;) {
    uint64_t bits = random_next(r);
    double value;
    memcpy(&value, &bits, sizeof value);
    if (isfinite(value)) return value;
  }
}

/* -- ints ------------------------------------------------------------------------------------ */

static void ints_print_as_printf(void **state) {
  (void)state;
  struct random r = {1};
  for (int i = 0; i < 500000; i++) {
    int64_t value = i == 0 ? INT64_MIN : i == 1 ? INT64_MAX : i < 1000 ? i - 500 : random_int(&r);
    char got[FLOW_INT_TEXT + 1], expected[32];
    *flow_write_int(got, value) = '\0';
    snprintf(expected, sizeof expected, "%lld", (long long)value);
    assert_string_equal(got, expected);
    int64_t back;
    assert_null(flow_parse_int(got, strlen(got), &back));
    assert_int_equal(back, value);
  }
  char room[64] = "";
  struct flow_buf b = {0};
  for (int64_t value = -12; value < 12; value++) {
    flow_print_int(&b, value);
    snprintf(room + strlen(room), sizeof room - strlen(room), "%d", (int)value);
  }
  assert_buf(&b, room);
  flow_buf_free(&b);
}

static void ints_are_exact_or_refused(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t value;
    bool is_good;
  } cases[] = {
      {"0", 0, true},
      {"-0", 0, true},
      {"+7", 7, true},
      {" 42\t", 42, true},
      {"007", 7, true},
      {"9223372036854775807", INT64_MAX, true},
      {"9223372036854775808", 0, false},
      {"-9223372036854775808", INT64_MIN, true},
      {"-9223372036854775809", 0, false},
      {"99999999999999999999", 0, false},
      {"18446744073709551616", 0, false},
      {"0000000000000000000000012", 12, true},
      {"", 0, false},
      {" ", 0, false},
      {"-", 0, false},
      {"+-1", 0, false},
      {"1 2", 0, false},
      {"1.0", 0, false},
      {"1e3", 0, false},
      {"0x10", 0, false},
      {"12a", 0, false},
      {"\xd9\xa1", 0, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t value = -1;
    const char *why = flow_parse_int(cases[i].text, strlen(cases[i].text), &value);
    if ((why == NULL) != cases[i].is_good)
      fail_msg("%s: %s", cases[i].text, why ? why : "accepted");
    if (cases[i].is_good) assert_int_equal(value, cases[i].value);
  }
}

static void random_digits_agree_with_strtoll(void **state) {
  (void)state;
  struct random r = {2};
  for (int i = 0; i < 200000; i++) {
    char text_of[32];
    size_t length = 1 + random_below(&r, 21);
    for (size_t k = 0; k < length; k++) text_of[k] = (char)('0' + random_below(&r, 10));
    if (random_below(&r, 2) == 0) text_of[0] = '-';
    text_of[length] = '\0';
    int64_t value = 0;
    const char *why = flow_parse_int(text_of, length, &value);
    char *end;
    errno = 0;
    long long expected = strtoll(text_of, &end, 10);
    assert_int_equal(why == NULL, errno == 0 && *end == '\0' && end != text_of);
    if (why == NULL) assert_int_equal(value, expected);

    uint64_t scanned = 0, limit = random_next(&r);
    const char *digits = text_of + (*text_of == '-');
    errno = 0;
    unsigned long long whole = strtoull(digits, NULL, 10);
    const char *stop = flow_scan_digits(digits, limit, &scanned);
    assert_int_equal(stop != NULL, *digits == '\0' || (errno == 0 && whole <= limit));
    if (stop != NULL) assert_true(*stop == '\0' && (*digits == '\0' || scanned == whole));
  }
}

/* -- floats ---------------------------------------------------------------------------------- */

/* Python's repr by its definition: the fewest digits that read back, by trying. */
static void repr(char out[64], double value) {
  char digits[64];
  int precision = 0;
  for (;; precision++) {
    snprintf(digits, sizeof digits, "%.*e", precision, value);
    if (strtod(digits, NULL) == value) break;
  }
  int exponent = atoi(strchr(digits, 'e') + 1);
  if (exponent >= 16 || exponent < -4) {
    strcpy(out, digits);
  } else if (precision > exponent) {
    snprintf(out, 64, "%.*f", precision - exponent, value);
  } else {
    snprintf(out, 64, "%.1f", value);
  }
}

static void check_float(double value) {
  char got[FLOW_FLOAT_TEXT + 1], expected[64];
  char *end = flow_write_float(got, value);
  *end = '\0';
  repr(expected, value);
  if (strcmp(got, expected) != 0) {
    /* At a power of two the neighbours below are nearer, so there may be two shortest texts. */
    if (strlen(got) > strlen(expected) || strtod(got, NULL) != value) {
      fail_msg("got %s, expected %s", got, expected);
    }
  }
  double back = 1;
  assert_null(flow_parse_float(got, strlen(got), &back));
  assert_memory_equal(&back, &value, sizeof value);
}

static void floats_print_as_repr(void **state) {
  (void)state;
  static const struct {
    double value;
    const char *text;
  } cases[] = {
      {100.0, "100.0"},
      {0.0, "0.0"},
      {-0.0, "-0.0"},
      {1e16, "1e+16"},
      {1e-5, "1e-05"},
      {0.0001, "0.0001"},
      {9999999999999998.0, "9999999999999998.0"},
      {0.1, "0.1"},
      {26.666666666666668, "26.666666666666668"},
      {78.66666666666667, "78.66666666666667"},
      {1e22, "1e+22"},
      {1.5e300, "1.5e+300"},
      {5e-324, "5e-324"},
      {58.5, "58.5"},
      {2.2250738585072014e-308, "2.2250738585072014e-308"},
      {123456.789, "123456.789"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {-1.25e-7, "-1.25e-07"},
      {0.30000000000000004, "0.30000000000000004"},
      {1e15, "1000000000000000.0"},
      {12345678901234.56, "12345678901234.56"},
      {9007199254740993.0, "9007199254740992.0"},
      {-4.35, "-4.35"},
      {0x1p-1017, "7.120236347223045e-307"},
      {1.0 / 3, "0.3333333333333333"},
      {1e-14, "1e-14"},
      {123456789012345680.0, "1.2345678901234568e+17"},
      {0.00012345, "0.00012345"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char got[FLOW_FLOAT_TEXT + 1];
    *flow_write_float(got, cases[i].value) = '\0';
    assert_string_equal(got, cases[i].text);
  }
}

static void floats_are_shortest_and_read_back(void **state) {
  (void)state;
  struct random r = {3};
  for (int i = 0; i < 20000; i++) check_float(random_float(&r));
  for (int i = 0; i < 60000; i++) { /* the range of everyday numbers */
    check_float((double)random_int(&r) / (double)(1 + (random_next(&r) >> random_below(&r, 64))));
  }
  for (int i = 0; i < 20000; i++) check_float((double)random_int(&r) / 100);
  for (int i = -1074; i < 1024; i++) { /* powers of two and their neighbours */
    double power = ldexp(1, i);
    check_float(power);
    check_float(nextafter(power, 0));
    check_float(nextafter(power, 1e300));
  }
  for (int i = -323; i < 308; i++) {
    char ten[16];
    snprintf(ten, sizeof ten, "1e%d", i);
    check_float(strtod(ten, NULL));
    check_float(nextafter(strtod(ten, NULL), 0));
  }
}

static void float_texts_are_strict(void **state) {
  (void)state;
  static const char *const good[] = {"1",
                                     "1.5",
                                     ".5",
                                     "5.",
                                     "-0.0",
                                     "+1e3",
                                     " 2.5 ",
                                     "1E-5",
                                     "0e999999999999",
                                     "1e-999999999999",
                                     "00.5"};
  static const char *const bad[] = {
      "",      ".",     "-",   "e5",    "1e",     "1e+", "inf", "nan",
      "0x1p3", "1.2.3", "1 2", "1e400", "-1e309", "1_0", "1,5", "1e999999999999999999"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    double value;
    assert_null(flow_parse_float(good[i], strlen(good[i]), &value));
    assert_true(value == strtod(good[i], NULL));
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    double value;
    if (flow_parse_float(bad[i], strlen(bad[i]), &value) == NULL) fail_msg("%s accepted", bad[i]);
  }
}

static void floats_round_as_strtod(void **state) {
  (void)state;
  struct random r = {4};
  static char digits[3000];
  for (int i = 0; i < 100000; i++) {
    size_t length = 1 + random_below(&r, i % 100 == 0 ? 1200 : 25),
           point = random_below(&r, length);
    char *p = digits;
    for (size_t k = 0; k < length; k++) {
      if (k == point && k > 0) *p++ = '.';
      *p++ = (char)(random_below(&r, 4) == 0 ? '0' : '0' + random_below(&r, 10));
    }
    snprintf(p, 16, "e%d", (int)random_below(&r, 700) - 350);
    double value, expected = strtod(digits, NULL);
    const char *why = flow_parse_float(digits, strlen(digits), &value);
    assert_int_equal(why == NULL, isfinite(expected));
    if (why == NULL) assert_memory_equal(&value, &expected, sizeof value);
  }
  /* Exactly between two floats, and one unit in the 900th digit above it. */
  memset(digits, '0', 900);
  memcpy(digits, "9007199254740993.", 17);
  digits[900] = '\0';
  double value;
  assert_null(flow_parse_float(digits, 900, &value));
  assert_true(value == 9007199254740992.0);
  digits[899] = '1';
  assert_null(flow_parse_float(digits, 900, &value));
  assert_true(value == 9007199254740994.0);
}

/* -- arithmetic ------------------------------------------------------------------------------ */

static bool fits(__int128 value) {
  return value >= INT64_MIN && value <= INT64_MAX;
}

static void check_arithmetic(int64_t a, int64_t b) {
  int64_t out;
  assert_int_equal(flow_int_add(a, b, &out), fits((__int128)a + b));
  if (fits((__int128)a + b)) assert_int_equal(out, a + b);
  assert_int_equal(flow_int_sub(a, b, &out), fits((__int128)a - b));
  assert_int_equal(flow_int_mul(a, b, &out), fits((__int128)a * b));
  assert_int_equal(flow_int_abs(a, &out), a != INT64_MIN);
  if (a != INT64_MIN) assert_true(out == (a < 0 ? -a : a));
  if (!fits((__int128)a + b)) {
    assert_int_equal(flow_int_add_sat(a, b), a < 0 ? INT64_MIN : INT64_MAX);
  }
  assert_true((uint64_t)flow_int_add_wrap(a, b) == (uint64_t)((__int128)a + b));
  if (b == 0) return;
  __int128 quotient = (__int128)a / b, rest = (__int128)a % b;
  assert_int_equal(flow_int_div(a, b, &out), fits(quotient));
  if (fits(quotient)) assert_true(out == quotient);
  assert_true(flow_int_rem(a, b) == rest);
  __int128 floor_rest = rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  __int128 floor_quotient = ((__int128)a - floor_rest) / b;
  assert_int_equal(flow_int_div_floor(a, b, &out), fits(floor_quotient));
  if (fits(floor_quotient)) assert_true(out == floor_quotient);
  assert_true(flow_int_mod(a, b) == floor_rest);
}

static void arithmetic_notices_overflow(void **state) {
  (void)state;
  static const int64_t edges[] = {
      0, 1, -1, 2, -2, 3, -3, INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_MIN + 1};
  enum { EDGES = sizeof edges / sizeof *edges };
  for (size_t i = 0; i < EDGES * EDGES; i++) check_arithmetic(edges[i / EDGES], edges[i % EDGES]);
  struct random r = {5};
  for (int i = 0; i < 200000; i++) check_arithmetic(random_int(&r), random_int(&r));
}

static void conversions_are_exact_or_refused(void **state) {
  (void)state;
  double value;
  int64_t n;
  assert_true(flow_float_of_int(INT64_C(1) << 53, &value));
  assert_false(flow_float_of_int((INT64_C(1) << 53) + 1, &value));
  assert_false(flow_float_of_int(INT64_MAX, &value));
  assert_true(flow_float_of_int(INT64_MIN, &value));
  assert_true(flow_int_of_float(-2.9, &n) && n == -2);
  assert_true(flow_int_of_float(-0x1p63, &n) && n == INT64_MIN);
  assert_false(flow_int_of_float(0x1p63, &n));
  assert_false(flow_int_of_float(-1e19, &n));
  assert_false(flow_int_of_float(NAN, &n));
  assert_true(flow_int_of_float_exact(3.0, &n) && n == 3);
  assert_false(flow_int_of_float_exact(3.5, &n));
  assert_true(flow_float_is_finite(1e308));
  assert_false(flow_float_is_finite(INFINITY));
  assert_false(flow_float_is_finite(NAN));
}

static void bools(void **state) {
  (void)state;
  bool value = false;
  assert_null(flow_parse_bool(" true ", 6, &value));
  assert_true(value);
  assert_null(flow_parse_bool("false", 5, &value));
  assert_false(value);
  assert_non_null(flow_parse_bool("True", 4, &value));
  assert_non_null(flow_parse_bool("1", 1, &value));
  assert_non_null(flow_parse_bool("", 0, &value));
}

/* Every byte behind every number of digits, with more digits behind it that must not count. */
static void digits_are_scanned(void **state) {
  (void)state;
  for (unsigned count = 0; count <= 8; count++) {
    for (int byte = 0; byte < 256; byte++) {
      char text[17] = "9876543210123456";
      uint64_t value, expected = 0;
      for (unsigned i = 0; i < count; i++) expected = expected * 10 + (uint64_t)(text[i] - '0');
      text[count] = (char)byte;
      bool is_digit = byte >= '0' && byte <= '9';
      if (is_digit && count < 8) continue;
      assert_int_equal(flow_scan_8_digits(text, &value), count);
      assert_int_equal(value, expected);
    }
  }
}

/* Ints of every length, with and without a sign, before bytes that are no digits. */
static void short_ints_are_scanned(void **state) {
  (void)state;
  static const char digits[] = "98765432109876543210987654321", behind[] = {',', '\n', '\0', '.', '/', ':', '-'};
  for (size_t length = 0; length < sizeof digits; length++) {
    for (int is_negative = 0; is_negative < 2; is_negative++) {
      for (size_t i = 0; i < sizeof behind; i++) {
        char text[64] = "-";
        memcpy(text + is_negative, digits, length);
        char *end = text + is_negative + length;
        *end = behind[i];
        int64_t value = 0;
        const char *stop = flow_scan_int(text, &value);
        if (length == 0 || length > 18) {
          assert_null(stop);
          continue;
        }
        assert_ptr_equal(stop, end);
        *end = '\0';
        assert_int_equal(value, strtoll(text, NULL, 10));
      }
    }
  }
}

/* Ints of the lengths `lengths` in one text, each before a comma, as the usual parsers of rows take them; every third one has
 * a sign. What is behind the last comma is what may be read there and not more. */
static void check_run(const size_t *lengths, size_t count) {
  static const char digits[] = "98765432109876543210987654321";
  char text[512];
  size_t length = 0;
  for (size_t i = 0; i < count; i++) {
    if (i % 3 == 2) text[length++] = '-';
    memcpy(text + length, digits + i % 7, lengths[i]);
    length += lengths[i];
    text[length++] = ',';
  }
  char *row = malloc(length + 64); /* no more, so that a sanitizer sees who reads further */
  memcpy(row, text, length);
  memset(row + length, 0, 64);
  for (int skips = 0; skips < 2; skips++) {
    struct flow_digits run = flow_digits_at(row);
    const char *p = row;
    for (size_t i = 0; i < count; i++) {
      char *end;
      int64_t value = 0, expected = strtoll(p, &end, 10);
      const char *found = skips ? flow_digits_skip(&run, p) : flow_digits_int(&run, p, &value);
      if (lengths[i] == 0 || lengths[i] > 18) {
        assert_null(found);
        break;
      }
      assert_ptr_equal(found, end);
      if (!skips) assert_int_equal(value, expected);
      p = found + 1;
    }
  }
  free(row);
}

/* All pairs of lengths, with others around them that move them over the border of what one look sees. */
static void runs_of_ints_are_scanned(void **state) {
  (void)state;
  for (size_t first = 0; first <= 20; first++) {
    for (size_t second = 0; second <= 20; second++) {
      check_run((size_t[]){first, second, 1}, 3);
      check_run((size_t[]){7, 13, 5, 15, first, second, 16, 8}, 8);
      check_run((size_t[]){18, 18, 18, 1, second, first, 18, 9}, 8);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ints_print_as_printf),
      cmocka_unit_test(digits_are_scanned),
      cmocka_unit_test(short_ints_are_scanned),
      cmocka_unit_test(runs_of_ints_are_scanned),
      cmocka_unit_test(ints_are_exact_or_refused),
      cmocka_unit_test(random_digits_agree_with_strtoll),
      cmocka_unit_test(floats_print_as_repr),
      cmocka_unit_test(floats_are_shortest_and_read_back),
      cmocka_unit_test(float_texts_are_strict),
      cmocka_unit_test(floats_round_as_strtod),
      cmocka_unit_test(arithmetic_notices_overflow),
      cmocka_unit_test(conversions_are_exact_or_refused),
      cmocka_unit_test(bools),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
