/* Which fields of record types are ever read. A pure function of the typed tree and the graph.
 *
 *   struct live *live = live_find(compiler);
 *   if (!live_has(live, event_type, 3)) …nothing reads the fourth field of an Event…
 *
 * The result lives in the compilation's arena and knows the types that existed when it was made.
 */
#ifndef FLOWCC_MIDDLE_LIVE_H
#define FLOWCC_MIDDLE_LIVE_H

#include "middle/graph.h"

struct live;

struct live *live_find(struct compiler *);
bool live_has(const struct live *, const struct type *record, uint32_t field);

#endif
