#include "mem.h"

#include <stdlib.h>

/* What arena and heap begin with. */
struct memory {
  struct flow_mem mem;
  const struct flow_sys *sys;
  size_t reserved;
  bool is_heap;
};

/* A chunk of an arena or a slab of a heap; its bytes follow. */
struct chunk {
  struct chunk *next;
  size_t size; /* of the bytes behind this header */
};
_Static_assert(sizeof(struct chunk) == 16, "what follows is 16-aligned");

static char *chunk_bytes(struct chunk *chunk) {
  return (char *)(chunk + 1);
}

void *flow_sys_must_alloc(const struct flow_sys *sys, size_t size) {
  void *memory = sys->alloc(sys, size);
  if (memory == NULL) flow_out_of_memory(size);
  return memory;
}

void *flow_sys_must_realloc(const struct flow_sys *sys, void *memory, size_t size) {
  memory = sys->realloc(sys, memory, size);
  if (memory == NULL) flow_out_of_memory(size);
  return memory;
}

static size_t round_up(size_t size) {
  if (size > SIZE_MAX / 2) flow_out_of_memory(size);
  return size == 0 ? 16 : (size + 15) & ~(size_t)15;
}

static struct chunk *chunk_new(struct memory *m, size_t size) {
  struct chunk *chunk = flow_sys_must_alloc(m->sys, sizeof *chunk + size);
  chunk->size = size;
  m->reserved += sizeof *chunk + size;
  FLOW_POISON(chunk_bytes(chunk), size);
  return chunk;
}

static void chunks_delete(struct memory *m, struct chunk *chunk) {
  while (chunk != NULL) {
    struct chunk *next = chunk->next;
    m->reserved -= sizeof *chunk + chunk->size;
    FLOW_UNPOISON(chunk_bytes(chunk), chunk->size);
    m->sys->free(m->sys, chunk);
    chunk = next;
  }
}

/* -- arena ----------------------------------------------------------------------------------- */

struct arena {
  struct memory base;
  struct chunk *first, *current; /* the chunks behind `current` are empty */
  size_t full;                   /* bytes handed out from the chunks before `current` */
};

static void arena_enter(struct arena *a, struct chunk *chunk) {
  a->current = chunk;
  a->base.mem.next = chunk_bytes(chunk);
  a->base.mem.end = chunk_bytes(chunk) + chunk->size;
}

struct flow_mem *flow_mem_arena_new(const struct flow_sys *sys) {
  struct arena *a = flow_sys_must_alloc(sys, sizeof *a);
  *a = (struct arena){.base = {.sys = sys, .reserved = sizeof *a}};
  a->first = chunk_new(&a->base, FLOW_ARENA_CHUNK);
  a->first->next = NULL;
  arena_enter(a, a->first);
  return &a->base.mem;
}

static size_t arena_used(const struct arena *a) {
  return (size_t)(a->base.mem.next - chunk_bytes(a->current));
}

static void *arena_alloc(struct arena *a, size_t room) {
  while (a->base.mem.end - a->base.mem.next < (ptrdiff_t)room) {
    struct chunk *next = a->current->next;
    if (next == NULL) {
      size_t size = 2 * a->current->size;
      if (size > FLOW_ARENA_CHUNK_MAX) size = FLOW_ARENA_CHUNK_MAX;
      if (size < room) size = room;
      next = chunk_new(&a->base, size);
      next->next = NULL;
      a->current->next = next;
    }
    a->full += arena_used(a);
    arena_enter(a, next);
  }
  void *memory = a->base.mem.next;
  a->base.mem.next += room;
  return memory;
}

void flow_mem_arena_reset(struct flow_mem *mem) {
  struct arena *a = (struct arena *)mem;
#ifdef FLOW_HAS_ASAN
  for (struct chunk *chunk = a->first; chunk != NULL; chunk = chunk->next) {
    FLOW_POISON(chunk_bytes(chunk), chunk->size);
  }
#endif
  if (FLOW_UNLIKELY(a->base.reserved > FLOW_ARENA_KEEP)) {
    struct chunk *last = a->first;
    size_t kept = last->size;
    while (last->next != NULL && kept + last->next->size <= FLOW_ARENA_KEEP) {
      last = last->next;
      kept += last->size;
    }
    chunks_delete(&a->base, last->next);
    last->next = NULL;
  }
  a->full = 0;
  arena_enter(a, a->first);
}

/* -- heap ------------------------------------------------------------------------------------ */

/* Size classes: steps of 16 up to 128 bytes, then four to each doubling, so that at most a fifth of
 * a larger piece is unused. */
enum { HEAP_SMALL = 8, HEAP_CLASSES = HEAP_SMALL + 4 * 8 };
_Static_assert(FLOW_HEAP_PIECE_MAX == 128u << 8, "eight doublings above 128");

#define HEAP_SLAB_FIRST ((size_t)64 << 10)
#define HEAP_SLAB_MAX   ((size_t)1 << 20)

struct piece {
  struct piece *next;
};

/* In front of a piece that came straight from the system. */
struct large {
  struct large *next, **link;
  size_t size, padding;
};
_Static_assert(sizeof(struct large) % 16 == 0, "what follows is 16-aligned");

struct heap {
  struct memory base;
  size_t live;
  char *slab_next, *slab_end; /* the part of the newest slab that was never handed out */
  struct chunk *slabs;
  struct large *large;
  struct piece *free[HEAP_CLASSES];
};

static uint32_t class_of(size_t size) {
  if (size <= 128) return size == 0 ? 0 : (uint32_t)((size - 1) / 16);
  uint32_t top = 63 - (uint32_t)__builtin_clzll(size - 1);
  return HEAP_SMALL + (top - 7) * 4 + ((size - 1) >> (top - 2) & 3);
}

static size_t class_size(uint32_t class) {
  if (class < HEAP_SMALL) return (class + 1) * (size_t)16;
  uint32_t doubling = (class - HEAP_SMALL) / 4, quarter = (class - HEAP_SMALL) % 4;
  return ((size_t)128 << doubling) + (quarter + 1) * ((size_t)32 << doubling);
}

struct flow_mem *flow_mem_heap_new(const struct flow_sys *sys) {
  struct heap *h = flow_sys_must_alloc(sys, sizeof *h);
  *h = (struct heap){.base = {.sys = sys, .reserved = sizeof *h, .is_heap = true}};
  return &h->base.mem;
}

static void heap_put(struct heap *h, void *memory, uint32_t class) {
  struct piece *piece = memory;
  FLOW_UNPOISON(piece, sizeof *piece);
  piece->next = h->free[class];
  h->free[class] = piece;
  FLOW_POISON(piece, class_size(class));
}

/* Starts a new slab; the rest of the old one goes into the lists of free pieces. */
static void heap_new_slab(struct heap *h) {
  for (size_t rest; (rest = (size_t)(h->slab_end - h->slab_next)) >= 16;) {
    uint32_t class = rest > FLOW_HEAP_PIECE_MAX ? HEAP_CLASSES - 1 : class_of(rest);
    if (class_size(class) > rest) class --;
    heap_put(h, h->slab_next, class);
    h->slab_next += class_size(class);
  }
  size_t size = HEAP_SLAB_FIRST;
  while (size < HEAP_SLAB_MAX && size < h->base.reserved / 4) size *= 2;
  struct chunk *slab = chunk_new(&h->base, size);
  slab->next = h->slabs;
  h->slabs = slab;
  h->slab_next = chunk_bytes(slab);
  h->slab_end = h->slab_next + size;
}

static void *heap_alloc_large(struct heap *h, size_t size) {
  size_t room = round_up(size);
  struct large *large = flow_sys_must_alloc(h->base.sys, sizeof *large + room);
  large->size = room;
  large->next = h->large;
  large->link = &h->large;
  if (large->next != NULL) large->next->link = &large->next;
  h->large = large;
  h->live += room;
  h->base.reserved += sizeof *large + room;
  return large + 1;
}

static void *heap_alloc(struct heap *h, size_t size) {
  if (FLOW_UNLIKELY(size > FLOW_HEAP_PIECE_MAX)) return heap_alloc_large(h, size);
  uint32_t class = class_of(size);
  size_t room = class_size(class);
  h->live += room;
  struct piece *piece = h->free[class];
  if (FLOW_LIKELY(piece != NULL)) {
    FLOW_UNPOISON(piece, sizeof *piece);
    h->free[class] = piece->next;
  } else {
    if (h->slab_end - h->slab_next < (ptrdiff_t)room) heap_new_slab(h);
    piece = (struct piece *)(void *)h->slab_next;
    h->slab_next += room;
  }
  FLOW_UNPOISON(piece, size);
  return piece;
}

static void heap_free(struct heap *h, void *memory, size_t size) {
  if (FLOW_LIKELY(size <= FLOW_HEAP_PIECE_MAX)) {
    uint32_t class = class_of(size);
    h->live -= class_size(class);
    heap_put(h, memory, class);
    return;
  }
  struct large *large = (struct large *)memory - 1;
  h->live -= large->size;
  h->base.reserved -= sizeof *large + large->size;
  *large->link = large->next;
  if (large->next != NULL) large->next->link = large->link;
  h->base.sys->free(h->base.sys, large);
}

static void *heap_grow_large(struct heap *h, void *memory, size_t new_size) {
  size_t room = round_up(new_size);
  struct large *large = (struct large *)memory - 1;
  size_t old_room = large->size;
  large = flow_sys_must_realloc(h->base.sys, large, sizeof *large + room);
  large->size = room;
  *large->link = large;
  if (large->next != NULL) large->next->link = &large->next;
  h->live += room - old_room;
  h->base.reserved += room - old_room;
  return large + 1;
}

/* -- both ------------------------------------------------------------------------------------ */

static struct heap *as_heap(struct flow_mem *mem) {
  return ((struct memory *)mem)->is_heap ? (struct heap *)mem : NULL;
}

void *flow_mem_alloc_slow(struct flow_mem *mem, size_t size) {
  struct heap *h = as_heap(mem);
  if (FLOW_LIKELY(h != NULL)) return heap_alloc(h, size);
  void *memory = arena_alloc((struct arena *)mem, round_up(size));
  FLOW_UNPOISON(memory, size);
  return memory;
}

void *flow_mem_grow(struct flow_mem *mem, void *old, size_t old_size, size_t new_size) {
  if (old == NULL) return flow_mem_alloc(mem, new_size);
  struct heap *h = as_heap(mem);
  if (h != NULL) {
    if (old_size > FLOW_HEAP_PIECE_MAX) return heap_grow_large(h, old, new_size);
    if (new_size <= class_size(class_of(old_size))) {
      FLOW_UNPOISON(old, new_size);
      return old;
    }
  } else {
    size_t old_room = round_up(old_size), new_room = round_up(new_size);
    if ((char *)old + old_room == mem->next && mem->end - (char *)old >= (ptrdiff_t)new_room) {
      mem->next = (char *)old + new_room;
      FLOW_UNPOISON(old, new_size);
      return old;
    }
  }
  void *memory = flow_mem_alloc(mem, new_size);
  if (old_size > 0) memcpy(memory, old, old_size);
  flow_mem_free(mem, old, old_size);
  return memory;
}

void flow_mem_free(struct flow_mem *mem, void *memory, size_t size) {
  struct heap *h = as_heap(mem);
  if (h != NULL && memory != NULL) heap_free(h, memory, size);
}

void flow_mem_delete(struct flow_mem *mem) {
  if (mem == NULL) return;
  struct memory *m = (struct memory *)mem;
  struct heap *h = as_heap(mem);
  if (h != NULL) {
    chunks_delete(m, h->slabs);
    for (struct large *large = h->large; large != NULL;) {
      struct large *next = large->next;
      m->sys->free(m->sys, large);
      large = next;
    }
  } else {
    chunks_delete(m, ((struct arena *)mem)->first);
  }
  m->sys->free(m->sys, m);
}

size_t flow_mem_bytes(const struct flow_mem *mem) {
  if (((const struct memory *)mem)->is_heap) return ((const struct heap *)mem)->live;
  const struct arena *a = (const struct arena *)mem;
  return a->full + arena_used(a);
}

size_t flow_mem_reserved(const struct flow_mem *mem) {
  return ((const struct memory *)mem)->reserved;
}

/* -- buffers --------------------------------------------------------------------------------- */

/* Buffers without a memory of their own use malloc: they may be all zero before any system table
 * is known, and running out of memory ends the program either way. */
void flow_buf_reserve_slow(struct flow_buf *b, size_t more) {
  if (more > SIZE_MAX / 4 - b->length) flow_out_of_memory(more);
  size_t capacity = b->capacity < 64 ? 64 : b->capacity * 2;
  while (capacity < b->length + more) capacity *= 2;
  if (b->mem != NULL) {
    b->data = flow_mem_grow(b->mem, b->data, b->capacity, capacity);
  } else {
    b->data = realloc(b->data, capacity);
    if (b->data == NULL) flow_out_of_memory(capacity);
  }
  b->capacity = capacity;
}

void flow_buf_free(struct flow_buf *b) {
  if (b->mem == NULL)
    free(b->data);
  else
    flow_mem_free(b->mem, b->data, b->capacity);
  *b = (struct flow_buf){.mem = b->mem};
}
