/* A library that is loaded before the C library (LD_PRELOAD) and counts what a program allocates.
 *
 * At exit it writes two numbers to the file that ALLOCATIONS_FILE names: how often memory was asked
 * for, and the most bytes that were in use at once. The C library's own functions do the work.
 */
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

static atomic_size_t calls, in_use, most_in_use;

static size_t size_of(void *memory) {
  return memory != NULL ? malloc_usable_size(memory) : 0;
}

static void *count(void *memory, size_t before) {
  calls++;
  size_t now = in_use += size_of(memory) - before;
  if (now > most_in_use) most_in_use = now;
  return memory;
}

void *malloc(size_t size) {
  return count(__libc_malloc(size), 0);
}

void *calloc(size_t number, size_t size) {
  return count(__libc_calloc(number, size), 0);
}

void *realloc(void *memory, size_t size) {
  size_t before = size_of(memory);
  return count(__libc_realloc(memory, size), before);
}

void free(void *memory) {
  in_use -= size_of(memory);
  __libc_free(memory);
}

__attribute__((destructor)) static void report(void) {
  size_t total = calls, most = most_in_use;
  FILE *file = fopen(getenv("ALLOCATIONS_FILE"), "w");
  if (file == NULL) abort();
  fprintf(file, "%zu %zu\n", total, most);
  fclose(file);
}
