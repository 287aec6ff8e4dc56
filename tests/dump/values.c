/* Written by flowcc from values.flow. Edit that file, not this one. */
#include "flow/flow.h"

/* ==== Types ==== */

/* { r: int } */
struct R_1 {
  int64_t f_r;
};

/* { w: int, h: int } */
struct R_2 {
  int64_t f_w;
  int64_t f_h;
};

/* enum Shape */
enum { K_Shape_dot, K_Shape_circle, K_Shape_box };
struct T_Shape {
  uint32_t tag;
  union {
    struct R_1 f_circle;
    struct R_2 f_box;
  } as;
};

/* string? */
struct O_string {
  bool has;
  struct flow_str value;
};

/* record Item */
struct T_Item {
  int64_t f_id;
  struct T_Shape f_shape;
  struct O_string f_label;
};

/* { id: int, area: int, label: string, parsed: int } */
struct R_3 {
  int64_t f_id;
  int64_t f_area;
  struct flow_str f_label;
  int64_t f_parsed;
};


/* ==== Places in the program, parameters, prototypes ==== */

/* The program's parameters. */
struct params {
  int64_t p_step;
};

static const struct flow_site site_1 = {"fn area", 10, 60, 7,
  "fn area(s: Shape) -> int = match s { dot => 0, circle c => 3 * c.r * c.r, box b => b.w * b.h }", NULL};
static const struct flow_site site_2 = {"fn area", 10, 60, 13,
  "fn area(s: Shape) -> int = match s { dot => 0, circle c => 3 * c.r * c.r, box b => b.w * b.h }", NULL};
static const struct flow_site site_3 = {"fn area", 10, 84, 9,
  "fn area(s: Shape) -> int = match s { dot => 0, circle c => 3 * c.r * c.r, box b => b.w * b.h }", NULL};
static inline const struct params *params_of(const struct flow_worker *w) {
  return w->params;
}

static const struct flow_site site_4 = {"map", 14, 22, 18,
  "  |> map { id, area: area(shape) / step \?\? 0, label: label \?\? \"none\", parsed: parse_int(label \?\? \"\") \?\? -1 }", NULL};
static const struct flow_site site_5 = {"source items", 11, 8, 5,
  "source items: Item = stdin(jsonl)", NULL};
static const struct flow_site site_6 = {"sink stdout", 15, 3, 14,
  "  |> into stdout", NULL};

/* ==== The program's own expressions and statements ==== */

#line 3 "values.flow"
static inline int64_t c_LIMIT(struct flow_worker *w) { (void)w; return 1000; }

#line 13 "values.flow"
static inline bool x_items_filter(struct flow_worker *w, const struct T_Item *it) { return (it->f_id < c_LIMIT(w)); }

#line 10 "values.flow"
static inline bool fn_area(struct flow_worker *w, const struct T_Shape *a_s, int64_t *out) { int64_t t1; if (a_s->tag == K_Shape_dot) { t1 = 0; } else if (a_s->tag == K_Shape_circle) { const struct R_1 v_c = a_s->as.f_circle; int64_t t2; if (__builtin_mul_overflow(3, v_c.f_r, &t2)) return flow_fault_at(w, &site_1, "the product overflows"); int64_t t3; if (__builtin_mul_overflow(t2, v_c.f_r, &t3)) return flow_fault_at(w, &site_2, "the product overflows"); t1 = t3; } else { const struct R_2 v_b = a_s->as.f_box; int64_t t4; if (__builtin_mul_overflow(v_b.f_w, v_b.f_h, &t4)) return flow_fault_at(w, &site_3, "the product overflows"); t1 = t4; } *out = t1; return true; }

#line 14 "values.flow"
static inline bool x_items_map(struct flow_worker *w, const struct T_Item *it, struct R_3 *out) { int64_t t1; int64_t t2 = 0; if (!fn_area(w, &it->f_shape, &t2)) { if (w->failure.is_fault) return false; goto otherwise_1; } if (params_of(w)->p_step == 0) goto otherwise_1; if (params_of(w)->p_step == -1 && t2 == INT64_MIN) return flow_fault_at(w, &site_4, "the division overflows"); int64_t t3 = t2 / params_of(w)->p_step; t1 = t3; goto done_1; otherwise_1:; t1 = 0; done_1:; struct flow_str t4; if (it->f_label.has) { t4 = it->f_label.value; } else { t4 = (struct flow_str){.length = 4, .bytes = "none"}; } int64_t t5; struct flow_str t6; if (it->f_label.has) { t6 = it->f_label.value; } else { t6 = (struct flow_str){.length = 0, .bytes = ""}; } int64_t t7; if (flow_parse_int(flow_str_data(&t6), t6.length, &t7) != NULL) goto otherwise_2; t5 = t7; goto done_2; otherwise_2:; t5 = (-1); done_2:; struct R_3 t8 = {.f_id = it->f_id, .f_area = t1, .f_label = t4, .f_parsed = t5}; *out = t8; return true; }

#line 2 "values.flow"
static inline bool where_p_step(struct flow_worker *w) { return (params_of(w)->p_step > 0); }

#line 91 "values.c"

/* ==== Reading and writing records ==== */

static inline uint32_t field_R_1(const char *name, size_t length) {
  switch (length) {
    case 1:
      if (memcmp(name, "r", 1) == 0) return 1;
      return 0;
    default: return 0;
  }
}

static bool read_R_1(struct flow_worker *w, struct flow_json *j, struct R_1 *x) {
  (void)w;
  uint64_t seen0 = 0;
  uint32_t at = 2, next, others = 0;
  enum flow_json_next more;
  struct flow_str decoded;
  const char *name;
  size_t length;
  _Static_assert(FLOW_GUESSES >= 58, "a block holds these guesses");
  struct flow_guess *guesses = j->guesses + 30;
  uint32_t wrong = 0;
  bool is_learning;
  const char *from;
  next = flow_json_follow(j, &guesses[at]);
  if (FLOW_UNLIKELY(next != 1)) goto other;
value_1: { /* r */
  if (!flow_json_int(j, &x->f_r)) return flow_json_in_field(j, "r");
  seen0 |= UINT64_C(1) << 0;
  next = flow_json_follow(j, &guesses[1]);
  if (FLOW_UNLIKELY(next != 3)) {
    at = 1;
    goto other;
  }
  }
  goto done;
other:
  switch (next) {
    case 0: break;
    case 1: goto value_1;
    case 3: goto done;
    default:
      flow_json_blanks(j);
      if (!flow_json_skip(j)) return false;
      others = (at = next) - 3;
      next = flow_json_follow(j, &guesses[at]);
      goto other;
  }
  is_learning = flow_json_learns(guesses);
  if (is_learning && (next = flow_json_follow(j, &guesses[guesses[at].next])) != 0)
    goto other;
  from = j->cursor;
  wrong++;
  more = flow_json_member(j, at == 2 ? "a record" : NULL, &decoded, &name, &length);
  if (more == FLOW_JSON_BAD) return false;
  if (more == FLOW_JSON_END) {
    next = 3;
  } else {
    next = field_R_1(name, length);
    if (next == 0) next = 4 + (others < 23 ? others : 23);
  }
  if (is_learning) flow_json_learn(j, &guesses[at], from, next);
  goto other;
done:
  if (FLOW_UNLIKELY(wrong >= FLOW_JSON_WRONG))
    flow_json_doubt(guesses, 28, 1 + others, wrong);
  if (FLOW_UNLIKELY(seen0 != UINT64_C(0x1))) {
    if (!(seen0 >> 0 & 1)) return flow_json_missing(j, "r");
  }
  return true;
}

static inline uint32_t field_R_2(const char *name, size_t length) {
  switch (length) {
    case 1:
      if (memcmp(name, "w", 1) == 0) return 1;
      if (memcmp(name, "h", 1) == 0) return 2;
      return 0;
    default: return 0;
  }
}

static bool read_R_2(struct flow_worker *w, struct flow_json *j, struct R_2 *x) {
  (void)w;
  uint64_t seen0 = 0;
  uint32_t at = 3, next, others = 0;
  enum flow_json_next more;
  struct flow_str decoded;
  const char *name;
  size_t length;
  _Static_assert(FLOW_GUESSES >= 87, "a block holds these guesses");
  struct flow_guess *guesses = j->guesses + 58;
  uint32_t wrong = 0;
  bool is_learning;
  const char *from;
  next = flow_json_follow(j, &guesses[at]);
  if (FLOW_UNLIKELY(next != 1)) goto other;
value_1: { /* w */
  if (!flow_json_int(j, &x->f_w)) return flow_json_in_field(j, "w");
  seen0 |= UINT64_C(1) << 0;
  next = flow_json_follow(j, &guesses[1]);
  if (FLOW_UNLIKELY(next != 2)) {
    at = 1;
    goto other;
  }
  }
value_2: { /* h */
  if (!flow_json_int(j, &x->f_h)) return flow_json_in_field(j, "h");
  seen0 |= UINT64_C(1) << 1;
  next = flow_json_follow(j, &guesses[2]);
  if (FLOW_UNLIKELY(next != 4)) {
    at = 2;
    goto other;
  }
  }
  goto done;
other:
  switch (next) {
    case 0: break;
    case 1: goto value_1;
    case 2: goto value_2;
    case 4: goto done;
    default:
      flow_json_blanks(j);
      if (!flow_json_skip(j)) return false;
      others = (at = next) - 4;
      next = flow_json_follow(j, &guesses[at]);
      goto other;
  }
  is_learning = flow_json_learns(guesses);
  if (is_learning && (next = flow_json_follow(j, &guesses[guesses[at].next])) != 0)
    goto other;
  from = j->cursor;
  wrong++;
  more = flow_json_member(j, at == 3 ? "a record" : NULL, &decoded, &name, &length);
  if (more == FLOW_JSON_BAD) return false;
  if (more == FLOW_JSON_END) {
    next = 4;
  } else {
    next = field_R_2(name, length);
    if (next == 0) next = 5 + (others < 23 ? others : 23);
  }
  if (is_learning) flow_json_learn(j, &guesses[at], from, next);
  goto other;
done:
  if (FLOW_UNLIKELY(wrong >= FLOW_JSON_WRONG))
    flow_json_doubt(guesses, 29, 2 + others, wrong);
  if (FLOW_UNLIKELY(seen0 != UINT64_C(0x3))) {
    if (!(seen0 >> 0 & 1)) return flow_json_missing(j, "w");
    if (!(seen0 >> 1 & 1)) return flow_json_missing(j, "h");
  }
  return true;
}

static inline bool match_T_Shape(const char *text, size_t length, struct T_Shape *x) {
  switch (length) {
    case 3:
      if (memcmp(text, "dot", 3) == 0) {
        x->tag = K_Shape_dot;
        return true;
      }
      break;
    default: break;
  }
  return false;
}

static bool read_T_Shape(struct flow_worker *w, struct flow_json *j, struct T_Shape *x) {
  if (*j->cursor == '{') {
    const char *at = ++j->cursor;
    struct flow_str key;
    if (flow_json_first_member(j) != FLOW_JSON_MORE) {
      return flow_bad(j->bad, at, "%s", "expected the name of a variant in quotes");
    }
    if (!flow_json_key(j, &key)) return false;
    const char *text = flow_str_data(&key);
    size_t length = key.length;
    bool is_known = false;
  switch (length) {
    case 6:
      if (memcmp(text, "circle", 6) == 0) {
        is_known = true, x->tag = K_Shape_circle;
      }
      break;
    case 3:
      if (memcmp(text, "box", 3) == 0) {
        is_known = true, x->tag = K_Shape_box;
      }
      break;
    default: break;
  }
    if (!is_known) return flow_json_no_variant(j, at, &key, "a Shape (dot, circle, box)");
    switch (x->tag) {
      case K_Shape_circle:
        if (!read_R_1(w, j, &x->as.f_circle)) return flow_json_in_field(j, "circle");
        break;
      case K_Shape_box:
        if (!read_R_2(w, j, &x->as.f_box)) return flow_json_in_field(j, "box");
        break;
      default: break;
    }
    enum flow_json_next next = flow_json_next_member(j);
    if (next == FLOW_JSON_END) return true;
    if (next == FLOW_JSON_BAD) return false;
    return flow_bad(j->bad, j->cursor, "%s", "expected `}` behind the variant");
  }
  if (flow_json_try_text(j, "\"dot\"", 5)) {
    x->tag = K_Shape_dot;
    return true;
  }
  const char *at = j->cursor;
  struct flow_str name;
  if (FLOW_UNLIKELY(*at != '"')) return flow_json_expected(j, "a Shape (dot, circle, box)");
  if (!flow_json_string(j, &name)) return false;
  if (match_T_Shape(flow_str_data(&name), name.length, x)) return true;
  return flow_json_no_variant(j, at, &name, "a Shape (dot, circle, box)");
}

static inline uint32_t field_T_Item(const char *name, size_t length) {
  switch (length) {
    case 2:
      if (memcmp(name, "id", 2) == 0) return 1;
      return 0;
    case 5:
      if (memcmp(name, "shape", 5) == 0) return 2;
      if (memcmp(name, "label", 5) == 0) return 3;
      return 0;
    default: return 0;
  }
}

static bool read_T_Item(struct flow_worker *w, struct flow_json *j, struct T_Item *x) {
  uint64_t seen0 = 0;
  uint32_t at = 4, next, others = 0;
  enum flow_json_next more;
  struct flow_str decoded;
  const char *name;
  size_t length;
  _Static_assert(FLOW_GUESSES >= 30, "a block holds these guesses");
  struct flow_guess *guesses = j->guesses + 0;
  uint32_t wrong = 0;
  bool is_learning;
  const char *from;
  next = flow_json_follow(j, &guesses[at]);
  if (FLOW_UNLIKELY(next != 1)) goto other;
value_1: { /* id */
  if (!flow_json_int(j, &x->f_id)) return flow_json_in_field(j, "id");
  seen0 |= UINT64_C(1) << 0;
  next = flow_json_follow(j, &guesses[1]);
  if (FLOW_UNLIKELY(next != 2)) {
    at = 1;
    goto other;
  }
  }
value_2: { /* shape */
  flow_json_blanks(j);
  if (!read_T_Shape(w, j, &x->f_shape)) return flow_json_in_field(j, "shape");
  seen0 |= UINT64_C(1) << 1;
  next = flow_json_follow(j, &guesses[2]);
  if (FLOW_UNLIKELY(next != 3)) {
    at = 2;
    goto other;
  }
  }
value_3: { /* label */
  flow_json_blanks(j);
  x->f_label.has = !flow_json_try_null(j);
  if (!x->f_label.has) memset(&x->f_label.value, 0, sizeof x->f_label.value);
  else if (!flow_json_string(j, &x->f_label.value)) return flow_json_in_field(j, "label");
  seen0 |= UINT64_C(1) << 2;
  next = flow_json_follow(j, &guesses[3]);
  if (FLOW_UNLIKELY(next != 5)) {
    at = 3;
    goto other;
  }
  }
  goto done;
other:
  switch (next) {
    case 0: break;
    case 1: goto value_1;
    case 2: goto value_2;
    case 3: goto value_3;
    case 5: goto done;
    default:
      flow_json_blanks(j);
      if (!flow_json_skip(j)) return false;
      others = (at = next) - 5;
      next = flow_json_follow(j, &guesses[at]);
      goto other;
  }
  is_learning = flow_json_learns(guesses);
  if (is_learning && (next = flow_json_follow(j, &guesses[guesses[at].next])) != 0)
    goto other;
  from = j->cursor;
  wrong++;
  more = flow_json_member(j, at == 4 ? "an Item" : NULL, &decoded, &name, &length);
  if (more == FLOW_JSON_BAD) return false;
  if (more == FLOW_JSON_END) {
    next = 5;
  } else {
    next = field_T_Item(name, length);
    if (next == 0) next = 6 + (others < 23 ? others : 23);
  }
  if (is_learning) flow_json_learn(j, &guesses[at], from, next);
  goto other;
done:
  if (FLOW_UNLIKELY(wrong >= FLOW_JSON_WRONG))
    flow_json_doubt(guesses, 30, 3 + others, wrong);
  if (FLOW_UNLIKELY(seen0 != UINT64_C(0x7))) {
    if (!(seen0 >> 0 & 1)) return flow_json_missing(j, "id");
    if (!(seen0 >> 1 & 1)) return flow_json_missing(j, "shape");
    if (!(seen0 >> 2 & 1)) x->f_label = (struct O_string){0};
  }
  return true;
}

static enum flow_parse parse_items(struct flow_worker *w, struct flow_block *b, struct T_Item *out) {
  struct flow_json json, *j = &json;
  if (FLOW_UNLIKELY(b->is_too_long)) return flow_line_too_long(b);
  if (FLOW_UNLIKELY(!flow_json_begin(w, b, j))) return FLOW_NO_RECORD;
  flow_json_blanks(j);
  if (FLOW_UNLIKELY(!read_T_Item(w, j, out) || !flow_json_finish(j))) return flow_json_refused(b);
  return flow_json_done(b, j);
}

static void print_stdout(struct flow_worker *w, struct flow_buf *b, const struct R_3 *x) {
  (void)w;
  const size_t room = 120;
  flow_buf_reserve(b, room);
  char *p = b->data + b->length;
  p = flow_write_fixed(p, "{\"id\": ", 7);
  p = flow_write_number(p, x->f_id);
  p = flow_write_fixed(p, ", \"area\": ", 10);
  p = flow_write_number(p, x->f_area);
  p = flow_write_fixed(p, ", \"label\": \"", 12);
  p = flow_write_json_str(b, p, &x->f_label, room);
  p = flow_write_fixed(p, "\", \"parsed\": ", 13);
  p = flow_write_number(p, x->f_parsed);
  p = flow_write_fixed(p, "}\n", 2);
  b->length = (size_t)(p - b->data);
}


/* ==== Fused stages: the way of a row from its source to its sinks ==== */

static enum flow_run run_items(struct flow_worker *w, struct flow_block *block) {
  struct T_Item rows[FLOW_BATCH];
  while (block->cursor < block->end && block->records < block->budget) {
    enum flow_parse parsed = FLOW_PARSED;
    uint64_t room = block->budget - block->records;
    uint32_t limit = room < FLOW_BATCH ? (uint32_t)room : FLOW_BATCH, count = 0;
    while (count < limit && block->cursor < block->end) {
      parsed = parse_items(w, block, &rows[count]);
      if (parsed != FLOW_PARSED) break;
      count++;
    }
    for (uint32_t i = 0; i < count; i++) {
      const struct T_Item *it = &rows[i];
      /* 13: |> filter id < LIMIT */
      const bool row1 = x_items_filter(w, it);
      if (row1) {
        /* 14: |> map { id, area: area(shape) / step ?? 0, label: label ?? "none", pa … */
        struct R_3 row2 = {0};
        if (!x_items_map(w, it, &row2)) {
          flow_abort_record(w);
        }
        print_stdout(w, flow_sink_row(w, 0), &row2);
      }
      block->records++;
      w->record++;
    }
    if (parsed == FLOW_BAD_RECORD) {
      block->cursor = block->bad.record;
      block->line = block->bad.line;
      flow_batch_end(w);
      return FLOW_RUN_STOP;
    }
    flow_batch_end(w);
  }
  return FLOW_RUN_DONE;
}


/* ==== The program ==== */

static const struct flow_param params[] = {
  {.name = "step", .doc = NULL, .default_text = "2", .kind = FLOW_PARAM_INT,
   .offset = offsetof(struct params, p_step), .has_offset = -1, .is_required = false,
   .variants = NULL},
};

static void default_params(void *params_to_fill) {
  struct params *p = params_to_fill;
  *p = (struct params){0};
  p->p_step = 2;
}

static const char *check_params(const struct flow_worker *worker, const void *values) {
  struct flow_worker copy = *worker, *w = &copy;
  w->params = values;
  if (!where_p_step(w)) return "`step` must satisfy `step > 0`";
  return NULL;
}

static const char *const columns_of_items[] = {"id", "shape", "label", };
static const bool required_of_items[] = {true, true, false, };

static const struct flow_source_desc sources[] = {
  {.name = "items", .was = NULL, .site = &site_5,
   .connector = &flow_connector_stdin, .framing = FLOW_FRAMING_LINES,
   .has_header = false, .skips_blank = true,
   .columns = columns_of_items, .is_required = required_of_items, .column_count = 3,
   .poll_us = INT64_C(0), .item_name = "Item", .on_fail = "stop",
   .location = NULL, .run = run_items},
};

static const struct flow_sink_desc sinks[] = {
  {.name = "stdout", .was = NULL, .site = &site_6,
   .connector = &flow_connector_stdout, .header = NULL,
   .location = NULL},
};

const struct flow_program flow_program = {
  .abi_version = FLOW_ABI_VERSION,
  .name = "values", .file = "values.flow", .doc = NULL,
  .compiler = "flowcc 0.1.0",
  .params_size = sizeof(struct params), .params = params, .param_count = 1,
  .default_params = default_params,
  .check_params = check_params,
  .sources = sources, .source_count = 1,
  .sinks = sinks, .sink_count = 1,
  .is_boundary_dependent = false,
};

int main(int argc, char **argv) {
  return flow_main(&flow_program, argc, argv);
}
