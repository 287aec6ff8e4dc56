#include "tools/help.h"

#include <stdio.h>
#include <string.h>

#include "base/edit.h"
#include "base/text.h"
#include "base/utf8.h"
#include "tools/manual.h"
#include "tools/tools.h"
#include "tools/topics.h"

/* -- the page -------------------------------------------------------------------------------- */

static void print_page(const struct subcommand *table) {
  printf("flowcc compiles a flow, which reads streams of records and keeps state, to one program\n"
         "that can be killed at any moment and goes on where it was.\n"
         "\n"
         "To begin:\n"
         "  flowcc init count                   writes a flow and its input into the directory count\n"
         "  cd count && flowcc run count.flow   compiles it and runs it\n"
         "  flowcc run count.flow -d db         the same; db keeps its state for the next run\n"
         "  flowcc count.flow && ./count -d db  makes a program, which needs no flowcc\n"
         "\n"
         "Commands:\n");
  for (const struct subcommand *row = table; row->summary; row++) {
    char text[64];
    snprintf(text, sizeof text, "flowcc %s%s%s", row->name ? row->name : "", row->name ? " " : "",
             row->words);
    printf("  %-34s  %s\n", text, row->summary);
  }
  printf("Behind each of them, --help says more.\n"
         "\n"
         "The language:\n"
         "  flowcc help list                    every stage, function, connector and format\n"
         "  flowcc help state                   one of them, with an example; also: help op split,\n"
         "                                      help fn split, where a name is two things\n"
         "  flowcc help language                the parts of the reference; flowcc help enums is one\n"
         "  flowcc explain E0301                a message at length\n"
         "\n"
         "Options of flowcc FILE:\n");
  command_print_options(stdout, table->options);
  printf("\nExit codes: 0 done, 1 errors in the flow, 64 usage, 66 no such file, 70 the C compiler or\n"
         "flowcc failed, 74 an output cannot be written\n");
}

/* -- topics ---------------------------------------------------------------------------------- */

static void print_topic(const struct topic *topic) {
  printf("%s\n\n%s\n", topic->syntax, topic->summary);
  if (topic->can_fail) printf("It can fail: write  … ?? default, or an `else` at the stage.\n");
  if (topic->can_fault) printf("It can fault: an `else` at the stage keeps the run going.\n");
  if (topic->example) printf("\n%s", topic->example);
}

/* The text in a column of that width; one that is wider gets a line of its own. */
static void print_column(const char *text, size_t width) {
  size_t shown = utf8_columns(text, strlen(text));
  printf("  %s%*s", text, shown > width ? 0 : (int)(width - shown), "");
  if (shown > width) printf("\n  %*s", (int)width, "");
}

static void print_list(const struct topic_list *topics) {
  for (int kind = 0; kind < TOPIC_KINDS; kind++) {
    printf("%s%s:\n", kind > 0 ? "\n" : "", topic_kind_heading((enum topic_kind)kind));
    vec_each(struct topic, topic, topics)
      if ((int)topic->kind == kind) {
        print_column(topic->syntax, 34);
        printf("  %s\n", topic->summary);
      }
  }
}

static void add_member(struct text *out, const char *name, const char *value) {
  if (!value) return;
  text_addf(out, "%s\"%s\": ", out->length > 1 ? ", " : "", name);
  text_add_quoted_json(out, value, strlen(value));
}

/* A JSON object per line. */
static void print_json(struct arena *arena, const struct topic_list *topics) {
  struct text out;
  text_init(&out, arena);
  vec_each(struct topic, topic, topics) {
    text_clear(&out);
    text_addc(&out, '{');
    add_member(&out, "kind", topic_kind_name(topic->kind));
    add_member(&out, "name", topic->name);
    add_member(&out, "syntax", topic->syntax);
    add_member(&out, "summary", topic->summary);
    add_member(&out, "example", topic->example);
    text_addf(&out, ", \"can_fail\": %s, \"can_fault\": %s}\n", topic->can_fail ? "true" : "false",
              topic->can_fault ? "true" : "false");
    fwrite(out.data, 1, out.length, stdout);
  }
}

/* `key` finds `key by`. */
static bool has_name(const struct topic *topic, const char *name) {
  size_t length = strcspn(topic->name, " ");
  return strcmp(topic->name, name) == 0 ||
         (strlen(name) == length && strncmp(topic->name, name, length) == 0);
}

static int report_no_topic(struct arena *arena, const struct topic_list *topics, int kind,
                           const char *name) {
  const char **names = arena_alloc(arena, (topics->count + 1) * sizeof *names);
  for (size_t i = 0; i < topics->count; i++)
    names[i] = kind < 0 || (int)topics->data[i].kind == kind ? topics->data[i].name : NULL;
  const char *closest = closest_name(name, names, topics->count);
  const char *what = kind < 0 ? "help on" : topic_kind_noun((enum topic_kind)kind);
  if (closest)
    return command_usage_error("help", "there is no %s `%s`; did you mean `%s`?", what, name,
                               closest);
  return command_usage_error("help", "there is no %s `%s`; flowcc help list has what there is", what,
                             name);
}

/* Prints what the language has of that name: topics of the kind (-1: any), else parts of the
 * reference. False: nothing. */
static bool print_named(const struct topic_list *topics, int kind, const char *name) {
  int count = 0;
  vec_each(struct topic, topic, topics) {
    if ((kind >= 0 && (int)topic->kind != kind) || !has_name(topic, name)) continue;
    if (count++ > 0) printf("\n----\n\n");
    print_topic(topic);
  }
  if (count > 0 || kind >= 0) return count > 0;
  return manual_print(name) || manual_print_mentions(name);
}

static int show_named(struct arena *arena, int kind, const char *name) {
  struct topic_list topics = topics_all(arena);
  return print_named(&topics, kind, name) ? EXIT_OK : report_no_topic(arena, &topics, kind, name);
}

static int find_kind(const char *name) {
  for (int kind = 0; kind < TOPIC_KINDS; kind++)
    if (strcmp(topic_kind_name((enum topic_kind)kind), name) == 0) return kind;
  return -1;
}

static const char *join_words(struct arena *arena, int argc, char **argv) {
  struct text text;
  text_init(&text, arena);
  for (int i = 0; i < argc; i++) text_addf(&text, "%s%s", i > 0 ? " " : "", argv[i]);
  return text.data;
}

/* -- the command line ------------------------------------------------------------------------ */

static int show_list(struct arena *arena, int argc, char **argv) {
  struct topic_list topics = topics_all(arena);
  if (argc == 1) {
    print_list(&topics);
    return EXIT_OK;
  }
  if (argc > 2 || strcmp(argv[1], "--json") != 0)
    return command_usage_error("help", "write `flowcc help list` or `flowcc help list --json`");
  print_json(arena, &topics);
  return EXIT_OK;
}

/* A word such as `state` or `test` is one of the language as well. */
static int show_command(struct arena *arena, const struct subcommand *subcommand) {
  struct topic_list topics = topics_all(arena);
  if (print_named(&topics, -1, subcommand->name)) printf("\n----\n\n");
  if (subcommand->main) {
    char *words[] = {"--help", NULL};
    return subcommand->main(1, words);
  }
  command_print_usage(subcommand, stdout);
  return EXIT_OK;
}

static int show(const struct subcommand *table, struct arena *arena, int argc, char **argv) {
  if (argc == 0 || strcmp(argv[0], "--help") == 0) {
    print_page(table);
    return EXIT_OK;
  }
  if (strcmp(argv[0], "list") == 0) return show_list(arena, argc, argv);
  int kind = find_kind(argv[0]);
  if (kind >= 0 && argc > 1) return show_named(arena, kind, join_words(arena, argc - 1, argv + 1));
  if (argc > 1) return show_named(arena, -1, join_words(arena, argc, argv));
  if (strcmp(argv[0], "language") == 0) {
    printf("The language reference; flowcc help NAME shows a part of it:\n");
    manual_list();
    return EXIT_OK;
  }
  if (diag_code_from_name(argv[0]) != DIAG_CODE_COUNT) return explain_main(argc, argv);
  const struct subcommand *subcommand = command_find(table, argv[0]);
  return subcommand ? show_command(arena, subcommand) : show_named(arena, -1, argv[0]);
}

int help_main(const struct subcommand *table, int argc, char **argv) {
  struct arena arena;
  arena_init(&arena);
  int code = show(table, &arena, argc, argv);
  arena_free(&arena);
  return command_finish(code);
}

/* -- explain --------------------------------------------------------------------------------- */

static int report_no_code(const char *name) {
  const char *names[DIAG_CODE_COUNT];
  for (int i = 0; i < DIAG_CODE_COUNT; i++) names[i] = diag_info((enum diag_code)i)->name;
  const char *closest = closest_name(name, names, DIAG_CODE_COUNT);
  if (closest)
    return command_usage_error("explain", "there is no message `%s`; the nearest is `%s`", name,
                               closest);
  return command_usage_error("explain", "there is no message `%s`; codes look like E0301", name);
}

int explain_main(int argc, char **argv) {
  if (argc == 1 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
    printf("Usage: flowcc explain CODE\n\nSays what a message means at length, with an example and "
           "the way out.\nThe code stands in its first line: error[E0301]\n");
    return command_finish(EXIT_OK);
  }
  if (argc != 1) return command_usage_error("explain", "which message? `flowcc explain E0301`");
  enum diag_code code = diag_code_from_name(argv[0]);
  if (code == DIAG_CODE_COUNT) return report_no_code(argv[0]);
  const struct diag_info *info = diag_info(code);
  printf("%s: %s\n\n%s", info->name, info->title, info->explanation);
  return command_finish(EXIT_OK);
}
