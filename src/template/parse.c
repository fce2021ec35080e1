#include "base/utf8.h"
#include "template/parse_int.h"

/* ---- tokens ---- */

pos token_pos(const struct template_parser *p, const struct template_token *t)
{
    return (pos){p->scan.source, t->offset, t->length};
}

pos pos_until(const struct template_parser *p, pos at)
{
    at.length = p->last > at.offset ? p->last - at.offset : at.length;
    return at;
}

bool template_parse_fail(struct template_parser *p, pos at, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    str message = arena_vprintf(p->arena, fmt, args);
    va_end(args);
    return err_at(p->scan.err, "template_syntax", at, "%.*s", STR_ARG(message));
}

/* As in Jinja2, the end of the template stands where its last token does. */
static bool read_token(struct template_parser *p, struct template_token *ret)
{
    uint32_t before = p->now.offset;
    if (!template_scan_token(&p->scan, ret))
        return false;
    if (ret->kind == TOKEN_EOF)
        ret->offset = before;
    return true;
}

bool next_token(struct template_parser *p)
{
    p->last = p->now.offset + p->now.length;
    if (p->has_next) {
        p->now = p->next;
        p->has_next = false;
        return true;
    }
    return p->now.kind == TOKEN_EOF && p->last ? true : read_token(p, &p->now);
}

const struct template_token *look_token(struct template_parser *p)
{
    if (!p->has_next && !read_token(p, &p->next))
        return NULL;
    p->has_next = true;
    return &p->next;
}

bool skip_if(struct template_parser *p, enum token_kind kind, bool *ret_was)
{
    *ret_was = p->now.kind == kind;
    return !*ret_was || next_token(p);
}

bool skip_name(struct template_parser *p, const char *name, bool *ret_was)
{
    *ret_was = at_name(p, name);
    return !*ret_was || next_token(p);
}

str describe(const struct template_token *t)
{
    return t->kind == TOKEN_NAME ? t->text : str_of(token_describe(t->kind));
}

static bool expected(struct template_parser *p, const char *what)
{
    pos at = token_pos(p, &p->now);
    if (p->now.kind == TOKEN_EOF)
        return template_parse_fail(p, at, "unexpected end of template, expected '%s'.", what);
    return template_parse_fail(p, at, "expected token '%s', got '%.*s'", what,
                               STR_ARG(describe(&p->now)));
}

bool expect(struct template_parser *p, enum token_kind kind)
{
    return p->now.kind == kind ? next_token(p) : expected(p, token_describe(kind));
}

bool expect_name(struct template_parser *p, const char *name)
{
    return at_name(p, name) ? next_token(p) : expected(p, name);
}

str intern(struct template_parser *p, str name)
{
    str *known = map_get(&p->names, name);
    if (known)
        return *known;
    known = arena_new(p->arena, str);
    *known = arena_str(p->arena, name);
    map_set(&p->names, *known, known);
    return *known;
}

bool expect_any_name(struct template_parser *p, str *ret, pos *ret_at)
{
    if (p->now.kind != TOKEN_NAME)
        return expected(p, "name");
    *ret = intern(p, p->now.text);
    *ret_at = token_pos(p, &p->now);
    return next_token(p);
}

void *copy_array(struct template_parser *p, const void *from, size_t bytes)
{
    void *copy = arena_take(p->arena, bytes);
    if (bytes)
        memcpy(copy, from, bytes);
    return copy;
}

/* ---- the whole ---- */

bool template_parse(struct sources *sources, uint32_t source, size_t from, struct arena *arena,
                    struct template_tree *ret_tree, struct err *err)
{
    str text = sources_get(sources, source)->text;
    if (text.n > TEMPLATE_MAX_SOURCE)
        return err_at(err, "file_too_large", (pos){source, 0, 0},
                      "the template is larger than %d MiB", TEMPLATE_MAX_SOURCE >> 20);
    size_t invalid = utf8_invalid_at(text);
    if (invalid != SIZE_MAX)
        return err_at(err, "template_syntax", (pos){source, (uint32_t)invalid, 1},
                      "the template is not valid UTF-8");
    if (text.n > from && text.p[text.n - 1] == '\n')
        text.n--;
    struct template_parser p = {
        .scan = {.text = text, .source = source, .at = from, .arena = arena, .err = err},
        .arena = arena,
        .now = {.kind = TOKEN_DATA, .offset = (uint32_t)from},
    };
    struct nodes body;
    bool ok = next_token(&p) && template_parse_nodes(&p, NULL, &body);
    static const char *const words[] = {"self", "super", "loop", "caller", "kwargs", "varargs"};
    if (ok)
        *ret_tree = (struct template_tree){.body = body,
                                           .blocks = keep_array(&p, &p.blocks),
                                           .block_count = (uint32_t)p.blocks.n,
                                           .has_extends = p.has_extends};
    for (int i = 0; ok && i < WORD_COUNT; i++) {
        const str *known = map_get(&p.names, str_of(words[i]));
        ret_tree->words[i] = known ? *known : str_of(words[i]);
    }
    template_scan_done(&p.scan);
    map_done(&p.names);
    vec_done(&p.blocks);
    vec_done(&p.pending);
    vec_done(&p.parts);
    return ok;
}
