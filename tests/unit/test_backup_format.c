/* Manifests of backups: what is written is read, what is damaged is not; names; which ranges are joined;
 * what a store and a backup have in common. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup_format.h"

/* A manifest with a base at epoch 4 (unless base is -1) and ranges of the given sizes, each of two epochs. */
static struct backup_manifest make(int64_t base, const uint64_t *sizes, size_t count) {
  struct backup_manifest m = {.number = 7, .wall_us = 1234567, .timeline = 2, .base = base};
  memset(m.store_id, 0xab, sizeof m.store_id);
  memset(m.run_id, 0x12, sizeof m.run_id);
  snprintf(m.flow_name, sizeof m.flow_name, "cart");
  flow_buf_add(&m.store_head, "head", 4);
  int64_t next = base + 1;
  if (base >= 0) {
    const struct backup_piece piece = {.is_base = true, .first = base, .last = base, .link = 99};
    struct backup_piece *added = backup_add_piece(&m, &piece);
    backup_add_part(added, (struct backup_part){100, 1});
    backup_add_part(added, (struct backup_part){50, 2});
  }
  for (size_t i = 0; i < count; i++, next += 2) {
    const struct backup_piece piece = {.timeline = 2, .first = next, .last = next + 1,
                                       .link = (uint64_t)next + 1};
    backup_add_part(backup_add_piece(&m, &piece), (struct backup_part){sizes[i], i});
  }
  m.head = next - 1;
  return m;
}

static void test_what_is_written_is_read(void **state) {
  (void)state;
  const uint64_t sizes[] = {10, 20};
  struct backup_manifest m = make(4, sizes, 2), read;
  struct flow_buf bytes = {0}, again = {0};
  backup_encode(&bytes, &m);
  assert_true(backup_decode(&read, bytes.data, bytes.length));
  assert_string_equal(read.flow_name, "cart");
  assert_int_equal(read.piece_count, 3);
  assert_int_equal(read.pieces[0].bytes, 150);
  assert_int_equal(read.head, 8);
  backup_encode(&again, &read);
  assert_int_equal(again.length, bytes.length);
  assert_memory_equal(again.data, bytes.data, bytes.length);
  struct backup_manifest copy = backup_manifest_copy(&read);
  again.length = 0;
  backup_encode(&again, &copy);
  assert_memory_equal(again.data, bytes.data, bytes.length);
  backup_manifest_free(&copy);
  backup_manifest_free(&m);
  backup_manifest_free(&read);
  flow_buf_free(&bytes);
  flow_buf_free(&again);
}

static bool decodes(const void *data, size_t length) {
  struct backup_manifest m;
  char *exact = malloc(length + 1); /* so that a sanitizer sees a read behind the end */
  memcpy(exact, data, length);
  bool ok = backup_decode(&m, exact, length);
  backup_manifest_free(&m);
  free(exact);
  return ok;
}

static void test_each_flipped_bit_and_each_cut_is_found(void **state) {
  (void)state;
  const uint64_t sizes[] = {10, 20};
  struct backup_manifest m = make(4, sizes, 2);
  struct flow_buf bytes = {0};
  backup_encode(&bytes, &m);
  for (size_t i = 0; i < bytes.length; i++) {
    assert_false(decodes(bytes.data, i));
    for (int bit = 0; bit < 8; bit++) {
      bytes.data[i] ^= (char)(1 << bit);
      assert_false(decodes(bytes.data, bytes.length));
      bytes.data[i] ^= (char)(1 << bit);
    }
  }
  assert_true(decodes(bytes.data, bytes.length));
  flow_buf_add_char(&bytes, 0);
  assert_false(decodes(bytes.data, bytes.length));
  backup_manifest_free(&m);
  flow_buf_free(&bytes);
}

/* True if the manifest can be read back; it is freed. */
static bool is_accepted(struct backup_manifest *m) {
  struct flow_buf bytes = {0};
  backup_encode(&bytes, m);
  bool ok = decodes(bytes.data, bytes.length);
  flow_buf_free(&bytes);
  backup_manifest_free(m);
  return ok;
}

static void test_contradictions_are_refused(void **state) {
  (void)state;
  const uint64_t sizes[] = {10, 20, 30};
  struct backup_manifest m = make(-1, NULL, 0);
  assert_true(is_accepted(&m)); /* nothing was done yet */
  m = make(4, NULL, 0);
  assert_true(is_accepted(&m));
  m = make(4, sizes, 3);
  m.pieces[1].first = 2; /* a range may begin in front of the base's end */
  assert_true(is_accepted(&m));
  m = make(4, sizes, 3);
  backup_cut_pieces(&m, 2, 1); /* a gap */
  assert_false(is_accepted(&m));
  m = make(4, sizes, 3);
  backup_cut_pieces(&m, 0, 1); /* no base */
  assert_false(is_accepted(&m));
  m = make(4, sizes, 3);
  m.head++;
  assert_false(is_accepted(&m));
  m = make(4, sizes, 3);
  m.pieces[0].last = 3;
  assert_false(is_accepted(&m));
  m = make(-1, sizes, 3);
  m.pieces[2].is_base = true;
  assert_false(is_accepted(&m));
  m = make(-1, sizes, 1);
  m.pieces[0].part_count = 0;
  assert_false(is_accepted(&m));
}

static void test_names(void **state) {
  (void)state;
  const uint64_t sizes[] = {10};
  struct backup_manifest m = make(4, sizes, 1);
  char name[BACKUP_NAME];
  uint64_t number;
  backup_manifest_name(7, name);
  assert_string_equal(name, "manifest/00000000000000000007");
  assert_true(backup_manifest_number(name, &number));
  assert_int_equal(number, 7);
  backup_manifest_name(UINT64_MAX, name);
  assert_true(backup_manifest_number(name, &number) && number == UINT64_MAX);
  assert_false(backup_manifest_number("manifest/7", &number));
  assert_false(backup_manifest_number("manifest/00000000000000000007.tmp", &number));
  assert_false(backup_manifest_number("manifests", &number));
  backup_part_name(&m, &m.pieces[0], 1, name);
  assert_string_equal(name, "abababababababababababababababab/000000/base-000000000004.1");
  assert_true(backup_names(&m, name));
  backup_part_name(&m, &m.pieces[1], 0, name);
  assert_string_equal(name, "abababababababababababababababab/000002/000000000005-000000000006.0");
  assert_true(backup_names(&m, name));
  backup_part_name(&m, &m.pieces[1], 1, name);
  assert_false(backup_names(&m, name));
  backup_manifest_free(&m);
}

/* One more range is shipped, of so many bytes: the work of backup.c, without the shipping. */
static uint64_t ship(struct backup_manifest *m, uint64_t bytes) {
  uint32_t from = backup_join_from(m, m->base);
  int64_t first = from < m->piece_count ? m->pieces[from].first : m->head + 1;
  for (uint32_t i = from; i < m->piece_count; i++) bytes += m->pieces[i].bytes;
  backup_cut_pieces(m, from, m->piece_count - from);
  const struct backup_piece piece = {.first = first, .last = ++m->head};
  backup_add_part(backup_add_piece(m, &piece), (struct backup_part){bytes, 0});
  return bytes;
}

static void test_ranges_are_joined(void **state) {
  (void)state;
  static const uint64_t bytes[] = {100, 5000, 300000, 20 << 20};
  for (size_t k = 0; k < sizeof bytes / sizeof bytes[0]; k++) {
    struct backup_manifest m = make(-1, NULL, 0);
    uint64_t sent = 0;
    uint32_t most = 0, large = 0;
    const int rounds = 2000;
    for (int i = 0; i < rounds; i++) {
      sent += ship(&m, bytes[k]);
      if (m.piece_count > most) most = m.piece_count;
    }
    for (uint32_t i = 0; i < m.piece_count; i++) large += m.pieces[i].bytes > BACKUP_JOINED / 16;
    assert_int_equal(m.head, rounds - 1);
    /* Each byte is sent once per level at most, and only ranges that are large stay many. */
    assert_true(sent <= bytes[k] * rounds * 8);
    assert_true(most <= 7 * BACKUP_FAN_IN + large);
    backup_manifest_free(&m);
  }
}

static void test_what_is_folded_is_not_joined(void **state) {
  (void)state;
  const uint64_t sizes[] = {10, 10, 10, 10, 10, 10, 10, 10, 10};
  struct backup_manifest m = make(-1, sizes, 9);
  assert_int_equal(backup_join_from(&m, -1), 0);
  assert_int_equal(backup_join_from(&m, 1), 1);  /* epochs 0 and 1 are folded */
  assert_int_equal(backup_join_from(&m, 2), 2);  /* half of the second range is */
  assert_int_equal(backup_join_from(&m, 17), 9); /* all are */
  backup_manifest_free(&m);
}

/* A store of which the epochs from `context` on were taken back. */
static bool link_until(void *context, int64_t epoch, uint64_t *link) {
  *link = epoch == 4 ? 99 : (uint64_t)epoch;
  return epoch < *(int64_t *)context;
}

static void test_common_past(void **state) {
  (void)state;
  const uint64_t sizes[] = {10, 10, 10};
  struct backup_manifest m = make(4, sizes, 3); /* 4 | 5 6 | 7 8 | 9 10 */
  int64_t good = 100;
  assert_int_equal(backup_shared_pieces(&m, 4, 10, link_until, &good), 4);
  assert_int_equal(backup_shared_pieces(&m, 4, 9, link_until, &good), 3);
  assert_int_equal(backup_shared_pieces(&m, 10, 12, link_until, &good), 4);
  good = 8;
  assert_int_equal(backup_shared_pieces(&m, 4, 12, link_until, &good), 2);
  good = 4;
  assert_int_equal(backup_shared_pieces(&m, 4, 12, link_until, &good), 0);
  backup_manifest_free(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_is_written_is_read),
      cmocka_unit_test(test_each_flipped_bit_and_each_cut_is_found),
      cmocka_unit_test(test_contradictions_are_refused),
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_ranges_are_joined),
      cmocka_unit_test(test_what_is_folded_is_not_joined),
      cmocka_unit_test(test_common_past),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
