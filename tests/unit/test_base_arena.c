/* The compiler's ground: arena, vectors, names, maps, texts, UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/names.h"
#include "base/text.h"
#include "base/utf8.h"
#include "base/vec.h"

#include <stdio.h>
#include <string.h>

static int set_up(void **state) {
  static struct arena arena;
  arena_init(&arena);
  *state = &arena;
  return 0;
}

static int tear_down(void **state) {
  arena_free(*state);
  return 0;
}

static void allocations_are_aligned_and_apart(void **state) {
  struct arena *arena = *state;
  char *last = NULL;
  size_t last_size = 0;
  for (size_t size = 0; size < 3000; size += 7) {
    char *bytes = arena_alloc(arena, size);
    assert_int_equal((uintptr_t)bytes % 16, 0);
    if (last) assert_true(bytes >= last + last_size || bytes + size <= last);
    memset(bytes, 0x5A, size);
    last = bytes;
    last_size = size;
  }
}

static void large_allocations_do_not_waste_the_current_block(void **state) {
  struct arena *arena = *state;
  char *small = arena_alloc(arena, 16);
  char *large = arena_alloc(arena, (size_t)10 << 20);
  large[0] = large[((size_t)10 << 20) - 1] = 1;
  char *next = arena_alloc(arena, 16);
  assert_ptr_equal(next, small + 16);
}

static void zeroed_memory_is_zero(void **state) {
  struct arena *arena = *state;
  memset(arena_alloc(arena, 1000), 0xFF, 1000);
  arena_free(arena);
  unsigned char *bytes = arena_zalloc(arena, 1000);
  for (int i = 0; i < 1000; i++) assert_int_equal(bytes[i], 0);
  struct pair {
    int a, b;
  } *pair = arena_new(arena, struct pair);
  assert_int_equal(pair->a + pair->b, 0);
}

static void growing_keeps_the_bytes(void **state) {
  struct arena *arena = *state;
  char *bytes = arena_alloc(arena, 4);
  memcpy(bytes, "abcd", 4);
  char *grown = arena_grow(arena, bytes, 4, 400);
  assert_ptr_equal(grown, bytes); /* the newest one grows in place */
  arena_alloc(arena, 1);
  grown = arena_grow(arena, bytes, 400, 100000);
  assert_ptr_not_equal(grown, bytes);
  assert_memory_equal(grown, "abcd", 4);
  assert_non_null(arena_grow(arena, NULL, 0, 10));
}

static void strings_are_copied_and_formatted(void **state) {
  struct arena *arena = *state;
  char original[] = "hello";
  char *copy = arena_strndup(arena, original, 3);
  original[0] = 'j';
  assert_string_equal(copy, "hel");
  assert_string_equal(arena_strndup(arena, "", 0), "");
  assert_string_equal(arena_printf(arena, "%d-%s", 42, "x"), "42-x");
  char *wide = arena_printf(arena, "%5000d", 7);
  assert_int_equal(strlen(wide), 5000);
  assert_int_equal(wide[4999], '7');
}

VEC_OF(numbers, int);

static void vectors_keep_their_items_in_order(void **state) {
  struct arena *arena = *state;
  struct numbers list = {0};
  int expected = 0;
  vec_each(int, it, &list) fail();
  for (int i = 0; i < 1000; i++) {
    vec_push(arena, &list, i * 3);
    if (i % 100 == 0) arena_alloc(arena, 1); /* so that it has to move */
  }
  assert_int_equal(list.count, 1000);
  assert_int_equal(vec_last(&list), 2997);
  vec_each(int, it, &list) {
    assert_int_equal(*it, expected);
    expected += 3;
  }
  assert_int_equal(expected, 3000);
}

static void equal_names_are_equal_pointers(void **state) {
  struct arena *arena = *state;
  struct names names;
  const char *all[3000];
  char text[32];
  names_init(&names, arena);
  for (int i = 0; i < 3000; i++) {
    snprintf(text, sizeof text, "name_%d", i);
    all[i] = names_intern(&names, text, strlen(text));
    assert_string_equal(all[i], text);
  }
  for (int i = 0; i < 3000; i++) {
    snprintf(text, sizeof text, "name_%dxx", i);
    assert_ptr_equal(names_intern(&names, text, strlen(text) - 2), all[i]);
  }
  assert_ptr_not_equal(names_intern(&names, "a\0b", 3), names_intern(&names, "a", 1));
  assert_ptr_equal(names_intern(&names, "", 0), names_intern(&names, "x", 0));
}

static void maps_find_and_keep_the_order(void **state) {
  struct arena *arena = *state;
  struct names names;
  struct map map;
  static int values[2000];
  const char *keys[2000];
  names_init(&names, arena);
  map_init(&map, arena);
  map_each(entry, &map) fail();
  for (int i = 0; i < 2000; i++) {
    char text[32];
    snprintf(text, sizeof text, "k%d", i * 7 % 2000);
    keys[i] = names_intern(&names, text, strlen(text));
    assert_null(map_get(&map, keys[i]));
    assert_null(map_put(&map, keys[i], &values[i]));
    assert_ptr_equal(map_get(&map, keys[i / 2]), &values[i / 2]);
  }
  assert_ptr_equal(map_put(&map, keys[5], &values[0]), &values[5]);
  assert_ptr_equal(map_get(&map, keys[5]), &values[0]);
  assert_int_equal(map.count, 2000);
  int i = 0;
  map_each(entry, &map) {
    assert_ptr_equal(entry->key, keys[i]);
    i++;
  }
  assert_int_equal(i, 2000);
}

static void texts_grow_and_stay_terminated(void **state) {
  struct arena *arena = *state;
  struct text text;
  text_init(&text, arena);
  assert_string_equal(text.data, "");
  for (int i = 0; i < 500; i++) {
    text_addf(&text, "%d,", i);
    if (i % 50 == 0) arena_alloc(arena, 1);
    assert_int_equal(strlen(text.data), text.length);
  }
  assert_memory_equal(text.data, "0,1,2,3,", 8);
  text_clear(&text);
  text_add(&text, "a");
  text_addn(&text, "bcd", 2);
  text_addc(&text, '!');
  text_pad(&text, '.', 3);
  text_addf(&text, "%200s", "x");
  assert_memory_equal(text.data, "abc!...", 7);
  assert_int_equal(text.length, 207);
}

/* Reads a C string literal back as a compiler would: only the escapes that the writer uses. */
static size_t read_literal(const char *literal, char *out) {
  size_t length = 0;
  assert_int_equal(*literal++, '"');
  while (*literal != '"') {
    assert_true((unsigned char)*literal >= 0x20 && (unsigned char)*literal < 0x7F);
    if (*literal != '\\') {
      out[length++] = *literal++;
    } else if (literal[1] >= '0' && literal[1] <= '7') {
      out[length++] = (char)((literal[1] - '0') * 64 + (literal[2] - '0') * 8 + literal[3] - '0');
      literal += 4;
    } else {
      out[length++] = literal[1] == 'n' ? '\n' : literal[1] == 't' ? '\t' : literal[1];
      literal += 2;
    }
  }
  assert_int_equal(literal[1], '\0');
  return length;
}

static void c_literals_denote_the_same_bytes(void **state) {
  struct arena *arena = *state;
  char bytes[512], back[512];
  for (int i = 0; i < 256; i++) {
    bytes[2 * i] = (char)i;
    bytes[2 * i + 1] = '7'; /* a digit must not run into the escape before it */
  }
  struct text text;
  text_init(&text, arena);
  text_add_quoted_c(&text, bytes, sizeof bytes);
  assert_int_equal(read_literal(text.data, back), sizeof bytes);
  assert_memory_equal(back, bytes, sizeof bytes);
  assert_null(strstr(text.data, "??"));
}

static void json_strings_are_escaped(void **state) {
  struct text text;
  text_init(&text, *state);
  text_add_quoted_json(&text, "a\"\\\n\x01\xC3\xA9\xFF", 8);
  assert_string_equal(text.data, "\"a\\\"\\\\\\n\\u0001\xC3\xA9\xEF\xBF\xBD\"");
}

static void every_code_point_survives_utf8(void **state) {
  (void)state;
  for (uint32_t c = 0; c <= 0x10FFFF; c++) {
    char bytes[4];
    uint32_t back = 0;
    if (c == 0xD800) c = 0xE000;
    size_t count = utf8_encode(c, bytes);
    assert_int_equal(utf8_decode(bytes, count, &back), count);
    assert_int_equal(back, c);
    if (count > 1) assert_int_equal(utf8_decode(bytes, count - 1, &back), 0);
  }
}

static void malformed_utf8_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "\x80",         "\xBF",         "\xC0\x80",         "\xC1\xBF",         "\xC3",
      "\xC3(",        "\xE0\x80\x80", "\xED\xA0\x80",     "\xED\xBF\xBF",     "\xF0\x80\x80\x80",
      "\xF5\x80\x80", "\xFF",         "\xF4\x90\x80\x80", "\xF0\x9F\x98\x28",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    uint32_t c;
    assert_int_equal(utf8_decode(bad[i], strlen(bad[i]), &c), 0);
  }
  assert_int_equal(utf8_width('a'), 1);
  assert_int_equal(utf8_width(0x4E2D), 2);
  assert_int_equal(utf8_width(0x301), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(allocations_are_aligned_and_apart),
      TEST(large_allocations_do_not_waste_the_current_block),
      TEST(zeroed_memory_is_zero),
      TEST(growing_keeps_the_bytes),
      TEST(strings_are_copied_and_formatted),
      TEST(vectors_keep_their_items_in_order),
      TEST(equal_names_are_equal_pointers),
      TEST(maps_find_and_keep_the_order),
      TEST(texts_grow_and_stay_terminated),
      TEST(c_literals_denote_the_same_bytes),
      TEST(json_strings_are_escaped),
      TEST(every_code_point_survives_utf8),
      TEST(malformed_utf8_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
