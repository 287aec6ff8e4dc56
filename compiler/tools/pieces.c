#include "tools/pieces.h"

#include "front/parse.tab.h"
#include "front/token.h"

#include <string.h>

struct reader {
  struct compiler *compiler;
  struct piece_list list;
  const struct token_list *filtered;
  size_t next;    /* of `filtered` */
  uint32_t at;    /* index in the text behind the last piece */
  uint32_t line;  /* index of the first byte of the current line */
  uint32_t breaks; /* since the last piece */
};

static void add(struct reader *r, struct piece piece, uint32_t index) {
  piece.column = index - r->line;
  piece.breaks = r->breaks;
  r->breaks = 0;
  vec_push(&r->compiler->arena, &r->list, piece);
}

/* The comment that begins at `from`; returns the index of the end of its line. */
static uint32_t add_comment(struct reader *r, uint32_t from, uint32_t end) {
  const char *text = r->compiler->source->text;
  uint32_t stop = from;
  while (stop < end && text[stop] != '\n') stop++;
  uint32_t last = stop;
  while (last > from && strchr(" \t\r", text[last - 1])) last--;
  add(r, (struct piece){.kind = TOKEN_DOC, .text = text + from, .length = last - from}, from);
  return stop;
}

/* Between two tokens there are only blanks and comments. */
static void read_gap(struct reader *r, uint32_t end) {
  const char *text = r->compiler->source->text;
  while (r->at < end) {
    if (text[r->at] == '#') {
      r->at = add_comment(r, r->at, end);
      continue;
    }
    if (text[r->at] == '\n') {
      r->breaks++;
      r->line = r->at + 1;
    }
    r->at++;
  }
}

/* Gives the piece the kind that the layout filter gave its token, and says whether a newline that
 * counts stands before it. */
static void look_up(struct reader *r, struct piece *piece, uint32_t offset) {
  const struct token_list *list = r->filtered;
  for (; r->next < list->count; r->next++) {
    const struct token *token = &list->data[r->next];
    bool is_at = token->span.offset == offset && token->span.length > 0;
    if (token->span.offset > offset || is_at) break; /* behind it: the second word of `emit on change` has no token */
    if (token->kind == TOKEN_NL && token->span.length == 0) piece->starts = true;
  }
  if (r->next < list->count && list->data[r->next].span.offset == offset)
    piece->kind = list->data[r->next].kind;
}

/* The index of the token that ends the f-string which begins at `first`. */
static size_t end_of_fstring(const struct token_list *raw, size_t first) {
  size_t depth = 0, i = first;
  for (;; i++) {
    if (raw->data[i].kind == TOKEN_FSTRING_BEGIN) depth++;
    if (raw->data[i].kind == TOKEN_FSTRING_END && --depth == 0) return i;
  }
}

struct piece_list pieces_of(struct compiler *compiler) {
  const struct source *source = compiler->source;
  struct reader r = {.compiler = compiler, .filtered = &compiler->tokens->list};
  struct token_list raw = lex_source(compiler, source);
  if (strncmp(source->text, "\xEF\xBB\xBF", 3) == 0) r.at = r.line = 3;
  for (size_t i = 0; raw.data[i].kind != TOKEN_END; i++) {
    struct span span = raw.data[i].span;
    uint32_t index = span.offset - source->start;
    if (raw.data[i].kind == TOKEN_DOC) continue; /* a comment of the gap before the next token */
    struct piece piece = {.kind = raw.data[i].kind, .text = source->text + index};
    read_gap(&r, index);
    look_up(&r, &piece, span.offset);
    if (piece.kind == TOKEN_FSTRING_BEGIN) {
      i = end_of_fstring(&raw, i);
      span = span_join(span, raw.data[i].span);
    }
    piece.length = span.length;
    add(&r, piece, index);
    r.at = index + span.length;
  }
  read_gap(&r, source->length);
  add(&r, (struct piece){.kind = TOKEN_END, .text = "", .starts = true}, source->length);
  return r.list;
}

bool pieces_are_equal(const struct piece_list *a, const struct piece_list *b) {
  if (a->count != b->count) return false;
  for (size_t i = 0; i < a->count; i++) {
    const struct piece *x = &a->data[i], *y = &b->data[i];
    if (x->kind != y->kind || x->starts != y->starts || x->length != y->length) return false;
    if (memcmp(x->text, y->text, x->length) != 0) return false;
    /* A comment at the end of a line documents what stands there, one on a line of its own what
     * comes below it. */
    if (x->kind == TOKEN_DOC && i > 0 && (x->breaks == 0) != (y->breaks == 0)) return false;
  }
  return true;
}
