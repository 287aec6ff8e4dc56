/* Every limit of the compiler, with its reason.
 *
 * Whatever can grow without end in a source file has a limit here; reaching one is a diagnostic,
 * never a crash. */
#ifndef FLOWCC_BASE_LIMITS_H
#define FLOWCC_BASE_LIMITS_H

/* Bytes in all source files of one compilation. A flow is a few kilobytes; more than this is a file
 * that was named by mistake. */
#define LIMIT_SOURCE_BYTES (1u << 20)

/* Declarations and pipelines of a program. Some passes compare all with all. */
#define LIMIT_DECLS 5000

/* Declarations that use one another, such as functions that call functions. They are checked by
 * recursion. */
#define LIMIT_CHAIN 500

/* Bytes of a text that the compiler knows: a literal, or what `++` makes of constants, where twenty
 * lines that double a text would fill the memory. */
#define LIMIT_TEXT_BYTES (64u << 10)

/* Values in one constant, and values that lie side by side in one record: lists of lists and
 * records of records grow like texts, and a row lies on the stack of the program. */
#define LIMIT_VALUES 10000

/* Brackets, `if`s, unary operators and f-strings inside each other. Passes walk the tree by
 * recursion; at this depth the deepest of them needs well under one megabyte of stack. */
#define LIMIT_NESTING 200

/* Levels of an expression's tree. A chain such as `a + b + c` or `x.f().g()` has one per
 * term, so this is more than the brackets alone could give. */
#define LIMIT_EXPR_HEIGHT 500

/* Clauses of one stage or declaration, and hooks of one state. Each is compared with all others,
 * and the language knows about ten words for them. */
#define LIMIT_CLAUSES 32

/* Fields, variants, arms or arguments at one place. They are compared with one another, which takes
 * time by the square; a record of a database has some hundred columns. */
#define LIMIT_ITEMS 1000

/* Stages of one pipeline, those of its steps included, and steps inside each other. Steps that use two
 * steps each would fill the memory otherwise. */
#define LIMIT_STAGES 1000
#define LIMIT_STEP_DEPTH 100

/* Functions that are written for one call: calls of generic functions in generic functions would fill the
 * memory otherwise. */
#define LIMIT_INSTANCES 3000

/* Stages that are fused: each becomes a block of C inside the one before, and clang takes brackets
 * up to 256 deep. */
#define LIMIT_FUSED 100

/* Files that one program imports, directly and through others. */
#define LIMIT_IMPORTS 1000

/* Diagnostics that are printed. Nobody reads more before fixing the first ones. */
#define LIMIT_DIAGS_SHOWN 20

/* Diagnostics that are kept; a hostile file would otherwise fill the memory with them. */
#define LIMIT_DIAGS_KEPT 200

/* Columns of a source line that a message quotes; a longer line is cut around the marked place. */
#define LIMIT_COLUMNS_SHOWN 160

/* Bytes of a name for which "did you mean" is computed; its cost is quadratic. */
#define LIMIT_SUGGESTED_NAME 64

#endif
