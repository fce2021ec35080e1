/* Runs inside a sandbox: tries to get out, one way after the other, and prints each that worked.
 * The host's side of each (escape.c) gives: HOST_PID NAME FILE KEY INIT PID..., a process, an
 * abstract socket, a file and a shared memory segment of the host, the name of the program that the
 * sandbox's first process is, and processes that keep the sandbox. It is run twice, and leaves
 * behind what it looks for at its beginning. The last line is "tried N, escaped N". */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int tried, escaped;
static pid_t host;
static const char *host_name, *host_file;
static int host_key;
static const char *first_process;
enum { LEFT_PORT = 4567, LEFT_KEY = 0x6c656674 };

static void result(const char *what, const char *detail, bool worked)
{
    tried++;
    escaped += worked;
    if (worked)
        printf("ESCAPED %s %s\n", what, detail);
}

/* A call that must fail. */
#define REFUSED(name, call)                  \
    do {                                     \
        errno = 0;                           \
        result(name, "", (long)(call) >= 0); \
    } while (0)
#define SYS(name, ...) REFUSED(#name, syscall(SYS_##name, __VA_ARGS__))

static void mounts(void)
{
    struct mount_attr attr = {.attr_clr = MOUNT_ATTR_RDONLY};
    REFUSED("mount tmpfs", mount("none", "/tmp", "tmpfs", 0, NULL));
    REFUSED("mount proc", mount("proc", "/tmp", "proc", 0, NULL));
    REFUSED("mount sysfs", mount("sysfs", "/tmp", "sysfs", 0, NULL));
    REFUSED("mount cgroup", mount("none", "/tmp", "cgroup2", 0, NULL));
    REFUSED("mount overlay",
            mount("o", "/tmp", "overlay", 0, "lowerdir=/usr,upperdir=/tmp,workdir=/tmp"));
    REFUSED("mount disk", mount("/dev/vda", "/tmp", "ext4", 0, NULL));
    REFUSED("bind", mount("/", "/tmp", NULL, MS_BIND, NULL));
    REFUSED("remount rw", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
    REFUSED("make shared", mount(NULL, "/", NULL, MS_SHARED | MS_REC, NULL));
    REFUSED("umount /proc", umount2("/proc", MNT_DETACH));
    REFUSED("umount /workspace", umount2("/workspace", MNT_DETACH));
    SYS(pivot_root, "/tmp", "/tmp");
    SYS(chroot, "/tmp");
    SYS(fsopen, "tmpfs", 0);
    SYS(fspick, AT_FDCWD, "/", 0);
    SYS(open_tree, AT_FDCWD, "/", 1);
    SYS(move_mount, AT_FDCWD, "/usr", AT_FDCWD, "/tmp", 0);
    SYS(mount_setattr, AT_FDCWD, "/", 0, &attr, sizeof attr);
}

static void namespaces(void)
{
    static const struct {
        const char *name;
        int flag;
    } kinds[] = {{"user", CLONE_NEWUSER},     {"mnt", CLONE_NEWNS},  {"pid", CLONE_NEWPID},
                 {"net", CLONE_NEWNET},       {"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS},
                 {"cgroup", CLONE_NEWCGROUP}, {"time", 0x80}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char path[64];
        result("unshare", kinds[i].name, unshare(kinds[i].flag) == 0);
        if (kinds[i].flag != 0x80) {
            long pid = syscall(SYS_clone, kinds[i].flag | SIGCHLD, 0, 0, 0, 0);
            if (pid == 0)
                _exit(0);
            result("clone", kinds[i].name, pid > 0);
        }
        snprintf(path, sizeof path, "/proc/1/ns/%s", kinds[i].name);
        int fd = open(path, O_RDONLY);
        result("setns", kinds[i].name, fd >= 0 && setns(fd, 0) == 0);
        close(fd);
        snprintf(path, sizeof path, "/proc/%d/ns/%s", host, kinds[i].name);
        result("host's namespace", kinds[i].name, open(path, O_RDONLY) >= 0);
    }
    uint64_t args[11] = {CLONE_NEWUSER};
    args[4] = SIGCHLD;
    SYS(clone3, args, sizeof args);
    REFUSED("setns by pidfd", setns((int)syscall(SYS_pidfd_open, 1, 0), CLONE_NEWNS));
    result("write", "uid_map",
           open("/proc/self/uid_map", O_WRONLY) >= 0 &&
               write(open("/proc/self/uid_map", O_WRONLY), "0 0 1", 5) == 5);
    result("write", "setgroups",
           open("/proc/self/setgroups", O_WRONLY) >= 0 &&
               write(open("/proc/self/setgroups", O_WRONLY), "allow", 5) == 5);
}

static void processes(void)
{
    char bytes[16];
    struct iovec here = {bytes, sizeof bytes}, there = {(void *)0x400000, sizeof bytes};
    struct rlimit limit = {0, 0};
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    REFUSED("ptrace attach 1", ptrace(PTRACE_ATTACH, 1, 0, 0));
    REFUSED("ptrace seize 1", ptrace(PTRACE_SEIZE, 1, 0, 0));
    REFUSED("ptrace attach parent", ptrace(PTRACE_ATTACH, getppid(), 0, 0));
    REFUSED("ptrace host", ptrace(PTRACE_ATTACH, host, 0, 0));
    REFUSED("process_vm_readv", process_vm_readv(1, &here, 1, &there, 1, 0));
    REFUSED("process_vm_writev", process_vm_writev(1, &here, 1, &there, 1, 0));
    REFUSED("process_vm_readv host", process_vm_readv(host, &here, 1, &there, 1, 0));
    SYS(pidfd_getfd, syscall(SYS_pidfd_open, 1, 0), 0, 0);
    SYS(kcmp, 1, getpid(), 0, 0, 0);
    SYS(pidfd_open, host, 0);
    REFUSED("kill host", kill(host, SIGTERM));
    REFUSED("kill host, look", kill(host, 0));
    REFUSED("kill host's group", kill(-host, SIGTERM));
    SYS(tgkill, host, host, SIGTERM);
    SYS(rt_sigqueueinfo, host, SIGTERM, bytes);
    REFUSED("prlimit host", prlimit(host, RLIMIT_NOFILE, &limit, NULL));
    REFUSED("setpriority host", setpriority(PRIO_PROCESS, (id_t)host, 19));
    REFUSED("affinity host", sched_setaffinity(host, sizeof cpus, &cpus));
    SYS(move_pages, host, 0, 0, 0, 0, 0);
    SYS(migrate_pages, host, 8, bytes, bytes);
    SYS(get_robust_list, host, bytes, bytes);
    SYS(process_madvise, syscall(SYS_pidfd_open, host, 0), &there, 1, 4, 0);
}

static bool readable(const char *path)
{
    char byte;
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    bool got = fd >= 0 && read(fd, &byte, 1) == 1;
    close(fd);
    return got;
}

static void files(void)
{
    static const char *const writes[] = {
        "/x",
        "/etc/x",
        "/usr/x",
        "/usr/bin/x",
        "/bin/sh",
        "/etc/passwd",
        "/lib/x",
        "/opt/x",
        "/dev/x",
        "/dev/null/x",
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/modprobe",
        "/proc/sys/kernel/hostname",
        "/proc/sys/vm/overcommit_memory",
        "/proc/sys/net/ipv4/ip_forward",
        "/proc/sys/fs/binfmt_misc/register",
        "/proc/sys/user/max_user_namespaces",
        "/proc/sysrq-trigger",
        "/proc/irq/0/smp_affinity",
        "/proc/mtrr",
        "/proc/acpi/wakeup",
        "/proc/1/mem",
        "/proc/1/uid_map",
        "/proc/1/attr/current",
        "/sys/kernel/uevent_helper",
        "/sys/fs/cgroup/x",
        "/sys/fs/cgroup/cgroup.procs",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/power/state",
        "/sys/kernel/debug/x",
        "/dev/mem",
        "/dev/kmem",
        "/dev/port",
        "/dev/kmsg",
        "/dev/fuse",
        "/dev/kvm",
        "/dev/net/tun",
        "/dev/loop-control",
        "/dev/loop0",
        "/dev/vda",
        "/dev/sda",
        "/dev/nvme0n1",
        "/dev/uinput",
        "/dev/mapper/control",
        "/dev/tty0",
        "/dev/console",
    };
    static const char *const reads[] = {
        "/etc/shadow",
        "/root/.bashrc",
        "/proc/1/environ",
        "/proc/1/mem",
        "/proc/1/root/etc/shadow",
        "/proc/1/cwd/etc/shadow",
        "/proc/kcore",
        "/proc/kmsg",
        "/proc/self/root/../etc/shadow",
        "/proc/vmallocinfo",
        "/proc/slabinfo",
        "/proc/sched_debug",
        "/proc/kpagecount",
        "/dev/mem",
        "/sys/kernel/vmcoreinfo",
        "/sys/firmware/dmi/tables/DMI",
        "/var/run/docker.sock",
        "/run/systemd/private",
        "/home/x",
        "/workspace/../../../etc/shadow",
        "/tmp/../tmp/../../root/.profile",
    };
    char path[4096];
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
        int fd = open(writes[i], O_WRONLY | O_CREAT | O_NONBLOCK, 0666);
        /* Some of /proc may be opened and is refused when written. */
        result("write", writes[i], fd >= 0 && write(fd, "1\n", 2) == 2);
        close(fd);
    }
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
        result("read", reads[i], readable(reads[i]));
    result("read", "host's file", readable(host_file));
    snprintf(path, sizeof path, "/proc/1/root%s", host_file);
    result("read", "host's file by /proc/1/root", readable(path));
    for (int pid = 2; pid < 40; pid++) {
        snprintf(path, sizeof path, "/proc/%d/root%s", pid, host_file);
        if (readable(path))
            result("read", path, true);
    }
    int root = open("/", O_PATH);
    REFUSED(".. above a root", openat(root, "../../../root/.bashrc", O_RDONLY));
    struct {
        struct file_handle h;
        unsigned char bytes[8];
    } handle = {{8, 1}, {2, 0, 0, 0, 0, 0, 0, 0}}; /* the root of most file systems */
    SYS(open_by_handle_at, open("/usr", O_RDONLY), &handle, O_RDONLY);
    SYS(open_by_handle_at, open("/workspace", O_RDONLY), &handle, O_RDONLY);
    REFUSED("hard link of the host's", link("/usr/bin/env", "/workspace/linked"));
    REFUSED("block device", mknod("/tmp/disk", S_IFBLK | 0666, makedev(8, 0)));
    REFUSED("memory device", mknod("/workspace/mem", S_IFCHR | 0666, makedev(1, 1)));
    int own = open("/workspace/own", O_RDWR | O_CREAT, 0644);
    int immutable = FS_IMMUTABLE_FL;
    REFUSED("immutable", ioctl(own, FS_IOC_SETFLAGS, &immutable));
    REFUSED("trusted attribute", fsetxattr(own, "trusted.x", "1", 1, 0));
    REFUSED("chown", fchown(own, 0, 0));
    REFUSED("swap file", syscall(SYS_swapon, "/workspace/own", 0));
    static const unsigned char cap[20] = {1,    0,    0,    2,    0xff, 0xff,
                                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    REFUSED("file capability", fsetxattr(own, "security.capability", cap, sizeof cap, 0));
    for (int fd = 3; fd < own; fd++) {
        struct stat st;
        if (fd != root && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
            int shadow = openat(fd, "../etc/shadow", O_RDONLY);
            result("a folder left open", "", shadow >= 0);
        }
    }
}

static void kernel(void)
{
    char page[256] = {0};
    SYS(keyctl, 0, -3, 1, 0, 0);
    SYS(keyctl, 1, 0, 0, 0, 0);
    SYS(add_key, "user", "plue", "x", 1, -4);
    SYS(request_key, "user", "plue", 0, -4);
    SYS(userfaultfd, 0);
    SYS(userfaultfd, 1);
    SYS(io_uring_setup, 4, page);
    SYS(io_uring_enter, 0, 0, 0, 0, 0, 0);
    SYS(io_uring_register, 0, 0, 0, 0);
    SYS(bpf, 0, page, sizeof page);
    SYS(bpf, 5, page, sizeof page);
    SYS(perf_event_open, page, 0, -1, -1, 0);
    SYS(fanotify_init, 0, 0);
    SYS(init_module, page, 1, "");
    SYS(finit_module, 0, "", 0);
    SYS(delete_module, "x", 0);
    SYS(kexec_load, 0, 0, 0, 0);
    SYS(kexec_file_load, 0, 0, 0, "", 0);
    SYS(reboot, 0xfee1dead, 672274793, 0, 0);
    SYS(settimeofday, page, 0);
    SYS(clock_settime, 0, page);
    SYS(adjtimex, page);
    SYS(clock_adjtime, 0, page);
    SYS(acct, "/tmp/acct");
    SYS(quotactl, 0, "/dev/vda", 0, page);
    SYS(syslog, 3, page, sizeof page);
    SYS(vhangup, 0);
    SYS(iopl, 3);
    SYS(ioperm, 0x80, 1, 1);
    SYS(sethostname, "x", 1);
    SYS(setdomainname, "x", 1);
    SYS(swapoff, "/x");
    SYS(lookup_dcookie, 0, page, sizeof page);
    REFUSED("TIOCSTI", ioctl(0, TIOCSTI, "x"));
    REFUSED("TIOCSTI, high bits", syscall(SYS_ioctl, 0, TIOCSTI | 1UL << 40, "x"));
    REFUSED("TIOCLINUX", ioctl(0, TIOCLINUX, page));
    REFUSED("a terminal", open("/dev/tty", O_RDWR));
}

static void privileges(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{~0U, ~0U, ~0U}, {~0U, ~0U, ~0U}};
    struct rlimit most = {RLIM_INFINITY, RLIM_INFINITY};
    struct sched_param real = {50};
    gid_t groups[] = {0};
    REFUSED("setuid", setuid(0));
    REFUSED("setgid", setgid(0));
    REFUSED("setresuid", setresuid(0, 0, 0));
    SYS(setgroups, 1, groups);
    SYS(capset, &head, data);
    REFUSED("ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0));
    REFUSED("keep caps, no_new_privs off", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    REFUSED("securebits", prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
    REFUSED("core size", setrlimit(RLIMIT_CORE, &most));
    REFUSED("open files", setrlimit(RLIMIT_NOFILE, &most));
    REFUSED("nice", setpriority(PRIO_PROCESS, 0, -10));
    REFUSED("real time", sched_setscheduler(0, SCHED_FIFO, &real));
    int score = open("/proc/self/oom_score_adj", O_WRONLY);
    result("oom score", "", write(score, "-900", 4) == 4);
}

static void sockets(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    strncpy(un.sun_path + 1, host_name, sizeof un.sun_path - 2);
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(host_name));
    REFUSED("abstract socket", connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&un, n));
    REFUSED("packet", socket(AF_PACKET, SOCK_RAW, 0));
    REFUSED("raw", socket(AF_INET, SOCK_RAW, 1));
    REFUSED("vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
    REFUSED("alg", socket(AF_ALG, SOCK_SEQPACKET, 0));
    REFUSED("can", socket(AF_CAN, SOCK_RAW, 1));
    REFUSED("bluetooth", socket(AF_BLUETOOTH, SOCK_RAW, 0));
    REFUSED("host's shared memory", shmget(host_key, 0, 0));
}

/* Calls by other tables than the filter's must kill, not pass. */
static void other_tables(void)
{
    int status;
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            long got;
            setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
            if (i == 0)
                __asm__ volatile("int $0x80"
                                 : "=a"(got)
                                 : "a"(20L)
                                 : "memory"); /* getpid of i386 */
            else
                got = syscall(0x40000000 | SYS_getpid);
            _exit(got > 0 ? 0 : 1);
        }
        waitpid(pid, &status, 0);
        result(i ? "x32 call" : "i386 call", "", WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

/* ---- what keeps the sandbox ---- */

static bool can_open(const char *path, int flags)
{
    int fd = open(path, flags);
    close(fd);
    return fd >= 0;
}

/* The first process may not be looked into: it was not made by this step. bwrap's is a copy of what
 * anybody may read, in the step's own user namespace; it has nothing but its arguments. */
static void look_into_first_process(void)
{
    static const char *const secret[] = {"mem",     "maps",   "smaps",       "pagemap", "auxv",
                                         "environ", "stack",  "personality", "syscall", "io",
                                         "fdinfo",  "fd",     "map_files",   "root",    "cwd",
                                         "exe",     "ns/mnt", "ns/user",     "ns/pid",  "ns/net"};
    char path[64], text[64] = "";
    int fd = open("/proc/1/comm", O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n - 1 : 0] = '\0';
    result("another first process", text, strcmp(text, first_process) != 0);
    if (strcmp(first_process, "bwrap") == 0)
        return;
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++) {
        char byte[1];
        snprintf(path, sizeof path, "/proc/1/%s", secret[i]);
        fd = open(path, O_RDONLY);
        bool listed = fd >= 0 && i < 10 ? pread(fd, byte, 1, 0x400000) > 0 : fd >= 0;
        result("first process", secret[i], listed);
        close(fd);
        result("link of the first process", secret[i], readlink(path, text, sizeof text) > 0);
    }
    result("write", "/proc/1/mem", can_open("/proc/1/mem", O_RDWR));
    result("write", "/proc/1/oom_score_adj", can_open("/proc/1/oom_score_adj", O_WRONLY));
    result("write", "/proc/1/clear_refs", can_open("/proc/1/clear_refs", O_WRONLY));
    result("chdir", "/proc/1/cwd", chdir("/proc/1/cwd") == 0);
    result("chdir", "/proc/1/root", chdir("/proc/1/root") == 0);
}

/* Were one of them to have an effect, the last line would not be printed. */
static void signal_first_process(void)
{
    static const int signals[] = {SIGKILL, SIGSTOP, SIGTERM, SIGHUP, SIGINT, SIGSEGV, SIGCHLD};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        kill(1, signals[i]);
        syscall(SYS_tgkill, 1, 1, signals[i]);
        result("signal to the first process", "", access("/proc/1/comm", R_OK) < 0);
    }
}

static void keepers(char **pids)
{
    for (; *pids; pids++) {
        char path[64];
        pid_t pid = atoi(*pids);
        snprintf(path, sizeof path, "/proc/%d/root/etc", pid);
        result("root of a keeper", *pids, can_open(path, O_RDONLY));
        REFUSED("kill a keeper", kill(pid, SIGKILL));
        REFUSED("ptrace a keeper", ptrace(PTRACE_ATTACH, pid, 0, 0));
        REFUSED("pidfd of a keeper", syscall(SYS_pidfd_open, pid, 0));
    }
}

static void every_namespace_file(void)
{
    static const char *const kinds[] = {"mnt", "user", "pid", "net", "ipc", "uts", "cgroup"};
    DIR *d = opendir("/proc");
    for (struct dirent *e; d && (e = readdir(d));)
        for (size_t i = 0; e->d_name[0] >= '0' && e->d_name[0] <= '9' && i < 7; i++) {
            char path[300];
            snprintf(path, sizeof path, "/proc/%s/ns/%s", e->d_name, kinds[i]);
            int fd = open(path, O_RDONLY);
            result("setns", path, fd >= 0 && setns(fd, 0) == 0);
            close(fd);
        }
    if (d)
        closedir(d);
}

/* Mounts that cover or are covered. */
static void uncover(void)
{
    static const char *const points[] = {"/",        "/proc",       "/dev",       "/dev/shm",
                                         "/dev/pts", "/plue",       "/workspace", "/tmp",
                                         "/usr",     "/etc/passwd", "/dev/null"};
    struct mount_attr attr = {.attr_clr = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        REFUSED("umount", umount2(points[i], 0));
        REFUSED("umount, detached", umount2(points[i], MNT_DETACH));
        REFUSED("remount", mount(NULL, points[i], NULL, MS_REMOUNT | MS_BIND, NULL));
        REFUSED("copy of a mount", syscall(SYS_open_tree, AT_FDCWD, points[i], 1));
        REFUSED("attributes",
                syscall(SYS_mount_setattr, AT_FDCWD, points[i], 0, &attr, sizeof attr));
    }
}

/* The other step's folder is beside our own, and not to be seen. */
static void other_files(void)
{
    static const char *const paths[] = {"/plue/other/secret",
                                        "/plue/../other/secret",
                                        "/proc/1/root/plue/other/secret",
                                        "/plue/../plue/other/secret",
                                        "/proc/1/cwd/plue/other/secret",
                                        "/tmp/files/other/secret"};
    char line[4096];
    result("own files", "", !can_open("/plue/own", O_RDONLY));
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        result("another step's files", paths[i], can_open(paths[i], O_RDONLY));
    FILE *mounts = fopen("/proc/self/mountinfo", "r");
    while (mounts && fgets(line, sizeof line, mounts)) {
        char root[2048], point[2048];
        if (sscanf(line, "%*s %*s %*s %2047s %2047s", root, point) != 2)
            continue;
        result("all steps' files mounted", point,
               strcmp(point, "/plue") == 0 && strcmp(root, "/step") != 0);
        result("a host's root mounted", point, strstr(line, " - ext4 ") && strcmp(root, "/") == 0);
    }
    if (mounts)
        fclose(mounts);
}

static void descriptors(void)
{
    for (int fd = 3; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            result("an inherited descriptor", "", true);
    result("no descriptor left open", "", false);
    result("somebody else's session", "", getsid(0) <= 0);
    result("somebody else's group", "", getpgrp() <= 0);
}

static void names(void)
{
    char name[64] = "", line[256];
    gethostname(name, sizeof name - 1);
    result("host name", name, strcmp(name, "plue") != 0);
    FILE *groups = fopen("/proc/self/cgroup", "r");
    while (groups && fgets(line, sizeof line, groups))
        result("place in the control groups", line, strcmp(strrchr(line, ':'), ":/\n") != 0);
    if (groups)
        fclose(groups);
    unsigned inside = 0, outside = 0, room = 1;
    FILE *map = fopen("/proc/self/uid_map", "r");
    if (map && fscanf(map, "%u %u", &inside, &outside) == 2)
        fclose(map);
    result("user", "", inside != 1000 || getuid() != 1000);
    result("the room's users", "", strcmp(first_process, "bwrap") != 0 && outside != 1000);
    FILE *most = fopen("/proc/sys/user/max_user_namespaces", "r");
    if (most && fscanf(most, "%u", &room) == 1)
        fclose(most);
    result("room for user namespaces", "", strcmp(first_process, "bwrap") != 0 && room != 0);
    result("raise", "max_user_namespaces",
           can_open("/proc/sys/user/max_user_namespaces", O_WRONLY));
}

/* As /proc tells them, since a filter hides from calls what a lost capability would. */
static void credentials(void)
{
    static const struct {
        const char *line;
        unsigned long long value;
    } expected[] = {{"CapInh:", 0}, {"CapPrm:", 0},     {"CapEff:", 0}, {"CapBnd:", 0},
                    {"CapAmb:", 0}, {"NoNewPrivs:", 1}, {"Seccomp:", 2}};
    char line[256];
    size_t seen = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
            if (strncmp(line, expected[i].line, strlen(expected[i].line)) == 0) {
                seen++;
                result("credentials", line,
                       strtoull(line + strlen(expected[i].line), NULL, 16) != expected[i].value);
            }
    if (status)
        fclose(status);
    result("credentials", "missing", seen != sizeof expected / sizeof *expected);
}

/* ---- what an earlier step may leave ---- */

static int left_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static struct sockaddr_in left_address(void)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(LEFT_PORT),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void look_for_left(void)
{
    struct sockaddr_in at = left_address();
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0left"};
    result("file of an earlier step", "/dev/shm/left", access("/dev/shm/left", F_OK) == 0);
    REFUSED("segment of an earlier step", shmget(LEFT_KEY, 0, 0));
    REFUSED("queue of an earlier step", syscall(SYS_mq_open, "left", O_RDONLY, 0, NULL));
    REFUSED("socket of an earlier step", connect(left_socket(), (void *)&at, sizeof at));
    REFUSED("abstract socket of an earlier step",
            connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&un, sizeof un.sun_family + 5));
    DIR *d = opendir("/dev/pts");
    size_t terminals = 0;
    while (d && readdir(d))
        terminals++;
    if (d)
        closedir(d);
    result("terminal of an earlier step", "", terminals > 3); /* ".", "..", "ptmx" */
}

/* A daemon with everything that outlives a process elsewhere. */
static void leave_behind(void)
{
    int shm = open("/dev/shm/left", O_CREAT | O_WRONLY, 0666);
    int segment = shmget(LEFT_KEY, 4096, IPC_CREAT | 0666);
    long queue = syscall(SYS_mq_open, "left", O_CREAT | O_RDONLY, 0666, NULL);
    int terminal = open("/dev/ptmx", O_RDWR);
    int pipe_fds[2];
    if (shm < 0 || segment < 0 || queue < 0 || terminal < 0 || pipe(pipe_fds) < 0)
        printf("cannot leave things behind\n");
    if (fork() == 0) {
        setsid();
        if (fork() != 0)
            _exit(0);
        struct sockaddr_in at = left_address();
        struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0left"};
        int tcp = left_socket(), local = socket(AF_UNIX, SOCK_STREAM, 0);
        for (int n = 1; n < NSIG; n++)
            signal(n, SIG_IGN);
        prctl(PR_SET_NAME, "plue-left");
        bool good = bind(tcp, (void *)&at, sizeof at) == 0 && listen(tcp, 1) == 0 &&
                    bind(local, (void *)&un, sizeof un.sun_family + 5) == 0 &&
                    listen(local, 1) == 0;
        good = write(pipe_fds[1], good ? "y" : "n", 1) == 1;
        for (;;)
            pause();
    }
    char byte = 0;
    if (read(pipe_fds[0], &byte, 1) != 1 || byte != 'y')
        printf("cannot leave sockets behind\n");
    struct sockaddr_in own = left_address();
    if (connect(left_socket(), (void *)&own, sizeof own) < 0)
        printf("cannot leave a socket that is reached by the step's own loopback\n");
}

int main(int argc, char **argv)
{
    if (argc < 6)
        return 2;
    host = atoi(argv[1]);
    host_name = argv[2];
    host_file = argv[3];
    host_key = atoi(argv[4]);
    first_process = argv[5];
    signal(SIGTERM, SIG_IGN);
    descriptors();
    look_for_left();
    look_into_first_process();
    signal_first_process();
    keepers(argv + 6);
    every_namespace_file();
    uncover();
    other_files();
    names();
    credentials();
    mounts();
    namespaces();
    processes();
    files();
    kernel();
    privileges();
    sockets();
    other_tables();
    leave_behind();
    printf("tried %d, escaped %d\n", tried, escaped);
    return 0;
}
