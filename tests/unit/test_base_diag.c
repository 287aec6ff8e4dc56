/* Places in sources, messages with their source lines, suggestions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/diag.h"
#include "base/edit.h"
#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
  struct arena arena;
  struct sources sources;
  struct diags diags;
};

static int set_up(void **state) {
  static struct fixture f;
  arena_init(&f.arena);
  sources_init(&f.sources, &f.arena);
  diags_init(&f.diags, &f.arena, &f.sources);
  *state = &f;
  return 0;
}

static int tear_down(void **state) {
  arena_free(&((struct fixture *)*state)->arena);
  return 0;
}

static struct source *add(struct fixture *f, const char *path, const char *text) {
  return sources_add_text(&f->sources, path, text, strlen(text));
}

/* The span of the first occurrence of `piece` in the source. */
static struct span span_of(const struct source *source, const char *piece) {
  const char *found = strstr(source->text, piece);
  assert_non_null(found);
  return (struct span){source->start + (uint32_t)(found - source->text), (uint32_t)strlen(piece)};
}

/* What diags_print writes to a file, in the arena. */
static const char *printed(struct fixture *f, enum diag_format format) {
  char *bytes = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&bytes, &size);
  diags_print(&f->diags, stream, format);
  fclose(stream);
  const char *copy = arena_strndup(&f->arena, bytes, size);
  free(bytes);
  return copy;
}

static void places_are_lines_and_code_points(void **state) {
  struct fixture *f = *state;
  struct source *a = add(f, "a.flow", "one\ntwo\r\n\nlast");
  struct source *b = add(f, "b.flow", "\xEF\xBB\xBFx \xC3\xA9\xFF y");
  assert_int_equal(a->line_count, 4);
  struct place place = sources_place(&f->sources, a->start + 5);
  assert_ptr_equal(place.source, a);
  assert_int_equal(place.line, 2);
  assert_int_equal(place.column, 2);
  place = sources_place(&f->sources, a->start + a->length); /* the end is a place of its own */
  assert_ptr_equal(place.source, a);
  assert_int_equal(place.line, 4);
  assert_int_equal(place.column, 5);
  place = sources_place(&f->sources, span_of(b, "y").offset);
  assert_ptr_equal(place.source, b);
  assert_int_equal(place.line, 1);
  assert_int_equal(place.column, 6); /* x, blank, é, the bad byte, blank, y */
  place = sources_place(&f->sources, UINT32_MAX);
  assert_ptr_equal(place.source, b);
  size_t length;
  const char *line = source_line(a, 2, &length);
  assert_int_equal(length, 3);
  assert_memory_equal(line, "two", 3);
  source_line(a, 3, &length);
  assert_int_equal(length, 0);
  assert_int_equal(sources_line(&f->sources, a->start + 4), 2);
  assert_memory_equal(sources_text(&f->sources, span_of(b, "x")), "x", 1);
}

static void spans_join(void **state) {
  (void)state;
  struct span a = {10, 5}, b = {3, 4};
  assert_int_equal(span_join(a, b).offset, 3);
  assert_int_equal(span_join(a, b).length, 12);
  assert_int_equal(span_join(b, a).length, 12);
  assert_int_equal(span_after(a).offset, 15);
}

static void files_are_read_or_refused(void **state) {
  struct fixture *f = *state;
  const char *why = NULL;
  assert_null(sources_load(&f->sources, "/nonexistent/x.flow", &why));
  assert_non_null(strstr(why, "No such file"));
  assert_null(sources_load(&f->sources, "/", &why));
  assert_non_null(strstr(why, "directory"));
  char path[] = "/tmp/flowcc-test-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  FILE *file = fdopen(fd, "w");
  for (int i = 0; i < 20000; i++) fprintf(file, "%05d\n", i);
  fclose(file);
  struct source *source = sources_load(&f->sources, path, &why);
  remove(path);
  assert_non_null(source);
  assert_int_equal(source->length, 120000);
  assert_int_equal(source->line_count, 20001);
  assert_string_equal(source->text + 119994, "19999\n");
  static char huge[LIMIT_SOURCE_BYTES];
  memset(huge, 'x', sizeof huge);
  assert_null(sources_add_text(&f->sources, "huge.flow", huge, sizeof huge));
}

static void a_message_looks_as_in_the_manual(void **state) {
  struct fixture *f = *state;
  struct source *source =
      add(f, "pay.flow", "\n\n\n\n\n\n\n\n  |> map { share: amount / total }\n");
  struct diag *d = diag_error(&f->diags, E0301, span_of(source, "/"),
                              "this division can fail and nothing handles it");
  diag_label(d, span_of(source, "/"), "`%s` may be 0", "total");
  diag_underline(d, span_of(source, "amount"));
  diag_help(d, "give a default:  amount / total ?? 0");
  diag_note(d, "a note");
  assert_true(diags_has_errors(&f->diags));
  assert_string_equal(printed(f, DIAG_HUMAN),
                      "error[E0301]: this division can fail and nothing handles it\n"
                      "  --> pay.flow:9:26\n"
                      " 9 |   |> map { share: amount / total }\n"
                      "   |                   ------ ^ `total` may be 0\n"
                      "   = help: give a default:  amount / total ?? 0\n"
                      "   = note: a note\n");
  assert_string_equal(
      printed(f, DIAG_SHORT),
      "pay.flow:9:26: error[E0301]: this division can fail and nothing handles it\n");
}

static void carets_stand_under_the_right_characters(void **state) {
  struct fixture *f = *state;
  struct source *source = add(f, "x.flow",
                              "\xEF\xBB\xBF\tf(\"\xE4\xB8\xAD\xC3\xA9\", \x01"
                              "bad)\n");
  diag_error(&f->diags, E0201, span_of(source, "bad"), "unknown");
  assert_string_equal(printed(f, DIAG_HUMAN), "error[E0201]: unknown\n"
                                              "  --> x.flow:1:11\n"
                                              " 1 |     f(\"\xE4\xB8\xAD\xC3\xA9\", \xEF\xBF\xBD"
                                              "bad)\n"
                                              "   |               ^^^\n");
}

static void several_texts_on_one_line_hang_below(void **state) {
  struct fixture *f = *state;
  struct source *source = add(f, "x.flow", "aa bb cc\nx\n\n\nlater\n");
  struct diag *d = diag_error(&f->diags, E0201, span_of(source, "bb"), "three places");
  diag_label(d, span_of(source, "cc"), "third");
  diag_label(d, span_of(source, "bb"), "second");
  diag_label(d, span_of(source, "aa"), "first");
  diag_label(d, span_of(source, "later"), "elsewhere");
  assert_string_equal(printed(f, DIAG_HUMAN), "error[E0201]: three places\n"
                                              "  --> x.flow:1:4\n"
                                              " 1 | aa bb cc\n"
                                              "   | -- ^^ -- third\n"
                                              "   | |  second\n"
                                              "   | first\n"
                                              " ...\n"
                                              " 5 | later\n"
                                              "   | ----- elsewhere\n");
}

static void labels_in_other_files_name_them(void **state) {
  struct fixture *f = *state;
  struct source *a = add(f, "a.flow", "record A {}\n"), *b = add(f, "b.flow", "\nuse A\n");
  struct diag *d = diag_warning(&f->diags, W0901, span_of(b, "A"), "over there");
  diag_label(d, span_of(a, "A"), "declared here");
  assert_false(diags_has_errors(&f->diags));
  assert_string_equal(printed(f, DIAG_HUMAN), "warning[W0901]: over there\n"
                                              "  --> b.flow:2:5\n"
                                              " 2 | use A\n"
                                              "   |     ^\n"
                                              "  ::: a.flow:1:8\n"
                                              " 1 | record A {}\n"
                                              "   |        - declared here\n");
}

static void long_lines_are_cut_around_the_place(void **state) {
  struct fixture *f = *state;
  static char line[5001];
  memset(line, 'a', 5000);
  memcpy(line + 3000, "HERE", 4);
  struct source *source = add(f, "x.flow", line);
  diag_error(&f->diags, E0201, span_of(source, "HERE"), "far right");
  const char *text = printed(f, DIAG_HUMAN);
  const char *shown = strstr(text, " 1 | "), *carets = strstr(text, "   | ");
  assert_non_null(shown);
  assert_true(strlen(text) < 600);
  /* The "…" has three bytes and one column. */
  assert_int_equal(strstr(shown, "HERE") - shown - 2, strstr(carets, "^^^^") - carets);
}

static void messages_are_sorted_and_counted(void **state) {
  struct fixture *f = *state;
  struct source *source = add(f, "x.flow", "0123456789012345678901234567890123456789");
  for (uint32_t i = 40; i-- > 0;) {
    struct span span = {source->start + i, 1};
    diag_error(&f->diags, E0201, span, "at %u", i);
    diag_error(&f->diags, E0201, span, "again at %u", i); /* the same code and place: dropped */
  }
  const char *text = printed(f, DIAG_SHORT);
  assert_memory_equal(text, "x.flow:1:1: error[E0201]: at 0\n", 31);
  assert_non_null(strstr(text, "at 19\n"));
  assert_null(strstr(text, "at 20\n"));
  assert_null(strstr(text, "again"));
  assert_string_equal(strstr(text, "…"), "… and 20 more\n");
}

static void errors_are_shown_before_warnings_fill_the_limit(void **state) {
  struct fixture *f = *state;
  struct source *source = add(f, "x.flow", "0123456789012345678901234567890123456789");
  for (uint32_t i = 0; i < 30; i++)
    diag_warning(&f->diags, W0901, (struct span){source->start + i, 1}, "warning");
  diag_error(&f->diags, E0201, (struct span){source->start + 35, 1}, "the error");
  assert_non_null(strstr(printed(f, DIAG_SHORT), "the error"));
}

static void surplus_reports_cost_nothing(void **state) {
  struct fixture *f = *state;
  struct source *source = add(f, "x.flow", "x");
  for (uint32_t i = 0; i < 100000; i++) {
    struct diag *d = diag_error(&f->diags, E0201, (struct span){source->start, i}, "%u", i);
    diag_help(diag_note(diag_label(d, d->span, "label"), "note"), "help");
  }
  assert_int_equal(f->diags.error_count, 100000);
  assert_int_equal(f->diags.list.count, LIMIT_DIAGS_KEPT);
}

static void json_has_everything(void **state) {
  struct fixture *f = *state;
  struct source *source = add(f, "x.flow", "a\nbc \"d\"\n");
  struct diag *d = diag_error(&f->diags, E0204, span_of(source, "bc"), "no \"bc\"");
  diag_label(d, span_of(source, "a"), "here");
  diag_note(d, "n");
  diag_help(d, "h1");
  diag_help(d, "h2");
  assert_string_equal(
      printed(f, DIAG_JSON),
      "{\"severity\": \"error\", \"code\": \"E0204\", \"message\": \"no \\\"bc\\\"\", "
      "\"file\": \"x.flow\", \"line\": 2, \"column\": 1, \"end_line\": 2, \"end_column\": 3, "
      "\"offset\": 2, \"length\": 2, \"labels\": [{\"file\": \"x.flow\", \"line\": 1, "
      "\"column\": 1, \"end_line\": 1, \"end_column\": 2, \"offset\": 0, \"length\": 1, "
      "\"text\": \"here\"}], \"notes\": [\"n\"], \"helps\": [\"h1\", \"h2\"]}\n");
}

static void colours_surround_only_the_marks(void **state) {
  struct fixture *f = *state;
  struct source *source = add(f, "x.flow", "abc\n");
  struct diag *d = diag_error(&f->diags, E0201, span_of(source, "b"), "m");
  struct text plain, coloured;
  text_init(&plain, &f->arena);
  text_init(&coloured, &f->arena);
  diag_render(d, false, &plain);
  diag_render(d, true, &coloured);
  assert_null(strchr(plain.data, '\033'));
  assert_non_null(strstr(coloured.data, "\033[1;31m^\033[0m"));
}

static void every_code_is_explained(void **state) {
  (void)state;
  for (enum diag_code code = 0; code < DIAG_CODE_COUNT; code++) {
    const struct diag_info *info = diag_info(code);
    size_t length = strlen(info->explanation);
    assert_int_equal(diag_code_from_name(info->name), code);
    assert_true(length > 60 && info->explanation[length - 1] == '\n');
    assert_true(strlen(info->title) > 3 && info->title[strlen(info->title) - 1] != '.');
    if (code > 0) assert_true(strcmp(diag_info(code - 1)->name + 1, info->name + 1) != 0);
  }
  assert_int_equal(diag_code_from_name("e0100"), E0100);
  assert_int_equal(diag_code_from_name("E9999"), DIAG_CODE_COUNT);
}

static void distances_count_swaps_as_one(void **state) {
  (void)state;
  assert_int_equal(edit_distance("", ""), 0);
  assert_int_equal(edit_distance("abc", ""), 3);
  assert_int_equal(edit_distance("kitten", "sitting"), 3);
  assert_int_equal(edit_distance("fitler", "filter"), 1);
  assert_int_equal(edit_distance("user_id", "usr_id"), 1);
  char longer[200];
  memset(longer, 'x', sizeof longer);
  longer[199] = '\0';
  assert_true(edit_distance(longer, "x") == SIZE_MAX);
}

static void suggestions_are_near_and_stable(void **state) {
  (void)state;
  static const char *const names[] = {"user_id", "type", "order_id", NULL, "tape", "n"};
  assert_string_equal(closest_name("usr_id", names, 6), "user_id");
  assert_string_equal(closest_name("typ", names, 6), "type");
  assert_string_equal(closest_name("tpye", names, 6), "type");
  assert_string_equal(closest_name("tbpe", names, 6), "type"); /* as near as "tape", and first */
  assert_null(closest_name("amount", names, 6));
  assert_null(closest_name("m", names, 6)); /* nothing of it would remain */
  assert_null(closest_name("type", (const char *const[]){"type"}, 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(places_are_lines_and_code_points),
      TEST(spans_join),
      TEST(files_are_read_or_refused),
      TEST(a_message_looks_as_in_the_manual),
      TEST(carets_stand_under_the_right_characters),
      TEST(several_texts_on_one_line_hang_below),
      TEST(labels_in_other_files_name_them),
      TEST(long_lines_are_cut_around_the_place),
      TEST(messages_are_sorted_and_counted),
      TEST(errors_are_shown_before_warnings_fill_the_limit),
      TEST(surplus_reports_cost_nothing),
      TEST(json_has_everything),
      TEST(colours_surround_only_the_marks),
      TEST(every_code_is_explained),
      TEST(distances_count_swaps_as_one),
      TEST(suggestions_are_near_and_stable),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
