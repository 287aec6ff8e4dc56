/* Rows as text. Programs print them as JSON (language rule 12), whether they come out of a sink or out
 * of a test; here that JSON becomes what a test needs, with the type at hand.
 *
 *   const char *json = "{\"id\": 1, \"at\": \"2024-01-01T00:00:00Z\"}";
 *   struct text out;
 *   text_init(&out, arena);
 *   value_write(VALUE_SHOWN, type, json, strlen(json), &out);      { id: 1, at: @2024-01-01T00:00:00Z }
 */
#ifndef FLOWCC_TEST_VALUE_H
#define FLOWCC_TEST_VALUE_H

#include "base/text.h"
#include "front/type.h"

enum value_form {
  VALUE_SHOWN,    /* as a program says it, to be pasted into a test */
  VALUE_COMPARED, /* equal texts for equal values: sets and maps have no order (rule 24) */
  VALUE_FED,      /* as a jsonl source reads it: names by `from`, timestamps in their unit */
};

/* One value as a program has printed it. */
struct value {
  const struct type *type;
  const char *json;
  size_t length;
};
VEC_OF(value_list, struct value);

/* Appends the value in a form. What the JSON has and the type does not is copied as it is. */
void value_write(enum value_form, const struct type *, const char *json, size_t length,
                 struct text *out);

/* Appends the elements of a printed list to `items`. */
void value_split(struct arena *, const struct type *list, const char *json, size_t length,
                 struct value_list *items);

/* Appends the line with which a text source reads the value, without its end. */
void value_write_line(const struct value *, struct text *out);

/* Appends the row with which a csv source reads the value, with its end. `columns` are names of the
 * header, or null: then it goes by position. */
void value_write_row(const struct value *, char delimiter, const char *const *columns,
                     size_t column_count, struct text *out);

#endif
