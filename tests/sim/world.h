/* The world outside of a program: a disk, a clock, a dice, and a record of all that happens.
 *
 * Lives of the program under test are processes, forked one after another; the world is memory that
 * they share, so it outlives them. One seed makes one world, and the dice of that world decides
 * everything that is left open: what runs next, how long it takes, what fails, what a crash leaves.
 *
 * The disk keeps two states of each file: what a process sees now, and what is durable. Between
 * them lie changes, in the order in which they were made. A sync makes the changes of its file
 * durable; a loss of power keeps some of the others, whole or torn, and forgets the rest. Names are
 * the same: they last when their directory was synced. Contents lie in one memory file, so that they
 * can be mapped.
 *
 *   struct world *w = world_new();                once
 *   world_begin(w, seed);                         an empty disk
 *   int node = world_make(w, "in.txt", true);
 *   world_write(w, node, 0, text, length, true);
 *   … a life: note(w, …) for each thing that happens, world_dice(w, n) for each choice …
 *   world_lose_power(w);
 *   w->hash                                       equal for equal seeds
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  WORLD_NODES = 120,
  WORLD_NAMES = 64,
  WORLD_PATH = 64,
  WORLD_CHANGES = 1 << 17,
  WORLD_RENAMES = 256,
  WORLD_NODE_BYTES = 4 << 20, /* the largest file */
  WORLD_LOG_BYTES = 64 << 20, /* bytes of changes that are not durable */
  WORLD_STDERR_BYTES = 8 << 10,
};

/* A file or a directory; its number is its inode. */
struct node {
  bool is_used, is_directory;
  int64_t mtime_us;
  uint64_t size, durable_size, touched; /* touched: bytes that may not be zero */
};

/* A change of a file that is not durable yet. */
struct change {
  uint16_t node;
  bool is_cut;    /* the file gets `offset` bytes; else a write */
  bool is_forced; /* durable by itself: written through O_DSYNC */
  bool is_failed; /* a sync of it failed: a later one does not make it durable */
  uint64_t offset, length;
  size_t data; /* in the log */
};

/* A path, and the node that it names: -1 for none. */
struct name {
  char path[WORLD_PATH];
  int node, durable;
};

/* One change of names: `to` gets a node; at a rename, `from` loses it. */
struct rename {
  int to, from; /* names; from: -1 if it is no rename */
  int node;
};

struct world {
  uint64_t dice, hash;
  int64_t clock_us;    /* monotonic; goes on over lives */
  int64_t realtime_us; /* to be added to the clock */
  bool is_disk_full;
  bool is_traced;
  uint64_t events;
  struct node nodes[WORLD_NODES];
  struct name names[WORLD_NAMES];
  uint32_t name_count;
  struct change changes[WORLD_CHANGES];
  uint32_t change_count;
  struct rename renames[WORLD_RENAMES];
  uint32_t rename_count;
  size_t log_used;
  uint8_t *log, *durable; /* contents of changes; durable contents, node by node */
  uint8_t *now;           /* what processes see, node by node; all of memory file `fd` */
  int fd;
  uint32_t life;
  char stderr_text[WORLD_STDERR_BYTES];
  uint32_t stderr_length;
};

/* Shared memory for a world. Ends the program if there is none. */
struct world *world_new(void);
/* Empties the disk, and begins with the dice that the seed makes. */
void world_begin(struct world *, uint64_t seed);

/* A number below `sides` (0 for 0), or true once in `sides` times. */
uint64_t world_dice(struct world *, uint64_t sides);
bool world_chance(struct world *, uint64_t sides);

/* Mixes what happened into the hash; with is_traced, tells it on stderr, too. `who` does `what`
 * with `object` (null: none) and two numbers. */
void world_note(struct world *, const char *who, const char *what, const char *object, int64_t a,
                int64_t b);
/* Ends the program: the simulation itself is wrong, or too small. */
_Noreturn void world_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* -- names; functions that can fail return a negative errno */

/* The node of a path; -ENOENT. */
int world_find(const struct world *, const char *path);
/* Some path of the node, for people. */
const char *world_path_of(const struct world *, int node);
/* Makes an empty file or directory and returns its node; the directory of it must exist. */
int world_make(struct world *, const char *path, bool is_directory);
int world_rename(struct world *, const char *from, const char *to);
int world_remove(struct world *, const char *path, bool is_directory);
/* Makes the names in the directory that holds the path durable. */
void world_sync_names(struct world *, const char *path);
/* Writes the sorted names in the directory to `names`, which has room for WORLD_NAMES; their
 * number. */
uint32_t world_list(const struct world *, const char *path, const char **names);

/* -- contents */

/* Where the bytes of a node lie, for reading. */
const uint8_t *world_bytes(const struct world *, int node);
/* is_forced: durable at once. */
void world_write(struct world *, int node, uint64_t offset, const void *data, uint64_t length,
                 bool is_forced);
void world_cut(struct world *, int node, uint64_t size);
void world_sync(struct world *, int node);
/* The sync did not work: what it was to save can get lost even after a later one that does. */
void world_sync_failed(struct world *, int node);

/* -- crashes */

/* Everything that is not durable is lost, or partly lost, as the dice says. */
void world_lose_power(struct world *);

#endif
