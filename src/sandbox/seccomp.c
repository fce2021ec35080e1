#include "sandbox/sandbox_int.h"
#include <errno.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Names, not numbers: a call that this libseccomp or this processor does not know is skipped. */
struct refused {
    const char *call;
    int with;
};
static const struct refused refused_calls[] = {
    /* looking into and steering other processes */
    {"ptrace", EPERM},
    {"process_vm_readv", EPERM},
    {"process_vm_writev", EPERM},
    {"kcmp", EPERM},
    {"pidfd_getfd", EPERM},
    /* keys of the kernel, which no namespace divides */
    {"keyctl", EPERM},
    {"add_key", EPERM},
    {"request_key", EPERM},
    /* large, young or privileged parts of the kernel */
    {"userfaultfd", EPERM},
    {"io_uring_setup", ENOSYS},
    {"io_uring_enter", ENOSYS},
    {"io_uring_register", ENOSYS},
    {"bpf", EPERM},
    {"perf_event_open", EPERM},
    {"fanotify_init", EPERM},
    {"lookup_dcookie", EPERM},
    {"open_by_handle_at", EPERM},
    {"quotactl", EPERM},
    {"quotactl_fd", EPERM},
    {"acct", EPERM},
    {"syslog", EPERM},
    {"vhangup", EPERM},
    {"iopl", EPERM},
    {"ioperm", EPERM},
    {"nfsservctl", EPERM},
    {"uselib", EPERM},
    {"ustat", EPERM},
    {"sysfs", EPERM},
    {"_sysctl", EPERM},
    /* mounts, old and new */
    {"mount", EPERM},
    {"umount", EPERM},
    {"umount2", EPERM},
    {"open_tree", EPERM},
    {"open_tree_attr", EPERM},
    {"move_mount", EPERM},
    {"fsopen", EPERM},
    {"fsconfig", EPERM},
    {"fsmount", EPERM},
    {"fspick", EPERM},
    {"mount_setattr", EPERM},
    {"chroot", EPERM},
    {"pivot_root", EPERM},
    /* namespaces; C libraries fall back from clone3 to clone, whose flags can be seen here */
    {"setns", EPERM},
    {"clone3", ENOSYS},
    /* the machine */
    {"create_module", EPERM},
    {"init_module", EPERM},
    {"finit_module", EPERM},
    {"delete_module", EPERM},
    {"get_kernel_syms", EPERM},
    {"query_module", EPERM},
    {"kexec_load", EPERM},
    {"kexec_file_load", EPERM},
    {"swapon", EPERM},
    {"swapoff", EPERM},
    {"reboot", EPERM},
    {"settimeofday", EPERM},
    {"stime", EPERM},
    {"clock_settime", EPERM},
    {"clock_settime64", EPERM},
    {"clock_adjtime", EPERM},
    {"clock_adjtime64", EPERM},
    {"adjtimex", EPERM},
    {"sethostname", EPERM},
    {"setdomainname", EPERM},
};

static const unsigned long namespace_flags[] = {CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS,
                                                CLONE_NEWIPC, CLONE_NEWUSER,   CLONE_NEWPID,
                                                CLONE_NEWNET};

/* Typing into a terminal's input, which outlives the sandbox. */
static const unsigned long refused_ioctls[] = {TIOCSTI, TIOCLINUX};

/* Zero or one: each adds its rules, 0 or a negative errno. */
static int add_calls(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < sizeof refused_calls / sizeof *refused_calls; i++) {
        int number = seccomp_syscall_resolve_name(refused_calls[i].call);
        if (number < 0)
            continue;
        int e =
            seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint32_t)refused_calls[i].with), number, 0);
        if (e < 0)
            return e;
    }
    return 0;
}

static int add_flags(scmp_filter_ctx filter)
{
    uint32_t refuse = SCMP_ACT_ERRNO(EPERM);
    int e = 0;
    for (size_t i = 0; i < sizeof namespace_flags / sizeof *namespace_flags && e >= 0; i++) {
        unsigned long flag = namespace_flags[i];
        e = seccomp_rule_add(filter, refuse, SCMP_SYS(clone), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag));
        if (e >= 0)
            e = seccomp_rule_add(filter, refuse, SCMP_SYS(unshare), 1,
                                 SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag));
    }
    if (e >= 0) /* in clone this bit belongs to the exit signal */
        e = seccomp_rule_add(filter, refuse, SCMP_SYS(unshare), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWTIME, CLONE_NEWTIME));
    for (size_t i = 0; i < sizeof refused_ioctls / sizeof *refused_ioctls && e >= 0; i++)
        e = seccomp_rule_add(filter, refuse, SCMP_SYS(ioctl), 1,
                             SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffUL, refused_ioctls[i]));
    return e;
}

/* Sockets beside UNIX, INET, INET6 and NETLINK: some, AF_VSOCK first, know no network namespace. */
static int add_sockets(scmp_filter_ctx filter)
{
    uint32_t refuse = SCMP_ACT_ERRNO(EAFNOSUPPORT);
    int e = seccomp_rule_add(filter, refuse, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_GT, AF_NETLINK));
    for (unsigned family = AF_INET + 1; family < AF_NETLINK && e >= 0; family++)
        if (family != AF_INET6)
            e = seccomp_rule_add(filter, refuse, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, family));
    return e;
}

static void filter_release(scmp_filter_ctx *filter)
{
    if (*filter)
        seccomp_release(*filter);
}

bool seccomp_program(int *ret_fd, struct err *err)
{
    /* Calls of another architecture (32-bit ones on a 64-bit machine) kill: their numbers differ.
     */
    cleanup(filter_release) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        return err_set(err, "sandbox_seccomp", "no seccomp filter can be made");
    int e = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (e >= 0)
        e = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (e >= 0)
        e = add_calls(filter);
    if (e >= 0)
        e = add_flags(filter);
    if (e >= 0)
        e = add_sockets(filter);
    auto_fd fd = e < 0 ? -1 : memfd_create("plue-seccomp", MFD_CLOEXEC);
    if (e >= 0)
        e = fd < 0 ? -errno : seccomp_export_bpf(filter, fd);
    if (e < 0)
        return err_errno(err, "sandbox_seccomp", -e, "the seccomp filter cannot be made");
    *ret_fd = fd_steal(&fd);
    return true;
}
