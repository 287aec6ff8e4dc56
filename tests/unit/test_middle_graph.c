/* The graph and the plan: order of nodes and edges, cuts, and which fields anything reads. */
#include "typed_fixture.h"

#include "middle/graph.h"
#include "middle/live.h"
#include "middle/plan.h"

/* Lowers and cuts text that must be right. */
static void lower(struct compiler *c, const char *text) {
  check_right(c, text);
  assert_true(pass_lower(c));
  assert_true(pass_fuse(c));
}

static const struct node *node_of(const struct compiler *c, const char *name) {
  vec_each(struct node *, it, &c->graph->nodes) {
    if (strcmp((*it)->name, name) == 0) return *it;
  }
  fail_msg("no node %s", name);
  return NULL;
}

/* Where the rows of a port go, in order: "a b". */
static const char *targets(struct compiler *c, const char *name, uint32_t port) {
  const struct node *node = node_of(c, name);
  assert_true(port < node->ports.count);
  struct text out;
  text_init(&out, &c->arena);
  vec_each(struct edge *, edge, &node->ports.data[port].edges)
      text_addf(&out, "%s%s", out.length ? " " : "", (*edge)->to->name);
  return out.data;
}

/* Where the rows of a node come from, in order. */
static const char *producers(struct compiler *c, const char *name) {
  struct text out;
  text_init(&out, &c->arena);
  vec_each(struct edge *, edge, &node_of(c, name)->inputs)
      text_addf(&out, "%s%s:%u", out.length ? " " : "", (*edge)->from->name, (*edge)->port);
  return out.data;
}

/* The nodes of the stages: "a b | c". Stages that rows reach across a key begin with "@". */
static const char *stages(struct compiler *c) {
  struct text out;
  text_init(&out, &c->arena);
  vec_each(struct plan_stage *, it, &c->plan->stages) {
    if (out.length) text_add(&out, " | ");
    vec_each(struct node *, node, &(*it)->nodes)
        text_addf(&out, "%s%s", node == (*it)->nodes.data ? (*it)->is_exchange ? "@" : "" : " ",
                  (*node)->name);
  }
  return out.data;
}

static void assert_topological(const struct compiler *c) {
  for (uint32_t i = 0; i < c->graph->nodes.count; i++) {
    const struct node *node = c->graph->nodes.data[i];
    assert_int_equal(node->id, i);
    vec_each(struct edge *, edge, &node->inputs) assert_true((*edge)->from->id < i);
  }
}

/* -- lowering -------------------------------------------------------------------------------- */

static void ids_are_topological_against_the_text(void **state) {
  struct compiler *c = *state;
  lower(c, "last |> into stdout\n"
           "stream last = middle |> map it + 1\n"
           "stream middle = xs |> filter it > 0\n"
           "source xs: int = stdin(text)\n");
  assert_topological(c);
  assert_int_equal(c->graph->nodes.count, 8);
  assert_int_equal(node_of(c, "stdout")->id, 7);
  assert_string_equal(producers(c, "middle"), "middle_filter:0");
  assert_string_equal(producers(c, "last"), "last_map:0");
}

static void edges_stand_in_the_order_of_the_text(void **state) {
  struct compiler *c = *state;
  lower(c, "xs |> map it * 3 |> into stdout\n" /* read before it is declared */
           "source xs: int = stdin(text)\n"
           "xs |> filter it > 1 |> into stdout\n"
           "ys |> merge xs |> into stdout\n"
           "stream ys = xs |> map it + 1\n"
           "xs |> into stdout\n");
  assert_topological(c);
  assert_string_equal(targets(c, "xs", 0), "xs_map xs_filter ys_merge ys_map xs_into_3");
  assert_string_equal(producers(c, "ys_merge"), "ys:0 xs:0");
  assert_string_equal(producers(c, "stdout"), "xs_into:0 xs_into_2:0 ys_into:0 xs_into_3:0");
}

static void rejects_have_the_last_port(void **state) {
  struct compiler *c = *state;
  lower(c, "source xs: int = stdin(text) else into bad\n"
           "xs |> key by it % 2\n"
           "   |> state n: int = 0 { n += 1; emit it into late; emit 10 / it } else into bad\n"
           "   |> into stdout\n"
           "late |> into stdout\n"
           "bad |> into stdout\n");
  assert_topological(c);
  assert_int_equal(node_of(c, "xs")->rejects_port, 1);
  const struct node *node = node_of(c, "xs_n");
  assert_int_equal(node->ports.count, 3);
  assert_int_equal(node->rejects_port, 2);
  assert_ptr_equal(node->ports.data[2].item, c->types->rejected);
  assert_string_equal(targets(c, "xs_n", 0), "xs_into");
  assert_string_equal(targets(c, "xs_n", 1), "late");
  assert_string_equal(targets(c, "xs_n", 2), "bad");
  assert_int_equal(node_of(c, "xs_key")->rejects_port, -1);
  assert_string_equal(producers(c, "bad"), "xs:1 xs_n:2");
  assert_ptr_equal(node_of(c, "bad")->item, c->types->rejected);
}

static void derived_streams_merge_what_is_sent_to_them(void **state) {
  struct compiler *c = *state;
  lower(c, "source xs: int = stdin(text)\n"
           "xs |> split { it < 0 => odd, it > 9 => even, it == 5 => odd, else => skip }\n"
           "odd |> into stdout\n"
           "even |> split { it > 99 => odd, else => rest }\n"
           "rest |> into stdout\n");
  assert_topological(c);
  assert_string_equal(producers(c, "odd"), "xs_split:1 xs_split:3 even_split:1");
  const struct node *split = node_of(c, "xs_split");
  assert_int_equal(split->ports.count, 5); /* port 0 is unused, and one per arm */
  assert_null(split->ports.data[0].item);
  assert_null(split->ports.data[4].item); /* skip */
  assert_string_equal(targets(c, "xs_split", 2), "even");
}

static void sinks_have_a_node_per_type(void **state) {
  struct compiler *c = *state;
  lower(c, "source xs: int = stdin(text)\n"
           "xs |> into stdout\n"
           "xs |> map f\"{it}\" |> into stdout\n"
           "xs |> map it + 1 |> into stdout\n");
  assert_string_equal(producers(c, "stdout"), "xs_into:0 xs_into_3:0");
  assert_string_equal(producers(c, "stdout_2"), "xs_into_2:0");
  assert_ptr_equal(node_of(c, "stdout_2")->item, c->types->string);
  assert_null(node_of(c, "stdout_2")->decl);
}

static void names_of_nodes_are_unique(void **state) {
  struct compiler *c = *state;
  lower(c, "source a: int = stdin(text)\n"
           "a |> map it |> map it |> into stdout\n"
           "stream a_map = a |> filter it > 0\n"
           "a_map |> into stdout\n");
  for (size_t i = 0; i < c->graph->nodes.count; i++)
    assert_ptr_equal(node_of(c, c->graph->nodes.data[i]->name), c->graph->nodes.data[i]);
  assert_int_equal(node_of(c, "a_map_3")->kind, NODE_STREAM);
}

/* -- cutting --------------------------------------------------------------------------------- */

static const char branches[] = "source xs: int = stdin(text)\n"
                               "stream ys = xs |> filter it > 0\n"
                               "ys |> map it + 1 |> into stdout\n"
                               "ys |> map it + 2 |> inspect\n"
                               "   |> split { it > 3 => zs, else => skip }\n"
                               "zs |> map f\"{it}\" |> into stdout\n";

static void a_stage_is_all_behind_its_source_depth_first(void **state) {
  struct compiler *c = *state;
  lower(c, branches);
  assert_string_equal(stages(c), "xs ys_filter ys ys_map ys_into stdout ys_map_2 ys_inspect "
                                 "ys_split zs zs_map zs_into stdout_2");
}

static void states_begin_a_stage(void **state) {
  struct compiler *c = *state;
  lower(c, "source xs: int = stdin(text)\n"
           "xs |> key by it |> state n: int = 0 { n += 1; emit n } |> map it + 1 |> into stdout\n");
  assert_string_equal(stages(c), "xs xs_key | @xs_n xs_map xs_into stdout");
  assert_true(plan_is_cut(c->plan, node_of(c, "xs_n")->inputs.data[0]));
  assert_false(plan_is_cut(c->plan, node_of(c, "xs_map")->inputs.data[0]));
}

static void a_stage_begins_where_rows_meet(void **state) {
  struct compiler *c = *state;
  lower(c, "source a: int = file(\"a\", text)\n"
           "source b: int = file(\"b\", text)\n"
           "a |> map it + 1 |> merge b |> map it * 2 |> into stdout\n"
           "b |> merge b |> into stdout\n"); /* twice from one producer is several too */
  assert_string_equal(stages(c), "a a_map | b | a_merge a_map_2 a_into | b_merge b_into | stdout");
  assert_int_equal(node_of(c, "b_merge")->inputs.count, 2);
}

static void without_fusion_every_node_is_a_stage(void **state) {
  struct compiler *c = *state;
  lower(c, branches);
  size_t count = c->graph->nodes.count;
  assert_int_equal(c->plan->stages.count, 1);
  c->options.is_fuse_disabled = true;
  assert_true(pass_fuse(c));
  assert_int_equal(c->plan->stages.count, count);
  for (size_t i = 0; i < count; i++) {
    const struct plan_stage *stage = c->plan->stages.data[i];
    assert_int_equal(stage->nodes.count, 1);
    assert_ptr_equal(stage->head, c->graph->nodes.data[i]);
    assert_ptr_equal(c->plan->stage_of[i], stage);
    vec_each(struct edge *, edge, &stage->head->inputs) assert_true(plan_is_cut(c->plan, *edge));
  }
}

/* -- what is read ---------------------------------------------------------------------------- */

#define ROWS                                                                                       \
  "record Inner { x: int, y: string }\n"                                                           \
  "record Row { a: int, b: string, c: Inner, d: Inner?, e: list[Inner] }\n"                        \
  "source rows: Row = stdin(jsonl)\n"

/* The fields of the record that something reads, when `text` stands behind ROWS. */
static const char *live_fields(struct compiler *c, const char *record, const char *text) {
  struct arena scratch;
  arena_init(&scratch);
  lower(c, arena_printf(&scratch, "%s%s", ROWS, text));
  arena_free(&scratch);
  const struct live *live = live_find(c);
  const struct type *type = decl_of(c, record)->type;
  struct text out;
  text_init(&out, &c->arena);
  for (uint32_t i = 0; i < type->fields.count; i++)
    if (live_has(live, type, i))
      text_addf(&out, "%s%s", out.length ? " " : "", type->fields.data[i].name);
  return out.data;
}

static void only_what_is_read_is_live(void **state) {
  struct compiler *c = *state;
  assert_string_equal(live_fields(c, "Row", "rows |> map 1 |> into stdout"), "");
  assert_string_equal(live_fields(c, "Row", "rows |> filter a > 0 |> map b |> into stdout"), "a b");
  assert_string_equal(live_fields(c, "Row", "rows |> map it.a |> into stdout"), "a");
  assert_string_equal(live_fields(c, "Row", "rows |> map f\"{a}\" |> into stdout"), "a");
  assert_string_equal(live_fields(c, "Row", "rows |> split { a > 0 => xs, else => skip }\n"
                                            "xs |> map b |> into stdout"),
                      "a b");
  assert_string_equal(live_fields(c, "Row", "rows |> key by b\n"
                                            "|> state n: int = 0 { if a > 1 { n += c.x } }"),
                      "a b c");
}

static void a_path_reads_its_fields_only(void **state) {
  struct compiler *c = *state;
  const char *path = "rows |> map c.x |> into stdout";
  assert_string_equal(live_fields(c, "Row", path), "c");
  assert_string_equal(live_fields(c, "Inner", path), "x");
  path = "rows |> map d?.y ?? \"\" |> into stdout";
  assert_string_equal(live_fields(c, "Row", path), "d");
  assert_string_equal(live_fields(c, "Inner", path), "y");
  path = "rows |> map c |> into stdout";
  assert_string_equal(live_fields(c, "Row", path), "c");
  assert_string_equal(live_fields(c, "Inner", path), "x y");
  path = "rows |> map len(e) |> into stdout";
  assert_string_equal(live_fields(c, "Row", path), "e");
}

static void a_spread_reads_what_is_taken_from_it(void **state) {
  struct compiler *c = *state;
  const char *spread = "rows |> map { ..c, x: 1 } |> into stdout"; /* x is replaced */
  assert_string_equal(live_fields(c, "Row", spread), "c");
  assert_string_equal(live_fields(c, "Inner", spread), "y");
}

static void what_is_used_as_a_whole_is_live(void **state) {
  struct compiler *c = *state;
  static const char *const users[] = {
      "rows |> into stdout",
      "rows |> inspect |> map 1 |> into stdout",
      "rows |> map f\"{it}\" |> into stdout",
      "rows |> map 1 / a else into bad\n |> into stdout\nbad |> into stdout",
      "fn f(r: Row) -> int = r.a\nrows |> map f(it) |> into stdout",
      "rows |> key by 1 |> state last: Row? = none { last = it }",
      "rows |> key by 1 |> state last: Row? = none { forget }",
      "rows |> map [it] |> map 1 |> into stdout",
      "rows |> filter it == it |> map 1 |> into stdout",
  };
  for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
    assert_string_equal(live_fields(c, "Row", users[i]), "a b c d e");
    assert_string_equal(live_fields(c, "Inner", users[i]), "x y");
  }
  assert_string_equal(live_fields(c, "Row", "rows |> inspect a |> map 1 |> into stdout"), "a");
}

static void conditions_on_fields_read_them(void **state) {
  struct compiler *c = *state;
  lower(c, "record Row { a: int where a < b, b: int, c: int }\n"
           "source rows: Row = stdin(jsonl)\n"
           "rows |> map 1 |> into stdout\n");
  const struct live *live = live_find(c);
  const struct type *row = decl_of(c, "Row")->type;
  assert_true(live_has(live, row, 0) && live_has(live, row, 1));
  assert_false(live_has(live, row, 2));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(ids_are_topological_against_the_text),
      TEST(edges_stand_in_the_order_of_the_text),
      TEST(rejects_have_the_last_port),
      TEST(derived_streams_merge_what_is_sent_to_them),
      TEST(sinks_have_a_node_per_type),
      TEST(names_of_nodes_are_unique),
      TEST(a_stage_is_all_behind_its_source_depth_first),
      TEST(states_begin_a_stage),
      TEST(a_stage_begins_where_rows_meet),
      TEST(without_fusion_every_node_is_a_stage),
      TEST(only_what_is_read_is_live),
      TEST(a_path_reads_its_fields_only),
      TEST(a_spread_reads_what_is_taken_from_it),
      TEST(what_is_used_as_a_whole_is_live),
      TEST(conditions_on_fields_read_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
