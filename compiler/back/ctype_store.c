/* The binary form of values in the store (flow/codec.h): one encoder and one decoder per type.
 *
 * A decoder never trusts a count or a tag, and it allocates only what the bytes can fill. It
 * returns false if the bytes are no value of the type; what it has made until then stays in the
 * memory, and the load that called it ends there.
 */
#include "back/ctype.h"

/* -- writing --------------------------------------------------------------------------------- */

static void encode_enum(struct emit *e, struct text *out, const struct type *type) {
  text_add(out, "  flow_put_varint(b, x->tag);\n");
  if (!type_has_payload(type)) return;
  text_add(out, "  switch (x->tag) {\n");
  for (uint32_t i = 0; i < type->variants.count; i++) {
    const struct type_variant *v = &type->variants.data[i];
    if (v->payload == NULL || v->payload->fields.count == 0) continue;
    text_addf(out, "    case %s: %s(b, &x->as.f_%s); break;\n", emit_enumerator(e, type, i),
              emit_helper(e, HELPER_ENCODE, v->payload), v->name);
  }
  text_add(out, "    default: break;\n  }\n");
}

static void encode_record(struct emit *e, struct text *out, const struct type *type) {
  if (type->fields.count == 0) text_add(out, "  (void)x;\n  flow_put_byte(b, 0);\n");
  vec_each(struct type_field, field, &type->fields) {
    text_addf(out, "  %s(b, &x->%s);\n", emit_helper(e, HELPER_ENCODE, field->type),
              emit_member(e, field->name));
  }
}

static void encode_body(struct emit *e, struct text *out, const struct type *type) {
  switch (type->kind) {
  case TYPE_INT:
  case TYPE_DECIMAL:
  case TYPE_TIMESTAMP:
  case TYPE_DURATION: text_add(out, "  flow_put_int(b, *x);\n"); return;
  case TYPE_FLOAT: text_add(out, "  flow_put_float(b, *x);\n"); return;
  case TYPE_BOOL: text_add(out, "  flow_put_bool(b, *x);\n"); return;
  case TYPE_STRING:
  case TYPE_JSON:
  case TYPE_BYTES: text_add(out, "  flow_put_bytes(b, flow_str_data(x), x->length);\n"); return;
  case TYPE_OPTIONAL:
    text_addf(out, "  flow_put_bool(b, x->has);\n  if (x->has) %s(b, &x->value);\n",
              emit_helper(e, HELPER_ENCODE, type->elem));
    return;
  case TYPE_LIST:
    text_addf(out,
              "  flow_put_varint(b, x->length);\n"
              "  for (uint32_t i = 0; i < x->length; i++) %s(b, &%s[i]);\n",
              emit_helper(e, HELPER_ENCODE, type->elem), emit_list_data(e, type, "x"));
    return;
  case TYPE_SET:
  case TYPE_MAP: ctype_table_encode(e, out, type); return;
  case TYPE_RECORD: encode_record(e, out, type); return;
  case TYPE_ENUM: encode_enum(e, out, type); return;
  default: text_add(out, "  (void)x;\n  flow_put_byte(b, 0);\n"); return;
  }
}

void ctype_write_encode(struct emit *e, const struct type *type, const char *name) {
  struct text out;
  text_init(&out, &e->compiler->arena);
  ctype_begin(e, &out, HELPER_ENCODE, type, name);
  encode_body(e, &out, type);
  ctype_end(e, &out);
}

/* -- reading --------------------------------------------------------------------------------- */

static void decode_enum(struct emit *e, struct text *out, const struct type *type) {
  text_addf(out, "  x->tag = flow_get_variant(r, %zu);\n", type->variants.count);
  if (!type_has_payload(type)) {
    text_add(out, "  (void)mem;\n  return r->ok;\n");
    return;
  }
  text_add(out, "  if (!r->ok) return false;\n  switch (x->tag) {\n");
  for (uint32_t i = 0; i < type->variants.count; i++) {
    const struct type_variant *v = &type->variants.data[i];
    if (v->payload == NULL || v->payload->fields.count == 0) continue;
    text_addf(out, "    case %s: return %s(mem, r, &x->as.f_%s);\n", emit_enumerator(e, type, i),
              emit_helper(e, HELPER_DECODE, v->payload), v->name);
  }
  text_add(out, "    default: return true;\n  }\n");
}

static void decode_record(struct emit *e, struct text *out, const struct type *type) {
  if (type->fields.count == 0) {
    text_add(
        out,
        "  (void)mem;\n  x->nothing = flow_get_byte(r);\n  return r->ok && x->nothing == 0;\n");
    return;
  }
  for (size_t i = 0; i < type->fields.count; i++) {
    const struct type_field *field = &type->fields.data[i];
    text_addf(out, "%s%s(mem, r, &x->%s)", i == 0 ? "  return " : " &&\n         ",
              emit_helper(e, HELPER_DECODE, field->type), emit_member(e, field->name));
  }
  text_add(out, ";\n");
}

static void decode_body(struct emit *e, struct text *out, const struct type *type) {
  switch (type->kind) {
  case TYPE_INT:
  case TYPE_DECIMAL:
  case TYPE_TIMESTAMP:
  case TYPE_DURATION: text_add(out, "  (void)mem;\n  *x = flow_get_int(r);\n"); break;
  case TYPE_FLOAT: text_add(out, "  (void)mem;\n  *x = flow_get_float(r);\n"); break;
  case TYPE_BOOL: text_add(out, "  (void)mem;\n  *x = flow_get_bool(r);\n"); break;
  case TYPE_STRING:
  case TYPE_JSON:
  case TYPE_BYTES:
    text_add(out, "  size_t length;\n"
                  "  const char *data = flow_get_bytes(r, &length);\n"
                  "  if (!r->ok || length > UINT32_MAX) return false;\n");
    if (type->kind == TYPE_JSON)
      text_add(out, "  if (!flow_json_value_check(data, length)) return false;\n");
    text_add(out, "  struct flow_str borrowed = flow_str_make(data, length);\n"
                  "  flow_str_copy(mem, x, &borrowed);\n");
    break;
  case TYPE_OPTIONAL:
    text_addf(out,
              "  x->has = flow_get_bool(r);\n"
              "  if (x->has) return %s(mem, r, &x->value);\n"
              "  memset(&x->value, 0, sizeof x->value);\n",
              emit_helper(e, HELPER_DECODE, type->elem));
    break;
  case TYPE_LIST: ctype_list_decode(e, out, type); return;
  case TYPE_SET:
  case TYPE_MAP: ctype_table_decode(e, out, type); return;
  case TYPE_RECORD: decode_record(e, out, type); return;
  case TYPE_ENUM: decode_enum(e, out, type); return;
  default: text_add(out, "  (void)mem;\n  *x = flow_get_byte(r);\n"); break;
  }
  text_add(out, "  return r->ok;\n");
}

void ctype_write_decode(struct emit *e, const struct type *type, const char *name) {
  struct text out;
  text_init(&out, &e->compiler->arena);
  ctype_begin(e, &out, HELPER_DECODE, type, name);
  decode_body(e, &out, type);
  ctype_end(e, &out);
}
