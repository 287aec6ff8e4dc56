/* The layout filter: raw tokens to the tokens of the grammar.
 *
 *   - Brackets are paired. A missing one is reported (E0111) and put in, a surplus one is reported
 *     and dropped, so the parser always sees balanced brackets.
 *   - Newlines become NL tokens where they end something: not inside ( and [, not behind a token
 *     that cannot end a statement, not before one that continues it (`|>`, `.`, `else`, a closing
 *     bracket, an operator other than `-`, a hook such as `on epoch {`), and not before a line of a
 *     pipeline that is indented deeper than the statement's first token.
 *   - Names become keywords where they are ones: `source` at the start of a statement, `filter`
 *     behind `|>`, `feed` in a test. Everywhere else they are ordinary names.
 *   - `##` comments are taken out and kept beside the tokens.
 *   - Words of other languages and misspelt keywords are reported and replaced by ours.
 *
 * It is a pure function over the list of tokens, with as much look-ahead as it likes.
 */
#ifndef FLOWCC_FRONT_LAYOUT_H
#define FLOWCC_FRONT_LAYOUT_H

#include "front/token.h"

/* Filters raw tokens (from lex_source, ended by END). The result lives in the arena, ends with END,
 * and never begins or ends with NL. Null after E0109: too many brackets are open for the passes
 * behind, and the parser must not run. */
struct tokens *layout_filter(struct compiler *compiler, const struct token_list *raw);

#endif
