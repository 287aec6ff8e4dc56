/* The language reference (docs/language.md), as the build has put it into flowcc: what `flowcc help`
 * shows of words that are no stage, function, connector or format. */
#ifndef FLOWCC_TOOLS_MANUAL_H
#define FLOWCC_TOOLS_MANUAL_H

#include "front/library.h"

#include <stdbool.h>

/* Written by the build: the one file, then null. */
extern const struct library_file manual_files[];

/* Prints each section that has all the words of `words` in its heading ("enum" finds "Enums"). False:
 * there is none. */
bool manual_print(const char *words);

/* Prints the headings. */
void manual_list(void);

/* Prints the headings of the sections with `word` in their text, as code; false: there is none. */
bool manual_print_mentions(const char *word);

#endif
