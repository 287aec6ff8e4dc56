/* Arenas and heaps: alignment, reuse, accounting, running out. */
#include "value_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

static void arena_hands_out_aligned_memory(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_mem *arena = flow_mem_arena_new(&c.sys);
  char *last = NULL;
  for (size_t size = 0; size < 300; size++) {
    char *memory = flow_mem_alloc(arena, size);
    assert_int_equal((uintptr_t)memory % 16, 0);
    assert_ptr_not_equal(memory, last);
    memset(memory, 0xab, size);
    last = memory;
  }
  flow_mem_delete(arena);
  assert_int_equal(c.live, 0);
}

static void warm_arena_asks_for_nothing(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_mem *arena = flow_mem_arena_new(&c.sys);
  size_t calls = 0, reserved = 0;
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < 2000; i++) memset(flow_mem_alloc(arena, 700), round, 700);
    assert_true(flow_mem_bytes(arena) >= 2000 * 700);
    flow_mem_arena_reset(arena);
    assert_int_equal(flow_mem_bytes(arena), 0);
    if (round == 0) {
      calls = c.calls;
      reserved = flow_mem_reserved(arena);
    }
  }
  assert_int_equal(c.calls, calls);
  assert_int_equal(flow_mem_reserved(arena), reserved);
  flow_mem_delete(arena);
}

static void arena_gives_back_what_was_unusual(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_mem *arena = flow_mem_arena_new(&c.sys);
  memset(flow_mem_alloc(arena, 64 << 20), 1, 64 << 20);
  assert_true(flow_mem_reserved(arena) > (size_t)64 << 20);
  flow_mem_arena_reset(arena);
  assert_true(flow_mem_reserved(arena) <= FLOW_ARENA_KEEP + 1024);
  flow_mem_delete(arena);
  assert_int_equal(c.live, 0);
}

static void arena_grows_the_last_piece_in_place(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_mem *arena = flow_mem_arena_new(&c.sys);
  char *a = flow_mem_alloc(arena, 10);
  memcpy(a, "0123456789", 10);
  assert_ptr_equal(flow_mem_grow(arena, a, 10, 5000), a);
  char *b = flow_mem_alloc(arena, 1);
  assert_ptr_not_equal(b, a);
  char *moved = flow_mem_grow(arena, a, 5000, 6000);
  assert_ptr_not_equal(moved, a);
  assert_memory_equal(moved, "0123456789", 10);
  flow_mem_delete(arena);
}

struct piece {
  unsigned char *data;
  size_t size;
  unsigned char fill;
};

static void check_piece(const struct piece *p) {
  for (size_t i = 0; i < p->size; i++) {
    if (p->data[i] != p->fill) fail_msg("byte %zu of %zu was overwritten", i, p->size);
  }
}

static void heap_keeps_pieces_apart(void **state) {
  (void)state;
  enum { PIECES = 500, STEPS = 100000 };
  struct counting_sys c = counting_sys();
  struct flow_mem *heap = flow_mem_heap_new(&c.sys);
  static struct piece pieces[PIECES];
  struct random r = {1};
  for (int step = 0; step < STEPS; step++) {
    struct piece *p = &pieces[random_below(&r, PIECES)];
    if (p->data != NULL) check_piece(p);
    size_t size = random_below(&r, 100) == 0 ? random_below(&r, 100000) : random_below(&r, 400);
    if (p->data != NULL && random_below(&r, 3) == 0 && size >= p->size) {
      p->data = flow_mem_grow(heap, p->data, p->size, size);
      check_piece(p);
    } else {
      flow_mem_free(heap, p->data, p->size);
      p->data = flow_mem_alloc(heap, size);
    }
    assert_int_equal((uintptr_t)p->data % 16, 0);
    p->size = size;
    p->fill = (unsigned char)step;
    memset(p->data, p->fill, size);
  }
  size_t wanted = 0;
  for (int i = 0; i < PIECES; i++) wanted += pieces[i].size;
  assert_true(flow_mem_bytes(heap) >= wanted);
  assert_true(flow_mem_bytes(heap) < wanted + wanted / 4 + PIECES * 16);
  for (int i = 0; i < PIECES; i++) flow_mem_free(heap, pieces[i].data, pieces[i].size);
  assert_int_equal(flow_mem_bytes(heap), 0);
  flow_mem_delete(heap);
  assert_int_equal(c.live, 0);
}

static void warm_heap_asks_for_nothing(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_mem *heap = flow_mem_heap_new(&c.sys);
  void *pieces[100];
  size_t calls = 0;
  for (int round = 0; round < 10; round++) {
    for (size_t i = 0; i < 100; i++) pieces[i] = flow_mem_alloc(heap, 100 + i * 20);
    for (size_t i = 0; i < 100; i++) flow_mem_free(heap, pieces[i], 100 + i * 20);
    if (round == 0) calls = c.calls;
  }
  assert_int_equal(c.calls, calls);
  flow_mem_delete(heap);
}

static void heap_deletes_what_is_still_in_use(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_mem *heap = flow_mem_heap_new(&c.sys);
  for (size_t i = 1; i < 30; i++) memset(flow_mem_alloc(heap, i * i * i * 10), 1, i * i * i * 10);
  flow_mem_delete(heap);
  assert_int_equal(c.live, 0);
  flow_mem_delete(NULL);
}

static void buffers_grow(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_mem *arena = flow_mem_arena_new(&c.sys);
  struct flow_buf plain = {0}, inside = {.mem = arena};
  for (int i = 0; i < 100000; i++) {
    flow_buf_add_char(&plain, (char)('a' + i % 26));
    flow_buf_add_char(&inside, (char)('a' + i % 26));
  }
  assert_int_equal(plain.length, 100000);
  assert_int_equal(inside.length, 100000);
  assert_memory_equal(plain.data, inside.data, 100000);
  flow_buf_free(&plain);
  flow_buf_free(&inside);
  assert_int_equal(plain.capacity, 0);
  flow_mem_delete(arena);
}

static void *no_memory(const struct flow_sys *sys, size_t size) {
  (void)sys;
  (void)size;
  return NULL;
}

static void no_memory_ends_with_70(void **state) {
  (void)state;
  pid_t child = fork();
  if (child == 0) {
    struct counting_sys c = counting_sys();
    c.sys.alloc = no_memory;
    if (freopen("/dev/null", "w", stderr) == NULL) _exit(1);
    flow_mem_heap_new(&c.sys);
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 70);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(arena_hands_out_aligned_memory),
      cmocka_unit_test(warm_arena_asks_for_nothing),
      cmocka_unit_test(arena_gives_back_what_was_unusual),
      cmocka_unit_test(arena_grows_the_last_piece_in_place),
      cmocka_unit_test(heap_keeps_pieces_apart),
      cmocka_unit_test(warm_heap_asks_for_nothing),
      cmocka_unit_test(heap_deletes_what_is_still_in_use),
      cmocka_unit_test(buffers_grow),
      cmocka_unit_test(no_memory_ends_with_70),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
