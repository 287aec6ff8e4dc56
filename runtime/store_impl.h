/* Inside the store: its memory, and the functions that its files share. Only store*.c include this.
 *
 *   store.c         opening, closing, transactions, errors
 *   store_format.c  the bytes of every record, checksums: pure functions
 *   store_check.c   the structure of LMDB's pages, before LMDB sees them
 *   store_read.c    reading what is there into memory, verifying every epoch
 *   store_schema.c  prepare: the program's ids and types against the stored ones
 *   store_commit.c  appending epochs, rewinding
 *   store_base.c    the rows of an id as of one epoch, in chunks
 *   store_delta.c   the rows of an id that changed in a range of epochs, sorted
 *   store_load.c    base and deltas together, in the types of one version
 *   store_view.c    flow/store.h: opening beside a run, short transactions
 *   store_show.c    flow/store.h: rows, changes, epochs, checks
 *   store_drop.c    flow/store.h: forgetting an id
 *   store_against.c flow/store.h: a program against what is saved
 *   store_fold.c    folding, in slices
 *   store_copy.c    copying out and in
 *
 * The sub-databases; be16/32/64 are big endian, so that LMDB's order is the order of numbers:
 *
 *   meta    "store"                         → struct store_meta
 *           "base" be16 id                  → struct store_base
 *           "back"                          → checksum, the bytes of a struct flow_store_plan's `going_back`
 *   schema  be16 id, be32 0                 → kind, created, dropped
 *           be16 id, be32 version           → name, created, text of key and value type
 *   epochs  be64 epoch                      → struct store_epoch; the oldest one is the base's
 *   delta   be64 epoch, be16 id, be32 chunk → checksum, schema version, a piece of the entries
 *   base.N  native u64 row                  → checksum; rows: number, schema versions, key, value
 */
#ifndef FLOW_STORE_IMPL_H
#define FLOW_STORE_IMPL_H

#include "schema.h"
#include "store.h"

struct MDB_cursor;
struct MDB_env;
struct MDB_txn;
struct MDB_val;

/* Raised when older programs could misread what newer ones write. */
#define STORE_FORMAT 1
#define STORE_DATA_FILE "data.mdb"
/* Bytes of the longest path in the state directory. */
#define STORE_PATH 4096
/* A value of this size takes 16 pages with LMDB's header of an overflow page. */
#define STORE_CHUNK (65536 - 16)
#define STORE_CHUNK_HEADER 12
#define STORE_CHUNK_KEY 14
/* A full chunk of a base takes one page with LMDB's header of an overflow page. */
#define STORE_BASE_CHUNK (4096 - 16)
#define STORE_BASE_HEADER 8
/* Partitions take turns by stripes of this many bytes (a constant of the language, rule 2). */
#define STORE_STRIPE 65536
/* What a chunk and an epoch cost beside their bytes: tree nodes, page ends, the epoch's record. */
#define STORE_CHUNK_COST 48
#define STORE_EPOCH_COST 160
/* A file that is smaller than this is never copied to make it smaller. */
#define STORE_COMPACT_FLOOR ((uint64_t)16 << 20)

/* -- records -- */

struct store_meta {
  uint32_t format;
  uint8_t store_id[16];
  uint64_t timeline;
  int64_t head;      /* newest epoch, -1: none */
  int64_t base;      /* base.N are the state at its end, -1: they are empty */
  int64_t fold_to;   /* the base that a running fold makes; equal to base: none runs */
  uint16_t fold_id;  /* its cursor: rows below fold_row of this id, and lower ids, are done */
  uint64_t fold_row;
  uint16_t next_id;  /* numbers are never used again */
  uint32_t stripe;
  int64_t created_us;
  char flow_name[FLOW_STORE_NAME + 1];
  char compiler[FLOW_STORE_NAME + 1];
};

/* What base.N must hold. */
struct store_base {
  uint64_t rows, bytes, sum; /* sum of the chunks' checksums */
  uint64_t next_row;
};

struct store_epoch {
  struct flow_store_epoch_info info;
  uint64_t chunks, chunk_hash; /* how many, and a hash over their checksums in order */
  uint64_t before;             /* checksum of the record of the epoch before */
};

struct store_version {
  int64_t created; /* the first epoch that may use it */
  const char *name;
  const char *key_text, *value_text;
  const struct flow_type *key, *value;
  /* To the next version; made when first needed. */
  struct flow_schema_diff key_diff, value_diff;
  bool has_diff;
};

struct store_id {
  uint16_t number;
  enum flow_store_kind kind;
  int64_t created; /* the first epoch that may hold it */
  int64_t dropped; /* the first epoch that does not hold it any more, -1: alive */
  struct store_version *versions; /* [0] is version 1 */
  uint32_t version_count;
  struct store_base base;
  uint64_t base_size; /* of the base's pages beyond the first, when the last fold ended */
};

/* A row of an id as of the end of a range of epochs; the bytes are where the deltas are. */
struct store_row {
  uint64_t row;
  const uint8_t *key, *value; /* key: null if only older epochs have it; value: null if gone */
  size_t key_length, value_length;
  uint32_t key_version, value_version;
};

/* An entry of a delta: its row, and where it begins. */
struct store_ref {
  uint64_t row;
  uint32_t piece, offset;
};

/* Bytes with whole entries in them: of a chunk, or one entry that several chunks had. */
struct store_piece {
  const uint8_t *data;
  size_t length;
  uint32_t version;
};

/* All changes of one id in a range of epochs, sorted by row and then by age. */
struct store_rows {
  struct store_ref *refs;
  size_t count, capacity;
  size_t at; /* the next one to be handed out */
  struct store_piece *pieces;
  size_t piece_count, piece_capacity;
  struct store_block *blocks; /* copies of chunks that belong together */
};

struct store_fold {
  struct flow_buf image; /* packed rows of meta.fold_id, from meta.fold_row on; see store_fold.c */
  struct flow_buf old, out; /* scratch of store_base.c */
  size_t cursor;
  bool has_image;
  bool is_paused; /* an older state is being read by another process, when it was last looked at */
  uint64_t finished;
};

struct flow_store {
  const struct flow_sys *sys;
  char dir[STORE_PATH];
  int lock_fd;
  int pid;
  struct MDB_env *env;
  unsigned meta_db, schema_db, epochs_db, delta_db;
  uint64_t map_size, retain, fold_floor;
  struct flow_store_keep keep;
  bool has_failed;
  bool has_back; /* there may be a record "back" */
  bool is_locked, made_dir, made_store; /* by this flow_store_open() */
  bool is_import;                       /* is being made from a copy */
  /* Of this program; meta has those of the last one. */
  char flow_name[FLOW_STORE_NAME + 1], compiler[FLOW_STORE_NAME + 1];
  struct store_meta meta;
  uint64_t head_link; /* checksum of the record of the head */
  struct flow_schema_pool *pool; /* of ids; replaced when they are read anew */
  struct store_id *ids;          /* sorted by number */
  size_t id_count;
  int64_t damaged;               /* first epoch with damage, or -1 */
  char damage[256];              /* what is wrong with it */
  uint64_t *weights;             /* bytes of each epoch from base + 1 on */
  size_t weight_capacity;
  uint64_t delta_bytes, foldable_bytes;
  int64_t foldable_to; /* newest epoch that is counted in foldable_bytes */
  struct store_fold fold;
  struct flow_buf scratch;
};

/* -- store.c -- */

/* What a piece of work in a write transaction returns beside LMDB's codes: it has filled the report
 * and wants the transaction to be given up. */
#define STORE_STOP 1000000

/* The message for an LMDB code, which is a positive errno or one of LMDB's own. */
enum flow_status store_fail(struct flow_store *, struct flow_report *, int code, const char *what);
/* "the saved state in DIR is damaged: …", with a help text. */
enum flow_status store_corrupt(struct flow_store *, struct flow_report *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* FLOW_E_MISMATCH if it is the state of another flow, by its name and former name. */
enum flow_status store_check_owner(const struct flow_store *, const char *flow_name,
                                   const char *flow_was, struct flow_report *);
/* FLOW_OK if the store can be written: not failed before, not in a child process. */
enum flow_status store_usable(struct flow_store *, struct flow_report *);

typedef int (*store_work)(struct flow_store *, struct MDB_txn *, void *context,
                          struct flow_report *);
/* Runs the work in one write transaction and commits it; if the map is full, makes it larger and
 * runs the work again. The work must change memory only in its context. A failure that is not a
 * STORE_STOP ends the store's use. `what` is for the message: "save epoch 7". */
enum flow_status store_write(struct flow_store *, store_work, void *context, const char *what,
                             struct flow_report *);
/* Opens the trees that every store has; MDB_NOTFOUND: it is no store. */
int store_open_trees(struct flow_store *, struct MDB_txn *, unsigned flags);
/* The failure for a database that is no store; `path` is its file. */
enum flow_status store_foreign(const char *path, struct flow_report *);
/* There is no data file: FLOW_OK if there never was one, else FLOW_E_CORRUPT. */
enum flow_status store_check_absence(struct flow_store *, struct flow_report *);
/* The path of a file in the state directory; false: it is too long. */
bool store_path(const struct flow_store *, const char *name, char path[STORE_PATH + 32]);
int store_read_begin(struct flow_store *, struct MDB_txn **);
void store_read_end(struct MDB_txn *);
/* Opens base.N in the transaction; MDB_NOTFOUND if it is not there. */
int store_base_open(struct MDB_txn *, uint16_t id, bool create, unsigned *dbi);

/* Enters (or makes) the directory, takes the lock, removes what a crash left; no store is opened. */
enum flow_status store_enter(struct flow_store *, bool create, struct flow_report *);
/* Makes an empty database in a corner of the directory and opens it: what is written to it becomes
 * the store at store_new_end(), which closes it, whatever `status` is; it returns that or a
 * failure of its own. */
enum flow_status store_new_begin(struct flow_store *, struct flow_report *);
enum flow_status store_new_end(struct flow_store *, enum flow_status, struct flow_report *);
/* Makes or opens the trees that every store has. */
int store_open_trees(struct flow_store *, struct MDB_txn *, unsigned flags);
/* Memory for a store that is not open; null after a failure. */
struct flow_store *store_alloc(const struct flow_sys *, const char *dir, struct flow_report *);

/* -- store_schema.c -- */

/* Compares as flow_store_prepare() does, without --resume-epoch, and writes nothing. matches[i] is
 * what the store has for plan->ids[i], or null. Texts for `tell` are in the pool. */
enum flow_status store_compare(struct flow_store *, const struct flow_store_plan *,
                               struct flow_schema_pool *, const struct store_id **matches,
                               flow_view_tell, void *context, struct flow_report *);

/* -- store_format.c -- */

uint64_t store_hash(const void *data, size_t length, uint64_t seed);
/* The checksum of a chunk of a base: over its rows, its id and its key. */
uint64_t store_base_hash(uint16_t id, uint64_t key, const void *rows, size_t length);
uint64_t store_chunk_hash(int64_t epoch, uint16_t id, uint32_t chunk, const void *data,
                          size_t length);
void store_put16(uint8_t *, uint16_t);
void store_put32(uint8_t *, uint32_t);
void store_put64(uint8_t *, uint64_t);
uint16_t store_get16(const uint8_t *);
uint32_t store_get32(const uint8_t *);
uint64_t store_get64(const uint8_t *);
void store_chunk_key(uint8_t key[STORE_CHUNK_KEY], int64_t epoch, uint16_t id, uint32_t chunk);

void store_encode_meta(struct flow_buf *, const struct store_meta *);
bool store_decode_meta(struct store_meta *, const void *data, size_t length);
void store_encode_base(struct flow_buf *, uint16_t id, const struct store_base *);
bool store_decode_base(struct store_base *, uint16_t id, const void *data, size_t length);
/* Returns the checksum of the record, by which the next epoch names it. */
uint64_t store_encode_epoch(struct flow_buf *, const struct store_epoch *);
bool store_decode_epoch(struct store_epoch *, int64_t number, const void *data, size_t length,
                        uint64_t *link);
void store_encode_id(struct flow_buf *, const struct store_id *);
bool store_decode_id(struct store_id *, uint16_t number, const void *data, size_t length);
void store_encode_version(struct flow_buf *, uint16_t id, uint32_t number,
                          const struct store_version *);
/* Texts and types are in the pool. */
bool store_decode_version(struct flow_schema_pool *, struct store_version *, uint16_t id,
                          uint32_t number, const void *data, size_t length);

/* One entry of a delta. */
struct store_entry {
  uint64_t row;
  uint8_t flags;
  const uint8_t *key, *value;
  size_t key_length, value_length;
};
enum store_parse { STORE_ENTRY, STORE_PARTIAL, STORE_BAD };
/* Reads the entry at *p; PARTIAL: it goes on behind `end`, and the lengths that were read
 * already are set, so that the caller knows what to make room for. Moves *p only for an ENTRY. */
enum store_parse store_parse_entry(const uint8_t **p, const uint8_t *end, struct store_entry *);

/* -- store_check.c -- */

struct store_pages {
  uint64_t size; /* of a page */
  uint64_t all, used, free;
};
/* Checks the structure of an LMDB file; false with `why` filled: LMDB must not open it. A
 * failure to read gives its negative errno in *error. With `txn` not 0, what is checked is that
 * commit, which a reader holds while others may follow it; -EAGAIN in *error: it is not one of the
 * last two. */
bool store_check_pages(const struct flow_sys *, int fd, uint64_t txn, struct store_pages *,
                       char *why, size_t why_size, int *error);
/* Checks only what LMDB looks at while it opens the file. */
bool store_check_head(const struct flow_sys *, int fd, char *why, size_t why_size, int *error);

/* -- store_read.c -- */

/* Reads meta and ids into memory; with epochs, also verifies all deltas and sets `damaged`.
 * Pointers to ids and versions from before are dead. */
enum flow_status store_read(struct flow_store *, bool with_epochs, struct flow_report *);
/* The same in a transaction of the caller; 0, an LMDB code or STORE_STOP. */
int store_read_in(struct flow_store *, struct MDB_txn *, bool with_epochs, struct flow_report *);
struct store_id *store_find_id(struct flow_store *, uint16_t number);
/* Notes what an epoch weighs; false: no memory. */
bool store_weigh(struct flow_store *, int64_t epoch, uint64_t bytes);
/* Counts the weights of the epochs that have become old enough to be folded. */
void store_count_foldable(struct flow_store *);
/* Forgets the weights of epochs that are no longer between base and head. */
void store_reweigh(struct flow_store *, int64_t old_base);

/* -- store_commit.c -- */

int store_put_meta(struct flow_store *, struct MDB_txn *, const struct store_meta *);
/* Keeps the bytes until the next commit. */
int store_put_back(struct flow_store *, struct MDB_txn *, const struct flow_buf *);
/* Deletes all keys of epochs from … to in a tree whose keys begin with an epoch. */
int store_delete_epochs(struct MDB_txn *, unsigned dbi, int64_t from, int64_t to);
int store_rewind_in(struct flow_store *, struct MDB_txn *, int64_t epoch, struct store_meta *);
/* FLOW_OK if --resume-epoch `epoch` is possible. */
enum flow_status store_reachable(struct flow_store *, int64_t epoch, struct flow_report *);

/* -- store_base.c -- */

/* A row of a base. */
struct store_record {
  uint32_t key_version, value_version;
  const uint8_t *key, *value;
  size_t key_length, value_length;
  uint64_t sum; /* what the row adds to store_base.sum: the first row of a chunk its checksum, others 0 */
};

/* The rows of a chunk that are still to be read. */
struct store_chunk {
  uint64_t next; /* the least number that the next row may have */
  struct flow_reader left;
};

/* All rows of a base from `first` on, in their order:
 *
 *   int code = store_walk_open(&walk, txn, id, first);
 *   while (code == 0 && (code = store_walk_next(&walk, &row, &record)) == 0) …
 *   store_walk_close(&walk);
 */
struct store_walk {
  struct MDB_cursor *tree; /* null: there is no base */
  uint16_t id;
  bool has_begun;
  uint64_t first;
  struct store_chunk chunk;
  uint64_t sum; /* of the chunk, until its first row is handed out */
};
int store_walk_open(struct store_walk *, struct MDB_txn *, uint16_t id, uint64_t first);
/* The bytes of the record live as long as the transaction. MDB_NOTFOUND: there is no further row;
 * MDB_CORRUPTED: it is damaged. */
int store_walk_next(struct store_walk *, uint64_t *row, struct store_record *);
void store_walk_close(struct store_walk *);

/* Changes rows of a base, in the order of their numbers. */
struct store_writer {
  struct MDB_cursor *tree;
  uint16_t id;
  struct store_base base;  /* its counts; right after store_writer_end() */
  struct flow_buf *old;    /* a copy of the chunk that is being rewritten */
  struct store_chunk rows; /* of it, that are still to be read */
  uint64_t row;            /* the one that was read last and has to go to `out`, or UINT64_MAX */
  struct store_record record;
  bool has_stale;          /* the chunk at key `stale` is to be deleted or overwritten */
  uint64_t stale;
  uint64_t limit;          /* key of the chunk behind it, or UINT64_MAX */
  size_t limit_size;       /* bytes of that chunk; 0: there is none */
  struct flow_buf *out;    /* rows for new chunks: from number `key` on, below `end` */
  uint64_t key, end;
};
/* All return 0, an LMDB code, or MDB_CORRUPTED for damage. Only after a success has
 * store_writer_end() to be called. */
int store_writer_open(struct store_writer *, struct flow_store *, struct MDB_txn *, uint16_t id,
                      const struct store_base *);
/* Puts the row in the place of what the base has; a null key keeps the key that is there. A null record
 * deletes the row, if there is one. */
int store_writer_put(struct store_writer *, uint64_t row, struct store_record *);
int store_writer_end(struct store_writer *);

/* -- store_delta.c -- */

/* Finds the rows of `id` with numbers >= first_row that changed in epochs from … to. What is handed
 * out of them points into the map, so it lives as long as the transaction, or into the rows' own
 * blocks. 0, an LMDB code, or STORE_STOP with a report. */
int store_collect(struct flow_store *, struct MDB_txn *, uint16_t id, int64_t from, int64_t to,
                  uint64_t first_row, struct store_rows *, struct flow_report *);
/* Hands out the next row, in order of their numbers, each once; false: there is none left. */
bool store_rows_next(struct store_rows *, struct store_row *);
/* Hands out entry `at` of `count`, as it is in its epoch: the key is null unless the row is new there. */
struct store_row store_rows_at(const struct store_rows *, size_t at);
void store_rows_free(struct flow_store *, struct store_rows *);

/* -- store_load.c -- */

/* The failure for a value of `name` that has no form in its new type. */
enum flow_status store_report_inexact(const char *name, struct flow_report *);

/* A walk over the rows of an id as of the end of an epoch. Several walks that go on where the last one
 * ended are like one: `found` and `loaded` add up. */
struct store_scan {
  struct flow_store *store;
  struct store_id *id;
  int64_t to;       /* an epoch from fold_to to head */
  uint32_t version; /* the rows come in its types; no row at `to` has a later one */
  uint64_t first;   /* rows below this number are left out */
  flow_store_row row; /* a status that is not FLOW_OK ends the walk and is kept in `status` */
  void *context;
  struct flow_report *report;
  enum flow_status status;
  struct flow_store_loaded loaded;
  struct store_base found;          /* what the base really holds */
  struct flow_buf key[2], value[2]; /* two each, for chains of versions */
};

/* 0, an LMDB code, or STORE_STOP with a report (also if the callback ended it). */
int store_scan(struct store_scan *, struct MDB_txn *);
/* To be called behind a whole walk: 0 if all rows of the base were there, else STORE_STOP. */
int store_scan_end(struct store_scan *);
void store_scan_free(struct store_scan *);

/* -- store_view.c -- */

struct flow_view {
  struct flow_store *store; /* without a lock; memory as of the last transaction */
  struct MDB_txn *txn;      /* between store_view_begin() and store_view_end() */
  uint64_t txn_id;          /* of the last one; 0: none yet */
  struct flow_schema_pool *pool; /* of what the view hands out, which outlives transactions */
  struct flow_view_id *ids;
  size_t id_count;
  struct flow_view_info info;
  int64_t since;
  bool is_newest; /* no epoch was asked for: what is dropped from the next one on is not shown */
  bool is_outrun;
};

/* Begins a transaction in which the view's epochs can be read; nothing to end if it fails. */
enum flow_status store_view_begin(struct flow_view *, struct flow_report *);
void store_view_end(struct flow_view *);
/* The failure of a view whose epoch the run has folded away. */
enum flow_status store_outrun(struct flow_view *, struct flow_report *);
/* Copies number, kind, name and types as of a version into the pool; false: no memory. */
bool store_describe(struct flow_schema_pool *, const struct store_id *, uint32_t version,
                    struct flow_view_id *);

/* -- store_fold.c -- */

void store_fold_forget(struct flow_store *); /* the image; the fold itself goes on from the disk */

#endif
