/* What the aggregates of a flow keep that is more than a number: sums of floats, moments, histograms.
 *
 * Each is a few fields of a record in the saved state (front/aggregates.def); generated code passes their
 * addresses. The results follow from the order of the items alone: they are the same on every machine, and so
 * that they are, compilers may not contract a product and a sum (-ffp-contract=off).
 *
 *   double sum = 0, rest = 0;
 *   if (!flow_sum_add(&sum, &rest, 0.1)) …the sum is no finite number, nothing has changed…
 *   double total = sum + rest;
 */
#ifndef FLOW_AGGREGATE_H
#define FLOW_AGGREGATE_H

#include "flow/map.h"
#include "flow/value.h"

#include <math.h>
#include <string.h>

/* Adds a number to the sum that is `*sum + *rest`, where `rest` gathers what rounding has cut off (Neumaier). False,
 * with nothing changed, where the sum would not be finite. */
static inline bool flow_sum_add(double *sum, double *rest, double x) {
  double total = *sum + x;
  if (FLOW_UNLIKELY(!__builtin_isfinite(total))) return false;
  *rest += fabs(*sum) >= fabs(x) ? (*sum - total) + x : (x - total) + *sum;
  *sum = total;
  return true;
}

/* The mean of `count` (at least 1) ints whose exact sum is known, correctly rounded. */
double flow_mean_int(int64_t sum, int64_t count);

/* -- moments: the number of values, their mean, and the sum of the squares of the distances from it ------- */

/* Adds a number (Welford). False, with nothing changed, where a moment would not be finite. */
static inline bool flow_moments_add(int64_t *count, double *mean, double *squares, double x) {
  double n = (double)(*count + 1), distance = x - *mean;
  double moved = *mean + distance / n;
  double grown = *squares + distance * (x - moved);
  if (FLOW_UNLIKELY(!__builtin_isfinite(grown))) return false;
  *count += 1;
  *mean = moved;
  *squares = grown;
  return true;
}

/* Adds those of other values (Chan). False, with nothing changed, where a moment would not be finite. */
bool flow_moments_merge(int64_t *count, double *mean, double *squares, int64_t more, double more_mean,
                        double more_squares);

/* -- histograms: from buckets of numbers to how many lie in them -------------------------------------------
 *
 * A bucket holds the numbers of one sign that have the exponent and the upper seven bits of the mantissa in
 * common, so its middle is not further from any of them than 1/256 of it; ints from -255 to 255 have one each.
 * The order of buckets is that of their numbers. */

#define FLOW_BUCKET_BITS 7

static inline int64_t flow_bucket_int(int64_t x) {
  uint64_t magnitude = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
  uint64_t bucket = magnitude;
  if (magnitude >> (FLOW_BUCKET_BITS + 1) != 0) {
    unsigned shift = 63 - (unsigned)__builtin_clzll(magnitude) - FLOW_BUCKET_BITS;
    bucket = ((uint64_t)shift << FLOW_BUCKET_BITS) + (magnitude >> shift);
  }
  return x < 0 ? -(int64_t)bucket : (int64_t)bucket;
}

static inline int64_t flow_bucket_float(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int64_t bucket = (int64_t)((bits & INT64_MAX) >> (52 - FLOW_BUCKET_BITS));
  return x < 0 ? -bucket : bucket;
}

/* The value that a part `q` (0 to 1; else the nearer end) of the values do not exceed, of which `low` and `high`
 * are the least and the largest: the one of rank ceil(q * count), not further from it than 1/256 of it. `counts`
 * is a map[int, int] of buckets and is not empty; memory comes from the arena. */
int64_t flow_quantile_int(struct flow_mem *arena, const struct flow_map *counts, double q, int64_t low,
                          int64_t high);
double flow_quantile_float(struct flow_mem *arena, const struct flow_map *counts, double q, double low,
                           double high);

#endif
