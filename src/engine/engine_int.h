/* engine_int: what the files of the driver share. A live run is one that this process drives. */
#ifndef ENGINE_ENGINE_INT_H
#define ENGINE_ENGINE_INT_H
#include "base/clock.h"
#include "base/map.h"
#include "blob/blob.h"
#include "engine/capture.h"
#include "engine/core.h"
#include "engine/engine.h"
#include "workflow/resolve.h"
#include "json/error.h"

enum {
    CONFIG_RESOLVED_MAX = 16 << 20, /* bytes of a step's arguments with their values in them */
    RESULT_MAX = 8 << 20,           /* bytes of one step's result as JSON */
    LEASE_EVERY_MS = STORE_LEASE_MS / 3,
    ARTIFACT_NAME_MAX = 200,     /* bytes */
    ARTIFACT_MIB_MAX = 50 << 10, /* of all artifacts, compressed */
    CACHE_MIB_MAX = 10 << 10,    /* of all caches, compressed */
    CACHE_KEY_MAX = 512,         /* bytes */
    QUEUE_LOOK_TICKS = 10,
    COMMANDS_EVERY_MS = 200, /* how often other processes' wishes are looked for */
};

struct live_run;
struct recovery;

/* A timer of a step or run; frees itself when closed. */
struct live_timer {
    uv_timer_t uv;
    struct live_run *run;
    struct run_event event;
};

struct live_step {
    /* What the store has: */
    enum step_status recorded;
    uint32_t recorded_try;
    bool has_row;
    bool dirty; /* its change is in this turn's batch already */
    /* Of the present try: */
    struct live_timer *limit, *grace, *retry;
    struct runner_step *process;
    struct llm_step *llm; /* while a model is asked */
    struct capture out, err;
    struct log_commands commands; /* of both */
    bool capturing;
    int64_t started_at, completed_at;
    int64_t started_mono;
    int64_t held_at;  /* when the try ended after which it is held; 0: none */
    int64_t retry_at; /* when the next try begins, while that waits */
    bool has_exit_code;
    int exit_code;
    int64_t log_lines, log_bytes;
    bool log_full;
    struct { /* of the present try, by models */
        int64_t turns, tokens_in, tokens_out, micro_usd;
    } spent;
    unsigned nested_calls; /* of tools, in all tries: the number of the last one */
    bool no_network;       /* it has none, where there is a sandbox */
    char *hosts;           /* of its network, one a line, as the workflow writes them; owned */
    char *reason_text;     /* more than the reason's own sentence; owned, may be NULL */
    char *error;           /* JSON object text; owned, may be NULL */
    char *error_message;
    /* Of the last try: */
    char *outputs; /* JSON object text */
    char *output;  /* JSON: what the step adds for later ones (env, path), or its value */
    char *stdout_text, *stderr_text;
    bool stdout_cut, stderr_cut;
    char *artifacts;             /* JSON: paths that are kept when the try ends */
    struct cache_use *cache_use; /* owned; NULL before the cache was looked for */
    char *result;                /* JSON, once final */
    size_t result_n;
    int64_t kept_from; /* attempt that ran it; 0: this one */
};

struct live_run {
    struct engine *engine;
    int64_t id, attempt;
    struct engine_request request; /* texts copied into the arena */
    struct arena arena;
    struct evaluation *evaluation;
    struct bundle *bundle;
    struct plan
        plan; /* shallow copy of the evaluation's, its end replaced where the engine refuses */
    struct run_state core;
    struct run_actions actions;
    struct live_step *steps;
    uint32_t step_count, step_cap;
    struct map index; /* step id -> index + 1 */
    enum run_status recorded;
    struct live_timer *limit;
    /* Of the limit, while people are waited for; 0: it runs. By the clock that is never set. */
    int64_t paused_at, paused_left;
    int64_t waited_ms;
    struct runner_workspace *workspace;
    bool opening, open_failed;
    bool taking;                    /* its files, before it begins or waits for its turn */
    bool giving_back, given_back;   /* the workspace, while the run waits for people */
    bool wanted_back;               /* as soon as it is given back */
    struct blob_feed *feeds;        /* while it is opened from blobs: base, changes; owned */
    bool reuses_workspace;          /* it goes on in the files that were left */
    struct snapshots *snapshots;    /* owned; NULL before the first one */
    bool keeps_lease;               /* it has ended, and its files are still in use */
    VEC(struct run_action) waiting; /* starts that wait for the workspace */
    uint32_t resolving;             /* the step whose values are being resolved */
    str wanted;                     /* patterns whose hash it lacks, joined by NUL */
    struct file_hash *hashes;       /* in the arena */
    struct mask mask;
    struct map masked; /* names of secrets in the mask */
    VEC(char *) env;   /* NAME=value that steps added; owned */
    VEC(char *) path;  /* folders that steps put before PATH, newest first; owned */
    struct err error;  /* of the run */
    char *error_json, *outputs;
    str end_text;                     /* more than the sentence of the reason for which it ends */
    str kept;                         /* what the row keeps of the plan beside its steps; JSON */
    int64_t started_at, started_mono; /* mono: 0 where another process started it */
    size_t hidden_count;              /* values that its steps hid */
    size_t call_bytes;                /* of models' calls, as recorded */
    uint32_t files_recorded;
    bool complete, cancelled_twice;
    bool halted; /* complete without an end, for a later resume */
    /* Of a run that waits for its group: */
    bool queued, asked_others;
    int64_t waits_for;
    size_t place;
    size_t pending; /* batches and callbacks that still name this run */
    engine_created_fn *created;
    engine_ended_fn *ended;
    void *ctx;
    /* Of a tool's call (nested.c): the run, and step of it, that it is part of. It has that run's
     * id, files, workspace and mask, and no row of its own. */
    struct live_run *parent;
    uint32_t parent_step;
    /* attach.c: */
    struct attach_door *door; /* NULL before a step was held */
    struct attach *attached;
    unsigned attach_number; /* of the last shell */
    struct live_run *next;
};

static inline struct live_run *run_top(struct live_run *r)
{
    while (r->parent)
        r = r->parent;
    return r;
}
/* Nothing goes on in it before a person decides, or its turn comes. */
static inline bool run_rests(const struct live_run *r)
{
    return r->core.status == RUN_WAITING || r->queued;
}
static inline struct mask *run_mask(struct live_run *r)
{
    return &run_top(r)->mask;
}

struct engine {
    struct engine_options options;
    struct store_owner self;
    struct store_reader *reader;
    uv_poll_t wake;
    uv_prepare_t turn;
    uv_timer_t lease_timer, command_timer;
    struct live_run *runs;
    struct blob_store *blobs; /* opened when it is needed */
    struct llm *llm;          /* likewise */
    size_t active;
    unsigned quiet_ticks;  /* without a change by other processes */
    unsigned open_handles; /* while it is being freed */
    bool halted;           /* nothing can be recorded any more: nothing more is done */
    struct err failure;    /* why */
};

/* ---- run.c ---- */
/* Tells the core and does what it says. */
void run_tell(struct live_run *r, const struct run_event *e);
void run_step_done(struct live_run *r, uint32_t step, enum outcome outcome, enum reason reason,
                   bool final);
/* The error of the step's present try, masked; takes err. */
void run_keep_step_error(struct live_run *r, uint32_t step, struct err *err);
/* The step ends as failed with this error; takes err. */
void run_step_failed(struct live_run *r, uint32_t step, enum reason reason, struct err *err,
                     bool final);
struct live_run *live_run_new(struct engine *e, const struct engine_request *request);
/* The same for a tool's call on behalf of a step. */
struct live_run *live_run_nested(struct live_run *parent, uint32_t step,
                                 const struct engine_request *request);
void live_run_free(struct live_run *r);
void run_take_plan(struct live_run *r);
/* The run, which has not started, ends as failed, with a borrowed err. */
void run_fail(struct live_run *r, enum reason reason, const struct err *err);
/* The error of an evaluation that has failed becomes the run's. */
void run_keep_plan_error(struct live_run *r);
/* Submits; the run stays until `durable` has come, or will not. Takes data, which is freed then. */
void run_submit(struct live_run *r, struct store_batch *b,
                void (*durable)(struct live_run *r, void *data), void *data);
/* For batches after which nothing is to be done. */
void run_nothing(struct live_run *r, void *data);
void run_perform(struct live_run *r, const struct run_action *a);
void run_stop_timers(struct live_run *r);
void run_forget(struct live_run *r);

/* Trouble that ends no run. */
void run_notice(struct live_run *r, const char *what, const struct err *err);

/* ---- hidden.c ---- */
/* For a capture: the live run keeps the value. */
void hidden_keep(void *ctx, str value);
/* What the run hid before its process died is hidden again. Fails without the key. */
bool hidden_load(struct live_run *r, struct err *err) must_use;
/* The same for a run that is none of this process's. */
bool hidden_read(struct store_reader *reader, const char *data_dir, int64_t run_id,
                 struct mask *ret, size_t *ret_n, struct err *err) must_use;

/* ---- lost.c ---- */
/* Whether it goes on in files that are gone, or are no more than the working tree's of now. */
bool lost_has_files_lost(struct engine *e, const struct recovery *v);
/* err workspace_lost where a step has run that must not run twice. */
bool lost_check(const struct recovery *v, struct err *err) must_use;
bool lost_begin_again(struct engine *e, const struct recovery *v, engine_ended_fn *ended, void *ctx,
                      struct err *err) must_use;

/* ---- halt.c: the store fails ---- */
/* What cannot be recorded must not be done: all that runs is killed. Moves err. */
void engine_halt(struct engine *e, struct err *err);
/* From the loop: the runs of a halted engine stop where they are. */
void engine_let_go(struct engine *e);

/* ---- admit.c ---- */
/* Starts the run, or lets it wait for its concurrency group; called again while r->queued. */
void run_try_to_begin(struct live_run *r);
/* It ends as superseded by that one; nothing where it ends already. */
void run_yield(struct live_run *r, int64_t to_run);

/* ---- record.c: rows and events ---- */
void record_new_steps(struct live_run *r, struct store_batch *b, uint32_t from);
void record_step(struct live_run *r, struct store_batch *b, uint32_t step);
void record_run(struct live_run *r, struct store_batch *b);
str run_reason_text(const struct live_run *r);
/* Of a run that has not begun. */
struct store_reason record_first_reason(const struct live_run *r);
/* The run's time goes on, its state is as it was. */
void record_time_left(struct live_run *r, struct store_batch *b);
void record_event(struct live_run *r, struct store_batch *b, enum event_type type, str step_id,
                  str data);
void record_plan_extended(struct live_run *r, struct store_batch *b, uint32_t from);
/* The events with which an attempt begins: that it has, and its plan. */
void record_run_started(struct live_run *r, struct store_batch *b);
void record_sources(struct live_run *r, struct store_batch *b);
void record_system_line(struct live_run *r, uint32_t step, str text);
struct store_step_key record_key(struct live_run *r, uint32_t step);
/* The result that deferred values read; made once, when the step is final. */
void record_result(struct live_run *r, uint32_t step);
/* The same of a row: what an evaluation is given, whether it goes on or is rebuilt. */
void record_add_result(struct buf *b, const struct store_step *s);

/* ---- describe.c: what a step's row says beside its state ---- */
/* Makes the text of its reason, where that says more than the reason's own sentence, and the error
 * of a try whose time was up. */
void step_describe(struct live_run *r, uint32_t step);
/* Of a try that failed and had no network; else NULL. */
const char *step_network_hint(struct live_run *r, uint32_t step);

/* ---- recover.c: a recorded run, on its way to be a live one again ---- */
struct recovery {
    struct arena arena;
    struct store_run run;
    struct store_step *steps; /* of the plan */
    size_t step_count;
    struct store_step *nested; /* of tools that agents have called */
    size_t nested_count;
    struct store_source *sources;
    size_t source_count;
    int64_t last_seen; /* when its owner last renewed its lease; 0: unknown */
    json_t *kept;      /* what the engine keeps of the plan beside its steps */
    str base;          /* files_base */
};

bool recovery_load(struct store_reader *reader, int64_t run_id, struct recovery *v,
                   struct err *err) must_use;
void recovery_done(struct recovery *v);
/* What the engine keeps of the plan: "path", "source", "sandbox". */
str recovery_text(const struct recovery *v, const char *key);
/* From the recorded files; what is made is the caller's even where it fails. */
bool recovery_load_evaluation(const struct recovery *v, struct bundle **ret_bundle,
                              struct evaluation **ret, const struct definition **ret_definition,
                              struct err *err) must_use;
bool recovery_give_result(struct evaluation *e, const struct store_step *s,
                          struct err *err) must_use;
/* The recorded steps as a plan's. */
void recovery_add_steps(const struct recovery *v, struct plan *p);
/* As the first try of step i that was interrupted, or as what it has come to. */
void recovery_restore_nested(struct live_run *r, struct store_batch *b, uint32_t i,
                             const struct store_step *s);
/* Numbers that tools' calls of r's steps have are not given again. */
void recovery_count_calls(struct live_run *r, const struct store_step *nested, size_t n);
/* Gives step i its recorded final state and result. */
void recovery_restore(struct live_run *r, uint32_t i, const struct store_step *s);
/* Borrows from v and *ret_facts, which is the caller's to free. */
struct engine_request recovery_request(struct recovery *v, char **ret_facts);

/* ---- workspace.c ---- */
/* Whether a run that has not begun is to take its files first: the working tree's change, its own
 * do not. Not where no step can need them, or they cannot change, or it has them already. */
bool workspace_is_to_be_filled(const struct live_run *r);
/* Takes them; then run_try_to_begin comes again, or the run has failed. False where it has not to.
 */
bool workspace_fill_first(struct live_run *r) must_use;
/* The step begins in the run's workspace, which is opened first where it is not. */
void workspace_start(struct live_run *r, uint32_t step);
/* True where a value that could not be resolved wants a hash of files: it is computed, and then the
 * step begins anew. */
bool workspace_fetches_hash(struct live_run *r, uint32_t step) must_use;
bool workspace_find_hash(void *data, const str *patterns, size_t n, struct buf *ret,
                         struct err *err);
/* Tells the watcher, and the step's log, line by line. */
void workspace_note(struct live_run *r, uint32_t step, str text);
/* As run_step_failed for good, with a borrowed err. */
void step_failed_by(struct live_run *r, uint32_t step, enum reason reason, const struct err *err);

/* What waited for the workspace begins. */
void workspace_go_on(struct live_run *r);
/* The step begins anew, what it waited for being there. */
void workspace_begin_again(struct live_run *r, uint32_t step);

/* For shells that wait in attach.c: attach_files_ready comes, at once where the files are there. */
void workspace_attach(struct live_run *r);
/* While the run rests its sandbox is closed; the files stay, and /tmp. Nothing where something uses
 * them. */
void workspace_give_back(struct live_run *r);
/* Of a run that is complete: removes what was given back. */
void workspace_end(struct live_run *r);
/* Takes the last snapshot and closes the open workspace. */
void run_close_files(struct live_run *r);

/* ---- hold.c: steps that are held ---- */
/* What the row keeps of the plan, with these breaks and no others; in a. */
str breaks_keep(struct arena *a, str kept, const struct engine_breaks *b);
struct engine_breaks breaks_of(struct arena *a, const json_t *kept);
struct run_options hold_options(const struct live_run *r, int64_t timeout_ms);
/* The text of the reason of a step that is held. */
void hold_describe(const struct live_run *r, uint32_t step, struct buf *b);
void hold_record_event(struct live_run *r, struct store_batch *b, uint32_t step);
/* Steps that were to be held and never came are told of. */
void hold_note_missed(struct live_run *r);
/* What another process wishes: {"step", "again"?}. */
void hold_continue(struct live_run *r, str data);
void hold_restore(struct live_run *r, uint32_t i, const struct store_step *s);

/* ---- attach.c: shells in the sandboxes of held steps ---- */
struct attach_tty {
    bool terminal; /* else pipes */
    int rows, columns;
};
/* Opens the run to other processes when a step is held; ends its shells when it goes on. */
void attach_step_changed(struct live_run *r, uint32_t step);
/* err is NULL where the workspace is there; else borrowed. */
void attach_files_ready(struct live_run *r, const struct err *err);
/* A shell works in the files. */
bool attach_has_shells(const struct live_run *r);
/* Every shell is ended, and none begins any more. */
void attach_close(struct live_run *r);

/* ---- snapshot.c: the workspace into the blob store ---- */
/* The workspace was opened: what it began with is kept, beside its steps. */
void snapshot_source(struct live_run *r);
/* Where the run rests, and nobody works in its files; steps and shells that begin meanwhile wait
 * for it. */
void snapshot_wait(struct live_run *r);
/* At its end; then comes once, from the loop or at once. */
void snapshot_take(struct live_run *r, void (*then)(struct live_run *r));
bool snapshot_is_being_taken(const struct live_run *r);
/* A step begins in the files. */
void snapshot_note_step(struct live_run *r);
void snapshots_free(struct live_run *r);

/* ---- files.c: which files a run's workspace is filled with ---- */
/* "base" and "filled" of what is kept of the run, where a source was kept; "" where none was. */
bool files_base(struct store_reader *reader, int64_t run_id, json_t *kept, struct arena *a,
                str *ret, struct err *err) must_use;
int64_t files_filled(json_t *kept);
/* A blob's bytes, for the thread that fills a workspace. */
struct blob_feed {
    struct blob_store *blobs;
    char sha256[BLOB_NAME_SIZE];
    struct blob_reader *reader;
};
void blob_feed_init(struct blob_feed *f, struct blob_store *blobs, str sha256);
void blob_feed_done(struct blob_feed *f);
pack_get_fn blob_feed_get;
bool engine_open_blobs(struct engine *e, struct err *err) must_use;

/* ---- keep.c: files into the blob store and back ---- */
struct kept_files { /* as runner_pack */
    const str *patterns;
    size_t n;
    bool exact, follow;
};
/* err is NULL on success; all borrowed. holds_secret: of the run, in what was kept. */
typedef void kept_fn(struct live_run *r, void *user, const struct blob_info *info,
                     const struct pack_count *count, bool holds_secret, const struct err *err);
void keep_files(struct live_run *r, const struct kept_files *files, kept_fn *done, void *user);
void keep_restore(struct live_run *r, str sha256, kept_fn *done, void *user);
/* A line of the system's in the step's log, masked. */
void keep_say(struct live_run *r, uint32_t step, const char *fmt, ...) printf_like(3, 4);
/* The texts of a JSON list, or of one text; in the run's arena. */
str *keep_patterns(struct live_run *r, json_t *list, size_t *ret_n);
typedef void collected_fn(struct live_run *r, uint32_t step, void *user, const struct err *err);
void collect_artifact(struct live_run *r, uint32_t step, str name, json_t *paths,
                      collected_fn *done, void *user);

/* ---- cache.c ---- */
/* True where the cache took over: it restores, or looks around, and the step ends or begins anew.
 */
bool cache_begin(struct live_run *r, uint32_t step, json_t *config) must_use;
/* False where there is nothing to save; else done is called, without err. */
bool cache_save(struct live_run *r, uint32_t step, collected_fn *done, void *user) must_use;
void cache_use_free(struct cache_use *u);

/* ---- step_end.c ---- */
/* Artifacts and cache, then the end; takes err, which may be unset. */
void shell_finish(struct live_run *r, uint32_t step, enum outcome outcome, enum reason reason,
                  struct err *err);

/* ---- step_*.c: executors ---- */
void artifact_launch(struct live_run *r, uint32_t step);
void approval_start(struct live_run *r, uint32_t step);
/* Whether people have decided meanwhile. */
void approvals_look(struct live_run *r);
struct sink { /* a call on behalf of a step */
    struct live_run *run;
    uint32_t step;
};
void shell_launch(struct live_run *r, uint32_t step);
/* A shell for a person, where the step would run. LATER: attach_files_ready comes once a value that
 * it lacks is computed. STARTED: exit comes, also where *ret_process is NULL. */
enum shell_attached { SHELL_ATTACH_STARTED, SHELL_ATTACH_LATER, SHELL_ATTACH_FAILED };
struct shell_attach {
    const int *stdio;
    const char *term; /* NULL: no terminal */
    unsigned number;  /* of this shell in the run */
    runner_exit_fn *exit;
    void *user;
};
must_use enum shell_attached shell_attach(struct live_run *r, uint32_t step,
                                          const struct shell_attach *x,
                                          struct runner_step **ret_process, struct err *err);
void file_launch(struct live_run *r, uint32_t step);
void git_start(struct live_run *r, uint32_t step);
void llm_step_start(struct live_run *r, uint32_t step);
/* Its call is dropped at once; the step ends in a later turn of the loop. */
void llm_step_stop(struct live_run *r, uint32_t step);
/* ---- kept_answer.c ---- */
/* A kept answer to this request, a new reference, or NULL; said in the step's log. */
json_t *kept_answer_find(struct live_run *r, uint32_t step, const char *sha256, str base_url);
/* Not where it is too large or holds a secret. */
void kept_answer_put(struct live_run *r, uint32_t step, const char *sha256, str base_url,
                     str client, json_t *answer);
/* ---- nested.c: steps of a tool that an agent calls, as steps of the run ---- */
/* text: valid, masked; borrowed. */
typedef void nested_done_fn(void *user, str text, bool is_error);
/* The tool's JSON Schema and description, for a model; NULL with err. A new reference. */
json_t *nested_describe(struct live_run *r, str name, bool *ret_is_prompt,
                        struct err *err) must_use;
struct nested_request {
    str name;
    json_t *input;
    /* Of a call that went on when the process died: what is recorded of it goes on. 0: a new one,
     * which gets the next number. */
    unsigned number;
};
/* Begins; done comes once, later. NULL with err, for the model; plan_changed where a call cannot go
 * on. */
struct live_run *nested_start(struct live_run *r, uint32_t step, const struct nested_request *q,
                              nested_done_fn *done, void *user, struct err *err) must_use;
/* The number of the step's next call. */
unsigned nested_next(const struct live_run *r, uint32_t step);
/* Cancels it; done still comes. */
void nested_stop(struct live_run *r);
/* Whether a step's id is of a tool's call; *ret_number is that call's, of the step `of`. */
bool nested_id(str id, str of, unsigned *ret_number);
/* In a replay: the results of tools become the recorded ones, after which the recorded answers
 * follow; what differs is said in the step's log. */
void llm_step_results(struct live_run *r, uint32_t step, json_t *results);
/* ---- step_agent.c: prompts of type agent, and what their tools do ---- */
/* What a call that was cut off by a crash gives begins with this. */
#define AGENT_INTERRUPTED "interrupted: Plue was stopped while this call was under way. "
struct agent;
struct dialog;
/* NULL with err where a tool cannot work. */
struct agent_search { /* of websearch */
    str url, key_name, key;
    bool off;
};
struct speech;
/* speech is kept. */
struct agent *agent_new(struct sink sink, struct speech *speech, json_t *config,
                        const struct agent_search *search, struct err *err) must_use;
/* Tools that it was given and never called, for plue why. */
void agent_record_unused(struct agent *a);
void agent_free(struct agent *a);
/* A new reference; NULL with err where two have one name. */
json_t *agent_tools(const struct agent *a, struct err *err) must_use;
struct dialog_spent;
/* What an interrupted try of this step had done and spent is put into the request: its turns are a
 * new reference, NULL where there are none. */
struct dialog_request;
bool agent_take_up(struct agent *a, struct dialog_request *q, struct err *err) must_use;
/* Where calls of the last turn that was taken up go on, and the dialog waits for them. */
void agent_go_on(struct agent *a, struct dialog *d);
/* Carries out the calls of one answer side by side, once they are recorded, and gives the dialog
 * what they gave. */
void agent_call(struct agent *a, struct dialog *d, json_t *calls, json_t *answer,
                const struct dialog_spent *spent);
/* Starts what its tools need; ready comes from the loop, with err where that cannot be used. False
 * where they need nothing. */
bool agent_open(struct agent *a, void (*ready)(void *user, const struct err *err),
                void *user) must_use;
/* Ends that; closed comes from the loop. False where nothing runs. */
bool agent_close(struct agent *a, void (*closed)(void *user), void *user) must_use;
/* Kills what runs and gives nothing any more; idle comes from the loop once nothing runs. False
 * where nothing does, and idle does not come. */
bool agent_stop(struct agent *a, void (*idle)(void *user), void *user) must_use;
/* Of a step that asks a model now; NULL where there is none. */
struct agent *llm_step_agent(struct live_run *r, uint32_t step);
struct speech *llm_step_speech(struct live_run *r, uint32_t step);
/* A new try: nothing of the last one's output and error is left. */
void step_reset_try(struct live_run *r, uint32_t step);
/* capture_lines_fn: lines into the step's log; ctx is its sink. */
void step_keep_lines(void *ctx, const struct log_line *lines, size_t n);
/* A small step's arguments with their values, the caller's to release; NULL with err. */
json_t *small_step_config(struct live_run *r, uint32_t step, struct err *err) must_use;
/* The step ends with this value (JSON), masked; with none where it is empty. */
void small_step_done(struct live_run *r, uint32_t step, str json);
void simple_start(struct live_run *r, uint32_t step);
void comment_start(struct live_run *r, uint32_t step);
/* As small_step_done, with another outcome than success. */
void small_step_ends(struct live_run *r, uint32_t step, enum outcome outcome, str json);
/* What a finished step added for later ones (also after a restart). */
void shell_take_additions(struct live_run *r, str json);
struct resolve_scope run_scope(struct live_run *r);
void run_mask_known_secrets(struct live_run *r);
/* Masked from now on, once for each name. */
void run_mask_secret(struct live_run *r, str name, str value);
/* The present try, as the runner names it: of a long id the start and a hash of all of it. */
void step_runner_id(struct live_run *r, uint32_t step, struct buf *ret);
/* Of the workflow; NULL: none. */
/* What is configured; never NULL. */
const struct config *run_config(const struct live_run *r);
/* Bytes of one step's log. */
int64_t run_log_quota(const struct live_run *r);
const char *run_image(struct live_run *r);

static inline str opt_str(const char *c)
{
    return c ? str_of(c) : STR("");
}

#endif
