/* Decimals: text and back, and the readers that are fast only for the usual number. Arithmetic is compared
 * with Python's in tests/oracle/decimal_oracle.py. */
#include "value_fixture.h"

#include "flow/decimal.h"

static int64_t random_units(struct random *r) {
  int64_t value = (int64_t)random_next(r) >> random_below(r, 64);
  /* Numbers that end with zeros, and such beside them. */
  if (random_below(r, 4) == 0) value -= value % flow_decimal_one((unsigned)random_below(r, 19));
  return value + (random_below(r, 8) == 0);
}

/* The text by another way: all digits of a long enough integer, and a point put in. */
static void expected_text(char out[64], int64_t value, unsigned scale) {
  char digits[48];
  __int128 wide = value;
  bool is_negative = wide < 0;
  if (is_negative) wide = -wide;
  int length = snprintf(digits, sizeof digits, "%0*llu", (int)scale + 1, (unsigned long long)wide);
  int whole = length - (int)scale;
  snprintf(out, 64, "%s%.*s%s%s", is_negative ? "-" : "", whole, digits, scale > 0 ? "." : "",
           digits + whole);
}

static void prints_all_digits_and_reads_them_back(void **state) {
  (void)state;
  struct random r = {7};
  for (int i = 0; i < 200000; i++) {
    unsigned scale = (unsigned)random_below(&r, FLOW_DECIMAL_SCALE + 1);
    int64_t value = i == 0 ? INT64_MIN : i == 1 ? INT64_MAX : random_units(&r), back;
    char text[FLOW_DECIMAL_TEXT + 1], expected[64];
    *flow_write_decimal(text, value, scale) = '\0';
    expected_text(expected, value, scale);
    assert_string_equal(text, expected);
    assert_null(flow_parse_decimal(text, strlen(text), scale, &back));
    assert_true(back == value);
  }
}

/* The fast reader gives the same as the complete one, or nothing. */
static void scans_what_it_knows(void **state) {
  (void)state;
  static const char alphabet[] = "0123456789012345678900..-eE+ ,";
  struct random r = {11};
  uint64_t found = 0;
  for (int i = 0; i < 400000; i++) {
    char text[64] = {0};
    size_t length = random_below(&r, 20);
    for (size_t k = 0; k < length; k++)
      text[k] = alphabet[random_below(&r, i % 2 == 0 ? 23 : sizeof alphabet - 1)];
    unsigned scale = (unsigned)random_below(&r, FLOW_DECIMAL_SCALE + 1);
    int64_t value, other;
    const char *end = flow_scan_decimal(text, scale, &value);
    if (end == NULL) continue;
    found++;
    assert_null(flow_parse_decimal(text, (size_t)(end - text), scale, &other));
    assert_true(value == other);
  }
  assert_true(found > 50000);
}

static void says_what_does_not_fit(void **state) {
  (void)state;
  static const struct {
    const char *text;
    unsigned scale;
    int64_t value;
    const char *why;
  } cases[] = {
      {"3.5", 2, 350, NULL},
      {" +3.500\t", 2, 350, NULL},
      {"5.", 0, 5, NULL},
      {".5", 1, 5, NULL},
      {"-0.00", 2, 0, NULL},
      {"15e-1", 1, 15, NULL},
      {"1e2", 0, 100, NULL},
      {"0e999999999999", 2, 0, NULL},
      {"0.00e-999999999999", 2, 0, NULL},
      {"100000000000000000000e-20", 0, 1, NULL},
      {"92233720368547758.07", 2, INT64_MAX, NULL},
      {"-92233720368547758.08", 2, INT64_MIN, NULL},
      {"92233720368547758.08", 2, 0, "this number is too large for a decimal[2]"},
      {"1e400", 2, 0, "this number is too large for a decimal[2]"},
      {"1e999999999999", 18, 0, "this number is too large for a decimal[18]"},
      {"99999999999999999999999999", 0, 0, "this number is too large for a decimal[0]"},
      {"0.5", 0, 0, "this number has digits behind the point, and a decimal[0] has none"},
      {"0.55", 1, 0, "this number has more than 1 digit behind the point"},
      {"0.001", 2, 0, "this number has more than 2 digits behind the point"},
      {"1e-19", 18, 0, "this number has more than 18 digits behind the point"},
      {"1e-999999999999", 18, 0, "this number has more than 18 digits behind the point"},
      {"", 2, 0, "expected a decimal"},
      {".", 2, 0, "expected a decimal"},
      {"1 2", 2, 0, "expected a decimal"},
      {"1e", 2, 0, "expected a decimal"},
      {"1,50", 2, 0, "expected a decimal"},
      {"nan", 2, 0, "expected a decimal"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int64_t value = 0;
    const char *why =
        flow_parse_decimal(cases[i].text, strlen(cases[i].text), cases[i].scale, &value);
    if (cases[i].why == NULL && why != NULL) fail_msg("%s: %s", cases[i].text, why);
    if (cases[i].why != NULL) assert_string_equal(why, cases[i].why);
    assert_true(value == cases[i].value);
  }
}

/* Division by another way: the two candidates, and which of them is nearer. */
static void divides_to_the_nearest(void **state) {
  (void)state;
  struct random r = {13};
  uint64_t overflows = 0, ties = 0;
  for (int i = 0; i < 400000; i++) {
    unsigned scale = (unsigned)random_below(&r, FLOW_DECIMAL_SCALE + 1);
    int64_t a = random_units(&r), b = random_units(&r), one = flow_decimal_one(scale), found = 0;
    if (b == 0) continue;
    if (i % 5 == 0) b = (int64_t)random_below(&r, 8) * 2 + 2; /* so that ties come up */
    __int128 n = (__int128)a * one, low = n / b;
    if (n % b != 0 && (n < 0) != (b < 0)) low--;
    /* Twice the distance to `low`, against the divisor. */
    __int128 twice = 2 * (n - low * b), size = b;
    if (size < 0) size = -size, twice = -twice;
    bool is_up = twice > size || (twice == size && low % 2 != 0);
    ties += twice == size;
    __int128 wanted = low + is_up;
    bool fits = wanted >= INT64_MIN && wanted <= INT64_MAX;
    overflows += !fits;
    assert_true(flow_decimal_div(a, b, one, &found) == fits);
    if (fits) assert_true(found == (int64_t)wanted);
    bool fits_wide = flow_decimal_div_wide(a, b, one, &found);
    assert_true(fits_wide == fits && (!fits || found == (int64_t)wanted));
  }
  assert_true(overflows > 1000 && ties > 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(prints_all_digits_and_reads_them_back),
      cmocka_unit_test(scans_what_it_knows),
      cmocka_unit_test(says_what_does_not_fit),
      cmocka_unit_test(divides_to_the_nearest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
