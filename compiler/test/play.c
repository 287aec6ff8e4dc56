#define _GNU_SOURCE /* posix_spawn_file_actions_addchdir_np */
#include "test/play.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/vec.h"

extern char **environ;

VEC_OF(play_words, char *);

#define MESSAGES_FILE ".test/stderr"

/* -- the house ------------------------------------------------------------------------------- */

/* A place in memory if there is one: state that lives for a second need not reach a disk. */
static char *make_house(struct arena *arena) {
  const char *given = getenv("TMPDIR");
  const char *const places[] = {given != NULL && given[0] != '\0' ? given : "/dev/shm", "/tmp"};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    char *path = arena_printf(arena, "%s/flowcc-test-XXXXXX", places[i]);
    if (mkdtemp(path) != NULL) return path;
  }
  fprintf(stderr, "flowcc: cannot make a folder for the tests in %s or %s: %s\n", places[0],
          places[1], strerror(errno));
  return NULL;
}

/* Adds the signals that shall end flowcc: not those that whoever started it has told it to ignore. */
static void add_ending_signals(sigset_t *set) {
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct sigaction action;
    bool is_ignored = sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler == SIG_IGN;
    if (!is_ignored) sigaddset(set, numbers[i]);
  }
}

bool play_house_open(struct play_house *house, struct arena *arena) {
  *house = (struct play_house){.path = make_house(arena)};
  if (house->path == NULL) return false;
  sigset_t set;
  sigemptyset(&set);
  add_ending_signals(&set);
  sigaddset(&set, SIGPIPE); /* a command for a program that is gone: its end is seen then */
  sigprocmask(SIG_BLOCK, &set, &house->mask_before);
  sigdelset(&set, SIGPIPE);
  house->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return true;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
  (void)status, (void)kind, (void)place;
  remove(path); /* what cannot be removed stays, and all else goes */
  return 0;
}

static void remove_tree(const char *path) {
  nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void play_house_close(struct play_house *house) {
  remove_tree(house->path);
  close(house->signals);
  const struct timespec at_once = {0};
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  sigtimedwait(&broken_pipe, NULL, &at_once); /* one that is pending was expected */
  sigprocmask(SIG_SETMASK, &house->mask_before, NULL);
}

/* -- files ----------------------------------------------------------------------------------- */

/* Makes the folders above the path. */
static void make_folders(char *path) {
  for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    mkdir(path, 0700);
    *slash = '/';
  }
}

static char *path_of(const struct play *play, const char *path) {
  return arena_printf(play->arena, "%s/%s", play->folder, path);
}

bool play_append(struct play *play, const char *path, const char *data, size_t length) {
  char *full = path_of(play, path);
  make_folders(full);
  if (path[0] != '\0' && path[strlen(path) - 1] == '/') return true;
  int file = open(full, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ssize_t written = 0;
  for (size_t done = 0; file >= 0 && done < length && written >= 0; done += (size_t)written)
    written = write(file, data + done, length - done);
  bool is_good = file >= 0 && written >= 0;
  if (!is_good) fprintf(stderr, "flowcc: cannot feed the test: %s: %s\n", full, strerror(errno));
  if (file >= 0) close(file);
  return is_good;
}

void play_read(const struct play *play, const char *path, size_t from, struct text *out) {
  int file = open(path_of(play, path), O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  char piece[16384];
  ssize_t length;
  while ((length = pread(file, piece, sizeof piece, (off_t)from)) > 0) {
    text_addn(out, piece, (size_t)length);
    from += (size_t)length;
  }
  close(file);
}

void play_read_messages(const struct play *play, struct text *out) {
  play_read(play, MESSAGES_FILE, play->told, out);
}

/* -- the process ----------------------------------------------------------------------------- */

bool play_open(struct play *play, struct play_house *house, struct arena *arena,
               const char *program, char *const *words) {
  char *folder = arena_printf(arena, "%s/%u", house->path, house->play_count++);
  *play = (struct play){.house = house,
                        .arena = arena,
                        .program = program,
                        .folder = folder,
                        .words = words,
                        .clock_us = PLAY_CLOCK_US};
  make_folders(folder);
  return mkdir(folder, 0700) == 0 && play_append(play, MESSAGES_FILE, "", 0);
}

void play_close(struct play *play) {
  play_kill(play);
  remove_tree(play->folder);
}

/* Starts `PROGRAM words[1] …` in the folder, with pipes to its stdin and from its stdout. */
static bool spawn(struct play *play, char **words) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0) return false;
  if (pipe2(out, O_CLOEXEC) != 0) {
    close(in[0]), close(in[1]);
    return false;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, play->folder);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, MESSAGES_FILE, O_WRONLY | O_APPEND, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &play->house->mask_before);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  int error = posix_spawn(&play->process, play->program, &actions, &attributes, words, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  play->commands = in[1];
  play->replies = out[0];
  if (error == 0) return true;
  fprintf(stderr, "flowcc: cannot run %s: %s\n", play->program, strerror(error));
  play->process = 0;
  close(in[1]), close(out[0]);
  return false;
}

/* Waits for the end of the process. */
static enum play_event reap(struct play *play) {
  int status = 0;
  while (waitpid(play->process, &status, 0) < 0 && errno == EINTR) continue;
  play->process = 0;
  close(play->commands);
  close(play->replies);
  play->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? PLAY_KILLED : PLAY_ENDED;
}

void play_kill(struct play *play) {
  if (play->process == 0) return;
  kill(play->process, SIGKILL);
  reap(play);
}

/* The next bytes of the program's stdout; 0 at its end, or *event says why there are none. */
static size_t read_replies(struct play *play, char *data, size_t size, enum play_event *event) {
  struct pollfd polled[] = {{.fd = play->replies, .events = POLLIN},
                            {.fd = play->house->signals, .events = POLLIN}};
  int count;
  do {
    count = poll(polled, 2, PLAY_PATIENCE_MS);
  } while (count < 0 && errno == EINTR);
  if (polled[1].revents != 0 || count <= 0) {
    play_kill(play);
    *event = count <= 0 ? PLAY_LOST : PLAY_INTERRUPTED;
    return 0;
  }
  ssize_t length = read(play->replies, data, size);
  if (length > 0) return (size_t)length;
  *event = reap(play);
  return 0;
}

/* Waits until the program says that it is idle, or ends. */
static enum play_event await(struct play *play) {
  enum play_event event = PLAY_IDLE;
  char piece[64];
  for (;;) {
    size_t length = read_replies(play, piece, sizeof piece, &event);
    if (length == 0) return event;
    if (piece[length - 1] == '\n') return PLAY_IDLE; /* it says one line, and waits */
  }
}

static char *base_name(const struct play *play) {
  const char *slash = strrchr(play->program, '/');
  return arena_printf(play->arena, "%s", slash != NULL ? slash + 1 : play->program);
}

/* The command line; see flow/test.h. */
static void add_words(const struct play *play, struct play_words *words, const char *way,
                      uint64_t kill_at, const char *const *more) {
  struct arena *arena = play->arena;
  vec_push(arena, words, base_name(play));
  vec_push(arena, words, arena_printf(arena, "%s", way));
  vec_push(arena, words, arena_printf(arena, "%" PRId64, play->clock_us));
  vec_push(arena, words, arena_printf(arena, "%" PRIu64, kill_at));
  for (; more != NULL && *more != NULL; more++)
    vec_push(arena, words, arena_strndup(arena, *more, strlen(*more)));
  for (char *const *word = play->words; word != NULL && *word != NULL; word++)
    vec_push(arena, words, *word);
  vec_push(arena, words, NULL);
}

enum play_event play_start(struct play *play, const char *const *more, uint64_t kill_at) {
  struct text told;
  text_init(&told, play->arena);
  play_read_messages(play, &told);
  play->told += told.length;
  struct play_words words = {0};
  add_words(play, &words, "run", kill_at, more);
  return spawn(play, words.data) ? await(play) : PLAY_LOST;
}

static enum play_event say(struct play *play, const char *line) {
  size_t length = strlen(line);
  ssize_t written = write(play->commands, line, length);
  (void)written; /* a program that is gone is noticed by its end */
  return await(play);
}

enum play_event play_go(struct play *play, uint64_t kill_at) {
  return say(play, arena_printf(play->arena, "go %" PRIu64 "\n", kill_at));
}

enum play_event play_advance(struct play *play, int64_t by_us, uint64_t kill_at) {
  play->clock_us += by_us;
  return say(play, arena_printf(play->arena, "advance %" PRIu64 " %" PRId64 "\n", kill_at, by_us));
}

bool play_describe(struct play *play, struct text *out) {
  struct play_words words = {0};
  add_words(play, &words, "describe", 0, NULL);
  if (!spawn(play, words.data)) return false;
  enum play_event event = PLAY_IDLE;
  char piece[16384];
  size_t length;
  while ((length = read_replies(play, piece, sizeof piece, &event)) > 0)
    text_addn(out, piece, length);
  return event == PLAY_ENDED && play->exit_code == 0;
}
