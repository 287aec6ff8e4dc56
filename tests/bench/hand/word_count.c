/* Workload C by hand: word_count final|update FILE */
#include "hand.h"

#include <emmintrin.h>

enum { BATCH = 64 };

struct row {
  struct key key;
  int64_t count;
};

static struct index index_of_rows;
static struct row *rows;
static uint32_t row_capacity;

static struct row *find_row(struct key key, uint64_t hash) {
  uint32_t tag = (uint32_t)(hash >> 32);
  for (uint32_t at = first_slot(&index_of_rows, hash);; at = next_slot(&index_of_rows, at)) {
    uint64_t slot = index_of_rows.slots[at];
    if (slot == 0) break;
    struct row *row = &rows[(uint32_t)slot - 1];
    if (slot >> 32 == tag && LIKELY(is_same_key(row->key, key))) return row;
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

/* A cell without quotes, which is the whole line. */
static const char *read_word(const char *p, struct key *key) {
  const char *start = p;
  for (;;) {
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i special = _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8(',')),
                                   _mm_cmpeq_epi8(text, _mm_set1_epi8('"')));
    special = _mm_or_si128(special, _mm_cmplt_epi8(text, _mm_set1_epi8(0x20)));
    int found = _mm_movemask_epi8(special);
    if (LIKELY(found != 0)) {
      p += __builtin_ctz((unsigned)found);
      break;
    }
    p += 16;
  }
  if (UNLIKELY(*p != '\n')) give_up("not one plain cell", 65);
  *key = make_key(start, (size_t)(p - start));
  return p + 1;
}

static void write_row(struct output *out, const struct row *row) {
  char *p = begin_row(out);
  p = put_literal(p, "{\"word\": \"");
  p = put_key(p, &row->key);
  p = put_literal(p, "\", \"count\": ");
  p = put_int(p, row->count);
  out->next = put_literal(p, "}\n");
}

int main(int argc, char **argv) {
  static struct input in;
  static struct output out;
  if (argc != 3) return 64;
  bool is_update = strcmp(argv[1], "update") == 0;
  open_input(&in, argv[2]);
  out.next = out.data;
  make_index(&index_of_rows, 10);
  bool is_header = true;
  for (const char *p, *end; next_block(&in, &p, &end);) {
    if (is_header && (end - p < 5 || memcmp(p, "word\n", 5) != 0)) give_up("no header", 65);
    if (is_header) p += 5;
    is_header = false;
    while (p < end) {
      struct key keys[BATCH];
      uint64_t hashes[BATCH];
      size_t count = 0;
      while (count < BATCH && p < end) {
        p = read_word(p, &keys[count]);
        hashes[count] = hash_key(keys[count]);
        __builtin_prefetch(&index_of_rows.slots[first_slot(&index_of_rows, hashes[count])]);
        count++;
      }
      for (size_t i = 0; i < count; i++) {
        struct row *row = find_row(keys[i], hashes[i]);
        row->count++;
        if (is_update) write_row(&out, row);
      }
    }
  }
  for (uint32_t i = 0; !is_update && i < index_of_rows.count; i++) write_row(&out, &rows[i]);
  flush_output(&out);
  return 0;
}
