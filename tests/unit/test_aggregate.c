/* Sums of floats, means, moments and histograms: exactness, error bounds, and that merging is adding. Whole
 * aggregates are compared with Python's in tests/oracle/aggregate_oracle.py. */
#include "value_fixture.h"

#include "flow/aggregate.h"

static int64_t random_int(struct random *r) {
  switch (random_below(r, 32)) {
  case 0: return INT64_MIN;
  case 1: return INT64_MAX;
  default: return (int64_t)random_next(r) >> random_below(r, 64);
  }
}

static void sums_keep_what_rounding_cuts_off(void **state) {
  (void)state;
  double sum = 0, rest = 0;
  static const double numbers[] = {1.0, 1e100, 1.0, -1e100};
  for (size_t i = 0; i < 4; i++) assert_true(flow_sum_add(&sum, &rest, numbers[i]));
  assert_true(sum + rest == 2.0);
  sum = 1.7e308, rest = 0.5;
  assert_false(flow_sum_add(&sum, &rest, 1.7e308));
  assert_true(sum == 1.7e308 && rest == 0.5);
}

/* How far a mean is from the exact one, times 2^63 and the count. */
static unsigned __int128 distance(double mean, int64_t sum, int64_t count) {
  __int128 wide = (__int128)ldexp(mean, 63) * count - (__int128)sum * ((__int128)1 << 63);
  return (unsigned __int128)(wide < 0 ? -wide : wide);
}

static void means_of_ints_are_the_nearest_floats(void **state) {
  (void)state;
  struct random r = {3};
  assert_true(flow_mean_int(INT64_MIN, 1) == -0x1p63);
  assert_true(flow_mean_int((INT64_C(1) << 53) + 1, 1) == 0x1p53);
  assert_true(flow_mean_int(1, INT64_MAX) == 0x1p-63);
  for (int i = 0; i < 100000; i++) {
    int64_t sum = random_int(&r) >> 1, count = (int64_t)random_below(&r, 1000) + 1;
    double mean = flow_mean_int(sum, count);
    unsigned __int128 off = distance(mean, sum, count);
    assert_true(off <= distance(nextafter(mean, INFINITY), sum, count));
    assert_true(off <= distance(nextafter(mean, -INFINITY), sum, count));
  }
}

static void moments_merge_to_the_same(void **state) {
  (void)state;
  struct random r = {5};
  int64_t counts[3] = {0};
  double means[3] = {0}, squares[3] = {0};
  for (int i = 0; i < 1000; i++) {
    double x = 1e9 + (double)random_below(&r, 1000);
    int part = i < 300 ? 0 : 1;
    assert_true(flow_moments_add(&counts[part], &means[part], &squares[part], x));
    assert_true(flow_moments_add(&counts[2], &means[2], &squares[2], x));
  }
  assert_true(flow_moments_merge(&counts[0], &means[0], &squares[0], counts[1], means[1], squares[1]));
  assert_int_equal(counts[0], 1000);
  assert_true(fabs(means[0] / means[2] - 1) < 1e-15 && fabs(squares[0] / squares[2] - 1) < 1e-9);
  int64_t count = 0;
  double mean = 0, square = 0;
  assert_true(flow_moments_merge(&count, &mean, &square, counts[1], means[1], squares[1]));
  assert_true(count == counts[1] && mean == means[1] && square == squares[1]);
  assert_true(flow_moments_merge(&count, &mean, &square, 0, 0, 0));
  assert_true(count == counts[1] && mean == means[1] && square == squares[1]);
  assert_true(flow_moments_add(&count, &mean, &square, 1e150));
  assert_false(flow_moments_add(&count, &mean, &square, 1e200));
  assert_int_equal(count, counts[1] + 1);
}

static void buckets_are_ordered(void **state) {
  (void)state;
  struct random r = {9};
  for (int64_t x = -255; x <= 255; x++) assert_int_equal(flow_bucket_int(x), x);
  for (int i = 0; i < 200000; i++) {
    int64_t a = random_int(&r), b = random_int(&r);
    assert_true(a > b || flow_bucket_int(a) <= flow_bucket_int(b));
    double x = (double)a / (double)(b | 1), y = (double)b * 1e-200;
    assert_true(x > y || flow_bucket_float(x) <= flow_bucket_float(y));
  }
  assert_int_equal(flow_bucket_float(-0.0), flow_bucket_float(0.0));
}

/* -- quantiles ----------------------------------------------------------------------------------- */

struct tally {
  int64_t bucket, count;
};

static bool tally_equal(const void *entry, const void *key) {
  return ((const struct tally *)entry)->bucket == *(const int64_t *)key;
}

static uint64_t tally_hash(uint64_t seed, const void *key) {
  return flow_int_hash(seed, key);
}

static void count_in(struct flow_mem *heap, struct flow_map *counts, int64_t bucket) {
  uint32_t at = flow_map_find(counts, &bucket, sizeof(struct tally), tally_hash, tally_equal);
  if (at == FLOW_MAP_NONE) {
    at = flow_map_insert(heap, counts, &bucket, sizeof(struct tally), tally_hash);
    *(struct tally *)flow_map_at(counts, at, sizeof(struct tally)) = (struct tally){bucket, 0};
  }
  ((struct tally *)flow_map_at(counts, at, sizeof(struct tally)))->count++;
}

static int compare_ints(const void *a, const void *b) {
  int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
  return (left > right) - (left < right);
}

/* The same values as ints and as floats, against the sorted array. */
static void compare_quantiles(struct flow_mem *heap, struct flow_mem *arena, struct random *r, size_t count) {
  int64_t values[1000];
  struct flow_map ints = {0}, floats = {0};
  unsigned bits = (unsigned)random_below(r, 63);
  for (size_t i = 0; i < count; i++) {
    values[i] = random_int(r) >> bits;
    count_in(heap, &ints, flow_bucket_int(values[i]));
    count_in(heap, &floats, flow_bucket_float((double)values[i] / 1024));
  }
  qsort(values, count, sizeof *values, compare_ints);
  int64_t low = values[0], high = values[count - 1];
  for (unsigned k = 0; k <= 20; k++) {
    size_t rank = (k * count + 19) / 20;
    double q = k / 20.0, wanted = (double)values[rank == 0 ? 0 : rank - 1];
    double found = (double)flow_quantile_int(arena, &ints, q, low, high);
    double found_float =
        flow_quantile_float(arena, &floats, q, (double)low / 1024, (double)high / 1024) * 1024;
    assert_true(fabs(found - wanted) <= fabs(wanted) / 256);
    assert_true(fabs(found_float - wanted) <= fabs(wanted) / 256);
    if (k % 20 == 0) assert_true(found == wanted && found_float == wanted);
    if (bits >= 55) assert_true(found == wanted);
  }
  assert_int_equal(flow_quantile_int(arena, &ints, -3, low, high), low);
  assert_int_equal(flow_quantile_int(arena, &ints, 7, low, high), high);
  flow_map_free(heap, &ints, sizeof(struct tally));
  flow_map_free(heap, &floats, sizeof(struct tally));
}

static void quantiles_are_near(void **state) {
  (void)state;
  struct counting_sys c = counting_sys();
  struct flow_mem *heap = flow_mem_heap_new(&c.sys), *arena = flow_mem_arena_new(&c.sys);
  struct random r = {13};
  for (int i = 0; i < 400; i++) {
    compare_quantiles(heap, arena, &r, random_below(&r, i % 4 == 0 ? 4 : 1000) + 1);
    flow_mem_arena_reset(arena);
  }
  flow_mem_delete(arena);
  flow_mem_delete(heap);
  assert_int_equal(c.live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sums_keep_what_rounding_cuts_off),
      cmocka_unit_test(means_of_ints_are_the_nearest_floats),
      cmocka_unit_test(moments_merge_to_the_same),
      cmocka_unit_test(buckets_are_ordered),
      cmocka_unit_test(quantiles_are_near),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
