/* Workload A by hand: running_sum FILE */
#include "hand.h"

static const char *read_int(const char *p, int64_t *value) {
  bool is_negative = *p == '-';
  p += is_negative;
  const char *first = p;
  uint64_t digits = 0;
  for (unsigned digit; (digit = (unsigned char)*p - '0') < 10; p++) digits = digits * 10 + digit;
  if (UNLIKELY(*p != '\n' || p == first || p - first > 18)) give_up("no int", 65);
  *value = is_negative ? -(int64_t)digits : (int64_t)digits;
  return p + 1;
}

int main(int argc, char **argv) {
  static struct input in;
  static struct output out;
  if (argc != 2) return 64;
  open_input(&in, argv[1]);
  out.next = out.data;
  int64_t total = 0;
  for (const char *p, *end; next_block(&in, &p, &end);) {
    while (p < end) {
      int64_t value;
      p = read_int(p, &value);
      if (UNLIKELY(__builtin_add_overflow(total, value, &total))) give_up("overflow", 70);
      char *row = begin_row(&out);
      row = put_literal(row, "('ALL', ");
      row = put_int(row, total);
      out.next = put_literal(row, ")\n");
    }
  }
  flush_output(&out);
  return 0;
}
