/* Connectors (where bytes come from and go to) and formats (how records lie in them).
 *
 * Two tables of the same kind as the operators: one connector or format is one file here and one
 * row of connectors.def or formats.def. `file("x.csv", csv(delimiter: ";"))` is a connector call
 * whose second argument is a format.
 */
#ifndef FLOWCC_IO_IO_H
#define FLOWCC_IO_IO_H

#include "front/ast.h"

struct checker;
struct emit;

/* What a checked source or sink reads or writes (decl->io). */
struct io_spec {
  const struct connector *connector;
  const struct format *format;
  struct expr *location;  /* a string expression of literals and params; null for stdin, stdout. Of
                             a generated source: the number of its events */
  bool has_parts;         /* `location` is an f-string that depends on the item: a file for each path */
  struct expr *fixed;     /* then: what stands in it before the first value of the item */
  int64_t poll_us;        /* dir: how often to look for new files */
  char delimiter;         /* csv */
  bool has_header;        /* csv */
};

struct connector {
  const char *name;
  const char *syntax;  /* "dir(PATH, FORMAT, poll: DURATION)" */
  const char *summary;
  const char *runtime; /* name of its `struct flow_connector` in libflow */
  bool can_read, can_write;
  bool has_location;   /* takes a path as its first argument */
  bool can_have_parts; /* the path of a sink may depend on the item */
  bool has_poll;       /* takes `poll: DURATION` */
  bool is_live;        /* has no end: waits for more */

  /* A generated source takes `events: INT` and nothing else. It has a format of its own; `cycle` says
   * which events are records, as struct flow_source_desc has it. */
  const struct format *format;
  const char *(*cycle)(struct emit *, const struct decl *source);
};

struct format {
  const char *name;
  const char *syntax; /* "csv(header: BOOL, delimiter: STRING)" */
  const char *summary;
  const char *framing; /* how the runtime finds record ends: "FLOW_FRAMING_LINES" or "FLOW_FRAMING_CSV" */
  bool skips_blank;    /* lines of blanks are no records */

  /* Reports (at `span`) an item type that the format, with the options of `io`, cannot carry, with a way
   * out. */
  bool (*check_item)(struct checker *, struct span span, const struct io_spec *io,
                     const struct type *item, bool is_read);

  /* Writes `static enum flow_parse <name>(struct flow_worker *, struct flow_block *, ITEM *out)`,
   * which decodes the record at the block's cursor and moves the cursor past it. */
  void (*emit_parser)(struct emit *, const struct decl *source, const char *name);

  /* Writes `static void <name>(struct flow_worker *, struct flow_buf *, const ITEM *item)`, which
   * appends one record. `type` is the item type of the stream that is written. */
  void (*emit_printer)(struct emit *, const struct io_spec *io, const struct type *type, const char *name);
};

#define CONNECTOR(name) extern const struct connector connector_##name;
#include "io/connectors.def"
#undef CONNECTOR
#define FORMAT(name) extern const struct format format_##name;
#include "io/formats.def"
#undef FORMAT

/* Of the sinks that `flowcc test` adds; no program can name it. */
extern const struct format format_capture;

const struct connector *connector_find(const char *name);
const struct format *format_find(const char *name);
const struct connector *const *connector_all(size_t *count);
const struct format *const *format_all(size_t *count);

/* Types the connector call `call` of a source or sink: fills and returns the spec, or reports what
 * is wrong with it (unknown connector, format or option, wrong direction) and returns null. */
struct io_spec *io_check(struct checker *, struct expr *call, bool is_read);

/* Types the path of a sink that depends on the item, once that is known: with `has_parts`, for the first item
 * only. False after a diagnostic. */
bool io_check_parts(struct checker *, struct io_spec *, const struct type *item);

#endif
