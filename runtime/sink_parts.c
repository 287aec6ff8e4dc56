#include "sink_parts.h"

#include "flow/codec.h"
#include "flow/parts.h"
#include "input.h"
#include "limits.h"
#include "mem.h"
#include "position.h"

#include <errno.h>
#include <string.h>

/* One file. Those that the store has are there from the start, the others since their first row. */
struct part {
  char *path;
  uint32_t path_length;
  uint64_t hash;    /* of the path */
  uint64_t row;     /* in the store, if it is_stored */
  uint64_t written; /* bytes in the file that are this run's or committed */
  uint64_t closed;  /* the same as of the last close; as loaded, the committed length */
  uint64_t check;   /* as loaded: the hash of the last bytes */
  uint64_t used;    /* when it was used last, while it is open */
  int fd;           /* -1: closed */
  bool is_stored;
  bool is_begun;   /* cut to `written` by this run */
  bool is_gone;    /* stored, and not there */
  bool is_new;     /* this run made it */
  bool is_removed; /* and has removed it again */
  bool is_created; /* its name may not be on the disk yet */
  bool is_touched; /* since the last close: it is in the list */
  bool is_dirty;   /* since the last commit took it over: it is in the list */
  bool must_pack;  /* the stored length is wrong */
  bool is_given_up; /* only epochs that were given up have written it */
  struct flow_buf pending; /* rows that are on their way to it */
};

struct part_list {
  struct part **items;
  uint32_t count, capacity;
};

struct sink_parts {
  const struct flow_sys *sys;
  const struct flow_sink_desc *desc;
  char *fixed;
  size_t fixed_length;
  struct part **parts; /* they stay where they are: a commit in flight points to paths */
  uint32_t count, capacity;
  uint32_t *index;         /* by hash: 1 + number, 0: free; a power of two, at most half full */
  uint32_t index_capacity;
  struct part *last; /* of the row before */
  struct part_list touched, dirty, pending;
  struct part *open[FLOW_PARTS_OPEN];
  uint32_t open_count;
  uint64_t clock, next_row;
  bool restarts, must_commit;
};

static void list_add(struct sink_parts *p, struct part_list *list, struct part *part) {
  if (list->count == list->capacity) {
    list->capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
    list->items =
        flow_sys_must_realloc(p->sys, list->items, list->capacity * sizeof(struct part *));
  }
  list->items[list->count++] = part;
}

struct sink_parts *sink_parts_new(const struct flow_sys *sys, const struct flow_sink_desc *desc,
                                  const char *fixed) {
  struct sink_parts *p = flow_sys_must_alloc(sys, sizeof *p);
  *p = (struct sink_parts){.sys = sys, .desc = desc};
  p->fixed_length = strlen(fixed);
  p->fixed = input_copy_text(sys, fixed, p->fixed_length);
  return p;
}

void sink_parts_free(struct sink_parts *p) {
  if (p == NULL) return;
  for (uint32_t i = 0; i < p->count; i++) {
    struct part *part = p->parts[i];
    if (part->fd >= 0) p->sys->close(p->sys, part->fd);
    flow_buf_free(&part->pending);
    p->sys->free(p->sys, part->path);
    p->sys->free(p->sys, part);
  }
  void *const memory[] = {p->parts,       p->index,         p->fixed, p->touched.items,
                          p->dirty.items, p->pending.items, p};
  for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) p->sys->free(p->sys, memory[i]);
}

/* -- finding a file by its path */

static void index_add(struct sink_parts *p, uint32_t number) {
  uint32_t at = (uint32_t)p->parts[number]->hash & (p->index_capacity - 1);
  while (p->index[at] != 0) at = (at + 1) & (p->index_capacity - 1);
  p->index[at] = number + 1;
}

static void index_grow(struct sink_parts *p) {
  p->index_capacity = p->index_capacity == 0 ? 64 : 2 * p->index_capacity;
  p->index = flow_sys_must_realloc(p->sys, p->index, p->index_capacity * sizeof *p->index);
  memset(p->index, 0, p->index_capacity * sizeof *p->index);
  for (uint32_t i = 0; i < p->count; i++) index_add(p, i);
}

/* The file of the path, which is made if it is not known; *number is its number. */
static struct part *part_of(struct sink_parts *p, const char *path, uint32_t length) {
  struct part *last = p->last;
  if (last != NULL && last->path_length == length && memcmp(last->path, path, length) == 0)
    return last;
  uint64_t hash = flow_hash_bytes(0, path, length);
  if (p->index_capacity != 0) {
    uint32_t mask = p->index_capacity - 1;
    for (uint32_t at = (uint32_t)hash & mask; p->index[at] != 0; at = (at + 1) & mask) {
      struct part *part = p->parts[p->index[at] - 1];
      if (part->hash == hash && part->path_length == length && memcmp(part->path, path, length) == 0)
        return p->last = part;
    }
  }
  if (p->count == p->capacity) {
    p->capacity = p->capacity == 0 ? 16 : 2 * p->capacity;
    p->parts = flow_sys_must_realloc(p->sys, p->parts, p->capacity * sizeof(struct part *));
  }
  struct part *part = flow_sys_must_alloc(p->sys, sizeof *part);
  *part = (struct part){.path_length = length, .hash = hash, .fd = -1};
  part->path = input_copy_text(p->sys, path, length);
  p->parts[p->count++] = part;
  if (2 * p->count > p->index_capacity) index_grow(p);
  else index_add(p, p->count - 1);
  return p->last = part;
}

/* -- open files */

static void close_part(struct sink_parts *p, struct part *part) {
  if (part->fd < 0) return;
  p->sys->close(p->sys, part->fd);
  part->fd = -1;
  for (uint32_t i = 0; i < p->open_count; i++) {
    if (p->open[i] != part) continue;
    p->open[i] = p->open[--p->open_count];
    return;
  }
}

/* Closes the file that has not been used for the longest time. */
static void close_oldest(struct sink_parts *p) {
  struct part *oldest = p->open[0];
  for (uint32_t i = 1; i < p->open_count; i++)
    if (p->open[i]->used < oldest->used) oldest = p->open[i];
  close_part(p, oldest);
}

/* Makes the directories of the path behind its fixed beginning. */
static int make_folders(struct sink_parts *p, struct part *part) {
  int error = 0;
  for (char *slash = strchr(part->path + p->fixed_length, '/'); slash != NULL && error == 0;
       slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    error = p->sys->mkdir(p->sys, part->path, 0777);
    *slash = '/';
    if (error == -EEXIST) error = 0;
  }
  return error;
}

/* Opens the file, and makes it if it is missing. The descriptor, or a negative errno. */
static int open_or_make(struct sink_parts *p, struct part *part) {
  const unsigned flags = FLOW_OPEN_READ | FLOW_OPEN_WRITE;
  const struct flow_sys *sys = p->sys;
  int fd = sys->open(sys, part->path, flags, 0);
  if (fd != -ENOENT) return fd;
  part->is_created = true;
  int error = make_folders(p, part);
  if (error < 0) return error;
  fd = sys->open(sys, part->path, flags | FLOW_OPEN_CREATE | FLOW_OPEN_EXCLUSIVE, 0666);
  part->is_new = part->is_new || fd >= 0;
  return fd == -EEXIST ? sys->open(sys, part->path, flags | FLOW_OPEN_CREATE, 0666) : fd;
}

static enum flow_status open_part(struct sink_parts *p, struct part *part,
                                  struct flow_report *report) {
  const struct flow_sys *sys = p->sys;
  part->used = ++p->clock;
  if (part->fd >= 0) return FLOW_OK;
  if (p->open_count == FLOW_PARTS_OPEN) close_oldest(p);
  int fd = open_or_make(p, part);
  while (fd == -EMFILE && p->open_count > 0) {
    close_oldest(p);
    fd = open_or_make(p, part);
  }
  struct flow_file_info info;
  int error = fd < 0 ? fd : sys->fstat(sys, fd, &info);
  if (error >= 0 && info.kind != FLOW_FILE_REGULAR) error = -EISDIR;
  if (error >= 0) error = sys->flock_try(sys, fd);
  if (error >= 0) {
    part->fd = fd;
    part->is_removed = false;
    p->open[p->open_count++] = part;
    return FLOW_OK;
  }
  if (fd >= 0) sys->close(sys, fd);
  if (error == -EWOULDBLOCK)
    return flow_report_fail(report, FLOW_E_LOCKED,
                            "another process or sink is writing %s (sink `%s`)", part->path,
                            p->desc->name);
  return flow_report_errno(report, FLOW_E_CREATE, error, "write %s (sink `%s`)", part->path,
                           p->desc->name);
}

static void touch(struct sink_parts *p, struct part *part) {
  if (!part->is_touched) list_add(p, &p->touched, part);
  if (!part->is_dirty) list_add(p, &p->dirty, part);
  part->is_touched = part->is_dirty = true;
}

/* Cuts the open file to what it should hold. */
static enum flow_status cut(struct sink_parts *p, struct part *part, struct flow_report *report) {
  int error = p->sys->ftruncate(p->sys, part->fd, part->written);
  if (error < 0) return flow_report_errno(report, FLOW_E_IO, error, "truncate %s", part->path);
  touch(p, part);
  return FLOW_OK;
}

/* Opens a file for its first row in this run: one that the store does not have, or that is gone, is begun. */
static enum flow_status begin_part(struct sink_parts *p, struct part *part,
                                   struct flow_report *report) {
  enum flow_status status = open_part(p, part, report);
  if (status != FLOW_OK || part->is_begun) return status;
  part->is_begun = true;
  if (part->is_stored && !part->is_gone) return FLOW_OK;
  part->must_pack = part->is_stored;
  part->written = part->closed = 0;
  part->is_created = true; /* a killed run may have made it: its name was not synced */
  return cut(p, part, report);
}

/* The hash of the last bytes before `length` of the file that is open as `fd`. */
static enum flow_status hash_tail(struct sink_parts *p, const struct part *part, int fd,
                                  uint64_t length, uint64_t *hash, struct flow_report *report) {
  char tail[POSITION_SAMPLE];
  size_t size = length < POSITION_SAMPLE ? (size_t)length : POSITION_SAMPLE;
  int64_t n = flow_sys_pread_all(p->sys, fd, tail, size, length - size);
  if (n < 0) return flow_report_errno(report, FLOW_E_IO, (int)n, "read %s", part->path);
  *hash = position_hash(tail, (size_t)n);
  return FLOW_OK;
}

/* -- resuming */

/* A row of the store. */
struct stored {
  const char *path;
  size_t path_length;
  int64_t length, check;
};

static bool read_stored(struct stored *row, const void *key, size_t key_length, const void *value,
                        size_t value_length) {
  struct flow_reader k = flow_reader_of(key, key_length), v = flow_reader_of(value, value_length);
  row->path = flow_get_bytes(&k, &row->path_length);
  row->length = flow_get_int(&v);
  row->check = flow_get_int(&v);
  return flow_reader_done(&k) && flow_reader_done(&v) && row->length >= 0 && row->path_length > 0 &&
         row->path_length <= FLOW_PATH_BYTES && memchr(row->path, '\0', row->path_length) == NULL;
}

enum flow_status sink_parts_load(struct sink_parts *p, uint64_t row, const void *key,
                                 size_t key_length, const void *value, size_t value_length,
                                 struct flow_report *report) {
  struct stored stored;
  if (!read_stored(&stored, key, key_length, value, value_length))
    return flow_report_fail(report, FLOW_E_CORRUPT, "a saved length of sink `%s` is damaged",
                            p->desc->name);
  struct part *part = part_of(p, stored.path, (uint32_t)stored.path_length);
  part->row = row;
  part->is_stored = true;
  part->written = part->closed = (uint64_t)stored.length;
  part->check = (uint64_t)stored.check;
  return FLOW_OK;
}

void sink_parts_given_up(struct sink_parts *p, const void *key, size_t key_length,
                         const void *value, size_t value_length) {
  struct stored stored;
  if (!read_stored(&stored, key, key_length, value, value_length)) return;
  struct part *part = part_of(p, stored.path, (uint32_t)stored.path_length);
  if (part->is_stored) return;
  part->is_given_up = true;
  part->closed = (uint64_t)stored.length;
  part->check = (uint64_t)stored.check;
}

void sink_parts_loaded(struct sink_parts *p, uint64_t next_row) {
  p->next_row = next_row;
}

static enum flow_status report_edited(struct sink_parts *p, const struct part *part, uint64_t size,
                                      struct flow_report *report) {
  flow_report_fail(report, FLOW_E_MISMATCH, "%s is not what sink `%s` has written", part->path,
                   p->desc->name);
  flow_report_add(report, "\n  expected: %llu bytes as they were written\n  found: %s",
                  (unsigned long long)part->closed,
                  size < part->closed ? "fewer: it was truncated" : "others: it was edited or replaced");
  flow_report_help(report,
                   "put the file back; or take it away, then it is begun anew; or give up what is in all "
                   "files of the sink: --sink-restart %s",
                   p->desc->name);
  return FLOW_E_MISMATCH;
}

static enum flow_status check_part(struct sink_parts *p, struct part *part,
                                   struct flow_report *report) {
  struct flow_file_info info;
  int error = p->sys->stat(p->sys, part->path, &info);
  part->is_gone = error == -ENOENT || error == -ENOTDIR;
  if (part->is_gone) return FLOW_OK;
  if (error < 0) return flow_report_errno(report, FLOW_E_IO, error, "examine %s", part->path);
  if (info.kind == FLOW_FILE_REGULAR && info.size < part->closed)
    return report_edited(p, part, info.size, report);
  int fd = p->sys->open(p->sys, part->path, FLOW_OPEN_READ, 0);
  if (fd < 0) return flow_report_errno(report, FLOW_E_IO, fd, "read %s", part->path);
  uint64_t hash;
  enum flow_status status = hash_tail(p, part, fd, part->closed, &hash, report);
  p->sys->close(p->sys, fd);
  if (status != FLOW_OK || hash == part->check) return status;
  return report_edited(p, part, info.size, report);
}

/* A file of epochs that were given up is only taken away if it is what they have written. */
static void check_given_up(struct sink_parts *p, struct part *part) {
  struct flow_report ignored = {0};
  part->is_given_up = check_part(p, part, &ignored) == FLOW_OK && !part->is_gone;
  part->closed = 0;
}

enum flow_status sink_parts_check(struct sink_parts *p, bool restarts, struct flow_report *report) {
  p->restarts = restarts;
  enum flow_status status = FLOW_OK;
  for (uint32_t i = 0; status == FLOW_OK && i < p->count; i++) {
    struct part *part = p->parts[i];
    if (part->is_given_up)
      check_given_up(p, part);
    else if (!restarts)
      status = check_part(p, part, report);
  }
  return status;
}

/* Removes a file that only epochs have written that were given up. */
static enum flow_status begin_given_up(struct sink_parts *p, struct part *part,
                                       struct flow_report *report) {
  int error = p->sys->unlink(p->sys, part->path);
  if (error == 0) error = p->sys->sync_parent(p->sys, part->path);
  if (error < 0) return flow_report_errno(report, FLOW_E_IO, error, "remove %s", part->path);
  part->is_given_up = false;
  return FLOW_OK;
}

enum flow_status sink_parts_begin(struct sink_parts *p, struct flow_report *report) {
  for (uint32_t i = 0; i < p->count; i++) {
    struct part *part = p->parts[i];
    struct flow_file_info info;
    enum flow_status status = FLOW_OK;
    if (part->is_given_up) status = begin_given_up(p, part, report);
    if (status != FLOW_OK) return status;
    if (!part->is_stored) continue;
    part->is_gone = p->sys->stat(p->sys, part->path, &info) < 0;
    if (part->is_gone) continue;
    if (p->restarts) {
      part->written = 0;
      part->must_pack = p->must_commit = true;
    }
    if (info.size <= part->written && !p->restarts) continue;
    status = open_part(p, part, report);
    if (status == FLOW_OK) status = cut(p, part, report);
    if (status != FLOW_OK) return status;
  }
  return FLOW_OK;
}

bool sink_parts_must_commit(const struct sink_parts *p) {
  return p->must_commit;
}

/* -- writing */

static enum flow_status write_part(struct sink_parts *p, struct part *part,
                                   struct flow_report *report) {
  enum flow_status status = begin_part(p, part, report);
  if (status != FLOW_OK) return status;
  const char *header = part->written == 0 ? p->desc->header : NULL;
  const struct flow_buf *pending = &part->pending;
  int error = 0;
  touch(p, part);
  if (header != NULL) {
    error = flow_sys_pwrite_all(p->sys, part->fd, header, strlen(header), 0);
    if (error == 0) part->written = strlen(header);
  }
  if (error == 0)
    error = flow_sys_pwrite_all(p->sys, part->fd, pending->data, pending->length, part->written);
  if (error < 0)
    return flow_report_errno(report, FLOW_E_IO, error, "write %s (sink `%s`)", part->path,
                             p->desc->name);
  part->written += pending->length;
  flow_buf_free(&part->pending);
  return FLOW_OK;
}

/* Reads the frame at `at`; returns the place behind it. */
static const char *read_frame(const char *at, const char **path, uint32_t *path_length) {
  uint32_t length;
  memcpy(&length, at, sizeof length);
  memcpy(path_length, at + 4, sizeof *path_length);
  *path = at + FLOW_PART_HEAD;
  return at + length;
}

enum flow_status sink_parts_write(struct sink_parts *p, const char *frames, size_t length,
                                  struct flow_report *report) {
  const char *at = frames, *end = frames + length;
  while (at != end) {
    const char *path;
    uint32_t path_length;
    const char *next = read_frame(at, &path, &path_length);
    struct part *part = part_of(p, path, path_length);
    if (part->pending.length == 0) list_add(p, &p->pending, part);
    const char *row = path + path_length;
    flow_buf_add(&part->pending, row, (size_t)(next - row));
    at = next;
  }
  enum flow_status status = FLOW_OK;
  for (uint32_t i = 0; i < p->pending.count && status == FLOW_OK; i++)
    status = write_part(p, p->pending.items[i], report);
  p->pending.count = 0;
  return status;
}

uint64_t sink_parts_count(const char *frames, size_t length) {
  uint64_t count = 0;
  for (const char *at = frames, *end = frames + length; at != end; count++) {
    const char *path;
    uint32_t path_length;
    at = read_frame(at, &path, &path_length);
  }
  return count;
}

/* -- epochs */

static enum flow_status pack_part(struct sink_parts *p, struct part *part, struct flow_buf *out,
                                  struct flow_report *report) {
  uint64_t check;
  enum flow_status status = open_part(p, part, report);
  if (status == FLOW_OK) status = hash_tail(p, part, part->fd, part->written, &check, report);
  if (status != FLOW_OK) return status;
  if (!part->is_stored) part->row = p->next_row++;
  flow_put_entry(out, part->row, part->is_stored ? 0 : FLOW_DELTA_KEY);
  if (!part->is_stored) {
    size_t key = flow_put_open(out);
    flow_put_bytes(out, part->path, part->path_length);
    flow_put_close(out, key);
  }
  size_t value = flow_put_open(out);
  flow_put_int(out, (int64_t)part->written);
  flow_put_int(out, (int64_t)check);
  flow_put_close(out, value);
  part->is_stored = true;
  part->is_gone = part->must_pack = false;
  part->closed = part->written;
  return FLOW_OK;
}

enum flow_status sink_parts_pack(struct sink_parts *p, struct flow_buf *out,
                                 struct flow_report *report) {
  for (uint32_t i = 0; i < p->touched.count; i++) {
    struct part *part = p->touched.items[i];
    bool is_same = part->is_stored && !part->must_pack && part->closed == part->written;
    enum flow_status status = is_same ? FLOW_OK : pack_part(p, part, out, report);
    if (status != FLOW_OK) return status;
    part->is_touched = false;
  }
  p->touched.count = 0;
  p->must_commit = false;
  return FLOW_OK;
}

bool sink_parts_take_sync(struct sink_parts *p, struct commit_sync *sync) {
  while (p->dirty.count > 0) {
    struct part *part = p->dirty.items[--p->dirty.count];
    part->is_dirty = false;
    if (part->is_removed) continue;
    *sync = (struct commit_sync){.fd = -1,
                                 .location = part->path,
                                 .is_created = part->is_created,
                                 .fixed_length = p->fixed_length};
    part->is_created = false;
    return true;
  }
  return false;
}

/* Removes a file that this run made since the last close. */
static enum flow_status remove_part(struct sink_parts *p, struct part *part,
                                    struct flow_report *report) {
  close_part(p, part);
  int error = p->sys->unlink(p->sys, part->path);
  if (error < 0 && error != -ENOENT)
    return flow_report_errno(report, FLOW_E_IO, error, "remove %s", part->path);
  part->is_begun = part->is_new = false;
  part->is_removed = true;
  return FLOW_OK;
}

enum flow_status sink_parts_rewind(struct sink_parts *p, struct flow_report *report) {
  for (uint32_t i = 0; i < p->touched.count; i++) {
    struct part *part = p->touched.items[i];
    enum flow_status status;
    part->is_touched = false;
    part->written = part->closed;
    if (part->is_new && (!part->is_stored || part->is_gone)) {
      status = remove_part(p, part, report);
    } else {
      status = open_part(p, part, report);
      int error = status != FLOW_OK ? 0 : p->sys->ftruncate(p->sys, part->fd, part->closed);
      if (error < 0) status = flow_report_errno(report, FLOW_E_IO, error, "truncate %s", part->path);
    }
    if (status != FLOW_OK) return status;
  }
  p->touched.count = 0;
  return FLOW_OK;
}
