/* How a command answers: stdout for what was asked, stderr for everything else. */
#include "base/fd.h"
#include "cli/command.h"
#include "diag/print.h"
#include "json/error.h"
#include "json/json.h"
#include <stdio.h>
#include <unistd.h>

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

void cli_detect_terminal(struct cli *c)
{
    const char *term = getenv("TERM");
    bool dumb = !term || !*term || strcmp(term, "dumb") == 0;
    bool out = isatty(STDOUT_FILENO) && !dumb, err = isatty(STDERR_FILENO) && !dumb;
    bool colors = !is_set("NO_COLOR") && !is_set("CI");
    c->color = out && colors;
    c->err_color = err && colors;
    c->live = out && !is_set("CI");
    c->err_live = err && !is_set("CI");
}

void cli_out(struct cli *c, str text)
{
    if (!c->out_failed && fd_write_all(STDOUT_FILENO, text.p, text.n) != 0)
        c->out_failed = true;
}

void cli_outf(struct cli *c, const char *fmt, ...)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    va_list args;
    va_start(args, fmt);
    buf_addv(&b, fmt, args);
    va_end(args);
    cli_out(c, buf_str(&b));
}

void cli_out_json(struct cli *c, const struct buf *json)
{
    cli_out(c, buf_str(json));
    cli_out(c, STR("\n"));
}

/* Nothing can be done about a stderr that cannot be written. */
static void to_stderr(const struct buf *b)
{
    int error = fd_write_all(STDERR_FILENO, buf_c(b), b->n);
    (void)error;
}

void cli_note(const char *fmt, ...)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    va_list args;
    buf_add_c(&b, "plue: ");
    va_start(args, fmt);
    buf_addv(&b, fmt, args);
    va_end(args);
    buf_add_byte(&b, '\n');
    to_stderr(&b);
}

void cli_warn(struct cli *c, const char *fmt, ...)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    va_list args;
    buf_add_c(&b, c->err_color ? "\x1b[1;33mwarning:\x1b[0m " : "warning: ");
    va_start(args, fmt);
    buf_addv(&b, fmt, args);
    va_end(args);
    buf_add_byte(&b, '\n');
    to_stderr(&b);
}

/* ---- errors ---- */

/* Codes of what is not the caller's doing. */
int cli_status_of(const char *code)
{
    static const char *const system[] = {
        "database_",          "disk_full", "internal",    "migration_failed", "queue_full",
        "system_failed",      "sandbox_",  "data_folder", "workspace",        "no_doctor",
        "transition_refused", "blob_",     "attach_lost", "attach_no_owner"};
    if (code && strcmp(code, "sandbox_unknown") == 0)
        return CLI_USAGE;
    for (size_t i = 0; code && i < sizeof system / sizeof *system; i++)
        if (strncmp(code, system[i], strlen(system[i])) == 0)
            return CLI_SYSTEM;
    return CLI_USAGE;
}

static json_t *error_tree(struct sources *s, const struct err *e)
{
    auto_buf text = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&text, false);
    json_put_error(&w, s, e);
    return json_loadb(buf_c(&text), text.n, JSON_ALLOW_NUL, NULL);
}

/* The first error, with the others among its details. */
static void out_error_json(struct cli *c, struct sources *s, const struct err_list *errors)
{
    json_t *first = error_tree(s, &errors->at[0]);
    json_t *details = json_object_get(first, "details");
    for (size_t i = 1; i < errors->n; i++)
        json_array_append_new(details, error_tree(s, &errors->at[i]));
    auto_buf out = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&out, true);
    json_begin_object(&w);
    json_key_c(&w, "error");
    json_put(&w, first);
    json_end_object(&w);
    json_decref(first);
    cli_out_json(c, &out);
}

int cli_fail_all(struct cli *c, struct sources *s, const struct err_list *errors)
{
    struct diag_style style = {.color = c->err_color, .severity = "error"};
    if (c->json) {
        out_error_json(c, s, errors);
        return cli_status_of(errors->at[0].code);
    }
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    for (size_t i = 0; i < errors->n; i++)
        diag_add_err(&b, s, &errors->at[i], &style);
    if (errors->dropped)
        buf_addf(&b, "and %zu more errors\n", errors->dropped);
    to_stderr(&b);
    return cli_status_of(errors->at[0].code);
}

int cli_fail(struct cli *c, struct sources *s, const struct err *e)
{
    struct err copy = *e; /* borrowed by the list for the call */
    return cli_fail_all(c, s, &(struct err_list){.at = &copy, .n = 1});
}
