/* SIGTERM and SIGINT: the wish to stop, as something that can be asked for and waited for. */
#ifndef FLOW_STOP_H
#define FLOW_STOP_H

#include "sys.h"

#include <stdbool.h>
#include <stdint.h>

struct stop {
  const struct flow_sys *sys;
  int fd;              /* readable when a signal is there; -1: none is awaited (any more) */
  int signal;          /* the one that came; 0: none */
  int64_t deadline_us; /* monotonic time until which sinks may drain */
};

/* From here on signals are taken. A negative errno on failure. */
int stop_open(struct stop *, const struct flow_sys *);

/* True if a signal came. After the first one a second ends the process at once. */
bool stop_is_asked(struct stop *);

#endif
