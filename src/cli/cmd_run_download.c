/* plue run download: a run's artifacts, unpacked below a folder. */
#include "base/fd.h"
#include "blob/blob.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "pack/pack.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

static bool get(void *user, void *p, size_t max, size_t *ret_n, struct err *err)
{
    return blob_read(user, p, max, ret_n, err);
}

/* With a name of its own the artifact's files land in dir itself, otherwise in dir/NAME. */
static bool unpack(struct blob_store *s, const struct store_artifact *a, const char *dir,
                   bool named, struct pack_count *ret, struct err *err)
{
    auto_buf path = BUF(PATH_MAX - 1);
    struct blob_reader *reader;
    buf_add_c(&path, dir);
    if (!named)
        buf_addf(&path, "/%.*s", STR_ARG(a->name));
    if (!blob_open(s, a->sha256.p, &reader, err))
        return false;
    int e = path.overflow ? ENAMETOOLONG : fd_make_dirs(AT_FDCWD, buf_c(&path), 0755);
    auto_fd folder = e ? -1 : open(buf_c(&path), O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct pack_target t = {.folder = folder};
    bool ok = folder >= 0
                  ? pack_extract(&t, get, reader, ret, err)
                  : err_errno(err, "file_access", e ? e : errno, "cannot make %s", buf_c(&path));
    blob_close(reader);
    return ok;
}

static void put_artifact(struct json_writer *w, const struct store_artifact *a)
{
    json_begin_object(w);
    json_key_c(w, "name");
    json_put_str(w, a->name);
    json_key_c(w, "step");
    json_put_str(w, a->step_id);
    json_key_c(w, "files");
    json_put_int(w, a->files);
    json_key_c(w, "bytes");
    json_put_int(w, a->bytes);
    json_key_c(w, "sha256");
    json_put_str(w, a->sha256);
    json_end_object(w);
}

static bool choose(struct cli *c, const struct data *d, int64_t id, struct arena *arena,
                   struct store_artifact **ret, size_t *ret_n, struct err *err)
{
    const char *name = c->args.n > 1 ? c->args.at[1] : NULL;
    struct store_artifact *all;
    size_t n;
    if (!store_list_artifacts(d->reader, id, arena, &all, &n, err))
        return false;
    *ret = all;
    *ret_n = n;
    for (size_t i = 0; name && i < n; i++) {
        if (str_is(all[i].name, name)) {
            *ret = &all[i];
            *ret_n = 1;
            return true;
        }
    }
    if (n && !name)
        return true;
    if (!n)
        return err_set(err, "artifact_unknown", "run %lld has no artifacts", (long long)id);
    err_set(err, "artifact_unknown", "run %lld has no artifact '%s'", (long long)id, name);
    err_hint(err, "plue run download %lld --list", (long long)id);
    return false;
}

static int run(struct cli *c)
{
    auto_data d = {0};
    auto_arena a = ARENA_INIT;
    auto_err e = ERR_INIT;
    auto_buf json = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&json, true);
    struct store_artifact *list;
    struct blob_store *blobs = NULL;
    struct pack_count count;
    size_t n;
    int64_t id;
    const char *dir = cli_value(c, "dir") ? cli_value(c, "dir") : ".";
    bool only_list = cli_has(c, "list");
    if (!data_find_run(c, DATA_LOOK, &d, &id, &e) || !choose(c, &d, id, &a, &list, &n, &e) ||
        (!only_list && !blob_store_open(d.folder, &blobs, &e)))
        return cli_fail(c, NULL, &e);
    json_begin_object(&w);
    json_key_c(&w, "artifacts");
    json_begin_array(&w);
    for (size_t i = 0; i < n && !err_is_set(&e); i++) {
        put_artifact(&w, &list[i]);
        if (!only_list && !unpack(blobs, &list[i], dir, c->args.n > 1, &count, &e))
            break;
        if (!c->json)
            cli_outf(c, "%.*s: %lld files, %lld bytes\n", STR_ARG(list[i].name),
                     (long long)list[i].files, (long long)list[i].bytes);
    }
    json_end_array(&w);
    json_end_object(&w);
    blob_store_free(blobs);
    if (err_is_set(&e))
        return cli_fail(c, NULL, &e);
    if (c->json)
        cli_out_json(c, &json);
    return CLI_OK;
}

const struct command command_run_download = {
    .name = "run download",
    .args = "ID [NAME]",
    .min = 1,
    .max = 2,
    .summary = "download a run's artifacts",
    .doc = "All of them, each into a folder of its name, or the files of one. Files that are\n"
           "there are never replaced.",
    .example = "plue run download 12\nplue run download 12 package --dir out",
    .options = (const struct cli_option[]){{"dir", "DIR", "where to (default: here)"},
                                           {"list", NULL, "only say what there is"},
                                           CLI_DATA_DIR_OPTION,
                                           {"json", NULL, "print JSON"},
                                           {0}},
    .run = run,
};
