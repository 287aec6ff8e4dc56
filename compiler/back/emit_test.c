/* What a program under test has besides: the values that its tests feed and expect, each as a function
 * that prints it, and a main() that serves the driver (flow/test.h). */
#include "back/code.h"
#include "back/program.h"

/* Writes the function of one value; the driver knows it by its number. */
static void emit_test_value(struct emit *e, uint32_t number, const struct expr *value) {
  struct arena *arena = &e->compiler->arena;
  const char *name = arena_printf(arena, "x_test_%u", number);
  bool is_fallible = emit_is_fallible(value);
  struct code c;
  code_begin(&c, e, "test", is_fallible);
  emit_value_function(e, name, "", value, &c);
  const char *c_type = emit_c_type(e, value->type);
  const char *print = emit_helper(e, HELPER_JSON, value->type);
  struct text *out = emit_section(e, SECTION_PROGRAM);
  text_addf(out, "static bool test_value_%u(struct flow_worker *w, struct flow_buf *out) {\n",
            number);
  if (is_fallible) {
    text_addf(out, "  %s value;\n  if (!%s(w, &value)) return false;\n", c_type, name);
  } else if (code_is_scalar(value->type)) {
    text_addf(out, "  %s value = %s(w);\n", c_type, name);
  } else {
    text_addf(out, "  %s value;\n  %s(w, &value);\n", c_type, name);
  }
  text_addf(out, "  %s(out, &value);\n  return true;\n}\n\n", print);
}

void emit_test_main(struct emit *e) {
  struct text list;
  text_init(&list, &e->compiler->arena);
  uint32_t count = 0;
  vec_each(struct decl *, decl, &e->compiler->program->decls) {
    if ((*decl)->kind != DECL_TEST) continue;
    vec_each(struct test_step, step, &(*decl)->steps) {
      vec_each(struct expr *, value, &step->items) {
        emit_test_value(e, count, *value);
        text_addf(&list, "  test_value_%u,\n", count++);
      }
    }
  }
  text_addf(emit_section(e, SECTION_PROGRAM),
            "static const flow_test_print test_values[] = {\n%s  NULL};\n\n"
            "int main(int argc, char **argv) {\n"
            "  return flow_test_main(&flow_program, test_values, %u, argc, argv);\n}\n",
            list.data, count);
}
