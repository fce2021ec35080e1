/* sandbox: starts one process tree behind a wall and says which promises the wall keeps.
 *
 * Refuses: to start where a hard promise cannot be kept and is not waived by name; to replace a
 * missing image by the host's root.
 * Knows nothing of runs, steps, plans, logs or event loops: it hands out descriptors to poll.
 *
 * Invariants: everything a tree leaves behind is dead before sandbox_advance says `over`; no
 * environment value and no script ever stands on a command line of the host; started by root, no
 * process of the tree has a host uid that has a login.
 * A tree dies with the thread that started it: start from one that lives as long as the program. */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H
#include "diag/err.h"

/* ---- promises (docs/sandbox.md is generated from this table) ---- */

enum sandbox_level { SANDBOX_ABSENT, SANDBOX_SOFT, SANDBOX_HARD };

enum sandbox_backend_id { SANDBOX_BUBBLEWRAP, SANDBOX_NONE, SANDBOX_BACKEND_COUNT };

struct sandbox_promise {
    const char *name; /* what a waiver names: "memory" */
    const char *doc;  /* what holds, as a sentence */
    enum sandbox_level level[SANDBOX_BACKEND_COUNT];
    const char *probe;  /* sh program that tries to break it inside; prints "held" when it cannot */
    const char *remedy; /* how to mend a host on which it does not hold; may be NULL */
};
extern const struct sandbox_promise sandbox_promises[];
extern const size_t sandbox_promise_count;
const struct sandbox_promise *sandbox_find_promise(str name);

/* ---- an open backend ---- */

enum {
    SANDBOX_UID = 1000, /* what a step sees of itself */
    SANDBOX_GID = 1000,
    /* Host uid and gid of steps when the program is started by root: in the range
     * 0x70000000-0x7fffffff that no distribution, container manager or directory service hands
     * out; a passwd entry with this uid is refused. */
    SANDBOX_HOST_ID = 0x70010000,
};

struct sandbox_limits {
    int64_t memory_bytes;
    uint32_t cpu_millis; /* 1000 is one processor */
    uint32_t pids;
};
#define SANDBOX_TMP_BYTES ((int64_t)1 << 30)
enum { SANDBOX_FILES_BYTES = 256 << 20 }; /* all /plue folders of a run together */
#define SANDBOX_LIMITS_DEFAULT \
    ((struct sandbox_limits){.memory_bytes = (int64_t)4 << 30, .cpu_millis = 2000, .pids = 512})

struct sandbox_options {
    const char *backend;        /* NULL means "bubblewrap"; "none" only by explicit choice */
    const char *const *waivers; /* names of promises, NULL-terminated; may be NULL */
    const char *images_dir;     /* unpacked images, one folder each; NULL where there are none */
    const char *bwrap;          /* this one starts each step, none starts warm; NULL: Debian's */
};

struct sandbox;
/* Finds what the host offers and makes what starts share (seccomp program, cgroup folder).
 * Fails, naming the promise, how to mend it and how to waive it, where a hard one cannot be kept.
 */
must_use bool sandbox_open(const struct sandbox_options *options, struct sandbox **ret_sandbox,
                           struct err *err);
void sandbox_close(struct sandbox *s);
/* sandbox_open's check, and then a program in a real sandbox. */
must_use bool sandbox_check(const struct sandbox_options *options, struct err *err);
const char *sandbox_name(const struct sandbox *s);
/* Steps see /workspace, /tmp and /plue; false where they see the host's paths. */
bool sandbox_maps_paths(const struct sandbox *s);
/* Steps have networks of their own; false where they have the host's whatever they ask for. */
bool sandbox_has_networks(const struct sandbox *s);
/* Host uid and gid that files of a step must belong to; whether these are others than ours. */
bool sandbox_changes_user(const struct sandbox *s);
uint32_t sandbox_host_uid(const struct sandbox *s);
uint32_t sandbox_host_gid(const struct sandbox *s);
/* Promises kept late or not at all on this host, as sentences for the log; borrowed. */
size_t sandbox_notices(const struct sandbox *s, const char *const **ret_notices);
/* Path inside at which a step finds a program ("bash", "python3"), static; NULL where there is
 * none. image as in the spec. */
const char *sandbox_find_program(struct sandbox *s, const char *image, const char *program);

/* ---- the folders of one run, as its steps see them ---- */

struct sandbox_space_spec { /* borrowed; host paths are absolute */
    const char *workspace;  /* at /workspace */
    const char *files;      /* holds one folder for each step, at /plue, and */
    const char *tmp;        /* at /tmp, where the backend cannot keep these in memory */
    const char *keeper;     /* file that remembers who keeps /tmp, to find it after a crash */
    int64_t tmp_bytes;      /* size of /tmp */
};

struct sandbox_space;
/* /tmp and its folder home are there afterwards: as they were left when *ret_fresh is false. A
 * small process keeps the space, so that it outlives this program. */
must_use bool sandbox_space_open(struct sandbox *s, const struct sandbox_space_spec *spec,
                                 struct sandbox_space **ret_space, bool *ret_fresh,
                                 struct err *err);
/* The folder of the steps' folders, which the caller makes and removes; the descriptor is the
 * space's. Its files hold at most SANDBOX_FILES_BYTES where they are in memory. */
int sandbox_space_files(const struct sandbox_space *p);
/* Whether /tmp has no room left; false where it is a folder of the host. */
bool sandbox_space_tmp_is_full(const struct sandbox_space *p);
/* NULL, or a sentence for the log: why its steps do not start warm. */
const char *sandbox_space_notice(const struct sandbox_space *p);
/* keep leaves it for a later sandbox_space_open; otherwise /tmp is gone. */
void sandbox_space_close(struct sandbox_space *p, bool keep);
/* Ends a space that was kept, by its keeper file alone; nothing where there is none. */
void sandbox_space_forget(const char *keeper);

/* ---- one process tree ---- */

enum sandbox_network {
    SANDBOX_NETWORK_NONE,
    SANDBOX_NETWORK_ALL,
    /* A namespace without routes whose only way out is a listener at SANDBOX_PROXY_PORT of its
     * 127.0.0.1: sandbox_take_listener. */
    SANDBOX_NETWORK_PROXY,
};
enum { SANDBOX_PROXY_PORT = 3128 };

struct sandbox_spec { /* all borrowed during sandbox_start */
    struct sandbox_space *space;
    const char *image;       /* NULL means the host's root, cut down to what SPEC 11 lists */
    const char *files;       /* name of a folder below the space's files, at /plue; or NULL */
    const char *cwd;         /* inside; NULL means /workspace */
    const char *const *argv; /* stands on a command line of the host: no secrets */
    const char *const *env;  /* NAME=value, NULL-terminated; all of the environment */
    enum sandbox_network network;
    struct sandbox_limits limits;
    /* stdin, stdout and stderr, instead of /dev/null and two pipes; NULL: those. A terminal becomes
     * that of the tree's session: it must be a pty of its own, since a program can feed its
     * terminal with input. */
    const int *stdio;
};

struct sandbox_exit {
    int exit_code;    /* 128 + n where the step died of signal n, as a shell says it */
    int signal;       /* that n, or 0 */
    bool oom;         /* the memory limit killed a process of the tree; false where unknown */
    bool not_started; /* the wall could not be built, or argv[0] not be executed; stderr says why */
    bool killed;      /* sandbox_signal(SIGKILL) came first */
};

struct sandbox_tree;
/* stdin is /dev/null; stdout and stderr are pipes whose reading ends (non-blocking) the caller
 * takes; with spec->stdio they are -1. The pipes end with the tree and not before: one that is
 * silent wakes nobody until then. Fast: the caller is not copied, only suspended until exec. */
must_use bool sandbox_start(struct sandbox *s, const struct sandbox_spec *spec,
                            struct sandbox_tree **ret_tree, int *ret_stdout, int *ret_stderr,
                            struct err *err);
/* The listener of SANDBOX_NETWORK_PROXY, the caller's from now on; -1 where the backend has no
 * network of its own to give. */
int sandbox_take_listener(struct sandbox_tree *t);
/* Readable when sandbox_advance has something to do. Borrowed. */
int sandbox_tree_fd(const struct sandbox_tree *t);
/* Never blocks. True when every process of the tree is dead; then *ret_exit is filled. */
must_use bool sandbox_advance(struct sandbox_tree *t, struct sandbox_exit *ret_exit);
/* SIGTERM or SIGKILL to every process of the tree; harmless when it is over. */
void sandbox_signal(struct sandbox_tree *t, int signal);
/* Kills what is left; blocks for the moment that takes. */
void sandbox_tree_free(struct sandbox_tree *t);

/* ---- doctor ---- */

struct sandbox_row {
    const char *backend;
    const struct sandbox_promise *promise;
    enum sandbox_level level; /* as promised on this host: hard may have become soft */
    bool tested, held;
    str detail; /* what the probe saw, or why there was no test; in the report's arena */
};
struct sandbox_report {
    struct sandbox_row *rows;
    size_t n;
    str notice; /* sandbox_space_notice of the probes' runs; empty where they started warm */
    struct arena arena;
};
/* Tries to break every promise of every backend in a real sandbox; blocks for about a second.
 * scratch is a writable folder for the probes' workspaces. */
must_use bool sandbox_doctor(const char *scratch, struct sandbox_report *ret_report,
                             struct err *err);
void sandbox_report_done(struct sandbox_report *r);

#endif
