/* The files of a source: how far each was read, which are new, which are the old ones under another
 * name, and which were changed behind our back.
 *
 * Files are numbered in the order in which they were discovered and are read in that order
 * (semantics, rule 40). The number and the position survive in the store; identity is by content
 * (rule 38).
 *
 *   input_load(&input, row, key, …)          for each row of the store, then
 *   input_begin(&input);                     a look at what is there now
 *   for each round, for each name: if (input_wants(&input, name, round))
 *     input_match(&input, name, info, round, &file, &report);
 *   input_end(&input);
 *   input_pack(&input, &out, …)              at the end of an epoch: the files that moved on
 *
 * A look goes over the names several times, because what one of them is may depend on all others. A
 * known name with its content goes on. A known name with other content is put aside. A new name gets
 * the position of a file that is missing or put aside and has the same content: it was renamed. A
 * name that was put aside may also have the content of another one (log files that rotate, names
 * that were swapped), or hold a new file, if what it held before has been found under another name.
 * If that is nowhere, the file was truncated, edited or replaced: an error.
 */
#ifndef FLOW_INPUT_H
#define FLOW_INPUT_H

#include "position.h"
#include "report.h"
#include "sys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INPUT_NO_FILE UINT32_MAX

/* Names that a summary lists of a moved source. */
#define INPUT_NAMES 8

/* The rounds of a look. */
enum input_round {
  INPUT_KNOWN,  /* names that the store or an earlier look has */
  INPUT_NEW,    /* other names */
  INPUT_ASIDE,  /* names that were put aside, if their content is that of another file */
  INPUT_REST,   /* what is left of them */
  INPUT_ROUNDS,
};

struct input_file {
  char *name;             /* within the source */
  uint64_t row;           /* in the store */
  struct position now;    /* its head and tail are right once input_sample() was called */
  struct position closed; /* as of the last closed epoch, or where options have put it since */
  bool is_stored;         /* the store has the row, with this name */
  bool is_touched;        /* now may differ from what the store has */
  bool is_present;        /* was there at the last look */
  bool is_aside;          /* its name has other content, and it may be found under another one */
  bool is_foreign;        /* known from where the source was before, and not seen here yet */
  bool is_gone;           /* its name is another file's now; only an unused entry is left */
  bool is_verified;       /* in this run its content was found to be the stored one's */
  bool is_due;            /* has something to read */
  bool is_settled;        /* polled: its unterminated rest counts as a record now */
  uint64_t seen_size;     /* at the last look */
  int64_t seen_mtime_us;
  int64_t still_since_us; /* monotonic time since when size and time have not changed */
  uint32_t still_looks;
};

struct input {
  const struct flow_sys *sys;
  const char *source; /* its name, for messages */
  char *folder;       /* where the names lie, "inputs/"; owned; null: here */
  bool is_single;     /* one file at a time: under whatever name it was read, it is known again */
  bool is_moved;      /* the source is not where it was, and the store does not know yet */
  bool skips_changed; /* --source-skip: what changed counts as read */
  struct input_file *files;
  uint32_t count, capacity;
  uint32_t *by_name; /* slots of a hash table of names: number of a file + 1, or 0 */
  uint32_t slot_count, slots_used; /* a power of two; a renamed file uses one more */
  uint32_t *missing; /* numbers of read files that are not there, for the names of this look */
  uint32_t missing_count;
  bool has_missing;
  uint32_t aside_count; /* files with is_aside */
  bool has_aside;       /* some file was put aside in this look */
  uint32_t *touched; /* numbers of the files with is_touched */
  uint32_t touched_count;
  uint64_t next_row, next_discovery;
  char *place,
      *stored_place; /* where the source is and was; the stored one is null if never stored */
  uint64_t *gone;    /* rows to be deleted at the next pack */
  uint32_t gone_count, gone_capacity;
  bool must_commit;        /* a position or a name moved: that counts, even if nothing is read */
  /* For the summary: how many files, and of a moved source the first names. */
  uint32_t renamed, went_on, added;
  char *came_from; /* where the source was, if it has moved; owned */
  struct flow_buf went_on_names, added_names;
};

void input_init(struct input *, const struct flow_sys *, const char *source);
void input_free(struct input *);

/* Takes a row of the store. FLOW_E_CORRUPT if it is not one of ours. */
enum flow_status input_load(struct input *, uint64_t row, const void *key, size_t key_length,
                            const void *value, size_t value_length, struct flow_report *);

/* After the last row: puts the files in their order. `next_row` as flow_store_load() gave it;
 * `place` is copied and says where the source is now. */
enum flow_status input_loaded(struct input *, uint64_t next_row, const char *place,
                              struct flow_report *);

/* --source-restart: every file counts as unread. */
void input_restart(struct input *);

/* Before the names of a look are matched: no file is present. */
void input_begin(struct input *);

/* True if input_match() has to be called for the name in this round. */
bool input_wants(const struct input *, const char *name, enum input_round);

/* True if there may be a name for the round: not in the last two if nothing was put aside. */
bool input_needs(const struct input *, enum input_round);

/* After all rounds. FLOW_E_MEMORY. */
enum flow_status input_end(struct input *, struct flow_report *);

/* The number of the file `name`, or INPUT_NO_FILE. */
uint32_t input_find(const struct input *, const char *name);

/* A regular file is there under `name`. Finds or makes its entry, and verifies that its content is
 * what was read before. *file gets its number, or INPUT_NO_FILE if a later round has to tell.
 * FLOW_E_INPUT: it was truncated or replaced. FLOW_E_RECORD: its last record grew after it was
 * read. */
enum flow_status input_match(struct input *, const char *name, const struct flow_file_info *,
                             enum input_round, uint32_t *file, struct flow_report *);

/* The entry `name` of a source that makes its records itself: found or made, and never compared,
 * because nothing can change what it holds. *file gets its number. FLOW_E_MEMORY. */
enum flow_status input_generated(struct input *, const char *name, uint32_t *file,
                                 struct flow_report *);

/* Notes that the position of a file changes. */
void input_touch(struct input *, uint32_t file);

/* Computes head and tail of the consumed part from the open file. FLOW_E_INPUT if it is shorter. */
enum flow_status input_sample(struct input *, uint32_t file, int fd, struct flow_report *);

/* Appends the store's rows of all files that were touched, and closes their positions. */
void input_pack(struct input *, struct flow_buf *out);

/* All positions go back to the last closed epoch. */
void input_rewind(struct input *);

/* The path of a name; owned by the caller (sys->free), null if there is no memory. */
char *input_path(const struct input *, const char *name);

/* A copy of a text with a zero behind it, freed by the caller; never null. */
char *input_copy_text(const struct flow_sys *, const char *text, size_t length);

#endif
