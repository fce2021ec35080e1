/* extends, include, import, from: tags that name other templates. */
#include "template/parse_int.h"

/* "with context" or "without context"; *ret_was false: neither. */
static bool context_words(struct template_parser *p, struct node *n, bool *ret_was)
{
    *ret_was = false;
    bool with = at_name(p, "with");
    if (!with && !at_name(p, "without"))
        return true;
    const struct template_token *next = look_token(p);
    if (!next)
        return false;
    *ret_was = next->kind == TOKEN_NAME && str_is(next->text, "context");
    if (!*ret_was)
        return true;
    n->load.with_context = with;
    return next_token(p) && next_token(p);
}

static bool ignore_missing(struct template_parser *p, struct node *n)
{
    if (!at_name(p, "ignore"))
        return true;
    const struct template_token *next = look_token(p);
    if (!next)
        return false;
    if (next->kind != TOKEN_NAME || !str_is(next->text, "missing"))
        return true;
    n->load.ignore_missing = true;
    return next_token(p) && next_token(p);
}

static bool one_import(struct template_parser *p, struct import_name *name)
{
    bool renamed;
    *name = (struct import_name){0};
    if (!expect_any_name(p, &name->name, &name->at))
        return false;
    if (name->name.p[0] == '_')
        return template_parse_fail(p, name->at,
                                   "names starting with an underline can not be imported");
    return skip_name(p, "as", &renamed) &&
           (!renamed || expect_any_name(p, &name->as, &name->as_at));
}

static bool import_names(struct template_parser *p, struct node *n)
{
    VEC(struct import_name) names = {0};
    bool ok = expect_name(p, "import"), done = false;
    while (ok && !done) {
        ok = !names.n || expect(p, TOKEN_COMMA);
        if (!ok)
            break;
        if (p->now.kind != TOKEN_NAME) {
            ok = expect(p, TOKEN_NAME);
            break;
        }
        ok = context_words(p, n, &done);
        if (!ok || done)
            break;
        struct import_name name;
        ok = one_import(p, &name);
        vec_push(&names, name);
        ok = ok && context_words(p, n, &done);
        done = done || p->now.kind != TOKEN_COMMA;
    }
    n->load.names = keep_array(p, &names);
    n->load.name_count = (uint32_t)names.n;
    vec_done(&names);
    return ok;
}

bool template_parse_load(struct template_parser *p, struct node *n)
{
    bool was;
    pos at;
    n->load.name = template_parse_expression(p);
    if (!n->load.name)
        return false;
    switch (n->kind) {
    case NODE_EXTENDS:
        p->has_extends = true;
        return true;
    case NODE_INCLUDE:
        n->load.with_context = true;
        return ignore_missing(p, n) && context_words(p, n, &was);
    case NODE_IMPORT:
        return expect_name(p, "as") && expect_any_name(p, &n->load.as, &at) &&
               context_words(p, n, &was);
    default:
        return import_names(p, n);
    }
}
