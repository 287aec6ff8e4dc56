/* The functions that only quoted text can call (front/quote.h): times of windows, and elements of lists that are
 * known to be there. */
#include "back/code.h"

#include "front/builtin.h"

/* Writes the function that finds a time in a list of records which are sorted by their first field. From the
 * end, because that is where most items belong. */
static const char *find_function(struct emit *e, const struct type *list) {
  const char *name = arena_printf(&e->compiler->arena, "find_time_%s", emit_mangle(e, list));
  if (!emit_first_time(e, name)) return name;
  text_addf(emit_section(e, SECTION_HELPERS),
            "static inline int64_t %s(const %s *xs, int64_t time_us) {\n"
            "  uint32_t i = xs->length;\n"
            "  while (i > 0 && %s[i - 1].%s >= time_us) i--;\n"
            "  return i;\n}\n\n",
            name, emit_c_type(e, list), emit_list_data(e, list, "xs"),
            emit_member(e, list->elem->fields.data[0].name));
  return name;
}

const char *code_quoted(struct code *c, const struct expr *call, const char **args) {
  const struct type *first = call->call.args.count > 0 ? call->call.args.data[0].value->type : NULL;
  switch (call->call.builtin->id) {
  case BUILTIN_LATE:
    c->e->counts_late = true;
    code_put(c, "flow_count_late(w);");
    return "0";
  case BUILTIN_SURE: return code_member(c, args[0], "value");
  case BUILTIN_QUOTED_MARK: return code_printf(c, "flow_window_mark(%s)", c->clock);
  case BUILTIN_QUOTED_LATER: return code_printf(c, "flow_timer_after(%s, %s)", args[0], args[1]);
  case BUILTIN_QUOTED_EARLIER:
    return code_printf(c, "flow_timer_after(%s, -(%s))", args[0], args[1]);
  case BUILTIN_QUOTED_FLOOR:
    return code_printf(c, "flow_window_floor(%s, %s, %s)", args[0], args[1], args[2]);
  case BUILTIN_QUOTED_SHOWN: return code_printf(c, "flow_window_shown(%s)", args[0]);
  case BUILTIN_QUOTED_FIND:
    return code_temp(c, call->type, code_printf(c, "%s(%s, %s)", find_function(c->e, first),
                                                code_address(c, args[0]), args[1]));
  default: return code_aggregate(c, call, args);
  }
}
