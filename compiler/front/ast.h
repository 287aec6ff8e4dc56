/* The syntax tree: what the parser builds and what the checker annotates in place.
 *
 * Every node lives in the compilation's arena. Names are interned, so that equal names are equal
 * pointers. Fields under "set by" are null or zero until that pass has run; all others belong to
 * the parser. After `check` has succeeded the tree is well typed: every conversion is an explicit
 * EXPR_COERCE node, every record literal lists its fields in the order of its type, and every name
 * and call says what it refers to, so that later passes never look anything up.
 */
#ifndef FLOWCC_FRONT_AST_H
#define FLOWCC_FRONT_AST_H

#include "base/source.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct type;     /* front/type.h */
struct builtin;  /* front/builtin.h */
struct io_spec;  /* io/io.h */
struct op;       /* ops/op.h */
struct node;     /* middle/graph.h */
struct expr;
struct stmt;
struct block;

/* A name and where it is written. An absent name has text == NULL. */
struct ident {
  const char *text;
  struct span span;
};
VEC_OF(ident_list, struct ident);

/* -- types as written ------------------------------------------------------------------------ */

enum type_syntax_kind {
  TYPE_SYNTAX_NAME,
  TYPE_SYNTAX_OPTIONAL,
  TYPE_SYNTAX_RECORD,
  TYPE_SYNTAX_FUNCTION, /* `fn(T) -> U`, of a parameter only */
  TYPE_SYNTAX_MADE,     /* of quoted text (front/quote.h) only: `made` */
};

VEC_OF(type_syntax_list, struct type_syntax *);

/* A clause such as `was "old"`, `poll 1s`, `named totals`; which ones are known is the checker's. */
struct clause {
  struct ident name;
  struct expr *value;  /* null for a bare word such as `unordered` */
  struct expr *high;   /* the second end of a range, `within -5m..1h`; else null */
  bool is_used;        /* set by check; an unused clause is reported with a suggestion */
};
VEC_OF(clause_list, struct clause);

/* A field of a record, of an enum variant or of a function's parameter list. */
struct field_decl {
  struct ident name;
  struct type_syntax *type_syntax;
  struct expr *init;          /* the default, or null */
  struct clause_list clauses; /* from, was, where, unit */
  const char *doc;            /* text after `##`, or null */
};
VEC_OF(field_decl_list, struct field_decl);

struct type_syntax {
  enum type_syntax_kind kind;
  struct span span;
  struct ident name;             /* NAME */
  struct type_syntax_list args;  /* NAME: `list[T]`, `map[K, V]`; FUNCTION: its parameters */
  struct expr *scale;            /* NAME: the 2 of `decimal[2]`, an EXPR_INT; else null */
  struct type_syntax *inner;     /* OPTIONAL; FUNCTION: its result */
  struct field_decl_list fields; /* RECORD */
  bool is_doubled; /* OPTIONAL: another `?` was refused */
  const struct type *made;       /* MADE */
};

/* -- expressions ----------------------------------------------------------------------------- */

enum expr_kind {
  EXPR_ERROR, /* recovered from; its type is TYPE_ERROR, which silences its users */
  EXPR_NAME,
  EXPR_INT,
  EXPR_FLOAT,
  EXPR_DECIMAL,   /* made by check only: `integer` counts units of the type's scale */
  EXPR_STRING,
  EXPR_FSTRING,
  EXPR_DURATION,  /* `integer` holds microseconds */
  EXPR_TIMESTAMP, /* `integer` holds microseconds since 1970-01-01T00:00:00Z */
  EXPR_BOOL,
  EXPR_NONE,
  EXPR_UNARY,
  EXPR_BINARY,
  EXPR_FIELD, /* a.b and a?.b */
  EXPR_INDEX,
  EXPR_CALL,
  EXPR_LIST, /* also the literal of a set where a set is expected; `[]` is an empty map too */
  EXPR_MAP,
  EXPR_RECORD,
  EXPR_IF,
  EXPR_MATCH,
  EXPR_LAMBDA, /* `x => expr`, an argument; after check none is left */
  EXPR_COERCE, /* made by check only */
};

enum unary_op { UNARY_NEGATE, UNARY_NOT };

enum binary_op {
  BINARY_OR, BINARY_AND, BINARY_EQ, BINARY_NE, BINARY_LT, BINARY_LE, BINARY_GT, BINARY_GE,
  BINARY_IN, BINARY_NOT_IN, BINARY_COALESCE, BINARY_CONCAT,
  BINARY_ADD, BINARY_SUB, BINARY_MUL, BINARY_DIV, BINARY_MOD,
};

/* What a name stands for (set by check). */
enum ref_kind {
  REF_NONE,
  REF_IT,      /* the item of the stage */
  REF_FIELD,   /* field `index` of the item, named bare */
  REF_KEY,     /* the key of the stage */
  REF_STATE,   /* the value of the enclosing `state` */
  REF_LOCAL,   /* let, for or match binder: `local` */
  REF_ARG,     /* parameter `index` of the enclosing fn */
  REF_PARAM,   /* `param` declaration */
  REF_CONST,   /* `const` declaration */
  REF_VARIANT, /* fieldless variant `index` of the enum that is the expression's type */
  REF_STREAM,  /* a stream, source or sink (arguments of merge, into) */
};

/* A local variable; the binder's node owns it, names point at it. */
struct local {
  struct ident name;
  const struct type *type; /* set by check */
  uint32_t id;             /* set by check: unique in its function, for the emitter's C names */
  bool is_mutated;         /* set by check: assigned or passed to a mutator after its `let` */
};

typedef bool (*expr_visit)(const struct expr *, const void *context);

/* Calls `visit` for the expressions directly inside `expr`, typed or not, until it returns true; then true. */
bool expr_any_child(const struct expr *expr, expr_visit visit, const void *context);

/* The operator as it is written: "not in", "??". */
const char *binary_op_text(enum binary_op op);

enum coercion { COERCE_SOME /* T to T? */, COERCE_ABSENT /* none to T? */ };

/* What a call calls (set by check). */
enum call_kind { CALL_UNKNOWN, CALL_BUILTIN, CALL_FN, CALL_RECORD, CALL_VARIANT, CALL_CONNECTOR };

struct arg {
  struct ident name; /* `name: value`; absent for a positional argument */
  struct expr *value;
};
VEC_OF(arg_list, struct arg);
VEC_OF(expr_list, struct expr *);

/* One piece of an f-string: literal text (value null) or an expression. */
struct fstring_part {
  const char *text;
  size_t length;
  struct expr *value;
};
VEC_OF(fstring_part_list, struct fstring_part);

struct map_pair {
  struct expr *key, *value;
};
VEC_OF(map_pair_list, struct map_pair);

/* One item of `{ a, b: 1, ..r }` as written: a spread has no name; `x` and `a.x` name themselves. */
struct record_item {
  struct ident name;
  struct expr *value;
  bool is_spread;
};
VEC_OF(record_item_list, struct record_item);

/* A field of a checked record or variant value, in the order of the type's fields: either `value`,
 * or field `spread_field` of the spread expression `spreads[spread]`. Defaults are filled in. A
 * spread has one node, however many fields it gives, because it is evaluated once. */
struct record_field {
  struct expr *value;
  uint32_t spread, spread_field;
  bool is_some; /* the T of the spread becomes the T? of this field */
};
VEC_OF(record_field_list, struct record_field);

enum pattern_kind {
  PATTERN_LITERAL, /* low */
  PATTERN_RANGE,   /* low..high, both ends included */
  PATTERN_NONE,    /* none */
  PATTERN_SOME,    /* some x */
  PATTERN_VARIANT, /* variant, or variant with a binder: `circle c` */
};

struct pattern {
  enum pattern_kind kind;
  struct span span;
  struct expr *low, *high;
  struct ident name;       /* VARIANT */
  struct ident type;       /* VARIANT: its enum, where that is written; else absent */
  struct local *binder;    /* SOME, VARIANT with a binder; else null */
  uint32_t variant;        /* set by check: index in the enum */
};
VEC_OF(pattern_list, struct pattern);

/* An arm of a match statement (body) or of a match expression (value). */
struct match_arm {
  struct span span;
  struct pattern_list patterns; /* empty for `else` */
  bool is_else;
  struct expr *value;
  struct block *body;
};
VEC_OF(match_arm_list, struct match_arm);

struct expr {
  enum expr_kind kind;
  struct span span;
  const struct type *type; /* set by check */
  bool can_fail;           /* set by check: a failure can leave this expression (E0301 material) */
  bool can_fault;          /* set by check: a fault (overflow, size limit) can leave it */
  uint16_t height;         /* levels of its tree, at most LIMIT_EXPR_HEIGHT: passes may recurse */
  bool in_parens;          /* written in parentheses (E0107 and E0108 need to know) */
  union {
    struct {
      const char *text;
      enum ref_kind ref;       /* set by check */
      uint32_t index;          /* set by check: FIELD, ARG, VARIANT */
      struct local *local;     /* set by check: LOCAL */
      struct decl *decl;       /* set by check: PARAM, CONST, STREAM */
    } name;
    int64_t integer; /* INT, DECIMAL, DURATION, TIMESTAMP */
    double number;
    bool boolean;
    struct { const char *data; size_t length; } string;
    struct fstring_part_list fstring;
    struct { enum unary_op op; struct expr *operand; } unary;
    struct { enum binary_op op; struct span op_span; struct expr *left, *right; } binary;
    struct {
      struct expr *object;
      struct ident name;
      bool is_optional; /* a?.b */
      uint32_t index;   /* set by check: the field's index in the record type */
    } field;
    struct {
      struct expr *object, *index;
      bool is_sure; /* in quoted text: an element of a list that is known to be there, with its type T */
    } index;
    struct {
      struct ident name;
      struct arg_list args; /* with method sugar, args[0] is the receiver */
      bool is_method;       /* written x.f(y) */
      bool is_quoted;       /* written by the compiler (front/quote.h): of a function of its own */
      struct expr *where;   /* `count() where price > 3`, of an aggregate only; else null */
      enum call_kind kind;            /* set by check */
      const struct builtin *builtin;  /* set by check: BUILTIN */
      struct decl *decl;              /* set by check: FN */
      uint32_t variant;               /* set by check: VARIANT */
      struct record_field_list fields; /* set by check: RECORD, VARIANT */
    } call;
    struct expr_list list;
    struct map_pair_list map;
    struct {
      struct record_item_list items;
      struct record_field_list fields; /* set by check */
      struct expr_list spreads;        /* set by check */
    } record;
    struct {
      struct expr *condition;   /* for `if let`: the optional */
      struct local *binder;     /* `if let x = …`, else null */
      struct expr *then_value, *else_value;
    } if_else;
    struct { struct expr *subject; struct match_arm_list arms; } match;
    struct { struct ident_list params; struct expr *body; } lambda;
    struct { enum coercion kind; struct expr *operand; } coerce;
  };
};

/* -- statements ------------------------------------------------------------------------------ */

enum stmt_kind {
  STMT_ERROR, STMT_LET, STMT_ASSIGN, STMT_EXPR, STMT_EMIT, STMT_FAIL, STMT_FORGET, STMT_RETURN,
  STMT_IF, STMT_MATCH, STMT_FOR,
};

enum assign_op { ASSIGN_SET, ASSIGN_ADD, ASSIGN_SUB, ASSIGN_MUL, ASSIGN_DIV, ASSIGN_CONCAT };

VEC_OF(stmt_list, struct stmt *);
struct block {
  struct span span;
  struct stmt_list stmts;
};

struct stmt {
  enum stmt_kind kind;
  struct span span;
  union {
    struct { struct local *local; struct type_syntax *type_syntax; struct expr *value; } let;
    struct { enum assign_op op; struct expr *place, *value; } assign;
    struct expr *expr; /* STMT_EXPR, STMT_FAIL (the message), STMT_RETURN (or null) */
    struct {
      struct expr *value;
      struct ident into;    /* absent for a plain emit */
      struct expr *at;      /* of quoted text only: the time that the item gets; else null */
      uint32_t output;      /* set by check: index in the stage's `emits` */
    } emit;
    struct { struct expr *condition; struct local *binder; struct block *then_block, *else_block; } if_else;
    struct { struct expr *subject; struct match_arm_list arms; } match;
    struct { struct local *first, *second; struct expr *iterable; struct block *body; } loop;
  };
};

/* -- pipelines ------------------------------------------------------------------------------- */

enum on_fail_kind { ON_FAIL_NONE, ON_FAIL_SKIP, ON_FAIL_STOP, ON_FAIL_INTO };
struct on_fail {
  enum on_fail_kind kind;
  struct span span;
  struct ident into; /* ON_FAIL_INTO */
};

enum hook_kind { HOOK_EPOCH, HOOK_END, HOOK_EXPIRE, HOOK_AT };
struct hook {
  struct ident name; /* epoch, end, … as written after `on` */
  enum hook_kind kind; /* set by check */
  struct expr *at;     /* `on at TIME`: the time, a `timestamp?`; else null */
  struct block *body;
};
VEC_OF(hook_list, struct hook);

/* An arm of `split`: `condition => target`, `else => target` or `else => skip`. */
struct split_arm {
  struct expr *condition; /* null for else */
  struct ident target;    /* `skip` is spelled out here too */
  bool is_skip;           /* set by check */
};
VEC_OF(split_arm_list, struct split_arm);

/* One output of a `state`: index 0 is the plain emit, then one per `emit … into NAME` target. */
struct emit_target {
  struct ident into;       /* absent for output 0 */
  const struct type *type; /* null where output 0 is never emitted */
};
VEC_OF(emit_target_list, struct emit_target);

/* Of which sides of a join items come through that have no partner: none, the left one, both. */
enum join_kind { JOIN_INNER, JOIN_LEFT, JOIN_FULL };

struct instance;

VEC_OF(stage_list, struct stage *);

/* A stage: a verb and its arguments. Which members are in use depends on the verb:
 *   map filter flat_map inspect into: args (inspect: 0 or 1) · key: args · merge: names
 *   window: name (its kind) args (its size) late · aggregate: args
 *   state: name type_syntax init body hooks · split: arms · any other word: args, named_args
 *   join lookup: name (the other stream as written), names (that stream), join_kind, late
 * The stages of a step are copied to each place where it is used (front/expand.h). */
struct stage {
  struct ident verb;
  struct span span;
  struct expr_list args;
  struct arg_list named_args; /* NAME(args) of a word that is not a verb of the grammar */
  struct ident_list names;
  struct ident name;
  struct type_syntax *type_syntax;
  struct expr *init;
  struct clause_list clauses;
  struct ident late;          /* `late into NAME`; absent without */
  struct block *body;
  struct hook_list hooks;
  struct split_arm_list arms;
  struct on_fail on_fail;
  enum join_kind join_kind;

  struct instance *instance; /* set by resolve: the use of a step that it is a part of, or null */
  const struct stage *made_for; /* by check: nobody has written this stage; it is a part of what that one does */

  /* set by check */
  const struct op *op;
  const struct type *in_item, *in_key;   /* in_key null: the stream has no key */
  const struct type *out_item, *out_key; /* out_item null: the stage ends its pipeline */
  bool in_time, out_time;                /* whether items have an event time */
  const struct expr *key_by;             /* typed: what of in_item is the key; null where nothing of it is */
  struct expr *lag, *max_ahead, *idle;   /* time: durations of constants and params, or null */
  const struct type *wanted;             /* a made map: the type that its value is brought to; else null */
  const struct expr *out_key_by;         /* a made stage: key_by of what leaves it; null: as for others */
  struct stage_list side;                /* a made merge: what the items of the other stream go through first */
  bool is_lookup;                        /* a made merge: what comes from the other stream is only kept */
  const struct type *state_type;
  struct expr *expires;                  /* state: how long a key lives behind its last item, or null */
  struct emit_target_list emits;         /* state */
  const char *id;                        /* durable id of a state or named stage, or null */
  const char *was_id;
  bool hides_key;                        /* state: its key is made, and what it sends has none */
  bool can_fail, can_fault;              /* before its own `else` */
  bool sees_epochs;                      /* asks for epoch() or now(), itself or by a fn */
  bool sees_time, sees_watermark;        /* asks for time() or watermark(); for the latter */
  uint32_t local_count;
};

/* -- declarations ---------------------------------------------------------------------------- */

enum decl_kind {
  DECL_ERROR, DECL_FLOW, DECL_PARAM, DECL_CONST, DECL_RECORD, DECL_ENUM, DECL_FN, DECL_SOURCE,
  DECL_SINK, DECL_STREAM, DECL_PIPELINE, DECL_TEST, DECL_STEP, DECL_IMPORT,
};

struct variant_decl {
  struct ident name;
  struct field_decl_list fields;
  struct clause_list clauses; /* from, was */
  const char *doc;            /* text after `##`, or null */
};
VEC_OF(variant_decl_list, struct variant_decl);

enum test_step_kind { TEST_FEED, TEST_EXPECT, TEST_RESTART, TEST_END, TEST_ADVANCE };

/* What an `expect` looks at, or what a `feed` gives. */
enum test_subject {
  TEST_ROWS, /* `items` */
  TEST_TEXT, /* FEED: the bytes of an EXPR_STRING */
  TEST_EXIT, /* EXPECT: the exit code `number` */
};

struct test_step {
  enum test_step_kind kind;
  struct span span;
  struct ident name;  /* FEED: the source; EXPECT (set by check): the stream or sink */
  struct expr *value; /* FEED, EXPECT, ADVANCE */

  /* set by check */
  enum test_subject subject;
  struct expr_list items; /* ROWS: one expression that is a list, or (is_mixed) one for each item */
  bool is_mixed;          /* EXPECT: rows of several types may come */
  int64_t number;         /* ADVANCE: microseconds; EXIT: the code */
};
VEC_OF(test_step_list, struct test_step);

struct decl {
  enum decl_kind kind;
  struct span span;
  struct ident name;   /* absent for a bare pipeline; a test's title; an import's path */
  const char *doc;     /* text of `##` comments, or null */
  struct clause_list clauses;
  struct type_syntax *type_syntax; /* param, const, source, sink, stream; fn: the result */
  struct expr *value;              /* param and const: value; source and sink: connector; fn: body expression */
  struct block *body;              /* fn with a block body */
  struct field_decl_list fields;   /* record fields, parameters of fn and step */
  struct variant_decl_list variants;
  struct ident start;              /* stream and pipeline: where it begins; its clauses are `clauses` */
  struct stage_list stages;        /* source, stream, pipeline, step */
  struct on_fail on_fail;          /* source */
  struct test_step_list steps;

  /* set by check */
  const struct type *type;         /* param, const, fn result, item of source, sink, stream */
  const struct type *key_type;     /* stream: its key, or null */
  struct io_spec *io;              /* source, sink (io/io.h) */
  const char *was_id;
  bool is_unordered;               /* sink: rows of different keys may come in any order */
  bool is_checked, is_being_checked; /* guards against cycles */
  bool can_fail, can_fault;        /* fn */
  bool sees_epochs;                /* fn: asks for epoch() or now() */
  VEC_OF(decl_type_list, const struct type *) arg_types; /* fn: types of its parameters */
  uint32_t local_count;            /* fn */
  uint32_t value_count;            /* const: how many values it consists of */
  bool depends_on_params;          /* const: which is what a step was given */

  /* Of functions that are written for each use (front/check_generic.c), and of the library's. */
  bool is_library;                 /* of the standard library: its names are apart from the program's */
  bool is_generic;                 /* fn: checked at each use, with the types of the arguments there */
  bool is_made;                    /* fn: made by check for one use, or for one choice of types */
  uint32_t number;                 /* unique where two may have one name; 0: the only one */
  bool is_extern;                  /* fn: written in C, in the file c_path */
  bool is_serial;                  /* extern fn: never called by two threads at once */
  const char *c_path;              /* set by check; begins at the working directory */
  struct instance *instance;       /* what the names of parameters mean inside, or null */
  struct expr_list captures;       /* of a lambda: what it takes along, behind its own arguments */
  uint32_t index;                  /* among the declarations of its kind */
};
VEC_OF(decl_list, struct decl *);

/* Something that must hold of constants and params when the program starts. */
struct start_check {
  struct expr *condition; /* a bool; a fault in it counts as false */
  const char *message;    /* for whoever starts the program, if it does not hold */
};
VEC_OF(start_check_list, struct start_check);

struct program {
  struct decl_list decls;       /* in text order; behind them what imports bring */
  struct decl_list left_behind; /* declarations of imported files that an import does not bring */
  struct decl_list instances;   /* set by check: functions that were written for one use */
  struct start_check_list start_checks; /* set by check */
};

#endif
