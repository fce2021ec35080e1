/* local_int: what the files of the local runner share. */
#ifndef RUNNER_LOCAL_INT_H
#define RUNNER_LOCAL_INT_H
#include "base/fd.h"
#include "base/vec.h"
#include "runner/local.h"
#include "runner/overlay.h"
#include "runner/watch.h"
#include <stdatomic.h>
#include <sys/types.h>
#include <uv.h>

struct local {
    struct runner runner; /* first: a struct runner is a struct local */
    uv_loop_t *loop;
    struct sandbox *sandbox;
    const struct config *config; /* never NULL */
    char *data_dir;              /* absolute */
    struct overlay_trial overlay;
};

struct quota {
    uv_timer_t timer;
    int64_t limit, used_then; /* of the file system, when it was last measured */
    unsigned periods;         /* with steps */
    bool measuring, too_deep;
};

/* Of a step's files, by a number of its own among those that run side by side. */
struct step_folder {
    char name[12];
    int dir, script;     /* open from step_files_make on, or -1; the script's to write */
    bool again;          /* it stands there, with empty files and an old script */
    int64_t script_size; /* of that */
    ino_t script_ino;    /* or 0: not looked at yet */
    int64_t known_ns; /* the time of its change: as long as it has that one, it is as it was made;
                         or 0 */
};

#define STEP_FOLDER_NONE ((struct step_folder){.dir = -1, .script = -1})

struct local_workspace {
    struct runner_workspace workspace; /* first */
    struct local *local;
    char *dir; /* DATA_DIR/workspaces/RUN_ID */
    int root;  /* its workspace folder, O_PATH */
    struct sandbox_space *space;
    struct quota quota;
    struct watches watches;
    uint32_t folders;               /* of steps, that were made */
    VEC(struct step_folder) spares; /* that serve again */
    size_t busy;                    /* calls whose callback has not come */
    struct local_step *steps;
    bool closing;
    enum runner_keep keep;
    runner_closed_fn *closed;
    void *user;
};

struct owner { /* of what a run may change */
    bool change;
    uid_t uid;
    gid_t gid;
};
static inline struct owner local_owner(const struct local *l)
{
    return (struct owner){sandbox_changes_user(l->sandbox), sandbox_host_uid(l->sandbox),
                          sandbox_host_gid(l->sandbox)};
}

/* As steps see it. */
static inline struct owner local_shown_owner(const struct local *l)
{
    return (struct owner){sandbox_maps_paths(l->sandbox), SANDBOX_UID, SANDBOX_GID};
}

/* One thing less to wait for; closes when it was the last. */
void local_release(struct local_workspace *w);

/* left.c */
void local_left(struct runner *r, struct arena *a, int64_t **ret_run_ids, size_t *ret_n);
void local_forget(struct runner *r, int64_t run_id, enum runner_keep keep);
bool local_has_files(struct runner *r, int64_t run_id, int64_t filled);
/* The file that remembers who keeps a run's /tmp: beside the run's folder, which somebody may
 * remove. */
void local_add_keeper(const struct local *l, int64_t run_id, struct buf *ret);
/* Says that the workspace is filled; without that a later open takes it for lost. */
must_use bool local_mark_ready(const char *dir, int64_t filled, struct err *err);
bool local_is_ready(const char *dir, int64_t filled);

/* exec.c */
struct runner_step *local_exec(struct runner_workspace *w, const struct runner_exec *exec);
/* SIGKILL to every step of the workspace. */
void local_kill_all(struct local_workspace *w);
void local_kill(struct runner_step *step, int signal);

/* Ends every step, which says why. */
void local_workspace_full(struct local_workspace *w);

/* step_files.c */
enum step_file {
    STEP_FILE_OUTPUT,
    STEP_FILE_ENV,
    STEP_FILE_PATH,
    STEP_FILE_SUMMARY,
    STEP_FILE_COUNT
};
const char *step_file_name(enum step_file file);
/* Only its name is certain then. */
struct step_folder step_files_choose(struct local_workspace *w);
must_use bool step_files_make(struct local_workspace *w, struct step_folder *folder, str script,
                              struct err *err);
/* The texts, each cut at RUNNER_FILE_MAX (the caller frees them); the folder is not the step's
 * afterwards. */
void step_files_take(struct local_workspace *w, struct step_folder *folder,
                     struct buf texts[STEP_FILE_COUNT], bool *ret_cut);
/* Its descriptors; more than once is fine. */
void step_folder_close(struct step_folder *folder);
/* Closes those that serve again, before their space is closed. */
void step_files_forget(struct local_workspace *w);

/* input.c */
struct step_input;
/* In the step's folder, which has been made; `closed` comes last, after end or drop. */
struct step_input *step_input_open(struct local_workspace *w, const char *step,
                                   void (*closed)(void *user), void *user,
                                   struct err *err) must_use;
/* What a shell does first, to read it; files: the step's folder as the step sees it. */
void step_input_script(str files, struct buf *ret_script);
bool step_input_send(struct step_input *i, str bytes) must_use;
/* Its end, once what was sent is written; or at once. */
void step_input_end(struct step_input *i);
void step_input_drop(struct step_input *i);
bool local_send(struct runner_step *step, str bytes);
void local_end_input(struct runner_step *step);

/* quota.c */
/* The timer must be closed before the workspace is freed. */
void quota_start(struct local_workspace *w, int64_t limit);
bool quota_disk_is_full(const struct local_workspace *w);

/* files.c */
void local_read(struct runner_workspace *w, const char *path, size_t max, runner_read_fn *read,
                void *user);
void local_write(struct runner_workspace *w, const char *path, str bytes, uint32_t mode,
                 runner_written_fn *written, void *user);
void local_list(struct runner_workspace *w, const char *path, runner_listed_fn *listed, void *user);

/* hash.c */
void local_hash(struct runner_workspace *w, const str *patterns, size_t n, runner_hashed_fn *hashed,
                void *user);

/* pack.c */
void local_pack(struct runner_workspace *w, const struct runner_pack *pack);
void local_unpack(struct runner_workspace *w, const struct runner_unpack *unpack);

/* snapshot.c */
void local_snapshot(struct runner_workspace *w, const struct runner_snapshot *request);
bool local_has_source(struct runner_workspace *workspace);

/* ---- blocking work, for threads of the pool ---- */

/* files.c: the kernel resolves the path below root, or not at all. -1 with errno. */
int local_open_below(int root, const char *path, int flags, unsigned mode);
/* The same, and no link on the way. */
int local_open_plain(int root, const char *path, int flags);

struct local_listing {
    const char *path; /* borrowed; "" for all */
    struct err *err;  /* borrowed */
    struct arena arena;
    VEC(struct runner_entry) entries;
};
/* As the runner's list. */
must_use bool local_list_all(struct local_listing *l, int root);
void local_listing_done(struct local_listing *l);

struct copy_progress {
    atomic_size_t files, total;
    atomic_bool cancelled;
};

/* notes.c: what a workspace was filled with, and what is odd about it. */
enum { SOURCE_NOTES_MAX = 4096, LFS_POINTER_MAX = 1024 };
struct source_notes {
    struct buf taken;          /* paths of files and links, each with a NUL after it */
    char *submodule, *pointer; /* the first of them; owned */
    size_t submodules, pointers;
};
void source_notes_done(struct source_notes *n);
/* Takes what the other one counted, whose files come later; `taken` is left. */
void source_notes_take(struct source_notes *n, struct source_notes *more);
void source_note_submodule(struct source_notes *n, str path);
/* Whether the file is a Git LFS pointer. */
void source_note_file(struct source_notes *n, str path, str text);
/* Sentences with hints, one a line; nothing where nothing is odd. */
void source_notes_add_text(const struct source_notes *n, struct buf *b);

/* commit.c: fills the empty folder `to` with a commit's files, or makes an image of them (image.h)
 * where they are many; image: NULL where there is to be none. git_dir is made and removed. */
struct image_request;
must_use bool commit_fill(const char *repository, const char *sha, const char *git_dir,
                          const char *to, const struct image_request *image,
                          struct source_notes *notes, struct err *err);

/* checkout.c */
void local_checkout(struct runner_workspace *w, const struct runner_checkout *request);
/* What a workspace was filled with, kept beside it where no step can change it. */
must_use bool taken_write(const char *dir, str paths, struct err *err);
must_use bool taken_read(const char *dir, struct buf *ret);

/* left.c: all that a run had on the machine; absent is fine. */
must_use bool local_remove(const char *dir, struct err *err);
/* remove.c: a folder and everything in it, however deep or closed; absent is fine. */
must_use bool remove_tree(const char *path, struct err *err);
/* The same by a name in an open folder. */
must_use bool remove_tree_at(int dir, const char *name, struct err *err);
/* git.c: NUL-separated paths that git would take along from a working tree. */
must_use bool git_list_files(const char *repository, struct buf *ret_list, struct err *err);
/* git.c: what seed.h does by the git program: slower, and it heeds attributes. */
must_use bool git_seed(const char *workspace, struct err *err);
must_use bool chown_tree(int dirfd, const char *path, struct owner owner, struct err *err);

#endif
