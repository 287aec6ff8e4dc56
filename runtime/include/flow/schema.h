/* Type descriptors: what the store keeps about the types of saved values.
 *
 * Generated code declares its types as `static const struct flow_type` trees. The store keeps them
 * as text; on start the program's types are compared with the stored ones (schema.c), and values of
 * an older type are rewritten when they are loaded. codec.h has the binary form of values.
 *
 *   static const struct flow_type type_int = {.kind = FLOW_KIND_INT};
 *   static const struct flow_type type_ints = {.kind = FLOW_KIND_LIST, .element = &type_int};
 *   static const struct flow_field fields_Cart[] = {
 *     {.name = "paid", .type = &type_ints, .default_bytes = "\0", .default_length = 1},
 *   };
 *   static const struct flow_type type_Cart = {
 *     .kind = FLOW_KIND_RECORD, .name = "Cart", .fields = fields_Cart, .field_count = 1};
 */
#ifndef FLOW_SCHEMA_TYPES_H
#define FLOW_SCHEMA_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum flow_kind {
  FLOW_KIND_UNIT, /* no information: the value of a variant without fields, a key of nothing */
  FLOW_KIND_INT,
  FLOW_KIND_FLOAT,
  FLOW_KIND_DECIMAL,
  FLOW_KIND_BOOL,
  FLOW_KIND_STRING,
  FLOW_KIND_JSON,
  FLOW_KIND_BYTES,
  FLOW_KIND_TIMESTAMP,
  FLOW_KIND_DURATION,
  FLOW_KIND_OPT,
  FLOW_KIND_LIST,
  FLOW_KIND_SET,
  FLOW_KIND_MAP,
  FLOW_KIND_RECORD,
  FLOW_KIND_ENUM,
  FLOW_KIND_TIMED, /* a value, and when its key had its last item: of a state with `expires` */
};

struct flow_type;

struct flow_field {
  const char *name;
  const char *was;              /* the name that it had before, or null */
  const struct flow_type *type;
  const char *default_bytes;    /* the default in binary form; null: it has none */
  size_t default_length;
  bool is_needed;               /* saved values without it are refused, whatever its default */
};

struct flow_variant {
  const char *name;
  const char *was;
  const struct flow_field *fields;
  uint32_t field_count;
};

struct flow_type {
  enum flow_kind kind;
  uint32_t scale;                   /* DECIMAL: digits behind the point */
  const char *name;                 /* RECORD, ENUM: for messages only; null: structural */
  const struct flow_type *key;      /* MAP */
  const struct flow_type *element;  /* OPT, LIST, SET, TIMED; MAP: of the value */
  bool by_time;                     /* TIMED: the time is that of the item, else the start of the epoch */
  int64_t since_us;                 /* TIMED, not by_time: what values have that were saved without a time */
  const struct flow_field *fields;  /* RECORD */
  uint32_t field_count;
  const struct flow_variant *variants; /* ENUM */
  uint32_t variant_count;
};

#endif
