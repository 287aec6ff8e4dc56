/* Lowering: what op->lower() may use while the graph is being built (see graph.h for the rest). */
#ifndef FLOWCC_MIDDLE_LOWER_H
#define FLOWCC_MIDDLE_LOWER_H

#include "middle/graph.h"

struct lower;

/* The name of the sink that `flowcc test` adds for what is expected of a stream or sink. No name of
 * the language has its blank. */
const char *lower_capture_name(struct compiler *, const char *stream);

/* Adds an output port that carries rows of type `item` and returns its number. A stage has port 0
 * before its op->lower() is called. */
uint32_t lower_add_port(struct lower *, struct node *node, const struct type *item);

/* Sends the rows of the port to the stream or sink named `target`, behind what the port already
 * feeds. Rows of a port may go to many places; a stream takes rows from many ports. */
void lower_connect_name(struct lower *, struct node *node, uint32_t port, struct ident target);

/* Makes `node` a reader of the stream named `stream`, behind the stream's earlier readers. Its rows go through
 * the stages, which may be none, first. */
void lower_read_name(struct lower *, struct ident stream, const struct stage_list *stages, struct node *node);

#endif
