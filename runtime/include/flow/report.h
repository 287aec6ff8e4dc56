/* What a function of libflow says to the user when it fails: see report.h of the runtime, which
 * fills it. */
#ifndef FLOW_REPORT_TEXT_H
#define FLOW_REPORT_TEXT_H

#include "flow/status.h"

/* Room for a schema difference of some lines; longer ones are cut. */
#define FLOW_REPORT_MESSAGE 4096
#define FLOW_REPORT_HELP 1024

struct flow_report {
  enum flow_status status;
  char message[FLOW_REPORT_MESSAGE]; /* may have several lines */
  char help[FLOW_REPORT_HELP];       /* what to do; empty: nothing to add */
};

#endif
