/* What generated code calls. */
#include "engine.h"

#include "flow/parts.h"
#include "flow/text.h"
#include "limits.h"
#include "mem.h"

#include <string.h>

void flow_set_failure_text(struct flow_worker *w, const struct flow_site *site,
                           const struct flow_str *reason) {
  w->failure = (struct flow_failure){.site = site, .reason = *reason};
}

void flow_set_failure(struct flow_worker *w, const struct flow_site *site, const char *reason,
                      bool is_fault) {
  struct flow_str text = flow_str_make(reason, strlen(reason));
  flow_set_failure_text(w, site, &text);
  w->failure.is_fault = is_fault;
}

/* The text for a message, in memory of the caller: control characters, which may come from the item,
 * are escaped as in JSON, so that none ends the text or reaches the terminal. */
static char *printable(const struct flow_sys *sys, const struct flow_str *text) {
  enum { ESCAPED = 6 };
  static const char hex[] = "0123456789abcdef";
  const char *data = flow_str_data(text);
  char *copy = flow_sys_must_alloc(sys, (size_t)text->length * ESCAPED + 1), *out = copy;
  for (uint32_t i = 0; i < text->length; i++) {
    unsigned char c = (unsigned char)data[i];
    if (c >= 0x20 && c != 0x7f) {
      *out++ = data[i];
    } else {
      memcpy(out, "\\u00", 4);
      out[4] = hex[c >> 4];
      out[5] = hex[c & 15];
      out += ESCAPED;
    }
  }
  *out = '\0';
  return copy;
}

_Noreturn static void give_up(struct flow_worker *w, enum give_up how) {
  struct catcher *c = w->engine;
  const struct flow_sys *sys = c->engine->sys;
  sys->free(sys, c->reason);
  c->reason = printable(sys, &w->failure.reason);
  c->site = w->failure.site;
  c->gave_up = how;
  longjmp(c->jump, 1);
}

_Noreturn void flow_abort_record(struct flow_worker *w) {
  give_up(w, GIVE_UP_FAULT);
}

_Noreturn void flow_stop_record(struct flow_worker *w) {
  give_up(w, GIVE_UP_STOP);
}

static struct engine *engine_of(const struct flow_worker *w) {
  const struct catcher *c = w->engine;
  return c->engine;
}

void flow_batch_end(struct flow_worker *w) {
  if (w->lane != NULL) return; /* everything waits there until the block leaves */
  struct engine *e = engine_of(w);
  flow_mem_arena_reset(w->arena);
  if (w->sinks[e->program->sink_count].buf.length > 0) engine_flush_inspected(e);
  for (uint32_t i = 0; i < e->program->sink_count; i++) {
    if (!sink_is_full(&e->sinks[i])) continue;
    e->flush_status = sink_flush(&e->sinks[i], &e->stop, &e->report);
    if (e->flush_status != FLOW_OK) return; /* the loop sees it behind this run of the block */
  }
}

void flow_inspect(struct flow_worker *w, const struct flow_site *site, struct flow_str line) {
  (void)site;
  struct flow_buf *out = flow_sink_row(w, engine_of(w)->program->sink_count);
  flow_buf_add(out, flow_str_data(&line), line.length);
  flow_buf_add_char(out, '\n');
}

void engine_flush_inspected(struct engine *e) {
  struct flow_sink *inspected = &e->worker.sinks[e->program->sink_count];
  flow_sys_write_all(e->sys, 2, inspected->buf.data, inspected->buf.length);
  inspected->buf.length = 0;
  inspected->mark_record = UINT64_MAX;
}

void engine_print(struct engine *e, const struct flow_buf *text) {
  /* Nothing can be done about a stderr that takes nothing. */
  flow_sys_write_all(e->sys, 2, text->data, text->length);
}

/* -- paths that depend on items */

/* What is wrong with the path behind its first `fixed` bytes, or null. */
static const char *path_mistake(const char *path, size_t length, size_t fixed) {
  if (length > FLOW_PATH_BYTES) return "it is too long";
  if (memchr(path, '\0', length) != NULL) return "it has a NUL in it";
  const char *end = path + length;
  /* Of the name in which the fixed text ends, the first part is the program's. */
  bool is_whole = fixed == 0 || path[fixed - 1] == '/';
  const char *name = path + fixed;
  while (!is_whole && name > path && name[-1] != '/') name--;
  while (name <= end) {
    const char *slash = memchr(name, '/', (size_t)(end - name));
    const char *stop = slash == NULL ? end : slash;
    if (stop - name > FLOW_NAME_BYTES) return "a part of it is longer than 255 bytes";
    if (is_whole && stop == name) return "a part of it is empty";
    if (is_whole && *name == '.') return "a part of it begins with a dot";
    name = stop + 1;
    is_whole = true;
  }
  return NULL;
}

bool flow_part_check(struct flow_worker *w, uint32_t sink, const struct flow_str *path) {
  const struct sink *s = &engine_of(w)->sinks[sink];
  const char *data = flow_str_data(path);
  const char *mistake = path_mistake(data, path->length, strlen(s->location));
  if (FLOW_LIKELY(mistake == NULL)) return true;
  enum { SHOWN = 200 };
  bool is_cut = path->length > SHOWN;
  size_t shown = is_cut ? flow_utf8_valid(data, SHOWN) : path->length;
  struct flow_buf text = flow_text_begin(w->arena);
  flow_buf_add_literal(&text, "the path `");
  flow_print_lossy(&text, data, shown);
  flow_buf_add(&text, is_cut ? "...` cannot be used: " : "` cannot be used: ", is_cut ? 21 : 18);
  flow_buf_add(&text, mistake, strlen(mistake));
  struct flow_str reason = flow_text_end(&text);
  flow_set_failure_text(w, s->desc->site, &reason);
  w->failure.is_fault = true;
  return false;
}
