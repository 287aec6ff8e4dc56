/* What the files that write types, helpers and codecs share.
 *
 * ctype.c names and defines the C types; ctype_helpers.c and ctype_store.c write the functions
 * over them (emit_helper), ctype_print.c the printers (print.h); emit_codec*.c write the parsers of records.
 */
#ifndef FLOWCC_BACK_CTYPE_H
#define FLOWCC_BACK_CTYPE_H

#include "back/emit.h"
#include "base/map.h"

/* Everything that has been written for one type. Null: not yet. */
struct ctype {
  const char *c_name;                  /* "struct T_Event" */
  const char *mangled;                 /* "T_Event" */
  const char *helpers[HELPER_COUNT];   /* names of the functions */
  const char *enumerators;             /* of an enum: "K_Kind_", the prefix of its constants */
  const char *entry_type;              /* of a set or map: "struct E_M_string_int" */
  const char *key_equal, *key_hash;    /* of a key type: the callbacks of flow/map.h */
  const char *json_names, *text_names; /* of an enum: tables of the texts of its variants */
  const char *printer;                 /* ctype_print.c: prints a nested value as JSON */
  const char *reader;                  /* emit_codec.c: reads a value from JSON */
  const char *match;                   /* emit_codec.c: the variant of an enum with a given text */
};

struct emit_types {
  struct ctype **by_id; /* by type id; entries are made when first asked for */
  size_t count;
  struct map taken; /* every name that was given out, so that no two meet */
  uint32_t structural_count;
};

/* The entry of a type; never null, stays where it is. */
struct ctype *ctype_entry(struct emit *, const struct type *);

/* `wanted`, or, where that name was given out before, `wanted` with the first free number behind
 * it. The result is interned and given out never again. */
const char *ctype_unique(struct emit *, const char *wanted);

/* Whether the value has neither heap memory nor padding nor a shape of its own: int, float, bool,
 * decimal, timestamp, duration, and enums without any payload. */
bool ctype_is_plain(const struct type *);

/* -- one family of helpers each: writes the function `name` for the type into SECTION_HELPERS --- */

void ctype_write_basic(struct emit *, enum helper, const struct type *, const char *name);
void ctype_write_encode(struct emit *, const struct type *, const char *name);
void ctype_write_decode(struct emit *, const struct type *, const char *name);
void ctype_write_schema(struct emit *, const struct type *, const char *name);
void ctype_write_json(struct emit *, const struct type *, const char *name);
void ctype_write_text(struct emit *, const struct type *, const char *name);

/* Appends a constant of the type in the binary form of saved values (flow/codec.h), as the default of
 * a field; false, with a part of it appended, where it is more than a constant of literals. */
bool ctype_put_constant(struct arena *, struct text *out, const struct expr *value,
                        const struct type *);

/* The bodies for sets and maps (ctype_table.c), and the head of a loop over the entries of the one
 * that the C expression `x` points to; the entry is then `entry`. */
void ctype_table_equal(struct emit *, struct text *out, const struct type *table);
void ctype_table_copy(struct emit *, struct text *out, const struct type *table);
void ctype_table_drop(struct emit *, struct text *out, const struct type *table);
void ctype_table_encode(struct emit *, struct text *out, const struct type *table);
void ctype_table_decode(struct emit *, struct text *out, const struct type *table);
void ctype_table_loop(struct emit *, struct text *out, const struct type *table, const char *x);

/* The C type of a list, and the bodies for lists (ctype_list.c). */
void ctype_define_list(struct emit *, const struct type *list, struct text *out);
void ctype_list_copy(struct emit *, struct text *out, const struct type *list);
void ctype_list_drop(struct emit *, struct text *out, const struct type *list);
void ctype_list_decode(struct emit *, struct text *out, const struct type *list);

/* The head `static inline bool equal_T_Event(const struct T_Event *a, …) {` of a helper, and its
 * end; the latter moves the finished text into SECTION_HELPERS. */
void ctype_begin(struct emit *, struct text *out, enum helper, const struct type *,
                 const char *name);
void ctype_end(struct emit *, struct text *out);

#endif
