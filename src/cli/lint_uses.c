#include "cli/lint_uses.h"
#include "base/vec.h"
#include "vm/uses.h"

enum { TEMPLATES_MAX = 200 /* of one prompt */, OUTSIDE = UINT32_MAX };

struct template
{
    const struct bundle_file *file;
    uint32_t source;
    struct template_uses uses;
    uint32_t
        extends; /* of the chain of extends: 0 the prompt's own, then its parents; else OUTSIDE */
};
struct reading {
    const struct bundle *bundle;
    str folder; /* of the prompt, with its slash */
    struct arena arena;
    struct sources sources;
    VEC(struct template) all;
};

static size_t body_of(const struct bundle_file *f)
{
    return str_ends(f->path, STR(".prompt.md")) ? prompt_body_at(f->text) : 0;
}

/* As dialog/ looks names up: beside the prompt, then below .plue/prompts. */
static const struct bundle_file *find(const struct reading *r, str name)
{
    const str folders[] = {r->folder, STR(".plue/prompts/")};
    for (size_t i = 0; i < 2; i++) {
        auto_buf path = BUF(1 << 16);
        buf_addf(&path, "%.*s%.*s", STR_ARG(folders[i]), STR_ARG(name));
        const struct bundle_file *f = bundle_find(r->bundle, buf_str(&path));
        if (f)
            return f;
    }
    return NULL;
}

static void read_template(struct reading *r, const struct bundle_file *f, uint32_t extends)
{
    auto_err err = ERR_INIT;
    struct template t = {.file = f, .extends = extends};
    for (size_t i = 0; i < r->all.n; i++)
        if (r->all.at[i].file == f)
            return;
    if (r->all.n == TEMPLATES_MAX)
        return;
    t.source = sources_add(&r->sources, f->path, f->text, POS_NONE);
    if (template_uses_read(&r->sources, t.source, body_of(f), &r->arena, &t.uses, &err))
        vec_push(&r->all, t);
}

/* Of a list the first file that is there. */
static void read_choice(struct reading *r, struct template_choice c, uint32_t from)
{
    const struct bundle_file *f = NULL;
    for (uint32_t i = 0; i < c.n && !f; i++)
        f = find(r, c.names[i]);
    if (f)
        read_template(r, f, c.extends && from != OUTSIDE ? from + 1 : OUTSIDE);
}

/* Whether some template before t in the chain has this block of its own, and does without t's. */
static bool is_replaced(const struct reading *r, const struct template *t, str block)
{
    for (size_t i = 0; t->extends != OUTSIDE && i < r->all.n; i++) {
        const struct template *u = &r->all.at[i];
        for (uint32_t k = 0; u->extends < t->extends && k < u->uses.block_count; k++)
            if (str_eq(u->uses.blocks[k].name, block) && !u->uses.blocks[k].super)
                return true;
    }
    return false;
}

/* What stands in a block is rendered unless it, or one around it, is replaced. */
static bool is_rendered(const struct reading *r, const struct template *t, uint32_t block)
{
    for (; block; block = t->uses.blocks[block - 1].outer)
        if (is_replaced(r, t, t->uses.blocks[block - 1].name))
            return false;
    return true;
}

static bool is_known(const struct reading *r, const struct prompt *p, str name)
{
    for (size_t i = 0; i < r->all.n; i++)
        if (template_names_has(&r->all.at[i].uses.known, name))
            return true;
    return str_is(name, "output_schema") || type_field(p->inputs, name);
}

static void report(struct findings *f, struct reading *r, const struct prompt *p,
                   const struct template_name *n)
{
    auto_err e = ERR_INIT;
    str names[128];
    size_t count = 0;
    for (uint32_t i = 0; i < p->inputs->n && count < 127; i++)
        names[count++] = p->inputs->fields[i].name;
    names[count++] = STR("output_schema");
    long near = str_nearest(n->name, names, count);
    err_at(&e, "undefined_value", n->at, "%.*s is no input of the prompt %.*s", STR_ARG(n->name),
           STR_ARG(p->name));
    if (near >= 0)
        err_hint(&e, "did you mean '%.*s'?", STR_ARG(names[near]));
    else
        err_hint(&e, "declare it under inputs:, or write %.*s | default(...)", STR_ARG(n->name));
    findings_add(f, &r->sources, &e, "error");
}

static void read_others(struct reading *r, size_t index)
{
    for (uint32_t k = 0; k < r->all.at[index].uses.others.n; k++) {
        struct template t = r->all.at[index]; /* reading moves them */
        struct template_choice c = t.uses.others.at[k];
        if (is_rendered(r, &t, c.block))
            read_choice(r, c, t.extends);
    }
}

static void check_template(struct findings *f, struct reading *r, const struct prompt *p,
                           const struct template *t)
{
    struct template_names told = {0};
    told.at = arena_array(&r->arena, struct template_name, t->uses.loads.n);
    for (uint32_t k = 0; k < t->uses.loads.n; k++) {
        const struct template_name *n = &t->uses.loads.at[k];
        if (is_known(r, p, n->name) || template_names_has(&told, n->name) ||
            !is_rendered(r, t, n->block))
            continue;
        told.at[told.n++] = *n;
        report(f, r, p, n);
    }
}

void lint_uses(struct findings *f, const struct bundle *b, const struct prompt *p)
{
    struct reading r = {.bundle = b, .sources = SOURCES_INIT};
    const struct bundle_file *own = bundle_find(b, p->path);
    r.folder = str_sub(p->path, 0, str_rfind_byte(p->path, '/') + 1);
    if (own)
        read_template(&r, own, 0);
    for (size_t i = 0; i < r.all.n; i++)
        read_others(&r, i);
    for (size_t i = 0; i < r.all.n; i++)
        check_template(f, &r, p, &r.all.at[i]);
    vec_done(&r.all);
    sources_done(&r.sources);
    arena_done(&r.arena);
}
