/* One text through the whole front end, in this process and without writing anything. */
#ifndef FRONT_H
#define FRONT_H

#include <stddef.h>
#include <stdint.h>

/* Compiles the text from tokens to C, twice, and once without fusing, and prints its messages in
 * every form, all into memory. Aborts if one of these does not hold:
 *   - a pass that fails has reported an error, and one that has reported an error fails;
 *   - messages are valid UTF-8, and a control character stands in none of them;
 *   - two compilations give the same bytes.
 * Crashes, leaks and endless loops are for the sanitizers and the caller to notice. Returns 0, as
 * libFuzzer and AFL++ want it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
