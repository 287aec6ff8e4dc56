/* Printers of values: see print.h. */
#include "back/ctype.h"
#include "back/print.h"

#include <string.h>

/* A nested record with more leaves than this is printed by a function of its own; smaller ones
 * become part of their parent's printer, where their fixed text is merged with what is around it. */
#define INLINED_LEAVES 16

static struct arena *arena_of(struct printer *printer) {
  return &printer->e->compiler->arena;
}

/* -- pieces ---------------------------------------------------------------------------------- */

void print_begin(struct printer *printer, struct emit *e, const char *room) {
  memset(printer, 0, sizeof *printer);
  printer->e = e;
  printer->room = room;
  printer->indent = 2;
  text_init(&printer->body, &e->compiler->arena);
  text_init(&printer->fixed, &e->compiler->arena);
}

void print_fixed(struct printer *printer, const char *text) {
  text_add(&printer->fixed, text);
}

/* Appends an indented statement. */
__attribute__((format(printf, 2, 3))) static void line(struct printer *printer, const char *format,
                                                       ...) {
  text_pad(&printer->body, ' ', printer->indent);
  va_list args;
  va_start(args, format);
  text_addv(&printer->body, format, args);
  va_end(args);
  text_addc(&printer->body, '\n');
}

/* Puts the fixed text that has come together into a statement. */
static void flush(struct printer *printer) {
  if (printer->fixed.length == 0) return;
  text_pad(&printer->body, ' ', printer->indent);
  text_add(&printer->body, "p = flow_write_fixed(p, ");
  text_add_quoted_c(&printer->body, printer->fixed.data, printer->fixed.length);
  text_addf(&printer->body, ", %zu);\n", printer->fixed.length);
  printer->bound += printer->fixed.length;
  text_clear(&printer->fixed);
}

/* A value without information prints as fixed text: its parameter is not used. */
static const char *ignored_item(const struct printer *printer) {
  bool is_used = strstr(printer->body.data, "x->") != NULL ||
                 strstr(printer->body.data, "*x") != NULL ||
                 strstr(printer->body.data, " x,") != NULL;
  return is_used ? "" : "  (void)x;\n";
}

void print_function(struct printer *printer, enum section section, const char *head) {
  flush(printer);
  text_addf(emit_section(printer->e, section),
            "%s {\n"
            "%s%s"
            "  const size_t room = %zu;\n"
            "  flow_buf_reserve(b, room);\n"
            "  char *p = b->data + b->length;\n"
            "%s"
            "  b->length = (size_t)(p - b->data);\n"
            "}\n\n",
            head, printer->prologue != NULL ? printer->prologue : "", ignored_item(printer),
            printer->bound, printer->body.data);
}

/* `x->f_n` for the lvalue `(*x)`, else `LVALUE.f_n`. */
static const char *member(struct printer *printer, const char *lvalue, const char *name) {
  if (strcmp(lvalue, "(*x)") == 0) return arena_printf(arena_of(printer), "x->%s", name);
  return arena_printf(arena_of(printer), "%s.%s", lvalue, name);
}

static const char *address(struct printer *printer, const char *lvalue) {
  if (strcmp(lvalue, "(*x)") == 0) return "x";
  return arena_printf(arena_of(printer), "&%s", lvalue);
}

void print_case(struct printer *printer, const char *tag, uint32_t index, const char *constant) {
  flush(printer);
  if (index == 0) {
    line(printer, "switch (%s) {", tag);
  } else {
    line(printer, "break;");
    printer->indent -= 4;
  }
  line(printer, "  case %s:", constant);
  printer->indent += 4;
}

void print_case_end(struct printer *printer) {
  flush(printer);
  line(printer, "break;");
  printer->indent -= 4;
  line(printer, "  default: break;");
  line(printer, "}");
}

/* -- records ------------------------------------------------------------------------------------ */

static void print_fields(struct printer *printer, const struct type *type, const char *lvalue,
                         bool is_first) {
  for (size_t i = 0; i < type->fields.count; i++) {
    const struct type_field *field = &type->fields.data[i];
    if (!is_first || i > 0) print_fixed(printer, ", ");
    const char *name = field->name + (field->name[0] == '$'); /* of a row that a stage is made of */
    text_add_quoted_json(&printer->fixed, name, strlen(name));
    print_fixed(printer, ": ");
    print_value(printer, PRINT_JSON, field->type,
                member(printer, lvalue, emit_member(printer->e, field->name)));
  }
}

static void print_record(struct printer *printer, const struct type *type, const char *lvalue) {
  print_fixed(printer, "{");
  print_fields(printer, type, lvalue, true);
  print_fixed(printer, "}");
}

/* -- enums ----------------------------------------------------------------------------------- */

static const char *variant_text(const struct type_variant *variant) {
  return variant->from != NULL ? variant->from : variant->name;
}

/* Writes the table of the texts of an enum without payloads, padded to one width, so that printing
 * one is a copy of a fixed size. Returns its name; *width is that size. */
static const char *variant_table(struct emit *e, const struct type *type, bool is_json,
                                 size_t *width) {
  struct arena *arena = &e->compiler->arena;
  struct text rows, text;
  text_init(&rows, arena);
  text_init(&text, arena);
  *width = 1;
  for (uint32_t i = 0; i < type->variants.count; i++) {
    const char *name = variant_text(&type->variants.data[i]);
    text_clear(&text);
    if (is_json)
      text_add_quoted_json(&text, name, strlen(name));
    else
      text_add(&text, name);
    if (text.length > *width) *width = text.length;
    text_addf(&rows, "  [%s] = {%zu, ", emit_enumerator(e, type, i), text.length);
    text_add_quoted_c(&rows, text.data, text.length);
    text_add(&rows, "},\n");
  }
  struct ctype *entry = ctype_entry(e, type);
  const char **name = is_json ? &entry->json_names : &entry->text_names;
  if (*name == NULL) {
    *name = ctype_unique(
        e, arena_printf(arena, "%s_names_%s", is_json ? "json" : "text", emit_mangle(e, type)));
    text_addf(emit_section(e, SECTION_HELPERS),
              "static const struct {\n  uint32_t length;\n  char text[%zu];\n} %s[] = {\n%s};\n\n",
              *width + 1, *name, rows.data);
  }
  return *name;
}

static void print_names(struct printer *printer, enum print_form form, const struct type *type,
                        const char *lvalue) {
  size_t width;
  const char *table = variant_table(printer->e, type, form == PRINT_JSON, &width);
  flush(printer);
  const char *tag = member(printer, lvalue, "tag");
  line(printer, "memcpy(p, %s[%s].text, %zu);", table, tag, width);
  line(printer, "p += %s[%s].length;", table, tag);
  printer->bound += width;
}

/* `{"circle": {"r": 1.0}}`, and the bare name for a variant without fields. */
static void print_variant(struct printer *printer, const struct type_variant *variant,
                          const char *fields) {
  const char *name = variant_text(variant);
  if (variant->payload != NULL) print_fixed(printer, "{");
  text_add_quoted_json(&printer->fixed, name, strlen(name));
  if (variant->payload == NULL) return;
  print_fixed(printer, ": ");
  print_value(printer, PRINT_JSON, variant->payload, fields);
  print_fixed(printer, "}");
}

/* `{"type": "circle", "r": 1.0}` */
static void print_tagged(struct printer *printer, const char *tag,
                         const struct type_variant *variant, const char *fields) {
  const char *name = variant_text(variant);
  print_fixed(printer, "{");
  text_add_quoted_json(&printer->fixed, tag, strlen(tag));
  print_fixed(printer, ": ");
  text_add_quoted_json(&printer->fixed, name, strlen(name));
  if (variant->payload != NULL) print_fields(printer, variant->payload, fields, false);
  print_fixed(printer, "}");
}

static void print_variants(struct printer *printer, const struct type *type, const char *lvalue) {
  for (uint32_t i = 0; i < type->variants.count; i++) {
    const struct type_variant *variant = &type->variants.data[i];
    const char *fields =
        member(printer, lvalue, arena_printf(arena_of(printer), "as.f_%s", variant->name));
    print_case(printer, member(printer, lvalue, "tag"), i, emit_enumerator(printer->e, type, i));
    if (type->tag != NULL)
      print_tagged(printer, type->tag, variant, fields);
    else
      print_variant(printer, variant, fields);
  }
  print_case_end(printer);
}

/* -- nested values --------------------------------------------------------------------------- */

/* Leaves of a value that is printed in line; `limit` or more where it should not be. */
static size_t leaves(const struct type *type, size_t limit) {
  if (type->kind == TYPE_OPTIONAL || type->kind == TYPE_LIST) return leaves(type->elem, limit);
  if (type->kind == TYPE_ENUM && type_has_payload(type)) return limit;
  if (type->kind == TYPE_MAP || type->kind == TYPE_SET) return limit;
  if (type->kind != TYPE_RECORD) return 1;
  size_t count = 0;
  for (size_t i = 0; i < type->fields.count && count < limit; i++) {
    count += leaves(type->fields.data[i].type, limit);
  }
  return count;
}

static void print_here(struct printer *printer, const struct type *type, const char *lvalue);

/* The function `char *(struct flow_buf *b, char *p, const X *x, size_t more)` that prints a nested
 * value; it has room for `more` bytes behind the value when it returns. */
static const char *nested_printer(struct emit *e, const struct type *type) {
  struct ctype *entry = ctype_entry(e, type);
  if (entry->printer != NULL) return entry->printer;
  entry->printer =
      ctype_unique(e, arena_printf(&e->compiler->arena, "write_%s", emit_mangle(e, type)));
  struct printer printer;
  print_begin(&printer, e, "room");
  print_here(&printer, type, "(*x)");
  flush(&printer);
  text_addf(emit_section(e, SECTION_HELPERS),
            "static inline char *%s(struct flow_buf *b, char *p, const %s *x, size_t more) {\n"
            "%s"
            "  const size_t room = %zu + more;\n"
            "  p = flow_write_room(b, p, room);\n%s  return p;\n}\n\n",
            entry->printer, emit_c_type(e, type), ignored_item(&printer), printer.bound,
            printer.body.data);
  return entry->printer;
}

/* -- lists, sets, maps ----------------------------------------------------------------------- */

/* Maps with such keys are printed as objects (rule 12). */
static bool is_object_key(const struct type *key) {
  return key->kind == TYPE_STRING || key->kind == TYPE_INT ||
         (key->kind == TYPE_ENUM && !type_has_payload(key));
}

static void print_map_entry(struct printer *printer, const struct type *map, const char *entry) {
  const char *key = arena_printf(arena_of(printer), "%s->key", entry);
  const char *value = arena_printf(arena_of(printer), "%s->value", entry);
  bool is_object = is_object_key(map->key), is_int = map->key->kind == TYPE_INT;
  if (!is_object) print_fixed(printer, "[");
  if (is_int) print_fixed(printer, "\"");
  print_value(printer, PRINT_JSON, map->key, key);
  if (is_int) print_fixed(printer, "\"");
  print_fixed(printer, is_object ? ": " : ", ");
  print_value(printer, PRINT_JSON, map->elem, value);
  if (!is_object) print_fixed(printer, "]");
}

/* Prints what is between the brackets. Each round makes room for itself and writes `, ` behind its
 * element, where that becomes one piece with the element's end; the last one is taken back. */
static void print_elements(struct printer *printer, const struct type *type, const char *lvalue) {
  struct printer inner;
  uint32_t depth = printer->depth + 1;
  struct arena *arena = arena_of(printer);
  print_begin(&inner, printer->e, arena_printf(arena, "room%u", depth));
  inner.depth = depth;
  inner.indent = printer->indent + 2;
  const char *entry = arena_printf(arena, "entry%u", depth), *at = address(printer, lvalue);
  const char *length = member(printer, lvalue, "length");
  if (type->kind == TYPE_LIST) {
    print_value(&inner, PRINT_JSON, type->elem, arena_printf(arena, "data%u[i%u]", depth, depth));
  } else if (type->kind == TYPE_SET) {
    print_value(&inner, PRINT_JSON, type->elem, arena_printf(arena, "%s->key", entry));
  } else {
    print_map_entry(&inner, type, entry);
  }
  print_fixed(&inner, ", ");
  flush(&inner);

  flush(printer);
  if (type->kind == TYPE_LIST) {
    line(printer, "{");
    line(printer, "const %s *data%u = %s;", emit_c_type(printer->e, type->elem), depth,
         emit_list_data(printer->e, type, at));
    line(printer, "for (uint32_t i%u = 0; i%u < %s; i%u++) {", depth, depth, length, depth);
  } else {
    const char *entry_type = emit_entry_type(printer->e, type);
    line(printer,
         "for (uint32_t i%u = flow_map_first(%s); i%u != FLOW_MAP_NONE; i%u = flow_map_next(%s, "
         "i%u)) {",
         depth, at, depth, depth, at, depth);
    line(printer, "  const %s *%s = flow_map_at(%s, i%u, sizeof(%s));", entry_type, entry, at,
         depth, entry_type);
  }
  line(printer, "  const size_t room%u = %zu + %s;", depth, inner.bound, printer->room);
  line(printer, "  p = flow_write_room(b, p, room%u);", depth);
  text_addn(&printer->body, inner.body.data, inner.body.length);
  line(printer, type->kind == TYPE_LIST ? "}}" : "}");
  line(printer, "if (%s > 0) p -= 2;", length);
}

static void print_collection(struct printer *printer, const struct type *type, const char *lvalue) {
  bool is_object = type->kind == TYPE_MAP && is_object_key(type->key);
  print_fixed(printer, is_object ? "{" : "[");
  print_elements(printer, type, lvalue);
  print_fixed(printer, is_object ? "}" : "]");
}

/* -- values ---------------------------------------------------------------------------------- */

static void print_string(struct printer *printer, enum print_form form, const char *lvalue,
                         bool is_optional) {
  const char *at = address(printer, lvalue);
  if (form == PRINT_JSON) print_fixed(printer, "\"");
  flush(printer);
  if (form == PRINT_JSON) {
    line(printer, "p = flow_write_json_str(b, p, %s, %s);", at, printer->room);
    print_fixed(printer, "\"");
  } else if (form == PRINT_TEXT) {
    line(printer, "p = flow_write_str(b, p, %s, %s);", at, printer->room);
  } else {
    line(printer, "p = flow_write_csv_str(b, p, %s, '%s%c', %s, %s);", at,
         printer->delimiter == '\'' || printer->delimiter == '\\' ? "\\" : "", printer->delimiter,
         is_optional || printer->quotes_empty ? "true" : "false", printer->room);
  }
  printer->bound += 16; /* FLOW_STR_ROOM */
}

/* As base64, none of whose characters needs quotes or escapes. */
static void print_bytes(struct printer *printer, enum print_form form, const char *lvalue,
                        bool is_optional) {
  if (form == PRINT_JSON) print_fixed(printer, "\"");
  flush(printer);
  line(printer, "p = flow_write_base64(b, p, %s, %s);", address(printer, lvalue), printer->room);
  if (form == PRINT_JSON) print_fixed(printer, "\"");
  if (form != PRINT_CSV || !(is_optional || printer->quotes_empty)) return;
  line(printer, "if (%s == 0) p = flow_write_fixed(p, \"\\\"\\\"\", 2);",
       member(printer, lvalue, "length"));
  printer->bound += 2;
}

/* It is its text already; only in a text a string stands without quotes. */
static void print_json(struct printer *printer, enum print_form form, const char *lvalue) {
  if (form == PRINT_JSON) {
    print_string(printer, PRINT_TEXT, lvalue, false);
    return;
  }
  flush(printer);
  line(printer, "p = flow_write_json_value(b, p, %s, %s);", address(printer, lvalue), printer->room);
}

static void print_optional(struct printer *printer, enum print_form form, const struct type *type,
                           const char *lvalue) {
  flush(printer);
  line(printer, "if (%s) {", member(printer, lvalue, "has"));
  printer->indent += 2;
  const char *value = member(printer, lvalue, "value");
  if (type->elem->kind == TYPE_STRING)
    print_string(printer, form, value, true);
  else if (type->elem->kind == TYPE_BYTES)
    print_bytes(printer, form, value, true);
  else
    print_value(printer, form, type->elem, value);
  flush(printer);
  printer->indent -= 2;
  if (form == PRINT_CSV) {
    line(printer, "}");
    return;
  }
  line(printer, "} else {");
  printer->indent += 2;
  print_fixed(printer, "null");
  flush(printer);
  printer->indent -= 2;
  line(printer, "}");
}

/* A statement that moves `p` over at most `bound` bytes. */
static void print_number(struct printer *printer, size_t bound, const char *writer,
                         const char *lvalue) {
  flush(printer);
  line(printer, "p = %s(p, %s);", writer, lvalue);
  printer->bound += bound;
}

static void print_decimal(struct printer *printer, const struct type *type, const char *lvalue) {
  flush(printer);
  line(printer, "p = flow_write_decimal(p, %s, %u);", lvalue, type->scale);
  printer->bound += 26; /* FLOW_DECIMAL_TEXT */
}

static void print_time(struct printer *printer, enum print_form form, const char *writer,
                       const char *lvalue) {
  if (form == PRINT_JSON) print_fixed(printer, "\"");
  flush(printer);
  line(printer, "p = %s(b, p, %s, %s);", writer, lvalue, printer->room);
  if (form == PRINT_JSON) print_fixed(printer, "\"");
}

/* Records and enums in line, whatever their size. */
static void print_here(struct printer *printer, const struct type *type, const char *lvalue) {
  if (type->kind == TYPE_RECORD)
    print_record(printer, type, lvalue);
  else if (type->kind == TYPE_ENUM)
    print_variants(printer, type, lvalue);
  else
    print_collection(printer, type, lvalue);
}

static void print_nested(struct printer *printer, const struct type *type, const char *lvalue) {
  if (leaves(type, INLINED_LEAVES) < INLINED_LEAVES) {
    print_here(printer, type, lvalue);
    return;
  }
  const char *writer = nested_printer(printer->e, type);
  flush(printer);
  line(printer, "p = %s(b, p, %s, %s);", writer, address(printer, lvalue), printer->room);
}

void print_value(struct printer *printer, enum print_form form, const struct type *type,
                 const char *lvalue) {
  switch (type->kind) {
  case TYPE_INT: print_number(printer, 20, "flow_write_number", lvalue); return;
  case TYPE_FLOAT: print_number(printer, 25, "flow_write_float", lvalue); return;
  case TYPE_DECIMAL: print_decimal(printer, type, lvalue); return;
  case TYPE_BOOL: print_number(printer, 5, "flow_write_bool", lvalue); return;
  case TYPE_STRING: print_string(printer, form, lvalue, false); return;
  case TYPE_JSON: print_json(printer, form, lvalue); return;
  case TYPE_BYTES: print_bytes(printer, form, lvalue, false); return;
  case TYPE_TIMESTAMP: print_time(printer, form, "flow_write_timestamp", lvalue); return;
  case TYPE_DURATION: print_time(printer, form, "flow_write_duration", lvalue); return;
  case TYPE_OPTIONAL: print_optional(printer, form, type, lvalue); return;
  case TYPE_ENUM:
    if (type_has_payload(type))
      print_nested(printer, type, lvalue);
    else
      print_names(printer, form, type, lvalue);
    return;
  case TYPE_LIST: print_collection(printer, type, lvalue); return;
  case TYPE_SET:
  case TYPE_MAP:
  case TYPE_RECORD: print_nested(printer, type, lvalue); return;
  default: print_fixed(printer, "null"); return;
  }
}

void print_sink(struct printer *printer, const struct type *item, const char *name) {
  printer->prologue = "  (void)w;\n";
  print_function(
      printer, SECTION_CODECS,
      arena_printf(arena_of(printer),
                   "static void %s(struct flow_worker *w, struct flow_buf *b, const %s *x)", name,
                   emit_c_type(printer->e, item)));
}

/* -- helpers --------------------------------------------------------------------------------- */

static void write_helper(struct emit *e, enum print_form form, const struct type *type,
                         const char *name) {
  struct printer printer;
  print_begin(&printer, e, "room");
  print_value(&printer, form, type, "(*x)");
  /* Small and usual, or called once per row: the compiler decides whether to inline it. */
  const char *head =
      arena_printf(&e->compiler->arena, "static inline void %s(struct flow_buf *b, const %s *x)",
                   name, emit_c_type(e, type));
  print_function(&printer, SECTION_HELPERS, head);
}

void ctype_write_json(struct emit *e, const struct type *type, const char *name) {
  write_helper(e, PRINT_JSON, type, name);
}

void ctype_write_text(struct emit *e, const struct type *type, const char *name) {
  write_helper(e, PRINT_TEXT, type, name);
}
