/* The owner's thread fills `queue`; the writer's thread takes from it up to a group, commits it and
 * puts it into `done`; the owner's thread delivers. The lock guards those two lists, `writing` and
 * `stop`. Where the owner has turns, what one submits is first kept in `turn`: at its end the owner
 * writes it itself if the writer's thread has nothing to do, since going to sleep and waking each
 * other costs two threads more than the commit of a small record. */
#include "store/store.h"
#include "base/fd.h"
#include "store/migrate.h"
#include "store/store_int.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { TURN_GROUPS_MAX = 16 }; /* what callbacks submit, until the loop's other work has its turn */

struct store {
    char *path;
    struct store_options options;
    struct store_writer writer; /* the writer's thread's while `writing`, else the owner's */

    pthread_mutex_t lock;
    pthread_cond_t queued, finished;
    struct batch_list queue, done;
    bool writing; /* the writer's thread has a group */
    bool stop;

    pthread_t thread;
    bool has_thread;
    int wake_fd;
    /* The owner's: */
    uint64_t epoch;   /* counts failures of the disk that were delivered, from 1 */
    size_t bytes;     /* of batches not yet delivered */
    size_t in_flight; /* batches not yet delivered */
    bool is_full;
    bool has_turns;
    struct batch_list turn;
    size_t turn_bytes;
};

/* ---- Life-cycle ---- */

static bool open_connection(struct store *s, enum db_mode mode, struct db **ret, struct err *err)
{
    struct db_options o = {.mode = mode,
                           .sync_full = s->options.sync == STORE_SYNC_FULL,
                           .busy_ms = s->options.busy_ms ? s->options.busy_ms : STORE_BUSY_MS};
    return db_open(&db_sqlite, s->path, &o, ret, err);
}

static void store_free(struct store *s)
{
    writer_done(&s->writer);
    fd_close(&s->wake_fd);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->queued);
    pthread_cond_destroy(&s->finished);
    free(s->path);
    free(s);
}

static bool start_up(struct store *s, struct err *err)
{
    enum db_mode mode = s->options.read_only ? DB_READ : s->options.create ? DB_CREATE : DB_WRITE;
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->wake_fd < 0) {
        err_errno(err, "system_failed", errno, "no event descriptor for the store");
        err_hint(err, "raise the limit of open files: ulimit -n");
        return false;
    }
    return open_connection(s, mode, &s->writer.db, err) &&
           migrate(s->writer.db, s->path, store_migrations, store_migration_count,
                   !s->options.read_only, err);
}

bool store_open(const char *path, const struct store_options *options, struct store **ret,
                struct err *err)
{
    struct store *s = mem_zalloc(sizeof *s);
    s->path = str_dup(str_of(path));
    s->options = *options;
    s->wake_fd = -1;
    s->epoch = 1;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->queued, NULL);
    pthread_cond_init(&s->finished, NULL);
    if (!start_up(s, err)) {
        store_free(s);
        return false;
    }
    *ret = s;
    return true;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    store_flush(s);
    if (s->has_thread) {
        pthread_mutex_lock(&s->lock);
        s->stop = true;
        pthread_cond_signal(&s->queued);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->thread, NULL);
    }
    store_free(s);
}

/* ---- The writer's thread ---- */

static void take_group(struct batch_list *from, struct batch_list *ret)
{
    size_t bytes = 0;
    uint64_t epoch = from->first->epoch;
    while (from->first && from->first->epoch == epoch && bytes < STORE_GROUP_BYTES) {
        struct store_batch *b = batch_list_take(from);
        bytes += b->bytes;
        batch_list_add(ret, b);
    }
}

static void append(struct batch_list *to, const struct batch_list *from)
{
    if (to->last)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
}

/* As long as `done` holds something its owner was woken for it, or is taking it. */
static void hand_over(struct store *s, struct batch_list *group)
{
    uint64_t one = 1;
    bool wakes = !s->done.first;
    append(&s->done, group);
    if (!wakes)
        return;
    pthread_cond_signal(&s->finished);
    /* Fails only when the counter is full, and then the descriptor is readable already. */
    if (write(s->wake_fd, &one, sizeof one) < 0)
        return;
}

static void *write_loop(void *arg)
{
    struct store *s = arg;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        struct batch_list group = {0};
        while (!s->queue.first && !s->stop)
            pthread_cond_wait(&s->queued, &s->lock);
        if (!s->queue.first)
            break;
        take_group(&s->queue, &group);
        s->writing = true;
        pthread_mutex_unlock(&s->lock);
        writer_commit(&s->writer, &group);
        pthread_mutex_lock(&s->lock);
        s->writing = false;
        hand_over(s, &group);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* Signals are for the loop's thread. */
static bool start_thread(struct store *s, struct err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&s->thread, NULL, write_loop, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    s->has_thread = failed == 0;
    if (failed) {
        err_errno(err, "system_failed", failed, "no thread for the store");
        err_hint(err, "raise the limit of processes: ulimit -u");
    }
    return !failed;
}

/* ---- Submitting and delivering, on the owner's thread ---- */

/* What the turn has submitted goes to the writer's thread. */
static void give_turn(struct store *s)
{
    if (!s->turn.first)
        return;
    pthread_mutex_lock(&s->lock);
    append(&s->queue, &s->turn);
    pthread_mutex_unlock(&s->lock);
    pthread_cond_signal(&s->queued); /* it would wake only to wait for the lock */
    s->turn = (struct batch_list){0};
    s->turn_bytes = 0;
}

bool store_submit(struct store *s, struct store_batch *b, store_done *done, void *ctx,
                  struct err *err)
{
    if (s->options.read_only) {
        err_set(err, "database_read_only", "the database %s is opened for reading only", s->path);
        err_hint(err, "this command does not change runs");
        return false;
    }
    b->bytes = batch_bytes(b);
    if (s->in_flight && s->bytes + b->bytes > STORE_QUEUE_HARD_BYTES) {
        err_set(err, "queue_full", "over %d MiB wait to be written to %s",
                STORE_QUEUE_HARD_BYTES >> 20, s->path);
        err_hint(err, "its disk is too slow for what the steps print");
        return false;
    }
    if (!s->has_thread && !start_thread(s, err))
        return false;
    b->done = done;
    b->ctx = ctx;
    b->epoch = s->epoch;
    s->bytes += b->bytes;
    s->in_flight++;
    if (s->bytes > STORE_QUEUE_SOFT_BYTES)
        s->is_full = true;
    s->turn_bytes += b->bytes;
    batch_list_add(&s->turn, b);
    if (!s->has_turns || s->turn_bytes > STORE_TURN_BYTES)
        give_turn(s);
    return true;
}

bool store_is_full(const struct store *s)
{
    return s->is_full;
}

int store_wake_fd(const struct store *s)
{
    return s->wake_fd;
}

static struct store_batch *take_done(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    struct store_batch *b = batch_list_take(&s->done);
    pthread_mutex_unlock(&s->lock);
    return b;
}

static size_t deliver_done(struct store *s)
{
    size_t n = 0;
    for (struct store_batch *b; (b = take_done(s)); n++) {
        s->bytes -= b->bytes;
        s->in_flight--;
        if (s->bytes < STORE_QUEUE_SOFT_BYTES / 2)
            s->is_full = false;
        if (b->epoch == s->epoch && writer_is_disk_failure(&b->err))
            s->epoch++;
        if (b->done)
            b->done(b->ctx, b, err_is_set(&b->err) ? &b->err : NULL);
        store_batch_free(b);
    }
    return n;
}

size_t store_deliver(struct store *s)
{
    uint64_t count;
    /* Emptied first: what finishes from here on wakes again, or is taken at once. */
    if (s->has_thread && read(s->wake_fd, &count, sizeof count) < 0 && errno != EAGAIN)
        return 0;
    return deliver_done(s);
}

void store_set_turns(struct store *s, bool on)
{
    s->has_turns = on && s->options.sync == STORE_SYNC_NORMAL;
    give_turn(s);
}

/* What was submitted before this turn is delivered. */
static bool writer_is_idle(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    bool idle = !s->writing && !s->queue.first && !s->done.first;
    pthread_mutex_unlock(&s->lock);
    return idle;
}

void store_end_turn(struct store *s)
{
    for (int i = 0; i < TURN_GROUPS_MAX && s->turn.first && writer_is_idle(s); i++) {
        struct batch_list group = s->turn;
        if (group.first->epoch != group.last->epoch || !writer_try(&s->writer, &group))
            break;
        s->turn = (struct batch_list){0};
        s->turn_bytes = 0;
        pthread_mutex_lock(&s->lock);
        append(&s->done, &group);
        pthread_mutex_unlock(&s->lock);
        deliver_done(s);
    }
    give_turn(s);
}

static void wait_some(struct store *s)
{
    give_turn(s);
    pthread_mutex_lock(&s->lock);
    while (!s->done.first)
        pthread_cond_wait(&s->finished, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

void store_flush(struct store *s)
{
    while (s->in_flight) {
        wait_some(s);
        store_deliver(s);
    }
}

bool store_compact(struct store *s, struct err *err)
{
    auto_db *db = NULL;
    store_flush(s);
    return open_connection(s, DB_WRITE, &db, err) && db_driver_of(db)->compact(db, err);
}

struct commit_wait {
    bool finished;
    int64_t run_id;
    struct err err;
};

static void commit_done(void *ctx, struct store_batch *b, struct err *err)
{
    struct commit_wait *w = ctx;
    w->finished = true;
    w->run_id = b->run_id;
    if (err)
        err_move(&w->err, err);
}

bool store_commit(struct store *s, struct store_batch *b, int64_t *ret_run_id, struct err *err)
{
    struct commit_wait w = {0};
    if (s->is_full)
        store_flush(s);
    if (!store_submit(s, b, commit_done, &w, err)) {
        store_batch_free(b);
        return false;
    }
    while (!w.finished) {
        wait_some(s);
        store_deliver(s);
    }
    if (err_is_set(&w.err)) {
        err_move(err, &w.err);
        return false;
    }
    if (ret_run_id)
        *ret_run_id = w.run_id;
    return true;
}

/* ---- Readers ---- */

bool store_reader_open(struct store *s, struct store_reader **ret, struct err *err)
{
    struct db *db;
    if (!open_connection(s, DB_READ, &db, err))
        return false;
    struct store_reader *r = mem_zalloc(sizeof *r);
    r->db = db;
    *ret = r;
    return true;
}
