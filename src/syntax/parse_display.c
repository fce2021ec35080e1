#include "syntax/parse_int.h"

/* ---- sets of names ---- */

void parse_forget_names(struct parser *p)
{
    p->stamp++;
}

bool parse_remember_name(struct parser *p, str name)
{
    uint32_t symbol = symbols_intern(&p->symbols, name);
    if (symbol >= p->stamp_cap) {
        p->stamps = mem_realloc_array(p->stamps, p->symbols.cap, sizeof *p->stamps);
        memset(p->stamps + p->stamp_cap, 0, (p->symbols.cap - p->stamp_cap) * sizeof *p->stamps);
        p->stamp_cap = p->symbols.cap;
    }
    bool known = p->stamps[symbol] == p->stamp;
    p->stamps[symbol] = p->stamp;
    return known;
}

/* ---- comprehensions ---- */

bool parse_at_comprehension(const struct parser *p)
{
    return parse_kind(p) == TOKEN_FOR ||
           (parse_kind(p) == TOKEN_ASYNC && parse_kind_ahead(p, 1) == TOKEN_FOR);
}

static bool parse_clause(struct parser *p, struct comprehension_clause *ret_clause)
{
    struct comprehension_clause clause = {0};
    uint32_t from = parse_token(p)->offset;
    if (parse_kind(p) == TOKEN_ASYNC) {
        parse_refuse(p, REFUSED_ASYNC_COMPREHENSION, parse_pos(p));
        p->at++;
    }
    p->at++;
    clause.target = parse_for_target(p);
    if (!clause.target || !parse_expect(p, TOKEN_IN))
        return false;
    p->iterables++;
    clause.iterable = parse_or(p);
    p->iterables--;
    if (!clause.iterable)
        return false;
    size_t mark = parse_mark(p);
    while (parse_accept(p, TOKEN_IF)) {
        struct expr *condition = parse_or(p);
        if (!condition)
            return false;
        parse_push_expr(p, condition);
    }
    clause.conditions = parse_take_list(p, mark);
    clause.at = parse_since(p, from);
    *ret_clause = clause;
    return true;
}

static void remember_target(struct parser *p, const struct expr *target)
{
    if (target->kind == EXPR_NAME) {
        parse_remember_name(p, target->s);
    } else if (target->kind == EXPR_STARRED) {
        remember_target(p, target->starred);
    } else if (target->kind == EXPR_TUPLE || target->kind == EXPR_LIST) {
        for (uint32_t i = 0; i < target->items.n; i++)
            remember_target(p, target->items.at[i]);
    }
}

/* := inside of a comprehension binds around it, so it must not name what the clauses bind. */
static bool check_walruses(struct parser *p, const struct comprehension_clause *clauses, uint32_t n,
                           uint32_t from)
{
    if (!p->walruses.n || vec_last(&p->walruses).at.offset < from)
        return true;
    parse_forget_names(p);
    for (uint32_t i = 0; i < n; i++)
        remember_target(p, clauses[i].target);
    for (size_t i = p->walruses.n; i && p->walruses.at[i - 1].at.offset >= from; i--) {
        struct parse_walrus *w = &p->walruses.at[i - 1];
        if (parse_remember_name(p, w->name))
            return parse_fail(p, w->at,
                              "assignment expression cannot rebind comprehension iteration "
                              "variable '%.*s'",
                              STR_ARG(w->name));
    }
    return true;
}

bool parse_note_walrus(struct parser *p, str name, pos at)
{
    if (p->iterables)
        return parse_fail(p, at,
                          "assignment expression cannot be used in a comprehension iterable "
                          "expression");
    vec_push(&p->walruses, (struct parse_walrus){name, at});
    return true;
}

struct expr *parse_comprehension(struct parser *p, enum comprehension_kind kind,
                                 struct expr *element, struct expr *value, uint32_t from,
                                 enum token_kind close)
{
    size_t mark = parse_mark(p);
    if (element->kind == EXPR_STARRED)
        return parse_fail(p, element->at, "iterable unpacking cannot be used in comprehension");
    while (parse_at_comprehension(p)) {
        struct comprehension_clause clause;
        if (!parse_clause(p, &clause))
            return NULL;
        parse_push(p, &clause, sizeof clause);
    }
    if (kind == COMPREHENSION_GENERATOR && parse_kind(p) == TOKEN_COMMA)
        return parse_fail(p, element->at, "Generator expression must be parenthesized");
    if (!parse_expect_close(p, close))
        return NULL;
    struct expr *e = parse_new(p, EXPR_COMPREHENSION, parse_since(p, from));
    e->comprehension.kind = kind;
    e->comprehension.element = element;
    e->comprehension.value = value;
    e->comprehension.clauses =
        parse_take(p, mark, sizeof(struct comprehension_clause), &e->comprehension.n);
    parse_adopt(e, element);
    parse_adopt(e, value);
    for (uint32_t i = 0; i < e->comprehension.n; i++) {
        const struct comprehension_clause *c = &e->comprehension.clauses[i];
        parse_adopt(e, c->target);
        parse_adopt(e, c->iterable);
        for (uint32_t k = 0; k < c->conditions.n; k++)
            parse_adopt(e, c->conditions.at[k]);
    }
    if (!check_walruses(p, e->comprehension.clauses, e->comprehension.n, from))
        return NULL;
    return parse_done(p, e);
}

/* ---- lists ---- */

struct expr *parse_list_display(struct parser *p)
{
    uint32_t from = parse_token(p)->offset;
    size_t mark = parse_mark(p);
    p->at++;
    while (parse_kind(p) != TOKEN_CLOSE_BRACKET) {
        struct expr *item = parse_star_named_expr(p);
        if (!item)
            return NULL;
        if (parse_at_comprehension(p) && parse_mark(p) == mark)
            return parse_comprehension(p, COMPREHENSION_LIST, item, NULL, from,
                                       TOKEN_CLOSE_BRACKET);
        if (parse_at_comprehension(p))
            return parse_fail(p, parse_span(parse_pos(p), parse_pos(p)),
                              "did you forget parentheses around the comprehension target?");
        parse_push_expr(p, item);
        if (!parse_accept(p, TOKEN_COMMA))
            break;
    }
    if (!parse_expect_close(p, TOKEN_CLOSE_BRACKET))
        return NULL;
    return parse_items_node(p, EXPR_LIST, mark, from);
}

/* ---- braces ---- */

struct dict_item {
    struct expr *key, *value;
};

/* ': value' behind a key. */
static struct expr *parse_dict_value(struct parser *p)
{
    if (!parse_accept(p, TOKEN_COLON))
        return parse_fail(p, parse_pos_of(p, &p->tokens.at[p->at - 1]),
                          "':' expected after dictionary key");
    if (parse_kind(p) == TOKEN_STAR)
        return parse_fail(p, parse_pos(p), "cannot use a starred expression in a dictionary value");
    if (parse_kind(p) == TOKEN_CLOSE_BRACE || parse_kind(p) == TOKEN_COMMA)
        return parse_fail(p, parse_pos_of(p, &p->tokens.at[p->at - 1]),
                          "expression expected after dictionary key and ':'");
    return parse_expr(p);
}

static bool parse_dict_item(struct parser *p, struct dict_item *ret_item)
{
    struct dict_item item = {0};
    if (parse_accept(p, TOKEN_DOUBLE_STAR)) {
        item.value = parse_bit_or(p);
    } else {
        item.key = parse_expr(p);
        item.value = item.key ? parse_dict_value(p) : NULL;
    }
    *ret_item = item;
    return item.value != NULL;
}

static struct expr *make_dict(struct parser *p, size_t mark, uint32_t from)
{
    struct expr *e = parse_new(p, EXPR_DICT, parse_since(p, from));
    uint32_t n;
    const struct dict_item *items = parse_take(p, mark, sizeof *items, &n);
    e->dict.n = n;
    e->dict.keys = arena_array(p->arena, struct expr *, n);
    e->dict.values = arena_array(p->arena, struct expr *, n);
    for (uint32_t i = 0; i < n; i++) {
        e->dict.keys[i] = items[i].key;
        e->dict.values[i] = items[i].value;
        parse_adopt(e, items[i].key);
        parse_adopt(e, items[i].value);
    }
    return parse_done(p, e);
}

/* Behind the first item of a dict. */
static struct expr *parse_dict(struct parser *p, struct dict_item item, uint32_t from)
{
    size_t mark = parse_mark(p);
    if (parse_at_comprehension(p)) {
        if (!item.key)
            return parse_fail(p, item.value->at,
                              "dict unpacking cannot be used in dict comprehension");
        return parse_comprehension(p, COMPREHENSION_DICT, item.key, item.value, from,
                                   TOKEN_CLOSE_BRACE);
    }
    parse_push(p, &item, sizeof item);
    while (parse_accept(p, TOKEN_COMMA) && parse_kind(p) != TOKEN_CLOSE_BRACE) {
        if (!parse_dict_item(p, &item))
            return NULL;
        parse_push(p, &item, sizeof item);
    }
    if (!parse_expect_close(p, TOKEN_CLOSE_BRACE))
        return NULL;
    return make_dict(p, mark, from);
}

static struct expr *parse_set(struct parser *p, struct expr *first, uint32_t from)
{
    size_t mark = parse_mark(p);
    if (parse_at_comprehension(p))
        return parse_comprehension(p, COMPREHENSION_SET, first, NULL, from, TOKEN_CLOSE_BRACE);
    parse_push_expr(p, first);
    while (parse_accept(p, TOKEN_COMMA) && parse_kind(p) != TOKEN_CLOSE_BRACE) {
        struct expr *item = parse_star_named_expr(p);
        if (!item)
            return NULL;
        parse_push_expr(p, item);
    }
    if (!parse_expect_close(p, TOKEN_CLOSE_BRACE))
        return NULL;
    return parse_items_node(p, EXPR_SET, mark, from);
}

struct expr *parse_brace_display(struct parser *p)
{
    uint32_t from = parse_token(p)->offset;
    struct dict_item item = {0};
    p->at++;
    if (parse_accept(p, TOKEN_CLOSE_BRACE))
        return parse_new(p, EXPR_DICT, parse_since(p, from));
    if (parse_kind(p) == TOKEN_DOUBLE_STAR)
        return parse_dict_item(p, &item) ? parse_dict(p, item, from) : NULL;
    item.key = parse_star_named_expr(p);
    if (!item.key)
        return NULL;
    bool may_be_key = item.key->kind != EXPR_STARRED &&
                      (item.key->kind != EXPR_WALRUS || item.key->parenthesized);
    if (parse_kind(p) != TOKEN_COLON || !may_be_key)
        return parse_set(p, item.key, from);
    item.value = parse_dict_value(p);
    return item.value ? parse_dict(p, item, from) : NULL;
}
