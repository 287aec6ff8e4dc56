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
  struct engine *e = w->engine;
  const struct flow_str *reason = &w->failure.reason;
  e->sys->free(e->sys, e->failure_reason);
  e->failure_reason = flow_sys_must_alloc(e->sys, reason->length + 1);
  memcpy(e->failure_reason, flow_str_data(reason), reason->length);
  e->failure_reason[reason->length] = '\0';
  e->failure_site = w->failure.site;
  e->gave_up = how;
  longjmp(e->jump, 1);
}

_Noreturn void flow_abort_record(struct flow_worker *w) {
  give_up(w, GIVE_UP_FAULT);
}

_Noreturn void flow_stop_record(struct flow_worker *w) {
  give_up(w, GIVE_UP_STOP);
}

void flow_batch_end(struct flow_worker *w) {
  struct engine *e = w->engine;
  flow_mem_arena_reset(w->arena);
  if (e->inspected.length > 0) engine_flush_inspected(e);
  for (uint32_t i = 0; i < e->program->sink_count; i++) {
    if (w->sinks[i].buf.length < FLOW_SINK_BYTES) continue;
    e->flush_status = sink_flush(&e->sinks[i], &e->stop, &e->report);
    if (e->flush_status != FLOW_OK) return; /* the loop sees it behind this run of the block */
  }
}

void flow_count_rejected(struct flow_worker *w, uint64_t count) {
  struct engine *e = w->engine;
  e->rejected += count;
}

void flow_inspect(struct flow_worker *w, const struct flow_site *site, struct flow_str line) {
  struct engine *e = w->engine;
  (void)site;
  if (e->inspected_record != w->record) {
    e->inspected_record = w->record;
    e->inspected_mark = e->inspected.length;
  }
  flow_buf_add(&e->inspected, flow_str_data(&line), line.length);
  flow_buf_add_char(&e->inspected, '\n');
}

void engine_flush_inspected(struct engine *e) {
  flow_sys_write_all(e->sys, 2, e->inspected.data, e->inspected.length);
  e->inspected.length = 0;
  e->inspected_record = UINT64_MAX;
}

void engine_print(struct engine *e, const struct flow_buf *text) {
  /* Nothing can be done about a stderr that takes nothing. */
  flow_sys_write_all(e->sys, 2, text->data, text->length);
}
