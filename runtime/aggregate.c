#include "flow/aggregate.h"

#include <stdlib.h>

double flow_mean_int(int64_t sum, int64_t count) {
  if (sum == 0) return 0;
  uint64_t magnitude = sum < 0 ? 0 - (uint64_t)sum : (uint64_t)sum;
  /* Shifted so far up that the quotient has 63 bits at least: then one more bit at its end, which says whether
   * there is a rest, is enough for the conversion to round right. */
  int shift = 63 + __builtin_clzll(magnitude);
  unsigned __int128 shifted = (unsigned __int128)magnitude << shift;
  unsigned __int128 quotient = shifted / (uint64_t)count;
  if (shifted % (uint64_t)count != 0) quotient |= 1;
  double mean = ldexp((double)quotient, -shift);
  return sum < 0 ? -mean : mean;
}

bool flow_moments_merge(int64_t *count, double *mean, double *squares, int64_t more, double more_mean,
                        double more_squares) {
  if (more == 0) return true;
  double a = (double)*count, b = (double)more, part = b / (a + b);
  double distance = more_mean - *mean;
  double moved = *count == 0 ? more_mean : *mean + distance * part;
  double grown = *count == 0 ? more_squares : *squares + more_squares + distance * distance * (a * part);
  if (!__builtin_isfinite(grown)) return false;
  *count += more;
  *mean = moved;
  *squares = grown;
  return true;
}

/* -- quantiles -------------------------------------------------------------------------------------- */

/* An entry of the map of counts. */
struct tally {
  int64_t bucket, count;
};

static int compare_buckets(const void *a, const void *b) {
  int64_t left = ((const struct tally *)a)->bucket, right = ((const struct tally *)b)->bucket;
  return (left > right) - (left < right);
}

enum rank { RANK_FIRST, RANK_BETWEEN, RANK_LAST };

/* Which value it is: the least, the largest, or one of *bucket. */
static enum rank find_rank(struct flow_mem *arena, const struct flow_map *counts, double q,
                           int64_t *bucket) {
  struct tally *all = flow_mem_alloc(arena, counts->length * sizeof *all);
  uint32_t count = 0;
  int64_t total = 0;
  for (uint32_t i = flow_map_first(counts); i != FLOW_MAP_NONE; i = flow_map_next(counts, i)) {
    all[count] = *(const struct tally *)flow_map_at(counts, i, sizeof *all);
    total += all[count++].count;
  }
  qsort(all, count, sizeof *all, compare_buckets);
  /* A little less, because 0.55 * 100 is more than 55. */
  double rank = ceil(q * (double)total * (1 - 0x1p-50));
  if (rank <= 1) return RANK_FIRST;
  if (rank >= (double)total) return RANK_LAST;
  uint32_t at = 0;
  for (int64_t below = all[0].count; below < (int64_t)rank; below += all[at].count) at++;
  *bucket = all[at].bucket;
  return RANK_BETWEEN;
}

static int64_t middle_int(int64_t bucket) {
  uint64_t magnitude = bucket < 0 ? 0 - (uint64_t)bucket : (uint64_t)bucket;
  if (magnitude >> (FLOW_BUCKET_BITS + 1) != 0) {
    unsigned shift = (unsigned)(magnitude >> FLOW_BUCKET_BITS) - 1;
    magnitude -= (uint64_t)shift << FLOW_BUCKET_BITS;
    magnitude = (magnitude << shift) + (UINT64_C(1) << shift >> 1);
  }
  /* Of the bucket of INT64_MIN the middle is further below. */
  if (magnitude > INT64_MAX) return bucket < 0 ? INT64_MIN : INT64_MAX;
  return bucket < 0 ? -(int64_t)magnitude : (int64_t)magnitude;
}

int64_t flow_quantile_int(struct flow_mem *arena, const struct flow_map *counts, double q, int64_t low,
                          int64_t high) {
  int64_t bucket = 0;
  enum rank rank = find_rank(arena, counts, q, &bucket);
  if (rank != RANK_BETWEEN) return rank == RANK_FIRST ? low : high;
  int64_t middle = middle_int(bucket);
  return middle < low ? low : middle > high ? high : middle;
}

static double middle_float(int64_t bucket) {
  if (bucket == 0) return 0;
  uint64_t magnitude = bucket < 0 ? 0 - (uint64_t)bucket : (uint64_t)bucket;
  const int shift = 52 - FLOW_BUCKET_BITS;
  uint64_t bits = (magnitude << shift) + (UINT64_C(1) << (shift - 1));
  double middle;
  memcpy(&middle, &bits, sizeof middle);
  return bucket < 0 ? -middle : middle;
}

double flow_quantile_float(struct flow_mem *arena, const struct flow_map *counts, double q, double low,
                           double high) {
  int64_t bucket = 0;
  enum rank rank = find_rank(arena, counts, q, &bucket);
  if (rank != RANK_BETWEEN) return rank == RANK_FIRST ? low : high;
  double middle = middle_float(bucket);
  return middle < low ? low : middle > high ? high : middle;
}
