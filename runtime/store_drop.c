/* flow/store.h: forgetting an id from outside of its program. */
#include "store_impl.h"

#include <lmdb.h>
#include <stdio.h>
#include <string.h>

static int write_forget(struct flow_store *store, MDB_txn *txn, void *context,
                        struct flow_report *report) {
  (void)report;
  struct store_id id = *(const struct store_id *)context;
  uint8_t name[6];
  store_put16(name, id.number);
  store_put32(name + 2, 0);
  id.dropped = store->meta.head + 1;
  store->scratch.length = 0;
  store_encode_id(&store->scratch, &id);
  MDB_val key = {.mv_data = name, .mv_size = sizeof name};
  MDB_val data = {.mv_data = store->scratch.data, .mv_size = store->scratch.length};
  return mdb_put(txn, store->schema_db, &key, &data, 0);
}

static enum flow_status forget(struct flow_store *store, enum flow_store_kind kind,
                               const char *name, struct flow_report *report) {
  enum flow_status status = FLOW_OK;
  if (store->damaged >= 0) status = store_reachable(store, store->meta.head + 1, report);
  if (status != FLOW_OK) return status;
  for (size_t i = 0; i < store->id_count; i++) {
    struct store_id *id = &store->ids[i];
    if (id->kind != kind || id->dropped >= 0 ||
        strcmp(id->versions[id->version_count - 1].name, name) != 0)
      continue;
    return store_write(store, write_forget, id, "forget saved state", report);
  }
  return flow_report_fail(report, FLOW_E_INPUT, "nothing called `%s` is saved in %s", name,
                          store->dir);
}

enum flow_status flow_state_drop(const char *dir, enum flow_store_kind kind, const char *name,
                                 struct flow_report *report) {
  struct flow_view_options look = {.dir = dir, .epoch = FLOW_STORE_NEWEST,
                                   .since = FLOW_STORE_NEWEST, .is_good_enough = true};
  struct flow_view *view;
  enum flow_status status = flow_view_open(&look, &view, report);
  if (status != FLOW_OK) return status;
  char flow_name[FLOW_STORE_NAME + 1], compiler[FLOW_STORE_NAME + 1];
  snprintf(flow_name, sizeof flow_name, "%s", flow_view_info(view)->flow_name);
  snprintf(compiler, sizeof compiler, "%s", flow_view_info(view)->compiler);
  flow_view_close(view);
  struct flow_store_options options = {.dir = dir, .flow_name = flow_name,
                                       .compiler_version = compiler};
  struct flow_store *store;
  status = flow_store_open(flow_sys_posix(), &options, &store, report);
  if (status == FLOW_OK) {
    status = forget(store, kind, name, report);
    flow_store_close(store);
  }
  if (status == FLOW_E_LOCKED) flow_report_help(report, "stop that run first");
  return status;
}
