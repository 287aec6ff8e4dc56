/* What the tests of values share: cmocka, random numbers, and memory that counts its calls. */
#ifndef VALUE_FIXTURE_H
#define VALUE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* Marsaglia's xorshift; the same numbers in each run. */
struct random {
  uint64_t state;
};

static inline uint64_t random_next(struct random *r) {
  r->state ^= r->state << 13;
  r->state ^= r->state >> 7;
  r->state ^= r->state << 17;
  return r->state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint64_t random_below(struct random *r, uint64_t bound) {
  return (random_next(r) >> 11) % bound;
}

/* A system table of which only memory is used. */
struct counting_sys {
  struct flow_sys sys;
  size_t calls, live;
};

static inline void *counting_alloc(const struct flow_sys *sys, size_t size) {
  struct counting_sys *c = (struct counting_sys *)(uintptr_t)sys;
  c->calls++;
  c->live++;
  return malloc(size);
}

static inline void *counting_realloc(const struct flow_sys *sys, void *memory, size_t size) {
  struct counting_sys *c = (struct counting_sys *)(uintptr_t)sys;
  c->calls++;
  c->live += memory == NULL;
  return realloc(memory, size);
}

static inline void counting_free(const struct flow_sys *sys, void *memory) {
  struct counting_sys *c = (struct counting_sys *)(uintptr_t)sys;
  c->live -= memory != NULL;
  free(memory);
}

static inline struct counting_sys counting_sys(void) {
  return (struct counting_sys){
      .sys = {.alloc = counting_alloc, .realloc = counting_realloc, .free = counting_free}};
}

/* The string of a NUL-terminated text. */
static inline struct flow_str text(const char *data) {
  return flow_str_make(data, strlen(data));
}

static inline void assert_text(struct flow_str s, const char *expected) {
  assert_int_equal(s.length, strlen(expected));
  assert_memory_equal(flow_str_data(&s), expected, s.length);
}

static inline void assert_buf(const struct flow_buf *b, const char *expected) {
  size_t length = strlen(expected);
  if (b->length != length || (length > 0 && memcmp(b->data, expected, length) != 0)) {
    fail_msg("got %.*s, expected %s", (int)b->length, b->data, expected);
  }
}

#endif
