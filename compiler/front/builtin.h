/* The built-in functions: one table (builtin.def), read by the checker, the emitter and `flowcc help`.
 *
 * `x.f(y)` is `f(x, y)`, so every function is also a method of its first argument. Mutators change
 * their first argument, which must be a place in the state or a local variable.
 */
#ifndef FLOWCC_FRONT_BUILTIN_H
#define FLOWCC_FRONT_BUILTIN_H

#include "front/ast.h"

struct checker;

/* What the emitter switches over. After check, the argument types say which form is meant; they are
 * listed here as `argument types -> result` with T, K, V for any type. */
enum builtin_id {
  /* Mutators; args[0] is a place. */
  BUILTIN_PUSH,      /* list[T], T -> unit */
  BUILTIN_POP,       /* list[T] -> T? */
  BUILTIN_POP_FIRST, /* list[T] -> T? */
  BUILTIN_INSERT,    /* list[T], int, T -> unit; fails outside 0..len */
  BUILTIN_REMOVE,    /* list[T], T -> bool: the first equal element */
  BUILTIN_REMOVE_AT, /* list[T], int -> T? */
  BUILTIN_CLEAR,     /* list, set, map -> unit */
  BUILTIN_ADD,       /* set[T], T -> bool: true if it is new */
  BUILTIN_DELETE,    /* set[T], T -> bool; map[K, V], K -> bool: true if it was there */
  BUILTIN_PUT,       /* map[K, V], K, V -> unit */
  /* Collections. */
  BUILTIN_LEN,      /* string (code points), bytes, list, set, map -> int */
  BUILTIN_BYTE_LEN, /* string -> int */
  BUILTIN_IS_EMPTY, /* string, bytes, list, set, map -> bool */
  BUILTIN_CONTAINS, /* string, string; list[T], T; set[T], T; map[K, V], K -> bool */
  BUILTIN_FIRST,    /* list[T], set[T] -> T? */
  BUILTIN_LAST,     /* list[T], set[T] -> T? */
  BUILTIN_SORT,     /* list[T] of an ordered T -> list[T], stable */
  BUILTIN_REVERSE,  /* string, list[T] -> same */
  BUILTIN_RANGE,    /* int, int -> list[int]; faults above 1,000,000 elements */
  BUILTIN_INDEX_OF, /* string, string; list[T], T -> int? */
  BUILTIN_KEYS,     /* map[K, V] -> list[K] */
  BUILTIN_VALUES,   /* map[K, V] -> list[V] */
  /* Numbers. */
  BUILTIN_MIN,       /* T, T, … of an ordered T -> T; list[T], set[T] -> T? */
  BUILTIN_MAX,       /* as min */
  BUILTIN_ABS,       /* int, float, decimal, duration -> same; all but float fault at the minimum */
  BUILTIN_SUM,       /* list or set of int, float, decimal, duration -> element; 0 if empty; may fault */
  BUILTIN_AVG,       /* list or set of int, float -> float?, of decimal -> decimal?; none if empty */
  BUILTIN_FLOOR,     /* float -> float */
  BUILTIN_CEIL,      /* float -> float */
  BUILTIN_ROUND,     /* float -> float, half away from zero; decimal, digits -> decimal, half to even */
  BUILTIN_SQRT,      /* float -> float; fails below 0 */
  BUILTIN_DIV_FLOOR, /* int, int -> int; fails at a divisor of 0, faults at MIN / -1 */
  BUILTIN_MOD,       /* int, int -> int with the divisor's sign; fails at a divisor of 0 */
  BUILTIN_ADD_WRAP,  /* int, int -> int, wrapping */
  BUILTIN_ADD_SAT,   /* int, int -> int, saturating */
  BUILTIN_BIT_AND,   /* int, int -> int; also bit_or, bit_xor */
  BUILTIN_BIT_OR,
  BUILTIN_BIT_XOR,
  BUILTIN_SHIFT_LEFT,  /* int, int -> int; fails outside of 0 to 63 */
  BUILTIN_SHIFT_RIGHT, /* the same, with the sign */
  BUILTIN_POW,         /* float, float -> float; fails where that is no finite number */
  BUILTIN_EXP,         /* float -> float; faults above the largest float */
  BUILTIN_LOG,         /* float -> float; fails at 0 and below; also log2, log10 */
  BUILTIN_LOG2,
  BUILTIN_LOG10,
  BUILTIN_SIN, /* float -> float; also cos, tan, atan */
  BUILTIN_COS,
  BUILTIN_TAN,
  BUILTIN_ATAN,
  BUILTIN_ASIN, /* float -> float; fails outside of -1 to 1; also acos */
  BUILTIN_ACOS,
  BUILTIN_ATAN2, /* float, float -> float */
  /* Strings; positions and lengths are in code points. */
  BUILTIN_JOIN,        /* list[string], string -> string */
  BUILTIN_SPLIT,       /* string, string -> list[string]; an empty separator fails */
  BUILTIN_WORDS,       /* string -> list[string]: separated by white space */
  BUILTIN_LINES,       /* string -> list[string] */
  BUILTIN_LOWER,       /* string -> string (ASCII letters) */
  BUILTIN_UPPER,       /* string -> string (ASCII letters) */
  BUILTIN_TRIM,        /* string -> string; also trim_start, trim_end */
  BUILTIN_TRIM_START,
  BUILTIN_TRIM_END,
  BUILTIN_CHARS,       /* string -> list[string] */
  BUILTIN_LIKE,        /* string, string -> bool */
  BUILTIN_URL_ENCODE,  /* string -> string */
  BUILTIN_URL_DECODE,  /* string -> string; fails */
  BUILTIN_STARTS_WITH, /* string, string -> bool */
  BUILTIN_ENDS_WITH,   /* string, string -> bool */
  BUILTIN_REPLACE,     /* string, string, string -> string: every occurrence */
  BUILTIN_SLICE,       /* T, int, int -> T of string, bytes, list: half open, clamped */
  BUILTIN_PARSE_INT,   /* string -> int; fails */
  BUILTIN_PARSE_FLOAT, /* string -> float; fails */
  BUILTIN_PARSE_DECIMAL, /* string, digits -> decimal; fails */
  /* Times. */
  BUILTIN_PARSE_TIMESTAMP, /* string -> timestamp; fails */
  BUILTIN_PARSE_DURATION,  /* string -> duration; fails */
  BUILTIN_FORMAT_TIME,     /* timestamp, string -> string; fails, but not for a constant format */
  BUILTIN_PARSE_TIME,      /* string, string -> timestamp; fails */
  /* Bytes. */
  BUILTIN_BASE64,       /* bytes -> string */
  BUILTIN_HEX,          /* bytes -> string */
  BUILTIN_PARSE_BASE64, /* string -> bytes; fails, but not for a constant */
  BUILTIN_PARSE_HEX,    /* as parse_base64 */
  /* Conversions. */
  BUILTIN_INT,    /* float, decimal -> int, truncating; float: fails outside the range of int */
  BUILTIN_FLOAT,  /* int -> float; faults unless exact; decimal -> float */
  BUILTIN_DECIMAL, /* int, digits -> decimal; may fault; float, digits -> decimal; fails if too large */
  BUILTIN_STRING, /* any -> string: the text of f"{x}"; bytes: the text in UTF-8, fails if it is none */
  BUILTIN_BYTES,  /* string -> bytes */
  /* Json, and json?, of which an absent one fails: also int, float, decimal and string are of json. */
  BUILTIN_BOOL,     /* json -> bool; fails */
  BUILTIN_ELEMENTS, /* json -> list[json]; fails */
  BUILTIN_MEMBERS,  /* json -> map[string, json]; fails */
  BUILTIN_IS_NULL,  /* json -> bool; absent ones are null */
  BUILTIN_JSON,     /* any -> json */
  /* The run. */
  BUILTIN_EPOCH, /* -> int */
  BUILTIN_NOW,   /* -> timestamp */
  BUILTIN_TIME,  /* -> timestamp: of the item */
  BUILTIN_CLOCK, /* -> timestamp; check makes it one of now and time */
  BUILTIN_WATERMARK, /* -> timestamp?: none before the first item */
  /* In quoted text (front/quote.h). */
  BUILTIN_LATE, /* -> unit: counts an item that came too late */
  BUILTIN_SURE, /* T? -> T: it is known to be there */
  BUILTIN_QUOTED_MARK,    /* -> timestamp */
  BUILTIN_QUOTED_LATER,   /* timestamp, duration -> timestamp */
  BUILTIN_QUOTED_EARLIER, /* timestamp, duration -> timestamp */
  BUILTIN_QUOTED_FLOOR,   /* timestamp, duration, timestamp -> timestamp */
  BUILTIN_QUOTED_SHOWN,   /* timestamp -> timestamp */
  BUILTIN_QUOTED_RANGE,   /* int, int -> list[int], which only a `for` walks over */
  BUILTIN_QUOTED_FIND,    /* list[T], timestamp -> int */
  BUILTIN_QUOTED_INSERT,  /* list[T], int, T -> unit */
  BUILTIN_QUOTED_DROP,    /* list[T], int -> unit */
  BUILTIN_QUOTED_AFTER,   /* list[T] in ascending order, T -> int */
  BUILTIN_QUOTED_RANK,    /* list[T] in descending order, T -> int; and list[timestamp], timestamp */
  BUILTIN_QUOTED_ADD_FLOAT,   /* { sum, rest: float, … }, float -> unit */
  BUILTIN_QUOTED_ADD_MOMENT,  /* { count: int, mean, squares: float }, int, float or decimal -> unit */
  BUILTIN_QUOTED_ADD_MOMENTS, /* two of these -> unit */
  BUILTIN_QUOTED_MEAN,        /* sum, count: int, int -> float; T, int -> T of float, decimal, duration */
  BUILTIN_QUOTED_DEVIATION,   /* { count: int, mean, squares: float } -> float */
  BUILTIN_QUOTED_BUCKET,      /* int, float, decimal, duration -> int (flow/aggregate.h) */
  BUILTIN_QUOTED_QUANTILE,    /* { counts: map[int, int], low, high: T? }, float -> T */
};

struct builtin {
  const char *name;
  enum builtin_id id;
  const char *syntax;  /* "insert(list, index, value)" */
  const char *doc;     /* one sentence, without its capital and its full stop */
  const char *example; /* statements and, behind the last `;`, an expression that is true */
  uint32_t min_args, max_args;
  bool is_mutator;
  bool can_fail, can_fault; /* whatever the arguments are, unless the checker finds them harmless */

  /* Types the arguments (converting them in place) and returns the type of the result, or
   * types->error after a diagnostic. `hint` is the type that the context wants, or null. */
  const struct type *(*check)(struct checker *, struct expr *call, const struct type *hint);
};

/* The function of that name, or null. */
const struct builtin *builtin_find(const char *name);

/* All that a program can write, in the order of the table; the number of them through *count. */
const struct builtin *builtin_all(size_t *count);

/* The name that this language has for a function of another one ("append" is "push"), or null. */
const char *builtin_foreign(const char *name);

#endif
