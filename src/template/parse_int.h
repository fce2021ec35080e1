/* The parser's state and what its files call of each other. A function that fails has set the error
 * and returns NULL or false; nothing is read after that. */
#ifndef TEMPLATE_PARSE_INT_H
#define TEMPLATE_PARSE_INT_H
#include "base/map.h"
#include "template/scan_int.h"

struct end_tags { /* of the enclosing statements, innermost first */
    const char *const *names;
    const struct end_tags *outer;
};

struct open_tag {
    str name;
    const struct open_tag *outer;
};

struct template_parser {
    struct template_scan scan;
    struct template_token now, next;
    bool has_next;
    uint32_t last; /* end of the token before `now` */
    struct arena *arena;
    struct map names;
    const struct end_tags *ends;
    const struct open_tag *tags;
    uint32_t nesting, depth, nodes;
    VEC(struct node *) blocks;
    VEC(struct node *) pending;    /* of the bodies that are open, innermost last */
    VEC(struct output_part) parts; /* since the last tag */
    bool has_extends;
};

/* ---- tokens (parse.c) ---- */
bool next_token(struct template_parser *p) must_use;
/* The token after the present one; NULL: an error. */
const struct template_token *look_token(struct template_parser *p);
static inline bool at_name(const struct template_parser *p, const char *name)
{
    return p->now.kind == TOKEN_NAME && p->now.text.p[0] == name[0] && str_is(p->now.text, name);
}
/* Goes past the token where it is this one. False only by an error. */
bool skip_if(struct template_parser *p, enum token_kind kind, bool *ret_was) must_use;
bool skip_name(struct template_parser *p, const char *name, bool *ret_was) must_use;
bool expect(struct template_parser *p, enum token_kind kind) must_use;
bool expect_name(struct template_parser *p, const char *name) must_use;
/* Any name; interned. */
bool expect_any_name(struct template_parser *p, str *ret, pos *ret_at) must_use;
str intern(struct template_parser *p, str name);
pos token_pos(const struct template_parser *p, const struct template_token *t);
/* From `at` to the end of the token before the present one. */
pos pos_until(const struct template_parser *p, pos at);
bool template_parse_fail(struct template_parser *p, pos at, const char *fmt, ...) printf_like(3, 4);
str describe(const struct template_token *t);
void *copy_array(struct template_parser *p, const void *from, size_t bytes);
#define keep_array(p, v) copy_array((p), (v)->at, (v)->n * sizeof *(v)->at)

/* ---- expressions (parse_expr.c, template_parse_primary.c) ---- */
struct expr *new_expr(struct template_parser *p, enum expr_kind kind, pos at);
/* Counts the levels below; false: too many. */
bool grow(struct template_parser *p, struct expr *e, const struct expr *child) must_use;
bool enter_expr(struct template_parser *p) must_use;
struct expr *template_parse_expression(struct template_parser *p);
struct expr *template_parse_or(struct template_parser *p); /* without a conditional expression */
struct expr *template_parse_unary(struct template_parser *p, bool with_filter);
struct expr *template_parse_primary(struct template_parser *p);
struct expr *template_parse_postfix(struct template_parser *p, struct expr *e);
struct expr *template_parse_filter_expr(struct template_parser *p, struct expr *e);
struct expr *template_parse_call(struct template_parser *p, struct expr *target);
/* `| name(args)`, repeated; inline: the first stands without a bar. NULL in *ret: there is none. */
bool template_parse_filters(struct template_parser *p, struct expr *target, bool start_inline,
                            struct expr **ret) must_use;

enum tuple_mode { TUPLE_PLAIN, TUPLE_TARGET, TUPLE_NO_COND, TUPLE_PARENTHESES };
/* An expression, or several with commas. end_name: a name that ends it, or NULL. */
struct expr *template_parse_tuple(struct template_parser *p, enum tuple_mode mode,
                                  const char *end_name);
/* A name, a tuple of names, or with `space` a namespace's attribute. */
struct expr *template_parse_target(struct template_parser *p, bool space, const char *end_name);

/* ---- statements (parse_stmt.c, template_parse_load.c) ---- */
struct node *new_node(struct template_parser *p, enum node_kind kind, pos at);
bool template_parse_body(struct template_parser *p, const char *const *ends,
                         struct nodes *ret) must_use;
/* The same, past the end tag. */
bool template_parse_body_to(struct template_parser *p, const char *end, struct nodes *ret) must_use;
struct node *template_parse_statement(struct template_parser *p);
bool template_parse_load(struct template_parser *p, struct node *n) must_use;
bool template_parse_nodes(struct template_parser *p, const char *const *ends,
                          struct nodes *ret) must_use;

#endif
