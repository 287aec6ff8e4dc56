/* What functions in C, which a flow declares with `extern fn`, see of the program that calls them.
 *
 * `flowcc emit --header x.flow >x.h` writes the prototypes and types for a flow; flowcc puts the same in front
 * of each C file that it compiles, so the prototypes always fit.
 *
 *   // x.flow:  extern fn country(address: string) -> string? from "geo.c"
 *   #include "x.h"
 *   bool country(struct flow_worker *ctx, const struct flow_str *address, struct O_string *out) {
 *     if (!is_ours(flow_str_data(address), address->length)) return false;       // none
 *     out->has = true;
 *     return flow_extern_string(ctx, "DE", 2, &out->value);
 *   }
 *
 * Arguments are good until the function returns, and must not be changed. A result is zero when the function is
 * called. False says that the function has failed; for a T? it says that there is no value.
 *
 * The function is called by several threads at the same time (unless it is declared `serial`), and again for the
 * same item after a crash: it must be a function of its arguments, without a memory of its own. A float that
 * it gives must be finite and a string UTF-8.
 */
#ifndef FLOW_EXTERN_H
#define FLOW_EXTERN_H

#include "flow/value.h"

struct flow_worker;

/* Memory for a result: `size` bytes, aligned to 16, which nobody frees: they are good as long as the result is. The
 * program ends when there is none. */
void *flow_extern_alloc(struct flow_worker *ctx, size_t size);

/* Sets *out to a copy of the bytes. False if they are not UTF-8 or 4 GiB long; *out is then as it was. */
bool flow_extern_string(struct flow_worker *ctx, const char *bytes, size_t length,
                        struct flow_str *out);

#endif
