/* Made once for a run and a kind of root: everything in a step's view that is not the step's alone.
 * A step's namespace of mounts is a copy of this one. */
#include "sandbox/room_int.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

bool room_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    int e = errno;
    close(fd);
    errno = e;
    return good;
}

bool room_map_self(const char *path, uint32_t inside, uint32_t outside)
{
    char line[64];
    snprintf(line, sizeof line, "%u %u 1", inside, outside);
    return room_write(path, line);
}

static const char *become_steps_user(const struct room_begin *b, const int *fds)
{
    if (!b->drop && setns(fds[ROOM_BEGIN_USER], CLONE_NEWUSER) < 0)
        return "entering the run's users";
    if (setns(fds[ROOM_BEGIN_MOUNT], CLONE_NEWNS) < 0)
        return "entering the run's folders";
    if (b->drop && (setgroups(0, NULL) < 0 || setresgid(b->gid, b->gid, b->gid) < 0 ||
                    setresuid(b->uid, b->uid, b->uid) < 0))
        return "giving up root";
    return NULL;
}

/* Files of /proc/self belong to root unless we may be looked at; nobody can meanwhile. */
static const char *make_namespaces(const struct room_begin *b, int *ret_users)
{
    int own = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC;
    if (unshare(own | (b->host_network ? 0 : CLONE_NEWNET)) < 0)
        return "making namespaces";
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    bool mapped = room_write("/proc/self/setgroups", "deny") &&
                  room_map_self("/proc/self/uid_map", ROOM_SEEN_ID, b->uid) &&
                  room_map_self("/proc/self/gid_map", ROOM_SEEN_ID, b->gid);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    *ret_users = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
    if (!mapped || *ret_users < 0)
        return "naming its users";
    if (sethostname("plue", 4) < 0)
        return "naming its host";
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? "making mounts private" : NULL;
}

static bool harden(const char *at, uint64_t attributes, bool below)
{
    struct mount_attr attr = {.attr_set = attributes};
    return mount_setattr(AT_FDCWD, at, below ? AT_RECURSIVE : 0, &attr, sizeof attr) == 0;
}

/* The working folder is the new root: its paths have no slash at their beginning. */
static const char *show_folders(const struct room_begin *b)
{
    const struct {
        const char *from, *at;
    } shown[] = {{b->workspace, "workspace"}, {b->tmp, "tmp"}, {b->files, "plue"}};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        if (mount(shown[i].from, shown[i].at, NULL, MS_BIND | MS_REC, NULL) < 0 ||
            !harden(shown[i].at, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, true))
            return "showing the run's folders";
    return NULL;
}

static const char *make_devices(void)
{
    static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
    static const struct {
        const char *at, *target;
    } links[] = {{"dev/fd", "/proc/self/fd"},       {"dev/stdin", "/proc/self/fd/0"},
                 {"dev/stdout", "/proc/self/fd/1"}, {"dev/stderr", "/proc/self/fd/2"},
                 {"dev/core", "/proc/kcore"},       {"dev/ptmx", "pts/ptmx"}};
    if (mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64k") < 0 ||
        mkdir("dev/shm", 0755) < 0 || mkdir("dev/pts", 0755) < 0)
        return "making /dev";
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        char from[32], at[32];
        snprintf(from, sizeof from, "/dev/%s", devices[i]);
        snprintf(at, sizeof at, "dev/%s", devices[i]);
        int fd = open(at, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
        if (fd < 0 || close(fd) < 0 || mount(from, at, NULL, MS_BIND, NULL) < 0 ||
            !harden(at, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, false))
            return "showing devices";
    }
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (symlink(links[i].target, links[i].at) < 0)
            return "making links in /dev";
    return harden("dev", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, false) ? NULL : "closing /dev";
}

/* The kernel lets a step mount its own /proc only where one is to be seen already. This one is of a
 * pid namespace that has no process, and each step's own covers it. */
static const char *show_empty_proc(void)
{
    int status = -1;
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, 0);
    if (pid == 0) {
        int flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
        _exit(mount("proc", "proc", "proc", (unsigned long)flags, NULL) < 0 ? errno : 0);
    }
    if (pid < 0)
        return "making a pid namespace";
    if (waitpid(pid, &status, 0) < 0)
        return "waiting for a pid namespace";
    errno = WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
    return errno ? "mounting /proc" : NULL;
}

static const char *move_in(void)
{
    if (syscall(SYS_pivot_root, ".", ".") < 0)
        return "changing the root";
    if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return "leaving the host's root";
    return NULL;
}

static const char *make_root(const struct room_begin *b)
{
    const char *failed;
    if (mount(b->root, b->root, NULL, MS_BIND | MS_REC, NULL) < 0 || chdir(b->root) < 0)
        return "entering the root";
    if ((failed = show_folders(b)) || (failed = make_devices()) || (failed = show_empty_proc()))
        return failed;
    return move_in();
}

const char *room_enter(const struct room_begin *b, const int *fds, int *ret_users)
{
    const char *failed;
    sighandler_t before = signal(SIGCHLD, SIG_DFL);
    mode_t mask = umask(0);
    if (!(failed = become_steps_user(b, fds)) && !(failed = make_namespaces(b, ret_users)))
        failed = make_root(b);
    int e = errno;
    umask(mask);
    signal(SIGCHLD, before);
    /* Last: a change of user takes it back. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    errno = e;
    return failed;
}
