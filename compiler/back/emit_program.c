/* Parameters, the descriptions of sources, sinks and states, and the program itself. */
#include "back/code.h"
#include "back/emit_state.h"
#include "back/emit_mark.h"
#include "back/emit_timer.h"
#include "back/program.h"
#include "front/check.h"
#include "ops/op.h"

#include <string.h>

static void add_quoted(struct text *out, const char *string) {
  if (string == NULL) {
    text_add(out, "NULL");
  } else {
    text_add_quoted_c(out, string, strlen(string));
  }
}

static const char *quoted(struct emit *e, const char *string) {
  struct text text;
  text_init(&text, &e->compiler->arena);
  add_quoted(&text, string);
  return text.data;
}

/* -- parameters ------------------------------------------------------------------------------ */

static const struct type *value_type(const struct type *type) {
  return type->kind == TYPE_OPTIONAL ? type->elem : type;
}

void emit_params(struct emit *e) {
  struct text out;
  text_init(&out, &e->compiler->arena);
  text_add(&out, "/* The program's parameters. */\nstruct params {\n");
  size_t count = 0;
  vec_each(struct decl *, it, &e->compiler->program->decls) {
    const struct decl *decl = *it;
    if (decl->kind != DECL_PARAM) continue;
    text_addf(&out, "  %s p_%s;\n", emit_c_type(e, decl->type), decl->name.text);
    count++;
  }
  if (count == 0) return;
  text_add(&out, "};\n\n");
  text_addn(emit_section(e, SECTION_DECLARATIONS), out.data, out.length);
}

static const char *param_kind(const struct type *type) {
  switch (value_type(type)->kind) {
  case TYPE_INT: return "INT";
  case TYPE_FLOAT: return "FLOAT";
  case TYPE_DECIMAL: return "DECIMAL";
  case TYPE_BOOL: return "BOOL";
  case TYPE_TIMESTAMP: return "TIMESTAMP";
  case TYPE_DURATION: return "DURATION";
  case TYPE_ENUM: return "ENUM";
  default: return "STRING";
  }
}

/* As everywhere in the input. */
static const char *variant_text(const struct type_variant *variant) {
  return variant->from != NULL ? variant->from : variant->name;
}

static const char *variant_names(struct emit *e, const struct decl *decl) {
  const struct type *type = value_type(decl->type);
  if (type->kind != TYPE_ENUM) return "NULL";
  const char *name = arena_printf(&e->compiler->arena, "variants_of_p_%s", decl->name.text);
  struct text *out = emit_section(e, SECTION_PROGRAM);
  text_addf(out, "static const char *const %s[] = {", name);
  vec_each(struct type_variant, variant, &type->variants)
    text_addf(out, "%s, ", quoted(e, variant_text(variant)));
  text_add(out, "NULL};\n");
  return name;
}

static void add_param(struct emit *e, struct text *rows, const struct decl *decl) {
  bool is_optional = decl->type->kind == TYPE_OPTIONAL;
  const char *name = decl->name.text;
  const char *text = NULL;
  const struct expr *value = decl->value;
  while (value != NULL && value->kind == EXPR_COERCE) value = value->coerce.operand;
  if (value != NULL && value->kind == EXPR_NAME && value->name.ref == REF_VARIANT)
    text = variant_text(&value->type->variants.data[value->name.index]);
  else if (decl->value != NULL)
    text = arena_strndup(&e->compiler->arena,
                         sources_text(&e->compiler->sources, decl->value->span),
                         decl->value->span.length);
  text_addf(rows, "  {.name = \"%s\", .doc = %s, .default_text = %s, .kind = FLOW_PARAM_%s,\n", name,
            quoted(e, decl->doc), quoted(e, text), param_kind(decl->type));
  if (value_type(decl->type)->kind == TYPE_DECIMAL)
    text_addf(rows, "   .scale = %u,\n", value_type(decl->type)->scale);
  text_addf(rows, "   .offset = offsetof(struct params, p_%s)", name);
  if (is_optional) {
    text_addf(rows, " + offsetof(%s, value), .has_offset = offsetof(struct params, p_%s) + offsetof(%s, has)",
              emit_c_type(e, decl->type), name, emit_c_type(e, decl->type));
  } else {
    text_add(rows, ", .has_offset = -1");
  }
  text_addf(rows, ", .is_required = %s,\n   .variants = %s},\n",
            decl->value == NULL && !is_optional ? "true" : "false", variant_names(e, decl));
}

static const struct clause *where_clause(const struct decl *decl) {
  vec_each(struct clause, clause, &decl->clauses)
    if (strcmp(clause->name.text, "where") == 0 && clause->value != NULL) return clause;
  return NULL;
}

/* The function behind check_params: the first condition that does not hold. */
static void add_param_check(struct emit *e, struct text *checks, const struct decl *decl) {
  const struct clause *where = where_clause(decl);
  if (where == NULL) return;
  const char *name = arena_printf(&e->compiler->arena, "where_p_%s", decl->name.text);
  struct code c;
  code_begin(&c, e, "where", false);
  c.is_condition = true;
  emit_value_function(e, name, "", where->value, &c);
  const char *condition = arena_strndup(&e->compiler->arena,
                                        sources_text(&e->compiler->sources, where->value->span),
                                        where->value->span.length);
  const char *message = arena_printf(&e->compiler->arena, "`%s` must satisfy `%s`",
                                     decl->name.text, condition);
  text_addf(checks, "  if (!%s(w)) return %s;\n", name, quoted(e, message));
}

/* The same for what else must hold of params. */
static void add_start_checks(struct emit *e, struct text *checks) {
  uint32_t count = 0;
  vec_each(const struct start_check, check, &e->compiler->program->start_checks) {
    const char *name = arena_printf(&e->compiler->arena, "holds_%u", count++);
    struct code c;
    code_begin(&c, e, "start", false);
    c.is_condition = true;
    emit_value_function(e, name, "", check->condition, &c);
    text_addf(checks, "  if (!%s(w)) return %s;\n", name, quoted(e, check->message));
  }
}

/* Returns whether there is anything to check. */
static bool add_check_params(struct emit *e) {
  struct text checks;
  text_init(&checks, &e->compiler->arena);
  vec_each(struct decl *, decl, &e->compiler->program->decls)
    if ((*decl)->kind == DECL_PARAM) add_param_check(e, &checks, *decl);
  add_start_checks(e, &checks);
  if (checks.length == 0) return false;
  text_addf(emit_section(e, SECTION_PROGRAM),
            "static const char *check_params(const struct flow_worker *worker, const void *values) {\n"
            "  struct flow_worker copy = *worker, *w = &copy;\n"
            "  w->params = values;\n%s  return NULL;\n}\n\n", checks.data);
  return true;
}

static uint32_t add_params(struct emit *e) {
  struct text rows, defaults;
  text_init(&rows, &e->compiler->arena);
  text_init(&defaults, &e->compiler->arena);
  uint32_t count = 0;
  vec_each(struct decl *, it, &e->compiler->program->decls) {
    const struct decl *decl = *it;
    if (decl->kind != DECL_PARAM) continue;
    count++;
    add_param(e, &rows, decl);
    if (decl->value == NULL) continue;
    text_addf(&defaults, "  p->p_%s = ", decl->name.text);
    emit_constant(e, &defaults, decl->value, decl->type);
    text_add(&defaults, ";\n");
  }
  if (count == 0) return 0;
  struct text *out = emit_section(e, SECTION_PROGRAM);
  text_addf(out, "static const struct flow_param params[] = {\n%s};\n\n", rows.data);
  text_addf(out, "static void default_params(void *params_to_fill) {\n"
                 "  struct params *p = params_to_fill;\n"
                 "  *p = (struct params){0};\n%s}\n\n", defaults.data);
  return count;
}

/* -- sources and sinks ----------------------------------------------------------------------- */

/* The function that computes the location from literals and parameters, or NULL. */
static const char *location(struct emit *e, const char *kind, const struct decl *decl) {
  const struct expr *value = decl != NULL ? decl->io->location : NULL;
  if (value != NULL && decl->io->has_parts) value = decl->io->fixed;
  if (value == NULL) return "NULL";
  struct arena *arena = &e->compiler->arena;
  const char *name = arena_printf(arena, "location_of_%s_%s", kind, decl->name.text);
  const char *inner = arena_printf(arena, "x_%s", name);
  struct code c;
  code_begin(&c, e, arena_printf(arena, "%s %s", kind, decl->name.text), false);
  emit_value_function(e, inner, "", value, &c);
  text_addf(emit_section(e, SECTION_PROGRAM),
            "static struct flow_str %s(const struct flow_worker *worker) {\n"
            "  struct flow_worker w = *worker;\n"
            "  struct flow_str location;\n"
            "  %s(&w, &location);\n"
            "  return location;\n}\n\n",
            name, inner);
  return name;
}

/* The columns of a record, for a format that finds fields by column. */
static void add_columns(struct emit *e, struct text *row, const struct decl *decl) {
  const struct type *type = decl->type;
  if (type->kind != TYPE_RECORD || type->fields.count == 0) return;
  struct text *out = emit_section(e, SECTION_PROGRAM);
  text_addf(out, "static const char *const columns_of_%s[] = {", decl->name.text);
  vec_each(struct type_field, field, &type->fields)
    text_addf(out, "%s, ", quoted(e, field->from != NULL ? field->from : field->name));
  text_addf(out, "};\nstatic const bool required_of_%s[] = {", decl->name.text);
  vec_each(struct type_field, field, &type->fields) {
    bool is_required = field->type->kind != TYPE_OPTIONAL && field->init == NULL;
    text_add(out, is_required ? "true, " : "false, ");
  }
  text_add(out, "};\n\n");
  text_addf(row, "   .columns = columns_of_%s, .is_required = required_of_%s, .column_count = %zu,\n",
            decl->name.text, decl->name.text, type->fields.count);
}

static const char *on_fail_text(struct emit *e, const struct on_fail *on_fail) {
  if (on_fail->kind == ON_FAIL_SKIP) return "skip";
  if (on_fail->kind != ON_FAIL_INTO) return "stop";
  return arena_printf(&e->compiler->arena, "into %s", on_fail->into.text);
}

static void add_source(struct emit *e, struct text *rows, const struct node *node) {
  const struct decl *decl = node->decl;
  const struct io_spec *io = decl->io;
  const char *name = decl->name.text;
  text_addf(rows, "  {.name = \"%s\", .was = %s, .site = &%s,\n", name, quoted(e, decl->was_id),
            emit_site(e, decl->name.span, emit_step(e, node)));
  text_addf(rows, "   .connector = &%s, .framing = %s,\n", io->connector->runtime,
            io->format->framing);
  text_addf(rows, "   .has_header = %s, .skips_blank = %s,\n", io->has_header ? "true" : "false",
            io->format->skips_blank ? "true" : "false");
  if (io->delimiter != '\0') text_addf(rows, "   .delimiter = %d,\n", io->delimiter);
  add_columns(e, rows, decl);
  if (io->connector->cycle != NULL)
    text_addf(rows, "   .cycle = %s,\n", quoted(e, io->connector->cycle(e, decl)));
  if (graph_is_looked_up(node)) text_add(rows, "   .is_first = true,\n");
  text_addf(rows, "   .poll_us = INT64_C(%lld), .item_name = %s, .on_fail = %s,\n",
            (long long)io->poll_us, quoted(e, type_name(e->compiler->types, decl->type)),
            quoted(e, on_fail_text(e, &decl->on_fail)));
  text_addf(rows, "   .location = %s, .run = run_%s},\n", location(e, "source", decl), node->name);
}

struct io_spec emit_sink_io(const struct node *sink) {
  if (sink->decl == NULL)
    return (struct io_spec){.connector = &connector_stdout,
                            .format = type_is_scalar(sink->item) ? &format_text : &format_jsonl};
  return *sink->decl->io;
}

/* The first node of the sink, which stands for it. */
static const struct node *first_of_sink(struct emit *e, const struct node *sink) {
  vec_each(struct node *, node, &e->graph->nodes)
    if ((*node)->kind == NODE_SINK && (*node)->decl == sink->decl) return *node;
  return sink;
}

uint32_t emit_sink_index(struct emit *e, const struct node *sink) {
  uint32_t index = 0;
  const struct node *first = first_of_sink(e, sink);
  vec_each(struct node *, node, &e->graph->nodes) {
    if (*node == first) break;
    if ((*node)->kind == NODE_SINK && first_of_sink(e, *node) == *node) index++;
  }
  return index;
}

int64_t emit_text_sink(struct emit *e, const struct node *node, uint32_t port) {
  if (e->compiler->options.is_fuse_disabled) return -1;
  const struct edge_list *edges = &node->ports.data[port].edges;
  while (edges->count == 1) {
    const struct node *to = edges->data[0]->to;
    if (plan_is_cut(e->plan, edges->data[0])) return -1;
    if (to->kind == NODE_SINK && emit_sink_io(to).has_parts) return -1;
    if (to->kind == NODE_SINK)
      return emit_sink_io(to).format == &format_text ? (int64_t)emit_sink_index(e, to) : -1;
    if (to->kind == NODE_STAGE && to->stage->op != &op_into) return -1;
    edges = &to->ports.data[0].edges;
  }
  return -1;
}

const char *emit_sink_header(struct compiler *compiler, const struct node *node) {
  const struct io_spec io = emit_sink_io(node);
  bool is_csv = strcmp(io.format->framing, "FLOW_FRAMING_CSV") == 0;
  if (!is_csv || !io.has_header || node->item->kind != TYPE_RECORD) return NULL;
  struct text out;
  text_init(&out, &compiler->arena);
  for (size_t i = 0; i < node->item->fields.count; i++) {
    const struct type_field *field = &node->item->fields.data[i];
    if (i > 0) text_addc(&out, io.delimiter != '\0' ? io.delimiter : ',');
    text_add(&out, field->name);
  }
  text_addc(&out, '\n');
  return out.data;
}

static void add_sink(struct emit *e, struct text *rows, const struct node *node) {
  const char *name = node->decl != NULL ? node->decl->name.text : "stdout";
  struct span span = node->decl != NULL ? node->decl->name.span : node->inputs.data[0]->from->span;
  text_addf(rows, "  {.name = \"%s\", .was = %s, .site = &%s,\n", name,
            quoted(e, node->decl != NULL ? node->decl->was_id : NULL),
            emit_site(e, span, arena_printf(&e->compiler->arena, "sink %s", name)));
  text_addf(rows, "   .connector = &%s, .header = %s,\n", emit_sink_io(node).connector->runtime,
            quoted(e, emit_sink_header(e->compiler, node)));
  if (node->decl != NULL && node->decl->is_unordered) text_add(rows, "   .is_unordered = true,\n");
  if (emit_sink_io(node).has_parts) text_add(rows, "   .has_parts = true,\n");
  text_addf(rows, "   .location = %s},\n", location(e, "sink", node->decl));
}

/* -- states and exchanges --------------------------------------------------------------------- */

static bool is_state(const struct node *node) {
  return node->kind == NODE_STAGE && node->stage->op->state == OP_STATE_PER_KEY;
}

uint32_t emit_state_index(struct emit *e, const struct node *state) {
  uint32_t index = 0;
  vec_each(struct node *, node, &e->graph->nodes) {
    if (*node == state) break;
    if (is_state(*node)) index++;
  }
  return index;
}

static void add_state(struct emit *e, struct text *rows, const struct node *node) {
  const struct stage *stage = node->stage;
  text_addf(rows, "  {.name = \"%s\", .was = %s, .site = &%s,\n", stage->id,
            quoted(e, stage->was_id), emit_site(e, stage->span, emit_step(e, node)));
  const char *key_type = emit_helper(e, HELPER_SCHEMA, node->key);
  const char *value_type = emit_timer_schema(e, node);
  text_addf(rows, "   .key_type = &%s, .value_type = &%s,\n", key_type, value_type);
  text_addf(rows, "   .row_size = sizeof(struct S_%s), .pack = row_pack_%s, .load = row_load_%s,\n",
            node->name, node->name, node->name);
  text_addf(rows, "   .on_epoch = %s, .on_end = %s%s%s},\n", emit_state_hook(e, node, HOOK_EPOCH),
            emit_state_hook(e, node, HOOK_END), emit_timer_desc(e, node), emit_mark_list(e, node));
}

static void add_exchange(struct emit *e, struct text *rows, const struct plan_stage *stage) {
  text_addf(rows, "  {.state = %u, .level = %u, ", emit_state_index(e, stage->head), stage->level);
  if (stage->fire_level > 0) text_addf(rows, ".fire_level = %u, ", stage->fire_level);
  text_addf(rows, ".take = %s},\n", emit_take(e, stage));
}

/* -- the program ----------------------------------------------------------------------------- */

struct tables {
  struct text sources, sinks, states, exchanges, marks;
  uint32_t source_count, sink_count, state_count, mark_count;
};

static struct tables gather(struct emit *e) {
  struct tables t = {0};
  text_init(&t.sources, &e->compiler->arena);
  text_init(&t.sinks, &e->compiler->arena);
  text_init(&t.states, &e->compiler->arena);
  text_init(&t.exchanges, &e->compiler->arena);
  text_init(&t.marks, &e->compiler->arena);
  vec_each(struct node *, it, &e->graph->nodes) {
    const struct node *node = *it;
    if (node->kind == NODE_SOURCE) add_source(e, &t.sources, node), t.source_count++;
    if (node->kind == NODE_SINK && first_of_sink(e, node) == node)
      add_sink(e, &t.sinks, node), t.sink_count++;
    if (node->kind == NODE_STAGE && node->stage->op == &op_time)
      emit_mark_desc(e, &t.marks, node), t.mark_count++;
    if (is_state(node)) add_state(e, &t.states, node), t.state_count++;
  }
  t.mark_count += emit_meetings(e, &t.marks);
  vec_each(struct plan_stage *, stage, &e->plan->stages)
    if ((*stage)->is_exchange) add_exchange(e, &t.exchanges, *stage);
  return t;
}

static void add_table(struct emit *e, const char *type, const char *name, const struct text *rows) {
  if (rows->length == 0) return;
  text_addf(emit_section(e, SECTION_PROGRAM), "static const struct flow_%s %s[] = {\n%s};\n\n", type,
            name, rows->data);
}

static const char *flow_doc(const struct emit *e) {
  vec_each(struct decl *, decl, &e->compiler->program->decls)
    if ((*decl)->kind == DECL_FLOW) return (*decl)->doc;
  return NULL;
}

static bool is_serial(const struct compiler *c) {
  if (c->externs == NULL) return false;
  vec_each(struct decl *, fn, c->externs) if ((*fn)->is_serial) return true;
  return false;
}

void emit_program(struct emit *e) {
  struct text *out = emit_section(e, SECTION_PROGRAM);
  uint32_t param_count = add_params(e);
  bool has_checks = add_check_params(e);
  struct tables tables = gather(e);
  add_table(e, "source_desc", "sources", &tables.sources);
  add_table(e, "sink_desc", "sinks", &tables.sinks);
  add_table(e, "state_desc", "states", &tables.states);
  add_table(e, "exchange", "exchanges", &tables.exchanges);
  add_table(e, "mark_desc", "marks", &tables.marks);
  const char *path = e->compiler->source->path;
  const char *slash = strrchr(path, '/');
  text_add(out, "const struct flow_program flow_program = {\n  .abi_version = FLOW_ABI_VERSION,\n");
  text_addf(out, "  .name = %s, .file = %s, .doc = %s,\n", quoted(e, check_flow_name(e->compiler)),
            quoted(e, slash != NULL ? slash + 1 : path), quoted(e, flow_doc(e)));
  if (check_flow_was(e->compiler) != NULL)
    text_addf(out, "  .was = %s,\n", quoted(e, check_flow_was(e->compiler)));
  text_addf(out, "  .compiler = \"flowcc %s\",\n", FLOWCC_VERSION);
  if (param_count > 0)
    text_addf(out, "  .params_size = sizeof(struct params), .params = params, .param_count = %u,\n"
                   "  .default_params = default_params,\n", param_count);
  if (has_checks) text_add(out, "  .check_params = check_params,\n");
  if (tables.source_count > 0)
    text_addf(out, "  .sources = sources, .source_count = %u,\n", tables.source_count);
  if (tables.sink_count > 0)
    text_addf(out, "  .sinks = sinks, .sink_count = %u,\n", tables.sink_count);
  if (tables.state_count > 0)
    text_addf(out, "  .states = states, .state_count = %u,\n", tables.state_count);
  if (e->plan->exchange_count > 0)
    text_addf(out, "  .exchanges = exchanges, .exchange_count = %u, .path_length = %u,\n",
              e->plan->exchange_count, e->plan->path_length);
  if (tables.mark_count > 0)
    text_addf(out, "  .marks = marks, .mark_count = %u,\n", tables.mark_count);
  if (emit_mark_is_serial(e)) text_add(out, "  .parses_in_order = true,\n");
  text_addf(out, "  .is_boundary_dependent = %s,\n", e->is_boundary_dependent ? "true" : "false");
  if (e->counts_late) text_add(out, "  .counts_late = true,\n");
  if (is_serial(e->compiler)) text_add(out, "  .is_serial = true,\n");
  text_add(out, "};\n\n");
  if (e->compiler->options.is_test) {
    emit_test_main(e);
    return;
  }
  text_add(out, "int main(int argc, char **argv) {\n"
                "  return flow_main(&flow_program, argc, argv);\n}\n");
}
