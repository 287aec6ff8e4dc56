/* flowcc init: a small flow with input to play with, from a template. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/edit.h"
#include "command.h"
#include "tools/templates.h"
#include "tools/tools.h"

#define FOLDER "stdlib/templates/"
/* More templates than anybody would read a list of. */
#define TEMPLATES 32

/* One file of a template, and where its name and its own path begin. */
struct member {
  const struct library_file *file;
  const char *name; /* of the template; ends at a slash */
  size_t name_length;
  const char *path; /* below the folder */
};

static struct member member_of(const struct library_file *file) {
  const char *name = file->path + strlen(FOLDER);
  size_t length = strcspn(name, "/");
  return (struct member){file, name, length, name + length + 1};
}

static bool is_of(const struct member *member, const char *name) {
  return strlen(name) == member->name_length && strncmp(member->name, name, member->name_length) == 0;
}

static bool is_readme(const struct member *member) {
  return strcmp(member->path, "README.md") == 0;
}

/* -- the list -------------------------------------------------------------------------------- */

/* The names of the templates; returns how many there are. They live in the arena. */
static size_t list_names(struct arena *arena, const char *names[TEMPLATES]) {
  size_t count = 0;
  for (const struct library_file *file = template_files; file->path && count < TEMPLATES; file++) {
    struct member member = member_of(file);
    if (is_readme(&member)) names[count++] = arena_strndup(arena, member.name, member.name_length);
  }
  return count;
}

/* "# count: a value per key" without its mark. */
static void print_summary(const struct member *readme) {
  const char *line = readme->file->text + strlen("# ");
  size_t name = strcspn(line, ":");
  printf("  %-10.*s %.*s\n", (int)name, line, (int)(strcspn(line, "\n") - name - 1), line + name + 1);
}

static void print_templates(void) {
  printf("Usage: flowcc init TEMPLATE [DIR]     a small flow with input, to begin with\n\n"
         "DIR is made if it is missing (default: the name of the template). Files that are there\n"
         "already are never written over.\n\nTemplates:\n");
  for (const struct library_file *file = template_files; file->path; file++) {
    struct member member = member_of(file);
    if (is_readme(&member)) print_summary(&member);
  }
}

/* -- writing --------------------------------------------------------------------------------- */

static int report(const char *path) {
  fprintf(stderr, "flowcc init: cannot write %s: %s\n", path, strerror(errno));
  return EXIT_CANNOT_WRITE;
}

static int write_file(const struct member *member, const char *path) {
  FILE *file = fopen(path, "wx");
  if (!file) return report(path);
  size_t written = fwrite(member->file->text, 1, member->file->length, file);
  bool is_good = fclose(file) == 0 && written == member->file->length;
  if (!is_good) return report(path);
  /* A flow that begins with #! is a script. */
  if (strncmp(member->file->text, "#!", 2) == 0 && chmod(path, 0755) < 0) return report(path);
  printf("%s\n", path);
  return EXIT_OK;
}

/* The first command of the README is what to do next. */
static void print_next(const struct member *readme, const char *dir) {
  const char *command = strstr(readme->file->text, "\n$ ");
  if (!command) return;
  command += strlen("\n$ ");
  printf("\nNow:  cd %s && %.*s\n", dir, (int)strcspn(command, "\n"), command);
}

static int write_template(struct arena *arena, const char *name, const char *dir) {
  if (mkdir(dir, 0777) < 0 && errno != EEXIST) return report(dir);
  for (const struct library_file *file = template_files; file->path; file++) {
    struct member member = member_of(file);
    const char *path = arena_printf(arena, "%s/%s", dir, member.path);
    if (!is_of(&member, name) || access(path, F_OK) < 0) continue;
    return command_usage_error("init", "%s is there already, and nothing is written over; name another "
                                       "directory: flowcc init %s DIR", path, name);
  }
  struct member readme = {0};
  for (const struct library_file *file = template_files; file->path; file++) {
    struct member member = member_of(file);
    if (!is_of(&member, name)) continue;
    if (is_readme(&member)) readme = member;
    int code = write_file(&member, arena_printf(arena, "%s/%s", dir, member.path));
    if (code != EXIT_OK) return code;
  }
  print_next(&readme, dir);
  return EXIT_OK;
}

/* -- the command line ------------------------------------------------------------------------ */

static int init(struct arena *arena, int argc, char **argv) {
  const char *names[TEMPLATES];
  size_t count = list_names(arena, names);
  bool wants_list = argc == 0 || strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0;
  if (wants_list) {
    print_templates();
    return EXIT_OK;
  }
  if (argc > 2) return command_usage_error("init", "write `flowcc init TEMPLATE [DIR]`");
  for (size_t i = 0; i < count; i++)
    if (strcmp(names[i], argv[0]) == 0) return write_template(arena, names[i], argv[argc - 1]);
  const char *closest = closest_name(argv[0], names, count);
  if (closest)
    return command_usage_error("init", "there is no template `%s`; did you mean `%s`?", argv[0],
                               closest);
  return command_usage_error("init", "there is no template `%s`; flowcc init lists them", argv[0]);
}

int init_main(int argc, char **argv) {
  struct arena arena;
  arena_init(&arena);
  int code = init(&arena, argc, argv);
  arena_free(&arena);
  return command_finish(code);
}
