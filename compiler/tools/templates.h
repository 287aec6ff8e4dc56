/* The templates of `flowcc init`: the files of stdlib/templates, as the build has put them into
 * flowcc. A template is a folder; the first line of its README.md is `# NAME: what it shows`. */
#ifndef FLOWCC_TOOLS_TEMPLATES_H
#define FLOWCC_TOOLS_TEMPLATES_H

#include "front/library.h"

/* Written by the build: paths are "stdlib/templates/NAME/FILE", in their order; null behind the
 * last one. */
extern const struct library_file template_files[];

#endif
