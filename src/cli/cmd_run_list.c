/* plue run list: runs, newest first. */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/screen.h"
#include "cli/shapes.h"
#include <stdio.h>

static bool read_filter(struct cli *c, struct store_run_filter *f, struct err *err)
{
    const char *workflow = cli_value(c, "workflow"), *status = cli_value(c, "status");
    const char *branch = cli_value(c, "branch");
    f->workflow = str_of(workflow ? workflow : "");
    f->branch = str_of(branch ? branch : "");
    if (!cli_number(c, "limit", 30, &f->limit, err) ||
        !cli_number(c, "cursor", 0, &f->before_id, err))
        return false;
    if (!status)
        return true;
    f->by_status = run_status_parse(str_of(status), &f->status);
    if (!f->by_status) {
        err_set(err, "invalid_option", "there is no status '%s'", status);
        err_hint(err, "queued, running, waiting, success, failed or cancelled");
    }
    return f->by_status;
}

static bool print_json(struct cli *c, const struct data *d, const struct store_run *runs, size_t n,
                       int64_t next, struct err *err)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&b, true);
    json_begin_object(&w);
    json_key_c(&w, "runs");
    json_begin_array(&w);
    for (size_t i = 0; i < n; i++) {
        struct shape_kept place = {0};
        if (!shape_load_place(d->reader, &runs[i], &place, err))
            return false;
        shape_put_run(&w, &runs[i], NULL, 0, &place);
    }
    json_end_array(&w);
    json_key_c(&w, "next");
    if (next)
        json_put_int(&w, next);
    else
        json_put_null(&w);
    json_end_object(&w);
    cli_out_json(c, &b);
    return true;
}

/* ---- for people ---- */

enum { NAME_COLUMN_MAX = 24, BRANCH_COLUMN_MAX = 20, DURATION_COLUMN = 8 };

struct columns {
    size_t id, workflow, status, event, branch;
};

static size_t wider(size_t column, size_t n, size_t max)
{
    return n > max ? max : n > column ? n : column;
}

/* As wide as what is in them, so that a usual list fits into 80 columns. */
static struct columns measure(const struct store_run *runs, size_t n)
{
    struct columns k = {strlen("ID"), strlen("WORKFLOW"), strlen("STATUS"), strlen("EVENT"),
                        strlen("BRANCH")};
    char id[32];
    for (size_t i = 0; i < n; i++) {
        const struct store_run *r = &runs[i];
        k.id = wider(k.id, (size_t)snprintf(id, sizeof id, "%lld", (long long)r->id), 20);
        k.workflow = wider(k.workflow, r->workflow.n, NAME_COLUMN_MAX);
        k.status = wider(k.status, strlen(run_status_name(r->status)), NAME_COLUMN_MAX);
        k.event = wider(k.event, r->trigger_type.n, NAME_COLUMN_MAX);
        k.branch = wider(k.branch, r->branch.n, BRANCH_COLUMN_MAX);
    }
    return k;
}

static void add_cell(struct buf *b, str text, size_t column)
{
    size_t used = screen_add(b, text, column, false);
    buf_add_repeat(b, ' ', column - used + 2);
}

static void add_row(struct cli *c, struct buf *b, const struct columns *k,
                    const struct store_run *r)
{
    static const char *const colors[RUN_STATUS_COUNT] = {
        [RUN_SUCCESS] = "\x1b[32m", [RUN_FAILED] = "\x1b[31m", [RUN_RUNNING] = "\x1b[33m"};
    const char *color = c->color && colors[r->status] ? colors[r->status] : "";
    int64_t from = r->started_at ? r->started_at : r->created_at;
    int64_t to = r->completed_at ? r->completed_at : clock_wall_ms();
    auto_buf time = BUF(64), duration = BUF(64), id = BUF(64);
    clock_add_rfc3339(&time, r->created_at);
    clock_add_duration(&duration, to > from ? to - from : 0);
    buf_addf(&id, "%lld", (long long)r->id);
    add_cell(b, buf_str(&id), k->id);
    add_cell(b, r->workflow, k->workflow);
    buf_add_c(b, color);
    add_cell(b, str_of(run_status_name(r->status)), k->status);
    buf_add_c(b, *color ? "\x1b[0m" : "");
    add_cell(b, r->trigger_type, k->event);
    add_cell(b, r->branch, k->branch);
    str day = str_sub(buf_str(&time), 0, 10), minute = str_sub(buf_str(&time), 11, 16);
    buf_addf(b, "%*s  %.*s %.*s\n", DURATION_COLUMN, buf_c(&duration), STR_ARG(day),
             STR_ARG(minute));
}

static void note_none(struct cli *c)
{
    static const char *const filters[] = {"workflow", "status", "branch", "cursor"};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        const char *value = cli_value(c, filters[i]);
        if (value) {
            cli_note("no runs with --%s %s; `plue run list` shows all", filters[i], value);
            return;
        }
    }
    cli_note("no runs; `plue workflow run NAME` makes one");
}

static void print_table(struct cli *c, const struct store_run *runs, size_t n, int64_t next)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    struct columns k = measure(runs, n);
    if (!n) {
        note_none(c);
        return;
    }
    add_cell(&b, STR("ID"), k.id);
    add_cell(&b, STR("WORKFLOW"), k.workflow);
    add_cell(&b, STR("STATUS"), k.status);
    add_cell(&b, STR("EVENT"), k.event);
    add_cell(&b, STR("BRANCH"), k.branch);
    buf_addf(&b, "%*s  %s\n", DURATION_COLUMN, "DURATION", "CREATED (UTC)");
    for (size_t i = 0; i < n; i++)
        add_row(c, &b, &k, &runs[i]);
    if (next)
        buf_addf(&b, "older ones: --cursor %lld\n", (long long)next);
    cli_out(c, buf_str(&b));
}

static int run(struct cli *c)
{
    auto_data d = {0};
    auto_arena a = ARENA_INIT;
    auto_err e = ERR_INIT;
    struct store_run_filter filter = {0};
    struct store_run *runs = NULL;
    size_t n = 0;
    int64_t next = 0;
    bool ok = read_filter(c, &filter, &e) && data_open(c, DATA_LOOK, &d, &e) &&
              store_list_runs(d.reader, &filter, &a, &runs, &n, &next, &e);
    if (!ok && strcmp(e.code, "database_missing") != 0)
        return cli_fail(c, NULL, &e);
    err_reset(&e);
    if (c->json && !print_json(c, &d, runs, n, next, &e))
        return cli_fail(c, NULL, &e);
    if (!c->json)
        print_table(c, runs, n, next);
    return CLI_OK;
}

const struct command command_run_list = {
    .name = "run list",
    .args = "",
    .summary = "list runs, newest first",
    .example = "plue run list\nplue run list --workflow ci --status failed",
    .options = (const struct cli_option[]){{"workflow", "NAME", "only runs of this workflow"},
                                           {"status", "STATUS", "only runs with this status"},
                                           {"branch", "BRANCH", "only runs of this branch"},
                                           {"limit", "N", "how many (default 30)"},
                                           {"cursor", "ID", "begin with runs older than this one"},
                                           CLI_DATA_DIR_OPTION,
                                           {"json", NULL, "print JSON"},
                                           {0}},
    .run = run,
};
