/* Types: one pointer for equal types, their names, and what may be asked about them. */
#include "typed_fixture.h"

static struct types *fresh(struct compiler *c) {
  struct types *types = arena_new(&c->arena, struct types);
  types_init(types, &c->arena);
  return types;
}

static const struct type *pair_of(struct types *t, const char *a, const struct type *a_type,
                                  const char *b, const struct type *b_type) {
  struct type_field fields[] = {{.name = a, .type = a_type}, {.name = b, .type = b_type}};
  return type_structural(t, fields, 2);
}

static const struct type *enum_of(struct types *t, const struct type *payload) {
  struct type *type = type_nominal(t, TYPE_ENUM, NULL);
  type->name = "Kind";
  vec_push(t->arena, &type->variants, (struct type_variant){.name = "bare"});
  vec_push(t->arena, &type->variants, (struct type_variant){.name = "full", .payload = payload});
  return type;
}

static void equal_types_are_one_pointer(void **state) {
  struct types *t = fresh(*state);
  const struct type *list = type_list(t, t->int_);
  assert_ptr_equal(type_list(t, t->int_), list);
  assert_ptr_equal(type_map(t, t->string, list), type_map(t, t->string, type_list(t, t->int_)));
  assert_ptr_equal(type_optional(t, list), type_optional(t, list));
  assert_ptr_equal(type_set(t, t->bool_), type_set(t, t->bool_));
  assert_ptr_not_equal(type_set(t, t->int_), list);
  assert_ptr_not_equal(type_list(t, t->float_), list);
  assert_ptr_not_equal(type_map(t, t->string, t->int_), type_map(t, t->int_, t->string));
  assert_ptr_not_equal(type_map(t, t->string, t->int_), type_map(t, t->int_, t->int_));
}

static void absence_does_not_nest(void **state) {
  struct types *t = fresh(*state);
  const struct type *optional = type_optional(t, t->int_);
  assert_ptr_equal(type_optional(t, optional), optional);
  assert_ptr_equal(optional->elem, t->int_);
  assert_ptr_equal(type_optional(t, t->none), t->none);
  assert_ptr_not_equal(type_list(t, optional), type_list(t, t->int_));
}

static void a_mistake_makes_the_whole_type_unknown(void **state) {
  struct types *t = fresh(*state);
  assert_ptr_equal(type_optional(t, t->error), t->error);
  assert_ptr_equal(type_list(t, t->error), t->error);
  assert_ptr_equal(type_set(t, t->error), t->error);
  assert_ptr_equal(type_map(t, t->error, t->int_), t->error);
  assert_ptr_equal(type_map(t, t->int_, t->error), t->error);
  assert_ptr_equal(pair_of(t, "a", t->int_, "b", t->error), t->error);
}

static void structural_records_are_their_fields_in_order(void **state) {
  struct types *t = fresh(*state);
  const struct type *record = pair_of(t, "a", t->int_, "b", t->string);
  char other_a[] = "a";
  assert_ptr_equal(pair_of(t, other_a, t->int_, "b", t->string), record);
  assert_ptr_not_equal(pair_of(t, "b", t->string, "a", t->int_), record);
  assert_ptr_not_equal(pair_of(t, "a", t->int_, "c", t->string), record);
  assert_ptr_not_equal(pair_of(t, "a", t->int_, "b", t->int_), record);
  struct type_field first = {.name = "a", .type = t->int_};
  assert_ptr_not_equal(type_structural(t, &first, 1), record);
  assert_ptr_equal(type_structural(t, NULL, 0), type_structural(t, NULL, 0));
  assert_true(type_is_structural(record));
}

static void nominal_types_are_never_equal(void **state) {
  struct types *t = fresh(*state);
  struct decl decl = {.name = {.text = "Row"}};
  struct type *row = type_nominal(t, TYPE_RECORD, &decl);
  vec_push(t->arena, &row->fields, (struct type_field){.name = "a", .type = t->int_});
  assert_ptr_not_equal(type_nominal(t, TYPE_RECORD, &decl), row);
  struct type_field field = {.name = "a", .type = t->int_};
  assert_ptr_not_equal(type_structural(t, &field, 1), row);
  assert_false(type_is_structural(row));
  assert_false(type_is_structural(t->int_));
  assert_string_equal(type_name(t, row), "Row");
}

static void ids_are_dense(void **state) {
  struct types *t = fresh(*state);
  pair_of(t, "a", type_list(t, t->int_), "b", type_optional(t, t->string));
  for (size_t i = 0; i < t->all.count; i++) assert_int_equal(t->all.data[i]->id, i);
}

static void names_are_what_users_write(void **state) {
  struct types *t = fresh(*state);
  const struct type *inner = pair_of(t, "x", type_optional(t, t->int_), "y", t->timestamp);
  assert_string_equal(type_name(t, t->duration), "duration");
  assert_string_equal(type_name(t, type_list(t, type_set(t, t->bool_))), "list[set[bool]]");
  assert_string_equal(type_name(t, type_map(t, t->string, type_optional(t, t->float_))),
                      "map[string, float?]");
  assert_string_equal(type_name(t, type_optional(t, type_list(t, inner))),
                      "list[{ x: int?, y: timestamp }]?");
  assert_string_equal(type_name(t, type_structural(t, NULL, 0)), "{}");
  assert_string_equal(type_name(t, t->rejected), "Rejected");
}

static void keys_have_no_float_and_no_collection_inside(void **state) {
  struct types *t = fresh(*state);
  assert_true(type_is_key(t->int_));
  assert_true(type_is_key(type_optional(t, t->string)));
  assert_true(type_is_key(pair_of(t, "a", t->bool_, "b", t->timestamp)));
  assert_true(type_is_key(enum_of(t, pair_of(t, "a", t->int_, "b", t->duration))));
  assert_false(type_is_key(t->float_));
  assert_false(type_is_key(type_list(t, t->int_)));
  assert_false(type_is_key(type_set(t, t->int_)));
  assert_false(type_is_key(type_map(t, t->int_, t->int_)));
  assert_false(type_is_key(type_optional(t, t->float_)));
  const struct type *inner = pair_of(t, "a", t->int_, "b", t->float_);
  assert_false(type_is_key(pair_of(t, "a", t->int_, "b", inner)));
  assert_false(type_is_key(enum_of(t, inner)));
}

static void numbers_texts_and_times_are_ordered(void **state) {
  struct types *t = fresh(*state);
  const struct type *numeric[] = {t->int_, t->float_, t->duration};
  for (size_t i = 0; i < 3; i++)
    assert_true(type_is_numeric(numeric[i]) && type_is_ordered(numeric[i]));
  const struct type *ordered[] = {t->string, t->timestamp};
  for (size_t i = 0; i < 2; i++)
    assert_true(!type_is_numeric(ordered[i]) && type_is_ordered(ordered[i]));
  const struct type *neither[] = {t->bool_, type_optional(t, t->int_), type_list(t, t->int_),
                                  t->rejected, enum_of(t, NULL)};
  for (size_t i = 0; i < 5; i++)
    assert_true(!type_is_numeric(neither[i]) && !type_is_ordered(neither[i]));
}

static void lines_of_text_hold_simple_values(void **state) {
  struct types *t = fresh(*state);
  assert_true(type_is_scalar(type_optional(t, t->duration)));
  assert_true(type_is_scalar(enum_of(t, NULL)));
  assert_false(type_is_scalar(enum_of(t, pair_of(t, "a", t->int_, "b", t->int_))));
  assert_false(type_is_scalar(type_optional(t, type_list(t, t->int_))));
  assert_false(type_is_scalar(t->rejected));
}

static void what_is_deep_inside_counts(void **state) {
  struct types *t = fresh(*state);
  const struct type *flat = pair_of(t, "a", t->int_, "b", type_optional(t, t->float_));
  assert_false(type_has_heap(flat));
  assert_false(type_has_heap(enum_of(t, flat)));
  assert_true(type_has_heap(type_list(t, t->int_)));
  assert_true(type_has_heap(enum_of(t, pair_of(t, "a", flat, "b", t->string))));
  assert_true(type_is_concrete(flat));
  assert_false(type_is_concrete(pair_of(t, "a", flat, "b", t->none)));
  assert_false(type_is_concrete(type_map(t, t->string, t->empty)));
  assert_false(type_is_concrete(type_map(t, t->none, t->string)));
}

static void fields_and_variants_are_found_by_name(void **state) {
  struct types *t = fresh(*state);
  const struct type *record = pair_of(t, "user", t->string, "user_id", t->int_);
  assert_int_equal(type_field_index(record, "user"), 0);
  assert_int_equal(type_field_index(record, "user_id"), 1);
  assert_int_equal(type_field_index(record, "use"), -1);
  const struct type *kind = enum_of(t, record);
  assert_int_equal(type_variant_index(kind, "full"), 1);
  assert_int_equal(type_variant_index(kind, "user"), -1);
  assert_int_equal(type_field_index(t->int_, "full"), -1);
}

/* The same by way of a program: whatever is written twice has one type. */
static void types_as_written_are_canonical(void **state) {
  struct compiler *c = *state;
  check_right(c, "record Row { a: list[{ x: int?, y: string }], b: list[{ x: int?, y: string }] }\n"
                 "record Again { a: map[string, Row], b: map[string, Row] }\n");
  const struct type *row = decl_of(c, "Row")->type, *again = decl_of(c, "Again")->type;
  assert_ptr_equal(row->fields.data[0].type, row->fields.data[1].type);
  assert_ptr_equal(again->fields.data[0].type, again->fields.data[1].type);
  assert_ptr_equal(again->fields.data[0].type->elem, row);
  assert_string_equal(type_name(c->types, again->fields.data[1].type), "map[string, Row]");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(equal_types_are_one_pointer),
      TEST(absence_does_not_nest),
      TEST(a_mistake_makes_the_whole_type_unknown),
      TEST(structural_records_are_their_fields_in_order),
      TEST(nominal_types_are_never_equal),
      TEST(ids_are_dense),
      TEST(names_are_what_users_write),
      TEST(keys_have_no_float_and_no_collection_inside),
      TEST(numbers_texts_and_times_are_ordered),
      TEST(lines_of_text_hold_simple_values),
      TEST(what_is_deep_inside_counts),
      TEST(fields_and_variants_are_found_by_name),
      TEST(types_as_written_are_canonical),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
