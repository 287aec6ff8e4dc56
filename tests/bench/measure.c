/* Runs a command and writes what it took to stderr, as one line:
 *
 *   measure FILE COMMAND [ARGUMENT…]      stdout of the command goes to FILE
 *   wall µs, user µs, system µs, peak KiB, µs until the first byte of output (`-` as FILE only)
 *
 * A small program does this because a child starts with the peak memory of the process that it was
 * forked from, and the one that runs the benchmarks is larger than what it measures.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int64_t to_us(struct timeval time) {
  return time.tv_sec * INT64_C(1000000) + time.tv_usec;
}

/* Reads until the end; returns when the first byte came, or 0. */
static int64_t drain(int pipe) {
  static char data[1 << 16];
  int64_t first = 0;
  ssize_t length;
  while ((length = read(pipe, data, sizeof data)) != 0) {
    if (length < 0 && errno != EINTR) break;
    if (length > 0 && first == 0) first = now_us();
  }
  return first;
}

int main(int argc, char **argv) {
  if (argc < 3) return 64;
  int ends[2] = {-1, -1};
  int is_pipe = strcmp(argv[1], "-") == 0;
  if (is_pipe && pipe(ends) != 0) return 71;
  int out = is_pipe ? ends[1] : open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (out < 0) return 73;
  int64_t start = now_us();
  pid_t child = fork();
  if (child == 0) {
    dup2(out, STDOUT_FILENO);
    if (is_pipe) close(ends[0]);
    close(out);
    execvp(argv[2], argv + 2);
    _exit(127);
  }
  close(out);
  if (child < 0) return 71;
  int64_t first = is_pipe ? drain(ends[0]) : 0;
  int status;
  struct rusage used;
  while (wait4(child, &status, 0, &used) < 0)
    if (errno != EINTR) return 71;
  fprintf(stderr, "%lld %lld %lld %ld %lld\n", (long long)(now_us() - start),
          (long long)to_us(used.ru_utime), (long long)to_us(used.ru_stime), used.ru_maxrss,
          (long long)(first > 0 ? first - start : 0));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 70;
}
