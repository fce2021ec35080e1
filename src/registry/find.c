/* From names to definitions. Every file has an evaluation of its own: what one of them does, or
 * gets wrong, cannot touch another. */
#include "base/vec.h"
#include "registry/registry.h"
#include <ctype.h>
#include <stdio.h>

#define TOOLS_PREFIX STR("//tools:")

static bool is_directly_in(str path, str folder)
{
    return str_starts(path, folder) && str_find_byte(path, '/', folder.n) == SIZE_MAX;
}

enum registry_kind registry_kind_of(str path)
{
    if (str_ends(path, STR(".prompt.md")))
        return REGISTRY_PROMPTS;
    if (!str_ends(path, STR(".py")))
        return REGISTRY_PARTS;
    if (is_directly_in(path, STR(".plue/workflows/")))
        return REGISTRY_WORKFLOWS;
    if (is_directly_in(path, STR(".plue/tools/")))
        return REGISTRY_TOOLS;
    if (str_starts(path, STR(".plue/actions/")) && str_ends(path, STR("/action.py")))
        return REGISTRY_ACTIONS;
    return REGISTRY_OTHERS;
}

static void give_file(const struct registry *r, str path, const struct evaluation_options *options,
                      registry_file_fn *fn, void *ctx)
{
    struct registry_file f = {.path = path};
    f.evaluation = evaluation_new(r->bundle, options);
    f.loaded = evaluation_load(f.evaluation, path, &f.errors);
    fn(ctx, &f);
    err_list_done(&f.errors);
    evaluation_free(f.evaluation);
}

void registry_each(const struct registry *r, unsigned kinds,
                   const struct evaluation_options *options, registry_file_fn *fn, void *ctx)
{
    for (uint32_t i = 0; i < r->bundle->n; i++)
        if (registry_kind_of(r->bundle->files[i].path) & kinds)
            give_file(r, r->bundle->files[i].path, options, fn, ctx);
}

/* ---- which files are worth loading ---- */

static bool is_word_byte(str text, size_t at)
{
    return at < text.n && (isalnum((unsigned char)text.p[at]) || text.p[at] == '_');
}

/* The first place at or after `from` where `word` stands by itself; SIZE_MAX: none. */
static size_t find_word(str text, str word, size_t from)
{
    size_t at = from;
    while ((at = str_find(text, word, at)) != SIZE_MAX) {
        if (!is_word_byte(text, at - 1) && !is_word_byte(text, at + word.n))
            return at;
        at++;
    }
    return SIZE_MAX;
}

/* Does the file say the name, or compute some name? Others cannot define it. */
static bool may_define(str text, str name)
{
    static const str keyword = STR_INIT("name");
    if (!name.n || find_word(text, name, 0) != SIZE_MAX)
        return true;
    for (size_t at = 0; (at = find_word(text, keyword, at)) != SIZE_MAX; at += keyword.n) {
        str rest = str_trim(str_sub(text, at + keyword.n, text.n));
        if (!str_starts(rest, STR("=")) || str_starts(rest, STR("==")))
            continue;
        rest = str_trim(str_sub(rest, 1, rest.n));
        if (!rest.n || !strchr("\"'", rest.p[0]))
            return true;
    }
    return false;
}

/* ---- one definition ---- */

struct search {
    enum definition_kind kind;
    str name;
    struct registry_found *found;
    struct place first; /* of the definition that was found; in the arena */
    struct arena arena;
    VEC(str) names;               /* of all definitions of the kind */
    VEC(str) broken;              /* files that did not load */
    struct registry_file suspect; /* did not load, and its name says that it may be the one */
};

/* NAME.py, with "-" and "_" alike. */
static bool is_named_after(str path, str name)
{
    size_t slash = str_rfind_byte(path, '/');
    str stem = str_sub(path, slash == SIZE_MAX ? 0 : slash + 1, path.n - 3);
    if (stem.n != name.n)
        return false;
    for (size_t i = 0; i < stem.n; i++)
        if (stem.p[i] != name.p[i] && !(strchr("-_", stem.p[i]) && strchr("-_", name.p[i])))
            return false;
    return true;
}

static void note_broken(struct search *s, struct registry_file *f)
{
    vec_push(&s->broken, f->path);
    if (s->suspect.evaluation || !is_named_after(f->path, s->name))
        return;
    s->suspect = *f;
    f->evaluation = NULL;
    f->errors = (struct err_list){0};
}

static void note_twice(struct search *s, struct evaluation *e, const struct definition *d)
{
    struct place second = {0};
    struct err *err = err_list_add(&s->found->errors);
    sources_place(evaluation_sources(e), d->at, &second);
    err_set(err, "duplicate_definition", "'%.*s' is defined twice: at %.*s:%u and at %.*s:%u",
            STR_ARG(s->name), STR_ARG(s->first.path), s->first.line, STR_ARG(second.path),
            second.line);
    err_in_file(err, second.path, second.line, second.column);
    err_hint(err, "rename one of them, or give it another name=");
}

static void look_into(void *ctx, struct registry_file *f)
{
    struct search *s = ctx;
    if (!f->loaded) {
        note_broken(s, f);
        return;
    }
    bool taken = false;
    struct evaluation *e = f->evaluation;
    for (uint32_t i = 0; i < evaluation_definition_count(e); i++) {
        const struct definition *d = evaluation_definition(e, i);
        if (d->kind != s->kind || !str_eq(d->path, f->path))
            continue;
        vec_push(&s->names, arena_str(&s->arena, d->name));
        if (!str_eq(d->name, s->name))
            continue;
        if (s->found->definition) {
            note_twice(s, e, d);
            continue;
        }
        s->found->definition = d;
        s->found->evaluation = e;
        taken = true;
        sources_place(evaluation_sources(e), d->at, &s->first);
    }
    if (taken)
        f->evaluation = NULL;
}

static void add_names(struct buf *b, const str *names, size_t n)
{
    enum { NAMES_SHOWN_MAX = 12 };
    for (size_t i = 0; i < n && i < NAMES_SHOWN_MAX; i++)
        buf_addf(b, "%s%.*s", i ? ", " : "", STR_ARG(names[i]));
    if (n > NAMES_SHOWN_MAX)
        buf_addf(b, " and %zu more", n - NAMES_SHOWN_MAX);
}

static void say_unknown(struct search *s, const struct registry *r)
{
    const char *what = s->kind == DEFINITION_TOOL ? "tool" : "workflow";
    struct err *err = err_list_add(&s->found->errors);
    auto_buf all = BUF(1 << 16), broken = BUF(1 << 16);
    add_names(&all, s->names.at, s->names.n);
    add_names(&broken, s->broken.at, s->broken.n);
    err_set(err, "unknown_definition", "there is no %s '%.*s' in %s/.plue", what, STR_ARG(s->name),
            r->root);
    long near = s->names.n ? str_nearest(s->name, s->names.at, s->names.n) : -1;
    if (near >= 0)
        err_hint(err, "did you mean '%.*s'?", STR_ARG(s->names.at[near]));
    else if (s->broken.n)
        err_hint(err, "files that do not load may hold it: %s; see plue workflow lint",
                 buf_c(&broken));
    else if (s->names.n)
        err_hint(err, "there are: %s", buf_c(&all));
    else
        err_hint(err, "a %s is a function below @%s(...) in .plue/%ss/*.py; `plue init` writes one",
                 what, what, what);
}

static void conclude(struct search *s, const struct registry *r)
{
    struct registry_found *f = s->found;
    if (f->definition)
        return;
    if (s->suspect.evaluation) {
        f->evaluation = s->suspect.evaluation;
        f->errors = s->suspect.errors;
        s->suspect = (struct registry_file){0};
        return;
    }
    for (size_t i = 0; i < r->unread.n; i++) {
        const struct err *e = &r->unread.at[i];
        if (!is_named_after(e->file, s->name))
            continue;
        struct err *copy = err_list_add(&f->errors);
        err_set(copy, e->code, "%.*s", STR_ARG(e->message));
        err_in_file(copy, e->file, 0, 0);
        return;
    }
    say_unknown(s, r);
}

/* Files that may hold it come first; if it is in none of them, the others are loaded too, for it
 * may be hidden there, and for what the answer says. */
static void search_files(struct search *s, const struct registry *r,
                         const struct evaluation_options *options)
{
    enum registry_kind kind = s->kind == DEFINITION_TOOL ? REGISTRY_TOOLS : REGISTRY_WORKFLOWS;
    for (int likely = 1; likely >= 0 && !s->found->definition; likely--)
        for (uint32_t i = 0; i < r->bundle->n; i++) {
            const struct bundle_file *f = &r->bundle->files[i];
            if (registry_kind_of(f->path) == kind && may_define(f->text, s->name) == likely)
                give_file(r, f->path, options, look_into, s);
        }
}

bool registry_find(const struct registry *r, str name, const struct evaluation_options *options,
                   struct registry_found *ret)
{
    struct search s = {.kind = DEFINITION_WORKFLOW, .name = name, .found = ret};
    *ret = (struct registry_found){0};
    if (str_starts(name, TOOLS_PREFIX)) {
        s.kind = DEFINITION_TOOL;
        s.name = str_sub(name, TOOLS_PREFIX.n, name.n);
    }
    search_files(&s, r, options);
    conclude(&s, r);
    err_list_done(&s.suspect.errors);
    evaluation_free(s.suspect.evaluation);
    vec_done(&s.names);
    vec_done(&s.broken);
    arena_done(&s.arena);
    return ret->definition && ret->errors.n == 0;
}

void registry_found_done(struct registry_found *f)
{
    evaluation_free(f->evaluation);
    err_list_done(&f->errors);
    *f = (struct registry_found){0};
}
