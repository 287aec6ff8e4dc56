#include "stop.h"

#include "limits.h"

int stop_open(struct stop *stop, const struct flow_sys *sys) {
  int fd = sys->signals_open(sys);
  *stop = (struct stop){.sys = sys, .fd = fd};
  return fd < 0 ? fd : 0;
}

bool stop_is_asked(struct stop *stop) {
  if (stop->signal != 0) return true;
  if (stop->fd < 0) return false;
  stop->signal = stop->sys->signals_take(stop->sys, stop->fd);
  if (stop->signal == 0) return false;
  stop->deadline_us = stop->sys->monotonic_us(stop->sys) + FLOW_DRAIN_US;
  stop->sys->signals_release(stop->sys, stop->fd);
  stop->fd = -1;
  return true;
}
