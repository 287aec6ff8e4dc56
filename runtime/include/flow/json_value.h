/* Values of type json: any JSON, kept as its text.
 *
 * A value is a struct flow_str that holds one JSON value in canonical form: without blanks but for one behind
 * each comma and colon, strings with only those escapes that JSON needs, and everything else as it was read: the
 * order of keys, keys that come twice, the digits of numbers. So a value is printed by copying it, two values
 * that were read from the same text are the same bytes, and what a flow does not look at costs nothing but
 * its text. Parts are found by walking over the text; a part borrows from it.
 *
 * Only readers make values, and they check everything; all other functions rely on the form.
 *
 *   struct flow_str order, id;
 *   if (!flow_json_value(j, &order)) return false;                             {"user": {"id": 7}}
 *   if (flow_json_value_member(&order, "\"user\"", 6, &id)) …                  {"id": 7}
 *   int64_t number;
 *   if (flow_json_value_int(&id, &number)) …                                   false: it is an object
 */
#ifndef FLOW_JSON_VALUE_H
#define FLOW_JSON_VALUE_H

#include "flow/decimal.h"
#include "flow/json.h"

/* Reads any value; false after saying what is wrong, as all readers of flow/json.h. It borrows from the input
 * if that has the canonical form, else it lies in j->mem. */
bool flow_json_value(struct flow_json *j, struct flow_str *out);

/* Whether the bytes are one value in canonical form; for what comes from a store. */
bool flow_json_value_check(const char *data, size_t length);

/* -- parts. False, with *out untouched: there is none, or it is null. */

/* The member of an object with this key, which is given as it stands in the text: in quotes and
 * escaped. Of several the last one. */
bool flow_json_value_member(const struct flow_str *, const char *quoted, size_t length,
                            struct flow_str *out);

/* The same for any key; the escaped one is made in `mem`. */
bool flow_json_value_named(struct flow_mem *, const struct flow_str *, const struct flow_str *key,
                           struct flow_str *out);

/* The element of an array at an index from 0. */
bool flow_json_value_element(const struct flow_str *, int64_t index, struct flow_str *out);

static inline bool flow_json_value_is_null(const struct flow_str *v) {
  return flow_str_is(v, "null", 4);
}

/* -- conversions. False: the value is no such thing. */

/* A number without fraction and exponent that fits. */
bool flow_json_value_int(const struct flow_str *, int64_t *out);
bool flow_json_value_float(const struct flow_str *, double *out);
bool flow_json_value_decimal(const struct flow_str *, unsigned scale, int64_t *out);
bool flow_json_value_bool(const struct flow_str *, bool *out);
/* The text of a string; it borrows from the value or lies in `mem`. */
bool flow_json_value_string(struct flow_mem *, const struct flow_str *, struct flow_str *out);
/* The elements of an array, nulls too, in a list that lies in `mem`. */
bool flow_json_value_elements(struct flow_mem *, const struct flow_str *, struct flow_str_list *out);

/* A walk over the members of an object, in order:
 *
 *   struct flow_json_members members;
 *   if (!flow_json_value_members(&value, &members)) …it is no object…
 *   while (flow_json_next_of(&members, w->arena, &key, &member)) …
 */
struct flow_json_members {
  const char *at, *end;
};
bool flow_json_value_members(const struct flow_str *, struct flow_json_members *);
bool flow_json_next_of(struct flow_json_members *, struct flow_mem *, struct flow_str *key,
                       struct flow_str *value);

/* -- comparing and printing ------------------------------------------------------------------ */

/* Whether two values mean the same: objects whatever the order of their keys (of equal keys the last
 * counts), numbers whatever their spelling. */
bool flow_json_value_equal(const struct flow_str *, const struct flow_str *);

/* Writes a string as its text, and anything else as JSON; as flow_write_str(). */
char *flow_write_json_value(struct flow_buf *b, char *p, const struct flow_str *, size_t room);

#endif
