/* Images, read by the format's own tools (fsck.erofs takes them apart) and compared with the same
 * files made by the kernel. */
#include "base/buf.h"
#include "base/fd.h"
#include "erofs/erofs.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { THREADS = 3, BYTES_MAX = 4 << 20 };

struct room {
    char dir[64];
    int top, wanted, image_fd;
    struct erofs_image *image;
    struct erofs_part *part;
    struct err err;
    char *bytes; /* BYTES_MAX of no pattern */
};

static void fill(char *p, size_t n)
{
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        p[i] = (char)x;
    }
}

static int set_up(void **state)
{
    struct room *r = mem_zalloc(sizeof *r);
    snprintf(r->dir, sizeof r->dir, "/tmp/plue-erofs-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    r->top = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(r->top, "wanted", 0755), 0);
    r->wanted = openat(r->top, "wanted", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    r->image_fd = openat(r->top, "image", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    r->bytes = mem_alloc(BYTES_MAX);
    fill(r->bytes, BYTES_MAX);
    assert_true(erofs_begin(r->image_fd, getuid(), getgid(), &r->image, &r->err));
    r->part = erofs_part_new(r->image);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct room *r = *state;
    auto_buf command = BUF(200);
    buf_addf(&command, "rm -r %s", r->dir);
    assert_int_equal(system(buf_c(&command)), 0);
    erofs_free(r->image);
    close(r->image_fd);
    close(r->wanted);
    close(r->top);
    err_done(&r->err);
    free(r->bytes);
    free(r);
    return 0;
}

/* ---- the same in both ---- */

static void make_folders(struct room *r, const char *path)
{
    char above[4096];
    snprintf(above, sizeof above, "%s", path);
    char *slash = strrchr(above, '/');
    if (slash) {
        *slash = '\0';
        assert_int_equal(fd_make_dirs(r->wanted, above, 0755), 0);
    }
}

static void want_file(struct room *r, const char *path, unsigned mode, str bytes)
{
    make_folders(r, path);
    auto_fd fd = openat(r->wanted, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, bytes.p, bytes.n), 0);
    assert_int_equal(fchmod(fd, mode), 0);
}

static void add_file(struct room *r, const char *path, unsigned mode, size_t n)
{
    str bytes = str_make(r->bytes + n % 1000, n);
    want_file(r, path, mode, bytes);
    assert_true(erofs_add_file(r->part, str_of(path), mode, bytes, NULL, &r->err));
}

static void add_link(struct room *r, const char *path, const char *target)
{
    make_folders(r, path);
    assert_int_equal(symlinkat(target, r->wanted, path), 0);
    assert_true(erofs_add_link(r->part, str_of(path), str_of(target), &r->err));
}

static void end(struct room *r)
{
    assert_true(erofs_part_end(r->part, &r->err));
    assert_true(erofs_end(r->image, &r->err));
}

/* Names, kinds, modes, links, sizes and contents are the same. */
static void assert_same(struct room *r)
{
    auto_buf command = BUF(4096);
    buf_addf(
        &command,
        "cd %s && fsck.erofs --preserve-perms --extract=read image > fsck.txt 2>&1 || { cat fsck.txt; exit 1; }\n"
        "for i in wanted read; do (cd $i && find . ! -type d -printf '%%P %%y %%m %%s %%l\\n' "
        "-o -printf '%%P %%y %%m\\n' | sort) > $i.txt; done\n"
        "diff wanted.txt read.txt && diff -r --no-dereference wanted read",
        r->dir);
    assert_int_equal(system(buf_c(&command)), 0);
}

/* ---- tests ---- */

static void nothing_is_an_image_too(void **state)
{
    struct room *r = *state;
    end(r);
    assert_same(r);
}

static void files_of_every_size(void **state)
{
    static const size_t around[] = {0, 64, 4032, 4096, 8192, 12288, 65536, 262144, 266240, 1048576};
    struct room *r = *state;
    for (size_t i = 0; i < sizeof around / sizeof *around; i++)
        for (size_t k = 0; k < 3; k++) {
            char name[32];
            size_t n = around[i] + k - (around[i] ? 1 : 0);
            snprintf(name, sizeof name, "%zu/%zu", i, n);
            add_file(r, name, k == 1 ? 0755 : 0640, n);
        }
    end(r);
    assert_same(r);
}

static void folders_of_many_names(void **state)
{
    struct room *r = *state;
    char name[300], deep[2048] = "";
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "many/%0*d", 1 + i % 250, i);
        add_file(r, name, 0644, (size_t)(i % 5));
    }
    for (int i = 0; i < 200; i++)
        strcat(deep, i % 2 ? "d/" : "long-name/");
    strcat(deep, "file");
    add_file(r, deep, 0600, 100);
    /* In the order of bytes, which is not that of any language. */
    add_file(r, "B", 0644, 1);
    add_file(r, "a", 0644, 1);
    add_file(r, "\xc3\xa4", 0644, 1);
    add_file(r, "a.b", 0644, 1);
    add_file(r, "a-b", 0644, 1);
    end(r);
    assert_same(r);
}

static void links_lead_where_they_did(void **state)
{
    struct room *r = *state;
    char target[4096];
    add_link(r, "a/short", "../b");
    for (size_t n = 4030; n < 4036; n++) {
        char name[16];
        memset(target, 'x', n);
        target[n] = '\0';
        snprintf(name, sizeof name, "%zu", n);
        add_link(r, name, target);
    }
    end(r);
    assert_same(r);
}

static void folders_have_the_mode_that_was_said(void **state)
{
    struct room *r = *state;
    assert_int_equal(mkdirat(r->wanted, "empty", 0700), 0);
    assert_true(erofs_add_folder(r->part, STR("empty"), 0700, &r->err));
    add_file(r, "full/file", 0644, 10);
    assert_int_equal(fchmodat(r->wanted, "full", 0751, 0), 0);
    assert_true(erofs_add_folder(r->part, STR("full"), 0751, &r->err));
    end(r);
    assert_same(r);
}

static void files_are_copied_from_where_they_stand(void **state)
{
    struct room *r = *state;
    static const size_t sizes[] = {0, 1, 4096, 50000, 3 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char name[16];
        snprintf(name, sizeof name, "f%zu", i);
        want_file(r, name, 0644, str_make(r->bytes, sizes[i]));
        auto_fd fd = openat(r->wanted, name, O_RDONLY | O_CLOEXEC);
        assert_true(erofs_copy_file(r->part, str_of(name), 0644, fd, (int64_t)sizes[i], &r->err));
    }
    end(r);
    assert_same(r);
}

/* Of one that grows only what was said is taken, of one that shrinks what is there. */
static void a_file_may_change_meanwhile(void **state)
{
    struct room *r = *state;
    want_file(r, "a", 0644, str_make(r->bytes, 10000));
    auto_fd a = openat(r->wanted, "a", O_RDWR | O_CLOEXEC);
    assert_true(erofs_copy_file(r->part, STR("a"), 0644, a, 9000, &r->err));
    assert_int_equal(ftruncate(a, 9000), 0);
    want_file(r, "b", 0644, str_make(r->bytes, 5000));
    auto_fd b = openat(r->wanted, "b", O_RDONLY | O_CLOEXEC);
    assert_true(erofs_copy_file(r->part, STR("b"), 0644, b, 60000, &r->err));
    end(r);
    assert_same(r);
}

static bool get_some(void *user, void *p, size_t max, size_t *ret_n, struct err *err)
{
    str *rest = user;
    (void)err;
    *ret_n = rest->n < max ? rest->n : max;
    *ret_n = *ret_n > 70001 ? 70001 : *ret_n;
    memcpy(p, rest->p, *ret_n);
    *rest = str_sub(*rest, *ret_n, rest->n);
    return true;
}

static void files_are_read_as_they_come(void **state)
{
    struct room *r = *state;
    static const size_t sizes[] = {0, 1, 4096, 50000, 3 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char name[16];
        str rest = str_make(r->bytes, sizes[i]);
        snprintf(name, sizeof name, "f%zu", i);
        want_file(r, name, 0750, rest);
        assert_true(erofs_read_file(r->part, str_of(name), 0750, (int64_t)rest.n, get_some, &rest,
                                    &r->err));
    }
    end(r);
    assert_same(r);
}

static void fewer_bytes_than_were_said_are_an_error(void **state)
{
    struct room *r = *state;
    str rest = str_make(r->bytes, 50000);
    assert_false(erofs_read_file(r->part, STR("a"), 0644, 50001, get_some, &rest, &r->err));
    assert_string_equal(r->err.code, "image_write");
    err_reset(&r->err);
    end(r);
    assert_same(r);
}

static void of_a_path_twice_the_first_is_kept(void **state)
{
    struct room *r = *state;
    add_file(r, "a", 0644, 10);
    assert_true(erofs_add_file(r->part, STR("a"), 0600, STR("the second"), NULL, &r->err));
    end(r);
    assert_same(r);
}

/* ---- by several threads ---- */

struct job {
    struct room *room;
    struct erofs_part *part;
    int number;
    struct err err;
    bool good;
};

static void *job_main(void *arg)
{
    struct job *j = arg;
    j->good = true;
    for (int i = 0; i < 2000 && j->good; i++) {
        char name[32];
        size_t n = (size_t)(i * 37 % 9000);
        snprintf(name, sizeof name, "%d/%d/%d", i % 7, i % 3, i * THREADS + j->number);
        j->good = erofs_add_file(j->part, str_of(name), 0644,
                                 str_make(j->room->bytes + i % 1000, n), NULL, &j->err);
    }
    j->good = erofs_part_end(j->part, &j->err) && j->good;
    return NULL;
}

static void threads_add_side_by_side(void **state)
{
    struct room *r = *state;
    struct job jobs[THREADS];
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; t++) {
        jobs[t] = (struct job){.room = r, .part = erofs_part_new(r->image), .number = t};
        assert_int_equal(pthread_create(&threads[t], NULL, job_main, &jobs[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) {
        assert_int_equal(pthread_join(threads[t], NULL), 0);
        assert_true(jobs[t].good);
        for (int i = 0; i < 2000; i++) {
            char name[32];
            snprintf(name, sizeof name, "%d/%d/%d", i % 7, i % 3, i * THREADS + t);
            want_file(r, name, 0644, str_make(r->bytes + i % 1000, (size_t)(i * 37 % 9000)));
        }
    }
    end(r);
    assert_same(r);
}

/* ---- what is refused ---- */

static void a_name_that_no_kernel_takes_is_an_error(void **state)
{
    struct room *r = *state;
    char name[300];
    memset(name, 'n', 256);
    name[256] = '\0';
    assert_true(erofs_add_file(r->part, str_of(name), 0644, STR("x"), NULL, &r->err));
    assert_true(erofs_part_end(r->part, &r->err));
    assert_false(erofs_end(r->image, &r->err));
    assert_string_equal(r->err.code, "image_write");
}

static void a_full_disk_is_an_error(void **state)
{
    struct room *r = *state;
    auto_fd full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct erofs_image *image;
    struct err err = ERR_INIT;
    assert_true(erofs_begin(full, 0, 0, &image, &err));
    struct erofs_part *part = erofs_part_new(image);
    assert_true(erofs_add_file(part, STR("a"), 0644, STR("x"), NULL, &err));
    assert_false(erofs_part_end(part, &err));
    assert_string_equal(err.code, "image_write");
    err_done(&err);
    erofs_free(image);
    end(r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_an_image_too),
        TEST(files_of_every_size),
        TEST(folders_of_many_names),
        TEST(links_lead_where_they_did),
        TEST(folders_have_the_mode_that_was_said),
        TEST(files_are_copied_from_where_they_stand),
        TEST(a_file_may_change_meanwhile),
        TEST(files_are_read_as_they_come),
        TEST(fewer_bytes_than_were_said_are_an_error),
        TEST(of_a_path_twice_the_first_is_kept),
        TEST(threads_add_side_by_side),
        TEST(a_name_that_no_kernel_takes_is_an_error),
        TEST(a_full_disk_is_an_error),
    };
    return cmocka_run_group_tests_name("erofs", tests, NULL, NULL);
}
