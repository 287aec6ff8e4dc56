/* stdin: the standard input. */
#include "io/io.h"

const struct connector connector_stdin = {
    .name = "stdin",
    .syntax = "stdin(FORMAT)",
    .summary = "Reads standard input; a crash loses what was read but not yet saved.",
    .runtime = "flow_connector_stdin",
    .can_read = true,
    .is_live = true,
};
