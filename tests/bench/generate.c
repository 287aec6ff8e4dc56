/* Writes the input of a workload to stdout. The same arguments always give the same bytes.
 *
 *   generate numbers RECORDS            ints of up to six digits, one in eight of them negative
 *   generate events  RECORDS USERS      orders, and payments of orders that are open
 *   generate words   RECORDS WORDS      each word once, then RECORDS words, the frequent ones short
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15); /* SplitMix64 */
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

static uint32_t random_below(uint64_t *state, uint32_t limit) {
  return (uint32_t)((next_random(state) >> 32) * limit >> 32);
}

static void write_numbers(uint64_t count) {
  uint64_t random = 1;
  while (count-- > 0) {
    int value = (int)random_below(&random, 1000000);
    printf("%d\n", random_below(&random, 8) == 0 ? -value : value);
  }
}

enum { OPEN_MAX = 4 };

struct user {
  uint32_t open[OPEN_MAX]; /* orders that are not paid */
  uint32_t open_count;
};

/* Every user orders first; a user with OPEN_MAX open orders pays one. */
static void write_events(uint64_t count, uint32_t user_count) {
  struct user *users = calloc(user_count, sizeof *users);
  if (users == NULL) exit(70);
  uint64_t random = 2;
  uint32_t next_order = 1000000;
  while (count-- > 0) {
    uint32_t number = random_below(&random, user_count);
    struct user *user = &users[number];
    uint64_t coin = next_random(&random);
    uint32_t order;
    const char *type = "order";
    if (user->open_count == OPEN_MAX || (user->open_count > 0 && (coin & 1) != 0)) {
      uint32_t paid = (uint32_t)(coin >> 32) % user->open_count;
      type = "payment";
      order = user->open[paid];
      user->open[paid] = user->open[--user->open_count];
    } else {
      order = next_order++;
      user->open[user->open_count++] = order;
    }
    printf("{\"user_id\": \"u%u\", \"type\": \"%s\", \"order_id\": %u}\n", number, type, order);
  }
  free(users);
}

/* Syllables that spell the rank, and an ending. Syllables are a consonant and a vowel, and no ending
 * looks like one, so no two ranks have the same word. */
static void write_word(uint32_t rank) {
  static const char *const endings[] = {"ing", "er", "ation", "", "ness", "", "ed", "isations"};
  char text[32];
  size_t length = 0;
  uint32_t rest = rank;
  do {
    text[length++] = "bcdfghjklmnpqrstvwxz"[rest % 20];
    text[length++] = "aeiou"[rest / 20 % 5];
    rest /= 100;
  } while (rest > 0);
  strcpy(text + length, endings[rank % 8]);
  puts(text);
}

static void write_words(uint64_t count, uint32_t word_count) {
  uint32_t *order = calloc(word_count, sizeof *order);
  if (order == NULL) exit(70);
  uint64_t random = 3;
  for (uint32_t i = 0; i < word_count; i++) {
    uint32_t at = random_below(&random, i + 1);
    order[i] = order[at];
    order[at] = i;
  }
  puts("word");
  for (uint32_t i = 0; i < word_count; i++) write_word(order[i]);
  double span = log((double)word_count + 1);
  while (count-- > 0) {
    double uniform = (double)(next_random(&random) >> 11) / 9007199254740992.0;
    write_word((uint32_t)exp(uniform * span) - 1); /* frequency falls with 1 / rank */
  }
  free(order);
}

int main(int argc, char **argv) {
  const char *kind = argc > 2 ? argv[1] : "";
  uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
  uint32_t keys = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
  setvbuf(stdout, NULL, _IOFBF, 1 << 18);
  if (strcmp(kind, "numbers") == 0) {
    write_numbers(count);
  } else if (strcmp(kind, "events") == 0 && keys > 0) {
    write_events(count, keys);
  } else if (strcmp(kind, "words") == 0 && keys > 0) {
    write_words(count, keys);
  } else {
    fputs("usage: generate numbers RECORDS | events RECORDS USERS | words RECORDS WORDS\n", stderr);
    return 64;
  }
  return fflush(stdout) == 0 ? 0 : 74;
}
