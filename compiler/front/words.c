#include "front/words.h"

#include "base/edit.h"
#include "front/token.h"
#include "front/parse.tab.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct word declarations[] = {
    {"flow", TOKEN_FLOW},
    {"param", TOKEN_PARAM},
    {"const", TOKEN_CONST},
    {"record", TOKEN_RECORD},
    {"enum", TOKEN_ENUM},
    {"fn", TOKEN_FN},
    {"source", TOKEN_SOURCE},
    {"sink", TOKEN_SINK},
    {"stream", TOKEN_STREAM},
    {"test", TOKEN_TEST},
    {"import", TOKEN_IMPORT},
    {"step", TOKEN_STEP},
    {"extern", TOKEN_EXTERN},
    {NULL, 0},
};

static const struct word verbs[] = {
    {"map", TOKEN_MAP},
    {"filter", TOKEN_FILTER},
    {"flat_map", TOKEN_FLAT_MAP},
    {"key", TOKEN_KEY},
    {"state", TOKEN_STATE},
    {"merge", TOKEN_MERGE},
    {"split", TOKEN_SPLIT},
    {"into", TOKEN_INTO},
    {"inspect", TOKEN_INSPECT},
    {"time", TOKEN_TIME},
    {"window", TOKEN_WINDOW},
    {"aggregate", TOKEN_AGGREGATE},
    {"join", TOKEN_JOIN},
    {"left", TOKEN_LEFT},
    {"full", TOKEN_FULL},
    {"lookup", TOKEN_LOOKUP},
    {NULL, 0},
};

static const struct word test_words[] = {
    {"feed", TOKEN_FEED},
    {"expect", TOKEN_EXPECT},
    {"restart", TOKEN_RESTART},
    {"end", TOKEN_END_INPUT},
    {"advance", TOKEN_ADVANCE},
    {NULL, 0},
};

static const struct word *const places[] = {
    [WORD_DECLARATION] = declarations,
    [WORD_VERB] = verbs,
    [WORD_TEST] = test_words,
};

const struct word *word_find(enum word_place place, const char *text) {
  for (const struct word *word = places[place]; word->text; word++) {
    if (strcmp(word->text, text) == 0) return word;
  }
  return NULL;
}

const struct word *word_closest(enum word_place place, const char *text) {
  const char *candidates[COUNT(verbs)];
  size_t count = 0;
  for (const struct word *word = places[place]; word->text; word++) candidates[count++] = word->text;
  const char *closest = closest_name(text, candidates, count);
  return closest ? word_find(place, closest) : NULL;
}

static const struct foreign_word foreign_declarations[] = {
    {"pub", NULL, 0, NULL},
    {"public", NULL, 0, NULL},
    {"private", NULL, 0, NULL},
    {"export", NULL, 0, NULL},
    {"async", NULL, 0, NULL},
    {"static", NULL, 0, NULL},
    {"def", "`fn`", 0, "fn twice(n: int) -> int = n * 2"},
    {"function", "`fn`", 0, "fn twice(n: int) -> int = n * 2"},
    {"func", "`fn`", 0, "fn twice(n: int) -> int = n * 2"},
    {"fun", "`fn`", 0, "fn twice(n: int) -> int = n * 2"},
    {"var", "`const`", 0, "const limit = 10"},
    {"val", "`const`", 0, "const limit = 10"},
    {"class", "`record`", 0, "record Point { x: int, y: int }"},
    {"struct", "`record`", 0, "record Point { x: int, y: int }"},
    {"type", "`record`", 0, "record Point { x: int, y: int }"},
    {"data", "`record`", 0, "record Point { x: int, y: int }"},
    {"interface", "`record`", 0, "record Point { x: int, y: int }"},
    {"package", "`flow`", 0, "flow billing"},
    {"module", "`flow`", 0, "flow billing"},
    {"namespace", "`flow`", 0, "flow billing"},
    {"input", "`source`", 0, "source events: Event = stdin(jsonl)"},
    {"output", "`sink`", 0, "sink result = file(\"result.jsonl\", jsonl)"},
    {"table", "`stream`", 0, "stream paid = orders |> filter is_paid"},
    {"view", "`stream`", 0, "stream paid = orders |> filter is_paid"},
    {"create", "`stream`", 0, "stream paid = orders |> filter is_paid"},
    {"CREATE", "`stream`", 0, "stream paid = orders |> filter is_paid"},
    {"select", "as a pipeline", 0,
     "orders |> filter amount > 10 |> map { user, amount } |> into stdout"},
    {"SELECT", "as a pipeline", 0,
     "orders |> filter amount > 10 |> map { user, amount } |> into stdout"},
    {"from", "as a pipeline", 0,
     "orders |> filter amount > 10 |> map { user, amount } |> into stdout"},
    {"FROM", "as a pipeline", 0,
     "orders |> filter amount > 10 |> map { user, amount } |> into stdout"},
    {"print", "`into stdout`", 0, "orders |> into stdout"},
    {"println", "`into stdout`", 0, "orders |> into stdout"},
    {"echo", "`into stdout`", 0, "orders |> into stdout"},
    {NULL, NULL, 0, NULL},
};

#define SELECT_HELP "several values are one record: |> map { user, amount }"
#define GROUP_HELP                                                                                 \
  "`aggregate` behind it counts and sums up: |> aggregate { user, n: count(), most: max(amount) }"
#define SORT_HELP                                                                                  \
  "a stream has no end to be sorted at: |> state all: list[int] = [] { all.push(n) } on end { "    \
  "emit sort(all) }"

#define TUMBLING_HELP "|> window tumbling 10s |> aggregate { key, n: count() }"
#define SLIDING_HELP  "|> window sliding 10s every 2s |> aggregate { key, n: count() }"
#define JOIN_HELP  "orders as o |> join payments as p on o.id == p.id within 1h"
#define RIGHT_HELP "payments as p |> left join orders as o on p.id == o.id within 1h"
#define CROSS_HELP "what belongs together has something in common: |> join b on a.id == b.id within 1h"

static const struct foreign_word foreign_verbs[] = {
    {"tumble", "`window tumbling`", 0, TUMBLING_HELP},
    {"tumbling", "`window tumbling`", 0, TUMBLING_HELP},
    {"hop", "`window sliding`", 0, SLIDING_HELP},
    {"hopping", "`window sliding`", 0, SLIDING_HELP},
    {"sliding", "`window sliding`", 0, SLIDING_HELP},
    {"where", "`filter`", TOKEN_FILTER, NULL},
    {"WHERE", "`filter`", TOKEN_FILTER, NULL},
    {"keep", "`filter`", TOKEN_FILTER, NULL},
    {"having", "`filter`", TOKEN_FILTER, NULL},
    {"HAVING", "`filter`", TOKEN_FILTER, NULL},
    {"select", "`map`", TOKEN_MAP, SELECT_HELP},
    {"SELECT", "`map`", TOKEN_MAP, SELECT_HELP},
    {"flatMap", "`flat_map`", TOKEN_FLAT_MAP, NULL},
    {"flatmap", "`flat_map`", TOKEN_FLAT_MAP, NULL},
    {"groupBy", "`key by`", TOKEN_KEY, GROUP_HELP},
    {"groupby", "`key by`", TOKEN_KEY, GROUP_HELP},
    {"group_by", "`key by`", TOKEN_KEY, GROUP_HELP},
    {"group", "`key by`", TOKEN_KEY, GROUP_HELP},
    {"GROUP", "`key by`", TOKEN_KEY, GROUP_HELP},
    {"keyBy", "`key by`", TOKEN_KEY, NULL},
    {"key_by", "`key by`", TOKEN_KEY, NULL},
    {"partition_by", "`key by`", TOKEN_KEY, NULL},
    {"order", "as a list in a `state`", 0, SORT_HELP},
    {"ORDER", "as a list in a `state`", 0, SORT_HELP},
    {"order_by", "as a list in a `state`", 0, SORT_HELP},
    {"orderBy", "as a list in a `state`", 0, SORT_HELP},
    {"sort_by", "as a list in a `state`", 0, SORT_HELP},
    {"INNER", "`join`", 0, JOIN_HELP},
    {"JOIN", "`join`", 0, JOIN_HELP},
    {"LEFT", "`left join`", 0, JOIN_HELP},
    {"FULL", "`full join`", 0, JOIN_HELP},
    {"RIGHT", "as a `left join` from the other side", 0, RIGHT_HELP},
    {"CROSS", "`join`", 0, CROSS_HELP},
    {"union", "`merge`", TOKEN_MERGE, NULL},
    {"UNION", "`merge`", TOKEN_MERGE, NULL},
    {"branch", "`split`", TOKEN_SPLIT, NULL},
    {"peek", "`inspect`", TOKEN_INSPECT, NULL},
    {"tap", "`inspect`", TOKEN_INSPECT, NULL},
    {"to", "`into`", TOKEN_INTO, NULL},
    {"sink", "`into`", TOKEN_INTO, NULL},
    {"write", "`into`", TOKEN_INTO, NULL},
    {NULL, NULL, 0, NULL},
};

static const struct foreign_word foreign_joins[] = {
    {"inner", "`join`", 0, JOIN_HELP},
    {"outer", "`full join`", 0, JOIN_HELP},
    {"right", "as a `left join` from the other side", 0, RIGHT_HELP},
    {"cross", "`join`", 0, CROSS_HELP},
    {NULL, NULL, 0, NULL},
};

static const struct foreign_word foreign_statements[] = {
    {"var", "`let`", TOKEN_LET, NULL},
    {"val", "`let`", TOKEN_LET, NULL},
    {"const", "`let`", TOKEN_LET, NULL},
    {"auto", "`let`", TOKEN_LET, NULL},
    {"yield", "`emit`", TOKEN_EMIT, NULL},
    {"switch", "`match`", TOKEN_MATCH, NULL},
    {"case", "`match`", TOKEN_MATCH, NULL},
    {"foreach", "`for`", TOKEN_FOR, NULL},
    {"raise", "`fail`", TOKEN_FAIL, NULL},
    {"throw", "`fail`", TOKEN_FAIL, NULL},
    {"while", "`for x in xs`", TOKEN_IF,
     "a loop walks over a list or a range: for i in range(0, 10) { … }"},
    {"elif", "`else if`", TOKEN_ELSE, NULL},
    {"elsif", "`else if`", TOKEN_ELSE, NULL},
    {"elseif", "`else if`", TOKEN_ELSE, NULL},
    {NULL, NULL, 0, NULL},
};

static const struct foreign_word foreign_steps[] = {
    {"assert", "`expect`", TOKEN_EXPECT, NULL},
    {"check", "`expect`", TOKEN_EXPECT, NULL},
    {"then", "`expect`", TOKEN_EXPECT, NULL},
    {"given", "`feed`", TOKEN_FEED, NULL},
    {"input", "`feed`", TOKEN_FEED, NULL},
    {"send", "`feed`", TOKEN_FEED, NULL},
    {"kill", "`restart`", TOKEN_RESTART, NULL},
    {"crash", "`restart`", TOKEN_RESTART, NULL},
    {"sleep", "`advance`", TOKEN_ADVANCE, NULL},
    {"wait", "`advance`", TOKEN_ADVANCE, NULL},
    {"stop", "`end`", TOKEN_END_INPUT, NULL},
    {"finish", "`end`", TOKEN_END_INPUT, NULL},
    {NULL, NULL, 0, NULL},
};

static const struct foreign_word foreign_values[] = {
    {"null", "`none`", TOKEN_NONE, NULL}, {"NULL", "`none`", TOKEN_NONE, NULL},
    {"nil", "`none`", TOKEN_NONE, NULL},  {"undefined", "`none`", TOKEN_NONE, NULL},
    {"NOT", "`not`", TOKEN_NOT, NULL},    {NULL, NULL, 0, NULL},
};

#define LIKE_HELP    "name.starts_with(\"Os\"), name.ends_with(\"lo\"), name.contains(\"sl\")"
#define BETWEEN_HELP "10 <= amount and amount <= 20"

static const struct foreign_word foreign_operators[] = {
    {"AND", "`and`", TOKEN_AND, NULL},
    {"OR", "`or`", TOKEN_OR, NULL},
    {"IN", "`in`", TOKEN_IN, NULL},
    {"mod", "`%`", '%', NULL},
    {"div", "`/`", '/', NULL},
    {"is", "`==`", TOKEN_EQ, NULL},
    {"IS", "`==`", TOKEN_EQ, NULL},
    {"like", "as a function", TOKEN_EQ, LIKE_HELP},
    {"LIKE", "as a function", TOKEN_EQ, LIKE_HELP},
    {"between", "as two comparisons", TOKEN_GE, BETWEEN_HELP},
    {"BETWEEN", "as two comparisons", TOKEN_GE, BETWEEN_HELP},
    {NULL, NULL, 0, NULL},
};

static const struct foreign_word *find(const struct foreign_word *table, const char *text) {
  for (; table->text; table++) {
    if (strcmp(table->text, text) == 0) return table;
  }
  return NULL;
}

const struct foreign_word *foreign_declaration(const char *text) {
  return find(foreign_declarations, text);
}

const struct foreign_word *foreign_verb(const char *text) {
  return find(foreign_verbs, text);
}

const struct foreign_word *foreign_join(const char *text) {
  return find(foreign_joins, text);
}

const struct foreign_word *foreign_statement(const char *text) {
  return find(foreign_statements, text);
}

const struct foreign_word *foreign_step(const char *text) {
  return find(foreign_steps, text);
}

const struct foreign_word *foreign_value(const char *text) {
  return find(foreign_values, text);
}

const struct foreign_word *foreign_operator(const char *text) {
  return find(foreign_operators, text);
}
