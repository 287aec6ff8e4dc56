/* The store: what survives a crash. A history of epochs in one LMDB database, its types inside.
 *
 * The store keeps rows for a number of ids. An id is a flat name of the program: a state, a source,
 * a sink; it has a small number, and types for its keys and values. A row is a u64 number, a key
 * that never changes, and a value. What the engine hands over per epoch are the rows that changed,
 * packed by generated code (codec.h, "entries of a delta"). The store appends them; it never
 * rewrites a row at commit. State, source positions and sink lengths are all rows, so they are
 * committed, rewound and folded by the same code and can never disagree.
 *
 *   commit   one LMDB transaction = one or more whole epochs; when it returns they are durable
 *   load     the rows as of the newest epoch, in row order, in the program's present types
 *   prepare  fits the store to the program; goes back, forgetting the newest epochs (--resume-epoch)
 *   fold     moves old epochs into the base, one tree per id, whenever there is time
 *
 * A run, in order:
 *
 *   flow_store_open(sys, &options, &store, &report);         locks, checks every byte it can
 *   flow_store_prepare(store, &plan, numbers, &report);      types fit? rewind, migrate
 *   for each id: flow_store_load(store, numbers[i], callback, context, &loaded, &report);
 *   loop: flow_store_commit(store, epochs, count, &report);
 *         flow_store_fold(store, 5000, &report);
 *   flow_store_close(store);
 *
 * After any failed commit, rewind or fold the store refuses further work: the run must end, and the
 * next one starts from the last commit. Any thread may call, but only one at a time, and none after
 * fork(). LMDB does its own I/O, past sys.h; everything else here goes through it.
 *
 * What damage is found. Every record has a checksum over its bytes and its place; epochs form a
 * chain of checksums; each base tree has the number and the sum of its rows. Before LMDB opens the
 * file, the structure of all its pages is checked (store_check.c), because LMDB trusts them. So
 * a flipped, lost or swapped byte in saved data is refused with FLOW_E_CORRUPT, and does not crash.
 * Not found: bytes in unused space (they do not matter), and damage to the newest of the two LMDB
 * meta pages that makes it look like an older commit, in which case the store is that older,
 * consistent one. Damage by someone who recomputes checksums is not looked for.
 */
#ifndef FLOW_STORE_H
#define FLOW_STORE_H

#include "flow/codec.h"
#include "flow/schema.h"
#include "flow/store.h"
#include "report.h"
#include "sys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ids of one store, dropped ones included: LMDB keeps an array of as many trees per transaction. */
#define FLOW_STORE_IDS 1000
/* Bytes of an id's or a flow's name. */
#define FLOW_STORE_NAME 255
/* Bytes of the text of a type; far above what a program of usual size has. */
#define FLOW_STORE_TYPE_TEXT (1u << 20)
/* Bytes of a row's key, and of its value, at most: what is committed beyond that cannot be loaded.
 * The engine's own limit has to lie below. LMDB's limit for both together is 4 GiB - 1. */
#define FLOW_STORE_ROW ((size_t)1 << 31)

struct flow_store;

/* -- opening ---------------------------------------------------------------------------------- */

struct flow_store_options {
  const char *dir;
  const char *flow_name;        /* whose state this is; null without `create`: anyone's, to copy it */
  const char *flow_was;         /* its former name, or null: state of that name is taken over */
  const char *compiler_version; /* "flowcc 0.1.0"; recorded only */
  bool create;                  /* make the directory and the store if they are missing */
  uint64_t retain_epochs;       /* --retain-epochs: epochs before the newest that stay reachable */
  uint64_t map_size;            /* first try for the size of the memory map; 0: large */
  uint64_t fold_floor;          /* bytes of epochs that a fold is worth; 0: FLOW_STORE_FOLD_FLOOR */
};

/* Opens the store in options->dir and takes its lock; the texts in the options are copied. A
 * directory that is made here has mode 0700. Also finishes or removes what a crash left half
 * done.
 *
 * FLOW_E_LOCKED: another process holds the lock; the message names its pid. FLOW_E_CREATE: the
 * directory cannot be made, or something else has its name. FLOW_E_IO: it cannot be read or
 * written. FLOW_E_MISMATCH: another flow's state, a format of a newer flowcc, a network file
 * system, or (without `create`) nothing there. FLOW_E_CORRUPT: damage that leaves no epoch to go
 * back to, or the data file is gone. Nothing is changed when it fails. On success *store is owned by the caller:
 * flow_store_close(). */
enum flow_status flow_store_open(const struct flow_sys *, const struct flow_store_options *,
                                 struct flow_store **store, struct flow_report *);

/* Gives back the lock and the memory. Null is fine. Does not commit anything. */
void flow_store_close(struct flow_store *);

/* Closes a store that was not used after all: what flow_store_open() made, store and directory, is
 * taken away again unless an epoch was committed since. Null is fine. */
void flow_store_discard(struct flow_store *);

struct flow_store_range {
  int64_t head;     /* newest committed epoch; -1: none yet */
  int64_t base;     /* epochs up to this one are folded; -1: none; below oldest - 1: a fold runs */
  int64_t oldest;   /* --resume-epoch may name oldest … newest; */
  int64_t newest;   /* newest is head + 1 */
  int64_t damaged;  /* the first epoch whose data is damaged, or -1; earlier ones are good */
  uint64_t timeline; /* counts rewinds; (timeline, epoch) names an epoch for ever */
};

struct flow_store_range flow_store_range(const struct flow_store *);

/* Reads the record of epoch `number`; FLOW_E_RANGE if it is not kept. */
enum flow_status flow_store_epoch_info(struct flow_store *, int64_t number,
                                       struct flow_store_epoch_info *, struct flow_report *);

/* -- what the program declares ---------------------------------------------------------------- */

struct flow_store_plan {
  const struct flow_store_id *ids;
  size_t id_count;
  const char *const *drops; /* --accept-drop: "cart" (the id, or fields of it) or "cart.field" */
  size_t drop_count;
  int64_t resume_epoch;     /* --resume-epoch N, or FLOW_STORE_NEWEST */
  const struct flow_buf *going_back; /* or null; see flow_store_going_back() */
};

/* Appends what flow_store_prepare() has kept of an earlier run's plan.going_back when it gave up epochs: what
 * the run has to do outside of the store before its first commit, which forgets it. Nothing if there is nothing. */
enum flow_status flow_store_going_back(struct flow_store *, struct flow_buf *out, struct flow_report *);

/* Compares the program with the store and makes the store fit, in one small transaction: goes
 * back to the end of epoch resume_epoch - 1, adds ids and new versions of types, renames, drops.
 * The plan is only read. numbers[i] gets the number of ids[i], >= 1. What is written counts from
 * the next epoch on: until one is committed, a later program may still choose other types.
 *
 * When it succeeds, report->message tells in words what was migrated, one change a line; empty
 * if nothing was. FLOW_E_MISMATCH: a type changed in a way that cannot be migrated (the message
 * shows old and new), or a state, source or field is gone and not in `drops`. FLOW_E_RANGE: the
 * epoch cannot be reached; the message names the range. FLOW_E_CORRUPT: the chosen epoch or one
 * before it is damaged; the message names the newest good one. Nothing is touched on refusal. */
enum flow_status flow_store_prepare(struct flow_store *, const struct flow_store_plan *,
                                    uint16_t *numbers, struct flow_report *);

/* The number of the next id of a kind, and its name: of all that the store holds, in the program or
 * not. Begins with *id == 0. False: there is none left. The name lives until the next prepare(). */
bool flow_store_next_id(const struct flow_store *, enum flow_store_kind, uint16_t *id,
                        const char **name);

/* -- loading ---------------------------------------------------------------------------------- */

/* Gets one live row: key and value in the program's present types. The bytes live until it returns.
 * A failure stops the load; the callback fills the report that it knows of. */
typedef enum flow_status (*flow_store_row)(void *context, uint64_t row, const void *key,
                                           size_t key_length, const void *value,
                                           size_t value_length);

struct flow_store_loaded {
  uint64_t rows;     /* live ones */
  uint64_t bytes;    /* of their keys and values */
  uint64_t next_row; /* greater than any row ever used under this id, live or not */
};

/* Hands out every live row of an id once, in row order. `id` is a number from flow_store_prepare().
 * FLOW_E_CORRUPT: the base of this id is damaged, or a value does not have its stored type.
 * FLOW_E_MISMATCH: a value cannot be migrated (an int that has no exact float). */
enum flow_status flow_store_load(struct flow_store *, uint16_t id, flow_store_row, void *context,
                                 struct flow_store_loaded *, struct flow_report *);

/* -- committing ------------------------------------------------------------------------------- */

/* Changed rows of one id in one epoch: whole entries, as codec.h packs them. */
struct flow_store_part {
  uint16_t id;
  const void *data;
  size_t length;
};

struct flow_store_epoch {
  int64_t number; /* head + 1, then consecutive */
  uint64_t records_in, records_out, records_rejected;
  int64_t now_us;
  /* In any order; empty ones are fine. Several parts of one id, as several workers pack them, are
   * put one behind the other; if a row is in two of them, the later one counts. */
  const struct flow_store_part *parts;
  size_t part_count;
};

/* Commits one or more whole epochs in one transaction. On FLOW_OK they are on the disk.
 * Otherwise none of them is, and the store takes no more: FLOW_E_FULL for a full disk,
 * FLOW_E_IO, FLOW_E_MEMORY; FLOW_E_BUG if the numbers or ids are not as above. The parts are
 * only read. */
enum flow_status flow_store_commit(struct flow_store *, const struct flow_store_epoch *epochs,
                                   size_t count, struct flow_report *);

/* -- housekeeping ----------------------------------------------------------------------------- */

/* Folds old epochs into the base, if it is time to: when the epochs that may go (not the
 * retained ones) weigh three quarters of the base's pages, and at least the fold floor. Works for
 * about `budget_us`, in transactions of a few milliseconds, and goes on at the next call. Costs next to
 * nothing when there is nothing to do. Pauses while another process reads an older state. */
enum flow_status flow_store_fold(struct flow_store *, int64_t budget_us, struct flow_report *);

/* True if those epochs weigh as much as the base: to keep the file small, fold on, until this is false,
 * before you commit more. */
bool flow_store_must_fold(const struct flow_store *);

/* True if flow_store_fold() has something to do now. False while another process reads an older
 * state, as the last call found: then a call after the next commit will look again. */
bool flow_store_can_fold(const struct flow_store *);

/* Epochs lighter than this together are not worth a fold. */
#define FLOW_STORE_FOLD_FLOOR ((uint64_t)4 << 20)

struct flow_store_stats {
  uint64_t file_bytes;  /* size of data.mdb */
  uint64_t base_bytes;  /* keys and values in the base */
  uint64_t base_rows;
  uint64_t delta_bytes; /* what the kept epochs take, their records included */
  uint64_t epochs;      /* kept */
  uint64_t folds;       /* finished since the store was opened */
  bool is_folding;
};

struct flow_store_stats flow_store_stats(const struct flow_store *);

/* -- copies ----------------------------------------------------------------------------------- */

/* A store can be copied while it is in use, piece by piece (backup.h does), and made again from the
 * pieces. A piece is the base, or a range of epochs, or the head: what belongs to no epoch. It is a
 * sequence of the store's records with their checksums, which are verified when they are copied out
 * and when the new store is opened. A copy is one head, made last, the base that the head names (none if
 * that is -1), and all epochs behind it up to the head's.
 *
 *   struct flow_store_copy copy = {.first = 7, .last = 9};
 *   while (!copy.is_done) flow_store_copy_next(store, &copy, limit, &bytes, &report);
 *   flow_store_copy_head(store, base, 9, &head, &report);
 *
 *   flow_store_import_begin(sys, dir, &store, &report);
 *   flow_store_import(store, head.data, head.length, &report);    the head first
 *   flow_store_import(store, bytes.data, bytes.length, &report);  then base, then epochs in order
 *   flow_store_import_end(store, timeline, &report);
 *   flow_store_close(store);
 */

/* The 16 bytes that tell this store from all others. They live as long as the store. */
const uint8_t *flow_store_identity(const struct flow_store *);

/* The name of the flow that it belongs to, which lives as long. */
const char *flow_store_flow_name(const struct flow_store *);

/* What has to stay until it is copied. A fold begins only up to epoch `copied`, and none begins while
 * `holds_base` is set. A dropped id stays while the copy has an older base than its drop. */
struct flow_store_keep {
  int64_t copied; /* INT64_MAX: there is no copy */
  int64_t base;   /* of the copy; INT64_MAX likewise */
  bool holds_base;
};

void flow_store_keep(struct flow_store *, const struct flow_store_keep *);

/* A piece that is being copied: epochs first … last, or with is_base the base, which must not change
 * meanwhile: first == last == range.base, and holds_base. */
struct flow_store_copy {
  int64_t first, last;
  bool is_base;
  bool is_done;
  uint64_t link; /* when done: the checksum of the record of epoch `last` */
  /* Where the next call goes on. */
  int64_t epoch;
  uint16_t id;
  uint64_t row, sum;
  uint64_t chunks, chunk_hash, before;
  uint32_t chunk;
  bool has_begun, has_record, has_counts;
};

/* Appends whole records to *out, at least one and no more than are needed to reach `limit` bytes; sets
 * is_done behind the last one. FLOW_E_CORRUPT if one is damaged, FLOW_E_RANGE if it is not there. */
enum flow_status flow_store_copy_next(struct flow_store *, struct flow_store_copy *, size_t limit,
                                      struct flow_buf *out, struct flow_report *);

/* Appends the head of a copy with the given base and newest epoch: the types, and whose it is. */
enum flow_status flow_store_copy_head(struct flow_store *, int64_t base, int64_t head,
                                      struct flow_buf *out, struct flow_report *);

/* True if every id that the head of a copy declares is still declared by a later head. */
bool flow_store_head_covers(const void *later, size_t later_length, const void *earlier,
                            size_t earlier_length);

/* The checksum of the record of an epoch, which covers all before it: FLOW_E_RANGE (without a
 * report) if it is not kept. The base's own is. */
enum flow_status flow_store_link(struct flow_store *, int64_t epoch, uint64_t *link);

/* True if there is a store in the directory, whatever its condition. */
bool flow_store_is_there(const struct flow_sys *, const char *dir);

/* Begins a store from a copy in a directory that has none; it is made if it is missing. The store
 * appears at import_end(); until then a crash leaves nothing. FLOW_E_MISMATCH: there is one already;
 * others as flow_store_open(). Ends with flow_store_close(), and after a failure of any of the three
 * functions with flow_store_discard(), which leaves nothing behind. */
enum flow_status flow_store_import_begin(const struct flow_sys *, const char *dir,
                                         struct flow_store **, struct flow_report *);
/* FLOW_E_CORRUPT if the bytes are not what flow_store_copy_* made, FLOW_E_MISMATCH for a format that
 * this program does not know. */
enum flow_status flow_store_import(struct flow_store *, const void *data, size_t length,
                                   struct flow_report *);
/* `timeline` must be larger than any that the copied store has used: epochs that follow may have the
 * numbers of some that were committed behind the copy. */
enum flow_status flow_store_import_end(struct flow_store *, uint64_t timeline, struct flow_report *);

#endif
