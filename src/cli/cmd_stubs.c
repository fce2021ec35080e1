/* plue stubs: types of workflow files, for editors and type checkers. The plue module's are fixed
 * texts (src/cli/stubs); those of lib and actions come from the repository. */
#include "base/fd.h"
#include "cli/commands.h"
#include "cli/request.h"
#include "cli/stub_prompts.h"
#include "syntax/ast.h"
#include "syntax/parse.h"
#include <fcntl.h>
#include <sys/stat.h>

extern const char stub_plue[], stub_tools[]; /* made from src/cli/stubs */

enum { STUB_BYTES_MAX = 16 << 20 };

struct writing {
    struct cli *cli;
    int folder;
    const char *shown;
    size_t files;
    struct err *err;
};

static bool write_file(struct writing *w, str path, str text)
{
    auto_free char *name = str_dup(path);
    auto_free char *folder = str_dup(str_sub(path, 0, str_rfind_byte(path, '/')));
    int error = fd_make_dirs(w->folder, folder, 0755);
    if (!error)
        error = fd_write_file(w->folder, name, text, 0644);
    w->files++;
    return !error ||
           err_errno(w->err, "file_unwritable", error, "%s/%s cannot be written", w->shown, name);
}

/* ---- .plue/lib ---- */

static bool is_plain_type(const struct expr *e)
{
    static const char *const names[] = {"str", "int", "float", "bool", "list", "dict", "None"};
    if (!e || e->kind != EXPR_NAME)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_is(e->s, names[i]))
            return true;
    return false;
}

static void add_type_of(struct buf *b, const struct expr *annotation)
{
    if (is_plain_type(annotation))
        buf_add_str(b, annotation->s);
    else
        buf_add_c(b, "Any");
}

static void add_parameters(struct buf *b, const struct parameters *p)
{
    bool starred = false;
    for (uint32_t i = 0; i < p->n; i++) {
        const struct parameter *a = &p->at[i];
        bool after_positional = i && p->at[i - 1].kind == PARAMETER_POSITIONAL_ONLY;
        if (after_positional && a->kind != PARAMETER_POSITIONAL_ONLY)
            buf_add_c(b, ", /");
        buf_add_c(b, i ? ", " : "");
        if (a->kind == PARAMETER_KEYWORD_ONLY && !starred)
            buf_add_c(b, "*, ");
        starred |= a->kind == PARAMETER_KEYWORD_ONLY || a->kind == PARAMETER_VAR_ARGS;
        buf_addf(b, "%s%.*s: ",
                 a->kind == PARAMETER_VAR_ARGS       ? "*"
                 : a->kind == PARAMETER_VAR_KEYWORDS ? "**"
                                                     : "",
                 STR_ARG(a->name));
        add_type_of(b, a->annotation);
        buf_add_c(b, a->default_value ? " = ..." : "");
    }
    if (p->n && p->at[p->n - 1].kind == PARAMETER_POSITIONAL_ONLY)
        buf_add_c(b, ", /");
}

static void add_statement(struct buf *b, const struct stmt *s)
{
    if (s->kind == STMT_DEF) {
        buf_addf(b, "def %.*s(", STR_ARG(s->def.name));
        add_parameters(b, &s->def.parameters);
        buf_add_c(b, ") -> ");
        add_type_of(b, s->def.returns);
        buf_add_c(b, ": ...\n");
    } else if (s->kind == STMT_ASSIGN) {
        for (uint32_t i = 0; i < s->assign.targets.n; i++)
            if (s->assign.targets.at[i]->kind == EXPR_NAME)
                buf_addf(b, "%.*s: Any\n", STR_ARG(s->assign.targets.at[i]->s));
    }
}

static bool write_lib(struct writing *w, str name, const struct bundle_file *f)
{
    struct sources sources = SOURCES_INIT;
    auto_arena a = ARENA_INIT;
    struct err_list errors = {0};
    auto_buf b = BUF(STUB_BYTES_MAX);
    uint32_t id = sources_add(&sources, f->path, f->text, POS_NONE);
    const struct module *m = syntax_parse_some(&sources, id, &a, &errors);
    buf_addf(&b, "\"\"\"%.*s. Written by `plue stubs`.\"\"\"\nfrom typing import Any\n\n",
             STR_ARG(f->path));
    for (uint32_t i = 0; m && i < m->body.n; i++)
        add_statement(&b, m->body.at[i]);
    if (!m)
        buf_add_c(&b, "def __getattr__(name: str) -> Any: ...\n");
    err_list_done(&errors);
    sources_done(&sources);
    return write_file(w, name, buf_str(&b));
}

/* ---- .plue/actions ---- */

static void add_action(struct buf *b, const struct definition *d)
{
    uint32_t n = d->inputs ? d->inputs->n : 0;
    buf_addf(b, "def %.*s(", STR_ARG(d->name));
    for (uint32_t i = 0; i < n; i++) {
        const struct type_field *f = &d->inputs->fields[i];
        buf_addf(b, "%s%.*s: ", i ? ", " : "*, ", STR_ARG(f->name));
        stub_add_type(b, f->type);
        buf_add_c(b, f->type->kind == TYPE_OPTIONAL ? " = None" : "");
    }
    buf_add_c(b, ") -> Step: ...\n");
}

static void add_actions(struct buf *b, const struct registry *r, const struct bundle_file *f)
{
    struct err_list errors = {0};
    struct evaluation *e = evaluation_new(r->bundle, NULL);
    bool loaded = evaluation_load(e, f->path, &errors);
    for (uint32_t i = 0; loaded && i < evaluation_definition_count(e); i++) {
        const struct definition *d = evaluation_definition(e, i);
        if (d->kind == DEFINITION_ACTION && str_eq(d->path, f->path))
            add_action(b, d);
    }
    if (!loaded)
        buf_add_c(b, "def __getattr__(name: str) -> Any: ...\n");
    err_list_done(&errors);
    evaluation_free(e);
}

static bool write_action(struct writing *w, const struct registry *r, str name,
                         const struct bundle_file *f)
{
    auto_buf b = BUF(STUB_BYTES_MAX);
    buf_addf(&b,
             "\"\"\"%.*s. Written by `plue stubs`.\"\"\"\nfrom typing import Any, Literal\n\n"
             "from plue import Step\n\n",
             STR_ARG(f->path));
    add_actions(&b, r, f);
    return write_file(w, name, buf_str(&b));
}

/* ---- the package ---- */

/* A `-` in a name is `_` in an import. */
static str module_path(struct arena *a, const char *folder, str name)
{
    str path = arena_printf(a, "plue/%s/%.*s.pyi", folder, STR_ARG(name));
    for (char *p = (char *)path.p + strlen("plue/"); *p; p++)
        if (*p == '-')
            *p = '_';
    return path;
}

static bool write_repository(struct writing *w, const struct registry *r)
{
    const str lib = STR(".plue/lib/"), actions = STR(".plue/actions/"), end = STR("/action.py");
    auto_arena a = ARENA_INIT;
    for (uint32_t i = 0; i < r->bundle->n; i++) {
        const struct bundle_file *f = &r->bundle->files[i];
        str name;
        if (str_starts(f->path, lib)) {
            name = str_sub(f->path, lib.n, f->path.n - strlen(".py"));
            if (!write_lib(w, module_path(&a, "lib", name), f))
                return false;
        } else if (str_starts(f->path, actions) && str_ends(f->path, end)) {
            name = str_sub(f->path, actions.n, f->path.n - end.n);
            if (!write_action(w, r, module_path(&a, "actions", name), f))
                return false;
        }
    }
    return true;
}

static bool write_prompts(struct writing *w, const struct registry *r)
{
    auto_buf b = BUF(STUB_BYTES_MAX);
    stub_add_prompts(&b, r->bundle);
    return write_file(w, STR("plue/prompts.pyi"), buf_str(&b));
}

static bool write_package(struct writing *w, const struct registry *r)
{
    return write_file(w, STR("plue/__init__.pyi"), str_of(stub_plue)) &&
           write_file(w, STR("plue/tools.pyi"), str_of(stub_tools)) && write_prompts(w, r) &&
           write_file(w, STR("plue/lib/__init__.pyi"), STR("")) &&
           write_file(w, STR("plue/actions/__init__.pyi"), STR("")) && write_repository(w, r);
}

static int to_folder(struct cli *c, const char *path)
{
    auto_registry r = {0};
    auto_err e = ERR_INIT;
    int status;
    if (!request_open_registry(c, &r, &status))
        return status;
    int error = fd_make_dirs(AT_FDCWD, path, 0755);
    auto_fd folder = error ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct writing w = {.cli = c, .folder = folder, .shown = path, .err = &e};
    if (folder < 0)
        err_errno(&e, "file_unwritable", error, "the folder %s cannot be made", path);
    else
        write_package(&w, &r);
    if (err_is_set(&e))
        return cli_fail(c, NULL, &e);
    cli_note("wrote %zu files below %s/plue", w.files, path);
    return CLI_OK;
}

static int to_file(struct cli *c, const char *path)
{
    auto_err e = ERR_INIT;
    int error = fd_write_file(AT_FDCWD, path, str_of(stub_plue), 0644);
    if (!error)
        return CLI_OK;
    err_errno(&e, "file_unwritable", error, "%s cannot be written", path);
    return cli_fail(c, NULL, &e);
}

static int run(struct cli *c)
{
    const char *path = cli_value(c, "output");
    if (path && str_ends(str_of(path), STR(".pyi")))
        return to_file(c, path);
    if (path)
        return to_folder(c, path);
    cli_out(c, str_of(stub_plue));
    return CLI_OK;
}

const struct command command_stubs = {
    .name = "stubs",
    .args = "",
    .summary = "print types of workflow files for editors",
    .doc =
        "Prints plue.pyi, the types of the plue module. With -o FOLDER a whole package is written,\n"
        "with those of the repository's prompts, .plue/lib and .plue/actions; name that folder to\n"
        "your editor (mypy: MYPYPATH=FOLDER; Pyright: stubPath).",
    .example = "plue stubs -o plue.pyi\n"
               "plue stubs -o stubs && MYPYPATH=stubs mypy .plue/workflows/*.py",
    .options =
        (const struct cli_option[]){
            {"output", "PATH", "write FILE.pyi, or a package in a folder", 'o'}, {0}},
    .run = run,
};
