/* The grammar. It reads the tokens of the layout filter (layout.h), which has paired the brackets,
 * put in the newlines (NL) that count, and turned names into keywords where they are ones.
 *
 * Every list in braces, and the file itself, has an `error` production: after a syntax error the
 * parser skips to the next separator of the innermost one, over whole brackets (next_token). */
%define api.pure full
%define api.prefix {parse_}
%define api.token.prefix {TOKEN_}
%define api.value.type union
%define api.location.type {struct span}
%define parse.error custom
%define parse.lac full
%locations
%expect 0
%start program
%param {struct parser *parser}

%code requires {
#include "front/tree.h"
}

%code {
#include "base/limits.h"
#include "compiler.h"
#include "front/layout.h"
#include "front/parse.h"

#include <string.h>

/* Deep enough for LIMIT_NESTING brackets, each inside operators of every precedence; chains of
 * `else if` and of unary operators end here with E0109. */
#define YYINITDEPTH 500
#define YYMAXDEPTH 6000

#define YYLLOC_DEFAULT(current, right, count) ((current) = join_spans((right), (count)))

static struct span join_spans(const struct span *right, int count);
static int parse_lex(PARSE_STYPE *value, struct span *span, struct parser *parser);
static void parse_error(const struct span *span, struct parser *parser, const char *message);
static void resume(struct parser *parser);

/* Lists are built from left to right: empty, started with their first item, or longer by one. */
#define EMPTY(list) memset(&(list), 0, sizeof(list))
#define START(list, item)                                                                          \
  do {                                                                                             \
    EMPTY(list);                                                                                   \
    PUSH(list, item);                                                                              \
  } while (0)
#define PUSH(list, item) tree_push(parser, &(list), item)
/* The same for lists whose items are compared with each other later. */
#define ADD(list, item)                                                                            \
  do {                                                                                             \
    if ((list).count == LIMIT_ITEMS) tree_report_too_many(parser);                                 \
    PUSH(list, item);                                                                              \
  } while (0)
}

%token END 0 "end of file" NL "end of line"
%token <const struct token *> NAME "name" INT "integer" FLOAT "number" STRING "string"
%token <const struct token *> DURATION "duration" TIMESTAMP "timestamp"
%token <const struct token *> TRUE "true" FALSE "false" NONE "none" FSTRING_TEXT "text"
%token FSTRING_BEGIN "f-string" FSTRING_END "end of the f-string"
%token FSTRING_OPEN "`{` in an f-string" FSTRING_CLOSE "`}` of the f-string"
%token PIPE "|>" FAT_ARROW "=>" ARROW "->" EQ "==" NE "!=" LE "<=" GE ">=" CONCAT "++"
%token COALESCE "??" QUESTION_DOT "?." DOT_DOT ".."
%token ADD_ASSIGN "+=" SUB_ASSIGN "-=" MUL_ASSIGN "*=" DIV_ASSIGN "/=" CONCAT_ASSIGN "++="
%token AND "and" OR "or" NOT "not" NOT_IN "not in" IF "if" THEN "then" ELSE "else" MATCH "match"
%token LET "let" FOR "for" IN "in" EMIT "emit" RETURN "return" FAIL "fail" FORGET "forget"
/* Keywords at the start of a statement of the file only. */
%token FLOW "flow" PARAM "param" CONST "const" RECORD "record" ENUM "enum" FN "fn"
%token SOURCE "source" SINK "sink" STREAM "stream" TEST "test" STEP "step" IMPORT "import" EXTERN "extern"
/* Keywords behind `|>` only, and what belongs to them. */
%token <const struct token *> MAP "map" FILTER "filter" FLAT_MAP "flat_map" KEY "key" BY "by" TIME "time"
%token <const struct token *> STATE "state" MERGE "merge" SPLIT "split" INTO "into"
%token <const struct token *> INSPECT "inspect" ON "on" AT "at"
%token <const struct token *> WINDOW "window" AGGREGATE "aggregate" WHERE "where"
%token <const struct token *> JOIN "join" LEFT "left" FULL "full" LOOKUP "lookup"
/* A clause of a stage that never has a value. */
%token <const struct token *> UNBOUNDED "unbounded"
/* Keywords at the start of a line of a test only. */
%token FEED "feed" EXPECT "expect" RESTART "restart" END_INPUT "end" ADVANCE "advance"
/* Never reaches the parser: the layout filter keeps it apart. */
%token DOC "documentation"

%nterm <struct expr *> expr postfix primary place fstring value
%nterm <struct expr *> initial
%nterm <struct expr_list> exprs
%nterm <struct map_pair_list> pairs
%nterm <struct record_item_list> items item_list
%nterm <struct record_item> item
%nterm <struct fstring_part_list> fstring_parts
%nterm <struct arg_list> args arg_list
%nterm <struct arg> arg
%nterm <struct expr *> lambda
%nterm <struct ident_list> lambda_params
%nterm <struct condition> condition
%nterm <struct match_arm_list> expr_arms expr_arm_list stmt_arms stmt_arm_list
%nterm <struct match_arm> expr_arm stmt_arm
%nterm <struct pattern_list> patterns
%nterm <struct pattern> pattern
%nterm <struct expr *> literal
%nterm <struct block *> block arm_body
%nterm <struct stmt_list> stmts stmt_list
%nterm <struct stmt *> stmt if_stmt
%nterm <enum assign_op> assign_op
%nterm <struct type_syntax *> type annotation result
%nterm <struct type_syntax_list> types
%nterm <struct field_decl_list> fields field_list params param_list payload payload_list
%nterm <struct field_decl_list> step_params
%nterm <struct field_decl> field param
%nterm <struct variant_decl_list> variants variant_list
%nterm <struct variant_decl> variant
%nterm <struct clause_list> clauses
%nterm <struct on_fail> on_fail
%nterm <struct stage_list> stages some_stages
%nterm <struct stage *> stage verb join
%nterm <const struct token *> simple_verb
%nterm <struct ident_list> names
%nterm <struct hook_list> hooks
%nterm <struct split_arm_list> split_arms split_arm_list
%nterm <struct split_arm> split_arm
%nterm <struct test_step_list> steps step_list
%nterm <struct test_step> step
%nterm <struct decl *> decl

/* A clause without a value: a name or `{` behind it decides. */
%precedence '{'
%precedence BARE_CLAUSE
%precedence NAME
%precedence LONGEST /* the branches of `if` extend as far as possible */
%left OR
%left AND
%precedence NOT
%left EQ NE LE GE '<' '>' IN NOT_IN /* E0107 refuses chains of them */
%right COALESCE
%left CONCAT
%left '+' '-'
%left '*' '/' '%'
%precedence NEGATE
%precedence FUNCTION_TYPE /* in `fn(T) -> U?` the result is optional */
%precedence '?'

%%

/* Behind a separator or a closing brace the parser knows again where it is. */
newline: NL  { resume(parser); yyerrok; };
close: '}'   { resume(parser); yyerrok; };

/* -- declarations ------------------------------------------------------------------------------ */

program: %empty | decls;
decls: top | decls newline top;
top: decl   { PUSH(parser->program->decls, $decl); }
   | error;

decl: FLOW NAME clauses
      {
        $$ = tree_decl(parser, DECL_FLOW, @$, $NAME);
        $$->clauses = $clauses;
      }
    | PARAM NAME ':' type initial clauses
      {
        $$ = tree_decl(parser, DECL_PARAM, @$, $NAME);
        $$->type_syntax = $type;
        $$->value = $initial;
        $$->clauses = $clauses;
      }
    | CONST NAME annotation '=' expr
      {
        $$ = tree_decl(parser, DECL_CONST, @$, $NAME);
        $$->type_syntax = $annotation;
        $$->value = $expr;
      }
    | RECORD NAME clauses '{' fields close
      {
        $$ = tree_decl(parser, DECL_RECORD, @$, $NAME);
        $$->clauses = $clauses;
        $$->fields = $fields;
      }
    | ENUM NAME clauses '{' variants close
      {
        $$ = tree_decl(parser, DECL_ENUM, @$, $NAME);
        $$->clauses = $clauses;
        $$->variants = $variants;
      }
    | FN NAME '(' params ')' result '=' expr
      {
        $$ = tree_decl(parser, DECL_FN, @$, $NAME);
        $$->fields = $params;
        $$->type_syntax = $result;
        $$->value = $expr;
      }
    | FN NAME '(' params ')' result block
      {
        $$ = tree_decl(parser, DECL_FN, @$, $NAME);
        $$->fields = $params;
        $$->type_syntax = $result;
        $$->body = $block;
      }
    | EXTERN FN NAME '(' params ')' result clauses
      {
        $$ = tree_decl(parser, DECL_FN, @$, $NAME);
        $$->fields = $params;
        $$->type_syntax = $result;
        $$->clauses = $clauses;
        $$->is_extern = true;
      }
    | SOURCE NAME annotation '=' expr clauses on_fail stages
      {
        $$ = tree_decl(parser, DECL_SOURCE, @$, $NAME);
        $$->type_syntax = $annotation;
        $$->value = $expr;
        $$->clauses = $clauses;
        $$->on_fail = $on_fail;
        $$->stages = $stages;
      }
    | SINK NAME annotation '=' expr clauses
      {
        $$ = tree_decl(parser, DECL_SINK, @$, $NAME);
        $$->type_syntax = $annotation;
        $$->value = $expr;
        $$->clauses = $clauses;
      }
    | STREAM NAME[name] annotation '=' NAME[start] clauses stages
      {
        $$ = tree_decl(parser, DECL_STREAM, @$, $name);
        $$->type_syntax = $annotation;
        $$->start = tree_ident($start);
        $$->clauses = $clauses;
        $$->stages = $stages;
      }
    | NAME clauses some_stages
      {
        $$ = tree_decl(parser, DECL_PIPELINE, @$, NULL);
        $$->start = tree_ident($NAME);
        $$->clauses = $clauses;
        $$->stages = $some_stages;
      }
    | STEP NAME step_params '=' some_stages
      {
        $$ = tree_decl(parser, DECL_STEP, @$, $NAME);
        $$->fields = $step_params;
        $$->stages = $some_stages;
      }
    | IMPORT STRING
      {
        $$ = tree_decl(parser, DECL_IMPORT, @$, NULL);
        $$->name = (struct ident){$STRING->string.data, @STRING};
      }
    | TEST STRING '{' steps close
      {
        $$ = tree_decl(parser, DECL_TEST, @$, NULL);
        $$->name = (struct ident){$STRING->string.data, @STRING};
        $$->steps = $steps;
      };

annotation: %empty      { $$ = NULL; }
          | ':' type    { $$ = $type; };
step_params: %empty         { EMPTY($$); }
           | '(' params ')' { $$ = $params; };
result: %empty          { $$ = NULL; }
      | ARROW type      { $$ = $type; };
initial: %empty         { $$ = NULL; }
       | '=' expr       { $$ = $expr; }
       | '=' lambda     { $$ = $lambda; };

/* "was \"old\"", "where x > 0", "unordered": which ones exist at a place is the checker's. */
clauses: %empty                         { EMPTY($$); }
       | clauses NAME value
         { $$ = $1; tree_add_clause(parser, &$$, $NAME, $value, NULL); }
       | clauses UNBOUNDED
         { $$ = $1; tree_add_clause(parser, &$$, $UNBOUNDED, NULL, NULL); }
       | clauses NAME expr[low] DOT_DOT expr[high] /* "within -5m..1h" */
         { $$ = $1; tree_add_clause(parser, &$$, $NAME, $low, $high); };
value: %empty %prec BARE_CLAUSE         { $$ = NULL; }
     | expr;

on_fail: %empty                         { EMPTY($$); }
       | ELSE NAME                      { $$ = tree_on_fail(parser, @$, $2, NULL); }
       | ELSE NAME[word] NAME[target]   { $$ = tree_on_fail(parser, @$, $word, $target); };

/* -- types ------------------------------------------------------------------------------------- */

type: NAME
      {
        $$ = tree_type(parser, TYPE_SYNTAX_NAME, @$);
        $$->name = tree_ident($NAME);
      }
    | NAME '[' types ']'
      {
        $$ = tree_type(parser, TYPE_SYNTAX_NAME, @$);
        $$->name = tree_ident($NAME);
        $$->args = $types;
      }
    | NAME '[' INT ']'
      {
        $$ = tree_type(parser, TYPE_SYNTAX_NAME, @$);
        $$->name = tree_ident($NAME);
        $$->scale = tree_literal(parser, $INT);
      }
    | FN '(' types ')' ARROW type[inner] %prec FUNCTION_TYPE
      {
        $$ = tree_type(parser, TYPE_SYNTAX_FUNCTION, @$);
        $$->args = $types;
        $$->inner = $inner;
      }
    | type[inner] '?'  { $$ = tree_optional_type(parser, @$, $inner); }
    | '{' fields close
      {
        $$ = tree_type(parser, TYPE_SYNTAX_RECORD, @$);
        $$->fields = $fields;
      };
types: type            { START($$, $type); }
     | types ',' type  { $$ = $1; PUSH($$, $type); };

/* Items in braces are separated by commas or by lines. */
separator: ',' { resume(parser); yyerrok; } | newline;

fields: %empty               { EMPTY($$); }
      | field_list
      | field_list ','       { $$ = $1; };
field_list: field                       { START($$, $field); }
          | error                       { EMPTY($$); }
          | field_list separator field  { $$ = $1; ADD($$, $field); }
          | field_list separator error  { $$ = $1; };
field: NAME ':' type initial clauses
      {
        const char *doc = tree_doc(parser, @$);
        $$ = (struct field_decl){tree_ident($NAME), $type, $initial, $clauses, doc};
      };

params: %empty               { EMPTY($$); }
      | param_list
      | param_list ','       { $$ = $1; };
param_list: param                 { START($$, $param); }
          | param_list ',' param  { $$ = $1; ADD($$, $param); };
param: NAME ':' type initial
      {
        const char *doc = tree_doc(parser, @$);
        $$ = (struct field_decl){tree_ident($NAME), $type, $initial, {0}, doc};
      };

variants: %empty             { EMPTY($$); }
        | variant_list
        | variant_list ','   { $$ = $1; };
variant_list: variant                         { START($$, $variant); }
            | error                           { EMPTY($$); }
            | variant_list separator variant  { $$ = $1; ADD($$, $variant); }
            | variant_list separator error    { $$ = $1; };
variant: NAME clauses
         {
           const char *doc = tree_doc(parser, @$);
           $$ = (struct variant_decl){tree_ident($NAME), {0}, $clauses, doc};
         }
       | NAME '(' payload ')' clauses
         {
           const char *doc = tree_doc(parser, @$);
           $$ = (struct variant_decl){tree_ident($NAME), $payload, $clauses, doc};
         };
payload: %empty             { EMPTY($$); }
       | payload_list
       | payload_list ','   { $$ = $1; };
payload_list: field                   { START($$, $field); }
            | payload_list ',' field  { $$ = $1; ADD($$, $field); };

/* -- pipelines --------------------------------------------------------------------------------- */

stages: %empty       { EMPTY($$); }
      | some_stages;
some_stages: stage              { START($$, $stage); }
           | some_stages stage  { $$ = $1; PUSH($$, $stage); };
stage: PIPE verb on_fail
       {
         $$ = $verb;
         $$->on_fail = $on_fail;
         $$->span = @$;
       };

verb: simple_verb expr clauses
      {
        $$ = tree_stage(parser, @$, $simple_verb);
        PUSH($$->args, $expr);
        $$->clauses = $clauses;
      }
    | INSPECT
      { $$ = tree_stage(parser, @$, $INSPECT); }
    | INSPECT expr clauses
      {
        $$ = tree_stage(parser, @$, $INSPECT);
        PUSH($$->args, $expr);
        $$->clauses = $clauses;
      }
    | KEY BY exprs clauses
      {
        $$ = tree_stage(parser, @$, $KEY);
        $$->args = $exprs;
        $$->clauses = $clauses;
      }
    | TIME BY expr clauses
      {
        $$ = tree_stage(parser, @$, $TIME);
        PUSH($$->args, $expr);
        $$->clauses = $clauses;
      }
    | WINDOW NAME expr clauses
      {
        $$ = tree_stage(parser, @$, $WINDOW);
        $$->name = tree_ident($NAME);
        PUSH($$->args, $expr);
        tree_set_clauses(parser, $$, $clauses);
      }
    | MERGE names clauses
      {
        $$ = tree_stage(parser, @$, $MERGE);
        $$->names = $names;
        $$->clauses = $clauses;
      }
    | join NAME clauses
      {
        $$ = $join;
        $$->name = tree_ident($NAME);
        START($$->names, $$->name);
        tree_set_clauses(parser, $$, $clauses);
      }
    | SPLIT '{' split_arms close
      {
        $$ = tree_stage(parser, @$, $SPLIT);
        $$->arms = $split_arms;
      }
    | STATE NAME ':' type initial clauses block hooks
      {
        $$ = tree_stage(parser, @$, $STATE);
        $$->name = tree_ident($NAME);
        $$->type_syntax = $type;
        $$->init = $initial;
        $$->clauses = $clauses;
        $$->body = $block;
        $$->hooks = $hooks;
      }
    | NAME clauses
      {
        $$ = tree_stage(parser, @$, $NAME);
        $$->clauses = $clauses;
      }
    | NAME '(' args ')' clauses
      {
        $$ = tree_stage(parser, @$, $NAME);
        $$->named_args = $args;
        $$->clauses = $clauses;
      };
simple_verb: MAP | FILTER | FLAT_MAP | AGGREGATE | INTO;
join: JOIN       { $$ = tree_join(parser, @$, $JOIN, JOIN_INNER); }
    | LEFT JOIN  { $$ = tree_join(parser, @$, $JOIN, JOIN_LEFT); }
    | FULL JOIN  { $$ = tree_join(parser, @$, $JOIN, JOIN_FULL); }
    | LOOKUP     { $$ = tree_join(parser, @$, $LOOKUP, JOIN_INNER); };

names: NAME            { START($$, tree_ident($NAME)); }
     | names ',' NAME  { $$ = $1; PUSH($$, tree_ident($NAME)); };

hooks: %empty                { EMPTY($$); }
     | hooks ON NAME block   { $$ = $1; tree_add_hook(parser, &$$, $NAME, NULL, $block); }
     | hooks ON AT expr block
       { $$ = $1; tree_add_hook(parser, &$$, $AT, $expr, $block); };

split_arms: split_arm_list
          | split_arm_list ','  { $$ = $1; };
split_arm_list: split_arm                           { START($$, $split_arm); }
              | error                               { EMPTY($$); }
              | split_arm_list separator split_arm  { $$ = $1; ADD($$, $split_arm); }
              | split_arm_list separator error      { $$ = $1; };
split_arm: expr FAT_ARROW NAME
           { $$ = (struct split_arm){.condition = $expr, .target = tree_ident($NAME)}; }
         | ELSE FAT_ARROW NAME
           { $$ = (struct split_arm){.target = tree_ident($NAME)}; };

/* -- statements -------------------------------------------------------------------------------- */

block: '{' stmts close  { $$ = tree_block(parser, @$, $stmts); };
stmts: %empty         { EMPTY($$); }
     | stmt_list
     | stmt_list ';'  { $$ = $1; };
stmt_separator: newline | ';' { resume(parser); yyerrok; };
stmt_list: stmt                           { START($$, $stmt); }
         | error                          { EMPTY($$); }
         | stmt_list stmt_separator stmt  { $$ = $1; PUSH($$, $stmt); }
         | stmt_list stmt_separator error { $$ = $1; };

stmt: LET NAME annotation '=' expr
      {
        $$ = tree_stmt(parser, STMT_LET, @$);
        $$->let.local = tree_local(parser, $NAME);
        $$->let.type_syntax = $annotation;
        $$->let.value = $expr;
      }
    | place assign_op expr  { $$ = tree_assign(parser, @$, $assign_op, $place, $expr); }
    | place                 { $$ = tree_expr_stmt(parser, $place); }
    | EMIT expr clauses     { $$ = tree_emit(parser, @$, $expr, $clauses); }
    | FAIL expr             { $$ = tree_stmt(parser, STMT_FAIL, @$); $$->expr = $expr; }
    | FORGET                { $$ = tree_stmt(parser, STMT_FORGET, @$); }
    | RETURN                { $$ = tree_stmt(parser, STMT_RETURN, @$); }
    | RETURN expr           { $$ = tree_stmt(parser, STMT_RETURN, @$); $$->expr = $expr; }
    | if_stmt
    | MATCH expr '{' stmt_arms close
      {
        $$ = tree_stmt(parser, STMT_MATCH, @$);
        $$->match.subject = $expr;
        $$->match.arms = $stmt_arms;
      }
    | FOR NAME IN expr block
      {
        $$ = tree_stmt(parser, STMT_FOR, @$);
        $$->loop.first = tree_local(parser, $NAME);
        $$->loop.iterable = $expr;
        $$->loop.body = $block;
      }
    | FOR NAME[first] ',' NAME[second] IN expr block
      {
        $$ = tree_stmt(parser, STMT_FOR, @$);
        $$->loop.first = tree_local(parser, $first);
        $$->loop.second = tree_local(parser, $second);
        $$->loop.iterable = $expr;
        $$->loop.body = $block;
      };

assign_op: '='            { $$ = ASSIGN_SET; }
         | ADD_ASSIGN     { $$ = ASSIGN_ADD; }
         | SUB_ASSIGN     { $$ = ASSIGN_SUB; }
         | MUL_ASSIGN     { $$ = ASSIGN_MUL; }
         | DIV_ASSIGN     { $$ = ASSIGN_DIV; }
         | CONCAT_ASSIGN  { $$ = ASSIGN_CONCAT; };

/* A statement that is an expression starts with a name, so that `{` can only open a block. */
place: NAME                            { $$ = tree_name(parser, $NAME); }
     | place[object] '.' NAME          { $$ = tree_field(parser, @$, $object, $NAME, false); }
     | place[object] '[' expr ']'      { $$ = tree_index(parser, @$, $object, $expr); }
     | NAME '(' args ')'               { $$ = tree_call(parser, @$, $NAME, NULL, $args); }
     | place[object] '.' NAME '(' args ')'
       { $$ = tree_call(parser, @$, $NAME, $object, $args); };

if_stmt: IF condition block
         { $$ = tree_if_stmt(parser, @$, $condition, $block, NULL); }
       | IF condition block[then] ELSE block[otherwise]
         { $$ = tree_if_stmt(parser, @$, $condition, $then, $otherwise); }
       | IF condition block ELSE if_stmt[otherwise]
         { $$ = tree_if_stmt(parser, @$, $condition, $block, tree_block_of(parser, $otherwise)); };
condition: expr               { $$ = (struct condition){$expr, NULL}; }
         | LET NAME '=' expr  { $$ = (struct condition){$expr, tree_local(parser, $NAME)}; };

stmt_arms: stmt_arm_list
         | stmt_arm_list ','  { $$ = $1; };
stmt_arm_list: stmt_arm                           { START($$, $stmt_arm); }
             | error                              { EMPTY($$); }
             | stmt_arm_list separator stmt_arm   { $$ = $1; ADD($$, $stmt_arm); }
             | stmt_arm_list separator error      { $$ = $1; };
stmt_arm: patterns FAT_ARROW arm_body
          { $$ = (struct match_arm){.span = @$, .patterns = $patterns, .body = $arm_body}; }
        | ELSE FAT_ARROW arm_body
          { $$ = (struct match_arm){.span = @$, .is_else = true, .body = $arm_body}; };
arm_body: block
        | stmt  { $$ = tree_block_of(parser, $stmt); };

patterns: pattern              { START($$, $pattern); }
        | patterns OR pattern  { $$ = $1; PUSH($$, $pattern); };
pattern: literal
         { $$ = (struct pattern){.kind = PATTERN_LITERAL, .span = @$, .low = $literal}; }
       | literal[low] DOT_DOT literal[high]
         { $$ = (struct pattern){.kind = PATTERN_RANGE, .span = @$, .low = $low, .high = $high}; }
       | NONE                        { $$ = (struct pattern){.kind = PATTERN_NONE, .span = @$}; }
       | NAME                        { $$ = tree_name_pattern(parser, $1, NULL); }
       | NAME[variant] NAME[binder]  { $$ = tree_name_pattern(parser, $variant, $binder); }
       | NAME[type] '.' NAME[variant]
         { $$ = tree_qualified_pattern(parser, $type, $variant, NULL); }
       | NAME[type] '.' NAME[variant] NAME[binder]
         { $$ = tree_qualified_pattern(parser, $type, $variant, $binder); };
literal: INT        { $$ = tree_literal(parser, $1); }
       | FLOAT      { $$ = tree_literal(parser, $1); }
       | STRING     { $$ = tree_literal(parser, $1); }
       | DURATION   { $$ = tree_literal(parser, $1); }
       | TIMESTAMP  { $$ = tree_literal(parser, $1); }
       | TRUE       { $$ = tree_literal(parser, $1); }
       | FALSE      { $$ = tree_literal(parser, $1); }
       | '-' INT       { $$ = tree_negate(parser, @$, tree_literal(parser, $2)); }
       | '-' FLOAT     { $$ = tree_negate(parser, @$, tree_literal(parser, $2)); }
       | '-' DURATION  { $$ = tree_negate(parser, @$, tree_literal(parser, $2)); };

/* -- expressions ------------------------------------------------------------------------------- */

exprs: expr            { START($$, $expr); }
     | exprs ',' expr  { $$ = $1; PUSH($$, $expr); };

expr: IF condition THEN expr[yes] ELSE expr[no] %prec LONGEST
                              { $$ = tree_if(parser, @$, $condition, $yes, $no); }
    | MATCH expr[subject] '{' expr_arms close
                              { $$ = tree_match(parser, @$, $subject, $expr_arms); }
    | expr OR expr            { $$ = tree_binary(parser, BINARY_OR, @2, $1, $3); }
    | expr AND expr           { $$ = tree_binary(parser, BINARY_AND, @2, $1, $3); }
    | NOT expr[operand]       { $$ = tree_not(parser, @$, $operand); }
    | expr EQ expr            { $$ = tree_binary(parser, BINARY_EQ, @2, $1, $3); }
    | expr NE expr            { $$ = tree_binary(parser, BINARY_NE, @2, $1, $3); }
    | expr '<' expr           { $$ = tree_binary(parser, BINARY_LT, @2, $1, $3); }
    | expr LE expr            { $$ = tree_binary(parser, BINARY_LE, @2, $1, $3); }
    | expr '>' expr           { $$ = tree_binary(parser, BINARY_GT, @2, $1, $3); }
    | expr GE expr            { $$ = tree_binary(parser, BINARY_GE, @2, $1, $3); }
    | expr IN expr            { $$ = tree_binary(parser, BINARY_IN, @2, $1, $3); }
    | expr NOT_IN expr        { $$ = tree_binary(parser, BINARY_NOT_IN, @2, $1, $3); }
    | expr COALESCE expr      { $$ = tree_binary(parser, BINARY_COALESCE, @2, $1, $3); }
    | expr CONCAT expr        { $$ = tree_binary(parser, BINARY_CONCAT, @2, $1, $3); }
    | expr '+' expr           { $$ = tree_binary(parser, BINARY_ADD, @2, $1, $3); }
    | expr '-' expr           { $$ = tree_binary(parser, BINARY_SUB, @2, $1, $3); }
    | expr '*' expr           { $$ = tree_binary(parser, BINARY_MUL, @2, $1, $3); }
    | expr '/' expr           { $$ = tree_binary(parser, BINARY_DIV, @2, $1, $3); }
    | expr '%' expr           { $$ = tree_binary(parser, BINARY_MOD, @2, $1, $3); }
    | '-' expr[operand] %prec NEGATE  { $$ = tree_negate(parser, @$, $operand); }
    | NAME '(' args ')' WHERE expr[condition] %prec LONGEST
      { $$ = tree_where(parser, @$, tree_call(parser, @$, $NAME, NULL, $args), $condition); }
    | postfix[object] '.' NAME '(' args ')' WHERE expr[condition] %prec LONGEST
      { $$ = tree_where(parser, @$, tree_call(parser, @$, $NAME, $object, $args), $condition); }
    | postfix;

expr_arms: expr_arm_list
         | expr_arm_list ','  { $$ = $1; };
expr_arm_list: expr_arm                          { START($$, $expr_arm); }
             | error                             { EMPTY($$); }
             | expr_arm_list separator expr_arm  { $$ = $1; ADD($$, $expr_arm); }
             | expr_arm_list separator error     { $$ = $1; };
expr_arm: patterns FAT_ARROW expr
          { $$ = (struct match_arm){.span = @$, .patterns = $patterns, .value = $expr}; }
        | ELSE FAT_ARROW expr
          { $$ = (struct match_arm){.span = @$, .is_else = true, .value = $expr}; };

postfix: primary
       | postfix[object] '.' NAME           { $$ = tree_field(parser, @$, $object, $NAME, false); }
       | postfix[object] QUESTION_DOT NAME  { $$ = tree_field(parser, @$, $object, $NAME, true); }
       | postfix[object] '[' expr ']'       { $$ = tree_index(parser, @$, $object, $expr); }
       | postfix[object] '.' NAME '(' args ')'
         { $$ = tree_call(parser, @$, $NAME, $object, $args); };

primary: NAME                 { $$ = tree_name(parser, $NAME); }
       | NAME '(' args ')'    { $$ = tree_call(parser, @$, $NAME, NULL, $args); }
       | INT                  { $$ = tree_literal(parser, $1); }
       | FLOAT                { $$ = tree_literal(parser, $1); }
       | STRING               { $$ = tree_literal(parser, $1); }
       | DURATION             { $$ = tree_literal(parser, $1); }
       | TIMESTAMP            { $$ = tree_literal(parser, $1); }
       | TRUE                 { $$ = tree_literal(parser, $1); }
       | FALSE                { $$ = tree_literal(parser, $1); }
       | NONE                 { $$ = tree_literal(parser, $1); }
       | fstring
       | '(' expr ')'         { $$ = $expr; $$->in_parens = true; $$->span = @$; }
       | '[' ']'              { $$ = tree_list(parser, @$, (struct expr_list){0}); }
       | '[' exprs ']'        { $$ = tree_list(parser, @$, $exprs); }
       | '[' exprs ',' ']'    { $$ = tree_list(parser, @$, $exprs); }
       | '[' pairs ']'        { $$ = tree_map(parser, @$, $pairs); }
       | '[' pairs ',' ']'    { $$ = tree_map(parser, @$, $pairs); }
       | '{' items close        { $$ = tree_record(parser, @$, $items); };

pairs: expr[key] ':' expr[mapped]
       { START($$, ((struct map_pair){$key, $mapped})); }
     | pairs ',' expr[key] ':' expr[mapped]
       { $$ = $1; PUSH($$, ((struct map_pair){$key, $mapped})); };

items: %empty           { EMPTY($$); }
     | item_list
     | item_list ','    { $$ = $1; };
item_list: item                      { START($$, $item); }
         | error                     { EMPTY($$); }
         | item_list separator item  { $$ = $1; ADD($$, $item); }
         | item_list separator error { $$ = $1; };
item: NAME ':' expr     { $$ = (struct record_item){tree_ident($NAME), $expr, false}; }
    | expr              { $$ = tree_record_item(parser, $expr); }
    | DOT_DOT expr      { $$ = (struct record_item){.value = $expr, .is_spread = true}; };

args: %empty            { EMPTY($$); }
    | arg_list
    | arg_list ','      { $$ = $1; };
arg_list: arg               { START($$, $arg); }
        | arg_list ',' arg  { $$ = $1; ADD($$, $arg); };
arg: expr             { $$ = (struct arg){.value = $expr}; }
   | NAME ':' expr    { $$ = (struct arg){tree_ident($NAME), $expr}; }
   | lambda           { $$ = (struct arg){.value = $lambda}; }
   | NAME ':' lambda  { $$ = (struct arg){tree_ident($NAME), $lambda}; };

/* A function as an argument: `x => x.price`, `(a, b) => a + b`. */
lambda: lambda_params FAT_ARROW expr
        { $$ = tree_lambda(parser, @$, $lambda_params, $expr); };
lambda_params: NAME                        { START($$, tree_ident($NAME)); }
             | '(' NAME ',' names[rest] ')'
               {
                 START($$, tree_ident($NAME));
                 vec_each(struct ident, name, &$rest) PUSH($$, *name);
               };

fstring: FSTRING_BEGIN fstring_parts FSTRING_END
         { $$ = tree_fstring(parser, @$, $fstring_parts); };
fstring_parts: %empty           { EMPTY($$); }
             | fstring_parts FSTRING_TEXT
               {
                 $$ = $1;
                 PUSH($$, ((struct fstring_part){$2->string.data, $2->string.length, NULL}));
               }
             | fstring_parts FSTRING_OPEN expr FSTRING_CLOSE
               { $$ = $1; PUSH($$, ((struct fstring_part){NULL, 0, $expr})); }
             | fstring_parts FSTRING_OPEN error FSTRING_CLOSE
               { $$ = $1; resume(parser); yyerrok; };

/* -- tests ------------------------------------------------------------------------------------- */

steps: %empty         { EMPTY($$); }
     | step_list
     | step_list ';'  { $$ = $1; };
step_list: step                           { START($$, $step); }
         | error                          { EMPTY($$); }
         | step_list stmt_separator step  { $$ = $1; PUSH($$, $step); }
         | step_list stmt_separator error { $$ = $1; };
step: FEED NAME '=' expr
      {
        $$ = (struct test_step){.kind = TEST_FEED, .span = @$, .value = $expr};
        $$.name = tree_ident($NAME);
      }
    | EXPECT expr   { $$ = (struct test_step){.kind = TEST_EXPECT, .span = @$, .value = $expr}; }
    | RESTART       { $$ = (struct test_step){.kind = TEST_RESTART, .span = @$}; }
    | END_INPUT     { $$ = (struct test_step){.kind = TEST_END, .span = @$}; }
    | ADVANCE expr  { $$ = (struct test_step){.kind = TEST_ADVANCE, .span = @$, .value = $expr}; };

%%

/* The span of a rule: from its first to its last symbol that is not empty; an empty rule stands
 * behind the symbol before it. */
static struct span join_spans(const struct span *right, int count) {
  if (count == 0) return span_after(right[0]);
  struct span span = right[1];
  for (int i = 2; i <= count; i++) {
    if (right[i].length == 0) continue;
    span = span.length ? span_join(span, right[i]) : right[i];
  }
  return span;
}

/* Called where parsing goes on after an error. */
static void resume(struct parser *parser) {
  parser->is_recovering = false;
}

/* Index of the next token to read. While the parser recovers from an error it throws tokens away
 * until a separator; brackets are thrown away whole, so that a separator inside them does not
 * count, and so are lines of the file that are indented, because they belong to what was not
 * understood. */
static size_t next_token(const struct parser *parser) {
  const struct token_list *list = &parser->tokens->list;
  size_t i = parser->next;
  if (!parser->is_recovering) return i;
  for (;; i++) {
    const struct token *token = &list->data[i];
    if (token->partner) {
      i = token->partner;
    } else if (token->kind != TOKEN_NL || !token->is_indented) {
      return i;
    }
  }
}

static int parse_lex(PARSE_STYPE *value, struct span *span, struct parser *parser) {
  size_t index = next_token(parser);
  const struct token_list *list = &parser->tokens->list;
  /* A text with so many errors is no program; reading on would only cost time. */
  if (parser->compiler->diags.error_count >= LIMIT_DIAGS_KEPT) index = list->count - 1;
  const struct token *token = &list->data[index];
  if (token->kind != TOKEN_END) parser->next = index + 1;
  value->TOKEN_NAME = token;
  *span = token->span;
  return token->kind;
}

static int yyreport_syntax_error(const yypcontext_t *context, struct parser *parser) {
  yysymbol_kind_t symbols[YYNTOKENS];
  int kinds[YYNTOKENS];
  int count = yypcontext_expected_tokens(context, symbols, YYNTOKENS);
  for (int i = 0; i < count; i++) {
    kinds[i] = 0;
    for (int kind = 0; kind <= TOKEN_DOC; kind++) {
      if (YYTRANSLATE(kind) == symbols[i]) kinds[i] = kind;
    }
  }
  const struct token_list *list = &parser->tokens->list;
  size_t index = parser->next;
  if (list->data[index].kind != TOKEN_END || yypcontext_token(context) != YYSYMBOL_YYEOF) index--;
  const struct token *token = &list->data[index];
  syntax_error(parser, token, kinds, count > 0 ? (size_t)count : 0);
  parser->is_recovering = true;
  if (token->partner) parser->next = token->partner + 1;
  return 0;
}

/* Called by bison only when its stack is full. */
static void parse_error(const struct span *span, struct parser *parser, const char *message) {
  (void)message;
  struct diag *diag = diag_error(&parser->compiler->diags, E0109, *span,
                                 "this is nested too deeply to be understood");
  diag_help(diag, "name parts of it with `let` or a `fn`");
}

const char *token_kind_name(int kind) {
  /* bison gives a character its C quotes; the messages have their own. */
  static const char characters[][2] = {"(", ")", "[", "]", "{", "}", ",", ":", ";", ".",
                                       "?", "=", "<", ">", "+", "-", "*", "/", "%"};
  for (size_t i = 0; i < sizeof characters / sizeof *characters; i++) {
    if (characters[i][0] == kind) return characters[i];
  }
  return yysymbol_name(YYTRANSLATE(kind));
}

bool pass_tokens(struct compiler *compiler) {
  struct token_list raw = lex_source(compiler, compiler->source);
  compiler->tokens = layout_filter(compiler, &raw);
  return compiler->tokens != NULL;
}

void dump_tokens(const struct compiler *compiler, FILE *stream) {
  vec_each(struct token, token, &compiler->tokens->list) {
    struct place place = sources_place(&compiler->sources, token->span.offset);
    fprintf(stream, "%u:%u %s", place.line, place.column, token_kind_name(token->kind));
    if (token->kind == TOKEN_NAME) fprintf(stream, " %s", token->name);
    bool is_literal = token->kind >= TOKEN_INT && token->kind <= TOKEN_TIMESTAMP;
    if (is_literal || token->kind == TOKEN_FSTRING_TEXT) {
      const char *text = sources_text(&compiler->sources, token->span);
      fprintf(stream, " %.*s", (int)token->span.length, text);
    }
    fputc('\n', stream);
  }
}

/* Other passes walk over what a program consists of, some of it with everything else. */
static void check_size(struct compiler *compiler) {
  const struct decl_list *decls = &compiler->program->decls;
  if (decls->count > LIMIT_DECLS)
    diag_error(&compiler->diags, E0109, decls->data[LIMIT_DECLS]->span,
               "more than %d declarations and pipelines", LIMIT_DECLS);
  vec_each(struct decl *, decl, decls) {
    const struct stage_list *stages = &(*decl)->stages;
    if (stages->count > LIMIT_STAGES)
      diag_error(&compiler->diags, E0109, stages->data[LIMIT_STAGES]->verb.span,
                 "more than %d stages in one pipeline", LIMIT_STAGES);
  }
}

bool pass_parse(struct compiler *compiler) {
  struct parser parser = {.compiler = compiler, .tokens = compiler->tokens};
  parser.program = compiler->program = arena_new(&compiler->arena, struct program);
  parse_parse(&parser);
  check_size(compiler);
  if (!diags_has_errors(&compiler->diags)) tree_report_unclaimed_docs(&parser);
  return !diags_has_errors(&compiler->diags);
}

bool parse_text(struct compiler *compiler, const char *path, const char *text, size_t length) {
  compiler->source = sources_add_text(&compiler->sources, path, text, length);
  return compiler->source && pass_tokens(compiler) && pass_parse(compiler);
}
