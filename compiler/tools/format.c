#include "tools/format.h"

#include "base/limits.h"
#include "base/utf8.h"
#include "front/parse.tab.h"
#include "front/parse.h"
#include "tools/pieces.h"

#include <string.h>

/* Columns of one level, and of `|> `. */
#define STEP 2
#define PIPE_WIDTH 3
/* A name or pattern that is wider stands outside of its group: it would push the others away. */
#define CELL_WIDTH 32

/* What the next `{` on a level opens. */
enum block_kind {
  BLOCK_PLAIN,
  BLOCK_FIELDS, /* of a record: types stand below each other */
  BLOCK_ARMS,   /* of a match or split: arrows do */
};

struct level {
  int bracket;          /* '(', '[', '{'; 0 for the file */
  uint32_t base;        /* column of the line that opened it, behind its `|>` */
  enum block_kind kind, next;
  uint32_t group;       /* of cells that stand below each other */
  size_t last_cell;     /* the number of its last line with one, from 1 */
};

struct line {
  struct text code;
  uint32_t indent;
  bool has_blank;       /* a blank line stands before it */
  const struct piece *comment; /* at its end, or its only content */
  size_t cell;          /* where blanks go in to align; 0: nowhere */
  uint32_t group;
};
VEC_OF(line_list, struct line);

struct format {
  struct arena *arena;
  const struct piece *last; /* the token before, or null */
  bool has_operand;         /* behind it an operator or a clause may follow */
  bool is_clause;           /* it is a word such as `where`, not a name that can be called */
  bool is_sign;             /* it is a `-` without a left operand */
  struct level levels[LIMIT_NESTING + 1];
  size_t depth;
  uint32_t stage;           /* column behind the `|>` that begins a line of this statement, or 0 */
  uint32_t groups;
  struct line_list lines;
  uint32_t line_base;       /* column that brackets of this line are measured from */
  size_t line_depth;        /* depth at the start of this line */
  size_t line_tokens;       /* so far */
};

static struct level *innermost(struct format *f) {
  return &f->levels[f->depth];
}

static bool is_opener(int kind) {
  return kind == '(' || kind == '[' || kind == '{';
}

static bool is_closer(int kind) {
  return kind == ')' || kind == ']' || kind == '}';
}

static bool is_comment(const struct piece *piece) {
  return piece->kind == TOKEN_DOC;
}

static bool is_literal(int kind) {
  return (kind >= TOKEN_INT && kind <= TOKEN_NONE) || kind == TOKEN_FSTRING_BEGIN;
}

static size_t width_of(const struct text *text) {
  return utf8_columns(text->data, text->length);
}

/* -- indentation ------------------------------------------------------------------------------- */

/* The column of a token that begins a line of the file, outside of brackets. */
static uint32_t file_column(const struct format *f, const struct piece *piece) {
  if (piece->starts || !f->last) return 0;
  if (piece->kind == TOKEN_PIPE) return STEP;
  if (piece->kind == '{' && f->has_operand) return f->stage;
  return f->stage ? f->stage : STEP;
}

/* The column of a token that begins a line. */
static uint32_t column_of(struct format *f, const struct piece *piece) {
  const struct level *level = innermost(f);
  if (f->depth == 0) return file_column(f, piece);
  if (is_closer(piece->kind)) return level->base;
  int last = f->last->kind;
  uint32_t column = level->base + STEP;
  bool is_first = is_opener(last) || last == ',' || last == ';' || piece->starts;
  if (is_first) return column;
  bool goes_on_level = (piece->kind == TOKEN_ELSE && last == '}') ||
                       (piece->kind == '{' && f->has_operand);
  return goes_on_level && level->bracket == '{' ? column : column + STEP;
}

/* The column of a comment on a line of its own: that of the token below it. */
static uint32_t comment_column(struct format *f, const struct piece *piece) {
  const struct piece *next = piece + 1;
  while (is_comment(next)) next++;
  if (f->depth > 0 && is_closer(next->kind)) return innermost(f)->base + STEP;
  uint32_t column = column_of(f, next);
  /* An indented comment behind the last line of a statement belongs to that statement. */
  bool is_inside = f->depth == 0 && f->last && piece->column > 0 && piece->breaks == 1;
  return column == 0 && is_inside ? STEP : column;
}

/* -- lines ------------------------------------------------------------------------------------- */

static struct line *start_line(struct format *f, const struct piece *piece, uint32_t column) {
  bool is_open = f->last && is_opener(f->last->kind) && f->last == piece - 1;
  struct line line = {.indent = column};
  line.has_blank = piece->breaks > 1 && f->lines.count > 0 && !is_open && !is_closer(piece->kind);
  text_init(&line.code, f->arena);
  if (line.has_blank) innermost(f)->group = ++f->groups;
  vec_push(f->arena, &f->lines, line);
  f->line_depth = f->depth;
  f->line_tokens = 0;
  f->line_base = column;
  return &vec_last(&f->lines);
}

/* Whether a blank stands between the token before and this one, on the same line. */
static bool has_space(const struct format *f, int kind) {
  int last = f->last->kind;
  if (is_closer(kind) && kind != '}') return false;
  if (last == '(' || last == '[' || last == '.' || last == TOKEN_QUESTION_DOT) return false;
  if (last == TOKEN_DOT_DOT || f->is_sign) return false;
  switch (kind) {
  case ',':
  case ';':
  case ':':
  case '.':
  case '?':
  case TOKEN_QUESTION_DOT: return false;
  case TOKEN_DOT_DOT: return last == ',' || last == '{';
  case '}': return last != '{';
  case '(':
  case '[': {
    bool is_called = (last == TOKEN_NAME && !f->is_clause) || last == TOKEN_FN; /* fn(int) -> bool */
    return !is_called && last != ')' && last != ']' && last != '?';
  }
  default: return true;
  }
}

/* Marks the place of this line that stands below those of its neighbours: before an arrow, behind
 * the colon of a field. */
static void mark_cell(struct format *f, struct line *line, int kind) {
  struct level *level = innermost(f);
  if (line->cell != 0 || f->line_depth != f->depth || level->bracket != '{') return;
  bool is_arrow = level->kind == BLOCK_ARMS && kind == TOKEN_FAT_ARROW && f->line_tokens > 0;
  bool is_type = level->kind == BLOCK_FIELDS && f->line_tokens == 2 && f->last->kind == ':';
  if (!is_arrow && !is_type) return;
  if (width_of(&line->code) > CELL_WIDTH) return;
  bool is_neighbour = level->last_cell + 1 == f->lines.count;
  if (level->last_cell > 0 && !is_neighbour) level->group = ++f->groups;
  level->last_cell = f->lines.count;
  line->cell = line->code.length;
  line->group = level->group;
}

/* Lines with several fields are for saving room. */
static void unmark_cell(struct format *f, struct line *line) {
  bool is_next = f->last->kind == ',' && f->line_tokens > 0 && f->line_depth == f->depth;
  if (is_next && innermost(f)->kind == BLOCK_FIELDS) line->cell = 0;
}

/* What a `{` further on opens. */
static void note_block(struct format *f, const struct piece *piece) {
  struct level *level = innermost(f);
  if (piece->starts) level->next = BLOCK_PLAIN;
  if (piece->kind == TOKEN_RECORD) level->next = BLOCK_FIELDS;
  if (piece->kind == TOKEN_MATCH || piece->kind == TOKEN_SPLIT) level->next = BLOCK_ARMS;
}

static void open_level(struct format *f, int kind) {
  struct level *outer = innermost(f);
  enum block_kind block = kind == '{' ? outer->next : BLOCK_PLAIN;
  if (kind == '{') outer->next = BLOCK_PLAIN;
  f->depth++;
  *innermost(f) = (struct level){
      .bracket = kind, .base = f->line_base, .kind = block, .group = ++f->groups};
}

/* Notes what the token means for those behind it. */
static void step_over(struct format *f, const struct piece *piece) {
  int kind = piece->kind;
  f->is_sign = kind == '-' && !f->has_operand;
  bool is_window = f->last && f->last->kind == TOKEN_WINDOW; /* `tumbling`, in front of its size */
  f->is_clause = kind == TOKEN_NAME && (f->has_operand || is_window);
  f->has_operand = (kind == TOKEN_NAME && !f->is_clause) || is_literal(kind) || is_closer(kind) ||
                   kind == '?';
  f->last = piece;
  f->line_tokens++;
  if (is_opener(kind)) open_level(f, kind);
}

static void add_token(struct format *f, const struct piece *piece) {
  if (piece->starts) f->has_operand = false;
  if (piece->starts && f->depth == 0) f->stage = 0;
  bool is_first = piece->breaks > 0 || f->lines.count == 0;
  if (is_first) {
    uint32_t column = column_of(f, piece);
    start_line(f, piece, column);
    if (piece->kind == TOKEN_PIPE) f->line_base = column + PIPE_WIDTH;
    if (piece->kind == TOKEN_PIPE && f->depth == 0) f->stage = f->line_base;
  }
  struct line *line = &vec_last(&f->lines);
  note_block(f, piece);
  if (is_closer(piece->kind)) {
    f->depth--;
    if (is_first) f->line_depth = f->depth;
  }
  if (piece->kind == TOKEN_FAT_ARROW) mark_cell(f, line, piece->kind);
  if (!is_first && has_space(f, piece->kind)) text_addc(&line->code, ' ');
  if (piece->kind != TOKEN_FAT_ARROW) mark_cell(f, line, piece->kind);
  if (!is_first) unmark_cell(f, line);
  text_addn(&line->code, piece->text, piece->length);
  step_over(f, piece);
}

static void add_comment(struct format *f, const struct piece *piece) {
  struct level *level = innermost(f);
  if (piece->breaks > 0 || f->lines.count == 0) {
    start_line(f, piece, comment_column(f, piece));
    /* What a comment stands between are neighbours all the same. */
    if (level->last_cell + 1 == f->lines.count && level->last_cell > 0) level->last_cell++;
  }
  vec_last(&f->lines).comment = piece;
}

/* -- alignment --------------------------------------------------------------------------------- */

static size_t cell_width(const struct line *line) {
  return utf8_columns(line->code.data, line->cell);
}

static void insert_blanks(struct line *line, struct arena *arena, size_t count) {
  struct text padded;
  text_init(&padded, arena);
  text_addn(&padded, line->code.data, line->cell);
  text_pad(&padded, ' ', count);
  text_addn(&padded, line->code.data + line->cell, line->code.length - line->cell);
  line->code = padded;
}

/* Cells of one group may have lines of deeper brackets between them. */
static void align_cells(struct format *f) {
  size_t *widths = arena_zalloc(f->arena, (f->groups + 1) * sizeof *widths);
  vec_each(struct line, line, &f->lines) {
    if (line->cell != 0 && cell_width(line) > widths[line->group])
      widths[line->group] = cell_width(line);
  }
  vec_each(struct line, line, &f->lines) {
    if (line->cell != 0) insert_blanks(line, f->arena, widths[line->group] - cell_width(line));
  }
}

static bool has_comment_behind(const struct line *line) {
  return line->comment && line->code.length > 0;
}

/* Comments at the end of neighbouring lines of one indentation begin in the same column. */
static void align_comments(struct format *f) {
  struct line_list *lines = &f->lines;
  for (size_t first = 0; first < lines->count;) {
    size_t end = first;
    size_t widest = 0;
    for (; end < lines->count; end++) {
      const struct line *line = &lines->data[end];
      if (!has_comment_behind(line) || line->indent != lines->data[first].indent) break;
      if (end > first && line->has_blank) break;
      size_t width = width_of(&line->code);
      if (width > widest) widest = width;
    }
    for (size_t i = first; i < end; i++) {
      struct text *code = &lines->data[i].code;
      text_pad(code, ' ', widest + 2 - width_of(code));
    }
    first = end > first ? end : first + 1;
  }
}

static void write_lines(const struct format *f, struct text *out) {
  vec_each(struct line, line, &f->lines) {
    if (line->has_blank) text_addc(out, '\n');
    text_pad(out, ' ', line->indent);
    text_addn(out, line->code.data, line->code.length);
    if (line->comment) text_addn(out, line->comment->text, line->comment->length);
    text_addc(out, '\n');
  }
}

/* -- the whole --------------------------------------------------------------------------------- */

/* Reads the result as a source of its own, in an arena of its own. */
static bool is_equal(const struct piece_list *pieces, const struct compiler *compiler,
                     const struct text *out) {
  struct compiler other;
  compiler_begin(&other, &compiler->options, compiler->source->path);
  other.source = sources_add_text(&other.sources, compiler->source->path, out->data, out->length);
  bool is_good = other.source && pass_tokens(&other) && !diags_has_errors(&other.diags);
  if (is_good) {
    struct piece_list result = pieces_of(&other);
    is_good = pieces_are_equal(pieces, &result);
  }
  arena_free(&other.arena);
  return is_good;
}

bool format_source(struct compiler *compiler, struct text *out) {
  struct piece_list pieces = pieces_of(compiler);
  struct format *f = arena_new(&compiler->arena, struct format);
  f->arena = &compiler->arena;
  vec_each(struct piece, piece, &pieces) {
    if (piece->kind == TOKEN_END) break;
    if (is_comment(piece)) {
      add_comment(f, piece);
    } else {
      add_token(f, piece);
    }
  }
  align_cells(f);
  align_comments(f);
  struct text result;
  text_init(&result, &compiler->arena);
  write_lines(f, &result);
  if (!is_equal(&pieces, compiler, &result)) return false;
  text_addn(out, result.data, result.length);
  return true;
}
