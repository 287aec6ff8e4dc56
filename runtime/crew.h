/* The crew: several workers that run blocks in flight, and the engine's thread that admits and retires them.
 *
 * schedule.h says who does what when, flight.h keeps what a block makes. Here are the threads, and
 * what connects them with sources, sinks and epochs. Worker 0 is the engine's own thread. The others are
 * started when a second block is admitted while one is in flight; before that the engine's thread does
 * everything, so a short input, or an epoch per record, costs no switch of threads.
 *
 * Epochs close, hooks run, and records are replayed only while no block is in flight; then the tables belong to
 * the engine's worker, which acts for all.
 *
 *   crew_has_room(c)          then source_take(), and
 *   crew_admit(c, source)     the block is on its way
 *   crew_work(c)              retires a block, runs a task, or waits for one
 *   crew_drain(c)             until none is in flight
 */
#ifndef FLOW_CREW_H
#define FLOW_CREW_H

#include "engine.h"

struct crew;

/* A crew for e->worker_count > 1 workers; it must be freed before the state is. */
struct crew *crew_new(struct engine *);

/* Stops the threads, wherever they are, and frees everything. Null is fine. */
void crew_free(struct crew *);

/* Whether a block may be admitted now. */
bool crew_has_room(const struct crew *);

/* Whether a block is in flight. */
bool crew_is_busy(const struct crew *);

/* Takes the records of the source that start before `limit`, as many as the open epoch has room for, and
 * sends them on their way. */
enum flow_status crew_admit(struct crew *, struct source *, uint64_t limit);

/* One step: retires the oldest block, or runs a task, or waits until there is something to do. A block
 * must be in flight. When a record stops the run, what comes before it is committed, the message is
 * printed, and its status returned, as by engine_stop_at_bad_record() and engine_stop_at_failure(). */
enum flow_status crew_work(struct crew *);

/* Works until no block is in flight. */
enum flow_status crew_drain(struct crew *);

/* Calls the function once for each worker's number, at the same time where threads run, and returns
 * when all have returned. No block may be in flight. */
void crew_call(struct crew *, void (*function)(void *context, uint32_t worker), void *context);

/* Whether the open epoch has all the records that it may have, those in flight counted. */
bool crew_epoch_is_full(const struct crew *);

#endif
