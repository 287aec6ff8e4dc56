/* The layout filter: which newlines count, which names are keywords, which brackets are missing. */
#include "front_fixture.h"

/* The filtered tokens as text: words and literals as written, "/" for a newline, keywords with a
 * colon in front so that they differ from names. */
static const char *filtered(struct compiler *c, const char *text) {
  restart(c);
  struct token_list raw = scan(c, text, strlen(text));
  c->tokens = layout_filter(c, &raw);
  assert_non_null(c->tokens);
  struct text out;
  text_init(&out, &c->arena);
  vec_each(struct token, token, &c->tokens->list) {
    if (token->kind == TOKEN_END) break;
    if (out.length) text_addc(&out, ' ');
    if (token->kind == TOKEN_NL) {
      text_addc(&out, '/');
    } else if (token->kind == TOKEN_NAME) {
      text_add(&out, token->name);
    } else if (token_is_word(token)) {
      text_addf(&out, ":%s", token_kind_name(token->kind));
    } else if (token->span.length == 0) {
      text_addf(&out, "<%s>", token_kind_name(token->kind));
    } else {
      text_addn(&out, sources_text(&c->sources, token->span), token->span.length);
    }
  }
  return out.data;
}

/* The same for a text without errors. */
static const char *clean(struct compiler *c, const char *text) {
  const char *result = filtered(c, text);
  assert_string_equal(codes(c), "");
  return result;
}

static void newlines_end_statements(void **state) {
  struct compiler *c = *state;
  assert_string_equal(clean(c, ""), "");
  assert_string_equal(clean(c, "\n\n# x\n"), "");
  assert_string_equal(clean(c, "\na\n\n\nb\n"), "a / b");
  assert_string_equal(clean(c, "f(a,\nb)\n[c\n]"), "f ( a , b ) / [ c ]");
  assert_string_equal(clean(c, "{ a\n b\n}"), "{ a / b }");
}

static void operators_continue_a_line(void **state) {
  struct compiler *c = *state;
  assert_string_equal(clean(c, "a +\nb"), "a + b");
  assert_string_equal(clean(c, "a\n+ b\n* c\n?? d\n.e\n?.f"), "a + b * c ?? d . e ?. f");
  assert_string_equal(clean(c, "a\nand b\nor c\nin d\nnot in e\nthen f"),
                      "a :and b :or c :in d :not in e :then f");
  assert_string_equal(clean(c, "a\nnot b"), "a / :not b");
  assert_string_equal(clean(c, "a\n- b"), "a / - b");
  assert_string_equal(clean(c, "a\n(b)\n[c]"), "a / ( b ) / [ c ]");
  assert_string_equal(clean(c, "{ a }\nelse b"), "{ a } :else b");
  assert_string_equal(clean(c, "{ a\nelse => b }"), "{ a / :else => b }");
  assert_string_equal(clean(c, "record R\n{ a: int }"), ":record R { a : int }");
}

static void hooks_and_stages_continue_a_pipeline(void **state) {
  struct compiler *c = *state;
  assert_string_equal(clean(c, "a\n|> state n: int { }\non epoch { }\non end { }\n|> into b"),
                      "a |> :state n : int { } :on epoch { } :on end { } |> :into b");
  assert_string_equal(clean(c, "{ a }\non b"), "{ a } / on b");
}

static void deeper_lines_continue_a_pipeline(void **state) {
  struct compiler *c = *state;
  assert_string_equal(clean(c, "a\n  |> filter x\n     named y\nb"), "a |> :filter x named y / b");
  assert_string_equal(clean(c, "  a |> b\n  c"), "a |> b / c");
  assert_string_equal(clean(c, "a |> b\n  - c"), "a |> b / - c");
  assert_string_equal(clean(c, "const a = b\n  c"), ":const a = b / c");
  assert_string_equal(clean(c, "a |> state n: int {\n  x = 1\n    y = 2\n}"),
                      "a |> :state n : int { x = 1 / y = 2 }");
}

static void keywords_are_contextual(void **state) {
  struct compiler *c = *state;
  assert_string_equal(clean(c, "source source: source = source(map)\nsource |> map map"),
                      ":source source : source = source ( map ) / source |> :map map");
  assert_string_equal(clean(c, "a |> key by by, key"), "a |> :key :by by , key");
  assert_string_equal(clean(c, "`source` `x`\na |> `map`"), "source x / a |> map");
  assert_string_equal(
      clean(c, "test \"x\" {\n feed feed = 1; expect expect\n restart\n}\nfeed |> b"),
      ":test \"x\" { :feed feed = 1 ; :expect expect / :restart } / feed |> b");
  assert_string_equal(clean(c, "record R { feed: int, source: int\n test: int }"),
                      ":record R { feed : int , source : int / test : int }");
}

static void missing_brackets_are_put_in(void **state) {
  struct compiler *c = *state;
  assert_string_equal(filtered(c, "a = (1"), "a = ( 1 <)>");
  assert_string_equal(codes(c), "E0111");
  assert_string_equal(filtered(c, "{ (a [b }"), "{ ( a [ b <]> <)> }");
  assert_string_equal(codes(c), "E0111"); /* one for the line */
  assert_string_equal(filtered(c, "a ) b ] c }"), "a b c");
  assert_string_equal(codes(c), "E0111");
  assert_string_equal(filtered(c, "f\"{(a}\""), "f\" { ( a <)> } \"");
  assert_string_equal(codes(c), "E0111");
}

static void a_declaration_ends_open_brackets(void **state) {
  struct compiler *c = *state;
  assert_string_equal(filtered(c, "fn f() -> int {\n  a = 1\nsource b: int = c"),
                      ":fn f ( ) -> int { a = 1 <}> / :source b : int = c");
  assert_string_equal(codes(c), "E0111");
  assert_string_equal(filtered(c, "a |> b(1\nc |> d"), "a |> b ( 1 <)> / c |> d");
  assert_string_equal(clean(c, "record R {\nsource: int\nsink: int\n}"),
                      ":record R { source : int / sink : int }");
}

static void the_brace_further_left_is_suspected(void **state) {
  struct compiler *c = *state;
  filtered(c, "fn f() {\n  if a {\n    b()\n}\nsource s: int = x");
  assert_string_equal(codes(c), "E0111");
  const struct diag *diag = c->diags.list.data[0];
  assert_int_equal(sources_line(&c->sources, diag->span.offset), 2);
  assert_int_equal(sources_line(&c->sources, diag->labels.data[0].span.offset), 4);
}

static void foreign_words_are_replaced(void **state) {
  struct compiler *c = *state;
  assert_string_equal(filtered(c, "a |> where b |> groupBy c |> select d"),
                      "a |> :filter b |> :key :by c |> :map d");
  assert_string_equal(codes(c), "E0106 E0106 E0106");
  assert_string_equal(filtered(c, "def f(x):\n    return x\n\na |> b"), "a |> b");
  assert_string_equal(codes(c), "E0106");
  assert_string_equal(filtered(c, "{ if a { }\n elif b { }\n var x = null }"),
                      "{ :if a { } :else :if b { } / :let x = :none }");
  assert_string_equal(codes(c), "E0106 E0106 E0106");
  assert_string_equal(filtered(c, "a;\nb; c"), "a / b / c");
  assert_string_equal(codes(c), "E0106 E0106");
  assert_string_equal(filtered(c, "a |> filter b AND c"), "a |> :filter b :and c");
  assert_string_equal(clean(c, "match a { case c => 1 }\nmap.null\nf(null: 1)"),
                      ":match a { case c => 1 } / map . null / f ( null : 1 )");
}

static void misspelt_keywords_are_replaced(void **state) {
  struct compiler *c = *state;
  assert_string_equal(filtered(c, "sorce a: int = b"), ":source a : int = b");
  assert_string_equal(filtered(c, "a |> fliter b"), "a |> :filter b");
  assert_string_equal(filtered(c, "test \"x\" { fed a = 1 }"), ":test \"x\" { :feed a = 1 }");
  assert_string_equal(codes(c), "E0100");
  assert_string_equal(clean(c, "a |> mapp(x)"), "a |> mapp ( x )"); /* left to the checker */
}

static void clauses_have_several_words(void **state) {
  struct compiler *c = *state;
  assert_string_equal(clean(c, "a |> lookup b on x == y\n  |> into b\nc |> left |> join"),
                      "a |> :lookup b on x == y |> :into b / c |> :left |> :join");
  assert_string_equal(clean(c, "a |> left join full as join on join == in window tumbling 1s unbounded named unbounded"),
                      "a |> :left :join full as join on join == in window tumbling 1s :unbounded named :unbounded");
  assert_string_equal(clean(c, "window |> map time"), "window |> :map time");
  assert_string_equal(clean(c, "a |> window session gap 5s late into x\n  emit on change"),
                      "a |> :window session gap 5s late into x emit on change");
  assert_string_equal(clean(c, "a |> aggregate f(max(x) where x) emit final |> map f(x) where"),
                      "a |> :aggregate f ( max ( x ) :where x ) emit final |> :map f ( x ) where");
  assert_string_equal(clean(c, "a |> state s: int = 0 { f() } on epoch { emit s }"),
                      "a |> :state s : int = 0 { f ( ) } :on epoch { :emit s }");
}

static void comments_are_kept_with_their_place(void **state) {
  struct compiler *c = *state;
  clean(c, "## one\n## two\nrecord R {\n  a: int,  ## three\n}\n");
  const struct doc_list *docs = &c->tokens->docs;
  assert_int_equal(docs->count, 2);
  assert_string_equal(docs->data[0].text, "one\ntwo");
  assert_false(docs->data[0].is_trailing);
  assert_int_equal(docs->data[0].anchor - c->source->start, 14);
  assert_true(docs->data[1].is_trailing);
  assert_int_equal(docs->data[1].anchor - c->source->start, 33); /* behind `int`, not the comma */
}

static void too_many_brackets_are_refused(void **state) {
  struct compiler *c = *state;
  char text[LIMIT_NESTING + 2];
  memset(text, '[', sizeof text);
  struct token_list raw = scan(c, text, LIMIT_NESTING);
  assert_non_null(layout_filter(c, &raw));
  restart(c);
  raw = scan(c, text, LIMIT_NESTING + 1);
  assert_null(layout_filter(c, &raw));
  assert_string_equal(codes(c), "E0109");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(newlines_end_statements),
      TEST(operators_continue_a_line),
      TEST(hooks_and_stages_continue_a_pipeline),
      TEST(deeper_lines_continue_a_pipeline),
      TEST(keywords_are_contextual),
      TEST(missing_brackets_are_put_in),
      TEST(a_declaration_ends_open_brackets),
      TEST(the_brace_further_left_is_suspected),
      TEST(foreign_words_are_replaced),
      TEST(misspelt_keywords_are_replaced),
      TEST(clauses_have_several_words),
      TEST(comments_are_kept_with_their_place),
      TEST(too_many_brackets_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
