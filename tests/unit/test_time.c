/* Timestamps and durations: text and back, the calendar against the C library. */
#include "value_fixture.h"

#include "flow/time.h"

#include <time.h>

static void check_calendar(int64_t seconds) {
  time_t moment = (time_t)seconds;
  struct tm tm;
  assert_non_null(gmtime_r(&moment, &tm));
  struct flow_civil c = flow_civil_of(seconds * FLOW_US_PER_S + 7);
  assert_int_equal(c.year, tm.tm_year + 1900);
  assert_int_equal(c.month, tm.tm_mon + 1);
  assert_int_equal(c.day, tm.tm_mday);
  assert_int_equal(c.hour, tm.tm_hour);
  assert_int_equal(c.minute, tm.tm_min);
  assert_int_equal(c.second, tm.tm_sec);
  assert_int_equal(c.weekday, tm.tm_wday == 0 ? 7 : tm.tm_wday);
  assert_int_equal(c.us, 7);
  assert_int_equal(flow_days_of(c.year, c.month, c.day),
                   timegm(&tm) / 86400 - (seconds < 0 && seconds % 86400 != 0));
}

static void calendar_agrees_with_the_c_library(void **state) {
  (void)state;
  const int64_t first = FLOW_TIME_MIN / FLOW_US_PER_S, last = FLOW_TIME_MAX / FLOW_US_PER_S;
  check_calendar(first);
  check_calendar(last);
  for (int64_t day = first / 86400; day < last / 86400; day += 3) check_calendar(day * 86400);
  struct random r = {1};
  for (int i = 0; i < 200000; i++) {
    check_calendar(first + (int64_t)random_below(&r, (uint64_t)(last - first)));
  }
}

static void timestamps_read_and_print(void **state) {
  (void)state;
  static const struct {
    const char *in, *out;
  } cases[] = {
      {"2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"},
      {"2024-01-01t00:00:00z", "2024-01-01T00:00:00Z"},
      {"2024-01-01 00:00:00.25Z", "2024-01-01T00:00:00.250Z"},
      {"2024-02-29T23:59:59.123456Z", "2024-02-29T23:59:59.123456Z"},
      {"2024-02-29T23:59:59.1234569999Z", "2024-02-29T23:59:59.123456Z"},
      {"2024-01-01T00:30:00+02:00", "2023-12-31T22:30:00Z"},
      {"2023-12-31T23:30:00-01:45", "2024-01-01T01:15:00Z"},
      {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
      {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
      {"9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"},
      {"2000-02-29T12:00:00.000001-00:00", "2000-02-29T12:00:00.000001Z"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t time_us;
    assert_null(flow_parse_timestamp(cases[i].in, strlen(cases[i].in), &time_us));
    struct flow_buf b = {0};
    flow_print_timestamp(&b, time_us);
    assert_buf(&b, cases[i].out);
    flow_buf_free(&b);
  }
  int64_t time_us;
  assert_null(flow_parse_timestamp("2024-01-01T00:00:00.25Z", 23, &time_us));
  assert_int_equal(time_us, INT64_C(1704067200250000));
}

static void bad_timestamps_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "2024-01-01",
      "2024-01-01T00:00:00",
      "2024-01-01T00:00:00.Z",
      "2024-1-01T00:00:00Z",
      "2024-13-01T00:00:00Z",
      "2024-00-01T00:00:00Z",
      "2024-01-32T00:00:00Z",
      "2023-02-29T00:00:00Z",
      "1900-02-29T00:00:00Z",
      "2024-04-31T00:00:00Z",
      "2024-01-00T00:00:00Z",
      "2024-01-01T24:00:00Z",
      "2024-01-01T00:60:00Z",
      "2024-01-01T23:59:60Z",
      "2024-01-01T00:00:61Z",
      "0000-12-31T00:00:00Z",
      "0001-01-01T00:00:00+00:01",
      "9999-12-31T23:59:59-00:01",
      "2024-01-01T00:00:00+2:00",
      "2024-01-01T00:00:00+24:00",
      "2024-01-01T00:00:00+02:60",
      "2024-01-01T00:00:00Zx",
      "2024-01-01T00:00:00 Z",
      "2024-01-01X00:00:00Z",
      " 2024-01-01T00:00:00Z",
      "2024-01-01T00:00:00+0200",
      "-024-01-01T00:00:00Z",
      "12024-01-01T00:00:00Z",
      "2024-01-01T00:00:00,5Z",
      "2024-01-01T00:00:00.",
      "2024/01/01T00:00:00Z",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    int64_t time_us;
    /* An exact copy, so that a read behind the end is seen by the sanitizer. */
    size_t length = strlen(bad[i]);
    char *copy = malloc(length + (length == 0));
    memcpy(copy, bad[i], length);
    if (flow_parse_timestamp(copy, length, &time_us) == NULL) fail_msg("%s accepted", bad[i]);
    free(copy);
  }
}

static void random_times_read_back(void **state) {
  (void)state;
  struct random r = {2};
  struct flow_buf b = {0};
  for (int i = 0; i < 200000; i++) {
    int64_t time_us = FLOW_TIME_MIN +
                      (int64_t)random_below(&r, (uint64_t)(FLOW_TIME_MAX - FLOW_TIME_MIN)),
            back;
    if (i % 3 == 0) time_us -= time_us % 1000;
    b.length = 0;
    flow_print_timestamp(&b, time_us);
    assert_true(b.length <= FLOW_TIMESTAMP_TEXT);
    assert_null(flow_parse_timestamp(b.data, b.length, &back));
    assert_int_equal(back, time_us);
  }
  flow_buf_free(&b);
}

static void durations_read_and_print(void **state) {
  (void)state;
  static const struct {
    const char *in, *out;
    int64_t us;
  } cases[] = {
      {"1h30m", "1h30m", INT64_C(5400000000)},
      {"250ms", "250ms", 250000},
      {"0s", "0s", 0},
      {"90m", "1h30m", INT64_C(5400000000)},
      {"-2m", "-2m", -120000000},
      {"25h", "1d1h", INT64_C(90000000000)},
      {"1s500ms", "1s500ms", 1500000},
      {"7us", "7us", 7},
      {"0d", "0s", 0},
      {"1d1us", "1d1us", INT64_C(86400000001)},
      {"-9223372036854775808us", "-106751991d4h54s775ms808us", INT64_MIN},
  };
  struct flow_buf b = {0};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t us = -1;
    assert_null(flow_parse_duration(cases[i].in, strlen(cases[i].in), &us));
    assert_int_equal(us, cases[i].us);
    b.length = 0;
    flow_print_duration(&b, us);
    assert_buf(&b, cases[i].out);
    assert_true(b.length <= FLOW_DURATION_TEXT);
    assert_null(flow_parse_duration(b.data, b.length, &us));
    assert_int_equal(us, cases[i].us);
  }
  flow_buf_free(&b);
  static const char *const bad[] = {"",
                                    "-",
                                    "5",
                                    "h",
                                    "1x",
                                    "1m1h",
                                    "1h1h",
                                    "1h-5m",
                                    "+1h",
                                    "1.5h",
                                    " 1h",
                                    "1h ",
                                    "9223372036854775808us",
                                    "106751992d",
                                    "1hm",
                                    "99999999999999999999us",
                                    "1µs"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    int64_t us;
    if (flow_parse_duration(bad[i], strlen(bad[i]), &us) == NULL) fail_msg("%s accepted", bad[i]);
  }
}

static void time_arithmetic_stays_in_range(void **state) {
  (void)state;
  int64_t out;
  assert_true(flow_time_add(FLOW_TIME_MAX - 5, 5, &out) && out == FLOW_TIME_MAX);
  assert_false(flow_time_add(FLOW_TIME_MAX, 1, &out));
  assert_false(flow_time_add(FLOW_TIME_MAX, INT64_MAX, &out));
  assert_true(flow_time_sub(FLOW_TIME_MIN + 5, 5, &out) && out == FLOW_TIME_MIN);
  assert_false(flow_time_sub(FLOW_TIME_MIN, 1, &out));
  assert_false(flow_time_sub(0, INT64_MIN, &out));
  assert_true(flow_time_of_unit(1704067200, FLOW_US_PER_S, &out) &&
              out == INT64_C(1704067200000000));
  assert_false(flow_time_of_unit(INT64_MAX, 1000, &out));
  assert_false(flow_time_of_unit(INT64_C(253402300800), FLOW_US_PER_S, &out));
}

static void formats_are_read_back(void **state) {
  (void)state;
  static const struct {
    const char *text, *format;
    bool is_time;
  } rows[] = {
      {"2024-02-29", "%F", true},           {"2023-02-29", "%F", false}, {"29.2.2024", "%d.%m.%Y", true},
      {"24:00:00", "%T", false},            {"100%", "100%%", true},     {"2024 366", "%Y %j", true},
      {"2023 366", "%Y %j", false},         {"1.5", "%S.%f", true},      {"1.1234567", "%S.%f", false},
      {"0001-01-01 +0100", "%F %z", false}, {"1970-01-01Z", "%F%z", true}, {"feb 2024", "%b %Y", true},
      {"February", "%b", false},            {"x", "%q", false},          {"x", "x%", false},
      {"", "", true},                       {" ", "", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int64_t time_us;
    const char *why = flow_parse_time(rows[i].text, strlen(rows[i].text), rows[i].format,
                                      strlen(rows[i].format), &time_us);
    if ((why == NULL) != rows[i].is_time) fail_msg("%s as %s", rows[i].text, rows[i].format);
  }
  static const char format[] = "%F %T.%f %a %A %b %B %j %u %z %%";
  struct flow_buf out = {0};
  assert_true(flow_print_time(&out, INT64_C(1709208000123456), format, sizeof format - 1));
  assert_buf(&out, "2024-02-29 12:00:00.123456 Thu Thursday Feb February 060 4 +0000 %");
  assert_false(flow_print_time(&out, 0, "%q", 2));
  assert_false(flow_print_time(&out, 0, "%", 1));
  flow_buf_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(formats_are_read_back),
      cmocka_unit_test(calendar_agrees_with_the_c_library),
      cmocka_unit_test(timestamps_read_and_print),
      cmocka_unit_test(bad_timestamps_are_refused),
      cmocka_unit_test(random_times_read_back),
      cmocka_unit_test(durations_read_and_print),
      cmocka_unit_test(time_arithmetic_stays_in_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
