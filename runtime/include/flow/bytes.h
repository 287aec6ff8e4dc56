/* Values of the type `bytes`: any bytes, kept in a struct flow_str, whose functions for equality, order,
 * hash, copies and joining look at bytes only and so serve here, too. As text they are base64 (RFC 4648
 * with padding; the bits behind the last byte are zero, so equal bytes have one text) or hex.
 *
 * Results lie in `mem` (the worker's arena) where they are new, and borrow where they are a part of
 * their argument.
 *
 *   struct flow_str value;
 *   const char *why = flow_base64_decode(w->arena, "AAEC", 4, &value);   three bytes: 0, 1, 2
 *   if (why != NULL) return flow_bad(j->bad, at, "%s", why);
 */
#ifndef FLOW_BYTES_H
#define FLOW_BYTES_H

#include "flow/csv.h"
#include "flow/json.h"
#include "flow/value.h"

/* -- base64 and hex -------------------------------------------------------------------------- */

/* Decodes the text; null, or what is wrong with it. */
const char *flow_base64_decode(struct flow_mem *mem, const char *text, size_t length,
                               struct flow_str *out);

/* The same for pairs of hex digits, small or capital. */
const char *flow_hex_decode(struct flow_mem *mem, const char *text, size_t length,
                            struct flow_str *out);

/* Appends the bytes as base64, without quotes. */
void flow_print_base64(struct flow_buf *, const void *data, size_t length);

/* Writes them at `p`, behind which there is then room for `room` bytes; returns the end. */
char *flow_write_base64(struct flow_buf *b, char *p, const struct flow_str *s, size_t room);

/* -- the language's functions ---------------------------------------------------------------- */

struct flow_str flow_bytes_base64(struct flow_mem *mem, const struct flow_str *s);
struct flow_str flow_bytes_hex(struct flow_mem *mem, const struct flow_str *s); /* small digits */

/* The bytes from `from` up to and without `to`, both clamped; borrows from `s`. */
struct flow_str flow_bytes_slice(const struct flow_str *s, int64_t from, int64_t to);

/* Whether they are UTF-8, so that they may become a string. */
bool flow_bytes_are_text(const struct flow_str *s);

/* -- input ----------------------------------------------------------------------------------- */

/* A string of base64. */
bool flow_json_bytes(struct flow_json *, struct flow_str *out);

/* A cell of base64. With `is_plain` nothing is said about what is wrong (flow/record.h). */
bool flow_csv_bytes(struct flow_csv *, const struct flow_csv_field *, const char *name,
                    struct flow_mem *mem, struct flow_str *out, bool is_plain);

#endif
