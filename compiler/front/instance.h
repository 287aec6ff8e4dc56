/* Uses of steps and of generic functions.
 *
 * Both are checked at each use: a step with the type of the items there, a generic function with the types
 * of its arguments. Each use has a copy of the tree, and a struct instance says what the names of
 * parameters mean inside it; nothing else of the place of use is visible there.
 *
 *   fn most(xs: list[T], by: fn(T) -> int) -> int { … by(x) … }       generic: T, by
 *   most(orders, o => o.cents)         T = Order, by = a function `o => o.cents`, one of its own
 *
 * A function that is an argument becomes a declared one, and what it takes from the place where it is
 * written goes along as further arguments; so later passes see plain calls of plain functions, which
 * the C compiler inlines.
 */
#ifndef FLOWCC_FRONT_INSTANCE_H
#define FLOWCC_FRONT_INSTANCE_H

#include "front/checker.h"

/* A parameter that is a function: what it stands for, and the hidden parameters of the function around
 * that carry what it has captured. */
struct function_arg {
  struct decl *function;
  struct name_list hidden;
};

struct instance {
  struct decl *decl;      /* the step or generic function */
  struct span span;       /* of the use */
  struct instance *outer; /* the instance inside of which the use stands, or null */
  struct map types;       /* names of types → struct type: `T`, and `item` in a step */
  struct map values;      /* a step's constants → struct decl */
  struct map functions;   /* → struct function_arg */
  struct diag_context context;

  /* Of a step. */
  struct stage *place;    /* the stage as it is written */
  struct map streams;     /* stream parameters → struct ident: the stream or sink */
  const char *id, *was_id; /* the prefix of the ids of its states: "hourly" */
  struct expr_list args;  /* by parameter; null: a stream, or its default */
  bool is_entered;

  /* Of a function: the type that the context wants of the call, or null. */
  const struct type *hint;
};

/* -- expand.c -------------------------------------------------------------------------------- */

/* Puts copies of the stages of steps in the place of their uses. */
void expand_steps(struct checker *, struct decl *pipeline);

/* -- check_generic.c ------------------------------------------------------------------------- */

/* Whether a type as written mentions a name that stands for any type, or is a function. */
bool type_is_open(struct checker *, const struct type_syntax *);

/* A new instance; the maps are empty. */
struct instance *instance_new(struct checker *, struct decl *decl, struct span use,
                              struct instance *outer);

/* Types the arguments of a step, when the type of the items is known. */
void enter_instance(struct checker *, struct instance *, const struct type *item);

/* A call of a generic function; `hint` is the type that the context wants, or null. */
struct expr *infer_generic_call(struct checker *, struct expr *call, struct decl *fn,
                                const struct type *hint);

/* A call of a parameter that is a function. */
struct expr *infer_parameter_call(struct checker *, struct expr *call, const struct function_arg *);

/* The parts of a call that check_call.c does for every function. */
bool check_argument_count(struct checker *, struct expr *call, const struct decl *fn);
bool reject_named_args(struct checker *, struct expr *call);
struct expr *infer_args_only(struct checker *, struct expr *call, size_t from);
struct expr *finish_fn_call(struct checker *, struct expr *call, struct decl *fn, bool is_good);

#endif
