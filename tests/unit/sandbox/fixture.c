#include "fixture.h"
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_MAX = 1 << 20, ORDINARY_ID = 1234567 };

void fixture_host(struct fixture *f, const char *command)
{
    auto_buf line = BUF(64 << 10);
    buf_addf(&line, "cd %s && %s", f->dir, command);
    assert_int_equal(system(buf_c(&line)), 0);
}

void fixture_open(struct fixture *f)
{
    auto_err err = ERR_INIT;
    bool fresh;
    struct sandbox_options options = {.images_dir = f->images, .bwrap = f->bwrap};
    struct sandbox_space_spec spec = {.workspace = f->workspace,
                                      .files = f->files,
                                      .tmp = f->tmp,
                                      .keeper = f->keeper,
                                      .tmp_bytes = 64 << 20};
    if (!sandbox_open(&options, &f->sandbox, &err) ||
        !sandbox_space_open(f->sandbox, &spec, &f->space, &fresh, &err))
        fail_msg("%.*s", STR_ARG(err.message));
}

void fixture_close(struct fixture *f)
{
    sandbox_space_close(f->space, false);
    sandbox_close(f->sandbox);
    f->space = NULL;
    f->sandbox = NULL;
}

int fixture_setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    auto_buf command = BUF(4096);
    strcpy(f->dir, "/tmp/plue-wall-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->workspace, PATH_TEXT, "%s/workspace", f->dir);
    snprintf(f->files, PATH_TEXT, "%s/files", f->dir);
    snprintf(f->tmp, PATH_TEXT, "%s/tmp", f->dir);
    snprintf(f->images, PATH_TEXT, "%s/images", f->dir);
    snprintf(f->keeper, PATH_TEXT, "%s/keeper", f->dir);
    fixture_host(f, "mkdir workspace files tmp images");
    if (geteuid() == 0) {
        buf_addf(&command, "chown %u workspace", SANDBOX_HOST_ID);
        fixture_host(f, buf_c(&command));
    }
    f->limits = SANDBOX_LIMITS_DEFAULT;
    f->out = BUF(OUTPUT_MAX);
    fixture_open(f);
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    fixture_close(f);
    fixture_host(f, "rm -rf \"$PWD\"");
    buf_done(&f->out);
    free(f);
    return 0;
}

static bool read_some(int fd, struct buf *out)
{
    char chunk[4096];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0)
        buf_add(out, chunk, (size_t)n);
    return n < 0 && errno == EAGAIN;
}

bool fixture_run_spec(struct fixture *f, const struct sandbox_spec *spec, struct err *err)
{
    struct sandbox_tree *t;
    int out, error;
    buf_reset(&f->out);
    if (!sandbox_start(f->sandbox, spec, &t, &out, &error, err))
        return false;
    bool out_open = true, error_open = true;
    while (!sandbox_advance(t, &f->exit)) {
        struct pollfd p[] = {{.fd = sandbox_tree_fd(t), .events = POLLIN},
                             {.fd = out_open ? out : -1, .events = POLLIN},
                             {.fd = error_open ? error : -1, .events = POLLIN}};
        poll(p, 3, -1);
        out_open = out_open && read_some(out, &f->out);
        error_open = error_open && read_some(error, &f->out);
    }
    read_some(out, &f->out);
    read_some(error, &f->out);
    close(out);
    close(error);
    sandbox_tree_free(t);
    return true;
}

bool fixture_run(struct fixture *f, const char *script, struct err *err)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    const char *const env[] = {"PATH=/usr/bin:/bin:/usr/sbin:/sbin", NULL};
    struct sandbox_spec spec = {
        .space = f->space, .image = f->image, .argv = argv, .env = env, .limits = f->limits};
    return fixture_run_spec(f, &spec, err);
}

void fixture_expect(struct fixture *f, const char *script, const char *output)
{
    auto_err err = ERR_INIT;
    if (!fixture_run(f, script, &err))
        fail_msg("%.*s", STR_ARG(err.message));
    assert_string_equal(buf_c(&f->out), output);
}

int fixture_as_ordinary_user(int (*tests)(void))
{
    int status;
    if (geteuid() != 0) {
        print_message("SKIPPED as root: started by an ordinary user\n");
        return 0;
    }
    pid_t pid = fork();
    if (pid == 0) {
        if (setgroups(0, NULL) < 0 || setresgid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID) < 0 ||
            setresuid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID) < 0 ||
            prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
            exit(2);
        exit(tests());
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
