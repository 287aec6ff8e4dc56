/* The typed tree: what check.h promises to the emitters. */
#include "typed_fixture.h"

#define RECORDS                                                                                    \
  "record Pair { a: int, b: int }\n"                                                               \
  "record Loose { a: int?, b: int = 7, c: string? = none }\n"

/* The expression that is the body of `fn f(x: int, o: int?, d: int, p: Pair) RESULT = TEXT`. */
static const struct expr *body(struct compiler *c, const char *result, const char *text) {
  struct arena scratch;
  arena_init(&scratch);
  check_right(c, arena_printf(&scratch,
                              RECORDS "fn f(x: int, o: int?, d: int, p: Pair)%s%s = %s",
                              *result ? " -> " : "", result, text));
  arena_free(&scratch);
  return decl_of(c, "f")->value;
}

/* What `const k = TEXT` has become. */
static const struct expr *constant(struct compiler *c, const char *text) {
  struct arena scratch;
  arena_init(&scratch);
  check_right(c, arena_printf(&scratch, "const two = 2\nconst name = \"n\"\nconst k = %s", text));
  arena_free(&scratch);
  return decl_of(c, "k")->value;
}

static void assert_some(const struct compiler *c, const struct expr *e, enum expr_kind operand) {
  assert_int_equal(e->kind, EXPR_COERCE);
  assert_int_equal(e->coerce.kind, COERCE_SOME);
  assert_int_equal(e->coerce.operand->kind, operand);
  assert_ptr_equal(e->type, type_optional(c->types, e->coerce.operand->type));
}

/* -- conversions ----------------------------------------------------------------------------- */

static void presence_and_absence_are_written_down(void **state) {
  struct compiler *c = *state;
  assert_some(c, body(c, "int?", "x"), EXPR_NAME);
  assert_int_equal(body(c, "int?", "o")->kind, EXPR_NAME); /* fits as it is */
  const struct expr *none = body(c, "int?", "none");
  assert_int_equal(none->kind, EXPR_COERCE);
  assert_int_equal(none->coerce.kind, COERCE_ABSENT);
  assert_string_equal(type_name(c->types, none->type), "int?");
}

static void choices_are_converted_arm_by_arm(void **state) {
  struct compiler *c = *state;
  const struct expr *choice = body(c, "int?", "if x > 0 then x else none");
  assert_int_equal(choice->kind, EXPR_IF);
  assert_some(c, choice->if_else.then_value, EXPR_NAME);
  assert_int_equal(choice->if_else.else_value->coerce.kind, COERCE_ABSENT);
  choice = body(c, "", "match x { 0 => none, else => 1.5 }"); /* the type comes from an arm */
  assert_string_equal(type_name(c->types, choice->type), "float?");
  assert_some(c, choice->match.arms.data[1].value, EXPR_FLOAT);
}

static void elements_and_arguments_are_converted(void **state) {
  struct compiler *c = *state;
  const struct expr *list = body(c, "list[int?]", "[x, none, o]");
  assert_some(c, list->list.data[0], EXPR_NAME);
  assert_int_equal(list->list.data[1]->coerce.kind, COERCE_ABSENT);
  assert_int_equal(list->list.data[2]->kind, EXPR_NAME);
  check_right(c, "fn g(a: int?, b: float = 2) -> int = a ?? 0\nfn f() -> int = g(1)");
  const struct expr *call = decl_of(c, "f")->value;
  assert_int_equal(call->call.args.count, 2);
  assert_some(c, call->call.args.data[0].value, EXPR_INT);
  assert_ptr_equal(call->call.args.data[1].value, decl_of(c, "g")->fields.data[1].init);
  assert_int_equal(call->call.args.data[1].value->kind, EXPR_FLOAT);
}

static void int_literals_become_floats(void **state) {
  struct compiler *c = *state;
  const struct expr *e = body(c, "float", "3");
  assert_int_equal(e->kind, EXPR_FLOAT);
  assert_true(e->number == 3.0);
  assert_ptr_equal(e->type, c->types->float_);
  e = body(c, "", "float(x) * 2");
  assert_int_equal(e->binary.right->kind, EXPR_FLOAT);
  e = body(c, "float?", "if x > 0 then 1 else none");
  assert_some(c, e->if_else.then_value, EXPR_FLOAT);
  assert_false(check(c, "fn f() -> float = 9007199254740993")); /* which no float holds */
  assert_string_equal(codes(c), "E0205");
}

static void an_empty_list_takes_the_type_that_is_wanted(void **state) {
  struct compiler *c = *state;
  static const char *const types[] = {"list[int]", "set[string]", "map[int, float]"};
  for (size_t i = 0; i < 3; i++) {
    const struct expr *e = body(c, types[i], "[]");
    assert_int_equal(e->kind, EXPR_LIST);
    assert_string_equal(type_name(c->types, e->type), types[i]);
  }
  assert_string_equal(type_name(c->types, body(c, "set[int]", "[x, 1]")->type), "set[int]");
  assert_false(check(c, "fn f() = []"));
  assert_string_equal(codes(c), "E0218");
}

/* -- records --------------------------------------------------------------------------------- */

static void record_fields_stand_in_the_order_of_their_type(void **state) {
  struct compiler *c = *state;
  const struct expr *e = body(c, "Loose", "{ c: \"z\", a: x }");
  const struct record_field_list *fields = &e->record.fields;
  assert_ptr_equal(e->type, decl_of(c, "Loose")->type);
  assert_int_equal(fields->count, 3);
  assert_some(c, fields->data[0].value, EXPR_NAME);
  assert_ptr_equal(fields->data[1].value, e->type->fields.data[1].init);
  assert_int_equal(fields->data[1].value->integer, 7);
  assert_some(c, fields->data[2].value, EXPR_STRING);
}

static void constructors_have_the_same_fields(void **state) {
  struct compiler *c = *state;
  const struct expr *e = body(c, "", "Loose(b: d, a: none)");
  assert_int_equal(e->call.kind, CALL_RECORD);
  assert_int_equal(e->call.fields.count, 3);
  assert_int_equal(e->call.fields.data[0].value->coerce.kind, COERCE_ABSENT);
  assert_int_equal(e->call.fields.data[1].value->name.index, 2); /* d */
  assert_int_equal(e->call.fields.data[2].value->coerce.kind, COERCE_ABSENT);
}

static void a_spread_has_one_node(void **state) {
  struct compiler *c = *state;
  const struct expr *e = body(c, "", "{ z: 1, ..p, a: \"w\" }");
  assert_string_equal(type_name(c->types, e->type), "{ z: int, a: string, b: int }");
  const struct record_field_list *fields = &e->record.fields;
  assert_int_equal(fields->data[1].value->kind, EXPR_STRING); /* written out, it wins */
  assert_null(fields->data[2].value);
  assert_int_equal(fields->data[2].spread_field, 1);
  assert_false(fields->data[2].is_some);
  e = body(c, "Loose", "{ ..p }");
  assert_int_equal(e->record.spreads.count, 1);
  fields = &e->record.fields;
  assert_null(fields->data[0].value);
  assert_int_equal(fields->data[0].spread_field, 0);
  assert_true(fields->data[0].is_some);
  assert_null(fields->data[1].value);
  assert_false(fields->data[1].is_some);
  assert_non_null(fields->data[2].value);
  assert_false(check(c, RECORDS "fn f(l: Loose) -> Pair = { a: 1, ..l }"));
  assert_string_equal(codes(c), "E0204"); /* c */
  assert_false(check(c, RECORDS "record Text { a: string }\nrecord Int { a: int? }\n"
                                "fn f(t: Text) -> Int = { ..t }"));
  assert_string_equal(codes(c), "E0205");
}

static void variants_are_resolved(void **state) {
  struct compiler *c = *state;
  check_right(c, "enum Shape { nothing, circle(name: string?, r: float) }\n"
                 "fn a() = Shape.nothing\n"
                 "fn b() = Shape.circle(r: 1, name: none)\n"
                 "fn d() -> Shape? = circle(r: 2.5, name: \"n\")\n");
  const struct expr *a = decl_of(c, "a")->value, *b = decl_of(c, "b")->value;
  assert_int_equal(a->kind, EXPR_NAME);
  assert_int_equal(a->name.ref, REF_VARIANT);
  assert_int_equal(a->name.index, 0);
  assert_int_equal(b->call.kind, CALL_VARIANT);
  assert_int_equal(b->call.variant, 1);
  assert_int_equal(b->call.fields.count, 2);
  assert_int_equal(b->call.fields.data[0].value->kind, EXPR_COERCE);
  assert_int_equal(b->call.fields.data[1].value->kind, EXPR_FLOAT);
  assert_some(c, decl_of(c, "d")->value, EXPR_CALL);
}

/* -- constants ------------------------------------------------------------------------------- */

static void arithmetic_on_constants_is_folded(void **state) {
  struct compiler *c = *state;
  const struct expr *e = constant(c, "-(two * 3 - 20 % 7) / 2");
  assert_int_equal(e->kind, EXPR_INT);
  assert_int_equal(e->integer, 0); /* -(6 - 6) */
  assert_int_equal(constant(c, "-7 / two")->integer, -3);
  assert_int_equal(constant(c, "-7 % two")->integer, -1);
  e = constant(c, "1.5 * two_f / 2\nconst two_f = 4.0");
  assert_int_equal(e->kind, EXPR_FLOAT);
  assert_true(e->number == 3.0);
  e = constant(c, "two * 1h + 30s");
  assert_int_equal(e->kind, EXPR_DURATION);
  assert_int_equal(e->integer, INT64_C(7230000000));
  e = constant(c, "2m / 30s");
  assert_int_equal(e->kind, EXPR_INT);
  assert_ptr_equal(e->type, c->types->int_);
  assert_int_equal(e->integer, 4);
  e = constant(c, "\"a\" ++ name ++ \"b\"");
  assert_int_equal(e->kind, EXPR_STRING);
  assert_int_equal(e->string.length, 3);
  assert_string_equal(e->string.data, "anb");
  e = body(c, "", "x + 2 * 3"); /* the constant part of what is none */
  assert_int_equal(e->kind, EXPR_BINARY);
  assert_int_equal(e->binary.right->integer, 6);
}

static void constants_that_overflow_are_errors(void **state) {
  struct compiler *c = *state;
  static const char *const wrong[] = {
      "9223372036854775807 + 1", "-9223372036854775808 / -1",
      "-(-9223372036854775807 - 1)", "3000000000 * 4000000000",
      "1e308 * 10.0", "5 / 0", "5 % 0", "1.0 / 0.0"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct arena scratch;
    arena_init(&scratch);
    assert_false(check(c, arena_printf(&scratch, "const k = %s", wrong[i])));
    arena_free(&scratch);
    assert_string_equal(codes(c), "E0206");
  }
  assert_int_equal(constant(c, "-9223372036854775808 % -1")->integer, 0);
  assert_true(constant(c, "-9223372036854775807 - 1")->integer == INT64_MIN);
  assert_false(check(c, "const zero = 1 - 1\nfn f(x: int) -> int = x / zero"));
  assert_string_equal(codes(c), "E0206");
}

/* -- failures and faults --------------------------------------------------------------------- */

static void assert_effects(const struct expr *e, bool can_fail, bool can_fault) {
  assert_int_equal(e->can_fail, can_fail);
  assert_int_equal(e->can_fault, can_fault);
}

/* The body of a function without its coercion. */
static void assert_body(struct compiler *c, const char *text, bool can_fail, bool can_fault) {
  assert_effects(body(c, "", text), can_fail, can_fault);
  assert_int_equal(decl_of(c, "f")->can_fail, can_fail);
  assert_int_equal(decl_of(c, "f")->can_fault, can_fault);
}

static void effects_are_those_that_leave_an_expression(void **state) {
  struct compiler *c = *state;
  assert_body(c, "x == d and not (x < d)", false, false);
  assert_body(c, "x + d", false, true);
  assert_body(c, "-x", false, true);
  assert_body(c, "float(x) / 2.0", false, true);
  assert_body(c, "x / 2", false, false);
  assert_body(c, "x / -1", false, true);
  assert_body(c, "x % d", true, true);
  assert_body(c, "parse_int(\"1\")", true, false);
  assert_body(c, "parse_int(\"1\") ?? 0", false, false);
  assert_body(c, "x / d ?? 0", false, true); /* it takes back failures only */
  assert_body(c, "x % d ?? (x / d)", true, true);
  assert_body(c, "o ?? 0", false, false);
}

static void each_node_has_its_own_effects(void **state) {
  struct compiler *c = *state;
  const struct expr *e = body(c, "", "[x, x / d ?? (x + 1), parse_int(\"1\"), d]");
  assert_effects(e, true, true);
  assert_effects(e->list.data[0], false, false);
  assert_effects(e->list.data[1], false, true);
  assert_effects(e->list.data[1]->binary.left, true, true);
  assert_effects(e->list.data[1]->binary.right, false, true);
  assert_effects(e->list.data[2], true, false);
  assert_effects(e->list.data[3], false, false);
  e = body(c, "int?", "x / d"); /* a coercion passes them on */
  assert_int_equal(e->kind, EXPR_COERCE);
  assert_effects(e, true, true);
}

static void calls_pass_on_the_effects_of_functions(void **state) {
  struct compiler *c = *state;
  check_right(c, "fn outer(n: int) -> int = inner(n) ?? 0\n" /* used before it is declared */
                 "fn inner(n: int) -> int {\n"
                 "  if n < 0 { fail \"negative\" }\n"
                 "  return n\n"
                 "}\n"
                 "fn total(n: int) -> int = outer(n) + 1\n"
                 "fn caller(n: int) -> int = total(n)\n");
  assert_effects(decl_of(c, "outer")->value->binary.left, true, false);
  assert_effects(decl_of(c, "outer")->value, false, false);
  assert_true(decl_of(c, "inner")->can_fail && !decl_of(c, "inner")->can_fault);
  assert_false(decl_of(c, "outer")->can_fail);
  assert_true(!decl_of(c, "total")->can_fail && decl_of(c, "total")->can_fault);
  assert_true(!decl_of(c, "caller")->can_fail && decl_of(c, "caller")->can_fault);
}

static void stages_know_what_their_else_is_for(void **state) {
  struct compiler *c = *state;
  check_right(c, "source xs: int = stdin(text)\n"
                 "xs |> filter it > 0 |> map it + 1 |> map 10 / it else skip\n"
                 "   |> key by it % 2\n"
                 "   |> state n: list[int] = [0] { n[it] = 1 } else stop\n");
  static const bool can_fail[] = {false, false, true, false, true};
  static const bool can_fault[] = {false, true, true, false, false};
  for (size_t i = 0; i < 5; i++) {
    assert_int_equal(stage_of(c, i)->can_fail, can_fail[i]);
    if (i < 4) assert_int_equal(stage_of(c, i)->can_fault, can_fault[i]);
  }
  const struct expr *place = stage_of(c, 4)->body->stmts.data[0]->assign.place;
  assert_false(place->can_fail); /* the statement fails, not its place */
  assert_ptr_equal(place->type, c->types->int_);
  assert_false(check(c, "source xs: int = stdin(text)\nxs |> map 10 / it |> into stdout"));
  assert_string_equal(codes(c), "E0301");
}

/* -- stages ---------------------------------------------------------------------------------- */

/* Marks the ids of the locals of a block in `seen`; none may come twice. */
static void see(bool *seen, const struct local *local) {
  if (local == NULL) return;
  assert_true(local->id < 16);
  assert_false(seen[local->id]);
  assert_non_null(local->type);
  seen[local->id] = true;
}

static void see_block(bool *seen, const struct block *block) {
  vec_each(struct stmt *, it, &block->stmts) {
    const struct stmt *stmt = *it;
    if (stmt->kind == STMT_LET) see(seen, stmt->let.local);
    if (stmt->kind == STMT_FOR) {
      see(seen, stmt->loop.first);
      see(seen, stmt->loop.second);
      see_block(seen, stmt->loop.body);
    }
    if (stmt->kind == STMT_IF) {
      see(seen, stmt->if_else.binder);
      see_block(seen, stmt->if_else.then_block);
      if (stmt->if_else.else_block) see_block(seen, stmt->if_else.else_block);
    }
  }
}

static void locals_of_a_stage_have_ids_of_their_own(void **state) {
  struct compiler *c = *state;
  check_right(c, "source xs: int = stdin(text)\n"
                 "xs |> key by it\n"
                 "   |> state m: map[int, int] = [] {\n"
                 "        if it > 0 { let a = it; m[a] = a } else { let a = 0; m[a] = 1 }\n"
                 "        if let b = m[it] { let a = b; m[a] = b }\n"
                 "        for k, v in m { let s = k; emit s }\n"
                 "      } on end { for k in m.keys() { let z = k; emit z } }\n"
                 "   |> map [if let p = [it][0] then p else 0]\n"
                 "   |> into stdout\n");
  bool seen[16] = {false};
  const struct stage *stage = stage_of(c, 1);
  see_block(seen, stage->body);
  see_block(seen, stage->hooks.data[0].body);
  assert_int_equal(stage->local_count, 9);
  for (uint32_t i = 0; i < 16; i++) assert_int_equal(seen[i], i < 9);
  assert_int_equal(stage_of(c, 2)->local_count, 1);
  assert_int_equal(stage_of(c, 2)->args.data[0]->list.data[0]->if_else.binder->id, 0);
}

static void names_say_what_they_stand_for(void **state) {
  struct compiler *c = *state;
  check_right(c, "record Row { user: string, n: int }\n"
                 "const limit = 5\n"
                 "param factor: int = 2\n"
                 "source rows: Row = stdin(jsonl)\n"
                 "rows |> key by user\n"
                 "     |> state total: int = 0 {\n"
                 "          let first = n\n"
                 "          emit [f\"{key}\"]\n"
                 "          emit [f\"{total}{first}{limit}{factor}{it.n}\"]\n"
                 "        }\n"
                 "     |> into stdout\n");
  const struct stage *stage = stage_of(c, 1);
  const struct stmt_list *stmts = &stage->body->stmts;
  assert_int_equal(stmts->data[0]->let.value->name.ref, REF_FIELD);
  assert_int_equal(stmts->data[0]->let.value->name.index, 1);
  assert_int_equal(stmts->data[1]->emit.value->list.data[0]->fstring.data[0].value->name.ref,
                   REF_KEY);
  const struct fstring_part *parts = stmts->data[2]->emit.value->list.data[0]->fstring.data;
  static const enum ref_kind refs[] = {REF_STATE, REF_LOCAL, REF_CONST, REF_PARAM};
  for (size_t i = 0; i < 4; i++) assert_int_equal(parts[i].value->name.ref, refs[i]);
  assert_ptr_equal(parts[1].value->name.local, stmts->data[0]->let.local);
  assert_ptr_equal(parts[2].value->name.decl, decl_of(c, "limit"));
  assert_int_equal(parts[4].value->field.object->name.ref, REF_IT);
  assert_int_equal(parts[4].value->field.index, 1);
}

static void several_keys_are_one_record(void **state) {
  struct compiler *c = *state;
  check_right(c, "record Row { user: string, day: int }\n"
                 "source rows: Row = stdin(jsonl)\n"
                 "rows |> key by it.day, user |> state n: int = 0 { n += 1 }\n");
  const struct stage *key = stage_of(c, 0);
  assert_int_equal(key->args.count, 1);
  assert_int_equal(key->args.data[0]->kind, EXPR_RECORD);
  assert_string_equal(type_name(c->types, key->out_key), "{ day: int, user: string }");
  assert_ptr_equal(stage_of(c, 1)->in_key, key->out_key);
  assert_null(stage_of(c, 1)->out_item);
}

static void outputs_of_a_state_have_one_type_each(void **state) {
  struct compiler *c = *state;
  check_right(c, "source xs: int = stdin(text)\n"
                 "late |> into stdout\n"
                 "xs |> key by it |> state n: int = 0 {\n"
                 "  emit { a: none, b: 1 }\n"
                 "  emit \"x\" into late\n"
                 "  emit { b: 2.5, a: n }\n"
                 "} |> into stdout\n");
  const struct stage *stage = stage_of(c, 1);
  assert_int_equal(stage->emits.count, 2);
  assert_string_equal(type_name(c->types, stage->out_item), "{ a: int?, b: float }");
  assert_ptr_equal(stage->emits.data[1].type, c->types->string);
  const struct stmt_list *stmts = &stage->body->stmts;
  assert_int_equal(stmts->data[1]->emit.output, 1);
  const struct record_field *first = stmts->data[0]->emit.value->record.fields.data;
  assert_int_equal(first[0].value->coerce.kind, COERCE_ABSENT);
  assert_int_equal(first[1].value->kind, EXPR_FLOAT);
  const struct record_field *last = stmts->data[2]->emit.value->record.fields.data;
  assert_some(c, last[0].value, EXPR_NAME); /* in the order of the type */
  assert_true(last[1].value->number == 2.5);
}

static void a_sink_says_what_is_emitted_into_it(void **state) {
  struct compiler *c = *state;
  check_right(c, RECORDS "source xs: int = stdin(text)\n"
                 "sink out: Loose = file(\"out.jsonl\", jsonl)\n"
                 "xs |> key by it |> state n: int = 0 { emit { a: it } into out }\n");
  const struct stage *stage = stage_of(c, 1);
  assert_null(stage->emits.data[0].type);
  assert_ptr_equal(stage->emits.data[1].type, decl_of(c, "Loose")->type);
  assert_int_equal(stage->body->stmts.data[0]->emit.value->record.fields.count, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(presence_and_absence_are_written_down),
      TEST(choices_are_converted_arm_by_arm),
      TEST(elements_and_arguments_are_converted),
      TEST(int_literals_become_floats),
      TEST(an_empty_list_takes_the_type_that_is_wanted),
      TEST(record_fields_stand_in_the_order_of_their_type),
      TEST(constructors_have_the_same_fields),
      TEST(a_spread_has_one_node),
      TEST(variants_are_resolved),
      TEST(arithmetic_on_constants_is_folded),
      TEST(constants_that_overflow_are_errors),
      TEST(effects_are_those_that_leave_an_expression),
      TEST(each_node_has_its_own_effects),
      TEST(calls_pass_on_the_effects_of_functions),
      TEST(stages_know_what_their_else_is_for),
      TEST(locals_of_a_stage_have_ids_of_their_own),
      TEST(names_say_what_they_stand_for),
      TEST(several_keys_are_one_record),
      TEST(outputs_of_a_state_have_one_type_each),
      TEST(a_sink_says_what_is_emitted_into_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
