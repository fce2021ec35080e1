/* tables: the rows of the store as structs, what a batch can do to them, and how they are read.
 * Writes: store_add_*, store_update_*, ... put an operation into a batch; arguments are copied, and
 * nothing happens before the batch is submitted. Reads: store_load_*, store_list_*, store_read_*
 * see what is committed; texts land in the caller's arena.
 * Times are wall-clock milliseconds, 0 where absent. Texts are UTF-8; empty is absent (NULL). Text
 * called JSON is kept as given, never parsed here.
 * Within a batch that creates a run, STORE_NEW_RUN stands for its id. */
#ifndef STORE_TABLES_H
#define STORE_TABLES_H
#include "store/store.h"

enum {
    STORE_NEW_RUN = 0,
    STORE_LAST = 0, /* for an attempt or a try: the latest */
    STORE_LIST_MAX = 1000,
};

struct store_reason {
    enum reason code;
    str text; /* the sentence with its particulars */
};

/* ---- Repositories and the definitions found in them (definitions.c) ---- */

struct store_definition {
    str name, file_path, content_hash;
    str triggers, plan; /* JSON */
    str image, dockerfile;
    int64_t parsed_at;
};
/* Makes the repository known (key: its name, for a local one the folder's path). */
void store_put_repository(struct store_batch *b, str name, str default_branch);
/* Replaces the definition of that name. The repository is made where it is unknown. */
void store_put_definition(struct store_batch *b, str repository, const struct store_definition *d);
bool store_list_definitions(struct store_reader *r, str repository, struct arena *a,
                            struct store_definition **ret, size_t *ret_n, struct err *err) must_use;

/* ---- Runs (runs.c) ---- */

struct store_run {
    int64_t id; /* given by the store, from 1 */
    str repository, workflow;
    enum run_status status;
    enum conclusion conclusion;
    struct store_reason reason;
    str trigger_type, trigger_payload; /* type and JSON of the event */
    str ref, sha, branch, actor;
    str inputs;  /* JSON object */
    str outputs; /* JSON object; empty before the end */
    str error;   /* JSON of the error object */
    str error_message;
    str plan_hash;
    str plan;      /* JSON: what the engine keeps of the plan beside the steps' rows */
    str evaluator; /* version that made the plan */
    int64_t attempt;
    int64_t created_at, started_at, completed_at;
    int64_t waited_ms;   /* time spent waiting for people */
    int64_t deadline_at; /* when its time is up; moved on by the time that nothing drove it */
    str group, policy;   /* one run of a group at a time; empty: none */
    int64_t priority;    /* in the group's queue: higher first */
    str origin;          /* JSON: where it was imported from; empty: it ran here */
    int64_t holds_group; /* not loaded; an update of the attempt gives the group back */
};

/* With attempt 1 unless given. One run per batch. */
void store_create_run(struct store_batch *b, const struct store_run *run);

/* Which fields of store_run_update count. */
enum {
    STORE_RUN_CONCLUSION = 1 << 0,
    STORE_RUN_REASON = 1 << 1,
    STORE_RUN_OUTPUTS = 1 << 2,
    STORE_RUN_ERROR = 1 << 3, /* error and error_message */
    STORE_RUN_PLAN = 1 << 4,  /* plan_hash and plan */
    STORE_RUN_STARTED = 1 << 5,
    STORE_RUN_COMPLETED = 1 << 6,
    STORE_RUN_ATTEMPT = 1 << 7,
    STORE_RUN_WAITED = 1 << 8,
    STORE_RUN_SOURCE = 1 << 9, /* ref, sha, branch, evaluator: a rerun on other sources */
    STORE_RUN_DEADLINE = 1 << 10,
};
/* Compare and set: transition_refused unless the run's status is `from`. Set from == to where only
 * fields change. */
struct store_run_update {
    int64_t run_id;
    enum run_status from, to;
    unsigned fields;
    struct store_run values;
};
void store_update_run(struct store_batch *b, const struct store_run_update *u);

/* err run_unknown where there is none. */
bool store_load_run(struct store_reader *r, int64_t run_id, struct arena *a, struct store_run *ret,
                    struct err *err) must_use;

/* Newest first. Empty filters match all; before_id 0 starts at the newest. */
struct store_run_filter {
    str repository, workflow, branch, event, actor;
    bool by_status;
    enum run_status status;
    int64_t before_id; /* the cursor: *ret_next of the page before */
    int64_t limit;     /* 0: 30; at most STORE_LIST_MAX */
};
/* Without plan, trigger_payload, inputs, outputs: those are for store_load_run.
 * *ret_next: cursor of the next page, or 0. */
bool store_list_runs(struct store_reader *r, const struct store_run_filter *f, struct arena *a,
                     struct store_run **ret, size_t *ret_n, int64_t *ret_next,
                     struct err *err) must_use;

/* ---- Steps, keyed (run, attempt, step, try) (steps.c) ---- */

struct store_step_key {
    int64_t run_id, attempt;
    str step_id;
    int64_t try; /* from 1 */
};

struct store_step {
    struct store_step_key key;
    int64_t position; /* in the plan, from 0 */
    str name;
    enum step_type type;
    str depends_on, config; /* JSON array of ids, JSON object */
    str parent;             /* id of the action it belongs to */
    enum step_status status;
    enum outcome outcome;
    enum conclusion conclusion;
    struct store_reason reason;
    bool has_exit_code;
    int64_t exit_code;
    str error, error_message; /* JSON of the error object */
    int64_t created_at, started_at, completed_at;
    int64_t turns_used, tokens_in, tokens_out, cost_micro_usd;
    int64_t log_lines, log_bytes;
    /* The result, which deferred values read and a rebuilt evaluation is fed with: */
    str outputs; /* JSON object */
    str output;  /* JSON: what a model or tool answered */
    str stdout_text, stderr_text;
    bool stdout_cut, stderr_cut; /* was longer than STORE_STEP_TEXT_MAX */
    int64_t kept_from;           /* attempt that ran it and has its log; 0: this one */
};

/* Rows for planned steps, in one go. key.attempt and key.try count as 1 unless given; all fields
 * are written, so that a rerun can carry finished steps over to its attempt. */
void store_add_steps(struct store_batch *b, const struct store_step *steps, size_t n);
/* A further try of a step: a row as it was planned, with status `ready`. key.try is the new one. */
void store_add_try(struct store_batch *b, const struct store_step_key *key, int64_t created_at);

enum {
    STORE_STEP_OUTCOME = 1 << 0, /* outcome and conclusion */
    STORE_STEP_REASON = 1 << 1,
    STORE_STEP_ERROR = 1 << 2, /* error and error_message */
    STORE_STEP_STARTED = 1 << 3,
    STORE_STEP_COMPLETED = 1 << 4,
    STORE_STEP_RESULT = 1 << 5, /* exit_code, outputs, output, stdout_text, stderr_text; texts past
                                   STORE_STEP_TEXT_MAX are cut and flagged */
    STORE_STEP_USAGE = 1 << 6,  /* turns, tokens, cost */
    STORE_STEP_LOG = 1 << 7,    /* log_lines, log_bytes */
    STORE_STEP_CONCLUSION = 1 << 8, /* conclusion alone: settled after the fact */
};
/* Compare and set, as store_update_run. */
struct store_step_update {
    struct store_step_key key;
    enum step_status from, to;
    unsigned fields;
    struct store_step values;
};
void store_update_step(struct store_batch *b, const struct store_step_update *u);

enum store_step_load {
    STORE_STEPS_BRIEF,   /* without config and results */
    STORE_STEPS_RESULTS, /* everything */
};
/* In order of the plan, the latest try of each; attempt may be STORE_LAST. */
bool store_load_steps(struct store_reader *r, int64_t run_id, int64_t attempt,
                      enum store_step_load what, struct arena *a, struct store_step **ret,
                      size_t *ret_n, struct err *err) must_use;
/* The steps of the newest attempt that events after after_seq name, each once, as they are now and
 * with STORE_STEPS_BRIEF. *ret_all: the plan has grown since, so all are to be loaded, and none is
 * given. *ret_seq: the newest event that is in it, or after_seq. Their texts stand in `texts`, the
 * array in `a`. */
bool store_load_changed_steps(struct store_reader *r, int64_t run_id, int64_t after_seq,
                              struct arena *texts, struct arena *a, struct store_step **ret,
                              size_t *ret_n, bool *ret_all, int64_t *ret_seq,
                              struct err *err) must_use;
/* One step with everything; attempt and try may be STORE_LAST. err step_unknown. */
bool store_load_step(struct store_reader *r, const struct store_step_key *key, struct arena *a,
                     struct store_step *ret, struct err *err) must_use;

/* ---- Logs and events, in one order per run (logs.c, events.c) ---- */

/* Each line is one event (step_output) and gets the next seq; `seq` of the lines is ignored. The
 * batch has one row in run_events, each line one in workflow_logs. */
void store_append_log(struct store_batch *b, const struct store_step_key *key,
                      const struct log_line *lines, size_t n);
/* Appends with the next seq of the run; e->seq is ignored. Not for EVENT_STEP_OUTPUT. */
void store_append_event(struct store_batch *b, const struct event *e);

/* Events with seq > after_seq in order, without gap or repeat, at most max. fn returns false to
 * stop, and must not use the reader. *ret_seq (may be NULL): seq of the last one given, or
 * after_seq. */
typedef bool store_read_event_fn(void *ctx, const struct event *e);
bool store_read_events(struct store_reader *r, int64_t run_id, int64_t after_seq, size_t max,
                       store_read_event_fn *fn, void *ctx, int64_t *ret_seq,
                       struct err *err) must_use;
/* seq of the run's newest event, 0 where there is none. */
bool store_last_seq(struct store_reader *r, int64_t run_id, int64_t *ret_seq,
                    struct err *err) must_use;

/* Lines of one try of a step with seq > after_seq, in order; attempt and try may be STORE_LAST.
 * err step_unknown. */
typedef bool store_read_line_fn(void *ctx, const struct log_line *line);
bool store_read_log(struct store_reader *r, const struct store_step_key *key, int64_t after_seq,
                    size_t max, store_read_line_fn *fn, void *ctx, struct err *err) must_use;
/* The last n lines, in order. */
bool store_read_log_tail(struct store_reader *r, const struct store_step_key *key, size_t n,
                         store_read_line_fn *fn, void *ctx, struct err *err) must_use;

/* ---- Sources that a run was evaluated from (sources.c) ---- */

struct store_source {
    str path, sha256, text;
};
/* Adds files to the bundle of (run, attempt); a text is stored once over all runs. A path that the
 * bundle has already must have the same sha256 (else source_changed). */
void store_add_sources(struct store_batch *b, int64_t run_id, int64_t attempt,
                       const struct store_source *files, size_t n);
/* The bundle of the newest attempt <= attempt (STORE_LAST: any) that has one, ordered by path. The
 * event and the inputs are in the run's row. */
bool store_load_sources(struct store_reader *r, int64_t run_id, int64_t attempt, struct arena *a,
                        struct store_source **ret, size_t *ret_n, struct err *err) must_use;

/* ---- Leases: which process drives a run (leases.c, owner.c) ---- */

enum { STORE_LEASE_MS = 30000, STORE_OWNER_TEXT_MAX = 64 };

/* A process, so that no other one can be taken for it. */
struct store_owner {
    int64_t pid;
    int64_t start_time; /* in clock ticks after boot, as /proc/PID/stat has it */
    int64_t pid_space;  /* inode of its pid namespace */
    char boot_id[STORE_OWNER_TEXT_MAX];
    char machine[STORE_OWNER_TEXT_MAX]; /* node name */
};
bool store_owner_self(struct store_owner *ret, struct err *err) must_use;

enum store_liveness {
    STORE_OWNER_ALIVE,
    STORE_OWNER_DEAD,
    STORE_OWNER_UNSEEN, /* in another container or machine: only its lease's expiry tells */
};
/* Same boot and pid namespace: the process decides. Same machine after another boot: dead. */
enum store_liveness store_owner_look(const struct store_owner *o, const struct store_owner *self);

struct store_lease {
    int64_t run_id;
    struct store_owner owner;
    int64_t acquired_at, expires_at;
};
/* True where the run may be taken: its owner is dead, or unseen and expired. */
bool store_lease_is_free(const struct store_lease *l, const struct store_owner *self, int64_t now);

/* Takes the run for `self`; run_has_owner where another live process has it. */
void store_take_lease(struct store_batch *b, int64_t run_id, const struct store_owner *self,
                      int64_t now);
/* Extends all leases of self; due every STORE_LEASE_MS / 3. */
void store_renew_leases(struct store_batch *b, const struct store_owner *self, int64_t now);
/* Gives a run back; nothing happens where self does not own it. */
void store_drop_lease(struct store_batch *b, int64_t run_id, const struct store_owner *self);

/* *ret_has false: nobody has it. */
bool store_load_lease(struct store_reader *r, int64_t run_id, struct store_lease *ret,
                      bool *ret_has, struct err *err) must_use;
/* Runs that are not final and have no live owner, oldest first. */
bool store_list_orphans(struct store_reader *r, const struct store_owner *self, int64_t now,
                        struct arena *a, int64_t **ret_ids, size_t *ret_n,
                        struct err *err) must_use;
/* Of runs that have ended, whose owner died before it gave them back. */
bool store_list_dead_leases(struct store_reader *r, const struct store_owner *self, int64_t now,
                            struct arena *a, struct store_lease **ret, size_t *ret_n,
                            struct err *err) must_use;

/* ---- Concurrency groups (groups.c) ---- */

struct store_group_run {
    int64_t run_id, priority;
    bool holds;
    str policy;
};
/* The open runs of the run's group, itself among them, by id. */
bool store_list_group(struct store_reader *r, int64_t run_id, struct arena *a,
                      struct store_group_run **ret, size_t *ret_n, struct err *err) must_use;
/* err group_held where another open run has it. It is given back with the run's end. */
void store_take_group(struct store_batch *b, int64_t run_id);

/* ---- The database as a whole (upkeep.c) ---- */

/* A copy of one moment in a new file, while others read and write. */
bool store_backup(struct store_reader *r, const char *path, struct err *err) must_use;
bool store_size(struct store_reader *r, int64_t *ret_bytes, struct err *err) must_use;
/* Of the tables. */
bool store_version(struct store_reader *r, int64_t *ret, struct err *err) must_use;
/* With all that belongs to it; err run_not_final. */
void store_delete_run(struct store_batch *b, int64_t run_id);
/* Texts of workflow files that no run names any more. */
void store_sweep_sources(struct store_batch *b);
/* Ended runs, oldest first; before 0: whenever they ended. */
bool store_list_ended(struct store_reader *r, int64_t before, size_t max, struct arena *a,
                      int64_t **ret_ids, size_t *ret_n, struct err *err) must_use;

/* ---- Secrets, sealed by their owner: the store never sees a value (secrets.c) ---- */

struct store_secret {
    str name, sealed;
    int64_t created_at, updated_at;
};
void store_put_secret(struct store_batch *b, str name, str sealed, int64_t now);
/* err secret_unknown. */
void store_delete_secret(struct store_batch *b, str name);
/* Ordered by name. */
bool store_list_secrets(struct store_reader *r, struct arena *a, struct store_secret **ret,
                        size_t *ret_n, struct err *err) must_use;

/* ---- Values that a run hides, sealed likewise (masks.c) ---- */

void store_add_mask(struct store_batch *b, int64_t run_id, str sealed);
/* In the order in which they were added; in a. */
bool store_list_masks(struct store_reader *r, int64_t run_id, struct arena *a, str **ret,
                      size_t *ret_n, struct err *err) must_use;

/* ---- Commands to the process that drives a run, from any other (commands.c) ---- */

struct store_command {
    int64_t id, run_id;
    str kind; /* "cancel" */
    str data; /* JSON object */
    int64_t created_at;
};
/* err run_unknown, and run_final where the run has ended. */
void store_add_command(struct store_batch *b, const struct store_command *c);
/* What was asked of the run and is not done yet, in order. */
bool store_list_commands(struct store_reader *r, int64_t run_id, struct arena *a,
                         struct store_command **ret, size_t *ret_n, struct err *err) must_use;
void store_finish_command(struct store_batch *b, int64_t command_id, int64_t now);

/* ---- Artifacts and caches; their bytes stand in the blob store (kept.c) ---- */

struct store_artifact {
    int64_t run_id, attempt;
    str step_id, name, sha256;
    int64_t files, bytes, stored_bytes, created_at;
    bool holds_secret; /* of the run: it must not leave this machine */
};
/* Takes the place of the attempt's artifact of that name. */
void store_put_artifact(struct store_batch *b, const struct store_artifact *a);
/* By name; of each the newest attempt's. */
bool store_list_artifacts(struct store_reader *r, int64_t run_id, struct arena *a,
                          struct store_artifact **ret, size_t *ret_n, struct err *err) must_use;

/* What all artifacts take, compressed; equal bytes count once. */
bool store_sum_artifacts(struct store_reader *r, int64_t *ret_bytes, struct err *err) must_use;
/* The blobs of a run's artifacts and snapshots, of all its attempts; some may come twice. */
bool store_list_blobs(struct store_reader *r, int64_t run_id, struct arena *a, str **ret,
                      size_t *ret_n, struct err *err) must_use;
/* Whether an artifact, a cache or a snapshot refers to the blob. */
bool store_blob_is_used(struct store_reader *r, str sha256, bool *ret, struct err *err) must_use;

struct store_cache {
    int64_t id;
    str repository, scope, key, version;
    str sha256, result; /* result: JSON of what the step left beside files */
    int64_t bytes, stored_bytes, created_at;
};
/* Does nothing where the scope has this key and version already. */
void store_put_cache(struct store_batch *b, const struct store_cache *c);
void store_use_cache(struct store_batch *b, int64_t id, int64_t now);
void store_drop_cache(struct store_batch *b, int64_t id);
/* By repository, scope, version and key of `wanted`; prefix: the newest whose key begins so. */
bool store_find_cache(struct store_reader *r, const struct store_cache *wanted, bool prefix,
                      struct arena *a, struct store_cache *ret, bool *ret_found,
                      struct err *err) must_use;
/* Those that were used longest ago, past keep_bytes of the others; sha256 is empty where something
 * else refers to the same bytes. */
bool store_list_unused_caches(struct store_reader *r, int64_t keep_bytes, struct arena *a,
                              struct store_cache **ret, size_t *ret_n, struct err *err) must_use;

/* ---- Files of workspaces, whose bytes stand in the blob store (snapshots.c) ---- */

#define STORE_SNAPSHOT_SOURCE "source" /* what a run began with; else what its steps changed */

struct store_snapshot {
    int64_t run_id, attempt;
    str kind;  /* STORE_SNAPSHOT_SOURCE, or the run's status then: "waiting", "failed", ... */
    str steps; /* JSON: [[id, attempt], ...] of the steps that had ended well, with the attempt that
                * ran them */
    str base_sha256, base_commit; /* of changes: whose files they are of; one of the two */
    str sha256;
    int64_t files, bytes, stored_bytes, created_at;
    bool holds_secret; /* of the run: it must not leave this machine */
};
void store_put_snapshot(struct store_batch *b, const struct store_snapshot *s);
/* All of the run. */
void store_drop_snapshots(struct store_batch *b, int64_t run_id);
/* Oldest first. */
bool store_list_snapshots(struct store_reader *r, int64_t run_id, struct arena *a,
                          struct store_snapshot **ret, size_t *ret_n, struct err *err) must_use;
/* Ended runs whose newest snapshot is older than `before`, or past keep_bytes of newer ones. */
bool store_list_old_snapshots(struct store_reader *r, int64_t before, int64_t keep_bytes,
                              struct arena *a, int64_t **ret_runs, size_t *ret_n,
                              struct err *err) must_use;

/* ---- A run as rows, to another database (transfer.c) ---- */

enum store_move_kind { /* what a column holds; the database checks no more than the words */
                       STORE_MOVE_INT,
                       STORE_MOVE_INT_NULL,
                       STORE_MOVE_TEXT,
                       STORE_MOVE_TEXT_NULL,
                       STORE_MOVE_SHA256, /* in hex */
                       STORE_MOVE_OBJECT, /* JSON */
                       STORE_MOVE_TEXTS,  /* a JSON array of texts */
                       STORE_MOVE_JSON_NULL,
                       STORE_MOVE_RUN_STATUS, /* a final one */
                       STORE_MOVE_STEP_STATUS,
                       STORE_MOVE_STEP_TYPE,
                       STORE_MOVE_OUTCOME,
                       STORE_MOVE_CONCLUSION,
                       STORE_MOVE_REASON,
                       STORE_MOVE_LOG_TYPE,
                       STORE_MOVE_EVENT_TYPE,
                       STORE_MOVE_OWN_KEY, /* which the columns of the next kinds refer to */
                       STORE_MOVE_STEP_KEY,
                       STORE_MOVE_STEP_KEY_NULL,
};
struct store_move_column {
    const char *name;
    enum store_move_kind kind;
};
struct store_value {
    bool is_null, is_text;
    int64_t i;
    str s;
};
struct store_move_row {
    size_t table;
    struct store_value *values; /* one for each column */
    size_t n;
};
/* Tables are numbered from 0, the run's, in the order in which they are read back; NULL after the
 * last. */
const char *store_move_table_name(size_t table);
size_t store_move_table(str name); /* SIZE_MAX: unknown */
const struct store_move_column *store_move_columns(size_t table, size_t *ret_n);

/* What is read between is of one moment. */
bool store_begin_look(struct store_reader *r, struct err *err) must_use;
void store_end_look(struct store_reader *r);
/* values: borrowed during the call, which must not use the reader. */
typedef bool store_move_fn(void *ctx, size_t table, const struct store_value *values, size_t n,
                           struct err *err);
bool store_export_rows(struct store_reader *r, int64_t run_id, size_t table, store_move_fn *fn,
                       void *ctx, struct err *err) must_use;

/* Rows in order of their tables; both are called by the writer's thread, begin once more where the
 * transaction is repeated. */
struct store_rows {
    bool (*begin)(void *ctx, struct err *err);
    bool (*next)(void *ctx, struct store_move_row *ret, bool *ret_more, struct err *err);
    void *ctx; /* kept until the batch is done */
};
/* The batch creates the run. err bundle_damaged. */
void store_import_run(struct store_batch *b, const struct store_rows *rows, str repository);

/* ---- Approvals (approvals.c) ---- */

struct store_approval {
    int64_t run_id, attempt;
    str step_id, name;
    str reviewers; /* JSON */
    int64_t requested_at, decided_at;
    str decision; /* "approved", "rejected", or empty */
    str actor, comment;
};
/* Does nothing where the step has asked already. */
void store_request_approval(struct store_batch *b, const struct store_approval *a);
/* err approval_decided where the step does not wait (any more). */
void store_decide_approval(struct store_batch *b, const struct store_approval *a);
bool store_list_approvals(struct store_reader *r, int64_t run_id, int64_t attempt, struct arena *a,
                          struct store_approval **ret, size_t *ret_n, struct err *err) must_use;

/* ---- calls of models ---- */

struct store_llm_usage {
    int64_t run_id, attempt, try;
    str step_id, client, model, stop;
    int64_t input_tokens, output_tokens, cache_read_tokens, cache_write_tokens;
    int64_t cost_microusd; /* negative: unknown */
    int64_t requests, first_token_ms, whole_ms, created_at;
};
void store_add_llm_usage(struct store_batch *b, const struct store_llm_usage *u);
/* In the order of the calls; of all attempts. */
bool store_list_llm_usage(struct store_reader *r, int64_t run_id, struct arena *a,
                          struct store_llm_usage **ret, size_t *ret_n, struct err *err) must_use;

/* ---- what a step was let use and did not (grants.c) ---- */

struct store_grant {
    struct store_step_key key;
    str kind; /* "host" of its network=, or "tool" of an agent */
    str name; /* as the workflow writes it */
};
void store_add_unused_grant(struct store_batch *b, const struct store_grant *g);
/* Of one try, in the order in which they were added. */
bool store_list_unused_grants(struct store_reader *r, const struct store_step_key *key,
                              struct arena *a, struct store_grant **ret, size_t *ret_n,
                              struct err *err) must_use;

/* ---- turns of agents ---- */

struct store_turn {
    struct store_step_key key;
    int64_t turn; /* from 1 */
    str answer;   /* JSON: blocks of the model's message */
    str results;  /* JSON: blocks of what its calls gave; without "content" where one has not ended
                   */
    str usage;    /* JSON: what the turns until this one took */
    int64_t created_at;
};
/* Adds it, or replaces its results. */
void store_put_turn(struct store_batch *b, const struct store_turn *t);
/* The turns that this try goes on from: those of the last try that has any, where it and all after
 * it were interrupted; else none. */
bool store_load_interrupted_turns(struct store_reader *r, const struct store_step_key *key,
                                  struct arena *a, struct store_turn **ret, size_t *ret_n,
                                  struct err *err) must_use;
struct store_llm_call {
    int64_t run_id, attempt, try;
    str step_id, request_sha256;
    str record; /* JSON; empty: it was too large */
    int64_t created_at;
};
void store_add_llm_call(struct store_batch *b, const struct store_llm_call *c);
/* Of the step's last attempt that has any, in the order of the calls. */
bool store_list_llm_calls(struct store_reader *r, int64_t run_id, str step_id, struct arena *a,
                          struct store_llm_call **ret, size_t *ret_n, struct err *err) must_use;
/* How many there are. */
bool store_count_llm_calls(struct store_reader *r, int64_t run_id, int64_t *ret,
                           struct err *err) must_use;

/* ---- kept answers of models ---- */

enum { STORE_ANSWERS_MAX = 10000 }; /* older ones make room */
struct store_model_answer {
    str request_sha256, base_url; /* together the key */
    str client, answer;           /* JSON */
    int64_t run_id;               /* where it was given; the run may be gone */
    str step_id;
    int64_t created_at;
};
void store_put_model_answer(struct store_batch *b, const struct store_model_answer *a);
bool store_find_model_answer(struct store_reader *r, str request_sha256, str base_url,
                             struct arena *a, struct store_model_answer *ret, bool *ret_has,
                             struct err *err) must_use;

#endif
