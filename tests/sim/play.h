/* A seed is a story: a flow, its input, some lives that are disturbed, and one that may finish.
 *
 * What all lives have written must be what one undisturbed life writes, with one worker and the
 * same input. That one is the reference; it is played once for each input.
 *
 *   struct player *p = player_new();
 *   struct play_result r = play(p, seed, false);
 *   if (!r.is_good) puts(r.failure);
 */
#ifndef SIM_PLAY_H
#define SIM_PLAY_H

#include "inputs.h"

struct play_counts {
  uint64_t lives, kills, losses, faults, signals, calls;
};

struct play_result {
  bool is_good;
  const char *flow;
  uint64_t hash; /* of everything that happened */
  struct play_counts counts;
  char failure[4096];
};

struct player;

struct player *player_new(void);
/* Plays the story of the seed. is_traced: it is told on stderr. */
struct play_result play(struct player *, uint64_t seed, bool is_traced);

#endif
