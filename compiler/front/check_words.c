/* Words that users bring along: of other languages, and of later versions of this one. The lexer's
 * layout knows those that stand where a keyword may stand; these stand where a name may.
 */
#include "front/checker.h"

#include <string.h>

#include "base/edit.h"
#include "front/import.h"

struct word_pair {
  const char *foreign, *ours;
};

static const char *find_pair(const struct word_pair *pairs, const char *word) {
  for (; pairs->foreign; pairs++) {
    if (strcmp(pairs->foreign, word) == 0) return pairs->ours;
  }
  return NULL;
}

const char *our_value(const char *word) {
  static const struct word_pair pairs[] = {
      {"null", "none"}, {"NULL", "none"},    {"Null", "none"},      {"nil", "none"},
      {"None", "none"}, {"nullptr", "none"}, {"undefined", "none"}, {"True", "true"},
      {"TRUE", "true"}, {"False", "false"},  {"FALSE", "false"},    {"this", "it"},
      {"self", "it"},   {"item", "it"},      {"record", "it"},      {"row", "it"},
      {"event", "it"},  {"_", "it"},         {NULL, NULL},
  };
  return find_pair(pairs, word);
}

const char *our_clause(const char *word) {
  static const struct word_pair pairs[] = {
      {"as", "a value is converted by a function: int(x), float(x), string(x)"},
      {"lag", "it stands behind `time by`:  |> time by at lag 5s"},
      {"max ahead", "it stands behind `time by`:  |> time by at lag 5s max ahead 1h"},
      {"idle after", "it stands behind `time by`:  |> time by at lag 5s idle after 1m"},
      {"origin", "windows have it:  |> window tumbling 1d origin @2024-01-01T06:00:00Z |> aggregate …"},
      {"allow", "windows have it:  |> window tumbling 10s allow 1m |> aggregate …"},
      {"every", "sliding windows have it:  |> window sliding 10s every 2s |> aggregate …"},
      {"late into", "windows and joins have it:  |> window tumbling 10s late into NAME |> aggregate …"},
      {"late", "late items go to a stream:  |> window tumbling 10s late into NAME |> aggregate …"},
      {"lateness", "how long results still change:  |> window tumbling 10s allow 1m |> aggregate …"},
      {"allowed_lateness", "how long results still change:  |> window tumbling 10s allow 1m |> aggregate …"},
      {"grace", "how long results still change:  |> window tumbling 10s allow 1m |> aggregate …"},
      {"by", "the key stands in front:  |> key by user |> window tumbling 10s |> aggregate …"},
      {"within", "joins have it:  |> join payments on orders.id == payments.id within 1h"},
      {NULL, NULL},
  };
  return find_pair(pairs, word);
}

const char *our_stage(const char *word) {
  static const struct word_pair pairs[] = {
      {"project", "map"},      {"transform", "map"},      {"keyed", "key by"},
      {"partition", "key by"}, {"explode", "flat_map"},   {"unnest", "flat_map"},
      {"concat", "merge"},     {"route", "split"},        {"debug", "inspect"},
      {"log", "inspect"},      {"print", "into stdout"},  {"output", "into"},
      {"reduce", "state"},     {"fold", "state"},         {"scan", "state"},
      {"stateful", "state"},   {"stateful_map", "state"}, {NULL, NULL},
  };
  return find_pair(pairs, word);
}

const char *our_phrase(const char *word) {
#define DEFAULT   "a default is written  value ?? default"
#define OPTIONAL  "a T is a T? as it is: write the value alone"
#define PRINTED   "items are seen with  |> inspect  and written with  |> into stdout"
#define ELEMENTS  "a `for` in a `fn` goes through a list;  xs.map(x => x * 2)  makes another one"
  static const struct word_pair pairs[] = {
      {"coalesce", DEFAULT},
      {"COALESCE", DEFAULT},
      {"ifnull", DEFAULT},
      {"IFNULL", DEFAULT},
      {"nvl", DEFAULT},
      {"NVL", DEFAULT},
      {"unwrap_or", DEFAULT},
      {"unwrap_or_default", DEFAULT},
      {"getOrElse", DEFAULT},
      {"unwrap", DEFAULT ";  where it is there:  if let x = value { … }"},
      {"expect", DEFAULT ";  where it is there:  if let x = value { … }"},
      {"is_some", "ask  value != none"},
      {"is_none", "ask  value == none"},
      {"isnull", "ask  value == none"},
      {"ISNULL", "ask  value == none"},
      {"Some", OPTIONAL},
      {"Just", OPTIONAL},
      {"Ok", "a function returns the value alone, also where it can fail"},
      {"Err", "a failure is written  fail \"why\""},
      {"Error", "a failure is written  fail \"why\""},
      {"panic", "a failure is written  fail \"why\""},
      {"print", PRINTED},
      {"println", PRINTED},
      {"printf", PRINTED},
      {"puts", PRINTED},
      {"reduce", ELEMENTS},
      {"fold", ELEMENTS},
      {"iter", ELEMENTS},
      {"forEach", ELEMENTS},
      {"get", "m[k] is the value of a key or none:  m[k] ?? 0"},
      {"pow", "there is no operator for powers: x * x"},
      {"concat", "strings and lists are joined with  a ++ b"},
      {"CONCAT", "strings and lists are joined with  a ++ b"},
      {"format", "values are put into a text with  f\"{a} of {b}\""},
      {"clone", "every value is a copy:  let x = y"},
      {"copy", "every value is a copy:  let x = y"},
      {NULL, NULL},
  };
  return find_pair(pairs, word);
}

const char *our_aggregate(const char *word) {
  static const struct word_pair pairs[] = {
#define AGGREGATE(CALL) "over many items it is an aggregate:  |> key by … |> aggregate " CALL
#define AGGREGATE_OF(NAME) {NAME, AGGREGATE(NAME "(…)")}
      {"count", AGGREGATE("count()")},
      {"COUNT", AGGREGATE("count()")},
      {"mean", AGGREGATE("avg(…)")},
      AGGREGATE_OF("sum"),
      AGGREGATE_OF("avg"),
      AGGREGATE_OF("min"),
      AGGREGATE_OF("max"),
      AGGREGATE_OF("first"),
      AGGREGATE_OF("last"),
      AGGREGATE_OF("collect"),
      AGGREGATE_OF("quantile"),
      {NULL, NULL},
  };
  return find_pair(pairs, word);
}

const char *our_type(const char *word) {
  static const struct word_pair pairs[] = {
      {"str", "string"},
      {"String", "string"},
      {"text", "string"},
      {"varchar", "string"},
      {"VARCHAR", "string"},
      {"TEXT", "string"},
      {"char", "string"},
      {"i64", "int"},
      {"i32", "int"},
      {"u64", "int"},
      {"u32", "int"},
      {"long", "int"},
      {"Int", "int"},
      {"integer", "int"},
      {"Integer", "int"},
      {"bigint", "int"},
      {"BIGINT", "int"},
      {"INT", "int"},
      {"number", "float"},
      {"double", "float"},
      {"f64", "float"},
      {"f32", "float"},
      {"real", "float"},
      {"Float", "float"},
      {"DOUBLE", "float"},
      {"Decimal", "decimal[2]"},
      {"DECIMAL", "decimal[2]"},
      {"numeric", "decimal[2]"},
      {"NUMERIC", "decimal[2]"},
      {"money", "decimal[2]"},
      {"boolean", "bool"},
      {"Boolean", "bool"},
      {"BOOLEAN", "bool"},
      {"Bool", "bool"},
      {"bytea", "bytes"},
      {"blob", "bytes"},
      {"BLOB", "bytes"},
      {"binary", "bytes"},
      {"Bytes", "bytes"},
      {"datetime", "timestamp"},
      {"DateTime", "timestamp"},
      {"date", "timestamp"},
      {"time", "timestamp"},
      {"TIMESTAMP", "timestamp"},
      {"interval", "duration"},
      {"array", "list"},
      {"Array", "list"},
      {"vec", "list"},
      {"Vec", "list"},
      {"List", "list"},
      {"dict", "map"},
      {"Map", "map"},
      {"HashMap", "map"},
      {"hash", "map"},
      {"Set", "set"},
      {"option", "T?"},
      {"Option", "T?"},
      {"Optional", "T?"},
      {"optional", "T?"},
      {NULL, NULL},
  };
  return find_pair(pairs, word);
}

bool report_future_word(struct checker *c, struct ident word) {
  if (strcmp(word.text, "visible") != 0) return false;
  diag_error(c->diags, E0114, word.span, "`%s` is not part of this version of the language", word.text);
  return true;
}

bool note_left_behind(struct checker *c, struct diag *diag, const char *name) {
  vec_each(struct decl *, it, &c->compiler->program->left_behind) {
    const struct decl *decl = *it;
    if (decl->kind == DECL_TEST || decl->name.text != name) continue;
    const struct source *source = sources_at(&c->compiler->sources, decl->span.offset);
    diag_note(diag,
              "`%s` is a %s of %s; an import brings records, enums, functions, steps and constants", name,
              decl_kind_name(decl), source->path);
    return true;
  }
  return false;
}

const char *example_value(const struct type *type) {
  switch (type->kind) {
  case TYPE_INT: return "0";
  case TYPE_FLOAT: return "0.0";
  case TYPE_DECIMAL: return "0";
  case TYPE_BOOL: return "false";
  case TYPE_STRING: return "\"\"";
  case TYPE_JSON: return "\"\"";
  case TYPE_BYTES: return "bytes(\"\")";
  case TYPE_DURATION: return "0s";
  case TYPE_TIMESTAMP: return "@1970-01-01";
  case TYPE_OPTIONAL: return "none";
  case TYPE_LIST:
  case TYPE_SET:
  case TYPE_MAP: return "[]";
  case TYPE_ENUM:
    return type->variants.count && !type->variants.data[0].payload ? type->variants.data[0].name
                                                                   : "…";
  default: return "…";
  }
}

struct diag *suggest(struct diag *diag, const char *name, const char *const *names, size_t count) {
  const char *near = closest_name(name, names, count);
  if (near) diag_help(diag, "did you mean `%s`?", near);
  return diag;
}
