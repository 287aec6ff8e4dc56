#include "flow/value.h"

#include "flow/abi.h"
#include "flow/list.h"
#include "flow/text.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdarg.h>
#include <stdio.h>

uint64_t flow_hash_bytes(uint64_t seed, const void *data, size_t length) {
  return XXH3_64bits_withSeed(data, length, seed);
}

bool flow_str_far_equal(const struct flow_str *a, const struct flow_str *b) {
  return memcmp(a->pointer + 4, b->pointer + 4, a->length - 4) == 0;
}

int flow_str_compare(const struct flow_str *a, const struct flow_str *b) {
  size_t common = a->length < b->length ? a->length : b->length;
  int order = memcmp(flow_str_data(a), flow_str_data(b), common);
  if (order != 0) return order;
  return (a->length > b->length) - (a->length < b->length);
}

bool flow_bad(struct flow_bad_record *bad, const char *at, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int length = vsnprintf(bad->reason, sizeof bad->reason, format, args);
  va_end(args);
  if (length >= (int)sizeof bad->reason) { /* not in the middle of a character */
    bad->reason[flow_utf8_valid(bad->reason, sizeof bad->reason - 1)] = '\0';
  }
  /* A reason may quote the input; it stays one line and cannot command a terminal. */
  for (char *p = bad->reason; *p != '\0'; p++) {
    if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = ' ';
  }
  bad->at = at;
  return false;
}

/* -- lists ----------------------------------------------------------------------------------- */

void *flow_list_grow(struct flow_mem *mem, void *elements, uint32_t length, uint32_t *capacity,
                     size_t element_size) {
  uint64_t wanted = (uint64_t)length + (length < 16 ? length : length / 2 + length / 4);
  uint64_t least = element_size >= 16 ? 1 : 16 / element_size;
  if (wanted < least) wanted = least;
  if (wanted <= length) wanted = (uint64_t)length + 1;
  if (wanted > FLOW_LIST_MAX) wanted = FLOW_LIST_MAX;
  if (length >= FLOW_LIST_MAX) flow_out_of_memory(wanted * element_size);
  void *data;
  if (*capacity > 0) {
    data = flow_mem_grow(mem, elements, *capacity * element_size, wanted * element_size);
  } else {
    data = flow_mem_alloc(mem, wanted * element_size);
    if (length > 0) memcpy(data, elements, length * element_size);
  }
  *capacity = (uint32_t)wanted;
  return data;
}

void flow_list_shrink(struct flow_mem *mem, void *list, uint32_t length, uint32_t *capacity,
                      uint32_t near_count, size_t element_size) {
  void *old;
  memcpy(&old, list, sizeof old);
  uint32_t old_capacity = *capacity;
  if (length <= near_count) {
    memset(list, 0, sizeof old);
    if (length > 0) memcpy(list, old, length * element_size);
    *capacity = 0;
  } else {
    *capacity = old_capacity / 2;
    void *data = flow_mem_alloc(mem, *capacity * element_size);
    memcpy(data, old, length * element_size);
    memcpy(list, &data, sizeof data);
  }
  flow_mem_free(mem, old, old_capacity * element_size);
}

/* Sorts short runs by insertion, so that the merges begin with runs of this length. */
enum { SORT_RUN = 8 };

static void sort_run(char *data, size_t count, size_t size, char *one,
                     int (*compare)(const void *, const void *)) {
  for (size_t i = 1; i < count; i++) {
    size_t to = i;
    while (to > 0 && compare(data + (to - 1) * size, data + i * size) > 0) to--;
    if (to == i) continue;
    memcpy(one, data + i * size, size);
    memmove(data + (to + 1) * size, data + to * size, (i - to) * size);
    memcpy(data + to * size, one, size);
  }
}

static void merge_runs(const char *left, size_t left_count, const char *right, size_t right_count,
                       char *out, size_t size, int (*compare)(const void *, const void *)) {
  while (left_count > 0 && right_count > 0) {
    bool takes_right = compare(left, right) > 0; /* equal ones: the left first, which is stable */
    memcpy(out, takes_right ? right : left, size);
    out += size;
    if (takes_right) {
      right += size;
      right_count--;
    } else {
      left += size;
      left_count--;
    }
  }
  memcpy(out, left_count > 0 ? left : right, (left_count + right_count) * size);
}

void flow_list_sort(struct flow_mem *arena, void *data, uint32_t length, size_t element_size,
                    int (*compare)(const void *, const void *)) {
  if (length < 2) return;
  size_t size = element_size, count = length;
  char *from = data, *to = flow_mem_alloc(arena, count * size);
  for (size_t i = 0; i < count; i += SORT_RUN) {
    sort_run(from + i * size, count - i < SORT_RUN ? count - i : SORT_RUN, size, to, compare);
  }
  for (size_t run = SORT_RUN; run < count; run *= 2) {
    for (size_t i = 0; i < count; i += 2 * run) {
      size_t left = count - i < run ? count - i : run;
      size_t right = count - i - left < run ? count - i - left : run;
      merge_runs(from + i * size, left, from + (i + left) * size, right, to + i * size, size,
                 compare);
    }
    char *other = from;
    from = to;
    to = other;
  }
  if (from != data) memcpy(data, from, count * size);
}
