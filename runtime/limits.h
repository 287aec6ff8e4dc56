/* The named limits of the engine and its inputs, with their reasons. Others stand in the header of
 * the module that they belong to (store.h, epoch.h, schema.h). */
#ifndef FLOW_LIMITS_H
#define FLOW_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of one input record with its line end. It must lie in memory in one piece; a longer one is
 * a reject of its first line (semantics, rule 42), whatever the block size. */
#define FLOW_RECORD_BYTES ((size_t)16 << 20)

/* Bytes that are read at once and make a block, unless one record is longer. Large enough that
 * calls into the system do not count, small enough for the second-level cache. */
#define FLOW_BLOCK_BYTES ((size_t)256 << 10)

/* A source that generates its events has a byte for each in its blocks; their rows are as large as
 * those that take this many bytes of a file. */
#define FLOW_EVENT_BYTES ((size_t)64)

/* Blocks in flight for each worker: one that it parses, one whose rows it takes, one in between. They bound
 * the memory between source and sinks. */
#define FLOW_FLIGHTS_PER_WORKER 3

/* Threads that --workers may ask for. Every block in flight has a lane for each. */
#define FLOW_WORKERS_MAX 256

/* The same with several workers, where a block has rows and output of its own in memory until it leaves. */
#define FLOW_FLIGHT_BYTES ((size_t)128 << 10)

/* Raw bytes of the open epoch that a source keeps because it cannot be read again (stdin, FIFOs);
 * then the epoch closes and commits (rule 15). */
#define FLOW_KEPT_BYTES ((size_t)64 << 20)

/* A sink's buffered bytes that are written between batches. */
#define FLOW_SINK_BYTES ((size_t)64 << 10)

/* The same for a sink of many files, which each get a part of them. */
#define FLOW_PARTS_BYTES ((size_t)1 << 20)

/* Files that such a sink keeps open: well below the usual limit of 1024 for a process, also with some of them. */
#define FLOW_PARTS_OPEN 32

/* Bytes of a path, and of a name in it: what Linux allows. */
#define FLOW_PATH_BYTES 4095
#define FLOW_NAME_BYTES 255

/* Bytes of one write to a pipe or terminal. POSIX lets a ready pipe take this many without waiting,
 * so a signal is never stuck behind a reader that sleeps. */
#define FLOW_PIPE_BYTES ((size_t)4096)

/* Microseconds without input after which a live source counts as quiet: its epoch is then closed
 * and committed. A writer that pauses between two lines should not cost a disk sync per line. */
#define FLOW_QUIET_US ((int64_t)20000)

/* Microseconds for which the rest of a file in a polled directory has to stay as it is until it
 * counts as a record without a line end (rule 41), besides two polls. */
#define FLOW_SETTLE_US ((int64_t)2000000)

/* Microseconds between two looks whether a FIFO that is to be written has a reader. */
#define FLOW_FIFO_US ((int64_t)50000)

/* Microseconds that a sink may block after SIGTERM before the open epoch is given up (rule 18). */
#define FLOW_DRAIN_US ((int64_t)1000000)

/* Microseconds between two looks for a signal while the store's thread is waited for. */
#define FLOW_STOP_LOOK_US ((int64_t)50000)

/* How often `on at` may run for one key in turn without a later time: a list of as many things that are
 * all due at once can be worked off one by one; a hook that has forgotten to move its time cannot hang the run. */
#define FLOW_TIMER_REPEATS 1000000
#define FLOW_TIMER_REPEATS_TEXT "1,000,000"

/* Microseconds after which a run that waits for a deadline looks at the clock again, which may be set. */
#define FLOW_CLOCK_LOOK_US ((int64_t)60000000)

/* Bytes of a record or line that a message shows. */
#define FLOW_SHOWN_BYTES 160

#endif
