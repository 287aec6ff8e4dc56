#define _GNU_SOURCE
#include "world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { SECTOR = 512 };

void world_fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "sim: ");
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n");
  va_end(arguments);
  abort();
}

static void *share(size_t size) {
  int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (memory == MAP_FAILED) world_fail("no memory for a world of %zu bytes", size);
  return memory;
}

struct world *world_new(void) {
  struct world *w = share(sizeof *w);
  size_t contents = (size_t)WORLD_NODES * WORLD_NODE_BYTES;
  w->log = share(WORLD_LOG_BYTES);
  w->durable = share(contents);
  w->fd = memfd_create("sim", MFD_CLOEXEC);
  if (w->fd < 0 || ftruncate(w->fd, (off_t)contents) != 0) world_fail("no memory file");
  w->now = mmap(NULL, contents, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, w->fd, 0);
  if (w->now == MAP_FAILED) world_fail("no memory for the disk");
  return w;
}

static uint8_t *now_of(const struct world *w, int node) {
  return w->now + (size_t)node * WORLD_NODE_BYTES;
}

static uint8_t *durable_of(const struct world *w, int node) {
  return w->durable + (size_t)node * WORLD_NODE_BYTES;
}

void world_begin(struct world *w, uint64_t seed) {
  for (int i = 0; i < WORLD_NODES; i++) {
    memset(now_of(w, i), 0, w->nodes[i].touched);
    memset(durable_of(w, i), 0, w->nodes[i].touched);
  }
  memset(w->nodes, 0, sizeof w->nodes);
  w->name_count = w->change_count = w->rename_count = w->life = w->stderr_length = 0;
  w->log_used = 0;
  w->events = 0;
  w->is_disk_full = false;
  w->dice = seed;
  w->hash = seed;
  w->clock_us = 1000000;
  w->realtime_us = INT64_C(1767225600000000);
}

/* -- the dice: splitmix64 */

uint64_t world_dice(struct world *w, uint64_t sides) {
  uint64_t z = w->dice += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return sides == 0 ? 0 : z % sides;
}

bool world_chance(struct world *w, uint64_t sides) {
  return world_dice(w, sides) == 0;
}

/* -- the record */

void world_note(struct world *w, const char *who, const char *what, const char *object, int64_t a,
                int64_t b) {
  if (object == NULL) object = "";
  uint64_t words[5] = {w->hash, (uint64_t)w->clock_us, (uint64_t)a, (uint64_t)b, w->dice};
  w->hash = XXH3_64bits(words, sizeof words);
  w->hash = XXH3_64bits_withSeed(what, strlen(what), w->hash);
  w->hash = XXH3_64bits_withSeed(who, strlen(who), w->hash);
  w->hash = XXH3_64bits_withSeed(object, strlen(object), w->hash);
  w->events++;
  if (!w->is_traced) return;
  fprintf(stderr, "%u %10.6f  %-9s %-14s %-18s %8lld %8lld\n", (unsigned)w->life,
          (double)w->clock_us / 1e6, who, what, object, (long long)a, (long long)b);
}

/* -- names */

static const char *plain(const char *path) {
  while (strncmp(path, "./", 2) == 0) path += 2;
  return path;
}

static size_t plain_length(const char *path) {
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/') length--;
  return length;
}

/* The number of a name, which is added if it is new. */
static int name_of(struct world *w, const char *path) {
  path = plain(path);
  size_t length = plain_length(path);
  if (length >= WORLD_PATH) world_fail("a name is too long: %s", path);
  for (uint32_t i = 0; i < w->name_count; i++) {
    const char *known = w->names[i].path;
    if (strncmp(known, path, length) == 0 && known[length] == '\0') return (int)i;
  }
  if (w->name_count == WORLD_NAMES) world_fail("too many names");
  struct name *name = &w->names[w->name_count];
  memcpy(name->path, path, length);
  name->path[length] = '\0';
  name->node = name->durable = -1;
  return (int)w->name_count++;
}

int world_find(const struct world *w, const char *path) {
  path = plain(path);
  size_t length = plain_length(path);
  for (uint32_t i = 0; i < w->name_count; i++) {
    const struct name *name = &w->names[i];
    if (strncmp(name->path, path, length) != 0 || name->path[length] != '\0') continue;
    return name->node < 0 ? -ENOENT : name->node;
  }
  return -ENOENT;
}

const char *world_path_of(const struct world *w, int node) {
  for (uint32_t i = 0; i < w->name_count; i++) {
    if (w->names[i].node == node) return w->names[i].path;
  }
  return "(no name)";
}

/* Length of the part of a plain path that names its directory; 0: the working directory. */
static size_t folder_length(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash == NULL ? 0 : (size_t)(slash - path);
}

static bool is_in_same_folder(const char *a, const char *b) {
  size_t length = folder_length(a);
  return length == folder_length(b) && memcmp(a, b, length) == 0;
}

static bool has_folder(const struct world *w, const char *path) {
  char folder[WORLD_PATH];
  size_t length = folder_length(path);
  if (length == 0) return true;
  memcpy(folder, path, length);
  folder[length] = '\0';
  int node = world_find(w, folder);
  return node >= 0 && w->nodes[node].is_directory;
}

static void add_rename(struct world *w, int to, int from, int node) {
  if (w->rename_count == WORLD_RENAMES) world_fail("too many changes of names");
  w->renames[w->rename_count++] = (struct rename){.to = to, .from = from, .node = node};
  w->names[to].node = node;
  if (from >= 0) w->names[from].node = -1;
}

int world_make(struct world *w, const char *path, bool is_directory) {
  int name = name_of(w, path), node = 0;
  if (!has_folder(w, w->names[name].path)) return -ENOENT;
  if (w->names[name].node >= 0) return -EEXIST;
  while (node < WORLD_NODES && w->nodes[node].is_used) node++;
  if (node == WORLD_NODES) world_fail("too many files");
  w->nodes[node].is_used = true;
  w->nodes[node].is_directory = is_directory;
  w->nodes[node].mtime_us = w->clock_us;
  add_rename(w, name, -1, node);
  return node;
}

int world_rename(struct world *w, const char *from, const char *to) {
  int node = world_find(w, from), target = name_of(w, to);
  if (node < 0) return node;
  if (!has_folder(w, w->names[target].path)) return -ENOENT;
  add_rename(w, target, name_of(w, from), node);
  return 0;
}

int world_remove(struct world *w, const char *path, bool is_directory) {
  int node = world_find(w, path);
  if (node < 0) return node;
  if (w->nodes[node].is_directory != is_directory) return is_directory ? -ENOTDIR : -EISDIR;
  const char *names[WORLD_NAMES];
  if (is_directory && world_list(w, path, names) > 0) return -ENOTEMPTY;
  add_rename(w, name_of(w, path), -1, -1);
  return 0;
}

static void make_durable(struct world *w, const struct rename *r) {
  w->names[r->to].durable = r->node;
  if (r->from >= 0) w->names[r->from].durable = -1;
}

void world_sync_names(struct world *w, const char *path) {
  const char *of = w->names[name_of(w, path)].path;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < w->rename_count; i++) {
    struct rename r = w->renames[i];
    if (is_in_same_folder(w->names[r.to].path, of))
      make_durable(w, &r);
    else
      w->renames[kept++] = r;
  }
  w->rename_count = kept;
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

uint32_t world_list(const struct world *w, const char *path, const char **names) {
  path = plain(path);
  size_t length = strcmp(path, ".") == 0 ? 0 : plain_length(path);
  uint32_t count = 0;
  for (uint32_t i = 0; i < w->name_count; i++) {
    const struct name *name = &w->names[i];
    if (name->node < 0 || folder_length(name->path) != length) continue;
    if (memcmp(name->path, path, length) != 0) continue;
    names[count++] = name->path + length + (length > 0);
  }
  qsort(names, count, sizeof *names, compare_names);
  return count;
}

/* -- contents */

const uint8_t *world_bytes(const struct world *w, int node) {
  return now_of(w, node);
}

static struct change *add_change(struct world *w, int node) {
  if (w->change_count == WORLD_CHANGES) world_fail("too many changes that are not durable");
  w->nodes[node].mtime_us = w->clock_us;
  struct change *c = &w->changes[w->change_count++];
  *c = (struct change){.node = (uint16_t)node};
  return c;
}

/* Puts bytes into one of the two states of a file, whose size is *size. */
static void put(uint8_t *to, uint64_t *size, uint64_t offset, const void *data, uint64_t length) {
  memcpy(to + offset, data, length);
  if (*size < offset + length) *size = offset + length;
}

/* Gives one of the two states another size. Bytes behind the end are always zero. */
static void cut(uint8_t *bytes, uint64_t *size, uint64_t to) {
  if (to < *size) memset(bytes + to, 0, *size - to);
  *size = to;
}

static void touch(struct node *node, uint64_t end) {
  if (end > WORLD_NODE_BYTES) world_fail("a file of more than %d bytes", WORLD_NODE_BYTES);
  if (node->touched < end) node->touched = end;
}

void world_write(struct world *w, int node, uint64_t offset, const void *data, uint64_t length,
                 bool is_forced) {
  struct node *n = &w->nodes[node];
  touch(n, offset + length);
  if (w->log_used + length > WORLD_LOG_BYTES) world_fail("too many bytes that are not durable");
  put(now_of(w, node), &n->size, offset, data, length);
  struct change *c = add_change(w, node);
  c->offset = offset;
  c->length = length;
  c->is_forced = is_forced;
  c->data = w->log_used;
  memcpy(w->log + w->log_used, data, length);
  w->log_used += length;
  w->hash = XXH3_64bits_withSeed(data, length, w->hash);
}

void world_cut(struct world *w, int node, uint64_t size) {
  struct node *n = &w->nodes[node];
  touch(n, size);
  cut(now_of(w, node), &n->size, size);
  struct change *c = add_change(w, node);
  c->is_cut = true;
  c->offset = size;
}

static void apply(struct world *w, const struct change *c) {
  struct node *n = &w->nodes[c->node];
  uint8_t *bytes = durable_of(w, c->node);
  if (c->is_cut)
    cut(bytes, &n->durable_size, c->offset);
  else
    put(bytes, &n->durable_size, c->offset, w->log + c->data, c->length);
}

/* Applies the change whole, not at all, or some sectors of it. */
static void apply_some(struct world *w, const struct change *c, bool tears) {
  if (world_chance(w, 2)) return;
  if (c->is_cut || !tears) {
    apply(w, c);
    return;
  }
  struct node *n = &w->nodes[c->node];
  uint64_t end = c->offset + c->length;
  for (uint64_t at = c->offset; at < end;) {
    uint64_t next = (at / SECTOR + 1) * SECTOR;
    if (next > end) next = end;
    if (world_chance(w, 2)) {
      put(durable_of(w, c->node), &n->durable_size, at, w->log + c->data + (at - c->offset),
          next - at);
    }
    at = next;
  }
}

void world_sync(struct world *w, int node) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < w->change_count; i++) {
    struct change c = w->changes[i];
    if (c.node != node) {
      w->changes[kept++] = c;
      continue;
    }
    if (!c.is_failed || c.is_forced)
      apply(w, &c);
    else
      apply_some(w, &c, true);
  }
  w->change_count = kept;
}

void world_sync_failed(struct world *w, int node) {
  for (uint32_t i = 0; i < w->change_count; i++) {
    if (w->changes[i].node == node) w->changes[i].is_failed = true;
  }
}

/* -- crashes */

enum loss { LOSE_ALL, LOSE_SOME, LOSE_SECTORS };

/* Names of a directory were changed in an order, and some of the last changes are lost. */
static void lose_names(struct world *w, enum loss loss) {
  for (uint32_t i = 0; i < w->rename_count; i++) {
    struct rename *r = &w->renames[i];
    bool is_kept = loss != LOSE_ALL && !world_chance(w, 3);
    for (uint32_t k = 0; k < i; k++) {
      const struct rename *before = &w->renames[k];
      bool is_lost = before->node == WORLD_NODES;
      if (is_lost && is_in_same_folder(w->names[r->to].path, w->names[before->to].path)) {
        is_kept = false;
      }
    }
    if (is_kept)
      make_durable(w, r);
    else
      r->node = WORLD_NODES;
  }
  w->rename_count = 0;
  for (uint32_t i = 0; i < w->name_count; i++) w->names[i].node = w->names[i].durable;
  for (uint32_t i = 0; i < w->name_count; i++) { /* directories come before what they hold */
    struct name *name = &w->names[i];
    if (name->node >= 0 && !has_folder(w, name->path)) name->node = name->durable = -1;
  }
}

void world_lose_power(struct world *w) {
  enum loss loss = (enum loss)world_dice(w, 3);
  for (uint32_t i = 0; i < w->change_count; i++) {
    const struct change *c = &w->changes[i];
    if (c->is_forced)
      apply(w, c);
    else if (loss != LOSE_ALL)
      apply_some(w, c, loss == LOSE_SECTORS);
  }
  w->change_count = 0;
  w->log_used = 0;
  lose_names(w, loss);
  for (int i = 0; i < WORLD_NODES; i++) {
    struct node *n = &w->nodes[i];
    if (!n->is_used) continue;
    memcpy(now_of(w, i), durable_of(w, i), n->touched);
    n->size = n->durable_size;
  }
  world_note(w, "world", "power loss", "", loss, 0);
}
