/* Types as text, what migrates and what is refused, and values that are rewritten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"

static struct flow_schema_pool *pool;

static int set_up(void **state) {
  (void)state;
  pool = flow_schema_pool_new(flow_sys_posix());
  return pool == NULL;
}

static int tear_down(void **state) {
  (void)state;
  flow_schema_pool_free(pool);
  return 0;
}

static const struct flow_type *parsed(const char *text) {
  const struct flow_type *type = flow_schema_parse(pool, text, strlen(text));
  if (type == NULL) fail_msg("not a type: %s", text);
  return type;
}

/* -- text */

static void prints_what_it_parses(void **state) {
  (void)state;
  static const char *const texts[] = {
      "int", "float", "decimal[0]", "decimal[18]?", "json", "bool", "string", "bytes", "timestamp", "duration", "unit", "int?", "int??",
      "list[int]", "set[string?]", "map[string, list[map[int, bool]]]?", "record {}", "record R {}",
      "record { a: int }", "record Cart { paid: list[int] = 0x00, open was \"unpaid\": list[int] }",
      "enum Kind { order, payment { cents: int = 0x0a, to was \"at\": string? } }",
      "enum { a was \"b\" }", "record R { was: int, record: string = 0x026162 }",
      "record A { x: record B { y: enum C { z } }? }", "timed[int] since 0",
      "record { `tumbling 10s`: int, `max(x ++ \"`` }\")`: int? = 0x00 }", "record { ``: int, `1``2`: int }",
      "timed[record { a: int? }] since -1700000000000000", "timed[list[int]] since 1700000000000000",
      "timed[int?] by time"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct flow_buf out = {0};
    flow_schema_print(&out, parsed(texts[i]));
    flow_buf_add(&out, "", 1);
    assert_string_equal(out.data, texts[i]);
    flow_buf_free(&out);
  }
}

static void refuses_other_texts(void **state) {
  (void)state;
  static const char *const texts[] = {
      "", "in", "Int", "int ", " int", "list", "list[", "list[int", "list[int]]", "map[int]",
      "map[int,int]", "record", "record ", "record R", "record R {", "record R { a }",
      "record R { a: int}", "record R { a: int, }", "record R { : int }", "record { `a`: int }", "record { `a b: int }", "record { a`: int }", "enum E { a { } }",
      "enum E { a {} }", "record R { a: int = 0x }", "record R { a: int = 0x0 }",
      "record R { a: int = 0x0001 }", "record R { a: int = 0xFF }", "record R { a was b: int }",
      "record R { a: bool = 0x02 }", "?", "int ?", "decimal", "decimal[]", "decimal[19]", "decimal[02]", "decimal[2",
      "decimal[-1]", "decimal[100]", "timed[int]", "timed[int] since", "timed int since 1",
      "timed[int] since -", "timed[int] since 1x", "timed[int] since 99999999999999999999",
      "timed[int] by", "timed[int] by time since 1"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    if (flow_schema_parse(pool, texts[i], strlen(texts[i])) != NULL) fail_msg("%s", texts[i]);
  char deep[4000] = "";
  for (int i = 0; i < 70; i++) strcat(deep, "list[");
  strcat(deep, "int");
  for (int i = 0; i < 70; i++) strcat(deep, "]");
  assert_null(flow_schema_parse(pool, deep, strlen(deep)));
  strcpy(deep, "int");
  memset(deep + 3, '?', 200);
  assert_null(flow_schema_parse(pool, deep, 203));
}

/* -- what migrates */

struct migration {
  const char *old_type, *new_type;
  enum flow_schema_verdict verdict;
  bool is_copy;
  const char *text; /* a part of the steps, drops or reason */
  const char *old_hex, *new_hex; /* a value before and after; new null: it cannot be converted */
};

#define SAME FLOW_SCHEMA_SAME
#define MIGRATES FLOW_SCHEMA_MIGRATES
#define DROPS FLOW_SCHEMA_DROPS
#define REFUSED FLOW_SCHEMA_REFUSED

static const struct migration migrations[] = {
    {"int", "int", SAME, true, "", "54", "54"},
    {"record A { x: int }", "record B { x: int }", SAME, true, "", "54", "54"},
    {"record A { x: int }", "record A { x: int = 0x02 }", SAME, true, "", "54", "54"},
    /* a field with a default, or optional; at the end, in front, in an empty record */
    {"record { x: int }", "record { x: int, y: string = 0x026162 }", MIGRATES, false,
     "`s.y` is new, with its default", "54", "54026162"},
    {"record { x: int }", "record { y: bool = 0x01, x: int }", MIGRATES, false, "`s.y` is new",
     "54", "0154"},
    {"record { x: int }", "record { x: int, y: list[int]? }", MIGRATES, false,
     "`s.y` is new, and absent", "54", "5400"},
    {"record {}", "record { y: int = 0x06 }", MIGRATES, false, "`s.y` is new", "00", "06"},
    {"record { x: int }", "record { x: int, y: int }", REFUSED, false,
     "`s.y` is a new field without a default", NULL, NULL},
    /* T to T? and back */
    {"int", "int?", MIGRATES, false, "`s` may now be absent", "54", "0154"},
    {"int?", "int??", MIGRATES, false, NULL, NULL, NULL},
    {"int?", "int", REFUSED, false, "`s` has another type", NULL, NULL},
    {"record { x: list[int] }", "record { x: list[int]? }", MIGRATES, false,
     "`s.x` may now be absent", "020204", "01020204"},
    /* int to float, if exact; the other way never */
    {"int", "float", MIGRATES, false, "`s` was int and is float", "02", "000000000000f03f"},
    {"int", "float?", MIGRATES, false, "float", "01", "01000000000000f0bf"},
    {"float", "int", REFUSED, false, "another type", NULL, NULL},
    {"decimal[2]", "decimal[2]", SAME, true, NULL, "c801", "c801"},
    {"decimal[2]", "decimal[2]?", MIGRATES, false, "may now be absent", "54", "0154"},
    {"decimal[2]", "decimal[3]", REFUSED, false, "another number of digits behind the point", NULL, NULL},
    {"json", "json?", MIGRATES, false, "may now be absent", "0131", "010131"},
    {"json", "string", REFUSED, false, "another type", NULL, NULL},
    {"decimal[0]", "int", REFUSED, false, "another type", NULL, NULL},
    {"list[int]", "list[float]", MIGRATES, false, "`s[]` was int", "0202", NULL},
    /* variants */
    {"enum { a, b }", "enum { a, b, c }", MIGRATES, true, "`s.c` is a new variant", "01", "01"},
    {"enum { a, b }", "enum { c, a, b }", MIGRATES, false, "`s.c` is a new variant", "01", "02"},
    {"enum { a, b }", "enum { b, a }", MIGRATES, false, "variants in another order", "01", "00"},
    {"enum { a, b }", "enum { a }", REFUSED, false, "`s.b` is a variant", NULL, NULL},
    {"enum { a, b }", "enum { a, c was \"b\" }", MIGRATES, true, "`s.c` has a new name", "01",
     "01"},
    {"enum { a { x: int } }", "enum { a { x: int, y: int = 0x02 } }", MIGRATES, false,
     "`s.a.y` is new", "0054", "005402"},
    {"enum { a, b }", "enum { b, a { x: bool = 0x01 } }", MIGRATES, false, "`s.a.x` is new", "00",
     "0101"},
    {"enum { a { x: int } }", "enum { a }", DROPS, false, "s.a.x", "0054", "00"},
    /* names of fields */
    {"record { x: int, y: int }", "record { z was \"x\": int, y: int }", MIGRATES, true,
     "`s.z` has a new name", "0204", "0204"},
    {"record { z was \"x\": int }", "record { z was \"x\": int }", SAME, true, "", "02", "02"},
    {"record { x: int }", "record { z was \"x\": int, x: int = 0x08 }", MIGRATES, false,
     "`s.x` is new", "02", "0208"},
    {"record { x: int, z: int }", "record { z was \"x\": int, x: int }", MIGRATES, false,
     "another order", "0204", "0402"},
    {"record { x: int, y: bool }", "record { y: bool, x: int }", MIGRATES, false,
     "`s` has its fields in another order", "0201", "0102"},
    /* fields that go away */
    {"record { x: int, y: int }", "record { x: int }", DROPS, false, "s.y", "0204", "02"},
    {"record { x: int }", "record {}", DROPS, false, "s.x", "02", "00"},
    {"list[record { x: int, y: string }]", "list[record { y: string }]", DROPS, false, "s[].x",
     "020202616204026364", "02026162026364"},
    {"set[record { x: int, y: int }]", "set[record { x: int }]", REFUSED, false, "part of a key",
     NULL, NULL},
    {"map[record { x: int, y: int }, int]", "map[record { x: int }, int]", REFUSED, false,
     "`s[key].y`", NULL, NULL},
    {"map[int, record { x: int, y: int }]", "map[int, record { x: int }]", DROPS, false, "s[].y",
     "01020406", "010204"},
    /* a state gets `expires`, and loses it */
    {"int", "timed[int] since 3", MIGRATES, false, "`s` expires from now on", "54", "5406"},
    {"int", "timed[float?] since 0", MIGRATES, false, "`s` was int and is float", "02",
     "01000000000000f03f00"},
    {"timed[int] since 3", "timed[int] since 4", SAME, true, "", "5408", "5408"},
    {"timed[int] since 3", "timed[int?] since 4", MIGRATES, false, "`s` may now be absent", "5408",
     "015408"},
    {"timed[int] since 3", "int", MIGRATES, false, "`s` does not expire any more", "5408", "54"},
    {"timed[int] since 3", "timed[string] since 3", REFUSED, false, "another type", NULL, NULL},
    {"int", "timed[int] by time", MIGRATES, false, "`s` expires from now on", "54",
     "54ffffffffffffffffff01"},
    {"timed[int] by time", "timed[int] by time", SAME, true, "", "5408", "5408"},
    {"timed[int] by time", "int", MIGRATES, false, "`s` does not expire any more", "5408", "54"},
    {"timed[int] since 3", "timed[int] by time", REFUSED, false,
     "by now(), and would by the times of items\n  saved:   int expires\n  program: int expires by event time", NULL, NULL},
    {"timed[int] by time", "timed[int] since 3", REFUSED, false, "by the times of items, and would by now()", NULL, NULL},
    /* other changes */
    {"int", "string", REFUSED, false, "saved:   int\n  program: string", NULL, NULL},
    {"int", "timestamp", REFUSED, false, "another type", NULL, NULL},
    {"list[int]", "set[int]", REFUSED, false, "another type", NULL, NULL},
    {"map[int, string]", "map[string, string]", REFUSED, false, "`s[key]` has another type", NULL,
     NULL},
    {"record { a: record { b: list[int] } }", "record { a: record { b: list[bool] } }", REFUSED,
     false, "`s.a.b[]` has another type", NULL, NULL},
    /* nested: everything at once */
    {"map[string, record { k: enum { a, b }, n: int }]",
     "map[string, record { n: int?, k: enum { c, b, a }, l: list[int] = 0x00 }]", MIGRATES, false,
     "`s[].l` is new", "0101610106", "01016101060100"},
};

static size_t unhex(const char *hex, unsigned char *bytes) {
  size_t length = strlen(hex) / 2;
  for (size_t i = 0; i < length; i++) {
    unsigned byte;
    assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
    bytes[i] = (unsigned char)byte;
  }
  return length;
}

static void check_conversion(const struct migration *m, const struct flow_schema_diff *diff) {
  unsigned char before[64], after[64];
  struct flow_buf out = {0};
  flow_put_byte(&out, 0xaa); /* it appends */
  size_t length = unhex(m->old_hex, before);
  bool ok = flow_schema_convert(diff->plan, before, length, &out);
  if (m->new_hex == NULL) {
    assert_false(ok);
    assert_int_equal(out.length, 1);
  } else {
    size_t wanted = unhex(m->new_hex, after);
    if (!ok || out.length != wanted + 1 || memcmp(out.data + 1, after, wanted) != 0)
      fail_msg("%s to %s", m->old_type, m->new_type);
    assert_true(flow_schema_check(parsed(m->new_type), after, wanted));
    for (size_t cut = 0; cut < length; cut++) { /* a piece of a value is not one */
      out.length = 1;
      assert_false(flow_schema_convert(diff->plan, before, cut, &out));
      assert_int_equal(out.length, 1);
    }
  }
  flow_buf_free(&out);
}

static void migrates_by_the_table(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof migrations / sizeof migrations[0]; i++) {
    const struct migration *m = &migrations[i];
    struct flow_schema_diff diff;
    assert_true(flow_schema_compare(pool, "s", parsed(m->old_type), parsed(m->new_type), 0, &diff));
    if (diff.verdict != m->verdict || (diff.plan != NULL) != (m->verdict != REFUSED) ||
        diff.is_copy != m->is_copy)
      fail_msg("%s to %s: verdict %d: %s%s%s", m->old_type, m->new_type, diff.verdict, diff.steps,
               diff.drops, diff.why);
    if (m->text != NULL && strstr(diff.steps, m->text) == NULL &&
        strstr(diff.drops, m->text) == NULL && strstr(diff.why, m->text) == NULL)
      fail_msg("%s to %s: %s%s%s", m->old_type, m->new_type, diff.steps, diff.drops, diff.why);
    if (m->old_hex != NULL) check_conversion(m, &diff);
  }
}

static void never_loses_a_part_of_a_key(void **state) {
  (void)state;
  struct flow_schema_diff diff;
  const struct flow_type *from = parsed("record { x: int, y: int }");
  const struct flow_type *shorter = parsed("record { x: int }");
  const struct flow_type *longer = parsed("record { x: int, y: int, z: bool = 0x00 }");
  assert_true(flow_schema_compare(pool, "s", from, shorter, FLOW_SCHEMA_KEY, &diff));
  assert_int_equal(diff.verdict, REFUSED);
  assert_true(flow_schema_compare(pool, "s", from, longer, FLOW_SCHEMA_KEY, &diff));
  assert_int_equal(diff.verdict, MIGRATES);
}

static void converts_ints_exactly_or_not(void **state) {
  (void)state;
  struct flow_schema_diff diff;
  assert_true(flow_schema_compare(pool, "s", parsed("int"), parsed("float"), 0, &diff));
  const int64_t exact[] = {0, 1, -1, INT64_C(1) << 53, -(INT64_C(1) << 53), INT64_MIN,
                           INT64_C(1) << 62, (INT64_C(1) << 53) + 2};
  const int64_t inexact[] = {(INT64_C(1) << 53) + 1, INT64_MAX, INT64_MIN + 1,
                             -(INT64_C(1) << 53) - 1};
  struct flow_buf in = {0}, out = {0};
  for (size_t i = 0; i < sizeof exact / sizeof exact[0]; i++) {
    in.length = out.length = 0;
    flow_put_int(&in, exact[i]);
    assert_true(flow_schema_convert(diff.plan, in.data, in.length, &out));
    struct flow_reader r = flow_reader_of(out.data, out.length);
    assert_true(flow_get_float(&r) == (double)exact[i]);
  }
  for (size_t i = 0; i < sizeof inexact / sizeof inexact[0]; i++) {
    in.length = out.length = 0;
    flow_put_int(&in, inexact[i]);
    assert_false(flow_schema_convert(diff.plan, in.data, in.length, &out));
    assert_int_equal(out.length, 0);
  }
  flow_buf_free(&in);
  flow_buf_free(&out);
}

/* -- random types and values: change a type, convert values, and compare with values of the new type
 * that were made field by field from the same seeds */

struct maker {
  uint64_t seed;
};

static uint64_t pick(struct maker *m, uint64_t limit) {
  m->seed ^= m->seed << 13;
  m->seed ^= m->seed >> 7;
  m->seed ^= m->seed << 17;
  return (m->seed >> 11) % limit;
}

static void *make(size_t size) {
  void *memory = flow_schema_alloc(pool, size);
  assert_non_null(memory);
  return memory;
}

static char *make_name(char letter, unsigned number) {
  char *name = make(16);
  snprintf(name, 16, "%c%u", letter, number);
  return name;
}

static const struct flow_type *random_type(struct maker *m, int depth);

static const struct flow_field *random_fields(struct maker *m, uint32_t count, int depth) {
  struct flow_field *fields = make((count + 1) * sizeof *fields);
  for (uint32_t i = 0; i < count; i++)
    fields[i] = (struct flow_field){.name = make_name('f', i), .type = random_type(m, depth + 1)};
  return fields;
}

static const struct flow_type *random_type(struct maker *m, int depth) {
  struct flow_type *type = make(sizeof *type);
  type->kind = (enum flow_kind)pick(m, depth < 4 ? FLOW_KIND_ENUM + 1 : FLOW_KIND_OPT);
  if (type->kind == FLOW_KIND_DECIMAL) type->scale = (uint32_t)pick(m, 19);
  switch (type->kind) {
    case FLOW_KIND_MAP:
      type->key = random_type(m, 4);
      type->element = random_type(m, depth + 1);
      break;
    case FLOW_KIND_OPT:
    case FLOW_KIND_LIST:
    case FLOW_KIND_SET: type->element = random_type(m, depth + 1); break;
    case FLOW_KIND_RECORD:
      type->field_count = (uint32_t)pick(m, 4);
      type->fields = random_fields(m, type->field_count, depth);
      break;
    case FLOW_KIND_ENUM: {
      uint32_t count = 1 + (uint32_t)pick(m, 3);
      struct flow_variant *variants = make(count * sizeof *variants);
      for (uint32_t i = 0; i < count; i++) {
        variants[i].name = make_name('v', i);
        variants[i].field_count = (uint32_t)pick(m, 3);
        variants[i].fields = random_fields(m, variants[i].field_count, depth);
      }
      type->variants = variants;
      type->variant_count = count;
      break;
    }
    default: break;
  }
  return type;
}

/* What may become of a type; `old` points to what it was, so that a value can be made for both. */
struct change {
  const struct flow_type *was, *now;
  const struct change *key, *element; /* of containers; of an OPT that wraps: the inner change */
  bool wraps, floats;
  uint32_t *order;               /* of new fields: index of the old one, or UINT32_MAX */
  const struct change **fields;  /* of each old field */
};

static const struct change *random_change(struct maker *m, const struct flow_type *was);

static const struct change *change_record(struct maker *m, struct change *c,
                                          struct flow_type *now) {
  uint32_t count = c->was->field_count, added = (uint32_t)pick(m, 2);
  struct flow_field *fields = make((count + 2) * sizeof *fields);
  c->order = make((count + 2) * sizeof *c->order);
  c->fields = make((count + 1) * sizeof *c->fields);
  for (uint32_t i = 0; i < count; i++) {
    c->fields[i] = random_change(m, c->was->fields[i].type);
    c->order[i] = i;
  }
  for (uint32_t i = 0; i < added; i++) c->order[count + i] = UINT32_MAX;
  for (uint32_t i = count + added; i > 1; i--) {
    uint32_t k = (uint32_t)pick(m, i), swapped = c->order[i - 1];
    c->order[i - 1] = c->order[k];
    c->order[k] = swapped;
  }
  for (uint32_t i = 0; i < count + added; i++) {
    static const struct flow_type int_type = {.kind = FLOW_KIND_INT};
    uint32_t from = c->order[i];
    if (from == UINT32_MAX) {
      fields[i] = (struct flow_field){.name = "added", .type = &int_type, .default_bytes = "\x0e",
                                      .default_length = 1};
      continue;
    }
    bool renamed = pick(m, 3) == 0;
    fields[i] = (struct flow_field){
        .name = renamed ? make_name('r', from) : c->was->fields[from].name,
        .was = renamed ? c->was->fields[from].name : NULL,
        .type = c->fields[from]->now};
  }
  now->fields = fields;
  now->field_count = count + added;
  return c;
}

static const struct change *random_change(struct maker *m, const struct flow_type *was) {
  struct change *c = make(sizeof *c);
  struct flow_type *now = make(sizeof *now);
  *now = *was;
  c->was = was;
  c->now = now;
  if (pick(m, 6) == 0 && was->kind != FLOW_KIND_OPT) {
    c->wraps = true;
    c->element = random_change(m, was);
    if (c->element->now->kind == FLOW_KIND_OPT) return c->element;
    *now = (struct flow_type){.kind = FLOW_KIND_OPT, .element = c->element->now};
    return c;
  }
  switch (was->kind) {
    case FLOW_KIND_INT:
      c->floats = pick(m, 3) == 0;
      if (c->floats) now->kind = FLOW_KIND_FLOAT;
      return c;
    case FLOW_KIND_MAP:
    case FLOW_KIND_OPT:
    case FLOW_KIND_LIST:
    case FLOW_KIND_SET:
      c->element = random_change(m, was->element);
      now->element = c->element->now;
      return c;
    case FLOW_KIND_RECORD: return change_record(m, c, now);
    default: return c;
  }
}

/* Writes a value of the old type to `a` and the same in its new form to `b`. */
static void random_value(struct maker *m, const struct change *c, const struct flow_type *was,
                         struct flow_buf *a, struct flow_buf *b);

static void random_fields_value(struct maker *m, const struct change *c,
                                const struct flow_field *fields, uint32_t count,
                                struct flow_buf *a, struct flow_buf *b) {
  struct flow_buf pieces[8] = {{0}};
  for (uint32_t i = 0; i < count; i++)
    random_value(m, c == NULL ? NULL : c->fields[i], fields[i].type, a, &pieces[i]);
  uint32_t wanted = c == NULL ? count : c->now->field_count;
  for (uint32_t i = 0; i < wanted; i++) {
    uint32_t from = c == NULL ? i : c->order[i];
    if (from == UINT32_MAX) flow_put_byte(b, 0x0e);
    else flow_buf_add(b, pieces[from].data, pieces[from].length);
  }
  for (uint32_t i = 0; i < count; i++) flow_buf_free(&pieces[i]);
}

static void random_scalar(struct maker *m, const struct flow_type *was, struct flow_buf *a) {
  switch (was->kind) {
    case FLOW_KIND_UNIT: flow_put_byte(a, 0); return;
    case FLOW_KIND_FLOAT: flow_put_float(a, (double)pick(m, 1000) / 8); return;
    case FLOW_KIND_BOOL: flow_put_bool(a, pick(m, 2)); return;
    case FLOW_KIND_JSON:
      flow_put_bytes(a, "{\"a\": [1, null]}", 16);
      return;
    case FLOW_KIND_STRING:
    case FLOW_KIND_BYTES: {
      size_t length = pick(m, 10) == 0 ? 300 : pick(m, 20);
      size_t mark = flow_put_open(a);
      for (size_t i = 0; i < length; i++) flow_put_byte(a, (uint8_t)pick(m, 256));
      flow_put_close(a, mark);
      return;
    }
    default: flow_put_int(a, (int64_t)(pick(m, 1u << 30)) - (1 << 29)); return;
  }
}

static void random_value(struct maker *m, const struct change *c, const struct flow_type *was,
                         struct flow_buf *a, struct flow_buf *b) {
  if (c != NULL && c->wraps) {
    flow_put_bool(b, true);
    random_value(m, c->element, was, a, b);
    return;
  }
  const struct change *inner = c == NULL ? NULL : c->element;
  switch (was->kind) {
    case FLOW_KIND_OPT: {
      bool has = pick(m, 2);
      flow_put_bool(a, has);
      flow_put_bool(b, has);
      if (has) random_value(m, inner, was->element, a, b);
      return;
    }
    case FLOW_KIND_LIST:
    case FLOW_KIND_SET:
    case FLOW_KIND_MAP: {
      uint64_t count = pick(m, 5);
      flow_put_varint(a, count);
      flow_put_varint(b, count);
      for (uint64_t i = 0; i < count; i++) {
        if (was->kind == FLOW_KIND_MAP) random_value(m, NULL, was->key, a, b);
        random_value(m, inner, was->element, a, b);
      }
      return;
    }
    case FLOW_KIND_RECORD:
      if (was->field_count == 0) flow_put_byte(a, 0);
      random_fields_value(m, c, was->fields, was->field_count, a, b);
      if ((c == NULL ? was : c->now)->field_count == 0) flow_put_byte(b, 0);
      return;
    case FLOW_KIND_ENUM: {
      uint32_t variant = (uint32_t)pick(m, was->variant_count);
      flow_put_varint(a, variant);
      flow_put_varint(b, variant);
      random_fields_value(m, NULL, was->variants[variant].fields,
                          was->variants[variant].field_count, a, b);
      return;
    }
    default: {
      size_t mark = a->length;
      random_scalar(m, was, a);
      struct flow_reader r = flow_reader_of(a->data + mark, a->length - mark);
      if (c != NULL && c->floats) flow_put_float(b, (double)flow_get_int(&r));
      else flow_buf_add(b, a->data + mark, a->length - mark);
      return;
    }
  }
}

static void converts_random_values(void **state) {
  (void)state;
  struct maker m = {.seed = 2463534242};
  struct flow_buf a = {0}, b = {0}, out = {0}, text = {0};
  unsigned copies = 0, changes = 0;
  for (int round = 0; round < 2000; round++) {
    flow_schema_pool_free(pool);
    pool = flow_schema_pool_new(flow_sys_posix());
    const struct flow_type *was = random_type(&m, 0);
    const struct change *change = random_change(&m, was);
    text.length = 0;
    flow_schema_print(&text, was);
    const struct flow_type *again = flow_schema_parse(pool, text.data, text.length);
    assert_non_null(again);
    struct flow_schema_diff diff;
    assert_true(flow_schema_compare(pool, "s", again, change->now, 0, &diff));
    if (diff.verdict == REFUSED) fail_msg("%.*s: %s", (int)text.length, text.data, diff.why);
    diff.is_copy ? copies++ : changes++;
    for (int i = 0; i < 10; i++) {
      a.length = b.length = out.length = 0;
      random_value(&m, change, was, &a, &b);
      assert_true(flow_schema_check(was, a.data, a.length));
      assert_true(flow_schema_check(change->now, b.data, b.length));
      assert_true(flow_schema_convert(diff.plan, a.data, a.length, &out));
      assert_int_equal(out.length, b.length);
      assert_memory_equal(out.data, b.data, b.length);
      if (diff.is_copy) assert_memory_equal(a.data, b.data, a.length);
      /* Damaged values: any answer, as long as nothing is read that is not there. */
      a.data[pick(&m, a.length)] ^= (char)(1u << pick(&m, 8));
      out.length = 0;
      char *exact = malloc(a.length);
      memcpy(exact, a.data, a.length);
      if (flow_schema_convert(diff.plan, exact, a.length, &out))
        assert_true(flow_schema_check(change->now, out.data, out.length));
      free(exact);
    }
  }
  assert_true(copies > 100 && changes > 100);
  flow_buf_free(&a);
  flow_buf_free(&b);
  flow_buf_free(&out);
  flow_buf_free(&text);
}

/* -- readers */

static void refuses_wrong_forms(void **state) {
  (void)state;
  static const struct {
    const char *type, *hex;
  } wrong[] = {
      {"int", ""}, {"int", "80"}, {"int", "8000"}, {"int", "ffffffffffffffffff02"},
      {"int", "ffffffffffffffffffff01"}, {"int", "0000"}, {"float", "00000000000000"},
      {"bool", "02"}, {"string", "016162"}, {"string", "0261"}, {"string", "ffffffffffffffffff01"},
      {"int?", "0202"}, {"int?", "01"}, {"list[int]", "0302"}, {"list[int]", "ffffffffff7f00"},
      {"enum { a, b }", "02"}, {"unit", "01"}, {"record {}", "01"}, {"record {}", ""},
      {"map[int, int]", "0102"}, {"json", "00"}, {"json", "0220"}, {"json", "025b2c"}};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    unsigned char bytes[32];
    size_t length = unhex(wrong[i].hex, bytes);
    if (flow_schema_check(parsed(wrong[i].type), bytes, length))
      fail_msg("%s as %s", wrong[i].hex, wrong[i].type);
  }
}

static void reads_what_it_writes(void **state) {
  (void)state;
  struct flow_buf b = {0};
  for (unsigned shift = 0; shift < 64; shift++) {
    for (int64_t delta = -1; delta <= 1; delta++) {
      int64_t value = (int64_t)((UINT64_C(1) << shift) + (uint64_t)delta);
      b.length = 0;
      flow_put_int(&b, value);
      flow_put_varint(&b, (uint64_t)value);
      flow_put_float(&b, (double)value);
      flow_put_bytes(&b, &value, sizeof value);
      struct flow_reader r = flow_reader_of(b.data, b.length);
      size_t length;
      assert_true(flow_get_int(&r) == value);
      assert_true(flow_get_varint(&r) == (uint64_t)value);
      assert_true(flow_get_float(&r) == (double)value);
      assert_memory_equal(flow_get_bytes(&r, &length), &value, sizeof value);
      assert_true(flow_reader_done(&r));
    }
  }
  flow_buf_free(&b);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(prints_what_it_parses),       CASE(refuses_other_texts),
      CASE(migrates_by_the_table),       CASE(never_loses_a_part_of_a_key),
      CASE(converts_ints_exactly_or_not), CASE(converts_random_values),
      CASE(refuses_wrong_forms),         CASE(reads_what_it_writes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
