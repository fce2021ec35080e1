#include "cli/lint_uses.h"
#include "base/vec.h"
#include "vm/uses.h"

enum { TEMPLATES_MAX = 200 /* of one prompt */ };

struct template
{
    const struct bundle_file *file;
    uint32_t source;
    struct template_uses uses;
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

static void read_template(struct reading *r, const struct bundle_file *f)
{
    auto_err err = ERR_INIT;
    struct template t = {.file = f};
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
static void read_choice(struct reading *r, struct template_choice c)
{
    const struct bundle_file *f = NULL;
    for (uint32_t i = 0; i < c.n && !f; i++)
        f = find(r, c.names[i]);
    if (f)
        read_template(r, f);
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

void lint_uses(struct findings *f, const struct bundle *b, const struct prompt *p)
{
    struct reading r = {.bundle = b, .sources = SOURCES_INIT};
    const struct bundle_file *own = bundle_find(b, p->path);
    r.folder = str_sub(p->path, 0, str_rfind_byte(p->path, '/') + 1);
    if (own)
        read_template(&r, own);
    for (size_t i = 0; i < r.all.n; i++)
        for (uint32_t k = 0; k < r.all.at[i].uses.others.n; k++)
            read_choice(&r, r.all.at[i].uses.others.at[k]);
    for (size_t i = 0; i < r.all.n; i++)
        for (uint32_t k = 0; k < r.all.at[i].uses.loads.n; k++)
            if (!is_known(&r, p, r.all.at[i].uses.loads.at[k].name))
                report(f, &r, p, &r.all.at[i].uses.loads.at[k]);
    vec_done(&r.all);
    sources_done(&r.sources);
    arena_done(&r.arena);
}
