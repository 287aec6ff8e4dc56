/* The events of NEXMark: what persons, auctions and bids of an auction site could be. The generator
 * is that of Apache Beam, bit by bit: an event follows from its number alone, because each has a
 * java.util.Random of its own, seeded with that number.
 *
 * A generated source reads "records" of which the last byte's offset is the number of an event
 * (struct flow_source_desc, `cycle`). Its parser asks for the parts of the event that the flow uses:
 *
 *   struct flow_nexmark event = {.number = flow_nexmark_next(block)};
 *   switch (flow_nexmark_kind(event.number)) {
 *   case FLOW_NEXMARK_BID:
 *     flow_nexmark_bid(w->arena, FLOW_NEXMARK_EXTRA, &event);
 *     … event.price, event.extra …
 *
 * Drawing the texts takes most of the time of an event, so what is not asked for is passed over.
 */
#ifndef FLOW_NEXMARK_H
#define FLOW_NEXMARK_H

#include "flow/abi.h"

enum flow_nexmark_kind { FLOW_NEXMARK_PERSON, FLOW_NEXMARK_AUCTION, FLOW_NEXMARK_BID };

/* Of each FLOW_NEXMARK_CYCLE events the first is a person, three are auctions, the rest bids. */
#define FLOW_NEXMARK_CYCLE    50
#define FLOW_NEXMARK_AUCTIONS 3

/* Parts of an event that are made on demand; all others always are. */
enum {
  FLOW_NEXMARK_EXTRA = 1,   /* extra */
  FLOW_NEXMARK_CHANNEL = 2, /* bids: channel, url */
  FLOW_NEXMARK_TEXTS = 4,   /* auctions: item_name, description, reserve */
};

/* Texts lie in the arena that was given, are static, or are short enough to lie in the struct. */
struct flow_nexmark {
  int64_t number;       /* from 0; set by the caller */
  int64_t date_time_ms; /* since 1970, as expires_ms */
  struct flow_str extra;
  int64_t id;                                            /* persons and auctions */
  struct flow_str name, email, credit_card, city, state; /* persons */
  struct flow_str item_name, description;                /* auctions */
  int64_t initial_bid, reserve, expires_ms, seller, category;
  int64_t auction, bidder, price; /* bids */
  struct flow_str channel, url;
};

/* The number of the block's next event; the cursor moves behind it. */
static inline int64_t flow_nexmark_next(struct flow_block *b) {
  const char *p = b->cursor;
  while (*p != '\n' && p + 1 < b->end) p++;
  b->cursor = p + 1;
  b->line++;
  return (int64_t)(b->offset + (uint64_t)(p - b->start));
}

static inline enum flow_nexmark_kind flow_nexmark_kind(int64_t number) {
  int64_t place = number % FLOW_NEXMARK_CYCLE;
  if (place == 0) return FLOW_NEXMARK_PERSON;
  return place <= FLOW_NEXMARK_AUCTIONS ? FLOW_NEXMARK_AUCTION : FLOW_NEXMARK_BID;
}

/* Fill in the event number event->number, which is of that kind; `parts` says what is asked for. */
void flow_nexmark_person(struct flow_mem *arena, uint32_t parts, struct flow_nexmark *event);
void flow_nexmark_auction(struct flow_mem *arena, uint32_t parts, struct flow_nexmark *event);
void flow_nexmark_bid(struct flow_mem *arena, uint32_t parts, struct flow_nexmark *event);

#endif
