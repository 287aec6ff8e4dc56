/* What the tests of the store share: a directory, types, a store to open again, epochs to commit. */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store.h"

static const struct flow_type type_int __attribute__((unused)) = {.kind = FLOW_KIND_INT};
static const struct flow_type type_string __attribute__((unused)) = {.kind = FLOW_KIND_STRING};
static const struct flow_type type_bytes __attribute__((unused)) = {.kind = FLOW_KIND_BYTES};

struct fixture {
  char dir[256];
  struct flow_store *store;
  struct flow_report report;
  struct flow_store_options options;
};

static inline int remove_tree(const char *dir) {
  char command[512];
  snprintf(command, sizeof command, "chmod -R u+rwx '%s' && rm -rf '%s'", dir, dir);
  return system(command);
}

static inline int set_up(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf(f->dir, sizeof f->dir, "%s/flow-store-XXXXXX", base);
  if (mkdtemp(f->dir) == NULL) return -1;
  strcat(f->dir, "/db");
  f->options = (struct flow_store_options){
      .dir = f->dir, .flow_name = "cart_join", .compiler_version = "flowcc test", .create = true};
  *state = f;
  return 0;
}

static inline int tear_down(void **state) {
  struct fixture *f = *state;
  flow_store_close(f->store);
  *strrchr(f->dir, '/') = '\0';
  remove_tree(f->dir);
  free(f);
  return 0;
}

static inline enum flow_status open_it(struct fixture *f) {
  flow_store_close(f->store);
  f->store = NULL;
  memset(&f->report, 0, sizeof f->report);
  return flow_store_open(flow_sys_posix(), &f->options, &f->store, &f->report);
}

static inline void must(struct fixture *f, enum flow_status status) {
  if (status != FLOW_OK) fail_msg("status %d: %s (%s)", status, f->report.message, f->report.help);
}

/* prepare() for ids of one kind; `drops` is null or one --accept-drop. */
static inline enum flow_status prepare_ids(struct fixture *f, const struct flow_store_id *ids,
                                           size_t count, const char *drop, int64_t resume,
                                           uint16_t *numbers) {
  struct flow_store_plan plan = {.ids = ids, .id_count = count, .drops = &drop,
                                 .drop_count = drop != NULL, .resume_epoch = resume};
  return flow_store_prepare(f->store, &plan, numbers, &f->report);
}

/* Declares one state `count` from string to bytes, and goes back to an epoch; returns its number. */
static inline uint16_t prepare_one(struct fixture *f, int64_t resume) {
  const struct flow_store_id id = {.kind = FLOW_STORE_STATE, .name = "count", .key = &type_string,
                                   .value = &type_bytes};
  uint16_t number = 0;
  must(f, prepare_ids(f, &id, 1, NULL, resume, &number));
  return number;
}

static inline uint16_t open_one(struct fixture *f) {
  must(f, open_it(f));
  return prepare_one(f, FLOW_STORE_NEWEST);
}

static inline enum flow_status commit_part(struct fixture *f, uint16_t id,
                                           const struct flow_buf *packed) {
  struct flow_store_part part = {.id = id, .data = packed->data, .length = packed->length};
  struct flow_store_epoch epoch = {.number = flow_store_range(f->store).head + 1,
                                   .records_in = 7, .now_us = 1000, .parts = &part,
                                   .part_count = 1};
  return flow_store_commit(f->store, &epoch, 1, &f->report);
}

/* An encoded string or bytes value. */
static inline void put_text(struct flow_buf *b, const char *text) {
  flow_put_bytes(b, text, strlen(text));
}

/* Commits one epoch in which `row` gets a value; a null key means that it is not new. */
static inline void commit_row(struct fixture *f, uint16_t id, uint64_t row, const char *key,
                              const char *value) {
  struct flow_buf packed = {0}, k = {0}, v = {0};
  if (key != NULL) put_text(&k, key);
  put_text(&v, value);
  flow_put_row(&packed, row, key != NULL ? k.data : NULL, k.length, v.data, v.length);
  must(f, commit_part(f, id, &packed));
  flow_buf_free(&packed);
  flow_buf_free(&k);
  flow_buf_free(&v);
}

/* Loaded rows as text: "row:key=value;" each, where values are encoded strings. */
static inline enum flow_status show_row(void *context, uint64_t row, const void *key,
                                        size_t key_length, const void *value,
                                        size_t value_length) {
  struct flow_buf *out = context;
  char text[32];
  size_t length;
  struct flow_reader k = flow_reader_of(key, key_length), v = flow_reader_of(value, value_length);
  flow_buf_add(out, text, (size_t)snprintf(text, sizeof text, "%llu:", (unsigned long long)row));
  const char *bytes = flow_get_bytes(&k, &length);
  flow_buf_add(out, bytes, length);
  flow_buf_add(out, "=", 1);
  bytes = flow_get_bytes(&v, &length);
  flow_buf_add(out, bytes, length);
  flow_buf_add(out, ";", 1);
  return flow_reader_done(&k) && flow_reader_done(&v) ? FLOW_OK : FLOW_E_BUG;
}

static inline void expect_rows(struct fixture *f, uint16_t id, const char *expected) {
  struct flow_buf shown = {0};
  struct flow_store_loaded loaded;
  must(f, flow_store_load(f->store, id, show_row, &shown, &loaded, &f->report));
  flow_buf_add(&shown, "", 1);
  assert_string_equal(shown.data, expected);
  flow_buf_free(&shown);
}

static inline uint64_t next_random(uint64_t *seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 7;
  *seed ^= *seed << 17;
  return *seed;
}

#endif
