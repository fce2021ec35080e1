/* plue why: a few sentences from recorded facts. */
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/screen.h"
#include "engine/why.h"

enum { LINE_WIDTH = 1 << 20 };

static void print_json(struct cli *c, int64_t id, const char *step, const struct why *w)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    struct json_writer j = JSON_WRITER(&b, true);
    json_begin_object(&j);
    json_key_c(&j, "run");
    json_put_int(&j, id);
    json_key_c(&j, "step");
    json_put_c(&j, step);
    json_key_c(&j, "sentences");
    json_begin_array(&j);
    for (size_t i = 0; i < w->sentences.n; i++)
        json_put_str(&j, w->sentences.at[i]);
    json_end_array(&j);
    json_end_object(&j);
    cli_out_json(c, &b);
}

static int why(struct cli *c)
{
    auto_data d = {0};
    auto_why w = {0};
    auto_err e = ERR_INIT;
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    const char *step = c->args.n > 1 ? c->args.at[1] : NULL;
    int64_t id;
    if (!data_find_run(c, DATA_LOOK, &d, &id, &e) ||
        !why_explain(d.reader, id, str_of(step), &w, &e))
        return cli_fail(c, NULL, &e);
    if (c->json) {
        print_json(c, id, step, &w);
        return CLI_OK;
    }
    for (size_t i = 0; i < w.sentences.n; i++) {
        screen_add(&b, w.sentences.at[i], LINE_WIDTH, c->color);
        buf_add_byte(&b, '\n');
    }
    cli_out(c, buf_str(&b));
    return CLI_OK;
}

const struct command command_why = {
    .name = "why",
    .args = "RUN [STEP]",
    .min = 1,
    .max = 2,
    .summary = "say why a run or a step is where it is",
    .doc = "A few sentences from what is recorded: why it waits, ran, was skipped or failed.",
    .example = "plue why 12\nplue why 12 build",
    .options = (const struct cli_option[]){CLI_DATA_DIR_OPTION, {"json", NULL, "print JSON"}, {0}},
    .run = why,
};
