/* dir: the files of a directory, in the order in which they are found; they may appear and grow. */
#include "io/io.h"

const struct connector connector_dir = {
    .name = "dir",
    .syntax = "dir(PATH, FORMAT, poll: DURATION)",
    .summary = "Reads all files of a directory; with `poll` also those that appear or grow later.",
    .runtime = "flow_connector_dir",
    .can_read = true,
    .has_location = true,
    .has_poll = true,
    .is_live = true,
};
