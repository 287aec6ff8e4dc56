/* Workload D, everything, by hand: bid_copy FILE */
#include "bid.h"

static char *put_text(char *p, struct text text) {
  memcpy(p, text.bytes, text.length);
  return p + text.length;
}

static void write_bid(struct output *out, const struct bid *bid) {
  if (UNLIKELY(bid->channel.length + bid->url.length + bid->extra.length > ROW_BYTES - 256))
    give_up("a row that is too long", 65);
  char *p = begin_row(out);
  p = put_literal(p, "{\"auction\": ");
  p = put_int(p, bid->auction);
  p = put_literal(p, ", \"bidder\": ");
  p = put_int(p, bid->bidder);
  p = put_literal(p, ", \"price\": ");
  p = put_int(p, bid->price);
  p = put_literal(p, ", \"channel\": \"");
  p = put_text(p, bid->channel);
  p = put_literal(p, "\", \"url\": \"");
  p = put_text(p, bid->url);
  p = put_literal(p, "\", \"at\": ");
  p = put_int(p, bid->at);
  p = put_literal(p, ", \"extra\": \"");
  p = put_text(p, bid->extra);
  out->next = put_literal(p, "\"}\n");
}

int main(int argc, char **argv) {
  static struct input in;
  static struct output out;
  if (argc != 2) return 64;
  open_input(&in, argv[1]);
  out.next = out.data;
  for (const char *p, *end; next_block(&in, &p, &end);) {
    while (p < end) {
      struct bid bid;
      p = read_json_bid(p, &bid);
      write_bid(&out, &bid);
    }
  }
  flush_output(&out);
  return 0;
}
