/* flow/store.h: a program against what is saved. What a start checks before it changes anything, on a
 * view: the name of the flow, ids and types, values that are to be converted, files of sinks. */
#include "position.h"
#include "sink.h"
#include "store_impl.h"

#include <errno.h>
#include <string.h>

struct against {
  struct flow_view *view;
  const struct flow_view_program *program;
  struct flow_store_plan plan;
  const struct store_id **matches; /* of the program's ids; only their addresses are good later */
  uint16_t *numbers;               /* of the matches; 0: none */
  struct flow_schema_pool *pool;
  struct flow_report *report;
};

static enum flow_status no_memory(struct flow_report *report) {
  return flow_report_errno(report, FLOW_E_MEMORY, -ENOMEM, "compare the saved types");
}

/* -- ids and types */

/* The program's ids, with the types that the runtime has for what is its own. */
static bool make_plan(struct against *a) {
  size_t count = a->program->id_count;
  struct flow_store_id *ids = flow_schema_alloc(a->pool, (count + 1) * sizeof *ids);
  a->matches = flow_schema_alloc(a->pool, (count + 1) * sizeof *a->matches);
  a->numbers = flow_schema_alloc(a->pool, (count + 1) * sizeof *a->numbers);
  if (ids == NULL || a->matches == NULL || a->numbers == NULL) return false;
  for (size_t i = 0; i < count; i++) {
    ids[i] = a->program->ids[i];
    bool is_source = ids[i].kind == FLOW_STORE_SOURCE;
    if (!is_source && ids[i].kind != FLOW_STORE_SINK) continue;
    const struct flow_sink_desc sink = {.has_parts = a->program->targets[i].has_parts};
    ids[i].key = is_source ? position_key_type() : sink_key_type(&sink);
    ids[i].value = is_source ? position_value_type() : sink_value_type(&sink);
  }
  a->plan = (struct flow_store_plan){.ids = ids,
                                     .id_count = count,
                                     .drops = a->program->drops,
                                     .drop_count = a->program->drop_count,
                                     .resume_epoch = FLOW_STORE_NEWEST};
  return true;
}

static enum flow_status compare_ids(struct against *a, flow_view_tell tell, void *context) {
  struct flow_store *store = a->view->store;
  enum flow_status status = store_view_begin(a->view, a->report);
  if (status != FLOW_OK) return status;
  status = store_check_owner(store, a->program->flow_name, a->program->flow_was, a->report);
  if (status == FLOW_OK)
    status = store_compare(store, &a->plan, a->pool, a->matches, tell, context, a->report);
  for (size_t i = 0; i < a->plan.id_count; i++)
    if (a->matches[i] != NULL) a->numbers[i] = a->matches[i]->number;
  store_view_end(a->view);
  return status;
}

/* -- values */

struct values {
  struct against *against;
  const struct flow_schema_plan *key, *value; /* null: the bytes stay */
  const char *name;
  struct flow_buf scratch;
  bool fits;
};

static bool converts(struct values *v, const struct flow_schema_plan *plan, const void *data,
                     size_t length) {
  v->scratch.length = 0;
  return plan == NULL || flow_schema_convert(plan, data, length, &v->scratch);
}

static bool convert_row(void *context, const struct flow_view_row *row) {
  struct values *v = context;
  v->fits = converts(v, v->key, row->key, row->key_length) &&
            converts(v, v->value, row->value, row->value_length);
  return v->fits;
}

static const struct flow_view_id *saved_id(const struct against *a, uint16_t number) {
  for (size_t i = 0; number != 0 && i < a->view->id_count; i++)
    if (a->view->ids[i].number == number) return &a->view->ids[i];
  return NULL;
}

/* Whether each saved value has a form in the new type: an int may have no exact float. */
static enum flow_status convert_id(struct against *a, size_t index) {
  const struct flow_store_id *want = &a->plan.ids[index];
  const struct flow_view_id *have = saved_id(a, a->numbers[index]);
  struct flow_schema_diff key, value;
  if (want->kind != FLOW_STORE_STATE || have == NULL) return FLOW_OK;
  if (!flow_schema_compare(a->pool, want->name, have->key, want->key, FLOW_SCHEMA_KEY, &key) ||
      !flow_schema_compare(a->pool, want->name, have->value, want->value, 0, &value))
    return no_memory(a->report);
  struct values v = {.against = a,
                     .key = key.is_copy ? NULL : key.plan,
                     .value = value.is_copy ? NULL : value.plan,
                     .name = want->name,
                     .fits = true};
  if (v.key == NULL && v.value == NULL) return FLOW_OK;
  enum flow_status status = flow_view_rows(a->view, &have, 1, convert_row, &v, a->report);
  flow_buf_free(&v.scratch);
  if (status != FLOW_OK || v.fits) return status;
  return store_report_inexact(want->name, a->report);
}

/* -- files of sinks */

struct sink_look {
  struct sink sink;
  struct flow_sink out;
  struct flow_sink_desc desc;
  struct flow_report *report;
  const char *former; /* name of a sink that has left the program; null: the row is its own */
  enum flow_status status;
};

static bool look_at_row(void *context, const struct flow_view_row *row) {
  struct sink_look *look = context;
  look->status = look->former == NULL
                     ? sink_load(&look->sink, 0, row->key, row->key_length, row->value,
                                 row->value_length, look->report)
                     : sink_check_former(&look->sink, look->former, row->value, row->value_length,
                                         look->report);
  return look->status == FLOW_OK;
}

static enum flow_status read_rows(struct against *a, const struct flow_view_id *id,
                                  struct sink_look *look) {
  enum flow_status status = flow_view_rows(a->view, &id, 1, look_at_row, look, a->report);
  return status == FLOW_OK ? look->status : status;
}

static bool is_declared(const struct against *a, uint16_t number) {
  for (size_t i = 0; i < a->plan.id_count; i++)
    if (a->numbers[i] == number) return true;
  return false;
}

/* A sink that starts afresh must not empty what a sink has written that is in the program no more. */
static enum flow_status look_for_former(struct against *a, struct sink_look *look) {
  enum flow_status status = FLOW_OK;
  for (size_t i = 0; status == FLOW_OK && i < a->view->id_count; i++) {
    const struct flow_view_id *id = &a->view->ids[i];
    if (id->kind != FLOW_STORE_SINK || is_declared(a, id->number)) continue;
    look->former = id->name;
    status = read_rows(a, id, look);
  }
  look->former = NULL;
  return status;
}

static enum flow_status look_at_sink(struct against *a, size_t index) {
  const struct flow_view_target *target = &a->program->targets[index];
  const struct flow_view_id *have = saved_id(a, a->numbers[index]);
  if (a->plan.ids[index].kind != FLOW_STORE_SINK || target->path == NULL) return FLOW_OK;
  struct sink_look look = {.desc = {.name = a->plan.ids[index].name,
                                    .header = target->header,
                                    .has_parts = target->has_parts},
                           .report = a->report};
  enum flow_status status = sink_open_to_look(&look.sink, a->view->store->sys, &look.desc,
                                              target->path, &look.out, a->report);
  if (status == FLOW_OK && have != NULL) status = read_rows(a, have, &look);
  if (status == FLOW_OK && !look.sink.is_stored) status = look_for_former(a, &look);
  if (status == FLOW_OK) status = sink_check(&look.sink, false, a->report);
  sink_close(&look.sink);
  return status;
}

/* -- the whole */

enum flow_status flow_view_compare(struct flow_view *view, const struct flow_view_program *program,
                                   flow_view_tell tell, void *context,
                                   struct flow_report *report) {
  struct against a = {.view = view, .program = program, .report = report};
  a.pool = flow_schema_pool_new(view->store->sys);
  enum flow_status status = a.pool != NULL && make_plan(&a) ? compare_ids(&a, tell, context)
                                                            : no_memory(report);
  for (size_t i = 0; status == FLOW_OK && i < program->id_count; i++) status = convert_id(&a, i);
  for (size_t i = 0; status == FLOW_OK && i < program->id_count; i++) status = look_at_sink(&a, i);
  flow_schema_pool_free(a.pool);
  return status;
}
