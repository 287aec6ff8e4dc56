/* flowcc help and flowcc explain: the tables that the compiler itself uses, for people (and with
 * --json for editors). */
#ifndef FLOWCC_TOOLS_HELP_H
#define FLOWCC_TOOLS_HELP_H

#include "command.h"

/* flowcc help [TOPIC …]; without a topic the page of `flowcc --help`. */
int help_main(const struct subcommand *table, int argc, char **argv);

#endif
