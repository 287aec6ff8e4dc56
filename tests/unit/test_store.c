/* The store: opening, the lock, commits, resuming, sizes, refusals. */
#include "store_fixture.h"

#include "store_impl.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void starts_empty(void **state) {
  struct fixture *f = *state;
  uint16_t id = open_one(f);
  struct flow_store_range range = flow_store_range(f->store);
  assert_int_equal(range.head, -1);
  assert_int_equal(range.oldest, 0);
  assert_int_equal(range.newest, 0);
  expect_rows(f, id, "");
  struct stat found;
  assert_int_equal(stat(f->dir, &found), 0);
  assert_int_equal(found.st_mode & 0777, 0700);
}

static void keeps_what_was_committed(void **state) {
  struct fixture *f = *state;
  uint16_t id = open_one(f);
  commit_row(f, id, 0, "a", "1");
  commit_row(f, id, 1, "b", "2");
  commit_row(f, id, 0, NULL, "3");
  expect_rows(f, id, "0:a=3;1:b=2;");
  assert_int_equal(open_one(f), id);
  expect_rows(f, id, "0:a=3;1:b=2;");
  struct flow_store_epoch_info info;
  assert_int_equal(flow_store_epoch_info(f->store, 2, &info, &f->report), FLOW_OK);
  assert_int_equal(info.records_in, 7);
  assert_int_equal(info.now_us, 1000);
  assert_true(info.wall_us > 0);
  assert_int_equal(flow_store_epoch_info(f->store, 3, &info, &f->report), FLOW_E_RANGE);
}

static void groups_epochs(void **state) {
  struct fixture *f = *state;
  uint16_t id = open_one(f);
  struct flow_buf packed[2] = {{0}};
  flow_put_row(&packed[0], 0, "\1a", 2, "\1x", 2);
  flow_put_row(&packed[1], 0, NULL, 0, "\1y", 2);
  flow_put_row(&packed[1], 1, "\1b", 2, "\1z", 2);
  struct flow_store_part parts[2];
  struct flow_store_epoch epochs[2];
  for (int i = 0; i < 2; i++) {
    parts[i] = (struct flow_store_part){id, packed[i].data, packed[i].length};
    epochs[i] = (struct flow_store_epoch){.number = i, .parts = &parts[i], .part_count = 1};
  }
  must(f, flow_store_commit(f->store, epochs, 2, &f->report));
  expect_rows(f, id, "0:a=y;1:b=z;");
  prepare_one(f, 1);
  expect_rows(f, id, "0:a=x;");
  assert_int_equal(flow_store_range(f->store).timeline, 1);
  epochs[0].number = 5;
  assert_int_equal(flow_store_commit(f->store, epochs, 1, &f->report), FLOW_E_BUG);
  flow_buf_free(&packed[0]);
  flow_buf_free(&packed[1]);
}

/* As several workers pack one state: the parts of an id are one, whatever lies between them and
 * wherever a chunk ends. */
static void joins_the_parts_of_an_id(void **state) {
  enum { ROWS = 9000, PARTS = 7 };
  struct fixture *f = *state;
  const struct flow_store_id ids[] = {
      {.kind = FLOW_STORE_STATE, .name = "a", .key = &type_string, .value = &type_bytes},
      {.kind = FLOW_STORE_STATE, .name = "b", .key = &type_string, .value = &type_bytes}};
  uint16_t numbers[2];
  must(f, open_it(f));
  must(f, prepare_ids(f, ids, 2, NULL, FLOW_STORE_NEWEST, numbers));
  struct flow_buf packed[2][PARTS] = {0}, expected[2] = {0};
  struct flow_store_part parts[2 * PARTS];
  for (unsigned row = 0; row < ROWS; row++) {
    struct flow_buf k = {0}, v = {0};
    char text[40];
    snprintf(text, sizeof text, "value %u of %u", row, row % PARTS);
    put_text(&k, "k");
    put_text(&v, text);
    flow_put_row(&packed[row % 2][row % PARTS], row, k.data, k.length, v.data, v.length);
    flow_buf_free(&k);
    flow_buf_free(&v);
    char shown[80];
    int length = snprintf(shown, sizeof shown, "%u:k=%s;", row, text);
    flow_buf_add(&expected[row % 2], shown, (size_t)length);
  }
  for (int i = 0; i < 2 * PARTS; i++) {
    const struct flow_buf *b = &packed[i % 2][i / 2];
    parts[i] = (struct flow_store_part){numbers[i % 2], b->data, b->length};
  }
  const struct flow_store_epoch epoch = {.number = 0, .parts = parts, .part_count = 2 * PARTS};
  must(f, flow_store_commit(f->store, &epoch, 1, &f->report));
  for (int reopened = 0; reopened <= 1; reopened++) {
    if (reopened) must(f, open_it(f));
    if (reopened) must(f, prepare_ids(f, ids, 2, NULL, FLOW_STORE_NEWEST, numbers));
    for (int i = 0; i < 2; i++) {
      if (!reopened) flow_buf_add(&expected[i], "", 1);
      expect_rows(f, numbers[i], expected[i].data);
    }
  }
  for (int i = 0; i < 2 * PARTS; i++) flow_buf_free(&packed[i % 2][i / 2]);
  for (int i = 0; i < 2; i++) flow_buf_free(&expected[i]);
}

static void forgets_rows(void **state) {
  struct fixture *f = *state;
  uint16_t id = open_one(f);
  commit_row(f, id, 0, "a", "1");
  commit_row(f, id, 1, "b", "2");
  struct flow_buf packed = {0};
  flow_put_tombstone(&packed, 0);
  flow_put_row(&packed, 2, "\1c", 2, "\0013", 2);
  must(f, commit_part(f, id, &packed));
  flow_buf_free(&packed);
  expect_rows(f, id, "1:b=2;2:c=3;");
  struct flow_buf shown = {0};
  struct flow_store_loaded loaded;
  must(f, flow_store_load(f->store, id, show_row, &shown, &loaded, &f->report));
  assert_int_equal(loaded.next_row, 3);
  assert_int_equal(loaded.rows, 2);
  flow_buf_free(&shown);
}

static void goes_back(void **state) {
  struct fixture *f = *state;
  f->options.retain_epochs = 10;
  uint16_t id = open_one(f);
  const char *const values[] = {"0", "1", "2", "3", "4"};
  for (uint64_t i = 0; i < 5; i++) commit_row(f, id, 0, i == 0 ? "k" : NULL, values[i]);
  const struct flow_store_id ids = {FLOW_STORE_STATE, "count", NULL, &type_string, &type_bytes};
  must(f, open_it(f));
  assert_int_equal(prepare_ids(f, &ids, 1, NULL, 6, &id), FLOW_E_RANGE);
  assert_non_null(strstr(f->report.message, "takes 0 to 5"));
  must(f, prepare_ids(f, &ids, 1, NULL, 5, &id));
  assert_int_equal(flow_store_range(f->store).timeline, 0);
  must(f, prepare_ids(f, &ids, 1, NULL, 1, &id));
  expect_rows(f, id, "0:k=0;");
  assert_int_equal(flow_store_range(f->store).head, 0);
  assert_int_equal(flow_store_range(f->store).timeline, 1);
  commit_row(f, id, 0, NULL, "other");
  open_one(f);
  expect_rows(f, id, "0:k=other;");
  must(f, prepare_ids(f, &ids, 1, NULL, 0, &id));
  expect_rows(f, id, "");
}

/* -- sizes */

static enum flow_status check_sizes(void *context, uint64_t row, const void *key, size_t key_length,
                                    const void *value, size_t value_length) {
  static const size_t sizes[] = {0, 1, 511, 512, 2047, 65535, 65536, 200000, 10 << 20, 50 << 20};
  const unsigned char *k = key, *v = value;
  *(int *)context += 1;
  assert_int_equal(key_length, row == 9 ? 3 : sizes[row] % 100000 + 1);
  assert_int_equal(value_length, sizes[row]);
  for (size_t i = 0; i < key_length; i++) assert_int_equal(k[i], 'k');
  for (size_t i = 0; i < value_length; i += i % 1000 == 0 ? 1 : 37)
    if (v[i] != (unsigned char)(i * 7 + row)) return FLOW_E_BUG;
  return FLOW_OK;
}

static void keeps_values_of_all_sizes(void **state) {
  static const size_t sizes[] = {0, 1, 511, 512, 2047, 65535, 65536, 200000, 10 << 20, 50 << 20};
  struct fixture *f = *state;
  f->options.fold_floor = 1;
  uint16_t id = open_one(f);
  struct flow_buf packed = {0};
  char *value = malloc(50 << 20), *key = malloc(200000);
  memset(key, 'k', 200000);
  for (uint64_t row = 0; row < 10; row++) {
    for (size_t i = 0; i < sizes[row]; i++) value[i] = (char)(i * 7 + row);
    flow_put_row(&packed, row, key, row == 9 ? 3 : sizes[row] % 100000 + 1, value, sizes[row]);
  }
  must(f, commit_part(f, id, &packed));
  for (int i = 0; i < 2; i++) {
    struct flow_store_loaded loaded;
    int rows = 0;
    must(f, flow_store_load(f->store, id, check_sizes, &rows, &loaded, &f->report));
    assert_int_equal(rows, 10);
    must(f, flow_store_fold(f->store, 60000000, &f->report));
    assert_int_equal(flow_store_stats(f->store).epochs, 0);
    open_one(f);
  }
  struct rusage usage; /* joining the chunks of a value takes its size, not its square */
  assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
  assert_true(usage.ru_maxrss < 1500000);
  flow_buf_free(&packed);
  free(value);
  free(key);
}

static void packs_long_pieces(void **state) {
  (void)state;
  struct flow_buf b = {0};
  for (size_t length = 0; length < 40000; length += 1 + length / 3) {
    b.length = 0;
    size_t outer = flow_put_open(&b), inner = flow_put_open(&b);
    for (size_t i = 0; i < length; i++) flow_put_byte(&b, (uint8_t)i);
    flow_put_close(&b, inner);
    flow_put_close(&b, outer);
    struct flow_reader r = flow_reader_of(b.data, b.length);
    size_t found;
    const char *bytes = flow_get_bytes(&r, &found);
    assert_true(flow_reader_done(&r));
    r = flow_reader_of(bytes, found);
    bytes = flow_get_bytes(&r, &found);
    assert_true(flow_reader_done(&r));
    assert_int_equal(found, length);
    for (size_t i = 0; i < length; i++) assert_int_equal((uint8_t)bytes[i], (uint8_t)i);
  }
  flow_buf_free(&b);
}

static void grows_the_map(void **state) {
  struct fixture *f = *state;
  f->options.map_size = 1 << 20;
  f->options.fold_floor = UINT64_MAX;
  uint16_t id = open_one(f);
  struct flow_buf packed = {0};
  char value[1000] = {0};
  for (uint64_t row = 0; row < 20000; row++)
    flow_put_row(&packed, row, "\1k", 2, value, sizeof value);
  must(f, commit_part(f, id, &packed));
  must(f, commit_part(f, id, &packed));
  assert_true(flow_store_stats(f->store).file_bytes > 40000000);
  f->options.fold_floor = 1;
  f->options.map_size = 1 << 20;
  open_one(f);
  must(f, flow_store_fold(f->store, 60000000, &f->report));
  assert_int_equal(flow_store_stats(f->store).base_rows, 20000);
  flow_buf_free(&packed);
}

/* -- refusals */

static void names_who_has_the_lock(void **state) {
  struct fixture *f = *state;
  int ready[2], done[2];
  char byte;
  assert_int_equal(pipe(ready) | pipe(done), 0);
  pid_t child = fork();
  if (child == 0) {
    struct flow_store *store;
    bool ok = flow_store_open(flow_sys_posix(), &f->options, &store, &f->report) == FLOW_OK;
    if (write(ready[1], ok ? "y" : "n", 1) != 1 || read(done[0], &byte, 1) != 1) _exit(1);
    _exit(0); /* without closing it, as kill -9 would */
  }
  assert_int_equal(read(ready[0], &byte, 1), 1);
  assert_int_equal(byte, 'y');
  assert_int_equal(open_it(f), FLOW_E_LOCKED);
  char expected[64];
  snprintf(expected, sizeof expected, "in use by process %d", (int)child);
  assert_non_null(strstr(f->report.message, expected));
  assert_int_equal(flow_status_exit(f->report.status), 75);
  assert_int_equal(kill(child, SIGKILL), 0);
  waitpid(child, NULL, 0);
  must(f, open_it(f)); /* the file is still there, the lock is not */
  for (int i = 0; i < 2; i++) close(ready[i]), close(done[i]);
}

static void refuses_another_flow(void **state) {
  struct fixture *f = *state;
  open_one(f);
  f->options.flow_name = "wordcount";
  assert_int_equal(open_it(f), FLOW_E_MISMATCH);
  assert_non_null(strstr(f->report.message, "belongs to the flow `cart_join`"));
  assert_int_equal(flow_status_exit(f->report.status), 78);
}

/* Writes a format number that is one higher; all else stays good. */
static int raise_format(struct flow_store *store, struct MDB_txn *txn, void *context,
                        struct flow_report *report) {
  (void)context;
  (void)report;
  struct store_meta meta = store->meta;
  meta.format++;
  return store_put_meta(store, txn, &meta);
}

static void refuses_a_newer_format(void **state) {
  struct fixture *f = *state;
  uint16_t id = open_one(f);
  commit_row(f, id, 0, "a", "1");
  must(f, store_write(f->store, raise_format, NULL, "raise the format", &f->report));
  for (int i = 0; i < 2; i++) {
    assert_int_equal(open_it(f), FLOW_E_MISMATCH);
    char text[80];
    snprintf(text, sizeof text, "has format %d, and this program reads format %d", STORE_FORMAT + 1,
             STORE_FORMAT);
    assert_non_null(strstr(f->report.message, text));
    assert_non_null(strstr(f->report.help, "newer"));
  }
}

static void refuses_to_lose_its_file(void **state) {
  struct fixture *f = *state;
  char path[300];
  commit_row(f, open_one(f), 0, "a", "1");
  flow_store_close(f->store);
  f->store = NULL;
  snprintf(path, sizeof path, "%s/data.mdb", f->dir);
  assert_int_equal(unlink(path), 0);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(open_it(f), FLOW_E_CORRUPT);
    assert_non_null(strstr(f->report.message, "is gone"));
    assert_non_null(strstr(f->report.help, "/lock.mdb"));
  }
  snprintf(path, sizeof path, "%s/lock.mdb", f->dir);
  assert_int_equal(unlink(path), 0); /* as the help says */
  expect_rows(f, open_one(f), "");
}

static void discards_what_it_made(void **state) {
  struct fixture *f = *state;
  uint16_t id = open_one(f);
  flow_store_discard(f->store);
  f->store = NULL;
  assert_int_equal(access(f->dir, F_OK), -1);
  assert_int_equal(mkdir(f->dir, 0700), 0); /* a directory that was there stays, and is empty */
  open_one(f);
  flow_store_discard(f->store);
  f->store = NULL;
  assert_int_equal(rmdir(f->dir), 0);
  id = open_one(f);
  commit_row(f, id, 0, "a", "1");
  flow_store_discard(f->store); /* with an epoch it is worth keeping, */
  f->store = NULL;
  open_one(f);
  flow_store_discard(f->store); /* and so is what an earlier run made */
  f->store = NULL;
  expect_rows(f, open_one(f), "0:a=1;");
}

static void refuses_what_is_no_directory(void **state) {
  struct fixture *f = *state;
  FILE *file = fopen(f->dir, "w");
  fclose(file);
  assert_int_equal(open_it(f), FLOW_E_CREATE);
  assert_non_null(strstr(f->report.message, "is not a directory"));
  unlink(f->dir);
  f->options.create = false;
  assert_int_equal(open_it(f), FLOW_E_MISMATCH);
  mkdir(f->dir, 0700);
  assert_int_equal(open_it(f), FLOW_E_MISMATCH);
  f->options.create = true;
  char path[300];
  snprintf(path, sizeof path, "%s/missing/db", f->dir);
  f->options.dir = path;
  assert_int_equal(open_it(f), FLOW_E_CREATE);
  f->options.dir = "";
  assert_int_equal(open_it(f), FLOW_E_USAGE);
}

static void refuses_an_unreadable_directory(void **state) {
  struct fixture *f = *state;
  open_one(f);
  flow_store_close(f->store);
  f->store = NULL;
  pid_t child = fork(); /* as nobody, since permissions do not stop root */
  if (child == 0) {
    if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(2);
    if (getuid() != 65534) chmod(f->dir, 0);
    enum flow_status status = open_it(f);
    _exit(status == FLOW_E_IO && strstr(f->report.message, "Permission denied") != NULL ? 0 : 1);
  }
  int code;
  waitpid(child, &code, 0);
  chmod(f->dir, 0700);
  assert_int_equal(code, 0);
}

static void refuses_a_foreign_file(void **state) {
  struct fixture *f = *state;
  mkdir(f->dir, 0700);
  char path[300];
  snprintf(path, sizeof path, "%s/data.mdb", f->dir);
  FILE *file = fopen(path, "w");
  for (int i = 0; i < 20000; i++) fputc(i % 251, file);
  fclose(file);
  assert_int_equal(open_it(f), FLOW_E_CORRUPT);
  file = fopen(path, "w");
  fclose(file);
  assert_int_equal(open_it(f), FLOW_E_CORRUPT);
}

/* A limit on the size of a file cuts writes short, as a full disk does; that it is not the disk is
 * found out, so the message is that of an I/O error. */
static void survives_writes_cut_short(void **state) {
  struct fixture *f = *state;
  uint16_t id = open_one(f);
  commit_row(f, id, 0, "a", "1");
  flow_store_close(f->store);
  f->store = NULL;
  pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    open_one(f);
    struct rlimit limit = {.rlim_cur = 200000, .rlim_max = 200000};
    setrlimit(RLIMIT_FSIZE, &limit);
    struct flow_buf packed = {0};
    char value[5000] = {0};
    for (uint64_t row = 0; row < 200; row++)
      flow_put_row(&packed, row, "\1k", 2, value, sizeof value);
    enum flow_status first = commit_part(f, id, &packed);
    enum flow_status second = commit_part(f, id, &packed);
    _exit(first == FLOW_E_IO && second == FLOW_E_BUG ? 0 : 1);
  }
  int code;
  waitpid(child, &code, 0);
  assert_int_equal(code, 0);
  open_one(f);
  expect_rows(f, id, "0:a=1;");
}

static void refuses_use_after_fork(void **state) {
  struct fixture *f = *state;
  uint16_t id = open_one(f);
  pid_t child = fork();
  if (child == 0) {
    struct flow_buf packed = {0};
    flow_put_tombstone(&packed, 1);
    _exit(commit_part(f, id, &packed) == FLOW_E_BUG ? 0 : 1);
  }
  int code;
  waitpid(child, &code, 0);
  assert_int_equal(code, 0);
}

/* -- kill -9 at any moment: every acknowledged epoch is there, every epoch is whole */

static void write_until_killed(struct fixture *f, int pipe_fd) {
  uint16_t id = open_one(f);
  struct flow_buf packed = {0};
  char value[64];
  for (;;) {
    int64_t number = flow_store_range(f->store).head + 1;
    packed.length = 0;
    for (uint64_t row = 0; row < 40; row++) {
      uint64_t changed = row == 0 ? 0 : 1 + ((uint64_t)number * 39 + row) % 2000;
      size_t length = (size_t)snprintf(value, sizeof value, "_%lld", (long long)number);
      value[0] = (char)(length - 1);
      flow_put_row(&packed, changed, "\1k", 2, value, length);
    }
    if (commit_part(f, id, &packed) != FLOW_OK) _exit(1);
    if (write(pipe_fd, &number, sizeof number) != sizeof number) _exit(1);
    if (flow_store_fold(f->store, 200, &f->report) != FLOW_OK) _exit(1);
  }
}

struct last_epochs {
  long long values[2001];
};

static enum flow_status note_epoch(void *context, uint64_t row, const void *key, size_t key_length,
                                   const void *value, size_t value_length) {
  (void)key, (void)key_length;
  char text[64] = {0};
  memcpy(text, (const char *)value + 1, value_length - 1);
  ((struct last_epochs *)context)->values[row] = atoll(text);
  return FLOW_OK;
}

static void survives_kills(void **state) {
  struct fixture *f = *state;
  f->options.fold_floor = 20000;
  int64_t acknowledged = -1;
  uint64_t folds = 0;
  for (int round = 0; round < 40; round++) {
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
      close(fds[0]);
      write_until_killed(f, fds[1]);
    }
    close(fds[1]);
    usleep(3000 + (useconds_t)(round * 7919 % 40000));
    kill(child, SIGKILL);
    int64_t number;
    while (read(fds[0], &number, sizeof number) == sizeof number) acknowledged = number;
    close(fds[0]);
    int code;
    waitpid(child, &code, 0);
    assert_true(WIFSIGNALED(code));
    uint16_t id = open_one(f);
    int64_t head = flow_store_range(f->store).head;
    assert_true(head >= acknowledged && head <= acknowledged + 1);
    struct last_epochs found, expected;
    memset(&found, -1, sizeof found);
    memset(&expected, -1, sizeof expected);
    for (int64_t n = 0; n <= head; n++)
      for (int64_t row = 0; row < 40; row++)
        expected.values[row == 0 ? 0 : 1 + (n * 39 + row) % 2000] = n;
    struct flow_store_loaded loaded;
    must(f, flow_store_load(f->store, id, note_epoch, &found, &loaded, &f->report));
    assert_memory_equal(&found, &expected, sizeof found);
    if (flow_store_range(f->store).oldest > 0) folds++;
    flow_store_close(f->store);
    f->store = NULL;
  }
  assert_true(folds > 0); /* else this would show nothing about folds */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(starts_empty),
      CASE(keeps_what_was_committed),
      CASE(groups_epochs),
      CASE(joins_the_parts_of_an_id),
      CASE(forgets_rows),
      CASE(goes_back),
      CASE(keeps_values_of_all_sizes),
      CASE(packs_long_pieces),
      CASE(grows_the_map),
      CASE(names_who_has_the_lock),
      CASE(refuses_another_flow),
      CASE(refuses_a_newer_format),
      CASE(refuses_to_lose_its_file),
      CASE(discards_what_it_made),
      CASE(refuses_what_is_no_directory),
      CASE(refuses_an_unreadable_directory),
      CASE(refuses_a_foreign_file),
      CASE(survives_writes_cut_short),
      CASE(refuses_use_after_fork),
      CASE(survives_kills),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
