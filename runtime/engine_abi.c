/* What generated code calls. */
#include "engine.h"

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

_Noreturn static void give_up(struct flow_worker *w, enum give_up how) {
  struct catcher *c = w->engine;
  const struct flow_sys *sys = c->engine->sys;
  const struct flow_str *reason = &w->failure.reason;
  sys->free(sys, c->reason);
  c->reason = flow_sys_must_alloc(sys, reason->length + 1);
  memcpy(c->reason, flow_str_data(reason), reason->length);
  c->reason[reason->length] = '\0';
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
    if (w->sinks[i].buf.length < FLOW_SINK_BYTES) continue;
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
