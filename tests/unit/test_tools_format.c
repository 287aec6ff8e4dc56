/* The layout of `flowcc fmt`, rule by rule (tools/format.h), and the comparison that guards it. */
#include "front_fixture.h"
#include "tools/format.h"
#include "tools/pieces.h"

static void load(struct compiler *c, const char *text) {
  restart(c);
  c->source = sources_add_text(&c->sources, "x.flow", text, strlen(text));
  assert_true(pass_tokens(c) && pass_parse(c));
}

static const char *format(struct compiler *c, const char *text) {
  struct text out;
  load(c, text);
  text_init(&out, &c->arena);
  assert_true(format_source(c, &out));
  return out.data;
}

/* The text becomes `expected`, and that stays as it is. */
static void check(struct compiler *c, const char *text, const char *expected) {
  assert_string_equal(format(c, text), expected);
  assert_string_equal(format(c, expected), expected);
}

static void blanks_between_tokens(void **state) {
  struct compiler *c = *state;
  check(c, "const  A:int=- 1+2 *( 3 -x )", "const A: int = -1 + 2 * (3 - x)\n");
  check(c, "const A = xs [ 0 ] . f ( a:1 , b : [ ] ) ?? { }",
        "const A = xs[0].f(a: 1, b: []) ?? {}\n");
  check(c, "const A = m ?. x not  in [ 1,- 2 ]", "const A = m?.x not in [1, -2]\n");
  check(c, "record R{a:int ?,b:list[ map[ int ,{ c :int}] ]}",
        "record R { a: int?, b: list[map[int, { c: int }]] }\n");
  check(c, "fn f( n:int )->int=match n{0=>1,2 .. 3=>- n,else=>f( n )}",
        "fn f(n: int) -> int = match n { 0 => 1, 2..3 => -n, else => f(n) }\n");
  check(c, "a|>map{..it,b:1}|>into b", "a |> map { ..it, b: 1 } |> into b\n");
}

/* A word between operands is a clause, and what follows it is no argument of a call. */
static void clauses_are_no_calls(void **state) {
  struct compiler *c = *state;
  check(c, "record R { a: int where( a>1 ) and len (b)>0 from\"x\" }",
        "record R { a: int where (a > 1) and len(b) > 0 from \"x\" }\n");
  check(c, "a|>aggregate f( )emit  on change\nb|>c\n", "a |> aggregate f() emit on change\nb |> c\n");
  check(c, "a|>window tumbling(2*x)late  into b emit  on change|>aggregate{n:count( )where(a)}",
        "a |> window tumbling (2 * x) late into b emit on change |> aggregate { n: count() where (a) }\n");
  check(c, "record R { a: int where[ 1 ]==xs [ 0 ] }", "record R { a: int where [1] == xs[0] }\n");
}

static void f_strings_keep_their_text(void **state) {
  struct compiler *c = *state;
  check(c, "const A = f\"{ x+1 }  {f\"{ y }\"} {{\"++f\"\"",
        "const A = f\"{ x+1 }  {f\"{ y }\"} {{\" ++ f\"\"\n");
}

static void lines_are_indented_by_brackets(void **state) {
  struct compiler *c = *state;
  check(c, "a\n|> map f( 1,\n[2,\n3],\n{\nb: 1\n})\n",
        "a\n  |> map f(1,\n       [2,\n         3],\n       {\n         b: 1\n       })\n");
  check(c, "a |>\nmap 1\n", "a |>\n  map 1\n");
  check(c, "a\n  |> filter x\nand y\n  else skip\n",
        "a\n  |> filter x\n     and y\n     else skip\n");
  check(
      c, "fn f() -> int {\nif a {\nreturn 1\n}\nelse {\nreturn b+\n2\n}\n}\n",
      "fn f() -> int {\n  if a {\n    return 1\n  }\n  else {\n    return b +\n      2\n  }\n}\n");
}

static void hooks_belong_to_their_stage(void **state) {
  struct compiler *c = *state;
  check(c, "a\n|> state s: int = 0 {\ns += 1\n}\non epoch {\nemit s\n}\n|> into b\n",
        "a\n  |> state s: int = 0 {\n       s += 1\n     }\n     on epoch {\n       emit s\n     "
        "}\n  |> into b\n");
}

static void blank_lines(void **state) {
  struct compiler *c = *state;
  check(c, "\n\nconst A = 1\n\n\n\nconst B = 2\n\n", "const A = 1\n\nconst B = 2\n");
  check(c, "fn f() -> int {\n\n\nlet a = 1\n\n\nreturn a\n\n}",
        "fn f() -> int {\n  let a = 1\n\n  return a\n}\n");
  check(c, "", "");
}

static void columns(void **state) {
  struct compiler *c = *state;
  check(c, "record R {\na: int\nlong: int = 1\n\nb: int\n}",
        "record R {\n  a:    int\n  long: int = 1\n\n  b: int\n}\n");
  check(c, "record R {\na: int, b: int\nlong: int\n}",
        "record R {\n  a: int, b: int\n  long: int\n}\n");
  check(c, "const A = match x {\n1 => 2\nelse => 3\n}",
        "const A = match x {\n  1    => 2\n  else => 3\n}\n");
  check(c, "const A = match x {\n1 => [\n2]\nelse => 3\n}",
        "const A = match x {\n  1 => [\n    2]\n  else => 3\n}\n");
  check(c, "const A = 1 # a\nconst LONG = 1# b\n\nconst B = 1 # c",
        "const A = 1     # a\nconst LONG = 1  # b\n\nconst B = 1  # c\n");
}

static void comments(void **state) {
  struct compiler *c = *state;
  check(c, "# a  \r\n   # b\nconst A = [# c\n1,\n# d\n2\n# e\n]",
        "# a\n# b\nconst A = [  # c\n  1,\n  # d\n  2\n  # e\n]\n");
  check(c, "a\n|> map 1\n    # |> map 2\n# b\n", "a\n  |> map 1\n  # |> map 2\n# b\n");
  check(c, "## doc\nconst A = 1 ## more", "## doc\nconst A = 1  ## more\n");
  check(c, "#!/bin/x -S y", "#!/bin/x -S y\n");
}

static bool are_equal(const char *a, const char *b) {
  struct compiler first, second;
  start_compiler(&first);
  start_compiler(&second);
  load(&first, a);
  load(&second, b);
  struct piece_list x = pieces_of(&first), y = pieces_of(&second);
  bool is_equal = pieces_are_equal(&x, &y);
  arena_free(&first.arena);
  arena_free(&second.arena);
  return is_equal;
}

/* What guards the formatter must see every kind of difference. */
static void pieces_differ(void **state) {
  (void)state;
  assert_true(are_equal("const A = 1 # x", "const   A =\n1 # x\n"));
  assert_false(are_equal("const A = 1", "const A = 2"));
  assert_false(are_equal("const A = 1", "const A = 1.0"));
  assert_false(are_equal("const A = \"a\"", "const A = \"a \""));
  assert_false(are_equal("const A = f\"{x}\"", "const A = f\"{ x }\""));
  assert_false(are_equal("const A = 1 # x", "const A = 1 # y"));
  assert_false(are_equal("const A = 1 # x", "const A = 1"));
  assert_false(are_equal("const A = 1 ## x\nconst B = 2", "const A = 1\n## x\nconst B = 2"));
  assert_false(are_equal("a |> map 1\nb |> map 2", "a |> map 1 |> map 2"));
  assert_false(are_equal("fn f() -> int {\nlet a = b\nreturn a\n}",
                         "fn f() -> int { let a = b; return a }"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(blanks_between_tokens, set_up, tear_down),
      cmocka_unit_test_setup_teardown(clauses_are_no_calls, set_up, tear_down),
      cmocka_unit_test_setup_teardown(f_strings_keep_their_text, set_up, tear_down),
      cmocka_unit_test_setup_teardown(lines_are_indented_by_brackets, set_up, tear_down),
      cmocka_unit_test_setup_teardown(hooks_belong_to_their_stage, set_up, tear_down),
      cmocka_unit_test_setup_teardown(blank_lines, set_up, tear_down),
      cmocka_unit_test_setup_teardown(columns, set_up, tear_down),
      cmocka_unit_test_setup_teardown(comments, set_up, tear_down),
      cmocka_unit_test(pieces_differ),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
