#include "tools/against.h"

#include <stdio.h>
#include <string.h>

#include "back/ctype.h"
#include "back/program.h"
#include "front/check.h"
#include "io/io.h"
#include "middle/graph.h"
#include "ops/op.h"
#include "state/state.h"

VEC_OF(id_list, struct flow_store_id);
VEC_OF(target_list, struct flow_view_target);

struct against {
  struct compiler *compiler;
  struct arena *arena;
  const struct against_options *options;
  const struct flow_type **types; /* by id of the type; null: not made yet */
  struct id_list ids;
  struct target_list targets;
  bool has_head, has_told; /* what is printed already */
};

/* How often it is tried anew when a run folds away what is being read. */
#define TRIES 20

/* -- types ------------------------------------------------------------------------------------- */

static enum flow_kind kind_of(const struct type *type) {
  switch (type->kind) {
  case TYPE_INT: return FLOW_KIND_INT;
  case TYPE_FLOAT: return FLOW_KIND_FLOAT;
  case TYPE_DECIMAL: return FLOW_KIND_DECIMAL;
  case TYPE_BOOL: return FLOW_KIND_BOOL;
  case TYPE_STRING: return FLOW_KIND_STRING;
  case TYPE_JSON: return FLOW_KIND_JSON;
  case TYPE_BYTES: return FLOW_KIND_BYTES;
  case TYPE_TIMESTAMP: return FLOW_KIND_TIMESTAMP;
  case TYPE_DURATION: return FLOW_KIND_DURATION;
  case TYPE_OPTIONAL: return FLOW_KIND_OPT;
  case TYPE_LIST: return FLOW_KIND_LIST;
  case TYPE_SET: return FLOW_KIND_SET;
  case TYPE_MAP: return FLOW_KIND_MAP;
  case TYPE_RECORD: return FLOW_KIND_RECORD;
  case TYPE_ENUM: return FLOW_KIND_ENUM;
  case TYPE_ERROR:
  case TYPE_NONE:
  case TYPE_EMPTY:
  case TYPE_UNIT: return FLOW_KIND_UNIT;
  }
  return FLOW_KIND_UNIT;
}

static const struct flow_type *describe(struct against *a, const struct type *type);

static const struct flow_field *describe_fields(struct against *a, const struct type *record) {
  size_t count = record->fields.count;
  struct flow_field *fields = arena_zalloc(a->arena, (count + 1) * sizeof *fields);
  for (size_t i = 0; i < count; i++) {
    const struct type_field *field = &record->fields.data[i];
    struct text bytes;
    text_init(&bytes, a->arena);
    fields[i] = (struct flow_field){.name = field->name, .was = field->was,
                                    .type = describe(a, field->type), .is_needed = field->is_needed};
    if (!field->init || !ctype_put_constant(a->arena, &bytes, field->init, field->type)) continue;
    fields[i].default_bytes = bytes.data;
    fields[i].default_length = bytes.length;
  }
  return fields;
}

static const struct flow_variant *describe_variants(struct against *a, const struct type *type) {
  size_t count = type->variants.count;
  struct flow_variant *variants = arena_zalloc(a->arena, (count + 1) * sizeof *variants);
  for (size_t i = 0; i < count; i++) {
    const struct type_variant *variant = &type->variants.data[i];
    variants[i] = (struct flow_variant){.name = variant->name, .was = variant->was};
    if (!variant->payload || variant->payload->fields.count == 0) continue;
    variants[i].fields = describe_fields(a, variant->payload);
    variants[i].field_count = (uint32_t)variant->payload->fields.count;
  }
  return variants;
}

/* The descriptor that the flow's program has of the type. */
static const struct flow_type *describe(struct against *a, const struct type *type) {
  if (a->types[type->id]) return a->types[type->id];
  struct flow_type *made = arena_new(a->arena, struct flow_type);
  a->types[type->id] = made;
  made->kind = kind_of(type);
  made->scale = type->scale;
  made->name = type->decl ? type->name : NULL;
  if (type->kind == TYPE_MAP) made->key = describe(a, type->key);
  if (type->elem) made->element = describe(a, type->elem);
  if (type->kind == TYPE_RECORD) {
    made->fields = describe_fields(a, type);
    made->field_count = (uint32_t)type->fields.count;
  }
  if (type->kind == TYPE_ENUM) {
    made->variants = describe_variants(a, type);
    made->variant_count = (uint32_t)type->variants.count;
  }
  return made;
}

/* With `expires`, values have the time of their key's last item beside them. */
static const struct flow_type *describe_saved(struct against *a, const struct stage *stage) {
  const struct flow_type *value = describe(a, stage->state_type);
  if (!stage->expires) return value;
  struct flow_type *timed = arena_new(a->arena, struct flow_type);
  *timed = (struct flow_type){.kind = FLOW_KIND_TIMED, .element = value, .by_time = stage->in_time};
  return timed;
}

/* -- what the flow saves ----------------------------------------------------------------------- */

/* Appends the text that the expression has in a run without options; false: that is not known. */
static bool add_value(struct text *out, const struct expr *expr) {
  switch (expr->kind) {
  case EXPR_STRING: text_addn(out, expr->string.data, expr->string.length); return true;
  case EXPR_NAME: {
    bool has_value = expr->name.ref == REF_CONST || expr->name.ref == REF_PARAM;
    return has_value && expr->name.decl->value && add_value(out, expr->name.decl->value);
  }
  case EXPR_BINARY:
    return expr->binary.op == BINARY_CONCAT && add_value(out, expr->binary.left) &&
           add_value(out, expr->binary.right);
  case EXPR_FSTRING:
    vec_each(struct fstring_part, part, &expr->fstring) {
      if (!part->value) text_addn(out, part->text, part->length);
      if (part->value && !add_value(out, part->value)) return false;
    }
    return true;
  default: return false;
  }
}

static struct flow_view_target target_of(struct against *a, const struct node *sink) {
  struct text path;
  text_init(&path, a->arena);
  const struct io_spec *io = sink->decl ? sink->decl->io : NULL;
  struct flow_view_target target = {.has_parts = io && io->has_parts};
  const struct expr *place = !io ? NULL : io->has_parts ? io->fixed : io->location;
  if (!place || !add_value(&path, place)) return target;
  target.path = path.data;
  target.header = emit_sink_header(a->compiler, sink);
  return target;
}

static void add_id(struct against *a, struct flow_store_id id, struct flow_view_target target) {
  vec_each(struct flow_store_id, known, &a->ids)
    if (known->kind == id.kind && strcmp(known->name, id.name) == 0) return;
  vec_push(a->arena, &a->ids, id);
  vec_push(a->arena, &a->targets, target);
}

static void add_node(struct against *a, const struct node *node) {
  const struct decl *decl = node->decl;
  struct flow_store_id id = {.name = decl ? decl->name.text : "stdout",
                             .was = decl ? decl->was_id : NULL};
  struct flow_view_target none = {0};
  switch (node->kind) {
  case NODE_SOURCE:
    id.kind = FLOW_STORE_SOURCE;
    add_id(a, id, none);
    break;
  case NODE_SINK:
    id.kind = FLOW_STORE_SINK;
    add_id(a, id, target_of(a, node));
    break;
  case NODE_STAGE:
    if (node->stage->op->state == OP_STATELESS) break;
    id = (struct flow_store_id){FLOW_STORE_STATE, node->stage->id, node->stage->was_id,
                                describe(a, node->key), describe_saved(a, node->stage)};
    add_id(a, id, none);
    break;
  case NODE_STREAM: break;
  }
}

/* -- printing ---------------------------------------------------------------------------------- */

static const char *fate_text(enum flow_fate fate) {
  static const char *const texts[] = {
      [FLOW_FATE_SAME] = "goes on",        [FLOW_FATE_CARRIED] = "carried over",
      [FLOW_FATE_NEW] = "new",             [FLOW_FATE_LEFT] = "not in the program; kept",
      [FLOW_FATE_DROPPED] = "forgotten",   [FLOW_FATE_REFUSED] = "refused",
  };
  return texts[fate];
}

static void tell(void *context, enum flow_store_kind kind, const char *name, enum flow_fate fate,
                 const char *text) {
  struct against *a = context;
  a->has_told = true;
  if (kind == FLOW_STORE_ENGINE) return;
  printf("  %-6s  %-20s  %s\n", state_kind(kind), name, fate_text(fate));
  if (fate == FLOW_FATE_REFUSED) return; /* the report says it all */
  for (const char *line = text; *line != '\0';) {
    size_t length = strcspn(line, "\n");
    printf("  %30s  %.*s\n", "", (int)length, line);
    line += length + (line[length] == '\n');
  }
}

static void tell_json(void *context, enum flow_store_kind kind, const char *name,
                      enum flow_fate fate, const char *text) {
  struct against *a = context;
  struct text line;
  a->has_told = true;
  if (kind == FLOW_STORE_ENGINE) return;
  text_init(&line, a->arena);
  text_addf(&line, "{\"kind\": \"%s\", \"name\": ", state_kind(kind));
  text_add_quoted_json(&line, name, strlen(name));
  text_addf(&line, ", \"fate\": \"%s\", \"text\": ", fate_text(fate));
  text_add_quoted_json(&line, text, strlen(text));
  printf("%s}\n", line.data);
}

static int finish(enum flow_status status, const struct flow_report *report) {
  if (status == FLOW_OK) return 0;
  fflush(stdout);
  fprintf(stderr, "flowcc check: %s\n", report->message);
  if (report->help[0] != '\0') fprintf(stderr, "  = help: %s\n", report->help);
  return (int)flow_status_exit(status);
}

static enum flow_status compare(struct against *a, struct flow_view *view,
                                struct flow_report *report) {
  const struct flow_view_info *info = flow_view_info(view);
  const struct flow_view_program program = {.flow_name = check_flow_name(a->compiler),
                                            .flow_was = check_flow_was(a->compiler),
                                            .ids = a->ids.data,
                                            .targets = a->targets.data,
                                            .id_count = a->ids.count,
                                            .drops = a->options->drops,
                                            .drop_count = a->options->drop_count};
  flow_view_tell tell_it = a->options->is_json ? tell_json : tell;
  if (!a->options->is_json && !a->has_head) {
    a->has_head = true;
    printf("%s has the state of flow %s", a->options->dir, info->flow_name);
    if (info->epoch >= 0) printf(", epoch %lld", (long long)info->epoch);
    printf(". A start of this flow on it:\n");
    const char *now = program.flow_name;
    bool is_renamed = program.flow_was && strcmp(info->flow_name, now) != 0;
    if (is_renamed) printf("  the flow `%s` is now `%s`\n", info->flow_name, now);
  }
  return flow_view_compare(view, &program, a->has_told ? NULL : tell_it, a, report);
}

int against_print(struct compiler *compiler, const struct against_options *options) {
  struct against a = {.compiler = compiler, .arena = &compiler->arena, .options = options};
  a.types = arena_zalloc(a.arena, (compiler->types->all.count + 1) * sizeof *a.types);
  vec_each(struct node *, node, &compiler->graph->nodes) add_node(&a, *node);
  const struct flow_view_options view_options = {
      .dir = options->dir, .epoch = FLOW_STORE_NEWEST, .since = FLOW_STORE_NEWEST};
  struct flow_report report = {0};
  enum flow_status status = FLOW_OK;
  bool is_outrun = true;
  for (int i = 0; i < TRIES && is_outrun; i++) {
    struct flow_view *view;
    status = flow_view_open(&view_options, &view, &report);
    if (status != FLOW_OK) break;
    status = compare(&a, view, &report);
    is_outrun = flow_view_is_outrun(view);
    flow_view_close(view);
  }
  return finish(status, &report);
}
