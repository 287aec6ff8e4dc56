/* Query 5 of NEXMark by hand: nexmark_q5 FILE. Bids are counted once, per auction and pane of 2 s; a window
 * of 10 s adds five of them up when it closes, which is when a bid comes 4 s behind its end. */
#include "bid.h"

/* At most PANES are open: those of a window, those of the lag, and the one that the newest bid is in. */
enum { PANE_MS = 2000, WINDOW_PANES = 5, LAG_PANES = 2, PANES = 8, START_ROWS = 1024 };

/* The bids of an auction, in the panes by their numbers modulo PANES. */
struct row {
  int64_t auction;
  uint32_t counts[PANES];
};

struct windows {
  struct index index;
  struct row *rows; /* in the order in which they came */
  uint32_t capacity, *best;
  int64_t pane, next_end; /* the number of the newest bid's pane, and of that behind the next window; */
  bool has_begun;
};

static uint64_t hash_auction(int64_t auction) {
  uint64_t hash = (uint64_t)auction * UINT64_C(0x9e3779b97f4a7c15);
  return hash ^ hash << 32;
}

static void add_room(struct windows *w) {
  w->capacity = w->capacity == 0 ? START_ROWS : 2 * w->capacity;
  w->rows = realloc(w->rows, w->capacity * sizeof *w->rows);
  w->best = realloc(w->best, w->capacity * sizeof *w->best);
  if (w->rows == NULL || w->best == NULL) give_up("no memory", 70);
}

static struct row *find_row(struct windows *w, int64_t auction) {
  uint64_t hash = hash_auction(auction);
  uint32_t tag = (uint32_t)(hash >> 32);
  for (uint32_t at = first_slot(&w->index, hash);; at = next_slot(&w->index, at)) {
    uint64_t slot = w->index.slots[at];
    if (slot == 0) break;
    struct row *row = &w->rows[(uint32_t)slot - 1];
    if (slot >> 32 == tag && LIKELY(row->auction == auction)) return row;
  }
  if (w->index.count == w->capacity) add_room(w);
  struct row *row = &w->rows[w->index.count];
  *row = (struct row){.auction = auction};
  add_to_index(&w->index, hash);
  return row;
}

static void write_row(struct output *out, int64_t auction, int64_t num) {
  char *p = begin_row(out);
  p = put_literal(p, "{\"auction\": ");
  p = put_int(p, auction);
  p = put_literal(p, ", \"num\": ");
  p = put_int(p, num);
  out->next = put_literal(p, "}\n");
}

/* Drops the pane that no later window needs, and auctions without bids in the others. */
static void drop_pane(struct windows *w, int64_t pane) {
  uint32_t count = w->index.count;
  memset(w->index.slots, 0, ((size_t)(UINT32_MAX >> w->index.shift) + 1) * sizeof *w->index.slots);
  w->index.count = 0;
  for (uint32_t i = 0; i < count; i++) {
    struct row row = w->rows[i];
    uint32_t bids = 0;
    row.counts[pane & (PANES - 1)] = 0;
    for (int j = 0; j < PANES; j++) bids |= row.counts[j];
    if (bids == 0) continue;
    w->rows[w->index.count] = row;
    add_to_index(&w->index, hash_auction(row.auction));
  }
}

/* Closes the window in front of the pane `next_end`: writes the auctions with the most bids. */
static void close_window(struct windows *w, struct output *out) {
  uint32_t most = 1, best_count = 0;
  for (uint32_t i = 0; i < w->index.count; i++) {
    uint32_t num = 0;
    for (int j = 1; j <= WINDOW_PANES; j++) num += w->rows[i].counts[(w->next_end - j) & (PANES - 1)];
    if (num < most) continue;
    if (num > most) best_count = 0;
    most = num;
    w->best[best_count++] = i;
  }
  for (uint32_t i = 0; i < best_count; i++) write_row(out, w->rows[w->best[i]].auction, most);
  drop_pane(w, w->next_end - WINDOW_PANES);
  w->next_end++;
}

static void enter_pane(struct windows *w, struct output *out, int64_t time_ms) {
  w->pane = time_ms / PANE_MS;
  if (!w->has_begun) w->next_end = w->pane + 1;
  w->has_begun = true;
  while (w->next_end <= w->pane - LAG_PANES) close_window(w, out);
}

int main(int argc, char **argv) {
  static struct input in;
  static struct output out;
  static struct windows w;
  if (argc != 2) return 64;
  open_input(&in, argv[1]);
  out.next = out.data;
  make_index(&w.index, 10);
  for (const char *p, *end; next_block(&in, &p, &end);) {
    for (; p < end; p = skip_behind(p, '\n')) {
      if (*p != 'B') continue;
      int64_t auction, time_ms;
      p = expect(read_digits(expect(p, "B,"), &auction), ",");
      p = read_digits(skip_behind(skip_behind(p, ','), ','), &time_ms);
      if (UNLIKELY((uint64_t)(time_ms - w.pane * PANE_MS) >= PANE_MS)) enter_pane(&w, &out, time_ms);
      find_row(&w, auction)->counts[w.pane & (PANES - 1)]++;
    }
  }
  while (w.index.count > 0) close_window(&w, &out);
  flush_output(&out);
  return 0;
}
