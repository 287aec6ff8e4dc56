#include "input.h"

#include "flow/value.h"
#include "mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void input_init(struct input *in, const struct flow_sys *sys, const char *source) {
  *in = (struct input){.sys = sys, .source = source, .next_row = 1};
}

void input_free(struct input *in) {
  for (uint32_t i = 0; i < in->count; i++) in->sys->free(in->sys, in->files[i].name);
  in->sys->free(in->sys, in->files);
  in->sys->free(in->sys, in->folder);
  in->sys->free(in->sys, in->by_name);
  in->sys->free(in->sys, in->missing);
  in->sys->free(in->sys, in->touched);
  in->sys->free(in->sys, in->place);
  in->sys->free(in->sys, in->stored_place);
  in->sys->free(in->sys, in->gone);
  in->sys->free(in->sys, in->came_from);
  flow_buf_free(&in->went_on_names);
  flow_buf_free(&in->added_names);
  *in = (struct input){.sys = in->sys};
}

char *input_copy_text(const struct flow_sys *sys, const char *text, size_t length) {
  char *copy = flow_sys_must_alloc(sys, length + 1);
  memcpy(copy, text, length);
  copy[length] = '\0';
  return copy;
}

static const char *folder_of(const struct input *in) {
  return in->folder == NULL ? "" : in->folder;
}

char *input_path(const struct input *in, const char *name) {
  size_t folder = strlen(folder_of(in)), length = strlen(name);
  char *path = in->sys->alloc(in->sys, folder + length + 1);
  if (path == NULL) return NULL;
  memcpy(path, folder_of(in), folder);
  memcpy(path + folder, name, length + 1);
  return path;
}

static enum flow_status no_memory(const struct input *in, struct flow_report *report) {
  return flow_report_fail(report, FLOW_E_MEMORY, "no memory for the file list of source `%s`",
                          in->source);
}

/* -- names: a directory may hold very many, so each is found in one step */

/* The slot of the name, or the free one where it belongs. */
static uint32_t slot_of(const struct input *in, const char *name) {
  uint32_t slot = (uint32_t)position_hash(name, strlen(name));
  for (;; slot++) {
    slot &= in->slot_count - 1;
    uint32_t number = in->by_name[slot];
    if (number == 0 || strcmp(in->files[number - 1].name, name) == 0) return slot;
  }
}

/* Makes the table anew, with room for one name more than there are. */
static bool make_slots(struct input *in) {
  uint32_t count = 64;
  while (count / 2 <= in->count) count *= 2;
  uint32_t *slots = in->sys->realloc(in->sys, in->by_name, count * sizeof *slots);
  if (slots == NULL) return false;
  memset(slots, 0, count * sizeof *slots);
  in->by_name = slots;
  in->slot_count = count;
  in->slots_used = in->count;
  for (uint32_t i = 0; i < in->count; i++) {
    if (in->files[i].is_gone) continue;
    uint32_t *slot = &slots[slot_of(in, in->files[i].name)];
    bool is_taken = *slot != 0 && in->files[*slot - 1].is_present; /* from one that was put aside */
    if (!is_taken) *slot = i + 1;
  }
  return true;
}

/* Enters the present name of a file. Its former one keeps a slot that no search stops at. */
static bool enter_name(struct input *in, uint32_t number) {
  if (in->slots_used >= in->slot_count / 2) return make_slots(in);
  in->by_name[slot_of(in, in->files[number].name)] = number + 1;
  in->slots_used++;
  return true;
}

uint32_t input_find(const struct input *in, const char *name) {
  if (in->slot_count == 0) return INPUT_NO_FILE;
  return in->by_name[slot_of(in, name)] - 1; /* 0 is no file, as INPUT_NO_FILE says */
}

/* Adds an entry that owns a copy of the name; null: no memory. */
static struct input_file *add_file(struct input *in, const char *name, size_t length) {
  if (in->count == in->capacity) {
    uint32_t capacity = in->capacity == 0 ? 16 : in->capacity * 2;
    struct input_file *files = in->sys->realloc(in->sys, in->files, capacity * sizeof *files);
    if (files == NULL) return NULL;
    in->files = files;
    uint32_t *touched = in->sys->realloc(in->sys, in->touched, capacity * sizeof *touched);
    if (touched == NULL) return NULL;
    in->touched = touched;
    in->capacity = capacity;
  }
  char *copy = input_copy_text(in->sys, name, length);
  struct input_file *file = &in->files[in->count];
  *file = (struct input_file){.name = copy, .now.line = 1, .closed.line = 1};
  if (enter_name(in, in->count++)) return file;
  in->sys->free(in->sys, copy);
  in->count--;
  return NULL;
}

void input_touch(struct input *in, uint32_t number) {
  if (in->files[number].is_touched) return;
  in->files[number].is_touched = true;
  in->touched[in->touched_count++] = number;
}

/* Notes that `now` was changed, and not by records: a replay of the open epoch must keep that. */
static void keep_move(struct input *in, struct input_file *file) {
  bool had_records = file->is_touched;
  input_touch(in, (uint32_t)(file - in->files));
  if (!had_records) file->closed = file->now;
}

/* -- what the store has */

enum flow_status input_load(struct input *in, uint64_t row, const void *key, size_t key_length,
                            const void *value, size_t value_length, struct flow_report *report) {
  struct position position;
  const char *place;
  size_t place_length, name_length;
  struct flow_reader key_reader = flow_reader_of(key, key_length);
  const char *name = flow_get_bytes(&key_reader, &name_length);
  if (!flow_reader_done(&key_reader) ||
      !position_decode(value, value_length, &position, &place, &place_length)) {
    return flow_report_fail(report, FLOW_E_CORRUPT, "a saved position of source `%s` is damaged",
                            in->source);
  }
  if (row == 0) {
    in->stored_place = input_copy_text(in->sys, place, place_length);
    return FLOW_OK;
  }
  struct input_file *file = add_file(in, name, name_length);
  if (file == NULL) return no_memory(in, report);
  file->row = row;
  file->now = file->closed = position;
  file->is_stored = true;
  file->is_foreign = place_length > 0;
  if (in->next_discovery <= position.discovery) in->next_discovery = position.discovery + 1;
  return FLOW_OK;
}

static int compare_discovery(const void *a, const void *b) {
  const struct input_file *x = a, *y = b;
  return (x->now.discovery > y->now.discovery) - (x->now.discovery < y->now.discovery);
}

enum flow_status input_loaded(struct input *in, uint64_t next_row, const char *place,
                              struct flow_report *report) {
  if (in->count > 1) qsort(in->files, in->count, sizeof *in->files, compare_discovery);
  if (!make_slots(in)) return no_memory(in, report); /* the order was another one */
  in->next_row = next_row > 0 ? next_row : 1;
  in->place = input_copy_text(in->sys, place, strlen(place));
  in->is_moved = in->stored_place != NULL && strcmp(in->stored_place, in->place) != 0;
  if (!in->is_moved) return FLOW_OK;
  in->came_from = input_copy_text(in->sys, in->stored_place, strlen(in->stored_place));
  for (uint32_t i = 0; i < in->count; i++) {
    if (in->files[i].is_foreign) continue; /* from a place before that one */
    in->files[i].is_foreign = true;
    input_touch(in, i);
  }
  return FLOW_OK;
}

void input_restart(struct input *in) {
  in->must_commit = in->count > 0;
  for (uint32_t i = 0; i < in->count; i++) {
    struct input_file *file = &in->files[i];
    file->now = (struct position){.line = 1, .discovery = file->now.discovery};
    file->is_foreign = false;
    keep_move(in, file);
  }
}

/* -- what is there now */

void input_begin(struct input *in) {
  in->has_missing = false;
  in->has_aside = false;
  in->aside_count = 0;
  for (uint32_t i = 0; i < in->count; i++) in->files[i].is_present = in->files[i].is_aside = false;
}

bool input_wants(const struct input *in, const char *name, enum input_round round) {
  uint32_t number = input_find(in, name);
  bool is_new = number == INPUT_NO_FILE;
  switch (round) {
  case INPUT_KNOWN: return !is_new;
  case INPUT_NEW: return is_new;
  default: return is_new || in->files[number].is_aside;
  }
}

bool input_needs(const struct input *in, enum input_round round) {
  return round < INPUT_ASIDE || in->has_aside;
}

/* Hashes of the first and the last bytes of the file's first `length` bytes. */
static int64_t sample(const struct flow_sys *sys, int fd, uint64_t length, uint64_t *head,
                      uint64_t *tail) {
  char bytes[POSITION_SAMPLE];
  size_t size = length < POSITION_SAMPLE ? (size_t)length : POSITION_SAMPLE;
  int64_t n = flow_sys_pread_all(sys, fd, bytes, size, 0);
  if (n < 0) return n;
  *head = position_hash(bytes, (size_t)n);
  int64_t m = flow_sys_pread_all(sys, fd, bytes, size, length - size);
  if (m < 0) return m;
  *tail = position_hash(bytes, (size_t)m);
  return n + m < 2 * (int64_t)size ? -ENODATA : 0;
}

enum flow_status input_sample(struct input *in, uint32_t number, int fd,
                              struct flow_report *report) {
  struct position *now = &in->files[number].now;
  int64_t error = sample(in->sys, fd, now->length, &now->head, &now->tail);
  if (error == 0) return FLOW_OK;
  const char *name = in->files[number].name;
  if (error == -ENODATA) {
    return flow_report_fail(report, FLOW_E_INPUT,
                            "`%s%s` of source `%s` was truncated while it was read", folder_of(in),
                            name, in->source);
  }
  return flow_report_errno(report, FLOW_E_IO, (int)error, "read %s%s", folder_of(in), name);
}

/* Compares the file at `path` with a stored position. An error is a negative errno in *error. */
static enum position_match match_content(const struct input *in, const struct position *stored,
                                         const char *path, uint64_t size, int *error) {
  struct position_found found = {.size = size};
  *error = 0;
  if (size < stored->length) return POSITION_SHORTER;
  int fd = in->sys->open(in->sys, path, FLOW_OPEN_READ, 0);
  if (fd < 0) {
    *error = fd;
    return POSITION_DIFFERENT;
  }
  int64_t failed = sample(in->sys, fd, stored->length, &found.head, &found.tail);
  in->sys->close(in->sys, fd);
  if (failed == -ENODATA) return POSITION_SHORTER;
  *error = (int)failed;
  return position_compare(stored, &found);
}

/* Counts what is in the file as read, for --source-skip. */
static int64_t skip_content(struct input *in, struct input_file *file, const char *path) {
  int fd = in->sys->open(in->sys, path, FLOW_OPEN_READ, 0);
  if (fd < 0) return fd;
  char bytes[16384];
  struct position *now = &file->now;
  *now = (struct position){.line = 1, .discovery = now->discovery};
  int64_t n;
  char last = '\n';
  while ((n = in->sys->pread(in->sys, fd, bytes, sizeof bytes, now->length)) > 0) {
    for (int64_t i = 0; i < n; i++) now->line += bytes[i] == '\n';
    last = bytes[n - 1];
    now->length += (uint64_t)n;
  }
  now->is_open = last != '\n';
  in->must_commit = true;
  if (n == 0) n = sample(in->sys, fd, now->length, &now->head, &now->tail);
  in->sys->close(in->sys, fd);
  keep_move(in, file);
  return n;
}

/* Says what was expected and what was found, with the ways out. */
static enum flow_status report_changed(const struct input *in, const struct input_file *file,
                                       uint64_t size, struct flow_report *report) {
  const struct position *p = &file->now;
  flow_report_fail(report, FLOW_E_INPUT,
                   "`%s%s` of source `%s` is not the file that was read before\n"
                   "  expected: the same %llu bytes as then (%llu record%s)",
                   folder_of(in), file->name, in->source, (unsigned long long)p->length,
                   (unsigned long long)p->records, p->records == 1 ? "" : "s");
  if (size < p->length) {
    flow_report_add(report, "\n  found: only %llu bytes: it was truncated or replaced",
                    (unsigned long long)size);
  } else {
    flow_report_add(report, "\n  found: %llu bytes, but other ones before byte %llu",
                    (unsigned long long)size, (unsigned long long)p->length);
  }
  flow_report_help(report,
                   "put the old file back; or read it as a new one: --source-restart %s; or go on "
                   "behind what is in it now: --source-skip %s",
                   in->source, in->source);
  return FLOW_E_INPUT;
}

/* An open position: a line end behind it belongs to the record, anything else is a grown record. */
static enum flow_status close_joint(struct input *in, struct input_file *file, const char *path,
                                    struct flow_report *report) {
  char bytes[2];
  int fd = in->sys->open(in->sys, path, FLOW_OPEN_READ, 0);
  int64_t n = fd < 0 ? fd : flow_sys_pread_all(in->sys, fd, bytes, sizeof bytes, file->now.length);
  if (fd >= 0) in->sys->close(in->sys, fd);
  if (n < 0) return flow_report_errno(report, FLOW_E_INPUT, (int)n, "read %s", path);
  size_t skip;
  switch (position_joint(bytes, (size_t)n, &skip)) {
  case POSITION_JOINT_NONE: break;
  case POSITION_JOINT_ENDED:
    file->now.length += skip;
    file->now.line++;
    file->now.is_open = false;
    keep_move(in, file);
    break;
  case POSITION_JOINT_GREW:
    flow_report_fail(report, FLOW_E_RECORD,
                     "record %llu of `%s` (source `%s`, line %llu) grew after it was read: it had "
                     "no line end, and more was appended to the same line",
                     (unsigned long long)file->now.records, path, in->source,
                     (unsigned long long)file->now.line);
    flow_report_help(report,
                     "end lines with a newline before the file is read; now insert a newline at "
                     "byte %llu, or read the file anew: --source-restart %s",
                     (unsigned long long)file->now.length, in->source);
    return FLOW_E_RECORD;
  }
  return FLOW_OK;
}

/* Counts a file of a moved source; the first names are kept for the summary. */
static void list_moved(struct input *in, const char *name, bool is_new) {
  uint32_t *count = is_new ? &in->added : &in->went_on;
  struct flow_buf *names = is_new ? &in->added_names : &in->went_on_names;
  if (++*count > INPUT_NAMES) return;
  if (*count > 1) flow_buf_add(names, ", ", 2);
  flow_buf_add(names, name, strlen(name));
}

/* The content is not what was read under this name. */
static enum flow_status settle_changed(struct input *in, struct input_file *file, const char *path,
                                       uint64_t size, struct flow_report *report) {
  if (!in->skips_changed) return report_changed(in, file, size, report);
  int64_t failed = skip_content(in, file, path);
  return failed < 0 ? flow_report_errno(report, FLOW_E_INPUT, (int)failed, "read %s", path)
                    : FLOW_OK;
}

/* What is left to do when it is clear which file has the name. */
static enum flow_status settle(struct input *in, struct input_file *file, const char *path,
                               uint64_t size, struct flow_report *report) {
  if (file->is_aside) in->aside_count--;
  file->is_aside = false;
  file->is_present = file->is_verified = true;
  if (file->is_foreign) {
    file->is_foreign = false;
    input_touch(in, (uint32_t)(file - in->files));
    if (in->is_moved) list_moved(in, file->name, file->now.length == 0);
  }
  if (!file->now.is_open || size == file->now.length) return FLOW_OK;
  return close_joint(in, file, path, report);
}

/* A known name. */
static enum flow_status match_known(struct input *in, struct input_file *file, const char *path,
                                    const struct flow_file_info *info, bool *is_aside,
                                    struct flow_report *report) {
  bool needs_check = !file->is_verified || info->size != file->seen_size ||
                     info->mtime_us != file->seen_mtime_us;
  *is_aside = false;
  if (needs_check && file->now.length > 0) {
    int error;
    enum position_match match = match_content(in, &file->now, path, info->size, &error);
    if (error < 0) return flow_report_errno(report, FLOW_E_INPUT, error, "read %s", path);
    bool differs = match == POSITION_SHORTER || match == POSITION_DIFFERENT;
    if (differs && !file->is_foreign) {
      *is_aside = file->is_aside = true;
      in->has_aside = true;
      in->aside_count++;
      return FLOW_OK;
    }
    if (differs) { /* another file of the same name, where the source is now */
      file->now = (struct position){.line = 1, .discovery = in->next_discovery++};
      keep_move(in, file);
    }
  }
  return settle(in, file, path, info->size, report);
}

/* Notes that a row must go from the store. */
static bool forget_row(struct input *in, uint64_t row) {
  if (in->gone_count == in->gone_capacity) {
    uint32_t capacity = in->gone_capacity == 0 ? 8 : in->gone_capacity * 2;
    uint64_t *gone = in->sys->realloc(in->sys, in->gone, capacity * sizeof *gone);
    if (gone == NULL) return false;
    in->gone = gone;
    in->gone_capacity = capacity;
  }
  in->gone[in->gone_count++] = row;
  return true;
}

/* Lists the files that a new name may belong to. In a look, all known names come before. */
static bool list_missing(struct input *in) {
  if (in->has_missing) return true;
  uint32_t *missing = in->sys->realloc(in->sys, in->missing, (in->count + 1) * sizeof *missing);
  if (missing == NULL) return false;
  in->missing = missing;
  in->missing_count = 0;
  for (uint32_t i = 0; i < in->count; i++) {
    const struct input_file *file = &in->files[i];
    if (file->is_foreign && !in->is_single) continue; /* what is new here is to be read */
    if (!file->is_present && file->now.length > 0) missing[in->missing_count++] = i;
  }
  in->has_missing = true;
  return true;
}

/* Gives a file a new name, and a new row with it, because a row's key never changes. */
static bool rename_file(struct input *in, uint32_t number, const char *name) {
  struct input_file *file = &in->files[number];
  char *copy = input_copy_text(in->sys, name, strlen(name));
  if (file->is_stored && !forget_row(in, file->row)) {
    in->sys->free(in->sys, copy);
    return false;
  }
  in->sys->free(in->sys, file->name);
  file->name = copy;
  file->row = in->next_row++;
  file->is_stored = false;
  input_touch(in, number);
  in->must_commit = true;
  if (!file->is_foreign) in->renamed++;
  return enter_name(in, number);
}

/* The first bytes of a file: their number, or a negative errno. */
static int64_t read_head(const struct input *in, const char *path, char bytes[POSITION_SAMPLE]) {
  int fd = in->sys->open(in->sys, path, FLOW_OPEN_READ, 0);
  if (fd < 0) return fd;
  int64_t n = flow_sys_pread_all(in->sys, fd, bytes, POSITION_SAMPLE, 0);
  in->sys->close(in->sys, fd);
  return n;
}

/* Looks for a file that is missing under its name and has this content: it was renamed. The first
 * bytes decide about most, so that many missing files do not mean as many looks at the disk. */
static enum flow_status find_renamed(struct input *in, const char *name, const char *path,
                                     const struct flow_file_info *info, uint32_t *number,
                                     struct flow_report *report) {
  if (!list_missing(in)) return no_memory(in, report);
  if (in->missing_count == 0) return FLOW_OK;
  char head[POSITION_SAMPLE];
  int64_t n = read_head(in, path, head);
  if (n < 0) return flow_report_errno(report, FLOW_E_INPUT, (int)n, "read %s", path);
  for (uint32_t i = 0; i < in->missing_count; i++) {
    const struct input_file *file = &in->files[in->missing[i]];
    const struct position *p = &file->now;
    size_t size = p->length < POSITION_SAMPLE ? (size_t)p->length : POSITION_SAMPLE;
    if (file->is_present || (size_t)n < size || position_hash(head, size) != p->head) continue;
    int error;
    enum position_match match = match_content(in, p, path, info->size, &error);
    if (error < 0) return flow_report_errno(report, FLOW_E_INPUT, error, "read %s", path);
    if (match == POSITION_SHORTER || match == POSITION_DIFFERENT) continue;
    *number = in->missing[i];
    return rename_file(in, *number, name) ? FLOW_OK : no_memory(in, report);
  }
  return FLOW_OK;
}

/* A name that was never read. */
static enum flow_status match_new(struct input *in, const char *name, uint32_t *number,
                                  struct flow_report *report) {
  struct input_file *file = add_file(in, name, strlen(name));
  if (file == NULL) return no_memory(in, report);
  *number = in->count - 1;
  file->row = in->next_row++;
  file->now.discovery = file->closed.discovery = in->next_discovery++;
  file->is_present = file->is_verified = true;
  if (in->is_moved) list_moved(in, name, true);
  return FLOW_OK;
}

static enum flow_status match_in_round(struct input *in, const char *name, const char *path,
                                       const struct flow_file_info *info, enum input_round round,
                                       uint32_t *number, struct flow_report *report) {
  uint32_t known = input_find(in, name);
  *number = known;
  if (round == INPUT_KNOWN) {
    bool is_aside;
    enum flow_status status = match_known(in, &in->files[known], path, info, &is_aside, report);
    if (is_aside) *number = INPUT_NO_FILE;
    return status;
  }
  if (round != INPUT_REST) {
    *number = INPUT_NO_FILE;
    enum flow_status status = find_renamed(in, name, path, info, number, report);
    if (status != FLOW_OK) return status;
    if (*number != INPUT_NO_FILE)
      return settle(in, &in->files[*number], path, info->size, report);
    return round == INPUT_NEW ? match_new(in, name, number, report) : FLOW_OK;
  }
  if (known == INPUT_NO_FILE) return match_new(in, name, number, report);
  struct input_file *file = &in->files[known];
  enum flow_status status = settle_changed(in, file, path, info->size, report);
  return status == FLOW_OK ? settle(in, file, path, info->size, report) : status;
}

enum flow_status input_match(struct input *in, const char *name, const struct flow_file_info *info,
                             enum input_round round, uint32_t *number, struct flow_report *report) {
  char *path = input_path(in, name);
  if (path == NULL) return no_memory(in, report);
  enum flow_status status = match_in_round(in, name, path, info, round, number, report);
  in->sys->free(in->sys, path);
  return status;
}

enum flow_status input_generated(struct input *in, const char *name, uint32_t *number,
                                 struct flow_report *report) {
  *number = input_find(in, name);
  if (*number == INPUT_NO_FILE) return match_new(in, name, number, report);
  struct input_file *file = &in->files[*number];
  return settle(in, file, name, file->now.length, report);
}

/* What is still put aside has lost its name to a file that was renamed over it: it was deleted. */
enum flow_status input_end(struct input *in, struct flow_report *report) {
  for (uint32_t i = 0; in->aside_count > 0 && i < in->count; i++) {
    struct input_file *file = &in->files[i];
    if (!file->is_aside || input_find(in, file->name) == i) continue; /* not there any more */
    if (file->is_stored && !forget_row(in, file->row)) return no_memory(in, report);
    file->now = file->closed = (struct position){.discovery = file->now.discovery};
    file->is_gone = true;
    file->is_stored = file->is_aside = false;
    in->aside_count--;
  }
  return FLOW_OK;
}

/* -- at the end of an epoch */

static void pack_row(struct flow_buf *out, uint64_t row, const char *name,
                     const struct position *position, const char *place) {
  flow_put_entry(out, row, name != NULL ? FLOW_DELTA_KEY : 0);
  if (name != NULL) {
    size_t mark = flow_put_open(out);
    flow_put_bytes(out, name, strlen(name));
    flow_put_close(out, mark);
  }
  size_t mark = flow_put_open(out);
  position_encode(out, position, place, strlen(place));
  flow_put_close(out, mark);
}

void input_pack(struct input *in, struct flow_buf *out) {
  if (in->stored_place == NULL || in->is_moved) {
    struct position nowhere = {.line = 1};
    pack_row(out, 0, in->stored_place == NULL ? "" : NULL, &nowhere, in->place);
    in->sys->free(in->sys, in->stored_place);
    in->stored_place = input_copy_text(in->sys, in->place, strlen(in->place));
    in->is_moved = false;
  }
  for (uint32_t i = 0; i < in->gone_count; i++) flow_put_tombstone(out, in->gone[i]);
  in->gone_count = 0;
  for (uint32_t i = 0; i < in->touched_count; i++) {
    struct input_file *file = &in->files[in->touched[i]];
    if (file->is_gone) continue;
    const char *place = file->is_foreign ? in->came_from : "";
    pack_row(out, file->row, file->is_stored ? NULL : file->name, &file->now, place);
    file->closed = file->now;
    file->is_stored = true;
    file->is_touched = false;
  }
  in->touched_count = 0;
}

void input_rewind(struct input *in) {
  for (uint32_t i = 0; i < in->touched_count; i++) {
    struct input_file *file = &in->files[in->touched[i]];
    file->now = file->closed;
  }
}
