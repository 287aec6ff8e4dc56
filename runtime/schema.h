/* Types of saved values as text, and what became of them: same, migrated, refused.
 *
 * The text of a type is what the store keeps and what messages show:
 *
 *   int  float  decimal[S]  bool  string  bytes  json  timestamp  duration  unit
 *   T?   list[T]   set[T]   map[K, V]
 *   record Cart { paid: list[int] = 0x00, open was "unpaid": list[int] }
 *   enum Kind { order, payment { cents: int } }
 *   timed[T] since 1700000000000000      of a state with `expires`; the number is microseconds since 1970
 *
 * The hex behind `=` is a default in binary form (codec.h). Names of records and enums are for the
 * reader only: they may change. Fields and variants are matched by name, then by `was`, so their
 * order may change too.
 *
 * What migrates: a new field that has a default or is optional; T to T?; int to float, if every
 * stored number is exact as a float; a new variant; a `was` rename; T to timed[T], whose values get the time that
 * the stored text of the new type names, and back. A field that went away migrates
 * if the user accepts it, and never inside a key, where two keys could become equal. Everything
 * else is refused.
 *
 *   struct flow_schema_pool *pool = flow_schema_pool_new(sys);
 *   const struct flow_type *old = flow_schema_parse(pool, text, length);
 *   struct flow_schema_diff diff;
 *   flow_schema_compare(pool, "cart", old, now, 0, &diff);
 *   if (diff.plan != NULL) ok = flow_schema_convert(diff.plan, data, length, &out);
 *   flow_schema_pool_free(pool);
 */
#ifndef FLOW_SCHEMA_H
#define FLOW_SCHEMA_H

#include "flow/codec.h"
#include "flow/schema.h"
#include "flow/value.h"
#include "sys.h"

#include <stdbool.h>
#include <stddef.h>

/* Types inside each other. The compiler's types are finite and small; texts come from a file. */
#define FLOW_SCHEMA_DEPTH 64

/* Memory for parsed types, differences and plans; freed as a whole. */
struct flow_schema_pool;

struct flow_schema_pool *flow_schema_pool_new(const struct flow_sys *); /* null: no memory */
void flow_schema_pool_free(struct flow_schema_pool *);                  /* null is fine */

/* True if there was no memory for something: then a null below may mean that, too. */
bool flow_schema_pool_is_short(const struct flow_schema_pool *);

/* Appends the text of a type. Equal types give equal bytes. */
void flow_schema_print(struct flow_buf *out, const struct flow_type *);

/* The same for people: without defaults, which are bytes. */
void flow_schema_show(struct flow_buf *out, const struct flow_type *);

/* Reads back what print wrote, and nothing else: null if the text is not a type, is nested deeper
 * than FLOW_SCHEMA_DEPTH, or has a default that is not a value of its field. The type is in the
 * pool and does not point into `text`. */
const struct flow_type *flow_schema_parse(struct flow_schema_pool *, const char *text,
                                          size_t length);

/* Moves the reader behind one value of the type, checking every byte of it. */
void flow_schema_skip(struct flow_reader *, const struct flow_type *);

/* True if the bytes are exactly one value of the type. */
bool flow_schema_check(const struct flow_type *, const void *data, size_t length);

/* Memory from the pool, zeroed, 16-aligned; null: there is none. */
void *flow_schema_alloc(struct flow_schema_pool *, size_t size);

enum flow_schema_verdict {
  FLOW_SCHEMA_SAME,     /* stored bytes are values of the new type as they are */
  FLOW_SCHEMA_MIGRATES, /* plan rewrites them */
  FLOW_SCHEMA_DROPS,    /* plan rewrites them and loses fields: the user has to accept that */
  FLOW_SCHEMA_REFUSED,
};

enum flow_schema_flags {
  FLOW_SCHEMA_KEY = 1, /* it is the type of a key: two keys may never become equal */
};

/* How stored bytes become bytes of the new type. A plan keeps scratch space: one thread at a
 * time. */
struct flow_schema_plan;

struct flow_schema_diff {
  enum flow_schema_verdict verdict;
  const struct flow_schema_plan *plan; /* null if REFUSED */
  bool is_copy;      /* the plan changes no byte: it need not be used */
  const char *steps; /* a line for each change: "`cart.paid` is new, with its default" */
  const char *drops; /* a line for each field that goes away: "cart.paid" */
  const char *why;   /* REFUSED: the path of the first difference, old and new; else empty */
};

/* Compares a stored type with the program's; `name` starts every path in the texts. Both types must
 * stay alive as long as the plan; texts and plan are in the pool. False if there is no memory. */
bool flow_schema_compare(struct flow_schema_pool *, const char *name,
                         const struct flow_type *old_type, const struct flow_type *new_type,
                         unsigned flags, struct flow_schema_diff *);

/* Appends the value in its new form to `out`. False, with `out` as it was: the bytes are not a
 * value of the old type, or an int has no exact float. */
bool flow_schema_convert(const struct flow_schema_plan *, const void *data, size_t length,
                         struct flow_buf *out);

#endif
