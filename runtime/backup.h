/* Backups: every committed epoch is copied to a directory or a bucket, beside the run, and a
 * lost state directory is made again from there.
 *
 * A thread of its own ships what was committed: at the snapshot interval the new epochs as
 * objects, then a manifest that names all objects of the copy (backup_format.h); after each fold
 * the new base; then it deletes what the last two manifests do not name. It borrows the store
 * for a few milliseconds at a time; neither workers nor commits wait for an upload. What has to
 * wait are folds: no epoch is folded away before it was shipped, so while the place cannot be
 * reached the state directory grows.
 *
 *   backup_restore(sys, &settings, dir, &restored, &report);      if there is no state in dir
 *   … open the store; flow_store_keep() everything; start the committer …
 *   backup_start(sys, &settings, committer, interval_us, is_stopped, context, &backup, &report);
 *   now and then: backup_status(backup, &report);
 *   backup_finish(backup, is_stopped, context, &report);          end of input: waits for the rest
 *   backup_stop(backup);                                          before the committer is stopped
 *
 * What goes wrong. At the start a place that refuses (no such bucket, access denied, another
 * flow's backup) ends the run before it begins; a place that does not answer gives a warning.
 * Later on, both give a warning, and are tried again and again, with longer and longer pauses,
 * while the run goes on. At the end it is tried a few times more; then backup_finish() fails.
 * The run ends at once, with FLOW_E_LOCKED, if another run has begun to write the same backup. */
#ifndef FLOW_BACKUP_H
#define FLOW_BACKUP_H

#include "backup_place.h"
#include "committer.h"
#include "report.h"
#include "store.h"
#include "sys.h"

#include <stdbool.h>
#include <stdint.h>

struct backup_settings {
  const char *url;         /* file:///DIR or s3://BUCKET/PREFIX */
  const char *s3_endpoint; /* null: as the environment says */
  const char *flow_name;   /* whose backup it is; null, for a restore: anyone's */
  const char *flow_was;    /* the flow's former name, or null: a backup of that name is its, too */
};

/* -- restoring */

struct backup_restored {
  bool is_found;     /* there was a backup; else nothing was done */
  int64_t head;      /* its newest epoch */
  int64_t wall_us;   /* when its manifest was made */
  uint32_t skipped;  /* newer manifests that could not be used */
  char why[512];     /* why the first of them could not */
  uint64_t bytes;    /* that were read */
};

/* Makes the store in `dir`, which must not have one, from the newest manifest of which every
 * object is there and has its hash. Tries again a few times if the place does not answer.
 * `is_stopped` is asked now and then; if it says so, FLOW_E_LOCKED comes back without a report.
 * FLOW_E_MISMATCH: another flow's backup; FLOW_E_CORRUPT: there are manifests, and none can be
 * used. When it fails, there is no store in `dir`. */
enum flow_status backup_restore(const struct flow_sys *, const struct backup_settings *,
                                const char *dir, bool (*is_stopped)(void *context), void *context,
                                struct backup_restored *, struct flow_report *);

/* -- shipping */

struct backup;

/* Starts the thread, and waits until it has tried once to take the backup over. A place that
 * refuses is a failure: FLOW_E_MISMATCH, FLOW_E_USAGE; FLOW_E_LOCKED without a report:
 * `is_stopped` said that there is no time. `interval_us` lies between two shipments. The
 * settings' texts, the committer and its store must outlive the backup. *backup is the caller's
 * also after a failure: backup_stop(). */
enum flow_status backup_start(const struct flow_sys *, const struct backup_settings *,
                              struct committer *, int64_t interval_us,
                              bool (*is_stopped)(void *context), void *context, struct backup **,
                              struct flow_report *);

/* FLOW_OK, or why the run has to end. Costs next to nothing. */
enum flow_status backup_status(struct backup *, struct flow_report *);

/* Becomes readable when backup_status() has bad news: for wait() of the system table. */
int backup_wake_fd(const struct backup *);

/* Waits until everything that was committed is shipped, or `is_stopped` says that there is no
 * time. The engine must not use the store meanwhile. FLOW_E_IO: the place does not take it; the
 * message says which epochs it has. */
enum flow_status backup_finish(struct backup *, bool (*is_stopped)(void *context), void *context,
                               struct flow_report *);

/* Ends the thread, in the middle of an upload if need be, and frees all. Null is fine. */
void backup_stop(struct backup *);

#endif
