/* The values of literals. Each function takes the bytes of one token and where they stand, reports
 * what is wrong with them, and then still gives some value, so that the parser can go on. */
#ifndef FLOWCC_FRONT_LITERAL_H
#define FLOWCC_FRONT_LITERAL_H

#include "base/source.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct compiler;

/* Decimal or 0x hexadecimal digits with `_` between them. 9223372036854775808, which is an int only
 * behind a minus, gives INT64_MIN where `is_negated`; every other overflow is E0104. */
int64_t literal_int(struct compiler *, const char *bytes, size_t length, struct span span,
                    bool is_negated);

/* Decimal digits with a fraction or an exponent; E0104 where it is not finite. */
double literal_float(struct compiler *, const char *bytes, size_t length, struct span span);

/* One or more numbers with units, such as 1h30m; the result is in microseconds. */
int64_t literal_duration(struct compiler *, const char *bytes, size_t length, struct span span);

/* `@` and an RFC 3339 date or time with a zone; microseconds since 1970-01-01T00:00:00Z. */
int64_t literal_timestamp(struct compiler *, const char *bytes, size_t length, struct span span);

/* Appends what the escape at `bytes` (a backslash and at least one more byte) stands for to `out`.
 * Returns how many bytes it has. `span` is the escape's start; E0102 where it is unknown. */
size_t literal_escape(struct compiler *, const char *bytes, size_t length, struct span span,
                      struct text *out);

/* Appends the decoded bytes between the quotes of a string to `out`; `span` is that inside. */
void literal_string(struct compiler *, const char *bytes, size_t length, struct span span,
                    struct text *out);

/* E0103: a number with letters behind it that are no unit. */
void literal_report_suffix(struct compiler *, const char *bytes, size_t length, struct span span);

#endif
