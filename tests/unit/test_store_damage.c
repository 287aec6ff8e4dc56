/* Damage of every kind to every part of a store's file: it is refused with a message, or does not
 * matter now and later, and never crashes. FULL=1 flips a bit of every byte. */
#include "store_fixture.h"

#define IDS 2
#define EPOCHS 14
#define PAGE 4096
#define SECTOR 512

static const struct flow_store_id ids[IDS] = {
    {FLOW_STORE_STATE, "first", NULL, &type_string, &type_bytes},
    {FLOW_STORE_SOURCE, "second", NULL, &type_string, &type_bytes}};

struct image {
  unsigned char *bytes;
  size_t size;
};

/* What a store is judged by. */
struct found {
  enum flow_status status;
  int64_t head;
  uint64_t sum;
};

struct campaign {
  struct fixture *f;
  char path[300];
  struct image now, before[EPOCHS]; /* as of the last commit, and of those before */
  struct found good, good_later;    /* without damage; and after one more epoch */
  struct found earlier;             /* before the last commit */
  uint64_t tried, refused, named, harmless, taken_back;
};

static void read_image(struct campaign *c, struct image *image) {
  FILE *file = fopen(c->path, "rb");
  assert_non_null(file);
  fseek(file, 0, SEEK_END);
  image->size = (size_t)ftell(file);
  image->bytes = malloc(image->size);
  rewind(file);
  assert_int_equal(fread(image->bytes, 1, image->size, file), image->size);
  fclose(file);
}

static void write_image(struct campaign *c, const unsigned char *bytes, size_t size) {
  FILE *file = fopen(c->path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  fclose(file);
}

static enum flow_status add_row(void *context, uint64_t row, const void *key, size_t key_length,
                                const void *value, size_t value_length) {
  uint64_t *sum = context, hash = row + 0x9e3779b97f4a7c15u;
  const unsigned char *parts[] = {key, value};
  const size_t lengths[] = {key_length, value_length};
  for (int p = 0; p < 2; p++)
    for (size_t i = 0; i < lengths[p]; i++) hash = (hash ^ parts[p][i]) * 0x100000001b3u + 1;
  *sum = *sum * 31 + hash;
  return FLOW_OK;
}

static struct found look(struct fixture *f, uint16_t *numbers) {
  struct found found = {.status = open_it(f), .head = -1};
  if (found.status == FLOW_OK)
    found.status = prepare_ids(f, ids, IDS, NULL, FLOW_STORE_NEWEST, numbers);
  for (int i = 0; i < IDS && found.status == FLOW_OK; i++) {
    struct flow_store_loaded loaded;
    found.status =
        flow_store_load(f->store, numbers[i], add_row, &found.sum, &loaded, &f->report);
  }
  if (found.status == FLOW_OK) found.head = flow_store_range(f->store).head;
  return found;
}

/* Epoch n: some rows of each id, some of them new, one large and one deleted now and then. */
static enum flow_status commit_epoch(struct fixture *f, const uint16_t *numbers, uint64_t n) {
  struct flow_buf packed[IDS] = {{0}};
  struct flow_store_part parts[IDS];
  for (uint64_t i = 0; i < IDS; i++) {
    for (uint64_t row = n % 3; row < 3 * n + 3; row += 1 + (row + i) % 4) {
      char key[40], value[9000];
      memset(value, (int)('a' + n % 26), sizeof value);
      size_t length = row % 17 == 5 && i == 0 ? sizeof value : 10 + (row * 7 + n) % 90;
      snprintf(key, sizeof key, "%ckey %llu", 5 + (row > 9) + (row > 99), (unsigned long long)row);
      bool is_new = row >= 3 * n; /* each epoch may make three rows; others are made by touching */
      if (n > 5 && row % 11 == 7) flow_put_tombstone(&packed[i], row);
      else flow_put_row(&packed[i], row, is_new || n < 40 ? key : NULL, strlen(key), value, length);
    }
    parts[i] = (struct flow_store_part){numbers[i], packed[i].data, packed[i].length};
  }
  struct flow_store_epoch epoch = {.number = flow_store_range(f->store).head + 1,
                                   .records_in = n, .now_us = 1000, .parts = parts,
                                   .part_count = IDS};
  enum flow_status status = flow_store_commit(f->store, &epoch, 1, &f->report);
  for (int i = 0; i < IDS; i++) flow_buf_free(&packed[i]);
  return status;
}

/* Goes on with one epoch and a fold, and looks again. */
static struct found go_on(struct campaign *c, const uint16_t *numbers) {
  uint16_t again[IDS];
  enum flow_status status = commit_epoch(c->f, numbers, EPOCHS);
  if (status == FLOW_OK) status = flow_store_fold(c->f->store, 1000000, &c->f->report);
  if (status != FLOW_OK) return (struct found){.status = status};
  return look(c->f, again);
}

static bool is_same(struct found a, struct found b) {
  return a.status == b.status && a.head == b.head && a.sum == b.sum;
}

static void check_refusal(struct campaign *c, enum flow_status status, const char *what) {
  const struct flow_report *report = &c->f->report;
  if (flow_status_exit(status) != 78 || report->message[0] == '\0' || report->help[0] == '\0')
    fail_msg("%s: status %d, %s (%s)", what, status, report->message, report->help);
  bool names_epoch = strstr(report->message, "good up to the end of epoch") != NULL;
  if (names_epoch != (strstr(report->help, "--resume-epoch") != NULL))
    fail_msg("%s: %s (%s)", what, report->message, report->help);
  c->refused++;
  c->named += names_epoch;
}

/* The file is damaged as `what` tells: refused, or the same for ever. */
static void try_file(struct campaign *c, const char *what) {
  uint16_t numbers[IDS];
  struct found found = look(c->f, numbers);
  c->tried++;
  if (found.status != FLOW_OK) {
    check_refusal(c, found.status, what);
  } else if (is_same(found, c->earlier)) {
    must(c->f, go_on(c, numbers).status);
    c->taken_back++;
  } else {
    if (!is_same(found, c->good))
      fail_msg("%s: another state, of epoch %lld", what, (long long)found.head);
    found = go_on(c, numbers);
    if (found.status != FLOW_OK)
      fail_msg("%s: is found late: %s", what, c->f->report.message);
    if (!is_same(found, c->good_later)) fail_msg("%s: another state after one more epoch", what);
    c->harmless++;
  }
  flow_store_close(c->f->store);
  c->f->store = NULL;
}

static void try_bytes(struct campaign *c, const unsigned char *bytes, size_t size,
                      const char *what) {
  write_image(c, bytes, size);
  try_file(c, what);
}

static void start(struct campaign *c, void **state) {
  *c = (struct campaign){.f = *state};
  c->f->options.fold_floor = 20000;
  c->f->options.retain_epochs = 6;
  c->f->options.map_size = 4 << 20;
  snprintf(c->path, sizeof c->path, "%s/data.mdb", c->f->dir);
  uint16_t numbers[IDS];
  must(c->f, look(c->f, numbers).status);
  for (uint64_t n = 0; n < EPOCHS; n++) {
    must(c->f, commit_epoch(c->f, numbers, n));
    must(c->f, flow_store_fold(c->f->store, 1000000, &c->f->report));
    if (n + 1 < EPOCHS) read_image(c, &c->before[n]);
  }
  assert_true(flow_store_stats(c->f->store).folds > 0);
  assert_true(flow_store_stats(c->f->store).epochs > 3);
  read_image(c, &c->now);
  flow_store_close(c->f->store);
  c->f->store = NULL;
  write_image(c, c->before[EPOCHS - 2].bytes, c->before[EPOCHS - 2].size);
  c->earlier = look(c->f, numbers);
  must(c->f, c->earlier.status);
  flow_store_close(c->f->store);
  c->f->store = NULL;
  write_image(c, c->now.bytes, c->now.size);
  c->good = look(c->f, numbers);
  must(c->f, c->good.status);
  c->good_later = go_on(c, numbers);
  must(c->f, c->good_later.status);
  flow_store_close(c->f->store);
  c->f->store = NULL;
}

static void end(struct campaign *c) {
  print_message("%zu bytes, %llu damages: %llu refused, %llu of them with an epoch to go back to, "
                "%llu harmless, %llu as if the last commit had not been\n", c->now.size, (unsigned long long)c->tried,
                (unsigned long long)c->refused, (unsigned long long)c->named,
                (unsigned long long)c->harmless, (unsigned long long)c->taken_back);
  for (int i = 0; i < EPOCHS; i++) free(c->before[i].bytes);
  free(c->now.bytes);
}

static void finds_each_flipped_bit(void **state) {
  struct campaign c;
  start(&c, state);
  bool is_full = getenv("FULL") != NULL && getenv("FULL")[0] != '\0';
  size_t step = is_full ? 1 : 89;
  for (size_t at = 0; at < c.now.size; at += at < 2 * PAGE && at % PAGE < 160 ? 1 : step) {
    /* The heads of pages hold numbers, in which each bit has another meaning. */
    bool is_head = at % PAGE < (at < 2 * PAGE ? 160 : 32) && (is_full || at < 2 * PAGE);
    unsigned first = is_head ? 0 : (unsigned)(at * 7 % 8), last = is_head ? 7 : first;
    for (unsigned bit = first; bit <= last; bit++) {
      char what[100];
      snprintf(what, sizeof what, "bit %u of byte %zu flipped", bit, at);
      c.now.bytes[at] ^= (unsigned char)(1u << bit);
      try_bytes(&c, c.now.bytes, c.now.size, what);
      c.now.bytes[at] ^= (unsigned char)(1u << bit);
    }
  }
  assert_true(c.refused > 100 && c.named > 20 && c.harmless > 20);
  end(&c);
}

static void finds_lost_sectors(void **state) {
  struct campaign c;
  start(&c, state);
  unsigned char saved[PAGE];
  static const size_t sizes[] = {1, 8, SECTOR, PAGE};
  static const unsigned char fills[] = {0, 0xff, 0x5a};
  for (size_t s = 0; s < 4; s++) {
    size_t size = sizes[s], step = size < SECTOR ? 311 : size;
    for (size_t at = 0; at + size <= c.now.size; at += step) {
      for (size_t fill = 0; fill < 3; fill++) {
        char what[100];
        snprintf(what, sizeof what, "%zu bytes at %zu filled with %02x", size, at, fills[fill]);
        memcpy(saved, c.now.bytes + at, size);
        memset(c.now.bytes + at, fills[fill], size);
        try_bytes(&c, c.now.bytes, c.now.size, what);
        memcpy(c.now.bytes + at, saved, size);
      }
    }
  }
  end(&c);
}

static void finds_cut_files(void **state) {
  struct campaign c;
  start(&c, state);
  for (size_t size = 0; size < c.now.size; size += size % PAGE == 0 ? 100 : PAGE - 100) {
    char what[100];
    snprintf(what, sizeof what, "cut to %zu bytes", size);
    try_bytes(&c, c.now.bytes, size, what);
  }
  end(&c);
}

static void finds_pages_in_wrong_places(void **state) {
  struct campaign c;
  start(&c, state);
  unsigned char *bytes = malloc(c.now.size);
  size_t pages = c.now.size / PAGE;
  for (size_t i = 0; i < pages; i++) {
    for (size_t k = 0; k < pages; k++) {
      char what[100];
      if (i == k || (i + 3 * k) % 5 != 0) continue;
      memcpy(bytes, c.now.bytes, c.now.size);
      memcpy(bytes + i * PAGE, c.now.bytes + k * PAGE, PAGE);
      snprintf(what, sizeof what, "page %zu written to the place of page %zu", k, i);
      try_bytes(&c, bytes, c.now.size, what);
      memcpy(bytes + k * PAGE, c.now.bytes + i * PAGE, PAGE);
      snprintf(what, sizeof what, "pages %zu and %zu swapped", i, k);
      if (i < k) try_bytes(&c, bytes, c.now.size, what);
    }
  }
  free(bytes);
  end(&c);
}

/* A write that never reached the disk leaves what was there before. */
static void finds_old_versions_of_pages(void **state) {
  struct campaign c;
  start(&c, state);
  unsigned char *bytes = malloc(c.now.size);
  for (int n = 0; n < EPOCHS - 1; n++) {
    const struct image *old = &c.before[n];
    for (size_t at = 0; at + PAGE <= old->size && at + PAGE <= c.now.size; at += SECTOR) {
      size_t size = at % PAGE == 0 ? PAGE : SECTOR;
      if (memcmp(c.now.bytes + at, old->bytes + at, size) == 0) continue;
      char what[100];
      memcpy(bytes, c.now.bytes, c.now.size);
      memcpy(bytes + at, old->bytes + at, size);
      snprintf(what, sizeof what, "%zu bytes at %zu as they were in epoch %d", size, at, n);
      try_bytes(&c, bytes, c.now.size, what);
    }
  }
  free(bytes);
  end(&c);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(finds_each_flipped_bit),      CASE(finds_lost_sectors),
      CASE(finds_cut_files),             CASE(finds_pages_in_wrong_places),
      CASE(finds_old_versions_of_pages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
