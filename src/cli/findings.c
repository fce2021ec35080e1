#include "cli/findings.h"
#include "base/fd.h"
#include "diag/print.h"
#include "json/error.h"
#include <unistd.h>

void findings_done(struct findings *f)
{
    vec_done(&f->all);
    map_done(&f->seen);
    map_done(&f->names);
    arena_done(&f->arena);
}

static str error_json(struct findings *f, struct sources *s, const struct err *e,
                      const char *severity)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&b, false);
    json_begin_object(&w);
    if (severity) {
        json_key_c(&w, "severity");
        json_put_c(&w, severity);
    }
    json_put_error_members(&w, s, e);
    json_end_object(&w);
    return arena_str(&f->arena, buf_str(&b));
}

/* One mistake is often found by two ways: when a name is resolved, and when it is reached. */
static bool has_error_at(struct findings *f, const struct finding *n)
{
    vec_each (o, &f->all)
        if (strcmp(o->severity, "error") == 0 && n->line == o->line && n->column == o->column &&
            str_eq(n->path, o->path))
            return true;
    return false;
}

void findings_add(struct findings *f, struct sources *s, const struct err *e, const char *severity)
{
    auto_buf text = BUF(CLI_OUTPUT_MAX);
    struct diag_style style = {.color = f->color, .severity = severity};
    struct place place = {0};
    diag_add_err(&text, s, e, &style);
    if (map_has(&f->seen, buf_str(&text)))
        return;
    struct finding n = {.severity = severity, .path = STR("")};
    n.text = arena_str(&f->arena, buf_str(&text));
    n.json = error_json(f, s, e, f->severities ? severity : NULL);
    if (s && sources_place(s, e->at, &place)) {
        n.path = arena_str(&f->arena, place.path);
        n.line = place.line;
        n.column = place.column;
    } else {
        n.path = arena_str(&f->arena, e->file);
        n.line = e->line;
        n.column = e->column;
    }
    map_set(&f->seen, n.text, f);
    if (strcmp(severity, "warning") == 0 && has_error_at(f, &n))
        return;
    if (strcmp(severity, "error") == 0)
        f->errors++;
    else
        f->warnings++;
    vec_push(&f->all, n);
}

void findings_add_all(struct findings *f, struct sources *s, const struct err_list *errors,
                      const char *severity)
{
    for (size_t i = 0; i < errors->n; i++)
        findings_add(f, s, &errors->at[i], severity);
}

void findings_check_name(struct findings *f, struct sources *s, const struct definition *d)
{
    struct place place = {0};
    sources_place(s, d->at, &place);
    str key = arena_printf(&f->arena, "%d %.*s", (int)d->kind, STR_ARG(d->name));
    str here = arena_printf(&f->arena, "%.*s:%u", STR_ARG(place.path), place.line);
    str *before = map_get(&f->names, key);
    if (!before) {
        str *kept = arena_new(&f->arena, str);
        *kept = here;
        map_set(&f->names, key, kept);
        return;
    }
    auto_err e = ERR_INIT;
    err_at(&e, "duplicate_definition", d->at, "'%.*s' is defined twice: at %.*s and at %.*s",
           STR_ARG(d->name), STR_ARG(*before), STR_ARG(here));
    err_hint(&e, "rename one of them, or give it another name=");
    findings_add(f, s, &e, "error");
}

static int by_place(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;
    int order = str_cmp(x->path, y->path);
    if (order)
        return order;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column;
}

static void sort(struct findings *f)
{
    if (f->all.n)
        qsort(f->all.at, f->all.n, sizeof *f->all.at, by_place);
}

void findings_put_json(struct json_writer *w, struct findings *f)
{
    sort(f);
    json_begin_array(w);
    vec_each (n, &f->all)
        json_put_raw(w, n->json);
    json_end_array(w);
}

void findings_print(struct cli *c, struct findings *f)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    (void)c;
    sort(f);
    vec_each (n, &f->all)
        buf_add_str(&b, n->text);
    int error = fd_write_all(STDERR_FILENO, buf_c(&b), b.n);
    (void)error; /* nothing can be done about a stderr that cannot be written */
}
