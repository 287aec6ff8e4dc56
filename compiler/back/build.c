/* Runs the C compiler on the generated program.
 *
 * The C compiler is started without a shell, so no character of a path means anything. Signals that
 * end flowcc are held back while it runs: they reach the C compiler, which shares the terminal, and
 * flowcc removes its files before it lets them through. The new program takes its name by rename(2),
 * so a running one is never written to, and a failed build leaves the old one.
 */
#define _GNU_SOURCE /* mkostemps */

#include "back/build.h"
#include "back/emit.h"
#include "back/extern.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

VEC_OF(word_list, char *);

struct build {
  struct compiler *compiler;
  struct arena *arena;
  const char *lib;        /* directory with libflow.a and include/ */
  const char *output;     /* the program */
  char *output_temp, *c_path;
  bool keeps_c;           /* the C file was asked for, or is needed in a report */
  char *header_path;      /* of functions in C, or null */
  char *link_log;         /* what the linker says, where the program calls functions in C; or null */
  struct word_list objects; /* of the files of these functions */
  struct word_list words; /* the command */
};

/* -- where the runtime is -------------------------------------------------------------------- */

static bool has_runtime(struct compiler *c, const char *dir) {
  return access(arena_printf(&c->arena, "%s/libflow.a", dir), R_OK) == 0;
}

/* Beside the flowcc that is running, or in the lib folder of where it was installed. */
const char *build_runtime(struct compiler *c) {
  const char *given = getenv("FLOWCC_LIB");
  if (given != NULL && given[0] != '\0') {
    if (has_runtime(c, given)) return given;
    fprintf(stderr, "flowcc: there is no libflow.a in FLOWCC_LIB=%s\n", given);
    return NULL;
  }
  char self[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length < 0) length = 0;
  while (length > 0 && self[length - 1] != '/') length--;
  static const char *const places[] = {"lib/flowcc", "../lib/flowcc"};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    const char *lib = arena_printf(&c->arena, "%.*s%s", (int)length, self, places[i]);
    if (has_runtime(c, lib)) return lib;
  }
  fprintf(stderr,
          "flowcc: the runtime (libflow.a) is not at %.*slib/flowcc nor at %.*s../lib/flowcc\n"
          "  = help: run `make`, or set FLOWCC_LIB to the folder that holds it\n",
          (int)length, self, (int)length, self);
  return NULL;
}

/* -- files ----------------------------------------------------------------------------------- */

static bool write_all(int file, const char *data, size_t length) {
  while (length > 0) {
    ssize_t written = write(file, data, length);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    data += written;
    length -= (size_t)written;
  }
  return true;
}

/* A new file in the folder for such, whose name ends so; null after a message. */
static char *make_temp(struct build *b, const char *end, int *file) {
  const char *dir = getenv("TMPDIR");
  char *path = arena_printf(b->arena, "%s/flowcc-XXXXXX%s", dir && dir[0] ? dir : "/tmp", end);
  *file = mkostemps(path, (int)strlen(end), O_CLOEXEC);
  if (*file >= 0) return path;
  fprintf(stderr, "flowcc: cannot write %s: %s\n", path, strerror(errno));
  return NULL;
}

static bool write_c_file(struct build *b) {
  const struct compiler *c = b->compiler;
  int file;
  if (b->keeps_c) {
    b->c_path = arena_printf(b->arena, "%s.c", b->output);
    file = open(b->c_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  } else {
    b->c_path = make_temp(b, ".c", &file);
    if (b->c_path == NULL) return false;
  }
  bool is_written = file >= 0 && write_all(file, c->c_text.data, c->c_text.length);
  if (file >= 0 && close(file) != 0) is_written = false;
  if (!is_written) fprintf(stderr, "flowcc: cannot write %s: %s\n", b->c_path, strerror(errno));
  return is_written;
}

/* An empty file beside the output, with the rights that a new program gets. */
static bool reserve_output(struct build *b) {
  b->output_temp = arena_printf(b->arena, "%s.XXXXXX", b->output);
  int file = mkostemp(b->output_temp, O_CLOEXEC);
  if (file < 0) {
    fprintf(stderr, "flowcc: cannot write %s: %s\n", b->output, strerror(errno));
    b->output_temp = NULL;
    return false;
  }
  mode_t mask = umask(0);
  umask(mask);
  fchmod(file, 0777 & ~mask);
  close(file);
  return true;
}

/* -- the command ----------------------------------------------------------------------------- */

/* Adds the words of a text that blanks separate: CC may be "ccache gcc -fsanitize=address". */
static void add_words(struct build *b, const char *text) {
  while (*text != '\0') {
    size_t length = strcspn(text, " \t");
    if (length > 0) vec_push(b->arena, &b->words, arena_strndup(b->arena, text, length));
    text += length;
    text += strspn(text, " \t");
  }
}

static void add_word(struct build *b, const char *word) {
  vec_push(b->arena, &b->words, arena_strndup(b->arena, word, strlen(word)));
}

const char *build_compiler(const struct compiler *c) {
  const char *cc = c->options.cc;
  if (cc == NULL || cc[0] == '\0') cc = getenv("CC");
  return cc == NULL || cc[strspn(cc, " \t")] == '\0' ? "cc" : cc;
}

/* Begins a command: the C compiler with the options for all its work. */
static void begin_command(struct build *b) {
  const struct options *options = &b->compiler->options;
  b->words = (struct word_list){0};
  add_words(b, build_compiler(b->compiler));
  add_word(b, options->optimise != NULL ? options->optimise : "-O2");
  if (options->target_cpu != NULL) add_word(b, options->target_cpu);
  if (options->is_debug) add_word(b, "-g");
  add_word(b, "-std=gnu11");
  add_word(b, "-ffp-contract=off"); /* floats are the same on every machine */
  add_word(b, arena_printf(b->arena, "-I%s/include", b->lib));
}

static void make_command(struct build *b) {
  begin_command(b);
  if (!b->compiler->options.is_debug) add_word(b, "-s");
  add_word(b, "-Wl,--gc-sections"); /* what the program does not use of libflow */
  add_word(b, "-w");
  add_word(b, b->c_path);
  vec_each(char *, object, &b->objects) add_word(b, *object);
  add_word(b, arena_printf(b->arena, "%s/libflow.a", b->lib));
  add_word(b, "-llmdb");
  add_word(b, "-lpthread");
  add_word(b, "-lm");
  add_word(b, "-o");
  add_word(b, b->output_temp);
  vec_push(b->arena, &b->words, NULL);
}

/* Runs the command with signals as flowcc got them, and what it says in the file `log`, if there is one;
 * returns its wait status, or -1. */
static int run_command(struct build *b, const sigset_t *mask, const char *log) {
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, mask);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (log) posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log, O_WRONLY | O_TRUNC, 0600);
  pid_t child;
  int error = posix_spawnp(&child, b->words.data[0], &actions, &attributes, b->words.data, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    fprintf(stderr, "flowcc: cannot run the C compiler `%s`: %s\n", b->words.data[0],
            strerror(error));
    if (error == ENOENT)
      fprintf(stderr, "  = help: install one (on Debian: apt install gcc libc6-dev liblmdb-dev), or name "
                      "yours in CC\n");
    return -1;
  }
  int status;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return status;
}

/* -- functions in C -------------------------------------------------------------------------- */

/* The place of the declaration of the first function of a C file, for messages. */
static const char *declared_at(struct build *b, const struct decl *fn) {
  struct place place = sources_place(&b->compiler->sources, fn->name.span.offset);
  return arena_printf(b->arena, "`%s` at %s:%u", fn->name.text, place.source->path, place.line);
}

/* Compiles a C file behind the header of the program, so that it fits its declarations. */
static bool compile_extern(struct build *b, const char *path, const sigset_t *mask) {
  int file;
  char *object = make_temp(b, ".o", &file);
  if (object == NULL) return false;
  close(file);
  vec_push(b->arena, &b->objects, object);
  begin_command(b);
  add_word(b, "-Wall");
  add_word(b, "-ffunction-sections");
  add_word(b, "-include");
  add_word(b, b->header_path);
  add_word(b, "-c");
  add_word(b, path);
  add_word(b, "-o");
  add_word(b, object);
  vec_push(b->arena, &b->words, NULL);
  int status = run_command(b, mask, NULL);
  if (status == 0) return true;
  const struct decl *fn = b->compiler->externs->data[0];
  vec_each(struct decl *, it, b->compiler->externs)
    if (strcmp((*it)->c_path, path) == 0) fn = *it;
  fprintf(stderr, "flowcc: %s, which has %s, does not compile\n"
                  "  = help: `flowcc emit --header` prints the functions as they must be\n",
          path, declared_at(b, fn));
  return false;
}

static bool compile_externs(struct build *b, const sigset_t *mask) {
  struct extern_files files = extern_files(b->compiler);
  if (files.count == 0) return true;
  struct text header;
  text_init(&header, b->arena);
  extern_header(b->compiler, &header);
  int file;
  b->header_path = make_temp(b, ".h", &file);
  if (b->header_path == NULL) return false;
  bool is_written = write_all(file, header.data, header.length);
  if (close(file) != 0) is_written = false;
  if (!is_written) {
    fprintf(stderr, "flowcc: cannot write %s: %s\n", b->header_path, strerror(errno));
    return false;
  }
  b->link_log = make_temp(b, ".log", &file);
  if (b->link_log == NULL) return false;
  close(file);
  vec_each(const char *, path, &files)
    if (!compile_extern(b, *path, mask)) return false;
  return true;
}

/* Whether the linker has not found a function that a C file should have; it was reported then. */
static bool report_missing(struct build *b, const char *log) {
  if (strstr(log, "undefined") == NULL || b->compiler->externs == NULL) return false;
  bool is_missing = false;
  vec_each(struct decl *, it, b->compiler->externs) {
    const struct decl *fn = *it;
    const char *quoted = arena_printf(b->arena, "`%s'", fn->name.text); /* as GNU ld writes it */
    const char *plain = arena_printf(b->arena, "symbol: %s\n", fn->name.text); /* as lld does */
    if (strstr(log, quoted) == NULL && strstr(log, plain) == NULL) continue;
    fprintf(stderr, "flowcc: %s does not have the function %s\n"
                    "  = help: `flowcc emit --header` prints it as it must be\n",
            fn->c_path, declared_at(b, fn));
    is_missing = true;
  }
  return is_missing;
}

/* Shows what the linker has said, or what it means. True if the mistake is the user's. */
static bool report_link(struct build *b) {
  if (b->link_log == NULL) return false;
  const char *why;
  struct source *log = sources_load(&b->compiler->sources, b->link_log, &why);
  if (log == NULL) return false;
  if (report_missing(b, log->text)) return true;
  fputs(log->text, stderr);
  return false;
}

/* -- all ------------------------------------------------------------------------------------- */

static bool compile(struct build *b, const sigset_t *mask) {
  if (!compile_externs(b, mask) || !write_c_file(b) || !reserve_output(b)) return false;
  make_command(b);
  int status = run_command(b, mask, b->link_log);
  if (status == -1 || (WIFSIGNALED(status) && WTERMSIG(status) != SIGSEGV)) return false;
  if (status != 0) {
    if (report_link(b)) return false;
    b->keeps_c = true;
    fprintf(stderr,
            "flowcc: internal error: the C compiler refused the generated program, or could not link it\n"
            "  = note: the C file is kept: %s\n"
            "  = note: the command was:",
            b->c_path);
    for (size_t i = 0; i + 1 < b->words.count; i++) fprintf(stderr, " %s", b->words.data[i]);
    fprintf(stderr, "\n  = help: if a library is missing, install it; otherwise please report this, with that "
                    "file\n");
    return false;
  }
  if (rename(b->output_temp, b->output) == 0) {
    b->output_temp = NULL;
    return true;
  }
  fprintf(stderr, "flowcc: cannot write %s: %s\n", b->output, strerror(errno));
  return false;
}

bool pass_build(struct compiler *c) {
  struct build b = {.compiler = c, .arena = &c->arena, .output = c->options.output_path};
  b.keeps_c = c->options.is_debug;
  struct stat status;
  if (stat(b.output, &status) == 0 && S_ISDIR(status.st_mode)) {
    fprintf(stderr, "flowcc: cannot write %s: it is a directory\n", b.output);
    return false;
  }
  b.lib = build_runtime(c);
  if (b.lib == NULL) return false;
  sigset_t held, before;
  sigemptyset(&held);
  sigaddset(&held, SIGINT);
  sigaddset(&held, SIGTERM);
  sigaddset(&held, SIGHUP);
  sigprocmask(SIG_BLOCK, &held, &before);
  bool is_built = compile(&b, &before);
  if (b.output_temp != NULL) unlink(b.output_temp);
  if (b.c_path != NULL && !b.keeps_c) unlink(b.c_path);
  if (b.header_path != NULL) unlink(b.header_path);
  if (b.link_log != NULL) unlink(b.link_log);
  vec_each(char *, object, &b.objects) unlink(*object);
  sigprocmask(SIG_SETMASK, &before, NULL);
  return is_built;
}
