#include "test/diff.h"

#include <stdint.h>
#include <string.h>

/* Equal rows that are shown around a difference, and lines that are shown at all. */
#define CONTEXT 2
#define LINES   60

/* Cells of the table that finds the longest common rows; larger differences are not aligned. */
#define CELLS 4000000

/* One place of the alignment; an index is -1 where the row is missing on that side. */
struct pair {
  long expected, got;
  bool is_equal;
};
VEC_OF(pairs, struct pair);

struct diff {
  const struct diff_row *expected, *got;
  size_t expected_count, got_count;
  struct pairs pairs;
  struct arena *arena;
};

static bool is_same(const struct diff *d, size_t i, size_t j) {
  return strcmp(d->expected[i].compared, d->got[j].compared) == 0;
}

bool diff_is_empty(const struct diff_rows *expected, const struct diff_rows *got) {
  if (expected->count != got->count) return false;
  const struct diff d = {.expected = expected->data, .got = got->data};
  for (size_t i = 0; i < expected->count; i++)
    if (!is_same(&d, i, i)) return false;
  return true;
}

/* -- alignment ------------------------------------------------------------------------------- */

/* Rows of one side only: those of both sides at one place are taken for changed ones. */
static void add_gap(struct diff *d, size_t from, size_t to, size_t got_from, size_t got_to) {
  while (from < to || got_from < got_to) {
    struct pair pair = {-1, -1, false};
    if (from < to) pair.expected = (long)from++;
    if (got_from < got_to) pair.got = (long)got_from++;
    vec_push(d->arena, &d->pairs, pair);
  }
}

static void add_equal(struct diff *d, size_t i, size_t j) {
  vec_push(d->arena, &d->pairs, (struct pair){(long)i, (long)j, true});
}

/* Longest common subsequence of expected[from, to) and got[got_from, got_to). */
static void align(struct diff *d, size_t from, size_t to, size_t got_from, size_t got_to) {
  size_t rows = to - from, columns = got_to - got_from, width = columns + 1;
  if (rows == 0 || columns == 0 || rows > CELLS / width) {
    add_gap(d, from, to, got_from, got_to);
    return;
  }
  uint32_t *length =
      arena_zalloc(d->arena, (rows + 1) * width * sizeof *length); /* of what is behind */
  for (size_t i = rows; i-- > 0;) {
    for (size_t j = columns; j-- > 0;) {
      uint32_t down = length[(i + 1) * width + j], right = length[i * width + j + 1];
      length[i * width + j] = is_same(d, from + i, got_from + j)
                                  ? length[(i + 1) * width + j + 1] + 1
                              : down > right ? down
                                             : right;
    }
  }
  size_t i = 0, j = 0, gap = 0, got_gap = 0;
  while (i < rows && j < columns) {
    if (is_same(d, from + i, got_from + j)) {
      add_gap(d, from + gap, from + i, got_from + got_gap, got_from + j);
      add_equal(d, from + i++, got_from + j++);
      gap = i, got_gap = j;
    } else if (length[(i + 1) * width + j] >= length[i * width + j + 1]) {
      i++;
    } else {
      j++;
    }
  }
  add_gap(d, from + gap, to, got_from + got_gap, got_to);
}

static void find_pairs(struct diff *d) {
  size_t start = 0, end = 0, n = d->expected_count, m = d->got_count;
  while (start < n && start < m && is_same(d, start, start)) start++;
  while (end < n - start && end < m - start && is_same(d, n - end - 1, m - end - 1)) end++;
  for (size_t i = 0; i < start; i++) add_equal(d, i, i);
  align(d, start, n - end, start, m - end);
  for (; end > 0; end--) add_equal(d, n - end, m - end);
}

/* -- printing -------------------------------------------------------------------------------- */

static int digits_of(size_t number) {
  int count = 1;
  for (; number >= 10; number /= 10) count++;
  return count;
}

/* Code points before the first difference of two texts. */
static size_t equal_columns(const char *a, const char *b) {
  size_t columns = 0;
  for (; *a != '\0' && *a == *b; a++, b++) columns += ((unsigned char)a[1] & 0xc0) != 0x80;
  return columns;
}

static void write_line(struct text *out, const char *margin, char sign, int width, long number,
                       const char *row) {
  text_addf(out, "%s  %c %*ld   %s\n", margin, sign, width, number + 1, row);
}

static void write_pair(const struct diff *d, const struct pair *pair, const char *margin, int width,
                       bool is_first, struct text *out) {
  const char *expected = pair->expected < 0 ? NULL : d->expected[pair->expected].shown;
  const char *got = pair->got < 0 ? NULL : d->got[pair->got].shown;
  if (pair->is_equal) {
    write_line(out, margin, ' ', width, pair->got, got);
    return;
  }
  if (expected != NULL) write_line(out, margin, '-', width, pair->expected, expected);
  if (got != NULL) write_line(out, margin, '+', width, pair->got, got);
  if (!is_first) return;
  size_t column = expected != NULL && got != NULL ? equal_columns(expected, got) : 0;
  text_addf(out, "%s    %*s   ", margin, width, "");
  text_pad(out, ' ', column);
  text_addf(out, "^ %s\n",
            got == NULL        ? "this is missing"
            : expected == NULL ? "this is not expected"
                               : "the first difference");
}

/* Whether a difference is so near that the row is shown. */
static bool is_near(const struct pairs *pairs, size_t place) {
  if (place >= pairs->count) return true;
  size_t from = place < CONTEXT ? 0 : place - CONTEXT, to = place + CONTEXT;
  for (size_t i = from; i <= to && i < pairs->count; i++)
    if (!pairs->data[i].is_equal) return true;
  return false;
}

void diff_write(const struct diff_rows *expected, const struct diff_rows *got, const char *margin,
                struct text *out) {
  struct diff d = {.expected = expected->data,
                   .got = got->data,
                   .expected_count = expected->count,
                   .got_count = got->count,
                   .arena = out->arena};
  find_pairs(&d);
  int width = digits_of(expected->count > got->count ? expected->count : got->count);
  bool is_first = true;
  size_t shown = 0, hidden = 0;
  for (size_t i = 0; i < d.pairs.count; i++) {
    const struct pair *pair = &d.pairs.data[i];
    /* To say that one row is left out takes a line, too. */
    bool is_alone = (i == 0 || is_near(&d.pairs, i - 1)) && is_near(&d.pairs, i + 1);
    if (shown >= LINES || (!is_near(&d.pairs, i) && !is_alone)) {
      hidden++;
      continue;
    }
    if (hidden > 0) text_addf(out, "%s    %*s   … %zu equal\n", margin, width, "", hidden);
    hidden = 0;
    write_pair(&d, pair, margin, width, is_first && !pair->is_equal, out);
    is_first = is_first && pair->is_equal;
    shown++;
  }
  if (hidden > 0)
    text_addf(out, "%s    %*s   … %zu %s\n", margin, width, "", hidden,
              shown >= LINES ? "more" : "equal");
}
