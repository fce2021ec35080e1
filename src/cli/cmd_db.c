/* plue db migrate, backup, prune: the database as a whole. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/num.h"
#include "blob/blob.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "engine/engine.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RUNS_AT_ONCE = 20 };

/* ---- migrate ---- */

static int migrate(struct cli *c)
{
    auto_data d = {0};
    auto_err e = ERR_INIT;
    int64_t version;
    if (!data_open(c, DATA_WRITE, &d, &e) || !store_version(d.reader, &version, &e))
        return cli_fail(c, NULL, &e);
    cli_outf(c, "%s/plue.db is up to date: version %lld\n", d.folder, (long long)version);
    return CLI_OK;
}

const struct command command_db_migrate = {
    .name = "db migrate",
    .args = "",
    .summary = "bring the database up to date",
    .doc = "Every command that writes does so by itself; this one does nothing else.",
    .example = "plue db migrate",
    .options = (const struct cli_option[]){CLI_DATA_DIR_OPTION, {0}},
    .run = migrate,
};

/* ---- backup ---- */

static bool check_absent(const char *path, struct err *err)
{
    if (access(path, F_OK) < 0)
        return true;
    err_set(err, "file_exists", "%s is there already", path);
    err_hint(err, "a backup replaces nothing: remove it, or choose another name");
    return false;
}

/* Under another name until it is whole and on the disk. */
static bool write_backup(struct data *d, const char *path, struct err *err)
{
    auto_buf part = BUF(PATH_MAX);
    buf_addf(&part, "%s.part", path);
    mode_t before = umask(077);
    unlink(buf_c(&part));
    bool ok = store_backup(d->reader, buf_c(&part), err);
    umask(before);
    auto_fd fd = ok ? open(buf_c(&part), O_RDONLY | O_CLOEXEC) : -1;
    if (ok && (fd < 0 || fsync(fd) < 0 || link(buf_c(&part), path) < 0))
        ok = err_errno(err, "file_access", errno, "cannot write %s", path);
    unlink(buf_c(&part));
    return ok;
}

static int backup(struct cli *c)
{
    auto_data d = {0};
    auto_err e = ERR_INIT;
    const char *path = c->args.at[0];
    struct stat st = {0};
    if (!check_absent(path, &e) || !data_open(c, DATA_LOOK, &d, &e) || !write_backup(&d, path, &e))
        return cli_fail(c, NULL, &e);
    if (stat(path, &st) == 0)
        cli_outf(c, "%s: %lld bytes\n", path, (long long)st.st_size);
    return CLI_OK;
}

const struct command command_db_backup = {
    .name = "db backup",
    .args = "FILE",
    .min = 1,
    .max = 1,
    .summary = "write a copy of the database, also while runs go on",
    .doc =
        "The copy is of one moment. Secrets in it are sealed: their key, secret.key beside the\n"
        "database, is not in it; nor are artifacts, caches and files of runs, which stand in\n"
        "blobs/ there: copy both after it. To restore, put it back as plue.db while nothing runs,\n"
        "with secret.key and blobs/ beside it.",
    .example = "plue db backup plue-backup.db",
    .options = (const struct cli_option[]){CLI_DATA_DIR_OPTION, {0}},
    .run = backup,
};

/* ---- prune ---- */

/* "90s", "30d"; "512K", "10G": a number and one letter. */
static bool parse_unit(struct cli *c, const char *option, const char *letters,
                       const int64_t *factors, int64_t *ret, struct err *err)
{
    const char *given = cli_value(c, option);
    *ret = 0;
    if (!given)
        return true;
    size_t n = strlen(given);
    const char *letter = n > 1 ? strchr(letters, given[n - 1]) : NULL;
    int64_t number;
    if (letter && *letter && num_parse_int(str_make(given, n - 1), &number) && number >= 0 &&
        !__builtin_mul_overflow(number, factors[letter - letters], ret) && *ret > 0)
        return true;
    err_set(err, "invalid_option", "--%s %s: give a number and one of %s", option, given, letters);
    return false;
}

static bool delete_rows(struct data *d, const int64_t *ids, size_t n, struct err *err)
{
    struct store_batch *b = store_batch_new(d->store);
    for (size_t i = 0; i < n; i++)
        store_delete_run(b, ids[i]);
    store_sweep_sources(b);
    return store_commit(d->store, b, NULL, err);
}

struct sweep {
    struct data *data;
    struct blob_store *blobs;
};

static bool remove_unless_used(void *ctx, const char *sha256, struct err *err)
{
    struct sweep *s = ctx;
    bool used = true;
    if (!store_blob_is_used(s->data->reader, str_of(sha256), &used, err))
        return false;
    if (!used)
        blob_remove_old(s->blobs, sha256);
    return true;
}

/* What runs that were refused, killed or evicted have left. */
static bool sweep_blobs(struct data *d, struct err *err)
{
    struct sweep s = {.data = d};
    bool ok = blob_store_open(d->folder, &s.blobs, err) &&
              blob_each_left(s.blobs, remove_unless_used, &s, err);
    blob_store_free(s.blobs);
    return ok;
}

/* Only what these runs referred to is looked at: a blob whose row is being written is not. */
static bool remove_unused_blobs(struct data *d, const str *blobs, size_t n, struct err *err)
{
    struct blob_store *s = NULL;
    bool ok = !n || blob_store_open(d->folder, &s, err);
    for (size_t i = 0; ok && i < n; i++) {
        bool used = true;
        ok = store_blob_is_used(d->reader, blobs[i], &used, err);
        if (ok && !used) {
            auto_free char *name = str_dup(blobs[i]);
            blob_remove(s, name);
        }
    }
    blob_store_free(s);
    return ok;
}

static bool delete_runs(struct data *d, const int64_t *ids, size_t n, struct err *err)
{
    auto_arena a = ARENA_INIT;
    VEC(str) blobs = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        str *some = NULL;
        size_t count = 0;
        ok = store_list_blobs(d->reader, ids[i], &a, &some, &count, err);
        for (size_t k = 0; k < count; k++)
            vec_push(&blobs, some[k]);
    }
    ok = ok && delete_rows(d, ids, n, err) && remove_unused_blobs(d, blobs.at, blobs.n, err);
    vec_done(&blobs);
    return ok;
}

/* Oldest first: all that ended before, then as many as the size asks for. */
static bool prune_some(struct data *d, int64_t before, int64_t max_size, size_t *ret_n,
                       struct err *err)
{
    auto_arena a = ARENA_INIT;
    int64_t *ids = NULL, size = 0;
    size_t n = 0;
    *ret_n = 0;
    if (before && !store_list_ended(d->reader, before, RUNS_AT_ONCE, &a, &ids, &n, err))
        return false;
    if (!n && max_size) {
        if (!store_size(d->reader, &size, err))
            return false;
        if (size > max_size && !store_list_ended(d->reader, 0, 1, &a, &ids, &n, err))
            return false;
    }
    if (n && !delete_runs(d, ids, n, err))
        return false;
    *ret_n = n;
    return true;
}

static bool prune_snapshots(struct data *d, int64_t age, size_t *ret_n, struct err *err)
{
    auto_arena a = ARENA_INIT;
    struct blob_store *blobs = NULL;
    int64_t *runs = NULL;
    *ret_n = 0;
    bool ok = store_list_old_snapshots(d->reader, clock_wall_ms() - age, INT64_MAX, &a, &runs,
                                       ret_n, err) &&
              (!*ret_n || (blob_store_open(d->folder, &blobs, err) &&
                           snapshots_remove(d->store, d->reader, blobs, runs, *ret_n, err)));
    blob_store_free(blobs);
    return ok;
}

static int prune(struct cli *c)
{
    static const int64_t times[] = {1000, 60 * 1000, 3600 * 1000, 24 * 3600 * 1000};
    static const int64_t sizes[] = {1 << 10, 1 << 20, 1 << 30};
    auto_data d = {0};
    auto_err e = ERR_INIT;
    int64_t age, max_size, size, snapshots;
    size_t n = 1, all = 0, without = 0;
    if (!parse_unit(c, "older-than", "smhd", times, &age, &e) ||
        !parse_unit(c, "snapshots-older-than", "smhd", times, &snapshots, &e) ||
        !parse_unit(c, "max-size", "KMG", sizes, &max_size, &e))
        return cli_fail(c, NULL, &e);
    if (!age && !max_size && !snapshots) {
        err_set(&e, "missing_argument",
                "--older-than, --snapshots-older-than or --max-size is needed");
        err_hint(&e, "plue db prune --older-than 30d");
        return cli_fail(c, NULL, &e);
    }
    if (!data_open(c, DATA_WRITE, &d, &e))
        return cli_fail(c, NULL, &e);
    if (snapshots && !prune_snapshots(&d, snapshots, &without, &e))
        return cli_fail(c, NULL, &e);
    int64_t before = age ? clock_wall_ms() - age : 0;
    for (; n; all += n)
        if (!prune_some(&d, before, max_size, &n, &e))
            return cli_fail(c, NULL, &e);
    if (!sweep_blobs(&d, &e))
        return cli_fail(c, NULL, &e);
    if (all && !store_compact(d.store, &e)) {
        cli_note("the space is free inside of the database, and not given back: %.*s",
                 STR_ARG(e.message));
        err_reset(&e);
    }
    if (!store_size(d.reader, &size, &e))
        return cli_fail(c, NULL, &e);
    if (snapshots)
        cli_outf(c, "snapshots of %zu runs removed\n", without);
    cli_outf(c, "%zu runs removed; the database has %lld bytes\n", all, (long long)size);
    return CLI_OK;
}

const struct command command_db_prune = {
    .name = "db prune",
    .args = "",
    .summary = "remove old runs with their logs and artifacts",
    .doc = "Runs that have not ended are never removed. With --max-size the oldest go until the\n"
           "database is no larger.",
    .example = "plue db prune --older-than 30d\nplue db prune --max-size 2G",
    .options = (const struct cli_option[]){{"older-than", "TIME", "what ended before: 12h, 30d"},
                                           {"snapshots-older-than", "TIME",
                                            "files of runs that ended before; the runs stay"},
                                           {"max-size", "SIZE", "of the database: 500M, 2G"},
                                           CLI_DATA_DIR_OPTION,
                                           {0}},
    .run = prune,
};
