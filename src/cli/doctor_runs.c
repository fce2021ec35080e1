#include "cli/doctor_runs.h"
#include "base/clock.h"
#include "base/fd.h"
#include "runner/local.h"
#include "json/json.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUN_MS = 60 * 1000, OUTPUT_MAX = 1 << 20, ATTEMPTS_MAX = 8, ARGS_MAX = 12 };

/* What the engine must make of a step that goes beyond the limit. */
static const struct trial {
    const char *promise, *workflow, *outcome, *code, *broken;
} trials[] = {
    {"time", "probe_time", "timed_out", NULL, "a step ran on after its time"},
    {"workspace_size", "probe_size", "failed", "workspace_full",
     "a step wrote more than the limit"},
};

static const struct {
    const char *path, *text;
} files[] = {
    {".plue/config.yaml", "sandbox: {workspace: 1MiB}\n"},
    {".plue/workflows/probe.py",
     "@workflow(triggers=[manual()])\n"
     "def probe_time(ctx):\n"
     "    ctx.run(name=\"probe\", cmd=\"sleep 40\", timeout=\"1s\")\n\n\n"
     "@workflow(triggers=[manual()])\n"
     "def probe_size(ctx):\n"
     "    ctx.run(name=\"probe\", cmd=\"head -c 8M /dev/zero > big; sleep 40\", timeout=\"40s\")\n"},
};

struct attempt {
    const struct trial *trial;
    struct sandbox_row *row;
    pid_t pid; /* 0: it could not be started */
    int out;   /* what it printed */
};

static bool write_files(const char *folder)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", folder, files[i].path);
        char *end = strrchr(path, '/');
        *end = '\0';
        bool made = !fd_make_dirs(AT_FDCWD, path, 0700);
        *end = '/';
        if (!made || fd_write_file(AT_FDCWD, path, str_of(files[i].text), 0600))
            return false;
    }
    return true;
}

static void start(struct attempt *t, const char *folder)
{
    char data[PATH_MAX];
    char *argv[ARGS_MAX] = {(char *)"plue",
                            (char *)"workflow",
                            (char *)"run",
                            (char *)t->trial->workflow,
                            (char *)"--sandbox",
                            (char *)t->row->backend,
                            (char *)"--json",
                            (char *)"--data-dir",
                            data};
    posix_spawn_file_actions_t actions;
    snprintf(data, sizeof data, "%s/data-%s-%s", folder, t->row->backend, t->trial->workflow);
    t->out = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, t->out, 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addchdir_np(&actions, folder);
    if (t->out < 0 || posix_spawn(&t->pid, "/proc/self/exe", &actions, NULL, argv, environ))
        t->pid = 0;
    posix_spawn_file_actions_destroy(&actions);
}

static void wait_for(pid_t pid)
{
    auto_fd ended = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = {.fd = ended, .events = POLLIN};
    int64_t deadline = clock_mono_ms() + RUN_MS, left;
    while (ended >= 0 && (left = deadline - clock_mono_ms()) > 0)
        if (poll(&p, 1, (int)left) > 0)
            break;
    if (ended >= 0 && !(p.revents & POLLIN))
        kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

static void judge(struct attempt *t, struct arena *a)
{
    auto_buf text = BUF(OUTPUT_MAX);
    json_t *run = NULL;
    if (t->pid)
        wait_for(t->pid);
    if (t->pid && lseek(t->out, 0, SEEK_SET) == 0 && !fd_read_all(t->out, &text))
        run = json_loadb(text.p, text.n, JSON_ALLOW_NUL, NULL);
    json_t *step = json_array_get(json_object_get(run, "steps"), 0);
    str outcome = json_get_text(step, "outcome");
    str code = json_get_text(json_object_get(step, "error"), "code");
    str refused = json_get_text(json_object_get(run, "error"), "message");
    t->row->tested = true;
    t->row->held =
        str_is(outcome, t->trial->outcome) && (!t->trial->code || str_is(code, t->trial->code));
    t->row->detail = t->row->held ? STR("")
                     : step       ? str_of(t->trial->broken)
                     : refused.n  ? arena_str(a, refused)
                                  : STR("a run to try it could not be made");
    json_decref(run);
    fd_close(&t->out);
}

static void remove_files(const char *folder, const struct attempt *list, size_t n)
{
    auto_err ignored = ERR_INIT;
    for (size_t i = 0; i < n; i++) {
        char data[PATH_MAX];
        snprintf(data, sizeof data, "%s/data-%s-%s", folder, list[i].row->backend,
                 list[i].trial->workflow);
        (void)!runner_local_remove(data, &ignored);
    }
    (void)!runner_local_remove(folder, &ignored);
}

void doctor_try_runs(struct sandbox_report *report, const char *scratch)
{
    struct attempt list[ATTEMPTS_MAX];
    char folder[PATH_MAX / 2];
    size_t n = 0;
    snprintf(folder, sizeof folder, "%s/runs", scratch);
    if (!write_files(folder))
        return;
    for (size_t i = 0; i < report->n; i++)
        for (size_t k = 0; k < sizeof trials / sizeof *trials; k++) {
            struct sandbox_row *row = &report->rows[i];
            bool wanted = row->level != SANDBOX_ABSENT && n < ATTEMPTS_MAX &&
                          strcmp(row->promise->name, trials[k].promise) == 0;
            if (!wanted)
                continue;
            list[n] = (struct attempt){.trial = &trials[k], .row = row, .out = -1};
            start(&list[n++], folder);
        }
    for (size_t i = 0; i < n; i++)
        judge(&list[i], &report->arena);
    remove_files(folder, list, n);
}
