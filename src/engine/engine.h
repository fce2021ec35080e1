/* engine: runs plans. It joins the pure core with the store, the runner and the evaluation, on one
 * libuv loop: every decision is the core's, recorded before it is acted upon, and told to watchers
 * when it is durable.
 *
 * Refuses: a plan with a step that this version cannot execute (before its first step, or where
 * the plan grows); a run that another live process drives.
 * Callbacks come from the loop. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H
#include "config/config.h"
#include "hub/hub.h"
#include "plan/plan.h"
#include "runner/runner.h"
#include "store/tables.h"
#include "workflow/evaluation.h"
#include <uv.h>

struct engine;

/* Secrets by name, asked when a step starts; *ret_value is borrowed until the next call. */
typedef bool engine_secret_fn(void *data, str name, str *ret_value);

/* Removes all snapshots of these runs, and the bytes that nothing else refers to. */
struct blob_store;
bool snapshots_remove(struct store *store, struct store_reader *reader, struct blob_store *blobs,
                      const int64_t *runs, size_t n, struct err *err) must_use;

/* A queued run's place in its concurrency group, from 1; 0: it waits for no other run. */
bool engine_queue_place(struct store_reader *r, int64_t run_id, int64_t *ret,
                        struct err *err) must_use;

struct engine_options {
    uv_loop_t *loop;
    struct store *store;
    struct runner *runner;
    struct hub *hub;      /* may be NULL */
    const char *data_dir; /* artifacts and caches are kept below it; the engine's owner keeps it */
    uint32_t slots;       /* steps side by side; 0: the number of processors */
    const struct config *config; /* kept; NULL: nothing is configured */
    engine_secret_fn *secret;
    /* Names of all secrets that are known beforehand, masked in every log; may be NULL. */
    const str *secret_names;
    size_t secret_count;
    /* Files copied into a workspace so far; may be NULL. */
    void (*progress)(void *data, int64_t run_id, size_t files, size_t total);
    /* Trouble that ends no run by itself (a workspace that was left, say). May be NULL. */
    void (*notice)(void *data, int64_t run_id, str text);
    void *data; /* of the callbacks */
};

must_use bool engine_new(const struct engine_options *options, struct engine **ret,
                         struct err *err);
/* No run may be active: cancel and wait, or engine_abandon. */
void engine_free(struct engine *e);

/* ---- runs ---- */

/* Steps that are held, for people to look at: before they begin, or after a try that failed. */
struct engine_breaks {
    const str *before; /* ids */
    size_t before_count;
    bool on_failure;
};

struct engine_request {
    struct evaluation *evaluation; /* taken: started, AWAIT or DONE; freed with the run */
    struct bundle *bundle;         /* taken: allocated with mem_alloc */
    str repository;                /* key of the store: the root folder's path */
    str source;                    /* folder that fills the workspace */
    str commit;                    /* its files as of this commit; empty: of the working tree */
    str event;                     /* JSON, as the evaluation was given */
    str repository_facts;          /* JSON, likewise */
    str trigger_type, ref, sha, branch, actor, inputs;
    str group, policy; /* of concurrency=; empty: none */
    int64_t priority;
    const char *sandbox_backend; /* kept with the run, for resume */
    /* Instead of source's and commit's files, blobs with snapshots; empty: none. */
    str base;          /* what the workspace begins with */
    str changes;       /* done to it, or to the commit's files, before the first step */
    int64_t filled;    /* the attempt whose first step is the first in these files; 0: 1 */
    int64_t replay_of; /* the run whose models' answers are given again; 0: none */
    str replay_file;   /* a record's path, instead of a run; empty: none */
    struct engine_breaks breaks;
    str fork; /* of that replay, JSON (engine/replay.h); empty: none */
};

/* The run is recorded (id > 0), or could not be (err). */
typedef void engine_created_fn(void *ctx, int64_t run_id, const struct err *err);
/* The run has ended and all of it is durable; or (err, borrowed) this process's part of it has,
 * since nothing can be recorded any more: it has not ended, and can be resumed. */
typedef void engine_ended_fn(void *ctx, int64_t run_id, enum run_status status,
                             const struct err *err);

/* Whether all steps of the plan can be executed; names the step and what is missing. */
must_use bool engine_check_plan(const struct plan *p, struct err *err);

/* Whether the steps that are to be held can come: an unknown id is an error (step_unknown) where
 * the plan does not grow any more. */
must_use bool engine_check_breaks(const struct plan *p, const struct engine_breaks *b,
                                  struct err *err);

/* Records the run with its plan and starts it. Takes the request's evaluation and bundle in any
 * case. */
must_use bool engine_start(struct engine *e, const struct engine_request *request,
                           engine_created_fn *created, engine_ended_fn *ended, void *ctx,
                           struct err *err);

/* Goes on with a run whose process has died: rebuilds its evaluation from what is recorded. Fails
 * where it has a live owner (run_has_owner), has ended (run_final), or its plan comes out otherwise
 * (plan_changed; the run is then failed). */
must_use bool engine_resume(struct engine *e, int64_t run_id, engine_ended_fn *ended, void *ctx,
                            struct err *err);

/* TERM to its steps, KILL after the grace; a second call kills at once. Harmless when it is over.
 */
void engine_cancel(struct engine *e, int64_t run_id);
size_t engine_active(const struct engine *e);

/* Ends and removes what dead processes have left of their runs: everything of runs that have
 * succeeded or are unknown; files of failed ones past the bounds below; /tmp of runs that nobody
 * resumed for an hour; snapshots of ended runs past their bounds. What living processes use is not
 * touched. */
void engine_clean(struct engine *e);
enum {
    ENGINE_TOOLS_DEPTH_MAX = 3, /* agents that call agents */
    ENGINE_FILES_KEPT_MAX = 5,  /* ended runs whose workspaces are kept, for a rerun */
    ENGINE_FILES_KEPT_MS = 7 * 24 * 60 * 60 * 1000,
    ENGINE_SNAPSHOTS_KEPT_MS = 7 * 24 * 60 * 60 * 1000,
    ENGINE_SNAPSHOTS_MIB_MAX = 10 << 10, /* of all runs, compressed */
    ENGINE_ORPHAN_TMP_MS = 60 * 60 * 1000,
};

#endif
