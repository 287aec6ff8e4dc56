/* The files of stdlib/, as the build has put them into flowcc: `make` writes the table from the folder. */
#ifndef FLOWCC_FRONT_LIBRARY_H
#define FLOWCC_FRONT_LIBRARY_H

#include <stddef.h>

struct library_file {
  const char *path; /* "stdlib/lists.flow"; null behind the last one */
  const char *text;
  size_t length;
};

extern const struct library_file library_files[];

#endif
