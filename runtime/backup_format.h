/* What a backup consists of: names of objects, and the manifest that makes them a whole.
 *
 *   manifest/NUMBER                   a list of all below, with sizes and hashes; the highest counts
 *   STORE/TIMELINE/base-EPOCH.PART    the base as of the end of EPOCH
 *   STORE/TIMELINE/FIRST-LAST.PART    the epochs FIRST … LAST
 *
 * STORE is the store's identity in hex. Objects are never changed: what has been put under a
 * name keeps its content, because (timeline, epoch) names the same rows for ever (semantics,
 * rule 13). A manifest is put when everything in it has been put, under the next number, and
 * only if nobody has put that one: so of two runs that write one backup, one finds out.
 *
 * Plain data and pure functions; what is decoded came from elsewhere and may be anything.
 *
 *   struct backup_manifest manifest;
 *   if (!backup_decode(&manifest, bytes, length)) …        it is damaged
 *   for each piece, for each of its parts:
 *     backup_part_name(&manifest, piece, part, name);
 *     backup_hash(data, length) == piece->parts[part].hash
 *   backup_manifest_free(&manifest); */
#ifndef FLOW_BACKUP_FORMAT_H
#define FLOW_BACKUP_FORMAT_H

#include "flow/value.h"
#include "store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BACKUP_FORMAT 1
/* Bytes of the longest name, with the zero behind it. */
#define BACKUP_NAME 160
/* A part is as many whole records as reach this; what is sent at once, and held in memory. */
#define BACKUP_PART ((size_t)8 << 20)
/* Ranges of epochs are joined while they are smaller than this together. */
#define BACKUP_JOINED ((uint64_t)16 << 20)
/* So many ranges of about one size become one. */
#define BACKUP_FAN_IN 8

struct backup_part {
  uint64_t size, hash;
};

/* The base, or a range of epochs. */
struct backup_piece {
  bool is_base;        /* then first == last: the epoch at whose end it is */
  uint64_t timeline;   /* of the run that put it: part of its name */
  int64_t first, last;
  uint64_t link;       /* checksum of the record of epoch `last` */
  uint64_t bytes;      /* of all parts */
  struct backup_part *parts;
  uint32_t part_count;
};

struct backup_manifest {
  uint64_t number;
  uint8_t store_id[16], run_id[16];
  char flow_name[FLOW_STORE_NAME + 1];
  int64_t wall_us;   /* when it was made, in microseconds since 1970 */
  uint64_t timeline; /* of the store */
  int64_t base, head;
  struct flow_buf store_head;   /* flow_store_copy_head() */
  struct backup_piece *pieces;  /* the base, if base >= 0; then epochs up to the head */
  uint32_t piece_count;
};

/* XXH3, 64 bits. */
uint64_t backup_hash(const void *data, size_t length);

void backup_encode(struct flow_buf *, const struct backup_manifest *);
/* False if the bytes are no whole manifest of this format, or one that contradicts itself. Free
 * it in either case. */
bool backup_decode(struct backup_manifest *, const void *data, size_t length);
void backup_manifest_free(struct backup_manifest *);
/* A deep copy. */
struct backup_manifest backup_manifest_copy(const struct backup_manifest *);

/* Adds a piece without parts behind the others; the pointer is good until the next one. */
struct backup_piece *backup_add_piece(struct backup_manifest *, const struct backup_piece *);
void backup_add_part(struct backup_piece *, struct backup_part);
/* Removes pieces [from, from + count). */
void backup_cut_pieces(struct backup_manifest *, uint32_t from, uint32_t count);

void backup_manifest_name(uint64_t number, char name[BACKUP_NAME]);
/* The number in such a name; false if it is none. */
bool backup_manifest_number(const char *name, uint64_t *number);
void backup_part_name(const struct backup_manifest *, const struct backup_piece *, uint32_t part,
                      char name[BACKUP_NAME]);
/* "STORE/", what the names of all parts begin with. */
void backup_store_folder(const struct backup_manifest *, char name[BACKUP_NAME]);
/* True if it is the backup of the flow `name`, or of what it was called before (null: nothing). */
bool backup_is_of(const struct backup_manifest *, const char *name, const char *was);
/* True if one of the manifest's parts has this name. */
bool backup_names(const struct backup_manifest *, const char *name);

/* The first of the manifest's pieces that the next range of epochs is to be joined with;
 * piece_count: none. With a range per second the list would grow to thousands; joined in the
 * manner of a log-structured tree, each byte is sent a few times and the list stays short. Only
 * ranges that begin behind epoch `base` of the store can be copied again. */
uint32_t backup_join_from(const struct backup_manifest *, int64_t base);

/* The number of pieces, counted from the first, that hold nothing but what the store holds too:
 * those of its own past. `link_of` gives the checksum of the record of an epoch that the
 * store keeps, false if it has none. `base` and `head` are the store's. */
typedef bool (*backup_link_of)(void *context, int64_t epoch, uint64_t *link);
uint32_t backup_shared_pieces(const struct backup_manifest *, int64_t base, int64_t head,
                              backup_link_of, void *context);

#endif
