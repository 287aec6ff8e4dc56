/* Quoted text: holes, names of its own, and what only it can say. */
#include "front_fixture.h"

#include "front/quote.h"
#include "front/type.h"

static const struct stage *begin(struct compiler *c, struct checker *checker, struct quote *q) {
  restart(c);
  assert_true(parse(c, "words |> inspect 7 |> into stdout\n"));
  *checker = (struct checker){.compiler = c, .arena = &c->arena, .diags = &c->diags};
  const struct stage *stage = c->program->decls.data[0]->stages.data[0];
  quote_begin(q, checker, stage);
  return stage;
}

static void holes_are_filled(void **state) {
  struct compiler *c = *state;
  struct checker checker;
  struct quote q;
  const struct stage *stage = begin(c, &checker, &q);
  static const struct type number = {.kind = TYPE_INT, .name = "int"};
  quote_expr_hole(&q, "$seven", stage->args.data[0]);
  quote_type_hole(&q, "$T", &number);
  quote_name_hole(&q, "$late", (struct ident){"missed", stage->verb.span});
  quote_block_hole(&q, "$add", quote_block(&q, "$n += $seven; $n += 1"));
  struct stage_list stages = quote_stages(&q, "|> state $s: { at: list[$T] } {\n"
                                              "  let $n = $seven\n"
                                              "  if $n > 3 { $add() }\n"
                                              "  emit $n at time() + 1s\n"
                                              "  emit it into $late\n"
                                              "} on at $s.at { forget }");
  c->program->decls.data[0]->stages = stages;
  assert_string_equal(listing(c, dump_ast), "pipeline\n"
                                             "  from words\n"
                                             "  |> state $s\n"
                                             "    record\n"
                                             "      field at\n"
                                             "        type list\n"
                                             "          made\n"
                                             "    block\n"
                                             "      let $n\n"
                                             "        int 7\n"
                                             "      if\n"
                                             "        condition\n"
                                             "          >\n"
                                             "            name $n\n"
                                             "            int 3\n"
                                             "        then\n"
                                             "          assign +=\n"
                                             "            name $n\n"
                                             "            int 7\n"
                                             "          assign +=\n"
                                             "            name $n\n"
                                             "            int 1\n"
                                             "      emit\n"
                                             "        name $n\n"
                                             "        +\n"
                                             "          call time\n"
                                             "          duration 1000000us\n"
                                             "      emit into missed\n"
                                             "        name it\n"
                                             "    on at\n"
                                             "      field at\n"
                                             "        name $s\n"
                                             "    on at\n"
                                             "      forget\n");
}

static void what_is_made_has_the_place_of_the_stage(void **state) {
  struct compiler *c = *state;
  struct checker checker;
  struct quote q;
  const struct stage *stage = begin(c, &checker, &q);
  quote_expr_hole(&q, "$seven", stage->args.data[0]);
  const struct expr *sum = quote_expr(&q, "$seven + 35");
  assert_int_equal(sum->span.offset, stage->verb.span.offset);
  assert_int_equal(sum->binary.right->span.offset, stage->verb.span.offset);
  /* What fills a hole has its own, and is a copy. */
  assert_int_equal(sum->binary.left->span.offset, stage->args.data[0]->span.offset);
  assert_ptr_not_equal(sum->binary.left, stage->args.data[0]);
  struct stage_list stages = quote_stages(&q, "|> map 1 |> filter true");
  assert_int_equal(stages.count, 2);
  assert_ptr_equal(stages.data[1]->made_for, stage);
  assert_int_equal(c->sources.list.count, 1);
}

static void programs_cannot_say_it(void **state) {
  struct compiler *c = *state;
  restart(c);
  assert_false(parse(c, "words |> map $late() |> state n: int = 0 { emit n at time() }\n"));
  assert_string_equal(codes(c), "E0101 E0100");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(holes_are_filled),
      TEST(what_is_made_has_the_place_of_the_stage),
      TEST(programs_cannot_say_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
