/* The generator: which values are drawn in which order, and from what range, is Beam's. */
#include "flow/nexmark.h"

#include "flow/number.h"

#include <math.h>
#include <string.h>

/* -- java.util.Random ------------------------------------------------------------------------ */

/* A linear congruential generator of 48 bits; the bits above them do not matter. */
struct random {
  uint64_t state;
};

static inline struct random random_of(int64_t seed) {
  return (struct random){(uint64_t)seed ^ UINT64_C(0x5deece66d)};
}

static inline void pass(struct random *r) {
  r->state = r->state * UINT64_C(0x5deece66d) + 0xb;
}

/* The next `bits` bits, as a signed number if they are 32. */
static inline int32_t draw_bits(struct random *r, unsigned bits) {
  pass(r);
  return (int32_t)(uint32_t)((r->state & ((UINT64_C(1) << 48) - 1)) >> (48 - bits));
}

/* A number from 0 to bound - 1. Of bounds that are no power of two, draws that would make some
 * numbers more likely are thrown away. */
static inline int64_t draw(struct random *r, int32_t bound) {
  int32_t bits = draw_bits(r, 31);
  if ((bound & (bound - 1)) == 0) return (int64_t)bound * bits >> 31;
  int32_t value = bits % bound;
  while ((int64_t)bits - value + (bound - 1) > INT32_MAX) {
    bits = draw_bits(r, 31);
    value = bits % bound;
  }
  return value;
}

static inline double draw_double(struct random *r) {
  int64_t high = draw_bits(r, 26);
  int64_t low = draw_bits(r, 27);
  return (double)((high << 27) + low) * 0x1p-53;
}

/* -- values ---------------------------------------------------------------------------------- */

enum {
  FIRST_ID = 1000, /* of persons and auctions */
  FIRST_CATEGORY = 10,
  CATEGORIES = 5,
  ACTIVE_PERSONS = 1000, /* that sell or bid */
  OPEN_AUCTIONS = 100,   /* that are bid for */
  LEAD = 10,             /* ids that are used before their event */
  HOT_EVERY = 100,       /* one person and one auction of so many is hot */
  PERSON_SIZE = 200,     /* bytes of an event on average, as Beam counts them */
  AUCTION_SIZE = 500,
  BID_SIZE = 100,
  TEXT_MIN = 3,
  TEXT_MAX = 100,
  EXTRA_MAX = AUCTION_SIZE * 6 / 5,
  CHANNELS = 10000,
};

#define BASE_TIME_MS       INT64_C(1436918400000) /* 2015-07-15T00:00:00Z */
#define EVENTS_PER_MS      10
#define LETTERS_PER_NUMBER 6 /* log of 2^31 to the base of 26 */

static int64_t time_of(int64_t number) {
  return BASE_TIME_MS + number / EVENTS_PER_MS;
}

/* From 100 to 100,000,000, each order of magnitude as likely as the others. */
static int64_t draw_price(struct random *r) {
  return (int64_t)floor(pow(10.0, draw_double(r) * 6.0) * 100.0 + 0.5);
}

static size_t draw_letters(struct random *r, int32_t max, char space, char *to) {
  size_t length = TEXT_MIN + (size_t)draw(r, max - TEXT_MIN);
  for (size_t i = 0; i < length; i++) to[i] = draw(r, 13) == 0 ? space : (char)('a' + draw(r, 26));
  return length;
}

/* A text of less than `max` letters and spaces, none of them at its ends; its length. */
static size_t draw_text(struct random *r, int32_t max, char *to) {
  size_t length = draw_letters(r, max, ' ', to), start = 0;
  while (length > 0 && to[length - 1] == ' ') length--;
  while (start < length && to[start] == ' ') start++;
  memmove(to, to + start, length - start);
  return length - start;
}

static struct flow_str keep(struct flow_mem *arena, const char *text, size_t length) {
  if (length <= FLOW_STR_INLINE) return flow_str_make(text, length);
  char *copy = flow_mem_alloc(arena, length);
  memcpy(copy, text, length);
  return flow_str_make(copy, length);
}

/* Six letters of a number, which may be negative: then the letters are from before `a`. */
static void spell(int32_t number, size_t length, char *to) {
  for (size_t i = 0; i < length; i++) {
    to[i] = (char)('a' + number % 26);
    number /= 26;
  }
}

/* The padding that gives an event of `size` bytes the average size; it is drawn or passed over. */
static void draw_extra(struct random *r, struct flow_mem *arena, bool is_wanted, size_t size,
                       size_t average, struct flow_str *extra) {
  if (is_wanted) *extra = (struct flow_str){0};
  if (size > average) return;
  size_t missing = average - size;
  int32_t spread = (int32_t)((double)missing * 0.2 + 0.5);
  size_t length = missing - (size_t)spread;
  if (spread > 0) length += (size_t)draw(r, 2 * spread);
  if (!is_wanted) {
    for (size_t i = 0; i < length; i += LETTERS_PER_NUMBER) pass(r);
    return;
  }
  char text[EXTRA_MAX + LETTERS_PER_NUMBER];
  size_t at = 0;
  for (; at + LETTERS_PER_NUMBER <= length; at += LETTERS_PER_NUMBER)
    spell(draw_bits(r, 32), LETTERS_PER_NUMBER, text + at);
  if (at < length) spell(draw_bits(r, 32), length - at, text + at);
  *extra = keep(arena, text, length);
}

/* -- ids; all counted from 0 ----------------------------------------------------------------- */

/* The last person when event `number` comes, itself if it is one. */
static int64_t last_person(int64_t number) {
  return number / FLOW_NEXMARK_CYCLE;
}

static int64_t last_auction(int64_t number) {
  int64_t cycle = number / FLOW_NEXMARK_CYCLE, place = number % FLOW_NEXMARK_CYCLE;
  if (place > FLOW_NEXMARK_AUCTIONS) place = FLOW_NEXMARK_AUCTIONS;
  return cycle * FLOW_NEXMARK_AUCTIONS + place - 1;
}

/* One of the persons that are active, or of those that come next. */
static int64_t draw_person(struct random *r, int64_t number) {
  int64_t count = last_person(number) + 1;
  int64_t active = count < ACTIVE_PERSONS ? count : ACTIVE_PERSONS;
  return count - active + draw(r, (int32_t)active + LEAD);
}

static int64_t draw_auction(struct random *r, int64_t number) {
  int64_t last = last_auction(number);
  int64_t first = last > OPEN_AUCTIONS ? last - OPEN_AUCTIONS : 0;
  return first + draw(r, (int32_t)(last - first) + 1 + LEAD);
}

static int64_t hot_of(int64_t id) {
  return id / HOT_EVERY * HOT_EVERY;
}

/* -- events ---------------------------------------------------------------------------------- */

static const char *const first_names[] = {"Peter", "Paul",  "Luke",  "John",   "Saul",  "Vicky",
                                          "Kate",  "Julie", "Sarah", "Deiter", "Walter"};
static const char *const last_names[] = {"Shultz", "Abrams", "Spencer", "White", "Bartels",
                                         "Walton", "Smith",  "Jones",   "Noris"};
static const char *const cities[] = {"Phoenix",  "Los Angeles", "San Francisco", "Boise",
                                     "Portland", "Bend",        "Redmond",       "Seattle",
                                     "Kent",     "Cheyenne"};
static const char *const states[] = {"AZ", "CA", "ID", "OR", "WA", "WY"};

#define DRAW_OF(r, list) (list)[draw(r, (int32_t)(sizeof(list) / sizeof *(list)))]

static size_t append(char *to, size_t at, const char *text) {
  size_t length = strlen(text);
  memcpy(to + at, text, length);
  return at + length;
}

static size_t append_number(char *to, size_t at, int64_t number) {
  return (size_t)(flow_write_int(to + at, number) - to);
}

/* Four digits. */
static size_t append_digits(char *to, size_t at, int64_t number) {
  for (size_t i = 4; i-- > 0; number /= 10) to[at + i] = (char)('0' + number % 10);
  return at + 4;
}

void flow_nexmark_person(struct flow_mem *arena, uint32_t parts, struct flow_nexmark *event) {
  struct random r = random_of(event->number);
  char text[64];
  event->id = FIRST_ID + last_person(event->number);
  event->date_time_ms = time_of(event->number);

  size_t length = append(text, 0, DRAW_OF(&r, first_names));
  length = append(text, length, " ");
  length = append(text, length, DRAW_OF(&r, last_names));
  event->name = keep(arena, text, length);

  length = draw_text(&r, 7, text);
  length = append(text, length, "@");
  length += draw_text(&r, 5, text + length);
  length = append(text, length, ".com");
  event->email = keep(arena, text, length);

  length = append_digits(text, 0, draw(&r, 10000));
  for (int i = 0; i < 3; i++) {
    length = append(text, length, " ");
    length = append_digits(text, length, draw(&r, 10000));
  }
  event->credit_card = keep(arena, text, length);

  const char *city = DRAW_OF(&r, cities), *state = DRAW_OF(&r, states);
  event->city = flow_str_make(city, strlen(city));
  event->state = flow_str_make(state, strlen(state));
  size_t size = 8 + event->name.length + event->email.length + event->credit_card.length +
                event->city.length + event->state.length;
  draw_extra(&r, arena, parts & FLOW_NEXMARK_EXTRA, size, PERSON_SIZE, &event->extra);
}

/* Auctions are open for as long as it takes until OPEN_AUCTIONS more have come, on average. */
static int64_t draw_length_ms(struct random *r, int64_t number) {
  int64_t ahead = (int64_t)OPEN_AUCTIONS * FLOW_NEXMARK_CYCLE / FLOW_NEXMARK_AUCTIONS;
  int64_t horizon_ms = time_of(number + ahead) - time_of(number);
  return 1 + draw(r, horizon_ms < 1 ? 1 : (int32_t)horizon_ms * 2);
}

void flow_nexmark_auction(struct flow_mem *arena, uint32_t parts, struct flow_nexmark *event) {
  int64_t number = event->number;
  struct random r = random_of(number);
  event->id = FIRST_ID + last_auction(number);
  event->date_time_ms = time_of(number);
  bool is_hot = draw(&r, 4) > 0;
  event->seller = FIRST_ID + (is_hot ? hot_of(last_person(number)) : draw_person(&r, number));
  event->category = FIRST_CATEGORY + draw(&r, CATEGORIES);
  event->initial_bid = draw_price(&r);
  event->expires_ms = event->date_time_ms + draw_length_ms(&r, number);
  if ((parts & (FLOW_NEXMARK_TEXTS | FLOW_NEXMARK_EXTRA)) == 0) return;
  char text[TEXT_MAX];
  event->item_name = keep(arena, text, draw_text(&r, 20, text));
  event->description = keep(arena, text, draw_text(&r, TEXT_MAX, text));
  event->reserve = event->initial_bid + draw_price(&r);
  size_t size = 8 + event->item_name.length + event->description.length + 8 + 8 + 8 + 8 + 8;
  if (parts & FLOW_NEXMARK_EXTRA) draw_extra(&r, arena, true, size, AUCTION_SIZE, &event->extra);
}

/* Beam's bids have no channel. Half of them come over one of four large ones. A channel has one URL,
 * which follows from its number: three folders and, nine times of ten, the number of the channel. */
static void draw_channel(struct random *r, struct flow_mem *arena, struct flow_nexmark *event) {
  static const char *const large[] = {"Google", "Facebook", "Baidu", "Apple"};
  char text[128];
  bool is_large = draw(r, 2) > 0;
  int64_t number = is_large ? draw(r, 4) : draw(r, CHANNELS);
  size_t length = append(text, 0, is_large ? large[number] : "channel-");
  if (!is_large) length = append_number(text, length, number);
  event->channel = keep(arena, text, length);

  struct random of_url = random_of(is_large ? CHANNELS + number : number);
  length = append(text, 0, "https://www.nexmark.com/");
  for (int i = 0; i < 3; i++) {
    length += draw_letters(&of_url, 5, '_', text + length);
    length = append(text, length, "/");
  }
  length = append(text, length, "item.htm?query=1");
  if (!is_large && draw(&of_url, 10) > 0) {
    length = append(text, length, "&channel_id=");
    length = append_number(text, length, number);
  }
  event->url = keep(arena, text, length);
}

void flow_nexmark_bid(struct flow_mem *arena, uint32_t parts, struct flow_nexmark *event) {
  int64_t number = event->number;
  struct random r = random_of(number);
  event->date_time_ms = time_of(number);
  bool is_hot = draw(&r, 2) > 0;
  event->auction = FIRST_ID + (is_hot ? hot_of(last_auction(number)) : draw_auction(&r, number));
  is_hot = draw(&r, 4) > 0; /* the second person of a hundred: the first one is the hot seller */
  event->bidder = FIRST_ID + (is_hot ? hot_of(last_person(number)) + 1 : draw_person(&r, number));
  event->price = draw_price(&r);
  if (parts & (FLOW_NEXMARK_EXTRA | FLOW_NEXMARK_CHANNEL)) {
    size_t size = 8 + 8 + 8 + 8;
    draw_extra(&r, arena, parts & FLOW_NEXMARK_EXTRA, size, BID_SIZE, &event->extra);
  }
  if (parts & FLOW_NEXMARK_CHANNEL) draw_channel(&r, arena, event);
}
