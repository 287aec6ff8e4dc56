/* The one layout of a flow's text: what `flowcc fmt` writes.
 *
 *   if (pass_tokens(&compiler) && pass_parse(&compiler) && format_source(&compiler, &out))
 *     fwrite(out.data, 1, out.length, file);
 *
 * The formatter never adds or removes a line break: it decides what stands between the tokens of a
 * line, how far a line is indented, and that there is never more than one blank line. It works on
 * tokens alone, so it need not know what a construct means:
 *
 *   - a line in brackets stands two columns deeper than the line that opens them;
 *   - `|>` stands two columns deeper than its statement, and what belongs to such a stage is
 *     measured from behind its `|>`;
 *   - a line that goes on with the statement above stands two columns deeper than that;
 *   - types in a record, arrows in a `match` or `split`, and comments at the end of lines stand below
 *     each other in neighbouring lines. Fields that share a line do not take part.
 *
 * F-strings and comments keep their text.
 */
#ifndef FLOWCC_TOOLS_FORMAT_H
#define FLOWCC_TOOLS_FORMAT_H

#include "compiler.h"

#include <stdbool.h>

/* Appends the formatted text of compiler->source to `out`. The source must have gone through
 * pass_tokens and pass_parse without an error. The result is scanned again and compared token by
 * token and comment by comment; false if it would not mean the same, which is a bug of ours: then
 * nothing should be written. */
bool format_source(struct compiler *compiler, struct text *out);

#endif
