/* Statements: what stands between {% and %}. */
#include "template/parse_int.h"

struct node *new_node(struct template_parser *p, enum node_kind kind, pos at)
{
    if (++p->nodes > TEMPLATE_MAX_NODES) {
        template_parse_fail(p, at, "the template has more than %d statements", TEMPLATE_MAX_NODES);
        return NULL;
    }
    struct node *n = arena_new(p->arena, struct node);
    n->kind = kind;
    n->at = at;
    return n;
}

/* ---- ends that are missing ---- */

static void add_ends(struct buf *b, const char *const *names)
{
    for (size_t i = 0; names[i]; i++)
        buf_addf(b, "%s'%s'", i ? " or " : "", names[i]);
}

static bool is_expected(const struct template_parser *p, str name)
{
    for (const struct end_tags *e = p->ends; e; e = e->outer)
        for (size_t i = 0; e->names[i]; i++)
            if (str_is(name, e->names[i]))
                return true;
    return false;
}

/* name is empty at the end of the template. */
static bool fail_end(struct template_parser *p, str name, pos at)
{
    auto_buf b = BUF(BUF_TEXT_MAX);
    if (name.n)
        buf_addf(&b, "Encountered unknown tag '%.*s'.", STR_ARG(name));
    else
        buf_add_c(&b, "Unexpected end of template.");
    if (p->ends && name.n && is_expected(p, name)) {
        buf_add_c(&b, " You probably made a nesting mistake. Jinja is expecting this tag, but "
                      "currently looking for ");
        add_ends(&b, p->ends->names);
        buf_add_byte(&b, '.');
    } else if (p->ends) {
        buf_add_c(&b, " Jinja was looking for the following tags: ");
        add_ends(&b, p->ends->names);
        buf_add_byte(&b, '.');
    }
    if (p->tags)
        buf_addf(&b, " The innermost block that needs to be closed is '%.*s'.",
                 STR_ARG(p->tags->name));
    return template_parse_fail(p, at, "%s", buf_c(&b));
}

/* ---- bodies ---- */

/* What was read since the last tag as one node, behind the nodes that are pending. */
static bool flush(struct template_parser *p)
{
    if (!p->parts.n)
        return true;
    struct node *n = new_node(p, NODE_OUTPUT, p->parts.at[0].at);
    if (!n)
        return false;
    n->output.at = keep_array(p, &p->parts);
    n->output.n = (uint32_t)p->parts.n;
    vec_push(&p->pending, n);
    p->parts.n = 0;
    return true;
}

static bool output(struct template_parser *p)
{
    struct output_part part = {.at = token_pos(p, &p->now)};
    if (p->now.kind == TOKEN_DATA) {
        part.text = p->now.text;
        vec_push(&p->parts, part);
        return next_token(p);
    }
    if (!next_token(p))
        return false;
    part.value = template_parse_tuple(p, TUPLE_PLAIN, NULL);
    if (!part.value)
        return false;
    part.at = part.value->at;
    vec_push(&p->parts, part);
    return expect(p, TOKEN_VARIABLE_END);
}

static bool at_end(const struct template_parser *p, const char *const *ends)
{
    for (size_t i = 0; ends && ends[i]; i++)
        if (at_name(p, ends[i]))
            return true;
    return false;
}

static bool nodes_until(struct template_parser *p, const char *const *ends)
{
    while (p->now.kind != TOKEN_EOF) {
        if (p->now.kind != TOKEN_BLOCK_BEGIN) {
            if (!output(p))
                return false;
            continue;
        }
        if (!flush(p) || !next_token(p))
            return false;
        if (at_end(p, ends))
            return true;
        struct node *n = template_parse_statement(p);
        if (!n || !expect(p, TOKEN_BLOCK_END))
            return false;
        vec_push(&p->pending, n);
    }
    return flush(p);
}

bool template_parse_nodes(struct template_parser *p, const char *const *ends, struct nodes *ret)
{
    size_t before = p->pending.n;
    struct end_tags here = {ends, p->ends};
    if (ends)
        p->ends = &here;
    bool ok = nodes_until(p, ends);
    if (ok && ends && p->now.kind == TOKEN_EOF)
        ok = fail_end(p, STR(""), token_pos(p, &p->now));
    if (ends)
        p->ends = here.outer;
    ret->n = (uint32_t)(p->pending.n - before);
    ret->at = ret->n ? copy_array(p, p->pending.at + before, ret->n * sizeof *ret->at) : NULL;
    p->pending.n = before;
    return ok;
}

bool template_parse_body(struct template_parser *p, const char *const *ends, struct nodes *ret)
{
    bool colon;
    return skip_if(p, TOKEN_COLON, &colon) && expect(p, TOKEN_BLOCK_END) &&
           template_parse_nodes(p, ends, ret);
}

bool template_parse_body_to(struct template_parser *p, const char *end, struct nodes *ret)
{
    const char *const ends[] = {end, NULL};
    return template_parse_body(p, ends, ret) && next_token(p);
}

/* ---- for and if ---- */

static bool parse_for(struct template_parser *p, struct node *n)
{
    static const char *const ends[] = {"endfor", "else", NULL};
    bool has_test;
    n->for_.target = template_parse_target(p, false, "in");
    if (!n->for_.target || !expect_name(p, "in"))
        return false;
    n->for_.iterable = template_parse_tuple(p, TUPLE_NO_COND, "recursive");
    if (!n->for_.iterable || !skip_name(p, "if", &has_test))
        return false;
    if (has_test && !(n->for_.test = template_parse_expression(p)))
        return false;
    if (!skip_name(p, "recursive", &n->for_.recursive) ||
        !template_parse_body(p, ends, &n->for_.body))
        return false;
    bool has_else = at_name(p, "else");
    return next_token(p) && (!has_else || template_parse_body_to(p, "endfor", &n->for_.otherwise));
}

static bool parse_branch(struct template_parser *p, struct node *n)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    n->if_.test = template_parse_tuple(p, TUPLE_NO_COND, NULL);
    return n->if_.test && template_parse_body(p, ends, &n->if_.body);
}

static bool parse_if(struct template_parser *p, struct node *n)
{
    VEC(struct node *) elifs = {0};
    bool ok = parse_branch(p, n);
    while (ok && at_name(p, "elif")) {
        struct node *branch = next_token(p) ? new_node(p, NODE_IF, token_pos(p, &p->now)) : NULL;
        ok = branch && parse_branch(p, branch);
        vec_push(&elifs, branch);
    }
    n->if_.elifs.at = keep_array(p, &elifs);
    n->if_.elifs.n = (uint32_t)elifs.n;
    vec_done(&elifs);
    if (!ok)
        return false;
    bool has_else = at_name(p, "else");
    return next_token(p) && (!has_else || template_parse_body_to(p, "endif", &n->if_.otherwise));
}

/* ---- set and with ---- */

static bool parse_set(struct template_parser *p, struct node *n)
{
    bool assigns;
    n->set.target = template_parse_target(p, true, NULL);
    if (!n->set.target || !skip_if(p, TOKEN_ASSIGN, &assigns))
        return false;
    if (assigns)
        return (n->set.value = template_parse_tuple(p, TUPLE_PLAIN, NULL)) != NULL;
    n->kind = NODE_SET_BLOCK;
    return template_parse_filters(p, NULL, false, &n->set.filter) &&
           template_parse_body_to(p, "endset", &n->set.body);
}

static bool parse_with(struct template_parser *p, struct node *n)
{
    VEC(struct expr *) targets = {0}, values = {0};
    bool ok = true;
    while (ok && p->now.kind != TOKEN_BLOCK_END) {
        if (targets.n && !(ok = expect(p, TOKEN_COMMA)))
            break;
        struct expr *target = template_parse_target(p, false, NULL);
        struct expr *value =
            target && expect(p, TOKEN_ASSIGN) ? template_parse_expression(p) : NULL;
        ok = value != NULL;
        vec_push(&targets, target);
        vec_push(&values, value);
    }
    n->with.targets = keep_array(p, &targets);
    n->with.values = keep_array(p, &values);
    n->with.n = (uint32_t)targets.n;
    vec_done(&targets);
    vec_done(&values);
    return ok && template_parse_body_to(p, "endwith", &n->with.body);
}

/* ---- macros ---- */

static bool parse_parameters(struct template_parser *p, struct signature *s)
{
    VEC(str) names = {0};
    VEC(pos) places = {0};
    VEC(struct expr *) defaults = {0};
    bool ok = expect(p, TOKEN_LPAREN);
    while (ok && p->now.kind != TOKEN_RPAREN) {
        str name;
        pos at;
        bool has_default;
        ok = (!names.n || expect(p, TOKEN_COMMA)) && expect_any_name(p, &name, &at) &&
             skip_if(p, TOKEN_ASSIGN, &has_default);
        if (!ok)
            break;
        struct expr *value = has_default ? template_parse_expression(p) : NULL;
        if (has_default)
            ok = value != NULL;
        else if (defaults.n)
            ok = template_parse_fail(p, token_pos(p, &p->now),
                                     "non-default argument follows default argument");
        vec_push(&names, name);
        vec_push(&places, at);
        if (value)
            vec_push(&defaults, value);
    }
    *s = (struct signature){.names = keep_array(p, &names),
                            .at = keep_array(p, &places),
                            .defaults = keep_array(p, &defaults),
                            .n = (uint32_t)names.n,
                            .default_count = (uint32_t)defaults.n};
    vec_done(&names);
    vec_done(&places);
    vec_done(&defaults);
    return ok && expect(p, TOKEN_RPAREN);
}

static bool parse_macro(struct template_parser *p, struct node *n)
{
    pos at;
    return expect_any_name(p, &n->macro.name, &at) && parse_parameters(p, &n->macro.signature) &&
           template_parse_body_to(p, "endmacro", &n->macro.body);
}

static bool parse_call_block(struct template_parser *p, struct node *n)
{
    if (p->now.kind == TOKEN_LPAREN && !parse_parameters(p, &n->macro.signature))
        return false;
    n->macro.call = template_parse_expression(p);
    if (!n->macro.call)
        return false;
    if (n->macro.call->kind != EXPR_CALL)
        return template_parse_fail(p, n->at, "expected call");
    return template_parse_body_to(p, "endcall", &n->macro.body);
}

/* ---- the other tags ---- */

static bool parse_filter_block(struct template_parser *p, struct node *n)
{
    return template_parse_filters(p, NULL, true, &n->filter.filter) &&
           template_parse_body_to(p, "endfilter", &n->filter.body);
}

static bool parse_autoescape(struct template_parser *p, struct node *n)
{
    n->autoescape.value = template_parse_expression(p);
    return n->autoescape.value && template_parse_body_to(p, "endautoescape", &n->autoescape.body);
}

static bool is_blank(const struct nodes *body)
{
    for (uint32_t i = 0; i < body->n; i++) {
        const struct node *n = body->at[i];
        if (n->kind != NODE_OUTPUT)
            return false;
        for (uint32_t k = 0; k < n->output.n; k++)
            if (n->output.at[k].value || str_trim(n->output.at[k].text).n)
                return false;
    }
    return true;
}

static bool parse_block(struct template_parser *p, struct node *n)
{
    pos at;
    vec_push(&p->blocks, n);
    if (!expect_any_name(p, &n->block.name, &at) || !skip_name(p, "scoped", &n->block.scoped) ||
        !skip_name(p, "required", &n->block.required))
        return false;
    if (p->now.kind == TOKEN_SUB)
        return template_parse_fail(
            p, token_pos(p, &p->now),
            "Block names in Jinja have to be valid Python identifiers and may not "
            "contain hyphens, use an underscore instead.");
    if (!template_parse_body_to(p, "endblock", &n->block.body))
        return false;
    if (n->block.required && !is_blank(&n->block.body))
        return template_parse_fail(p, token_pos(p, &p->now),
                                   "Required blocks can only contain comments or whitespace");
    if (p->now.kind != TOKEN_NAME || !str_eq(p->now.text, n->block.name))
        return true;
    return next_token(p);
}

static bool parse_print(struct template_parser *p, struct node *n)
{
    VEC(struct output_part) parts = {0};
    bool ok = true;
    while (ok && p->now.kind != TOKEN_BLOCK_END) {
        if (parts.n && !(ok = expect(p, TOKEN_COMMA)))
            break;
        struct expr *e = template_parse_expression(p);
        ok = e != NULL;
        if (ok)
            vec_push(&parts, (struct output_part){.value = e, .at = e->at});
    }
    n->output.at = keep_array(p, &parts);
    n->output.n = (uint32_t)parts.n;
    vec_done(&parts);
    return ok;
}

static bool parse_do(struct template_parser *p, struct node *n)
{
    return (n->expr = template_parse_tuple(p, TUPLE_PLAIN, NULL)) != NULL;
}

static bool parse_nothing(struct template_parser *p, struct node *n)
{
    (void)p;
    (void)n;
    return true;
}

static const struct tag {
    const char *name;
    enum node_kind kind;
    bool (*parse)(struct template_parser *p, struct node *n); /* behind the name */
} tags[] = {
    {"for", NODE_FOR, parse_for},
    {"if", NODE_IF, parse_if},
    {"set", NODE_SET, parse_set},
    {"with", NODE_WITH, parse_with},
    {"macro", NODE_MACRO, parse_macro},
    {"call", NODE_CALL, parse_call_block},
    {"filter", NODE_FILTER, parse_filter_block},
    {"block", NODE_BLOCK, parse_block},
    {"extends", NODE_EXTENDS, template_parse_load},
    {"include", NODE_INCLUDE, template_parse_load},
    {"import", NODE_IMPORT, template_parse_load},
    {"from", NODE_FROM, template_parse_load},
    {"autoescape", NODE_AUTOESCAPE, parse_autoescape},
    {"print", NODE_OUTPUT, parse_print},
    {"do", NODE_DO, parse_do},
    {"break", NODE_BREAK, parse_nothing},
    {"continue", NODE_CONTINUE, parse_nothing},
};

static struct node *parse_tag(struct template_parser *p, const struct tag *tag)
{
    struct open_tag open = {str_of(tag->name), p->tags};
    if (p->nesting == TEMPLATE_MAX_NESTING) {
        template_parse_fail(p, token_pos(p, &p->now), "statements are nested deeper than %d levels",
                            TEMPLATE_MAX_NESTING);
        return NULL;
    }
    p->nesting++;
    p->tags = &open;
    struct node *n = new_node(p, tag->kind, token_pos(p, &p->now));
    bool ok = n && next_token(p) && tag->parse(p, n);
    p->tags = open.outer;
    p->nesting--;
    return ok ? n : NULL;
}

struct node *template_parse_statement(struct template_parser *p)
{
    pos at = token_pos(p, &p->now);
    if (p->now.kind != TOKEN_NAME) {
        template_parse_fail(p, at, "tag name expected");
        return NULL;
    }
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
        if (str_is(p->now.text, tags[i].name))
            return parse_tag(p, &tags[i]);
    fail_end(p, p->now.text, at);
    return NULL;
}
