/* store_int: what the files of the store share: the batch's inside, the writer's view while it
 * applies one, the reader, and the mapping of structs to rows. */
#ifndef STORE_STORE_INT_H
#define STORE_STORE_INT_H
#include "base/vec.h"
#include "store/driver.h"
#include "store/tables.h"

/* ---- Batches ---- */

struct store_writer;
/* Runs on the writer's thread inside the transaction; may run a second time after a rollback. */
typedef bool store_apply(struct store_writer *w, void *payload, struct err *err);
struct store_op {
    store_apply *apply;
    void *payload; /* in the batch's arena */
};

/* Lines of one step, which become events with one seq after the other. */
struct log_append {
    int64_t asked_run; /* may be STORE_NEW_RUN; key.run_id is what it was found to be */
    struct store_step_key key;
    struct log_line *lines;
    size_t n;
};
/* One of the two; events in order for store_batch_events. */
struct batch_event {
    struct event *event;
    struct log_append *log;
};

struct store_batch {
    struct arena arena;
    VEC(struct store_op) ops;
    VEC(struct batch_event) events;
    bool creates_run;
    int64_t run_id; /* of the run that it creates, once applied */
    struct err err;
    store_done *done;
    void *ctx;
    size_t bytes;   /* as counted against the queue */
    uint64_t epoch; /* failures of the disk that its owner had heard of when it was submitted */
    struct store_batch *next;
};

/* In order of submission; linked through `next`. */
struct batch_list {
    struct store_batch *first, *last;
};
void batch_list_add(struct batch_list *l, struct store_batch *b);
struct store_batch *batch_list_take(struct batch_list *l); /* NULL where it is empty */

void *batch_payload(struct store_batch *b, size_t size);
void batch_add(struct store_batch *b, store_apply *apply, void *payload);
str batch_str(struct store_batch *b, str s);
struct store_step_key batch_key(struct store_batch *b, const struct store_step_key *key);
/* Memory of a batch counts against the queue's bounds. */
size_t batch_bytes(const struct store_batch *b);

/* ---- The writer, while it applies batches in one transaction ---- */

struct writer_seq {
    int64_t run_id, last;
};
struct writer_update {
    unsigned fields;
    struct db_stmt *stmt; /* the connection's */
};
struct store_writer {
    struct db *db;               /* owns */
    struct store_batch *batch;   /* the one being applied */
    uint64_t broken_epoch;       /* of the last batch that the disk failed; 0: none */
    struct err broken;           /* why */
    VEC(struct writer_seq) seqs; /* of runs, as of `moment` and what the transaction has added */
    uint64_t moment;             /* db_driver.moment after the last commit; 0: unknown */
    VEC(struct writer_update) step_updates;
};
/* Closes the connection, too. */
void writer_done(struct store_writer *w);
/* One commit for all, which are of one epoch; where that fails, one for each, so that what is wrong
 * meets its batch alone. Where the disk fails, all that follow of the epoch fail with it: their
 * owner takes what it submitted before for written. Each failed batch has its err. The order is
 * kept. */
void writer_commit(struct store_writer *w, struct batch_list *group);
/* The same without waiting for anybody, if that can be: false, and nothing has happened to the
 * database or the group, where another process writes, the disk has failed or wants upkeep, or
 * anything is wrong with a batch, which writer_commit then finds. */
bool writer_try(struct store_writer *w, const struct batch_list *group) must_use;
/* Whether the disk or what locks it failed, not what stands in the batch. */
bool writer_is_disk_failure(const struct err *err);
/* STORE_NEW_RUN becomes the id of the batch's run. */
bool writer_run_id(struct store_writer *w, int64_t run_id, int64_t *ret, struct err *err) must_use;
/* The error run_unknown; returns false. */
bool fail_run_unknown(struct err *err, int64_t run_id);
/* Reserves n seqs of the run; the first is returned. */
bool writer_take_seqs(struct store_writer *w, int64_t run_id, size_t n, int64_t *ret_first,
                      struct err *err) must_use;
/* The id of the step's row; step_unknown. */
bool writer_step_key(struct store_writer *w, const struct store_step_key *key, int64_t *ret,
                     struct err *err) must_use;

struct store_reader {
    struct db *db; /* owns */
    int64_t version;
    bool looked;
};
/* As writer_step_key, with STORE_LAST for attempt and try. */
bool reader_step_key(struct store_reader *r, const struct store_step_key *key, int64_t *ret,
                     struct err *err) must_use;
/* The same of the row that has the step's log: an earlier attempt's where this one kept it. */
bool reader_log_key(struct store_reader *r, const struct store_step_key *key, int64_t *ret,
                    struct err *err) must_use;

/* A copy of n elements in a. */
static inline void *list_keep(struct arena *a, const void *at, size_t n, size_t size)
{
    void *copy = arena_alloc(a, n * size);
    return n ? memcpy(copy, at, n * size) : copy;
}

/* ---- Structs and rows ---- */

enum column_kind {
    COL_INT,       /* int64_t */
    COL_INT_NULL,  /* int64_t, 0 is NULL */
    COL_OPTIONAL,  /* int64_t, NULL where the bool at has_offset is false */
    COL_FLAG,      /* bool */
    COL_TEXT,      /* str */
    COL_TEXT_NULL, /* str, empty is NULL */
    COL_RUN_STATUS,
    COL_STEP_STATUS,
    COL_STEP_TYPE,
    COL_OUTCOME,
    COL_CONCLUSION,
    COL_REASON,
};
struct column {
    enum column_kind kind;
    size_t offset, has_offset;
};
#define COLUMN(type, member, column_kind)        \
    {                                            \
        (column_kind), offsetof(type, member), 0 \
    }
/* One value for each column of the table, in its order. */
void row_bind(const struct column *columns, size_t n, const void *row, struct db_value *ret);
/* Reads n columns from `first` on; texts are copied to a. database_corrupt for unknown words. */
bool row_load(const struct column *columns, size_t n, const struct db_rows *rows, int first,
              struct arena *a, void *row, struct err *err) must_use;
/* One column that an update may set, when its flag is among the fields. */
struct update_column {
    unsigned flag;
    const char *name;
    struct column column;
};
/* Adds ", name = $k" for each column of the fields, k counting on from n_values. */
void row_add_set(const struct update_column *columns, size_t n, unsigned fields, struct buf *sql,
                 size_t n_values);
/* Their values, in the same order, behind the n_values that are there; the new number of them. */
size_t row_bind_set(const struct update_column *columns, size_t n, unsigned fields, const void *row,
                    struct db_value *values, size_t n_values);
/* Copies the texts of a row that was copied as a whole. */
void row_keep(const struct column *columns, size_t n, struct arena *a, void *row);

#endif
