/* Streams that try to leave the folder, or that were cut. */
#include "base/buf.h"
#include "base/fd.h"
#include "pack/pack.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct room {
    char top[64];
    int inside;
};

static int set_up(void **state)
{
    struct room *p = mem_zalloc(sizeof *p);
    snprintf(p->top, sizeof p->top, "/tmp/plue-pack-XXXXXX");
    assert_non_null(mkdtemp(p->top));
    int top = open(p->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(top, "inside", 0755), 0);
    assert_int_equal(mkdirat(top, "outside", 0755), 0);
    p->inside = openat(top, "inside", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(symlinkat("../outside", p->inside, "away"), 0);
    assert_int_equal(symlinkat("../outside/file", p->inside, "awayfile"), 0);
    close(top);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct room *p = *state;
    auto_buf command = BUF(200);
    buf_addf(&command, "rm -r %s", p->top);
    assert_int_equal(system(buf_c(&command)), 0);
    close(p->inside);
    free(p);
    return 0;
}

static bool get(void *user, void *p, size_t max, size_t *ret_n, struct err *err)
{
    str *rest = user;
    (void)err;
    *ret_n = rest->n < max ? rest->n : max;
    memcpy(p, rest->p, *ret_n);
    *rest = str_sub(*rest, *ret_n, rest->n);
    return true;
}

static bool extract(struct room *p, str stream, bool replace, const char **ret_code)
{
    static struct err err;
    struct pack_target t = {.folder = p->inside, .links = true, .replace = replace};
    struct pack_count count;
    err_done(&err);
    err = (struct err)ERR_INIT;
    bool ok = pack_extract(&t, get, &stream, &count, &err);
    *ret_code = ok ? "" : err.code;
    return ok;
}

static bool extract_snapshot(struct room *p, str stream, const char **ret_code)
{
    static struct err err;
    struct pack_target t = {.folder = p->inside, .links = true, .replace = true, .snapshot = true};
    struct pack_count count;
    err_done(&err);
    err = (struct err)ERR_INIT;
    bool ok = pack_extract(&t, get, &stream, &count, &err);
    *ret_code = ok ? "" : err.code;
    return ok;
}

static bool is_outside_empty(const struct room *p)
{
    auto_buf path = BUF(200);
    buf_addf(&path, "%s/outside", p->top);
    return rmdir(buf_c(&path)) == 0 && mkdir(buf_c(&path), 0755) == 0;
}

#define HEAD "plue-pack 1\n"

static void pack__refuses_paths_that_leave_the_folder(void **state)
{
    static const struct {
        str stream;
        const char *code;
    } rows[] = {
        {STR_INIT(HEAD "F 644 1 7\n../evilxE\n"), "path_outside"},
        {STR_INIT(HEAD "F 644 1 9\n/tmp/evilxE\n"), "path_outside"},
        {STR_INIT(HEAD "F 644 1 9\na/../evilxE\n"), "path_outside"},
        {STR_INIT(HEAD "F 644 1 6\n./evilxE\n"), "path_outside"},
        {STR_INIT(HEAD "F 644 1 4\na//bxE\n"), "path_outside"},
        {STR_INIT(HEAD "F 644 1 3\na\0bxE\n"), "path_outside"},
        {STR_INIT(HEAD "F 644 1 2\na/xE\n"), "path_outside"},
        {STR_INIT(HEAD "F 644 1 0\nxE\n"), "path_outside"},
        {STR_INIT(HEAD "F 644 1 11\n.git/configxE\n"), "path_outside"},
        {STR_INIT(HEAD "F 644 1 9\naway/evilxE\n"), "path_outside"},
        {STR_INIT(HEAD "L 4 4\nevil/etcE\n"), "path_outside"},
        {STR_INIT(HEAD "L 10 4\nevil../outsideE\n"), "path_outside"},
        {STR_INIT(HEAD "L 1 9\naway/evilaE\n"), "path_outside"},
        {STR_INIT(HEAD "F 644 -1 1\naE\n"), "pack_damaged"},
        {STR_INIT(HEAD "F 644 1 99999\naE\n"), "pack_damaged"},
        {STR_INIT(HEAD "D 644 1 1\naxE\n"), "pack_damaged"},
        {STR_INIT(HEAD "F 644 5 1\naxE\n"), "pack_damaged"},
        {STR_INIT(HEAD "F 644 1 1\nax"), "pack_damaged"},
        {STR_INIT("tar!"), "pack_damaged"},
        {STR_INIT(""), "pack_damaged"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *code;
        bool ok = extract(*state, rows[i].stream, true, &code);
        if (ok || strcmp(code, rows[i].code) != 0)
            fail_msg("row %zu gives '%s', not '%s'", i, code, rows[i].code);
        assert_true(is_outside_empty(*state));
    }
}

static void pack__replaces_a_link_and_writes_not_through_it(void **state)
{
    struct room *p = *state;
    const char *code;
    struct stat st;
    assert_false(extract(p, STR(HEAD "F 644 1 8\nawayfilexE\n"), false, &code));
    assert_string_equal(code, "file_exists");
    assert_true(extract(p, STR(HEAD "F 4755 1 8\nawayfilexF 600 2 3\na/bhiE\n"), true, &code));
    assert_true(is_outside_empty(p));
    assert_int_equal(fstatat(p->inside, "awayfile", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0755);
    assert_int_equal(fstatat(p->inside, "a/b", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_size, 2);
}

static void pack__a_cut_file_has_no_name(void **state)
{
    struct room *p = *state;
    const char *code;
    assert_false(extract(p, STR(HEAD "F 644 9 3\nnewabc"), true, &code));
    assert_int_equal(faccessat(p->inside, "new", F_OK, 0), -1);
}

#define SNAPSHOT "plue-pack 2\n"

static void pack__a_snapshot_changes_nothing_outside(void **state)
{
    static const struct {
        str stream;
        const char *code;
    } rows[] = {
        {STR_INIT(HEAD "F 644 1 1\naxE\n"), "pack_damaged"}, /* no snapshot */
        {STR_INIT(SNAPSHOT "R 10\n../outsideE\n"), "path_outside"},
        {STR_INIT(SNAPSHOT "R 12\naway/nothingE\n"), "path_outside"},
        {STR_INIT(SNAPSHOT "D 755 9\naway/evilE\n"), "path_outside"},
        {STR_INIT(SNAPSHOT "D 755 4\nawayE\n"), "file_access"},
        {STR_INIT(SNAPSHOT "D 755 7\n../evilE\n"), "path_outside"},
        {STR_INIT(SNAPSHOT "L 4 1\nl/etcF 644 1 6\nl/evilxE\n"), "path_outside"},
        {STR_INIT(SNAPSHOT "L 0 1\nlE\n"), "path_outside"},
        {STR_INIT(SNAPSHOT "R 1 1\nlE\n"), "pack_damaged"},
        {STR_INIT(SNAPSHOT "X 1\nlE\n"), "pack_damaged"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *code;
        bool ok = extract_snapshot(*state, rows[i].stream, &code);
        if (ok || strcmp(code, rows[i].code) != 0)
            fail_msg("row %zu gives '%s', not '%s'", i, code, rows[i].code);
        assert_true(is_outside_empty(*state));
    }
}

static void pack__a_snapshot_makes_folders_and_removes_paths(void **state)
{
    struct room *p = *state;
    const char *code;
    struct stat st;
    assert_true(
        extract_snapshot(p, STR(SNAPSHOT "D 700 1\naF 644 1 3\na/bxF 644 1 3\na/cxE\n"), &code));
    assert_true(extract_snapshot(
        p,
        STR(SNAPSHOT
            "R 3\na/cR 3\na/bR 1\naR 4\nawayR 4\ngoneF 644 2 1\nahiF 600 1 11\n.git/configxE\n"),
        &code));
    assert_int_equal(fstatat(p->inside, "a", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0644);
    assert_int_equal(faccessat(p->inside, ".git/config", F_OK, 0), 0);
    assert_int_equal(fstatat(p->inside, "away", &st, AT_SYMLINK_NOFOLLOW), -1);
    assert_true(is_outside_empty(p));
}

/* ---- a sink ---- */

static bool sink_wants(void *user, size_t before)
{
    (void)user;
    return before >= 1;
}

static bool sink_file(void *user, str path, unsigned mode, int64_t size, pack_get_fn *get_bytes,
                      void *from, struct err *err)
{
    struct buf *seen = user;
    char bytes[100];
    buf_addf(seen, "%.*s %o %lld ", STR_ARG(path), mode, (long long)size);
    for (size_t n = 1; n;) {
        if (!get_bytes(from, bytes, sizeof bytes, &n, err))
            return false;
        buf_add(seen, bytes, n);
    }
    return true;
}

static bool sink_link(void *user, str path, str target, struct err *err)
{
    (void)err;
    buf_addf(user, "%.*s -> %.*s;", STR_ARG(path), STR_ARG(target));
    return true;
}

static bool extract_into(struct room *p, struct buf *seen, str stream, struct err *err)
{
    const struct pack_sink sink = {sink_wants, sink_file, sink_link, seen};
    struct pack_target t = {
        .folder = p->inside, .links = true, .replace = true, .snapshot = true, .sink = &sink};
    struct pack_count count;
    return pack_extract(&t, get, &stream, &count, err);
}

static void pack__a_sink_takes_files_and_links_but_no_folders(void **state)
{
    struct room *p = *state;
    auto_buf seen = BUF(1000);
    auto_err err = ERR_INIT;
    struct stat st;
    assert_true(extract_into(p, &seen,
                             STR(SNAPSHOT "F 644 1 5\nfirstxF 600 3 3\na/bbc;L 2 1\nl..D 700 1\na"
                                          "F 644 0 1\ncE\n"),
                             &err));
    assert_string_equal(buf_c(&seen), "a/b 600 3 bc;l -> ..;c 644 0 ");
    assert_int_equal(faccessat(p->inside, "first", F_OK, 0), 0);
    assert_int_equal(faccessat(p->inside, "a/b", F_OK, 0), -1);
    assert_int_equal(fstatat(p->inside, "a", &st, 0), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0700);
}

static void pack__a_sink_gets_nothing_that_the_folder_would_not(void **state)
{
    static const struct {
        str stream;
        const char *code, *seen;
    } rows[] = {
        {STR_INIT(SNAPSHOT "F 644 1 1\naxF 644 1 7\n../evilxE\n"), "path_outside", ""},
        {STR_INIT(SNAPSHOT "F 644 1 1\naxF 644 9 1\nbcut"), "pack_damaged", "b 644 9 cut"},
        {STR_INIT(SNAPSHOT "F 644 1 1\naxL 0 1\nlE\n"), "path_outside", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        auto_buf seen = BUF(1000);
        auto_err err = ERR_INIT;
        assert_false(extract_into(*state, &seen, rows[i].stream, &err));
        assert_string_equal(err.code, rows[i].code);
        assert_string_equal(buf_c(&seen), rows[i].seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pack__refuses_paths_that_leave_the_folder, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(pack__replaces_a_link_and_writes_not_through_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(pack__a_cut_file_has_no_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pack__a_snapshot_changes_nothing_outside, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(pack__a_snapshot_makes_folders_and_removes_paths, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(pack__a_sink_takes_files_and_links_but_no_folders, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(pack__a_sink_gets_nothing_that_the_folder_would_not, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
