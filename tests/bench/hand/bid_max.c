/* Workload D by hand: bid_max json|csv FILE */
#include "bid.h"

enum { BATCH = 64, PRICE_MIN = 100000, PERIOD_MS = 10000, START_ROWS = 1024 };

struct row {
  int64_t auction, period, price;
};

/* What is needed of a bid. */
struct offer {
  int64_t auction, price, at;
  uint64_t hash;
};

static struct index index_of_rows;
static struct row *rows;
static uint32_t row_capacity;

static uint64_t hash_auction(int64_t auction) {
  uint64_t hash = (uint64_t)auction * UINT64_C(0x9e3779b97f4a7c15);
  return hash ^ hash << 32;
}

/* The row of the auction; a new one has period -1. */
static struct row *find_row(int64_t auction, uint64_t hash) {
  uint32_t tag = (uint32_t)(hash >> 32);
  for (uint32_t at = first_slot(&index_of_rows, hash);; at = next_slot(&index_of_rows, at)) {
    uint64_t slot = index_of_rows.slots[at];
    if (slot == 0) break;
    struct row *row = &rows[(uint32_t)slot - 1];
    if (slot >> 32 == tag && LIKELY(row->auction == auction)) return row;
  }
  if (index_of_rows.count == row_capacity) {
    row_capacity = row_capacity == 0 ? START_ROWS : 2 * row_capacity;
    rows = realloc(rows, row_capacity * sizeof *rows);
    if (rows == NULL) give_up("no memory", 70);
  }
  struct row *row = &rows[index_of_rows.count];
  *row = (struct row){.auction = auction, .period = -1};
  add_to_index(&index_of_rows, hash);
  return row;
}

static void write_row(struct output *out, const struct row *row) {
  char *p = begin_row(out);
  p = put_literal(p, "{\"auction\": ");
  p = put_int(p, row->auction);
  p = put_literal(p, ", \"period\": ");
  p = put_int(p, row->period);
  p = put_literal(p, ", \"price\": ");
  p = put_int(p, row->price);
  out->next = put_literal(p, "}\n");
}

static void apply(struct output *out, const struct offer *offer) {
  struct row *row = find_row(offer->auction, offer->hash);
  int64_t period = offer->at / PERIOD_MS;
  if (LIKELY(period == row->period)) {
    if (offer->price > row->price) row->price = offer->price;
    return;
  }
  if (row->period >= 0) write_row(out, row);
  row->period = period;
  row->price = offer->price;
}

int main(int argc, char **argv) {
  static struct input in;
  static struct output out;
  if (argc != 3) return 64;
  bool is_csv = strcmp(argv[1], "csv") == 0, is_header = is_csv;
  open_input(&in, argv[2]);
  out.next = out.data;
  make_index(&index_of_rows, 10);
  for (const char *p, *end; next_block(&in, &p, &end);) {
    if (is_header) p = expect(p, "auction,bidder,price,channel,url,dateTime,extra\n");
    is_header = false;
    while (p < end) {
      struct offer offers[BATCH];
      size_t count = 0;
      while (count < BATCH && p < end) {
        struct bid bid;
        p = is_csv ? read_csv_bid(p, &bid) : read_json_bid(p, &bid);
        if (bid.price < PRICE_MIN) continue;
        uint64_t hash = hash_auction(bid.auction);
        offers[count++] = (struct offer){bid.auction, bid.price, bid.at, hash};
        __builtin_prefetch(&index_of_rows.slots[first_slot(&index_of_rows, hash)]);
      }
      for (size_t i = 0; i < count; i++) apply(&out, &offers[i]);
    }
  }
  for (uint32_t i = 0; i < index_of_rows.count; i++) write_row(&out, &rows[i]);
  flush_output(&out);
  return 0;
}
