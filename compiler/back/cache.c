#define _GNU_SOURCE
#include "back/cache.h"

#include "back/build.h"
#include "back/extern.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define KEPT_SECONDS ((time_t)30 * 24 * 60 * 60)
/* Hexadecimal digits of a folder's name. */
#define KEY_LENGTH 32

static const char *cache_folder(struct arena *arena) {
  static const struct {
    const char *variable, *below;
  } places[] = {{"FLOWCC_CACHE", ""}, {"XDG_CACHE_HOME", "/flowcc"}, {"HOME", "/.cache/flowcc"}};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    const char *folder = getenv(places[i].variable);
    if (folder != NULL && folder[0] != '\0') return arena_printf(arena, "%s%s", folder, places[i].below);
  }
  return arena_printf(arena, "/tmp/flowcc-%u", (unsigned)getuid());
}

/* Makes the folder and those above it. */
static bool make_folders(char *path) {
  for (char *slash = path + 1;; *slash++ = '/') {
    slash = strchr(slash, '/');
    if (slash != NULL) *slash = '\0';
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
      fprintf(stderr, "flowcc: cannot make the folder %s: %s\n  = help: FLOWCC_CACHE names another one\n", path,
              strerror(errno));
      return false;
    }
    if (slash == NULL) return true;
  }
}

/* What the program depends on beside the generated C. */
static const char *settings_of(struct compiler *c, const char *lib) {
  const char *runtime = arena_printf(&c->arena, "%s/libflow.a", lib);
  struct stat status;
  if (stat(runtime, &status) != 0) memset(&status, 0, sizeof status);
  return arena_printf(&c->arena, "%s\n%s\n%s\n%d\n%s\n%" PRIdMAX "\n%" PRIdMAX ".%09ld\n", build_compiler(c),
                      c->options.optimise ? c->options.optimise : "",
                      c->options.target_cpu ? c->options.target_cpu : "", c->options.is_debug, runtime,
                      (intmax_t)status.st_size, (intmax_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

/* -- files in C ------------------------------------------------------------------------------ */

#define C_FILES_MAX 100 /* that one program is made of; more are not looked into */

VEC_OF(file_names, const char *);

/* The file that a line includes by `#include "…"`, from the folder of the file; or null. */
static const char *included(struct compiler *c, const struct source *file, const char *line, size_t length) {
  size_t at = strspn(line, " \t#");
  if (at == 0 || at >= length || strncmp(line + at, "include", 7) != 0) return NULL;
  const char *open = memchr(line, '"', length);
  const char *close = open ? memchr(open + 1, '"', (size_t)(line + length - open - 1)) : NULL;
  if (close == NULL) return NULL;
  const char *slash = strrchr(file->path, '/');
  return arena_printf(&c->arena, "%.*s%.*s", slash ? (int)(slash + 1 - file->path) : 0, file->path,
                      (int)(close - open - 1), open + 1);
}

/* Takes what a C file is, and what it includes of its own, into the hash. */
static void hash_c_file(struct compiler *c, struct file_names *seen, const char *path, XXH64_hash_t *hash) {
  vec_each(const char *, name, seen) if (strcmp(*name, path) == 0) return;
  if (seen->count == C_FILES_MAX) return;
  vec_push(&c->arena, seen, path);
  const char *why;
  const struct source *file = sources_load(&c->sources, path, &why);
  if (file == NULL) return; /* the C compiler will say so */
  *hash = XXH3_64bits_withSeed(file->text, file->length, *hash);
  for (uint32_t i = 1; i <= file->line_count; i++) {
    size_t length;
    const char *line = source_line(file, i, &length), *other = included(c, file, line, length);
    if (other != NULL) hash_c_file(c, seen, other, hash);
  }
}

static void hash_c_files(struct compiler *c, XXH64_hash_t *hash) {
  struct extern_files files = extern_files(c);
  struct file_names seen = {0};
  vec_each(const char *, path, &files) hash_c_file(c, &seen, *path, hash);
}

/* -- old programs ---------------------------------------------------------------------------- */

/* Removes a folder that has a program, and perhaps its C file, and nothing below. */
static void remove_folder(struct arena *arena, const char *folder) {
  DIR *list = opendir(folder);
  if (list == NULL) return;
  for (struct dirent *entry; (entry = readdir(list)) != NULL;)
    if (entry->d_name[0] != '.') unlink(arena_printf(arena, "%s/%s", folder, entry->d_name));
  closedir(list);
  rmdir(folder);
}

static void remove_old(struct arena *arena, const char *cache) {
  DIR *list = opendir(cache);
  if (list == NULL) return;
  time_t now = time(NULL);
  for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
    struct stat status;
    bool is_ours = strlen(entry->d_name) == KEY_LENGTH &&
                   strspn(entry->d_name, "0123456789abcdef") == KEY_LENGTH;
    if (!is_ours || fstatat(dirfd(list), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISDIR(status.st_mode) && now - status.st_mtim.tv_sec > KEPT_SECONDS)
      remove_folder(arena, arena_printf(arena, "%s/%s", cache, entry->d_name));
  }
  closedir(list);
}

/* The name that the program shows in its messages: that of the flow. */
static const char *program_name(struct compiler *c) {
  const char *slash = strrchr(c->options.input_path, '/');
  const char *name = slash ? slash + 1 : c->options.input_path;
  size_t length = strlen(name);
  bool has_suffix = length > 5 && strcmp(name + length - 5, ".flow") == 0;
  return arena_strndup(&c->arena, name, has_suffix ? length - 5 : length);
}

bool cache_locate(struct compiler *c, bool *is_there) {
  struct arena *arena = &c->arena;
  const char *lib = build_runtime(c);
  if (lib == NULL) return false;
  const char *settings = settings_of(c, lib), *cache = cache_folder(arena);
  XXH64_hash_t seed = XXH3_64bits(settings, strlen(settings));
  hash_c_files(c, &seed);
  XXH128_hash_t key = XXH3_128bits_withSeed(c->c_text.data, c->c_text.length, seed);
  char *folder = arena_printf(arena, "%s/%016" PRIx64 "%016" PRIx64, cache, key.high64, key.low64);
  c->options.output_path = arena_printf(arena, "%s/%s", folder, program_name(c));
  *is_there = access(c->options.output_path, X_OK) == 0;
  if (*is_there) {
    utimensat(AT_FDCWD, folder, NULL, 0); /* in use: remove_old() keeps it */
    return true;
  }
  if (!make_folders(folder)) return false;
  remove_old(arena, cache);
  return true;
}
