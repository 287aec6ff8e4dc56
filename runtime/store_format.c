/* The bytes of the store's records. Pure functions over memory: what is read here came from a disk
 * and may be anything. */
#include "store_impl.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Odd constants that keep the places of records apart; part of the format. */
#define SEED_META 0x666c6f776d657461u
#define SEED_BASE 0x666c6f7762617365u
#define SEED_EPOCH 0x666c6f7765706f63u
#define SEED_ID 0x666c6f7769646964u
#define SEED_VERSION 0x666c6f7776657273u
#define SEED_ROWS 0x9e3779b97f4a7c15u
#define SEED_CHUNK 0xc2b2ae3d27d4eb4fu

uint64_t store_hash(const void *data, size_t length, uint64_t seed) {
  return XXH3_64bits_withSeed(data, length, seed);
}

uint64_t store_base_hash(uint16_t id, uint64_t key, const void *rows, size_t length) {
  return store_hash(rows, length, (key + 1) * SEED_ROWS ^ id);
}

uint64_t store_chunk_hash(int64_t epoch, uint16_t id, uint32_t chunk, const void *data,
                          size_t length) {
  return store_hash(data, length,
                    ((uint64_t)epoch + 1) * SEED_CHUNK ^ ((uint64_t)id << 32 | chunk));
}

void store_put16(uint8_t *p, uint16_t value) {
  p[0] = (uint8_t)(value >> 8);
  p[1] = (uint8_t)value;
}

void store_put32(uint8_t *p, uint32_t value) {
  store_put16(p, (uint16_t)(value >> 16));
  store_put16(p + 2, (uint16_t)value);
}

void store_put64(uint8_t *p, uint64_t value) {
  store_put32(p, (uint32_t)(value >> 32));
  store_put32(p + 4, (uint32_t)value);
}

uint16_t store_get16(const uint8_t *p) {
  return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t store_get32(const uint8_t *p) {
  return (uint32_t)store_get16(p) << 16 | store_get16(p + 2);
}

uint64_t store_get64(const uint8_t *p) {
  return (uint64_t)store_get32(p) << 32 | store_get32(p + 4);
}

void store_chunk_key(uint8_t key[STORE_CHUNK_KEY], int64_t epoch, uint16_t id, uint32_t chunk) {
  store_put64(key, (uint64_t)epoch);
  store_put16(key + 8, id);
  store_put32(key + 10, chunk);
}

/* -- sealed records: fields, then a checksum of 8 bytes over them */

static void put_fixed(struct flow_buf *b, uint64_t value) {
  uint8_t bytes[8];
  store_put64(bytes, value);
  flow_buf_add(b, bytes, sizeof bytes);
}

static uint64_t get_fixed(struct flow_reader *r) {
  if (flow_reader_left(r) < 8) {
    flow_reader_fail(r);
    return 0;
  }
  r->p += 8;
  return store_get64(r->p - 8);
}

static uint64_t seal(struct flow_buf *b, size_t start, uint64_t seed) {
  uint64_t hash = store_hash(b->data + start, b->length - start, seed);
  put_fixed(b, hash);
  return hash;
}

static struct flow_reader unseal(const void *data, size_t length, uint64_t seed) {
  struct flow_reader r = flow_reader_of(data, length < 8 ? 0 : length - 8);
  if (length < 8 || store_hash(data, length - 8, seed) != store_get64(r.end)) flow_reader_fail(&r);
  return r;
}

/* A text of at most `limit` bytes, copied with a zero behind it. */
static void get_text(struct flow_reader *r, char *text, size_t limit) {
  size_t length;
  const char *bytes = flow_get_bytes(r, &length);
  if (length > limit || (length != 0 && memchr(bytes, 0, length) != NULL)) {
    flow_reader_fail(r);
    length = 0;
  }
  if (length != 0) memcpy(text, bytes, length);
  text[length] = '\0';
}

/* The format number comes first and is outside of everything that a newer format may change. */
void store_encode_meta(struct flow_buf *b, const struct store_meta *meta) {
  size_t start = b->length;
  flow_put_varint(b, meta->format);
  flow_buf_add(b, meta->store_id, sizeof meta->store_id);
  flow_put_varint(b, meta->timeline);
  flow_put_int(b, meta->head);
  flow_put_int(b, meta->base);
  flow_put_int(b, meta->fold_to);
  flow_put_varint(b, meta->fold_id);
  flow_put_varint(b, meta->fold_row);
  flow_put_varint(b, meta->next_id);
  flow_put_varint(b, meta->stripe);
  flow_put_int(b, meta->created_us);
  flow_put_bytes(b, meta->flow_name, strlen(meta->flow_name));
  flow_put_bytes(b, meta->compiler, strlen(meta->compiler));
  seal(b, start, SEED_META);
}

bool store_decode_meta(struct store_meta *meta, const void *data, size_t length) {
  struct flow_reader r = unseal(data, length, SEED_META);
  memset(meta, 0, sizeof *meta);
  meta->format = (uint32_t)flow_get_varint(&r);
  if (r.ok && meta->format != STORE_FORMAT) return true; /* the caller refuses it by number */
  if (flow_reader_left(&r) < sizeof meta->store_id) return false;
  memcpy(meta->store_id, r.p, sizeof meta->store_id);
  r.p += sizeof meta->store_id;
  meta->timeline = flow_get_varint(&r);
  meta->head = flow_get_int(&r);
  meta->base = flow_get_int(&r);
  meta->fold_to = flow_get_int(&r);
  meta->fold_id = (uint16_t)flow_get_varint(&r);
  meta->fold_row = flow_get_varint(&r);
  meta->next_id = (uint16_t)flow_get_varint(&r);
  meta->stripe = (uint32_t)flow_get_varint(&r);
  meta->created_us = flow_get_int(&r);
  get_text(&r, meta->flow_name, FLOW_STORE_NAME);
  get_text(&r, meta->compiler, FLOW_STORE_NAME);
  return flow_reader_done(&r) && meta->base >= -1 && meta->base <= meta->fold_to &&
         meta->fold_to <= meta->head && meta->next_id != 0;
}

void store_encode_base(struct flow_buf *b, uint16_t id, const struct store_base *base) {
  size_t start = b->length;
  flow_put_varint(b, base->rows);
  flow_put_varint(b, base->bytes);
  put_fixed(b, base->sum);
  flow_put_varint(b, base->next_row);
  seal(b, start, SEED_BASE ^ id);
}

bool store_decode_base(struct store_base *base, uint16_t id, const void *data, size_t length) {
  struct flow_reader r = unseal(data, length, SEED_BASE ^ id);
  base->rows = flow_get_varint(&r);
  base->bytes = flow_get_varint(&r);
  base->sum = get_fixed(&r);
  base->next_row = flow_get_varint(&r);
  return flow_reader_done(&r);
}

uint64_t store_encode_epoch(struct flow_buf *b, const struct store_epoch *epoch) {
  size_t start = b->length;
  flow_put_varint(b, epoch->info.timeline);
  flow_put_varint(b, epoch->info.records_in);
  flow_put_varint(b, epoch->info.records_out);
  flow_put_varint(b, epoch->info.records_rejected);
  flow_put_int(b, epoch->info.now_us);
  flow_put_int(b, epoch->info.wall_us);
  flow_put_varint(b, epoch->info.bytes);
  flow_put_varint(b, epoch->chunks);
  put_fixed(b, epoch->chunk_hash);
  put_fixed(b, epoch->before);
  return seal(b, start, SEED_EPOCH ^ (uint64_t)epoch->info.number);
}

bool store_decode_epoch(struct store_epoch *epoch, int64_t number, const void *data, size_t length,
                        uint64_t *link) {
  struct flow_reader r = unseal(data, length, SEED_EPOCH ^ (uint64_t)number);
  *link = r.ok ? store_get64(r.end) : 0;
  epoch->info.number = number;
  epoch->info.timeline = flow_get_varint(&r);
  epoch->info.records_in = flow_get_varint(&r);
  epoch->info.records_out = flow_get_varint(&r);
  epoch->info.records_rejected = flow_get_varint(&r);
  epoch->info.now_us = flow_get_int(&r);
  epoch->info.wall_us = flow_get_int(&r);
  epoch->info.bytes = flow_get_varint(&r);
  epoch->chunks = flow_get_varint(&r);
  epoch->chunk_hash = get_fixed(&r);
  epoch->before = get_fixed(&r);
  return flow_reader_done(&r);
}

void store_encode_id(struct flow_buf *b, const struct store_id *id) {
  size_t start = b->length;
  flow_put_varint(b, id->kind);
  flow_put_int(b, id->created);
  flow_put_int(b, id->dropped);
  seal(b, start, SEED_ID ^ id->number);
}

bool store_decode_id(struct store_id *id, uint16_t number, const void *data, size_t length) {
  struct flow_reader r = unseal(data, length, SEED_ID ^ number);
  uint64_t kind = flow_get_varint(&r);
  id->number = number;
  id->kind = (enum flow_store_kind)kind;
  id->created = flow_get_int(&r);
  id->dropped = flow_get_int(&r);
  return flow_reader_done(&r) && kind >= FLOW_STORE_STATE && kind <= FLOW_STORE_ENGINE;
}

void store_encode_version(struct flow_buf *b, uint16_t id, uint32_t number,
                          const struct store_version *version) {
  size_t start = b->length;
  flow_put_int(b, version->created);
  flow_put_bytes(b, version->name, strlen(version->name));
  flow_put_bytes(b, version->key_text, strlen(version->key_text));
  flow_put_bytes(b, version->value_text, strlen(version->value_text));
  seal(b, start, SEED_VERSION ^ ((uint64_t)id << 32 | number));
}

static const char *pool_text(struct flow_schema_pool *pool, struct flow_reader *r, size_t limit) {
  size_t length;
  const char *bytes = flow_get_bytes(r, &length);
  char *text = length > limit ? NULL : flow_schema_alloc(pool, length + 1);
  if (text == NULL) {
    flow_reader_fail(r);
    return "";
  }
  if (length != 0) memcpy(text, bytes, length);
  return text;
}

bool store_decode_version(struct flow_schema_pool *pool, struct store_version *version, uint16_t id,
                          uint32_t number, const void *data, size_t length) {
  struct flow_reader r = unseal(data, length, SEED_VERSION ^ ((uint64_t)id << 32 | number));
  version->created = flow_get_int(&r);
  version->name = pool_text(pool, &r, FLOW_STORE_NAME);
  version->key_text = pool_text(pool, &r, FLOW_STORE_TYPE_TEXT);
  version->value_text = pool_text(pool, &r, FLOW_STORE_TYPE_TEXT);
  if (!flow_reader_done(&r)) return false;
  version->key = flow_schema_parse(pool, version->key_text, strlen(version->key_text));
  version->value = flow_schema_parse(pool, version->value_text, strlen(version->value_text));
  return version->key != NULL && version->value != NULL;
}

/* -- entries of a delta */

/* A varint length and as many bytes; the pointer stays null if they are not all there. */
static enum store_parse parse_piece(struct flow_reader *r, const uint8_t **data, size_t *length) {
  const uint8_t *start = r->p;
  uint64_t n = flow_get_varint(r);
  if (!r->ok) return r->end - start >= FLOW_VARINT_MAX ? STORE_BAD : STORE_PARTIAL;
  if (n > FLOW_STORE_ROW) return STORE_BAD;
  *length = (size_t)n;
  if (n > flow_reader_left(r)) return STORE_PARTIAL;
  *data = r->p;
  r->p += n;
  return STORE_ENTRY;
}

static enum store_parse parse_pieces(struct flow_reader *r, struct store_entry *entry) {
  const uint8_t *start = r->p;
  entry->row = flow_get_varint(r);
  if (!r->ok) return r->end - start >= FLOW_VARINT_MAX ? STORE_BAD : STORE_PARTIAL;
  if (r->p == r->end) return STORE_PARTIAL;
  entry->flags = flow_get_byte(r);
  if (entry->flags & ~(FLOW_DELTA_KEY | FLOW_DELTA_TOMBSTONE)) return STORE_BAD;
  if (entry->flags & FLOW_DELTA_KEY) {
    enum store_parse parsed = parse_piece(r, &entry->key, &entry->key_length);
    if (parsed != STORE_ENTRY) return parsed;
  }
  if (entry->flags & FLOW_DELTA_TOMBSTONE) return STORE_ENTRY;
  return parse_piece(r, &entry->value, &entry->value_length);
}

enum store_parse store_parse_entry(const uint8_t **p, const uint8_t *end,
                                   struct store_entry *entry) {
  struct flow_reader r = {.p = *p, .end = end, .ok = true};
  *entry = (struct store_entry){0};
  enum store_parse parsed = parse_pieces(&r, entry);
  if (parsed == STORE_ENTRY) *p = r.p;
  return parsed;
}
