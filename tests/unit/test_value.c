/* Strings as values, lists, messages about records. */
#include "value_fixture.h"

#include "flow/abi.h"
#include "flow/list.h"

static const char alphabet[] = "hello, sailor! what a long string this is, longer than forty";

static void strings_hold_their_bytes(void **state) {
  (void)state;
  for (size_t length = 0; length < 40; length++) {
    struct flow_str s = flow_str_make(alphabet, length), p = flow_str_padded(alphabet, length);
    assert_int_equal(s.length, length);
    assert_memory_equal(flow_str_data(&s), alphabet, length);
    assert_memory_equal(&s, &p, sizeof s);
    assert_true(flow_str_is(&s, alphabet, length));
    assert_false(flow_str_is(&s, alphabet, length + 1));
    if (length > FLOW_STR_INLINE) continue;
    assert_ptr_equal(flow_str_data(&s), s.bytes);
    for (size_t i = length; i < FLOW_STR_INLINE; i++) assert_int_equal(s.bytes[i], 0);
  }
}

static const struct flow_str constant_short = {.length = 3, .bytes = "abc"};
static const struct flow_str constant_long = {
    .far_length = 14, .prefix = "hell", .pointer = "hello, sailor!"};

static void constants_are_strings(void **state) {
  (void)state;
  struct flow_str a = flow_str_literal("abc"), b = flow_str_literal("hello, sailor!");
  struct flow_str none = {0}, empty = flow_str_literal("");
  assert_true(flow_str_equal(&constant_short, &a));
  assert_true(flow_str_equal(&constant_long, &b));
  assert_true(flow_str_equal(&none, &empty));
}

/* A string in memory of its own, so that no two of them share a pointer. */
static struct flow_str random_text(struct random *r, char *room) {
  size_t length = random_below(r, 20);
  for (size_t i = 0; i < length; i++) room[i] = (char)('a' + random_below(r, 2) * (i > 8));
  return flow_str_make(room, length);
}

static void strings_compare_as_their_bytes(void **state) {
  (void)state;
  struct random r = {7};
  char room_a[32], room_b[32];
  for (int i = 0; i < 100000; i++) {
    struct flow_str a = random_text(&r, room_a), b = random_text(&r, room_b);
    int order =
        memcmp(flow_str_data(&a), flow_str_data(&b), a.length < b.length ? a.length : b.length);
    if (order == 0) order = (a.length > b.length) - (a.length < b.length);
    int got = flow_str_compare(&a, &b);
    assert_int_equal((got > 0) - (got < 0), (order > 0) - (order < 0));
    assert_int_equal(flow_str_equal(&a, &b), order == 0);
    if (order == 0) assert_true(flow_str_hash(i, &a) == flow_str_hash(i, &b));
  }
}

/* Poisson with mean 4 for the slots of each seed: more than 24 is one in 10^11. */
static void hashes_spread(void **state) {
  (void)state;
  enum { SLOTS = 1 << 12, KEYS = SLOTS * 4, SEEDS = 50 };
  struct random r = {3};
  char room[32];
  for (int k = 0; k < SEEDS; k++) {
    uint64_t seed = (uint64_t)random_below(&r, UINT32_MAX) << 32 | random_below(&r, UINT32_MAX);
    uint32_t by_int[SLOTS] = {0}, by_text[SLOTS] = {0};
    for (int64_t i = 0; i < KEYS; i++) {
      struct flow_str s = flow_str_make(room, (size_t)snprintf(room, sizeof room, "u%d", (int)i));
      by_int[flow_int_hash(seed, &i) >> 52]++;
      by_text[flow_str_hash(seed, &s) >> 52]++;
    }
    for (int i = 0; i < SLOTS; i++) {
      assert_in_range(by_int[i], 0, 24);
      assert_in_range(by_text[i], 0, 24);
    }
  }
}

static void zero_has_one_hash(void **state) {
  (void)state;
  double zero = 0.0, negative = -0.0;
  assert_true(flow_float_equal(&zero, &negative));
  assert_true(flow_float_hash(5, &zero) == flow_float_hash(5, &negative));
}

static void copies_own_their_bytes(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_mem *heap = flow_mem_heap_new(&c.sys);
  char room[64];
  for (size_t length = 0; length < 40; length++) {
    memcpy(room, alphabet, sizeof room - 10);
    struct flow_str s = flow_str_make(room, length), copy;
    flow_str_copy(heap, &copy, &s);
    memset(room, 'x', sizeof room);
    assert_memory_equal(flow_str_data(&copy), alphabet, length);
    flow_str_drop(heap, &copy);
  }
  assert_int_equal(flow_mem_bytes(heap), 0);
  flow_mem_delete(heap);
}

/* As the generated struct of a list[int]; with a near_count of 0 as one whose elements always lie outside. */
struct list {
  union {
    int64_t near[4];
    int64_t *far;
  };
  uint32_t length, capacity;
};

enum { LIST_MOST = 1000 };

struct list_model {
  int64_t elements[LIST_MOST];
  uint32_t length;
};

static int64_t *elements_of(const struct list *xs) {
  return xs->capacity > 0 ? xs->far : (int64_t *)(uintptr_t)xs->near;
}

static void list_insert(struct flow_mem *heap, struct list *xs, uint32_t near_count, uint32_t at,
                        int64_t value, struct list_model *m) {
  if (flow_list_is_full(xs->length, xs->capacity, near_count)) {
    xs->far = flow_list_grow(heap, elements_of(xs), xs->length, &xs->capacity, sizeof *xs->far);
  }
  flow_list_open(elements_of(xs), xs->length, at, sizeof *xs->far);
  elements_of(xs)[at] = value;
  xs->length++;
  memmove(m->elements + at + 1, m->elements + at, (m->length - at) * sizeof *m->elements);
  m->elements[at] = value;
  m->length++;
}

static void list_remove(struct flow_mem *heap, struct list *xs, uint32_t near_count, uint32_t at,
                        struct list_model *m) {
  if (xs->capacity == 0)
    flow_list_close_near(xs->near, 4, at, sizeof *xs->near);
  else
    flow_list_close(xs->far, xs->length, at, sizeof *xs->far);
  xs->length--;
  if (flow_list_is_wide(xs->length, xs->capacity)) {
    flow_list_shrink(heap, xs, xs->length, &xs->capacity, near_count, sizeof *xs->far);
  }
  m->length--;
  memmove(m->elements + at, m->elements + at + 1, (m->length - at) * sizeof *m->elements);
}

/* Grows and shrinks by random steps; which of both prevails takes turns. */
static void list_walk(struct flow_mem *heap, struct list *xs, uint32_t near_count, uint64_t seed) {
  struct list_model m = {.length = 0};
  struct random r = {seed};
  for (int64_t i = 0; i < 20000 || m.length > 0; i++) {
    bool prefers_more = i < 20000 && i / 2000 % 2 == 0;
    if (m.length < LIST_MOST && random_below(&r, 100) < (prefers_more ? 70 : 30)) {
      list_insert(heap, xs, near_count, (uint32_t)random_below(&r, m.length + 1), i, &m);
    } else if (m.length > 0) {
      list_remove(heap, xs, near_count, (uint32_t)random_below(&r, m.length), &m);
    }
    assert_int_equal(xs->length, m.length);
    assert_true(xs->length <= (xs->capacity > 0 ? xs->capacity : near_count));
    assert_true(xs->capacity / 4 <= xs->length);
    assert_memory_equal(elements_of(xs), m.elements, m.length * sizeof *m.elements);
  }
}

static void lists_are_near_or_far(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_mem *heap = flow_mem_heap_new(&c.sys);
  struct list near = {.length = 0}, far = {.length = 0};
  list_walk(heap, &near, 4, 5);
  assert_int_equal(flow_mem_bytes(heap), 0);
  list_walk(heap, &far, 0, 5);
  assert_true(flow_mem_bytes(heap) <= 32); /* what an empty list keeps, for the next element */
  flow_list_free(heap, far.far, far.capacity, sizeof *far.far);
  assert_int_equal(flow_mem_bytes(heap), 0);

  size_t calls = c.calls; /* what the heap has is enough for the same once more */
  far = (struct list){.length = 0};
  list_walk(heap, &near, 4, 5);
  list_walk(heap, &far, 0, 5);
  assert_int_equal(c.calls, calls);
  flow_mem_delete(heap);
  assert_int_equal(c.live, 0);
}

/* A few elements in the list itself cost the heap nothing, wherever the list is assigned to. */
static void near_lists_use_no_memory(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_mem *heap = flow_mem_heap_new(&c.sys);
  struct list lists[100] = {{.length = 0}};
  static struct list_model m[100];
  for (int64_t i = 0; i < 10000; i++) {
    uint32_t which = (uint32_t)i % 99;
    if (lists[which].length == 4) list_remove(heap, &lists[which], 4, 0, &m[which]);
    list_insert(heap, &lists[which], 4, lists[which].length, i, &m[which]);
    lists[99] = lists[which];
    assert_memory_equal(elements_of(&lists[99]), m[which].elements, lists[99].length * sizeof(int64_t));
  }
  assert_int_equal(flow_mem_bytes(heap), 0);
  assert_int_equal(lists[0].length, 4);
  flow_mem_delete(heap);
}

struct pair {
  int32_t key, place;
};

static int compare_keys(const void *a, const void *b) {
  const struct pair *x = a, *y = b;
  return (x->key > y->key) - (x->key < y->key);
}

static void sort_is_stable(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_mem *arena = flow_mem_arena_new(&c.sys);
  static struct pair pairs[3000];
  struct random r = {9};
  for (uint32_t length = 0; length < 3000; length += 1 + length / 7) {
    for (uint32_t i = 0; i < length; i++) {
      pairs[i] = (struct pair){(int32_t)random_below(&r, 1 + length / 3), (int32_t)i};
    }
    flow_list_sort(arena, pairs, length, sizeof *pairs, compare_keys);
    for (uint32_t i = 1; i < length; i++) {
      assert_true(pairs[i - 1].key < pairs[i].key ||
                  (pairs[i - 1].key == pairs[i].key && pairs[i - 1].place < pairs[i].place));
    }
  }
  flow_mem_delete(arena);
}

static void ranges_are_clamped(void **state) {
  (void)state;
  static const int64_t cases[][5] = {
      /* length, from, to: from, to */
      {5, 1, 3, 1, 3},
      {5, -2, 2, 0, 2},
      {5, 3, 99, 3, 5},
      {5, 4, 2, 4, 4},
      {5, 9, 12, 5, 5},
      {0, 0, 0, 0, 0},
      {5, INT64_MIN, INT64_MAX, 0, 5},
      {5, -4, -2, 0, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t from = cases[i][1], to = cases[i][2];
    flow_list_clamp(cases[i][0], &from, &to);
    assert_int_equal(from, cases[i][3]);
    assert_int_equal(to, cases[i][4]);
  }
}

static void long_reasons_are_cut_between_characters(void **state) {
  (void)state;
  struct flow_bad_record bad;
  char many[600] = "x";
  for (int i = 0; i < 150; i++) strcat(many, "\xe2\x82\xac");
  const char *at = many + 3;
  assert_false(flow_bad(&bad, at, "%s", many));
  assert_ptr_equal(bad.at, at);
  size_t length = strlen(bad.reason);
  assert_int_equal(length % 3, 1);
  assert_true(length > sizeof bad.reason - 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(strings_hold_their_bytes),
      cmocka_unit_test(constants_are_strings),
      cmocka_unit_test(strings_compare_as_their_bytes),
      cmocka_unit_test(hashes_spread),
      cmocka_unit_test(zero_has_one_hash),
      cmocka_unit_test(copies_own_their_bytes),
      cmocka_unit_test(lists_are_near_or_far),
      cmocka_unit_test(near_lists_use_no_memory),
      cmocka_unit_test(sort_is_stable),
      cmocka_unit_test(ranges_are_clamped),
      cmocka_unit_test(long_reasons_are_cut_between_characters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
