/* What a program has beside flow/flow.h when `flowcc test` has built it: the values that its test
 * blocks feed and expect, and a main of its own.
 *
 * It is the same program otherwise, run by the same engine. The driver starts it in a folder made
 * for one test, feeds its sources, looks at its sinks, kills it, and starts it again (runtime/sys_test.h
 * has the protocol).
 *
 *   static const flow_test_print test_values[] = {test_value_0, test_value_1};
 *   int main(int argc, char **argv) {
 *     return flow_test_main(&flow_program, test_values, 2, argc, argv);
 *   }
 */
#ifndef FLOW_TEST_H
#define FLOW_TEST_H

#include "flow/abi.h"

/* Appends a value as JSON. False: computing it failed, and the worker's failure says why. */
typedef bool (*flow_test_print)(struct flow_worker *, struct flow_buf *out);

/* PROGRAM describe CLOCK 0 ARG …   prints what the driver has to know: a line `source NUMBER PATH` for
 *                                  each source, in their order, and for each value `value JSON` or
 *                                  `failure REASON`
 * PROGRAM run CLOCK KILL ARG …     runs it until it is killed; KILL as in runtime/sys_test.h
 *
 * CLOCK is the time (microseconds since 1970), the ARGs are those of any program. Returns the exit
 * code. */
int flow_test_main(const struct flow_program *, const flow_test_print *values, uint32_t value_count,
                   int argc, char **argv);

#endif
