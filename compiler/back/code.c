/* Putting together the body of one C function: lines, temporaries, labels, failures. */
#include "back/code.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

void code_begin(struct code *c, struct emit *e, const char *step, bool is_fallible) {
  *c = (struct code){.e = e, .step = step, .is_fallible = is_fallible, .indent = 1};
  c->leave = is_fallible ? "return true;" : "return;";
  c->emit_args = "";
  text_init(&c->body, &e->compiler->arena);
  map_init(&c->locals, &e->compiler->arena);
  map_init(&c->local_names, &e->compiler->arena);
}

/* -- lines ----------------------------------------------------------------------------------- */

static struct place place_of(struct code *c, struct span span) {
  return sources_place(&c->e->compiler->sources, span.offset);
}

static void add_line_directive(struct text *out, const struct source *source, uint32_t line) {
  const char *path = source->path;
  const char *slash = strrchr(path, '/');
  const char *base = slash != NULL ? slash + 1 : path;
  text_addf(out, "#line %u ", line);
  text_add_quoted_c(out, base, strlen(base));
  text_addc(out, '\n');
}

static void end_line(struct code *c) {
  if (!c->is_line_open) return;
  text_addc(&c->body, '\n');
  c->is_line_open = false;
  c->line++;
}

void code_at(struct code *c, struct span span) {
  if (c->is_captured) return;
  end_line(c);
  struct place place = place_of(c, span);
  if (place.line == c->line && place.source == c->source) return;
  add_line_directive(&c->body, place.source, place.line);
  c->line = place.line;
  c->source = place.source;
}

void code_put(struct code *c, const char *format, ...) {
  if (c->is_line_open) {
    text_addc(&c->body, ' ');
  } else if (!c->is_captured) {
    text_pad(&c->body, ' ', 2 * (size_t)c->indent);
  }
  c->is_line_open = true;
  va_list args;
  va_start(args, format);
  text_addv(&c->body, format, args);
  va_end(args);
}

void code_close(struct code *c) {
  c->indent--;
  if (!c->is_captured) end_line(c);
  code_put(c, "}");
}

struct capture code_capture(struct code *c) {
  struct capture saved = {c->body, c->is_line_open, c->is_captured};
  text_init(&c->body, &c->e->compiler->arena);
  c->is_line_open = false;
  c->is_captured = true;
  return saved;
}

const char *code_release(struct code *c, struct capture saved) {
  const char *text = c->body.data;
  c->body = saved.body;
  c->is_line_open = saved.is_line_open;
  c->is_captured = saved.is_captured;
  return text;
}

/* -- the function ---------------------------------------------------------------------------- */

static bool is_word(char byte) {
  return isalnum((unsigned char)byte) || byte == '_';
}

/* Whether the C text mentions the identifier, other than as the name of a member. */
static bool mentions(const char *text, const char *name) {
  size_t length = strlen(name);
  for (const char *at = strstr(text, name); at != NULL; at = strstr(at + 1, name)) {
    bool is_member = at > text && (at[-1] == '.' || (at - text > 1 && at[-2] == '-' && at[-1] == '>'));
    bool is_start = at == text || (!is_word(at[-1]) && !is_member);
    if (is_start && !is_word(at[length])) return true;
  }
  return false;
}

/* How often the C text mentions the identifier. */
static uint32_t count_mentions(const char *text, const char *name) {
  uint32_t count = 0;
  size_t length = strlen(name);
  for (const char *at = strstr(text, name); at != NULL; at = strstr(at + 1, name))
    count += (at == text || !is_word(at[-1])) && !is_word(at[length]);
  return count;
}

/* An unused variable is mentioned by its declaration and its mark only. */
void code_settle_marks(struct text *body) {
  if (strchr(body->data, '\1') == NULL) return;
  struct text out;
  text_init(&out, body->arena);
  const char *p = body->data;
  for (const char *mark = strchr(p, '\1'); mark != NULL; mark = strchr(p, '\1')) {
    text_addn(&out, p, (size_t)(mark - p));
    size_t length = strcspn(mark + 1, "\1");
    const char *name = arena_strndup(body->arena, mark + 1, length);
    if (count_mentions(body->data, name) <= 2) text_addf(&out, " (void)%s;", name);
    p = mark + length + 2;
  }
  text_add(&out, p);
  *body = out;
}

/* Marks the parameters that the body does not use; a parameter's name stands before `,` or `)`. */
static void mark_unused(struct code *c, struct text *out, const char *head) {
  for (const char *p = strchr(head, '(') + 1; *p != '\0'; p++) {
    if (*p != ',' && *p != ')') continue;
    const char *start = p;
    while (is_word(start[-1])) start--;
    const char *name = code_printf(c, "%.*s", (int)(p - start), start);
    if (!mentions(c->body.data, name)) text_addf(out, " (void)%s;", name);
  }
}

/* Whether the body is one line of C at the given line of the program. */
static bool is_single_line(const struct code *c, uint32_t line) {
  const char *first = strchr(c->body.data, '\n');
  if (first == NULL || strncmp(c->body.data, "#line", 5) != 0) return false;
  return strchr(first + 1, '\n') == c->body.data + c->body.length - 1 && c->line == line + 1;
}

void code_end(struct code *c, const char *head, struct span span) {
  end_line(c);
  code_settle_marks(&c->body);
  struct text *out = emit_section(c->e, SECTION_EXPRESSIONS);
  struct place place = place_of(c, span);
  add_line_directive(out, place.source, place.line);
  text_addf(out, "%s {", head);
  mark_unused(c, out, head);
  const char *body = c->body.data;
  if (is_single_line(c, place.line)) {
    /* All of it is on the line of the head. */
    body = strchr(body, '\n') + 1;
    while (*body == ' ') body++;
    text_addf(out, " %.*s }\n\n", (int)strcspn(body, "\n"), body);
    return;
  }
  text_addc(out, '\n');
  text_add(out, body);
  text_add(out, "}\n\n");
}

/* -- names and failures ---------------------------------------------------------------------- */

const char *code_printf(struct code *c, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *text = arena_vprintf(&c->e->compiler->arena, format, args);
  va_end(args);
  return text;
}

const char *code_temp(struct code *c, const struct type *type, const char *value) {
  const char *name = code_printf(c, "t%u", ++c->temp_count);
  if (value == NULL) {
    code_put(c, "%s %s;", emit_c_type(c->e, type), name);
  } else {
    code_put(c, "%s %s = %s;", emit_c_type(c->e, type), name, value);
  }
  return name;
}

const char *code_label(struct code *c) {
  return code_printf(c, "otherwise_%u", ++c->label_count);
}

static const char *leave_with(struct code *c, const char *call, struct span span,
                              const char *reason) {
  if (c->is_condition) return "return false;";
  struct text text;
  text_init(&text, &c->e->compiler->arena);
  /* Where the checker has promised that nothing can fail, a failure still ends the run. */
  text_addf(&text, "%s%s(w, &%s, ", c->is_fallible ? "return " : "{ ", call,
            emit_site(c->e, span, c->step));
  text_add_quoted_c(&text, reason, strlen(reason));
  text_add(&text, c->is_fallible ? ");" : "); flow_abort_record(w); }");
  return text.data;
}

const char *code_fail(struct code *c, struct span span, const char *reason) {
  if (c->fail_label != NULL) return code_printf(c, "goto %s;", c->fail_label);
  return leave_with(c, "flow_fail", span, reason);
}

const char *code_fault(struct code *c, struct span span, const char *reason) {
  return leave_with(c, "flow_fault_at", span, reason);
}

/* -- operands -------------------------------------------------------------------------------- */

const char *code_deref(struct code *c, const char *pointer) {
  if (pointer[0] == '&') return pointer + 1;
  return code_printf(c, "(*%s)", pointer);
}

const char *code_address(struct code *c, const char *operand) {
  size_t length = strlen(operand);
  /* (*x) of a plain name is x. */
  if (length > 3 && operand[0] == '(' && operand[1] == '*') {
    size_t i = 2;
    while (is_word(operand[i])) i++;
    if (i == length - 1 && operand[i] == ')') return code_printf(c, "%.*s", (int)(length - 3), operand + 2);
  }
  return code_printf(c, "&%s", operand);
}

/* Whether the C text names a place: `t1`, `v_x`, `(*it)`, `it->f_a.f_b`, `xs[i]`. */
static bool is_place(const char *operand) {
  if (operand[0] == '(' && operand[1] == '*') {
    const char *p = operand + 2;
    while (is_word(*p)) p++;
    return strcmp(p, ")") == 0;
  }
  if (!isalpha((unsigned char)operand[0])) return false;
  bool is_temp = operand[0] == 't' && isdigit((unsigned char)operand[1]);
  bool is_path = is_temp || strncmp(operand, "v_", 2) == 0;
  for (const char *p = operand; *p != '\0'; p++) {
    if (*p == '-' && p[1] == '>') {
      p++;
      is_path = true;
    } else if (!is_word(*p) && *p != '.') {
      return false;
    }
  }
  return is_path;
}

const char *code_pointer(struct code *c, const struct type *type, const char *operand) {
  if (code_is_scalar(type) && !is_place(operand)) operand = code_temp(c, type, operand);
  return code_address(c, operand);
}

const char *code_member(struct code *c, const char *object, const char *member) {
  const char *pointer = code_address(c, object);
  if (pointer[0] == '&') return code_printf(c, "%s.%s", object, member);
  return code_printf(c, "%s->%s", pointer, member);
}
