#define _GNU_SOURCE /* memmem */
/* The store against a model: random commits, folds, rewinds and reopenings; the model keeps the whole
 * state after every epoch, which views of them must show. Also what damage does, what folding does to the size, and migrations. */
#include "store_fixture.h"

#define IDS 2
#define ROWS 300
#define EPOCHS 4000

/* -- the model: of each row the number of the epoch that wrote it last, 0: there is none */

struct snapshot {
  uint32_t value[IDS][ROWS];
};

struct model {
  struct fixture *f;
  uint64_t seed;
  uint16_t numbers[IDS];
  int64_t head, oldest; /* oldest epoch that may be resumed at, as the store told last */
  uint64_t timeline, retain;
  struct snapshot *after; /* after[e + 1] is the state at the end of epoch e */
  uint32_t stamp;         /* makes values of different timelines differ */
};

static uint64_t pick(struct model *m, uint64_t limit) {
  return next_random(&m->seed) % limit;
}

/* What a row holds is a function of the stamp of its last write; some values are large. */
static void put_value(struct flow_buf *b, uint32_t stamp, uint64_t row) {
  uint64_t seed = (uint64_t)stamp * 2654435761u + row + 1;
  uint64_t kind = next_random(&seed) % 100;
  size_t length = kind < 80 ? kind : kind < 99 ? kind * 30 : 70000;
  for (size_t i = 0; i < length; i++) flow_put_byte(b, (uint8_t)(stamp + i * row));
}

static void put_key(struct flow_buf *b, uint64_t row) {
  for (uint64_t i = 0; i <= row % 20; i++) flow_put_byte(b, (uint8_t)('a' + row));
}

static void pack_random(struct model *m, int id, struct flow_buf *out, struct snapshot *now) {
  uint64_t start = pick(m, ROWS), count = pick(m, 8) == 0 ? ROWS : pick(m, 20);
  for (uint64_t i = 0; i < count; i++) {
    uint64_t row = (start + i * 7) % ROWS; /* 7 and ROWS have no common divisor */
    uint32_t *value = &now->value[id][row];
    if (*value != 0 && pick(m, 4) == 0) {
      flow_put_tombstone(out, row);
      *value = 0;
      continue;
    }
    flow_put_entry(out, row, *value == 0 ? FLOW_DELTA_KEY : 0);
    if (*value == 0) {
      size_t mark = flow_put_open(out);
      put_key(out, row);
      flow_put_close(out, mark);
    }
    *value = ++m->stamp;
    size_t mark = flow_put_open(out);
    put_value(out, *value, row);
    flow_put_close(out, mark);
  }
}

static void commit_random(struct model *m) {
  struct flow_store_epoch epochs[3];
  struct flow_store_part parts[3][IDS];
  struct flow_buf packed[3][IDS] = {{{0}}};
  size_t count = 1 + pick(m, 3);
  for (size_t e = 0; e < count; e++) {
    int64_t number = m->head + 1 + (int64_t)e;
    m->after[number + 1] = m->after[number];
    for (int id = 0; id < IDS; id++) {
      if (pick(m, 3) != 0) pack_random(m, id, &packed[e][id], &m->after[number + 1]);
      parts[e][IDS - 1 - id] = (struct flow_store_part){m->numbers[id], packed[e][id].data,
                                                        packed[e][id].length};
    }
    epochs[e] = (struct flow_store_epoch){.number = number, .records_in = (uint64_t)number,
                                          .parts = parts[e], .part_count = IDS};
  }
  must(m->f, flow_store_commit(m->f->store, epochs, count, &m->f->report));
  m->head += (int64_t)count;
  for (size_t e = 0; e < count; e++)
    for (int id = 0; id < IDS; id++) flow_buf_free(&packed[e][id]);
}

struct comparison {
  const uint32_t *values;
  uint64_t next; /* rows below it were seen */
};

static enum flow_status compare_row(void *context, uint64_t row, const void *key, size_t key_length,
                                    const void *value, size_t value_length) {
  struct comparison *c = context;
  struct flow_buf k = {0}, v = {0};
  assert_in_range(row, c->next, ROWS - 1);
  for (; c->next < row; c->next++) assert_int_equal(c->values[c->next], 0);
  c->next = row + 1;
  assert_int_not_equal(c->values[row], 0);
  put_key(&k, row);
  put_value(&v, c->values[row], row);
  assert_int_equal(key_length, k.length);
  assert_memory_equal(key, k.data, k.length);
  assert_int_equal(value_length, v.length);
  if (v.length != 0) assert_memory_equal(value, v.data, v.length);
  flow_buf_free(&k);
  flow_buf_free(&v);
  return FLOW_OK;
}

static void compare_all(struct model *m) {
  struct flow_store_range range = flow_store_range(m->f->store);
  assert_int_equal(range.head, m->head);
  assert_int_equal(range.damaged, -1);
  assert_int_equal(range.timeline, m->timeline);
  assert_true(range.oldest >= m->oldest); /* what is folded stays folded */
  m->oldest = range.oldest;
  for (int id = 0; id < IDS; id++) {
    struct comparison c = {.values = m->after[m->head + 1].value[id]};
    struct flow_store_loaded loaded;
    must(m->f, flow_store_load(m->f->store, m->numbers[id], compare_row, &c, &loaded,
                               &m->f->report));
    for (; c.next < ROWS; c.next++) assert_int_equal(c.values[c.next], 0);
  }
}

static void prepare_model(struct model *m, int64_t resume) {
  const struct flow_store_id ids[IDS] = {
      {FLOW_STORE_STATE, "first", NULL, &type_bytes, &type_bytes},
      {FLOW_STORE_SOURCE, "second", NULL, &type_bytes, &type_bytes}};
  must(m->f, prepare_ids(m->f, ids, IDS, NULL, resume, m->numbers));
}

static void open_model(struct model *m, int64_t resume) {
  m->f->options.retain_epochs = m->retain = pick(m, 2) == 0 ? 0 : pick(m, 30);
  must(m->f, open_it(m->f));
  prepare_model(m, resume);
}

static void go_back_random(struct model *m) {
  struct flow_store_range range = flow_store_range(m->f->store);
  int64_t epoch = range.oldest + (int64_t)pick(m, (uint64_t)(range.newest - range.oldest) + 1);
  if (pick(m, 2) == 0) prepare_model(m, epoch);
  else open_model(m, epoch);
  if (epoch != m->head + 1) m->timeline++;
  m->head = epoch - 1;
  if (range.oldest > 0) {
    const struct flow_store_id none = {0};
    assert_int_equal(prepare_ids(m->f, &none, 0, NULL, range.oldest - 1, m->numbers), FLOW_E_RANGE);
  }
}

/* -- a view of some epoch, beside the model */

struct look {
  const uint32_t *values, *since;
  uint64_t next;
};

static bool look_at_row(void *context, const struct flow_view_row *row) {
  struct look *look = context;
  struct flow_buf k = {0}, v = {0};
  while (look->next < ROWS && look->values[look->next] == 0) look->next++;
  assert_in_range(look->next, 0, ROWS - 1);
  put_key(&k, look->next);
  put_value(&v, look->values[look->next], look->next);
  assert_int_equal(row->key_length, k.length);
  assert_memory_equal(row->key, k.data, k.length);
  assert_int_equal(row->value_length, v.length);
  if (v.length != 0) assert_memory_equal(row->value, v.data, v.length);
  flow_buf_free(&k);
  flow_buf_free(&v);
  look->next++;
  return true;
}

/* Two stamps may stand for the same bytes; then the row has not changed. */
static bool has_changed(const struct look *look) {
  struct flow_buf was = {0}, is = {0};
  uint32_t before = look->since[look->next], after = look->values[look->next];
  if (before != 0) put_value(&was, before, look->next);
  if (after != 0) put_value(&is, after, look->next);
  bool differ = (before == 0) != (after == 0) || was.length != is.length ||
                (was.length != 0 && memcmp(was.data, is.data, was.length) != 0);
  flow_buf_free(&was);
  flow_buf_free(&is);
  return differ;
}

static bool look_at_change(void *context, const struct flow_view_change *change) {
  struct look *look = context;
  struct flow_buf k = {0};
  while (look->next < ROWS && !has_changed(look)) look->next++;
  assert_in_range(look->next, 0, ROWS - 1);
  put_key(&k, look->next);
  assert_int_equal(change->key_length, k.length);
  assert_memory_equal(change->key, k.data, k.length);
  assert_int_equal(change->before != NULL, look->since[look->next] != 0);
  assert_int_equal(change->after != NULL, look->values[look->next] != 0);
  flow_buf_free(&k);
  look->next++;
  return true;
}

static int64_t pick_epoch(struct model *m, int64_t oldest) {
  return oldest + (int64_t)pick(m, (uint64_t)(m->head - oldest) + 1);
}

static void look_at_random_epochs(struct model *m) {
  int64_t oldest = flow_store_range(m->f->store).oldest - 1;
  if (oldest < 0) oldest = 0;
  if (m->head < 0) return;
  flow_store_close(m->f->store); /* LMDB allows a directory once in a process */
  m->f->store = NULL;
  struct flow_view_options options = {.dir = m->f->dir, .epoch = pick_epoch(m, oldest),
                                      .since = pick_epoch(m, oldest)};
  struct flow_view *view;
  size_t count;
  must(m->f, flow_view_open(&options, &view, &m->f->report));
  assert_int_equal(flow_view_info(view)->oldest, oldest);
  assert_int_equal(flow_view_info(view)->head, m->head);
  const struct flow_view_id *ids = flow_view_ids(view, &count);
  assert_int_equal(count, IDS);
  for (size_t id = 0; id < IDS; id++) {
    const struct flow_view_id *one = &ids[id];
    struct look look = {.values = m->after[options.epoch + 1].value[id],
                        .since = m->after[options.since + 1].value[id]};
    must(m->f, flow_view_rows(view, &one, 1, look_at_row, &look, &m->f->report));
    for (; look.next < ROWS; look.next++) assert_int_equal(look.values[look.next], 0);
    look.next = 0;
    must(m->f, flow_view_changes(view, &one, 1, look_at_change, &look, &m->f->report));
    for (; look.next < ROWS; look.next++) assert_false(has_changed(&look));
  }
  flow_view_close(view);
  open_model(m, FLOW_STORE_NEWEST);
}

/* Folds for a short or a longer time; epochs that are retained must stay within reach. */
static void fold_random(struct model *m) {
  int64_t oldest = flow_store_range(m->f->store).oldest;
  must(m->f, flow_store_fold(m->f->store, (int64_t)pick(m, 2) * 3000, &m->f->report));
  int64_t now = flow_store_range(m->f->store).oldest;
  if (now != oldest) assert_true(now > oldest && now <= m->head + 1 - (int64_t)m->retain);
}

static void behaves_as_the_model(void **state) {
  struct model m = {.f = *state, .seed = 88172645463325252u, .head = -1};
  m.f->options.fold_floor = 100000;
  m.after = calloc(EPOCHS, sizeof *m.after);
  open_model(&m, FLOW_STORE_NEWEST);
  uint64_t rewinds = 0, folds = 0, half_folds = 0;
  for (int step = 0; step < 3000; step++) {
    uint64_t what = pick(&m, 100);
    if (m.head + 8 >= EPOCHS) break;
    if (what < 55) {
      commit_random(&m);
    } else if (what < 85) {
      fold_random(&m);
      half_folds += flow_store_stats(m.f->store).is_folding;
    } else if (what < 90) {
      go_back_random(&m), rewinds++;
    } else if (what < 94) {
      folds += flow_store_stats(m.f->store).folds;
      open_model(&m, FLOW_STORE_NEWEST);
    } else if (what < 96) {
      folds += flow_store_stats(m.f->store).folds;
      look_at_random_epochs(&m);
    }
    if (what >= 70) compare_all(&m);
  }
  folds += flow_store_stats(m.f->store).folds;
  assert_true(rewinds > 20 && folds > 20 && half_folds > 20);
  free(m.after);
}

/* -- damage: any flipped bit is refused, or changes nothing; nothing crashes */

struct file_image {
  char path[300];
  unsigned char *bytes;
  size_t size;
};

static void read_file(struct fixture *f, struct file_image *image) {
  snprintf(image->path, sizeof image->path, "%s/data.mdb", f->dir);
  FILE *file = fopen(image->path, "rb");
  assert_non_null(file);
  fseek(file, 0, SEEK_END);
  image->size = (size_t)ftell(file);
  image->bytes = malloc(image->size);
  rewind(file);
  assert_int_equal(fread(image->bytes, 1, image->size, file), image->size);
  fclose(file);
}

static void write_file(const struct file_image *image, size_t size) {
  FILE *file = fopen(image->path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(image->bytes, 1, size, file), size);
  fclose(file);
}

/* For a file that differs from the image in this byte only: copying all of it takes far longer. */
static void write_byte(const struct file_image *image, size_t at) {
  FILE *file = fopen(image->path, "r+b");
  assert_non_null(file);
  assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
  assert_int_equal(fputc(image->bytes[at], file), image->bytes[at]);
  assert_int_equal(fclose(file), 0);
}

struct digest {
  uint64_t sum;
};

static enum flow_status digest_row(void *context, uint64_t row, const void *key, size_t key_length,
                                   const void *value, size_t value_length) {
  struct digest *digest = context;
  uint64_t hash = row + 0x9e3779b97f4a7c15u;
  const unsigned char *parts[] = {key, value};
  const size_t lengths[] = {key_length, value_length};
  for (int p = 0; p < 2; p++)
    for (size_t i = 0; i < lengths[p]; i++) hash = (hash ^ parts[p][i]) * 0x100000001b3u + 1;
  digest->sum = digest->sum * 31 + hash;
  return FLOW_OK;
}

/* Opens and loads; the sum over all ids and the head, or 0 if it was refused. */
static uint64_t try_everything(struct fixture *f, uint64_t *refused_late) {
  const struct flow_store_id ids[IDS] = {
      {FLOW_STORE_STATE, "first", NULL, &type_bytes, &type_bytes},
      {FLOW_STORE_SOURCE, "second", NULL, &type_bytes, &type_bytes}};
  uint16_t numbers[IDS];
  struct digest digest = {0};
  enum flow_status status = open_it(f);
  bool is_early = status != FLOW_OK;
  if (status == FLOW_OK) status = prepare_ids(f, ids, IDS, NULL, FLOW_STORE_NEWEST, numbers);
  for (int id = 0; id < IDS && status == FLOW_OK; id++) {
    struct flow_store_loaded loaded;
    status = flow_store_load(f->store, numbers[id], digest_row, &digest, &loaded, &f->report);
  }
  if (status != FLOW_OK) {
    assert_int_equal(flow_status_exit(status), 78);
    assert_true(f->report.message[0] != '\0' && f->report.help[0] != '\0');
    if (!is_early) ++*refused_late;
    return 0;
  }
  return digest.sum ^ (uint64_t)flow_store_range(f->store).head;
}

/* A store with a base, a fold that is half done, several epochs, large values, free pages. */
static void make_rich_store(struct model *m) {
  m->f->options.fold_floor = 100000;
  m->f->options.retain_epochs = 3;
  m->after = calloc(EPOCHS, sizeof *m->after);
  open_model(m, FLOW_STORE_NEWEST);
  uint64_t folds = 0;
  for (int i = 0; i < 60 || folds < 2; i++) {
    commit_random(m);
    must(m->f, flow_store_fold(m->f->store, 100000, &m->f->report));
    folds = flow_store_stats(m->f->store).folds;
  }
  while (!flow_store_stats(m->f->store).is_folding) {
    commit_random(m);
    must(m->f, flow_store_fold(m->f->store, 0, &m->f->report));
  }
  for (int i = 0; i < 5; i++) commit_random(m);
}

static void refuses_flipped_bits(void **state) {
  struct model m = {.f = *state, .seed = 1234567, .head = -1};
  make_rich_store(&m);
  struct fixture *f = m.f;
  uint64_t before_last = 0, ignored = 0, refused = 0, late = 0, same = 0;
  before_last = try_everything(f, &ignored);
  commit_random(&m);
  uint64_t good = try_everything(f, &ignored);
  struct file_image image = {0};
  flow_store_close(f->store);
  f->store = NULL;
  read_file(f, &image);
  int flips = getenv("FULL") != NULL ? 20000 : 1500;
  for (int i = 0; i < flips; i++) {
    /* Half of the flips hit the headers of pages, where LMDB's own structure is. */
    size_t at = pick(&m, image.size);
    if (i % 2 == 0) at = at / 4096 * 4096 + pick(&m, i % 4 == 0 ? 32 : 200);
    unsigned char old = image.bytes[at];
    image.bytes[at] ^= (unsigned char)(1u << pick(&m, 8));
    write_byte(&image, at);
    uint64_t found = try_everything(f, &late);
    if (found == 0) refused++;
    else if (found == good || found == before_last) same++;
    else fail_msg("a flip at byte %zu gave another state", at);
    image.bytes[at] = old;
    flow_store_close(f->store);
    f->store = NULL;
    if (found == 0) write_byte(&image, at); /* a refused store is left as it was */
    else write_file(&image, image.size);
  }
  print_message("%zu bytes: %llu refused (%llu when loaded), %llu harmless\n", image.size,
                (unsigned long long)refused, (unsigned long long)late, (unsigned long long)same);
  assert_true(refused > 500 && late > 100 && same > 100);
  for (int i = 0; i < 60; i++) { /* and files that are too short */
    write_file(&image, pick(&m, image.size));
    uint64_t found = try_everything(f, &ignored);
    if (found != 0) assert_true(found == good);
  }
  write_file(&image, image.size);
  assert_true(try_everything(f, &ignored) == good);
  free(image.bytes);
  free(m.after);
}

static void goes_back_before_the_damage(void **state) {
  struct fixture *f = *state;
  f->options.retain_epochs = 100;
  uint16_t id = open_one(f);
  for (uint64_t i = 0; i < 10; i++) {
    char value[40];
    snprintf(value, sizeof value, "a value to be damaged, %llu", (unsigned long long)i);
    commit_row(f, id, 0, i == 0 ? "k" : NULL, value);
  }
  flow_store_close(f->store);
  f->store = NULL;
  struct file_image image = {0};
  read_file(f, &image);
  /* Pages that were copied and are free now hold it as well. */
  unsigned char *hit, *from = image.bytes, *end = image.bytes + image.size;
  while ((hit = memmem(from, (size_t)(end - from), "damaged, 6", 10)) != NULL) {
    *hit ^= 1;
    from = hit + 1;
  }
  assert_true(from != image.bytes);
  write_file(&image, image.size);
  free(image.bytes);
  const struct flow_store_id ids = {FLOW_STORE_STATE, "count", NULL, &type_string, &type_bytes};
  must(f, open_it(f));
  assert_int_equal(flow_store_range(f->store).damaged, 6);
  assert_int_equal(prepare_ids(f, &ids, 1, NULL, FLOW_STORE_NEWEST, &id), FLOW_E_CORRUPT);
  assert_non_null(strstr(f->report.message, "good up to the end of epoch 5"));
  assert_non_null(strstr(f->report.help, "--resume-epoch 6"));
  assert_int_equal(prepare_ids(f, &ids, 1, NULL, 7, &id), FLOW_E_CORRUPT);
  must(f, prepare_ids(f, &ids, 1, NULL, 6, &id));
  expect_rows(f, id, "0:k=a value to be damaged, 5;");
  commit_row(f, id, 0, NULL, "whole again");
  open_one(f);
  expect_rows(f, id, "0:k=whole again;");
}

/* -- size */

static void stays_small(void **state) {
  struct fixture *f = *state;
  uint16_t id = open_one(f);
  struct flow_buf packed = {0};
  uint64_t seed = 42, largest = 0;
  const uint64_t rows = 100000;
  char value[60] = {0};
  for (int epoch = 0; epoch < 80; epoch++) {
    packed.length = 0;
    for (uint64_t i = 0; i < (epoch == 0 ? rows : rows / 10); i++) {
      uint64_t row = epoch == 0 ? i : i * 10 + next_random(&seed) % 10;
      memcpy(value, &seed, sizeof seed);
      flow_put_row(&packed, row, epoch == 0 ? "\1k" : NULL, 2, value, sizeof value);
    }
    must(f, commit_part(f, id, &packed));
    do must(f, flow_store_fold(f->store, 5000, &f->report));
    while (flow_store_must_fold(f->store));
    uint64_t size = flow_store_stats(f->store).file_bytes;
    if (size > largest) largest = size;
  }
  struct flow_store_stats stats = flow_store_stats(f->store);
  print_message("live %llu bytes, base %llu, file %llu at most, %llu folds\n",
                (unsigned long long)rows * 62, (unsigned long long)stats.base_bytes,
                (unsigned long long)largest, (unsigned long long)stats.folds);
  assert_true(largest <= 2 * rows * 62 + packed.length + (16 << 20)); /* rule 34 */
  assert_true(stats.folds >= 2);
  flow_buf_free(&packed);
}

static void copies_a_sparse_file(void **state) {
  struct fixture *f = *state;
  f->options.fold_floor = 1;
  uint16_t id = open_one(f);
  struct flow_buf packed = {0};
  char *value = calloc(1, 1 << 20);
  for (uint64_t row = 0; row < 60; row++)
    flow_put_row(&packed, row, "\1k", 2, value, row == 59 ? 5 : 1 << 20);
  must(f, commit_part(f, id, &packed));
  packed.length = 0;
  for (uint64_t row = 0; row < 59; row++) flow_put_tombstone(&packed, row);
  must(f, commit_part(f, id, &packed));
  for (int i = 0; i < 10; i++) must(f, flow_store_fold(f->store, 1000000, &f->report));
  assert_true(flow_store_stats(f->store).file_bytes > (32 << 20));
  open_one(f);
  assert_true(flow_store_stats(f->store).file_bytes < (1 << 20));
  assert_int_equal(flow_store_stats(f->store).base_rows, 1);
  packed.length = 0;
  flow_put_row(&packed, 60, "\1z", 2, "\3abc", 4);
  flow_put_tombstone(&packed, 59);
  must(f, commit_part(f, id, &packed));
  open_one(f);
  expect_rows(f, id, "60:z=abc;");
  free(value);
  flow_buf_free(&packed);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(behaves_as_the_model), CASE(refuses_flipped_bits), CASE(goes_back_before_the_damage),
      CASE(stays_small),          CASE(copies_a_sparse_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
