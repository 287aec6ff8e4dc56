/* One life of a program: a process that runs it in the world until it ends, is killed, or goes
 * wrong.
 *
 *   system.c   the runtime's system table (runtime/sys.h), and its files
 *   lmdb_io.c  the system calls that LMDB makes past that table
 *   life.c     fork, faults, crashes, and the rows that a store holds afterwards
 *
 * A plan says how a life is disturbed; what is left open is up to the dice of the world.
 */
#ifndef SIM_LIFE_H
#define SIM_LIFE_H

#include "fiber.h"
#include "sys.h"
#include "world.h"

enum { LIFE_OUT_BYTES = 1 << 20, LIFE_ROWS_BYTES = 1 << 20, LIFE_ARGUMENTS = 24, LIFE_SINKS = 8 };

/* Never. */
#define LIFE_NEVER UINT64_MAX

struct life_plan {
  struct fiber_plan fibers;
  int argument_count;
  char arguments[LIFE_ARGUMENTS][40];
  char block_bytes[12];
  uint64_t fold_floor;    /* bytes; see store.h */
  uint64_t map_size;      /* bytes; 0: large */
  uint64_t crash_point;   /* killed at this call */
  uint64_t crash_change;  /* killed in the middle of this change of the disk */
  bool loses_power;       /* with the crash */
  uint64_t fault_call;    /* this call, of those that can fail, does */
  uint32_t fault_one_in;  /* and behind it, one in so many does; 0: none */
  uint64_t signal_point;  /* SIGTERM comes at this call, */
  uint64_t signal_look;   /* or when the program looks for one so many times */
  uint64_t second_signal; /* and another one so many calls later */
  uint32_t short_one_in;  /* reads and writes that are cut short; 0: none */
  int64_t sync_us;        /* a sync takes up to this long */
  uint32_t blocks_one_in; /* writes to stdout behind which its reader takes a pause; 0: none */
  /* Input comes while the program runs: makes more; false: that was all. Null: there is none. */
  bool (*arrive)(void);
  bool shows_rows; /* what the store has is read at the end, however the life went */
};

enum life_end { LIFE_ENDED, LIFE_CRASHED, LIFE_FAILED };

/* What the store says of a sink. */
struct life_sink {
  char place[24];
  uint64_t length;
};

/* What is shared with the process of a life. */
struct life {
  struct world *world;
  struct life_plan plan;
  enum life_end end;
  int exit_code;
  char failure[1024];
  uint64_t points, changes, calls; /* that it made: see crash_point, crash_change, fault_call */
  uint32_t faults;                 /* that it met */
  uint64_t looks;                  /* for a signal */
  int64_t next_arrival_us;         /* when `arrive` is due */
  int64_t quiet_us;                /* when all has come long ago, and a signal ends the life */
  bool was_signalled;
  uint32_t out_length, out_begin;     /* bytes on stdout over all lives, and before this one */
  bool has_rows;                      /* what follows was read from the store at the end */
  int64_t oldest_epoch, newest_epoch; /* that --resume-epoch may name */
  uint32_t sink_count;
  struct life_sink sinks[LIFE_SINKS];
  uint32_t rows_length;
  uint8_t out[LIFE_OUT_BYTES];
  char rows[LIFE_ROWS_BYTES]; /* a line for each row of each id */
};

/* A program under test: its name, and its main(). */
struct life_program {
  const char *name;
  int (*main)(int argc, char **argv);
};

struct life *life_new(void);
/* Runs the program to the end of a life. Afterwards the world is as the life has left it. */
void life_run(struct life *, const struct life_program *);

/* -- for the modules of a life ----------------------------------------------------------------- */

/* The life of this process; null in the process that forks. */
struct life *life_of_process(void);
/* Ends the life: what it did is wrong. */
_Noreturn void life_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the life as exit() does. */
_Noreturn void life_exit(int code);
/* Ends the life as a kill does. */
_Noreturn void life_crash(void);
/* Notes a call of the running fiber in the world's record. */
void life_note(const char *what, const char *object, int64_t a, int64_t b);
/* Counts a call that can fail: a negative errno of its kind if it shall, else 0. */
enum life_call { CALL_OPEN, CALL_READ, CALL_WRITE, CALL_SYNC, CALL_NAME, CALL_LOOK, CALL_MEMORY };
int life_fault(enum life_call, const char *object);
/* Counts a change of the disk. True: the process is killed within it. */
bool life_is_change_cut(void);
/* Whether a signal has come and nobody took it. */
bool life_has_signal(void);

/* -- files, as the calls of system.c and of lmdb_io.c use them */

enum system_kind { SYSTEM_CLOSED, SYSTEM_FILE, SYSTEM_SIGNAL, SYSTEM_WAKE };

struct system_file {
  enum system_kind kind;
  int node;
  uint64_t at;
  bool is_forced; /* each write is durable when it returns */
  bool appends, is_locked, is_woken;
};

const struct flow_sys *system_table(void);
/* The open file of a descriptor; ends the life if there is none. */
struct system_file *system_file(int fd);
/* A new descriptor of a path; `makes` it if it is missing. */
int system_open(const char *path, bool makes, bool is_exclusive);
int system_close(int fd);
int64_t system_read(int fd, void *data, size_t size, uint64_t offset);
int64_t system_write(int fd, const void *data, size_t size, uint64_t offset);
int system_sync(int fd);
int system_cut(int fd, uint64_t size);
const void *system_map(int fd, size_t size, bool is_writable);
int system_pid(void);
/* When the reader of stdout takes something again; INT64_MAX: it does. */
int64_t system_next_event(void);

#endif
