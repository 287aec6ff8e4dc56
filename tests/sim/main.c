/* Plays seeds: see README.md beside this file.
 *
 *   sim FIRST COUNT          plays so many seeds; stops at the first that fails: exit 1
 *   sim FIRST COUNT hash     and prints the hash of each
 *   sim SEED trace           plays one and tells what happens
 */
#define _GNU_SOURCE
#include "play.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void add_counts(struct play_counts *sum, const struct play_counts *more) {
  sum->lives += more->lives;
  sum->kills += more->kills;
  sum->losses += more->losses;
  sum->faults += more->faults;
  sum->signals += more->signals;
  sum->calls += more->calls;
}

static int play_seeds(uint64_t first, uint64_t count, bool prints_hash) {
  struct player *player = player_new();
  struct play_counts sum = {0};
  double start = seconds();
  for (uint64_t seed = first; seed < first + count; seed++) {
    struct play_result r = play(player, seed, false);
    add_counts(&sum, &r.counts);
    if (prints_hash) printf("%" PRIu64 " %016" PRIx64 "\n", seed, r.hash);
    if (r.is_good) continue;
    printf("seed %" PRIu64 ", flow %s, %s\nagain, with all that happens: make sim SEED=%" PRIu64
           "\n",
           seed, r.flow, r.failure, seed);
    return 1;
  }
  if (prints_hash) return 0;
  double time = seconds() - start;
  printf("%" PRIu64 " seeds: %" PRIu64 " lives, %" PRIu64 " kills, %" PRIu64
         " losses of power, %" PRIu64 " faults, %" PRIu64 " signals, %" PRIu64
         " scheduling points; %.1f s, %.0f seeds/s\n",
         count, sum.lives, sum.kills, sum.losses, sum.faults, sum.signals, sum.calls, time,
         (double)count / time);
  return 0;
}

static int play_traced(uint64_t seed) {
  struct play_result r = play(player_new(), seed, true);
  printf("seed %" PRIu64 ", flow %s, hash %016" PRIx64 ": %s\n", seed, r.flow, r.hash,
         r.is_good ? "good" : r.failure);
  return r.is_good ? 0 : 1;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: sim FIRST COUNT [hash] | sim SEED trace\n");
    return 64;
  }
  /* All on one processor: a process that was forked runs where its memory is warm. */
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET((unsigned)sched_getcpu(), &set);
  sched_setaffinity(0, sizeof set, &set);
  uint64_t first = strtoull(argv[1], NULL, 10);
  if (strcmp(argv[2], "trace") == 0) return play_traced(first);
  return play_seeds(first, strtoull(argv[2], NULL, 10), argc > 3);
}
