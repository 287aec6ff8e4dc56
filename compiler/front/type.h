/* The types of the language. Types are canonical: equal types are the same pointer.
 *
 * A nominal record or enum is canonical by its declaration; a structural record by its field names
 * and types in order (the order is the order of its output). All nodes live in the arena.
 */
#ifndef FLOWCC_FRONT_TYPE_H
#define FLOWCC_FRONT_TYPE_H

#include "front/ast.h"

enum type_kind {
  TYPE_ERROR,     /* of an expression that already has a diagnostic: fits everything, silently */
  TYPE_NONE,      /* of a bare `none`, before it meets an expected type */
  TYPE_EMPTY,     /* of a bare `[]`, before it meets an expected type */
  TYPE_UNIT,      /* of a mutator call without a result */
  TYPE_INT,
  TYPE_FLOAT,
  TYPE_DECIMAL,   /* int64 that counts units of 10^-scale */
  TYPE_BOOL,
  TYPE_STRING,
  TYPE_JSON,      /* any JSON, as its canonical text */
  TYPE_BYTES,
  TYPE_TIMESTAMP, /* int64 microseconds since 1970-01-01T00:00:00Z */
  TYPE_DURATION,  /* int64 microseconds */
  TYPE_OPTIONAL,  /* elem */
  TYPE_LIST,      /* elem */
  TYPE_SET,       /* elem */
  TYPE_MAP,       /* key, elem */
  TYPE_RECORD,    /* fields; name null: structural */
  TYPE_ENUM,      /* variants */
};

struct type_field {
  const char *name;
  const struct type *type;
  struct expr *init;      /* checked constant default, or null */
  bool is_needed;         /* saved values without it are refused, whatever its default */
  const char *from;       /* name in the input (`from "x"`), else the field's own */
  const char *was;        /* earlier name in saved state, or null */
  struct expr *where;     /* checked condition on the field, or null; the field is a REF_FIELD in it */
  int64_t unit_us;        /* `unit s|ms|us` of a timestamp read from an int; 0: RFC 3339 text */
  struct span span;
};
VEC_OF(type_field_list, struct type_field);

struct type_variant {
  const char *name;
  const char *from;            /* name in the input and output, else its own */
  const char *was;
  const struct type *payload;  /* record of the variant's fields, or null; structural, or its own
                                  (named ENUM.VARIANT) where a field has a default or a clause */
};
VEC_OF(type_variant_list, struct type_variant);

struct type {
  enum type_kind kind;
  uint32_t id;              /* dense, in order of creation: index for per-type tables */
  const char *name;         /* simple type, nominal record or enum; null: structural or composed */
  uint32_t scale;           /* DECIMAL: digits behind the point */
  const struct type *elem, *key;
  struct type_field_list fields;
  struct type_variant_list variants;
  uint32_t value_count;     /* of type_value_count(); 0: not counted yet */
  const char *tag;          /* enum: the field of the input that names the variant (`tagged`), or null */
  struct decl *decl;        /* nominal record or enum; null for Rejected */
};

struct types {
  struct arena *arena;
  VEC_OF(type_list, const struct type *) all; /* by id */
  const struct type *error, *none, *empty, *unit, *int_, *float_, *bool_, *string, *json, *bytes, *timestamp,
      *duration;
  const struct type *rejected; /* record Rejected { step, reason, raw, source, line, position, at } */
};

void types_init(struct types *types, struct arena *arena);

/* The canonical decimal[scale]; the scale is at most DECIMAL_SCALE (front/decimal.h). */
const struct type *type_decimal(struct types *, uint32_t scale);

/* The canonical T?; T?? is T?. */
const struct type *type_optional(struct types *, const struct type *elem);
const struct type *type_list(struct types *, const struct type *elem);
const struct type *type_set(struct types *, const struct type *elem);
const struct type *type_map(struct types *, const struct type *key, const struct type *elem);

/* The canonical structural record with these fields (only name and type count for identity). */
const struct type *type_structural(struct types *, const struct type_field *fields, size_t count);

/* A new nominal record or enum; the caller (resolve) fills its fields or variants. */
struct type *type_nominal(struct types *, enum type_kind kind, struct decl *decl);

/* A new record of that name without a declaration; the caller fills its fields. */
struct type *type_own_record(struct types *, const char *name);

/* As users write it: `list[int]`, `{ user: string, n: int }`, `Event`, `int?`. In the arena. */
const char *type_name(struct types *, const struct type *);

bool type_is_structural(const struct type *); /* a record that no declaration names */
bool type_is_concrete(const struct type *);  /* no bare `none` or `[]` is left inside */
bool type_is_numeric(const struct type *);   /* int, float, decimal, duration */
bool type_is_ordered(const struct type *);   /* < and > apply */
bool type_is_key(const struct type *);       /* no float, list, map or set inside */
bool type_is_json(const struct type *);      /* json or json? */
bool type_has_payload(const struct type *enumeration); /* a variant has fields */
/* Prints as a text line on stdout: no collection, json, record or variant with fields; T? of such too. */
bool type_is_scalar(const struct type *);
/* How many scalars, collections and tags lie side by side in a value, at most LIMIT_VALUES + 1. For
 * types without circles. */
uint32_t type_value_count(const struct type *);
bool type_has_heap(const struct type *);     /* a string, bytes, json, list, set or map is inside */

/* Index of the field or variant, or -1. */
int type_field_index(const struct type *record, const char *name);
int type_variant_index(const struct type *enumeration, const char *name);

#endif
