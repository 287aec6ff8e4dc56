#include "tools/manual.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A heading and the text below it, up to the next heading. */
struct section {
  const char *title, *text;
  size_t title_length, text_length;
  int level;
};

static size_t line_length(const char *line) {
  return strcspn(line, "\n");
}

static const char *next_line(const char *line) {
  line += line_length(line);
  return *line == '\n' ? line + 1 : line;
}

static bool is_fence(const char *line) {
  return strncmp(line, "```", 3) == 0;
}

/* How many `#` begin the line and are followed by a blank. */
static int heading_level(const char *line) {
  int level = (int)strspn(line, "#");
  return line[level] == ' ' ? level : 0;
}

/* Reads the section that begins behind *at; false: there is none. Headings inside of programs are
 * their comments. */
static bool next_section(const char **at, struct section *section) {
  const char *line = *at;
  bool is_program = false;
  *section = (struct section){0};
  for (; *line != '\0'; line = next_line(line)) {
    if (is_fence(line)) is_program = !is_program;
    int level = is_program ? 0 : heading_level(line);
    if (level == 0) continue;
    if (section->title) break;
    *section = (struct section){.title = line + level + 1,
                                .title_length = line_length(line) - (size_t)level - 1,
                                .text = next_line(line),
                                .level = level};
  }
  if (!section->title) return false;
  section->text_length = (size_t)(line - section->text);
  *at = line;
  return true;
}

/* Whether the heading has the word, or its plural. */
static bool has_word(const struct section *section, const char *word, size_t length) {
  for (size_t i = 0; i < section->title_length;) {
    size_t end = i;
    while (end < section->title_length && (isalnum((unsigned char)section->title[end]) ||
                                           section->title[end] == '_'))
      end++;
    size_t found = end - i;
    bool is_plural = found == length + 1 && section->title[end - 1] == 's';
    if ((found == length || is_plural) && strncasecmp(section->title + i, word, length) == 0)
      return length > 0;
    i = end + 1;
  }
  return false;
}

static bool has_words(const struct section *section, const char *words) {
  bool has_one = false;
  for (const char *word = words + strspn(words, " "); *word != '\0';) {
    size_t length = strcspn(word, " ");
    if (!has_word(section, word, length)) return false;
    has_one = true;
    word += length;
    word += strspn(word, " ");
  }
  return has_one;
}

/* Programs are indented; what the tests know of them is left out. */
static void print_section(const struct section *section) {
  printf("%.*s\n", (int)section->title_length, section->title);
  bool is_program = false, is_case = false, was_blank = false;
  const char *end = section->text + section->text_length;
  for (const char *line = section->text; line < end; line = next_line(line)) {
    int length = (int)line_length(line);
    if (is_fence(line)) {
      is_case = !is_program && strncmp(line, "```case", 7) == 0;
      is_program = !is_program;
      continue;
    }
    if (is_program && is_case) continue;
    const char *indent = is_program && length > 0 ? "    " : "";
    if (length > 0 || !was_blank) printf("%s%.*s\n", indent, length, line);
    was_blank = length == 0;
  }
}

bool manual_print(const char *words) {
  const char *at = manual_files[0].text;
  struct section section;
  bool is_found = false;
  while (next_section(&at, &section)) {
    if (section.level == 1 || !has_words(&section, words)) continue;
    if (is_found) printf("----\n\n");
    print_section(&section);
    is_found = true;
  }
  return is_found;
}

void manual_list(void) {
  const char *at = manual_files[0].text;
  struct section section;
  while (next_section(&at, &section))
    if (section.level > 1)
      printf("%*s%.*s\n", 2 * (section.level - 1), "", (int)section.title_length, section.title);
}

/* Whether the section has the word in backquotes, perhaps with more behind it. */
static bool mentions(const struct section *section, const char *word) {
  size_t length = strlen(word);
  for (size_t i = 0; i + length + 1 < section->text_length; i++) {
    const char *at = section->text + i;
    char next = at[1 + length];
    bool is_whole = !isalnum((unsigned char)next) && next != '_';
    if (*at == '`' && strncmp(at + 1, word, length) == 0 && is_whole) return length > 0;
  }
  return false;
}

bool manual_print_mentions(const char *word) {
  const char *at = manual_files[0].text;
  struct section section;
  bool is_found = false;
  while (next_section(&at, &section)) {
    if (section.level == 1 || !mentions(&section, word)) continue;
    if (!is_found)
      printf("`%s` stands in these parts of the reference; flowcc help NAME shows one:\n", word);
    printf("  %.*s\n", (int)section.title_length, section.title);
    is_found = true;
  }
  return is_found;
}
