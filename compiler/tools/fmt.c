/* flowcc fmt: format.h has the layout, this the command line and the files. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "front/parse.h"
#include "tools/format.h"
#include "tools/tools.h"

struct fmt {
  bool is_check;
  bool has_unformatted;
};

static const char usage[] =
    "Usage: flowcc fmt [--check] FILE ...\n"
    "\n"
    "Lays flows out in the one way: indentation, blanks, columns. Line breaks stay where they are,\n"
    "comments too, and what a flow means does not change. Files are written in place, and the names\n"
    "of those that changed are printed. `-` reads stdin and writes stdout.\n"
    "\n"
    "  --check     write nothing; name the files that are laid out otherwise, exit 1 if there are any\n"
    "  -h, --help  print this\n"
    "\n"
    "Exit codes: 0 done, 1 a flow has errors and was left alone, 64 usage, 66 no such file,\n"
    "74 a file cannot be written\n";

/* -- files ----------------------------------------------------------------------------------- */

static bool write_all(int fd, const struct text *text) {
  for (size_t done = 0; done < text->length;) {
    ssize_t count = write(fd, text->data + done, text->length - done);
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) done += (size_t)count;
  }
  return true;
}

/* Puts a new file in the place of the one at `path`, which has no symbolic link in it: a crash
 * leaves the old one or the new one. */
static bool replace(struct arena *arena, const char *path, const struct text *text) {
  struct stat old;
  char *name = arena_printf(arena, "%s.XXXXXX", path);
  if (stat(path, &old) < 0) return false;
  int fd = mkstemp(name);
  if (fd < 0) return false;
  /* Only root may give files away; who else formats a foreign file that it may write owns it then. */
  bool is_owned = fchown(fd, old.st_uid, old.st_gid) == 0 || errno == EPERM;
  bool is_good = is_owned && fchmod(fd, old.st_mode & 07777) == 0 && write_all(fd, text) &&
                 fsync(fd) == 0;
  is_good = close(fd) == 0 && is_good && rename(name, path) == 0;
  int error = errno;
  if (!is_good) unlink(name);
  errno = error;
  return is_good;
}

static int write_file(struct arena *arena, const char *path, const struct text *text) {
  char real[PATH_MAX];
  if (realpath(path, real) && access(real, W_OK) == 0 && replace(arena, real, text)) return EXIT_OK;
  fprintf(stderr, "flowcc fmt: cannot write %s: %s\n", path, strerror(errno));
  return EXIT_CANNOT_WRITE;
}

static struct source *read_stdin(struct compiler *compiler) {
  struct text text;
  char bytes[4096];
  text_init(&text, &compiler->arena);
  for (size_t count; (count = fread(bytes, 1, sizeof bytes, stdin)) > 0;)
    text_addn(&text, bytes, count);
  return sources_add_text(&compiler->sources, "<stdin>", text.data, text.length);
}

/* -- one flow -------------------------------------------------------------------------------- */

static bool is_same(const struct source *source, const struct text *text) {
  return source->length == text->length && memcmp(source->text, text->data, text->length) == 0;
}

static int finish(struct fmt *fmt, struct compiler *compiler, const struct text *text,
                  bool is_stdin) {
  const char *path = compiler->source->path;
  bool is_unchanged = is_same(compiler->source, text);
  if (!is_unchanged) fmt->has_unformatted = true;
  if (is_stdin && !fmt->is_check) {
    fwrite(text->data, 1, text->length, stdout);
    return EXIT_OK;
  }
  if (is_unchanged) return EXIT_OK;
  int code = fmt->is_check ? EXIT_OK : write_file(&compiler->arena, path, text);
  if (code == EXIT_OK) printf("%s\n", path);
  return code;
}

static int format_loaded(struct fmt *fmt, struct compiler *compiler, bool is_stdin) {
  struct text text;
  text_init(&text, &compiler->arena);
  bool is_good = pass_tokens(compiler) && pass_parse(compiler);
  if (!is_good || diags_has_errors(&compiler->diags)) {
    diags_print(&compiler->diags, stderr, DIAG_HUMAN);
    return EXIT_DIAGNOSED;
  }
  if (format_source(compiler, &text)) return finish(fmt, compiler, &text, is_stdin);
  fprintf(stderr, "flowcc fmt: %s was left as it is: the result would not mean the same, which is "
                  "a mistake of flowcc\n", compiler->source->path);
  return EXIT_BUG;
}

static int format_path(struct fmt *fmt, const char *path) {
  struct compiler compiler;
  const char *why = "it is too large";
  bool is_stdin = strcmp(path, "-") == 0;
  compiler_begin(&compiler, &(struct options){0}, path);
  compiler.source = is_stdin ? read_stdin(&compiler) : sources_load(&compiler.sources, path, &why);
  int code = EXIT_NO_INPUT;
  if (compiler.source) {
    code = format_loaded(fmt, &compiler, is_stdin);
  } else {
    fprintf(stderr, "flowcc fmt: %s: %s\n", path, why);
  }
  arena_free(&compiler.arena);
  return code;
}

/* -- the command line ------------------------------------------------------------------------ */

int fmt_main(int argc, char **argv) {
  struct fmt fmt = {0};
  int file_count = 0, worst = EXIT_OK;
  bool are_files = false;
  for (int i = 0; i < argc; i++) {
    const char *word = argv[i];
    if (!are_files && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
      fputs(usage, stdout);
      return EXIT_OK;
    }
    if (!are_files && strcmp(word, "--check") == 0) {
      fmt.is_check = true;
    } else if (!are_files && strcmp(word, "--") == 0) {
      are_files = true;
    } else if (!are_files && word[0] == '-' && word[1] != '\0') {
      fprintf(stderr, "flowcc fmt: there is no option `%s`; its only one is --check\n", word);
      return EXIT_USAGE;
    } else {
      argv[file_count++] = argv[i];
    }
  }
  if (file_count == 0) {
    fputs("flowcc fmt: which files? `flowcc fmt x.flow`; `-` is stdin\n", stderr);
    return EXIT_USAGE;
  }
  for (int i = 0; i < file_count; i++) {
    int code = format_path(&fmt, argv[i]);
    if (code > worst) worst = code;
  }
  if (fflush(stdout) != 0 || ferror(stdout)) {
    fprintf(stderr, "flowcc fmt: cannot write to stdout: %s\n", strerror(errno));
    return EXIT_CANNOT_WRITE;
  }
  if (worst != EXIT_OK) return worst;
  return fmt.is_check && fmt.has_unformatted ? EXIT_DIAGNOSED : EXIT_OK;
}
