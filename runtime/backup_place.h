/* Where a backup lies: a directory or a bucket, as objects with names.
 *
 *   struct backup_place_settings settings = {.url = "s3://bucket/flows/cart", …};
 *   struct backup_place *place;
 *   if (backup_place_open(sys, &settings, &place, &report) != FLOW_OK) …
 *   enum place_result result = place->put(place, "a/b", data, length, false, &report);
 *   place->close(place);
 *
 * One thread at a time. A call ends early when is_cancelled() says so: it is asked several times
 * a second while a call waits. */
#ifndef FLOW_BACKUP_PLACE_H
#define FLOW_BACKUP_PLACE_H

#include "flow/value.h"
#include "report.h"
#include "sys.h"

#include <stdbool.h>

enum place_result {
  PLACE_OK,
  PLACE_MISSING,   /* get: there is no such object */
  PLACE_EXISTS,    /* put with `is_new`: there is one already */
  PLACE_REFUSED,   /* asking again will not help: access denied, no such bucket */
  PLACE_FAILED,    /* it may help: no connection, a full disk, an error of the server */
  PLACE_CANCELLED, /* no report */
};

struct backup_place_settings {
  const char *url;         /* file:///DIR or s3://BUCKET/PREFIX; kept by pointer */
  const char *s3_endpoint; /* null: as the environment says */
  bool (*is_cancelled)(void *context);
  void *context;
};

/* Gets the name of an object behind the prefix of the place; false ends the listing. */
typedef bool (*place_name)(void *context, const char *name);

/* The functions get the place that they were called on. Results that are neither OK, MISSING,
 * EXISTS nor CANCELLED come with a report that names the place, and no secret. */
struct backup_place {
  /* Puts an object; when it returns OK the object is durable and whole. If `is_new`, only if there
   * is none of that name; of several that try at the same time, one succeeds. */
  enum place_result (*put)(struct backup_place *, const char *name, const void *data, size_t length,
                           bool is_new, struct flow_report *);
  /* Puts the object's bytes into *out, which is emptied first. */
  enum place_result (*get)(struct backup_place *, const char *name, struct flow_buf *out,
                           struct flow_report *);
  /* Lists the names that begin with `folder`, which ends in a slash, in any order. */
  enum place_result (*list)(struct backup_place *, const char *folder, place_name, void *context,
                            struct flow_report *);
  /* Removes an object; OK if it is not there. */
  enum place_result (*remove)(struct backup_place *, const char *name, struct flow_report *);
  void (*close)(struct backup_place *);
};

/* Opens the place that the URL names; nothing is read or written yet. FLOW_E_USAGE: not such a URL;
 * FLOW_E_MISMATCH: something is missing to use it (credentials, libcurl). *place is owned by the
 * caller. */
enum flow_status backup_place_open(const struct flow_sys *, const struct backup_place_settings *,
                                   struct backup_place **, struct flow_report *);

/* True if the text is a URL of a place; else the report says what is wrong (FLOW_E_USAGE). */
bool backup_url_is_good(const char *url, struct flow_report *);

/* -- the two kinds: each is called for URLs that were found good */

enum flow_status backup_dir_open(const struct flow_sys *, const struct backup_place_settings *,
                                 struct backup_place **, struct flow_report *);
enum flow_status backup_s3_open(const struct flow_sys *, const struct backup_place_settings *,
                                struct backup_place **, struct flow_report *);

#endif
