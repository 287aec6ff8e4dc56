/* dir(PATH): the files of a directory, one after another, looked at again every `poll`.
 *
 * A look lists the names, sorted; new files get the next discovery numbers. Then a pass reads every
 * file that has something new to its present end, in discovery order. With --once there is one look
 * and one pass. Left alone are subdirectories, and files that are not meant to be read yet: names
 * that start with a dot or end in "~" or ".tmp". A writer should write under such a name and then
 * rename the file; a file that grows line by line is fine, too. */
#include "source.h"

#include <errno.h>
#include <string.h>

static bool is_ignored(const char *name) {
  size_t length = strlen(name);
  if (name[0] == '.' || name[length - 1] == '~') return true;
  return length > 4 && strcmp(name + length - 4, ".tmp") == 0;
}

/* One look: what list() reports, and what came of it. */
struct look {
  struct source *source;
  struct flow_report *report;
  enum flow_status status;
  int64_t now_us;
  enum input_round round;
};

/* Decides whether the file has something to read, and whether its unterminated rest counts. */
static void judge(struct look *look, struct input_file *file, const struct flow_file_info *info) {
  bool is_same = info->size == file->seen_size && info->mtime_us == file->seen_mtime_us;
  if (!is_same || file->still_looks == 0) file->still_since_us = look->now_us;
  file->still_looks = is_same ? file->still_looks + 1 : 1;
  file->is_settled =
      !look->source->is_live ||
      (file->still_looks > 2 && look->now_us - file->still_since_us >= FLOW_SETTLE_US);
  file->is_due = info->size > file->now.length && (!is_same || file->is_settled);
  file->seen_size = info->size;
  file->seen_mtime_us = info->mtime_us;
}

static bool look_at_name(void *context, const char *name) {
  struct look *look = context;
  struct source *s = look->source;
  if (is_ignored(name)) return true;
  if (!input_wants(&s->input, name, look->round)) return true;
  char *path = input_path(&s->input, name);
  if (path == NULL) {
    look->status = flow_report_fail(look->report, FLOW_E_MEMORY, "no memory for a file name");
    return false;
  }
  struct flow_file_info info;
  int error = s->sys->stat(s->sys, path, &info);
  if (error < 0 && error != -ENOENT) {
    look->status = flow_report_errno(look->report, FLOW_E_INPUT, error, "read %s", path);
  }
  s->sys->free(s->sys, path);
  if (look->status != FLOW_OK) return false;
  if (error < 0 || info.kind != FLOW_FILE_REGULAR) return true; /* gone again, or not ours */
  uint32_t number;
  look->status = input_match(&s->input, name, &info, look->round, &number, look->report);
  if (look->status != FLOW_OK) return false;
  if (number != INPUT_NO_FILE) judge(look, &s->input.files[number], &info);
  return true;
}

/* Lists the names once for each round of the look. */
static enum flow_status scan(struct source *s, int64_t now_us, struct flow_report *report) {
  struct look look = {.source = s, .report = report, .now_us = now_us};
  input_begin(&s->input);
  for (; look.round < INPUT_ROUNDS; look.round++) {
    if (!input_needs(&s->input, look.round)) continue;
    int error = s->sys->list(s->sys, s->location, look_at_name, &look);
    if (error < 0) {
      flow_report_errno(report, FLOW_E_INPUT, error, "list directory %s (source `%s`)", s->location,
                        s->desc->name);
      if (error == -ENOTDIR) {
        flow_report_help(report, "file(\"%s\", …) reads a single file", s->location);
      }
      if (error == -ENOENT) {
        flow_report_help(report, "create it, or read another one: --source %s=PATH", s->desc->name);
      }
      return report->status;
    }
    if (look.status != FLOW_OK) return look.status;
  }
  s->pass = 0;
  return input_end(&s->input, report);
}

static enum flow_status dir_open(struct source *s, struct flow_report *report) {
  size_t length = strlen(s->location);
  char *folder = s->sys->alloc(s->sys, length + 2);
  if (folder == NULL) return flow_report_fail(report, FLOW_E_MEMORY, "no memory for a path");
  memcpy(folder, s->location, length + 1);
  if (length == 0 || folder[length - 1] != '/') memcpy(folder + length, "/", 2);
  s->input.folder = folder;
  int64_t now_us = s->sys->monotonic_us(s->sys);
  enum flow_status status = scan(s, now_us, report);
  s->next_poll_us = now_us + s->desc->poll_us;
  for (uint32_t i = 0; i < s->input.count; i++) s->consumed += s->input.files[i].now.length;
  return status;
}

/* Switches to the next file of the pass that has something to read. */
static enum flow_status next_of_pass(struct source *s, struct flow_report *report) {
  while (s->pass < s->input.count) {
    uint32_t number = s->pass++;
    struct input_file *file = &s->input.files[number];
    if (!file->is_present || !file->is_due) continue;
    file->is_due = false;
    enum flow_status status = source_switch(s, number, file->is_settled, report);
    if (status == FLOW_OK) {
      /* What was appended since the look has not settled. */
      if (s->is_live && file->is_settled) s->reader.cap = file->seen_size;
      return FLOW_OK;
    }
    if (status != FLOW_E_INPUT) return status;
    struct flow_file_info info;
    file->is_present = s->sys->stat(s->sys, s->shown, &info) != -ENOENT;
    if (file->is_present) return status; /* otherwise it was taken away since the look */
  }
  return FLOW_OK;
}

static enum flow_status dir_next(struct source *s, int64_t now_us, struct flow_report *report) {
  s->state = PARTITION_IDLE;
  enum flow_status status = source_leave(s, report);
  if (status != FLOW_OK) return status;
  status = next_of_pass(s, report);
  if (status != FLOW_OK || s->state == PARTITION_READY) return status;
  if (!s->is_live) {
    s->state = PARTITION_END;
    return FLOW_OK;
  }
  if (now_us >= s->next_poll_us) {
    status = scan(s, now_us, report);
    if (status != FLOW_OK) return status;
    s->next_poll_us = now_us + s->desc->poll_us;
    status = next_of_pass(s, report);
  }
  s->wake_us = s->next_poll_us;
  return status;
}

const struct flow_connector flow_connector_dir = {
    .name = "dir",
    .is_readable = true,
    .is_polled = true,
    .open = dir_open,
    .next = dir_next,
};
