/* Runs inside a sandbox: tries each system call that a step may not make, and prints the error. */
#include <errno.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif

static void show(const char *name, long result)
{
    printf("%s %s\n", name, result < 0 ? strerrorname_np(errno) : "allowed");
}

#define CALL(name, ...) show(#name, syscall(SYS_##name, __VA_ARGS__))

int main(void)
{
    char page[64] = {0};
    CALL(ptrace, 0, 0, 0, 0);
    CALL(process_vm_readv, getpid(), 0, 0, 0, 0, 0);
    CALL(process_vm_writev, getpid(), 0, 0, 0, 0, 0);
    CALL(pidfd_getfd, 0, 0, 0);
    CALL(kcmp, getpid(), getpid(), 0, 0, 0);
    CALL(keyctl, 0, -3, 0, 0, 0);
    CALL(add_key, "user", "x", "y", 1, -3);
    CALL(request_key, "user", "x", 0, -3);
    CALL(userfaultfd, 0);
    CALL(io_uring_setup, 1, page);
    CALL(io_uring_enter, -1, 0, 0, 0, 0, 0);
    CALL(io_uring_register, -1, 0, 0, 0);
    CALL(bpf, 0, page, sizeof page);
    CALL(perf_event_open, page, 0, -1, -1, 0);
    CALL(open_by_handle_at, -1, page, 0);
    CALL(mount, "none", "/tmp", "tmpfs", 0, 0);
    CALL(umount2, "/tmp", 0);
    CALL(open_tree, -100, "/tmp", 1);
    CALL(move_mount, -1, "", -1, "", 0);
    CALL(fsopen, "tmpfs", 0);
    CALL(fsconfig, -1, 0, 0, 0, 0);
    CALL(fsmount, -1, 0, 0);
    CALL(fspick, -100, "/tmp", 0);
    CALL(mount_setattr, -100, "/tmp", 0, page, 32);
    CALL(chroot, "/tmp");
    CALL(pivot_root, "/tmp", "/tmp");
    CALL(setns, -1, 0);
    CALL(clone3, page, sizeof page);
    CALL(init_module, page, 1, "");
    CALL(finit_module, -1, "", 0);
    CALL(delete_module, "x", 0);
    CALL(kexec_load, 0, 0, 0, 0);
    CALL(swapon, "/tmp/x", 0);
    CALL(swapoff, "/tmp/x");
    CALL(reboot, 0, 0, 0, 0);
    CALL(settimeofday, 0, 0);
    CALL(clock_settime, 0, page);
    CALL(adjtimex, page);
    CALL(acct, 0);
    CALL(syslog, 3, 0, 0);
    CALL(sethostname, "x", 1);
    show("unshare mount", syscall(SYS_unshare, CLONE_NEWNS));
    show("unshare user", syscall(SYS_unshare, CLONE_NEWUSER));
    show("unshare user+net", syscall(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNET));
    show("unshare time", syscall(SYS_unshare, CLONE_NEWTIME));
    show("unshare files", syscall(SYS_unshare, CLONE_FILES));
    show("clone user", syscall(SYS_clone, CLONE_NEWUSER | 17, 0, 0, 0, 0));
    show("TIOCSTI", ioctl(0, TIOCSTI, "x"));
    show("TIOCSTI, high bits", syscall(SYS_ioctl, 0, TIOCSTI | 1UL << 32, "x"));
    show("socket unix", socket(AF_UNIX, SOCK_STREAM, 0));
    show("socket inet", socket(AF_INET, SOCK_STREAM, 0));
    show("socket inet6", socket(AF_INET6, SOCK_STREAM, 0));
    show("socket netlink", socket(AF_NETLINK, SOCK_RAW, 0));
    show("socket vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
    show("socket alg", socket(AF_ALG, SOCK_SEQPACKET, 0));
    show("socket packet", socket(AF_PACKET, SOCK_RAW, 0));
    fflush(stdout);
    _exit(0);
}
