/* plue init: a first workflow, for a repository that has none. */
#include "base/fd.h"
#include "cli/commands.h"
#include "registry/registry.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_PATH ".plue/workflows/ci.py"

static const char first_workflow[] =
    "\"\"\"What is checked for every change. `plue workflow run ci` runs it here.\"\"\"\n"
    "from plue import workflow, push, pull_request, manual\n"
    "\n"
    "\n"
    "@workflow(triggers=[push(branches=[\"main\"]), pull_request(), manual()])\n"
    "def ci(ctx):\n"
    "    # Each step is a shell script in a sandbox; all of them share the folder /workspace.\n"
    "    files = ctx.run(name=\"files\", cmd=\"ls -A | wc -l\")\n"
    "    ctx.parallel([\n"
    "        ctx.run(name=\"build\", cmd=\"echo put the command that builds here\"),\n"
    "        ctx.run(name=\"test\", cmd=\"echo and the one that tests here\"),\n"
    "    ])\n"
    "    return ctx.success(files=files.stdout.strip())\n";

static int answer(struct cli *c, const char *path, bool made)
{
    if (c->json) {
        auto_buf b = BUF(CLI_OUTPUT_MAX);
        struct json_writer w = JSON_WRITER(&b, true);
        json_begin_object(&w);
        json_key_c(&w, "path");
        json_put_c(&w, path);
        json_key_c(&w, "created");
        json_put_bool(&w, made);
        json_end_object(&w);
        cli_out_json(c, &b);
    } else if (made) {
        cli_outf(c,
                 "made %s\n\nSee what it would do:  plue workflow plan ci\nRun it:"
                 "                plue workflow run ci\n",
                 path);
    } else {
        cli_outf(c, "there is %s already: nothing was changed\n", path);
    }
    return CLI_OK;
}

/* Never overwrites: the name is taken in the same moment in which it is found to be free. */
static bool write_new(struct err *err, bool *ret_made)
{
    auto_fd fd = open(FIRST_PATH, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    *ret_made = fd >= 0;
    if (fd < 0 && errno == EEXIST)
        return true;
    int error = fd < 0 ? errno : fd_write_all(fd, first_workflow, sizeof first_workflow - 1);
    return !error || err_errno(err, "file_unreadable", error, "%s cannot be written", FIRST_PATH);
}

static int run(struct cli *c)
{
    auto_err e = ERR_INIT;
    struct stat st;
    bool made = false;
    if (stat(".plue", &st) == 0 && !S_ISDIR(st.st_mode)) {
        err_set(&e, "plue_not_a_folder", ".plue is not a folder");
        err_hint(&e, "move that file away; then `plue init` makes the folder");
        return cli_fail(c, NULL, &e);
    }
    int error = fd_make_dirs(AT_FDCWD, ".plue/workflows", 0755);
    if (error)
        err_errno(&e, "file_unreadable", error, ".plue/workflows cannot be made");
    if (error || !write_new(&e, &made))
        return cli_fail(c, NULL, &e);
    return answer(c, FIRST_PATH, made);
}

const struct command command_init = {
    .name = "init",
    .args = "",
    .summary = "write a first workflow, " FIRST_PATH,
    .doc = "Nothing that is there already is changed.",
    .example = "plue init",
    .options = (const struct cli_option[]){{"json", NULL, "print JSON"}, {0}},
    .run = run,
};
