/* spawn BACKEND STEPS FOLDER: what the making of processes alone costs this program, two side by
 * side: pipes and a process tree, started and thrown away. Nothing of waiting, output or result is
 * in it. Prints microseconds of processor time for each. */
#include "base/fd.h"
#include "sandbox/sandbox.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SIDE_BY_SIDE = 2, PATH_BYTES = 300 };

struct one {
    struct sandbox_tree *tree;
    int out, error;
};

static double used;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const struct err *err)
{
    fprintf(stderr, "spawn: %.*s\n", (int)err->message.n, err->message.p);
    exit(1);
}

static void start(struct sandbox *s, struct sandbox_space *space, struct one *one)
{
    static const char *const argv[] = {"/bin/bash", "-eo", "pipefail", "-c", "true", NULL};
    static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    struct sandbox_spec spec = {
        .space = space, .argv = argv, .env = env, .limits = SANDBOX_LIMITS_DEFAULT};
    auto_err err = ERR_INIT;
    double began = seconds();
    if (!sandbox_start(s, &spec, &one->tree, &one->out, &one->error, &err))
        fail(&err);
    used += seconds() - began;
}

static void end(struct one *one)
{
    struct sandbox_exit exit;
    while (!sandbox_advance(one->tree, &exit))
        poll(&(struct pollfd){.fd = sandbox_tree_fd(one->tree), .events = POLLIN}, 1, -1);
    double began = seconds();
    close(one->out);
    close(one->error);
    sandbox_tree_free(one->tree);
    used += seconds() - began;
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"workspace", "files", "tmp", "keeper"};
    char paths[4][PATH_BYTES];
    struct one running[SIDE_BY_SIDE] = {0};
    struct sandbox *sandbox;
    struct sandbox_space *space;
    auto_err err = ERR_INIT;
    bool fresh;
    int steps = argc == 4 ? atoi(argv[2]) : 0;
    for (int i = 0; i < 4 && steps; i++) {
        snprintf(paths[i], PATH_BYTES, "%s/%s", argv[3], names[i]);
        if (i < 3)
            mkdir(paths[i], 0755);
    }
    struct sandbox_options options = {.backend = argc == 4 ? argv[1] : NULL};
    struct sandbox_space_spec spec = {.workspace = paths[0],
                                      .files = paths[1],
                                      .tmp = paths[2],
                                      .keeper = paths[3],
                                      .tmp_bytes = 64 << 20};
    if (!steps || !sandbox_open(&options, &sandbox, &err) ||
        !sandbox_space_open(sandbox, &spec, &space, &fresh, &err))
        fail(&err);
    for (int i = 0; i < steps + SIDE_BY_SIDE; i++) {
        struct one *one = &running[i % SIDE_BY_SIDE];
        if (one->tree)
            end(one);
        one->tree = NULL;
        if (i < steps)
            start(sandbox, space, one);
    }
    sandbox_space_close(space, false);
    sandbox_close(sandbox);
    printf("%.1f\n", used / steps * 1e6);
    return 0;
}
