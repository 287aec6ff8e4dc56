/* The structure of an LMDB 0.9 file, checked before LMDB maps it.
 *
 * LMDB follows page numbers, offsets and sizes of its pages without a look; flipped bits in them
 * crash it or let it overwrite live pages. So both trees that LMDB would use and all trees inside
 * are walked here with bounds: every page is what its parent says, belongs to one parent only, and
 * is not free; all keys are in order; the counts of each tree are right. What the pages hold for us
 * has checksums of its own, so overflow pages are not read but for their headers.
 *
 * The layout is that of lmdb 0.9 on 64-bit little-endian machines, which is fixed by its format
 * number: a page header of 16 bytes, then node offsets, nodes from the end of the page.
 */
#include "store_impl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define META_MAGIC 0xbeefc0deu
#define META_VERSION 1
#define META_SIZE 136
#define PAGE_HEADER 16
#define NODE_HEADER 8
#define PAGE_BRANCH 0x01
#define PAGE_LEAF 0x02
#define PAGE_OVERFLOW 0x04
#define PAGE_META 0x08
#define NODE_BIG 0x01
#define NODE_TREE 0x02
#define TREE_INTEGER_KEY 0x08
#define TREE_SIZE 48
#define KEY_MAX 511
#define NO_PAGE UINT64_MAX
/* A branch page holds at least 2 keys, a full tree of 2^32 pages far more: real trees stay below
 * 10. */
#define DEPTH_MAX 16
#define PAGE_SIZE_MIN 512
#define PAGE_SIZE_MAX 65536

struct tree {
  uint16_t flags, depth;
  uint64_t branches, leaves, overflows, entries, root;
};

struct slice {
  const uint8_t *data; /* null: no bound */
  size_t length;
};

struct checker {
  const uint8_t *file; /* all of it, mapped */
  uint64_t file_size;
  uint64_t page_size, last_page, txn;
  uint8_t *seen; /* a bit for each page that is used or free */
  uint64_t used, free;
  uint64_t freed_last; /* the largest commit number in the tree of free pages */
  char *why;
  size_t why_size;
};

/* Integers in the file have the order of bytes of the machine. */
static uint16_t native16(const uint8_t *p) {
  uint16_t value;
  memcpy(&value, p, sizeof value);
  return value;
}

static uint32_t native32(const uint8_t *p) {
  uint32_t value;
  memcpy(&value, p, sizeof value);
  return value;
}

static uint64_t native64(const uint8_t *p) {
  uint64_t value;
  memcpy(&value, p, sizeof value);
  return value;
}

__attribute__((format(printf, 2, 3))) static bool bad(struct checker *c, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(c->why, c->why_size, format, arguments);
  va_end(arguments);
  return false;
}

static bool claim(struct checker *c, uint64_t page, uint64_t count) {
  if (page < 2 || count > c->last_page || page > c->last_page - (count - 1))
    return bad(c, "page %llu is outside of the file", (unsigned long long)page);
  for (uint64_t i = page; i < page + count; i++) {
    if (c->seen[i / 8] & (1u << (i % 8)))
      return bad(c, "page %llu is used twice", (unsigned long long)i);
    c->seen[i / 8] |= (uint8_t)(1u << (i % 8));
  }
  return true;
}

/* A page that is known to lie in the file. */
static const uint8_t *page_at(const struct checker *c, uint64_t page) {
  return c->file + page * c->page_size;
}

static struct tree tree_at(const uint8_t *p) {
  return (struct tree){
      .flags = native16(p + 4),
      .depth = native16(p + 6),
      .branches = native64(p + 8),
      .leaves = native64(p + 16),
      .overflows = native64(p + 24),
      .entries = native64(p + 32),
      .root = native64(p + 40),
  };
}

static int compare_keys(const struct tree *tree, struct slice a, struct slice b) {
  if (tree->flags & TREE_INTEGER_KEY) {
    uint64_t x = native64(a.data), y = native64(b.data);
    return x < y ? -1 : x > y;
  }
  size_t shorter = a.length < b.length ? a.length : b.length;
  int order = memcmp(a.data, b.data, shorter);
  if (order != 0) return order;
  return a.length < b.length ? -1 : a.length > b.length;
}

/* -- values of the tree of free pages: a count, then that many page numbers */

static bool check_free_list(struct checker *c, const uint8_t *list, size_t size) {
  if (size < 8 || size % 8 != 0 || native64(list) > size / 8 - 1)
    return bad(c, "a list of free pages is damaged");
  uint64_t count = native64(list);
  for (uint64_t i = 1; i <= count; i++) {
    if (i > 1 && native64(list + 8 * i) >= native64(list + 8 * i - 8))
      return bad(c, "a list of free pages is not in order");
    if (!claim(c, native64(list + 8 * i), 1)) return false;
    c->free++;
  }
  return true;
}

static bool check_big(struct checker *c, uint64_t page, uint64_t size, bool is_free_list,
                      struct tree *found) {
  if (page < 2 || page > c->last_page)
    return bad(c, "page %llu is outside of the file", (unsigned long long)page);
  const uint8_t *header = page_at(c, page);
  uint64_t pages = native32(header + 12);
  if (native64(header) != page || native16(header + 10) != PAGE_OVERFLOW || pages == 0 ||
      size > pages * c->page_size - PAGE_HEADER)
    return bad(c, "page %llu is not the large value that it should be", (unsigned long long)page);
  if (!claim(c, page, pages)) return false;
  found->overflows += pages;
  c->used += pages;
  return !is_free_list || check_free_list(c, header + PAGE_HEADER, size);
}

/* -- pages */

enum tree_role { ROLE_FREE, ROLE_MAIN, ROLE_SUB };

struct walk {
  const struct tree *tree;
  enum tree_role role;
  struct tree found;
};

static bool check_tree(struct checker *, const struct tree *, enum tree_role);

static bool check_leaf_node(struct checker *c, struct walk *walk, const uint8_t *node,
                            size_t key_length, uint64_t data_size) {
  const uint8_t *data = node + NODE_HEADER + key_length;
  uint16_t flags = native16(node + 4);
  walk->found.entries++;
  if (walk->role == ROLE_FREE) c->freed_last = native64(node + NODE_HEADER); /* they ascend */
  if (flags == NODE_BIG)
    return check_big(c, native64(data), data_size, walk->role == ROLE_FREE, &walk->found);
  if (walk->role == ROLE_FREE) return flags == 0 ? check_free_list(c, data, data_size)
                                                 : bad(c, "a list of free pages is damaged");
  if (flags == 0) return true;
  if (flags != NODE_TREE || walk->role != ROLE_MAIN || data_size != TREE_SIZE)
    return bad(c, "an entry is of an unknown kind");
  struct tree tree = tree_at(data);
  return check_tree(c, &tree, ROLE_SUB);
}

/* Finds node i and checks that it lies in the page. Adds its size to *bytes. */
static const uint8_t *node_at(struct checker *c, struct walk *walk, const uint8_t *page,
                              uint32_t i, bool is_leaf, size_t *bytes, struct slice *key) {
  size_t offset = native16(page + PAGE_HEADER + 2 * i), upper = native16(page + 14);
  if (offset < upper || offset % 2 != 0 || offset + NODE_HEADER > c->page_size) {
    bad(c, "page %llu has a wrong offset", (unsigned long long)native64(page));
    return NULL;
  }
  const uint8_t *node = page + offset;
  size_t key_length = native16(node + 6), size = NODE_HEADER + key_length;
  uint64_t data_size = native16(node) | (uint64_t)native16(node + 2) << 16;
  if (is_leaf) size += native16(node + 4) & NODE_BIG ? 8 : data_size;
  bool has_key = is_leaf || i > 0; /* the first key of a branch page is not used */
  bool is_integer = (walk->tree->flags & TREE_INTEGER_KEY) != 0;
  if (size > c->page_size - offset || key_length > KEY_MAX || (has_key && key_length == 0) ||
      (has_key && is_integer && key_length != 8)) {
    bad(c, "page %llu has a wrong size in it", (unsigned long long)native64(page));
    return NULL;
  }
  *bytes += (size + 1) & ~(size_t)1;
  *key = (struct slice){.data = has_key ? node + NODE_HEADER : NULL, .length = key_length};
  return node;
}

static bool check_header(struct checker *c, const uint8_t *page, uint64_t number, bool is_leaf) {
  size_t lower = native16(page + 12), upper = native16(page + 14);
  if (native64(page) != number || native16(page + 10) != (is_leaf ? PAGE_LEAF : PAGE_BRANCH) ||
      lower <= PAGE_HEADER || lower % 2 != 0 || lower > upper || upper > c->page_size ||
      (!is_leaf && lower < PAGE_HEADER + 4))
    return bad(c, "the header of page %llu is damaged", (unsigned long long)number);
  return true;
}

/* Checks the page and all below it; all keys are >= low and < high. */
static bool check_page(struct checker *c, struct walk *walk, uint64_t number, uint32_t level,
                       struct slice low, struct slice high) {
  bool is_leaf = level + 1 == walk->tree->depth;
  if (!claim(c, number, 1)) return false;
  const uint8_t *page = page_at(c, number);
  if (!check_header(c, page, number, is_leaf)) return false;
  c->used++;
  if (is_leaf) walk->found.leaves++;
  else walk->found.branches++;
  uint32_t count = (uint32_t)(native16(page + 12) - PAGE_HEADER) / 2;
  size_t bytes = 0;
  struct slice before = low, key, next;
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t *node = node_at(c, walk, page, i, is_leaf, &bytes, &key);
    if (node == NULL) return false;
    if (key.data != NULL) {
      bool is_low = before.data != NULL && compare_keys(walk->tree, key, before) < 0;
      bool is_equal = i > 0 && before.data != NULL && compare_keys(walk->tree, key, before) == 0;
      if (is_low || (is_equal && before.data != low.data) ||
          (high.data != NULL && compare_keys(walk->tree, key, high) >= 0))
        return bad(c, "page %llu is not in order", (unsigned long long)number);
      before = key;
    }
    uint64_t data_size = native16(node) | (uint64_t)native16(node + 2) << 16;
    if (is_leaf) {
      if (!check_leaf_node(c, walk, node, key.length, data_size)) return false;
      continue;
    }
    next = high;
    size_t ignored = 0;
    if (i + 1 < count && node_at(c, walk, page, i + 1, false, &ignored, &next) == NULL)
      return false;
    uint64_t child = data_size | (uint64_t)native16(node + 4) << 32;
    if (!check_page(c, walk, child, level + 1, i == 0 ? low : key, next)) return false;
  }
  if (bytes != c->page_size - native16(page + 14))
    return bad(c, "page %llu holds more than its entries", (unsigned long long)number);
  return true;
}

static bool check_tree(struct checker *c, const struct tree *tree, enum tree_role role) {
  struct walk walk = {.tree = tree, .role = role};
  if (role == ROLE_SUB && (tree->flags & ~TREE_INTEGER_KEY) != 0)
    return bad(c, "a tree is of an unknown kind");
  if (tree->root != NO_PAGE) {
    struct slice none = {0};
    if (tree->depth == 0 || tree->depth > DEPTH_MAX) return bad(c, "a tree has a wrong depth");
    if (!check_page(c, &walk, tree->root, 0, none, none)) return false;
  } else if (tree->depth != 0) {
    return bad(c, "a tree has lost its root");
  }
  if (walk.found.branches != tree->branches || walk.found.leaves != tree->leaves ||
      walk.found.overflows != tree->overflows || walk.found.entries != tree->entries)
    return bad(c, "a tree has lost or won pages");
  return true;
}

/* -- the two meta pages; the one with the larger commit number counts */

static bool check_metas(struct checker *c, const uint8_t *metas[2], uint64_t txns[2]) {
  if (c->file_size < PAGE_HEADER + META_SIZE) return bad(c, "the file ends in its middle");
  metas[0] = c->file;
  c->page_size = native32(metas[0] + PAGE_HEADER + 24);
  if (c->page_size < PAGE_SIZE_MIN || c->page_size > PAGE_SIZE_MAX ||
      (c->page_size & (c->page_size - 1)) != 0)
    return bad(c, "its first page is damaged");
  if (c->file_size < 2 * c->page_size) return bad(c, "the file ends in its middle");
  metas[1] = c->file + c->page_size;
  for (uint64_t i = 0; i < 2; i++) {
    const uint8_t *meta = metas[i] + PAGE_HEADER;
    if (native64(metas[i]) != i || !(native16(metas[i] + 10) & PAGE_META) ||
        native32(meta) != META_MAGIC || native32(meta + 4) != META_VERSION)
      return bad(c, "page %llu is not an LMDB meta page", (unsigned long long)i);
    txns[i] = native64(meta + 128);
  }
  uint64_t distance = txns[0] > txns[1] ? txns[0] - txns[1] : txns[1] - txns[0];
  bool is_new = txns[0] == 0 && txns[1] == 0;
  if (!is_new && (distance != 1 || txns[0] % 2 != 0))
    return bad(c, "the numbers of the last two commits do not fit");
  return true;
}

/* What the meta page says about the size of the file. */
static bool check_size(struct checker *c, const uint8_t *meta) {
  c->txn = native64(meta + 128);
  c->last_page = native64(meta + 120);
  if (native32(meta + 24) != c->page_size) return bad(c, "the size of pages is not clear");
  if (c->last_page < 1 || c->last_page >= c->file_size / c->page_size)
    return bad(c, "the file is shorter than it was: %llu bytes, and %llu pages of %llu",
               (unsigned long long)c->file_size, (unsigned long long)c->last_page + 1,
               (unsigned long long)c->page_size);
  return true;
}

/* Checks the tree of free pages. Each commit but the first frees pages, if only the root that it wrote
 * anew, and notes them under its own number: so an older commit cannot pass for the newest. (The other
 * way round, a newest commit with a smaller number is what a kill in the middle of its last write
 * leaves: the commit before it counts.) */
static bool check_freed(struct checker *c, const struct tree *freed) {
  c->freed_last = 0;
  if (!check_tree(c, freed, ROLE_FREE)) return false;
  if (c->txn < 2 ? c->freed_last <= c->txn : c->freed_last == c->txn) return true;
  return bad(c, "commit %llu says that it is number %llu", (unsigned long long)c->freed_last,
             (unsigned long long)c->txn);
}

static bool check_commit(struct checker *c, const uint8_t *meta) {
  if (!check_size(c, meta)) return false;
  memset(c->seen, 0, (size_t)(c->last_page / 8 + 1));
  struct tree freed = tree_at(meta + 24), main_tree = tree_at(meta + 24 + TREE_SIZE);
  if (freed.flags != TREE_INTEGER_KEY || main_tree.flags != 0)
    return bad(c, "a tree is of an unknown kind");
  return check_freed(c, &freed) && check_tree(c, &main_tree, ROLE_MAIN);
}

static bool check_file(struct checker *c, uint64_t wanted, int *error) {
  const uint8_t *metas[2];
  uint64_t txns[2];
  if (!check_metas(c, metas, txns)) return false;
  int newest = txns[0] > txns[1] ? 0 : 1;
  if (wanted != 0 && txns[newest] != wanted) newest = 1 - newest;
  if (wanted != 0 && txns[newest] != wanted) {
    *error = -EAGAIN;
    return bad(c, "commit %llu is not one of the last two", (unsigned long long)wanted);
  }
  return check_commit(c, metas[newest] + PAGE_HEADER);
}

bool store_check_pages(const struct flow_sys *sys, int fd, uint64_t txn, struct store_pages *pages,
                       char *why, size_t why_size, int *error) {
  struct checker c = {.why = why, .why_size = why_size};
  struct flow_file_info info;
  *error = sys->fstat(sys, fd, &info);
  if (*error < 0) return bad(&c, "it cannot be examined");
  if (info.size == 0) return bad(&c, "it is empty");
  c.file_size = info.size;
  c.file = sys->map(sys, fd, (size_t)info.size);
  c.seen = sys->alloc(sys, (size_t)(info.size / PAGE_SIZE_MIN / 8 + 1));
  bool ok = c.file != NULL && c.seen != NULL;
  if (ok) ok = check_file(&c, txn, error);
  else *error = -ENOMEM;
  if (c.file != NULL) sys->unmap(sys, c.file, (size_t)info.size);
  sys->free(sys, c.seen);
  *pages = (struct store_pages){
      .size = c.page_size, .all = c.last_page + 1, .used = c.used + 2, .free = c.free};
  return ok;
}

bool store_check_head(const struct flow_sys *sys, int fd, char *why, size_t why_size, int *error) {
  uint8_t head[2 * PAGE_SIZE_MAX];
  struct checker c = {.why = why, .why_size = why_size, .file = head};
  const uint8_t *metas[2];
  uint64_t txns[2];
  struct flow_file_info info = {0};
  int64_t length = flow_sys_pread_all(sys, fd, head, sizeof head, 0);
  *error = length < 0 ? (int)length : sys->fstat(sys, fd, &info);
  if (*error < 0) return bad(&c, "it cannot be examined");
  if (length == 0) return bad(&c, "it is empty");
  c.file_size = (uint64_t)length;
  if (!check_metas(&c, metas, txns)) return false;
  c.file_size = info.size; /* it may have grown since */
  return check_size(&c, metas[txns[0] > txns[1] ? 0 : 1] + PAGE_HEADER);
}
