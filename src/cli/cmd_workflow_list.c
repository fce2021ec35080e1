/* plue workflow list: every workflow of the repository, and every file that does not load. */
#include "cli/commands.h"
#include "cli/findings.h"
#include "cli/request.h"
#include "cli/shapes.h"

struct listing {
    struct cli *cli;
    const struct registry *registry;
    struct findings findings;
    struct buf json, text;
    struct json_writer writer;
    struct arena arena;
    size_t count;
};

static void add_trigger_words(struct buf *b, str triggers)
{
    json_t *all = json_loadb(triggers.p, triggers.n, 0, NULL);
    for (size_t i = 0; i < json_array_size(all); i++)
        buf_addf(b, "%s%.*s", i ? ", " : "",
                 STR_ARG(json_get_text(json_array_get(all, i), "type")));
    json_decref(all);
}

static void list_definition(struct listing *l, const struct definition *d, str hash)
{
    enum { NAME_COLUMN = 24, TRIGGER_COLUMN = 62 };
    shape_put_workflow(&l->writer, d, hash);
    size_t from = l->text.n;
    buf_add_str(&l->text, d->name);
    buf_add_repeat(&l->text, ' ', d->name.n < NAME_COLUMN ? NAME_COLUMN - d->name.n : 2);
    buf_add_str(&l->text, d->path);
    size_t used = l->text.n - from;
    buf_add_repeat(&l->text, ' ', used < TRIGGER_COLUMN ? TRIGGER_COLUMN - used : 2);
    add_trigger_words(&l->text, d->triggers);
    buf_add_byte(&l->text, '\n');
    l->count++;
}

static void list_file(void *ctx, struct registry_file *f)
{
    struct listing *l = ctx;
    struct evaluation *e = f->evaluation;
    findings_add_all(&l->findings, evaluation_sources(e), &f->errors, "error");
    if (!f->loaded)
        return;
    str hash = plan_sha256(&l->arena, bundle_find(l->registry->bundle, f->path)->text);
    for (uint32_t i = 0; i < evaluation_definition_count(e); i++) {
        const struct definition *d = evaluation_definition(e, i);
        if (d->kind != DEFINITION_WORKFLOW || !str_eq(d->path, f->path))
            continue;
        findings_check_name(&l->findings, evaluation_sources(e), d);
        list_definition(l, d, hash);
    }
}

static void answer(struct listing *l)
{
    if (l->cli->json) {
        json_end_array(&l->writer);
        json_key_c(&l->writer, "errors");
        findings_put_json(&l->writer, &l->findings);
        json_end_object(&l->writer);
        cli_out_json(l->cli, &l->json);
        return;
    }
    cli_out(l->cli, buf_str(&l->text));
    findings_print(l->cli, &l->findings);
    if (!l->count && !l->findings.errors)
        cli_note("there are no workflows in %s/.plue/workflows; `plue init` writes a first one",
                 l->registry->root);
}

static int run(struct cli *c)
{
    auto_registry r = {0};
    int status;
    if (!request_open_registry(c, &r, &status))
        return status;
    struct listing l = {.cli = c, .registry = &r};
    l.json = BUF(CLI_OUTPUT_MAX);
    l.text = BUF(CLI_OUTPUT_MAX);
    l.writer = JSON_WRITER(&l.json, true);
    json_begin_object(&l.writer);
    json_key_c(&l.writer, "workflows");
    json_begin_array(&l.writer);
    findings_add_all(&l.findings, NULL, &r.unread, "error");
    registry_each(&r, REGISTRY_WORKFLOWS, NULL, list_file, &l);
    answer(&l);
    findings_done(&l.findings);
    buf_done(&l.json);
    buf_done(&l.text);
    arena_done(&l.arena);
    return CLI_OK;
}

const struct command command_workflow_list = {
    .name = "workflow list",
    .args = "",
    .summary = "list the repository's workflows",
    .example = "plue workflow list\nplue workflow list --json",
    .options = (const struct cli_option[]){{"json", NULL, "print JSON"}, {0}},
    .run = run,
};
