/* Writing the C program: the sections of the file, C names of types, per-type helper functions.
 *
 * The text is collected in sections and joined in a fixed order, so that any part may ask for a type
 * or a helper at any time: it is written once, in dependency order, when first asked for.
 * Every generated name carries a prefix of ours (T_ R_ O_ L_ S_ M_ for types, f_ fields, v_ locals,
 * p_ params, c_ consts, fn_ functions, x_ user expressions), so no user name ever meets C.
 */
#ifndef FLOWCC_BACK_EMIT_H
#define FLOWCC_BACK_EMIT_H

#include "compiler.h"
#include "front/type.h"
#include "middle/plan.h"

struct io_spec;

enum section {
  SECTION_TYPES,       /* structs, enums */
  SECTION_HELPERS,     /* equality, hash, copy, drop, encode, decode, print of a type */
  SECTION_DECLARATIONS, /* sites, params, prototypes of emit functions and stages */
  SECTION_EXPRESSIONS, /* the user's expressions, under #line of the .flow file */
  SECTION_CODECS,      /* parsers and printers of sources and sinks */
  SECTION_STATE,       /* rows and tables of keyed state */
  SECTION_STAGES,      /* fused stages, sources last */
  SECTION_PROGRAM,     /* flow_program and main */
  SECTION_COUNT,
};

struct emit {
  struct compiler *compiler;
  const struct graph *graph;
  const struct plan *plan;
  struct text sections[SECTION_COUNT];
  struct emit_types *types;   /* ctype.c's own: what has been written so far */
  struct emit_expr_state *expr; /* emit_expr.c's own */
  uint32_t site_count;
};

/* The section's text, to append to. */
struct text *emit_section(struct emit *, enum section);

/* -- ctype.c: types and per-type helpers --------------------------------------------------- */

/* The C type of `type`, written on first use: "int64_t", "struct flow_str", "struct T_Event",
 * "struct O_int" {bool has; int64_t value;}, "struct L_int" {T *data; uint32_t length, capacity;},
 * an enum "struct T_Kind" {uint32_t tag; union {…} as;}. A record's fields are `f_NAME`. */
const char *emit_c_type(struct emit *, const struct type *type);

/* A short C-safe word for the type, unique in the program: "int", "T_Event", "L_int", "R_3". */
const char *emit_mangle(struct emit *, const struct type *type);

/* X is the C type; all values go by pointer, and the compiler inlines. */
enum helper {
  HELPER_EQUAL,   /* bool (const X *, const X *) */
  HELPER_COMPARE, /* int (const X *, const X *): ordered types only */
  HELPER_HASH,    /* uint64_t (uint64_t seed, const X *) */
  HELPER_COPY,    /* void (struct flow_mem *, X *to, const X *from): deep; `to` is overwritten */
  HELPER_DROP,    /* void (struct flow_mem *, X *): frees what the value owns */
  HELPER_ENCODE,  /* void (struct flow_buf *, const X *): the store's binary form (flow/codec.h) */
  HELPER_DECODE,  /* bool (struct flow_mem *, struct flow_reader *, X *) */
  HELPER_JSON,    /* void (struct flow_buf *, const X *): rule 12 */
  HELPER_TEXT,    /* void (struct flow_buf *, const X *): rule 13, f-strings and text sinks */
  HELPER_SCHEMA,  /* the name of a `static const struct flow_type` */
  HELPER_COUNT,
};

/* Name of the helper function for the type, written on first use. */
const char *emit_helper(struct emit *, enum helper helper, const struct type *type);

/* -- emit_expr.c: user expressions and constant values -------------------------------------- */

/* A C constant initialiser or expression for a checked constant expression (defaults of fields). */
void emit_constant(struct emit *, struct text *out, const struct expr *value, const struct type *type);

/* Writes the `where` condition of a record's field as `static inline bool NAME(const X *item)` on
 * first use and returns its name. Conditions that can fail count as false. */
const char *emit_where(struct emit *, const struct type *record, uint32_t field);

/* -- emit_stage.c: rows on their way through the graph -------------------------------------- */

/* Writes the code that sends the row `row` (a C expression: a pointer to the port's item type) to
 * all consumers of the port, in order; `indent` spaces before each line. */
void emit_push(struct emit *, struct text *out, const struct node *node, uint32_t port, const char *row);

/* -- live.c: which fields of a record type are ever read ------------------------------------- */
bool emit_is_live(struct emit *, const struct type *record, uint32_t field);

bool pass_emit(struct compiler *);
bool pass_build(struct compiler *);
void dump_c(struct compiler *, FILE *);

#endif
