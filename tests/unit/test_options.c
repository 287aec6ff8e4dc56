/* The command line: values, refusals, suggestions, parameters, help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "options.h"

struct params {
  int64_t count;
  double ratio;
  bool is_on;
  struct flow_str text;
  int64_t time, span, price;
  uint32_t color;
  struct {
    bool has;
    int64_t value;
  } maybe;
};

static const char *const colors[] = {"red", "green", NULL};
#define AT(field) offsetof(struct params, field)
static const struct flow_param params[] = {
    {.name = "count",
     .kind = FLOW_PARAM_INT,
     .offset = AT(count),
     .has_offset = -1,
     .is_required = true},
    {.name = "ratio", .kind = FLOW_PARAM_FLOAT, .offset = AT(ratio), .has_offset = -1},
    {.name = "is_on", .kind = FLOW_PARAM_BOOL, .offset = AT(is_on), .has_offset = -1},
    {.name = "text", .kind = FLOW_PARAM_STRING, .offset = AT(text), .has_offset = -1},
    {.name = "time", .kind = FLOW_PARAM_TIMESTAMP, .offset = AT(time), .has_offset = -1},
    {.name = "span",
     .kind = FLOW_PARAM_DURATION,
     .offset = AT(span),
     .has_offset = -1,
     .doc = "how long",
     .default_text = "1s"},
    {.name = "color",
     .kind = FLOW_PARAM_ENUM,
     .offset = AT(color),
     .has_offset = -1,
     .variants = colors},
    {.name = "price",
     .kind = FLOW_PARAM_DECIMAL,
     .scale = 2,
     .offset = AT(price),
     .has_offset = -1},
    {.name = "may_be",
     .kind = FLOW_PARAM_INT,
     .offset = AT(maybe.value),
     .has_offset = AT(maybe.has)},
};
static const struct flow_source_desc sources[] = {{.name = "events"}};
static const struct flow_sink_desc sinks[] = {{.name = "dead"}};
static const struct flow_program program = {.name = "flow",
                                            .doc = "What it does.",
                                            .params = params,
                                            .param_count = sizeof params / sizeof params[0],
                                            .sources = sources,
                                            .source_count = 1,
                                            .sinks = sinks,
                                            .sink_count = 1};

/* Splits a command line at blanks and parses it; "--count 1" is put in front. */
static char words[512];
static enum options_result parse(const char *line, struct options *o, struct params *p,
                                 struct flow_report *report) {
  static char *argv[64];
  int argc = 0;
  strcpy(words, "prog --count 1 ");
  strcat(words, line);
  for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) argv[argc++] = word;
  argv[argc] = NULL;
  memset(p, 0, sizeof *p);
  memset(report, 0, sizeof *report);
  return options_parse(o, &program, p, argc, argv, report);
}

static void reads_all_options(void **state) {
  (void)state;
  struct options o;
  struct params p;
  struct flow_report report;
  assert_int_equal(
      parse("-d db -s 250ms --snapshot-mode immediate --epoch-records 10 --resume-epoch 3 "
            "--retain-epochs=7 --at-end flush --once --source events=a=b --sink dead=- "
            "--source-restart events --source-skip events --sink-restart dead "
            "--accept-drop x --accept-drop y.z --summary json",
            &o, &p, &report),
      OPTIONS_RUN);
  assert_string_equal(o.state_dir, "db");
  assert_int_equal(o.interval_us, 250000);
  assert_true(o.is_immediate && o.is_once);
  assert_int_equal(o.epoch_records, 10);
  assert_int_equal(o.resume_epoch, 3);
  assert_int_equal(o.retain_epochs, 7);
  assert_int_equal(o.at_end, AT_END_FLUSH);
  assert_int_equal(o.summary, SUMMARY_JSON);
  assert_string_equal(options_place(o.sources, o.source_count, "events"), "a=b");
  assert_null(options_place(o.sources, o.source_count, "event"));
  assert_string_equal(options_place(o.sinks, o.sink_count, "dead"), "-");
  assert_int_equal(o.drop_count, 2);
  assert_string_equal(o.drops[1], "y.z");
  assert_true(options_has(o.source_restarts, o.source_restart_count, "events"));
  assert_true(options_has(o.source_skips, o.source_skip_count, "events"));
  assert_true(options_has(o.sink_restarts, o.sink_restart_count, "dead"));
  options_free(&o);
}

static void defaults(void **state) {
  (void)state;
  struct options o;
  struct params p;
  struct flow_report report;
  assert_int_equal(parse("", &o, &p, &report), OPTIONS_RUN);
  assert_null(o.state_dir);
  assert_int_equal(o.interval_us, OPTIONS_INTERVAL_US);
  assert_int_equal(o.resume_epoch, -1);
  assert_int_equal(o.epoch_records, 0);
  assert_int_equal(o.at_end, AT_END_DEFAULT);
  assert_int_equal(o.summary, SUMMARY_AUTO);
  assert_int_equal(p.count, 1);
  assert_false(p.maybe.has);
  options_free(&o);
}

static void reads_all_kinds_of_parameters(void **state) {
  (void)state;
  struct options o;
  struct params p;
  struct flow_report report;
  assert_int_equal(parse("--count=-5 --ratio 2.5 --is-on true --text a_text_longer_than_12 "
                         "--time 1970-01-01T00:00:01Z --span 1h30m --color green --may-be 9",
                         &o, &p, &report),
                   OPTIONS_RUN);
  assert_int_equal(p.count, -5);
  assert_true(p.ratio == 2.5);
  assert_true(p.is_on);
  assert_true(flow_str_is(&p.text, "a_text_longer_than_12", 21));
  assert_int_equal(p.time, 1000000);
  assert_int_equal(p.span, INT64_C(5400000000));
  assert_int_equal(p.color, 1);
  assert_true(p.maybe.has);
  assert_int_equal(p.maybe.value, 9);
  options_free(&o);
}

static void refuses_with_a_reason(void **state) {
  (void)state;
  static const struct {
    const char *line, *message, *help;
  } cases[] = {
      {"--stat-dir x", "unknown option `--stat-dir`", "did you mean `--state-dir`?"},
      {"--colour red", "unknown option `--colour`", "did you mean `--color`?"},
      {"--back-up x", "unknown option `--back-up`", "did you mean `--backup`?"},
      {"-d db -b x", "x: expected file:///DIR or s3://BUCKET/PREFIX", ""},
      {"-d db -b /x", "/x: expected file:///DIR or s3://BUCKET/PREFIX", "did you mean file:///x?"},
      {"-b file:///x", "--backup needs --state-dir", ""},
      {"-d db -b file:///x --s3-endpoint http://h", "--s3-endpoint needs --backup s3://", ""},
      {"-q x", "unknown option `-q`", "--help lists"},
      {"-w 0", "--workers 0: expected at least 1", ""},
      {"--workers 1000", "--workers 1000: expected at most 256", ""},
      {"--workers many", "--workers many: ", ""},
      {"-d", "option `-d` needs a value", ""},
      {"-s 5", "--snapshot-interval 5: ", ""},
      {"-s -5s", "--snapshot-interval -5s: expected 0s or more", ""},
      {"--epoch-records 0", "--epoch-records 0: expected at least 1", ""},
      {"--epoch-records 1x", "--epoch-records 1x: ", ""},
      {"-d db --resume-epoch -1", "--resume-epoch -1: expected 0 or more", ""},
      {"--resume-epoch 1", "--resume-epoch and --retain-epochs need --state-dir", ""},
      {"--snapshot-mode often", "--snapshot-mode often: expected batch or immediate", ""},
      {"--summary xml", "--summary xml: expected text, json or none", ""},
      {"--source events", "--source events: expected NAME=PATH", ""},
      {"--source other=x", "--source other=x: the flow has no such source", ""},
      {"--sink events=x", "--sink events=x: the flow has no such sink", ""},
      {"--sink-restart events", "--sink-restart events: the flow has nothing of that name", ""},
      {"--count many", "--count many: expected an int", ""},
      {"--ratio inf", "--ratio inf: ", ""},
      {"--color blue", "--color blue: expected red, green", ""},
      {"db", "unexpected argument `db`", "--help lists"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct options o;
    struct params p;
    struct flow_report report;
    assert_int_equal(parse(cases[i].line, &o, &p, &report), OPTIONS_WRONG);
    assert_int_equal(report.status, FLOW_E_USAGE);
    assert_non_null(strstr(report.message, cases[i].message));
    assert_non_null(strstr(report.help, cases[i].help));
    options_free(&o);
  }
}

static void required_parameters_are_required(void **state) {
  (void)state;
  struct options o;
  struct params p = {0};
  struct flow_report report = {0};
  char *argv[] = {(char[]){"prog"}, NULL};
  assert_int_equal(options_parse(&o, &program, &p, 1, argv, &report), OPTIONS_WRONG);
  assert_non_null(strstr(report.message, "--count is missing"));
  options_free(&o);
}

static void help_shows_everything(void **state) {
  (void)state;
  struct options o;
  struct params p;
  struct flow_report report;
  assert_int_equal(parse("--help --nonsense", &o, &p, &report), OPTIONS_HELP);
  options_free(&o);
  struct flow_buf text = {0};
  options_help(&program, "./prog", &text);
  flow_buf_add_char(&text, '\0');
  static const char *const shown[] = {
      "What it does.",       "usage: ./prog",    "--span DURATION", "how long (default 1s)",
      "--color NAME",        "--price DECIMAL", "--may-be INT",     "exit codes:",
      "-d, --state-dir DIR", "--resume-epoch N", "-b, --backup URL"};
  for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
    assert_non_null(strstr(text.data, shown[i]));
  flow_buf_free(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_all_options),
      cmocka_unit_test(defaults),
      cmocka_unit_test(reads_all_kinds_of_parameters),
      cmocka_unit_test(refuses_with_a_reason),
      cmocka_unit_test(required_parameters_are_required),
      cmocka_unit_test(help_shows_everything),
  };
  return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
