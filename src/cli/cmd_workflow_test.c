/* plue workflow test: what the repository's tests expect of its plans. Nothing is executed. */
#include "base/fd.h"
#include "cli/commands.h"
#include "cli/request.h"
#include "cli/test_check.h"
#include "json/error.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEST_FILES_MAX = 1000 };

struct testing {
    struct cli *cli;
    struct registry registry;
    VEC(char *) files; /* as they can be opened */
    struct findings broken;
    struct buf text, json;
    struct json_writer writer;
    size_t passed, failed, updated;
};

static void testing_done(struct testing *t)
{
    registry_done(&t->registry);
    vec_each (f, &t->files)
        free(*f);
    vec_done(&t->files);
    findings_done(&t->broken);
    buf_done(&t->text);
    buf_done(&t->json);
}

/* ---- which files ---- */

static bool is_yaml(const char *name)
{
    str s = str_of(name);
    return name[0] != '.' && (str_ends(s, STR(".yaml")) || str_ends(s, STR(".yml")));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_folder(struct testing *t, const char *folder, struct err *err)
{
    DIR *dir = opendir(folder);
    size_t from = t->files.n;
    if (!dir)
        return err_errno(err, "file_unreadable", errno, "%s cannot be read", folder);
    for (struct dirent *e; (e = readdir(dir)) && t->files.n < TEST_FILES_MAX;) {
        auto_buf path = BUF(1 << 16);
        buf_addf(&path, "%s/%s", folder, e->d_name);
        if (is_yaml(e->d_name))
            vec_push(&t->files, buf_take(&path, NULL));
    }
    closedir(dir);
    if (t->files.n > from)
        qsort(t->files.at + from, t->files.n - from, sizeof *t->files.at, by_name);
    return true;
}

static bool add_path(struct testing *t, const char *path, struct err *err)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        err_errno(err, "file_missing", errno, "%s cannot be read", path);
        err_hint(err, "`plue workflow test` without a path runs all of .plue/tests");
        return false;
    }
    if (S_ISDIR(st.st_mode))
        return add_folder(t, path, err);
    vec_push(&t->files, str_dup(str_of(path)));
    return true;
}

static bool find_files(struct testing *t, struct err *err)
{
    auto_buf folder = BUF(1 << 16);
    if (t->cli->args.n) {
        for (size_t i = 0; i < t->cli->args.n; i++)
            if (!add_path(t, t->cli->args.at[i], err))
                return false;
        return true;
    }
    buf_addf(&folder, "%s/.plue/tests", t->registry.root);
    struct stat st;
    return stat(buf_c(&folder), &st) != 0 || add_folder(t, buf_c(&folder), err);
}

/* Below the repository paths are shown from its root, as all others are. */
static str shown(const struct testing *t, const char *file, struct arena *a)
{
    auto_free char *real = realpath(file, NULL);
    str path = str_of(real ? real : file), root = str_of(t->registry.root);
    if (str_starts(path, root) && path.n > root.n && path.p[root.n] == '/')
        return arena_str(a, str_sub(path, root.n + 1, path.n));
    return arena_str(a, str_of(file));
}

/* ---- answers ---- */

static void put_case(struct testing *t, struct test_file *f, const struct test_case *c,
                     struct test_played *p)
{
    struct json_writer *w = &t->writer;
    struct place place = {0};
    sources_place(&f->sources, c->name_at, &place);
    json_begin_object(w);
    json_key_c(w, "name");
    json_put_str(w, c->name);
    json_key_c(w, "path");
    json_put_str(w, f->path);
    json_key_c(w, "line");
    json_put_int(w, place.line);
    json_key_c(w, "workflow");
    json_put_str(w, c->workflow);
    json_key_c(w, "status");
    json_put_c(w, p->failures.errors ? "failed" : "passed");
    json_key_c(w, "failures");
    findings_put_json(w, &p->failures);
    json_end_object(w);
}

static void add_case(struct testing *t, const struct test_case *c, struct test_played *p)
{
    bool ok = !p->failures.errors, color = t->cli->color;
    buf_addf(&t->text, "%s%s%s  %.*s\n", color ? (ok ? "\x1b[32m" : "\x1b[31m") : "",
             ok ? "ok  " : "FAIL", color ? "\x1b[0m" : "", STR_ARG(c->name));
    vec_each (n, &p->failures.all) {
        str rest = n->text, line;
        while (str_next(&rest, '\n', &line))
            buf_addf(&t->text, "%s%.*s\n", line.n ? "      " : "", STR_ARG(line));
    }
}

/* ---- running ---- */

static bool write_update(struct testing *t, struct test_file *f, const struct test_played *played,
                         struct err *err)
{
    auto_buf text = BUF(BUF_TEXT_MAX);
    struct stat st = {.st_mode = 0644};
    if (!test_update(f, played, &text))
        return true;
    (void)!stat(f->file, &st);
    int error = fd_write_file(AT_FDCWD, f->file, buf_str(&text), st.st_mode & 0777);
    if (error)
        return err_errno(err, "file_unwritable", error, "%s cannot be written", f->file);
    t->updated++;
    cli_note("updated %.*s", STR_ARG(f->path));
    return true;
}

static void play_all(struct testing *t, struct test_file *f, struct test_played *played)
{
    for (size_t i = 0; i < f->cases.n; i++) {
        played[i].failures.color = t->cli->color;
        test_play(&played[i], &t->registry, f, &f->cases.at[i]);
        test_check(&played[i], f, &f->cases.at[i]);
    }
}

static void answer_all(struct testing *t, struct test_file *f, struct test_played *played)
{
    for (size_t i = 0; i < f->cases.n; i++) {
        if (played[i].failures.errors)
            t->failed++;
        else
            t->passed++;
        put_case(t, f, &f->cases.at[i], &played[i]);
        add_case(t, &f->cases.at[i], &played[i]);
    }
}

static void free_played(struct test_played *played, size_t n)
{
    for (size_t i = 0; i < n; i++)
        test_played_done(&played[i]);
    free(played);
}

static bool read_file(struct testing *t, struct test_file *f, const char *file)
{
    auto_arena a = ARENA_INIT;
    test_file_read(f, file, shown(t, file, &a));
    findings_add_all(&t->broken, &f->sources, &f->errors, "error");
    return f->errors.n == 0;
}

/* With --update the file is written first, and what it then says is what is checked. */
static bool run_file(struct testing *t, const char *file, struct err *err)
{
    struct test_file f;
    bool ok = read_file(t, &f, file);
    struct test_played *played = mem_zalloc((f.cases.n + 1) * sizeof *played);
    size_t n = f.cases.n;
    if (ok) {
        play_all(t, &f, played);
        size_t before = t->updated;
        bool update = cli_has(t->cli, "update");
        ok = !update || write_update(t, &f, played, err);
        if (ok && t->updated > before) {
            free_played(played, n);
            test_file_done(&f);
            ok = read_file(t, &f, file);
            n = f.cases.n;
            played = mem_zalloc((n + 1) * sizeof *played);
            if (ok)
                play_all(t, &f, played);
        }
        if (ok)
            answer_all(t, &f, played);
    }
    free_played(played, n);
    test_file_done(&f);
    return !err_is_set(err);
}

static void finish_json(struct testing *t)
{
    struct json_writer *w = &t->writer;
    json_end_array(w);
    json_key_c(w, "errors");
    findings_put_json(w, &t->broken);
    json_key_c(w, "passed");
    json_put_int(w, (int64_t)t->passed);
    json_key_c(w, "failed");
    json_put_int(w, (int64_t)t->failed);
    json_end_object(w);
    cli_out_json(t->cli, &t->json);
}

static int finish(struct testing *t)
{
    if (t->cli->json) {
        finish_json(t);
    } else {
        if (t->passed + t->failed || !t->broken.errors)
            buf_addf(&t->text, "%zu passed, %zu failed\n", t->passed, t->failed);
        cli_out(t->cli, buf_str(&t->text));
        findings_print(t->cli, &t->broken);
    }
    if (t->broken.errors)
        return CLI_USAGE;
    return t->failed ? CLI_RUN_FAILED : CLI_OK;
}

static int run(struct cli *c)
{
    cleanup(testing_done) struct testing t = {.cli = c};
    auto_err e = ERR_INIT;
    int status;
    if (!request_open_registry(c, &t.registry, &status))
        return status;
    t.broken.color = c->err_color;
    t.text = BUF(CLI_OUTPUT_MAX);
    t.json = BUF(CLI_OUTPUT_MAX);
    t.writer = JSON_WRITER(&t.json, true);
    if (!find_files(&t, &e))
        return cli_fail(c, NULL, &e);
    if (!t.files.n && !c->json)
        cli_note("there are no tests in %s/.plue/tests; docs/testing.md shows how to write one",
                 t.registry.root);
    json_begin_object(&t.writer);
    json_key_c(&t.writer, "tests");
    json_begin_array(&t.writer);
    vec_each (f, &t.files)
        if (!run_file(&t, *f, &e))
            return cli_fail(c, NULL, &e);
    return finish(&t);
}

const struct command command_workflow_test = {
    .name = "workflow test",
    .args = "[PATH...]",
    .max = CLI_WORDS_MAX,
    .summary = "check the plans that .plue/tests expects",
    .doc = "Each test gives an event and results of steps, and says what the plan becomes; nothing "
           "is\nexecuted. PATH is a file or folder of tests. Exits with 1 where a test fails, 2 "
           "where a\nfile of tests is wrong.",
    .example = "plue workflow test\nplue workflow test .plue/tests/ci.yaml --update",
    .options =
        (const struct cli_option[]){
            {"update", NULL, "write what is planned over steps, awaits, result, run and error"},
            {"json", NULL, "print JSON"},
            {0}},
    .run = run,
};
