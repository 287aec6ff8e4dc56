/* The subcommands that make no program: each has a file, and its main function gets the words
 * behind its name and returns the exit code. The table in main.c names them. */
#ifndef FLOWCC_TOOLS_TOOLS_H
#define FLOWCC_TOOLS_TOOLS_H

/* flowcc fmt FILE…: lays flows out anew, in place. */
int fmt_main(int argc, char **argv);

/* flowcc init TEMPLATE [DIR]: writes a small flow with its input. */
int init_main(int argc, char **argv);

/* flowcc explain CODE: a message at length. */
int explain_main(int argc, char **argv);

#endif
