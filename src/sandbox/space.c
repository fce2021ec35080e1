/* A run's folders live in a mount namespace that its steps enter: /tmp in memory, with a size that
 * the kernel keeps, the root that steps see, and the workspace where an unprivileged bwrap can walk
 * to it. The namespace lives as long as a process is in it; one does nothing else, and outlives
 * this program, so that after a crash /tmp is as it was. Started by an ordinary user, it needs a
 * user namespace too. */
#include "base/num.h"
#include "sandbox/root.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SHOWN = 2,
    STAT_MAX = 4096,
    OPTIONS_MAX = 160,
    MOUNTS_MAX = 4 << 20,
    UNUSED_MAX = 1000, /* the others stay */
};

/* Everything the child needs, made before it exists. */
struct keep {
    int keeper_fd; /* of the file that remembers it, or -1 */
    const char *from[SHOWN], *at[SHOWN];
    const struct root *root;
    /* Mounts of the host that no step needs, NULL-terminated: the workspaces of other runs, and
     * what this run's own may stand in. */
    const char *const *others, *const *unused;
    const char *tmp_options, *files_options;
    char uid_map[64], gid_map[64]; /* empty when started by root */
    uid_t uid;                     /* owner of /tmp's home, as the namespace counts */
    gid_t gid;
    const char *failed;
    int failed_errno;
};

IN_CHILD static void keep_fail(struct keep *k, const char *what)
{
    k->failed = what;
    k->failed_errno = errno;
    _exit(127);
}

IN_CHILD static void keep_write(struct keep *k, const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        keep_fail(k, path);
    close(fd);
}

IN_CHILD static void keep_namespaces(struct keep *k)
{
    bool user = k->uid_map[0] != '\0';
    if (unshare(CLONE_NEWNS | (user ? CLONE_NEWUSER : 0)) < 0)
        keep_fail(k, "making a mount namespace");
    if (user) {
        prctl(PR_SET_DUMPABLE, 1); /* else these files would be root's */
        keep_write(k, "/proc/self/setgroups", "deny");
        keep_write(k, "/proc/self/uid_map", k->uid_map);
        keep_write(k, "/proc/self/gid_map", k->gid_map);
    }
    if (mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        keep_fail(k, "making mounts private");
}

/* The folders are opened, and what stands beside them goes, before SPACE_ROOT, where they may be,
 * is covered. */
IN_CHILD static void keep_mounts(struct keep *k)
{
    int fds[SHOWN];
    for (const char *const *path = k->others; *path; path++)
        umount2(*path, MNT_DETACH);
    for (size_t i = 0; i < SHOWN; i++)
        if (k->from[i] && (fds[i] = open(k->from[i], O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
            keep_fail(k, k->from[i]);
    if (mount("tmpfs", SPACE_ROOT, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64k") < 0)
        keep_fail(k, "mounting " SPACE_ROOT);
    for (size_t i = 0; i < SHOWN; i++)
        if (k->from[i] && (mkdir(k->at[i], 0755) < 0 || fchdir(fds[i]) < 0 ||
                           mount(".", k->at[i], NULL, MS_BIND | MS_REC, NULL) < 0))
            keep_fail(k, k->at[i]);
    if (mkdir(SPACE_TMP, 0755) < 0 ||
        mount("tmpfs", SPACE_TMP, "tmpfs", MS_NOSUID | MS_NODEV, k->tmp_options) < 0 ||
        mkdir(SPACE_TMP "/home", 0755) < 0 || chown(SPACE_TMP "/home", k->uid, k->gid) < 0)
        keep_fail(k, "mounting a /tmp");
    if (mkdir(SPACE_FILES, 0755) < 0 ||
        mount("tmpfs", SPACE_FILES, "tmpfs", MS_NOSUID | MS_NODEV, k->files_options) < 0)
        keep_fail(k, "mounting " SPACE_FILES);
    const char *failed = root_build(k->root, SPACE_HOST);
    if (failed)
        keep_fail(k, failed);
    /* Each bind of bwrap reads the list of all mounts. Those that came along with a user namespace
     * cannot be taken away: then it is only slower. */
    for (const char *const *path = k->unused; *path; path++)
        umount2(*path, MNT_DETACH);
}

/* The keeper writes down itself: a program that is killed while it makes one leaves none that
 * nobody finds. "PID STARTED", as find_kept reads it; STARTED is the 22nd field of proc(5)'s stat.
 */
IN_CHILD static void keep_record(struct keep *k)
{
    char stat[STAT_MAX], line[64];
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, stat, sizeof stat);
    ssize_t at = 0, used = 0, name_end = 0;
    for (ssize_t i = 0; i < n; i++)
        if (stat[i] == ')')
            name_end = i;
    if (k->keeper_fd < 0 || n <= 0 || !name_end)
        return;
    for (; stat[at] != ' ' && used < 20; at++)
        line[used++] = stat[at];
    line[used++] = ' ';
    at = name_end + 2; /* the third field */
    for (int field = 3; field < 22 && at < n; at++)
        field += stat[at] == ' ';
    for (; at < n && stat[at] != ' ' && used < 60; at++)
        line[used++] = stat[at];
    line[used++] = '\n';
    if (write(k->keeper_fd, line, (size_t)used) != used)
        keep_fail(k, "writing who keeps it");
}

IN_CHILD static int keep_main(void *arg)
{
    struct keep *k = arg;
    static char *const argv[] = {(char *)"plue-space", (char *)"2147483647", NULL};
    static char *const env[] = {NULL};
    umask(0);
    setsid();
    keep_namespaces(k);
    keep_mounts(k);
    if (chdir("/") < 0)
        keep_fail(k, "entering /");
    keep_record(k);
    spawn_default_signals();
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; i++)
        dup2(null, i);
    syscall(SYS_close_range, 3U, ~0U, 0);
    execve("/bin/sleep", argv, env);
    execve("/usr/bin/sleep", argv, env);
    keep_fail(k, "executing sleep");
    return 127;
}

/* ---- who keeps it ---- */

/* "PID STARTED", the second in clock ticks since boot: a pid may have been given away since. */
static bool read_start(pid_t pid, int64_t *ret_ticks)
{
    auto_buf path = BUF(64), text = BUF(STAT_MAX);
    buf_addf(&path, "/proc/%d/stat", (int)pid);
    auto_fd fd = open(buf_c(&path), O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fd_read_all(fd, &text))
        return false;
    size_t end = str_rfind_byte(buf_str(&text), ')');
    if (end == (size_t)-1 || end + 2 > text.n)
        return false;
    str rest = str_sub(buf_str(&text), end + 2, text.n), field = {0};
    for (int i = 3; i <= 22; i++) /* proc(5): the state is the third, the start the 22nd */
        if (!str_next(&rest, ' ', &field))
            return false;
    return num_parse_int(field, ret_ticks);
}

static int open_namespace(pid_t pid, const char *name)
{
    auto_buf path = BUF(64);
    buf_addf(&path, "/proc/%d/ns/%s", (int)pid, name);
    return open(buf_c(&path), O_RDONLY | O_CLOEXEC);
}

static int open_folder(pid_t pid, const char *folder)
{
    auto_buf path = BUF(64);
    buf_addf(&path, "/proc/%d/root%s", (int)pid, folder);
    return open(buf_c(&path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool enter(struct sandbox_space *p, pid_t pid)
{
    auto_fd files = open_folder(pid, SPACE_FILES);
    auto_fd tmp = open_folder(pid, SPACE_TMP);
    auto_fd mount = open_namespace(pid, "mnt");
    auto_fd user = p->sandbox->drop ? -1 : open_namespace(pid, "user");
    if (files < 0 || tmp < 0 || mount < 0 || (user < 0 && !p->sandbox->drop))
        return false;
    p->files_fd = fd_steal(&files);
    p->tmp_fd = fd_steal(&tmp);
    p->mount = fd_steal(&mount);
    p->user = fd_steal(&user);
    p->pid = pid;
    return true;
}

/* The process that a keeper file names, if it still is that one; else 0. */
static pid_t find_kept(const char *keeper)
{
    auto_buf text = BUF(64);
    int64_t pid, started, now;
    str rest, word;
    if (!keeper || fd_read_file(AT_FDCWD, keeper, &text))
        return 0;
    rest = str_trim(buf_str(&text));
    bool same = str_next(&rest, ' ', &word) && num_parse_int(word, &pid) && pid > 1 &&
                pid <= INT_MAX && num_parse_int(rest, &started) && read_start((pid_t)pid, &now) &&
                now == started;
    return same ? (pid_t)pid : 0;
}

static void end_keeper(pid_t pid)
{
    kill(pid, SIGKILL);
    spawn_wait(pid); /* at once where it is the child of an earlier program */
}

void sandbox_space_forget(const char *keeper)
{
    pid_t pid = find_kept(keeper);
    if (pid)
        end_keeper(pid);
    unlink(keeper);
}

/* The folder that the folders of all runs stand in. */
static str folder_of_runs(str workspace)
{
    for (int i = 0; i < 2; i++)
        while (workspace.n > 1 && workspace.p[--workspace.n] != '/')
            continue;
    return str_make(workspace.p, workspace.n + 1);
}

static bool is_unused(str with_slash)
{
    static const char *const folders[] = {"/sys/", "/dev/", "/run/",   "/var/",  "/home/", "/root/",
                                          "/srv/", "/mnt/", "/media/", "/boot/", "/snap/"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (str_starts(with_slash, str_of(folders[i])) && !str_is(with_slash, "/dev/"))
            return true;
    return false;
}

/* The host's mounts that are no part of what steps see: a workspace of another run that is one
 * would else live as long as this run. */
static void find_unused(const char *workspace, struct arena *a, struct keep *k)
{
    str own = arena_printf(a, "%s/", workspace), runs = folder_of_runs(str_of(workspace));
    auto_buf mounts = BUF(MOUNTS_MAX);
    auto_fd fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    const char **others = arena_alloc(a, (UNUSED_MAX + 1) * sizeof *others);
    const char **unused = arena_alloc(a, (UNUSED_MAX + 1) * sizeof *unused);
    size_t n = 0, m = 0;
    str text, line, field;
    if (fd < 0 || fd_read_all(fd, &mounts))
        mounts.n = 0;
    text = buf_str(&mounts);
    while (n < UNUSED_MAX && m < UNUSED_MAX && str_next(&text, '\n', &line)) {
        for (int i = 0; i < 5; i++)
            if (!str_next(&line, ' ', &field))
                field.n = 0;
        str with_slash = arena_printf(a, "%.*s/", STR_ARG(field));
        if (str_starts(with_slash, runs) && !str_starts(own, with_slash))
            others[n++] = arena_cstr(a, field);
        else if (str_starts(with_slash, runs) || is_unused(with_slash))
            unused[m++] = arena_cstr(a, field);
    }
    others[n] = unused[m] = NULL;
    k->others = others;
    k->unused = unused;
}

static bool make(struct sandbox_space *p, int64_t tmp_bytes, struct err *err)
{
    const struct sandbox *s = p->sandbox;
    char options[OPTIONS_MAX], files[OPTIONS_MAX];
    cleanup(root_done) struct root root = {0};
    root_of_host(&root, false);
    auto_arena arena = ARENA_INIT;
    struct keep k = {.root = &root,
                     .from = {p->workspace, s->images_dir},
                     .at = {SPACE_WORKSPACE, SPACE_IMAGES},
                     .tmp_options = options,
                     .files_options = files,
                     .uid = s->uid,
                     .gid = s->gid};
    find_unused(p->workspace, &arena, &k);
    if (k.from[1] && access(k.from[1], F_OK) < 0)
        k.from[1] = NULL;
    snprintf(options, sizeof options, "mode=1777,size=%lld,nr_inodes=%lld,uid=%u,gid=%u",
             (long long)tmp_bytes, (long long)(tmp_bytes >> 10), s->uid, s->gid);
    snprintf(files, sizeof files, "mode=0755,size=%d", SANDBOX_FILES_BYTES);
    if (!s->drop) {
        snprintf(k.uid_map, sizeof k.uid_map, "%u %u 1", s->uid, s->uid);
        snprintf(k.gid_map, sizeof k.gid_map, "%u %u 1", s->gid, s->gid);
    }
    auto_fd keeper =
        !p->keeper ? -1 : open(p->keeper, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (p->keeper && keeper < 0)
        return err_errno(err, "sandbox_space", errno, "cannot write %s", p->keeper);
    k.keeper_fd = keeper;
    pid_t pid = spawn_clone(keep_main, &k, 0, NULL);
    if (pid < 0)
        return err_errno(err, "sandbox_space", errno, "no process can be made for a run's /tmp");
    if (k.failed) {
        spawn_wait(pid);
        return err_errno(err, "sandbox_space", k.failed_errno, "a run's folders cannot be made: %s",
                         k.failed);
    }
    p->pid = pid;
    if (!enter(p, pid))
        return err_errno(err, "sandbox_space", errno, "a run's /tmp cannot be entered");
    return true;
}

bool space_open(struct sandbox_space *p, int64_t tmp_bytes, bool *ret_fresh, struct err *err)
{
    pid_t kept = find_kept(p->keeper);
    *ret_fresh = !kept || !enter(p, kept);
    return !*ret_fresh || make(p, tmp_bytes, err);
}

void space_close(struct sandbox_space *p, bool keep)
{
    if (p->pid && !keep) {
        end_keeper(p->pid);
        if (p->keeper)
            unlink(p->keeper);
    }
    fd_close(&p->user);
    fd_close(&p->mount);
}
