/* Maps that keep the order of insertion, against an array of keys. */
#include "value_fixture.h"

#include "flow/map.h"

struct entry {
  int64_t key;
  char value;
};

static bool entry_equal(const void *entry, const void *key) {
  return ((const struct entry *)entry)->key == *(const int64_t *)key;
}

static uint64_t key_hash(uint64_t seed, const void *key) {
  return flow_int_hash(seed, key);
}

/* All keys meet in a few slots. */
static uint64_t bad_hash(uint64_t seed, const void *key) {
  (void)seed;
  return (uint64_t)(*(const int64_t *)key % 3) << 33;
}

struct model {
  struct entry entries[600];
  uint32_t length;
};

static uint32_t model_find(const struct model *m, int64_t key) {
  for (uint32_t i = 0; i < m->length; i++) {
    if (m->entries[i].key == key) return i;
  }
  return FLOW_MAP_NONE;
}

static void check(const struct flow_map *map, const struct model *m) {
  assert_int_equal(map->length, m->length);
  uint32_t i = 0;
  for (uint32_t at = flow_map_first(map); at != FLOW_MAP_NONE; at = flow_map_next(map, at)) {
    const struct entry *e = flow_map_at(map, at, sizeof *e);
    assert_int_equal(e->key, m->entries[i].key);
    assert_int_equal(e->value, m->entries[i].value);
    i++;
  }
  assert_int_equal(i, m->length);
  uint32_t last = flow_map_last(map);
  if (m->length == 0) {
    assert_int_equal(last, FLOW_MAP_NONE);
  } else {
    const struct entry *e = flow_map_at(map, last, sizeof *e);
    assert_int_equal(e->key, m->entries[m->length - 1].key);
  }
}

static void put(struct flow_mem *heap, struct flow_map *map, struct model *m, struct entry e,
                flow_map_hash *hash) {
  uint32_t at = flow_map_find(map, &e.key, sizeof e, hash, entry_equal);
  uint32_t model_at = model_find(m, e.key);
  assert_int_equal(at == FLOW_MAP_NONE, model_at == FLOW_MAP_NONE);
  if (at == FLOW_MAP_NONE) {
    at = flow_map_insert(heap, map, &e.key, sizeof e, hash);
    model_at = m->length++;
  }
  *(struct entry *)flow_map_at(map, at, sizeof e) = m->entries[model_at] = e;
}

static void take(struct flow_mem *heap, struct flow_map *map, struct model *m, int64_t key, flow_map_hash *hash) {
  uint32_t at = flow_map_find(map, &key, sizeof(struct entry), hash, entry_equal);
  uint32_t model_at = model_find(m, key);
  assert_int_equal(at == FLOW_MAP_NONE, model_at == FLOW_MAP_NONE);
  if (at == FLOW_MAP_NONE) return;
  flow_map_remove(heap, map, at, sizeof(struct entry));
  m->length--;
  memmove(m->entries + model_at, m->entries + model_at + 1,
          (m->length - model_at) * sizeof *m->entries);
}

static void run_model(uint64_t keys, flow_map_hash *hash, int steps) {
  struct counting_sys c = counting_sys();
  struct flow_mem *heap = flow_mem_heap_new(&c.sys);
  struct flow_map map = {0};
  static struct model m;
  m.length = 0;
  struct random r = {keys};
  for (int i = 0; i < steps; i++) {
    int64_t key = (int64_t)random_below(&r, keys);
    /* Now mostly growing, now mostly shrinking; sometimes from the ends, as queues and stacks do. */
    bool is_growing = i / 3000 % 2 == 0;
    uint64_t what = random_below(&r, 10);
    if (what < (is_growing ? 7u : 3u)) {
      put(heap, &map, &m, (struct entry){key, (char)i}, hash);
    } else if (what == 7 && m.length > 0) {
      take(heap, &map, &m, m.entries[0].key, hash);
    } else if (what == 8 && m.length > 0) {
      take(heap, &map, &m, m.entries[m.length - 1].key, hash);
    } else {
      take(heap, &map, &m, key, hash);
    }
    assert_true(map.capacity <= FLOW_MAP_LINEAR || map.length >= map.capacity / 4);
    if (i % 50 == 0) check(&map, &m);
    if (i % 20000 == 19999) {
      flow_map_free(heap, &map, sizeof(struct entry));
      m.length = 0;
      check(&map, &m);
    }
  }
  flow_map_free(heap, &map, sizeof(struct entry));
  assert_int_equal(map.length, 0);
  assert_int_equal(flow_mem_bytes(heap), 0);
  flow_mem_delete(heap);
}

static void small_maps_behave_as_the_model(void **state) {
  (void)state;
  run_model(6, key_hash, 50000);
  run_model(12, key_hash, 50000);
}

static void large_maps_behave_as_the_model(void **state) {
  (void)state;
  run_model(500, key_hash, 100000);
  run_model(60, bad_hash, 100000);
}

/* A set of bytes: entries of odd size, so that hashes and entries must not share words. */
static bool byte_equal(const void *entry, const void *key) {
  return *(const char *)entry == *(const char *)key;
}

static uint64_t byte_hash(uint64_t seed, const void *key) {
  int64_t value = *(const char *)key;
  return flow_int_hash(seed, &value);
}

static void sets_of_bytes(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_mem *heap = flow_mem_heap_new(&c.sys);
  struct flow_map set = {0};
  for (int i = 0; i < 256; i++) {
    char key = (char)(i * 7);
    assert_int_equal(flow_map_find(&set, &key, 1, byte_hash, byte_equal), FLOW_MAP_NONE);
    *(char *)flow_map_at(&set, flow_map_insert(heap, &set, &key, 1, byte_hash), 1) = key;
  }
  for (int i = 0; i < 256; i++) {
    char key = (char)(i * 7);
    assert_int_equal(flow_map_find(&set, &key, 1, byte_hash, byte_equal), i);
  }
  flow_map_free(heap, &set, 1);
  flow_mem_delete(heap);
}

static void reserved_room_is_enough(void **state) {
  (void)state;
  for (uint32_t count = 0; count < 100; count++) {
    struct counting_sys c = counting_sys();
    struct flow_mem *heap = flow_mem_heap_new(&c.sys);
    struct flow_map map = {0};
    flow_map_reserve(heap, &map, count, sizeof(struct entry));
    const char *entries = map.entries;
    for (int64_t i = 0; i < count; i++) {
      struct entry e = {i, 0};
      uint32_t at = flow_map_insert(heap, &map, &e.key, sizeof e, key_hash);
      *(struct entry *)flow_map_at(&map, at, sizeof e) = e;
    }
    assert_ptr_equal(map.entries, entries);
    for (int64_t i = 0; i < count; i++) {
      assert_int_equal(flow_map_find(&map, &i, sizeof(struct entry), key_hash, entry_equal), i);
    }
    flow_mem_delete(heap);
  }
}

/* A set used as a queue: millions of gaps at the front must cost nothing. */
static void queues_stay_fast(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_mem *heap = flow_mem_heap_new(&c.sys);
  struct flow_map map = {0};
  int64_t oldest = 0;
  for (int64_t i = 0; i < 1000000; i++) {
    struct entry e = {i, 0};
    uint32_t at = flow_map_insert(heap, &map, &e.key, sizeof e, key_hash);
    *(struct entry *)flow_map_at(&map, at, sizeof e) = e;
    if (map.length <= 1000) continue;
    uint32_t first = flow_map_first(&map);
    assert_int_equal(((struct entry *)flow_map_at(&map, first, sizeof e))->key, oldest++);
    flow_map_remove(heap, &map, first, sizeof e);
  }
  assert_true(map.capacity <= 2048);
  flow_mem_delete(heap);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(small_maps_behave_as_the_model),
      cmocka_unit_test(large_maps_behave_as_the_model),
      cmocka_unit_test(sets_of_bytes),
      cmocka_unit_test(reserved_room_is_enough),
      cmocka_unit_test(queues_stay_fast),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
