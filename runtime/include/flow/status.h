/* What runtime functions return, and what a program exits with.
 *
 * Every runtime function that can fail returns FLOW_OK or a negative flow_status; its message for
 * the user is in the struct flow_report that it was given (report.h). Generated code and the engine
 * turn a status into an exit code with flow_status_exit() only.
 */
#ifndef FLOW_STATUS_H
#define FLOW_STATUS_H

enum flow_status {
  FLOW_OK = 0,
  FLOW_E_USAGE = -1,     /* an option or argument is wrong */
  FLOW_E_RECORD = -2,    /* a bad input record stopped the run */
  FLOW_E_INPUT = -3,     /* an input is missing or is not the one that was read before */
  FLOW_E_FAULT = -4,     /* a fault of the program: overflow, a limit */
  FLOW_E_BUG = -5,       /* a broken promise inside the runtime */
  FLOW_E_MEMORY = -6,    /* no memory */
  FLOW_E_CREATE = -7,    /* an output or the state directory cannot be created */
  FLOW_E_IO = -8,        /* reading or writing failed, or a file may not be accessed */
  FLOW_E_FULL = -9,      /* the disk is full */
  FLOW_E_LOCKED = -10,   /* another process uses the state */
  FLOW_E_CORRUPT = -11,  /* saved state is damaged */
  FLOW_E_MISMATCH = -12, /* saved state or configuration does not fit the program */
  FLOW_E_RANGE = -13,    /* --resume-epoch names an epoch that is not kept */
};

/* Exit codes, after BSD sysexits. */
enum flow_exit {
  FLOW_EXIT_OK = 0,
  FLOW_EXIT_USAGE = 64,   /* wrong options */
  FLOW_EXIT_DATA = 65,    /* a bad input record */
  FLOW_EXIT_INPUT = 66,   /* input missing */
  FLOW_EXIT_FAULT = 70,   /* a fault of the program, or our bug */
  FLOW_EXIT_CREATE = 73,  /* cannot create an output */
  FLOW_EXIT_IO = 74,      /* I/O error, disk full */
  FLOW_EXIT_LOCKED = 75,  /* state in use by another process */
  FLOW_EXIT_CONFIG = 78,  /* saved state or configuration does not fit */
};

/* The exit code of a program that ends with `status`. */
static inline enum flow_exit flow_status_exit(enum flow_status status) {
  switch (status) {
    case FLOW_OK: return FLOW_EXIT_OK;
    case FLOW_E_USAGE: return FLOW_EXIT_USAGE;
    case FLOW_E_RECORD: return FLOW_EXIT_DATA;
    case FLOW_E_INPUT: return FLOW_EXIT_INPUT;
    case FLOW_E_FAULT:
    case FLOW_E_BUG:
    case FLOW_E_MEMORY: return FLOW_EXIT_FAULT;
    case FLOW_E_CREATE: return FLOW_EXIT_CREATE;
    case FLOW_E_IO:
    case FLOW_E_FULL: return FLOW_EXIT_IO;
    case FLOW_E_LOCKED: return FLOW_EXIT_LOCKED;
    case FLOW_E_CORRUPT:
    case FLOW_E_MISMATCH:
    case FLOW_E_RANGE: return FLOW_EXIT_CONFIG;
  }
  return FLOW_EXIT_FAULT;
}

#endif
