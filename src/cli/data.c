#include "cli/data.h"
#include "base/fd.h"
#include "base/num.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool data_folder(struct cli *c, char **ret_folder, struct err *err)
{
    const char *given = cli_value(c, "data-dir"), *plue = getenv("PLUE_DATA_DIR");
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    auto_buf b = BUF(1 << 16);
    if (given && *given)
        buf_add_c(&b, given);
    else if (plue && *plue)
        buf_add_c(&b, plue);
    else if (xdg && xdg[0] == '/')
        buf_addf(&b, "%s/plue", xdg);
    else if (home && home[0] == '/')
        buf_addf(&b, "%s/.local/share/plue", home);
    else {
        err_set(err, "invalid_option", "there is no HOME to keep runs in");
        err_hint(err, "give --data-dir DIR, or set PLUE_DATA_DIR");
        return false;
    }
    if (b.p[0] != '/') { /* steps and helpers have other working folders */
        auto_free char *here = realpath(".", NULL);
        if (!here)
            return err_errno(err, "file_unreadable", errno, "the present folder cannot be found");
        auto_buf full = BUF(1 << 16);
        buf_addf(&full, "%s/%s", here, buf_c(&b));
        *ret_folder = buf_take(&full, NULL);
        return true;
    }
    *ret_folder = buf_take(&b, NULL);
    return true;
}

static bool make_folder(const char *folder, struct err *err)
{
    int error = fd_make_dirs(AT_FDCWD, folder, 0700);
    if (!error)
        return true;
    err_errno(err, "data_folder", error, "the data folder %s cannot be made", folder);
    err_hint(err, "choose another one with --data-dir or PLUE_DATA_DIR");
    return false;
}

static bool open_store(const char *path, enum data_purpose purpose, struct store **ret,
                       struct err *err)
{
    struct store_options options = {.create = purpose == DATA_MAKE,
                                    .read_only = purpose == DATA_LOOK};
    if (purpose != DATA_LOOK)
        return store_open(path, &options, ret, err);
    auto_err first = ERR_INIT;
    if (store_open(path, &options, ret, &first))
        return true;
    /* An older one is brought up to date by whoever comes first. */
    options.read_only = false;
    if (strcmp(first.code, "database_older") == 0)
        return store_open(path, &options, ret, err);
    err_move(err, &first);
    return false;
}

bool data_open_in(const char *folder, enum data_purpose purpose, struct data *ret, struct err *err)
{
    *ret = (struct data){.folder = str_dup(str_of(folder))};
    if (purpose == DATA_MAKE && !make_folder(ret->folder, err))
        return false;
    auto_buf path = BUF(1 << 16);
    buf_addf(&path, "%s/plue.db", ret->folder);
    return open_store(buf_c(&path), purpose, &ret->store, err) &&
           store_reader_open(ret->store, &ret->reader, err);
}

bool data_open(struct cli *c, enum data_purpose purpose, struct data *ret, struct err *err)
{
    auto_free char *folder = NULL;
    *ret = (struct data){0};
    return data_folder(c, &folder, err) && data_open_in(folder, purpose, ret, err);
}

void data_done(struct data *d)
{
    if (d->reader)
        store_reader_close(d->reader);
    if (d->store)
        store_close(d->store);
    free(d->folder);
    *d = (struct data){0};
}

static bool unknown_run(const char *id, struct err *err)
{
    err_reset(err);
    err_set(err, "run_unknown", "there is no run %s", id);
    err_hint(err, "`plue run list` shows all runs");
    return false;
}

bool data_find_run(struct cli *c, enum data_purpose purpose, struct data *ret, int64_t *ret_id,
                   struct err *err)
{
    const char *text = c->args.at[0];
    auto_arena a = ARENA_INIT;
    struct store_run run;
    if (!num_parse_int(str_of(text), ret_id) || *ret_id < 1) {
        err_set(err, "run_unknown", "'%s' is no id of a run", text);
        err_hint(err, "runs are counted from 1: `plue run list` shows them");
        return false;
    }
    if (data_open(c, purpose, ret, err) && store_load_run(ret->reader, *ret_id, &a, &run, err))
        return true;
    bool unknown =
        strcmp(err->code, "database_missing") == 0 || strcmp(err->code, "run_unknown") == 0;
    return unknown ? unknown_run(text, err) : false;
}
