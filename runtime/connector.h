/* Connectors: where bytes come from and go to. One connector is one file and one struct here; the
 * generated program names it (`flow_connector_file`), and nothing else knows the kinds apart.
 *
 * Reading: a connector opens the places of a source (files, a directory, a stream) and switches
 * from one file to the next. Everything else (blocks, headers, positions) is source.c's and the
 * same for all. Writing: it says how a sink's target is opened; sink.c does the rest.
 */
#ifndef FLOW_CONNECTOR_H
#define FLOW_CONNECTOR_H

#include "report.h"

#include <stdbool.h>
#include <stdint.h>

struct source;

enum connector_target {
  CONNECTOR_NOTHING, /* cannot be written */
  CONNECTOR_FILE,    /* a file with a name */
  CONNECTOR_STDOUT,
};

struct flow_connector {
  const char *name;
  bool is_readable;
  bool is_polled; /* a source of it has no end, but for --once: it is looked at again and again */
  enum connector_target target;

  /* Finds what is there and compares it with the stored positions. FLOW_E_INPUT: missing or
   * changed. */
  enum flow_status (*open)(struct source *, struct flow_report *);

  /* Called when the file that is being read (if any) has no more records for now. Switches to the
   * next one that has (source_switch(), then state is PARTITION_READY); or sets state to
   * PARTITION_IDLE, with wake_us if it wants to be asked again at a time; or to PARTITION_END.
   * `now_us` is monotonic. */
  enum flow_status (*next)(struct source *, int64_t now_us, struct flow_report *);
};

extern const struct flow_connector flow_connector_file;
extern const struct flow_connector flow_connector_followed;
extern const struct flow_connector flow_connector_dir;
extern const struct flow_connector flow_connector_nexmark;
extern const struct flow_connector flow_connector_stdin;
extern const struct flow_connector flow_connector_stdout;

#endif
