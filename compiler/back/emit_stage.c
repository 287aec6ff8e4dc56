/* Fused stages: the code that a row runs through, as nested calls in the reference order. */
#include "back/code.h"
#include "back/emit_mark.h"
#include "back/program.h"
#include "ops/op.h"
#include "back/emit_state.h"

#include <string.h>

/* -- names ----------------------------------------------------------------------------------- */

const char *emit_step(struct emit *e, const struct node *node) {
  struct arena *arena = &e->compiler->arena;
  if (node->kind == NODE_SOURCE) return arena_printf(arena, "source %s", node->name);
  if (node->kind != NODE_STAGE) return node->name;
  const struct stage *stage = node->stage;
  if (stage->made_for != NULL && stage->made_for->op->expand != NULL) {
    struct span verb = stage->verb.span;
    const char *text = sources_text(&e->compiler->sources, verb), *id = stage->id != NULL ? stage->id : "";
    return arena_printf(arena, "%.*s%s%s", (int)verb.length, text, *id != '\0' ? " " : "", id);
  }
  if (stage->name.text != NULL)
    return arena_printf(arena, "%s %s", stage->op->name, stage->instance ? stage->id : stage->name.text);
  return stage->op->name;
}

const char *emit_row_parameters(struct emit *e, const struct node *node) {
  const char *item = emit_c_type(e, node->item);
  if (node->key == NULL) return arena_printf(&e->compiler->arena, ", const %s *it", item);
  return arena_printf(&e->compiler->arena, ", const %s *it, const %s *key", item,
                      emit_c_type(e, node->key));
}

static const char *user_name(struct emit *e, const struct node *node, const char *suffix) {
  return arena_printf(&e->compiler->arena, "x%s_%s", suffix, node->name);
}

/* -- user expressions ------------------------------------------------------------------------ */

bool emit_is_fallible(const struct expr *value) {
  return value->can_fail || value->can_fault;
}

void emit_user_function(struct emit *e, const struct node *node, const char *suffix,
                        const struct expr *value) {
  struct code c;
  code_begin(&c, e, emit_step(e, node), emit_is_fallible(value));
  c.it = "(*it)";
  c.key = node->key != NULL ? "(*key)" : NULL;
  c.clock = emit_row_clock(e, node);
  emit_value_function(e, user_name(e, node, suffix), emit_row_parameters(e, node), value, &c);
}

/* Whether failed rows are handled, so that code goes on behind them. */
static bool goes_on(const struct node *node) {
  enum on_fail_kind kind = node->stage->on_fail.kind;
  return kind == ON_FAIL_SKIP || kind == ON_FAIL_INTO;
}

void emit_reject(struct emit *e, const struct node *node, const char *row) {
  switch (node->stage->on_fail.kind) {
  case ON_FAIL_NONE: emit_line(e, "flow_abort_record(w);"); return;
  case ON_FAIL_STOP: emit_line(e, "flow_stop_record(w);"); return;
  case ON_FAIL_SKIP: emit_line(e, "flow_count_rejected(w, 1);"); return;
  case ON_FAIL_INTO: emit_line(e, "reject_%s(w, %s);", node->name, row); return;
  }
}

const char *emit_user_call(struct emit *e, const struct node *node, const char *suffix,
                           const struct expr *value, const char *row) {
  struct arena *arena = &e->compiler->arena;
  const char *type = emit_c_type(e, value->type);
  const char *result = arena_printf(arena, "row%u", ++e->row_count);
  const char *call = arena_printf(arena, "%s(w, %s%s%s", user_name(e, node, suffix), row,
                                  node->key != NULL ? ", " : "", node->key != NULL ? e->key : "");
  const char *pointer = arena_printf(arena, "&%s", result);
  if (!emit_is_fallible(value)) {
    if (code_is_scalar(value->type)) {
      emit_line(e, "const %s %s = %s);" CODE_IF_UNUSED, type, result, call, result);
    } else {
      emit_line(e, "%s %s;", type, result);
      emit_line(e, "%s, %s);", call, pointer);
    }
    return pointer;
  }
  emit_line(e, "%s %s = %s;", type, result, code_is_scalar(value->type) ? "0" : "{0}");
  emit_line(e, "if (!%s, %s)) {", call, pointer);
  emit_reject(e, node, row);
  emit_line(e, goes_on(node) ? "} else {" : "}");
  return pointer;
}

void emit_user_end(struct emit *e, const struct node *node, const struct expr *value) {
  if (emit_is_fallible(value) && goes_on(node)) emit_line(e, "}");
}

/* -- pushing --------------------------------------------------------------------------------- */

/* One line of the .flow text, for a comment: "4: |> filter num > 3". */
static void emit_quote(struct emit *e, const struct node *node) {
  struct place place = sources_place(&e->compiler->sources, node->span.offset);
  size_t length;
  const char *line = source_line(place.source, place.line, &length);
  while (length > 0 && (*line == ' ' || *line == '\t')) line++, length--;
  size_t shown = 0;
  for (; shown < length && shown < 70; shown++) {
    /* Nothing in the text may end the comment or begin another one. */
    bool is_mark = shown + 1 < length && ((line[shown] == '*' && line[shown + 1] == '/') ||
                                          (line[shown] == '/' && line[shown + 1] == '*'));
    if (is_mark) break;
  }
  while (shown > 0 && shown < length && (line[shown] & 0xC0) == 0x80) shown--;
  emit_line(e, "/* %u: %.*s%s */", place.line, (int)shown, line, shown < length ? " …" : "");
}

/* The function that prints a row for the sink, written on first use. It has one caller, but where that is
 * behind an exchange there are two copies of it, so the C compiler must be told to inline it. */
static const char *printer(struct emit *e, const struct node *sink) {
  const char *name = arena_printf(&e->compiler->arena, "print_%s", sink->name);
  const struct io_spec io = emit_sink_io(sink);
  if (!emit_first_time(e, name)) return name;
  io.format->emit_printer(e, &io, sink->item, name);
  if (e->plan->stage_of[sink->id]->is_exchange)
    text_addf(emit_section(e, SECTION_DECLARATIONS),
              "FLOW_INLINE void %s(struct flow_worker *w, struct flow_buf *b, const %s *x);\n", name,
              emit_c_type(e, sink->item));
  return name;
}

/* The function that makes the path of a row's file, written on first use. */
static const char *path_function(struct emit *e, const struct node *sink) {
  const struct expr *path = sink->decl->io->location;
  const char *name = arena_printf(&e->compiler->arena, "path_%s", sink->name);
  if (!emit_first_time(e, name)) return name;
  struct code c;
  code_begin(&c, e, arena_printf(&e->compiler->arena, "sink %s", sink->decl->name.text),
             path->can_fault);
  c.it = "(*it)";
  emit_value_function(
      e, name, arena_printf(&e->compiler->arena, ", const %s *it", emit_c_type(e, sink->item)), path,
      &c);
  return name;
}

/* A row for the file that its item says: a frame around it tells which one. */
static void emit_part(struct emit *e, const struct node *sink, const char *row) {
  uint32_t index = emit_sink_index(e, sink);
  const char *path = path_function(e, sink);
  emit_line(e, "{");
  emit_line(e, "struct flow_str path;");
  if (sink->decl->io->location->can_fault)
    emit_line(e, "if (!%s(w, %s, &path)) flow_abort_record(w);", path, row);
  else
    emit_line(e, "%s(w, %s, &path);", path, row);
  emit_line(e, "if (!flow_part_check(w, %u, &path)) flow_abort_record(w);", index);
  emit_line(e, "struct flow_buf *part = flow_sink_row(w, %u);", index);
  emit_line(e, "const size_t mark = flow_part_begin(part, &path);");
  emit_line(e, "%s(w, part, %s);", printer(e, sink), row);
  emit_line(e, "flow_part_end(part, mark);");
  emit_line(e, "}");
}

static void emit_node(struct emit *e, const struct node *node, const char *row, const char *key) {
  switch (node->kind) {
  case NODE_STREAM: emit_push(e, node, 0, row, key); return;
  case NODE_SINK:
    if (emit_sink_io(node).has_parts) {
      emit_part(e, node, row);
      return;
    }
    emit_line(e, "%s(w, flow_sink_row(w, %u), %s);", printer(e, node), emit_sink_index(e, node), row);
    return;
  case NODE_STAGE: {
    const char *outer = e->key;
    e->key = key;
    if (node->stage->op->emit_functions != NULL) emit_quote(e, node);
    node->stage->op->emit_row(e, node, row);
    e->key = outer;
    return;
  }
  case NODE_SOURCE: return;
  }
}

void emit_push(struct emit *e, const struct node *node, uint32_t port, const char *row,
               const char *key) {
  vec_each(struct edge *, edge, &node->ports.data[port].edges) {
    const struct node *to = (*edge)->to;
    const struct plan_stage *stage = e->plan->stage_of[to->id];
    if (stage->head == to && stage->is_exchange) {
      emit_enter(e, stage, row, key);
    } else if (stage->head == to) {
      bool has_key = to->key != NULL;
      emit_line(e, "%s(w, %s%s%s);", stage->name, row, has_key ? ", " : "", has_key ? key : "");
    } else {
      emit_node(e, to, row, to->key != NULL || to->kind == NODE_STREAM ? key : NULL);
    }
  }
}

/* -- functions ------------------------------------------------------------------------------- */

/* Whether a place of the text is inside of a comment, of which each has a line to itself. */
static bool is_comment(const char *text, const char *at) {
  while (at > text && at[-1] != '\n') at--;
  at += strspn(at, " ");
  return at[0] == '/' && at[1] == '*';
}

/* Whether the C text mentions the identifier. */
static bool mentions(const char *text, const char *name) {
  size_t length = strlen(name);
  for (const char *at = strstr(text, name); at != NULL; at = strstr(at + 1, name)) {
    if (is_comment(text, at)) continue;
    bool is_start = at == text || !strchr("_abcdefghijklmnopqrstuvwxyz0123456789.>", at[-1]);
    if (is_start && !strchr("_abcdefghijklmnopqrstuvwxyz0123456789", at[length])) return true;
  }
  return false;
}

void emit_function(struct emit *e, enum section section, const char *head, const struct node *node,
                   uint32_t port, void (*write)(struct emit *, const struct node *, uint32_t port)) {
  struct text body;
  text_init(&body, &e->compiler->arena);
  e->out = &body;
  e->indent = 1;
  write(e, node, port);
  code_settle_marks(&body);
  struct text *out = emit_section(e, section);
  text_addf(out, "%s {\n", head);
  static const char *const parameters[] = {"w", "it", "key"};
  for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
    if (mentions(head, parameters[i]) && !mentions(body.data, parameters[i]))
      text_addf(out, "  (void)%s;\n", parameters[i]);
  }
  text_addn(out, body.data, body.length);
  text_add(out, "}\n\n");
}

static const char *stage_head(struct emit *e, const struct plan_stage *stage) {
  /* Without fusion, calls between stages must stay calls. An exchange has two callers (emit_exchange.c),
   * and is to be as fast as if it had one. */
  bool is_apart = e->compiler->options.is_fuse_disabled;
  const char *kind = is_apart ? "static __attribute__((noinline))" :
                     stage->is_exchange ? "FLOW_INLINE" : "static";
  return arena_printf(&e->compiler->arena, "%s void %s(struct flow_worker *w%s%s)", kind, stage->name,
                      emit_row_parameters(e, stage->head),
                      stage->is_exchange ? ", uint64_t hash, struct flow_entry *guess" : "");
}

static void write_stage(struct emit *e, const struct node *node, uint32_t port) {
  (void)port;
  emit_node(e, node, "it", node->key != NULL ? "key" : NULL);
}

/* -- rejects --------------------------------------------------------------------------------- */

/* Where nothing can fail, an `else into` is there all the same, and the stages behind it. */
static const char *reject_head(struct emit *e, const struct node *node) {
  bool is_used = node->stage->can_fail || node->stage->can_fault;
  return arena_printf(&e->compiler->arena,
                      "static FLOW_COLD %svoid reject_%s(struct flow_worker *w, const %s *it)",
                      is_used ? "" : "__attribute__((unused)) ", node->name, emit_c_type(e, node->item));
}

/* A failed item becomes a Rejected with the item as JSON. */
static void write_reject(struct emit *e, const struct node *node, uint32_t port) {
  const struct type *rejected = e->compiler->types->rejected;
  struct text step;
  text_init(&step, &e->compiler->arena);
  const char *name = emit_step(e, node);
  emit_string(&step, name, strlen(name));
  emit_line(e, "flow_count_rejected(w, 1);");
  emit_line(e, "struct flow_buf raw = flow_text_begin(w->arena);");
  emit_line(e, "%s(&raw, it);", emit_helper(e, HELPER_JSON, node->item));
  emit_line(e, "%s rejected = {.f_step = %s,", emit_c_type(e, rejected), step.data);
  if (node->times.count > 0) emit_line(e, "    .f_at = {.has = true, .value = w->time_us},");
  emit_line(e, "    .f_reason = w->failure.reason, .f_raw = flow_text_end(&raw)};");
  emit_push(e, node, port, "&rejected", NULL);
}

/* -- the whole ------------------------------------------------------------------------------- */

static void emit_user_parts(struct emit *e, const struct node *node) {
  if (node->kind != NODE_STAGE) return;
  if (node->stage->op->emit_functions != NULL) node->stage->op->emit_functions(e, node);
  if (node->stage->op->emit_state != NULL) {
    e->out = emit_section(e, SECTION_STATE);
    e->indent = 0;
    node->stage->op->emit_state(e, node);
  }
}

void emit_stages(struct emit *e) {
  struct text *prototypes = emit_section(e, SECTION_DECLARATIONS);
  vec_each(struct plan_stage *, stage, &e->plan->stages) {
    if ((*stage)->head->kind != NODE_SOURCE)
      text_addf(prototypes, "%s;\n", stage_head(e, *stage));
  }
  vec_each(struct node *, it, &e->graph->nodes) {
    const struct node *node = *it;
    if (node->kind == NODE_STAGE && node->rejects_port >= 0)
      text_addf(prototypes, "%s;\n", reject_head(e, node));
    emit_user_parts(e, node);
  }
  vec_each(struct plan_stage *, it, &e->plan->stages) {
    const struct plan_stage *stage = *it;
    vec_each(struct node *, node, &stage->nodes) {
      if ((*node)->kind == NODE_STAGE && (*node)->rejects_port >= 0)
        emit_function(e, SECTION_STAGES, reject_head(e, *node), *node,
                      (uint32_t)(*node)->rejects_port, write_reject);
    }
    if (stage->head->kind != NODE_SOURCE)
      emit_function(e, SECTION_STAGES, stage_head(e, stage), stage->head, 0, write_stage);
  }
  vec_each(struct node *, node, &e->graph->nodes) {
    if ((*node)->kind == NODE_SOURCE) emit_source(e, *node);
  }
  vec_each(struct plan_stage *, stage, &e->plan->stages)
    if ((*stage)->is_exchange) emit_exchange(e, *stage);
}
