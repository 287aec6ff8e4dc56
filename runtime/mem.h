/* The two kinds of memory behind struct flow_mem (flow/value.h).
 *
 * An arena hands out by moving a pointer and takes everything back at once. A heap has size classes
 * with lists of free pieces; what it holds is counted. Both belong to one thread. Memory comes from
 * the system table; when there is none left, the program ends with exit 70.
 *
 *   struct flow_mem *arena = flow_mem_arena_new(sys);
 *   void *row = flow_mem_alloc(arena, size);
 *   flow_mem_arena_reset(arena);                    row is gone, its memory is kept
 *   flow_mem_delete(arena);
 */
#ifndef FLOW_MEM_H
#define FLOW_MEM_H

#include "flow/value.h"
#include "sys.h"

/* Bytes of the first chunk of an arena; later ones double up to FLOW_ARENA_CHUNK_MAX. */
#define FLOW_ARENA_CHUNK     ((size_t)64 << 10)
#define FLOW_ARENA_CHUNK_MAX ((size_t)1 << 20)
/* What an arena keeps over a reset; a batch that needed more was unusual. */
#define FLOW_ARENA_KEEP ((size_t)4 << 20)

/* Pieces above this come straight from the system. */
#define FLOW_HEAP_PIECE_MAX ((size_t)32 << 10)

/* `sys` must outlive the memory. */
struct flow_mem *flow_mem_arena_new(const struct flow_sys *sys);
struct flow_mem *flow_mem_heap_new(const struct flow_sys *sys);

/* Empties an arena. Chunks are kept, up to FLOW_ARENA_KEEP bytes. Costs next to nothing when only
 * the first chunk was in use. */
void flow_mem_arena_reset(struct flow_mem *arena);

/* Gives everything back, the memory object included; null is fine. */
void flow_mem_delete(struct flow_mem *);

/* Bytes that are handed out and not freed, rounded up as they were (an arena: since its reset). */
size_t flow_mem_bytes(const struct flow_mem *);

/* Bytes that are held from the system. */
size_t flow_mem_reserved(const struct flow_mem *);

/* The allocation functions of the system table for those who cannot go on without: never null. */
void *flow_sys_must_alloc(const struct flow_sys *sys, size_t size);
void *flow_sys_must_realloc(const struct flow_sys *sys, void *memory, size_t size);

#endif
