/* Workload B by hand: cart_join FILE */
#include "hand.h"

#include <emmintrin.h>

enum { BATCH = 64, INLINE_IDS = 4, PAID_MAX = 3 };

/* Order ids; up to INLINE_IDS of them lie in the list itself. */
struct list {
  uint32_t count, capacity;
  union {
    int64_t few[INLINE_IDS];
    int64_t *many;
  };
};

struct row {
  struct key key;
  struct list paid, unpaid;
};

struct event {
  struct key user;
  int64_t order;
  uint64_t hash;
  bool is_payment;
};

static struct index index_of_rows;
static struct row *rows;
static uint32_t row_capacity;

/* -- lists ----------------------------------------------------------------------------------- */

static int64_t *ids_of(struct list *list) {
  return list->capacity > 0 ? list->many : list->few;
}

static void grow(struct list *list) {
  uint32_t capacity = 2 * list->count;
  int64_t *many = malloc(capacity * sizeof *many);
  if (many == NULL) give_up("no memory", 70);
  memcpy(many, ids_of(list), list->count * sizeof *many);
  if (list->capacity > 0) free(list->many);
  list->many = many;
  list->capacity = capacity;
}

static void push(struct list *list, int64_t id) {
  if (UNLIKELY(list->count == (list->capacity > 0 ? list->capacity : INLINE_IDS))) grow(list);
  ids_of(list)[list->count++] = id;
}

static void remove_at(struct list *list, uint32_t at) {
  int64_t *ids = ids_of(list);
  list->count--;
  for (; at < list->count; at++) ids[at] = ids[at + 1];
}

static void remove_id(struct list *list, int64_t id) {
  const int64_t *ids = ids_of(list);
  for (uint32_t i = 0; i < list->count; i++)
    if (ids[i] == id) {
      remove_at(list, i);
      return;
    }
}

/* -- rows ------------------------------------------------------------------------------------ */

/* The number of the row in which the key's hash most likely lies, or 0. */
static uint32_t likely_row(uint64_t hash) {
  uint32_t tag = (uint32_t)(hash >> 32);
  for (uint32_t at = first_slot(&index_of_rows, hash);; at = next_slot(&index_of_rows, at)) {
    uint64_t slot = index_of_rows.slots[at];
    if (slot == 0 || slot >> 32 == tag) return (uint32_t)slot;
  }
}

static struct row *find_row(struct key key, uint64_t hash) {
  uint32_t tag = (uint32_t)(hash >> 32);
  for (uint32_t at = first_slot(&index_of_rows, hash);; at = next_slot(&index_of_rows, at)) {
    uint64_t slot = index_of_rows.slots[at];
    if (slot == 0) break;
    if (slot >> 32 != tag) continue;
    struct row *row = &rows[(uint32_t)slot - 1];
    if (LIKELY(is_same_key(row->key, key))) return row;
  }
  if (index_of_rows.count == row_capacity) {
    row_capacity = row_capacity == 0 ? 1024 : 2 * row_capacity;
    rows = realloc(rows, row_capacity * sizeof *rows);
    if (rows == NULL) give_up("no memory", 70);
  }
  struct row *row = &rows[index_of_rows.count];
  *row = (struct row){.key = key};
  add_to_index(&index_of_rows, hash);
  return row;
}

/* -- JSON ------------------------------------------------------------------------------------ */

/* A string without escapes, up to its closing quote. */
static const char *read_text(const char *p, struct key *key) {
  __m128i text = _mm_loadu_si128((const __m128i *)(const void *)p);
  __m128i special = _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('"')),
                                 _mm_cmpeq_epi8(text, _mm_set1_epi8('\\')));
  special = _mm_or_si128(special, _mm_cmplt_epi8(text, _mm_set1_epi8(0x20)));
  unsigned length = (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(special) | 0x10000u);
  if (UNLIKELY(p[length] != '"')) give_up("not a short plain string", 65);
  *key = make_key(p, length);
  return p + length;
}

static const char *read_id(const char *p, int64_t *id) {
  const char *first = p;
  uint64_t value = 0;
  for (unsigned digit; (digit = (unsigned char)*p - '0') < 10; p++) value = value * 10 + digit;
  if (UNLIKELY(p == first || p - first > 18)) give_up("no order id", 65);
  *id = (int64_t)value;
  return p;
}

static const char *read_event(const char *p, struct event *event) {
  p = expect(p, "{\"user_id\": \"");
  p = read_text(p, &event->user);
  p = expect(p, "\", \"type\": \"");
  event->is_payment = *p == 'p';
  p = event->is_payment ? expect(p, "payment\"") : expect(p, "order\"");
  p = expect(p, ", \"order_id\": ");
  p = read_id(p, &event->order);
  return expect(p, "}\n");
}

static char *put_list(char *p, struct list *list) {
  const int64_t *ids = ids_of(list);
  for (uint32_t i = 0; i < list->count; i++) {
    if (i > 0) p = put_literal(p, ", ");
    p = put_int(p, ids[i]);
  }
  return p;
}

static void apply(struct output *out, const struct event *event) {
  struct row *row = find_row(event->user, event->hash);
  if (event->is_payment) {
    remove_id(&row->unpaid, event->order);
    push(&row->paid, event->order);
    if (row->paid.count > PAID_MAX) remove_at(&row->paid, 0);
  } else {
    push(&row->unpaid, event->order);
  }
  if (UNLIKELY((row->paid.count + row->unpaid.count) * 22 + 128 > ROW_BYTES))
    give_up("a row that is too long", 65);
  char *p = begin_row(out);
  p = put_literal(p, "{\"user_id\": \"");
  p = put_key(p, &row->key);
  p = put_literal(p, "\", \"paid_order_ids\": [");
  p = put_list(p, &row->paid);
  p = put_literal(p, "], \"unpaid_order_ids\": [");
  p = put_list(p, &row->unpaid);
  out->next = put_literal(p, "]}\n");
}

int main(int argc, char **argv) {
  static struct input in;
  static struct output out;
  if (argc != 2) return 64;
  open_input(&in, argv[1]);
  out.next = out.data;
  make_index(&index_of_rows, 10);
  for (const char *p, *end; next_block(&in, &p, &end);) {
    while (p < end) {
      struct event events[BATCH];
      size_t count = 0;
      while (count < BATCH && p < end) {
        p = read_event(p, &events[count]);
        uint64_t hash = events[count].hash = hash_key(events[count].user);
        __builtin_prefetch(&index_of_rows.slots[first_slot(&index_of_rows, hash)]);
        count++;
      }
      for (size_t i = 0; i < count; i++) {
        uint32_t number = likely_row(events[i].hash);
        if (number == 0) continue;
        __builtin_prefetch(&rows[number - 1]);
        __builtin_prefetch(&rows[number - 1].unpaid);
      }
      for (size_t i = 0; i < count; i++) apply(&out, &events[i]);
    }
  }
  flush_output(&out);
  return 0;
}
