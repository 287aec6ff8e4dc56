/* Writing the C program: the sections of the file, C names of types, per-type helper functions.
 *
 * The text is collected in sections and joined in a fixed order, so that any part may ask for a type
 * or a helper at any time: it is written once, in dependency order, when first asked for.
 * Every generated name carries a prefix of ours (T_ R_ O_ L_ S_ M_ X_ for types, f_ fields, v_ locals,
 * p_ params, c_ consts, fn_ functions, x_ user expressions), so no user name ever meets C.
 */
#ifndef FLOWCC_BACK_EMIT_H
#define FLOWCC_BACK_EMIT_H

#include "base/map.h"
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
  struct map written;         /* names of functions that were written before */
  struct live *live;          /* which fields are read (middle/live.h) */
  uint32_t site_count, constant_count, format_count;
  uint32_t guess_count;       /* guesses of a block that readers of records have taken */
  bool is_boundary_dependent; /* something asked for epoch(), now() or `on epoch` */
  bool counts_late;           /* something drops late items */
  struct node_list meetings;  /* the first node of each meeting (emit_mark.c), once they are known */
  bool has_meetings;

  /* Where emit_line() writes, and what the code being written is about (emit_stage.c). */
  struct text *out;
  uint32_t indent;
  uint32_t row_count;  /* for unique names of rows in a stage */
  const char *key;     /* a C pointer to the current row's key, or null */
};

/* An emitter that has written nothing yet; lives in the arena. */
struct emit *emit_new(struct compiler *);

/* The section's text, to append to. */
struct text *emit_section(struct emit *, enum section);

/* Appends an indented line to e->out. A line that ends in `{` indents what follows, one that begins
 * with `}` ends that. */
void emit_line(struct emit *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* True the first time it is asked about this name. */
bool emit_first_time(struct emit *, const char *name);

/* Whether emit_first_time() was asked about it. */
bool emit_is_written(struct emit *, const char *name);

/* Name of the `static const struct flow_site` for a place in the program; `step` as messages show
 * it: "state total", "source events". */
const char *emit_site(struct emit *, struct span span, const char *step);

/* -- ctype.c: types and per-type helpers --------------------------------------------------- */

/* The C type of `type`, written on first use: "int64_t", "struct flow_str", "struct T_Event",
 * "struct O_int" {bool has; int64_t value;}, "struct L_int" {…; uint32_t length, capacity;},
 * an enum "struct T_Kind" {uint32_t tag; union {…} as;}. A record's fields are emit_member(). */
const char *emit_c_type(struct emit *, const struct type *type);

/* The C member of a record that is the field of that name: "f_price"; of the fields that made states have, whose
 * names are any text, "g_max_28price_29". */
const char *emit_member(struct emit *, const char *name);

/* A short C-safe word for the type, unique in the program: "int", "T_Event", "L_int", "R_3". */
const char *emit_mangle(struct emit *, const struct type *type);

/* The C constant that is the tag of an enum's variant: "K_Kind_order". The fields of variant `circle`
 * are in `x->as.f_circle`. */
const char *emit_enumerator(struct emit *, const struct type *enumeration, uint32_t variant);

/* Sets and maps are struct flow_map (flow/map.h). Their key type; the struct of their entries, with
 * `key` first and in a map `value` behind it; the two callbacks for a key type. */
const struct type *emit_table_key(const struct type *table);
const char *emit_entry_type(struct emit *, const struct type *table);
const char *emit_key_equal(struct emit *, const struct type *key);
const char *emit_key_hash(struct emit *, const struct type *key);

/* Lists of plain elements hold up to so many of them in `near`, while their capacity is 0; other lists,
 * with 0 here, and longer ones have them at `far`. */
uint32_t emit_list_near(const struct type *list);

/* The C expression of the address of the elements of a list; `pointer` is a C pointer to it. */
const char *emit_list_data(struct emit *, const struct type *list, const char *pointer);

/* Name of the function that makes a list of a length, whose elements are yet to be written:
 * `X NAME(struct flow_mem *, uint32_t length)`. */
const char *emit_list_make(struct emit *, const struct type *list);

/* A statement, two lines indented by two spaces, that makes room for one more element of the list at
 * the C pointer `xs`. */
const char *emit_list_grow(struct emit *, const struct type *list, const char *memory);

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

/* -- emit_const.c: constant values and conditions -------------------------------------------- */

/* A C constant initialiser or expression for a checked constant expression (defaults of fields). */
void emit_constant(struct emit *, struct text *out, const struct expr *value, const struct type *type);

/* The same for a string of these bytes. */
void emit_string(struct text *out, const char *data, size_t length);

/* Writes the `where` condition of a record's field on first use and returns its name:
 * `static inline bool NAME(struct flow_worker *, const X *item)`. A condition that fails is false. */
const char *emit_where(struct emit *, const struct type *record, uint32_t field);

/* -- emit_stage.c: rows on their way through the graph -------------------------------------- */

/* Writes the code that sends a row to all consumers of the port, in order. `row` is a C pointer to
 * the port's item type, `key` one to the row's key (null: it has none). */
void emit_push(struct emit *, const struct node *node, uint32_t port, const char *row,
               const char *key);

/* Writes the user expression `value` of a stage as a function under #line; the arguments are the
 * row, and the key where the stage has one. `suffix` tells functions of one stage apart. */
void emit_user_function(struct emit *, const struct node *node, const char *suffix,
                        const struct expr *value);

/* Writes the call of that function for `row` and opens the block in which its result is good;
 * returns the result: a C pointer to it. What a failure means is the stage's `else`. */
const char *emit_user_call(struct emit *, const struct node *node, const char *suffix,
                           const struct expr *value, const char *row);
void emit_user_end(struct emit *, const struct node *node, const struct expr *value);

/* Whether anything reads the field of the record type (middle/live.h). */
bool emit_is_live(struct emit *, const struct type *record, uint32_t field);

bool pass_emit(struct compiler *);

/* Compiles c_text to options.output_path. False after printing a message of its own: there is no
 * diagnostic, and flowcc exits with 70. */
bool pass_build(struct compiler *);
void dump_c(struct compiler *, FILE *);

#endif
