#include "sandbox/sandbox_int.h"

#define HARD_OR_NOTHING                                                      \
    {                                                                        \
        [SANDBOX_BUBBLEWRAP] = SANDBOX_HARD, [SANDBOX_NONE] = SANDBOX_ABSENT \
    }
#define SOFT_OR_NOTHING                                                      \
    {                                                                        \
        [SANDBOX_BUBBLEWRAP] = SANDBOX_SOFT, [SANDBOX_NONE] = SANDBOX_ABSENT \
    }
#define HARD_ANYWHERE                                                      \
    {                                                                      \
        [SANDBOX_BUBBLEWRAP] = SANDBOX_HARD, [SANDBOX_NONE] = SANDBOX_HARD \
    }

static const char cgroup_remedy[] =
    "start Plue as root, or as a systemd unit with Delegate=yes, so that it may make control groups";

/* A probe runs under `sh` in a sandbox with the limits of doctor.c and with these in its
 * environment: PROBE_PORT, a TCP port that listens on the host's loopback; PROBE_SECRET, a host
 * file outside of the workspace; PROBE_CANARY is in the host's environment only. It prints `held`,
 * or what it could do. */
const struct sandbox_promise sandbox_promises[] = {
    {"root_read_only", "The root file system, /dev and /etc cannot be changed.", HARD_OR_NOTHING,
     "for d in / /etc /usr /usr/bin /dev /opt; do [ -d $d ] || continue;"
     " if (: >$d/plue-probe) 2>/dev/null; then rm -f $d/plue-probe; echo \"wrote to $d\"; exit; fi;"
     " done; echo held",
     NULL},
    {"writable", "Only /workspace, /tmp, /dev/shm and the step's own /plue can be written.",
     HARD_OR_NOTHING,
     "for d in /*; do case $d in /workspace|/tmp|/plue|/proc) continue;; esac;"
     " [ -w $d ] && [ -d $d ] && (: >$d/plue-probe) 2>/dev/null && { rm -f $d/plue-probe;"
     " echo \"wrote to $d\"; exit; }; done; : >/workspace/probe && : >/tmp/probe && echo held",
     NULL},
    {"workspace_size", "The workspace holds at most 10 GiB; measured from time to time.",
     SOFT_OR_NOTHING, NULL, NULL},
    {"tmp_size", "/tmp, in memory, holds at most 1 GiB.", HARD_OR_NOTHING,
     "head -c 40000000 /dev/zero >/tmp/probe 2>/dev/null && echo 'wrote 40 MB' || echo held;"
     " rm -f /tmp/probe",
     NULL},
    {"user", "A step is user and group 1000, and on a host's root nobody who has a login.",
     HARD_OR_NOTHING,
     ": >/workspace/probe-user; [ \"$(id -u):$(id -g)\" = 1000:1000 ] && echo held || id", NULL},
    {"capabilities", "No capabilities in any set.", HARD_OR_NOTHING,
     "if grep -q '^Cap[A-Z][a-z]*:.*[1-9a-f]' /proc/self/status; then grep ^Cap /proc/self/status; else"
     " echo held; fi",
     NULL},
    {"no_new_privs", "No program can gain privileges, setuid ones included.", HARD_OR_NOTHING,
     "grep -q '^NoNewPrivs:.1' /proc/self/status && echo held", NULL},
    {"seccomp",
     "ptrace, keys, userfaultfd, io_uring, bpf, perf, mounts, chroot, namespaces, kernel modules "
     "and clock setting are refused.",
     HARD_OR_NOTHING,
     "grep -q '^Seccomp:.2' /proc/self/status || { echo 'no filter'; exit; };"
     " unshare -U true 2>/dev/null && { echo 'made a user namespace'; exit; };"
     " unshare -r chroot / true 2>/dev/null && { echo 'changed its root'; exit; };"
     " mount -t tmpfs none /tmp 2>/dev/null && { echo 'mounted'; exit; }; echo held",
     NULL},
    {"namespaces", "Own pid, mount, ipc, uts, user and network namespaces.", HARD_OR_NOTHING,
     "for n in pid mnt ipc uts user net; do eval h=\\$PROBE_NS_$n;"
     " [ \"$(readlink /proc/self/ns/$n)\" != \"$h\" ] || { echo \"shares $n\"; exit; }; done;"
     " echo held",
     NULL},
    {"processes", "A step sees its own processes only, and none of them outlives it.",
     HARD_OR_NOTHING,
     "set -- /proc/[0-9]*; [ $# -le 6 ] && [ -d /proc/1 ] && echo held || echo \"sees $# processes\"",
     NULL},
    {"network", "No network unless the workflow allows it.", HARD_OR_NOTHING,
     "[ \"$(grep -c : /proc/net/dev)\" = 1 ] || { echo 'has interfaces'; exit; };"
     " if command -v bash >/dev/null; then"
     " bash -c \": </dev/tcp/127.0.0.1/$PROBE_PORT\" 2>/dev/null && { echo 'reached the host'; exit; };"
     " fi; echo held",
     NULL},
    {"egress",
     "With a list of hosts, no way out but through Plue's proxy, which reaches those alone.",
     HARD_OR_NOTHING,
     "[ \"$(grep -c : /proc/net/dev)\" = 1 ] || { echo 'has interfaces'; exit; };"
     " [ \"$(wc -l </proc/net/route)\" -le 1 ] || { echo 'has routes'; exit; };"
     " command -v bash >/dev/null || { echo 'no bash to test it'; exit; };"
     " for a in 127.0.0.1/$PROBE_PORT 192.0.2.1/443 169.254.169.254/80 2001:db8::1/443; do"
     " bash -c \": </dev/tcp/$a\" 2>/dev/null && { echo \"reached $a\"; exit; };"
     " bash -c \"echo x >/dev/udp/192.0.2.1/53\" 2>/dev/null && { echo 'sent a datagram'; exit; };"
     " done; bash -c ': </dev/tcp/127.0.0.1/3128' && echo held",
     NULL},
    {"cpu", "At most 2 processors.", HARD_OR_NOTHING,
     "for i in 1 2; do timeout 0.4 sh -c 'while :; do :; done' & done; wait;"
     " times >/tmp/probe; { read a; read u s; } </tmp/probe; rm -f /tmp/probe; u=${u#0m}; u=${u%s};"
     " case $u in 0.0*|0.1*|0.2*) echo held;; *) echo \"used $u s\";; esac",
     cgroup_remedy},
    {"memory", "At most 4 GiB of memory for all processes of a step.", HARD_OR_NOTHING,
     "exec 2>/dev/null; (dd if=/dev/zero of=/dev/null bs=400M count=1) >/dev/null && echo 'took 400 MiB' ||"
     " echo held",
     cgroup_remedy},
    {"pids", "At most 512 processes and threads.", HARD_OR_NOTHING,
     "(i=0; while [ $i -lt 90 ]; do sleep 5 & i=$((i+1)); done) 2>/dev/null; set -- /proc/[0-9]*;"
     " [ $# -le 40 ] && echo held || echo \"made $# processes\"",
     cgroup_remedy},
    {"time", "At most an hour; the run's engine ends the step.", HARD_ANYWHERE, NULL, NULL},
    {"environment", "Nothing of the host's environment but a short list.", HARD_OR_NOTHING,
     "env | grep -v -E '^(PROBE_[A-Z]+[_a-z]*|PATH|PWD|OLDPWD|SHLVL|_)=' || echo held", NULL},
    {"devices",
     "/dev has null, zero, full, random, urandom, tty, own pseudo-terminals and a private shm.",
     HARD_OR_NOTHING,
     "for d in /dev/*; do case ${d#/dev/} in null|zero|full|random|urandom|tty|shm|pts|ptmx|fd|core|"
     "stdin|stdout|stderr) ;; *) echo \"has $d\"; exit;; esac; done;"
     " : >/dev/shm/probe && echo held",
     NULL},
    {"host_files", "/home, /root, /run, /var, /srv, /mnt, /media and the caller's home are absent.",
     HARD_OR_NOTHING,
     "for d in /home /root /run /var /srv /mnt /media /boot /sys /etc/shadow /etc/ssh; do"
     " [ -e $d ] && { echo \"sees $d\"; exit; }; done; echo held",
     NULL},
    {"data_directory", "Nothing of Plue's data directory.", HARD_OR_NOTHING,
     "[ -e \"$PROBE_SECRET\" ] && echo 'saw it' || echo held", NULL},
    {"docker_socket", "No socket of Docker or another container service.", HARD_OR_NOTHING,
     "for f in /var/run/docker.sock /run/docker.sock /run/podman /run/containerd /run/user; do"
     " [ -e $f ] && { echo \"sees $f\"; exit; }; done; echo held",
     NULL},
    {"metadata", "No cloud metadata address, with network=\"all\" neither.", HARD_OR_NOTHING,
     "for a in 169.254.169.254 ::ffff:169.254.169.254 fd00:ec2::254 fe80::a9fe:a9fe; do"
     " bash -c \": </dev/tcp/$a/80\" 2>&1 | grep -q -e 'not permitted' -e 'not supported' ||"
     " { echo \"may try $a\"; exit; }; bash -c \"echo x >/dev/udp/$a/80\" 2>&1 |"
     " grep -q -e 'not permitted' -e 'not supported' || { echo \"may send to $a\"; exit; }; done;"
     " bash -c \": </dev/tcp/127.0.0.1/$PROBE_PORT\" && echo held",
     "start Plue as root where control groups version 2 are mounted"},
    {"service_token", "No service account token.", HARD_OR_NOTHING,
     "[ -e /var/run/secrets ] || [ -e /run/secrets ] && echo 'sees secrets' || echo held", NULL},
    {"command_line", "No secret on a command line of the host.", HARD_ANYWHERE, NULL, NULL},
};
const size_t sandbox_promise_count = sizeof sandbox_promises / sizeof *sandbox_promises;

const struct sandbox_promise *sandbox_find_promise(str name)
{
    for (size_t i = 0; i < sandbox_promise_count; i++)
        if (str_is(name, sandbox_promises[i].name))
            return &sandbox_promises[i];
    return NULL;
}

enum sandbox_level sandbox_level_here(const struct sandbox *s, const struct sandbox_promise *p)
{
    static const struct {
        const char *promise;
        enum cgroup_controller needs;
    } kept_by[] = {{"cpu", CGROUP_CPU}, {"memory", CGROUP_MEMORY}, {"pids", CGROUP_PIDS}};
    enum sandbox_level level = p->level[s->backend->id];
    for (size_t i = 0; i < sizeof kept_by / sizeof *kept_by; i++)
        if (level == SANDBOX_HARD && strcmp(p->name, kept_by[i].promise) == 0 &&
            !(s->cgroups.controllers & kept_by[i].needs))
            return SANDBOX_SOFT;
    /* Without a network it holds anyway; with one, only where the kernel keeps it. */
    if (level == SANDBOX_HARD && strcmp(p->name, "metadata") == 0 &&
        s->cgroups.guard == GUARD_FAILED)
        return SANDBOX_SOFT;
    return level;
}
