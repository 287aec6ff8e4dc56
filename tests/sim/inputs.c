#include "inputs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT = 64 << 10, FOLDER_FILES = 6 };

int carts_main(int argc, char **argv);
int chain_main(int argc, char **argv);
int hooks_main(int argc, char **argv);
int deadlines_main(int argc, char **argv);
int stops_main(int argc, char **argv);
int folder_main(int argc, char **argv);
int windows_main(int argc, char **argv);

/* A file that is being made up. */
struct text {
  char bytes[TEXT];
  size_t length;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int n = vsnprintf(t->bytes + t->length, TEXT - t->length, format, arguments);
  va_end(arguments);
  if (n < 0 || t->length + (size_t)n >= TEXT) world_fail("too much input");
  t->length += (size_t)n;
}

/* Input is there for good: no crash takes it away. */
static void save(struct world *w, const char *path, struct text *t) {
  int node = world_make(w, path, false);
  if (node < 0) world_fail("cannot make %s", path);
  world_write(w, node, 0, t->bytes, t->length, true);
  world_sync(w, node);
  world_sync_names(w, path);
  t->length = 0;
}

/* The last line of some files has no end. */
static void save_cut(struct world *w, const char *path, struct text *t) {
  if (t->length > 0 && world_chance(w, 4)) t->length--;
  save(w, path, t);
}

static uint32_t record_count(struct world *w) {
  return (uint32_t)(5 + world_dice(w, world_chance(w, 3) ? 250 : 60));
}

static void make_carts(struct world *w, uint32_t part, uint32_t parts) {
  static const char *const kinds[] = {"order", "order", "order", "payment", "leave"};
  struct text t = {.length = 0};
  uint32_t users = (uint32_t)(1 + world_dice(w, 12));
  (void)part;
  (void)parts;
  for (uint32_t i = record_count(w); i > 0; i--) {
    if (world_chance(w, 15)) {
      add(&t, "{\"user\": \"u1\", \"kind\": \"order\", \"n\": \"x%u\"}\n", i);
    } else {
      add(&t, "{\"user\": \"u%u\", \"kind\": \"%s\", \"n\": %u}\n", (unsigned)world_dice(w, users),
          kinds[world_dice(w, 5)], (unsigned)world_dice(w, 20));
    }
  }
  save_cut(w, "carts.jsonl", &t);
}

static void make_sales(struct world *w, const char *path) {
  struct text t = {.length = 0};
  add(&t, "shop,item,count\n");
  for (uint32_t i = record_count(w); i > 0; i--) {
    if (world_chance(w, 20)) {
      add(&t, "broken,%u\n", i);
    } else {
      add(&t, "s%u,%s,%u\n", (unsigned)world_dice(w, 4), world_chance(w, 2) ? "pen" : "paper",
          (unsigned)world_dice(w, 9));
    }
  }
  save_cut(w, path, &t);
}

static void make_chain(struct world *w, uint32_t part, uint32_t parts) {
  (void)part;
  (void)parts;
  make_sales(w, "sales.csv");
  make_sales(w, "returns.csv");
}

static void make_hooks(struct world *w, uint32_t part, uint32_t parts) {
  struct text t = {.length = 0};
  (void)part;
  (void)parts;
  add(&t, "account,cents\n");
  for (uint32_t i = record_count(w); i > 0; i--) {
    if (world_chance(w, 15))
      add(&t, "a,none\n");
    else
      add(&t, "a%u,%u\n", (unsigned)world_dice(w, 6), (unsigned)world_dice(w, 50));
  }
  save_cut(w, "moves.csv", &t);
}

static void make_deadlines(struct world *w, uint32_t part, uint32_t parts) {
  struct text t = {.length = 0};
  (void)part;
  (void)parts;
  add(&t, "caller,wait\n");
  for (uint32_t i = record_count(w); i > 0; i--) {
    if (world_chance(w, 15))
      add(&t, "c,none\n");
    else
      add(&t, "c%u,%u\n", (unsigned)world_dice(w, 9), (unsigned)world_dice(w, 12));
  }
  save_cut(w, "calls.csv", &t);
}

static void make_windows(struct world *w, uint32_t part, uint32_t parts) {
  struct text t = {.length = 0};
  uint32_t now = 30;
  (void)part;
  (void)parts;
  add(&t, "auction,price,at\n");
  for (uint32_t i = record_count(w); i > 0; i--) {
    now += (uint32_t)world_dice(w, world_chance(w, 10) ? 12 : 3);
    if (world_chance(w, 20))
      add(&t, "1,much,%u\n", (unsigned)now);
    else
      add(&t, "%u,%u,%u\n", (unsigned)world_dice(w, 6), (unsigned)world_dice(w, 90),
          (unsigned)(now - world_dice(w, world_chance(w, 6) ? 30 : 4)));
  }
  save_cut(w, "bids.csv", &t);
}

static void make_stops(struct world *w, uint32_t part, uint32_t parts) {
  struct text t = {.length = 0};
  uint32_t count = record_count(w), stop = (uint32_t)world_dice(w, count + 1);
  (void)part;
  (void)parts;
  for (uint32_t i = 0; i < count; i++) {
    bool stops = i == stop || (i > stop && world_chance(w, 5));
    if (stops && world_chance(w, 2)) {
      add(&t, "{\"key_name\": \"k1\", \"n\": oops}\n");
    } else {
      add(&t, "{\"key_name\": \"k%u\", \"n\": %u}\n", (unsigned)world_dice(w, 5),
          stops ? 999999 : (unsigned)world_dice(w, 3));
    }
  }
  save_cut(w, "rows.jsonl", &t);
}

static void make_folder(struct world *w, uint32_t part, uint32_t parts) {
  struct text t = {.length = 0};
  if (world_find(w, "visits") < 0) {
    world_make(w, "visits", true);
    world_sync_names(w, "visits");
  }
  for (uint32_t file = 0; file < FOLDER_FILES; file++) {
    char path[WORLD_PATH];
    snprintf(path, sizeof path, "visits/%c.csv", (char)('a' + file));
    add(&t, "user,page\n");
    for (uint64_t i = 1 + world_dice(w, 30); i > 0; i--) {
      if (world_chance(w, 20))
        add(&t, "broken\n");
      else
        add(&t, "u%u,p%u\n", (unsigned)world_dice(w, 4), (unsigned)world_dice(w, 12));
    }
    bool is_due = file * parts < part * FOLDER_FILES;
    if (is_due && world_find(w, path) < 0) save(w, path, &t);
    t.length = 0;
  }
}

const struct input_flow input_flows[] = {
    {.program = {"carts", carts_main},
     .sinks = {"left.txt", "large.csv", "dead.jsonl"},
     .make = make_carts},
    {.program = {"chain", chain_main},
     .sinks = {"totals.txt", "log.jsonl", "parts.txt", "ends.txt"},
     .has_end = true,
     .make = make_chain},
    {.program = {"hooks", hooks_main},
     .sinks = {"sums.jsonl", "ticks.txt"},
     .sees_epochs = true,
     .make = make_hooks},
    {.program = {"deadlines", deadlines_main},
     .sinks = {"backs.txt", "gone.jsonl"},
     .sees_epochs = true,
     .make = make_deadlines},
    {.program = {"stops", stops_main},
     .sinks = {"sums.csv", "all.txt"},
     .unordered = "all.txt",
     .make = make_stops},
    {.program = {"folder", folder_main},
     .sinks = {"pages.jsonl"},
     .is_folder = true,
     .make = make_folder},
    {.program = {"windows", windows_main},
     .sinks = {"hot.jsonl", "visits.csv", "dead.txt"},
     .has_end = true,
     .make = make_windows},
};
const uint32_t input_flow_count = sizeof input_flows / sizeof input_flows[0];
