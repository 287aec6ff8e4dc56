/* A backup in a directory, file:///DIR: one file per object. A file is written under another
 * name, synced and renamed, so a name always stands for a whole object. */
#include "backup_place.h"

#include "mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TEMPORARY ".tmp"
#define PATH 4096

struct dir_place {
  struct backup_place place;
  const struct flow_sys *sys;
  struct backup_place_settings settings;
  char root[PATH];
};

static bool is_cancelled(const struct dir_place *d) {
  return d->settings.is_cancelled != NULL && d->settings.is_cancelled(d->settings.context);
}

static enum place_result failed(struct flow_report *report, int error, const char *what,
                                const char *path) {
  flow_report_errno(report, FLOW_E_IO, error, "%s %s", what, path);
  bool is_lasting = error == -EACCES || error == -EPERM || error == -EROFS || error == -ENOTDIR ||
                    error == -ENOENT || error == -ENAMETOOLONG;
  return is_lasting ? PLACE_REFUSED : PLACE_FAILED;
}

static bool path_of(const struct dir_place *d, const char *name, const char *end, char path[PATH]) {
  int length = snprintf(path, PATH, "%s/%s%s", d->root, name, end);
  return length > 0 && length < PATH;
}

/* Makes the directories above a file, and their names durable. The one above the root must be
 * there: if a disk is not mounted, its mount point should not be filled. */
static int make_folders(const struct dir_place *d, char path[PATH]) {
  const struct flow_sys *sys = d->sys;
  struct flow_file_info info;
  for (char *slash = path + strlen(d->root); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    int error = sys->stat(sys, path, &info);
    if (error == -ENOENT) {
      error = sys->mkdir(sys, path, 0700);
      if (error == 0) error = sys->sync_parent(sys, path);
    }
    *slash = '/';
    if (error < 0 && error != -EEXIST) return error;
  }
  return 0;
}

/* True if the name stands for the open file: not if another run has moved it to its place
 * meanwhile. */
static bool is_same_file(const struct flow_sys *sys, int fd, const char *path) {
  struct flow_file_info opened, named;
  return sys->fstat(sys, fd, &opened) == 0 && sys->stat(sys, path, &named) == 0 &&
         opened.device == named.device && opened.inode == named.inode;
}

/* Writes the temporary file and moves it to its place. Two runs that write one name use one
 * temporary file; the lock on it lets one of them through, and the other finds the object or the
 * lock. */
static int write_file(const struct dir_place *d, int fd, const char *temporary, const char *path,
                      const void *data, size_t length, bool is_new) {
  const struct flow_sys *sys = d->sys;
  struct flow_file_info info;
  int error = sys->flock_try(sys, fd);
  if (error == -EWOULDBLOCK || !is_same_file(sys, fd, temporary)) return is_new ? -EEXIST : -EBUSY;
  if (error == 0 && is_new && sys->stat(sys, path, &info) == 0) return -EEXIST;
  if (error == 0) error = sys->ftruncate(sys, fd, 0);
  if (error == 0) error = flow_sys_pwrite_all(sys, fd, data, length, 0);
  if (error == 0) error = sys->fdatasync(sys, fd);
  if (error == 0) error = sys->rename(sys, temporary, path);
  if (error == 0) error = sys->sync_parent(sys, path);
  return error;
}

static enum place_result dir_put(struct backup_place *place, const char *name, const void *data,
                                 size_t length, bool is_new, struct flow_report *report) {
  struct dir_place *d = (struct dir_place *)place;
  const struct flow_sys *sys = d->sys;
  char path[PATH], temporary[PATH];
  if (is_cancelled(d)) return PLACE_CANCELLED;
  if (!path_of(d, name, "", path) || !path_of(d, name, TEMPORARY, temporary))
    return failed(report, -ENAMETOOLONG, "write", d->root);
  int error = make_folders(d, path);
  if (error < 0) return failed(report, error, "make the directories of", path);
  int fd = sys->open(sys, temporary, FLOW_OPEN_READ | FLOW_OPEN_WRITE | FLOW_OPEN_CREATE, 0600);
  if (fd < 0) return failed(report, fd, "write", temporary);
  error = write_file(d, fd, temporary, path, data, length, is_new);
  sys->close(sys, fd);
  if (error == -EEXIST) return PLACE_EXISTS;
  return error < 0 ? failed(report, error, "write", path) : PLACE_OK;
}

static enum place_result dir_get(struct backup_place *place, const char *name, struct flow_buf *out,
                                 struct flow_report *report) {
  struct dir_place *d = (struct dir_place *)place;
  const struct flow_sys *sys = d->sys;
  char path[PATH];
  out->length = 0;
  if (is_cancelled(d)) return PLACE_CANCELLED;
  if (!path_of(d, name, "", path)) return failed(report, -ENAMETOOLONG, "read", d->root);
  int fd = sys->open(sys, path, FLOW_OPEN_READ, 0);
  if (fd == -ENOENT) return PLACE_MISSING;
  struct flow_file_info info;
  int64_t n = fd < 0 ? fd : sys->fstat(sys, fd, &info);
  if (n == 0) {
    flow_buf_reserve(out, (size_t)info.size + 1);
    n = flow_sys_pread_all(sys, fd, out->data, (size_t)info.size, 0);
  }
  if (fd >= 0) sys->close(sys, fd);
  if (n < 0) return failed(report, (int)n, "read", path);
  out->length = (size_t)n;
  return PLACE_OK;
}

/* -- listing */

struct walk {
  struct dir_place *d;
  const char *folder;
  place_name name;
  void *context;
  bool goes_on;
  int error;
};

static int walk_folder(struct walk *walk, const char *folder);

static bool visit(void *context, const char *entry) {
  struct walk *walk = context;
  const struct flow_sys *sys = walk->d->sys;
  char name[PATH], path[PATH];
  struct flow_file_info info;
  int length = snprintf(name, sizeof name, "%s%s", walk->folder, entry);
  if (length < 0 || length >= PATH || !path_of(walk->d, name, "", path) ||
      sys->stat(sys, path, &info) < 0)
    return true;
  if (info.kind == FLOW_FILE_REGULAR) {
    walk->goes_on = walk->name(walk->context, name);
  } else if (info.kind == FLOW_FILE_DIRECTORY && length + 1 < PATH) {
    memcpy(name + length, "/", 2);
    struct walk below = *walk;
    below.folder = name;
    walk->error = walk_folder(&below, name);
    walk->goes_on = below.goes_on && walk->error == 0;
  }
  return walk->goes_on;
}

/* Lists a folder and those below it; names that are not there any more are passed over. */
static int walk_folder(struct walk *walk, const char *folder) {
  char path[PATH];
  if (!path_of(walk->d, folder, "", path)) return -ENAMETOOLONG;
  int error = walk->d->sys->list(walk->d->sys, path, visit, walk);
  return error == 0 ? walk->error : error;
}

static enum place_result dir_list(struct backup_place *place, const char *folder, place_name name,
                                  void *context, struct flow_report *report) {
  struct dir_place *d = (struct dir_place *)place;
  if (is_cancelled(d)) return PLACE_CANCELLED;
  struct walk walk = {d, folder, name, context, true, 0};
  int error = walk_folder(&walk, folder);
  if (error != -ENOENT) return error == 0 ? PLACE_OK : failed(report, error, "list", d->root);
  /* Nothing was put yet, if the place can be there at all. */
  char above[PATH];
  struct flow_file_info info;
  snprintf(above, sizeof above, "%s", d->root);
  char *slash = strrchr(above, '/');
  if (slash > above) *slash = '\0';
  else memcpy(above, "/", 2);
  error = d->sys->stat(d->sys, above, &info);
  if (error == 0) return PLACE_OK;
  failed(report, error, "use the backup directory", d->root);
  if (error == -ENOENT) flow_report_help(report, "mount it, or make %s first", above);
  return PLACE_REFUSED;
}

static enum place_result dir_remove(struct backup_place *place, const char *name,
                                    struct flow_report *report) {
  struct dir_place *d = (struct dir_place *)place;
  char path[PATH];
  if (is_cancelled(d)) return PLACE_CANCELLED;
  if (!path_of(d, name, "", path)) return failed(report, -ENAMETOOLONG, "remove", d->root);
  int error = d->sys->unlink(d->sys, path);
  if (error < 0 && error != -ENOENT) return failed(report, error, "remove", path);
  for (char *slash = strrchr(path, '/'); slash > path + strlen(d->root);) {
    *slash = '\0'; /* folders that are empty now */
    if (d->sys->rmdir(d->sys, path) < 0) break;
    slash = strrchr(path, '/');
  }
  return PLACE_OK;
}

static void dir_close(struct backup_place *place) {
  struct dir_place *d = (struct dir_place *)place;
  d->sys->free(d->sys, d);
}

/* -- the URL */

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The path of a file URL, percent-decoded and without slashes at its end. */
static bool decode_path(const char *text, char path[PATH]) {
  size_t length = 0;
  for (; *text != '\0'; text++) {
    char c = *text;
    if (c == '%') {
      int high = hex_digit(text[1]), low = high < 0 ? -1 : hex_digit(text[2]);
      if (low < 0 || high + low == 0) return false;
      c = (char)(high * 16 + low);
      text += 2;
    }
    if (length + 1 >= PATH / 2) return false;
    path[length++] = c;
  }
  while (length > 1 && path[length - 1] == '/') length--;
  path[length] = '\0';
  return length > 1;
}

enum flow_status backup_dir_open(const struct flow_sys *sys,
                                 const struct backup_place_settings *settings,
                                 struct backup_place **opened, struct flow_report *report) {
  struct dir_place *d = flow_sys_must_alloc(sys, sizeof *d);
  *d = (struct dir_place){
      .place = {dir_put, dir_get, dir_list, dir_remove, dir_close},
      .sys = sys,
      .settings = *settings,
  };
  *opened = NULL;
  if (!decode_path(settings->url + strlen("file://"), d->root)) {
    sys->free(sys, d);
    return flow_report_fail(report, FLOW_E_USAGE, "%s: not the URL of a directory", settings->url);
  }
  *opened = &d->place;
  return FLOW_OK;
}

/* -- which kind */

bool backup_url_is_good(const char *url, struct flow_report *report) {
  bool is_dir = strncmp(url, "file:///", 8) == 0 && url[8] != '\0';
  bool is_s3 = strncmp(url, "s3://", 5) == 0 && url[5] != '\0' && url[5] != '/';
  if (is_dir || is_s3) return true;
  flow_report_fail(report, FLOW_E_USAGE, "%s: expected file:///DIR or s3://BUCKET/PREFIX", url);
  if (url[0] == '/') flow_report_help(report, "did you mean file://%s?", url);
  return false;
}

enum flow_status backup_place_open(const struct flow_sys *sys,
                                   const struct backup_place_settings *settings,
                                   struct backup_place **place, struct flow_report *report) {
  *place = NULL;
  if (!backup_url_is_good(settings->url, report)) return report->status;
  if (strncmp(settings->url, "s3:", 3) == 0) return backup_s3_open(sys, settings, place, report);
  return backup_dir_open(sys, settings, place, report);
}
