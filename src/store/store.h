/* store: the durable record of runs behind one handle: batches in, rows out (SPEC 12).
 * Order of every change: fill a batch, submit it, go on when its callback says that it is durable
 * ("persist, then act, then tell"). A thread writes: whatever is queued is one group commit.
 * A batch is one transaction: all of its operations happen, or none and the callback has the err.
 *
 * Durable means: it outlives the death of any process, by any signal. The journal is synced at
 * checkpoints, not at each commit (SQLite's WAL with synchronous=NORMAL): a power cut may take
 * the last moments, whole transactions from the newest back, and never tears one.
 * STORE_SYNC_FULL syncs every group commit, for machines where that matters more than a disk's
 * latency on each step of a run.
 *
 * Where the owner's loop ends its turns with store_end_turn, small groups that find the thread idle
 * are written there.
 *
 * Threads: handle, batches and delivery belong to one thread, which owns the loop. A reader belongs
 * to the thread that uses it; any number may be open.
 * Refuses: databases newer than the program, databases of other programs.
 * The operations on each table are in store/tables.h; SQL is in this folder only. */
#ifndef STORE_STORE_H
#define STORE_STORE_H
#include "base/arena.h"
#include "diag/err.h"
#include "event/event.h"

struct store;
struct store_batch;
struct store_reader;

enum {
    STORE_QUEUE_SOFT_BYTES = 8 << 20,  /* past it store_is_full: stop reading from steps */
    STORE_QUEUE_HARD_BYTES = 64 << 20, /* past it store_submit refuses */
    STORE_GROUP_BYTES = 4 << 20,       /* a group commit is closed once it holds so much */
    STORE_BUSY_MS = 10000,             /* how long another writing process is waited for */
    STORE_TURN_BYTES = 64 << 10,       /* what the owner's thread writes by itself, at most */
    STORE_STEP_TEXT_MAX = 1 << 20,     /* stdout and stderr of a step as values, each */
};

/* ---- Life-cycle ---- */

enum store_sync { STORE_SYNC_NORMAL, STORE_SYNC_FULL };
struct store_options {
    bool create;    /* make the database (and its folder) where there is none */
    bool read_only; /* no migration, no writer: store_submit refuses */
    enum store_sync sync;
    int busy_ms; /* 0: STORE_BUSY_MS */
};

/* Opens the SQLite file at path and brings its tables up to date. err has one of: database_missing,
 * database_newer, database_older (read_only alone), database_read_only, database_locked,
 * database_corrupt (also: no database at all), database_foreign, database_failed. */
bool store_open(const char *path, const struct store_options *options, struct store **ret,
                struct err *err) must_use;
/* Writes all that is queued, delivers it, and closes. Readers must be closed before. */
void store_close(struct store *s);
static inline void store_closep(struct store **s)
{
    store_close(*s);
}
#define auto_store cleanup(store_closep) struct store

/* ---- Batches: one transaction each ---- */

struct store_batch *store_batch_new(struct store *s);
/* Only for a batch that was not submitted. */
void store_batch_free(struct store_batch *b);
bool store_batch_is_empty(const struct store_batch *b);

/* err is NULL when the batch is durable. Called by store_deliver, in order of submission; may
 * submit further batches. The batch is borrowed; err may be moved out. */
typedef void store_done(void *ctx, struct store_batch *b, struct err *err);

/* Takes the batch, and copies nothing: what operations were given was copied when they were added.
 * done may be NULL, if a failure is nobody's concern. False (queue_full, database_read_only) leaves
 * the batch with the caller. */
bool store_submit(struct store *s, struct store_batch *b, store_done *done, void *ctx,
                  struct err *err) must_use;
/* Submits, then waits for it and delivers what comes before it. For tools and tests. Takes the
 * batch in any case. ret_run_id (may be NULL): the run that the batch created. */
bool store_commit(struct store *s, struct store_batch *b, int64_t *ret_run_id,
                  struct err *err) must_use;

/* True while the soft limit is passed; false again after deliveries brought it below half. */
bool store_is_full(const struct store *s);

/* Readable (epoll, uv_poll) while callbacks wait; call store_deliver then. */
int store_wake_fd(const struct store *s);
/* Runs the callbacks of finished batches; returns how many. Never waits. */
size_t store_deliver(struct store *s);
/* From now on batches wait for the end of the turn, up to STORE_TURN_BYTES; off: no longer. Without
 * effect under STORE_SYNC_FULL, where each commit waits for the disk. */
void store_set_turns(struct store *s, bool on);
/* Before the loop waits: writes what the turn has submitted and runs the callbacks, or lets the
 * writer's thread write it where another process writes, files want upkeep, a batch is wrong, or
 * earlier ones are still under way. Waits for nobody. */
void store_end_turn(struct store *s);
/* Waits until all that was submitted has finished, delivering it. */
void store_flush(struct store *s);

/* In done, after success: */

/* Id of the run that the batch created. */
int64_t store_batch_run_id(const struct store_batch *b);
/* Calls fn for each event of the batch in order, log lines too, with their seq. The event is
 * borrowed during the call. */
typedef void store_event_fn(void *ctx, const struct event *e);
void store_batch_events(const struct store_batch *b, store_event_fn *fn, void *ctx);

/* Gives space that removed rows have left back to the disk; waits for all that was submitted.
 * err database_locked where other processes do not let it. */
bool store_compact(struct store *s, struct err *err) must_use;

/* ---- Readers: connections of their own, each on one thread ---- */

bool store_reader_open(struct store *s, struct store_reader **ret, struct err *err) must_use;
void store_reader_close(struct store_reader *r);
static inline void store_reader_closep(struct store_reader **r)
{
    store_reader_close(*r);
}
#define auto_store_reader cleanup(store_reader_closep) struct store_reader

/* *ret_changed: whether any process may have written since the last call (true at the first).
 * Costs microseconds, so that a watcher can poll it. */
bool store_reader_changed(struct store_reader *r, bool *ret_changed, struct err *err) must_use;

#endif
