/* ast: the syntax tree. Expressions are shared by restricted Python and Jinja2; statements are
 * Python's own (template/ has its own statements around the same expressions).
 * The tree is plain data in an arena: it refuses to judge. Policy, scopes and names are vm/'s.
 * Names are interned by the parser: two equal names have the same pointer. */
#ifndef SYNTAX_AST_H
#define SYNTAX_AST_H
#include "diag/source.h"
#include "value/operators.h"

enum expr_kind {
    EXPR_NONE, /* None, True, False, ...: constants of their own */
    EXPR_TRUE,
    EXPR_FALSE,
    EXPR_ELLIPSIS,
    EXPR_INT,
    EXPR_FLOAT,
    EXPR_STR, /* implicit concatenation already joined, escapes decoded, UTF-8 */
    EXPR_FSTRING,
    EXPR_NAME,
    EXPR_ATTR,  /* target.name */
    EXPR_INDEX, /* target[index]; the index may be a SLICE or a TUPLE */
    EXPR_SLICE, /* low:high:step, each may be NULL; only inside INDEX */
    EXPR_CALL,
    EXPR_UNARY,
    EXPR_BINARY,
    EXPR_BOOL_OP, /* left and/or right */
    EXPR_COMPARE, /* chain: first op1 x1 op2 x2 ... */
    EXPR_COND,    /* then if test else otherwise */
    EXPR_LAMBDA,
    EXPR_TUPLE,
    EXPR_LIST,
    EXPR_SET,
    EXPR_DICT,
    EXPR_COMPREHENSION, /* list, set, dict or generator */
    EXPR_STARRED,       /* *value in displays, arguments and targets */
    EXPR_WALRUS,        /* name := value */
    /* Jinja2 only; the Python parser never makes these. */
    EXPR_FILTER, /* target | name(args) */
    EXPR_TEST,   /* target is [not] name(args) */
    EXPR_CONCAT, /* left ~ right */
};

enum comprehension_kind {
    COMPREHENSION_LIST,
    COMPREHENSION_SET,
    COMPREHENSION_DICT,
    COMPREHENSION_GENERATOR
};

struct expr;
struct stmt;

struct expr_list {
    struct expr **at;
    uint32_t n;
};

struct argument { /* of a call */
    enum { ARGUMENT_POSITIONAL, ARGUMENT_KEYWORD, ARGUMENT_STAR, ARGUMENT_STAR_STAR } kind;
    str name; /* of a keyword argument */
    pos at;   /* of the name, or of the stars */
    struct expr *value;
};

struct fstring_part {
    str text;           /* literal part, where value is NULL */
    struct expr *value; /* replacement field */
    str source;         /* "{x = }": the text before the value, white space included; else empty */
    char conversion;    /* 'r', 's', 'a' or 0; "{x = }" alone has 'r' already */
    bool has_spec;      /* ':' stood there; the spec may be empty all the same */
    struct fstring_part *spec; /* nested format spec, NULL where there is none */
    uint32_t spec_count;
    pos at; /* of the literal, or of the field with its braces */
};

struct comprehension_clause { /* for target in iterable [if condition]* */
    struct expr *target, *iterable;
    struct expr_list conditions;
    pos at;
};

enum parameter_kind {
    PARAMETER_POSITIONAL_ONLY,
    PARAMETER_NORMAL,
    PARAMETER_VAR_ARGS,
    PARAMETER_KEYWORD_ONLY,
    PARAMETER_VAR_KEYWORDS
};

struct parameter {
    enum parameter_kind kind;
    str name;
    pos at;
    struct expr *annotation; /* checked for refusals, otherwise ignored */
    struct expr *default_value;
};

struct parameters {
    struct parameter *at; /* in source order */
    uint32_t n;
};

struct expr {
    enum expr_kind kind;
    bool parenthesized; /* ( ) stood around it: matters to tuples, walrus and chains */
    uint16_t height;    /* levels of expressions below: at most SYNTAX_MAX_TREE_HEIGHT */
    pos at;             /* the whole expression; for ATTR, CALL, BINARY see also op_at */
    pos op_at;          /* operator, attribute name, or the parentheses of a call */
    union {
        int64_t i;
        double f;
        str s; /* STR, NAME */
        struct {
            struct fstring_part *parts;
            uint32_t n;
        } fstring;
        struct {
            struct expr *target;
            str name;
        } attr;
        struct {
            struct expr *target, *index;
        } index;
        struct {
            struct expr *low, *high, *step;
        } slice;
        struct {
            struct expr *target;
            struct argument *args;
            uint32_t n;
        } call; /* FILTER and TEST too, with `name` in filter below */
        struct {
            enum unary_op op;
            struct expr *operand;
        } unary;
        struct {
            enum binary_op op;
            struct expr *left, *right;
        } binary; /* CONCAT too, without op */
        struct {
            bool is_or;
            struct expr *left, *right;
        } bool_op;
        struct {
            struct expr *first;
            enum compare_op *ops;
            struct expr **operands;
            uint32_t n; /* of ops and of operands */
        } compare;
        struct {
            struct expr *test, *then, *otherwise; /* otherwise may be NULL in Jinja2 only */
        } cond;
        struct {
            struct parameters parameters;
            struct expr *body;
        } lambda;
        struct expr_list items; /* TUPLE, LIST, SET */
        struct {
            struct expr **keys; /* NULL key: **value */
            struct expr **values;
            uint32_t n;
        } dict;
        struct {
            enum comprehension_kind kind;
            struct expr *element; /* key of a dict comprehension */
            struct expr *value;   /* value of a dict comprehension */
            struct comprehension_clause *clauses;
            uint32_t n;
        } comprehension;
        struct expr *starred;
        struct {
            struct expr *name; /* a NAME */
            struct expr *value;
        } walrus;
        struct {
            struct expr *target;
            str name;
            struct argument *args;
            uint32_t n;
            bool negated; /* is not */
        } filter;         /* FILTER, TEST */
    };
};

enum stmt_kind {
    STMT_EXPR,
    STMT_ASSIGN,
    STMT_AUGMENTED,
    STMT_ANNOTATED,
    STMT_RETURN,
    STMT_DELETE,
    STMT_ASSERT,
    STMT_RAISE,
    STMT_PASS,
    STMT_BREAK,
    STMT_CONTINUE,
    STMT_GLOBAL,
    STMT_NONLOCAL,
    STMT_IMPORT,      /* import plue [as x] */
    STMT_IMPORT_FROM, /* from module import a [as b], ... */
    STMT_IF,
    STMT_WHILE,
    STMT_FOR,
    STMT_TRY,
    STMT_DEF,
};

struct block {
    struct stmt **at;
    uint32_t n;
};

struct import_name {
    str name, as; /* as is empty where there is none; name is dotted for STMT_IMPORT */
    pos at, as_at;
};

struct except_clause {
    struct expr *type; /* NULL: bare except */
    str name;          /* empty where there is none */
    pos at, name_at;
    struct block body;
};

struct stmt {
    enum stmt_kind kind;
    pos at; /* of a compound statement: its header */
    union {
        struct expr *expr; /* EXPR, RETURN (may be NULL) */
        struct {
            struct expr_list targets; /* a = b = value: targets a, b */
            struct expr *value;
        } assign;
        struct {
            enum binary_op op;
            struct expr *target, *value;
            pos op_at;
        } augmented;
        struct {
            struct expr *target, *annotation, *value; /* value may be NULL */
        } annotated;
        struct expr_list targets; /* DELETE */
        struct {
            struct expr *test, *message; /* message may be NULL */
        } assertion;
        struct {
            struct expr *exception, *cause; /* both may be NULL */
        } raise;
        struct {
            str *names;
            pos *at;
            uint32_t n;
        } names; /* GLOBAL, NONLOCAL */
        struct {
            str module; /* FROM: dotted */
            pos module_at;
            bool star; /* never in a tree without errors: star imports are refused */
            struct import_name *names;
            uint32_t n;
        } import;
        struct {
            struct expr *test;
            struct block then, otherwise; /* elif: an IF alone in otherwise */
        } if_;
        struct {
            struct expr *test;
            struct block body, otherwise;
        } while_;
        struct {
            struct expr *target, *iterable;
            struct block body, otherwise;
        } for_;
        struct {
            struct block body, otherwise, finally;
            struct except_clause *handlers;
            uint32_t n;
            bool has_finally;
        } try_;
        struct {
            str name;
            pos name_at;
            struct parameters parameters;
            struct expr *returns; /* annotation, may be NULL */
            struct expr_list decorators;
            struct block body;
        } def;
    };
};

struct module {
    uint32_t source;
    struct block body;
};

#endif
