/* plue doctor: what this machine offers, and what to do about what it does not. */
#include "base/fd.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/doctor_runs.h"
#include "runner/local.h"
#include "sandbox/sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct check {
    const char *name;
    bool ok;
    str detail, advice;
};
struct doctor {
    struct cli *cli;
    VEC(struct check) checks;
    struct sandbox_report report;
    struct err sandbox_error;
    bool tested;
    struct arena arena;
};

static void add_check(struct doctor *d, const char *name, bool ok, str detail, str advice)
{
    vec_push(&d->checks, (struct check){name, ok, detail, advice});
}

static void check_program(struct doctor *d, const char *name, const char *advice)
{
    const char *path = getenv("PATH");
    str rest = str_of(path ? path : "/usr/bin:/bin"), folder;
    while (str_next(&rest, ':', &folder)) {
        str full = arena_printf(&d->arena, "%.*s/%s", STR_ARG(folder), name);
        if (access(full.p, X_OK) == 0) {
            add_check(d, name, true, full, STR(""));
            return;
        }
    }
    add_check(d, name, false, STR("not found in PATH"), str_of(advice));
}

static void check_database(struct doctor *d)
{
    auto_data data = {0};
    auto_err e = ERR_INIT;
    bool ok = data_open(d->cli, DATA_LOOK, &data, &e);
    if (ok)
        add_check(d, "database", true, arena_printf(&d->arena, "%s/plue.db", data.folder), STR(""));
    else if (strcmp(e.code, "database_missing") == 0)
        add_check(d, "database", true, STR("none yet; the first run makes it"), STR(""));
    else
        add_check(d, "database", false, arena_str(&d->arena, e.message),
                  arena_str(&d->arena, e.hint));
}

static void check_sandbox(struct doctor *d)
{
    char scratch[] = "/tmp/plue-doctor-XXXXXX";
    if (!mkdtemp(scratch)) {
        err_errno(&d->sandbox_error, "system_failed", errno, "no scratch folder in /tmp");
        return;
    }
    if (d->cli->err_live)
        cli_note("trying to break every promise of the sandboxes ...");
    d->tested = sandbox_doctor(scratch, &d->report, &d->sandbox_error);
    if (d->tested)
        doctor_try_runs(&d->report, scratch);
    rmdir(scratch);
    struct sandbox_options options = {0};
    auto_err e = ERR_INIT;
    bool ok = sandbox_check(&options, &e);
    str starts = STR("bubblewrap starts, and is kept warm for each run");
    if (d->report.notice.n)
        starts = arena_printf(&d->arena, "bubblewrap starts; %.*s", STR_ARG(d->report.notice));
    add_check(d, "sandbox", ok, ok ? starts : arena_str(&d->arena, e.message),
              ok ? STR("") : arena_str(&d->arena, e.hint));
}

static const char *level_name(enum sandbox_level level)
{
    static const char *const names[] = {"absent", "soft", "hard"};
    return names[level];
}

static const char *verdict(const struct sandbox_row *r)
{
    if (r->level == SANDBOX_ABSENT)
        return "-";
    return !r->tested                 ? "not tested"
           : r->held                  ? "holds"
           : r->level == SANDBOX_HARD ? "BROKEN"
                                      : "not kept";
}

static void print_rows(struct doctor *d, struct buf *b)
{
    const char *backend = "";
    for (size_t i = 0; d->tested && i < d->report.n; i++) {
        const struct sandbox_row *r = &d->report.rows[i];
        if (strcmp(backend, r->backend) != 0)
            buf_addf(b, "\nsandbox %s:\n", backend = r->backend);
        buf_addf(b, "  %-18s %-7s %-10s  %s\n", r->promise->name, level_name(r->level), verdict(r),
                 r->promise->doc);
        bool bad = r->level != SANDBOX_ABSENT && r->tested && !r->held;
        if (bad || (r->level == SANDBOX_SOFT && r->promise->level[0] == SANDBOX_HARD)) {
            if (r->detail.n)
                buf_addf(b, "  %-18s %.*s\n", "", STR_ARG(r->detail));
            if (r->promise->remedy)
                buf_addf(b, "  %-18s %s\n", "", r->promise->remedy);
        }
    }
}

/* The promises in a sentence: a broken one is a finding of its own, a weaker one is said. */
static void check_promises(struct doctor *d)
{
    auto_buf broken = BUF(CLI_OUTPUT_MAX), weaker = BUF(CLI_OUTPUT_MAX), all = BUF(CLI_OUTPUT_MAX);
    size_t holds = 0;
    for (size_t i = 0; d->tested && i < d->report.n; i++) {
        const struct sandbox_row *r = &d->report.rows[i];
        if (r->level == SANDBOX_ABSENT || strcmp(r->backend, "bubblewrap") != 0)
            continue;
        bool held = r->held || !r->tested;
        struct buf *list = r->level == SANDBOX_SOFT ? &weaker : held ? NULL : &broken;
        holds += !list && r->tested;
        if (list)
            buf_addf(list, "%s%s%s", list->n ? ", " : "", r->promise->name,
                     held || list == &broken ? "" : " (not kept)");
    }
    if (!d->tested || !(holds || broken.n))
        return;
    buf_addf(&all, "%zu hold by test", holds);
    if (weaker.n)
        buf_addf(&all, "; weaker here: %s", buf_c(&weaker));
    if (broken.n)
        buf_addf(&all, "; BROKEN: %s", buf_c(&broken));
    add_check(d, "promises", !broken.n, arena_str(&d->arena, buf_str(&all)),
              broken.n ? STR("do not run workflows of others here; the table says what was seen")
                       : STR(""));
}

/* ---- workspaces ---- */

/* What of the data folder is there: as a rule its file system. */
static const char *find_folder(struct doctor *d, const char *path)
{
    str found = arena_str(&d->arena, str_of(path));
    while (found.n > 1 && access(arena_cstr(&d->arena, found), F_OK) < 0) {
        size_t slash = str_rfind_byte(found, '/');
        found = str_sub(found, 0, slash == SIZE_MAX || !slash ? 1 : slash);
    }
    return arena_cstr(&d->arena, found);
}

static bool try_image(struct doctor *d, struct err *err)
{
    auto_free char *data = NULL;
    if (!data_folder(d->cli, &data, err))
        return false;
    return runner_try_image(find_folder(d, data), err);
}

/* Nothing is missing where they are copied: it is slower. */
static void check_workspaces(struct doctor *d)
{
    auto_err why = ERR_INIT;
    bool good = try_image(d, &why);
    add_check(d, "workspaces", true,
              good ? arena_printf(&d->arena, "an image below an overlay, from %d files on",
                                  RUNNER_IMAGE_PATHS_MIN)
                   : arena_printf(&d->arena,
                                  "files are copied one by one, which is slow from %d on: %.*s",
                                  RUNNER_IMAGE_PATHS_MIN, STR_ARG(why.message)),
              arena_str(&d->arena, why.hint));
}

/* ---- what is printed ---- */

static void print_text(struct doctor *d)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    buf_addf(&b, "plue %s\n\n", PLUE_VERSION);
    vec_each (k, &d->checks) {
        buf_addf(&b, "%s %-10s %.*s\n", k->ok ? "✓" : "✗", k->name, STR_ARG(k->detail));
        if (k->advice.n)
            buf_addf(&b, "  %-10s %.*s\n", "", STR_ARG(k->advice));
    }
    if (!d->tested)
        buf_addf(&b, "\nbubblewrap was not tested: %.*s\n", STR_ARG(d->sandbox_error.message));
    print_rows(d, &b);
    cli_out(d->cli, buf_str(&b));
}

static void put_text(struct json_writer *w, const char *key, str value)
{
    json_key_c(w, key);
    json_put_str_or_null(w, value);
}

static void put_row(struct json_writer *w, const struct sandbox_row *r)
{
    json_begin_object(w);
    put_text(w, "backend", str_of(r->backend));
    put_text(w, "promise", str_of(r->promise->name));
    put_text(w, "level", str_of(level_name(r->level)));
    json_key_c(w, "tested");
    json_put_bool(w, r->tested);
    json_key_c(w, "held");
    json_put_bool(w, r->held);
    put_text(w, "detail", r->detail);
    put_text(w, "remedy", str_of(r->promise->remedy));
    json_end_object(w);
}

static void print_json(struct doctor *d)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&b, true);
    json_begin_object(&w);
    put_text(&w, "version", STR(PLUE_VERSION));
    json_key_c(&w, "checks");
    json_begin_array(&w);
    vec_each (k, &d->checks) {
        json_begin_object(&w);
        put_text(&w, "name", str_of(k->name));
        json_key_c(&w, "ok");
        json_put_bool(&w, k->ok);
        put_text(&w, "detail", k->detail);
        put_text(&w, "advice", k->advice);
        json_end_object(&w);
    }
    json_end_array(&w);
    json_key_c(&w, "promises");
    json_begin_array(&w);
    for (size_t i = 0; d->tested && i < d->report.n; i++)
        put_row(&w, &d->report.rows[i]);
    json_end_array(&w);
    json_end_object(&w);
    cli_out_json(d->cli, &b);
}

static int run(struct cli *c)
{
    struct doctor d = {.cli = c};
    int status = CLI_OK;
    check_database(&d);
    check_program(&d, "git", "install it (apt install git): workspaces leave out what git ignores");
    check_program(&d, "bwrap", "install it (apt install bubblewrap): steps run in it");
    check_sandbox(&d);
    check_promises(&d);
    check_workspaces(&d);
    if (c->json)
        print_json(&d);
    else
        print_text(&d);
    vec_each (k, &d.checks)
        status = k->ok ? status : CLI_RUN_FAILED;
    if (d.tested)
        sandbox_report_done(&d.report);
    vec_done(&d.checks);
    err_done(&d.sandbox_error);
    arena_done(&d.arena);
    return status;
}

const struct command command_doctor = {
    .name = "doctor",
    .args = "",
    .summary = "say what this machine offers, and test the sandboxes",
    .doc = "Every promise of every sandbox is tested by trying to break it. Exits with 1 where\n"
           "something is missing or a promise is broken.",
    .example = "plue doctor",
    .options = (const struct cli_option[]){CLI_DATA_DIR_OPTION, {"json", NULL, "print JSON"}, {0}},
    .run = run,
};
