/* plue run watch, cancel, resume: runs that another process drives, or drove. */
#include "base/clock.h"
#include "base/num.h"
#include "cli/commands.h"
#include "cli/drive.h"
#include <time.h>

enum { CANCEL_WAIT_MS = 15000, CANCEL_POLL_MS = 50 };

static bool take_data(struct cli *c, struct drive *d, int64_t *ret_id, struct err *err)
{
    struct data found = {0};
    bool ok = data_find_run(c, DATA_LOOK, &found, ret_id, err);
    data_done(&found);
    return ok && drive_open(c, DATA_WRITE, d, err);
}

static enum progress_mode watch_mode(const struct cli *c)
{
    return c->json ? PROGRESS_EVENTS : progress_mode_of(c);
}

static int watch(struct cli *c)
{
    auto_drive d = {0};
    auto_err e = ERR_INIT;
    int64_t id;
    if (!take_data(c, &d, &id, &e))
        return cli_fail(c, NULL, &e);
    progress_free(d.progress);
    d.progress = progress_new(c, watch_mode(c));
    drive_watch(&d, id);
    return drive_loop(&d);
}

const struct command command_run_watch = {
    .name = "run watch",
    .args = "ID",
    .min = 1,
    .max = 1,
    .summary = "watch a run until it has ended",
    .doc = "Exits as the run does. A run whose process has died is gone on with.",
    .example = "plue run watch 12",
    .options =
        (const struct cli_option[]){{"follow", NULL, "print the logs as they come"},
                                    {"secret-file", "FILE", "for a run that is gone on with"},
                                    CLI_DATA_DIR_OPTION,
                                    {"json", NULL, "print its events, one JSON object a line"},
                                    {0}},
    .run = watch,
};

/* ---- resume ---- */

static int resume_one(struct cli *c, int64_t id)
{
    auto_drive d = {0};
    auto_err e = ERR_INIT;
    if (!drive_open(c, DATA_WRITE, &d, &e) || !drive_resume(&d, id, &e))
        return cli_fail(c, NULL, &e);
    return drive_loop(&d);
}

static bool find_orphans(struct cli *c, struct arena *a, int64_t **ret_ids, size_t *ret_n,
                         struct err *err)
{
    auto_data d = {0};
    struct store_owner self;
    return data_open(c, DATA_LOOK, &d, err) && store_owner_self(&self, err) &&
           store_list_orphans(d.reader, &self, clock_wall_ms(), a, ret_ids, ret_n, err);
}

static int resume_all(struct cli *c)
{
    auto_arena a = ARENA_INIT;
    auto_err e = ERR_INIT;
    int64_t *ids = NULL;
    size_t n = 0;
    int worst = CLI_OK;
    if (!find_orphans(c, &a, &ids, &n, &e) && strcmp(e.code, "database_missing") != 0)
        return cli_fail(c, NULL, &e);
    if (!n)
        cli_note("no run needs to be resumed");
    if (c->json && n != 1) {
        err_reset(&e);
        err_set(&e, "missing_argument", "%zu runs can be resumed: name one for --json", n);
        return cli_fail(c, NULL, &e);
    }
    for (size_t i = 0; i < n; i++) {
        int status = resume_one(c, ids[i]);
        if (status > worst)
            worst = status;
    }
    return worst;
}

static int resume(struct cli *c)
{
    struct data found = {0};
    auto_err e = ERR_INIT;
    int64_t id;
    if (!c->args.n)
        return resume_all(c);
    bool ok = data_find_run(c, DATA_LOOK, &found, &id, &e);
    data_done(&found);
    return ok ? resume_one(c, id) : cli_fail(c, NULL, &e);
}

const struct command command_run_resume = {
    .name = "run resume",
    .args = "[ID]",
    .max = 1,
    .summary = "go on with a run whose process has died; without ID with all of them",
    .doc = "Finished steps stay finished. A run that another process drives is never taken.",
    .example = "plue run resume\nplue run resume 12",
    .options = (const struct cli_option[]){{"follow", NULL, "print the logs as they come"},
                                           {"secret-file", "FILE", "secrets as NAME=value lines"},
                                           CLI_DATA_DIR_OPTION,
                                           {"json", NULL, "print the run as JSON at its end"},
                                           {0}},
    .run = resume,
};

/* ---- cancel ---- */

static bool has_live_owner(struct drive *d, int64_t id, bool *ret_lives, struct err *err)
{
    struct store_owner self;
    struct store_lease lease;
    bool has = false;
    if (!store_owner_self(&self, err) || !store_load_lease(d->data.reader, id, &lease, &has, err))
        return false;
    *ret_lives = has && !store_lease_is_free(&lease, &self, clock_wall_ms());
    return true;
}

static bool ask_owner(struct drive *d, int64_t id, struct err *err)
{
    struct store_batch *b = store_batch_new(d->data.store);
    struct store_command wish = {
        .run_id = id, .kind = STR("cancel"), .data = STR("{}"), .created_at = clock_wall_ms()};
    store_add_command(b, &wish);
    return store_commit(d->data.store, b, NULL, err);
}

/* The owner looks for wishes a few times a second; its steps have 10 s to end. */
static enum run_status wait_for_end(struct drive *d, int64_t id)
{
    struct store_run run = {.status = RUN_RUNNING};
    for (int waited = 0; waited < CANCEL_WAIT_MS; waited += CANCEL_POLL_MS) {
        auto_arena a = ARENA_INIT;
        auto_err e = ERR_INIT;
        if (!store_load_run(d->data.reader, id, &a, &run, &e) || run_status_is_final(run.status))
            break;
        if (waited == 1000)
            cli_note("waiting for the steps of run %lld to end", (long long)id);
        nanosleep(&(struct timespec){.tv_nsec = CANCEL_POLL_MS * 1000000L}, NULL);
    }
    return run.status;
}

static int report_cancel(struct cli *c, int64_t id, enum run_status status)
{
    if (c->json) {
        auto_buf b = BUF(CLI_OUTPUT_MAX);
        struct json_writer w = JSON_WRITER(&b, true);
        json_begin_object(&w);
        json_key_c(&w, "id");
        json_put_int(&w, id);
        json_key_c(&w, "status");
        json_put_c(&w, run_status_name(status));
        json_end_object(&w);
        cli_out_json(c, &b);
    } else if (run_status_is_final(status)) {
        cli_outf(c, "run %lld %s\n", (long long)id, run_status_name(status));
    } else {
        cli_outf(c, "run %lld was asked to end, and has not yet\n", (long long)id);
    }
    return CLI_OK;
}

static int cancel(struct cli *c)
{
    auto_drive d = {0};
    auto_err e = ERR_INIT;
    int64_t id;
    bool lives = false;
    if (!take_data(c, &d, &id, &e) || !has_live_owner(&d, id, &lives, &e))
        return cli_fail(c, NULL, &e);
    if (lives) {
        if (!ask_owner(&d, id, &e))
            return cli_fail(c, NULL, &e);
        return report_cancel(c, id, wait_for_end(&d, id));
    }
    if (!drive_resume(&d, id, &e))
        return cli_fail(c, NULL, &e);
    engine_cancel(d.engine, id);
    return drive_loop(&d) == CLI_SYSTEM ? CLI_SYSTEM : CLI_OK;
}

const struct command command_run_cancel = {
    .name = "run cancel",
    .args = "ID",
    .min = 1,
    .max = 1,
    .summary = "cancel a run, in this process or another",
    .doc = "Its steps get TERM, and after 10 s KILL.",
    .example = "plue run cancel 12",
    .options = (const struct cli_option[]){CLI_DATA_DIR_OPTION, {"json", NULL, "print JSON"}, {0}},
    .run = cancel,
};
