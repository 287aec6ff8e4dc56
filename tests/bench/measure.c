/* Runs a command and writes what it took to stderr, as one line:
 *
 *   measure FILE COMMAND [ARGUMENT…]      stdout of the command goes to FILE
 *   wall µs, user µs, system µs, peak KiB, and with `-` as FILE, which is a pipe that is read here:
 *   µs until the first byte of output, longest µs between two reads
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

struct times {
  int64_t first_us; /* when the first byte came, or 0 */
  int64_t gap_us;   /* longest wait for the next bytes */
};

/* Reads until the end. */
static struct times drain(int pipe) {
  static char data[1 << 16];
  struct times times = {0, 0};
  int64_t last = 0;
  ssize_t length;
  while ((length = read(pipe, data, sizeof data)) != 0) {
    if (length < 0 && errno != EINTR) break;
    int64_t now = now_us();
    if (length > 0 && times.first_us == 0) times.first_us = last = now;
    if (now - last > times.gap_us) times.gap_us = now - last;
    last = now;
  }
  return times;
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
  struct times times = {0, 0};
  if (is_pipe) times = drain(ends[0]);
  int status;
  struct rusage used;
  while (wait4(child, &status, 0, &used) < 0)
    if (errno != EINTR) return 71;
  fprintf(stderr, "%lld %lld %lld %ld %lld %lld\n", (long long)(now_us() - start),
          (long long)to_us(used.ru_utime), (long long)to_us(used.ru_stime), used.ru_maxrss,
          (long long)(times.first_us > 0 ? times.first_us - start : 0), (long long)times.gap_us);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 70;
}
