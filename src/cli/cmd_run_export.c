/* plue run export and import: a run as one file. */
#include "base/clock.h"
#include "base/fd.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/secrets.h"
#include "engine/bundle.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAY_EVERY_MS = 1000 };

/* ---- progress of what takes longer ---- */

struct saying {
    const char *what;
    int64_t said_at;
};

static void say(void *data, int64_t bytes)
{
    struct saying *s = data;
    int64_t now = clock_mono_ms();
    if (now - s->said_at < SAY_EVERY_MS)
        return;
    s->said_at = now;
    cli_note("%s: %lld MiB", s->what, (long long)(bytes >> 20));
}

static void put_left_out(struct json_writer *w, const struct bundle_report *r)
{
    json_key_c(w, "left_out");
    json_begin_array(w);
    for (size_t i = 0; i < r->left_out.n; i++)
        json_put_str(w, r->left_out.at[i]);
    json_end_array(w);
}

/* ---- export ---- */

static bool check_absent(const char *path, struct err *err)
{
    if (access(path, F_OK) < 0)
        return true;
    err_set(err, "file_exists", "%s is there already", path);
    err_hint(err, "a bundle replaces nothing: remove it, or choose another name");
    return false;
}

/* Under another name until it is whole and on the disk. */
static bool write_bundle(struct bundle_export *q, const char *path, struct bundle_report *ret,
                         struct err *err)
{
    auto_buf part = BUF(PATH_MAX);
    buf_addf(&part, "%s.part", path);
    auto_fd fd = open(buf_c(&part), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, "file_access", errno, "cannot write %s", buf_c(&part));
    q->fd = fd;
    bool ok = bundle_export(q, ret, err);
    if (ok && (fsync(fd) < 0 || link(buf_c(&part), path) < 0))
        ok = err_errno(err, "file_access", errno, "cannot write %s", path);
    unlink(buf_c(&part));
    return ok;
}

static void answer_export(struct cli *c, const struct bundle_report *r, const char *path)
{
    auto_buf json = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&json, true);
    struct stat st = {0};
    (void)!stat(path, &st);
    for (size_t i = 0; !c->json && i < r->left_out.n; i++)
        cli_note("left out: %.*s", STR_ARG(r->left_out.at[i]));
    if (!c->json) {
        cli_outf(c, "run %lld of %.*s: %lld bytes in %s\n", (long long)r->run_id,
                 STR_ARG(r->workflow), (long long)st.st_size, path);
        return;
    }
    json_begin_object(&w);
    json_key_c(&w, "run");
    json_put_int(&w, r->run_id);
    json_key_c(&w, "file");
    json_put_c(&w, path);
    json_key_c(&w, "bytes");
    json_put_int(&w, st.st_size);
    put_left_out(&w, r);
    json_end_object(&w);
    cli_out_json(c, &json);
}

/* What steps of the run's repository may have been given, so that it can be looked for. */
static bool find_secrets(struct cli *c, struct data *d, int64_t id, struct secrets *ret,
                         struct err *err)
{
    auto_arena a = ARENA_INIT;
    cleanup(config_done) struct config config = {0};
    struct store_run run;
    return store_load_run(d->reader, id, &a, &run, err) &&
           config_read(arena_cstr(&a, run.repository), &config, err) &&
           secrets_open(c, cli_value(c, "secret-file"), ret, err) &&
           secrets_add_provided(c, ret, d, &config, err);
}

static int export(struct cli *c)
{
    auto_data d = {0};
    auto_err e = ERR_INIT;
    cleanup(secrets_done) struct secrets secrets = {0};
    cleanup(bundle_report_done) struct bundle_report report = {0};
    struct saying saying = {"exporting", clock_mono_ms()};
    int64_t id;
    if (!check_absent(c->args.at[1], &e) || !data_find_run(c, DATA_LOOK, &d, &id, &e) ||
        !find_secrets(c, &d, id, &secrets, &e))
        return cli_fail(c, NULL, &e);
    struct bundle_export q = {.reader = d.reader,
                              .data_dir = d.folder,
                              .run_id = id,
                              .secrets = secrets.values.at,
                              .secret_count = secrets.values.n,
                              .progress = say,
                              .data = &saying};
    if (!write_bundle(&q, c->args.at[1], &report, &e))
        return cli_fail(c, NULL, &e);
    answer_export(c, &report, c->args.at[1]);
    return CLI_OK;
}

const struct command command_run_export = {
    .name = "run export",
    .args = "ID FILE",
    .min = 2,
    .max = 2,
    .summary = "write a run to one file",
    .doc =
        "Workflow, event, steps, logs, models' answers, artifacts and snapshots of a run that has\n"
        "ended, for plue run import elsewhere. No secret is in it: files in which one stands are\n"
        "left out and named. A secret of another run's --secret-file is known only if it is given\n"
        "again.",
    .example = "plue run export 12 run-12.plue",
    .options =
        (const struct cli_option[]){
            {"secret-file", "FILE", "further secrets that must not be in it, as NAME=value lines"},
            CLI_DATA_DIR_OPTION,
            {"json", NULL, "print JSON"},
            {0}},
    .run = export,
};

/* ---- import ---- */

static void answer_import(struct cli *c, const struct bundle_report *r)
{
    auto_buf json = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&json, true);
    if (!c->json) {
        cli_outf(c,
                 "run %lld here: %.*s, which was run %lld there\n"
                 "see it: plue run view %lld; go on from a step: plue run rerun %lld --from STEP\n",
                 (long long)r->run_id, STR_ARG(r->workflow), (long long)r->origin_id,
                 (long long)r->run_id, (long long)r->run_id);
        return;
    }
    json_begin_object(&w);
    json_key_c(&w, "run");
    json_put_int(&w, r->run_id);
    json_key_c(&w, "origin_run");
    json_put_int(&w, r->origin_id);
    json_key_c(&w, "workflow");
    json_put_str(&w, r->workflow);
    json_end_object(&w);
    cli_out_json(c, &json);
}

static int import(struct cli *c)
{
    auto_data d = {0};
    auto_err e = ERR_INIT;
    cleanup(bundle_report_done) struct bundle_report report = {0};
    struct saying saying = {"importing", clock_mono_ms()};
    auto_fd fd = open(c->args.at[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        err_errno(&e, "file_unreadable", fd < 0 ? errno : EINVAL, "%s cannot be read",
                  c->args.at[0]);
        return cli_fail(c, NULL, &e);
    }
    if (!data_open(c, DATA_MAKE, &d, &e))
        return cli_fail(c, NULL, &e);
    struct bundle_import q = {.store = d.store,
                              .reader = d.reader,
                              .data_dir = d.folder,
                              .fd = fd,
                              .progress = say,
                              .data = &saying};
    if (!bundle_import(&q, &report, &e))
        return cli_fail(c, NULL, &e);
    answer_import(c, &report);
    return CLI_OK;
}

const struct command command_run_import = {
    .name = "run import",
    .args = "FILE",
    .min = 1,
    .max = 1,
    .summary = "read a run from a file that run export has written",
    .doc = "It gets an id of its own here, and keeps the one that it had as its origin. What is\n"
           "damaged or of a newer version is refused, and nothing of it is kept. Running it again\n"
           "runs the commands of whoever wrote it, in the local sandbox.",
    .example = "plue run import run-12.plue",
    .options = (const struct cli_option[]){CLI_DATA_DIR_OPTION, {"json", NULL, "print JSON"}, {0}},
    .run = import,
};
