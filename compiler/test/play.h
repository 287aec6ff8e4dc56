/* A program under test as a process: in a folder of its own, fed and watched and killed from here. The
 * protocol is that of runtime/sys_test.h.
 *
 *   struct play_house house;
 *   if (!play_house_open(&house, arena)) return false;      stderr has been told
 *   struct play play;
 *   play_open(&play, &house, arena, program, words);
 *   if (play_start(&play, NULL, 0) == PLAY_IDLE) {
 *     play_append(&play, "numbers.txt", text, length);
 *     event = play_go(&play, 0);
 *   }
 *   play_close(&play);
 *   play_house_close(&house);
 *
 * Nothing is left behind, also if flowcc is told to stop by a signal: waiting for a program ends then,
 * with PLAY_INTERRUPTED, and play_house_close() lets the signal through.
 */
#ifndef FLOWCC_TEST_PLAY_H
#define FLOWCC_TEST_PLAY_H

#include "base/text.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The temporary folder with the folders of all plays. */
struct play_house {
  char *path;
  int signals; /* readable when a signal has come that should end flowcc */
  sigset_t mask_before;
  unsigned play_count;
};

enum play_event {
  PLAY_IDLE,        /* everything that was fed is done and saved */
  PLAY_ENDED,       /* the program ended by itself: exit_code */
  PLAY_KILLED,      /* it died, as it was told to */
  PLAY_LOST,        /* it says nothing: it was killed after PLAY_PATIENCE_MS */
  PLAY_INTERRUPTED, /* flowcc should end */
};

#define PLAY_PATIENCE_MS 60000

struct play {
  struct play_house *house;
  struct arena *arena;
  const char *program, *folder;
  char *const *words; /* of the command line, for its params; null at the end */
  pid_t process;      /* 0: it does not run */
  int commands, replies;
  int exit_code; /* of the last process that ended by itself */
  int64_t clock_us;
  size_t told; /* bytes on stderr of processes before the present one */
};

/* False: there is no place for temporary files, and stderr has been told. */
bool play_house_open(struct play_house *, struct arena *);
void play_house_close(struct play_house *);

/* Makes the folder. The clock begins at PLAY_CLOCK_US. Nothing runs yet. False: stderr has been told. */
bool play_open(struct play *, struct play_house *, struct arena *, const char *program,
               char *const *words);
void play_close(struct play *);

/* 2024-01-01T00:00:00Z */
#define PLAY_CLOCK_US INT64_C(1704067200000000)

/* Starts the program on what its folder has. `more` are options, null at the end; or null: none.
 * `kill_at` is the number of the call at which it dies, 0: none. */
enum play_event play_start(struct play *, const char *const *more, uint64_t kill_at);

/* There is input; the clock moves. Only while the program runs. */
enum play_event play_go(struct play *, uint64_t kill_at);
enum play_event play_advance(struct play *, int64_t by_us, uint64_t kill_at);

/* SIGKILL, if it runs. */
void play_kill(struct play *);

/* Appends to a file of the folder, which is made with the folders above it if it is missing. A path
 * that ends with a slash is a folder, and only made. False after saying why on stderr. */
bool play_append(struct play *, const char *path, const char *data, size_t length);

/* Appends what a file of the folder has behind its first `from` bytes. */
void play_read(const struct play *, const char *path, size_t from, struct text *out);

/* Appends what the last process has said on stderr. */
void play_read_messages(const struct play *, struct text *out);

/* Runs `PROGRAM describe` and appends what it prints. False if it failed: its messages say why. */
bool play_describe(struct play *, struct text *out);

#endif
