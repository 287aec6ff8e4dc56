/* Views: what they show of an epoch, beside a process that goes on, and what the check says of damage. */
#include "store_fixture.h"

#include <sys/wait.h>

/* -- what is saved: a record from string, and a source, so that types are worth checking */

static const struct flow_field cart_fields[] = {
    {.name = "user", .type = &type_string},
    {.name = "count", .type = &type_int},
};
static const struct flow_type type_cart = {.kind = FLOW_KIND_RECORD, .fields = cart_fields,
                                           .field_count = 2};
static const struct flow_store_id cart_ids[] = {
    {FLOW_STORE_STATE, "cart", NULL, &type_string, &type_cart},
    {FLOW_STORE_SOURCE, "events", NULL, &type_string, &type_int},
};

static void open_carts(struct fixture *f, uint16_t numbers[2]) {
  must(f, open_it(f));
  must(f, prepare_ids(f, cart_ids, 2, NULL, FLOW_STORE_NEWEST, numbers));
}

/* Commits an epoch in which `count` rows from `first` on get the number, and become new if they are. */
static void commit_carts(struct fixture *f, const uint16_t numbers[2], uint64_t first,
                         uint64_t count, bool is_new, int64_t number) {
  struct flow_buf carts = {0}, events = {0};
  for (uint64_t row = first; row < first + count; row++) {
    char key[64], user[64];
    snprintf(key, sizeof key, "key %llu", (unsigned long long)row);
    snprintf(user, sizeof user, "the user of row %llu", (unsigned long long)row);
    flow_put_entry(&carts, row, is_new ? FLOW_DELTA_KEY : 0);
    size_t mark = flow_put_open(&carts);
    if (is_new) put_text(&carts, key);
    else carts.length = mark - 1;
    if (is_new) flow_put_close(&carts, mark);
    mark = flow_put_open(&carts);
    put_text(&carts, user);
    flow_put_int(&carts, number);
    flow_put_close(&carts, mark);
  }
  flow_put_row(&events, 1, number == 0 ? "\4file" : NULL, 5, "\2", 1);
  struct flow_store_part parts[] = {{numbers[0], carts.data, carts.length},
                                    {numbers[1], events.data, events.length}};
  struct flow_store_epoch epoch = {.number = flow_store_range(f->store).head + 1, .parts = parts,
                                   .records_in = count, .part_count = 2};
  must(f, flow_store_commit(f->store, &epoch, 1, &f->report));
  flow_buf_free(&carts);
  flow_buf_free(&events);
}

static struct flow_view *view_at(struct fixture *f, int64_t epoch, uint64_t map_size) {
  struct flow_view_options options = {.dir = f->dir, .epoch = epoch, .since = FLOW_STORE_NEWEST,
                                      .map_size = map_size};
  struct flow_view *view;
  must(f, flow_view_open(&options, &view, &f->report));
  return view;
}

static const struct flow_view_id *id_of(struct flow_view *view, const char *name) {
  size_t count;
  const struct flow_view_id *ids = flow_view_ids(view, &count);
  for (size_t i = 0; i < count; i++)
    if (strcmp(ids[i].name, name) == 0) return &ids[i];
  fail_msg("no id %s", name);
  return NULL;
}

static bool show_one(void *context, const struct flow_view_row *row) {
  struct flow_buf *out = context;
  assert_true(flow_view_print(out, row->id->key, row->key, row->key_length));
  flow_buf_add_literal(out, "=");
  assert_true(flow_view_print(out, row->id->value, row->value, row->value_length));
  flow_buf_add_literal(out, ";");
  return true;
}

static enum flow_status show_all(struct fixture *f, struct flow_view *view, const char *name,
                                 struct flow_buf *out) {
  const struct flow_view_id *id = id_of(view, name);
  out->length = 0;
  enum flow_status status = flow_view_rows(view, &id, 1, show_one, out, &f->report);
  flow_buf_add(out, "", 1);
  return status;
}

/* -- beside a process that goes on */

/* The other process: commits or folds on each letter that it reads, and answers when it is done. */
static void live(struct fixture *f, int commands, int answers) {
  uint16_t numbers[2];
  uint64_t rows = 0;
  int64_t number = 0;
  char command;
  f->options.retain_epochs = 1000;
  f->options.fold_floor = 1;
  open_carts(f, numbers);
  while (read(commands, &command, 1) == 1) {
    if (command == 'n') { /* new rows, so that the file grows */
      commit_carts(f, numbers, rows, 20000, true, number++);
      rows += 20000;
    } else if (command == 'c') {
      commit_carts(f, numbers, 0, rows, false, number++);
    } else if (command == 'f') { /* all that may be folded */
      f->options.retain_epochs = 0;
      open_carts(f, numbers);
      must(f, flow_store_fold(f->store, 10000000, &f->report));
    }
    if (write(answers, &command, 1) != 1) break;
  }
  _exit(0);
}

struct other {
  int commands, answers;
  pid_t pid;
};

static struct other start(struct fixture *f) {
  int to[2], from[2];
  assert_int_equal(pipe(to) | pipe(from), 0);
  struct other other = {.commands = to[1], .answers = from[0], .pid = fork()};
  if (other.pid == 0) {
    close(to[1]);
    close(from[0]);
    live(f, to[0], from[1]);
  }
  close(to[0]);
  close(from[1]);
  return other;
}

static void tell(struct other *other, const char *commands) {
  for (; *commands != '\0'; commands++) {
    char answer;
    assert_int_equal(write(other->commands, commands, 1), 1);
    assert_int_equal(read(other->answers, &answer, 1), 1);
  }
}

static void stop(struct other *other) {
  int status;
  close(other->commands);
  close(other->answers);
  waitpid(other->pid, &status, 0);
  assert_int_equal(status, 0);
}

static void shows_its_epoch_while_another_commits(void **state) {
  struct fixture *f = *state;
  struct other other = start(f);
  tell(&other, "nc");
  struct flow_view *view = view_at(f, FLOW_STORE_NEWEST, 1 << 20);
  assert_int_equal(flow_view_info(view)->epoch, 1);
  struct flow_buf before = {0}, after = {0};
  must(f, show_all(f, view, "cart", &before));
  tell(&other, "cncncn"); /* the file gets larger than the view's map */
  must(f, show_all(f, view, "cart", &after));
  assert_int_equal(before.length, after.length);
  assert_memory_equal(before.data, after.data, before.length);
  assert_false(flow_view_is_outrun(view));
  flow_view_close(view);
  view = view_at(f, FLOW_STORE_NEWEST, 0);
  assert_int_equal(flow_view_info(view)->epoch, 7);
  must(f, show_all(f, view, "cart", &after));
  assert_true(after.length > 3 * before.length);
  flow_view_close(view);
  stop(&other);
  flow_buf_free(&before);
  flow_buf_free(&after);
}

static void says_so_when_its_epoch_is_folded_away(void **state) {
  struct fixture *f = *state;
  struct other other = start(f);
  tell(&other, "nc");
  struct flow_view *view = view_at(f, 0, 0);
  struct flow_buf shown = {0};
  must(f, show_all(f, view, "cart", &shown));
  tell(&other, "cf"); /* the fold is not held up: no transaction is open between two calls */
  assert_int_equal(show_all(f, view, "cart", &shown), FLOW_E_RANGE);
  assert_true(flow_view_is_outrun(view));
  flow_view_close(view);
  struct flow_view_options gone = {.dir = f->dir, .epoch = 0, .since = FLOW_STORE_NEWEST};
  assert_int_equal(flow_view_open(&gone, &view, &f->report), FLOW_E_RANGE);
  assert_non_null(strstr(f->report.message, "has epochs 2 to 2"));
  stop(&other);
  flow_buf_free(&shown);
}

/* -- ids and types of an epoch */

static void shows_the_types_of_the_epoch(void **state) {
  struct fixture *f = *state;
  static const struct flow_type maybe = {.kind = FLOW_KIND_OPT, .element = &type_string};
  struct flow_store_id id = {FLOW_STORE_STATE, "old", NULL, &type_string, &type_string};
  uint16_t number;
  f->options.retain_epochs = 100;
  must(f, open_it(f));
  must(f, prepare_ids(f, &id, 1, NULL, FLOW_STORE_NEWEST, &number));
  struct flow_buf packed = {0};
  flow_put_row(&packed, 0, "\1a", 2, "\1x", 2);
  must(f, commit_part(f, number, &packed));
  id = (struct flow_store_id){FLOW_STORE_STATE, "new", "old", &type_string, &maybe};
  must(f, prepare_ids(f, &id, 1, NULL, FLOW_STORE_NEWEST, &number));
  packed.length = 0;
  flow_put_row(&packed, 1, "\1b", 2, "\0", 1);
  must(f, commit_part(f, number, &packed));
  id = (struct flow_store_id){FLOW_STORE_STATE, "other", NULL, &type_int, &type_int};
  must(f, prepare_ids(f, &id, 1, "new", FLOW_STORE_NEWEST, &number));
  packed.length = 0;
  flow_put_row(&packed, 0, "\2", 1, "\4", 1);
  must(f, commit_part(f, number, &packed));
  flow_store_close(f->store);
  f->store = NULL;
  static const char *const names[] = {"old", "new", "other"};
  static const char *const rows[] = {"\"a\"=\"x\";", "\"a\"=\"x\";\"b\"=null;", "1=2;"};
  struct flow_buf shown = {0};
  for (int64_t epoch = 0; epoch < 3; epoch++) {
    size_t count;
    struct flow_view *view = view_at(f, epoch, 0);
    flow_view_ids(view, &count);
    assert_int_equal(count, 1);
    must(f, show_all(f, view, names[epoch], &shown));
    assert_string_equal(shown.data, rows[epoch]);
    flow_view_close(view);
  }
  flow_buf_free(&packed);
  flow_buf_free(&shown);
}

static void refuses_what_is_no_store(void **state) {
  struct fixture *f = *state;
  struct flow_view_options options = {.dir = f->dir, .epoch = FLOW_STORE_NEWEST,
                                      .since = FLOW_STORE_NEWEST};
  struct flow_view *view;
  assert_int_equal(flow_view_open(&options, &view, &f->report), FLOW_E_INPUT);
  assert_int_equal(mkdir(f->dir, 0700), 0);
  assert_int_equal(flow_view_open(&options, &view, &f->report), FLOW_E_INPUT);
  options.dir = "/dev/null";
  assert_int_equal(flow_view_open(&options, &view, &f->report), FLOW_E_INPUT);
  options.dir = "";
  assert_int_equal(flow_view_open(&options, &view, &f->report), FLOW_E_USAGE);
  open_one(f);
  flow_store_close(f->store);
  f->store = NULL;
  size_t count;
  view = view_at(f, FLOW_STORE_NEWEST, 0); /* a store without an epoch has nothing to show */
  flow_view_ids(view, &count);
  assert_int_equal(count, 0);
  assert_int_equal(flow_view_info(view)->epoch, -1);
  flow_view_close(view);
  options.dir = f->dir;
  options.epoch = 0;
  assert_int_equal(flow_view_open(&options, &view, &f->report), FLOW_E_RANGE);
}

/* -- the check */

struct verdict {
  enum flow_status status;
  uint64_t hash;
  int64_t newest, damaged;
};

static void add_hash(void *context, const struct flow_view_id *id, const struct flow_view_sum *sum) {
  struct verdict *verdict = context;
  if (id->kind == FLOW_STORE_STATE) verdict->hash += sum->hash;
}

static struct verdict verify(struct fixture *f) {
  struct flow_view_options options = {.dir = f->dir, .epoch = FLOW_STORE_NEWEST,
                                      .since = FLOW_STORE_NEWEST, .is_good_enough = true};
  struct flow_view *view;
  struct verdict verdict = {.damaged = -1};
  verdict.status = flow_view_open(&options, &view, &f->report);
  if (verdict.status != FLOW_OK) return verdict;
  verdict.newest = flow_view_info(view)->newest;
  verdict.damaged = flow_view_info(view)->damaged;
  verdict.status = flow_view_verify(view, add_hash, &verdict, &f->report);
  flow_view_close(view);
  return verdict;
}

static enum flow_status hash_row(void *context, uint64_t row, const void *key, size_t key_length,
                                 const void *value, size_t value_length) {
  uint64_t *hash = context, seed = flow_hash_bytes(FLOW_STATE_HASH_SEED, "cart", 4);
  (void)row;
  *hash += flow_hash_bytes(flow_hash_bytes(seed, key, key_length), value, value_length);
  return FLOW_OK;
}

/* What a run that goes back to `resume` gets: the hash of its state, or 0 if it is refused. */
static uint64_t load(struct fixture *f, int64_t resume) {
  uint16_t numbers[2];
  uint64_t hash = 0;
  struct flow_store_loaded loaded;
  enum flow_status status = open_it(f);
  if (status == FLOW_OK) status = prepare_ids(f, cart_ids, 2, NULL, resume, numbers);
  if (status == FLOW_OK)
    status = flow_store_load(f->store, numbers[0], hash_row, &hash, &loaded, &f->report);
  if (status == FLOW_OK) {
    uint64_t ignored = 0;
    status = flow_store_load(f->store, numbers[1], hash_row, &ignored, &loaded, &f->report);
  }
  flow_store_close(f->store);
  f->store = NULL;
  return status == FLOW_OK ? hash : 0;
}

static unsigned char *read_store(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  unsigned char *bytes = malloc(*size);
  rewind(file);
  assert_int_equal(fread(bytes, 1, *size, file), *size);
  fclose(file);
  return bytes;
}

static void write_store(const char *path, const unsigned char *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  fclose(file);
}

/* A base, several epochs beside it, one of them larger than a chunk. */
static void make_carts(struct fixture *f) {
  uint16_t numbers[2];
  f->options.fold_floor = 1;
  f->options.retain_epochs = 4;
  open_carts(f, numbers);
  commit_carts(f, numbers, 0, 300, true, 0);
  for (int64_t i = 1; i < 8; i++) commit_carts(f, numbers, (uint64_t)i * 10, 60, false, i);
  must(f, flow_store_fold(f->store, 1000000, &f->report));
  assert_int_equal(flow_store_range(f->store).oldest, 4);
  commit_carts(f, numbers, 300, 2000, true, 8);
  flow_store_close(f->store);
  f->store = NULL;
}

static void calls_good_what_loads_and_nothing_else(void **state) {
  struct fixture *f = *state;
  make_carts(f);
  char path[300];
  size_t size;
  snprintf(path, sizeof path, "%s/data.mdb", f->dir);
  struct verdict good = verify(f);
  assert_int_equal(good.status, FLOW_OK);
  assert_true(good.hash == load(f, FLOW_STORE_NEWEST));
  unsigned char *bytes = read_store(path, &size);
  uint64_t seed = 2463534242u, bad = 0, partly = 0, harmless = 0;
  int flips = getenv("FULL") != NULL ? 20000 : 700;
  for (int i = 0; i < flips; i++) {
    size_t at = next_random(&seed) % size;
    if (i % 3 == 0) at = at / 4096 * 4096 + next_random(&seed) % 200; /* LMDB's own structure */
    unsigned char bit = (unsigned char)(1u << next_random(&seed) % 8);
    bytes[at] ^= bit;
    write_store(path, bytes, size);
    bytes[at] ^= bit;
    struct verdict found = verify(f);
    bool is_good = found.status == FLOW_OK && found.damaged < 0;
    uint64_t loaded = load(f, FLOW_STORE_NEWEST);
    if (is_good != (loaded != 0)) fail_msg("byte %zu: good %d, but loads %d", at, is_good, loaded != 0);
    if (is_good && found.hash != loaded) fail_msg("byte %zu: another state was called good", at);
    if (is_good) harmless++;
    else bad++;
    if (found.status != FLOW_OK) assert_int_equal(flow_status_exit(found.status), 78);
    if (found.status != FLOW_OK || found.damaged < 0) continue;
    partly++; /* it is good up to some epoch: then a run can go back there, and has that state */
    assert_int_equal(found.newest, found.damaged - 1);
    assert_true(load(f, found.damaged) == found.hash);
  }
  print_message("%zu bytes: %llu bad, %llu of them with a good epoch, %llu harmless\n", size,
                (unsigned long long)bad, (unsigned long long)partly, (unsigned long long)harmless);
  assert_true(bad > 100 && partly > 20 && harmless > 20);
  for (size_t cut = 0; cut < size; cut += size / 40 + 1) {
    write_store(path, bytes, cut);
    struct verdict found = verify(f);
    assert_int_equal(found.status == FLOW_OK && found.damaged < 0, load(f, FLOW_STORE_NEWEST) != 0);
  }
  free(bytes);
}

static void forgets_a_name_under_the_lock(void **state) {
  struct fixture *f = *state;
  uint16_t numbers[2];
  make_carts(f);
  must(f, flow_state_drop(f->dir, FLOW_STORE_STATE, "cart", &f->report));
  assert_int_equal(flow_state_drop(f->dir, FLOW_STORE_STATE, "cart", &f->report), FLOW_E_INPUT);
  uint64_t kept = load(f, FLOW_STORE_NEWEST); /* no epoch has gone by: a program that has it gets it */
  assert_int_not_equal(kept, 0);
  must(f, flow_state_drop(f->dir, FLOW_STORE_STATE, "cart", &f->report));
  must(f, open_it(f)); /* a program without it is welcome */
  must(f, prepare_ids(f, &cart_ids[1], 1, NULL, FLOW_STORE_NEWEST, numbers));
  assert_int_equal(flow_state_drop(f->dir, FLOW_STORE_SOURCE, "events", &f->report), FLOW_E_LOCKED);
  struct flow_buf packed = {0};
  flow_put_row(&packed, 1, NULL, 0, "\4", 1);
  must(f, commit_part(f, numbers[0], &packed));
  flow_buf_free(&packed);
  assert_int_equal(load(f, FLOW_STORE_NEWEST), 0); /* now it starts empty */
  assert_true(load(f, 9) == kept);                 /* going back brings it back */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(shows_its_epoch_while_another_commits, set_up, tear_down),
      cmocka_unit_test_setup_teardown(says_so_when_its_epoch_is_folded_away, set_up, tear_down),
      cmocka_unit_test_setup_teardown(shows_the_types_of_the_epoch, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_what_is_no_store, set_up, tear_down),
      cmocka_unit_test_setup_teardown(calls_good_what_loads_and_nothing_else, set_up, tear_down),
      cmocka_unit_test_setup_teardown(forgets_a_name_under_the_lock, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
