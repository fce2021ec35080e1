/* plue prompt list: the prompts of a repository, and what is wrong with the others. */
#include "cli/commands.h"
#include "cli/findings.h"
#include "cli/request.h"
#include "prompt/prompt.h"

struct listing {
    struct cli *cli;
    struct bundle *bundle;
    struct findings findings;
    struct json_writer *w;
    struct buf *text;
    size_t n;
};

static bool read_bundle(void *data, str path, str *ret_text)
{
    const struct bundle_file *f = bundle_find(data, path);
    if (f)
        *ret_text = f->text;
    return f != NULL;
}

static void list_prompt(struct listing *l, const struct prompt *p)
{
    l->n++;
    if (l->cli->json) {
        prompt_write_json(l->w, p);
        return;
    }
    buf_addf(l->text, "%-24.*s %-6s %-44.*s", STR_ARG(p->name), p->agent ? "agent" : "llm",
             STR_ARG(p->path));
    for (uint32_t i = 0; i < p->inputs->n; i++) {
        bool optional = p->inputs->fields[i].type->kind == TYPE_OPTIONAL;
        buf_addf(l->text, " %.*s%s", STR_ARG(p->inputs->fields[i].name), optional ? "?" : "");
    }
    buf_add_byte(l->text, '\n');
}

static void list_file(struct listing *l, str path)
{
    struct sources sources = SOURCES_INIT;
    struct err_list errors = {0};
    auto_arena arena = ARENA_INIT;
    const struct prompt *p = prompt_load(&arena, &sources, path, read_bundle, l->bundle, &errors);
    if (p)
        list_prompt(l, p);
    findings_add_all(&l->findings, &sources, &errors, "error");
    err_list_done(&errors);
    sources_done(&sources);
}

static int run(struct cli *c)
{
    auto_registry r = {0};
    auto_buf out = BUF(CLI_OUTPUT_MAX), text = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&out, true);
    int status = CLI_USAGE;
    if (!request_open_registry(c, &r, &status))
        return status;
    struct listing l = {
        .cli = c, .bundle = r.bundle, .w = &w, .text = &text, .findings = {.color = c->err_color}};
    json_begin_object(&w);
    json_key_c(&w, "prompts");
    json_begin_array(&w);
    for (uint32_t i = 0; i < r.bundle->n; i++)
        if (registry_kind_of(r.bundle->files[i].path) == REGISTRY_PROMPTS)
            list_file(&l, r.bundle->files[i].path);
    json_end_array(&w);
    json_key_c(&w, "errors");
    findings_put_json(&w, &l.findings);
    json_end_object(&w);
    if (c->json) {
        cli_out_json(c, &out);
    } else {
        cli_outf(c, "%s", buf_c(&text));
        findings_print(c, &l.findings);
        if (!l.n && !l.findings.errors)
            cli_note("there are no prompts below .plue/prompts");
    }
    findings_done(&l.findings);
    return CLI_OK;
}

const struct command command_prompt_list = {
    .name = "prompt list",
    .args = "",
    .summary = "show the prompts of this repository",
    .doc = "Prompts with mistakes are reported and do not keep the others from being shown.",
    .example = "plue prompt list\nplue prompt list --json",
    .options = (const struct cli_option[]){{"json", NULL, "print JSON"}, {0}},
    .run = run,
};
