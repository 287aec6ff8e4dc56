#include "tools/guarantee.h"

#include <string.h>

#include "base/text.h"
#include "front/check.h"
#include "io/io.h"
#include "middle/graph.h"
#include "ops/op.h"

struct guarantee {
  const struct node *source;
  const char *sink;
  const char *promise; /* "exactly once" */
  const char *why;
  const char *epochs;  /* what on the way depends on them: "`on epoch` of state count"; or null */
};
VEC_OF(guarantee_list, struct guarantee);

struct finder {
  struct compiler *compiler;
  struct arena *arena;
  struct guarantee_list list;
  const struct node *source;
  const char **seen_with; /* by id: what the way to it depends on, "" if on nothing; null: not seen */
};

/* -- what depends on epochs -------------------------------------------------------------------- */

/* What the stage has that depends on where epochs end; null: nothing does. */
static const char *epoch_word(const struct finder *f, const struct node *node) {
  const struct stage *stage = node->stage;
  bool has_time = node->times.count > 0; /* deadlines are compared with watermarks */
  bool has_clock = stage->expires || stage->sees_watermark;
  if (stage->expires && !has_time) return "has `expires`";
  vec_each(struct hook, hook, &stage->hooks) {
    has_clock = has_clock || hook->kind == HOOK_AT;
    if (hook->kind == HOOK_EPOCH || (hook->kind == HOOK_AT && !has_time))
      return arena_printf(f->arena, "has `on %s`", hook->name.text);
  }
  vec_each(struct node *, time, &node->times)
    if (has_clock && node->times.count > 1 && (*time)->stage->idle)
      return "does not wait for a stream with `idle after`";
  return stage->sees_epochs ? "asks for epoch() or now()" : NULL;
}

/* The same with the name of the stage. */
static const char *epoch_reason(const struct finder *f, const struct node *node) {
  const char *word = node->kind == NODE_STAGE ? epoch_word(f, node) : NULL;
  if (!word) return NULL;
  const struct stage *stage = node->stage;
  if (stage->id) return arena_printf(f->arena, "`%s` %s", stage->id, word);
  unsigned line = sources_line(&f->compiler->sources, stage->span.offset);
  return arena_printf(f->arena, "the `%s` at line %u %s", stage->op->name, line, word);
}

static bool is_live(const struct node *source) {
  return source->decl->io->connector->is_live || source->decl->io->poll_us > 0;
}

/* -- ways -------------------------------------------------------------------------------------- */

static const char *sink_name(const struct node *sink) {
  return sink->decl ? sink->decl->name.text : "stdout";
}

static bool is_stdout(const struct node *sink) {
  return !sink->decl || !sink->decl->io->connector->has_location;
}

static struct guarantee *find(struct finder *f, const char *sink) {
  vec_each(struct guarantee, it, &f->list)
    if (it->source == f->source && strcmp(it->sink, sink) == 0) return it;
  return NULL;
}

static void add(struct finder *f, const struct node *sink, const char *epochs) {
  struct guarantee *known = find(f, sink_name(sink));
  if (known) {
    if (!known->epochs && epochs[0]) known->epochs = epochs;
    return;
  }
  const struct connector *connector = f->source->decl->io->connector;
  bool is_stream = connector->is_live && !connector->has_location;
  struct guarantee found = {.source = f->source, .sink = sink_name(sink)};
  if (is_stream) {
    found.promise = "at most once";
    found.why = "stdin cannot be read again: what was read since the last commit is lost";
  } else if (is_stdout(sink)) {
    found.promise = "at least once";
    found.why = "lines since the last commit come again; after an ordinary stop none do";
  } else {
    found.promise = "exactly once";
    found.why = "the input is read again from the last commit, and the file cut back to it";
  }
  found.epochs = epochs[0] ? epochs : NULL;
  vec_push(f->arena, &f->list, found);
}

/* Goes all ways from the node, each at most twice: a second time if the way depends on epochs. */
static void follow(struct finder *f, const struct node *node, const char *epochs) {
  const char *own = epochs[0] ? NULL : epoch_reason(f, node);
  if (own) epochs = own;
  const char *seen = f->seen_with[node->id];
  if (seen && (seen[0] || !epochs[0])) return;
  f->seen_with[node->id] = epochs;
  if (node->kind == NODE_SINK) add(f, node, epochs);
  vec_each(struct port, port, &node->ports)
    vec_each(struct edge *, edge, &port->edges) follow(f, (*edge)->to, epochs);
}

/* Where a live source meets another one, which record comes first is not in the data. */
static void note_meetings(struct finder *f) {
  vec_each(struct guarantee, a, &f->list)
    vec_each(struct guarantee, b, &f->list) {
      bool do_meet = a->source != b->source && strcmp(a->sink, b->sink) == 0;
      if (!do_meet || a->epochs || !(is_live(a->source) || is_live(b->source))) continue;
      const struct node *live = is_live(a->source) ? a->source : b->source;
      const struct node *other = live == a->source ? b->source : a->source;
      a->epochs = arena_printf(f->arena, "`%s` is live and meets `%s`", live->decl->name.text,
                               other->decl->name.text);
    }
}

static struct guarantee_list find_all(struct compiler *compiler) {
  const struct graph *graph = compiler->graph;
  struct finder f = {.compiler = compiler, .arena = &compiler->arena};
  vec_each(struct node *, node, &graph->nodes) {
    if ((*node)->kind != NODE_SOURCE) continue;
    f.source = *node;
    f.seen_with = arena_zalloc(f.arena, (graph->nodes.count + 1) * sizeof *f.seen_with);
    follow(&f, *node, "");
  }
  note_meetings(&f);
  return f.list;
}

/* -- printing ---------------------------------------------------------------------------------- */

void guarantee_print(struct compiler *compiler, FILE *out) {
  struct guarantee_list list = find_all(compiler);
  size_t width = 0;
  vec_each(struct guarantee, it, &list) {
    size_t own = strlen(it->source->decl->name.text) + strlen(it->sink);
    if (own > width) width = own;
  }
  if (list.count == 0) return;
  fprintf(out, "flow %s, with a state directory (-d DIR), after a crash:\n",
          check_flow_name(compiler));
  vec_each(struct guarantee, it, &list) {
    const char *source = it->source->decl->name.text;
    fprintf(out, "  %s -> %s%*s  %-13s  %s\n", source, it->sink,
            (int)(width - strlen(source) - strlen(it->sink)), "", it->promise, it->why);
    if (it->epochs)
      fprintf(out, "  %*s  and what is written depends on where epochs end: %s\n",
              (int)width + 19, "", it->epochs);
  }
}

static void add_member(struct text *out, const char *name, const char *value) {
  text_addf(out, "%s\"%s\": ", out->length > 1 ? ", " : "", name);
  if (value) {
    text_add_quoted_json(out, value, strlen(value));
  } else {
    text_add(out, "null");
  }
}

void guarantee_print_json(struct compiler *compiler, FILE *out) {
  struct guarantee_list list = find_all(compiler);
  struct text line;
  text_init(&line, &compiler->arena);
  vec_each(struct guarantee, it, &list) {
    text_clear(&line);
    text_addc(&line, '{');
    add_member(&line, "source", it->source->decl->name.text);
    add_member(&line, "sink", it->sink);
    add_member(&line, "guarantee", it->promise);
    add_member(&line, "why", it->why);
    add_member(&line, "depends_on_epochs", it->epochs);
    fprintf(out, "%s}\n", line.data);
  }
}
