/* flowcc state ls, get, dump. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "state/state.h"

/* -- ls -------------------------------------------------------------------------------------- */

struct listed {
  const struct flow_view_id *id;
  uint64_t rows, bytes;
};

static void add_type(struct flow_buf *out, const struct flow_view_id *id) {
  if (id->key->kind != FLOW_KIND_UNIT) {
    flow_view_print_type(out, id->key);
    flow_buf_add_literal(out, " -> ");
  }
  flow_view_print_type(out, id->value);
}

static void add_type_json(struct flow_buf *out, const char *name, const struct flow_type *type) {
  struct flow_buf text = {0};
  flow_view_print_type(&text, type);
  state_add_member(out, name);
  flow_print_json_bytes(out, text.data, text.length);
  flow_buf_free(&text);
}

static bool print_listed_json(struct state_call *call, const struct listed *listed) {
  const struct flow_view_info *info = flow_view_info(call->view);
  struct flow_buf *out = &call->line;
  flow_buf_add_char(out, '{');
  state_add_member(out, "kind");
  state_add_json(out, state_kind(listed->id->kind));
  state_add_member(out, "name");
  state_add_json(out, listed->id->name);
  state_add_member(out, "rows");
  state_add(out, "%" PRIu64, listed->rows);
  state_add_member(out, "bytes");
  state_add(out, "%" PRIu64, listed->bytes);
  add_type_json(out, "key", listed->id->key);
  add_type_json(out, "value", listed->id->value);
  state_add_member(out, "flow");
  state_add_json(out, info->flow_name);
  state_add_member(out, "epoch");
  state_add(out, "%" PRId64 "}", info->epoch);
  return state_print_line(call);
}

static bool print_head(struct state_call *call) {
  const struct flow_view_info *info = flow_view_info(call->view);
  state_add(&call->line, "flow %s, ", info->flow_name);
  if (info->epoch < 0) state_add(&call->line, "no epoch yet");
  else if (info->epoch == info->head) state_add(&call->line, "newest epoch %" PRId64, info->epoch);
  else state_add(&call->line, "epoch %" PRId64 " of %" PRId64, info->epoch, info->head);
  state_add(&call->line, ", %" PRIu64 " bytes on disk, written by %s", info->file_bytes,
            info->compiler);
  return state_print_line(call);
}

static bool print_table(struct state_call *call, const struct listed *rows, size_t count) {
  int width = 4;
  for (size_t i = 0; i < count; i++)
    if ((int)strlen(rows[i].id->name) > width) width = (int)strlen(rows[i].id->name);
  if (width > 40) width = 40;
  if (!print_head(call)) return false;
  if (count == 0) return true;
  state_add(&call->line, "%-6s  %-*s  %10s  %12s  %s", "kind", width, "name", "rows", "bytes",
            "type");
  if (!state_print_line(call)) return false;
  for (size_t i = 0; i < count; i++) {
    const struct flow_view_id *id = rows[i].id;
    state_add(&call->line, "%-6s  %-*s  %10" PRIu64 "  %12" PRIu64 "  ", state_kind(id->kind),
              width, id->name, rows[i].rows, rows[i].bytes);
    add_type(&call->line, id);
    if (!state_print_line(call)) return false;
  }
  return true;
}

struct counts {
  struct listed *at; /* rows come id by id */
};

static bool count_row(void *context, const struct flow_view_row *row) {
  struct counts *counts = context;
  while (counts->at->id != row->id) counts->at++;
  counts->at->rows++;
  counts->at->bytes += row->key_length + row->value_length;
  return true;
}

enum flow_status state_ls(struct state_call *call) {
  size_t count;
  const struct flow_view_id *const *ids = state_select(call, true, &count);
  struct listed *rows = arena_zalloc(call->arena, (count + 1) * sizeof *rows);
  for (size_t i = 0; i < count; i++) rows[i].id = ids[i];
  struct counts counts = {.at = rows};
  enum flow_status status =
      flow_view_rows(call->view, ids, count, count_row, &counts, &call->report);
  if (status != FLOW_OK) return status;
  if (!call->is_json) {
    print_table(call, rows, count);
    return FLOW_OK;
  }
  for (size_t i = 0; i < count; i++)
    if (!print_listed_json(call, &rows[i])) break;
  return FLOW_OK;
}

/* -- get ------------------------------------------------------------------------------------- */

static enum flow_status print_found(struct state_call *call, const struct flow_view_id *id,
                                    const struct flow_buf *key, const struct flow_buf *value) {
  struct flow_buf *out = &call->line;
  if (call->is_json) {
    flow_buf_add_char(out, '{');
    state_add_member(out, state_kind(id->kind));
    state_add_json(out, id->name);
    state_add_member(out, "epoch");
    state_add(out, "%" PRId64, flow_view_info(call->view)->epoch);
    state_add_member(out, "key");
    if (!state_add_value(call, id->key, key->data, key->length)) return FLOW_E_CORRUPT;
    state_add_member(out, "value");
  }
  if (!state_add_value(call, id->value, value->data, value->length)) return FLOW_E_CORRUPT;
  if (call->is_json) flow_buf_add_char(out, '}');
  state_print_line(call);
  return FLOW_OK;
}

static enum flow_status no_such_key(struct state_call *call, const struct flow_view_id *id,
                                    const struct flow_buf *key) {
  struct flow_buf text = {0};
  flow_view_print(&text, id->key, key->data, key->length);
  fprintf(stderr, "flowcc state: the %s `%s` has no key %.*s\n", state_kind(id->kind), id->name,
          (int)(text.length > 300 ? 300 : text.length), text.data);
  flow_buf_free(&text);
  call->code = 1;
  return FLOW_OK;
}

enum flow_status state_get(struct state_call *call) {
  const struct flow_view_id *id = state_find(call, call->words[0]);
  if (id == NULL) return FLOW_E_USAGE;
  struct flow_buf key = {0}, value = {0};
  bool is_found = false;
  enum flow_status status = flow_view_parse_key(id->key, call->words + 1, call->word_count - 1,
                                                &key, &call->report);
  if (status == FLOW_OK)
    status = flow_view_find(call->view, id, key.data, key.length, &value, &is_found, &call->report);
  if (status == FLOW_OK)
    status = is_found ? print_found(call, id, &key, &value) : no_such_key(call, id, &key);
  flow_buf_free(&key);
  flow_buf_free(&value);
  return status;
}

/* -- dump ------------------------------------------------------------------------------------ */

struct dump {
  struct state_call *call;
  enum flow_status status;
};

static bool dump_row(void *context, const struct flow_view_row *row) {
  struct dump *dump = context;
  struct state_call *call = dump->call;
  const struct flow_view_id *id = row->id;
  flow_buf_add_char(&call->line, '{');
  state_add_member(&call->line, state_kind(id->kind));
  state_add_json(&call->line, id->name);
  state_add_member(&call->line, "key");
  dump->status = FLOW_E_CORRUPT;
  if (!state_add_value(call, id->key, row->key, row->key_length)) return false;
  state_add_member(&call->line, "value");
  if (!state_add_value(call, id->value, row->value, row->value_length)) return false;
  dump->status = FLOW_OK;
  flow_buf_add_char(&call->line, '}');
  return state_print_line(call);
}

enum flow_status state_dump(struct state_call *call) {
  size_t count = 1;
  const struct flow_view_id *id, *const *ids = &id;
  if (call->word_count == 1) {
    id = state_find(call, call->words[0]);
    if (id == NULL) return FLOW_E_USAGE;
  } else {
    ids = state_select(call, call->is_all, &count);
  }
  struct dump dump = {.call = call};
  enum flow_status status = flow_view_rows(call->view, ids, count, dump_row, &dump, &call->report);
  return status != FLOW_OK ? status : dump.status;
}
