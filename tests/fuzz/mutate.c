/* A short, repeatable fuzzer for every run of the tests: it feeds the front end (front.h) with files,
 * and with mutants of them that follow from a seed. Needs neither clang nor AFL++, which search for
 * hours (campaign.py).
 *
 *   mutate DICTIONARY FILES COUNT SEED    every file, then COUNT mutants; --canary: one crashes
 *
 * DICTIONARY has a word per line, FILES the path of a file. An input at which the front end crashes, or for which it takes more
 * than SECONDS_PER_INPUT, is left in ./crash.flow. */
#include "front.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECONDS_PER_INPUT 20
#define MAX_BYTES         16384
#define LIST_BYTES        (1 << 20)
#define MAX_FILES         4096
#define MAX_WORDS         1024

struct piece {
  char *bytes;
  size_t length;
};

struct fuzzer {
  struct piece files[MAX_FILES], words[MAX_WORDS];
  size_t file_count, word_count;
  uint64_t random;
  struct piece input; /* MAX_BYTES of room */
  bool is_canary;
};

static struct fuzzer fuzzer; /* static, because the handler of a crash looks for the input here */

/* -- crashes --------------------------------------------------------------------------------- */

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void save_input(void) {
  int file = open("crash.flow", O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0) return;
  if (write(file, fuzzer.input.bytes, fuzzer.input.length) < 0) return;
  static const char text[] = "the input is in crash.flow\n";
  if (write(2, text, sizeof text - 1) < 0) return;
}

static void on_signal(int number) {
  save_input();
  signal(number, SIG_DFL);
  raise(number);
}

/* Handlers on a stack of their own, because a stack may be what has run out. */
static void watch_for_crashes(void) {
  static char stack[1 << 16];
  stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&other, NULL);
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
  static const int numbers[] = {SIGALRM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  bool is_sanitized = __sanitizer_set_death_callback != NULL;
  if (is_sanitized) __sanitizer_set_death_callback(save_input);
  for (size_t i = 0; i < (is_sanitized ? 2 : 6); i++) sigaction(numbers[i], &action, NULL);
}

/* -- reading --------------------------------------------------------------------------------- */

static _Noreturn void give_up(const char *path) {
  fprintf(stderr, "mutate: %s: %s\n", path, strerror(errno));
  exit(2);
}

/* Reads at most that many bytes of a file. */
static struct piece read_file(const char *path, size_t limit) {
  FILE *file = fopen(path, "rb");
  if (!file) give_up(path);
  struct piece piece = {.bytes = malloc(limit)};
  if (!piece.bytes) give_up(path);
  piece.length = fread(piece.bytes, 1, limit, file);
  fclose(file);
  return piece;
}

/* The lines of a file that are not empty. */
static size_t read_lines(const char *path, struct piece *lines, size_t limit) {
  struct piece text = read_file(path, LIST_BYTES);
  size_t count = 0;
  for (size_t start = 0; start < text.length && count < limit;) {
    size_t end = start;
    while (end < text.length && text.bytes[end] != '\n') end++;
    if (end > start) lines[count++] = (struct piece){text.bytes + start, end - start};
    if (end < text.length) text.bytes[end] = '\0';
    start = end + 1;
  }
  return count;
}

static void read_files(const char *path) {
  fuzzer.file_count = read_lines(path, fuzzer.files, MAX_FILES);
  for (size_t i = 0; i < fuzzer.file_count; i++)
    fuzzer.files[i] = read_file(fuzzer.files[i].bytes, MAX_BYTES);
}

/* -- mutants --------------------------------------------------------------------------------- */

/* xorshift64*: a number below `limit`, which is at least 1. */
static size_t pick(size_t limit) {
  fuzzer.random ^= fuzzer.random >> 12;
  fuzzer.random ^= fuzzer.random << 25;
  fuzzer.random ^= fuzzer.random >> 27;
  return (size_t)((fuzzer.random * 0x2545F4914F6CDD1Dull >> 33) % limit);
}

/* Puts bytes in the place of `count` others at `at`; what has no room any more is lost. The bytes may
 * not lie in the input. */
static void splice(size_t at, size_t count, const char *bytes, size_t length) {
  struct piece *input = &fuzzer.input;
  if (length > MAX_BYTES - at) length = MAX_BYTES - at;
  size_t rest = input->length - at - count, room = MAX_BYTES - at - length;
  if (rest > room) rest = room;
  memmove(input->bytes + at + length, input->bytes + at + count, rest);
  memcpy(input->bytes + at, bytes, length);
  input->length = at + length + rest;
}

/* A part of a file: a few bytes, or some lines. */
static struct piece pick_part(struct piece file) {
  if (file.length == 0) return file;
  size_t start = pick(file.length), end = start + 1 + pick(64);
  if (end > file.length) end = file.length;
  if (pick(2) == 0) {
    while (start > 0 && file.bytes[start - 1] != '\n') start--;
    while (end < file.length && file.bytes[end - 1] != '\n') end++;
  }
  return (struct piece){file.bytes + start, end - start};
}

/* The word at a place of the input: its letters and digits, else one byte. */
static struct piece word_at(size_t at) {
  const struct piece *input = &fuzzer.input;
  size_t start = at, end = at;
#define IS_WORD(c)                                                                                 \
  (((c) >= 'a' && (c) <= 'z') || ((c) >= 'A' && (c) <= 'Z') || ((c) >= '0' && (c) <= '9') ||       \
   (c) == '_')
  while (start > 0 && IS_WORD(input->bytes[start - 1])) start--;
  while (end < input->length && IS_WORD(input->bytes[end])) end++;
#undef IS_WORD
  return (struct piece){input->bytes + start, end > start ? end - start : 1};
}

static void mutate(void) {
  struct piece *input = &fuzzer.input;
  if (input->length == 0) input->bytes[input->length++] = '\n';
  size_t at = pick(input->length);
  struct piece word = word_at(at);
  struct piece other = fuzzer.words[pick(fuzzer.word_count)];
  struct piece part = pick_part(*input);
  static const char odd[] = "\0\n\t\r\"'`{}()[]|>#=.,:;?!-+*/%<@_09azAZ\x7f\x80\xc3\xe2\xf0\xff";
  char copy[4096];
  size_t length = part.length < sizeof copy ? part.length : sizeof copy;
  size_t start = (size_t)(word.bytes - input->bytes);
  switch (pick(9)) {
  case 0: splice((size_t)(part.bytes - input->bytes), part.length, "", 0); break;
  case 1: splice(start, word.length, other.bytes, other.length); break;
  case 2: splice(at, 0, other.bytes, other.length); break;
  case 3: splice(start, word.length, "", 0); break;
  case 4:
    memcpy(copy, part.bytes, length);
    splice(at, 0, copy, length);
    break;
  case 5:
    part = pick_part(fuzzer.files[pick(fuzzer.file_count)]);
    splice(at, 0, part.bytes, part.length);
    break;
  case 6: input->bytes[at] = odd[pick(sizeof odd - 1)]; break;
  case 7: splice(at, 0, &odd[pick(sizeof odd - 1)], 1); break;
  default: input->length = pick(8) == 0 ? at : input->length; break;
  }
}

/* -- running --------------------------------------------------------------------------------- */

static void try(struct piece piece) {
  /* A block of exactly this size, so that a sanitizer sees a read behind it. */
  uint8_t *exact = malloc(piece.length ? piece.length : 1);
  if (!exact) give_up("input");
  memcpy(exact, piece.bytes, piece.length);
  alarm(SECONDS_PER_INPUT);
  LLVMFuzzerTestOneInput(exact, piece.length);
  alarm(0);
  if (fuzzer.is_canary && piece.length % 97 == 0) abort();
  free(exact);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--canary") == 0) {
    fuzzer.is_canary = true;
    argc--, argv++;
  }
  if (argc != 5) {
    fprintf(stderr, "usage: mutate [--canary] DICTIONARY FILES COUNT SEED\n");
    return 2;
  }
  fuzzer.word_count = read_lines(argv[1], fuzzer.words, MAX_WORDS);
  read_files(argv[2]);
  size_t count = strtoul(argv[3], NULL, 10);
  fuzzer.random = strtoull(argv[4], NULL, 10) * 2 + 1;
  fuzzer.input.bytes = malloc(MAX_BYTES);
  if (!fuzzer.input.bytes || !fuzzer.word_count || !fuzzer.file_count) give_up(argv[1]);
  watch_for_crashes();
  for (size_t i = 0; i < fuzzer.file_count + count; i++) {
    struct piece base = fuzzer.files[i < fuzzer.file_count ? i : pick(fuzzer.file_count)];
    memcpy(fuzzer.input.bytes, base.bytes, base.length);
    fuzzer.input.length = base.length;
    if (i >= fuzzer.file_count) {
      for (size_t times = 1 + pick(4); times > 0; times--) mutate();
    }
    try(fuzzer.input);
  }
  printf("%zu files, %zu mutants\n", fuzzer.file_count, count);
  return 0;
}
