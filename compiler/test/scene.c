#define _GNU_SOURCE /* memmem */
#include "test/scene.h"

#include <stdlib.h>
#include <string.h>

#include "io/io.h"
#include "middle/lower.h"

/* Shown in front of lines that belong to a message. */
#define MARGIN "   "

static struct diag *find(struct scene *s, enum diag_code code, struct span span, const char *text) {
  s->finding = diag_error(&s->findings, code, span, "%s", text);
  return s->finding;
}

/* -- the program's ways to go on ------------------------------------------------------------- */

static const char *const live_options[] = {"--workers=1", "--at-end=keep", NULL};
/* A run goes on with any number of workers, so one that was killed does with another. */
static const char *const recovery_options[] = {"--workers=2", "--at-end=keep", NULL};
static const char *const last_options[] = {"--workers=1", "--once", "--at-end=flush", NULL};

/* What the program said last. It speaks of a folder for its state that nobody has to know. */
static void add_messages(struct scene *s) {
  static const char folder[] = ".test/state", name[] = "the test's state";
  struct text told;
  text_init(&told, &s->arena);
  play_read_messages(&s->play, &told);
  for (const char *at = told.data; *at != '\0';) {
    size_t length = strcspn(at, "\n");
    const char *found = memmem(at, length, folder, sizeof folder - 1);
    size_t before = found != NULL ? (size_t)(found - at) : length;
    text_addf(&s->detail, MARGIN "| %.*s", (int)before, at);
    if (found != NULL) {
      text_add(&s->detail, name);
      before += sizeof folder - 1;
      text_addn(&s->detail, at + before, length - before);
    }
    text_addc(&s->detail, '\n');
    at += length + (at[length] == '\n');
  }
}

/* What an event means that comes of a step. False: the test is over. */
static bool settle(struct scene *s, const struct test_step *step, enum play_event event) {
  switch (event) {
  case PLAY_IDLE: return true;
  case PLAY_KILLED:
  case PLAY_ENDED:
    if (s->play.exit_code != 0) s->end_step = step;
    return true;
  case PLAY_LOST:
    find(s, T1102, step->span, "the program did not come to rest behind this step");
    add_messages(s);
    return false;
  case PLAY_INTERRUPTED: s->is_interrupted = true; return false;
  }
  return false;
}

/* The options of the process that goes on behind a step. */
static const char *const *options_of(const struct test_step *step, bool is_recovery) {
  if (step->kind == TEST_END) return last_options;
  return is_recovery ? recovery_options : live_options;
}

/* Lets the program do a step: a running one is told, one that does not run begins. If this is the
 * moment of the crash, the next process goes on. */
static bool act(struct scene *s, const struct test_step *step) {
  struct play *play = &s->play;
  bool crashes = ++s->moments == s->crash_moment;
  uint64_t kill_at = crashes ? s->crash_call : 0;
  enum play_event event;
  if (step->kind == TEST_END) play_kill(play);
  if (play->process == 0) {
    if (step->kind == TEST_ADVANCE) play->clock_us += step->number;
    event = play_start(play, options_of(step, false), kill_at);
  } else if (step->kind == TEST_ADVANCE) {
    event = play_advance(play, step->number, kill_at);
  } else {
    event = play_go(play, kill_at);
  }
  if (crashes && (event == PLAY_KILLED || event == PLAY_IDLE)) {
    s->crash_step = step;
    s->has_crashed = event == PLAY_KILLED;
    play_kill(play);
    event = play_start(play, options_of(step, true), 0);
  }
  return settle(s, step, event);
}

/* -- feeding --------------------------------------------------------------------------------- */

static bool is_format(const struct test_source *source, const char *name) {
  return strcmp(source->decl->io->format->name, name) == 0;
}

static bool is_folder(const struct test_source *source) {
  size_t length = strlen(source->path);
  return length > 0 && source->path[length - 1] == '/';
}

/* Keeps the columns of a header that the test gives as text. */
static void keep_columns(struct scene *s, const struct test_source *source, struct fed *fed,
                         const char *text, size_t length) {
  struct arena *arena = &s->arena;
  VEC_OF(columns, const char *) columns = {0};
  char delimiter = source->decl->io->delimiter;
  for (size_t i = 0, start = 0; i <= length; i++) {
    bool is_end = i == length || text[i] == '\n' || text[i] == '\r';
    if (!is_end && text[i] != delimiter) continue;
    vec_push(arena, &columns, arena_strndup(arena, text + start, i - start));
    start = i + 1;
    if (is_end) break;
  }
  fed->columns = columns.data;
  fed->column_count = columns.count;
}

static void write_header(const struct test_source *source, struct text *out) {
  const struct type *type = source->decl->type;
  for (size_t i = 0; i < type->fields.count; i++) {
    const struct type_field *field = &type->fields.data[i];
    if (i > 0) text_addc(out, source->decl->io->delimiter);
    text_add(out, field->from != NULL ? field->from : field->name);
  }
  text_addc(out, '\n');
}

/* A line of a text source cannot hold a line end. False after saying so. */
static bool check_line(struct scene *s, const struct test_line *line, const struct text *out,
                       size_t from) {
  if (memchr(out->data + from, '\n', out->length - from) == NULL) return true;
  find(s, T1103, line->step->value->span, "a line of text cannot hold a line end");
  return false;
}

static bool write_rows(struct scene *s, const struct test_line *line,
                       const struct test_source *source, struct fed *fed, struct text *out) {
  const struct io_spec *io = source->decl->io;
  bool is_csv = is_format(source, "csv");
  bool is_new = fed->bytes == 0 || is_folder(source);
  if (is_csv && io->has_header && is_new) write_header(source, out);
  vec_each(struct value, row, &line->rows) {
    size_t from = out->length;
    if (is_csv) {
      bool has_columns = !is_new && io->has_header;
      value_write_row(row, io->delimiter, has_columns ? fed->columns : NULL, fed->column_count,
                      out);
      continue;
    }
    if (is_format(source, "text")) {
      value_write_line(row, out);
      if (!check_line(s, line, out, from)) return false;
    } else {
      value_write(VALUE_FED, row->type, row->json, row->length, out);
    }
    text_addc(out, '\n');
  }
  return true;
}

static void write_text(struct scene *s, const struct test_line *line,
                       const struct test_source *source, struct fed *fed, struct text *out) {
  const struct expr *value = line->step->value;
  text_addn(out, value->string.data, value->string.length);
  if (out->length > 0 && out->data[out->length - 1] != '\n') text_addc(out, '\n');
  bool has_header = is_format(source, "csv") && source->decl->io->has_header;
  if (has_header && fed->bytes == 0) keep_columns(s, source, fed, out->data, out->length);
}

static const struct test_source *find_source(const struct suite *suite, const char *name) {
  const struct test_source *source = suite->sources.data;
  while (source->decl->name.text != name) source++; /* the checker has found it */
  return source;
}

/* What was fed to the file of a source; two sources may read one file. */
static struct fed *fed_of(struct scene *s, const struct test_source *source) {
  size_t first = 0;
  while (strcmp(s->suite->sources.data[first].path, source->path) != 0) first++;
  return &s->fed[first];
}

static bool feed(struct scene *s, const struct test_line *line) {
  struct suite *suite = s->suite;
  const struct test_source *source = find_source(suite, line->step->name.text);
  struct fed *fed = fed_of(s, source);
  struct text text;
  text_init(&text, &s->arena);
  if (line->step->subject == TEST_TEXT) {
    write_text(s, line, source, fed, &text);
  } else if (!write_rows(s, line, source, fed, &text)) {
    return false;
  }
  const char *path = source->path;
  fed->feeds++;
  if (is_folder(source))
    path = arena_printf(&s->arena, "%s%u.%s", path, fed->feeds,
                        is_format(source, "text") ? "txt" : source->decl->io->format->name);
  fed->bytes += text.length;
  if (!play_append(&s->play, path, text.data, text.length)) {
    find(s, T1102, line->step->span, "this cannot be fed");
    return false;
  }
  return act(s, line->step);
}

/* -- expecting ------------------------------------------------------------------------------- */

static struct diff_row make_row(struct scene *s, const struct value *value) {
  struct text shown, compared;
  text_init(&shown, &s->arena);
  text_init(&compared, &s->arena);
  value_write(VALUE_SHOWN, value->type, value->json, value->length, &shown);
  value_write(VALUE_COMPARED, value->type, value->json, value->length, &compared);
  return (struct diff_row){shown.data, compared.data};
}

/* The rows that came since the last look. */
static void read_rows(struct scene *s, const struct test_step *step, struct diff_rows *rows) {
  struct suite *suite = s->suite;
  struct arena *arena = &s->arena;
  const char *sink = lower_capture_name(suite->compiler, step->name.text);
  const struct type *const *types = suite->compiler->types->all.data;
  size_t *read = map_get(&s->read, step->name.text);
  if (read == NULL) {
    read = arena_new(arena, size_t);
    map_put(&s->read, step->name.text, read);
  }
  struct text text;
  text_init(&text, arena);
  play_read(&s->play, arena_printf(arena, ".test/%s", sink), *read, &text);
  *read += text.length;
  for (const char *line = text.data; *line != '\0';) {
    char *json; /* behind the number of its type */
    unsigned long type = strtoul(line, &json, 10);
    size_t length = strcspn(json, "\n");
    const struct value value = {types[type], json, length};
    vec_push(arena, rows, make_row(s, &value));
    line = json + length + (json[length] == '\n');
  }
}

static const char *count_text(struct scene *s, size_t count) {
  return arena_printf(&s->arena, "%zu row%s", count, count == 1 ? "" : "s");
}

static bool expect_rows(struct scene *s, const struct test_line *line) {
  const struct test_step *step = line->step;
  struct arena *arena = &s->arena;
  struct diff_rows expected = {0}, got = {0};
  vec_each(struct value, row, &line->rows) vec_push(arena, &expected, make_row(s, row));
  read_rows(s, step, &got);
  if (diff_is_empty(&expected, &got)) return true;
  const char *came = got.count == 0 ? "nothing" : count_text(s, got.count);
  const char *wanted = expected.count == 0 ? "nothing" : count_text(s, expected.count);
  struct diag *diag =
      find(s, T1101, step->name.span,
           arena_printf(arena, "`%s` is not what the test expects", step->name.text));
  if (expected.count == got.count) {
    diag_label(diag, step->name.span, "%s expected (-) and other ones came (+)", wanted);
  } else {
    diag_label(diag, step->name.span, "%s expected (-), %s came (+)", wanted, came);
  }
  diff_write(&expected, &got, MARGIN, &s->detail);
  return false;
}

static bool expect_exit(struct scene *s, const struct test_step *step) {
  struct arena *arena = &s->arena;
  bool is_running = s->play.process != 0;
  if (!is_running && s->play.exit_code == step->number) {
    s->end_step = NULL;
    return true;
  }
  struct diag *diag = find(
      s, T1101, step->name.span,
      is_running ? "the run has not ended"
                 : arena_printf(arena, "the run has ended with exit code %d", s->play.exit_code));
  diag_label(diag, step->name.span, "%lld expected", (long long)step->number);
  if (is_running) {
    diag_help(diag, "a run ends at a record that stops it, or at the step  end");
  } else {
    add_messages(s);
  }
  return false;
}

/* -- the steps ------------------------------------------------------------------------------- */

/* True unless a run has ended badly and no `expect exit` has said so. */
static bool check_end(struct scene *s) {
  const struct test_step *step = s->end_step;
  if (step == NULL) return true;
  struct span span = step->name.text != NULL ? step->name.span : step->span;
  struct diag *diag = find(s, T1102, span, "the run ended here, which the test does not expect");
  diag_label(diag, span, "exit code %d", s->play.exit_code);
  diag_help(diag, "if it is right, write behind this:  expect exit == %d", s->play.exit_code);
  add_messages(s);
  return false;
}

static bool do_step(struct scene *s, const struct test_line *line) {
  const struct test_step *step = line->step;
  if (line->failure != NULL) {
    find(s, T1103, step->span,
         arena_printf(&s->arena, "this step has a value that cannot be computed: %s",
                      line->failure));
    return false;
  }
  if (step->kind == TEST_EXPECT)
    return step->subject == TEST_EXIT ? expect_exit(s, step) : expect_rows(s, line);
  if (!check_end(s)) return false;
  switch (step->kind) {
  case TEST_FEED: return feed(s, line);
  case TEST_RESTART:
    play_kill(&s->play);
    return settle(s, step, play_start(&s->play, recovery_options, 0));
  default: return act(s, step);
  }
}

/* Makes what the sources read, and starts the program on it. */
static bool begin(struct scene *s) {
  vec_each(struct test_source, source,
           &s->suite->sources) if (!play_append(&s->play, source->path, "", 0)) return false;
  const struct test_step start = {.kind = TEST_RESTART, .span = s->test->decl->name.span};
  if (!settle(s, &start, play_start(&s->play, live_options, 0))) return false;
  if (s->play.process != 0) return true;
  struct diag *diag = find(s, T1102, start.span, "the program does not start");
  diag_label(diag, start.span, "exit code %d", s->play.exit_code);
  add_messages(s);
  return false;
}

bool scene_play(struct scene *s, struct suite *suite, const struct test_case *test,
                size_t crash_moment, uint64_t crash_call) {
  *s = (struct scene){
      .suite = suite, .test = test, .crash_moment = crash_moment, .crash_call = crash_call};
  arena_init(&s->arena);
  s->fed = arena_zalloc(&s->arena, (suite->sources.count + 1) * sizeof *s->fed);
  map_init(&s->read, &s->arena);
  diags_init(&s->findings, &s->arena, &suite->compiler->sources);
  text_init(&s->detail, &s->arena);
  if (!play_open(&s->play, &suite->house, &s->arena, suite->program, suite->options->words))
    return false;
  bool is_good = begin(s);
  for (size_t i = 0; is_good && i < test->lines.count; i++)
    is_good = do_step(s, &test->lines.data[i]);
  is_good = is_good && check_end(s);
  play_close(&s->play);
  return is_good;
}

void scene_free(struct scene *s) {
  arena_free(&s->arena);
}
