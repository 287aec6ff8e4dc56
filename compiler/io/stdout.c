/* stdout: the standard output. */
#include "io/io.h"

const struct connector connector_stdout = {
    .name = "stdout",
    .syntax = "stdout(FORMAT)",
    .summary = "Writes standard output; every flow has the sink `stdout`, which needs no declaration.",
    .runtime = "flow_connector_stdout",
    .can_write = true,
};
