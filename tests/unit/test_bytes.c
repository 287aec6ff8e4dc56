/* Bytes: base64 and hex there and back, what is malformed, slices; the compiler decodes as libflow does. */
#include "value_fixture.h"

#include "base/bytes.h"
#include "flow/bytes.h"

static struct counting_sys sys;
static struct flow_mem *arena;

static int make_arena(void **state) {
  (void)state;
  sys = counting_sys();
  arena = flow_mem_arena_new(&sys.sys);
  return 0;
}

static int drop_arena(void **state) {
  (void)state;
  flow_mem_delete(arena);
  return 0;
}

static void assert_bytes(const struct flow_str *s, const char *data, size_t length) {
  assert_int_equal(s->length, length);
  assert_memory_equal(flow_str_data(s), data, length);
}

/* The vectors of RFC 4648. */
static void base64_is_that_of_the_rfc(void **state) {
  (void)state;
  static const char *const pairs[][2] = {{"", ""},         {"f", "Zg=="},     {"fo", "Zm8="},
                                         {"foo", "Zm9v"},  {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    struct flow_str plain = flow_str_make(pairs[i][0], strlen(pairs[i][0])), back;
    struct flow_str text = flow_bytes_base64(arena, &plain);
    assert_bytes(&text, pairs[i][1], strlen(pairs[i][1]));
    assert_null(flow_base64_decode(arena, pairs[i][1], strlen(pairs[i][1]), &back));
    assert_true(flow_str_equal(&plain, &back));
  }
}

static void every_byte_and_length_comes_back(void **state) {
  (void)state;
  char data[256];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (char)(i * 7);
  for (size_t length = 0; length <= sizeof data; length++) {
    struct flow_str plain = flow_str_make(data, length), back;
    struct flow_str text = flow_bytes_base64(arena, &plain), hex = flow_bytes_hex(arena, &plain);
    assert_int_equal(text.length, (length + 2) / 3 * 4);
    assert_int_equal(hex.length, length * 2);
    assert_null(flow_base64_decode(arena, flow_str_data(&text), text.length, &back));
    assert_bytes(&back, data, length);
    assert_null(flow_hex_decode(arena, flow_str_data(&hex), hex.length, &back));
    assert_bytes(&back, data, length);
  }
}

/* Of short texts over an alphabet with wrong characters in it, both decoders take the same, and those only once. */
static void the_compiler_decodes_the_same(void **state) {
  (void)state;
  static const char alphabet[] = "AQz9+/=-";
  struct arena own;
  arena_init(&own);
  size_t good = 0;
  for (uint32_t n = 0; n < 8u * 8 * 8 * 8 * 8; n++) {
    char text[5];
    for (size_t i = 0; i < sizeof text; i++) text[i] = alphabet[n >> 3 * i & 7];
    for (size_t length = n % 8 == 7 ? 3 : 4; length <= sizeof text; length++) {
      struct flow_str value;
      size_t size = 0;
      const char *data = bytes_of_base64(&own, text, length, &size);
      const char *why = flow_base64_decode(arena, text, length, &value);
      assert_int_equal(data != NULL, why == NULL);
      if (why != NULL) continue;
      good++;
      assert_bytes(&value, data, size);
      struct flow_str again = flow_bytes_base64(arena, &value);
      assert_bytes(&again, text, length);
    }
  }
  assert_true(good > 1000);
  arena_free(&own);
}

static void malformed_text_is_refused(void **state) {
  (void)state;
  static const char *const base64[] = {"A",    "AA",   "AAA",      "AA=",  "====", "A===", "AAB=",
                                       "AB==", "A A=", "AA==AAAA", "AA-_", "A=AA", "AAAA\n"};
  static const char *const hex[] = {"0", "0g", "g0", "0x", " 00", "000", "00 ", "\xc3\xa9"};
  struct flow_str value;
  size_t size;
  struct arena own;
  arena_init(&own);
  for (size_t i = 0; i < sizeof base64 / sizeof *base64; i++)
    assert_non_null(flow_base64_decode(arena, base64[i], strlen(base64[i]), &value));
  for (size_t i = 0; i < sizeof hex / sizeof *hex; i++) {
    assert_non_null(flow_hex_decode(arena, hex[i], strlen(hex[i]), &value));
    assert_null(bytes_of_hex(&own, hex[i], strlen(hex[i]), &size));
  }
  assert_null(flow_hex_decode(arena, "CAFEcafe", 8, &value));
  assert_bytes(&value, bytes_of_hex(&own, "cafeCAFE", 8, &size), 4);
  arena_free(&own);
}

static void slices_are_clamped(void **state) {
  (void)state;
  struct flow_str all = flow_str_make("0123456789abcdef", 16), part;
  part = flow_bytes_slice(&all, 2, 5);
  assert_bytes(&part, "234", 3);
  part = flow_bytes_slice(&all, INT64_MIN, INT64_MAX);
  assert_bytes(&part, "0123456789abcdef", 16);
  part = flow_bytes_slice(&all, 5, 5);
  assert_int_equal(part.length, 0);
  part = flow_bytes_slice(&all, INT64_MAX, INT64_MIN);
  assert_int_equal(part.length, 0);
  part = flow_bytes_slice(&all, 15, 99);
  assert_bytes(&part, "f", 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(base64_is_that_of_the_rfc),
      cmocka_unit_test(every_byte_and_length_comes_back),
      cmocka_unit_test(the_compiler_decodes_the_same),
      cmocka_unit_test(malformed_text_is_refused),
      cmocka_unit_test(slices_are_clamped),
  };
  return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
