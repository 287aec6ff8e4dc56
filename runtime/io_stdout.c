/* stdout: written in order, at least once (semantics, rule 8). */
#include "connector.h"

const struct flow_connector flow_connector_stdout = {
    .name = "stdout",
    .target = CONNECTOR_STDOUT,
};
