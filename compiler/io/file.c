/* file: one file, read to its end or written from its start. */
#include "io/io.h"

const struct connector connector_file = {
    .name = "file",
    .syntax = "file(PATH, FORMAT)",
    .summary = "Reads or writes one file.",
    .runtime = "flow_connector_file",
    .can_read = true,
    .can_write = true,
    .has_location = true,
    .can_have_parts = true,
};
