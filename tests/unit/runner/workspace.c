/* What a workspace is made of, how it survives, and that no path leads out of it. */
#include "fixture.h"
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define auto_outcome cleanup(outcome_done) struct outcome

/* Path of a file of run 1's workspace on the host. */
static const char *inside(struct fixture *f, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/data/workspaces/1/workspace/%s", f->dir, name);
    return path;
}

static void expect_error(struct fixture *f, const char *code, const char *message)
{
    assert_string_equal(f->err.code, code);
    auto_buf text = BUF(4096);
    buf_add_str(&text, f->err.message);
    assert_string_equal(buf_c(&text), message);
}

/* ---- opening ---- */

static void open__takes_what_git_would_track(void **state)
{
    struct fixture *f = *state;
    fixture_file(f, "src/.gitignore", "*.log\n/out/\n");
    fixture_file(f, "src/a.txt", "a\n");
    fixture_file(f, "src/dir/b c.txt", "b\n");
    fixture_file(f, "src/x.log", "ignored");
    fixture_file(f, "src/out/x", "ignored");
    fixture_file(f, "src/kept.log", "tracked though ignored\n");
    fixture_host(f, "cd src && chmod 755 a.txt && ln -s a.txt link && ln -s ../a.txt dir/up &&"
                    "git init -q . && git add -f kept.log a.txt && rm -f gone &&"
                    "touch gone && git add gone && rm gone");
    assert_true(fixture_open(f, fixture_path(f, "src"), false));
    assert_true(fixture_list(f, ""));
    assert_string_equal(buf_c(&f->text), ".gitignore f 644 12\n"
                                         "a.txt f 755 2\n"
                                         "dir d 755 0\n"
                                         "dir/b c.txt f 644 2\n"
                                         "dir/up l 777 8\n"
                                         "kept.log f 644 23\n"
                                         "link l 777 5\n");
}

/* Several threads copy it, and each has the folder that the border of its part is in. */
static void open__takes_a_large_tree_whole(void **state)
{
    struct fixture *f = *state;
    fixture_host(f, "mkdir -p src && cd src && git init -q . && for d in $(seq 40); do"
                    " mkdir -p a/d$d/e && for i in $(seq 60); do echo $d.$i > a/d$d/e/f$i; done;"
                    " done && ln -s d1 a/link && chmod 755 a/d40/e/f60");
    assert_true(fixture_open(f, fixture_path(f, "src"), false));
    fixture_host(f, "diff -r --no-dereference --exclude=.git src data/workspaces/1/workspace");
    fixture_host(f, "test -x data/workspaces/1/workspace/a/d40/e/f60 &&"
                    " test \"$(find data/workspaces/1/workspace/a ! -user $(stat -c %u"
                    " data/workspaces/1/workspace) | wc -l)\" = 0 &&"
                    " cd data/workspaces/1/workspace && test \"$(git -c safe.directory='*'"
                    " ls-files | wc -l)\" = 2401");
}

static void open__of_a_large_tree_names_what_is_wrong(void **state)
{
    struct fixture *f = *state;
    fixture_host(f, "mkdir -p src && cd src && git init -q . && for d in $(seq 20); do"
                    " mkdir -p d$d && for i in $(seq 60); do : > d$d/f$i; done; done &&"
                    " ln -s ../../x d9/out");
    assert_false(fixture_open(f, fixture_path(f, "src"), false));
    expect_error(f, "workspace_link", "the link d9/out points out of the repository, to ../../x");
}

static void open__without_git_takes_everything(void **state)
{
    struct fixture *f = *state;
    fixture_file(f, "src/.gitignore", "*.log\n");
    fixture_file(f, "src/x.log", "x");
    fixture_host(f, "mkdir -p src/empty");
    assert_true(fixture_open(f, fixture_path(f, "src"), false));
    assert_true(fixture_list(f, ""));
    assert_string_equal(buf_c(&f->text), ".gitignore f 644 6\nempty d 755 0\nx.log f 644 1\n");
}

static void open__refuses_links_that_lead_out(void **state)
{
    struct fixture *f = *state;
    auto_buf text = BUF(4096);
    fixture_file(f, "src/d/a", "x");
    fixture_host(f, "ln -s ../../secret src/d/up");
    assert_false(fixture_open(f, fixture_path(f, "src"), false));
    expect_error(f, "workspace_link",
                 "the link d/up points out of the repository, to ../../secret");
    fixture_host(f, "ln -sfn /etc/passwd src/d/up");
    assert_false(fixture_open(f, fixture_path(f, "src"), false));
    expect_error(f, "workspace_link", "the link d/up points out of the repository, to /etc/passwd");
    fixture_host(f, "rm src/d/up && mkfifo src/pipe");
    assert_false(fixture_open(f, fixture_path(f, "src"), false));
    buf_addf(&text, "%s is a device, pipe or socket", fixture_path(f, "src/pipe"));
    expect_error(f, "workspace_special", buf_c(&text));
    assert_int_not_equal(access(fixture_path(f, "data/workspaces/1"), F_OK), 0);
}

static void open__files_are_copies_of_their_own(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    auto_outcome o = {0};
    fixture_file(f, "src/a", "original\n");
    assert_true(fixture_open(f, fixture_path(f, "src"), false));
    assert_int_equal(stat(inside(f, "a"), &st), 0);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(st.st_uid, sandbox_host_uid(f->sandbox));
    fixture_run(f, "echo changed >a; cat a", &o);
    assert_string_equal(buf_c(&o.out), "changed\n");
    fixture_host(f, "test \"$(cat src/a)\" = original");
}

static void open__git_is_fresh_one_commit_deep_and_knows_nobody(void **state)
{
    struct fixture *f = *state;
    auto_outcome o = {0};
    fixture_file(f, "src/a", "a\n");
    fixture_file(f, "src/b.ignored", "b\n");
    fixture_host(f, "cd src && echo '*.ignored' >.gitignore && git init -q . &&"
                    "git -c user.name=x -c user.email=x@x commit -q --allow-empty -m one &&"
                    "git remote add origin https://user:token@example.com/x &&"
                    "printf '#!/bin/sh\\ntouch /tmp/hooked' >.git/hooks/post-commit &&"
                    "chmod +x .git/hooks/post-commit");
    assert_true(fixture_open(f, fixture_path(f, "src"), false));
    fixture_run(f,
                "git log --format='%an %ae %ad %s' --date=iso; git status --porcelain; git remote;"
                "git ls-files; ! grep -r token .git; ls .git/hooks 2>/dev/null || echo none",
                &o);
    assert_string_equal(buf_c(&o.error), "");
    assert_string_equal(buf_c(&o.out),
                        "Plue plue@localhost 2000-01-01 00:00:00 +0000 Workspace of this run\n"
                        ".gitignore\n"
                        "a\n"
                        "none\n");
}

static void open__a_large_tree_reports_progress(void **state)
{
    struct fixture *f = *state;
    fixture_host(f, "mkdir -p src/d && cd src && i=0; while [ $i -lt 500 ]; do echo $i >d/$i;"
                    "i=$((i+1)); done");
    assert_true(fixture_open(f, fixture_path(f, "src"), false));
    assert_true(fixture_list(f, "d"));
    size_t lines = 0;
    for (size_t i = 0; i < f->text.n; i++)
        lines += f->text.p[i] == '\n';
    assert_int_equal(lines, 500);
}

/* ---- coming back ---- */

static void resume__finds_workspace_and_tmp_as_they_were(void **state)
{
    struct fixture *f = *state;
    auto_outcome a = {0}, b = {0};
    assert_true(fixture_open(f, NULL, false));
    fixture_run(f, "echo w >w; echo t >~/../t; echo h >~/h", &a);
    fixture_close(f, true);
    assert_true(fixture_open(f, NULL, true));
    fixture_run(f, "cat w ~/../t ~/h", &b);
    assert_string_equal(buf_c(&b.out), "w\nt\nh\n");
    fixture_close(f, false);
    assert_false(fixture_open(f, NULL, true));
    expect_error(f, "workspace_lost",
                 "the workspace of run 1 cannot be opened: No such file or directory");
}

static void resume__a_lost_tmp_is_made_again(void **state)
{
    struct fixture *f = *state;
    auto_outcome a = {0}, b = {0};
    assert_true(fixture_open(f, NULL, false));
    fixture_run(f, "echo w >w; echo t >/tmp/t", &a);
    fixture_close(f, true);
    fixture_host(f, "read pid rest <data/keepers/1 && kill -9 $pid &&"
                    "while readlink /proc/$pid/ns/mnt >/dev/null; do :; done");
    assert_true(fixture_open(f, NULL, true));
    fixture_run(f, "cat w; ls -A /tmp; ls -A ~", &b);
    assert_string_equal(buf_c(&b.out), "w\nhome\n");
}

static void open__again_replaces_what_an_earlier_run_left(void **state)
{
    struct fixture *f = *state;
    auto_outcome a = {0}, b = {0};
    assert_true(fixture_open(f, NULL, false));
    fixture_run(f, "echo w >w; echo t >~/../t", &a);
    fixture_close(f, true);
    assert_true(fixture_open(f, NULL, false));
    fixture_run(f, "ls; ls -A ~/..", &b);
    assert_string_equal(buf_c(&b.out), "home\n");
}

static void close__removes_what_a_step_nested_or_closed(void **state)
{
    struct fixture *f = *state;
    auto_outcome o = {0};
    assert_true(fixture_open(f, NULL, false));
    fixture_run(f,
                "i=0; while [ $i -lt 300 ]; do mkdir d; cd d; i=$((i+1)); done; cd /workspace;"
                "mkdir shut; : >shut/x; chmod 0 shut d/d/d; ln -s / root",
                &o);
    assert_int_equal(o.exit.exit_code, 0);
    fixture_close(f, false);
    assert_int_not_equal(access(fixture_path(f, "data/workspaces/1"), F_OK), 0);
}

static void tmp__is_bounded_by_the_kernel(void **state)
{
    auto_outcome o = {0};
    assert_true(fixture_open(*state, NULL, false));
    fixture_run(*state, "df -k /tmp | tail -n 1 | tr -s ' ' | cut -d' ' -f2", &o);
    assert_string_equal(buf_c(&o.out), "1048576\n");
}

static void tmp__a_step_that_fills_it_fails_and_is_told(void **state)
{
    struct fixture *f = *state;
    auto_outcome o = {0}, after = {0};
    f->tmp_bytes = 4 << 20;
    assert_true(fixture_open(f, NULL, false));
    fixture_run(f, "head -c 9000000 /dev/zero >/tmp/big 2>/dev/null", &o);
    assert_true(o.exit.tmp_full && !o.exit.workspace_full && !o.exit.disk_full);
    assert_int_equal(o.exit.exit_code, 1);
    assert_string_equal(
        buf_c(&o.error),
        "plue: /tmp is full: it has a fixed size, for all steps of a run together\n");
    fixture_run(f, "stat -c %s /tmp/big; rm /tmp/big; echo x >/tmp/small && false", &after);
    assert_string_equal(buf_c(&after.out), "4194304\n");
    assert_false(after.exit.tmp_full);
    assert_string_equal(buf_c(&after.error), "");
}

static void tmp__is_full_of_empty_files_too(void **state)
{
    struct fixture *f = *state;
    auto_outcome o = {0};
    f->tmp_bytes = 1 << 20;
    assert_true(fixture_open(f, NULL, false));
    fixture_run(
        f, "i=0; while [ $i -lt 1100 ]; do : 2>/dev/null >/tmp/$i || exit 1; i=$((i+1)); done", &o);
    assert_int_equal(o.exit.exit_code, 1);
    assert_true(o.exit.tmp_full);
}

static void shm__is_bounded_by_the_kernel(void **state)
{
    auto_outcome o = {0};
    assert_true(fixture_open(*state, NULL, false));
    fixture_run(*state, "df -k /dev/shm | tail -n 1 | tr -s ' ' | cut -d' ' -f2", &o);
    assert_string_equal(buf_c(&o.out), "262144\n");
}

static void workspace__empty_files_fill_it_too(void **state)
{
    struct fixture *f = *state;
    auto_outcome o = {0};
    f->workspace_bytes = 1 << 20;
    assert_true(fixture_open(f, NULL, false));
    fixture_run(f,
                "i=0; while [ $i -lt 1200 ]; do : >$i; i=$((i+1)); done; head -c 100000 /dev/zero"
                " >some; sync; exec sleep 1000",
                &o);
    assert_true(o.exit.workspace_full);
}

static void workspace__nothing_hides_in_deep_folders(void **state)
{
    struct fixture *f = *state;
    auto_outcome o = {0};
    f->workspace_bytes = 4 << 20;
    assert_true(fixture_open(f, NULL, false));
    fixture_run(f,
                "i=0; while [ $i -lt 520 ]; do mkdir d; cd d; i=$((i+1)); done;"
                "head -c 900000 /dev/zero >some; sync; exec sleep 1000",
                &o);
    assert_true(o.exit.workspace_full);
    assert_string_equal(buf_c(&o.error), "plue: the workspace nests folders too deeply to be "
                                         "measured: the step was ended\n");
}

static void workspace__a_step_that_fills_it_is_ended_and_told(void **state)
{
    struct fixture *f = *state;
    auto_outcome o = {0};
    f->workspace_bytes = 4 << 20;
    assert_true(fixture_open(f, NULL, false));
    fixture_run(f, "head -c 9000000 /dev/urandom >big; sync; exec sleep 1000", &o);
    assert_true(o.exit.workspace_full);
    assert_int_equal(o.exit.exit_code, 137);
    assert_string_equal(buf_c(&o.error),
                        "plue: the workspace holds more than 4 MiB: the step was ended\n");
}

/* ---- files ---- */

static void files__are_written_read_and_listed(void **state)
{
    struct fixture *f = *state;
    auto_outcome o = {0};
    assert_true(fixture_open(f, NULL, false));
    assert_true(fixture_write(f, "a/b/run.sh", "echo hi\n", 0755));
    assert_true(fixture_write(f, "a/b/run.sh", "echo hello\n", 0755));
    assert_true(fixture_write(f, "top", "t", 0));
    assert_true(fixture_read(f, "a/b/run.sh", 100));
    assert_string_equal(buf_c(&f->text), "echo hello\n");
    assert_true(fixture_list(f, "a"));
    assert_string_equal(buf_c(&f->text), "a/b d 755 0\na/b/run.sh f 755 11\n");
    fixture_run(f, "a/b/run.sh; echo more >>a/b/run.sh; rm top; mkdir a/c", &o);
    assert_string_equal(buf_c(&o.out), "hello\n");
    assert_int_equal(o.exit.exit_code, 0);
}

static void files__errors_say_what_is_wrong(void **state)
{
    struct fixture *f = *state;
    assert_true(fixture_open(f, NULL, false));
    assert_true(fixture_write(f, "d/x", "12345", 0));
    assert_false(fixture_read(f, "nothing", 100));
    expect_error(f, "file_missing", "cannot read 'nothing': No such file or directory");
    assert_false(fixture_read(f, "d", 100));
    expect_error(f, "file_is_folder", "cannot read 'd': Is a directory");
    assert_false(fixture_read(f, "d/x", 4));
    expect_error(f, "file_too_large", "cannot read 'd/x': File too large");
    assert_false(fixture_write(f, "d", "x", 0));
    expect_error(f, "file_is_folder", "cannot write 'd': Is a directory");
    assert_false(fixture_write(f, "d/x/y", "x", 0));
    expect_error(f, "file_access", "cannot write 'd/x/y': Not a directory");
    assert_false(fixture_list(f, "nothing"));
    expect_error(f, "file_missing", "cannot list 'nothing': No such file or directory");
}

static void files__no_path_leads_out(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {"../secret", "/etc/passwd", "out/secret", "abs/passwd",
                                        "d/../../secret"};
    auto_outcome o = {0};
    fixture_file(f, "data/workspaces/secret", "x");
    assert_true(fixture_open(f, NULL, false));
    fixture_run(f, "mkdir d; ln -s ../.. out; ln -s /etc abs; ln -s d in; mkfifo pipe", &o);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_false(fixture_read(f, paths[i], 100));
        assert_string_equal(f->err.code, "path_outside");
        assert_false(fixture_write(f, paths[i], "overwritten", 0));
        assert_string_equal(f->err.code, "path_outside");
    }
    assert_false(fixture_list(f, "out"));
    assert_string_equal(f->err.code, "path_outside");
    fixture_host(f, "test \"$(cat data/workspaces/secret)\" = x");
    assert_true(fixture_write(f, "in/y", "y", 0));
    assert_true(fixture_read(f, "d/y", 10));
    assert_false(fixture_read(f, "pipe", 10));
    expect_error(f, "file_access", "'pipe' is not a regular file");
}

#define WALLED(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
#define BARE(test)                                                       \
    {                                                                    \
        "none: " #test, test, fixture_setup_none, fixture_teardown, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        WALLED(open__takes_what_git_would_track),
        WALLED(open__takes_a_large_tree_whole),
        WALLED(open__of_a_large_tree_names_what_is_wrong),
        WALLED(open__without_git_takes_everything),
        WALLED(open__refuses_links_that_lead_out),
        WALLED(open__files_are_copies_of_their_own),
        WALLED(open__git_is_fresh_one_commit_deep_and_knows_nobody),
        WALLED(open__a_large_tree_reports_progress),
        WALLED(resume__finds_workspace_and_tmp_as_they_were),
        BARE(resume__finds_workspace_and_tmp_as_they_were),
        WALLED(resume__a_lost_tmp_is_made_again),
        WALLED(open__again_replaces_what_an_earlier_run_left),
        BARE(open__again_replaces_what_an_earlier_run_left),
        WALLED(close__removes_what_a_step_nested_or_closed),
        WALLED(tmp__is_bounded_by_the_kernel),
        WALLED(tmp__a_step_that_fills_it_fails_and_is_told),
        WALLED(tmp__is_full_of_empty_files_too),
        WALLED(shm__is_bounded_by_the_kernel),
        WALLED(workspace__empty_files_fill_it_too),
        WALLED(workspace__nothing_hides_in_deep_folders),
        WALLED(workspace__a_step_that_fills_it_is_ended_and_told),
        BARE(workspace__a_step_that_fills_it_is_ended_and_told),
        WALLED(files__are_written_read_and_listed),
        WALLED(files__errors_say_what_is_wrong),
        WALLED(files__no_path_leads_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
