#include "tools/growth.h"

#include <string.h>

#include "base/text.h"
#include "front/check.h"
#include "front/builtin.h"
#include "middle/graph.h"
#include "ops/op.h"

VEC_OF(path_list, const char *);

struct growth {
  const char *state;  /* its id */
  const char *memory; /* "bounded", "depends", "unbounded" */
  const char *why;
  struct path_list growing; /* "cart.ids" */
};

/* How many values a type has; 0: more than can be kept for each, or it is not known. */
static uint64_t count_values(const struct type *type) {
  enum { MOST = 10000 };
  uint64_t count = 0;
  if (type->kind == TYPE_BOOL) count = 2;
  if (type->kind == TYPE_OPTIONAL && count_values(type->elem) > 0) count = count_values(type->elem) + 1;
  if (type->kind == TYPE_ENUM) {
    vec_each(struct type_variant, variant, &type->variants)
      if (variant->payload) return 0;
    count = type->variants.count;
  }
  if (type->kind == TYPE_RECORD) {
    count = 1;
    vec_each(struct type_field, field, &type->fields)
      if (count <= MOST) count *= count_values(field->type);
  }
  return count <= MOST ? count : 0;
}

/* -- changes of parts of a state ----------------------------------------------------------------
 *
 * A part is named by its path: "cart.ids", "cart.by_day[…]" for the values of a map or list. */

struct changes {
  struct arena *arena;
  struct path_list grown, cleared; /* cleared: also where only something may be taken out */
  bool has_forget;
};

/* The path of a place, or null: it is none of the state. */
static const char *path_of(const struct changes *c, const struct expr *place) {
  const char *object;
  switch (place->kind) {
  case EXPR_NAME: return place->name.ref == REF_STATE ? place->name.text : NULL;
  case EXPR_FIELD:
    object = path_of(c, place->field.object);
    return object ? arena_printf(c->arena, "%s.%s", object, place->field.name.text) : NULL;
  case EXPR_INDEX:
    object = path_of(c, place->index.object);
    return object ? arena_printf(c->arena, "%s[…]", object) : NULL;
  default: return NULL;
  }
}

/* A set or map whose keys are all known takes no more than those. */
static bool can_grow(const struct type *type) {
  if (type->kind == TYPE_SET) return count_values(type->elem) == 0;
  return type->kind != TYPE_MAP || count_values(type->key) == 0;
}

static void note(const struct changes *c, struct path_list *list, const char *path) {
  if (!path) return;
  vec_each(const char *, known, list)
    if (strcmp(*known, path) == 0) return;
  vec_push(c->arena, list, path);
}

/* `m[k] = v` and `m[k].push(v)` put the key k into a map that has it not. */
static void note_new_keys(struct changes *c, const struct expr *place) {
  for (; place->kind == EXPR_FIELD || place->kind == EXPR_INDEX;
       place = place->kind == EXPR_FIELD ? place->field.object : place->index.object) {
    bool is_index = place->kind == EXPR_INDEX;
    if (is_index && place->index.object->type->kind == TYPE_MAP && can_grow(place->index.object->type))
      note(c, &c->grown, path_of(c, place->index.object));
  }
}

static bool visit_expr(const struct expr *expr, const void *context) {
  struct changes *c = *(struct changes *const *)context;
  bool is_change = expr->kind == EXPR_CALL && expr->call.kind == CALL_BUILTIN && expr->call.builtin->is_mutator;
  if (is_change) {
    const struct expr *place = expr->call.args.data[0].value;
    enum builtin_id id = expr->call.builtin->id;
    bool adds = id == BUILTIN_PUSH || id == BUILTIN_INSERT || id == BUILTIN_ADD || id == BUILTIN_PUT;
    note_new_keys(c, place);
    if (!adds || can_grow(place->type)) note(c, adds ? &c->grown : &c->cleared, path_of(c, place));
  }
  return expr_any_child(expr, visit_expr, context);
}

static void look_at(struct changes *c, const struct expr *expr) {
  if (expr) visit_expr(expr, &c);
}

static void visit_block(struct changes *, const struct block *);

static void visit_assign(struct changes *c, const struct stmt *stmt) {
  const struct expr *place = stmt->assign.place;
  if (stmt->assign.op == ASSIGN_CONCAT) note(c, &c->grown, path_of(c, place));
  if (stmt->assign.op == ASSIGN_SET) note(c, &c->cleared, path_of(c, place));
  note_new_keys(c, place);
  look_at(c, stmt->assign.value);
}

static void visit_stmt(struct changes *c, const struct stmt *stmt) {
  switch (stmt->kind) {
  case STMT_LET: look_at(c, stmt->let.value); break;
  case STMT_ASSIGN: visit_assign(c, stmt); break;
  case STMT_EXPR:
  case STMT_FAIL:
  case STMT_RETURN: look_at(c, stmt->expr); break;
  case STMT_EMIT: look_at(c, stmt->emit.value); break;
  case STMT_FORGET: c->has_forget = true; break;
  case STMT_IF:
    look_at(c, stmt->if_else.condition);
    visit_block(c, stmt->if_else.then_block);
    if (stmt->if_else.else_block) visit_block(c, stmt->if_else.else_block);
    break;
  case STMT_MATCH:
    look_at(c, stmt->match.subject);
    vec_each(struct match_arm, arm, &stmt->match.arms) visit_block(c, arm->body);
    break;
  case STMT_FOR:
    look_at(c, stmt->loop.iterable);
    visit_block(c, stmt->loop.body);
    break;
  case STMT_ERROR: break;
  }
}

static void visit_block(struct changes *c, const struct block *block) {
  vec_each(struct stmt *, stmt, &block->stmts) visit_stmt(c, *stmt);
}

/* Whether something that is cleared holds the part, or is it. */
static bool is_cleared(const struct changes *c, const char *path) {
  vec_each(const char *, cleared, &c->cleared) {
    size_t length = strlen(*cleared);
    bool is_in = strncmp(path, *cleared, length) == 0;
    if (is_in && (path[length] == '\0' || path[length] == '.' || path[length] == '[')) return true;
  }
  return false;
}

/* What only grows. */
static struct path_list growing_of(const struct changes *c) {
  struct path_list list = {0};
  vec_each(const char *, path, &c->grown)
    if (!is_cleared(c, *path)) note(c, &list, *path);
  return list;
}

/* -- keys -------------------------------------------------------------------------------------- */

/* Whether something in the expression may differ from item to item. */
static bool varies(const struct expr *expr, const void *context) {
  if (expr->kind == EXPR_CALL) return true;
  if (expr->kind == EXPR_NAME && expr->name.ref != REF_PARAM && expr->name.ref != REF_CONST &&
      expr->name.ref != REF_VARIANT)
    return true;
  return expr_any_child(expr, varies, context);
}

struct key {
  bool varies;
  const struct expr *value; /* of the only `key by` above, or null */
};

/* The `key by`s above the node, in which rows arrive. */
static void find_keys(const struct node *node, struct key *key, uint32_t *count) {
  vec_each(struct edge *, edge, &node->inputs) {
    const struct node *from = (*edge)->from;
    if (from->kind != NODE_STAGE || from->stage->op != &op_key) {
      find_keys(from, key, count);
      continue;
    }
    const struct expr *value = from->stage->args.data[0];
    key->varies = key->varies || varies(value, NULL);
    key->value = (*count)++ == 0 && !from->stage->made_for ? value : NULL;
  }
}

/* "one value for each `user`" */
static const char *each_key(struct compiler *compiler, const struct key *key) {
  enum { SHOWN = 40 };
  const char *otherwise = "one value for each key";
  if (!key->value || key->value->span.length > SHOWN) return otherwise;
  const char *text = arena_strndup(&compiler->arena, sources_text(&compiler->sources, key->value->span),
                                   key->value->span.length);
  if (strpbrk(text, "$\n")) return otherwise;
  return arena_printf(&compiler->arena, "one value for each `%s`", text);
}

/* -- a state ----------------------------------------------------------------------------------- */

static bool forgets(struct compiler *compiler, const struct block *block) {
  struct changes c = {.arena = &compiler->arena};
  visit_block(&c, block);
  return c.has_forget;
}

static const struct hook *forgetting_hook(struct compiler *compiler, const struct stage *stage) {
  vec_each(const struct hook, hook, &stage->hooks)
    if (forgets(compiler, hook->body)) return hook;
  return NULL;
}

/* While a window is open, or a partner may come. */
static const char *waiting_text(const struct stage *made_for) {
  return strcmp(made_for->verb.text, "window") == 0 ? "with an open window" : "while a partner may come";
}

/* By time, or by what the program says. */
static void say_when_dropped(struct compiler *compiler, struct growth *g, const struct stage *stage,
                             const char *each) {
  struct arena *arena = &compiler->arena;
  const struct hook *hook = forgetting_hook(compiler, stage);
  bool is_made = stage->made_for && strcmp(stage->made_for->verb.text, "state") != 0;
  g->memory = "unbounded";
  g->why = arena_printf(arena, "%s, and nothing drops one", each);
  if (stage->expires) {
    g->memory = "bounded";
    g->why = arena_printf(arena, "%s, which goes when the key `expires`", each);
  } else if (is_made && hook && hook->kind == HOOK_AT) {
    g->memory = "bounded";
    g->why = arena_printf(arena, "%s %s", each, waiting_text(stage->made_for));
  } else if (is_made && strcmp(stage->made_for->verb.text, "join") == 0 && forgets(compiler, stage->body)) {
    g->memory = "depends";
    g->why = arena_printf(arena, "%s, until its items have partners", each);
  } else if (!is_made && (hook || forgets(compiler, stage->body))) {
    g->memory = "depends";
    g->why = arena_printf(arena, "%s, until `forget` in %s drops it", each,
                          hook ? arena_printf(arena, "`on %s`", hook->name.text) : "its block");
  }
}

static struct growth growth_of(struct compiler *compiler, const struct node *node) {
  const struct stage *stage = node->stage;
  struct arena *arena = &compiler->arena;
  struct growth g = {.state = stage->id, .memory = "bounded"};
  struct key key = {0};
  uint32_t keys = 0;
  find_keys(node, &key, &keys);
  uint64_t most = count_values(node->key);
  if (keys > 0 && !key.varies) {
    g.why = "one value: all items have the same key";
  } else if (most > 0) {
    g.why = arena_printf(arena, "at most %llu values: there are no more keys", (unsigned long long)most);
  } else {
    say_when_dropped(compiler, &g, stage, each_key(compiler, &key));
  }
  struct changes changes = {.arena = arena};
  visit_block(&changes, stage->body);
  vec_each(struct hook, hook, &stage->hooks) visit_block(&changes, hook->body);
  if (!stage->made_for) g.growing = growing_of(&changes);
  return g;
}

VEC_OF(growth_list, struct growth);

static struct growth_list find_all(struct compiler *compiler) {
  struct growth_list list = {0};
  vec_each(struct node *, it, &compiler->graph->nodes) {
    const struct node *node = *it;
    if (node->kind != NODE_STAGE || node->stage->op->state != OP_STATE_PER_KEY) continue;
    vec_push(&compiler->arena, &list, growth_of(compiler, node));
  }
  return list;
}

/* -- printing ---------------------------------------------------------------------------------- */

void growth_print(struct compiler *compiler, FILE *out) {
  struct growth_list list = find_all(compiler);
  int width = 0;
  vec_each(struct growth, g, &list)
    if ((int)strlen(g->state) > width) width = (int)strlen(g->state);
  if (list.count > 0) fprintf(out, "what its states keep in memory:\n");
  vec_each(struct growth, g, &list) {
    fprintf(out, "  %-*s  %-9s  %s\n", width, g->state, g->memory, g->why);
    if (g->growing.count == 0) continue;
    fprintf(out, "  %-*s             and nothing is taken out of ", width, "");
    vec_each(const char *, path, &g->growing)
      fprintf(out, "%s`%s`", path > g->growing.data ? ", " : "", *path);
    fputc('\n', out);
  }
}

static void add_json(struct text *out, const char *before, const char *value) {
  text_add(out, before);
  text_add_quoted_json(out, value, strlen(value));
}

void growth_print_json(struct compiler *compiler, FILE *out) {
  struct growth_list list = find_all(compiler);
  struct text line;
  text_init(&line, &compiler->arena);
  vec_each(struct growth, g, &list) {
    text_clear(&line);
    add_json(&line, "{\"state\": ", g->state);
    add_json(&line, ", \"memory\": ", g->memory);
    add_json(&line, ", \"why\": ", g->why);
    text_add(&line, ", \"only_grows\": [");
    vec_each(const char *, path, &g->growing) add_json(&line, path > g->growing.data ? ", " : "", *path);
    fprintf(out, "%s]}\n", line.data);
  }
}
