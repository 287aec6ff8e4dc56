/* prepare: the program's ids and types against the stored ones.
 *
 * First everything is compared, without a change; all that does not fit is told at once. Then
 * one transaction makes the store fit. What it writes is valid from epoch head + 1 on. Until an
 * epoch is committed, no value has a new version, so a version of that age may still be
 * replaced. */
#include "store_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>

struct item {
  const struct flow_store_id *want;
  const struct store_id *have; /* null: it is new */
  bool adds_version;
  bool undrops; /* a drop that no epoch has seen yet is taken back */
  struct store_version version; /* what to write; texts in the pool */
  uint16_t number;
  uint32_t version_number;
};

struct prepare {
  struct flow_store *store;
  const struct flow_store_plan *plan;
  struct flow_report *report;
  struct flow_schema_pool *pool;
  struct item *items;
  bool *drops; /* of the store's ids */
  int64_t head;  /* the newest epoch that stays */
  int64_t limit; /* what counts from here on or before is there: head + 1, or head in a rewind */
  bool has_changes, is_out_of_memory;
  struct flow_buf wrong, notes;
  char help[256];
  struct store_meta meta;
  flow_view_tell tell; /* null: nobody listens */
  void *context;
};

/* Places in the texts, from where on they are about one id. */
struct told {
  size_t wrong, notes;
};

static struct told tell_from(const struct prepare *p) {
  return (struct told){.wrong = p->wrong.length, .notes = p->notes.length};
}

static void tell(struct prepare *p, enum flow_store_kind kind, const char *name,
                 enum flow_fate fate, struct told from) {
  if (p->tell == NULL) return;
  struct flow_buf *text = fate == FLOW_FATE_REFUSED ? &p->wrong : &p->notes;
  size_t start = fate == FLOW_FATE_REFUSED ? from.wrong : from.notes;
  if (start < text->length && text->data[start] == '\n') start++;
  flow_buf_add_char(text, '\0');
  p->tell(p->context, kind, name, fate, text->data + start);
  text->length--;
}

static void add_text(struct flow_buf *out, const char *text) {
  flow_buf_add(out, text, strlen(text));
}

/* Starts a line of its own. */
static void add_line(struct flow_buf *out, const char *text) {
  if (out->length != 0) add_text(out, "\n");
  add_text(out, text);
}

static void add_rename(struct prepare *p, const char *what, const char *from, const char *to) {
  add_line(&p->notes, what);
  add_text(&p->notes, "`");
  add_text(&p->notes, from);
  add_text(&p->notes, "` is now `");
  add_text(&p->notes, to);
  add_text(&p->notes, "`");
}

static bool is_visible(const struct prepare *p, const struct store_id *id) {
  return id->created <= p->limit && (id->dropped < 0 || id->dropped > p->limit);
}

/* How many versions there are at the end of the newest epoch that stays. */
static uint32_t visible_versions(const struct prepare *p, const struct store_id *id) {
  uint32_t count = id->version_count;
  while (count > 1 && id->versions[count - 1].created > p->limit) count--;
  return count;
}

static const char *name_of(const struct prepare *p, const struct store_id *id) {
  return id->versions[visible_versions(p, id) - 1].name;
}

static const struct store_id *find_named(const struct prepare *p, enum flow_store_kind kind,
                                         const char *name) {
  for (size_t i = 0; name != NULL && i < p->store->id_count; i++) {
    const struct store_id *id = &p->store->ids[i];
    if (is_visible(p, id) && id->kind == kind && strcmp(name_of(p, id), name) == 0) return id;
  }
  return NULL;
}

/* `path` is "cart" or "cart.field"; --accept-drop may name it or anything above it. */
static bool is_accepted(const struct prepare *p, const char *path, size_t length) {
  for (size_t i = 0; i < p->plan->drop_count; i++) {
    size_t n = strlen(p->plan->drops[i]);
    if (n <= length && memcmp(p->plan->drops[i], path, n) == 0 && (n == length || path[n] == '.'))
      return true;
  }
  return false;
}

/* -- comparing */

static bool check_drops(struct prepare *p, const struct flow_schema_diff *diff) {
  bool ok = true;
  for (const char *path = diff->drops; *path != '\0';) {
    size_t length = strcspn(path, "\n");
    bool accepted = is_accepted(p, path, length);
    struct flow_buf *out = accepted ? &p->notes : &p->wrong;
    add_line(out, "`");
    flow_buf_add(out, path, length);
    add_text(out, accepted ? "` is forgotten" : "` has saved values and is gone from the program");
    if (!accepted) {
      const char *quote = strcspn(path, "( '\n") < length ? "'" : ""; /* for a shell */
      snprintf(p->help, sizeof p->help, "--accept-drop %s%.*s%s forgets them; for a new name of the "
               "same field, write `new was \"old\"`", quote, (int)(length > 150 ? 150 : length), path, quote);
    }
    ok = ok && accepted;
    path += length + (path[length] == '\n');
  }
  return ok;
}

static bool check_type(struct prepare *p, const char *what, const struct flow_schema_diff *diff) {
  if (diff->verdict == FLOW_SCHEMA_REFUSED) {
    add_line(&p->wrong, what);
    add_text(&p->wrong, diff->why);
    if (p->help[0] == '\0')
      snprintf(p->help, sizeof p->help, "give the changed state another name, and "
               "--accept-drop the old one; or go back to the old type");
    return false;
  }
  if (diff->steps[0] != '\0') {
    add_line(&p->notes, what);
    add_text(&p->notes, diff->steps);
  }
  return check_drops(p, diff);
}

static const char *print_type(struct prepare *p, const struct flow_type *type) {
  struct flow_buf text = {0};
  flow_schema_print(&text, type);
  char *kept = text.length > FLOW_STORE_TYPE_TEXT ? NULL
                                                  : flow_schema_alloc(p->pool, text.length + 1);
  if (kept != NULL) memcpy(kept, text.data, text.length);
  flow_buf_free(&text);
  if (kept == NULL || flow_schema_parse(p->pool, kept, strlen(kept)) == NULL) return NULL;
  return kept;
}

static bool new_version(struct prepare *p, struct item *item, uint32_t number) {
  item->adds_version = p->has_changes = true;
  item->version_number = number;
  item->version = (struct store_version){
      .created = p->head + 1,
      .name = item->want->name,
      .key_text = print_type(p, item->want->key),
      .value_text = print_type(p, item->want->value),
  };
  if (item->version.key_text != NULL && item->version.value_text != NULL) return true;
  add_line(&p->wrong, "`");
  add_text(&p->wrong, item->want->name);
  add_text(&p->wrong, "` has a type that is too large, or a default that is not of its type");
  return false;
}

/* Compares with version `number`. *is_same: nothing needs to be written. */
static bool compare_item(struct prepare *p, struct item *item, uint32_t number, bool is_quiet,
                         bool *is_same) {
  const struct store_version *version = &item->have->versions[number - 1];
  struct flow_schema_diff key, value;
  const char *name = item->want->name;
  *is_same = false;
  if (!flow_schema_compare(p->pool, name, version->key, item->want->key, FLOW_SCHEMA_KEY, &key) ||
      !flow_schema_compare(p->pool, name, version->value, item->want->value, 0, &value)) {
    p->is_out_of_memory = true;
    return false;
  }
  bool is_renamed = strcmp(version->name, name) != 0;
  *is_same = key.verdict == FLOW_SCHEMA_SAME && value.verdict == FLOW_SCHEMA_SAME && !is_renamed;
  if (is_quiet || *is_same) return true;
  if (is_renamed) add_rename(p, "", version->name, name);
  bool ok = check_type(p, "key of ", &key);
  return check_type(p, "", &value) && ok;
}

/* The id of that name and these types whose drop no epoch has seen yet. A run that was refused or
 * killed behind its --accept-drop must not cost the older program its state. */
static bool find_dropped(struct prepare *p, struct item *item) {
  for (size_t i = 0; i < p->store->id_count; i++) {
    const struct store_id *id = &p->store->ids[i];
    if (id->dropped != p->head + 1 || id->kind != item->want->kind || id->created > p->head ||
        strcmp(name_of(p, id), item->want->name) != 0)
      continue;
    bool is_same;
    item->have = id;
    if (compare_item(p, item, visible_versions(p, id), true, &is_same) && is_same) {
      item->undrops = p->has_changes = true;
      add_line(&p->notes, "`");
      add_text(&p->notes, item->want->name);
      add_text(&p->notes, "` is not forgotten after all");
      return true;
    }
    item->have = NULL;
  }
  return false;
}

static bool prepare_item(struct prepare *p, struct item *item) {
  const struct flow_store_id *want = item->want;
  item->have = find_named(p, want->kind, want->name);
  if (item->have == NULL) item->have = find_named(p, want->kind, want->was);
  if (item->have == NULL && find_dropped(p, item)) {
    item->number = item->have->number;
    return true;
  }
  if (item->have == NULL) {
    if (p->meta.next_id == UINT16_MAX || p->store->id_count + p->plan->id_count > FLOW_STORE_IDS) {
      add_line(&p->wrong, "too many ids");
      return false;
    }
    item->number = p->meta.next_id++;
    return new_version(p, item, 1);
  }
  item->number = item->have->number;
  bool is_same;
  uint32_t newest = visible_versions(p, item->have);
  if (!compare_item(p, item, newest, true, &is_same)) return false;
  if (is_same) return true;
  bool is_unused = item->have->versions[newest - 1].created > p->head;
  if (is_unused && newest == 1) return new_version(p, item, 1);
  uint32_t from = is_unused ? newest - 1 : newest;
  if (!compare_item(p, item, from, false, &is_same)) return false;
  return new_version(p, item, from + 1);
}

/* What the store has and the program does not. */
static bool prepare_drops(struct prepare *p) {
  static const char *const kinds[] = {"", "state", "source", "sink", "part"};
  bool ok = true;
  for (size_t i = 0; i < p->store->id_count; i++) {
    const struct store_id *id = &p->store->ids[i];
    bool is_used = false;
    for (size_t k = 0; k < p->plan->id_count; k++) is_used |= p->items[k].have == id;
    if (!is_visible(p, id) || is_used) continue;
    const char *name = name_of(p, id);
    struct told from = tell_from(p);
    bool is_unused = id->created > p->head;
    if (is_unused || is_accepted(p, name, strlen(name))) {
      p->drops[i] = p->has_changes = true;
      if (is_unused) continue;
      add_line(&p->notes, "`");
      add_text(&p->notes, name);
      add_text(&p->notes, "` is forgotten");
      tell(p, id->kind, name, FLOW_FATE_DROPPED, from);
      continue;
    }
    if (id->kind == FLOW_STORE_SINK || id->kind == FLOW_STORE_ENGINE) {
      tell(p, id->kind, name, FLOW_FATE_LEFT, from);
      continue;
    }
    add_line(&p->wrong, "the ");
    add_text(&p->wrong, kinds[id->kind]);
    add_text(&p->wrong, " `");
    add_text(&p->wrong, name);
    add_text(&p->wrong, "` is saved, and the program has it no more");
    snprintf(p->help, sizeof p->help,
             "--accept-drop %.60s forgets it; if it has another name now, write `was \"%.60s\"` "
             "there", name, name);
    tell(p, id->kind, name, FLOW_FATE_REFUSED, from);
    ok = false;
  }
  return ok;
}

/* -- writing */

static int put_record(struct prepare *p, MDB_txn *txn, uint16_t id, uint32_t version) {
  uint8_t name[6];
  store_put16(name, id);
  store_put32(name + 2, version);
  MDB_val key = {.mv_data = name, .mv_size = sizeof name};
  MDB_val data = {.mv_data = p->store->scratch.data, .mv_size = p->store->scratch.length};
  return mdb_put(txn, p->store->schema_db, &key, &data, 0);
}

static int write_item(struct prepare *p, MDB_txn *txn, const struct item *item) {
  struct flow_store *store = p->store;
  int code = 0;
  if (item->have == NULL || item->undrops) {
    struct store_id id = {.number = item->number, .kind = item->want->kind, .dropped = -1,
                          .created = item->undrops ? item->have->created : p->head + 1};
    store->scratch.length = 0;
    store_encode_id(&store->scratch, &id);
    code = put_record(p, txn, id.number, 0);
  }
  if (code != 0 || !item->adds_version) return code;
  store->scratch.length = 0;
  store_encode_version(&store->scratch, item->number, item->version_number, &item->version);
  return put_record(p, txn, item->number, item->version_number);
}

static int write_drop(struct prepare *p, MDB_txn *txn, const struct store_id *dropped) {
  struct store_id id = *dropped;
  id.dropped = p->head + 1;
  p->store->scratch.length = 0;
  store_encode_id(&p->store->scratch, &id);
  return put_record(p, txn, id.number, 0);
}

static int write_prepare(struct flow_store *store, MDB_txn *txn, void *context,
                         struct flow_report *report) {
  (void)report;
  struct prepare *p = context;
  struct store_meta meta = p->meta;
  int code = 0;
  if (p->head != store->meta.head) code = store_rewind_in(store, txn, p->head + 1, &meta);
  const struct flow_buf *back = p->plan->going_back;
  if (code == 0 && p->head != store->meta.head && back != NULL && back->length > 0)
    code = store_put_back(store, txn, back);
  for (size_t i = 0; code == 0 && i < p->plan->id_count; i++)
    code = write_item(p, txn, &p->items[i]);
  for (size_t i = 0; code == 0 && i < store->id_count; i++)
    if (p->drops[i]) code = write_drop(p, txn, &store->ids[i]);
  return code == 0 ? store_put_meta(store, txn, &meta) : code;
}

bool flow_store_next_id(const struct flow_store *store, enum flow_store_kind kind, uint16_t *id,
                        const char **name) {
  for (size_t i = 0; i < store->id_count; i++) {
    const struct store_id *next = &store->ids[i];
    if (next->number <= *id || next->kind != kind || next->dropped >= 0) continue;
    *id = next->number;
    *name = next->versions[next->version_count - 1].name;
    return true;
  }
  return false;
}

/* -- the whole */

static enum flow_status refuse(struct prepare *p) {
  if (p->is_out_of_memory || flow_schema_pool_is_short(p->pool))
    return flow_report_errno(p->report, FLOW_E_MEMORY, ENOMEM, "compare the saved types");
  flow_report_fail(p->report, FLOW_E_MISMATCH,
                   "the state in %s does not fit the program:\n%.*s", p->store->dir,
                   (int)p->wrong.length, p->wrong.data == NULL ? "" : p->wrong.data);
  flow_report_help(p->report, "%s", p->help);
  return FLOW_E_MISMATCH;
}

static enum flow_fate fate_of(const struct item *item, bool fits) {
  if (!fits) return FLOW_FATE_REFUSED;
  if (item->have == NULL) return FLOW_FATE_NEW;
  return item->adds_version ? FLOW_FATE_CARRIED : FLOW_FATE_SAME;
}

static bool compare_all(struct prepare *p) {
  bool ok = true;
  for (size_t i = 0; i < p->plan->id_count; i++) {
    p->items[i].want = &p->plan->ids[i];
    if (strlen(p->plan->ids[i].name) > FLOW_STORE_NAME) {
      add_line(&p->wrong, "an id has a name that is too long");
      ok = false;
      continue;
    }
    struct told from = tell_from(p);
    bool fits = prepare_item(p, &p->items[i]);
    tell(p, p->plan->ids[i].kind, p->plan->ids[i].name, fate_of(&p->items[i], fits), from);
    ok = fits && ok;
  }
  return prepare_drops(p) && ok;
}

static enum flow_status compare(struct prepare *p) {
  p->items = flow_schema_alloc(p->pool, (p->plan->id_count + 1) * sizeof *p->items);
  p->drops = flow_schema_alloc(p->pool, p->store->id_count + 1);
  p->is_out_of_memory = p->items == NULL || p->drops == NULL;
  return p->is_out_of_memory || !compare_all(p) ? refuse(p) : FLOW_OK;
}

static enum flow_status prepare(struct prepare *p) {
  struct flow_store *store = p->store;
  enum flow_status status = compare(p);
  if (status != FLOW_OK) return status;
  if (strcmp(store->compiler, store->meta.compiler) != 0) p->has_changes = true;
  if (strcmp(store->flow_name, store->meta.flow_name) != 0) {
    p->has_changes = true;
    add_rename(p, "the flow ", store->meta.flow_name, store->flow_name);
  }
  snprintf(p->meta.flow_name, sizeof p->meta.flow_name, "%s", store->flow_name);
  snprintf(p->meta.compiler, sizeof p->meta.compiler, "%s", store->compiler);
  bool rewinds = p->head != store->meta.head;
  if (!p->has_changes && !rewinds) return FLOW_OK;
  status = store_write(store, write_prepare, p, "write the types of saved values", p->report);
  if (status != FLOW_OK) return status;
  if (rewinds) store_fold_forget(store);
  return store_read(store, rewinds, p->report);
}

enum flow_status store_compare(struct flow_store *store, const struct flow_store_plan *plan,
                               struct flow_schema_pool *pool, const struct store_id **matches,
                               flow_view_tell tell_fate, void *context,
                               struct flow_report *report) {
  enum flow_status status = store_reachable(store, store->meta.head + 1, report);
  if (status != FLOW_OK) return status;
  struct prepare p = {.store = store, .plan = plan, .report = report, .head = store->meta.head,
                      .limit = store->meta.head + 1, .meta = store->meta, .pool = pool,
                      .tell = tell_fate, .context = context};
  status = compare(&p);
  for (size_t i = 0; p.items != NULL && i < plan->id_count; i++) matches[i] = p.items[i].have;
  flow_buf_free(&p.wrong);
  flow_buf_free(&p.notes);
  return status;
}

enum flow_status flow_store_prepare(struct flow_store *store, const struct flow_store_plan *plan,
                                    uint16_t *numbers, struct flow_report *report) {
  enum flow_status status = store_usable(store, report);
  int64_t epoch = plan->resume_epoch < 0 ? store->meta.head + 1 : plan->resume_epoch;
  if (status == FLOW_OK) status = store_reachable(store, epoch, report);
  if (status != FLOW_OK) return status;
  struct prepare p = {.store = store, .plan = plan, .report = report, .head = epoch - 1,
                      .limit = epoch - (epoch <= store->meta.head),
                      .meta = store->meta, .pool = flow_schema_pool_new(store->sys)};
  if (p.pool == NULL) return flow_report_errno(report, FLOW_E_MEMORY, ENOMEM, "compare the types");
  status = prepare(&p);
  if (status == FLOW_OK) {
    for (size_t i = 0; i < plan->id_count; i++) numbers[i] = p.items[i].number;
    flow_report_fail(report, FLOW_OK, "%.*s", (int)p.notes.length,
                     p.notes.data == NULL ? "" : p.notes.data);
  }
  flow_buf_free(&p.wrong);
  flow_buf_free(&p.notes);
  flow_schema_pool_free(p.pool);
  return status;
}
