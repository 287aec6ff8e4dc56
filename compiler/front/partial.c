#include "front/partial.h"

#include "base/map.h"
#include "front/check.h"
#include "front/import.h"
#include "front/parse.tab.h"
#include "front/token.h"

struct partial {
  struct compiler *compiler;
  const struct token_list *tokens;
  struct span_list broken; /* the statements that are taken out */
  struct map names;        /* in them, for a report of a name that is not known */
  struct map streams;      /* those that they give or read */
};

/* -- statements ------------------------------------------------------------------------------ */

/* Where the statement ends that begins at this token: at a newline outside of all brackets. */
static size_t statement_end(const struct token_list *tokens, size_t at) {
  uint32_t depth = 0;
  for (; at < tokens->count && tokens->data[at].kind != TOKEN_END; at++) {
    const struct token *token = &tokens->data[at];
    if (token->kind == '{' || token->kind == '(' || token->kind == '[') depth++;
    bool closes = token->kind == '}' || token->kind == ')' || token->kind == ']';
    if (closes && depth > 0) depth--;
    if (token->kind == TOKEN_NL && depth == 0 && !token->is_indented) break;
  }
  return at;
}

/* Whether the token behind this one names a stream or sink, if it is a name. */
static bool leads_to_name(int kind) {
  static const int kinds[] = {TOKEN_STREAM, TOKEN_SOURCE, TOKEN_SINK, TOKEN_INTO,      TOKEN_MERGE,
                              TOKEN_JOIN,   TOKEN_LOOKUP, ',',        TOKEN_FAT_ARROW};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (kind == kinds[i]) return true;
  return false;
}

/* Notes the statement from token `at` to `end`. False: others could hardly be checked without it. */
static bool take_out(struct partial *p, size_t at, size_t end) {
  const struct token *tokens = p->tokens->data;
  static const int kinds[] = {TOKEN_NAME, TOKEN_STREAM, TOKEN_SOURCE, TOKEN_SINK, TOKEN_TEST};
  bool is_known = false;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) is_known |= tokens[at].kind == kinds[i];
  if (!is_known) return false;
  for (size_t i = at; i < end; i++) {
    if (tokens[i].kind != TOKEN_NAME) continue;
    map_put(&p->names, tokens[i].name, (void *)&tokens[i]);
    if (i == at || leads_to_name(tokens[i - 1].kind))
      map_put(&p->streams, tokens[i].name, (void *)&tokens[i]);
  }
  struct span span = span_join(tokens[at].span, tokens[end - 1].span);
  vec_push(&p->compiler->arena, &p->broken, span);
  return true;
}

static bool has_error_in(const struct diags *diags, uint32_t from, uint32_t to) {
  vec_each(struct diag *, diag, &diags->list)
    if ((*diag)->is_error && (*diag)->span.offset >= from && (*diag)->span.offset < to) return true;
  return false;
}

/* False: what is left is not worth a look, or not to be trusted. */
static bool find_broken(struct partial *p) {
  const struct token_list *tokens = p->tokens;
  const struct diags *diags = &p->compiler->diags;
  vec_each(struct diag *, diag, &diags->list)
    if ((*diag)->code == E0109 || (*diag)->code == E0111) return false;
  if (p->compiler->tokens->broken.count > 0) return false;
  size_t at = 0;
  while (at < tokens->count && tokens->data[at].kind != TOKEN_END) {
    size_t end = statement_end(tokens, at);
    bool is_last = end >= tokens->count || tokens->data[end].kind == TOKEN_END;
    uint32_t from = tokens->data[at].span.offset;
    uint32_t to = is_last ? UINT32_MAX : tokens->data[end].span.offset + 1;
    bool is_broken = end > at && has_error_in(diags, from, to);
    if (is_broken && !take_out(p, at, end)) return false;
    at = end + 1;
  }
  return p->broken.count > 0;
}

/* -- what is left ------------------------------------------------------------------------------ */

static bool overlaps(struct span a, struct span b) {
  return a.offset < b.offset + b.length && b.offset < a.offset + a.length;
}

static void drop_broken(struct partial *p) {
  struct decl_list *decls = &p->compiler->program->decls;
  size_t kept = 0;
  for (size_t i = 0; i < decls->count; i++) {
    bool is_broken = decls->data[i]->kind == DECL_ERROR;
    vec_each(struct span, span, &p->broken) is_broken = is_broken || overlaps(decls->data[i]->span, *span);
    if (!is_broken) decls->data[kept++] = decls->data[i];
  }
  decls->count = kept;
}

/* Whether the report may be one only because a statement is missing. */
static bool may_follow(const struct partial *p, const struct diag *diag) {
  vec_each(const struct token, token, p->tokens) {
    if (token->kind != TOKEN_NAME || !overlaps(token->span, diag->span)) continue;
    bool is_all = token->span.length == diag->span.length;
    if (map_get(is_all ? &p->names : &p->streams, token->name)) return true;
  }
  return false;
}

void check_partial(struct compiler *compiler) {
  struct partial p = {.compiler = compiler, .tokens = &compiler->tokens->list};
  map_init(&p.names, &compiler->arena);
  map_init(&p.streams, &compiler->arena);
  if (!find_broken(&p)) return;
  drop_broken(&p);
  struct diags of_parse = compiler->diags;
  diags_init(&compiler->diags, &compiler->arena, &compiler->sources);
  if (pass_import(compiler)) {
    pass_resolve(compiler);
    pass_check(compiler);
  }
  struct diags more = compiler->diags;
  compiler->diags = of_parse;
  vec_each(struct diag *, diag, &more.list) {
    if (!(*diag)->is_error || may_follow(&p, *diag)) continue;
    (*diag)->diags = &compiler->diags;
    vec_push(&compiler->arena, &compiler->diags.list, *diag);
    compiler->diags.error_count++;
  }
}
