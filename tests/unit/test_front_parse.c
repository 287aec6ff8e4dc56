/* The parser: trees, precedence, documentation, recovery, limits. */
#include "front_fixture.h"

/* Parses text that must be right, and returns the listing of its tree. */
static const char *tree(struct compiler *c, const char *text) {
  restart(c);
  bool is_right = parse(c, text);
  assert_string_equal(codes(c), "");
  assert_true(is_right);
  return listing(c, dump_ast);
}

/* Parses text that must be wrong, and returns its codes. */
static const char *errors(struct compiler *c, const char *text) {
  restart(c);
  assert_false(parse(c, text));
  assert_true(diags_has_errors(&c->diags));
  return codes(c);
}

/* The messages of wrong text in the short form, without path and severity, one per line. */
static const char *messages(struct compiler *c, const char *text) {
  errors(c, text);
  struct text out;
  text_init(&out, &c->arena);
  vec_each(struct diag *, it, &c->diags.list) {
    struct place place = sources_place(&c->sources, (*it)->span.offset);
    text_addf(&out, "%u:%u %s\n", place.line, place.column, (*it)->message);
  }
  return out.data;
}

/* An expression as text with every operator in brackets: "(1 + (2 * x))". */
static void print_expr(struct text *out, const struct expr *e) {
  static const char *const ops[] = {"or",     "and", "==", "!=", "<", "<=", ">", ">=", "in",
                                    "not in", "??",  "++", "+",  "-", "*",  "/", "%"};
  switch (e->kind) {
  case EXPR_INT: text_addf(out, "%d", (int)e->integer); break;
  case EXPR_NAME: text_add(out, e->name.text); break;
  case EXPR_UNARY:
    text_add(out, e->unary.op == UNARY_NOT ? "(not " : "(-");
    print_expr(out, e->unary.operand);
    text_addc(out, ')');
    break;
  case EXPR_BINARY:
    text_addc(out, '(');
    print_expr(out, e->binary.left);
    text_addf(out, " %s ", ops[e->binary.op]);
    print_expr(out, e->binary.right);
    text_addc(out, ')');
    break;
  case EXPR_FIELD:
    print_expr(out, e->field.object);
    text_addf(out, "%s%s", e->field.is_optional ? "?." : ".", e->field.name.text);
    break;
  case EXPR_INDEX:
    print_expr(out, e->index.object);
    text_addc(out, '[');
    print_expr(out, e->index.index);
    text_addc(out, ']');
    break;
  case EXPR_CALL:
    text_addf(out, "%s(", e->call.name.text);
    vec_each(struct arg, arg, &e->call.args) {
      if (arg != e->call.args.data) text_add(out, ", ");
      print_expr(out, arg->value);
    }
    text_addc(out, ')');
    break;
  case EXPR_IF:
    text_add(out, "(if ");
    print_expr(out, e->if_else.condition);
    text_add(out, " then ");
    print_expr(out, e->if_else.then_value);
    text_add(out, " else ");
    print_expr(out, e->if_else.else_value);
    text_addc(out, ')');
    break;
  default: text_addf(out, "<%d>", e->kind);
  }
}

static const char *grouped(struct compiler *c, const char *expression) {
  struct arena scratch;
  arena_init(&scratch);
  tree(c, arena_printf(&scratch, "const a = %s", expression));
  arena_free(&scratch);
  struct text out;
  text_init(&out, &c->arena);
  print_expr(&out, c->program->decls.data[0]->value);
  return out.data;
}

static void operators_bind_as_documented(void **state) {
  struct compiler *c = *state;
  assert_string_equal(grouped(c, "1 + 2 * 3 - 4 % 5"), "((1 + (2 * 3)) - (4 % 5))");
  assert_string_equal(grouped(c, "a or b and not c == d"), "(a or (b and (not (c == d))))");
  assert_string_equal(grouped(c, "a ?? b ?? c"), "(a ?? (b ?? c))");
  assert_string_equal(grouped(c, "a / b ?? 0"), "((a / b) ?? 0)");
  assert_string_equal(grouped(c, "a ++ b + 1 ++ d"), "((a ++ (b + 1)) ++ d)");
  assert_string_equal(grouped(c, "a ?? 0 == b"), "((a ?? 0) == b)");
  assert_string_equal(grouped(c, "a ?? (0 + b)"), "(a ?? (0 + b))");
  assert_string_equal(grouped(c, "not a in b"), "(not (a in b))");
  assert_string_equal(grouped(c, "a not in b and c"), "((a not in b) and c)");
  assert_string_equal(grouped(c, "-a.b * 2"), "((-a.b) * 2)");
  assert_string_equal(grouped(c, "-a[0]?.b.c(1, d)"), "(-c(a[0]?.b, 1, d))");
  assert_string_equal(grouped(c, "if a then b else c + 1"), "(if a then b else (c + 1))");
  assert_string_equal(grouped(c, "1 + if a then b else if d then e else f"),
                      "(1 + (if a then b else (if d then e else f)))");
  assert_string_equal(grouped(c, "2 - -3 - - 4"), "((2 - -3) - -4)");
  assert_string_equal(grouped(c, "-(3)"), "(-3)");
  assert_string_equal(grouped(c, "- -3"), "(--3)");
}

static void literals_take_their_sign(void **state) {
  struct compiler *c = *state;
  tree(c, "const a = -9223372036854775808\nconst b = -5s\nconst d = -1.5");
  const struct decl_list *decls = &c->program->decls;
  assert_true(decls->data[0]->value->integer == INT64_MIN);
  assert_int_equal(decls->data[0]->value->span.length, 20);
  assert_int_equal(decls->data[1]->value->integer, -5000000);
  assert_true(decls->data[2]->value->number == -1.5);
  assert_string_equal(errors(c, "const a = 9223372036854775808"), "E0104");
}

static void comparisons_do_not_chain(void **state) {
  struct compiler *c = *state;
  assert_string_equal(errors(c, "const a = b < d < e"), "E0107");
  assert_string_equal(errors(c, "const a = b == d != e"), "E0107");
  assert_string_equal(errors(c, "const a = b in d in e"), "E0107");
  tree(c, "const a = (b < d) == e");
  tree(c, "const a = b == (d < e)");
  assert_string_equal(errors(c, "const a = b ?? 1 + 2"), "E0108");
  assert_string_equal(errors(c, "const a = b ?? d * 2"), "E0108");
  tree(c, "const a = b ?? d ++ e");
}

static void a_whole_program_has_its_tree(void **state) {
  struct compiler *c = *state;
  assert_string_equal(tree(c, "events\n"
                              "  |> key by user, it.kind\n"
                              "  |> state cart: Cart = Cart(a: 1) expires 30d {\n"
                              "       match kind {\n"
                              "         order or none => cart.open.push(id)\n"
                              "         circle x => { forget; return }\n"
                              "         1..-2 => x = [1: 2], else => fail f\"no {kind}\"\n"
                              "       }\n"
                              "       if let n = last { emit { user, n: -1, ..cart } into late }\n"
                              "     } on end { emit 1 }\n"
                              "     else skip\n"
                              "  |> split { a => b, else => skip }\n"),
                      "pipeline\n"
                      "  from events\n"
                      "  |> key\n"
                      "    name user\n"
                      "    field kind\n"
                      "      name it\n"
                      "  |> state cart\n"
                      "    type Cart\n"
                      "    initial\n"
                      "      call Cart\n"
                      "        named a\n"
                      "          int 1\n"
                      "    clause expires\n"
                      "      duration 2592000000000us\n"
                      "    block\n"
                      "      match\n"
                      "        name kind\n"
                      "        arm\n"
                      "          pattern variant order\n"
                      "          pattern none\n"
                      "          block\n"
                      "            do\n"
                      "              call .push\n"
                      "                field open\n"
                      "                  name cart\n"
                      "                name id\n"
                      "        arm\n"
                      "          pattern variant circle\n"
                      "            binder x\n"
                      "          block\n"
                      "            forget\n"
                      "            return\n"
                      "        arm\n"
                      "          pattern range\n"
                      "            int 1\n"
                      "            int -2\n"
                      "          block\n"
                      "            assign =\n"
                      "              name x\n"
                      "              map\n"
                      "                key\n"
                      "                  int 1\n"
                      "                value\n"
                      "                  int 2\n"
                      "        arm else\n"
                      "          block\n"
                      "            fail\n"
                      "              fstring\n"
                      "                text \"no \"\n"
                      "                name kind\n"
                      "      if\n"
                      "        condition\n"
                      "          name last\n"
                      "        binder n\n"
                      "        then\n"
                      "          emit into late\n"
                      "            record\n"
                      "              field user\n"
                      "                name user\n"
                      "              field n\n"
                      "                int -1\n"
                      "              spread\n"
                      "                name cart\n"
                      "    on end\n"
                      "      emit\n"
                      "        int 1\n"
                      "    else skip\n"
                      "  |> split\n"
                      "    arm b\n"
                      "      name a\n"
                      "    arm else skip\n");
}

static void documentation_finds_its_owner(void **state) {
  struct compiler *c = *state;
  assert_string_equal(tree(c, "## top\n"
                              "## two\n"
                              "record R {          ## header\n"
                              "  ## above\n"
                              "  a: int,           ## behind\n"
                              "  b: int = 1 + 2    ## after a default\n"
                              "}\n"
                              "enum E { x, y }     ## kinds\n"
                              "param p: int = 1    ## shown in help\n"
                              "s |> into stdout\n"),
                      "record R ## \"top\\ntwo\\nheader\"\n"
                      "  field a ## \"above\\nbehind\"\n"
                      "    type int\n"
                      "  field b ## \"after a default\"\n"
                      "    type int\n"
                      "    default\n"
                      "      +\n"
                      "        int 1\n"
                      "        int 2\n"
                      "enum E ## \"kinds\"\n"
                      "  variant x\n"
                      "  variant y\n"
                      "param p ## \"shown in help\"\n"
                      "  type int\n"
                      "  int 1\n"
                      "pipeline\n"
                      "  from s\n"
                      "  |> into\n"
                      "    name stdout\n");
  restart(c);
  assert_true(parse(c, "param p: int\n## nothing below\n"));
  assert_string_equal(codes(c), "W0901");
}

static void spans_cover_what_they_name(void **state) {
  struct compiler *c = *state;
  tree(c, "param p: int = (1 + 22) * 3\ns\n  |> map { a: f(x) }  else skip\n");
  const struct decl *param = c->program->decls.data[0];
  assert_int_equal(param->span.offset, 0);
  assert_int_equal(param->span.length, 27);
  assert_int_equal(param->value->binary.left->span.offset, 15); /* with its parentheses */
  assert_int_equal(param->value->binary.left->span.length, 8);
  const struct stage *stage = c->program->decls.data[1]->stages.data[0];
  assert_memory_equal(sources_text(&c->sources, stage->span), "|> map { a: f(x) }  else skip",
                      stage->span.length);
  assert_int_equal(stage->span.length, 29);
}

static void every_mistake_gets_one_message(void **state) {
  struct compiler *c = *state;
  assert_string_equal(messages(c, "source y int = stdin(text)\n"
                                  "param in: int\n"
                                  "fn f(x: int) -> int {\n"
                                  "  let = 3\n"
                                  "  for i of xs {\n"
                                  "    emit q\n"
                                  "  }\n"
                                  "  x.y\n"
                                  "  return x +\n"
                                  "}\n"
                                  "a |> map { x: 1, b 2, y: 3 } |> into stdout\n"
                                  "a |> filter b = 3\n"
                                  "record R { a int, b: , c: int }\n"),
                      "1:10 expected `:` or `=`, found `int`\n"
                      "2:7 expected a name, found `in`\n"
                      "4:7 expected a name, found `=`\n"
                      "5:9 expected `in` or `,`, found `of`\n"
                      "8:3 this stands alone and does nothing\n"
                      "10:1 expected an expression, found `}`\n"
                      "11:20 expected the end of the line, `}`, `:` or `,`, found a number\n"
                      "12:15 expected the end of the line, `|>` or `else`, found `=`\n"
                      "13:14 expected `:`, found `int`\n");
}

static void indented_lines_belong_to_the_error(void **state) {
  struct compiler *c = *state;
  assert_string_equal(errors(c, "stream = a\n  b\n  c d e\nparam x: int"), "E0100");
  assert_string_equal(errors(c, "stream = a {\n  b +\n}\nparam x int"), "E0100 E0100");
}

static void lexical_errors_do_not_cascade(void **state) {
  struct compiler *c = *state;
  assert_string_equal(errors(c, "param x: string = \xE2\x80\x9C"
                                "a b\xE2\x80\x9D\n"),
                      "E0101 E0101");
  assert_string_equal(errors(c, "a |> map f\"{x\" |> into b\n"), "E0110");
  assert_string_equal(errors(c, "a |> map { b: [1, 2 }\n"), "E0111");
  assert_string_equal(errors(c, "record R {\n  a: list[int\n  b: int\n}\n"), "E0111");
}

static void lines_that_do_not_continue_are_explained(void **state) {
  struct compiler *c = *state;
  assert_string_equal(errors(c, "fn f() -> int {\n  let a = b\n    - c\n  return a\n}"), "E0112");
  assert_string_equal(errors(c, "fn f() -> int {\n  let a = b\n    (c)\n  return a\n}"), "E0112");
  assert_string_equal(errors(c, "a |> filter b\n  - c > 0\n  |> into d"), "E0112");
}

static void repetitions_are_refused(void **state) {
  struct compiler *c = *state;
  assert_string_equal(errors(c, "source a: int = b was \"x\" was \"y\""), "E0115");
  assert_string_equal(errors(c, "a |> state n: int { } on end { } on end { }"), "E0115");
}

static void misuse_of_else_and_emit_is_explained(void **state) {
  struct compiler *c = *state;
  assert_string_equal(messages(c, "a |> map b else ignore\n"
                                  "a |> map b else into\n"
                                  "a |> map b else skip c\n"
                                  "a |> state n: int { emit n late; emit n into 3; f() = 1 }\n"
                                  "a |> map { b + 1 }\n"),
                      "1:17 `else` of a stage or source is followed by `skip`, `stop` or `into "
                      "NAME`, not `ignore`\n"
                      "2:21 expected the name of a stream or sink behind `else into`\n"
                      "3:22 nothing can follow `else skip`\n"
                      "4:28 `emit` has no `late`; only `into` may follow the value\n"
                      "4:46 expected the name of a stream or sink behind `into`\n"
                      "4:49 a call cannot be assigned to\n"
                      "5:12 this value needs a field name in front of it\n");
}

/* A program of `prefix`, `count` times `piece`, and `suffix`. */
static void repeated(struct compiler *c, const char *prefix, const char *piece, size_t count,
                     const char *suffix) {
  restart(c);
  struct text text;
  text_init(&text, &c->arena);
  text_add(&text, prefix);
  for (size_t i = 0; i < count; i++) text_add(&text, piece);
  text_add(&text, suffix);
  parse_text(c, "x.flow", text.data, text.length);
}

static void depth_is_limited(void **state) {
  struct compiler *c = *state;
  static const struct {
    const char *prefix, *piece, *suffix;
  } deep[] = {
      {"const a = ", "(", ""},
      {"const a = ", "not ", "b"},
      {"const a = ", "- ", "b"},
      {"const a = 1", " + 1", ""},
      {"const a = b", ".c", ""},
      {"const a = b", ".c()", ""},
      {"const a = b", "[0]", ""},
      {"const a = ", "b ?? ", "c"},
      {"const a = ", "if b then c else ", "d"},
      {"const a = ", "match b { c => ", "d"},
      {"const a = ", "f\"{", "x"},
      {"const a: ", "list[", "int"},
      {"fn f() -> int { ", "if a { b = 1 } else ", "{ } }"},
      {"a |> map ", "{ b: ", "c"},
      {"a ", "x y ", "|> b"},
  };
  for (size_t i = 0; i < sizeof deep / sizeof *deep; i++) {
    repeated(c, deep[i].prefix, deep[i].piece, 20000, deep[i].suffix);
    assert_true(diags_has_errors(&c->diags));
    bool has_limit = strstr(codes(c), "E0109") || strstr(codes(c), "E0115");
    if (!has_limit) print_message("case %zu: %s\n", i, codes(c));
    assert_true(has_limit);
  }
  repeated(c, "const a = 1", " + 1", LIMIT_EXPR_HEIGHT - 1, "");
  assert_string_equal(codes(c), "");
  repeated(c, "const a = 1", " + 1", LIMIT_EXPR_HEIGHT, "");
  assert_string_equal(codes(c), "E0109");
  repeated(c, "record R {", " a: int,", LIMIT_ITEMS, "}");
  assert_string_equal(codes(c), "");
  repeated(c, "record R {", " a: int,", LIMIT_ITEMS + 5, "}");
  assert_string_equal(codes(c), "E0109");
  repeated(c, "const a: int", " ?", 20000, " = none");
  assert_string_equal(codes(c), "E0209");
}

static void any_text_ends_with_an_answer(void **state) {
  struct compiler *c = *state;
  static const char *const pieces[] = {
      "{",  "}",   "(",    ")",  "[",     "]",     "f\"{", "}\"",    "\"",   "\n",
      "|>", "=>",  "else", "if", "match", "state", "on",   "x",      "1",    "-",
      "..", "let", ";",    ",",  ":",     "=",     "##",   "source", "test", "?",
  };
  uint64_t seed = 42;
  for (int run = 0; run < 3000; run++) {
    restart(c);
    struct text text;
    text_init(&text, &c->arena);
    for (int i = 0; i < 60; i++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      text_add(&text, pieces[(seed >> 33) % (sizeof pieces / sizeof *pieces)]);
      text_addc(&text, ' ');
    }
    bool is_right = parse_text(c, "x.flow", text.data, text.length);
    assert_true(is_right == !diags_has_errors(&c->diags));
    assert_true(is_right || c->diags.list.count > 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(operators_bind_as_documented),
      TEST(literals_take_their_sign),
      TEST(comparisons_do_not_chain),
      TEST(a_whole_program_has_its_tree),
      TEST(documentation_finds_its_owner),
      TEST(spans_cover_what_they_name),
      TEST(every_mistake_gets_one_message),
      TEST(indented_lines_belong_to_the_error),
      TEST(lexical_errors_do_not_cascade),
      TEST(lines_that_do_not_continue_are_explained),
      TEST(repetitions_are_refused),
      TEST(misuse_of_else_and_emit_is_explained),
      TEST(depth_is_limited),
      TEST(any_text_ends_with_an_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
