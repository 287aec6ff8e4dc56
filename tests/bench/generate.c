/* Writes the input of a workload to stdout. The same arguments always give the same bytes.
 *
 *   generate numbers RECORDS            ints of up to six digits, one in eight of them negative
 *   generate events  RECORDS USERS      orders, and payments of orders that are open
 *   generate words   RECORDS WORDS      each word once, then RECORDS words, the frequent ones short
 *   generate ids     RECORDS            the ints below RECORDS, each once, in no order
 *   generate bids    RECORDS AUCTIONS json|csv
 *                                       bids as those of NEXMark, 10,000 in a second of event time;
 *                                       in JSON 204 bytes each on average
 *
 * An ORDER behind the arguments of events, or of bids in JSON, says how the fields of a record
 * follow each other: `declared` (the default), `reversed`, or `mixed`, which is another order for
 * each record.
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

/* A bijection of the ints below 2^bits, and again until the result is below the limit. */
static void write_ids(uint64_t count) {
  unsigned bits = 1;
  while (UINT64_C(1) << bits < count) bits++;
  uint64_t mask = (UINT64_C(1) << bits) - 1;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t id = i;
    do {
      id = id * UINT64_C(0x9e3779b97f4a7c15) & mask;
      id ^= id >> (bits + 1) / 2;
    } while (id >= count);
    printf("%llu\n", (unsigned long long)id);
  }
}

/* -- records of JSON ------------------------------------------------------------------------- */

enum order { DECLARED, REVERSED, MIXED };

enum { FIELDS_MAX = 7 };

struct field {
  const char *name;
  char text[128]; /* its value */
};

static void write_object(const struct field *fields, uint32_t count, enum order order) {
  static uint64_t random = 4;
  uint32_t places[FIELDS_MAX];
  for (uint32_t i = 0; i < count; i++) {
    uint32_t at = order == DECLARED ? i : order == REVERSED ? 0 : random_below(&random, i + 1);
    memmove(places + at + 1, places + at, (i - at) * sizeof *places);
    places[at] = i;
  }
  for (uint32_t i = 0; i < count; i++) {
    const struct field *field = &fields[places[i]];
    printf("%s\"%s\": %s", i == 0 ? "{" : ", ", field->name, field->text);
  }
  fputs("}\n", stdout);
}

/* -- orders and payments --------------------------------------------------------------------- */

enum { OPEN_MAX = 4 };

struct user {
  uint32_t open[OPEN_MAX]; /* orders that are not paid */
  uint32_t open_count;
};

/* Every user orders first; a user with OPEN_MAX open orders pays one. */
static void write_events(uint64_t count, uint32_t user_count, enum order field_order) {
  struct user *users = calloc(user_count, sizeof *users);
  if (users == NULL) exit(70);
  uint64_t random = 2;
  uint32_t next_order = 1000000;
  struct field fields[] = {{.name = "user_id"}, {.name = "type"}, {.name = "order_id"}};
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
    sprintf(fields[0].text, "\"u%u\"", number);
    sprintf(fields[1].text, "\"%s\"", type);
    sprintf(fields[2].text, "%u", order);
    write_object(fields, 3, field_order);
  }
  free(users);
}

/* -- bids ------------------------------------------------------------------------------------ */

/* Half of the bids go to an auction that is hot just now. Prices are spread evenly on a logarithmic
 * scale from 1.00 to a million, in hundredths. */
static void write_bids(uint64_t count, uint32_t auction_count, int is_csv, enum order field_order) {
  static const char *const channels[] = {"Google", "Facebook", "Baidu", "Apple"};
  static const char padding[] = "lorem_ipsum_dolor_sit_amet_consectetur_adipiscing";
  struct field fields[] = {{.name = "auction"}, {.name = "bidder"}, {.name = "price"},
                           {.name = "channel"}, {.name = "url"},    {.name = "dateTime"},
                           {.name = "extra"}};
  uint64_t random = 5;
  if (is_csv) puts("auction,bidder,price,channel,url,dateTime,extra");
  for (uint64_t i = 0; i < count; i++) {
    int is_hot = random_below(&random, 2) != 0;
    uint32_t hot = (uint32_t)(i / 1000 * 7 % auction_count);
    uint32_t auction = is_hot ? hot : random_below(&random, auction_count);
    double uniform = (double)(next_random(&random) >> 11) / 9007199254740992.0;
    uint32_t channel = random_below(&random, 4);
    uint32_t item = random_below(&random, 100000000);
    int padding_length = (int)random_below(&random, 21) + 19;
    const char *quote = is_csv ? "" : "\"";
    sprintf(fields[0].text, "%u", 1000 + auction);
    sprintf(fields[1].text, "%u", 1000 + random_below(&random, 50000));
    sprintf(fields[2].text, "%.0f", 100 * pow(10, 6 * uniform));
    sprintf(fields[3].text, "%s%s%s", quote, channels[channel], quote);
    sprintf(fields[4].text, "%shttps://www.nexmark.com/item.htm?query=1&id=%08u%s", quote, item,
            quote);
    sprintf(fields[5].text, "%llu", (unsigned long long)(UINT64_C(1436918400000) + i / 10));
    sprintf(fields[6].text, "%s%.*s%s", quote, padding_length, padding, quote);
    if (!is_csv) {
      write_object(fields, FIELDS_MAX, field_order);
      continue;
    }
    for (int f = 0; f < FIELDS_MAX; f++)
      printf("%s%c", fields[f].text, f < FIELDS_MAX - 1 ? ',' : '\n');
  }
}

/* -- words ----------------------------------------------------------------------------------- */

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

static enum order order_named(const char *name) {
  return strcmp(name, "reversed") == 0 ? REVERSED : strcmp(name, "mixed") == 0 ? MIXED : DECLARED;
}

int main(int argc, char **argv) {
  const char *kind = argc > 2 ? argv[1] : "";
  uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
  uint32_t keys = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
  const char *last = argv[argc - 1];
  setvbuf(stdout, NULL, _IOFBF, 1 << 18);
  if (strcmp(kind, "numbers") == 0) {
    write_numbers(count);
  } else if (strcmp(kind, "ids") == 0) {
    write_ids(count);
  } else if (strcmp(kind, "events") == 0 && keys > 0) {
    write_events(count, keys, order_named(last));
  } else if (strcmp(kind, "words") == 0 && keys > 0) {
    write_words(count, keys);
  } else if (strcmp(kind, "bids") == 0 && keys > 0 && argc > 4) {
    write_bids(count, keys, strcmp(argv[4], "csv") == 0, order_named(last));
  } else {
    fputs("usage: generate numbers|ids RECORDS | events RECORDS USERS [ORDER]\n"
          "                | words RECORDS WORDS | bids RECORDS AUCTIONS json|csv [ORDER]\n",
          stderr);
    return 64;
  }
  return fflush(stdout) == 0 ? 0 : 74;
}
