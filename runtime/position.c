#include "position.h"

#include "flow/value.h"

static const struct flow_type type_int = {.kind = FLOW_KIND_INT};
static const struct flow_type type_bool = {.kind = FLOW_KIND_BOOL};
static const struct flow_type type_string = {.kind = FLOW_KIND_STRING};

const struct flow_type *position_key_type(void) {
  return &type_string;
}

const struct flow_type *position_value_type(void) {
  static const struct flow_field fields[] = {
      {.name = "length", .type = &type_int},   {.name = "line", .type = &type_int},
      {.name = "records", .type = &type_int},  {.name = "discovery", .type = &type_int},
      {.name = "head", .type = &type_int},     {.name = "tail", .type = &type_int},
      {.name = "is_open", .type = &type_bool}, {.name = "place", .type = &type_string},
  };
  static const struct flow_type type = {.kind = FLOW_KIND_RECORD,
                                        .name = "Position",
                                        .fields = fields,
                                        .field_count = sizeof fields / sizeof fields[0]};
  return &type;
}

void position_encode(struct flow_buf *out, const struct position *p, const char *place,
                     size_t place_length) {
  flow_put_int(out, (int64_t)p->length);
  flow_put_int(out, (int64_t)p->line);
  flow_put_int(out, (int64_t)p->records);
  flow_put_int(out, (int64_t)p->discovery);
  flow_put_int(out, (int64_t)p->head);
  flow_put_int(out, (int64_t)p->tail);
  flow_put_bool(out, p->is_open);
  flow_put_bytes(out, place, place_length);
}

bool position_decode(const void *data, size_t length, struct position *p, const char **place,
                     size_t *place_length) {
  struct flow_reader r = flow_reader_of(data, length);
  p->length = (uint64_t)flow_get_int(&r);
  p->line = (uint64_t)flow_get_int(&r);
  p->records = (uint64_t)flow_get_int(&r);
  p->discovery = (uint64_t)flow_get_int(&r);
  p->head = (uint64_t)flow_get_int(&r);
  p->tail = (uint64_t)flow_get_int(&r);
  p->is_open = flow_get_bool(&r);
  *place = flow_get_bytes(&r, place_length);
  return flow_reader_done(&r);
}

uint64_t position_hash(const void *data, size_t length) {
  return flow_hash_bytes(0, data, length);
}

enum position_match position_compare(const struct position *stored,
                                     const struct position_found *found) {
  if (found->size < stored->length) return POSITION_SHORTER;
  if (found->head != stored->head || found->tail != stored->tail) return POSITION_DIFFERENT;
  return found->size == stored->length ? POSITION_SAME : POSITION_GREW;
}

enum position_joint position_joint(const char *bytes, size_t length, size_t *skip) {
  *skip = 0;
  if (length == 0) return POSITION_JOINT_NONE;
  if (bytes[0] == '\n') {
    *skip = 1;
    return POSITION_JOINT_ENDED;
  }
  if (bytes[0] != '\r') return POSITION_JOINT_GREW;
  if (length == 1) return POSITION_JOINT_NONE; /* half of a CR LF: wait for the other half */
  if (bytes[1] != '\n') return POSITION_JOINT_GREW;
  *skip = 2;
  return POSITION_JOINT_ENDED;
}
