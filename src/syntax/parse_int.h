/* parse_int: what the files of the parser share. Not for other folders.
 * A function that parses returns NULL (or false) after it has reported an error; the statement is
 * then given up, and parsing goes on at the next one. Errors inside of what the scanner marked as
 * dead, and errors at TOKEN_ERROR, are given up in silence. */
#ifndef SYNTAX_PARSE_INT_H
#define SYNTAX_PARSE_INT_H
#include "syntax/parse.h"
#include "syntax/scan.h"

enum { PARSE_MAX_ERRORS = 100 }; /* of one file, after which the rest is not looked at */

struct parse_walrus {
    str name;
    pos at;
};

struct parser {
    struct scan scan;
    struct token_list tokens;
    struct symbols symbols;
    struct err_list errors; /* moved to the caller's list, sorted by place, at the end */
    struct sources *sources;
    struct arena *arena;
    uint32_t source;
    uint32_t at;          /* the next token */
    uint32_t depth;       /* nested expressions */
    uint32_t block_depth; /* nested blocks */
    uint32_t fstring_depth;
    bool silent;        /* the last error was not reported: its hint neither */
    bool in_function;   /* return is allowed */
    bool in_loop;       /* break and continue are allowed */
    bool lenient;       /* below a broken header: return, break, continue are not judged */
    uint32_t iterables; /* comprehension iterables that we are in */
    VEC(struct parse_walrus) walruses; /* of this statement, outside of finished lambdas */
    uint32_t *stamps;                  /* by symbol: the set of names it was last added to */
    uint32_t stamp, stamp_cap;
    char *scratch; /* children of unfinished nodes */
    size_t scratch_n, scratch_cap;
};

/* ---- tokens ---- */

static inline const struct token *parse_token(const struct parser *p)
{
    return &p->tokens.at[p->at];
}
static inline enum token_kind parse_kind(const struct parser *p)
{
    return (enum token_kind)p->tokens.at[p->at].kind;
}
/* The kind `ahead` tokens further, EOF behind the end. */
enum token_kind parse_kind_ahead(const struct parser *p, uint32_t ahead);
static inline bool parse_accept(struct parser *p, enum token_kind kind)
{
    if (parse_kind(p) != kind)
        return false;
    p->at++;
    return true;
}
static inline pos parse_pos_of(const struct parser *p, const struct token *t)
{
    return (pos){p->source, t->offset, t->length};
}
static inline pos parse_pos(const struct parser *p)
{
    return parse_pos_of(p, parse_token(p));
}
/* From the start of `from` to the end of the last token read. */
static inline pos parse_since(const struct parser *p, uint32_t from)
{
    const struct token *last = &p->tokens.at[p->at - 1];
    return (pos){p->source, from, last->offset + last->length - from};
}
static inline pos parse_span(pos a, pos b)
{
    return (pos){a.source, a.offset, b.offset + b.length - a.offset};
}
static inline str parse_name_of(const struct parser *p, const struct token *t)
{
    return p->symbols.at[t->value];
}
/* "a name", "the end of the line", or the token's own text. */
const char *parse_kind_name(enum token_kind kind);

/* ---- errors ---- */

/* Reports at a place, unless nothing is to be said there; NULL for the caller to return. */
void *parse_fail(struct parser *p, pos at, const char *fmt, ...) printf_like(3, 4);
/* Adds a hint to the error just reported. */
void parse_hint(struct parser *p, const char *fmt, ...) printf_like(2, 3);
/* "expected WANTED, found ..." at the next token, or what fits better there. */
void *parse_unexpected(struct parser *p, const char *wanted);
/* Takes the token or reports "expected '...'". */
bool parse_expect(struct parser *p, enum token_kind kind);
/* The same for a closing bracket, where a comma may have been forgotten. */
bool parse_expect_close(struct parser *p, enum token_kind kind);
void *parse_limit(struct parser *p, pos at, const char *what, int limit, const char *hint);

/* Constructs of Python that the language refuses; parsing goes on behind them. */
enum refused {
    REFUSED_CLASS,
    REFUSED_WITH,
    REFUSED_ASYNC_DEF,
    REFUSED_ASYNC_FOR,
    REFUSED_ASYNC_WITH,
    REFUSED_ASYNC_COMPREHENSION,
    REFUSED_AWAIT,
    REFUSED_YIELD,
    REFUSED_YIELD_FROM,
    REFUSED_MATCH,
    REFUSED_BYTES,
    REFUSED_COMPLEX,
    REFUSED_INT_RANGE,
    REFUSED_EXCEPT_STAR,
    REFUSED_NAMED_ESCAPE,
    REFUSED_SURROGATE,
    REFUSED_STAR_IMPORT,
    REFUSED_RELATIVE_IMPORT,
};
void parse_refuse(struct parser *p, enum refused what, pos at);
/* In the place of what was refused, so that the names in it are judged in the same pass: */
struct stmt *parse_stand_in(struct parser *p, uint32_t from, struct block statements);
struct stmt *parse_stand_in_binding(struct parser *p, pos at, const struct expr_list *targets,
                                    struct expr *value);

/* ---- children of unfinished nodes ---- */

static inline size_t parse_mark(const struct parser *p)
{
    return p->scratch_n;
}
void parse_push(struct parser *p, const void *element, size_t size);
/* Moves what was pushed since mark to the arena. */
void *parse_take(struct parser *p, size_t mark, size_t size, uint32_t *ret_n);
static inline void parse_push_expr(struct parser *p, struct expr *e)
{
    parse_push(p, &e, sizeof e);
}
static inline struct expr_list parse_take_list(struct parser *p, size_t mark)
{
    struct expr_list list;
    list.at = parse_take(p, mark, sizeof(struct expr *), &list.n);
    return list;
}

/* ---- nodes ---- */

struct expr *parse_new(struct parser *p, enum expr_kind kind, pos at);
/* Counts child as a level below e. */
static inline void parse_adopt(struct expr *e, const struct expr *child)
{
    if (child && child->height >= e->height)
        e->height = (uint16_t)(child->height + 1);
}
/* e, or NULL and an error where the tree below it is too high. */
struct expr *parse_done(struct parser *p, struct expr *e);
struct expr *parse_items_node(struct parser *p, enum expr_kind kind, size_t mark, uint32_t from);

/* ---- expressions ---- */

/* One more level of nesting; false and an error past the limit. */
bool parse_enter(struct parser *p);
static inline void parse_leave(struct parser *p)
{
    p->depth--;
}
bool parse_starts_expr(enum token_kind kind);
/* Conditional expression or lambda. */
struct expr *parse_expr(struct parser *p);
/* Also name := value. */
struct expr *parse_named_expr(struct parser *p);
/* Also *value, where allowed. */
struct expr *parse_star_named_expr(struct parser *p);
/* a, *b: a TUPLE where there is a comma; stands in assignments, return, for, index. */
struct expr *parse_star_exprs(struct parser *p);
/* parse_star_exprs or a (refused) yield. */
struct expr *parse_value(struct parser *p);
struct expr *parse_or(struct parser *p);
struct expr *parse_bit_or(struct parser *p);
struct expr *parse_primary(struct parser *p);
struct expr *parse_atom(struct parser *p);
struct expr *parse_yield(struct parser *p);
/* A call of target; the opening parenthesis is the next token. from: where target begins. */
struct expr *parse_call(struct parser *p, struct expr *target, uint32_t from);
struct expr *parse_list_display(struct parser *p);
struct expr *parse_brace_display(struct parser *p);
struct expr *parse_lambda(struct parser *p);
/* Parameters up to `end` (not taken), which is ')' or ':'. */
bool parse_parameters(struct parser *p, enum token_kind end, struct parameters *ret);
bool parse_at_comprehension(const struct parser *p);
/* The clauses behind the element, and the closing bracket. from: of the opening bracket. */
struct expr *parse_comprehension(struct parser *p, enum comprehension_kind kind,
                                 struct expr *element, struct expr *value, uint32_t from,
                                 enum token_kind close);
/* Remembers a name that := binds, for the comprehensions around it. */
bool parse_note_walrus(struct parser *p, str name, pos at);
/* A set of names that is emptied in no time: true where name was in it already. */
void parse_forget_names(struct parser *p);
bool parse_remember_name(struct parser *p, str name);
struct expr *parse_strings(struct parser *p);
struct expr *parse_number(struct parser *p);
/* Behind a minus: -9223372036854775808 as one literal, NULL (and nothing taken) on anything else.
 */
struct expr *parse_smallest_int(struct parser *p, pos minus);

/* ---- targets ---- */

enum target_use {
    TARGET_ASSIGN_FIRST, /* of a statement: == may have been meant */
    TARGET_ASSIGN,
    TARGET_DELETE,
};
/* a, *b[0], (c, d) before `in`. */
struct expr *parse_for_target(struct parser *p);
/* Judges an expression that stands where something is assigned. */
bool parse_check_target(struct parser *p, const struct expr *e, enum target_use use);
bool parse_check_augmented(struct parser *p, const struct expr *e);
bool parse_check_annotated(struct parser *p, const struct expr *e);
const char *parse_expr_name(const struct expr *e);

/* ---- string literals ---- */

/* Text of a literal part in arena memory or in the source; escapes decoded unless raw. */
bool parse_decode(struct parser *p, uint32_t from, uint32_t to, bool raw, str *ret_text);
/* One f-string token: pushes its fstring_parts. */
bool parse_fstring(struct parser *p, struct token t);

/* ---- statements ---- */

/* One line of simple statements or a compound statement, pushed; false after an error. */
bool parse_statement(struct parser *p);
bool parse_simple_line(struct parser *p);
/* Statements up to the end of the block or file. */
struct block parse_statements(struct parser *p, enum token_kind end);
struct stmt *parse_new_stmt(struct parser *p, enum stmt_kind kind, uint32_t from);
static inline void parse_push_stmt(struct parser *p, struct stmt *s)
{
    parse_push(p, &s, sizeof s);
}
struct stmt *parse_import(struct parser *p);
/* Skips to the end of the logical line, and takes it. */
void parse_skip_line(struct parser *p);

#endif
