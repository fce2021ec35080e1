/* runner: where steps happen. One interface for the local machine, a remote runner and a pod; the
 * engine and the agents' tools cannot tell which they have.
 *
 * Refuses: paths that leave the workspace, also through symbolic links; anything unbounded.
 * Knows nothing of plans, retries, timeouts, masking or log lines: it carries bytes.
 *
 * Order of calls: open, then exec/read/write/list in any order and side by side, then close.
 * Every callback comes from the loop, never from inside the call that named it, and exactly once
 * (output: any number of times before exit). After `close` was called no new call may be made;
 * callbacks of earlier calls still come, and the close callback comes last. */
#ifndef RUNNER_RUNNER_H
#define RUNNER_RUNNER_H
#include "pack/pack.h"
#include "sandbox/sandbox.h"

struct runner;
struct runner_workspace;
struct runner_step;

enum {
    RUNNER_FILE_MAX = 1 << 20,      /* each of the step's four result files */
    RUNNER_SCRIPT_MAX = 1 << 20,    /* a step's script */
    RUNNER_READ_MAX = 64 << 20,     /* one file read or written */
    RUNNER_INPUT_MAX = 16 << 20,    /* sent to a step and not read by it yet */
    RUNNER_LIST_MAX = 200 * 1000,   /* entries of one list */
    RUNNER_TREE_MAX = 2000 * 1000,  /* files of a workspace's source */
    RUNNER_SNAPSHOT_BYTES = 1 << 30 /* of files in one snapshot */
};

/* With a mode of runner_write: no folder on the way may be a link (path_is_link). */
#define RUNNER_NO_LINKS (1U << 16)
#define RUNNER_WORKSPACE_BYTES ((int64_t)10 << 30)

/* ---- open and close ---- */

/* err is NULL on success, else borrowed during the callback. */
typedef void runner_opened_fn(void *user, struct runner_workspace *w, const struct err *err);
typedef void runner_closed_fn(void *user, const struct err *err);
/* Files copied so far, at most every 100 ms. */
typedef void runner_progress_fn(void *user, size_t files, size_t total);

/* What is odd about the files that a workspace was filled with: sentences, one a line. */
typedef void runner_notice_fn(void *user, str text);

/* Files as a pack of a snapshot; read from another thread. */
struct runner_files {
    pack_get_fn *get; /* NULL: none */
    void *user;
};

struct runner_open {              /* copied */
    int64_t run_id;               /* names the folder */
    const char *source;           /* folder whose files fill the workspace; NULL leaves it empty */
    const char *commit;           /* of the repository at source: its files instead of the tree's */
    struct runner_files files;    /* instead of the source's */
    struct runner_files changes;  /* what is done to them before the first step */
    bool keep_source;             /* so that RUNNER_SOURCE can be had */
    int64_t filled;               /* which filling of it this is: says so later */
    bool resume;                  /* take the workspace as it was left by that filling; fails with
                                   * code workspace_lost where there is none */
    int64_t workspace_bytes;      /* size of the workspace; 0 means RUNNER_WORKSPACE_BYTES */
    int64_t tmp_bytes;            /* size of the steps' /tmp; 0 means SANDBOX_TMP_BYTES */
    runner_progress_fn *progress; /* may be NULL */
    runner_notice_fn *notice;     /* may be NULL */
    runner_opened_fn *opened;
    void *user;
};

/* What closing leaves: nothing, all of it (/tmp too) for a resume, or the files for a rerun. */
enum runner_keep { RUNNER_REMOVE, RUNNER_KEEP, RUNNER_KEEP_FILES };

/* ---- exec ---- */

enum runner_stream { RUNNER_STDOUT, RUNNER_STDERR };
enum runner_shell { RUNNER_SHELL_DEFAULT, RUNNER_SHELL_BASH, RUNNER_SHELL_SH, RUNNER_SHELL_PYTHON };

struct runner_exit {
    const struct err *err; /* NULL; else the step never started, and nothing below counts */
    int exit_code;         /* 128 + n where it died of signal n */
    int signal;            /* that n, or 0 */
    bool oom;              /* killed by its memory limit, where that is known */
    bool workspace_full;   /* killed because the workspace had grown past its size */
    bool tmp_full;         /* it failed, and /tmp had no room */
    bool disk_full;        /* it failed, and the workspace's file system had no room */
    /* What the step wrote to $PLUE_OUTPUT, $PLUE_ENV, $PLUE_PATH and $PLUE_SUMMARY: raw bytes, cut
     * at RUNNER_FILE_MAX. Borrowed during the callback. */
    str output, env, path, summary;
    bool cut; /* one of them was longer */
    /* Of exec's hosts, in their order, which the step asked for; n is 0 where there was no proxy.
     * Borrowed during the callback. */
    const bool *host_used;
    size_t host_count;
};
/* Bytes as they come, cut anywhere; borrowed during the callback. */
typedef void runner_output_fn(void *user, enum runner_stream stream, str bytes);
/* The last callback of a step: its whole process tree is dead. The handle is freed afterwards. */
typedef void runner_exit_fn(void *user, const struct runner_exit *e);

struct runner_exec {  /* all borrowed during the call */
    const char *step; /* id of this try, unique in the run: letters, digits, `-_.` */
    enum runner_shell shell;
    str script;              /* reaches the shell as a file, never on a command line */
    const char *const *argv; /* instead of shell and script; NULL where they are used */
    const char *const *env;  /* NAME=value, NULL-terminated; added to the fixed short list */
    const char *const *path; /* folders put before PATH, NULL-terminated; may be NULL */
    const char *cwd;         /* below /workspace, relative or absolute; NULL means /workspace */
    const char *image;       /* NULL means the backend's default root */
    enum sandbox_network network;
    const char *const *hosts;     /* of SANDBOX_NETWORK_PROXY: proxy/rule.h; NULL-terminated */
    struct sandbox_limits limits; /* zero fields mean the default */
    bool input; /* a shell's: its standard input is what runner_send sends; else it is empty */
    /* Three descriptors of this machine: a shell for a person, on them, instead of the script,
     * which only lies at its place (/plue/script). output is not called. NULL: no such thing. */
    const int *stdio;
    runner_output_fn *output;
    runner_exit_fn *exit;
    void *user;
};

/* ---- files of the workspace; paths are relative to it ---- */

enum runner_kind { RUNNER_FILE, RUNNER_DIR, RUNNER_LINK, RUNNER_OTHER };
struct runner_entry {
    str path; /* relative to the workspace, without "./" */
    enum runner_kind kind;
    uint32_t mode;
    int64_t size;
    int64_t changed_ns; /* differs once contents, mode or place have changed */
};
/* bytes and entries are borrowed during the callback. */
typedef void runner_read_fn(void *user, str bytes, const struct err *err);
typedef void runner_written_fn(void *user, const struct err *err);
typedef void runner_listed_fn(void *user, const struct runner_entry *entries, size_t n,
                              const struct err *err);
/* hex: 64 digits, or empty where no file was matched; borrowed during the callback. */
typedef void runner_hashed_fn(void *user, str hex, const struct err *err);

/* err is NULL on success. */
typedef void runner_packed_fn(void *user, const struct pack_count *count, const struct err *err);

struct runner_pack {     /* copied */
    const str *patterns; /* base/glob.h's select; sorted paths where `exact` */
    size_t n;
    bool exact;
    bool follow; /* links are kept as what they lead to in the workspace; else as links */
    /* Both from another thread; end once, after the last byte, if all went well. */
    pack_put_fn *put;
    bool (*end)(void *user, struct err *err);
    runner_packed_fn *packed;
    void *user;
};
/* notes: as runner_notice_fn's text, or empty; err is NULL on success. */
typedef void runner_checkout_fn(void *user, str notes, const struct err *err);
/* The files of a commit take the place of those that the run was given; what steps have made and
 * the commit does not have stays. The workspace's .git is a fresh one, of one commit. */
struct runner_checkout { /* copied */
    const char *source;  /* the repository's folder */
    const char *commit;  /* its id in full */
    runner_checkout_fn *done;
    void *user;
};
/* Of a workspace in which nothing runs. */
enum runner_part {
    RUNNER_SOURCE,  /* the files that it began with; once, if it was opened with keep_source */
    RUNNER_CHANGES, /* what steps have done to them, `.git` included */
};
struct runner_snapshot { /* copied; as runner_pack */
    enum runner_part part;
    pack_put_fn *put;
    bool (*end)(void *user, struct err *err);
    runner_packed_fn *packed;
    void *user;
};
struct runner_unpack { /* copied; files that are there are replaced */
    pack_get_fn *get;  /* from another thread */
    runner_packed_fn *unpacked;
    void *user;
};

/* ---- the interface ---- */

struct runner_ops {
    void (*open)(struct runner *r, const struct runner_open *open);
    void (*close)(struct runner_workspace *w, enum runner_keep keep, runner_closed_fn *closed,
                  void *user);
    /* NULL where the step cannot start: exit still comes, with its err set. */
    struct runner_step *(*exec)(struct runner_workspace *w, const struct runner_exec *exec);
    /* SIGTERM or SIGKILL to the whole process tree; the engine keeps the grace between them. */
    void (*kill)(struct runner_step *step, int signal);
    /* False where too much waits to be read. */
    bool (*send)(struct runner_step *step, str bytes);
    void (*end_input)(struct runner_step *step);
    void (*read)(struct runner_workspace *w, const char *path, size_t max, runner_read_fn *read,
                 void *user);
    /* Makes missing folders; replaces a file; mode 0 means 0644. */
    void (*write)(struct runner_workspace *w, const char *path, str bytes, uint32_t mode,
                  runner_written_fn *written, void *user);
    /* Everything below path ("" for all), folders before their contents, sorted by bytes; .git
     * is left out. */
    void (*list)(struct runner_workspace *w, const char *path, runner_listed_fn *listed,
                 void *user);
    /* Runs of which something is left here, also by processes that died; in a. */
    void (*left)(struct runner *r, struct arena *a, int64_t **ret_run_ids, size_t *ret_n);
    /* Of a run that no living process drives: what of it goes. Files go in the background. */
    void (*forget)(struct runner *r, int64_t run_id, enum runner_keep keep);
    /* Whether the run's files were left, whole, by this filling. */
    bool (*has_files)(struct runner *r, int64_t run_id, int64_t filled);
    /* SHA-256 over the SHA-256 of each file that the patterns select (base/glob.h), in order of
     * their paths; links are followed within the workspace. */
    void (*hash)(struct runner_workspace *w, const str *patterns, size_t n,
                 runner_hashed_fn *hashed, void *user);
    void (*pack)(struct runner_workspace *w, const struct runner_pack *pack);
    void (*unpack)(struct runner_workspace *w, const struct runner_unpack *unpack);
    void (*checkout)(struct runner_workspace *w, const struct runner_checkout *checkout);
    void (*snapshot)(struct runner_workspace *w, const struct runner_snapshot *snapshot);
    /* RUNNER_SOURCE is still to be had, also after a restart. */
    bool (*has_source)(struct runner_workspace *w);
    /* All workspaces must be closed. */
    void (*free)(struct runner *r);
};

struct runner {
    const struct runner_ops *ops;
};
struct runner_workspace { /* an implementation's struct begins with this */
    struct runner *runner;
};
struct runner_step { /* likewise */
    struct runner_workspace *workspace;
};

static inline void runner_open(struct runner *r, const struct runner_open *open)
{
    r->ops->open(r, open);
}
static inline void runner_close(struct runner_workspace *w, enum runner_keep keep,
                                runner_closed_fn *closed, void *user)
{
    w->runner->ops->close(w, keep, closed, user);
}
static inline struct runner_step *runner_exec(struct runner_workspace *w,
                                              const struct runner_exec *exec)
{
    return w->runner->ops->exec(w, exec);
}
static inline void runner_kill(struct runner_step *step, int signal)
{
    step->workspace->runner->ops->kill(step, signal);
}
static inline bool runner_send(struct runner_step *step, str bytes)
{
    return step->workspace->runner->ops->send(step, bytes);
}
static inline void runner_end_input(struct runner_step *step)
{
    step->workspace->runner->ops->end_input(step);
}
static inline void runner_read(struct runner_workspace *w, const char *path, size_t max,
                               runner_read_fn *read, void *user)
{
    w->runner->ops->read(w, path, max, read, user);
}
static inline void runner_write(struct runner_workspace *w, const char *path, str bytes,
                                uint32_t mode, runner_written_fn *written, void *user)
{
    w->runner->ops->write(w, path, bytes, mode, written, user);
}
static inline void runner_list(struct runner_workspace *w, const char *path,
                               runner_listed_fn *listed, void *user)
{
    w->runner->ops->list(w, path, listed, user);
}
static inline void runner_left(struct runner *r, struct arena *a, int64_t **ret_run_ids,
                               size_t *ret_n)
{
    r->ops->left(r, a, ret_run_ids, ret_n);
}
static inline void runner_forget(struct runner *r, int64_t run_id, enum runner_keep keep)
{
    r->ops->forget(r, run_id, keep);
}
static inline bool runner_has_files(struct runner *r, int64_t run_id, int64_t filled)
{
    return r->ops->has_files(r, run_id, filled);
}
static inline void runner_hash(struct runner_workspace *w, const str *patterns, size_t n,
                               runner_hashed_fn *hashed, void *user)
{
    w->runner->ops->hash(w, patterns, n, hashed, user);
}
static inline void runner_pack(struct runner_workspace *w, const struct runner_pack *pack)
{
    w->runner->ops->pack(w, pack);
}
static inline void runner_unpack(struct runner_workspace *w, const struct runner_unpack *unpack)
{
    w->runner->ops->unpack(w, unpack);
}
static inline void runner_checkout(struct runner_workspace *w,
                                   const struct runner_checkout *checkout)
{
    w->runner->ops->checkout(w, checkout);
}
static inline void runner_snapshot(struct runner_workspace *w,
                                   const struct runner_snapshot *snapshot)
{
    w->runner->ops->snapshot(w, snapshot);
}
static inline bool runner_has_source(struct runner_workspace *w)
{
    return w->runner->ops->has_source(w);
}
static inline void runner_free(struct runner *r)
{
    if (r)
        r->ops->free(r);
}

#endif
