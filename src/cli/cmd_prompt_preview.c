/* plue prompt preview: a prompt as its model would read it, with given or made-up inputs. */
#include "cli/commands.h"
#include "cli/findings.h"
#include "cli/prompt_file.h"
#include "vm/render.h"
#include "json/json.h"
#include "json/value.h"
#include <limits.h>

/* A text is shown as the name of its input, so that it can be found in what is rendered. */
static void make_up_inputs(struct prompt_file *p)
{
    const struct type *t = p->prompt->inputs;
    auto_buf made = BUF(1 << 16);
    for (uint32_t i = 0; i < t->n; i++) {
        const struct type_field *f = &t->fields[i];
        if (f->type->kind == TYPE_OPTIONAL || json_object_getn(p->inputs, f->name.p, f->name.n))
            continue;
        auto_buf name = BUF(1 << 16);
        buf_addf(&name, "[%.*s]", STR_ARG(f->name));
        json_object_setn_new(p->inputs, f->name.p, f->name.n,
                             f->type->kind == TYPE_STR ? json_string(buf_c(&name))
                                                       : type_sample(f->type));
        buf_addf(&made, "%s%.*s", made.n ? ", " : "", STR_ARG(f->name));
    }
    if (made.n)
        cli_note("inputs that were not given are made up: %s", buf_c(&made));
}

static bool make_context(struct prompt_file *p, struct heap *h, val *ret, struct err *err)
{
    auto_buf schema = BUF(BUF_TEXT_MAX);
    struct json_writer w = JSON_WRITER(&schema, true);
    json_t *context = type_complete(p->prompt->inputs, p->inputs);
    if (p->prompt->output)
        type_write_json_schema(&w, p->prompt->output);
    json_object_set_new(context, "output_schema", json_stringn(buf_c(&schema), schema.n));
    auto_free char *text = json_dumps(context, JSON_COMPACT);
    json_decref(context);
    if (json_read_val(h, str_of(text), 0, ret))
        return true;
    err_move(err, &h->fault.err);
    return false;
}

static size_t body_at(str path, str text)
{
    return str_ends(path, STR(".prompt.md")) ? prompt_body_at(text) : 0;
}

static int render(struct prompt_file *p)
{
    struct render_options options = {
        .limits = render_limits(), .undefined = UNDEFINED_STRICT, .body_at = body_at};
    struct renderer *r = renderer_new(&options);
    auto_buf own = BUF(PATH_MAX * 2), top = BUF(PATH_MAX * 2), out = BUF(BUF_TEXT_MAX),
             report = BUF(BUF_TEXT_MAX);
    auto_err e = ERR_INIT;
    val context = VAL_UNBOUND;
    str path = p->prompt->path, text = prompt_file_text(p);
    size_t slash = str_rfind_byte(path, '/');
    buf_addf(&own, "%s/%.*s", p->registry->root, STR_ARG(str_sub(path, 0, slash)));
    buf_addf(&top, "%s/.plue/prompts", p->registry->root);
    bool ok = renderer_add_root(r, buf_c(&own), &e) && renderer_add_root(r, buf_c(&top), &e) &&
              make_context(p, renderer_heap(r), &context, &e);
    if (ok) {
        heap_hold(renderer_heap(r), context);
        ok = render_text(r, str_sub(path, slash + 1, path.n), path, text, prompt_body_at(text),
                         context, &out, &e);
        heap_release(renderer_heap(r), 1);
    }
    if (ok)
        cli_out(p->cli, buf_str(&out));
    else
        render_add_error(&report, renderer_sources(r), &e, p->cli->err_color);
    if (report.n)
        cli_note("%s", buf_c(&report));
    renderer_free(r);
    return ok ? CLI_OK : CLI_USAGE;
}

static int preview(struct prompt_file *p)
{
    auto_err e = ERR_INIT;
    struct err_list errors = {0};
    struct findings findings = {.color = p->cli->err_color};
    int status = CLI_USAGE;

    if (!prompt_file_load(p, &errors, &e)) {
        if (err_is_set(&e))
            status = cli_fail(p->cli, NULL, &e);
    } else if (!prompt_file_read_inputs(p, NULL, &e)) {
        status = cli_fail(p->cli, NULL, &e);
    } else {
        make_up_inputs(p);
        if (type_check(p->prompt->inputs, p->inputs, STR("input"), &errors))
            status = render(p);
    }
    findings_add_all(&findings, &p->sources, &errors, "error");
    findings_print(p->cli, &findings);
    findings_done(&findings);
    err_list_done(&errors);
    return status;
}

static int run(struct cli *c)
{
    auto_registry r = {0};
    struct prompt_file p = {.cli = c, .registry = &r};
    int status = CLI_USAGE;
    if (!request_open_registry(c, &r, &status))
        return status;
    status = preview(&p);
    prompt_file_done(&p);
    return status;
}

const struct command command_prompt_preview = {
    .name = "prompt preview",
    .args = "FILE",
    .min = 1,
    .max = 1,
    .summary = "render a prompt as its model would read it",
    .doc = "Inputs that are not given are made up from their types.",
    .example = "plue prompt preview .plue/prompts/Review.prompt.md --input diff=x\n"
               "plue prompt preview Review.prompt.md --inputs inputs.json",
    .options = (const struct cli_option[]){CLI_INPUT_OPTIONS, {0}},
    .run = run,
};
