/* sandbox_int: what the files of this folder share. */
#ifndef SANDBOX_SANDBOX_INT_H
#define SANDBOX_SANDBOX_INT_H
#include "base/fd.h"
#include "base/vec.h"
#include "sandbox/sandbox.h"
#include <sys/types.h>

/* ---- control groups: limits that the kernel keeps ---- */

enum cgroup_controller {
    CGROUP_MEMORY = 1,
    CGROUP_PIDS = 2,
    CGROUP_CPU = 4,
    CGROUP_ALL = CGROUP_MEMORY | CGROUP_PIDS | CGROUP_CPU
};

enum { CGROUP_HIERARCHIES = 4 };

struct cgroup_hierarchy {
    int dir;              /* our own folder in it, the parent of every tree's */
    unsigned controllers; /* 0 in one that is there for the network's sake only */
    bool v2;
};

enum cgroup_counter { CGROUP_CHARGED, CGROUP_OOM, CGROUP_TASKS, CGROUP_COUNTERS };

struct cgroup {  /* of one step at a time */
    uint64_t id; /* 0: none */
    int dirs[CGROUP_HIERARCHIES];
    int procs[CGROUP_HIERARCHIES]; /* the doors */
    int counters[CGROUP_COUNTERS];
    struct sandbox_limits limits;
    bool network;
};
#define CGROUP_INIT \
    ((struct cgroup){.dirs = {-1, -1, -1, -1}, .procs = {-1, -1, -1, -1}, .counters = {-1, -1, -1}})

struct cgroups {
    struct cgroup_hierarchy at[CGROUP_HIERARCHIES];
    size_t n;
    unsigned controllers; /* kept by the kernel on this host */
    char name[48];        /* of our folder: plue.PID.START */
    char *bases[CGROUP_HIERARCHIES];
    enum { GUARD_UNTRIED, GUARD_FAILED, GUARD_KEPT } guard; /* of the network */
    uint64_t next;
    VEC(uint64_t) busy;      /* folders that could not be removed yet */
    VEC(struct cgroup) idle; /* of steps that have ended */
};

/* Finds what is writable; never fails, `controllers` says what came of it. Also ends trees that a
 * dead program of ours left behind. */
void cgroups_open(struct cgroups *c);
void cgroups_close(struct cgroups *c);

/* network: it will use the host's, so it needs the guard's hierarchy too. */
must_use bool cgroup_make(struct cgroups *c, const struct sandbox_limits *limits, bool network,
                          struct cgroup *ret_group, struct err *err);
/* Whether the kernel refuses metadata addresses to groups made with network; tried once. */
bool cgroups_guard_network(struct cgroups *c);
/* Kills whatever is in it, reads whether memory ran out, keeps it for another step or removes it
 * (now or later). */
void cgroup_end(struct cgroups *c, struct cgroup *g, struct sandbox_exit *exit);

/* ---- egress ---- */

/* Makes the kernel refuse link-local addresses to the processes below this version 2 group. */
bool egress_guard(int cgroup);
/* Whether this host looks like a cloud's, by what its firmware says. */
bool egress_host_is_cloud(void);

/* ---- seccomp ---- */

/* The filter as BPF in a sealed memory file. */
must_use bool seccomp_program(int *ret_fd, struct err *err);

/* ---- spawn ---- */

enum { SPAWN_FDS_MAX = 64 };

/* Code of a child that still shares the parent's memory. */
#define IN_CHILD __attribute__((no_sanitize("address", "undefined"), noinline))
/* clone with a stack of its own; returns when the child has executed a program or ended. */
pid_t spawn_clone(int (*main)(void *), void *arg, int flags, int *ret_pidfd);
int spawn_wait(pid_t pid);
IN_CHILD void spawn_default_signals(void);

/* Everything the child needs, made before it exists: it may not allocate. */
struct spawn {
    const char *program;
    char *const *argv;
    char *const *env;
    const char *cwd;
    int in, out, err;        /* become 0, 1, 2 */
    int keep[SPAWN_FDS_MAX]; /* stay open under their numbers; all others do not */
    size_t keep_count;
    int cgroup_procs[CGROUP_HIERARCHIES];
    size_t cgroup_count;
    bool drop; /* become uid and gid, without groups */
    uint32_t uid, gid;
    int join_user, join_mount, join_network; /* namespaces to enter before all else, or -1 */
    /* Written by the child, whose memory this is. */
    const char *failed;
    int failed_errno;
};
/* Runs the program; the caller sleeps until it was executed. The child is a session of its own. */
must_use bool spawn_run(struct spawn *s, pid_t *ret_pid, int *ret_pidfd, struct err *err);
/* 0, or the errno with which a process of this uid and gid fails to make its namespaces. */
int spawn_try_namespaces(bool drop, uint32_t uid, uint32_t gid);
/* A network namespace with nothing but a loopback, and a socket that listens at this port of its
 * 127.0.0.1; with port 0 none, and *ret_listener is -1. */
must_use bool spawn_make_network(int join_user, uint16_t port, int *ret_namespace,
                                 int *ret_listener, struct err *err);
/* Signal to every process of the pid namespace whose first process is pidfd's, but to that one.
 * 0 or an errno; ESRCH where there is no other. */
int spawn_signal_namespace(int pidfd, bool join_user, int signal);

/* ---- the folders of a run ---- */

/* Where a space's mount namespace shows them: reachable for a user without rights to the folders
 * above the host's. It covers what the host has there. */
#define SPACE_ROOT "/tmp"
#define SPACE_WORKSPACE SPACE_ROOT "/workspace"
#define SPACE_TMP SPACE_ROOT "/tmp"
#define SPACE_FILES SPACE_ROOT "/files"
#define SPACE_IMAGES SPACE_ROOT "/images"
#define SPACE_HOST SPACE_ROOT "/host" /* the root of steps without network, read-only */

struct sandbox_space {
    struct sandbox *sandbox;
    char *workspace, *tmp, *files, *keeper;
    pid_t pid;         /* of the process that keeps it; 0 where there is none */
    int user, mount;   /* its namespaces, or -1 */
    int files_fd;      /* the folder of steps' files, where it is */
    int tmp_fd;        /* /tmp, where it is in memory, or -1 */
    VEC(int) networks; /* namespaces with a loopback alone, which no step uses now */
    /* Of warm starts: */
    pid_t room;     /* plue-room, or 0 */
    int room_fd;    /* the socket to it, or -1 */
    int room_users; /* the user namespace that owns what it makes, or -1 */
    char *notice;   /* why there is none; or NULL */
};

must_use bool space_open(struct sandbox_space *p, int64_t tmp_bytes, bool *ret_fresh,
                         struct err *err);
void space_close(struct sandbox_space *p, bool keep);

/* ---- warm starts: a prepared root and a process that starts steps in it (warm.c, room.h) ---- */

/* Makes the program of the process; -1 and errno. */
int warm_program(void);
/* Where this host refuses it, p->notice says why, and bwrap starts each step by itself. */
void warm_open(struct sandbox_space *p);
void warm_close(struct sandbox_space *p);
/* Whether a warm start has all that the step asks for. */
bool warm_can(const struct sandbox_space *p, const struct sandbox_spec *spec);
must_use bool warm_start(struct sandbox_tree *t, const struct sandbox_spec *spec, int out,
                         int err_fd, int report, struct err *err);

/* ---- backends ---- */

struct sandbox_tree;

struct backend {
    const char *name;
    enum sandbox_backend_id id;
    bool maps_paths; /* /workspace, /tmp and /plue are what a step sees */
    must_use bool (*open)(struct sandbox *s, struct err *err);
    void (*close)(struct sandbox *s);
    must_use bool (*space_open)(struct sandbox_space *p, int64_t tmp_bytes, bool *ret_fresh,
                                struct err *err);
    void (*space_close)(struct sandbox_space *p, bool keep);
    must_use bool (*start)(struct sandbox_tree *t, const struct sandbox_spec *spec, int out,
                           int err_fd, struct err *err);
    must_use bool (*advance)(struct sandbox_tree *t, struct sandbox_exit *exit);
    void (*signal)(struct sandbox_tree *t, int signal);
    /* Into root, the host's path of the image's root, "" for the host's own. */
    bool (*find_root)(const struct sandbox *s, const char *image, struct buf *root);
};
extern const struct backend backend_bubblewrap, backend_none;

enum { SANDBOX_PROGRAMS = 3 }; /* that sandbox_find_program knows */

struct sandbox {
    const struct backend *backend;
    char *program;    /* bwrap */
    char *images_dir; /* or NULL */
    bool drop;        /* started by root: steps get SANDBOX_HOST_ID */
    uint32_t uid, gid;
    uint64_t waived; /* bits of sandbox_promises */
    int seccomp;
    const char *programs[SANDBOX_PROGRAMS]; /* of the host's, where they were found; or NULL */
    int null;                               /* /dev/null, to read */
    bool warm;                              /* steps start in a room where they can */
    int room;                               /* its program in memory; -1 where that cannot be */
    struct nursery *nursery;                /* of `none` */
    struct cgroups cgroups;
    VEC(const char *) notices;
    struct arena arena;
};

enum tree_state { TREE_RUNNING, TREE_LEADER_DEAD, TREE_OVER };

struct sandbox_tree {
    struct sandbox *sandbox;
    enum tree_state state;
    int poll;      /* epoll of the descriptors below; -1 where the leader's says it all */
    pid_t leader;  /* our child: bwrap, or the supervisor of `none` */
    int leader_fd; /* its pidfd */
    int init_fd;   /* pidfd of the namespace's first process, or -1 */
    int status;    /* bwrap's reports, read when asked for; -1 once at the end */
    struct sandbox_space *space;
    int network;        /* this step's alone while it lives; or -1 */
    bool network_again; /* and then another step's */
    int listener;       /* in the step's network namespace, until taken; or -1 */
    char report[512];   /* what came of them */
    size_t report_n;
    int wait_status;
    bool reported_exit; /* the program was executed and ended with report_code */
    int report_code;
    bool killed, term_pending;
    int held[2]; /* the writing ends of its output until it is over, or -1 */
    bool warm;   /* started in the space's room; leader_fd is the namespace's first process */
    struct cgroup cgroup;
    struct sandbox_exit exit;
};

bool sandbox_waived(const struct sandbox *s, const char *promise);
/* Level of a promise on this host, given what open found. */
enum sandbox_level sandbox_level_here(const struct sandbox *s, const struct sandbox_promise *p);
/* A memory file with these contents. */
int sandbox_memory_file(const char *name, str contents);
/* Its own read position, for a program that reads it to the end; -1 and errno. */
int sandbox_reopen(int fd);
/* Makes sandbox_tree_fd readable when fd is. */
must_use bool tree_watch(struct sandbox_tree *t, int fd, struct err *err);
/* The end of a tree whose leader is no child of ours and writes NURSERY_NOT_STARTED, if so, and the
 * wait status to t->status. */
bool tree_advance_reported(struct sandbox_tree *t, struct sandbox_exit *exit);
/* Whether the process of a pidfd has ended, ours or not. */
bool tree_process_ended(int pidfd);
void tree_signal_process(int pidfd, int signal);

#endif
