/* The system as a program sees it that `flowcc test` runs: the real one, but for four things.
 *
 * - The clock stands still until the driver moves it, and waiting for a time takes none.
 * - Paths stay inside the working directory, which belongs to the test: an absolute path lies below
 *   SYS_TEST_ROOT there, and so does what `..` leads to. Folders are made when a file is.
 * - Where the program would wait for ever for input, it says `idle` on stdout and reads a command
 *   from stdin:
 *     go KILL          there is input; die at the call number KILL, counted from here (0: do not)
 *     advance KILL US  the same, and the clock moves by microseconds
 *   The end of stdin kills it: the driver is gone.
 * - Calls that read input, write output, make it durable or wait are counted. SIGKILL at a chosen one
 *   shows what a crash there leaves behind.
 *
 *   struct sys_test system;
 *   sys_test_init(&system, clock_us, kill_at);
 *   code = engine_main(&system.sys, program, argc, argv);
 */
#ifndef FLOW_SYS_TEST_H
#define FLOW_SYS_TEST_H

#include "sys.h"

/* The folder of what belongs to the test and not to the flow, and what is below it. */
#define SYS_TEST_FOLDER ".test/"
#define SYS_TEST_ROOT   SYS_TEST_FOLDER "root"

/* Bytes of a path, with its end. */
#define SYS_TEST_PATH 4096

struct sys_test {
  struct flow_sys sys; /* first, because calls get this one */
  const struct flow_sys *base;
  struct flow_monitor *lock; /* for the numbers below: the committer's thread counts, too */
  int64_t realtime_us, monotonic_us;
  uint64_t calls, kill_at;
  uint32_t skipped; /* waits in a row that have only moved the clock */
};

void sys_test_init(struct sys_test *, int64_t realtime_us, uint64_t kill_at);
void sys_test_free(struct sys_test *);

/* Where a path of the flow lies in the test's folder. False: it is too long. */
bool sys_test_place(const char *path, char placed[SYS_TEST_PATH]);

#endif
