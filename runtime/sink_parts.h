/* The files of a sink whose path depends on the item: `file(f"out/{day}.csv", csv)`.
 *
 * Generated code appends each row in a frame that has the row's path (flow/parts.h); here the frames go to
 * their files. Each file is a row of the store under the sink's id, from its path to its length and the hash of
 * its last bytes, so each is cut back by itself. Files are opened when a row comes for them; at most
 * FLOW_PARTS_OPEN of a sink are open at a time.
 *
 *   parts = sink_parts_new(sys, desc, "out/");          nothing is opened
 *   sink_parts_load(parts, …); sink_parts_loaded(…)     the stored rows
 *   sink_parts_check(parts, restarts, report);          are they what was committed? nothing is changed
 *   sink_parts_begin(parts, report);                    cuts them back
 *   loop: sink_parts_write(parts, frames, length, report);
 *   at a close, when all is written: sink_parts_pack(parts, &out, report);
 *   before a commit: while (sink_parts_take_sync(parts, &sync)) …
 *
 * A path begins with a text that does not depend on the item, `fixed`. The directories in it must be there; those
 * behind it are made. A stored file that is not there any more was taken away by somebody, an
 * archive perhaps: that is no mistake, and rows that come for it begin it anew.
 */
#ifndef FLOW_SINK_PARTS_H
#define FLOW_SINK_PARTS_H

#include "committer.h"
#include "flow/abi.h"
#include "report.h"
#include "sys.h"

struct sink_parts;

/* `fixed` is copied. */
struct sink_parts *sink_parts_new(const struct flow_sys *, const struct flow_sink_desc *,
                                  const char *fixed);
/* Closes what is open. Null is fine. */
void sink_parts_free(struct sink_parts *);

/* Takes a row of the store, and the number of the next one. */
enum flow_status sink_parts_load(struct sink_parts *, uint64_t row, const void *key,
                                 size_t key_length, const void *value, size_t value_length,
                                 struct flow_report *);
void sink_parts_loaded(struct sink_parts *, uint64_t next_row);

/* Takes a row of the store as it was before --resume-epoch gave epochs up, when the rows that are left are
 * loaded: a file that only those epochs have written goes with them. */
void sink_parts_given_up(struct sink_parts *, const void *key, size_t key_length, const void *value,
                         size_t value_length);

/* Verifies that each stored file that is there holds what was committed; nothing to do if the sink
 * `restarts`. FLOW_E_MISMATCH if one was edited. */
enum flow_status sink_parts_check(struct sink_parts *, bool restarts, struct flow_report *);

/* Cuts each stored file back to what was committed, or empties it; removes those that were given up. */
enum flow_status sink_parts_begin(struct sink_parts *, struct flow_report *);

/* True if the store must be told of files that were emptied. */
bool sink_parts_must_commit(const struct sink_parts *);

/* Writes whole frames to their files. */
enum flow_status sink_parts_write(struct sink_parts *, const char *frames, size_t length,
                                  struct flow_report *);

/* Appends the store's rows of the files that changed since the last close. */
enum flow_status sink_parts_pack(struct sink_parts *, struct flow_buf *out, struct flow_report *);

/* The next file that is not yet durable; false: that were all. It counts as done. */
bool sink_parts_take_sync(struct sink_parts *, struct commit_sync *sync);

/* Goes back to the last close: cuts files, and removes those that were made since. No commit is in
 * flight. */
enum flow_status sink_parts_rewind(struct sink_parts *, struct flow_report *);

/* Frames in a buffer. */
uint64_t sink_parts_count(const char *frames, size_t length);

#endif
