/* plue workflow lint: every error and warning of every file, without running anything. Besides
 * loading each file it plans each workflow with a made-up event of each of its triggers, since what
 * stands in a command is known only then. */
#include "cli/commands.h"
#include "cli/findings.h"
#include "cli/lint_uses.h"
#include "cli/request.h"
#include "config/config.h"
#include "llm/client.h"
#include "prompt/prompt.h"
#include "vm/render.h"
#include <limits.h>

struct lint {
    struct cli *cli;
    const struct registry *registry;
    struct findings findings;
    struct llm_clients clients;
    bool knows_clients; /* the configuration says nothing wrong of them */
    size_t files;
};

/* "unknown names are a NameError when reached and a lint error" (SPEC 3); the rest are advice. */
static const char *severity_of(const struct err *e)
{
    return strcmp(e->code, "unknown_name") == 0 ? "error" : "warning";
}

static void take_warnings(struct lint *l, struct evaluation *e)
{
    struct err_list warnings = {0};
    evaluation_lint(e, &warnings);
    for (size_t i = 0; i < warnings.n; i++)
        findings_add(&l->findings, evaluation_sources(e), &warnings.at[i],
                     severity_of(&warnings.at[i]));
    err_list_done(&warnings);
}

/* What fails with a made-up event may be fine with a real one, unless it was refused outright. */
static void take_plan_error(struct lint *l, struct evaluation *e)
{
    const struct err *error = evaluation_error(e);
    bool certain = strcmp(error->code, "exception") != 0;
    findings_add(&l->findings, evaluation_sources(e), error, certain ? "error" : "warning");
}

static void plan_with(struct lint *l, const struct registry_file *f, uint32_t index,
                      uint32_t trigger)
{
    struct err_list errors = {0};
    struct evaluation *e = evaluation_new(l->registry->bundle, NULL);
    if (evaluation_load(e, f->path, &errors)) {
        const struct definition *d = evaluation_definition(e, index);
        json_t *event = evaluation_synthetic_event(d, trigger);
        auto_free char *text = json_dumps(event, 0);
        struct evaluation_request q = {.event = str_of(text), .repository = STR("{}")};
        if (evaluation_start(e, d, &q) == EVALUATION_FAILED)
            take_plan_error(l, e);
        take_warnings(l, e);
        json_decref(event);
    }
    err_list_done(&errors);
    evaluation_free(e);
}

static void lint_definition(struct lint *l, const struct registry_file *f, uint32_t index)
{
    const struct definition *d = evaluation_definition(f->evaluation, index);
    if (!str_eq(d->path, f->path))
        return;
    findings_check_name(&l->findings, evaluation_sources(f->evaluation), d);
    if (d->kind == DEFINITION_ACTION)
        return; /* planned where a workflow calls it */
    json_t *triggers = json_loadb(d->triggers.p, d->triggers.n, 0, NULL);
    size_t n = json_array_size(triggers);
    for (uint32_t i = 0; i < (n ? n : 1); i++)
        plan_with(l, f, index, i);
    json_decref(triggers);
}

/* Without FILEs every file is meant; a FILE is named as the shell sees it. */
static bool is_wanted(const struct lint *l, str path)
{
    struct cli *c = l->cli;
    auto_buf full = BUF(1 << 16);
    buf_addf(&full, "%s/%.*s", l->registry->root, STR_ARG(path));
    for (size_t i = 0; i < c->args.n; i++) {
        auto_free char *given = realpath(c->args.at[i], NULL);
        if (given && strcmp(given, buf_c(&full)) == 0)
            return true;
    }
    return c->args.n == 0;
}

static void lint_file(void *ctx, struct registry_file *f)
{
    struct lint *l = ctx;
    if (!is_wanted(l, f->path))
        return;
    l->files++;
    findings_add_all(&l->findings, evaluation_sources(f->evaluation), &f->errors, "error");
    if (!f->loaded)
        return;
    take_warnings(l, f->evaluation);
    for (uint32_t i = 0; i < evaluation_definition_count(f->evaluation); i++)
        lint_definition(l, f, i);
}

static bool read_bundle(void *data, str path, str *ret_text)
{
    const struct bundle_file *f = bundle_find(data, path);
    if (f)
        *ret_text = f->text;
    return f != NULL;
}

/* The template behind a head: syntax, unknown filters and tests. */
static void lint_template(struct lint *l, str path, str text)
{
    struct render_options options = {.limits = render_limits(), .undefined = UNDEFINED_STRICT};
    struct renderer *r = renderer_new(&options);
    struct err_list errors = {0};
    (void)!render_check(r, path, text, prompt_body_at(text), &errors);
    findings_add_all(&l->findings, renderer_sources(r), &errors, "error");
    err_list_done(&errors);
    renderer_free(r);
}

/* The line of a key in the head; that of the head's start where a base has the key. */
static uint32_t line_of(str text, const char *key)
{
    str rest = text, line;
    for (uint32_t n = 1; str_next(&rest, '\n', &line); n++)
        if (str_starts(line, str_of(key)))
            return n;
    return 1;
}

/* What a workflow that calls it would be refused for. */
static void lint_kind(struct lint *l, const struct prompt *p, str text)
{
    auto_err e = ERR_INIT;
    if (p->agent || (!p->tool_count && !p->dynamic))
        return;
    err_set(&e, "llm_tools", "%.*s has tools, which only prompts of type agent can use",
            STR_ARG(p->name));
    err_hint(&e, "write `type: agent` into its frontmatter, or take the tools out");
    err_in_file(&e, p->path, line_of(str_sub(text, 0, prompt_body_at(text)), "tools:"), 1);
    findings_add(&l->findings, NULL, &e, "error");
}

/* A step would fail by it, perhaps after hours. */
static void lint_client(struct lint *l, const struct prompt *p, str text)
{
    struct llm_client found;
    auto_err e = ERR_INIT;
    if (!p->client.n || !l->knows_clients || llm_clients_find(&l->clients, p->client, &found, &e))
        return;
    err_in_file(&e, p->path, line_of(str_sub(text, 0, prompt_body_at(text)), "client:"), 1);
    findings_add(&l->findings, NULL, &e, "error");
}

static void lint_prompts(struct lint *l)
{
    struct bundle *b = l->registry->bundle;
    for (uint32_t i = 0; i < b->n; i++) {
        str path = b->files[i].path;
        if (registry_kind_of(path) != REGISTRY_PROMPTS || !is_wanted(l, path))
            continue;
        struct sources sources = SOURCES_INIT;
        struct err_list errors = {0};
        auto_arena arena = ARENA_INIT;
        l->files++;
        const struct prompt *p = prompt_load(&arena, &sources, path, read_bundle, b, &errors);
        findings_add_all(&l->findings, &sources, &errors, "error");
        if (prompt_body_at(b->files[i].text))
            lint_template(l, path, b->files[i].text);
        if (p) {
            lint_kind(l, p, b->files[i].text);
            lint_client(l, p, b->files[i].text);
            lint_uses(&l->findings, b, p);
        }
        err_list_done(&errors);
        sources_done(&sources);
    }
}

static void lint_config(struct lint *l)
{
    struct config config;
    auto_err e = ERR_INIT;
    l->knows_clients = config_read(l->registry->root, &config, &e) &&
                       llm_clients_open(&l->clients, l->registry->root, &e);
    if (!l->knows_clients && !l->cli->args.n)
        findings_add(&l->findings, NULL, &e, "error");
    config_done(&config);
}

static void answer(struct lint *l)
{
    struct findings *f = &l->findings;
    if (!l->cli->json) {
        findings_print(l->cli, f);
        cli_outf(l->cli, "%zu file%s: %zu error%s, %zu warning%s\n", l->files,
                 l->files == 1 ? "" : "s", f->errors, f->errors == 1 ? "" : "s", f->warnings,
                 f->warnings == 1 ? "" : "s");
        return;
    }
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&b, true);
    json_begin_object(&w);
    json_key_c(&w, "files");
    json_put_int(&w, (int64_t)l->files);
    json_key_c(&w, "problems");
    findings_put_json(&w, f);
    json_end_object(&w);
    cli_out_json(l->cli, &b);
}

static bool check_arguments(struct lint *l, int *ret_status)
{
    struct cli *c = l->cli;
    for (size_t i = 0; i < c->args.n; i++) {
        auto_free char *given = realpath(c->args.at[i], NULL);
        bool known = false;
        for (uint32_t k = 0; given && k < l->registry->bundle->n; k++) {
            auto_buf full = BUF(1 << 16);
            buf_addf(&full, "%s/%.*s", l->registry->root,
                     STR_ARG(l->registry->bundle->files[k].path));
            known |= strcmp(given, buf_c(&full)) == 0;
        }
        if (known)
            continue;
        auto_err e = ERR_INIT;
        err_set(&e, "file_missing", "%s is no file below %s/.plue", c->args.at[i],
                l->registry->root);
        err_hint(&e, "`plue workflow lint` without a file checks all of them");
        *ret_status = cli_fail(c, NULL, &e);
        return false;
    }
    return true;
}

static int run(struct cli *c)
{
    auto_registry r = {0};
    struct lint l = {
        .cli = c, .registry = &r, .findings = {.color = c->err_color, .severities = true}};
    int status = CLI_USAGE;
    if (!request_open_registry(c, &r, &status) || !check_arguments(&l, &status))
        return status;
    if (c->args.n == 0)
        findings_add_all(&l.findings, NULL, &r.unread, "error");
    lint_config(&l);
    registry_each(&r, REGISTRY_ALL, NULL, lint_file, &l);
    lint_prompts(&l);
    answer(&l);
    status = l.findings.errors ? CLI_USAGE : CLI_OK;
    findings_done(&l.findings);
    llm_clients_done(&l.clients);
    return status;
}

const struct command command_workflow_lint = {
    .name = "workflow lint",
    .args = "[FILE...]",
    .max = CLI_WORDS_MAX,
    .summary = "check files below .plue and report every error",
    .doc = "Exits with 2 where there is an error; warnings alone are no failure.",
    .example = "plue workflow lint\nplue workflow lint .plue/workflows/ci.py",
    .options = (const struct cli_option[]){{"json", NULL, "print JSON"}, {0}},
    .run = run,
};
