#include "backup_format.h"

#include "flow/codec.h"
#include "mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static const char magic[8] = "flowbak";

uint64_t backup_hash(const void *data, size_t length) {
  return XXH3_64bits(data, length);
}

/* -- building */

struct backup_piece *backup_add_piece(struct backup_manifest *m, const struct backup_piece *piece) {
  const struct flow_sys *sys = flow_sys_posix();
  m->pieces = flow_sys_must_realloc(sys, m->pieces, (m->piece_count + 1) * sizeof *m->pieces);
  struct backup_piece *added = &m->pieces[m->piece_count++];
  *added = *piece;
  added->bytes = 0;
  added->parts = NULL;
  added->part_count = 0;
  return added;
}

void backup_add_part(struct backup_piece *piece, struct backup_part part) {
  const struct flow_sys *sys = flow_sys_posix();
  size_t size = (piece->part_count + 1) * sizeof *piece->parts;
  piece->parts = flow_sys_must_realloc(sys, piece->parts, size);
  piece->parts[piece->part_count++] = part;
  piece->bytes += part.size;
}

void backup_cut_pieces(struct backup_manifest *m, uint32_t from, uint32_t count) {
  const struct flow_sys *sys = flow_sys_posix();
  for (uint32_t i = from; i < from + count; i++) sys->free(sys, m->pieces[i].parts);
  if (count == 0) return;
  memmove(&m->pieces[from], &m->pieces[from + count],
          (m->piece_count - from - count) * sizeof *m->pieces);
  m->piece_count -= count;
}

void backup_manifest_free(struct backup_manifest *m) {
  const struct flow_sys *sys = flow_sys_posix();
  backup_cut_pieces(m, 0, m->piece_count);
  sys->free(sys, m->pieces);
  flow_buf_free(&m->store_head);
  *m = (struct backup_manifest){0};
}

struct backup_manifest backup_manifest_copy(const struct backup_manifest *m) {
  struct backup_manifest copy = *m;
  copy.pieces = NULL;
  copy.piece_count = 0;
  copy.store_head = (struct flow_buf){0};
  flow_buf_add(&copy.store_head, m->store_head.data, m->store_head.length);
  for (uint32_t i = 0; i < m->piece_count; i++) {
    struct backup_piece *piece = backup_add_piece(&copy, &m->pieces[i]);
    for (uint32_t k = 0; k < m->pieces[i].part_count; k++)
      backup_add_part(piece, m->pieces[i].parts[k]);
  }
  return copy;
}

/* -- bytes: the magic, the format, the fields, and 8 bytes of a hash over all of that */

static void put_hash(struct flow_buf *out, uint64_t hash) {
  for (int shift = 56; shift >= 0; shift -= 8) flow_put_byte(out, (uint8_t)(hash >> shift));
}

static uint64_t get_hash(struct flow_reader *r) {
  uint64_t hash = 0;
  for (int i = 0; i < 8; i++) hash = hash << 8 | flow_get_byte(r);
  return hash;
}

static void get_raw(struct flow_reader *r, void *to, size_t length) {
  if (flow_reader_left(r) < length) {
    flow_reader_fail(r);
    return;
  }
  memcpy(to, r->p, length);
  r->p += length;
}

void backup_encode(struct flow_buf *out, const struct backup_manifest *m) {
  size_t start = out->length;
  flow_buf_add(out, magic, sizeof magic);
  flow_put_varint(out, BACKUP_FORMAT);
  flow_put_varint(out, m->number);
  flow_buf_add(out, m->store_id, sizeof m->store_id);
  flow_buf_add(out, m->run_id, sizeof m->run_id);
  flow_put_bytes(out, m->flow_name, strlen(m->flow_name));
  flow_put_int(out, m->wall_us);
  flow_put_varint(out, m->timeline);
  flow_put_int(out, m->base);
  flow_put_int(out, m->head);
  flow_put_bytes(out, m->store_head.data, m->store_head.length);
  flow_put_varint(out, m->piece_count);
  for (uint32_t i = 0; i < m->piece_count; i++) {
    const struct backup_piece *piece = &m->pieces[i];
    flow_put_bool(out, piece->is_base);
    flow_put_varint(out, piece->timeline);
    flow_put_int(out, piece->first);
    flow_put_int(out, piece->last);
    put_hash(out, piece->link);
    flow_put_varint(out, piece->part_count);
    for (uint32_t k = 0; k < piece->part_count; k++) {
      flow_put_varint(out, piece->parts[k].size);
      put_hash(out, piece->parts[k].hash);
    }
  }
  put_hash(out, backup_hash(out->data + start, out->length - start));
}

static void get_piece(struct backup_manifest *m, struct flow_reader *r) {
  struct backup_piece read = {.is_base = flow_get_bool(r)};
  read.timeline = flow_get_varint(r);
  read.first = flow_get_int(r);
  read.last = flow_get_int(r);
  read.link = get_hash(r);
  uint64_t count = flow_get_count(r);
  if (!r->ok) return;
  struct backup_piece *piece = backup_add_piece(m, &read);
  for (uint64_t i = 0; r->ok && i < count; i++) {
    struct backup_part part = {.size = flow_get_varint(r)};
    part.hash = get_hash(r);
    if (r->ok) backup_add_part(piece, part);
  }
}

/* The base comes first if there is one, and the ranges reach from it to the head without a gap. */
static bool is_whole(const struct backup_manifest *m) {
  int64_t reached = m->base;
  if (m->base < -1 || m->head < m->base) return false;
  for (uint32_t i = 0; i < m->piece_count; i++) {
    const struct backup_piece *piece = &m->pieces[i];
    bool must_be_base = i == 0 && m->base >= 0;
    if (piece->is_base != must_be_base || piece->part_count == 0) return false;
    if (piece->is_base && (piece->first != m->base || piece->last != m->base)) return false;
    if (piece->is_base) continue;
    if (piece->first < 0 || piece->first > reached + 1 || piece->last <= reached) return false;
    reached = piece->last;
  }
  return reached == m->head && (m->base < 0 || m->piece_count > 0);
}

bool backup_decode(struct backup_manifest *m, const void *data, size_t length) {
  *m = (struct backup_manifest){0};
  size_t sealed = length < 8 ? 0 : length - 8;
  struct flow_reader r = flow_reader_of(data, sealed);
  struct flow_reader seal = {.p = r.end, .end = r.end + (length - sealed), .ok = true};
  char found[sizeof magic] = {0};
  get_raw(&r, found, sizeof found);
  if (memcmp(found, magic, sizeof magic) != 0 || flow_get_varint(&r) != BACKUP_FORMAT ||
      get_hash(&seal) != backup_hash(data, sealed))
    return false;
  m->number = flow_get_varint(&r);
  get_raw(&r, m->store_id, sizeof m->store_id);
  get_raw(&r, m->run_id, sizeof m->run_id);
  size_t text;
  const char *name = flow_get_bytes(&r, &text);
  if (text > FLOW_STORE_NAME) return false;
  memcpy(m->flow_name, name, text);
  m->wall_us = flow_get_int(&r);
  m->timeline = flow_get_varint(&r);
  m->base = flow_get_int(&r);
  m->head = flow_get_int(&r);
  const char *head = flow_get_bytes(&r, &text);
  flow_buf_add(&m->store_head, head, text);
  uint64_t count = flow_get_count(&r);
  for (uint64_t i = 0; r.ok && i < count; i++) get_piece(m, &r);
  return flow_reader_done(&r) && is_whole(m);
}

/* -- names */

void backup_manifest_name(uint64_t number, char name[BACKUP_NAME]) {
  snprintf(name, BACKUP_NAME, "manifest/%020" PRIu64, number);
}

bool backup_manifest_number(const char *name, uint64_t *number) {
  char again[BACKUP_NAME];
  if (strncmp(name, "manifest/", 9) != 0) return false;
  *number = strtoull(name + 9, NULL, 10);
  backup_manifest_name(*number, again);
  return strcmp(name, again) == 0;
}

void backup_store_folder(const struct backup_manifest *m, char name[BACKUP_NAME]) {
  for (size_t i = 0; i < sizeof m->store_id; i++) snprintf(name + 2 * i, 3, "%02x", m->store_id[i]);
  memcpy(name + 2 * sizeof m->store_id, "/", 2);
}

void backup_part_name(const struct backup_manifest *m, const struct backup_piece *piece,
                      uint32_t part, char name[BACKUP_NAME]) {
  backup_store_folder(m, name);
  size_t length = strlen(name);
  if (piece->is_base)
    snprintf(name + length, BACKUP_NAME - length, "%06" PRIu64 "/base-%012" PRId64 ".%" PRIu32,
             piece->timeline, piece->last, part);
  else
    snprintf(name + length, BACKUP_NAME - length,
             "%06" PRIu64 "/%012" PRId64 "-%012" PRId64 ".%" PRIu32, piece->timeline, piece->first,
             piece->last, part);
}

bool backup_names(const struct backup_manifest *m, const char *name) {
  char own[BACKUP_NAME];
  for (uint32_t i = 0; i < m->piece_count; i++) {
    for (uint32_t k = 0; k < m->pieces[i].part_count; k++) {
      backup_part_name(m, &m->pieces[i], k, own);
      if (strcmp(own, name) == 0) return true;
    }
  }
  return false;
}

/* -- decisions */

bool backup_is_of(const struct backup_manifest *m, const char *name, const char *was) {
  return strcmp(m->flow_name, name) == 0 || (was != NULL && strcmp(m->flow_name, was) == 0);
}

/* Ranges up to 512 bytes are of level 0, and each level is BACKUP_FAN_IN times as large. */
static unsigned level_of(uint64_t bytes) {
  unsigned level = 0;
  for (uint64_t limit = 512; bytes > limit; limit *= BACKUP_FAN_IN) level++;
  return level;
}

/* The first of the last pieces that can be joined at all: together they are small enough. */
static uint32_t first_small(const struct backup_manifest *m, int64_t base) {
  uint64_t bytes = 0;
  uint32_t i = m->piece_count;
  for (; i > 0; i--) {
    const struct backup_piece *piece = &m->pieces[i - 1];
    bytes += piece->bytes;
    if (piece->is_base || piece->first <= base || bytes > BACKUP_JOINED) break;
  }
  return i;
}

uint32_t backup_join_from(const struct backup_manifest *m, int64_t base) {
  uint32_t best = m->piece_count, first = first_small(m, base);
  unsigned level = 0, count = 0; /* the highest from i on, and how many are of it */
  for (uint32_t i = m->piece_count; i-- > first;) {
    unsigned own = level_of(m->pieces[i].bytes);
    if (own > level) count = 0;
    if (own > level) level = own;
    if (own == level) count++;
    /* Are they enough, with the new one, and is no other one of their level left out? */
    bool has_all = i == first || level_of(m->pieces[i - 1].bytes) > level;
    if (has_all && count + 1 >= BACKUP_FAN_IN) best = i;
  }
  return best;
}

uint32_t backup_shared_pieces(const struct backup_manifest *m, int64_t base, int64_t head,
                              backup_link_of link_of, void *context) {
  uint32_t shared = 0;
  for (; shared < m->piece_count; shared++) {
    const struct backup_piece *piece = &m->pieces[shared];
    uint64_t link;
    if (piece->last > head) break;
    /* What is folded cannot be taken back, so it is the same in every copy of this store. */
    if (piece->last < base) continue;
    if (!link_of(context, piece->last, &link) || link != piece->link) break;
  }
  return shared;
}
