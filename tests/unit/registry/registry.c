#include "registry/registry.h"
#include "base/fd.h"
#include "registry/git.h"
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
/* after what it needs */
#include <cmocka.h>

#define WORKFLOW "@workflow(triggers=[manual()])\ndef ci(ctx): pass\n"

struct fixture {
    char top[64];
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    strcpy(f->top, "/tmp/plue-registry-XXXXXX");
    *state = f;
    return mkdtemp(f->top) ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    nftw(f->top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static void put(struct fixture *f, const char *path, const char *text)
{
    char full[512], folder[512];
    snprintf(full, sizeof full, "%s/%s", f->top, path);
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(full, '/') - full), full);
    assert_int_equal(fd_make_dirs(AT_FDCWD, folder, 0755), 0);
    assert_int_equal(fd_write_file(AT_FDCWD, full, str_of(text), 0644), 0);
}

static void open_registry(struct fixture *f, struct registry *r)
{
    auto_err e = ERR_INIT;
    assert_true(registry_open(f->top, r, &e));
}

/* ---- the root ---- */

static void registry__finds_the_root_from_below(void **state)
{
    struct fixture *f = *state;
    auto_err e = ERR_INIT;
    auto_free char *root = NULL, *real = realpath(f->top, NULL);
    char below[128];
    put(f, ".plue/workflows/ci.py", WORKFLOW);
    put(f, "a/b/c", "");
    snprintf(below, sizeof below, "%s/a/b", f->top);
    assert_true(registry_find_root(below, &root, &e));
    assert_string_equal(root, real);
}

static void registry__says_how_to_begin_where_there_is_no_root(void **state)
{
    struct fixture *f = *state;
    auto_err e = ERR_INIT;
    char *root = NULL;
    assert_false(registry_find_root(f->top, &root, &e));
    assert_string_equal(e.code, "no_repository");
    assert_true(str_has(e.hint, STR("plue init")));
}

static void registry__refuses_a_plue_that_is_a_file(void **state)
{
    struct fixture *f = *state;
    auto_err e = ERR_INIT;
    char *root = NULL;
    put(f, ".plue", "");
    assert_false(registry_find_root(f->top, &root, &e));
    assert_string_equal(e.code, "plue_not_a_folder");
}

/* ---- reading ---- */

static void expect_unread(const struct registry *r, const char *path, const char *code)
{
    assert_int_equal(r->unread.n, 1);
    assert_string_equal(r->unread.at[0].code, code);
    assert_true(str_is(r->unread.at[0].file, path));
}

static void registry__reads_sources_in_order_of_their_paths(void **state)
{
    struct fixture *f = *state;
    auto_registry r = {0};
    put(f, ".plue/workflows/b.py", "");
    put(f, ".plue/workflows/a.py", "");
    put(f, ".plue/actions/x/action.py", "");
    put(f, ".plue/prompts/p.prompt.md", "");
    put(f, ".plue/workflows/.hidden.py", "");
    open_registry(f, &r);
    assert_int_equal(r.bundle->n, 4);
    assert_true(str_is(r.bundle->files[0].path, ".plue/actions/x/action.py"));
    assert_true(str_is(r.bundle->files[1].path, ".plue/prompts/p.prompt.md"));
    assert_true(str_is(r.bundle->files[2].path, ".plue/workflows/a.py"));
    assert_true(str_is(r.bundle->files[3].path, ".plue/workflows/b.py"));
    assert_int_equal(r.unread.n, 0);
}

static void registry__refuses_links_that_lead_out_and_keeps_those_within(void **state)
{
    struct fixture *f = *state;
    auto_registry r = {0};
    char out[128], in[128];
    put(f, ".plue/workflows/ci.py", WORKFLOW);
    snprintf(out, sizeof out, "%s/.plue/workflows/out.py", f->top);
    snprintf(in, sizeof in, "%s/.plue/workflows/within.py", f->top);
    assert_int_equal(symlink("/usr/bin/env", out), 0);
    assert_int_equal(symlink("ci.py", in), 0);
    open_registry(f, &r);
    assert_int_equal(r.bundle->n, 2);
    expect_unread(&r, ".plue/workflows/out.py", "link_leads_out");
}

static void registry__ends_loops_of_links(void **state)
{
    struct fixture *f = *state;
    auto_registry r = {0};
    char loop[128];
    put(f, ".plue/lib/a.py", "");
    snprintf(loop, sizeof loop, "%s/.plue/lib/loop", f->top);
    assert_int_equal(symlink("..", loop), 0);
    open_registry(f, &r);
    assert_true(r.bundle->n > 0);
    assert_int_equal(r.unread.n, 1);
    assert_string_equal(r.unread.at[0].code, "too_many_files");
}

static void registry__refuses_a_file_over_its_limit(void **state)
{
    struct fixture *f = *state;
    auto_registry r = {0};
    auto_free char *text = mem_alloc(REGISTRY_FILE_MAX + 2);
    memset(text, '#', REGISTRY_FILE_MAX + 1);
    text[REGISTRY_FILE_MAX + 1] = 0;
    put(f, ".plue/workflows/big.py", text);
    open_registry(f, &r);
    assert_int_equal(r.bundle->n, 0);
    expect_unread(&r, ".plue/workflows/big.py", "file_too_large");
}

static void registry__refuses_what_is_no_regular_file(void **state)
{
    struct fixture *f = *state;
    auto_registry r = {0};
    char pipe_path[128];
    put(f, ".plue/workflows/ci.py", WORKFLOW);
    snprintf(pipe_path, sizeof pipe_path, "%s/.plue/workflows/pipe.py", f->top);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    open_registry(f, &r);
    assert_int_equal(r.bundle->n, 1);
    expect_unread(&r, ".plue/workflows/pipe.py", "file_unreadable");
}

/* ---- definitions ---- */

static void expect_not_found(struct fixture *f, const char *name, const char *code,
                             const char *message_part, const char *hint_part)
{
    auto_registry r = {0};
    auto_registry_found found = {0};
    open_registry(f, &r);
    assert_false(registry_find(&r, str_of(name), NULL, &found));
    assert_int_equal(found.errors.n, 1);
    assert_string_equal(found.errors.at[0].code, code);
    assert_true(str_has(found.errors.at[0].message, str_of(message_part)));
    assert_true(str_has(found.errors.at[0].hint, str_of(hint_part)));
}

static void registry__finds_a_definition_although_other_files_are_broken(void **state)
{
    struct fixture *f = *state;
    auto_registry r = {0};
    auto_registry_found found = {0};
    put(f, ".plue/workflows/a.py", "def broken(:\n");
    put(f, ".plue/workflows/z.py", WORKFLOW);
    open_registry(f, &r);
    assert_true(registry_find(&r, STR("ci"), NULL, &found));
    assert_true(str_is(found.definition->path, ".plue/workflows/z.py"));
}

static void registry__finds_tools_by_their_reference(void **state)
{
    struct fixture *f = *state;
    auto_registry r = {0};
    auto_registry_found found = {0};
    put(f, ".plue/workflows/ci.py", WORKFLOW);
    put(f, ".plue/tools/t.py",
        "@tool(description='d', inputs={}, output=schema(x=str))\ndef t(ctx): pass\n");
    open_registry(f, &r);
    assert_true(registry_find(&r, STR("//tools:t"), NULL, &found));
    assert_int_equal(found.definition->kind, DEFINITION_TOOL);
}

static void registry__suggests_a_near_name(void **state)
{
    put(*state, ".plue/workflows/ci.py", WORKFLOW);
    expect_not_found(*state, "cii", "unknown_definition", "'cii'", "did you mean 'ci'?");
}

static void registry__shows_the_errors_of_the_file_that_would_have_it(void **state)
{
    put(*state, ".plue/workflows/ci.py", WORKFLOW);
    put(*state, ".plue/workflows/my_deploy.py", "import os\n");
    expect_not_found(*state, "my-deploy", "not_supported", "import", "");
}

static void registry__names_both_places_of_a_name_that_stands_twice(void **state)
{
    put(*state, ".plue/workflows/a.py", WORKFLOW);
    put(*state, ".plue/workflows/b.py", "x = 1\n" WORKFLOW);
    expect_not_found(*state, "ci", "duplicate_definition",
                     "at .plue/workflows/a.py:2 and at .plue/workflows/b.py:3", "rename");
}

static void registry__finds_a_name_that_no_text_says(void **state)
{
    struct fixture *f = *state;
    auto_registry r = {0};
    auto_registry_found found = {0};
    put(f, ".plue/workflows/a.py", "@workflow(name=\"c\" + \"i\")\ndef first(ctx): pass\n");
    put(f, ".plue/workflows/b.py", "@workflow()\ndef second(ctx): pass\n");
    open_registry(f, &r);
    assert_true(registry_find(&r, STR("ci"), NULL, &found));
    assert_true(str_is(found.definition->path, ".plue/workflows/a.py"));
}

static void registry__sees_that_a_computed_name_stands_twice(void **state)
{
    put(*state, ".plue/workflows/a.py", WORKFLOW);
    put(*state, ".plue/workflows/b.py", "x = \"c\" + \"i\"\n@workflow(name=x)\ndef f(ctx): pass\n");
    expect_not_found(*state, "ci", "duplicate_definition",
                     "at .plue/workflows/a.py:2 and at .plue/workflows/b.py:3", "rename");
}

/* ---- git ---- */

static const char sha[] = "0123456789abcdef0123456789abcdef01234567";

static void git__reads_a_branch_from_its_file_or_the_packed_ones(void **state)
{
    struct fixture *f = *state;
    auto_arena a = ARENA_INIT;
    struct git_head head;
    char packed[256];
    snprintf(packed, sizeof packed, "# pack-refs with: peeled\n%s refs/heads/main\n", sha);
    put(f, ".git/HEAD", "ref: refs/heads/main\n");
    put(f, ".git/packed-refs", packed);
    assert_true(git_read_head(f->top, &a, &head));
    assert_true(str_is(head.ref, "refs/heads/main"));
    assert_true(str_is(head.branch, "main"));
    assert_true(str_is(head.sha, sha));
    put(f, ".git/refs/heads/main", "ffffffffffffffffffffffffffffffffffffffff\n");
    assert_true(git_read_head(f->top, &a, &head));
    assert_true(str_is(head.sha, "ffffffffffffffffffffffffffffffffffffffff"));
}

static void git__reads_a_detached_head_and_one_without_commits(void **state)
{
    struct fixture *f = *state;
    auto_arena a = ARENA_INIT;
    struct git_head head;
    assert_false(git_read_head(f->top, &a, &head));
    put(f, ".git/HEAD", sha);
    assert_true(git_read_head(f->top, &a, &head));
    assert_true(str_is(head.sha, sha));
    assert_int_equal(head.ref.n, 0);
    put(f, ".git/HEAD", "ref: refs/heads/new\n");
    assert_true(git_read_head(f->top, &a, &head));
    assert_true(str_is(head.branch, "new"));
    assert_int_equal(head.sha.n, 0);
}

static void git__follows_a_linked_worktree(void **state)
{
    struct fixture *f = *state;
    auto_arena a = ARENA_INIT;
    struct git_head head;
    char tree[128];
    put(f, "main/.git/refs/heads/side", sha);
    put(f, "main/.git/worktrees/w/HEAD", "ref: refs/heads/side\n");
    put(f, "main/.git/worktrees/w/commondir", "../..\n");
    put(f, "w/.git", "gitdir: ../main/.git/worktrees/w\n");
    snprintf(tree, sizeof tree, "%s/w", f->top);
    assert_true(git_read_head(tree, &a, &head));
    assert_true(str_is(head.branch, "side"));
    assert_true(str_is(head.sha, sha));
}

static void git__reads_owner_and_name_of_the_remote(void **state)
{
    static const char *const urls[] = {"https://example.org/ada/engine.git",
                                       "git@example.org:ada/engine.git",
                                       "ssh://git@example.org:2222/ada/engine"};
    struct fixture *f = *state;
    auto_arena a = ARENA_INIT;
    put(f, ".git/HEAD", "ref: refs/heads/main\n");
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct git_remote remote;
        char config[256];
        snprintf(config, sizeof config, "[core]\n\turl = no\n[remote \"origin\"]\n\turl = %s\n",
                 urls[i]);
        put(f, ".git/config", config);
        assert_true(git_read_remote(f->top, &a, &remote));
        assert_true(str_is(remote.owner, "ada"));
        assert_true(str_is(remote.name, "engine"));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(registry__finds_the_root_from_below),
        TEST(registry__says_how_to_begin_where_there_is_no_root),
        TEST(registry__refuses_a_plue_that_is_a_file),
        TEST(registry__reads_sources_in_order_of_their_paths),
        TEST(registry__refuses_links_that_lead_out_and_keeps_those_within),
        TEST(registry__ends_loops_of_links),
        TEST(registry__refuses_a_file_over_its_limit),
        TEST(registry__refuses_what_is_no_regular_file),
        TEST(registry__finds_a_definition_although_other_files_are_broken),
        TEST(registry__finds_tools_by_their_reference),
        TEST(registry__suggests_a_near_name),
        TEST(registry__shows_the_errors_of_the_file_that_would_have_it),
        TEST(registry__names_both_places_of_a_name_that_stands_twice),
        TEST(registry__finds_a_name_that_no_text_says),
        TEST(registry__sees_that_a_computed_name_stands_twice),
        TEST(git__reads_a_branch_from_its_file_or_the_packed_ones),
        TEST(git__reads_a_detached_head_and_one_without_commits),
        TEST(git__follows_a_linked_worktree),
        TEST(git__reads_owner_and_name_of_the_remote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
