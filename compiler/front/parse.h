/* The parser: text to tree.
 *
 *   pass_tokens(&compiler) && pass_parse(&compiler);      // compiler.program is the tree
 *   dump_ast(&compiler, stdout);
 *
 * The grammar is parse.y. A syntax error is reported and the parser goes on behind it (at the next
 * line, or at the end of the brackets around it), so one run reports several.
 */
#ifndef FLOWCC_FRONT_PARSE_H
#define FLOWCC_FRONT_PARSE_H

#include "compiler.h"

/* Scans `compiler->source` into `compiler->tokens`. False only where the text cannot be parsed at
 * all (E0109); malformed tokens are reported, and parsing goes on to find what else is wrong. */
bool pass_tokens(struct compiler *compiler);

/* Parses `compiler->tokens` into `compiler->program`. False when anything was reported as an error,
 * by pass_tokens too; the tree is then incomplete and good for nothing but looking at. */
bool pass_parse(struct compiler *compiler);

/* Adds `length` bytes as the main source, scans and parses them; for tests and fuzzers. The result
 * is that of pass_parse. */
bool parse_text(struct compiler *compiler, const char *path, const char *text, size_t length);

/* Stable listings for --dump=tokens and --dump=ast: one token or node per line. Types and bindings
 * are shown where the checker has set them. */
void dump_tokens(const struct compiler *compiler, FILE *stream);
void dump_ast(const struct compiler *compiler, FILE *stream);

#endif
