/* What became of a type, and how its values are rewritten.
 *
 * One walk over both types decides and builds the plan at once. A plan is a tree like the types; the
 * usual case, nothing changed below here, is one COPY node.
 */
#include "schema.h"

#include <string.h>

#define NO_FIELD UINT32_MAX

enum plan_op {
  PLAN_COPY,
  PLAN_WRAP,  /* T to T? */
  PLAN_FLOAT, /* int to float */
  PLAN_OPT,
  PLAN_SEQUENCE, /* list, set; map with `key` */
  PLAN_RECORD,
  PLAN_ENUM,
  PLAN_TIMED,   /* timed[T] to timed[U] */
  PLAN_TIME,    /* T to timed[U] */
  PLAN_UNTIMED, /* timed[T] to U */
};

/* Where a new field comes from: an old one, rewritten, or bytes of its own. */
struct field_step {
  uint32_t from; /* index among the old fields, or NO_FIELD */
  const struct flow_schema_plan *plan;
  const char *bytes;
  size_t length;
};

struct span {
  const uint8_t *start, *end;
};

struct fields_plan {
  const struct flow_field *from;
  uint32_t from_count, to_count, variant; /* variant: its index in the new enum */
  struct field_step *steps;               /* one for each new field */
  struct span *spans;                     /* scratch, one for each old field */
};

struct flow_schema_plan {
  enum plan_op op;
  const struct flow_type *from;
  const struct flow_schema_plan *key, *element;
  struct fields_plan *fields; /* RECORD: one; ENUM: one for each old variant */
  int64_t since_us;           /* TIME */
};

/* -- comparing */

struct differ {
  struct flow_schema_pool *pool;
  struct flow_buf path, steps, drops, why;
  enum flow_schema_verdict verdict;
  bool no_memory;
};

static void add_text(struct flow_buf *out, const char *text) {
  flow_buf_add(out, text, strlen(text));
}

static void raise_verdict(struct differ *d, enum flow_schema_verdict verdict) {
  if (d->verdict < verdict) d->verdict = verdict;
}

/* "`path` " and then the text. */
static void add_step(struct differ *d, const char *text) {
  raise_verdict(d, FLOW_SCHEMA_MIGRATES);
  if (d->steps.length != 0) add_text(&d->steps, "\n");
  add_text(&d->steps, "`");
  flow_buf_add(&d->steps, d->path.data, d->path.length);
  add_text(&d->steps, "` ");
  add_text(&d->steps, text);
}

static void add_drop(struct differ *d, const char *name) {
  raise_verdict(d, FLOW_SCHEMA_DROPS);
  if (d->drops.length != 0) add_text(&d->drops, "\n");
  flow_buf_add(&d->drops, d->path.data, d->path.length);
  add_text(&d->drops, ".");
  add_text(&d->drops, name);
}

static void add_type(struct flow_buf *out, const struct flow_type *type) {
  if (type == NULL) add_text(out, "nothing");
  else flow_schema_show(out, type);
}

/* Refuses; only the first reason is kept, the others usually follow from it. A type is null if there
 * is none on that side. Returns null. */
static const struct flow_schema_plan *refuse(struct differ *d, const struct flow_type *old_type,
                                             const struct flow_type *new_type, const char *reason) {
  if (d->verdict == FLOW_SCHEMA_REFUSED) return NULL;
  d->verdict = FLOW_SCHEMA_REFUSED;
  add_text(&d->why, "`");
  flow_buf_add(&d->why, d->path.data, d->path.length);
  add_text(&d->why, "` ");
  add_text(&d->why, reason);
  add_text(&d->why, "\n  saved:   ");
  add_type(&d->why, old_type);
  add_text(&d->why, "\n  program: ");
  add_type(&d->why, new_type);
  return NULL;
}

static size_t enter(struct differ *d, const char *dot, const char *name) {
  size_t mark = d->path.length;
  add_text(&d->path, dot);
  add_text(&d->path, name);
  return mark;
}

static struct flow_schema_plan *new_plan(struct differ *d, enum plan_op op,
                                         const struct flow_type *from) {
  struct flow_schema_plan *plan = flow_schema_alloc(d->pool, sizeof *plan);
  if (plan == NULL) {
    d->no_memory = true;
    return NULL;
  }
  plan->op = op;
  plan->from = from;
  return plan;
}

static const struct flow_schema_plan *compare(struct differ *, const struct flow_type *old_type,
                                              const struct flow_type *new_type, bool is_key);

static uint32_t find_field(const struct flow_field *fields, uint32_t count, const char *name) {
  for (uint32_t i = 0; name != NULL && i < count; i++)
    if (strcmp(fields[i].name, name) == 0) return i;
  return NO_FIELD;
}

/* Where field `i` of the new fields comes from. A `was` counts only while its own name is not stored
 * yet, and then it takes the old field away from a new field that reuses the old name. */
static uint32_t field_source(const struct flow_field *old_fields, uint32_t old_count,
                             const struct flow_field *new_fields, uint32_t new_count, uint32_t i) {
  uint32_t by_name = find_field(old_fields, old_count, new_fields[i].name);
  if (by_name == NO_FIELD) return find_field(old_fields, old_count, new_fields[i].was);
  for (uint32_t k = 0; k < new_count; k++) {
    if (k == i || new_fields[k].was == NULL) continue;
    if (strcmp(new_fields[k].was, new_fields[i].name) != 0) continue;
    if (find_field(old_fields, old_count, new_fields[k].name) == NO_FIELD) return NO_FIELD;
  }
  return by_name;
}

/* Whether a program can have written the name, which is otherwise that of a window: "tumbling 10s". */
static bool is_word(const char *name) {
  return name[strcspn(name, " (")] == '\0';
}

/* Plans one new field. `*is_copy` becomes false unless it is old field `i`, unchanged. */
static bool plan_field(struct differ *d, struct fields_plan *plan, const struct flow_field *now,
                       uint32_t i, bool is_key, bool *is_copy) {
  struct field_step *step = &plan->steps[i];
  size_t mark = enter(d, ".", now->name);
  if (step->from != NO_FIELD) {
    const struct flow_field *old_field = &plan->from[step->from];
    if (strcmp(old_field->name, now->name) != 0) add_step(d, "has a new name");
    step->plan = compare(d, old_field->type, now->type, is_key);
    if (step->plan == NULL || step->plan->op != PLAN_COPY || step->from != i) *is_copy = false;
  } else if (now->is_needed) {
    refuse(d, NULL, now->type, "is new, and what is saved was made without it: give what computes it a new name");
  } else if (now->default_bytes != NULL) {
    add_step(d, "is new, with its default");
    step->bytes = now->default_bytes;
    step->length = now->default_length;
    *is_copy = false;
  } else if (now->type->kind == FLOW_KIND_OPT) {
    add_step(d, "is new, and absent in saved values");
    step->bytes = "";
    step->length = 1; /* the zero byte of `none` */
    *is_copy = false;
  } else {
    refuse(d, NULL, now->type,
           is_word(now->name) ? "is a new field without a default: give it one, or an optional type"
                              : "is another one than what is saved under this name");
  }
  d->path.length = mark;
  return d->verdict != FLOW_SCHEMA_REFUSED && !d->no_memory;
}

static bool plan_fields(struct differ *d, struct fields_plan *plan,
                        const struct flow_field *new_fields, bool is_key, bool *is_copy) {
  uint32_t last = 0;
  bool is_ordered = true;
  plan->steps = flow_schema_alloc(d->pool, (plan->to_count + 1) * sizeof *plan->steps);
  plan->spans = flow_schema_alloc(d->pool, (plan->from_count + 1) * sizeof *plan->spans);
  bool *is_used = flow_schema_alloc(d->pool, plan->from_count + 1);
  if (plan->steps == NULL || plan->spans == NULL || is_used == NULL) {
    d->no_memory = true;
    return false;
  }
  if (plan->from_count != plan->to_count) *is_copy = false;
  for (uint32_t i = 0; i < plan->to_count; i++) {
    uint32_t from = field_source(plan->from, plan->from_count, new_fields, plan->to_count, i);
    plan->steps[i].from = from;
    if (from != NO_FIELD) {
      is_used[from] = true;
      if (from < last) is_ordered = false;
      last = from;
    }
    if (!plan_field(d, plan, &new_fields[i], i, is_key, is_copy)) return false;
  }
  if (!is_ordered) add_step(d, "has its fields in another order");
  for (uint32_t i = 0; i < plan->from_count; i++) {
    if (is_used[i]) continue;
    *is_copy = false;
    if (is_key) {
      size_t mark = enter(d, ".", plan->from[i].name);
      refuse(d, plan->from[i].type, NULL, "is a part of a key and cannot be removed");
      d->path.length = mark;
      return false;
    }
    add_drop(d, plan->from[i].name);
  }
  return true;
}

static const struct flow_schema_plan *compare_records(struct differ *d, const struct flow_type *was,
                                                      const struct flow_type *now, bool is_key) {
  struct flow_schema_plan *plan = new_plan(d, PLAN_RECORD, was);
  struct fields_plan *fields = flow_schema_alloc(d->pool, sizeof *fields);
  bool is_copy = true;
  if (plan == NULL || fields == NULL) {
    d->no_memory = true;
    return NULL;
  }
  fields->from = was->fields;
  fields->from_count = was->field_count;
  fields->to_count = now->field_count;
  plan->fields = fields;
  if (!plan_fields(d, fields, now->fields, is_key, &is_copy)) return NULL;
  if (is_copy) plan->op = PLAN_COPY;
  return plan;
}

static uint32_t find_variant(const struct flow_type *type, const char *name) {
  for (uint32_t i = 0; name != NULL && i < type->variant_count; i++)
    if (strcmp(type->variants[i].name, name) == 0) return i;
  return NO_FIELD;
}

/* The new variant that old variant `i` became, or NO_FIELD; the rule is that of fields. */
static uint32_t variant_target(const struct flow_type *was, const struct flow_type *now,
                               uint32_t i) {
  for (uint32_t k = 0; k < now->variant_count; k++) {
    const struct flow_variant *variant = &now->variants[k];
    if (variant->was != NULL && strcmp(variant->was, was->variants[i].name) == 0 &&
        find_variant(was, variant->name) == NO_FIELD)
      return k;
  }
  return find_variant(now, was->variants[i].name);
}

static bool plan_variant(struct differ *d, struct fields_plan *plan, const struct flow_type *was,
                         const struct flow_type *now, uint32_t i, bool is_key, bool *is_copy) {
  uint32_t target = variant_target(was, now, i);
  if (target == NO_FIELD) {
    size_t mark = enter(d, ".", was->variants[i].name);
    refuse(d, was, now, "is a variant that the program has no more");
    d->path.length = mark;
    return false;
  }
  const struct flow_variant *variant = &now->variants[target];
  size_t mark = enter(d, ".", variant->name);
  plan->from = was->variants[i].fields;
  plan->from_count = was->variants[i].field_count;
  plan->to_count = variant->field_count;
  plan->variant = target;
  if (target != i) *is_copy = false;
  if (strcmp(was->variants[i].name, variant->name) != 0) add_step(d, "has a new name");
  bool ok = plan_fields(d, plan, variant->fields, is_key, is_copy);
  d->path.length = mark;
  return ok;
}

static const struct flow_schema_plan *compare_enums(struct differ *d, const struct flow_type *was,
                                                    const struct flow_type *now, bool is_key) {
  struct flow_schema_plan *plan = new_plan(d, PLAN_ENUM, was);
  size_t count = was->variant_count;
  struct fields_plan *variants = flow_schema_alloc(d->pool, (count + 1) * sizeof *variants);
  bool *is_target = flow_schema_alloc(d->pool, now->variant_count + 1);
  uint32_t last = 0;
  bool is_copy = true, is_ordered = true;
  if (plan == NULL || variants == NULL || is_target == NULL) {
    d->no_memory = true;
    return NULL;
  }
  plan->fields = variants;
  for (uint32_t i = 0; i < count; i++) {
    if (!plan_variant(d, &variants[i], was, now, i, is_key, &is_copy)) return NULL;
    is_target[variants[i].variant] = true;
    if (variants[i].variant < last) is_ordered = false;
    last = variants[i].variant;
  }
  if (!is_ordered) add_step(d, "has its variants in another order");
  for (uint32_t i = 0; i < now->variant_count; i++) {
    if (is_target[i]) continue;
    size_t mark = enter(d, ".", now->variants[i].name);
    add_step(d, "is a new variant");
    d->path.length = mark;
  }
  if (is_copy) plan->op = PLAN_COPY;
  return plan;
}

static const struct flow_schema_plan *compare_sequences(struct differ *d,
                                                        const struct flow_type *was,
                                                        const struct flow_type *now, bool is_key) {
  struct flow_schema_plan *plan = new_plan(d, PLAN_SEQUENCE, was);
  if (plan == NULL) return NULL;
  if (was->kind == FLOW_KIND_MAP) {
    size_t mark = enter(d, "", "[key]");
    plan->key = compare(d, was->key, now->key, true);
    d->path.length = mark;
    if (plan->key == NULL) return NULL;
  }
  size_t mark = enter(d, "", "[]");
  plan->element = compare(d, was->element, now->element, is_key || was->kind == FLOW_KIND_SET);
  d->path.length = mark;
  if (plan->element == NULL) return NULL;
  if (plan->element->op == PLAN_COPY && (plan->key == NULL || plan->key->op == PLAN_COPY))
    plan->op = PLAN_COPY;
  return plan;
}

/* The time from which values count that were saved without one is not compared: it is that of the stored type. */
static const struct flow_schema_plan *compare_timed(struct differ *d, const struct flow_type *was,
                                                    const struct flow_type *now, bool is_key) {
  bool was_timed = was->kind == FLOW_KIND_TIMED, is_timed = now->kind == FLOW_KIND_TIMED;
  /* With the times of one clock, the other would drop all keys at once, or none for years. */
  if (was_timed && is_timed && was->by_time != now->by_time)
    return refuse(d, was, now, now->by_time ? "has keys that expire by now(), and would by the times of items"
                                            : "has keys that expire by the times of items, and would by now()");
  enum plan_op op = !was_timed ? PLAN_TIME : is_timed ? PLAN_TIMED : PLAN_UNTIMED;
  struct flow_schema_plan *plan = new_plan(d, op, was);
  if (plan == NULL) return NULL;
  if (op == PLAN_TIME && now->by_time)
    add_step(d, "expires from now on; what is saved counts from the next item of its key");
  else if (op == PLAN_TIME)
    add_step(d, "expires from now on; what is saved counts from this run on");
  if (op == PLAN_UNTIMED) add_step(d, "does not expire any more");
  plan->since_us = now->by_time ? INT64_MIN : now->since_us;
  plan->element = compare(d, was_timed ? was->element : was, is_timed ? now->element : now, is_key);
  if (plan->element == NULL) return NULL;
  if (op == PLAN_TIMED && plan->element->op == PLAN_COPY) plan->op = PLAN_COPY;
  return plan;
}

static const struct flow_schema_plan *compare(struct differ *d, const struct flow_type *was,
                                              const struct flow_type *now, bool is_key) {
  struct flow_schema_plan *plan;
  if (was->kind == FLOW_KIND_TIMED || now->kind == FLOW_KIND_TIMED) {
    return compare_timed(d, was, now, is_key);
  }
  if (was->kind != now->kind) {
    if (now->kind == FLOW_KIND_OPT) {
      plan = new_plan(d, PLAN_WRAP, was);
      if (plan == NULL) return NULL;
      add_step(d, "may now be absent");
      plan->element = compare(d, was, now->element, is_key);
      return plan->element == NULL ? NULL : plan;
    }
    if (was->kind == FLOW_KIND_INT && now->kind == FLOW_KIND_FLOAT) {
      add_step(d, "was int and is float");
      return new_plan(d, PLAN_FLOAT, was);
    }
    return refuse(d, was, now, "has another type");
  }
  switch (was->kind) {
    case FLOW_KIND_DECIMAL:
      if (was->scale != now->scale)
        return refuse(d, was, now, "has another number of digits behind the point");
      return new_plan(d, PLAN_COPY, was);
    case FLOW_KIND_OPT:
      plan = new_plan(d, PLAN_OPT, was);
      if (plan == NULL) return NULL;
      plan->element = compare(d, was->element, now->element, is_key);
      if (plan->element == NULL) return NULL;
      if (plan->element->op == PLAN_COPY) plan->op = PLAN_COPY;
      return plan;
    case FLOW_KIND_LIST:
    case FLOW_KIND_SET:
    case FLOW_KIND_MAP: return compare_sequences(d, was, now, is_key);
    case FLOW_KIND_RECORD: return compare_records(d, was, now, is_key);
    case FLOW_KIND_ENUM: return compare_enums(d, was, now, is_key);
    default: return new_plan(d, PLAN_COPY, was);
  }
}

static const char *keep_text(struct differ *d, struct flow_buf *text) {
  char *kept = flow_schema_alloc(d->pool, text->length + 1);
  if (kept == NULL) d->no_memory = true;
  else if (text->length != 0) memcpy(kept, text->data, text->length);
  flow_buf_free(text);
  return kept;
}

bool flow_schema_compare(struct flow_schema_pool *pool, const char *name,
                         const struct flow_type *old_type, const struct flow_type *new_type,
                         unsigned flags, struct flow_schema_diff *diff) {
  struct differ d = {.pool = pool};
  add_text(&d.path, name);
  diff->plan = compare(&d, old_type, new_type, (flags & FLOW_SCHEMA_KEY) != 0);
  flow_buf_free(&d.path);
  diff->steps = keep_text(&d, &d.steps);
  diff->drops = keep_text(&d, &d.drops);
  diff->why = keep_text(&d, &d.why);
  diff->verdict = d.verdict;
  diff->is_copy = diff->plan != NULL && diff->plan->op == PLAN_COPY;
  return !d.no_memory;
}

/* -- converting */

static void convert(const struct flow_schema_plan *, struct flow_reader *, struct flow_buf *out);

static void copy_span(const struct flow_type *type, struct flow_reader *r, struct flow_buf *out) {
  const uint8_t *start = r->p;
  flow_schema_skip(r, type);
  if (r->ok) flow_buf_add(out, start, (size_t)(r->p - start));
}

/* Finds all old fields first, because the new order may be another. */
static void convert_fields(const struct fields_plan *plan, struct flow_reader *r,
                           struct flow_buf *out) {
  for (uint32_t i = 0; i < plan->from_count; i++) {
    plan->spans[i].start = r->p;
    flow_schema_skip(r, plan->from[i].type);
    plan->spans[i].end = r->p;
  }
  for (uint32_t i = 0; i < plan->to_count && r->ok; i++) {
    const struct field_step *step = &plan->steps[i];
    if (step->from == NO_FIELD) {
      flow_buf_add(out, step->bytes, step->length);
      continue;
    }
    const struct span *span = &plan->spans[step->from];
    struct flow_reader field = {.p = span->start, .end = span->end, .ok = true};
    convert(step->plan, &field, out);
    if (!field.ok) flow_reader_fail(r);
  }
}

static void convert_float(struct flow_reader *r, struct flow_buf *out) {
  int64_t value = flow_get_int(r);
  double converted = (double)value;
  /* 2^63 is a double but not an int64_t; it is what values just below it round to. */
  if (converted >= 9223372036854775808.0 || (int64_t)converted != value) flow_reader_fail(r);
  flow_put_float(out, converted);
}

static void convert_sequence(const struct flow_schema_plan *plan, struct flow_reader *r,
                             struct flow_buf *out) {
  uint64_t count = flow_get_count(r);
  flow_put_varint(out, count);
  for (uint64_t i = 0; i < count && r->ok; i++) {
    if (plan->key != NULL) convert(plan->key, r, out);
    convert(plan->element, r, out);
  }
}

static void convert(const struct flow_schema_plan *plan, struct flow_reader *r,
                    struct flow_buf *out) {
  switch (plan->op) {
    case PLAN_COPY: copy_span(plan->from, r, out); return;
    case PLAN_WRAP:
      flow_put_bool(out, true);
      convert(plan->element, r, out);
      return;
    case PLAN_FLOAT: convert_float(r, out); return;
    case PLAN_OPT: {
      bool has = flow_get_bool(r);
      flow_put_bool(out, has);
      if (has) convert(plan->element, r, out);
      return;
    }
    case PLAN_SEQUENCE: convert_sequence(plan, r, out); return;
    case PLAN_RECORD:
      if (plan->fields->from_count == 0 && flow_get_byte(r) != 0) flow_reader_fail(r);
      convert_fields(plan->fields, r, out);
      if (plan->fields->to_count == 0) flow_put_byte(out, 0);
      return;
    case PLAN_ENUM: {
      uint32_t variant = flow_get_variant(r, plan->from->variant_count);
      if (!r->ok) return;
      flow_put_varint(out, plan->fields[variant].variant);
      convert_fields(&plan->fields[variant], r, out);
      return;
    }
    case PLAN_TIMED:
      convert(plan->element, r, out);
      flow_put_int(out, flow_get_int(r));
      return;
    case PLAN_TIME:
      convert(plan->element, r, out);
      flow_put_int(out, plan->since_us);
      return;
    case PLAN_UNTIMED:
      convert(plan->element, r, out);
      flow_get_int(r);
      return;
  }
}

bool flow_schema_convert(const struct flow_schema_plan *plan, const void *data, size_t length,
                         struct flow_buf *out) {
  size_t mark = out->length;
  struct flow_reader r = flow_reader_of(data, length);
  convert(plan, &r, out);
  if (flow_reader_done(&r)) return true;
  out->length = mark;
  return false;
}
