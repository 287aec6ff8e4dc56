/* Query 2 of NEXMark by hand: nexmark_q2 FILE. Of a bid only what is needed is read: its auction, and its
 * price if the auction is one of those. */
#include "bid.h"

static void write_row(struct output *out, int64_t auction, int64_t price) {
  char *p = begin_row(out);
  p = put_literal(p, "{\"auction\": ");
  p = put_int(p, auction);
  p = put_literal(p, ", \"price\": ");
  p = put_int(p, price);
  out->next = put_literal(p, "}\n");
}

int main(int argc, char **argv) {
  static struct input in;
  static struct output out;
  if (argc != 2) return 64;
  open_input(&in, argv[1]);
  out.next = out.data;
  for (const char *p, *end; next_block(&in, &p, &end);) {
    for (; p < end; p = skip_behind(p, '\n')) {
      if (*p != 'B') continue;
      int64_t auction, price;
      p = expect(read_digits(expect(p, "B,"), &auction), ",");
      if (LIKELY(auction % 123 != 0)) continue;
      p = read_digits(skip_behind(p, ','), &price);
      write_row(&out, auction, price);
    }
  }
  flush_output(&out);
  return 0;
}
